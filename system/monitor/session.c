/* Monitors on their streams: banner, prompt, lines in and answers out. */
#include <string.h>

#include "base/log.h"
#include "config.h"
#include "system/monitor/line.h"
#include "system/monitor/monitor_priv.h"

struct session {
    struct chardev *c;
    struct line line;
    void (*answer)(const char *text, struct buf *out); /* a command asked; NULL: lines are commands */
    bool quiet;   /* on a mux that somebody else has: nothing is shown until it is ours */
    bool greeted; /* the banner was shown on this connection */
    struct session *next;
};
static struct session *sessions;
static struct {
    const char *prompt;
    void (*answer)(const char *text, struct buf *out);
} question; /* of the command that is run now */
#define PROMPT "(qemu) "

void monitor_ask(const char *prompt, void (*answer)(const char *text, struct buf *out))
{
    question.prompt = prompt;
    question.answer = answer;
}

static void session_out(void *opaque, const char *p, size_t n)
{
    struct session *s = opaque;
    chardev_write(s->c, p, n);
}

/* Lines end in \r\n: the stream may be a raw terminal. */
static void print_text(struct session *s, const char *text)
{
    for (const char *nl; (nl = strchr(text, '\n')); text = nl + 1) {
        chardev_write(s->c, text, (size_t)(nl - text));
        chardev_write(s->c, "\r\n", 2);
    }
    chardev_write(s->c, text, strlen(text));
}

static void session_greet(struct session *s)
{
    if (!s->greeted) {
        s->greeted = true;
        bool qemu = g_str_has_prefix(report_program, "qemu-");
        chardev_printf(s->c, "%s monitor - type 'help' for more information\r\n",
                       qemu ? "QEMU " QEMU_VERSION : "moss " MOSS_VERSION);
    }
    line_show(&s->line);
}

static void session_entered(void *opaque, const char *line)
{
    struct session *s = opaque;
    struct buf out = {0};
    void (*answer)(const char *text, struct buf *out) = s->answer;
    question.answer = NULL;
    if (answer) {
        answer(line, &out);
    } else {
        monitor_command(line, &out);
    }
    s->answer = question.answer;
    s->line.secret = s->answer != NULL;
    s->line.prompt = s->answer ? question.prompt : PROMPT;
    if (out.len) {
        print_text(s, (const char *)out.data);
    }
    buf_free(&out);
    line_show(&s->line);
}

static void session_complete(void *opaque, const char *head, GPtrArray *words)
{
    (void)opaque;
    monitor_complete(head, words);
}

static void session_read(void *opaque, const u8 *p, size_t n)
{
    line_input(&((struct session *)opaque)->line, p, n);
}

static void session_event(void *opaque, enum char_event ev)
{
    struct session *s = opaque;
    if (ev == CHAR_FOCUS) {
        if (!s->quiet) {
            session_greet(s);
        }
    } else if (ev == CHAR_OPENED && !chardev_is_mux(s->c)) {
        s->greeted = false;
        s->line.len = s->line.at = 0;
        session_greet(s);
    } else if (ev == CHAR_UNFOCUS && s->greeted) {
        chardev_write(s->c, "\r\n", 2);
    }
}

bool monitor_open(struct chardev *c, struct err *e)
{
    static const struct char_receiver receiver = {.read = session_read, .event = session_event};
    struct session *s = g_new0(struct session, 1);
    s->c = c;
    s->quiet = true;
    line_init(&s->line, PROMPT, &(struct line_owner){session_out, session_entered, session_complete, s});
    if (c && !chardev_attach(c, &receiver, s, e)) {
        line_free(&s->line);
        g_free(s);
        return false;
    }
    s->quiet = false;
    s->next = sessions;
    sessions = s;
    return true;
}

void monitor_close_all(void)
{
    while (sessions) {
        struct session *s = sessions;
        sessions = s->next;
        if (s->c) {
            chardev_detach(s->c, s);
        }
        line_free(&s->line);
        g_free(s);
    }
}
