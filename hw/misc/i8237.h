/* The PC's pair of 8237A DMA controllers with their page registers (ports 0x00, 0x81, 0xc0). */
#ifndef MOSS_HW_MISC_I8237_H
#define MOSS_HW_MISC_I8237_H

#include "hw/core/device.h"
#include "hw/core/isa_dma.h"

extern const struct device_class i8237_class;

const struct isa_dma *i8237_bus(struct device *d); /* for devices on channels 0..3 and 5..7 */

#endif
