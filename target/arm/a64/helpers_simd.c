/* Helpers of Advanced SIMD: what would be too many vector ops. Results have zeros in the lanes they don't count. */
#include "target/arm/a64/helpers_simd.h"

#include "fpu/softfloat.h"
#include "target/arm/cpu.h"

/* -- lanes ------------------------------------------------------------------------------------------------------- */

/* SatQ; *sat becomes true when v doesn't fit. */
static u64 saturate(i128 v, unsigned w, bool is_signed, bool *sat)
{
    i128 max = is_signed ? (i128)MASK(w - 1) : (i128)MASK(w), min = is_signed ? -max - 1 : 0;
    if (v > max || v < min) {
        *sat = true;
        v = v > max ? max : min;
    }
    return (u64)v;
}
static void set_qc(struct vcpu *v, bool sat)
{
    arm_cpu(v)->qc.d[0] |= sat;
}

/* -- SQSHL, UQSHL, SQRSHL, UQRSHL (register) --------------------------------------------------------------------- */

/* shift: to the left; rounding adds half of the last place that stays. */
static u64 sat_shift(u64 x, int shift, unsigned w, bool is_signed, bool round, bool *sat)
{
    i128 n = is_signed ? (i128)sext(x, w) : (i128)(x & MASK(w));
    if (shift >= (int)w) {
        n = n > 0 ? (i128)1 << 64 : n < 0 ? -((i128)1 << 64) : 0; /* every bit is past the top */
    } else if (shift >= 0) {
        n *= (i128)1 << shift;
    } else {
        unsigned by = MIN((unsigned)-shift, w + 1);
        n = (n + (round ? (i128)1 << (by - 1) : 0)) >> by;
    }
    return saturate(n, w, is_signed, sat);
}

/* key: es | lanes << 2 | signed << 8 | rounding << 9 */
void arm_h_sat_shift(struct vcpu *v, union v128 *ret, v128_in n, v128_in m, u64 key)
{
    unsigned es = key & 3, lanes = key >> 2 & 31;
    union v128 r = {0};
    bool sat = false;
    for (unsigned i = 0; i < lanes; i++) {
        int shift = (i8)lane_get(m, es, i);
        lane_set(&r, es, i, sat_shift(lane_get(n, es, i), shift, 8u << es, key >> 8 & 1, key >> 9 & 1, &sat));
    }
    set_qc(v, sat);
    *ret = r;
}

/* -- SUQADD, USQADD: the accumulator's sign decides the result's ------------------------------------------------- */

void arm_h_mixed_add(struct vcpu *v, union v128 *ret, v128_in d, v128_in n, u64 key)
{
    unsigned es = key & 3, lanes = key >> 2 & 31, w = 8u << es;
    bool is_signed = key >> 8 & 1, sat = false;
    union v128 r = {0};
    for (unsigned i = 0; i < lanes; i++) {
        u64 a = lane_get(d, es, i), b = lane_get(n, es, i);
        i128 sum = is_signed ? (i128)sext(a, w) + (i128)b : (i128)a + (i128)sext(b, w);
        lane_set(&r, es, i, saturate(sum, w, is_signed, &sat));
    }
    set_qc(v, sat);
    *ret = r;
}

/* -- CLZ --------------------------------------------------------------------------------------------------------- */

void arm_h_clz(union v128 *ret, v128_in n, u64 es)
{
    union v128 r;
    for (unsigned i = 0; i < 16u >> es; i++) {
        lane_set(&r, (unsigned)es, i, clz64(lane_get(n, (unsigned)es, i)) + (8u << es) - 64);
    }
    *ret = r;
}

/* -- polynomials ------------------------------------------------------------------------------------------------- */

static u16 poly_mul(u8 a, u8 b)
{
    u16 r = 0;
    for (unsigned i = 0; i < 8; i++) {
        r ^= (u16)((a << i) & -(b >> i & 1));
    }
    return r;
}
void arm_h_pmul(union v128 *ret, v128_in n, v128_in m)
{
    union v128 r;
    for (unsigned i = 0; i < 16; i++) {
        r.b[i] = (u8)poly_mul(n->b[i], m->b[i]);
    }
    *ret = r;
}
void arm_h_pmull8(union v128 *ret, v128_in n, v128_in m, u64 hi)
{
    union v128 r;
    const u8 *a = n->b + (hi ? 8 : 0), *b = m->b + (hi ? 8 : 0);
    for (unsigned i = 0; i < 8; i++) {
        r.h[i] = poly_mul(a[i], b[i]);
    }
    *ret = r;
}

/* -- FEAT_I8MM: 2x8 by 8x2, added to 2x2 words. sign: 1 n's, 2 m's ----------------------------------------------- */

static u32 dot8(const u8 *a, const u8 *b, u64 sign)
{
    u32 sum = 0;
    for (unsigned k = 0; k < 8; k++) {
        i32 x = sign & 1 ? (i8)a[k] : a[k], y = sign & 2 ? (i8)b[k] : b[k];
        sum += (u32)(x * y);
    }
    return sum;
}
void arm_h_mmla(union v128 *ret, v128_in d, v128_in n, v128_in m, u64 sign)
{
    union v128 r;
    for (unsigned i = 0; i < 4; i++) {
        r.s[i] = d->s[i] + dot8(n->b + i / 2 * 8, m->b + i % 2 * 8, sign);
    }
    *ret = r;
}

/* -- unsigned estimates ------------------------------------------------------------------------------------------ */

void arm_h_urecpe(union v128 *ret, v128_in n)
{
    union v128 r;
    for (unsigned i = 0; i < 4; i++) {
        r.s[i] = u32_recpe(n->s[i]);
    }
    *ret = r;
}
void arm_h_ursqrte(union v128 *ret, v128_in n)
{
    union v128 r;
    for (unsigned i = 0; i < 4; i++) {
        r.s[i] = u32_rsqrte(n->s[i]);
    }
    *ret = r;
}
