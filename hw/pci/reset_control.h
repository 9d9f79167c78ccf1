/* The reset control register of Intel's south bridges (port 0xcf9; Intel 290562, 2.5.4; ICH9 data sheet, 13.7.5), which
 * lies among the ports of configuration mechanism #1. Part of a south bridge: a u8 of its state, and an output that
 * pulses for a reset of the processor alone. */
#ifndef MOSS_HW_PCI_RESET_CONTROL_H
#define MOSS_HW_PCI_RESET_CONTROL_H

#include "hw/pci/pci_bus.h"

struct reset_control {
    u8 value;
    struct device *dev;
    u8 pin; /* dev's output */
};
void reset_control_init(struct reset_control *r, struct device *dev, unsigned pin);
/* Its port, in the host that has those around it. */
void reset_control_place(struct reset_control *r, struct pci_conf1 *c);

#endif
