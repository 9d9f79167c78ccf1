/* Text screens in a terminal, by ncurses. A screen in a text mode is shown as characters and colors; of any other its
 * size is told. Keys come as characters, so they are turned into keys of a US keyboard, pressed and let go.
 *
 * Ctrl-A x ends moss, Ctrl-A Ctrl-A is Ctrl-A, as on the terminal of a serial port; Alt-1 to Alt-9 show the screens. A
 * terminal that is smaller than the screen shows the part where the cursor is. Shift or Ctrl with PageUp, PageDown, and
 * Ctrl with Up, Down look back in a text console. */
#include <curses.h>
#include <glib.h>
#include <locale.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>

#include "base/clock.h"
#include "base/watch.h"
#include "ui/display.h"
#include "ui/font.h"
#include "ui/input.h"
#include "ui/keymap.h"

#define FRAME_NS 50000000ull
enum { ESCAPE = 1 /* Ctrl-A */, ESC = 27 };
enum { CTRL_PPAGE = KEY_MAX + 1, CTRL_NPAGE, CTRL_UP, CTRL_DOWN }; /* keys that curses has no numbers for */

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

/* What the guest's font has beyond ASCII: code page 437, or what charset= says. */
static u16 glyphs[256];

static bool glyphs_read(const char *charset, struct err *e)
{
    memcpy(glyphs, cp437, sizeof(glyphs));
    for (unsigned i = 0x80; charset && i < 256; i++) {
        gsize n = 0;
        GError *why = NULL;
        gchar *text = g_convert((const char[]){(char)i}, 1, "UTF-8", charset, NULL, &n, &why);
        bool unknown = why && why->code == G_CONVERT_ERROR_NO_CONVERSION;
        gunichar c = text && n ? g_utf8_get_char(text) : ' ';
        glyphs[i] = c < 0x10000 && !g_unichar_iscntrl(c) ? (u16)c : ' ';
        g_free(text);
        g_clear_error(&why);
        if (unknown) {
            return err_set(e, "charset=%s: iconv does not know it", charset);
        }
    }
    return true;
}

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
    wchar_t text[2] = {screen_is_console(con.screen) ? cp437[c->ch] : glyphs[c->ch], 0};
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
    if (screen_is_console(con.screen)) {
        struct typed t = {.key = key, .shift = shift, .ctrl = ctrl, .alt = con.altered};
        con.altered = false;
        screen_type(con.screen, &t);
        return;
    }
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

/* A text console takes characters as they are. */
static void console_send(wint_t c)
{
    struct typed t = {.ch = c, .alt = con.altered};
    con.altered = false;
    if (c && c < ' ') {
        t.ctrl = true;
        t.ch = c + '@' + (c <= 26 ? 32 : 0);
    }
    screen_type(con.screen, &t);
}

/* As xterm and most that are like it send them; curses knows some, on some terminals. */
static void keys_define(void)
{
    static const struct {
        const char *sent;
        int curses;
    } keys[] = {{"\033[5;2~", KEY_SPREVIOUS}, {"\033[6;2~", KEY_SNEXT}, {"\033[5;5~", CTRL_PPAGE},
                {"\033[6;5~", CTRL_NPAGE},    {"\033[1;5A", CTRL_UP},   {"\033[1;5B", CTRL_DOWN}};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        define_key(keys[i].sent, keys[i].curses);
    }
}

/* Text consoles look back by Ctrl; guests get what was pressed. */
static void special_send(int c)
{
    static const struct {
        int curses;
        const char *name;
        bool shift, ctrl;
    } keys[] = {
        {KEY_SPREVIOUS, "pgup", .shift = true},
        {KEY_SNEXT, "pgdn", .shift = true},
        {CTRL_PPAGE, "pgup", .ctrl = true},
        {CTRL_NPAGE, "pgdn", .ctrl = true},
        {CTRL_UP, "up", .ctrl = true},
        {CTRL_DOWN, "down", .ctrl = true},
        {KEY_UP, "up"},
        {KEY_DOWN, "down"},
        {KEY_LEFT, "left"},
        {KEY_RIGHT, "right"},
        {KEY_HOME, "home"},
        {KEY_END, "end"},
        {KEY_IC, "insert"},
        {KEY_DC, "delete"},
        {KEY_PPAGE, "pgup"},
        {KEY_NPAGE, "pgdn"},
        {KEY_BTAB, "tab", .shift = true},
        {KEY_ENTER, "ret"},
        {KEY_BACKSPACE, "backspace"},
    };
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (keys[i].curses == c) {
            bool back = c == KEY_SPREVIOUS || c == KEY_SNEXT;
            key_send(input_key_by_name(keys[i].name), keys[i].shift,
                     keys[i].ctrl || (back && screen_is_console(con.screen)));
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
        if (screen_is_console(con.screen)) {
            console_send(c);
        } else if (c < ' ') {
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
    if (!glyphs_read(opts_str(o, "charset", NULL), e)) {
        return false;
    }
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
    keys_define();
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

static const struct opt_key keys[] = {
    {"charset", "NAME", "of the guest's font, as iconv calls it (default CP437)"},
    {0},
};
const struct display display_curses = {
    .name = "curses", .doc = "text screens in this terminal", .keys = keys, .init = curses_init, .fini = curses_fini};
