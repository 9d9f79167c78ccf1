/* A PS/2 mouse: the standard one, and IntelliMouse and IntelliMouse Explorer once a driver knocks for them. SPEC: IBM
 * PS/2 Hardware Interface Technical Reference, "Mouse"; Microsoft's "IntelliMouse" and "5-button wheel mouse" white
 * papers for the knocks (sample rates 200, 100, 80 and 200, 200, 80) and the fourth byte.
 *
 * Movement is gathered between samples; what a report can't hold follows in the next. A button's change that was not
 * reported yet is reported before the next change, so that no click is lost.
 * Not modelled: what the resolution does (a step of the host's pointer is a count), horizontal wheels, which these mice
 * do not have; resend gives the last byte, not the last report. */
#include "base/bits.h"
#include "base/clock.h"
#include "hw/input/ps2.h"
#include "ui/input.h"

enum command {
    SCALE_1 = 0xe6,
    SCALE_2,
    RESOLUTION,
    STATUS,
    STREAM,
    READ,
    UNWRAP = 0xec,
    WRAP = 0xee,
    REMOTE = 0xf0,
    IDENTIFY = 0xf2,
    RATE,
    ENABLE,
    DISABLE,
    DEFAULTS,
    RESEND = 0xfe,
    RESET,
};
enum {
    STANDARD = 0,
    INTELLI = 3,  /* a wheel */
    EXPLORER = 4, /* and buttons 4 and 5 */
    PACKET_ONE = 1 << 3,
    STATUS_SCALE = 1 << 4,
    STATUS_ENABLED = 1 << 5,
    STATUS_REMOTE = 1 << 6,
    MOST = 255, /* counts in a report */
    FAR = 1 << 20,
};

struct ps2_mouse {
    struct ps2 ps2;
    struct input_sink sink;
    struct timer timer;
    u8 id, want, wrap, remote, enabled, scale, resolution, rate;
    u8 knock[3];          /* the sample rates set last */
    u8 buttons, reported; /* 1 << enum input_button */
    u32 x, y, z;          /* signed: right, up, toward the user */
    u64 sample_at;
    u8 sampling; /* no report before sample_at */
};

/* -- reports ---------------------------------------------------------------------------------------------------------
 */

static i32 take(u32 *sum, i32 least, i32 most)
{
    i32 v = MAX(least, MIN((i32)*sum, most));
    *sum -= (u32)v;
    return v;
}
static i32 scaled(const struct ps2_mouse *s, i32 v)
{
    static const u8 doubled[6] = {0, 1, 1, 3, 6, 9};
    if (!s->scale || s->remote) {
        return v;
    }
    i32 a = v < 0 ? -v : v, r = a < 6 ? doubled[a] : 2 * a;
    return v < 0 ? -r : r;
}
static unsigned report_make(struct ps2_mouse *s, u8 *p)
{
    static const u8 order[3] = {1 << BUTTON_LEFT, 1 << BUTTON_RIGHT, 1 << BUTTON_MIDDLE};
    i32 most = s->scale && !s->remote ? MOST / 2 : MOST;
    i32 x = scaled(s, take(&s->x, -most, most)), y = scaled(s, take(&s->y, -most, most));
    p[0] = PACKET_ONE | (x < 0 ? 0x10 : 0) | (y < 0 ? 0x20 : 0);
    for (unsigned i = 0; i < 3; i++) {
        p[0] |= s->buttons & order[i] ? 1 << i : 0;
    }
    p[1] = (u8)x;
    p[2] = (u8)y;
    s->reported = s->buttons;
    if (s->id == STANDARD) {
        s->z = 0;
        return 3;
    }
    i32 z = take(&s->z, -8, 7);
    p[3] = (u8)z;
    if (s->id == EXPLORER) {
        p[3] =
            (u8)((z & 15) | (s->buttons & 1 << BUTTON_SIDE ? 0x10 : 0) | (s->buttons & 1 << BUTTON_EXTRA ? 0x20 : 0));
    }
    return 4;
}

static u8 visible(const struct ps2_mouse *s)
{
    return s->id == EXPLORER ? 0x1f : 0x07;
}
static bool has_news(const struct ps2_mouse *s)
{
    return s->x || s->y || (s->z && s->id != STANDARD) || (s->buttons ^ s->reported) & visible(s);
}
static bool streams(const struct ps2_mouse *s)
{
    return s->enabled && !s->remote && !s->wrap;
}
/* False: there is no room. */
static bool report(struct ps2_mouse *s)
{
    u8 p[4];
    if (s->ps2.len + sizeof(p) > PS2_STREAM) {
        return false;
    }
    return ps2_say(&s->ps2, p, report_make(s, p));
}
static void sample_set(struct ps2_mouse *s, bool on)
{
    s->sampling = on;
    s->sample_at = on ? clock_now(CLOCK_VIRTUAL) + 1000000000 / s->rate : 0;
    timer_set(&s->timer, on ? s->sample_at : ~0ull);
}
/* One report a sample, and none while the last is on its way. */
static void sample(void *opaque)
{
    struct ps2_mouse *s = opaque;
    if (!streams(s) || !has_news(s)) {
        sample_set(s, false);
        return;
    }
    if (!s->ps2.len) {
        report(s);
    }
    sample_set(s, true);
}

static void mouse_event(void *opaque, const struct input_event *e)
{
    struct ps2_mouse *s = opaque;
    u8 m = (u8)(1 << e->code);
    i32 v = MAX(-FAR, MIN(e->value, FAR));
    u32 *sum = e->code == AXIS_X ? &s->x : &s->y;
    if (e->kind == INPUT_BUTTON) {
        if (streams(s) && (s->buttons ^ s->reported) & visible(s)) {
            report(s);
        }
        s->buttons = e->value ? s->buttons | m : s->buttons & (u8)~m;
    } else if (!s->enabled && !s->remote) {
        return;
    } else if (e->kind == INPUT_REL) {
        *sum += (u32)(e->code == AXIS_X ? v : -v);
        *sum = (u32)MAX(-FAR, MIN((i32)*sum, FAR));
    } else if (e->code == AXIS_WHEEL) {
        s->z = (u32)MAX(-FAR, MIN((i32)s->z - v, FAR));
    }
}
static void mouse_sync(void *opaque)
{
    struct ps2_mouse *s = opaque;
    if (!s->sampling) {
        sample(s);
    }
}

/* -- commands --------------------------------------------------------------------------------------------------------
 */

static void forget(struct ps2_mouse *s)
{
    s->x = s->y = s->z = 0;
    s->reported = s->buttons;
}
static void defaults(struct ps2_mouse *s)
{
    s->rate = 100;
    s->resolution = 2;
    s->scale = s->enabled = s->remote = s->wrap = s->want = 0;
    forget(s);
    sample_set(s, false);
}
static void power_on(struct ps2_mouse *s)
{
    defaults(s);
    s->id = STANDARD;
    s->knock[0] = s->knock[1] = s->knock[2] = 0;
}
static void rate_set(struct ps2_mouse *s, u8 rate)
{
    s->rate = rate ? rate : 100;
    s->knock[0] = s->knock[1];
    s->knock[1] = s->knock[2];
    s->knock[2] = rate;
    if (s->knock[0] == 200 && s->knock[2] == 80) {
        s->id = s->knock[1] == 100 && s->id == STANDARD ? INTELLI : s->knock[1] == 200 ? EXPLORER : s->id;
    }
}
static void status_say(struct ps2_mouse *s)
{
    u8 v[] = {PS2_ACK, 0, s->resolution, s->rate};
    v[1] = (s->remote ? STATUS_REMOTE : 0) | (s->enabled ? STATUS_ENABLED : 0) | (s->scale ? STATUS_SCALE : 0) |
           (s->buttons & 1 << BUTTON_LEFT ? 4 : 0) | (s->buttons & 1 << BUTTON_MIDDLE ? 2 : 0) |
           (s->buttons & 1 << BUTTON_RIGHT ? 1 : 0);
    ps2_reply(&s->ps2, v, sizeof(v));
}
static void answer(struct ps2_mouse *s, u8 v)
{
    u8 p[5] = {PS2_ACK, PS2_BAT, STANDARD};
    switch ((enum command)v) {
    case STATUS:
        status_say(s);
        return;
    case READ:
        ps2_reply(&s->ps2, p, 1 + report_make(s, p + 1));
        return;
    case IDENTIFY:
        p[1] = s->id;
        ps2_reply(&s->ps2, p, 2);
        return;
    case RESET:
        power_on(s);
        ps2_clear(&s->ps2, true);
        ps2_reply(&s->ps2, p, 3);
        return;
    case RESEND:
        ps2_reply(&s->ps2, &s->ps2.last, 1);
        return;
    default:
        ps2_reply(&s->ps2, &(u8){PS2_RESEND}, 1);
        return;
    }
}
/* False: it has an answer of its own. */
static bool switched(struct ps2_mouse *s, u8 v)
{
    switch ((enum command)v) {
    case SCALE_1:
    case SCALE_2:
        s->scale = v == SCALE_2;
        return true;
    case RESOLUTION:
    case RATE:
        s->want = v;
        return true;
    case STREAM:
    case REMOTE:
        s->remote = v == REMOTE;
        forget(s);
        return true;
    case WRAP:
        s->wrap = 1;
        return true;
    case UNWRAP:
        return true;
    case ENABLE:
    case DISABLE:
        s->enabled = v == ENABLE;
        forget(s);
        return true;
    case DEFAULTS:
        defaults(s);
        return true;
    default:
        return false;
    }
}
static void receive(struct ps2 *p, u8 v)
{
    struct ps2_mouse *s = (struct ps2_mouse *)p;
    u8 want = s->want;
    ps2_clear(p, false); /* a report that is on its way is broken off */
    s->want = 0;
    if (s->wrap && v != RESET && v != UNWRAP) {
        ps2_reply(p, &v, 1);
        return;
    }
    s->wrap = 0;
    if (want == RESOLUTION && v < 4) {
        s->resolution = v;
        ps2_ack(p);
    } else if (want == RATE && v < SCALE_1) {
        rate_set(s, v);
        ps2_ack(p);
    } else if (switched(s, v)) {
        ps2_ack(p);
    } else {
        answer(s, v);
    }
}

/* -- the device ------------------------------------------------------------------------------------------------------
 */

static bool mouse_init(struct device *d, struct err *e)
{
    struct ps2_mouse *s = (struct ps2_mouse *)d;
    (void)e;
    s->ps2.receive = receive;
    s->sink = (struct input_sink){.name = "QEMU PS/2 Mouse",
                                  .kinds = 1 << INPUT_REL | 1 << INPUT_BUTTON | 1 << INPUT_WHEEL,
                                  .event = mouse_event,
                                  .sync = mouse_sync,
                                  .opaque = s};
    timer_init(&s->timer, CLOCK_VIRTUAL, sample, s);
    s->rate = 100;
    input_add(&s->sink);
    return true;
}
static void mouse_reset(struct device *d)
{
    power_on((struct ps2_mouse *)d);
}
static bool mouse_loaded(struct device *d, struct err *e)
{
    struct ps2_mouse *s = (struct ps2_mouse *)d;
    bool far = false;
    for (unsigned i = 0; i < 3; i++) {
        i32 v = (i32)(i == 0 ? s->x : i == 1 ? s->y : s->z);
        far |= v < -FAR || v > FAR;
    }
    if (!s->rate || far) {
        return err_set(e, "the mouse's state makes no sense");
    }
    timer_set(&s->timer, s->sampling ? s->sample_at : ~0ull);
    return ps2_loaded(&s->ps2, e);
}
static void mouse_fini(struct device *d)
{
    struct ps2_mouse *s = (struct ps2_mouse *)d;
    input_remove(&s->sink);
    timer_cancel(&s->timer);
}

static const struct field mouse_state[] = {
    PS2_FIELDS(struct ps2_mouse, ps2),
    FIELD(struct ps2_mouse, id),
    FIELD(struct ps2_mouse, want),
    FIELD(struct ps2_mouse, wrap),
    FIELD(struct ps2_mouse, remote),
    FIELD(struct ps2_mouse, enabled),
    FIELD(struct ps2_mouse, scale),
    FIELD(struct ps2_mouse, resolution, .reset = 2),
    FIELD(struct ps2_mouse, rate, .reset = 100),
    FIELDS(struct ps2_mouse, knock),
    FIELD(struct ps2_mouse, buttons),
    FIELD(struct ps2_mouse, reported),
    FIELD(struct ps2_mouse, x),
    FIELD(struct ps2_mouse, y),
    FIELD(struct ps2_mouse, z),
    FIELD(struct ps2_mouse, sample_at),
    FIELD(struct ps2_mouse, sampling),
    {0},
};

const struct device_class ps2_mouse_class = {
    .name = "ps2-mouse",
    .doc = "PS/2 mouse with wheel and five buttons",
    .bus = "sysbus",
    .size = sizeof(struct ps2_mouse),
    .state = mouse_state,
    .init = mouse_init,
    .reset = mouse_reset,
    .loaded = mouse_loaded,
    .fini = mouse_fini,
};
