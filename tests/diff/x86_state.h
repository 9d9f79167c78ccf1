/* What an instruction of a 64-bit program sees and changes: general registers, vectors, x87, flags and control words;
 * random, compared, and to and from struct x86_cpu. */
#ifndef MOSS_TESTS_DIFF_X86_STATE_H
#define MOSS_TESTS_DIFF_X86_STATE_H

#include "target/i386/cpu.h"
#include "tests/diff/x86_random.h"

struct x86_state {
    u64 r[16], flags; /* rax rcx rdx rbx rsp rbp rsi rdi r8..r15 */
    union v128 xmm[16], ymmh[16];
    f80 st[8]; /* by physical number */
    u16 fcw, fsw;
    u8 empty; /* bit n: physical register n is */
    u32 mxcsr;
    unsigned fault_at; /* offset in the code of the instruction that faulted, if one did */
};

/* What the manual leaves open after an instruction. */
struct x86_open {
    u32 flags;   /* bits of EFLAGS */
    u16 fsw;     /* of the x87's status word */
    bool result; /* the first operand */
    bool fault;  /* where the processor has one, there may be none */
};
struct x86_open x86_left_open(const struct x86_instr *in, const struct x86_state *before);

/* Values that suit the row. */
void x86_state_random(struct x86_rng *rng, struct x86_state *s, const struct x86_row *row);

void x86_state_to_cpu(const struct x86_state *s, struct x86_cpu *cpu);
void x86_state_of_cpu(struct x86_state *s, struct x86_cpu *cpu);

bool x86_state_same(const struct x86_state *a, const struct x86_state *b, const struct x86_open *open);
/* Where b differs from a, one line each. */
void x86_state_differences(const struct x86_state *before, const struct x86_state *a, const struct x86_state *b,
                           const char *name_a, const char *name_b);

#endif
