/* The unpacked number that every operation of fpu/ works on, and the core that takes it apart and puts it back.
 *
 * A datum travels as its bits in a u128, whatever its format; `struct fp_fmt` says where the fields are. Unpacked,
 * a finite number is sig * 2^(exp - 127) with bit 127 of sig set, so no operation asks what format it came from.
 * The widest significand is 113 bits: the 15 bits below it are zero in an operand and hold guard and sticky bits in
 * a result. A result whose lowest bits were cut off has bit 0 set ("jammed"): rounding stays exact. */
#ifndef MOSS_FPU_FP_PRIV_H
#define MOSS_FPU_FP_PRIV_H

#include "base/bits.h"
#include "fpu/softfloat.h"

/* ORDER fp_class: everything from FPC_QNAN on is a NaN to the arithmetic. */
enum fp_class {
    FPC_ZERO,
    FPC_FINITE,
    FPC_INF,
    FPC_QNAN,
    FPC_SNAN,
    FPC_BAD, /* an f80 encoding that the 387 and later refuse: unnormal, pseudo-infinity, pseudo-NaN */
};

struct fp_num {
    u8 cls; /* enum fp_class */
    bool sign;
    bool denormal; /* came from a denormal that was not flushed */
    i32 exp;
    u128 sig; /* of a NaN: bit 127 set, bit 126 the quiet bit, payload below, aligned left */
};

#define SIG_TOP   ((u128)1 << 127)
#define SIG_QUIET ((u128)1 << 126)

enum fp_flush { FLUSH_MAIN, FLUSH_HALF, FLUSH_NEVER };

struct fp_fmt {
    u8 exp_bits;
    u8 frac_bits;        /* below the binary point */
    bool int_bit;        /* the integer bit is stored (f80) */
    bool alt;            /* the largest exponent is an ordinary one (Arm alternative half precision) */
    u8 flush;            /* enum fp_flush: which mode bits of the env flush this format */
    bool quiet_denormal; /* converting from it does not report FP_DENORMAL_USED (F16C, FST) */
    i32 emin;            /* exponent of the smallest normal number */
};

extern const struct fp_fmt fmt_f16, fmt_bf16, fmt_f32, fmt_f64, fmt_f80, fmt_f128;
extern const struct fp_fmt fmt_f16_cv, fmt_f16_alt; /* f16 at one side of a conversion */

static inline unsigned fmt_prec(const struct fp_fmt *fmt)
{
    return fmt->frac_bits + 1u;
}
static inline i32 fmt_emax(const struct fp_fmt *fmt)
{
    return fmt->emin + (1 << fmt->exp_bits) - (fmt->alt ? 2 : 3);
}

/* -- u128 and u256 arithmetic ------------------------------------------------------------------- */

static inline unsigned clz128(u128 v)
{
    u64 hi = (u64)(v >> 64);
    return hi ? clz64(hi) : 64 + clz64((u64)v);
}
/* Shifts right; what falls out is ORed into bit 0. */
static inline u128 shr_jam128(u128 v, unsigned n)
{
    if (n == 0) {
        return v;
    }
    if (n >= 128) {
        return v != 0;
    }
    return v >> n | ((v << (128 - n)) != 0);
}

struct u256 {
    u128 hi, lo;
};

struct u256 mul128(u128 a, u128 b);
struct u256 shr_jam256(struct u256 v, unsigned n);

/* -- the core: fp_core.c ------------------------------------------------------------------------ */

/* Takes a datum apart; flushes a denormal when the env says so for this format. */
struct fp_num fp_unpack(u128 raw, const struct fp_fmt *fmt, struct fp_env *env);
/* sig / 2^drop as an integer, rounded; drop 0..255. */
u128 fp_round_sig(u128 sig, unsigned drop, bool sign, unsigned round, bool *inexact, bool *up);
/* Rounds a finite number to `prec` bits (fmt_prec(fmt) but for x87 precision control) and packs it. */
u128 fp_round_pack(const struct fp_num *n, const struct fp_fmt *fmt, unsigned prec, unsigned round, struct fp_env *env);
/* Packs a result of any class; finite ones are rounded by env->round. */
u128 fp_pack(const struct fp_num *n, const struct fp_fmt *fmt, struct fp_env *env);
/* The same for the operations that x87 precision control governs. */
u128 fp_pack_arith(const struct fp_num *n, const struct fp_fmt *fmt, struct fp_env *env);

struct fp_num fp_nan_default(const struct fp_env *env);
/* Invalid operation: raises the flag and returns the default NaN. */
struct fp_num fp_nan_invalid(struct fp_env *env);
/* The NaN that a NaN operand turns into. fp_nan_one: one operand, which is a NaN. fp_nan_pick: the first `n` of
 * ops, at least one of which is a NaN, in the order in which the style looks at them. */
struct fp_num fp_nan_one(const struct fp_num *a, struct fp_env *env);
struct fp_num fp_nan_pick(const struct fp_num *const *ops, unsigned n, struct fp_env *env);
struct fp_num fp_nan_two(const struct fp_num *a, const struct fp_num *b, struct fp_env *env);

static inline bool fp_is_nan(const struct fp_num *a)
{
    return a->cls >= FPC_QNAN;
}
static inline struct fp_num fp_zero(bool sign)
{
    return (struct fp_num){.cls = FPC_ZERO, .sign = sign};
}
static inline struct fp_num fp_inf(bool sign)
{
    return (struct fp_num){.cls = FPC_INF, .sign = sign};
}
/* 2^exp, and (1 + 1/2) * 2^exp. */
static inline struct fp_num fp_pow2(bool sign, i32 exp)
{
    return (struct fp_num){.cls = FPC_FINITE, .sign = sign, .exp = exp, .sig = SIG_TOP};
}
static inline struct fp_num fp_pow2_3(bool sign, i32 exp)
{
    return (struct fp_num){.cls = FPC_FINITE, .sign = sign, .exp = exp, .sig = SIG_TOP | SIG_TOP >> 1};
}
static inline void fp_use_denormal(bool denormal, struct fp_env *env)
{
    if (denormal) {
        env->flags |= FP_DENORMAL_USED;
    }
}

/* a * b rounded to 128 bits with a jammed lowest one: fit for any format. Both are FPC_FINITE. fp_arith.c */
struct fp_num fp_mul_exact(const struct fp_num *a, const struct fp_num *b);

/* -- boxes: how each format's C type becomes bits and back -------------------------------------- */

static inline u128 f16_bits(f16 a)
{
    return a;
}
static inline u128 f32_bits(f32 a)
{
    return a;
}
static inline u128 f64_bits(f64 a)
{
    return a;
}
static inline u128 f80_bits(f80 a)
{
    return (u128)a.se << 64 | a.frac;
}
static inline u128 f128_bits(f128 a)
{
    return (u128)a.hi << 64 | a.lo;
}
static inline f16 f16_box(u128 v)
{
    return (f16)v;
}
static inline f32 f32_box(u128 v)
{
    return (f32)v;
}
static inline f64 f64_box(u128 v)
{
    return (f64)v;
}
static inline f80 f80_box(u128 v)
{
    return (f80){(u64)v, (u16)(v >> 64)};
}
static inline f128 f128_box(u128 v)
{
    return (f128){(u64)v, (u64)(v >> 64)};
}

/* Instantiates a macro for every format, or for those of Arm's SIMD. */
#define FP_FOR_EACH(X) X(f16) X(f32) X(f64) X(f80) X(f128)
#define FP_FOR_ARM(X)  X(f16) X(f32) X(f64)

#endif
