/* The MC146818A on the bench; where time counts, by a clock that the test moves (-rtc clock=vm). */
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "hw/timer/mc146818.h"
#include "hw/timer/mc146818_priv.h"
#include "tests/hw/bench.h"

#define SECOND 1000000000ull
enum { A = 10, B, C, D, CENTURY = 0x32 };

static u64 now; /* guest time */

static u8 get(struct bench *b, unsigned r)
{
    bench_write(b, 0, 1, r);
    return (u8)bench_read(b, 1, 1);
}
static void set(struct bench *b, unsigned r, u8 v)
{
    bench_write(b, 0, 1, r);
    bench_write(b, 1, 1, v);
}
static void pass(u64 ns)
{
    now += ns;
    clock_set(now);
    for (unsigned i = 0; i < 4; i++) {
        loop_turn(0);
    }
}
static struct bench *clock_of_guest(const char *props)
{
    struct bench *b = bench_make(&mc146818_class, props);
    b->m.cfg.rtc_stands = true;
    clock_set(now);
    bench_start(b);
    return b;
}
/* 1999-12-31 23:59:58, a Friday, BCD and 24 hours; half a second before the next one. */
static struct bench *old_year(const char *props)
{
    static const u8 t[][2] = {{0, 0x58}, {2, 0x59}, {4, 0x23}, {6, 6},
                              {7, 0x31}, {8, 0x12}, {9, 0x99}, {CENTURY, 0x19}};
    struct bench *b = clock_of_guest(props);
    set(b, A, 0x76);
    set(b, B, 0x82);
    for (unsigned i = 0; i < ARRAY_LEN(t); i++) {
        set(b, t[i][0], t[i][1]);
    }
    set(b, A, 0x26);
    set(b, B, 0x02);
    return b;
}
static void assert_time(struct bench *b, u8 h, u8 m, u8 s)
{
    assert_int_equal(get(b, 4), h);
    assert_int_equal(get(b, 2), m);
    assert_int_equal(get(b, 0), s);
}
static void assert_date(struct bench *b, u8 century, u8 y, u8 m, u8 d, u8 weekday)
{
    assert_int_equal(get(b, CENTURY), century);
    assert_int_equal(get(b, 9), y);
    assert_int_equal(get(b, 8), m);
    assert_int_equal(get(b, 7), d);
    assert_int_equal(get(b, 6), weekday);
}

static void the_calendar_is_right(void **st)
{
    (void)st;
    for (i64 t = -62000000000; t < 800000000000; t += 86399 * 731 + 17) {
        struct rtc_time r = rtc_time_of(t);
        assert_int_equal(rtc_seconds_of(&r), t);
        time_t at = (time_t)t;
        struct tm tm;
        gmtime_r(&at, &tm);
        assert_int_equal(r.second, tm.tm_sec);
        assert_int_equal(r.hour, tm.tm_hour);
        assert_int_equal(r.day, tm.tm_mday);
        assert_int_equal(r.month, tm.tm_mon + 1);
        assert_int_equal(r.year, tm.tm_year + 1900);
        assert_int_equal(r.weekday, tm.tm_wday);
        for (u8 form = 0; form < 8; form += 2) {
            u8 reg[10], century;
            r.year %= 10000;
            rtc_encode(&r, form, reg, &century);
            struct rtc_time back = rtc_decode(reg, century, form);
            assert_memory_equal(&r, &back, sizeof(r));
        }
    }
}

static void shows_the_hosts_time(void **st)
{
    (void)st;
    struct bench *b = bench_new(&mc146818_class, NULL);
    time_t before = (time_t)(clock_now(CLOCK_WALL) / SECOND);
    u8 reg[10];
    for (unsigned i = 0; i < 10; i++) {
        reg[i] = get(b, i);
    }
    struct rtc_time t = rtc_decode(reg, get(b, CENTURY), get(b, B));
    assert_in_range(rtc_seconds_of(&t) - before, 0, 2);
    assert_int_equal(get(b, A) & 0x7f, 0x26);
    assert_int_equal(get(b, B), 0x02);
    assert_int_equal(get(b, D), 0x80);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void set_and_counting_on(void **st)
{
    (void)st;
    struct bench *b = old_year(NULL);
    assert_time(b, 0x23, 0x59, 0x58);
    pass(SECOND / 2 - 1);
    assert_int_equal(get(b, A), 0xa6); /* an update is near */
    assert_time(b, 0x23, 0x59, 0x58);
    pass(1);
    assert_int_equal(get(b, A), 0x26);
    assert_time(b, 0x23, 0x59, 0x59);
    assert_date(b, 0x19, 0x99, 0x12, 0x31, 6);
    bench_snapshot_roundtrip(b);
    pass(SECOND);
    assert_time(b, 0, 0, 0);
    assert_date(b, 0x20, 0, 1, 1, 7);
    device_reset(b->d);
    assert_date(b, 0x20, 0, 1, 1, 7);
    /* The guest's own idea of the day of the week; a byte at a time. */
    set(b, 6, 3);
    set(b, 4, 0x12);
    pass(86400 * SECOND);
    assert_int_equal(get(b, 6), 4);
    assert_time(b, 0x12, 0, 0);
    /* Other forms. */
    set(b, B, 0x04);
    assert_int_equal(get(b, 4), 0x8c);
    assert_int_equal(get(b, CENTURY), 20);
    pass(3600 * SECOND);
    assert_int_equal(get(b, 4), 0x81);
    set(b, B, 0x00);
    set(b, 4, 0x12); /* midnight */
    set(b, B, 0x02);
    assert_int_equal(get(b, 4), 0);
    /* While SET is up nothing moves; the second's phase stays. */
    pass(SECOND / 4);
    set(b, B, 0x82);
    pass(10 * SECOND + SECOND / 2);
    assert_time(b, 0, 0, 0);
    set(b, B, 0x02);
    assert_time(b, 0, 0, 0);
    pass(SECOND / 4);
    assert_time(b, 0, 0, 1);
    bench_free(b);
}

static void the_alarm_rings(void **st)
{
    (void)st;
    struct bench *b = old_year(NULL);
    set(b, 5, 0x00);
    set(b, 3, 0x00);
    set(b, 1, 0x02);
    set(b, B, 0x22);
    pass(3 * SECOND);
    assert_false(bench_irq(b, 0));
    bench_snapshot_roundtrip(b);
    pass(SECOND);
    assert_true(bench_irq(b, 0));
    bench_snapshot_roundtrip(b);
    assert_int_equal(get(b, C) & 0xb0, 0xb0);
    assert_false(bench_irq(b, 0));
    assert_int_equal(get(b, C) & 0xb0, 0);
    pass(86400 * SECOND);
    assert_true(bench_irq(b, 0));
    get(b, C);
    /* Every minute at second 2, seen without an interrupt. */
    set(b, B, 0x02);
    set(b, 5, 0xff);
    set(b, 3, 0xc0);
    pass(59 * SECOND);
    assert_int_equal(get(b, C) & 0xb0, 0x10);
    pass(SECOND);
    assert_int_equal(get(b, C) & 0xb0, 0x30);
    set(b, 1, 0x77); /* never */
    pass(3 * 86400 * SECOND);
    assert_int_equal(get(b, C) & 0x20, 0);
    bench_free(b);
}

static void updates_interrupt(void **st)
{
    (void)st;
    struct bench *b = old_year(NULL);
    set(b, B, 0x12);
    get(b, C);
    pass(SECOND / 2 - 1);
    assert_false(bench_irq(b, 0));
    pass(1);
    assert_true(bench_irq(b, 0));
    assert_int_equal(get(b, C) & 0x90, 0x90);
    pass(SECOND);
    assert_true(bench_irq(b, 0));
    bench_pin(b, 0, 1); /* the HPET's now */
    assert_false(bench_irq(b, 0));
    bench_pin(b, 0, 0);
    assert_true(bench_irq(b, 0));
    set(b, B, 0x82); /* SET switches it off */
    set(b, B, 0x02);
    assert_false(bench_irq(b, 0));
    bench_free(b);
}

static unsigned answered(struct bench *b, unsigned turns, u64 ns)
{
    unsigned n = 0;
    for (unsigned i = 0; i < turns; i++) {
        pass(ns);
        n += bench_irq(b, 0) && (get(b, C) & 0xc0) == 0xc0;
    }
    return n;
}
static void periods(void **st)
{
    (void)st;
    struct bench *b = old_year(NULL);
    set(b, A, 0x26); /* 1024 Hz */
    set(b, B, 0x42);
    get(b, C);
    assert_in_range(answered(b, 1000, 1000000), 999, 1000);
    set(b, A, 0x2f); /* 2 Hz */
    assert_in_range(answered(b, 100, SECOND / 10), 19, 21);
    set(b, A, 0x21); /* 256 Hz */
    assert_in_range(answered(b, 1000, 1000000), 255, 257);
    set(b, A, 0x20);
    get(b, C);
    assert_int_equal(answered(b, 100, SECOND), 0);
    /* The flag comes without its interrupt too. */
    set(b, B, 0x02);
    set(b, A, 0x26);
    pass(1000000);
    assert_int_equal(get(b, C) & 0xc0, 0x40);
    /* What nobody answered is lost. */
    set(b, B, 0x42);
    pass(SECOND / 10);
    get(b, C);
    assert_int_equal(answered(b, 40, 10000), 0);
    bench_free(b);
}
static void lost_periods_follow(void **st)
{
    (void)st;
    struct bench *b = old_year("lost_tick_policy=slew");
    set(b, A, 0x2a); /* 64 Hz */
    set(b, B, 0x42);
    get(b, C);
    pass(SECOND / 2);
    bench_snapshot_roundtrip(b);
    unsigned n = answered(b, 8000, 100000); /* 1.3 s have passed */
    assert_in_range(n, 82, 84);
    set(b, B, 0x02);
    bench_free(b);
}

static void memory(void **st)
{
    (void)st;
    struct bench *b = clock_of_guest(NULL);
    mc146818_set(b->d, 0x15, 0x80);
    mc146818_set(b->d, 128 + 5, 0x77);
    assert_int_equal(get(b, 0x15), 0x80);
    set(b, 0x7f, 0x5a);
    assert_int_equal(mc146818_get(b->d, 0x7f), 0x5a);
    bench_write(b, 2, 1, 0x05);
    assert_int_equal(bench_read(b, 3, 1), 0x77);
    bench_write(b, 3, 1, 0x78);
    assert_int_equal(mc146818_get(b->d, 133), 0x78);
    assert_int_equal(bench_read(b, 0, 1), 0xff);
    assert_false(bench_irq(b, 1));
    assert_int_equal(get(b, 0x80 | 0x7f), 0x5a);
    assert_true(bench_irq(b, 1));
    bench_snapshot_roundtrip(b);
    device_reset(b->d);
    assert_false(bench_irq(b, 1));
    assert_int_equal(get(b, 0x7f), 0x5a);
    bench_free(b);
}

static void hostile(void **st)
{
    (void)st;
    struct bench *b = clock_of_guest("lost_tick_policy=slew");
    u64 errors = guest_error_count();
    set(b, C, 1);
    set(b, D, 1);
    assert_int_equal(guest_error_count(), errors + 2);
    u32 x = 99;
    for (unsigned i = 0; i < 100000; i++) {
        x = x * 1664525 + 1013904223;
        unsigned what = x >> 28;
        if (what < 6) {
            set(b, x >> 16 & (what & 1 ? 15 : 0x3f), (u8)(x >> 8));
        } else if (what < 12) {
            get(b, x >> 16 & 0x3f);
        } else if (what < 14) {
            bench_write(b, x >> 16 & 3, 1, (u8)(x >> 8));
        } else {
            pass(what == 15 ? (u64)x * 100 : x);
        }
    }
    bench_snapshot_roundtrip(b);
    bench_free(b);
    b = old_year(NULL);
    pass(SECOND / 2);
    assert_time(b, 0x23, 0x59, 0x59);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_calendar_is_right),
        cmocka_unit_test(shows_the_hosts_time),
        cmocka_unit_test(set_and_counting_on),
        cmocka_unit_test(the_alarm_rings),
        cmocka_unit_test(updates_interrupt),
        cmocka_unit_test(periods),
        cmocka_unit_test(lost_periods_follow),
        cmocka_unit_test(memory),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
