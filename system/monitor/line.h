/* A line being typed on a stream of bytes: what comes in is edited and echoed, whole lines go out. The keys are those
 * of terminals and of readline: arrows, Home, End, Delete, Ctrl-A B C D E F H K L N P U W, Tab.
 *
 * Not libedit: that edits a terminal it owns, by descriptors, and a monitor's stream may be a socket, a mux that it
 * shares with a serial port, or a console in a window. */
#ifndef MOSS_SYSTEM_MONITOR_LINE_H
#define MOSS_SYSTEM_MONITOR_LINE_H

#include <glib.h>

#include "base/types.h"

enum { LINE_MAX_BYTES = 4096, LINE_HISTORY = 100 };

struct line_owner {
    void (*out)(void *opaque, const char *p, size_t n);
    void (*entered)(void *opaque, const char *line); /* NUL ended, without the end of line */
    /* The ways to go on at the end of `head` (the text before the cursor): whole words for its last one, into `words`
     * (strings that the caller frees). */
    void (*complete)(void *opaque, const char *head, GPtrArray *words);
    void *opaque;
};
struct line {
    struct line_owner owner;
    const char *prompt;
    char text[LINE_MAX_BYTES];
    unsigned len, at;          /* bytes; the cursor's place */
    char kept[LINE_MAX_BYTES]; /* the line begun before older ones were looked at */
    GPtrArray *history;
    unsigned back; /* how far back in history; 0: the line itself */
    enum { LINE_PLAIN, LINE_ESC, LINE_CSI } state;
    unsigned csi;  /* the number in the sequence */
    bool secret;   /* what is typed is not shown, nor kept in history */
    bool after_cr; /* a \n that follows \r is no line of its own */
};
void line_init(struct line *l, const char *prompt, const struct line_owner *o);
void line_free(struct line *l);
void line_show(struct line *l); /* prompt and what is typed so far, at the start of a line */
void line_input(struct line *l, const u8 *p, size_t n);

#endif
