/* hubport: ports with the same hubid are one wire; a frame goes to every other port. A port has the
 * card at it, or (netdev=) another back end. And none: a cable that ends in the air. */
#include "net/net_priv.h"

struct hubport {
    struct netdev n;
    u64 hub;
    struct netdev *peer; /* netdev=, or NULL: the card is at this port */
    struct hubport *next;
};
static struct hubport *ports;

static void hub_forward(struct hubport *from, const u8 *frame, size_t len)
{
    for (struct hubport *p = ports; p; p = p->next) {
        if (p == from || p->hub != from->hub) {
            continue;
        }
        if (p->peer) {
            net_send(p->peer, frame, len);
        } else {
            net_input(&p->n, frame, len);
        }
    }
}

static void port_send(struct netdev *n, const u8 *frame, size_t len)
{
    hub_forward((struct hubport *)n, frame, len);
}

static void port_receive(void *opaque, const u8 *frame, size_t len)
{
    hub_forward(opaque, frame, len);
}

static const struct net_receiver port_receiver = {.receive = port_receive};

static bool port_open(struct netdev *n, struct opts *o, struct err *e)
{
    struct hubport *p = (struct hubport *)n;
    const char *peer = opts_str(o, "netdev", NULL);
    if (!opts_num(o, "hubid", &p->hub, e)) {
        return false;
    }
    if (peer) {
        struct netdev *other = net_find(peer);
        if (!other) {
            return err_set(e, "-netdev hubport: there is no netdev '%s'", peer);
        }
        if (!net_attach(other, &port_receiver, p, e)) {
            return false;
        }
        p->peer = other;
    }
    net_set_where(n, "hub %llu", (unsigned long long)p->hub);
    p->next = ports;
    ports = p;
    return true;
}

static void port_close(struct netdev *n)
{
    struct hubport *p = (struct hubport *)n;
    for (struct hubport **q = &ports; *q; q = &(*q)->next) {
        if (*q == p) {
            *q = p->next;
            break;
        }
    }
    /* At exit the other end may have been freed before us. */
    for (struct netdev *other = net_next(NULL); p->peer && other; other = net_next(other)) {
        if (other == p->peer) {
            net_detach(other);
        }
    }
}

static const struct opt_key port_keys[] = {
    {"hubid", "N", "which hub"},
    {"netdev", "ID", "the back end at this port (absent: the card)"},
    {0},
};

const struct net_class net_class_hubport = {
    .name = "hubport",
    .doc = "a port of a hub",
    .keys = port_keys,
    .size = sizeof(struct hubport),
    .open = port_open,
    .send = port_send,
    .close = port_close,
};

static bool none_open(struct netdev *n, struct opts *o, struct err *e)
{
    (void)n;
    (void)o;
    (void)e;
    return true;
}

static void none_send(struct netdev *n, const u8 *frame, size_t len)
{
    (void)n;
    (void)frame;
    (void)len;
}

static const struct opt_key none_keys[] = {{0}};

const struct net_class net_class_none = {
    .name = "none",
    .doc = "nothing at the other end",
    .keys = none_keys,
    .size = sizeof(struct netdev),
    .open = none_open,
    .send = none_send,
};
