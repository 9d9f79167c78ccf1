/* The HPET on the bench, by a clock that the test moves. */
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "hw/timer/hpet.h"
#include "tests/hw/bench.h"

enum { CAP = 0, CONF = 0x10, STATUS = 0x20, COUNT = 0xf0, T0 = 0x100, T1 = 0x120, T2 = 0x140, CMP = 8, FSB = 16 };
#define MS 1000000ull

static u64 now;
static void pass(u64 ns)
{
    now += ns;
    clock_set(now);
    for (unsigned i = 0; i < 4; i++) {
        loop_turn(0);
    }
}
static u64 r64(struct bench *b, unsigned off)
{
    return bench_read(b, off, 8);
}
static void w64(struct bench *b, unsigned off, u64 v)
{
    bench_write(b, off, 8, v);
}
static struct bench *start(const char *props)
{
    clock_set(now);
    return bench_new(&hpet_class, props);
}

static void capabilities_and_counter(void **st)
{
    (void)st;
    struct bench *b = start(NULL);
    assert_int_equal(r64(b, CAP), 0x009896808086a201);
    assert_int_equal(r64(b, T0), 0x00ff010400000030);
    assert_int_equal(r64(b, T2 + CMP), ~0ull);
    pass(MS);
    assert_int_equal(r64(b, COUNT), 0);
    w64(b, COUNT, 0x1234567890);
    w64(b, CONF, 1);
    pass(MS);
    assert_int_equal(r64(b, COUNT), 0x1234567890 + 100000);
    assert_int_equal(bench_r32(b, COUNT + 4), 0x12);
    bench_snapshot_roundtrip(b);
    u64 errors = guest_error_count();
    w64(b, COUNT, 0);
    assert_int_equal(guest_error_count(), errors + 1);
    w64(b, CONF, 0);
    pass(MS);
    assert_int_equal(r64(b, COUNT), 0x1234567890 + 100000);
    bench_w32(b, COUNT, 7);
    assert_int_equal(r64(b, COUNT), 0x1200000007);
    bench_free(b);
}

static void one_shot(void **st)
{
    (void)st;
    struct bench *b = start(NULL);
    w64(b, T2, 0x2804); /* an edge on input 20 */
    assert_int_equal(r64(b, T2), 0x00ff010400002834);
    w64(b, T2, 0x0a04); /* 5 is not for it */
    assert_int_equal(r64(b, T2) & 0x3e00, 0x2800);
    w64(b, CONF, 1);
    w64(b, T2 + CMP, 500000);
    pass(5 * MS - 1);
    assert_false(bench_irq(b, 20));
    bench_snapshot_roundtrip(b);
    pass(1);
    assert_true(bench_irq(b, 20));
    bench_snapshot_roundtrip(b);
    unsigned rises = b->rises[20];
    pass(5000 * MS);
    assert_int_equal(b->rises[20], rises);
    w64(b, T2 + CMP, r64(b, COUNT) + 100);
    pass(1000);
    assert_int_equal(b->rises[20], rises + 1);
    w64(b, T2 + CMP, r64(b, COUNT) - 100); /* held up a little */
    pass(0);
    assert_int_equal(b->rises[20], rises + 2);
    w64(b, T2, 0x2800);
    assert_false(bench_irq(b, 20));
    w64(b, T2, 0x2804);
    pass(MS);
    assert_false(bench_irq(b, 20)); /* that match is over */
    w64(b, T2 + CMP, r64(b, COUNT) - 200000);
    pass(1000 * MS);
    assert_false(bench_irq(b, 20));
    /* 32 bits wrap after 42.9 seconds. */
    w64(b, T2, 0x2904);
    w64(b, T2 + CMP, r64(b, COUNT) - 200000);
    rises = b->rises[20];
    pass(42000 * MS);
    assert_int_equal(b->rises[20], rises);
    pass(1000 * MS);
    assert_int_equal(b->rises[20], rises + 1);
    pass(43000 * MS);
    assert_int_equal(b->rises[20], rises + 2);
    bench_free(b);
}

static void periodic(void **st)
{
    (void)st;
    struct bench *b = start(NULL);
    w64(b, CONF, 1);
    pass(MS);
    u64 c = r64(b, COUNT);
    w64(b, T0, 0x044c); /* input 2, periodic, the next write sets the comparator */
    w64(b, T0 + CMP, c + 100000);
    assert_int_equal(r64(b, T0) & 0x40, 0);
    w64(b, T0 + CMP, 200000);
    assert_int_equal(r64(b, T0 + CMP), c + 100000);
    pass(MS);
    assert_int_equal(b->rises[2], 1);
    assert_int_equal(r64(b, T0 + CMP), c + 300000);
    for (unsigned i = 0; i < 10; i++) {
        pass(2 * MS);
    }
    assert_int_equal(b->rises[2], 11);
    bench_snapshot_roundtrip(b);
    unsigned rises = b->rises[2];
    /* The host was late: each of them comes. */
    pass(10 * MS);
    for (unsigned i = 0; i < 5; i++) {
        pass(MS / 2);
    }
    assert_int_equal(b->rises[2], rises + 6);
    /* A flood is thinned out. */
    w64(b, T0, 0x044c);
    w64(b, T0 + CMP, r64(b, COUNT) + 10);
    w64(b, T0 + CMP, 1);
    rises = b->rises[2];
    for (unsigned i = 0; i < 100; i++) {
        pass(10000);
    }
    assert_in_range(b->rises[2] - rises, 20, 51);
    w64(b, T0 + CMP, 0);
    pass(MS);
    rises = b->rises[2];
    pass(MS);
    assert_int_equal(b->rises[2], rises);
    bench_free(b);
}

static void levels_and_status(void **st)
{
    (void)st;
    struct bench *b = start(NULL);
    w64(b, T1, 0x2c06); /* a level on input 22 */
    w64(b, CONF, 1);
    w64(b, T1 + CMP, 100000);
    pass(MS);
    assert_true(bench_irq(b, 22));
    assert_int_equal(r64(b, STATUS), 2);
    bench_snapshot_roundtrip(b);
    w64(b, STATUS, 1);
    assert_true(bench_irq(b, 22));
    bench_w32(b, STATUS, 2);
    assert_false(bench_irq(b, 22));
    w64(b, T1, 0x2c02); /* no interrupt, but its status */
    w64(b, T1 + CMP, 200000);
    pass(MS);
    assert_false(bench_irq(b, 22));
    assert_int_equal(r64(b, STATUS), 2);
    w64(b, T1, 0x2c06);
    assert_true(bench_irq(b, 22));
    w64(b, CONF, 0);
    assert_false(bench_irq(b, 22));
    bench_free(b);
}

static void legacy_replacement(void **st)
{
    (void)st;
    struct bench *b = start(NULL);
    w64(b, T0, 0x044c);
    w64(b, T0 + CMP, 100000);
    w64(b, T1, 0x2c04);
    w64(b, T1 + CMP, 50000);
    w64(b, CONF, 3);
    assert_true(bench_irq(b, HPET_LEGACY));
    pass(MS / 2);
    assert_true(bench_irq(b, HPET_IRQ8));
    pass(MS / 2);
    assert_true(bench_irq(b, HPET_IRQ0));
    assert_false(bench_irq(b, 2));
    bench_snapshot_roundtrip(b);
    w64(b, CONF, 1);
    assert_false(bench_irq(b, HPET_LEGACY));
    assert_false(bench_irq(b, HPET_IRQ0));
    assert_true(bench_irq(b, 2));
    bench_free(b);
}

static void messages(void **st)
{
    (void)st;
    struct bench *b = start("msi=on,hpet-intcap=4");
    assert_int_equal(r64(b, T0), 0x0000000400008030);
    w64(b, T0, 0x4004);
    w64(b, T0 + FSB, (BENCH_RAM + 0x100) << 32 | 0xabcd);
    w64(b, CONF, 1);
    w64(b, T0 + CMP, 100000);
    pass(MS);
    assert_int_equal(*(u32 *)(b->m.ram.host + 0x100), 0xabcd);
    assert_false(bench_irq(b, 2));
    bench_free(b);
    b = start(NULL);
    w64(b, T0, 0x4004);
    w64(b, T0 + FSB, 1);
    assert_int_equal(r64(b, T0) & 0xffff, 0x34);
    assert_int_equal(r64(b, T0 + FSB), 0);
    bench_free(b);
}

static void hostile(void **st)
{
    (void)st;
    struct bench *b = start("msi=on");
    u32 x = 1;
    for (unsigned i = 0; i < 100000; i++) {
        x = x * 1664525 + 1013904223;
        unsigned size = x >> 31 ? 8 : 4, off = (x >> 16 & 0x1f8) | (size == 4 ? x >> 8 & 4 : 0);
        u64 v = x & 1 ? ~0ull : (u64)x * 0x9e3779b97f4a7c15ull >> (x >> 2 & 63);
        if (off == T0 + FSB || off == T1 + FSB || off == T2 + FSB) {
            v |= BENCH_RAM << 32;
        }
        if (x >> 29 & 1) {
            bench_write(b, off, size, v);
        } else if (x >> 28 & 1) {
            bench_read(b, off, size);
        } else {
            pass(v & 0xffffff);
        }
    }
    bench_snapshot_roundtrip(b);
    device_reset(b->d);
    w64(b, CONF, 1);
    w64(b, T2, 0x2804);
    unsigned rises = b->rises[20];
    w64(b, T2 + CMP, r64(b, COUNT) + 100);
    pass(MS);
    assert_int_equal(b->rises[20], rises + 1);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(capabilities_and_counter),
        cmocka_unit_test(one_shot),
        cmocka_unit_test(periodic),
        cmocka_unit_test(levels_and_status),
        cmocka_unit_test(legacy_replacement),
        cmocka_unit_test(messages),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
