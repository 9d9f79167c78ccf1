/* Kinds that open a path: file (output to a file, input perhaps from another), pipe (a pair of named
 * pipes), serial (a terminal line of the host). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"
#include "chardev/chardev_priv.h"

struct path {
    struct chardev c;
    int in_fd, out_fd;
    struct watch *in;
    struct fd_out out; /* pipe and serial: the other end may not read */
};

static void path_ready(void *opaque)
{
    struct chardev *c = opaque;
    struct path *s = (struct path *)c;
    u8 part[4096];
    ssize_t n = read(s->in_fd, part, MIN((size_t)chardev_room(c), sizeof(part)));
    if (n > 0) {
        chardev_input(c, part, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        watch_free(s->in);
        s->in = NULL;
    }
}

static void path_close(struct chardev *c)
{
    struct path *s = (struct path *)c;
    watch_free(s->in);
    fd_out_reset(&s->out);
    if (s->in_fd > 0) {
        close(s->in_fd);
    }
    if (s->out_fd > 0 && s->out_fd != s->in_fd) {
        close(s->out_fd);
    }
}

/* -- file ------------------------------------------------------------------------------------------ */

static bool file_open(struct chardev *c, struct opts *o, struct err *e)
{
    struct path *s = (struct path *)c;
    bool append = false;
    const char *path = opts_str(o, "path", NULL);
    const char *input = opts_str(o, "input-path", NULL);
    if (!path) {
        return err_set(e, "-chardev file needs path=");
    }
    if (!opts_bool(o, "append", &append, e)) {
        return false;
    }
    s->out_fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0666);
    if (s->out_fd < 0) {
        return err_errno(e, "cannot write '%s'", path);
    }
    if (input) {
        s->in_fd = open(input, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
        if (s->in_fd < 0) {
            return err_errno(e, "cannot read '%s'", input);
        }
        s->in = chardev_watch(c, s->in_fd, path_ready);
    }
    chardev_set_where(c, "file");
    c->is_open = true;
    return true;
}

static void file_write(struct chardev *c, const u8 *p, size_t n)
{
    if (!fd_write_all(((struct path *)c)->out_fd, p, n)) {
        warn_once("character device '%s': cannot write its file: %s", c->id, strerror(errno));
    }
}

static const struct opt_key file_keys[] = {
    {"path", "PATH", "where output goes"},
    {"append", "on|off", "append instead of starting the file anew"},
    {"input-path", "PATH", "where input comes from"},
    {0},
};

const struct chardev_class chardev_file = {
    .name = "file",
    .doc = "output to a file",
    .keys = file_keys,
    .size = sizeof(struct path),
    .open = file_open,
    .write = file_write,
    .close = path_close,
};

/* -- pipe and serial: both ends may dawdle ------------------------------------------------------- */

static void out_failed(struct chardev *c)
{
    struct path *s = (struct path *)c;
    warn_once("character device '%s': output is lost: %s", c->id, strerror(errno));
    fd_out_reset(&s->out);
}

static void out_write(struct chardev *c, const u8 *p, size_t n)
{
    struct path *s = (struct path *)c;
    if (s->out.fd >= 0 && !fd_out_write(&s->out, p, n)) {
        out_failed(c);
    }
}

static void out_flush(struct chardev *c)
{
    fd_out_flush(&((struct path *)c)->out, 1000);
}

static void both_start(struct path *s)
{
    fd_set_nonblock(s->in_fd);
    fd_set_nonblock(s->out_fd);
    fd_out_init(&s->out, &s->c, s->out_fd, out_failed);
    s->in = chardev_watch(&s->c, s->in_fd, path_ready);
    s->c.is_open = true;
}

/* Opened for both directions, so that opening waits for nobody and a reader that leaves can return. */
static int open_both_ways(const char *path)
{
    return open(path, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
}

static bool pipe_open(struct chardev *c, struct opts *o, struct err *e)
{
    struct path *s = (struct path *)c;
    const char *path = opts_str(o, "path", NULL);
    if (!path) {
        return err_set(e, "-chardev pipe needs path=");
    }
    gchar *in = g_strconcat(path, ".in", NULL), *out = g_strconcat(path, ".out", NULL);
    s->in_fd = open_both_ways(in);
    s->out_fd = open_both_ways(out);
    g_free(in);
    g_free(out);
    if (s->in_fd < 0 || s->out_fd < 0) {
        if (s->in_fd >= 0) {
            close(s->in_fd);
        }
        if (s->out_fd >= 0) {
            close(s->out_fd);
        }
        s->in_fd = s->out_fd = open_both_ways(path);
    }
    if (s->in_fd < 0) {
        return err_errno(e, "cannot open the pipe '%s' (nor the pair '%s.in' and '%s.out')", path, path, path);
    }
    both_start(s);
    return true;
}

static bool serial_open(struct chardev *c, struct opts *o, struct err *e)
{
    struct path *s = (struct path *)c;
    const char *path = opts_str(o, "path", NULL);
    struct termios tio;
    if (!path) {
        return err_set(e, "-chardev serial needs path=");
    }
    s->in_fd = s->out_fd = open_both_ways(path);
    if (s->in_fd < 0) {
        return err_errno(e, "cannot open '%s'", path);
    }
    if (tcgetattr(s->in_fd, &tio) < 0) {
        return err_errno(e, "'%s' is no serial line", path);
    }
    cfmakeraw(&tio);
    tcsetattr(s->in_fd, TCSANOW, &tio);
    chardev_set_where(c, "serial:%s", path);
    both_start(s);
    return true;
}

static const struct opt_key path_keys[] = {
    {"path", "PATH", "the device, or the pipe; a pair of pipes is PATH.in and PATH.out"},
    {0},
};

const struct chardev_class chardev_pipe = {
    .name = "pipe",
    .doc = "a named pipe, or a pair of them",
    .keys = path_keys,
    .size = sizeof(struct path),
    .open = pipe_open,
    .write = out_write,
    .flush = out_flush,
    .close = path_close,
};

const struct chardev_class chardev_serial = {
    .name = "serial",
    .alias = "tty",
    .doc = "a serial line of the host, at the speed it has",
    .keys = path_keys,
    .size = sizeof(struct path),
    .open = serial_open,
    .write = out_write,
    .flush = out_flush,
    .close = path_close,
};
