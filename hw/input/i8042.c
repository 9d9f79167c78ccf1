/* The keyboard controller of the PS/2 and later PCs: an Intel 8042 with its usual program. SPEC: IBM PS/2 Hardware
 * Interface Technical Reference, "Keyboard and auxiliary device controller"; Intel 290562 (82371SB) for the ports.
 *
 * It makes its keyboard and its mouse. Bytes that they say by themselves come no faster than a real line carries them,
 * counted from the guest's last read: programs that read port 0x60 twice for one key get the same byte twice. Answers
 * to commands come at once. An answer of the controller goes before a byte of a device that nobody has read, which
 * follows. A byte for a device switches its line on, as the controller has to. Not modelled: passwords (there is none),
 * the diagnostic dump (0xac), and polling of the input port's nibbles (0xc1, 0xc2), which unimp() tells. */
#include "hw/input/i8042.h"

#include "base/clock.h"
#include "base/log.h"
#include "hw/input/ps2.h"
#include "hw/input/ps2_keys.h"

enum {
    KBD = 1,
    AUX = 2,
    CTR_INT = 1 << 0, /* command byte; the second bit of each pair is for AUX */
    CTR_AUX_INT = 1 << 1,
    CTR_SYS = 1 << 2,
    CTR_OFF = 1 << 4,
    CTR_AUX_OFF = 1 << 5,
    CTR_XLATE = 1 << 6,
    STATUS_OBF = 1 << 0,
    STATUS_COMMAND = 1 << 3,
    STATUS_UNLOCKED = 1 << 4,
    STATUS_AUX = 1 << 5,
    OUT_NO_RESET = 1 << 0,
    OUT_A20 = 1 << 1,
    OUT_OBF = 1 << 4,
    OUT_AUX_OBF = 1 << 5,
    IN_PORT = 0xa0, /* the lock is open, no manufacturer's jumper */
    NO_PASSWORD = 0xf1,
    LINE_NS = 500000,
};
enum command {
    READ_RAM = 0x20, /* to 0x3f */
    WRITE_RAM = 0x60,
    PASSWORD = 0xa4,
    AUX_OFF = 0xa7,
    AUX_ON,
    AUX_TEST,
    SELF_TEST,
    KBD_TEST,
    DUMP,
    KBD_OFF,
    KBD_ON,
    READ_IN = 0xc0,
    POLL_LOW,
    POLL_HIGH,
    READ_OUT = 0xd0,
    WRITE_OUT,
    SAY_KBD,
    SAY_AUX,
    TO_AUX,
    A20_OFF = 0xdd,
    A20_ON = 0xdf,
    READ_TEST = 0xe0,
    PULSE = 0xf0,
};

struct i8042 {
    struct device dev;
    struct ps2 *port[2];
    struct timer timer;
    u8 ram[32];              /* [0]: the command byte */
    u8 out, want, commanded; /* the output port; the command that wants a byte; the last byte was a command */
    u8 data, full, own,
        streamed; /* the output buffer: KBD or AUX, of the controller itself, said by a device by itself */
    u8 kept_data, kept, kept_streamed; /* what had to wait for an answer of the controller */
    u8 release;                        /* 0x80: a break prefix was translated */
    u64 not_before;                    /* the next byte that a device says */
};

/* -- the output buffer -----------------------------------------------------------------------------------------------
 */

static void update(struct i8042 *s)
{
    device_irq(&s->dev, 0, s->full == KBD && s->ram[0] & CTR_INT);
    device_irq(&s->dev, 1, s->full == AUX && s->ram[0] & CTR_AUX_INT);
    device_irq(&s->dev, 2, !(s->out & OUT_A20));
}
static void show(struct i8042 *s, u8 from, u8 v, bool own, bool streamed)
{
    s->data = v;
    s->full = from;
    s->own = own;
    s->streamed = streamed;
}
/* False: the byte was a prefix that translation swallows. */
static bool translate(struct i8042 *s, u8 *v)
{
    if (!(s->ram[0] & CTR_XLATE)) {
        return true;
    }
    if (*v == 0xf0) {
        s->release = 0x80;
        return false;
    }
    *v = ps2_set1(*v) | s->release;
    s->release = 0;
    return true;
}
/* False: it has none, or none yet. */
static bool take_from(struct i8042 *s, unsigned i, bool *later)
{
    struct ps2 *p = s->port[i];
    while (ps2_has_bytes(p) && !(s->ram[0] & CTR_OFF << i)) {
        bool streamed = !ps2_has_reply(p);
        if (streamed && clock_now(CLOCK_VIRTUAL) < s->not_before) {
            *later = true;
            return false;
        }
        u8 v = ps2_take(p);
        if (i || translate(s, &v)) {
            show(s, i ? AUX : KBD, v, false, streamed);
            return true;
        }
    }
    return false;
}
static void fill(struct i8042 *s)
{
    bool later = false;
    if (!s->full && s->kept) {
        show(s, s->kept, s->kept_data, false, s->kept_streamed);
        s->kept = 0;
    } else if (!s->full && !take_from(s, 0, &later)) {
        take_from(s, 1, &later);
    }
    timer_set(&s->timer, !s->full && later ? s->not_before : ~0ull);
    update(s);
}
static void ready(void *opaque)
{
    fill(opaque);
}
/* An answer of the controller. */
static void answer(struct i8042 *s, u8 from, u8 v)
{
    if (s->full && !s->own) {
        s->kept = s->full;
        s->kept_data = s->data;
        s->kept_streamed = s->streamed;
    }
    s->full = 0;
    update(s); /* so that it is an edge */
    show(s, from, v, true, false);
    update(s);
}

static u64 data_read(struct device *d, unsigned i)
{
    struct i8042 *s = (struct i8042 *)d;
    (void)i;
    u8 v = s->data;
    if (s->full) {
        s->not_before = s->streamed ? clock_now(CLOCK_VIRTUAL) + LINE_NS : s->not_before;
        s->full = 0;
        update(s);
        fill(s);
    }
    return v;
}

/* -- commands --------------------------------------------------------------------------------------------------------
 */

static void out_write(struct i8042 *s, u8 v)
{
    s->out = v;
    update(s);
    if (!(v & OUT_NO_RESET)) {
        device_irq(&s->dev, 3, 1);
        device_irq(&s->dev, 3, 0);
    }
}
static void ctr_set(struct i8042 *s, u8 clear, u8 set)
{
    s->ram[0] = (u8)((s->ram[0] & ~clear) | set);
    fill(s);
}
static void to_device(struct i8042 *s, unsigned i, u8 v)
{
    s->ram[0] &= (u8) ~(CTR_OFF << i);
    s->port[i]->receive(s->port[i], v);
    fill(s);
}
static u8 out_read(const struct i8042 *s)
{
    return (s->out & (u8) ~(OUT_OBF | OUT_AUX_OBF)) | (s->full == KBD ? OUT_OBF : 0) |
           (s->full == AUX ? OUT_AUX_OBF : 0);
}

static void command(struct i8042 *s, u8 v)
{
    switch ((enum command)v) {
    case PASSWORD:
        answer(s, KBD, NO_PASSWORD);
        break;
    case AUX_OFF:
        ctr_set(s, 0, CTR_AUX_OFF);
        break;
    case AUX_ON:
        ctr_set(s, CTR_AUX_OFF, 0);
        break;
    case SELF_TEST:
        s->ram[0] |= CTR_SYS;
        answer(s, KBD, 0x55);
        break;
    case AUX_TEST:
    case KBD_TEST:
        answer(s, KBD, 0);
        break;
    case KBD_OFF:
        ctr_set(s, 0, CTR_OFF);
        break;
    case KBD_ON:
        ctr_set(s, CTR_OFF, 0);
        break;
    case READ_IN:
        answer(s, KBD, IN_PORT);
        break;
    case READ_OUT:
        answer(s, KBD, out_read(s));
        break;
    case WRITE_OUT:
    case SAY_KBD:
    case SAY_AUX:
    case TO_AUX:
        s->want = v;
        break;
    case A20_OFF:
    case A20_ON:
        out_write(s, v == A20_ON ? s->out | OUT_A20 : s->out & (u8)~OUT_A20);
        break;
    case READ_TEST: /* the clock lines */
        answer(s, KBD, (s->ram[0] & CTR_OFF ? 0 : 1) | (s->ram[0] & CTR_AUX_OFF ? 0 : 2));
        break;
    case DUMP:
    case POLL_LOW:
    case POLL_HIGH:
        unimp(device_name(&s->dev), "command 0x%x", v);
        break;
    default:
        guest_error(device_name(&s->dev), "no such command: 0x%x", v);
        break;
    }
}
static void command_write(struct device *d, unsigned i, u64 value)
{
    struct i8042 *s = (struct i8042 *)d;
    u8 v = (u8)value;
    (void)i;
    s->commanded = 1;
    s->want = 0;
    if (v >= PULSE) {
        if (!(v & OUT_NO_RESET)) {
            out_write(s, s->out & (u8)~OUT_NO_RESET);
            s->out |= OUT_NO_RESET;
        }
    } else if ((v & 0xe0) == READ_RAM) {
        answer(s, KBD, s->ram[v & 31]);
    } else if ((v & 0xe0) == WRITE_RAM) {
        s->want = v;
    } else {
        command(s, v);
    }
}
static void data_write(struct device *d, unsigned i, u64 value)
{
    struct i8042 *s = (struct i8042 *)d;
    u8 v = (u8)value, want = s->want;
    (void)i;
    s->commanded = s->want = 0;
    if ((want & 0xe0) == WRITE_RAM) {
        s->ram[want & 31] = v;
        fill(s);
    } else if (want == WRITE_OUT) {
        out_write(s, v);
    } else if (want == SAY_KBD || want == SAY_AUX) {
        answer(s, want == SAY_KBD ? KBD : AUX, v);
    } else {
        to_device(s, want == TO_AUX, v);
    }
}
static u64 status_read(struct device *d, unsigned i)
{
    const struct i8042 *s = (struct i8042 *)d;
    (void)i;
    return (s->full ? STATUS_OBF : 0) | (s->full == AUX ? STATUS_AUX : 0) | (s->ram[0] & CTR_SYS) |
           (s->commanded ? STATUS_COMMAND : 0) | STATUS_UNLOCKED;
}

/* -- the device ------------------------------------------------------------------------------------------------------
 */

static bool i8042_init(struct device *d, struct err *e)
{
    static const struct device_class *const classes[2] = {&ps2_keyboard_class, &ps2_mouse_class};
    struct i8042 *s = (struct i8042 *)d;
    timer_init(&s->timer, CLOCK_VIRTUAL, ready, s);
    for (unsigned i = 0; i < 2; i++) {
        struct device *p = device_new(d->machine, classes[i], NULL);
        p->parent = d;
        s->port[i] = (struct ps2 *)p;
        s->port[i]->ready = ready;
        s->port[i]->to = s;
        if (!device_init(p, e)) {
            return false;
        }
    }
    return true;
}
/* The command byte is as firmware leaves it, for kernels that are started without. */
static void i8042_reset(struct device *d)
{
    struct i8042 *s = (struct i8042 *)d;
    s->ram[0] = CTR_INT | CTR_SYS | CTR_XLATE;
    timer_cancel(&s->timer);
    update(s);
}
/* The devices on the lines may still have to be loaded. */
static bool i8042_loaded(struct device *d, struct err *e)
{
    struct i8042 *s = (struct i8042 *)d;
    if (s->full > AUX || s->kept > AUX) {
        return err_set(e, "the output buffer's state makes no sense");
    }
    u64 now = clock_now(CLOCK_VIRTUAL);
    s->not_before = MIN(s->not_before, now + LINE_NS);
    timer_set(&s->timer, now);
    update(s);
    return true;
}
static void i8042_fini(struct device *d)
{
    timer_cancel(&((struct i8042 *)d)->timer);
}

static const struct reg i8042_regs[] = {
    {.off = 0x60, .name = "DATA", .size = 1, .read = data_read, .write = data_write},
    {.off = 0x64, .name = "STATUS/COMMAND", .size = 1, .read = status_read, .write = command_write},
    {0},
};
static const struct reg_window i8042_windows[] = {{0x60, 1}, {0x64, 1}, {0}};
static const struct field i8042_state[] = {
    FIELDS(struct i8042, ram),          FIELD(struct i8042, out, .reset = 0xcf),
    FIELD(struct i8042, want),          FIELD(struct i8042, commanded),
    FIELD(struct i8042, data),          FIELD(struct i8042, full),
    FIELD(struct i8042, own),           FIELD(struct i8042, streamed),
    FIELD(struct i8042, kept_data),     FIELD(struct i8042, kept),
    FIELD(struct i8042, kept_streamed), FIELD(struct i8042, release),
    FIELD(struct i8042, not_before),    {0},
};

const struct device_class i8042_class = {
    .name = "i8042",
    .doc = "PC keyboard controller with PS/2 keyboard and mouse",
    .bus = "sysbus",
    .size = sizeof(struct i8042),
    .mmio_size = 0x65,
    .windows = i8042_windows,
    .max_access = 1,
    .nirqs = 4,
    .state = i8042_state,
    .regs = i8042_regs,
    .init = i8042_init,
    .reset = i8042_reset,
    .loaded = i8042_loaded,
    .fini = i8042_fini,
};
