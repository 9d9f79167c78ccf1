/* The generic PCI Express host of the virt boards ("pci-host-ecam-generic"): a root bus behind ECAM, two memory windows
 * and one I/O window, INTA..INTD as output pins 0..3.
 *
 * Legacy interrupts are swizzled: pin INTx of slot s drives output (s + x) % 4, x = 0 for INTA; the interrupt-map of
 * the device tree has to say the same. MSIs are plain writes to device.dma, with the requester id (bus << 8 | devfn) in
 * mem_attrs.requester.
 *
 * Order for a board: device_new, pci_host_place, device_init, fill device.irqs. */
#ifndef MOSS_HW_PCI_PCI_HOST_H
#define MOSS_HW_PCI_PCI_HOST_H

#include "hw/core/device.h"

extern const struct device_class gpex_class; /* "gpex-pcihost", provides "pci" */

/* Where things stand in the board's address space; a window of size 0 is absent. A window's PCI addresses equal its CPU
 * addresses, but for I/O, whose ports count from 0. */
struct pci_layout {
    u64 ecam, ecam_size; /* 1 MiB a bus */
    u64 mmio32, mmio32_size;
    u64 mmio64, mmio64_size;
    u64 io, io_size;
};
void pci_host_place(struct device *host, const struct pci_layout *l);

#endif
