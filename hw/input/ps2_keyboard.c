/* A PS/2 keyboard with 101 keys and those that came later. SPEC: IBM PS/2 Hardware Interface Technical Reference, "101-
 * and 102-key keyboards": commands, scan code sets, the sequences of Print Screen, Pause and the grey cursor keys.
 *
 * It repeats the key that was pressed last by itself, at the guest's rate; repeats that come from a display are none. A
 * repeat that the host comes late for is left out, since the release may be waiting behind it. The buffer is larger
 * than the real one. Not modelled: keyboard identifiers other than AB 83. */
#include <linux/input-event-codes.h>
#include <string.h>

#include "base/bits.h"
#include "base/clock.h"
#include "hw/input/ps2.h"
#include "hw/input/ps2_keys.h"
#include "ui/input.h"

enum command {
    SET_LEDS = 0xed,
    ECHO,
    SCAN_SET = 0xf0,
    IDENTIFY = 0xf2,
    SET_RATE,
    ENABLE,
    DISABLE,
    DEFAULTS,
    ALL_REPEAT, /* set 3's: to ALL_BOTH; then the same for the keys that follow */
    ALL_BREAK,
    ALL_MAKE,
    ALL_BOTH,
    KEY_REPEATS,
    KEY_BREAKS,
    KEY_MAKES,
    RESEND,
    RESET,
};
enum {
    DEFAULT_RATE = 0x2b, /* 10.9 a second after half a second */
    TOO_LATE_NS = 50000000,
    MODIFIERS = 6,
    LSHIFT = 1,
    RSHIFT = 2,
    SHIFT = LSHIFT | RSHIFT,
    CTRL = 4 | 8,
    ALT = 16 | 32,
};
enum print_form { PRINT_FULL, PRINT_SHORT, PRINT_SYSRQ };

struct ps2_keyboard {
    struct ps2 ps2;
    struct input_sink sink;
    struct timer timer;
    u8 set, scanning, leds, rate;
    u8 want; /* the command whose byte comes next */
    u8 type[256];
    u8 down[INPUT_KEYS / 8];
    u8 modifiers, print; /* enum print_form, as it was pressed */
    u16 repeating;       /* KEY_*, 0: none */
    u64 repeat_at;
};

/* -- sequences -------------------------------------------------------------------------------------------------------
 */

struct sequence {
    u8 v[16];
    unsigned n;
};
static void add(struct sequence *q, u8 v)
{
    must(q->n < sizeof(q->v));
    q->v[q->n++] = v;
}
/* A key of sets 1 and 2, by its set 2 code. */
static void add_key(const struct ps2_keyboard *s, struct sequence *q, bool e0, u8 code, bool down)
{
    if (e0) {
        add(q, 0xe0);
    }
    if (s->set == 2 && !down) {
        add(q, 0xf0);
    }
    add(q, s->set == 2 ? code : ps2_set1(code) | (down ? 0 : 0x80));
}

/* Num Lock and Shift would turn an old program's cursor keys into digits: the keyboard feigns that they are not held.
 */
static void add_feint(const struct ps2_keyboard *s, struct sequence *q, const struct ps2_key *k, bool down)
{
    bool num = s->leds & LED_NUM && k->kind == PS2_GREY;
    if (s->modifiers & SHIFT && !num) {
        if (s->modifiers & LSHIFT) {
            add_key(s, q, true, 0x12, !down);
        }
        if (s->modifiers & RSHIFT) {
            add_key(s, q, true, 0x59, !down);
        }
    } else if (num && !(s->modifiers & SHIFT)) {
        add_key(s, q, true, 0x12, down);
    }
}
static void add_print(struct ps2_keyboard *s, struct sequence *q, bool down, bool again)
{
    if (down && !again) {
        s->print = s->modifiers & ALT ? PRINT_SYSRQ : s->modifiers & (SHIFT | CTRL) ? PRINT_SHORT : PRINT_FULL;
    }
    if (s->print == PRINT_SYSRQ) {
        add_key(s, q, false, 0x84, down);
        return;
    }
    if (s->print == PRINT_FULL && down && !again) {
        add_key(s, q, true, 0x12, true);
    }
    add_key(s, q, true, 0x7c, down);
    if (s->print == PRINT_FULL && !down) {
        add_key(s, q, true, 0x12, false);
    }
}
static void add_pause(const struct ps2_keyboard *s, struct sequence *q)
{
    for (unsigned down = 2; down-- > 0;) {
        if (s->modifiers & CTRL) {
            add_key(s, q, true, 0x7e, down);
        } else {
            add(q, 0xe1);
            add_key(s, q, false, 0x14, down);
            add_key(s, q, false, 0x77, down);
        }
    }
}
static void sequence_of(struct ps2_keyboard *s, struct sequence *q, const struct ps2_key *k, bool down, bool again)
{
    bool feint = k->kind == PS2_GREY || k->kind == PS2_SLASH;
    if (s->set == 3) {
        if (k->set3 && (down || s->type[k->set3] & PS2_BREAKS)) {
            if (!down) {
                add(q, 0xf0);
            }
            add(q, k->set3);
        }
    } else if (k->kind == PS2_PRINT) {
        add_print(s, q, down, again);
    } else if (k->kind == PS2_PAUSE || k->kind == PS2_SINGLE) {
        if (down && k->kind == PS2_PAUSE) {
            add_pause(s, q);
        } else if (down) {
            add(q, k->set2);
        }
    } else {
        if (feint && down && !again) {
            add_feint(s, q, k, true);
        }
        add_key(s, q, k->e0, k->set2, down);
        if (feint && !down) {
            add_feint(s, q, k, false);
        }
    }
}

static void say(struct ps2_keyboard *s, const struct ps2_key *k, bool down, bool again)
{
    struct sequence q = {0};
    sequence_of(s, &q, k, down, again);
    if (q.n && !ps2_say(&s->ps2, q.v, q.n)) {
        ps2_say(&s->ps2, &(u8){s->set == 1 ? 0xff : 0x00}, 1); /* the buffer is full */
    }
}

/* -- repeating -------------------------------------------------------------------------------------------------------
 */

static u64 repeat_delay(const struct ps2_keyboard *s)
{
    return (u64)(bits(s->rate, 5, 2) + 1) * 250000000;
}
static u64 repeat_period(const struct ps2_keyboard *s)
{
    return (8 + bits(s->rate, 0, 3)) * (1u << bits(s->rate, 3, 2)) * 4170000;
}
static bool repeats(const struct ps2_keyboard *s, const struct ps2_key *k)
{
    return s->set == 3 ? s->type[k->set3] & PS2_REPEATS : k->kind != PS2_PAUSE && k->kind != PS2_SINGLE;
}
static void repeat_set(struct ps2_keyboard *s, unsigned key, u64 at)
{
    s->repeating = (u16)key;
    s->repeat_at = key ? at : 0;
    timer_set(&s->timer, key ? at : ~0ull);
}
static void repeat(void *opaque)
{
    struct ps2_keyboard *s = opaque;
    const struct ps2_key *k = ps2_key_find(s->repeating);
    u64 now = clock_now(CLOCK_VIRTUAL);
    if (k && now - s->repeat_at < TOO_LATE_NS && !s->ps2.replies && !s->ps2.len) {
        say(s, k, true, true);
    }
    repeat_set(s, k ? s->repeating : 0, now + repeat_period(s));
}

static u8 modifier_of(unsigned key)
{
    static const u16 key_of[MODIFIERS] = {KEY_LEFTSHIFT, KEY_RIGHTSHIFT, KEY_LEFTCTRL,
                                          KEY_RIGHTCTRL, KEY_LEFTALT,    KEY_RIGHTALT};
    for (unsigned i = 0; i < MODIFIERS; i++) {
        if (key_of[i] == key) {
            return (u8)(1 << i);
        }
    }
    return 0;
}
static void key_event(void *opaque, const struct input_event *e)
{
    struct ps2_keyboard *s = opaque;
    const struct ps2_key *k = ps2_key_find(e->code);
    u8 *down = &s->down[e->code / 8], m = (u8)(1 << e->code % 8), modifier = modifier_of(e->code);
    bool was = *down & m, is = e->value != 0;
    if (!k || was == is) {
        return;
    }
    *down ^= m;
    s->modifiers = is ? s->modifiers | modifier : s->modifiers & (u8)~modifier;
    if (is && repeats(s, k)) {
        repeat_set(s, s->scanning ? k->key : 0, clock_now(CLOCK_VIRTUAL) + repeat_delay(s));
    } else if (is || s->repeating == k->key) {
        repeat_set(s, 0, 0);
    }
    if (s->scanning) {
        say(s, k, is, false);
    }
}

/* -- commands --------------------------------------------------------------------------------------------------------
 */

static void types_set(struct ps2_keyboard *s, u8 type)
{
    memset(s->type, type, sizeof(s->type));
}
static void defaults(struct ps2_keyboard *s)
{
    s->rate = DEFAULT_RATE;
    for (unsigned i = 0; i < sizeof(s->type); i++) {
        s->type[i] = ps2_set3_type((u8)i);
    }
    repeat_set(s, 0, 0);
    ps2_clear(&s->ps2, false);
}
static void power_on(struct ps2_keyboard *s)
{
    defaults(s);
    s->set = 2;
    s->leds = s->want = 0;
    s->ps2.held = false;
    s->scanning = 1;
    input_set_leds(0);
}

/* The byte after a command; true: it was one, and not another command. */
static bool argument(struct ps2_keyboard *s, u8 v)
{
    u8 want = s->want;
    if (!want || v >= SET_LEDS) {
        s->want = 0;
        return false;
    }
    if (want < KEY_REPEATS) { /* which take any number of keys */
        s->want = 0;
    }
    if (want == SCAN_SET && v > 3) {
        ps2_reply(&s->ps2, &(u8){PS2_RESEND}, 1);
        return true;
    }
    ps2_ack(&s->ps2);
    if (want == SET_LEDS) {
        s->leds = v & 7;
        input_set_leds(s->leds);
    } else if (want == SET_RATE) {
        s->rate = v & 0x7f;
    } else if (want == SCAN_SET && v == 0) {
        ps2_reply(&s->ps2, &s->set, 1);
    } else if (want == SCAN_SET) {
        s->set = v;
        ps2_clear(&s->ps2, false);
    } else {
        s->type[v] = want == KEY_REPEATS ? PS2_REPEATS : want == KEY_BREAKS ? PS2_BREAKS : 0;
    }
    return true;
}
static void command(struct ps2_keyboard *s, u8 v)
{
    static const u8 id[] = {PS2_ACK, 0xab, 0x83}, reset[] = {PS2_ACK, PS2_BAT};
    switch ((enum command)v) {
    case ECHO:
        ps2_reply(&s->ps2, &v, 1);
        return;
    case RESEND:
        ps2_reply(&s->ps2, &s->ps2.last, 1);
        return;
    case IDENTIFY:
        ps2_reply(&s->ps2, id, sizeof(id));
        return;
    case RESET:
        power_on(s);
        ps2_clear(&s->ps2, true);
        ps2_reply(&s->ps2, reset, sizeof(reset));
        return;
    case SET_LEDS:
    case SCAN_SET:
    case SET_RATE:
    case KEY_REPEATS:
    case KEY_BREAKS:
    case KEY_MAKES:
        s->want = v;
        break;
    case ENABLE:
        ps2_clear(&s->ps2, false);
        s->scanning = 1;
        break;
    case DISABLE:
    case DEFAULTS:
        s->scanning = v == DISABLE ? 0 : s->scanning;
        defaults(s);
        break;
    case ALL_REPEAT:
        types_set(s, PS2_REPEATS);
        break;
    case ALL_BREAK:
        types_set(s, PS2_BREAKS);
        break;
    case ALL_MAKE:
        types_set(s, 0);
        break;
    case ALL_BOTH:
        types_set(s, PS2_REPEATS | PS2_BREAKS);
        break;
    default:
        ps2_reply(&s->ps2, &(u8){PS2_RESEND}, 1);
        return;
    }
    ps2_ack(&s->ps2);
}
static void receive(struct ps2 *p, u8 v)
{
    struct ps2_keyboard *s = (struct ps2_keyboard *)p;
    if (!argument(s, v)) {
        command(s, v);
    }
    ps2_hold(p,
             s->want != 0); /* scanning stops until the command is whole: a driver takes the next byte for its answer */
}

/* -- the device ------------------------------------------------------------------------------------------------------
 */

static bool keyboard_init(struct device *d, struct err *e)
{
    struct ps2_keyboard *s = (struct ps2_keyboard *)d;
    (void)e;
    s->ps2.receive = receive;
    s->sink =
        (struct input_sink){.name = "QEMU PS/2 Keyboard", .kinds = 1 << INPUT_KEY, .event = key_event, .opaque = s};
    timer_init(&s->timer, CLOCK_VIRTUAL, repeat, s);
    input_add(&s->sink);
    return true;
}
static void keyboard_reset(struct device *d)
{
    power_on((struct ps2_keyboard *)d);
}
static bool keyboard_loaded(struct device *d, struct err *e)
{
    struct ps2_keyboard *s = (struct ps2_keyboard *)d;
    if (s->set < 1 || s->set > 3) {
        return err_set(e, "there is no scan code set %u", s->set);
    }
    if (!ps2_loaded(&s->ps2, e)) {
        return false;
    }
    ps2_hold(&s->ps2, s->want != 0);
    timer_set(&s->timer, s->repeating ? s->repeat_at : ~0ull);
    input_set_leds(s->leds);
    return true;
}
static void keyboard_fini(struct device *d)
{
    struct ps2_keyboard *s = (struct ps2_keyboard *)d;
    input_remove(&s->sink);
    timer_cancel(&s->timer);
}

static const struct field keyboard_state[] = {
    PS2_FIELDS(struct ps2_keyboard, ps2),
    FIELD(struct ps2_keyboard, set, .reset = 2),
    FIELD(struct ps2_keyboard, scanning, .reset = 1),
    FIELD(struct ps2_keyboard, leds),
    FIELD(struct ps2_keyboard, rate, .reset = DEFAULT_RATE),
    FIELD(struct ps2_keyboard, want),
    FIELDS(struct ps2_keyboard, type, .flags = F_HIDDEN),
    FIELDS(struct ps2_keyboard, down, .flags = F_HIDDEN),
    FIELD(struct ps2_keyboard, modifiers),
    FIELD(struct ps2_keyboard, print),
    FIELD(struct ps2_keyboard, repeating),
    FIELD(struct ps2_keyboard, repeat_at),
    {0},
};

const struct device_class ps2_keyboard_class = {
    .name = "ps2-kbd",
    .doc = "PS/2 keyboard",
    .bus = "sysbus",
    .size = sizeof(struct ps2_keyboard),
    .state = keyboard_state,
    .init = keyboard_init,
    .reset = keyboard_reset,
    .loaded = keyboard_loaded,
    .fini = keyboard_fini,
};
