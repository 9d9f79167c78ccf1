/* Addition, subtraction, multiplication, division, square root, scaling.
 *
 * IEEE 754-2008 5.4.1; special cases as FPAdd, FPSub, FPMul, FPDiv, FPSqrt of the Arm ARM (DDI 0487) and tables 4-7,
 * 8-10 and 11-1 of the Intel SDM volume 1. A denormal operand is reported (x86 DE) unless a NaN, an invalid operation
 * or a division by zero comes first: SDM volume 1, 4.9.2. */
#include "fpu/fp_priv.h"

/* -- addition ----------------------------------------------------------------------------------- */

/* |a| + |b| with the sign of a. Both have been shifted right by one to leave room for the carry. */
static struct fp_num add_magnitudes(const struct fp_num *a, const struct fp_num *b)
{
    const struct fp_num *big = a->exp >= b->exp ? a : b, *small = big == a ? b : a;
    u128 sum = (big->sig >> 1) + shr_jam128(small->sig >> 1, (unsigned)(big->exp - small->exp));
    unsigned lz = clz128(sum);
    return (struct fp_num){.cls = FPC_FINITE, .sign = a->sign, .exp = big->exp + 1 - (i32)lz, .sig = sum << lz};
}

/* |a| - |b| with the sign of a, or the opposite one when |b| is larger. */
static struct fp_num sub_magnitudes(const struct fp_num *a, const struct fp_num *b, unsigned round)
{
    bool swap = b->exp > a->exp || (b->exp == a->exp && b->sig > a->sig);
    const struct fp_num *big = swap ? b : a, *small = swap ? a : b;
    u128 diff = big->sig - shr_jam128(small->sig, (unsigned)(big->exp - small->exp));
    if (diff == 0) {
        return fp_zero(round == FP_RM);
    }
    unsigned lz = clz128(diff);
    return (struct fp_num){.cls = FPC_FINITE, .sign = a->sign ^ swap, .exp = big->exp - (i32)lz, .sig = diff << lz};
}

static struct fp_num add_num(const struct fp_num *a, const struct fp_num *b, struct fp_env *env)
{
    if (fp_is_nan(a) || fp_is_nan(b)) {
        return fp_nan_two(a, b, env);
    }
    if (a->cls == FPC_INF && b->cls == FPC_INF && a->sign != b->sign) {
        return fp_nan_invalid(env);
    }
    fp_use_denormal(a->denormal || b->denormal, env);
    if (a->cls == FPC_INF || b->cls == FPC_INF) {
        return fp_inf(a->cls == FPC_INF ? a->sign : b->sign);
    }
    if (a->cls == FPC_ZERO && b->cls == FPC_ZERO) {
        return fp_zero(a->sign == b->sign ? a->sign : env->round == FP_RM);
    }
    if (a->cls == FPC_ZERO || b->cls == FPC_ZERO) {
        return a->cls == FPC_ZERO ? *b : *a;
    }
    return a->sign == b->sign ? add_magnitudes(a, b) : sub_magnitudes(a, b, env->round);
}

static u128 fp_add(u128 a, u128 b, bool subtract, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num x = fp_unpack(a, fmt, env), y = fp_unpack(b, fmt, env);
    if (!fp_is_nan(&y)) {
        y.sign ^= subtract;
    }
    struct fp_num r = add_num(&x, &y, env);
    return fp_pack_arith(&r, fmt, env);
}

/* -- multiplication ----------------------------------------------------------------------------- */

struct fp_num fp_mul_exact(const struct fp_num *a, const struct fp_num *b)
{
    struct u256 p = mul128(a->sig, b->sig);
    struct fp_num r = {.cls = FPC_FINITE, .sign = a->sign ^ b->sign, .exp = a->exp + b->exp + 1};
    if (!(p.hi & SIG_TOP)) {
        r.exp--;
        p.hi = p.hi << 1 | p.lo >> 127;
        p.lo <<= 1;
    }
    r.sig = p.hi | (p.lo != 0);
    return r;
}

static struct fp_num mul_num(const struct fp_num *a, const struct fp_num *b, struct fp_env *env)
{
    bool sign = a->sign ^ b->sign;
    if (fp_is_nan(a) || fp_is_nan(b)) {
        return fp_nan_two(a, b, env);
    }
    if ((a->cls == FPC_INF && b->cls == FPC_ZERO) || (a->cls == FPC_ZERO && b->cls == FPC_INF)) {
        return fp_nan_invalid(env);
    }
    fp_use_denormal(a->denormal || b->denormal, env);
    if (a->cls == FPC_INF || b->cls == FPC_INF) {
        return fp_inf(sign);
    }
    if (a->cls == FPC_ZERO || b->cls == FPC_ZERO) {
        return fp_zero(sign);
    }
    return fp_mul_exact(a, b);
}

static u128 fp_mul(u128 a, u128 b, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num x = fp_unpack(a, fmt, env), y = fp_unpack(b, fmt, env);
    struct fp_num r = mul_num(&x, &y, env);
    return fp_pack_arith(&r, fmt, env);
}

/* -- division ----------------------------------------------------------------------------------- */

/* n / d * 2^128, jammed, for d / 2 <= n < d with bit 127 of d set. */
static u128 div_sig(u128 n, u128 d)
{
    if ((u64)d == 0) { /* formats up to 64 bits of precision: two digits in base 2^64 */
        u64 d64 = (u64)(d >> 64);
        u128 rest = n % d64 << 64;
        return (n / d64) << 64 | rest / d64 | (rest % d64 != 0);
    }
    u128 q = 0;
    n >>= 1; /* an f128 operand has 15 zero bits at the bottom */
    d >>= 1;
    for (int i = 0; i < 128; i++) {
        q <<= 1;
        n <<= 1;
        if (n >= d) {
            n -= d;
            q |= 1;
        }
    }
    return q | (n != 0);
}

static struct fp_num div_num(const struct fp_num *a, const struct fp_num *b, struct fp_env *env)
{
    bool sign = a->sign ^ b->sign;
    if (fp_is_nan(a) || fp_is_nan(b)) {
        return fp_nan_two(a, b, env);
    }
    if (a->cls == b->cls && (a->cls == FPC_INF || a->cls == FPC_ZERO)) {
        return fp_nan_invalid(env);
    }
    if (b->cls == FPC_ZERO && a->cls == FPC_FINITE) {
        env->flags |= FP_DIVZERO;
        return fp_inf(sign);
    }
    fp_use_denormal(a->denormal || b->denormal, env);
    if (a->cls == FPC_INF || b->cls == FPC_ZERO) {
        return fp_inf(sign);
    }
    if (a->cls == FPC_ZERO || b->cls == FPC_INF) {
        return fp_zero(sign);
    }
    struct fp_num r = {.cls = FPC_FINITE, .sign = sign, .exp = a->exp - b->exp};
    if (a->sig >= b->sig) {
        r.sig = div_sig(a->sig >> 1, b->sig);
    } else {
        r.exp--;
        r.sig = div_sig(a->sig, b->sig);
    }
    return r;
}

static u128 fp_div(u128 a, u128 b, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num x = fp_unpack(a, fmt, env), y = fp_unpack(b, fmt, env);
    struct fp_num r = div_num(&x, &y, env);
    return fp_pack_arith(&r, fmt, env);
}

/* -- square root -------------------------------------------------------------------------------- */

/* The root of m in [1, 4), in units of 2^-125, to `count` bits after the point, jammed; aligned like a sig.
 * Law of both loops: rest = (m - root^2) / step and rest < 2 * root + step, so 2 * rest < 8 never overflows. */
static u128 sqrt_sig(u128 m, unsigned count)
{
    u128 one = (u128)1 << 125, root = one, rest = m - one;
    for (u128 step = one >> 1; step >> (125 - count); step >>= 1) {
        rest <<= 1;
        if (rest >= 2 * root + step) {
            rest -= 2 * root + step;
            root |= step;
        }
    }
    return root << 2 | (rest != 0);
}

/* The same in 64 bits, for formats of up to 56 bits and as many after the point; no branch depends on the number. */
static u128 sqrt_sig_narrow(u128 m, unsigned count)
{
    u64 one = 1ull << 60, root = one, rest = (u64)(m >> 65) - one;
    for (u64 step = one >> 1; step >> (60 - count); step >>= 1) {
        rest <<= 1;
        u64 trial = 2 * root + step, fits = -(u64)(rest >= trial);
        rest -= trial & fits;
        root |= step & fits;
    }
    return (u128)root << 67 | (rest != 0);
}

static struct fp_num sqrt_num(const struct fp_num *a, const struct fp_fmt *fmt, struct fp_env *env)
{
    if (fp_is_nan(a)) {
        return fp_nan_one(a, env);
    }
    if (a->cls == FPC_ZERO) {
        return *a;
    }
    if (a->sign) {
        return fp_nan_invalid(env);
    }
    fp_use_denormal(a->denormal, env);
    if (a->cls == FPC_INF) {
        return *a;
    }
    bool odd = a->exp & 1;
    struct fp_num r = {.cls = FPC_FINITE, .exp = (a->exp - odd) / 2};
    u128 m = a->sig >> (odd ? 1 : 2);
    r.sig = fmt_prec(fmt) <= 56 ? sqrt_sig_narrow(m, fmt_prec(fmt) + 2) : sqrt_sig(m, fmt_prec(fmt) + 2);
    return r;
}

static u128 fp_sqrt(u128 a, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num x = fp_unpack(a, fmt, env);
    struct fp_num r = sqrt_num(&x, fmt, env);
    return fp_pack_arith(&r, fmt, env);
}

/* -- scaling ------------------------------------------------------------------------------------ */

static u128 fp_scale(u128 a, i32 by, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num n = fp_unpack(a, fmt, env);
    if (fp_is_nan(&n)) {
        n = fp_nan_one(&n, env);
    } else {
        fp_use_denormal(n.denormal, env);
        n.exp += by;
    }
    return fp_pack(&n, fmt, env);
}

#define DEFINE(F) \
    F F##_scale(F a, i32 n, struct fp_env *env) \
    { \
        return F##_box(fp_scale(F##_bits(a), n, &fmt_##F, env)); \
    } \
    F F##_add(F a, F b, struct fp_env *env) \
    { \
        return F##_box(fp_add(F##_bits(a), F##_bits(b), false, &fmt_##F, env)); \
    } \
    F F##_sub(F a, F b, struct fp_env *env) \
    { \
        return F##_box(fp_add(F##_bits(a), F##_bits(b), true, &fmt_##F, env)); \
    } \
    F F##_mul(F a, F b, struct fp_env *env) \
    { \
        return F##_box(fp_mul(F##_bits(a), F##_bits(b), &fmt_##F, env)); \
    } \
    F F##_div(F a, F b, struct fp_env *env) \
    { \
        return F##_box(fp_div(F##_bits(a), F##_bits(b), &fmt_##F, env)); \
    } \
    F F##_sqrt(F a, struct fp_env *env) \
    { \
        return F##_box(fp_sqrt(F##_bits(a), &fmt_##F, env)); \
    }
FP_FOR_EACH(DEFINE)
