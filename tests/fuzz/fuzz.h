/* The devices' fuzzer. A target is a device on a board; a run makes the machine as the command line would, without
 * processors that run, and does steps on it: what a guest, the network, a person and time do to devices. Steps come
 * from a generator, which knows how to be wrong about registers and rings, or from a file. All of a run follows from
 * target and seed; its steps are written down as it goes, so that they can be done again without the generator.
 *
 *   targets.c   what can be fuzzed: from hw/devices.def and the boards, and the command line for each
 *   world.c     the machine: made, stepped, ended
 *   steps.c     steps as text
 *   gen.c       the generator; ring_*.c what drivers put into memory, a file a kind of device
 *   child.c     a run in a process of its own: what ended it
 *   shrink.c    a failing program without the steps that it fails without
 */
#ifndef MOSS_TESTS_FUZZ_FUZZ_H
#define MOSS_TESTS_FUZZ_FUZZ_H

#include "base/buf.h"
#include "base/err.h"
#include "hw/core/machine.h"

/* -- steps.c ----------------------------------------------------------------------------------------------------- */

enum step_op {
    STEP_READ, /* a processor's load and store: size, addr, val */
    STEP_WRITE,
    STEP_IN, /* of ports */
    STEP_OUT,
    STEP_RAM,    /* bytes into memory: addr, data */
    STEP_WAIT,   /* addr nanoseconds go by; timers and the main loop have their turn */
    STEP_TURN,   /* the main loop alone: disks are done, frames and bytes arrive */
    STEP_NET,    /* a frame from the network: data */
    STEP_CHR,    /* bytes for character device addr: data */
    STEP_KEY,    /* addr: KEY_*; val: down */
    STEP_BUTTON, /* addr: enum input_button; val: down */
    STEP_REL,    /* addr: enum input_axis; val: steps */
    STEP_ABS,    /* addr, val: a place on 0x8000 * 0x8000 */
    STEP_ACK,    /* the processor takes an interrupt, if there is one */
    STEP_SYSR,   /* a system register of the interrupt controller: addr */
    STEP_SYSW,
    STEP_LOOK,  /* somebody looks at every screen */
    STEP_MEDIA, /* disk addr: taken out (val 0) or put in */
    STEP_LINK,  /* the network's cable: val */
    STEP_POWER, /* somebody presses the machine's button */
    STEP_RESET, /* of the machine */
    STEP_SAVE,  /* state saved, loaded, saved again is the same */
    STEP_OPS
};
enum { STEP_DATA_MAX = 1 << 16, STEP_CPUS = 2 };
struct step {
    u8 op, size; /* size: 1, 2, 4, 8 */
    u8 cpu;      /* which processor does it */
    bool secure;
    u32 len;
    u64 addr, val;
    const u8 *data;
};
void step_print(const struct step *s, struct buf *out); /* a line */
bool step_parse(const char *line, struct step *s, struct buf *data, struct err *e);

/* Steps of a run, in memory that parent and child share. */
struct tape {
    u64 nsteps, used;
    u64 digest;   /* of all that steps saw */
    u64 args_len; /* of the command line before the steps, a NUL behind each word */
    char args[4096];
    u8 bytes[];
};
enum { TAPE_BYTES = 48 << 20 };
struct tape *tape_new(void);
void tape_free(struct tape *t);
void tape_clear(struct tape *t);
bool tape_add(struct tape *t, const struct step *s); /* false: it is full */
/* The step at *at, which moves on; false: that was the last one. */
bool tape_next(const struct tape *t, u64 *at, struct step *s);
void tape_print(const struct tape *t, struct buf *out); /* a program: comments, "args ...", a line a step */
bool tape_load(struct tape *t, const char *path, struct err *e);

/* -- targets.c --------------------------------------------------------------------------------------------------- */

struct target_info {
    const struct device_class *cls;
    const char *group; /* the bus it sits on */
};
/* All of them: every class but those of `targets_apart`. */
unsigned targets_list(const struct target_info **out);
const struct target_info *target_find(const char *name);
/* The command line that makes it, one of several by `seed`; into t->args. False: no board is known to have it. */
bool target_args(const struct target_info *ti, u64 seed, struct tape *t);

/* -- world.c ----------------------------------------------------------------------------------------------------- */

struct netdev;
enum { WORLD_CHARS = 4 };
struct world {
    struct machine *m;
    struct tape *tape;
    struct netdev *peer; /* the far end of the wire */
    int chr[WORLD_CHARS];
    bool ended; /* no room for more steps */
};
/* By tape->args. False: the command line is refused, which is no failure. */
bool world_make(struct world *w, struct tape *t, u64 seed, struct err *e);
/* Writes it down, then does it. Gives what was read. */
u64 world_step(struct world *w, const struct step *s);
u64 world_do(struct world *w, const struct step *s); /* does it */
void world_end(struct world *w);                     /* as at moss's end: all is freed */
/* Something is wrong that no sanitizer sees. */
NORETURN void world_fail(const char *fmt, ...) PRINTF_LIKE(1, 2);
/* The clock that all of the process sees (clock_gettime), and the time that is real. */
void fake_clock_add(u64 ns);
u64 real_clock(void);

/* -- gen.c ------------------------------------------------------------------------------------------------------- */

/* Steps of this target until n are done or the tape is full; by the seed alone. */
void gen_run(struct world *w, const struct target_info *ti, u64 seed, u64 n);

/* -- child.c ----------------------------------------------------------------------------------------------------- */

enum verdict { RUN_CLEAN, RUN_REFUSED /* the command line */, RUN_FAILED };
struct outcome {
    enum verdict verdict;
    u64 nsteps, digest;
    char why[160]; /* RUN_FAILED */
};
/* A generated run. */
struct outcome child_fuzz(struct tape *t, const struct target_info *ti, u64 seed, u64 steps);
/* The steps of `program` that `keep` has (NULL: all); t gets what was done. quiet: nothing on stderr. */
struct outcome child_replay(struct tape *t, const struct tape *program, const u8 *keep, bool quiet);
void child_scratch(void);     /* makes the folder that runs take place in */
void child_scratch_end(void); /* removes it */
void child_images(void);      /* makes the images there anew */
extern const char *child_log; /* as -d; NULL: nothing */

/* -- shrink.c ---------------------------------------------------------------------------------------------------- */

/* Replaces the program by one with fewer steps that fails too. */
void shrink(struct tape *program, struct tape *scratch);

#endif
