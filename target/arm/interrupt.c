/* Interrupts: routing, masking, what wakes a waiting CPU (DDI 0487, D1.14), WFI, WFE and the event register.
 *
 * SError exceptions have no source but HCR_EL2.VSE; they are routed all the same. When several interrupts are there
 * the order is FIQ, IRQ, virtual SError, virtual FIQ, virtual IRQ (implementation defined). */
#include "target/arm/exceptions.h"
#include "target/arm/helpers.h"
#include "target/arm/psci.h"
#include "target/arm/sysreg.h"
#include "target/arm/timer.h"

static u32 pins(const struct arm_cpu *cpu)
{
    return __atomic_load_n(&cpu->vcpu.lines, __ATOMIC_ACQUIRE);
}

/* The level a physical interrupt goes to (1..3), or 0 while it is not taken. */
static unsigned phys_target(const struct arm_cpu *cpu, u64 scr_bit, u64 hcr_bit, u32 mask)
{
    unsigned el = 1;
    if (arm_sys(cpu, SYS_EL3) && cpu->sr.SCR_EL3 & scr_bit) {
        el = 3;
    } else if (cpu->hcr & (HCR_TGE | hcr_bit)) {
        el = 2;
    }
    if (el < cpu->el) {
        return 0;
    }
    /* A higher level than this one is interrupted whatever it masked, but for EL0 by EL1 and by its host. */
    if (el > cpu->el && el > 1 && !(el == 2 && cpu->el == 0 && arm_host_el0(cpu))) {
        return el;
    }
    return cpu->daif & mask ? 0 : el;
}

/* Virtual interrupts: pins of the GIC, or bits of HCR_EL2. */
static bool virq_pending(const struct arm_cpu *cpu, u32 pin, u64 vbit, u64 enable)
{
    return cpu->hcr & enable && !(cpu->hcr & HCR_TGE) && (pins(cpu) >> pin & 1 || cpu->hcr & vbit);
}

static bool virq_taken(const struct arm_cpu *cpu, u32 pin, u64 vbit, u64 enable, u32 mask)
{
    return cpu->el < 2 && !(cpu->daif & mask) && virq_pending(cpu, pin, vbit, enable);
}

/* Finds the interrupt to take: its vector and level, 0 for none. */
static unsigned irq_find(const struct arm_cpu *cpu, enum arm_vector *vector)
{
    u32 lines = pins(cpu);
    unsigned el;
    if (lines >> ARM_FIQ & 1 && (el = phys_target(cpu, SCR_FIQ, HCR_FMO, PSTATE_F))) {
        *vector = VECTOR_FIQ;
        return el;
    }
    if (lines >> ARM_IRQ & 1 && (el = phys_target(cpu, SCR_IRQ, HCR_IMO, PSTATE_I))) {
        *vector = VECTOR_IRQ;
        return el;
    }
    if (!cpu->hcr || cpu->el >= 2) {
        return 0;
    }
    if (cpu->hcr & HCR_VSE && cpu->hcr & HCR_AMO && !(cpu->hcr & HCR_TGE) && !(cpu->daif & PSTATE_A)) {
        *vector = VECTOR_SERROR;
        return 1;
    }
    if (virq_taken(cpu, ARM_VFIQ, HCR_VF, HCR_FMO, PSTATE_F)) {
        *vector = VECTOR_FIQ;
        return 1;
    }
    if (virq_taken(cpu, ARM_VIRQ, HCR_VI, HCR_IMO, PSTATE_I)) {
        *vector = VECTOR_IRQ;
        return 1;
    }
    return 0;
}

static bool nothing_pending(const struct arm_cpu *cpu)
{
    return !pins(cpu) && !(cpu->hcr & (HCR_VI | HCR_VF | HCR_VSE));
}

void arm_irq_check(struct arm_cpu *cpu)
{
    enum arm_vector vector;
    if (!nothing_pending(cpu) && irq_find(cpu, &vector)) {
        __atomic_fetch_or(&cpu->vcpu.rt.event, EVENT_IRQ, __ATOMIC_SEQ_CST);
    }
}

bool arm_interrupt(struct vcpu *v)
{
    struct arm_cpu *cpu = arm_cpu(v);
    enum arm_vector vector;
    if (unlikely(atomic_load_explicit(&cpu->power, memory_order_acquire) == POWER_ON_PENDING)) {
        arm_power_up(cpu);
        return true;
    }
    if (unlikely(cpu->excl_mode)) {
        arm_mode_update(cpu);
    }
    if (unlikely(cpu->pmu_due)) {
        cpu->pmu_due = false;
        arm_pmu_update(cpu);
    }
    unsigned el = nothing_pending(cpu) ? 0 : irq_find(cpu, &vector);
    if (!el) {
        return false;
    }
    if (vector == VECTOR_SERROR) { /* a virtual SError is gone once it is taken */
        *arm_esr_at(cpu, el) = arm_esr(EC_SERROR, arm_sys(cpu, SYS_RASX) ? cpu->sr.VSESR_EL2 & MASK(25) : 0);
        cpu->sr.HCR_EL2 &= ~HCR_VSE;
        arm_rebuild(cpu);
    }
    v->halted = false;
    arm_enter(cpu, el, vector, v->rt.pc);
    return true;
}

bool arm_has_work(const struct vcpu *v)
{
    const struct arm_cpu *cpu = arm_cpu_const(v);
    if (v->powered_off) {
        return false;
    }
    u32 lines = pins(cpu);
    if (lines & (BIT(ARM_IRQ) | BIT(ARM_FIQ))) {
        return true;
    }
    return cpu->el < 2 && cpu->hcr &&
           (virq_pending(cpu, ARM_VIRQ, HCR_VI, HCR_IMO) || virq_pending(cpu, ARM_VFIQ, HCR_VF, HCR_FMO) ||
            (cpu->hcr & HCR_VSE && cpu->hcr & HCR_AMO));
}

/* ISR_EL1 shows EL1 and EL0 the virtual interrupts when the physical ones are routed away from them. */
u64 arm_isr(const struct arm_cpu *cpu)
{
    u32 lines = pins(cpu);
    bool virt = cpu->el < 2;
    bool i = virt && cpu->hcr & HCR_IMO ? virq_pending(cpu, ARM_VIRQ, HCR_VI, HCR_IMO) : lines >> ARM_IRQ & 1;
    bool f = virt && cpu->hcr & HCR_FMO ? virq_pending(cpu, ARM_VFIQ, HCR_VF, HCR_FMO) : lines >> ARM_FIQ & 1;
    bool a = virt && cpu->hcr & HCR_AMO && cpu->hcr & HCR_VSE;
    return (u64)a << 8 | (u64)i << 7 | (u64)f << 6;
}

/* -- helpers: DAIF, waiting, events ------------------------------------------------------------------------------ */

void arm_h_daif_write(struct vcpu *v, u64 daif)
{
    struct arm_cpu *cpu = arm_cpu(v);
    u32 old = cpu->daif;
    cpu->daif = (u32)daif & PSTATE_DAIF;
    arm_irq_check(cpu);
    if ((old ^ cpu->daif) & PSTATE_D && cpu->sr.MDSCR_EL1 & (MDSCR_SS | MDSCR_MDE)) {
        arm_mode_update(cpu);
    }
}

enum { WFX_WFI, WFX_WFE };

/* The level that forbids waiting here, 0: none. SCTLR_ELx.nTWI and nTWE are for EL0. */
static unsigned wfx_trap(const struct arm_cpu *cpu, bool wfe)
{
    u64 sctlr = arm_host_el0(cpu) ? cpu->sr.SCTLR_EL2 : cpu->sr.SCTLR_EL1;
    if (cpu->el == 0 && !(sctlr & (wfe ? SCTLR_NTWE : SCTLR_NTWI))) {
        return 1;
    }
    if (cpu->el < 2 && cpu->hcr & (wfe ? HCR_TWE : HCR_TWI)) {
        return 2;
    }
    return cpu->el < 3 && arm_sys(cpu, SYS_EL3) && cpu->sr.SCR_EL3 & (wfe ? SCR_TWE : SCR_TWI) ? 3 : 0;
}

/* A wait ends for any reason the implementation likes. The timed forms (not advertised) only yield. A store by another
 * CPU to a monitored address is an event that nobody watches for, so WFE waits for a short time only: for SEV, an
 * interrupt, the event stream, or this long. */
enum { WFE_NS = 100000 };

void arm_h_wfx(struct vcpu *v, u64 kind, u64 timeout)
{
    struct arm_cpu *cpu = arm_cpu(v);
    bool wfe = kind & 1;
    (void)timeout;
    if (wfe && cpu->event) {
        cpu->event = false;
        return;
    }
    if (!wfe && arm_has_work(v)) {
        return;
    }
    unsigned trap = wfx_trap(cpu, wfe);
    if (trap) {
        arm_raise(cpu, trap, arm_esr(EC_WFX, 0x1e00000 | (u32)kind));
    }
    if (kind == WFX_WFI) {
        vcpu_halt(v);
    } else if (kind == WFX_WFE && !arm_has_work(v)) {
        v->pause_ns = MIN((u64)WFE_NS, arm_event_stream_wait(cpu));
    }
}

void arm_h_sevl(struct vcpu *v)
{
    arm_cpu(v)->event = true;
}

/* ESB: only a virtual SError can be pending. */
void arm_h_esb(struct vcpu *v)
{
    struct arm_cpu *cpu = arm_cpu(v);
    if (arm_sys(cpu, SYS_RASX) && cpu->el < 2 && cpu->hcr & HCR_VSE && cpu->hcr & HCR_AMO && cpu->daif & PSTATE_A) {
        cpu->sr.VDISR_EL2 = BIT(31) | (cpu->sr.VSESR_EL2 & MASK(25));
        cpu->sr.HCR_EL2 &= ~HCR_VSE;
        arm_rebuild(cpu);
    }
}
