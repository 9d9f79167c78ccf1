/* A64 Advanced SIMD: registers of different widths (DDI 0487, C4.1 "Advanced SIMD three different", its scalar form,
 * and the same by element). es is log2 of the narrower element's bytes. */
#include "target/arm/a64/tr_simd.h"

#define FN2(fn) static ir_ref fn(const struct vop *o, ir_ref n, ir_ref m)

/* vxtl, vmull: which half, and how it is widened. */
static u32 widen(const struct vop *o, bool is_signed)
{
    return o->hi | (is_signed ? 2 : 0);
}
static ir_ref lengthen(const struct vop *o, bool is_signed, ir_ref v)
{
    return ir_v1(o->ir, IR_vxtl, o->es, v, widen(o, is_signed));
}
static ir_ref wide2(const struct vop *o, enum ir_opcode op, ir_ref a, ir_ref b)
{
    return ir_v2(o->ir, op, o->es + 1u, a, b, 0);
}

/* -- forms ------------------------------------------------------------------------------------------------------- */

static bool long_v(struct a64 *t, vfn2 f, u32 arr, ir_ref m, u32 rn, u32 rd)
{
    struct vop o = v_op(t, arr & 3, 128, rd);
    o.hi = (u8)(arr >> 2);
    v_put(t, rd, f(&o, v_get(t, rn), m));
    return true;
}
static bool long_s(struct a64 *t, vfn2 f, u32 size, ir_ref m, u32 rn, u32 rd)
{
    struct vop o = v_op(t, size, 2 * es_bits(size), rd);
    v_result(&o, f(&o, v_get(t, rn), m));
    return true;
}
static ir_ref element(struct a64 *t, u32 size, u32 elem)
{
    return v_dup_lane(t->ir, size, v_get(t, elem & 31), elem >> 5, 128);
}
#define LONG_V(name, fn) \
    bool tr_##name##_v(struct a64 *t, u32 arr, u32 rm, u32 rn, u32 rd) \
    { \
        return long_v(t, fn, arr, v_get(t, rm), rn, rd); \
    }
#define LONG_S(name, fn) \
    bool tr_##name##_s(struct a64 *t, u32 size, u32 rm, u32 rn, u32 rd) \
    { \
        return long_s(t, fn, size, v_get(t, rm), rn, rd); \
    }
#define LONG_VE(name, fn) \
    bool tr_##name##_ve(struct a64 *t, u32 arr, u32 l, u32 m, u32 rm, u32 h, u32 rn, u32 rd) \
    { \
        return long_v(t, fn, arr, element(t, arr & 3, v_elem(arr & 3, l, m, rm, h)), rn, rd); \
    }
#define LONG_SE(name, fn) \
    bool tr_##name##_se(struct a64 *t, u32 size, u32 l, u32 m, u32 rm, u32 h, u32 rn, u32 rd) \
    { \
        return long_s(t, fn, size, element(t, size, v_elem(size, l, m, rm, h)), rn, rd); \
    }

/* -- sums, differences, products --------------------------------------------------------------------------------- */

/* Both widened; the first is wide already. */
#define ADD_LONG(name, op, is_signed) \
    FN2(f_##name##L) \
    { \
        return wide2(o, op, lengthen(o, is_signed, n), lengthen(o, is_signed, m)); \
    } \
    FN2(f_##name##W) \
    { \
        return wide2(o, op, n, lengthen(o, is_signed, m)); \
    } \
    LONG_V(name##L, f_##name##L) \
    LONG_V(name##W, f_##name##W)
ADD_LONG(SADD, IR_add, true)
ADD_LONG(UADD, IR_add, false)
ADD_LONG(SSUB, IR_sub, true)
ADD_LONG(USUB, IR_sub, false)

/* An absolute difference fits its element without a sign. */
static ir_ref abd_long(const struct vop *o, enum ir_opcode max, enum ir_opcode min, ir_ref n, ir_ref m)
{
    ir_ref hi = ir_v2(o->ir, max, o->es, n, m, 0), lo = ir_v2(o->ir, min, o->es, n, m, 0);
    return lengthen(o, false, ir_v2(o->ir, IR_sub, o->es, hi, lo, 0));
}
#define ABD_LONG(sign, max, min) \
    FN2(f_##sign##ABDL) \
    { \
        return abd_long(o, max, min, n, m); \
    } \
    FN2(f_##sign##ABAL) \
    { \
        return wide2(o, IR_add, v_rd(o), abd_long(o, max, min, n, m)); \
    } \
    LONG_V(sign##ABDL, f_##sign##ABDL) \
    LONG_V(sign##ABAL, f_##sign##ABAL)
ABD_LONG(S, IR_vsmax, IR_vsmin)
ABD_LONG(U, IR_vumax, IR_vumin)

#define MUL_LONG(sign, is_signed) \
    FN2(f_##sign##MULL) \
    { \
        return ir_v2(o->ir, IR_vmull, o->es, n, m, widen(o, is_signed)); \
    } \
    FN2(f_##sign##MLAL) \
    { \
        return wide2(o, IR_add, v_rd(o), f_##sign##MULL(o, n, m)); \
    } \
    FN2(f_##sign##MLSL) \
    { \
        return wide2(o, IR_sub, v_rd(o), f_##sign##MULL(o, n, m)); \
    } \
    LONG_V(sign##MULL, f_##sign##MULL) \
    LONG_V(sign##MLAL, f_##sign##MLAL) \
    LONG_V(sign##MLSL, f_##sign##MLSL) \
    LONG_VE(sign##MULL, f_##sign##MULL) \
    LONG_VE(sign##MLAL, f_##sign##MLAL) \
    LONG_VE(sign##MLSL, f_##sign##MLSL)
MUL_LONG(S, true)
MUL_LONG(U, false)

/* -- doubled products, saturating -------------------------------------------------------------------------------- */

/* Twice the product is min only for min * min, whose double is -min. */
FN2(f_sqdmull)
{
    unsigned wide = o->es + 1u;
    ir_ref p = ir_v2(o->ir, IR_vmull, o->es, n, m, widen(o, true));
    ir_ref r = ir_v1(o->ir, IR_vshl, wide, p, 1);
    ir_ref over = ir_v2(o->ir, IR_vcmp, wide, r, v_const(o, wide, es_min(wide)), CC_EQ);
    qc_any(o, o->bits, over);
    return wide2(o, IR_xor, r, over);
}
static ir_ref sqdml(const struct vop *o, bool sub, ir_ref n, ir_ref m)
{
    ir_ref p = f_sqdmull(o, n, m), d = v_rd(o);
    ir_ref r = wide2(o, sub ? IR_vsqsub : IR_vsqadd, d, p);
    qc_differ(o, o->bits, r, wide2(o, sub ? IR_sub : IR_add, d, p));
    return r;
}
FN2(f_sqdmlal)
{
    return sqdml(o, false, n, m);
}
FN2(f_sqdmlsl)
{
    return sqdml(o, true, n, m);
}
#define SQDM(name, fn) \
    LONG_V(name, fn) \
    LONG_S(name, fn) \
    LONG_VE(name, fn) \
    LONG_SE(name, fn)
SQDM(SQDMULL, f_sqdmull)
SQDM(SQDMLAL, f_sqdmlal)
SQDM(SQDMLSL, f_sqdmlsl)

/* -- the high half of sums and differences ----------------------------------------------------------------------- */

static bool high_narrow(struct a64 *t, enum ir_opcode op, bool round, u32 arr, u32 rm, u32 rn, u32 rd)
{
    struct vop o = v_op(t, arr & 3, 128, rd);
    unsigned w = es_bits(o.es), wide = o.es + 1u;
    o.hi = (u8)(arr >> 2);
    ir_ref v = wide2(&o, op, v_get(t, rn), v_get(t, rm));
    if (round) {
        v = wide2(&o, IR_add, v, v_const(&o, wide, 1ull << (w - 1)));
    }
    v_result_narrow(&o, ir_v1(t->ir, IR_vxtn, wide, ir_v1(t->ir, IR_vshr, wide, v, w), 0));
    return true;
}
#define HIGH_NARROW(name, op, round) \
    bool tr_##name##_v(struct a64 *t, u32 arr, u32 rm, u32 rn, u32 rd) \
    { \
        return high_narrow(t, op, round, arr, rm, rn, rd); \
    }
HIGH_NARROW(ADDHN, IR_add, false)
HIGH_NARROW(RADDHN, IR_add, true)
HIGH_NARROW(SUBHN, IR_sub, false)
HIGH_NARROW(RSUBHN, IR_sub, true)

/* -- polynomials over {0, 1} ------------------------------------------------------------------------------------- */

bool tr_PMULL_v(struct a64 *t, u32 q, u32 rm, u32 rn, u32 rd)
{
    v_put(t, rd, ir_call(t->ir, H_pmull8, v_get(t, rn), v_get(t, rm), ir_const(t->ir, q), 0));
    return true;
}
bool tr_PMULL_1q(struct a64 *t, u32 q, u32 rm, u32 rn, u32 rd)
{
    v_put(t, rd, ir_v2(t->ir, IR_vclmul, 0, v_get(t, rn), v_get(t, rm), q ? 3 : 0));
    return true;
}
