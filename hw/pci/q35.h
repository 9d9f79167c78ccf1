/* The Q35 north bridge (MCH) with its PCI Express root bus, "pcie.0". */
#ifndef MOSS_HW_PCI_Q35_H
#define MOSS_HW_PCI_Q35_H

#include "hw/pci/pc_host.h"

extern const struct device_class q35_host_class; /* "q35-pcihost", provides "pci", outputs PIRQA..PIRQH */

/* Where ECAM is, as firmware has placed it, and the last bus in it; 0: nowhere. */
u64 q35_ecam(void *host, u8 *last_bus);
/* The line that a pin (0 is INTA) of a slot of the root bus drives. */
unsigned q35_pirq(unsigned slot, unsigned pin);

#endif
