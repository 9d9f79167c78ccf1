/* The mux: one stream for several front ends. Output of all of them goes out; input goes to the one
 * that has the focus. An escape character (Ctrl-A; -echr changes it) starts a key command.
 *
 * Input waits in a buffer of its own for each front end, larger than anybody types: so the escape
 * keys work although the guest has stopped reading. */
#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "chardev/chardev_priv.h"

enum { WAITING = 4096 };

struct queue {
    u8 bytes[WAITING];
    unsigned head, len;
};

struct mux {
    struct chardev *c;
    GPtrArray *queues; /* of struct queue, beside c->fronts */
    unsigned focus;
    bool escaped; /* the last character was the escape */
    bool stamps, at_line_start;
    u64 stamps_from;
    bool delivering;
};

struct mux *mux_new(struct chardev *c)
{
    struct mux *m = g_new0(struct mux, 1);
    m->c = c;
    m->queues = g_ptr_array_new_with_free_func(g_free);
    m->at_line_start = true;
    return m;
}

void mux_free(struct mux *m)
{
    if (m) {
        g_ptr_array_free(m->queues, TRUE);
        g_free(m);
    }
}

static struct front front_at(const struct mux *m, unsigned i)
{
    return g_array_index(m->c->fronts, struct front, i);
}

static struct queue *queue_at(const struct mux *m, unsigned i)
{
    return g_ptr_array_index(m->queues, i);
}

void mux_focus(struct mux *m, unsigned i)
{
    struct front old = front_at(m, m->focus);
    bool moved = m->focus != i;
    m->focus = i;
    struct front now = front_at(m, m->focus);
    if (moved) {
        front_event(&old, CHAR_UNFOCUS);
    }
    front_event(&now, CHAR_FOCUS);
    mux_deliver(m);
}

void mux_attached(struct mux *m)
{
    g_ptr_array_add(m->queues, g_new0(struct queue, 1));
    mux_focus(m, m->c->fronts->len - 1);
}

void mux_detach(struct mux *m, unsigned i)
{
    g_ptr_array_remove_index(m->queues, i);
    if (m->focus > i || (m->focus == i && i == m->queues->len)) {
        m->focus = m->focus ? m->focus - 1 : 0;
    }
}

unsigned mux_room(struct mux *m)
{
    return WAITING - queue_at(m, m->focus)->len;
}

/* One helping for front end i; false: nothing waits, or there is no room. */
static bool deliver_some(struct mux *m, unsigned i)
{
    struct front f = front_at(m, i);
    struct queue *q = queue_at(m, i);
    u8 part[256];
    unsigned n = MIN(q->len, WAITING - q->head);
    n = MIN(n, (unsigned)sizeof(part));
    n = n ? MIN(n, front_room(&f)) : 0;
    if (!n) {
        return false;
    }
    memcpy(part, q->bytes + q->head, n);
    q->head = (q->head + n) % WAITING;
    q->len -= n;
    f.recv->read(f.opaque, part, n);
    return true;
}

/* Gives the front ends what waits for them, as far as they have room: also those without the focus,
 * for they had it when it was typed. A receiver may detach itself, so the number is asked anew. */
void mux_deliver(struct mux *m)
{
    if (m->delivering) {
        return;
    }
    m->delivering = true;
    for (unsigned i = 0; i < m->c->fronts->len; i++) {
        while (i < m->c->fronts->len && deliver_some(m, i)) {
        }
    }
    m->delivering = false;
}

static void queue_put(struct mux *m, u8 ch)
{
    struct queue *q = queue_at(m, m->focus);
    if (q->len < WAITING) {
        q->bytes[(q->head + q->len++) % WAITING] = ch;
    }
}

/* -- keys ------------------------------------------------------------------------------------------ */

static void say(struct mux *m, const char *text)
{
    m->c->cls->write(m->c, (const u8 *)text, strlen(text));
}

static const struct {
    char key;
    const char *doc;
} keys[] = {
    {'h', "print this help"},
    {'x', "exit emulator"},
    {'s', "save disk data back to file (if -snapshot): not there yet"},
    {'t', "toggle console timestamps"},
    {'b', "send break (magic sysrq)"},
    {'c', "switch between console and monitor"},
    {'p', "press the power button"},
};

static void print_help(struct mux *m)
{
    char key[16];
    struct buf b = {0};
    if (chardev_escape >= 1 && chardev_escape <= 26) {
        snprintf(key, sizeof(key), "C-%c", chardev_escape - 1 + 'a');
    } else {
        snprintf(key, sizeof(key), "Escape-Char");
        buf_printf(&b, "\n\rEscape-Char set to Ascii: 0x%02x", chardev_escape);
    }
    buf_printf(&b, "\n\r");
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        buf_printf(&b, "%s %c    %s\n\r", key, keys[i].key, keys[i].doc);
    }
    buf_printf(&b, "%s %s  sends %s\n\r", key, key, key);
    say(m, (const char *)b.data);
    buf_free(&b);
}

static void key_command(struct mux *m, u8 ch)
{
    if (ch == chardev_escape) {
        queue_put(m, ch);
        return;
    }
    switch (ch) {
    case 'h':
    case '?':
        print_help(m);
        break;
    case 'x':
        say(m, g_str_has_prefix(report_program, "qemu-") ? "QEMU: Terminated\n\r" : "moss: terminated\n\r");
        if (chardev_quit_request) {
            chardev_quit_request();
        }
        break;
    case 's':
        say(m, "\n\rmoss: committing snapshot disks is not there yet\n\r");
        unimp("mux", "escape key s: commit of -snapshot overlays");
        break;
    case 't':
        m->stamps = !m->stamps;
        m->stamps_from = clock_now(CLOCK_HOST);
        break;
    case 'b':
        if (m->c->fronts->len) {
            struct front f = front_at(m, m->focus);
            front_event(&f, CHAR_BREAK);
        }
        break;
    case 'c':
        if (m->c->fronts->len > 1) {
            mux_focus(m, (m->focus + 1) % m->c->fronts->len);
        } else {
            say(m, "\n\rmoss: there is nothing to switch to on this stream\n\r");
        }
        break;
    case 'p':
        if (chardev_power_request) {
            chardev_power_request();
        }
        break;
    default: /* no command: the key is dropped, as a slip of the fingers */
        break;
    }
}

void mux_input(struct mux *m, const u8 *p, size_t n)
{
    for (size_t i = 0; i < n && m->c->fronts->len; i++) {
        if (m->escaped) {
            m->escaped = false;
            key_command(m, p[i]);
        } else if (chardev_escape && p[i] == chardev_escape) {
            m->escaped = true;
        } else {
            queue_put(m, p[i]);
        }
    }
    mux_deliver(m);
}

/* -- output ---------------------------------------------------------------------------------------- */

static void put_stamp(struct mux *m)
{
    char text[40];
    u64 ms = (clock_now(CLOCK_HOST) - m->stamps_from) / 1000000;
    snprintf(text, sizeof(text), "[%02" PRIu64 ":%02" PRIu64 ":%02" PRIu64 ".%03" PRIu64 "] ", ms / 3600000,
             ms / 60000 % 60, ms / 1000 % 60, ms % 1000);
    say(m, text);
}

void mux_output(struct mux *m, const u8 *p, size_t n)
{
    while (n) {
        const u8 *nl = m->stamps ? memchr(p, '\n', n) : NULL;
        size_t run = nl ? (size_t)(nl - p) + 1 : n;
        if (m->stamps && m->at_line_start) {
            put_stamp(m);
        }
        m->c->cls->write(m->c, p, run);
        m->at_line_start = p[run - 1] == '\n';
        p += run;
        n -= run;
    }
}
