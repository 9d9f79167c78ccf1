/* A virtio driver in C, for tests: finds a device behind virtio-mmio or virtio-pci, agrees on features, sets up queues
 * and passes buffers, in split and packed rings, as a guest's driver would. Guest memory is the bench's RAM. */
#ifndef MOSS_TESTS_HW_VIRTIO_DRV_H
#define MOSS_TESTS_HW_VIRTIO_DRV_H

#include "hw/virtio/virtio.h"
#include "tests/hw/bench.h"

enum drv_bus { DRV_MMIO_LEGACY, DRV_MMIO, DRV_PCI_LEGACY, DRV_PCI };
enum { DRV_QUEUES = 8 };

struct drv_queue {
    u16 num;
    u64 desc, driver, device;
    u16 next_desc, avail_idx, last_used; /* packed: positions in the ring */
    bool avail_wrap, used_wrap;
    bool busy[VIRTIO_QUEUE_SIZE]; /* descriptor, or buffer id, in use */
    u16 len[VIRTIO_QUEUE_SIZE];   /* packed: descriptors of buffer id */
};
struct drv {
    struct bench *b;
    enum drv_bus bus;
    struct device *d; /* the one that -device names */
    u64 bar;          /* modern PCI registers, or legacy ports */
    u64 features;
    u64 heap; /* next free guest address */
    bool packed, indirect, event_idx;
    struct drv_queue q[DRV_QUEUES];
    struct device *queued; /* virtio_device's device */
};

struct seg {
    u64 addr;
    u32 len;
    bool write;
};

/* Makes bench, bus and device; nothing is agreed on yet. name: of the class for that bus, see drv_class. */
struct drv *drv_new(enum drv_bus bus, const struct device_class *mmio, const struct device_class *pci,
                    const char *props);
void drv_free(struct drv *d);
/* The life of a driver up to DRIVER_OK with the wanted features (those not offered are left out) and `queues` queues.
 */
void drv_start(struct drv *d, u64 want, unsigned queues);
void drv_reset(struct drv *d);
u64 drv_offered(struct drv *d);
u8 drv_status(struct drv *d);
void drv_set_status(struct drv *d, u8 status);
u64 drv_config(struct drv *d, unsigned off, unsigned size);
void drv_config_set(struct drv *d, unsigned off, unsigned size, u64 v);
u8 drv_isr(struct drv *d); /* reads and acknowledges */
bool drv_irq(struct drv *d);

u64 drv_alloc(struct drv *d, u64 n, u64 align);
void drv_put(struct drv *d, u64 addr, const void *p, u64 n);
void drv_get(struct drv *d, u64 addr, void *p, u64 n);
u8 *drv_host(struct drv *d, u64 addr);

/* Makes a buffer available; gives its id. */
u16 drv_add(struct drv *d, unsigned q, const struct seg *s, unsigned n);
void drv_kick(struct drv *d, unsigned q);
/* The next used buffer, if any. */
bool drv_used(struct drv *d, unsigned q, u16 *id, u32 *len);
/* Adds, kicks, and lets the main loop run until the buffer is used; gives the length. */
u32 drv_do(struct drv *d, unsigned q, const struct seg *s, unsigned n);

#endif
