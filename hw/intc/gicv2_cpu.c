/* GICv2 CPU interface, GICC_* (IHI 0048B.b, 4.4), and what it signals to its CPU (2.3, 3.3).
 *
 * Priorities are kept as a Secure access sees them: Group 1 of a system with Security Extensions has 0x80..0xf8, which
 * a Non-secure access sees as 0x00..0xf0. */
#include "hw/intc/gicv2_priv.h"

/* The part of a priority that decides on preemption. ABPR counts one less bit than BPR (table 3-2). */
static u8 cpu_group_mask(const struct gicv2_cpu *c, bool group1)
{
    unsigned lost = group1 && !(c->ctlr & GICC_CTLR_CBPR) ? c->abpr : c->bpr + 1u;
    return (u8)(0xff << lost);
}

static bool cpu_is_group1(struct gicv2 *s, unsigned cpu, unsigned irq)
{
    return irq < INTID_GROUP1 && gicv2_get(&s->group, cpu, irq);
}

/* The interrupt that can be taken now: pending, above the mask, and preempting. INTID_SPURIOUS: none. */
static unsigned cpu_takeable(struct gicv2 *s, unsigned cpu)
{
    struct gicv2_cpu *c = &s->cpu[cpu];
    if (c->hppi == INTID_SPURIOUS || c->hppi_prio >= c->pmr) {
        return INTID_SPURIOUS;
    }
    bool group1 = cpu_is_group1(s, cpu, c->hppi);
    if (!(c->ctlr & (group1 ? GICC_CTLR_GRP1 : GICC_CTLR_GRP0))) {
        return INTID_SPURIOUS;
    }
    u8 running = gicv2_running(c->apr | c->nsapr);
    return c->hppi_prio < running ? c->hppi : INTID_SPURIOUS;
}

u8 gicv2_cpu_signal(struct gicv2 *s, unsigned cpu)
{
    unsigned irq = cpu_takeable(s, cpu);
    if (irq == INTID_SPURIOUS) {
        return 0;
    }
    bool fiq = !cpu_is_group1(s, cpu, irq) && (s->cpu[cpu].ctlr & GICC_CTLR_FIQEN);
    return (u8)BIT(fiq ? GIC_FIQ : GIC_IRQ);
}

/* Which INTID an access gets to see of a pending interrupt of that group. `aliased`: by GICC_AIAR or GICC_AHPPIR. */
static unsigned cpu_shown(const struct gicv2_cpu *c, struct gic_acc a, bool aliased, unsigned irq, bool group1)
{
    if (irq == INTID_SPURIOUS) {
        return INTID_SPURIOUS;
    }
    if (a.ns || aliased) {
        return group1 ? irq : INTID_SPURIOUS;
    }
    return group1 && !(c->ctlr & GICC_CTLR_ACKCTL) ? INTID_GROUP1 : irq;
}

static u32 cpu_acknowledge(struct gicv2 *s, struct gic_acc a, bool aliased)
{
    struct gicv2_cpu *c = &s->cpu[a.cpu];
    unsigned irq = cpu_takeable(s, a.cpu);
    bool group1 = cpu_is_group1(s, a.cpu, irq);
    irq = cpu_shown(c, a, aliased, irq, group1);
    if (irq >= INTID_GROUP1) {
        return irq;
    }
    u32 level = 1u << ((c->hppi_prio & cpu_group_mask(c, group1)) >> GICV2_PRI_SHIFT);
    *(group1 ? &c->nsapr : &c->apr) |= level;
    u32 iar = gicv2_activate(s, a.cpu, irq);
    gicv2_update(s);
    return iar;
}

static bool cpu_split_eoi(const struct gicv2_cpu *c, struct gic_acc a)
{
    return c->ctlr & (a.ns ? GICC_CTLR_EOIMODE_NS : GICC_CTLR_EOIMODE_S);
}

/* A write that does not name an active interrupt is UNPREDICTABLE (4.4.5): the running priority still drops, as the
 * hardware has no other way to know. A Non-secure one must not touch Group 0. */
static void cpu_end(struct gicv2 *s, struct gic_acc a, u32 v, bool aliased)
{
    struct gicv2_cpu *c = &s->cpu[a.cpu];
    unsigned irq = (unsigned)bits(v, 0, 10);
    if (irq >= s->num_irq) {
        return; /* special INTIDs are ignored; so are those that do not exist */
    }
    bool group1 = cpu_is_group1(s, a.cpu, irq);
    if ((a.ns || aliased) && !group1) {
        guest_error(device_name(&s->dev), "end of Group 0 interrupt %u by a Group 1 register", irq);
        return;
    }
    u32 *apr = group1 ? &c->nsapr : &c->apr;
    if (!*apr) {
        guest_error(device_name(&s->dev), "end of interrupt %u, but none of its group runs", irq);
    }
    *apr &= *apr - 1;
    if (!cpu_split_eoi(c, a)) {
        gicv2_set(&s->active, a.cpu, irq, false);
    }
}

/* GICC_CTLR: a Non-secure access has Group 1's bits, moved down. */
static u64 ctlr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    u32 v = s->cpu[a.cpu].ctlr;
    return a.ns ? (u32)(bit(v, 1) | bit(v, 10) << 9) : v;
}

static void ctlr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    u32 *ctlr = &s->cpu[a.cpu].ctlr;
    u32 ns = GICC_CTLR_GRP1 | GICC_CTLR_EOIMODE_NS;
    if (a.ns) {
        *ctlr = (*ctlr & ~ns) | (u32)(bit(v, 0) << 1 | bit(v, 9) << 10);
    } else {
        *ctlr = v & (s->has_security ? 0x61f : 0x21f);
    }
}

static u64 pmr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    u8 pmr = s->cpu[a.cpu].pmr;
    return !a.ns ? pmr : pmr & 0x80 ? (u8)(pmr << 1) : 0;
}

static void pmr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    u8 *pmr = &s->cpu[a.cpu].pmr;
    if (!a.ns) {
        *pmr = v & GICV2_PRI_MASK;
    } else if (*pmr & 0x80) {
        *pmr = (0x80 | v >> 1) & GICV2_PRI_MASK;
    }
}

static u64 abpr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return a.ns ? 0 : s->cpu[a.cpu].abpr;
}

static void abpr_set(struct gicv2_cpu *c, u32 v)
{
    c->abpr = (u8)MAX(v & 7, GICV2_ABPR_MIN);
}

static void abpr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    if (!a.ns) {
        abpr_set(&s->cpu[a.cpu], v);
    }
}

static u64 bpr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    struct gicv2_cpu *c = &s->cpu[a.cpu];
    if (!a.ns) {
        return c->bpr;
    }
    return c->ctlr & GICC_CTLR_CBPR ? MIN(c->bpr + 1u, 7u) : c->abpr;
}

static void bpr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    struct gicv2_cpu *c = &s->cpu[a.cpu];
    if (!a.ns) {
        c->bpr = (u8)MAX(v & 7, GICV2_BPR_MIN);
    } else if (!(c->ctlr & GICC_CTLR_CBPR)) {
        abpr_set(c, v);
    }
}

static u64 iar_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return cpu_acknowledge(s, a, false);
}

static u64 aiar_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return a.ns ? 0 : cpu_acknowledge(s, a, true);
}

static void eoir_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    cpu_end(s, a, v, false);
}

static void aeoir_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    if (!a.ns) {
        cpu_end(s, a, v, true);
    }
}

static u64 rpr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    u8 prio = gicv2_running(s->cpu[a.cpu].apr | s->cpu[a.cpu].nsapr);
    if (!a.ns || prio == GIC_IDLE) {
        return prio;
    }
    return prio & 0x80 ? (u8)(prio << 1) : 0;
}

static u32 cpu_hppir(struct gicv2 *s, struct gic_acc a, bool aliased)
{
    struct gicv2_cpu *c = &s->cpu[a.cpu];
    bool group1 = cpu_is_group1(s, a.cpu, c->hppi);
    if (c->hppi == INTID_SPURIOUS || !(c->ctlr & (group1 ? GICC_CTLR_GRP1 : GICC_CTLR_GRP0))) {
        return INTID_SPURIOUS;
    }
    u32 irq = cpu_shown(c, a, aliased, c->hppi, group1);
    return irq < 16 ? irq | ctz32(s->sgi_from[a.cpu * 16 + irq]) << 10 : irq;
}

static u64 hppir_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return cpu_hppir(s, a, false);
}

static u64 ahppir_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return a.ns ? 0 : cpu_hppir(s, a, true);
}

/* A Non-secure access sees Group 1's levels, of which it has the upper 16, as level 0..15. */
static u64 apr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    struct gicv2_cpu *c = &s->cpu[a.cpu];
    return n ? 0 : a.ns ? c->nsapr >> 16 : c->apr;
}

static void apr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    struct gicv2_cpu *c = &s->cpu[a.cpu];
    if (n == 0 && a.ns) {
        c->nsapr = v << 16;
    } else if (n == 0) {
        c->apr = v;
    }
}

static u64 nsapr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    return n || a.ns ? 0 : s->cpu[a.cpu].nsapr;
}

static void nsapr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    if (n == 0 && !a.ns) {
        s->cpu[a.cpu].nsapr = v;
    }
}

static u64 iidr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)d;
    (void)a;
    (void)n;
    return 0x0202143b; /* GIC-400 r0p1, architecture 2 */
}

static void dir_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    unsigned irq = (unsigned)bits(v, 0, 10);
    if (irq >= s->num_irq) {
        return;
    }
    if (!cpu_split_eoi(&s->cpu[a.cpu], a)) {
        guest_error(device_name(&s->dev), "GICC_DIR written while EOImode is 0");
        return;
    }
    if (!a.ns || cpu_is_group1(s, a.cpu, irq)) {
        gicv2_set(&s->active, a.cpu, irq, false);
    }
}

// clang-format off
static const struct gic_reg cpu_regs[] = {
    { 0x000,  0x004,  4, "GICC_CTLR",   ctlr_read,   ctlr_write },
    { 0x004,  0x008,  4, "GICC_PMR",    pmr_read,    pmr_write },
    { 0x008,  0x00c,  4, "GICC_BPR",    bpr_read,    bpr_write },
    { 0x00c,  0x010,  4, "GICC_IAR",    iar_read,    NULL },
    { 0x010,  0x014,  4, "GICC_EOIR",   NULL,        eoir_write },
    { 0x014,  0x018,  4, "GICC_RPR",    rpr_read,    NULL },
    { 0x018,  0x01c,  4, "GICC_HPPIR",  hppir_read,  NULL },
    { 0x01c,  0x020,  4, "GICC_ABPR",   abpr_read,   abpr_write },
    { 0x020,  0x024,  4, "GICC_AIAR",   aiar_read,   NULL },
    { 0x024,  0x028,  4, "GICC_AEOIR",  NULL,        aeoir_write },
    { 0x028,  0x02c,  4, "GICC_AHPPIR", ahppir_read, NULL },
    { 0x0d0,  0x0e0,  4, "GICC_APR",    apr_read,    apr_write },
    { 0x0e0,  0x0f0,  4, "GICC_NSAPR",  nsapr_read,  nsapr_write },
    { 0x0fc,  0x100,  4, "GICC_IIDR",   iidr_read,   NULL },
    { 0x1000, 0x1004, 4, "GICC_DIR",    NULL,        dir_write },
    {0},
};
// clang-format on

static enum mem_result cpu_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct gicv2 *s = opaque;
    *val = gic_regs_read(&s->dev, cpu_regs, off, size, gicv2_acc(s, a));
    return MEM_OK;
}

static enum mem_result cpu_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct gicv2 *s = opaque;
    gic_regs_write(&s->dev, cpu_regs, off, size, val, gicv2_acc(s, a));
    gicv2_update(s);
    return MEM_OK;
}

const struct mem_ops gicv2_cpu_ops = {.read = cpu_read, .write = cpu_write, .min_size = 4, .max_size = 4};
