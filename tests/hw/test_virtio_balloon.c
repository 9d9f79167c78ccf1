/* virtio-balloon: pages go, and come back as zeros. */
#include <string.h>

#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"
#include "hw/virtio/virtio_balloon.h"
#include "tests/hw/virtio_drv.h"

static struct drv *balloon_new(enum drv_bus bus)
{
    return drv_new(bus, &virtio_balloon_class, &virtio_balloon_pci_class, "free-page-reporting=on,deflate-on-oom=on");
}

static void pages_are_given(void **st)
{
    (void)st;
    for (int bus = DRV_MMIO_LEGACY; bus <= DRV_PCI; bus++) {
        struct drv *d = balloon_new(bus);
        drv_start(d, ~0ull & ~BIT(VIRTIO_F_RING_PACKED), 4);
        assert_int_equal(d->features & (BIT(1) | BIT(2) | BIT(5)), BIT(1) | BIT(2) | BIT(5));
        u64 list = drv_alloc(d, 64, 16), page = BENCH_RAM + 0x800000;
        memset(drv_host(d, page), 0x55, 0x4000);
        st32le(drv_host(d, list), (u32)(page >> 12));
        st32le(drv_host(d, list + 4), (u32)(page >> 12) + 2);
        struct seg s = {list, 8, false};
        drv_do(d, 0, &s, 1);
        assert_int_equal(*drv_host(d, page), 0);
        assert_int_equal(*drv_host(d, page + 0x1000), 0x55);
        assert_int_equal(*drv_host(d, page + 0x2fff), 0);
        assert_int_equal(*drv_host(d, page + 0x3000), 0x55);
        *drv_host(d, page) = 7;
        drv_do(d, 1, &s, 1); /* taken again: nothing is lost */
        assert_int_equal(*drv_host(d, page), 7);
        struct seg free_pages = {page + 0x800, 0x3000, true};
        drv_do(d, 3, &free_pages, 1);
        assert_int_equal(*drv_host(d, page), 7);
        assert_int_equal(*drv_host(d, page + 0x3000), 0x55);
        assert_int_equal(*drv_host(d, page + 0x1000), 0);
        u64 errors = guest_error_count();
        st32le(drv_host(d, list), 0x12345);
        st32le(drv_host(d, list + 4), ~0u);
        drv_do(d, 0, &s, 1);
        assert_int_equal(guest_error_count(), errors + 2);
        bench_snapshot_roundtrip(d->b);
        drv_free(d);
    }
}

static void endless_lists(void **st)
{
    (void)st;
    struct drv *d = balloon_new(DRV_MMIO);
    drv_start(d, ~0ull & ~BIT(VIRTIO_F_RING_PACKED), 4);
    u64 list = drv_alloc(d, 4 * 4097, 16), page = BENCH_RAM + 0x800000;
    for (unsigned i = 0; i < 4097; i++) {
        st32le(drv_host(d, list + 4 * i), (u32)(page >> 12));
    }
    struct seg s = {list, 4 * 4096, false};
    drv_do(d, 0, &s, 1);
    assert_int_equal(drv_status(d) & VIRTIO_S_NEEDS_RESET, 0);
    s.len += 4;
    drv_do(d, 0, &s, 1);
    assert_int_equal(drv_status(d) & VIRTIO_S_NEEDS_RESET, VIRTIO_S_NEEDS_RESET);
    drv_free(d);
}

static void sizes_and_statistics(void **st)
{
    (void)st;
    struct drv *d = balloon_new(DRV_MMIO);
    u64 stats[BALLOON_STATS];
    drv_start(d, ~0ull & ~BIT(VIRTIO_F_RING_PACKED), 4);
    struct device *b = virtio_balloon_find(&d->b->m);
    assert_non_null(b);
    u64 list = drv_alloc(d, 64, 16);
    st16le(drv_host(d, list), 4);
    st64le(drv_host(d, list + 2), 0x1234567);
    st16le(drv_host(d, list + 10), 99);
    struct seg s = {list, 20, false};
    drv_add(d, 2, &s, 1);
    drv_kick(d, 2);
    machine_lock();
    virtio_balloon_ask(b, 12 << 20);
    virtio_balloon_stats(b, stats);
    machine_unlock();
    assert_int_equal(stats[4], 0x1234567);
    assert_int_equal(stats[5], ~0ull);
    assert_int_equal(drv_config(d, 0, 4), 1024);
    assert_int_equal(drv_isr(d) & 2, 2);
    drv_config_set(d, 4, 4, 1024);
    assert_int_equal(virtio_balloon_left(b), 12 << 20);
    u16 id;
    u32 len;
    assert_true(drv_used(d, 2, &id, &len));
    machine_lock();
    virtio_balloon_ask(b, 1ull << 40);
    virtio_balloon_stats(b, stats); /* no buffer: what was known */
    machine_unlock();
    assert_int_equal(stats[4], 0x1234567);
    assert_int_equal(drv_config(d, 0, 4), 0);
    bench_snapshot_roundtrip(d->b);
    drv_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(endless_lists), cmocka_unit_test(pages_are_given),
                                       cmocka_unit_test(sizes_and_statistics)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
