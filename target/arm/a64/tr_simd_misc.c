/* A64 Advanced SIMD: two registers, and sums across lanes, integer (DDI 0487, C4.1 "Advanced SIMD two-register
 * miscellaneous", "across lanes", "scalar pairwise"). */
#include "target/arm/a64/tr_simd.h"

#define FORM_V(name, fn) \
    bool tr_##name##_v(struct a64 *t, u32 arr, u32 rn, u32 rd) \
    { \
        return v_do1(t, fn, arr, rn, rd); \
    }
#define FORM_S(name, fn) \
    bool tr_##name##_s(struct a64 *t, u32 size, u32 rn, u32 rd) \
    { \
        return s_do1(t, fn, size, rn, rd); \
    }
#define FN1(fn) static ir_ref fn(const struct vop *o, ir_ref n)

static ir_ref v1(const struct vop *o, enum ir_opcode op, ir_ref a, u32 imm)
{
    return ir_v1(o->ir, op, o->es, a, imm);
}
static ir_ref v2(const struct vop *o, enum ir_opcode op, ir_ref a, ir_ref b)
{
    return ir_v2(o->ir, op, o->es, a, b, 0);
}

/* -- bytes reversed in groups ------------------------------------------------------------------------------------ */

static ir_ref reverse(const struct vop *o, unsigned group, ir_ref n)
{
    u8 pattern[16];
    for (unsigned i = 0; i < 16; i++) {
        pattern[i] = (u8)(i ^ (group - 1) ^ ((1u << o->es) - 1));
    }
    return ir_vshuf(o->ir, n, n, pattern);
}
FN1(f_rev64)
{
    return reverse(o, 8, n);
}
FN1(f_rev32)
{
    return reverse(o, 4, n);
}
FN1(f_rev16)
{
    return reverse(o, 2, n);
}
FORM_V(REV64, f_rev64)
FORM_V(REV32, f_rev32)
FORM_V(REV16, f_rev16)

/* -- bits -------------------------------------------------------------------------------------------------------- */

FN1(f_cnt)
{
    return v1(o, IR_vpopcnt, n, 0);
}
FN1(f_clz)
{
    return ir_call(o->ir, H_clz, n, ir_const(o->ir, o->es), 0, 0);
}
/* Leading sign copies: those of n ^ (n >> 1) less the sign itself. */
FN1(f_cls)
{
    ir_ref x = v2(o, IR_xor, n, v1(o, IR_vsar, n, es_bits(o->es)));
    return v2(o, IR_sub, f_clz(o, x), v_const(o, o->es, 1));
}
FORM_V(CNT, f_cnt)
FORM_V(CLZ, f_clz)
FORM_V(CLS, f_cls)

bool tr_NOT_v(struct a64 *t, u32 q, u32 rn, u32 rd)
{
    v_put_q(t, rd, q, ir_v1(t->ir, IR_not, 0, v_get(t, rn), 0));
    return true;
}
/* Nibbles are looked up reversed. */
bool tr_RBIT_v(struct a64 *t, u32 q, u32 rn, u32 rd)
{
    struct ir *ir = t->ir;
    ir_ref low = ir_const_v128(ir, 0x0f0f0f0f0f0f0f0f, 0x0f0f0f0f0f0f0f0f);
    ir_ref to_low = ir_const_v128(ir, 0x0e060a020c040800, 0x0f070b030d050901);
    ir_ref to_high = ir_const_v128(ir, 0xe060a020c0408000, 0xf070b030d0509010);
    ir_ref n = v_get(t, rn);
    ir_ref hi = ir_v2(ir, IR_vtbl, 0, to_high, ir_v2(ir, IR_and, 0, n, low, 0), 0);
    ir_ref lo = ir_v2(ir, IR_vtbl, 0, to_low, ir_v1(ir, IR_vshr, MO_8, n, 4), 0);
    v_put_q(t, rd, q, ir_v2(ir, IR_or, 0, hi, lo, 0));
    return true;
}

/* -- sign -------------------------------------------------------------------------------------------------------- */

FN1(f_abs)
{
    return v1(o, IR_vabs, n, 0);
}
FN1(f_neg)
{
    return v1(o, IR_neg, n, 0);
}
/* Only min stays min, and becomes max. */
static ir_ref saturate_min(const struct vop *o, ir_ref r)
{
    ir_ref over = ir_v2(o->ir, IR_vcmp, o->es, r, v_const(o, o->es, es_min(o->es)), CC_EQ);
    qc_any(o, o->bits, over);
    return v2(o, IR_xor, r, over);
}
FN1(f_sqabs)
{
    return saturate_min(o, f_abs(o, n));
}
/* min is its own negation. */
FN1(f_sqneg)
{
    return saturate_min(o, f_neg(o, n));
}
FORM_V(ABS, f_abs)
FORM_S(ABS, f_abs)
FORM_V(NEG, f_neg)
FORM_S(NEG, f_neg)
FORM_V(SQABS, f_sqabs)
FORM_S(SQABS, f_sqabs)
FORM_V(SQNEG, f_sqneg)
FORM_S(SQNEG, f_sqneg)

/* -- additions of the other sign --------------------------------------------------------------------------------- */

static ir_ref mixed_add(const struct vop *o, bool is_signed, ir_ref n)
{
    ir_ref key = ir_const(o->ir, o->es | (o->bits >> o->es >> 3) << 2 | (u32)is_signed << 8);
    return ir_call(o->ir, H_mixed_add, v_rd(o), n, key, 0);
}
FN1(f_suqadd)
{
    return mixed_add(o, true, n);
}
FN1(f_usqadd)
{
    return mixed_add(o, false, n);
}
FORM_V(SUQADD, f_suqadd)
FORM_S(SUQADD, f_suqadd)
FORM_V(USQADD, f_usqadd)
FORM_S(USQADD, f_usqadd)

/* -- comparisons with zero --------------------------------------------------------------------------------------- */

#define COMPARE_ZERO(name, cc, swap) \
    FN1(f_##name##_z) \
    { \
        ir_ref z = v_zero(o); \
        return ir_v2(o->ir, IR_vcmp, o->es, swap ? z : n, swap ? n : z, cc); \
    } \
    bool tr_##name##_vz(struct a64 *t, u32 arr, u32 rn, u32 rd) \
    { \
        return v_do1(t, f_##name##_z, arr, rn, rd); \
    } \
    bool tr_##name##_sz(struct a64 *t, u32 size, u32 rn, u32 rd) \
    { \
        return s_do1(t, f_##name##_z, size, rn, rd); \
    }
COMPARE_ZERO(CMGT, CC_SGT, false)
COMPARE_ZERO(CMGE, CC_SGE, false)
COMPARE_ZERO(CMEQ, CC_EQ, false)
COMPARE_ZERO(CMLE, CC_SGE, true)
COMPARE_ZERO(CMLT, CC_SGT, true)

/* -- pairs widened ----------------------------------------------------------------------------------------------- */

static ir_ref add_long_pairs(const struct vop *o, bool is_signed, ir_ref n)
{
    unsigned w = es_bits(o->es), wide = o->es + 1u;
    enum ir_opcode right = is_signed ? IR_vsar : IR_vshr;
    ir_ref even = ir_v1(o->ir, right, wide, ir_v1(o->ir, IR_vshl, wide, n, w), w);
    return ir_v2(o->ir, IR_add, wide, even, ir_v1(o->ir, right, wide, n, w), 0);
}
static ir_ref acc_long_pairs(const struct vop *o, bool is_signed, ir_ref n)
{
    return ir_v2(o->ir, IR_add, o->es + 1u, v_rd(o), add_long_pairs(o, is_signed, n), 0);
}
#define LONG_PAIRS(name, fn, is_signed) \
    FN1(f_##name) \
    { \
        return fn(o, is_signed, n); \
    } \
    FORM_V(name, f_##name)
LONG_PAIRS(SADDLP, add_long_pairs, true)
LONG_PAIRS(UADDLP, add_long_pairs, false)
LONG_PAIRS(SADALP, acc_long_pairs, true)
LONG_PAIRS(UADALP, acc_long_pairs, false)

/* -- narrowed, widened ------------------------------------------------------------------------------------------- */

bool tr_XTN_v(struct a64 *t, u32 arr, u32 rn, u32 rd)
{
    struct vop o = v_op(t, arr & 3, 128, rd);
    o.hi = arr >> 2;
    v_result_narrow(&o, ir_v1(t->ir, IR_vxtn, o.es + 1u, v_get(t, rn), 0));
    return true;
}
/* The result widened again tells whether it is exact. */
ir_ref v_sat_narrow(const struct vop *o, unsigned kind, unsigned bits, ir_ref n)
{
    ir_ref r = ir_v1(o->ir, IR_vqxtn, o->es + 1u, n, kind);
    qc_differ(o, bits, ir_v1(o->ir, IR_vxtl, o->es, r, kind & 2), n);
    return r;
}
#define SAT_NARROW(name, kind) \
    bool tr_##name##_v(struct a64 *t, u32 arr, u32 rn, u32 rd) \
    { \
        struct vop o = v_op(t, arr & 3, 128, rd); \
        o.hi = (u8)(arr >> 2); \
        v_result_narrow(&o, v_sat_narrow(&o, kind, 128, v_get(t, rn))); \
        return true; \
    } \
    bool tr_##name##_s(struct a64 *t, u32 size, u32 rn, u32 rd) \
    { \
        struct vop o = v_op(t, size, es_bits(size), rd); \
        v_result(&o, v_sat_narrow(&o, kind, 2 * es_bits(size), v_get(t, rn))); \
        return true; \
    }
SAT_NARROW(SQXTN, QXTN_S)
SAT_NARROW(UQXTN, QXTN_U)
SAT_NARROW(SQXTUN, QXTN_UN)

bool tr_SHLL_v(struct a64 *t, u32 arr, u32 rn, u32 rd)
{
    unsigned es = arr & 3;
    ir_ref wide = ir_v1(t->ir, IR_vxtl, es, v_get(t, rn), arr >> 2);
    v_put(t, rd, ir_v1(t->ir, IR_vshl, es + 1, wide, es_bits(es)));
    return true;
}

/* -- unsigned estimates ------------------------------------------------------------------------------------------ */

bool tr_URECPE_v(struct a64 *t, u32 q, u32 rn, u32 rd)
{
    v_put_q(t, rd, q, ir_call(t->ir, H_urecpe, v_get(t, rn), 0, 0, 0));
    return true;
}
bool tr_URSQRTE_v(struct a64 *t, u32 q, u32 rn, u32 rd)
{
    v_put_q(t, rd, q, ir_call(t->ir, H_ursqrte, v_get(t, rn), 0, 0, 0));
    return true;
}

/* -- across lanes: halves are folded onto each other ------------------------------------------------------------- */

/* The vector with the bytes from `from` on brought down. */
static ir_ref bring_down(struct ir *ir, ir_ref v, unsigned from)
{
    u8 pattern[16];
    for (unsigned i = 0; i < 16; i++) {
        pattern[i] = (u8)((i + from) & 15);
    }
    return ir_vshuf(ir, v, v, pattern);
}
static ir_ref reduce(struct ir *ir, enum ir_opcode op, unsigned es, ir_ref v, unsigned bytes)
{
    while ((bytes /= 2) >= 1u << es) {
        v = ir_v2(ir, op, es, v, bring_down(ir, v, bytes), 0);
    }
    return v;
}
#define ACROSS(name, op) \
    bool tr_##name(struct a64 *t, u32 arr, u32 rn, u32 rd) \
    { \
        unsigned es = arr & 3; \
        ir_ref v = reduce(t->ir, op, es, v_get(t, rn), arr & 4 ? 16 : 8); \
        v_put(t, rd, v_low(t->ir, v, es_bits(es))); \
        return true; \
    }
ACROSS(SMAXV, IR_vsmax)
ACROSS(SMINV, IR_vsmin)
ACROSS(UMAXV, IR_vumax)
ACROSS(UMINV, IR_vumin)

/* The sum of what CNT counted, which is how compilers count bits: less than 256, so the bytes of 64 bits add up in the
 * highest byte of a product. 0: that is not what n is. */
static ir_ref sum_of_counts(struct ir *ir, u32 arr, ir_ref n)
{
    ir_ref v = arr & 4 ? n : ir_vget(ir, IR_I64, MO_64, n, 0);
    const struct ir_op *op = &ir->ops[ir_is_const(v) ? 0 : v];
    if (op->op == IR_vget) {
        op = &ir->ops[ir_is_const(op->a) ? 0 : op->a];
    }
    if (op->op != IR_vpopcnt || (arr & 3)) {
        return 0;
    }
    if (arr & 4) {
        v = ir_vget(ir, IR_I64, MO_64, ir_v2(ir, IR_add, MO_8, n, bring_down(ir, n, 8), 0), 0);
    }
    v = ir_mul(ir, IR_I64, v, ir_const(ir, 0x0101010101010101));
    return ir_vzero_ext(ir, IR_I64, ir_shri(ir, IR_I64, v, 56));
}
bool tr_ADDV(struct a64 *t, u32 arr, u32 rn, u32 rd)
{
    unsigned es = arr & 3;
    ir_ref n = v_get(t, rn), count = sum_of_counts(t->ir, arr, n);
    v_put(t, rd, count ? count : v_low(t->ir, reduce(t->ir, IR_add, es, n, arr & 4 ? 16 : 8), es_bits(es)));
    return true;
}

static bool add_long_across(struct a64 *t, bool is_signed, u32 arr, u32 rn, u32 rd)
{
    struct vop o = v_op(t, arr & 3, 2 * es_bits(arr & 3), rd);
    ir_ref pairs = add_long_pairs(&o, is_signed, v_get(t, rn));
    v_result(&o, reduce(t->ir, IR_add, o.es + 1u, pairs, arr & 4 ? 16 : 8));
    return true;
}
bool tr_SADDLV(struct a64 *t, u32 arr, u32 rn, u32 rd)
{
    return add_long_across(t, true, arr, rn, rd);
}
bool tr_UADDLV(struct a64 *t, u32 arr, u32 rn, u32 rd)
{
    ir_ref count = sum_of_counts(t->ir, arr, v_get(t, rn));
    if (count) {
        v_put(t, rd, count);
        return true;
    }
    return add_long_across(t, false, arr, rn, rd);
}
bool tr_ADDP_s(struct a64 *t, u32 rn, u32 rd)
{
    v_put(t, rd, v_low(t->ir, reduce(t->ir, IR_add, MO_64, v_get(t, rn), 16), 64));
    return true;
}
