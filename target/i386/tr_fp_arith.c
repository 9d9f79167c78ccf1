/* Float arithmetic of SSE and AVX: sums, products, roots, extremes, estimates, rounding, sums across lanes (SDM volume
 * 1, 10.4.1.2, 11.4.1.2, 12.3.3 and 12.8.4). */
#include "target/i386/tr_fp.h"

/* -- two operands -----------------------------------------------------------------------------------------------------
 */

static bool packed(struct x86 *t, enum ir_opcode op, unsigned es)
{
    ir_ref a[2], b[2], r[2];
    if (!vec_ok(t)) {
        return false;
    }
    fp_operand(t, 1, a);
    fp_operand(t, 2, b);
    fp_begin(t);
    for (unsigned h = 0; h < vec_halves(t); h++) {
        r[h] = ir_fop2(t->ir, op, IR_V128, es | fp_sub(t), a[h], b[h]);
    }
    fp_end(t);
    fp_result(t, r);
    return true;
}
static bool scalar(struct x86 *t, enum ir_opcode op)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref a = vec_get(t, 1, 0), b = vec_get(t, 2, 0);
    fp_begin(t);
    ir_ref r = ir_fop2(t->ir, op, IR_V128, fp_es(t) | FP_LOW | fp_sub(t), a, b);
    fp_end(t);
    vec_put(t, 0, 0, r);
    vec_done(t, 0);
    return true;
}
#define ARITH(name, op) \
    bool tr_##name##p(struct x86 *t) \
    { \
        return packed(t, op, fp_es(t)); \
    } \
    bool tr_##name##s(struct x86 *t) \
    { \
        return scalar(t, op); \
    }
ARITH(add, IR_fadd)
ARITH(sub, IR_fsub)
ARITH(mul, IR_fmul)
ARITH(div, IR_fdiv)
ARITH(min, IR_fminc)
ARITH(max, IR_fmaxc)

/* -- one operand ------------------------------------------------------------------------------------------------------
 */

static bool packed1(struct x86 *t, enum ir_opcode op, unsigned es, u32 imm)
{
    ir_ref a[2], r[2];
    if (!vec_ok(t)) {
        return false;
    }
    fp_operand(t, 1, a);
    fp_begin(t);
    for (unsigned h = 0; h < vec_halves(t); h++) {
        r[h] = ir_fop1(t->ir, op, IR_V128, es | fp_sub(t), a[h], imm);
    }
    fp_end(t);
    fp_result(t, r);
    return true;
}
/* The lane is the last operand's, what is above it the first source's: the same register, mostly. */
static bool scalar1(struct x86 *t, enum ir_opcode op, unsigned es, u32 imm)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref to = vec_get(t, 1, 0), a = vec_get(t, 2, 0);
    fp_begin(t);
    ir_ref r = ir_fop1(t->ir, op, IR_V128, es | FP_LOW | fp_sub(t), a, imm);
    fp_end(t);
    if (a == to) {
        vec_put(t, 0, 0, r);
        vec_done(t, 0);
    } else {
        fp_result_low(t, es, to, r);
    }
    return true;
}
bool tr_sqrtp(struct x86 *t)
{
    return packed1(t, IR_fsqrt, fp_es(t), 0);
}
bool tr_sqrts(struct x86 *t)
{
    return scalar1(t, IR_fsqrt, fp_es(t), 0);
}
bool tr_rcpps(struct x86 *t)
{
    return packed1(t, IR_frcpe, MO_32, 0);
}
bool tr_rcpss(struct x86 *t)
{
    return scalar1(t, IR_frcpe, MO_32, 0);
}
bool tr_rsqrtps(struct x86 *t)
{
    return packed1(t, IR_frsqe, MO_32, 0);
}
bool tr_rsqrtss(struct x86 *t)
{
    return scalar1(t, IR_frsqe, MO_32, 0);
}

/* imm8: bit 2 MXCSR's rounding, bit 3 no precision exception. */
static u32 round_of(const struct x86 *t)
{
    static const u8 fpr[4] = {FPR_NEAREST, FPR_DOWN, FPR_UP, FPR_ZERO};
    u64 imm = t->in.imm;
    return (imm & 4 ? (u32)FPR_CURRENT : fpr[imm & 3]) | (imm & 8 ? 0 : (u32)FPR_EXACT);
}
bool tr_roundp(struct x86 *t)
{
    return packed1(t, IR_fround, MO_32 + (t->in.opcode & 1u), round_of(t));
}
bool tr_rounds(struct x86 *t)
{
    return scalar1(t, IR_fround, MO_32 + (t->in.opcode & 1u), round_of(t));
}

/* -- across lanes -----------------------------------------------------------------------------------------------------
 */

static unsigned es_of_pair(const struct x86 *t) /* of these F2 is PS */
{
    return t->in.row->pp == PP_66 ? MO_64 : MO_32;
}
bool tr_addsubp(struct x86 *t)
{
    return packed(t, IR_faddsub, es_of_pair(t));
}

/* Lanes k, k + 2 and so on of a and then of b. */
static ir_ref every_other(struct x86 *t, unsigned es, unsigned k, ir_ref a, ir_ref b)
{
    u8 pattern[16];
    for (unsigned i = 0; i < 16; i++) {
        pattern[i] = (u8)((2 * (i >> es) + k) << es | (i & MASK(es)));
    }
    return ir_vshuf(t->ir, a, b, pattern);
}
static bool horizontal(struct x86 *t, enum ir_opcode op)
{
    ir_ref a[2], b[2], r[2];
    unsigned es = es_of_pair(t);
    if (!vec_ok(t)) {
        return false;
    }
    fp_operand(t, 1, a);
    fp_operand(t, 2, b);
    fp_begin(t);
    for (unsigned h = 0; h < vec_halves(t); h++) {
        ir_ref even = every_other(t, es, 0, a[h], b[h]), odd = every_other(t, es, 1, a[h], b[h]);
        r[h] = ir_fop2(t->ir, op, IR_V128, es | fp_sub(t), even, odd);
    }
    fp_end(t);
    fp_result(t, r);
    return true;
}
bool tr_haddp(struct x86 *t)
{
    return horizontal(t, IR_fadd);
}
bool tr_hsubp(struct x86 *t)
{
    return horizontal(t, IR_fsub);
}

/* Lanes of v whose bit is set, zeros elsewhere. */
static ir_ref lanes_of(struct x86 *t, unsigned es, u64 bits, ir_ref v)
{
    union v128 m = {.d = {0, 0}};
    for (unsigned i = 0; i < 16; i++) {
        m.b[i] = bits >> (i >> es) & 1 ? 0xff : 0;
    }
    return ir_v2(t->ir, IR_and, 0, v, ir_const_v128(t->ir, m.d[0], m.d[1]), 0);
}
static ir_ref neighbours_swapped(struct x86 *t, unsigned es, unsigned distance, ir_ref v)
{
    u8 pattern[16];
    for (unsigned i = 0; i < 16; i++) {
        pattern[i] = (u8)(i ^ distance << es);
    }
    return ir_vshuf(t->ir, v, v, pattern);
}
/* Lane 0 of v in those lanes. */
static ir_ref to_lanes(struct x86 *t, unsigned es, u64 bits, ir_ref v)
{
    u8 pattern[16];
    for (unsigned i = 0; i < 16; i++) {
        pattern[i] = (u8)(bits >> (i >> es) & 1 ? i & MASK(es) : 0x80);
    }
    return ir_vshuf(t->ir, v, v, pattern);
}
/* imm8: bits 7:4 which products count, bits 3:0 where their sum goes. Products that do not count are zeros' products:
 * they raise nothing. All lanes of the sum add the same numbers, lane 0 in the right order. */
static bool dot_product(struct x86 *t, unsigned es)
{
    ir_ref a[2], b[2];
    u64 imm = t->in.imm;
    if (!vec_ok(t)) {
        return false;
    }
    fp_operand(t, 1, a);
    fp_operand(t, 2, b);
    fp_begin(t);
    unsigned sub = es | fp_sub(t), n = vec_halves(t);
    for (unsigned h = 0; h < n; h++) {
        ir_ref x = lanes_of(t, es, imm >> 4, a[h]), y = lanes_of(t, es, imm >> 4, b[h]);
        a[h] = ir_fop2(t->ir, IR_fmul, IR_V128, sub, x, y);
    }
    for (unsigned step = 1; step < 16u >> es; step *= 2) {
        fp_end(t);
        for (unsigned h = 0; h < n; h++) {
            a[h] = ir_fop2(t->ir, IR_fadd, IR_V128, sub, a[h], neighbours_swapped(t, es, step, a[h]));
        }
    }
    fp_end(t);
    for (unsigned h = 0; h < n; h++) {
        a[h] = to_lanes(t, es, imm, a[h]);
    }
    fp_result(t, a);
    return true;
}
bool tr_dpps(struct x86 *t)
{
    return dot_product(t, MO_32);
}
bool tr_dppd(struct x86 *t)
{
    return dot_product(t, MO_64);
}
