/* virtio entropy device (Virtio 1.1, 5.4): fills buffers with random bytes, at most max-bytes each period. */
#include "hw/misc/virtio_rng.h"

#include "base/clock.h"
#include "hw/virtio/virtio.h"
#include "hw/virtio/virtio_pci.h"

enum { QUEUE_SIZE = 8, BUFFER_MAX = 65536 /* given at once; drivers ask again */ };

struct virtio_rng_conf {
    struct virtio_conf common;
    const char *rng; /* the id of an -object rng-*: all are the host's entropy */
    u64 max_bytes;
    u32 period; /* ms */
};

struct virtio_rng {
    struct virtio_device v;
    struct virtio_rng_conf conf;
    u64 quota;      /* bytes left in this period */
    u64 period_end; /* CLOCK_VIRTUAL; 0: no period runs */
    struct timer timer;
};

/* Bytes that may be given now; starts a period if none runs. */
static u64 quota_left(struct virtio_rng *s)
{
    u64 now = clock_now(CLOCK_VIRTUAL);
    if (now >= s->period_end) {
        s->quota = s->conf.max_bytes;
        s->period_end = now + s->conf.period * 1000000ull;
    }
    return s->quota;
}

static void rng_serve(struct virtio_device *v, unsigned q)
{
    struct virtio_rng *s = (struct virtio_rng *)v;
    while (!vq_empty(v, q)) {
        u64 left = MIN(quota_left(s), BUFFER_MAX), given = 0;
        if (!left) {
            timer_set(&s->timer, s->period_end);
            break;
        }
        struct vq_elem *e = vq_pop(v, q);
        if (!e) {
            break;
        }
        for (unsigned i = 0; i < e->nin && left; i++) {
            u64 n = MIN(left, e->in[i].iov_len);
            entropy_fill(e->in[i].iov_base, n);
            left -= n;
            given += n;
        }
        s->quota -= given;
        vq_push(v, q, e, (u32)MIN(given, UINT32_MAX));
    }
    vq_notify(v, q);
}

static void period_over(void *opaque)
{
    rng_serve(opaque, 0);
}

static bool rng_init(struct device *d, struct err *e)
{
    struct virtio_rng *s = (struct virtio_rng *)d;
    if (!s->conf.max_bytes || !s->conf.period) {
        return err_set(e, "'%s' parameter expects a positive number", s->conf.period ? "max-bytes" : "period");
    }
    virtio_init(&s->v, 0, &s->conf.common);
    virtio_add_queue(&s->v, QUEUE_SIZE, rng_serve);
    timer_init(&s->timer, CLOCK_VIRTUAL, period_over, s);
    return true;
}

static void rng_reset(struct virtio_device *v)
{
    struct virtio_rng *s = (struct virtio_rng *)v;
    if (v->dev.live) {
        timer_cancel(&s->timer);
    }
}

static bool rng_loaded(struct device *d, struct err *e)
{
    struct virtio_rng *s = (struct virtio_rng *)d;
    timer_set(&s->timer, s->period_end); /* in case a buffer waits */
    return virtio_device_loaded(d, e);
}

static void rng_fini(struct device *d)
{
    timer_cancel(&((struct virtio_rng *)d)->timer);
}

static const struct field rng_state[] = {
    VIRTIO_FIELDS(struct virtio_rng),
    FIELD(struct virtio_rng, quota),
    FIELD(struct virtio_rng, period_end),
    {0},
};

// clang-format off
#define RNG_PROPS(T)                                                                                                   \
    VIRTIO_COMMON_PROPS(T),                                                                                            \
    PROP("rng", PROP_STR, T, conf.rng, NULL, "accepted: every source is the host's entropy"),                          \
    PROP("max-bytes", PROP_U64, T, conf.max_bytes, "0x7fffffffffffffff", "bytes a period"),                            \
    PROP("period", PROP_U32, T, conf.period, "65536", "milliseconds")
// clang-format on

static const struct prop rng_props[] = {RNG_PROPS(struct virtio_rng), {0}};

static const struct virtio_class rng_virtio = {
    .id = VIRTIO_ID_RNG,
    .conf_off = offsetof(struct virtio_rng, conf),
    .conf_size = sizeof(struct virtio_rng_conf),
    .reset = rng_reset,
};

const struct device_class virtio_rng_class = {
    .name = "virtio-rng-device",
    .doc = "virtio entropy device",
    .bus = "virtio",
    .size = sizeof(struct virtio_rng),
    .state = rng_state,
    .props = rng_props,
    .init = rng_init,
    .reset = virtio_device_reset,
    .loaded = rng_loaded,
    .fini = rng_fini,
    .bus_class = &rng_virtio,
};

VIRTIO_PCI_CLASSES(virtio_rng, "virtio-rng", "virtio entropy device", struct virtio_rng_conf, RNG_PROPS, 0x00ff00, NULL)
