/* pc-testdev: what kvm-unit-tests expects of a PC beside its devices. */
#ifndef MOSS_HW_MISC_PC_TESTDEV_H
#define MOSS_HW_MISC_PC_TESTDEV_H

#include "hw/core/device.h"

extern const struct device_class pc_testdev_class;

#endif
