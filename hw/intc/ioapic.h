/* IO-APIC, the 82093AA's, with the EOI register of later ones. Inputs 0..23: the interrupt lines, asserted or not. What
 * becomes of an interrupt is a message: a store to the local APICs' window through device.dma, as an MSI's.
 *
 * Property: version (0x11 or 0x20, which has the EOI register). Registers: device.mmio, a page's first 0x50 bytes. */
#ifndef MOSS_HW_INTC_IOAPIC_H
#define MOSS_HW_INTC_IOAPIC_H

#include "hw/core/device.h"

#define IOAPIC_BASE 0xfec00000ull
enum { IOAPIC_PINS = 24 };

extern const struct device_class ioapic_class;

/* A local APIC is done with a level-triggered interrupt; machine lock held. */
void ioapic_eoi(struct device *ioapic, unsigned vector);

#endif
