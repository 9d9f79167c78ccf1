/* Connections that are kept up. */
#include "base/conn.h"

#include <fcntl.h>
#include <glib-unix.h>
#include <poll.h>
#include <unistd.h>

#include "base/log.h"

static void connect_begin(void *opaque);

void conn_init(struct conn *c, void (*up)(void *opaque, int fd), void *opaque)
{
    c->listen_fd = c->trying_fd = -1;
    c->up = up;
    c->opaque = opaque;
    timer_init(&c->retry, CLOCK_HOST, connect_begin, c);
}

/* -- server ---------------------------------------------------------------------------------------- */

static gboolean accept_ready(gint fd, GIOCondition cond, gpointer opaque)
{
    struct conn *c = opaque;
    (void)cond;
    int peer = sock_accept(fd);
    if (peer < 0) {
        return G_SOURCE_CONTINUE;
    }
    c->accept_watch = 0;
    c->up(c->opaque, peer);
    return G_SOURCE_REMOVE;
}

static void accept_next(struct conn *c)
{
    if (!c->accept_watch) {
        c->accept_watch = g_unix_fd_add(c->listen_fd, G_IO_IN, accept_ready, c);
    }
}

static bool server_start(struct conn *c, bool wait, struct err *e)
{
    char name[128];
    struct sock_addr at = {.len = sizeof(at.space)};
    if (c->listen_fd < 0) {
        c->listen_fd = sock_listen(&c->addrs, e);
        if (c->listen_fd < 0) {
            return false;
        }
    }
    fcntl(c->listen_fd, F_SETFL, fcntl(c->listen_fd, F_GETFL) | O_NONBLOCK);
    if (getsockname(c->listen_fd, &at.sa, &at.len) < 0) {
        return err_errno(e, "the descriptor to listen on is no socket");
    }
    sock_name(&at, name, sizeof(name));
    /* A socket that we were given is not ours to remove. */
    if (c->addrs.n && at.sa.sa_family == AF_UNIX && at.un.sun_path[0]) {
        c->unlink_path = g_strdup(name);
    }
    if (!wait) {
        accept_next(c);
        return true;
    }
    report("waiting for a connection on %s", name);
    int peer;
    while ((peer = sock_accept(c->listen_fd)) < 0) {
        poll(&(struct pollfd){.fd = c->listen_fd, .events = POLLIN}, 1, -1);
    }
    c->up(c->opaque, peer);
    return true;
}

/* -- client ---------------------------------------------------------------------------------------- */

static void connect_failed(struct conn *c)
{
    if (++c->next_addr < c->addrs.n) {
        connect_begin(c);
        return;
    }
    c->next_addr = 0;
    timer_set(&c->retry, clock_now(CLOCK_HOST) + c->retry_ns);
}

static gboolean connect_decided(gint fd, GIOCondition cond, gpointer opaque)
{
    struct conn *c = opaque;
    (void)cond;
    c->connect_watch = 0;
    c->trying_fd = -1;
    if (sock_error(fd)) {
        close(fd);
        connect_failed(c);
    } else {
        c->up(c->opaque, fd);
    }
    return G_SOURCE_REMOVE;
}

static void connect_begin(void *opaque)
{
    struct conn *c = opaque;
    c->trying_fd = sock_connect_start(&c->addrs.a[c->next_addr], SOCK_STREAM);
    if (c->trying_fd < 0) {
        connect_failed(c);
        return;
    }
    c->connect_watch = g_unix_fd_add(c->trying_fd, G_IO_OUT | G_IO_ERR | G_IO_HUP, connect_decided, c);
}

bool conn_start(struct conn *c, bool wait, struct err *e)
{
    if (c->server) {
        return server_start(c, wait, e);
    }
    if (c->retry_ns) {
        connect_begin(c);
        return true;
    }
    int fd = sock_connect(&c->addrs, e);
    if (fd >= 0) {
        c->up(c->opaque, fd);
    }
    return fd >= 0;
}

void conn_lost(struct conn *c)
{
    if (c->listen_fd >= 0) {
        accept_next(c);
    } else if (c->retry_ns) {
        timer_set(&c->retry, clock_now(CLOCK_HOST) + c->retry_ns);
    }
}

void conn_close(struct conn *c)
{
    if (!c->up) {
        return;
    }
    timer_cancel(&c->retry);
    if (c->accept_watch) {
        g_source_remove(c->accept_watch);
    }
    if (c->connect_watch) {
        g_source_remove(c->connect_watch);
        close(c->trying_fd);
    }
    if (c->listen_fd >= 0) {
        close(c->listen_fd);
        if (c->unlink_path) {
            unlink(c->unlink_path);
        }
    }
    g_free(c->unlink_path);
    *c = (struct conn){0};
}
