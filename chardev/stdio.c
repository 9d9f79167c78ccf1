/* moss's own standard input and output. A terminal is put in raw mode while moss runs and given back
 * as it was: at exit, when moss dies of a signal that nobody handles, and around Ctrl-Z. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/log.h"
#include "chardev/chardev_priv.h"

struct stdio {
    struct chardev c;
    struct watch *in;
    bool broken; /* nobody reads standard output any more */
};

/* For handlers of signals, which find nothing but globals. */
static struct stdio *owner;
static struct termios tio_before, tio_raw;
static volatile sig_atomic_t tio_changed;

/* A background job that changed the terminal would be stopped. */
static bool in_foreground(void)
{
    return tcgetpgrp(STDIN_FILENO) == getpgrp();
}

/* Async-signal-safe. */
void chardev_restore_terminal(void)
{
    if (tio_changed && in_foreground()) {
        tcsetattr(STDIN_FILENO, TCSANOW, &tio_before);
    }
}

static void on_fatal_signal(int sig)
{
    chardev_restore_terminal();
    signal(sig, SIG_DFL);
    raise(sig);
}

static void on_continue(int sig)
{
    int saved = errno;
    (void)sig;
    if (tio_changed && in_foreground()) {
        tcsetattr(STDIN_FILENO, TCSANOW, &tio_raw);
    }
    errno = saved;
}

static void catch_deaths(void)
{
    static const int deaths[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTERM, SIGINT, SIGHUP, SIGQUIT};
    for (size_t i = 0; i < ARRAY_LEN(deaths); i++) {
        struct sigaction old;
        if (sigaction(deaths[i], NULL, &old) == 0 && old.sa_handler == SIG_DFL) {
            struct sigaction act = {.sa_handler = on_fatal_signal, .sa_flags = SA_NODEFER};
            sigaction(deaths[i], &act, NULL);
        }
    }
    struct sigaction cont = {.sa_handler = on_continue, .sa_flags = SA_RESTART};
    sigaction(SIGCONT, &cont, NULL);
}

static void terminal_raw(bool signals)
{
    static bool registered;
    if (!isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &tio_before) < 0) {
        return;
    }
    tio_raw = tio_before;
    tio_raw.c_iflag &= ~(tcflag_t)(IGNBRK | BRKINT | PARMRK | ISTRIP | INLCR | IGNCR | ICRNL | IXON);
    tio_raw.c_oflag |= OPOST;
    tio_raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN);
    if (!signals) {
        tio_raw.c_lflag &= ~(tcflag_t)ISIG;
    }
    tio_raw.c_cflag = (tio_raw.c_cflag & ~(tcflag_t)(CSIZE | PARENB)) | CS8;
    tio_raw.c_cc[VMIN] = 1;
    tio_raw.c_cc[VTIME] = 0;
    if (!registered) {
        registered = true;
        atexit(chardev_restore_terminal);
    }
    catch_deaths();
    tio_changed = 1;
    if (in_foreground()) {
        tcsetattr(STDIN_FILENO, TCSANOW, &tio_raw);
    }
}

static void stdio_ready(void *opaque)
{
    struct chardev *c = opaque;
    struct stdio *s = (struct stdio *)c;
    u8 part[4096];
    ssize_t n = read(STDIN_FILENO, part, MIN((size_t)chardev_room(c), sizeof(part)));
    if (n > 0) {
        chardev_input(c, part, (size_t)n);
    } else if (n == 0 || (errno != EAGAIN && errno != EINTR)) {
        watch_free(s->in);
        s->in = NULL;
        chardev_set_open(c, false);
    }
}

static bool stdio_open(struct chardev *c, struct opts *o, struct err *e)
{
    struct stdio *s = (struct stdio *)c;
    bool signals = true;
    if (owner) {
        return err_set(e, "stdio is taken by '%s' already: only one character device can have it", owner->c.id);
    }
    if (!opts_bool(o, "signal", &signals, e)) {
        return false;
    }
    owner = s;
    terminal_raw(signals);
    s->in = chardev_watch(c, STDIN_FILENO, stdio_ready);
    c->is_open = true;
    return true;
}

static void stdio_write(struct chardev *c, const u8 *p, size_t n)
{
    struct stdio *s = (struct stdio *)c;
    if (!s->broken && !fd_write_all(STDOUT_FILENO, p, n)) {
        s->broken = true;
        warn_once("standard output is gone: %s", strerror(errno));
    }
}

static void stdio_close(struct chardev *c)
{
    struct stdio *s = (struct stdio *)c;
    if (owner == s) {
        watch_free(s->in);
        chardev_restore_terminal();
        tio_changed = 0;
        owner = NULL;
    }
}

static const struct opt_key keys[] = {
    {"signal", "on|off", "Ctrl-C and Ctrl-Z act on moss (on) or go to the guest (off)"},
    {0},
};

const struct chardev_class chardev_stdio = {
    .name = "stdio",
    .doc = "standard input and output",
    .keys = keys,
    .size = sizeof(struct stdio),
    .open = stdio_open,
    .write = stdio_write,
    .close = stdio_close,
};
