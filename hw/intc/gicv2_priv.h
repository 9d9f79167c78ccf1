/* The state of a GICv2, shared by its distributor, CPU interface and virtual interface. */
#ifndef MOSS_HW_INTC_GICV2_PRIV_H
#define MOSS_HW_INTC_GICV2_PRIV_H

#include "base/bits.h"
#include "base/log.h"
#include "hw/intc/gic_regs.h"
#include "hw/intc/gicv2.h"

#define GICV2_CPUS      8
#define GICV2_IRQS      1024
#define GICV2_WORDS     (GICV2_IRQS / 32)
#define GICV2_LRS       4
#define GICV2_PRI_MASK  0xf8 /* 5 priority bits, as the GIC-400 */
#define GICV2_PRI_SHIFT 3
#define GICV2_BPR_MIN   2 /* with 5 bits every value below gives the same split */
#define GICV2_ABPR_MIN  3

#define INTID_GROUP1   1022 /* a Group 1 interrupt is pending, ask for it in its own way */
#define INTID_SPURIOUS 1023

enum {
    GICC_CTLR_GRP0 = 1 << 0,
    GICC_CTLR_GRP1 = 1 << 1,
    GICC_CTLR_ACKCTL = 1 << 2,
    GICC_CTLR_FIQEN = 1 << 3,
    GICC_CTLR_CBPR = 1 << 4,
    GICC_CTLR_EOIMODE_S = 1 << 9,
    GICC_CTLR_EOIMODE_NS = 1 << 10,
};

/* One bit an interrupt. Those of INTID 0..31 are banked by CPU. */
struct gicv2_bits {
    u32 own[GICV2_CPUS];
    u32 spi[GICV2_WORDS]; /* [0] is not used */
};

struct gicv2_cpu {
    u32 ctlr, apr, nsapr; /* apr, nsapr: a bit a preemption level, Group 0 and Group 1 */
    u8 pmr, bpr, abpr;
    /* virtual interface */
    u32 hcr, vapr, lr[GICV2_LRS];
    u32 vctlr; /* in GICV_CTLR's format */
    u8 vpmr, vbpr, vabpr;
    /* derived by gicv2_update */
    u16 hppi; /* highest priority pending interrupt, INTID_SPURIOUS: none */
    u8 hppi_prio;
    u8 lines; /* a bit an output, by enum gic_out_kind */
};

struct gicv2 {
    struct device dev;
    u32 num_cpu, num_irq;
    bool has_security, has_virt;
    struct mem_region region[GICV2_FRAMES];
    bool busy, again; /* gicv2_update is not recursive: a pin set from within it asks for another round */

    u32 ctlr; /* bit 0 EnableGrp0, bit 1 EnableGrp1 */
    struct gicv2_bits group, enabled, latch, active, edge, level;
    u8 own_prio[GICV2_CPUS * 32], spi_prio[GICV2_IRQS];
    u8 target[GICV2_IRQS];        /* SPIs */
    u8 sgi_from[GICV2_CPUS * 16]; /* pending SGIs: a bit a sending CPU */
    struct gicv2_cpu cpu[GICV2_CPUS];
};

static inline struct gic_acc gicv2_acc(const struct gicv2 *s, struct mem_attrs a)
{
    return (struct gic_acc){.cpu = a.is_cpu && a.cpu < s->num_cpu ? a.cpu : 0, .ns = s->has_security && !a.secure};
}

static inline u32 *gicv2_word(struct gicv2_bits *b, unsigned cpu, unsigned w)
{
    return w ? &b->spi[w] : &b->own[cpu];
}
static inline bool gicv2_get(const struct gicv2_bits *b, unsigned cpu, unsigned irq)
{
    return bit(irq < 32 ? b->own[cpu] : b->spi[irq / 32], irq % 32);
}
static inline void gicv2_set(struct gicv2_bits *b, unsigned cpu, unsigned irq, bool on)
{
    u32 *w = gicv2_word(b, cpu, irq / 32);
    *w = on ? *w | (u32)BIT(irq % 32) : *w & ~(u32)BIT(irq % 32);
}
static inline u8 *gicv2_prio(struct gicv2 *s, unsigned cpu, unsigned irq)
{
    return irq < 32 ? &s->own_prio[cpu * 32 + irq] : &s->spi_prio[irq];
}

/* Recomputes every CPU's highest priority pending interrupt and drives the outputs. After every change of state. */
void gicv2_update(struct gicv2 *s);

/* The pending bits of word w (INTID 32w..32w+31) as CPU `cpu` has them. */
u32 gicv2_pending(struct gicv2 *s, unsigned cpu, unsigned w);
/* Pending to active: the state changes of an acknowledge. Gives the value of GICC_IAR (CPUID of an SGI included). */
u32 gicv2_activate(struct gicv2 *s, unsigned cpu, unsigned irq);

/* CPU interface: is the pending interrupt of that priority and group to be signalled, and as what? 0 when not, else a
 * bit by enum gic_out_kind. */
u8 gicv2_cpu_signal(struct gicv2 *s, unsigned cpu);
/* Virtual interface: VIRQ, VFIQ and maintenance, as bits by enum gic_out_kind. */
u8 gicv2_virt_signal(struct gicv2 *s, unsigned cpu);

/* The highest running priority of two preemption-level words; GIC_IDLE when there is none. */
static inline u8 gicv2_running(u32 apr)
{
    return apr ? (u8)(ctz32(apr) << GICV2_PRI_SHIFT) : GIC_IDLE;
}

extern const struct mem_ops gicv2_dist_ops, gicv2_cpu_ops, gicv2_virt_ops, gicv2_vcpu_ops;

#endif
