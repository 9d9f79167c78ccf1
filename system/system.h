/* The machine's life: from a parsed command line to a running machine and its end. */
#ifndef MOSS_SYSTEM_SYSTEM_H
#define MOSS_SYSTEM_SYSTEM_H

#include "accel/accel.h"
#include "base/opts.h"
#include "hw/core/machine.h"
#include "system/options.h"

/* -- setup.c ----------------------------------------------------------------------------------------- */
struct setup {
    struct config cfg;
    struct machine *machine;
    const struct accel *accel;
    bool stats; /* print the accelerator's figures at exit */
};
/* Builds everything the command line asks for. *done: a list was printed instead ("-cpu help"). */
bool setup_machine(struct setup *s, bool *done, struct err *e);

/* -- backends.c: chardevs, drives, netdevs, and the devices on them ------------------------------------ */
bool backends_make(struct setup *s, const struct board *b, struct machine_config *mc, bool *done, struct err *e);
bool devices_make(struct setup *s, struct err *e);
void devices_help(const char *cls_name);

/* -- run.c -------------------------------------------------------------------------------------------- */
/* Runs until something ends moss; returns the exit status. */
int run_machine(struct setup *s);
/* Signal handlers and the request hooks; before threads start. */
void run_init(struct setup *s);

/* -- semihosting.c ---------------------------------------------------------------------------------------- */
bool semihosting_init(const struct config *c, struct err *e);

#endif
