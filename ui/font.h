/* The font of text consoles (ui/font.txt), and its characters. */
#ifndef MOSS_UI_FONT_H
#define MOSS_UI_FONT_H

#include "base/types.h"

enum { FONT_W = 8, FONT_H = 16 };
extern const u8 font[256][FONT_H]; /* by code page 437; rows from the top, bit 7 is left */
/* Code page 437 in Unicode, and back; what it has not gets a letter that is near, or 0xfe (a block). */
extern const u16 cp437[256];
u8 cp437_of(u32 unicode);

#endif
