/* Conversions between floating-point formats.
 *
 * FPConvert, FPConvertBF and FPConvertNaN of the Arm ARM (DDI 0487); CVTSS2SD, CVTSD2SS, VCVTPH2PS, VCVTPS2PH, FLD and
 * FST of the Intel SDM. The f16 side of a conversion is never flushed, whatever the env says (FPUnpackCV, FPRoundCV;
 * F16C). */
#include "fpu/fp_priv.h"

static u128 convert(u128 raw, const struct fp_fmt *from, const struct fp_fmt *to, struct fp_env *env)
{
    struct fp_num n = fp_unpack(raw, from, env), r;
    if (fp_is_nan(&n)) {
        r = fp_nan_one(&n, env);
        if (to->alt) { /* no NaNs there: zero of the operand's sign */
            env->flags |= FP_INVALID;
            r = fp_zero(n.sign);
        }
        return fp_pack(&r, to, env);
    }
    if (n.cls == FPC_INF && to->alt) { /* no infinities: the largest magnitude */
        r = fp_pow2(n.sign, fmt_emax(to) + 1);
        return fp_round_pack(&r, to, fmt_prec(to), FP_RZ, env);
    }
    fp_use_denormal(n.denormal && !from->quiet_denormal, env);
    return fp_pack(&n, to, env);
}

static const struct fp_fmt *half(const struct fp_env *env)
{
    return env->arm_alt_half ? &fmt_f16_alt : &fmt_f16_cv;
}

#define DEFINE_HALF(F) \
    F f16_to_##F(f16 a, struct fp_env *env) \
    { \
        return F##_box(convert(a, half(env), &fmt_##F, env)); \
    } \
    f16 F##_to_f16(F a, struct fp_env *env) \
    { \
        return f16_box(convert(F##_bits(a), &fmt_##F, half(env), env)); \
    }
DEFINE_HALF(f32)
DEFINE_HALF(f64)
DEFINE_HALF(f80)
DEFINE_HALF(f128)

#define DEFINE(A, B) \
    B A##_to_##B(A a, struct fp_env *env) \
    { \
        return B##_box(convert(A##_bits(a), &fmt_##A, &fmt_##B, env)); \
    } \
    A B##_to_##A(B a, struct fp_env *env) \
    { \
        return A##_box(convert(B##_bits(a), &fmt_##B, &fmt_##A, env)); \
    }
DEFINE(f32, f64)
DEFINE(f32, f80)
DEFINE(f32, f128)
DEFINE(f64, f80)
DEFINE(f64, f128)
DEFINE(f80, f128)

static f80 widen(u64 frac, unsigned exp, bool sign, unsigned frac_bits, unsigned exp_bits, bool *denormal)
{
    unsigned max = (1u << exp_bits) - 1;
    u16 se = sign ? 0x8000 : 0;
    *denormal = exp == 0 && frac;
    frac <<= 63 - frac_bits;
    if (exp == 0) {
        if (!frac) {
            return (f80){0, se};
        }
        unsigned n = clz64(frac);
        return (f80){frac << n, (u16)(se | (0x3fff - (max >> 1) + 1 - n))};
    }
    return (f80){frac | 1ull << 63, (u16)(se | (exp == max ? 0x7fff : 0x3fff - (max >> 1) + exp))};
}
f80 f32_as_f80(f32 a, bool *denormal)
{
    return widen(a & MASK(23), a >> 23 & 0xff, a >> 31, 23, 8, denormal);
}
f80 f64_as_f80(f64 a, bool *denormal)
{
    return widen(a & MASK(52), a >> 52 & 0x7ff, a >> 63, 52, 11, denormal);
}

bf16 f32_to_bf16(f32 a, struct fp_env *env)
{
    return (bf16)convert(a, &fmt_f32, &fmt_bf16, env);
}

f32 bf16_to_f32(bf16 a)
{
    return (f32)a << 16;
}
