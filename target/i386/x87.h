/* The exact x87: one instruction on the state of struct x86_cpu, by the soft float unit. What x87.c, x87_move.c,
 * x87_env.c and x87_math.c share. SPEC: Intel SDM volume 1, chapter 8; volume 2. */
#ifndef MOSS_TARGET_I386_X87_H
#define MOSS_TARGET_I386_X87_H

#include "target/i386/fpu.h"

struct x87 {
    struct x86_cpu *cpu;
    struct x87_key key;
    u64 addr; /* linear, of the memory operand */
    struct fp_env env;
};

enum { FSW_PRE = FSW_IE | FSW_DE | FSW_ZE /* found before anything is computed: unmasked, nothing happens */ };

static inline f80 x87_get(struct x87 *x, unsigned i)
{
    const struct x86_st *s = x86_st(x->cpu, i);
    return (f80){s->frac, (u16)s->se};
}
static inline bool x87_empty(const struct x87 *x, unsigned i)
{
    return x->cpu->ftw >> i & 1;
}
void x87_put(struct x87 *x, unsigned i, f80 v); /* it holds something now */
void x87_push(struct x87 *x, f80 v);
void x87_pop(struct x87 *x);
void x87_c1(struct x87 *x, bool v);
void x87_cc(struct x87 *x, u32 cc); /* C0, C2, C3; C1 is 0 */
f80 x87_indefinite(void);
/* Sets exceptions; true: one of FSW_PRE is not masked, the instruction does nothing more. */
bool x87_raise(struct x87 *x, u32 exceptions);
bool x87_stack_fault(struct x87 *x, bool overflow); /* the same of #IS; C1 says which */
static inline bool x87_masked(const struct x87 *x, u32 exception)
{
    return x->cpu->fcw & exception;
}
u32 x87_exceptions(const struct x87 *x);   /* what the operation left in env.flags */
bool x87_finish(struct x87 *x);            /* raises it, C1 is the rounding; true: the result counts */
void x87_probe(struct x87 *x, unsigned n); /* faults unless the operand may be written */
static inline bool x87_is_nan(f80 v)
{
    return f80_is_nan(v);
}
/* No f80: the processor refuses it. */
static inline bool x87_is_bad(f80 v)
{
    return (v.se & 0x7fff) && !(v.frac >> 63);
}

/* Each executes x->key when it is theirs; false: not theirs. */
bool x87_move(struct x87 *x);
bool x87_control(struct x87 *x);
bool x87_math(struct x87 *x);

#endif
