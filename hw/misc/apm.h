/* The PC's APM control and status ports (0xb2, 0xb3). irq 0: pulses when control is written, the processor's SMI. */
#ifndef MOSS_HW_MISC_APM_H
#define MOSS_HW_MISC_APM_H

#include "hw/core/device.h"

extern const struct device_class apm_class;

#endif
