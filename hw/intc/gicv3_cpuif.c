/* GICv3 CPU interface: the ICC_* system registers (IHI 0069H, 12.2), and the way to all system registers of the GIC.
 *
 * Priorities are kept as a Secure access sees them. A Non-secure PMR or RPR is shifted only while EL3 takes the FIQs
 * (SCR_EL3.FIQ = 1), which is how the architecture tells whether Group 0 belongs to EL3.
 * RES0 here: ICC_CTLR_EL3.RM, PMHE, extended ranges. ICC_SRE_ELx are fixed: system registers on, lower ELs allowed. */
#include "hw/intc/gicv3_priv.h"

/* -- preemption -------------------------------------------------------------------------------------------------- */

static u8 group_prio_mask(const struct gicv3_cpu *c, enum gicv3_group g)
{
    if (g == G0 || c->ctlr[g == G1NS] & ICC_CTLR_CBPR) {
        return (u8)(0xff << (c->bpr[G0] + 1));
    }
    return (u8)(0xff << (g == G1S ? c->bpr[G1S] + 1 : c->bpr[G1NS]));
}

static u8 running_prio(const struct gicv3_cpu *c)
{
    return gicv3_running(c->apr[G0] | c->apr[G1S] | c->apr[G1NS]);
}

/* Can the highest priority pending interrupt be taken now? */
static bool takeable(const struct gicv3_cpu *c)
{
    return c->hppi.irq != INTID_SPURIOUS && c->hppi.prio < c->pmr && c->hppi.prio < running_prio(c);
}

u8 gicv3_phys_lines(const struct gicv3_cpu *c)
{
    if (!takeable(c)) {
        return 0;
    }
    bool irq;
    if (c->hppi.group == G0) {
        irq = false;
    } else if (gicv3_ds(c->gic)) {
        irq = true;
    } else {
        irq = c->hppi.group == G1S ? c->g1s_irq : c->g1ns_irq;
    }
    return irq ? BIT(GIC_IRQ) : BIT(GIC_FIQ);
}

void gicv3_cpu_state(struct device *gic, unsigned cpu, unsigned el, bool secure, bool el3_aarch32)
{
    struct gicv3_cpu *c = ((struct gicv3 *)gic)->cpu[cpu];
    bool g1s_irq = secure && (el < 3 || el3_aarch32), g1ns_irq = !secure;
    if (!c->gic->has_security || (c->g1s_irq == g1s_irq && c->g1ns_irq == g1ns_irq)) {
        return;
    }
    gicv3_lock(c->gic);
    c->g1s_irq = g1s_irq;
    c->g1ns_irq = g1ns_irq;
    gicv3_cpu_signal(c);
    gicv3_unlock(c->gic);
}

/* -- who asks ------------------------------------------------------------------------------------------------------ */

/* The Group 1 that the registers ending in 1 mean. */
static enum gicv3_group group1_of(const struct gicv3_cpu *c, const struct gicv3_cpu_ctx *x)
{
    return x->has_el3 && !x->scr_ns && !gicv3_ds(c->gic) ? G1S : G1NS;
}

static u32 *ctlr_of(struct gicv3_cpu *c, const struct gicv3_cpu_ctx *x)
{
    return &c->ctlr[group1_of(c, x) == G1NS];
}

/* May the access acknowledge and end interrupts of that group, by the registers of Group 0 or of Group 1? */
static bool group_mine(const struct gicv3_cpu *c, const struct gicv3_cpu_ctx *x, bool group1, enum gicv3_group g)
{
    if (group1) {
        return g != G0 && (x->el == 3 || g == group1_of(c, x));
    }
    return g == G0 && (x->el == 3 || x->secure || !x->has_el3 || gicv3_ds(c->gic));
}

static bool split_eoi(struct gicv3_cpu *c, const struct gicv3_cpu_ctx *x)
{
    return x->el == 3 ? c->ctlr_el3 & ICC_CTLR_EL3_EOIMODE : *ctlr_of(c, x) & ICC_CTLR_EOIMODE;
}

static bool shifted_view(const struct gicv3_cpu *c, const struct gicv3_cpu_ctx *x)
{
    return x->has_el3 && x->el < 3 && !x->secure && x->scr_fiq && !gicv3_ds(c->gic);
}

/* -- the registers; n is 0 for Group 0's, 1 for Group 1's ---------------------------------------------------------- */

typedef const struct gicv3_cpu_ctx ctx;

static u64 pmr_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    (void)n;
    return !shifted_view(c, x) ? c->pmr : c->pmr & 0x80 ? (u8)(c->pmr << 1) : 0;
}

static void pmr_write(struct gicv3_cpu *c, ctx *x, unsigned n, u64 v)
{
    (void)n;
    if (!shifted_view(c, x)) {
        c->pmr = v & GICV3_PRI_MASK;
    } else if (c->pmr & 0x80) {
        c->pmr = gicv3_prio_from_ns((u8)v) & GICV3_PRI_MASK;
    }
    gicv3_cpu_signal(c);
}

static u64 rpr_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    (void)n;
    u8 prio = running_prio(c);
    if (!shifted_view(c, x) || prio == GIC_IDLE) {
        return prio;
    }
    return prio & 0x80 ? (u8)(prio << 1) : 0;
}

static u64 hppir_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    if (c->hppi.irq == INTID_SPURIOUS || group_mine(c, x, n, c->hppi.group)) {
        return c->hppi.irq;
    }
    if (n == 0 && x->el == 3) {
        return c->hppi.group == G1S ? INTID_SECURE : INTID_NONSECURE;
    }
    return INTID_SPURIOUS;
}

static u64 iar_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    u32 irq = takeable(c) ? (u32)hppir_read(c, x, n) : INTID_SPURIOUS;
    if (irq != c->hppi.irq || irq == INTID_SPURIOUS) {
        return irq;
    }
    enum gicv3_group g = c->hppi.group;
    c->apr[g] |= 1u << ((c->hppi.prio & group_prio_mask(c, g)) >> GICV3_PRI_SHIFT);
    gicv3_irq_activate(c, irq);
    return irq;
}

/* The priority drops only if the running interrupt is of a group that the access may end. */
static void eoir_write(struct gicv3_cpu *c, ctx *x, unsigned n, u64 v)
{
    u32 irq = (u32)bits(v, 0, 24), all = c->apr[G0] | c->apr[G1S] | c->apr[G1NS];
    if (irq >= INTID_SECURE && irq < GICV3_LPI_BASE) {
        return;
    }
    for (unsigned g = 0; g < GICV3_GROUPS && all; g++) {
        if (group_mine(c, x, n, g) && c->apr[g] & all & -all) {
            c->apr[g] &= ~(all & -all);
            break;
        }
    }
    if (!split_eoi(c, x) && group_mine(c, x, n, gicv3_irq_group(c, irq))) {
        gicv3_irq_deactivate(c, irq);
    }
    gicv3_cpu_signal(c);
}

static void dir_write(struct gicv3_cpu *c, ctx *x, unsigned n, u64 v)
{
    (void)n;
    u32 irq = (u32)bits(v, 0, 24);
    if (irq >= INTID_SECURE || !split_eoi(c, x)) {
        return;
    }
    enum gicv3_group g = gicv3_irq_group(c, irq);
    if (group_mine(c, x, false, g) || g == G1NS || group_mine(c, x, true, g)) {
        gicv3_irq_deactivate(c, irq);
    }
}

static u64 bpr_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    enum gicv3_group g = n ? group1_of(c, x) : G0;
    if (n && *ctlr_of(c, x) & ICC_CTLR_CBPR) {
        return g == G1S ? c->bpr[G0] : MIN(c->bpr[G0] + 1, 7);
    }
    return c->bpr[g];
}

static void bpr_write(struct gicv3_cpu *c, ctx *x, unsigned n, u64 v)
{
    enum gicv3_group g = n ? group1_of(c, x) : G0;
    if (n && *ctlr_of(c, x) & ICC_CTLR_CBPR) {
        if (g == G1NS) {
            return;
        }
        g = G0;
    }
    c->bpr[g] = (u8)MAX(v & 7, (u64)GICV3_BPR_MIN + (g == G1NS));
    gicv3_cpu_signal(c);
}

static u64 apr_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    return c->apr[n ? group1_of(c, x) : G0];
}

static void apr_write(struct gicv3_cpu *c, ctx *x, unsigned n, u64 v)
{
    c->apr[n ? group1_of(c, x) : G0] = (u32)v;
    gicv3_cpu_signal(c);
}

#define CTLR_FIXED ((GICV3_PRIORITY_BITS - 1) << 8 | 1u << 15) /* PRIbits, A3V; IDbits 0: 16 bits */

static u64 ctlr_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    (void)n;
    return *ctlr_of(c, x) | CTLR_FIXED;
}

/* With two Security states the Non-secure CBPR is EL3's to write. */
static void ctlr_write(struct gicv3_cpu *c, ctx *x, unsigned n, u64 v)
{
    (void)n;
    bool no_cbpr = x->has_el3 && !gicv3_ds(c->gic) && group1_of(c, x) == G1NS;
    u32 mask = ICC_CTLR_EOIMODE | (no_cbpr ? 0 : ICC_CTLR_CBPR), *ctlr = ctlr_of(c, x);
    *ctlr = (*ctlr & ~mask) | ((u32)v & mask);
    gicv3_cpu_signal(c);
}

/* ICC_CTLR_EL3 gathers the EL1 bits of both states: CBPR in 0 and 1, EOImode in 3 and 4. */
static u64 ctlr_el3_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    (void)x;
    (void)n;
    u64 v = c->ctlr_el3 | CTLR_FIXED;
    for (unsigned i = 0; i < 2; i++) {
        v |= bit(c->ctlr[i], 0) << i | bit(c->ctlr[i], 1) << (3 + i);
    }
    return v;
}

static void ctlr_el3_write(struct gicv3_cpu *c, ctx *x, unsigned n, u64 v)
{
    (void)x;
    (void)n;
    c->ctlr_el3 = v & ICC_CTLR_EL3_EOIMODE;
    for (unsigned i = 0; i < 2; i++) {
        c->ctlr[i] = (u32)(bit(v, i) | bit(v, 3 + i) << 1);
    }
    gicv3_cpu_signal(c);
}

static u64 igrpen_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    return c->igrpen[n ? group1_of(c, x) : G0];
}

static void igrpen_write(struct gicv3_cpu *c, ctx *x, unsigned n, u64 v)
{
    c->igrpen[n ? group1_of(c, x) : G0] = v & 1;
    gicv3_cpu_update(c);
}

static u64 igrpen1_el3_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    (void)x;
    (void)n;
    return c->igrpen[G1NS] | (u64)c->igrpen[G1S] << 1;
}

static void igrpen1_el3_write(struct gicv3_cpu *c, ctx *x, unsigned n, u64 v)
{
    (void)x;
    (void)n;
    c->igrpen[G1NS] = v & 1;
    c->igrpen[G1S] = v >> 1 & 1;
    gicv3_cpu_update(c);
}

static u64 sre_read(struct gicv3_cpu *c, ctx *x, unsigned n)
{
    (void)c;
    (void)x;
    return n;
}

static void sre_write(struct gicv3_cpu *c, ctx *x, unsigned n, u64 v)
{
    (void)c;
    (void)x;
    (void)n;
    (void)v;
}

/* -- SGIs -------------------------------------------------------------------------------------------------------- */

enum { SGI0R, SGI1R, ASGI1R };

/* Is an SGI forwarded (IHI 0069H, 12.1.11)? It is if it has the group that was asked for; a
 * Non-secure sender needs the receiver's GICR_NSACR for the Secure groups, and reaches both by ICC_SGI1R. */
static bool sgi_allowed(struct gicv3_cpu *to, unsigned irq, enum gicv3_group wanted, bool from_ns)
{
    enum gicv3_group g = gicv3_irq_group(to, irq);
    if (from_ns && g != G1NS) {
        return bits(to->nsacr, irq * 2, 2) && (wanted == g || wanted == G1NS);
    }
    return g == wanted;
}

static void sgi_write(struct gicv3_cpu *c, ctx *x, unsigned n, u64 v)
{
    struct gicv3 *s = c->gic;
    enum gicv3_group own = group1_of(c, x), wanted = own;
    if (n == SGI0R) {
        wanted = G0;
    } else if (n == ASGI1R && !gicv3_ds(s)) {
        wanted = own == G1S ? G1NS : G1S;
    }
    bool from_ns = own == G1NS && !gicv3_ds(s), others = bit(v, 40);
    unsigned irq = (unsigned)bits(v, 24, 4);
    u64 cluster = bits(v, 48, 8) << 32 | bits(v, 32, 8) << 16 | bits(v, 16, 8) << 8 | bits(v, 44, 4) << 4;
    for (unsigned i = 0; i < s->num_cpu; i++) {
        struct gicv3_cpu *to = s->cpu[i];
        bool hit = others ? to != c : (to->affinity & ~0xfull) == cluster && bit(v, to->affinity & 0xf);
        if (hit && !bit(to->latch, irq) && sgi_allowed(to, irq, wanted, from_ns)) {
            to->latch |= 1u << irq;
            gicv3_cpu_update(to);
        }
    }
}

// clang-format off
#define BOTH(r) r##_read, r##_write
#define VBOTH(r) gicv3_v##r##_read, gicv3_v##r##_write
static const struct gicv3_sysreg cpu_sysregs[] = {
    { GICV3_ENC(3, 0, 4, 6, 0), "ICC_PMR_EL1", SR_COMMON, BOTH(pmr),         VBOTH(pmr),             0 },
    { ICC(8, 0),  "ICC_IAR0_EL1",    SR_GROUP0, iar_read, NULL,              gicv3_viar_read, NULL,   0 },
    { ICC(8, 1),  "ICC_EOIR0_EL1",   SR_GROUP0, NULL, eoir_write,            NULL, gicv3_veoir_write, 0 },
    { ICC(8, 2),  "ICC_HPPIR0_EL1",  SR_GROUP0, hppir_read, NULL,            gicv3_vhppir_read, NULL, 0 },
    { ICC(8, 3),  "ICC_BPR0_EL1",    SR_GROUP0, BOTH(bpr),                   VBOTH(bpr),              0 },
    { ICC(8, 4),  "ICC_AP0R0_EL1",   SR_GROUP0, BOTH(apr),                   VBOTH(apr),              0 },
    { ICC(9, 0),  "ICC_AP1R0_EL1",   SR_GROUP1, BOTH(apr),                   VBOTH(apr),              1 },
    { ICC(11, 1), "ICC_DIR_EL1",     SR_DIR,    NULL, dir_write,             NULL, gicv3_vdir_write,  0 },
    { ICC(11, 3), "ICC_RPR_EL1",     SR_COMMON, rpr_read, NULL,              gicv3_vrpr_read, NULL,   0 },
    { ICC(11, 5), "ICC_SGI1R_EL1",   SR_SGI,    NULL, sgi_write,             NULL, NULL,              SGI1R },
    { ICC(11, 6), "ICC_ASGI1R_EL1",  SR_SGI,    NULL, sgi_write,             NULL, NULL,              ASGI1R },
    { ICC(11, 7), "ICC_SGI0R_EL1",   SR_SGI,    NULL, sgi_write,             NULL, NULL,              SGI0R },
    { ICC(12, 0), "ICC_IAR1_EL1",    SR_GROUP1, iar_read, NULL,              gicv3_viar_read, NULL,   1 },
    { ICC(12, 1), "ICC_EOIR1_EL1",   SR_GROUP1, NULL, eoir_write,            NULL, gicv3_veoir_write, 1 },
    { ICC(12, 2), "ICC_HPPIR1_EL1",  SR_GROUP1, hppir_read, NULL,            gicv3_vhppir_read, NULL, 1 },
    { ICC(12, 3), "ICC_BPR1_EL1",    SR_GROUP1, BOTH(bpr),                   VBOTH(bpr),              1 },
    { ICC(12, 4), "ICC_CTLR_EL1",    SR_COMMON, BOTH(ctlr),                  VBOTH(ctlr),             0 },
    { ICC(12, 5), "ICC_SRE_EL1",     SR_SRE,    BOTH(sre),                   NULL, NULL,              0x7 },
    { ICC(12, 6), "ICC_IGRPEN0_EL1", SR_GROUP0, BOTH(igrpen),                VBOTH(igrpen),           0 },
    { ICC(12, 7), "ICC_IGRPEN1_EL1", SR_GROUP1, BOTH(igrpen),                VBOTH(igrpen),           1 },
    { ICH(9, 5),  "ICC_SRE_EL2",     SR_EL2,    BOTH(sre),                   NULL, NULL,              0xf },
    { GICV3_ENC(3, 6, 12, 12, 4), "ICC_CTLR_EL3",    SR_EL3, BOTH(ctlr_el3),    NULL, NULL,           0 },
    { GICV3_ENC(3, 6, 12, 12, 5), "ICC_SRE_EL3",     SR_EL3, BOTH(sre),         NULL, NULL,           0xf },
    { GICV3_ENC(3, 6, 12, 12, 7), "ICC_IGRPEN1_EL3", SR_EL3, BOTH(igrpen1_el3), NULL, NULL,           0 },
    {0},
};
// clang-format on

/* -- access ------------------------------------------------------------------------------------------------------ */

static const struct gicv3_sysreg *find(const struct gicv3_sysreg *t, u32 enc)
{
    while (t->name && t->enc != enc) {
        t++;
    }
    return t->name ? t : NULL;
}

static const struct gicv3_sysreg *sysreg_find(u32 enc)
{
    const struct gicv3_sysreg *r = find(cpu_sysregs, enc);
    return r ? r : find(gicv3_virt_sysregs, enc);
}

bool gicv3_cpu_has_reg(u32 enc)
{
    return sysreg_find(enc) != NULL;
}

void gicv3_sysregs_index(struct gicv3 *s)
{
    for (const struct gicv3_sysreg *r = cpu_sysregs; r->name; r++) {
        s->sysreg[gicv3_sysreg_slot(r->enc)] = r;
    }
    for (const struct gicv3_sysreg *r = gicv3_virt_sysregs; r->name; r++) {
        s->sysreg[gicv3_sysreg_slot(r->enc)] = r;
    }
}

static const struct gicv3_sysreg *sysreg_of(const struct gicv3 *s, u32 enc)
{
    const struct gicv3_sysreg *r = s->sysreg[gicv3_sysreg_slot(enc)];
    return r && r->enc == enc ? r : NULL;
}

/* Has the hypervisor taken over the interrupts that the register is about? */
static bool is_virtual(const struct gicv3_sysreg *r, ctx *x)
{
    if (x->el != 1 || !x->el2_enabled) {
        return false;
    }
    switch (r->kind) {
    case SR_GROUP0:
        return x->fmo;
    case SR_GROUP1:
        return x->imo;
    case SR_COMMON:
    case SR_DIR:
    case SR_SGI:
        return x->fmo || x->imo;
    default:
        return false;
    }
}

/* Bits of ICH_HCR_EL2 that trap the register. */
static u32 el2_trap_bits(const struct gicv3_sysreg *r)
{
    switch (r->kind) {
    case SR_GROUP0:
        return ICH_HCR_TALL0;
    case SR_GROUP1:
        return ICH_HCR_TALL1;
    case SR_COMMON:
    case SR_SGI:
        return ICH_HCR_TC;
    case SR_DIR:
        return ICH_HCR_TC | ICH_HCR_TDIR;
    default:
        return 0;
    }
}

static bool el3_traps(const struct gicv3_sysreg *r, ctx *x)
{
    switch (r->kind) {
    case SR_GROUP0:
        return x->scr_fiq;
    case SR_GROUP1:
        return x->scr_irq;
    case SR_COMMON:
    case SR_DIR:
    case SR_SGI:
        return x->scr_fiq && x->scr_irq;
    default:
        return false;
    }
}

enum gicv3_access gicv3_cpu_access(struct device *gic, unsigned cpu, u32 enc, bool write, ctx *x)
{
    struct gicv3 *s = (struct gicv3 *)gic;
    const struct gicv3_sysreg *r = sysreg_of(s, enc);
    if (!r || !(write ? r->write != NULL : r->read != NULL) || (r->kind == SR_EL2 && x->el < 2) ||
        (r->kind == SR_EL3 && x->el < 3)) {
        return GICV3_UNDEF;
    }
    if (x->el == 1 && x->el2_enabled && s->cpu[cpu]->hcr & el2_trap_bits(r)) {
        return GICV3_TRAP_EL2;
    }
    if (is_virtual(r, x)) {
        return r->kind == SR_SGI ? GICV3_TRAP_EL2 : GICV3_OK;
    }
    return x->el < 3 && el3_traps(r, x) ? GICV3_TRAP_EL3 : GICV3_OK;
}

u64 gicv3_cpu_read(struct device *gic, unsigned cpu, u32 enc, ctx *x)
{
    struct gicv3 *s = (struct gicv3 *)gic;
    const struct gicv3_sysreg *r = sysreg_of(s, enc);
    must(r);
    gicv3_lock(s);
    u64 v = (is_virtual(r, x) ? r->vread : r->read)(s->cpu[cpu], x, r->n);
    gicv3_unlock(s);
    return v;
}

void gicv3_cpu_write(struct device *gic, unsigned cpu, u32 enc, u64 val, ctx *x)
{
    struct gicv3 *s = (struct gicv3 *)gic;
    const struct gicv3_sysreg *r = sysreg_of(s, enc);
    must(r);
    gicv3_lock(s);
    (is_virtual(r, x) ? r->vwrite : r->write)(s->cpu[cpu], x, r->n, val);
    gicv3_unlock(s);
}
