/* Displays: which one the command line asks for, or what the host has; -display, -vnc, -nographic, -full-screen. */
#include <string.h>

#include "base/lock.h"
#include "base/log.h"
#include "chardev/chardev.h"
#include "system/registry.h"
#include "system/system.h"
#include "ui/console.h"
#include "ui/display.h"

enum { DISPLAYS = 8 };
static const struct display *running[DISPLAYS];
static unsigned nrunning;

static const struct display *find(const char *name)
{
    for (const struct display *const *d = registry_displays; *d; d++) {
        if (!strcmp((*d)->name, name)) {
            return *d;
        }
    }
    return NULL;
}

static void quit(void)
{
    machine_request_shutdown(SHUTDOWN_HOST_QUIT, 0);
}

void displays_list(void)
{
    printf("Available display backend types:\n");
    for (const struct display *const *d = registry_displays; *d; d++) {
        printf("%s\n", (*d)->name);
    }
}

/* -- one of them ----------------------------------------------------------------------------------------------------
 */

static bool start(const struct display *d, struct opts *o, struct err *e)
{
    machine_lock();
    bool ok = d->init(o, e);
    machine_unlock();
    if (ok) {
        must(nrunning < DISPLAYS);
        running[nrunning++] = d;
    }
    return ok;
}

/* What QEMU has and moss shows in its own way. */
static const char *stand_in(const char *name)
{
    static const char *const windows[] = {"gtk", "cocoa", "default", "spice-app"};
    for (unsigned i = 0; i < ARRAY_LEN(windows); i++) {
        if (!strcmp(name, windows[i])) {
            return "sdl";
        }
    }
    return !strcmp(name, "egl-headless") || !strcmp(name, "dbus") ? "none" : name;
}

static bool vnc_typed(const char *text, struct err *e)
{
    struct opts o = {0};
    const struct display *d = find("vnc");
    if (!strcmp(text, "none")) {
        return true;
    }
    if (!d) {
        return err_set(e, "-vnc %s: this moss was built without a VNC server (libvncserver)", text);
    }
    if (!display_screen(0)) {
        report("warning: -vnc %s: the machine has no screen; going on without", text);
        return true;
    }
    bool ok = opts_parse(&o, text, "vnc", e) && start(d, &o, e) && opts_all_used(&o, "-vnc", d->keys, e);
    opts_free(&o);
    if (!ok) {
        err_prefix(e, "-vnc %s", text);
    }
    return ok;
}

/* -display KIND[,...]. A window that can't be had does not keep the machine from running. */
static bool display_typed(const char *text, bool *window, struct err *e)
{
    struct opts o = {0};
    struct err why = {0};
    if (!strncmp(text, "vnc=", 4)) {
        return vnc_typed(text + 4, e);
    }
    bool ok = opts_parse(&o, text, "type", e);
    const char *said = ok ? opts_str(&o, "type", "none") : "none", *name = stand_in(said);
    if (strcmp(said, name) != 0 || !strcmp(name, "none")) { /* keys of theirs that moss's window has no use for */
        opts_ignore(&o,
                    "zoom-to-fit,show-tabs,show-menubar,left-command-key,full-grab,swap-opt-cmd,rendernode,p2p,addr,"
                    "keep-aspect-ratio,scale,gl,window-close,show-cursor,full-screen");
    }
    const struct display *d = find(name);
    if (!ok) {
        return false;
    }
    if (!d) {
        err_set(&why, "this moss was built without it");
    } else if (strcmp(name, "none") != 0 && !display_screen(0)) {
        err_set(&why, "the machine has no screen");
    } else if (d->needs_server && !display_server_found()) {
        err_set(&why, "neither DISPLAY nor WAYLAND_DISPLAY is set");
    } else if (start(d, &o, d->needs_server ? &why : e)) {
        *window = d->needs_server;
        return opts_all_used(&o, "-display", d->keys, e);
    } else if (!d->needs_server) {
        return false;
    }
    if (why.msg[0]) {
        report("warning: -display %s: %s; going on without", text, why.msg);
    }
    opts_free(&o);
    return true;
}

/* -- text consoles ---------------------------------------------------------------------------------------------------
 */

static void *console_make(const char *id, int cols, int rows, void (*typed)(void *opaque, const void *p, size_t n),
                          void *opaque)
{
    return console_new(id, cols ? cols : CONSOLE_COLS, rows ? rows : CONSOLE_ROWS, cols || rows, typed, opaque);
}
static void console_out(void *console, const void *p, size_t n)
{
    console_write(console, p, n);
}
static void console_end(void *console)
{
    console_free(console);
}

void displays_consoles(void)
{
    chardev_consoles = (struct chardev_consoles){.make = console_make, .write = console_out, .end = console_end};
}

/* -- all -------------------------------------------------------------------------------------------------------------
 */

/* Nobody said: a window where there is a window system. False: none was opened. */
static bool display_of_host(struct err *why)
{
    struct opts o = {0};
    const struct display *d = find("sdl");
    return d && display_screen(0) && display_server_found() && start(d, &o, why);
}

bool displays_wanted(const struct config *c)
{
    bool window = c->display ? c->wants_window : !c->daemonize && find("sdl") && display_server_found();
    return c->vnc.n || (!c->nographic && window);
}

bool displays_start(struct setup *s, struct err *e)
{
    struct config *c = &s->cfg;
    bool window = false;
    display_host.quit = quit;
    display_host.secret = object_secret;
    display_host.title = s->guest_name ? s->guest_name : "moss";
    display_host.full_screen = c->full_screen;
    display_host.cpu_time = s->accel->cpu_time;
    if (c->keymap && strcmp(c->keymap, "en-us") != 0) {
        report("warning: -k %s is ignored: moss takes keys by their places, names of keys as on a US keyboard",
               c->keymap);
    }
    if (c->display && !c->nographic && !display_typed(c->display, &window, e)) {
        err_prefix(e, "-display %s", c->display);
        return false;
    }
    for (size_t i = 0; i < c->vnc.n; i++) {
        if (!vnc_typed(c->vnc.v[i], e)) {
            return false;
        }
    }
    if (!c->display && !c->nographic && !c->daemonize && !c->vnc.n) {
        struct err why = {0};
        window = display_of_host(&why);
        if (why.msg[0]) {
            report("warning: %s; going on without, and what is on text consoles stays unseen: -nographic shows it here",
                   why.msg);
        }
    }
    c->has_window = window;
    return true;
}

const struct display *displays_running(const char *name)
{
    for (unsigned i = 0; i < nrunning; i++) {
        if (!strcmp(running[i]->name, name)) {
            return running[i];
        }
    }
    return NULL;
}

void displays_end(void)
{
    while (nrunning) {
        running[--nrunning]->fini();
    }
}
