/* x86: what the rest of moss may know of it. */
#ifndef MOSS_TARGET_I386_I386_H
#define MOSS_TARGET_I386_I386_H

#include "target/target.h"

/* One CPU by two names: they differ in the model they have by default. */
extern const struct target target_x86_64, target_i386;

/* -- for boards --------------------------------------------------------------------------------------------- */

/* Input pins of a cpu. NMI, SMI and INIT count by their rising edge. A20M: bit 20 of addresses is 0. */
enum x86_pin { X86_INTR, X86_NMI, X86_SMI, X86_INIT, X86_A20M, X86_PINS };
void x86_pin(void *cpu, unsigned pin, int level);        /* the function of an irq value; any thread */
void x86_set_io(struct vcpu *cpu, struct mem_space *io); /* the space of ports */
/* Who is asked for the vector when INTR is high and enabled, with the machine lock held; -1: it was nothing. */
void x86_set_ack(struct vcpu *cpu, int (*ack)(void *opaque), void *opaque);

/* A cpu's local APIC, which is a device: these are its cpu's, and come on the cpu's own thread without the machine lock
 * (`enabled`: any thread). It drives INTR and the other pins; without one the pins are the board's, and CPUID knows of
 * no APIC. */
enum { X86_ACK_OUTSIDE = 256 };
struct x86_apic_ops {
    bool (*msr_read)(void *apic, u32 number, u64 *v); /* APIC_BASE, TSC_DEADLINE, 0x800 to 0x8ff; false: #GP(0) */
    bool (*msr_write)(void *apic, u32 number, u64 v);
    u64 (*tpr_read)(void *apic); /* CR8: the upper half of the task priority */
    void (*tpr_write)(void *apic, u64 v);
    int (*ack)(void *apic); /* a vector; -1: it was nothing; X86_ACK_OUTSIDE: who x86_set_ack named is asked */
    void (*init)(void *apic);
    void (*tsc_moved)(void *apic); /* x86_tsc_offset gives something else than before */
    bool (*enabled)(void *apic);   /* APIC_BASE.EN, as CPUID shows it */
};
void x86_set_apic(struct vcpu *cpu, const struct x86_apic_ops *ops, void *apic);
/* A start-up IPI: at `vector` << 12 in real mode, if it waits for one. Any thread. */
void x86_sipi(void *cpu, unsigned vector);
u64 x86_tsc_offset(const struct vcpu *cpu); /* the time-stamp counter less CLOCK_VIRTUAL: a tick is a nanosecond */
bool x86_has_feature(const struct vcpu *cpu, const char *name); /* in CPUID, by the name that -cpu has for it */
/* Its place among the others, for CPUID. Ids have threads and cores in fields of whole bits. */
struct x86_spot {
    u32 apic_id;
    unsigned threads, cores; /* of a core, of a package; 0: 1 */
    bool waits;              /* for a start-up IPI, after reset and INIT: it is not the bootstrap processor */
};
void x86_set_spot(struct vcpu *cpu, const struct x86_spot *p);

/* Where reset leaves it instead of the reset vector: a boot loader's jump into flat 32-bit protected mode. */
struct x86_entry {
    bool set;
    u32 eip, eax, ebx, esi;
};
void x86_set_entry(struct vcpu *cpu, const struct x86_entry *e);
extern void (*x86_system_reset)(void); /* after a triple fault; set by system/ */

/* IR of the code at rq->off, in the mode of cpu_slots.h; as target->translate. */
void x86_translate(struct ir *ir, const struct tr_request *rq, struct tr_result *rs);

/* -- user mode (user.c) ---------------------------------------------------------------------------------- */

/* Level 3 as Linux sets it up for a program, in 64-bit mode or in flat 32-bit mode: after target->init, instead of
 * reset. */
void x86_user_reset(struct vcpu *cpu, unsigned bits);
/* A new thread's cpu: all that `from` has. */
void x86_user_copy(struct vcpu *cpu, const struct vcpu *from);

/* How a program asked its kernel: trap.code of UTRAP_SYSCALL. */
enum { X86_CALL_SYSCALL, X86_CALL_INT80, X86_CALL_SYSENTER };
/* trap.code of the others: the exception's vector, and its error code << 8. */
#define X86_TRAP_VECTOR(code) ((code)&0xff)
#define X86_TRAP_ERROR(code)  ((code) >> 8)

/* What a signal frame holds beside the general registers (rt.r[] in the order of their encoding), rt.pc and the
 * floating-point state. */
struct x86_user_state {
    u64 flags; /* RFLAGS */
    u64 fs_base, gs_base;
    u16 cs, ss, ds, es, fs, gs;
};
void x86_user_get(const struct vcpu *cpu, struct x86_user_state *s);
u64 x86_user_flags(const struct vcpu *cpu);
void x86_user_set_flags(struct vcpu *cpu, u64 flags);   /* those a program may change */
u64 x86_user_base(const struct vcpu *cpu, unsigned gs); /* of FS, or GS */
void x86_user_set_base(struct vcpu *cpu, unsigned gs, u64 base);

/* Segment registers by their encoding: ES CS SS DS FS GS. False: no such descriptor, or none for it; nothing changed.
 */
bool x86_user_set_selector(struct vcpu *cpu, unsigned seg, u16 sel);
/* Descriptors 12 to 14 are the thread's, the local table is the process's: 8192 of them. */
enum { X86_USER_TLS = 3 };
u64 x86_user_tls(const struct vcpu *cpu, unsigned n);
void x86_user_set_tls(struct vcpu *cpu, unsigned n, u64 descriptor);
void x86_user_set_ldt(struct vcpu *cpu, const u64 *table);
void x86_user_segs_again(struct vcpu *cpu, u16 sel); /* what it names has changed */

/* The extended state: XSAVE's standard form of all that XCR0 names, or FXSAVE's where XCR0 is 0: there is no XSAVE. */
enum { X86_USER_FP_MAX = 2696 };
u64 x86_user_xcr0(const struct vcpu *cpu);
u32 x86_user_fp_size(const struct vcpu *cpu);
void x86_user_fp_save(struct vcpu *cpu, u8 *area);
/* Components of `mask`, 0: x87 and SSE by FXRSTOR; the others become what they are initially. False: #GP. */
bool x86_user_fp_load(struct vcpu *cpu, const u8 *area, u64 mask);
void x86_user_fp_init(struct vcpu *cpu);
/* Exceptions that are raised and not masked, in the order of MXCSR's bits: of the x87, or of SSE. */
u32 x86_user_fp_raised(struct vcpu *cpu, bool sse);

/* The last fault of the program's: vector, error code, address (as the kernel keeps them for signal frames). */
struct x86_user_fault {
    u64 vector, error, cr2;
};
const struct x86_user_fault *x86_user_fault(const struct vcpu *cpu);

/* CPUID, and the flags of /proc/cpuinfo. */
void x86_user_cpuid(const struct vcpu *cpu, u32 leaf, u32 sub, u32 out[4]);
void x86_user_cpu_flags(const struct vcpu *cpu, void (*fn)(void *ctx, const char *name), void *ctx);

#endif
