/* Stream and datagram sockets of the host by name: resolving, listening, connecting. Descriptors are
 * close-on-exec; those from sock_connect_start() and sock_accept() are non-blocking. Functions that take no err leave
 * errno. */
#ifndef MOSS_BASE_SOCK_H
#define MOSS_BASE_SOCK_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/err.h"
#include "base/types.h"

struct sock_addr {
    union {
        struct sockaddr sa;
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        struct sockaddr_un un;
        struct sockaddr_storage space;
    };
    socklen_t len;
};
enum { SOCK_ADDRS = 8 };
/* All the addresses that one name stands for, in order of preference. */
struct sock_addrs {
    struct sock_addr a[SOCK_ADDRS];
    unsigned n;
    int type; /* SOCK_STREAM, SOCK_DGRAM */
};

bool sock_unix(struct sock_addrs *to, const char *path, bool abstract, struct err *e);
/* family: AF_UNSPEC, AF_INET, AF_INET6. host "" or NULL: any (passive) or the loopback. May block on a
 * name server: at set-up only. */
bool sock_resolve(struct sock_addrs *to, int type, int family, bool passive, const char *host, const char *port,
                  struct err *e);
void sock_set_port(struct sock_addr *a, u16 port);
u16 sock_port(const struct sock_addr *a);
/* "127.0.0.1:4444", "[::1]:4444", the path */
void sock_name(const struct sock_addr *a, char *out, size_t n);

/* Bound, and for streams listening; a stale unix socket file is replaced. -1: failed. */
int sock_listen(const struct sock_addrs *on, struct err *e);
int sock_accept(int listen_fd); /* -1: nobody there any more */
/* Begins to connect; writable when decided, sock_error() tells how. -1: failed at once. */
int sock_connect_start(const struct sock_addr *to, int type);
int sock_error(int fd); /* an errno, 0: connected */
/* Connects and waits; tries all addresses. Non-blocking when done. */
int sock_connect(const struct sock_addrs *to, struct err *e);
void sock_nodelay(int fd);

/* "HOST:PORT", "[V6]:PORT", ":PORT": both are the caller's to g_free(). */
bool sock_split(const char *text, char **host, char **port, struct err *e);

#endif
