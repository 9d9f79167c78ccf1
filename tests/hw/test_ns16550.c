/* The 16550A on the bench, and the two small devices that a bare x86 program meets beside it: port 0x92 and the APM
 * ports. */
#include <string.h>

#include "hw/char/ns16550.h"
#include "hw/misc/apm.h"
#include "hw/misc/port92.h"
#include "tests/hw/bench.h"

enum { RBR, IER, IIR, LCR, MCR, LSR, MSR, SCR };
enum { IIR_NONE = 1, IIR_MODEM = 0, IIR_THRE = 2, IIR_RX = 4, IIR_LINE = 6, IIR_TIMEOUT = 12 };
enum { LSR_DR = 1, LSR_OE = 2, LSR_BI = 16, LSR_EMPTY = 0x60, LSR_ERROR = 0x80 };

static u8 get(struct bench *b, unsigned r)
{
    return (u8)bench_read(b, r, 1);
}
static void set(struct bench *b, unsigned r, u8 v)
{
    bench_write(b, r, 1, v);
}

static void reset_values(void **st)
{
    (void)st;
    struct bench *b = bench_new(&ns16550_class, NULL);
    assert_int_equal(get(b, IER), 0);
    assert_int_equal(get(b, IIR), IIR_NONE);
    assert_int_equal(get(b, LCR), 0);
    assert_int_equal(get(b, MCR), 0);
    assert_int_equal(get(b, LSR), LSR_EMPTY);
    assert_int_equal(get(b, MSR) & 0xf0, 0xb0);
    set(b, SCR, 0x5a);
    assert_int_equal(get(b, SCR), 0x5a);
    assert_false(bench_irq(b, 0));
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

/* The divisor lies over the first two registers, and is no data. */
static void divisor_latch(void **st)
{
    (void)st;
    struct bench *b = bench_new(&ns16550_class, NULL);
    char out[4];
    set(b, IER, 5);
    set(b, LCR, 0x83);
    set(b, RBR, 1);
    set(b, IER, 2);
    assert_int_equal(get(b, RBR), 1);
    assert_int_equal(get(b, IER), 2);
    set(b, LCR, 3);
    assert_int_equal(get(b, IER), 5);
    assert_int_equal(bench_output(b, out, sizeof(out)), 0);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void transmitter_asks(void **st)
{
    (void)st;
    struct bench *b = bench_new(&ns16550_class, NULL);
    char out[8];
    set(b, IER, 2); /* it is empty: that is told at once */
    assert_true(bench_irq(b, 0));
    bench_snapshot_roundtrip(b);
    assert_int_equal(get(b, IIR), IIR_THRE); /* reading it takes it back */
    assert_false(bench_irq(b, 0));
    assert_int_equal(get(b, IIR), IIR_NONE);
    set(b, RBR, 'h');
    assert_true(bench_irq(b, 0));
    set(b, RBR, 'i');
    assert_int_equal(bench_output(b, out, sizeof(out)), 2);
    assert_memory_equal(out, "hi", 2);
    set(b, IER, 0);
    assert_false(bench_irq(b, 0));
    bench_free(b);
}

static void receiver_has_one_place_or_sixteen(void **st)
{
    (void)st;
    struct bench *b = bench_new(&ns16550_class, NULL);
    set(b, IER, 1);
    bench_input(b, "ab", 2);
    assert_int_equal(get(b, IIR), IIR_RX);
    assert_int_equal(get(b, LSR) & LSR_DR, LSR_DR);
    assert_int_equal(get(b, RBR), 'a');
    bench_turn(1000000);
    assert_int_equal(get(b, RBR), 'b');
    assert_false(bench_irq(b, 0));
    set(b, IIR, 0x81); /* FIFOs, trigger level 8 */
    bench_input(b, "1234567", 7);
    assert_int_equal(get(b, IIR), 0xc0 | IIR_TIMEOUT);
    bench_input(b, "8", 1);
    assert_int_equal(get(b, IIR), 0xc0 | IIR_RX);
    bench_snapshot_roundtrip(b);
    assert_int_equal(get(b, RBR), '1');
    assert_int_equal(get(b, IIR), 0xc0 | IIR_TIMEOUT);
    set(b, IIR, 0x83); /* emptied */
    assert_int_equal(get(b, IIR), 0xc0 | IIR_NONE);
    assert_int_equal(get(b, LSR), LSR_EMPTY);
    bench_free(b);
}

static void loopback(void **st)
{
    (void)st;
    struct bench *b = bench_new(&ns16550_class, NULL);
    char out[4];
    get(b, MSR);
    set(b, MCR, 0x10); /* all outputs, now inputs, fall */
    assert_int_equal(get(b, MSR), 0x0b);
    assert_int_equal(get(b, MSR), 0);
    set(b, MCR, 0x1f);
    assert_int_equal(get(b, MSR), 0xfb); /* RI tells of its end alone */
    set(b, MCR, 0x1b);
    assert_int_equal(get(b, MSR), 0xb4);
    set(b, IER, 8);
    set(b, MCR, 0x1a);
    assert_int_equal(get(b, IIR), IIR_MODEM);
    assert_true(bench_irq(b, 0));
    get(b, MSR);
    assert_false(bench_irq(b, 0));
    set(b, IER, 4);
    set(b, RBR, 'x');
    assert_int_equal(get(b, LSR), LSR_EMPTY | LSR_DR);
    set(b, RBR, 'y'); /* the register's old one is lost */
    assert_int_equal(get(b, IIR), IIR_LINE);
    assert_int_equal(get(b, LSR), LSR_EMPTY | LSR_DR | LSR_OE);
    assert_int_equal(get(b, LSR), LSR_EMPTY | LSR_DR);
    assert_int_equal(get(b, RBR), 'y');
    assert_int_equal(bench_output(b, out, sizeof(out)), 0);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void gate_of_a_pc(void **st)
{
    (void)st;
    struct bench *b = bench_new(&ns16550_class, "out2-gate=on");
    set(b, IER, 2);
    assert_false(bench_irq(b, 0));
    set(b, MCR, 8);
    assert_true(bench_irq(b, 0));
    bench_free(b);
}

static void port92(void **st)
{
    (void)st;
    struct bench *b = bench_new(&port92_class, NULL);
    assert_int_equal(get(b, 0), 2);
    assert_false(bench_irq(b, 0));
    set(b, 0, 0);
    assert_true(bench_irq(b, 0));
    bench_snapshot_roundtrip(b);
    unsigned before = b->rises[1];
    set(b, 0, 3);
    assert_false(bench_irq(b, 0));
    assert_false(bench_irq(b, 1));
    assert_int_equal(b->rises[1], before + 1);
    set(b, 0, 3);
    assert_int_equal(b->rises[1], before + 1);
    bench_free(b);
}

static void apm(void **st)
{
    (void)st;
    struct bench *b = bench_new(&apm_class, NULL);
    unsigned before = b->rises[0];
    set(b, 1, 0x77);
    assert_int_equal(b->rises[0], before);
    set(b, 0, 0x55);
    assert_int_equal(b->rises[0], before + 1);
    assert_false(bench_irq(b, 0));
    assert_int_equal(get(b, 0), 0x55);
    assert_int_equal(get(b, 1), 0x77);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reset_values),     cmocka_unit_test(divisor_latch),
        cmocka_unit_test(transmitter_asks), cmocka_unit_test(receiver_has_one_place_or_sixteen),
        cmocka_unit_test(loopback),         cmocka_unit_test(gate_of_a_pc),
        cmocka_unit_test(port92),           cmocka_unit_test(apm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
