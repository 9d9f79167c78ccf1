/* The last bytes written, kept in memory for whoever asks (QMP ringbuf-read). */
#include <string.h>

#include "base/bits.h"
#include "chardev/chardev_priv.h"

struct ring {
    struct chardev c;
    u8 *data;
    u64 size;    /* a power of two */
    u64 in, out; /* bytes ever written, and taken or overwritten */
};

static bool ring_open(struct chardev *c, struct opts *o, struct err *e)
{
    struct ring *r = (struct ring *)c;
    r->size = 65536;
    if (!opts_size(o, "size", &r->size, e)) {
        return false;
    }
    if (!is_pow2(r->size) || r->size > 1ull << 30) {
        return err_set(e, "size=%s: expected a power of two, at most 1G", opts_str(o, "size", ""));
    }
    r->data = g_malloc0(r->size);
    c->is_open = true;
    return true;
}

static void ring_write(struct chardev *c, const u8 *p, size_t n)
{
    struct ring *r = (struct ring *)c;
    for (size_t i = 0; i < n; i++) {
        r->data[r->in++ & (r->size - 1)] = p[i];
    }
    if (r->in - r->out > r->size) {
        r->out = r->in - r->size;
    }
}

size_t chardev_ring_read(struct chardev *c, void *p, size_t n)
{
    if (!c || c->cls != &chardev_ringbuf) {
        return 0;
    }
    struct ring *r = (struct ring *)c;
    u8 *to = p;
    size_t got = 0;
    while (got < n && r->out < r->in) {
        to[got++] = r->data[r->out++ & (r->size - 1)];
    }
    return got;
}

static void ring_close(struct chardev *c)
{
    g_free(((struct ring *)c)->data);
}

static const struct opt_key keys[] = {
    {"size", "BYTES", "how much is kept, a power of two (default 64k)"},
    {0},
};

const struct chardev_class chardev_ringbuf = {
    .name = "ringbuf",
    .alias = "memory",
    .doc = "keeps the last output in memory",
    .keys = keys,
    .size = sizeof(struct ring),
    .open = ring_open,
    .write = ring_write,
    .close = ring_close,
};
