/* Inside net/: the class of a kind, and the struct that the registry keeps. */
#ifndef MOSS_NET_NET_PRIV_H
#define MOSS_NET_NET_PRIV_H

#include <glib.h>

#include "base/loop.h"
#include "net/net.h"

enum {
    FRAME_MIN = 14,      /* less has no Ethernet header */
    QUEUE_FRAMES = 1024, /* waiting for the guest; later ones are dropped, as on a wire */
    QUEUE_ROOM = 256,    /* past this, kinds that can stop reading from the host do */
};

struct netdev;
struct net_class {
    const char *name, *doc;
    const struct opt_key *keys;
    size_t size; /* of the struct that begins with struct netdev */
    bool (*open)(struct netdev *n, struct opts *o, struct err *e);
    void (*send)(struct netdev *n, const u8 *frame, size_t len); /* from the guest */
    void (*close)(struct netdev *n); /* also after an open() that failed; NULL: nothing to undo */
};

struct dump;
struct netdev {
    const struct net_class *cls;
    char *id, *where;
    const struct net_receiver *recv;
    void *opaque;
    bool link;
    unsigned sending;         /* depth of net_send(): frames for the guest wait until it is over */
    GQueue queue;             /* of GBytes */
    struct loop_task deliver; /* empties the queue */
    struct dump *dump;
    struct netdev *next;
};

extern const struct net_class net_class_user, net_class_socket, net_class_stream, net_class_tap, net_class_hubport,
    net_class_none;

/* A frame for the guest. */
void net_input(struct netdev *n, const u8 *frame, size_t len);
bool net_has_room(void *n); /* for watch_new(): the queue is short */
void net_set_where(struct netdev *n, const char *fmt, ...) PRINTF_LIKE(2, 3);

struct dump *dump_open(const char *path, u32 max_len, struct err *e);
void dump_frame(struct dump *d, const u8 *frame, size_t len);
void dump_close(struct dump *d); /* NULL is legal */

#endif
