/* Random A64 code made from the pattern table, for comparing engines. The code runs from its first word to its last,
 * never faults, and leaves these registers to the caller: x26 and x28 the arena (16-byte aligned, A64_ARENA bytes below
 * and above are the code's), x27 a small index (0..255), sp the arena too. */
#ifndef MOSS_TESTS_DIFF_A64_RANDOM_H
#define MOSS_TESTS_DIFF_A64_RANDOM_H

#include "target/arm/a64/a64.h"

enum { A64_ARENA = 1 << 17 };

struct a64_random {
    u64 seed;                 /* state of the generator */
    u64 features;             /* bits ARM_FEAT_x */
    u32 classes;              /* bits 1 << enum a64_class */
    const char *only;         /* names beginning so; NULL: all */
    bool (*accept)(u32 word); /* the last word on a word; NULL: all */
};

u64 a64_random_next(u64 *seed);
/* A word of this pattern: free fields random, within their limits. */
u32 a64_random_word(u64 *seed, const struct pattern *p);
/* Fills code[0..n). The words may be unallocated where only the translator can tell. */
void a64_random_code(struct a64_random *r, u32 *code, unsigned n);

#endif
