/* target_aarch64: set-up, reset, the table of all state, printing. */
#include "target/arm/cpu.h"

#include <string.h>

#include "base/log.h"
#include "target/arm/disas.h"
#include "target/arm/exceptions.h"
#include "target/arm/mmu.h"
#include "target/arm/models.h"
#include "target/arm/psci.h"
#include "target/arm/sysreg.h"
#include "target/arm/timer.h"

#define DEFAULT_CNTFRQ 62500000

/* -- state ------------------------------------------------------------------------------------------------------ */

static const struct field arm_state[] = {
    {.name = "x", .off = offsetof(struct arm_cpu, vcpu.rt.r), .size = 8, .count = 32}, /* x31: the SP in use */
    {.name = "pc", .off = offsetof(struct arm_cpu, vcpu.rt.pc), .size = 8, .count = 1},
    {.name = "halted", .off = offsetof(struct arm_cpu, vcpu.halted), .size = 1, .count = 1},
    {.name = "powered_off", .off = offsetof(struct arm_cpu, vcpu.powered_off), .size = 1, .count = 1},
    {.name = "lines", .off = offsetof(struct arm_cpu, vcpu.lines), .size = 4, .count = 1},
    {.name = "host_fp", .off = offsetof(struct arm_cpu, vcpu.rt.host_fp), .size = 4, .count = 1, .flags = F_HIDDEN},
    FIELD(struct arm_cpu, nzcv),
    FIELD(struct arm_cpu, daif),
    FIELD(struct arm_cpu, el),
    FIELD(struct arm_cpu, spsel),
    FIELD(struct arm_cpu, il),
    FIELD(struct arm_cpu, ss),
    FIELD(struct arm_cpu, pan),
    FIELD(struct arm_cpu, uao),
    FIELD(struct arm_cpu, dit),
    FIELD(struct arm_cpu, ssbs),
    FIELD(struct arm_cpu, btype),
    FIELD(struct arm_cpu, stepped),
    FIELD(struct arm_cpu, stepped_ex),
    FIELDS(struct arm_cpu, sp_el),
    FIELDS(struct arm_cpu, elr_el),
    FIELDS(struct arm_cpu, spsr_el),
    FIELDS(struct arm_cpu, tpidr_el),
    FIELD(struct arm_cpu, tpidrro_el0),
    FIELDS(struct arm_cpu, v),
    FIELD(struct arm_cpu, qc),
    FIELD(struct arm_cpu, fpcr),
    {.name = "fp_flags", .off = offsetof(struct arm_cpu, fp.flags), .size = 4, .count = 1},
    FIELDS(struct arm_cpu, dbgbvr),
    FIELDS(struct arm_cpu, dbgbcr),
    FIELDS(struct arm_cpu, dbgwvr),
    FIELDS(struct arm_cpu, dbgwcr),
    FIELDS(struct arm_cpu, pmevcntr),
    FIELDS(struct arm_cpu, pmevtyper),
    FIELD(struct arm_cpu, pmu_last, .flags = F_HIDDEN),
    FIELD_OF(struct arm_cpu, gt, ctl),
    FIELD_OF(struct arm_cpu, gt, cval),
    FIELD(struct arm_cpu, event),
    FIELD(struct arm_cpu, excl, .flags = F_HIDDEN),
    FIELD(struct arm_cpu, bti_seen, .flags = F_HIDDEN),
    FIELD(struct arm_cpu, power, .flags = F_HIDDEN),
    FIELD(struct arm_cpu, on_entry, .flags = F_HIDDEN),
    FIELD(struct arm_cpu, on_context, .flags = F_HIDDEN),
    FIELD(struct arm_cpu, on_el, .flags = F_HIDDEN),
    FIELD(struct arm_cpu, cntfrq, .flags = F_CONFIG),
    {.name = "mpidr", .off = offsetof(struct arm_cpu, opts.mpidr), .size = 8, .count = 1, .flags = F_CONFIG},
#define REG(nm, ...)   {.name = #nm, .off = offsetof(struct arm_cpu, sr.nm), .size = 8, .count = 1},
#define IDREG(nm, ...) {.name = #nm, .off = offsetof(struct arm_cpu, sr.nm), .size = 8, .count = 1, .flags = F_CONFIG},
#define REG_AT(...)
#define VREG(...)
#include "target/arm/sysregs.def"
#undef REG
#undef IDREG
#undef REG_AT
#undef VREG
    {0},
};

/* -- set-up -------------------------------------------------------------------------------------------------------- */

static bool arm_init(struct vcpu *v, const char *model, struct err *e)
{
    struct arm_cpu *cpu = arm_cpu(v);
    sysregs_init();
    if (!arm_model_apply(cpu, model && *model ? model : "max", e)) {
        return false;
    }
    cpu->reset_sctlr = cpu->sr.SCTLR_EL1;
    cpu->reset_pmcr = cpu->sr.PMCR_EL0;
    cpu->cntfrq = DEFAULT_CNTFRQ;
    arm_features_derive(cpu);
    arm_timers_init(cpu);
    arm_pmu_init(cpu);
    return true;
}

bool arm_configure(struct vcpu *v, const struct arm_cpu_opts *o, struct err *e)
{
    struct arm_cpu *cpu = arm_cpu(v);
    if (o->has_el2 && !arm_sys(cpu, SYS_EL2)) {
        return err_set(e, "virtualization=on needs a CPU with EL2, and this one was given without");
    }
    if (o->has_el3 && !arm_sys(cpu, SYS_EL3)) {
        return err_set(e, "secure=on needs a CPU with EL3, and this one was given without");
    }
    cpu->opts = *o;
    cpu->opts.mpidr &= 0xff00ffffffull;
    cpu->cntfrq = o->cntfrq ? o->cntfrq : DEFAULT_CNTFRQ;
    u64 *pfr0 = &cpu->sr.ID_AA64PFR0_EL1;
    *pfr0 = deposit(*pfr0, 8, 4, o->has_el2);
    *pfr0 = deposit(*pfr0, 12, 4, o->has_el3);
    arm_features_derive(cpu);
    return true;
}

void arm_set_gic(struct vcpu *v, const struct arm_gic_ops *ops, void *opaque)
{
    arm_cpu(v)->gic = ops;
    arm_cpu(v)->gic_opaque = opaque;
}

void arm_set_entry(struct vcpu *v, unsigned el, u64 pc, const u64 x[4])
{
    struct arm_cpu *cpu = arm_cpu(v);
    cpu->entry.set = true;
    cpu->entry.el = (u8)el;
    cpu->entry.pc = pc;
    for (unsigned i = 0; i < 4; i++) {
        cpu->entry.x[i] = x ? x[i] : 0;
    }
}

const char *arm_compatible(const struct vcpu *v)
{
    return arm_cpu_const(v)->model->compatible;
}

/* Bit 31 is RES1; no multithreading. */
u64 arm_mpidr(const struct vcpu *v)
{
    return arm_cpu_const(v)->opts.mpidr | BIT(31);
}

bool arm_model_has(const struct vcpu *v, const char *feature)
{
    static const struct {
        const char *name;
        u8 f;
    } sys[] = {{"el2", SYS_EL2}, {"el3", SYS_EL3}, {"pmu", SYS_PMU}, {"vhe", SYS_VHE}, {"pauth", SYS_PAUTHX}};
    for (unsigned i = 0; i < ARRAY_LEN(sys); i++) {
        if (!strcmp(sys[i].name, feature)) {
            return arm_sys(arm_cpu_const(v), sys[i].f);
        }
    }
    return false;
}

/* -- reset ------------------------------------------------------------------------------------------------------- */

static void registers_reset(struct arm_cpu *cpu)
{
    for (unsigned i = 0; i < sysregs_count; i++) {
        const struct sysreg *r = &sysregs[i];
        if (r->off && !r->id) {
            *sysreg_at(cpu, r) = r->reset;
        }
    }
    cpu->sr.SCTLR_EL1 = cpu->reset_sctlr;
    cpu->sr.SCTLR_EL2 = cpu->sr.SCTLR_EL3 = 0x30c50830;
    cpu->sr.PMCR_EL0 = cpu->reset_pmcr | BIT(6);
    cpu->sr.CPTR_EL2 = 0x33ff;
    cpu->sr.HCR_EL2 = HCR_RW;
    cpu->sr.SCR_EL3 = SCR_RW | 3 << 4;
    cpu->sr.MDCR_EL2 = ARM_PMEVS; /* HPMN */
    cpu->sr.VPIDR_EL2 = cpu->sr.MIDR_EL1;
    cpu->sr.VMPIDR_EL2 = arm_mpidr(&cpu->vcpu);
    cpu->sr.CNTFRQ_EL0 = cpu->cntfrq;
}

static unsigned highest_el(const struct arm_cpu *cpu)
{
    return arm_sys(cpu, SYS_EL3) ? 3 : arm_sys(cpu, SYS_EL2) ? 2 : 1;
}

/* What firmware at the levels above would have set up for software started at `el`. */
static void open_lower_levels(struct arm_cpu *cpu, unsigned el)
{
    if (arm_sys(cpu, SYS_EL3) && el < 3) {
        cpu->sr.SCR_EL3 |= SCR_NS | (arm_sys(cpu, SYS_EL2) ? SCR_HCE : 0);
        cpu->sr.SCR_EL3 |= arm_sys(cpu, SYS_PAUTHX) ? SCR_APK | SCR_API : 0;
        cpu->sr.CPTR_EL3 = 0;
    }
    if (arm_sys(cpu, SYS_EL2) && el < 2) {
        cpu->sr.HCR_EL2 |= arm_sys(cpu, SYS_PAUTHX) ? HCR_APK | HCR_API : 0;
        cpu->sr.CNTHCTL_EL2 |= 3;
        cpu->sr.CPTR_EL2 = 0x33ff & ~BIT(10);
    }
}

static void start_at(struct arm_cpu *cpu, unsigned el, u64 pc)
{
    el = MIN(el, highest_el(cpu));
    open_lower_levels(cpu, el);
    arm_sp_save(cpu);
    cpu->el = (u8)el;
    cpu->spsel = 1;
    arm_sp_load(cpu);
    cpu->vcpu.rt.pc = pc;
}

static void cold_reset(struct arm_cpu *cpu)
{
    memset(cpu->vcpu.rt.r, 0, sizeof(cpu->vcpu.rt.r));
    memset(cpu->v, 0, sizeof(cpu->v));
    cpu->qc = (union v128){0};
    memset(cpu->sp_el, 0, sizeof(cpu->sp_el));
    registers_reset(cpu);
    cpu->nzcv = arm_nzcv_to_flags(0);
    cpu->daif = PSTATE_DAIF;
    cpu->il = cpu->ss = cpu->pan = cpu->uao = cpu->dit = cpu->ssbs = cpu->btype = 0;
    cpu->stepped = cpu->event = cpu->watching = cpu->excl_mode = false;
    cpu->excl = EXCL_NONE;
    cpu->bti_seen = 0;
    cpu->el = (u8)highest_el(cpu);
    cpu->spsel = 1;
    cpu->vcpu.rt.pc = cpu->opts.rvbar;
    cpu->vcpu.halted = false;
    cpu->fpcr = 0;
    cpu->fp.flags = 0;
    cpu->vcpu.rt.host_fp = 0;
    atomic_store(&cpu->power, POWER_NORMAL);
}

static void derived_reset(struct arm_cpu *cpu)
{
    arm_fpcr_changed(cpu);
    arm_debug_update(cpu);
    mmu_flush_all(cpu);
    arm_rebuild(cpu);
    arm_gic_state(cpu);
}

static void arm_reset(struct vcpu *v)
{
    struct arm_cpu *cpu = arm_cpu(v);
    cold_reset(cpu);
    arm_timers_reset(cpu);
    arm_pmu_reset(cpu);
    if (cpu->entry.set) {
        start_at(cpu, cpu->entry.el, cpu->entry.pc);
        memcpy(v->rt.r, cpu->entry.x, sizeof(cpu->entry.x));
    }
    derived_reset(cpu);
}

/* CPU_ON: on the new cpu's own thread, before its first instruction. */
void arm_power_up(struct arm_cpu *cpu)
{
    u64 entry = cpu->on_entry, context = cpu->on_context;
    unsigned el = cpu->on_el;
    cold_reset(cpu);
    arm_timers_reset(cpu);
    arm_pmu_reset(cpu);
    start_at(cpu, el, entry);
    cpu->vcpu.rt.r[0] = context;
    derived_reset(cpu);
}

/* After a snapshot was loaded into the table's fields: what is derived from them. */
static void arm_loaded(struct vcpu *v)
{
    struct arm_cpu *cpu = arm_cpu(v);
    derived_reset(cpu);
    arm_timers_update(cpu);
    arm_pmu_update(cpu);
}

/* -- printing ---------------------------------------------------------------------------------------------------- */

static void arm_print(const struct vcpu *v, bool all UNUSED, struct buf *out)
{
    const struct arm_cpu *cpu = arm_cpu_const(v);
    u64 p = arm_pstate(cpu);
    buf_printf(out, " PC=%016llx", (unsigned long long)v->rt.pc);
    for (unsigned i = 0; i < 32; i++) {
        if (i == 31) {
            buf_printf(out, "  SP=%016llx", (unsigned long long)v->rt.r[31]);
        } else {
            buf_printf(out, " X%02u=%016llx", i, (unsigned long long)v->rt.r[i]);
        }
        if (i % 3 == 1) {
            buf_printf(out, "\n");
        }
    }
    buf_printf(out, "\nPSTATE=%08llx %c%c%c%c %sEL%u%c", (unsigned long long)p, p >> 31 & 1 ? 'N' : '-',
               p >> 30 & 1 ? 'Z' : '-', p >> 29 & 1 ? 'C' : '-', p >> 28 & 1 ? 'V' : '-',
               arm_sys(cpu, SYS_EL3) ? (arm_secure(cpu) ? "S " : "NS ") : "", cpu->el, cpu->spsel ? 'h' : 't');
    if (arm_sys(cpu, SYS_BTIX)) {
        buf_printf(out, "  BTYPE=%u", cpu->btype);
    }
    buf_printf(out, "%s\n", fp_trapped(cpu, cpu->el) ? "     FPU disabled" : "");
}

static const char *arm_mode_name(u64 mode)
{
    static const char *const names[4] = {"EL0", "EL1", "EL2", "EL3"};
    return names[MODE_EL(mode)];
}

/* -- the target -------------------------------------------------------------------------------------------------- */

const struct target target_aarch64 = {
    .name = "aarch64",
    .doc = "Arm AArch64: Armv8-A, exception levels 0 to 3",
    .cpu_size = sizeof(struct arm_cpu),
    .xlen = 64,
    .views = 2,
    .state = arm_state,
    .ir = &arm_ir_target,
    .models = arm_models,
    .init = arm_init,
    .reset = arm_reset,
    .loaded = arm_loaded,
    .mode = arm_mode,
    .context = arm_context,
    .translate = a64_translate,
    .walk = arm_walk,
    .fault = arm_fault,
    .interrupt = arm_interrupt,
    .has_work = arm_has_work,
    .watch_hit = arm_watch_hit,
    .watch_page = arm_watch_page,
    .branch_target = a64_branch_target,
    .disas = arm_disas,
    .print = arm_print,
    .mode_name = arm_mode_name,
};
