/* Input and output on file descriptors, on the main loop. Output is the longer story: a ring behind a
 * descriptor that does not block. */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "chardev/chardev_priv.h"

static bool input_wanted(void *c)
{
    return chardev_room(c) > 0;
}

struct watch *chardev_watch(struct chardev *c, int fd, void (*ready)(void *c))
{
    return watch_new(fd, input_wanted, ready, c);
}

void fd_set_nonblock(int fd)
{
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static bool would_block(int err)
{
    return err == EAGAIN || err == EWOULDBLOCK || err == ENOBUFS;
}

bool fd_write_all(int fd, const u8 *p, size_t n)
{
    while (n) {
        ssize_t put = write(fd, p, n);
        if (put >= 0) {
            p += put;
            n -= (size_t)put;
        } else if (would_block(errno)) {
            poll(&(struct pollfd){.fd = fd, .events = POLLOUT}, 1, -1);
        } else if (errno != EINTR) {
            return false;
        }
    }
    return true;
}

void fd_out_init(struct fd_out *o, struct chardev *c, int fd, void (*failed)(struct chardev *c))
{
    *o = (struct fd_out){.c = c, .fd = fd, .failed = failed};
}

void fd_out_reset(struct fd_out *o)
{
    if (o->watch) {
        g_source_remove(o->watch);
    }
    g_free(o->data);
    *o = (struct fd_out){.c = o->c, .fd = -1, .failed = o->failed};
}

/* Bytes taken, 0 when the descriptor is full, -1 when it is broken. */
static ssize_t try_write(int fd, const u8 *p, size_t n)
{
    ssize_t put;
    do {
        put = write(fd, p, n);
    } while (put < 0 && errno == EINTR);
    return put < 0 && would_block(errno) ? 0 : put;
}

/* Writes what waits, as far as the descriptor takes it. */
static bool ring_drain(struct fd_out *o)
{
    while (o->len) {
        size_t run = MIN(o->len, OUT_BOUND - o->head);
        ssize_t put = try_write(o->fd, o->data + o->head, run);
        if (put <= 0) {
            return put == 0;
        }
        o->head = (o->head + (size_t)put) % OUT_BOUND;
        o->len -= (size_t)put;
        o->stalled = false;
    }
    return true;
}

static gboolean fd_out_writable(gint fd, GIOCondition cond, gpointer opaque)
{
    struct fd_out *o = opaque;
    (void)fd;
    (void)cond;
    if (!ring_drain(o)) {
        o->watch = 0;
        o->failed(o->c);
        return G_SOURCE_REMOVE;
    }
    if (!o->len) {
        o->watch = 0;
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static size_t ring_put(struct fd_out *o, const u8 *p, size_t n)
{
    if (!o->data) {
        o->data = g_malloc(OUT_BOUND);
    }
    n = MIN(n, OUT_BOUND - o->len);
    for (size_t done = 0; done < n;) {
        size_t tail = (o->head + o->len) % OUT_BOUND;
        size_t run = MIN(n - done, OUT_BOUND - tail);
        memcpy(o->data + tail, p + done, run);
        o->len += run;
        done += run;
    }
    if (o->len && !o->watch) {
        o->watch = g_unix_fd_add(o->fd, G_IO_OUT, fd_out_writable, o);
    }
    return n;
}

bool fd_out_write(struct fd_out *o, const u8 *p, size_t n)
{
    while (n) {
        if (!ring_drain(o)) {
            return false;
        }
        ssize_t put = o->len ? 0 : try_write(o->fd, p, n);
        if (put < 0) {
            return false;
        }
        if (put == 0) {
            put = (ssize_t)ring_put(o, p, n);
        }
        p += put;
        n -= (size_t)put;
        if (n && o->len == OUT_BOUND) {
            if (o->stalled || poll(&(struct pollfd){.fd = o->fd, .events = POLLOUT}, 1, OUT_PATIENCE_MS) == 0) {
                o->stalled = true;
                warn_once("character device '%s': nobody reads its output, some is lost", o->c->id);
                return true;
            }
        }
    }
    return true;
}

void fd_out_flush(struct fd_out *o, unsigned patience_ms)
{
    while (o->fd >= 0 && o->len && ring_drain(o) && o->len) {
        if (poll(&(struct pollfd){.fd = o->fd, .events = POLLOUT}, 1, (int)patience_ms) <= 0) {
            break;
        }
    }
}
