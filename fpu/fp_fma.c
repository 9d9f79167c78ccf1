/* Fused multiply-add, and the fused steps built on it.
 *
 * FPMulAdd, FPMulAddH, FPMulX, FPRecipStepFused and FPRSqrtStepFused of the Arm ARM (DDI 0487); FMA numeric behaviour
 * of the Intel SDM volume 1, 14.5. The product is exact in 256 bits, so there is one rounding. */
#include "fpu/fp_priv.h"

static bool ge256(struct u256 a, struct u256 b)
{
    return a.hi != b.hi ? a.hi > b.hi : a.lo >= b.lo;
}

static struct u256 add256(struct u256 a, struct u256 b)
{
    u128 lo = a.lo + b.lo;
    return (struct u256){a.hi + b.hi + (lo < a.lo), lo};
}

static struct u256 sub256(struct u256 a, struct u256 b)
{
    return (struct u256){a.hi - b.hi - (a.lo < b.lo), a.lo - b.lo};
}

/* sig * 2^(exp - 254), sig not zero, as a number of 128 bits with a jammed lowest one. */
static struct fp_num from_u256(bool sign, i32 exp, struct u256 sig)
{
    if (sig.hi == 0) {
        sig = (struct u256){sig.lo, 0};
        exp -= 128;
    }
    unsigned lz = clz128(sig.hi);
    if (lz) {
        sig.hi = sig.hi << lz | sig.lo >> (128 - lz);
        sig.lo <<= lz;
    }
    return (struct fp_num){.cls = FPC_FINITE, .sign = sign, .exp = exp + 1 - (i32)lz, .sig = sig.hi | (sig.lo != 0)};
}

/* a * b + c rounded to 128 bits with a jammed lowest one; all three are finite or zero. */
static struct fp_num muladd_exact(const struct fp_num *a, const struct fp_num *b, const struct fp_num *c,
                                  unsigned round)
{
    bool sign = a->sign ^ b->sign;
    if (a->cls == FPC_ZERO || b->cls == FPC_ZERO) {
        if (c->cls == FPC_ZERO) {
            return fp_zero(sign == c->sign ? sign : round == FP_RM);
        }
        return *c;
    }
    if (c->cls == FPC_ZERO) {
        return fp_mul_exact(a, b);
    }
    /* Both terms as sig * 2^(exp - 254) with bit 255 clear, room for the carry. Operands have at least 15 zero
     * bits at the bottom, so shifting right by one loses nothing. */
    struct u256 p = shr_jam256(mul128(a->sig, b->sig), 1), q = {c->sig >> 1, 0};
    i32 exp = a->exp + b->exp + 1, diff = exp - c->exp;
    if (diff >= 0) {
        q = shr_jam256(q, (unsigned)diff);
    } else {
        p = shr_jam256(p, (unsigned)-diff);
        exp = c->exp;
    }
    if (sign == c->sign) {
        return from_u256(sign, exp, add256(p, q));
    }
    if (p.hi == q.hi && p.lo == q.lo) {
        return fp_zero(round == FP_RM);
    }
    bool p_larger = ge256(p, q);
    return from_u256(p_larger ? sign : c->sign, exp, p_larger ? sub256(p, q) : sub256(q, p));
}

static bool inf_times_zero(const struct fp_num *a, const struct fp_num *b)
{
    return (a->cls == FPC_INF && b->cls == FPC_ZERO) || (a->cls == FPC_ZERO && b->cls == FPC_INF);
}

static struct fp_num fma_nan(const struct fp_num *a, const struct fp_num *b, const struct fp_num *c, struct fp_env *env)
{
    if (env->nan_style != FP_NAN_ARM) {
        return fp_nan_pick((const struct fp_num *const[]){a, b, c}, 3, env);
    }
    if (c->cls == FPC_QNAN && inf_times_zero(a, b)) {
        return fp_nan_invalid(env);
    }
    return fp_nan_pick((const struct fp_num *const[]){c, a, b}, 3, env);
}

static struct fp_num fma_num(const struct fp_num *a, const struct fp_num *b, const struct fp_num *c, struct fp_env *env)
{
    bool sign = a->sign ^ b->sign;
    if (fp_is_nan(a) || fp_is_nan(b) || fp_is_nan(c)) {
        return fma_nan(a, b, c, env);
    }
    bool inf = a->cls == FPC_INF || b->cls == FPC_INF;
    if (inf_times_zero(a, b) || (inf && c->cls == FPC_INF && sign != c->sign)) {
        return fp_nan_invalid(env);
    }
    fp_use_denormal(a->denormal || b->denormal || c->denormal, env);
    if (inf || c->cls == FPC_INF) {
        return fp_inf(inf ? sign : c->sign);
    }
    return muladd_exact(a, b, c, env->round);
}

static void negate(struct fp_num *n, const struct fp_env *env)
{
    if (env->nan_style == FP_NAN_ARM || !fp_is_nan(n)) {
        n->sign ^= 1;
    }
}

static u128 fp_fma(const struct fp_num *a, const struct fp_num *b, const struct fp_num *c, unsigned neg,
                   const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num x = *a, z = *c;
    if (neg & FP_FMA_NEG_PRODUCT) {
        negate(&x, env);
    }
    if (neg & FP_FMA_NEG_ADDEND) {
        negate(&z, env);
    }
    struct fp_num r = fma_num(&x, b, &z, env);
    return fp_pack_arith(&r, fmt, env);
}

static u128 fma_bits(u128 a, u128 b, u128 c, unsigned neg, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num x = fp_unpack(a, fmt, env), y = fp_unpack(b, fmt, env), z = fp_unpack(c, fmt, env);
    return fp_fma(&x, &y, &z, neg, fmt, env);
}

f32 f32_fma_f16(f16 a, f16 b, f32 c, unsigned neg, struct fp_env *env)
{
    struct fp_num x = fp_unpack(a, &fmt_f16, env), y = fp_unpack(b, &fmt_f16, env), z = fp_unpack(c, &fmt_f32, env);
    return f32_box(fp_fma(&x, &y, &z, neg, &fmt_f32, env));
}

/* -- Arm's fused steps -------------------------------------------------------------------------- */

enum step { STEP_MULX, STEP_RECPS, STEP_RSQRTS };

/* The finite case of a step; a has been negated for the two Newton steps. */
static struct fp_num step_finite(const struct fp_num *a, const struct fp_num *b, enum step step, unsigned round)
{
    const struct fp_num two = fp_pow2(false, 1), three = fp_pow2_3(false, 1);
    struct fp_num r;
    switch (step) {
    case STEP_MULX:
        return a->cls == FPC_ZERO || b->cls == FPC_ZERO ? fp_zero(a->sign ^ b->sign) : fp_mul_exact(a, b);
    case STEP_RECPS:
        return muladd_exact(a, b, &two, round);
    default:
        r = muladd_exact(a, b, &three, round);
        r.exp -= r.cls == FPC_FINITE;
        return r;
    }
}

static u128 fp_step(u128 a, u128 b, enum step step, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num x = fp_unpack(a, fmt, env), y = fp_unpack(b, fmt, env), r;
    x.sign ^= step != STEP_MULX; /* a NaN too: the pseudocode negates the operand before it looks */
    bool sign = x.sign ^ y.sign;
    if (fp_is_nan(&x) || fp_is_nan(&y)) {
        r = fp_nan_two(&x, &y, env);
    } else if (inf_times_zero(&x, &y)) {
        r = step == STEP_MULX ? fp_pow2(sign, 1) : step == STEP_RECPS ? fp_pow2(false, 1) : fp_pow2_3(false, 0);
    } else if (x.cls == FPC_INF || y.cls == FPC_INF) {
        r = fp_inf(sign);
    } else {
        r = step_finite(&x, &y, step, env->round);
    }
    return fp_pack(&r, fmt, env);
}

#define DEFINE(F) \
    F F##_fma(F a, F b, F c, unsigned neg, struct fp_env *env) \
    { \
        return F##_box(fma_bits(F##_bits(a), F##_bits(b), F##_bits(c), neg, &fmt_##F, env)); \
    }
FP_FOR_EACH(DEFINE)

#define DEFINE_ARM(F) \
    F F##_mulx(F a, F b, struct fp_env *env) \
    { \
        return F##_box(fp_step(F##_bits(a), F##_bits(b), STEP_MULX, &fmt_##F, env)); \
    } \
    F F##_recps(F a, F b, struct fp_env *env) \
    { \
        return F##_box(fp_step(F##_bits(a), F##_bits(b), STEP_RECPS, &fmt_##F, env)); \
    } \
    F F##_rsqrts(F a, F b, struct fp_env *env) \
    { \
        return F##_box(fp_step(F##_bits(a), F##_bits(b), STEP_RSQRTS, &fmt_##F, env)); \
    }
FP_FOR_ARM(DEFINE_ARM)
