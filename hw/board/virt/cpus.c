/* The processors of the virt board: making them, their interrupt lines and timers, and where they start. The only file
 * here that knows the instruction set's public header. */
#include "base/bits.h"
#include "hw/board/virt/virt_priv.h"
#include "hw/intc/gicv3.h"
#include "target/arm/arm.h"

/* CPUs of one cluster as the interrupt controller wants them: a GICv2 knows 8, an SGI of a GICv3 reaches 16. */
static unsigned cluster_size(const struct virt *v)
{
    return v->gic_kind == 2 ? 8 : 16;
}

u64 virt_cpu_mpidr(const struct machine *m, unsigned cpu)
{
    unsigned n = cluster_size(virt_of(m));
    return (u64)(cpu / n) << 8 | cpu % n;
}

const char *virt_cpu_compatible(const struct machine *m, unsigned cpu)
{
    return arm_compatible(m->cpus[cpu]);
}

const char *virt_psci_method(const struct virt *v)
{
    return v->psci == ARM_PSCI_HVC ? "hvc" : v->psci == ARM_PSCI_SMC ? "smc" : NULL;
}

bool virt_cpus_make(struct machine *m, struct err *e)
{
    const struct target *t = &target_aarch64;
    while (m->ncpus < m->cfg.cpus) {
        struct vcpu *cpu = machine_cpu_new(m, t, t->cpu_size);
        if (!t->init(cpu, m->cfg.cpu_model, e)) {
            return false;
        }
    }
    arm_set_cpus(m->cpus, m->ncpus);
    virt_of(m)->has_pmu = arm_model_has(m->cpus[0], "pmu");
    return true;
}

/* -- interrupt lines ---------------------------------------------------------------------------------- */

/* A CPU drives its output pins with the machine lock held, which a GICv2's inputs want. */
static void cpu_wire(struct machine *m, unsigned i)
{
    static const struct {
        enum gic_out_kind out;
        enum arm_pin pin;
    } ins[] = {{GIC_IRQ, ARM_IRQ}, {GIC_FIQ, ARM_FIQ}, {GIC_VIRQ, ARM_VIRQ}, {GIC_VFIQ, ARM_VFIQ}};
    static const struct {
        enum arm_timer timer;
        unsigned ppi;
    } outs[] = {{ARM_TIMER_PHYS, PPI_TIMER_PHYS},
                {ARM_TIMER_VIRT, PPI_TIMER_VIRT},
                {ARM_TIMER_HYP, PPI_TIMER_HYP},
                {ARM_TIMER_SEC, PPI_TIMER_SEC},
                {ARM_TIMER_HYPVIRT, PPI_TIMER_HYPVIRT}};
    struct vcpu *cpu = m->cpus[i];
    struct irq *out = virt_of(m)->gic->irqs;
    for (unsigned k = 0; k < ARRAY_LEN(ins); k++) {
        out[gic_out(i, ins[k].out)] = (struct irq){.fn = vcpu_line, .to = cpu, .n = ins[k].pin};
    }
    out[gic_out(i, GIC_MAINT)] = virt_ppi(m, i, PPI_MAINTENANCE);
    for (unsigned k = 0; k < ARRAY_LEN(outs); k++) {
        arm_set_timer_out(cpu, outs[k].timer, virt_ppi(m, i, outs[k].ppi));
    }
    arm_set_pmu_out(cpu, virt_ppi(m, i, PPI_PMU));
}

/* -- the GICv3's CPU interface, which is system registers --------------------------------------------- */

static struct gicv3_cpu_ctx gic_ctx(const struct arm_gic_ctx *c)
{
    return (struct gicv3_cpu_ctx){
        .el = c->el,
        .secure = c->secure,
        .has_el2 = c->has_el2,
        .has_el3 = c->has_el3,
        .el2_enabled = c->el2_enabled,
        .scr_ns = bit(c->scr, 0),
        .scr_irq = bit(c->scr, 1),
        .scr_fiq = bit(c->scr, 2),
        .fmo = bit(c->hcr, 3),
        .imo = bit(c->hcr, 4),
        .amo = bit(c->hcr, 5),
    };
}

static enum arm_gic_access gic_access(void *gic, unsigned cpu, u32 enc, bool write, const struct arm_gic_ctx *c)
{
    static const enum arm_gic_access same[] = {[GICV3_OK] = ARM_GIC_OK,
                                               [GICV3_UNDEF] = ARM_GIC_UNDEF,
                                               [GICV3_TRAP_EL2] = ARM_GIC_TRAP_EL2,
                                               [GICV3_TRAP_EL3] = ARM_GIC_TRAP_EL3};
    struct gicv3_cpu_ctx ctx = gic_ctx(c);
    return same[gicv3_cpu_access(gic, cpu, enc, write, &ctx)];
}

static void gic_state(void *gic, unsigned cpu, const struct arm_gic_ctx *c)
{
    gicv3_cpu_state(gic, cpu, c->el, c->secure, false);
}

static u64 gic_read(void *gic, unsigned cpu, u32 enc, const struct arm_gic_ctx *c)
{
    struct gicv3_cpu_ctx ctx = gic_ctx(c);
    return gicv3_cpu_read(gic, cpu, enc, &ctx);
}

static void gic_write(void *gic, unsigned cpu, u32 enc, u64 val, const struct arm_gic_ctx *c)
{
    struct gicv3_cpu_ctx ctx = gic_ctx(c);
    gicv3_cpu_write(gic, cpu, enc, val, &ctx);
}

static const struct arm_gic_ops gic_ops = {
    .access = gic_access, .state = gic_state, .read = gic_read, .write = gic_write};

void virt_cpus_wire(struct machine *m)
{
    for (unsigned i = 0; i < m->ncpus; i++) {
        cpu_wire(m, i);
        if (virt_of(m)->gic_kind == 3) {
            arm_set_gic(m->cpus[i], &gic_ops, virt_of(m)->gic);
        }
    }
}

/* -- where they start --------------------------------------------------------------------------------- */

/* Linux is entered at the highest level that is not EL3; all else at the highest level there is. A call conduit is of
 * use only to software below the level that would answer it. */
static void boot_decide(struct virt *v)
{
    unsigned lower = v->virtualization ? 2 : 1;
    v->boot_el = v->secure && !virt_is_linux(v) ? 3 : lower;
    v->psci = v->virtualization ? ARM_PSCI_SMC : ARM_PSCI_HVC;
    bool taken = v->psci == ARM_PSCI_SMC ? v->boot_el == 3 : v->boot_el >= 2;
    if (taken || virt_firmware_is_secure(v)) {
        v->psci = ARM_PSCI_NONE;
    }
}

bool virt_cpus_configure(struct machine *m, struct err *e)
{
    struct virt *v = virt_of(m);
    boot_decide(v);
    for (unsigned i = 0; i < m->ncpus; i++) {
        const struct arm_cpu_opts o = {
            .mpidr = virt_cpu_mpidr(m, i),
            .has_el2 = v->virtualization,
            .has_el3 = v->secure,
            .psci = v->psci,
            .semihosting = m->cfg.semihosting,
            .gicv3_regs = v->gic_kind == 3,
        };
        if (!arm_configure(m->cpus[i], &o, e)) {
            return false;
        }
        const u64 x[4] = {virt_is_linux(v) ? v->dt_addr : 0};
        if (v->kernel.end && !v->firmware_loaded && (i == 0 || !virt_is_linux(v))) {
            arm_set_entry(m->cpus[i], v->boot_el, v->kernel.entry, x);
        }
    }
    return true;
}

/* All but the first wait for CPU_ON, where there is somebody to call. */
void virt_cpus_reset(struct machine *m)
{
    for (unsigned i = 0; i < m->ncpus; i++) {
        m->cpus[i]->powered_off = i > 0 && virt_of(m)->psci != ARM_PSCI_NONE;
    }
}
