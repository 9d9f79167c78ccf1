/* Shifts of vectors: by an immediate, by one count for all, by a count in each element, by bytes; bit fields of SSE4A
 * (SDM volume 1, 11.4.1 and 14.6; APM volume 4). */
#include "target/i386/vec.h"

/* -- by an immediate --------------------------------------------------------------------------------------------------
 */

static ir_ref by_immediate(struct x86 *t, enum ir_opcode op, ir_ref a)
{
    unsigned es = row_es(t), w = 8u << es, n = (unsigned)t->in.imm & 0xff;
    if (op == IR_vsar) {
        return ir_v1(t->ir, op, es, a, MIN(n, w - 1));
    }
    return n >= w ? vec_zero(t) : ir_v1(t->ir, op, es, a, n);
}
VEC1(psll_imm, return by_immediate(t, IR_vshl, a);)
VEC1(psrl_imm, return by_immediate(t, IR_vshr, a);)
VEC1(psra_imm, return by_immediate(t, IR_vsar, a);)

/* -- by the low 64 bits of an operand ---------------------------------------------------------------------------------
 */

static bool by_count(struct x86 *t, enum ir_opcode op)
{
    unsigned es = row_es(t);
    if (row_is_mmx(t)) {
        if (!mmx_ok(t)) {
            return false;
        }
        ir_ref n = mmx_get_vec(t, 1), r = ir_v2(t->ir, op, es, mmx_get_vec(t, 0), n, 0);
        mmx_put(t, 0, ir_vget(t->ir, IR_I64, 3, r, 0));
        return true;
    }
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref n = vec_get(t, 2, 0);
    for (unsigned h = 0; h < vec_halves(t); h++) {
        vec_put(t, 0, h, ir_v2(t->ir, op, es, vec_get(t, 1, h), n, 0));
    }
    vec_done(t, 0);
    return true;
}
bool tr_psll(struct x86 *t)
{
    return by_count(t, IR_vshl_all);
}
bool tr_psrl(struct x86 *t)
{
    return by_count(t, IR_vshr_all);
}
bool tr_psra(struct x86 *t)
{
    return by_count(t, IR_vsar_all);
}

/* -- by a count in each element ---------------------------------------------------------------------------------------
 */

VEC2(vpsllv, return ir_v2(t->ir, IR_vshlv, row_es(t), a, b, 0);)
VEC2(vpsrlv, return ir_v2(t->ir, IR_vshrv, row_es(t), a, b, 0);)
VEC2(vpsravd, return ir_v2(t->ir, IR_vsarv, row_es(t), a, b, 0);)

/* -- by bytes ---------------------------------------------------------------------------------------------------------
 */

VEC1(pslldq, {
    unsigned n = MIN((unsigned)t->in.imm & 0xff, 16u);
    u8 p[16];
    for (unsigned i = 0; i < 16; i++) {
        p[i] = (u8)(i < n ? 0x80 : i - n);
    }
    return ir_vshuf(t->ir, a, a, p);
})
VEC1(psrldq, {
    unsigned n = MIN((unsigned)t->in.imm & 0xff, 16u);
    u8 p[16];
    for (unsigned i = 0; i < 16; i++) {
        p[i] = (u8)(i + n < 16 ? i + n : 0x80);
    }
    return ir_vshuf(t->ir, a, a, p);
})

/* -- SSE4A: fields of the low 64 bits; a length of 0 means 64 ---------------------------------------------------------
 */

static ir_ref low(struct x86 *t, unsigned i)
{
    return ir_vget(t->ir, IR_I64, 3, vec_get(t, i, 0), 0);
}
static void put_low(struct x86 *t, ir_ref v)
{
    vec_put(t, 0, 0, ir_vzero_ext(t->ir, IR_I64, v)); /* what lies above is undefined */
}
/* Ones in the low `length` bits, which is 6 bits. */
static ir_ref mask_of(struct x86 *t, ir_ref length)
{
    ir_ref minus = ir_op1(t->ir, IR_neg, IR_I64, length);
    return ir_shr(t->ir, IR_I64, ir_const(t->ir, ~0ull), ir_andi(t->ir, IR_I64, minus, 63));
}
static ir_ref extract(struct x86 *t, ir_ref v, ir_ref length, ir_ref at)
{
    return ir_and(t->ir, IR_I64, ir_shr(t->ir, IR_I64, v, at), mask_of(t, length));
}
static ir_ref insert(struct x86 *t, ir_ref into, ir_ref v, ir_ref length, ir_ref at)
{
    struct ir *ir = t->ir;
    ir_ref mask = mask_of(t, length);
    v = ir_shl(ir, IR_I64, ir_and(ir, IR_I64, v, mask), at);
    return ir_or(ir, IR_I64, ir_andn(ir, IR_I64, into, ir_shl(ir, IR_I64, mask, at)), v);
}
static ir_ref six_bits(struct x86 *t, u64 v)
{
    return ir_const(t->ir, v & 63);
}

bool tr_extrq_imm(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    put_low(t, extract(t, low(t, 0), six_bits(t, t->in.imm), six_bits(t, t->in.imm2)));
    return true;
}
bool tr_extrq(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref c = low(t, 1);
    put_low(t, extract(t, low(t, 0), ir_andi(t->ir, IR_I64, c, 63), ir_extract(t->ir, IR_I64, c, 8, 6)));
    return true;
}
bool tr_insertq_imm(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    put_low(t, insert(t, low(t, 0), low(t, 1), six_bits(t, t->in.imm), six_bits(t, t->in.imm2)));
    return true;
}
bool tr_insertq(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref c = ir_vget(t->ir, IR_I64, 3, vec_get(t, 1, 0), 1);
    ir_ref length = ir_andi(t->ir, IR_I64, c, 63), at = ir_extract(t->ir, IR_I64, c, 8, 6);
    put_low(t, insert(t, low(t, 0), low(t, 1), length, at));
    return true;
}
