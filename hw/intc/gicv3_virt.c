/* GICv3 virtualization (IHI 0069H, chapter 6): the hypervisor's ICH_* registers, and the ICV_* registers that an OS
 * under it reaches by the names ICC_*. Four list registers, 32 preemption levels, 16-bit vINTIDs. */
#include "hw/intc/gicv3_priv.h"

typedef const struct gicv3_cpu_ctx ctx;

/* Bits of ICH_MISR_EL2; ICH_HCR_EL2 has the enables of bits 1 to 7 in the same places. */
enum {
    MISR_EOI = 1 << 0,
    MISR_U = 1 << 1,
    MISR_LRENP = 1 << 2,
    MISR_NP = 1 << 3,
    MISR_VGRP0E = 1 << 4,
    MISR_VGRP0D = 1 << 5,
    MISR_VGRP1E = 1 << 6,
    MISR_VGRP1D = 1 << 7,
};

/* -- list registers ------------------------------------------------------------------------------------------- */

enum { LR_PENDING = 1, LR_ACTIVE = 2 };

static unsigned lr_state(u64 lr)
{
    return (unsigned)bits(lr, 62, 2);
}
static u64 lr_with_state(u64 lr, unsigned state)
{
    return deposit(lr, 62, 2, state);
}
static bool lr_hw(u64 lr)
{
    return bit(lr, 61);
}
static unsigned lr_group(u64 lr)
{
    return (unsigned)bit(lr, 60);
}
static u8 lr_prio(u64 lr)
{
    return bits(lr, 48, 8) & GICV3_PRI_MASK;
}
static u32 lr_pintid(u64 lr)
{
    return (u32)bits(lr, 32, 13);
}
static u32 lr_vintid(u64 lr)
{
    return (u32)lr;
}
/* Asks for a maintenance interrupt when its interrupt ends. */
static bool lr_wants_eoi(u64 lr)
{
    return !lr_hw(lr) && bit(lr, 41);
}

static u8 vgroup_prio_mask(const struct gicv3_cpu *c, unsigned group)
{
    if (group == 0 || c->vctlr & ICC_CTLR_CBPR) {
        return (u8)(0xff << (c->vbpr[0] + 1));
    }
    return (u8)(0xff << c->vbpr[1]);
}

/* The list register of the highest priority pending virtual interrupt of an enabled group; -1: none. */
static int vpending(const struct gicv3_cpu *c)
{
    int best = -1;
    for (int i = 0; i < (int)GICV3_NUM_LRS; i++) {
        u64 lr = c->lr[i];
        if (lr_state(lr) == LR_PENDING && c->vigrpen[lr_group(lr)] &&
            (best < 0 || lr_prio(lr) < lr_prio(c->lr[best]))) {
            best = i;
        }
    }
    return best;
}

static int vtakeable(const struct gicv3_cpu *c)
{
    int i = c->hcr & ICH_HCR_EN ? vpending(c) : -1;
    if (i < 0 || lr_prio(c->lr[i]) >= c->vpmr) {
        return -1;
    }
    return lr_prio(c->lr[i]) < gicv3_running(c->vapr[0] | c->vapr[1]) ? i : -1;
}

static u32 eisr(const struct gicv3_cpu *c)
{
    u32 v = 0;
    for (unsigned i = 0; i < GICV3_NUM_LRS; i++) {
        v |= (u32)(!lr_state(c->lr[i]) && lr_wants_eoi(c->lr[i])) << i;
    }
    return v;
}

static u32 misr(const struct gicv3_cpu *c)
{
    unsigned valid = 0, pending = 0;
    for (unsigned i = 0; i < GICV3_NUM_LRS; i++) {
        valid += lr_state(c->lr[i]) != 0;
        pending += lr_state(c->lr[i]) == LR_PENDING;
    }
    u32 v = 0;
    v |= valid < 2 ? MISR_U : 0;
    v |= bits(c->hcr, 27, 5) ? MISR_LRENP : 0;
    v |= !pending ? MISR_NP : 0;
    v |= c->vigrpen[0] ? MISR_VGRP0E : MISR_VGRP0D;
    v |= c->vigrpen[1] ? MISR_VGRP1E : MISR_VGRP1D;
    return (v & c->hcr & 0xfe) | (eisr(c) ? MISR_EOI : 0);
}

u8 gicv3_virt_lines(const struct gicv3_cpu *c)
{
    if (!(c->hcr & ICH_HCR_EN)) {
        return 0;
    }
    u8 lines = misr(c) ? BIT(GIC_MAINT) : 0;
    int i = vtakeable(c);
    if (i >= 0) {
        lines |= lr_group(c->lr[i]) ? BIT(GIC_VIRQ) : BIT(GIC_VFIQ);
    }
    return lines;
}

/* -- ICV_*; n is the group ---------------------------------------------------------------------------------------- */

VREG_R(pmr)
{
    (void)x;
    (void)n;
    return c->vpmr;
}

VREG_W(pmr)
{
    (void)x;
    (void)n;
    c->vpmr = v & GICV3_PRI_MASK;
    gicv3_cpu_signal(c);
}

VREG_R(rpr)
{
    (void)x;
    (void)n;
    return gicv3_running(c->vapr[0] | c->vapr[1]);
}

VREG_R(hppir)
{
    (void)x;
    int i = vpending(c);
    return i >= 0 && lr_group(c->lr[i]) == n ? lr_vintid(c->lr[i]) : INTID_SPURIOUS;
}

/* A virtual LPI has no active state: its list register is free at once. */
VREG_R(iar)
{
    (void)x;
    int i = vtakeable(c);
    if (i < 0 || lr_group(c->lr[i]) != n) {
        return INTID_SPURIOUS;
    }
    u32 irq = lr_vintid(c->lr[i]);
    c->vapr[n] |= 1u << ((lr_prio(c->lr[i]) & vgroup_prio_mask(c, n)) >> GICV3_PRI_SHIFT);
    c->lr[i] = lr_with_state(c->lr[i], irq >= GICV3_LPI_BASE ? 0 : LR_ACTIVE);
    gicv3_cpu_signal(c);
    return irq;
}

static void eoi_count(struct gicv3_cpu *c)
{
    c->hcr = (u32)deposit(c->hcr, 27, 5, MIN(bits(c->hcr, 27, 5) + 1, 31));
}

static int vactive(const struct gicv3_cpu *c, u32 irq)
{
    for (int i = 0; i < (int)GICV3_NUM_LRS; i++) {
        if (lr_state(c->lr[i]) & LR_ACTIVE && lr_vintid(c->lr[i]) == irq) {
            return i;
        }
    }
    return -1;
}

/* A hardware interrupt's list register takes the physical interrupt with it. */
static void vdeactivate(struct gicv3_cpu *c, int i)
{
    u64 lr = c->lr[i];
    c->lr[i] = lr_with_state(lr, lr_state(lr) & LR_PENDING);
    if (lr_hw(lr) && lr_pintid(lr) < INTID_SECURE) {
        gicv3_irq_deactivate(c, lr_pintid(lr));
    }
}

VREG_W(eoir)
{
    (void)x;
    u32 irq = (u32)bits(v, 0, 24);
    if (irq >= INTID_SECURE && irq < GICV3_LPI_BASE) {
        return;
    }
    u32 all = c->vapr[0] | c->vapr[1], top = all & -all;
    bool drop = c->vapr[n] & top;
    c->vapr[n] &= ~top;
    if (!(c->vctlr & ICC_CTLR_EOIMODE) && irq < GICV3_LPI_BASE) {
        int i = vactive(c, irq);
        if (i < 0) {
            eoi_count(c);
        } else if (drop && lr_group(c->lr[i]) == n) {
            vdeactivate(c, i);
        }
    }
    gicv3_cpu_signal(c);
}

VREG_W(dir)
{
    (void)x;
    (void)n;
    u32 irq = (u32)bits(v, 0, 24);
    if (!(c->vctlr & ICC_CTLR_EOIMODE) || irq >= INTID_SECURE) {
        return;
    }
    int i = vactive(c, irq);
    if (i < 0) {
        eoi_count(c);
    } else {
        vdeactivate(c, i);
    }
    gicv3_cpu_signal(c);
}

VREG_R(bpr)
{
    (void)x;
    return n && c->vctlr & ICC_CTLR_CBPR ? MIN(c->vbpr[0] + 1, 7) : c->vbpr[n];
}

static void vbpr_set(struct gicv3_cpu *c, unsigned n, u64 v)
{
    c->vbpr[n] = (u8)MAX(v & 7, (u64)GICV3_BPR_MIN + n);
}

VREG_W(bpr)
{
    (void)x;
    if (n == 0 || !(c->vctlr & ICC_CTLR_CBPR)) {
        vbpr_set(c, n, v);
        gicv3_cpu_signal(c);
    }
}

VREG_R(apr)
{
    (void)x;
    return c->vapr[n];
}

VREG_W(apr)
{
    (void)x;
    c->vapr[n] = (u32)v;
    gicv3_cpu_signal(c);
}

VREG_R(ctlr)
{
    (void)x;
    (void)n;
    return c->vctlr | (GICV3_PRIORITY_BITS - 1) << 8 | 1u << 15; /* PRIbits, A3V */
}

VREG_W(ctlr)
{
    (void)x;
    (void)n;
    c->vctlr = v & (ICC_CTLR_CBPR | ICC_CTLR_EOIMODE);
    gicv3_cpu_signal(c);
}

VREG_R(igrpen)
{
    (void)x;
    return c->vigrpen[n];
}

VREG_W(igrpen)
{
    (void)x;
    c->vigrpen[n] = v & 1;
    gicv3_cpu_signal(c);
}

/* -- ICH_* --------------------------------------------------------------------------------------------------------- */

static u64 hcr_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    (void)x;
    (void)n;
    return c->hcr;
}

static void hcr_write(struct gicv3_cpu *c, ctx *x, unsigned n, u64 v)
{
    (void)x;
    (void)n;
    c->hcr = (u32)v & (0xf80000ffu | ICH_HCR_TC | ICH_HCR_TALL0 | ICH_HCR_TALL1 | ICH_HCR_TSEI | ICH_HCR_TDIR);
    gicv3_cpu_signal(c);
}

/* ListRegs, TDS (TDIR works), nV4, A3V, PREbits, PRIbits; IDbits 0: 16. */
static u64 vtr_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    (void)c;
    (void)x;
    (void)n;
    u64 pri = GICV3_PRIORITY_BITS - 1;
    return (GICV3_NUM_LRS - 1) | BIT(19) | BIT(20) | BIT(21) | pri << 26 | pri << 29;
}

static u64 misr_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    (void)x;
    (void)n;
    return c->hcr & ICH_HCR_EN ? misr(c) : 0;
}

static u64 eisr_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    (void)x;
    (void)n;
    return eisr(c);
}

static u64 elrsr_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    (void)x;
    (void)n;
    u32 v = 0;
    for (unsigned i = 0; i < GICV3_NUM_LRS; i++) {
        v |= (u32)(!lr_state(c->lr[i]) && !lr_wants_eoi(c->lr[i])) << i;
    }
    return v;
}

#define VMCR_VFIQEN (1u << 3) /* with system registers it is always set */

static u64 vmcr_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    (void)x;
    (void)n;
    return (u64)c->vigrpen[0] | (u64)c->vigrpen[1] << 1 | VMCR_VFIQEN | (u64)bit(c->vctlr, 0) << 4 |
           (u64)bit(c->vctlr, 1) << 9 | (u64)c->vbpr[1] << 18 | (u64)c->vbpr[0] << 21 | (u64)c->vpmr << 24;
}

static void vmcr_write(struct gicv3_cpu *c, ctx *x, unsigned n, u64 v)
{
    (void)x;
    (void)n;
    c->vigrpen[0] = bit(v, 0);
    c->vigrpen[1] = bit(v, 1);
    c->vctlr = (bit(v, 4) ? ICC_CTLR_CBPR : 0) | (bit(v, 9) ? ICC_CTLR_EOIMODE : 0);
    vbpr_set(c, 1, v >> 18);
    vbpr_set(c, 0, v >> 21);
    c->vpmr = v >> 24 & GICV3_PRI_MASK;
    gicv3_cpu_signal(c);
}

static u64 lr_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    (void)x;
    return c->lr[n];
}

/* vINTID and pINTID have the bits that there are, priorities likewise. */
static void lr_write(struct gicv3_cpu *c, ctx *x, unsigned n, u64 v)
{
    (void)x;
    c->lr[n] = v & (0xf000000000000000ull | (u64)GICV3_PRI_MASK << 48 | 0x1fffull << 32 | MASK(GICV3_ID_BITS));
    gicv3_cpu_signal(c);
}

// clang-format off
const struct gicv3_sysreg gicv3_virt_sysregs[] = {
    { ICH(8, 0),  "ICH_AP0R0_EL2", SR_EL2, gicv3_vapr_read, gicv3_vapr_write, NULL, NULL, 0 },
    { ICH(9, 0),  "ICH_AP1R0_EL2", SR_EL2, gicv3_vapr_read, gicv3_vapr_write, NULL, NULL, 1 },
    { ICH(11, 0), "ICH_HCR_EL2",   SR_EL2, hcr_read,   hcr_write,  NULL, NULL, 0 },
    { ICH(11, 1), "ICH_VTR_EL2",   SR_EL2, vtr_read,   NULL,       NULL, NULL, 0 },
    { ICH(11, 2), "ICH_MISR_EL2",  SR_EL2, misr_read,  NULL,       NULL, NULL, 0 },
    { ICH(11, 3), "ICH_EISR_EL2",  SR_EL2, eisr_read,  NULL,       NULL, NULL, 0 },
    { ICH(11, 5), "ICH_ELRSR_EL2", SR_EL2, elrsr_read, NULL,       NULL, NULL, 0 },
    { ICH(11, 7), "ICH_VMCR_EL2",  SR_EL2, vmcr_read,  vmcr_write, NULL, NULL, 0 },
    { ICH(12, 0), "ICH_LR0_EL2",   SR_EL2, lr_read,    lr_write,   NULL, NULL, 0 },
    { ICH(12, 1), "ICH_LR1_EL2",   SR_EL2, lr_read,    lr_write,   NULL, NULL, 1 },
    { ICH(12, 2), "ICH_LR2_EL2",   SR_EL2, lr_read,    lr_write,   NULL, NULL, 2 },
    { ICH(12, 3), "ICH_LR3_EL2",   SR_EL2, lr_read,    lr_write,   NULL, NULL, 3 },
    {0},
};
// clang-format on
