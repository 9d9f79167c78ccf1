/* A virtio device as transports drive it: status, features, configuration space, queue set-up (Virtio 1.1, chapters 2
 * and 3). */
#include <stdarg.h>
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/virtio/virtio_priv.h"

/* -- made by devices -------------------------------------------------------------------------------------------- */

void virtio_init(struct virtio_device *v, u64 features, const struct virtio_conf *conf)
{
    v->offered = features | BIT(VIRTIO_F_VERSION_1);
    v->offered |= conf->indirect_desc ? BIT(VIRTIO_F_INDIRECT_DESC) : 0;
    v->offered |= conf->event_idx ? BIT(VIRTIO_F_EVENT_IDX) : 0;
    v->offered |= conf->packed ? BIT(VIRTIO_F_RING_PACKED) : 0;
    v->offered |= conf->any_layout ? BIT(VIRTIO_F_ANY_LAYOUT) : 0;
    must(v->vc && v->vc->config_size <= VIRTIO_CONFIG_SIZE);
}

unsigned virtio_add_queue(struct virtio_device *v, unsigned num, void (*kick)(struct virtio_device *v, unsigned q))
{
    must(v->nqueues < VIRTIO_QUEUES && is_pow2(num) && num <= VIRTIO_QUEUE_SIZE);
    struct virtqueue *q = &v->vq[v->nqueues];
    q->num_max = q->num = (u16)num;
    q->kick = kick;
    return v->nqueues++;
}

static void map_changed(void *opaque)
{
    ((struct virtio_device *)opaque)->stale = true;
}

void virtio_attach(struct virtio_device *v, const struct virtio_transport *t, struct device *owner)
{
    v->vc = v->dev.cls->bus_class;
    v->transport = t;
    v->owner = owner;
    v->dev.dma = owner->dma;
    mem_space_listen(v->dev.dma, map_changed, v);
}

/* -- reset and load ------------------------------------------------------------------------------------------------ */

static void queue_reset(struct virtqueue *q)
{
    *q = (struct virtqueue){.num = q->num_max,
                            .num_max = q->num_max,
                            .kick = q->kick,
                            .vector = VIRTIO_NO_VECTOR,
                            .avail_wrap = true,
                            .used_wrap = true};
}

static void quiesce(struct virtio_device *v)
{
    if (v->vc && v->vc->quiesce) {
        v->vc->quiesce(v);
    }
}

void virtio_reset(struct virtio_device *v)
{
    quiesce(v);
    if (v->vc && v->vc->reset) {
        v->vc->reset(v);
    }
    v->features = 0;
    v->status = v->isr = 0;
    v->broken = false;
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++) {
        queue_reset(&v->vq[i]);
    }
}

void virtio_device_reset(struct device *d)
{
    struct virtio_device *v = (struct virtio_device *)d;
    virtio_reset(v);
    if (v->transport) {
        v->transport->refresh(v->owner);
    }
}

bool virtio_device_loaded(struct device *d, struct err *e)
{
    struct virtio_device *v = (struct virtio_device *)d;
    v->stale = true;
    for (unsigned i = 0; i < VIRTIO_QUEUES; i++) {
        if (v->vq[i].num > v->vq[i].num_max) {
            return err_set(e, "queue %u has %u entries in the snapshot, at most %u here", i, v->vq[i].num,
                           v->vq[i].num_max);
        }
    }
    if (v->transport) {
        v->transport->refresh(v->owner);
    }
    return true;
}

/* -- telling the driver ------------------------------------------------------------------------------------------- */

void virtio_config_changed(struct virtio_device *v)
{
    v->generation++;
    if (v->transport && v->status & VIRTIO_S_DRIVER_OK) {
        v->isr |= 2;
        v->transport->config_irq(v->owner);
    }
}

void virtio_break(struct virtio_device *v, const char *fmt, ...)
{
    char msg[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(msg, sizeof(msg), fmt, ap);
    va_end(ap);
    guest_error(device_name(&v->dev), "%s; the device waits for its reset", msg);
    if (v->broken) {
        return;
    }
    v->broken = true;
    if (virtio_has(v, VIRTIO_F_VERSION_1)) {
        v->status |= VIRTIO_S_NEEDS_RESET;
        virtio_config_changed(v);
    }
}

/* -- driven by transports ---------------------------------------------------------------------------------------- */

void virtio_set_features(struct virtio_device *v, unsigned sel, u32 bits32)
{
    if (v->status & VIRTIO_S_FEATURES_OK) {
        guest_error(device_name(&v->dev), "features written after FEATURES_OK");
        return;
    }
    if (sel < 2) {
        v->features = deposit(v->features, sel * 32, 32, bits32) & v->offered;
    }
}

/* Packed rings are a matter of the modern interface. */
static bool features_fit(const struct virtio_device *v)
{
    return virtio_has(v, VIRTIO_F_VERSION_1);
}

void virtio_set_status(struct virtio_device *v, u8 status)
{
    if (status == 0) {
        virtio_reset(v);
        return;
    }
    u8 was = v->status;
    if (status & ~was & VIRTIO_S_FEATURES_OK && !features_fit(v)) {
        status &= (u8)~VIRTIO_S_FEATURES_OK;
    }
    v->status = status | (was & VIRTIO_S_NEEDS_RESET);
    if (v->vc->status) {
        v->vc->status(v, was);
    }
}

u32 virtio_config_load(struct virtio_device *v, unsigned off, unsigned size)
{
    u8 config[VIRTIO_CONFIG_SIZE + 8] = {0};
    if (off + size > v->vc->config_size) {
        return (u32)MASK(8 * size);
    }
    if (v->vc->config_read) {
        v->vc->config_read(v, config);
    }
    return (u32)ldnle(config + off, size);
}

void virtio_config_store(struct virtio_device *v, unsigned off, unsigned size, u32 val)
{
    u8 config[VIRTIO_CONFIG_SIZE + 8] = {0};
    if (off + size > v->vc->config_size) {
        guest_error(device_name(&v->dev), "write at 0x%x, outside the configuration space", off);
        return;
    }
    if (v->vc->config_read) {
        v->vc->config_read(v, config);
    }
    stnle(config + off, size, val);
    if (v->vc->config_written) {
        v->vc->config_written(v, config, off, size);
    }
}

void virtio_set_num(struct virtio_device *v, unsigned n, unsigned num)
{
    struct virtqueue *q = virtio_queue(v, n);
    if (!q || q->ready) {
        guest_error(device_name(&v->dev), "size of queue %u, which is %s", n, q ? "in use" : "not there");
    } else if (num > q->num_max) {
        virtio_break(v, "queue %u of %u entries, at most %u", n, num, q->num_max);
    } else {
        q->num = (u16)num;
    }
}

void virtio_set_legacy_ring(struct virtio_device *v, unsigned n, u64 addr, u64 align)
{
    struct virtqueue *q = virtio_queue(v, n);
    if (!q) {
        return;
    }
    if (!addr) {
        virtio_set_ready(v, n, false);
        q->desc = q->driver = q->device = 0;
        return;
    }
    if (!is_pow2(align)) {
        virtio_break(v, "queue %u is aligned to %llu, no power of two", n, (unsigned long long)align);
        return;
    }
    q->desc = addr;
    q->driver = addr + (u64)VRING_DESC_SIZE * q->num;
    q->device = align_up(q->driver + 4 + 2 * q->num + 2, align);
    virtio_set_ready(v, n, true);
}

void virtio_set_ready(struct virtio_device *v, unsigned n, bool ready)
{
    struct virtqueue *q = virtio_queue(v, n);
    if (!q) {
        return;
    }
    if (!ready && q->inuse) {
        quiesce(v);
    }
    q->ready = ready && q->num;
    q->desc_host = q->driver_host = q->device_host = NULL;
    if (!ready) {
        q->inuse = 0;
        q->last_avail = q->used_idx = 0;
        q->signalled_valid = false;
        q->avail_wrap = q->used_wrap = true;
    }
}

void virtio_kick(struct virtio_device *v, unsigned n)
{
    struct virtqueue *q = virtio_queue(v, n);
    if (!q) {
        guest_error(device_name(&v->dev), "kick of queue %u, which is not there", n);
    } else if (virtio_running(v) && q->ready && q->kick) {
        q->kick(v, n);
    }
}
