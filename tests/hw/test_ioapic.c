/* The IO-APIC: what it sends for edges and levels, masks, ends, its registers. */
#include <stdlib.h>

#include "base/lock.h"
#include "hw/intc/ioapic.h"
#include "tests/hw/bench.h"

#define MESSAGES 0xfee00000ull
static struct {
    u64 off;
    u32 data;
    unsigned n;
} sent;

static enum mem_result none_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)opaque, (void)off, (void)size, (void)a;
    *val = 0;
    return MEM_OK;
}
static enum mem_result message(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)opaque;
    assert_int_equal(size, 4);
    assert_false(a.is_cpu);
    sent.off = off;
    sent.data = (u32)val;
    sent.n++;
    return MEM_OK;
}
static const struct mem_ops ops = {.read = none_read, .write = message};
static struct mem_region doorbell = {.name = "doorbell", .kind = MEM_MMIO, .size = 1 << 20, .ops = &ops};

static struct bench *ioapic(const char *props)
{
    struct bench *b = bench_make(&ioapic_class, props);
    doorbell.next = NULL;
    doorbell.space = NULL;
    machine_lock();
    mem_map_region(b->m.sysmem, &doorbell, MESSAGES, 0);
    machine_unlock();
    sent.n = 0;
    bench_start(b);
    return b;
}
static void put(struct bench *b, unsigned reg, u32 v)
{
    bench_w(b, "IOREGSEL", reg);
    bench_w(b, "IOWIN", v);
}
static u32 get(struct bench *b, unsigned reg)
{
    bench_w(b, "IOREGSEL", reg);
    return (u32)bench_r(b, "IOWIN");
}

static void registers(void **st)
{
    (void)st;
    struct bench *b = ioapic(NULL);
    assert_int_equal(get(b, 1), 0x170020);
    put(b, 0, 0xff000000);
    assert_int_equal(get(b, 0), 0x0f000000);
    assert_int_equal(get(b, 2), 0x0f000000);
    assert_int_equal(get(b, 0x10), 0x10000);
    put(b, 0x10, ~0u);
    put(b, 0x11, ~0u);
    assert_int_equal(get(b, 0x10), 0x1afff);
    assert_int_equal(get(b, 0x11), 0xff000000);
    put(b, 0x3f, 0x12345678);
    assert_int_equal(get(b, 0x3f), 0x12000000);
    assert_int_equal(get(b, 0x40), 0);
    assert_int_equal(get(b, 3), 0);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void edges(void **st)
{
    (void)st;
    struct bench *b = ioapic(NULL);
    bench_pin(b, 4, 1); /* masked: lost */
    put(b, 0x19, 0x03000000);
    put(b, 0x18, 0x0831); /* logical */
    assert_int_equal(sent.n, 0);
    bench_pin(b, 4, 1);
    assert_int_equal(sent.n, 0);
    bench_pin(b, 4, 0);
    bench_pin(b, 4, 1);
    assert_int_equal(sent.n, 1);
    assert_int_equal(sent.off, 0x3004);
    assert_int_equal(sent.data, 0x4031);
    put(b, 0x18, 0x0731); /* the 8259's vector */
    bench_pin(b, 4, 0);
    bench_pin(b, 4, 1);
    assert_int_equal(sent.data, 0x4731);
    assert_int_equal(sent.off, 0x3000);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void levels(void **st)
{
    (void)st;
    struct bench *b = ioapic(NULL);
    put(b, 0x24, 0xa051);
    bench_pin(b, 10, 1);
    assert_int_equal(sent.n, 1);
    assert_int_equal(sent.data, 0xc051);
    assert_int_equal(get(b, 0x24), 0xe051);
    bench_pin(b, 10, 0);
    bench_pin(b, 10, 1);
    assert_int_equal(sent.n, 1); /* it is under way */
    bench_snapshot_roundtrip(b);
    ioapic_eoi(b->d, 0x52);
    assert_int_equal(sent.n, 1);
    machine_lock();
    ioapic_eoi(b->d, 0x51);
    machine_unlock();
    assert_int_equal(sent.n, 2);
    bench_pin(b, 10, 0);
    bench_w(b, "EOIR", 0x51);
    assert_int_equal(get(b, 0x24), 0xa051);
    put(b, 0x24, 0x1a051);
    bench_pin(b, 10, 1);
    assert_int_equal(sent.n, 2);
    put(b, 0x24, 0xa051); /* seen when the mask goes */
    assert_int_equal(sent.n, 3);
    put(b, 0x24, 0x12051); /* to edges and back: forgotten */
    put(b, 0x24, 0xa051);
    assert_int_equal(sent.n, 4);
    bench_free(b);
}

static void old_ones_have_no_end(void **st)
{
    (void)st;
    struct bench *b = ioapic("version=0x11");
    assert_int_equal(get(b, 1), 0x170011);
    put(b, 0x10, 0x8041);
    bench_pin(b, 0, 1);
    bench_w(b, "EOIR", 0x41);
    assert_int_equal(get(b, 0x10), 0xc041);
    bench_free(b);
}

static void anything_goes(void **st)
{
    (void)st;
    struct bench *b = ioapic(NULL);
    srandom(3);
    for (unsigned i = 0; i < 20000; i++) {
        if (random() % 3 == 0) {
            bench_pin(b, (unsigned)random() % IOAPIC_PINS, random() & 1);
        } else if (random() & 1) {
            put(b, (unsigned)random() & 0xff, (u32)random() << 1);
        } else {
            bench_write(b, (u64)random() & 0x7c, 1u << random() % 3, (u64)random());
        }
    }
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(registers),     cmocka_unit_test(edges),
        cmocka_unit_test(levels),        cmocka_unit_test(old_ones_have_no_end),
        cmocka_unit_test(anything_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
