/* Motorola MC146818A clock with the PC's CMOS memory around it. SPEC: Motorola ADI-1068 (MC146818A); Intel 290562
 * (82371SB) for the ports and the extended bank; register 0x32 is the century, as ACPI's FADT names it.
 *
 * The calendar is the host's plus an offset that a guest's writes change, so that a guest that was stopped sees the
 * right time (with -rtc clock=vm it is guest time). Bytes of the time are made when they are read; they lie in memory
 * only while SET or the divider's reset stops updates. Flags too are made when register C is read, and timers run only
 * for interrupts that are enabled. Periodic interrupts are guest time. Property lost_tick_policy=slew (-rtc
 * driftfix=slew): periods that passed while the interrupt before was not yet answered are made up, one after each read
 * of register C, for systems that count them. Not modelled: daylight saving (DSE is kept and does nothing, as in south
 * bridges since ICH), the SQW pin, other crystals than 32.768 kHz. */
#include "hw/timer/mc146818.h"

#include "base/bits.h"
#include "base/clock.h"
#include "base/log.h"
#include "hw/core/machine.h"
#include "hw/timer/mc146818_priv.h"

enum {
    REG_A = 10,
    REG_B,
    REG_C,
    REG_D,
    CENTURY = 0x32,
    A_UIP = 0x80,
    A_DV = 0x70,
    A_RS = 0x0f,
    A_DV_32K = 0x20,
    B_SET = 0x80,
    B_PIE = 0x40,
    B_AIE = 0x20,
    B_UIE = 0x10,
    B_SQWE = 0x08,
    C_IRQF = 0x80,
    FLAGS = B_PIE | B_AIE | B_UIE, /* C has its flags where B enables them */
    D_VRT = 0x80,
    NMI_OFF = 0x80,
    BANK = 128,
    NS = 1000000000,
    UPDATE_NS = 244000 + 1984000, /* UIP is up so long before the new second shows */
};

struct mc146818 {
    struct device dev;
    const char *policy;
    bool slews;
    enum clock_kind clock;
    struct timer second, periodic;
    u8 cmos[2 * BANK];
    u8 index, ext_index, silent;
    u8 weekday_skew; /* the guest's day of the week less the calendar's */
    u64 offset;      /* seconds that the calendar is ahead of the clock, signed */
    u32 offset_ns;   /* and the rest of it, below NS */
    u64 seen;        /* the second up to which flags are made */
    u64 seen_tick;   /* the same in ticks of 32.768 kHz */
    u32 owed;        /* periods to be made up */
};

/* -- time ------------------------------------------------------------------------------------------------------------
 */

/* Seconds since 1970 may be negative: the calendar begins with year 0. */
static i64 now_seconds(const struct mc146818 *s)
{
    return (i64)((clock_now(s->clock) + s->offset_ns) / NS) + (i64)s->offset;
}
static u64 now_fraction(const struct mc146818 *s)
{
    return (clock_now(s->clock) + s->offset_ns) % NS;
}
static bool divider_runs(const struct mc146818 *s)
{
    return (s->cmos[REG_A] & A_DV) <= A_DV_32K;
}
static bool updates(const struct mc146818 *s)
{
    return divider_runs(s) && !(s->cmos[REG_B] & B_SET);
}
static void calendar_set(struct mc146818 *s, i64 seconds, u64 fraction)
{
    u64 now = clock_now(s->clock);
    s->offset_ns = (u32)((fraction + NS - now % NS) % NS);
    s->offset = (u64)(seconds - (i64)((now + s->offset_ns) / NS));
    s->seen = (u64)seconds;
}

static void time_to_bytes(struct mc146818 *s)
{
    struct rtc_time t = rtc_time_of(now_seconds(s));
    t.weekday = (t.weekday + s->weekday_skew) % 7;
    rtc_encode(&t, s->cmos[REG_B], s->cmos, &s->cmos[CENTURY]);
}
static void time_from_bytes(struct mc146818 *s, u64 fraction)
{
    struct rtc_time t = rtc_decode(s->cmos, s->cmos[CENTURY], s->cmos[REG_B]);
    i64 seconds = rtc_seconds_of(&t);
    unsigned calendar = rtc_time_of(seconds).weekday;
    s->weekday_skew = (u8)((t.weekday + 7 - calendar) % 7);
    calendar_set(s, seconds, fraction);
}

static u64 tick_now(void)
{
    return (u64)((u128)clock_now(CLOCK_VIRTUAL) * 32768 / NS);
}
static u64 time_of_tick(u64 tick)
{
    return (u64)(((u128)tick * NS + 32767) / 32768);
}
/* A period is 2^this ticks; 0: there is none. */
static unsigned period_shift(const struct mc146818 *s)
{
    unsigned rs = s->cmos[REG_A] & A_RS;
    return !divider_runs(s) || !rs ? 0 : rs < 3 ? rs + 6 : rs - 1;
}

/* -- flags and the interrupt -----------------------------------------------------------------------------------------
 */

static void update(struct mc146818 *s)
{
    u8 *c = &s->cmos[REG_C];
    *c = (*c & FLAGS) | (*c & s->cmos[REG_B] & FLAGS ? C_IRQF : 0);
    device_irq(&s->dev, 0, *c & C_IRQF && !s->silent);
    device_irq(&s->dev, 1, s->index & NMI_OFF);
}
/* Periods since the last look, the first sets PF unless it is set. What is owed is at most a second's worth. */
static void periods_sync(struct mc146818 *s)
{
    unsigned shift = period_shift(s);
    u64 now = tick_now();
    u64 n = shift && now > s->seen_tick ? (now >> shift) - (s->seen_tick >> shift) : 0;
    s->seen_tick = now;
    if (!n) {
        return;
    }
    if (!(s->cmos[REG_C] & B_PIE)) {
        s->cmos[REG_C] |= B_PIE;
        n--;
    }
    if (s->slews && s->cmos[REG_B] & B_PIE) {
        s->owed = (u32)MIN(s->owed + n, (u64)(32768 >> shift));
    }
}
static void flags_sync(struct mc146818 *s)
{
    periods_sync(s);
    if (!updates(s)) {
        return;
    }
    i64 now = now_seconds(s), seen = (i64)s->seen;
    if (now > seen) {
        s->cmos[REG_C] |= B_UIE;
        if (rtc_next_alarm(s->cmos, s->cmos[REG_B], seen) <= now) {
            s->cmos[REG_C] |= B_AIE;
        }
    }
    s->seen = (u64)now;
}

static void second_arm(struct mc146818 *s)
{
    i64 next = RTC_NEVER, now = (i64)s->seen;
    if (updates(s) && s->cmos[REG_B] & B_UIE) {
        next = now + 1;
    } else if (updates(s) && s->cmos[REG_B] & B_AIE) {
        next = rtc_next_alarm(s->cmos, s->cmos[REG_B], now);
    }
    timer_set(&s->second, next == RTC_NEVER ? ~0ull : (u64)(next - (i64)s->offset) * NS - s->offset_ns);
}
static void periodic_arm(struct mc146818 *s)
{
    unsigned shift = period_shift(s);
    u64 at = ~0ull;
    if (shift && s->cmos[REG_B] & B_PIE) {
        at = time_of_tick(((s->seen_tick >> shift) + 1) << shift);
        if (s->owed && !(s->cmos[REG_C] & B_PIE)) {
            at = MIN(at, clock_now(CLOCK_VIRTUAL) + time_of_tick(1ull << shift) / 4);
        }
    }
    timer_set(&s->periodic, at);
}
static void arm(struct mc146818 *s)
{
    second_arm(s);
    periodic_arm(s);
}

static void second_rings(void *opaque)
{
    struct mc146818 *s = opaque;
    flags_sync(s);
    update(s);
    second_arm(s);
}
static void periodic_rings(void *opaque)
{
    struct mc146818 *s = opaque;
    periods_sync(s);
    if (s->owed && !(s->cmos[REG_C] & B_PIE)) {
        s->owed--;
        s->cmos[REG_C] |= B_PIE;
    }
    update(s);
    periodic_arm(s);
}

/* -- registers -------------------------------------------------------------------------------------------------------
 */

static bool is_time(unsigned r)
{
    return r == CENTURY || r == 0 || r == 2 || r == 4 || (r >= 6 && r <= 9);
}
static u8 flags_take(struct mc146818 *s)
{
    flags_sync(s);
    update(s);
    u8 v = s->cmos[REG_C];
    s->cmos[REG_C] = 0;
    update(s);
    periodic_arm(s);
    return v;
}
static u8 cmos_read(struct mc146818 *s, unsigned r)
{
    if (is_time(r) && updates(s)) {
        time_to_bytes(s);
    }
    if (r == REG_A) {
        return s->cmos[r] | (updates(s) && now_fraction(s) >= NS - UPDATE_NS ? A_UIP : 0);
    }
    return r == REG_C ? flags_take(s) : s->cmos[r];
}

/* A divider that is let go needs half a second for the first update. */
static void control_write(struct mc146818 *s, unsigned r, u8 v)
{
    bool ran = divider_runs(s), updated = updates(s);
    flags_sync(s);
    if (updated) {
        time_to_bytes(s);
    }
    if (r == REG_A) {
        s->cmos[REG_A] = v & (A_DV | A_RS);
        s->seen_tick = tick_now();
        s->owed = 0;
    } else {
        s->cmos[REG_B] = v & B_SET ? v & (u8)~B_UIE : v;
        s->owed = v & B_PIE ? s->owed : 0;
    }
    if (!ran && divider_runs(s)) {
        calendar_set(s, now_seconds(s), NS / 2);
    }
    if (updates(s) && !updated) {
        time_from_bytes(s, now_fraction(s));
    }
    update(s);
    arm(s);
}
static void cmos_write(struct mc146818 *s, unsigned r, u8 v)
{
    if (r == REG_C || r == REG_D) {
        guest_error(device_name(&s->dev), "write of 0x%x to the read-only register %u", v, r);
    } else if (r == REG_A || r == REG_B) {
        control_write(s, r, v);
    } else if (is_time(r) && updates(s)) {
        flags_sync(s);
        time_to_bytes(s);
        s->cmos[r] = v;
        time_from_bytes(s, now_fraction(s));
        arm(s);
    } else {
        flags_sync(s); /* alarms: up to now the old one counts */
        s->cmos[r] = v;
        arm(s);
    }
}

static u64 data_read(struct device *d, unsigned i)
{
    struct mc146818 *s = (struct mc146818 *)d;
    return i ? s->cmos[BANK + s->ext_index] : cmos_read(s, s->index & (BANK - 1));
}
static void data_write(struct device *d, unsigned i, u64 v)
{
    struct mc146818 *s = (struct mc146818 *)d;
    if (i) {
        s->cmos[BANK + s->ext_index] = (u8)v;
    } else {
        cmos_write(s, s->index & (BANK - 1), (u8)v);
    }
}
static u64 index_read(struct device *d, unsigned i)
{
    (void)d, (void)i;
    return 0xff; /* they can only be written */
}
static void index_write(struct device *d, unsigned i, u64 v)
{
    struct mc146818 *s = (struct mc146818 *)d;
    if (i) {
        s->ext_index = v & (BANK - 1);
    } else {
        s->index = (u8)v;
        update(s);
    }
}

void mc146818_set(struct device *d, unsigned addr, u8 v)
{
    must(addr > REG_D && addr < 2 * BANK && addr != CENTURY);
    ((struct mc146818 *)d)->cmos[addr] = v;
}
u8 mc146818_get(const struct device *d, unsigned addr)
{
    must(addr < 2 * BANK);
    return ((const struct mc146818 *)d)->cmos[addr];
}

/* -- the device ------------------------------------------------------------------------------------------------------
 */

static void pin_in(struct device *d, unsigned n, int level)
{
    struct mc146818 *s = (struct mc146818 *)d;
    must(n == 0);
    s->silent = level != 0;
    update(s);
}
static bool mc146818_init(struct device *d, struct err *e)
{
    struct mc146818 *s = (struct mc146818 *)d;
    if (s->policy && strcmp(s->policy, "discard") && strcmp(s->policy, "slew")) {
        return err_set(e, "lost_tick_policy=%s: it is discard or slew", s->policy);
    }
    s->slews = s->policy ? !strcmp(s->policy, "slew") : d->machine->cfg.rtc_slews;
    s->clock = d->machine->cfg.rtc_stands ? CLOCK_VIRTUAL : CLOCK_WALL;
    timer_init(&s->second, s->clock, second_rings, s);
    timer_init(&s->periodic, CLOCK_VIRTUAL, periodic_rings, s);
    s->cmos[REG_A] = A_DV_32K | 6;
    s->cmos[REG_B] = RTC_24H;
    s->cmos[REG_D] = D_VRT;
    calendar_set(s, (i64)(clock_now(CLOCK_WALL) / NS) + d->machine->cfg.rtc_offset, clock_now(CLOCK_WALL) % NS);
    s->seen_tick = tick_now();
    return true;
}
/* The calendar and the memory live on; interrupts are off. */
static void mc146818_reset(struct device *d)
{
    struct mc146818 *s = (struct mc146818 *)d;
    s->cmos[REG_B] &= (u8) ~(FLAGS | B_SQWE);
    s->cmos[REG_C] = 0;
    arm(s);
    update(s);
}
static bool mc146818_loaded(struct device *d, struct err *e)
{
    struct mc146818 *s = (struct mc146818 *)d;
    i64 far = 1ll << 40, offset = (i64)s->offset, seen = (i64)s->seen;
    if (s->ext_index >= BANK || s->weekday_skew > 6 || s->offset_ns >= NS || offset > far || offset < -far ||
        seen > far || seen < -far) {
        return err_set(e, "the clock's state makes no sense");
    }
    arm(s);
    update(s);
    return true;
}
static void mc146818_fini(struct device *d)
{
    struct mc146818 *s = (struct mc146818 *)d;
    timer_cancel(&s->second);
    timer_cancel(&s->periodic);
}

static const struct reg mc146818_regs[] = {
    {.off = 0, .name = "INDEX", .size = 1, .count = 2, .stride = 2, .read = index_read, .write = index_write},
    {.off = 1, .name = "DATA", .size = 1, .count = 2, .stride = 2, .read = data_read, .write = data_write},
    {0},
};
static const struct field mc146818_state[] = {
    FIELDS(struct mc146818, cmos, .flags = F_KEEP),
    FIELD(struct mc146818, index),
    FIELD(struct mc146818, ext_index),
    FIELD(struct mc146818, silent),
    FIELD(struct mc146818, weekday_skew, .flags = F_KEEP),
    FIELD(struct mc146818, offset, .flags = F_KEEP),
    FIELD(struct mc146818, offset_ns, .flags = F_KEEP),
    FIELD(struct mc146818, seen, .flags = F_KEEP),
    FIELD(struct mc146818, seen_tick, .flags = F_KEEP),
    FIELD(struct mc146818, owed),
    {0},
};
static const struct prop mc146818_props[] = {
    PROP("lost_tick_policy", PROP_STR, struct mc146818, policy, NULL,
         "periods that nobody answered in time: discard, or slew: they follow; else as -rtc driftfix= says"),
    {0},
};

const struct device_class mc146818_class = {
    .name = "mc146818rtc",
    .doc = "PC clock and CMOS memory (MC146818A)",
    .bus = "sysbus",
    .size = sizeof(struct mc146818),
    .mmio_size = 4,
    .max_access = 1,
    .nirqs = 2,
    .state = mc146818_state,
    .regs = mc146818_regs,
    .props = mc146818_props,
    .init = mc146818_init,
    .reset = mc146818_reset,
    .irq_in = pin_in,
    .loaded = mc146818_loaded,
    .fini = mc146818_fini,
};
