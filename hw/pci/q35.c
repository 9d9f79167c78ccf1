/* Intel Q35 (82Q35 MCH), the host bridge. SPEC: Intel 316966 (3 Series Express Chipset data sheet), 5.1: PCIEXBAR, PAM,
 * SMRAM; Intel 316972 (ICH9 data sheet), 5.10 and 10.1.37 for how interrupts reach PIRQA..PIRQH: functions of the ICH9
 * (slots from 25 on) by registers that stand here at their values after reset, others by their slot.
 *
 * Not modelled: DRAM registers, TSEG, the root ports of the MCH, DxxIR. */
#include "hw/pci/q35.h"

#include "base/bits.h"
#include "hw/core/machine.h"
#include "hw/pci/pam.h"

enum { PCIEXBAR = 0x60, PAM0 = 0x90, SMRAM = 0x9d, FIRST_ICH9_SLOT = 25 };

struct mch {
    struct pci_device pci;
    struct pam pam;
    struct mem_region ecam;
};

struct q35_host {
    struct device dev;
    struct pci_root root;
    struct pci_conf1 conf1;
    struct mch *mch;
};

/* -- ECAM ---------------------------------------------------------------------------------------------------------- */

/* Length: 0 is 256 MiB, 1 and 2 half of it and a quarter. */
static u64 ecam_place(const struct mch *s, u64 *size)
{
    u64 v = ld64le(s->pci.config + PCIEXBAR);
    unsigned length = v >> 1 & 3;
    *size = (256ull << 20) >> MIN(length, 2u);
    return v & 1 && length < 3 ? v & MASK(36) & ~(*size - 1) : 0;
}

static void ecam_show(struct mch *s)
{
    u64 size, at = ecam_place(s, &size);
    if (s->ecam.space && (s->ecam.base != at || s->ecam.size != size)) {
        mem_unmap_region(&s->ecam);
    }
    if (at && !s->ecam.space) {
        s->ecam.size = size;
        mem_map_region(s->pci.bus->root->memory, &s->ecam, at, 2);
    }
}

u64 q35_ecam(void *host, u8 *last_bus)
{
    u64 size, at = ecam_place(((struct q35_host *)host)->mch, &size);
    *last_bus = (u8)((size >> 20) - 1);
    return at;
}

/* -- function 00.0 ------------------------------------------------------------------------------------------------- */

static void show(struct mch *s)
{
    pam_update(&s->pam, s->pci.config + PAM0, s->pci.config[SMRAM]);
    ecam_show(s);
}

static void mch_written(struct pci_device *p, unsigned off, unsigned size)
{
    if (off <= SMRAM && off + size > PCIEXBAR) {
        show((struct mch *)p);
    }
}

static u8 smram_filter(struct pci_device *p, unsigned off, u8 v)
{
    return off == SMRAM ? pam_smram_write(p->config[SMRAM], v) : v;
}

static bool mch_init(struct device *d, struct err *e)
{
    (void)e;
    struct mch *s = (struct mch *)d;
    pci_init(&s->pci, &(struct pci_ident){.vendor = 0x8086,
                                          .device = 0x29c0,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = 0x060000});
    pci_row(&s->pci, PCIEXBAR, 4, 0xe0000000, 0xfc000007, 0);
    pci_row(&s->pci, PCIEXBAR + 4, 4, 0, 0x0000000f, 0);
    for (unsigned i = 0; i < PAM_REGS; i++) {
        pci_row(&s->pci, PAM0 + i, 1, 0, i ? 0x33 : 0x30, 0);
    }
    pci_row(&s->pci, SMRAM, 1, 2, 0x78, 0);
    s->pci.config_filter = smram_filter;
    s->pci.config_written = mch_written;
    s->ecam =
        (struct mem_region){.name = "pcie-mmcfg", .kind = MEM_MMIO, .ops = &pci_ecam_ops, .opaque = s->pci.bus->root};
    pam_init(&s->pam, d->machine->sysmem, d->machine->ram.host);
    return true;
}

static void mch_reset(struct device *d)
{
    pci_reset((struct pci_device *)d);
    show((struct mch *)d);
}

static bool mch_loaded(struct device *d, struct err *e)
{
    show((struct mch *)d);
    return pci_loaded((struct pci_device *)d, e);
}

static const struct field mch_state[] = {PCI_FIELDS(struct mch, pci), {0}};
static const struct prop mch_props[] = {PCI_PROPS(struct mch, pci), {0}};
static const struct device_class mch_class = {
    .name = "mch",
    .doc = "Q35 host bridge",
    .bus = "pci",
    .size = sizeof(struct mch),
    .state = mch_state,
    .props = mch_props,
    .init = mch_init,
    .reset = mch_reset,
    .loaded = mch_loaded,
};

/* -- the host ------------------------------------------------------------------------------------------------------ */

unsigned q35_pirq(unsigned slot, unsigned pin)
{
    return slot >= FIRST_ICH9_SLOT ? pin : PCI_PINS + (slot + pin) % PCI_PINS;
}

static unsigned line_of(struct device *host, unsigned devfn, unsigned pin)
{
    (void)host;
    return q35_pirq(devfn >> 3, pin);
}

void q35_place(struct device *host, const struct pci_window window[2])
{
    struct q35_host *h = (struct q35_host *)host;
    h->root.window[0] = window[0];
    h->root.window[1] = window[1];
}

void q35_set_rom(struct device *host, u8 *rom)
{
    pam_set_rom(&((struct q35_host *)host)->mch->pam, rom);
}

struct pci_conf1 *q35_conf1(struct device *host)
{
    return &((struct q35_host *)host)->conf1;
}

static bool host_plug(struct device *host, struct device *child, struct err *e)
{
    return pci_plug(&((struct q35_host *)host)->root.bus, (struct pci_device *)child, e);
}

static bool host_init(struct device *d, struct err *e)
{
    struct q35_host *h = (struct q35_host *)d;
    h->root.memory = d->dma;
    h->root.ports = d->machine->iospace;
    h->root.port_size = 0x10000;
    h->root.nlines = PCI_LINES;
    h->root.line_of = line_of;
    pci_bus_init(&h->root.bus, d, &h->root, NULL);
    pci_conf1_init(&h->conf1, &h->root, d->machine->iospace);
    h->mch = (struct mch *)pci_make(d, &mch_class, NULL, 0, e);
    return h->mch != NULL;
}

static void host_reset(struct device *d)
{
    pci_root_drive(&((struct q35_host *)d)->root);
}

static bool host_loaded(struct device *d, struct err *e)
{
    (void)e;
    pci_root_drive(&((struct q35_host *)d)->root);
    return true;
}

static void host_fw_path(const struct device *d, struct buf *out)
{
    (void)d;
    buf_printf(out, "/pci@i0cf8");
}

static const struct field host_state[] = {
    FIELD(struct q35_host, conf1.address),
    FIELDS(struct q35_host, root.line),
    {0},
};

static void host_print(const struct device *d, struct buf *out)
{
    pci_bus_print(&((const struct q35_host *)d)->root.bus, out);
}

const struct device_class q35_host_class = {
    .name = "q35-pcihost",
    .doc = "PCI Express host of Q35 machines",
    .bus = "sysbus",
    .provides = "pci",
    .size = sizeof(struct q35_host),
    .nirqs = PCI_LINES,
    .state = host_state,
    .init = host_init,
    .reset = host_reset,
    .loaded = host_loaded,
    .plug = host_plug,
    .topic = "pci",
    .print = host_print,
    .fw_path = host_fw_path,
};
