/* The MMU as the accelerator sees it: walks for TLB fills, aborts, flushes of regimes.
 *
 * TLB keys (struct mmu_key.w[0]; w[1] is 0): ASID, VMID, regime, Security state, whether stage 2 is on, EL0's or a
 * privileged view, PAN, stage 1 off. So a new ASID or VMID, PAN, SCTLR_ELx.M and a change of level change the key and
 * flush nothing; writes to TCR, MAIR and other control bits flush their regime on this CPU. */
#include "target/arm/mmu.h"

#include "target/arm/exceptions.h"

static void xlat_for(struct arm_cpu *cpu, unsigned view, enum mmu_access acc, struct xlat *q)
{
    const struct arm_el *e = &cpu->elc[cpu->el];
    bool unpriv = view == ARM_VIEW_UNPRIV && e->has_unpriv && !cpu->uao;
    *q = (struct xlat){
        .cpu = cpu,
        .regime = e->regime,
        .secure = arm_secure(cpu),
        .el0 = cpu->el == 0 || unpriv,
        .pan = cpu->pan,
        .acc = acc,
        .no_update = cpu->vcpu.looking,
    };
}

enum { WHY_FSC, WHY_IPA, WHY_STAGE2 = BIT(8), WHY_S1PTW = BIT(9) };

static void why_put(struct walk_result *r, const struct xlat_out *o)
{
    r->why[WHY_FSC] = o->fsc | (o->s2 ? WHY_STAGE2 : 0) | (o->s1ptw ? WHY_S1PTW : 0);
    r->why[WHY_IPA] = o->ipa;
}

/* FEAT_BTI costs a check at indirect branches: only guests that use guarded pages pay. */
static void bti_note(struct arm_cpu *cpu)
{
    u8 level = (u8)(1u << cpu->el);
    if (!(cpu->bti_seen & level)) {
        cpu->bti_seen |= level;
        arm_rebuild(cpu);
    }
}

/* A program's page: the map is user mode's, and only fetches are asked for. */
static bool user_walk(struct arm_cpu *cpu, u64 va, struct walk_result *r)
{
    int note = cpu->vcpu.sv->page_note(&cpu->vcpu, va);
    if (note < 0) {
        return false;
    }
    if (note & NOTE_GUARDED) {
        bti_note(cpu);
    }
    *r = (struct walk_result){.pa = va, .page_size = 4096, .r = true, .x = true, .note = (u8)note};
    return true;
}

bool arm_walk(struct vcpu *v, u64 va, enum mmu_access acc, unsigned view, struct walk_result *r)
{
    struct arm_cpu *cpu = arm_cpu(v);
    struct xlat q;
    struct xlat_out o;
    if (v->user) {
        must(acc == MMU_FETCH);
        return user_walk(cpu, va, r);
    }
    xlat_for(cpu, view, acc, &q);
    if (!mmu_translate(&q, va, &o)) {
        why_put(r, &o);
        return false;
    }
    if (o.guarded && acc == MMU_FETCH) {
        bti_note(cpu);
    }
    *r = (struct walk_result){
        .pa = o.pa,
        .page_size = o.size,
        .r = o.r,
        .w = o.w,
        .x = o.x,
        .global = o.global,
        .device = o.device && !arm_all_device(cpu, q.regime),
        .dirty_pending = o.dirty_pending,
        .note = o.guarded ? NOTE_GUARDED : 0,
        .attrs = {.is_cpu = true, .cpu = (u8)v->index, .secure = q.secure && !o.ns, .user = q.el0},
    };
    return true;
}

/* -- aborts ------------------------------------------------------------------------------------------------------ */

#define ISS_WNR   BIT(6)
#define ISS_S1PTW BIT(7)
#define ISS_CM    BIT(8)
#define ISS_FNV   BIT(10)

/* The level an abort goes to. */
static unsigned abort_level(const struct arm_cpu *cpu, unsigned fsc, bool s2)
{
    bool external = fsc == FSC_EXTERNAL || (fsc & ~3u) == FSC_EXTERNAL_WALK;
    if (external && arm_sys(cpu, SYS_EL3) && cpu->sr.SCR_EL3 & SCR_EA) {
        return 3;
    }
    if (s2 || (external && cpu->el < 2 && cpu->hcr & HCR_TEA)) {
        return 2;
    }
    return 1;
}

static void abort_enter(struct arm_cpu *cpu, enum arm_ec lower, u32 iss, u64 va, const u64 *ipa, u64 pc)
{
    bool s2 = ipa != NULL;
    unsigned want = abort_level(cpu, iss & 63, s2), el = arm_sync_target(cpu, want);
    if (el == 2 && s2) {
        cpu->sr.HPFAR_EL2 = (*ipa >> 12 & MASK(40)) << 4;
    }
    *arm_far_at(cpu, el) = va;
    arm_enter_sync(cpu, want, arm_esr(lower + (el == cpu->el), iss), pc);
}

void arm_fault(struct vcpu *v, enum cpu_fault kind, u64 va, enum mmu_access acc, unsigned size, unsigned view,
               const struct walk_result *r)
{
    struct arm_cpu *cpu = arm_cpu(v);
    u32 iss = acc == MMU_STORE ? ISS_WNR : 0;
    const u64 *ipa = NULL;
    (void)size;
    (void)view;
    switch (kind) {
    case FAULT_TRANSLATION:
        iss |= r->why[WHY_FSC] & 63;
        iss |= r->why[WHY_FSC] & WHY_S1PTW ? ISS_S1PTW : 0;
        ipa = r->why[WHY_FSC] & WHY_STAGE2 ? &r->why[WHY_IPA] : NULL;
        if (ipa && acc != MMU_FETCH && !(iss & ISS_S1PTW)) {
            iss |= arm_syndrome_at(cpu, v->rt.pc);
        }
        break;
    case FAULT_ALIGN:
        iss |= FSC_ALIGNMENT;
        break;
    case FAULT_BUS:
        iss |= FSC_EXTERNAL;
        break;
    case FAULT_WATCH:
        arm_enter_watchpoint(cpu, va, iss);
        return;
    }
    if (acc == MMU_FETCH) {
        iss &= ~(u32)ISS_WNR;
    }
    abort_enter(cpu, acc == MMU_FETCH ? EC_IABT_LOWER : EC_DABT_LOWER, iss, va, ipa, v->rt.pc);
}

void mmu_abort_cm(struct arm_cpu *cpu, u64 va, const struct xlat_out *o)
{
    struct vcpu *v = &cpu->vcpu;
    u32 iss = o->fsc | ISS_CM | ISS_WNR | (o->s1ptw ? (u32)ISS_S1PTW : 0);
    abort_enter(cpu, EC_DABT_LOWER, iss, va, o->s2 ? &o->ipa : NULL, v->sv->helper_pc(v));
    v->sv->unwind(v);
}

/* -- flushes ------------------------------------------------------------------------------------------------------- */

static void flush(struct arm_cpu *cpu, u64 mask, u64 want)
{
    struct tlb_flush f = {.mask = {{mask, 0}}, .want = {{want, 0}}};
    if (cpu->vcpu.sv) {
        cpu->vcpu.sv->tlb_flush(&cpu->vcpu, &f);
    }
}

void mmu_flush_regime(struct arm_cpu *cpu, enum arm_regime regime)
{
    u64 mask = MASK(2) << KEY_REGIME | BIT(KEY_SECURE);
    bool secure = regime == REGIME_EL3 || arm_secure_below_el3(cpu);
    flush(cpu, mask, (u64)regime << KEY_REGIME | (u64)secure << KEY_SECURE);
}

void mmu_flush_all(struct arm_cpu *cpu)
{
    flush(cpu, 0, 0);
}
