/* PL031 on the bench. */
#include "base/clock.h"
#include "hw/timer/pl031.h"
#include "tests/hw/bench.h"

static u32 wall(void)
{
    return (u32)(clock_now(CLOCK_WALL) / 1000000000);
}

static void assert_near(u32 a, u32 b)
{
    assert_true(a - b <= 1 || b - a <= 1);
}

static void shows_the_time_and_can_be_set(void **st)
{
    (void)st;
    struct bench *b = bench_new(&pl031_class, NULL);
    assert_near((u32)bench_r(b, "RTCDR"), wall());
    bench_w(b, "RTCLR", 1000);
    assert_near((u32)bench_r(b, "RTCDR"), 1000);
    assert_int_equal(bench_r(b, "RTCLR"), 1000);
    device_reset(b->d);
    assert_near((u32)bench_r(b, "RTCDR"), 1000);
    assert_int_equal(bench_r(b, "RTCCR"), 1);
    assert_int_equal(bench_r32(b, 0xfe0), 0x31);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void the_alarm_rings_once(void **st)
{
    (void)st;
    struct bench *b = bench_new(&pl031_class, NULL);
    bench_w(b, "RTCIMSC", 1);
    bench_w(b, "RTCMR", bench_r(b, "RTCDR") + 1);
    assert_false(bench_irq(b, 0));
    bench_turn(1100000000);
    assert_true(bench_irq(b, 0));
    assert_int_equal(bench_r(b, "RTCMIS"), 1);
    bench_snapshot_roundtrip(b);
    bench_w(b, "RTCIMSC", 0);
    assert_false(bench_irq(b, 0));
    assert_int_equal(bench_r(b, "RTCRIS"), 1);
    bench_w(b, "RTCICR", 1);
    assert_int_equal(bench_r(b, "RTCRIS"), 0);
    bench_w(b, "RTCMR", bench_r(b, "RTCDR"));
    bench_turn(1000000);
    assert_int_equal(bench_r(b, "RTCRIS"), 1);
    assert_int_equal(bench_r(b, "RTCMIS"), 0);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(shows_the_time_and_can_be_set),
        cmocka_unit_test(the_alarm_rings_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
