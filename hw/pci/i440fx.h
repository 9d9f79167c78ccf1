/* The i440FX north bridge: the PC's first PCI host, "pci.0". */
#ifndef MOSS_HW_PCI_I440FX_H
#define MOSS_HW_PCI_I440FX_H

#include "hw/pci/pci_bus.h"

extern const struct device_class i440fx_host_class; /* "i440FX-pcihost", provides "pci", outputs PIRQA..PIRQD */

/* Before device_init: where memory BARs are seen, below and above 4 GiB. */
void i440fx_place(struct device *host, const struct pci_window window[2]);
/* The firmware's last 128 KiB, which the board maps below 1 MiB. */
void i440fx_set_rom(struct device *host, u8 *rom);
/* Who has port 0xcf9. */
struct pci_conf1 *i440fx_conf1(struct device *host);

#endif
