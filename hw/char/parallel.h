/* The PC's parallel port with a printer, or nothing, at its cable. irq 0: IRQ 7. */
#ifndef MOSS_HW_CHAR_PARALLEL_H
#define MOSS_HW_CHAR_PARALLEL_H

#include "hw/core/device.h"

extern const struct device_class parallel_class;

#endif
