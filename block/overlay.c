/* -snapshot: writes go to a nameless temporary file beside an image that stays as it is.
 *
 * A bit for each granule of 4 KiB tells who has it. A granule is copied up when a write covers only a
 * part of it. Writers take a mutex; readers look at the bits, which are set when the data is there. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "block/block_priv.h"

enum { GRANULE = 4096 };

struct overlay_node {
    struct block_node node;
    struct block_node *base;
    int fd;
    pthread_mutex_t lock; /* writers */
    _Atomic u64 *have;    /* bit g: granule g is in our file */
};

static bool granule_here(const struct overlay_node *v, u64 g)
{
    return atomic_load_explicit(&v->have[g / 64], memory_order_acquire) >> (g % 64) & 1;
}

static void granules_claim(struct overlay_node *v, u64 offset, u64 end)
{
    for (u64 g = offset / GRANULE; g * GRANULE < end; g++) {
        atomic_fetch_or_explicit(&v->have[g / 64], BIT(g % 64), memory_order_release);
    }
}

/* Bytes from offset to end that one side has; *here tells which. */
static u64 run_length(const struct overlay_node *v, u64 offset, u64 end, bool *here)
{
    u64 g = offset / GRANULE;
    *here = granule_here(v, g);
    while (++g * GRANULE < end && granule_here(v, g) == *here) {
    }
    return MIN(g * GRANULE, end) - offset;
}

static int overlay_readv(struct block_node *n, u64 offset, const struct iovec *iov, int niov)
{
    struct overlay_node *v = (struct overlay_node *)n;
    u64 len = iov_len(iov, niov);
    struct iovec *part = g_new(struct iovec, niov);
    int rc = 0;
    for (u64 done = 0, run; done < len && !rc; done += run) {
        bool here;
        run = run_length(v, offset + done, offset + len, &here);
        int parts = iov_slice(part, iov, niov, done, run);
        if (!here) {
            rc = v->base->drv->readv(v->base, offset + done, part, parts);
            continue;
        }
        i64 got = io_readv(v->fd, offset + done, part, parts);
        rc = got < 0 ? (int)got : (u64)got < run ? -EIO : 0;
    }
    g_free(part);
    return rc;
}

/* What lies in both is the workers' business. */
static bool overlay_read_cached(struct block_node *n, u64 offset, const struct iovec *iov, int niov)
{
    struct overlay_node *v = (struct overlay_node *)n;
    u64 len = iov_len(iov, niov);
    bool here;
    if (!len || run_length(v, offset, offset + len, &here) < len) {
        return false;
    }
    return here ? io_read_cached(v->fd, offset, iov, niov)
                : v->base->drv->read_cached && v->base->drv->read_cached(v->base, offset, iov, niov);
}

/* Makes the granule at offset ours with its old contents, if a write will not cover all of it. */
static int copy_up(struct overlay_node *v, u64 at, u64 from, u64 to)
{
    u64 start = align_down(at, GRANULE), end = MIN(start + GRANULE, v->node.size);
    u8 data[GRANULE];
    struct iovec iov = {.iov_base = data, .iov_len = end - start};
    if (granule_here(v, start / GRANULE) || (from <= start && to >= end)) {
        return 0;
    }
    int rc = v->base->drv->readv(v->base, start, &iov, 1);
    if (!rc) {
        rc = io_writev(v->fd, start, &iov, 1);
    }
    if (!rc) {
        granules_claim(v, start, end);
    }
    return rc;
}

static int edges_copy_up(struct overlay_node *v, u64 from, u64 to)
{
    int rc = copy_up(v, from, from, to);
    return rc ? rc : copy_up(v, to - 1, from, to);
}

static int overlay_writev(struct block_node *n, u64 offset, const struct iovec *iov, int niov)
{
    struct overlay_node *v = (struct overlay_node *)n;
    u64 end = offset + iov_len(iov, niov);
    if (end == offset) {
        return 0;
    }
    pthread_mutex_lock(&v->lock);
    int rc = edges_copy_up(v, offset, end);
    if (!rc) {
        rc = io_writev(v->fd, offset, iov, niov);
    }
    if (!rc) {
        granules_claim(v, offset, end);
    }
    pthread_mutex_unlock(&v->lock);
    return rc;
}

static int overlay_zero(struct block_node *n, u64 offset, u64 len, bool unmap)
{
    struct overlay_node *v = (struct overlay_node *)n;
    (void)unmap;
    if (!len) {
        return 0;
    }
    pthread_mutex_lock(&v->lock);
    int rc = edges_copy_up(v, offset, offset + len);
    if (!rc) {
        rc = io_zero(v->fd, offset, len, true);
    }
    if (!rc) {
        granules_claim(v, offset, offset + len);
    }
    pthread_mutex_unlock(&v->lock);
    return rc;
}

/* The contents may become anything: zeros cost nothing, and give the space back. */
static int overlay_discard(struct block_node *n, u64 offset, u64 len)
{
    u64 from = align_up(offset, GRANULE), to = align_down(offset + len, GRANULE);
    return from < to ? overlay_zero(n, from, to - from, true) : 0;
}

static int overlay_flush(struct block_node *n)
{
    (void)n; /* nobody reads it after us */
    return 0;
}

static void overlay_close(struct block_node *n)
{
    struct overlay_node *v = (struct overlay_node *)n;
    node_close(v->base);
    close(v->fd);
    pthread_mutex_destroy(&v->lock);
    g_free((void *)v->have);
    g_free(v);
}

static const struct block_driver overlay_driver = {
    .name = "snapshot",
    .readv = overlay_readv,
    .read_cached = overlay_read_cached,
    .writev = overlay_writev,
    .zero = overlay_zero,
    .discard = overlay_discard,
    .flush = overlay_flush,
    .close = overlay_close,
};

static int temporary_open(const char *dir)
{
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC | O_EXCL, 0600);
    if (fd < 0) { /* the file system knows no nameless files */
        gchar *name = g_strdup_printf("%s/moss-snapshot-XXXXXX", dir);
        fd = mkostemp(name, O_CLOEXEC);
        if (fd >= 0) {
            unlink(name);
        }
        g_free(name);
    }
    return fd;
}

struct block_node *overlay_node_new(struct block_node *base, struct err *e)
{
    /* Not the temporary directory of glib: it may be memory, and this file may grow to disk size. */
    const char *dir = g_getenv("TMPDIR");
    dir = dir && *dir ? dir : "/var/tmp";
    int fd = temporary_open(dir);
    if (fd < 0) {
        err_errno(e, "cannot make the snapshot's temporary file in '%s' (TMPDIR chooses another place)", dir);
        return NULL;
    }
    struct overlay_node *v = g_new0(struct overlay_node, 1);
    v->node =
        (struct block_node){.drv = &overlay_driver, .size = base->size, .can_discard = true, .sector = base->sector};
    v->base = base;
    v->fd = fd;
    v->have = g_malloc0((base->size / GRANULE / 64 + 1) * sizeof(u64));
    pthread_mutex_init(&v->lock, NULL);
    if (ftruncate(fd, (off_t)align_up(base->size, GRANULE)) < 0) {
        err_errno(e, "cannot make the snapshot's temporary file in '%s' large enough", dir);
        v->base = NULL;
        overlay_close(&v->node);
        return NULL;
    }
    return &v->node;
}
