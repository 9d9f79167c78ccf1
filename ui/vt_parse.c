/* The terminal's bytes: UTF-8, control characters, escape and control sequences (vt.h). */
#include <string.h>

#include "ui/vt_priv.h"

enum { ESC = 0x1b, CAN = 0x18, SUB = 0x1a, DEL = 0x7f };

static void answer(struct vt *t, const char *text)
{
    if (t->reply) {
        t->reply(t->opaque, text, strlen(text));
    }
}

/* The i-th argument; 0 and what is not there mean `usual`. */
static int arg(const struct vt *t, unsigned i, int usual)
{
    return i < t->nargs && t->arg[i] ? t->arg[i] : usual;
}

/* -- colors -----------------------------------------------------------------------------------------------------------
 */

/* SGR counts red, green, blue; CGA blue, green, red. */
static u8 cga(unsigned sgr)
{
    return (u8)((sgr & 8) | (sgr & 1) << 2 | (sgr & 2) | (sgr & 4) >> 2);
}

/* Of the 16 the one that is like it: a bright one when it is bright. */
static u8 color_near(unsigned r, unsigned g, unsigned b)
{
    unsigned most = MAX(r, MAX(g, b)), half = most / 2;
    if (most < 48) {
        return 0;
    }
    u8 c = (u8)((r > half) << 2 | (g > half) << 1 | (b > half));
    return c == 7 && most < 144 ? 8 : most >= 208 ? c | 8 : c;
}

static u8 color_of_256(unsigned n)
{
    if (n < 16) {
        return cga(n);
    }
    if (n >= 232) {
        unsigned grey = MIN(8 + (n - 232) * 10, 255u);
        return color_near(grey, grey, grey);
    }
    n -= 16;
    return color_near(n / 36 * 51, n / 6 % 6 * 51, n % 6 * 51);
}

/* 38;5;N and 38;2;R;G;B; gives how many arguments were taken. */
static unsigned color_long(const struct vt *t, unsigned i, u8 *color)
{
    if (arg(t, i + 1, 0) == 5 && i + 2 < t->nargs) {
        *color = color_of_256(MIN(t->arg[i + 2], (u16)255));
        return 3;
    }
    if (arg(t, i + 1, 0) == 2 && i + 4 < t->nargs) {
        *color = color_near(t->arg[i + 2], t->arg[i + 3], t->arg[i + 4]);
        return 5;
    }
    return t->nargs - i;
}

static void rendition(struct vt_pen *p, unsigned n)
{
    switch (n) {
    case 0:
        *p = (struct vt_pen){.fg = 7};
        break;
    case 1:
        p->bold = true;
        break;
    case 4:
        p->underline = true;
        break;
    case 5:
    case 6:
        p->blink = true;
        break;
    case 7:
        p->reverse = true;
        break;
    case 8:
        p->hidden = true;
        break;
    case 21:
    case 22:
        p->bold = false;
        break;
    case 24:
        p->underline = false;
        break;
    case 25:
        p->blink = false;
        break;
    case 27:
        p->reverse = false;
        break;
    case 28:
        p->hidden = false;
        break;
    case 39:
        p->fg = 7;
        break;
    case 49:
        p->bg = 0;
        break;
    default:
        if (n >= 30 && n <= 37) {
            p->fg = cga(n - 30);
        } else if (n >= 40 && n <= 47) {
            p->bg = cga(n - 40);
        } else if (n >= 90 && n <= 97) {
            p->fg = cga(n - 90 + 8);
        } else if (n >= 100 && n <= 107) {
            p->bg = cga(n - 100 + 8);
        }
    }
}

static void sgr(struct vt *t)
{
    for (unsigned i = 0; i < MAX(t->nargs, 1u);) {
        unsigned n = i < t->nargs ? t->arg[i] : 0;
        if (n == 38 || n == 48) {
            i += color_long(t, i, n == 38 ? &t->at.pen.fg : &t->at.pen.bg);
        } else {
            rendition(&t->at.pen, n);
            i++;
        }
    }
}

/* -- sequences --------------------------------------------------------------------------------------------------------
 */

static void save(struct vt *t)
{
    t->saved = t->at;
}
static void restore(struct vt *t)
{
    t->at = t->saved;
    t->version++;
}

static void private_mode(struct vt *t, unsigned mode, bool on)
{
    switch (mode) {
    case 1:
        t->cursor_keys = on;
        break;
    case 6:
        t->at.origin = on;
        vt_go(t, 0, 0);
        break;
    case 7:
        t->autowrap = on;
        break;
    case 25:
        t->cursor_hidden = !on;
        t->version++;
        break;
    case 47:
    case 1047:
        vt_alternate(t, on);
        break;
    case 1048:
    case 1049:
        if (on) {
            save(t);
        }
        if (mode == 1049) {
            vt_alternate(t, on);
        }
        if (!on) {
            restore(t);
        }
        break;
    default:
        break;
    }
}

static void modes(struct vt *t, bool on)
{
    for (unsigned i = 0; i < t->nargs; i++) {
        if (t->inter == '?') {
            private_mode(t, t->arg[i], on);
        } else if (t->arg[i] == 4) {
            t->insert = on;
        } else if (t->arg[i] == 20) {
            t->newline = on;
        }
    }
}

static void erase_display(struct vt *t)
{
    switch (arg(t, 0, 0)) {
    case 0:
        vt_erase(t, t->at.x, t->at.y, t->cols, t->rows - 1);
        break;
    case 1:
        vt_erase(t, 0, 0, t->at.x + 1, t->at.y);
        break;
    case 3:
        vt_history_forget(t);
        break;
    default:
        vt_erase(t, 0, 0, t->cols, t->rows - 1);
    }
}

static void erase_line(struct vt *t)
{
    int how = arg(t, 0, 0);
    vt_erase(t, how ? 0 : t->at.x, t->at.y, how == 1 ? t->at.x + 1 : t->cols, t->at.y);
}

static void region(struct vt *t)
{
    int top = arg(t, 0, 1) - 1, bottom = MIN(arg(t, 1, t->rows), t->rows);
    if (top + 1 < bottom) {
        t->top = top;
        t->bottom = bottom;
        vt_go(t, 0, 0);
    }
}

static void status_report(struct vt *t)
{
    char text[32];
    if (arg(t, 0, 0) == 5) {
        answer(t, "\x1b[0n");
    } else if (arg(t, 0, 0) == 6) {
        snprintf(text, sizeof(text), "\x1b[%d;%dR", t->at.y - (t->at.origin ? t->top : 0) + 1, t->at.x + 1);
        answer(t, text);
    }
}

/* What the cursor does: false: it is another sequence. */
static bool csi_cursor(struct vt *t, u8 c)
{
    int n = arg(t, 0, 1), row = t->at.y - (t->at.origin ? t->top : 0);
    switch (c) {
    case 'A':
        vt_move(t, 0, -n);
        break;
    case 'B':
    case 'e':
        vt_move(t, 0, n);
        break;
    case 'C':
    case 'a':
        vt_move(t, n, 0);
        break;
    case 'D':
        vt_move(t, -n, 0);
        break;
    case 'E':
        vt_move(t, -t->at.x, n);
        break;
    case 'F':
        vt_move(t, -t->at.x, -n);
        break;
    case 'G':
    case '`':
        vt_go(t, n - 1, row);
        break;
    case 'd':
        vt_go(t, t->at.x, n - 1);
        break;
    case 'H':
    case 'f':
        vt_go(t, arg(t, 1, 1) - 1, n - 1);
        break;
    case 'I':
        vt_tab(t, n);
        break;
    case 'Z':
        vt_tab(t, -n);
        break;
    default:
        return false;
    }
    return true;
}

static void csi(struct vt *t, u8 c)
{
    int n = arg(t, 0, 1);
    if (t->junk || (t->inter && !(t->inter == '?' && strchr("hlJK", c)))) {
        return;
    }
    if (csi_cursor(t, c)) {
        return;
    }
    switch (c) {
    case 'J':
        erase_display(t);
        break;
    case 'K':
        erase_line(t);
        break;
    case 'L':
        vt_lines_insert(t, n);
        break;
    case 'M':
        vt_lines_insert(t, -n);
        break;
    case '@':
        vt_chars_insert(t, n);
        break;
    case 'P':
        vt_chars_insert(t, -n);
        break;
    case 'X':
        vt_erase(t, t->at.x, t->at.y, MIN(t->at.x + n, t->cols), t->at.y);
        break;
    case 'S':
        vt_region_scroll(t, n);
        break;
    case 'T':
        vt_region_scroll(t, -n);
        break;
    case 'b':
        for (n = MIN(n, t->cols * t->rows); n && t->last; n--) {
            vt_put(t, t->last);
        }
        break;
    case 'c':
        answer(t, "\x1b[?6c"); /* a VT102 */
        break;
    case 'g':
        if (arg(t, 0, 0) == 3) {
            memset(t->tabs, 0, sizeof(t->tabs));
        } else {
            t->tabs[t->at.x] = 0;
        }
        break;
    case 'h':
    case 'l':
        modes(t, c == 'h');
        break;
    case 'm':
        sgr(t);
        break;
    case 'n':
        status_report(t);
        break;
    case 'r':
        region(t);
        break;
    case 's':
        save(t);
        break;
    case 'u':
        restore(t);
        break;
    default:
        break;
    }
}

static void csi_byte(struct vt *t, u8 c)
{
    if (c >= '0' && c <= '9') {
        t->nargs = MAX(t->nargs, 1u);
        u16 *a = &t->arg[MIN(t->nargs, (unsigned)VT_ARGS) - 1];
        *a = (u16)MIN(*a * 10 + c - '0', 9999);
    } else if (c == ';' || c == ':') {
        t->nargs = MAX(t->nargs, 1u);
        if (t->nargs < VT_ARGS) {
            t->arg[t->nargs++] = 0;
        }
    } else if (c >= 0x3c && c <= 0x3f) {
        t->inter = c;
    } else if (c >= 0x20 && c <= 0x2f) {
        t->junk = true;
    } else {
        t->state = VT_GROUND;
        csi(t, c);
    }
}

static void esc(struct vt *t, u8 c)
{
    t->state = VT_GROUND;
    switch (c) {
    case '[':
        t->state = VT_CSI;
        t->inter = 0;
        t->junk = false;
        t->nargs = 0;
        memset(t->arg, 0, sizeof(t->arg));
        break;
    case ']':
    case 'P':
    case '^':
    case '_':
    case 'X':
        t->state = VT_STRING;
        break;
    case '7':
        save(t);
        break;
    case '8':
        restore(t);
        break;
    case 'D':
        vt_line_feed(t);
        break;
    case 'E':
        t->at.x = 0;
        vt_line_feed(t);
        break;
    case 'H':
        t->tabs[t->at.x] = 1;
        break;
    case 'M':
        vt_reverse_feed(t);
        break;
    case 'Z':
        answer(t, "\x1b[?6c");
        break;
    case 'c':
        vt_reset(t);
        break;
    default:
        if (c >= 0x20 && c <= 0x2f) {
            t->state = VT_ESC_MORE;
            t->inter = c;
        }
    }
}

static void esc_more(struct vt *t, u8 c)
{
    if (c >= 0x20 && c <= 0x2f) {
        t->inter = c;
        return;
    }
    t->state = VT_GROUND;
    if (t->inter == '(' || t->inter == ')') {
        t->at.charset[t->inter == ')'] = c;
    } else if (t->inter == '#' && c == '8') {
        for (int y = 0; y < t->rows; y++) {
            for (int x = 0; x < t->cols; x++) {
                vt_go(t, x, y);
                vt_put(t, 'E');
            }
        }
        vt_go(t, 0, 0);
    }
}

/* -- bytes ------------------------------------------------------------------------------------------------------------
 */

static void control(struct vt *t, u8 c)
{
    switch (c) {
    case '\b':
        if (t->at.x && !t->at.wrap) {
            t->at.x--;
        }
        t->at.wrap = false;
        t->version++;
        break;
    case '\t':
        vt_tab(t, 1);
        break;
    case '\n':
    case '\v':
    case '\f':
        if (t->newline) {
            t->at.x = 0;
        }
        vt_line_feed(t);
        break;
    case '\r':
        t->at.x = 0;
        t->at.wrap = false;
        t->version++;
        break;
    case 0x0e:
    case 0x0f:
        t->at.shift = c == 0x0e;
        break;
    case CAN:
    case SUB:
        t->state = VT_GROUND;
        break;
    case ESC:
        t->state = VT_ESC;
        break;
    default:
        break;
    }
}

/* A byte that does not go on as UTF-8 ends what was begun, as one unknown character, and is looked at by itself. */
static void text_byte(struct vt *t, u8 c)
{
    enum { UNKNOWN = 0xfffd };
    if (t->utf8_more) {
        if ((c & 0xc0) == 0x80) {
            t->utf8 = t->utf8 << 6 | (c & 0x3f);
            if (!--t->utf8_more) {
                vt_put(t, t->utf8 < t->utf8_least ? UNKNOWN : t->utf8);
            }
            return;
        }
        t->utf8_more = 0;
        vt_put(t, UNKNOWN);
    }
    if (c < 0x80) {
        vt_put(t, c);
    } else if (c >= 0xc2 && c <= 0xf4) {
        t->utf8_more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
        t->utf8 = c & (0x3fu >> t->utf8_more);
        t->utf8_least = t->utf8_more == 1 ? 0x80 : t->utf8_more == 2 ? 0x800 : 0x10000;
    } else {
        vt_put(t, UNKNOWN);
    }
}

void vt_byte(struct vt *t, u8 c)
{
    if (t->state == VT_STRING) {
        t->state = c == 7 || c == CAN || c == SUB ? VT_GROUND : c == ESC ? VT_ESC : VT_STRING;
    } else if (c < 0x20) {
        control(t, c);
    } else if (c == DEL) {
        return;
    } else if (t->state == VT_ESC) {
        esc(t, c);
    } else if (t->state == VT_ESC_MORE) {
        esc_more(t, c);
    } else if (t->state == VT_CSI) {
        csi_byte(t, c);
    } else {
        text_byte(t, c);
    }
}
