/* Runs a trace of the made-up guest (ir_cpu.h) as host code: a code buffer, a small TLB, slow paths that count. */
#ifndef MOSS_TESTS_DIFF_JIT_RUN_H
#define MOSS_TESTS_DIFF_JIT_RUN_H

#include "tcg/host/host.h"
#include "tests/diff/ir_cpu.h"

struct jit_opts {
    bool count, no_chain;
    bool vpins;    /* vector slots are pinned too */
    unsigned tlb;  /* 0: every access is slow; 1: the pages of memory are in; 2: some are, some not */
    bool event;    /* the event word is set */
    u64 cached_pc; /* the jump cache knows this one; ~0: none */
};
/* False: the trace did not fit. */
bool jit_compile(struct ir *ir, const struct jit_opts *o);
struct ir_outcome jit_run(struct ir_cpu *c, struct rng *r, const struct jit_opts *o);
/* The same, entered again as long as it comes back with pc = again (at most 1000 times). */
struct ir_outcome jit_run_loop(struct ir_cpu *c, struct rng *r, const struct jit_opts *o, u64 again);
void jit_dump(void); /* the last trace's host code, to stdout */
unsigned jit_code_len(void);

#endif
