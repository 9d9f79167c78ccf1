/* The local APIC's timer (SDM volume 3, 11.5.4): one-shot, periodic, and at a value of the time-stamp counter. It
 * counts nanoseconds of guest time, divided as DCR says.
 *
 * The count is computed when it is read. A masked timer counts, and wakes nobody up. */
#include "hw/intc/apic_priv.h"

static const u8 shifts[8] = {1, 2, 3, 4, 5, 6, 7, 0};

static unsigned shift_of(u32 divide)
{
    return shifts[(divide & 3) | (divide >> 1 & 4)];
}
static bool by_tsc(const struct apic *a)
{
    return a->lvt[LVT_TIMER] & LVT_DEADLINE;
}
static u64 period(const struct apic *a)
{
    return (u64)a->initial << shift_of(a->divide);
}

/* What went by while nobody looked: a periodic timer is at its next turn, the others are over. */
static void catch_up(struct apic *a, u64 now)
{
    if (a->next > now) {
        return;
    }
    if (!by_tsc(a) && a->lvt[LVT_TIMER] & LVT_PERIODIC && a->initial) {
        a->next += ((now - a->next) / period(a) + 1) * period(a);
    } else {
        a->next = ~0ull;
        a->deadline = by_tsc(a) ? 0 : a->deadline;
    }
}

void apic_timer_arm(struct apic *a)
{
    timer_set(&a->timer, a->lvt[LVT_TIMER] & LVT_MASKED ? ~0ull : a->next);
}

/* The host's timer may come late, or have been taken off its list before it was set anew: what counts is `next`. */
void apic_timer_fires(void *opaque)
{
    struct apic *a = opaque;
    pthread_mutex_lock(&a->lock);
    u64 now = clock_now(CLOCK_VIRTUAL);
    if (a->next <= now && !(a->lvt[LVT_TIMER] & LVT_MASKED)) {
        catch_up(a, now);
        apic_lvt_raise(a, LVT_TIMER);
    }
    apic_timer_arm(a);
    pthread_mutex_unlock(&a->lock);
}

u32 apic_timer_count(struct apic *a)
{
    if (by_tsc(a) || !a->initial) {
        return 0;
    }
    u64 gone = (clock_now(CLOCK_VIRTUAL) - a->start) >> shift_of(a->divide);
    if (a->lvt[LVT_TIMER] & LVT_PERIODIC) {
        return a->initial - (u32)(gone % a->initial);
    }
    return gone >= a->initial ? 0 : a->initial - (u32)gone;
}

void apic_timer_load(struct apic *a, u32 v)
{
    if (by_tsc(a)) {
        return;
    }
    a->initial = v;
    a->start = clock_now(CLOCK_VIRTUAL);
    a->next = v ? a->start + period(a) : ~0ull;
    apic_timer_arm(a);
}

/* The count goes on from where it is. */
void apic_timer_divide(struct apic *a, u32 v)
{
    u32 count = apic_timer_count(a);
    u64 now = clock_now(CLOCK_VIRTUAL);
    a->divide = v & 0xb;
    if (count) {
        a->start = now - ((u64)(a->initial - count) << shift_of(a->divide));
        a->next = now + ((u64)count << shift_of(a->divide));
        apic_timer_arm(a);
    }
}

void apic_timer_lvt(struct apic *a, u32 before)
{
    u32 changed = a->lvt[LVT_TIMER] ^ before;
    u64 now = clock_now(CLOCK_VIRTUAL);
    if (changed & LVT_DEADLINE) {
        a->initial = 0;
        a->deadline = 0;
        a->next = ~0ull;
    } else if (changed & LVT_PERIODIC && a->initial && !by_tsc(a)) {
        u64 gone = now - a->start, p = period(a);
        bool again = a->lvt[LVT_TIMER] & LVT_PERIODIC;
        a->next = again ? a->start + (gone / p + 1) * p : gone < p ? a->start + p : ~0ull;
    }
    if (before & LVT_MASKED) {
        catch_up(a, now);
    }
    apic_timer_arm(a);
}

/* -- the deadline -----------------------------------------------------------------------------------------------------
 */

static u64 tsc_offset(const struct apic *a)
{
    return a->link.tsc_offset ? a->link.tsc_offset(a->link.cpu) : 0;
}

u64 apic_deadline_read(struct apic *a)
{
    catch_up(a, a->lvt[LVT_TIMER] & LVT_MASKED ? clock_now(CLOCK_VIRTUAL) : 0);
    return by_tsc(a) ? a->deadline : 0;
}

/* One that is over already comes at once. */
void apic_deadline_write(struct apic *a, u64 v)
{
    if (!by_tsc(a)) {
        return;
    }
    u64 now = clock_now(CLOCK_VIRTUAL), tsc = now + tsc_offset(a);
    a->deadline = v;
    a->next = !v ? ~0ull : v <= tsc ? now : v - tsc > ~0ull - 1 - now ? ~0ull : now + (v - tsc);
    if (v && v <= tsc && !(a->lvt[LVT_TIMER] & LVT_MASKED)) {
        a->deadline = 0;
        a->next = ~0ull;
        apic_lvt_raise(a, LVT_TIMER);
    }
    apic_timer_arm(a);
}

void apic_tsc_moved(struct device *d)
{
    struct apic *a = (struct apic *)d;
    pthread_mutex_lock(&a->lock);
    if (by_tsc(a) && a->deadline) {
        apic_deadline_write(a, a->deadline);
    }
    pthread_mutex_unlock(&a->lock);
}
