/* Drivers of network cards that err: descriptor rings of the 82540EM, and both kinds of the RTL8139C+. */
#include <string.h>

#include "base/bits.h"
#include "tests/fuzz/gen.h"

static void frame_put(struct gen *g, u64 at, u32 n)
{
    u8 f[512];
    static const u8 head[14] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 8, 0};
    for (u32 i = 0; i < sizeof(f); i += 8) {
        st64le(f + i, rnd64(g));
    }
    memcpy(f, head, sizeof(head));
    f[14] = 0x45;
    f[23] = one_in(g, 2) ? 6 : 17;
    do_ram(g, at, f, MIN(n, (u32)sizeof(f)));
}

void microwire(struct gen *g, struct mem_region *r, u64 off, u8 always, u8 cs, u8 sk, u8 di)
{
    reg_write(g, r, off, 1, always);
    u32 bits = 4 | (u32)odd(g, rnd(g, 4), 1); /* start bit, opcode; an address follows, and data */
    u32 rest = rnd(g, 1 << 24);
    unsigned n = 3 + (one_in(g, 2) ? 6 : 8) + (one_in(g, 2) ? 16 : 0);
    for (unsigned i = 0; i < n; i++) {
        u8 bit = (u8)(i < 3 ? bits >> (2 - i) & 1 : rest >> (i - 3) & 1);
        u8 v = (u8)(always | cs | (bit ? di : 0));
        reg_write(g, r, off, 1, odd(g, v, 1));
        reg_write(g, r, off, 1, odd(g, v | sk, 1));
        if (one_in(g, 4)) {
            reg_read(g, r, off, 1);
        }
    }
    reg_write(g, r, off, 1, always);
}

/* -- 82540EM ----------------------------------------------------------------------------------------------------- */

enum { RCTL = 0x100, TCTL = 0x400, RD = 0x2800, TD = 0x3800, BASE = 0, BASEH = 4, LEN = 8, HEAD = 0x10, TAIL = 0x18 };
enum { SLOTS = 8 };

static void ring_set(struct gen *g, struct mem_region *r, u64 regs, u64 at)
{
    reg_write(g, r, regs + BASE, 4, odd(g, at, 4));
    reg_write(g, r, regs + BASEH, 4, odd(g, at >> 32, 4));
    reg_write(g, r, regs + LEN, 4, odd(g, 16 * SLOTS, 4));
    reg_write(g, r, regs + HEAD, 4, odd(g, 0, 4));
    reg_write(g, r, regs + TAIL, 4, odd(g, 0, 4));
}

static void e1000_desc(struct gen *g, u64 at)
{
    u8 d[16];
    u32 n = one_in(g, 3) ? rnd(g, 9000) : 60 + rnd(g, 1400);
    u64 buf = one_in(g, 2) ? any_addr(g) : heap_get(g, n, 1);
    if (one_in(g, 2)) {
        frame_put(g, buf, n);
    }
    st64le(d, odd(g, buf, 8));
    u32 kind = rnd(g, 3);
    if (kind == 0) { /* legacy */
        st32le(d + 8, (u32)odd(g, n | rnd(g, 2) << 24 | (1u | 8u | (rnd(g, 256) & 0x44)) << 24, 4));
        st32le(d + 12, (u32)odd(g, rnd(g, 64) << 8, 4));
    } else if (kind == 1) { /* context: offsets of checksums, then payload, header, segment */
        st32le(d, (u32)odd(g, 14 | 24 << 8 | 33 << 16, 4));
        st32le(d + 4, (u32)odd(g, 34 | 50 << 8, 4));
        st32le(d + 8, (u32)odd(g, rnd(g, 60000) | 1u << 29 | rnd(g, 16) << 24, 4));
        st32le(d + 12, (u32)odd(g, rnd(g, 80) << 8 | (u32)odd(g, rnd(g, 1500), 2) << 16, 4));
    } else { /* data */
        st32le(d + 8, (u32)odd(g, n | 1u << 20 | 1u << 29 | (rnd(g, 256) & 0x4f) << 24, 4));
        st32le(d + 12, (u32)odd(g, rnd(g, 4) << 8, 4));
    }
    do_ram(g, at, d, sizeof(d));
}

bool ring_e1000(struct gen *g, struct device *d)
{
    struct mem_region *r = bar_of(d, 0);
    static u64 tx, rx;
    if (strcmp(d->cls->name, "e1000") != 0) {
        return false;
    }
    if (!tx || one_in(g, 6)) {
        tx = heap_get(g, 16 * SLOTS, 128);
        rx = heap_get(g, 16 * SLOTS, 128);
        ring_set(g, r, TD, tx);
        ring_set(g, r, RD, rx);
        for (unsigned i = 0; i < SLOTS; i++) {
            do_ram_n(g, rx + 16 * i, 8, one_in(g, 4) ? any_addr(g) : heap_get(g, 2048, 1));
            do_ram_n(g, rx + 16 * i + 8, 8, 0);
        }
        reg_write(g, r, RCTL, 4, odd(g, 0x801eu | (rnd(g, 4) << 16) | rnd(g, 2) << 25 | rnd(g, 2) << 6, 4));
        reg_write(g, r, TCTL, 4, odd(g, 0xa, 4));
        reg_write(g, r, 0xd0, 4, odd(g, 0xffff, 4));
        reg_write(g, r, RD + TAIL, 4, odd(g, SLOTS - 1, 4));
    }
    if (one_in(g, 24)) {
        microwire(g, r, 0x10, 0x40, 2, 1, 4);
    }
    if (one_in(g, 8)) { /* MDIC: the PHY's registers */
        reg_write(g, r, 0x20, 4, odd(g, rnd(g, 0x10000) | rnd(g, 32) << 16 | 1u << 21 | (1 + rnd(g, 2)) << 26, 4));
    }
    unsigned n = 1 + rnd(g, SLOTS);
    for (unsigned i = 0; i < n; i++) {
        e1000_desc(g, tx + 16 * rnd(g, SLOTS));
    }
    reg_write(g, r, TD + TAIL, 4, odd(g, rnd(g, SLOTS), 4));
    for (unsigned i = rnd(g, 3); i; i--) {
        do_frame(g);
    }
    do_turn(g);
    if (one_in(g, 2)) {
        reg_write(g, r, RD + TAIL, 4, odd(g, rnd(g, SLOTS), 4));
    }
    return true;
}

/* -- RTL8139C+ --------------------------------------------------------------------------------------------------- */

static void plus_desc(struct gen *g, u64 at, bool tx)
{
    u8 d[16];
    u64 buf = one_in(g, 2) ? any_addr(g) : heap_get(g, 2048, 8);
    u32 n = one_in(g, 4) ? rnd(g, 0x2000) : 60 + rnd(g, 1400);
    u32 control = 1u << 31 | n | (one_in(g, SLOTS) ? 1u << 30 : 0);
    control |= tx ? (rnd(g, 4) << 28) | (one_in(g, 3) ? 1u << 27 | rnd(g, 0x800) << 16 : 0) | rnd(g, 8) << 16 : 0;
    st32le(d, (u32)odd(g, control, 4));
    st32le(d + 4, (u32)odd(g, rnd(g, 2) << 17, 4));
    st64le(d + 8, odd(g, buf, 8));
    if (tx && one_in(g, 2)) {
        frame_put(g, buf, n);
    }
    do_ram(g, at, d, sizeof(d));
}

static void plus(struct gen *g, struct mem_region *r)
{
    u64 tx = heap_get(g, 16 * SLOTS, 256), rx = heap_get(g, 16 * SLOTS, 256);
    reg_write(g, r, 0xe0, 2, odd(g, 3 | rnd(g, 4) << 5, 2));
    reg_write(g, r, 0x37, 1, 0x0c);
    reg_write(g, r, one_in(g, 4) ? 0x28 : 0x20, 4, odd(g, tx, 4));
    reg_write(g, r, 0x24, 4, odd(g, tx >> 32, 4));
    reg_write(g, r, 0xe4, 4, odd(g, rx, 4));
    reg_write(g, r, 0xe8, 4, odd(g, rx >> 32, 4));
    for (unsigned i = 0; i < SLOTS; i++) {
        plus_desc(g, tx + 16 * i, true);
        plus_desc(g, rx + 16 * i, false);
    }
    reg_write(g, r, 0xd9, 1, odd(g, one_in(g, 4) ? 0x80 : 0x40, 1));
}

static void classic(struct gen *g, struct mem_region *r)
{
    reg_write(g, r, 0x30, 4, one_in(g, 4) ? any_addr(g) : heap_get(g, 0x12000, 4));
    reg_write(g, r, 0x37, 1, 0x0c);
    reg_write(g, r, 0x40, 4, odd(g, 0x03000700 | rnd(g, 4) << 17, 4));
    for (unsigned i = 0; i < 4; i++) {
        u64 buf = one_in(g, 4) ? any_addr(g) : heap_get(g, 1536, 4);
        u32 n = one_in(g, 4) ? rnd(g, 0x2000) : 60 + rnd(g, 1400);
        frame_put(g, buf, n);
        reg_write(g, r, 0x20 + 4 * i, 4, odd(g, buf, 4));
        reg_write(g, r, 0x10 + 4 * i, 4, odd(g, n, 4));
    }
}

bool ring_rtl8139(struct gen *g, struct device *d)
{
    if (strcmp(d->cls->name, "rtl8139") != 0) {
        return false;
    }
    struct mem_region *r = bar_of(d, rnd(g, 2));
    reg_write(g, r, 0x3c, 2, odd(g, 0xffff, 2));
    reg_write(g, r, 0x44, 4, odd(g, 0xf | rnd(g, 4) << 11 | rnd(g, 2) << 7 | rnd(g, 8) << 8, 4));
    if (one_in(g, 2)) {
        plus(g, r);
    } else {
        reg_write(g, r, 0xe0, 2, 0);
        classic(g, r);
    }
    for (unsigned i = rnd(g, 4); i; i--) {
        do_frame(g);
    }
    do_turn(g);
    reg_write(g, r, 0x38, 2, odd(g, reg_read(g, r, 0x3a, 2) - 16, 2));
    if (one_in(g, 24)) {
        microwire(g, r, 0x50, 0x80, 8, 4, 2);
    }
    if (one_in(g, 8)) { /* the counters' dump */
        reg_write(g, r, 0x14, 4, 0);
        reg_write(g, r, 0x10, 4, any_addr(g) | 8);
    }
    return true;
}
