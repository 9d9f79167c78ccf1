/* The three clocks and their timers.
 *
 * The virtual clock is the host's monotonic clock less the time the machine stood still. It is read
 * by vcpus without a lock: `epoch` counts changes and is odd while one is under way. It starts
 * stopped at 0, as a machine does. */
#include "base/clock.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <time.h>

#include "base/lock.h"

void (*timers_changed)(void);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* the lists below and writes of the clock */
static struct timer *lists[CLOCK_KINDS];                 /* each sorted, the earliest first */

static atomic_uint epoch;
static atomic_bool running;
static _Atomic u64 stand; /* running: host time of virtual 0; else: the virtual time itself */

static u64 host_ns(clockid_t id)
{
    struct timespec ts;
    clock_gettime(id, &ts);
    return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static u64 virtual_now(void)
{
    for (;;) {
        unsigned before = atomic_load_explicit(&epoch, memory_order_acquire);
        bool on = atomic_load_explicit(&running, memory_order_relaxed);
        u64 at = atomic_load_explicit(&stand, memory_order_relaxed);
        u64 now = on ? host_ns(CLOCK_MONOTONIC) - at : at;
        atomic_thread_fence(memory_order_acquire);
        if (!(before & 1) && atomic_load_explicit(&epoch, memory_order_relaxed) == before) {
            return now;
        }
        sched_yield();
    }
}

static void virtual_put(bool on, u64 at)
{
    atomic_fetch_add_explicit(&epoch, 1, memory_order_acq_rel);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&running, on, memory_order_relaxed);
    atomic_store_explicit(&stand, at, memory_order_relaxed);
    atomic_fetch_add_explicit(&epoch, 1, memory_order_release);
}

u64 clock_now(enum clock_kind k)
{
    switch (k) {
    case CLOCK_VIRTUAL:
        return virtual_now();
    case CLOCK_HOST:
        return host_ns(CLOCK_MONOTONIC);
    default:
        return host_ns(CLOCK_REALTIME);
    }
}

u64 clock_of_host(int id)
{
    return host_ns(id);
}

static void wake_main_loop(void)
{
    if (timers_changed) {
        timers_changed();
    }
}

void clock_stop(void)
{
    pthread_mutex_lock(&lock);
    if (running) {
        virtual_put(false, virtual_now());
    }
    pthread_mutex_unlock(&lock);
}

void clock_start(void)
{
    pthread_mutex_lock(&lock);
    if (!running) {
        virtual_put(true, host_ns(CLOCK_MONOTONIC) - stand);
    }
    pthread_mutex_unlock(&lock);
    wake_main_loop();
}

void clock_set(u64 now)
{
    pthread_mutex_lock(&lock);
    virtual_put(running, running ? host_ns(CLOCK_MONOTONIC) - now : now);
    pthread_mutex_unlock(&lock);
    wake_main_loop();
}

void timer_init(struct timer *t, enum clock_kind k, void (*fn)(void *), void *opaque)
{
    *t = (struct timer){.clock = k, .fn = fn, .opaque = opaque, .deadline = ~0ull};
}

static void timer_unlink(struct timer *t)
{
    if (t->prev) {
        *t->prev = t->next;
        if (t->next) {
            t->next->prev = t->prev;
        }
        t->prev = NULL;
        t->next = NULL;
    }
}

/* Returns whether the timer became the first of its list. Equal deadlines keep their order. */
static bool timer_link(struct timer *t)
{
    struct timer **at = &lists[t->clock];
    while (*at && (*at)->deadline <= t->deadline) {
        at = &(*at)->next;
    }
    t->next = *at;
    t->prev = at;
    if (t->next) {
        t->next->prev = &t->next;
    }
    *at = t;
    return at == &lists[t->clock];
}

void timer_set(struct timer *t, u64 deadline)
{
    bool first = false;
    pthread_mutex_lock(&lock);
    timer_unlink(t);
    t->deadline = deadline;
    if (deadline != ~0ull) {
        first = timer_link(t);
    }
    pthread_mutex_unlock(&lock);
    if (first) {
        wake_main_loop();
    }
}

void timer_cancel(struct timer *t)
{
    timer_set(t, ~0ull);
}

u64 timers_next(void)
{
    u64 wait = UINT64_MAX;
    pthread_mutex_lock(&lock);
    for (unsigned k = 0; k < CLOCK_KINDS; k++) {
        struct timer *t = lists[k];
        u64 now = t ? clock_now(k) : 0;
        if (!t) {
            continue;
        }
        if (t->deadline <= now) {
            wait = 0;
        } else if (k != CLOCK_VIRTUAL || running) {
            wait = MIN(wait, t->deadline - now);
        }
    }
    pthread_mutex_unlock(&lock);
    return wait;
}

/* Takes the first timer of list k when it is due. */
static struct timer *timer_take(unsigned k)
{
    pthread_mutex_lock(&lock);
    struct timer *t = lists[k];
    if (t && t->deadline <= clock_now(k)) {
        timer_unlink(t);
        t->deadline = ~0ull;
    } else {
        t = NULL;
    }
    pthread_mutex_unlock(&lock);
    return t;
}

/* A guest may program a timer so fast that it is always due: after some callbacks the main loop gets
 * its turn, and comes back at once because timers_next() is 0. */
enum { CALLBACKS_A_RUN = 256 };

void timers_run(void)
{
    must(machine_locked());
    for (unsigned k = 0; k < CLOCK_KINDS; k++) {
        struct timer *t;
        for (unsigned n = 0; n < CALLBACKS_A_RUN && (t = timer_take(k)); n++) {
            t->fn(t->opaque);
        }
    }
}
