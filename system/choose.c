/* Which board, how many processors, how much memory, which accelerator: the words of the command line made into
 * choices. Several options of one name are one list: later keys count, earlier ones that are not repeated stay. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "system/registry.h"
#include "system/system.h"

/* -- the board ---------------------------------------------------------------------------------------------------- */

/* What every board takes with -machine. */
const struct opt_key machine_keys[] = {
    {"type", "NAME", "the board"},
    {"accel", "A[:B...]", "accelerators; the first that is there counts"},
    {"kernel", "FILE", "as -kernel"},
    {"initrd", "FILE", "as -initrd"},
    {"append", "TEXT", "as -append"},
    {"dtb", "FILE", "as -dtb"},
    {"firmware", "FILE", "as -bios"},
    {"dumpdtb", "FILE", "write the device tree into FILE and end"},
    {"pflash0", "NODE", "the first flash: a -blockdev or -drive if=none by name"},
    {"pflash1", "NODE", "the second flash"},
    {"memory-backend", "ID", "the -object that is the RAM"},
    {"graphics", "on|off", "accepted"},
    {"usb", "on|off", "accepted"},
    {"dump-guest-core", "on|off", "accepted"},
    {"mem-merge", "on|off", "accepted"},
    {"kernel-irqchip", "on|off|split", "accepted"},
    {0},
};

/* Which processors the program's name speaks of: NULL is all. */
static const struct target *named_target;

void target_by_program(const char *program)
{
    const char *at = strstr(program, "-system-");
    for (const struct target *const *t = registry_targets; at && *t; t++) {
        if (!strcmp(at + strlen("-system-"), (*t)->name)) {
            named_target = *t;
        }
    }
}
const struct target *target_named(void)
{
    return named_target;
}
bool board_is_here(const struct board *b)
{
    const struct target *const *t = b->targets;
    while (*t && *t != named_target) {
        t++;
    }
    return !named_target || *t;
}

const struct board *board_find(const char *name)
{
    for (const struct board *const *b = registry_boards; *b; b++) {
        if (!board_is_here(*b)) {
            continue;
        }
        if (!strcmp((*b)->name, name)) {
            return *b;
        }
        for (const char *const *a = (*b)->aliases; a && *a; a++) {
            if (!strcmp(*a, name)) {
                return *b;
            }
        }
    }
    return NULL;
}

/* Only a program whose name says which processor has one. */
static const struct board *board_default(void)
{
    for (const struct board *const *b = registry_boards; named_target && *b; b++) {
        if (board_is_here(*b) && (*b)->is_default) {
            return *b;
        }
    }
    return NULL;
}

const struct board *board_choose(const char *name, struct err *e)
{
    if (!name && board_default()) {
        return board_default();
    }
    if (!name) {
        err_set(e, "No machine specified, and there is no default\nUse -machine help to list supported machines");
        return NULL;
    }
    if (!strcmp(name, "none")) {
        err_set(e, "machine 'none' has nothing to run: moss takes it to list things only");
        return NULL;
    }
    const struct board *b = board_find(name);
    if (b) {
        return b;
    }
    const char *names[64];
    unsigned n = 0;
    for (const struct board *const *p = registry_boards; *p && n < ARRAY_LEN(names) - 1; p++) {
        if (!board_is_here(*p)) {
            continue;
        }
        names[n++] = (*p)->name;
        for (const char *const *a = (*p)->aliases; a && *a && n < ARRAY_LEN(names) - 1; a++) {
            names[n++] = *a;
        }
    }
    names[n] = NULL;
    const char *near = nearest_name(name, names);
    err_set(e, "unsupported machine type '%s'%s%s%s\nUse -machine help to list supported machines", name,
            near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return NULL;
}

bool machine_opts_check(struct opts *o, const struct board *b, struct err *e)
{
    const char *known[64];
    unsigned n = 0;
    for (const struct opt_key *k = machine_keys; k->name; k++) {
        opts_ignore(o, k->name);
        known[n++] = k->name;
    }
    opts_ignore(o, "kernel_irqchip,vmport,hpet,smp");
    for (const struct prop *p = b->options; p && p->name && n < ARRAY_LEN(known) - 1; p++) {
        opts_ignore(o, p->name);
        known[n++] = p->name;
    }
    known[n] = NULL;
    for (size_t i = 0; i < o->n; i++) {
        if (!o->v[i].used) {
            const char *near = nearest_name(o->v[i].key, known);
            return err_set(e, "Property '%s-machine.%s' not found%s%s%s", b->name, o->v[i].key,
                           near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
        }
    }
    return true;
}

/* -- processors -------------------------------------------------------------------------------------------------- */

struct topology {
    u64 cpus, maxcpus, sockets, clusters, cores, threads, dies; /* 0: not said */
};

static bool smp_num(struct opts *o, const char *key, u64 *v, struct err *e)
{
    if (!opts_num(o, key, v, e)) {
        return false;
    }
    return *v || !opts_has(o, key) ? true : err_set(e, "Invalid CPU topology: %s must be greater than zero", key);
}

static bool smp_read(const char *text, struct topology *t, struct err *e)
{
    struct opts o = {0};
    bool ok = opts_parse(&o, text, "cpus", e) && smp_num(&o, "cpus", &t->cpus, e) &&
              smp_num(&o, "maxcpus", &t->maxcpus, e) && smp_num(&o, "sockets", &t->sockets, e) &&
              smp_num(&o, "dies", &t->dies, e) && smp_num(&o, "clusters", &t->clusters, e) &&
              smp_num(&o, "cores", &t->cores, e) && smp_num(&o, "threads", &t->threads, e) &&
              opts_all_used(&o, "-smp", NULL, e);
    opts_free(&o);
    return ok;
}

/* What was not said follows from what was, cores first. False: more than any board has. */
static bool topology_complete(struct topology *t)
{
    enum { SANE = 1 << 16 };
    u64 want = t->maxcpus ? t->maxcpus : t->cpus;
    u64 *const parts[] = {&t->sockets, &t->clusters, &t->cores, &t->threads};
    u64 *free_part = !t->cores ? &t->cores : !t->sockets ? &t->sockets : !t->threads ? &t->threads : NULL;
    u64 rest = 1;
    for (size_t i = 0; i < ARRAY_LEN(parts); i++) {
        if (parts[i] != free_part) {
            *parts[i] = *parts[i] ? *parts[i] : 1;
            if (*parts[i] > SANE || rest > SANE) {
                return false;
            }
            rest *= *parts[i];
        }
    }
    if (free_part) {
        *free_part = want ? want / rest : 1;
        rest *= *free_part;
    }
    t->maxcpus = want ? want : rest;
    t->cpus = t->cpus ? t->cpus : t->maxcpus;
    return true;
}

static bool topology_check(const struct topology *t, const struct board *b, struct err *e)
{
    u64 product = t->sockets * t->clusters * t->cores * t->threads, most = MAX(t->cpus, t->maxcpus);
    if (most > b->max_cpus) {
        return err_set(e, "Invalid SMP CPUs %llu. The max CPUs supported by machine '%s' is %u",
                       (unsigned long long)most, b->name, b->max_cpus);
    }
    if (t->maxcpus < t->cpus) {
        return err_set(e, "Invalid CPU topology: maxcpus must be equal to or greater than smp");
    }
    if (product != t->maxcpus) {
        return err_set(e,
                       "Invalid CPU topology: product of the hierarchy must match maxcpus: sockets (%llu) * clusters "
                       "(%llu) * cores (%llu) * threads (%llu) != maxcpus (%llu)",
                       (unsigned long long)t->sockets, (unsigned long long)t->clusters, (unsigned long long)t->cores,
                       (unsigned long long)t->threads, (unsigned long long)t->maxcpus);
    }
    return true;
}

bool cpus_choose(const struct config *c, const struct board *b, struct machine_config *mc, struct err *e)
{
    struct topology t = {0};
    for (size_t i = 0; i < c->smp.n; i++) {
        if (!smp_read(c->smp.v[i], &t, e)) {
            err_prefix(e, "-smp %s", c->smp.v[i]);
            return false;
        }
    }
    if (t.dies > 1) {
        return err_set(e, "dies not supported by this machine's CPU topology");
    }
    t.cpus = t.cpus || c->smp.n ? t.cpus : 1;
    if (!topology_complete(&t)) {
        return err_set(e, "Invalid CPU topology: far more processors than the %u of machine '%s'", b->max_cpus,
                       b->name);
    }
    mc->cpus = (unsigned)t.cpus;
    mc->sockets = (unsigned)t.sockets;
    mc->cores = (unsigned)(t.cores * t.clusters);
    mc->threads = (unsigned)t.threads;
    return topology_check(&t, b, e);
}

/* -- memory ------------------------------------------------------------------------------------------------------ */

/* A number without a unit is MiB here. */
static bool ram_size(const char *s, u64 *out, struct err *e)
{
    size_t len = strlen(s);
    if (!parse_size(s, out)) {
        return err_set(e, "Parameter 'size' expects a non-negative number below 2^64, such as 512M or 4G");
    }
    if (len && s[len - 1] >= '0' && s[len - 1] <= '9') {
        if (*out >> 44) {
            return err_set(e, "too much");
        }
        *out <<= 20;
    }
    *out = align_up(*out, 1 << 20);
    return true;
}

bool memory_choose(const struct config *c, const struct board *b, u64 *out, struct err *e)
{
    *out = 0;
    for (size_t i = 0; i < c->memory.n; i++) {
        struct opts o = {0};
        bool ok = opts_parse(&o, c->memory.v[i], "size", e);
        const char *s = ok ? opts_str(&o, "size", NULL) : NULL, *max = ok ? opts_str(&o, "maxmem", NULL) : NULL;
        u64 slots = 0, most = UINT64_MAX;
        ok = ok && (!s || ram_size(s, out, e)) && (!max || ram_size(max, &most, e)) &&
             opts_num(&o, "slots", &slots, e) && opts_all_used(&o, "-m", NULL, e);
        if (ok && most < (*out ? *out : b->default_ram)) {
            ok = err_set(e, "invalid value of maxmem: it is less than the memory at the start");
        }
        opts_free(&o);
        if (!ok) {
            err_prefix(e, "-m %s", c->memory.v[i]);
            return false;
        }
    }
    *out = *out ? *out : b->default_ram;
    return true;
}

/* -- the accelerator --------------------------------------------------------------------------------------------- */

/* Those of other emulators: scripts name them first and tcg behind. */
static bool accel_is_known(const char *name)
{
    static const char *const known[] = {"kvm", "hvf", "whpx", "nvmm", "xen", "hax"};
    for (size_t i = 0; i < ARRAY_LEN(known); i++) {
        if (!strcmp(name, known[i])) {
            return true;
        }
    }
    return false;
}

const struct opt_key accel_tcg_keys[] = {
    {"verify", "on|off", "the interpreter runs the guest, host code is checked beside it"},
    {"verify-runs", "N", "a block that passed so often is left alone; 0: never"},
    {"interp", "on|off", "no host code"},
    {"hostile", "on|off", "tiny caches, and everything is thrown away often"},
    {"stats", "on|off", "counters at the end"},
    {"one-insn-per-tb", "on|off", "blocks of one instruction"},
    {"tb-size", "MIB", "size of the code cache"},
    {"thread", "multi|single", "taken for compatibility: a thread a vcpu"},
    {"split-wx", "on|off", "taken for compatibility: always on"},
    {0},
};

/* *out stays NULL when there is no such accelerator here. */
static bool accel_try(const char *text, const struct accel **out, struct accel_config *ac, struct err *e)
{
    struct opts o = {0};
    bool ok = opts_parse(&o, text, "accel", e);
    const char *name = ok ? opts_str(&o, "accel", "tcg") : "";
    u64 mib = 0;
    for (const struct accel *const *a = registry_accels; ok && *a; a++) {
        if (!strcmp((*a)->name, name)) {
            *out = *a;
        }
    }
    if (ok && *out) {
        opts_ignore(&o, "thread,split-wx");
        ok = opts_bool(&o, "verify", &ac->verify, e) && opts_num(&o, "verify-runs", &ac->verify_runs, e) &&
             opts_bool(&o, "interp", &ac->interp, e) && opts_bool(&o, "stats", &ac->stats, e) &&
             opts_bool(&o, "hostile", &ac->hostile, e) && opts_bool(&o, "one-insn-per-tb", &ac->single_step, e) &&
             opts_num(&o, "tb-size", &mib, e) && opts_all_used(&o, "-accel tcg", accel_tcg_keys, e);
        ac->code_cache = mib << 20;
    } else if (ok && !accel_is_known(name)) {
        ok = err_set(e, "invalid accelerator %s", name);
    }
    opts_free(&o);
    return ok;
}

/* The first that is there counts; when only others were asked for, tcg goes on with a warning. */
const struct accel *accel_choose(const struct config *c, const char *from_machine, struct accel_config *ac,
                                 struct err *e)
{
    const struct accel *found = NULL;
    const char *missing = NULL;
    char *list = from_machine ? strdup(from_machine) : NULL;
    bool ok = true;
    for (char *save = NULL, *w = list ? strtok_r(list, ":", &save) : NULL; ok && w && !found;
         w = strtok_r(NULL, ":", &save)) {
        ok = accel_try(w, &found, ac, e);
        missing = found ? missing : from_machine;
    }
    for (size_t i = 0; ok && i < c->accel.n && !found; i++) {
        ok = accel_try(c->accel.v[i], &found, ac, e);
        missing = found ? missing : c->accel.v[i];
    }
    free(list);
    if (!ok) {
        return NULL;
    }
    if (!found) {
        if (missing) {
            report("warning: accelerator %s is not there; falling back to %s", missing, registry_accels[0]->name);
        }
        found = registry_accels[0];
    }
    return found;
}
