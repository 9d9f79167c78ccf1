/* Smaller engines that read guest memory by themselves, and registers behind registers: the edu card, fw_cfg's DMA with
 * ramfb behind it, GICv3's tables and ITS commands, system registers, VGA's indices. */
#include <string.h>

#include "base/bits.h"
#include "hw/intc/gicv3.h"
#include "hw/misc/fw_cfg.h"
#include "tests/fuzz/gen.h"

/* -- edu --------------------------------------------------------------------------------------------------------- */

bool ring_edu(struct gen *g, struct device *d)
{
    struct mem_region *r = bar_of(d, 0);
    if (strcmp(d->cls->name, "edu") != 0) {
        return false;
    }
    bool out = one_in(g, 2);
    u64 card = odd(g, 0x40000 + rnd(g, 4096), 8), mem = odd(g, any_addr(g) & 0xfffffff, 8);
    reg_write(g, r, 0x80, 8, out ? card : mem);
    reg_write(g, r, 0x88, 8, out ? mem : card);
    reg_write(g, r, 0x90, 8, odd(g, rnd(g, 4097), 8));
    reg_write(g, r, 0x98, 8, odd(g, 1 | out << 1 | rnd(g, 2) << 2, 8));
    do_wait(g, 1ull << rnd(g, 30));
    reg_write(g, r, one_in(g, 2) ? 0x08 : 0x60, 4, any_value(g, 4));
    return true;
}

/* -- fw_cfg ------------------------------------------------------------------------------------------------------ */

static void select_key(struct gen *g, struct device *d, bool ports, u16 key)
{
    if (ports) {
        do_out(g, 0x510, 2, key);
    } else {
        reg_write(g, &d->mmio, 8, 2, (u16)(key << 8 | key >> 8));
    }
}

static u64 swap(u64 v, unsigned bytes)
{
    return __builtin_bswap64(v) >> (64 - 8 * bytes);
}

bool ring_fw_cfg(struct gen *g, struct device *d)
{
    bool ports = d->cls == &fw_cfg_io_class;
    if (!ports && d->cls != &fw_cfg_mmio_class) {
        return false;
    }
    u16 key = (u16)odd(g, one_in(g, 2) ? FW_CFG_FILE_FIRST + rnd(g, 24) : rnd(g, 0x20), 2);
    u64 at = heap_get(g, 16, 8), data = one_in(g, 3) ? any_addr(g) : heap_get(g, 64, 8);
    u8 req[16], fb[28];
    if (one_in(g, 4)) {
        select_key(g, d, ports, key);
        for (unsigned n = rnd(g, 16); n; n--) {
            ports ? do_in(g, 0x511, 1) : reg_read(g, &d->mmio, 0, 1u << rnd(g, 4));
        }
        return true;
    }
    /* What ramfb's file says: address, format, flags, width, height, stride; all big-endian. */
    st64le(fb, swap(any_addr(g), 8));
    st32le(fb + 8, (u32)swap(odd(g, 0x34325258, 4), 4));
    st32le(fb + 12, 0);
    for (unsigned i = 16; i < 28; i += 4) {
        st32le(fb + i, (u32)swap(odd(g, i == 24 && one_in(g, 2) ? 0 : 1 + rnd(g, 800), 4), 4));
    }
    do_ram(g, data, fb, sizeof(fb));
    st32le(req, (u32)swap(odd(g, (u32)key << 16 | 8 | (const u8[]){2, 4, 16, 16}[rnd(g, 4)], 4), 4));
    st32le(req + 4, (u32)swap(odd(g, one_in(g, 2) ? 28 : rnd(g, 5000), 4), 4));
    st64le(req + 8, swap(data, 8));
    do_ram(g, at, req, sizeof(req));
    at = one_in(g, 20) ? any_addr(g) : at;
    if (ports) {
        do_out(g, 0x514, 4, swap(at >> 32, 4));
        do_out(g, 0x518, 4, swap(at & 0xffffffff, 4));
    } else {
        reg_write(g, &d->mmio, 0x10, 8, swap(at, 8));
    }
    if (one_in(g, 2)) {
        do_simple(g, STEP_LOOK, 0, 0);
    }
    return true;
}

/* -- GICv3 ------------------------------------------------------------------------------------------------------- */

static struct mem_region *redistributors(struct gen *g)
{
    struct device *gic = focus_named(g, "arm-gicv3");
    return gic ? gicv3_redist_region(gic, 0) : NULL;
}

static void gic_tables(struct gen *g, struct device *its)
{
    struct mem_region *redist = redistributors(g);
    u64 prop = heap_get(g, 65536, 4096), pend = heap_get(g, 65536, 65536);
    for (unsigned cpu = 0; cpu < STEP_CPUS; cpu++) {
        u64 base = (u64)cpu * GICV3_REDIST_SIZE;
        reg_write(g, redist, base + 0x14, 4, 0);
        reg_write(g, redist, base, 4, 0);
        reg_write(g, redist, base + 0x70, 8, odd(g, prop | (7 + rnd(g, 10)), 8));
        reg_write(g, redist, base + 0x78, 8, odd(g, pend, 8));
        reg_write(g, redist, base, 4, odd(g, 1, 4));
    }
    if (its) {
        reg_write(g, &its->mmio, 0, 4, 0);
        for (unsigned n = 0; n < 3; n++) {
            u64 at = one_in(g, 20) ? any_addr(g) & ~0xffffull : heap_get(g, 65536, 65536);
            reg_write(g, &its->mmio, 0x100 + 8 * n, 8,
                      odd(g, 1ull << 63 | at | rnd(g, 16) | (one_in(g, 8) ? 1ull << 62 : 0) | (u64)rnd(g, 3) << 8, 8));
        }
        reg_write(g, &its->mmio, 0x80, 8, odd(g, 1ull << 63 | heap_get(g, 4096, 65536) | rnd(g, 2), 8));
        reg_write(g, &its->mmio, 0, 4, odd(g, 1, 4));
    }
}

/* IHI 0069, 5.3. The queue is where CBASER was last seen by luck: what is read back is what the device believes. */
static void its_commands(struct gen *g, struct device *its)
{
    static const u8 ops[] = {0x01, 0x03, 0x04, 0x05, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
    u64 base = reg_read(g, &its->mmio, 0x80, 8) & 0xffffffffff000ull, at = reg_read(g, &its->mmio, 0x90, 8) & 0xfffe0;
    for (unsigned n = 1 + rnd(g, 6); n; n--) {
        u8 c[32];
        u8 op = ops[rnd(g, sizeof(ops))];
        st64le(c, odd(g, op | (u64)rnd(g, 4) << 32, 8));
        st64le(c + 8, odd(g, op == 0x08 ? rnd(g, 16) : rnd(g, 8) | (u64)(8192 + rnd(g, 16)) << 32, 8));
        st64le(c + 16, odd(g,
                           op == 0x08   ? 1ull << 63 | (heap_get(g, 4096, 256))
                           : op == 0x09 ? 1ull << 63 | rnd(g, 3) << 16 | rnd(g, 4)
                                        : rnd(g, 4),
                           8));
        st64le(c + 24, odd(g, rnd(g, 3) << 16, 8));
        do_ram(g, base + at, c, sizeof(c));
        at = (at + 32) & 0xfff;
    }
    reg_write(g, &its->mmio, 0x88, 8, odd(g, at, 8));
    reg_write(g, &its->mmio, 0x10040, 4, odd(g, rnd(g, 8), 4));
}

static void gic_registers(struct gen *g)
{
    static const u8 op1[] = {0, 0, 4, 6};
    for (unsigned n = 1 + rnd(g, 8); n;) {
        u32 pmr = GICV3_ENC(3, 0, 4, 6, 0), other = GICV3_ENC(3, op1[rnd(g, 4)], 12, 8 + rnd(g, 8), rnd(g, 8));
        u32 enc = one_in(g, 10) ? pmr : other;
        if (!gicv3_cpu_has_reg(enc)) {
            continue;
        }
        n--;
        do_simple(g, one_in(g, 2) ? STEP_SYSR : STEP_SYSW, enc | (one_in(g, 3) ? 1ull << 63 : 0), any_value(g, 8));
    }
}

/* Registers of distributor and redistributors that have a bit or more for each interrupt (IHI 0069, 12.8 and 12.10). */
static void gic_banks(struct gen *g, struct device *gic)
{
    static const u16 banks[] = {0x080, 0x100, 0x180, 0x200, 0x280, 0x300, 0x380, 0x400, 0xc00, 0xd00};
    struct mem_region *redist = redistributors(g);
    for (unsigned n = 1 + rnd(g, 8); n; n--) {
        bool mine = redist && one_in(g, 2);
        u64 off = banks[rnd(g, ARRAY_LEN(banks))] + 4 * rnd(g, mine ? 2 : 16);
        off += mine ? rnd(g, STEP_CPUS) * GICV3_REDIST_SIZE + 0x10000 : 0;
        struct mem_region *r = mine ? redist : &gic->mmio;
        one_in(g, 4) ? (void)reg_read(g, r, off, 4) : reg_write(g, r, off, 4, any_value(g, 4));
    }
    if (one_in(g, 3)) {
        reg_write(g, &gic->mmio, 0, 4, one_in(g, 4) ? any_value(g, 4) : 0x37);
        reg_write(g, redist, rnd(g, STEP_CPUS) * GICV3_REDIST_SIZE + 0x14, 4, rnd(g, 4));
        reg_write(g, &gic->mmio, 0x6000 + 8 * (32 + rnd(g, 64)), 8, odd(g, rnd(g, 2) | (u64)rnd(g, 2) << 31, 8));
    }
}

bool ring_gicv3(struct gen *g, struct device *d)
{
    struct device *its = focus_named(g, "arm-gicv3-its");
    if (strcmp(d->cls->name, "arm-gicv3") && d != its) {
        return false;
    }
    u32 r = rnd(g, 8);
    if (r == 0) {
        gic_tables(g, its);
    } else if (r < 4 && its) {
        its_commands(g, its);
    } else if (r < 6 && d != its) {
        gic_banks(g, d);
    } else {
        gic_registers(g);
    }
    return true;
}

/* -- local APIC -------------------------------------------------------------------------------------------------- */

bool ring_apic(struct gen *g, struct device *d)
{
    if (strcmp(d->cls->name, "apic") && strcmp(d->cls->name, "ioapic")) {
        return false;
    }
    for (unsigned n = 1 + rnd(g, 6); n; n--) {
        switch (rnd(g, 6)) {
        case 0: /* its place and mode */
            do_simple(g, STEP_SYSW, 0x1b,
                      one_in(g, 3) ? any_value(g, 8) : 0xfee00000 | rnd(g, 4) << 10 | rnd(g, 2) << 8);
            break;
        case 1:
            do_simple(g, STEP_SYSW, one_in(g, 4) ? 0x6e0 : 0x800 + rnd(g, 0x40), any_value(g, 8));
            break;
        case 2:
            do_simple(g, STEP_SYSR, 0x800 + rnd(g, 0x40), 0);
            break;
        case 3: /* an interprocessor interrupt */
            do_write(g, 0xfee00310, 4, odd(g, rnd(g, 4) << 24, 4));
            do_write(g, 0xfee00300, 4, odd(g, rnd(g, 256) | rnd(g, 8) << 8 | rnd(g, 2) << 14 | rnd(g, 4) << 18, 4));
            break;
        case 4: /* a message from a device */
            do_write(g, 0xfee00000 | rnd(g, 256) << 12 | rnd(g, 4) << 2, 4, odd(g, rnd(g, 0x10000), 4));
            break;
        default:
            do_write(g, 0xfee00000 + 16 * rnd(g, 64), 4, any_value(g, 4));
            do_simple(g, STEP_ACK, 0, 0);
        }
    }
    return true;
}

/* -- VGA --------------------------------------------------------------------------------------------------------- */

static void ports(struct gen *g)
{
    static const struct {
        u16 index, data;
        u8 n;
    } files[] = {{0x3c4, 0x3c5, 8}, {0x3ce, 0x3cf, 16}, {0x3d4, 0x3d5, 32}, {0x3c0, 0x3c0, 32}, {0x3b4, 0x3b5, 32}};
    for (unsigned n = 1 + rnd(g, 8); n; n--) {
        unsigned f = rnd(g, ARRAY_LEN(files));
        do_in(g, 0x3da, 1);
        do_out(g, files[f].index, 1, odd(g, rnd(g, files[f].n), 1));
        do_out(g, files[f].data, 1, one_in(g, 2) ? rnd(g, 16) : rnd(g, 256));
    }
}

/* Bochs' VBE: 0 id, 1 width, 2 height, 3 depth, 4 enable, 5 bank, 6 virtual width, 8 and 9 the picture's place. */
static void dispi(struct gen *g, struct mem_region *mmio)
{
    for (unsigned i = 1; i < 10; i++) {
        static const u8 depths[] = {4, 8, 15, 16, 24, 32, 0, 1};
        u32 v = i == 3   ? depths[rnd(g, 8)]
                : i == 4 ? (one_in(g, 4) ? rnd(g, 256) : 0x41)
                         : rnd(g, one_in(g, 3) ? 4096 : 900);
        v = (u32)odd(g, v, 2);
        if (mmio && (!g->w->m->iospace || one_in(g, 2))) {
            reg_write(g, mmio, 0x500 + 2 * i, 2, v);
        } else {
            do_out(g, 0x1ce, 2, i);
            do_out(g, 0x1cf, 2, v);
        }
    }
}

/* Modes as a PC's BIOS sets them (IBM PS/2 Technical Reference): 03h, 12h, 13h, 06h. */
static const struct vga_mode {
    u8 misc, seq[4], crtc[25], gfx[9], attr_mode;
} modes[] = {
    {0x67,
     {0x00, 0x03, 0x00, 0x02},
     {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0x00, 0x4f, 0x0d, 0x0e, 0x00,
      0x00, 0x00, 0x00, 0x9c, 0x0e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x10, 0x0e, 0x0f, 0xff},
     0x0c},
    {0xe3,
     {0x01, 0x0f, 0x00, 0x06},
     {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0x00, 0x40, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0xea, 0x8c, 0xdf, 0x28, 0x00, 0xe7, 0x04, 0xe3, 0xff},
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x05, 0x0f, 0xff},
     0x01},
    {0x63,
     {0x01, 0x0f, 0x00, 0x0e},
     {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0x41, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff},
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x40, 0x05, 0x0f, 0xff},
     0x41},
    {0x63,
     {0x01, 0x01, 0x00, 0x06},
     {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0x00, 0xc1, 0x00, 0x00, 0x00,
      0x00, 0x00, 0x00, 0x9c, 0x8e, 0x8f, 0x28, 0x00, 0x96, 0xb9, 0xc2, 0xff},
     {0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x0d, 0x0f, 0xff},
     0x01},
};

/* A register of VGA: by its port, or in the window that cards without ports have them in. */
static void vga_out(struct gen *g, struct mem_region *mmio, unsigned port, u64 v)
{
    if (g->w->m->iospace) {
        do_out(g, port, 1, v);
    } else {
        reg_write(g, mmio, 0x400 + port - 0x3c0, 1, v);
    }
}

static void mode_set(struct gen *g, struct mem_region *mmio)
{
    const struct vga_mode *m = &modes[rnd(g, ARRAY_LEN(modes))];
    vga_out(g, mmio, 0x3c2, odd(g, m->misc, 1));
    for (unsigned i = 0; i < 4; i++) {
        vga_out(g, mmio, 0x3c4, i + 1);
        vga_out(g, mmio, 0x3c5, odd(g, m->seq[i], 1));
    }
    vga_out(g, mmio, 0x3d4, 0x11);
    vga_out(g, mmio, 0x3d5, 0);
    for (unsigned i = 0; i < 25; i++) {
        vga_out(g, mmio, 0x3d4, i);
        vga_out(g, mmio, 0x3d5, odd(g, m->crtc[i], 1));
    }
    for (unsigned i = 0; i < 9; i++) {
        vga_out(g, mmio, 0x3ce, i);
        vga_out(g, mmio, 0x3cf, odd(g, m->gfx[i], 1));
    }
    if (g->w->m->iospace) {
        do_in(g, 0x3da, 1);
    }
    vga_out(g, mmio, 0x3c0, 0x10);
    vga_out(g, mmio, 0x3c0, odd(g, m->attr_mode, 1));
    vga_out(g, mmio, 0x3c0, odd(g, 0x20, 1));
}

bool ring_vga(struct gen *g, struct device *d)
{
    const char *name = d->cls->name;
    if (strcmp(name, "VGA") && strcmp(name, "secondary-vga") && strcmp(name, "virtio-vga")) {
        return false;
    }
    struct mem_region *mmio = bar_of(d, 2);
    if (one_in(g, 3)) {
        dispi(g, mmio);
    } else if (one_in(g, 2)) {
        reg_write(g, mmio, 0x508, 2, 0);
        mode_set(g, mmio);
    } else if (g->w->m->iospace) {
        ports(g);
    } else {
        reg_write(g, mmio, 0x400 + rnd(g, 32), 1, rnd(g, 256));
    }
    u8 junk[64];
    for (unsigned i = 0; i < sizeof(junk); i += 8) {
        st64le(junk + i, rnd64(g));
    }
    do_ram(g, 0xa0000 + rnd(g, 0x20000), junk, sizeof(junk));
    do_simple(g, STEP_LOOK, 0, 0);
    return true;
}

/* -- keyboard controller ----------------------------------------------------------------------------------------- */

bool ring_ps2(struct gen *g, struct device *d)
{
    static const u8 keyboard[] = {0xed, 0xee, 0xf0, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xf7,
                                  0xf8, 0xf9, 0xfa, 0xfb, 0xfc, 0xfd, 0xfe, 0xff},
                    mouse[] = {0xe6, 0xe7, 0xe8, 0xe9, 0xea, 0xeb, 0xec, 0xee,
                               0xf0, 0xf2, 0xf3, 0xf4, 0xf5, 0xf6, 0xfe, 0xff},
                    controller[] = {0x20, 0x60, 0xa7, 0xa8, 0xa9, 0xaa, 0xab, 0xad, 0xae,
                                    0xc0, 0xd0, 0xd1, 0xd2, 0xd3, 0xe0, 0xf0, 0xfe, 0xff};
    if (strcmp(d->cls->name, "i8042") && strncmp(d->cls->name, "ps2-", 4)) {
        return false;
    }
    for (unsigned n = 1 + rnd(g, 6); n; n--) {
        switch (rnd(g, 5)) {
        case 0:
            do_out(g, 0x64, 1, odd(g, controller[rnd(g, sizeof(controller))], 1));
            do_out(g, 0x60, 1, any_value(g, 1));
            break;
        case 1:
            do_out(g, 0x60, 1, odd(g, keyboard[rnd(g, sizeof(keyboard))], 1));
            break;
        case 2:
        case 3:
            do_out(g, 0x64, 1, 0xd4);
            do_out(g, 0x60, 1, odd(g, one_in(g, 3) ? rnd(g, 256) : mouse[rnd(g, sizeof(mouse))], 1));
            break;
        default:
            do_simple(g, STEP_REL, rnd(g, 4), one_in(g, 4) ? any_value(g, 4) : rnd(g, 600) - 300);
            do_simple(g, STEP_KEY, rnd(g, 256), rnd(g, 2));
        }
        do_in(g, 0x60 + 4 * rnd(g, 2), 1);
    }
    do_turn(g);
    return true;
}

/* -- power management, watchdog ---------------------------------------------------------------------------------- */

/* Firmware's part, which nobody did here: where ACPI's registers are. Then timers, enables, sleep. */
bool ring_power(struct gen *g, struct device *d)
{
    bool ich9 = !strcmp(d->cls->name, "ICH9-LPC");
    struct pci_device *p = (struct pci_device *)d;
    if (!ich9 && strcmp(d->cls->name, "PIIX4_PM") != 0) {
        return false;
    }
    if (one_in(g, 4)) {
        conf_write(g, p, 0x40, 4, (u32)odd(g, 0x601, 4));
        conf_write(g, p, ich9 ? 0x44 : 0x80, 1, (u32)odd(g, ich9 ? 0x80 : 1, 1));
        if (ich9) {
            conf_write(g, p, 0xf0, 4, (u32)odd(g, 0xfed1c001, 4));
        }
    }
    static const u8 offs[] = {0, 2, 4, 5, 8, 0x0c, 0x14, 0x20, 0x24, 0x28, 0x30, 0x34};
    for (unsigned n = 1 + rnd(g, 6); n; n--) {
        unsigned off = 0x600 + offs[rnd(g, sizeof(offs))], size = 1u << rnd(g, 3);
        one_in(g, 3) ? (void)do_in(g, off, size) : do_out(g, off, size, any_value(g, size));
    }
    if (one_in(g, 6)) {
        do_out(g, 0xb2, 1, odd(g, 0xf0 + rnd(g, 2), 1));
    }
    if (one_in(g, 6)) {
        do_out(g, 0x604, 2, rnd(g, 8) << 10 | 0x2000);
    }
    do_wait(g, 1ull << rnd(g, 34));
    return true;
}

/* Intel 300641: each write to the counters is behind 80h and 86h in the reload register. */
bool ring_watchdog(struct gen *g, struct device *d)
{
    static const u8 regs[] = {0x00, 0x04, 0x08, 0x0c};
    if (strcmp(d->cls->name, "i6300esb") != 0) {
        return false;
    }
    struct mem_region *r = bar_of(d, 0);
    for (unsigned n = 1 + rnd(g, 4); n; n--) {
        reg_write(g, r, 0x0c, 1, odd(g, 0x80, 1));
        reg_write(g, r, 0x0c, 1, odd(g, 0x86, 1));
        reg_write(g, r, regs[rnd(g, sizeof(regs))], 4, odd(g, rnd(g, 0x1000), 4));
    }
    conf_write(g, (struct pci_device *)d, 0x60, 2, (u32)odd(g, rnd(g, 64), 2));
    conf_write(g, (struct pci_device *)d, 0x68, 1, (u32)odd(g, 2, 1));
    do_wait(g, 1ull << rnd(g, 38));
    return true;
}
