/* What the tests of character devices share: a front end that keeps what it gets, and a loop. */
#ifndef MOSS_TESTS_UNIT_CHARDEV_UTIL_H
#define MOSS_TESTS_UNIT_CHARDEV_UTIL_H

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/lock.h"
#include "base/loop.h"
#include "base/sock.h"
#include "chardev/chardev.h"

/* A front end that keeps what it gets. */
struct guest {
    char text[65536];
    size_t len;
    unsigned room;
    unsigned opened, closed, broken, focused, unfocused;
};
static UNUSED unsigned guest_can_read(void *opaque)
{
    return ((struct guest *)opaque)->room;
}
static UNUSED void guest_read(void *opaque, const u8 *p, size_t n)
{
    struct guest *g = opaque;
    assert_true(machine_locked());
    assert_true(n <= g->room && g->len + n < sizeof(g->text));
    memcpy(g->text + g->len, p, n);
    g->len += n;
    g->room -= (unsigned)n;
}
static UNUSED void guest_event(void *opaque, enum char_event ev)
{
    struct guest *g = opaque;
    unsigned *counters[] = {&g->opened, &g->closed, &g->broken, &g->focused, &g->unfocused};
    ++*counters[ev];
}
static const struct char_receiver guest_recv = {guest_can_read, guest_read, guest_event};

static char dir[] = "/tmp/moss-chardev-XXXXXX";

static UNUSED char *in_dir(const char *name)
{
    return g_strdup_printf("%s/%s", dir, name);
}

static UNUSED struct chardev *make(const char *text)
{
    struct err e = {0};
    struct chardev *c = chardev_from_option(text, &e);
    if (!c) {
        fail_msg("%s: %s", text, e.msg);
    }
    return c;
}

static UNUSED void must_refuse(const char *text, const char *why)
{
    struct err e = {0};
    assert_null(chardev_from_option(text, &e));
    if (!strstr(e.msg, why)) {
        fail_msg("%s: '%s' does not say '%s'", text, e.msg, why);
    }
}

/* Turns the loop until the condition holds, at most five seconds. */
#define RUN_UNTIL(cond) \
    do { \
        u64 until = clock_now(CLOCK_HOST) + 5000000000ull; \
        while (!(cond) && clock_now(CLOCK_HOST) < until) { \
            loop_turn(20000000); \
        } \
        assert_true(cond); \
    } while (0)

static UNUSED void run_a_little(void)
{
    for (unsigned i = 0; i < 5; i++) {
        loop_turn(2000000);
    }
}

static UNUSED void out(struct chardev *c, const char *text)
{
    machine_lock();
    chardev_write(c, text, strlen(text));
    machine_unlock();
}

static UNUSED void attach(struct chardev *c, struct guest *g)
{
    machine_lock();
    assert_true(chardev_attach(c, &guest_recv, g, NULL));
    machine_unlock();
}

static UNUSED void expect_fd(int fd, const char *text)
{
    char got[4096] = {0};
    size_t len = 0;
    u64 until = clock_now(CLOCK_HOST) + 5000000000ull;
    while (len < strlen(text) && clock_now(CLOCK_HOST) < until) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        if (poll(&p, 1, 0) > 0) {
            ssize_t n = read(fd, got + len, sizeof(got) - 1 - len);
            if (n <= 0) {
                break;
            }
            len += (size_t)n;
        }
        loop_turn(1000000);
    }
    assert_string_equal(got, text);
}

static UNUSED int unix_connect(const char *path)
{
    struct sock_addrs a;
    struct err e = {0};
    assert_true(sock_unix(&a, path, false, &e));
    int fd = sock_connect(&a, &e);
    assert_true(fd >= 0);
    return fd;
}

static UNUSED void free_chardev(struct chardev *c)
{
    machine_lock();
    chardev_free(c);
    machine_unlock();
}

static UNUSED struct chardev *make_pair(const char *more, int *peer)
{
    int sv[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
    char *text = g_strdup_printf("socket,id=s,fd=%d%s", sv[0], more);
    struct chardev *c = make(text);
    g_free(text);
    *peer = sv[1];
    return c;
}

static UNUSED int chardev_dir_make(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static UNUSED int chardev_dir_remove(void **state)
{
    (void)state;
    char *cmd = g_strdup_printf("rm -rf '%s'", dir);
    int rc = system(cmd);
    g_free(cmd);
    return rc;
}

#endif
