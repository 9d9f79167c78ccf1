/* Arm Generic Interrupt Controller v3 (IHI 0069H): affinity routing and system register access always on, up to 512
 * CPUs and 1020 interrupts, LPIs, 32 priorities, 16-bit INTIDs, four list registers.
 *
 * This file: the class, the pins, and the choice of the interrupt that a CPU is told of. The rest is by chapter:
 * gicv3_dist.c, gicv3_redist.c, gicv3_lpi.c, gicv3_cpuif.c (ICC_*), gicv3_virt.c (ICH_*, ICV_*), gicv3_its.c.
 * Not modelled: legacy operation (ARE = 0, ICC_SRE.SRE = 0), 1 of N routing, message-based SPIs (GICD_SETSPI_*),
 * extended ranges, GICv3.1 NMIs, GICv4, GICR_CTLR.DPG*. */
#include "hw/intc/gicv3_priv.h"

#include "hw/core/machine.h"

/* -- choosing ---------------------------------------------------------------------------------------------- */

/* Bits of a word whose group is enabled, at the distributor and at the CPU. */
static u32 group_mask(const struct gicv3_cpu *c, u32 group, u32 grpmod)
{
    const struct gicv3 *s = c->gic;
    u32 g1s = gicv3_ds(s) ? 0 : ~group & grpmod, mask = 0;
    if (s->ctlr & GICD_CTLR_GRP0 && c->igrpen[G0]) {
        mask |= ~group & ~g1s;
    }
    if (s->ctlr & GICD_CTLR_GRP1S && c->igrpen[G1S]) {
        mask |= g1s;
    }
    if (s->ctlr & GICD_CTLR_GRP1NS && c->igrpen[G1NS]) {
        mask |= group;
    }
    return mask;
}

static void offer(struct gicv3_pend *best, u32 irq, u8 prio, enum gicv3_group group)
{
    if (best->irq == INTID_SPURIOUS || prio < best->prio) {
        *best = (struct gicv3_pend){irq, prio, (u8)group};
    }
}

/* Interrupts are offered in rising INTID order, so that the lowest wins among equals. */
static void choose(struct gicv3_cpu *c)
{
    struct gicv3 *s = c->gic;
    struct gicv3_pend best = {INTID_SPURIOUS, GIC_IDLE, G0};
    u32 p = (c->latch | (c->level & ~c->edge)) & c->enabled & ~c->active & group_mask(c, c->group, c->grpmod);
    for (; p; p &= p - 1) {
        unsigned i = ctz32(p);
        offer(&best, i, c->prio[i], gicv3_group_of(s, bit(c->group, i), bit(c->grpmod, i)));
    }
    for (unsigned w = 1; w < (s->num_irq + 31) / 32; w++) {
        p = (s->latch[w] | (s->level[w] & ~s->edge[w])) & s->enabled[w] & ~s->active[w];
        for (p = p ? p & group_mask(c, s->group[w], s->grpmod[w]) : 0; p; p &= p - 1) {
            unsigned i = ctz32(p), irq = w * 32 + i;
            if (s->target[irq] == c->n) {
                offer(&best, irq, s->prio[irq], gicv3_group_of(s, bit(s->group[w], i), bit(s->grpmod[w], i)));
            }
        }
    }
    if (c->lpi.irq != INTID_SPURIOUS && group_mask(c, 1, 0) & 1) {
        offer(&best, c->lpi.irq, c->lpi.prio, G1NS);
    }
    c->hppi = best;
}

/* A line's function may set another pin of this GIC, so this can be entered again from within itself. */
void gicv3_cpu_signal(struct gicv3_cpu *c)
{
    if (c->busy) {
        c->again = true;
        return;
    }
    c->busy = true;
    do {
        c->again = false;
        u8 lines = gicv3_phys_lines(c) | gicv3_virt_lines(c), changed = c->lines ^ lines;
        c->lines = lines;
        for (; changed; changed &= (u8)(changed - 1)) {
            unsigned k = ctz32(changed);
            device_irq(&c->gic->dev, gic_out(c->n, k), (int)bit(lines, k));
        }
    } while (c->again);
    c->busy = false;
}

void gicv3_cpu_update(struct gicv3_cpu *c)
{
    choose(c);
    gicv3_cpu_signal(c);
}

void gicv3_update_all(struct gicv3 *s)
{
    for (unsigned i = 0; i < s->num_cpu; i++) {
        gicv3_cpu_update(s->cpu[i]);
    }
}

void gicv3_spi_update(struct gicv3 *s, unsigned irq)
{
    if (s->target[irq] != GICV3_NO_CPU) {
        gicv3_cpu_update(s->cpu[s->target[irq]]);
    }
}

/* -- interrupts by number ------------------------------------------------------------------------------------ */

enum gicv3_group gicv3_irq_group(struct gicv3_cpu *c, u32 irq)
{
    struct gicv3 *s = c->gic;
    if (irq < 32) {
        return gicv3_group_of(s, bit(c->group, irq), bit(c->grpmod, irq));
    }
    if (irq >= GICV3_LPI_BASE) {
        return G1NS;
    }
    return gicv3_group_of(s, bit(s->group[irq / 32], irq % 32), bit(s->grpmod[irq / 32], irq % 32));
}

/* LPIs have no active state. */
void gicv3_irq_activate(struct gicv3_cpu *c, u32 irq)
{
    struct gicv3 *s = c->gic;
    u32 b = (u32)BIT(irq % 32);
    if (irq < 32) {
        c->latch &= ~b;
        c->active |= b;
    } else if (irq >= GICV3_LPI_BASE) {
        gicv3_lpi_set(c, irq, false);
    } else {
        s->latch[irq / 32] &= ~b;
        s->active[irq / 32] |= b;
    }
    gicv3_cpu_update(c);
}

void gicv3_irq_deactivate(struct gicv3_cpu *c, u32 irq)
{
    struct gicv3 *s = c->gic;
    if (irq < 32) {
        c->active &= ~(u32)BIT(irq);
        gicv3_cpu_update(c);
    } else if (irq < s->num_irq) {
        s->active[irq / 32] &= ~(u32)BIT(irq % 32);
        gicv3_spi_update(s, irq);
    }
}

/* -- CPUs ------------------------------------------------------------------------------------------------------- */

struct gicv3_cpu *gicv3_find_cpu(struct gicv3 *s, u64 affinity)
{
    for (unsigned i = 0; i < s->num_cpu; i++) {
        if (s->cpu[i]->affinity == affinity) {
            return s->cpu[i];
        }
    }
    return NULL;
}

#define AFFINITY_MASK 0xff00ffffffull

void gicv3_route(struct gicv3 *s, unsigned irq)
{
    struct gicv3_cpu *c = gicv3_find_cpu(s, s->router[irq] & AFFINITY_MASK);
    s->target[irq] = c ? c->n : GICV3_NO_CPU;
}

static void route_all(struct gicv3 *s)
{
    for (unsigned irq = 32; irq < GICV3_IRQS; irq++) {
        gicv3_route(s, irq);
    }
}

void gicv3_set_affinity(struct device *gic, unsigned cpu, u64 mpidr)
{
    struct gicv3 *s = (struct gicv3 *)gic;
    must(cpu < s->num_cpu);
    s->cpu[cpu]->affinity = mpidr & AFFINITY_MASK;
    route_all(s);
}

struct mem_region *gicv3_redist_region(struct device *gic, unsigned n)
{
    struct gicv3 *s = (struct gicv3 *)gic;
    return n < 2 && s->redist[n].region.size ? &s->redist[n].region : NULL;
}

/* -- device ------------------------------------------------------------------------------------------------------ */

static void spi_in(struct gicv3 *s, unsigned irq, int level)
{
    u32 w = irq / 32, b = (u32)BIT(irq % 32);
    u32 was = s->level[w];
    s->level[w] = level ? was | b : was & ~b;
    if (s->level[w] == was) {
        return;
    }
    if (level && s->edge[w] & b) {
        s->latch[w] |= b;
    }
    gicv3_spi_update(s, irq);
}

static void ppi_in(struct gicv3_cpu *c, unsigned irq, int level)
{
    u32 b = (u32)BIT(irq), was = c->level;
    c->level = level ? was | b : was & ~b;
    if (c->level == was) {
        return;
    }
    if (level && c->edge & b) {
        c->latch |= b;
    }
    gicv3_cpu_update(c);
}

static void gicv3_irq_in(struct device *d, unsigned n, int level)
{
    struct gicv3 *s = (struct gicv3 *)d;
    unsigned spis = s->num_irq - 32;
    gicv3_lock(s);
    if (n < spis) {
        spi_in(s, n + 32, level);
    } else {
        unsigned cpu = (n - spis) / 32, irq = (n - spis) % 32;
        must(cpu < s->num_cpu && irq >= 16);
        ppi_in(s->cpu[cpu], irq, level);
    }
    gicv3_unlock(s);
}

static bool cpus_new(struct gicv3 *s, struct err *e)
{
    struct arena *a = &s->dev.machine->arena;
    s->cpu = arena_alloc(a, s->num_cpu * sizeof(s->cpu[0]));
    for (unsigned i = 0; i < s->num_cpu; i++) {
        struct device *d =
            device_new(s->dev.machine, &gicv3_cpu_class, arena_printf(a, "%s.cpu%u", device_name(&s->dev), i));
        struct gicv3_cpu *c = (struct gicv3_cpu *)d;
        s->cpu[i] = c;
        c->gic = s;
        c->n = (u16)i;
        c->affinity = i % 16 + (i / 16 << 8);
        c->last = i + 1 == s->redist0_cpus || i + 1 == s->num_cpu;
        c->hppi.irq = c->lpi.irq = INTID_SPURIOUS;
        d->parent = &s->dev;
        if (!device_init(d, e)) {
            return false;
        }
    }
    return true;
}

static bool gicv3_init(struct device *d, struct err *e)
{
    struct gicv3 *s = (struct gicv3 *)d;
    if (s->num_cpu < 1 || s->num_cpu > GICV3_MAX_CPUS) {
        return err_set(e, "num-cpu is %u; a GICv3 serves 1 to %u CPUs", s->num_cpu, GICV3_MAX_CPUS);
    }
    if (s->num_irq < 64 || s->num_irq > 1020) {
        return err_set(e, "num-irq is %u; it must be 64 to 1020", s->num_irq);
    }
    if (!s->redist0_cpus || s->redist0_cpus > s->num_cpu) {
        s->redist0_cpus = s->num_cpu;
    }
    pthread_mutexattr_t attr;
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_settype(&attr, PTHREAD_MUTEX_RECURSIVE);
    pthread_mutex_init(&s->lock, &attr);
    pthread_mutexattr_destroy(&attr);

    gicv3_sysregs_index(s);
    d->irqs = arena_alloc(&d->machine->arena, s->num_cpu * GIC_OUTS * sizeof(struct irq));
    u32 cpus[2] = {s->redist0_cpus, s->num_cpu - s->redist0_cpus};
    for (unsigned i = 0; i < 2; i++) {
        struct gicv3_redist *r = &s->redist[i];
        r->gic = s;
        r->first = i ? cpus[0] : 0;
        r->region = (struct mem_region){.name = i ? "gicv3-redist1" : "gicv3-redist0",
                                        .kind = MEM_MMIO,
                                        .size = (u64)cpus[i] * GICV3_REDIST_SIZE,
                                        .ops = &gicv3_redist_ops,
                                        .opaque = r};
    }
    if (!cpus_new(s, e)) {
        return false;
    }
    route_all(s);
    return true;
}

static void gicv3_reset(struct device *d)
{
    struct gicv3 *s = (struct gicv3 *)d;
    s->ctlr = GICD_CTLR_ARE_S | (s->has_security ? GICD_CTLR_ARE_NS : GICD_CTLR_DS);
    gicv3_lock(s);
    route_all(s);
    gicv3_update_all(s);
    gicv3_unlock(s);
}

static bool gicv3_loaded(struct device *d, struct err *e)
{
    (void)e;
    struct gicv3 *s = (struct gicv3 *)d;
    gicv3_lock(s);
    route_all(s);
    gicv3_update_all(s);
    gicv3_unlock(s);
    return true;
}

static void gicv3_fini(struct device *d)
{
    pthread_mutex_destroy(&((struct gicv3 *)d)->lock);
}

static const struct field gicv3_state[] = {
    FIELD(struct gicv3, num_cpu, .flags = F_CONFIG),
    FIELD(struct gicv3, num_irq, .flags = F_CONFIG),
    FIELD(struct gicv3, redist0_cpus, .flags = F_CONFIG),
    FIELD(struct gicv3, has_security, .flags = F_CONFIG),
    FIELD(struct gicv3, has_lpi, .flags = F_CONFIG),
    FIELD(struct gicv3, ctlr),
    FIELDS(struct gicv3, group),
    FIELDS(struct gicv3, grpmod),
    FIELDS(struct gicv3, enabled),
    FIELDS(struct gicv3, latch),
    FIELDS(struct gicv3, active),
    FIELDS(struct gicv3, edge),
    FIELDS(struct gicv3, level),
    FIELDS(struct gicv3, nsacr),
    FIELDS(struct gicv3, prio),
    FIELDS(struct gicv3, router),
    {0},
};

static const struct prop gicv3_props[] = {
    PROP("num-cpu", PROP_U32, struct gicv3, num_cpu, "1", "number of CPUs"),
    PROP("num-irq", PROP_U32, struct gicv3, num_irq, "288", "number of interrupts, the 32 private ones included"),
    PROP("redist0-cpus", PROP_U32, struct gicv3, redist0_cpus, "0", "CPUs in the first region; 0: all"),
    PROP("has-security-extensions", PROP_BOOL, struct gicv3, has_security, "off", "two Security states"),
    PROP("has-lpi", PROP_BOOL, struct gicv3, has_lpi, "off", "LPIs"),
    {0},
};

const struct device_class gicv3_class = {
    .name = "arm-gicv3",
    .doc = "Arm Generic Interrupt Controller v3",
    .bus = "sysbus",
    .compatible = "arm,gic-v3\0",
    .fdt_name = "intc",
    .size = sizeof(struct gicv3),
    .mmio_size = 0x10000,
    .max_access = 8,
    .state = gicv3_state,
    .ops = &gicv3_dist_ops,
    .props = gicv3_props,
    .init = gicv3_init,
    .reset = gicv3_reset,
    .irq_in = gicv3_irq_in,
    .loaded = gicv3_loaded,
    .fini = gicv3_fini,
};
