/* The parallel port on the bench. */
#include "hw/char/parallel.h"
#include "tests/hw/bench.h"

enum { DATA, STATUS, CONTROL, EPP_ADDRESS, EPP_DATA };

static u8 in(struct bench *b, unsigned port)
{
    return (u8)bench_read(b, port, 1);
}
static void out(struct bench *b, unsigned port, u8 v)
{
    bench_write(b, port, 1, v);
}
static void print(struct bench *b, u8 c, u8 control)
{
    out(b, DATA, c);
    out(b, CONTROL, control | 1);
    out(b, CONTROL, control);
}

static void prints(void **st)
{
    (void)st;
    struct bench *b = bench_new(&parallel_class, NULL);
    u8 got[8];
    assert_int_equal(in(b, CONTROL), 0xcc);
    assert_int_equal(in(b, STATUS), 0xdc);
    print(b, 'A', 0x0c);
    print(b, 'b', 0x0c);
    assert_int_equal(in(b, DATA), 'b');
    assert_int_equal(bench_output(b, got, sizeof(got)), 2);
    assert_memory_equal(got, "Ab", 2);
    assert_false(bench_irq(b, 0));
    print(b, 'c', 0x1c);
    assert_true(bench_irq(b, 0));
    bench_snapshot_roundtrip(b);
    unsigned rises = b->rises[0];
    print(b, 'd', 0x1c);
    assert_int_equal(b->rises[0], rises + 1); /* each is an edge */
    assert_int_equal(in(b, STATUS), 0xd8);
    assert_false(bench_irq(b, 0));
    assert_int_equal(in(b, STATUS), 0xdc);
    print(b, 'e', 0x1c);
    out(b, CONTROL, 0x0c);
    assert_false(bench_irq(b, 0));
    print(b, 'f', 0x08); /* it is held in reset */
    assert_int_equal(bench_output(b, got, sizeof(got)), 3);
    out(b, CONTROL, 0x2c); /* nobody sends */
    assert_int_equal(in(b, DATA), 0xff);
    bench_free(b);
}

static void nothing_answers_epp(void **st)
{
    (void)st;
    struct bench *b = bench_new(&parallel_class, NULL);
    out(b, EPP_ADDRESS, 1);
    assert_int_equal(in(b, STATUS) & 1, 1);
    bench_snapshot_roundtrip(b);
    out(b, STATUS, 1);
    assert_int_equal(in(b, STATUS) & 1, 0);
    assert_int_equal(bench_read(b, EPP_DATA, 4), 0xffffffff);
    assert_int_equal(in(b, STATUS) & 1, 1);
    bench_free(b);
}

static void unplugged(void **st)
{
    (void)st;
    struct bench *b = bench_make(&parallel_class, NULL);
    const struct prop *p = props_find(parallel_class.props, "chardev");
    *(void **)((u8 *)b->d + p->off) = NULL;
    bench_start(b);
    assert_int_equal(in(b, STATUS), 0x7c);
    print(b, 'A', 0x1c);
    assert_false(bench_irq(b, 0));
    assert_int_equal(in(b, DATA), 'A');
    bench_free(b);
}

static void hostile(void **st)
{
    (void)st;
    struct bench *b = bench_new(&parallel_class, NULL);
    u32 x = 8;
    u8 got[4096];
    for (unsigned i = 0; i < 20000; i++) {
        x = x * 1664525 + 1013904223;
        unsigned port = x >> 16 & 7, size = 1u << (x >> 24 & 1);
        if (x >> 31) {
            bench_write(b, port & ~(size - 1), size, x >> 8);
        } else {
            bench_read(b, port & ~(size - 1), size);
        }
        if (!(i & 255)) {
            bench_output(b, got, sizeof(got));
        }
    }
    bench_snapshot_roundtrip(b);
    while (bench_output(b, got, sizeof(got))) {
    }
    out(b, CONTROL, 0x0c);
    print(b, 'z', 0x0c);
    assert_int_equal(bench_output(b, got, sizeof(got)), 1);
    assert_int_equal(got[0], 'z');
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prints),
        cmocka_unit_test(nothing_answers_epp),
        cmocka_unit_test(unplugged),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
