/* The terminal's cells, cursor and keys (vt.h). The lines lie in a ring, so that scrolling the whole screen moves a
 * number and leaves what went over the top as history; the alternate screen has a ring without history. */
#include "ui/vt.h"

#include <linux/input-event-codes.h>
#include <string.h>

#include "ui/font.h"
#include "ui/vt_priv.h"

/* -- cells ----------------------------------------------------------------------------------------------------------
 */

static struct text_cell *line_at(const struct vt *t, int y)
{
    int i = (t->first + y) % t->lines;
    return t->ring + (size_t)(i < 0 ? i + t->lines : i) * (size_t)t->cols;
}

static struct text_cell cell_of(const struct vt_pen *p, u8 ch)
{
    u8 fg = p->fg | (p->bold && p->fg < 8 ? 8 : 0);
    struct text_cell c = {
        .ch = p->hidden ? ' ' : ch,
        .fg = p->reverse ? p->bg : fg,
        .bg = p->reverse ? fg : p->bg,
        .blink = p->blink,
        .underline = p->underline,
    };
    return c;
}

/* Erased cells have the pen's background, and nothing else of it. */
static void blank(struct vt *t, struct text_cell *c, int n)
{
    struct text_cell b = {.ch = ' ', .fg = 7, .bg = t->at.pen.reverse ? 0 : t->at.pen.bg};
    for (int i = 0; i < n; i++) {
        c[i] = b;
    }
}

static struct text_cell *cells_new(int lines, int cols)
{
    struct text_cell *c = calloc((size_t)lines * (size_t)cols, sizeof(*c));
    must(c);
    for (size_t i = 0; i < (size_t)lines * (size_t)cols; i++) {
        c[i] = (struct text_cell){.ch = ' ', .fg = 7};
    }
    return c;
}

static void changed(struct vt *t)
{
    t->version++;
}

static int cut(int v, int least, int most)
{
    return v < least ? least : v > most ? most : v;
}

/* -- scrolling ------------------------------------------------------------------------------------------------------
 */

static void screen_feed(struct vt *t)
{
    t->first = (t->first + 1) % t->lines;
    t->kept = MIN(t->kept + 1, t->lines - t->rows);
    if (t->back) { /* who looks back goes on seeing the same */
        t->back = MIN(t->back + 1, t->kept);
    }
    blank(t, line_at(t, t->rows - 1), t->cols);
}

/* Lines from..to-1 go up by n, or down. */
static void lines_move(struct vt *t, int from, int to, int n)
{
    size_t bytes = (size_t)t->cols * sizeof(*t->ring);
    int room = to - from;
    n = cut(n, -room, room);
    if (n > 0) {
        for (int y = from; y + n < to; y++) {
            memcpy(line_at(t, y), line_at(t, y + n), bytes);
        }
        for (int y = to - n; y < to; y++) {
            blank(t, line_at(t, y), t->cols);
        }
    } else {
        for (int y = to - 1; y + n >= from; y--) {
            memcpy(line_at(t, y), line_at(t, y + n), bytes);
        }
        for (int y = from; y < from - n; y++) {
            blank(t, line_at(t, y), t->cols);
        }
    }
    changed(t);
}

void vt_region_scroll(struct vt *t, int n)
{
    if (!t->top && t->bottom == t->rows && n > 0) {
        for (n = MIN(n, t->rows); n; n--) {
            screen_feed(t);
        }
        changed(t);
    } else {
        lines_move(t, t->top, t->bottom, n);
    }
}

void vt_line_feed(struct vt *t)
{
    t->at.wrap = false;
    if (t->at.y == t->bottom - 1) {
        vt_region_scroll(t, 1);
    } else if (t->at.y < t->rows - 1) {
        t->at.y++;
    }
    changed(t);
}

void vt_reverse_feed(struct vt *t)
{
    t->at.wrap = false;
    if (t->at.y == t->top) {
        vt_region_scroll(t, -1);
    } else if (t->at.y) {
        t->at.y--;
    }
    changed(t);
}

void vt_history_forget(struct vt *t)
{
    t->kept = t->back = 0;
    changed(t);
}

void vt_scroll(struct vt *t, int lines)
{
    int back = cut(t->back + lines, 0, t->kept);
    if (back != t->back) {
        t->back = back;
        changed(t);
    }
}

int vt_scrolled(const struct vt *t)
{
    return t->back;
}

/* -- writing --------------------------------------------------------------------------------------------------------
 */

/* DEC's special graphics, for 0x60..0x7e. */
static u8 graphics(u32 c)
{
    static const u16 set[] = {0x25c6, 0x2592, ' ',    ' ',    ' ',    ' ',    0x00b0, 0x00b1, ' ',   ' ',    0x2518,
                              0x2510, 0x250c, 0x2514, 0x253c, 0x2500, 0x2500, 0x2500, '_',    '_',   0x251c, 0x2524,
                              0x2534, 0x252c, 0x2502, 0x2264, 0x2265, 0x03c0, '#',    0x00a3, 0x00b7};
    return cp437_of(c >= 0x60 && c - 0x60 < ARRAY_LEN(set) ? set[c - 0x60] : c);
}

void vt_put(struct vt *t, u32 unicode)
{
    bool lines = t->at.charset[t->at.shift] == '0';
    if (t->at.wrap && t->autowrap) {
        t->at.x = 0;
        vt_line_feed(t);
    }
    struct text_cell *line = line_at(t, t->at.y), *c = line + t->at.x;
    if (t->insert) {
        memmove(c + 1, c, (size_t)(t->cols - t->at.x - 1) * sizeof(*c));
    }
    *c = cell_of(&t->at.pen, lines ? graphics(unicode) : cp437_of(unicode));
    t->at.wrap = t->at.x == t->cols - 1;
    t->at.x += !t->at.wrap;
    t->last = unicode;
    changed(t);
}

void vt_go(struct vt *t, int x, int y)
{
    int top = t->at.origin ? t->top : 0, bottom = t->at.origin ? t->bottom : t->rows;
    t->at.x = cut(x, 0, t->cols - 1);
    t->at.y = cut(y, 0, t->rows) + top;
    t->at.y = MIN(t->at.y, bottom - 1);
    t->at.wrap = false;
    changed(t);
}

void vt_move(struct vt *t, int dx, int dy)
{
    int top = t->at.y >= t->top ? t->top : 0, bottom = t->at.y < t->bottom ? t->bottom : t->rows;
    t->at.x = cut(t->at.x + dx, 0, t->cols - 1);
    t->at.y = cut(t->at.y + dy, top, bottom - 1);
    t->at.wrap = false;
    changed(t);
}

void vt_tab(struct vt *t, int n)
{
    int step = n < 0 ? -1 : 1, x = t->at.x;
    for (n = MIN(abs(n), t->cols); n; n--) {
        do {
            x += step;
        } while (x > 0 && x < t->cols - 1 && !t->tabs[x]);
    }
    vt_go(t, x, t->at.y - (t->at.origin ? t->top : 0));
}

void vt_erase(struct vt *t, int x1, int y1, int x2, int y2)
{
    for (int y = y1; y <= y2 && y < t->rows; y++) {
        int from = y == y1 ? x1 : 0, to = y == y2 ? x2 : t->cols;
        if (from < to) {
            blank(t, line_at(t, y) + from, to - from);
        }
    }
    t->at.wrap = false;
    changed(t);
}

void vt_lines_insert(struct vt *t, int n)
{
    if (t->at.y >= t->top && t->at.y < t->bottom) {
        lines_move(t, t->at.y, t->bottom, -n);
        t->at.x = 0;
        t->at.wrap = false;
    }
}

void vt_chars_insert(struct vt *t, int n)
{
    int room = t->cols - t->at.x;
    struct text_cell *c = line_at(t, t->at.y) + t->at.x;
    n = cut(n, -room, room);
    size_t bytes = (size_t)(room - abs(n)) * sizeof(*c);
    if (n > 0) {
        memmove(c + n, c, bytes);
        blank(t, c, n);
    } else {
        memmove(c, c - n, bytes);
        blank(t, c + room + n, -n);
    }
    t->at.wrap = false;
    changed(t);
}

/* -- the alternate screen, and life -----------------------------------------------------------------------------------
 */

void vt_alternate(struct vt *t, bool on)
{
    if (on == (t->other != NULL)) {
        return;
    }
    if (on) {
        t->other = t->ring;
        t->other_first = t->first;
        t->other_kept = t->kept;
        t->ring = cells_new(t->rows, t->cols);
        t->lines = t->rows;
        t->first = t->kept = 0;
    } else {
        free(t->ring);
        t->ring = t->other;
        t->other = NULL;
        t->lines = VT_HISTORY + t->rows;
        t->first = t->other_first;
        t->kept = t->other_kept;
    }
    t->back = 0;
    changed(t);
}

void vt_reset(struct vt *t)
{
    vt_alternate(t, false);
    t->at = t->saved = (struct vt_place){.pen = {.fg = 7}};
    t->top = 0;
    t->bottom = t->rows;
    t->insert = t->newline = t->cursor_keys = t->cursor_hidden = false;
    t->autowrap = true;
    for (int i = 0; i < VT_MAX; i++) {
        t->tabs[i] = i % 8 == 0;
    }
    vt_erase(t, 0, 0, t->cols, t->rows - 1);
}

struct vt *vt_new(int cols, int rows, void (*reply)(void *opaque, const void *p, size_t n), void *opaque)
{
    struct vt *t = calloc(1, sizeof(*t));
    must(t);
    t->cols = cut(cols, 1, VT_MAX);
    t->rows = cut(rows, 1, VT_MAX);
    t->lines = VT_HISTORY + t->rows;
    t->ring = cells_new(t->lines, t->cols);
    t->view = cells_new(t->rows, t->cols);
    t->reply = reply;
    t->opaque = opaque;
    vt_reset(t);
    return t;
}

void vt_free(struct vt *t)
{
    if (t) {
        free(t->ring);
        free(t->other);
        free(t->view);
        free(t);
    }
}

/* The ring anew: screen and history up to where the cursor's line is the last that must be seen. */
static void ring_resize(struct vt *t, int cols, int rows, int history, int cursor_y)
{
    int lines = history + rows, gone = MAX(0, cursor_y - (rows - 1));
    struct text_cell *ring = cells_new(lines, cols);
    int kept = MIN(t->kept + gone, history), n = MIN(rows, t->rows - gone);
    for (int y = -kept; y < n; y++) {
        int to = (y + lines) % lines;
        memcpy(ring + (size_t)to * (size_t)cols, line_at(t, y + gone), (size_t)MIN(cols, t->cols) * sizeof(*ring));
    }
    free(t->ring);
    t->ring = ring;
    t->lines = lines;
    t->first = 0;
    t->kept = kept;
}

void vt_resize(struct vt *t, int cols, int rows)
{
    cols = cut(cols, 1, VT_MAX);
    rows = cut(rows, 1, VT_MAX);
    if (cols == t->cols && rows == t->rows) {
        return;
    }
    int y = t->at.y;
    bool alternate = t->other != NULL;
    ring_resize(t, cols, rows, alternate ? 0 : VT_HISTORY, y);
    if (alternate) {
        struct vt m = *t;
        m.ring = t->other;
        m.lines = VT_HISTORY + t->rows;
        m.first = t->other_first;
        m.kept = t->other_kept;
        ring_resize(&m, cols, rows, VT_HISTORY, MIN(t->saved.y, t->rows - 1));
        t->other = m.ring;
        t->other_first = 0;
        t->other_kept = m.kept;
    }
    t->at.y = y - MAX(0, y - (rows - 1));
    t->at.x = MIN(t->at.x, cols - 1);
    t->at.wrap = false;
    t->saved.x = MIN(t->saved.x, cols - 1);
    t->saved.y = MIN(t->saved.y, rows - 1);
    t->cols = cols;
    t->rows = rows;
    t->top = 0;
    t->bottom = rows;
    t->back = MIN(t->back, t->kept);
    free(t->view);
    t->view = cells_new(rows, cols);
    changed(t);
}

void vt_write(struct vt *t, const void *p, size_t n)
{
    const u8 *b = p;
    for (size_t i = 0; i < n; i++) {
        vt_byte(t, b[i]);
    }
}

void vt_view(struct vt *t, struct text_screen *out)
{
    for (int y = 0; y < t->rows; y++) {
        memcpy(t->view + (size_t)y * (size_t)t->cols, line_at(t, y - t->back), (size_t)t->cols * sizeof(*t->view));
    }
    bool seen = !t->cursor_hidden && t->at.y + t->back < t->rows;
    *out = (struct text_screen){
        .cols = t->cols,
        .rows = t->rows,
        .cursor_x = seen ? t->at.x : -1,
        .cursor_y = seen ? t->at.y + t->back : -1,
        .cells = t->view,
    };
}

u64 vt_version(const struct vt *t)
{
    return t->version;
}

/* -- keys -------------------------------------------------------------------------------------------------------------
 */

static const char *special_key(const struct vt *t, unsigned key)
{
    static const struct {
        u16 key;
        const char *plain, *application; /* the latter: DECCKM */
    } keys[] = {
        {KEY_UP, "\x1b[A", "\x1bOA"},    {KEY_DOWN, "\x1b[B", "\x1bOB"}, {KEY_RIGHT, "\x1b[C", "\x1bOC"},
        {KEY_LEFT, "\x1b[D", "\x1bOD"},  {KEY_HOME, "\x1b[1~", NULL},    {KEY_INSERT, "\x1b[2~", NULL},
        {KEY_DELETE, "\x1b[3~", NULL},   {KEY_END, "\x1b[4~", NULL},     {KEY_PAGEUP, "\x1b[5~", NULL},
        {KEY_PAGEDOWN, "\x1b[6~", NULL}, {KEY_F1, "\x1bOP", NULL},       {KEY_F2, "\x1bOQ", NULL},
        {KEY_F3, "\x1bOR", NULL},        {KEY_F4, "\x1bOS", NULL},       {KEY_F5, "\x1b[15~", NULL},
        {KEY_F6, "\x1b[17~", NULL},      {KEY_F7, "\x1b[18~", NULL},     {KEY_F8, "\x1b[19~", NULL},
        {KEY_F9, "\x1b[20~", NULL},      {KEY_F10, "\x1b[21~", NULL},    {KEY_F11, "\x1b[23~", NULL},
        {KEY_F12, "\x1b[24~", NULL},     {KEY_ENTER, "\r", NULL},        {KEY_KPENTER, "\r", NULL},
        {KEY_ESC, "\x1b", NULL},         {KEY_BACKSPACE, "\x7f", NULL},  {KEY_TAB, "\t", NULL},
    };
    static const u16 keypad[] = {KEY_HOME, KEY_UP,   KEY_PAGEUP,   0,          KEY_LEFT,  0, KEY_RIGHT, 0,
                                 KEY_END,  KEY_DOWN, KEY_PAGEDOWN, KEY_INSERT, KEY_DELETE};
    if (key >= KEY_KP7 && key - KEY_KP7 < ARRAY_LEN(keypad)) {
        key = keypad[key - KEY_KP7];
    }
    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        if (keys[i].key == key) {
            return t->cursor_keys && keys[i].application ? keys[i].application : keys[i].plain;
        }
    }
    return NULL;
}

static size_t utf8_put(u32 c, char *out)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (char)(0xc0 | c >> 6);
        out[1] = (char)(0x80 | (c & 0x3f));
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (char)(0xe0 | c >> 12);
        out[1] = (char)(0x80 | (c >> 6 & 0x3f));
        out[2] = (char)(0x80 | (c & 0x3f));
        return 3;
    }
    out[0] = (char)(0xf0 | (c >> 18 & 7));
    out[1] = (char)(0x80 | (c >> 12 & 0x3f));
    out[2] = (char)(0x80 | (c >> 6 & 0x3f));
    out[3] = (char)(0x80 | (c & 0x3f));
    return 4;
}

size_t vt_key(const struct vt *t, const struct typed *k, char out[VT_KEY_MAX])
{
    size_t n = 0;
    const char *special = k->ch ? NULL : special_key(t, k->key);
    u32 c = k->ch;
    if (!special && !c) {
        return 0;
    }
    if (k->alt) {
        out[n++] = 0x1b;
    }
    if (special) {
        special = k->key == KEY_TAB && k->shift ? "\x1b[Z" : special;
        size_t len = strlen(special);
        memcpy(out + n, special, len);
        return n + len;
    }
    if (k->ctrl) {
        if (c == ' ' || c == '2') {
            c = 0;
        } else if (c == '/' || c == '-') {
            c = 0x1f;
        } else if ((c >= '@' && c < 0x7f)) {
            c &= 0x1f;
        } else {
            return 0;
        }
    }
    return n + utf8_put(c, out + n);
}
