/* The x86 CPU's state. Who needs it: the system level and the helpers; the translator sees cpu_slots.h alone. */
#ifndef MOSS_TARGET_I386_CPU_H
#define MOSS_TARGET_I386_CPU_H

#include "fpu/softfloat.h"
#include "target/i386/cpu_slots.h"
#include "target/vcpu.h"

/* EFLAGS (SDM volume 1, 3.4.3). */
enum {
    EFL_CF = 1 << 0,
    EFL_ONE = 1 << 1,
    EFL_PF = 1 << 2,
    EFL_AF = 1 << 4,
    EFL_ZF = 1 << 6,
    EFL_SF = 1 << 7,
    EFL_TF = 1 << 8,
    EFL_IF = 1 << 9,
    EFL_DF = 1 << 10,
    EFL_OF = 1 << 11,
    EFL_IOPL = 3 << 12,
    EFL_NT = 1 << 14,
    EFL_RF = 1 << 16,
    EFL_VM = 1 << 17,
    EFL_AC = 1 << 18,
    EFL_VIF = 1 << 19,
    EFL_VIP = 1 << 20,
    EFL_ID = 1 << 21,
};
#define EFL_ARITH (EFL_CF | EFL_PF | EFL_AF | EFL_ZF | EFL_SF | EFL_OF)

struct x86_seg {
    u64 base;
    u32 limit; /* in bytes, as SLOT_xx_LIMIT */
    u16 sel;
    u16 attr; /* bits 55:40 of the descriptor: type, S, DPL, P; AVL, L, D/B, G */
};

/* An x87 register, as FLD and FSTP have it in 10 bytes; MMX register n is the significand of number n. */
struct x86_st {
    u64 frac;
    u64 se; /* sign and exponent, 16 bits; those above are not looked at */
};

struct x86_cpu {
    struct vcpu vcpu;      /* rt.r[0..15]: rax rcx rdx rbx rsp rbp rsi rdi r8..r15 */
    u64 df;                /* 1 or -1 */
    u32 flags;             /* packed: OF SF ZF AF PF CF */
    u32 eflags;            /* the others, in place */
    struct x86_seg seg[6]; /* by enum x86_sreg */
    union v128 xmm[16], ymmh[16];
    struct x86_st st[8]; /* x87 registers by physical number */
    u32 fsw, ftop, ftw;  /* status word but for TOP; 16 * TOP; bit i set: ST(i) is empty. See fpu.h */
    u32 fcw, mxcsr;
    u32 fop;      /* the last x87 instruction that is no control instruction: low 11 bits of its opcode, */
    u16 fcs, fds; /* where it lay, and its memory operand */
    u64 fip, fdp;
    struct fp_env fp;
    struct x86_features features;
    u8 features_id;
};

static inline struct x86_cpu *x86_cpu(struct vcpu *v)
{
    return (struct x86_cpu *)v;
}

/* EFLAGS whole, and back; only bits in mask change. */
u32 x86_eflags(const struct x86_cpu *cpu);
void x86_eflags_set(struct x86_cpu *cpu, u32 v, u32 mask);

/* MXCSR: its control bits are in fp, and so are exceptions that came since it was set. */
u32 x86_mxcsr(const struct x86_cpu *cpu);
void x86_mxcsr_set(struct x86_cpu *cpu, u32 v);

/* Enters an exception at the present instruction; does not unwind. */
void x86_exception(struct x86_cpu *cpu, enum x86_exception vector, u32 error);
/* The same from a HF_FAULT helper. */
NORETURN void x86_throw(struct x86_cpu *cpu, enum x86_exception vector, u32 error);

#endif
