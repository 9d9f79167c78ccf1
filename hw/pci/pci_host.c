/* The generic ECAM host of virt boards (PCI Firmware 3.0, "MMCONFIG"; device tree pci-host-ecam-generic): buses behind
 * ECAM, BARs mapped into the board's windows, INTx collected to four lines.
 *
 * Function 00.0 is the host bridge itself, ids as QEMU's gpex. What no BAR claims of a window reads as ones, as a bus
 * does on master abort. */
#include "hw/pci/pci_host.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/pci/pci_bus.h"

enum window { WINDOW_ECAM, WINDOW_MEM32, WINDOW_MEM64, WINDOW_IO, WINDOWS };

struct pci_host {
    struct device dev;
    struct pci_layout layout;
    struct mem_region window[WINDOWS];
    struct pci_root root;
};

static bool host_plug(struct device *host, struct device *child, struct err *e)
{
    return pci_plug(&((struct pci_host *)host)->root.bus, (struct pci_device *)child, e);
}

/* -- the bridge, function 00.0 ----------------------------------------------------------------------------------- */

struct gpex_root {
    struct pci_device pci;
};

static bool root_init(struct device *d, struct err *e)
{
    (void)e;
    pci_init((struct pci_device *)d, &(struct pci_ident){.vendor = 0x1b36,
                                                         .device = 0x0008,
                                                         .subsystem_vendor = 0x1af4,
                                                         .subsystem = 0x1100,
                                                         .class_code = 0x060000});
    return true;
}

static void root_reset(struct device *d)
{
    pci_reset((struct pci_device *)d);
}

static bool root_loaded(struct device *d, struct err *e)
{
    return pci_loaded((struct pci_device *)d, e);
}

static const struct field root_state[] = {PCI_FIELDS(struct gpex_root, pci), {0}};
static const struct device_class gpex_root_class = {
    .name = "gpex-root",
    .doc = "host bridge of the generic PCI Express host",
    .bus = "pci",
    .size = sizeof(struct gpex_root),
    .state = root_state,
    .init = root_init,
    .reset = root_reset,
    .loaded = root_loaded,
};

/* -- device ------------------------------------------------------------------------------------------------------ */

void pci_host_place(struct device *host, const struct pci_layout *l)
{
    ((struct pci_host *)host)->layout = *l;
}

static void windows_map(struct pci_host *h)
{
    const struct pci_layout *l = &h->layout;
    const struct {
        const char *name;
        u64 base, size;
        const struct mem_ops *ops;
        int priority;
    } w[WINDOWS] = {
        [WINDOW_ECAM] = {"pcie-ecam", l->ecam, l->ecam_size, &pci_ecam_ops, 0},
        [WINDOW_MEM32] = {"pcie-mmio", l->mmio32, l->mmio32_size, &pci_abort_ops, 0},
        [WINDOW_MEM64] = {"pcie-mmio-high", l->mmio64, l->mmio64_size, &pci_abort_ops, 0},
        [WINDOW_IO] = {"pcie-pio", l->io, l->io_size, &pci_abort_ops, 0},
    };
    for (unsigned i = 0; i < WINDOWS; i++) {
        if (w[i].size) {
            h->window[i] = (struct mem_region){
                .name = w[i].name, .kind = MEM_MMIO, .size = w[i].size, .ops = w[i].ops, .opaque = &h->root};
            mem_map_region(h->dev.dma, &h->window[i], w[i].base, w[i].priority);
        }
    }
}

static bool gpex_init(struct device *d, struct err *e)
{
    struct pci_host *h = (struct pci_host *)d;
    must(h->layout.ecam_size);
    windows_map(h);
    h->root = (struct pci_root){
        .memory = d->dma,
        .ports = d->dma,
        .port_base = h->layout.io,
        .port_size = h->layout.io_size,
        .window = {{h->layout.mmio32, h->layout.mmio32_size}, {h->layout.mmio64, h->layout.mmio64_size}},
        .nlines = PCI_PINS,
        .express = true,
    };
    pci_bus_init(&h->root.bus, d, &h->root, NULL);
    return pci_make(d, &gpex_root_class, NULL, 0, e) != NULL;
}

static void gpex_reset(struct device *d)
{
    pci_root_drive(&((struct pci_host *)d)->root);
}

static bool gpex_loaded(struct device *d, struct err *e)
{
    (void)e;
    pci_root_drive(&((struct pci_host *)d)->root);
    return true;
}

static const struct field gpex_state[] = {
    FIELD(struct pci_host, layout.ecam, .flags = F_CONFIG),
    FIELDS(struct pci_host, root.line),
    {0},
};

/* The unit address is the one of the I/O window on machines that have ports; here there are none. */
static void gpex_fw_path(const struct device *d, struct buf *out)
{
    (void)d;
    buf_printf(out, "/pci@ffffffffffffffff");
}

static void gpex_print(const struct device *d, struct buf *out)
{
    pci_bus_print(&((const struct pci_host *)d)->root.bus, out);
}

const struct device_class gpex_class = {
    .fw_path = gpex_fw_path,
    .name = "gpex-pcihost",
    .doc = "generic PCI Express host",
    .bus = "sysbus",
    .provides = "pci",
    .compatible = "pci-host-ecam-generic\0",
    .fdt_name = "pcie",
    .size = sizeof(struct pci_host),
    .nirqs = PCI_PINS,
    .state = gpex_state,
    .init = gpex_init,
    .reset = gpex_reset,
    .loaded = gpex_loaded,
    .plug = host_plug,
    .topic = "pci",
    .print = gpex_print,
};
