/* What is made from system registers for speed: the effective HCR_EL2 and MDCR_EL2, and for each exception level its
 * part of the mode word and of the TLB keys (struct arm_el). A change of level picks from these. */
#include "target/arm/exceptions.h"
#include "target/arm/mmu.h"
#include "target/arm/pauth.h"
#include "target/arm/sysreg.h"
#include "target/arm/timer.h"

/* Fields of HCR_EL2 that behave as 0 while E2H and TGE are 1: the traps and controls of a guest that isn't there. */
#define HCR_NOT_IN_HOST \
    (HCR_VM | HCR_PTW | HCR_FMO | HCR_IMO | HCR_AMO | HCR_FB | BIT(10) | BIT(11) | HCR_TWI | HCR_TWE | \
     (MASK(4) << 15) /* TID0..3 */ | HCR_TSC | HCR_TIDCP | BIT(21) /* TACR */ | BIT(22) /* TSW */ | \
     BIT(23) /* TPCP */ | BIT(24) /* TPU */ | BIT(25) /* TTLB */ | BIT(26) /* TVM */ | HCR_TDZ | HCR_TRVM | \
     BIT(35) /* TLOR */ | BIT(36) /* TERR */ | BIT(49) /* TID4 */ | BIT(50) /* TICAB */ | BIT(52) /* TOCU */ | \
     BIT(54) /* TTLBIS */ | BIT(55) /* TTLBOS */)

static u64 effective_hcr(const struct arm_cpu *cpu)
{
    if (!arm_el2_enabled(cpu)) {
        return 0;
    }
    u64 hcr = cpu->sr.HCR_EL2;
    if (hcr & HCR_TGE) {
        hcr &= ~(HCR_VI | HCR_VF | HCR_VSE | HCR_DC);
        hcr = hcr & HCR_E2H ? (hcr & ~HCR_NOT_IN_HOST) | HCR_APK | HCR_API : hcr | HCR_FMO | HCR_IMO | HCR_AMO;
    }
    return hcr;
}

static u64 effective_mdcr(const struct arm_cpu *cpu)
{
    if (!arm_el2_enabled(cpu)) {
        return 0;
    }
    u64 mdcr = cpu->sr.MDCR_EL2;
    if (mdcr & MDCR_TDE || cpu->hcr & HCR_TGE) {
        mdcr |= MDCR_TDE | MDCR_TDA | MDCR_TDOSA | MDCR_TDRA;
    }
    return mdcr;
}

static enum arm_regime regime_of(const struct arm_cpu *cpu, unsigned el)
{
    switch (el) {
    case 0:
        return arm_host_el0(cpu) ? REGIME_EL20 : REGIME_EL10;
    case 1:
        return REGIME_EL10;
    case 2:
        return cpu->hcr & HCR_E2H ? REGIME_EL20 : REGIME_EL2;
    default:
        return REGIME_EL3;
    }
}

static u64 sctlr_of(const struct arm_cpu *cpu, enum arm_regime regime)
{
    return regime == REGIME_EL10 ? cpu->sr.SCTLR_EL1 : regime == REGIME_EL3 ? cpu->sr.SCTLR_EL3 : cpu->sr.SCTLR_EL2;
}

static u64 tcr_of(const struct arm_cpu *cpu, enum arm_regime regime)
{
    return regime == REGIME_EL10 ? cpu->sr.TCR_EL1 : regime == REGIME_EL3 ? cpu->sr.TCR_EL3 : cpu->sr.TCR_EL2;
}

/* -- TLB keys ---------------------------------------------------------------------------------------------------- */

u64 arm_asid(const struct arm_cpu *cpu, enum arm_regime regime)
{
    u64 tcr = tcr_of(cpu, regime);
    u64 ttbr = regime == REGIME_EL10 ? (tcr & TCR_A1 ? cpu->sr.TTBR1_EL1 : cpu->sr.TTBR0_EL1)
                                     : (tcr & TCR_A1 ? cpu->sr.TTBR1_EL2 : cpu->sr.TTBR0_EL2);
    return ttbr >> 48 & (tcr & TCR_AS ? 0xffff : 0xff);
}

u64 arm_vmid(const struct arm_cpu *cpu)
{
    return arm_el2_enabled(cpu) ? cpu->sr.VTTBR_EL2 >> 48 & (cpu->sr.VTCR_EL2 & VTCR_VS ? 0xffff : 0xff) : 0;
}

static bool stage1_off(const struct arm_cpu *cpu, enum arm_regime regime)
{
    bool off = regime == REGIME_EL10 && cpu->hcr & (HCR_DC | HCR_TGE);
    return off || !(sctlr_of(cpu, regime) & SCTLR_M);
}

/* Without stage 1 all data is Device memory. Traces made for it check every address (MODE_ALIGN), the TLB need not. */
bool arm_all_device(const struct arm_cpu *cpu, enum arm_regime regime)
{
    return stage1_off(cpu, regime) && !(regime == REGIME_EL10 && cpu->hcr & HCR_DC);
}

static u64 regime_key(const struct arm_cpu *cpu, enum arm_regime regime)
{
    u64 key = (u64)regime << KEY_REGIME;
    if (regime == REGIME_EL3 || arm_secure_below_el3(cpu)) {
        key |= BIT(KEY_SECURE);
    }
    if (regime == REGIME_EL10) {
        u64 s2 = (cpu->hcr & HCR_VM ? 1u : 0u) | (cpu->hcr & HCR_DC ? 2u : 0u) | (cpu->hcr & HCR_PTW ? 4u : 0u);
        key |= s2 << KEY_S2 | arm_vmid(cpu) << KEY_VMID;
    }
    if (regime == REGIME_EL10 || regime == REGIME_EL20) {
        key |= arm_asid(cpu, regime) << KEY_ASID;
    }
    return key | (stage1_off(cpu, regime) ? BIT(KEY_FLAT) : 0);
}

void arm_keys_rebuild(struct arm_cpu *cpu)
{
    for (unsigned el = 0; el < 4; el++) {
        struct arm_el *e = &cpu->elc[el];
        e->regime = (u8)regime_of(cpu, el);
        u64 key = regime_key(cpu, e->regime);
        e->has_unpriv = el == 1 || (el == 2 && arm_host_el0(cpu));
        e->key = el == 0 ? key | BIT(KEY_USER) : key;
        e->unpriv = e->has_unpriv ? key | BIT(KEY_USER) : e->key;
    }
}

void arm_context(const struct vcpu *v, unsigned view, struct mmu_key *key)
{
    const struct arm_cpu *cpu = arm_cpu_const(v);
    const struct arm_el *e = &cpu->elc[cpu->el];
    bool two_levels = e->regime == REGIME_EL10 || e->regime == REGIME_EL20;
    key->w[1] = 0;
    if (view == ARM_VIEW_UNPRIV && !cpu->uao) {
        key->w[0] = e->unpriv;
    } else {
        key->w[0] = e->key;
    }
    if (cpu->pan && two_levels && !(key->w[0] & BIT(KEY_USER))) {
        key->w[0] |= BIT(KEY_PAN);
    }
}

/* -- mode words -------------------------------------------------------------------------------------------------- */

static u64 tbi_mode(const struct arm_cpu *cpu, enum arm_regime regime)
{
    u64 tcr = tcr_of(cpu, regime);
    bool pauth = arm_sys(cpu, SYS_PAUTHX);
    if (regime == REGIME_EL2 || regime == REGIME_EL3) {
        return MODE_ONE_RANGE | (bit(tcr, 20) && !(pauth && bit(tcr, 29)) ? MODE_TBI0 : 0);
    }
    return (bit(tcr, 37) && !(pauth && bit(tcr, 51)) ? MODE_TBI0 : 0) |
           (bit(tcr, 38) && !(pauth && bit(tcr, 52)) ? MODE_TBI1 : 0);
}

/* Which keys are enabled is no part of it: Linux changes three of them between threads that use pointer authentication
 * and those that do not, and all of its kernel would be translated twice. */
static u64 pauth_mode(const struct arm_cpu *cpu, unsigned el)
{
    if (!arm_sys(cpu, SYS_PAUTHX)) {
        return 0;
    }
    bool trap = (el < 2 && arm_el2_enabled(cpu) && !(cpu->hcr & HCR_API)) ||
                (el < 3 && arm_sys(cpu, SYS_EL3) && !(cpu->sr.SCR_EL3 & SCR_API));
    return trap ? MODE_PAC_TRAP : 0;
}

static u64 el_mode(const struct arm_cpu *cpu, unsigned el)
{
    enum arm_regime regime = cpu->elc[el].regime;
    u64 sctlr = sctlr_of(cpu, regime);
    u64 m = (u64)el << MODE_EL_SHIFT | (u64)cpu->features_id << MODE_FEAT_SHIFT;
    m |= tbi_mode(cpu, regime) | pauth_mode(cpu, el);
    m |= sctlr & (el ? SCTLR_EE : SCTLR_E0E) ? MODE_BE : 0;
    m |= sctlr & (el ? SCTLR_SA : SCTLR_SA0) ? MODE_SP_CHECK : 0;
    m |= sctlr & SCTLR_A || arm_all_device(cpu, regime) ? MODE_ALIGN : 0;
    m |= fp_trapped(cpu, el) ? MODE_FP_TRAP : 0;
    m |= cpu->bti_seen >> el & 1 && arm_sys(cpu, SYS_BTIX) ? MODE_BTI : 0;
    m |= (el || sctlr & SCTLR_DZE) && !(el < 2 && cpu->hcr & HCR_TDZ) ? MODE_ZVA : 0;
    m |= el || sctlr & SCTLR_UMA ? MODE_UMA : 0;
    m |= el < 2 && cpu->hcr & (BIT(26) | HCR_TRVM) ? MODE_TRAP_VM : 0;
    return m;
}

static u64 current_mode(const struct arm_cpu *cpu)
{
    const struct arm_el *e = &cpu->elc[cpu->el];
    u64 m = e->mode | cpu->fp_mode;
    m |= cpu->spsel && cpu->el ? MODE_SPSEL : 0;
    m |= cpu->il ? MODE_IL : 0;
    m |= e->has_unpriv && !cpu->uao ? MODE_UNPRIV : 0;
    m |= unlikely(cpu->excl_mode) ? MODE_EXCLUSIVE : 0;
    if (unlikely(cpu->sr.MDSCR_EL1 & (MDSCR_SS | MDSCR_MDE))) {
        m |= MODE_DEBUG;
        if (arm_stepping(cpu)) {
            m |= MODE_STEP | (cpu->ss ? MODE_STEP_SS : 0);
        }
        m |= arm_breaking(cpu) ? MODE_BREAK : 0;
    }
    return m;
}

u64 arm_mode(const struct vcpu *v)
{
    return arm_cpu_const(v)->mode;
}

void arm_mode_update(struct arm_cpu *cpu)
{
    u64 m = current_mode(cpu);
    if (m != cpu->mode) {
        cpu->mode = m;
        if (cpu->vcpu.sv) {
            cpu->vcpu.sv->mode_changed(&cpu->vcpu);
        }
    }
}

void arm_context_update(struct arm_cpu *cpu)
{
    cpu->mode = current_mode(cpu);
    if (cpu->vcpu.sv) {
        cpu->vcpu.sv->context_changed(&cpu->vcpu);
    }
}

void arm_el_changed(struct arm_cpu *cpu, unsigned from)
{
    if (unlikely(cpu->pmu_by_level)) {
        arm_pmu_level(cpu, from);
    }
    if (arm_sys(cpu, SYS_EL3)) {
        arm_gic_state(cpu);
    }
}

void arm_rebuild(struct arm_cpu *cpu)
{
    cpu->hcr = effective_hcr(cpu);
    cpu->mdcr = effective_mdcr(cpu);
    arm_keys_rebuild(cpu);
    for (unsigned el = 0; el < 4; el++) {
        cpu->elc[el].mode = el_mode(cpu, el);
        arm_pauth_rebuild(cpu, el);
    }
    arm_context_update(cpu);
}

/* -- FPCR -------------------------------------------------------------------------------------------------------- */

#define FPCR_FZ16  BIT(19)
#define FPCR_RMODE 22
#define FPCR_FZ    BIT(24)
#define FPCR_DN    BIT(25)
#define FPCR_AHP   BIT(26)

/* fp and the host's control word follow FPCR. Flushing and the alternative half format run on the soft float. */
void arm_fpcr_changed(struct arm_cpu *cpu)
{
    static const u8 round[4] = {FP_RNE, FP_RP, FP_RM, FP_RZ};
    unsigned rmode = cpu->fpcr >> FPCR_RMODE & 3;
    u32 flags = cpu->fp.flags;
    cpu->fp = FP_ENV_ARM;
    cpu->fp.flags = flags;
    cpu->fp.round = round[rmode];
    cpu->fp.default_nan = cpu->fpcr & FPCR_DN;
    cpu->fp.flush_in = cpu->fp.flush_out = cpu->fpcr & FPCR_FZ;
    cpu->fp.flush_in16 = cpu->fp.flush_out16 = cpu->fpcr & FPCR_FZ16;
    cpu->fp.arm_alt_half = cpu->fpcr & FPCR_AHP;
    arm_host_fp_set(cpu, rmode);
    cpu->fp_mode =
        (cpu->fpcr & FPCR_DN ? MODE_FP_DN : 0) | (cpu->fpcr & (FPCR_FZ | FPCR_FZ16 | FPCR_AHP) ? MODE_FP_RARE : 0);
    arm_mode_update(cpu);
}
