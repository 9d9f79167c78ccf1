/* Buffers of a virtqueue, whatever its ring format (Virtio 1.1, 2.5): guest memory as host segments, checked.
 *
 * Rings and buffers have to lie in RAM. A host pointer to a ring is kept until the memory map changes. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/virtio/virtio_priv.h"

static const struct vq_ops *ring_ops(const struct virtio_device *v)
{
    return virtio_has(v, VIRTIO_F_RING_PACKED) ? &vq_packed : &vq_split;
}

u8 *virtio_ram(struct virtio_device *v, u64 addr, u64 len, bool write)
{
    u64 n = len;
    u8 *p = mem_map(v->dev.dma, addr, &n, write);
    return p && n == len ? p : NULL;
}

struct vring_desc vring_desc_load(const u8 *p)
{
    struct vring_desc d;
    memcpy(&d, p, sizeof(d));
    __asm__ volatile("" ::: "memory"); /* from here on the copy counts */
    return d;
}

/* The queue n if it can be worked with now: started, set up, not broken, rings found. */
static struct virtqueue *usable(struct virtio_device *v, unsigned n)
{
    struct virtqueue *q = virtio_queue(v, n);
    if (!q || !q->ready || !virtio_running(v)) {
        return NULL;
    }
    if (v->stale) {
        for (unsigned i = 0; i < v->nqueues; i++) {
            v->vq[i].desc_host = NULL;
        }
        v->stale = false;
    }
    if (!q->desc_host && !ring_ops(v)->map(v, q)) {
        virtio_break(v, "queue %u: rings of %u entries at 0x%llx, 0x%llx, 0x%llx are misplaced", n, q->num,
                     (unsigned long long)q->desc, (unsigned long long)q->driver, (unsigned long long)q->device);
        return NULL;
    }
    return q;
}

bool vq_usable(struct virtio_device *v, unsigned n)
{
    return usable(v, n) != NULL;
}

bool vq_empty(struct virtio_device *v, unsigned n)
{
    struct virtqueue *q = usable(v, n);
    return !q || ring_ops(v)->empty(v, q);
}

/* -- collecting a chain ------------------------------------------------------------------------------------------- */

bool chain_add(struct vq_chain *c, u64 addr, u32 len, bool write)
{
    u64 *total = write ? &c->in_len : &c->out_len;
    if (!write && c->nin) {
        virtio_break(c->v, "a descriptor for reading behind one for writing");
        return false;
    }
    *total += len;
    if (c->out_len + c->in_len > 1ull << 32) {
        virtio_break(c->v, "a chain of more than 4 GiB");
        return false;
    }
    while (len) {
        u64 n = len;
        void *p = mem_map(c->v->dev.dma, addr, &n, write);
        if (!p || c->nout + c->nin == ARRAY_LEN(c->iov)) {
            virtio_break(c->v, "a buffer at 0x%llx that %s", (unsigned long long)addr,
                         p ? "has too many pieces" : "is not in RAM");
            return false;
        }
        c->iov[c->nout + c->nin] = (struct iovec){p, n};
        *(write ? &c->nin : &c->nout) += 1;
        addr += n;
        len -= (u32)n;
    }
    return true;
}

const u8 *chain_indirect(struct vq_chain *c, u64 addr, u32 len, unsigned *count)
{
    if (!virtio_has(c->v, VIRTIO_F_INDIRECT_DESC)) {
        virtio_break(c->v, "an indirect descriptor that was not agreed on");
        return NULL;
    }
    if (!len || len % VRING_DESC_SIZE || len / VRING_DESC_SIZE > VIRTIO_QUEUE_SIZE) {
        virtio_break(c->v, "an indirect table of %u bytes", len);
        return NULL;
    }
    const u8 *p = virtio_ram(c->v, addr, len, false);
    if (!p) {
        virtio_break(c->v, "an indirect table at 0x%llx, which is not RAM", (unsigned long long)addr);
    }
    *count = len / VRING_DESC_SIZE;
    return p;
}

/* Elements come from the host's heap: their number is bounded by the queues' sizes. */
static struct vq_elem *elem_new(const struct vq_chain *c, u16 id, u16 ndescs)
{
    unsigned n = c->nout + c->nin;
    struct vq_elem *e = malloc(sizeof(*e) + n * sizeof(struct iovec));
    must(e);
    struct iovec *iov = (struct iovec *)(e + 1);
    *e = (struct vq_elem){.id = id,
                          .ndescs = ndescs,
                          .nout = c->nout,
                          .nin = c->nin,
                          .out_len = c->out_len,
                          .in_len = c->in_len,
                          .out = iov,
                          .in = iov + c->nout};
    memcpy(iov, c->iov, n * sizeof(struct iovec));
    return e;
}

struct vq_elem *vq_pop(struct virtio_device *v, unsigned n)
{
    struct virtqueue *q = usable(v, n);
    struct vq_chain c;
    u16 id, ndescs;
    if (!q) {
        return NULL;
    }
    c.v = v;
    c.nout = c.nin = 0;
    c.out_len = c.in_len = 0;
    if (q->inuse >= q->num) {
        virtio_break(v, "queue %u has more buffers in use than entries", n);
        return NULL;
    }
    if (ring_ops(v)->take(v, q, &c, &id, &ndescs) <= 0) {
        return NULL;
    }
    q->inuse++;
    return elem_new(&c, id, ndescs);
}

/* -- giving back ------------------------------------------------------------------------------------------------- */

static void wrote(const struct vq_elem *e, u64 left)
{
    for (unsigned i = 0; i < e->nin && left; i++) {
        u64 n = MIN(left, e->in[i].iov_len);
        mem_wrote(e->in[i].iov_base, n);
        left -= n;
    }
}

void vq_push_many(struct virtio_device *v, unsigned n, struct vq_elem **e, const u32 *written, unsigned count)
{
    struct virtqueue *q = usable(v, n);
    for (unsigned i = 0; i < count; i++) {
        check(written[i] <= e[i]->in_len);
        wrote(e[i], written[i]);
    }
    if (q) {
        q->inuse -= (u16)count;
        q->fresh = true;
        ring_ops(v)->give(v, q, e, written, count);
    }
    for (unsigned i = 0; i < count; i++) {
        free(e[i]);
    }
}

void vq_push(struct virtio_device *v, unsigned n, struct vq_elem *e, u32 written)
{
    vq_push_many(v, n, &e, &written, 1);
}

void vq_rewind(struct virtio_device *v, unsigned n, struct vq_elem *e)
{
    struct virtqueue *q = usable(v, n);
    if (q) {
        q->inuse--;
        ring_ops(v)->untake(q, e);
    }
    free(e);
}

void vq_drop(struct vq_elem *e)
{
    free(e);
}

void vq_notify(struct virtio_device *v, unsigned n)
{
    struct virtqueue *q = usable(v, n);
    if (!q || !q->fresh) {
        return;
    }
    q->fresh = false;
    if (ring_ops(v)->wants_irq(v, q)) {
        v->isr |= 1;
        v->transport->queue_irq(v->owner, n);
    }
}

/* -- bytes ------------------------------------------------------------------------------------------------------- */

/* Visits [off, off + len) of the segments; copies to or from p. */
static size_t iov_copy(const struct iovec *iov, unsigned n, u64 off, u8 *to, const u8 *from, size_t len)
{
    size_t done = 0;
    for (unsigned i = 0; i < n && done < len; i++) {
        if (off >= iov[i].iov_len) {
            off -= iov[i].iov_len;
            continue;
        }
        size_t part = MIN(len - done, iov[i].iov_len - off);
        u8 *at = (u8 *)iov[i].iov_base + off;
        if (to) {
            memcpy(to + done, at, part);
        } else {
            memcpy(at, from + done, part);
        }
        done += part;
        off = 0;
    }
    return done;
}

size_t iov_read(const struct iovec *iov, unsigned n, u64 off, void *p, size_t len)
{
    return iov_copy(iov, n, off, p, NULL, len);
}

size_t iov_write(const struct iovec *iov, unsigned n, u64 off, const void *p, size_t len)
{
    return iov_copy(iov, n, off, NULL, p, len);
}
