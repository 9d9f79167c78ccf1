/* A text console: a terminal (ui/vt.h) drawn on a screen of its own, so that every display shows it beside the guest's
 * screens. What is typed there goes to `input`; system/ puts a character device behind it. Machine lock held. */
#ifndef MOSS_UI_CONSOLE_H
#define MOSS_UI_CONSOLE_H

#include "ui/screen.h"

enum { CONSOLE_COLS = 80, CONSOLE_ROWS = 24 };

struct console;
/* `name` is copied. `fixed`: a display that is made larger does not change columns and rows. */
struct console *console_new(const char *name, int cols, int rows, bool fixed,
                            void (*input)(void *opaque, const void *p, size_t n), void *opaque);
void console_free(struct console *c); /* nobody watches its screen any more */
void console_write(struct console *c, const void *p, size_t n);

#endif
