/* IDE: the CD drive behind the PC's ports, by packets. */
#include <string.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/loop.h"
#include "tests/hw/ide_pc.h"

/* A packet by PIO with that byte count limit; gives what was read, or ~0 for an error. */
static unsigned packet(struct pc *p, const u8 *cdb, unsigned limit, u8 *to, const u8 *from)
{
    unsigned got = 0;
    taskfile(p, 1, limit << 8, 0, 0, 0xa0);
    out(p, 0x177, 0xa0);
    assert_int_equal(wait_status(p, 1) & 0xf8, 0x58);
    assert_int_equal(in(p, 0x172) & 3, 1);
    write_block(p, 1, cdb, 12);
    u8 s;
    while ((s = wait_status(p, 1)) & DRQ) {
        unsigned n = in(p, 0x174) | in(p, 0x175) << 8;
        assert_true(n && n <= limit);
        assert_int_equal(p->irq[1], 1);
        in(p, 0x177);
        if ((in(p, 0x172) & 3) == 2) {
            read_block(p, 1, to + got, n + (n & 1));
        } else {
            write_block(p, 1, from + got, n);
        }
        got += n;
    }
    assert_int_equal(in(p, 0x172) & 3, 3);
    assert_int_equal(p->irq[1], 1);
    in(p, 0x177);
    return s & ERR ? ~0u : got;
}

static u32 sense(struct pc *p)
{
    u8 cdb[12] = {0x03, 0, 0, 0, 18}, s[18];
    assert_int_equal(packet(p, cdb, 0xfffe, s, NULL), 18);
    return (u32)s[2] << 16 | s[12] << 8 | s[13];
}

static void cd_identify_and_attention(void **st)
{
    (void)st;
    struct pc *p = pc_new(false, NULL);
    u8 buf[4096];
    out(p, 0x176, 0xa0);
    out(p, 0x177, 0xa1);
    assert_int_equal(wait_status(p, 1), 0x58);
    read_block(p, 1, buf, 512);
    assert_int_equal(ld16le(buf), 0x85c0);
    assert_int_equal(packet(p, (u8[12]){0x00}, 0xfffe, buf, NULL), ~0u);
    assert_int_equal(in(p, 0x171) >> 4, 6);
    assert_int_equal(sense(p), 0x062900);
    assert_int_equal(sense(p), 0);
    assert_int_equal(packet(p, (u8[12]){0x00}, 0xfffe, buf, NULL), 0);
    assert_int_equal(packet(p, (u8[12]){0x12, 0, 0, 0, 36}, 0xfffe, buf, NULL), 36);
    assert_int_equal(buf[0], 5);
    assert_int_equal(buf[1], 0x80);
    assert_memory_equal(buf + 8, "MOSS    MOSS DVD-ROM    ", 24);
    assert_int_equal(packet(p, (u8[12]){0x25}, 0xfffe, buf, NULL), 8);
    assert_int_equal(ld32be(buf), 511);
    assert_int_equal(ld32be(buf + 4), 2048);
    assert_int_equal(packet(p, (u8[12]){0xee}, 0xfffe, buf, NULL), ~0u);
    assert_int_equal(sense(p), 0x052000);
    bench_snapshot_roundtrip(p->b);
    pc_free(p);
}

static void cd_reads(void **st)
{
    (void)st;
    struct pc *p = pc_new(false, NULL);
    static u8 buf[0x20000];
    sense(p);
    for (unsigned limit = 510; limit < 0xffff; limit += 511 * 37) {
        memset(buf, 0, sizeof(buf));
        u8 cdb[12] = {0x28, 0, 0, 0, 0, 16, 0, 0, 8};
        assert_int_equal(packet(p, cdb, limit & ~1u, buf, NULL), 8 * 2048);
        for (unsigned i = 0; i < 32; i++) {
            assert_int_equal(buf[512 * i], 64 + i + 1);
        }
    }
    u8 r12[12] = {0xa8, 0, 0, 0, 1, 0xff, 0, 0, 0, 1};
    assert_int_equal(packet(p, r12, 0xfffe, buf, NULL), 2048);
    r12[9] = 2;
    assert_int_equal(packet(p, r12, 0xfffe, buf, NULL), ~0u);
    assert_int_equal(sense(p), 0x052100);
    /* by DMA */
    prd(p, 0, DATA, 4096, false);
    prd(p, 1, DATA + 0x8000, 4096, true);
    out(p, BM + 8, 0);
    wr(p, PIO + BM + 12, 4, PRD);
    taskfile(p, 1, 0, 0, 1, 0xa0);
    out(p, 0x177, 0xa0);
    write_block(p, 1, (u8[12]){0x28, 0, 0, 0, 0, 2, 0, 0, 4}, 12);
    out(p, BM + 8, 9);
    assert_int_equal(wait_status(p, 1), 0x50);
    assert_int_equal(in(p, BM + 10), 4);
    assert_int_equal(rd(p, DATA, 1), 9);
    assert_int_equal(rd(p, DATA + 0x8000 + 4095, 1), 24);
    /* raw: a sector with all that is around it */
    u8 raw[12] = {0xbe, 0, 0, 0, 0, 16, 0, 0, 2, 0xf8};
    assert_int_equal(packet(p, raw, 0xfffe, buf, NULL), 2 * 2352);
    assert_int_equal(buf[0], 0);
    assert_int_equal(buf[1], 0xff);
    assert_int_equal(ld32be(buf + 12), 0x00021601); /* 00:02:16, mode 1 */
    assert_int_equal(buf[16], 65);
    assert_int_equal(buf[2352 + 16], 69);
    raw[9] = 0x10;
    assert_int_equal(packet(p, raw, 2048, buf, NULL), 4096);
    assert_int_equal(buf[0], 65);
    u8 msf[12] = {0xb9, 0, 0, 0, 2, 16, 0, 2, 17, 0x10};
    assert_int_equal(packet(p, msf, 0xfffe, buf, NULL), 2048);
    assert_int_equal(buf[0], 65);
    /* a truncated image */
    assert_int_equal(truncate(p->disc.path, 0x8000), 0);
    assert_int_equal(packet(p, (u8[12]){0x28, 0, 0, 0, 0, 30, 0, 0, 1}, 0xfffe, buf, NULL), ~0u);
    assert_int_equal(sense(p), 0x031100);
    assert_int_equal(packet(p, (u8[12]){0x28, 0, 0, 0, 0, 3, 0, 0, 1}, 0xfffe, buf, NULL), 2048);
    pc_free(p);
}

static void cd_tells_of_itself(void **st)
{
    (void)st;
    struct pc *p = pc_new(false, NULL);
    unsigned n;
    u8 buf[4096];
    sense(p);
    assert_int_equal(packet(p, (u8[12]){0x43, 0, 0, 0, 0, 0, 0, 0, 100}, 0xfffe, buf, NULL), 20);
    assert_int_equal(ld16be(buf), 18);
    assert_int_equal(buf[14], 0xaa);
    assert_int_equal(ld32be(buf + 16), 512);
    assert_int_equal(packet(p, (u8[12]){0x43, 2, 0, 0, 0, 0, 0xaa, 0, 12}, 0xfffe, buf, NULL), 12);
    assert_int_equal(ld32be(buf + 8), (512 + 150) / 75 << 8 | (512 + 150) % 75);
    assert_int_equal(packet(p, (u8[12]){0x43, 0, 1, 0, 0, 0, 0, 0, 100}, 0xfffe, buf, NULL), 12);
    assert_int_equal(packet(p, (u8[12]){0x43, 0, 2, 0, 0, 0, 0, 0, 100}, 0xfffe, buf, NULL), 48);
    assert_int_equal(packet(p, (u8[12]){0x43, 0, 0, 0, 0, 0, 0, 0, 100, 0x40}, 0xfffe, buf, NULL), 12);
    assert_int_equal(packet(p, (u8[12]){0x5a, 0, 0x2a, 0, 0, 0, 0, 0, 100}, 0xfffe, buf, NULL), 30);
    assert_int_equal(ld16be(buf), 28);
    assert_int_equal(buf[8], 0x2a);
    n = packet(p, (u8[12]){0x1a, 0, 0x3f, 0, 255}, 0xfffe, buf, NULL);
    assert_int_equal(n, buf[0] + 1u);
    assert_int_equal(packet(p, (u8[12]){0x5a, 0, 0x1f, 0, 0, 0, 0, 0, 100}, 0xfffe, buf, NULL), ~0u);
    assert_int_equal(sense(p), 0x052400);
    n = packet(p, (u8[12]){0x46, 0, 0, 0, 0, 0, 0, 1, 0}, 0xfffe, buf, NULL);
    assert_int_equal(n, ld32be(buf) + 4);
    assert_int_equal(ld16be(buf + 6), 8);
    assert_int_equal(packet(p, (u8[12]){0x46, 2, 0, 0x10, 0, 0, 0, 1, 0}, 0xfffe, buf, NULL), 20);
    assert_int_equal(packet(p, (u8[12]){0x51, 0, 0, 0, 0, 0, 0, 0, 34}, 0xfffe, buf, NULL), 34);
    assert_int_equal(packet(p, (u8[12]){0x52, 1, 0, 0, 0, 1, 0, 0, 36}, 0xfffe, buf, NULL), 36);
    assert_int_equal(packet(p, (u8[12]){0xbd, 0, 0, 0, 0, 0, 0, 0, 0, 8}, 0xfffe, buf, NULL), 8);
    assert_int_equal(packet(p, (u8[12]){0xad, 0, 0, 0, 0, 0, 0, 0, 8}, 0xfffe, buf, NULL), ~0u);
    assert_int_equal(sense(p), 0x053002);
    assert_int_equal(packet(p, (u8[12]){0x42, 2, 0x40, 1, 0, 0, 0, 0, 24}, 0xfffe, buf, NULL), 16);
    /* MODE SELECT: a block comes from the host */
    u8 select[16] = {0, 0, 0, 0, 0, 0, 0, 0, 0x01, 6, 0, 0x20};
    assert_int_equal(packet(p, (u8[12]){0x55, 0x10, 0, 0, 0, 0, 0, 0, 16}, 0xfffe, buf, select), 16);
    select[9] = 7;
    assert_int_equal(packet(p, (u8[12]){0x55, 0x10, 0, 0, 0, 0, 0, 0, 16}, 0xfffe, buf, select), ~0u);
    assert_int_equal(sense(p), 0x051a00);
    pc_free(p);
}

static void event(struct pc *p, u8 code, u8 status)
{
    u8 buf[8];
    assert_int_equal(packet(p, (u8[12]){0x4a, 1, 0, 0, 0x10, 0, 0, 0, 8}, 0xfffe, buf, NULL), 8);
    assert_int_equal(buf[4], code);
    assert_int_equal(buf[5], status);
}

static void cd_tray_and_media(void **st)
{
    (void)st;
    struct pc *p = pc_new(false, NULL);
    u8 buf[64];
    struct err e = {0};
    sense(p);
    event(p, 0, 2);
    assert_int_equal(packet(p, (u8[12]){0x1e, 0, 0, 0, 1}, 0xfffe, buf, NULL), 0);
    assert_int_equal(packet(p, (u8[12]){0x1b, 0, 0, 0, 2}, 0xfffe, buf, NULL), ~0u);
    assert_int_equal(sense(p), 0x055302);
    /* somebody presses the button: the guest is told, once */
    machine_lock();
    assert_false(block_may_eject(p->disc.b, false, &e));
    block_ask_eject(p->disc.b);
    machine_unlock();
    event(p, 1, 2);
    event(p, 0, 2);
    assert_int_equal(packet(p, (u8[12]){0x1e}, 0xfffe, buf, NULL), 0);
    assert_true(block_may_eject(p->disc.b, false, &e));
    assert_int_equal(packet(p, (u8[12]){0x1b, 0, 0, 0, 2}, 0xfffe, buf, NULL), 0);
    event(p, 3, 1);
    assert_int_equal(packet(p, (u8[12]){0x00}, 0xfffe, buf, NULL), ~0u);
    assert_int_equal(sense(p), 0x023a02);
    assert_int_equal(packet(p, (u8[12]){0x1b, 0, 0, 0, 3}, 0xfffe, buf, NULL), 0);
    event(p, 2, 2);
    assert_int_equal(packet(p, (u8[12]){0x00}, 0xfffe, buf, NULL), ~0u);
    assert_int_equal(sense(p), 0x062800);
    assert_int_equal(packet(p, (u8[12]){0x00}, 0xfffe, buf, NULL), 0);
    /* by the host's hand */
    machine_lock();
    block_eject(p->disc.b);
    machine_unlock();
    event(p, 3, 1);
    assert_int_equal(packet(p, (u8[12]){0x25}, 0xfffe, buf, NULL), ~0u);
    assert_int_equal(sense(p), 0x023a02);
    assert_int_equal(packet(p, (u8[12]){0x1b, 0, 0, 0, 3}, 0xfffe, buf, NULL), 0);
    assert_int_equal(packet(p, (u8[12]){0x25}, 0xfffe, buf, NULL), ~0u);
    assert_int_equal(sense(p), 0x023a01);
    bench_snapshot_roundtrip(p->b);
    machine_lock();
    block_ask_eject(p->disc.b); /* the tray is open */
    assert_true(block_insert(p->disc.b, p->disk.path, NULL, true, &e) || e.msg[0]);
    if (!block_present(p->disc.b)) { /* the disk has it locked */
        assert_true(block_insert(p->disc.b, p->disc.path, NULL, true, &e));
    }
    machine_unlock();
    event(p, 2, 2);
    assert_int_equal(packet(p, (u8[12]){0x28, 0, 0, 0, 0, 0, 0, 0, 1}, 0xfffe, buf, NULL), ~0u);
    assert_int_equal(sense(p), 0x062800);
    assert_int_equal(packet(p, (u8[12]){0x25}, 0xfffe, buf, NULL), 8);
    /* DEVICE RESET while data waits */
    taskfile(p, 1, 0xfffe00, 0, 0, 0xa0);
    out(p, 0x177, 0xa0);
    write_block(p, 1, (u8[12]){0x28, 0, 0, 0, 0, 0, 0, 0, 9}, 12);
    out(p, 0x177, 0x08);
    assert_int_equal(in(p, 0x177), 0);
    assert_int_equal(in(p, 0x174), 0x14);
    assert_int_equal(sense(p), 0x062900);
    pc_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(cd_identify_and_attention),
        cmocka_unit_test(cd_reads),
        cmocka_unit_test(cd_tells_of_itself),
        cmocka_unit_test(cd_tray_and_media),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
