/* GICv3 redistributors, GICR_* (IHI 0069H, 12.11): for each CPU a frame RD_base (LPIs, power) and a frame SGI_base
 * (INTID 0..31). This file also holds the child device that carries all of a CPU's state. */
#include "hw/intc/gicv3_priv.h"

#define WAKER_SLEEP  (1u << 1) /* ProcessorSleep */
#define WAKER_ASLEEP (1u << 2) /* ChildrenAsleep */

static struct gicv3_cpu *cpu_of(struct device *d)
{
    return (struct gicv3_cpu *)d;
}

/* -- RD_base ------------------------------------------------------------------------------------------------- */

static u64 ctlr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)a;
    (void)n;
    return cpu_of(d)->r_ctlr | (cpu_of(d)->gic->has_lpi ? GICR_CTLR_CES : 0);
}

static void ctlr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)a;
    (void)n;
    struct gicv3_cpu *c = cpu_of(d);
    u32 old = c->r_ctlr;
    c->r_ctlr = c->gic->has_lpi ? (u32)v & GICR_CTLR_ENABLE_LPIS : 0;
    if (c->r_ctlr != old) {
        gicv3_lpi_rescan(c);
    }
}

static u64 iidr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)d;
    (void)a;
    (void)n;
    return 0x43b;
}

static u64 id_read(struct device *d, struct gic_acc a, unsigned n)
{
    return n == 4 ? 0x93 : gicv3_id_read(d, a, n);
}

/* CommonLPIAff is 0: all redistributors have one LPI configuration table. */
static u64 typer_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)a;
    (void)n;
    const struct gicv3_cpu *c = cpu_of(d);
    u64 aff = (c->affinity & 0xffffff) | bits(c->affinity, 32, 8) << 24;
    return (u64)c->gic->has_lpi | (u64)c->last << 4 | (u64)c->n << 8 | aff << 32;
}

static u64 waker_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)n;
    return a.ns ? 0 : cpu_of(d)->waker;
}

/* The children follow the processor at once. */
static void waker_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)n;
    if (!a.ns) {
        cpu_of(d)->waker = v & WAKER_SLEEP ? WAKER_SLEEP | WAKER_ASLEEP : 0;
    }
}

static u64 propbaser_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)a;
    (void)n;
    return cpu_of(d)->propbaser;
}

static bool lpis_on(struct gicv3_cpu *c, const char *reg)
{
    if (c->r_ctlr & GICR_CTLR_ENABLE_LPIS) {
        guest_error(device_name(&c->dev), "%s written while LPIs are enabled", reg);
        return true;
    }
    return !c->gic->has_lpi;
}

static void propbaser_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)a;
    (void)n;
    if (!lpis_on(cpu_of(d), "GICR_PROPBASER")) {
        cpu_of(d)->propbaser = v & 0x070fffffffffff9full;
    }
}

static u64 pendbaser_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)a;
    (void)n;
    return cpu_of(d)->pendbaser;
}

/* PTZ (bit 62), a promise that the table is zero, is taken note of by reading the table anyway. */
static void pendbaser_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)a;
    (void)n;
    if (!lpis_on(cpu_of(d), "GICR_PENDBASER")) {
        cpu_of(d)->pendbaser = v & 0x070fffffffff0f80ull;
    }
}

/* -- SGI_base ------------------------------------------------------------------------------------------------- */

/* Which of INTID 0..31 the access may see; nsacr: the least GICR_NSACR value that opens the others, 4: none does. */
static u32 visible(const struct gicv3_cpu *c, struct gic_acc a, unsigned nsacr)
{
    u32 ok = a.ns ? c->group : ~0u;
    for (unsigned i = 0; i < 16 && nsacr < 4; i++) {
        ok |= (u32)(bits(c->nsacr, i * 2, 2) >= nsacr) << i;
    }
    return ok;
}

static u64 igroupr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)n;
    return a.ns ? 0 : cpu_of(d)->group;
}

static void igroupr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)n;
    if (!a.ns) {
        cpu_of(d)->group = (u32)v;
    }
}

static u64 igrpmodr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)n;
    return a.ns || gicv3_ds(cpu_of(d)->gic) ? 0 : cpu_of(d)->grpmod;
}

static void igrpmodr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)n;
    if (!a.ns && !gicv3_ds(cpu_of(d)->gic)) {
        cpu_of(d)->grpmod = (u32)v;
    }
}

static u64 enabler_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)n;
    return cpu_of(d)->enabled & visible(cpu_of(d), a, 4);
}

static void isenabler_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)n;
    cpu_of(d)->enabled |= (u32)v & visible(cpu_of(d), a, 4);
}

static void icenabler_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)n;
    cpu_of(d)->enabled &= ~((u32)v & visible(cpu_of(d), a, 4));
}

static u64 pendr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)n;
    const struct gicv3_cpu *c = cpu_of(d);
    return (c->latch | (c->level & ~c->edge)) & visible(c, a, 1);
}

static void ispendr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)n;
    cpu_of(d)->latch |= (u32)v & visible(cpu_of(d), a, 1);
}

static void icpendr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)n;
    cpu_of(d)->latch &= ~((u32)v & visible(cpu_of(d), a, 2));
}

static u64 activer_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)n;
    return cpu_of(d)->active & visible(cpu_of(d), a, 2);
}

static void isactiver_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)n;
    cpu_of(d)->active |= (u32)v & visible(cpu_of(d), a, 4);
}

static void icactiver_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)n;
    cpu_of(d)->active &= ~((u32)v & visible(cpu_of(d), a, 4));
}

static u64 ipriorityr_read(struct device *d, struct gic_acc a, unsigned n)
{
    const struct gicv3_cpu *c = cpu_of(d);
    if (!bit(visible(c, a, 4), n)) {
        return 0;
    }
    return a.ns ? (u8)(c->prio[n] << 1) : c->prio[n];
}

static void ipriorityr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv3_cpu *c = cpu_of(d);
    if (bit(visible(c, a, 4), n)) {
        c->prio[n] = (a.ns ? gicv3_prio_from_ns((u8)v) : (u8)v) & GICV3_PRI_MASK;
    }
}

static u64 icfgr_read(struct device *d, struct gic_acc a, unsigned n)
{
    const struct gicv3_cpu *c = cpu_of(d);
    u32 edge = (c->edge & visible(c, a, 4)) >> (n * 16), v = 0;
    for (unsigned i = 0; i < 16; i++) {
        v |= (u32)bit(edge, i) << (2 * i + 1);
    }
    return v;
}

/* SGIs are edge triggered for good. */
static void icfgr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv3_cpu *c = cpu_of(d);
    u32 mask = visible(c, a, 4) & 0xffff0000u, edge = 0;
    for (unsigned i = 0; i < 16 && n == 1; i++) {
        edge |= (u32)bit(v, 2 * i + 1) << (16 + i);
    }
    if (n == 1) {
        c->edge = (c->edge & ~mask) | (edge & mask);
    }
}

static u64 nsacr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)n;
    return a.ns || gicv3_ds(cpu_of(d)->gic) ? 0 : cpu_of(d)->nsacr;
}

static void nsacr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    (void)n;
    if (!a.ns && !gicv3_ds(cpu_of(d)->gic)) {
        cpu_of(d)->nsacr = (u32)v;
    }
}

// clang-format off
static const struct gic_reg redist_regs[] = {
    { 0x00000, 0x00004, 4, "GICR_CTLR",        ctlr_read,       ctlr_write },
    { 0x00004, 0x00008, 4, "GICR_IIDR",        iidr_read,       NULL },
    { 0x00008, 0x00010, 8, "GICR_TYPER",       typer_read,      NULL },
    { 0x00010, 0x00014, 4, "GICR_STATUSR",     NULL,            NULL },
    { 0x00014, 0x00018, 4, "GICR_WAKER",       waker_read,      waker_write },
    { 0x00070, 0x00078, 8, "GICR_PROPBASER",   propbaser_read,  propbaser_write },
    { 0x00078, 0x00080, 8, "GICR_PENDBASER",   pendbaser_read,  pendbaser_write },
    { 0x000c0, 0x000c4, 4, "GICR_SYNCR",       NULL,            NULL },
    { 0x0ffd0, 0x10000, 4, "GICR_ID",          id_read,         NULL },
    { 0x10080, 0x10084, 4, "GICR_IGROUPR0",    igroupr_read,    igroupr_write },
    { 0x10100, 0x10104, 4, "GICR_ISENABLER0",  enabler_read,    isenabler_write },
    { 0x10180, 0x10184, 4, "GICR_ICENABLER0",  enabler_read,    icenabler_write },
    { 0x10200, 0x10204, 4, "GICR_ISPENDR0",    pendr_read,      ispendr_write },
    { 0x10280, 0x10284, 4, "GICR_ICPENDR0",    pendr_read,      icpendr_write },
    { 0x10300, 0x10304, 4, "GICR_ISACTIVER0",  activer_read,    isactiver_write },
    { 0x10380, 0x10384, 4, "GICR_ICACTIVER0",  activer_read,    icactiver_write },
    { 0x10400, 0x10420, 1, "GICR_IPRIORITYR",  ipriorityr_read, ipriorityr_write },
    { 0x10c00, 0x10c08, 4, "GICR_ICFGR",       icfgr_read,      icfgr_write },
    { 0x10d00, 0x10d04, 4, "GICR_IGRPMODR0",   igrpmodr_read,   igrpmodr_write },
    { 0x10e00, 0x10e04, 4, "GICR_NSACR",       nsacr_read,      nsacr_write },
    {0},
};
// clang-format on

static struct gicv3_cpu *redist_cpu(const struct gicv3_redist *r, u64 off)
{
    return r->gic->cpu[r->first + off / GICV3_REDIST_SIZE];
}

static enum mem_result redist_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct gicv3_cpu *c = redist_cpu(opaque, off);
    gicv3_lock(c->gic);
    struct gic_acc acc = {.ns = !a.secure && !gicv3_ds(c->gic)};
    *val = gic_regs_read(&c->dev, redist_regs, off % GICV3_REDIST_SIZE, size, acc);
    gicv3_unlock(c->gic);
    return MEM_OK;
}

static enum mem_result redist_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct gicv3_cpu *c = redist_cpu(opaque, off);
    gicv3_lock(c->gic);
    struct gic_acc acc = {.ns = !a.secure && !gicv3_ds(c->gic)};
    gic_regs_write(&c->dev, redist_regs, off % GICV3_REDIST_SIZE, size, val, acc);
    gicv3_cpu_update(c);
    gicv3_unlock(c->gic);
    return MEM_OK;
}

const struct mem_ops gicv3_redist_ops = {
    .read = redist_read, .write = redist_write, .min_size = 1, .max_size = 8, .unlocked = true};

/* -- the CPU's device --------------------------------------------------------------------------------------------- */

static void lines_drive(struct gicv3_cpu *c)
{
    for (unsigned k = 0; k < GIC_OUTS; k++) {
        device_irq(&c->gic->dev, gic_out(c->n, k), (int)bit(c->lines, k));
    }
}

static void cpu_reset(struct device *d)
{
    struct gicv3_cpu *c = cpu_of(d);
    gicv3_lock(c->gic);
    c->g1s_irq = false; /* a CPU comes out of reset in its highest EL; without EL3 there is one Security state */
    c->g1ns_irq = !c->gic->has_security;
    lines_drive(c);
    gicv3_cpu_update(c);
    gicv3_unlock(c->gic);
}

static bool cpu_loaded(struct device *d, struct err *e)
{
    (void)e;
    struct gicv3_cpu *c = cpu_of(d);
    gicv3_lock(c->gic);
    lines_drive(c);
    gicv3_cpu_update(c);
    gicv3_unlock(c->gic);
    return true;
}

static const struct field cpu_state[] = {
    FIELD(struct gicv3_cpu, n, .flags = F_CONFIG),
    FIELD(struct gicv3_cpu, affinity, .flags = F_CONFIG),
    FIELD(struct gicv3_cpu, last, .flags = F_CONFIG),
    FIELD(struct gicv3_cpu, r_ctlr),
    FIELD(struct gicv3_cpu, waker, .reset = WAKER_SLEEP | WAKER_ASLEEP),
    FIELD(struct gicv3_cpu, group),
    FIELD(struct gicv3_cpu, grpmod),
    FIELD(struct gicv3_cpu, enabled),
    FIELD(struct gicv3_cpu, latch),
    FIELD(struct gicv3_cpu, active),
    FIELD(struct gicv3_cpu, edge, .reset = 0xffff),
    FIELD(struct gicv3_cpu, level),
    FIELD(struct gicv3_cpu, nsacr),
    FIELDS(struct gicv3_cpu, prio),
    FIELD(struct gicv3_cpu, propbaser),
    FIELD(struct gicv3_cpu, pendbaser),
    FIELDS(struct gicv3_cpu, ctlr),
    FIELD(struct gicv3_cpu, ctlr_el3),
    FIELD(struct gicv3_cpu, pmr),
    FIELD(struct gicv3_cpu, bpr[G0], .reset = GICV3_BPR_MIN),
    FIELD(struct gicv3_cpu, bpr[G1S], .reset = GICV3_BPR_MIN),
    FIELD(struct gicv3_cpu, bpr[G1NS], .reset = GICV3_BPR_MIN + 1),
    FIELDS(struct gicv3_cpu, igrpen),
    FIELDS(struct gicv3_cpu, apr),
    FIELD(struct gicv3_cpu, hcr),
    FIELD(struct gicv3_cpu, vctlr),
    FIELD(struct gicv3_cpu, vpmr),
    FIELD(struct gicv3_cpu, vbpr[0], .reset = GICV3_BPR_MIN),
    FIELD(struct gicv3_cpu, vbpr[1], .reset = GICV3_BPR_MIN + 1),
    FIELDS(struct gicv3_cpu, vigrpen),
    FIELDS(struct gicv3_cpu, vapr),
    FIELDS(struct gicv3_cpu, lr),
    FIELD(struct gicv3_cpu, g1s_irq),
    FIELD(struct gicv3_cpu, g1ns_irq),
    FIELD(struct gicv3_cpu, lpi.irq, .reset = INTID_SPURIOUS),
    FIELD(struct gicv3_cpu, lpi.prio, .reset = GIC_IDLE),
    FIELD(struct gicv3_cpu, lpi.group, .reset = G1NS),
    FIELD(struct gicv3_cpu, lines),
    {0},
};

const struct device_class gicv3_cpu_class = {
    .name = "arm-gicv3-cpu",
    .doc = "redistributor and CPU interface of a GICv3",
    .bus = "gicv3",
    .size = sizeof(struct gicv3_cpu),
    .state = cpu_state,
    .reset = cpu_reset,
    .loaded = cpu_loaded,
};
