/* Watched descriptors, as a source of glib's main loop. */
#include "base/watch.h"

#include <glib-unix.h>

struct watch {
    GSource source; /* glib's header: first */
    int fd;
    gpointer tag; /* of the watched descriptor, NULL while not watched */
    bool (*wanted)(void *opaque);
    void (*ready)(void *opaque);
    void *opaque;
};

static void watch_turn(struct watch *w, bool on)
{
    if (on && !w->tag) {
        w->tag = g_source_add_unix_fd(&w->source, w->fd, G_IO_IN | G_IO_HUP | G_IO_ERR);
    } else if (!on && w->tag) {
        g_source_remove_unix_fd(&w->source, w->tag);
        w->tag = NULL;
    }
}

static gboolean watch_prepare(GSource *source, gint *timeout)
{
    struct watch *w = (struct watch *)source;
    *timeout = -1;
    watch_turn(w, w->wanted(w->opaque));
    return FALSE;
}

static gboolean watch_check(GSource *source)
{
    struct watch *w = (struct watch *)source;
    return w->tag && g_source_query_unix_fd(source, w->tag);
}

static gboolean watch_dispatch(GSource *source, GSourceFunc fn, gpointer opaque)
{
    struct watch *w = (struct watch *)source;
    (void)fn;
    (void)opaque;
    if (w->wanted(w->opaque)) {
        w->ready(w->opaque);
    }
    return G_SOURCE_CONTINUE;
}

struct watch *watch_new(int fd, bool (*wanted)(void *opaque), void (*ready)(void *opaque), void *opaque)
{
    static GSourceFuncs funcs = {.prepare = watch_prepare, .check = watch_check, .dispatch = watch_dispatch};
    struct watch *w = (struct watch *)g_source_new(&funcs, sizeof(struct watch));
    w->fd = fd;
    w->wanted = wanted;
    w->ready = ready;
    w->opaque = opaque;
    g_source_attach(&w->source, NULL);
    return w;
}

void watch_free(struct watch *w)
{
    if (w) {
        watch_turn(w, false);
        g_source_destroy(&w->source);
        g_source_unref(&w->source);
    }
}
