/* A run in a process of its own, in a folder with fresh images. It is watched from inside: a step that takes five
 * seconds of the processor, or a minute of anybody's time, is a hang. */
#include <fcntl.h>
#include <glib.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/log.h"
#include "tests/fuzz/fuzz.h"

enum { STEP_SECONDS = 5, STEP_WALL_SECONDS = 60, REFUSED = 42, CLEAN = 0, MEMORY_MAX_KIB = 3 << 19 };

static char scratch[64];
const char *child_log;

static const struct {
    const char *name;
    u64 size;
    u8 fill;
} images[] = {{"disk.img", 4 << 20, 0},      {"disk2.img", 4 << 20, 0}, {"ide.img", 4 << 20, 0},
              {"cd.img", 1 << 20, 0},        {"cd2.img", 1 << 20, 0},   {"ide-cd.img", 1 << 20, 0},
              {"floppy.img", 1440 << 10, 0}, {"fd.img", 1440 << 10, 0}, {"bios.img", 128 << 10, 0xf4}};

void child_scratch(void)
{
    snprintf(scratch, sizeof(scratch), "/tmp/moss-fuzz-XXXXXX");
    must(mkdtemp(scratch) && chdir(scratch) == 0);
}

void child_scratch_end(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(images); i++) {
        unlink(images[i].name);
    }
    must(chdir("/") == 0);
    rmdir(scratch);
}

/* Sparse, but for a sector here and there. */
void child_images(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(images); i++) {
        u8 sector[2048];
        memset(sector, images[i].fill ? images[i].fill : 0x5a, sizeof(sector));
        int fd = open(images[i].name, O_RDWR | O_CREAT | O_TRUNC, 0600);
        must(fd >= 0 && ftruncate(fd, (off_t)images[i].size) == 0);
        for (u64 at = 0; at < images[i].size; at += images[i].fill ? sizeof(sector) : 256 << 10) {
            must(pwrite(fd, sector, sizeof(sector), (off_t)at) == sizeof(sector));
        }
        close(fd);
    }
}

/* -- the watchdog ------------------------------------------------------------------------------------------------ */

static const struct tape *watched;

static void hang(void)
{
    static const char text[] = "fuzz: a step takes too long\n";
    if (write(STDERR_FILENO, text, sizeof(text) - 1) > 0) {
        abort();
    }
    abort();
}

static void on_cpu_tick(int no)
{
    static u64 step = ~0ull;
    static unsigned ticks;
    (void)no;
    ticks = watched->nsteps == step ? ticks + 1 : 0;
    step = watched->nsteps;
    if (ticks >= STEP_SECONDS) {
        hang();
    }
}

static void on_wall_tick(int no)
{
    static u64 step = ~0ull;
    (void)no;
    if (watched->nsteps == step) {
        hang();
    }
    step = watched->nsteps;
}

static void watch(const struct tape *t)
{
    struct itimerval cpu = {{1, 0}, {1, 0}}, wall = {{STEP_WALL_SECONDS, 0}, {STEP_WALL_SECONDS, 0}};
    watched = t;
    sigaction(SIGPROF, &(struct sigaction){.sa_handler = on_cpu_tick, .sa_flags = SA_RESTART}, NULL);
    sigaction(SIGALRM, &(struct sigaction){.sa_handler = on_wall_tick, .sa_flags = SA_RESTART}, NULL);
    setitimer(ITIMER_PROF, &cpu, NULL);
    setitimer(ITIMER_REAL, &wall, NULL);
}

/* -- runs -------------------------------------------------------------------------------------------------------- */

struct job {
    struct tape *t;
    const struct target_info *ti; /* NULL: replay */
    const struct tape *program;
    const u8 *keep;
    u64 seed, steps;
    bool quiet, loud;
};

static void replay(struct world *w, const struct job *j)
{
    struct step s;
    u64 n = 0;
    for (u64 at = 0; tape_next(j->program, &at, &s); n++) {
        if (!j->keep || j->keep[n]) {
            world_step(w, &s);
        }
    }
}

/* A guest must not be able to take the host's memory. */
static void memory_check(void)
{
    struct rusage u;
    if (!getrusage(RUSAGE_SELF, &u) && u.ru_maxrss > MEMORY_MAX_KIB) {
        world_fail("the run took %ld MiB of memory", u.ru_maxrss >> 10);
    }
}

NORETURN static void child_main(const struct job *j)
{
    struct world w;
    struct err e = {0};
    struct rlimit no_core = {0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    if (j->quiet) {
        must(freopen("/dev/null", "w", stderr));
    }
    child_images();
    if (child_log && !log_set_items(child_log, &e)) {
        fprintf(stderr, "fuzz: --log %s: %s\n", child_log, e.msg);
        _exit(REFUSED);
    }
    watch(j->t);
    if (!world_make(&w, j->t, j->seed, &e)) {
        if (j->loud) {
            fprintf(stderr, "fuzz: refused: %s\n", e.msg);
        }
        _exit(REFUSED);
    }
    if (j->ti) {
        gen_run(&w, j->ti, j->seed, j->steps);
    } else {
        replay(&w, j);
    }
    world_end(&w);
    memory_check();
    exit(CLEAN);
}

static struct outcome child_run(const struct job *j)
{
    struct outcome o = {0};
    int status;
    tape_clear(j->t);
    fflush(NULL);
    pid_t pid = fork();
    must(pid >= 0);
    if (!pid) {
        child_main(j);
    }
    must(waitpid(pid, &status, 0) == pid);
    o.nsteps = j->t->nsteps;
    o.digest = j->t->digest;
    if (WIFEXITED(status) && WEXITSTATUS(status) == CLEAN) {
        o.verdict = RUN_CLEAN;
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == REFUSED) {
        o.verdict = RUN_REFUSED;
    } else {
        o.verdict = RUN_FAILED;
        snprintf(o.why, sizeof(o.why), WIFSIGNALED(status) ? "signal %d (%s)" : "exit status %d",
                 WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status),
                 WIFSIGNALED(status) ? strsignal(WTERMSIG(status)) : "");
    }
    return o;
}

struct outcome child_fuzz(struct tape *t, const struct target_info *ti, u64 seed, u64 steps)
{
    if (!target_args(ti, seed, t)) {
        return (struct outcome){.verdict = RUN_REFUSED};
    }
    return child_run(&(struct job){.t = t, .ti = ti, .seed = seed, .steps = steps});
}

struct outcome child_replay(struct tape *t, const struct tape *program, const u8 *keep, bool quiet)
{
    t->args_len = program->args_len;
    memcpy(t->args, program->args, program->args_len);
    return child_run(&(struct job){.t = t, .program = program, .keep = keep, .quiet = quiet, .loud = true});
}
