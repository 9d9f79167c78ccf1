/* Frames as datagrams: to one peer, or to a multicast group that is a wire between emulators. */
#include "net/dgram.h"

#include <string.h>
#include <unistd.h>

#include "net/net_priv.h"

static void dgram_ready(void *opaque)
{
    struct dgram *d = opaque;
    static u8 frame[NET_FRAME_MAX + 1]; /* one main thread */
    /* Some at a time: a flood must not keep the loop for itself. */
    for (unsigned i = 0; i < 64 && net_has_room(d->n); i++) {
        ssize_t len = recv(d->fd, frame, sizeof(frame), MSG_DONTWAIT);
        if (len < 0) {
            break;
        }
        net_input(d->n, frame, (size_t)len);
    }
}

static bool dgram_wanted(void *opaque)
{
    return net_has_room(((struct dgram *)opaque)->n);
}

void dgram_start(struct dgram *d, struct netdev *n, int fd, const struct sock_addr *to)
{
    d->n = n;
    d->fd = fd;
    if (to) {
        d->to = *to;
    }
    d->in = watch_new(fd, dgram_wanted, dgram_ready, d);
}

void dgram_send(struct dgram *d, const u8 *frame, size_t len)
{
    /* What does not fit is lost, as on a wire. */
    sendto(d->fd, frame, len, MSG_DONTWAIT | MSG_NOSIGNAL, d->to.len ? &d->to.sa : NULL, d->to.len);
}

void dgram_close(struct dgram *d)
{
    watch_free(d->in);
    if (d->fd >= 0) {
        close(d->fd);
    }
}

static bool resolve(const char *text, bool passive, struct sock_addrs *a, struct err *e)
{
    char *host = NULL, *port = NULL;
    bool ok = sock_split(text, &host, &port, e) && sock_resolve(a, SOCK_DGRAM, AF_INET, passive, host, port, e);
    g_free(host);
    g_free(port);
    return ok;
}

bool dgram_udp(struct dgram *d, struct netdev *n, const char *to, const char *local, struct err *e)
{
    struct sock_addrs a, b;
    if (!local) {
        return err_set(e, "udp= needs localaddr=HOST:PORT, where the other end sends to");
    }
    if (!resolve(to, false, &a, e) || !resolve(local, true, &b, e)) {
        return false;
    }
    int fd = sock_listen(&b, e);
    if (fd < 0) {
        return false;
    }
    dgram_start(d, n, fd, &a.a[0]);
    net_set_where(n, "udp=%s", to);
    return true;
}

bool dgram_mcast(struct dgram *d, struct netdev *n, const char *group, const char *local, struct err *e)
{
    struct sock_addrs a;
    struct ip_mreq join = {0};
    int one = 1;
    if (!resolve(group, false, &a, e)) {
        return false;
    }
    join.imr_multiaddr = a.a[0].in.sin_addr;
    if (!IN_MULTICAST(ntohl(join.imr_multiaddr.s_addr))) {
        return err_set(e, "mcast=%s: the address is no multicast group (224.0.0.0 to 239.255.255.255)", group);
    }
    if (local) {
        struct sock_addrs l;
        if (!sock_resolve(&l, SOCK_DGRAM, AF_INET, true, local, "0", e)) {
            return false;
        }
        join.imr_interface = l.a[0].in.sin_addr;
    }
    /* Several emulators of one host bind the same port. */
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) < 0 ||
        bind(fd, &a.a[0].sa, a.a[0].len) < 0 ||
        setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join)) < 0 ||
        setsockopt(fd, IPPROTO_IP, IP_MULTICAST_LOOP, &one, sizeof(one)) < 0 ||
        (local && setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &join.imr_interface, sizeof(struct in_addr)) < 0)) {
        err_errno(e, "cannot join the multicast group '%s'", group);
        if (fd >= 0) {
            close(fd);
        }
        return false;
    }
    dgram_start(d, n, fd, &a.a[0]);
    net_set_where(n, "mcast=%s", group);
    return true;
}
