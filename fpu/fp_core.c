/* Unpacking, rounding, packing and the choice of NaNs.
 *
 * Models FPUnpack, FPRound and FPProcessNaNs of the Arm ARM (DDI 0487, shared/functions/float) and the x86 rules of
 * the Intel SDM volume 1: 4.8 (encodings, NaN tables 4-7), 4.9 (exceptions), 8.1.5 (precision control),
 * 10.2.3 (DAZ, FTZ). Not modelled: FEAT_AFP (FPCR.AH, FIZ, NEP). */
#include "fpu/fp_priv.h"

const struct fp_fmt fmt_f16 = {.exp_bits = 5, .frac_bits = 10, .flush = FLUSH_HALF, .emin = -14};
const struct fp_fmt fmt_f16_cv = {
    .exp_bits = 5, .frac_bits = 10, .flush = FLUSH_NEVER, .emin = -14, .quiet_denormal = true};
const struct fp_fmt fmt_f16_alt = {
    .exp_bits = 5, .frac_bits = 10, .flush = FLUSH_NEVER, .emin = -14, .quiet_denormal = true, .alt = true};
const struct fp_fmt fmt_bf16 = {.exp_bits = 8, .frac_bits = 7, .emin = -126};
const struct fp_fmt fmt_f32 = {.exp_bits = 8, .frac_bits = 23, .emin = -126};
const struct fp_fmt fmt_f64 = {.exp_bits = 11, .frac_bits = 52, .emin = -1022};
const struct fp_fmt fmt_f80 = {
    .exp_bits = 15, .frac_bits = 63, .int_bit = true, .emin = -16382, .quiet_denormal = true};
const struct fp_fmt fmt_f128 = {.exp_bits = 15, .frac_bits = 112, .emin = -16382};

static unsigned fmt_stored_bits(const struct fp_fmt *fmt)
{
    return fmt->frac_bits + fmt->int_bit;
}

/* -- wide arithmetic ---------------------------------------------------------------------------- */

struct u256 mul128(u128 a, u128 b)
{
    u64 ah = (u64)(a >> 64), al = (u64)a, bh = (u64)(b >> 64), bl = (u64)b;
    u128 hi = (u128)ah * bh;
    if (al == 0 && bl == 0) { /* formats up to 64 bits of precision */
        return (struct u256){hi, 0};
    }
    u128 m1 = (u128)ah * bl, m2 = (u128)al * bh, lo = (u128)al * bl;
    u128 mid = (lo >> 64) + (u64)m1 + (u64)m2;
    return (struct u256){hi + (m1 >> 64) + (m2 >> 64) + (mid >> 64), mid << 64 | (u64)lo};
}

struct u256 shr_jam256(struct u256 v, unsigned n)
{
    if (n == 0) {
        return v;
    }
    if (n >= 128) {
        u128 lo = shr_jam128(v.hi, n - 128) | (v.lo != 0);
        return (struct u256){0, lo};
    }
    return (struct u256){v.hi >> n, v.hi << (128 - n) | v.lo >> n | ((v.lo << (128 - n)) != 0)};
}

/* -- unpacking ---------------------------------------------------------------------------------- */

static bool flush_in(const struct fp_fmt *fmt, const struct fp_env *env)
{
    return fmt->flush == FLUSH_MAIN ? env->flush_in : fmt->flush == FLUSH_HALF && env->flush_in16;
}

static bool flush_out(const struct fp_fmt *fmt, const struct fp_env *env)
{
    return fmt->flush == FLUSH_MAIN ? env->flush_out : fmt->flush == FLUSH_HALF && env->flush_out16;
}

static void unpack_denormal(struct fp_num *n, const struct fp_fmt *fmt, struct fp_env *env)
{
    if (flush_in(fmt, env)) {
        if (fmt->flush == FLUSH_MAIN) {
            env->flags |= FP_INPUT_DENORMAL;
        }
        *n = fp_zero(n->sign);
        return;
    }
    unsigned lz = clz128(n->sig);
    n->cls = FPC_FINITE;
    n->denormal = true;
    n->exp = fmt->emin - (i32)lz;
    n->sig <<= lz;
}

struct fp_num fp_unpack(u128 raw, const struct fp_fmt *fmt, struct fp_env *env)
{
    unsigned stored = fmt_stored_bits(fmt), exp_max = (1u << fmt->exp_bits) - 1;
    unsigned biased = (unsigned)(raw >> stored) & exp_max;
    u128 frac = raw & (((u128)1 << stored) - 1);
    struct fp_num n = {.sign = raw >> (stored + fmt->exp_bits) & 1};

    n.sig = frac << (127 - fmt->frac_bits);
    if (biased == 0) {
        if (frac == 0) {
            n.cls = FPC_ZERO;
        } else {
            unpack_denormal(&n, fmt, env);
        }
        return n;
    }
    if (fmt->int_bit && !(n.sig & SIG_TOP)) {
        n.cls = FPC_BAD;
        return n;
    }
    n.sig |= SIG_TOP;
    n.exp = fmt->emin + (i32)biased - 1;
    if (biased == exp_max && !fmt->alt) {
        n.cls = n.sig == SIG_TOP ? FPC_INF : n.sig & SIG_QUIET ? FPC_QNAN : FPC_SNAN;
    } else {
        n.cls = FPC_FINITE;
    }
    return n;
}

/* -- rounding and packing ----------------------------------------------------------------------- */

static u128 pack_raw(bool sign, unsigned biased, u128 sig, const struct fp_fmt *fmt)
{
    unsigned stored = fmt_stored_bits(fmt);
    u128 frac = sig >> (127 - fmt->frac_bits) & (((u128)1 << stored) - 1);
    return (u128)sign << (stored + fmt->exp_bits) | (u128)biased << stored | frac;
}

u128 fp_round_sig(u128 sig, unsigned drop, bool sign, unsigned round, bool *inexact, bool *up)
{
    *inexact = *up = false;
    if (drop == 0) {
        return sig;
    }
    u128 kept = drop >= 128 ? 0 : sig >> drop;
    /* rest: the dropped part as a fraction of 2^128, jammed. */
    u128 rest = drop <= 128 ? sig << (128 - drop) : shr_jam128(sig, drop - 128);
    if (rest == 0) {
        return kept;
    }
    *inexact = true;
    switch (round) {
    case FP_RNE:
        *up = rest > SIG_TOP || (rest == SIG_TOP && (kept & 1));
        break;
    case FP_RNA:
        *up = rest >= SIG_TOP;
        break;
    case FP_RP:
        *up = !sign;
        break;
    case FP_RM:
        *up = sign;
        break;
    case FP_RTO:
        return kept | 1;
    default:
        break;
    }
    return kept + *up;
}

static u128 pack_overflow(const struct fp_num *n, const struct fp_fmt *fmt, unsigned prec, unsigned round,
                          struct fp_env *env)
{
    unsigned exp_max = (1u << fmt->exp_bits) - 1;
    if (fmt->alt) {
        env->flags |= FP_INVALID;
        return pack_raw(n->sign, exp_max, ~(u128)0, fmt);
    }
    env->flags |= FP_OVERFLOW | FP_INEXACT;
    if (round == FP_RNE || round == FP_RNA || round == (n->sign ? FP_RM : FP_RP)) {
        env->flags |= FP_ROUNDED_UP;
        return pack_raw(n->sign, exp_max, SIG_TOP, fmt);
    }
    return pack_raw(n->sign, exp_max - 1, ~(u128)0 << (128 - prec), fmt);
}

/* Would the number still be below the smallest normal one after rounding with an unbounded exponent? */
static bool tiny_after_rounding(const struct fp_num *n, const struct fp_fmt *fmt, unsigned prec, unsigned round)
{
    bool inexact, up;
    if (n->exp < fmt->emin - 1) {
        return true;
    }
    return fp_round_sig(n->sig, 128 - prec, n->sign, round, &inexact, &up) >> prec == 0;
}

static u128 pack_tiny(const struct fp_num *n, const struct fp_fmt *fmt, unsigned prec, unsigned round,
                      struct fp_env *env)
{
    bool tiny = !env->tiny_after || tiny_after_rounding(n, fmt, prec, round);
    if (tiny) {
        env->flags |= FP_TINY;
        if (flush_out(fmt, env)) {
            env->flags |= FP_UNDERFLOW | FP_FLUSHED_OUT | (env->tiny_after ? FP_INEXACT : 0);
            return pack_raw(n->sign, 0, 0, fmt);
        }
    }
    bool inexact, up;
    u128 sig = shr_jam128(n->sig, (unsigned)(fmt->emin - n->exp));
    sig = fp_round_sig(sig, 128 - prec, n->sign, round, &inexact, &up) << (128 - prec);
    if (inexact) {
        env->flags |= FP_INEXACT | (up ? FP_ROUNDED_UP : 0) | (tiny ? FP_UNDERFLOW : 0);
    }
    return pack_raw(n->sign, sig >> 127, sig, fmt); /* rounding may have reached the smallest normal number */
}

u128 fp_round_pack(const struct fp_num *n, const struct fp_fmt *fmt, unsigned prec, unsigned round, struct fp_env *env)
{
    i32 exp = n->exp, wrap = 3 << (fmt->exp_bits - 2);
    u16 wraps = fmt->int_bit || env->wrap_any ? env->wrap : 0;
    if (exp < fmt->emin) {
        if (!(wraps & FP_UNDERFLOW) || !tiny_after_rounding(n, fmt, prec, round)) {
            return pack_tiny(n, fmt, prec, round, env);
        }
        if (exp + wrap < fmt->emin && !env->wrap_any) { /* too far even so */
            return pack_tiny(n, fmt, prec, FP_RZ, env);
        }
        env->flags |= FP_TINY;
        exp = env->wrap_any ? fmt->emin : exp + wrap;
    }
    bool inexact, up;
    u128 sig = fp_round_sig(n->sig, 128 - prec, n->sign, round, &inexact, &up);
    if (sig >> prec) {
        exp++;
        sig >>= 1;
    }
    if (exp > fmt_emax(fmt)) {
        if (!(wraps & FP_OVERFLOW) || (exp - wrap > fmt_emax(fmt) && !env->wrap_any)) {
            return pack_overflow(n, fmt, prec, wraps & FP_OVERFLOW ? FP_RNE : round, env);
        }
        env->flags |= FP_OVERFLOW;
        exp = env->wrap_any ? fmt_emax(fmt) : exp - wrap;
    }
    if (inexact) {
        env->flags |= FP_INEXACT | (up ? FP_ROUNDED_UP : 0);
    }
    return pack_raw(n->sign, (unsigned)(exp - fmt->emin + 1), sig << (128 - prec), fmt);
}

static u128 pack_any(const struct fp_num *n, const struct fp_fmt *fmt, unsigned prec, struct fp_env *env)
{
    unsigned exp_max = (1u << fmt->exp_bits) - 1;
    switch (n->cls) {
    case FPC_ZERO:
        return pack_raw(n->sign, 0, 0, fmt);
    case FPC_FINITE:
        return fp_round_pack(n, fmt, prec, env->round, env);
    case FPC_INF:
        return pack_raw(n->sign, exp_max, SIG_TOP, fmt);
    default:
        return pack_raw(n->sign, exp_max, n->sig, fmt);
    }
}

u128 fp_pack(const struct fp_num *n, const struct fp_fmt *fmt, struct fp_env *env)
{
    return pack_any(n, fmt, fmt_prec(fmt), env);
}

u128 fp_pack_arith(const struct fp_num *n, const struct fp_fmt *fmt, struct fp_env *env)
{
    unsigned prec = fmt->int_bit && env->f80_precision ? env->f80_precision : fmt_prec(fmt);
    return pack_any(n, fmt, prec, env);
}

/* -- NaNs --------------------------------------------------------------------------------------- */

struct fp_num fp_nan_default(const struct fp_env *env)
{
    return (struct fp_num){.cls = FPC_QNAN, .sign = env->nan_style != FP_NAN_ARM, .sig = SIG_TOP | SIG_QUIET};
}

struct fp_num fp_nan_invalid(struct fp_env *env)
{
    env->flags |= FP_INVALID;
    return fp_nan_default(env);
}

struct fp_num fp_nan_one(const struct fp_num *a, struct fp_env *env)
{
    if (a->cls != FPC_QNAN) {
        env->flags |= FP_INVALID;
    }
    if (env->default_nan || a->cls == FPC_BAD) {
        return fp_nan_default(env);
    }
    struct fp_num r = *a;
    r.cls = FPC_QNAN;
    r.sig |= SIG_QUIET;
    return r;
}

/* x87: of a quiet and a signalling NaN the quiet one, else the larger significand, else the positive one. */
static const struct fp_num *nan_larger(const struct fp_num *a, const struct fp_num *b)
{
    if (!fp_is_nan(a) || !fp_is_nan(b)) {
        return fp_is_nan(a) ? a : b;
    }
    if (a->cls != b->cls) {
        return a->cls == FPC_QNAN ? a : b;
    }
    if (a->sig != b->sig) {
        return a->sig > b->sig ? a : b;
    }
    return a->sign ? b : a;
}

struct fp_num fp_nan_pick(const struct fp_num *const *ops, unsigned n, struct fp_env *env)
{
    const struct fp_num *first[FPC_BAD + 1] = {0}, *any = NULL, *larger = NULL;
    for (unsigned i = 0; i < n; i++) {
        if (!fp_is_nan(ops[i])) {
            continue;
        }
        any = any ? any : ops[i];
        larger = larger ? nan_larger(larger, ops[i]) : ops[i];
        first[ops[i]->cls] = first[ops[i]->cls] ? first[ops[i]->cls] : ops[i];
    }
    if (first[FPC_SNAN] || first[FPC_BAD]) {
        env->flags |= FP_INVALID;
    }
    if (first[FPC_BAD]) {
        return fp_nan_default(env);
    }
    if (env->nan_style == FP_NAN_ARM && first[FPC_SNAN]) {
        any = first[FPC_SNAN];
    }
    return fp_nan_one(env->nan_style == FP_NAN_X87 ? larger : any, env);
}

struct fp_num fp_nan_two(const struct fp_num *a, const struct fp_num *b, struct fp_env *env)
{
    return fp_nan_pick((const struct fp_num *const[]){a, b}, 2, env);
}

#define DEFINE(F) \
    F F##_default_nan(const struct fp_env *env) \
    { \
        struct fp_num n = fp_nan_default(env); \
        struct fp_env scratch = *env; \
        return F##_box(fp_pack(&n, &fmt_##F, &scratch)); \
    } \
    bool F##_is_nan(F a) \
    { \
        struct fp_env scratch = {0}; \
        unsigned cls = fp_unpack(F##_bits(a), &fmt_##F, &scratch).cls; \
        return cls == FPC_QNAN || cls == FPC_SNAN; \
    } \
    bool F##_is_snan(F a) \
    { \
        struct fp_env scratch = {0}; \
        return fp_unpack(F##_bits(a), &fmt_##F, &scratch).cls == FPC_SNAN; \
    }
FP_FOR_EACH(DEFINE)
