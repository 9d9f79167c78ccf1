/* Comparison, minimum, maximum.
 *
 * FPCompare, FPMax, FPMin, FPMaxNum, FPMinNum of the Arm ARM (DDI 0487); COMISS, UCOMISS, FCOM, MINSS, MAXSS of the
 * Intel SDM. Not modelled: the IEEE 754-2019 minimumNumber of RISC-V. */
#include "fpu/fp_priv.h"

/* Order of two numbers, neither a NaN: -1, 0, 1; zeros are equal. */
static int num_order(const struct fp_num *a, const struct fp_num *b)
{
    if (a->cls == FPC_ZERO && b->cls == FPC_ZERO) {
        return 0;
    }
    int sa = a->cls == FPC_ZERO ? 0 : a->sign ? -1 : 1, sb = b->cls == FPC_ZERO ? 0 : b->sign ? -1 : 1;
    if (sa != sb) {
        return sa < sb ? -1 : 1;
    }
    if (a->cls != b->cls) { /* one is infinite */
        return a->cls == FPC_INF ? sa : -sa;
    }
    if (a->cls == FPC_INF) {
        return 0;
    }
    if (a->exp != b->exp) {
        return a->exp > b->exp ? sa : -sa;
    }
    return a->sig == b->sig ? 0 : a->sig > b->sig ? sa : -sa;
}

static enum fp_rel fp_compare(u128 a, u128 b, bool quiet, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num x = fp_unpack(a, fmt, env), y = fp_unpack(b, fmt, env);
    if (fp_is_nan(&x) || fp_is_nan(&y)) {
        if (!quiet || x.cls > FPC_QNAN || y.cls > FPC_QNAN) {
            env->flags |= FP_INVALID;
        }
        return FP_UNORDERED;
    }
    fp_use_denormal(x.denormal || y.denormal, env);
    return (enum fp_rel)num_order(&x, &y);
}

/* -- minimum and maximum ------------------------------------------------------------------------ */

/* dir: 1 for the maximum, -1 for the minimum. */
static struct fp_num minmax_num(const struct fp_num *a, const struct fp_num *b, int dir, struct fp_env *env)
{
    if (fp_is_nan(a) || fp_is_nan(b)) {
        return fp_nan_two(a, b, env);
    }
    fp_use_denormal(a->denormal || b->denormal, env);
    int order = num_order(a, b) * dir;
    if (order == 0 && a->cls == FPC_ZERO) {
        return fp_zero(dir > 0 ? a->sign && b->sign : a->sign || b->sign);
    }
    return order > 0 ? *a : *b;
}

/* A result that equals an operand is packed without rounding: it must not look tiny. */
static u128 pack_operand(const struct fp_num *n, const struct fp_fmt *fmt)
{
    struct fp_env exact = {0};
    return fp_pack(n, fmt, &exact);
}

static u128 fp_minmax(u128 a, u128 b, int dir, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num x = fp_unpack(a, fmt, env), y = fp_unpack(b, fmt, env);
    struct fp_num r = minmax_num(&x, &y, dir, env);
    return pack_operand(&r, fmt);
}

/* One quiet NaN counts as the infinity that loses. */
static u128 fp_minmaxnm(u128 a, u128 b, int dir, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num x = fp_unpack(a, fmt, env), y = fp_unpack(b, fmt, env);
    if (x.cls == FPC_QNAN && y.cls != FPC_QNAN) {
        x = fp_inf(dir > 0);
    } else if (y.cls == FPC_QNAN && x.cls != FPC_QNAN) {
        y = fp_inf(dir > 0);
    }
    struct fp_num r = minmax_num(&x, &y, dir, env);
    return pack_operand(&r, fmt);
}

static u128 fp_minmax_x86(u128 a, u128 b, int dir, const struct fp_fmt *fmt, struct fp_env *env)
{
    struct fp_num x = fp_unpack(a, fmt, env), y = fp_unpack(b, fmt, env);
    if (fp_is_nan(&x) || fp_is_nan(&y)) {
        env->flags |= FP_INVALID;
        return fp_is_nan(&y) ? b : pack_operand(&y, fmt);
    }
    fp_use_denormal(x.denormal || y.denormal, env);
    return pack_operand(num_order(&x, &y) * dir > 0 ? &x : &y, fmt);
}

#define DEFINE(F) \
    F F##_min(F a, F b, struct fp_env *env) \
    { \
        return F##_box(fp_minmax(F##_bits(a), F##_bits(b), -1, &fmt_##F, env)); \
    } \
    F F##_max(F a, F b, struct fp_env *env) \
    { \
        return F##_box(fp_minmax(F##_bits(a), F##_bits(b), 1, &fmt_##F, env)); \
    } \
    F F##_minnm(F a, F b, struct fp_env *env) \
    { \
        return F##_box(fp_minmaxnm(F##_bits(a), F##_bits(b), -1, &fmt_##F, env)); \
    } \
    F F##_maxnm(F a, F b, struct fp_env *env) \
    { \
        return F##_box(fp_minmaxnm(F##_bits(a), F##_bits(b), 1, &fmt_##F, env)); \
    } \
    F F##_min_x86(F a, F b, struct fp_env *env) \
    { \
        return F##_box(fp_minmax_x86(F##_bits(a), F##_bits(b), -1, &fmt_##F, env)); \
    } \
    F F##_max_x86(F a, F b, struct fp_env *env) \
    { \
        return F##_box(fp_minmax_x86(F##_bits(a), F##_bits(b), 1, &fmt_##F, env)); \
    } \
    enum fp_rel F##_compare(F a, F b, struct fp_env *env) \
    { \
        return fp_compare(F##_bits(a), F##_bits(b), false, &fmt_##F, env); \
    } \
    enum fp_rel F##_compare_quiet(F a, F b, struct fp_env *env) \
    { \
        return fp_compare(F##_bits(a), F##_bits(b), true, &fmt_##F, env); \
    }
FP_FOR_EACH(DEFINE)
