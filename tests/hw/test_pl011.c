/* PL011 on the bench. */
#include <string.h>

#include "base/log.h"
#include "hw/char/pl011.h"
#include "tests/hw/bench.h"

enum { RX = 1 << 4, TX = 1 << 5, OE = 1 << 10, RXFE = 1 << 4, RXFF = 1 << 6, TXFE = 1 << 7, FEN = 1 << 4 };

static void reset_values_and_ids(void **st)
{
    (void)st;
    struct bench *b = bench_new(&pl011_class, NULL);
    assert_int_equal(bench_r(b, "UARTCR"), 0x300);
    assert_int_equal(bench_r(b, "UARTIFLS"), 0x12);
    assert_int_equal(bench_r(b, "UARTFR"), TXFE | RXFE);
    assert_int_equal(bench_r32(b, 0xfe0), 0x11);
    assert_int_equal(bench_r(b, "UARTID[2]"), 0x14);
    assert_int_equal(bench_r32(b, 0xffc), 0xb1);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void sends_bytes_and_tells(void **st)
{
    (void)st;
    struct bench *b = bench_new(&pl011_class, NULL);
    char out[16];
    bench_w(b, "UARTCR", 0x301);
    bench_w(b, "UARTIMSC", TX);
    assert_false(bench_irq(b, 0));
    bench_w(b, "UARTDR", 'h');
    bench_write(b, 0, 1, 'i');
    bench_write(b, 0, 2, '!');
    assert_true(bench_irq(b, 0));
    assert_int_equal(bench_r(b, "UARTMIS"), TX);
    assert_int_equal(bench_output(b, out, sizeof(out)), 3);
    assert_memory_equal(out, "hi!", 3);
    bench_w(b, "UARTICR", TX);
    assert_false(bench_irq(b, 0));
    assert_int_equal(bench_r(b, "UARTRIS"), 0);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void receives_into_its_fifo(void **st)
{
    (void)st;
    struct bench *b = bench_new(&pl011_class, NULL);
    bench_w(b, "UARTCR", 0x301);
    bench_w(b, "UARTLCR_H", 0x60 | FEN);
    bench_w(b, "UARTIMSC", RX);
    bench_input(b, "ABCDEFGHIJKLMNOPQRST", 20);
    assert_true(bench_irq(b, 0));
    assert_int_equal(bench_r(b, "UARTFR") & (RXFE | RXFF), RXFF);
    bench_snapshot_roundtrip(b);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(bench_r(b, "UARTDR"), 'A' + i);
    }
    bench_turn(1000000); /* what did not fit waited outside, and was not lost */
    for (unsigned i = 16; i < 20; i++) {
        assert_int_equal(bench_r(b, "UARTDR"), 'A' + i);
    }
    assert_int_equal(bench_r(b, "UARTFR") & (RXFE | RXFF), RXFE);
    assert_false(bench_irq(b, 0));
    bench_free(b);
}

static void without_fifo_one_byte_waits(void **st)
{
    (void)st;
    struct bench *b = bench_new(&pl011_class, NULL);
    bench_input(b, "xy", 2);
    assert_int_equal(bench_r(b, "UARTFR") & (RXFE | RXFF), RXFF);
    assert_int_equal(bench_r(b, "UARTDR"), 'x');
    bench_turn(1000000);
    assert_int_equal(bench_r(b, "UARTDR"), 'y');
    bench_free(b);
}

static void loopback_and_overrun(void **st)
{
    (void)st;
    struct bench *b = bench_new(&pl011_class, NULL);
    char out[4];
    bench_w(b, "UARTCR", 0x381);
    bench_w(b, "UARTDR", 'a');
    bench_w(b, "UARTDR", 'b');
    assert_int_equal(bench_r(b, "UARTRIS") & (RX | OE), RX | OE);
    assert_int_equal(bench_r(b, "UARTDR"), 'a' | 1 << 11);
    assert_int_equal(bench_r(b, "UARTRSR"), 8);
    bench_w(b, "UARTRSR", 0);
    assert_int_equal(bench_r(b, "UARTRSR"), 0);
    assert_int_equal(bench_output(b, out, sizeof(out)), 0);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void the_guests_faults_are_counted(void **st)
{
    (void)st;
    struct bench *b = bench_new(&pl011_class, NULL);
    u64 before = guest_error_count();
    bench_w(b, "UARTDR", 'x'); /* disabled: told once */
    bench_w(b, "UARTDR", 'y');
    assert_int_equal(guest_error_count(), before + 1);
    bench_w32(b, 0x3c, 1); /* UARTRIS is read-only */
    assert_int_equal(guest_error_count(), before + 2);
    assert_int_equal(bench_r32(b, 0x80), 0);
    assert_int_equal(guest_error_count(), before + 3);
    bench_free(b);
}

static void a_senseless_snapshot_is_refused(void **st)
{
    (void)st;
    struct bench *b = bench_new(&pl011_class, NULL);
    struct buf s = {0};
    struct err e = {0};
    device_save(b->d, &s);
    const char *name = "rx_len";
    for (size_t i = 0; i + 12 <= s.len; i++) {
        if (!memcmp(s.data + i, name, 6)) {
            s.data[i + 6 + 5] = 200; /* name, u8 size, u32 count, value */
        }
    }
    struct cursor c = {.p = s.data, .end = s.data + s.len};
    assert_false(device_load(b->d, &c, &e));
    assert_string_equal(e.msg, "pl011: the receive FIFO's state makes no sense");
    buf_free(&s);
    device_reset(b->d);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reset_values_and_ids),
        cmocka_unit_test(sends_bytes_and_tells),
        cmocka_unit_test(receives_into_its_fifo),
        cmocka_unit_test(without_fifo_one_byte_waits),
        cmocka_unit_test(loopback_and_overrun),
        cmocka_unit_test(the_guests_faults_are_counted),
        cmocka_unit_test(a_senseless_snapshot_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
