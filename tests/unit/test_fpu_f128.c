/* Quadruple precision against the compiler's and libm's _Float128 (x86-64 glibc: integer code of another origin),
 * and conversions between it and every narrower format. Elsewhere the test is skipped. */
#define __STDC_WANT_IEC_60559_TYPES_EXT__ 1
#include "test_fpu_gen.h"

#include <fenv.h>
#include <math.h>

#if defined(__x86_64__) && defined(__GLIBC__) && defined(__SIZEOF_FLOAT128__) && !defined(__clang__)

static f128 f128_of(u128 v)
{
    return (f128){(u64)v, (u64)(v >> 64)};
}

static u128 raw(f128 v)
{
    return (u128)v.hi << 64 | v.lo;
}

struct mode {
    int host;
    enum fp_round soft;
};
static const struct mode modes[] = {
    {FE_TONEAREST, FP_RNE}, {FE_DOWNWARD, FP_RM}, {FE_UPWARD, FP_RP}, {FE_TOWARDZERO, FP_RZ}};

static _Float128 host(u128 v)
{
    _Float128 r;
    memcpy(&r, &v, sizeof(r));
    return r;
}

static u128 bits_of(_Float128 v)
{
    u128 r;
    memcpy(&r, &v, sizeof(r));
    return r;
}

enum { FLAGS = FP_INVALID | FP_DIVZERO | FP_OVERFLOW | FP_UNDERFLOW | FP_INEXACT };

static u32 host_flags(void)
{
    int fe = fetestexcept(FE_ALL_EXCEPT);
    return (fe & FE_INVALID ? FP_INVALID : 0u) | (fe & FE_DIVBYZERO ? FP_DIVZERO : 0u) |
           (fe & FE_OVERFLOW ? FP_OVERFLOW : 0u) | (fe & FE_UNDERFLOW ? FP_UNDERFLOW : 0u) |
           (fe & FE_INEXACT ? FP_INEXACT : 0u);
}

struct op {
    const char *name;
    bool rne_only;    /* the host's code gets the sign of a zero wrong in other modes */
    bool any_invalid; /* the value of an invalid operation is the library's own choice */
    _Float128 (*host)(const volatile _Float128 *v);
    f128 (*soft)(const f128 *v, struct fp_env *env);
};

#define OP(fn, hexpr, sexpr) \
    static _Float128 host_##fn(const volatile _Float128 *v) \
    { \
        return hexpr; \
    } \
    static f128 soft_##fn(const f128 *v, struct fp_env *env) \
    { \
        return sexpr; \
    }
OP(add, v[0] + v[1], f128_add(v[0], v[1], env))
OP(sub, v[0] - v[1], f128_sub(v[0], v[1], env))
OP(mul, v[0] * v[1], f128_mul(v[0], v[1], env))
OP(div, v[0] / v[1], f128_div(v[0], v[1], env))
OP(fma, fmaf128(v[0], v[1], v[2]), f128_fma(v[0], v[1], v[2], 0, env))
OP(sqrt, sqrtf128(v[0]), f128_sqrt(v[0], env))
OP(rem, remainderf128(v[0], v[1]), f128_rem(v[0], v[1], env))
OP(rint, rintf128(v[0]), f128_round_int(v[0], env->round, true, env))
OP(to_f32, (_Float128)(float)v[0], f32_to_f128(f128_to_f32(v[0], env), env))
OP(to_f64, (_Float128)(double)v[0], f64_to_f128(f128_to_f64(v[0], env), env))
OP(to_f80, (_Float128)(long double)v[0], f80_to_f128(f128_to_f80(v[0], env), env))
OP(to_i64, (_Float128)llrintf128(v[0]), f128_from_sint(f128_to_sint_x86(v[0], 64, env->round, env), 0, env))

#define ROW(fn, rne_only, any_invalid) \
    { \
#fn, rne_only, any_invalid, host_##fn, soft_##fn \
    }
static const struct op ops[] = {
    ROW(add, false, false),    ROW(sub, false, false),    ROW(mul, false, false),    ROW(div, false, false),
    ROW(fma, false, false),    ROW(sqrt, false, false),   ROW(rem, true, false),     ROW(rint, false, false),
    ROW(to_f32, false, false), ROW(to_f64, false, false), ROW(to_f80, false, false), ROW(to_i64, false, true),
};

static void compare_once(struct gen *g, const struct op *op, const u128 *v, const struct mode *mode)
{
    struct fp_env env = {.tiny_after = true, .nan_style = FP_NAN_ARM}; /* 0 * infinity + NaN is invalid there too */
    const f128 w[3] = {f128_of(v[0]), f128_of(v[1]), f128_of(v[2])};
    const volatile _Float128 h[3] = {host(v[0]), host(v[1]), host(v[2])};
    env.round = mode->soft;
    fesetround(mode->host);
    feclearexcept(FE_ALL_EXCEPT);
    u128 want = bits_of(op->host(h));
    u32 want_flags = host_flags();
    fesetround(FE_TONEAREST);
    f128 soft = op->soft(w, &env);
    u128 got = raw(soft);
    /* Which NaN comes out is a library's own choice. */
    bool same = f128_is_nan(soft) ? f128_is_nan(f128_of(want)) : want == got;
    same |= op->any_invalid && env.flags & FP_INVALID;
    if (!same || want_flags != (env.flags & FLAGS)) {
        gen_mismatch(g,
                     "%s mode %d: %016llx%016llx %016llx%016llx %016llx%016llx: host %016llx%016llx %02x, soft "
                     "%016llx%016llx %02x",
                     op->name, mode->soft, (unsigned long long)w[0].hi, (unsigned long long)w[0].lo,
                     (unsigned long long)w[1].hi, (unsigned long long)w[1].lo, (unsigned long long)w[2].hi,
                     (unsigned long long)w[2].lo, (unsigned long long)(want >> 64), (unsigned long long)want,
                     want_flags, (unsigned long long)(got >> 64), (unsigned long long)got, env.flags & FLAGS);
    }
}

static void test_host(void **state UNUSED)
{
    struct gen g = gen_start("f128");
    unsigned iters = gen_iters(30000);
    for (const struct op *op = ops; op < ops + ARRAY_LEN(ops); op++) {
        for (unsigned i = 0; i < iters; i++) {
            struct fp_env env = FP_ENV_SSE;
            u128 v[3] = {gen_num(&g, &gen_f128)};
            v[1] = gen_partner(&g, &gen_f128, v[0]);
            v[2] = gen_num(&g, &gen_f128);
            if (gen_below(&g, 4) == 0) {
                v[2] = raw(f128_neg(f128_mul(f128_of(v[0]), f128_of(v[1]), &env))) ^ gen_below(&g, 3);
            }
            compare_once(&g, op, v, &modes[op->rne_only ? 0 : gen_below(&g, 4)]);
        }
    }
    assert_int_equal(g.bad, 0);
}
#else
static void test_host(void **state UNUSED)
{
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
