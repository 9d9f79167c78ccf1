/* Sockets by name. */
#include "base/sock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <glib.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool sock_unix(struct sock_addrs *to, const char *path, bool abstract, struct err *e)
{
    size_t len = strlen(path), room = sizeof(to->a[0].un.sun_path) - 1;
    memset(to, 0, sizeof(*to));
    if (len > room - abstract) {
        return err_set(e, "socket path '%s' is too long: %zu bytes, at most %zu", path, len, room - abstract);
    }
    to->type = SOCK_STREAM;
    to->n = 1;
    to->a[0].un.sun_family = AF_UNIX;
    memcpy(to->a[0].un.sun_path + abstract, path, len);
    to->a[0].len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
    return true;
}

bool sock_resolve(struct sock_addrs *to, int type, int family, bool passive, const char *host, const char *port,
                  struct err *e)
{
    struct addrinfo hints = {.ai_family = family, .ai_socktype = type, .ai_flags = passive ? AI_PASSIVE : 0};
    struct addrinfo *list, *i;
    memset(to, 0, sizeof(*to));
    to->type = type;
    int rc = getaddrinfo(host && *host ? host : NULL, port, &hints, &list);
    if (rc) {
        return err_set(e, "cannot resolve address '%s:%s': %s", host ? host : "", port,
                       rc == EAI_SYSTEM ? strerror(errno) : gai_strerror(rc));
    }
    for (i = list; i && to->n < SOCK_ADDRS; i = i->ai_next) {
        memcpy(&to->a[to->n].space, i->ai_addr, i->ai_addrlen);
        to->a[to->n++].len = i->ai_addrlen;
    }
    freeaddrinfo(list);
    return true;
}

void sock_set_port(struct sock_addr *a, u16 port)
{
    if (a->sa.sa_family == AF_INET6) {
        a->in6.sin6_port = htons(port);
    } else if (a->sa.sa_family == AF_INET) {
        a->in.sin_port = htons(port);
    }
}

u16 sock_port(const struct sock_addr *a)
{
    switch (a->sa.sa_family) {
    case AF_INET6:
        return ntohs(a->in6.sin6_port);
    case AF_INET:
        return ntohs(a->in.sin_port);
    default:
        return 0;
    }
}

void sock_name(const struct sock_addr *a, char *out, size_t n)
{
    char host[INET6_ADDRSTRLEN];
    switch (a->sa.sa_family) {
    case AF_INET:
        snprintf(out, n, "%s:%u", inet_ntop(AF_INET, &a->in.sin_addr, host, sizeof(host)), sock_port(a));
        break;
    case AF_INET6:
        snprintf(out, n, "[%s]:%u", inet_ntop(AF_INET6, &a->in6.sin6_addr, host, sizeof(host)), sock_port(a));
        break;
    default:
        snprintf(out, n, "%s%s", a->un.sun_path[0] ? "" : "@", a->un.sun_path + !a->un.sun_path[0]);
        break;
    }
}

static int listen_one(const struct sock_addr *a, int type)
{
    int fd = socket(a->sa.sa_family, type | SOCK_CLOEXEC, 0), one = 1;
    if (fd < 0) {
        return -1;
    }
    if (a->sa.sa_family == AF_UNIX) {
        struct stat st;
        if (a->un.sun_path[0] && stat(a->un.sun_path, &st) == 0 && S_ISSOCK(st.st_mode)) {
            unlink(a->un.sun_path);
        }
    } else if (type == SOCK_STREAM) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    }
    if (bind(fd, &a->sa, a->len) < 0 || (type == SOCK_STREAM && listen(fd, 1) < 0)) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

int sock_listen(const struct sock_addrs *on, struct err *e)
{
    char name[128] = "";
    for (unsigned i = 0; i < on->n; i++) {
        int fd = listen_one(&on->a[i], on->type);
        if (fd >= 0) {
            return fd;
        }
        sock_name(&on->a[i], name, sizeof(name));
    }
    err_errno(e, "cannot listen on '%s'", name);
    return -1;
}

int sock_accept(int listen_fd)
{
    int fd;
    do {
        fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    } while (fd < 0 && errno == EINTR);
    return fd;
}

int sock_connect_start(const struct sock_addr *to, int type)
{
    int fd = socket(to->sa.sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) {
        return -1;
    }
    if (connect(fd, &to->sa, to->len) < 0 && errno != EINPROGRESS && errno != EINTR) {
        int saved = errno;
        close(fd);
        errno = saved;
        return -1;
    }
    return fd;
}

int sock_error(int fd)
{
    int err = 0;
    socklen_t len = sizeof(err);
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len) < 0) {
        return errno;
    }
    return err;
}

int sock_connect(const struct sock_addrs *to, struct err *e)
{
    char name[128] = "";
    for (unsigned i = 0; i < to->n; i++) {
        int fd = sock_connect_start(&to->a[i], to->type);
        if (fd >= 0) {
            struct pollfd p = {.fd = fd, .events = POLLOUT};
            while (poll(&p, 1, -1) < 0 && errno == EINTR) {
            }
            errno = sock_error(fd);
            if (!errno) {
                return fd;
            }
            int saved = errno;
            close(fd);
            errno = saved;
        }
        sock_name(&to->a[i], name, sizeof(name));
    }
    err_errno(e, "cannot connect to '%s'", name);
    return -1;
}

void sock_nodelay(int fd)
{
    int one = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

bool sock_split(const char *text, char **host, char **port, struct err *e)
{
    const char *colon = strrchr(text, ':');
    const char *from = text, *to = colon;
    if (!colon) {
        return err_set(e, "'%s': expected HOST:PORT", text);
    }
    if (*from == '[' && to > from && to[-1] == ']') {
        from++;
        to--;
    }
    *host = g_strndup(from, (gsize)(to - from));
    *port = g_strdup(colon + 1);
    return true;
}
