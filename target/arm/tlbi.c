/* TLB maintenance instructions (DDI 0487, C5.5), over the keys of mmu.c. The level hint (TTL) is ignored; so is the
 * difference between last-level-only and all-level forms: the TLB holds leaves only. */
#include "base/bits.h"
#include "target/arm/mmu.h"
#include "target/arm/sysreg.h"

#define ASID_BITS   (MASK(16) << KEY_ASID)
#define VMID_BITS   (MASK(16) << KEY_VMID)
#define REGIME_BITS (MASK(2) << KEY_REGIME | BIT(KEY_SECURE))

/* A range operand: BaseADDR in granules, NUM and SCALE give the length (C5.5, TLBI RVAE1). */
static void range_operand(struct tlb_flush *f, u64 xt)
{
    static const u8 grain[4] = {12, 12, 14, 16};
    unsigned g = grain[xt >> 46 & 3], num = xt >> 39 & 31, scale = xt >> 44 & 3;
    f->va = (u64)sbits(xt, 0, 37) << g;
    f->len = (u64)(num + 1) << (5 * scale + 1) << g;
}

static void va_operand(struct tlb_flush *f, u64 xt, bool ranged)
{
    f->va_mask = MASK(56); /* an ignored top byte does not save an entry */
    if (ranged) {
        range_operand(f, xt);
    } else {
        f->va = (u64)sext(xt << 12, 56);
        f->len = 1 << TLB_PAGE_BITS;
    }
}

static void asid_operand(struct tlb_flush *f, u64 xt)
{
    f->mask.w[0] |= ASID_BITS;
    f->want.w[0] |= (xt >> 48 & 0xffff) << KEY_ASID;
    f->global_ignore.w[0] |= ASID_BITS;
}

static void regime_want(const struct arm_cpu *cpu, struct tlb_flush *f, enum arm_regime regime)
{
    bool secure = regime == REGIME_EL3 || arm_secure_below_el3(cpu);
    f->mask.w[0] |= REGIME_BITS;
    f->want.w[0] |= (u64)regime << KEY_REGIME | (u64)secure << KEY_SECURE;
    if (regime == REGIME_EL10) {
        f->mask.w[0] |= VMID_BITS;
        f->want.w[0] |= arm_vmid(cpu) << KEY_VMID;
    }
}

/* The EL1 forms act on the host's regime while E2H and TGE are set. */
static enum arm_regime el1_regime(const struct arm_cpu *cpu)
{
    return cpu->el >= 2 && arm_host_el0(cpu) ? REGIME_EL20 : REGIME_EL10;
}

static void tlbi(struct arm_cpu *cpu, const struct sysreg *r, u64 xt, bool all_cpus)
{
    struct tlb_flush f = {.all_cpus = all_cpus};
    bool ranged = r->arg & TLBI_RANGED;
    enum arm_regime el2 = cpu->hcr & HCR_E2H ? REGIME_EL20 : REGIME_EL2;
    switch ((enum tlbi_kind)(r->arg & ~TLBI_RANGED)) {
    case TLBI_ALL_VMID:
        regime_want(cpu, &f, el1_regime(cpu));
        break;
    case TLBI_VA:
        regime_want(cpu, &f, el1_regime(cpu));
        asid_operand(&f, xt);
        va_operand(&f, xt, ranged);
        break;
    case TLBI_ASID:
        regime_want(cpu, &f, el1_regime(cpu));
        asid_operand(&f, xt);
        f.global_ignore.w[0] = 0;
        f.keep_global = true;
        break;
    case TLBI_VAA:
        regime_want(cpu, &f, el1_regime(cpu));
        va_operand(&f, xt, ranged);
        break;
    case TLBI_S12:
    case TLBI_IPA:
        regime_want(cpu, &f, REGIME_EL10);
        break;
    case TLBI_ALLE1:
        regime_want(cpu, &f, REGIME_EL10);
        f.mask.w[0] &= ~VMID_BITS;
        break;
    case TLBI_ALLE2:
        regime_want(cpu, &f, el2);
        break;
    case TLBI_VAE2:
        regime_want(cpu, &f, el2);
        if (el2 == REGIME_EL20) {
            asid_operand(&f, xt);
        }
        va_operand(&f, xt, ranged);
        break;
    case TLBI_ALLE3:
        regime_want(cpu, &f, REGIME_EL3);
        break;
    case TLBI_VAE3:
        regime_want(cpu, &f, REGIME_EL3);
        va_operand(&f, xt, ranged);
        break;
    case TLBI_RANGED:
        break;
    }
    cpu->vcpu.sv->tlb_flush(&cpu->vcpu, &f);
}

void tlbi_local(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    tlbi(cpu, r, v, cpu->el == 1 && cpu->hcr & HCR_FB);
}

void tlbi_shared(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    tlbi(cpu, r, v, true);
}
