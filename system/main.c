/* Parses, builds, goes to the background when asked, runs. Every error ends here, as one sentence. */
#include "system/main.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "chardev/chardev.h"
#include "system/system.h"

static int fail(const struct err *e)
{
    chardev_free_all();
    report("%s", e->msg[0] ? e->msg : "failed");
    return 1;
}

/* What is opened first must not become standard output because the caller closed that. */
static void standard_streams(void)
{
    for (int fd = open("/dev/null", O_RDWR); fd >= 0; fd = open("/dev/null", O_RDWR)) {
        if (fd > STDERR_FILENO) {
            close(fd);
            return;
        }
    }
}

static int ready_pipe = -1;

/* The parent waits until the child is set up, so that who called can go on at once. */
static bool go_background(struct err *e)
{
    int fds[2];
    if (pipe(fds) < 0) {
        return err_errno(e, "-daemonize");
    }
    pid_t pid = fork();
    if (pid < 0) {
        return err_errno(e, "-daemonize");
    }
    if (pid > 0) {
        char ok = 1;
        close(fds[1]);
        ssize_t n = read(fds[0], &ok, 1);
        _exit(n == 1 && ok == 0 ? 0 : 1);
    }
    close(fds[0]);
    ready_pipe = fds[1];
    setsid();
    return true;
}

static void background_ready(void)
{
    char ok = 0;
    int null = open("/dev/null", O_RDWR);
    if (null >= 0) {
        dup2(null, 0);
        dup2(null, 1);
        dup2(null, 2);
    }
    if (write(ready_pipe, &ok, 1) != 1) {
        _exit(1);
    }
    close(ready_pipe);
    if (chdir("/") < 0) {
        _exit(1);
    }
}

static const char *pid_path;
static void pidfile_remove(void)
{
    unlink(pid_path);
}

static bool pidfile_write(const char *path, struct err *e)
{
    FILE *f = fopen(path, "w");
    if (!f || fprintf(f, "%d\n", (int)getpid()) < 0 || fclose(f) != 0) {
        return err_errno(e, "cannot create PID file: Could not create '%s'", path);
    }
    pid_path = path[0] == '/' ? path : realpath(path, NULL);
    atexit(pidfile_remove);
    return true;
}

int system_main(int argc, char **argv)
{
    static struct setup s;
    struct err e = {{0}};
    bool done = false;
    standard_streams();
    signal(SIGXFSZ, SIG_IGN); /* ulimit -f is a host error, with a sentence */
    if (!options_parse(&s.cfg, argc, argv, &e)) {
        return fail(&e);
    }
    target_by_program(s.cfg.program);
    if (s.cfg.done || lists_serve(&s.cfg)) {
        return 0;
    }
    if (s.cfg.daemonize && s.cfg.nographic) {
        err_set(&e, "-nographic cannot be used with -daemonize");
        return fail(&e);
    }
    if (!guess_machine(&s.cfg, &e) || (s.cfg.logfile && !log_set_file(s.cfg.logfile, &e)) ||
        (s.cfg.daemonize && !go_background(&e))) {
        return fail(&e);
    }
    if (!run_init(&s, &e) || !setup_machine(&s, &done, &e)) {
        return fail(&e);
    }
    if (done) {
        return 0;
    }
    if (!displays_start(&s, &e)) {
        return fail(&e);
    }
    backends_tell(&s.cfg);
    run_signals();
    if (s.cfg.pidfile && !pidfile_write(s.cfg.pidfile, &e)) {
        return fail(&e);
    }
    if (s.cfg.daemonize) {
        background_ready();
    }
    return run_machine(&s);
}
