/* Random x86 instructions, and which of them the host may run. */
#ifndef MOSS_TESTS_DIFF_X86_RANDOM_H
#define MOSS_TESTS_DIFF_X86_RANDOM_H

#include "target/i386/decode.h"

struct x86_rng {
    u64 state; /* not 0 */
};
u64 x86_rnd(struct x86_rng *r);
/* 20 random bytes that should be `row`: prefixes, opcode, ModRM and enough behind. */
void x86_fill(struct x86_rng *r, u8 *p, const struct x86_row *row, unsigned bits, bool vex, bool l);
/* An instruction that a program may run, that goes on below itself, and that is translated. */
bool x86_row_is_plain(const struct x86_row *row, unsigned bits);
extern const char *const x86_fn_names[];

#endif
