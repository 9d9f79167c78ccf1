/* Devices for tests and teaching: edu, and pc-testdev. */
#include <string.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "hw/core/isa.h"
#include "hw/misc/edu.h"
#include "hw/misc/pc_testdev.h"
#include "tests/hw/pci_bench.h"

static u64 now;
static void pass(u64 us)
{
    now += us * 1000;
    clock_set(now);
    for (unsigned i = 0; i < 4; i++) {
        loop_turn(0);
    }
}
static struct pci_bench s;
static u32 r(unsigned off)
{
    return (u32)pci_bench_load(&s, s.mem + off, 4);
}
static void w(unsigned off, u32 v)
{
    pci_bench_store(&s, s.mem + off, 4, v);
}

static void computes_and_interrupts(void **st)
{
    (void)st;
    clock_set(now);
    s = pci_bench_new(&edu_class, NULL);
    assert_int_equal(pci_bench_load(&s, pci_bench_config(&s, 0), 4), 0x11e81234);
    assert_int_equal(r(0), 0x010000ed);
    w(4, 0x12345678);
    assert_int_equal(r(4), 0xedcba987);
    w(0x20, 0x80);
    w(8, 10);
    assert_int_equal(r(0x20), 0x81);
    w(8, 5); /* too early */
    bench_snapshot_roundtrip(s.b);
    pass(100);
    assert_int_equal(r(0x20), 0x80);
    assert_int_equal(r(8), 3628800);
    assert_int_equal(r(0x24), 1);
    assert_true(pci_bench_intx(&s));
    w(0x64, 1);
    assert_false(pci_bench_intx(&s));
    w(8, 0);
    pass(100);
    assert_int_equal(r(8), 1);
    w(8, 0xffffffff);
    pass(100);
    assert_int_equal(r(8), 0);
    w(0x60, 0x30);
    assert_int_equal(r(0x24), 0x31);
    bench_snapshot_roundtrip(s.b);
    w(0x64, ~0u);
    pci_bench_free(&s);
}

/* While messages are on, the pin is down (PCI 3.0, 6.8.3.3); it comes back with what is still pending. */
static void messages_or_pin(void **st)
{
    (void)st;
    s = pci_bench_new(&edu_class, NULL);
    u64 cap = pci_bench_config(&s, (unsigned)pci_bench_load(&s, pci_bench_config(&s, PCI_CAPABILITIES), 1));
    w(0x60, 1);
    assert_true(pci_bench_intx(&s));
    pci_bench_store(&s, cap + 2, 2, 1);
    assert_false(pci_bench_intx(&s));
    pci_bench_store(&s, cap + 2, 2, 0);
    assert_true(pci_bench_intx(&s));
    pci_bench_free(&s);
}

static void dma(u64 source, u64 target, u64 count, u32 command)
{
    pci_bench_store(&s, s.mem + 0x80, 8, source);
    w(0x88, (u32)target);
    w(0x8c, (u32)(target >> 32));
    pci_bench_store(&s, s.mem + 0x90, 8, count);
    pci_bench_store(&s, s.mem + 0x98, 8, command);
    assert_int_equal(r(0x98) & 1, command & 1);
    pass(100);
    assert_int_equal(r(0x98) & 1, 0);
}
static void moves_bytes(void **st)
{
    (void)st;
    s = pci_bench_new(&edu_class, "dma_mask=0xffffffff");
    u8 *ram = pci_bench_ram(&s, BENCH_RAM);
    memset(ram, 0xa5, 100);
    dma(BENCH_RAM, 0x40010, 100, 1);
    dma(0x40010, BENCH_RAM + 0x1000, 100, 7);
    assert_memory_equal(ram + 0x1000, ram, 100);
    assert_int_equal(r(0x24), 0x100);
    bench_snapshot_roundtrip(s.b);
    static const u64 bad[][3] = {{BENCH_RAM, 0x40ff0, 17},    {BENCH_RAM, 0x3ffff, 1}, {BENCH_RAM, 0x40000, 4097},
                                 {BENCH_RAM, 0x40000, ~0ull}, {~0ull, 0x40000, 1},     {0xffffffff, 0x40000, 8},
                                 {BENCH_RAM, 0x41001, 0}};
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        u64 errors = guest_error_count();
        dma(bad[i][0], bad[i][1], bad[i][2], 1);
        assert_true(guest_error_count() > errors);
    }
    pci_bench_free(&s);
}

static void hostile(void **st)
{
    (void)st;
    s = pci_bench_new(&edu_class, "dma_mask=0xffffffff");
    u32 x = 13;
    for (unsigned i = 0; i < 50000; i++) {
        x = x * 1664525 + 1013904223;
        unsigned size = x >> 31 ? 8 : 4, off = x >> 16 & 0xf8;
        u64 v = x & 2 ? BENCH_RAM + (x & 0xffff) : x & 4 ? 0x40000 + (x & 0x1fff) : x >> (x & 31);
        if (x >> 29 & 1) {
            pci_bench_store(&s, s.mem + off, size, v);
        } else if (x >> 28 & 1) {
            pci_bench_load(&s, s.mem + off, size);
        } else {
            pass(x >> 8 & 255);
        }
    }
    bench_snapshot_roundtrip(s.b);
    pci_bench_free(&s);
}

static int line[ISA_IRQS];
static void heard(void *to, unsigned n, int level)
{
    (void)to;
    line[n] = level;
}
static u64 port(struct bench *b, u64 at, unsigned size)
{
    u64 v = 0;
    assert_int_equal(mem_load(b->m.iospace, at, size, &v, (struct mem_attrs){0}), MEM_OK);
    return v;
}
static void kvm_unit_tests_ports(void **st)
{
    (void)st;
    struct err e = {0};
    struct bench *b = bench_make(&isa_bus_class, NULL);
    b->m.iospace = mem_space_new("ports");
    bench_start(b);
    for (unsigned n = 0; n < ISA_IRQS; n++) {
        b->d->irqs[n] = (struct irq){.fn = heard, .n = n};
    }
    struct device *d = device_new(&b->m, &pc_testdev_class, NULL);
    machine_lock();
    assert_true(device_plug(d, NULL, &e) && device_init(d, &e));
    device_reset(d);
    machine_unlock();
    mem_store(b->m.iospace, 0xe0, 4, 0x12345678, (struct mem_attrs){0});
    assert_int_equal(port(b, 0xe0, 4), 0x12345678);
    assert_int_equal(port(b, 0xe2, 2), 0x1234);
    mem_store(b->m.iospace, 0xe4, 4, 0xff000, (struct mem_attrs){0});
    assert_int_equal(port(b, 0xe4, 4), 0);
    mem_store(b->m.iospace, 0x200e, 1, 1, (struct mem_attrs){0});
    assert_int_equal(line[14], 1);
    assert_int_equal(port(b, 0x200e, 1), 1);
    u64 gaps = unimp_count();
    mem_store(b->m.iospace, 0x2014, 1, 1, (struct mem_attrs){0});
    assert_int_equal(unimp_count(), gaps + 1);
    mem_store(b->m.sysmem, 0xff00fff8, 8, 0x1122334455667788, (struct mem_attrs){0});
    u64 v = 0;
    mem_load(b->m.sysmem, 0xff00fffa, 2, &v, (struct mem_attrs){0});
    assert_int_equal(v, 0x5566);
    bench_snapshot_roundtrip(b);
    mem_store(b->m.iospace, 0x200e, 1, 0, (struct mem_attrs){0});
    assert_int_equal(line[14], 0);
    mem_space_free(b->m.iospace);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(computes_and_interrupts),
        cmocka_unit_test(messages_or_pin),
        cmocka_unit_test(moves_bytes),
        cmocka_unit_test(hostile),
        cmocka_unit_test(kvm_unit_tests_ports),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
