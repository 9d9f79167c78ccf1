/* A stream connection that is kept up: a server with one peer at a time (others wait in the listen
 * queue), or a client that comes back. Everything after conn_start() happens on the main loop. */
#ifndef MOSS_BASE_CONN_H
#define MOSS_BASE_CONN_H

#include "base/clock.h"
#include "base/sock.h"

struct conn {
    struct sock_addrs addrs;
    bool server;
    u64 retry_ns;                     /* client: wait before the next attempt; 0: one attempt, at set-up */
    int listen_fd;                    /* may be set before conn_start() to a socket that listens already; else -1 */
    void (*up)(void *opaque, int fd); /* connected: the non-blocking fd is the callee's */
    void *opaque;

    int trying_fd; /* private from here on */
    unsigned accept_watch, connect_watch, next_addr;
    struct timer retry;
    char *unlink_path;
};
void conn_init(struct conn *c, void (*up)(void *opaque, int fd), void *opaque);
/* A server listens and, with wait, waits for its first peer, saying so on stderr; a client that does
 * not retry connects now. up() may be called from here. */
bool conn_start(struct conn *c, bool wait, struct err *e);
void conn_lost(struct conn *c);  /* the peer is gone and fd is closed: waits for the next one */
void conn_close(struct conn *c); /* stops all that; legal before conn_init() if zeroed */

#endif
