/* A stream socket, unix or TCP, as server or client; base/conn.h keeps it connected. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/conn.h"
#include "chardev/chardev_priv.h"
#include "chardev/telnet.h"

enum { PASSED_FDS = 16 };

struct sock {
    struct chardev c;
    struct conn conn;
    bool wait, is_telnet, nodelay;
    char *name;

    int fd; /* -1: nobody is connected */
    struct watch *in;
    struct fd_out out;
    struct telnet telnet;
    int passed[PASSED_FDS];
    unsigned n_passed;
};

static void sock_gone(struct chardev *c);
static void sock_broken(struct chardev *c);

static void where_update(struct sock *s)
{
    const struct sock_addrs *a = &s->conn.addrs;
    const char *kind = a->n && a->a[0].sa.sa_family == AF_UNIX ? "unix" : s->is_telnet ? "telnet" : "tcp";
    chardev_set_where(&s->c, "%s%s:%s%s", s->fd >= 0 ? "" : "disconnected:", kind, s->name,
                      s->conn.server ? ",server=on" : "");
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

static void sock_connected(void *opaque, int fd)
{
    struct sock *s = opaque;
    s->fd = fd;
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
    conn_lost(&s->conn);
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
    struct sock_addrs *a = &s->conn.addrs;
    u64 first = sock_port(&a->a[0]);
    if (to < first || to > 65535) {
        return err_set(e, "port=%s,to=%llu is no range of ports", port, (unsigned long long)to);
    }
    for (u64 p = first; p <= to && s->conn.listen_fd < 0; p++) {
        for (unsigned i = 0; i < a->n; i++) {
            sock_set_port(&a->a[i], (u16)p);
        }
        s->conn.listen_fd = sock_listen(a, p == to ? e : NULL);
    }
    return s->conn.listen_fd >= 0;
}

static bool tcp_address(struct sock *s, struct opts *o, struct err *e)
{
    int family;
    u64 to = 0;
    bool server = s->conn.server;
    const char *host = opts_str(o, "host", ""), *port = opts_str(o, "port", NULL);
    if (!port) {
        return err_set(e, "-chardev socket needs path= (unix), port= (TCP) or fd=");
    }
    if (!family_get(o, &family, e) || !opts_num(o, "to", &to, e)) {
        return false;
    }
    s->name = g_strdup_printf("%s:%s", *host ? host : server ? "0.0.0.0" : "127.0.0.1", port);
    if (!sock_resolve(&s->conn.addrs, SOCK_STREAM, family, server, host, port, e)) {
        return false;
    }
    return !to || !server || range_listen(s, port, to, e);
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
    s->wait &= s->conn.server;
    s->conn.server = listening;
    s->conn.retry_ns = 0; /* there is no address to go back to */
    fd_set_nonblock((int)fd);
    if (listening) {
        s->conn.listen_fd = (int)fd;
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
    s->name = g_strdup(path);
    return opts_bool(o, "abstract", &abstract, e) && sock_unix(&s->conn.addrs, path, abstract, e);
}

static bool flags_get(struct sock *s, struct opts *o, struct err *e)
{
    bool delay = true;
    u64 reconnect = 0;
    s->wait = true;
    if (!opts_bool(o, "server", &s->conn.server, e) || !opts_bool(o, "wait", &s->wait, e) ||
        !opts_bool(o, "telnet", &s->is_telnet, e) || !opts_bool(o, "delay", &delay, e) ||
        !opts_num(o, "reconnect", &reconnect, e)) {
        return false;
    }
    s->nodelay = !delay;
    if (!opts_bool(o, "nodelay", &s->nodelay, e)) {
        return false;
    }
    if (s->conn.server && reconnect) {
        return err_set(e, "reconnect= is for the side that connects; with server=on moss waits for others");
    }
    s->conn.retry_ns = MIN(reconnect, (u64)86400) * 1000000000;
    return true;
}

/* The name tells the port that was chosen for port 0 or out of a range. */
static void name_update(struct sock *s)
{
    struct sock_addr at = {.len = sizeof(at.space)};
    char name[128];
    if (s->conn.listen_fd >= 0 && getsockname(s->conn.listen_fd, &at.sa, &at.len) == 0 && at.sa.sa_family != AF_UNIX) {
        sock_name(&at, name, sizeof(name));
        g_free(s->name);
        s->name = g_strdup(name);
    }
}

static bool socket_open(struct chardev *c, struct opts *o, struct err *e)
{
    struct sock *s = (struct sock *)c;
    s->fd = s->out.fd = -1;
    conn_init(&s->conn, sock_connected, s);
    if (!flags_get(s, o, e) || !address_get(s, o, e)) {
        return false;
    }
    if (s->fd >= 0) {
        sock_connected(s, s->fd);
        return true;
    }
    bool ok = conn_start(&s->conn, s->wait, e);
    name_update(s);
    where_update(s);
    return ok;
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
    if (!s->conn.up) { /* was never opened */
        return;
    }
    connection_drop(s);
    conn_close(&s->conn);
    for (int fd; (fd = chardev_take_fd(c)) >= 0;) {
        close(fd);
    }
    g_free(s->name);
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
