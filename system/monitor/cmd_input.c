/* Commands that stand for a person before the screen: keys, the mouse, a picture. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "system/monitor/monitor_priv.h"
#include "ui/image.h"
#include "ui/input.h"
#include "ui/screen.h"

/* -- keys: all down in order, and after a while all up ----------------------------------------------------------------
 */

enum { MAX_KEYS = 16, HOLD_MS = 100, MAX_HOLD_MS = 60000 };

static struct held {
    struct timer timer;
    unsigned keys[MAX_KEYS], n;
    bool ready;
} held;

static void keys_release(void *opaque)
{
    struct held *h = opaque;
    while (h->n) {
        input_key(h->keys[--h->n], false);
    }
    input_sync();
}

static bool keys_parse(const char *text, unsigned *keys, unsigned *n, struct buf *out)
{
    char **names = g_strsplit(text, "-", -1);
    bool ok = true;
    *n = 0;
    for (char **k = names; *k && ok; k++) {
        u64 number;
        unsigned key = input_key_by_name(*k);
        if (!key && g_str_has_prefix(*k, "0x") && parse_num(*k, &number) && number < INPUT_KEYS) {
            key = (unsigned)number;
        }
        if (!key) {
            buf_printf(out, "invalid parameter: %s\n", *k);
            ok = false;
        } else if (*n == MAX_KEYS) {
            buf_printf(out, "Error: at most %d keys at a time\n", MAX_KEYS);
            ok = false;
        } else {
            keys[(*n)++] = key;
        }
    }
    g_strfreev(names);
    return ok;
}

void hmp_sendkey(const struct args *a, struct buf *out)
{
    unsigned keys[MAX_KEYS], n;
    if (!keys_parse(a->s[0], keys, &n, out)) {
        return;
    }
    if (!held.ready) {
        timer_init(&held.timer, CLOCK_HOST, keys_release, &held);
        held.ready = true;
    }
    keys_release(&held); /* those of a command before */
    memcpy(held.keys, keys, sizeof(keys));
    held.n = n;
    for (unsigned i = 0; i < n; i++) {
        input_key(keys[i], true);
    }
    input_sync();
    u64 ms = a->has[1] ? MIN(a->n[1], (u64)MAX_HOLD_MS) : HOLD_MS;
    timer_set(&held.timer, clock_now(CLOCK_HOST) + ms * 1000000);
}

/* -- the mouse -------------------------------------------------------------------------------------------------------
 */

void hmp_mouse_move(const struct args *a, struct buf *out UNUSED)
{
    input_rel(AXIS_X, (int)a->n[0]);
    input_rel(AXIS_Y, (int)a->n[1]);
    if (a->has[2]) {
        input_rel(AXIS_WHEEL, -(int)a->n[2]);
    }
    input_sync();
}

void hmp_mouse_button(const struct args *a, struct buf *out UNUSED)
{
    input_button(BUTTON_LEFT, a->n[0] & 1);
    input_button(BUTTON_MIDDLE, a->n[0] & 2);
    input_button(BUTTON_RIGHT, a->n[0] & 4);
    input_sync();
}

void hmp_mouse_set(const struct args *a, struct buf *out)
{
    if (a->n[0] > UINT32_MAX || !input_choose((unsigned)a->n[0])) {
        buf_printf(out, "Error: Mouse at index '%" PRIu64 "' not found\n", (u64)a->n[0]);
    }
}

void hmp_info_mice(const struct args *a UNUSED, struct buf *out)
{
    const struct input_sink *first = input_next_mouse(NULL);
    if (!first) {
        buf_printf(out, "No mouse devices connected\n");
    }
    for (const struct input_sink *s = first; s; s = input_next_mouse(s)) {
        buf_printf(out, "%c Mouse #%u: %s%s\n", s == first ? '*' : ' ', s->index, s->name,
                   s->kinds & 1 << INPUT_ABS ? " (absolute)" : "");
    }
}

/* -- the screen ------------------------------------------------------------------------------------------------------
 */

static struct screen *screen_by_name(const char *name)
{
    struct screen *s = screen_next(NULL);
    while (s && name && strcmp(screen_name(s), name) != 0) {
        s = screen_next(s);
    }
    return s;
}

static bool wants_png(const char *path, const char *format, bool *png, struct err *e)
{
    *png = format ? !strcmp(format, "png") : g_str_has_suffix(path, ".png");
    return !format || *png || !strcmp(format, "ppm") || err_set(e, "format '%s': expected png or ppm", format);
}

void hmp_screendump(const struct args *a, struct buf *out)
{
    bool png;
    struct screen *s = screen_by_name(a->s[2]);
    struct err e = {0};
    if (!s) {
        buf_printf(out, "Error: there is no screen%s%s\n", a->s[2] ? " " : "",
                   a->s[2] ? a->s[2] : " to take a picture of");
    } else if (!wants_png(a->s[0], a->s[1], &png, &e) || !image_write(s, a->s[0], png, &e)) {
        buf_printf(out, "Error: %s\n", e.msg);
    }
}
