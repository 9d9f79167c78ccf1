/* IDE: disks behind the PC's ports, driven as firmware and drivers do. */
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "tests/hw/ide_pc.h"

static u8 command(struct pc *p, u8 op, u64 lba, unsigned count, u8 features)
{
    bool ext = op == 0x24 || op == 0x25 || op == 0x34 || op == 0x35 || op == 0x27 || op == 0x42 || op == 0x06 ||
               op == 0x37 || op == 0xea || op == 0x29 || op == 0x39 || op == 0x2f;
    taskfile(p, 0, lba, count, features, (u8)(0xe0 | (ext ? 0 : lba >> 24 & 15)));
    out(p, base(0) + STATUS_R, op);
    return wait_status(p, 0);
}

static u64 lba_back(struct pc *p, bool ext)
{
    unsigned b = base(0);
    u64 lba = in(p, b + LOW_R) | in(p, b + MID_R) << 8 | (u64)in(p, b + HIGH_R) << 16;
    if (!ext) {
        return lba | (u64)(in(p, b + DEV_R) & 15) << 24;
    }
    out(p, b + 0x206, 0x80);
    lba |= (u64)in(p, b + LOW_R) << 24 | (u64)in(p, b + MID_R) << 32 | (u64)in(p, b + HIGH_R) << 40;
    out(p, b + 0x206, 0);
    return lba;
}

/* -- who is there -------------------------------------------------------------------------------------------------- */

static void signatures_and_absent_drives(void **st)
{
    (void)st;
    struct pc *p = pc_new(false, NULL);
    for (unsigned ch = 0; ch < 2; ch++) {
        unsigned b = base(ch);
        out(p, b + 0x206, 4);
        assert_int_equal(in(p, b + STATUS_R) & BSY, BSY);
        out(p, b + 0x206, 0);
        assert_int_equal(in(p, b + STATUS_R), ch ? 0 : 0x50);
        assert_int_equal(in(p, b + ERROR_R), 1);
        assert_int_equal(in(p, b + COUNT_R), 1);
        assert_int_equal(in(p, b + LOW_R), 1);
        assert_int_equal(in(p, b + MID_R), ch ? 0x14 : 0);
        assert_int_equal(in(p, b + HIGH_R), ch ? 0xeb : 0);
        out(p, b + DEV_R, 0xb0);
        assert_int_equal(in(p, b + DEV_R), 0xb0);
        assert_int_equal(in(p, b + STATUS_R), 0); /* no drive 1: drive 0 answers for it */
        assert_int_equal(in(p, b + MID_R), 0);
        out(p, b + STATUS_R, 0xec);
        assert_int_equal(in(p, b + STATUS_R), 0);
        out(p, b + DEV_R, 0xa0);
    }
    out(p, 0x1f2, 0x55);
    out(p, 0x1f3, 0xaa);
    assert_int_equal(in(p, 0x1f2), 0x55);
    assert_int_equal(in(p, 0x1f3), 0xaa);
    /* the channel is not decoded when its bit is off */
    wr(p, ECAM + 0x8040, 2, 0);
    assert_int_equal(in(p, 0x1f2), 0xff);
    wr(p, ECAM + 0x8040, 2, 0x8000);
    assert_int_equal(in(p, 0x1f2), 0x55);
    assert_int_equal(in(p, 0x177) & BSY, 0);
    struct buf path = {0};
    p->hd->cls->fw_path(p->hd, &path);
    assert_string_equal((char *)path.data, "/disk@0");
    buf_free(&path);
    pc_free(p);
}

static void identify_device(void **st)
{
    (void)st;
    struct pc *p = pc_new(false, "drive=disk,serial=ABC 1,model=My Disk,ver=7.1,wwn=0x5000c50012345678,rotation_rate=1,"
                                 "physical_block_size=4096");
    u8 id[512], sum = 0;
    assert_int_equal(command(p, 0xec, 0, 0, 0), 0x58);
    assert_int_equal(p->irq[0], 1);
    in(p, 0x1f7);
    assert_int_equal(p->irq[0], 0);
    read_block(p, 0, id, 512);
    assert_int_equal(in(p, 0x1f7), 0x50);
    assert_int_equal(p->irq[0], 0);
    for (unsigned i = 0; i < 512; i++) {
        sum = (u8)(sum + id[i]);
    }
    assert_int_equal(sum, 0);
    assert_memory_equal(id + 20, "BA C 1              ", 20 - 14);
    assert_memory_equal(id + 54, "yMD si k", 8);
    assert_int_equal(ld32le(id + 120), 8192);
    assert_int_equal(ld64le(id + 200), 8192);
    assert_int_equal(ld16le(id + 2), 8);
    assert_int_equal(ld16le(id + 6), 16);
    assert_int_equal(ld16le(id + 12), 63);
    assert_int_equal(ld16le(id + 212), 0x6003);
    assert_int_equal(ld16le(id + 434), 1);
    assert_int_equal(ld16le(id + 216), 0x5000);
    assert_int_equal(ld16le(id + 222), 0x5678);
    assert_int_equal(ld16le(id + 176) & 0x3f, 0x3f);
    /* modes are shown as set */
    assert_int_equal(command(p, 0xef, 0, 0x22, 3), 0x50);
    assert_int_equal(command(p, 0xef, 0, 0x47, 3), 0x51);
    assert_int_equal(in(p, 0x1f1), 4);
    assert_int_equal(command(p, 0xec, 0, 0, 0), 0x58);
    read_block(p, 0, id, 512);
    assert_int_equal(ld16le(id + 126), 0x0407);
    assert_int_equal(ld16le(id + 176), 0x003f);
    /* a packet command is unknown to a disk, IDENTIFY DEVICE to a CD */
    assert_int_equal(command(p, 0xa1, 0, 0, 0), 0x51);
    out(p, 0x176, 0xa0);
    out(p, 0x177, 0xec);
    assert_int_equal(wait_status(p, 1), 0x51);
    assert_int_equal(in(p, 0x174), 0x14);
    assert_int_equal(in(p, 0x175), 0xeb);
    bench_snapshot_roundtrip(p->b);
    pc_free(p);
}

/* -- PIO ----------------------------------------------------------------------------------------------------------- */

static void pio_reads_and_writes(void **st)
{
    (void)st;
    struct pc *p = pc_new(false, NULL);
    u8 buf[4096];
    unsigned before = p->rises[0];
    assert_int_equal(command(p, 0x20, 5, 3, 0), 0x58);
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(wait_status(p, 0), 0x58);
        in(p, 0x1f7);
        read_block(p, 0, buf, 512);
        assert_int_equal(buf[0], 6 + i);
        assert_int_equal(buf[511], 6 + i);
    }
    assert_int_equal(wait_status(p, 0), 0x50);
    assert_int_equal(p->rises[0] - before, 3); /* one a block, none at the end */
    assert_int_equal(lba_back(p, false), 7);
    /* writing: the first block without an interrupt, one after each */
    before = p->rises[0];
    memset(buf, 0xa5, sizeof(buf));
    assert_int_equal(command(p, 0x34, 100, 2, 0), 0x58);
    assert_int_equal(p->rises[0], before);
    write_block(p, 0, buf, 512);
    assert_int_equal(wait_status(p, 0), 0x58);
    assert_int_equal(p->rises[0] - before, 1);
    bench_snapshot_roundtrip(p->b); /* in the middle of a command */
    in(p, 0x1f7);
    write_block(p, 0, buf, 512);
    assert_int_equal(wait_status(p, 0), 0x50);
    assert_int_equal(p->irq[0], 1);
    assert_int_equal(image_byte(&p->disk, 100 * 512), 0xa5);
    assert_int_equal(image_byte(&p->disk, 102 * 512 - 1), 0xa5);
    assert_int_equal(image_byte(&p->disk, 102 * 512), 103);
    /* multiple */
    assert_int_equal(command(p, 0xc4, 0, 6, 0), 0x51);
    assert_int_equal(command(p, 0xc6, 0, 3, 0), 0x51);
    assert_int_equal(command(p, 0xc6, 0, 4, 0), 0x50);
    before = p->rises[0];
    in(p, 0x1f7);
    assert_int_equal(command(p, 0xc4, 98, 6, 0), 0x58);
    in(p, 0x1f7);
    read_block(p, 0, buf, 2048);
    assert_int_equal(buf[1024], 0xa5);
    assert_int_equal(wait_status(p, 0), 0x58);
    in(p, 0x1f7);
    read_block(p, 0, buf, 1024);
    assert_int_equal(buf[0], 103);
    assert_int_equal(wait_status(p, 0), 0x50);
    assert_int_equal(p->rises[0] - before, 2);
    memset(buf, 0x11, sizeof(buf));
    assert_int_equal(command(p, 0x39, 200, 5, 0), 0x58);
    write_block(p, 0, buf, 2048);
    assert_int_equal(wait_status(p, 0), 0x58);
    write_block(p, 0, buf, 512);
    assert_int_equal(wait_status(p, 0), 0x50);
    assert_int_equal(image_byte(&p->disk, 204 * 512), 0x11);
    assert_int_equal(image_byte(&p->disk, 205 * 512), 206);
    /* nIEN */
    out(p, 0x3f6, 2);
    before = p->rises[0];
    assert_int_equal(command(p, 0x40, 0, 8, 0), 0x50);
    assert_int_equal(p->rises[0], before);
    out(p, 0x3f6, 0);
    assert_int_equal(p->irq[0], 1);
    pc_free(p);
}

static void addresses(void **st)
{
    (void)st;
    struct pc *p = pc_new(false, NULL);
    u8 buf[512];
    /* CHS: cylinder 1, head 2, sector 3 of 16 x 63 is 1136 */
    taskfile(p, 0, 3 | 1 << 8, 1, 0, 0xa2);
    out(p, 0x1f7, 0x20);
    assert_int_equal(wait_status(p, 0), 0x58);
    read_block(p, 0, buf, 512);
    assert_int_equal(buf[0], (u8)(1 * 1008 + 2 * 63 + 2 + 1));
    /* another translation: 4 heads of 32 sectors */
    taskfile(p, 0, 0, 32, 0, 0xa3);
    out(p, 0x1f7, 0x91);
    assert_int_equal(wait_status(p, 0), 0x50);
    taskfile(p, 0, 3 | 1 << 8, 2, 0, 0xa2);
    out(p, 0x1f7, 0x20);
    assert_int_equal(wait_status(p, 0), 0x58);
    read_block(p, 0, buf, 512);
    assert_int_equal(buf[0], (u8)(128 + 64 + 2 + 1));
    wait_status(p, 0);
    read_block(p, 0, buf, 512);
    assert_int_equal(in(p, 0x1f3), 4);
    assert_int_equal(in(p, 0x1f6) & 15, 2);
    /* sector 0, a head too many */
    taskfile(p, 0, 0, 1, 0, 0xa0);
    out(p, 0x1f7, 0x20);
    assert_int_equal(wait_status(p, 0), 0x51);
    assert_int_equal(in(p, 0x1f1), 0x10);
    taskfile(p, 0, 1, 1, 0, 0xa4);
    out(p, 0x1f7, 0x40);
    assert_int_equal(wait_status(p, 0), 0x51);
    /* the end of the disk: what is before it is read */
    assert_int_equal(command(p, 0x24, 8191, 2, 0), 0x58);
    read_block(p, 0, buf, 512);
    assert_int_equal(wait_status(p, 0), 0x51);
    assert_int_equal(in(p, 0x1f1), 0x10);
    assert_int_equal(lba_back(p, true), 8192);
    assert_int_equal(command(p, 0x25, 1ull << 40, 2, 0), 0x51);
    assert_int_equal(lba_back(p, true), 1ull << 40);
    /* native size, and a smaller one */
    assert_int_equal(command(p, 0x27, 0, 0, 0), 0x50);
    assert_int_equal(lba_back(p, true), 8191);
    assert_int_equal(command(p, 0xf9, 999, 0, 0), 0x50);
    assert_int_equal(command(p, 0x20, 1000, 1, 0), 0x51);
    assert_int_equal(command(p, 0xf8, 0, 0, 0), 0x50);
    assert_int_equal(lba_back(p, false), 8191);
    assert_int_equal(command(p, 0x37, 8191, 0, 0), 0x50);
    assert_int_equal(command(p, 0x40, 1000, 1, 0), 0x50);
    pc_free(p);
}

/* -- DMA ----------------------------------------------------------------------------------------------------------- */

static u8 dma(struct pc *p, u8 op, u64 lba, unsigned count, bool to_guest)
{
    bool ext = op == 0x25 || op == 0x35 || op == 0x06;
    out(p, BM, 0);
    out(p, BM + 2, 6);
    wr(p, PIO + BM + 4, 4, PRD);
    taskfile(p, 0, lba, count, op == 0x06, (u8)(0xe0 | (ext ? 0 : lba >> 24 & 15)));
    out(p, 0x1f7, op);
    out(p, BM, (u8)(1 | (to_guest ? 8 : 0)));
    for (unsigned i = 0; i < 1000 && !(in(p, BM + 2) & 4); i++) {
        loop_turn(1000000);
    }
    return in(p, BM + 2);
}

static void bus_master(void **st)
{
    (void)st;
    struct pc *p = pc_new(false, NULL);
    prd(p, 0, DATA, 512, false);
    prd(p, 1, DATA + 0x1000, 1024 + 2, false);
    prd(p, 2, DATA + 0x2000, 510, true);
    assert_int_equal(dma(p, 0xc8, 10, 4, true), 4); /* interrupt, not active */
    assert_int_equal(p->irq[0], 1);
    assert_int_equal(in(p, 0x1f7), 0x50);
    assert_int_equal(rd(p, DATA, 1), 11);
    assert_int_equal(rd(p, DATA + 0x1000, 1), 12);
    assert_int_equal(rd(p, DATA + 0x1400, 2), 14 | 14 << 8);
    assert_int_equal(rd(p, DATA + 0x1402, 1), 0);
    assert_int_equal(rd(p, DATA + 0x2000 + 509, 1), 14);
    out(p, BM, 0);
    out(p, BM + 2, 4);
    assert_int_equal(in(p, BM + 2), 0);
    /* more memory than data: still active at the end */
    prd(p, 0, DATA, 0, true);
    assert_int_equal(dma(p, 0x35, 50, 4, false), 5);
    assert_int_equal(image_byte(&p->disk, 50 * 512), 11);
    in(p, 0x1f7);
    /* less: the drive waits, and goes on with the next table */
    prd(p, 0, DATA, 512, true);
    assert_int_equal(dma(p, 0x25, 20, 2, true) & 5, 0);
    assert_int_equal(in(p, 0x1f7) & BSY, BSY);
    bench_snapshot_roundtrip(p->b);
    out(p, BM, 0);
    prd(p, 0, DATA + 512, 512, true);
    out(p, BM, 9);
    wait_status(p, 0);
    assert_int_equal(in(p, BM + 2), 4);
    assert_int_equal(rd(p, DATA, 1), 21);
    assert_int_equal(rd(p, DATA + 512, 1), 22);
    /* a whole megabyte and a half, across pieces; a reset in the middle of another */
    for (unsigned i = 0; i < 24; i++) {
        prd(p, i, DATA + 0x10000 * i, 0, i == 23);
    }
    assert_int_equal(dma(p, 0x25, 0, 3072, true), 4);
    for (unsigned i = 0; i < 3072; i += 97) {
        assert_int_equal(rd(p, DATA + 512 * i, 1), (u8)((i >= 50 && i < 54 ? i - 40 + 0 : i) + 1));
    }
    taskfile(p, 0, 0, 3072, 0, 0xe0);
    out(p, 0x1f7, 0x25);
    out(p, BM, 0);
    out(p, BM, 9);
    out(p, 0x3f6, 4);
    out(p, 0x3f6, 0);
    assert_int_equal(in(p, 0x1f7), 0x50);
    assert_int_equal(command(p, 0x40, 0, 8, 0), 0x50);
    /* bus mastering off: nothing moves */
    wr(p, ECAM + 0x8004, 2, 1);
    prd(p, 0, DATA, 512, true);
    assert_int_equal(dma(p, 0xc8, 10, 1, true) & 4, 0);
    pc_free(p);
}

static void trim_and_small_ones(void **st)
{
    (void)st;
    struct pc *p = pc_new(false, NULL);
    u8 buf[512];
    wr(p, DATA, 8, 8ull | 8ull << 48);
    for (unsigned i = 1; i < 64; i++) {
        wr(p, DATA + 8 * i, 8, 0);
    }
    prd(p, 0, DATA, 512, true);
    assert_int_equal(dma(p, 0x06, 0, 1, false), 4);
    assert_int_equal(in(p, 0x1f7), 0x50);
    wr(p, DATA, 8, 8190ull | 8ull << 48);
    assert_int_equal(dma(p, 0x06, 0, 1, false), 4);
    assert_int_equal(in(p, 0x1f7), 0x51);
    static const u8 good[] = {0xe7, 0xea, 0x10, 0x70, 0xe0, 0xe1, 0xe2, 0xe3, 0xc6, 0x40};
    for (unsigned i = 0; i < sizeof(good); i++) {
        assert_int_equal(command(p, good[i], 0, 8, 0), 0x50);
    }
    static const u8 bad[] = {0x00, 0xf1, 0xf6, 0x08, 0xa0, 0xff, 0x60};
    for (unsigned i = 0; i < sizeof(bad); i++) {
        assert_int_equal(command(p, bad[i], 0, 8, 0), 0x51);
        assert_int_equal(in(p, 0x1f1), 4);
    }
    /* power */
    command(p, 0xe0, 0, 0, 0);
    command(p, 0xe5, 0, 0, 0);
    assert_int_equal(in(p, 0x1f2), 0);
    command(p, 0x40, 0, 1, 0);
    command(p, 0xe5, 0, 0, 0);
    assert_int_equal(in(p, 0x1f2), 0xff);
    command(p, 0xe6, 0, 0, 0);
    in(p, 0x1f7);
    unsigned before = p->rises[0];
    command(p, 0xec, 0, 0, 0); /* it sleeps */
    assert_int_equal(p->rises[0], before);
    out(p, 0x3f6, 4);
    out(p, 0x3f6, 0);
    assert_int_equal(command(p, 0xec, 0, 0, 0), 0x58);
    read_block(p, 0, buf, 512);
    /* SMART */
    taskfile(p, 0, 0xc24f00, 0, 0xda, 0xa0);
    out(p, 0x1f7, 0xb0);
    assert_int_equal(wait_status(p, 0), 0x50);
    assert_int_equal(in(p, 0x1f4), 0x4f);
    assert_int_equal(in(p, 0x1f5), 0xc2);
    for (unsigned i = 0; i < 2; i++) {
        taskfile(p, 0, 0xc24f00, 1, (u8)(0xd0 + i), 0xa0);
        out(p, 0x1f7, 0xb0);
        assert_int_equal(wait_status(p, 0), 0x58);
        read_block(p, 0, buf, 512);
        u8 sum = 0;
        for (unsigned k = 0; k < 512; k++) {
            sum = (u8)(sum + buf[k]);
        }
        assert_int_equal(sum, 0);
        assert_int_equal(buf[2], 1);
    }
    taskfile(p, 0, 0, 0, 0xda, 0xa0); /* without the key */
    out(p, 0x1f7, 0xb0);
    assert_int_equal(wait_status(p, 0), 0x51);
    /* buffer */
    for (unsigned i = 0; i < 512; i++) {
        buf[i] = (u8)i;
    }
    assert_int_equal(command(p, 0xe8, 0, 0, 0), 0x58);
    write_block(p, 0, buf, 512);
    assert_int_equal(command(p, 0xe4, 0, 0, 0), 0x58);
    memset(buf, 0, 512);
    read_block(p, 0, buf, 512);
    assert_int_equal(buf[0x7e], 0x7e);
    /* diagnosis */
    assert_int_equal(command(p, 0x90, 0, 0, 0), 0x50);
    assert_int_equal(in(p, 0x1f1), 1);
    assert_int_equal(in(p, 0x1f2), 1);
    pc_free(p);
}

/* -- errors of the host -------------------------------------------------------------------------------------------- */

static void host_errors(void **st)
{
    (void)st;
    struct pc *p = pc_new(true, NULL);
    u8 buf[512] = {0};
    assert_int_equal(command(p, 0x30, 7, 1, 0), 0x58);
    write_block(p, 0, buf, 512);
    assert_int_equal(wait_status(p, 0), 0x51);
    assert_int_equal(in(p, 0x1f1), 0x44);
    assert_int_equal(lba_back(p, false), 7);
    assert_int_equal(image_byte(&p->disk, 7 * 512), 8);
    pc_free(p);

    p = pc_new(false, NULL);
    assert_int_equal(truncate(p->disk.path, 100 * 512), 0);
    for (unsigned i = 0; i < 8; i++) {
        prd(p, i, DATA + 0x10000 * i, 0, i == 7);
    }
    assert_int_equal(dma(p, 0x25, 90, 64, true) & 4, 4);
    assert_int_equal(in(p, 0x1f7), 0x51);
    assert_int_equal(in(p, 0x1f1), 0x40);
    assert_int_equal(lba_back(p, true), 100); /* the first that is not there, */
    assert_int_equal(rd(p, DATA + 9 * 512, 1), 100);
    command(p, 0xc6, 0, 16, 0);
    assert_int_equal(command(p, 0xc4, 96, 16, 0), 0x58); /* and all before it are read */
    for (unsigned i = 0; i < 4; i++) {
        assert_int_equal(wait_status(p, 0), 0x58);
        read_block(p, 0, buf, 512);
        assert_int_equal(buf[0], 97 + i);
    }
    assert_int_equal(wait_status(p, 0), 0x51);
    assert_int_equal(lba_back(p, false), 100);
    assert_int_equal(command(p, 0x42, 64, 64, 0), 0x51);
    assert_int_equal(lba_back(p, true), 100);
    assert_int_equal(command(p, 0x20, 0, 1, 0), 0x58); /* it goes on */
    read_block(p, 0, buf, 512);
    pc_free(p);

    p = pc_new(false, "drive=disk,rerror=ignore");
    assert_int_equal(truncate(p->disk.path, 0), 0);
    assert_int_equal(command(p, 0x20, 5, 1, 0), 0x58);
    read_block(p, 0, buf, 512);
    assert_int_equal(wait_status(p, 0), 0x50);
    pc_free(p);
}

static void properties(void **st)
{
    (void)st;
    struct pc *p = pc_new(false, NULL);
    static const char *const bad[][2] = {
        {"unit", "0"}, {"unit", "2"}, {"logical_block_size", "4096"}, {"werror", "perhaps"}, {"heads", "17"}};
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        struct device *d = device_new(&p->b->m, &ide_hd_class, NULL);
        machine_lock();
        assert_true(device_set_prop(d, "drive", "disk", &e));
        bool ok = device_set_prop(d, bad[i][0], bad[i][1], &e) && device_plug(d, "ide.0", &e);
        if (i > 1) {
            assert_true(ok);
            assert_false(device_init(d, &e));
            ((struct ide_bus *)d->parent)->unit[1] = NULL;
            d->parent->nchildren--;
        } else {
            assert_false(ok);
        }
        machine_unlock();
        assert_true(e.msg[0]);
        p->b->m.devices = d->next; /* it never was */
    }
    pc_free(p);
}

/* A channel without PCI. */
static void channel_of_its_own(void **st)
{
    (void)st;
    struct image disk;
    struct err e = {0};
    struct bench *b = bench_make(&ide_bus_class, NULL);
    b->d->id = "ide.0";
    bench_start(b);
    assert_int_equal(bench_read(b, 7, 1), 0x7f); /* nobody is there */
    assert_int_equal(bench_read(b, 0x206, 1), 0x7f);
    image_make(&disk, "disk", 1 << 20, false);
    machine_lock();
    struct device *d = ide_attach(b->d, 1, disk.b, false, NULL, &e);
    assert_non_null(d);
    assert_null(ide_attach(b->d, 1, disk.b, false, NULL, &e));
    b->m.devices = d; /* the second never was */
    device_reset(d);
    machine_unlock();
    bench_write(b, 6, 1, 0xb0);
    assert_int_equal(bench_read(b, 7, 1), 0x50);
    bench_write(b, 7, 1, 0xec);
    assert_int_equal(bench_irq(b, 0), 1);
    assert_int_equal(bench_read(b, 7, 1), 0x58);
    assert_int_equal(bench_irq(b, 0), 0);
    for (unsigned i = 0; i < 128; i++) {
        bench_read(b, 0, 4);
    }
    assert_int_equal(bench_read(b, 7, 1), 0x50);
    bench_write(b, 2, 1, 1);
    bench_write(b, 7, 1, 0xc8); /* there is no bus master */
    assert_int_equal(bench_read(b, 7, 1), 0x51);
    assert_int_equal(bench_read(b, 1, 1), 4);
    bench_snapshot_roundtrip(b);
    bench_free(b);
    disk_image_free(&disk);
}

/* -- garbage ------------------------------------------------------------------------------------------------------- */

static void garbage(void **st)
{
    (void)st;
    unsigned seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    for (unsigned round = 0; round < 3; round++) {
        struct pc *p = pc_new(false, NULL);
        for (unsigned k = 0; k < 60000; k++) {
            unsigned ch = (unsigned)rand() % 2, what = (unsigned)rand() % 32;
            unsigned port = base(ch) + (unsigned)rand() % 8;
            u64 v = (u64)rand() >> rand() % 31;
            static const u8 ops[] = {0x20, 0x24, 0x25, 0x30, 0x35, 0xc8, 0xca, 0xa0, 0xa0, 0xa0, 0xec,
                                     0x06, 0xc4, 0xc5, 0xc6, 0xe7, 0x40, 0x2f, 0x47, 0xb0, 0xef, 0x08};
            if (what < 10) {
                out(p, port == base(ch) + 7 ? port - 1 : port, (u8)v);
            } else if (what < 14) {
                out(p, base(ch) + 7, rand() % 4 ? ops[(unsigned)rand() % sizeof(ops)] : (u8)v);
            } else if (what < 20) {
                for (unsigned i = 0; i < 300 && rand() % 64; i++) {
                    wr(p, PIO + base(ch), 1u << rand() % 3, rand() % 2 ? (u64)rand() : 0x28);
                }
            } else if (what < 24) {
                for (unsigned i = 0; i < 3000 && rand() % 512; i++) {
                    rd(p, PIO + base(ch), 1u << rand() % 3);
                }
            } else if (what < 26) {
                for (unsigned i = 0; i < 16; i++) {
                    u64 at = rand() % 8 ? DATA + (u64)rand() % 0x100000 : (u64)rand() << rand() % 3;
                    prd(p, i, at, (u32)rand() >> rand() % 20, rand() % 4 == 0);
                }
                wr(p, PIO + BM + 8 * ch + 4, 4, rand() % 8 ? PRD : (u64)rand());
            } else if (what < 29) {
                out(p, BM + 8 * ch + (unsigned)rand() % 8, (u8)(rand() % 2 ? 9 : v));
                wr(p, PIO + BM + 8 * ch + 4, 4, PRD);
            } else if (what < 30) {
                out(p, base(ch) + 0x206, (u8)(rand() % 4 ? 0 : v));
            } else {
                loop_turn(0);
            }
        }
        machine_lock();
        block_drain_all();
        machine_unlock();
        bench_snapshot_roundtrip(p->b);
        pc_free(p);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(signatures_and_absent_drives),
        cmocka_unit_test(identify_device),
        cmocka_unit_test(pio_reads_and_writes),
        cmocka_unit_test(addresses),
        cmocka_unit_test(bus_master),
        cmocka_unit_test(trim_and_small_ones),
        cmocka_unit_test(host_errors),
        cmocka_unit_test(properties),
        cmocka_unit_test(channel_of_its_own),
        cmocka_unit_test(garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
