/* The registry of character devices, and the part they all share: front ends, events, the log file. */
#include "chardev/chardev.h"

#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/loop.h"
#include "chardev/chardev_priv.h"

u8 chardev_escape = 1;
void (*chardev_quit_request)(void);
void (*chardev_power_request)(void);
void (*chardev_exit_request)(int code);

const struct opt_key chardev_common_keys[] = {
    {"mux", "on|off", "several front ends share it; Ctrl-A c goes from one to the next"},
    {"logfile", "PATH", "copy all output to this file"},
    {"logappend", "on|off", "append to the log file instead of starting it anew"},
    {0},
};

static const struct chardev_class *const classes[] = {
    &chardev_null, &chardev_stdio, &chardev_file,    &chardev_pipe,   &chardev_pty,     &chardev_socket,
    &chardev_udp,  &chardev_vc,    &chardev_ringbuf, &chardev_serial, &chardev_testdev,
};

static struct chardev *all;

/* -- front ends ------------------------------------------------------------------------------------ */

static struct front *front_at(struct chardev *c, unsigned i)
{
    return &g_array_index(c->fronts, struct front, i);
}

void front_event(const struct front *f, enum char_event ev)
{
    if (f->recv->event) {
        f->recv->event(f->opaque, ev);
    }
}

unsigned front_room(const struct front *f)
{
    if (!f->recv->read) {
        return 0;
    }
    return f->recv->can_read ? f->recv->can_read(f->opaque) : 4096;
}

bool chardev_attach(struct chardev *c, const struct char_receiver *r, void *opaque, struct err *e)
{
    if (!c) {
        return true;
    }
    if (c->fronts->len && !c->mux) {
        return err_set(e, "character device '%s' is in use already (with mux=on several could share it)", c->id);
    }
    struct front f = {.recv = r, .opaque = opaque};
    g_array_append_val(c->fronts, f);
    if (c->is_open) {
        front_event(&f, CHAR_OPENED);
    }
    if (c->mux) {
        mux_attached(c->mux);
    }
    chardev_accept_input(c);
    return true;
}

static int front_find(const struct chardev *c, const void *opaque)
{
    for (unsigned i = 0; i < c->fronts->len; i++) {
        if (g_array_index(c->fronts, struct front, i).opaque == opaque) {
            return (int)i;
        }
    }
    return -1;
}

void chardev_detach(struct chardev *c, void *opaque)
{
    int i = c ? front_find(c, opaque) : -1;
    if (i < 0) {
        return;
    }
    if (c->mux) {
        mux_detach(c->mux, (unsigned)i);
    }
    g_array_remove_index(c->fronts, (guint)i);
}

void chardev_focus(struct chardev *c, void *opaque)
{
    int i = c ? front_find(c, opaque) : -1;
    if (i >= 0 && c->mux) {
        mux_focus(c->mux, (unsigned)i);
    }
}

void chardev_accept_input(struct chardev *c)
{
    if (!c) {
        return;
    }
    if (c->mux) {
        mux_deliver(c->mux);
    }
    if (c->cls->accept_input) {
        c->cls->accept_input(c);
    }
    loop_wake();
}

unsigned chardev_room(struct chardev *c)
{
    if (!c->fronts->len) {
        return 0;
    }
    return c->mux ? mux_room(c->mux) : front_room(front_at(c, 0));
}

void chardev_input(struct chardev *c, const u8 *p, size_t n)
{
    if (!c->fronts->len || !n) {
        return;
    }
    if (c->mux) {
        mux_input(c->mux, p, n);
    } else {
        struct front f = *front_at(c, 0);
        f.recv->read(f.opaque, p, n);
    }
}

static void event_all(struct chardev *c, enum char_event ev)
{
    for (unsigned i = 0; i < c->fronts->len; i++) {
        struct front f = *front_at(c, i);
        front_event(&f, ev);
    }
}

void chardev_break(struct chardev *c)
{
    event_all(c, CHAR_BREAK);
}

void chardev_set_open(struct chardev *c, bool open)
{
    if (c->is_open != open) {
        c->is_open = open;
        event_all(c, open ? CHAR_OPENED : CHAR_CLOSED);
    }
}

/* -- output ---------------------------------------------------------------------------------------- */

void chardev_write(struct chardev *c, const void *p, size_t n)
{
    if (!c || !n) {
        return;
    }
    if (c->log_fd >= 0 && !fd_write_all(c->log_fd, p, n)) {
        warn_once("character device '%s': cannot write its log file", c->id);
    }
    if (c->mux) {
        mux_output(c->mux, p, n);
    } else {
        c->cls->write(c, p, n);
    }
}

void chardev_printf(struct chardev *c, const char *fmt, ...)
{
    if (c) {
        struct buf b = {0};
        va_list ap;
        va_start(ap, fmt);
        buf_vprintf(&b, fmt, ap);
        va_end(ap);
        chardev_write(c, b.data, b.len);
        buf_free(&b);
    }
}

/* -- making and unmaking --------------------------------------------------------------------------- */

const struct chardev_kind *chardev_kinds(void)
{
    static struct chardev_kind rows[2 * ARRAY_LEN(classes) + 1];
    if (!rows[0].name) {
        struct chardev_kind *k = rows;
        for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
            *k++ = (struct chardev_kind){classes[i]->name, classes[i]->doc, classes[i]->keys};
            if (classes[i]->alias) {
                *k++ = (struct chardev_kind){classes[i]->alias, classes[i]->doc, classes[i]->keys};
            }
        }
    }
    return rows;
}

static const struct chardev_class *class_find(const char *kind, struct err *e)
{
    const char *names[2 * ARRAY_LEN(classes) + 1] = {0};
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        if (!strcmp(classes[i]->name, kind) || !g_strcmp0(classes[i]->alias, kind)) {
            return classes[i];
        }
    }
    for (size_t i = 0; chardev_kinds()[i].name; i++) {
        names[i] = chardev_kinds()[i].name;
    }
    const char *near = nearest_name(kind, names);
    if (near) {
        err_set(e, "there is no kind of character device '%s': did you mean '%s'?", kind, near);
    } else {
        err_set(e, "there is no kind of character device '%s' (-chardev help lists them)", kind);
    }
    return NULL;
}

static bool common_open(struct chardev *c, struct opts *o, struct err *e)
{
    bool mux = false, append = false;
    const char *log = opts_str(o, "logfile", NULL);
    if (!opts_bool(o, "mux", &mux, e) || !opts_bool(o, "logappend", &append, e)) {
        return false;
    }
    if (log) {
        c->log_fd = open(log, O_WRONLY | O_CREAT | O_CLOEXEC | (append ? O_APPEND : O_TRUNC), 0666);
        if (c->log_fd < 0) {
            return err_errno(e, "cannot write log file '%s'", log);
        }
    }
    c->mux = mux ? mux_new(c) : NULL;
    return true;
}

/* Before anything is opened: a mistyped key must not wait for a connection first. */
static bool keys_check(const struct chardev_class *cls, struct opts *o, struct err *e)
{
    GArray *known = g_array_new(TRUE, TRUE, sizeof(struct opt_key));
    for (const struct opt_key *k = cls->keys; k && k->name; k++) {
        g_array_append_val(known, *k);
    }
    g_array_append_vals(known, chardev_common_keys, ARRAY_LEN(chardev_common_keys) - 1);
    for (guint i = 0; i < known->len; i++) {
        opts_ignore(o, g_array_index(known, struct opt_key, i).name);
    }
    opts_ignore(o, "id,backend");
    char what[64];
    snprintf(what, sizeof(what), "-chardev %s", cls->name);
    bool ok = opts_all_used(o, what, (const struct opt_key *)(void *)known->data, e);
    g_array_free(known, TRUE);
    return ok;
}

static void chardev_destroy(struct chardev *c)
{
    if (c->cls->flush) {
        c->cls->flush(c);
    }
    if (c->cls->close) {
        c->cls->close(c);
    }
    if (c->log_fd >= 0) {
        close(c->log_fd);
    }
    mux_free(c->mux);
    g_array_free(c->fronts, TRUE);
    g_free(c->id);
    g_free(c->where);
    g_free(c);
}

struct chardev *chardev_new(const char *id, const char *kind, struct opts *o, struct err *e)
{
    const struct chardev_class *cls = class_find(kind, e);
    if (!cls) {
        return NULL;
    }
    if (chardev_find(id)) {
        err_set(e, "there is a character device '%s' already", id);
        return NULL;
    }
    /* A peer that goes away is an error of write(), not the end of the process. */
    signal(SIGPIPE, SIG_IGN);

    struct chardev *c = g_malloc0(cls->size);
    c->cls = cls;
    c->id = g_strdup(id);
    c->where = g_strdup(cls->name);
    c->log_fd = -1;
    c->fronts = g_array_new(FALSE, FALSE, sizeof(struct front));
    if (!keys_check(cls, o, e) || !common_open(c, o, e) || !cls->open(c, o, e)) {
        chardev_destroy(c);
        return NULL;
    }
    struct chardev **end = &all;
    while (*end) {
        end = &(*end)->next;
    }
    *end = c;
    return c;
}

void chardev_free(struct chardev *c)
{
    if (!c) {
        return;
    }
    for (struct chardev **p = &all; *p; p = &(*p)->next) {
        if (*p == c) {
            *p = c->next;
            break;
        }
    }
    chardev_destroy(c);
}

void chardev_free_all(void)
{
    while (all) {
        chardev_free(all);
    }
}

struct chardev *chardev_find(const char *id)
{
    struct chardev *c = all;
    while (c && strcmp(c->id, id)) {
        c = c->next;
    }
    return c;
}

struct chardev *chardev_next(const struct chardev *c)
{
    return c ? c->next : all;
}

void chardev_set_where(struct chardev *c, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    g_free(c->where);
    c->where = g_strdup_vprintf(fmt, ap);
    va_end(ap);
}

const char *chardev_id(const struct chardev *c)
{
    return c->id;
}

const char *chardev_kind(const struct chardev *c)
{
    return c->cls->name;
}

const char *chardev_where(const struct chardev *c)
{
    return c->where;
}

bool chardev_is_open(const struct chardev *c)
{
    return c && c->is_open;
}

bool chardev_is_mux(const struct chardev *c)
{
    return c && c->mux;
}

void chardev_hang_up(struct chardev *c)
{
    if (c && c->cls->hang_up) {
        c->cls->hang_up(c);
    }
}
