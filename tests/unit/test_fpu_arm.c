/* Arm's rules: golden values worked out from the pseudocode of the Arm ARM (DDI 0487, shared/functions/float), and
 * identities that hold between formats. Runs on every host. */
#include "test_fpu_gen.h"

/* Mode letters of a row: rounding N Z M P A O, F flush to zero, H the same for halves, D default NaN, A+ alternative
 * half. */
static struct fp_env mode_env(const char *mode)
{
    struct fp_env env = FP_ENV_ARM;
    for (; *mode; mode++) {
        switch (*mode) {
        case 'Z':
            env.round = FP_RZ;
            break;
        case 'M':
            env.round = FP_RM;
            break;
        case 'P':
            env.round = FP_RP;
            break;
        case 'O':
            env.round = FP_RTO;
            break;
        case 'F':
            env.flush_in = env.flush_out = true;
            break;
        case 'H':
            env.flush_in16 = env.flush_out16 = true;
            break;
        case 'D':
            env.default_nan = true;
            break;
        case '+':
            env.arm_alt_half = true;
            break;
        default:
            fail_msg("mode letter %c", *mode);
        }
    }
    return env;
}

/* What FPSR can show. */
enum {
    IOC = FP_INVALID,
    DZC = FP_DIVZERO,
    OFC = FP_OVERFLOW,
    UFC = FP_UNDERFLOW,
    IXC = FP_INEXACT,
    IDC = FP_INPUT_DENORMAL,
    FPSR = IOC | DZC | OFC | UFC | IXC | IDC,
};

static void check_row(const char *what, const char *mode, u64 got, u64 want, u32 flags, u32 want_flags)
{
    if (got != want || flags != want_flags) {
        fail_msg("%s [%s]: got %llx flags %02x, want %llx flags %02x", what, mode, (unsigned long long)got, flags,
                 (unsigned long long)want, want_flags);
    }
}

#define CHECK(mode, expr, want, want_flags) \
    do { \
        struct fp_env e_ = mode_env(mode), *env = &e_; \
        u64 got_ = (u64)(expr); \
        check_row(#expr, mode, got_, want, e_.flags &FPSR, want_flags); \
    } while (0)

enum {
    ONE32 = 0x3f800000,
    TWO32 = 0x40000000,
    INF32 = 0x7f800000,
    QNAN32 = 0x7fc00000,
    Q1 = 0x7fc00001, /* quiet NaNs with payloads 1, 2 */
    Q2 = 0x7fc00002,
    S1 = 0x7f800001, /* signalling ones */
    S2 = 0x7f800002,
    MIN32 = 0x00800000, /* smallest normal */
    MAX32 = 0x7f7fffff,
    DEN32 = 0x00400000, /* half of the smallest normal */
};
#define NEG 0x80000000u

static void test_nan(void **state UNUSED)
{
    CHECK("", f32_add(Q1, Q2, env), Q1, 0);
    CHECK("", f32_add(Q1, S2, env), Q2, IOC); /* signalling first, whatever the order */
    CHECK("", f32_add(S1, S2, env), Q1, IOC);
    CHECK("", f32_mul(ONE32, NEG | Q1, env), NEG | Q1, 0);
    CHECK("D", f32_add(Q1, Q2, env), QNAN32, 0);
    CHECK("D", f32_add(Q1, S2, env), QNAN32, IOC);
    CHECK("", f32_sub(INF32, INF32, env), QNAN32, IOC); /* the default NaN is positive */
    CHECK("", f32_mul(INF32, 0, env), QNAN32, IOC);
    CHECK("", f32_div(0, 0, env), QNAN32, IOC);
    CHECK("", f32_sqrt(NEG | ONE32, env), QNAN32, IOC);
    CHECK("", f32_sqrt(NEG, env), NEG, 0);
    CHECK("", f32_sqrt(NEG | S1, env), NEG | Q1, IOC);
    CHECK("", f32_div(ONE32, NEG, env), NEG | INF32, DZC);
    CHECK("", f32_div(INF32, 0, env), INF32, 0);
}

static void test_fma(void **state UNUSED)
{
    CHECK("", f32_fma(Q1, Q2, QNAN32 | 3, 0, env), QNAN32 | 3, 0); /* addend, then the factors */
    CHECK("", f32_fma(S1, S2, Q2, 0, env), Q1, IOC);
    CHECK("", f32_fma(INF32, 0, Q1, 0, env), QNAN32, IOC);
    CHECK("", f32_fma(INF32, 0, S1, 0, env), Q1, IOC);
    CHECK("", f32_fma(INF32, 0, ONE32, 0, env), QNAN32, IOC);
    CHECK("", f32_fma(INF32, ONE32, NEG | INF32, 0, env), QNAN32, IOC);
    CHECK("", f32_fma(Q1, ONE32, ONE32, FP_FMA_NEG_PRODUCT, env), NEG | Q1, 0); /* the operand is negated */
    CHECK("", f32_fma(ONE32, ONE32, ONE32, FP_FMA_NEG_PRODUCT, env), 0, 0);
    CHECK("M", f32_fma(ONE32, ONE32, ONE32, FP_FMA_NEG_PRODUCT, env), NEG, 0);
    CHECK("", f32_fma(NEG, ONE32, NEG, 0, env), NEG, 0);
    /* (1 + u)(1 - u) - 1 = -u^2, which two roundings lose */
    CHECK("", f32_fma(0x3f800001, 0x3f7ffffe, NEG | ONE32, 0, env), NEG | 0x28800000, 0);
    CHECK("F", f32_fma(DEN32, TWO32, ONE32, 0, env), ONE32, IDC);
    CHECK("", f32_fma_f16(0x3c00, 0x3c00, ONE32, 0, env), TWO32, 0);
    CHECK("", f32_fma_f16(0x0001, 0x0001, 0, 0, env), 0x27800000, 0); /* 2^-48: exact in f32 */
    CHECK("H", f32_fma_f16(0x0001, 0x3c00, ONE32, 0, env), ONE32, 0);
    CHECK("", f32_fma_f16(0x7c00, 0, ONE32, FP_FMA_NEG_PRODUCT, env), QNAN32, IOC);
}

static void test_flush(void **state UNUSED)
{
    CHECK("", f32_mul(MIN32, 0x3f000000, env), DEN32, 0);
    CHECK("F", f32_mul(MIN32, 0x3f000000, env), 0, UFC); /* not IXC */
    CHECK("F", f32_mul(NEG | MIN32, 0x3f000000, env), NEG, UFC);
    CHECK("F", f32_add(DEN32, ONE32, env), ONE32, IDC);
    CHECK("F", f32_add(DEN32, S1, env), Q1, IDC | IOC);
    CHECK("F", f32_div(ONE32, DEN32, env), INF32, DZC | IDC);
    /* Tiny before rounding: 2^-126 - 2^-150 rounds up to a normal number, and underflows all the same. */
    CHECK("", f32_mul(MIN32 | 1, 0x3f7ffffe, env), MIN32, UFC | IXC);
    CHECK("F", f32_mul(MIN32 | 1, 0x3f7ffffe, env), 0, UFC);
    CHECK("", f32_mul(1, 0x3f000000, env), 0, UFC | IXC);
    CHECK("P", f32_mul(1, 0x3f000000, env), 1, UFC | IXC);
    CHECK("F", f16_mul(0x0400, 0x3800, env), 0x0200, 0); /* FZ is not for halves */
    CHECK("H", f16_mul(0x0400, 0x3800, env), 0, UFC);
    CHECK("H", f16_add(0x0200, 0x3c00, env), 0x3c00, 0); /* FZ16 never sets IDC */
    CHECK("H", f16_to_f32(0x0001, env), 0x33800000, 0);  /* nor flushes a conversion */
    CHECK("H", f32_to_f16(0x33800000, env), 0x0001, 0);
    CHECK("F", f32_to_f16(DEN32, env), 0, IDC);
    CHECK("F", f64_to_f32(0x3800000000000000, env), 0, UFC); /* 2^-127 */
    CHECK("", f64_to_f32(0x3800000000000000, env), DEN32, 0);
}

static void test_overflow(void **state UNUSED)
{
    CHECK("", f32_add(MAX32, MAX32, env), INF32, OFC | IXC);
    CHECK("Z", f32_add(MAX32, MAX32, env), MAX32, OFC | IXC);
    CHECK("M", f32_add(MAX32, MAX32, env), MAX32, OFC | IXC);
    CHECK("M", f32_add(NEG | MAX32, NEG | MAX32, env), NEG | INF32, OFC | IXC);
    CHECK("P", f32_add(NEG | MAX32, NEG | MAX32, env), NEG | MAX32, OFC | IXC);
    CHECK("O", f64_to_f32(0x7fe0000000000000, env), MAX32, OFC | IXC); /* FCVTXN */
    CHECK("O", f64_to_f32(0x3ff0000000000001, env), 0x3f800001, IXC);
    CHECK("O", f64_to_f32(0x3ff0000020000001, env), 0x3f800001, IXC);
    CHECK("", f32_to_f16(0x477ff000, env), 0x7c00, OFC | IXC); /* 65520 */
    CHECK("", f32_to_f16(0x477fefff, env), 0x7bff, IXC);
    CHECK("Z", f32_to_f16(0x477ff000, env), 0x7bff, IXC);
}

static void test_minmax(void **state UNUSED)
{
    CHECK("", f32_max(0, NEG, env), 0, 0);
    CHECK("", f32_max(NEG, 0, env), 0, 0);
    CHECK("", f32_min(0, NEG, env), NEG, 0);
    CHECK("", f32_min(NEG, 0, env), NEG, 0);
    CHECK("", f32_max(ONE32, Q1, env), Q1, 0);
    CHECK("", f32_min(Q2, S1, env), Q1, IOC);
    CHECK("", f32_max(NEG | INF32, NEG | ONE32, env), NEG | ONE32, 0);
    CHECK("", f32_maxnm(ONE32, Q1, env), ONE32, 0);
    CHECK("", f32_maxnm(Q1, NEG | INF32, env), NEG | INF32, 0);
    CHECK("", f32_minnm(Q1, ONE32, env), ONE32, 0);
    CHECK("", f32_minnm(Q1, Q2, env), Q1, 0);
    CHECK("", f32_minnm(Q1, S2, env), Q2, IOC);
    CHECK("", f32_minnm(S1, ONE32, env), Q1, IOC);
    CHECK("D", f32_minnm(Q1, Q2, env), QNAN32, 0);
    CHECK("F", f32_max(DEN32, NEG | DEN32, env), 0, IDC);
    CHECK("F", f32_maxnm(Q1, NEG | DEN32, env), NEG, IDC);
    CHECK("", f32_max(1, 2, env), 2, 0);
    CHECK("H", f16_min(0x0001, 0x3c00, env), 0, 0);
}

static void test_compare(void **state UNUSED)
{
    CHECK("", f32_compare(ONE32, TWO32, env), (u64)FP_LESS, 0);
    CHECK("", f32_compare(NEG | ONE32, NEG | TWO32, env), FP_GREATER, 0);
    CHECK("", f32_compare(0, NEG, env), FP_EQUAL, 0);
    CHECK("", f32_compare(NEG | INF32, INF32, env), (u64)FP_LESS, 0);
    CHECK("", f32_compare(Q1, ONE32, env), FP_UNORDERED, IOC);
    CHECK("", f32_compare_quiet(Q1, ONE32, env), FP_UNORDERED, 0);
    CHECK("", f32_compare_quiet(ONE32, S1, env), FP_UNORDERED, IOC);
    CHECK("", f32_compare(1, 2, env), (u64)FP_LESS, 0);
    CHECK("F", f32_compare(1, 2, env), FP_EQUAL, IDC);
    CHECK("F", f32_compare_quiet(Q1, 2, env), FP_UNORDERED, IDC);
    CHECK("F", f16_compare(1, 2, env), (u64)FP_LESS, 0);
}

static void test_alt_half(void **state UNUSED)
{
    CHECK("+", f16_to_f32(0x7c00, env), 0x47800000, 0); /* 65536 */
    CHECK("+", f16_to_f32(0xffff, env), 0xc7ffe000, 0); /* -131008 */
    CHECK("+", f32_to_f16(0x47800000, env), 0x7c00, 0);
    CHECK("+", f32_to_f16(INF32, env), 0x7fff, IOC);
    CHECK("+", f32_to_f16(NEG | INF32, env), 0xffff, IOC);
    CHECK("+", f32_to_f16(0x48000000, env), 0x7fff, IOC); /* 131072: invalid, not overflow and inexact */
    CHECK("+", f32_to_f16(NEG | Q1, env), 0x8000, IOC);
    CHECK("+", f64_to_f16(0x7ff0000000000001, env), 0, IOC);
    CHECK("+", f16_add(0x7c00, 0x3c00, env), 0x7c00, 0); /* arithmetic is always IEEE */
}

static void test_convert_nan(void **state UNUSED)
{
    CHECK("", f64_to_f32(0xfff8000020000001, env), NEG | Q1, 0); /* the leading bits of the payload */
    CHECK("", f64_to_f32(0x7ff0000020000001, env), Q1, IOC);
    CHECK("", f32_to_f64(Q1, env), 0x7ff8000020000000, 0);
    CHECK("", f16_to_f32(0x7c01, env), 0x7fc02000, IOC);
    CHECK("D", f16_to_f64(0xfe01, env), 0x7ff8000000000000, 0);
    CHECK("", f32_to_bf16(0x3f808000, env), 0x3f80, IXC);
    CHECK("", f32_to_bf16(0x3f818000, env), 0x3f82, IXC);
    CHECK("", f32_to_bf16(MAX32, env), 0x7f80, OFC | IXC);
    CHECK("Z", f32_to_bf16(MAX32, env), 0x7f7f, IXC);
    CHECK("", f32_to_bf16(S1, env), 0x7fc0, IOC);
    CHECK("", f32_to_bf16(0x7fa10000, env), 0x7fe1, IOC);
    CHECK("", f32_to_bf16(1, env), 0, UFC | IXC);
    CHECK("F", f32_to_bf16(DEN32, env), 0, IDC);
    CHECK("", f32_to_bf16(DEN32, env), 0x0040, 0);
}

static void test_integer(void **state UNUSED)
{
    CHECK("", f32_to_sint(0x4f000000, 32, 0, FP_RZ, env), 0x7fffffff, IOC); /* 2^31 */
    CHECK("", f32_to_sint(0xcf000000, 32, 0, FP_RZ, env), (u64)INT32_MIN, 0);
    CHECK("", f32_to_sint(Q1, 32, 0, FP_RZ, env), 0, IOC);
    CHECK("", f32_to_sint(NEG | INF32, 64, 0, FP_RZ, env), (u64)INT64_MIN, IOC);
    CHECK("", f32_to_uint(NEG | ONE32, 32, 0, FP_RZ, env), 0, IOC);
    CHECK("", f32_to_uint(0xbf000000, 32, 0, FP_RZ, env), 0, IXC); /* -0.5 */
    CHECK("", f32_to_uint(0xbf000000, 32, 0, FP_RM, env), 0, IOC);
    CHECK("", f32_to_uint(INF32, 64, 0, FP_RZ, env), ~0ull, IOC);
    CHECK("", f32_to_sint(0x3f000000, 32, 0, FP_RNE, env), 0, IXC);
    CHECK("", f32_to_sint(0x3f000000, 32, 0, FP_RNA, env), 1, IXC);
    CHECK("", f32_to_sint(0x3fc00000, 32, 0, FP_RNE, env), 2, IXC);
    CHECK("", f32_to_sint(0xbfc00000, 32, 0, FP_RP, env), (u64)-1, IXC);
    CHECK("F", f32_to_sint(DEN32, 32, 0, FP_RP, env), 0, IDC);
    CHECK("", f32_to_sint(DEN32, 32, 0, FP_RP, env), 1, IXC);
    CHECK("", f32_to_sint(0x3fc00000, 32, 8, FP_RZ, env), 0x180, 0);
    CHECK("", f32_to_uint(0x3f7fffff, 32, 32, FP_RZ, env), 0xffffff00, 0);
    CHECK("", f64_to_sint(0x3fe0000000000000, 64, 64, FP_RZ, env), INT64_MAX, IOC);
    CHECK("", f16_to_sint(0x7bff, 16, 0, FP_RZ, env), 0x7fff, IOC); /* 65504 */
    CHECK("", f16_to_uint(0x7bff, 16, 0, FP_RZ, env), 65504, 0);
    CHECK("", f16_from_uint(65520, 0, env), 0x7c00, OFC | IXC);
    CHECK("", f16_from_sint(-1, 24, env), 0x8001, 0);
    CHECK("H", f16_from_sint(-1, 24, env), 0x8000, UFC);
    CHECK("", f32_from_uint(~0ull, 0, env), 0x5f800000, IXC);
    CHECK("Z", f32_from_uint(~0ull, 0, env), 0x5f7fffff, IXC);
    CHECK("", f64_from_sint(INT64_MIN, 64, env), 0xbfe0000000000000, 0);
    CHECK("M", f64_from_sint(0, 5, env), 0, 0);
}

static void test_round_int(void **state UNUSED)
{
    CHECK("", f32_round_int(0x3fc00000, FP_RNE, false, env), TWO32, 0);
    CHECK("", f32_round_int(0x3fc00000, FP_RZ, true, env), ONE32, IXC);
    CHECK("", f32_round_int(0xbe800000, FP_RP, true, env), NEG, IXC); /* -0.25 becomes -0 */
    CHECK("", f32_round_int(0x40200000, FP_RNA, false, env), 0x40400000, 0);
    CHECK("F", f32_round_int(DEN32, FP_RP, true, env), 0, IDC);
    CHECK("", f32_round_int(S1, FP_RP, true, env), Q1, IOC);
    CHECK("", f32_round_int_sized(0x4f000000, 32, FP_RZ, env), 0xcf000000, IOC);
    CHECK("", f32_round_int_sized(0xcf000000, 32, FP_RZ, env), 0xcf000000, 0);
    CHECK("", f32_round_int_sized(Q1, 32, FP_RZ, env), 0xcf000000, IOC);
    CHECK("", f32_round_int_sized(INF32, 64, FP_RZ, env), 0xdf000000, IOC);
    CHECK("", f64_round_int_sized(0x41dfffffffe00000, 32, FP_RZ, env), 0x41dfffffffc00000, IXC); /* 2^31 - 0.5 */
    CHECK("", f64_round_int_sized(0x41dfffffffe00000, 32, FP_RNE, env), 0xc1e0000000000000, IOC);
    CHECK("", f64_round_int_sized(0xbfd0000000000000, 32, FP_RZ, env), 1ull << 63, IXC);
}

/* FJCVTZS: the result and Z in one word. */
static u64 js(f64 a, struct fp_env *env)
{
    bool z;
    u32 r = (u32)f64_to_i32_js(a, &z, env);
    return r | (u64)z << 32;
}

static void test_js(void **state UNUSED)
{
    const u64 z = 1ull << 32;
    CHECK("", js(0, env), z, 0);
    CHECK("", js(1ull << 63, env), 0, 0); /* -0 is not an exact zero */
    CHECK("", js(0x3ff8000000000000, env), 1, IXC);
    CHECK("", js(0xbff8000000000000, env), 0xffffffff, IXC);
    CHECK("", js(0xc1e0000000000000, env), z | 0x80000000, 0);
    CHECK("", js(0x41e0000000000000, env), 0x80000000, IOC);
    CHECK("", js(0x41f0000000100000, env), 1, IOC);          /* 2^32 + 1 */
    CHECK("", js(0xc1f0000000180000, env), 0xffffffff, IOC); /* -(2^32 + 1.5) */
    CHECK("", js(0x4330000000000003, env), 3, IOC);          /* 2^52 + 3 */
    CHECK("", js(0x4340000000000001, env), 2, IOC);          /* 2^53 + 2 */
    CHECK("", js(0x4520000000000001, env), 0x80000000, IOC); /* 2^83 + 2^31 */
    CHECK("", js(0x4530000000000001, env), 0, IOC);
    CHECK("", js(0x7ff0000000000000, env), 0, IOC);
    CHECK("", js(0x7ff8000000000000, env), 0, IOC);
    CHECK("F", js(1, env), 0, IDC);
}

static void test_estimate(void **state UNUSED)
{
    CHECK("", f32_recpe(ONE32, env), 0x3f7f8000, 0); /* 511 / 512 */
    CHECK("", f32_recpe(0x3fffffff, env), 0x3f000000, 0);
    CHECK("", f32_recpe(0, env), INF32, DZC);
    CHECK("", f32_recpe(NEG | INF32, env), NEG, 0);
    CHECK("", f32_recpe(S1, env), Q1, IOC);
    CHECK("", f32_recpe(0x001fffff, env), INF32, OFC | IXC); /* below 2^-128 */
    CHECK("Z", f32_recpe(0x801fffff, env), NEG | MAX32, OFC | IXC);
    CHECK("", f32_recpe(0x00200000, env), 0x7f7f8000, 0);
    CHECK("", f32_recpe(0x7e800000, env), 0x007fc000, 0); /* 2^126: a denormal result, 511 / 512 * 2^-126 */
    CHECK("F", f32_recpe(0x7e800000, env), 0, UFC);
    CHECK("F", f32_recpe(DEN32, env), INF32, DZC | IDC);
    CHECK("H", f16_recpe(0x7400, env), 0, UFC);
    CHECK("", f32_rsqrte(ONE32, env), 0x3f7f8000, 0);
    CHECK("", f32_rsqrte(0x40800000, env), 0x3eff8000, 0);
    CHECK("", f32_rsqrte(NEG, env), NEG | INF32, DZC);
    CHECK("", f32_rsqrte(NEG | ONE32, env), QNAN32, IOC);
    CHECK("", f32_rsqrte(INF32, env), 0, 0);
    CHECK("", f32_rsqrte(1, env), 0x64b48000, 0); /* 2^-149 */
    CHECK("", f32_recpx(0x3f812345, env), 0x40000000, 0);
    CHECK("", f32_recpx(NEG | 1, env), 0xff000000, 0);
    CHECK("F", f32_recpx(NEG | 1, env), 0xff000000, IDC);
    CHECK("", f32_recpx(INF32, env), 0, 0);
    assert_int_equal(u32_recpe(0x7fffffff), 0xffffffff);
    assert_int_equal(u32_recpe(0x80000000), 0xff800000);
    assert_int_equal(u32_recpe(0xffffffff), 0x80000000);
    assert_int_equal(u32_rsqrte(0x3fffffff), 0xffffffff);
    assert_int_equal(u32_rsqrte(0x40000000), 0xff800000);
    assert_int_equal(u32_rsqrte(0xffffffff), 0x80000000);
}

static void test_step(void **state UNUSED)
{
    CHECK("", f32_recps(ONE32, ONE32, env), ONE32, 0);
    CHECK("", f32_recps(INF32, NEG, env), TWO32, 0);
    CHECK("", f32_recps(INF32, ONE32, env), NEG | INF32, 0);
    CHECK("", f32_recps(Q1, ONE32, env), NEG | Q1, 0); /* the first operand is negated, a NaN too */
    CHECK("", f32_recps(ONE32, Q1, env), Q1, 0);
    CHECK("M", f32_recps(TWO32, ONE32, env), NEG, 0);
    CHECK("", f32_rsqrts(ONE32, ONE32, env), ONE32, 0);
    CHECK("", f32_rsqrts(0, INF32, env), 0x3fc00000, 0);
    CHECK("", f32_rsqrts(0x40400000, ONE32, env), 0, 0);
    /* Fused: 2 - (1 + u)(1 + u) = 1 - 2u - u^2, in two roundings 1 - 2u. */
    CHECK("Z", f32_recps(0x3f800001, 0x3f800001, env), 0x3f7ffffb, IXC);
    CHECK("Z", f32_recps_a32(0x3f800001, 0x3f800001, env), 0x3f7ffffc, IXC);
    CHECK("", f32_recps_a32(INF32, 0, env), TWO32, 0);
    CHECK("", f32_rsqrts_a32(0, INF32, env), 0x3fc00000, 0);
    CHECK("", f32_rsqrts_a32(ONE32, ONE32, env), ONE32, 0);
    CHECK("", f32_mulx(INF32, NEG, env), NEG | TWO32, 0);
    CHECK("", f32_mulx(TWO32, TWO32, env), 0x40800000, 0);
    CHECK("", f32_mulx(S1, 0, env), Q1, IOC);
}

static void test_bfdot(void **state UNUSED)
{
    const u32 one = 0x3f80, inf = 0x7f80, max = 0x7f7f;
    assert_int_equal(bf16_dot_add(ONE32, one | one << 16, one | one << 16), 0x40400000);
    assert_int_equal(bf16_dot_add(0, inf, 0), QNAN32);
    assert_int_equal(bf16_dot_add(0, max | max << 16, max), INF32); /* to odd, yet it overflows to infinity */
    assert_int_equal(bf16_dot_add(ONE32, 0x0040, one), ONE32);      /* denormals are zero */
    assert_int_equal(bf16_dot_add(DEN32, 0, 0), 0);
    assert_int_equal(bf16_dot_add(NEG | Q1, one, one), QNAN32);
    assert_int_equal(bf16_dot_add(ONE32, 0x3180, one), ONE32 | 1); /* 1 + 2^-28 to odd */
    assert_int_equal(bf16_dot_add(NEG | ONE32, one, one), 0);
}

/* -- identities --------------------------------------------------------------------------------- */

/* A half operation is the same operation on doubles rounded to odd, rounded again: f64 has more than twice the bits. */
static void test_half_by_double(void **state UNUSED)
{
    struct gen g = gen_start("half");
    unsigned iters = gen_iters(100000);
    static const u8 rounds[] = {FP_RNE, FP_RZ, FP_RM, FP_RP, FP_RNA};
    for (unsigned i = 0; i < iters; i++) {
        struct fp_env env = FP_ENV_ARM, wide = FP_ENV_ARM;
        f16 a = (f16)gen_num(&g, &gen_f16), b = (f16)gen_partner(&g, &gen_f16, a), c = (f16)gen_num(&g, &gen_f16);
        env.round = rounds[gen_below(&g, 5)];
        env.default_nan = wide.default_nan = true;
        wide.round = FP_RTO;
        f64 x = f16_to_f64(a, &wide), y, z, r;
        f16 got;
        unsigned op = gen_below(&g, 5);
        y = op == 3 ? 0 : f16_to_f64(b, &wide); /* a signalling NaN would be seen here */
        z = op == 4 ? f16_to_f64(c, &wide) : 0;
        switch (op) {
        case 0:
            got = f16_add(a, b, &env);
            r = f64_add(x, y, &wide);
            break;
        case 1:
            got = f16_mul(a, b, &env);
            r = f64_mul(x, y, &wide);
            break;
        case 2:
            got = f16_div(a, b, &env);
            r = f64_div(x, y, &wide);
            break;
        case 3:
            got = f16_sqrt(a, &env);
            r = f64_sqrt(x, &wide);
            break;
        default:
            got = f16_fma(a, b, c, 0, &env);
            r = f64_fma(x, y, z, 0, &wide);
            break;
        }
        wide.round = env.round;
        f16 want = f64_to_f16(r, &wide);
        if ((want & 0x7fff) == 0 && r << 1 == 0) { /* the sign of an exact zero depends on the mode */
            want &= 0x7fff;
            got &= 0x7fff;
        }
        u32 diff = ((env.flags ^ wide.flags) & FPSR) | (u32)(got ^ want);
        if (diff) {
            gen_mismatch(&g, "op %u round %u: %04x %04x %04x: %04x %02x, by f64 %04x %02x", op, env.round, a, b, c, got,
                         env.flags & FPSR, want, wide.flags & FPSR);
        }
    }
    assert_int_equal(g.bad, 0);
}

/* The estimates are good to 8 bits over the whole range of every format. */
static void test_estimate_error(void **state UNUSED)
{
    for (u32 frac = 0; frac < 1u << 23; frac += 4093) {
        struct fp_env env = FP_ENV_ARM;
        f32 x = ONE32 + frac, x4 = x + (frac & 1 ? 0 : 1u << 23);
        f32 e = f32_abs(f32_sub(f32_mul(x, f32_recpe(x, &env), &env), ONE32, &env));
        assert_true(e <= 0x3b800000); /* 2^-8 */
        f32 s = f32_rsqrte(x4, &env);
        e = f32_abs(f32_sub(f32_mul(f32_mul(s, s, &env), x4, &env), ONE32, &env));
        assert_true(e <= 0x3c000000);
        assert_int_equal(f32_to_f64(f32_recpe(x, &env), &env), f64_recpe(f32_to_f64(x, &env), &env));
        assert_int_equal(f32_to_f64(s, &env), f64_rsqrte(f32_to_f64(x4, &env), &env));
        assert_int_equal(u32_recpe(NEG | x << 8) >> 23 & 0xff, f32_recpe(x, &env) >> 15 & 0xff);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nan),
        cmocka_unit_test(test_fma),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_overflow),
        cmocka_unit_test(test_minmax),
        cmocka_unit_test(test_compare),
        cmocka_unit_test(test_alt_half),
        cmocka_unit_test(test_convert_nan),
        cmocka_unit_test(test_integer),
        cmocka_unit_test(test_round_int),
        cmocka_unit_test(test_js),
        cmocka_unit_test(test_estimate),
        cmocka_unit_test(test_step),
        cmocka_unit_test(test_bfdot),
        cmocka_unit_test(test_half_by_double),
        cmocka_unit_test(test_estimate_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
