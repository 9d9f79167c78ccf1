/* ramfb. */
#ifndef MOSS_HW_DISPLAY_RAMFB_H
#define MOSS_HW_DISPLAY_RAMFB_H

#include "hw/core/device.h"

extern const struct device_class ramfb_class;

#endif
