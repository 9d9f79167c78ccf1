/* Random well-formed traces: any op of ops.def with any type, sub and imm the verifier accepts. */
#ifndef MOSS_TESTS_DIFF_IR_RANDOM_H
#define MOSS_TESTS_DIFF_IR_RANDOM_H

#include "tests/diff/ir_cpu.h"

struct ir_random_opts {
    unsigned insns;     /* guest instructions */
    unsigned ops;       /* about so many ops an instruction, before its puts */
    unsigned max_exits; /* direct exits, the last one included */
    bool floats, halves /* F16 and its lanes */, flush /* FP_FZ */, vectors, memory, calls, faults;
    unsigned views; /* how many memory views are used, at least 1 */
    bool chains;    /* mostly integers and flags, each op on the last few values, few constants: what folds */
};
extern const struct ir_random_opts ir_random_all, ir_random_chains, ir_random_pairs /* two or three ops */;

/* Ops as they come, nothing folded: also what no builder would make (constants on both sides...). */
void ir_random(struct ir *ir, struct rng *r, const struct ir_random_opts *o);
/* src once more through the builder: folded, forwarded, canonical. What front ends make looks like this. */
void ir_rebuild(struct ir *dst, const struct ir *src);

#endif
