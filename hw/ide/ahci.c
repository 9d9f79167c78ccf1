/* The AHCI controller of the ICH9 ("ich9-ahci"): the function, its global registers, its interrupts.
 *
 * SPEC: Serial ATA AHCI 1.3.1, 3.1 (generic host control), 10.7 (interrupts), 10.4.3 (HBA reset); Intel 316972 (ICH9),
 * 15 for identities and the index and data pair of BAR 4. Six ports, 32 slots, 64-bit addresses, queued commands.
 * Not modelled: command completion coalescing, enclosure management, hot plug, port multipliers, FIS-based switching,
 * BIOS handoff, power states of the link, staggered spin-up: the registers say that they are not there. */
#include "base/bits.h"
#include "base/log.h"
#include "hw/core/machine.h"
#include "hw/ide/ahci_priv.h"

enum { R_CAP = 0x00, R_GHC = 0x04, R_IS = 0x08, R_PI = 0x0c, R_VS = 0x10, R_CAP2 = 0x24, R_BOHC = 0x28 };
enum { GHC_HR = 1 << 0, GHC_IE = 1 << 1 };
#define GHC_AE 0x80000000u
/* S64A, SNCQ, SCLO, SAM, PMD; 1.5 Gbit/s; slots and ports less one. */
#define CAP (0xc0000000u | 1u << 24 | 1u << 20 | 1u << 18 | 1u << 15 | (AHCI_SLOTS - 1) << 8 | (AHCI_PORTS - 1))

/* A port's bit is set as long as it has something to tell; a message goes out when one is set that was not. */
void ahci_update(struct ahci *s)
{
    u32 was = s->is;
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        s->is |= s->port[i]->is & s->port[i]->ie ? 1u << i : 0;
    }
    bool on = s->ghc & GHC_IE;
    s->line = on && s->is;
    if (pci_msi_enabled(&s->pci)) {
        pci_set_intx(&s->pci, false);
        if (on && s->is & ~was) {
            pci_msi_notify(&s->pci, 0);
        }
    } else {
        pci_set_intx(&s->pci, s->line);
    }
}

static void messages_switched(struct pci_device *p)
{
    ahci_update((struct ahci *)p);
}

static void hba_reset(struct ahci *s)
{
    s->ghc = GHC_AE;
    s->is = 0;
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        ahci_port_reset(s->port[i]);
    }
    ahci_update(s);
}

static u32 global_read(struct ahci *s, unsigned off)
{
    switch (off) {
    case R_CAP:
        return CAP;
    case R_GHC:
        return s->ghc;
    case R_IS:
        return s->is;
    case R_PI:
        return (u32)MASK(AHCI_PORTS);
    case R_VS:
        return 0x00010301;
    default:
        return 0;
    }
}

static void global_write(struct ahci *s, unsigned off, u32 v)
{
    switch (off) {
    case R_GHC: {
        bool was = s->ghc & GHC_IE;
        if (v & GHC_HR) {
            hba_reset(s);
            return;
        }
        s->ghc = GHC_AE | (v & GHC_IE);
        if (!was && v & GHC_IE && s->is && pci_msi_enabled(&s->pci)) {
            pci_msi_notify(&s->pci, 0);
        }
        break;
    }
    case R_IS:
        s->is &= ~v;
        break;
    case R_CAP:
    case R_PI:
    case R_CAP2:
    case R_BOHC:
        break; /* firmware may write the first two once; the others are not there */
    default:
        guest_error(device_name(&s->pci.dev), "write of 0x%x at 0x%x, where there is no register", v, off);
    }
    ahci_update(s);
}

static enum mem_result abar_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct ahci *s = opaque;
    unsigned port = ((unsigned)off - AHCI_PORT_BASE) / AHCI_PORT_SIZE;
    (void)size;
    (void)a;
    if (off < AHCI_PORT_BASE) {
        *val = global_read(s, (unsigned)off);
    } else {
        *val = port < AHCI_PORTS ? ahci_port_read(s->port[port], off % AHCI_PORT_SIZE) : 0;
    }
    return MEM_OK;
}

static enum mem_result abar_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct ahci *s = opaque;
    unsigned port = ((unsigned)off - AHCI_PORT_BASE) / AHCI_PORT_SIZE;
    (void)size;
    (void)a;
    if (off < AHCI_PORT_BASE) {
        global_write(s, (unsigned)off, (u32)val);
    } else if (port < AHCI_PORTS) {
        ahci_port_write(s->port[port], off % AHCI_PORT_SIZE, (u32)val);
    }
    return MEM_OK;
}

static const struct mem_ops abar_ops = {.read = abar_read, .write = abar_write, .min_size = 4, .max_size = 4};

/* BAR 4: the registers through ports 10h (which) and 14h (what is in it). */
static enum mem_result index_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    struct ahci *s = opaque;
    *val = off == 0x10 ? s->index_reg : 0;
    return off == 0x14 ? abar_read(s, s->index_reg, size, val, a) : MEM_OK;
}

static enum mem_result index_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    struct ahci *s = opaque;
    if (off == 0x10) {
        s->index_reg = (u32)val & (AHCI_ABAR_SIZE - 4);
    }
    return off == 0x14 ? abar_write(s, s->index_reg, size, val, a) : MEM_OK;
}

static const struct mem_ops index_ops = {.read = index_read, .write = index_write, .min_size = 4, .max_size = 4};

/* -- the device ---------------------------------------------------------------------------------------------------- */

/* The number of the first port's bus, with none of the names taken. */
static unsigned ports_from(const struct machine *m)
{
    unsigned from = 0;
    for (unsigned i = 0; i < AHCI_PORTS; i++) {
        char id[16];
        snprintf(id, sizeof(id), "ide.%u", from + i);
        if (machine_find(m, id)) {
            from += i + 1;
            i = ~0u;
        }
    }
    return from;
}

static bool ahci_init(struct device *d, struct err *e)
{
    struct ahci *s = (struct ahci *)d;
    pci_init(&s->pci, &(struct pci_ident){.vendor = 0x8086,
                                          .device = 0x2922,
                                          .subsystem_vendor = 0x1af4,
                                          .subsystem = 0x1100,
                                          .class_code = 0x010601,
                                          .revision = 2,
                                          .interrupt_pin = 1});
    unsigned from = ports_from(d->machine);
    for (unsigned i = AHCI_PORTS; i--;) { /* the first is the newest, and so where drives go that say no bus */
        char id[16];
        snprintf(id, sizeof(id), "ide.%u", from + i);
        struct ahci_port *p = (struct ahci_port *)device_new(d->machine, &ahci_port_class, id);
        p->hba = s;
        p->number = (u8)i;
        p->dev.parent = d;
        if (!device_init(&p->dev, e)) {
            return false;
        }
        s->port[i] = p;
    }
    s->abar =
        (struct mem_region){.name = "ahci", .kind = MEM_MMIO, .size = AHCI_ABAR_SIZE, .ops = &abar_ops, .opaque = s};
    s->index = (struct mem_region){.name = "ahci-index", .kind = MEM_MMIO, .size = 32, .ops = &index_ops, .opaque = s};
    pci_add_bar(&s->pci, 4, PCI_BAR_IO, false, &s->index);
    pci_add_bar(&s->pci, 5, PCI_BAR_MEM32, false, &s->abar);
    pci_row(&s->pci, 0x90, 1, 0x40, 0, 0); /* MAP: AHCI mode */
    pci_msi_init(&s->pci, 1);
    s->pci.messages_switched = messages_switched;
    return true;
}

static void ahci_reset(struct device *d)
{
    struct ahci *s = (struct ahci *)d;
    pci_reset(&s->pci);
    s->ghc = GHC_AE;
}

static bool ahci_loaded(struct device *d, struct err *e)
{
    struct ahci *s = (struct ahci *)d;
    s->index_reg &= AHCI_ABAR_SIZE - 4;
    return pci_loaded(&s->pci, e);
}

static void ahci_fw_path(const struct device *d, struct buf *out)
{
    const struct pci_device *p = (const struct pci_device *)d;
    buf_printf(out, "/pci8086,2922@%x", p->devfn >> 3);
    if (p->devfn & 7) {
        buf_printf(out, ",%x", p->devfn & 7);
    }
}

static const struct field ahci_state[] = {
    PCI_FIELDS(struct ahci, pci),  FIELD(struct ahci, ghc),  FIELD(struct ahci, is),
    FIELD(struct ahci, index_reg), FIELD(struct ahci, line), {0},
};
static const struct prop ahci_props[] = {PCI_PROPS(struct ahci, pci), {0}};

const struct device_class ich9_ahci_class = {
    .name = "ich9-ahci",
    .doc = "AHCI of the ICH9: six ports of serial ATA",
    .bus = "pci",
    .size = sizeof(struct ahci),
    .state = ahci_state,
    .props = ahci_props,
    .init = ahci_init,
    .reset = ahci_reset,
    .loaded = ahci_loaded,
    .fw_path = ahci_fw_path,
};
