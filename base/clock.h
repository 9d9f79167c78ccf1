/* Time, and timers on it. The one door through which time enters (law 8).
 * Units: nanoseconds. Timer callbacks run on the main thread with the machine lock held. */
#ifndef MOSS_BASE_CLOCK_H
#define MOSS_BASE_CLOCK_H

#include "base/types.h"

enum clock_kind {
    CLOCK_VIRTUAL, /* guest time: stands still while the machine is stopped; starts at 0 */
    CLOCK_HOST,    /* monotonic host time */
    CLOCK_WALL,    /* calendar time, ns since 1970 */
    CLOCK_KINDS
};
u64 clock_now(enum clock_kind k);
u64 clock_of_host(int id); /* a clock of clock_gettime(2), for programs on the host's kernel */
void clock_stop(void);     /* CLOCK_VIRTUAL halts */
void clock_start(void);
/* Moves CLOCK_VIRTUAL to `now`: snapshot load, counted time, and tests of devices with timers. It is
 * stopped until the first clock_start(). */
void clock_set(u64 now);

struct timer {
    enum clock_kind clock;
    void (*fn)(void *opaque);
    void *opaque;
    u64 deadline; /* ~0: not armed */
    struct timer *next, **prev;
};
void timer_init(struct timer *t, enum clock_kind k, void (*fn)(void *), void *opaque);
void timer_set(struct timer *t, u64 deadline); /* any thread; re-arms; ~0 disarms */
void timer_cancel(struct timer *t);

/* For the main loop: ns until the earliest deadline (UINT64_MAX if none), and run what is due. */
u64 timers_next(void);
void timers_run(void);
/* Called, from any thread, when an earlier deadline was set: wakes the main loop. */
extern void (*timers_changed)(void);

/* Random bytes for guests' RNGs; seeded when -seed was given (then repeatable). */
void entropy_fill(void *p, size_t n);
void entropy_seed(u64 seed);

#endif
