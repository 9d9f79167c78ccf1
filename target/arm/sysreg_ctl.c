/* Control registers: writes that change how the CPU translates, traps or runs (hooks of sysregs.def). */
#include "target/arm/exceptions.h"
#include "target/arm/mmu.h"
#include "target/arm/sysreg.h"
#include "target/arm/timer.h"

/* Bits of SCTLR_ELx that exist here; others read as they were reset. */
static u64 sctlr_mask(const struct arm_cpu *cpu, unsigned el)
{
    u64 m = SCTLR_M | SCTLR_A | SCTLR_C | SCTLR_SA | SCTLR_I | SCTLR_WXN | SCTLR_EE;
    if (el == 1 || (el == 2 && arm_sys(cpu, SYS_VHE))) {
        m |= SCTLR_SA0 | SCTLR_UMA | SCTLR_DZE | SCTLR_UCT | SCTLR_NTWI | SCTLR_NTWE | SCTLR_E0E | SCTLR_UCI;
        m |= arm_sys(cpu, SYS_PANX) ? SCTLR_SPAN : 0;
        m |= arm_sys(cpu, SYS_SPECRESX) ? SCTLR_ENRCTX : 0;
        m |= arm_sys(cpu, SYS_BTIX) ? SCTLR_BT0 : 0;
    }
    m |= arm_feat(cpu, ARM_FEAT_LSE2) ? SCTLR_NAA : 0;
    m |= arm_sys(cpu, SYS_PAUTHX) ? SCTLR_ENIA | SCTLR_ENIB | SCTLR_ENDA | SCTLR_ENDB : 0;
    m |= arm_sys(cpu, SYS_BTIX) ? SCTLR_BT1 : 0;
    m |= arm_sys(cpu, SYS_SSBSX) ? SCTLR_DSSBS : 0;
    m |= arm_sys(cpu, SYS_RASX) ? SCTLR_IESB : 0;
    return m;
}

static unsigned level_of(const struct sysreg *r)
{
    unsigned op1 = SYSENC_OP1(r->enc);
    return op1 == 6 ? 3 : op1 == 4 ? 2 : 1;
}

static enum arm_regime regime_of_level(const struct arm_cpu *cpu, unsigned el)
{
    return el == 1 ? REGIME_EL10 : el == 3 ? REGIME_EL3 : cpu->hcr & HCR_E2H ? REGIME_EL20 : REGIME_EL2;
}

void sctlr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    u64 *at = sysreg_at(cpu, r), old = *at;
    u64 mask = sctlr_mask(cpu, level_of(r));
    *at = (old & ~mask) | (v & mask);
    u64 changed = *at ^ old;
    if (!changed) {
        return;
    }
    if (changed & (SCTLR_WXN | SCTLR_EE)) {
        mmu_flush_regime(cpu, regime_of_level(cpu, level_of(r)));
    }
    arm_rebuild(cpu);
}

void rebuild_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    sysreg_put(cpu, r, v);
    arm_rebuild(cpu);
}

void cptr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    u64 *at = sysreg_at(cpu, r);
    if (cpu->sr.HCR_EL2 & HCR_E2H) {
        *at = v & (BIT(31) | 3 << 20);
    } else {
        *at = (v & (BIT(31) | BIT(10))) | 0x33ff; /* the rest is RES1 or RES0 */
    }
    arm_rebuild(cpu);
}

void hcr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    u64 mask = MASK(34) & ~HCR_RW;
    (void)r;
    mask |= arm_sys(cpu, SYS_VHE) ? HCR_E2H : 0;
    mask |= arm_sys(cpu, SYS_LORX) ? BIT(35) : 0;
    mask |= arm_sys(cpu, SYS_RASX) ? BIT(36) | HCR_TEA : 0;
    mask |= arm_sys(cpu, SYS_PAUTHX) ? HCR_APK | HCR_API : 0;
    mask |= arm_sys(cpu, SYS_EVT) ? BIT(49) | BIT(50) | BIT(52) | BIT(54) | BIT(55) : 0;
    if (arm_sys(cpu, SYS_EL3)) {
        mask &= ~HCR_HCD;
    }
    cpu->sr.HCR_EL2 = (v & mask) | HCR_RW; /* EL1 is AArch64 only */
    arm_rebuild(cpu);
    arm_irq_check(cpu);
}

void scr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    u64 mask = SCR_NS | SCR_IRQ | SCR_FIQ | SCR_EA | SCR_SMD | SCR_HCE | SCR_SIF | SCR_ST | SCR_TWI | SCR_TWE;
    (void)r;
    mask |= arm_sys(cpu, SYS_LORX) ? BIT(14) : 0;
    mask |= arm_sys(cpu, SYS_RASX) ? BIT(15) : 0;
    mask |= arm_sys(cpu, SYS_PAUTHX) ? SCR_APK | SCR_API : 0;
    if (!arm_sys(cpu, SYS_EL2)) {
        mask &= ~SCR_HCE;
    }
    u64 old = cpu->sr.SCR_EL3;
    cpu->sr.SCR_EL3 = (v & mask) | SCR_RW | 3 << 4;
    if ((old ^ cpu->sr.SCR_EL3) & SCR_SIF) {
        mmu_flush_all(cpu);
    }
    arm_rebuild(cpu);
    arm_gic_state(cpu);
    arm_irq_check(cpu);
}

/* -- address translation ----------------------------------------------------------------------------------------- */

static void keys_changed(struct arm_cpu *cpu)
{
    arm_keys_rebuild(cpu);
    arm_context_update(cpu);
}

/* A new root under the same ASID keeps old translations until the guest invalidates them, as hardware may. */
void ttbr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    u64 *at = sysreg_at(cpu, r), old = *at;
    *at = v;
    if ((old ^ v) >> 48) {
        keys_changed(cpu);
    } else if (level_of(r) == 3 || !regime_has_two_ranges(regime_of_level(cpu, level_of(r)))) {
        mmu_flush_regime(cpu, regime_of_level(cpu, level_of(r)));
    }
}

void vttbr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    cpu->sr.VTTBR_EL2 = v;
    keys_changed(cpu);
}

void tcr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    u64 *at = sysreg_at(cpu, r);
    if (*at == v) {
        return;
    }
    *at = v;
    bool vtcr = at == &cpu->sr.VTCR_EL2;
    mmu_flush_regime(cpu, vtcr ? REGIME_EL10 : regime_of_level(cpu, level_of(r)));
    arm_rebuild(cpu);
}

void mair_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    u64 *at = sysreg_at(cpu, r);
    if (*at != v) {
        *at = v;
        mmu_flush_regime(cpu, regime_of_level(cpu, level_of(r)));
    }
}

/* MDCR_EL2 and MDCR_EL3 rule debug and the performance monitors. */
void mdcr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    if (arm_sys(cpu, SYS_PMU)) {
        arm_pmu_update(cpu); /* up to now under the old rules */
    }
    sysreg_put(cpu, r, v);
    arm_rebuild(cpu);
    if (arm_sys(cpu, SYS_PMU)) {
        arm_pmu_update(cpu);
    }
}
