/* A64 Advanced SIMD by element, integer (DDI 0487, C4.1 "Advanced SIMD vector x indexed element" and its scalar form);
 * the widening ones are in tr_simd_wide.c. And the dot products. */
#include "target/arm/a64/tr_simd.h"

#define ELEM_V(name, fn) \
    bool tr_##name##_ve(struct a64 *t, u32 arr, u32 l, u32 m, u32 rm, u32 h, u32 rn, u32 rd) \
    { \
        return e_do2(t, fn, arr, v_elem(arr & 3, l, m, rm, h), rn, rd); \
    }
#define ELEM_S(name, fn) \
    bool tr_##name##_se(struct a64 *t, u32 size, u32 l, u32 m, u32 rm, u32 h, u32 rn, u32 rd) \
    { \
        return se_do2(t, fn, size, v_elem(size, l, m, rm, h), rn, rd); \
    }
ELEM_V(MUL, v_mul)
ELEM_V(MLA, v_mla)
ELEM_V(MLS, v_mls)
ELEM_V(SQDMULH, v_sqdmulh)
ELEM_S(SQDMULH, v_sqdmulh)
ELEM_V(SQRDMULH, v_sqrdmulh)
ELEM_S(SQRDMULH, v_sqrdmulh)
ELEM_V(SQRDMLAH, v_sqrdmlah)
ELEM_S(SQRDMLAH, v_sqrdmlah)
ELEM_V(SQRDMLSH, v_sqrdmlsh)
ELEM_S(SQRDMLSH, v_sqrdmlsh)

/* -- dot products: four byte products a word ---------------------------------------------------------------------- */

enum { N_SIGNED = 1, M_SIGNED = 2 };

/* Half (hi) of the products as halfwords. They fit 16 bits, signed unless both factors are unsigned. */
static ir_ref byte_products(struct ir *ir, unsigned hi, unsigned sign, ir_ref n, ir_ref m)
{
    if (sign == 0 || sign == (N_SIGNED | M_SIGNED)) {
        return ir_v2(ir, IR_vmull, MO_8, n, m, hi | (sign ? 2 : 0));
    }
    ir_ref a = ir_v1(ir, IR_vxtl, MO_8, n, hi | (sign & N_SIGNED ? 2 : 0));
    ir_ref b = ir_v1(ir, IR_vxtl, MO_8, m, hi | (sign & M_SIGNED ? 2 : 0));
    return ir_v2(ir, IR_mul, MO_16, a, b, 0);
}
/* Neighbouring halfwords added to words. */
static ir_ref add_pairs(struct ir *ir, bool is_signed, ir_ref v)
{
    ir_ref odd = ir_v1(ir, is_signed ? IR_vsar : IR_vshr, MO_32, v, 16);
    ir_ref even = is_signed ? ir_v1(ir, IR_vsar, MO_32, ir_v1(ir, IR_vshl, MO_32, v, 16), 16)
                            : ir_v2(ir, IR_and, 0, v, ir_const_v128(ir, 0xffff0000ffff, 0xffff0000ffff), 0);
    return ir_v2(ir, IR_add, MO_32, even, odd, 0);
}
static bool dot(struct a64 *t, u32 q, unsigned sign, ir_ref n, ir_ref m, u32 rd)
{
    struct ir *ir = t->ir;
    ir_ref lo = add_pairs(ir, sign, byte_products(ir, 0, sign, n, m)), hi = lo;
    if (q) {
        hi = add_pairs(ir, sign, byte_products(ir, 1, sign, n, m));
    }
    ir_ref sum = ir_v2(ir, IR_add, MO_32, v_unzip(ir, MO_32, 128, 0, lo, hi), v_unzip(ir, MO_32, 128, 1, lo, hi), 0);
    v_put_q(t, rd, q, ir_v2(ir, IR_add, MO_32, v_get(t, rd), sum, 0));
    return true;
}

#define DOT_V(name, sign) \
    bool tr_##name##_v(struct a64 *t, u32 q, u32 rm, u32 rn, u32 rd) \
    { \
        return dot(t, q, sign, v_get(t, rn), v_get(t, rm), rd); \
    }
#define DOT_E(name, sign) \
    bool tr_##name##_ve(struct a64 *t, u32 q, u32 l, u32 m, u32 rm, u32 h, u32 rn, u32 rd) \
    { \
        ir_ref e = v_dup_lane(t->ir, MO_32, v_get(t, m << 4 | rm), h << 1 | l, 128); \
        return dot(t, q, sign, v_get(t, rn), e, rd); \
    }
DOT_V(SDOT, N_SIGNED | M_SIGNED)
DOT_V(UDOT, 0)
DOT_V(USDOT, M_SIGNED)
DOT_E(SDOT, N_SIGNED | M_SIGNED)
DOT_E(UDOT, 0)
DOT_E(USDOT, M_SIGNED)
DOT_E(SUDOT, N_SIGNED)

/* -- 2x8 by 8x2 byte matrices ------------------------------------------------------------------------------------ */

static bool matrix(struct a64 *t, unsigned sign, u32 rm, u32 rn, u32 rd)
{
    ir_ref key = ir_const(t->ir, sign);
    v_put(t, rd, ir_call(t->ir, H_mmla, v_get(t, rd), v_get(t, rn), v_get(t, rm), key));
    return true;
}
bool tr_SMMLA(struct a64 *t, u32 rm, u32 rn, u32 rd)
{
    return matrix(t, N_SIGNED | M_SIGNED, rm, rn, rd);
}
bool tr_UMMLA(struct a64 *t, u32 rm, u32 rn, u32 rd)
{
    return matrix(t, 0, rm, rn, rd);
}
bool tr_USMMLA(struct a64 *t, u32 rm, u32 rn, u32 rd)
{
    return matrix(t, M_SIGNED, rm, rn, rd);
}
