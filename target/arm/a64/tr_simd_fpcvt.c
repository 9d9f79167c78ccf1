/* A64 Advanced SIMD, float: two registers and conversions (DDI 0487, C4.1 "Advanced SIMD two-register miscellaneous",
 * the same "(FP16)", their scalar forms, and the conversions of "shift by immediate"). */
#include "target/arm/a64/tr_simd.h"

/* -- forms: fa is Q:sz ------------------------------------------------------------------------------------------- */

typedef ir_ref (*fp_fn)(const struct vop *o, ir_ref n, unsigned arg);

static bool do_v(struct a64 *t, fp_fn f, unsigned arg, unsigned es, u32 q, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, es, q ? 128 : 64, rd);
    fp_result(&o, f(&o, fp_in(&o, rn), arg));
    return true;
}
/* Scalars of functions that exist for vectors only. */
static bool do_low(struct a64 *t, fp_fn f, unsigned arg, unsigned es, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, es, es_bits(es), rd);
    fp_result(&o, f(&o, fp_in(&o, rn), arg));
    return true;
}
#define FORM_V(name, fn, arg) \
    bool tr_##name##_v(struct a64 *t, u32 fa, u32 rn, u32 rd) \
    { \
        return do_v(t, fn, arg, MO_32 + (fa & 1), fa >> 1, rn, rd); \
    }
#define FORM_VH(name, fn, arg) \
    bool tr_##name##_vh(struct a64 *t, u32 q, u32 rn, u32 rd) \
    { \
        return do_v(t, fn, arg, MO_16, q, rn, rd); \
    }
#define FORM_S(name, form, fn, arg) \
    bool tr_##name##_s(struct a64 *t, u32 sz, u32 rn, u32 rd) \
    { \
        return form(t, fn, arg, MO_32 + sz, rn, rd); \
    } \
    bool tr_##name##_sh(struct a64 *t, u32 rn, u32 rd) \
    { \
        return form(t, fn, arg, MO_16, rn, rd); \
    }
#define FN(fn) static ir_ref fn(const struct vop *o, ir_ref n, unsigned arg)

/* -- signs, roots, integral values ------------------------------------------------------------------------------- */

FN(f_abs)
{
    return fp_op1(o, IR_fabs, n, arg);
}
FN(f_neg)
{
    return fp_op1(o, IR_fneg, n, arg);
}
FN(f_sqrt)
{
    return fp_op1(o, IR_fsqrt, n, arg);
}
FN(f_rint)
{
    return fp_op1(o, IR_fround, n, arg);
}
#define UNARY(name, fn, arg) \
    FORM_V(name, fn, arg) \
    FORM_VH(name, fn, arg)
UNARY(FABS, f_abs, 0)
UNARY(FNEG, f_neg, 0)
UNARY(FSQRT, f_sqrt, 0)
UNARY(FRINTN, f_rint, FPR_NEAREST)
UNARY(FRINTM, f_rint, FPR_DOWN)
UNARY(FRINTP, f_rint, FPR_UP)
UNARY(FRINTZ, f_rint, FPR_ZERO)
UNARY(FRINTA, f_rint, FPR_AWAY)
UNARY(FRINTI, f_rint, FPR_CURRENT)
UNARY(FRINTX, f_rint, FPR_CURRENT | FPR_EXACT)

/* -- by helper --------------------------------------------------------------------------------------------------- */

FN(f_call)
{
    return fp_call1(o, arg, n, 0);
}
UNARY(FRECPE, f_call, FP1_RECPE)
FORM_S(FRECPE, do_low, f_call, FP1_RECPE)
UNARY(FRSQRTE, f_call, FP1_RSQRTE)
FORM_S(FRSQRTE, do_low, f_call, FP1_RSQRTE)
FORM_S(FRECPX, do_low, f_call, FP1_RECPX)
FORM_V(FRINT32Z, f_call, FP1_RINT32Z)
FORM_V(FRINT32X, f_call, FP1_RINT32X)
FORM_V(FRINT64Z, f_call, FP1_RINT64Z)
FORM_V(FRINT64X, f_call, FP1_RINT64X)

/* -- comparisons with zero --------------------------------------------------------------------------------------- */

FN(f_compare_zero)
{
    return ir_v2(o->ir, IR_vfcmp, o->sub, n, v_zero(o), arg);
}
#define COMPARE_ZERO(name, arg) \
    bool tr_##name##_vz(struct a64 *t, u32 fa, u32 rn, u32 rd) \
    { \
        return do_v(t, f_compare_zero, arg, MO_32 + (fa & 1), fa >> 1, rn, rd); \
    } \
    bool tr_##name##_vzh(struct a64 *t, u32 q, u32 rn, u32 rd) \
    { \
        return do_v(t, f_compare_zero, arg, MO_16, q, rn, rd); \
    } \
    bool tr_##name##_sz(struct a64 *t, u32 sz, u32 rn, u32 rd) \
    { \
        return do_low(t, f_compare_zero, arg, MO_32 + sz, rn, rd); \
    } \
    bool tr_##name##_szh(struct a64 *t, u32 rn, u32 rd) \
    { \
        return do_low(t, f_compare_zero, arg, MO_16, rn, rd); \
    }
COMPARE_ZERO(FCMEQ, FC_EQ)
COMPARE_ZERO(FCMGE, FC_GT | FC_EQ | FC_SIGNAL)
COMPARE_ZERO(FCMGT, FC_GT | FC_SIGNAL)
COMPARE_ZERO(FCMLE, FC_LT | FC_EQ | FC_SIGNAL)
COMPARE_ZERO(FCMLT, FC_LT | FC_SIGNAL)

/* -- to and from integers of the same size ----------------------------------------------------------------------- */

enum { UNSIGNED = 0x100 };
FN(f_to_int)
{
    return fp_op1(o, IR_vf2i, n, F2I(IR_NONE, arg & 0xff, arg & UNSIGNED ? F2I_UNS : 0));
}
FN(f_from_int)
{
    return fp_op1(o, IR_vi2f, n, I2F(IR_NONE, !!(arg & UNSIGNED)));
}
/* Words and doublewords have scalar operations. */
static bool to_int_s(struct a64 *t, fp_fn f, unsigned arg, unsigned es, u32 rn, u32 rd)
{
    if (es == MO_16) {
        return do_low(t, f, arg, es, rn, rd);
    }
    enum ir_type ty = int_type(es == MO_64);
    ir_ref v = f_get(t, fp_type(es), rn);
    v = ir_f2i(t->ir, ty, fp_type(es), fp_sub(t), v, arg & 0xff, arg & UNSIGNED ? F2I_UNS : 0);
    v_put(t, rd, ir_vzero_ext(t->ir, ty, v));
    return true;
}
static bool from_int_s(struct a64 *t, fp_fn f UNUSED, unsigned arg, unsigned es, u32 rn, u32 rd)
{
    enum ir_type ty = int_type(es == MO_64);
    ir_ref n = v_get(t, rn);
    ir_ref v = arg & UNSIGNED ? ir_vget(t->ir, ty, es, n, 0) : ir_vgets(t->ir, ty, es, n, 0);
    f_put(t, fp_type(es), rd, ir_i2f(t->ir, fp_type(es), ty, fp_sub(t), v, arg & UNSIGNED));
    return true;
}
#define TO_INT(name, arg) \
    UNARY(name, f_to_int, arg) \
    FORM_S(name, to_int_s, f_to_int, arg)
TO_INT(FCVTNS, FPR_NEAREST)
TO_INT(FCVTNU, FPR_NEAREST | UNSIGNED)
TO_INT(FCVTAS, FPR_AWAY)
TO_INT(FCVTAU, FPR_AWAY | UNSIGNED)
TO_INT(FCVTMS, FPR_DOWN)
TO_INT(FCVTMU, FPR_DOWN | UNSIGNED)
TO_INT(FCVTPS, FPR_UP)
TO_INT(FCVTPU, FPR_UP | UNSIGNED)
TO_INT(FCVTZS, FPR_ZERO)
TO_INT(FCVTZU, FPR_ZERO | UNSIGNED)
UNARY(SCVTF, f_from_int, 0)
FORM_S(SCVTF, from_int_s, f_from_int, 0)
UNARY(UCVTF, f_from_int, UNSIGNED)
FORM_S(UCVTF, from_int_s, f_from_int, UNSIGNED)

/* -- fixed point: immh:immb is 2 * size - fraction bits ---------------------------------------------------------- */

u64 fp_power2(unsigned es, int n)
{
    unsigned e = es == MO_32 ? 8 : 11, f = es_bits(es) - e - 1;
    return (u64)((int)MASK(e - 1) + n) << f;
}
/* Scaling a converted integer down is exact, but for halves. */
static ir_ref from_fixed(const struct vop *o, ir_ref n, bool uns, unsigned fbits)
{
    if (o->es == MO_16) {
        return fp_call1(o, uns ? FP1_FROM_UINT : FP1_FROM_SINT, n, fbits);
    }
    ir_ref scale = v_const(o, o->es, fp_power2(o->es, -(int)fbits));
    return fp_op2(o, IR_fmul, f_from_int(o, n, uns ? UNSIGNED : 0), v_low(o->ir, scale, o->bits));
}
static bool fixed(struct a64 *t, bool to, bool uns, unsigned bits, u32 immh, u32 immb, u32 rn, u32 rd)
{
    unsigned es = 31 - clz32(immh), fbits = 2 * es_bits(es) - (immh << 3 | immb);
    if ((es == MO_16 && !a64_has(t, ARM_FEAT_FP16)) || (es == MO_64 && bits == 64)) {
        return false;
    }
    struct vop o = fp_vector(t, es, bits ? bits : es_bits(es), rd); /* 0: a scalar */
    ir_ref n = fp_in(&o, rn);
    fp_result(&o, to ? fp_call1(&o, uns ? FP1_TO_UINT : FP1_TO_SINT, n, fbits) : from_fixed(&o, n, uns, fbits));
    return true;
}
#define FIXED(name, to, uns) \
    bool tr_##name##_vi(struct a64 *t, u32 q, u32 immh, u32 immb, u32 rn, u32 rd) \
    { \
        return fixed(t, to, uns, q ? 128 : 64, immh, immb, rn, rd); \
    } \
    bool tr_##name##_si(struct a64 *t, u32 immh, u32 immb, u32 rn, u32 rd) \
    { \
        return fixed(t, to, uns, 0, immh, immb, rn, rd); \
    }
FIXED(SCVTF, false, false)
FIXED(UCVTF, false, true)
FIXED(FCVTZS, true, false)
FIXED(FCVTZU, true, true)

/* -- between formats --------------------------------------------------------------------------------------------- */

bool tr_FCVTL_v(struct a64 *t, u32 q, u32 sz, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, MO_16 + sz, 128, rd);
    fp_result(&o, fp_op1(&o, IR_vfcvtl, v_get(t, rn), q));
    return true;
}
bool tr_FCVTN_v(struct a64 *t, u32 q, u32 sz, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, MO_32 + sz, 128, rd);
    o.hi = (u8)q;
    v_result_narrow(&o, fp_op1(&o, IR_vfcvtn, v_get(t, rn), FPR_CURRENT));
    return true;
}
/* Doubles to singles, rounded to odd. */
bool tr_FCVTXN_v(struct a64 *t, u32 q, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, MO_64, 128, rd);
    o.hi = (u8)q;
    v_result_narrow(&o, fp_call1(&o, FP1_CVTXN, v_get(t, rn), 0));
    return true;
}
bool tr_FCVTXN_s(struct a64 *t, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, MO_64, 64, rd);
    v_put(t, rd, fp_call1(&o, FP1_CVTXN, v_get(t, rn), 0));
    return true;
}
