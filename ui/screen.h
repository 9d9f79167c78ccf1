/* A screen: pixels that a guest's display device paints, and that any number of displays (a window, VNC clients, a
 * file) show. The device never knows who looks; a display never knows the device. All with the machine lock held.
 *
 *   device:   screen_new - screen_resize - paints surface->px - screen_dirty        (its ops are asked to, see refresh)
 *   display:  screen_watch - is told of changes - reads surface->px; screen_refresh() before each look
 *
 * A text console (ui/console.h) is a screen too, behind which there is a stream and no device.
 *
 * Pixels are 0x00RRGGBB in host byte order, rows top down without gaps. A device that nobody watches is not asked to
 * paint. */
#ifndef MOSS_UI_SCREEN_H
#define MOSS_UI_SCREEN_H

#include "base/types.h"

enum { SCREEN_MAX = 16384 /* width or height, pixels */ };

struct rect {
    int x, y, w, h;
};
struct surface {
    u32 *px;
    int w, h;
};
/* A pointer's picture: w * h pixels of 0xAARRGGBB, and its hot spot. */
struct pointer_image {
    int w, h, hot_x, hot_y;
    u32 px[]; /* w * h */
};

/* A screen that is in a text mode as its cells, for displays that have characters themselves. */
struct text_cell {
    u8 ch;     /* code page 437, or whatever font is loaded */
    u8 fg, bg; /* 0..15: blue is 1, red 4, bright 8, as CGA has them */
    bool blink, underline;
};
struct text_screen {
    int cols, rows;
    int cursor_x, cursor_y;        /* -1: hidden */
    const struct text_cell *cells; /* valid until the next refresh */
};

/* A key that went down, or repeats, for a screen that is typed into itself. */
struct typed {
    u32 ch;       /* the character, Unicode, of the user's layout; 0: none, then `key` counts */
    unsigned key; /* KEY_* of Linux; KEY_SCROLLUP and KEY_SCROLLDOWN are the wheel's */
    bool shift, ctrl, alt;
};

struct screen_ops {
    /* Brings surface (and size) up to date with the device's state, telling what changed by screen_dirty(). */
    void (*refresh)(void *opaque);
    /* What the surface shows is unknown: the next refresh paints all of it. */
    void (*invalidate)(void *opaque);
    /* NULL, or false: it is in no text mode now. */
    bool (*text)(void *opaque, struct text_screen *out);
    /* A display was made this large by its user; a device may tell its guest. May be NULL. */
    void (*wish_size)(void *opaque, int w, int h);
    /* Set: a text console. Keys are its own, not the guest's, and it has no use for a mouse. */
    void (*type)(void *opaque, const struct typed *k);
};

struct screen;
/* `name`: "vga", "video0"; kept. Starts 640 x 480, black. */
struct screen *screen_new(const char *name, const struct screen_ops *ops, void *opaque);
void screen_free(struct screen *s);
struct surface *screen_surface(struct screen *s);
/* Other dimensions (1..SCREEN_MAX each, others are cut to it), black, all of it dirty. Same ones: nothing happens. */
void screen_resize(struct screen *s, int w, int h);
void screen_dirty(struct screen *s, int x, int y, int w, int h); /* is cut to the surface */
/* The device's own pointer: a copy is kept; NULL: it has none. Its place is where the hot spot is. */
void screen_set_pointer(struct screen *s, const struct pointer_image *p);
void screen_move_pointer(struct screen *s, int x, int y, bool visible);

/* -- for displays ------------------------------------------------------------------------------------------------- */

struct screen_watch {
    void (*resized)(void *opaque, struct screen *s); /* surface and its size are new; all is dirty */
    void (*dirty)(void *opaque, struct screen *s, struct rect r);
    void (*pointer)(void *opaque, struct screen *s); /* picture, place or visibility; may be NULL */
    void *opaque;
    struct screen_watch *next; /* screen.c's */
};
void screen_watch(struct screen *s, struct screen_watch *w); /* calls resized() at once */
void screen_unwatch(struct screen *s, struct screen_watch *w);
void screen_refresh(struct screen *s);
void screen_invalidate(struct screen *s);
bool screen_text(struct screen *s, struct text_screen *out);
void screen_wish_size(struct screen *s, int w, int h);
bool screen_takes_size(const struct screen *s); /* such a wish may come true */
bool screen_is_console(const struct screen *s);
void screen_type(struct screen *s, const struct typed *k); /* of a console only */
const struct pointer_image *screen_pointer(const struct screen *s, int *x, int *y, bool *visible);
const char *screen_name(const struct screen *s);
/* All there are: those of devices, oldest first, then the consoles, oldest first; NULL starts. */
struct screen *screen_next(const struct screen *s);
extern void (*screen_made)(struct screen *s); /* a display wants to hear of new ones; may be NULL */

#endif
