/* virtio-net between the test driver and a test card on the same hub. */
#include <string.h>

#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"
#include "hw/net/virtio_net.h"
#include "net/net.h"
#include "tests/hw/net_peer.h"
#include "tests/hw/virtio_drv.h"

enum { RX, TX, CTRL };
#define F_CSUM   BIT(0)
#define F_MAC    BIT(5)
#define F_MRG    BIT(15)
#define F_STATUS BIT(16)
#define F_CTRL   (BIT(17) | BIT(18) | BIT(20) | BIT(23))
#define F_VLAN   BIT(19)

static struct drv *net_dev(enum drv_bus bus)
{
    peer_start();
    return drv_new(bus, &virtio_net_class, &virtio_net_pci_class, "netdev=n0,mac=52:54:00:aa:bb:cc,packed=on");
}

static void net_end(struct drv *d)
{
    drv_free(d);
    peer_end();
}

static unsigned header(const struct drv *d)
{
    return d->features & (F_MRG | BIT(VIRTIO_F_VERSION_1)) ? 12 : 10;
}

/* n receive buffers of `size` bytes each, one after the other. */
static u64 rx_fill(struct drv *d, unsigned n, u32 size)
{
    u64 at = drv_alloc(d, n * size, 16);
    for (unsigned i = 0; i < n; i++) {
        struct seg s = {at + i * size, size, true};
        drv_add(d, RX, &s, 1);
    }
    drv_kick(d, RX);
    return at;
}

static void host_send(const u8 *dst, u8 fill, size_t n)
{
    u8 frame[2000];
    memset(frame, fill, sizeof(frame));
    memcpy(frame, dst, 6);
    peer_send(frame, n);
    bench_turn(1000000);
}

static const u8 our_mac[6] = {0x52, 0x54, 0, 0xaa, 0xbb, 0xcc};
static const u8 other_mac[6] = {0x52, 0x54, 0, 1, 2, 3};
static const u8 group[6] = {0x33, 0x33, 0, 0, 0, 1};
static const u8 all[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static void frames_go_both_ways(void **st)
{
    (void)st;
    for (int bus = DRV_MMIO_LEGACY; bus <= DRV_PCI; bus++) {
        for (unsigned variant = 0; variant < 4; variant++) {
            struct drv *d = net_dev(bus);
            drv_start(d,
                      F_MAC | F_STATUS | (variant & 1 ? F_MRG | BIT(VIRTIO_F_EVENT_IDX) : 0) |
                          (variant & 2 ? BIT(VIRTIO_F_RING_PACKED) | BIT(VIRTIO_F_INDIRECT_DESC) : 0),
                      2);
            unsigned hs = header(d);
            for (unsigned i = 0; i < 6; i++) {
                assert_int_equal(drv_config(d, i, 1), our_mac[i]);
            }
            assert_int_equal(drv_config(d, 6, 2), 1);
            u64 tx = drv_alloc(d, 2048, 16);
            memset(drv_host(d, tx + hs), 0x5a, 100);
            struct seg s[2] = {{tx, hs, false}, {tx + hs, 100, false}};
            assert_int_equal(drv_do(d, TX, s, 2), 0);
            assert_int_equal(peer.count, 1);
            assert_int_equal(peer.len[0], 100);
            assert_int_equal(peer.frame[0][99], 0x5a);

            host_send(our_mac, 0x11, 200); /* waits on the host: no buffers yet */
            u64 rx = rx_fill(d, 4, 1600);
            bench_turn(1000000);
            u16 id;
            u32 len;
            assert_true(drv_used(d, RX, &id, &len));
            assert_int_equal(len, hs + 200);
            assert_int_equal(*drv_host(d, rx + hs + 199), 0x11);
            if (hs == 12) {
                assert_int_equal(*drv_host(d, rx + 10), 1);
            }
            host_send(our_mac, 0x22, 30); /* padded */
            assert_true(drv_used(d, RX, &id, &len));
            assert_int_equal(len, hs + 60);
            bench_snapshot_roundtrip(d->b);
            host_send(our_mac, 0x33, 300);
            assert_true(drv_used(d, RX, &id, &len));
            assert_int_equal(len, hs + 300);
            net_end(d);
        }
    }
}

static void big_frames_take_several_buffers(void **st)
{
    (void)st;
    for (unsigned packed = 0; packed < 2; packed++) {
        struct drv *d = net_dev(DRV_MMIO);
        drv_start(d, F_MRG | (packed ? BIT(VIRTIO_F_RING_PACKED) : 0), 2);
        u16 id;
        u32 len, sum = 0;
        u64 at = rx_fill(d, 3, 256);
        host_send(our_mac, 0x44, 1000); /* too long for all of them: lost, and the buffers are still there */
        assert_false(drv_used(d, RX, &id, &len));
        host_send(our_mac, 0x55, 600);
        for (unsigned i = 0; i < 3; i++) {
            assert_true(drv_used(d, RX, &id, &len));
            sum += len;
        }
        assert_int_equal(sum, 12 + 600);
        assert_int_equal(*drv_host(d, at + 10), 3);
        assert_int_equal(*drv_host(d, at + 611), 0x55);
        for (unsigned i = 0; i < 100; i++) { /* round the ring */
            d->heap = BENCH_RAM + 0x100000;
            rx_fill(d, 3, 256);
            host_send(our_mac, (u8)i, 300 + i);
            sum = 0;
            while (drv_used(d, RX, &id, &len)) {
                sum += len;
            }
            assert_int_equal(sum, 12 + 300 + i);
            rx_fill(d, 1, 256);
            host_send(our_mac, (u8)i, 60);
            host_send(our_mac, (u8)i, 60);
            while (drv_used(d, RX, &id, &len)) {
            }
        }
        net_end(d);
    }
}

static void checksums_are_completed(void **st)
{
    (void)st;
    struct drv *d = net_dev(DRV_MMIO);
    drv_start(d, F_CSUM, 2);
    u64 tx = drv_alloc(d, 2048, 16);
    u8 *h = drv_host(d, tx), *f = h + 12;
    h[0] = 1;
    st16le(h + 6, 14);
    st16le(h + 8, 6);
    for (unsigned i = 0; i < 47; i++) { /* an odd number of bytes */
        f[14 + i] = (u8)(i * 7);
    }
    st16be(f + 20, 0x1234);
    struct seg s = {tx, 12 + 61, false};
    drv_do(d, TX, &s, 1);
    assert_int_equal(peer.count, 1);
    u32 sum = 0;
    for (unsigned i = 14; i < 61; i++) { /* the sum over all is what was there before, and ones */
        sum += i % 2 ? peer.frame[0][i] : (u32)peer.frame[0][i] << 8;
    }
    sum -= ld16be(peer.frame[0] + 20);
    sum += 0x1234;
    while (sum >> 16) {
        sum = (sum & 0xffff) + (sum >> 16);
    }
    assert_int_equal((u16)~sum, ld16be(peer.frame[0] + 20));
    u64 errors = guest_error_count();
    st16le(h + 8, 100);
    drv_do(d, TX, &s, 1);
    h[0] = 0;
    h[1] = 1; /* segmentation, which nobody agreed on */
    drv_do(d, TX, &s, 1);
    s.len = 5; /* not even a header */
    drv_do(d, TX, &s, 1);
    assert_int_equal(guest_error_count(), errors + 3);
    assert_int_equal(peer.count, 1);
    net_end(d);
}

static u8 command(struct drv *d, u8 class, u8 cmd, const void *data, u32 n)
{
    u64 at = drv_alloc(d, n + 3, 16);
    u8 *p = drv_host(d, at);
    p[0] = class;
    p[1] = cmd;
    memcpy(p + 2, data, n);
    p[2 + n] = 0xee;
    struct seg s[3] = {{at, 2, false}, {at + 2, n, false}, {at + 2 + n, 1, true}};
    assert_int_equal(drv_do(d, CTRL, s, 3), 1);
    return drv_host(d, at)[2 + n];
}

static bool hears(struct drv *d, const u8 *dst, int vlan)
{
    u8 frame[100] = {0};
    memcpy(frame, dst, 6);
    if (vlan >= 0) {
        st16be(frame + 12, 0x8100);
        st16be(frame + 14, (u16)vlan);
    }
    d->heap = BENCH_RAM + 0x200000;
    rx_fill(d, 1, 1600);
    machine_lock();
    net_send(peer.dev, frame, sizeof(frame));
    machine_unlock();
    bench_turn(100000);
    u16 id;
    u32 len;
    return drv_used(d, RX, &id, &len);
}

static void filters(void **st)
{
    (void)st;
    struct drv *d = net_dev(DRV_PCI);
    drv_start(d, F_CTRL | F_VLAN, 3);
    u8 on = 1, off = 0;
    assert_true(hears(d, other_mac, -1)); /* promiscuous until told otherwise */
    assert_int_equal(command(d, 0, 0, &off, 1), 0);
    assert_false(hears(d, other_mac, -1));
    assert_false(hears(d, group, -1));
    assert_true(hears(d, our_mac, -1));
    assert_true(hears(d, all, -1));
    assert_int_equal(command(d, 0, 1, &on, 1), 0);
    assert_true(hears(d, group, -1));
    assert_int_equal(command(d, 0, 3, &on, 1), 0);
    assert_false(hears(d, group, -1));
    assert_int_equal(command(d, 0, 3, &off, 1), 0);
    assert_int_equal(command(d, 0, 1, &off, 1), 0);
    u8 table[20] = {1};
    memcpy(table + 4, other_mac, 6);
    table[10] = 1;
    memcpy(table + 14, group, 6);
    assert_int_equal(command(d, 1, 0, table, sizeof(table)), 0);
    assert_true(hears(d, other_mac, -1));
    assert_true(hears(d, group, -1));
    assert_int_equal(command(d, 0, 5, &on, 1), 0);
    assert_false(hears(d, all, -1));
    assert_false(hears(d, our_mac, 77));
    u8 vlan[2] = {77, 0};
    assert_int_equal(command(d, 2, 0, vlan, 2), 0);
    assert_true(hears(d, our_mac, 77));
    bench_snapshot_roundtrip(d->b);
    assert_true(hears(d, our_mac, 77));
    assert_int_equal(command(d, 2, 1, vlan, 2), 0);
    assert_false(hears(d, our_mac, 77));
    u8 mac[6] = {2, 0, 0, 0, 0, 9};
    assert_int_equal(command(d, 1, 1, mac, 6), 0);
    assert_false(hears(d, our_mac, -1));
    assert_true(hears(d, mac, -1));
    assert_int_equal(drv_config(d, 5, 1), 9);
    /* what is wrong is refused, and changes nothing */
    table[0] = 200;
    assert_int_equal(command(d, 1, 0, table, sizeof(table)), 1);
    assert_int_equal(command(d, 1, 0, table, 3), 1);
    assert_int_equal(command(d, 0, 9, &on, 1), 1);
    assert_int_equal(command(d, 99, 0, &on, 1), 1);
    assert_true(hears(d, group, -1));
    net_end(d);
}

static void the_link_goes_down(void **st)
{
    (void)st;
    struct drv *d = net_dev(DRV_MMIO);
    drv_start(d, F_STATUS, 2);
    machine_lock();
    net_set_link(net_find("n0"), false);
    machine_unlock();
    assert_int_equal(drv_config(d, 6, 2), 0);
    assert_int_equal(drv_isr(d), 2);
    u64 tx = drv_alloc(d, 100, 16);
    struct seg s = {tx, 100, false};
    drv_do(d, TX, &s, 1);
    assert_int_equal(peer.count, 0);
    machine_lock();
    net_set_link(net_find("n0"), true);
    machine_unlock();
    assert_int_equal(drv_config(d, 6, 2), 1);
    net_end(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(frames_go_both_ways),     cmocka_unit_test(big_frames_take_several_buffers),
        cmocka_unit_test(checksums_are_completed), cmocka_unit_test(filters),
        cmocka_unit_test(the_link_goes_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
