/* Exact floating point: IEEE 754 binary16/32/64/128, x87 double extended and bfloat16.
 *
 * Every function is a pure function of (operands, env): it reads the mode in env, returns the bits of the
 * result and ORs the exceptions into env->flags; nothing else is touched. Behaviour that the standard leaves
 * open (NaN choice, tininess, flushing, out-of-range integers) follows the Arm ARM (DDI 0487, shared/functions/float)
 * or the Intel SDM volume 1, chapters 4, 8, 11 and 14, whichever env asks for. Traps are not modelled: a target
 * that has unmasked exceptions looks at flags before it writes the result back. */
#ifndef MOSS_FPU_SOFTFLOAT_H
#define MOSS_FPU_SOFTFLOAT_H

#include "base/types.h"

typedef u16 f16;
typedef u16 bf16;
typedef u32 f32;
typedef u64 f64;
/* Double extended as memory holds it: frac carries the explicit integer bit (63); se is sign and exponent. */
typedef struct f80 {
    u64 frac;
    u16 se;
} f80;
typedef struct f128 {
    u64 lo, hi;
} f128;

enum fp_round {
    FP_RNE, /* to nearest, ties to even */
    FP_RZ,  /* towards zero */
    FP_RM,  /* towards minus infinity */
    FP_RP,  /* towards plus infinity */
    FP_RNA, /* to nearest, ties away */
    FP_RTO, /* to odd ("von Neumann"): inexact results get an odd last bit and never overflow to infinity */
};

enum fp_nan_style {
    FP_NAN_ARM, /* the first signalling NaN, else the first quiet one; fma looks at the addend first. Default NaN > 0 */
    FP_NAN_X86, /* the first operand if it is a NaN, else the second (third). Default NaN < 0 */
    FP_NAN_X87, /* a quiet NaN before a signalling one, then the larger significand, then the positive one. < 0 */
};

enum fp_flag {
    FP_INVALID = 1 << 0,
    FP_DIVZERO = 1 << 1,
    FP_OVERFLOW = 1 << 2,
    FP_UNDERFLOW = 1 << 3, /* tiny and inexact, or flushed */
    FP_INEXACT = 1 << 4,
    FP_INPUT_DENORMAL = 1 << 5, /* a denormal operand was flushed to zero (Arm IDC; never for f16) */
    FP_FLUSHED_OUT = 1 << 6,    /* a tiny result was flushed to zero */
    FP_DENORMAL_USED = 1 << 7,  /* a denormal operand was consumed as it is (x86 DE) */
    FP_TINY = 1 << 8,           /* a tiny result, exact or not: what an unmasked underflow trap looks at */
    FP_ROUNDED_UP = 1 << 9,     /* the last inexact result has a larger magnitude than the exact one (x87 C1) */
};

struct fp_env {
    u8 round;         /* enum fp_round */
    u8 nan_style;     /* enum fp_nan_style */
    bool default_nan; /* every NaN result is the default NaN */
    bool flush_out;   /* tiny results become zero: all formats but f16 */
    bool flush_in;    /* denormal operands are zero: all formats but f16 */
    bool flush_out16; /* the same two for f16 arithmetic; conversions from and to f16 never flush the f16 side */
    bool flush_in16;
    bool tiny_after;   /* tininess is detected after rounding (x86), else before (Arm) */
    bool arm_alt_half; /* f16 in conversions is Arm's alternative half precision: no infinities, no NaNs */
    u16 wrap;      /* FP_OVERFLOW, FP_UNDERFLOW: such results of operations that precision control governs, and of their
                      format, are not cut but get an exponent that is off by 3/4 of their range (x87, not masked) */
    bool wrap_any; /* wrap is for all formats and however far the exponent is: only flags are wanted (SSE) */
    u8 f80_precision; /* 24, 53 or 64 (0 means 64): f80 add, sub, mul, div and sqrt round to that many bits */
    u32 flags;        /* enum fp_flag, accumulated */
};

#define FP_ENV_ARM ((struct fp_env){.nan_style = FP_NAN_ARM})
#define FP_ENV_SSE ((struct fp_env){.nan_style = FP_NAN_X86, .tiny_after = true})
#define FP_ENV_X87 ((struct fp_env){.nan_style = FP_NAN_X87, .tiny_after = true, .f80_precision = 64})

enum fp_rel { FP_LESS = -1, FP_EQUAL = 0, FP_GREATER = 1, FP_UNORDERED = 2 };

/* fma negations. In the Arm style they flip the sign of the operand itself, a NaN too (FNMADD, FMLS);
 * in the x86 styles a NaN passes through unchanged (VFNMADD). */
enum fp_fma_neg { FP_FMA_NEG_PRODUCT = 1, FP_FMA_NEG_ADDEND = 2 };

/* What every format F has.
 *
 *  F_fma(a, b, c, neg)      (a * b) + c with one rounding; neg is a set of enum fp_fma_neg
 *  F_rem                    IEEE remainder: a - b * n, n = a / b to nearest even
 *  F_rem_x87                one step of FPREM (nearest false) or FPREM1 (nearest true): *quo gets the low bits of the
 *                           quotient, *partial whether the exponents were too far apart to finish (C2)
 *  F_scale                  a * 2^n, rounded once, to the format's precision
 *  F_min, F_max             Arm FMIN/FMAX: a NaN wins, -0 < +0
 *  F_minnm, F_maxnm         Arm FMINNM/FMAXNM (IEEE 754-2008 minNum): a number wins over one quiet NaN
 *  F_min_x86, F_max_x86     SSE MIN/MAX: the second operand when either is a NaN or both are zeros
 *  F_compare                any NaN raises FP_INVALID (FCMPE, COMISS)
 *  F_compare_quiet          only a signalling NaN does (FCMP, UCOMISS)
 *  F_round_int              to an integral value; `exact`: raise FP_INEXACT when the value changed
 *  F_to_sint, F_to_uint     a * 2^fbits as an integer of `width` (1..64) bits: saturates, NaN gives 0 (Arm)
 *  F_to_sint_x86            the integer indefinite (1 << (width - 1), sign extended) when it doesn't fit
 *  F_to_uint_x86            2^width - 1 when it doesn't fit (AVX-512)
 *  F_from_sint, F_from_uint v / 2^fbits
 */
#define FP_DECLARE(F) \
    F F##_add(F a, F b, struct fp_env *env); \
    F F##_sub(F a, F b, struct fp_env *env); \
    F F##_mul(F a, F b, struct fp_env *env); \
    F F##_div(F a, F b, struct fp_env *env); \
    F F##_sqrt(F a, struct fp_env *env); \
    F F##_fma(F a, F b, F c, unsigned neg, struct fp_env *env); \
    F F##_rem(F a, F b, struct fp_env *env); \
    F F##_rem_x87(F a, F b, bool nearest, u64 *quo, bool *partial, struct fp_env *env); \
    F F##_scale(F a, i32 n, struct fp_env *env); \
    F F##_min(F a, F b, struct fp_env *env); \
    F F##_max(F a, F b, struct fp_env *env); \
    F F##_minnm(F a, F b, struct fp_env *env); \
    F F##_maxnm(F a, F b, struct fp_env *env); \
    F F##_min_x86(F a, F b, struct fp_env *env); \
    F F##_max_x86(F a, F b, struct fp_env *env); \
    enum fp_rel F##_compare(F a, F b, struct fp_env *env); \
    enum fp_rel F##_compare_quiet(F a, F b, struct fp_env *env); \
    F F##_round_int(F a, enum fp_round round, bool exact, struct fp_env *env); \
    i64 F##_to_sint(F a, unsigned width, unsigned fbits, enum fp_round round, struct fp_env *env); \
    u64 F##_to_uint(F a, unsigned width, unsigned fbits, enum fp_round round, struct fp_env *env); \
    i64 F##_to_sint_x86(F a, unsigned width, enum fp_round round, struct fp_env *env); \
    u64 F##_to_uint_x86(F a, unsigned width, enum fp_round round, struct fp_env *env); \
    F F##_from_sint(i64 v, unsigned fbits, struct fp_env *env); \
    F F##_from_uint(u64 v, unsigned fbits, struct fp_env *env); \
    F F##_default_nan(const struct fp_env *env); \
    bool F##_is_nan(F a); \
    bool F##_is_snan(F a);

FP_DECLARE(f16)
FP_DECLARE(f32)
FP_DECLARE(f64)
FP_DECLARE(f80)
FP_DECLARE(f128)

/* Conversions between formats, rounded by env->round; NaNs keep their leading payload bits and become quiet. */
f32 f16_to_f32(f16 a, struct fp_env *env);
f64 f16_to_f64(f16 a, struct fp_env *env);
f80 f16_to_f80(f16 a, struct fp_env *env);
f128 f16_to_f128(f16 a, struct fp_env *env);
f16 f32_to_f16(f32 a, struct fp_env *env);
f64 f32_to_f64(f32 a, struct fp_env *env);
f80 f32_to_f80(f32 a, struct fp_env *env);
f128 f32_to_f128(f32 a, struct fp_env *env);
f16 f64_to_f16(f64 a, struct fp_env *env);
f32 f64_to_f32(f64 a, struct fp_env *env);
f80 f64_to_f80(f64 a, struct fp_env *env);
f128 f64_to_f128(f64 a, struct fp_env *env);
f16 f80_to_f16(f80 a, struct fp_env *env);
f32 f80_to_f32(f80 a, struct fp_env *env);
f64 f80_to_f64(f80 a, struct fp_env *env);
f128 f80_to_f128(f80 a, struct fp_env *env);
f16 f128_to_f16(f128 a, struct fp_env *env);
f32 f128_to_f32(f128 a, struct fp_env *env);
f64 f128_to_f64(f128 a, struct fp_env *env);
f80 f128_to_f80(f128 a, struct fp_env *env);
/* The same number as it is: no NaN is quieted, no flag raised. *denormal: it was one. */
f80 f32_as_f80(f32 a, bool *denormal);
f80 f64_as_f80(f64 a, bool *denormal);
bf16 f32_to_bf16(f32 a, struct fp_env *env); /* BFCVT */
f32 bf16_to_f32(bf16 a);                     /* exact, a shift: no NaN is quieted */

/* Arm only (DDI 0487): the estimates, steps and odd conversions of A64 and Advanced SIMD.
 *
 *  F_mulx                 FMULX: 0 * infinity is 2
 *  F_recpe, F_rsqrte      FRECPE, FRSQRTE (8 bits: no FEAT_RPRES)
 *  F_recpx                FRECPX
 *  F_recps, F_rsqrts      FRECPS 2 - a * b, FRSQRTS (3 - a * b) / 2, fused
 *  F_recps_a32, ...       VRECPS, VRSQRTS: the same, with a rounding after each operation
 */
#define FP_DECLARE_ARM(F) \
    F F##_mulx(F a, F b, struct fp_env *env); \
    F F##_recpe(F a, struct fp_env *env); \
    F F##_rsqrte(F a, struct fp_env *env); \
    F F##_recpx(F a, struct fp_env *env); \
    F F##_recps(F a, F b, struct fp_env *env); \
    F F##_rsqrts(F a, F b, struct fp_env *env); \
    F F##_recps_a32(F a, F b, struct fp_env *env); \
    F F##_rsqrts_a32(F a, F b, struct fp_env *env);

FP_DECLARE_ARM(f16)
FP_DECLARE_ARM(f32)
FP_DECLARE_ARM(f64)

u32 u32_recpe(u32 a);  /* URECPE */
u32 u32_rsqrte(u32 a); /* URSQRTE */

/* FRINT32Z/X, FRINT64Z/X: intsize 32 or 64; what doesn't fit becomes -2^(intsize-1) with FP_INVALID. */
f32 f32_round_int_sized(f32 a, unsigned intsize, enum fp_round round, struct fp_env *env);
f64 f64_round_int_sized(f64 a, unsigned intsize, enum fp_round round, struct fp_env *env);

/* FJCVTZS: the result modulo 2^32; *z is PSTATE.Z, "the conversion was exact". */
i32 f64_to_i32_js(f64 a, bool *z, struct fp_env *env);

/* FMLAL, FMLSL: f32 addend + f16 product, one rounding. */
f32 f32_fma_f16(f16 a, f16 b, f32 c, unsigned neg, struct fp_env *env);

/* One step of BFDOT and BFMMLA without FEAT_EBF16: c + (a0 * b0 + a1 * b1), every operation rounded to odd,
 * denormals flushed both ways, default NaNs, no exception flags: so no env. Each pair is a word, element 0 low. */
f32 bf16_dot_add(f32 c, u32 a_pair, u32 b_pair);

/* Sign operations are bit operations: no NaN is quieted, no flag is raised. */
static inline f16 f16_neg(f16 a)
{
    return a ^ 0x8000;
}
static inline f32 f32_neg(f32 a)
{
    return a ^ 0x80000000u;
}
static inline f64 f64_neg(f64 a)
{
    return a ^ 1ull << 63;
}
static inline f80 f80_neg(f80 a)
{
    return (f80){a.frac, a.se ^ 0x8000};
}
static inline f128 f128_neg(f128 a)
{
    return (f128){a.lo, a.hi ^ 1ull << 63};
}
static inline f16 f16_abs(f16 a)
{
    return a & 0x7fff;
}
static inline f32 f32_abs(f32 a)
{
    return a & 0x7fffffffu;
}
static inline f64 f64_abs(f64 a)
{
    return a & ~(1ull << 63);
}
static inline f80 f80_abs(f80 a)
{
    return (f80){a.frac, a.se & 0x7fff};
}
static inline f128 f128_abs(f128 a)
{
    return (f128){a.lo, a.hi & ~(1ull << 63)};
}

#endif
