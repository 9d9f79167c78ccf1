/* The machine's life: from a parsed command line to a running machine and its end. */
#ifndef MOSS_SYSTEM_SYSTEM_H
#define MOSS_SYSTEM_SYSTEM_H

#include "accel/accel.h"
#include "base/opts.h"
#include "hw/core/machine.h"
#include "system/options.h"

/* -- setup.c ------------------------------------------------------------------------------------------- */
struct setup {
    struct config cfg;
    struct machine *machine;
    const struct accel *accel;
    bool stats;       /* print the accelerator's figures at exit */
    char *guest_name; /* -name; NULL: none */
};
/* Builds everything the command line asks for. *done: nothing is to run (a device tree was dumped). */
bool setup_machine(struct setup *s, bool *done, struct err *e);

/* -- guess.c --------------------------------------------------------------------------------------------- */
/* `moss FILE`: completes the configuration from what the file is. */
bool guess_machine(struct config *c, struct err *e);

/* -- lists.c --------------------------------------------------------------------------------------------- */
bool lists_serve(const struct config *c); /* a list was asked for, and printed */

/* -- choose.c -------------------------------------------------------------------------------------------- */
extern const struct opt_key machine_keys[]; /* what every board takes */
/* moss-system-NAME, qemu-system-NAME: boards and models are those of that processor. */
void target_by_program(const char *program);
const struct target *target_named(void); /* NULL: any */
bool board_is_here(const struct board *b);
const struct board *board_find(const char *name);
const struct board *board_choose(const char *name, struct err *e);
/* Refuses keys that neither the board nor machine_keys know. */
bool machine_opts_check(struct opts *o, const struct board *b, struct err *e);
bool cpus_choose(const struct config *c, const struct board *b, struct machine_config *mc, struct err *e);
bool memory_choose(const struct config *c, const struct board *b, u64 *out, struct err *e);
extern const struct opt_key accel_tcg_keys[];
const struct accel *accel_choose(const struct config *c, const char *from_machine, struct accel_config *ac,
                                 struct err *e);

/* -- drives.c -------------------------------------------------------------------------------------------- */
extern const struct opt_key drive_keys[]; /* -drive's, beyond block_keys */
bool drive_make(const struct board *b, struct machine_config *mc, struct opts *o, struct err *e);
/* -hda, -cdrom, -fda...: by the option's name. */
bool drive_file(const struct board *b, struct machine_config *mc, const char *option, const char *file, struct err *e);
/* Behind all of them: the drives that a board has anyway. */
bool drives_finish(const struct config *c, const struct board *b, struct machine_config *mc, struct err *e);

/* -- backends.c, network.c: what devices are connected to ------------------------------------------------- */
bool backends_make(struct config *c, const struct board *b, struct machine_config *mc, struct err *e);
void backends_tell(const struct config *c); /* the machine stands: where its console is, when nobody said */
bool netdev_item(const char *text, struct err *e);
bool nic_item(const struct board *b, const char *text, struct err *e);
void net_item(const char *text); /* -net: kept until nets_finish() */
bool nets_finish(const struct config *c, const struct board *b, struct err *e);

/* -- boot.c: what firmware is told ------------------------------------------------------------------------- */
bool boot_apply(const struct config *c, struct boot_wish *w, struct err *e);
bool identity_apply(const struct config *c, struct machine_config *mc, struct err *e); /* -uuid, -smbios */
bool fw_cfg_apply(const struct config *c, struct machine *m, struct err *e);

/* -- objects.c ------------------------------------------------------------------------------------------------ */
struct object_kind {
    const char *name, *doc; /* NULL ends */
    const struct opt_key *keys;
    bool (*make)(const char *id, struct opts *o, struct err *e);
};
extern const struct object_kind object_kinds[];
bool object_item(const char *text, struct err *e);
const char *object_secret(const char *id); /* NULL: there is none */
/* The size of the memory-backend that -machine or -numa names; *size says what -m did. */
bool memory_from(const struct config *c, const char *from_machine, u64 *size, struct err *e);

/* -- devices.c --------------------------------------------------------------------------------------------- */
const struct device_class *device_class_find(const char *name);
const char *device_alias(const struct device_class *c); /* QEMU's short name, or NULL */
bool device_is_pluggable(const struct device_class *c); /* -device can make it */
/* As if -device had been typed, before all that were or behind them. */
void device_imply(bool behind, const char *fmt, ...) PRINTF_LIKE(2, 3);
void devices_globals(const struct setup *s); /* before the machine is made: -global for all devices */
bool devices_make(struct setup *s, struct err *e);
const char *device_missing(const char *name); /* missing.c: what moss would need for it, NULL: unknown */

/* -- displays.c ---------------------------------------------------------------------------------------------- */
bool displays_wanted(const struct config *c);        /* as far as options tell, before there is a machine */
void displays_consoles(void);                        /* before the first character device is made */
bool displays_start(struct setup *s, struct err *e); /* the machine's devices are there */
/* By name: "vnc"; NULL: it does not run. */
const struct display *displays_running(const char *name);
void displays_end(void); /* machine lock held */
void displays_list(void);

/* -- loaddev.c ----------------------------------------------------------------------------------------------- */
extern const struct opt_key loader_keys[];
bool loader_device(struct machine *m, struct opts *o, struct err *e); /* -device loader */
void loader_starts(struct machine *m);                                /* after the processors' reset */

/* -- json.c ------------------------------------------------------------------------------------------------ */
/* An option's value: a JSON object, or a list for opts_parse(). */
bool opts_from_text(struct opts *o, const char *text, const char *implied, struct err *e);

/* -- run.c ------------------------------------------------------------------------------------------------- */
/* Runs until something ends moss; returns the exit status. */
int run_machine(struct setup *s);
bool run_init(struct setup *s, struct err *e); /* the request hooks; before threads start */
/* From here on signals end moss in order; while the machine is set up (which may wait for others) they just kill it. */
void run_signals(void);
/* Machine lock held, main thread: for the monitor and displays. */
enum run_state { RUN_PRELAUNCH, RUN_RUNNING, RUN_PAUSED, RUN_SHUTDOWN, RUN_PANICKED, RUN_WATCHDOG, RUN_IO_ERROR };
enum run_state run_state(void);
const char *run_state_text(void);  /* "running", "paused (prelaunch)" */
void run_stop(enum run_state why); /* a machine that runs stands still */
bool run_cont(struct err *e);
struct machine *run_the_machine(void); /* NULL before run_machine() */
const char *run_guest_name(void);      /* -name, or NULL */
/* On the cpu's own thread, at an instruction boundary; the machine lock is let go meanwhile. */
void run_on_cpu(struct vcpu *cpu, void (*fn)(struct vcpu *cpu, void *arg), void *arg);
void run_accel_stats(struct buf *out);

/* -- semihosting.c ------------------------------------------------------------------------------------------ */
bool semihosting_init(const struct config *c, struct err *e);

#endif
