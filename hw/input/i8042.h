/* The PC's keyboard controller with a PS/2 keyboard and a PS/2 mouse. irq 0: IRQ 1; irq 1: IRQ 12; irq 2: address line
 * 20 is masked; irq 3: pulses to reset the processor. */
#ifndef MOSS_HW_INPUT_I8042_H
#define MOSS_HW_INPUT_I8042_H

#include "hw/core/device.h"

extern const struct device_class i8042_class;

#endif
