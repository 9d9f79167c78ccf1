/* Random x86 instructions, and what the manual leaves open of them. */
#ifndef MOSS_TESTS_DIFF_X86_RANDOM_H
#define MOSS_TESTS_DIFF_X86_RANDOM_H

#include "target/i386/decode.h"

struct x86_rng {
    u64 state; /* not 0 */
};
u64 x86_rnd(struct x86_rng *r);
/* 20 random bytes that should be `row`: prefixes, opcode, ModRM and enough behind. */
void x86_fill(struct x86_rng *r, u8 *p, const struct x86_row *row, unsigned bits, bool vex, bool l);
/* A general instruction that a program may run and that goes on below itself. */
bool x86_row_is_plain(const struct x86_row *row);
/* EFLAGS bits that are undefined after it; rcx: the count in CL. */
u32 x86_undefined_flags(const struct x86_instr *in, u64 rcx);
/* The first operand is: a double shift of 16 bits by more. */
bool x86_result_is_undefined(const struct x86_instr *in, u64 rcx);
struct x86_features x86_host_features(void);
extern const char *const x86_fn_names[];

#endif
