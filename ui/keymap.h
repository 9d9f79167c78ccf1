/* Other numberings of keys to Linux's KEY_*; 0: there is no such key. */
#ifndef MOSS_UI_KEYMAP_H
#define MOSS_UI_KEYMAP_H

#include "base/types.h"

unsigned key_of_keysym(u32 keysym);        /* X11's, by the keys of a US keyboard */
u32 char_of_keysym(u32 keysym);            /* Unicode; 0: no character */
u32 char_of_key(unsigned key, bool shift); /* on a US keyboard, its keypad with NumLock; 0: none */
bool keysym_shifts(u32 keysym);            /* a character that needs Shift there */
unsigned key_of_scancode(unsigned xt);     /* a PC's set 1; 0x80: behind an E0 prefix */
unsigned key_of_usage(unsigned usage);     /* USB HID, keyboard page; SDL's scancodes are the same */

#endif
