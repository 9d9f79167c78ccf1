/* The floppy controller, driven as the BIOS and Linux drive it. The DMA controller is this test. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "hw/block/fdc.h"
#include "tests/hw/bench.h"
#include "tests/hw/disk_image.h"

static struct image disk;

/* A channel: moves up to `count` bytes of mem, then says so. */
static struct dma {
    struct isa_dma bus;
    struct isa_dma_peer peer;
    u8 mem[0x10000];
    unsigned at, count;
    bool to_memory, on, masked;
} ch;

static void dma_attach(void *opaque, unsigned channel, const struct isa_dma_peer *p)
{
    (void)opaque;
    assert_int_equal(channel, 2);
    ch.peer = *p;
}

static void dma_run(void)
{
    while (ch.on && !ch.masked && ch.at < ch.count) {
        unsigned n = ch.to_memory ? ch.peer.from_device(ch.peer.opaque, ch.mem + ch.at, ch.count - ch.at)
                                  : ch.peer.to_device(ch.peer.opaque, ch.mem + ch.at, ch.count - ch.at);
        if (!n) {
            break;
        }
        ch.at += n;
        if (ch.at == ch.count) {
            ch.masked = true;
            ch.peer.terminal_count(ch.peer.opaque);
        }
    }
}

static void dma_request(void *opaque, unsigned channel, bool on)
{
    (void)opaque;
    (void)channel;
    ch.on = on;
    if (on) {
        dma_run();
    }
}

static void dma_set(unsigned count, bool to_memory)
{
    ch.at = 0;
    ch.count = count;
    ch.to_memory = to_memory;
    ch.masked = false;
}

static struct bench *fdc_new(u64 size, bool read_only)
{
    clock_start();
    image_make(&disk, "disk", size, read_only);
    struct bench *b = bench_make(&isa_fdc_class, "driveA=disk");
    ch = (struct dma){.masked = true};
    ch.bus = (struct isa_dma){.attach = dma_attach, .request = dma_request};
    machine_lock();
    fdc_set_dma(b->d, &ch.bus);
    machine_unlock();
    bench_start(b);
    return b;
}

static void fdc_free(struct bench *b)
{
    bench_free(b);
    disk_image_free(&disk);
}

/* -- the driver ---------------------------------------------------------------------------------------------------- */

static void put(struct bench *b, u8 v)
{
    assert_int_equal(bench_read(b, 4, 1) & 0xc0, 0x80);
    bench_write(b, 5, 1, v);
}
static void send(struct bench *b, unsigned n, const u8 *p)
{
    for (unsigned i = 0; i < n; i++) {
        put(b, p[i]);
    }
}
#define SEND(b, ...) send(b, sizeof((u8[]){__VA_ARGS__}), (u8[]){__VA_ARGS__})

static unsigned results(struct bench *b, u8 *r)
{
    unsigned n = 0;
    for (unsigned i = 0; i < 3000 && (bench_read(b, 4, 1) & 0xc0) != 0xc0; i++) {
        loop_turn(1000000);
    }
    while ((bench_read(b, 4, 1) & 0xc0) == 0xc0) {
        assert_true(n < 16);
        r[n++] = (u8)bench_read(b, 5, 1);
    }
    return n;
}

static void on(struct bench *b)
{
    u8 r[16];
    bench_w(b, "DOR", 0);
    assert_int_equal(bench_irq(b, 0), 0);
    bench_w(b, "DOR", 0x1c);
    assert_int_equal(bench_irq(b, 0), 1);
    for (unsigned i = 0; i < 4; i++) {
        SEND(b, 8);
        assert_int_equal(results(b, r), 2);
        assert_int_equal(r[0], 0xc0 | i);
    }
    assert_int_equal(bench_irq(b, 0), 0);
    SEND(b, 8);
    assert_int_equal(results(b, r), 1);
    assert_int_equal(r[0], 0x80);
    SEND(b, 3, 0xdf, 2);
    bench_write(b, 7, 1, 0); /* 500 kbit/s */
}

static void seek(struct bench *b, u8 cylinder)
{
    u8 r[16];
    SEND(b, 0x0f, 0, cylinder);
    assert_int_equal(bench_irq(b, 0), 1);
    SEND(b, 8);
    assert_int_equal(results(b, r), 2);
    assert_int_equal(r[0], 0x20);
    assert_int_equal(r[1], cylinder);
    assert_int_equal(bench_irq(b, 0), 0);
}

/* -- tests --------------------------------------------------------------------------------------------------------- */

static void small_commands(void **st)
{
    (void)st;
    struct bench *b = fdc_new(1474560, false);
    u8 r[16];
    on(b);
    SEND(b, 0x10);
    assert_int_equal(results(b, r), 1);
    assert_int_equal(r[0], 0x90);
    SEND(b, 0x18); /* PART ID is the 82078's */
    assert_int_equal(results(b, r), 1);
    assert_int_equal(r[0], 0x80);
    SEND(b, 0x13, 0, 0x57, 9);
    SEND(b, 0x94);
    assert_int_equal(results(b, r), 1);
    assert_int_equal(r[0], 0x10);
    SEND(b, 0x12, 0x84);
    SEND(b, 0x0e);
    assert_int_equal(results(b, r), 10);
    assert_int_equal(r[4], 0xdf);
    assert_int_equal(r[5], 2);
    assert_int_equal(r[7], 0x84);
    assert_int_equal(r[8], 0x57);
    assert_int_equal(r[9], 9);
    bench_w(b, "DOR", 0);
    bench_w(b, "DOR", 0x1c); /* polling is off by the locked configuration: no interrupt */
    assert_int_equal(bench_irq(b, 0), 0);
    SEND(b, 0x0e);
    assert_int_equal(results(b, r), 10);
    assert_int_equal(r[8], 0x57);
    SEND(b, 0x14);
    results(b, r);
    bench_write(b, 4, 1, 0x80); /* and by DSR, unlocked */
    assert_int_equal(bench_irq(b, 0), 1);
    for (unsigned i = 0; i < 4; i++) {
        SEND(b, 8);
        assert_int_equal(results(b, r), 2);
    }
    SEND(b, 0x0e);
    assert_int_equal(results(b, r), 10);
    assert_int_equal(r[8], 0x20);
    /* heads */
    SEND(b, 0x04, 0);
    assert_int_equal(results(b, r), 1);
    assert_int_equal(r[0], 0x38);
    seek(b, 10);
    SEND(b, 0x04, 4);
    assert_int_equal(results(b, r), 1);
    assert_int_equal(r[0], 0x2c);
    SEND(b, 0xcf, 0, 5);
    SEND(b, 8);
    assert_int_equal(results(b, r), 2);
    assert_int_equal(r[1], 15);
    SEND(b, 0x8f, 0, 3);
    SEND(b, 8);
    assert_int_equal(results(b, r), 2);
    assert_int_equal(r[1], 12);
    SEND(b, 7, 0);
    SEND(b, 8);
    assert_int_equal(results(b, r), 2);
    assert_int_equal(r[0], 0x20);
    assert_int_equal(r[1], 0);
    SEND(b, 7, 1); /* no such drive: track 0 is never seen */
    SEND(b, 8);
    assert_int_equal(results(b, r), 2);
    assert_int_equal(r[0], 0x71);
    SEND(b, 0x4a, 0);
    bench_snapshot_roundtrip(b);
    assert_int_equal(results(b, r), 7);
    assert_int_equal(r[0], 0);
    assert_int_equal(r[6], 2);
    fdc_free(b);
}

static void reads_and_writes(void **st)
{
    (void)st;
    struct bench *b = fdc_new(1474560, false);
    u8 r[16];
    on(b);
    seek(b, 1);
    /* cylinder 1, head 0, sectors 2 to 4: terminal count ends it */
    dma_set(3 * 512, true);
    SEND(b, 0xe6, 0, 1, 0, 2, 2, 18, 0x1b, 0xff);
    assert_int_equal(results(b, r), 7);
    assert_memory_equal(r, ((u8[]){0, 0, 0, 1, 0, 5, 2}), 7);
    assert_int_equal(ch.mem[0], (u8)(36 + 1 + 1));
    assert_int_equal(ch.mem[1535], (u8)(36 + 3 + 1));
    /* across the heads */
    dma_set(36 * 512, true);
    SEND(b, 0xe6, 0, 1, 0, 1, 2, 18, 0x1b, 0xff);
    assert_int_equal(results(b, r), 7);
    assert_memory_equal(r, ((u8[]){4, 0, 0, 2, 0, 1, 2}), 7);
    for (unsigned i = 0; i < 36; i++) {
        assert_int_equal(ch.mem[512 * i], (u8)(36 + i + 1));
    }
    /* one head only: the cylinder ends before the count */
    dma_set(36 * 512, true);
    SEND(b, 0x46, 0, 1, 0, 17, 2, 18, 0x1b, 0xff);
    assert_int_equal(results(b, r), 7);
    assert_memory_equal(r, ((u8[]){0x40, 0x80, 0, 2, 0, 1, 2}), 7);
    assert_int_equal(ch.at, 1024);
    /* writing, with the last sector not whole */
    memset(ch.mem, 0x5a, sizeof(ch.mem));
    dma_set(700, false);
    SEND(b, 0xc5, 4, 1, 1, 3, 2, 18, 0x1b, 0xff);
    assert_int_equal(results(b, r), 7);
    assert_memory_equal(r, ((u8[]){4, 0, 0, 1, 1, 5, 2}), 7);
    u64 at = (36 + 18 + 2) * 512;
    assert_int_equal(image_byte(&disk, at), 0x5a);
    assert_int_equal(image_byte(&disk, at + 699), 0x5a);
    assert_int_equal(image_byte(&disk, at + 700), 0);
    assert_int_equal(image_byte(&disk, at + 1024), (u8)(36 + 18 + 4 + 1));
    /* what is not there */
    static const struct {
        u8 cmd[9], st1, st2;
    } bad[] = {
        {{0xe6, 0, 2, 0, 1, 2, 18, 0x1b, 0xff}, 4, 0x10}, {{0xe6, 0, 1, 0, 19, 2, 20, 0x1b, 0xff}, 4, 0},
        {{0xe6, 0, 1, 0, 0, 2, 18, 0x1b, 0xff}, 4, 0},    {{0xe6, 0, 1, 1, 1, 2, 18, 0x1b, 0xff}, 4, 0},
        {{0xe6, 0, 1, 0, 1, 3, 18, 0x1b, 0xff}, 4, 0},    {{0xe6, 1, 1, 0, 1, 2, 18, 0x1b, 0xff}, 1, 0},
        {{0xa6, 0, 1, 0, 1, 2, 18, 0x1b, 0xff}, 1, 0},    {{0xe6, 0, 0xff, 0, 1, 2, 18, 0x1b, 0xff}, 4, 0x12},
    };
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        dma_set(512, true);
        send(b, 9, bad[i].cmd);
        assert_int_equal(results(b, r), 7);
        assert_int_equal(r[0] & 0xf8, 0x40);
        assert_int_equal(r[1], bad[i].st1);
        assert_int_equal(r[2], bad[i].st2);
    }
    bench_write(b, 7, 1, 2); /* the wrong rate */
    SEND(b, 0x4a, 0);
    results(b, r);
    assert_int_equal(r[1], 1);
    bench_write(b, 7, 1, 0);
    /* an implied seek */
    SEND(b, 0x13, 0, 0x50, 0);
    dma_set(512, true);
    SEND(b, 0xe6, 0, 79, 0, 1, 2, 18, 0x1b, 0xff);
    assert_int_equal(results(b, r), 7);
    assert_int_equal(r[0], 0);
    assert_int_equal(ch.mem[0], (u8)(79 * 36 + 1));
    fdc_free(b);
}

static void deleted_verify_track_scan(void **st)
{
    (void)st;
    struct bench *b = fdc_new(737280, false);
    u8 r[16];
    on(b);
    bench_write(b, 7, 1, 2);
    dma_set(1024, true); /* a sector with the other mark: read, and the end */
    SEND(b, 0x4c, 0, 0, 0, 3, 2, 9, 0x1b, 0xff);
    results(b, r);
    assert_int_equal(r[0], 0);
    assert_int_equal(r[2], 0x40);
    assert_int_equal(ch.at, 512);
    dma_set(1024, true); /* all of them skipped */
    SEND(b, 0x6c, 0, 0, 0, 3, 2, 9, 0x1b, 0xff);
    results(b, r);
    assert_int_equal(r[0], 0x40);
    assert_int_equal(ch.at, 0);
    SEND(b, 0x56, 0, 0, 0, 1, 2, 9, 0x1b, 0xff); /* VERIFY to the end of the cylinder */
    results(b, r);
    assert_int_equal(r[0], 0);
    SEND(b, 0x56, 0x80, 0, 0, 1, 2, 9, 0x1b, 3);
    results(b, r);
    assert_memory_equal(r, ((u8[]){0, 0, 0, 0, 0, 4, 2}), 7);
    dma_set(9 * 512, true);
    SEND(b, 0x42, 0, 0, 0, 1, 2, 9, 0x1b, 0xff);
    results(b, r);
    assert_int_equal(r[0], 0);
    assert_int_equal(ch.mem[8 * 512], 9);
    memset(ch.mem, 5, sizeof(ch.mem));
    dma_set(9 * 512, false);
    SEND(b, 0x51, 0, 0, 0, 1, 2, 9, 0x1b, 1);
    results(b, r);
    assert_int_equal(r[2], 8);
    assert_int_equal(r[5], 5);
    dma_set(9 * 512, false);
    SEND(b, 0x5d, 0, 0, 0, 1, 2, 9, 0x1b, 1);
    results(b, r);
    assert_int_equal(r[2], 8);
    dma_set(3 * 512, false);
    SEND(b, 0x51, 0, 0, 0, 6, 2, 9, 0x1b, 1);
    results(b, r);
    assert_int_equal(r[2], 4);
    fdc_free(b);
}

static void format_track(void **st)
{
    (void)st;
    struct bench *b = fdc_new(1474560, false);
    u8 r[16];
    on(b);
    seek(b, 3);
    for (unsigned i = 0; i < 18; i++) {
        memcpy(ch.mem + 4 * i, (u8[]){3, 1, (u8)(i + 1), 2}, 4);
    }
    dma_set(72, false);
    SEND(b, 0x4d, 4, 2, 18, 0x6c, 0xf6);
    assert_int_equal(results(b, r), 7);
    assert_int_equal(r[0], 4);
    assert_int_equal(image_byte(&disk, (3 * 36 + 18) * 512), 0xf6);
    assert_int_equal(image_byte(&disk, (3 * 36 + 36) * 512 - 1), 0xf6);
    assert_int_equal(image_byte(&disk, (3 * 36 + 36) * 512), (u8)(3 * 36 + 37));
    fdc_free(b);
    b = fdc_new(1474560, true);
    on(b);
    SEND(b, 0x4d, 0, 2, 18, 0x6c, 0xf6);
    assert_int_equal(results(b, r), 7);
    assert_int_equal(r[1], 2);
    dma_set(512, false);
    SEND(b, 0xc5, 0, 0, 0, 1, 2, 18, 0x1b, 0xff);
    assert_int_equal(results(b, r), 7);
    assert_int_equal(r[0], 0x40);
    assert_int_equal(r[1], 2);
    SEND(b, 0x04, 0);
    results(b, r);
    assert_int_equal(r[0] & 0x40, 0x40);
    fdc_free(b);
}

static void without_dma(void **st)
{
    (void)st;
    struct bench *b = fdc_new(1474560, false);
    u8 r[16], data[1024];
    on(b);
    SEND(b, 3, 0xdf, 3);
    SEND(b, 0x46, 0, 0, 0, 17, 2, 18, 0x1b, 0xff);
    for (unsigned i = 0; i < 1024; i++) {
        for (unsigned k = 0; k < 3000 && !(bench_read(b, 4, 1) & 0x80); k++) {
            loop_turn(1000000);
        }
        assert_int_equal(bench_read(b, 4, 1), 0xf0);
        assert_int_equal(bench_irq(b, 0), 1);
        if (i == 700) {
            bench_snapshot_roundtrip(b);
        }
        data[i] = (u8)bench_read(b, 5, 1);
    }
    assert_int_equal(data[0], 17);
    assert_int_equal(data[1023], 18);
    assert_int_equal(results(b, r), 7);
    assert_int_equal(r[0], 0x40);
    assert_int_equal(r[1], 0x80);
    SEND(b, 0x45, 0, 0, 0, 18, 2, 18, 0x1b, 0xff);
    for (unsigned i = 0; i < 512; i++) {
        assert_int_equal(bench_read(b, 4, 1), 0xb0);
        bench_write(b, 5, 1, 0x33);
    }
    assert_int_equal(results(b, r), 7);
    assert_int_equal(image_byte(&disk, 17 * 512), 0x33);
    fdc_free(b);
}

static void media(void **st)
{
    (void)st;
    static const struct {
        u32 sectors;
        u8 type, rate, c, h, r;
        u32 at;
    } sizes[] = {
        {320, 2, 1, 39, 0, 8, 319},    {360, 2, 1, 39, 0, 9, 359},    {640, 2, 1, 39, 1, 8, 639},
        {720, 2, 1, 39, 1, 9, 719},    {1440, 4, 2, 79, 1, 9, 1439},  {2400, 2, 0, 79, 1, 15, 2399},
        {2880, 4, 0, 79, 1, 18, 2879}, {5760, 5, 3, 79, 1, 36, 5759}, {3360, 4, 0, 79, 1, 21, 3359},
        {1, 4, 0, 0, 0, 1, 0},         {100, 4, 0, 2, 1, 10, 99},
    };
    u8 r[16];
    for (unsigned i = 0; i < ARRAY_LEN(sizes); i++) {
        struct bench *b = fdc_new(sizes[i].sectors * 512u, false);
        assert_int_equal(fdc_cmos_type(b->d, 0), sizes[i].type);
        assert_int_equal(fdc_cmos_type(b->d, 1), 0);
        on(b);
        bench_write(b, 7, 1, sizes[i].rate);
        bool steps = sizes[i].sectors <= 720 && sizes[i].sectors >= 320;
        seek(b, (u8)(sizes[i].c * (steps ? 2 : 1)));
        dma_set(512, true);
        SEND(b, 0x46, (u8)(sizes[i].h << 2), sizes[i].c, sizes[i].h, sizes[i].r, 2, sizes[i].r, 0x1b, 0xff);
        assert_int_equal(results(b, r), 7);
        assert_int_equal(r[0] & 0xf8, 0);
        assert_int_equal(ch.mem[0], sizes[i].at < 4096 ? (u8)(sizes[i].at + 1) : 0);
        fdc_free(b);
    }
    /* the change line: up until a step with a disk in the drive */
    struct bench *b = fdc_new(1474560, false);
    struct err e = {0};
    on(b);
    assert_int_equal(bench_read(b, 7, 1), 0x80);
    seek(b, 1);
    assert_int_equal(bench_read(b, 7, 1), 0);
    machine_lock();
    block_eject(disk.b);
    machine_unlock();
    assert_int_equal(bench_read(b, 7, 1), 0x80);
    seek(b, 2);
    assert_int_equal(bench_read(b, 7, 1), 0x80);
    dma_set(512, true);
    SEND(b, 0x46, 0, 2, 0, 1, 2, 18, 0x1b, 0xff);
    results(b, r);
    assert_int_equal(r[1], 1);
    machine_lock();
    assert_true(block_insert(disk.b, disk.path, NULL, false, &e));
    machine_unlock();
    assert_int_equal(bench_read(b, 7, 1), 0x80);
    bench_w(b, "DOR", 0x0c); /* the motor stands: nobody drives the line */
    assert_int_equal(bench_read(b, 7, 1), 0);
    bench_w(b, "DOR", 0x1c);
    seek(b, 3);
    assert_int_equal(bench_read(b, 7, 1), 0);
    /* the host loses the image's end */
    assert_int_equal(truncate(disk.path, 512), 0);
    dma_set(512, true);
    SEND(b, 0x46, 0, 3, 0, 1, 2, 18, 0x1b, 0xff);
    results(b, r);
    assert_int_equal(r[0], 0x40);
    assert_int_equal(r[1], 0x20);
    assert_int_equal(r[2], 0x20);
    fdc_free(b);
}

static void drives(void **st)
{
    (void)st;
    struct bench *b = fdc_new(1474560, false);
    struct err e = {0};
    struct image two;
    image_make(&two, "two", 737280, false);
    machine_lock();
    struct device *d = device_new(&b->m, &floppy_class, NULL);
    assert_true(device_set_prop(d, "drive", "two", &e) && device_set_prop(d, "unit", "0", &e));
    assert_false(device_plug(d, NULL, &e)); /* taken */
    assert_true(device_set_prop(d, "unit", "1", &e) && device_set_prop(d, "drive-type", "120", &e));
    assert_true(device_plug(d, NULL, &e));
    machine_unlock();
    assert_int_equal(fdc_cmos_type(b->d, 1), 2);
    struct buf path = {0};
    d->cls->fw_path(d, &path);
    assert_string_equal((char *)path.data, "/floppy@1");
    buf_free(&path);
    unlink(two.path);
    fdc_free(b);
}

static void garbage(void **st)
{
    (void)st;
    unsigned seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    struct bench *b = fdc_new(1474560, false);
    for (unsigned k = 0; k < 200000; k++) {
        unsigned what = (unsigned)rand() % 32;
        static const u8 ops[] = {0xe6, 0x46, 0xc5, 0x4c, 0x6c, 0x42, 0x56, 0x51, 0x4d, 0x0f, 7, 8, 0x4a, 0xcf, 0x13};
        if (what < 20) {
            u8 v = (u8)(rand() % 8 ? rand() % 20 : rand());
            bench_write(b, 5, 1, rand() % 4 ? v : ops[(unsigned)rand() % sizeof(ops)]);
        } else if (what < 24) {
            bench_read(b, 5, 1);
        } else if (what < 26) {
            bench_write(b, "\2\3\4\5\7"[(unsigned)rand() % 5], 1, (u8)rand());
            bench_write(b, 2, 1, 0x1c | (u8)rand());
        } else if (what < 29) {
            dma_set((unsigned)rand() % 5000, rand() % 2);
            dma_run();
        } else {
            loop_turn(rand() % 16 ? 0 : 20000);
        }
    }
    machine_lock();
    block_drain_all();
    machine_unlock();
    bench_w(b, "DOR", 0);
    bench_snapshot_roundtrip(b);
    fdc_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_commands),
        cmocka_unit_test(reads_and_writes),
        cmocka_unit_test(deleted_verify_track_scan),
        cmocka_unit_test(format_track),
        cmocka_unit_test(without_dma),
        cmocka_unit_test(media),
        cmocka_unit_test(drives),
        cmocka_unit_test(garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
