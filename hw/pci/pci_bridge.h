/* PCI-to-PCI bridges: a function whose class starts with struct pci_bridge, with a bus behind it. */
#ifndef MOSS_HW_PCI_PCI_BRIDGE_H
#define MOSS_HW_PCI_PCI_BRIDGE_H

#include "hw/pci/pci_bus.h"

enum { /* the type 1 header */
       PCI_PRIMARY_BUS = 0x18,
       PCI_SECONDARY_BUS = 0x19,
       PCI_SUBORDINATE_BUS = 0x1a,
       PCI_BRIDGE_ROM = 0x38,
};

struct pci_bridge {
    struct pci_device pci;
    struct pci_bus bus;
    u8 chassis;
};

/* After pci_init with header 1; the class provides "pci" and plugs by pci_bridge_plug. */
void pci_bridge_init(struct pci_bridge *b);
bool pci_bridge_plug(struct device *bridge, struct device *child, struct err *e);
/* Do accesses from the primary side to these addresses pass? fixed: those of VGA, which have a bit of their own. */
bool pci_bridge_passes(const struct pci_device *p, bool io, u64 at, u64 size, bool fixed);

extern const struct device_class pci_bridge_class; /* "pci-bridge" */

#endif
