/* Keys by X11's keysyms, by PC scan codes of set 1, by USB HID usages, as Linux's numbers. SPEC: X11's keysymdef.h; IBM
 * PC AT keyboards' set 1, whose plain codes are Linux's own numbers; USB HID Usage Tables, "Keyboard/Keypad Page". */
#include "ui/keymap.h"

#include <linux/input-event-codes.h>

/* -- keysyms ------------------------------------------------------------------------------------------------------ */

/* The characters of each key of a US keyboard, plain and with Shift. */
static const struct {
    char plain, shifted;
    u16 key;
} chars[] = {
    {'1', '!', KEY_1},          {'2', '@', KEY_2},         {'3', '#', KEY_3},           {'4', '$', KEY_4},
    {'5', '%', KEY_5},          {'6', '^', KEY_6},         {'7', '&', KEY_7},           {'8', '*', KEY_8},
    {'9', '(', KEY_9},          {'0', ')', KEY_0},         {'-', '_', KEY_MINUS},       {'=', '+', KEY_EQUAL},
    {'q', 'Q', KEY_Q},          {'w', 'W', KEY_W},         {'e', 'E', KEY_E},           {'r', 'R', KEY_R},
    {'t', 'T', KEY_T},          {'y', 'Y', KEY_Y},         {'u', 'U', KEY_U},           {'i', 'I', KEY_I},
    {'o', 'O', KEY_O},          {'p', 'P', KEY_P},         {'[', '{', KEY_LEFTBRACE},   {']', '}', KEY_RIGHTBRACE},
    {'a', 'A', KEY_A},          {'s', 'S', KEY_S},         {'d', 'D', KEY_D},           {'f', 'F', KEY_F},
    {'g', 'G', KEY_G},          {'h', 'H', KEY_H},         {'j', 'J', KEY_J},           {'k', 'K', KEY_K},
    {'l', 'L', KEY_L},          {';', ':', KEY_SEMICOLON}, {'\'', '"', KEY_APOSTROPHE}, {'`', '~', KEY_GRAVE},
    {'\\', '|', KEY_BACKSLASH}, {'z', 'Z', KEY_Z},         {'x', 'X', KEY_X},           {'c', 'C', KEY_C},
    {'v', 'V', KEY_V},          {'b', 'B', KEY_B},         {'n', 'N', KEY_N},           {'m', 'M', KEY_M},
    {',', '<', KEY_COMMA},      {'.', '>', KEY_DOT},       {'/', '?', KEY_SLASH},       {' ', ' ', KEY_SPACE},
};

static const struct {
    u32 keysym;
    u16 key;
} others[] = {
    {0xff08, KEY_BACKSPACE},
    {0xff09, KEY_TAB},
    {0xfe20, KEY_TAB}, /* ISO_Left_Tab: with Shift */
    {0xff0a, KEY_LINEFEED},
    {0xff0d, KEY_ENTER},
    {0xff13, KEY_PAUSE},
    {0xff14, KEY_SCROLLLOCK},
    {0xff15, KEY_SYSRQ},
    {0xff1b, KEY_ESC},
    {0xff20, KEY_COMPOSE},
    {0xff22, KEY_MUHENKAN},
    {0xff23, KEY_HENKAN},
    {0xff27, KEY_KATAKANAHIRAGANA},
    {0xff31, KEY_HANGEUL},
    {0xff34, KEY_HANJA},
    {0xff50, KEY_HOME},
    {0xff51, KEY_LEFT},
    {0xff52, KEY_UP},
    {0xff53, KEY_RIGHT},
    {0xff54, KEY_DOWN},
    {0xff55, KEY_PAGEUP},
    {0xff56, KEY_PAGEDOWN},
    {0xff57, KEY_END},
    {0xff61, KEY_SYSRQ},
    {0xff63, KEY_INSERT},
    {0xff65, KEY_UNDO},
    {0xff66, KEY_AGAIN},
    {0xff67, KEY_COMPOSE},
    {0xff68, KEY_FIND},
    {0xff69, KEY_STOP},
    {0xff6a, KEY_HELP},
    {0xff6b, KEY_PAUSE},
    {0xff7f, KEY_NUMLOCK},
    {0xff8d, KEY_KPENTER},
    {0xff95, KEY_KP7},
    {0xff96, KEY_KP4},
    {0xff97, KEY_KP8},
    {0xff98, KEY_KP6},
    {0xff99, KEY_KP2},
    {0xff9a, KEY_KP9},
    {0xff9b, KEY_KP3},
    {0xff9c, KEY_KP1},
    {0xff9d, KEY_KP5},
    {0xff9e, KEY_KP0},
    {0xff9f, KEY_KPDOT},
    {0xffaa, KEY_KPASTERISK},
    {0xffab, KEY_KPPLUS},
    {0xffac, KEY_KPCOMMA},
    {0xffad, KEY_KPMINUS},
    {0xffae, KEY_KPDOT},
    {0xffaf, KEY_KPSLASH},
    {0xffb0, KEY_KP0},
    {0xffb1, KEY_KP1},
    {0xffb2, KEY_KP2},
    {0xffb3, KEY_KP3},
    {0xffb4, KEY_KP4},
    {0xffb5, KEY_KP5},
    {0xffb6, KEY_KP6},
    {0xffb7, KEY_KP7},
    {0xffb8, KEY_KP8},
    {0xffb9, KEY_KP9},
    {0xffbd, KEY_KPEQUAL},
    {0xffc8, KEY_F11},
    {0xffc9, KEY_F12},
    {0xffe1, KEY_LEFTSHIFT},
    {0xffe2, KEY_RIGHTSHIFT},
    {0xffe3, KEY_LEFTCTRL},
    {0xffe4, KEY_RIGHTCTRL},
    {0xffe5, KEY_CAPSLOCK},
    {0xffe7, KEY_LEFTMETA},
    {0xffe8, KEY_RIGHTMETA},
    {0xffe9, KEY_LEFTALT},
    {0xffea, KEY_RIGHTALT},
    {0xffeb, KEY_LEFTMETA},
    {0xffec, KEY_RIGHTMETA},
    {0xfe03, KEY_RIGHTALT}, /* AltGr */
    {0xffff, KEY_DELETE},
    {0xff25, KEY_HIRAGANA},
    {0xff26, KEY_KATAKANA},
    {0xff2a, KEY_ZENKAKUHANKAKU},
    /* XF86keysym.h */
    {0x1008ff11, KEY_VOLUMEDOWN},
    {0x1008ff12, KEY_MUTE},
    {0x1008ff13, KEY_VOLUMEUP},
    {0x1008ff14, KEY_PLAYPAUSE},
    {0x1008ff15, KEY_STOPCD},
    {0x1008ff16, KEY_PREVIOUSSONG},
    {0x1008ff17, KEY_NEXTSONG},
    {0x1008ff18, KEY_HOMEPAGE},
    {0x1008ff19, KEY_MAIL},
    {0x1008ff1b, KEY_SEARCH},
    {0x1008ff1d, KEY_CALC},
    {0x1008ff26, KEY_BACK},
    {0x1008ff27, KEY_FORWARD},
    {0x1008ff28, KEY_STOP},
    {0x1008ff29, KEY_REFRESH},
    {0x1008ff2a, KEY_POWER},
    {0x1008ff2b, KEY_WAKEUP},
    {0x1008ff2e, KEY_HOMEPAGE},
    {0x1008ff2f, KEY_SLEEP},
    {0x1008ff30, KEY_BOOKMARKS},
    {0x1008ff32, KEY_MEDIA},
    {0x1008ff33, KEY_COMPUTER},
};

unsigned key_of_keysym(u32 keysym)
{
    for (unsigned i = 0; i < ARRAY_LEN(chars); i++) {
        if (keysym == (u8)chars[i].plain || keysym == (u8)chars[i].shifted) {
            return chars[i].key;
        }
    }
    if (keysym >= 0xffbe && keysym <= 0xffc7) {
        return KEY_F1 + (keysym - 0xffbe);
    }
    if (keysym >= 0xffca && keysym <= 0xffd5) {
        return KEY_F13 + (keysym - 0xffca);
    }
    for (unsigned i = 0; i < ARRAY_LEN(others); i++) {
        if (keysym == others[i].keysym) {
            return others[i].key;
        }
    }
    return 0;
}

/* Latin-1 is itself, the keypad's are ASCII behind 0xff80, all the rest is Unicode behind 0x1000000. */
u32 char_of_keysym(u32 keysym)
{
    if ((keysym >= 0x20 && keysym < 0x7f) || (keysym >= 0xa0 && keysym < 0x100)) {
        return keysym;
    }
    if (keysym >= 0xffaa && keysym <= 0xffb9) {
        return keysym - 0xff80;
    }
    return keysym == 0xffbd ? '=' : keysym > 0x1000000 && keysym <= 0x110ffff ? keysym - 0x1000000 : 0;
}

u32 char_of_key(unsigned key, bool shift)
{
    static const char pad[] = "789-456+1230.";
    for (unsigned i = 0; i < ARRAY_LEN(chars); i++) {
        if (chars[i].key == key) {
            return (u8)(shift ? chars[i].shifted : chars[i].plain);
        }
    }
    if (key >= KEY_KP7 && key <= KEY_KPDOT) {
        return (u8)pad[key - KEY_KP7];
    }
    return key == KEY_KPSLASH ? '/' : key == KEY_KPASTERISK ? '*' : 0;
}

bool keysym_shifts(u32 keysym)
{
    for (unsigned i = 0; i < ARRAY_LEN(chars); i++) {
        if (keysym == (u8)chars[i].shifted) {
            return chars[i].shifted != chars[i].plain;
        }
    }
    return keysym == 0xfe20;
}

/* -- scan codes ------------------------------------------------------------------------------------------------------
 */

unsigned key_of_scancode(unsigned xt)
{
    static const u16 odd[128] = {
        [0x54] = KEY_SYSRQ,
        [0x59] = KEY_KPEQUAL,
        [0x70] = KEY_KATAKANAHIRAGANA,
        [0x73] = KEY_RO,
        [0x76] = KEY_ZENKAKUHANKAKU,
        [0x77] = KEY_HIRAGANA,
        [0x78] = KEY_KATAKANA,
        [0x79] = KEY_HENKAN,
        [0x5c] = KEY_KPJPCOMMA,
        [0x64] = KEY_F13,
        [0x65] = KEY_F14,
        [0x66] = KEY_F15,
        [0x67] = KEY_F16,
        [0x68] = KEY_F17,
        [0x69] = KEY_F18,
        [0x6a] = KEY_F19,
        [0x6b] = KEY_F20,
        [0x6c] = KEY_F21,
        [0x6d] = KEY_F22,
        [0x6e] = KEY_F23,
        [0x7b] = KEY_MUHENKAN,
        [0x7d] = KEY_YEN,
        [0x7e] = KEY_KPCOMMA,
    };
    static const u16 extended[128] = {
        [0x10] = KEY_PREVIOUSSONG, [0x19] = KEY_NEXTSONG, [0x1c] = KEY_KPENTER,   [0x1d] = KEY_RIGHTCTRL,
        [0x20] = KEY_MUTE,         [0x21] = KEY_CALC,     [0x22] = KEY_PLAYPAUSE, [0x24] = KEY_STOPCD,
        [0x2e] = KEY_VOLUMEDOWN,   [0x30] = KEY_VOLUMEUP, [0x32] = KEY_HOMEPAGE,  [0x35] = KEY_KPSLASH,
        [0x37] = KEY_SYSRQ,        [0x38] = KEY_RIGHTALT, [0x45] = KEY_NUMLOCK,   [0x46] = KEY_PAUSE,
        [0x47] = KEY_HOME,         [0x48] = KEY_UP,       [0x49] = KEY_PAGEUP,    [0x4b] = KEY_LEFT,
        [0x4d] = KEY_RIGHT,        [0x4f] = KEY_END,      [0x50] = KEY_DOWN,      [0x51] = KEY_PAGEDOWN,
        [0x52] = KEY_INSERT,       [0x53] = KEY_DELETE,   [0x5b] = KEY_LEFTMETA,  [0x5c] = KEY_RIGHTMETA,
        [0x5d] = KEY_COMPOSE,      [0x5e] = KEY_POWER,    [0x5f] = KEY_SLEEP,     [0x63] = KEY_WAKEUP,
        [0x66] = KEY_BOOKMARKS,    [0x67] = KEY_REFRESH,  [0x69] = KEY_FORWARD,   [0x6a] = KEY_BACK,
        [0x6b] = KEY_COMPUTER,     [0x6c] = KEY_MAIL,     [0x6d] = KEY_MEDIA,     [0x71] = KEY_HANJA,
        [0x72] = KEY_HANGEUL,      [0x65] = KEY_SEARCH,   [0x68] = KEY_STOP,
    };
    if (xt & 0x80) {
        return extended[xt & 0x7f];
    }
    xt &= 0x7f;
    if (xt >= 1 && xt <= KEY_KPDOT) {
        return xt == 0x45 ? KEY_NUMLOCK : xt;
    }
    return xt >= KEY_102ND && xt <= KEY_F12 ? xt : odd[xt];
}

/* -- HID usages ------------------------------------------------------------------------------------------------------
 */

unsigned key_of_usage(unsigned usage)
{
    static const u16 keys[256] = {
        [0x04] = KEY_A,
        KEY_B,
        KEY_C,
        KEY_D,
        KEY_E,
        KEY_F,
        KEY_G,
        KEY_H,
        KEY_I,
        KEY_J,
        KEY_K,
        KEY_L,
        KEY_M,
        KEY_N,
        KEY_O,
        KEY_P,
        KEY_Q,
        KEY_R,
        KEY_S,
        KEY_T,
        KEY_U,
        KEY_V,
        KEY_W,
        KEY_X,
        KEY_Y,
        KEY_Z,
        KEY_1,
        KEY_2,
        KEY_3,
        KEY_4,
        KEY_5,
        KEY_6,
        KEY_7,
        KEY_8,
        KEY_9,
        KEY_0,
        KEY_ENTER,
        KEY_ESC,
        KEY_BACKSPACE,
        KEY_TAB,
        KEY_SPACE,
        KEY_MINUS,
        KEY_EQUAL,
        KEY_LEFTBRACE,
        KEY_RIGHTBRACE,
        KEY_BACKSLASH,
        KEY_BACKSLASH,
        KEY_SEMICOLON,
        KEY_APOSTROPHE,
        KEY_GRAVE,
        KEY_COMMA,
        KEY_DOT,
        KEY_SLASH,
        KEY_CAPSLOCK,
        KEY_F1,
        KEY_F2,
        KEY_F3,
        KEY_F4,
        KEY_F5,
        KEY_F6,
        KEY_F7,
        KEY_F8,
        KEY_F9,
        KEY_F10,
        KEY_F11,
        KEY_F12,
        KEY_SYSRQ,
        KEY_SCROLLLOCK,
        KEY_PAUSE,
        KEY_INSERT,
        KEY_HOME,
        KEY_PAGEUP,
        KEY_DELETE,
        KEY_END,
        KEY_PAGEDOWN,
        KEY_RIGHT,
        KEY_LEFT,
        KEY_DOWN,
        KEY_UP,
        KEY_NUMLOCK,
        KEY_KPSLASH,
        KEY_KPASTERISK,
        KEY_KPMINUS,
        KEY_KPPLUS,
        KEY_KPENTER,
        KEY_KP1,
        KEY_KP2,
        KEY_KP3,
        KEY_KP4,
        KEY_KP5,
        KEY_KP6,
        KEY_KP7,
        KEY_KP8,
        KEY_KP9,
        KEY_KP0,
        KEY_KPDOT,
        KEY_102ND,
        KEY_COMPOSE,
        KEY_POWER,
        KEY_KPEQUAL,
        KEY_F13,
        KEY_F14,
        KEY_F15,
        KEY_F16,
        KEY_F17,
        KEY_F18,
        KEY_F19,
        KEY_F20,
        KEY_F21,
        KEY_F22,
        KEY_F23,
        KEY_F24,
        KEY_OPEN,
        KEY_HELP,
        KEY_PROPS,
        KEY_FRONT,
        KEY_STOP,
        KEY_AGAIN,
        KEY_UNDO,
        KEY_CUT,
        KEY_COPY,
        KEY_PASTE,
        KEY_FIND,
        KEY_MUTE,
        KEY_VOLUMEUP,
        KEY_VOLUMEDOWN,
        [0x85] = KEY_KPCOMMA,
        [0x87] = KEY_RO,
        KEY_KATAKANAHIRAGANA,
        KEY_YEN,
        KEY_HENKAN,
        KEY_MUHENKAN,
        KEY_KPJPCOMMA,
        [0x90] = KEY_HANGEUL,
        KEY_HANJA,
        KEY_KATAKANA,
        KEY_HIRAGANA,
        KEY_ZENKAKUHANKAKU,
        [0xe0] = KEY_LEFTCTRL,
        KEY_LEFTSHIFT,
        KEY_LEFTALT,
        KEY_LEFTMETA,
        KEY_RIGHTCTRL,
        KEY_RIGHTSHIFT,
        KEY_RIGHTALT,
        KEY_RIGHTMETA,
    };
    return usage < ARRAY_LEN(keys) ? keys[usage] : 0;
}
