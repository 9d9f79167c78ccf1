/* virtio-rng: bytes, and the limit on them. */
#include <string.h>

#include "base/bits.h"
#include "base/clock.h"
#include "hw/misc/virtio_rng.h"
#include "tests/hw/virtio_drv.h"

static void fills_buffers(void **st)
{
    (void)st;
    for (int bus = DRV_MMIO_LEGACY; bus <= DRV_PCI; bus++) {
        struct drv *d = drv_new(bus, &virtio_rng_class, &virtio_rng_pci_class, "rng=rng0");
        drv_start(d, 0, 1);
        u64 at = drv_alloc(d, 256, 16);
        struct seg s[2] = {{at, 64, true}, {at + 128, 64, true}};
        assert_int_equal(drv_do(d, 0, s, 2), 128);
        unsigned zeros = 0;
        for (unsigned i = 0; i < 64; i++) {
            zeros += !*drv_host(d, at + i) + !*drv_host(d, at + 128 + i);
            assert_int_equal(*drv_host(d, at + 64 + i), 0);
        }
        assert_true(zeros < 32);
        bench_snapshot_roundtrip(d->b);
        drv_free(d);
    }
}

static void keeps_to_its_rate(void **st)
{
    (void)st;
    struct drv *d = drv_new(DRV_MMIO, &virtio_rng_class, &virtio_rng_pci_class, "max-bytes=16,period=50");
    drv_start(d, 0, 1);
    u64 at = drv_alloc(d, 64, 16), t0 = clock_now(CLOCK_HOST);
    struct seg s = {at, 64, true};
    clock_start();
    assert_int_equal(drv_do(d, 0, &s, 1), 16);
    assert_int_equal(drv_do(d, 0, &s, 1), 16);
    assert_int_equal(drv_do(d, 0, &s, 1), 16);
    assert_true(clock_now(CLOCK_HOST) - t0 > 60000000);
    clock_stop();
    bench_snapshot_roundtrip(d->b);
    drv_free(d);
}

/* A buffer may be filled in part: gigabytes of it would take too long. */
static void large_buffers(void **st)
{
    (void)st;
    struct drv *d = drv_new(DRV_MMIO, &virtio_rng_class, &virtio_rng_pci_class, NULL);
    drv_start(d, 0, 1);
    struct seg s = {BENCH_RAM + 0x800000, 8 << 20, true};
    assert_int_equal(drv_do(d, 0, &s, 1), 65536);
    drv_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fills_buffers),
        cmocka_unit_test(keeps_to_its_rate),
        cmocka_unit_test(large_buffers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
