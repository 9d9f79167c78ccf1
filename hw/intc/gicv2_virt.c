/* GICv2 virtualization: the virtual interface control registers GICH_*, and the virtual CPU interface GICV_* that a
 * guest OS sees as its GICC (IHI 0048B.b, chapter 5). Four list registers, 5 priority bits, for each CPU. */
#include "hw/intc/gicv2_priv.h"

enum {
    GICH_HCR_EN = 1 << 0,
    GICH_HCR_LRENPIE = 1 << 2,
};
/* Bits of GICH_MISR; GICH_HCR has the enables of bits 1 and up in the same places. */
enum {
    MISR_EOI = 1 << 0,
    MISR_U = 1 << 1,
    MISR_LRENP = 1 << 2,
    MISR_NP = 1 << 3,
    MISR_GRP0E = 1 << 4,
    MISR_GRP0D = 1 << 5,
    MISR_GRP1E = 1 << 6,
    MISR_GRP1D = 1 << 7,
};

enum { LR_PENDING = 1, LR_ACTIVE = 2 };

static unsigned lr_state(u32 lr)
{
    return (unsigned)bits(lr, 28, 2);
}
static unsigned lr_vid(u32 lr)
{
    return (unsigned)bits(lr, 0, 10);
}
static unsigned lr_pid(u32 lr)
{
    return (unsigned)bits(lr, 10, 10);
}
static u8 lr_prio(u32 lr)
{
    return (u8)(bits(lr, 23, 5) << GICV2_PRI_SHIFT);
}
static bool lr_group1(u32 lr)
{
    return bit(lr, 30);
}
static bool lr_hw(u32 lr)
{
    return bit(lr, 31);
}
/* The virtual INTID as GICV_IAR shows it: with the sender's CPUID if it is a software interrupt of an SGI's number. */
static u32 lr_iar(u32 lr)
{
    u32 id = lr_vid(lr);
    return id < 16 && !lr_hw(lr) ? id | (u32)bits(lr, 10, 3) << 10 : id;
}

static u8 virt_group_mask(const struct gicv2_cpu *c, bool group1)
{
    return (u8)(0xff << (group1 && !(c->vctlr & GICC_CTLR_CBPR) ? c->vabpr : c->vbpr + 1u));
}

/* The list register of the highest priority pending virtual interrupt whose group is enabled; -1: none. */
static int virt_pending(const struct gicv2_cpu *c)
{
    int best = -1;
    for (int i = 0; i < GICV2_LRS; i++) {
        u32 lr = c->lr[i];
        bool on = c->vctlr & (lr_group1(lr) ? GICC_CTLR_GRP1 : GICC_CTLR_GRP0);
        if (lr_state(lr) == LR_PENDING && on && (best < 0 || lr_prio(lr) < lr_prio(c->lr[best]))) {
            best = i;
        }
    }
    return best;
}

static int virt_takeable(const struct gicv2_cpu *c)
{
    int i = c->hcr & GICH_HCR_EN ? virt_pending(c) : -1;
    if (i < 0 || lr_prio(c->lr[i]) >= c->vpmr) {
        return -1;
    }
    return lr_prio(c->lr[i]) < gicv2_running(c->vapr) ? i : -1;
}

/* An empty list register that asked for a maintenance interrupt at EOI. */
static u32 virt_eisr(const struct gicv2_cpu *c)
{
    u32 v = 0;
    for (unsigned i = 0; i < GICV2_LRS; i++) {
        v |= (u32)(!lr_state(c->lr[i]) && !lr_hw(c->lr[i]) && bit(c->lr[i], 19)) << i;
    }
    return v;
}

/* GICH_ELRSR: list registers that are free to take an interrupt. */
static u32 virt_empty(const struct gicv2_cpu *c)
{
    u32 v = 0;
    for (unsigned i = 0; i < GICV2_LRS; i++) {
        v |= (u32)(!lr_state(c->lr[i]) && (lr_hw(c->lr[i]) || !bit(c->lr[i], 19))) << i;
    }
    return v;
}

static u32 virt_misr(const struct gicv2_cpu *c)
{
    unsigned valid = 0, pending = 0;
    for (unsigned i = 0; i < GICV2_LRS; i++) {
        valid += lr_state(c->lr[i]) != 0;
        pending += lr_state(c->lr[i]) == LR_PENDING;
    }
    u32 v = 0;
    v |= valid < 2 ? MISR_U : 0;
    v |= bits(c->hcr, 27, 5) ? MISR_LRENP : 0;
    v |= !pending ? MISR_NP : 0;
    v |= c->vctlr & GICC_CTLR_GRP0 ? MISR_GRP0E : MISR_GRP0D;
    v |= c->vctlr & GICC_CTLR_GRP1 ? MISR_GRP1E : MISR_GRP1D;
    v &= c->hcr & 0xfe;
    return v | (virt_eisr(c) ? MISR_EOI : 0);
}

u8 gicv2_virt_signal(struct gicv2 *s, unsigned cpu)
{
    const struct gicv2_cpu *c = &s->cpu[cpu];
    if (!(c->hcr & GICH_HCR_EN)) {
        return 0;
    }
    u8 lines = virt_misr(c) ? BIT(GIC_MAINT) : 0;
    int i = virt_takeable(c);
    if (i >= 0) {
        bool fiq = !lr_group1(c->lr[i]) && (c->vctlr & GICC_CTLR_FIQEN);
        lines |= fiq ? BIT(GIC_VFIQ) : BIT(GIC_VIRQ);
    }
    return lines;
}

/* -- GICH ------------------------------------------------------------------------------------------------ */

static u64 hcr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return s->cpu[a.cpu].hcr;
}

static void hcr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    s->cpu[a.cpu].hcr = v & 0xf80000ff;
}

static u64 vtr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)d;
    (void)a;
    (void)n;
    return 4u << 29 | 4u << 26 | (GICV2_LRS - 1);
}

static u64 vmcr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    const struct gicv2_cpu *c = &s->cpu[a.cpu];
    return (c->vctlr & 0x21f) | (u32)c->vabpr << 18 | (u32)c->vbpr << 21 | (u32)(c->vpmr >> GICV2_PRI_SHIFT) << 27;
}

static void vmcr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    struct gicv2_cpu *c = &s->cpu[a.cpu];
    c->vctlr = v & 0x21f;
    c->vabpr = (u8)MAX(bits(v, 18, 3), GICV2_ABPR_MIN);
    c->vbpr = (u8)MAX(bits(v, 21, 3), GICV2_BPR_MIN);
    c->vpmr = (u8)(bits(v, 27, 5) << GICV2_PRI_SHIFT);
}

static u64 misr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    const struct gicv2_cpu *c = &s->cpu[a.cpu];
    return c->hcr & GICH_HCR_EN ? virt_misr(c) : 0;
}

static u64 eisr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    return n ? 0 : virt_eisr(&s->cpu[a.cpu]);
}

static u64 elrsr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    return n ? 0 : virt_empty(&s->cpu[a.cpu]);
}

static u64 vapr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    return n ? 0 : s->cpu[a.cpu].vapr;
}

static void vapr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    if (n == 0) {
        s->cpu[a.cpu].vapr = v;
    }
}

static u64 lr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    return n < GICV2_LRS ? s->cpu[a.cpu].lr[n] : 0;
}

static void lr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    if (n < GICV2_LRS) {
        s->cpu[a.cpu].lr[n] = v & 0xff8fffff;
    }
}

/* -- GICV ------------------------------------------------------------------------------------------------ */

static u64 vctlr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return s->cpu[a.cpu].vctlr;
}

static void vctlr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    s->cpu[a.cpu].vctlr = v & 0x21f;
}

static u64 vpmr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return s->cpu[a.cpu].vpmr;
}

static void vpmr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    s->cpu[a.cpu].vpmr = v & GICV2_PRI_MASK;
}

static u64 vbpr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return s->cpu[a.cpu].vbpr;
}

static void vbpr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    s->cpu[a.cpu].vbpr = (u8)MAX(v & 7, GICV2_BPR_MIN);
}

static u64 vabpr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return s->cpu[a.cpu].vabpr;
}

static void vabpr_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    s->cpu[a.cpu].vabpr = (u8)MAX(v & 7, GICV2_ABPR_MIN);
}

/* Which INTID a read of GICV_IAR or GICV_HPPIR (or their aliases, for Group 1) shows of list register i. */
static u32 virt_shown(const struct gicv2_cpu *c, int i, bool aliased)
{
    if (i < 0) {
        return INTID_SPURIOUS;
    }
    bool group1 = lr_group1(c->lr[i]);
    if (aliased) {
        return group1 ? lr_iar(c->lr[i]) : INTID_SPURIOUS;
    }
    return group1 && !(c->vctlr & GICC_CTLR_ACKCTL) ? INTID_GROUP1 : lr_iar(c->lr[i]);
}

static u32 virt_acknowledge(struct gicv2 *s, struct gic_acc a, bool aliased)
{
    struct gicv2_cpu *c = &s->cpu[a.cpu];
    int i = virt_takeable(c);
    u32 iar = virt_shown(c, i, aliased);
    if (iar == INTID_SPURIOUS || iar == INTID_GROUP1) {
        return iar;
    }
    u8 mask = virt_group_mask(c, lr_group1(c->lr[i]));
    c->vapr |= 1u << ((lr_prio(c->lr[i]) & mask) >> GICV2_PRI_SHIFT);
    c->lr[i] = (u32)deposit(c->lr[i], 28, 2, LR_ACTIVE);
    gicv2_update(s);
    return iar;
}

/* A list register's interrupt stops being active; a hardware one takes its physical interrupt with it. */
static void virt_deactivate(struct gicv2 *s, struct gic_acc a, u32 iar)
{
    struct gicv2_cpu *c = &s->cpu[a.cpu];
    for (unsigned i = 0; i < GICV2_LRS; i++) {
        u32 lr = c->lr[i];
        if (!(lr_state(lr) & LR_ACTIVE) || lr_iar(lr) != iar) {
            continue;
        }
        c->lr[i] = (u32)deposit(lr, 28, 2, lr_state(lr) & LR_PENDING);
        if (lr_hw(lr) && lr_pid(lr) >= 16 && lr_pid(lr) < s->num_irq) {
            gicv2_set(&s->active, a.cpu, lr_pid(lr), false);
        }
        return;
    }
    c->hcr = (u32)deposit(c->hcr, 27, 5, MIN(bits(c->hcr, 27, 5) + 1, 31)); /* EOICount */
}

static void virt_end(struct gicv2 *s, struct gic_acc a, u32 v)
{
    struct gicv2_cpu *c = &s->cpu[a.cpu];
    if (bits(v, 0, 10) >= 1020) {
        return;
    }
    c->vapr &= c->vapr - 1;
    if (!(c->vctlr & GICC_CTLR_EOIMODE_S)) {
        virt_deactivate(s, a, v & 0x1fff);
    }
}

static u64 viar_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return virt_acknowledge(s, a, false);
}

static u64 vaiar_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return virt_acknowledge(s, a, true);
}

static void veoir_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    virt_end(s, a, v);
}

static u64 vrpr_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return gicv2_running(s->cpu[a.cpu].vapr);
}

static u64 vhppir_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return virt_shown(&s->cpu[a.cpu], virt_pending(&s->cpu[a.cpu]), false);
}

static u64 vahppir_read(struct device *d, struct gic_acc a, unsigned n)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    return virt_shown(&s->cpu[a.cpu], virt_pending(&s->cpu[a.cpu]), true);
}

static u64 viidr_read(struct device *d, struct gic_acc a, unsigned n)
{
    (void)d;
    (void)a;
    (void)n;
    return 0x0202143b;
}

static void vdir_write(struct device *d, struct gic_acc a, unsigned n, u64 v)
{
    struct gicv2 *s = (struct gicv2 *)d;
    (void)n;
    if (s->cpu[a.cpu].vctlr & GICC_CTLR_EOIMODE_S && bits(v, 0, 10) < 1020) {
        virt_deactivate(s, a, v & 0x1fff);
    }
}

// clang-format off
static const struct gic_reg virt_regs[] = {
    { 0x000, 0x004, 4, "GICH_HCR",   hcr_read,   hcr_write },
    { 0x004, 0x008, 4, "GICH_VTR",   vtr_read,   NULL },
    { 0x008, 0x00c, 4, "GICH_VMCR",  vmcr_read,  vmcr_write },
    { 0x010, 0x014, 4, "GICH_MISR",  misr_read,  NULL },
    { 0x020, 0x028, 4, "GICH_EISR",  eisr_read,  NULL },
    { 0x030, 0x038, 4, "GICH_ELRSR", elrsr_read, NULL },
    { 0x0f0, 0x0f4, 4, "GICH_APR",   vapr_read,  vapr_write },
    { 0x100, 0x200, 4, "GICH_LR",    lr_read,    lr_write },
    {0},
};
static const struct gic_reg vcpu_regs[] = {
    { 0x000,  0x004,  4, "GICV_CTLR",   vctlr_read,   vctlr_write },
    { 0x004,  0x008,  4, "GICV_PMR",    vpmr_read,    vpmr_write },
    { 0x008,  0x00c,  4, "GICV_BPR",    vbpr_read,    vbpr_write },
    { 0x00c,  0x010,  4, "GICV_IAR",    viar_read,    NULL },
    { 0x010,  0x014,  4, "GICV_EOIR",   NULL,         veoir_write },
    { 0x014,  0x018,  4, "GICV_RPR",    vrpr_read,    NULL },
    { 0x018,  0x01c,  4, "GICV_HPPIR",  vhppir_read,  NULL },
    { 0x01c,  0x020,  4, "GICV_ABPR",   vabpr_read,   vabpr_write },
    { 0x020,  0x024,  4, "GICV_AIAR",   vaiar_read,   NULL },
    { 0x024,  0x028,  4, "GICV_AEOIR",  NULL,         veoir_write },
    { 0x028,  0x02c,  4, "GICV_AHPPIR", vahppir_read, NULL },
    { 0x0d0,  0x0e0,  4, "GICV_APR",    vapr_read,    vapr_write },
    { 0x0fc,  0x100,  4, "GICV_IIDR",   viidr_read,   NULL },
    { 0x1000, 0x1004, 4, "GICV_DIR",    NULL,         vdir_write },
    {0},
};
// clang-format on

static enum mem_result virt_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct gicv2 *s = opaque;
    *val = gic_regs_read(&s->dev, virt_regs, off, size, gicv2_acc(s, a));
    return MEM_OK;
}

static enum mem_result virt_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct gicv2 *s = opaque;
    gic_regs_write(&s->dev, virt_regs, off, size, val, gicv2_acc(s, a));
    gicv2_update(s);
    return MEM_OK;
}

static enum mem_result vcpu_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct gicv2 *s = opaque;
    *val = gic_regs_read(&s->dev, vcpu_regs, off, size, gicv2_acc(s, a));
    return MEM_OK;
}

static enum mem_result vcpu_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct gicv2 *s = opaque;
    gic_regs_write(&s->dev, vcpu_regs, off, size, val, gicv2_acc(s, a));
    gicv2_update(s);
    return MEM_OK;
}

const struct mem_ops gicv2_virt_ops = {.read = virt_read, .write = virt_write, .min_size = 4, .max_size = 4};
const struct mem_ops gicv2_vcpu_ops = {.read = vcpu_read, .write = vcpu_write, .min_size = 4, .max_size = 4};
