/* Intel 440FX (82441FX PMC), the host bridge. SPEC: Intel 290549, chapter 3: configuration mechanism #1, PAM and SMRAM;
 * Intel 290562 (82371SB) for how a PC's slots are wired to PIRQA..PIRQD.
 *
 * Not modelled: DRAM timing and row registers (they keep what is written), error reporting. */
#include "hw/pci/i440fx.h"

#include "base/bits.h"
#include "hw/core/machine.h"
#include "hw/pci/pc_host.h"

enum { PAM0 = 0x59, SMRAM = 0x72 };

struct i440fx {
    struct pci_device pci;
    struct pam pam;
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

static bool host_init(struct device *d, struct err *e)
{
    struct pc_host *h = (struct pc_host *)d;
    if (!pc_host_init(d, &i440fx_class, PCI_PINS, pirq_of, e)) {
        return false;
    }
    h->pam = &((struct i440fx *)h->bridge)->pam;
    return true;
}

const struct device_class i440fx_host_class = {
    .name = "i440FX-pcihost",
    .doc = "PCI host of 440FX machines",
    .nirqs = PCI_PINS,
    .init = host_init,
    PC_HOST_CLASS,
};
