/* High precision event timers: three of them, 64 bits wide, each periodic if wanted. SPEC: IA-PC HPET
 * Specification 1.0a; Intel 316972 (ICH9), chapter 20, where that leaves something open.
 *
 * The counter is guest time in units of 10 ns; nothing runs but a timer for the next match. A comparator that lies a
 * little behind the counter when it is written counts as met: the guest read the counter, and was held up by the host
 * since. An edge interrupt's line falls just before it rises, so that controllers that want to see it stand do. Periods
 * that the host comes late for follow faster, up to a second of them.
 * Properties: hpet-intcap, the inputs that a timer can be routed to; msi, whether messages (FSB) can be had.
 * Not modelled: writes of the counter while it runs, which the specification forbids. */
#include "hw/timer/hpet.h"

#include "base/bits.h"
#include "base/clock.h"
#include "base/log.h"

enum {
    TIMERS = 3,
    TICK_NS = 10,
    /* offsets of 64-bit registers */
    GCAP_ID = 0x000,
    GEN_CONF = 0x010,
    GINTR_STA = 0x020,
    MAIN_CNT = 0x0f0,
    TIMER_REGS = 0x100, /* a row of 0x20 each */
    TN_CONF = 0x00,
    TN_CMP = 0x08,
    TN_FSB = 0x10,
    ENABLE = 1 << 0,
    LEGACY = 1 << 1,
    TN_LEVEL = 1 << 1,
    TN_INT = 1 << 2,
    TN_PERIODIC = 1 << 3,
    TN_PERIODIC_CAP = 1 << 4,
    TN_SIZE_CAP = 1 << 5,
    TN_VAL_SET = 1 << 6,
    TN_32 = 1 << 8,
    TN_ROUTE = 0x3e00,
    TN_FSB_ON = 1 << 14,
    TN_FSB_CAP = 1 << 15,
    TN_WRITABLE = TN_LEVEL | TN_INT | TN_PERIODIC | TN_VAL_SET | TN_32 | TN_ROUTE | TN_FSB_ON,
    LATE_TICKS = 100000,  /* a millisecond */
    FASTEST_TICKS = 2000, /* 20 us between two interrupts of a timer */
    MOST_TICKS = 100000000,
};
enum { REVISION = 1, SIZE_CAP = 1 << 13, LEGACY_CAP = 1 << 15, VENDOR = 0x8086 };

struct hpet {
    struct device dev;
    u32 intcap;
    bool msi;
    struct timer timer[TIMERS];
    struct timer_of {
        struct hpet *s;
        unsigned n;
    } of[TIMERS];
    u64 conf, status, counter; /* counter: while it stands; else what it was at time 0 */
    struct hpet_timer {
        u64 conf, cmp, period, fsb;
        u64 target; /* the 64-bit count of the next match, if armed */
        u32 owed;
        u8 armed, edge; /* the line of an edge interrupt stands */
    } t[TIMERS];
};

/* -- counting --------------------------------------------------------------------------------------------------------
 */

static u64 ticks(void)
{
    return clock_now(CLOCK_VIRTUAL) / TICK_NS;
}
static u64 count_now(const struct hpet *s)
{
    return s->conf & ENABLE ? s->counter + ticks() : s->counter;
}
static u64 width_mask(const struct hpet_timer *t)
{
    return t->conf & TN_32 ? MASK(32) : ~0ull;
}

/* -- interrupts ------------------------------------------------------------------------------------------------------
 */

/* The pin a timer drives, -1: none. */
static int pin_of(const struct hpet *s, unsigned n)
{
    const struct hpet_timer *t = &s->t[n];
    unsigned route = (unsigned)bits(t->conf, 9, 5);
    if (s->conf & LEGACY && n < 2) {
        return n ? HPET_IRQ8 : HPET_IRQ0;
    }
    return !(t->conf & TN_FSB_ON) && s->intcap >> route & 1 ? (int)route : -1;
}
static bool line_of(const struct hpet *s, unsigned n)
{
    const struct hpet_timer *t = &s->t[n];
    return s->conf & ENABLE && t->conf & TN_INT && (t->conf & TN_LEVEL ? s->status >> n & 1 : t->edge);
}
/* When the legacy routes come and go, the pin that goes is driven first: both may be the same wire. */
static void update(struct hpet *s)
{
    u64 level = 0;
    for (unsigned n = 0; n < TIMERS; n++) {
        int pin = pin_of(s, n);
        level |= pin >= 0 && line_of(s, n) ? 1ull << pin : 0;
    }
    if (s->conf & LEGACY) {
        device_irq(&s->dev, HPET_LEGACY, 1);
    }
    for (unsigned pin = 0; pin < HPET_LEGACY; pin++) {
        if (pin >= 32 || s->intcap >> pin & 1) {
            device_irq(&s->dev, pin, level >> pin & 1);
        }
    }
    if (!(s->conf & LEGACY)) {
        device_irq(&s->dev, HPET_LEGACY, 0);
    }
}

static void interrupt(struct hpet *s, unsigned n)
{
    struct hpet_timer *t = &s->t[n];
    if (t->conf & TN_LEVEL) {
        s->status |= 1u << n;
    } else if (t->conf & TN_INT && t->conf & TN_FSB_ON && !(s->conf & LEGACY && n < 2)) {
        mem_store(s->dev.dma, t->fsb >> 32, 4, (u32)t->fsb, (struct mem_attrs){0});
    } else if (t->conf & TN_INT) {
        t->edge = 0;
        update(s);
        t->edge = 1;
    }
    update(s);
}

/* -- matches ---------------------------------------------------------------------------------------------------------
 */

/* Finds the next match; a standing counter has none. */
static void match_arm(struct hpet *s, unsigned n, bool late)
{
    struct hpet_timer *t = &s->t[n];
    u64 now = count_now(s), mask = width_mask(t), ahead = (t->cmp - now) & mask, behind = (now - t->cmp) & mask;
    t->armed = (s->conf & ENABLE) != 0;
    t->owed = 0;
    if (late && behind < LATE_TICKS) {
        t->target = now - MIN(behind, now);
    } else {
        t->target = now + ahead;
        t->armed &= t->target >= now; /* not beyond what 64 bits count */
    }
}
/* Moves the target past `now`; how many matches that were. */
static u64 matches(struct hpet_timer *t, u64 now)
{
    if (!t->armed || now < t->target) {
        return 0;
    }
    bool periodic = t->conf & TN_PERIODIC;
    u64 step = periodic ? t->period & width_mask(t) : t->conf & TN_32 ? 1ull << 32 : 0;
    if (!step) {
        t->armed = 0;
        return !periodic;
    }
    u64 n = (now - t->target) / step + 1;
    t->target += n * step;
    t->cmp = periodic ? (t->cmp + n * step) & width_mask(t) : t->cmp;
    return n;
}
static void host_timer_set(struct hpet *s, unsigned n, bool paced)
{
    struct hpet_timer *t = &s->t[n];
    bool wanted = s->conf & ENABLE && t->conf & (TN_INT | TN_LEVEL);
    u64 now = ticks(), at = t->target - s->counter;
    if (t->owed) {
        at = now + MAX(t->period / 4, (u64)FASTEST_TICKS);
    } else if (paced) {
        at = MAX(at, now + FASTEST_TICKS);
    }
    bool set = wanted && (t->armed || t->owed) && at <= ~0ull / TICK_NS - 1;
    timer_set(&s->timer[n], set ? at * TICK_NS : ~0ull);
}
static void rings(void *opaque)
{
    struct timer_of *of = opaque;
    struct hpet *s = of->s;
    struct hpet_timer *t = &s->t[of->n];
    u64 owed = matches(t, count_now(s)) + t->owed, most = MOST_TICKS / MAX(t->period, (u64)1);
    if (owed) {
        bool counts = t->conf & TN_PERIODIC && !(t->conf & TN_LEVEL) && t->period >= 2 * FASTEST_TICKS;
        t->owed = counts ? (u32)MIN(owed - 1, most) : 0;
        interrupt(s, of->n);
    }
    host_timer_set(s, of->n, true);
}
/* A register that matches depend on was written. */
static void rearm(struct hpet *s, unsigned n, bool late)
{
    match_arm(s, n, late);
    host_timer_set(s, n, false);
}

/* -- registers -------------------------------------------------------------------------------------------------------
 */

static u64 timer_read(struct hpet *s, unsigned n, unsigned reg)
{
    struct hpet_timer *t = &s->t[n];
    switch (reg) {
    case TN_CONF:
        return t->conf | TN_PERIODIC_CAP | TN_SIZE_CAP | (s->msi ? TN_FSB_CAP : 0) | (u64)s->intcap << 32;
    case TN_CMP:
        if (!(t->conf & (TN_INT | TN_LEVEL))) { /* nobody looked meanwhile */
            matches(t, count_now(s));
        }
        return t->cmp;
    case TN_FSB:
        return t->fsb;
    default:
        return 0;
    }
}
static u64 reg_read(struct hpet *s, unsigned reg)
{
    if (reg >= TIMER_REGS) {
        unsigned n = (reg - TIMER_REGS) / 0x20;
        return n < TIMERS ? timer_read(s, n, reg & 0x1f) : 0;
    }
    switch (reg) {
    case GCAP_ID:
        return (u64)TICK_NS * 1000000 << 32 | (u64)VENDOR << 16 | LEGACY_CAP | SIZE_CAP | (TIMERS - 1) << 8 | REVISION;
    case GEN_CONF:
        return s->conf;
    case GINTR_STA:
        return s->status;
    case MAIN_CNT:
        return count_now(s);
    default:
        return 0;
    }
}

static void timer_conf_write(struct hpet *s, unsigned n, u64 v)
{
    struct hpet_timer *t = &s->t[n];
    u64 old = t->conf, conf = v & (TN_WRITABLE & ~(s->msi ? 0u : (unsigned)TN_FSB_ON));
    if (!(s->intcap >> bits(conf, 9, 5) & 1)) {
        conf = (conf & ~(u64)TN_ROUTE) | (old & TN_ROUTE);
    }
    matches(t, count_now(s));
    t->conf = conf;
    if (conf & TN_32) {
        t->cmp &= MASK(32);
        t->period &= MASK(32);
    }
    if (!(conf & TN_INT) || conf & TN_LEVEL) {
        t->edge = 0;
    }
    if ((old ^ conf) & (TN_PERIODIC | TN_32 | TN_INT | TN_LEVEL)) {
        rearm(s, n, false);
    }
    update(s);
}
/* The last value written is the period; the comparator takes it too unless it runs by itself. */
static void comparator_write(struct hpet *s, unsigned n, u64 v, u64 lanes)
{
    struct hpet_timer *t = &s->t[n];
    bool periodic = t->conf & TN_PERIODIC, whole = !periodic || t->conf & TN_VAL_SET;
    u64 mask = width_mask(t);
    matches(t, count_now(s));
    if (whole) {
        t->cmp = ((t->cmp & ~lanes) | (v & lanes)) & mask;
    }
    if (periodic) {
        t->period = ((t->period & ~lanes) | (v & lanes)) & mask;
    }
    t->conf &= ~(u64)TN_VAL_SET;
    if (whole) {
        rearm(s, n, true);
    } else {
        host_timer_set(s, n, false);
    }
}
static void enable_write(struct hpet *s, u64 v)
{
    u64 old = s->conf, now = count_now(s);
    s->conf = v & (ENABLE | LEGACY);
    if ((old ^ v) & ENABLE) {
        s->counter = v & ENABLE ? now - ticks() : now;
        for (unsigned n = 0; n < TIMERS; n++) {
            rearm(s, n, false);
        }
    }
    update(s);
}
static void counter_write(struct hpet *s, u64 v)
{
    if (s->conf & ENABLE) {
        guest_error(device_name(&s->dev), "the counter is written while it runs");
        return;
    }
    s->counter = v;
}
static void reg_write(struct hpet *s, unsigned reg, u64 v, u64 lanes)
{
    unsigned n = reg >= TIMER_REGS ? (reg - TIMER_REGS) / 0x20 : TIMERS;
    u64 whole = (reg_read(s, reg) & ~lanes) | (v & lanes);
    if (n < TIMERS && (reg & 0x1f) == TN_CONF) {
        timer_conf_write(s, n, whole);
    } else if (n < TIMERS && (reg & 0x1f) == TN_CMP) {
        comparator_write(s, n, v, lanes);
    } else if (n < TIMERS && (reg & 0x1f) == TN_FSB) {
        s->t[n].fsb = s->msi ? whole : 0;
    } else if (reg == GEN_CONF) {
        enable_write(s, whole);
    } else if (reg == GINTR_STA) {
        s->status &= ~(v & lanes);
        update(s);
    } else if (reg == MAIN_CNT) {
        counter_write(s, whole);
    } else {
        guest_error(device_name(&s->dev), "write at 0x%x, where nothing can be written", reg);
    }
}

static enum mem_result hpet_read(void *opaque, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)a;
    *val = reg_read(opaque, (unsigned)off & ~7u) >> 8 * (off & 7) & MASK(8 * size);
    return MEM_OK;
}
static enum mem_result hpet_write(void *opaque, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    unsigned shift = 8 * (off & 7);
    (void)a;
    reg_write(opaque, (unsigned)off & ~7u, val << shift, MASK(8 * size) << shift);
    return MEM_OK;
}
static const struct mem_ops hpet_ops = {.read = hpet_read, .write = hpet_write, .min_size = 4, .max_size = 8};

/* -- the device ------------------------------------------------------------------------------------------------------
 */

static bool hpet_init(struct device *d, struct err *e)
{
    struct hpet *s = (struct hpet *)d;
    (void)e;
    for (unsigned n = 0; n < TIMERS; n++) {
        s->of[n] = (struct timer_of){.s = s, .n = n};
        timer_init(&s->timer[n], CLOCK_VIRTUAL, rings, &s->of[n]);
    }
    return true;
}
static void timers_cancel(struct device *d)
{
    struct hpet *s = (struct hpet *)d;
    for (unsigned n = 0; n < TIMERS; n++) {
        timer_cancel(&s->timer[n]);
    }
}
static void hpet_reset(struct device *d)
{
    timers_cancel(d);
    update((struct hpet *)d);
}
static bool hpet_loaded(struct device *d, struct err *e)
{
    struct hpet *s = (struct hpet *)d;
    (void)e;
    for (unsigned n = 0; n < TIMERS; n++) {
        host_timer_set(s, n, false);
    }
    update(s);
    return true;
}

static const struct field hpet_state[] = {
    FIELD(struct hpet, conf),
    FIELD(struct hpet, status),
    FIELD(struct hpet, counter),
    FIELD_OF(struct hpet, t, conf),
    FIELD_OF(struct hpet, t, cmp, .reset = ~0ull),
    FIELD_OF(struct hpet, t, period),
    FIELD_OF(struct hpet, t, fsb),
    FIELD_OF(struct hpet, t, target),
    FIELD_OF(struct hpet, t, owed),
    FIELD_OF(struct hpet, t, armed),
    FIELD_OF(struct hpet, t, edge),
    {0},
};
static const struct prop hpet_props[] = {
    PROP("hpet-intcap", PROP_U32, struct hpet, intcap, "0x00ff0104", "a bit an I/O APIC input that timers may use"),
    PROP("msi", PROP_BOOL, struct hpet, msi, "off", "timers can send messages (FSB)"),
    {0},
};

const struct device_class hpet_class = {
    .name = "hpet",
    .doc = "high precision event timers",
    .bus = "sysbus",
    .size = sizeof(struct hpet),
    .mmio_size = 0x400,
    .min_access = 4,
    .max_access = 8,
    .nirqs = HPET_PINS,
    .irq_edge = true,
    .state = hpet_state,
    .ops = &hpet_ops,
    .props = hpet_props,
    .init = hpet_init,
    .reset = hpet_reset,
    .loaded = hpet_loaded,
    .fini = timers_cancel,
};
