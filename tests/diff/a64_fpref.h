/* What the A64 float instructions do, computed from the encoding with fpu/ alone: a second reading of DDI 0487, beside
 * the front end, the IR and the back ends. */
#ifndef MOSS_TESTS_DIFF_A64_FPREF_H
#define MOSS_TESTS_DIFF_A64_FPREF_H

#include "target/arm/a64/a64.h"
#include "tcg/rt.h"

/* Instructions under test use V0..V3 and X0..X3 only. */
enum { FPREF_REGS = 4 };
struct fpref_state {
    union v128 v[FPREF_REGS];
    u64 x[FPREF_REGS];
    u64 nzcv; /* as the register has it */
    u64 fpsr;
};

bool fpref_knows(const struct pattern *p);
/* The instruction's element size (log2 bytes). */
unsigned fpref_es(const struct pattern *p, u32 w);
/* Runs it; fpsr is that of this instruction alone. */
void fpref_run(const struct pattern *p, u32 w, u32 fpcr, struct fpref_state *s);

#endif
