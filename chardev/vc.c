/* A text console as a stream. The console itself is the display's: system/ says how one is made (chardev_consoles);
 * where nobody did, output is dropped. */
#include <string.h>

#include "chardev/chardev_priv.h"

enum { CELL_W = 8, CELL_H = 16, CELLS_MAX = 500, TYPED_MAX = 1024 };

struct chardev_consoles chardev_consoles;

struct vc {
    struct chardev c;
    void *console;
    u8 typed[TYPED_MAX]; /* what the front end has no room for yet */
    size_t n;
};

static void deliver(struct chardev *c)
{
    struct vc *v = (struct vc *)c;
    while (v->n) {
        size_t n = MIN(v->n, (size_t)chardev_room(c));
        u8 now[TYPED_MAX];
        if (!n) {
            return;
        }
        memcpy(now, v->typed, n);
        v->n -= n;
        memmove(v->typed, v->typed + n, v->n);
        chardev_input(c, now, n);
    }
}

/* Who types into a stream that nobody reads loses what is too much. */
static void on_typed(void *opaque, const void *p, size_t n)
{
    struct vc *v = opaque;
    n = MIN(n, TYPED_MAX - v->n);
    memcpy(v->typed + v->n, p, n);
    v->n += n;
    deliver(&v->c);
}

/* cols= or, in pixels, width=; rows= or height=. */
static bool size_read(struct opts *o, const char *cells, const char *pixels, u64 unit, u64 *out, struct err *e)
{
    u64 px = 0, n = 0;
    if (!opts_num(o, cells, &n, e) || !opts_num(o, pixels, &px, e)) {
        return false;
    }
    n = n ? n : px / unit;
    if (n > CELLS_MAX || ((opts_has(o, cells) || opts_has(o, pixels)) && !n)) {
        return err_set(e, "%s: expected 1 to %d", cells, CELLS_MAX);
    }
    *out = n;
    return true;
}

static bool vc_open(struct chardev *c, struct opts *o, struct err *e)
{
    struct vc *v = (struct vc *)c;
    u64 cols, rows;
    if (!size_read(o, "cols", "width", CELL_W, &cols, e) || !size_read(o, "rows", "height", CELL_H, &rows, e)) {
        return false;
    }
    if (chardev_consoles.make) {
        v->console = chardev_consoles.make(c->id, (int)cols, (int)rows, on_typed, v);
    }
    c->is_open = true;
    return true;
}

static void vc_write(struct chardev *c, const u8 *p, size_t n)
{
    struct vc *v = (struct vc *)c;
    if (v->console) {
        chardev_consoles.write(v->console, p, n);
    }
}

static void vc_close(struct chardev *c)
{
    struct vc *v = (struct vc *)c;
    if (v->console) {
        chardev_consoles.end(v->console);
    }
}

static const struct opt_key keys[] = {
    {"cols", "N", "columns (default 80), which then stay as they are"},
    {"rows", "N", "lines (default 24), which then stay as they are"},
    {"width", "PIXELS", "instead of cols, 8 to a column"},
    {"height", "PIXELS", "instead of rows, 16 to a line"},
    {0},
};

const struct chardev_class chardev_vc = {
    .name = "vc",
    .doc = "a text console beside the guest's screens",
    .keys = keys,
    .size = sizeof(struct vc),
    .open = vc_open,
    .write = vc_write,
    .accept_input = deliver,
    .close = vc_close,
};
