/* PCI Express: root ports, and the bridge from Express to conventional PCI, by the ids that Linux and firmware have for
 * them (SPEC: PCI Express Base 3.0, 7.8 "PCI Express capability structure"; PCI Express to PCI/PCI-X Bridge 1.0).
 *
 * Behind a root port is one device, slot 0. Its link is up, at 16 GT/s, when there is one. Not modelled: hot plug,
 * errors (AER), power management events, extended configuration space; the properties that speak of these are taken. */
#include "hw/pci/pcie_port.h"

#include "base/bits.h"
#include "hw/core/machine.h"
#include "hw/pci/pci_bridge.h"

enum { /* the capability */
       CAP_ID = 0x10,
       CAP_SIZE = 0x3c,
       TYPE_ROOT_PORT = 4,
       TYPE_TO_PCI = 7,
       CAPS = 0x02,
       CAPS_SLOT = 1 << 8,
       DEVICE = 0x04,
       DEVICE_ROLE_BASED = 1 << 15,
       DEVICE_CONTROL = 0x08,
       DEVICE_STATUS = 0x0a,
       LINK = 0x0c,
       LINK_ACTIVE_SAID = 1 << 20,
       LINK_CONTROL = 0x10,
       LINK_STATUS = 0x12,
       LINK_ACTIVE = 1 << 13,
       SLOT = 0x14,
       SLOT_CONTROL = 0x18,
       SLOT_STATUS = 0x1a,
       SLOT_PRESENT = 1 << 6,
       ROOT_CONTROL = 0x1c,
       ROOT_STATUS = 0x20,
       DEVICE_2 = 0x24,
       DEVICE_CONTROL_2 = 0x28,
       LINK_2 = 0x2c,
       LINK_CONTROL_2 = 0x30,
       GT_16 = 4,
       LANES_32 = 32 << 4,
};

struct pcie_port {
    struct pci_bridge br;
    u8 port;
    u16 slot;
    u8 cap;
    const char *taken[12]; /* properties that change nothing */
};

static void capability_add(struct pcie_port *s, unsigned type)
{
    struct pci_device *p = &s->br.pci;
    bool root = type == TYPE_ROOT_PORT;
    const struct {
        u8 off, size;
        u32 initial, wmask, w1c;
    } rows[] = {
        {CAPS, 2, 2 | type << 4 | (root ? CAPS_SLOT : 0), 0, 0},
        {DEVICE, 4, DEVICE_ROLE_BASED, 0, 0},
        {DEVICE_CONTROL, 2, 0, 0x7fff, 0},
        {DEVICE_STATUS, 2, 0, 0, 0x000f},
        {LINK, 4, GT_16 | LANES_32 | (root ? LINK_ACTIVE_SAID : 0) | (u32)s->port << 24, 0, 0},
        {LINK_CONTROL, 2, 0, 0x0fdb, 0},
        {SLOT, 4, root ? (u32)s->slot << 19 : 0, 0, 0},
        {SLOT_CONTROL, 2, 0, root ? 0x1fff : 0, 0},
        {ROOT_CONTROL, 2, 0, root ? 0x001f : 0, 0},
        {ROOT_STATUS, 4, 0, 0, root ? 0x00010000 : 0},
        {DEVICE_2, 4, 0, 0, 0},
        {DEVICE_CONTROL_2, 2, 0, 0xffff, 0},
        {LINK_2, 4, 0x1e, 0, 0}, /* 2.5 to 16 GT/s */
        {LINK_CONTROL_2, 2, GT_16, 0x000f, 0},
    };
    s->cap = pci_add_cap(p, CAP_ID, CAP_SIZE);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        pci_row(p, s->cap + rows[i].off, rows[i].size, rows[i].initial, rows[i].wmask, rows[i].w1c);
    }
}

/* Who is behind the port is known when the machine is complete. */
static void link_show(struct pcie_port *s)
{
    bool there = s->br.bus.functions != NULL;
    struct pci_device *p = &s->br.pci;
    pci_row(p, s->cap + LINK_STATUS, 2, GT_16 | LANES_32 | (there ? LINK_ACTIVE : 0), 0, 0);
    pci_row(p, s->cap + SLOT_STATUS, 2, there ? SLOT_PRESENT : 0, 0, 0x011f);
}

/* -- root port ----------------------------------------------------------------------------------------------------- */

static const struct pcie_port *same_slot(const struct pcie_port *s)
{
    for (const struct device *d = s->br.pci.dev.machine->devices; d; d = d->next) {
        const struct pcie_port *o = (const struct pcie_port *)d;
        if (d->cls == &pcie_root_port_class && o != s && d->live && o->br.chassis == s->br.chassis &&
            o->slot == s->slot) {
            return o;
        }
    }
    return NULL;
}

static bool port_init(struct device *d, struct err *e)
{
    enum { SLOT_MAX = 0x1fff };
    struct pcie_port *s = (struct pcie_port *)d;
    struct pci_device *p = &s->br.pci;
    const struct pcie_port *other = same_slot(s);
    if (!p->bus->root->express || p->bus->bridge) {
        return err_set(e, "a root port is on the root bus of a machine with PCI Express (q35, virt)");
    }
    if (s->slot > SLOT_MAX) {
        return err_set(e, "slot=%u: expected 0 to %u", s->slot, SLOT_MAX);
    }
    if (other) {
        return err_set(e, "chassis %u has a slot %u already, %s: each needs a number of its own (slot=)", s->br.chassis,
                       s->slot, device_name(&other->br.pci.dev));
    }
    pci_init(p, &(struct pci_ident){
                    .vendor = 0x1b36, .device = 0x000c, .class_code = 0x060400, .interrupt_pin = 1, .header = 1});
    pci_bridge_init(&s->br);
    capability_add(s, TYPE_ROOT_PORT);
    pci_msi_init(p, 1);
    link_show(s);
    return true;
}

static void port_reset(struct device *d)
{
    link_show((struct pcie_port *)d);
    pci_reset((struct pci_device *)d);
}

static bool port_loaded(struct device *d, struct err *e)
{
    return pci_loaded((struct pci_device *)d, e);
}

static bool port_plug(struct device *bridge, struct device *child, struct err *e)
{
    if (!pci_bridge_plug(bridge, child, e)) {
        return false;
    }
    unsigned slot = ((struct pci_device *)child)->devfn >> 3;
    return !slot || err_set(e, "%s takes one device, in slot 0, and not in slot %u", device_name(bridge), slot);
}

static void port_fw_path(const struct device *d, struct buf *out)
{
    const struct pci_device *p = (const struct pci_device *)d;
    buf_printf(out, p->devfn & 7 ? "/pci-bridge@%x,%x" : "/pci-bridge@%x", p->devfn >> 3, p->devfn & 7);
}

#define TAKEN(i, n) PROP(n, PROP_STR, struct pcie_port, taken[i], NULL, "accepted, changes nothing")
static const struct field port_state[] = {PCI_FIELDS(struct pcie_port, br.pci), {0}};
static const struct prop root_port_props[] = {
    PCI_PROPS(struct pcie_port, br.pci),
    PROP("chassis", PROP_U8, struct pcie_port, br.chassis, "0", "chassis that the slot is in"),
    PROP("slot", PROP_U16, struct pcie_port, slot, "0", "the slot's number in its chassis"),
    PROP("port", PROP_U8, struct pcie_port, port, "0", "the port's number"),
    TAKEN(0, "hotplug"),
    TAKEN(1, "power_controller_present"),
    TAKEN(2, "disable-acs"),
    TAKEN(3, "bus-reserve"),
    TAKEN(4, "io-reserve"),
    TAKEN(5, "mem-reserve"),
    TAKEN(6, "pref32-reserve"),
    TAKEN(7, "pref64-reserve"),
    TAKEN(8, "aer_log_max"),
    TAKEN(9, "x-speed"),
    TAKEN(10, "x-width"),
    {0},
};

const struct device_class pcie_root_port_class = {
    .name = "pcie-root-port",
    .doc = "PCI Express root port",
    .bus = "pci",
    .provides = "pci",
    .size = sizeof(struct pcie_port),
    .state = port_state,
    .props = root_port_props,
    .init = port_init,
    .reset = port_reset,
    .loaded = port_loaded,
    .plug = port_plug,
    .fw_path = port_fw_path,
};

/* -- bridge to PCI ------------------------------------------------------------------------------------------------- */

static bool bridge_init(struct device *d, struct err *e)
{
    struct pcie_port *s = (struct pcie_port *)d;
    struct pci_device *p = &s->br.pci;
    if (!p->bus->root->express) {
        return err_set(e, "this machine has no PCI Express; its bridge is pci-bridge");
    }
    pci_init(p, &(struct pci_ident){.vendor = 0x1b36, .device = 0x000e, .class_code = 0x060400, .header = 1});
    pci_bridge_init(&s->br);
    capability_add(s, TYPE_TO_PCI);
    pci_row(p, s->cap + LINK_STATUS, 2, GT_16 | LANES_32, 0, 0);
    return true;
}

static void bridge_reset(struct device *d)
{
    pci_reset((struct pci_device *)d);
}

static const struct prop bridge_props[] = {PCI_PROPS(struct pcie_port, br.pci), TAKEN(11, "msi"), {0}};

const struct device_class pcie_pci_bridge_class = {
    .name = "pcie-pci-bridge",
    .doc = "bridge from PCI Express to PCI",
    .bus = "pci",
    .provides = "pci",
    .size = sizeof(struct pcie_port),
    .state = port_state,
    .props = bridge_props,
    .init = bridge_init,
    .reset = bridge_reset,
    .loaded = port_loaded,
    .plug = pci_bridge_plug,
    .fw_path = port_fw_path,
};
