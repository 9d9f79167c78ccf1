/* GICv2 distributor, GICD_* (IHI 0048B.b, 4.3).
 *
 * Non-secure accesses see Group 1 only: the bits of Group 0 interrupts read as zero and ignore writes, and a priority
 * appears shifted into the range 0x00..0xff from the upper half that Group 1 has. */
#include "hw/intc/gicv2_priv.h"

/* The bits of word w that the access may see. */
static u32 dist_visible(struct gicv2 *s, struct gic_acc a, unsigned w)
{
    u32 there = w * 32 + 32 <= s->num_irq ? ~0u : w * 32 < s->num_irq ? (u32)MASK(s->num_irq % 32) : 0;
    return there & (a.ns ? *gicv2_word(&s->group, a.cpu, w) : ~0u);
}

static bool dist_sees(struct gicv2 *s, struct gic_acc a, unsigned irq)
{
    return bit(dist_visible(s, a, irq / 32), irq % 32);
}

static u64 ctlr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return a.ns ? s->ctlr >> 1 : s->ctlr;
}

static void ctlr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    s->ctlr = a.ns ? (s->ctlr & 1) | (v & 1) << 1 : v & 3;
}

static u64 typer_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)a;
    (void)n;
    return ((s->num_irq + 31) / 32 - 1) | (s->num_cpu - 1) << 5 | (u32)s->has_security << 10;
}

static u64 iidr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)d;
    (void)a;
    (void)n;
    return 0x0200143b; /* GIC-400 r0p1 */
}

static u64 igroupr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    return a.ns ? 0 : *gicv2_word(&s->group, a.cpu, n) & dist_visible(s, a, n);
}

static void igroupr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    if (!a.ns) {
        *gicv2_word(&s->group, a.cpu, n) = v & dist_visible(s, a, n);
    }
}

static u64 enable_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    return *gicv2_word(&s->enabled, a.cpu, n) & dist_visible(s, a, n);
}

static void isenabler_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    *gicv2_word(&s->enabled, a.cpu, n) |= v & dist_visible(s, a, n);
}

static void icenabler_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    u32 fixed = n == 0 ? 0xffff : 0; /* SGIs */
    *gicv2_word(&s->enabled, a.cpu, n) &= ~(v & dist_visible(s, a, n) & ~fixed);
}

static u64 pending_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    return gicv2_pending(s, a.cpu, n) & dist_visible(s, a, n);
}

/* SGIs are set and cleared by GICD_SPENDSGIR and GICD_CPENDSGIR only. */
static void ispendr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    *gicv2_word(&s->latch, a.cpu, n) |= v & dist_visible(s, a, n) & (n ? ~0u : ~0xffffu);
}

static void icpendr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    *gicv2_word(&s->latch, a.cpu, n) &= ~(v & dist_visible(s, a, n));
}

static u64 active_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    return *gicv2_word(&s->active, a.cpu, n) & dist_visible(s, a, n);
}

static void isactiver_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    *gicv2_word(&s->active, a.cpu, n) |= v & dist_visible(s, a, n);
}

static void icactiver_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    *gicv2_word(&s->active, a.cpu, n) &= ~(v & dist_visible(s, a, n));
}

static u64 ipriorityr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    if (!dist_sees(s, a, n)) {
        return 0;
    }
    u8 prio = *gicv2_prio(s, a.cpu, n);
    return a.ns ? (u8)(prio << 1) : prio;
}

static void ipriorityr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    if (dist_sees(s, a, n)) {
        *gicv2_prio(s, a.cpu, n) = (a.ns ? 0x80 | v >> 1 : v) & GICV2_PRI_MASK;
    }
}

/* The first eight tell the reader which CPU it is. With one CPU the registers read as zero. */
static u64 itargetsr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    if (s->num_cpu == 1 || !dist_sees(s, a, n)) {
        return 0;
    }
    return n < 32 ? 1u << a.cpu : s->target[n];
}

static void itargetsr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    if (s->num_cpu > 1 && n >= 32 && dist_sees(s, a, n)) {
        s->target[n] = v & MASK(s->num_cpu);
    }
}

static u64 icfgr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    u32 v = 0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned irq = n * 16 + i;
        if (dist_sees(s, a, irq) && gicv2_get(&s->edge, a.cpu, irq)) {
            v |= 2u << (2 * i);
        }
    }
    return v;
}

static void icfgr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    for (unsigned i = 0; i < 16 && n > 0; i++) { /* SGIs are fixed */
        unsigned irq = n * 16 + i;
        if (dist_sees(s, a, irq)) {
            gicv2_set(&s->edge, a.cpu, irq, bit(v, 2 * i + 1));
        }
    }
}

/* GICD_SGIR.NSATT chooses which group a Secure sender means; a Non-secure one can send Group 1 only. */
static void sgir_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    unsigned irq = (unsigned)bits(v, 0, 4);
    u32 all = (u32)MASK(s->num_cpu), list;
    switch (bits(v, 24, 2)) {
    case 0:
        list = (u32)bits(v, 16, 8) & all;
        break;
    case 1:
        list = all & ~(1u << a.cpu);
        break;
    case 2:
        list = 1u << a.cpu;
        break;
    default:
        guest_error(device_name(&s->dev), "GICD_SGIR: reserved TargetListFilter 3");
        return;
    }
    for (; list; list &= list - 1) {
        unsigned cpu = ctz32(list);
        bool group1 = gicv2_get(&s->group, cpu, irq);
        if (!s->has_security || group1 == (a.ns || bit(v, 15))) {
            s->sgi_from[cpu * 16 + irq] |= (u8)(1u << a.cpu);
        }
    }
}

static u64 pendsgir_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    return dist_sees(s, a, n) ? s->sgi_from[a.cpu * 16 + n] : 0;
}

static void cpendsgir_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    if (dist_sees(s, a, n)) {
        s->sgi_from[a.cpu * 16 + n] &= (u8)~v;
    }
}

static void spendsgir_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    if (dist_sees(s, a, n)) {
        s->sgi_from[a.cpu * 16 + n] |= (u8)(v & MASK(s->num_cpu));
    }
}

static u64 id_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    static const u8 ids[12] = {0x04, 0, 0, 0, 0x90, 0xb4, 0x2b, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    (void)s;
    (void)a;
    return ids[n];
}

// clang-format off
static const struct gic_reg dist_regs[] = {
    { 0x000, 0x004,  4, "GICD_CTLR",       ctlr_read,       ctlr_write },
    { 0x004, 0x008,  4, "GICD_TYPER",      typer_read,      NULL },
    { 0x008, 0x00c,  4, "GICD_IIDR",       iidr_read,       NULL },
    { 0x080, 0x100,  4, "GICD_IGROUPR",    igroupr_read,    igroupr_write },
    { 0x100, 0x180,  4, "GICD_ISENABLER",  enable_read,     isenabler_write },
    { 0x180, 0x200,  4, "GICD_ICENABLER",  enable_read,     icenabler_write },
    { 0x200, 0x280,  4, "GICD_ISPENDR",    pending_read,    ispendr_write },
    { 0x280, 0x300,  4, "GICD_ICPENDR",    pending_read,    icpendr_write },
    { 0x300, 0x380,  4, "GICD_ISACTIVER",  active_read,     isactiver_write },
    { 0x380, 0x400,  4, "GICD_ICACTIVER",  active_read,     icactiver_write },
    { 0x400, 0x800,  1, "GICD_IPRIORITYR", ipriorityr_read, ipriorityr_write },
    { 0x800, 0xc00,  1, "GICD_ITARGETSR",  itargetsr_read,  itargetsr_write },
    { 0xc00, 0xd00,  4, "GICD_ICFGR",      icfgr_read,      icfgr_write },
    { 0xf00, 0xf04,  4, "GICD_SGIR",       NULL,            sgir_write },
    { 0xf10, 0xf20,  1, "GICD_CPENDSGIR",  pendsgir_read,   cpendsgir_write },
    { 0xf20, 0xf30,  1, "GICD_SPENDSGIR",  pendsgir_read,   spendsgir_write },
    { 0xfd0, 0x1000, 4, "GICD_ID",         id_read,         NULL },
    {0},
};
// clang-format on

static enum mem_result dist_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct gicv2 *s = opaque;
    *val = gic_regs_read(&s->dev, dist_regs, off, size, gicv2_acc(s, a));
    return MEM_OK;
}

static enum mem_result dist_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct gicv2 *s = opaque;
    gic_regs_write(&s->dev, dist_regs, off, size, val, gicv2_acc(s, a));
    gicv2_update(s);
    return MEM_OK;
}

const struct mem_ops gicv2_dist_ops = {.read = dist_read, .write = dist_write, .min_size = 1, .max_size = 4};
