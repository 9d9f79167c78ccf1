/* Text consoles (console.h): cells are painted where they are others than last time. The cursor is a block that blinks.
 * Ctrl-PageUp, Ctrl-PageDown, Ctrl-Up, Ctrl-Down and the wheel look back; any other key looks at the end again. */
#include "ui/console.h"

#include <linux/input-event-codes.h>
#include <string.h>

#include "base/clock.h"
#include "ui/font.h"
#include "ui/vt.h"

#define BLINK_NS 500000000ull

struct console {
    char *name;
    struct screen *screen;
    struct vt *vt;
    void (*input)(void *opaque, const void *p, size_t n);
    void *opaque;
    bool fixed;
    int cols, rows;          /* of the surface */
    struct text_cell *drawn; /* what is on it */
    bool stale;              /* nothing is */
    u64 version;
    bool lit; /* what blinks is to be seen */
    u64 epoch;
};

/* -- pictures ---------------------------------------------------------------------------------------------------------
 */

static u32 color(u8 cga)
{
    u32 on = cga & 8 ? 0xff : 0xaa, off = cga & 8 ? 0x55 : 0;
    if ((cga & 15) == 6) {
        return 0xaa5500; /* brown, as on PCs */
    }
    return (cga & 4 ? on : off) << 16 | (cga & 2 ? on : off) << 8 | (cga & 1 ? on : off);
}

static void cell_paint(struct console *c, int x, int y, const struct text_cell *t)
{
    struct surface *f = screen_surface(c->screen);
    u32 fg = color(t->fg), bg = color(t->bg);
    u32 *px = f->px + (size_t)y * FONT_H * (size_t)f->w + (size_t)x * FONT_W;
    for (int row = 0; row < FONT_H; row++, px += f->w) {
        u8 bits = t->underline && row == FONT_H - 2 ? 0xff : font[t->ch][row];
        for (int i = 0; i < FONT_W; i++) {
            px[i] = bits >> (7 - i) & 1 ? fg : bg;
        }
    }
}

/* As it looks now: with the cursor, and without what blinks when that is dark. */
static struct text_cell cell_now(const struct console *c, const struct text_screen *t, int x, int y)
{
    struct text_cell cell = t->cells[y * t->cols + x];
    if (cell.blink && !c->lit) {
        cell.fg = cell.bg;
    }
    cell.blink = false;
    if (x == t->cursor_x && y == t->cursor_y && c->lit) {
        u8 bg = cell.bg;
        cell.bg = cell.fg;
        cell.fg = bg;
    }
    return cell;
}

static void line_paint(struct console *c, const struct text_screen *t, int y)
{
    struct text_cell *was = c->drawn + (size_t)y * (size_t)t->cols;
    int first = t->cols, last = -1;
    for (int x = 0; x < t->cols; x++) {
        struct text_cell now = cell_now(c, t, x, y);
        if (c->stale || memcmp(&now, &was[x], sizeof(now)) != 0) {
            was[x] = now;
            cell_paint(c, x, y, &now);
            first = MIN(first, x);
            last = x;
        }
    }
    if (last >= 0) {
        screen_dirty(c->screen, first * FONT_W, y * FONT_H, (last - first + 1) * FONT_W, FONT_H);
    }
}

static void size_follow(struct console *c, const struct text_screen *t)
{
    if (t->cols != c->cols || t->rows != c->rows) {
        c->cols = t->cols;
        c->rows = t->rows;
        free(c->drawn);
        c->drawn = calloc((size_t)t->cols * (size_t)t->rows, sizeof(*c->drawn));
        must(c->drawn);
        c->stale = true;
        screen_resize(c->screen, t->cols * FONT_W, t->rows * FONT_H);
    }
}

static void console_refresh(void *opaque)
{
    struct console *c = opaque;
    struct text_screen t;
    u64 version = vt_version(c->vt);
    bool lit = (clock_now(CLOCK_HOST) - c->epoch) / BLINK_NS % 2 == 0;
    if (version == c->version && lit == c->lit && !c->stale) {
        return;
    }
    c->version = version;
    c->lit = lit;
    vt_view(c->vt, &t);
    size_follow(c, &t);
    for (int y = 0; y < t.rows; y++) {
        line_paint(c, &t, y);
    }
    c->stale = false;
}

static void console_invalidate(void *opaque)
{
    ((struct console *)opaque)->stale = true;
}

static bool console_text(void *opaque, struct text_screen *out)
{
    vt_view(((struct console *)opaque)->vt, out);
    return true;
}

static void console_wish_size(void *opaque, int w, int h)
{
    struct console *c = opaque;
    if (!c->fixed) {
        vt_resize(c->vt, w / FONT_W, h / FONT_H);
        console_refresh(c);
    }
}

/* -- keys -------------------------------------------------------------------------------------------------------------
 */

static bool looks_back(struct console *c, const struct typed *k)
{
    static const struct {
        u16 key;
        bool ctrl;
        int lines; /* 0: half a screen, back; -1 lines: forward */
    } keys[] = {
        {KEY_PAGEUP, true, 0}, {KEY_PAGEDOWN, true, 0},  {KEY_UP, true, 1},
        {KEY_DOWN, true, -1},  {KEY_SCROLLUP, false, 3}, {KEY_SCROLLDOWN, false, -3},
    };
    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        if (!k->ch && k->key == keys[i].key && (k->ctrl || !keys[i].ctrl)) {
            int half = MAX(c->rows / 2, 1);
            vt_scroll(c->vt, keys[i].lines ? keys[i].lines : k->key == KEY_PAGEUP ? half : -half);
            return true;
        }
    }
    return false;
}

static void console_type(void *opaque, const struct typed *k)
{
    struct console *c = opaque;
    char bytes[VT_KEY_MAX];
    size_t n = looks_back(c, k) ? 0 : vt_key(c->vt, k, bytes);
    if (n) {
        vt_scroll(c->vt, -vt_scrolled(c->vt));
        c->epoch = clock_now(CLOCK_HOST); /* the cursor is seen where one types */
        c->input(c->opaque, bytes, n);
    }
}

/* -- life -------------------------------------------------------------------------------------------------------------
 */

static void on_reply(void *opaque, const void *p, size_t n)
{
    struct console *c = opaque;
    c->input(c->opaque, p, n);
}

struct console *console_new(const char *name, int cols, int rows, bool fixed,
                            void (*input)(void *opaque, const void *p, size_t n), void *opaque)
{
    static const struct screen_ops ops = {.refresh = console_refresh,
                                          .invalidate = console_invalidate,
                                          .text = console_text,
                                          .wish_size = console_wish_size,
                                          .type = console_type};
    struct console *c = calloc(1, sizeof(*c));
    must(c);
    c->name = strdup(name);
    must(c->name);
    c->vt = vt_new(cols, rows, on_reply, c);
    c->fixed = fixed;
    c->input = input;
    c->opaque = opaque;
    c->epoch = clock_now(CLOCK_HOST);
    c->screen = screen_new(c->name, &ops, c);
    c->stale = true;
    console_refresh(c);
    return c;
}

void console_free(struct console *c)
{
    if (c) {
        screen_free(c->screen);
        vt_free(c->vt);
        free(c->drawn);
        free(c->name);
        free(c);
    }
}

void console_write(struct console *c, const void *p, size_t n)
{
    vt_write(c->vt, p, n);
}
