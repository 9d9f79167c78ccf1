/* The host side of a byte stream: what a serial port, a console, the monitor or the gdb stub talks to.
 *
 * Everything here runs with the machine lock held (set-up, before threads exist, needs none); input
 * and events come from the main loop. NULL is a legal chardev: it drops output and never has input. */
#ifndef MOSS_CHARDEV_CHARDEV_H
#define MOSS_CHARDEV_CHARDEV_H

#include "base/err.h"
#include "base/opts.h"
#include "base/types.h"

struct chardev;

enum char_event {
    CHAR_OPENED, /* someone is at the other end; also sent by chardev_attach() when so already */
    CHAR_CLOSED,
    CHAR_BREAK,
    CHAR_FOCUS,   /* of a mux: input now comes here ... */
    CHAR_UNFOCUS, /* ... and now goes elsewhere */
};

/* The front end. Any function may be NULL: no can_read means that any amount may come. */
struct char_receiver {
    unsigned (*can_read)(void *opaque); /* bytes that read() may be given now */
    void (*read)(void *opaque, const u8 *p, size_t n);
    void (*event)(void *opaque, enum char_event ev);
};

/* Makes the front end known. Fails when c has one already and is no mux. On a mux the newest front end
 * gets the input; Ctrl-A c passes it on. */
bool chardev_attach(struct chardev *c, const struct char_receiver *r, void *opaque, struct err *e);
void chardev_detach(struct chardev *c, void *opaque);
void chardev_focus(struct chardev *c, void *opaque); /* mux: gives the input to this front end */

/* Output. Files and the terminal may block; sockets and ptys buffer up to a bound, then wait a little,
 * then drop with a warning. */
void chardev_write(struct chardev *c, const void *p, size_t n);
void chardev_printf(struct chardev *c, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The front end has room again after can_read() gave less than there was. */
void chardev_accept_input(struct chardev *c);

/* -- making them ---------------------------------------------------------------------------------- */

/* kind: a row of chardev_kinds. Keys that the kind does not know are refused (`id` and `backend` are
 * passed over). Registered under id, which must be new. NULL: failed. */
struct chardev *chardev_new(const char *id, const char *kind, struct opts *o, struct err *e);
/* The argument of -chardev: "socket,id=c0,path=/tmp/s,server=on,wait=off". */
struct chardev *chardev_from_option(const char *text, struct err *e);
/* The argument of -serial, -monitor, -qmp, -gdb...: stdio, null, none, vc, pty, ringbuf, file:P, pipe:P,
 * tcp:H:P,opts, telnet:H:P,opts, unix:P,opts, udp:..., chardev:ID, fd:N, /dev/tty..., and mon:ANY, which
 * makes a mux and sets *monitor: the caller puts a monitor on it. *out is NULL for `none`. */
bool chardev_from_spec(const char *spec, const char *id, struct chardev **out, bool *monitor, struct err *e);
void chardev_free(struct chardev *c);
/* At exit: flushes what is buffered (waiting a little), restores the terminal, removes socket files. */
void chardev_free_all(void);

/* Async-signal-safe: for handlers of fatal signals, which otherwise leave the terminal raw. */
void chardev_restore_terminal(void);

struct chardev *chardev_find(const char *id);
struct chardev *chardev_next(const struct chardev *c); /* walks through all; NULL starts */
const char *chardev_id(const struct chardev *c);
const char *chardev_kind(const struct chardev *c);
const char *chardev_where(const struct chardev *c); /* "pty:/dev/pts/3", "unix:/tmp/s,server=on" */
bool chardev_is_open(const struct chardev *c);      /* someone is at the other end */
bool chardev_is_mux(const struct chardev *c);
/* Closes the present connection of a socket; a server listens on. */
void chardev_hang_up(struct chardev *c);
/* ringbuf: takes the oldest bytes out. Other kinds: 0. */
size_t chardev_ring_read(struct chardev *c, void *p, size_t n);
/* unix socket: the oldest file descriptor passed to us (now the caller's), or -1. */
int chardev_take_fd(struct chardev *c);

/* Behind `-chardev help` and `-chardev KIND,help`. Ended by a NULL name. */
struct chardev_kind {
    const char *name, *doc;
    const struct opt_key *keys;
};
const struct chardev_kind *chardev_kinds(void);
extern const struct opt_key chardev_common_keys[]; /* mux, logfile, logappend */

/* Text consoles, for the kind vc: made by a display, which chardevs don't know. Set by system/ before the first is
 * made. cols and rows 0: as the display likes. `typed` is what the console calls with what was typed there. */
struct chardev_consoles {
    void *(*make)(const char *id, int cols, int rows, void (*typed)(void *opaque, const void *p, size_t n),
                  void *opaque);
    void (*write)(void *console, const void *p, size_t n);
    void (*end)(void *console);
};
extern struct chardev_consoles chardev_consoles;

extern u8 chardev_escape;                      /* -echr: the mux's escape character, 1 = Ctrl-A */
extern void (*chardev_quit_request)(void);     /* Ctrl-A x */
extern void (*chardev_power_request)(void);    /* Ctrl-A p */
extern void (*chardev_exit_request)(int code); /* testdev: the guest wants moss to exit */

#endif
