/* PCI buses (PCI Local Bus 3.0, chapters 3 and 6; PCI-to-PCI Bridge Architecture 1.2, chapters 3 and 4): who is plugged
 * where, what is mapped, and which line an interrupt pin drives.
 *
 * What a function decodes is mapped in the root's spaces at its bus address, if every bridge on the way passes that
 * address. Not modelled: what is behind a bridge's windows, but on its other side, for bus masters: DMA passes
 * unchanged, whatever the bridges' windows and master bits say. */
#include "hw/pci/pci_bus.h"

#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "hw/core/machine.h"
#include "hw/pci/pci_bridge.h"

void pci_bus_init(struct pci_bus *b, struct device *owner, struct pci_root *root, struct pci_device *bridge)
{
    b->owner = owner;
    b->root = root;
    b->bridge = bridge;
}

unsigned pci_bus_number(const struct pci_bus *b)
{
    return b->bridge ? b->bridge->config[PCI_SECONDARY_BUS] : 0;
}

/* -- slots ------------------------------------------------------------------------------------------------------- */

static bool addr_parse(const char *s, unsigned *devfn)
{
    char *end;
    unsigned long slot = strtoul(s, &end, 16), fn = 0;
    if (end == s || slot > 31) {
        return false;
    }
    if (*end == '.') {
        const char *f = end + 1;
        fn = strtoul(f, &end, 16);
        if (end == f || fn > 7) {
            return false;
        }
    }
    *devfn = (unsigned)(slot << 3 | fn);
    return *end == 0;
}

bool pci_plug(struct pci_bus *b, struct pci_device *p, struct err *e)
{
    unsigned devfn = 0;
    if (p->addr) {
        if (!addr_parse(p->addr, &devfn)) {
            return err_set(e, "addr=%s is not SLOT[.FUNCTION] in hexadecimal, slots 0 to 1f, functions 0 to 7",
                           p->addr);
        }
        if (b->slot[devfn]) {
            return err_set(e, "slot %x function %x is taken by %s", devfn >> 3, devfn & 7,
                           device_name(&b->slot[devfn]->dev));
        }
    } else {
        while (devfn < 256 && b->slot[devfn]) {
            devfn += 8;
        }
        if (devfn >= 256) {
            return err_set(e, "every slot of the PCI bus is taken");
        }
    }
    p->devfn = (u8)devfn;
    p->bus = b;
    p->dev.dma = b->owner->dma;
    p->next = b->functions;
    b->functions = p;
    b->slot[devfn] = p;
    return true;
}

struct pci_device *pci_make(struct device *owner, const struct device_class *cls, const char *id, unsigned devfn,
                            struct err *e)
{
    struct machine *m = owner->machine;
    struct device *d = device_new(m, cls, id);
    struct pci_device *p = (struct pci_device *)d;
    if (!p->addr) {
        p->addr = arena_printf(&m->arena, "%x.%x", devfn >> 3, devfn & 7);
    }
    d->parent = owner;
    owner->nchildren++;
    return owner->cls->plug(owner, d, e) && device_init(d, e) ? p : NULL;
}

/* -- by number ----------------------------------------------------------------------------------------------------- */

static struct pci_bus *bus_find(struct pci_bus *b, unsigned n)
{
    if (n == pci_bus_number(b)) {
        return b;
    }
    for (struct pci_device *p = b->functions; p; p = p->next) {
        struct pci_bus *below = p->behind;
        if (below && n && n >= p->config[PCI_SECONDARY_BUS] && n <= p->config[PCI_SUBORDINATE_BUS]) {
            return p->config[PCI_SECONDARY_BUS] ? bus_find(below, n) : NULL;
        }
    }
    return NULL;
}

struct pci_device *pci_find(struct pci_root *r, unsigned bus, unsigned devfn)
{
    struct pci_bus *b = bus_find(&r->bus, bus);
    return b ? b->slot[devfn & 255] : NULL;
}

u16 pci_requester(const struct pci_device *p)
{
    return (u16)(pci_bus_number(p->bus) << 8 | p->devfn);
}

/* -- what is mapped ------------------------------------------------------------------------------------------------ */

struct mem_space *pci_space(const struct pci_device *p, bool io, u64 *base)
{
    const struct pci_root *r = p->bus->root;
    *base = io ? r->port_base : 0;
    return !io ? r->memory : r->port_size ? r->ports : NULL;
}

static bool inside(u64 at, u64 size, u64 base, u64 window)
{
    return window && at >= base && at - base <= window && window - (at - base) >= size;
}

/* Does every bridge above pass these addresses? Those of VGA need its own bit. */
static bool bridges_pass(const struct pci_device *p, bool io, u64 at, u64 size, bool fixed)
{
    for (const struct pci_device *b = p->bus->bridge; b; b = b->bus->bridge) {
        if (!pci_bridge_passes(b, io, at, size, fixed)) {
            return false;
        }
    }
    return true;
}

/* Where a window at that bus address is seen by CPUs; false: nowhere. Firmware does place an I/O BAR at 0. */
static bool window_place(const struct pci_device *p, bool io, u64 bus, u64 size, u64 *at)
{
    const struct pci_root *r = p->bus->root;
    if (!bridges_pass(p, io, bus, size, false)) {
        return false;
    }
    if (io) {
        *at = r->port_base + bus;
        return inside(bus, size, 0, r->port_size);
    }
    *at = bus;
    const struct pci_window *w = r->window;
    bool anywhere = !w[0].size && !w[1].size;
    return (anywhere && bus && bus + size - 1 >= bus) || inside(bus, size, w[0].base, w[0].size) ||
           inside(bus, size, w[1].base, w[1].size);
}

static bool decodes(const struct pci_device *p, bool io)
{
    return ld16le(p->config + PCI_COMMAND) & (io ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY);
}

static bool bar_wanted(const struct pci_device *p, unsigned n, u64 *at)
{
    const struct pci_bar *b = &p->bar[n];
    const u8 *reg = p->config + PCI_BAR0 + 4 * n;
    bool io = b->kind == PCI_BAR_IO;
    if (b->kind == PCI_BAR_NONE || !decodes(p, io)) {
        return false;
    }
    u64 v = b->kind == PCI_BAR_MEM64 ? ld64le(reg) : ld32le(reg);
    return window_place(p, io, v & ~(u64)(io ? 3 : 15), b->region->size, at);
}

static bool rom_wanted(const struct pci_device *p, u64 *at)
{
    u32 v = ld32le(p->config + (p->header ? PCI_BRIDGE_ROM : PCI_ROM));
    return p->rom.size && v & PCI_ROM_ENABLE && decodes(p, false) &&
           window_place(p, false, v & ~(u64)0x7ff, p->rom.size, at);
}

/* Brings one window to where it is wanted; two changes of the map at most. */
static void window_move(struct mem_space *s, struct mem_region *r, bool want, u64 at, bool *mapped, u64 *was)
{
    if (want == *mapped && (!want || at == *was)) {
        return;
    }
    if (*mapped) {
        mem_unmap_region(r);
    }
    if (want) {
        mem_map_region(s, r, at, 1);
    }
    *mapped = want;
    *was = at;
}

static void fixed_map(struct pci_device *p, struct pci_fixed *f)
{
    u64 base, was = 0;
    struct mem_space *s = pci_space(p, f->io, &base);
    bool want = s && !f->off && decodes(p, f->io) && bridges_pass(p, f->io, f->base, f->region->size, true);
    if (want != f->mapped) {
        window_move(s, f->region, want, base + f->base, &f->mapped, &was);
    }
}

void pci_map(struct pci_device *p)
{
    const struct pci_root *r = p->bus->root;
    u64 at = 0;
    for (unsigned n = 0; n < PCI_BARS; n++) {
        struct pci_bar *b = &p->bar[n];
        bool want = bar_wanted(p, n, &at);
        window_move(b->kind == PCI_BAR_IO ? r->ports : r->memory, b->region, want, at, &b->mapped, &b->at);
    }
    bool rom = rom_wanted(p, &at);
    window_move(r->memory, &p->rom, rom, at, &p->rom_mapped, &p->rom_at);
    for (struct pci_fixed *f = p->fixed; f < p->fixed + PCI_FIXED && f->region; f++) {
        fixed_map(p, f);
    }
    if (p->behind) {
        pci_bus_map(p->behind);
    }
}

void pci_bus_map(struct pci_bus *b)
{
    for (struct pci_device *p = b->functions; p; p = p->next) {
        pci_map(p);
    }
}

void pci_add_fixed(struct pci_device *p, bool io, u64 base, struct mem_region *r)
{
    unsigned n = 0;
    while (n < PCI_FIXED && p->fixed[n].region) {
        n++;
    }
    must(n < PCI_FIXED);
    p->fixed[n] = (struct pci_fixed){.region = r, .io = io, .base = base};
}

void pci_fixed_decode(struct pci_device *p, const struct mem_region *r, bool on)
{
    for (unsigned n = 0; n < PCI_FIXED; n++) {
        if (p->fixed[n].region == r) {
            p->fixed[n].off = !on;
            fixed_map(p, &p->fixed[n]);
        }
    }
}

/* -- interrupts ---------------------------------------------------------------------------------------------------- */

/* A pin of a bridge's bus is a pin of the bridge: slots turn them, so that neighbours share none. */
static unsigned line_of(const struct pci_device *p, unsigned pin)
{
    for (const struct pci_device *b = p->bus->bridge; b; p = b, b = b->bus->bridge) {
        pin = ((p->devfn >> 3) + pin) % PCI_PINS;
    }
    const struct pci_root *r = p->bus->root;
    return r->line_of ? r->line_of(r->bus.owner, p->devfn, pin) : ((p->devfn >> 3) + pin) % PCI_PINS;
}

static void lines_collect(const struct pci_bus *b, bool *line)
{
    for (struct pci_device *p = b->functions; p; p = p->next) {
        bool off = ld16le(p->config + PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE;
        if (p->intx_level && !off && p->config[PCI_INTERRUPT_PIN]) {
            line[line_of(p, p->config[PCI_INTERRUPT_PIN] - 1u) % PCI_LINES] = true;
        }
        if (p->behind) {
            lines_collect(p->behind, line);
        }
    }
}

void pci_root_intx(struct pci_root *r)
{
    bool line[PCI_LINES] = {false};
    lines_collect(&r->bus, line);
    for (unsigned i = 0; i < r->nlines; i++) {
        if (r->line[i] != line[i]) {
            r->line[i] = line[i];
            device_irq(r->bus.owner, i, line[i]);
        }
    }
}

void pci_root_drive(struct pci_root *r)
{
    for (unsigned i = 0; i < r->nlines; i++) {
        device_irq(r->bus.owner, i, r->line[i]);
    }
    pci_root_intx(r);
}

void pci_intx_changed(struct pci_device *p)
{
    pci_root_intx(p->bus->root);
}
