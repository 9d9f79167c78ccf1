/* Packed virtqueues (Virtio 1.1, 2.7): one ring of descriptors that driver and device both write; two flag bits and a
 * counter of wraps tell whose turn it is. */
#include "base/bits.h"
#include "hw/virtio/virtio_priv.h"

enum { DESC_AVAIL = 1 << 7, DESC_USED = 1 << 15 };
enum { EVENT_ENABLE = 0, EVENT_DISABLE = 1, EVENT_DESC = 2 };

static u8 *ring_desc(const struct virtqueue *q, u16 i)
{
    return q->desc_host + VRING_DESC_SIZE * i;
}
static u16 *desc_flags(const struct virtqueue *q, u16 i)
{
    return (u16 *)(ring_desc(q, i) + 14);
}

/* The event suppression structures: u16 offset and wrap, u16 flags. */
static bool packed_map(struct virtio_device *v, struct virtqueue *q)
{
    if (!q->num || q->desc % 16 || q->driver % 4 || q->device % 4) {
        return false;
    }
    u8 *desc = virtio_ram(v, q->desc, (u64)VRING_DESC_SIZE * q->num, true);
    q->driver_host = virtio_ram(v, q->driver, 4, false);
    q->device_host = virtio_ram(v, q->device, 4, true);
    q->desc_host = q->driver_host && q->device_host ? desc : NULL;
    if (q->desc_host) {
        st16le(q->device_host + 2, EVENT_ENABLE);
        mem_wrote(q->device_host, 4);
    }
    return q->desc_host != NULL;
}

static bool available(const struct virtqueue *q)
{
    u16 flags = __atomic_load_n(desc_flags(q, q->last_avail), __ATOMIC_ACQUIRE);
    return !!(flags & DESC_AVAIL) == q->avail_wrap && !!(flags & DESC_USED) != q->avail_wrap;
}

static bool packed_empty(struct virtio_device *v, struct virtqueue *q)
{
    if (available(q)) {
        return false;
    }
    if (virtio_has(v, VIRTIO_F_EVENT_IDX)) { /* kick when that one is filled */
        __atomic_store_n((u16 *)q->device_host, q->last_avail | (u16)(q->avail_wrap << 15), __ATOMIC_RELAXED);
        __atomic_store_n((u16 *)q->device_host + 1, EVENT_DESC, __ATOMIC_RELEASE);
        mem_wrote(q->device_host, 4);
        __atomic_thread_fence(__ATOMIC_SEQ_CST);
    }
    return !available(q);
}

static void advance(u16 *idx, bool *wrap, unsigned n, unsigned num)
{
    unsigned i = *idx + n;
    if (i >= num) {
        i -= num;
        *wrap = !*wrap;
    }
    *idx = (u16)i;
}

/* In an indirect table of a packed ring every descriptor counts, and only WRITE means anything. */
static bool packed_indirect(struct vq_chain *c, const struct vring_desc *d)
{
    unsigned count;
    const u8 *table = chain_indirect(c, d->addr, d->len, &count);
    for (unsigned i = 0; table && i < count; i++) {
        struct vring_desc e = vring_desc_load(table + VRING_DESC_SIZE * i);
        if (!chain_add(c, e.addr, e.len, e.w[1] & VRING_WRITE)) {
            return false;
        }
    }
    return table != NULL;
}

static int packed_take(struct virtio_device *v, struct virtqueue *q, struct vq_chain *c, u16 *id, u16 *ndescs)
{
    if (packed_empty(v, q)) {
        return 0;
    }
    u16 i = q->last_avail, flags;
    bool wrap = q->avail_wrap;
    unsigned n = 0;
    do {
        if (n == q->num) {
            virtio_break(v, "a chain that does not end");
            return -1;
        }
        struct vring_desc d = vring_desc_load(ring_desc(q, i));
        *id = d.w[0];
        flags = d.w[1];
        if (flags & VRING_INDIRECT ? n || flags & VRING_NEXT || !packed_indirect(c, &d)
                                   : !chain_add(c, d.addr, d.len, flags & VRING_WRITE)) {
            if (!v->broken) {
                virtio_break(v, "an indirect descriptor where none may be");
            }
            return -1;
        }
        advance(&i, &wrap, 1, q->num);
        n++;
    } while (flags & VRING_NEXT);
    q->last_avail = i;
    q->avail_wrap = wrap;
    *ndescs = (u16)n;
    return 1;
}

static void packed_untake(struct virtqueue *q, const struct vq_elem *e)
{
    if (q->last_avail < e->ndescs) {
        q->last_avail += q->num;
        q->avail_wrap = !q->avail_wrap;
    }
    q->last_avail -= e->ndescs;
}

/* Writes element k's used descriptor, its flags last: they hand it over. */
static void used_write(struct virtqueue *q, u16 at, bool wrap, const struct vq_elem *e, u32 written)
{
    u8 *d = ring_desc(q, at);
    st32le(d + 8, written);
    st16le(d + 12, e->id);
    u16 flags = (wrap ? DESC_AVAIL | DESC_USED : 0) | (written ? VRING_WRITE : 0);
    __atomic_store_n(desc_flags(q, at), flags, __ATOMIC_RELEASE);
    mem_wrote(d, VRING_DESC_SIZE);
}

/* From the last to the first, so that the driver, which looks at the first, sees all or none. */
static void packed_give(struct virtio_device *v, struct virtqueue *q, struct vq_elem **e, const u32 *written,
                        unsigned n)
{
    (void)v;
    u16 at = q->used_idx;
    bool wrap = q->used_wrap;
    for (unsigned i = 0; i < n; i++) {
        advance(&at, &wrap, e[i]->ndescs, q->num);
    }
    if (wrap != q->used_wrap) {
        q->signalled -= q->num; /* counts on from the new round */
    }
    u16 end = at;
    bool end_wrap = wrap;
    for (unsigned i = n; i-- > 0;) {
        if (at < e[i]->ndescs) {
            at += q->num;
            wrap = !wrap;
        }
        at -= e[i]->ndescs;
        used_write(q, at, wrap, e[i], written[i]);
    }
    q->used_idx = end;
    q->used_wrap = end_wrap;
}

static bool packed_wants_irq(struct virtio_device *v, struct virtqueue *q)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    u16 flags = __atomic_load_n((u16 *)q->driver_host + 1, __ATOMIC_ACQUIRE) & 3;
    u16 old = q->signalled;
    bool known = q->signalled_valid;
    q->signalled = q->used_idx;
    q->signalled_valid = true;
    if (flags != EVENT_DESC || !virtio_has(v, VIRTIO_F_EVENT_IDX)) {
        return flags != EVENT_DISABLE;
    }
    u16 off_wrap = __atomic_load_n((u16 *)q->driver_host, __ATOMIC_RELAXED), off = off_wrap & 0x7fff;
    if ((off_wrap >> 15) != q->used_wrap) {
        off -= q->num;
    }
    return !known || vring_need_event(off, q->used_idx, old);
}

const struct vq_ops vq_packed = {packed_map, packed_empty, packed_take, packed_untake, packed_give, packed_wants_irq};
