/* virtio memory balloon (Virtio 1.2, 5.5): the guest gives pages back to the host, and takes them again.
 *
 * A page that comes in the inflate queue, or by free page reporting, loses its contents and costs the host nothing
 * until it is written again. What the balloon holds is the guest's to say (`actual`). Statistics are those of the last
 * filled buffer. Not modelled: free page hinting (there is no migration), page poisoning. */
#include "hw/virtio/virtio_balloon.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/core/machine.h"
#include "hw/virtio/virtio.h"
#include "hw/virtio/virtio_pci.h"

enum { F_MUST_TELL_HOST = 0, F_STATS_VQ = 1, F_DEFLATE_ON_OOM = 2, F_REPORTING = 5 };
enum { C_NUM_PAGES = 0, C_ACTUAL = 4, CONFIG_SIZE = 8 };
enum { Q_INFLATE, Q_DEFLATE, Q_STATS };
/* Drivers name 256 pages in a buffer; a limit, as each costs time in which nobody else runs. */
enum { PAGE_BITS = 12, QUEUE_SIZE = 128, STAT_BYTES = 10, PFNS_MAX = 4096 };

struct virtio_balloon_conf {
    struct virtio_conf common;
    bool deflate_on_oom, reporting;
};

struct virtio_balloon {
    struct virtio_device v;
    struct virtio_balloon_conf conf;
    u32 num_pages, actual;
    u64 stats[BALLOON_STATS];
};

/* -- pages --------------------------------------------------------------------------------------------------------- */

/* Whoever made something of the bytes hears that they are zeros now. */
static void host_discard(u8 *p, u64 n)
{
    u64 page = (u64)sysconf(_SC_PAGESIZE), from = align_up((u64)(uintptr_t)p, page);
    u64 end = align_down((u64)(uintptr_t)p + n, page);
    if (from < end && !madvise((void *)(uintptr_t)from, end - from, MADV_DONTNEED)) {
        mem_wrote((void *)(uintptr_t)from, end - from);
    }
}

static void page_discard(struct virtio_balloon *s, u64 pfn)
{
    u64 n = BIT(PAGE_BITS);
    u8 *p = mem_map(s->v.dev.dma, pfn << PAGE_BITS, &n, true);
    if (!p || n < BIT(PAGE_BITS)) {
        guest_error(device_name(&s->v.dev), "page 0x%llx is no RAM", (unsigned long long)pfn);
        return;
    }
    host_discard(p, n);
}

static void pages_kick(struct virtio_device *v, unsigned q)
{
    struct virtio_balloon *s = (struct virtio_balloon *)v;
    struct vq_elem *e;
    while ((e = vq_pop(v, q))) {
        u8 pfns[4 * PFNS_MAX];
        size_t n = q == Q_INFLATE ? iov_read(e->out, e->nout, 0, pfns, sizeof(pfns)) / 4 : 0;
        for (size_t i = 0; i < n; i++) {
            page_discard(s, ld32le(pfns + 4 * i));
        }
        bool too_long = q == Q_INFLATE && e->out_len > sizeof(pfns);
        vq_push(v, q, e, 0);
        if (too_long) {
            virtio_break(v, "a buffer names more than %d pages", PFNS_MAX);
            return;
        }
        vq_notify(v, q);
    }
}

/* The buffers themselves are what is free. */
static void report_kick(struct virtio_device *v, unsigned q)
{
    struct vq_elem *e;
    while ((e = vq_pop(v, q))) {
        for (unsigned i = 0; i < e->nin; i++) {
            host_discard(e->in[i].iov_base, e->in[i].iov_len);
        }
        vq_push(v, q, e, 0);
        vq_notify(v, q);
    }
}

/* A filled buffer waits until somebody asks. */
static void stats_kick(struct virtio_device *v, unsigned q)
{
    (void)v;
    (void)q;
}

/* -- for the monitor ----------------------------------------------------------------------------------------------- */

struct device *virtio_balloon_find(struct machine *m)
{
    struct device *d = m->devices;
    while (d && d->cls != &virtio_balloon_class) {
        d = d->next;
    }
    return d;
}

void virtio_balloon_ask(struct device *d, u64 bytes)
{
    struct virtio_balloon *s = (struct virtio_balloon *)d;
    u64 ram = d->machine->ram.size;
    s->num_pages = (u32)((ram - MIN(bytes, ram)) >> PAGE_BITS);
    virtio_config_changed(&s->v);
}

u64 virtio_balloon_left(const struct device *d)
{
    const struct virtio_balloon *s = (const struct virtio_balloon *)d;
    u64 given = (u64)s->actual << PAGE_BITS, ram = d->machine->ram.size;
    return ram - MIN(given, ram);
}

static void stats_take(struct virtio_balloon *s)
{
    if (!virtio_has(&s->v, F_STATS_VQ) || !virtio_running(&s->v)) {
        return;
    }
    struct vq_elem *e = vq_pop(&s->v, Q_STATS);
    if (!e) {
        return;
    }
    u8 t[STAT_BYTES];
    for (u64 off = 0; iov_read(e->out, e->nout, off, t, sizeof(t)) == sizeof(t); off += sizeof(t)) {
        if (ld16le(t) < BALLOON_STATS) {
            s->stats[ld16le(t)] = ld64le(t + 2);
        }
    }
    vq_push(&s->v, Q_STATS, e, 0);
    vq_notify(&s->v, Q_STATS);
}

void virtio_balloon_stats(struct device *d, u64 stats[BALLOON_STATS])
{
    struct virtio_balloon *s = (struct virtio_balloon *)d;
    stats_take(s);
    memcpy(stats, s->stats, sizeof(s->stats));
}

/* -- configuration space ------------------------------------------------------------------------------------------- */

static void balloon_config_read(struct virtio_device *v, u8 *c)
{
    const struct virtio_balloon *s = (struct virtio_balloon *)v;
    st32le(c + C_NUM_PAGES, s->num_pages);
    st32le(c + C_ACTUAL, s->actual);
}

static void balloon_config_written(struct virtio_device *v, const u8 *c, unsigned off, unsigned size)
{
    if (off < C_ACTUAL) {
        guest_error(device_name(&v->dev), "write of %u bytes at 0x%x of the configuration space", size, off);
        return;
    }
    ((struct virtio_balloon *)v)->actual = ld32le(c + C_ACTUAL);
}

/* -- device -------------------------------------------------------------------------------------------------------- */

static bool balloon_init(struct device *d, struct err *e)
{
    struct virtio_balloon *s = (struct virtio_balloon *)d;
    (void)e;
    u64 f = BIT(F_STATS_VQ) | (s->conf.deflate_on_oom ? BIT(F_DEFLATE_ON_OOM) : 0);
    virtio_init(&s->v, f | (s->conf.reporting ? BIT(F_REPORTING) : 0), &s->conf.common);
    virtio_add_queue(&s->v, QUEUE_SIZE, pages_kick);
    virtio_add_queue(&s->v, QUEUE_SIZE, pages_kick);
    virtio_add_queue(&s->v, QUEUE_SIZE, stats_kick);
    if (s->conf.reporting) {
        virtio_add_queue(&s->v, QUEUE_SIZE, report_kick);
    }
    return true;
}

static void balloon_reset(struct virtio_device *v)
{
    struct virtio_balloon *s = (struct virtio_balloon *)v;
    s->actual = 0;
    memset(s->stats, 0xff, sizeof(s->stats));
}

static const struct field balloon_state[] = {
    VIRTIO_FIELDS(struct virtio_balloon),
    FIELD(struct virtio_balloon, num_pages, .flags = F_KEEP),
    FIELD(struct virtio_balloon, actual),
    FIELDS(struct virtio_balloon, stats, .reset = ~0ull),
    {0},
};

// clang-format off
#define BALLOON_PROPS(T)                                                                                               \
    VIRTIO_COMMON_PROPS(T),                                                                                            \
    PROP("deflate-on-oom", PROP_BOOL, T, conf.deflate_on_oom, "off", "the guest may take pages when it has no others"), \
    PROP("free-page-reporting", PROP_BOOL, T, conf.reporting, "off", "the guest tells of pages that it does not use")
// clang-format on

static const struct prop balloon_props[] = {BALLOON_PROPS(struct virtio_balloon), {0}};

static const struct virtio_class balloon_virtio = {
    .id = VIRTIO_ID_BALLOON,
    .config_size = CONFIG_SIZE,
    .conf_off = offsetof(struct virtio_balloon, conf),
    .conf_size = sizeof(struct virtio_balloon_conf),
    .config_read = balloon_config_read,
    .config_written = balloon_config_written,
    .reset = balloon_reset,
};

const struct device_class virtio_balloon_class = {
    .name = "virtio-balloon-device",
    .doc = "virtio memory balloon",
    .bus = "virtio",
    .size = sizeof(struct virtio_balloon),
    .state = balloon_state,
    .props = balloon_props,
    .init = balloon_init,
    .reset = virtio_device_reset,
    .loaded = virtio_device_loaded,
    .bus_class = &balloon_virtio,
};

VIRTIO_PCI_CLASSES(virtio_balloon, "virtio-balloon", "virtio memory balloon", struct virtio_balloon_conf, BALLOON_PROPS,
                   0x00ff00, NULL)
