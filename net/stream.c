/* Frames over a stream socket, each behind its length (four bytes, the highest first): to another
 * emulator, a switch (vde, passt, socket_vmnet), or a test. The kinds stream and socket differ in how
 * the address is written; socket can also carry frames as datagrams (dgram.c).
 *
 * Output that the peer does not take waits up to a bound; then whole frames are dropped. */
#include <errno.h>
#include <glib-unix.h>
#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/buf.h"
#include "base/conn.h"
#include "base/log.h"
#include "base/watch.h"
#include "net/dgram.h"
#include "net/net_priv.h"

enum { OUT_BOUND = 1 << 20 };

struct stream {
    struct netdev n;
    struct conn conn;
    struct dgram dgram; /* fd >= 0: this instead of all the rest */
    int fd;             /* -1: nobody is connected */
    struct watch *in;
    u8 data[4 + NET_FRAME_MAX]; /* a frame coming in */
    size_t have;
    struct buf out; /* what waits, from out_done on */
    size_t out_done;
    guint out_watch;
};

static void stream_gone(struct stream *s)
{
    watch_free(s->in);
    s->in = NULL;
    if (s->out_watch) {
        g_source_remove(s->out_watch);
        s->out_watch = 0;
    }
    buf_free(&s->out);
    s->out_done = s->have = 0;
    if (s->fd >= 0) {
        close(s->fd);
        s->fd = -1;
    }
    conn_lost(&s->conn);
}

/* -- frames from the peer -------------------------------------------------------------------------- */

/* Hands on the whole frames among what came; false: this is no frame. */
static bool frames_take(struct stream *s)
{
    size_t at = 0;
    while (s->have - at >= 4) {
        u32 len = ld32be(s->data + at);
        if (len > NET_FRAME_MAX) {
            return false;
        }
        if (s->have - at - 4 < len) {
            break;
        }
        net_input(&s->n, s->data + at + 4, len);
        at += 4 + len;
    }
    memmove(s->data, s->data + at, s->have - at);
    s->have -= at;
    return true;
}

static void stream_ready(void *opaque)
{
    struct stream *s = opaque;
    ssize_t got = recv(s->fd, s->data + s->have, sizeof(s->data) - s->have, MSG_DONTWAIT);
    if (got > 0) {
        s->have += (size_t)got;
        if (!frames_take(s)) {
            warn_once("netdev '%s': the peer sends no frames, connection closed", s->n.id);
            stream_gone(s);
        }
    } else if (got == 0 || (errno != EAGAIN && errno != EINTR)) {
        stream_gone(s);
    }
}

/* -- frames to the peer ---------------------------------------------------------------------------- */

/* Writes what waits, as far as it goes; false: the peer is gone. */
static bool out_drain(struct stream *s)
{
    while (s->out_done < s->out.len) {
        ssize_t put = send(s->fd, s->out.data + s->out_done, s->out.len - s->out_done, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (put >= 0) {
            s->out_done += (size_t)put;
        } else if (errno == EAGAIN || errno == ENOBUFS) {
            return true;
        } else if (errno != EINTR) {
            return false;
        }
    }
    s->out.len = s->out_done = 0;
    return true;
}

static gboolean out_ready(gint fd, GIOCondition cond, gpointer opaque)
{
    struct stream *s = opaque;
    (void)fd;
    (void)cond;
    if (!out_drain(s)) {
        s->out_watch = 0;
        stream_gone(s);
        return G_SOURCE_REMOVE;
    }
    if (!s->out.len) {
        s->out_watch = 0;
        return G_SOURCE_REMOVE;
    }
    return G_SOURCE_CONTINUE;
}

static void stream_send(struct netdev *n, const u8 *frame, size_t len)
{
    struct stream *s = (struct stream *)n;
    u8 head[4];
    if (s->dgram.fd >= 0) {
        dgram_send(&s->dgram, frame, len);
        return;
    }
    if (s->fd < 0 || s->out.len - s->out_done > OUT_BOUND) {
        return;
    }
    if (s->out_done > OUT_BOUND) {
        memmove(s->out.data, s->out.data + s->out_done, s->out.len - s->out_done);
        s->out.len -= s->out_done;
        s->out_done = 0;
    }
    st32be(head, (u32)len);
    buf_put(&s->out, head, sizeof(head));
    buf_put(&s->out, frame, len);
    if (s->out_watch) {
        return;
    }
    /* A peer that is gone is noticed by the reading side, outside of the guest's call. */
    if (!out_drain(s)) {
        s->out.len = s->out_done = 0;
    } else if (s->out.len) {
        s->out_watch = g_unix_fd_add(s->fd, G_IO_OUT, out_ready, s);
    }
}

static void stream_up(void *opaque, int fd)
{
    struct stream *s = opaque;
    s->fd = fd;
    sock_nodelay(fd);
    s->in = watch_new(fd, net_has_room, stream_ready, s);
}

static void stream_close(struct netdev *n)
{
    struct stream *s = (struct stream *)n;
    if (!s->conn.up) { /* was never opened */
        return;
    }
    dgram_close(&s->dgram);
    conn_close(&s->conn);
    if (s->fd >= 0) {
        watch_free(s->in);
        if (s->out_watch) {
            g_source_remove(s->out_watch);
        }
        close(s->fd);
    }
    buf_free(&s->out);
}

/* -- set-up ---------------------------------------------------------------------------------------- */

static void stream_init(struct stream *s)
{
    s->fd = s->dgram.fd = -1;
    conn_init(&s->conn, stream_up, s);
}

static bool fd_use(struct stream *s, const char *text, struct err *e)
{
    u64 fd;
    int type, listening = 0;
    socklen_t len = sizeof(type), llen = sizeof(listening);
    if (!parse_num(text, &fd) || fd > INT32_MAX || getsockopt((int)fd, SOL_SOCKET, SO_TYPE, &type, &len) ||
        getsockopt((int)fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &llen)) {
        return err_set(e, "fd=%s is no socket that moss was given", text);
    }
    net_set_where(&s->n, "fd=%s", text);
    s->conn.retry_ns = 0; /* there is no address to go back to */
    if (type == SOCK_DGRAM) {
        dgram_start(&s->dgram, &s->n, (int)fd, NULL);
        return true;
    }
    if (listening) {
        s->conn.server = true;
        s->conn.listen_fd = (int)fd;
        return conn_start(&s->conn, false, e);
    }
    stream_up(s, (int)fd);
    return true;
}

static bool tcp_use(struct stream *s, const char *host, const char *port, struct err *e)
{
    net_set_where(&s->n, "%s=%s:%s", s->conn.server ? "listen" : "connect", host, port);
    return sock_resolve(&s->conn.addrs, SOCK_STREAM, AF_UNSPEC, s->conn.server, host, port, e) &&
           conn_start(&s->conn, false, e);
}

/* -netdev stream,server=on|off,addr.type=unix|inet|fd,addr... */
static bool stream_open(struct netdev *n, struct opts *o, struct err *e)
{
    static const char *const types[] = {"unix", "inet", "fd", NULL};
    struct stream *s = (struct stream *)n;
    unsigned type = 3;
    u64 retry = 0;
    const char *path = opts_str(o, "addr.path", NULL), *port = opts_str(o, "addr.port", NULL);
    const char *fd = opts_str(o, "addr.str", NULL);
    stream_init(s);
    if (!opts_choice(o, "addr.type", types, &type, e) || !opts_bool(o, "server", &s->conn.server, e) ||
        !opts_num(o, "reconnect", &retry, e)) {
        return false;
    }
    s->conn.retry_ns = MIN(retry, (u64)86400) * 1000000000;
    if (type == 0 && path) {
        net_set_where(n, "%s=unix:%s", s->conn.server ? "listen" : "connect", path);
        return sock_unix(&s->conn.addrs, path, false, e) && conn_start(&s->conn, false, e);
    }
    if (type == 1 && port) {
        return tcp_use(s, opts_str(o, "addr.host", ""), port, e);
    }
    if (type == 2 && fd) {
        return fd_use(s, fd, e);
    }
    return err_set(e, "-netdev stream needs addr.type=unix with addr.path=, inet with addr.host= and addr.port=, or "
                      "fd with addr.str=");
}

/* -netdev socket,fd=N | listen=[HOST]:PORT | connect=HOST:PORT | udp=... | mcast=... */
static bool socket_open(struct netdev *n, struct opts *o, struct err *e)
{
    struct stream *s = (struct stream *)n;
    const char *fd = opts_str(o, "fd", NULL), *listen = opts_str(o, "listen", NULL);
    const char *connect = opts_str(o, "connect", NULL), *local = opts_str(o, "localaddr", NULL);
    const char *udp = opts_str(o, "udp", NULL), *mcast = opts_str(o, "mcast", NULL);
    stream_init(s);
    if (!!fd + !!listen + !!connect + !!udp + !!mcast != 1) {
        return err_set(e, "-netdev socket needs one of fd=, listen=, connect=, udp=, mcast=");
    }
    if (fd) {
        return fd_use(s, fd, e);
    }
    if (udp || mcast) {
        return udp ? dgram_udp(&s->dgram, n, udp, local, e) : dgram_mcast(&s->dgram, n, mcast, local, e);
    }
    char *host = NULL, *port = NULL;
    s->conn.server = listen;
    bool ok = sock_split(listen ? listen : connect, &host, &port, e) && tcp_use(s, host, port, e);
    g_free(host);
    g_free(port);
    return ok;
}

static const struct opt_key stream_keys[] = {
    {"server", "on|off", "listen instead of connecting"},
    {"addr.type", "unix|inet|fd", "what kind of address"},
    {"addr.path", "PATH", "unix: the socket"},
    {"addr.host", "NAME", "inet: the host"},
    {"addr.port", "PORT", "inet: the port"},
    {"addr.str", "N", "fd: a socket that moss inherited"},
    {"reconnect", "SECONDS", "client: try again after the connection was lost or refused"},
    {0},
};

const struct net_class net_class_stream = {
    .name = "stream",
    .doc = "frames over a stream socket",
    .keys = stream_keys,
    .size = sizeof(struct stream),
    .open = stream_open,
    .send = stream_send,
    .close = stream_close,
};

static const struct opt_key socket_keys[] = {
    {"fd", "N", "a socket that moss inherited, stream or datagram"},
    {"listen", "[HOST]:PORT", "wait for a TCP connection"},
    {"connect", "HOST:PORT", "connect to one"},
    {"udp", "HOST:PORT", "a datagram for each frame; localaddr= is needed too"},
    {"mcast", "GROUP:PORT", "all who join the group are one wire"},
    {"localaddr", "HOST[:PORT]", "this end of udp= and mcast="},
    {0},
};

const struct net_class net_class_socket = {
    .name = "socket",
    .doc = "frames over a socket of any kind",
    .keys = socket_keys,
    .size = sizeof(struct stream),
    .open = socket_open,
    .send = stream_send,
    .close = stream_close,
};
