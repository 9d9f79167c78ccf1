/* The pair of 8259A on the bench. */
#include "base/lock.h"
#include "base/log.h"
#include "hw/intc/i8259.h"
#include "tests/hw/bench.h"

enum { CMD1 = 0x20, IMR1 = 0x21, CMD2 = 0xa0, IMR2 = 0xa1, ELCR1 = 0x4d0, ELCR2 = 0x4d1, EOI = 0x20 };

static u8 in(struct bench *b, unsigned port)
{
    return (u8)bench_read(b, port, 1);
}
static void out(struct bench *b, unsigned port, u8 v)
{
    bench_write(b, port, 1, v);
}
static int ack(struct bench *b)
{
    machine_lock();
    int v = i8259_ack(b->d);
    machine_unlock();
    return v;
}
/* As firmware does, with ICW4 as said; nothing is masked. */
static struct bench *pair(const char *props, u8 icw1, u8 master4, u8 slave4)
{
    struct bench *b = bench_new(&i8259_class, props);
    out(b, CMD1, icw1);
    out(b, CMD2, icw1);
    out(b, IMR1, 0x08);
    out(b, IMR2, 0x70);
    out(b, IMR1, 0x04);
    out(b, IMR2, 0x02);
    out(b, IMR1, master4);
    out(b, IMR2, slave4);
    out(b, IMR1, 0);
    out(b, IMR2, 0);
    return b;
}
static u8 isr(struct bench *b, unsigned port)
{
    out(b, port, 0x0b);
    return in(b, port);
}
static u8 irr(struct bench *b, unsigned port)
{
    out(b, port, 0x0a);
    return in(b, port);
}
static void edge(struct bench *b, unsigned n)
{
    bench_pin(b, n, 0);
    bench_pin(b, n, 1);
}

static void as_firmware_leaves_it_and_set_up_anew(void **st)
{
    (void)st;
    struct bench *b = bench_new(&i8259_class, NULL);
    bench_pin(b, 1, 1);
    assert_false(bench_irq(b, 0)); /* it is masked */
    out(b, IMR1, 0xfb);
    assert_int_equal(in(b, IMR1), 0xfb);
    out(b, IMR2, 0);
    out(b, IMR1, 0);
    assert_int_equal(ack(b), 0x09);
    out(b, CMD1, 0x11);
    out(b, IMR1, 0x20);
    assert_false(bench_irq(b, 0));
    bench_snapshot_roundtrip(b); /* in the midst of it */
    out(b, IMR1, 0x04);
    out(b, IMR1, 0x01);
    assert_false(bench_irq(b, 0)); /* the rise was before */
    assert_int_equal(in(b, IMR1), 0);
    edge(b, 1);
    assert_true(bench_irq(b, 0));
    assert_int_equal(ack(b), 0x21);
    bench_free(b);
}

static void fully_nested(void **st)
{
    (void)st;
    struct bench *b = pair(NULL, 0x11, 1, 1);
    edge(b, 4);
    assert_true(bench_irq(b, 0));
    assert_int_equal(irr(b, CMD1), 0x10);
    assert_int_equal(ack(b), 0x0c);
    assert_int_equal(irr(b, CMD1), 0);
    assert_int_equal(isr(b, CMD1), 0x10);
    edge(b, 6);
    assert_false(bench_irq(b, 0));
    edge(b, 1);
    assert_true(bench_irq(b, 0));
    bench_snapshot_roundtrip(b);
    assert_int_equal(ack(b), 0x09);
    assert_int_equal(isr(b, CMD1), 0x12);
    out(b, CMD1, EOI);
    assert_int_equal(isr(b, CMD1), 0x10);
    assert_false(bench_irq(b, 0));
    out(b, CMD1, 0x60 | 4);
    assert_true(bench_irq(b, 0));
    out(b, IMR1, 0x40);
    assert_false(bench_irq(b, 0));
    out(b, IMR1, 0);
    assert_int_equal(ack(b), 0x0e);
    out(b, CMD1, EOI);
    assert_int_equal(isr(b, CMD1), 0);
    bench_free(b);
}

static void the_second_chip_answers_for_its_inputs(void **st)
{
    (void)st;
    struct bench *b = pair(NULL, 0x11, 1, 1);
    edge(b, 12);
    edge(b, 3);
    assert_true(bench_irq(b, 0));
    assert_int_equal(ack(b), 0x74); /* input 2 goes before 3 */
    assert_int_equal(isr(b, CMD1), 4);
    assert_int_equal(isr(b, CMD2), 0x10);
    edge(b, 8);
    assert_false(bench_irq(b, 0)); /* the first chip holds its own input 2 back */
    out(b, CMD2, EOI);
    out(b, CMD1, EOI);
    assert_true(bench_irq(b, 0));
    assert_int_equal(ack(b), 0x70);
    out(b, CMD2, EOI);
    out(b, CMD1, EOI);
    assert_int_equal(ack(b), 0x0b);
    bench_free(b);
}

static void special_fully_nested(void **st)
{
    (void)st;
    struct bench *b = pair(NULL, 0x11, 0x11, 1);
    edge(b, 12);
    assert_int_equal(ack(b), 0x74);
    edge(b, 14);
    assert_false(bench_irq(b, 0));
    edge(b, 8);
    assert_true(bench_irq(b, 0));
    assert_int_equal(ack(b), 0x70);
    assert_int_equal(isr(b, CMD2), 0x11);
    out(b, CMD2, EOI);
    assert_int_equal(isr(b, CMD2), 0x10); /* so no EOI to the first yet */
    assert_false(bench_irq(b, 0));
    bench_free(b);
}

static void spurious(void **st)
{
    (void)st;
    struct bench *b = pair(NULL, 0x11, 1, 1);
    edge(b, 5);
    bench_pin(b, 5, 0);
    assert_false(bench_irq(b, 0));
    assert_int_equal(ack(b), 0x0f);
    assert_int_equal(isr(b, CMD1), 0);
    edge(b, 9);
    assert_true(bench_irq(b, 0));
    bench_pin(b, 9, 0);
    assert_false(bench_irq(b, 0)); /* the second chip's too */
    assert_int_equal(ack(b), 0x0f);
    assert_int_equal(isr(b, CMD2), 0);
    bench_free(b);
}

static void automatic_end_and_rotation(void **st)
{
    (void)st;
    struct bench *b = pair(NULL, 0x11, 3, 3);
    edge(b, 4);
    edge(b, 12);
    edge(b, 13);
    assert_int_equal(ack(b), 0x74);
    assert_int_equal(isr(b, CMD1), 0);
    assert_int_equal(isr(b, CMD2), 0);
    assert_true(bench_irq(b, 0));
    assert_int_equal(ack(b), 0x75); /* the second chip's INT was low between */
    assert_int_equal(ack(b), 0x0c);
    out(b, CMD1, 0x80); /* rotate */
    edge(b, 0);
    edge(b, 5);
    assert_int_equal(ack(b), 0x08); /* the order has not changed yet; now 0 is last */
    edge(b, 0);
    assert_int_equal(ack(b), 0x0d);
    assert_int_equal(ack(b), 0x08);
    out(b, CMD1, 0x00);
    bench_free(b);

    b = pair(NULL, 0x11, 1, 1);
    out(b, CMD1, 0xc0 | 3); /* 3 is last, 4 first */
    edge(b, 3);
    edge(b, 4);
    edge(b, 1);
    assert_int_equal(ack(b), 0x0c);
    bench_snapshot_roundtrip(b);
    out(b, CMD1, 0xa0); /* 4 ends and is last */
    assert_int_equal(ack(b), 0x09);
    out(b, CMD1, 0xe0 | 1); /* 1 ends and is last */
    assert_int_equal(ack(b), 0x0b);
    bench_free(b);
}

static void special_mask_mode(void **st)
{
    (void)st;
    struct bench *b = pair(NULL, 0x11, 1, 1);
    edge(b, 1);
    assert_int_equal(ack(b), 0x09);
    edge(b, 6);
    assert_false(bench_irq(b, 0));
    out(b, IMR1, 0x02);
    assert_false(bench_irq(b, 0));
    out(b, CMD1, 0x68);
    assert_true(bench_irq(b, 0));
    assert_int_equal(ack(b), 0x0e);
    out(b, CMD1, EOI); /* ends 6: 1 is masked */
    assert_int_equal(isr(b, CMD1), 0x02);
    out(b, CMD1, EOI);
    assert_int_equal(isr(b, CMD1), 0x02);
    out(b, CMD1, 0x48);
    out(b, CMD1, EOI);
    assert_int_equal(isr(b, CMD1), 0);
    bench_free(b);
}

static void polled(void **st)
{
    (void)st;
    struct bench *b = pair(NULL, 0x11, 1, 1);
    out(b, CMD1, 0x0c);
    assert_int_equal(in(b, CMD1) & 0x80, 0);
    edge(b, 10);
    out(b, CMD1, 0x0c);
    assert_int_equal(in(b, CMD1), 0x82);
    assert_false(bench_irq(b, 0));
    out(b, CMD2, 0x0c);
    assert_int_equal(in(b, IMR2), 0x82); /* at either address */
    assert_int_equal(in(b, IMR2), 0);
    assert_int_equal(isr(b, CMD2), 4);
    bench_free(b);
}

static void levels(void **st)
{
    (void)st;
    struct bench *b = pair(NULL, 0x19, 1, 1); /* LTIM does not count */
    bench_write(b, ELCR1, 2, 0xffff);
    assert_int_equal(in(b, ELCR1), 0xf8);
    assert_int_equal(in(b, ELCR2), 0xde);
    bench_pin(b, 11, 1);
    assert_int_equal(ack(b), 0x73);
    out(b, CMD2, EOI);
    out(b, CMD1, EOI);
    assert_true(bench_irq(b, 0)); /* it still stands */
    bench_pin(b, 11, 0);
    assert_false(bench_irq(b, 0));
    bench_pin(b, 1, 1);
    assert_int_equal(ack(b), 0x09);
    out(b, CMD1, EOI);
    assert_false(bench_irq(b, 0)); /* an edge */
    bench_snapshot_roundtrip(b);
    bench_free(b);

    b = pair("elcr=off", 0x19, 1, 1);
    out(b, ELCR1, 0);
    assert_int_equal(in(b, ELCR1), 0xff);
    bench_pin(b, 1, 1);
    assert_int_equal(ack(b), 0x09);
    out(b, CMD1, EOI);
    assert_true(bench_irq(b, 0));
    bench_free(b);
}

static void alone_and_for_another_processor(void **st)
{
    (void)st;
    struct bench *b = bench_new(&i8259_class, NULL);
    out(b, CMD1, 0x13); /* single */
    out(b, IMR1, 0x30);
    out(b, IMR1, 0x01);
    edge(b, 2);
    assert_false(bench_irq(b, 0));
    edge(b, 7);
    assert_int_equal(ack(b), 0x37);
    u64 errors = guest_error_count();
    out(b, CMD1, 0x56); /* single, no ICW4, addresses 4 apart from 0x40 */
    out(b, IMR1, 0x12);
    assert_true(guest_error_count() > errors);
    edge(b, 3);
    assert_int_equal(ack(b), 0x4c);
    bench_free(b);
}

/* Any bytes at any port, any edges and acknowledges: priorities stay in their range, and after a proper set-up it works
 * again. */
static void hostile(void **st)
{
    (void)st;
    static const u16 port[] = {CMD1, IMR1, CMD2, IMR2, ELCR1, ELCR2};
    struct bench *b = bench_new(&i8259_class, NULL);
    u32 x = 12345;
    for (unsigned i = 0; i < 200000; i++) {
        x = x * 1664525 + 1013904223;
        u8 v = (u8)(x >> 16);
        unsigned what = x >> 28;
        if (what < 6) {
            out(b, port[what], v);
        } else if (what < 12) {
            in(b, port[what - 6]);
        } else if (what < 15) {
            bench_pin(b, v & 15, v >> 7);
        } else {
            assert_in_range(ack(b), 0, 255);
        }
    }
    bench_snapshot_roundtrip(b);
    for (unsigned n = 0; n < 16; n++) {
        bench_pin(b, n, 0);
    }
    out(b, CMD1, 0x11);
    out(b, IMR1, 0x08);
    out(b, IMR1, 0x04);
    out(b, IMR1, 0x01);
    edge(b, 3);
    assert_int_equal(ack(b), 0x0b);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_firmware_leaves_it_and_set_up_anew),
        cmocka_unit_test(fully_nested),
        cmocka_unit_test(the_second_chip_answers_for_its_inputs),
        cmocka_unit_test(special_fully_nested),
        cmocka_unit_test(spurious),
        cmocka_unit_test(automatic_end_and_rotation),
        cmocka_unit_test(special_mask_mode),
        cmocka_unit_test(polled),
        cmocka_unit_test(levels),
        cmocka_unit_test(alone_and_for_another_processor),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
