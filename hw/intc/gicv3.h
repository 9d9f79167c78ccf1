/* Arm GICv3 (IHI 0069) and its ITS.
 *
 * Properties of gicv3: num-cpu (1..512), num-irq (64..1020, default 288), has-security-extensions, has-lpi,
 * redist0-cpus (how many CPUs' redistributors lie in the first region; 0: all). The distributor is device.mmio (64
 * KiB).
 *
 * Order for a board: device_new, properties, device_init, then gicv3_set_affinity, fill device.irqs, map regions.
 *
 * Locking: the GIC has a lock of its own. The input pins and gicv3_cpu_* may be called from any thread with or without
 * the machine lock. Output lines are driven with the GIC's lock held: their functions may set another pin of the same
 * GIC (the maintenance interrupt does), but must not take the machine lock nor wait for a thread. */
#ifndef MOSS_HW_INTC_GICV3_H
#define MOSS_HW_INTC_GICV3_H

#include "hw/core/device.h"
#include "hw/intc/gic.h"

#define GICV3_MAX_CPUS      512
#define GICV3_REDIST_SIZE   0x20000u /* two 64 KiB frames a CPU: RD_base, SGI_base */
#define GICV3_NUM_LRS       4u       /* list registers: ICH_VTR_EL2.ListRegs + 1 */
#define GICV3_PRIORITY_BITS 5u       /* ICC_CTLR.PRIbits + 1, ICH_VTR_EL2.PRIbits + 1 */

extern const struct device_class gicv3_class;

/* Valid from device_init on. Region n is of `cpus x 128 KiB`: n = 0 the first redist0-cpus, n = 1 the others. NULL when
 * there is no such region. */
struct mem_region *gicv3_redist_region(struct device *gic, unsigned n);

/* The affinity fields as in MPIDR_EL1 (Aff3 in [39:32], Aff2..Aff0 in [23:0]). Default: 16 CPUs a cluster, Aff0 = cpu %
 * 16, Aff1 = cpu / 16. */
void gicv3_set_affinity(struct device *gic, unsigned cpu, u64 mpidr);

/* -- the CPU interface: the ICC_*, ICV_* and ICH_* system registers --------------------------------- */

/* op0 << 14 | op1 << 11 | CRn << 7 | CRm << 3 | op2, which is bits [20:5] of MRS and MSR. AArch32 accesses are given as
 * the AArch64 register they are mapped to (ICC_SGI1R etc. too, the 64-bit value whole). */
#define GICV3_ENC(op0, op1, crn, crm, op2) ((u32)((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2)))

/* How the CPU stands at the access. */
struct gicv3_cpu_ctx {
    u8 el;       /* 1..3 */
    bool secure; /* the current Security state (EL3 is Secure) */
    bool has_el2, has_el3;
    bool el2_enabled;      /* EL2 is there in the current Security state */
    bool aarch32;          /* the current EL is in AArch32 */
    bool scr_ns;           /* SCR_EL3.NS: which bank EL3 sees. True when there is no EL3 and the CPU is Non-secure */
    bool scr_irq, scr_fiq; /* SCR_EL3.{IRQ,FIQ}; false without EL3 */
    bool imo, fmo, amo;    /* HCR_EL2.{IMO,FMO,AMO}, each true when TGE is 1 */
};

enum gicv3_access {
    GICV3_OK,
    GICV3_UNDEF,    /* no such register here, or not at this EL */
    GICV3_TRAP_EL2, /* ICH_HCR_EL2's trap bits; syndrome: EC 0x18 (AArch32: the coprocessor's EC) */
    GICV3_TRAP_EL3, /* SCR_EL3.{IRQ,FIQ} */
};
/* Is this a register of the GIC, ICC_/ICV_/ICH_*? */
bool gicv3_cpu_has_reg(u32 enc);
/* Ask before each read or write; only after GICV3_OK may gicv3_cpu_read or gicv3_cpu_write follow. */
enum gicv3_access gicv3_cpu_access(struct device *gic, unsigned cpu, u32 enc, bool write,
                                   const struct gicv3_cpu_ctx *ctx);
u64 gicv3_cpu_read(struct device *gic, unsigned cpu, u32 enc, const struct gicv3_cpu_ctx *ctx);
void gicv3_cpu_write(struct device *gic, unsigned cpu, u32 enc, u64 val, const struct gicv3_cpu_ctx *ctx);
/* Tell whenever the CPU's EL, Security state or SCR_EL3.NS changes: Group 0 and the other Security state's Group 1 are
 * signalled as FIQ, so the lines depend on it (IHI 0069, 4.6.2). Cheap when nothing changed hands. */
void gicv3_cpu_state(struct device *gic, unsigned cpu, unsigned el, bool secure, bool el3_aarch32);

/* -- ITS --------------------------------------------------------------------------------------------- */

/* Properties: none. device.mmio is 128 KiB: the control frame, then the frame of GITS_TRANSLATER, which is the doorbell
 * that MSIs are written to; the DeviceID is mem_attrs.requester of the write. */
extern const struct device_class gicv3_its_class;
/* Between device_new and device_init. The GIC must have has-lpi. */
void gicv3_its_attach(struct device *its, struct device *gic);

#endif
