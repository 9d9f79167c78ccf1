/* What a PS/2 keyboard sends for each key (ps2_keys.c). */
#ifndef MOSS_HW_INPUT_PS2_KEYS_H
#define MOSS_HW_INPUT_PS2_KEYS_H

#include "base/types.h"

enum ps2_key_kind {
    PS2_PLAIN,
    PS2_GREY,   /* one of the 101-key keyboard's second cursor block: hides Num Lock and Shift from old programs */
    PS2_SLASH,  /* the keypad's: hides Shift */
    PS2_PRINT,  /* a sequence that Shift, Ctrl and Alt change */
    PS2_PAUSE,  /* the same, and it has no release */
    PS2_SINGLE, /* only a make code, and never again while it is held */
};
struct ps2_key {
    u16 key;       /* KEY_* */
    u8 set2, set3; /* 0: the set has none */
    bool e0;       /* behind the prefix, in sets 1 and 2 */
    u8 kind;       /* enum ps2_key_kind */
};
const struct ps2_key *ps2_key_find(unsigned key); /* NULL: no such key on this keyboard */

/* Set 1's make code for set 2's. */
u8 ps2_set1(u8 set2);
/* How set 3's keys behave after reset. */
enum { PS2_REPEATS = 1, PS2_BREAKS = 2 };
u8 ps2_set3_type(u8 set3);

#endif
