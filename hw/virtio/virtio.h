/* virtio devices and their queues (Virtio 1.1, with the legacy interface of 0.9.5).
 *
 * A device is a struct with `struct virtio_device` first; its class has .bus = "virtio" and a struct virtio_class as
 * bus_class. It adds queues in its init, is told of kicks, and moves buffers; transports (virtio-mmio, virtio-pci) own
 * registers and interrupts, and neither knows the other.
 *
 * Guests may write anything into rings and descriptors at any time. Every index and length is checked here; what is
 * wrong counts as a guest error and leaves the device broken, which is to say deaf until it is reset.
 * Not modelled: legacy guests that are big-endian, ACCESS_PLATFORM, IN_ORDER, NOTIFICATION_DATA. */
#ifndef MOSS_HW_VIRTIO_VIRTIO_H
#define MOSS_HW_VIRTIO_VIRTIO_H

#include <sys/uio.h>

#include "hw/core/device.h"

#define VIRTIO_QUEUES      64
#define VIRTIO_QUEUE_SIZE  1024 /* the largest */
#define VIRTIO_CONFIG_SIZE 256  /* the largest */
#define VIRTIO_NO_VECTOR   0xffff

enum { /* feature bits that every device may have */
       VIRTIO_F_ANY_LAYOUT = 27,
       VIRTIO_F_INDIRECT_DESC = 28,
       VIRTIO_F_EVENT_IDX = 29,
       VIRTIO_F_VERSION_1 = 32,
       VIRTIO_F_RING_PACKED = 34,
};
enum { /* device status */
       VIRTIO_S_ACKNOWLEDGE = 1,
       VIRTIO_S_DRIVER = 2,
       VIRTIO_S_DRIVER_OK = 4,
       VIRTIO_S_FEATURES_OK = 8,
       VIRTIO_S_NEEDS_RESET = 64,
       VIRTIO_S_FAILED = 128,
};
enum {
    VIRTIO_ID_NET = 1,
    VIRTIO_ID_BLOCK = 2,
    VIRTIO_ID_CONSOLE = 3,
    VIRTIO_ID_RNG = 4,
    VIRTIO_ID_BALLOON = 5,
    VIRTIO_ID_SCSI = 8,
    VIRTIO_ID_GPU = 16,
    VIRTIO_ID_INPUT = 18
};

struct virtio_device;

/* -- properties that all have: a `struct virtio_conf common` first in each device's own conf ------------------ */

struct virtio_conf {
    bool indirect_desc, event_idx, packed, any_layout;
};
#define VIRTIO_COMMON_PROPS(T) \
    PROP("indirect_desc", PROP_BOOL, T, conf.common.indirect_desc, "on", "offer indirect descriptors"), \
        PROP("event_idx", PROP_BOOL, T, conf.common.event_idx, "on", "offer the event index"), \
        PROP("packed", PROP_BOOL, T, conf.common.packed, "off", "offer packed rings"), \
        PROP("any_layout", PROP_BOOL, T, conf.common.any_layout, "on", "legacy: accept any division of a request")

/* -- devices ------------------------------------------------------------------------------------------------ */

struct virtio_class {
    u16 id;
    u16 config_size;
    u16 vectors;             /* MSI-X vectors that pay off; 0: one a queue, and one */
    u32 conf_off, conf_size; /* the device's conf, which a PCI proxy fills in for it */
    /* Any may be NULL. config: `config_size` bytes, little-endian. */
    void (*config_read)(struct virtio_device *v, u8 *config);
    void (*config_written)(struct virtio_device *v, const u8 *config, unsigned off, unsigned size);
    void (*status)(struct virtio_device *v, u8 was); /* the driver wrote status */
    void (*quiesce)(struct virtio_device *v);        /* returns when nothing popped is in flight any more */
    void (*reset)(struct virtio_device *v);
};

/* A queue: addresses and indices as the guest gave them, then what is derived. */
struct virtqueue {
    u64 desc, driver, device; /* descriptor area; driver area or available ring; device area or used ring */
    u16 num;                  /* 0: not usable */
    u16 vector;
    bool ready;
    u16 last_avail, used_idx, signalled; /* next to take, next to give back, used_idx when last told */
    bool signalled_valid, avail_wrap, used_wrap;

    u16 num_max; /* 0: there is no such queue */
    u16 inuse;   /* elements popped and not yet pushed */
    bool fresh;  /* something was pushed since the driver was last told */
    void (*kick)(struct virtio_device *v, unsigned q);
    u8 *desc_host, *driver_host, *device_host; /* NULL: to be looked up */
};

struct virtio_transport {
    bool many_vectors; /* a queue for each CPU pays off */
    void (*queue_irq)(struct device *transport, unsigned q);
    void (*config_irq)(struct device *transport);
    void (*refresh)(struct device *transport); /* isr was set anew, by reset or load: drive level interrupts */
};

struct virtio_device {
    struct device dev;
    const struct virtio_class *vc;
    const struct virtio_transport *transport;
    struct device *owner; /* the transport's device */
    u64 offered, features;
    u32 generation;
    u8 status, isr;
    bool broken, stale; /* stale: the memory map changed, look the rings up again */
    unsigned nqueues;
    struct virtqueue vq[VIRTIO_QUEUES];
};

#define VIRTIO_FIELDS(T) \
    FIELD(T, v.offered, .flags = F_CONFIG), FIELD(T, v.features), FIELD(T, v.generation), FIELD(T, v.status), \
        FIELD(T, v.isr), FIELD(T, v.broken), FIELD_OF(T, v.vq, desc), FIELD_OF(T, v.vq, driver), \
        FIELD_OF(T, v.vq, device), FIELD_OF(T, v.vq, num, .flags = F_KEEP), FIELD_OF(T, v.vq, vector), \
        FIELD_OF(T, v.vq, ready), FIELD_OF(T, v.vq, last_avail), FIELD_OF(T, v.vq, used_idx), \
        FIELD_OF(T, v.vq, signalled), FIELD_OF(T, v.vq, signalled_valid), FIELD_OF(T, v.vq, avail_wrap), \
        FIELD_OF(T, v.vq, used_wrap)

/* In the device's init. `features`: the device's own bits; the common ones follow conf. */
void virtio_init(struct virtio_device *v, u64 features, const struct virtio_conf *conf);
/* Queues are numbered in the order they are added. num: a power of two. */
unsigned virtio_add_queue(struct virtio_device *v, unsigned num, void (*kick)(struct virtio_device *v, unsigned q));
/* The class's reset and loaded hooks. */
void virtio_device_reset(struct device *d);
bool virtio_device_loaded(struct device *d, struct err *e);

static inline bool virtio_has(const struct virtio_device *v, unsigned feature)
{
    return v->features >> feature & 1;
}
static inline bool virtio_running(const struct virtio_device *v)
{
    return (v->status & VIRTIO_S_DRIVER_OK) && !v->broken;
}
/* Configuration space changed by itself. */
void virtio_config_changed(struct virtio_device *v);
/* The guest did what it must not. */
void virtio_break(struct virtio_device *v, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* -- buffers ---------------------------------------------------------------------------------------------------- */

/* One buffer of a queue, as host memory: first the segments the device reads, then those it writes. */
struct vq_elem {
    u16 id, ndescs;
    unsigned nout, nin;
    u64 out_len, in_len;
    struct iovec *out, *in;
};
bool vq_usable(struct virtio_device *v, unsigned q);
bool vq_empty(struct virtio_device *v, unsigned q);
/* NULL: nothing there, or broken. The driver kicks when it fills a queue that vq_pop or vq_empty found empty, and
 * otherwise as it likes: who stops before that goes on by itself. Each element ends in vq_push, vq_push_many or
 * vq_rewind. */
struct vq_elem *vq_pop(struct virtio_device *v, unsigned q);
/* Gives it back; `written` bytes were put into its `in` segments, from their start. */
void vq_push(struct virtio_device *v, unsigned q, struct vq_elem *e, u32 written);
/* Several at once: the driver sees all or none. */
void vq_push_many(struct virtio_device *v, unsigned q, struct vq_elem **e, const u32 *written, unsigned n);
/* Undoes the newest pop. */
void vq_rewind(struct virtio_device *v, unsigned q, struct vq_elem *e);
/* Frees an element of a queue that was reset meanwhile. */
void vq_drop(struct vq_elem *e);
/* Interrupts, unless the driver does not want it now. After one or more pushes. */
void vq_notify(struct virtio_device *v, unsigned q);

/* Bytes of a list of segments; give how many were there. */
size_t iov_read(const struct iovec *iov, unsigned n, u64 off, void *p, size_t len);
size_t iov_write(const struct iovec *iov, unsigned n, u64 off, const void *p, size_t len);

#endif
