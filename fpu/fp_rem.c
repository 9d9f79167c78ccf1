/* Remainders: IEEE 754 remainder, and the FPREM and FPREM1 of the x87.
 *
 * IEEE 754-2008 5.3.1; Intel SDM volume 2, FPREM and FPREM1. Results are exact. The x87 instructions leave open how
 * much one partial step reduces (32 to 63 bits): here, as on Intel's parts, the number of bits is 32 + D mod 32. */
#include "fpu/fp_priv.h"

/* Long division of two finite numbers. rem * 2^(exp - 127) is what `steps` quotient bits after the first leave of
 * |a|; quo holds the low 64 bits of the quotient. All values keep two free bits at the top. */
struct division {
    u128 rem, div;
    i32 exp; /* of div at the last quotient bit */
    u64 quo;
};

static struct division divide(const struct fp_num *a, const struct fp_num *b, i32 steps)
{
    i32 diff = a->exp - b->exp;
    struct division d = {.rem = a->sig >> 2, .div = b->sig >> 2, .exp = a->exp - steps};
    if (diff < 0) { /* |a| < |b|: the quotient is zero; diff is -1 here, so nothing falls out */
        d.rem >>= 1;
        d.exp = b->exp;
        return d;
    }
    for (i32 i = 0; i <= steps; i++) {
        if (i > 0) {
            d.rem <<= 1;
            d.quo <<= 1;
        }
        if (d.rem >= d.div) {
            d.rem -= d.div;
            d.quo |= 1;
        }
    }
    return d;
}

static struct fp_num division_rest(const struct division *d, bool sign)
{
    if (d->rem == 0) {
        return fp_zero(sign);
    }
    unsigned lz = clz128(d->rem);
    return (struct fp_num){.cls = FPC_FINITE, .sign = sign, .exp = d->exp + 2 - (i32)lz, .sig = d->rem << lz};
}

/* a rem b for finite a and b; partial: NULL for a complete reduction. */
static struct fp_num rem_finite(const struct fp_num *a, const struct fp_num *b, bool nearest, u64 *quo, bool *partial)
{
    i32 diff = a->exp - b->exp;
    if (diff < -1 || (diff == -1 && !nearest)) {
        return *a;
    }
    if (partial && diff >= 64) {
        *partial = true;
        struct division d = divide(a, b, 32 + diff % 32);
        return division_rest(&d, a->sign);
    }
    struct division d = divide(a, b, diff);
    bool sign = a->sign;
    if (nearest && (2 * d.rem > d.div || (2 * d.rem == d.div && (d.quo & 1)))) {
        d.rem = d.div - d.rem;
        d.quo++;
        sign = !sign;
    }
    *quo = d.quo;
    return division_rest(&d, d.rem ? sign : a->sign);
}

static u128 fp_rem(u128 a, u128 b, bool nearest, u64 *quo, bool *partial, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num x = fp_unpack(a, fmt, env), y = fp_unpack(b, fmt, env), r;
    *quo = 0;
    if (fp_is_nan(&x) || fp_is_nan(&y)) {
        r = fp_nan_two(&x, &y, env);
    } else if (x.cls == FPC_INF || y.cls == FPC_ZERO) {
        r = fp_nan_invalid(env);
    } else {
        fp_use_denormal(x.denormal || y.denormal, env);
        r = x.cls == FPC_ZERO || y.cls == FPC_INF ? x : rem_finite(&x, &y, nearest, quo, partial);
    }
    return fp_pack(&r, fmt, env);
}

#define DEFINE(F) \
    F F##_rem(F a, F b, struct fp_env *env) \
    { \
        u64 quo; \
        return F##_box(fp_rem(F##_bits(a), F##_bits(b), true, &quo, NULL, &fmt_##F, env)); \
    } \
    F F##_rem_x87(F a, F b, bool nearest, u64 *quo, bool *partial, struct fp_env *env) \
    { \
        *partial = false; \
        return F##_box(fp_rem(F##_bits(a), F##_bits(b), nearest, quo, partial, &fmt_##F, env)); \
    }
FP_FOR_EACH(DEFINE)
