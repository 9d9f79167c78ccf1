/* The 8254 and port 0x61 on the bench, by a clock that the test moves. */
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "hw/timer/i8254.h"
#include "hw/timer/port61.h"
#include "tests/hw/bench.h"

enum { CONTROL = 3 };

/* Guest time in ticks; timers that are due by then have run. */
static void at_tick(u64 tick)
{
    clock_set((tick * 88000 + 104) / 105);
    for (unsigned i = 0; i < 8; i++) {
        loop_turn(0);
    }
}
static void out(struct bench *b, unsigned port, u8 v)
{
    bench_write(b, port, 1, v);
}
static u8 in(struct bench *b, unsigned port)
{
    return (u8)bench_read(b, port, 1);
}
/* Both bytes, whatever the read-write mode: for RW_BOTH. */
static u16 count(struct bench *b, unsigned n)
{
    out(b, CONTROL, (u8)(n << 6));
    u8 low = in(b, n);
    return (u16)(low | in(b, n) << 8);
}
static u8 status(struct bench *b, unsigned n)
{
    out(b, CONTROL, (u8)(0xe0 | 2 << n));
    return in(b, n);
}
static bool output(struct bench *b, unsigned n)
{
    return status(b, n) >> 7;
}
static void program(struct bench *b, unsigned n, unsigned mode, u16 v)
{
    out(b, CONTROL, (u8)(n << 6 | 0x30 | mode << 1));
    out(b, n, (u8)v);
    out(b, n, (u8)(v >> 8));
}

static void counts_down_and_tells_once(void **st) /* mode 0 */
{
    (void)st;
    at_tick(1000);
    struct bench *b = bench_new(&i8254_class, NULL);
    out(b, CONTROL, 0x30);
    assert_int_equal(status(b, 0), 0x70); /* null count, OUT low */
    out(b, 0, 10);
    assert_int_equal(status(b, 0) & 0x40, 0x40);
    out(b, 0, 0);
    assert_int_equal(status(b, 0), 0x70); /* it is loaded in the next tick */
    at_tick(1001);
    assert_int_equal(status(b, 0), 0x30);
    assert_int_equal(count(b, 0), 10);
    at_tick(1005);
    assert_int_equal(count(b, 0), 6);
    bench_snapshot_roundtrip(b);
    at_tick(1010);
    assert_false(bench_irq(b, 0));
    assert_int_equal(count(b, 0), 1);
    at_tick(1011);
    assert_true(bench_irq(b, 0));
    assert_true(output(b, 0));
    at_tick(1013);
    assert_int_equal(count(b, 0), 0xfffe);
    assert_int_equal(b->rises[0], 1);
    out(b, 0, 5); /* the first byte stops it */
    assert_false(bench_irq(b, 0));
    at_tick(1100);
    assert_int_equal(count(b, 0), 0xfffe);
    out(b, 0, 0);
    at_tick(1106);
    assert_true(bench_irq(b, 0));
    bench_free(b);
}

static void gate_holds_the_count(void **st)
{
    (void)st;
    at_tick(2000);
    struct bench *b = bench_new(&i8254_class, NULL);
    program(b, 2, 0, 100); /* its gate is low */
    at_tick(2050);
    assert_int_equal(count(b, 2), 100);
    bench_pin(b, 2, 1);
    at_tick(2060);
    assert_int_equal(count(b, 2), 90);
    bench_pin(b, 2, 0);
    at_tick(3000);
    assert_int_equal(count(b, 2), 90);
    bench_snapshot_roundtrip(b);
    bench_pin(b, 2, 1);
    at_tick(3089);
    assert_false(output(b, 2));
    at_tick(3090);
    assert_true(output(b, 2));
    assert_true(bench_irq(b, 2));
    bench_free(b);
}

static void one_shot_by_the_gate(void **st) /* modes 1 and 5 */
{
    (void)st;
    at_tick(5000);
    struct bench *b = bench_new(&i8254_class, NULL);
    program(b, 2, 1, 20);
    assert_true(output(b, 2));
    at_tick(5100);
    assert_true(output(b, 2));
    assert_int_equal(status(b, 2) & 0x40, 0x40);
    bench_pin(b, 2, 1);
    at_tick(5101);
    assert_false(output(b, 2));
    bench_pin(b, 2, 0); /* it goes on */
    at_tick(5111);
    assert_int_equal(count(b, 2), 10);
    bench_pin(b, 2, 1); /* and starts again */
    at_tick(5131);
    assert_false(output(b, 2));
    at_tick(5132);
    assert_true(output(b, 2));
    assert_true(bench_irq(b, 2));

    bench_pin(b, 2, 0);
    program(b, 2, 5, 20);
    bench_pin(b, 2, 1);
    at_tick(5152);
    assert_true(output(b, 2));
    at_tick(5153);
    assert_false(output(b, 2));
    at_tick(5154);
    assert_true(output(b, 2));
    bench_free(b);
}

static void rate_generator(void **st) /* mode 2 */
{
    (void)st;
    at_tick(10000);
    struct bench *b = bench_new(&i8254_class, NULL);
    program(b, 0, 2, 1000);
    assert_true(bench_irq(b, 0));
    at_tick(10001);
    assert_int_equal(count(b, 0), 1000);
    at_tick(11000);
    assert_int_equal(count(b, 0), 1);
    assert_false(output(b, 0));
    at_tick(11001);
    assert_true(output(b, 0));
    assert_int_equal(count(b, 0), 1000);
    assert_int_equal(b->rises[0], 2); /* the first with the mode itself */
    at_tick(12001);
    at_tick(13001);
    assert_int_equal(b->rises[0], 4);
    /* A new count waits for the end of the period. */
    at_tick(13500);
    out(b, 0, 100);
    out(b, 0, 0);
    assert_int_equal(status(b, 0), 0xf4);
    bench_snapshot_roundtrip(b);
    unsigned rises = b->rises[0];
    at_tick(13600);
    assert_int_equal(count(b, 0), 401);
    at_tick(14001);
    assert_int_equal(status(b, 0), 0xb4);
    assert_int_equal(count(b, 0), 100);
    assert_int_equal(b->rises[0], rises + 1);
    at_tick(14101);
    assert_int_equal(b->rises[0], rises + 2);
    /* The gate starts it again. */
    bench_pin(b, 0, 0);
    assert_true(output(b, 0));
    at_tick(15000);
    bench_pin(b, 0, 1);
    at_tick(15001);
    assert_int_equal(count(b, 0), 100);
    bench_free(b);
}

static void square_wave(void **st) /* mode 3 */
{
    (void)st;
    at_tick(20000);
    struct bench *b = bench_new(&i8254_class, NULL);
    out(b, CONTROL, 0x3e); /* as mode 7 */
    out(b, 0, 100);
    out(b, 0, 0);
    at_tick(20001);
    assert_int_equal(status(b, 0), 0xbe);
    assert_int_equal(count(b, 0), 100);
    at_tick(20050);
    assert_int_equal(count(b, 0), 2);
    assert_true(output(b, 0));
    at_tick(20051);
    assert_int_equal(count(b, 0), 100);
    assert_false(output(b, 0));
    at_tick(20101);
    assert_true(output(b, 0));
    /* Odd: the high half is one longer. */
    out(b, 0, 5);
    out(b, 0, 0);
    at_tick(20150);
    assert_true(output(b, 0));
    at_tick(20151); /* the low half is of the new count */
    assert_false(output(b, 0));
    at_tick(20152);
    assert_false(output(b, 0));
    at_tick(20153);
    assert_true(output(b, 0));
    at_tick(20155);
    assert_true(output(b, 0));
    assert_int_equal(count(b, 0), 0);
    at_tick(20156);
    assert_false(output(b, 0));
    assert_int_equal(count(b, 0), 4);
    at_tick(20158);
    assert_true(output(b, 0));
    bench_free(b);
}

static void software_strobe(void **st) /* mode 4 */
{
    (void)st;
    at_tick(30000);
    struct bench *b = bench_new(&i8254_class, NULL);
    program(b, 0, 4, 10);
    assert_true(bench_irq(b, 0));
    unsigned rises = b->rises[0];
    at_tick(30010);
    assert_true(output(b, 0));
    at_tick(30011);
    assert_false(output(b, 0));
    at_tick(30012);
    assert_true(output(b, 0));
    assert_int_equal(b->rises[0], rises + 1);
    at_tick(30012 + 65536);
    assert_int_equal(b->rises[0], rises + 1);
    bench_free(b);
}

static void bytes_bcd_and_latches(void **st)
{
    (void)st;
    at_tick(200000);
    struct bench *b = bench_new(&i8254_class, NULL);
    out(b, CONTROL, 0x51); /* counter 1: low byte, mode 0, BCD */
    out(b, 1, 0x42);
    at_tick(200003);
    assert_int_equal(in(b, 1), 0x40);
    assert_int_equal(in(b, 1), 0x40);
    out(b, CONTROL, 0x61); /* high byte */
    out(b, 1, 0x12);
    at_tick(200005);
    assert_int_equal(in(b, 1), 0x11);
    out(b, CONTROL, 0x71);
    out(b, 1, 0);
    out(b, 1, 0); /* 10000 */
    at_tick(200016);
    assert_int_equal(count(b, 1), 0x9990);
    program(b, 0, 2, 0);
    at_tick(200020);
    out(b, CONTROL, 0x00);
    at_tick(200030);
    out(b, CONTROL, 0x00); /* the first latch stays */
    assert_int_equal(in(b, 0), 0xfd);
    bench_snapshot_roundtrip(b);
    assert_int_equal(in(b, 0), 0xff);
    out(b, CONTROL, 0xc2 | 4); /* both of 0 and 1: status comes first */
    at_tick(200040);
    assert_int_equal(in(b, 0), 0xb4);
    assert_int_equal(in(b, 0), 0xf3);
    assert_int_equal(in(b, 0), 0xff);
    assert_int_equal(in(b, 1) & 0x3f, 0x31);
    assert_int_equal(in(b, 1), 0x76);
    assert_int_equal(in(b, 1), 0x99);
    bench_free(b);
}

/* Guest time goes by in steps. */
static void steps(unsigned n, u64 ns)
{
    for (unsigned i = 0; i < n; i++) {
        clock_set(clock_now(CLOCK_VIRTUAL) + ns);
        loop_turn(0);
    }
}

static void late_edges_follow(void **st)
{
    (void)st;
    at_tick(400000);
    struct bench *b = bench_new(&i8254_class, NULL);
    program(b, 0, 2, 11932); /* 100 Hz */
    unsigned rises = b->rises[0];
    steps(1, 100000000);
    steps(240, 250000);
    assert_in_range(b->rises[0] - rises, 15, 17); /* 16 periods, ten of them at a quarter's pace */
    /* A flood is thinned out, and a long sleep forgotten. */
    steps(1, 3600ull * 1000000000);
    program(b, 0, 2, 2);
    rises = b->rises[0];
    steps(500, 20000);
    assert_in_range(b->rises[0] - rises, 2, 500 + 2);
    bench_free(b);
}

static void the_hpet_takes_its_interrupt(void **st)
{
    (void)st;
    at_tick(900000);
    struct bench *b = bench_new(&i8254_class, NULL);
    program(b, 0, 2, 100);
    assert_true(bench_irq(b, 0));
    bench_pin(b, 3, 1);
    assert_false(bench_irq(b, 0));
    unsigned rises = b->rises[0];
    at_tick(900501);
    assert_int_equal(b->rises[0], rises);
    bench_snapshot_roundtrip(b);
    bench_pin(b, 3, 0);
    assert_true(bench_irq(b, 0));
    bench_free(b);
}

static void port_b(void **st)
{
    (void)st;
    at_tick(1000008);
    struct bench *t = bench_new(&i8254_class, NULL), *b = bench_new(&port61_class, NULL);
    b->d->irqs[0] = device_pin(t->d, 2);
    port61_set_timer(b->d, t->d);
    program(t, 2, 0, 100);
    out(b, 0, 1);
    assert_int_equal(in(b, 0) & 0x2f, 1);
    bool refresh = in(b, 0) & 0x10;
    at_tick(1000008 + 18);
    assert_int_not_equal((in(b, 0) & 0x10) != 0, refresh);
    at_tick(1000109);
    assert_int_equal(in(b, 0) & 0x2f, 0x21);
    bench_pin(b, 0, 1);
    assert_true(bench_irq(b, 1));
    assert_int_equal(in(b, 0) & 0xc0, 0x80);
    bench_pin(b, 2, 1);
    assert_false(bench_irq(b, 1));
    bench_pin(b, 2, 0);
    out(b, 0, 0x04);
    assert_false(bench_irq(b, 1));
    assert_int_equal(in(b, 0) & 0xc0, 0);
    out(b, 0, 0x00);
    bench_pin(b, 1, 1);
    assert_int_equal(in(b, 0) & 0xc0, 0x40);
    assert_true(bench_irq(b, 1));
    bench_snapshot_roundtrip(b);
    bench_free(b);
    bench_free(t);
}

static void hostile(void **st)
{
    (void)st;
    struct bench *b = bench_new(&i8254_class, NULL);
    u64 errors = guest_error_count();
    out(b, 1, 1); /* no mode yet */
    assert_true(guest_error_count() > errors);
    u32 x = 4711;
    u64 tick = 2000000;
    for (unsigned i = 0; i < 100000; i++) {
        x = x * 1664525 + 1013904223;
        unsigned what = x >> 28;
        if (what < 8) {
            out(b, what & 3, (u8)(x >> 16));
        } else if (what < 13) {
            in(b, what & 3);
        } else if (what < 15) {
            bench_pin(b, x >> 16 & 3, x >> 20 & 1);
        } else {
            tick += x >> 8 & 0x3ffff;
            at_tick(tick);
        }
    }
    bench_snapshot_roundtrip(b);
    bench_pin(b, 3, 0);
    bench_pin(b, 0, 1);
    program(b, 0, 2, 1000);
    at_tick(tick + 500);
    unsigned rises = b->rises[0];
    at_tick(tick + 1001);
    assert_int_equal(b->rises[0], rises + 1);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_down_and_tells_once),
        cmocka_unit_test(gate_holds_the_count),
        cmocka_unit_test(one_shot_by_the_gate),
        cmocka_unit_test(rate_generator),
        cmocka_unit_test(square_wave),
        cmocka_unit_test(software_strobe),
        cmocka_unit_test(bytes_bcd_and_latches),
        cmocka_unit_test(late_edges_follow),
        cmocka_unit_test(the_hpet_takes_its_interrupt),
        cmocka_unit_test(port_b),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
