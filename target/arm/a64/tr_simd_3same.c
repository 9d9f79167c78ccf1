/* A64 Advanced SIMD: three registers of the same type, integer (DDI 0487, C4.1 "Advanced SIMD three same", "three same
 * extra" and their scalar forms). */
#include "target/arm/a64/tr_simd.h"

#define FORM_V(name, fn) \
    bool tr_##name##_v(struct a64 *t, u32 arr, u32 rm, u32 rn, u32 rd) \
    { \
        return v_do2(t, fn, arr, rm, rn, rd); \
    }
#define FORM_S(name, fn) \
    bool tr_##name##_s(struct a64 *t, u32 size, u32 rm, u32 rn, u32 rd) \
    { \
        return s_do2(t, fn, size, rm, rn, rd); \
    }
#define FN2(fn) static ir_ref fn(const struct vop *o, ir_ref n, ir_ref m)

static ir_ref v2(const struct vop *o, enum ir_opcode op, ir_ref a, ir_ref b)
{
    return ir_v2(o->ir, op, o->es, a, b, 0);
}
static ir_ref cmp(const struct vop *o, enum ir_cond cc, ir_ref a, ir_ref b)
{
    return ir_v2(o->ir, IR_vcmp, o->es, a, b, cc);
}
static ir_ref shr(const struct vop *o, bool is_signed, ir_ref a, unsigned n)
{
    return ir_v1(o->ir, is_signed ? IR_vsar : IR_vshr, o->es, a, n);
}

/* -- what is one op ------------------------------------------------------------------------------------------------ */

#define ONE_OP(fn, op) \
    FN2(fn) \
    { \
        return v2(o, op, n, m); \
    }
#define COMPARE(fn, cc) \
    FN2(fn) \
    { \
        return cmp(o, cc, n, m); \
    }
ONE_OP(f_add, IR_add)
ONE_OP(f_sub, IR_sub)
ONE_OP(f_smax, IR_vsmax)
ONE_OP(f_smin, IR_vsmin)
ONE_OP(f_umax, IR_vumax)
ONE_OP(f_umin, IR_vumin)
ONE_OP(f_sshl, IR_vsshl)
ONE_OP(f_ushl, IR_vushl)
COMPARE(f_cmgt, CC_SGT)
COMPARE(f_cmge, CC_SGE)
COMPARE(f_cmhi, CC_UGT)
COMPARE(f_cmhs, CC_UGE)
COMPARE(f_cmeq, CC_EQ)
COMPARE(f_cmtst, CC_TSTNE)

FORM_V(ADD, f_add)
FORM_S(ADD, f_add)
FORM_V(SUB, f_sub)
FORM_S(SUB, f_sub)
FORM_V(SMAX, f_smax)
FORM_V(SMIN, f_smin)
FORM_V(UMAX, f_umax)
FORM_V(UMIN, f_umin)
FORM_V(SSHL, f_sshl)
FORM_S(SSHL, f_sshl)
FORM_V(USHL, f_ushl)
FORM_S(USHL, f_ushl)
FORM_V(CMGT, f_cmgt)
FORM_S(CMGT, f_cmgt)
FORM_V(CMGE, f_cmge)
FORM_S(CMGE, f_cmge)
FORM_V(CMHI, f_cmhi)
FORM_S(CMHI, f_cmhi)
FORM_V(CMHS, f_cmhs)
FORM_S(CMHS, f_cmhs)
FORM_V(CMEQ, f_cmeq)
FORM_S(CMEQ, f_cmeq)
FORM_V(CMTST, f_cmtst)
FORM_S(CMTST, f_cmtst)

/* -- bitwise: fields q, rm, rn, rd ------------------------------------------------------------------------------- */

#define BITWISE(name, expr) \
    bool tr_##name##_v(struct a64 *t, u32 q, u32 rm, u32 rn, u32 rd) \
    { \
        struct ir *ir = t->ir; \
        ir_ref n = v_get(t, rn), m = v_get(t, rm); \
        v_put_q(t, rd, q, expr); \
        return true; \
    }
BITWISE(AND, ir_v2(ir, IR_and, 0, n, m, 0))
BITWISE(BIC, ir_v2(ir, IR_andn, 0, n, m, 0))
BITWISE(ORR, rn == rm ? n : ir_v2(ir, IR_or, 0, n, m, 0))
BITWISE(ORN, ir_v2(ir, IR_orn, 0, n, m, 0))
BITWISE(EOR, ir_v2(ir, IR_xor, 0, n, m, 0))
BITWISE(BSL, ir_vbsl(ir, v_get(t, rd), n, m))
BITWISE(BIT, ir_vbsl(ir, m, n, v_get(t, rd)))
BITWISE(BIF, ir_vbsl(ir, m, v_get(t, rd), n))

/* -- halving: no bit of n + m or n - m is lost, since n + m = 2(n & m) + (n ^ m) and n - m = (n ^ m) - 2(~n & m) --- */

static ir_ref half_xor(const struct vop *o, bool is_signed, ir_ref n, ir_ref m)
{
    return shr(o, is_signed, v2(o, IR_xor, n, m), 1);
}
static ir_ref hadd(const struct vop *o, bool is_signed, ir_ref n, ir_ref m)
{
    return v2(o, IR_add, v2(o, IR_and, n, m), half_xor(o, is_signed, n, m));
}
static ir_ref rhadd(const struct vop *o, bool is_signed, ir_ref n, ir_ref m)
{
    return v2(o, IR_sub, v2(o, IR_or, n, m), half_xor(o, is_signed, n, m));
}
static ir_ref hsub(const struct vop *o, bool is_signed, ir_ref n, ir_ref m)
{
    return v2(o, IR_sub, half_xor(o, is_signed, n, m), v2(o, IR_andn, m, n));
}

#define SIGNED_PAIR(fn, sname, uname) \
    static ir_ref s##fn(const struct vop *o, ir_ref n, ir_ref m) \
    { \
        return fn(o, true, n, m); \
    } \
    static ir_ref u##fn(const struct vop *o, ir_ref n, ir_ref m) \
    { \
        return fn(o, false, n, m); \
    } \
    FORM_V(sname, s##fn) \
    FORM_V(uname, u##fn)
SIGNED_PAIR(hadd, SHADD, UHADD)
SIGNED_PAIR(rhadd, SRHADD, URHADD)
SIGNED_PAIR(hsub, SHSUB, UHSUB)

/* -- saturating --------------------------------------------------------------------------------------------------- */

#define SATURATING(fn, op, exact) \
    FN2(fn) \
    { \
        ir_ref r = v2(o, op, n, m); \
        qc_differ(o, o->bits, r, v2(o, exact, n, m)); \
        return r; \
    }
SATURATING(f_sqadd, IR_vsqadd, IR_add)
SATURATING(f_uqadd, IR_vuqadd, IR_add)
SATURATING(f_sqsub, IR_vsqsub, IR_sub)
SATURATING(f_uqsub, IR_vuqsub, IR_sub)
FORM_V(SQADD, f_sqadd)
FORM_S(SQADD, f_sqadd)
FORM_V(UQADD, f_uqadd)
FORM_S(UQADD, f_uqadd)
FORM_V(SQSUB, f_sqsub)
FORM_S(SQSUB, f_sqsub)
FORM_V(UQSUB, f_uqsub)
FORM_S(UQSUB, f_uqsub)

/* Half the high half: bits of (n * m << k) + rounding >> (element - 1), less the saturation of min * min. add is 0 or
 * the rounding constant; with `minus` the product is subtracted from it. */
static ir_ref mulh(const struct vop *o, bool minus, u64 add, ir_ref n, ir_ref m)
{
    struct ir *ir = o->ir;
    unsigned es = o->es, w = es_bits(es);
    ir_ref half[2];
    for (unsigned hi = 0; hi < 2; hi++) {
        if (hi && o->bits <= 64) {
            half[1] = half[0];
            break;
        }
        ir_ref p = ir_v2(ir, IR_vmull, es, n, m, hi | 2);
        if (add) {
            ir_ref k = v_const(o, es + 1, add);
            p = ir_v2(ir, minus ? IR_sub : IR_add, es + 1, minus ? k : p, minus ? p : k, 0);
        }
        half[hi] = ir_v1(ir, IR_vshr, es + 1, p, w - 1);
    }
    return v_unzip(ir, es, 128, 0, half[0], half[1]);
}
/* min * min, and nothing else, comes out as min. */
static ir_ref mulh_saturated(const struct vop *o, ir_ref n, ir_ref m, u64 round)
{
    ir_ref r = mulh(o, false, round, n, m);
    ir_ref over = cmp(o, CC_EQ, r, v_const(o, o->es, es_min(o->es)));
    qc_any(o, o->bits, over);
    return v2(o, IR_xor, r, over);
}
static u64 mulh_round(const struct vop *o)
{
    return es_min(o->es) >> 1;
}
ir_ref v_sqdmulh(const struct vop *o, ir_ref n, ir_ref m)
{
    return mulh_saturated(o, n, m, 0);
}
ir_ref v_sqrdmulh(const struct vop *o, ir_ref n, ir_ref m)
{
    return mulh_saturated(o, n, m, mulh_round(o));
}
FORM_V(SQDMULH, v_sqdmulh)
FORM_S(SQDMULH, v_sqdmulh)
FORM_V(SQRDMULH, v_sqrdmulh)
FORM_S(SQRDMULH, v_sqrdmulh)

/* The accumulator has the product's weight, so rounding is the product's alone. A product of min stands for -min. */
ir_ref v_sqrdmlah(const struct vop *o, ir_ref n, ir_ref m)
{
    ir_ref d = v_rd(o), r = mulh(o, false, mulh_round(o), n, m);
    ir_ref over = cmp(o, CC_EQ, r, v_const(o, o->es, es_min(o->es)));
    ir_ref sum = ir_vbsl(o->ir, over, v2(o, IR_vsqsub, d, r), v2(o, IR_vsqadd, d, r));
    qc_differ(o, o->bits, sum, v2(o, IR_add, d, r));
    return sum;
}
ir_ref v_sqrdmlsh(const struct vop *o, ir_ref n, ir_ref m)
{
    ir_ref d = v_rd(o), r = mulh(o, true, mulh_round(o), n, m);
    ir_ref sum = v2(o, IR_vsqadd, d, r);
    qc_differ(o, o->bits, sum, v2(o, IR_add, d, r));
    return sum;
}
FORM_V(SQRDMLAH, v_sqrdmlah)
FORM_S(SQRDMLAH, v_sqrdmlah)
FORM_V(SQRDMLSH, v_sqrdmlsh)
FORM_S(SQRDMLSH, v_sqrdmlsh)

/* -- shifts by a register ---------------------------------------------------------------------------------------- */
/* Rounding adds the last bit shifted out, bit 0 of the shift by one less to the right. That bit is 0 for shifts to the
 * left, 127 too, thanks to the saturating byte addition. */

static ir_ref round_shift(const struct vop *o, bool is_signed, ir_ref n, ir_ref m)
{
    enum ir_opcode op = is_signed ? IR_vsshl : IR_vushl;
    ir_ref one = v_const(o, o->es, 1);
    ir_ref less = ir_v2(o->ir, IR_vsqadd, MO_8, m, one, 0);
    ir_ref last = v2(o, IR_and, v2(o, op, n, less), one);
    return v2(o, IR_add, v2(o, op, n, m), last);
}
FN2(f_srshl)
{
    return round_shift(o, true, n, m);
}
FN2(f_urshl)
{
    return round_shift(o, false, n, m);
}
FORM_V(SRSHL, f_srshl)
FORM_S(SRSHL, f_srshl)
FORM_V(URSHL, f_urshl)
FORM_S(URSHL, f_urshl)

/* Lanes, element size and kind for the helper; see helpers_simd.c. */
static ir_ref sat_key(const struct vop *o, unsigned kind)
{
    return ir_const(o->ir, o->es | (o->bits >> o->es >> 3) << 2 | kind << 8);
}
#define SAT_SHIFT(fn, kind) \
    FN2(fn) \
    { \
        return ir_call(o->ir, H_sat_shift, n, m, sat_key(o, kind), 0); \
    }
SAT_SHIFT(f_sqshl, 1)
SAT_SHIFT(f_uqshl, 0)
SAT_SHIFT(f_sqrshl, 3)
SAT_SHIFT(f_uqrshl, 2)
FORM_V(SQSHL, f_sqshl)
FORM_S(SQSHL, f_sqshl)
FORM_V(UQSHL, f_uqshl)
FORM_S(UQSHL, f_uqshl)
FORM_V(SQRSHL, f_sqrshl)
FORM_S(SQRSHL, f_sqrshl)
FORM_V(UQRSHL, f_uqrshl)
FORM_S(UQRSHL, f_uqrshl)

/* -- difference, product ----------------------------------------------------------------------------------------- */

FN2(f_sabd)
{
    return v2(o, IR_sub, f_smax(o, n, m), f_smin(o, n, m));
}
FN2(f_uabd)
{
    return v2(o, IR_sub, f_umax(o, n, m), f_umin(o, n, m));
}
FN2(f_saba)
{
    return v2(o, IR_add, v_rd(o), f_sabd(o, n, m));
}
FN2(f_uaba)
{
    return v2(o, IR_add, v_rd(o), f_uabd(o, n, m));
}
FORM_V(SABD, f_sabd)
FORM_V(UABD, f_uabd)
FORM_V(SABA, f_saba)
FORM_V(UABA, f_uaba)

ir_ref v_mul(const struct vop *o, ir_ref n, ir_ref m)
{
    return v2(o, IR_mul, n, m);
}
ir_ref v_mla(const struct vop *o, ir_ref n, ir_ref m)
{
    return v2(o, IR_add, v_rd(o), v_mul(o, n, m));
}
ir_ref v_mls(const struct vop *o, ir_ref n, ir_ref m)
{
    return v2(o, IR_sub, v_rd(o), v_mul(o, n, m));
}
FN2(f_pmul)
{
    return ir_call(o->ir, H_pmul, n, m, 0, 0);
}
FORM_V(MUL, v_mul)
FORM_V(MLA, v_mla)
FORM_V(MLS, v_mls)
FORM_V(PMUL, f_pmul)

/* -- pairs ------------------------------------------------------------------------------------------------------- */

#define PAIRWISE(name, op) \
    FN2(f_##name) \
    { \
        return v2(o, op, v_unzip(o->ir, o->es, o->bits, 0, n, m), v_unzip(o->ir, o->es, o->bits, 1, n, m)); \
    } \
    FORM_V(name, f_##name)
PAIRWISE(ADDP, IR_add)
PAIRWISE(SMAXP, IR_vsmax)
PAIRWISE(SMINP, IR_vsmin)
PAIRWISE(UMAXP, IR_vumax)
PAIRWISE(UMINP, IR_vumin)
