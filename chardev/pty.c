/* A pseudo terminal: another program opens its name. Nobody tells the master side that someone opened
 * the slave, so while it is closed a timer looks; what is written meanwhile is lost, as on a cable with
 * nothing at its end. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/clock.h"
#include "chardev/chardev_priv.h"

enum { LOOK_NS = 250000000 };

struct pty {
    struct chardev c;
    int fd;
    struct watch *in;
    struct fd_out out;
    struct timer look;
};

static void pty_ready(void *opaque);
static void pty_gone(struct chardev *c);

static void pty_arrive(struct pty *s)
{
    timer_cancel(&s->look);
    fd_out_init(&s->out, &s->c, s->fd, pty_gone);
    s->in = chardev_watch(&s->c, s->fd, pty_ready);
    chardev_set_open(&s->c, true);
}

static void pty_gone(struct chardev *c)
{
    struct pty *s = (struct pty *)c;
    watch_free(s->in);
    s->in = NULL;
    fd_out_reset(&s->out);
    timer_set(&s->look, clock_now(CLOCK_HOST) + LOOK_NS);
    chardev_set_open(c, false);
}

static bool slave_is_open(const struct pty *s)
{
    struct pollfd p = {.fd = s->fd, .events = POLLIN | POLLOUT};
    return poll(&p, 1, 0) >= 0 && !(p.revents & POLLHUP);
}

static void pty_look(void *opaque)
{
    struct pty *s = opaque;
    if (slave_is_open(s)) {
        pty_arrive(s);
    } else {
        timer_set(&s->look, clock_now(CLOCK_HOST) + LOOK_NS);
    }
}

static void pty_ready(void *opaque)
{
    struct chardev *c = opaque;
    struct pty *s = (struct pty *)c;
    u8 part[4096];
    ssize_t n = read(s->fd, part, MIN((size_t)chardev_room(c), sizeof(part)));
    if (n > 0) {
        chardev_input(c, part, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        pty_gone(c);
    }
}

static void pty_write(struct chardev *c, const u8 *p, size_t n)
{
    struct pty *s = (struct pty *)c;
    if (!c->is_open) {
        if (!slave_is_open(s)) {
            return;
        }
        pty_arrive(s);
    }
    if (!fd_out_write(&s->out, p, n)) {
        pty_gone(c);
    }
}

static bool pty_open(struct chardev *c, struct opts *o, struct err *e)
{
    struct pty *s = (struct pty *)c;
    char name[128];
    struct termios tio;
    (void)o;
    s->out.fd = -1;
    timer_init(&s->look, CLOCK_HOST, pty_look, s);
    s->fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (s->fd < 0 || grantpt(s->fd) < 0 || unlockpt(s->fd) < 0 || ptsname_r(s->fd, name, sizeof(name))) {
        return err_errno(e, "cannot make a pseudo terminal");
    }
    /* A slave that was never open does not read as hung up: open and close it once. */
    int slave = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (slave < 0) {
        return err_errno(e, "cannot open '%s'", name);
    }
    tcgetattr(slave, &tio);
    cfmakeraw(&tio);
    tcsetattr(slave, TCSAFLUSH, &tio);
    close(slave);
    fd_set_nonblock(s->fd);
    chardev_set_where(c, "pty:%s", name);
    printf("char device redirected to %s (label %s)\n", name, c->id);
    fflush(stdout);
    timer_set(&s->look, clock_now(CLOCK_HOST) + LOOK_NS);
    return true;
}

static void pty_flush(struct chardev *c)
{
    fd_out_flush(&((struct pty *)c)->out, 200);
}

static void pty_close(struct chardev *c)
{
    struct pty *s = (struct pty *)c;
    timer_cancel(&s->look);
    watch_free(s->in);
    fd_out_reset(&s->out);
    if (s->fd > 0) {
        close(s->fd);
    }
}

static const struct opt_key keys[] = {{0}};

const struct chardev_class chardev_pty = {
    .name = "pty",
    .doc = "a pseudo terminal, whose name is printed",
    .keys = keys,
    .size = sizeof(struct pty),
    .open = pty_open,
    .write = pty_write,
    .flush = pty_flush,
    .close = pty_close,
};
