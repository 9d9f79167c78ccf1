/* Taking exceptions. */
#ifndef MOSS_TARGET_ARM_EXCEPTIONS_H
#define MOSS_TARGET_ARM_EXCEPTIONS_H

#include "target/arm/cpu.h"

enum arm_vector { VECTOR_SYNC = 0, VECTOR_IRQ = 0x80, VECTOR_FIQ = 0x100, VECTOR_SERROR = 0x180 };

/* Enters the vector: PSTATE, SPSR, ELR, SP, rt.pc. `ret`: the preferred return address. Does not unwind. */
void arm_enter(struct arm_cpu *cpu, unsigned el, enum arm_vector vector, u64 ret);
/* A synchronous exception that would go to EL1 unless a higher level wants or has it; `want` is the lowest level
 * allowed by its cause (1..3). Returns the level. */
unsigned arm_sync_target(const struct arm_cpu *cpu, unsigned want);
/* The same with ESR written; the level is arm_sync_target(want). */
void arm_enter_sync(struct arm_cpu *cpu, unsigned want, u64 esr, u64 ret);
/* What arm_enter_sync does in user mode instead: fills vcpu.trap (user.c). */
void arm_user_trap(struct arm_cpu *cpu, u64 esr, u64 pc);
/* From a HF_FAULT helper: an exception of the current instruction. */
NORETURN void arm_raise(struct arm_cpu *cpu, unsigned want, u64 esr);
NORETURN void arm_raise_fp(struct arm_cpu *cpu); /* CPACR, CPTR */
static inline NORETURN void arm_undefined(struct arm_cpu *cpu)
{
    arm_raise(cpu, 1, arm_esr(EC_UNKNOWN, 0));
}

static inline u64 *arm_esr_at(struct arm_cpu *cpu, unsigned el)
{
    return el == 1 ? &cpu->sr.ESR_EL1 : el == 2 ? &cpu->sr.ESR_EL2 : &cpu->sr.ESR_EL3;
}
static inline u64 *arm_far_at(struct arm_cpu *cpu, unsigned el)
{
    return el == 1 ? &cpu->sr.FAR_EL1 : el == 2 ? &cpu->sr.FAR_EL2 : &cpu->sr.FAR_EL3;
}

/* The SP in use changes owner: bring rt.r[31] home before EL or SPSel change, and load it after. */
static inline u64 *arm_sp_home(struct arm_cpu *cpu)
{
    return &cpu->sp_el[cpu->spsel ? cpu->el : 0];
}
static inline void arm_sp_save(struct arm_cpu *cpu)
{
    *arm_sp_home(cpu) = cpu->vcpu.rt.r[31];
}
static inline void arm_sp_load(struct arm_cpu *cpu)
{
    cpu->vcpu.rt.r[31] = *arm_sp_home(cpu);
}

/* -- derived state (cpu.c) -- */
/* After a write to any register that elc, hcr or mdcr are made from. */
void arm_rebuild(struct arm_cpu *cpu);
/* After a change of EL, PAN or UAO: also tells the accelerator. */
void arm_context_update(struct arm_cpu *cpu);
/* After a change of anything else the mode word holds. */
void arm_mode_update(struct arm_cpu *cpu);
void arm_fpcr_changed(struct arm_cpu *cpu);
void arm_host_fp_set(struct arm_cpu *cpu, unsigned rmode);
/* After a change of EL: what else depends on it. */
void arm_el_changed(struct arm_cpu *cpu, unsigned from);

/* -- interrupts (interrupt.c) -- */
/* Sets EVENT_IRQ when something pending is unmasked. */
void arm_irq_check(struct arm_cpu *cpu);
bool arm_interrupt(struct vcpu *v);
bool arm_has_work(const struct vcpu *v);
u64 arm_isr(const struct arm_cpu *cpu); /* ISR_EL1 */

/* -- debug (debug.c) -- */
bool arm_debug_enabled_from(const struct arm_cpu *cpu, unsigned el, bool secure, bool d_mask);
unsigned arm_debug_target(const struct arm_cpu *cpu);
bool arm_stepping(const struct arm_cpu *cpu);                             /* software step is active */
bool arm_breaking(const struct arm_cpu *cpu);                             /* some breakpoint may match here */
bool arm_eret_step_bit(const struct arm_cpu *cpu, unsigned el, u64 spsr); /* PSTATE.SS after an exception return */
void arm_enter_watchpoint(struct arm_cpu *cpu, u64 va, u32 iss);          /* does not unwind */
void arm_debug_update(struct arm_cpu *cpu); /* after a change of the registers from outside */
bool arm_watch_hit(struct vcpu *v, u64 va, unsigned n, enum mmu_access acc);
bool arm_watch_page(const struct vcpu *v, u64 va_page);

#endif
