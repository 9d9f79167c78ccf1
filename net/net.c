/* The registry of network back ends, and the way of frames to the guest. */
#include "net/net.h"

#include <signal.h>
#include <stdarg.h>
#include <string.h>

#include "base/loop.h"
#include "config.h"
#include "net/net_priv.h"

static const struct net_class *const classes[] = {
#ifdef HAVE_SLIRP
    &net_class_user,
#endif
    &net_class_tap,  &net_class_socket, &net_class_stream, &net_class_hubport, &net_class_none,
};

static struct netdev *all;

/* -- frames ---------------------------------------------------------------------------------------- */

static bool guest_ready(const struct netdev *n)
{
    return !n->sending && (!n->recv->can_receive || n->recv->can_receive(n->opaque));
}

void net_deliver(struct netdev *n)
{
    for (unsigned i = 0; i < QUEUE_ROOM && n && n->recv && n->queue.length && guest_ready(n); i++) {
        GBytes *b = g_queue_pop_head(&n->queue);
        gsize len;
        const u8 *frame = g_bytes_get_data(b, &len);
        n->recv->receive(n->opaque, frame, len);
        g_bytes_unref(b);
    }
}

/* A turn's worth at most: the rest comes in the next turn. */
static void deliver_queue(void *opaque)
{
    struct netdev *n = opaque;
    net_deliver(n);
    if (n->recv && n->queue.length && guest_ready(n)) {
        net_resume(n);
    }
}

void net_resume(struct netdev *n)
{
    if (n && n->queue.length) {
        loop_task_due(&n->deliver);
    }
}

void net_input(struct netdev *n, const u8 *frame, size_t len)
{
    if (len < FRAME_MIN || len > NET_FRAME_MAX || !n->link || !n->recv) {
        return;
    }
    dump_frame(n->dump, frame, len);
    if (!n->queue.length && guest_ready(n)) {
        n->recv->receive(n->opaque, frame, len);
        return;
    }
    if (n->queue.length < QUEUE_FRAMES) {
        g_queue_push_tail(&n->queue, g_bytes_new(frame, len));
    }
    if (n->sending) {
        net_resume(n);
    }
}

bool net_has_room(void *opaque)
{
    return ((struct netdev *)opaque)->queue.length < QUEUE_ROOM;
}

void net_send(struct netdev *n, const void *frame, size_t len)
{
    if (!n || !n->link || len < FRAME_MIN || len > NET_FRAME_MAX) {
        return;
    }
    dump_frame(n->dump, frame, len);
    n->sending++;
    n->cls->send(n, frame, len);
    n->sending--;
}

void net_sendv(struct netdev *n, const struct iovec *iov, int niov)
{
    size_t len = 0;
    if (niov == 1) {
        net_send(n, iov->iov_base, iov->iov_len);
        return;
    }
    for (int i = 0; i < niov; i++) {
        if (iov[i].iov_len > NET_FRAME_MAX - len) {
            return;
        }
        len += iov[i].iov_len;
    }
    u8 *frame = g_malloc(len + 1), *p = frame;
    for (int i = 0; i < niov; i++) {
        memcpy(p, iov[i].iov_base, iov[i].iov_len);
        p += iov[i].iov_len;
    }
    net_send(n, frame, len);
    g_free(frame);
}

static void queue_drop(struct netdev *n)
{
    while (n->queue.length) {
        g_bytes_unref(g_queue_pop_head(&n->queue));
    }
    loop_task_cancel(&n->deliver);
}

bool net_attach(struct netdev *n, const struct net_receiver *r, void *opaque, struct err *e)
{
    if (!n) {
        return true;
    }
    if (n->recv) {
        return err_set(e, "netdev '%s' is in use already", n->id);
    }
    n->recv = r;
    n->opaque = opaque;
    return true;
}

void net_detach(struct netdev *n)
{
    if (n) {
        queue_drop(n);
        n->recv = NULL;
    }
}

bool net_link(const struct netdev *n)
{
    return n && n->link;
}

void net_set_link(struct netdev *n, bool up)
{
    if (n && n->link != up) {
        n->link = up;
        if (!up) {
            queue_drop(n);
        }
        if (n->recv && n->recv->link) {
            n->recv->link(n->opaque, up);
        }
    }
}

bool net_dump(struct netdev *n, const char *path, u32 max_len, struct err *e)
{
    struct dump *d = dump_open(path, max_len, e);
    if (!d) {
        return false;
    }
    dump_close(n->dump);
    n->dump = d;
    return true;
}

/* -- making and unmaking --------------------------------------------------------------------------- */

const struct net_kind *net_kinds(void)
{
    static struct net_kind rows[ARRAY_LEN(classes) + 1];
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        rows[i] = (struct net_kind){classes[i]->name, classes[i]->doc, classes[i]->keys};
    }
    return rows;
}

static const struct net_class *class_find(const char *kind, struct err *e)
{
    const char *names[ARRAY_LEN(classes) + 1] = {0};
    for (size_t i = 0; i < ARRAY_LEN(classes); i++) {
        if (!strcmp(classes[i]->name, kind)) {
            return classes[i];
        }
        names[i] = classes[i]->name;
    }
    const char *near = nearest_name(kind, names);
    if (near) {
        err_set(e, "there is no kind of netdev '%s': did you mean '%s'?", kind, near);
    } else {
        err_set(e, "there is no kind of netdev '%s' (-netdev help lists them)", kind);
    }
    return NULL;
}

static bool keys_check(const struct net_class *cls, struct opts *o, struct err *e)
{
    char what[64];
    for (const struct opt_key *k = cls->keys; k->name; k++) {
        opts_ignore(o, k->name);
    }
    opts_ignore(o, "id,type");
    snprintf(what, sizeof(what), "-netdev %s", cls->name);
    return opts_all_used(o, what, cls->keys, e);
}

static void net_destroy(struct netdev *n)
{
    queue_drop(n);
    if (n->cls->close) {
        n->cls->close(n);
    }
    dump_close(n->dump);
    g_free(n->id);
    g_free(n->where);
    g_free(n);
}

struct netdev *net_new(const char *id, const char *kind, struct opts *o, struct err *e)
{
    const struct net_class *cls = class_find(kind, e);
    if (!cls) {
        return NULL;
    }
    if (net_find(id)) {
        err_set(e, "there is a netdev '%s' already", id);
        return NULL;
    }
    signal(SIGPIPE, SIG_IGN);
    struct netdev *n = g_malloc0(cls->size);
    n->cls = cls;
    n->id = g_strdup(id);
    n->where = g_strdup("");
    n->link = true;
    n->deliver = (struct loop_task){.fn = deliver_queue, .opaque = n};
    g_queue_init(&n->queue);
    if (!keys_check(cls, o, e) || !cls->open(n, o, e)) {
        net_destroy(n);
        return NULL;
    }
    struct netdev **end = &all;
    while (*end) {
        end = &(*end)->next;
    }
    *end = n;
    return n;
}

struct netdev *net_from_option(const char *text, struct err *e)
{
    struct opts o = {0};
    struct netdev *n = NULL;
    if (opts_parse(&o, text, "type", e)) {
        const char *kind = opts_str(&o, "type", NULL), *id = opts_str(&o, "id", NULL);
        if (!kind || !id || !*id) {
            err_set(e, "-netdev needs a kind and id=: for instance -netdev user,id=n0");
        } else {
            n = net_new(id, kind, &o, e);
        }
    }
    opts_free(&o);
    return n;
}

void net_free(struct netdev *n)
{
    if (!n) {
        return;
    }
    for (struct netdev **p = &all; *p; p = &(*p)->next) {
        if (*p == n) {
            *p = n->next;
            break;
        }
    }
    net_destroy(n);
}

void net_free_all(void)
{
    while (all) {
        net_free(all);
    }
}

struct netdev *net_find(const char *id)
{
    struct netdev *n = all;
    while (n && strcmp(n->id, id)) {
        n = n->next;
    }
    return n;
}

struct netdev *net_next(const struct netdev *n)
{
    return n ? n->next : all;
}

const char *net_id(const struct netdev *n)
{
    return n->id;
}

const char *net_kind(const struct netdev *n)
{
    return n->cls->name;
}

const char *net_where(const struct netdev *n)
{
    return n->where;
}

void net_set_where(struct netdev *n, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    g_free(n->where);
    n->where = g_strdup_vprintf(fmt, ap);
    va_end(ap);
}

void net_next_mac(u8 mac[6])
{
    static u8 next = 0x56;
    const u8 first[6] = {0x52, 0x54, 0x00, 0x12, 0x34, next++};
    memcpy(mac, first, sizeof(first));
}
