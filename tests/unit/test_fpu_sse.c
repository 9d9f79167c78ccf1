/* Soft float against the host's SSE, FMA3 and F16C: results and MXCSR flags, in every rounding mode, with and
 * without DAZ and FTZ. Elsewhere than on x86-64 there is nothing to compare with and the tests are skipped. */
#include "test_fpu_gen.h"

#ifdef __x86_64__
#include <cpuid.h>
#include <emmintrin.h>

enum { MX_DAZ = 1 << 6, MX_MASK = 0x3f << 7, MX_RC = 13, MX_FTZ = 1 << 15 };

static u32 mxcsr_flags(const struct fp_env *env)
{
    static const u32 map[][2] = {{FP_INVALID, 1},  {FP_DENORMAL_USED, 2}, {FP_DIVZERO, 4},
                                 {FP_OVERFLOW, 8}, {FP_UNDERFLOW, 16},    {FP_INEXACT, 32}};
    u32 mx = 0;
    for (unsigned i = 0; i < ARRAY_LEN(map); i++) {
        mx |= env->flags & map[i][0] ? map[i][1] : 0;
    }
    return mx;
}

/* mode: 0..3 the RC field of MXCSR, + 4 DAZ, + 8 FTZ. */
static struct fp_env mode_env(unsigned mode)
{
    static const u8 rc[] = {FP_RNE, FP_RM, FP_RP, FP_RZ};
    struct fp_env env = FP_ENV_SSE;
    env.round = rc[mode & 3];
    env.flush_in = mode & 4;
    env.flush_out = mode & 8;
    return env;
}

static u32 mode_mxcsr(unsigned mode)
{
    return MX_MASK | (mode & 3) << MX_RC | (mode & 4 ? MX_DAZ : 0) | (mode & 8 ? MX_FTZ : 0);
}

/* Runs one instruction under *mx and leaves the host's MXCSR as it was. */
#define HOST_ASM(insn, outs, ...) \
    do { \
        u32 saved_ = _mm_getcsr(); \
        __asm__ volatile("ldmxcsr %[mx]\n\t" insn "\n\tstmxcsr %[mx]\n\tldmxcsr %[saved]" \
                         : outs, [mx] "+m"(*mx) \
                         : [saved] "m"(saved_), __VA_ARGS__ \
                         : "cc"); \
    } while (0)

static __m128i xmm(u64 v)
{
    return _mm_cvtsi64_si128((long long)v);
}

static u64 low(__m128i v)
{
    return (u64)_mm_cvtsi128_si64(v);
}

/* An operation under test: on the host and in soft float, operands and result as 64-bit words. */
struct op {
    const char *name;
    const struct gen_fmt *fmt;
    unsigned operands;
    bool (*have)(void);
    u64 (*host)(const u64 *v, u32 *mx);
    u64 (*soft)(const u64 *v, struct fp_env *env);
};

#define OP2(insn, F, suffix, expr) \
    static u64 host_##insn(const u64 *v, u32 *mx) \
    { \
        __m128i d = xmm(v[0]); \
        HOST_ASM(#insn " %[s], %[d]", [d] "+x"(d), [s] "x"(xmm(v[1]))); \
        return (F)low(d); \
    } \
    static u64 soft_##insn(const u64 *v, struct fp_env *env) \
    { \
        F a = (F)v[0], b = (F)v[1]; \
        return expr; \
    }
#define OP2_BOTH(name, call) \
    OP2(name##ss, f32, s, f32_##call) \
    OP2(name##sd, f64, d, f64_##call)

OP2_BOTH(add, add(a, b, env))
OP2_BOTH(sub, sub(a, b, env))
OP2_BOTH(mul, mul(a, b, env))
OP2_BOTH(div, div(a, b, env))
OP2_BOTH(min, min_x86(a, b, env))
OP2_BOTH(max, max_x86(a, b, env))

/* One source; the result in an xmm register. */
#define OP1(fn, insn, S, D, expr) \
    static u64 host_##fn(const u64 *v, u32 *mx) \
    { \
        __m128i d = xmm(0); \
        HOST_ASM(insn " %[s], %[d]", [d] "+x"(d), [s] "x"(xmm(v[0]))); \
        return (D)low(d); \
    } \
    static u64 soft_##fn(const u64 *v, struct fp_env *env) \
    { \
        S a = (S)v[0]; \
        return (D)(expr); \
    }

OP1(sqrtss, "sqrtss", f32, f32, f32_sqrt(a, env))
OP1(sqrtsd, "sqrtsd", f64, f64, f64_sqrt(a, env))
OP1(cvtss2sd, "cvtss2sd", f32, f64, f32_to_f64(a, env))
OP1(cvtsd2ss, "cvtsd2ss", f64, f32, f64_to_f32(a, env))
OP1(roundss_env, "roundss $4,", f32, f32, f32_round_int(a, env->round, true, env))
OP1(roundsd_env, "roundsd $4,", f64, f64, f64_round_int(a, env->round, true, env))
OP1(roundss_rm, "roundss $9,", f32, f32, f32_round_int(a, FP_RM, false, env))
OP1(roundsd_ne, "roundsd $0,", f64, f64, f64_round_int(a, FP_RNE, true, env))
OP1(vcvtph2ps, "vcvtph2ps", f16, f32, f16_to_f32(a, env))
OP1(vcvtps2ph, "vcvtps2ph $4,", f32, f16, f32_to_f16(a, env))

/* To a general register. */
#define OPI(fn, insn, S, I, expr) \
    static u64 host_##fn(const u64 *v, u32 *mx) \
    { \
        I d = 0; \
        HOST_ASM(insn " %[s], %[d]", [d] "+r"(d), [s] "x"(xmm(v[0]))); \
        return (u64)d; \
    } \
    static u64 soft_##fn(const u64 *v, struct fp_env *env) \
    { \
        S a = (S)v[0]; \
        return (u64)(I)(expr); \
    }

OPI(cvtss2si, "cvtss2si", f32, u32, f32_to_sint_x86(a, 32, env->round, env))
OPI(cvtss2si64, "cvtss2si", f32, u64, f32_to_sint_x86(a, 64, env->round, env))
OPI(cvtsd2si, "cvtsd2si", f64, u32, f64_to_sint_x86(a, 32, env->round, env))
OPI(cvtsd2si64, "cvtsd2si", f64, u64, f64_to_sint_x86(a, 64, env->round, env))
OPI(cvttss2si, "cvttss2si", f32, u32, f32_to_sint_x86(a, 32, FP_RZ, env))
OPI(cvttsd2si64, "cvttsd2si", f64, u64, f64_to_sint_x86(a, 64, FP_RZ, env))

/* From a general register: any operand is a good integer. */
#define OPF(fn, insn, I, D, expr) \
    static u64 host_##fn(const u64 *v, u32 *mx) \
    { \
        __m128i d = xmm(0); \
        HOST_ASM(insn " %[s], %[d]", [d] "+x"(d), [s] "r"((I)v[0])); \
        return (D)low(d); \
    } \
    static u64 soft_##fn(const u64 *v, struct fp_env *env) \
    { \
        I a = (I)v[0]; \
        return expr; \
    }

OPF(cvtsi2ss, "cvtsi2ssl", i32, f32, f32_from_sint(a, 0, env))
OPF(cvtsi2ss64, "cvtsi2ssq", i64, f32, f32_from_sint(a, 0, env))
OPF(cvtsi2sd, "cvtsi2sdl", i32, f64, f64_from_sint(a, 0, env))
OPF(cvtsi2sd64, "cvtsi2sdq", i64, f64, f64_from_sint(a, 0, env))

/* Compares: the result is ZF, PF, CF. */
#define OPC(fn, F, call) \
    static u64 host_##fn(const u64 *v, u32 *mx) \
    { \
        u8 z, p, c; \
        u32 saved = _mm_getcsr(); \
        __asm__ volatile("ldmxcsr %[mx]\n\t" #fn " %[b], %[a]\n\tsetz %[z]\n\tsetp %[p]\n\tsetc %[c]\n\t" \
                         "stmxcsr %[mx]\n\tldmxcsr %[saved]" \
                         : [z] "=&q"(z), [p] "=&q"(p), [c] "=&q"(c), [mx] "+m"(*mx) \
                         : [a] "x"(xmm(v[0])), [b] "x"(xmm(v[1])), [saved] "m"(saved) \
                         : "cc"); \
        return (u64)(z << 2 | p << 1 | c); \
    } \
    static u64 soft_##fn(const u64 *v, struct fp_env *env) \
    { \
        switch (call((F)v[0], (F)v[1], env)) { \
        case FP_LESS: \
            return 1; \
        case FP_EQUAL: \
            return 4; \
        case FP_GREATER: \
            return 0; \
        default: \
            return 7; \
        } \
    }

OPC(comiss, f32, f32_compare)
OPC(comisd, f64, f64_compare)
OPC(ucomiss, f32, f32_compare_quiet)
OPC(ucomisd, f64, f64_compare_quiet)

/* xmm1 = d, xmm2 = s, xmm3 = t of the manual; the number in the name says which two are multiplied. */
#define OP3(insn, F, expr) \
    static u64 host_##insn(const u64 *v, u32 *mx) \
    { \
        __m128i d = xmm(v[0]); \
        HOST_ASM(#insn " %[t], %[s], %[d]", [d] "+x"(d), [s] "x"(xmm(v[1])), [t] "x"(xmm(v[2]))); \
        return (F)low(d); \
    } \
    static u64 soft_##insn(const u64 *v, struct fp_env *env) \
    { \
        F a = (F)v[0], b = (F)v[1], c = (F)v[2]; \
        return expr; \
    }

OP3(vfmadd132ss, f32, f32_fma(a, c, b, 0, env))
OP3(vfmadd213ss, f32, f32_fma(b, a, c, 0, env))
OP3(vfmadd231ss, f32, f32_fma(b, c, a, 0, env))
OP3(vfmadd132sd, f64, f64_fma(a, c, b, 0, env))
OP3(vfmsub213sd, f64, f64_fma(b, a, c, FP_FMA_NEG_ADDEND, env))
OP3(vfnmadd231sd, f64, f64_fma(b, c, a, FP_FMA_NEG_PRODUCT, env))
OP3(vfnmsub213sd, f64, f64_fma(b, a, c, FP_FMA_NEG_PRODUCT | FP_FMA_NEG_ADDEND, env))
OP3(vfnmsub132ss, f32, f32_fma(a, c, b, FP_FMA_NEG_PRODUCT | FP_FMA_NEG_ADDEND, env))

static u32 cpuid1_ecx(void)
{
    u32 a, b, c = 0, d;
    __get_cpuid(1, &a, &b, &c, &d);
    return c;
}
static bool have_sse2(void)
{
    return true;
}
static bool have_sse41(void)
{
    return cpuid1_ecx() & bit_SSE4_1;
}
static bool have_fma(void)
{
    return (cpuid1_ecx() & (bit_FMA | bit_OSXSAVE)) == (bit_FMA | bit_OSXSAVE);
}
static bool have_f16c(void)
{
    return (cpuid1_ecx() & (bit_F16C | bit_OSXSAVE)) == (bit_F16C | bit_OSXSAVE);
}

#define ROW(fn, fmt, n, have) \
    { \
#fn, &gen_##fmt, n, have_##have, host_##fn, soft_##fn \
    }
static const struct op arith_ops[] = {
    ROW(addss, f32, 2, sse2),  ROW(addsd, f64, 2, sse2),  ROW(subss, f32, 2, sse2), ROW(subsd, f64, 2, sse2),
    ROW(mulss, f32, 2, sse2),  ROW(mulsd, f64, 2, sse2),  ROW(divss, f32, 2, sse2), ROW(divsd, f64, 2, sse2),
    ROW(sqrtss, f32, 1, sse2), ROW(sqrtsd, f64, 1, sse2),
};
static const struct op fma_ops[] = {
    ROW(vfmadd132ss, f32, 3, fma),  ROW(vfmadd213ss, f32, 3, fma),  ROW(vfmadd231ss, f32, 3, fma),
    ROW(vfmadd132sd, f64, 3, fma),  ROW(vfmsub213sd, f64, 3, fma),  ROW(vfnmadd231sd, f64, 3, fma),
    ROW(vfnmsub213sd, f64, 3, fma), ROW(vfnmsub132ss, f32, 3, fma),
};
static const struct op compare_ops[] = {
    ROW(minss, f32, 2, sse2),  ROW(minsd, f64, 2, sse2),  ROW(maxss, f32, 2, sse2),   ROW(maxsd, f64, 2, sse2),
    ROW(comiss, f32, 2, sse2), ROW(comisd, f64, 2, sse2), ROW(ucomiss, f32, 2, sse2), ROW(ucomisd, f64, 2, sse2),
};
static const struct op convert_ops[] = {
    ROW(cvtss2sd, f32, 1, sse2),     ROW(cvtsd2ss, f64, 1, sse2),     ROW(cvtss2si, f32, 1, sse2),
    ROW(cvtss2si64, f32, 1, sse2),   ROW(cvtsd2si, f64, 1, sse2),     ROW(cvtsd2si64, f64, 1, sse2),
    ROW(cvttss2si, f32, 1, sse2),    ROW(cvttsd2si64, f64, 1, sse2),  ROW(cvtsi2ss, f32, 1, sse2),
    ROW(cvtsi2ss64, f64, 1, sse2),   ROW(cvtsi2sd, f32, 1, sse2),     ROW(cvtsi2sd64, f64, 1, sse2),
    ROW(roundss_env, f32, 1, sse41), ROW(roundsd_env, f64, 1, sse41), ROW(roundss_rm, f32, 1, sse41),
    ROW(roundsd_ne, f64, 1, sse41),  ROW(vcvtph2ps, f16, 1, f16c),    ROW(vcvtps2ph, f32, 1, f16c),
};

static void compare_once(struct gen *g, const struct op *op, const u64 *v, unsigned mode)
{
    struct fp_env env = mode_env(mode);
    u32 mx = mode_mxcsr(mode);
    u64 want = op->host(v, &mx), got = op->soft(v, &env);
    if (want != got || (mx & 0x3f) != mxcsr_flags(&env)) {
        gen_mismatch(g, "%s mode %u: %llx %llx %llx: host %llx flags %02x, soft %llx flags %02x", op->name, mode,
                     (unsigned long long)v[0], (unsigned long long)v[1], (unsigned long long)v[2],
                     (unsigned long long)want, mx & 0x3f, (unsigned long long)got, mxcsr_flags(&env));
    }
}

/* Third operands that cancel the product of the first two, to the last bits. */
static u64 product_partner(struct gen *g, const struct op *op, const u64 *v)
{
    struct fp_env env = FP_ENV_SSE;
    u64 p = op->fmt == &gen_f32 ? f32_mul((f32)v[0], (f32)v[1], &env) : f64_mul(v[0], v[1], &env);
    return p ^ (u64)gen_below(g, 2) << (op->fmt->exp_bits + op->fmt->frac_bits) ^ gen_below(g, 3);
}

static void compare_ops_all(const char *test, const struct op *ops, unsigned n)
{
    struct gen g = gen_start(test);
    unsigned iters = gen_iters(60000);
    bool any = false;
    for (const struct op *op = ops; op < ops + n; op++) {
        if (!op->have()) {
            continue;
        }
        any = true;
        for (unsigned i = 0; i < iters; i++) {
            u64 v[3] = {(u64)gen_num(&g, op->fmt)};
            v[1] =
                (u64)gen_partner(&g, op->fmt, v[0]) & (u64)(((u128)2 << (op->fmt->exp_bits + op->fmt->frac_bits)) - 1);
            v[2] = gen_below(&g, 4) ? (u64)gen_num(&g, op->fmt) : product_partner(&g, op, v);
            compare_once(&g, op, v, gen_below(&g, 16));
        }
    }
    assert_int_equal(g.bad, 0);
    if (!any) {
        skip();
    }
}

static void test_arith(void **state UNUSED)
{
    compare_ops_all("arith", arith_ops, ARRAY_LEN(arith_ops));
}
static void test_fma(void **state UNUSED)
{
    compare_ops_all("fma", fma_ops, ARRAY_LEN(fma_ops));
}
static void test_compare(void **state UNUSED)
{
    compare_ops_all("compare", compare_ops, ARRAY_LEN(compare_ops));
}
static void test_convert(void **state UNUSED)
{
    compare_ops_all("convert", convert_ops, ARRAY_LEN(convert_ops));
}

/* Every half there is, widened and narrowed again, and every rounding of the way down. */
static void test_half_exhaustive(void **state UNUSED)
{
    struct gen g = gen_start("half");
    if (!have_f16c()) {
        skip();
    }
    for (unsigned h = 0; h < 65536; h++) {
        struct fp_env env = FP_ENV_SSE;
        u64 v[3] = {h};
        compare_once(&g, &convert_ops[16], v, 0);
        v[0] = f16_to_f32((f16)h, &env) + gen_below(&g, 0x4000);
        compare_once(&g, &convert_ops[17], v, h & 15);
    }
    assert_int_equal(g.bad, 0);
}
#else
static void test_arith(void **state UNUSED)
{
    skip();
}
#define test_fma             test_arith
#define test_compare         test_arith
#define test_convert         test_arith
#define test_half_exhaustive test_arith
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arith),           cmocka_unit_test(test_fma),
        cmocka_unit_test(test_compare),         cmocka_unit_test(test_convert),
        cmocka_unit_test(test_half_exhaustive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
