/* Address translation: what walk.c does for the TLB (mmu.c) and for the AT instructions (at.c). */
#ifndef MOSS_TARGET_ARM_MMU_H
#define MOSS_TARGET_ARM_MMU_H

#include "target/arm/cpu.h"

/* TCR_EL1, and TCR_EL2 with E2H */
#define TCR_EPD0  BIT(7)
#define TCR_A1    BIT(22)
#define TCR_EPD1  BIT(23)
#define TCR_AS    BIT(36)
#define TCR_TBI0  BIT(37)
#define TCR_TBI1  BIT(38)
#define TCR_HA    BIT(39)
#define TCR_HD    BIT(40)
#define TCR_HPD0  BIT(41)
#define TCR_HPD1  BIT(42)
#define TCR_TBID0 BIT(51)
#define TCR_TBID1 BIT(52)
#define TCR_E0PD0 BIT(55)
#define TCR_E0PD1 BIT(56)
/* TCR_EL2 without E2H, TCR_EL3 */
#define TCR2_TBI  BIT(20)
#define TCR2_HA   BIT(21)
#define TCR2_HD   BIT(22)
#define TCR2_HPD  BIT(24)
#define TCR2_TBID BIT(29)
#define VTCR_VS   BIT(19)
#define VTCR_HA   BIT(21)
#define VTCR_HD   BIT(22)

/* Fault status codes, less the level in the low bits for the first four (DDI 0487, ESR_ELx.ISS.DFSC). */
enum arm_fsc {
    FSC_ADDRESS_SIZE = 0x00,
    FSC_TRANSLATION = 0x04,
    FSC_ACCESS_FLAG = 0x08,
    FSC_PERMISSION = 0x0c,
    FSC_EXTERNAL = 0x10,
    FSC_EXTERNAL_WALK = 0x14,
    FSC_ALIGNMENT = 0x21,
    FSC_DEBUG = 0x22,
    FSC_HW_UPDATE = 0x31,
};

/* What is asked. */
struct xlat {
    struct arm_cpu *cpu;
    enum arm_regime regime;
    bool secure;
    bool el0; /* with EL0's permissions */
    bool pan;
    bool only_s1;   /* AT S1...: no second stage but for the walk itself */
    bool no_update; /* leave access and dirty bits alone */
    enum mmu_access acc;
};
/* What comes out. */
struct xlat_out {
    u64 pa, size;
    bool r, w, x;
    bool global, device, dirty_pending, guarded;
    bool ns; /* the output address is Non-secure */
    u8 attr; /* as a byte of MAIR */
    u8 sh;   /* shareability, 2 bits */
    /* why not */
    u8 fsc;
    bool s2;    /* a fault of the second stage */
    bool s1ptw; /* ... on the way to a descriptor of the first */
    u64 ipa;    /* of a second-stage fault */
};
bool mmu_translate(const struct xlat *q, u64 va, struct xlat_out *o);

/* -- the regime's registers -- */
static inline bool regime_has_two_ranges(enum arm_regime r)
{
    return r == REGIME_EL10 || r == REGIME_EL20;
}
u64 mmu_sctlr(const struct arm_cpu *cpu, enum arm_regime r);
u64 mmu_tcr(const struct arm_cpu *cpu, enum arm_regime r);
/* Is the top byte of va ignored for this access? */
bool mmu_tbi(const struct arm_cpu *cpu, enum arm_regime r, u64 va, bool fetch);

/* -- walk.c's pieces -- */
unsigned mmu_grain(u64 tcr, bool high); /* log2 of the granule of TG0 or TG1 */
unsigned mmu_pa_bits(unsigned ps);      /* of a PS, IPS or PARange field */
/* The descriptor at pa; false: external abort. */
bool desc_read(const struct xlat *q, u64 pa, bool secure, bool big_endian, u64 *desc);
enum desc_update { DESC_UPDATED, DESC_CHANGED /* walk again */, DESC_IMPOSSIBLE };
enum desc_update desc_update(const struct xlat *q, u64 pa, bool secure, bool big_endian, u64 old, u64 new);

/* -- stage 2 (stage2.c): the address in o->ipa becomes o->pa; narrows permissions and attributes of the first stage ---
 */
bool stage2_on(const struct xlat *q);
/* for_walk: the access is the first stage's own; q->acc says whether it writes */
bool stage2_translate(const struct xlat *q, u64 ipa, bool for_walk, bool for_store, struct xlat_out *o);

/* -- TLB keys (derived.c) -- */
void arm_context(const struct vcpu *v, unsigned view, struct mmu_key *key);
void arm_keys_rebuild(struct arm_cpu *cpu);
u64 arm_asid(const struct arm_cpu *cpu, enum arm_regime regime);
/* Data accesses of the regime are all to Device memory: its stage 1 is off. */
bool arm_all_device(const struct arm_cpu *cpu, enum arm_regime regime);
u64 arm_vmid(const struct arm_cpu *cpu);
/* Drops this cpu's translations of a regime (its current Security state). */
void mmu_flush_regime(struct arm_cpu *cpu, enum arm_regime regime);
void mmu_flush_all(struct arm_cpu *cpu);

/* -- target functions (mmu.c) -- */
bool arm_walk(struct vcpu *v, u64 va, enum mmu_access acc, unsigned view, struct walk_result *r);
void arm_fault(struct vcpu *v, enum cpu_fault kind, u64 va, enum mmu_access acc, unsigned size, unsigned view,
               const struct walk_result *r);
/* ISV and what it makes valid (syndrome.c). */
u32 arm_insn_syndrome(u32 insn);
u32 arm_syndrome_at(struct arm_cpu *cpu, u64 pc);
/* A data abort on behalf of a cache maintenance or AT instruction (ISS.CM); unwinds. */
NORETURN void mmu_abort_cm(struct arm_cpu *cpu, u64 va, const struct xlat_out *o);
u64 arm_mode(const struct vcpu *v);

#endif
