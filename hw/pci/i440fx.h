/* The i440FX north bridge: the PC's first PCI host, "pci.0". */
#ifndef MOSS_HW_PCI_I440FX_H
#define MOSS_HW_PCI_I440FX_H

#include "hw/pci/pc_host.h"

extern const struct device_class i440fx_host_class; /* "i440FX-pcihost", provides "pci", outputs PIRQA..PIRQD */

#endif
