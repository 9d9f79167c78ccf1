/* Runs one A64 instruction, or a few, in the IR interpreter, on a CPU of which only registers and float state matter.
 */
#ifndef MOSS_TESTS_A64_ONE_H
#define MOSS_TESTS_A64_ONE_H

#include "target/arm/cpu.h"

/* Everything the instructions of SIMD&FP data processing see or change. */
struct one_state {
    u64 x[31];
    union v128 v[32];
    u32 nzcv, fpcr, fpsr; /* as the registers have them */
};
struct one_used {
    u32 x_in, v_in, x_out, v_out; /* registers read and written */
    bool nzcv_in, nzcv_out;
};

void one_init(void);
/* False when the instruction is undefined. used may be NULL. */
bool one_run(u32 insn, struct one_state *st, struct one_used *used);
/* The same of several in one block. */
bool several_run(const u32 *insns, unsigned n, struct one_state *st, struct one_used *used);

#endif
