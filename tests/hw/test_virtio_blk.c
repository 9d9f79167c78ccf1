/* virtio-blk behind every transport and ring format, driven by a small driver of our own. */
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/log.h"
#include "block/block.h"
#include "hw/block/virtio_blk.h"
#include "tests/hw/virtio_drv.h"

#define DISK_SIZE (1u << 20)
enum { T_IN = 0, T_OUT = 1, T_FLUSH = 4, T_GET_ID = 8, T_DISCARD = 11, T_WRITE_ZEROES = 13 };
#define F_RO           BIT(5)
#define F_FLUSH        BIT(9)
#define F_MQ           BIT(12)
#define F_DISCARD      BIT(13)
#define F_WRITE_ZEROES BIT(14)
#define ALL            (~0ull & ~BIT(VIRTIO_F_RING_PACKED) & ~BIT(VIRTIO_F_INDIRECT_DESC))

static char image[] = "/tmp/moss-virtio-blk-XXXXXX";

static void *backend(enum prop_kind kind, const char *id, struct err *e)
{
    (void)kind;
    struct blockdev *b = block_find(id);
    if (!b) {
        err_set(e, "no drive %s", id);
    }
    return b;
}

/* A disk whose sector n is filled with n + 1, behind that bus. */
static struct drv *blk_new(enum drv_bus bus, const char *props, bool read_only)
{
    struct err e = {0};
    strcpy(image + strlen(image) - 6, "XXXXXX");
    int fd = mkstemp(image);
    assert_true(fd >= 0);
    for (unsigned i = 0; i < DISK_SIZE / 512; i++) {
        u8 sector[512];
        memset(sector, (int)(i + 1), sizeof(sector));
        assert_int_equal(write(fd, sector, sizeof(sector)), 512);
    }
    close(fd);
    if (!block_open_file("disk", image, read_only, &e)) {
        fail_msg("%s", e.msg);
    }
    prop_backend = backend;
    char all[200];
    snprintf(all, sizeof(all), "drive=disk%s%s", props ? "," : "", props ? props : "");
    return drv_new(bus, &virtio_blk_class, &virtio_blk_pci_class, all);
}

static void blk_free(struct drv *d)
{
    drv_free(d);
    block_close_all();
    unlink(image);
}

/* A request in the parts a driver uses; gives the status. */
static u8 request(struct drv *d, unsigned q, u32 type, u64 sector, u64 data, u32 len, bool write)
{
    u64 h = drv_alloc(d, 17, 16);
    st32le(drv_host(d, h), type);
    st64le(drv_host(d, h + 8), sector);
    *drv_host(d, h + 16) = 0xee;
    struct seg s[3] = {{h, 16, false}, {data, len, write}, {h + 16, 1, true}};
    if (!len) {
        s[1] = s[2];
    }
    u32 used = drv_do(d, q, s, len ? 3 : 2);
    assert_int_equal(used, write ? len + 1 : 1);
    return *drv_host(d, h + 16);
}

static void read_write_flush(struct drv *d)
{
    u64 buf = drv_alloc(d, 4096, 16);
    assert_int_equal(drv_config(d, 0, 4), DISK_SIZE / 512);
    assert_int_equal(request(d, 0, T_IN, 3, buf, 1024, true), 0);
    assert_int_equal(*drv_host(d, buf), 4);
    assert_int_equal(*drv_host(d, buf + 1023), 5);
    memset(drv_host(d, buf), 0x77, 512);
    assert_int_equal(request(d, 0, T_OUT, 9, buf, 512, false), 0);
    assert_int_equal(request(d, 0, T_FLUSH, 0, 0, 0, false), 0);
    assert_int_equal(request(d, 0, T_IN, 8, buf, 1536, true), 0);
    assert_int_equal(*drv_host(d, buf), 9);
    assert_int_equal(*drv_host(d, buf + 512), 0x77);
    assert_int_equal(*drv_host(d, buf + 1024), 11);
    assert_true(drv_irq(d));
    assert_int_equal(drv_isr(d), 1);
    assert_false(drv_irq(d));
}

static void every_bus_and_ring(void **st)
{
    (void)st;
    for (int bus = DRV_MMIO_LEGACY; bus <= DRV_PCI; bus++) {
        for (unsigned variant = 0; variant < 8; variant++) {
            u64 want = F_FLUSH | (variant & 1 ? BIT(VIRTIO_F_INDIRECT_DESC) : 0) |
                       (variant & 2 ? BIT(VIRTIO_F_EVENT_IDX) : 0) | (variant & 4 ? BIT(VIRTIO_F_RING_PACKED) : 0);
            if (variant & 4 && (bus == DRV_MMIO_LEGACY || bus == DRV_PCI_LEGACY)) {
                continue;
            }
            struct drv *d = blk_new(bus, "packed=on", false);
            drv_start(d, want, 1);
            assert_int_equal(d->packed, !!(variant & 4));
            read_write_flush(d);
            for (unsigned i = 0; i < 200; i++) { /* round the ring a few times */
                u64 heap = d->heap, buf = drv_alloc(d, 512, 16);
                assert_int_equal(request(d, 0, T_IN, i, buf, 512, true), 0);
                assert_int_equal(*drv_host(d, buf), (u8)(i == 9 ? 0x77 : i + 1));
                d->heap = heap;
            }
            bench_snapshot_roundtrip(d->b);
            u64 buf = drv_alloc(d, 512, 16); /* and it goes on after that */
            assert_int_equal(request(d, 0, T_IN, 20, buf, 512, true), 0);
            blk_free(d);
        }
    }
}

static void many_at_once(void **st)
{
    (void)st;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct drv *d = blk_new(DRV_MMIO, "packed=on", false);
        drv_start(d, packed ? BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_F_INDIRECT_DESC) : BIT(VIRTIO_F_INDIRECT_DESC), 1);
        u64 h[60];
        u16 id[60];
        for (unsigned i = 0; i < 60; i++) {
            h[i] = drv_alloc(d, 1024, 16);
            st64le(drv_host(d, h[i] + 8), i);
            struct seg s[3] = {{h[i], 16, false}, {h[i] + 32, 512, true}, {h[i] + 16, 1, true}};
            id[i] = drv_add(d, 0, s, 3);
        }
        drv_kick(d, 0);
        for (unsigned done = 0; done < 60;) {
            u16 got;
            u32 len;
            bench_turn(0);
            while (drv_used(d, 0, &got, &len)) {
                unsigned i = 0;
                while (id[i] != got) {
                    i++;
                }
                assert_int_equal(*drv_host(d, h[i] + 32), i + 1);
                assert_int_equal(*drv_host(d, h[i] + 16), 0);
                done++;
            }
        }
        blk_free(d);
    }
}

static void what_is_wrong_is_an_error(void **st)
{
    (void)st;
    struct drv *d = blk_new(DRV_MMIO, "serial=ABC123,logical_block_size=1024,physical_block_size=4096", false);
    drv_start(d, ALL, 1);
    u64 buf = drv_alloc(d, 4096, 16);
    assert_int_equal(drv_config(d, 20, 4), 1024);
    assert_int_equal(drv_config(d, 24, 1), 2);
    assert_int_equal(request(d, 0, T_IN, DISK_SIZE / 512, buf, 1024, true), 1);
    assert_int_equal(request(d, 0, T_IN, DISK_SIZE / 512 - 2, buf, 1024, true), 0);
    assert_int_equal(request(d, 0, T_IN, ~0ull, buf, 1024, true), 1);
    assert_int_equal(request(d, 0, T_IN, 1, buf, 1024, true), 1); /* not on a block */
    assert_int_equal(request(d, 0, T_IN, 0, buf, 512, true), 1);  /* not a whole one */
    assert_int_equal(request(d, 0, T_IN, 0, 0, 0, true), 0);      /* nothing is fine */
    assert_int_equal(request(d, 0, 99, 0, buf, 512, true), 2);
    assert_int_equal(request(d, 0, T_GET_ID, 0, buf, 20, true), 0);
    assert_string_equal((char *)drv_host(d, buf), "ABC123");
    bench_snapshot_roundtrip(d->b);
    blk_free(d);

    d = blk_new(DRV_MMIO, NULL, true);
    drv_start(d, ALL, 1);
    assert_true(d->features & F_RO);
    buf = drv_alloc(d, 4096, 16);
    assert_int_equal(request(d, 0, T_OUT, 0, buf, 512, false), 1);
    blk_free(d);
}

static void discard_and_zero(void **st)
{
    (void)st;
    struct drv *d = blk_new(DRV_MMIO, NULL, false);
    drv_start(d, ALL, 1);
    u64 buf = drv_alloc(d, 4096, 16);
    u8 *range = drv_host(d, buf);
    st64le(range, 16);
    st32le(range + 8, 8);
    assert_int_equal(request(d, 0, T_WRITE_ZEROES, 0, buf, 16, false), 0);
    assert_int_equal(request(d, 0, T_DISCARD, 0, buf, 16, false), 0);
    st32le(range + 12, 1);
    assert_int_equal(request(d, 0, T_DISCARD, 0, buf, 16, false), 2);
    st32le(range + 12, 2);
    assert_int_equal(request(d, 0, T_WRITE_ZEROES, 0, buf, 16, false), 2);
    st32le(range + 12, 0);
    st32le(range + 8, DISK_SIZE);
    assert_int_equal(request(d, 0, T_WRITE_ZEROES, 0, buf, 16, false), 1);
    assert_int_equal(request(d, 0, T_IN, 15, buf, 1024, true), 0);
    assert_int_equal(*drv_host(d, buf), 16);
    assert_int_equal(*drv_host(d, buf + 512), 0);
    blk_free(d);
}

static void queues_and_write_cache(void **st)
{
    (void)st;
    struct drv *d = blk_new(DRV_PCI, "num-queues=4,queue-size=16", false);
    drv_start(d, ALL, 4);
    assert_true(d->features & F_MQ);
    assert_int_equal(drv_config(d, 34, 2), 4);
    assert_int_equal(d->q[3].num, 16);
    for (unsigned q = 0; q < 4; q++) {
        u64 buf = drv_alloc(d, 512, 16);
        assert_int_equal(request(d, q, T_IN, q, buf, 512, true), 0);
        assert_int_equal(*drv_host(d, buf), q + 1);
    }
    assert_int_equal(drv_config(d, 32, 1), 1);
    drv_config_set(d, 32, 1, 0);
    assert_int_equal(drv_config(d, 32, 1), 0);
    u64 buf = drv_alloc(d, 512, 16);
    assert_int_equal(request(d, 0, T_OUT, 0, buf, 512, false), 0);
    bench_snapshot_roundtrip(d->b);
    drv_reset(d);
    assert_int_equal(drv_config(d, 32, 1), 1);
    blk_free(d);
}

static void reset_with_requests_in_flight(void **st)
{
    (void)st;
    struct drv *d = blk_new(DRV_MMIO, NULL, false);
    for (unsigned round = 0; round < 20; round++) {
        d->heap = BENCH_RAM + 0x10000;
        drv_start(d, ALL, 1);
        u64 buf = drv_alloc(d, 65536, 16);
        for (unsigned i = 0; i < 15; i++) {
            st64le(drv_host(d, buf + 1024 * i + 8), 0);
            struct seg s[3] = {{buf + 1024 * i, 16, false}, {buf + 32768, 4096, true}, {buf + 1024 * i + 16, 1, true}};
            drv_add(d, 0, s, 3);
        }
        drv_kick(d, 0);
        drv_reset(d);
        bench_turn(0);
    }
    blk_free(d);
}

static void refuses_bad_properties(void **st)
{
    (void)st;
    static const char *const bad[] = {"", "drive=disk,logical_block_size=100", "drive=disk,physical_block_size=256",
                                      "drive=disk,queue-size=100", "drive=disk,num-queues=100"};
    struct drv *d = blk_new(DRV_MMIO, NULL, false);
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        struct device *x = device_new(&d->b->m, &virtio_blk_class, NULL);
        struct opts o = {0};
        assert_true(!*bad[i] || opts_parse(&o, bad[i], NULL, &e));
        for (size_t k = 0; k < o.n; k++) {
            assert_true(device_set_prop(x, o.v[k].key, o.v[k].value, &e));
        }
        opts_free(&o);
        assert_false(device_init(x, &e));
        assert_non_null(strstr(e.msg, "virtio-blk-device"));
    }
    blk_free(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bus_and_ring),        cmocka_unit_test(many_at_once),
        cmocka_unit_test(what_is_wrong_is_an_error), cmocka_unit_test(discard_and_zero),
        cmocka_unit_test(queues_and_write_cache),    cmocka_unit_test(reset_with_requests_in_flight),
        cmocka_unit_test(refuses_bad_properties),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
