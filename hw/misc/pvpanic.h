/* pvpanic: a port by which a guest says that it has crashed, on ISA or on PCI. */
#ifndef MOSS_HW_MISC_PVPANIC_H
#define MOSS_HW_MISC_PVPANIC_H

#include "hw/core/device.h"

extern const struct device_class pvpanic_class, pvpanic_pci_class;

#endif
