/* The PC's parallel port: the registers of the bidirectional and enhanced (EPP) port. SPEC: IBM PS/2 Hardware Interface
 * Technical Reference, "Parallel port"; IEEE 1284-1994, compatibility mode and the EPP register map of its annex.
 *
 * At the cable is a printer that prints what it gets into the back end at once, so it is never busy and never out of
 * paper; without a back end nothing is plugged in. It knows only compatibility mode: it does not answer when a driver
 * negotiates another, and every EPP cycle times out. A byte is taken where nStrobe's pulse begins. The interrupt is
 * nAck's end, and stays until the status is read.
 * Not modelled: a peripheral that sends (nibble, byte, EPP and ECP modes), ECP's registers, DMA. */
#include "hw/char/parallel.h"

#include "chardev/chardev.h"

enum {
    STATUS_TIMEOUT = 1 << 0,
    STATUS_NO_IRQ = 1 << 2,
    STATUS_NO_ERROR = 1 << 3,
    STATUS_SELECTED = 1 << 4,
    STATUS_NO_PAPER = 1 << 5,
    STATUS_NO_ACK = 1 << 6,
    STATUS_NOT_BUSY = 1 << 7,
    READY = STATUS_NO_ERROR | STATUS_SELECTED | STATUS_NO_ACK | STATUS_NOT_BUSY,
    UNPLUGGED = STATUS_NO_ERROR | STATUS_SELECTED | STATUS_NO_PAPER | STATUS_NO_ACK, /* the lines float high */
    CONTROL_STROBE = 1 << 0,
    CONTROL_NO_INIT = 1 << 2,
    CONTROL_IRQ = 1 << 4,
    CONTROL_INPUT = 1 << 5,
    CONTROL_ONES = 0xc0,
};

struct parallel {
    struct device dev;
    struct chardev *chr;
    u8 data, control, acked, timed_out;
};

static void update(struct parallel *s)
{
    device_irq(&s->dev, 0, s->acked && s->control & CONTROL_IRQ);
}

/* While the port is switched to input nobody drives the lines: the peripheral never sends. */
static u64 data_read(struct device *d, unsigned i)
{
    const struct parallel *s = (struct parallel *)d;
    (void)i;
    return s->control & CONTROL_INPUT ? 0xff : s->data;
}
static u64 status_read(struct device *d, unsigned i)
{
    struct parallel *s = (struct parallel *)d;
    u8 v = (s->chr ? READY : UNPLUGGED) | (s->acked ? 0 : STATUS_NO_IRQ) | (s->timed_out ? STATUS_TIMEOUT : 0);
    (void)i;
    s->acked = 0;
    update(s);
    return v;
}
/* Some EPP ports forget the time-out when it is read, some when a one is written: drivers do both. */
static void status_write(struct device *d, unsigned i, u64 v)
{
    (void)i;
    ((struct parallel *)d)->timed_out &= !(v & STATUS_TIMEOUT);
}
static u64 control_read(struct device *d, unsigned i)
{
    (void)i;
    return ((struct parallel *)d)->control | CONTROL_ONES;
}
static void control_write(struct device *d, unsigned i, u64 v)
{
    struct parallel *s = (struct parallel *)d;
    bool strobe = v & CONTROL_STROBE && !(s->control & CONTROL_STROBE);
    (void)i;
    s->control = v & 0x3f;
    s->acked &= (v & CONTROL_IRQ) != 0;
    if (strobe && s->chr && v & CONTROL_NO_INIT) {
        chardev_write(s->chr, &s->data, 1);
        s->acked = 0;
        update(s);
        s->acked = (v & CONTROL_IRQ) != 0;
    }
    update(s);
}

static u64 epp_read(struct device *d, unsigned i)
{
    (void)i;
    ((struct parallel *)d)->timed_out = 1;
    return 0xff;
}
static void epp_write(struct device *d, unsigned i, u64 v)
{
    struct parallel *s = (struct parallel *)d;
    (void)i;
    s->data = (u8)v;
    s->timed_out = 1;
}

static void parallel_reset(struct device *d)
{
    update((struct parallel *)d);
}
static bool parallel_loaded(struct device *d, struct err *e)
{
    (void)e;
    update((struct parallel *)d);
    return true;
}
/* What a back end says is lost: the cable carries nothing this way. */
static bool parallel_init(struct device *d, struct err *e)
{
    struct parallel *s = (struct parallel *)d;
    static const struct char_receiver nobody = {0};
    return !s->chr || chardev_attach(s->chr, &nobody, s, e);
}
static void parallel_fini(struct device *d)
{
    struct parallel *s = (struct parallel *)d;
    if (s->chr) {
        chardev_detach(s->chr, s);
    }
}

static const struct reg parallel_regs[] = {
    REG(0, "DATA", struct parallel, data, .read = data_read, .wmask = 0xff),
    {.off = 1, .name = "STATUS", .size = 1, .read = status_read, .write = status_write},
    {.off = 2, .name = "CONTROL", .size = 1, .read = control_read, .write = control_write},
    {.off = 3, .name = "EPP", .size = 1, .count = 5, .read = epp_read, .write = epp_write}, /* address, then data */
    {0},
};
static const struct field parallel_state[] = {
    FIELD(struct parallel, data),
    FIELD(struct parallel, control, .reset = 0x0c),
    FIELD(struct parallel, acked),
    FIELD(struct parallel, timed_out),
    {0},
};
static const struct prop parallel_props[] = {
    PROP("chardev", PROP_CHARDEV, struct parallel, chr, NULL, "where it prints to"),
    {0},
};

const struct device_class parallel_class = {
    .name = "isa-parallel",
    .doc = "PC parallel port",
    .bus = "sysbus",
    .size = sizeof(struct parallel),
    .mmio_size = 8,
    .max_access = 1,
    .nirqs = 1,
    .state = parallel_state,
    .regs = parallel_regs,
    .props = parallel_props,
    .init = parallel_init,
    .reset = parallel_reset,
    .loaded = parallel_loaded,
    .fini = parallel_fini,
};
