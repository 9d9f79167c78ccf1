#include "tests/hw/virtio_drv.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/loop.h"
#include "base/opts.h"
#include "hw/pci/pci_host.h"
#include "hw/virtio/virtio_mmio.h"

#define ECAM   0x3f000000ull
#define MMIO64 0x8000000000ull
#define PIO    0x3eff0000ull
#define PORTS  0x1000ull

static u64 rd(struct drv *d, u64 addr, unsigned size)
{
    u64 v;
    assert_int_equal(mem_load(d->b->m.sysmem, addr, size, &v, (struct mem_attrs){0}), MEM_OK);
    return v;
}
static void wr(struct drv *d, u64 addr, unsigned size, u64 v)
{
    assert_int_equal(mem_store(d->b->m.sysmem, addr, size, v, (struct mem_attrs){0}), MEM_OK);
}
static bool is_pci(const struct drv *d)
{
    return d->bus >= DRV_PCI_LEGACY;
}
static bool is_legacy(const struct drv *d)
{
    return d->bus == DRV_MMIO_LEGACY || d->bus == DRV_PCI_LEGACY;
}

/* -- making -------------------------------------------------------------------------------------------------- */

static void device_add(struct drv *d, const struct device_class *cls, const char *props)
{
    struct err e = {0};
    struct opts o = {0};
    d->d = device_new(&d->b->m, cls, "dut");
    assert_true(!props || opts_parse(&o, props, NULL, &e));
    machine_lock();
    for (size_t i = 0; i < o.n; i++) {
        if (!device_set_prop(d->d, o.v[i].key, o.v[i].value, &e)) {
            fail_msg("%s", e.msg);
        }
    }
    if (!device_plug(d->d, NULL, &e) || !device_init(d->d, &e)) {
        fail_msg("%s", e.msg);
    }
    for (struct device *x = d->b->m.devices; x; x = x->next) {
        device_reset(x);
    }
    machine_unlock();
    opts_free(&o);
}

static void pci_enable(struct drv *d)
{
    u64 cfg = ECAM + 0x8000;
    wr(d, cfg + 0x10, 4, PORTS);
    wr(d, cfg + 0x20, 4, 0);
    wr(d, cfg + 0x24, 4, MMIO64 >> 32);
    wr(d, cfg + 4, 2, 7);
    d->bar = d->bus == DRV_PCI ? MMIO64 : PIO + PORTS;
}

struct drv *drv_new(enum drv_bus bus, const struct device_class *mmio, const struct device_class *pci,
                    const char *props)
{
    struct drv *d = g_new0(struct drv, 1);
    d->bus = bus;
    if (is_pci(d)) {
        d->b = bench_make(&gpex_class, NULL);
        pci_host_place(d->b->d, &(struct pci_layout){.ecam = ECAM,
                                                     .ecam_size = 1 << 20,
                                                     .mmio64 = MMIO64,
                                                     .mmio64_size = 1ull << 32,
                                                     .io = PIO,
                                                     .io_size = 0x10000});
        bench_start(d->b);
        device_add(d, pci, props);
        pci_enable(d);
    } else {
        d->b = bench_new(&virtio_mmio_class, bus == DRV_MMIO ? "force-legacy=off" : NULL);
        device_add(d, mmio, props);
        d->bar = BENCH_BASE;
    }
    d->heap = BENCH_RAM + 0x10000;
    return d;
}

void drv_free(struct drv *d)
{
    bench_free(d->b);
    g_free(d);
}

/* -- the transports' registers --------------------------------------------------------------------------------- */

u8 drv_status(struct drv *d)
{
    static const u16 at[] = {0x70, 0x70, 0x12, 0x14};
    return (u8)rd(d, d->bar + at[d->bus], is_pci(d) ? 1 : 4);
}

void drv_set_status(struct drv *d, u8 status)
{
    static const u16 at[] = {0x70, 0x70, 0x12, 0x14};
    wr(d, d->bar + at[d->bus], is_pci(d) ? 1 : 4, status);
}

u8 drv_isr(struct drv *d)
{
    if (is_pci(d)) {
        return (u8)rd(d, d->bar + (is_legacy(d) ? 0x13 : 0x1000), 1);
    }
    u8 isr = (u8)rd(d, d->bar + 0x60, 4);
    wr(d, d->bar + 0x64, 4, isr);
    return isr;
}

bool drv_irq(struct drv *d)
{
    return bench_irq(d->b, is_pci(d) ? 1 : 0);
}

static u64 config_base(const struct drv *d)
{
    static const u16 at[] = {0x100, 0x100, 0x14, 0x2000};
    return d->bar + at[d->bus];
}

u64 drv_config(struct drv *d, unsigned off, unsigned size)
{
    return rd(d, config_base(d) + off, size);
}

void drv_config_set(struct drv *d, unsigned off, unsigned size, u64 v)
{
    wr(d, config_base(d) + off, size, v);
}

u64 drv_offered(struct drv *d)
{
    switch (d->bus) {
    case DRV_PCI_LEGACY:
        return rd(d, d->bar, 4);
    case DRV_MMIO_LEGACY:
        wr(d, d->bar + 0x14, 4, 0);
        return rd(d, d->bar + 0x10, 4);
    default:
        break;
    }
    u64 sel = is_pci(d) ? 0 : 0x14, value = is_pci(d) ? 4 : 0x10;
    wr(d, d->bar + sel, 4, 1);
    u64 high = rd(d, d->bar + value, 4);
    wr(d, d->bar + sel, 4, 0);
    return high << 32 | rd(d, d->bar + value, 4);
}

static void features_set(struct drv *d, u64 f)
{
    if (d->bus == DRV_PCI_LEGACY) {
        wr(d, d->bar + 4, 4, (u32)f);
        return;
    }
    u64 sel = is_pci(d) ? 8 : 0x24, value = is_pci(d) ? 0xc : 0x20;
    for (unsigned i = 0; i < (is_legacy(d) ? 1 : 2); i++) {
        wr(d, d->bar + sel, 4, i);
        wr(d, d->bar + value, 4, (u32)(f >> (32 * i)));
    }
}

static void addr_set(struct drv *d, u64 off, u64 v)
{
    wr(d, d->bar + off, 4, (u32)v);
    wr(d, d->bar + off + 4, 4, v >> 32);
}

/* Places the rings of queue n and tells the device. */
static void queue_start(struct drv *d, unsigned n)
{
    struct drv_queue *q = &d->q[n];
    u64 b = d->bar;
    *q = (struct drv_queue){.avail_wrap = true, .used_wrap = true};
    wr(d, b + (d->bus == DRV_PCI ? 0x16 : d->bus == DRV_PCI_LEGACY ? 0x0e : 0x30), is_pci(d) ? 2 : 4, n);
    q->num = (u16)(d->bus == DRV_PCI ? rd(d, b + 0x18, 2) : is_pci(d) ? rd(d, b + 0x0c, 2) : rd(d, b + 0x34, 4));
    assert_true(q->num > 0);
    if (d->bus != DRV_PCI_LEGACY) {
        q->num = MIN(q->num, 64);
        wr(d, b + (is_pci(d) ? 0x18 : 0x38), is_pci(d) ? 2 : 4, q->num);
    }
    q->desc = drv_alloc(d, 16 * q->num + 4 + 2 * q->num + 2 + 4096 + 8 * q->num + 6, 4096);
    q->driver = q->desc + 16 * q->num;
    q->device = align_up(q->driver + 4 + 2 * q->num + 2, 4096);
    switch (d->bus) {
    case DRV_MMIO_LEGACY:
        wr(d, b + 0x3c, 4, 4096);
        wr(d, b + 0x40, 4, q->desc >> 12);
        break;
    case DRV_PCI_LEGACY:
        wr(d, b + 8, 4, q->desc >> 12);
        break;
    case DRV_MMIO:
        addr_set(d, 0x80, q->desc);
        addr_set(d, 0x90, q->driver);
        addr_set(d, 0xa0, q->device);
        wr(d, b + 0x44, 4, 1);
        break;
    case DRV_PCI:
        addr_set(d, 0x20, q->desc);
        addr_set(d, 0x28, q->driver);
        addr_set(d, 0x30, q->device);
        wr(d, b + 0x1c, 2, 1);
        break;
    }
}

void drv_reset(struct drv *d)
{
    drv_set_status(d, 0);
    assert_int_equal(drv_status(d), 0);
}

void drv_start(struct drv *d, u64 want, unsigned queues)
{
    drv_reset(d);
    drv_set_status(d, VIRTIO_S_ACKNOWLEDGE);
    drv_set_status(d, VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER);
    d->features = drv_offered(d) & (want | (is_legacy(d) ? 0 : BIT(VIRTIO_F_VERSION_1)));
    d->packed = bit(d->features, VIRTIO_F_RING_PACKED);
    d->indirect = bit(d->features, VIRTIO_F_INDIRECT_DESC);
    d->event_idx = bit(d->features, VIRTIO_F_EVENT_IDX);
    features_set(d, d->features);
    u8 status = VIRTIO_S_ACKNOWLEDGE | VIRTIO_S_DRIVER;
    if (!is_legacy(d)) {
        status |= VIRTIO_S_FEATURES_OK;
        drv_set_status(d, status);
        assert_int_equal(drv_status(d), status);
    }
    if (d->bus == DRV_MMIO_LEGACY) {
        wr(d, d->bar + 0x28, 4, 4096);
    }
    for (unsigned i = 0; i < queues; i++) {
        queue_start(d, i);
    }
    drv_set_status(d, status | VIRTIO_S_DRIVER_OK);
}

/* -- memory ------------------------------------------------------------------------------------------------------ */

u64 drv_alloc(struct drv *d, u64 n, u64 align)
{
    u64 at = align_up(d->heap, align);
    d->heap = at + n;
    assert_true(d->heap < BENCH_RAM + (16 << 20));
    memset(drv_host(d, at), 0, n);
    return at;
}

u8 *drv_host(struct drv *d, u64 addr)
{
    return d->b->m.ram.host + (addr - BENCH_RAM);
}

void drv_put(struct drv *d, u64 addr, const void *p, u64 n)
{
    memcpy(drv_host(d, addr), p, n);
}

void drv_get(struct drv *d, u64 addr, void *p, u64 n)
{
    memcpy(p, drv_host(d, addr), n);
}

/* -- rings ------------------------------------------------------------------------------------------------------- */

static void desc_put(struct drv *d, u64 table, unsigned i, const struct seg *s, u16 a, u16 b)
{
    u8 *p = drv_host(d, table + 16 * i);
    st64le(p, s->addr);
    st32le(p + 8, s->len);
    st16le(p + 12, a);
    st16le(p + 14, b);
}

/* Copies the segments into an indirect table, and gives the one descriptor that names it. */
static struct seg indirect(struct drv *d, const struct seg *s, unsigned n)
{
    struct seg t = {.addr = drv_alloc(d, 16 * n, 16), .len = 16 * n};
    for (unsigned i = 0; i < n; i++) {
        u16 flags = s[i].write ? 2 : 0;
        if (d->packed) {
            desc_put(d, t.addr, i, &s[i], 0, flags);
        } else {
            desc_put(d, t.addr, i, &s[i], i + 1 < n ? flags | 1 : flags, (u16)(i + 1));
        }
    }
    return t;
}

static u16 free_id(struct drv_queue *q)
{
    u16 id = 0;
    while (q->busy[id]) {
        id++;
    }
    assert_true(id < q->num);
    return id;
}

static u16 add_split(struct drv *d, struct drv_queue *q, const struct seg *s, unsigned n, u16 extra)
{
    u16 id[VIRTIO_QUEUE_SIZE];
    for (unsigned i = 0; i < n; i++) {
        id[i] = free_id(q);
        q->busy[id[i]] = true;
    }
    for (unsigned i = 0; i < n; i++) {
        u16 flags = (s[i].write ? 2 : 0) | (i + 1 < n ? 1 : 0) | extra;
        desc_put(d, q->desc, id[i], &s[i], flags, i + 1 < n ? id[i + 1] : 0);
    }
    st16le(drv_host(d, q->driver + 4 + 2 * (q->avail_idx % q->num)), id[0]);
    st16le(drv_host(d, q->driver + 2), ++q->avail_idx);
    return id[0];
}

static u16 add_packed(struct drv *d, struct drv_queue *q, const struct seg *s, unsigned n, u16 extra)
{
    u16 id = free_id(q), head = q->avail_idx, head_flags = 0;
    q->busy[id] = true;
    q->len[id] = (u16)n;
    for (unsigned i = 0; i < n; i++) {
        u16 flags = (s[i].write ? 2 : 0) | (i + 1 < n ? 1 : 0) | extra | (q->avail_wrap ? 1 << 7 : 1 << 15);
        if (i == 0) {
            head_flags = flags;
        } else {
            desc_put(d, q->desc, q->avail_idx, &s[i], id, flags);
        }
        if (++q->avail_idx == q->num) {
            q->avail_idx = 0;
            q->avail_wrap = !q->avail_wrap;
        }
    }
    desc_put(d, q->desc, head, &s[0], id, head_flags);
    return id;
}

u16 drv_add(struct drv *d, unsigned n, const struct seg *s, unsigned count)
{
    struct drv_queue *q = &d->q[n];
    struct seg one;
    u16 extra = 0;
    if (d->indirect) {
        one = indirect(d, s, count);
        s = &one;
        count = 1;
        extra = 4;
    }
    return d->packed ? add_packed(d, q, s, count, extra) : add_split(d, q, s, count, extra);
}

void drv_kick(struct drv *d, unsigned q)
{
    switch (d->bus) {
    case DRV_PCI:
        wr(d, d->bar + 0x3000 + 4 * q, 2, q);
        break;
    case DRV_PCI_LEGACY:
        wr(d, d->bar + 0x10, 2, q);
        break;
    default:
        wr(d, d->bar + 0x50, 4, q);
    }
}

static bool used_split(struct drv *d, struct drv_queue *q, u16 *id, u32 *len)
{
    if (ld16le(drv_host(d, q->device + 2)) == q->last_used) {
        return false;
    }
    const u8 *e = drv_host(d, q->device + 4 + 8 * (q->last_used++ % q->num));
    *id = (u16)ld32le(e);
    *len = ld32le(e + 4);
    for (u16 i = *id;;) {
        assert_true(q->busy[i]);
        q->busy[i] = false;
        const u8 *desc = drv_host(d, q->desc + 16 * i);
        if (!(ld16le(desc + 12) & 1)) {
            break;
        }
        i = ld16le(desc + 14);
    }
    if (d->event_idx) {
        st16le(drv_host(d, q->driver + 4 + 2 * q->num), q->last_used);
    }
    return true;
}

static bool used_packed(struct drv *d, struct drv_queue *q, u16 *id, u32 *len)
{
    const u8 *e = drv_host(d, q->desc + 16 * q->last_used);
    u16 flags = ld16le(e + 14);
    if (!!(flags & 1 << 7) != q->used_wrap || !!(flags & 1 << 15) != q->used_wrap) {
        return false;
    }
    *id = ld16le(e + 12);
    *len = ld32le(e + 8);
    assert_true(*id < q->num && q->busy[*id]);
    q->busy[*id] = false;
    q->last_used += q->len[*id];
    if (q->last_used >= q->num) {
        q->last_used -= q->num;
        q->used_wrap = !q->used_wrap;
    }
    if (d->event_idx) {
        st16le(drv_host(d, q->driver), q->last_used | (u16)(q->used_wrap << 15));
        st16le(drv_host(d, q->driver + 2), 2);
    }
    return true;
}

bool drv_used(struct drv *d, unsigned n, u16 *id, u32 *len)
{
    return d->packed ? used_packed(d, &d->q[n], id, len) : used_split(d, &d->q[n], id, len);
}

u32 drv_do(struct drv *d, unsigned q, const struct seg *s, unsigned n)
{
    u16 id = drv_add(d, q, s, n), got;
    u32 len;
    u64 end = clock_now(CLOCK_HOST) + 10000000000ull;
    drv_kick(d, q);
    while (!drv_used(d, q, &got, &len)) {
        assert_true(clock_now(CLOCK_HOST) < end);
        loop_turn(1000000);
    }
    assert_int_equal(got, id);
    return len;
}
