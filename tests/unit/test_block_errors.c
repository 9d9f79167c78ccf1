/* Disks of which the host cannot carry out a request: rerror=, werror=. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "block/block.h"

static char dir[] = "/tmp/moss-block-XXXXXX", image[64];
enum { IMAGE_BYTES = 1 << 20 };

static int image_make(void **state)
{
    (void)state;
    strcpy(dir, "/tmp/moss-block-XXXXXX");
    must(mkdtemp(dir));
    snprintf(image, sizeof(image), "%s/image", dir);
    char *p = g_malloc(IMAGE_BYTES);
    memset(p, 7, IMAGE_BYTES);
    bool ok = g_file_set_contents(image, p, IMAGE_BYTES, NULL);
    g_free(p);
    return ok ? 0 : -1;
}

static int image_drop(void **state)
{
    (void)state;
    machine_lock();
    block_close_all();
    machine_unlock();
    unlink(image);
    return rmdir(dir);
}

static struct blockdev *try_open(const char *more, struct err *e)
{
    struct opts o = {0};
    char *text = g_strdup_printf("file=%s%s", image, more);
    must(opts_parse(&o, text, NULL, NULL));
    struct blockdev *b = block_open("disk", &o, e);
    opts_free(&o);
    g_free(text);
    return b;
}

static struct blockdev *open_with(const char *more)
{
    struct err e = {0};
    struct blockdev *b = try_open(more, &e);
    must(b);
    return b;
}

static void close_disk(struct blockdev *b)
{
    machine_lock();
    block_close(b);
    machine_unlock();
}

static void quiet_stderr(bool quiet)
{
    static int saved = -1;
    if (quiet) {
        saved = dup(2);
        int fd = open("/dev/null", O_WRONLY);
        dup2(fd, 2);
        close(fd);
    } else {
        dup2(saved, 2);
        close(saved);
    }
}

/* -- one request --------------------------------------------------------------------------------------------------- */

struct waiter {
    struct block_req req;
    struct iovec iov;
    bool done;
    int result;
};

static void wait_done(struct block_req *r, int result)
{
    struct waiter *w = r->opaque;
    w->result = result;
    w->done = true;
}

static void submit(struct blockdev *b, struct waiter *w, enum block_op op, u64 offset, void *p, size_t n)
{
    *w = (struct waiter){.iov = {p, n}};
    w->req = (struct block_req){.op = op, .offset = offset, .iov = &w->iov, .niov = 1, .done = wait_done, .opaque = w};
    machine_lock();
    block_submit(b, &w->req);
    machine_unlock();
}

static int finish(struct waiter *w)
{
    while (!w->done) {
        loop_turn(1000000000);
    }
    return w->result;
}

static int transfer(struct blockdev *b, enum block_op op, u64 offset, void *p, size_t n)
{
    struct waiter w;
    submit(b, &w, op, offset, p, n);
    return finish(&w);
}

/* A write that finds no room waits, and the guest stands still; it fails where that is asked for, or when the drive is
 * drained. On a small file system of its own: SKIPPED where none can be mounted. */
enum { FULL_SKIPPED = 77, FULL_BYTES = 128 << 10 };

/* The machine's owner is asked to stop it, and to let it go on. */
static unsigned stops, conts;
static void count_stop(void)
{
    stops++;
}
static void count_cont(void)
{
    conts++;
}

static void turns(u64 ns)
{
    for (u64 end = clock_now(CLOCK_HOST) + ns; clock_now(CLOCK_HOST) < end;) {
        loop_turn(20000000);
    }
}

static bool file_says(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY);
    bool ok = fd >= 0 && write(fd, text, strlen(text)) > 0;
    close(fd);
    return ok;
}

static bool leave_mounts(void)
{
    char uids[32], gids[32];
    if (!unshare(CLONE_NEWNS)) {
        return !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
    }
    snprintf(uids, sizeof(uids), "0 %u 1", getuid());
    snprintf(gids, sizeof(gids), "0 %u 1", getgid());
    return !unshare(CLONE_NEWUSER | CLONE_NEWNS) && file_says("/proc/self/setgroups", "deny") &&
           file_says("/proc/self/gid_map", gids) && file_says("/proc/self/uid_map", uids);
}

static int full_host(void)
{
    static u8 p[FULL_BYTES], last;
    struct waiter w;
    if (!leave_mounts() || mount("none", dir, "tmpfs", 0, "size=192k")) {
        return FULL_SKIPPED;
    }
    char *filler = g_strdup_printf("%s/filler", dir);
    int fd = open(image, O_RDWR | O_CREAT, 0600);
    must(fd >= 0 && !ftruncate(fd, IMAGE_BYTES) && !close(fd));
    must(g_file_set_contents(filler, (char *)p, FULL_BYTES, NULL));
    quiet_stderr(true);
    block_stop_request = count_stop;
    block_cont_request = count_cont;
    memset(p, 0x5a, sizeof(p));
    struct blockdev *b = open_with(",werror=report");
    must(transfer(b, BLOCK_WRITE, 0, p, sizeof(p)) == -ENOSPC);
    close_disk(b);
    b = open_with(",werror=ignore");
    must(transfer(b, BLOCK_WRITE, 0, p, sizeof(p)) == 0);
    close_disk(b);
    b = open_with(",werror=stop");
    submit(b, &w, BLOCK_WRITE, 0, p, sizeof(p));
    turns(1500000000); /* nobody tries again, but who is told to */
    must(!w.done && stops == 1 && !strcmp(block_io_status(b), "nospace"));
    block_retry_all();
    turns(200000000);
    must(!w.done && stops == 2);
    close_disk(b);
    must(w.done && w.result == -ENOSPC && !conts);
    b = open_with("");
    submit(b, &w, BLOCK_WRITE, 0, p, sizeof(p));
    close_disk(b);
    must(w.done && w.result == -ENOSPC);
    b = open_with("");
    submit(b, &w, BLOCK_WRITE, 0, p, sizeof(p));
    turns(200000000);
    must(!w.done && !conts);
    unlink(filler);
    must(finish(&w) == 0 && block_read(b, FULL_BYTES - 1, &last, 1) == 0 && last == 0x5a && conts == 1 &&
         !strcmp(block_io_status(b), "ok"));
    close_disk(b);
    g_free(filler);
    return 0;
}

static void what_fails_is_as_asked(void **state)
{
    (void)state;
    u8 p[1024];
    struct waiter w;
    static const char *const bad[] = {",rerror=enospc", ",rerror=auto", ",werror=auto", ",werror=perhaps"};
    for (unsigned i = 0; i < ARRAY_LEN(bad); i++) {
        struct err e = {0};
        assert_null(try_open(bad[i], &e));
        assert_non_null(strstr(e.msg, "expected one of"));
    }
    stops = 0;
    block_stop_request = count_stop;
    quiet_stderr(true);
    struct blockdev *b = open_with(",rerror=stop");
    assert_int_equal(truncate(image, 512), 0);
    submit(b, &w, BLOCK_READ, 0, p, sizeof(p));
    turns(100000000);
    assert_true(!w.done && stops == 1);
    assert_string_equal(block_io_status(b), "failed");
    assert_int_equal(truncate(image, IMAGE_BYTES), 0);
    block_retry_all();
    assert_int_equal(finish(&w), 0);
    assert_true(p[0] == 7 && p[512] == 0 && stops == 1);
    assert_int_equal(truncate(image, 512), 0);
    block_set_on_error(b, true, BLOCK_IGNORE);
    assert_int_equal(transfer(b, BLOCK_READ, 512, p, 512), 0);
    block_set_on_error(b, true, BLOCK_ENOSPC);
    assert_int_equal(transfer(b, BLOCK_READ, 512, p, 512), -EIO);
    quiet_stderr(false);
    block_stop_request = NULL;
    close_disk(b);
}

/* In a child, and before there are workers: only a process of one thread may leave its name spaces. */
static void a_full_host_makes_the_guest_wait(void **state)
{
    (void)state;
    int status;
    pid_t pid = fork();
    if (pid == 0) {
        _exit(full_host());
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFEXITED(status));
    if (WEXITSTATUS(status) == FULL_SKIPPED) {
        skip();
    }
    assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_full_host_makes_the_guest_wait, image_make, image_drop),
        cmocka_unit_test_setup_teardown(what_fails_is_as_asked, image_make, image_drop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
