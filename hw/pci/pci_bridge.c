/* PCI-to-PCI bridges (PCI-to-PCI Bridge Architecture 1.2, chapter 3), and pci-bridge: one with nothing else, by the ids
 * that Linux's and firmware's tables have for it.
 *
 * What is decoded behind a bridge is mapped if the bridge's windows let it pass (pci_bus.c). Not modelled: the slots'
 * hot plug (SHPC), ISA mode, the secondary bus reset, error bits, prefetching. */
#include "hw/pci/pci_bridge.h"

#include "base/bits.h"

enum {
    IO_BASE = 0x1c,
    IO_LIMIT = 0x1d,
    SECONDARY_STATUS = 0x1e,
    MEMORY_BASE = 0x20,
    MEMORY_LIMIT = 0x22,
    PREFETCH_BASE = 0x24,
    PREFETCH_LIMIT = 0x26,
    PREFETCH_BASE_HIGH = 0x28,
    PREFETCH_LIMIT_HIGH = 0x2c,
    IO_BASE_HIGH = 0x30,
    IO_LIMIT_HIGH = 0x32,
    BRIDGE_CONTROL = 0x3e,
    CONTROL_VGA = 1 << 3,
    IO_32 = 1,
    PREFETCH_64 = 1,
};

void pci_bridge_init(struct pci_bridge *b)
{
    static const struct {
        u8 off, size;
        u32 initial, wmask, w1c;
    } rows[] = {
        {PCI_PRIMARY_BUS, 4, 0, 0xffffffff, 0}, /* with the secondary bus's latency */
        {IO_BASE, 1, IO_32, 0xf0, 0},
        {IO_LIMIT, 1, IO_32, 0xf0, 0},
        {SECONDARY_STATUS, 2, 0, 0, 0xf900},
        {MEMORY_BASE, 2, 0, 0xfff0, 0},
        {MEMORY_LIMIT, 2, 0, 0xfff0, 0},
        {PREFETCH_BASE, 2, PREFETCH_64, 0xfff0, 0},
        {PREFETCH_LIMIT, 2, PREFETCH_64, 0xfff0, 0},
        {PREFETCH_BASE_HIGH, 4, 0, 0xffffffff, 0},
        {PREFETCH_LIMIT_HIGH, 4, 0, 0xffffffff, 0},
        {IO_BASE_HIGH, 2, 0, 0xffff, 0},
        {IO_LIMIT_HIGH, 2, 0, 0xffff, 0},
        {BRIDGE_CONTROL, 2, 0, 0x0fff, 0},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        pci_row(&b->pci, rows[i].off, rows[i].size, rows[i].initial, rows[i].wmask, rows[i].w1c);
    }
    pci_bus_init(&b->bus, &b->pci.dev, b->pci.bus->root, &b->pci);
    b->pci.behind = &b->bus;
}

bool pci_bridge_plug(struct device *bridge, struct device *child, struct err *e)
{
    return pci_plug(&((struct pci_bridge *)bridge)->bus, (struct pci_device *)child, e);
}

/* -- windows ------------------------------------------------------------------------------------------------------ */

static bool within(u64 at, u64 size, u64 base, u64 last)
{
    return base <= last && at >= base && at <= last && size - 1 <= last - at;
}

static bool io_window(const u8 *c, u64 at, u64 size)
{
    u64 base = (u64)(c[IO_BASE] & 0xf0) << 8 | (u64)ld16le(c + IO_BASE_HIGH) << 16;
    u64 last = (u64)(c[IO_LIMIT] & 0xf0) << 8 | (u64)ld16le(c + IO_LIMIT_HIGH) << 16 | 0xfff;
    return within(at, size, base, last);
}

static bool memory_window(const u8 *c, u64 at, u64 size)
{
    u64 base = (u64)(ld16le(c + MEMORY_BASE) & 0xfff0) << 16;
    u64 last = (u64)(ld16le(c + MEMORY_LIMIT) & 0xfff0) << 16 | 0xfffff;
    u64 pbase = (u64)(ld16le(c + PREFETCH_BASE) & 0xfff0) << 16 | (u64)ld32le(c + PREFETCH_BASE_HIGH) << 32;
    u64 plast = (u64)(ld16le(c + PREFETCH_LIMIT) & 0xfff0) << 16 | (u64)ld32le(c + PREFETCH_LIMIT_HIGH) << 32 | 0xfffff;
    return within(at, size, base, last) || within(at, size, pbase, plast);
}

bool pci_bridge_passes(const struct pci_device *p, bool io, u64 at, u64 size, bool fixed)
{
    const u8 *c = p->config;
    if (!(ld16le(c + PCI_COMMAND) & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY))) {
        return false;
    }
    if (fixed && ld16le(c + BRIDGE_CONTROL) & CONTROL_VGA) {
        return true;
    }
    return io ? io_window(c, at, size) : memory_window(c, at, size);
}

/* -- pci-bridge ---------------------------------------------------------------------------------------------------- */

static bool bridge_init(struct device *d, struct err *e)
{
    (void)e;
    struct pci_bridge *b = (struct pci_bridge *)d;
    pci_init(&b->pci, &(struct pci_ident){.vendor = 0x1b36, .device = 0x0001, .class_code = 0x060400, .header = 1});
    pci_bridge_init(b);
    return true;
}
static void bridge_reset(struct device *d)
{
    pci_reset((struct pci_device *)d);
}
static bool bridge_loaded(struct device *d, struct err *e)
{
    return pci_loaded((struct pci_device *)d, e);
}
static void bridge_fw_path(const struct device *d, struct buf *out)
{
    const struct pci_device *p = (const struct pci_device *)d;
    buf_printf(out, p->devfn & 7 ? "/pci-bridge@%x,%x" : "/pci-bridge@%x", p->devfn >> 3, p->devfn & 7);
}

static const struct field bridge_state[] = {PCI_FIELDS(struct pci_bridge, pci), {0}};
static const struct prop bridge_props[] = {
    PCI_PROPS(struct pci_bridge, pci),
    PROP("chassis_nr", PROP_U8, struct pci_bridge, chassis, "0", "accepted: the number of hot-plug slots' chassis"),
    {0},
};

const struct device_class pci_bridge_class = {
    .name = "pci-bridge",
    .doc = "PCI-to-PCI bridge",
    .bus = "pci",
    .provides = "pci",
    .size = sizeof(struct pci_bridge),
    .state = bridge_state,
    .props = bridge_props,
    .init = bridge_init,
    .reset = bridge_reset,
    .loaded = bridge_loaded,
    .plug = pci_bridge_plug,
    .fw_path = bridge_fw_path,
};
