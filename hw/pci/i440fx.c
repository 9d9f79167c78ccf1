/* Intel 440FX (82441FX PMC), the host bridge. SPEC: Intel 290549, chapter 3: configuration mechanism #1, PAM and SMRAM;
 * Intel 290562 (82371SB) for how a PC's slots are wired to PIRQA..PIRQD.
 *
 * Not modelled: DRAM timing and row registers (they keep what is written), error reporting. */
#include "hw/pci/i440fx.h"

#include "base/bits.h"
#include "hw/core/machine.h"
#include "hw/pci/pam.h"

enum { PAM0 = 0x59, SMRAM = 0x72 };

struct i440fx {
    struct pci_device pci;
    struct pam pam;
};

struct i440fx_host {
    struct device dev;
    struct pci_root root;
    struct pci_conf1 conf1;
    struct i440fx *bridge;
};

/* -- function 00.0 ----------------------------------------------------------------------------------------------- */

static void pam_show(struct i440fx *s)
{
    pam_update(&s->pam, s->pci.config + PAM0, s->pci.config[SMRAM]);
}

static void bridge_written(struct pci_device *p, unsigned off, unsigned size)
{
    if (off <= SMRAM && off + size > PAM0) {
        pam_show((struct i440fx *)p);
    }
}

/* What SMRAM lets through depends on itself. */
static u8 smram_filter(struct pci_device *p, unsigned off, u8 v)
{
    return off == SMRAM ? pam_smram_write(p->config[SMRAM], v) : v;
}

static bool bridge_init(struct device *d, struct err *e)
{
    (void)e;
    struct i440fx *s = (struct i440fx *)d;
    pci_init(&s->pci, &(struct pci_ident){.vendor = 0x8086,
                                          .device = 0x1237,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = 0x060000,
                                          .revision = 2});
    pci_row(&s->pci, 0x50, 4, 0x00010000, 0xffffffff, 0); /* PMCCFG, DETURBO, DBC */
    pci_row(&s->pci, 0x54, 4, 0, 0xffffffff, 0);          /* DRT, DRAMC */
    for (unsigned i = 0; i < PAM_REGS; i++) {
        pci_row(&s->pci, PAM0 + i, 1, 0, i ? 0x33 : 0x30, 0);
    }
    pci_row(&s->pci, 0x60, 4, 0, 0xffffffff, 0); /* DRB */
    pci_row(&s->pci, 0x64, 4, 0, 0xffffffff, 0);
    pci_row(&s->pci, SMRAM, 1, 2, 0x78, 0);
    s->pci.config_filter = smram_filter;
    s->pci.config_written = bridge_written;
    pam_init(&s->pam, d->machine->sysmem, d->machine->ram.host);
    return true;
}

static void bridge_reset(struct device *d)
{
    pci_reset((struct pci_device *)d);
    pam_show((struct i440fx *)d);
}

static bool bridge_loaded(struct device *d, struct err *e)
{
    pam_show((struct i440fx *)d);
    return pci_loaded((struct pci_device *)d, e);
}

static const struct field bridge_state[] = {PCI_FIELDS(struct i440fx, pci), {0}};
static const struct prop bridge_props[] = {PCI_PROPS(struct i440fx, pci), {0}};
static const struct device_class i440fx_class = {
    .name = "i440FX",
    .doc = "440FX host bridge",
    .bus = "pci",
    .size = sizeof(struct i440fx),
    .state = bridge_state,
    .props = bridge_props,
    .init = bridge_init,
    .reset = bridge_reset,
    .loaded = bridge_loaded,
};

/* -- the host ----------------------------------------------------------------------------------------------------- */

/* Slot 1, the south bridge, has its pins at the lines of their names. */
static unsigned pirq_of(struct device *host, unsigned devfn, unsigned pin)
{
    (void)host;
    return ((devfn >> 3) + pin + PCI_PINS - 1) % PCI_PINS;
}

void i440fx_place(struct device *host, const struct pci_window window[2])
{
    struct i440fx_host *h = (struct i440fx_host *)host;
    h->root.window[0] = window[0];
    h->root.window[1] = window[1];
}

void i440fx_set_rom(struct device *host, u8 *rom)
{
    pam_set_rom(&((struct i440fx_host *)host)->bridge->pam, rom);
}

struct pci_conf1 *i440fx_conf1(struct device *host)
{
    return &((struct i440fx_host *)host)->conf1;
}

static bool host_plug(struct device *host, struct device *child, struct err *e)
{
    return pci_plug(&((struct i440fx_host *)host)->root.bus, (struct pci_device *)child, e);
}

static bool host_init(struct device *d, struct err *e)
{
    struct i440fx_host *h = (struct i440fx_host *)d;
    h->root.memory = d->dma;
    h->root.ports = d->machine->iospace;
    h->root.port_size = 0x10000;
    h->root.nlines = PCI_PINS;
    h->root.line_of = pirq_of;
    pci_bus_init(&h->root.bus, d, &h->root, NULL);
    pci_conf1_init(&h->conf1, &h->root, d->machine->iospace);
    h->bridge = (struct i440fx *)pci_make(d, &i440fx_class, NULL, 0, e);
    return h->bridge != NULL;
}

static void host_reset(struct device *d)
{
    pci_root_drive(&((struct i440fx_host *)d)->root);
}

static bool host_loaded(struct device *d, struct err *e)
{
    (void)e;
    pci_root_drive(&((struct i440fx_host *)d)->root);
    return true;
}

static void host_fw_path(const struct device *d, struct buf *out)
{
    (void)d;
    buf_printf(out, "/pci@i0cf8");
}

static const struct field host_state[] = {
    FIELD(struct i440fx_host, conf1.address),
    FIELDS(struct i440fx_host, root.line),
    {0},
};

static void host_print(const struct device *d, struct buf *out)
{
    pci_bus_print(&((const struct i440fx_host *)d)->root.bus, out);
}

const struct device_class i440fx_host_class = {
    .name = "i440FX-pcihost",
    .doc = "PCI host of 440FX machines",
    .bus = "sysbus",
    .provides = "pci",
    .size = sizeof(struct i440fx_host),
    .nirqs = PCI_PINS,
    .state = host_state,
    .init = host_init,
    .reset = host_reset,
    .loaded = host_loaded,
    .plug = host_plug,
    .topic = "pci",
    .print = host_print,
    .fw_path = host_fw_path,
};
