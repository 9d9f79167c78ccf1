/* See fuzz.h. Run without arguments it tells its options. */
#include <errno.h>
#include <getopt.h>
#include <glib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tests/fuzz/fuzz.h"

/* A failed check ends in SIGABRT, of which the sanitizer prints where it came from. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "handle_abort=1:detect_leaks=0:allocator_may_return_null=0:detect_stack_use_after_return=0";
}
const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
    return "halt_on_error=1:print_stacktrace=1";
}

enum { STEPS_A_RUN = 3000 };

static struct {
    u64 seed, steps, runs;
    double seconds; /* for each target */
    bool trace, minimise, list, again, quiet;
    const char *part; /* I/N */
    char **replay;
} opt = {.steps = STEPS_A_RUN};

static void usage(void)
{
    printf("usage: fuzz [OPTION]... [DEVICE]...\n"
           "Random register and ring traffic for devices; all of them if none is named.\n"
           "  --seconds S   so long for each device (default: one run)\n"
           "  --runs N      so many runs for each device\n"
           "  --steps N     of a run (default: %d)\n"
           "  --seed N      of the first run (default: the time)\n"
           "  --part I/N    every Nth device, from the Ith on\n"
           "  --again       every run twice: is it the same?\n"
           "  --trace       print the programs of runs\n"
           "  --minimise    and leave out of it what it fails without\n"
           "  --replay FILE...  do such programs, or all of a folder\n"
           "  --log ITEMS   as moss's -d: guest_errors,unimp\n"
           "  --list        the devices\n",
           STEPS_A_RUN);
}

static void program_print(const struct tape *t)
{
    struct buf b = {0};
    tape_print(t, &b);
    fwrite(b.data, 1, b.len, stdout);
    fflush(stdout);
    buf_free(&b);
}

/* The last step that was begun. */
static void last_print(const struct tape *t)
{
    struct step s = {.op = STEP_OPS};
    struct buf b = {0};
    for (u64 at = 0; tape_next(t, &at, &s);) {
    }
    if (s.op < STEP_OPS) {
        s.len = MIN(s.len, 32u);
        step_print(&s, &b);
        printf("  in step %llu: %s", (unsigned long long)t->nsteps, (char *)b.data);
    }
    buf_free(&b);
}

static void failure_tell(struct tape *t, const struct target_info *ti, u64 seed, const struct outcome *o)
{
    static struct tape *scratch;
    printf("FAILED %s: %s\n  again: fuzz --seed %llu --steps %llu --runs 1 %s\n", ti->cls->name, o->why,
           (unsigned long long)seed, (unsigned long long)opt.steps, ti->cls->name);
    last_print(t);
    fflush(stdout);
    if (opt.minimise) {
        scratch = scratch ? scratch : tape_new();
        shrink(t, scratch);
    }
    if (opt.trace || opt.minimise) {
        program_print(t);
    }
}

static bool is_same(const struct outcome *a, const struct outcome *b)
{
    return a->verdict == b->verdict && a->nsteps == b->nsteps && a->digest == b->digest;
}

/* What a device's runs came to. */
struct sum {
    u64 runs, steps, refused, failed;
};

static bool run_one(struct tape *t, const struct target_info *ti, u64 seed, struct sum *s)
{
    struct outcome o = child_fuzz(t, ti, seed, opt.steps);
    s->runs += o.verdict != RUN_REFUSED;
    s->refused += o.verdict == RUN_REFUSED;
    s->steps += o.nsteps;
    if (o.verdict == RUN_CLEAN && opt.again) {
        struct tape *program = tape_new();
        memcpy(program, t, sizeof(*t) + t->used);
        struct outcome p = child_replay(t, program, NULL, false);
        tape_free(program);
        if (!is_same(&o, &p)) {
            o.verdict = RUN_FAILED;
            snprintf(o.why, sizeof(o.why), "its steps come out otherwise when they are done again");
        }
    }
    if (o.verdict == RUN_CLEAN && opt.trace) {
        program_print(t);
    } else if (o.verdict == RUN_FAILED) {
        s->failed++;
        failure_tell(t, ti, seed, &o);
    }
    return o.verdict != RUN_FAILED;
}

/* A command line that is refused is no run, but for one that always is. */
static bool target_run(struct tape *t, const struct target_info *ti)
{
    enum { REFUSED_MAX = 16 };
    struct sum s = {0};
    u64 start = real_clock();
    bool ok = true;
    do {
        ok = run_one(t, ti, opt.seed + s.runs + s.refused, &s);
    } while (ok && (s.runs ? s.runs < opt.runs || (double)(real_clock() - start) / 1e9 < opt.seconds
                           : s.refused < REFUSED_MAX));
    printf("%-36s %-14s %4llu runs %8llu steps %6.1f s%s\n", ti->cls->name, ti->group, (unsigned long long)s.runs,
           (unsigned long long)s.steps, (double)(real_clock() - start) / 1e9, s.runs ? "" : "  no board takes it");
    fflush(stdout);
    return ok && s.runs;
}

static bool replay_all(struct tape *t)
{
    struct tape *program = tape_new();
    bool ok = true;
    for (char **f = opt.replay; *f; f++) {
        struct err e = {0};
        if (!tape_load(program, *f, &e)) {
            fprintf(stderr, "fuzz: %s\n", e.msg);
            return false;
        }
        struct outcome o = child_replay(t, program, NULL, false);
        if (o.verdict != RUN_CLEAN) {
            printf("FAILED %s: %s\n", *f, o.verdict == RUN_REFUSED ? "its command line is refused" : o.why);
            ok = false;
        }
    }
    return ok;
}

static bool part_has(unsigned i)
{
    unsigned first = 0, of = 1;
    if (opt.part && (sscanf(opt.part, "%u/%u", &first, &of) != 2 || !of)) {
        fprintf(stderr, "fuzz: --part %s: expected I/N\n", opt.part);
        exit(2);
    }
    return i % of == first % of;
}

static bool fuzz_all(struct tape *t)
{
    const struct target_info *list;
    unsigned n = targets_list(&list), failed = 0;
    for (unsigned i = 0; i < n; i++) {
        if (opt.list) {
            printf("%s\n", list[i].cls->name);
        } else if (part_has(i)) {
            failed += !target_run(t, &list[i]);
        }
    }
    return !failed;
}

static bool fuzz_named(struct tape *t, char **names)
{
    bool ok = true;
    for (; *names; names++) {
        const struct target_info *ti = target_find(*names);
        if (!ti) {
            fprintf(stderr, "fuzz: there is no device '%s'; --list names them\n", *names);
            return false;
        }
        ok &= target_run(t, ti);
    }
    return ok;
}

static const struct option options[] = {
    {"seconds", required_argument, NULL, 's'},
    {"runs", required_argument, NULL, 'r'},
    {"steps", required_argument, NULL, 'n'},
    {"seed", required_argument, NULL, 'S'},
    {"part", required_argument, NULL, 'p'},
    {"again", no_argument, NULL, 'a'},
    {"trace", no_argument, NULL, 't'},
    {"minimise", no_argument, NULL, 'm'},
    {"replay", no_argument, NULL, 'R'},
    {"list", no_argument, NULL, 'l'},
    {"log", required_argument, NULL, 'd'},
    {"help", no_argument, NULL, 'h'},
    {0},
};

static void option_take(int c, bool *replay)
{
    switch (c) {
    case 's':
        opt.seconds = strtod(optarg, NULL);
        break;
    case 'r':
        opt.runs = strtoull(optarg, NULL, 0);
        break;
    case 'n':
        opt.steps = strtoull(optarg, NULL, 0);
        break;
    case 'S':
        opt.seed = strtoull(optarg, NULL, 0);
        break;
    case 'p':
        opt.part = optarg;
        break;
    case 'a':
        opt.again = true;
        break;
    case 't':
        opt.trace = true;
        break;
    case 'm':
        opt.minimise = true;
        break;
    case 'R':
        *replay = true;
        break;
    case 'd':
        child_log = optarg;
        break;
    case 'l':
        opt.list = true;
        break;
    default:
        usage();
        exit(c == 'h' ? 0 : 2);
    }
}

static void folder_add(GPtrArray *v, GDir *dir, const char *path)
{
    const char *name;
    while ((name = g_dir_read_name(dir))) {
        if (g_str_has_suffix(name, ".txt")) {
            g_ptr_array_add(v, g_build_filename(path, name, NULL));
        }
    }
    g_dir_close(dir);
}

/* Paths stay what they were when we go to the folder of images; a folder is the programs in it. */
static char **absolute(char **files)
{
    GPtrArray *v = g_ptr_array_new();
    for (; *files; files++) {
        char *path = g_canonicalize_filename(*files, NULL);
        GDir *dir = g_dir_open(path, 0, NULL);
        if (dir) {
            folder_add(v, dir, path);
        } else {
            g_ptr_array_add(v, path);
        }
    }
    g_ptr_array_add(v, NULL);
    return (char **)g_ptr_array_free(v, FALSE);
}

int main(int argc, char **argv)
{
    bool replay = false;
    opt.seed = real_clock() / 1000;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        option_take(c, &replay);
    }
    char **rest = argv + optind;
    opt.replay = replay ? absolute(rest) : NULL;
    child_scratch();
    struct tape *t = tape_new();
    if (!replay && !opt.list) {
        printf("seed %llu\n", (unsigned long long)opt.seed);
    }
    bool ok = replay ? replay_all(t) : *rest ? fuzz_named(t, rest) : fuzz_all(t);
    child_scratch_end();
    return !ok;
}
