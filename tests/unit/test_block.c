/* Disks: requests in flight, snapshot overlays, host errors, locks, options. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "block/block.h"

static char dir[] = "/tmp/moss-block-XXXXXX";
static char *image; /* path, made anew for each test */

enum { IMAGE_BYTES = 1 << 20 };

static u8 pattern(u64 i)
{
    return (u8)(i * 7 + i / 251);
}

static int image_make(void **state)
{
    u8 *p = g_malloc(IMAGE_BYTES);
    (void)state;
    for (u64 i = 0; i < IMAGE_BYTES; i++) {
        p[i] = pattern(i);
    }
    image = g_strdup_printf("%s/image", dir);
    bool ok = g_file_set_contents(image, (char *)p, IMAGE_BYTES, NULL);
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
    g_free(image);
    return 0;
}

static struct blockdev *open_with(const char *more)
{
    struct opts o = {0};
    struct err e = {0};
    char *text = g_strdup_printf("file=%s%s", image, more);
    assert_true(opts_parse(&o, text, NULL, NULL));
    struct blockdev *b = block_open("disk", &o, &e);
    if (!b) {
        fail_msg("%s: %s", text, e.msg);
    }
    opts_free(&o);
    g_free(text);
    return b;
}

static void must_refuse(const char *text, const char *why)
{
    struct opts o = {0};
    struct err e = {0};
    assert_true(opts_parse(&o, text, NULL, NULL));
    assert_null(block_open("refused", &o, &e));
    if (!strstr(e.msg, why)) {
        fail_msg("%s: '%s' does not say '%s'", text, e.msg, why);
    }
    opts_free(&o);
}

static void close_disk(struct blockdev *b)
{
    machine_lock();
    block_close(b);
    machine_unlock();
}

/* -- one request, waited for ----------------------------------------------------------------------- */

struct waiter {
    struct block_req req;
    bool done;
    int result;
};

static void wait_done(struct block_req *r, int result)
{
    struct waiter *w = r->opaque;
    assert_true(machine_locked());
    w->result = result;
    w->done = true;
}

static int run(struct blockdev *b, struct waiter *w)
{
    w->done = false;
    w->req.done = wait_done;
    w->req.opaque = w;
    machine_lock();
    block_submit(b, &w->req);
    assert_false(w->done);
    machine_unlock();
    while (!w->done) {
        loop_turn(1000000000);
    }
    return w->result;
}

static int transfer(struct blockdev *b, enum block_op op, u64 offset, void *p, size_t n)
{
    struct iovec iov[3] = {{p, n / 3}, {(u8 *)p + n / 3, 0}, {(u8 *)p + n / 3, n - n / 3}};
    struct waiter w = {.req = {.op = op, .offset = offset, .iov = iov, .niov = 3}};
    return run(b, &w);
}

static int range(struct blockdev *b, enum block_op op, u64 offset, u64 len, bool unmap)
{
    struct waiter w = {.req = {.op = op, .offset = offset, .len = len, .unmap = unmap}};
    return run(b, &w);
}

static u8 file_byte(u64 at)
{
    u8 v = 0;
    int fd = open(image, O_RDONLY);
    assert_int_equal(pread(fd, &v, 1, (off_t)at), 1);
    close(fd);
    return v;
}

static void reads_and_writes(void **state)
{
    (void)state;
    u8 p[5000];
    struct blockdev *b = open_with(",format=raw");
    assert_int_equal(block_size(b), IMAGE_BYTES);
    assert_false(block_read_only(b));
    assert_int_equal(transfer(b, BLOCK_READ, 1000, p, sizeof(p)), 0);
    for (unsigned i = 0; i < sizeof(p); i++) {
        assert_int_equal(p[i], pattern(1000 + i));
    }
    memset(p, 0xee, sizeof(p));
    assert_int_equal(transfer(b, BLOCK_WRITE, 4000, p, sizeof(p)), 0);
    assert_int_equal(range(b, BLOCK_FLUSH, 0, 0, false), 0);
    assert_int_equal(file_byte(3999), pattern(3999));
    assert_int_equal(file_byte(4000), 0xee);
    assert_int_equal(file_byte(8999), 0xee);
    assert_int_equal(file_byte(9000), pattern(9000));
    assert_int_equal(block_read(b, 8999, p, 2), 0);
    assert_int_equal(p[0], 0xee);
    assert_int_equal(p[1], pattern(9000));
    assert_int_equal(block_write(b, 0, "moss", 4), 0);
    assert_int_equal(block_flush(b), 0);
    assert_int_equal(file_byte(0), 'm');
    assert_int_equal(block_stats(b)->ops[BLOCK_READ], 1);
    assert_int_equal(block_stats(b)->bytes[BLOCK_WRITE], sizeof(p));
    close_disk(b);
}

/* Small reads are done at once where the host has all of it in memory, large ones and mixed ones by workers: of the
 * image, of what was written over it, and of both. */
static void quick_and_slow_reads(void **state)
{
    (void)state;
    static u8 p[100000];
    struct blockdev *b = open_with(",snapshot=on");
    memset(p, 0xee, 8192);
    assert_int_equal(transfer(b, BLOCK_WRITE, 65536, p, 8192), 0);
    static const struct {
        u64 at, len;
    } reads[] = {{0, 512}, {65536, 8192}, {65000, 2000}, {20000, sizeof(p)}, {IMAGE_BYTES - 700, 700}, {70000, 20000}};
    for (unsigned r = 0; r < sizeof(reads) / sizeof(reads[0]); r++) {
        memset(p, 0x55, sizeof(p));
        assert_int_equal(transfer(b, BLOCK_READ, reads[r].at, p, reads[r].len), 0);
        for (u64 i = 0; i < reads[r].len; i++) {
            u64 at = reads[r].at + i;
            assert_int_equal(p[i], at >= 65536 && at < 65536 + 8192 ? 0xee : pattern(at));
        }
    }
    close_disk(b);
}

static void zeros_and_discards(void **state)
{
    (void)state;
    static u8 p[65536];
    struct blockdev *b = open_with(",discard=unmap");
    assert_true(block_can_discard(b));
    for (unsigned unmap = 0; unmap < 2; unmap++) {
        u64 at = 10000 + unmap * 300000;
        assert_int_equal(range(b, BLOCK_ZERO, at, sizeof(p), unmap), 0);
        assert_int_equal(transfer(b, BLOCK_READ, at, p, sizeof(p)), 0);
        for (unsigned i = 0; i < sizeof(p); i++) {
            assert_int_equal(p[i], 0);
        }
        assert_int_equal(file_byte(at - 1), pattern(at - 1));
        assert_int_equal(file_byte(at + sizeof(p)), pattern(at + sizeof(p)));
    }
    assert_int_equal(range(b, BLOCK_DISCARD, 0, IMAGE_BYTES, false), 0);
    assert_int_equal(range(b, BLOCK_DISCARD, 512, 0, false), 0);
    struct stat st;
    assert_int_equal(stat(image, &st), 0);
    assert_int_equal(st.st_size, IMAGE_BYTES);
    close_disk(b);

    b = open_with(""); /* discard=ignore */
    assert_int_equal(block_write(b, 0, "kept", 4), 0);
    assert_int_equal(range(b, BLOCK_DISCARD, 0, 4096, false), 0);
    assert_int_equal(file_byte(0), 'k');
    close_disk(b);

    b = open_with(",discard=unmap,detect-zeroes=unmap");
    memset(p, 0, sizeof(p));
    assert_int_equal(block_write(b, 0, "gone", 4), 0);
    assert_int_equal(transfer(b, BLOCK_WRITE, 0, p, sizeof(p)), 0);
    assert_int_equal(file_byte(0), 0);
    close_disk(b);
}

/* -- many requests --------------------------------------------------------------------------------- */

enum { CELLS = 256, CELL = 1536, ROUNDS = 40 };

struct cell {
    struct block_req req;
    struct iovec iov;
    struct blockdev *b;
    u8 data[CELL];
    unsigned i, round;
};
static unsigned cells_left;

/* Each cell writes, reads back, compares, and begins again: all at once, neighbours share granules. */
static void cell_step(struct block_req *r, int result)
{
    struct cell *c = r->opaque;
    assert_int_equal(result, 0);
    if (r->op == BLOCK_WRITE) {
        memset(c->data, 0, CELL);
        r->op = BLOCK_READ;
        block_submit(c->b, r);
        return;
    }
    for (unsigned k = 0; k < CELL; k++) {
        assert_int_equal(c->data[k], (u8)(c->i + c->round * 3 + k));
    }
    if (++c->round == ROUNDS) {
        cells_left--;
        return;
    }
    for (unsigned k = 0; k < CELL; k++) {
        c->data[k] = (u8)(c->i + c->round * 3 + k);
    }
    r->op = BLOCK_WRITE;
    block_submit(c->b, r);
}

static void hammer(struct blockdev *b, bool by_drain)
{
    struct cell *cells = g_new0(struct cell, CELLS);
    cells_left = CELLS;
    machine_lock();
    for (unsigned i = 0; i < CELLS; i++) {
        struct cell *c = &cells[i];
        c->b = b;
        c->i = i;
        for (unsigned k = 0; k < CELL; k++) {
            c->data[k] = (u8)(i + k);
        }
        c->iov = (struct iovec){c->data, CELL};
        c->req = (struct block_req){
            .op = BLOCK_WRITE, .offset = i * CELL, .iov = &c->iov, .niov = 1, .done = cell_step, .opaque = c};
        block_submit(b, &c->req);
    }
    if (by_drain) {
        block_drain(b);
        assert_int_equal(cells_left, 0);
    }
    machine_unlock();
    while (cells_left) {
        loop_turn(1000000000);
    }
    g_free(cells);
}

static void many_requests_at_once(void **state)
{
    (void)state;
    struct blockdev *b = open_with("");
    hammer(b, false);
    hammer(b, true);
    loop_turn(0); /* the post that drain made needless */
    close_disk(b);
    b = open_with(",snapshot=on");
    hammer(b, false);
    hammer(b, true);
    close_disk(b);
}

static struct blockdev *other;
static void drain_other(struct block_req *r, int result)
{
    assert_int_equal(result, 0);
    wait_done(r, result);
    block_close(other);
}

static void a_callback_may_close_another_drive(void **state)
{
    (void)state;
    char *second = g_strdup_printf("%s/second", dir);
    assert_true(g_file_set_contents(second, "0123456789", 10, NULL));
    struct blockdev *b = open_with("");
    other = block_open_file("other", second, false, NULL);
    assert_int_equal(block_size(other), 512);
    u8 p[512], q[512];
    struct iovec iov = {p, sizeof(p)}, iov2 = {q, sizeof(q)};
    struct waiter w[2] = {
        {.req = {.op = BLOCK_READ, .iov = &iov, .niov = 1, .done = drain_other, .opaque = &w[0]}},
        {.req = {.op = BLOCK_READ, .iov = &iov2, .niov = 1, .done = wait_done, .opaque = &w[1]}},
    };
    machine_lock();
    block_submit(b, &w[0].req);
    g_usleep(20000); /* so that both are finished before the loop looks, the first one first */
    block_submit(other, &w[1].req);
    g_usleep(20000);
    machine_unlock();
    while (!w[0].done) {
        loop_turn(1000000000);
    }
    assert_true(w[1].done);
    assert_memory_equal(q, "0123456789\0\0", 12);
    assert_null(block_find("other"));
    close_disk(b);
    unlink(second);
    g_free(second);
}

/* -- snapshot -------------------------------------------------------------------------------------- */

static void a_snapshot_leaves_the_image_alone(void **state)
{
    (void)state;
    static u8 model[IMAGE_BYTES], got[IMAGE_BYTES];
    gchar *before, *after;
    gsize n;
    unsigned seed = (unsigned)clock_now(CLOCK_WALL);
    print_message("seed %u\n", seed);
    GRand *r = g_rand_new_with_seed(seed);
    assert_true(g_file_get_contents(image, &before, &n, NULL));
    memcpy(model, before, IMAGE_BYTES);
    assert_int_equal(chmod(image, 0444), 0); /* needs no right to write */
    struct blockdev *b = open_with(",snapshot=on");
    assert_false(block_read_only(b));
    for (unsigned i = 0; i < 600; i++) {
        u64 at = (u64)g_rand_int_range(r, 0, IMAGE_BYTES - 20000);
        u64 len = (u64)g_rand_int_range(r, 1, i % 8 ? 9000 : 20000);
        switch (g_rand_int_range(r, 0, 5)) {
        case 0:
            assert_int_equal(range(b, BLOCK_ZERO, at, len, true), 0);
            memset(model + at, 0, len);
            break;
        case 1:
            assert_int_equal(transfer(b, BLOCK_READ, at, got, len), 0);
            assert_memory_equal(got, model + at, len);
            break;
        default:
            for (u64 k = 0; k < len; k++) {
                model[at + k] = (u8)g_rand_int(r);
            }
            assert_int_equal(transfer(b, BLOCK_WRITE, at, model + at, len), 0);
            break;
        }
    }
    assert_int_equal(transfer(b, BLOCK_READ, 0, got, IMAGE_BYTES), 0);
    assert_memory_equal(got, model, IMAGE_BYTES);
    assert_int_equal(range(b, BLOCK_DISCARD, 5000, 100000, true), 0);
    assert_int_equal(transfer(b, BLOCK_READ, 0, got, 5000), 0);
    assert_memory_equal(got, model, 5000); /* what was not discarded is unharmed */
    assert_int_equal(block_flush(b), 0);
    close_disk(b);
    assert_true(g_file_get_contents(image, &after, &n, NULL));
    assert_int_equal(n, IMAGE_BYTES);
    assert_memory_equal(before, after, n);
    g_rand_free(r);
    g_free(before);
    g_free(after);
}

/* -- odd sizes and host errors ---------------------------------------------------------------------- */

static void an_odd_length_is_rounded_up(void **state)
{
    (void)state;
    u8 p[1024];
    assert_int_equal(truncate(image, 1000), 0);
    struct blockdev *b = open_with("");
    assert_int_equal(block_size(b), 1024);
    assert_int_equal(transfer(b, BLOCK_READ, 0, p, 1024), 0);
    assert_int_equal(p[999], pattern(999));
    for (unsigned i = 1000; i < 1024; i++) {
        assert_int_equal(p[i], 0);
    }
    assert_int_equal(transfer(b, BLOCK_WRITE, 512, p, 512), 0);
    struct stat st;
    assert_int_equal(stat(image, &st), 0);
    assert_int_equal(st.st_size, 1024);
    close_disk(b);
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

static void host_errors_reach_the_guest(void **state)
{
    (void)state;
    u8 p[4096];
    struct blockdev *b = open_with("");
    quiet_stderr(true);
    assert_int_equal(truncate(image, 4096), 0);
    assert_int_equal(transfer(b, BLOCK_READ, 0, p, 4096), 0);
    assert_int_equal(transfer(b, BLOCK_READ, 2048, p, 4096), -EIO);
    assert_int_equal(transfer(b, BLOCK_READ, 8192, p, 512), -EIO);
    assert_int_equal(block_stats(b)->failed[BLOCK_READ], 2);

    struct rlimit old, small;
    getrlimit(RLIMIT_FSIZE, &old);
    small = old;
    small.rlim_cur = 8192;
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &small);
    int rc = transfer(b, BLOCK_WRITE, 65536, p, 4096);
    int partial = transfer(b, BLOCK_WRITE, 6144, p, 4096); /* half of it fits */
    setrlimit(RLIMIT_FSIZE, &old);
    quiet_stderr(false);
    assert_int_equal(rc, -EFBIG);
    assert_int_equal(partial, -EFBIG);
    close_disk(b);
}

static void the_guest_cannot_leave_the_disk(void **state)
{
    (void)state;
    u8 p[1024];
    struct blockdev *b = open_with(",readonly=on");
    assert_true(block_read_only(b));
    assert_int_equal(transfer(b, BLOCK_READ, IMAGE_BYTES - 512, p, 1024), -EINVAL);
    assert_int_equal(transfer(b, BLOCK_READ, IMAGE_BYTES, p, 512), -EINVAL);
    assert_int_equal(transfer(b, BLOCK_READ, UINT64_MAX - 100, p, 512), -EINVAL);
    assert_int_equal(range(b, BLOCK_ZERO, 512, UINT64_MAX, false), -EROFS);
    assert_int_equal(transfer(b, BLOCK_WRITE, 0, p, 512), -EROFS);
    assert_int_equal(block_write(b, 0, p, 512), -EROFS);
    assert_int_equal(range(b, BLOCK_FLUSH, 0, 0, false), 0);
    close_disk(b);
    b = open_with("");
    assert_int_equal(range(b, BLOCK_ZERO, 512, UINT64_MAX, false), -EINVAL);
    assert_int_equal(range(b, BLOCK_DISCARD, IMAGE_BYTES + 512, 0, false), -EINVAL);
    close_disk(b);
}

/* -- media ----------------------------------------------------------------------------------------- */

static unsigned changes;
static void count_change(void *opaque)
{
    assert_ptr_equal(opaque, &changes);
    changes++;
}

static void media_come_and_go(void **state)
{
    (void)state;
    u8 p[512];
    struct opts o = {0};
    struct err e = {0};
    assert_true(opts_parse(&o, "if=none,media=cdrom,id=cd,index=3", NULL, NULL));
    struct blockdev *b = block_open("cd", &o, &e);
    opts_free(&o);
    assert_non_null(b);
    block_on_change(b, count_change, &changes);
    assert_false(block_present(b));
    assert_int_equal(block_size(b), 0);
    assert_int_equal(transfer(b, BLOCK_READ, 0, p, 512), -ENOMEDIUM);
    machine_lock();
    assert_true(block_insert(b, image, NULL, true, &e));
    machine_unlock();
    assert_int_equal(changes, 1);
    assert_true(block_present(b));
    assert_string_equal(block_file(b), image);
    assert_int_equal(transfer(b, BLOCK_READ, 0, p, 512), 0);
    machine_lock();
    assert_false(block_insert(b, "/nonexistent", NULL, true, &e));
    assert_true(block_present(b)); /* the old one stays */
    block_eject(b);
    machine_unlock();
    assert_int_equal(changes, 2);
    assert_true(block_read_only(b)); /* as the last one was */
    assert_int_equal(transfer(b, BLOCK_READ, 0, p, 512), -ENOMEDIUM);
    close_disk(b);
}

/* -- locks, options, nodes ------------------------------------------------------------------------- */

static void one_writer_or_many_readers(void **state)
{
    (void)state;
    struct err e = {0};
    struct blockdev *b = open_with("");
    assert_null(block_open_file("b", image, false, &e));
    assert_non_null(strstr(e.msg, "is in use by another process"));
    assert_null(block_open_file("b", image, true, NULL));
    char *text = g_strdup_printf("file=%s,file.locking=off,readonly=on", image);
    struct opts o = {0};
    assert_true(opts_parse(&o, text, NULL, NULL));
    struct blockdev *c = block_open("c", &o, &e);
    assert_non_null(c);
    opts_free(&o);
    g_free(text);
    close_disk(c);
    close_disk(b);

    b = block_open_file("a", image, true, NULL);
    c = block_open_file("b", image, true, NULL);
    assert_true(b && c);
    assert_null(block_open_file("d", image, false, NULL));
    close_disk(b);
    close_disk(c);
    b = block_open_file("d", image, false, NULL);
    assert_non_null(b);
    close_disk(b);
}

static void options_are_checked(void **state)
{
    (void)state;
    char *text = g_strdup_printf("file=%s,snapshto=on", image);
    must_refuse(text, "the drive has no option 'snapshto': did you mean 'snapshot'?");
    g_free(text);
    text = g_strdup_printf("file=%s,cache=fast", image);
    must_refuse(text, "cache=fast: expected one of writeback");
    g_free(text);
    text = g_strdup_printf("file=%s,format=qcow2", image);
    must_refuse(text, "format=qcow2: moss reads raw images only");
    g_free(text);
    must_refuse("file=/nonexistent/disk", "cannot open image '/nonexistent/disk'");
    must_refuse("file=nbd:localhost:10809", "no 'nbd:' images");
    must_refuse("file=/dev/null", "no disk image");
    must_refuse("file=/tmp", "cannot open image '/tmp': Is a directory");
    must_refuse("file=/tmp,readonly=on", "no disk image");

    static const char *const fine[] = {
        ",cache=none,aio=native,discard=on",
        ",cache=writethrough",
        ",cache=unsafe",
        ",cache=directsync",
        ",if=virtio,index=0,media=disk,readonly",
        ",format=raw,cache.direct=on,detect-zeroes=on",
    };
    for (size_t i = 0; i < ARRAY_LEN(fine); i++) {
        struct blockdev *b = open_with(fine[i]);
        if (!block_read_only(b)) {
            assert_int_equal(block_write(b, 0, "x", 1), 0);
            assert_int_equal(range(b, BLOCK_FLUSH, 0, 0, false), 0);
        }
        close_disk(b);
    }
}

static void formats_are_recognised(void **state)
{
    (void)state;
    struct err e = {0};
    static const char head[512] = "QFI\xfb\0\0\0\3";
    assert_true(g_file_set_contents(image, head, sizeof(head), NULL));
    assert_null(block_open_file("q", image, false, &e));
    assert_non_null(strstr(e.msg, "looks like qcow2"));
    struct blockdev *b = open_with(",format=raw");
    close_disk(b);
    assert_true(g_file_set_contents(image, "", 0, NULL));
    b = open_with("");
    assert_int_equal(block_size(b), 0);
    close_disk(b);
}

static void nodes_stack(void **state)
{
    (void)state;
    struct err e = {0};
    struct opts o = {0};
    u8 p[16];
    char *text =
        g_strdup_printf("driver=raw,node-name=d,file.driver=file,file.filename=%s,read-only=on,cache.direct=on,"
                        "auto-read-only=on,discard=unmap",
                        image);
    assert_true(opts_parse(&o, text, NULL, NULL));
    struct blockdev *b = block_open_node(&o, &e);
    if (!b) {
        fail_msg("%s", e.msg);
    }
    opts_free(&o);
    g_free(text);
    assert_ptr_equal(block_find("d"), b);
    assert_true(block_read_only(b));
    assert_int_equal(block_read(b, 0, p, 16), 0);
    close_disk(b);

    text = g_strdup_printf("driver=file,filename=%s,node-name=low", image);
    assert_true(opts_parse(&o, text, NULL, NULL));
    assert_non_null(block_open_node(&o, &e));
    opts_free(&o);
    g_free(text);
    assert_true(opts_parse(&o, "driver=raw,file=low,node-name=high", NULL, NULL));
    b = block_open_node(&o, &e);
    assert_non_null(b);
    opts_free(&o);
    assert_ptr_equal(block_find("low"), b);
    assert_ptr_equal(block_find("high"), b);
    assert_string_equal(block_id(b), "high");
    assert_true(opts_parse(&o, "driver=raw,file=none,node-name=x", NULL, NULL));
    assert_null(block_open_node(&o, &e));
    assert_string_equal(e.msg, "-blockdev x: there is no node 'none'");
    opts_free(&o);
    close_disk(b);
}

static int group_setup(void **state)
{
    (void)state;
    return mkdtemp(dir) ? 0 : -1;
}

static int group_teardown(void **state)
{
    (void)state;
    return rmdir(dir);
}

#define DISK_TEST(f) cmocka_unit_test_setup_teardown(f, image_make, image_drop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        DISK_TEST(reads_and_writes),
        DISK_TEST(quick_and_slow_reads),
        DISK_TEST(zeros_and_discards),
        DISK_TEST(many_requests_at_once),
        DISK_TEST(a_callback_may_close_another_drive),
        DISK_TEST(a_snapshot_leaves_the_image_alone),
        DISK_TEST(an_odd_length_is_rounded_up),
        DISK_TEST(host_errors_reach_the_guest),
        DISK_TEST(the_guest_cannot_leave_the_disk),
        DISK_TEST(media_come_and_go),
        DISK_TEST(one_writer_or_many_readers),
        DISK_TEST(options_are_checked),
        DISK_TEST(formats_are_recognised),
        DISK_TEST(nodes_stack),
    };
    return cmocka_run_group_tests(tests, group_setup, group_teardown);
}
