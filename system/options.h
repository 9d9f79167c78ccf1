/* The command line, parsed: what was asked for, before anything is built. The table is options.def. */
#ifndef MOSS_SYSTEM_OPTIONS_H
#define MOSS_SYSTEM_OPTIONS_H

#include "base/err.h"
#include "base/opts.h"
#include "base/types.h"

#define QEMU_VERSION "7.2.0" /* whose command line, monitor and machines these are */

struct strings {
    const char **v; /* as typed; they live as long as argv */
    size_t n;
};
struct item {
    const char *option, *text; /* "device", "virtio-blk-device,drive=d0" */
};
struct config {
    const char *program; /* argv[0] without folders */
    bool as_qemu;        /* called by a qemu-system-* name */
    struct strings machine, accel, smp, memory, global, rtc, datadirs, pflash, fw_cfg, boot, smbios, numa, serial,
        parallel, monitor, mon, semi, action, debugcon, vnc;
    const char *cpu, *name, *uuid, *kernel, *initrd, *append, *dtb, *firmware, *display, *keymap, *vga, *pidfile,
        *logfile;
    bool nodefaults, snapshot, nographic, semihosting, no_reboot, no_shutdown, stopped, daemonize, singlestep,
        full_screen;
    bool wants_window; /* -display other than none */
    bool has_window;   /* and there is one */
    bool consoles;     /* the guest's screen is shown: monitor, serial and parallel port are beside it */
    int echr;          /* 0: not said */
    bool seeded;
    u64 seed;
    struct item *items;
    size_t nitems;
    const char *image; /* a file without an option in front */
    bool done;         /* -help or the like was served: exit with 0 */
};
/* False with a sentence when an option or value is wrong. */
bool options_parse(struct config *c, int argc, char **argv, struct err *e);
/* One option by its name, as if it had been typed. */
bool options_apply(struct config *c, const char *name, const char *value, struct err *e);
bool readconfig(struct config *c, const char *path, struct err *e); /* readconfig.c */
void strings_add(struct strings *s, const char *v);
void items_add(struct config *c, const char *option, const char *text); /* as if -OPTION TEXT had been typed */
const char *last_of(const struct strings *s);                           /* NULL when empty */
bool is_help(const char *s);                                            /* "help", "?" */

#endif
