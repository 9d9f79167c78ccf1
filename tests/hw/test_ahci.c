/* AHCI: disks and a CD behind its ports, driven as drivers do. */
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "hw/ide/ahci.h"
#include "hw/ide/ide.h"
#include "hw/pci/pci.h"
#include "hw/pci/pci_host.h"
#include "tests/hw/bench.h"
#include "tests/hw/disk_image.h"

#define ECAM  0x3f000000ull
#define ABAR  0x20000000ull
#define LISTS (BENCH_RAM + 0x10000)  /* of port n: + 0x1000 n; frames at + 0x400 */
#define TABLE (BENCH_RAM + 0x20000)  /* of slot n: + 0x2000 n */
#define DATA  (BENCH_RAM + 0x100000) /* of slot n: + 0x20000 n */

struct pc {
    struct bench *b;
    struct device *hba, *hd, *cd;
    struct image disk, disc;
};

static u32 rd(struct pc *p, u64 addr)
{
    u64 v;
    assert_int_equal(mem_load(p->b->m.sysmem, addr, 4, &v, (struct mem_attrs){0}), MEM_OK);
    return (u32)v;
}
static void wr(struct pc *p, u64 addr, u32 v)
{
    assert_int_equal(mem_store(p->b->m.sysmem, addr, 4, v, (struct mem_attrs){0}), MEM_OK);
}
static u64 reg(unsigned port, unsigned off)
{
    return ABAR + 0x100 + 0x80 * port + off;
}
static u8 byte(struct pc *p, u64 addr)
{
    u64 v;
    assert_int_equal(mem_load(p->b->m.sysmem, addr, 1, &v, (struct mem_attrs){0}), MEM_OK);
    return (u8)v;
}

static void all_reset(struct pc *p)
{
    static const char *const ports[] = {"ide.5", "ide.4", "ide.3", "ide.2", "ide.1", "ide.0"};
    device_reset(p->hba);
    for (unsigned i = 0; i < 6; i++) {
        device_reset(machine_find(&p->b->m, ports[i]));
    }
    device_reset(p->hd);
    device_reset(p->cd);
}

/* A disk at port 0, a CD at port 1; started, with interrupts. */
static struct pc *pc_new(bool read_only)
{
    struct pc *p = calloc(1, sizeof(*p));
    struct err e = {0};
    p->b = bench_make(&gpex_class, NULL);
    pci_host_place(p->b->d, &(struct pci_layout){.ecam = ECAM,
                                                 .ecam_size = 0x1000000,
                                                 .mmio32 = ABAR,
                                                 .mmio32_size = 0x1000000,
                                                 .io = 0x3eff0000,
                                                 .io_size = 0x10000});
    bench_start(p->b);
    image_make(&p->disk, "disk", 4 << 20, read_only);
    image_make(&p->disc, "disc", 1 << 20, true);
    machine_lock();
    p->hba = device_new(&p->b->m, &ich9_ahci_class, NULL);
    assert_true(device_plug(p->hba, NULL, &e) && device_init(p->hba, &e));
    p->hd = ide_attach(machine_find(&p->b->m, "ide.0"), 0, p->disk.b, false, "S", &e);
    p->cd = ide_attach(machine_find(&p->b->m, "ide.1"), 0, p->disc.b, true, NULL, &e);
    if (!p->hd || !p->cd) {
        fail_msg("%s", e.msg);
    }
    all_reset(p);
    machine_unlock();
    wr(p, ECAM + 0x8024, ABAR);
    wr(p, ECAM + 0x8020, 0x1000);
    wr(p, ECAM + 0x8004, 7);
    for (unsigned i = 0; i < 2; i++) {
        wr(p, reg(i, 0x00), (u32)LISTS + 0x1000 * i);
        wr(p, reg(i, 0x08), (u32)LISTS + 0x1000 * i + 0x400);
        wr(p, reg(i, 0x18), 0x10);
        wr(p, reg(i, 0x30), ~0u);
        wr(p, reg(i, 0x10), ~0u);
        wr(p, reg(i, 0x14), ~0u);
        wr(p, reg(i, 0x18), 0x11);
    }
    wr(p, ABAR + 0x08, ~0u);
    wr(p, ABAR + 0x04, 2);
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

/* A slot with a command frame and memory of two pieces. */
static void slot_fill(struct pc *p, unsigned port, unsigned slot, u8 op, u64 lba, u32 count, u32 bytes, u32 flags)
{
    u64 t = TABLE + 0x2000 * slot, data = DATA + 0x20000 * slot, h = LISTS + 0x1000 * port + 32 * slot;
    u8 f[20] = {0x27, 0x80, op, 0, (u8)lba, (u8)(lba >> 8), (u8)(lba >> 16), 0x40};
    u32 first = bytes / 2 & ~1u;
    f[8] = (u8)(lba >> 24);
    f[9] = (u8)(lba >> 32);
    if (op == 0x60 || op == 0x61) {
        f[3] = (u8)count;
        f[11] = (u8)(count >> 8);
        f[12] = (u8)(slot << 3);
    } else {
        f[12] = (u8)count;
        f[13] = (u8)(count >> 8);
    }
    mem_write(p->b->m.sysmem, t, f, sizeof(f), (struct mem_attrs){0});
    wr(p, t + 0x80, (u32)data);
    wr(p, t + 0x84, 0);
    wr(p, t + 0x8c, first - 1);
    wr(p, t + 0x90, (u32)data + first);
    wr(p, t + 0x94, 0);
    wr(p, t + 0x9c, bytes - first - 1);
    wr(p, h, 5 | flags | (bytes ? 2u << 16 : 0));
    wr(p, h + 4, 0);
    wr(p, h + 8, (u32)t);
    wr(p, h + 12, 0);
}

static u32 wait_slot(struct pc *p, unsigned port, u32 mask)
{
    for (unsigned i = 0; i < 3000; i++) {
        if (!((rd(p, reg(port, 0x38)) | rd(p, reg(port, 0x34))) & mask) || rd(p, reg(port, 0x10)) & 1u << 30) {
            break;
        }
        loop_turn(1000000);
    }
    u32 is = rd(p, reg(port, 0x10));
    wr(p, reg(port, 0x10), is);
    wr(p, ABAR + 8, 1u << port);
    return is;
}

static u32 run(struct pc *p, unsigned port, u8 op, u64 lba, u32 count, u32 bytes, u32 flags)
{
    slot_fill(p, port, 0, op, lba, count, bytes, flags);
    wr(p, reg(port, 0x38), 1);
    return wait_slot(p, port, 1);
}

static void recover(struct pc *p, unsigned port)
{
    wr(p, reg(port, 0x18), 0x10);
    assert_int_equal(rd(p, reg(port, 0x18)) & 0x8000, 0);
    assert_int_equal(rd(p, reg(port, 0x38)), 0);
    assert_int_equal(rd(p, reg(port, 0x34)), 0);
    wr(p, reg(port, 0x18), 0x11);
}

static void who_is_there(void **st)
{
    (void)st;
    struct pc *p = pc_new(false);
    assert_int_equal(rd(p, ECAM + 0x8000), 0x29228086);
    assert_int_equal(rd(p, ECAM + 0x8008) >> 8, 0x010601);
    assert_int_equal(rd(p, ABAR), 0xc1141f00 | 1 << 15 | 5);
    assert_int_equal(rd(p, ABAR + 0x0c), 0x3f);
    assert_int_equal(rd(p, ABAR + 4), 0x80000002);
    assert_int_equal(rd(p, reg(0, 0x28)), 0x113);
    assert_int_equal(rd(p, reg(0, 0x24)), 0x00000101);
    assert_int_equal(rd(p, reg(1, 0x24)), 0xeb140101);
    assert_int_equal(rd(p, reg(2, 0x28)), 0);
    assert_int_equal(rd(p, reg(0, 0x20)), 0x150);
    assert_int_equal(rd(p, reg(0, 0x18)), 0x0000c017);
    /* COMRESET */
    wr(p, reg(0, 0x18), 0x10);
    wr(p, reg(0, 0x2c), 0x301);
    assert_int_equal(rd(p, reg(0, 0x28)), 0);
    assert_int_equal(rd(p, reg(0, 0x20)), 0x7f);
    wr(p, reg(0, 0x2c), 0x300);
    assert_int_equal(rd(p, reg(0, 0x28)), 0x113);
    assert_int_equal(rd(p, reg(0, 0x30)) & (1u << 26), 1u << 26);
    assert_int_equal(rd(p, reg(0, 0x10)) & 0x40, 0x40);
    wr(p, reg(0, 0x30), ~0u);
    assert_int_equal(rd(p, reg(0, 0x10)) & 0x40, 0);
    wr(p, reg(0, 0x2c), 4);
    assert_int_equal(rd(p, reg(0, 0x28)), 4);
    wr(p, reg(0, 0x2c), 0);
    /* HBA reset */
    wr(p, ABAR + 4, 1);
    assert_int_equal(rd(p, ABAR + 4), 0x80000000);
    assert_int_equal(rd(p, reg(0, 0x18)), 6);
    assert_int_equal(rd(p, reg(0, 0x24)), 0x00000101);
    /* through BAR 4 */
    wr(p, 0x3eff0000ull + 0x1010, 0x0c);
    assert_int_equal(rd(p, 0x3eff0000ull + 0x1014), 0x3f);
    bench_snapshot_roundtrip(p->b);
    /* another's ports have names of their own */
    static const char *const ports[2] = {"ide.11", "ide.17"};
    machine_lock();
    for (unsigned i = 0; i < 2; i++) {
        struct err e = {0};
        struct device *d = device_new(&p->b->m, &ich9_ahci_class, NULL);
        assert_true(device_plug(d, NULL, &e) && device_init(d, &e));
        assert_non_null(machine_find(&p->b->m, ports[i]));
    }
    machine_unlock();
    pc_free(p);
}

static void software_reset(void **st)
{
    (void)st;
    struct pc *p = pc_new(false);
    slot_fill(p, 1, 0, 0, 0, 0, 0, 1 << 8 | 1 << 10);
    wr(p, TABLE, 0x00000027);
    wr(p, TABLE + 12, 0x04000000);
    wr(p, reg(1, 0x38), 1);
    assert_int_equal(rd(p, reg(1, 0x38)), 0);
    wr(p, LISTS + 0x1000, 5);
    wr(p, TABLE + 12, 0);
    wr(p, reg(1, 0x38), 1);
    assert_int_equal(rd(p, reg(1, 0x38)), 0);
    assert_int_equal(rd(p, reg(1, 0x20)), 0x100);
    assert_int_equal(rd(p, reg(1, 0x24)), 0xeb140101);
    assert_int_equal(rd(p, LISTS + 0x1440) & 0xff, 0x34);
    pc_free(p);
}

static void commands(void **st)
{
    (void)st;
    struct pc *p = pc_new(false);
    assert_int_equal(run(p, 0, 0xec, 0, 0, 512, 0), 2); /* PIO Setup, and that is all */
    assert_int_equal(rd(p, LISTS + 4), 512);
    assert_int_equal(rd(p, DATA + 2 * 76) & 0x100, 0x100);
    assert_int_equal(rd(p, DATA + 2 * 75 - 2) >> 16, 31);
    assert_int_equal(rd(p, LISTS + 0x420) & 0xff, 0x5f);
    assert_int_equal(rd(p, LISTS + 0x420 + 12) >> 24, 0x50);
    assert_int_equal(run(p, 0, 0x25, 10, 100, 51200, 0), 1);
    assert_int_equal(rd(p, LISTS + 4), 51200);
    for (unsigned i = 0; i < 100; i++) {
        assert_int_equal(byte(p, DATA + 512 * i), (u8)(11 + i));
    }
    assert_int_equal(rd(p, LISTS + 0x440), 0x00504034);
    assert_int_equal(run(p, 0, 0x35, 300, 5, 2560, 1 << 6), 1);
    assert_int_equal(image_byte(&p->disk, 304 * 512), 15);
    assert_int_equal(run(p, 0, 0x24, 20, 3, 1536, 0), 2);
    assert_int_equal(byte(p, DATA + 1024), 23);
    assert_int_equal(run(p, 0, 0x34, 400, 3, 1536, 1 << 6), 3);
    assert_int_equal(image_byte(&p->disk, 402 * 512), 23);
    assert_int_equal(run(p, 0, 0xea, 0, 0, 0, 0), 1);
    assert_int_equal(run(p, 0, 0x42, 0, 8192, 0, 0), 1);
    /* errors: the bit stays, the list stands until it is started anew */
    u32 is = run(p, 0, 0x25, 8190, 4, 2048, 0);
    assert_int_equal(is & 1u << 30, 1u << 30);
    assert_int_equal(rd(p, reg(0, 0x38)), 1);
    assert_int_equal(rd(p, reg(0, 0x20)), 0x1051);
    slot_fill(p, 0, 1, 0xea, 0, 0, 0, 0);
    wr(p, reg(0, 0x38), 2);
    assert_int_equal(rd(p, reg(0, 0x38)), 3);
    recover(p, 0);
    assert_int_equal(run(p, 0, 0x25, 0, 1, 512, 0), 1);
    /* memory that is too short */
    assert_int_equal(run(p, 0, 0x25, 0, 4, 1024, 0) & 1u << 24, 1u << 24);
    recover(p, 0);
    assert_int_equal(run(p, 0, 0xec, 0, 0, 256, 0) & 1u << 24, 1u << 24);
    /* several in a list go one after the other */
    for (unsigned i = 0; i < 32; i++) {
        slot_fill(p, 0, i, i % 3 ? 0x25 : 0xea, i, i % 3 ? 1 : 0, i % 3 ? 512 : 0, 0);
    }
    wr(p, reg(0, 0x38), ~0u);
    assert_int_equal(wait_slot(p, 0, ~0u), 1);
    for (unsigned i = 0; i < 32; i++) {
        if (i % 3) {
            assert_int_equal(byte(p, DATA + 0x20000 * i), i + 1);
        }
    }
    bench_snapshot_roundtrip(p->b);
    assert_int_equal(run(p, 0, 0x25, 0, 1, 512, 0), 1);
    pc_free(p);
}

static void queued(void **st)
{
    (void)st;
    struct pc *p = pc_new(false);
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned i = 0; i < 32; i++) {
            slot_fill(p, 0, i, 0x60, i * 64 + round, 64, 32768, 0);
        }
        wr(p, reg(0, 0x34), ~0u);
        wr(p, reg(0, 0x38), ~0u);
        assert_int_equal(rd(p, reg(0, 0x38)), 0);
        assert_int_equal(wait_slot(p, 0, ~0u), 8);
        for (unsigned i = 0; i < 32; i++) {
            assert_int_equal(byte(p, DATA + 0x20000 * i), (u8)(i * 64 + round + 1));
            assert_int_equal(byte(p, DATA + 0x20000 * i + 32767), (u8)(i * 64 + round + 64));
        }
        assert_int_equal(rd(p, LISTS + 0x458) & 0xffff, 0x40a1);
    }
    slot_fill(p, 0, 5, 0x61, 1000, 2, 1024, 1 << 6);
    wr(p, reg(0, 0x34), 1 << 5);
    wr(p, reg(0, 0x38), 1 << 5);
    assert_int_equal(wait_slot(p, 0, 1 << 5), 8);
    assert_int_equal(image_byte(&p->disk, 1000 * 512), (u8)(5 * 64 + 3 + 1));
    /* one fails: the sector is named by the log */
    assert_int_equal(truncate(p->disk.path, 2000 * 512), 0);
    slot_fill(p, 0, 7, 0x60, 1990, 64, 32768, 0);
    wr(p, reg(0, 0x34), 1 << 7);
    wr(p, reg(0, 0x38), 1 << 7);
    assert_int_equal(wait_slot(p, 0, 1 << 7) & (1u << 30 | 8), 1u << 30 | 8);
    assert_int_equal(rd(p, reg(0, 0x34)), 1 << 7);
    assert_int_equal(rd(p, reg(0, 0x20)), 0x4051);
    recover(p, 0);
    assert_int_equal(run(p, 0, 0x2f, 0x10, 1, 512, 0), 2);
    assert_int_equal(byte(p, DATA), 7);
    assert_int_equal(byte(p, DATA + 3), 0x40);
    assert_int_equal(rd(p, DATA + 4) & 0xffffff, 2000);
    assert_int_equal(run(p, 0, 0x47, 0x10, 1, 512, 0), 1);
    assert_int_equal(byte(p, DATA), 0x80);
    /* past the end, a tag of another */
    slot_fill(p, 0, 1, 0x60, 8192, 1, 512, 0);
    wr(p, reg(0, 0x38), 2);
    assert_int_equal(wait_slot(p, 0, 2) & 1u << 30, 1u << 30);
    assert_int_equal(rd(p, reg(0, 0x20)), 0x1051);
    recover(p, 0);
    slot_fill(p, 0, 1, 0x60, 0, 1, 512, 0);
    wr(p, TABLE + 0x2000 + 12, 3 << 3);
    wr(p, reg(0, 0x38), 2);
    assert_int_equal(wait_slot(p, 0, 2) & 1u << 30, 1u << 30);
    recover(p, 0);
    /* stopped in the middle */
    for (unsigned i = 0; i < 32; i++) {
        slot_fill(p, 0, i, 0x60, i * 16, 16, 8192, 0);
    }
    wr(p, reg(0, 0x34), ~0u);
    wr(p, reg(0, 0x38), ~0u);
    recover(p, 0);
    assert_int_equal(run(p, 0, 0x25, 0, 1, 512, 0) & 1, 1);
    pc_free(p);
}

static void packets(void **st)
{
    (void)st;
    struct pc *p = pc_new(false);
    u8 cdb[16] = {0x12, 0, 0, 0, 36};
    for (unsigned dma = 0; dma < 2; dma++) {
        slot_fill(p, 1, 0, 0xa0, 36 << 8, 0, 36, 1 << 5);
        wr(p, TABLE, 0x00a08027 | dma << 24);
        mem_write(p->b->m.sysmem, TABLE + 0x40, cdb, 16, (struct mem_attrs){0});
        memset((u8 *)p->b->m.ram.host + (DATA - BENCH_RAM), 0, 64);
        wr(p, reg(1, 0x38), 1);
        assert_int_equal(wait_slot(p, 1, 1), dma ? 1 : 3);
        assert_int_equal(byte(p, DATA), 5);
        assert_int_equal(byte(p, DATA + 8), 'M');
    }
    memcpy(cdb, (u8[16]){0x28, 0, 0, 0, 0, 8, 0, 0, 4}, 16);
    mem_write(p->b->m.sysmem, TABLE + 0x40, cdb, 16, (struct mem_attrs){0});
    slot_fill(p, 1, 0, 0xa0, 0xfffe00, 0, 8192, 1 << 5);
    wr(p, TABLE, 0x01a08027);
    wr(p, reg(1, 0x38), 1);
    assert_int_equal(wait_slot(p, 1, 1) & 1u << 30, 1u << 30); /* unit attention */
    assert_int_equal(rd(p, reg(1, 0x20)), 0x6051);
    recover(p, 1);
    wr(p, reg(1, 0x38), 1);
    assert_int_equal(wait_slot(p, 1, 1), 1);
    assert_int_equal(rd(p, LISTS + 0x1004), 8192);
    assert_int_equal(byte(p, DATA + 8191), 48);
    /* by PIO, in the smallest blocks there are */
    memcpy(cdb, (u8[16]){0x43, 0, 0, 0, 0, 0, 0, 0, 20}, 16);
    mem_write(p->b->m.sysmem, TABLE + 0x40, cdb, 16, (struct mem_attrs){0});
    slot_fill(p, 1, 0, 0xa0, 2 << 8, 0, 20, 1 << 5);
    wr(p, TABLE, 0x00a08027);
    wr(p, reg(1, 0x38), 1);
    assert_int_equal(wait_slot(p, 1, 1), 3);
    assert_int_equal(byte(p, DATA + 14), 0xaa);
    assert_int_equal(run(p, 1, 0xa1, 0, 0, 512, 0), 2);
    assert_int_equal(rd(p, DATA) & 0xffff, 0x85c0);
    bench_snapshot_roundtrip(p->b);
    pc_free(p);
}

static void message_interrupts(void **st)
{
    (void)st;
    struct pc *p = pc_new(false);
    u64 cap = ECAM + 0x8000 + (rd(p, ECAM + 0x8034) & 0xff), at = BENCH_RAM + 0x800;
    assert_int_equal(rd(p, cap) & 0xff, 5);
    wr(p, cap + 4, (u32)at);
    wr(p, cap + 8, 0);
    wr(p, cap + 12, 0x41);
    wr(p, cap, rd(p, cap) | 0x10000);
    wr(p, at, 0);
    slot_fill(p, 0, 0, 0xea, 0, 0, 0, 0);
    wr(p, reg(0, 0x38), 1);
    wait_slot(p, 0, 1);
    assert_int_equal(rd(p, at), 0x41);
    wr(p, at, 0);
    wr(p, ABAR + 4, 0);
    wr(p, reg(0, 0x38), 1);
    wait_slot(p, 0, 1);
    assert_int_equal(rd(p, at), 0);
    pc_free(p);
}

static void garbage(void **st)
{
    (void)st;
    unsigned seed = getenv("SEED") ? (unsigned)atoi(getenv("SEED")) : (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    struct pc *p = pc_new(false);
    static const u8 ops[] = {0x60, 0x60, 0x61, 0x25, 0x35, 0x24, 0x34, 0xec,
                             0xa0, 0xa0, 0xa1, 0x06, 0x2f, 0x47, 0xe6, 0x08};
    for (unsigned k = 0; k < 60000; k++) {
        unsigned port = (unsigned)rand() % 8 ? (unsigned)rand() % 2 : (unsigned)rand() % 8,
                 what = (unsigned)rand() % 32;
        unsigned slot = (unsigned)rand() % 32;
        if (what < 14) {
            u64 t = TABLE + 0x2000 * slot;
            slot_fill(p, port & 1, slot, ops[(unsigned)rand() % sizeof(ops)], (u64)rand() % 9000, (u32)rand() % 70,
                      (u32)rand() % 0x20000 + 4, (u32)rand() & 0x7e0);
            for (unsigned i = 0; i < 3 && rand() % 2; i++) {
                wr(p, t + 4 * ((u32)rand() % 5), (u32)rand() >> rand() % 31);
            }
            for (unsigned i = 0; i < 8; i++) {
                wr(p, t + 0x40 + 4 * ((u32)rand() % 4), (u32)rand() % 4 ? 0x28 : (u32)rand());
            }
            if (rand() % 4 == 0) {
                wr(p, t + 0x80 + 4 * ((u32)rand() % 8), (u32)rand());
                wr(p, LISTS + 0x1000 * (port & 1) + 32 * slot, (u32)rand() >> rand() % 20);
            }
            wr(p, reg(port, 0x34), rand() % 2 ? 1u << slot : 0);
            wr(p, reg(port, 0x38), rand() % 8 ? 1u << slot : (u32)rand());
        } else if (what < 18) {
            wr(p, reg(port, 4 * ((unsigned)rand() % 16)), (u32)rand() >> rand() % 31);
        } else if (what < 19) {
            wr(p, ABAR + 4 * ((unsigned)rand() % 16), (u32)rand() >> rand() % 31);
        } else if (what < 22) {
            wr(p, reg(port, 0x18), 0x10);
            wr(p, reg(port, 0x00), (u32)LISTS + 0x1000 * (port & 1));
            wr(p, reg(port, 0x04), 0);
            wr(p, reg(port, 0x08), (u32)LISTS + 0x1000 * (port & 1) + 0x400);
            wr(p, reg(port, 0x0c), 0);
            wr(p, reg(port, 0x2c), rand() % 2);
            wr(p, reg(port, 0x2c), 0);
            wr(p, reg(port, 0x18), 0x11);
        } else if (what < 28) {
            rd(p, ABAR + 4 * ((unsigned)rand() % 1024));
        } else {
            loop_turn(rand() % 8 ? 0 : 100000);
        }
    }
    machine_lock();
    block_drain_all();
    machine_unlock();
    bench_snapshot_roundtrip(p->b);
    pc_free(p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_there), cmocka_unit_test(software_reset), cmocka_unit_test(commands),
        cmocka_unit_test(queued),       cmocka_unit_test(packets),        cmocka_unit_test(message_interrupts),
        cmocka_unit_test(garbage),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
