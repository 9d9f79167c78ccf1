/* Screens: surfaces, who watches them, and the list of them (screen.h). */
#include "ui/screen.h"

#include <string.h>

struct screen {
    const char *name;
    const struct screen_ops *ops;
    void *opaque;
    struct surface surface;
    struct pointer_image *pointer;
    int pointer_x, pointer_y;
    bool pointer_visible;
    struct screen_watch *watches;
    struct screen *next;
};

static struct screen *screens;
void (*screen_made)(struct screen *s);

static void surface_make(struct surface *f, int w, int h)
{
    free(f->px);
    *f = (struct surface){.px = calloc((size_t)w * (size_t)h, sizeof(*f->px)), .w = w, .h = h};
    must(f->px);
}

struct screen *screen_new(const char *name, const struct screen_ops *ops, void *opaque)
{
    struct screen *s = calloc(1, sizeof(*s)), **at = &screens;
    must(s);
    *s = (struct screen){.name = name, .ops = ops, .opaque = opaque};
    surface_make(&s->surface, 640, 480);
    while (*at && (ops->type || !(*at)->ops->type)) {
        at = &(*at)->next;
    }
    s->next = *at;
    *at = s;
    if (screen_made) {
        screen_made(s);
    }
    return s;
}

void screen_free(struct screen *s)
{
    struct screen **at = &screens;
    if (!s) {
        return;
    }
    while (*at != s) {
        must(*at);
        at = &(*at)->next;
    }
    *at = s->next;
    must(!s->watches);
    free(s->surface.px);
    free(s->pointer);
    free(s);
}

struct surface *screen_surface(struct screen *s)
{
    return &s->surface;
}

void screen_resize(struct screen *s, int w, int h)
{
    w = MAX(1, MIN(w, (int)SCREEN_MAX));
    h = MAX(1, MIN(h, (int)SCREEN_MAX));
    if (w == s->surface.w && h == s->surface.h) {
        return;
    }
    surface_make(&s->surface, w, h);
    for (struct screen_watch *o = s->watches; o; o = o->next) {
        o->resized(o->opaque, s);
    }
}

void screen_dirty(struct screen *s, int x, int y, int w, int h)
{
    i64 x2 = MIN((i64)x + w, s->surface.w), y2 = MIN((i64)y + h, s->surface.h);
    x = MAX(x, 0);
    y = MAX(y, 0);
    if (x >= x2 || y >= y2) {
        return;
    }
    for (struct screen_watch *o = s->watches; o; o = o->next) {
        o->dirty(o->opaque, s, (struct rect){x, y, (int)(x2 - x), (int)(y2 - y)});
    }
}

static void pointer_tell(struct screen *s)
{
    for (struct screen_watch *o = s->watches; o; o = o->next) {
        if (o->pointer) {
            o->pointer(o->opaque, s);
        }
    }
}

void screen_set_pointer(struct screen *s, const struct pointer_image *p)
{
    free(s->pointer);
    s->pointer = NULL;
    if (p) {
        size_t n = sizeof(*p) + (size_t)p->w * (size_t)p->h * sizeof(p->px[0]);
        s->pointer = malloc(n);
        must(s->pointer);
        memcpy(s->pointer, p, n);
    }
    pointer_tell(s);
}

void screen_move_pointer(struct screen *s, int x, int y, bool visible)
{
    s->pointer_x = x;
    s->pointer_y = y;
    s->pointer_visible = visible;
    pointer_tell(s);
}

/* -- for displays ---------------------------------------------------------------------------------------------------
 */

void screen_watch(struct screen *s, struct screen_watch *w)
{
    w->next = s->watches;
    s->watches = w;
    w->resized(w->opaque, s);
}

void screen_unwatch(struct screen *s, struct screen_watch *w)
{
    struct screen_watch **at = &s->watches;
    while (*at != w) {
        must(*at);
        at = &(*at)->next;
    }
    *at = w->next;
}

void screen_refresh(struct screen *s)
{
    if (s->ops->refresh) {
        s->ops->refresh(s->opaque);
    }
}

void screen_invalidate(struct screen *s)
{
    if (s->ops->invalidate) {
        s->ops->invalidate(s->opaque);
    }
}

bool screen_text(struct screen *s, struct text_screen *out)
{
    return s->ops->text && s->ops->text(s->opaque, out);
}

void screen_wish_size(struct screen *s, int w, int h)
{
    if (s->ops->wish_size) {
        s->ops->wish_size(s->opaque, w, h);
    }
}

bool screen_takes_size(const struct screen *s)
{
    return s->ops->wish_size != NULL;
}

bool screen_is_console(const struct screen *s)
{
    return s->ops->type != NULL;
}

void screen_type(struct screen *s, const struct typed *k)
{
    must(s->ops->type);
    s->ops->type(s->opaque, k);
}

const struct pointer_image *screen_pointer(const struct screen *s, int *x, int *y, bool *visible)
{
    *x = s->pointer_x;
    *y = s->pointer_y;
    *visible = s->pointer_visible;
    return s->pointer;
}

const char *screen_name(const struct screen *s)
{
    return s->name;
}

struct screen *screen_next(const struct screen *s)
{
    return s ? s->next : screens;
}
