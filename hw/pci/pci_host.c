/* The generic ECAM host of virt boards (PCI Firmware 3.0, "MMCONFIG"; device tree pci-host-ecam-generic): one bus,
 * functions looked up by devfn, BARs mapped into the board's windows, INTx collected to four lines.
 *
 * Function 00.0 is the host bridge itself, ids as QEMU's gpex. What no BAR claims of a window reads as ones, as a bus
 * does on master abort. Not modelled: bridges and buses behind them. */
#include "hw/pci/pci_host.h"

#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/pci/pci.h"

#define PINS 4

enum window { WINDOW_ECAM, WINDOW_MEM32, WINDOW_MEM64, WINDOW_IO, WINDOWS };

struct pci_host {
    struct device dev;
    struct pci_layout layout;
    struct mem_region window[WINDOWS];
    struct pci_device *slot[256], *functions;
    bool line[PINS];
};

/* -- configuration space ------------------------------------------------------------------------------------- */

static struct pci_device *ecam_function(struct pci_host *h, u64 off)
{
    return off >> 20 ? NULL : h->slot[bits(off, 12, 8)];
}

static enum mem_result ecam_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)a;
    struct pci_device *p = ecam_function(opaque, off);
    *val = p ? pci_config_read(p, off & 0xfff, size) : MASK(size * 8);
    return MEM_OK;
}

static enum mem_result ecam_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)a;
    struct pci_device *p = ecam_function(opaque, off);
    if (p) {
        pci_config_write(p, off & 0xfff, size, (u32)val);
    }
    return MEM_OK;
}

static const struct mem_ops ecam_ops = {.read = ecam_read, .write = ecam_write, .min_size = 1, .max_size = 4};

/* -- windows ----------------------------------------------------------------------------------------------------- */

static enum mem_result abort_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)opaque;
    (void)off;
    (void)a;
    *val = MASK(size * 8);
    return MEM_OK;
}

static enum mem_result abort_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)opaque;
    (void)off;
    (void)size;
    (void)val;
    (void)a;
    return MEM_OK;
}

static const struct mem_ops abort_ops = {.read = abort_read, .write = abort_write};

static bool inside(u64 at, u64 size, u64 base, u64 window)
{
    return window && at >= base && at - base <= window && window - (at - base) >= size;
}

/* Where a BAR at that bus address is seen by CPUs; false: nowhere. Firmware does place an I/O BAR at 0. */
static bool bar_place(const struct pci_host *h, enum pci_bar_kind kind, u64 bus, u64 size, u64 *at)
{
    const struct pci_layout *l = &h->layout;
    if (kind == PCI_BAR_IO) {
        *at = l->io + bus;
        return inside(bus, size, 0, l->io_size);
    }
    *at = bus;
    return inside(bus, size, l->mmio32, l->mmio32_size) || inside(bus, size, l->mmio64, l->mmio64_size);
}

static bool bar_wanted(const struct pci_device *p, unsigned n, u64 *at)
{
    const struct pci_bar *b = &p->bar[n];
    const u8 *reg = p->config + PCI_BAR0 + 4 * n;
    u16 enable = b->kind == PCI_BAR_IO ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
    if (!(ld16le(p->config + PCI_COMMAND) & enable)) {
        return false;
    }
    u64 v = b->kind == PCI_BAR_MEM64 ? ld64le(reg) : ld32le(reg);
    return bar_place(p->host, b->kind, v & ~(u64)(b->kind == PCI_BAR_IO ? 3 : 15), b->region->size, at);
}

void pci_host_map(struct pci_device *p)
{
    for (unsigned n = 0; n < PCI_BARS; n++) {
        struct pci_bar *b = &p->bar[n];
        u64 at = 0;
        bool want = b->kind != PCI_BAR_NONE && bar_wanted(p, n, &at);
        if (want == b->mapped && (!want || at == b->at)) {
            continue;
        }
        if (b->mapped) {
            mem_unmap_region(b->region);
        }
        if (want) {
            mem_map_region(p->host->dev.dma, b->region, at, 1);
        }
        b->mapped = want;
        b->at = at;
    }
}

/* -- interrupts ---------------------------------------------------------------------------------------------------- */

void pci_host_intx(struct pci_host *h)
{
    bool line[PINS] = {false};
    for (const struct pci_device *p = h->functions; p; p = p->next) {
        bool off = ld16le(p->config + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE;
        if (p->intx_level && !off && p->config[PCI_INTERRUPT_PIN]) {
            line[((p->devfn >> 3) + p->config[PCI_INTERRUPT_PIN] - 1u) % PINS] = true;
        }
    }
    for (unsigned i = 0; i < PINS; i++) {
        if (h->line[i] != line[i]) {
            h->line[i] = line[i];
            device_irq(&h->dev, i, line[i]);
        }
    }
}

/* -- slots ------------------------------------------------------------------------------------------------------- */

static bool addr_parse(const char *s, unsigned *devfn)
{
    char *end;
    unsigned long slot = strtoul(s, &end, 16), fn = 0;
    if (end == s || slot > 31) {
        return false;
    }
    if (*end == '.') {
        const char *f = end + 1;
        fn = strtoul(f, &end, 16);
        if (end == f || fn > 7) {
            return false;
        }
    }
    *devfn = (unsigned)(slot << 3 | fn);
    return *end == 0;
}

bool pci_plug(struct device *host, struct pci_device *p, struct err *e)
{
    struct pci_host *h = (struct pci_host *)host;
    unsigned devfn = 0;
    if (p->addr) {
        if (!addr_parse(p->addr, &devfn)) {
            return err_set(e, "addr=%s is not SLOT[.FUNCTION] in hexadecimal, slots 0 to 1f, functions 0 to 7",
                           p->addr);
        }
        if (h->slot[devfn]) {
            return err_set(e, "slot %x function %x is taken by %s", devfn >> 3, devfn & 7,
                           device_name(&h->slot[devfn]->dev));
        }
    } else {
        while (devfn < 256 && h->slot[devfn]) {
            devfn += 8;
        }
        if (devfn >= 256) {
            return err_set(e, "every slot of the PCI bus is taken");
        }
    }
    p->devfn = (u8)devfn;
    p->host = h;
    p->dev.dma = h->dev.dma;
    p->next = h->functions;
    h->functions = p;
    h->slot[devfn] = p;
    return true;
}

static bool host_plug(struct device *host, struct device *child, struct err *e)
{
    return pci_plug(host, (struct pci_device *)child, e);
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
        [WINDOW_ECAM] = {"pcie-ecam", l->ecam, l->ecam_size, &ecam_ops, 0},
        [WINDOW_MEM32] = {"pcie-mmio", l->mmio32, l->mmio32_size, &abort_ops, 0},
        [WINDOW_MEM64] = {"pcie-mmio-high", l->mmio64, l->mmio64_size, &abort_ops, 0},
        [WINDOW_IO] = {"pcie-pio", l->io, l->io_size, &abort_ops, 0},
    };
    for (unsigned i = 0; i < WINDOWS; i++) {
        if (w[i].size) {
            h->window[i] = (struct mem_region){
                .name = w[i].name, .kind = MEM_MMIO, .size = w[i].size, .ops = w[i].ops, .opaque = h};
            mem_map_region(h->dev.dma, &h->window[i], w[i].base, w[i].priority);
        }
    }
}

static bool gpex_init(struct device *d, struct err *e)
{
    struct pci_host *h = (struct pci_host *)d;
    must(h->layout.ecam_size);
    windows_map(h);
    struct device *root = device_new(d->machine, &gpex_root_class, NULL);
    root->parent = d;
    return pci_plug(d, (struct pci_device *)root, e) && device_init(root, e);
}

static void gpex_reset(struct device *d)
{
    for (unsigned i = 0; i < PINS; i++) {
        device_irq(d, i, 0);
    }
}

static bool gpex_loaded(struct device *d, struct err *e)
{
    (void)e;
    struct pci_host *h = (struct pci_host *)d;
    for (unsigned i = 0; i < PINS; i++) {
        device_irq(d, i, h->line[i]);
    }
    pci_host_intx(h);
    return true;
}

static const struct field gpex_state[] = {
    FIELD(struct pci_host, layout.ecam, .flags = F_CONFIG),
    FIELDS(struct pci_host, line),
    {0},
};

/* The unit address is the one of the I/O window on machines that have ports; here there are none. */
static void gpex_fw_path(const struct device *d, struct buf *out)
{
    (void)d;
    buf_printf(out, "/pci@ffffffffffffffff");
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
    .nirqs = PINS,
    .state = gpex_state,
    .init = gpex_init,
    .reset = gpex_reset,
    .loaded = gpex_loaded,
    .plug = host_plug,
};
