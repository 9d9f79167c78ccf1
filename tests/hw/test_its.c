/* The ITS and LPIs: commands from a queue in RAM, MSIs to the doorbell, tables flat and in two levels, garbage. */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"
#include "hw/intc/gicv3.h"
#include "tests/hw/bench.h"

#define REDIST  0x20000000ull
#define ITS     0x30000000ull
#define QUEUE   (BENCH_RAM + 0x000000)
#define DEVICES (BENCH_RAM + 0x100000)
#define COLLS   (BENCH_RAM + 0x200000)
#define CONFIG  (BENCH_RAM + 0x300000)
#define PENDING (BENCH_RAM + 0x400000) /* 64 KiB a CPU */
#define ITT     (BENCH_RAM + 0x500000)
#define LEVEL2  (BENCH_RAM + 0x600000)

#define PMR     GICV3_ENC(3, 0, 4, 6, 0)
#define IAR1    GICV3_ENC(3, 0, 12, 12, 0)
#define EOIR1   GICV3_ENC(3, 0, 12, 12, 1)
#define HPPIR1  GICV3_ENC(3, 0, 12, 12, 2)
#define IGRPEN1 GICV3_ENC(3, 0, 12, 12, 7)

static const struct gicv3_cpu_ctx el1 = {.el = 1, .scr_ns = true};

static void heard(void *to, unsigned n, int level)
{
    struct bench *b = to;
    b->level[n] = level;
}

static void wr(struct bench *b, u64 addr, unsigned size, u64 v)
{
    assert_int_equal(mem_store(b->m.sysmem, addr, size, v, (struct mem_attrs){0}), MEM_OK);
}
static u64 rd(struct bench *b, u64 addr, unsigned size)
{
    u64 v;
    assert_int_equal(mem_load(b->m.sysmem, addr, size, &v, (struct mem_attrs){0}), MEM_OK);
    return v;
}
static void put(struct bench *b, unsigned cpu, u32 enc, u64 v)
{
    gicv3_cpu_write(b->d, cpu, enc, v, &el1);
}
static u64 get(struct bench *b, unsigned cpu, u32 enc)
{
    return gicv3_cpu_read(b->d, cpu, enc, &el1);
}
static int irq(struct bench *b, unsigned cpu)
{
    return b->level[gic_out(cpu, GIC_IRQ)];
}

/* A GIC of two CPUs and an ITS, nothing programmed. */
static struct bench *its_new(void)
{
    struct bench *b = bench_new(&gicv3_class, "num-cpu=2,has-lpi=on");
    for (unsigned i = 0; i < 2 * GIC_OUTS; i++) {
        b->d->irqs[i] = (struct irq){heard, b, i};
    }
    mem_map_region(b->m.sysmem, gicv3_redist_region(b->d, 0), REDIST, 0);
    struct device *its = device_new(&b->m, &gicv3_its_class, "its");
    gicv3_its_attach(its, b->d);
    struct err e = {0};
    assert_true(device_init(its, &e));
    mem_map_region(b->m.sysmem, &its->mmio, ITS, 0);
    device_reset(its);
    return b;
}

/* Programs what Linux programs; device table flat, or in two levels of 4 KiB pages. */
static struct bench *its_on(bool indirect)
{
    struct bench *b = its_new();
    wr(b, BENCH_BASE, 4, 2);
    for (unsigned c = 0; c < 2; c++) {
        u64 r = REDIST + c * 0x20000;
        wr(b, r + 0x70, 8, CONFIG | 15);
        wr(b, r + 0x78, 8, (PENDING + c * 0x10000) | BIT(62));
        wr(b, r, 4, 1);
        put(b, c, PMR, 0xf0);
        put(b, c, IGRPEN1, 1);
    }
    for (unsigned i = 0; i < 64; i++) {
        wr(b, CONFIG + i, 1, 0xa1); /* priority 0xa0, enabled */
    }
    wr(b, ITS + 0x100, 8, BIT(63) | (indirect ? BIT(62) : 0) | DEVICES | 0);
    wr(b, ITS + 0x108, 8, BIT(63) | COLLS);
    wr(b, ITS + 0x80, 8, BIT(63) | QUEUE);
    wr(b, ITS, 4, 1);
    return b;
}

static void command(struct bench *b, u64 q0, u64 q1, u64 q2, u64 q3)
{
    u64 at = rd(b, ITS + 0x88, 8);
    u64 q[4] = {q0, q1, q2, q3};
    for (unsigned i = 0; i < 4; i++) {
        wr(b, QUEUE + at + 8 * i, 8, q[i]);
    }
    wr(b, ITS + 0x88, 8, (at + 32) % 0x1000);
    assert_int_equal(rd(b, ITS + 0x90, 8), (at + 32) % 0x1000);
}

static void mapd(struct bench *b, u32 dev, unsigned event_bits, u64 itt, bool valid)
{
    command(b, (u64)dev << 32 | 0x08, event_bits - 1, itt | (u64)valid << 63, 0);
}
static void mapc(struct bench *b, u32 icid, unsigned cpu, bool valid)
{
    command(b, 0x09, 0, (u64)cpu << 16 | icid | (u64)valid << 63, 0);
}
static void mapti(struct bench *b, u32 dev, u32 event, u32 lpi, u32 icid)
{
    command(b, (u64)dev << 32 | 0x0a, (u64)lpi << 32 | event, icid, 0);
}
static void event_cmd(struct bench *b, u8 cmd, u32 dev, u32 event)
{
    command(b, (u64)dev << 32 | cmd, event, 0, 0);
}
static void msi(struct bench *b, u16 dev, u32 event)
{
    struct mem_attrs a = {.requester = dev};
    assert_int_equal(mem_store(b->m.sysmem, ITS + 0x10040, 4, event, a), MEM_OK);
}

static void identifies_itself(void **st)
{
    (void)st;
    struct bench *b = its_new();
    assert_int_equal(rd(b, ITS, 4), 0x80000000);
    assert_int_equal(rd(b, ITS + 0xffe8, 4), 0x3b);
    assert_int_equal(rd(b, ITS + 8, 8), 1 | 7 << 4 | 15 << 8 | 15 << 13 | 15ull << 32 | BIT(36));
    assert_int_equal(rd(b, ITS + 0x100, 8), 1ull << 56 | 7ull << 48);
    assert_int_equal(rd(b, ITS + 0x108, 8), 4ull << 56 | 7ull << 48);
    wr(b, ITS + 0x110, 8, ~0ull);
    assert_int_equal(rd(b, ITS + 0x110, 8), 0);
    wr(b, ITS + 0x100, 4, 0x12345000); /* by halves */
    wr(b, ITS + 0x104, 4, 0x80000000);
    assert_int_equal(rd(b, ITS + 0x100, 8), 0x8107000012345000ull);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void an_msi_becomes_an_lpi(void **st)
{
    bool indirect = *st != NULL;
    struct bench *b = its_on(indirect);
    if (indirect) {
        wr(b, DEVICES + 8 * 2, 8, BIT(63) | LEVEL2); /* devices 1024..1535 */
    }
    u16 dev = indirect ? 1025 : 8;
    mapc(b, 1, 1, true);
    mapd(b, dev, 5, ITT, true);
    mapti(b, dev, 3, 8200, 1);
    msi(b, dev, 3);
    assert_true(irq(b, 1));
    assert_false(irq(b, 0));
    assert_int_equal(rd(b, PENDING + 0x10000 + 8200 / 8, 1), 1);
    assert_int_equal(get(b, 1, HPPIR1), 8200);
    bench_snapshot_roundtrip(b);
    assert_int_equal(get(b, 1, IAR1), 8200);
    assert_false(irq(b, 1));
    assert_int_equal(rd(b, PENDING + 0x10000 + 8200 / 8, 1), 0);
    msi(b, dev, 3); /* no active state: it pends again at once */
    assert_int_equal(get(b, 1, HPPIR1), 8200);
    assert_false(irq(b, 1)); /* but its own priority still runs */
    put(b, 1, EOIR1, 8200);
    assert_true(irq(b, 1));
    u64 errors = guest_error_count();
    msi(b, dev, 4);     /* no such event */
    msi(b, dev, 99);    /* nor so many */
    msi(b, dev + 1, 3); /* nor such a device */
    assert_int_equal(guest_error_count(), errors + 3);
    bench_free(b);
}

static void configuration_counts_after_inv(void **st)
{
    (void)st;
    struct bench *b = its_on(false);
    mapc(b, 0, 0, true);
    mapd(b, 0, 5, ITT, true);
    mapti(b, 0, 0, 8192, 0);
    mapti(b, 0, 1, 8193, 0);
    wr(b, CONFIG, 1, 0xa0);   /* off */
    event_cmd(b, 0x03, 0, 0); /* INT */
    assert_false(irq(b, 0));
    wr(b, CONFIG, 1, 0xa1);
    event_cmd(b, 0x0c, 0, 0); /* INV */
    assert_true(irq(b, 0));
    event_cmd(b, 0x03, 0, 1);
    assert_int_equal(get(b, 0, HPPIR1), 8192);
    wr(b, CONFIG + 1, 1, 0x41);
    command(b, 0x0d, 0, 0, 0); /* INVALL */
    assert_int_equal(get(b, 0, HPPIR1), 8193);
    event_cmd(b, 0x04, 0, 1); /* CLEAR */
    assert_int_equal(get(b, 0, HPPIR1), 8192);
    event_cmd(b, 0x0f, 0, 0); /* DISCARD */
    assert_false(irq(b, 0));
    u64 errors = guest_error_count();
    msi(b, 0, 0);
    assert_int_equal(guest_error_count(), errors + 1);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void interrupts_move(void **st)
{
    (void)st;
    struct bench *b = its_on(false);
    mapc(b, 0, 0, true);
    mapc(b, 1, 1, true);
    mapd(b, 7, 5, ITT, true);
    command(b, 7ull << 32 | 0x0b, 8192 + 40, 0, 0); /* MAPI of an event that is out of range */
    mapd(b, 7, 14, ITT, true);
    command(b, 7ull << 32 | 0x0b, 8192 + 40, 0, 0); /* MAPI */
    msi(b, 7, 8192 + 40);
    assert_true(irq(b, 0));
    command(b, 7ull << 32 | 0x01, 8192 + 40, 1, 0); /* MOVI to collection 1 */
    assert_false(irq(b, 0));
    assert_true(irq(b, 1));
    command(b, 0x0e, 0, 1ull << 16, 0); /* MOVALL CPU 1 to 0 */
    assert_true(irq(b, 0));
    assert_false(irq(b, 1));
    assert_int_equal(get(b, 0, IAR1), 8192 + 40);
    wr(b, REDIST, 4, 0); /* LPIs off */
    mapc(b, 1, 0, true);
    msi(b, 7, 8192 + 40);
    assert_int_equal(get(b, 0, HPPIR1), 1023);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void pending_tables_are_read_when_lpis_go_on(void **st)
{
    (void)st;
    struct bench *b = its_on(false);
    wr(b, REDIST, 4, 0);
    wr(b, PENDING + 8221 / 8, 1, 1 << 8221 % 8);
    wr(b, REDIST, 4, 1);
    assert_int_equal(get(b, 0, HPPIR1), 8221);
    assert_true(irq(b, 0));
    bench_free(b);
}

/* Whatever the queue and the tables hold, moss lives, and a proper set-up works afterwards. */
static void garbage_is_survived(void **st)
{
    (void)st;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    struct bench *b = its_on(false);
    u8 *ram = b->m.ram.host;
    for (unsigned round = 0; round < 200; round++) {
        static const u8 real[] = {0x01, 0x03, 0x04, 0x05, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f};
        for (unsigned i = 0; i < 0x1000; i++) {
            ram[i] = (u8)rand();
        }
        for (unsigned i = 0; i < 0x1000; i += 32) {
            ram[i] = rand() % 8 ? real[(unsigned)rand() % ARRAY_LEN(real)] : (u8)rand();
            if (rand() % 2) {
                ram[i + 6] = ram[i + 7] = 0; /* a small device */
                memset(ram + i + 8 + 2, 0, 6);
                ram[i + 8 + 5] = 0x20;
                ram[i + 16 + 2] &= 1;
                memset(ram + i + 16 + 3, 0, 4);
                ram[i + 16 + 3] = 0x40;
            }
        }
        for (unsigned i = 0; i < 64; i++) { /* entries of the tables themselves */
            ram[0x100000 + (unsigned)rand() % 0x1000] = (u8)rand();
            ram[0x200000 + (unsigned)rand() % 0x1000] = (u8)rand();
        }
        wr(b, ITS + 0x88, 8, (u64)(rand() % 128) * 32);
        for (unsigned i = 0; i < 16; i++) {
            msi(b, (u16)rand(), (u32)rand() % 64);
        }
        get(b, 0, IAR1);
        get(b, 1, IAR1);
    }
    wr(b, ITS, 4, 0);
    static const u64 targets[] = {0, BENCH_BASE, ITS, REDIST, ~0ull << 12, BENCH_RAM + (16 << 20) - 0x1000};
    for (unsigned i = 0; i < ARRAY_LEN(targets); i++) { /* tables and queue in silly places */
        u64 pa = targets[i] & 0xffffffff0000ull;
        wr(b, ITS, 4, 0);
        wr(b, ITS + 0x100, 8, BIT(63) | (i & 1 ? BIT(62) : 0) | pa);
        wr(b, ITS + 0x108, 8, BIT(63) | pa | 0x2ff);
        wr(b, ITS + 0x80, 8, BIT(63) | pa | 1);
        wr(b, ITS, 4, 1);
        wr(b, ITS + 0x88, 8, 0xfe0);
        msi(b, 1, 1);
    }
    bench_free(b);
}

int main(void)
{
    static int on;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(identifies_itself),
        {"an_msi_becomes_an_lpi (flat)", an_msi_becomes_an_lpi, NULL, NULL, NULL},
        {"an_msi_becomes_an_lpi (two levels)", an_msi_becomes_an_lpi, NULL, NULL, &on},
        cmocka_unit_test(configuration_counts_after_inv),
        cmocka_unit_test(interrupts_move),
        cmocka_unit_test(pending_tables_are_read_when_lpis_go_on),
        cmocka_unit_test(garbage_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
