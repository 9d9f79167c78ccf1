/* What the transports and the two ring formats see of a virtio device. */
#ifndef MOSS_HW_VIRTIO_VIRTIO_PRIV_H
#define MOSS_HW_VIRTIO_VIRTIO_PRIV_H

#include "hw/virtio/virtio.h"

/* -- for transports --------------------------------------------------------------------------------------------- */

void virtio_attach(struct virtio_device *v, const struct virtio_transport *t, struct device *owner);
void virtio_reset(struct virtio_device *v);
/* 0 resets. FEATURES_OK stays off when the features do not fit together. */
void virtio_set_status(struct virtio_device *v, u8 status);
/* 32 bits of the driver's features: sel 0 or 1. Ignored after FEATURES_OK. */
void virtio_set_features(struct virtio_device *v, unsigned sel, u32 bits);
u32 virtio_config_load(struct virtio_device *v, unsigned off, unsigned size);
void virtio_config_store(struct virtio_device *v, unsigned off, unsigned size, u32 val);
void virtio_set_num(struct virtio_device *v, unsigned q, unsigned num);
/* Legacy: one address, from which the three parts follow; 0 takes the queue away. */
void virtio_set_legacy_ring(struct virtio_device *v, unsigned q, u64 addr, u64 align);
void virtio_set_ready(struct virtio_device *v, unsigned q, bool ready);
void virtio_kick(struct virtio_device *v, unsigned q);

static inline struct virtqueue *virtio_queue(struct virtio_device *v, unsigned q)
{
    return q < v->nqueues ? &v->vq[q] : NULL;
}

/* -- for the ring formats ----------------------------------------------------------------------------------------- */

/* A chain while it is collected. */
struct vq_chain {
    struct virtio_device *v;
    struct iovec iov[VIRTIO_QUEUE_SIZE];
    unsigned nout, nin;
    u64 out_len, in_len;
};
/* Appends a guest buffer; false: it is refused, and the device broken. */
bool chain_add(struct vq_chain *c, u64 addr, u32 len, bool write);
/* The table behind an indirect descriptor, and how many entries it has; NULL: refused. */
const u8 *chain_indirect(struct vq_chain *c, u64 addr, u32 len, unsigned *count);

struct vq_ops {
    bool (*map)(struct virtio_device *v, struct virtqueue *q); /* finds the rings; false: they are not right */
    bool (*empty)(struct virtio_device *v, struct virtqueue *q);
    /* 1: took a chain, 0: none there, -1: broken */
    int (*take)(struct virtio_device *v, struct virtqueue *q, struct vq_chain *c, u16 *id, u16 *ndescs);
    void (*untake)(struct virtqueue *q, const struct vq_elem *e);
    void (*give)(struct virtio_device *v, struct virtqueue *q, struct vq_elem **e, const u32 *written, unsigned n);
    bool (*wants_irq)(struct virtio_device *v, struct virtqueue *q);
};
extern const struct vq_ops vq_split, vq_packed;

/* Guest memory of exactly that length as host memory, or NULL. */
u8 *virtio_ram(struct virtio_device *v, u64 addr, u64 len, bool write);

/* A descriptor, read once: the guest may change it under our hands. */
struct vring_desc {
    u64 addr;
    u32 len;
    u16 w[2]; /* split: flags, next. packed: id, flags */
};
struct vring_desc vring_desc_load(const u8 *p);
enum { VRING_NEXT = 1, VRING_WRITE = 2, VRING_INDIRECT = 4, VRING_DESC_SIZE = 16 };

/* Did `event` fall into (old, now]? All modulo 2^16. */
static inline bool vring_need_event(u16 event, u16 now, u16 old)
{
    return (u16)(now - event - 1) < (u16)(now - old);
}

#endif
