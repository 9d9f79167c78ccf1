/* The machine lock: one mutex, with a remedy against starvation. A vcpu that hammers a device takes
 * the lock again before a sleeper has woken up; so a thread that waited a millisecond raises a flag
 * that makes the others pause before they take the lock. */
#include "base/lock.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static atomic_uint starving;
static __thread bool held;

enum { PATIENCE_NS = 1000000, PAUSE_NS = 50000 };

void (*machine_lock_waits)(bool begin);

static void lock_slow(void)
{
    struct timespec until;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_nsec += PATIENCE_NS;
    if (until.tv_nsec >= 1000000000) {
        until.tv_nsec -= 1000000000;
        until.tv_sec++;
    }
    int rc = pthread_mutex_timedlock(&lock, &until);
    if (rc == ETIMEDOUT) {
        atomic_fetch_add(&starving, 1);
        rc = pthread_mutex_lock(&lock);
        atomic_fetch_sub(&starving, 1);
    }
    must(rc == 0);
}

void machine_lock(void)
{
    must(!held);
    if (unlikely(atomic_load_explicit(&starving, memory_order_relaxed))) {
        nanosleep(&(struct timespec){.tv_nsec = PAUSE_NS}, NULL);
    }
    if (pthread_mutex_trylock(&lock)) {
        if (machine_lock_waits) {
            machine_lock_waits(true);
        }
        lock_slow();
        if (machine_lock_waits) {
            machine_lock_waits(false);
        }
    }
    held = true;
}

void machine_unlock(void)
{
    must(held);
    held = false;
    pthread_mutex_unlock(&lock);
}

bool machine_locked(void)
{
    return held;
}
