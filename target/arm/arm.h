/* target/arm's public header: what boards and user mode may know of an Arm CPU. */
#ifndef MOSS_TARGET_ARM_ARM_H
#define MOSS_TARGET_ARM_ARM_H

#include "base/irq.h"
#include "target/target.h"

extern const struct target target_aarch64;

/* Input pins of a cpu (vcpu_line's `line`). */
enum arm_pin { ARM_IRQ, ARM_FIQ, ARM_VIRQ, ARM_VFIQ, ARM_PINS };
/* Output pins. */
enum arm_timer { ARM_TIMER_PHYS, ARM_TIMER_VIRT, ARM_TIMER_HYP, ARM_TIMER_SEC, ARM_TIMER_HYPVIRT, ARM_TIMERS };

/* System registers another device serves: the GICv3 CPU interface (ICC_*, ICV_*, ICH_*). `enc` is bits 20:5 of the
 * MSR/MRS instruction. Called on the vcpu's thread without the machine lock. */
struct arm_gic_ctx {
    u8 el; /* current exception level */
    bool secure;
    u64 hcr, scr; /* HCR_EL2 as it acts (0 while EL2 is not enabled; TGE sets IMO, FMO, AMO); SCR_EL3, NS without EL3 */
    bool has_el2, has_el3, el2_enabled;
};
enum arm_gic_access { ARM_GIC_OK, ARM_GIC_UNDEF, ARM_GIC_TRAP_EL2, ARM_GIC_TRAP_EL3 };
struct arm_gic_ops {
    /* Asked before each access; NULL: all are ARM_GIC_OK. */
    enum arm_gic_access (*access)(void *opaque, unsigned cpu, u32 enc, bool write, const struct arm_gic_ctx *ctx);
    /* Told of each change of exception level or Security state of a CPU with EL3; may be NULL. */
    void (*state)(void *opaque, unsigned cpu, const struct arm_gic_ctx *ctx);
    u64 (*read)(void *opaque, unsigned cpu, u32 enc, const struct arm_gic_ctx *ctx);
    void (*write)(void *opaque, unsigned cpu, u32 enc, u64 val, const struct arm_gic_ctx *ctx);
};
void arm_set_gic(struct vcpu *cpu, const struct arm_gic_ops *ops, void *opaque);

struct arm_cpu_opts {
    u64 mpidr;             /* affinity fields */
    bool has_el2, has_el3; /* board's `virtualization`, `secure`: the levels the model has and the board keeps */
    enum { ARM_PSCI_NONE, ARM_PSCI_HVC, ARM_PSCI_SMC } psci; /* conduit moss answers itself */
    u64 cntfrq;                                              /* Hz; 0: 62.5 MHz */
    u64 rvbar;                                               /* reset vector */
    bool semihosting;
    bool gicv3_regs;                /* advertise the GIC system registers */
    struct mem_space *secure_space; /* physical memory of secure accesses; NULL: the same */
};
/* Between target->init and the first reset. */
bool arm_configure(struct vcpu *cpu, const struct arm_cpu_opts *o, struct err *e);
void arm_set_timer_out(struct vcpu *cpu, enum arm_timer t, struct irq out);
void arm_set_pmu_out(struct vcpu *cpu, struct irq out);
/* Where a boot loader starts a cpu after reset: exception level, x0..x3, pc. */
void arm_set_entry(struct vcpu *cpu, unsigned el, u64 pc, const u64 x[4]);
/* How device trees and ACPI describe it. */
const char *arm_compatible(const struct vcpu *cpu); /* "arm,cortex-a57" */
u64 arm_mpidr(const struct vcpu *cpu);
bool arm_model_has(const struct vcpu *cpu, const char *feature); /* "el2", "el3", "pmu", ... */

/* Requests that leave the cpu, set by system/: PSCI and semihosting. */
extern void (*arm_system_off)(void);
extern void (*arm_system_reset)(void);
/* Semihosting: op in w0, parameter block at x1; returns x0. Set by system/semihosting. */
extern u64 (*arm_semihosting)(struct vcpu *cpu, u32 op, u64 param);
/* -- user mode (user.c) ---------------------------------------------------------------------------------- */

/* vcpu->sv->page_note(): PROT_BTI, branch targets must be landing pads. */
enum { ARM_NOTE_GUARDED = 1 };
/* EL0 as Linux sets it up for a program: after target->init, instead of reset. */
void arm_user_reset(struct vcpu *cpu);
/* A new thread's cpu: all that `from` has. */
void arm_user_copy(struct vcpu *cpu, const struct vcpu *from);
/* What a signal frame and a core file hold. X0..X30, SP and PC are rt.r[] and rt.pc. */
struct arm_user_state {
    u64 pstate; /* SPSR's form: NZCV, BTYPE, SSBS, DIT */
    u64 tpidr;
    u32 fpsr, fpcr;
    union v128 v[32];
};
void arm_user_get(const struct vcpu *cpu, struct arm_user_state *s);
void arm_user_set(struct vcpu *cpu, const struct arm_user_state *s);
u64 arm_user_tls(const struct vcpu *cpu);
void arm_user_set_tls(struct vcpu *cpu, u64 tpidr);
/* AT_HWCAP, AT_HWCAP2: what the model has, in Linux's bits. */
void arm_user_hwcap(const struct vcpu *cpu, u64 hwcap[2]);
u64 arm_user_midr(const struct vcpu *cpu); /* for /proc/cpuinfo */

/* All cpus of the machine, for PSCI CPU_ON and affinity look-ups; board fills it. */
void arm_set_cpus(struct vcpu **cpus, unsigned n);

#endif
