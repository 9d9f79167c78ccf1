/* Arm Generic Interrupt Controller v2 (IHI 0048B.b), as the GIC-400 has it: up to 8 CPUs, 1020 interrupts, 32
 * priorities, with Security and Virtualization Extensions by property.
 *
 * This file: the class, the pins, and the choice of the interrupt that each CPU is told of. The register frames are in
 * gicv2_dist.c (GICD), gicv2_cpu.c (GICC) and gicv2_virt.c (GICH, GICV).
 * Not modelled: GICD_NSACR, interrupt bypass, GICH's per-processor aliases, power management (wake-up). */
#include "hw/intc/gicv2_priv.h"

#include <string.h>

static u32 gicv2_group_mask(const struct gicv2 *s, u32 group)
{
    return (s->ctlr & 1 ? ~group : 0) | (s->ctlr & 2 ? group : 0);
}

u32 gicv2_pending(struct gicv2 *s, unsigned cpu, unsigned w)
{
    u32 level = *gicv2_word(&s->level, cpu, w), edge = *gicv2_word(&s->edge, cpu, w);
    u32 pending = *gicv2_word(&s->latch, cpu, w) | (level & ~edge);
    if (w == 0) {
        pending &= ~0xffffu;
        for (unsigned i = 0; i < 16; i++) {
            pending |= (u32)(s->sgi_from[cpu * 16 + i] != 0) << i;
        }
    }
    return pending;
}

/* Interrupts of word w that may be signalled as far as the distributor is concerned. */
static u32 gicv2_deliverable(struct gicv2 *s, unsigned cpu, unsigned w)
{
    u32 ready = *gicv2_word(&s->enabled, cpu, w) & ~*gicv2_word(&s->active, cpu, w) &
                gicv2_group_mask(s, *gicv2_word(&s->group, cpu, w));
    return ready ? ready & gicv2_pending(s, cpu, w) : 0;
}

static void gicv2_offer(struct gicv2_cpu *c, unsigned irq, u8 prio)
{
    if (prio < c->hppi_prio || c->hppi == INTID_SPURIOUS) {
        c->hppi = (u16)irq;
        c->hppi_prio = prio;
    }
}

/* INTIDs are offered in rising order, so that the lowest wins among equals. */
static void gicv2_choose(struct gicv2 *s)
{
    for (unsigned cpu = 0; cpu < s->num_cpu; cpu++) {
        struct gicv2_cpu *c = &s->cpu[cpu];
        c->hppi = INTID_SPURIOUS;
        c->hppi_prio = GIC_IDLE;
        for (u32 p = gicv2_deliverable(s, cpu, 0); p; p &= p - 1) {
            gicv2_offer(c, ctz32(p), s->own_prio[cpu * 32 + ctz32(p)]);
        }
    }
    for (unsigned w = 1; w < (s->num_irq + 31) / 32; w++) {
        for (u32 p = gicv2_deliverable(s, 0, w); p; p &= p - 1) {
            unsigned irq = w * 32 + ctz32(p);
            u32 to = s->num_cpu == 1 ? 1 : s->target[irq];
            for (; to; to &= to - 1) {
                gicv2_offer(&s->cpu[ctz32(to)], irq, s->spi_prio[irq]);
            }
        }
    }
}

static void gicv2_drive(struct gicv2 *s, unsigned cpu, u8 lines)
{
    struct gicv2_cpu *c = &s->cpu[cpu];
    u8 changed = c->lines ^ lines;
    c->lines = lines;
    for (unsigned k = 0; k < GIC_OUTS; k++) {
        if (bit(changed, k)) {
            device_irq(&s->dev, gic_out(cpu, k), (int)bit(lines, k));
        }
    }
}

void gicv2_update(struct gicv2 *s)
{
    if (s->busy) {
        s->again = true;
        return;
    }
    s->busy = true;
    do {
        s->again = false;
        gicv2_choose(s);
        for (unsigned cpu = 0; cpu < s->num_cpu; cpu++) {
            u8 lines = gicv2_cpu_signal(s, cpu);
            if (s->has_virt) {
                lines |= gicv2_virt_signal(s, cpu);
            }
            gicv2_drive(s, cpu, lines);
        }
    } while (s->again);
    s->busy = false;
}

u32 gicv2_activate(struct gicv2 *s, unsigned cpu, unsigned irq)
{
    u32 iar = irq;
    if (irq < 16) {
        u8 *from = &s->sgi_from[cpu * 16 + irq];
        unsigned src = ctz32(*from);
        *from &= (u8)~BIT(src);
        iar |= src << 10;
    } else {
        gicv2_set(&s->latch, cpu, irq, false);
    }
    gicv2_set(&s->active, cpu, irq, true);
    return iar;
}

/* -- device -------------------------------------------------------------------------------------------- */

static void gicv2_irq_in(struct device *d, unsigned n, int level)
{
    struct gicv2 *s = (struct gicv2 *)d;
    unsigned cpu = 0, irq = n + 32;
    if (n >= s->num_irq - 32) {
        cpu = (n - (s->num_irq - 32)) / 32;
        irq = (n - (s->num_irq - 32)) % 32;
        must(cpu < s->num_cpu && irq >= 16);
    }
    bool was = gicv2_get(&s->level, cpu, irq);
    if (was == !!level) {
        return;
    }
    gicv2_set(&s->level, cpu, irq, level);
    if (level && gicv2_get(&s->edge, cpu, irq)) {
        gicv2_set(&s->latch, cpu, irq, true);
    }
    gicv2_update(s);
}

struct mem_region *gicv2_region(struct device *gic, enum gicv2_frame f)
{
    static const struct {
        const char *name;
        u64 size;
        const struct mem_ops *ops;
    } frames[GICV2_FRAMES] = {
        [GICV2_GICC] = {"gicv2-cpu", 0x2000, &gicv2_cpu_ops},
        [GICV2_GICH] = {"gicv2-hyp", 0x1000, &gicv2_virt_ops},
        [GICV2_GICV] = {"gicv2-vcpu", 0x2000, &gicv2_vcpu_ops},
    };
    struct mem_region *r = &((struct gicv2 *)gic)->region[f];
    r->name = frames[f].name;
    r->kind = MEM_MMIO;
    r->size = frames[f].size;
    r->ops = frames[f].ops;
    r->opaque = gic;
    return r;
}

static bool gicv2_init(struct device *d, struct err *e)
{
    struct gicv2 *s = (struct gicv2 *)d;
    if (s->num_cpu < 1 || s->num_cpu > GICV2_CPUS) {
        return err_set(e, "num-cpu is %u; a GICv2 serves 1 to %u CPUs", s->num_cpu, GICV2_CPUS);
    }
    if (s->num_irq < 64 || s->num_irq > 1020) {
        return err_set(e, "num-irq is %u; it must be 64 to 1020", s->num_irq);
    }
    return true;
}

static void gicv2_reset(struct device *d)
{
    struct gicv2 *s = (struct gicv2 *)d;
    for (unsigned cpu = 0; cpu < s->num_cpu; cpu++) {
        s->enabled.own[cpu] = 0xffff; /* SGIs are always enabled, and edge triggered */
        s->edge.own[cpu] = 0xffff;
        s->cpu[cpu].bpr = s->cpu[cpu].vbpr = GICV2_BPR_MIN;
        s->cpu[cpu].abpr = s->cpu[cpu].vabpr = GICV2_ABPR_MIN;
    }
    for (unsigned i = 0; i < s->num_cpu * GIC_OUTS; i++) {
        device_irq(d, i, 0);
    }
    gicv2_update(s);
}

static bool gicv2_loaded(struct device *d, struct err *e)
{
    struct gicv2 *s = (struct gicv2 *)d;
    for (unsigned irq = 32; irq < GICV2_IRQS; irq++) {
        if (s->target[irq] >> s->num_cpu) {
            return err_set(e, "interrupt %u targets CPUs that do not exist", irq);
        }
    }
    for (unsigned i = 0; i < s->num_cpu * GIC_OUTS; i++) {
        device_irq(d, i, (int)bit(s->cpu[i / GIC_OUTS].lines, i % GIC_OUTS));
    }
    gicv2_update(s);
    return true;
}

#define BITS(m) FIELDS(struct gicv2, m.own), FIELDS(struct gicv2, m.spi)
static const struct field gicv2_state[] = {
    FIELD(struct gicv2, num_cpu, .flags = F_CONFIG),
    FIELD(struct gicv2, num_irq, .flags = F_CONFIG),
    FIELD(struct gicv2, has_security, .flags = F_CONFIG),
    FIELD(struct gicv2, has_virt, .flags = F_CONFIG),
    FIELD(struct gicv2, ctlr),
    BITS(group),
    BITS(enabled),
    BITS(latch),
    BITS(active),
    BITS(edge),
    BITS(level),
    FIELDS(struct gicv2, own_prio),
    FIELDS(struct gicv2, spi_prio),
    FIELDS(struct gicv2, target),
    FIELDS(struct gicv2, sgi_from),
    FIELD_OF(struct gicv2, cpu, ctlr),
    FIELD_OF(struct gicv2, cpu, apr),
    FIELD_OF(struct gicv2, cpu, nsapr),
    FIELD_OF(struct gicv2, cpu, pmr),
    FIELD_OF(struct gicv2, cpu, bpr),
    FIELD_OF(struct gicv2, cpu, abpr),
    FIELD_OF(struct gicv2, cpu, hcr),
    FIELD_OF(struct gicv2, cpu, vapr),
    FIELD_OF(struct gicv2, cpu, lr[0]),
    FIELD_OF(struct gicv2, cpu, lr[1]),
    FIELD_OF(struct gicv2, cpu, lr[2]),
    FIELD_OF(struct gicv2, cpu, lr[3]),
    FIELD_OF(struct gicv2, cpu, vctlr),
    FIELD_OF(struct gicv2, cpu, vpmr),
    FIELD_OF(struct gicv2, cpu, vbpr),
    FIELD_OF(struct gicv2, cpu, vabpr),
    FIELD_OF(struct gicv2, cpu, hppi, .flags = F_HIDDEN),
    FIELD_OF(struct gicv2, cpu, hppi_prio, .flags = F_HIDDEN),
    FIELD_OF(struct gicv2, cpu, lines),
    {0},
};

static const struct prop gicv2_props[] = {
    PROP("num-cpu", PROP_U32, struct gicv2, num_cpu, "1", "number of CPUs"),
    PROP("num-irq", PROP_U32, struct gicv2, num_irq, "288", "number of interrupts, the 32 private ones included"),
    PROP("has-security-extensions", PROP_BOOL, struct gicv2, has_security, "off", "Security Extensions"),
    PROP("has-virtualization-extensions", PROP_BOOL, struct gicv2, has_virt, "off", "GICH and GICV"),
    {0},
};

const struct device_class gicv2_class = {
    .name = "arm_gic",
    .doc = "Arm Generic Interrupt Controller v2",
    .bus = "sysbus",
    .compatible = "arm,cortex-a15-gic\0",
    .fdt_name = "intc",
    .size = sizeof(struct gicv2),
    .mmio_size = 0x1000,
    .nirqs = GICV2_CPUS * GIC_OUTS,
    .state = gicv2_state,
    .ops = &gicv2_dist_ops,
    .props = gicv2_props,
    .init = gicv2_init,
    .reset = gicv2_reset,
    .irq_in = gicv2_irq_in,
    .loaded = gicv2_loaded,
};
