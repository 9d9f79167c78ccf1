/* The x86 CPU's state. Who needs it: the system level and the helpers; the translator sees cpu_slots.h alone. */
#ifndef MOSS_TARGET_I386_CPU_H
#define MOSS_TARGET_I386_CPU_H

#include "fpu/softfloat.h"
#include "target/i386/cpu_slots.h"
#include "target/i386/i386.h"
#include "target/i386/models.h"
#include "target/i386/sys.h"
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
    u32 fsw, ftop, ftw;  /* status word but for TOP; TOP; bit i set: ST(i) is empty. See fpu.h */
    u32 fcw, mxcsr;
    u32 fop;      /* the last x87 instruction that is no control instruction: low 11 bits of its opcode, */
    u16 fcs, fds; /* where it lay, and its memory operand */
    u64 fip, fdp;
    struct fp_env fp;
    u32 fcare; /* not 0: the next x87 instruction goes by the exact unit */
    u64 cr0, cr2, cr3, cr4, efer, xcr0;
    u32 tsc_aux;
    u8 cpl;    /* 3 in VM86 mode */
    u8 shadow; /* enum x86_shadow */
    struct x86_sys sys;
    struct x86_entry entry;
    struct x86_user_fault user_fault;
    u64 user_tls[X86_USER_TLS]; /* user mode: the thread's own descriptors */
    const u64 *user_ldt;        /* NULL: none */
    struct x86_identity id;     /* set by init */
    struct x86_features features;
    u8 features_id;
};

static inline struct x86_cpu *x86_cpu(struct vcpu *v)
{
    return (struct x86_cpu *)v;
}
static inline const struct x86_cpu *x86_cpu_const(const struct vcpu *v)
{
    return (const struct x86_cpu *)v;
}
/* Of a data or code access. */
static inline struct mem_attrs x86_attrs(const struct x86_cpu *cpu)
{
    return (struct mem_attrs){.is_cpu = true, .cpu = (u8)cpu->vcpu.index, .secure = cpu->sys.smm};
}

/* Of x86_seg.attr. */
enum {
    ATTR_TYPE = 15,
    ATTR_ACCESSED = 1 << 0,
    ATTR_WRITE = 1 << 1, /* of code: it may be read */
    ATTR_DOWN = 1 << 2,  /* of code: conforming */
    ATTR_CODE = 1 << 3,
    ATTR_S = 1 << 4,
    ATTR_DPL_SHIFT = 5,
    ATTR_PRESENT = 1 << 7,
    ATTR_AVL = 1 << 12,
    ATTR_L = 1 << 13,
    ATTR_BIG = 1 << 14,
    ATTR_G = 1 << 15,
};

#define CR0_PE 0x00000001u
#define CR0_MP 0x00000002u
#define CR0_EM 0x00000004u
#define CR0_TS 0x00000008u
#define CR0_ET 0x00000010u
#define CR0_NE 0x00000020u
#define CR0_WP 0x00010000u
#define CR0_AM 0x00040000u
#define CR0_NW 0x20000000u
#define CR0_CD 0x40000000u
#define CR0_PG 0x80000000u

enum {
    CR4_VME = 1 << 0,
    CR4_PVI = 1 << 1,
    CR4_TSD = 1 << 2,
    CR4_DE = 1 << 3,
    CR4_PSE = 1 << 4,
    CR4_PAE = 1 << 5,
    CR4_MCE = 1 << 6,
    CR4_PGE = 1 << 7,
    CR4_PCE = 1 << 8,
    CR4_OSFXSR = 1 << 9,
    CR4_OSXMMEXCPT = 1 << 10,
    CR4_UMIP = 1 << 11,
    CR4_LA57 = 1 << 12,
    CR4_FSGSBASE = 1 << 16,
    CR4_PCIDE = 1 << 17,
    CR4_OSXSAVE = 1 << 18,
    CR4_SMEP = 1 << 20,
    CR4_SMAP = 1 << 21,
    CR4_PKE = 1 << 22,
};
enum { /* error code of a page fault */
       PF_PRESENT = 1 << 0,
       PF_WRITE = 1 << 1,
       PF_USER = 1 << 2,
       PF_RESERVED = 1 << 3,
       PF_FETCH = 1 << 4,
       PF_KEY = 1 << 5,
};
enum { EFER_SCE = 1 << 0, EFER_LME = 1 << 8, EFER_LMA = 1 << 10, EFER_NXE = 1 << 11, EFER_AIBRSE = 1 << 21 };
enum { XCR0_X87 = 1 << 0, XCR0_SSE = 1 << 1, XCR0_AVX = 1 << 2, XCR0_PKRU = 1 << 9 };

/* EFLAGS whole, and back; only bits in mask change. */
u32 x86_eflags(const struct x86_cpu *cpu);
void x86_eflags_set(struct x86_cpu *cpu, u32 v, u32 mask);

/* MXCSR whole, from where its parts are (mxcsr.c). */
u32 x86_mxcsr(const struct x86_cpu *cpu);
void x86_mxcsr_set(struct x86_cpu *cpu, u32 v);

/* Enters an exception at the present instruction; does not unwind. */
void x86_exception(struct x86_cpu *cpu, enum x86_exception vector, u32 error);
/* What becomes of them in user mode (user.c): recorded, for who runs the program. */
void x86_user_trap(struct x86_cpu *cpu, enum x86_exception vector, u32 error);
void x86_user_page_fault(struct x86_cpu *cpu, u64 va, enum mmu_access acc);
void x86_user_syscall(struct x86_cpu *cpu, unsigned how);
void x86_user_int(struct x86_cpu *cpu, unsigned vector, u64 next);
int x86_user_seg_load(struct x86_cpu *cpu, enum x86_sreg seg,
                      u16 sel);                              /* 0, or the exception; its code is the selector */
u64 x86_user_descriptor(const struct x86_cpu *cpu, u16 sel); /* 0: none there */
void x86_user_segs_reset(struct x86_cpu *cpu, unsigned bits);
u32 x86_user_tsc_aux(void);
/* The same from a HF_FAULT helper. */
NORETURN void x86_throw(struct x86_cpu *cpu, enum x86_exception vector, u32 error);

#endif
