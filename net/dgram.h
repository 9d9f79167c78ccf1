/* Frames as datagrams. */
#ifndef MOSS_NET_DGRAM_H
#define MOSS_NET_DGRAM_H

#include "base/sock.h"
#include "base/watch.h"
#include "net/net.h"

struct dgram {
    struct netdev *n;
    int fd;
    struct watch *in;
    struct sock_addr to; /* len 0: the socket is connected */
};
void dgram_start(struct dgram *d, struct netdev *n, int fd, const struct sock_addr *to);
bool dgram_udp(struct dgram *d, struct netdev *n, const char *to, const char *local, struct err *e);
bool dgram_mcast(struct dgram *d, struct netdev *n, const char *group, const char *local, struct err *e);
void dgram_send(struct dgram *d, const u8 *frame, size_t len);
void dgram_close(struct dgram *d);

#endif
