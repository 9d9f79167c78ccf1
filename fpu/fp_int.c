/* Integers: conversions from and to them, fixed point, rounding to an integral value.
 *
 * FPToFixed, FixedToFP, FPRoundInt, FPRoundIntN and FPToFixedJS of the Arm ARM (DDI 0487); CVTSS2SI, ROUNDSS, FIST,
 * FRNDINT of the Intel SDM. Of the x86 instructions only FRNDINT reports a denormal operand. */
#include "fpu/fp_priv.h"

/* |a| * 2^scale as an integer, and the flags of its rounding. False when it has more than 64 bits.
 * a is finite or zero. */
static bool to_magnitude(const struct fp_num *a, int scale, unsigned round, u64 *mag, u32 *flags)
{
    bool inexact, up;
    *mag = 0;
    *flags = 0;
    if (a->cls == FPC_ZERO) {
        return true;
    }
    i32 exp = a->exp + scale;
    if (exp > 63) {
        return false;
    }
    u128 v = fp_round_sig(a->sig, (unsigned)(127 - MAX(exp, -2)), a->sign, round, &inexact, &up);
    *flags = inexact ? FP_INEXACT | (up ? FP_ROUNDED_UP : 0) : 0;
    *mag = (u64)v;
    return v >> 64 == 0;
}

/* -- to integers -------------------------------------------------------------------------------- */

struct to_int {
    u64 value; /* two's complement, 64 bits */
    bool fits;
};

static u64 int_max(unsigned width, bool is_signed)
{
    return MASK(width - is_signed);
}

/* Rounds to an integer of `width` bits; raises the flags. What doesn't fit is for the caller to replace. */
static struct to_int to_int(const struct fp_num *n, unsigned width, bool is_signed, int scale, unsigned round,
                            struct fp_env *env)
{
    u64 mag;
    u32 flags = 0;
    bool fits = n->cls <= FPC_FINITE && to_magnitude(n, scale, round, &mag, &flags);
    if (fits) {
        u64 limit = n->sign ? (is_signed ? int_max(width, true) + 1 : 0) : int_max(width, is_signed);
        fits = mag <= limit;
    }
    if (!fits) {
        env->flags |= FP_INVALID;
        return (struct to_int){.fits = false};
    }
    env->flags |= flags;
    return (struct to_int){.value = n->sign ? -mag : mag, .fits = true};
}

static u64 to_int_saturate(u128 raw, unsigned width, bool is_signed, unsigned fbits, unsigned round,
                           const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num n = fp_unpack(raw, fmt, env);
    struct to_int r = to_int(&n, width, is_signed, (int)fbits, round, env);
    if (r.fits) {
        return r.value;
    }
    if (fp_is_nan(&n)) {
        return 0;
    }
    u64 max = int_max(width, is_signed);
    return !n.sign ? max : is_signed ? ~max : 0;
}

static u64 to_int_x86(u128 raw, unsigned width, bool is_signed, unsigned round, const struct fp_fmt *fmt,
                      struct fp_env *env)
{
    struct fp_num n = fp_unpack(raw, fmt, env);
    struct to_int r = to_int(&n, width, is_signed, 0, round, env);
    if (r.fits) {
        return r.value;
    }
    return is_signed ? ~int_max(width, true) : int_max(width, false);
}

i32 f64_to_i32_js(f64 a, bool *z, struct fp_env *env)
{
    struct fp_num n = fp_unpack(a, &fmt_f64, env);
    *z = false;
    if (n.cls > FPC_FINITE) {
        env->flags |= FP_INVALID;
        return 0;
    }
    if (n.cls == FPC_ZERO) {
        *z = a == 0; /* not for -0, nor for a denormal that was flushed */
        return 0;
    }
    u32 mag = 0, flags = 0;
    u64 whole;
    bool fits = n.exp < 64 && to_magnitude(&n, 0, FP_RZ, &whole, &flags);
    if (fits) {
        mag = (u32)whole;
        fits = whole <= int_max(32, true) + n.sign;
    } else if (n.exp < 64 + 52) { /* an integer, whose low 32 bits are somewhere in sig */
        mag = (u32)((n.sig >> 75) << (n.exp - 52));
    }
    if (!fits) {
        env->flags |= FP_INVALID;
    } else {
        env->flags |= flags;
        *z = flags == 0;
    }
    return (i32)(n.sign ? -mag : mag);
}

/* -- from integers ------------------------------------------------------------------------------ */

static u128 from_int(u64 mag, bool sign, unsigned fbits, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num n = fp_zero(false);
    if (mag != 0) {
        unsigned lz = clz64(mag);
        n = (struct fp_num){.cls = FPC_FINITE, .sign = sign, .exp = 63 - (i32)(lz + fbits)};
        n.sig = (u128)mag << (64 + lz);
    }
    return fp_pack(&n, fmt, env);
}

/* -- to an integral value ----------------------------------------------------------------------- */

/* The integral value of a finite number that is not integral by its size. */
static u128 round_small(const struct fp_num *n, unsigned round, bool exact, const struct fp_fmt *fmt,
                        struct fp_env *env)
{
    bool inexact, up;
    u128 v = fp_round_sig(n->sig, (unsigned)(127 - MAX(n->exp, -2)), n->sign, round, &inexact, &up);
    if (inexact && exact) {
        env->flags |= FP_INEXACT | (up ? FP_ROUNDED_UP : 0);
    }
    struct fp_num r = fp_zero(n->sign);
    if (v != 0) {
        unsigned lz = clz128(v);
        r = (struct fp_num){.cls = FPC_FINITE, .sign = n->sign, .exp = 127 - (i32)lz, .sig = v << lz};
    }
    return fp_pack(&r, fmt, env);
}

static u128 round_int(u128 raw, unsigned round, bool exact, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num n = fp_unpack(raw, fmt, env);
    if (fp_is_nan(&n)) {
        n = fp_nan_one(&n, env);
    } else if (n.cls == FPC_FINITE && n.exp < fmt->frac_bits) {
        fp_use_denormal(n.denormal && fmt->int_bit, env);
        return round_small(&n, round, exact, fmt, env);
    }
    return fp_pack(&n, fmt, env);
}

static u128 round_int_sized(u128 raw, unsigned intsize, unsigned round, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num n = fp_unpack(raw, fmt, env), min = fp_pow2(true, (i32)intsize - 1);
    if (n.cls == FPC_ZERO) {
        return fp_pack(&n, fmt, env);
    }
    struct to_int r = to_int(&n, intsize, true, 0, round, env);
    if (!r.fits) {
        return fp_pack(&min, fmt, env);
    }
    if (r.value == 0) {
        n = fp_zero(n.sign);
        return fp_pack(&n, fmt, env);
    }
    return from_int(n.sign ? -r.value : r.value, n.sign, 0, fmt, env);
}

f32 f32_round_int_sized(f32 a, unsigned intsize, enum fp_round round, struct fp_env *env)
{
    return f32_box(round_int_sized(a, intsize, round, &fmt_f32, env));
}

f64 f64_round_int_sized(f64 a, unsigned intsize, enum fp_round round, struct fp_env *env)
{
    return f64_box(round_int_sized(a, intsize, round, &fmt_f64, env));
}

#define DEFINE(F) \
    F F##_round_int(F a, enum fp_round round, bool exact, struct fp_env *env) \
    { \
        return F##_box(round_int(F##_bits(a), round, exact, &fmt_##F, env)); \
    } \
    i64 F##_to_sint(F a, unsigned width, unsigned fbits, enum fp_round round, struct fp_env *env) \
    { \
        return (i64)to_int_saturate(F##_bits(a), width, true, fbits, round, &fmt_##F, env); \
    } \
    u64 F##_to_uint(F a, unsigned width, unsigned fbits, enum fp_round round, struct fp_env *env) \
    { \
        return to_int_saturate(F##_bits(a), width, false, fbits, round, &fmt_##F, env); \
    } \
    i64 F##_to_sint_x86(F a, unsigned width, enum fp_round round, struct fp_env *env) \
    { \
        return (i64)to_int_x86(F##_bits(a), width, true, round, &fmt_##F, env); \
    } \
    u64 F##_to_uint_x86(F a, unsigned width, enum fp_round round, struct fp_env *env) \
    { \
        return to_int_x86(F##_bits(a), width, false, round, &fmt_##F, env); \
    } \
    F F##_from_sint(i64 v, unsigned fbits, struct fp_env *env) \
    { \
        return F##_box(from_int(v < 0 ? -(u64)v : (u64)v, v < 0, fbits, &fmt_##F, env)); \
    } \
    F F##_from_uint(u64 v, unsigned fbits, struct fp_env *env) \
    { \
        return F##_box(from_int(v, false, fbits, &fmt_##F, env)); \
    }
FP_FOR_EACH(DEFINE)
