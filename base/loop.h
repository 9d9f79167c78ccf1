/* The main loop: glib's default main context, pollers, the timers of base/clock.h, tasks, and work posted by other
 * threads. It sleeps without the machine lock and runs every callback (glib's sources and their
 * prepare/check functions, pollers, timers, tasks, posted work) on the main thread with the lock held. */
#ifndef MOSS_BASE_LOOP_H
#define MOSS_BASE_LOOP_H

#include "base/types.h"

/* One turn: waits until something is due, at most max_wait ns (0: do not wait; UINT64_MAX: for ever),
 * and runs it. Main thread, machine lock not held. */
void loop_turn(u64 max_wait);
void loop_wake(void); /* any thread: ends the wait; sources are prepared anew */
/* Any thread: fn runs in a later turn, in the order of posting. */
void loop_post(void (*fn)(void *opaque), void *opaque);

/* Work that is due soon, on the main loop: once, however often it was asked for since it last ran. No allocation, and
 * no wake-up from inside a turn. Machine lock held in all of these. */
struct loop_task {
    void (*fn)(void *opaque);
    void *opaque;
    struct loop_task *next, **prev; /* prev: NULL while it is not due */
};
void loop_task_due(struct loop_task *t);
void loop_task_cancel(struct loop_task *t); /* due or not */

/* Someone whose descriptors to wait for are others each turn: to change the set that a glib source has wakes the loop.
 * `fill` names them before the loop sleeps, by loop_watch(), and lowers *wait (ns) when it wants its turn earlier;
 * `ready` comes after, if one of them has something to tell or that time is over. Machine lock held in all of these. */
struct loop_poller {
    void (*fill)(void *opaque, u64 *wait);
    void (*ready)(void *opaque);
    void *opaque;
    struct loop_poller *next;
    unsigned first, count; /* its part of this turn's descriptors */
    u64 due;               /* CLOCK_HOST; UINT64_MAX: it waits for descriptors only */
};
void loop_poller_add(struct loop_poller *p);
void loop_poller_remove(struct loop_poller *p);
/* In fill: waits for poll(2)'s events; gives an index for loop_seen(), good until the next fill. */
unsigned loop_watch(int fd, short events);
short loop_seen(unsigned i); /* what poll(2) found; 0 for an index that was never given */

#endif
