/* The host side of a network card: frames go out, frames come in. Ethernet frames without checksum,
 * at most NET_FRAME_MAX bytes.
 *
 * Everything runs with the machine lock held; frames for the guest come from the main loop, never from
 * inside net_send(). NULL is a legal netdev: an unplugged cable. */
#ifndef MOSS_NET_NET_H
#define MOSS_NET_NET_H

#include <sys/uio.h>

#include "base/err.h"
#include "base/opts.h"
#include "base/types.h"

enum { NET_FRAME_MAX = 65536 };

struct netdev;

/* The card. can_receive false makes frames wait in a bounded queue until net_resume(). */
struct net_receiver {
    bool (*can_receive)(void *opaque);                        /* NULL: always */
    void (*receive)(void *opaque, const u8 *frame, size_t n); /* shorter than 60 bytes is possible: pad if it matters */
    void (*link)(void *opaque, bool up);                      /* NULL: nobody cares */
};
bool net_attach(struct netdev *n, const struct net_receiver *r, void *opaque, struct err *e);
void net_detach(struct netdev *n);
void net_send(struct netdev *n, const void *frame, size_t len);
void net_sendv(struct netdev *n, const struct iovec *iov, int niov);
void net_resume(struct netdev *n); /* the card has buffers again */
/* What waits for the card, at once: for who sends many frames from the main loop, and whose peers answer meanwhile. */
void net_deliver(struct netdev *n);
bool net_link(const struct netdev *n);
void net_set_link(struct netdev *n, bool up);

/* -- making them ---------------------------------------------------------------------------------- */

/* kind: a row of net_kinds(). `id` and `type` are passed over; unknown keys are refused. */
struct netdev *net_new(const char *id, const char *kind, struct opts *o, struct err *e);
/* The argument of -netdev: "user,id=n0,hostfwd=tcp::2222-:22". */
struct netdev *net_from_option(const char *text, struct err *e);
void net_free(struct netdev *n);
void net_free_all(void);

struct netdev *net_find(const char *id);
struct netdev *net_next(const struct netdev *n); /* walks through all; NULL starts */
const char *net_id(const struct netdev *n);
const char *net_kind(const struct netdev *n);
const char *net_where(const struct netdev *n); /* "net=10.0.2.0,restrict=off" */

/* 52:54:00:12:34:56, then :57, :58... for cards without mac=. */
void net_next_mac(u8 mac[6]);

/* user: "tcp:127.0.0.1:2222-:22", as in hostfwd=; removal takes the part before the dash. */
bool net_hostfwd_add(struct netdev *n, const char *rule, struct err *e);
bool net_hostfwd_remove(struct netdev *n, const char *rule, struct err *e);
/* user: the connection table, for `info usernet`; the caller frees it with g_free(). NULL: no such. */
char *net_connections(struct netdev *n);

/* -object filter-dump: every frame in both directions into a pcap file. */
bool net_dump(struct netdev *n, const char *path, u32 max_len, struct err *e);

struct net_kind {
    const char *name, *doc; /* NULL name ends */
    const struct opt_key *keys;
};
const struct net_kind *net_kinds(void);

#endif
