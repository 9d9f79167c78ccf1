/* A terminal: what bytes do to a screen of characters, and what keys become. It knows neither pixels nor streams.
 *
 * SPEC: ECMA-48, and DEC's VT100 and VT220 manuals; of xterm and the Linux console what programs count on: 16 colors,
 * UTF-8, the alternate screen, titles passed over. Bytes may be anything: a sequence that is not known is passed over.
 */
#ifndef MOSS_UI_VT_H
#define MOSS_UI_VT_H

#include "ui/screen.h"

enum {
    VT_MAX = 500,      /* columns or rows */
    VT_HISTORY = 2000, /* lines that went over the top and are kept */
    VT_KEY_MAX = 16,   /* bytes of one key */
};

struct vt;
/* Both are cut to 1..VT_MAX. `reply` gets what the terminal answers by itself; may be NULL. */
struct vt *vt_new(int cols, int rows, void (*reply)(void *opaque, const void *p, size_t n), void *opaque);
void vt_free(struct vt *t);
void vt_write(struct vt *t, const void *p, size_t n);
/* Lines keep their beginnings; the line of the cursor stays in view. */
void vt_resize(struct vt *t, int cols, int rows);
/* Looks `lines` further back (less: nearer to the end), as far as there is something. */
void vt_scroll(struct vt *t, int lines);
int vt_scrolled(const struct vt *t); /* lines from the end; 0: what is written is seen */
/* What is to be seen: valid until the next call. Cells have cp437's characters. */
void vt_view(struct vt *t, struct text_screen *out);
/* Counts up whenever vt_view() would show something else. */
u64 vt_version(const struct vt *t);
/* The bytes that a key sends; 0: none. */
size_t vt_key(const struct vt *t, const struct typed *k, char out[VT_KEY_MAX]);

#endif
