/* The watchdog of Intel's 6300ESB, on PCI. */
#ifndef MOSS_HW_MISC_I6300ESB_H
#define MOSS_HW_MISC_I6300ESB_H

#include "hw/core/device.h"

extern const struct device_class i6300esb_class;

#endif
