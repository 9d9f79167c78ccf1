/* Split virtqueues (Virtio 1.1, 2.6): a descriptor table, a ring of available heads that the driver writes, and a ring
 * of used ones that the device writes. */
#include "base/bits.h"
#include "hw/virtio/virtio_priv.h"

enum { AVAIL_NO_INTERRUPT = 1 };

/* Offsets in the rings: u16 flags, u16 idx, the entries, and behind them a u16 event index. */
static u16 *avail_idx(const struct virtqueue *q)
{
    return (u16 *)(q->driver_host + 2);
}
static u16 *avail_entry(const struct virtqueue *q, u16 i)
{
    return (u16 *)(q->driver_host + 4 + 2 * (i % q->num));
}
static u16 *used_event(const struct virtqueue *q)
{
    return (u16 *)(q->driver_host + 4 + 2 * q->num);
}
static u16 *used_idx(const struct virtqueue *q)
{
    return (u16 *)(q->device_host + 2);
}
static u8 *used_entry(const struct virtqueue *q, u16 i)
{
    return q->device_host + 4 + 8 * (i % q->num);
}
static u16 *avail_event(const struct virtqueue *q)
{
    return (u16 *)(q->device_host + 4 + 8 * q->num);
}

static bool split_map(struct virtio_device *v, struct virtqueue *q)
{
    u64 event = virtio_has(v, VIRTIO_F_EVENT_IDX) ? 2 : 0;
    if (!is_pow2(q->num) || q->desc % 16 || q->driver % 2 || q->device % 4) {
        return false;
    }
    u8 *desc = virtio_ram(v, q->desc, (u64)VRING_DESC_SIZE * q->num, false);
    q->driver_host = virtio_ram(v, q->driver, 4 + 2ull * q->num + event, false);
    q->device_host = virtio_ram(v, q->device, 4 + 8ull * q->num + event, true);
    q->desc_host = q->driver_host && q->device_host ? desc : NULL;
    return q->desc_host != NULL;
}

/* How many heads are waiting; tells the driver that we look no further, and looks once more. */
static u16 waiting(struct virtio_device *v, struct virtqueue *q)
{
    u16 n = (u16)(__atomic_load_n(avail_idx(q), __ATOMIC_ACQUIRE) - q->last_avail);
    if (n == 0 && virtio_has(v, VIRTIO_F_EVENT_IDX)) {
        __atomic_store_n(avail_event(q), q->last_avail, __ATOMIC_RELAXED);
        mem_wrote(avail_event(q), 2);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
        n = (u16)(__atomic_load_n(avail_idx(q), __ATOMIC_ACQUIRE) - q->last_avail);
    }
    return n;
}

static bool split_empty(struct virtio_device *v, struct virtqueue *q)
{
    return waiting(v, q) == 0;
}

/* Follows a chain through the table, and through one indirect table at its end. */
static bool split_walk(struct virtqueue *q, struct vq_chain *c, u16 head)
{
    const u8 *table = q->desc_host;
    unsigned count = q->num, i = head, steps = 0;
    bool indirect = false;
    for (;;) {
        if (i >= count || steps++ >= count) {
            virtio_break(c->v, i >= count ? "descriptor %u of %u" : "a chain that does not end", i, count);
            return false;
        }
        struct vring_desc d = vring_desc_load(table + VRING_DESC_SIZE * i);
        u16 flags = d.w[0];
        if (flags & VRING_INDIRECT) {
            if (indirect || flags & VRING_NEXT) {
                virtio_break(c->v, "an indirect descriptor where none may be");
                return false;
            }
            indirect = true;
            table = chain_indirect(c, d.addr, d.len, &count);
            if (!table) {
                return false;
            }
            i = steps = 0;
            continue;
        }
        if (!chain_add(c, d.addr, d.len, flags & VRING_WRITE)) {
            return false;
        }
        if (!(flags & VRING_NEXT)) {
            return true;
        }
        i = d.w[1];
    }
}

static int split_take(struct virtio_device *v, struct virtqueue *q, struct vq_chain *c, u16 *id, u16 *ndescs)
{
    u16 n = waiting(v, q);
    if (n == 0) {
        return 0;
    }
    if (n > q->num) {
        virtio_break(v, "the available index is %u ahead in a ring of %u", n, q->num);
        return -1;
    }
    *id = __atomic_load_n(avail_entry(q, q->last_avail), __ATOMIC_RELAXED);
    *ndescs = 1;
    if (!split_walk(q, c, *id)) {
        return -1;
    }
    q->last_avail++;
    return 1;
}

static void split_untake(struct virtqueue *q, const struct vq_elem *e)
{
    (void)e;
    q->last_avail--;
}

static void split_give(struct virtio_device *v, struct virtqueue *q, struct vq_elem **e, const u32 *written, unsigned n)
{
    (void)v;
    u16 old = q->used_idx;
    for (unsigned i = 0; i < n; i++) {
        u8 *entry = used_entry(q, (u16)(q->used_idx + i));
        st32le(entry, e[i]->id);
        st32le(entry + 4, written[i]);
        mem_wrote(entry, 8);
    }
    q->used_idx += (u16)n;
    __atomic_store_n(used_idx(q), q->used_idx, __ATOMIC_RELEASE);
    mem_wrote(used_idx(q), 2);
    if ((u16)(q->used_idx - q->signalled) < (u16)(q->used_idx - old)) {
        q->signalled_valid = false; /* all the way round since the driver was last told */
    }
}

static bool split_wants_irq(struct virtio_device *v, struct virtqueue *q)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (!virtio_has(v, VIRTIO_F_EVENT_IDX)) {
        return !(__atomic_load_n((u16 *)q->driver_host, __ATOMIC_RELAXED) & AVAIL_NO_INTERRUPT);
    }
    u16 old = q->signalled, event = __atomic_load_n(used_event(q), __ATOMIC_RELAXED);
    bool known = q->signalled_valid;
    q->signalled = q->used_idx;
    q->signalled_valid = true;
    return !known || vring_need_event(event, q->used_idx, old);
}

const struct vq_ops vq_split = {split_map, split_empty, split_take, split_untake, split_give, split_wants_irq};
