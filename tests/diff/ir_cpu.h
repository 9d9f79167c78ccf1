/* A made-up guest for IR tests: slots of every type, helpers of every kind, and a piece of memory, all in one struct so
 * that the outcome of a trace is one thing to compare. */
#ifndef MOSS_TESTS_DIFF_IR_CPU_H
#define MOSS_TESTS_DIFF_IR_CPU_H

#include <setjmp.h>

#include "base/buf.h"
#include "fpu/softfloat.h"
#include "tcg/interp/interp.h"

/* Guest memory: bytes [IR_RAM_BASE, IR_RAM_BASE + IR_RAM_SIZE), nothing else. */
#define IR_RAM_BASE 0x40000ull
#define IR_RAM_SIZE 8192u
#define IR_PAGE     0x7000ull /* rt.page */

struct ir_cpu {
    struct rt rt; /* slots x0..x15 are rt.r[0..15] */
    u64 y[4];
    u32 w[4];
    u32 fl[2];
    u64 d[2];
    union v128 v[8];
    struct fp_env env;
    u8 ram[IR_RAM_SIZE] __attribute__((aligned(4096)));
    jmp_buf *unwind; /* where a faulting helper goes */
};
enum ir_cpu_slot {
    SLOT_X,       /* 16, I64 */
    SLOT_Y = 16,  /* 4, I64, not pinned */
    SLOT_W = 20,  /* 4, I32 */
    SLOT_FL = 24, /* 2, FLAGS */
    SLOT_D = 26,  /* 2, F64 */
    SLOT_V = 28,  /* 8, V128 */
    SLOT_COUNT = 36,
};
enum ir_cpu_helper {
    HELP_MIX,       /* I64 = f(I64, I32), pure, no cpu */
    HELP_VMIX,      /* V128 = f(V128, I64), pure, no cpu */
    HELP_FLAGS,     /* FLAGS = f(FLAGS), no cpu */
    HELP_FLOAT,     /* F32 = f(F64), no cpu, HF_FP: the sign and exponent moved */
    HELP_SUM,       /* I64: reads x0, x1, w0 */
    HELP_SUM_ALL,   /* I64: reads every slot */
    HELP_SET,       /* writes x2, w1, fl0, v1 from its argument (I64) */
    HELP_SET_ALL,   /* changes every slot */
    HELP_MAY_FAULT, /* faults when the low 4 bits of its argument (I64) are 0 */
    HELP_END,       /* sets rt.pc; HF_END */
    HELP_COUNT
};
extern const struct ir_target ir_cpu_target;
extern const struct interp_mem ir_cpu_mem;

/* -- random numbers ------------------------------------------------------------------------------------------ */

struct rng {
    u64 s;
};
u64 rng_next(struct rng *r);
static inline unsigned rng_below(struct rng *r, unsigned n)
{
    return (unsigned)((rng_next(r) >> 32) * n >> 32);
}
static inline bool rng_one_in(struct rng *r, unsigned n)
{
    return rng_below(r, n) == 0;
}
/* Small numbers, masks, powers of two, limits, float bit patterns, and plain noise. */
u64 rng_value(struct rng *r);
/* The seed of a test run: MOSS_SEED or the clock; printed. */
u64 rng_seed(const char *test);

/* -- running -------------------------------------------------------------------------------------------------- */

void ir_cpu_random(struct ir_cpu *c, struct rng *r);

struct ir_outcome {
    enum interp_end how;
    enum ir_reason reason;
    u64 pc;       /* when it did not fault */
    u32 insn_off; /* when it did */
};
struct ir_outcome ir_cpu_interp(const struct ir *ir, struct ir_cpu *c);
/* Slots, memory and outcome; exception flags by `fp_flags` (a mask of enum fp_flag). Differences are described in why.
 */
bool ir_cpu_same(const struct ir_cpu *a, const struct ir_outcome *oa, const struct ir_cpu *b,
                 const struct ir_outcome *ob, u32 fp_flags, struct buf *why);

#endif
