/* The main loop's turn. glib's own loop would do, but for two things: its waits count milliseconds,
 * where a guest's timer counts nanoseconds, and it knows nothing of the machine lock. */
#include "base/loop.h"

#include <glib.h>
#include <poll.h>
#include <pthread.h>
#include <time.h>

#include "base/clock.h"
#include "base/lock.h"

struct post {
    void (*fn)(void *opaque);
    void *opaque;
    struct post *next;
};
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the queue */
static struct post *posts, **posts_end = &posts;
static __thread bool awake; /* this thread is in a turn and not asleep: no need to wake it */

_Static_assert(sizeof(struct pollfd) == sizeof(GPollFD), "glib's poll record is the system's");

static bool woken; /* atomic: a wake-up that no turn has seen yet */

void loop_wake(void)
{
    if (!awake && !__atomic_exchange_n(&woken, true, __ATOMIC_SEQ_CST)) {
        g_main_context_wakeup(NULL);
    }
}

void loop_post(void (*fn)(void *opaque), void *opaque)
{
    struct post *p = g_new(struct post, 1);
    *p = (struct post){.fn = fn, .opaque = opaque};
    pthread_mutex_lock(&lock);
    *posts_end = p;
    posts_end = &p->next;
    pthread_mutex_unlock(&lock);
    loop_wake();
}

static struct post *posts_take(void)
{
    pthread_mutex_lock(&lock);
    struct post *first = posts;
    posts = NULL;
    posts_end = &posts;
    pthread_mutex_unlock(&lock);
    return first;
}

static void posts_run(void)
{
    for (struct post *p = posts_take(), *next; p; p = next) {
        next = p->next;
        p->fn(p->opaque);
        g_free(p);
    }
}

static bool posts_waiting(void)
{
    pthread_mutex_lock(&lock);
    bool any = posts;
    pthread_mutex_unlock(&lock);
    return any;
}

static int sources_query(GMainContext *ctx, int priority, int *timeout_ms, GArray *fds)
{
    for (;;) {
        int room = (int)fds->len;
        int n = g_main_context_query(ctx, priority, timeout_ms, (GPollFD *)(void *)fds->data, room);
        if (n <= room) {
            return n;
        }
        g_array_set_size(fds, (guint)n);
    }
}

static void sleep_until_ready(GArray *fds, int n, u64 wait)
{
    struct timespec ts = {.tv_sec = (time_t)(wait / 1000000000), .tv_nsec = (long)(wait % 1000000000)};
    ppoll((struct pollfd *)(void *)fds->data, (nfds_t)n, wait == UINT64_MAX ? NULL : &ts, NULL);
}

void loop_turn(u64 max_wait)
{
    static GArray *fds;
    GMainContext *ctx = g_main_context_default();
    int priority, timeout_ms;

    if (!fds) {
        fds = g_array_sized_new(FALSE, TRUE, sizeof(GPollFD), 16);
        g_array_set_size(fds, 16);
        must(g_main_context_acquire(ctx));
    }
    if (!timers_changed) {
        timers_changed = loop_wake;
    }
    awake = true;
    machine_lock();
    g_main_context_prepare(ctx, &priority);
    int n = sources_query(ctx, priority, &timeout_ms, fds);
    machine_unlock();

    /* From here on a wake-up must be a real one: what is checked below may change behind our back. */
    awake = false;
    u64 wait = MIN(max_wait, timers_next());
    if (timeout_ms >= 0) {
        wait = MIN(wait, (u64)timeout_ms * 1000000);
    }
    sleep_until_ready(fds, n, posts_waiting() ? 0 : wait);

    awake = true;
    machine_lock();
    bool ready = g_main_context_check(ctx, priority, (GPollFD *)(void *)fds->data, n);
    /* The wake-up's descriptor is empty again, and what it told is looked at from here on: by this turn, by who asked
     * for it, and by the next one before it sleeps. */
    __atomic_store_n(&woken, false, __ATOMIC_SEQ_CST);
    if (ready) {
        g_main_context_dispatch(ctx);
    }
    timers_run();
    posts_run();
    machine_unlock();
    awake = false;
}
