/* System control port B: gate and output of the timer's counter 2, the speaker's bit, refresh, and what can cause an
 * NMI. SPEC: IBM PC AT Technical Reference, "System Control Port B"; Intel 290562 (82371SB, PIIX3), NMISC. Not
 * modelled: sound; the speaker's bits are kept and nobody listens. */
#include "hw/timer/port61.h"

#include "hw/timer/i8254.h"

enum {
    GATE2 = 1 << 0,
    SPEAKER = 1 << 1,
    SERR_OFF = 1 << 2,
    IOCHK_OFF = 1 << 3,
    REFRESH = 1 << 4, /* toggles with every refresh of memory, 18 ticks of the timer's clock apart */
    OUT2 = 1 << 5,
    IOCHK = 1 << 6,
    SERR = 1 << 7,
    REFRESH_TICKS = 18,
    PIN_SERR = 0,
    PIN_IOCHK = 1,
    PIN_MASK = 2,
};

struct port61 {
    struct device dev;
    const struct device *timer;
    u8 control, status; /* bits 0..3; bits 6 and 7 */
    u8 level, masked;   /* input pins 0 and 1; 2 */
};

void port61_set_timer(struct device *d, const struct device *i8254)
{
    ((struct port61 *)d)->timer = i8254;
}

static void update(struct port61 *s)
{
    bool nmi = (s->status & SERR && !(s->control & SERR_OFF)) || (s->status & IOCHK && !(s->control & IOCHK_OFF));
    device_irq(&s->dev, 0, s->control & GATE2);
    device_irq(&s->dev, 1, nmi && !s->masked);
}

static u64 port61_read(struct device *d, unsigned i)
{
    const struct port61 *s = (struct port61 *)d;
    (void)i;
    return s->control | s->status | (i8254_ticks() / REFRESH_TICKS & 1 ? REFRESH : 0) |
           (s->timer && i8254_out(s->timer, 2) ? OUT2 : 0);
}
/* Switching a source off clears its status. */
static void port61_write(struct device *d, unsigned i, u64 v)
{
    struct port61 *s = (struct port61 *)d;
    (void)i;
    s->control = v & (GATE2 | SPEAKER | SERR_OFF | IOCHK_OFF);
    s->status &= (u8) ~((v & SERR_OFF ? SERR : 0) | (v & IOCHK_OFF ? IOCHK : 0));
    update(s);
}

static void pin_in(struct device *d, unsigned n, int level)
{
    struct port61 *s = (struct port61 *)d;
    must(n <= PIN_MASK);
    if (n == PIN_MASK) {
        s->masked = level != 0;
    } else {
        u8 m = (u8)(1 << n);
        bool off = s->control & (n == PIN_SERR ? SERR_OFF : IOCHK_OFF);
        if (level && !(s->level & m) && !off) {
            s->status |= n == PIN_SERR ? SERR : IOCHK;
        }
        s->level = level ? s->level | m : s->level & (u8)~m;
    }
    update(s);
}
static void port61_reset(struct device *d)
{
    update((struct port61 *)d);
}
static bool port61_loaded(struct device *d, struct err *e)
{
    (void)e;
    update((struct port61 *)d);
    return true;
}

static const struct reg regs[] = {{.off = 0, .name = "SCPB", .size = 1, .read = port61_read, .write = port61_write},
                                  {0}};
static const struct field state[] = {
    FIELD(struct port61, control),
    FIELD(struct port61, status),
    FIELD(struct port61, level),
    FIELD(struct port61, masked),
    {0},
};

const struct device_class port61_class = {
    .name = "port61",
    .doc = "PC system control port B: speaker gate, refresh, NMI",
    .bus = "sysbus",
    .size = sizeof(struct port61),
    .mmio_size = 1,
    .nirqs = 2,
    .state = state,
    .regs = regs,
    .reset = port61_reset,
    .irq_in = pin_in,
    .loaded = port61_loaded,
};
