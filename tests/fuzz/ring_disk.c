/* Drivers of disks that err: SCSI commands, ATA by ports and bus master, AHCI's lists, the floppy controller with its
 * DMA channel. Opcodes are those of the devices' own tables. */
#include <string.h>

#include "base/bits.h"
#include "hw/ide/ide_bus.h"
#include "hw/ide/ide_priv.h"
#include "hw/scsi/scsi_priv.h"
#include "tests/fuzz/gen.h"

/* -- SCSI -------------------------------------------------------------------------------------------------------- */

unsigned any_cdb(struct gen *g, u8 cdb[16])
{
    static const u8 lengths[8] = {6, 10, 10, 6, 16, 12, 6, 6};
    unsigned n = 0;
    while (scsi_ops[n].name) {
        n++;
    }
    for (unsigned i = 0; i < 16; i++) {
        cdb[i] = (u8)(one_in(g, 3) ? any_value(g, 1) : rnd(g, 4));
    }
    cdb[0] = (u8)odd(g, scsi_ops[rnd(g, n)].op, 1);
    unsigned len = lengths[cdb[0] >> 5];
    if (!one_in(g, 4)) { /* a place and a length that may be right */
        cdb[1] = (u8)odd(g, 0, 1);
        memset(cdb + 2, 0, len - 2);
        if (len == 6) {
            cdb[3] = (u8)rnd(g, 256);
            cdb[4] = (u8)rnd(g, 64);
        } else {
            cdb[len == 16 ? 8 : 4] = (u8)rnd(g, 16);
            cdb[len == 16 ? 9 : 5] = (u8)rnd(g, 256);
            cdb[len == 10 ? 8 : len == 12 ? 9 : 13] = (u8)rnd(g, 40);
        }
        static const u8 pages[] = {0,    0x01, 0x04, 0x08, 0x0a, 0x0d, 0x0e, 0x2a,
                                   0x3f, 0x7f, 0x80, 0x83, 0xb0, 0xb1, 0xb2};
        bool asks = cdb[0] == 0x12 || cdb[0] == 0x1a || cdb[0] == 0x5a || cdb[0] == 0x4d;
        cdb[2] = asks ? (u8)odd(g, pages[rnd(g, sizeof(pages))], 1) : 0;
        cdb[1] = cdb[0] == 0x12 ? (u8)rnd(g, 2) : cdb[0] == 0x9e ? 0x10 : cdb[0] == 0xa3 ? 0x0c : cdb[1];
        cdb[9] = cdb[0] == 0xbe ? (u8)(one_in(g, 2) ? 0x10 : 0xf8) : cdb[9];
        if (one_in(g, 4)) {
            cdb[rnd(g, 4) + 1] = (u8)rnd(g, 64);
        }
    }
    return len;
}

/* -- ATA --------------------------------------------------------------------------------------------------------- */

static u8 any_command(struct gen *g, bool packet)
{
    unsigned n = 0;
    while (ide_commands[n].name) {
        n++;
    }
    return (u8)odd(g, packet ? 0xa0 : ide_commands[rnd(g, n)].op, 1);
}

static u64 prd_table(struct gen *g)
{
    unsigned n = 1 + rnd(g, 4);
    u64 at = heap_get(g, 8 * n, 4);
    for (unsigned i = 0; i < n; i++) {
        do_ram_n(g, at + 8 * i, 4, odd(g, one_in(g, 3) ? any_addr(g) : heap_get(g, 4096, 2), 4));
        do_ram_n(g, at + 8 * i + 4, 4,
                 odd(g, (one_in(g, 4) ? rnd(g, 0x10000) : 512 * (1 + rnd(g, 9))) | (i + 1 == n ? 1u << 31 : 0), 4));
    }
    return at;
}

/* A sector now and then, else a little. */
static void pio(struct gen *g, unsigned base)
{
    bool whole = one_in(g, 6), in = one_in(g, 2);
    for (unsigned n = whole ? 128 : rnd(g, 24); n; n--) {
        unsigned size = whole ? 4 : 2u << rnd(g, 2);
        if (whole ? in : one_in(g, 2)) {
            do_in(g, base, size);
        } else {
            do_out(g, base, size, rnd64(g));
        }
    }
}

static void packet(struct gen *g, unsigned base)
{
    u8 cdb[16];
    any_cdb(g, cdb);
    for (unsigned i = 0; i < 12; i += 2) {
        do_out(g, base, 2, ld16le(cdb + i));
    }
}

bool ring_ide(struct gen *g, struct device *d)
{
    const char *name = d->cls->name;
    if ((strcmp(name, "piix3-ide") && strcmp(name, "ide-bus") && strncmp(name, "ide-", 4)) || !g->w->m->iospace) {
        return false;
    }
    unsigned ch = rnd(g, 2), base = ch ? 0x170 : 0x1f0;
    struct device *p = focus_named(g, "piix3-ide");
    struct mem_region *bm = p ? bar_of(p, 4) : NULL;
    bool is_packet = one_in(g, ch ? 2 : 6); /* a PC's CD drive is on the second channel */
    do_out(g, base + 6, 1, odd(g, 0xa0 | one_in(g, 4) << 4 | rnd(g, 2) << 6, 1));
    reg_write(g, bm, 8 * ch + 4, 4, odd(g, prd_table(g), 4));
    reg_write(g, bm, 8 * ch + 2, 1, odd(g, 6, 1));
    for (unsigned round = 0; round < 2; round++) {
        do_out(g, base + 1, 1, is_packet ? odd(g, rnd(g, 2), 1) : any_value(g, 1));
        do_out(g, base + 2, 1, round ? rnd(g, 12) : 0);
        do_out(g, base + 3, 1, rnd(g, 64));
        do_out(g, base + 4, 1, odd(g, is_packet ? rnd(g, 256) : 0, 1));
        do_out(g, base + 5, 1, odd(g, is_packet ? rnd(g, 16) : 0, 1));
    }
    do_out(g, base + 7, 1, any_command(g, is_packet));
    reg_write(g, bm, 8 * ch, 1, odd(g, one_in(g, 2) ? 9 : 1, 1));
    if (is_packet) {
        packet(g, base);
    }
    do_turn(g);
    pio(g, base);
    do_turn(g);
    pio(g, base);
    do_in(g, base + 7, 1);
    if (one_in(g, 6)) {
        do_out(g, base + 0x206, 1, odd(g, rnd(g, 2) << 2, 1));
    }
    if (one_in(g, 3)) {
        reg_write(g, bm, 8 * ch, 1, 0);
    }
    return true;
}

/* -- AHCI -------------------------------------------------------------------------------------------------------- */

enum { P_CLB = 0x00, P_FB = 0x08, P_IS = 0x10, P_IE = 0x14, P_CMD = 0x18, P_SCTL = 0x2c, P_SACT = 0x34, P_CI = 0x38 };

static void command(struct gen *g, u64 list, unsigned slot)
{
    static const u8 queued[] = {0x60, 0x61, 0x63, 0x64, 0x65};
    u8 table[0x80] = {0}, header[32] = {0};
    unsigned n = 1 + rnd(g, 4);
    bool atapi = one_in(g, 3), ncq = one_in(g, 3);
    u64 at = heap_get(g, 0x80 + 16 * n, 128);
    st16le(header, (u16)odd(g, 5 | rnd(g, 2) << 6 | (u32)atapi << 5 | (one_in(g, 16) ? 0x400 : 0), 2));
    st16le(header + 2, (u16)odd(g, n, 2));
    st64le(header + 8, odd(g, at, 8));
    table[0] = (u8)odd(g, 0x27, 1);
    table[1] = (u8)odd(g, 0x80, 1);
    table[2] = ncq ? queued[rnd(g, sizeof(queued))] : any_command(g, atapi);
    table[3] = (u8)(ncq ? rnd(g, 16) : rnd(g, 4));
    table[4] = (u8)rnd(g, 256);
    table[5] = (u8)odd(g, rnd(g, 32), 1);
    table[7] = (u8)odd(g, 0x40, 1);
    table[12] = (u8)(ncq ? slot << 3 : rnd(g, 16));
    table[13] = (u8)odd(g, 0, 1);
    any_cdb(g, table + 0x40);
    do_ram(g, at, table, sizeof(table));
    for (unsigned i = 0; i < n; i++) {
        do_ram_n(g, at + 0x80 + 16 * i, 8, one_in(g, 3) ? any_addr(g) : heap_get(g, 8192, 2));
        do_ram_n(g, at + 0x88 + 16 * i, 8,
                 odd(g, (u64)(one_in(g, 4) ? rnd(g, 1 << 22) : 512 * rnd(g, 17) - 1) << 32, 8));
    }
    do_ram(g, list + 32 * slot, header, sizeof(header));
}

bool ring_ahci(struct gen *g, struct device *d)
{
    struct device *hba = focus_named(g, "ich9-ahci");
    if (!hba ||
        (strcmp(d->cls->name, "ich9-ahci") && strncmp(d->cls->name, "ide-", 4) && strcmp(d->cls->name, "ahci-port"))) {
        return false;
    }
    struct mem_region *r = bar_of(hba, 5);
    u64 p = 0x100 + 0x80 * (one_in(g, 4) ? rnd(g, 6) : rnd(g, 3)), list = heap_get(g, 1024, 1024);
    u32 slots = 0;
    reg_write(g, r, 4, 4, odd(g, 1u << 31 | 2, 4));
    if (one_in(g, 4)) {
        reg_write(g, r, p + P_CMD, 4, 0);
    }
    reg_write(g, r, p + P_CLB, 4, odd(g, list, 4));
    reg_write(g, r, p + P_CLB + 4, 4, odd(g, list >> 32, 4));
    reg_write(g, r, p + P_FB, 4, odd(g, one_in(g, 16) ? any_addr(g) : heap_get(g, 256, 256), 4));
    reg_write(g, r, p + P_IE, 4, odd(g, ~0u, 4));
    reg_write(g, r, p + P_CMD, 4, odd(g, 0x17, 4));
    for (unsigned n = 1 + rnd(g, 4); n; n--) {
        unsigned slot = rnd(g, 32);
        command(g, list, slot);
        slots |= 1u << slot;
    }
    if (one_in(g, 2)) {
        reg_write(g, r, p + P_SACT, 4, odd(g, slots, 4));
    }
    reg_write(g, r, p + P_CI, 4, odd(g, slots, 4));
    if (one_in(g, 3)) {
        reg_write(g, r, p + (one_in(g, 2) ? P_SCTL : P_CMD), 4, rnd(g, 4));
    }
    do_turn(g);
    do_turn(g);
    reg_write(g, r, p + P_IS, 4, ~0u);
    return true;
}

/* -- floppy ------------------------------------------------------------------------------------------------------ */

/* Command, and how many bytes follow it (Intel 290166, table 5-1). */
static const u8 floppy_commands[][2] = {
    {0x06, 8}, {0x0c, 8}, {0x05, 8}, {0x09, 8}, {0x02, 8},  {0x16, 8}, {0x0d, 5}, {0x07, 1}, {0x08, 0}, {0x03, 2},
    {0x04, 1}, {0x0f, 2}, {0x8f, 2}, {0xcf, 2}, {0x0e, 0},  {0x10, 0}, {0x12, 1}, {0x13, 3}, {0x14, 0}, {0x0a, 1},
    {0x11, 8}, {0x19, 8}, {0x1d, 8}, {0x2e, 0}, {0x4e, 16}, {0x33, 1}, {0x8e, 6}, {0x18, 0}, {0x17, 2},
};

static void channel_set(struct gen *g, unsigned n)
{
    u64 at = one_in(g, 4) ? any_addr(g) : rnd(g, 1 << 24);
    do_out(g, 0x0a, 1, odd(g, 4 | n, 1));
    do_out(g, 0x0c, 1, 0);
    do_out(g, 2 * n, 1, at);
    do_out(g, 2 * n, 1, at >> 8);
    do_out(g, 0x81, 1, at >> 16);
    u32 count = one_in(g, 2) ? rnd(g, 0x10000) : 512u * (1 + rnd(g, 18)) - 1;
    do_out(g, 2 * n + 1, 1, count);
    do_out(g, 2 * n + 1, 1, count >> 8);
    do_out(g, 0x0b, 1, odd(g, 0x40 | rnd(g, 4) << 2 | n | rnd(g, 2) << 4, 1));
    do_out(g, 0x0a, 1, odd(g, n, 1));
}

bool ring_fdc(struct gen *g, struct device *d)
{
    const char *name = d->cls->name;
    if (strcmp(name, "isa-fdc") && strcmp(name, "floppy") && strcmp(name, "i8237")) {
        return false;
    }
    const u8 *c = floppy_commands[rnd(g, ARRAY_LEN(floppy_commands))];
    if (one_in(g, 3)) { /* the drive's motor, the data rate, and where its head is */
        do_out(g, 0x3f2, 1, odd(g, 0x1c | rnd(g, 2) << 5, 1));
        do_out(g, 0x3f7, 1, odd(g, 0, 1));
        do_wait(g, 1 << 30);
        for (unsigned i = 0; i < 4; i++) {
            do_out(g, 0x3f5, 1, 8);
            do_in(g, 0x3f5, 1);
            do_in(g, 0x3f5, 1);
        }
        do_out(g, 0x3f5, 1, 7);
        do_out(g, 0x3f5, 1, 0);
        do_wait(g, 1 << 30);
    }
    if (one_in(g, 2)) {
        channel_set(g, one_in(g, 8) ? rnd(g, 4) : 2);
    }
    do_out(g, 0x3f5, 1, odd(g, c[0] | (c[1] == 8 ? 0x40 | (rnd(g, 8) << 5 & 0xe0) : 0), 1));
    for (unsigned i = 0; i < c[1]; i++) {
        static const u8 usual[8] = {0, 0, 0, 1, 2, 18, 27, 255};
        do_out(g, 0x3f5, 1, odd(g, i < 8 && !one_in(g, 8) ? usual[i] : rnd(g, 64), 1));
    }
    do_turn(g);
    if (one_in(g, 2)) { /* seek or recalibrate, as real drivers do */
        do_wait(g, 1 << 28);
    }
    bool whole = one_in(g, 4), in = one_in(g, 2);
    for (unsigned n = whole ? 520 : rnd(g, 16); n; n--) {
        if (whole ? !in : one_in(g, 3)) {
            do_out(g, 0x3f5, 1, rnd(g, 256));
        } else {
            do_in(g, 0x3f4 + (whole || rnd(g, 2)), 1);
        }
    }
    do_wait(g, 1ull << rnd(g, 27));
    return true;
}
