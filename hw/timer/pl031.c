/* Arm PrimeCell real time clock PL031 (DDI 0224C). Pins: irq 0 = RTCINTR.
 *
 * The counter is the calendar time in seconds plus an offset, which RTCLR writes set; so a guest that is stopped, or
 * restored later, sees the right time again (with -rtc clock=vm it is guest time, which stands still meanwhile). The
 * counter wraps after 2^32 seconds, and so do the offset and the match. Not modelled: nothing. RTCCR's bit reads as one
 * and cannot be cleared, as the manual says. */
#include "hw/timer/pl031.h"

#include "base/clock.h"
#include "hw/core/machine.h"

enum { NS = 1000000000 };

struct pl031 {
    struct device dev;
    struct timer alarm;
    enum clock_kind clock;
    u32 offset, mr, lr, imsc, ris;
};

static void pl031_update(struct pl031 *s)
{
    device_irq(&s->dev, 0, (s->ris & s->imsc) != 0);
}

static u32 rtc_now(const struct pl031 *s)
{
    return (u32)(clock_now(s->clock) / NS) + s->offset;
}

/* The alarm goes off when the counter comes to MR the next time, which is at once when it stands there now. */
static void alarm_arm(struct pl031 *s)
{
    u64 now = clock_now(s->clock);
    u32 in = s->mr - rtc_now(s);
    timer_set(&s->alarm, in ? (now / NS + in) * NS : now);
}

static void alarm_rings(void *opaque)
{
    struct pl031 *s = opaque;
    s->ris = 1;
    pl031_update(s);
}

static u64 dr_read(struct device *d, unsigned i)
{
    (void)i;
    return rtc_now((struct pl031 *)d);
}

static void mr_write(struct device *d, unsigned i, u64 v)
{
    struct pl031 *s = (struct pl031 *)d;
    (void)i;
    s->mr = (u32)v;
    alarm_arm(s);
}

static void lr_write(struct device *d, unsigned i, u64 v)
{
    struct pl031 *s = (struct pl031 *)d;
    (void)i;
    s->lr = (u32)v;
    s->offset += (u32)v - rtc_now(s);
    alarm_arm(s);
}

static u64 cr_read(struct device *d, unsigned i)
{
    (void)d;
    (void)i;
    return 1;
}

static void cr_write(struct device *d, unsigned i, u64 v)
{
    (void)d;
    (void)i;
    (void)v;
}

static void imsc_write(struct device *d, unsigned i, u64 v)
{
    struct pl031 *s = (struct pl031 *)d;
    (void)i;
    s->imsc = v & 1;
    pl031_update(s);
}

static u64 mis_read(struct device *d, unsigned i)
{
    struct pl031 *s = (struct pl031 *)d;
    (void)i;
    return s->ris & s->imsc;
}

static void icr_write(struct device *d, unsigned i, u64 v)
{
    struct pl031 *s = (struct pl031 *)d;
    (void)i;
    s->ris &= ~(u32)v;
    pl031_update(s);
}

/* RTCPeriphID (part 0x031) and RTCPCellID. */
static u64 id_read(struct device *d, unsigned i)
{
    static const u8 id[8] = {0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    (void)d;
    return id[i];
}

static const struct reg pl031_regs[] = {
    {.off = 0x00, .name = "RTCDR", .read = dr_read},
    REG(0x04, "RTCMR", struct pl031, mr, .write = mr_write),
    REG(0x08, "RTCLR", struct pl031, lr, .write = lr_write),
    {.off = 0x0c, .name = "RTCCR", .read = cr_read, .write = cr_write},
    REG(0x10, "RTCIMSC", struct pl031, imsc, .write = imsc_write),
    REG(0x14, "RTCRIS", struct pl031, ris),
    {.off = 0x18, .name = "RTCMIS", .read = mis_read},
    {.off = 0x1c, .name = "RTCICR", .write = icr_write},
    {.off = 0xfe0, .name = "RTCID", .count = 8, .read = id_read},
    {0},
};

static const struct field pl031_state[] = {
    FIELD(struct pl031, offset, .flags = F_KEEP), /* a clock runs on through a reset */
    FIELD(struct pl031, mr),
    FIELD(struct pl031, lr, .flags = F_KEEP),
    FIELD(struct pl031, imsc),
    FIELD(struct pl031, ris),
    {0},
};

static bool pl031_init(struct device *d, struct err *e)
{
    struct pl031 *s = (struct pl031 *)d;
    (void)e;
    s->clock = d->machine->cfg.rtc_stands ? CLOCK_VIRTUAL : CLOCK_WALL;
    timer_init(&s->alarm, s->clock, alarm_rings, s);
    s->offset = (u32)d->machine->cfg.rtc_offset;
    if (s->clock == CLOCK_VIRTUAL) { /* it began with the machine */
        s->offset += (u32)(clock_now(CLOCK_WALL) / NS) - (u32)(clock_now(CLOCK_VIRTUAL) / NS);
    }
    return true;
}

static void pl031_reset(struct device *d)
{
    struct pl031 *s = (struct pl031 *)d;
    timer_cancel(&s->alarm);
    pl031_update(s);
}

static bool pl031_loaded(struct device *d, struct err *e)
{
    struct pl031 *s = (struct pl031 *)d;
    (void)e;
    alarm_arm(s);
    pl031_update(s);
    return true;
}

static void pl031_fini(struct device *d)
{
    timer_cancel(&((struct pl031 *)d)->alarm);
}

const struct device_class pl031_class = {
    .name = "pl031",
    .doc = "Arm PrimeCell real time clock (PL031)",
    .bus = "sysbus",
    .compatible = "arm,pl031\0arm,primecell\0",
    .clock_names = "apb_pclk\0",
    .size = sizeof(struct pl031),
    .mmio_size = 0x1000,
    .nirqs = 1,
    .state = pl031_state,
    .regs = pl031_regs,
    .init = pl031_init,
    .reset = pl031_reset,
    .loaded = pl031_loaded,
    .fini = pl031_fini,
};
