/* The queue between displays and input devices: who gets which event, what is down, whose lights are on (input.h). */
#include "ui/input.h"

#define POINTS (1u << INPUT_REL | 1u << INPUT_ABS)

static struct {
    struct input_sink *sinks;           /* the newest first */
    struct input_sink *key[INPUT_KEYS]; /* who was told that it is down */
    struct input_sink *button[BUTTONS];
    struct input_watch *watches;
    unsigned leds, made;
    bool absolute;
} in;
bool (*input_running)(void);

/* -- devices --------------------------------------------------------------------------------------------------- */

static struct input_sink *sink_for(unsigned kinds)
{
    for (struct input_sink *s = in.sinks; s; s = s->next) {
        if (s->awake && s->kinds & kinds) {
            return s;
        }
    }
    return NULL;
}

/* Buttons and wheels belong to what points; but a pointer that lacks them leaves them to another. */
static struct input_sink *sink_of(enum input_kind kind)
{
    struct input_sink *pointer = kind == INPUT_BUTTON || kind == INPUT_WHEEL ? sink_for(POINTS) : NULL;
    return pointer && pointer->kinds & 1u << kind ? pointer : sink_for(1u << kind);
}

static void mode_update(void)
{
    const struct input_sink *pointer = sink_for(POINTS);
    bool absolute = pointer && pointer->kinds & 1u << INPUT_ABS;
    if (absolute == in.absolute) {
        return;
    }
    in.absolute = absolute;
    for (struct input_watch *w = in.watches; w; w = w->next) {
        if (w->mode) {
            w->mode(w->opaque);
        }
    }
}

static void sink_unlink(struct input_sink *s)
{
    struct input_sink **at = &in.sinks;
    while (*at != s) {
        must(*at);
        at = &(*at)->next;
    }
    *at = s->next;
}

static void sink_first(struct input_sink *s)
{
    s->next = in.sinks;
    in.sinks = s;
    s->awake = true;
}

/* It has no use for the releases of what was pressed. */
static void sink_forget(const struct input_sink *s)
{
    for (unsigned i = 0; i < INPUT_KEYS; i++) {
        in.key[i] = in.key[i] == s ? NULL : in.key[i];
    }
    for (unsigned i = 0; i < BUTTONS; i++) {
        in.button[i] = in.button[i] == s ? NULL : in.button[i];
    }
}

void input_add(struct input_sink *s)
{
    s->index = in.made++;
    s->touched = false;
    sink_first(s);
    mode_update();
}

void input_remove(struct input_sink *s)
{
    sink_unlink(s);
    sink_forget(s);
    mode_update();
}

void input_wake(struct input_sink *s)
{
    sink_unlink(s);
    sink_first(s);
    mode_update();
}

void input_sleep(struct input_sink *s)
{
    s->awake = false;
    sink_forget(s);
    mode_update();
}

void input_set_leds(unsigned leds)
{
    if (leds == in.leds) {
        return;
    }
    in.leds = leds;
    for (struct input_watch *w = in.watches; w; w = w->next) {
        if (w->leds) {
            w->leds(w->opaque);
        }
    }
}

/* -- displays ------------------------------------------------------------------------------------------------------ */

static void send(struct input_sink *s, enum input_kind kind, unsigned code, int value)
{
    struct input_event e = {.kind = kind, .code = (u16)code, .value = value};
    s->touched = true;
    s->event(s->opaque, &e);
}

static bool dropped(void)
{
    return input_running && !input_running();
}

static void press(struct input_sink **holder, enum input_kind kind, unsigned code, bool down)
{
    struct input_sink *s = down ? sink_of(kind) : *holder;
    if (!s || (down && dropped())) {
        return;
    }
    if (down && *holder && *holder != s) {
        send(*holder, kind, code, 0);
    }
    *holder = down ? s : NULL;
    send(s, kind, code, down);
}

void input_key(unsigned key, bool down)
{
    if (key && key < INPUT_KEYS) {
        press(&in.key[key], INPUT_KEY, key, down);
    }
}

void input_button(enum input_button b, bool down)
{
    must(b < BUTTONS);
    press(&in.button[b], INPUT_BUTTON, b, down);
}

void input_rel(enum input_axis a, int steps)
{
    enum input_kind kind = a == AXIS_WHEEL || a == AXIS_HWHEEL ? INPUT_WHEEL : INPUT_REL;
    struct input_sink *s = sink_of(kind);
    if (s && steps && !dropped()) {
        send(s, kind, a, steps);
    }
}

static int abs_scale(int v, int size)
{
    return size < 2 ? 0 : (int)((i64)MAX(0, MIN(v, size - 1)) * INPUT_ABS_MAX / (size - 1));
}

void input_abs(int x, int y, int w, int h)
{
    struct input_sink *s = sink_of(INPUT_ABS);
    if (s && !dropped()) {
        send(s, INPUT_ABS, AXIS_X, abs_scale(x, w));
        send(s, INPUT_ABS, AXIS_Y, abs_scale(y, h));
    }
}

void input_sync(void)
{
    for (struct input_sink *s = in.sinks, *next; s; s = next) {
        next = s->next;
        if (s->touched) {
            s->touched = false;
            if (s->sync) {
                s->sync(s->opaque);
            }
        }
    }
}

void input_release_all(void)
{
    for (unsigned i = 0; i < INPUT_KEYS; i++) {
        if (in.key[i]) {
            input_key(i, false);
            input_sync();
        }
    }
    for (unsigned i = 0; i < BUTTONS; i++) {
        if (in.button[i]) {
            input_button((enum input_button)i, false);
            input_sync();
        }
    }
}

bool input_is_absolute(void)
{
    return in.absolute;
}

unsigned input_leds(void)
{
    return in.leds;
}

void input_watch(struct input_watch *w)
{
    w->next = in.watches;
    in.watches = w;
}

void input_unwatch(struct input_watch *w)
{
    struct input_watch **at = &in.watches;
    while (*at != w) {
        must(*at);
        at = &(*at)->next;
    }
    *at = w->next;
}

const struct input_sink *input_next_mouse(const struct input_sink *s)
{
    for (s = s ? s->next : in.sinks; s && !(s->kinds & POINTS); s = s->next) {
    }
    return s;
}

bool input_choose(unsigned index)
{
    for (struct input_sink *s = in.sinks; s; s = s->next) {
        if (s->index == index && s->kinds & POINTS) {
            input_wake(s);
            return true;
        }
    }
    return false;
}
