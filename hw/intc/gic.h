/* What a board needs to know of any Arm interrupt controller: the numbers of its pins.
 *
 * Output pins (device.irqs): five for each CPU, gic_out(cpu, kind).
 * Input pins (device_pin): first the SPIs, pin n = INTID 32 + n, for n < num_irq - 32; then 32 for each CPU, of which
 * those of INTID 16..31 (the PPIs) may be driven: gic_ppi(num_irq, cpu, intid). num_irq is the property "num-irq":
 * all INTIDs of the distributor, the 32 private ones included (QEMU's meaning). */
#ifndef MOSS_HW_INTC_GIC_H
#define MOSS_HW_INTC_GIC_H

#include "base/types.h"

enum gic_out_kind {
    GIC_IRQ,   /* to the CPU's IRQ input */
    GIC_FIQ,   /* to its FIQ input */
    GIC_VIRQ,  /* virtual IRQ */
    GIC_VFIQ,  /* virtual FIQ */
    GIC_MAINT, /* maintenance interrupt of the virtual interface; boards wire it to a PPI (INTID 25) */
    GIC_OUTS
};
static inline unsigned gic_out(unsigned cpu, enum gic_out_kind kind)
{
    return cpu * GIC_OUTS + kind;
}
static inline unsigned gic_spi(unsigned spi)
{
    return spi;
}
static inline unsigned gic_ppi(unsigned num_irq, unsigned cpu, unsigned intid)
{
    return num_irq - 32 + 32 * cpu + intid;
}

#endif
