/* Guests that break the rules of virtio: each broken rule is noticed, moss lives, and the device works after a reset.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "block/block.h"
#include "chardev/chardev.h"
#include "hw/block/virtio_blk.h"
#include "hw/char/virtio_serial.h"
#include "hw/display/virtio_gpu.h"
#include "hw/input/virtio_input.h"
#include "hw/misc/virtio_rng.h"
#include "hw/net/virtio_net.h"
#include "hw/scsi/scsi_bus.h"
#include "hw/scsi/virtio_scsi.h"
#include "hw/virtio/virtio_balloon.h"
#include "net/net.h"
#include "tests/hw/virtio_drv.h"

#define PACKED   BIT(VIRTIO_F_RING_PACKED)
#define INDIRECT BIT(VIRTIO_F_INDIRECT_DESC)

/* -- one broken rule a case, on a split ring of the entropy device ----------------------------------------------- */

struct ring {
    struct drv *d;
    struct drv_queue *q;
    u64 buf;
};

static void desc(struct ring *r, u64 table, unsigned i, u64 addr, u32 len, u16 flags, u16 next)
{
    u8 *p = drv_host(r->d, table + 16 * i);
    st64le(p, addr);
    st32le(p + 8, len);
    st16le(p + 12, flags);
    st16le(p + 14, next);
}

static void offer(struct ring *r, u16 head, u16 ahead)
{
    st16le(drv_host(r->d, r->q->driver + 4), head);
    st16le(drv_host(r->d, r->q->driver + 2), ahead);
}

static void head_outside(struct ring *r)
{
    offer(r, r->q->num, 1);
}
static void next_outside(struct ring *r)
{
    desc(r, r->q->desc, 0, r->buf, 16, 2 | 1, r->q->num);
    offer(r, 0, 1);
}
static void loops(struct ring *r)
{
    desc(r, r->q->desc, 0, r->buf, 16, 2 | 1, 1);
    desc(r, r->q->desc, 1, r->buf, 16, 2 | 1, 0);
    offer(r, 0, 1);
}
static void not_ram(struct ring *r)
{
    desc(r, r->q->desc, 0, BENCH_BASE, 16, 2, 0);
    offer(r, 0, 1);
}
static void past_the_end_of_ram(struct ring *r)
{
    desc(r, r->q->desc, 0, BENCH_RAM + (16 << 20) - 8, 16, 2, 0);
    offer(r, 0, 1);
}
static void round_the_address_space(struct ring *r)
{
    desc(r, r->q->desc, 0, ~0ull - 7, 16, 2, 0);
    offer(r, 0, 1);
}
static void reading_behind_writing(struct ring *r)
{
    desc(r, r->q->desc, 0, r->buf, 16, 2 | 1, 1);
    desc(r, r->q->desc, 1, r->buf, 16, 0, 0);
    offer(r, 0, 1);
}
static void too_far_ahead(struct ring *r)
{
    offer(r, 0, r->q->num + 1);
}
static void indirect_in_indirect(struct ring *r)
{
    desc(r, r->buf, 0, r->buf + 64, 16, 4, 0);
    desc(r, r->q->desc, 0, r->buf, 16, 4, 0);
    offer(r, 0, 1);
}
static void indirect_and_next(struct ring *r)
{
    desc(r, r->q->desc, 0, r->buf, 16, 4 | 1, 1);
    offer(r, 0, 1);
}
static void indirect_of_odd_length(struct ring *r)
{
    desc(r, r->q->desc, 0, r->buf, 17, 4, 0);
    offer(r, 0, 1);
}
static void indirect_of_no_length(struct ring *r)
{
    desc(r, r->q->desc, 0, r->buf, 0, 4, 0);
    offer(r, 0, 1);
}
static void indirect_not_in_ram(struct ring *r)
{
    desc(r, r->q->desc, 0, BENCH_BASE, 16, 4, 0);
    offer(r, 0, 1);
}
static void indirect_too_long(struct ring *r)
{
    desc(r, r->q->desc, 0, r->buf, 16 * 1025, 4, 0);
    offer(r, 0, 1);
}
static void indirect_loops(struct ring *r)
{
    desc(r, r->buf, 0, r->buf, 4, 2 | 1, 0);
    desc(r, r->q->desc, 0, r->buf, 32, 4, 0);
    offer(r, 0, 1);
}
static void more_than_4_gib(struct ring *r)
{
    for (unsigned i = 0; i < 3; i++) {
        desc(r, r->q->desc, i, r->buf, 0x80000000u, 2 | 1, (u16)(i + 1));
    }
    offer(r, 0, 1);
}

static void every_rule(void **st)
{
    (void)st;
    static void (*const cases[])(struct ring *) = {
        head_outside,
        next_outside,
        loops,
        not_ram,
        past_the_end_of_ram,
        round_the_address_space,
        reading_behind_writing,
        too_far_ahead,
        indirect_in_indirect,
        indirect_and_next,
        indirect_of_odd_length,
        indirect_of_no_length,
        indirect_not_in_ram,
        indirect_too_long,
        indirect_loops,
        more_than_4_gib,
    };
    struct drv *d = drv_new(DRV_MMIO, &virtio_rng_class, NULL, NULL);
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        d->heap = BENCH_RAM + 0x10000;
        drv_start(d, INDIRECT, 1);
        struct ring r = {d, &d->q[0], drv_alloc(d, 32768, 16)};
        u64 errors = guest_error_count();
        cases[i](&r);
        drv_kick(d, 0);
        assert_true(guest_error_count() > errors);
        assert_true(drv_status(d) & VIRTIO_S_NEEDS_RESET);
        assert_int_equal(drv_isr(d), 2);
        bench_snapshot_roundtrip(d->b);
        errors = guest_error_count();
        drv_kick(d, 0); /* deaf */
        assert_int_equal(guest_error_count(), errors);
        d->heap = BENCH_RAM + 0x10000;
        drv_start(d, 0, 1);
        struct seg s = {drv_alloc(d, 16, 16), 16, true};
        assert_int_equal(drv_do(d, 0, &s, 1), 16);
        assert_int_equal(drv_status(d) & VIRTIO_S_NEEDS_RESET, 0);
    }
    drv_start(d, 0, 1); /* indirect, but that was not agreed on */
    struct ring r = {d, &d->q[0], drv_alloc(d, 64, 16)};
    desc(&r, r.q->desc, 0, r.buf, 16, 4, 0);
    offer(&r, 0, 1);
    drv_kick(d, 0);
    assert_true(drv_status(d) & VIRTIO_S_NEEDS_RESET);
    drv_free(d);
}

static void misplaced_rings(void **st)
{
    (void)st;
    static const u64 at[][3] = {
        {BENCH_RAM + 8, BENCH_RAM + 0x1000, BENCH_RAM + 0x2000}, /* not aligned */
        {BENCH_RAM, BENCH_RAM + 0x1001, BENCH_RAM + 0x2000},
        {BENCH_RAM, BENCH_RAM + 0x1000, BENCH_RAM + 0x2002},
        {0, BENCH_RAM + 0x1000, BENCH_RAM + 0x2000}, /* not RAM */
        {BENCH_RAM, BENCH_BASE, BENCH_RAM + 0x2000},
        {BENCH_RAM, BENCH_RAM + 0x1000, ~0ull << 12},
        {BENCH_RAM + (16 << 20) - 16, BENCH_RAM + 0x1000, BENCH_RAM + 0x2000}, /* too near the end */
    };
    struct drv *d = drv_new(DRV_MMIO, &virtio_rng_class, NULL, "packed=on");
    for (unsigned i = 0; i < 2 * ARRAY_LEN(at); i++) {
        d->heap = BENCH_RAM + 0x10000;
        drv_start(d, i % 2 ? PACKED : 0, 1);
        for (unsigned k = 0; k < 3; k++) {
            u64 addr = at[i / 2][k];
            if (i % 2 && k == 1 && i / 2 == 1) {
                addr++; /* the driver area of a packed ring is a pair of halfwords */
            }
            mem_store(d->b->m.sysmem, BENCH_BASE + 0x80 + 0x10 * k, 4, (u32)addr, (struct mem_attrs){0});
            mem_store(d->b->m.sysmem, BENCH_BASE + 0x84 + 0x10 * k, 4, addr >> 32, (struct mem_attrs){0});
        }
        bench_w32(d->b, 0x44, 0);
        bench_w32(d->b, 0x44, 1);
        drv_kick(d, 0);
        assert_true(drv_status(d) & VIRTIO_S_NEEDS_RESET);
    }
    drv_reset(d);
    bench_w32(d->b, 0x38, 3); /* 3 entries: good for packed rings only */
    drv_free(d);
}

/* -- garbage ----------------------------------------------------------------------------------------------------- */

static void *backend(enum prop_kind kind, const char *id, struct err *e)
{
    (void)e;
    return kind == PROP_BLOCK ? (void *)block_find(id) : kind == PROP_NETDEV ? (void *)net_find(id) : chardev_find(id);
}

static const struct victim {
    const struct device_class *mmio, *pci;
    const char *props;
    unsigned queues;
    bool modern; /* its PCI class has no legacy interface */
} victims[] = {
    {&virtio_blk_class, &virtio_blk_pci_class, "drive=disk,packed=on", 1},
    {&virtio_net_class, &virtio_net_pci_class, "netdev=n0,packed=on", 3},
    {&virtio_serial_class, &virtio_serial_pci_class, "max_ports=2,packed=on", 6},
    {&virtio_rng_class, &virtio_rng_pci_class, "packed=on", 1},
    {&virtio_gpu_class, &virtio_gpu_pci_class, "packed=on,max_outputs=2", 2, true},
    {&virtio_tablet_class, &virtio_tablet_pci_class, "packed=on", 2, true},
    {&virtio_scsi_class, &virtio_scsi_pci_class, "packed=on", 3},
    {&virtio_balloon_class, &virtio_balloon_pci_class, "packed=on,free-page-reporting=on", 4},
};

static struct drv *victim_new(const struct victim *v, enum drv_bus bus, struct netdev **peer)
{
    struct err e = {0};
    bool monitor;
    struct chardev *c;
    prop_backend = backend;
    FILE *f = fopen("/tmp/moss-test-hostile.img", "w");
    assert_non_null(f);
    assert_int_equal(ftruncate(fileno(f), 1 << 16), 0);
    fclose(f);
    if (!block_open_file("disk", "/tmp/moss-test-hostile.img", false, &e) ||
        !net_from_option("hubport,id=n0,hubid=0", &e) || !(*peer = net_from_option("hubport,id=n1,hubid=0", &e)) ||
        !chardev_from_spec("null", "c0", &c, &monitor, &e)) {
        fail_msg("%s", e.msg);
    }
    struct drv *d = drv_new(bus, v->mmio, v->pci, v->props);
    if (v->mmio == &virtio_serial_class) {
        struct device *p = device_new(&d->b->m, &virtconsole_class, NULL);
        machine_lock();
        assert_true(device_set_prop(p, "chardev", "c0", &e) && device_plug(p, NULL, &e) && device_init(p, &e));
        machine_unlock();
    }
    if (v->mmio == &virtio_scsi_class) {
        struct device *p = device_new(&d->b->m, &scsi_hd_class, NULL);
        machine_lock();
        assert_true(device_set_prop(p, "drive", "disk", &e) && device_plug(p, NULL, &e) && device_init(p, &e));
        device_reset(p);
        machine_unlock();
    }
    return d;
}

static void victim_free(struct drv *d)
{
    drv_free(d);
    net_free_all();
    block_close_all();
    unlink("/tmp/moss-test-hostile.img");
}

static u64 some_address(void)
{
    static const u64 odd[] = {0, BENCH_BASE, ~0ull, ~0ull << 12, BENCH_RAM + (16 << 20) - 1, 1ull << 63};
    return rand() % 16 ? BENCH_RAM + (u64)rand() % (16 << 20) : odd[(unsigned)rand() % ARRAY_LEN(odd)];
}

static void garbage_descs(struct drv *d, u64 at, unsigned n, u16 num)
{
    for (unsigned i = 0; i < n; i++) {
        u8 *p = drv_host(d, at + 16 * i);
        st64le(p, some_address());
        st32le(p + 8, rand() % 8 ? (u32)rand() % 600 : (u32)rand());
        u16 a = (u16)(rand() % 16 ? rand() % 8 & ~4 : rand()), b = (u16)(rand() % 32 ? rand() % num : rand());
        if (rand() % 4 == 0) {
            a |= 4;
            st32le(p + 8, 16 * ((u32)rand() % 8));
        }
        if (d->packed) {
            st16le(p + 12, b);
            st16le(p + 14, a | (u16)(rand() & 0x8080));
        } else {
            st16le(p + 12, a);
            st16le(p + 14, b);
        }
    }
}

static void garbage_ring(struct drv *d, unsigned n)
{
    struct drv_queue *q = &d->q[n];
    garbage_descs(d, q->desc, q->num, q->num);
    for (unsigned i = 0; i < 16; i++) { /* what indirect descriptors may hit on */
        garbage_descs(d, BENCH_RAM + ((u64)rand() % 0xf0000 & ~15ull) + 0xf00000, 64, q->num);
    }
    if (!d->packed) {
        for (unsigned i = 0; i < q->num; i++) {
            st16le(drv_host(d, q->driver + 4 + 2 * i), (u16)(rand() % 32 ? rand() % q->num : rand()));
        }
        u16 used = ld16le(drv_host(d, q->device + 2));
        st16le(drv_host(d, q->driver + 2), (u16)(rand() % 8 ? used + rand() % q->num : rand()));
    } else {
        st32le(drv_host(d, q->driver), (u32)rand());
    }
}

static void garbage_rings(void **st)
{
    (void)st;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    for (unsigned i = 0; i < ARRAY_LEN(victims) * 4; i++) {
        const struct victim *v = &victims[i / 4];
        if (v->modern && i % 4 == DRV_PCI_LEGACY) {
            continue;
        }
        struct netdev *peer;
        struct drv *d = victim_new(v, i % 4, &peer);
        for (unsigned round = 0; round < 60; round++) {
            d->heap = BENCH_RAM + 0x10000;
            drv_start(d, (u64)rand() << 32 | (u64)rand() << 8 | (u64)rand(), v->queues);
            for (unsigned k = 0; k < 8; k++) {
                unsigned q = (unsigned)rand() % v->queues;
                garbage_ring(d, q);
                drv_kick(d, q);
                u8 frame[64] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
                machine_lock();
                net_send(peer, frame, sizeof(frame));
                machine_unlock();
                loop_turn(0);
            }
        }
        drv_reset(d);
        bench_turn(0);
        bench_snapshot_roundtrip(d->b);
        victim_free(d);
    }
}

static void garbage_registers(void **st)
{
    (void)st;
    unsigned seed = (unsigned)time(NULL);
    print_message("seed %u\n", seed);
    srand(seed);
    for (unsigned i = 0; i < ARRAY_LEN(victims) * 4; i++) {
        struct netdev *peer;
        if (victims[i / 4].modern && i % 4 == DRV_PCI_LEGACY) {
            continue;
        }
        struct drv *d = victim_new(&victims[i / 4], i % 4, &peer);
        u64 window = i % 4 == DRV_PCI ? 0x4000 : i % 4 == DRV_PCI_LEGACY ? 0x40 : 0x200;
        for (unsigned k = 0; k < 20000; k++) {
            u64 at = d->bar + (u64)rand() % window, v = (u64)rand() >> rand() % 31;
            unsigned size = 1u << rand() % 3;
            if (rand() % 2) {
                mem_load(d->b->m.sysmem, at, size, &v, (struct mem_attrs){0});
            } else if (rand() % 64) {
                mem_store(d->b->m.sysmem, rand() % 4 ? at & ~(u64)(size - 1) : at, size, v, (struct mem_attrs){0});
            } else {
                drv_set_status(d, (u8)(rand() % 2 ? 0xf : rand()));
            }
        }
        loop_turn(0);
        drv_reset(d);
        victim_free(d);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_rule),
        cmocka_unit_test(misplaced_rings),
        cmocka_unit_test(garbage_rings),
        cmocka_unit_test(garbage_registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
