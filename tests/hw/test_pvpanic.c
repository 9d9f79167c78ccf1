/* Devices that ask something of the machine: pvpanic, and the 6300ESB's watchdog. */
#include "base/clock.h"
#include "base/log.h"
#include "base/loop.h"
#include "hw/misc/i6300esb.h"
#include "hw/misc/pvpanic.h"
#include "tests/hw/pci_bench.h"

static unsigned panics, shutdowns, barks;
static void panic(void)
{
    panics++;
}
static void watchdog(void)
{
    barks++;
}
static void shutdown(enum shutdown_cause c, int code)
{
    assert_int_equal(c, SHUTDOWN_GUEST);
    assert_int_equal(code, 0);
    shutdowns++;
}
static void listen(void)
{
    machine_request_panic = panic;
    machine_request_watchdog = watchdog;
    machine_request_shutdown = shutdown;
    panics = shutdowns = barks = 0;
}

static void on_isa(void **st)
{
    (void)st;
    listen();
    struct bench *b = bench_new(&pvpanic_class, NULL);
    assert_int_equal(bench_read(b, 0, 1), 7);
    bench_write(b, 0, 1, 2);
    assert_int_equal(panics + shutdowns, 0);
    bench_write(b, 0, 1, 1);
    assert_int_equal(panics, 1);
    bench_write(b, 0, 1, 4);
    assert_int_equal(shutdowns, 1);
    u64 errors = guest_error_count();
    for (unsigned v = 0; v < 256; v += 8) {
        bench_write(b, 0, 1, v);
    }
    assert_int_equal(guest_error_count(), errors + 31);
    assert_int_equal(panics, 1);
    bench_snapshot_roundtrip(b);
    bench_free(b);
    b = bench_new(&pvpanic_class, "events=2");
    assert_int_equal(bench_read(b, 0, 1), 2);
    bench_write(b, 0, 1, 5);
    assert_int_equal(panics + shutdowns, 2);
    bench_free(b);
}

static void on_pci(void **st)
{
    (void)st;
    listen();
    struct pci_bench s = pci_bench_new(&pvpanic_pci_class, NULL);
    assert_int_equal(pci_bench_load(&s, pci_bench_config(&s, 0), 4), 0x00111b36);
    assert_int_equal(pci_bench_load(&s, s.mem, 1), 7);
    assert_int_equal(pci_bench_load(&s, s.mem + 3, 1), 0);
    pci_bench_store(&s, s.mem + 1, 1, 1);
    assert_int_equal(panics, 0);
    pci_bench_store(&s, s.mem, 4, 1);
    assert_int_equal(panics, 1);
    bench_snapshot_roundtrip(s.b);
    pci_bench_free(&s);
}

/* -- the watchdog ----------------------------------------------------------------------------------------------------
 */

enum { PRELOAD1 = 0, PRELOAD2 = 4, GINTSR = 8, RELOAD = 12, CONFIG = 0x60, LOCK = 0x68 };
static u64 now;
static void pass(u64 ms)
{
    now += ms * 1000000;
    clock_set(now);
    for (unsigned i = 0; i < 4; i++) {
        loop_turn(0);
    }
}
static void w(struct pci_bench *s, unsigned off, unsigned size, u32 v)
{
    pci_bench_store(s, s->mem + RELOAD, 2, 0x80);
    pci_bench_store(s, s->mem + RELOAD, 2, 0x86);
    pci_bench_store(s, s->mem + off, size, v);
}

static void barks_when_nobody_answers(void **st)
{
    (void)st;
    listen();
    clock_set(now);
    struct pci_bench s = pci_bench_new(&i6300esb_class, NULL);
    assert_int_equal(pci_bench_load(&s, pci_bench_config(&s, 0), 4), 0x25ab8086);
    assert_int_equal(pci_bench_load(&s, s.mem, 4), 0xfffff);
    pci_bench_store(&s, s.mem + PRELOAD1, 4, 100); /* not unlocked */
    assert_int_equal(pci_bench_load(&s, s.mem, 4), 0xfffff);
    w(&s, PRELOAD1, 4, 1000); /* near a second each */
    w(&s, PRELOAD2, 4, 1000);
    assert_int_equal(pci_bench_load(&s, s.mem, 4), 1000);
    pci_bench_store(&s, pci_bench_config(&s, LOCK), 1, 3);
    pci_bench_store(&s, pci_bench_config(&s, LOCK), 1, 0); /* locked */
    assert_int_equal(pci_bench_load(&s, pci_bench_config(&s, LOCK), 1), 3);
    for (unsigned i = 0; i < 5; i++) {
        pass(900);
        w(&s, RELOAD, 2, 0x100);
    }
    assert_false(pci_bench_intx(&s));
    pass(990);
    assert_true(pci_bench_intx(&s));
    assert_int_equal(pci_bench_load(&s, s.mem + GINTSR, 1), 1);
    bench_snapshot_roundtrip(s.b);
    pci_bench_store(&s, s.mem + GINTSR, 1, 1);
    assert_false(pci_bench_intx(&s));
    assert_int_equal(barks, 0);
    pass(990);
    assert_int_equal(barks, 1);
    device_reset(&s.p->dev);
    assert_int_equal(pci_bench_load(&s, pci_bench_config(&s, LOCK), 1), 0);
    pci_bench_store(&s, pci_bench_config(&s, 4), 2, 7);
    pci_bench_store(&s, pci_bench_config(&s, 0x10), 4, (u32)s.mem);
    assert_int_equal(pci_bench_load(&s, s.mem + RELOAD, 2), 0x200); /* it is still known */
    w(&s, RELOAD, 2, 0x200);
    assert_int_equal(pci_bench_load(&s, s.mem + RELOAD, 2), 0);
    /* fast, free running, no output */
    pci_bench_store(&s, pci_bench_config(&s, CONFIG), 2, 0x27);
    w(&s, PRELOAD2, 4, 1000);
    pci_bench_store(&s, pci_bench_config(&s, LOCK), 1, 6);
    pass(1);
    assert_int_equal(pci_bench_load(&s, s.mem + RELOAD, 2), 0x200);
    assert_int_equal(barks, 1);
    pci_bench_store(&s, pci_bench_config(&s, CONFIG), 2, 0x07);
    pass(1);
    assert_int_equal(barks, 2);
    pci_bench_store(&s, pci_bench_config(&s, LOCK), 1, 4);
    pass(5000);
    assert_int_equal(barks, 2);
    pci_bench_free(&s);
}

static void hostile(void **st)
{
    (void)st;
    listen();
    struct pci_bench s = pci_bench_new(&i6300esb_class, NULL);
    u32 x = 6;
    for (unsigned i = 0; i < 50000; i++) {
        x = x * 1664525 + 1013904223;
        unsigned size = 1u << (x >> 30) % 3, off = x >> 8 & 15 & ~(size - 1);
        if (x >> 27 & 1) {
            w(&s, off, size, x >> 4);
        } else if (x >> 26 & 1) {
            pci_bench_load(&s, s.mem + off, size);
        } else if (x >> 25 & 1) {
            pci_bench_store(&s, pci_bench_config(&s, x & 1 ? CONFIG : LOCK), 1, x >> 12);
        } else {
            pass(x >> 8 & 1023);
        }
    }
    bench_snapshot_roundtrip(s.b);
    pci_bench_free(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(on_isa),
        cmocka_unit_test(on_pci),
        cmocka_unit_test(barks_when_nobody_answers),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
