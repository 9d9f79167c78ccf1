/* PL061 and the key on one of its lines. */
#include "base/clock.h"
#include "hw/misc/pl061.h"
#include "tests/hw/bench.h"

static int out_level[8];
static unsigned out_calls;
static void out_heard(void *to, unsigned n, int level)
{
    (void)to;
    out_level[n] = level;
    out_calls++;
}

static void data_is_masked_by_the_address(void **st)
{
    (void)st;
    struct bench *b = bench_new(&pl061_class, NULL);
    for (unsigned n = 0; n < 8; n++) {
        pl061_set_out(b->d, n, (struct irq){.fn = out_heard, .n = n});
    }
    bench_w(b, "GPIODIR", 0x0f);
    bench_w32(b, 0x3fc, 0xff);
    assert_int_equal(bench_r32(b, 0x3fc), 0x0f); /* inputs keep what they are */
    assert_int_equal(out_calls, 4);
    bench_w32(b, 0x3 << 2, 0x2);
    assert_int_equal(bench_r32(b, 0x3fc), 0x0e);
    assert_int_equal(bench_r32(b, 0x4 << 2), 0x04);
    assert_int_equal(out_level[0], 0);
    assert_int_equal(out_level[1], 1);
    bench_pin(b, 7, 1);
    assert_int_equal(bench_r32(b, 0x3fc), 0x8e);
    assert_int_equal(bench_r32(b, 0xfe0), 0x61);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void edges_and_levels_interrupt(void **st)
{
    (void)st;
    struct bench *b = bench_new(&pl061_class, NULL);
    bench_w(b, "GPIOIE", 0xff);
    bench_w(b, "GPIOIEV", 0x08); /* line 3 rising, others falling */
    bench_pin(b, 3, 1);
    assert_true(bench_irq(b, 0));
    assert_int_equal(bench_r(b, "GPIOMIS"), 0x08);
    bench_snapshot_roundtrip(b);
    bench_w(b, "GPIOIC", 0x08);
    assert_false(bench_irq(b, 0));
    bench_pin(b, 3, 0);
    assert_false(bench_irq(b, 0));
    bench_w(b, "GPIOIBE", 0x08);
    bench_pin(b, 3, 1);
    bench_w(b, "GPIOIC", 0x08);
    bench_pin(b, 3, 0);
    assert_true(bench_irq(b, 0));
    bench_w(b, "GPIOIC", 0xff);

    bench_w(b, "GPIOIS", 0x10); /* line 4: low level */
    assert_true(bench_irq(b, 0));
    bench_w(b, "GPIOIC", 0x10);
    assert_true(bench_irq(b, 0));
    bench_pin(b, 4, 1);
    assert_false(bench_irq(b, 0));
    bench_w(b, "GPIOIEV", 0x18); /* high level */
    assert_int_equal(bench_r(b, "GPIORIS"), 0x10);
    bench_w(b, "GPIOIE", 0);
    assert_int_equal(bench_r(b, "GPIOMIS"), 0);
    assert_false(bench_irq(b, 0));
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void a_key_is_pressed_for_a_while(void **st)
{
    (void)st;
    struct bench *b = bench_new(&gpio_key_class, NULL);
    clock_start();
    bench_pin(b, 0, 1);
    bench_pin(b, 0, 0);
    assert_true(bench_irq(b, 0));
    bench_turn(20000000);
    assert_true(bench_irq(b, 0));
    bench_snapshot_roundtrip(b);
    bench_turn(100000000);
    assert_false(bench_irq(b, 0));
    bench_snapshot_roundtrip(b);
    clock_stop();
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(data_is_masked_by_the_address),
        cmocka_unit_test(edges_and_levels_interrupt),
        cmocka_unit_test(a_key_is_pressed_for_a_while),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
