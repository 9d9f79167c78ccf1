/* See pc_host.h. SPEC: PCI Local Bus 3.0, 3.2.2.3.2 (configuration mechanism #1); IEEE 1275 PCI binding for the name.
 */
#include "hw/pci/pc_host.h"

#include "hw/core/machine.h"

static struct pc_host *host_of(struct device *d)
{
    return (struct pc_host *)d;
}

void pc_host_place(struct device *host, const struct pci_window window[2])
{
    host_of(host)->root.window[0] = window[0];
    host_of(host)->root.window[1] = window[1];
}

void pc_host_set_rom(struct device *host, u8 *rom)
{
    pam_set_rom(host_of(host)->pam, rom);
}

struct pci_conf1 *pc_host_conf1(struct device *host)
{
    return &host_of(host)->conf1;
}

bool pc_host_plug(struct device *host, struct device *child, struct err *e)
{
    return pci_plug(&host_of(host)->root.bus, (struct pci_device *)child, e);
}

bool pc_host_init(struct device *d, const struct device_class *bridge, unsigned nlines,
                  unsigned (*line_of)(struct device *host, unsigned devfn, unsigned pin), struct err *e)
{
    struct pc_host *h = host_of(d);
    h->root.memory = d->dma;
    h->root.ports = d->machine->iospace;
    h->root.port_size = 0x10000;
    h->root.nlines = nlines;
    h->root.line_of = line_of;
    pci_bus_init(&h->root.bus, d, &h->root, NULL);
    pci_conf1_init(&h->conf1, &h->root, d->machine->iospace);
    h->bridge = pci_make(d, bridge, NULL, 0, e);
    return h->bridge != NULL;
}

void pc_host_reset(struct device *d)
{
    pci_root_drive(&host_of(d)->root);
}

bool pc_host_loaded(struct device *d, struct err *e)
{
    (void)e;
    pci_root_drive(&host_of(d)->root);
    return true;
}

void pc_host_fw_path(const struct device *d, struct buf *out)
{
    (void)d;
    buf_printf(out, "/pci@i0cf8");
}

void pc_host_print(const struct device *d, struct buf *out)
{
    pci_bus_print(&((const struct pc_host *)d)->root.bus, out);
}

const struct field pc_host_state[] = {
    FIELD(struct pc_host, conf1.address),
    FIELDS(struct pc_host, root.line),
    {0},
};
