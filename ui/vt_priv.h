/* Shared by the files of the terminal: vt.c has the cells and the cursor, vt_parse.c the sequences. */
#ifndef MOSS_UI_VT_PRIV_H
#define MOSS_UI_VT_PRIV_H

#include "ui/vt.h"

enum { VT_ARGS = 16 };
enum vt_state { VT_GROUND, VT_ESC, VT_ESC_MORE, VT_CSI, VT_STRING /* up to BEL or ESC \ */ };

struct vt_pen {
    u8 fg, bg; /* as SGR has them, as CGA numbers */
    bool bold, blink, reverse, hidden, underline;
};
struct vt_place {
    int x, y;
    bool wrap; /* the last column was written: the next character begins a line */
    bool origin;
    struct vt_pen pen;
    u8 charset[2], shift; /* '0': lines; SO and SI choose */
};

struct vt {
    int cols, rows;
    struct text_cell *ring;  /* VT_HISTORY + rows lines, or with history 0 (the alternate screen) rows */
    int lines, first, kept;  /* of the ring; where the screen begins in it, what is above that */
    int back;                /* what is seen begins this much earlier */
    struct text_cell *other; /* the main screen's ring while the alternate one is shown */
    int other_first, other_kept;
    struct text_cell *view; /* rows * cols */
    struct vt_place at, saved;
    int top, bottom; /* the scrolling region, bottom exclusive */
    bool insert, autowrap, newline, cursor_keys, cursor_hidden;
    u8 tabs[VT_MAX];
    u32 last; /* the last character, for REP */
    u64 version;

    enum vt_state state;
    u8 inter;  /* '?', '>', '(' ... of the sequence */
    bool junk; /* it holds something unknown */
    u16 arg[VT_ARGS];
    unsigned nargs;
    u32 utf8, utf8_least;
    unsigned utf8_more;

    void (*reply)(void *opaque, const void *p, size_t n);
    void *opaque;
};

/* -- vt.c: all places are cut to the screen -------------------------------------------------------------------------
 */

void vt_put(struct vt *t, u32 unicode);
void vt_go(struct vt *t, int x, int y);     /* y from the top, or from the region's with origin */
void vt_move(struct vt *t, int dx, int dy); /* stops at the region's edges */
void vt_line_feed(struct vt *t);
void vt_reverse_feed(struct vt *t);
void vt_tab(struct vt *t, int n);                            /* n < 0: back */
void vt_erase(struct vt *t, int x1, int y1, int x2, int y2); /* from (x1, y1) to before (x2, y2), in reading order */
void vt_lines_insert(struct vt *t, int n);                   /* at the cursor; n < 0: deletes */
void vt_chars_insert(struct vt *t, int n);
void vt_region_scroll(struct vt *t, int n); /* up; n < 0: down */
void vt_history_forget(struct vt *t);
void vt_alternate(struct vt *t, bool on);
void vt_reset(struct vt *t);
/* -- vt_parse.c ------------------------------------------------------------------------------------------------------
 */
void vt_byte(struct vt *t, u8 c);

#endif
