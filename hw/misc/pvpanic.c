/* pvpanic, as QEMU's docs/specs/pvpanic describes it: a register of one byte. It reads as the events that can be told;
 * a write tells one. Of a guest that has crashed -action panic= says what becomes; one that starts a crash kernel goes
 * on.
 */
#include "hw/misc/pvpanic.h"

#include "base/log.h"
#include "hw/core/machine.h"
#include "hw/pci/pci.h"

enum { PANICKED = 1, CRASH_LOADED = 2, SHUT_DOWN = 4, ALL = 7, BAR_SIZE = 16 };

struct pvpanic {
    struct device dev;
    u32 port;
    u8 events;
};
struct pvpanic_pci {
    struct pci_device pci;
    struct mem_region bar;
    u8 events;
};

static void event_tell(const struct device *d, u8 events, u64 v)
{
    if (v & (u64)~ALL) {
        guest_error(device_name(d), "no such event: 0x%llx", (unsigned long long)v);
    }
    v &= events;
    if (v & PANICKED) {
        machine_request_panic();
    } else if (v & CRASH_LOADED) {
        notice("the guest has crashed, and starts its crash kernel");
    } else if (v & SHUT_DOWN) {
        machine_request_shutdown(SHUTDOWN_GUEST, 0);
    }
}

/* -- ISA -------------------------------------------------------------------------------------------------------------
 */

static u64 port_read(struct device *d, unsigned i)
{
    (void)i;
    return ((struct pvpanic *)d)->events;
}
static void port_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    event_tell(d, ((struct pvpanic *)d)->events, v);
}
static const struct reg regs[] = {{.off = 0, .name = "EVENT", .size = 1, .read = port_read, .write = port_write}, {0}};
static const struct field state[] = {{0}};
static const struct prop props[] = {
    PROP("ioport", PROP_U32, struct pvpanic, port, "0x505", "its port"),
    PROP("events", PROP_U8, struct pvpanic, events, "7", "1: crashed, 2: crash kernel, 4: shut down"),
    {0},
};

const struct device_class pvpanic_class = {
    .name = "pvpanic",
    .doc = "a port by which a guest says that it has crashed",
    .bus = "isa",
    .size = sizeof(struct pvpanic),
    .mmio_size = 1,
    .state = state,
    .regs = regs,
    .props = props,
};

/* -- PCI -------------------------------------------------------------------------------------------------------------
 */

static enum mem_result bar_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)size, (void)a;
    *val = off ? 0 : ((struct pvpanic_pci *)opaque)->events;
    return MEM_OK;
}
static enum mem_result bar_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct pvpanic_pci *s = opaque;
    (void)size, (void)a;
    if (!off) {
        event_tell(&s->pci.dev, s->events, val);
    }
    return MEM_OK;
}
static const struct mem_ops bar_ops = {.read = bar_read, .write = bar_write, .min_size = 1, .max_size = 1};

static bool pvpanic_pci_init(struct device *d, struct err *e)
{
    struct pvpanic_pci *s = (struct pvpanic_pci *)d;
    (void)e;
    pci_init(&s->pci, &(struct pci_ident){.vendor = 0x1b36,
                                          .device = 0x0011,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = 0x088000});
    s->bar = (struct mem_region){.name = "pvpanic", .kind = MEM_MMIO, .size = BAR_SIZE, .ops = &bar_ops, .opaque = s};
    pci_add_bar(&s->pci, 0, PCI_BAR_MEM32, false, &s->bar);
    return true;
}
static void pvpanic_pci_reset(struct device *d)
{
    pci_reset((struct pci_device *)d);
}
static bool pvpanic_pci_loaded(struct device *d, struct err *e)
{
    return pci_loaded((struct pci_device *)d, e);
}
static const struct field pci_state[] = {PCI_FIELDS(struct pvpanic_pci, pci), {0}};
static const struct prop pci_props[] = {
    PCI_PROPS(struct pvpanic_pci, pci),
    PROP("events", PROP_U8, struct pvpanic_pci, events, "7", "1: crashed, 2: crash kernel, 4: shut down"),
    {0},
};

const struct device_class pvpanic_pci_class = {
    .name = "pvpanic-pci",
    .doc = "a register by which a guest says that it has crashed",
    .bus = "pci",
    .size = sizeof(struct pvpanic_pci),
    .state = pci_state,
    .props = pci_props,
    .init = pvpanic_pci_init,
    .reset = pvpanic_pci_reset,
    .loaded = pvpanic_pci_loaded,
};
