/* The main loop: glib's default main context, the timers of base/clock.h, and work posted by other
 * threads. It sleeps without the machine lock and runs every callback (glib's sources and their
 * prepare/check functions, timers, posted work) on the main thread with the lock held. */
#ifndef MOSS_BASE_LOOP_H
#define MOSS_BASE_LOOP_H

#include "base/types.h"

/* One turn: waits until something is due, at most max_wait ns (0: do not wait; UINT64_MAX: for ever),
 * and runs it. Main thread, machine lock not held. */
void loop_turn(u64 max_wait);
void loop_wake(void); /* any thread: ends the wait; sources are prepared anew */
/* Any thread: fn runs in a later turn, in the order of posting. */
void loop_post(void (*fn)(void *opaque), void *opaque);

#endif
