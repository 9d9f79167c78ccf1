/* Arm's reciprocal and square root estimates, and the unfused steps of AArch32.
 *
 * FPRecipEstimate, FPRSqrtEstimate, FPRecpX, UnsignedRecipEstimate, UnsignedRSqrtEstimate, FPRecipStep, FPRSqrtStep of
 * the Arm ARM (DDI 0487). Not modelled: FEAT_RPRES (12-bit estimates, only with FPCR.AH). */
#include "fpu/fp_priv.h"

/* a in 256..511 stands for a / 512; the result in 256..511 for the reciprocal, result / 256. */
static unsigned recip_estimate(unsigned a)
{
    a = a * 2 + 1; /* to the middle of the interval */
    return ((1u << 19) / a + 1) / 2;
}

/* a in 128..511 stands for a / 512; the result in 256..511 for 1 / sqrt, result / 256. */
static unsigned rsqrt_estimate(unsigned a)
{
    unsigned b = 512;
    a = a < 256 ? a * 2 + 1 : ((a & ~1u) + 1) * 2;
    while (a * (b + 1) * (b + 1) < 1u << 28) {
        b++;
    }
    return (b + 1) / 2;
}

u32 u32_recpe(u32 a)
{
    return a >> 31 ? recip_estimate(a >> 23) << 23 : ~0u;
}

u32 u32_rsqrte(u32 a)
{
    return a >> 30 ? rsqrt_estimate(a >> 23) << 23 : ~0u;
}

/* The finite result estimate / 256 * 2^exp, which is exact in every format unless it is denormal; estimate 256..511. */
static u128 pack_estimate(bool sign, i32 exp, unsigned estimate, const struct fp_fmt *fmt)
{
    struct fp_env exact = {.round = FP_RZ};
    struct fp_num r = {.cls = FPC_FINITE, .sign = sign, .exp = exp, .sig = (u128)estimate << 119};
    return fp_pack(&r, fmt, &exact);
}

static bool flushes_results(const struct fp_fmt *fmt, const struct fp_env *env)
{
    return fmt->flush == FLUSH_HALF ? env->flush_out16 : env->flush_out;
}

static u128 recpe(u128 a, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num n = fp_unpack(a, fmt, env), r;
    i32 exp = -n.exp - 1; /* x = 1.f * 2^e = (1.f / 2) * 2^(e + 1): estimate in 1..2 times 2^(-e - 1) */
    if (fp_is_nan(&n)) {
        r = fp_nan_one(&n, env);
    } else if (n.cls == FPC_INF) {
        r = fp_zero(n.sign);
    } else if (n.cls == FPC_ZERO) {
        env->flags |= FP_DIVZERO;
        r = fp_inf(n.sign);
    } else if (n.exp < fmt->emin - 2) { /* the reciprocal overflows: let the rounding mode choose the result */
        r = fp_pow2(n.sign, fmt_emax(fmt) + 1);
    } else if (exp < fmt->emin && flushes_results(fmt, env)) {
        env->flags |= FP_UNDERFLOW | FP_FLUSHED_OUT;
        r = fp_zero(n.sign);
    } else {
        return pack_estimate(n.sign, exp, recip_estimate((unsigned)(n.sig >> 119)), fmt);
    }
    return fp_pack(&r, fmt, env);
}

static u128 rsqrte(u128 a, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num n = fp_unpack(a, fmt, env), r;
    if (fp_is_nan(&n)) {
        r = fp_nan_one(&n, env);
    } else if (n.cls == FPC_ZERO) {
        env->flags |= FP_DIVZERO;
        r = fp_inf(n.sign);
    } else if (n.sign) {
        r = fp_nan_invalid(env);
    } else if (n.cls == FPC_INF) {
        r = fp_zero(false);
    } else {
        /* x = s * 2^(2k) with s in [1/4, 1): an odd exponent takes the upper half of the range. */
        bool odd = n.exp & 1;
        unsigned scaled = (unsigned)(n.sig >> (odd ? 119 : 120));
        i32 k = (n.exp - odd) / 2 + 1;
        return pack_estimate(false, -k, rsqrt_estimate(scaled), fmt);
    }
    return fp_pack(&r, fmt, env);
}

/* The exponent's bits inverted: a power of two near the reciprocal. */
static u128 recpx(u128 a, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num n = fp_unpack(a, fmt, env);
    u128 exp_mask = (((u128)1 << fmt->exp_bits) - 1) << fmt->frac_bits;
    u128 sign = a & (exp_mask + ((u128)1 << fmt->frac_bits));
    if (fp_is_nan(&n)) {
        n = fp_nan_one(&n, env);
        return fp_pack(&n, fmt, env);
    }
    if ((a & exp_mask) == 0) {
        return sign | (exp_mask - ((u128)1 << fmt->frac_bits));
    }
    return sign | (~a & exp_mask);
}

/* Infinity times zero, where the unfused steps don't multiply; neither operand is a NaN then. */
static bool step_special(u128 a, u128 b, const struct fp_fmt *fmt, struct fp_env *env)
{
    unsigned x = fp_unpack(a, fmt, env).cls, y = fp_unpack(b, fmt, env).cls;
    return (x == FPC_INF && y == FPC_ZERO) || (x == FPC_ZERO && y == FPC_INF);
}

#define DEFINE(F) \
    F F##_recpe(F a, struct fp_env *env) \
    { \
        return F##_box(recpe(F##_bits(a), &fmt_##F, env)); \
    } \
    F F##_rsqrte(F a, struct fp_env *env) \
    { \
        return F##_box(rsqrte(F##_bits(a), &fmt_##F, env)); \
    } \
    F F##_recpx(F a, struct fp_env *env) \
    { \
        return F##_box(recpx(F##_bits(a), &fmt_##F, env)); \
    } \
    F F##_recps_a32(F a, F b, struct fp_env *env) \
    { \
        F two = F##_from_uint(2, 0, env); \
        if (step_special(F##_bits(a), F##_bits(b), &fmt_##F, env)) { \
            return two; \
        } \
        return F##_sub(two, F##_mul(a, b, env), env); \
    } \
    F F##_rsqrts_a32(F a, F b, struct fp_env *env) \
    { \
        F two = F##_from_uint(2, 0, env), three = F##_from_uint(3, 0, env); \
        if (step_special(F##_bits(a), F##_bits(b), &fmt_##F, env)) { \
            return F##_div(three, two, env); \
        } \
        return F##_div(F##_sub(three, F##_mul(a, b, env), env), two, env); \
    }
FP_FOR_ARM(DEFINE)
