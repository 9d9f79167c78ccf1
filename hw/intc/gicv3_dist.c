/* GICv3 distributor, GICD_* (IHI 0069H, 12.9), with affinity routing always on: what belongs to INTID 0..31 reads as
 * zero here and lies in the redistributors.
 *
 * A Non-secure access sees the Non-secure Group 1 only; GICD_NSACR lends it some registers' bits of the others. */
#include "hw/intc/gicv3_priv.h"

/* The least GICD_NSACR value of an interrupt that opens a register to Non-secure accesses. */
enum { NSACR_PEND = 1, NSACR_CLEAR = 2, NSACR_ROUTE = 3, NSACR_NEVER = 4 };

/* The bits of word w that the access may see. */
static u32 visible(const struct gicv3 *s, struct gic_acc a, unsigned w, unsigned nsacr)
{
    u32 there = w == 0 || w * 32 >= s->num_irq ? 0 : (u32)MASK(MIN(s->num_irq - w * 32, 32));
    if (!a.ns) {
        return there;
    }
    u32 ok = s->group[w];
    for (unsigned i = 0; i < 32 && nsacr < NSACR_NEVER; i++) {
        ok |= (u32)(bits(s->nsacr[w * 2 + i / 16], i % 16 * 2, 2) >= nsacr) << i;
    }
    return there & ok;
}

static bool sees(const struct gicv3 *s, struct gic_acc a, unsigned irq, unsigned nsacr)
{
    return bit(visible(s, a, irq / 32, nsacr), irq % 32);
}

static u64 ctlr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)n;
    const struct gicv3 *s = (struct gicv3 *)d;
    return a.ns ? (s->ctlr & GICD_CTLR_GRP1NS) | GICD_CTLR_ARE_S : s->ctlr;
}

/* DS, once set, stays until reset; the bits that the other layout has no place for go to zero. */
static void ctlr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)n;
    struct gicv3 *s = (struct gicv3 *)d;
    u32 mask;
    if (a.ns) {
        mask = GICD_CTLR_GRP1NS;
    } else if (gicv3_ds(s)) {
        mask = GICD_CTLR_GRP0 | GICD_CTLR_GRP1NS;
    } else {
        mask = GICD_CTLR_GRP0 | GICD_CTLR_GRP1NS | GICD_CTLR_GRP1S | GICD_CTLR_DS | GICD_CTLR_E1NWF;
    }
    s->ctlr = (s->ctlr & ~mask) | ((u32)v & mask);
    if (gicv3_ds(s)) {
        s->ctlr &= ~(GICD_CTLR_GRP1S | GICD_CTLR_ARE_NS | GICD_CTLR_E1NWF);
    }
}

static u64 typer_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)n;
    (void)a;
    const struct gicv3 *s = (struct gicv3 *)d;
    u32 v = (s->num_irq + 31) / 32 - 1; /* ITLinesNumber */
    v |= (u32)!gicv3_ds(s) << 10;       /* SecurityExtn */
    v |= (u32)s->has_lpi << 17;         /* LPIS */
    v |= (GICV3_ID_BITS - 1) << 19;     /* IDbits */
    return v | (u32)BIT(24) | BIT(25);  /* A3V, No1N */
}

static u64 iidr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)d;
    (void)a;
    (void)n;
    return 0x43b;
}

u64 gicv3_id_read(struct device *d, struct gic_acc a, unsigned n)
{
    static const u8 ids[12] = {0x44, 0, 0, 0, 0x92, 0xb4, 0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};
    (void)d;
    (void)a;
    return ids[n];
}

/* -- one bit an interrupt ------------------------------------------------------------------------------------- */

static void word_set(u32 *word, u32 mask, u64 v)
{
    *word = (*word & ~mask) | ((u32)v & mask);
}

static u64 igroupr_read(struct device *d, struct gic_acc a, unsigned n)
{
    const struct gicv3 *s = (struct gicv3 *)d;
    return a.ns ? 0 : s->group[n] & visible(s, a, n, NSACR_NEVER);
}

static void igroupr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv3 *s = (struct gicv3 *)d;
    if (!a.ns) {
        word_set(&s->group[n], visible(s, a, n, NSACR_NEVER), v);
    }
}

static u64 igrpmodr_read(struct device *d, struct gic_acc a, unsigned n)
{
    const struct gicv3 *s = (struct gicv3 *)d;
    return a.ns || gicv3_ds(s) ? 0 : s->grpmod[n] & visible(s, a, n, NSACR_NEVER);
}

static void igrpmodr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv3 *s = (struct gicv3 *)d;
    if (!a.ns && !gicv3_ds(s)) {
        word_set(&s->grpmod[n], visible(s, a, n, NSACR_NEVER), v);
    }
}

static u64 enabler_read(struct device *d, struct gic_acc a, unsigned n)
{
    const struct gicv3 *s = (struct gicv3 *)d;
    return s->enabled[n] & visible(s, a, n, NSACR_NEVER);
}

static void isenabler_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv3 *s = (struct gicv3 *)d;
    s->enabled[n] |= (u32)v & visible(s, a, n, NSACR_NEVER);
}

static void icenabler_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv3 *s = (struct gicv3 *)d;
    s->enabled[n] &= ~((u32)v & visible(s, a, n, NSACR_NEVER));
}

static u64 pendr_read(struct device *d, struct gic_acc a, unsigned n)
{
    const struct gicv3 *s = (struct gicv3 *)d;
    return (s->latch[n] | (s->level[n] & ~s->edge[n])) & visible(s, a, n, NSACR_PEND);
}

static void ispendr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv3 *s = (struct gicv3 *)d;
    s->latch[n] |= (u32)v & visible(s, a, n, NSACR_PEND);
}

static void icpendr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv3 *s = (struct gicv3 *)d;
    s->latch[n] &= ~((u32)v & visible(s, a, n, NSACR_CLEAR));
}

static u64 activer_read(struct device *d, struct gic_acc a, unsigned n)
{
    const struct gicv3 *s = (struct gicv3 *)d;
    return s->active[n] & visible(s, a, n, NSACR_CLEAR);
}

static void isactiver_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv3 *s = (struct gicv3 *)d;
    s->active[n] |= (u32)v & visible(s, a, n, NSACR_NEVER);
}

static void icactiver_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv3 *s = (struct gicv3 *)d;
    s->active[n] &= ~((u32)v & visible(s, a, n, NSACR_NEVER));
}

/* -- fields of an interrupt -------------------------------------------------------------------------------------- */

static u64 ipriorityr_read(struct device *d, struct gic_acc a, unsigned n)
{
    const struct gicv3 *s = (struct gicv3 *)d;
    if (!sees(s, a, n, NSACR_NEVER)) {
        return 0;
    }
    return a.ns ? (u8)(s->prio[n] << 1) : s->prio[n];
}

static void ipriorityr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv3 *s = (struct gicv3 *)d;
    if (sees(s, a, n, NSACR_NEVER)) {
        s->prio[n] = (a.ns ? gicv3_prio_from_ns((u8)v) : (u8)v) & GICV3_PRI_MASK;
    }
}

static u64 icfgr_read(struct device *d, struct gic_acc a, unsigned n)
{
    const struct gicv3 *s = (struct gicv3 *)d;
    u32 edge = s->edge[n / 2] & visible(s, a, n / 2, NSACR_NEVER), v = 0;
    for (unsigned i = 0; i < 16; i++) {
        v |= (u32)bit(edge, n % 2 * 16 + i) << (2 * i + 1);
    }
    return v;
}

static void icfgr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv3 *s = (struct gicv3 *)d;
    u32 edge = 0;
    for (unsigned i = 0; i < 16; i++) {
        edge |= (u32)bit(v, 2 * i + 1) << (n % 2 * 16 + i);
    }
    word_set(&s->edge[n / 2], visible(s, a, n / 2, NSACR_NEVER) & (0xffffu << (n % 2 * 16)), edge);
}

static u64 nsacr_read(struct device *d, struct gic_acc a, unsigned n)
{
    const struct gicv3 *s = (struct gicv3 *)d;
    return a.ns || gicv3_ds(s) || n < 2 ? 0 : s->nsacr[n];
}

static void nsacr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv3 *s = (struct gicv3 *)d;
    if (!a.ns && !gicv3_ds(s) && n >= 2) {
        s->nsacr[n] = (u32)v;
    }
}

static u64 irouter_read(struct device *d, struct gic_acc a, unsigned n)
{
    const struct gicv3 *s = (struct gicv3 *)d;
    return n >= 32 && sees(s, a, n, NSACR_ROUTE) ? s->router[n] : 0;
}

/* IRM (any CPU) is not offered, GICD_TYPER.No1N says so. */
static void irouter_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv3 *s = (struct gicv3 *)d;
    if (n >= 32 && sees(s, a, n, NSACR_ROUTE)) {
        s->router[n] = v & 0xff00ffffffull;
        gicv3_route(s, n);
    }
}

// clang-format off
static const struct gic_reg dist_regs[] = {
    { 0x0000, 0x0004,  4, "GICD_CTLR",       ctlr_read,       ctlr_write },
    { 0x0004, 0x0008,  4, "GICD_TYPER",      typer_read,      NULL },
    { 0x0008, 0x000c,  4, "GICD_IIDR",       iidr_read,       NULL },
    { 0x000c, 0x0014,  4, "GICD_TYPER2",     NULL,            NULL }, /* and GICD_STATUSR: read as zero */
    { 0x0080, 0x0100,  4, "GICD_IGROUPR",    igroupr_read,    igroupr_write },
    { 0x0100, 0x0180,  4, "GICD_ISENABLER",  enabler_read,    isenabler_write },
    { 0x0180, 0x0200,  4, "GICD_ICENABLER",  enabler_read,    icenabler_write },
    { 0x0200, 0x0280,  4, "GICD_ISPENDR",    pendr_read,      ispendr_write },
    { 0x0280, 0x0300,  4, "GICD_ICPENDR",    pendr_read,      icpendr_write },
    { 0x0300, 0x0380,  4, "GICD_ISACTIVER",  activer_read,    isactiver_write },
    { 0x0380, 0x0400,  4, "GICD_ICACTIVER",  activer_read,    icactiver_write },
    { 0x0400, 0x0800,  1, "GICD_IPRIORITYR", ipriorityr_read, ipriorityr_write },
    { 0x0800, 0x0c00,  1, "GICD_ITARGETSR",  NULL,            NULL }, /* of legacy operation */
    { 0x0c00, 0x0d00,  4, "GICD_ICFGR",      icfgr_read,      icfgr_write },
    { 0x0d00, 0x0d80,  4, "GICD_IGRPMODR",   igrpmodr_read,   igrpmodr_write },
    { 0x0e00, 0x0f00,  4, "GICD_NSACR",      nsacr_read,      nsacr_write },
    { 0x0f00, 0x0f04,  4, "GICD_SGIR",       NULL,            NULL },
    { 0x0f10, 0x0f30,  1, "GICD_CPENDSGIR",  NULL,            NULL },
    { 0x6000, 0x8000,  8, "GICD_IROUTER",    irouter_read,    irouter_write },
    { 0xffd0, 0x10000, 4, "GICD_ID",         gicv3_id_read,   NULL },
    {0},
};
// clang-format on

static struct gic_acc dist_acc(const struct gicv3 *s, struct mem_attrs a)
{
    return (struct gic_acc){.ns = !a.secure && !gicv3_ds(s)};
}

static enum mem_result dist_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct gicv3 *s = opaque;
    gicv3_lock(s);
    *val = gic_regs_read(&s->dev, dist_regs, off, size, dist_acc(s, a));
    gicv3_unlock(s);
    return MEM_OK;
}

static enum mem_result dist_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct gicv3 *s = opaque;
    gicv3_lock(s);
    gic_regs_write(&s->dev, dist_regs, off, size, val, dist_acc(s, a));
    gicv3_update_all(s);
    gicv3_unlock(s);
    return MEM_OK;
}

const struct mem_ops gicv3_dist_ops = {
    .read = dist_read, .write = dist_write, .min_size = 1, .max_size = 8, .unlocked = true};
