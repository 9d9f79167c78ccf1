/* PCI Express root ports ("pcie-root-port") and the bridge to conventional PCI ("pcie-pci-bridge"). */
#ifndef MOSS_HW_PCI_PCIE_PORT_H
#define MOSS_HW_PCI_PCIE_PORT_H

#include "hw/core/device.h"

extern const struct device_class pcie_root_port_class, pcie_pci_bridge_class;

#endif
