/* Arm GICv2 (IHI 0048B) and its MSI frame.
 *
 * Properties of gicv2: num-cpu (1..8), num-irq (64..1020, default 288), has-security-extensions,
 * has-virtualization-extensions. The distributor is device.mmio (4 KiB); the other register frames are regions that
 * the board maps itself. Who accesses is told by mem_attrs: the CPU by is_cpu/cpu, security by secure. */
#ifndef MOSS_HW_INTC_GICV2_H
#define MOSS_HW_INTC_GICV2_H

#include "hw/core/device.h"
#include "hw/intc/gic.h"

extern const struct device_class gicv2_class;

enum gicv2_frame {
    GICV2_GICC, /* CPU interface, 8 KiB */
    GICV2_GICH, /* virtual interface control, 4 KiB */
    GICV2_GICV, /* virtual CPU interface, 8 KiB */
    GICV2_FRAMES
};
/* Valid from device_new on. */
struct mem_region *gicv2_region(struct device *gic, enum gicv2_frame f);

/* GICv2m MSI frame (Arm SBSA, appendix E): a write of an INTID to MSI_SETSPI_NS raises that SPI.
 * Properties: base-spi (SPIs count from 0, as in QEMU: 48 is INTID 80), num-spi (up to 128).
 * Output pin i is SPI base-spi + i; it gets a pulse (the SPI is to be edge triggered). */
extern const struct device_class gicv2m_class;

#endif
