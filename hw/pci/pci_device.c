/* A PCI function's configuration space (PCI Local Bus 3.0, chapter 6): header, capabilities, BARs.
 *
 * Not modelled: power management, extended configuration space. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/pci/pci_bus.h"

#define CAPS_START 0x40

void pci_row(struct pci_device *p, unsigned off, unsigned size, u32 initial, u32 wmask, u32 w1c)
{
    must(off + size <= PCI_CONFIG_SIZE);
    stnle(p->initial + off, size, initial);
    stnle(p->wmask + off, size, wmask);
    stnle(p->w1c + off, size, w1c);
    stnle(p->config + off, size, initial);
}

void pci_init(struct pci_device *p, const struct pci_ident *id)
{
    must(p->bus);
    u32 header = id->header | (p->multifunction ? 0x80 : 0);
    const struct {
        u8 off, size;
        u32 initial, wmask, w1c;
    } rows[] = {
        {0x00, 2, id->vendor, 0, 0},
        {0x02, 2, id->device, 0, 0},
        {PCI_COMMAND, 2, 0, 0x0547, 0},
        {PCI_STATUS, 2, 0, 0, 0xf900},
        {0x08, 4, id->class_code << 8 | id->revision, 0, 0},
        {0x0c, 1, 0, 0xff, 0}, /* cache line size */
        {PCI_HEADER_TYPE, 1, header, 0, 0},
        {PCI_INTERRUPT_LINE, 1, 0, 0xff, 0},
        {PCI_INTERRUPT_PIN, 1, id->interrupt_pin, 0, 0},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        pci_row(p, rows[i].off, rows[i].size, rows[i].initial, rows[i].wmask, rows[i].w1c);
    }
    if (!id->header) {
        pci_row(p, PCI_SUBSYSTEM_VENDOR, 2, id->subsystem_vendor, 0, 0);
        pci_row(p, PCI_SUBSYSTEM_VENDOR + 2, 2, id->subsystem, 0, 0);
    }
    p->header = id->header;
    p->cap_end = CAPS_START;
}

u8 pci_add_cap(struct pci_device *p, u8 id, u8 size)
{
    u8 at = p->cap_end;
    must(at + align_up(size, 4) <= PCI_CONFIG_SIZE);
    pci_row(p, at, 1, id, 0, 0);
    pci_row(p, at + 1, 1, p->initial[PCI_CAPABILITIES], 0, 0); /* the newest comes first */
    pci_row(p, PCI_CAPABILITIES, 1, at, 0, 0);
    pci_row(p, PCI_STATUS, 2, ld16le(p->initial + PCI_STATUS) | PCI_STATUS_CAP_LIST, 0, 0xf900);
    p->cap_end = (u8)(at + align_up(size, 4));
    return at;
}

void pci_add_bar(struct pci_device *p, unsigned n, enum pci_bar_kind kind, bool prefetch, struct mem_region *r)
{
    must(n < PCI_BARS && is_pow2(r->size));
    unsigned off = PCI_BAR0 + 4 * n;
    u64 mask = ~(r->size - 1);
    p->bar[n] = (struct pci_bar){.region = r, .kind = kind};
    switch (kind) {
    case PCI_BAR_IO:
        pci_row(p, off, 4, 1, (u32)mask & ~3u, 0);
        break;
    case PCI_BAR_MEM32:
        pci_row(p, off, 4, (u32)prefetch << 3, (u32)mask & ~15u, 0);
        break;
    case PCI_BAR_MEM64:
        must(n + 1 < PCI_BARS);
        pci_row(p, off, 4, 4 | (u32)prefetch << 3, (u32)mask & ~15u, 0);
        pci_row(p, off + 4, 4, 0, (u32)(mask >> 32), 0);
        break;
    case PCI_BAR_NONE:
        must(false);
    }
}

void pci_reset(struct pci_device *p)
{
    memcpy(p->config, p->initial, sizeof(p->config));
    for (unsigned i = 0; i < p->msix_count; i++) {
        p->msix_table[i * 4 + 3] = 1; /* masked */
    }
    pci_map(p);
    pci_root_intx(p->bus->root);
}

bool pci_loaded(struct pci_device *p, struct err *e)
{
    for (unsigned i = 0; i < PCI_CONFIG_SIZE; i++) {
        u8 fixed = (u8) ~(p->wmask[i] | p->w1c[i]);
        if (i != PCI_STATUS && (p->config[i] ^ p->initial[i]) & fixed) {
            return err_set(e, "byte 0x%02x of the configuration space is 0x%02x in the snapshot, 0x%02x here", i,
                           p->config[i], p->initial[i]);
        }
    }
    pci_map(p);
    pci_root_intx(p->bus->root);
    return true;
}

bool pci_is_master(const struct pci_device *p)
{
    return ld16le(p->config + PCI_COMMAND) & PCI_COMMAND_MASTER;
}

u32 pci_config_read(struct pci_device *p, unsigned off, unsigned size)
{
    if (off + size > PCI_CONFIG_SIZE) {
        return (u32)MASK(size * 8);
    }
    if (p->config_reading) {
        p->config_reading(p, off, size);
    }
    return (u32)ldnle(p->config + off, size);
}

static bool touches(unsigned off, unsigned size, unsigned first, unsigned len)
{
    return off < first + len && first < off + size;
}

void pci_config_write(struct pci_device *p, unsigned off, unsigned size, u32 v)
{
    if (off + size > PCI_CONFIG_SIZE) {
        return;
    }
    bool messages = pci_msi_enabled(p) || pci_msix_enabled(p);
    for (unsigned i = 0; i < size; i++) {
        u8 new = (u8)(v >> (8 * i)), *b = &p->config[off + i], w = p->wmask[off + i];
        new = p->config_filter ? p->config_filter(p, off + i, new) : new;
        *b = (u8)(((*b & ~w) | (new &w)) & ~(new & p->w1c[off + i]));
    }
    if (touches(off, size, PCI_COMMAND, 2)) {
        pci_map(p);
        pci_root_intx(p->bus->root);
    } else if (touches(off, size, PCI_BAR0, 0x3c - PCI_BAR0)) {
        pci_map(p);
    }
    if (p->msix_cap && touches(off, size, p->msix_cap, 4)) {
        pci_msix_flush(p);
    }
    if (p->messages_switched && messages != (pci_msi_enabled(p) || pci_msix_enabled(p))) {
        p->messages_switched(p);
    }
    if (p->config_written) {
        p->config_written(p, off, size);
    }
}
