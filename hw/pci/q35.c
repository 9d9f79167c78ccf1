/* Intel Q35 (82Q35 MCH), the host bridge. SPEC: Intel 316966 (3 Series Express Chipset data sheet), 5.1: PCIEXBAR, PAM,
 * SMRAM; Intel 316972 (ICH9 data sheet), 5.10 and 10.1.37 for how interrupts reach PIRQA..PIRQH: functions of the ICH9
 * (slots from 25 on) by registers that stand here at their values after reset, others by their slot.
 *
 * Not modelled: DRAM registers, TSEG, the root ports of the MCH, DxxIR. */
#include "hw/pci/q35.h"

#include "base/bits.h"
#include "hw/core/machine.h"
#include "hw/pci/pc_host.h"

enum { PCIEXBAR = 0x60, PAM0 = 0x90, SMRAM = 0x9d, FIRST_ICH9_SLOT = 25 };

struct mch {
    struct pci_device pci;
    struct pam pam;
    struct mem_region ecam;
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
    u64 size, at = ecam_place((struct mch *)((struct pc_host *)host)->bridge, &size);
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

static bool host_init(struct device *d, struct err *e)
{
    struct pc_host *h = (struct pc_host *)d;
    if (!pc_host_init(d, &mch_class, PCI_LINES, line_of, e)) {
        return false;
    }
    h->pam = &((struct mch *)h->bridge)->pam;
    h->root.express = true;
    return true;
}

const struct device_class q35_host_class = {
    .name = "q35-pcihost",
    .doc = "PCI Express host of Q35 machines",
    .nirqs = PCI_LINES,
    .init = host_init,
    PC_HOST_CLASS,
};
