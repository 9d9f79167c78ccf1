/* The PC's system control port A (port 0x92). irq 0: address line 20 is masked; irq 1: pulses to reset the processor.
 */
#ifndef MOSS_HW_MISC_PORT92_H
#define MOSS_HW_MISC_PORT92_H

#include "hw/core/device.h"

extern const struct device_class port92_class;

#endif
