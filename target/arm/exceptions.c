/* Exception entry and return (DDI 0487, D1.10 to D1.13; pseudocode AArch64.TakeException, AArch64.ExceptionReturn) and
 * the helpers of the instructions that cause them.
 *
 * AArch32 does not exist here, so a return to it is illegal. Not modelled: nested virtualisation, double fault
 * extension, implicit error synchronisation (there are no errors). */
#include "target/arm/exceptions.h"

#include "base/log.h"
#include "target/arm/helpers.h"
#include "target/arm/pauth.h"
#include "target/arm/psci.h"
#include "target/arm/sysreg.h"

u64 arm_pstate(const struct arm_cpu *cpu)
{
    return arm_flags_to_nzcv(cpu->nzcv) | cpu->daif | (u64)cpu->el << 2 | cpu->spsel | (u64)cpu->btype << SPSR_BTYPE |
           (cpu->ssbs ? SPSR_SSBS : 0) | (cpu->il ? SPSR_IL : 0) | (cpu->ss ? SPSR_SS : 0) | (cpu->pan ? SPSR_PAN : 0) |
           (cpu->uao ? SPSR_UAO : 0) | (cpu->dit ? SPSR_DIT : 0);
}

static u64 sctlr_of(const struct arm_cpu *cpu, unsigned el)
{
    return el == 1 ? cpu->sr.SCTLR_EL1 : el == 2 ? cpu->sr.SCTLR_EL2 : cpu->sr.SCTLR_EL3;
}

static u64 vbar_of(const struct arm_cpu *cpu, unsigned el)
{
    return el == 1 ? cpu->sr.VBAR_EL1 : el == 2 ? cpu->sr.VBAR_EL2 : cpu->sr.VBAR_EL3;
}

void arm_enter(struct arm_cpu *cpu, unsigned el, enum arm_vector vector, u64 ret)
{
    unsigned from = el > cpu->el ? 0x400 : cpu->spsel ? 0x200 : 0;
    u64 sctlr = sctlr_of(cpu, el);
    cpu->spsr_el[el] = arm_pstate(cpu);
    cpu->elr_el[el] = ret;
    arm_sp_save(cpu);
    unsigned from_el = cpu->el;
    cpu->el = (u8)el;
    cpu->spsel = 1;
    arm_sp_load(cpu);
    cpu->daif = PSTATE_DAIF;
    cpu->il = cpu->ss = cpu->uao = cpu->btype = 0;
    cpu->stepped = false;
    if ((el == 1 || (el == 2 && arm_host_el0(cpu))) && !(sctlr & SCTLR_SPAN) && arm_sys(cpu, SYS_PANX)) {
        cpu->pan = 1;
    }
    cpu->ssbs = (sctlr & SCTLR_DSSBS) && arm_sys(cpu, SYS_SSBSX);
    cpu->vcpu.rt.pc = vbar_of(cpu, el) + from + vector;
    if (log_on(LOG_INT)) {
        log_print("%s: exception to EL%u vector %#x, ESR %#llx ELR %#llx SPSR %#llx FAR %#llx\n", cpu->vcpu.name, el,
                  from + vector, (unsigned long long)*arm_esr_at(cpu, el), (unsigned long long)ret,
                  (unsigned long long)cpu->spsr_el[el], (unsigned long long)*arm_far_at(cpu, el));
    }
    arm_context_update(cpu);
    if (el != from_el) {
        arm_el_changed(cpu, from_el);
    }
}

unsigned arm_sync_target(const struct arm_cpu *cpu, unsigned want)
{
    unsigned el = MAX(want, cpu->el);
    return el <= 1 ? (cpu->el == 0 && cpu->hcr & HCR_TGE ? 2 : 1) : el;
}

void arm_enter_sync(struct arm_cpu *cpu, unsigned want, u64 esr, u64 ret)
{
    unsigned el = arm_sync_target(cpu, want);
    if (cpu->vcpu.user) {
        arm_user_trap(cpu, esr, ret);
        return;
    }
    *arm_esr_at(cpu, el) = esr;
    arm_enter(cpu, el, VECTOR_SYNC, ret);
}

void arm_raise(struct arm_cpu *cpu, unsigned want, u64 esr)
{
    arm_enter_sync(cpu, want, esr, cpu->vcpu.sv->helper_pc(&cpu->vcpu));
    cpu->vcpu.sv->unwind(&cpu->vcpu);
}

void arm_raise_fp(struct arm_cpu *cpu)
{
    unsigned el = (unsigned)fp_trapped(cpu, cpu->el);
    must(el);
    if (el == 1 && arm_sync_target(cpu, el) == 2 && cpu->el == 0) {
        arm_undefined(cpu); /* CPACR_EL1's trap that TGE sent to EL2 is reported as unknown */
    }
    arm_raise(cpu, el, arm_esr(EC_FP, 0x1e00000)); /* CV = 1, COND = always */
}

/* -- exception return -------------------------------------------------------------------------------------------- */

static bool return_is_illegal(const struct arm_cpu *cpu, u64 spsr)
{
    unsigned el = spsr >> 2 & 3;
    if (spsr & (SPSR_M4 | BIT(1)) || el > cpu->el || (el == 0 && spsr & SPSR_SP)) {
        return true;
    }
    if (el == 2 && (!arm_sys(cpu, SYS_EL2) || arm_secure_below_el3(cpu))) {
        return true;
    }
    return el == 1 && cpu->hcr & HCR_TGE;
}

/* Top-byte-ignored addresses lose their tag on the way into the PC (pseudocode AArch64.BranchAddr). */
static u64 return_address(const struct arm_cpu *cpu, u64 pc)
{
    u64 mode = cpu->elc[cpu->el].mode;
    bool high = !(mode & MODE_ONE_RANGE) && bit(pc, 55);
    if (mode & (high ? MODE_TBI1 : MODE_TBI0)) {
        return high ? pc | 0xffull << 56 : pc & MASK(56);
    }
    return pc;
}

static void pstate_from_spsr(struct arm_cpu *cpu, u64 spsr)
{
    bool illegal = return_is_illegal(cpu, spsr);
    cpu->ss = !illegal && arm_eret_step_bit(cpu, spsr >> 2 & 3, spsr);
    if (illegal) {
        cpu->il = 1;
    } else {
        arm_sp_save(cpu);
        cpu->el = spsr >> 2 & 3;
        cpu->spsel = spsr & 1;
        arm_sp_load(cpu);
        cpu->il = !!(spsr & SPSR_IL);
        cpu->ssbs = (spsr & SPSR_SSBS) && arm_sys(cpu, SYS_SSBSX);
        cpu->uao = (spsr & SPSR_UAO) && arm_sys(cpu, SYS_UAOX);
        cpu->dit = (spsr & SPSR_DIT) && arm_sys(cpu, SYS_DITX);
        cpu->btype = arm_sys(cpu, SYS_BTIX) ? spsr >> SPSR_BTYPE & 3 : 0;
    }
    cpu->nzcv = arm_nzcv_to_flags((u32)spsr);
    cpu->pan = (spsr & SPSR_PAN) && arm_sys(cpu, SYS_PANX);
    cpu->daif = spsr & PSTATE_DAIF;
}

static void exception_return(struct arm_cpu *cpu, u64 pc)
{
    struct vcpu *v = &cpu->vcpu;
    unsigned from = cpu->el;
    pstate_from_spsr(cpu, cpu->spsr_el[from]);
    v->rt.pc = return_address(cpu, pc);
    cpu->excl = EXCL_NONE;
    cpu->excl_mode = false;
    cpu->event = true;
    cpu->stepped = false;
    arm_context_update(cpu);
    if (cpu->el != from) {
        arm_el_changed(cpu, from);
    }
    arm_irq_check(cpu);
    if (unlikely(cpu->btype)) {
        a64_bti_return(cpu);
    }
    if (log_on(LOG_INT)) {
        log_print("%s: return from EL%u to EL%u, pc %#llx\n", v->name, from, cpu->el, (unsigned long long)v->rt.pc);
    }
}

void arm_h_eret(struct vcpu *v)
{
    struct arm_cpu *cpu = arm_cpu(v);
    exception_return(cpu, cpu->elr_el[cpu->el]);
}

void arm_h_eret_auth(struct vcpu *v, u64 key)
{
    struct arm_cpu *cpu = arm_cpu(v);
    u64 pc = cpu->elr_el[cpu->el];
    enum pauth_key k = key == 1 ? PAUTH_IA : PAUTH_IB;
    if (arm_pauth_on(cpu, k)) {
        arm_pauth_trap(cpu);
        pc = arm_pauth_aut(cpu, pc, v->rt.r[31], k);
    }
    exception_return(cpu, pc);
}

/* -- helpers ----------------------------------------------------------------------------------------------------- */

void arm_h_undefined(struct vcpu *v)
{
    arm_undefined(arm_cpu(v));
}

void arm_h_exception(struct vcpu *v, u64 ec, u64 iss)
{
    struct arm_cpu *cpu = arm_cpu(v);
    unsigned want = 1;
    switch (ec) {
    case EC_PC_ALIGN:
        *arm_far_at(cpu, arm_sync_target(cpu, 1)) = v->sv->helper_pc(v);
        break;
    case EC_BRK:
        want = arm_debug_target(cpu);
        break;
    case EC_BTI:
        cpu->btype = iss & 3;
        break;
    }
    arm_raise(cpu, want, arm_esr((enum arm_ec)ec, (u32)iss));
}

void arm_h_fp_trap(struct vcpu *v)
{
    arm_raise_fp(arm_cpu(v));
}

/* An instruction that causes an exception with the next one as its return address has stepped. */
static void step_over(struct arm_cpu *cpu)
{
    if (cpu->mode & MODE_STEP) {
        cpu->ss = 0;
    }
}

void arm_h_svc(struct vcpu *v, u64 imm, u64 next)
{
    struct arm_cpu *cpu = arm_cpu(v);
    step_over(cpu);
    arm_enter_sync(cpu, 1, arm_esr(EC_SVC, (u32)imm), next);
}

static void undefined_at(struct arm_cpu *cpu, u64 pc)
{
    arm_enter_sync(cpu, 1, arm_esr(EC_UNKNOWN, 0), pc);
}

/* A call that moss answers itself. */
static void psci_at(struct arm_cpu *cpu, u64 next)
{
    step_over(cpu);
    cpu->vcpu.rt.pc = next;
    arm_psci_call(cpu);
    arm_mode_update(cpu);
}

void arm_h_hvc(struct vcpu *v, u64 imm, u64 next)
{
    struct arm_cpu *cpu = arm_cpu(v);
    if (cpu->el > 0 && cpu->opts.psci == ARM_PSCI_HVC) {
        psci_at(cpu, next);
        return;
    }
    bool off = arm_sys(cpu, SYS_EL3) ? !(cpu->sr.SCR_EL3 & SCR_HCE) : !!(cpu->sr.HCR_EL2 & HCR_HCD);
    if (cpu->el == 0 || off || !arm_sys(cpu, SYS_EL2) || (cpu->el < 3 && arm_secure(cpu))) {
        undefined_at(cpu, next - 4);
        return;
    }
    step_over(cpu);
    arm_enter_sync(cpu, 2, arm_esr(EC_HVC, (u32)imm), next);
}

void arm_h_smc(struct vcpu *v, u64 imm, u64 next)
{
    struct arm_cpu *cpu = arm_cpu(v);
    if (cpu->el == 1 && cpu->hcr & HCR_TSC) {
        arm_enter_sync(cpu, 2, arm_esr(EC_SMC, (u32)imm), next - 4);
        return;
    }
    if (cpu->el > 0 && cpu->opts.psci == ARM_PSCI_SMC) {
        psci_at(cpu, next);
        return;
    }
    if (cpu->el == 0 || !arm_sys(cpu, SYS_EL3) || cpu->sr.SCR_EL3 & SCR_SMD) {
        undefined_at(cpu, next - 4);
        return;
    }
    step_over(cpu);
    arm_enter_sync(cpu, 3, arm_esr(EC_SMC, (u32)imm), next);
}

void arm_h_hlt(struct vcpu *v, u64 imm, u64 next)
{
    struct arm_cpu *cpu = arm_cpu(v);
    if (imm != 0xf000 || !cpu->opts.semihosting || !arm_semihosting || cpu->el == 0) {
        undefined_at(cpu, next - 4);
        return;
    }
    step_over(cpu);
    v->rt.pc = next;
    v->rt.r[0] = arm_semihosting(v, (u32)v->rt.r[0], v->rt.r[1]);
    arm_mode_update(cpu);
}
