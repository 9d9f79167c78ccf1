/* The PCI test device. */
#ifndef MOSS_HW_MISC_PCI_TESTDEV_H
#define MOSS_HW_MISC_PCI_TESTDEV_H

#include "hw/core/device.h"

extern const struct device_class pci_testdev_class;

#endif
