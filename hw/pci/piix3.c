/* Intel 82371SB (PIIX3), function 0, the ISA bridge. SPEC: Intel 290550 / 290562, 2.2 (configuration registers). The
 * parts of a PC that the chip holds (8259, 8254, 8237, clock) are devices of their own.
 *
 * Not modelled: bus timing, decoding of ROM and ISA ranges, SMI sources, the APIC chip select: the registers keep what
 * is written. */
#include "hw/pci/piix3.h"

#include "base/bits.h"

enum { PIRQRC = 0x60, PIRQ_OFF = 0x80, PIRQS = 4, ISA_IRQS = 16 };

struct piix3 {
    struct pci_device pci;
    u8 pirq; /* levels of PIRQA.. */
    struct reset_control rcr;
    u16 driven; /* IRQs that are high for a PIRQ */
};

static void route(struct piix3 *s)
{
    u16 now = 0;
    for (unsigned i = 0; i < PIRQS; i++) {
        u8 r = s->pci.config[PIRQRC + i];
        if (s->pirq >> i & 1 && !(r & PIRQ_OFF)) {
            now |= (u16)(1u << (r & 15));
        }
    }
    u16 changed = now ^ s->driven;
    s->driven = now;
    for (unsigned i = 0; i < ISA_IRQS; i++) {
        if (changed >> i & 1) {
            device_irq(&s->pci.dev, i, now >> i & 1);
        }
    }
}

static void pirq_in(struct device *d, unsigned n, int level)
{
    struct piix3 *s = (struct piix3 *)d;
    s->pirq = (u8)((s->pirq & ~(1u << n)) | (u32)(level != 0) << n);
    route(s);
}

static void written(struct pci_device *p, unsigned off, unsigned size)
{
    if (off < PIRQRC + PIRQS && off + size > PIRQRC) {
        route((struct piix3 *)p);
    }
}

struct reset_control *piix3_reset_control(struct pci_device *p)
{
    return &((struct piix3 *)p)->rcr;
}

/* -- device ------------------------------------------------------------------------------------------------------- */

static bool piix3_init(struct device *d, struct err *e)
{
    (void)e;
    static const struct {
        u8 off, size;
        u32 initial, wmask;
    } rows[] = {
        {0x4c, 1, 0x4d, 0xff},   /* ISA recovery time */
        {0x4e, 2, 0x0003, 0xff}, /* X-bus chip selects */
        {0x60, 4, 0x80808080, 0x8f8f8f8f},
        {0x69, 1, 0x02, 0xff}, /* top of memory */
        {0x6a, 2, 0, 0xffff},  /* miscellaneous status */
        {0x70, 1, 0x80, 0xef}, /* motherboard device IRQ */
        {0x76, 2, 0x0c0c, 0x8f8f},
        {0x78, 2, 0x0002, 0xffff}, /* programmable chip select */
        {0x80, 1, 0, 0x7f},        /* APIC base */
        {0x82, 1, 0, 0x0f},        /* deterministic latency */
        {0xa0, 1, 0x08, 0x1f},     /* SMI control */
        {0xa2, 2, 0, 0x00ff},
        {0xa4, 4, 0, 0xffffffff},
        {0xa8, 1, 0x0f, 0xff},
        {0xaa, 2, 0, 0x00ff},
        {0xac, 1, 0, 0xff},
        {0xae, 1, 0, 0xff},
    };
    struct piix3 *s = (struct piix3 *)d;
    s->pci.multifunction = true;
    pci_init(&s->pci, &(struct pci_ident){.vendor = 0x8086,
                                          .device = 0x7000,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = 0x060100});
    pci_row(&s->pci, PCI_COMMAND, 2, PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER, 0x0008, 0);
    pci_row(&s->pci, PCI_STATUS, 2, 0x0200, 0, 0xf900);
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        pci_row(&s->pci, rows[i].off, rows[i].size, rows[i].initial, rows[i].wmask, 0);
    }
    s->pci.config_written = written;
    reset_control_init(&s->rcr, d, PIIX3_INIT);
    return true;
}

/* The host's lines come before: a level that stays is not told again, so nothing is forgotten here. */
static void piix3_reset(struct device *d)
{
    pci_reset((struct pci_device *)d);
    route((struct piix3 *)d);
}

static bool piix3_loaded(struct device *d, struct err *e)
{
    struct piix3 *s = (struct piix3 *)d;
    for (unsigned i = 0; i < ISA_IRQS; i++) {
        device_irq(d, i, s->driven >> i & 1);
    }
    route(s);
    return pci_loaded(&s->pci, e);
}

static const struct field piix3_state[] = {
    PCI_FIELDS(struct piix3, pci),
    FIELD(struct piix3, pirq),
    FIELD(struct piix3, rcr.value),
    FIELD(struct piix3, driven),
    {0},
};
static const struct prop piix3_props[] = {PCI_PROPS(struct piix3, pci), {0}};

const struct device_class piix3_class = {
    .name = "PIIX3",
    .doc = "PIIX3 ISA bridge",
    .bus = "pci",
    .size = sizeof(struct piix3),
    .nirqs = PIIX3_INIT + 1,
    .state = piix3_state,
    .props = piix3_props,
    .init = piix3_init,
    .reset = piix3_reset,
    .loaded = piix3_loaded,
    .irq_in = pirq_in,
};
