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

/* -- tasks --------------------------------------------------------------------------------------------------------- */

static struct loop_task *tasks, **tasks_end = &tasks;

void loop_task_due(struct loop_task *t)
{
    if (!t->prev) {
        t->next = NULL;
        t->prev = tasks_end;
        *tasks_end = t;
        tasks_end = &t->next;
        loop_wake();
    }
}

void loop_task_cancel(struct loop_task *t)
{
    if (t->prev) {
        *t->prev = t->next;
        *(t->next ? &t->next->prev : &tasks_end) = t->prev;
        t->prev = NULL;
    }
}

/* Those that are due now and those that these ask for; a task that asks for itself again waits for the next turn. */
static void tasks_run(void)
{
    enum { MOST = 16 }; /* so that two that ask for each other do not hold the loop */
    for (unsigned i = 0; i < MOST && tasks; i++) {
        struct loop_task *t = tasks;
        loop_task_cancel(t);
        t->fn(t->opaque);
        if (t->prev) {
            return;
        }
    }
}

/* -- descriptors --------------------------------------------------------------------------------------------------- */

static GArray *fds;   /* of GPollFD: glib's, then each poller's; longer than what is used of it */
static unsigned used; /* of fds, in this turn */
static struct loop_poller *pollers;

void loop_poller_add(struct loop_poller *p)
{
    p->count = 0;
    p->due = UINT64_MAX;
    p->next = pollers;
    pollers = p;
    loop_wake();
}

void loop_poller_remove(struct loop_poller *p)
{
    for (struct loop_poller **at = &pollers; *at; at = &(*at)->next) {
        if (*at == p) {
            *at = p->next;
            return;
        }
    }
}

unsigned loop_watch(int fd, short events)
{
    if (used == fds->len) {
        g_array_set_size(fds, 2 * used);
    }
    g_array_index(fds, GPollFD, used) = (GPollFD){.fd = fd, .events = (gushort)events};
    return used++;
}

short loop_seen(unsigned i)
{
    return i < used ? (short)g_array_index(fds, GPollFD, i).revents : 0;
}

/* How long they let the loop sleep. */
static u64 pollers_fill(void)
{
    u64 least = UINT64_MAX;
    for (struct loop_poller *p = pollers; p; p = p->next) {
        u64 wait = UINT64_MAX;
        p->first = used;
        p->fill(p->opaque, &wait);
        p->count = used - p->first;
        p->due = wait == UINT64_MAX ? UINT64_MAX : clock_now(CLOCK_HOST) + wait;
        least = MIN(least, wait);
    }
    return least;
}

static bool poller_ready(const struct loop_poller *p)
{
    for (unsigned i = p->first; i < p->first + p->count; i++) {
        if (loop_seen(i)) {
            return true;
        }
    }
    return p->due != UINT64_MAX && clock_now(CLOCK_HOST) >= p->due;
}

static void pollers_run(void)
{
    for (struct loop_poller *p = pollers, *next; p; p = next) {
        next = p->next;
        if (poller_ready(p)) {
            p->ready(p->opaque);
        }
    }
}

static unsigned sources_query(GMainContext *ctx, int priority, int *timeout_ms)
{
    for (;;) {
        int room = (int)fds->len;
        int n = g_main_context_query(ctx, priority, timeout_ms, (GPollFD *)(void *)fds->data, room);
        if (n <= room) {
            return (unsigned)n;
        }
        g_array_set_size(fds, (guint)n);
    }
}

/* -- a turn -------------------------------------------------------------------------------------------------------- */

static void sleep_until_ready(u64 wait)
{
    struct timespec ts = {.tv_sec = (time_t)(wait / 1000000000), .tv_nsec = (long)(wait % 1000000000)};
    ppoll((struct pollfd *)(void *)fds->data, used, wait == UINT64_MAX ? NULL : &ts, NULL);
}

void loop_turn(u64 max_wait)
{
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
    unsigned n = used = sources_query(ctx, priority, &timeout_ms);
    u64 wait = pollers_fill();
    wait = tasks ? 0 : MIN(wait, max_wait);
    machine_unlock();

    /* From here on a wake-up must be a real one: what is checked below may change behind our back. */
    awake = false;
    wait = MIN(wait, timers_next());
    if (timeout_ms >= 0) {
        wait = MIN(wait, (u64)timeout_ms * 1000000);
    }
    sleep_until_ready(posts_waiting() ? 0 : wait);

    awake = true;
    machine_lock();
    bool ready = g_main_context_check(ctx, priority, (GPollFD *)(void *)fds->data, (int)n);
    /* The wake-up's descriptor is empty again, and what it told is looked at from here on: by this turn, by who asked
     * for it, and by the next one before it sleeps. */
    __atomic_store_n(&woken, false, __ATOMIC_SEQ_CST);
    if (ready) {
        g_main_context_dispatch(ctx);
    }
    pollers_run();
    timers_run();
    posts_run();
    tasks_run();
    machine_unlock();
    awake = false;
}
