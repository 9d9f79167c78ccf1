/* Operands for the floating-point tests: where the bugs are, not where the numbers are.
 *
 * A number is drawn field by field: exponents near zero, one, the ends and the precision of the format, fractions
 * that are empty, full, one bit, a run of ones, or random. Random bits alone would meet a denormal once in 2000
 * doubles and a tie never. MOSS_FPU_SEED repeats a run, MOSS_FPU_ITERS sets its length. */
#ifndef MOSS_TEST_FPU_GEN_H
#define MOSS_TEST_FPU_GEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "fpu/softfloat.h"

struct gen {
    u64 state;
    unsigned bad; /* mismatches so far */
};

/* Fields of a format: stored fraction bits (with the integer bit for f80) and exponent bits. */
struct gen_fmt {
    u8 exp_bits, frac_bits;
    bool int_bit;
};

static const struct gen_fmt UNUSED gen_f16 = {5, 10, false}, gen_f32 = {8, 23, false}, gen_f64 = {11, 52, false},
                                   gen_f80 = {15, 64, true}, gen_f128 = {15, 112, false};

/* splitmix64 */
static inline u64 gen_next(struct gen *g)
{
    u64 z = g->state += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

static inline unsigned gen_below(struct gen *g, unsigned n)
{
    return (unsigned)(gen_next(g) >> 33) % n;
}

static inline struct gen gen_start(const char *test)
{
    const char *seed = getenv("MOSS_FPU_SEED");
    struct gen g = {.state = seed ? strtoull(seed, NULL, 0) : (u64)time(NULL)};
    print_message("%s: MOSS_FPU_SEED=%llu\n", test, (unsigned long long)g.state);
    return g;
}

static inline unsigned gen_iters(unsigned otherwise)
{
    const char *iters = getenv("MOSS_FPU_ITERS");
    return iters ? (unsigned)strtoul(iters, NULL, 0) : otherwise;
}

static inline u128 gen_frac(struct gen *g, unsigned bits)
{
    u128 random = (u128)gen_next(g) << 64 | gen_next(g), all = ((u128)1 << bits) - 1;
    unsigned a = gen_below(g, bits), b = gen_below(g, bits);
    switch (gen_below(g, 10)) {
    case 0:
        return 0;
    case 1:
        return gen_below(g, 4);
    case 2:
        return all - gen_below(g, 4);
    case 3:
        return (u128)1 << a;
    case 4:
        return all & ~(((u128)1 << a) - 1);
    case 5:
        return ((u128)1 << a) - 1;
    case 6:
        return ((u128)1 << a | (u128)1 << b) & all;
    case 7: /* few leading bits: products and quotients come out exact or tie */
        return random & all & ~(all >> (1 + a % 12));
    default:
        return random & all;
    }
}

static inline unsigned gen_exp(struct gen *g, const struct gen_fmt *f)
{
    unsigned max = (1u << f->exp_bits) - 1, bias = max >> 1, near = gen_below(g, 2u * f->frac_bits + 4);
    switch (gen_below(g, 12)) {
    case 0:
        return 0;
    case 1:
        return 1 + gen_below(g, 3);
    case 2:
        return max;
    case 3:
        return max - 1 - gen_below(g, 3);
    case 4: /* products of these are near the smallest normal number */
        return bias / 2 + gen_below(g, 4);
    case 5:
        return bias + bias / 2 + gen_below(g, 4);
    case 6:
        return near < max ? near : max;
    case 7:
    case 8:
        return gen_below(g, max + 1);
    default:
        return (bias + near - f->frac_bits) & max;
    }
}

static inline u128 gen_num(struct gen *g, const struct gen_fmt *f)
{
    unsigned exp = gen_exp(g, f);
    u128 frac = gen_frac(g, f->frac_bits), top = (u128)1 << (f->frac_bits - 1);
    if (f->int_bit && gen_below(g, 32) != 0) { /* mostly encodings that the x87 accepts */
        frac = exp ? frac | top : frac & ~top;
    }
    return (u128)gen_below(g, 2) << (f->exp_bits + f->frac_bits) | (u128)exp << f->frac_bits | frac;
}

/* A second operand: often one that nearly cancels the first or is close in exponent. */
static inline u128 gen_partner(struct gen *g, const struct gen_fmt *f, u128 a)
{
    switch (gen_below(g, 8)) {
    case 0:
        return a ^ (u128)gen_below(g, 2) << (f->exp_bits + f->frac_bits) ^ gen_below(g, 4);
    case 1:
        return a + ((u128)gen_below(g, 3) << f->frac_bits) + gen_below(g, 3);
    default:
        return gen_num(g, f);
    }
}

/* Reports a mismatch; a test stops at the tenth. */
static inline void PRINTF_LIKE(2, 3) gen_mismatch(struct gen *g, const char *fmt, ...)
{
    char text[512];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    print_error("%s\n", text);
    if (++g->bad == 10) {
        fail_msg("ten mismatches");
    }
}

#endif
