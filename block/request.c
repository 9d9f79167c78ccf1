/* Requests: run on a pool of threads that grows as needed, or at once where that takes no waiting, handed back on the
 * main loop.
 *
 * A finished request goes to one list for all drives, and the main loop is told once. block_drain()
 * takes its drive's requests out of the same list itself, so that it can wait without the loop.
 *
 * A request that failed may wait, while the machine stands still, to be tried again: when somebody says so or, if the
 * host had no room left, every second. To the guest no time passes and nothing is lost. Draining tries once more and
 * then hands the error over, so that a reset or an exit never hangs. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "block/block_priv.h"

enum { WORKERS = 8, RETRY_NS = 1000000000, QUICK_BYTES = 32 << 10, QUICK_PARTS = 64 };

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* what follows */
static pthread_cond_t work = PTHREAD_COND_INITIALIZER;
static struct block_req *todo, **todo_end = &todo;
static unsigned n_todo, workers, idle;
static pthread_cond_t finished = PTHREAD_COND_INITIALIZER;
static struct block_req *done_list, **done_end = &done_list;
static unsigned n_done; /* requests in the list */
static bool told;       /* the main loop has our post */

bool block_on_loop;
void (*block_stop_request)(void);
void (*block_cont_request)(void);

static const char *const op_names[BLOCK_OPS] = {"read", "write", "flush", "discard", "write of zeros"};

static int write_run(struct blockdev *b, const struct block_req *r)
{
    struct block_node *n = b->node;
    if (b->detect_zeroes && iov_is_zero(r->iov, r->niov)) {
        return n->drv->zero(n, r->offset, iov_len(r->iov, r->niov), b->detect_unmap);
    }
    return n->drv->writev(n, r->offset, r->iov, r->niov);
}

int request_run(struct blockdev *b, const struct block_req *r)
{
    struct block_node *n = b->node;
    int rc;
    switch (r->op) {
    case BLOCK_READ:
        return n->drv->readv(n, r->offset, r->iov, r->niov);
    case BLOCK_WRITE:
        rc = write_run(b, r);
        break;
    case BLOCK_ZERO:
        rc = r->len ? n->drv->zero(n, r->offset, r->len, r->unmap) : 0;
        break;
    case BLOCK_DISCARD:
        return r->len ? n->drv->discard(n, r->offset, r->len) : 0;
    default:
        return n->drv->flush(n);
    }
    return !rc && r->fua ? n->drv->flush(n) : rc;
}

/* What can be refused without touching the disk. */
static int request_check(const struct blockdev *b, const struct block_req *r)
{
    u64 len = r->op == BLOCK_READ || r->op == BLOCK_WRITE ? iov_len(r->iov, r->niov) : r->len;
    if (!b->node) {
        return -ENOMEDIUM;
    }
    if (r->op == BLOCK_FLUSH) {
        return 0;
    }
    if (r->op != BLOCK_READ && b->node->read_only) {
        return -EROFS;
    }
    return r->offset > b->node->size || len > b->node->size - r->offset ? -EINVAL : 0;
}

/* The first finished request, of drive b only unless NULL. Under the lock. */
static struct block_req *done_take(const struct blockdev *b)
{
    struct block_req **p = &done_list;
    while (*p && b && (*p)->dev != b) {
        p = &(*p)->next;
    }
    struct block_req *r = *p;
    if (r) {
        *p = r->next;
        if (!*p) {
            done_end = p;
        }
        n_done--;
    }
    return r;
}

/* The guest's own slips (no medium, out of range) are not the host's mishaps. */
static bool is_mishap(int result)
{
    return result && result != -ENOMEDIUM && result != -EINVAL && result != -EROFS;
}

static bool is_full(int result)
{
    return result == -ENOSPC || result == -EDQUOT;
}

static enum block_on_error on_error(const struct block_req *r)
{
    enum block_on_error what = r->op == BLOCK_READ ? r->dev->on_read_error : r->dev->on_error;
    return what == BLOCK_ENOSPC && !is_full(r->result) ? BLOCK_REPORT : what;
}

/* Until when is said once, though every request that waits fails again and again. */
static void wait_report(struct blockdev *b, const struct block_req *r, bool by_itself)
{
    if (by_itself && !b->full) {
        report("disk '%s' (%s): %s: the guest stands still until there is room", b->id, b->path, strerror(-r->result));
        b->full = true;
    } else if (!by_itself && !b->waiting) {
        report("disk '%s' (%s): %s failed: %s: the guest stands still until the monitor's 'cont' tries again", b->id,
               b->path, op_names[r->op], strerror(-r->result));
    }
}

/* Takes a request that is to be tried again; false: it is done. */
static bool wait_begin(struct block_req *r)
{
    struct blockdev *b = r->dev;
    enum block_on_error what = is_mishap(r->result) ? on_error(r) : BLOCK_REPORT;
    if ((what != BLOCK_STOP && what != BLOCK_ENOSPC) || b->draining) {
        return false;
    }
    wait_report(b, r, what == BLOCK_ENOSPC);
    b->held += !r->waited;
    b->why = r->result;
    r->waited = true;
    r->next = b->waiting;
    b->waiting = r;
    if (what == BLOCK_ENOSPC) {
        timer_set(&b->retry, clock_now(CLOCK_HOST) + RETRY_NS);
    }
    if (block_stop_request) {
        block_stop_request();
    }
    return true;
}

static bool any_waits(void)
{
    struct blockdev *b = block_next(NULL);
    while (b && !b->held) {
        b = block_next(b);
    }
    return b;
}

static void wait_end(struct block_req *r)
{
    struct blockdev *b = r->dev;
    if (--b->held) {
        return;
    }
    if (r->result == 0 && b->full) {
        report("disk '%s' (%s): there is room again", b->id, b->path);
        if (!any_waits() && block_cont_request) {
            block_cont_request();
        }
    }
    b->full = false;
}

static void deliver(struct block_req *r)
{
    struct blockdev *b = r->dev;
    if (r->to_run) {
        r->to_run = false;
        r->result = request_run(b, r);
    }
    if (wait_begin(r)) {
        return;
    }
    if (r->waited) {
        wait_end(r);
    }
    b->inflight--;
    if (r->result) {
        b->stats.failed[r->op]++;
    }
    if (is_mishap(r->result)) {
        warn_once("disk '%s' (%s): %s failed: %s", b->id, b->path, op_names[r->op], strerror(-r->result));
        if (on_error(r) == BLOCK_IGNORE) {
            r->result = 0;
        }
    }
    r->done(r, r->result);
}

/* One request at a time, for a callback may drain or close any drive. Those that finish meanwhile
 * have told the loop anew. */
static void deliver_posted(void *opaque)
{
    (void)opaque;
    pthread_mutex_lock(&lock);
    told = false;
    unsigned n = n_done;
    pthread_mutex_unlock(&lock);
    while (n--) {
        pthread_mutex_lock(&lock);
        struct block_req *r = done_take(NULL);
        pthread_mutex_unlock(&lock);
        if (!r) {
            break;
        }
        deliver(r);
    }
}

static void request_finish(struct block_req *r, int result)
{
    pthread_mutex_lock(&lock);
    r->result = result;
    r->next = NULL;
    *done_end = r;
    done_end = &r->next;
    n_done++;
    bool tell = !told;
    told = true;
    pthread_cond_broadcast(&finished);
    pthread_mutex_unlock(&lock);
    if (tell) {
        loop_post(deliver_posted, NULL);
    }
}

static void *worker(void *opaque)
{
    (void)opaque;
    pthread_mutex_lock(&lock);
    for (;;) {
        while (!todo) {
            idle++;
            pthread_cond_wait(&work, &lock);
            idle--;
        }
        struct block_req *r = todo;
        todo = r->next;
        if (!todo) {
            todo_end = &todo;
        }
        n_todo--;
        pthread_mutex_unlock(&lock);
        request_finish(r, request_run(r->dev, r));
        pthread_mutex_lock(&lock);
    }
    return NULL;
}

/* Signals are for the main thread. */
static void worker_start(void)
{
    sigset_t every, old;
    pthread_t t;
    sigfillset(&every);
    pthread_sigmask(SIG_SETMASK, &every, &old);
    int rc = pthread_create(&t, NULL, worker, NULL);
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (rc == 0) {
        pthread_detach(t);
        workers++;
    }
    must(workers);
}

static void request_push(struct block_req *r)
{
    if (block_on_loop) {
        r->to_run = true;
        request_finish(r, 0);
        return;
    }
    pthread_mutex_lock(&lock);
    r->next = NULL;
    *todo_end = r;
    todo_end = &r->next;
    if (++n_todo > idle && workers < WORKERS) {
        worker_start();
    }
    pthread_cond_signal(&work);
    pthread_mutex_unlock(&lock);
}

void request_retry(void *opaque)
{
    struct blockdev *b = opaque;
    while (b->waiting) {
        struct block_req *r = b->waiting;
        b->waiting = r->next;
        request_push(r);
    }
}

void block_retry_all(void)
{
    for (struct blockdev *b = block_next(NULL); b; b = block_next(b)) {
        request_retry(b);
    }
}

/* A small read of what the host has in memory takes less time than waking a worker: it is done already. */
static bool is_quick(struct blockdev *b, const struct block_req *r)
{
    return r->op == BLOCK_READ && !block_on_loop && b->node->drv->read_cached && r->niov <= QUICK_PARTS &&
           iov_len(r->iov, r->niov) <= QUICK_BYTES && b->node->drv->read_cached(b->node, r->offset, r->iov, r->niov);
}

void block_submit(struct blockdev *b, struct block_req *r)
{
    r->dev = b;
    r->waited = r->to_run = false;
    b->inflight++;
    b->stats.ops[r->op]++;
    b->stats.bytes[r->op] += r->op == BLOCK_READ || r->op == BLOCK_WRITE ? iov_len(r->iov, r->niov) : r->len;
    int rc = request_check(b, r);
    if (rc || is_quick(b, r)) {
        request_finish(r, rc);
        return;
    }
    request_push(r);
}

void block_drain(struct blockdev *b)
{
    bool nested = b->draining;
    b->draining = true;
    request_retry(b);
    while (b->inflight) {
        struct block_req *r;
        pthread_mutex_lock(&lock);
        while (!(r = done_take(b))) {
            pthread_cond_wait(&finished, &lock);
        }
        pthread_mutex_unlock(&lock);
        deliver(r);
    }
    b->draining = nested;
}

void block_drain_all(void)
{
    for (struct blockdev *b = block_next(NULL); b; b = block_next(b)) {
        block_drain(b);
    }
}

static int run_now(struct blockdev *b, struct block_req *r)
{
    int rc = request_check(b, r);
    return rc ? rc : request_run(b, r);
}

int block_read(struct blockdev *b, u64 offset, void *p, size_t n)
{
    struct iovec iov = {.iov_base = p, .iov_len = n};
    return run_now(b, &(struct block_req){.op = BLOCK_READ, .offset = offset, .iov = &iov, .niov = 1});
}

int block_write(struct blockdev *b, u64 offset, const void *p, size_t n)
{
    struct iovec iov = {.iov_base = (void *)p, .iov_len = n};
    return run_now(b, &(struct block_req){.op = BLOCK_WRITE, .offset = offset, .iov = &iov, .niov = 1});
}

int block_flush(struct blockdev *b)
{
    return run_now(b, &(struct block_req){.op = BLOCK_FLUSH});
}
