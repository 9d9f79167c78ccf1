/* Datagrams: each write is one, each that comes is input. What comes is split as the front end has
 * room. Without a remote host, output goes to whoever sent last. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/sock.h"
#include "chardev/chardev_priv.h"

struct udp {
    struct chardev c;
    int fd;
    struct watch *in;
    struct sock_addr peer;
    u8 data[65536];
    size_t from, to; /* of data, not yet delivered */
};

static void udp_deliver(struct chardev *c)
{
    struct udp *s = (struct udp *)c;
    unsigned room;
    while (s->from < s->to && (room = chardev_room(c)) > 0) {
        size_t n = MIN((size_t)room, s->to - s->from);
        s->from += n;
        chardev_input(c, s->data + s->from - n, n);
    }
}

static void udp_ready(void *opaque)
{
    struct chardev *c = opaque;
    struct udp *s = (struct udp *)c;
    udp_deliver(c);
    if (s->from < s->to) {
        return;
    }
    struct sock_addr from = {.len = sizeof(from.space)};
    ssize_t n = recvfrom(s->fd, s->data, sizeof(s->data), MSG_DONTWAIT, &from.sa, &from.len);
    if (n >= 0) {
        s->peer = from;
        s->from = 0;
        s->to = (size_t)n;
        udp_deliver(c);
    }
}

static void udp_write(struct chardev *c, const u8 *p, size_t n)
{
    struct udp *s = (struct udp *)c;
    while (n && s->peer.len) {
        size_t part = MIN(n, (size_t)32768);
        /* A datagram may be lost, here as on the way. */
        if (sendto(s->fd, p, part, MSG_DONTWAIT | MSG_NOSIGNAL, &s->peer.sa, s->peer.len) < 0 && errno == EINTR) {
            continue;
        }
        p += part;
        n -= part;
    }
}

static bool udp_open(struct chardev *c, struct opts *o, struct err *e)
{
    struct udp *s = (struct udp *)c;
    const char *host = opts_str(o, "host", ""), *port = opts_str(o, "port", NULL);
    const char *lhost = opts_str(o, "localaddr", ""), *lport = opts_str(o, "localport", "0");
    bool v4 = false, v6 = false;
    struct sock_addrs remote = {0}, local;
    if (!port) {
        return err_set(e, "-chardev udp needs port=");
    }
    if (!opts_bool(o, "ipv4", &v4, e) || !opts_bool(o, "ipv6", &v6, e)) {
        return false;
    }
    int family = v4 == v6 ? AF_UNSPEC : v4 ? AF_INET : AF_INET6;
    if (!sock_resolve(&remote, SOCK_DGRAM, family, false, host, port, e) ||
        !sock_resolve(&local, SOCK_DGRAM, remote.a[0].sa.sa_family, true, lhost, lport, e)) {
        return false;
    }
    s->fd = sock_listen(&local, e);
    if (s->fd < 0) {
        return false;
    }
    s->peer = remote.a[0];
    s->in = chardev_watch(c, s->fd, udp_ready);
    chardev_set_where(c, "udp:%s:%s", host, port);
    c->is_open = true;
    return true;
}

static void udp_close(struct chardev *c)
{
    struct udp *s = (struct udp *)c;
    watch_free(s->in);
    if (s->fd > 0) {
        close(s->fd);
    }
}

static const struct opt_key keys[] = {
    {"host", "NAME", "where output goes (default: this host)"},
    {"port", "PORT", "the port there"},
    {"localaddr", "NAME", "address that input comes to"},
    {"localport", "PORT", "the port here"},
    {"ipv4", "on|off", "only IPv4"},
    {"ipv6", "on|off", "only IPv6"},
    {0},
};

const struct chardev_class chardev_udp = {
    .name = "udp",
    .doc = "datagrams",
    .keys = keys,
    .size = sizeof(struct udp),
    .open = udp_open,
    .write = udp_write,
    .accept_input = udp_deliver,
    .close = udp_close,
};
