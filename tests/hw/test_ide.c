/* IDE: disks and CDs behind the PC's ports, driven as firmware and drivers do. */
#include <fcntl.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "hw/ide/ide_bus.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_host.h"
#include "tests/hw/bench.h"
#include "tests/hw/disk_image.h"

#define ECAM 0x3f000000ull
#define PIO  0x3eff0000ull
#define BM   0xc000u
#define PRD  (BENCH_RAM + 0x1000)
#define DATA (BENCH_RAM + 0x10000)

enum { DATA_R, ERROR_R, COUNT_R, LOW_R, MID_R, HIGH_R, DEV_R, STATUS_R };
enum { ERR = 1, DRQ = 8, BSY = 0x80 };

struct pc {
    struct bench *b;
    struct device *ide, *hd, *cd;
    struct image disk, disc;
    int irq[2];
    unsigned rises[2];
};

static void heard(void *to, unsigned n, int level)
{
    struct pc *p = to;
    p->rises[n] += level && !p->irq[n];
    p->irq[n] = level != 0;
}

static u64 rd(struct pc *p, u64 addr, unsigned size)
{
    u64 v;
    assert_int_equal(mem_load(p->b->m.sysmem, addr, size, &v, (struct mem_attrs){0}), MEM_OK);
    return v;
}
static void wr(struct pc *p, u64 addr, unsigned size, u64 v)
{
    assert_int_equal(mem_store(p->b->m.sysmem, addr, size, v, (struct mem_attrs){0}), MEM_OK);
}
static u8 in(struct pc *p, unsigned port)
{
    return (u8)rd(p, PIO + port, 1);
}
static void out(struct pc *p, unsigned port, u8 v)
{
    wr(p, PIO + port, 1, v);
}
static unsigned base(unsigned channel)
{
    return channel ? 0x170 : 0x1f0;
}

/* A disk as ide.0 unit 0, a CD as ide.1 unit 0. */
static struct pc *pc_new(bool read_only, const char *hd_props)
{
    struct pc *p = calloc(1, sizeof(*p));
    struct err e = {0};
    p->b = bench_make(&gpex_class, NULL);
    pci_host_place(p->b->d, &(struct pci_layout){.ecam = ECAM,
                                                 .ecam_size = 0x1000000,
                                                 .mmio32 = 0x20000000,
                                                 .mmio32_size = 0x1000000,
                                                 .io = PIO,
                                                 .io_size = 0x10000});
    bench_start(p->b);
    image_make(&p->disk, "disk", 4 << 20, read_only);
    image_make(&p->disc, "disc", 1 << 20, true);
    machine_lock();
    p->ide = device_new(&p->b->m, &piix3_ide_class, "ide");
    assert_true(device_plug(p->ide, NULL, &e) && device_init(p->ide, &e));
    for (unsigned i = 0; i < 2; i++) {
        p->ide->irqs[i] = (struct irq){.fn = heard, .to = p, .n = i};
    }
    if (hd_props) {
        p->hd = device_new(&p->b->m, &ide_hd_class, NULL);
        struct opts o = {0};
        assert_true(opts_parse(&o, hd_props, NULL, &e));
        for (size_t i = 0; i < o.n; i++) {
            assert_true(device_set_prop(p->hd, o.v[i].key, o.v[i].value, &e));
        }
        opts_free(&o);
        if (!device_plug(p->hd, "ide.0", &e) || !device_init(p->hd, &e)) {
            fail_msg("%s", e.msg);
        }
    } else {
        p->hd = ide_attach(machine_find(&p->b->m, "ide.0"), 0, p->disk.b, false, "SN1", &e);
    }
    p->cd = ide_attach(machine_find(&p->b->m, "ide.1"), 0, p->disc.b, true, NULL, &e);
    if (!p->hd || !p->cd) {
        fail_msg("%s", e.msg);
    }
    device_reset(p->ide);
    device_reset(machine_find(&p->b->m, "ide.0"));
    device_reset(machine_find(&p->b->m, "ide.1"));
    device_reset(p->hd);
    device_reset(p->cd);
    machine_unlock();
    wr(p, ECAM + 0x8020, 4, BM);
    wr(p, ECAM + 0x8004, 2, 5);
    return p;
}

static void pc_free(struct pc *p)
{
    machine_lock();
    for (struct device *d = p->b->m.devices; d; d = d->next) {
        device_fini(d);
    }
    machine_unlock();
    unlink(p->disc.path);
    disk_image_free(&p->disk);
    bench_free(p->b);
    free(p);
}

static u8 wait_status(struct pc *p, unsigned channel)
{
    for (unsigned i = 0; i < 2000; i++) {
        u8 s = in(p, base(channel) + 0x206);
        if (!(s & BSY)) {
            return s;
        }
        loop_turn(1000000);
    }
    fail_msg("busy for ever");
    return 0;
}

static void taskfile(struct pc *p, unsigned ch, u64 lba, unsigned count, u8 features, u8 device)
{
    unsigned b = base(ch);
    out(p, b + DEV_R, device);
    out(p, b + ERROR_R, features);
    out(p, b + COUNT_R, (u8)(count >> 8));
    out(p, b + LOW_R, (u8)(lba >> 24));
    out(p, b + MID_R, (u8)(lba >> 32));
    out(p, b + HIGH_R, (u8)(lba >> 40));
    out(p, b + ERROR_R, features);
    out(p, b + COUNT_R, (u8)count);
    out(p, b + LOW_R, (u8)lba);
    out(p, b + MID_R, (u8)(lba >> 8));
    out(p, b + HIGH_R, (u8)(lba >> 16));
}

static u8 command(struct pc *p, u8 op, u64 lba, unsigned count, u8 features)
{
    bool ext = op == 0x24 || op == 0x25 || op == 0x34 || op == 0x35 || op == 0x27 || op == 0x42 || op == 0x06 ||
               op == 0x37 || op == 0xea || op == 0x29 || op == 0x39 || op == 0x2f;
    taskfile(p, 0, lba, count, features, (u8)(0xe0 | (ext ? 0 : lba >> 24 & 15)));
    out(p, base(0) + STATUS_R, op);
    return wait_status(p, 0);
}

static void read_block(struct pc *p, unsigned ch, u8 *to, unsigned n)
{
    for (unsigned i = 0; i < n; i += 2) {
        st16le(to + i, (u16)rd(p, PIO + base(ch), 2));
    }
}
static void write_block(struct pc *p, unsigned ch, const u8 *from, unsigned n)
{
    for (unsigned i = 0; i < n; i += 4) {
        wr(p, PIO + base(ch), 4, ld32le(from + i));
    }
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

static void prd(struct pc *p, unsigned i, u64 addr, u32 len, bool last)
{
    wr(p, PRD + 8 * i, 4, addr);
    wr(p, PRD + 8 * i + 4, 4, (len & 0xffff) | (last ? 0x80000000u : 0));
}

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

/* -- the CD -------------------------------------------------------------------------------------------------------- */

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
    assert_int_equal(packet(p, (u8[12]){0x1e}, 0xfffe, buf, NULL), 0);
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
        cmocka_unit_test(cd_identify_and_attention),
        cmocka_unit_test(cd_reads),
        cmocka_unit_test(cd_tells_of_itself),
        cmocka_unit_test(cd_tray_and_media),
        cmocka_unit_test(channel_of_its_own),
        cmocka_unit_test(garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
