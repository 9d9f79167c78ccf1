/* A64 Advanced SIMD, float: three registers, by element, pairs, across lanes (DDI 0487, C4.1 "Advanced SIMD three
 * same", "three same (FP16)", "three same extra", "vector x indexed element", "scalar pairwise", "across lanes"). */
#include "target/arm/a64/tr_simd.h"

/* -- operands and results ---------------------------------------------------------------------------------------- */

struct vop fp_vector(struct a64 *t, unsigned es, unsigned bits, u32 rd)
{
    struct vop o = v_op(t, es, bits, rd);
    o.ty = IR_V128;
    o.sub = (u8)(fp_sub(t) | es);
    return o;
}
struct vop fp_scalar(struct a64 *t, unsigned es, u32 rd)
{
    struct vop o = v_op(t, es, es_bits(es), rd);
    o.ty = (u8)fp_type(es);
    o.sub = (u8)fp_sub(t);
    return o;
}
ir_ref fp_in(const struct vop *o, u32 rn)
{
    return o->ty == IR_V128 ? v_low(o->ir, v_get(o->t, rn), o->bits) : f_get(o->t, o->ty, rn);
}
void fp_result(const struct vop *o, ir_ref v)
{
    if (o->ty == IR_V128) {
        v_result(o, v);
    } else {
        f_put(o->t, o->ty, o->rd, v);
    }
}
ir_ref fp_op1(const struct vop *o, enum ir_opcode op, ir_ref a, u32 imm)
{
    return ir_fop1(o->ir, op, o->ty, o->sub, a, imm);
}
ir_ref fp_op2(const struct vop *o, enum ir_opcode op, ir_ref a, ir_ref b)
{
    return ir_fop2(o->ir, op, o->ty, o->sub, a, b);
}
ir_ref fp_elem(const struct vop *o, u32 elem)
{
    ir_ref v = v_get(o->t, elem & 31);
    return o->ty == IR_V128 ? v_dup_lane(o->ir, o->es, v, elem >> 5, o->bits)
                            : ir_vget(o->ir, o->ty, o->es, v, elem >> 5);
}
ir_ref fp_call1(const struct vop *o, enum fp1_kind kind, ir_ref n, unsigned fbits)
{
    u32 key = FPX_KEY(kind, o->es, o->bits >> o->es >> 3, fbits);
    return ir_call(o->ir, H_fp1, n, ir_const(o->ir, key), 0, 0);
}
ir_ref fp_call2(const struct vop *o, enum fp2_kind kind, ir_ref n, ir_ref m)
{
    u32 key = FPX_KEY(kind, o->es, o->bits >> o->es >> 3, 0);
    return ir_call(o->ir, H_fp2, n, m, ir_const(o->ir, key), 0);
}

/* -- forms: fa is Q:sz; the h forms are half precision ----------------------------------------------------------- */

static unsigned fa_es(u32 fa)
{
    return MO_32 + (fa & 1);
}
static unsigned q_bits(u32 q)
{
    return q ? 128 : 64;
}
static bool do_v(struct a64 *t, vfn2 f, unsigned es, u32 q, u32 rm, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, es, q_bits(q), rd);
    fp_result(&o, f(&o, fp_in(&o, rn), fp_in(&o, rm)));
    return true;
}
/* Scalars of functions that exist for vectors only. */
static bool do_low(struct a64 *t, vfn2 f, unsigned es, u32 rm, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, es, es_bits(es), rd);
    fp_result(&o, f(&o, fp_in(&o, rn), fp_in(&o, rm)));
    return true;
}
static bool do_s(struct a64 *t, vfn2 f, unsigned es, u32 rm, u32 rn, u32 rd)
{
    struct vop o = fp_scalar(t, es, rd);
    fp_result(&o, f(&o, fp_in(&o, rn), fp_in(&o, rm)));
    return true;
}
#define FORM_V(name, fn) \
    bool tr_##name##_v(struct a64 *t, u32 fa, u32 rm, u32 rn, u32 rd) \
    { \
        return do_v(t, fn, fa_es(fa), fa >> 1, rm, rn, rd); \
    } \
    bool tr_##name##_vh(struct a64 *t, u32 q, u32 rm, u32 rn, u32 rd) \
    { \
        return do_v(t, fn, MO_16, q, rm, rn, rd); \
    }
#define FORM_S(name, form, fn) \
    bool tr_##name##_s(struct a64 *t, u32 sz, u32 rm, u32 rn, u32 rd) \
    { \
        return form(t, fn, MO_32 + sz, rm, rn, rd); \
    } \
    bool tr_##name##_sh(struct a64 *t, u32 rm, u32 rn, u32 rd) \
    { \
        return form(t, fn, MO_16, rm, rn, rd); \
    }
#define FN2(fn) static ir_ref fn(const struct vop *o, ir_ref n, ir_ref m)

/* -- arithmetic -------------------------------------------------------------------------------------------------- */

#define ARITH(name, op) \
    FN2(f_##name) \
    { \
        return fp_op2(o, op, n, m); \
    } \
    FORM_V(name, f_##name)
ARITH(FADD, IR_fadd)
ARITH(FSUB, IR_fsub)
ARITH(FMUL, IR_fmul)
ARITH(FMAX, IR_fmax)
ARITH(FMIN, IR_fmin)
ARITH(FMAXNM, IR_fmaxnm)
ARITH(FMINNM, IR_fminnm)

/* Lanes past the width divide by one. */
FN2(f_fdiv)
{
    if (o->bits < 128) {
        u64 one = fp_expand_imm(o->es, 0x70);
        one |= o->es == MO_16 ? one << 16 : 0;
        m = ir_vset(o->ir, MO_64, m, 1, ir_const(o->ir, one | one << 32));
    }
    return fp_op2(o, IR_fdiv, n, m);
}
FORM_V(FDIV, f_fdiv)

FN2(f_fmla)
{
    return ir_fma(o->ir, o->ty, o->sub, n, m, fp_in(o, o->rd), 0);
}
FN2(f_fmls)
{
    return ir_fma(o->ir, o->ty, o->sub, n, m, fp_in(o, o->rd), FMA_NEG_PRODUCT);
}
FN2(f_fabd)
{
    return fp_op1(o, IR_fabs, fp_op2(o, IR_fsub, n, m), 0);
}
FN2(f_fmulx)
{
    return fp_call2(o, FP2_MULX, n, m);
}
FN2(f_frecps)
{
    return fp_call2(o, FP2_RECPS, n, m);
}
FN2(f_frsqrts)
{
    return fp_call2(o, FP2_RSQRTS, n, m);
}
FORM_V(FMLA, f_fmla)
FORM_V(FMLS, f_fmls)
FORM_V(FABD, f_fabd)
FORM_S(FABD, do_s, f_fabd)
FORM_V(FMULX, f_fmulx)
FORM_S(FMULX, do_low, f_fmulx)
FORM_V(FRECPS, f_frecps)
FORM_S(FRECPS, do_low, f_frecps)
FORM_V(FRSQRTS, f_frsqrts)
FORM_S(FRSQRTS, do_low, f_frsqrts)

/* -- comparisons ------------------------------------------------------------------------------------------------- */

static ir_ref magnitude(const struct vop *o, ir_ref v)
{
    return fp_op1(o, IR_fabs, v, 0);
}
#define COMPARE(name, cc, of) \
    FN2(f_##name) \
    { \
        return ir_v2(o->ir, IR_vfcmp, o->sub, of(n), of(m), cc); \
    } \
    FORM_V(name, f_##name) \
    FORM_S(name, do_low, f_##name)
#define AS_IS(v)  (v)
#define MAG_OF(v) magnitude(o, v)
COMPARE(FCMEQ, FC_EQ, AS_IS)
COMPARE(FCMGE, FC_GT | FC_EQ | FC_SIGNAL, AS_IS)
COMPARE(FCMGT, FC_GT | FC_SIGNAL, AS_IS)
COMPARE(FACGE, FC_GT | FC_EQ | FC_SIGNAL, MAG_OF)
COMPARE(FACGT, FC_GT | FC_SIGNAL, MAG_OF)

/* -- pairs ------------------------------------------------------------------------------------------------------- */

static bool pairs_v(struct a64 *t, enum ir_opcode op, unsigned es, u32 q, u32 rm, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, es, q_bits(q), rd);
    ir_ref n = v_get(t, rn), m = v_get(t, rm);
    fp_result(&o, fp_op2(&o, op, v_unzip(t->ir, es, o.bits, 0, n, m), v_unzip(t->ir, es, o.bits, 1, n, m)));
    return true;
}
static bool pair_s(struct a64 *t, enum ir_opcode op, unsigned es, u32 rn, u32 rd)
{
    struct vop o = fp_scalar(t, es, rd);
    fp_result(&o, fp_op2(&o, op, fp_elem(&o, rn), fp_elem(&o, rn | 1 << 5)));
    return true;
}
#define PAIRS(name, op) \
    bool tr_##name##_v(struct a64 *t, u32 fa, u32 rm, u32 rn, u32 rd) \
    { \
        return pairs_v(t, op, fa_es(fa), fa >> 1, rm, rn, rd); \
    } \
    bool tr_##name##_vh(struct a64 *t, u32 q, u32 rm, u32 rn, u32 rd) \
    { \
        return pairs_v(t, op, MO_16, q, rm, rn, rd); \
    } \
    bool tr_##name##_s(struct a64 *t, u32 sz, u32 rn, u32 rd) \
    { \
        return pair_s(t, op, MO_32 + sz, rn, rd); \
    } \
    bool tr_##name##_sh(struct a64 *t, u32 rn, u32 rd) \
    { \
        return pair_s(t, op, MO_16, rn, rd); \
    }
PAIRS(FADDP, IR_fadd)
PAIRS(FMAXP, IR_fmax)
PAIRS(FMINP, IR_fmin)
PAIRS(FMAXNMP, IR_fmaxnm)
PAIRS(FMINNMP, IR_fminnm)

/* Neighbours first, as Reduce() of the manual: the order decides between NaNs. Lanes repeat, none is made up. */
static bool across(struct a64 *t, enum ir_opcode op, unsigned es, unsigned bits, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, es, bits, rd);
    ir_ref v = fp_in(&o, rn);
    for (unsigned n = bits / es_bits(es); n > 1; n /= 2) {
        v = fp_op2(&o, op, v_unzip(t->ir, es, bits, 0, v, v), v_unzip(t->ir, es, bits, 1, v, v));
    }
    v_put(t, rd, v_low(t->ir, v, es_bits(es)));
    return true;
}
#define ACROSS(name, op) \
    bool tr_##name(struct a64 *t, u32 rn, u32 rd) \
    { \
        return across(t, op, MO_32, 128, rn, rd); \
    } \
    bool tr_##name##_h(struct a64 *t, u32 q, u32 rn, u32 rd) \
    { \
        return across(t, op, MO_16, q_bits(q), rn, rd); \
    }
ACROSS(FMAXV, IR_fmax)
ACROSS(FMINV, IR_fmin)
ACROSS(FMAXNMV, IR_fmaxnm)
ACROSS(FMINNMV, IR_fminnm)

/* -- by element -------------------------------------------------------------------------------------------------- */

static bool elem_v(struct a64 *t, vfn2 f, unsigned es, u32 q, u32 elem, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, es, q_bits(q), rd);
    fp_result(&o, f(&o, fp_in(&o, rn), fp_elem(&o, elem)));
    return true;
}
static bool elem_s(struct a64 *t, vfn2 f, bool low, unsigned es, u32 elem, u32 rn, u32 rd)
{
    struct vop o = low ? fp_vector(t, es, es_bits(es), rd) : fp_scalar(t, es, rd);
    fp_result(&o, f(&o, fp_in(&o, rn), fp_elem(&o, elem)));
    return true;
}
/* An index of doublewords has no L. */
#define ELEM(name, fn, low) \
    bool tr_##name##_ve(struct a64 *t, u32 fa, u32 l, u32 m, u32 rm, u32 h, u32 rn, u32 rd) \
    { \
        unsigned es = fa_es(fa); \
        return !(l && es == MO_64) && elem_v(t, fn, es, fa >> 1, v_elem(es, l, m, rm, h), rn, rd); \
    } \
    bool tr_##name##_veh(struct a64 *t, u32 q, u32 l, u32 m, u32 rm, u32 h, u32 rn, u32 rd) \
    { \
        return elem_v(t, fn, MO_16, q, v_elem(MO_16, l, m, rm, h), rn, rd); \
    } \
    bool tr_##name##_se(struct a64 *t, u32 sz, u32 l, u32 m, u32 rm, u32 h, u32 rn, u32 rd) \
    { \
        return !(l && sz) && elem_s(t, fn, low, MO_32 + sz, v_elem(MO_32 + sz, l, m, rm, h), rn, rd); \
    } \
    bool tr_##name##_seh(struct a64 *t, u32 l, u32 m, u32 rm, u32 h, u32 rn, u32 rd) \
    { \
        return elem_s(t, fn, low, MO_16, v_elem(MO_16, l, m, rm, h), rn, rd); \
    }
ELEM(FMUL, f_FMUL, false)
ELEM(FMLA, f_fmla, false)
ELEM(FMLS, f_fmls, false)
ELEM(FMULX, f_fmulx, true)
