/* What the PCI hosts of PCs have in common: a root bus, the configuration ports, and function 00.0, which decides what
 * is seen below 1 MiB. */
#ifndef MOSS_HW_PCI_PC_HOST_H
#define MOSS_HW_PCI_PC_HOST_H

#include "hw/pci/pam.h"
#include "hw/pci/pci_bus.h"

struct pc_host {
    struct device dev;
    struct pci_root root;
    struct pci_conf1 conf1;
    struct pci_device *bridge; /* function 00.0 */
    struct pam *pam;           /* in it */
};

/* -- for boards ---------------------------------------------------------------------------------------------------- */

/* Before device_init: where memory BARs are seen, below and above 4 GiB. */
void pc_host_place(struct device *host, const struct pci_window window[2]);
/* The firmware's last 128 KiB, which the board maps below 1 MiB. */
void pc_host_set_rom(struct device *host, u8 *rom);
/* Who has port 0xcf9. */
struct pci_conf1 *pc_host_conf1(struct device *host);

/* -- for the hosts ------------------------------------------------------------------------------------------------- */

/* Makes function 00.0 of that class; setting `pam` is the caller's. line_of: as of struct pci_root. */
bool pc_host_init(struct device *d, const struct device_class *bridge, unsigned nlines,
                  unsigned (*line_of)(struct device *host, unsigned devfn, unsigned pin), struct err *e);
void pc_host_reset(struct device *d);
bool pc_host_loaded(struct device *d, struct err *e);
bool pc_host_plug(struct device *host, struct device *child, struct err *e);
void pc_host_fw_path(const struct device *d, struct buf *out);
void pc_host_print(const struct device *d, struct buf *out);
extern const struct field pc_host_state[];

// clang-format off
#define PC_HOST_CLASS                                                                                                  \
    .bus = "sysbus", .provides = "pci", .size = sizeof(struct pc_host), .state = pc_host_state, .reset = pc_host_reset, \
    .loaded = pc_host_loaded, .plug = pc_host_plug, .topic = "pci", .print = pc_host_print, .fw_path = pc_host_fw_path
// clang-format on

#endif
