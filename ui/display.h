/* A display: something that shows screens and takes keys, in one file with one const struct; registry.c lists them.
 * system/ chooses by the command line, starts them when the machine's devices are there, and ends them. Main thread,
 * machine lock held. */
#ifndef MOSS_UI_DISPLAY_H
#define MOSS_UI_DISPLAY_H

#include "base/buf.h"
#include "base/opts.h"
#include "ui/screen.h"

struct display {
    const char *name, *doc;
    const struct opt_key *keys; /* of -display NAME,key=value */
    bool needs_server;          /* a window system */
    /* There is at least one screen, if needs_screen. */
    bool (*init)(struct opts *o, struct err *e);
    void (*fini)(void); /* only after an init that succeeded */
    /* A screen was made while it runs; may be NULL. */
    void (*screen_made)(struct screen *s);
    /* Displays that ask for a password, NULL for others: the password of those that run, NULL: nobody gets in; when it
     * ends to be valid, ns of CLOCK_WALL, UINT64_MAX: never; and what `info` prints of them. */
    bool (*set_password)(const char *password, struct err *e);
    void (*expire_password)(u64 when);
    void (*print)(struct buf *out);
};
/* What displays ask of the machine, and what the command line says to all of them. Set by system/. */
struct display_host {
    const char *title; /* the machine's name, or "moss" */
    bool full_screen;
    void (*quit)(void);
    void (*power)(void); /* the power button */
    bool (*running)(void);
    u64 (*cpu_time)(void);                 /* ns of host processor time that the guest's processors have used */
    const char *(*secret)(const char *id); /* of -object secret; NULL: there is none */
};
extern struct display_host display_host;

extern const struct display display_none, display_sdl, display_vnc, display_curses;

/* Is there a window system to talk to? */
bool display_server_found(void);
/* The n-th screen, from 0. NULL: there is none. */
struct screen *display_screen(unsigned n);

#endif
