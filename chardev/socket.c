/* A connected stream socket, unix or TCP, as server or client; one connection at a time, others wait
 * in the listen queue. A client with reconnect= comes back; a server listens again. */
#include <errno.h>
#include <glib-unix.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/sock.h"
#include "chardev/chardev_priv.h"
#include "chardev/telnet.h"

enum { PASSED_FDS = 16 };

struct sock {
    struct chardev c;
    struct sock_addrs addrs;
    bool server, wait, is_telnet, nodelay;
    u64 reconnect_ns; /* 0: a lost connection stays lost */
    char *name, *unlink_path;

    int fd, listen_fd; /* -1: none */
    guint accept_watch, connect_watch;
    unsigned next_addr; /* the one to try */
    struct timer retry;
    struct watch *in;
    struct fd_out out;
    struct telnet telnet;
    int passed[PASSED_FDS];
    unsigned n_passed;
};

static void sock_gone(struct chardev *c);
static void sock_broken(struct chardev *c);
static void sock_listen_on(struct sock *s);
static void connect_begin(void *opaque);

static void where_update(struct sock *s)
{
    const char *kind = s->addrs.n && s->addrs.a[0].sa.sa_family == AF_UNIX ? "unix" : s->is_telnet ? "telnet" : "tcp";
    chardev_set_where(&s->c, "%s%s:%s%s", s->fd >= 0 ? "" : "disconnected:", kind, s->name,
                      s->server ? ",server=on" : "");
}

/* -- a connection ---------------------------------------------------------------------------------- */

static void passed_put(struct sock *s, int fd)
{
    if (s->n_passed == PASSED_FDS) {
        close(s->passed[0]);
        memmove(s->passed, s->passed + 1, sizeof(s->passed) - sizeof(s->passed[0]));
        s->n_passed--;
    }
    s->passed[s->n_passed++] = fd;
}

int chardev_take_fd(struct chardev *c)
{
    struct sock *s = (struct sock *)c;
    if (!c || c->cls != &chardev_socket || !s->n_passed) {
        return -1;
    }
    int fd = s->passed[0];
    memmove(s->passed, s->passed + 1, sizeof(s->passed) - sizeof(s->passed[0]));
    s->n_passed--;
    return fd;
}

/* Like recv(), and takes descriptors that came along (SCM_RIGHTS). */
static ssize_t sock_recv(struct sock *s, u8 *p, size_t n)
{
    union {
        struct cmsghdr align;
        char space[CMSG_SPACE(sizeof(int) * PASSED_FDS)];
    } control;
    struct iovec iov = {.iov_base = p, .iov_len = n};
    struct msghdr msg = {
        .msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.space, .msg_controllen = sizeof(control.space)};
    ssize_t got = recvmsg(s->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0) {
        return got;
    }
    for (struct cmsghdr *h = CMSG_FIRSTHDR(&msg); h; h = CMSG_NXTHDR(&msg, h)) {
        if (h->cmsg_level != SOL_SOCKET || h->cmsg_type != SCM_RIGHTS) {
            continue;
        }
        size_t fds = (h->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < fds; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(h) + i * sizeof(int), sizeof(fd));
            passed_put(s, fd);
        }
    }
    return got;
}

static void telnet_receive(struct sock *s, u8 *p, size_t n)
{
    bool brk = false;
    struct buf answer = {0};
    n = telnet_input(&s->telnet, p, n, &brk, &answer);
    if (answer.len) {
        fd_out_write(&s->out, answer.data, answer.len);
    }
    buf_free(&answer);
    if (brk) {
        chardev_break(&s->c);
    }
    chardev_input(&s->c, p, n);
}

static void sock_ready(void *opaque)
{
    struct chardev *c = opaque;
    struct sock *s = (struct sock *)c;
    u8 part[4096];
    ssize_t n = sock_recv(s, part, MIN((size_t)chardev_room(c), sizeof(part)));
    if (n > 0) {
        if (s->is_telnet) {
            telnet_receive(s, part, (size_t)n);
        } else {
            chardev_input(c, part, (size_t)n);
        }
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        sock_gone(c);
    }
}

static void sock_connected(struct sock *s, int fd)
{
    s->fd = fd;
    fd_set_nonblock(fd);
    if (s->nodelay) {
        sock_nodelay(fd);
    }
    fd_out_init(&s->out, &s->c, fd, sock_broken);
    if (s->is_telnet) {
        s->telnet = (struct telnet){0};
        fd_out_write(&s->out, telnet_hello, sizeof(telnet_hello));
    }
    s->in = chardev_watch(&s->c, fd, sock_ready);
    where_update(s);
    chardev_set_open(&s->c, true);
}

static void connection_drop(struct sock *s)
{
    if (s->connect_watch) {
        g_source_remove(s->connect_watch);
        s->connect_watch = 0;
    }
    watch_free(s->in);
    s->in = NULL;
    fd_out_reset(&s->out);
    if (s->fd >= 0) {
        close(s->fd);
        s->fd = -1;
    }
}

static void sock_gone(struct chardev *c)
{
    struct sock *s = (struct sock *)c;
    connection_drop(s);
    where_update(s);
    if (s->listen_fd >= 0) {
        sock_listen_on(s);
    } else if (s->reconnect_ns) {
        timer_set(&s->retry, clock_now(CLOCK_HOST) + s->reconnect_ns);
    }
    chardev_set_open(c, false);
}

/* Output is impossible. The peer may have left input behind: then the reading side finds the end. */
static void sock_broken(struct chardev *c)
{
    struct sock *s = (struct sock *)c;
    fd_out_reset(&s->out);
    if (chardev_room(c) == 0) {
        sock_gone(c);
    }
}

static void sock_write(struct chardev *c, const u8 *p, size_t n)
{
    struct sock *s = (struct sock *)c;
    struct buf b = {0};
    if (s->out.fd < 0) {
        return;
    }
    if (s->is_telnet) {
        telnet_output(p, n, &b);
        p = b.data;
        n = b.len;
    }
    if (!fd_out_write(&s->out, p, n)) {
        sock_broken(c);
    }
    buf_free(&b);
}

/* -- server ---------------------------------------------------------------------------------------- */

static gboolean accept_ready(gint fd, GIOCondition cond, gpointer opaque)
{
    struct sock *s = opaque;
    (void)cond;
    int peer = sock_accept(fd);
    if (peer < 0) {
        return G_SOURCE_CONTINUE;
    }
    s->accept_watch = 0;
    sock_connected(s, peer);
    return G_SOURCE_REMOVE;
}

static void sock_listen_on(struct sock *s)
{
    if (!s->accept_watch) {
        s->accept_watch = g_unix_fd_add(s->listen_fd, G_IO_IN, accept_ready, s);
    }
}

static bool server_start(struct sock *s, struct err *e)
{
    if (s->listen_fd < 0) {
        s->listen_fd = sock_listen(&s->addrs, e);
    }
    if (s->listen_fd < 0) {
        return false;
    }
    struct sock_addr at = {.len = sizeof(at.space)};
    if (getsockname(s->listen_fd, &at.sa, &at.len) == 0 && at.sa.sa_family != AF_UNIX) {
        g_free(s->name);
        s->name = g_malloc0(128);
        sock_name(&at, s->name, 128);
    }
    where_update(s);
    fd_set_nonblock(s->listen_fd);
    if (!s->wait) {
        sock_listen_on(s);
        return true;
    }
    fprintf(stderr, "moss: waiting for a connection on %s\n", s->c.where);
    int peer;
    while ((peer = sock_accept(s->listen_fd)) < 0) {
        poll(&(struct pollfd){.fd = s->listen_fd, .events = POLLIN}, 1, -1);
    }
    sock_connected(s, peer);
    return true;
}

/* -- client ---------------------------------------------------------------------------------------- */

static void connect_failed(struct sock *s)
{
    connection_drop(s);
    if (++s->next_addr < s->addrs.n) {
        connect_begin(s);
        return;
    }
    s->next_addr = 0;
    timer_set(&s->retry, clock_now(CLOCK_HOST) + s->reconnect_ns);
}

static gboolean connect_decided(gint fd, GIOCondition cond, gpointer opaque)
{
    struct sock *s = opaque;
    (void)cond;
    s->connect_watch = 0;
    if (sock_error(fd)) {
        connect_failed(s);
    } else {
        s->fd = -1;
        sock_connected(s, fd);
    }
    return G_SOURCE_REMOVE;
}

static void connect_begin(void *opaque)
{
    struct sock *s = opaque;
    s->fd = sock_connect_start(&s->addrs.a[s->next_addr], SOCK_STREAM);
    if (s->fd < 0) {
        connect_failed(s);
        return;
    }
    s->connect_watch = g_unix_fd_add(s->fd, G_IO_OUT | G_IO_ERR | G_IO_HUP, connect_decided, s);
}

static bool client_start(struct sock *s, struct err *e)
{
    where_update(s);
    if (s->reconnect_ns) {
        connect_begin(s);
        return true;
    }
    int fd = sock_connect(&s->addrs, e);
    if (fd < 0) {
        return false;
    }
    sock_connected(s, fd);
    return true;
}

/* -- set-up ---------------------------------------------------------------------------------------- */

static bool family_get(struct opts *o, int *family, struct err *e)
{
    bool v4 = false, v6 = false;
    if (!opts_bool(o, "ipv4", &v4, e) || !opts_bool(o, "ipv6", &v6, e)) {
        return false;
    }
    *family = v4 == v6 ? AF_UNSPEC : v4 ? AF_INET : AF_INET6;
    return true;
}

/* port=P,to=Q: the first free port of the range. */
static bool range_listen(struct sock *s, const char *port, u64 to, struct err *e)
{
    u64 first = sock_port(&s->addrs.a[0]);
    if (to < first || to > 65535) {
        return err_set(e, "port=%s,to=%llu is no range of ports", port, (unsigned long long)to);
    }
    for (u64 p = first; p <= to && s->listen_fd < 0; p++) {
        for (unsigned i = 0; i < s->addrs.n; i++) {
            sock_set_port(&s->addrs.a[i], (u16)p);
        }
        s->listen_fd = sock_listen(&s->addrs, p == to ? e : NULL);
    }
    return s->listen_fd >= 0;
}

static bool tcp_address(struct sock *s, struct opts *o, struct err *e)
{
    int family;
    u64 to = 0;
    const char *host = opts_str(o, "host", ""), *port = opts_str(o, "port", NULL);
    if (!port) {
        return err_set(e, "-chardev socket needs path= (unix), port= (TCP) or fd=");
    }
    if (!family_get(o, &family, e) || !opts_num(o, "to", &to, e)) {
        return false;
    }
    s->name = g_strdup_printf("%s:%s", *host ? host : s->server ? "0.0.0.0" : "127.0.0.1", port);
    if (!sock_resolve(&s->addrs, SOCK_STREAM, family, s->server, host, port, e)) {
        return false;
    }
    return !to || !s->server || range_listen(s, port, to, e);
}

static bool fd_address(struct sock *s, const char *text, struct err *e)
{
    u64 fd;
    int listening = 0;
    socklen_t len = sizeof(listening);
    if (!parse_num(text, &fd) || fd > INT32_MAX || getsockopt((int)fd, SOL_SOCKET, SO_ACCEPTCONN, &listening, &len)) {
        return err_set(e, "fd=%s is no socket that moss was given", text);
    }
    s->name = g_strdup_printf("fd=%s", text);
    s->wait &= s->server;
    s->server = listening;
    s->reconnect_ns = 0; /* there is no address to go back to */
    if (listening) {
        s->listen_fd = (int)fd;
    } else {
        s->fd = (int)fd;
    }
    return true;
}

static bool address_get(struct sock *s, struct opts *o, struct err *e)
{
    const char *path = opts_str(o, "path", NULL), *fd = opts_str(o, "fd", NULL);
    bool abstract = false;
    if (fd) {
        return fd_address(s, fd, e);
    }
    if (!path) {
        return tcp_address(s, o, e);
    }
    if (!opts_bool(o, "abstract", &abstract, e) || !sock_unix(&s->addrs, path, abstract, e)) {
        return false;
    }
    s->name = g_strdup(path);
    s->unlink_path = s->server && !abstract ? g_strdup(path) : NULL;
    return true;
}

static bool flags_get(struct sock *s, struct opts *o, struct err *e)
{
    bool delay = true;
    u64 reconnect = 0;
    s->wait = true;
    if (!opts_bool(o, "server", &s->server, e) || !opts_bool(o, "wait", &s->wait, e) ||
        !opts_bool(o, "telnet", &s->is_telnet, e) || !opts_bool(o, "delay", &delay, e) ||
        !opts_num(o, "reconnect", &reconnect, e)) {
        return false;
    }
    s->nodelay = !delay;
    if (!opts_bool(o, "nodelay", &s->nodelay, e)) {
        return false;
    }
    if (s->server && reconnect) {
        return err_set(e, "reconnect= is for the side that connects; with server=on moss waits for others");
    }
    s->reconnect_ns = MIN(reconnect, (u64)86400) * 1000000000;
    return true;
}

static bool socket_open(struct chardev *c, struct opts *o, struct err *e)
{
    struct sock *s = (struct sock *)c;
    s->fd = s->listen_fd = s->out.fd = -1;
    timer_init(&s->retry, CLOCK_HOST, connect_begin, s);
    if (!flags_get(s, o, e) || !address_get(s, o, e)) {
        return false;
    }
    if (s->server) {
        return server_start(s, e);
    }
    if (s->fd >= 0) {
        sock_connected(s, s->fd);
        return true;
    }
    return client_start(s, e);
}

static void socket_flush(struct chardev *c)
{
    fd_out_flush(&((struct sock *)c)->out, 1000);
}

static void socket_hang_up(struct chardev *c)
{
    if (c->is_open) {
        socket_flush(c);
        sock_gone(c);
    }
}

static void socket_close(struct chardev *c)
{
    struct sock *s = (struct sock *)c;
    if (!s->retry.fn) { /* was never opened */
        return;
    }
    timer_cancel(&s->retry);
    connection_drop(s);
    if (s->accept_watch) {
        g_source_remove(s->accept_watch);
    }
    if (s->listen_fd >= 0) {
        close(s->listen_fd);
        if (s->unlink_path) {
            unlink(s->unlink_path);
        }
    }
    for (int fd; (fd = chardev_take_fd(c)) >= 0;) {
        close(fd);
    }
    g_free(s->name);
    g_free(s->unlink_path);
}

static const struct opt_key keys[] = {
    {"path", "PATH", "unix socket"},
    {"abstract", "on|off", "the path is a name in the abstract name space"},
    {"tight", "on|off", "accepted; abstract names are as long as they are"},
    {"host", "NAME", "TCP: address to connect to, or to listen on"},
    {"port", "PORT", "TCP port"},
    {"to", "PORT", "server: try the ports up to this one"},
    {"ipv4", "on|off", "only IPv4"},
    {"ipv6", "on|off", "only IPv6"},
    {"fd", "N", "a socket that moss inherited"},
    {"server", "on|off", "listen instead of connecting"},
    {"wait", "on|off", "server: wait for a connection before the machine starts (default on)"},
    {"telnet", "on|off", "talk the telnet protocol"},
    {"nodelay", "on|off", "TCP: send small packets at once"},
    {"delay", "on|off", "the opposite of nodelay"},
    {"reconnect", "SECONDS", "client: try again after the connection was lost or refused"},
    {0},
};

const struct chardev_class chardev_socket = {
    .name = "socket",
    .doc = "a unix or TCP socket, connecting or listening",
    .keys = keys,
    .size = sizeof(struct sock),
    .open = socket_open,
    .write = sock_write,
    .flush = socket_flush,
    .hang_up = socket_hang_up,
    .close = socket_close,
};
