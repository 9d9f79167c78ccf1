/* The generator: which device, which register, what value; and when it is a driver's turn. */
#include "tests/fuzz/gen.h"

#include <string.h>

#include "base/bits.h"
#include "hw/pci/pci_bus.h"

/* -- chance (xorshift128+, Vigna) -------------------------------------------------------------------------------- */

u64 rnd64(struct gen *g)
{
    u64 a = g->rng[0], b = g->rng[1];
    g->rng[0] = b;
    a ^= a << 23;
    g->rng[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
    return g->rng[1] + b;
}

u32 rnd(struct gen *g, u32 n)
{
    return (u32)((rnd64(g) >> 32) * n >> 32);
}

bool one_in(struct gen *g, u32 n)
{
    return rnd(g, n) == 0;
}

u64 odd(struct gen *g, u64 v, unsigned bytes)
{
    return g->odds && one_in(g, g->odds) ? any_value(g, bytes) : v;
}

static u64 some_region(struct gen *g)
{
    const struct window *w = one_in(g, 2) && g->nown ? &g->own[rnd(g, g->nown)] : &g->all[rnd(g, g->nall)];
    const struct mem_region *r = w->r;
    if (!r->space || r->space != g->w->m->sysmem) {
        return r->size;
    }
    return r->base + (one_in(g, 2) ? rnd64(g) % r->size & ~3ull : rnd(g, 64) & ~3u);
}

u64 any_addr(struct gen *g)
{
    u64 end = g->ram + g->ram_size;
    switch (rnd(g, 12)) {
    case 0:
        return some_region(g);
    case 1: {
        const u64 edge[] = {0, end, end - rnd(g, 64), ~0ull - rnd(g, 64), 1ull << rnd(g, 64), 0xffffffff - rnd(g, 32)};
        return edge[rnd(g, ARRAY_LEN(edge))];
    }
    case 2:
        return g->ram + rnd64(g) % g->ram_size;
    default:
        return g->ram + (rnd(g, GEN_HEAP) & (one_in(g, 4) ? ~0u : ~15u));
    }
}

u64 any_value(struct gen *g, unsigned bytes)
{
    u64 mask = MASK(8 * bytes);
    switch (rnd(g, 12)) {
    case 0:
        return 0;
    case 1:
        return mask;
    case 2:
    case 3:
        return (1ull << rnd(g, 8 * bytes)) & mask;
    case 4:
    case 5:
        return rnd(g, 32);
    case 6:
        return g->nseen ? g->seen[rnd(g, MIN(g->nseen, GEN_SEEN))] & mask : 0;
    case 7:
        return g->nseen ? (g->seen[rnd(g, MIN(g->nseen, GEN_SEEN))] ^ 1ull << rnd(g, 8 * bytes)) & mask : 1;
    case 8:
        return any_addr(g) & mask;
    case 9:
        return ((1ull << rnd(g, 8 * bytes)) - 1) & mask;
    default:
        return rnd64(g) & mask;
    }
}

u64 heap_get(struct gen *g, u64 n, u64 align)
{
    n = MIN(n, (u64)GEN_HEAP / 4);
    g->heap = align_up(g->heap, align);
    if (g->heap + n > g->ram + GEN_HEAP) {
        g->heap = align_up(g->ram, align);
    }
    u64 at = g->heap;
    g->heap += n;
    return at;
}

/* -- steps ------------------------------------------------------------------------------------------------------- */

static u64 step(struct gen *g, struct step *s)
{
    g->left -= g->left != 0;
    return world_step(g->w, s);
}

static void see(struct gen *g, u64 v)
{
    g->seen[g->nseen++ % GEN_SEEN] = v;
}

static u8 some_cpu(struct gen *g)
{
    return one_in(g, 8);
}

u64 do_read(struct gen *g, u64 addr, unsigned size)
{
    u64 v = step(
        g, &(struct step){.op = STEP_READ, .size = (u8)size, .addr = addr, .cpu = some_cpu(g), .secure = one_in(g, 8)});
    see(g, v);
    return v;
}
void do_write(struct gen *g, u64 addr, unsigned size, u64 v)
{
    step(g, &(struct step){.op = STEP_WRITE,
                           .size = (u8)size,
                           .addr = addr,
                           .val = v & MASK(8 * size),
                           .cpu = some_cpu(g),
                           .secure = one_in(g, 8)});
}
u64 do_in(struct gen *g, unsigned port, unsigned size)
{
    u64 v = step(g, &(struct step){.op = STEP_IN, .size = (u8)size, .addr = port});
    see(g, v);
    return v;
}
void do_out(struct gen *g, unsigned port, unsigned size, u64 v)
{
    step(g, &(struct step){.op = STEP_OUT, .size = (u8)size, .addr = port, .val = v & MASK(8 * size)});
}
void do_ram(struct gen *g, u64 addr, const void *p, u32 n)
{
    step(g, &(struct step){.op = STEP_RAM, .addr = addr, .data = p, .len = n});
}
void do_ram_n(struct gen *g, u64 addr, unsigned size, u64 v)
{
    u8 raw[8];
    st64le(raw, v);
    do_ram(g, addr, raw, size);
}
void do_wait(struct gen *g, u64 ns)
{
    step(g, &(struct step){.op = STEP_WAIT, .addr = ns});
}
void do_turn(struct gen *g)
{
    step(g, &(struct step){.op = STEP_TURN});
}
void do_simple(struct gen *g, enum step_op op, u64 addr, u64 val)
{
    step(g, &(struct step){.op = (u8)op, .addr = addr, .val = val, .cpu = some_cpu(g), .secure = one_in(g, 3)});
}

/* To the card's address mostly; of IP, VLAN or whatever kind, whose lengths lie now and then. */
void do_frame(struct gen *g)
{
    static const u8 mac[6] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
    static const u16 kinds[] = {0x0008, 0xdd86, 0x0081, 0x0608, 0x0000};
    u8 f[2048];
    u32 n = one_in(g, 8) ? rnd(g, 2048) : one_in(g, 2) ? 60 : 1514;
    for (u32 i = 0; i < sizeof(f); i += 8) {
        st64le(f + i, rnd64(g));
    }
    if (!one_in(g, 4)) {
        memcpy(f, mac, 6);
    } else if (one_in(g, 2)) {
        memset(f, 0xff, 6);
    }
    st16le(f + 12, kinds[rnd(g, ARRAY_LEN(kinds))]);
    f[14] = one_in(g, 4) ? f[14] : 0x45;
    f[23] = one_in(g, 2) ? 6 : 17;
    step(g, &(struct step){.op = STEP_NET, .data = f, .len = n});
}

/* -- regions, PCI ------------------------------------------------------------------------------------------------ */

u64 reg_read(struct gen *g, struct mem_region *r, u64 off, unsigned size)
{
    if (!r || !r->space) {
        return 0;
    }
    return r->space == g->w->m->iospace ? do_in(g, (unsigned)(r->base + off), size) : do_read(g, r->base + off, size);
}
void reg_write(struct gen *g, struct mem_region *r, u64 off, unsigned size, u64 v)
{
    if (r && r->space && r->space == g->w->m->iospace) {
        do_out(g, (unsigned)(r->base + off), size, v);
    } else if (r && r->space) {
        do_write(g, r->base + off, size, v);
    }
}

bool is_pci(const struct device *d)
{
    return !strcmp(d->cls->bus, "pci");
}

/* Where ECAM is, if it is. */
static struct mem_region *ecam(struct gen *g)
{
    for (unsigned i = 0; i < g->nall; i++) {
        if (g->all[i].r->ops == &pci_ecam_ops && g->all[i].r->space) {
            return g->all[i].r;
        }
    }
    return NULL;
}

static u64 conf_at(const struct pci_device *p, unsigned off)
{
    return (u64)pci_bus_number(p->bus) << 20 | (u64)p->devfn << 12 | off;
}
u32 conf_read(struct gen *g, struct pci_device *p, unsigned off, unsigned size)
{
    struct mem_region *e = ecam(g);
    if (e) {
        return (u32)reg_read(g, e, conf_at(p, off), size);
    }
    do_out(g, 0xcf8, 4, 0x80000000u | (u32)(conf_at(p, 0) >> 4) | (off & 0xfc));
    return (u32)do_in(g, 0xcfc + (off & 3), size);
}
void conf_write(struct gen *g, struct pci_device *p, unsigned off, unsigned size, u32 v)
{
    struct mem_region *e = ecam(g);
    if (e) {
        reg_write(g, e, conf_at(p, off), size, v);
        return;
    }
    do_out(g, 0xcf8, 4, 0x80000000u | (u32)(conf_at(p, 0) >> 4) | (off & 0xfc));
    do_out(g, 0xcfc + (off & 3), size, v);
}

struct mem_region *bar_of(const struct device *d, unsigned n)
{
    return is_pci(d) ? ((const struct pci_device *)d)->bar[n].region : NULL;
}

/* Each function has a gigabyte's sixteenth to itself; ports a page. */
void bars_place(struct gen *g, struct pci_device *p)
{
    bool pc = g->w->m->iospace;
    u64 mem = (pc ? 0xc0000000ull : 0x10000000ull) + ((u64)(p->devfn >> 3 & 7) << 26),
        io = 0x1000u * (1 + (p->devfn >> 3 & 7));
    io += pc ? 0x6000 : 0;
    for (unsigned i = 0; i < PCI_BARS; i++) {
        const struct pci_bar *b = &p->bar[i];
        if (!b->region || b->kind == PCI_BAR_NONE) {
            continue;
        }
        u64 *next = b->kind == PCI_BAR_IO ? &io : &mem;
        *next = align_up(*next, b->region->size);
        conf_write(g, p, PCI_BAR0 + 4 * i, 4, (u32)*next);
        if (b->kind == PCI_BAR_MEM64) {
            conf_write(g, p, PCI_BAR0 + 4 * i + 4, 4, 0);
        }
        *next += b->region->size;
    }
    if (p->behind) { /* a bridge: one bus behind it, and windows around what goes there */
        conf_write(g, p, 0x18, 4, 0x00010100);
        conf_write(g, p, 0x1c, 2, 0xf000);
        conf_write(g, p, 0x20, 4, (u32)(mem >> 16 & 0xfff0) | ((u32)((mem + 0x2000000) & 0xfff00000)));
    }
    conf_write(g, p, PCI_COMMAND, 2, 7);
}

static void capability(struct gen *g, struct pci_device *p)
{
    unsigned at = p->config[PCI_CAPABILITIES];
    for (unsigned n = rnd(g, 4); n && at; n--) {
        at = p->config[at + 1];
    }
    if (at) {
        unsigned size = 1u << rnd(g, 3), off = at + rnd(g, 24);
        one_in(g, 3) ? (void)conf_read(g, p, off & 0xff & ~(size - 1), size)
                     : conf_write(g, p, off & 0xff & ~(size - 1), size, (u32)any_value(g, size));
    }
}

/* Messages go where the board hears them. */
static void messages(struct gen *g, struct pci_device *p)
{
    u32 to = one_in(g, 8)       ? (u32)some_region(g)
             : g->w->m->iospace ? 0xfee00000
             : one_in(g, 2)     ? 0x08090040
                                : 0x08020040,
        data = 0x41 + rnd(g, 8);
    if (p->msix_cap) {
        for (unsigned i = 0; i < MIN(p->msix_count, 4); i++) {
            reg_write(g, &p->msix_region, 16 * i, 4, odd(g, to, 4));
            reg_write(g, &p->msix_region, 16 * i + 4, 4, odd(g, 0, 4));
            reg_write(g, &p->msix_region, 16 * i + 8, 4, odd(g, data, 4));
            reg_write(g, &p->msix_region, 16 * i + 12, 4, rnd(g, 2));
        }
        conf_write(g, p, p->msix_cap + 2u, 2, rnd(g, 4) << 14);
    }
    if (p->msi_cap) {
        conf_write(g, p, p->msi_cap + 4u, 4, (u32)odd(g, to, 4));
        conf_write(g, p, p->msi_cap + 12u, 2, (u32)odd(g, data, 2));
        conf_write(g, p, p->msi_cap + 2u, 2, (rnd(g, 2) | rnd(g, 6) << 4));
    }
}

static void configure(struct gen *g, struct pci_device *p)
{
    unsigned size = 1u << rnd(g, 3);
    switch (rnd(g, 7)) {
    case 6:
        messages(g, p);
        break;
    case 0:
        conf_write(g, p, PCI_COMMAND, 2, one_in(g, 2) ? 7 : rnd(g, 0x800));
        break;
    case 1:
        capability(g, p);
        break;
    case 2:
        bars_place(g, p);
        break;
    case 3:
        conf_write(g, p, PCI_BAR0 + 4 * rnd(g, 7), 4, (u32)any_value(g, 4));
        break;
    case 4:
        conf_write(g, p, rnd(g, 256) & ~(size - 1), size, (u32)any_value(g, size));
        break;
    default:
        conf_read(g, p, rnd(g, 256) & ~(size - 1), size);
    }
}

/* -- registers --------------------------------------------------------------------------------------------------- */

static u64 some_offset(struct gen *g, const struct window *w, unsigned size)
{
    const struct reg *rows = w->d ? w->d->cls->regs : NULL;
    if (one_in(g, 5)) {
        return g->last_off % w->r->size;
    }
    if (rows && !one_in(g, 6)) {
        unsigned n = 0;
        while (rows[n].name) {
            n++;
        }
        const struct reg *r = n ? &rows[rnd(g, n)] : NULL;
        if (r) {
            unsigned stride = r->stride ? r->stride : r->size ? r->size : 4;
            return (r->off + stride * (r->count ? rnd(g, r->count) : 0)) % w->r->size;
        }
    }
    u64 most = MIN(w->r->size, one_in(g, 16) ? ~0ull : 1ull << (3 + rnd(g, 14)));
    u64 off = rnd64(g) % most;
    return one_in(g, 8) ? off : off & ~(u64)(size - 1);
}

static void touch(struct gen *g, const struct window *w)
{
    unsigned size = 1u << (one_in(g, 2) && w->d && w->d->cls->regs ? 2 : rnd(g, 4));
    if (!w->r->space) {
        return;
    }
    u64 off = some_offset(g, w, size);
    g->last_off = off;
    if (rnd(g, 5) < 2) {
        reg_read(g, w->r, off, size);
    } else {
        reg_write(g, w->r, off, size, any_value(g, size));
    }
}

/* -- what is there ----------------------------------------------------------------------------------------------- */

static bool inside(const void *p, const struct device *d)
{
    return (const u8 *)p >= (const u8 *)d && (const u8 *)p < (const u8 *)d + d->cls->size;
}

static struct device *owner_of(struct gen *g, const struct mem_region *r)
{
    for (struct device *d = g->w->m->devices; d; d = d->next) {
        if (inside(r, d) || inside(r->opaque, d)) {
            return d;
        }
        const struct mem_region *m;
        for (unsigned i = 0; (m = device_region(d, i)); i++) {
            if (m == r) {
                return d;
            }
        }
    }
    return NULL;
}

static void window_add(struct gen *g, struct mem_region *r, struct device *d)
{
    for (unsigned i = 0; i < g->nall; i++) {
        if (g->all[i].r == r) {
            return;
        }
    }
    if (g->nall < GEN_WINDOWS) {
        g->all[g->nall++] = (struct window){r, d};
    }
}

static void map_walk(struct gen *g, struct mem_space *s)
{
    struct mem_hit h;
    for (u64 at = 0; s;) {
        mem_find_as(s, at, (struct mem_attrs){.is_cpu = true, .secure = true}, &h);
        if (h.region && h.region->kind != MEM_RAM) {
            window_add(g, h.region, owner_of(g, h.region));
        } else if (h.region) { /* video memory and the like */
            struct device *d = owner_of(g, h.region);
            if (d) {
                window_add(g, h.region, d);
            }
        }
        if (!h.len || at + h.len < at || at + h.len == 0) {
            break;
        }
        at += h.len;
    }
}

static void windows_of_pci(struct gen *g, struct pci_device *p)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        if (p->bar[i].region) {
            window_add(g, p->bar[i].region, &p->dev);
        }
    }
    for (unsigned i = 0; i < PCI_FIXED && p->fixed[i].region; i++) {
        window_add(g, p->fixed[i].region, &p->dev);
    }
    if (p->rom.size) {
        window_add(g, &p->rom, &p->dev);
    }
}

static bool in_focus(const struct gen *g, const struct device *d)
{
    for (unsigned i = 0; i < g->nfocus; i++) {
        if (g->focus[i] == d) {
            return true;
        }
    }
    return false;
}

static void focus_add(struct gen *g, struct device *d)
{
    if (d && !in_focus(g, d) && g->nfocus < GEN_FOCUS) {
        g->focus[g->nfocus++] = d;
    }
}

static void focus_class(struct gen *g, const char *name)
{
    for (struct device *d = g->w->m->devices; d; d = d->next) {
        if (!strcmp(d->cls->name, name)) {
            focus_add(g, d);
        }
    }
}

/* Who is reached through whom, where parent and child do not say it. */
static const char *const together[][2] = {
    {"ps2-kbd", "i8042"}, {"ps2-mouse", "i8042"},    {"floppy", "isa-fdc"},          {"floppy", "i8237"},
    {"isa-fdc", "i8237"}, {"i8237", "isa-fdc"},      {"ramfb", "fw_cfg_mmio"},       {"ramfb", "fw_cfg_io"},
    {"port61", "i8254"},  {"i8254", "port61"},       {"arm-gicv3-its", "arm-gicv3"}, {"arm-gicv3", "arm-gicv3-its"},
    {"apic", "ioapic"},   {"ioapic", "apic"},        {"gpio-key", "pl061"},          {"i8259", "apic"},
    {"isa-bus", "i8254"}, {"arm-gicv2m", "arm_gic"}, {"ide-bus", "piix3-ide"},       {"ahci-port", "ich9-ahci"},
};

static void focus_find(struct gen *g)
{
    u64 n = 0;
    for (struct device *d = g->w->m->devices; d; d = d->next) {
        n += d->cls == g->ti->cls;
    }
    n = n ? rnd(g, (u32)n) : 0;
    for (struct device *d = g->w->m->devices; d; d = d->next) {
        if (d->cls == g->ti->cls && n-- == 0) {
            focus_add(g, d);
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(together); i++) {
        if (!strcmp(together[i][0], g->ti->cls->name)) {
            focus_class(g, together[i][1]);
        }
    }
    for (struct device *d = g->w->m->devices; d && g->nfocus; d = d->next) {
        if (d->parent == g->focus[0]) {
            focus_add(g, d);
        }
    }
    for (struct device *p = g->nfocus ? g->focus[0]->parent : NULL; p; p = p->parent) {
        focus_add(g, p);
    }
}

struct device *focus_named(struct gen *g, const char *prefix)
{
    for (unsigned i = 0; i < g->nfocus; i++) {
        if (!strncmp(g->focus[i]->cls->name, prefix, strlen(prefix))) {
            return g->focus[i];
        }
    }
    return NULL;
}

static void windows_find(struct gen *g)
{
    g->nall = g->nown = 0;
    map_walk(g, g->w->m->sysmem);
    map_walk(g, g->w->m->iospace);
    for (struct device *d = g->w->m->devices; d; d = d->next) {
        if (is_pci(d)) {
            windows_of_pci(g, (struct pci_device *)d);
        }
    }
    for (unsigned i = 0; i < g->nall; i++) {
        if (g->all[i].d && in_focus(g, g->all[i].d)) {
            g->own[g->nown++] = g->all[i];
        }
    }
}

static void ram_find(struct gen *g)
{
    bool pc = g->w->m->iospace;
    g->ram = pc ? 1 << 20 : 1 << 30;
    g->ram_size = g->w->m->ram.size - (pc ? 1 << 20 : 0);
    g->heap = g->ram;
}

/* -- a run ------------------------------------------------------------------------------------------------------- */

static bool (*const rings[])(struct gen *g, struct device *d) = {
    ring_virtio, ring_e1000, ring_rtl8139, ring_ahci, ring_ide, ring_fdc,   ring_xhci,     ring_edu,
    ring_fw_cfg, ring_gicv3, ring_apic,    ring_vga,  ring_ps2, ring_power, ring_watchdog,
};

static bool drive(struct gen *g)
{
    static const u32 odds[] = {0, 0, 128, 32, 10};
    struct device *d = g->focus[one_in(g, 2) ? 0 : rnd(g, g->nfocus)];
    g->odds = odds[rnd(g, ARRAY_LEN(odds))];
    for (unsigned i = 0; i < ARRAY_LEN(rings); i++) {
        if (rings[i](g, d)) {
            return true;
        }
    }
    return false;
}

static void outside(struct gen *g)
{
    u8 text[16];
    switch (rnd(g, 9)) {
    case 0:
    case 1:
        do_frame(g);
        break;
    case 2:
        st64le(text, rnd64(g));
        st64le(text + 8, rnd64(g));
        step(g, &(struct step){.op = STEP_CHR, .addr = rnd(g, WORLD_CHARS), .data = text, .len = 1 + rnd(g, 16)});
        break;
    case 3:
        do_simple(g, STEP_KEY, one_in(g, 4) ? rnd(g, 0x300) : rnd(g, 128), rnd(g, 2));
        break;
    case 4:
        do_simple(g, STEP_BUTTON, rnd(g, 8), rnd(g, 2));
        break;
    case 5:
        do_simple(g, one_in(g, 2) ? STEP_REL : STEP_ABS, rnd(g, 4), one_in(g, 4) ? any_value(g, 4) : rnd(g, 300));
        break;
    case 6:
        do_simple(g, STEP_LOOK, 0, 0);
        break;
    case 7:
        if (one_in(g, 8)) {
            do_simple(g, STEP_MEDIA, rnd(g, 5), rnd(g, 4));
        }
        break;
    default:
        if (one_in(g, 4)) {
            do_simple(g, STEP_LINK, 0, rnd(g, 4) != 0);
        }
    }
}

static void seldom(struct gen *g)
{
    switch (rnd(g, 12)) {
    case 0:
        do_simple(g, STEP_RESET, 0, 0);
        break;
    case 1:
    case 2:
        do_simple(g, STEP_SAVE, 0, 0);
        break;
    case 3:
        do_wait(g, 1ull << rnd(g, 45));
        break;
    case 4:
        do_simple(g, STEP_POWER, 0, 0);
        break;
    default:
        do_turn(g);
    }
}

static void some_config(struct gen *g)
{
    struct device *d = g->focus[rnd(g, g->nfocus)];
    if (is_pci(d)) {
        configure(g, (struct pci_device *)d);
    }
}

static void one(struct gen *g)
{
    u32 r = rnd(g, 100);
    if (g->calm && r < 55 && !one_in(g, 10) && g->nfocus && drive(g)) {
        return;
    }
    if (r < 55 && g->nown) {
        touch(g, &g->own[rnd(g, g->nown)]);
    } else if (r < 60) {
        touch(g, &g->all[rnd(g, g->nall)]);
    } else if (r < 70 && g->nfocus) {
        drive(g);
    } else if (r < 76) {
        do_turn(g);
    } else if (r < 82) {
        do_wait(g, 1ull << rnd(g, 31));
    } else if (r < 90) {
        outside(g);
    } else if (r < 92 && g->nfocus) {
        some_config(g);
    } else if (r < 95) {
        do_simple(g, STEP_ACK, 0, 0);
    } else if (r < 97) {
        u8 junk[64];
        for (unsigned i = 0; i < sizeof(junk); i += 8) {
            st64le(junk + i, any_value(g, 8));
        }
        do_ram(g, any_addr(g), junk, 1 + rnd(g, sizeof(junk)));
    } else if (one_in(g, 3)) {
        seldom(g);
    }
}

void gen_run(struct world *w, const struct target_info *ti, u64 seed, u64 n)
{
    static struct gen gen;
    struct gen *g = &gen;
    *g = (struct gen){.w = w, .ti = ti, .rng = {seed * 2 + 1, ~seed}, .left = n};
    for (unsigned i = 0; i < 8; i++) {
        rnd64(g);
    }
    g->calm = one_in(g, 2);
    ram_find(g);
    focus_find(g);
    windows_find(g);
    must(g->nall);
    for (unsigned i = 0; i < g->nfocus; i++) {
        if (is_pci(g->focus[i])) {
            bars_place(g, (struct pci_device *)g->focus[i]);
        }
    }
    windows_find(g);
    while (g->left && !w->ended) {
        one(g);
    }
    do_turn(g);
    do_simple(g, STEP_SAVE, 0, 0);
}
