/* Text screens in a terminal, by ncurses. A screen in a text mode is shown as characters and colors; of any other its
 * size is told. Keys come as characters, so they are turned into keys of a US keyboard, pressed and let go.
 *
 * Ctrl-A x ends moss, Ctrl-A Ctrl-A is Ctrl-A, as on the terminal of a serial port; Alt-1 to Alt-9 show the screens. A
 * terminal that is smaller than the screen shows the part where the cursor is. */
#include <curses.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/clock.h"
#include "base/watch.h"
#include "ui/display.h"
#include "ui/input.h"
#include "ui/keymap.h"

#define FRAME_NS 50000000ull
enum { ESCAPE = 1 /* Ctrl-A */, ESC = 27 };

static struct {
    struct screen *screen;
    struct screen_watch watch;
    struct timer tick;
    struct watch *input;
    bool escaped, altered; /* Ctrl-A, Esc came before */
    bool stale;
    int left, top; /* what is shown of a larger screen */
    u64 esc_at;
} con;

/* -- characters
 * -------------------------------------------------------------------------------------------------------- */

/* Code page 437 in Unicode. */
static const u16 cp437[256] = {
    0x0020, 0x263a, 0x263b, 0x2665, 0x2666, 0x2663, 0x2660, 0x2022, 0x25d8, 0x25cb, 0x25d9, 0x2642, 0x2640, 0x266a,
    0x266b, 0x263c, 0x25ba, 0x25c4, 0x2195, 0x203c, 0x00b6, 0x00a7, 0x25ac, 0x21a8, 0x2191, 0x2193, 0x2192, 0x2190,
    0x221f, 0x2194, 0x25b2, 0x25bc, 0x0020, 0x0021, 0x0022, 0x0023, 0x0024, 0x0025, 0x0026, 0x0027, 0x0028, 0x0029,
    0x002a, 0x002b, 0x002c, 0x002d, 0x002e, 0x002f, 0x0030, 0x0031, 0x0032, 0x0033, 0x0034, 0x0035, 0x0036, 0x0037,
    0x0038, 0x0039, 0x003a, 0x003b, 0x003c, 0x003d, 0x003e, 0x003f, 0x0040, 0x0041, 0x0042, 0x0043, 0x0044, 0x0045,
    0x0046, 0x0047, 0x0048, 0x0049, 0x004a, 0x004b, 0x004c, 0x004d, 0x004e, 0x004f, 0x0050, 0x0051, 0x0052, 0x0053,
    0x0054, 0x0055, 0x0056, 0x0057, 0x0058, 0x0059, 0x005a, 0x005b, 0x005c, 0x005d, 0x005e, 0x005f, 0x0060, 0x0061,
    0x0062, 0x0063, 0x0064, 0x0065, 0x0066, 0x0067, 0x0068, 0x0069, 0x006a, 0x006b, 0x006c, 0x006d, 0x006e, 0x006f,
    0x0070, 0x0071, 0x0072, 0x0073, 0x0074, 0x0075, 0x0076, 0x0077, 0x0078, 0x0079, 0x007a, 0x007b, 0x007c, 0x007d,
    0x007e, 0x2302, 0x00c7, 0x00fc, 0x00e9, 0x00e2, 0x00e4, 0x00e0, 0x00e5, 0x00e7, 0x00ea, 0x00eb, 0x00e8, 0x00ef,
    0x00ee, 0x00ec, 0x00c4, 0x00c5, 0x00c9, 0x00e6, 0x00c6, 0x00f4, 0x00f6, 0x00f2, 0x00fb, 0x00f9, 0x00ff, 0x00d6,
    0x00dc, 0x00a2, 0x00a3, 0x00a5, 0x20a7, 0x0192, 0x00e1, 0x00ed, 0x00f3, 0x00fa, 0x00f1, 0x00d1, 0x00aa, 0x00ba,
    0x00bf, 0x2310, 0x00ac, 0x00bd, 0x00bc, 0x00a1, 0x00ab, 0x00bb, 0x2591, 0x2592, 0x2593, 0x2502, 0x2524, 0x2561,
    0x2562, 0x2556, 0x2555, 0x2563, 0x2551, 0x2557, 0x255d, 0x255c, 0x255b, 0x2510, 0x2514, 0x2534, 0x252c, 0x251c,
    0x2500, 0x253c, 0x255e, 0x255f, 0x255a, 0x2554, 0x2569, 0x2566, 0x2560, 0x2550, 0x256c, 0x2567, 0x2568, 0x2564,
    0x2565, 0x2559, 0x2558, 0x2552, 0x2553, 0x256b, 0x256a, 0x2518, 0x250c, 0x2588, 0x2584, 0x258c, 0x2590, 0x2580,
    0x03b1, 0x00df, 0x0393, 0x03c0, 0x03a3, 0x03c3, 0x00b5, 0x03c4, 0x03a6, 0x0398, 0x03a9, 0x03b4, 0x221e, 0x03c6,
    0x03b5, 0x2229, 0x2261, 0x00b1, 0x2265, 0x2264, 0x2320, 0x2321, 0x00f7, 0x2248, 0x00b0, 0x2219, 0x00b7, 0x221a,
    0x207f, 0x00b2, 0x25a0, 0x0020,
};

/* Curses numbers red and blue otherwise than CGA. */
static short color(unsigned cga)
{
    static const short colors[8] = {COLOR_BLACK, COLOR_BLUE,    COLOR_GREEN,  COLOR_CYAN,
                                    COLOR_RED,   COLOR_MAGENTA, COLOR_YELLOW, COLOR_WHITE};
    return colors[cga & 7];
}
static short pair(unsigned fg, unsigned bg)
{
    return (short)(1 + (fg & 7) + 8 * (bg & 7));
}

static void cell_put(int y, int x, const struct text_cell *c)
{
    wchar_t text[2] = {cp437[c->ch], 0};
    cchar_t cc;
    attr_t attr = (c->fg & 8 ? A_BOLD : 0) | (c->blink ? A_BLINK : 0);
    setcchar(&cc, text, attr, has_colors() ? pair(c->fg, c->bg) : 0, NULL);
    mvadd_wch(y, x, &cc);
}

/* -- pictures
 * ---------------------------------------------------------------------------------------------------------- */

/* Where a window of `room` on `size` begins so that `at` is in it; as far as it can it stays. */
static int view_follow(int first, int room, int size, int at)
{
    first = at < first ? at : at >= first + room ? at - room + 1 : first;
    return MAX(0, MIN(first, size - room));
}

static void text_show(const struct text_screen *t)
{
    con.left = view_follow(con.left, COLS, t->cols, MAX(t->cursor_x, 0));
    con.top = view_follow(con.top, LINES, t->rows, MAX(t->cursor_y, 0));
    for (int y = 0; y < MIN(LINES, t->rows - con.top); y++) {
        for (int x = 0; x < MIN(COLS, t->cols - con.left); x++) {
            cell_put(y, x, &t->cells[(y + con.top) * t->cols + x + con.left]);
        }
    }
    curs_set(t->cursor_x >= 0);
    if (t->cursor_x >= 0) {
        move(t->cursor_y - con.top, t->cursor_x - con.left);
    }
}

static void size_show(void)
{
    const struct surface *f = screen_surface(con.screen);
    char text[64];
    snprintf(text, sizeof(text), "%s: %d x %d, graphics", screen_name(con.screen), f->w, f->h);
    erase();
    curs_set(0);
    mvaddstr(LINES / 2, MAX(0, (COLS - (int)strlen(text)) / 2), text);
}

static void show(void)
{
    static bool was_text;
    struct text_screen t;
    screen_refresh(con.screen);
    bool text = screen_text(con.screen, &t);
    if (text != was_text || con.stale) {
        erase();
    }
    was_text = text;
    con.stale = false;
    if (text) {
        text_show(&t);
    } else {
        size_show();
    }
    refresh();
}

/* -- keys
 * ---------------------------------------------------------------------------------------------------------------- */

static void press(unsigned key, const char *const *with)
{
    for (const char *const *w = with; *w; w++) {
        input_key(input_key_by_name(*w), true);
    }
    input_key(key, true);
    input_sync();
    input_key(key, false);
    for (const char *const *w = with; *w; w++) {
        input_key(input_key_by_name(*w), false);
    }
    input_sync();
}

static void key_send(unsigned key, bool shift, bool ctrl)
{
    const char *with[4] = {NULL};
    unsigned n = 0;
    if (con.altered) {
        with[n++] = "alt";
    }
    if (ctrl) {
        with[n++] = "ctrl";
    }
    if (shift) {
        with[n++] = "shift";
    }
    con.altered = false;
    if (key) {
        press(key, with);
    }
}

static void special_send(int c)
{
    static const struct {
        int curses;
        const char *name;
    } keys[] = {
        {KEY_UP, "up"},    {KEY_DOWN, "down"}, {KEY_LEFT, "left"},           {KEY_RIGHT, "right"}, {KEY_HOME, "home"},
        {KEY_END, "end"},  {KEY_IC, "insert"}, {KEY_DC, "delete"},           {KEY_PPAGE, "pgup"},  {KEY_NPAGE, "pgdn"},
        {KEY_BTAB, "tab"}, {KEY_ENTER, "ret"}, {KEY_BACKSPACE, "backspace"},
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (keys[i].curses == c) {
            key_send(input_key_by_name(keys[i].name), c == KEY_BTAB, false);
            return;
        }
    }
    if (c > KEY_F0 && c <= KEY_F(12)) {
        char name[8];
        snprintf(name, sizeof(name), "f%d", c - KEY_F0);
        key_send(input_key_by_name(name), false, false);
    }
}

static void character_send(wint_t c)
{
    switch (c) {
    case '\r':
    case '\n':
        key_send(input_key_by_name("ret"), false, false);
        break;
    case '\t':
        key_send(input_key_by_name("tab"), false, false);
        break;
    case 8:
    case 127:
        key_send(input_key_by_name("backspace"), false, false);
        break;
    default:
        if (c < ' ') {
            key_send(key_of_keysym(c + (c < 27 ? '`' : '@')), false, true);
        } else {
            key_send(key_of_keysym(c), keysym_shifts(c), false);
        }
    }
}

static void screen_show(struct screen *s)
{
    if (s && s != con.screen) {
        input_release_all();
        screen_unwatch(con.screen, &con.watch);
        con.screen = s;
        screen_watch(s, &con.watch);
    }
}

static void typed(bool special, wint_t c)
{
    if (special) {
        special_send((int)c);
    } else if (con.escaped) {
        con.escaped = false;
        if (c == 'x') {
            display_host.quit();
        } else if (c == ESCAPE) {
            character_send(c);
        }
    } else if (c == ESCAPE) {
        con.escaped = true;
    } else if (c == ESC && !con.altered) {
        con.altered = true;
        con.esc_at = clock_now(CLOCK_HOST);
    } else if (con.altered && c >= '1' && c <= '9') {
        con.altered = false;
        screen_show(display_screen(c - '1'));
    } else if (c == ESC) {
        con.altered = false;
        key_send(input_key_by_name("esc"), false, false);
    } else {
        character_send(c);
    }
}

static bool always(void *opaque)
{
    (void)opaque;
    return true;
}

static void on_input(void *opaque)
{
    wint_t c;
    int kind;
    (void)opaque;
    while ((kind = get_wch(&c)) != ERR) {
        if (kind == KEY_CODE_YES && c == KEY_RESIZE) {
            con.stale = true;
        } else {
            typed(kind == KEY_CODE_YES, c);
        }
    }
}

/* -- life
 * ---------------------------------------------------------------------------------------------------------------- */

static void on_tick(void *opaque)
{
    u64 now = clock_now(CLOCK_HOST);
    (void)opaque;
    if (con.altered && now - con.esc_at > 4 * FRAME_NS) { /* Esc, and no more */
        con.altered = false;
        key_send(input_key_by_name("esc"), false, false);
    }
    show();
    timer_set(&con.tick, now + FRAME_NS);
}

static void on_resized(void *opaque, struct screen *s)
{
    (void)opaque, (void)s;
    con.stale = true;
}
static void on_dirty(void *opaque, struct screen *s, struct rect r)
{
    (void)opaque, (void)s, (void)r;
}

static void terminal_back(void)
{
    if (!isendwin()) {
        endwin();
    }
}

static bool curses_init(struct opts *o, struct err *e)
{
    (void)o;
    if (!isatty(0) || !isatty(1)) {
        return err_set(e, "standard input and output are no terminal");
    }
    setlocale(LC_CTYPE, "");
    if (!initscr()) {
        return err_set(e, "curses does not know this terminal");
    }
    atexit(terminal_back);
    raw();
    noecho();
    nonl();
    nodelay(stdscr, TRUE);
    keypad(stdscr, TRUE);
    set_escdelay(25);
    if (has_colors()) {
        start_color();
        for (unsigned i = 0; i < 64; i++) {
            init_pair(pair(i & 7, i >> 3), color(i & 7), color(i >> 3));
        }
    }
    con.screen = display_screen(0);
    con.watch = (struct screen_watch){.resized = on_resized, .dirty = on_dirty};
    screen_watch(con.screen, &con.watch);
    con.input = watch_new(0, always, on_input, NULL);
    timer_init(&con.tick, CLOCK_HOST, on_tick, NULL);
    timer_set(&con.tick, 0);
    return true;
}

static void curses_fini(void)
{
    timer_cancel(&con.tick);
    watch_free(con.input);
    screen_unwatch(con.screen, &con.watch);
    terminal_back();
}

const struct display display_curses = {
    .name = "curses", .doc = "text screens in this terminal", .init = curses_init, .fini = curses_fini};
