/* Intel 8254 programmable interval timer as a PC has it. SPEC: Intel 231164 (8254): all six modes, binary and BCD,
 * counter latch and read-back commands, gates.
 *
 * The clock is a twelfth of 14.31818 MHz, 105/88 MHz, of guest time; a counter is a function of the ticks since it was
 * loaded, so nothing runs but one timer for the next rise of a pin that somebody listens to. In the modes that repeat
 * the pin falls just before it rises: interrupt controllers want nothing but the edge. Edges that the host comes late
 * for follow faster than they should have come, for systems that count them; after a second of them the rest is lost,
 * and so is what comes faster than FASTEST. Not modelled: what the counters hold before they are first programmed
 * (nothing counts), and counts that are no decimal number in BCD. */
#include "hw/timer/i8254.h"

#include "base/bits.h"
#include "base/clock.h"
#include "base/log.h"

enum { COUNTERS = 3, SILENCE = COUNTERS, RW_LATCH = 0, RW_LSB = 1, RW_MSB = 2, RW_BOTH = 3, READ_BACK = 3 };
enum { LATE_NS = 1000000000, FASTEST_NS = 20000 };

struct counter {
    u8 mode, rw, bcd; /* as programmed: modes 6 and 7 are 2 and 3 */
    u8 gate;
    u8 loaded;       /* start and count say what is counted */
    u8 waiting;      /* next was written and is not loaded: for ever in modes 1 and 5, else until reload_at */
    u32 count, next; /* 1..65536 */
    u64 start;       /* the tick when CE became count */
    u64 reload_at;
    u64 held; /* with the gate low in modes 0, 2, 3, 4: ticks counted by then */
    u8 write_high, low_byte;
    u8 read_high;
    u16 latch;
    u8 latched; /* bytes of it still to be read */
    u8 status, status_latched;
    u64 told; /* edges up to this tick have gone to the pin, or are owed */
    u32 owed;
    u8 pin;
};
struct i8254 {
    struct device dev;
    struct counter counter[COUNTERS];
    struct timer timer[COUNTERS];
    struct tick_of {
        struct i8254 *s;
        unsigned n;
    } of[COUNTERS];
    u8 silent;
};

/* -- time ------------------------------------------------------------------------------------------------------------
 */

u64 i8254_ticks(void)
{
    return (u64)((u128)clock_now(CLOCK_VIRTUAL) * 105 / 88000);
}
static u64 time_of_tick(u64 tick)
{
    return (u64)(((u128)tick * 88000 + 104) / 105);
}

/* -- what a counter does, from the ticks since its start --------------------------------------------------------------
 */

static unsigned mode_of(const struct counter *c)
{
    return c->mode > 5 ? c->mode - 4 : c->mode;
}
static bool repeats(const struct counter *c)
{
    return mode_of(c) == 2 || mode_of(c) == 3;
}
static bool triggered(const struct counter *c)
{
    return mode_of(c) == 1 || mode_of(c) == 5;
}
static bool stands(const struct counter *c)
{
    return !c->gate && !triggered(c);
}
/* Ticks since the load; negative in the tick before it. */
static i64 elapsed(const struct counter *c, u64 now)
{
    return stands(c) ? (i64)c->held : (i64)(now - c->start);
}
static u32 high_half(const struct counter *c)
{
    return (c->count + 1) / 2;
}

static bool out_at(const struct counter *c, u64 now)
{
    i64 e = elapsed(c, now);
    if (!c->loaded || e < 0) {
        return mode_of(c) != 0;
    }
    switch (mode_of(c)) {
    case 0:
    case 1:
        return e >= c->count;
    case 2:
        return !c->gate || (u32)(e % c->count) != c->count - 1;
    case 3:
        return !c->gate || (u32)(e % c->count) < high_half(c);
    default:
        return e != c->count;
    }
}

/* The counting element, in ones. */
static u32 element_at(const struct counter *c, u64 now)
{
    i64 e = elapsed(c, now);
    u32 range = c->bcd ? 10000 : 65536;
    if (!c->loaded || e < 0) {
        return c->count % range;
    }
    if (mode_of(c) == 2) {
        return (c->count - (u32)(e % c->count)) % range;
    }
    if (mode_of(c) == 3) {
        u32 in = (u32)(e % c->count), half = high_half(c);
        return ((c->count & ~1u) - 2 * (in < half ? in : in - half)) % range;
    }
    return (u32)((c->count + range - (u64)e % range) % range);
}

/* When OUT rises next after `now`; ~0: it does not. */
static u64 next_rise(const struct counter *c, u64 now)
{
    i64 e = elapsed(c, now);
    if (!c->loaded || stands(c)) {
        return ~0ull;
    }
    if (repeats(c)) {
        return e < 0 ? c->start + c->count : c->start + ((u64)e / c->count + 1) * c->count;
    }
    u64 at = c->count + (mode_of(c) >= 4 ? 1 : 0);
    return e < (i64)at ? c->start + at : ~0ull;
}
static u64 rises_between(const struct counter *c, u64 from, u64 to)
{
    u64 first = next_rise(c, from);
    if (to < from || first == ~0ull || first > to) {
        return 0;
    }
    return repeats(c) ? (to - first) / c->count + 1 : 1;
}

/* -- the pin ---------------------------------------------------------------------------------------------------------
 */

static u64 period_ns(const struct counter *c)
{
    return (u64)c->count * 88000 / 105;
}
static void pin_set(struct i8254 *s, unsigned n, bool level)
{
    s->counter[n].pin = level;
    device_irq(&s->dev, n, level && !(n == 0 && s->silent));
}
/* Counts what rose until now. More is never owed than comes in LATE_NS. */
static void edges_count(struct counter *c, u64 now)
{
    u64 most = repeats(c) ? LATE_NS / MAX(period_ns(c), (u64)1) : 1;
    u64 owed = c->owed + rises_between(c, c->told, now);
    c->owed = (u32)MIN(owed, period_ns(c) < 2 * FASTEST_NS ? 1 : MAX(most, (u64)1));
    c->told = MAX(c->told, now);
}
static void load(struct counter *c, u64 at)
{
    c->count = c->next;
    c->start = at;
    c->held = 0;
    c->loaded = 1;
    c->waiting = 0;
}
/* A count written to a repeating counter that runs is loaded where its period, or in mode 3 its half, ends. Edges until
 * then are of the old count. */
static void catch_up(struct counter *c, u64 now)
{
    if (!c->waiting || !repeats(c) || stands(c) || now < c->reload_at) {
        return;
    }
    bool low_next = mode_of(c) == 3 && (c->reload_at - c->start) % c->count != 0;
    edges_count(c, c->reload_at);
    load(c, c->reload_at);
    c->start -= low_next ? high_half(c) : 0;
}
static void pin_arm(struct i8254 *s, unsigned n, bool paced)
{
    struct counter *c = &s->counter[n];
    u64 now = clock_now(CLOCK_VIRTUAL), rise = next_rise(c, c->told), at = ~0ull;
    if (s->dev.irqs[n].fn) {
        u64 gap = MAX(period_ns(c) / 4, (u64)FASTEST_NS);
        if (c->waiting && repeats(c) && !stands(c)) {
            rise = MIN(rise, c->reload_at);
        }
        at = c->owed ? now + gap : rise == ~0ull ? rise : time_of_tick(rise);
        at = paced ? MAX(at, now + FASTEST_NS) : at;
    }
    timer_set(&s->timer[n], at);
}
static void pin_tick(void *opaque)
{
    struct tick_of *t = opaque;
    struct i8254 *s = t->s;
    struct counter *c = &s->counter[t->n];
    u64 now = i8254_ticks();
    catch_up(c, now);
    edges_count(c, now);
    if (c->owed) {
        c->owed--;
        pin_set(s, t->n, false);
        pin_set(s, t->n, true);
    }
    pin_arm(s, t->n, true);
}
/* After the guest or a gate changed the counter: edges that came before are owed no more. */
static void changed(struct i8254 *s, unsigned n)
{
    struct counter *c = &s->counter[n];
    u64 now = i8254_ticks();
    c->told = now;
    c->owed = 0;
    pin_set(s, n, repeats(c) || out_at(c, now));
    pin_arm(s, n, false);
}

/* -- loading ---------------------------------------------------------------------------------------------------------
 */

static u64 reload_tick(const struct counter *c, u64 now)
{
    i64 e = elapsed(c, now);
    u64 in = e < 0 ? 0 : (u64)e % c->count, base = e < 0 ? c->start : now - in;
    return base + (mode_of(c) == 3 && in < high_half(c) ? high_half(c) : c->count);
}

static u32 from_bcd(u32 v)
{
    return (v & 15) + (v >> 4 & 15) * 10 + (v >> 8 & 15) * 100 + (v >> 12 & 15) * 1000;
}
static u16 to_bcd(u32 v)
{
    return (u16)(v % 10 | v / 10 % 10 << 4 | v / 100 % 10 << 8 | v / 1000 % 10 << 12);
}

static void count_written(struct i8254 *s, unsigned n, u16 v)
{
    struct counter *c = &s->counter[n];
    u64 now = i8254_ticks();
    u32 count = c->bcd ? from_bcd(v) : v;
    c->next = count ? count : c->bcd ? 10000 : 65536;
    if (c->next == 1 && repeats(c)) {
        guest_error(device_name(&s->dev), "counter %u: a count of 1 in mode %u", n, mode_of(c));
    }
    c->waiting = 1;
    if (triggered(c)) {
        return;
    }
    if (!c->loaded || !repeats(c)) {
        load(c, now + 1);
        changed(s, n);
    } else if (!stands(c)) {
        c->reload_at = reload_tick(c, now);
        pin_arm(s, n, false);
    }
}

static void gate_set(struct i8254 *s, unsigned n, bool level)
{
    struct counter *c = &s->counter[n];
    u64 now = i8254_ticks();
    catch_up(c, now);
    if (level == c->gate) {
        return;
    }
    i64 e = elapsed(c, now);
    c->gate = level;
    if (!level) {
        c->held = e < 0 ? 0 : (u64)e;
    } else if (triggered(c) || repeats(c)) {
        if (c->loaded || c->waiting) { /* it starts again in the next tick */
            c->next = c->waiting ? c->next : c->count;
            load(c, now + 1);
        }
    } else {
        c->start = now - c->held;
    }
    changed(s, n);
}

/* -- registers -------------------------------------------------------------------------------------------------------
 */

static u16 count_shown(const struct counter *c)
{
    u32 v = element_at(c, i8254_ticks());
    return c->bcd ? to_bcd(v) : (u16)v;
}
static void count_latch(struct counter *c)
{
    if (!c->latched) {
        c->latch = count_shown(c);
        c->latched = c->rw == RW_BOTH ? 2 : 1;
    }
}
static void status_latch(struct counter *c)
{
    u64 now = i8254_ticks();
    bool null = c->waiting || !c->loaded || elapsed(c, now) < 0;
    if (!c->status_latched) {
        c->status = (u8)(out_at(c, now) << 7 | null << 6 | c->rw << 4 | c->mode << 1 | c->bcd);
        c->status_latched = 1;
    }
}

static u64 count_read(struct device *d, unsigned i)
{
    struct counter *c = &((struct i8254 *)d)->counter[i];
    catch_up(c, i8254_ticks());
    if (c->status_latched) {
        c->status_latched = 0;
        return c->status;
    }
    u16 v = c->latched ? c->latch : count_shown(c);
    bool high = c->rw == RW_MSB || (c->rw == RW_BOTH && c->read_high);
    c->read_high = c->rw == RW_BOTH && !c->read_high;
    c->latched -= c->latched != 0;
    return high ? v >> 8 : v & 0xff;
}
static void count_write(struct device *d, unsigned i, u64 v)
{
    struct i8254 *s = (struct i8254 *)d;
    struct counter *c = &s->counter[i];
    catch_up(c, i8254_ticks());
    switch (c->rw) {
    case RW_LSB:
        count_written(s, i, (u8)v);
        break;
    case RW_MSB:
        count_written(s, i, (u16)(v << 8));
        break;
    case RW_BOTH:
        c->write_high = !c->write_high;
        if (!c->write_high) {
            count_written(s, i, (u16)(v << 8 | c->low_byte));
            break;
        }
        c->low_byte = (u8)v;
        if (mode_of(c) == 0) { /* the first byte stops it */
            c->count = element_at(c, i8254_ticks());
            c->loaded = 0;
            changed(s, i);
        }
        break;
    default:
        guest_error(device_name(d), "counter %u is written before its mode", i);
        break;
    }
}

static void mode_write(struct i8254 *s, unsigned n, u8 v)
{
    struct counter *c = &s->counter[n];
    u32 stood = element_at(c, i8254_ticks());
    c->rw = v >> 4 & 3;
    c->mode = v >> 1 & 7;
    c->bcd = v & 1;
    c->count = stood;
    c->loaded = c->waiting = c->write_high = c->read_high = c->latched = c->status_latched = 0;
    c->held = 0;
    changed(s, n);
}
static void control_write(struct device *d, unsigned i, u64 v)
{
    struct i8254 *s = (struct i8254 *)d;
    unsigned n = (unsigned)v >> 6 & 3;
    (void)i;
    for (unsigned k = 0; k < COUNTERS; k++) {
        catch_up(&s->counter[k], i8254_ticks());
    }
    if (n != READ_BACK) {
        if ((v >> 4 & 3) == RW_LATCH) {
            count_latch(&s->counter[n]);
        } else {
            mode_write(s, n, (u8)v);
        }
        return;
    }
    for (unsigned k = 0; k < COUNTERS; k++) {
        if (v & 2u << k) {
            if (!(v & 0x20)) {
                count_latch(&s->counter[k]);
            }
            if (!(v & 0x10)) {
                status_latch(&s->counter[k]);
            }
        }
    }
}

bool i8254_out(const struct device *d, unsigned counter)
{
    struct counter c = ((const struct i8254 *)d)->counter[counter];
    u64 now = i8254_ticks();
    catch_up(&c, now);
    return out_at(&c, now);
}

/* -- the device ------------------------------------------------------------------------------------------------------
 */

static void pin_in(struct device *d, unsigned n, int level)
{
    struct i8254 *s = (struct i8254 *)d;
    must(n <= SILENCE);
    if (n < COUNTERS) {
        gate_set(s, n, level != 0);
    } else {
        s->silent = level != 0;
        pin_set(s, 0, s->counter[0].pin);
    }
}

static const struct reg i8254_regs[] = {
    {.off = 0, .name = "COUNT", .size = 1, .count = COUNTERS, .read = count_read, .write = count_write},
    {.off = 3, .name = "CONTROL", .size = 1, .write = control_write},
    {0},
};
static const struct field i8254_state[] = {
    FIELD_OF(struct i8254, counter, mode),
    FIELD_OF(struct i8254, counter, rw),
    FIELD_OF(struct i8254, counter, bcd),
    FIELD_OF(struct i8254, counter, gate),
    FIELD_OF(struct i8254, counter, loaded),
    FIELD_OF(struct i8254, counter, waiting),
    FIELD_OF(struct i8254, counter, count),
    FIELD_OF(struct i8254, counter, next),
    FIELD_OF(struct i8254, counter, start),
    FIELD_OF(struct i8254, counter, reload_at),
    FIELD_OF(struct i8254, counter, held),
    FIELD_OF(struct i8254, counter, write_high),
    FIELD_OF(struct i8254, counter, low_byte),
    FIELD_OF(struct i8254, counter, read_high),
    FIELD_OF(struct i8254, counter, latch),
    FIELD_OF(struct i8254, counter, latched),
    FIELD_OF(struct i8254, counter, status),
    FIELD_OF(struct i8254, counter, status_latched),
    FIELD_OF(struct i8254, counter, told),
    FIELD_OF(struct i8254, counter, owed),
    FIELD_OF(struct i8254, counter, pin),
    FIELD(struct i8254, silent),
    {0},
};

static bool i8254_init(struct device *d, struct err *e)
{
    struct i8254 *s = (struct i8254 *)d;
    (void)e;
    for (unsigned n = 0; n < COUNTERS; n++) {
        s->of[n] = (struct tick_of){.s = s, .n = n};
        timer_init(&s->timer[n], CLOCK_VIRTUAL, pin_tick, &s->of[n]);
    }
    return true;
}
static void i8254_reset(struct device *d)
{
    struct i8254 *s = (struct i8254 *)d;
    for (unsigned n = 0; n < COUNTERS; n++) {
        s->counter[n].gate = n < 2;
        timer_cancel(&s->timer[n]);
        pin_set(s, n, false);
    }
}
static bool i8254_loaded(struct device *d, struct err *e)
{
    struct i8254 *s = (struct i8254 *)d;
    for (unsigned n = 0; n < COUNTERS; n++) {
        struct counter *c = &s->counter[n];
        if (c->mode > 7 || c->rw > 3 || c->bcd > 1 || c->gate > 1 || (c->loaded && !c->count) ||
            (c->waiting && !c->next) || c->count > 65536 || c->next > 65536) {
            return err_set(e, "the state of counter %u makes no sense", n);
        }
        pin_set(s, n, c->pin);
        pin_arm(s, n, false);
    }
    return true;
}
static void i8254_fini(struct device *d)
{
    struct i8254 *s = (struct i8254 *)d;
    for (unsigned n = 0; n < COUNTERS; n++) {
        timer_cancel(&s->timer[n]);
    }
}

const struct device_class i8254_class = {
    .name = "i8254",
    .doc = "PC interval timer (8254)",
    .bus = "sysbus",
    .size = sizeof(struct i8254),
    .mmio_size = 4,
    .max_access = 1,
    .nirqs = COUNTERS,
    .irq_edge = true,
    .state = i8254_state,
    .regs = i8254_regs,
    .init = i8254_init,
    .reset = i8254_reset,
    .irq_in = pin_in,
    .loaded = i8254_loaded,
    .fini = i8254_fini,
};
