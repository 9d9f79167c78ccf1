/* Intel 8259A programmable interrupt controllers, two of them as in every PC since the AT: the second's INT is input 2
 * of the first. SPEC: Intel 231468 (8259A), all of it; Intel 290562 (82371SB, PIIX3) for the edge/level registers ELCR
 * at ports 0x4d0 and 0x4d1. With the property elcr off (an ISA machine) there are none, and LTIM of ICW1 says how a
 * chip's inputs count; with them LTIM is ignored, as in the south bridges.
 *
 * A request of an edge input lasts from its rise until it is acknowledged or falls: who pulls its request back too
 * early makes a spurious interrupt 7, as the data sheet says. Initialisation also forgets what is in service, which the
 * data sheet does not say and every system counts on. MCS-80 mode answers x86 acknowledge cycles with the low byte of
 * the address, which is what an x86 would take for the vector. Not modelled: buffered mode's pin, which nothing on a PC
 * listens to. */
#include "hw/intc/i8259.h"

#include "base/bits.h"
#include "base/log.h"

enum {
    CASCADE = 2, /* the first chip's input that is the second's INT */
    ICW1_IC4 = 1 << 0,
    ICW1_SNGL = 1 << 1,
    ICW1_ADI = 1 << 2,
    ICW1_LTIM = 1 << 3,
    ICW1_SELECT = 1 << 4,
    ICW4_UPM = 1 << 0,
    ICW4_AEOI = 1 << 1,
    ICW4_SFNM = 1 << 4,
    OCW2_EOI = 1 << 5,
    OCW2_SL = 1 << 6,
    OCW2_R = 1 << 7,
    OCW3_SELECT = 1 << 3,
    OCW3_RIS = 1 << 0,
    OCW3_RR = 1 << 1,
    OCW3_P = 1 << 2,
    OCW3_SMM = 1 << 5,
    OCW3_ESMM = 1 << 6,
    ELCR_FIRST = 0xf8, /* timer, keyboard and cascade are edges */
    ELCR_SECOND = 0xde /* clock and coprocessor */
};
enum step { READY, WANT_ICW2, WANT_ICW3, WANT_ICW4 };

struct chip {
    u8 line, latch; /* inputs as they stand; edges not acknowledged yet */
    u8 isr, imr, icw1, icw2, icw3, icw4, elcr;
    u8 lowest; /* the input of lowest priority */
    u8 smm, read_isr, poll, rotate_aeoi, step;
};
struct i8259 {
    struct device dev;
    bool has_elcr;
    struct chip chip[2];
};

/* -- priorities ------------------------------------------------------------------------------------------------------
 */

static u8 level_inputs(const struct i8259 *s, const struct chip *c)
{
    return s->has_elcr ? c->elcr : c->icw1 & ICW1_LTIM ? 0xff : 0;
}
static u8 irr(const struct i8259 *s, const struct chip *c)
{
    return c->line & (c->latch | level_inputs(s, c));
}
/* How urgent an input is: 0 the most. */
static unsigned rank(const struct chip *c, unsigned n)
{
    return (n - c->lowest - 1) & 7;
}
/* The most urgent of a set, -1: it is empty. */
static int first_of(const struct chip *c, u8 set)
{
    u8 turned = (u8)((set << 8 | set) >> ((c->lowest + 1) & 7));
    return turned ? (int)((ctz32(turned) + c->lowest + 1) & 7) : -1;
}
static bool has_slave(const struct i8259 *s, const struct chip *c)
{
    return c == &s->chip[0] && !(c->icw1 & ICW1_SNGL) && c->icw3 & 1 << CASCADE;
}
/* The input to be served now, -1: none. In special mask mode what is in service and masked holds nothing back; in
 * special fully nested mode a slave's input does not hold back itself. */
static int wanted(const struct i8259 *s, const struct chip *c)
{
    int n = first_of(c, irr(s, c) & (u8)~c->imr);
    int busy = first_of(c, c->smm ? c->isr & (u8)~c->imr : c->isr);
    if (n < 0 || c->step != READY) {
        return -1;
    }
    if (busy < 0 || rank(c, (unsigned)n) < rank(c, (unsigned)busy)) {
        return n;
    }
    return n == busy && c->icw4 & ICW4_SFNM && n == CASCADE && has_slave(s, c) ? n : -1;
}

static void line_set(struct chip *c, unsigned n, bool level)
{
    u8 m = (u8)(1 << n);
    if (level) {
        c->latch |= c->line & m ? 0 : m;
        c->line |= m;
    } else {
        c->line &= (u8)~m;
        c->latch &= (u8)~m;
    }
}
static void update(struct i8259 *s)
{
    line_set(&s->chip[0], CASCADE, wanted(s, &s->chip[1]) >= 0);
    device_irq(&s->dev, 0, wanted(s, &s->chip[0]) >= 0);
}

/* -- acknowledging ---------------------------------------------------------------------------------------------------
 */

static void end_of_interrupt(struct chip *c, unsigned n, bool rotate)
{
    c->isr &= (u8) ~(1 << n);
    if (rotate) {
        c->lowest = (u8)n;
    }
}
/* What the chip says to an acknowledge or a poll: its input, 7 when there is none. INT goes low, so that another
 * request of a slave is an edge to its master. */
static unsigned accept(struct i8259 *s, struct chip *c, bool *any)
{
    int n = wanted(s, c);
    *any = n >= 0;
    if (n < 0) {
        return 7;
    }
    c->latch &= (u8) ~(1 << n);
    c->isr |= (u8)(1 << n);
    if (c == &s->chip[1]) {
        line_set(&s->chip[0], CASCADE, false);
    }
    return (unsigned)n;
}
static int vector(const struct chip *c, unsigned n)
{
    if (c->icw4 & ICW4_UPM) {
        return (int)((c->icw2 & 0xf8) | n);
    }
    return (int)(c->icw1 & ICW1_ADI ? (c->icw1 & 0xe0) | n << 2 : (c->icw1 & 0xc0) | n << 3);
}
static int chip_ack(struct i8259 *s, struct chip *c)
{
    bool any;
    unsigned n = accept(s, c, &any);
    int v = vector(c, n);
    if (any && n == CASCADE && has_slave(s, c)) {
        struct chip *second = &s->chip[1];
        v = (second->icw3 & 7) == CASCADE ? chip_ack(s, second) : 0xff;
    }
    if (any && c->icw4 & ICW4_AEOI) {
        end_of_interrupt(c, n, c->rotate_aeoi);
    }
    return v;
}
int i8259_ack(struct device *d)
{
    struct i8259 *s = (struct i8259 *)d;
    int v = chip_ack(s, &s->chip[0]);
    update(s);
    return v;
}
static u8 poll_word(struct i8259 *s, struct chip *c)
{
    bool any;
    unsigned n = accept(s, c, &any);
    c->poll = 0;
    if (any && c->icw4 & ICW4_AEOI) {
        end_of_interrupt(c, n, c->rotate_aeoi);
    }
    update(s);
    return (u8)((any ? 0x80 : 0) | n);
}

/* -- commands --------------------------------------------------------------------------------------------------------
 */

static void icw1_write(struct chip *c, u8 v)
{
    c->icw1 = v;
    c->step = WANT_ICW2;
    c->latch = c->isr = c->imr = c->smm = c->read_isr = c->poll = c->rotate_aeoi = 0;
    c->lowest = 7;
    c->icw3 = 7;
    if (!(v & ICW1_IC4)) {
        c->icw4 = 0;
    }
}
static void ocw2_write(struct chip *c, u8 v)
{
    bool rotate = v & OCW2_R;
    unsigned level = v & 7;
    if (v & OCW2_EOI) {
        int busy = first_of(c, c->smm ? c->isr & (u8)~c->imr : c->isr);
        if (v & OCW2_SL) {
            end_of_interrupt(c, level, rotate);
        } else if (busy >= 0) {
            end_of_interrupt(c, (unsigned)busy, rotate);
        }
    } else if (!(v & OCW2_SL)) {
        c->rotate_aeoi = rotate;
    } else if (rotate) {
        c->lowest = (u8)level;
    }
}
static void ocw3_write(struct chip *c, u8 v)
{
    if (v & OCW3_ESMM) {
        c->smm = (v & OCW3_SMM) != 0;
    }
    if (v & OCW3_RR) {
        c->read_isr = v & OCW3_RIS;
    }
    c->poll = (v & OCW3_P) != 0;
}
static void command_write(struct device *d, unsigned i, u64 v)
{
    struct i8259 *s = (struct i8259 *)d;
    struct chip *c = &s->chip[i];
    if (v & ICW1_SELECT) {
        icw1_write(c, (u8)v);
    } else if (v & OCW3_SELECT) {
        ocw3_write(c, (u8)v);
    } else {
        ocw2_write(c, (u8)v);
    }
    update(s);
}
static u64 command_read(struct device *d, unsigned i)
{
    struct i8259 *s = (struct i8259 *)d;
    struct chip *c = &s->chip[i];
    return c->poll ? poll_word(s, c) : c->read_isr ? c->isr : irr(s, c);
}

static void icw_write(struct i8259 *s, struct chip *c, u8 v)
{
    if (c->step == WANT_ICW2) {
        c->icw2 = v;
        c->step = c->icw1 & ICW1_SNGL ? WANT_ICW4 : WANT_ICW3;
    } else if (c->step == WANT_ICW3) {
        c->icw3 = v;
        c->step = WANT_ICW4;
    } else {
        c->icw4 = v & 0x1f;
        c->step = READY;
    }
    if (c->step == WANT_ICW4 && !(c->icw1 & ICW1_IC4)) {
        c->step = READY;
    }
    if (c->step == READY && !(c->icw4 & ICW4_UPM)) {
        guest_error(device_name(&s->dev), "chip %u is set up for an MCS-80", (unsigned)(c - s->chip));
    }
}
static void data_write(struct device *d, unsigned i, u64 v)
{
    struct i8259 *s = (struct i8259 *)d;
    struct chip *c = &s->chip[i];
    if (c->step == READY) {
        c->imr = (u8)v;
    } else {
        icw_write(s, c, (u8)v);
    }
    update(s);
}
static u64 data_read(struct device *d, unsigned i)
{
    struct i8259 *s = (struct i8259 *)d;
    struct chip *c = &s->chip[i];
    return c->poll ? poll_word(s, c) : c->imr;
}

static u64 elcr_read(struct device *d, unsigned i)
{
    struct i8259 *s = (struct i8259 *)d;
    return s->has_elcr ? s->chip[i].elcr : 0xff;
}
static void elcr_write(struct device *d, unsigned i, u64 v)
{
    struct i8259 *s = (struct i8259 *)d;
    if (s->has_elcr) {
        s->chip[i].elcr = (u8)v & (i ? ELCR_SECOND : ELCR_FIRST);
        update(s);
    }
}

/* -- the pair --------------------------------------------------------------------------------------------------------
 */

static void pin_in(struct device *d, unsigned n, int level)
{
    struct i8259 *s = (struct i8259 *)d;
    must(n < 16);
    if (n != CASCADE) {
        line_set(&s->chip[n >> 3], n & 7, level != 0);
        update(s);
    }
}
/* The data sheet leaves the chips undefined. They are as firmware leaves them, all masked: kernels that are started
 * without one look for them by their masks. */
static void i8259_reset(struct device *d)
{
    struct i8259 *s = (struct i8259 *)d;
    for (unsigned i = 0; i < 2; i++) {
        s->chip[i].icw1 = ICW1_SELECT | ICW1_IC4;
        s->chip[i].icw2 = i ? 0x70 : 0x08;
        s->chip[i].icw3 = i ? CASCADE : 1 << CASCADE;
    }
    update(s);
}
static bool i8259_loaded(struct device *d, struct err *e)
{
    struct i8259 *s = (struct i8259 *)d;
    for (unsigned i = 0; i < 2; i++) {
        if (s->chip[i].lowest > 7 || s->chip[i].step > WANT_ICW4) {
            return err_set(e, "the state of interrupt controller %u makes no sense", i);
        }
    }
    update(s);
    return true;
}

static const struct reg i8259_regs[] = {
    {.off = 0x20, .name = "CMD", .size = 1, .count = 2, .stride = 0x80, .read = command_read, .write = command_write},
    {.off = 0x21, .name = "DATA", .size = 1, .count = 2, .stride = 0x80, .read = data_read, .write = data_write},
    {.off = 0x4d0, .name = "ELCR", .size = 1, .count = 2, .read = elcr_read, .write = elcr_write},
    {0},
};
static const struct reg_window i8259_windows[] = {{0x20, 2}, {0xa0, 2}, {0x4d0, 2}, {0}};
static const struct field i8259_state[] = {
    FIELD_OF(struct i8259, chip, line), FIELD_OF(struct i8259, chip, latch),
    FIELD_OF(struct i8259, chip, isr),  FIELD_OF(struct i8259, chip, imr, .reset = 0xff),
    FIELD_OF(struct i8259, chip, icw1), FIELD_OF(struct i8259, chip, icw2),
    FIELD_OF(struct i8259, chip, icw3), FIELD_OF(struct i8259, chip, icw4, .reset = ICW4_UPM),
    FIELD_OF(struct i8259, chip, elcr), FIELD_OF(struct i8259, chip, lowest, .reset = 7),
    FIELD_OF(struct i8259, chip, smm),  FIELD_OF(struct i8259, chip, read_isr),
    FIELD_OF(struct i8259, chip, poll), FIELD_OF(struct i8259, chip, rotate_aeoi),
    FIELD_OF(struct i8259, chip, step), {0},
};
static const struct prop i8259_props[] = {
    PROP("elcr", PROP_BOOL, struct i8259, has_elcr, "on", "edge/level registers, as in a PCI machine"),
    {0},
};

static void i8259_print(const struct device *d, struct buf *out)
{
    const struct i8259 *s = (const struct i8259 *)d;
    for (unsigned n = 2; n-- > 0;) {
        const struct chip *c = &s->chip[n];
        buf_printf(out, "pic%u: irr=%02x imr=%02x isr=%02x hprio=%u irq_base=%02x rr_sel=%u elcr=%02x fnm=%u\n", n,
                   irr(s, c), c->imr, c->isr, (c->lowest + 1) & 7, c->icw2, c->read_isr, c->elcr,
                   (c->icw4 & ICW4_SFNM) != 0);
    }
}

const struct device_class i8259_class = {
    .name = "i8259",
    .doc = "PC interrupt controllers (two 8259A)",
    .bus = "sysbus",
    .size = sizeof(struct i8259),
    .mmio_size = 0x4d2,
    .windows = i8259_windows,
    .max_access = 1,
    .nirqs = 1,
    .state = i8259_state,
    .regs = i8259_regs,
    .props = i8259_props,
    .reset = i8259_reset,
    .irq_in = pin_in,
    .loaded = i8259_loaded,
    .topic = "pic",
    .print = i8259_print,
};
