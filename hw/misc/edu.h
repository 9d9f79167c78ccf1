/* edu: a PCI device to learn writing drivers with. */
#ifndef MOSS_HW_MISC_EDU_H
#define MOSS_HW_MISC_EDU_H

#include "hw/core/device.h"

extern const struct device_class edu_class;

#endif
