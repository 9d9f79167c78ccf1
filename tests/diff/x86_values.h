/* Random contents of registers and memory: what a row's class of instructions finds interesting. */
#ifndef MOSS_TESTS_DIFF_X86_VALUES_H
#define MOSS_TESTS_DIFF_X86_VALUES_H

#include "tests/diff/x86_state.h"

enum x86_class { X86_GENERAL, X86_VECTOR_INT, X86_VECTOR_FLOAT, X86_MMX, X86_X87 };
enum x86_class x86_row_class(const struct x86_row *row);
/* log2 of the bytes of a float row's elements: 1, 2, 3. */
unsigned x86_row_float_size(const struct x86_row *row);

u64 x86_random_number(struct x86_rng *rng);
void x86_random_vector(struct x86_rng *rng, union v128 *v, const struct x86_row *row);
/* A float of 1 << es bytes: NaNs, infinities, zeros, denormals, limits, halves, numbers close to each other. */
u64 x86_random_float(struct x86_rng *rng, unsigned es);
f80 x86_random_f80(struct x86_rng *rng);
/* Mostly all exceptions masked. */
u32 x86_random_mxcsr(struct x86_rng *rng, enum x86_class c);
void x86_random_x87(struct x86_rng *rng, struct x86_state *s, enum x86_class c);

#endif
