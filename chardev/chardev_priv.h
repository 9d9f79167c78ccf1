/* What the kinds of character device share: the class, the registry's struct, and input and output on
 * a file descriptor that never hold up the main loop. */
#ifndef MOSS_CHARDEV_CHARDEV_PRIV_H
#define MOSS_CHARDEV_CHARDEV_PRIV_H

#include <glib.h>

#include "base/buf.h"
#include "base/watch.h"
#include "chardev/chardev.h"

struct chardev_class {
    const char *name, *alias, *doc;
    const struct opt_key *keys;
    size_t size; /* of the struct that begins with struct chardev */
    bool (*open)(struct chardev *c, struct opts *o, struct err *e);
    void (*write)(struct chardev *c, const u8 *p, size_t n);
    void (*accept_input)(struct chardev *c); /* NULL: the main loop asks chardev_room() by itself */
    void (*flush)(struct chardev *c);        /* at exit; NULL: nothing is ever buffered */
    void (*hang_up)(struct chardev *c);
    void (*close)(struct chardev *c); /* also after an open() that failed; NULL: nothing to undo */
};

struct front {
    const struct char_receiver *recv;
    void *opaque;
};

struct mux;
struct chardev {
    const struct chardev_class *cls;
    char *id, *where;
    bool is_open;
    GArray *fronts;  /* of struct front; at most one unless mux */
    struct mux *mux; /* NULL: one front end, no escape keys */
    int log_fd;      /* logfile=, or -1 */
    struct chardev *next;
};

extern const struct chardev_class chardev_null, chardev_vc, chardev_stdio, chardev_file, chardev_pipe, chardev_pty,
    chardev_socket, chardev_udp, chardev_ringbuf, chardev_testdev, chardev_serial;

/* -- for the kinds ---------------------------------------------------------------------------------- */

unsigned chardev_room(struct chardev *c);                     /* bytes the front end takes now */
void chardev_input(struct chardev *c, const u8 *p, size_t n); /* n at most chardev_room() */
void chardev_break(struct chardev *c);
void chardev_set_open(struct chardev *c, bool open);
void chardev_set_where(struct chardev *c, const char *fmt, ...) PRINTF_LIKE(2, 3);

unsigned front_room(const struct front *f);
void front_event(const struct front *f, enum char_event ev);

/* -- mux.c ------------------------------------------------------------------------------------------ */

struct mux *mux_new(struct chardev *c);
void mux_free(struct mux *m);
void mux_attached(struct mux *m);           /* the newest front end takes the focus */
void mux_detach(struct mux *m, unsigned i); /* before front i goes */
void mux_focus(struct mux *m, unsigned i);
unsigned mux_room(struct mux *m);
void mux_input(struct mux *m, const u8 *p, size_t n);
void mux_deliver(struct mux *m);
void mux_output(struct mux *m, const u8 *p, size_t n);

/* -- fdio.c ----------------------------------------------------------------------------------------- */

/* Watches fd for input while the front end has room; ready() gets c. */
struct watch *chardev_watch(struct chardev *c, int fd, void (*ready)(void *c));

/* Output through a non-blocking descriptor: what it does not take at once waits here. Past OUT_BOUND
 * the writer is held up for OUT_PATIENCE_MS once, then output is dropped until the peer reads again. */
enum { OUT_BOUND = 1 << 20, OUT_PATIENCE_MS = 50 };
struct fd_out {
    struct chardev *c;
    int fd;
    u8 *data; /* OUT_BOUND bytes, made when first needed: a ring */
    size_t head, len;
    guint watch;
    bool stalled;
    void (*failed)(struct chardev *c); /* from the main loop: the descriptor is broken */
};
void fd_out_init(struct fd_out *o, struct chardev *c, int fd, void (*failed)(struct chardev *c));
/* False: the descriptor is broken (errno tells). */
bool fd_out_write(struct fd_out *o, const u8 *p, size_t n);
void fd_out_flush(struct fd_out *o, unsigned patience_ms);
void fd_out_reset(struct fd_out *o); /* forgets what waits; the caller closes fd */

bool fd_write_all(int fd, const u8 *p, size_t n); /* waits as long as it takes */
void fd_set_nonblock(int fd);

#endif
