/* Line editing; see line.h. SPEC: ECMA-48 for the sequences that come in (CSI A..F H, CSI n ~) and go out (EL). */
#include "system/monitor/line.h"

#include <string.h>

#define CTRL(c) ((c)&0x1f)
enum { DEL = 0x7f, ESC = 0x1b };

void line_init(struct line *l, const char *prompt, const struct line_owner *o)
{
    *l = (struct line){.owner = *o, .prompt = prompt, .history = g_ptr_array_new_with_free_func(g_free)};
}

void line_free(struct line *l)
{
    g_ptr_array_free(l->history, TRUE);
}

static void out(struct line *l, const char *p, size_t n)
{
    if (n) {
        l->owner.out(l->owner.opaque, p, n);
    }
}
static void out_text(struct line *l, const char *s)
{
    out(l, s, strlen(s));
}
/* What is typed, as it is typed. */
static void echo(struct line *l, const char *p, size_t n)
{
    if (!l->secret) {
        out(l, p, n);
    }
}
static void cursor_left(struct line *l, unsigned n)
{
    char seq[16];
    if (n && !l->secret) {
        out(l, seq, (size_t)snprintf(seq, sizeof(seq), "\x1b[%uD", n));
    }
}

/* From `from` on the text is another; the cursor stands at `from` now. */
static void repaint_from(struct line *l, unsigned from)
{
    echo(l, l->text + from, l->len - from);
    echo(l, "\x1b[K", 3);
    cursor_left(l, l->len - l->at);
}

void line_show(struct line *l)
{
    out_text(l, l->prompt);
    echo(l, l->text, l->len);
    cursor_left(l, l->len - l->at);
}

static void move_to(struct line *l, unsigned at)
{
    if (at < l->at) {
        cursor_left(l, l->at - at);
    } else {
        echo(l, l->text + l->at, at - l->at);
    }
    l->at = at;
}

static void insert(struct line *l, const char *p, size_t n)
{
    if (n > sizeof(l->text) - 1 - l->len) {
        return; /* full: what does not fit is not echoed */
    }
    unsigned from = l->at;
    memmove(l->text + l->at + n, l->text + l->at, l->len - l->at);
    memcpy(l->text + l->at, p, n);
    l->len += (unsigned)n;
    l->at += (unsigned)n;
    if (l->at == l->len) {
        echo(l, p, n);
    } else {
        repaint_from(l, from);
    }
}

/* Takes [from, to) out; the cursor ends at `from`. */
static void cut(struct line *l, unsigned from, unsigned to)
{
    if (from >= to) {
        return;
    }
    move_to(l, from);
    memmove(l->text + from, l->text + to, l->len - to);
    l->len -= to - from;
    repaint_from(l, from);
}

static unsigned word_start(const struct line *l)
{
    unsigned i = l->at;
    while (i && l->text[i - 1] == ' ') {
        i--;
    }
    while (i && l->text[i - 1] != ' ') {
        i--;
    }
    return i;
}

/* -- history ---------------------------------------------------------------------------------------------------- */

static void put_line(struct line *l, const char *s)
{
    move_to(l, 0);
    l->len = (unsigned)MIN(strlen(s), sizeof(l->text) - 1);
    memcpy(l->text, s, l->len);
    l->at = l->len;
    repaint_from(l, 0);
}

static void history_go(struct line *l, int step)
{
    if (l->secret || (step > 0 && l->back >= l->history->len) || (step < 0 && !l->back)) {
        return;
    }
    if (!l->back) {
        memcpy(l->kept, l->text, l->len);
        l->kept[l->len] = 0;
    }
    l->back = (unsigned)((int)l->back + step);
    put_line(l, l->back ? g_ptr_array_index(l->history, l->history->len - l->back) : l->kept);
}

static void history_add(struct line *l)
{
    const char *last = l->history->len ? g_ptr_array_index(l->history, l->history->len - 1) : "";
    if (l->len && !l->secret && strcmp(l->text, last) != 0) {
        g_ptr_array_add(l->history, g_strdup(l->text));
        if (l->history->len > LINE_HISTORY) {
            g_ptr_array_remove_index(l->history, 0);
        }
    }
    l->back = 0;
}

/* -- completion ------------------------------------------------------------------------------------------------- */

static size_t common_prefix(const GPtrArray *words)
{
    const char *first = words->pdata[0];
    size_t n = strlen(first);
    for (unsigned i = 1; i < words->len; i++) {
        const char *w = words->pdata[i];
        size_t k = 0;
        while (k < n && w[k] == first[k]) {
            k++;
        }
        n = k;
    }
    return n;
}

static void list_words(struct line *l, const GPtrArray *words)
{
    out_text(l, "\r\n");
    for (unsigned i = 0; i < words->len; i++) {
        out_text(l, words->pdata[i]);
        out_text(l, i + 1 < words->len ? "  " : "\r\n");
    }
    line_show(l);
}

static void complete(struct line *l)
{
    if (l->secret) {
        return;
    }
    GPtrArray *words = g_ptr_array_new_with_free_func(g_free);
    char head[LINE_MAX_BYTES];
    memcpy(head, l->text, l->at);
    head[l->at] = 0;
    const char *space = strrchr(head, ' ');
    size_t typed = strlen(space ? space + 1 : head);
    l->owner.complete(l->owner.opaque, head, words);
    size_t known = words->len ? common_prefix(words) : 0;
    if (words->len > 1 && known <= typed) {
        list_words(l, words);
    } else if (words->len && known >= typed) {
        insert(l, (const char *)words->pdata[0] + typed, known - typed);
        if (words->len == 1) {
            insert(l, " ", 1);
        }
    }
    g_ptr_array_free(words, TRUE);
}

/* -- input -------------------------------------------------------------------------------------------------------- */

static void enter(struct line *l)
{
    char text[LINE_MAX_BYTES];
    move_to(l, l->len);
    out_text(l, "\r\n");
    l->text[l->len] = 0;
    history_add(l);
    memcpy(text, l->text, l->len + 1);
    l->len = l->at = 0;
    l->owner.entered(l->owner.opaque, text);
}

static void control(struct line *l, u8 c)
{
    switch (c) {
    case CTRL('A'):
        move_to(l, 0);
        break;
    case CTRL('B'):
        move_to(l, l->at ? l->at - 1 : 0);
        break;
    case CTRL('C'):
        out_text(l, "^C\r\n");
        l->len = l->at = l->back = 0;
        line_show(l);
        break;
    case CTRL('D'):
        cut(l, l->at, MIN(l->at + 1, l->len));
        break;
    case CTRL('E'):
        move_to(l, l->len);
        break;
    case CTRL('F'):
        move_to(l, MIN(l->at + 1, l->len));
        break;
    case CTRL('H'):
    case DEL:
        cut(l, l->at ? l->at - 1 : 0, l->at);
        break;
    case CTRL('K'):
        cut(l, l->at, l->len);
        break;
    case CTRL('L'):
        out_text(l, "\x1b[H\x1b[2J");
        line_show(l);
        break;
    case CTRL('N'):
        history_go(l, -1);
        break;
    case CTRL('P'):
        history_go(l, 1);
        break;
    case CTRL('U'):
        cut(l, 0, l->at);
        break;
    case CTRL('W'):
        cut(l, word_start(l), l->at);
        break;
    case '\t':
        complete(l);
        break;
    case '\r':
    case '\n':
        enter(l);
        break;
    case ESC:
        l->state = LINE_ESC;
        break;
    default:
        break;
    }
}

/* The end of CSI ... c. */
static void sequence(struct line *l, u8 c)
{
    static const u8 letters[] = {['A' - 'A'] = CTRL('P'), ['B' - 'A'] = CTRL('N'), ['C' - 'A'] = CTRL('F'),
                                 ['D' - 'A'] = CTRL('B'), ['F' - 'A'] = CTRL('E'), ['H' - 'A'] = CTRL('A')};
    static const u8 numbers[] = {[1] = CTRL('A'), [3] = CTRL('D'), [4] = CTRL('E'), [7] = CTRL('A'), [8] = CTRL('E')};
    u8 key = 0;
    if (c >= 'A' && c - 'A' < (int)sizeof(letters)) {
        key = letters[c - 'A'];
    } else if (c == '~' && l->csi < sizeof(numbers)) {
        key = numbers[l->csi];
    }
    if (key) {
        control(l, key);
    }
}

static void input_byte(struct line *l, u8 c)
{
    bool crlf = l->after_cr && c == '\n';
    l->after_cr = c == '\r';
    if (crlf) {
        return;
    }
    if (l->state == LINE_ESC) {
        l->state = c == '[' || c == 'O' ? LINE_CSI : LINE_PLAIN;
        l->csi = 0;
    } else if (l->state == LINE_CSI) {
        if (c >= '0' && c <= '9') {
            l->csi = MIN(l->csi * 10 + c - '0', 1000u);
        } else if (c >= 0x40 && c <= 0x7e) {
            l->state = LINE_PLAIN;
            sequence(l, c);
        }
    } else if (c >= ' ' && c != DEL) {
        insert(l, (const char *)&c, 1);
    } else {
        control(l, c);
    }
}

void line_input(struct line *l, const u8 *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        input_byte(l, p[i]);
    }
}
