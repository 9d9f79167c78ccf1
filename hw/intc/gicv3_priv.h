/* The state of a GICv3, shared by distributor, redistributors, CPU interfaces, LPIs and ITS.
 *
 * The distributor is struct gicv3. What a CPU has of its own (redistributor, ICC_*, ICH_*) is a child device, struct
 * gicv3_cpu, so that tables fit the number of CPUs. Everything is done under gicv3.lock. */
#ifndef MOSS_HW_INTC_GICV3_PRIV_H
#define MOSS_HW_INTC_GICV3_PRIV_H

#include <pthread.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/intc/gic_regs.h"
#include "hw/intc/gicv3.h"

#define GICV3_IRQS      1024
#define GICV3_WORDS     (GICV3_IRQS / 32)
#define GICV3_PRI_MASK  0xf8
#define GICV3_PRI_SHIFT 3
#define GICV3_BPR_MIN   2  /* for BPR0 and the Secure BPR1; the Non-secure BPR1 counts one more */
#define GICV3_ID_BITS   16 /* of an INTID */
#define GICV3_LPI_BASE  8192u
#define GICV3_NO_CPU    0xffff

#define INTID_SECURE    1020u /* for EL3: the Secure Group 1 has an interrupt pending */
#define INTID_NONSECURE 1021u
#define INTID_SPURIOUS  1023u

/* The groups, and the banks of registers that exist once a group. */
enum gicv3_group { G0, G1S, G1NS, GICV3_GROUPS };

enum {
    GICD_CTLR_GRP0 = 1 << 0,
    GICD_CTLR_GRP1NS = 1 << 1,
    GICD_CTLR_GRP1S = 1 << 2,
    GICD_CTLR_ARE_S = 1 << 4, /* when DS is 1: ARE */
    GICD_CTLR_ARE_NS = 1 << 5,
    GICD_CTLR_DS = 1 << 6,
    GICD_CTLR_E1NWF = 1 << 7,
    GICR_CTLR_ENABLE_LPIS = 1 << 0,
    GICR_CTLR_CES = 1 << 1, /* EnableLPIs may be cleared again */
};
enum { /* ICC_CTLR_EL1, ICV_CTLR_EL1; ctlr_el3 holds the EL3 bits of ICC_CTLR_EL3 in that register's places */
       ICC_CTLR_CBPR = 1 << 0,
       ICC_CTLR_EOIMODE = 1 << 1,
       ICC_CTLR_EL3_EOIMODE = 1 << 2,
};

struct gicv3_pend {
    u32 irq; /* INTID_SPURIOUS: none */
    u8 prio; /* as a Secure access sees it */
    u8 group;
};

struct gicv3_cpu {
    struct device dev;
    struct gicv3 *gic;
    u16 n;
    u64 affinity;
    bool last; /* of its region of redistributors */

    /* redistributor; bit i of a word: INTID i */
    u32 r_ctlr, waker;
    u32 group, grpmod, enabled, latch, active, edge, level, nsacr;
    u8 prio[32];
    u64 propbaser, pendbaser;

    /* CPU interface */
    u32 ctlr[2], ctlr_el3; /* ctlr: Secure, Non-secure */
    u8 pmr, bpr[GICV3_GROUPS], igrpen[GICV3_GROUPS];
    u32 apr[GICV3_GROUPS]; /* a bit a preemption level */
    /* virtual interface */
    u32 hcr, vctlr; /* vctlr: CBPR and EOIMODE */
    u8 vpmr, vbpr[2], vigrpen[2];
    u32 vapr[2];
    u64 lr[GICV3_NUM_LRS];

    /* from the CPU: who would take a Group 1 interrupt of either kind as an IRQ rather than a FIQ */
    bool g1s_irq, g1ns_irq;
    /* derived */
    struct gicv3_pend lpi, hppi;
    u8 lines; /* a bit an output, by enum gic_out_kind */
    bool busy, again;
};

/* A region of redistributors, and the CPU that its first one is of. */
struct gicv3_redist {
    struct mem_region region;
    struct gicv3 *gic;
    unsigned first;
};

struct gicv3 {
    struct device dev;
    u32 num_cpu, num_irq, redist0_cpus;
    bool has_security, has_lpi;
    pthread_mutex_t lock;
    struct gicv3_cpu **cpu;
    struct gicv3_redist redist[2];
    const struct gicv3_sysreg *sysreg[512]; /* by gicv3_sysreg_slot */

    u32 ctlr;
    u32 group[GICV3_WORDS], grpmod[GICV3_WORDS], enabled[GICV3_WORDS], latch[GICV3_WORDS], active[GICV3_WORDS],
        edge[GICV3_WORDS], level[GICV3_WORDS], nsacr[GICV3_WORDS * 2]; /* word 0 is each CPU's own */
    u8 prio[GICV3_IRQS];
    u64 router[GICV3_IRQS];
    u16 target[GICV3_IRQS]; /* derived from router: a CPU, or GICV3_NO_CPU */
};

static inline void gicv3_lock(struct gicv3 *s)
{
    pthread_mutex_lock(&s->lock);
}
static inline void gicv3_unlock(struct gicv3 *s)
{
    pthread_mutex_unlock(&s->lock);
}
/* Only one Security state? Then Group 1 is G1NS. */
static inline bool gicv3_ds(const struct gicv3 *s)
{
    return s->ctlr & GICD_CTLR_DS;
}
static inline enum gicv3_group gicv3_group_of(const struct gicv3 *s, bool group, bool grpmod)
{
    return group ? G1NS : grpmod && !gicv3_ds(s) ? G1S : G0;
}
static inline u8 gicv3_running(u32 apr)
{
    return apr ? (u8)(ctz32(apr) << GICV3_PRI_SHIFT) : GIC_IDLE;
}
/* Group 1 of the Non-secure state has the upper half of the priorities. */
static inline u8 gicv3_prio_from_ns(u8 prio)
{
    return 0x80 | prio >> 1;
}

/* gicv3.c */
/* After a change that can alter which interrupt c gets: chooses anew, and drives the lines. */
void gicv3_cpu_update(struct gicv3_cpu *c);
/* After a change of registers that decide on preemption or lines, but not on what is pending. */
void gicv3_cpu_signal(struct gicv3_cpu *c);
void gicv3_update_all(struct gicv3 *s);
void gicv3_spi_update(struct gicv3 *s, unsigned irq);
void gicv3_route(struct gicv3 *s, unsigned irq);
struct gicv3_cpu *gicv3_find_cpu(struct gicv3 *s, u64 affinity);
/* The group and the active bit of a private interrupt, SPI or LPI as c has it. */
enum gicv3_group gicv3_irq_group(struct gicv3_cpu *c, u32 irq);
void gicv3_irq_activate(struct gicv3_cpu *c, u32 irq);
void gicv3_irq_deactivate(struct gicv3_cpu *c, u32 irq);

/* gicv3_cpuif.c, gicv3_virt.c: which lines are up, as bits by enum gic_out_kind */
u8 gicv3_phys_lines(const struct gicv3_cpu *c);
u8 gicv3_virt_lines(const struct gicv3_cpu *c);

/* gicv3_lpi.c; the lock is held */
void gicv3_lpi_rescan(struct gicv3_cpu *c);
void gicv3_lpi_set(struct gicv3_cpu *c, u32 irq, bool pending);
bool gicv3_lpi_pending(struct gicv3_cpu *c, u32 irq);
void gicv3_lpi_move(struct gicv3_cpu *from, struct gicv3_cpu *to, u32 irq);
void gicv3_lpi_move_all(struct gicv3_cpu *from, struct gicv3_cpu *to);

/* gicv3_dist.c, gicv3_redist.c */
extern const struct mem_ops gicv3_dist_ops, gicv3_redist_ops;
u64 gicv3_id_read(struct device *d, struct gic_acc a, unsigned n);
extern const struct device_class gicv3_cpu_class;

/* System registers: rows by encoding. Each implementation file has a table; gicv3_cpuif.c looks them up. */
struct gicv3_sysreg {
    u32 enc;
    const char *name;
    u8 kind; /* enum gicv3_sysreg_kind */
    u64 (*read)(struct gicv3_cpu *c, const struct gicv3_cpu_ctx *x, unsigned n);
    void (*write)(struct gicv3_cpu *c, const struct gicv3_cpu_ctx *x, unsigned n, u64 v);
    /* the register that an EL1 access reaches when the hypervisor has taken over that kind */
    u64 (*vread)(struct gicv3_cpu *c, const struct gicv3_cpu_ctx *x, unsigned n);
    void (*vwrite)(struct gicv3_cpu *c, const struct gicv3_cpu_ctx *x, unsigned n, u64 v);
    u8 n; /* given to the hooks */
};
enum gicv3_sysreg_kind {
    SR_GROUP0, /* HCR_EL2.FMO virtualises, TALL0 traps, SCR_EL3.FIQ traps */
    SR_GROUP1, /* IMO, TALL1, SCR_EL3.IRQ */
    SR_COMMON, /* IMO or FMO, TC, SCR_EL3.{IRQ,FIQ} both */
    SR_DIR,    /* as SR_COMMON, and TDIR traps */
    SR_SGI,    /* IMO or FMO trap to EL2 */
    SR_SRE,    /* never trapped */
    SR_EL2,
    SR_EL3,
};
#define ICC(crm, op2) GICV3_ENC(3, 0, 12, crm, op2)
#define ICH(crm, op2) GICV3_ENC(3, 4, 12, crm, op2)

/* Slots are unique among the GIC's registers: CRm, op2 and op1 tell them apart. */
static inline unsigned gicv3_sysreg_slot(u32 enc)
{
    return (unsigned)(bits(enc, 12, 2) << 7 | bits(enc, 0, 7));
}
void gicv3_sysregs_index(struct gicv3 *s);

enum { /* ICH_HCR_EL2 */
       ICH_HCR_EN = 1 << 0,
       ICH_HCR_TC = 1 << 10,
       ICH_HCR_TALL0 = 1 << 11,
       ICH_HCR_TALL1 = 1 << 12,
       ICH_HCR_TSEI = 1 << 13,
       ICH_HCR_TDIR = 1 << 14,
};

/* gicv3_virt.c */
extern const struct gicv3_sysreg gicv3_virt_sysregs[];
#define VREG_R(name) u64 gicv3_v##name##_read(struct gicv3_cpu *c, const struct gicv3_cpu_ctx *x, unsigned n)
#define VREG_W(name) void gicv3_v##name##_write(struct gicv3_cpu *c, const struct gicv3_cpu_ctx *x, unsigned n, u64 v)
VREG_R(pmr);
VREG_W(pmr);
VREG_R(iar);
VREG_W(eoir);
VREG_R(hppir);
VREG_R(bpr);
VREG_W(bpr);
VREG_R(apr);
VREG_W(apr);
VREG_W(dir);
VREG_R(rpr);
VREG_R(ctlr);
VREG_W(ctlr);
VREG_R(igrpen);
VREG_W(igrpen);

#endif
