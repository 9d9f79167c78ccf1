/* From options to a machine: accelerator, board, processors, back ends, devices. */
#include <string.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/log.h"
#include "system/registry.h"
#include "system/system.h"

/* -- lists ----------------------------------------------------------------------------------------------------- */

static bool is_help(const char *s)
{
    return !strcmp(s, "help") || !strcmp(s, "?") || !strcmp(s, "\\?");
}

static void list_boards(void)
{
    printf("Supported machines are:\n");
    for (const struct board *const *b = registry_boards; *b; b++) {
        for (const char *const *a = (*b)->aliases; a && *a; a++) {
            printf("%-20s %s (alias of %s)\n", *a, (*b)->doc, (*b)->name);
        }
        printf("%-20s %s\n", (*b)->name, (*b)->doc);
    }
    printf("%-20s empty machine\n", "none");
}

static void list_board_options(const struct board *b)
{
    printf("%s-machine options:\n", b->name);
    for (const struct prop *p = b->options; p && p->name; p++) {
        printf("  %s=<%s> - %s\n", p->name,
               p->kind == PROP_BOOL  ? "bool"
               : p->kind == PROP_STR ? "string"
                                     : "number",
               p->doc ? p->doc : "");
    }
}

static void list_cpus(const struct board *b)
{
    printf("Available CPUs:\n");
    for (const struct target *const *t = b->targets; *t; t++) {
        for (const struct cpu_model *m = (*t)->models; m->name; m++) {
            printf("  %-16s %s\n", m->name, m->doc ? m->doc : "");
        }
    }
}

static void list_accels(void)
{
    printf("Accelerators supported in QEMU binary:\n");
    for (const struct accel *const *a = registry_accels; *a; a++) {
        printf("%s\n", (*a)->name);
    }
}

/* -- the board ---------------------------------------------------------------------------------------------------- */

static const struct board *board_find(const char *name)
{
    for (const struct board *const *b = registry_boards; *b; b++) {
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

static const struct board *board_choose(const char *name, struct err *e)
{
    const struct board *b = board_find(name);
    if (b) {
        return b;
    }
    const char *names[64];
    unsigned n = 0;
    for (const struct board *const *p = registry_boards; *p && n < 60; p++) {
        names[n++] = (*p)->name;
        for (const char *const *a = (*p)->aliases; a && *a && n < 60; a++) {
            names[n++] = *a;
        }
    }
    names[n] = NULL;
    const char *near = nearest_name(name, names);
    err_set(e, "unsupported machine type '%s'%s%s%s; use -machine help to list supported machines", name,
            near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return NULL;
}

static bool cpu_count(const struct config *c, const struct board *b, unsigned *out, struct err *e)
{
    u64 n = 0, sockets = 1, cores = 1, threads = 1, max = 0;
    bool parts = false;
    for (size_t i = 0; i < c->smp.n; i++) {
        struct opts o = {0};
        bool ok =
            opts_parse(&o, c->smp.v[i], "cpus", e) && opts_num(&o, "cpus", &n, e) && opts_num(&o, "maxcpus", &max, e);
        parts |= opts_has(&o, "sockets") || opts_has(&o, "cores") || opts_has(&o, "threads");
        opts_ignore(&o, "dies,clusters");
        ok = ok && opts_num(&o, "sockets", &sockets, e) && opts_num(&o, "cores", &cores, e) &&
             opts_num(&o, "threads", &threads, e) && opts_all_used(&o, "-smp", NULL, e);
        opts_free(&o);
        if (!ok) {
            return false;
        }
    }
    if (!n) {
        n = parts ? sockets * cores * threads : 1;
    }
    if (n > b->max_cpus) {
        return err_set(e, "Invalid SMP CPUs %llu. The max CPUs supported by machine '%s' is %u", (unsigned long long)n,
                       b->name, b->max_cpus);
    }
    *out = (unsigned)n;
    return true;
}

static bool memory_size(const struct config *c, const struct board *b, u64 *out, struct err *e)
{
    *out = b->default_ram;
    for (size_t i = 0; i < c->memory.n; i++) {
        struct opts o = {0};
        bool ok = opts_parse(&o, c->memory.v[i], "size", e);
        const char *s = ok ? opts_str(&o, "size", NULL) : NULL;
        opts_ignore(&o, "slots,maxmem");
        if (s) { /* a number without a unit is MiB here */
            u64 v;
            size_t len = strlen(s);
            ok = parse_size(s, &v);
            if (ok && len && s[len - 1] >= '0' && s[len - 1] <= '9') {
                v <<= 20;
            }
            ok = ok && v ? true : err_set(e, "-m %s: expected a size such as 512M or 4G", s);
            *out = align_up(v, 1 << 20);
        }
        ok = ok && opts_all_used(&o, "-m", NULL, e);
        opts_free(&o);
        if (!ok) {
            return false;
        }
    }
    return true;
}

/* -- the accelerator -------------------------------------------------------------------------------------------------
 */

static bool accel_try(struct setup *s, const char *text, struct accel_config *ac, struct err *e)
{
    struct opts o = {0};
    bool ok = opts_parse(&o, text, "accel", e);
    const char *name = ok ? opts_str(&o, "accel", "tcg") : "";
    u64 mib = 0;
    for (const struct accel *const *a = registry_accels; ok && *a; a++) {
        if (!strcmp((*a)->name, name)) {
            s->accel = *a;
        }
    }
    if (ok && s->accel) {
        opts_ignore(&o, "thread,split-wx");
        ok = opts_bool(&o, "verify", &ac->verify, e) && opts_bool(&o, "interp", &ac->interp, e) &&
             opts_bool(&o, "stats", &ac->stats, e) && opts_bool(&o, "one-insn-per-tb", &ac->single_step, e) &&
             opts_num(&o, "tb-size", &mib, e) && opts_all_used(&o, "-accel tcg", NULL, e);
        ac->code_cache = mib << 20;
    }
    opts_free(&o);
    return ok;
}

/* The first that is there counts; those that are not only warn. */
static bool accel_choose(struct setup *s, const char *from_machine, struct accel_config *ac, struct err *e)
{
    char *list = strdup(from_machine ? from_machine : s->cfg.accel.n ? "" : "tcg");
    for (char *save = NULL, *w = strtok_r(list, ":", &save); w && !s->accel; w = strtok_r(NULL, ":", &save)) {
        if (!accel_try(s, w, ac, e)) {
            free(list);
            return false;
        }
        if (!s->accel && !s->cfg.as_qemu) {
            warn_once("warning: accelerator %s is not there", w);
        }
    }
    free(list);
    for (size_t i = 0; i < s->cfg.accel.n && !s->accel; i++) {
        if (!accel_try(s, s->cfg.accel.v[i], ac, e)) {
            return false;
        }
    }
    if (!s->accel) {
        return err_set(e, "none of the accelerators asked for is there; moss has tcg");
    }
    return true;
}

/* -- all together
 * ------------------------------------------------------------------------------------------------------- */

static bool lists_asked(const struct config *c)
{
    for (size_t i = 0; i < c->machine.n; i++) {
        if (is_help(c->machine.v[i])) {
            list_boards();
            return true;
        }
    }
    for (size_t i = 0; i < c->accel.n; i++) {
        if (is_help(c->accel.v[i])) {
            list_accels();
            return true;
        }
    }
    for (size_t i = 0; i < c->nitems; i++) {
        const struct item *it = &c->items[i];
        const char *comma = strchr(it->text, ',');
        if (!strcmp(it->option, "device") && (is_help(it->text) || (comma && is_help(comma + 1)))) {
            char *name = comma ? strndup(it->text, (size_t)(comma - it->text)) : NULL;
            devices_help(name);
            free(name);
            return true;
        }
    }
    return false;
}

static bool machine_options(const struct config *c, struct opts *o, struct err *e)
{
    for (size_t i = 0; i < c->machine.n; i++) {
        if (!opts_parse(o, c->machine.v[i], "type", e)) {
            err_prefix(e, "-machine");
            return false;
        }
    }
    return true;
}

static bool config_rest(struct setup *s, struct machine_config *mc, struct opts *o)
{
    struct config *c = &s->cfg;
    mc->kernel = c->kernel;
    mc->initrd = c->initrd;
    mc->append = c->append;
    mc->dtb = c->dtb;
    mc->firmware = c->firmware ? c->firmware : opts_str(o, "firmware", NULL);
    mc->dumpdtb = opts_str(o, "dumpdtb", NULL);
    mc->board_opts = o;
    mc->no_defaults = c->nodefaults;
    mc->semihosting = c->semihosting || c->semi.n;
    if (opts_str(o, "kernel", NULL)) {
        mc->kernel = opts_str(o, "kernel", NULL);
    }
    return true;
}

bool setup_machine(struct setup *s, bool *done, struct err *e)
{
    struct config *c = &s->cfg;
    static struct opts mopts;
    if (lists_asked(c)) {
        return *done = true;
    }
    if (c->icount.n) {
        return err_set(e, "-icount: deterministic time is not there yet");
    }
    if (!machine_options(c, &mopts, e)) {
        return false;
    }
    const char *name = opts_str(&mopts, "type", NULL);
    if (!name) {
        return err_set(e,
                       "no machine specified, and there is no default; use -machine help to list supported machines");
    }
    if (!strcmp(name, "none")) {
        return err_set(e, "machine 'none' has nothing to run");
    }
    const struct board *b = board_choose(name, e);
    if (!b) {
        return false;
    }
    for (size_t i = 0; i < c->machine.n; i++) {
        const char *comma = strchr(c->machine.v[i], ',');
        if (comma && is_help(comma + 1)) {
            list_board_options(b);
            return *done = true;
        }
    }
    if (c->cpu && is_help(c->cpu)) {
        list_cpus(b);
        return *done = true;
    }
    struct machine_config mc = {.cpu_model = c->cpu ? c->cpu : b->default_cpu};
    struct accel_config ac = {.single_step = c->singlestep, .no_chain = log_on(LOG_NOCHAIN)};
#ifdef MOSS_HOSTILE
    ac.hostile = true;
#endif
    if (c->seed) {
        entropy_seed(strtoull(c->seed, NULL, 0));
    }
    opts_ignore(&mopts, "accel,graphics,usb,dump-guest-core,mem-merge,memory-backend,kernel-irqchip,kernel_irqchip");
    if (!cpu_count(c, b, &mc.cpus, e) || !memory_size(c, b, &mc.ram_size, e) ||
        !accel_choose(s, opts_str(&mopts, "accel", NULL), &ac, e) || !backends_make(s, b, &mc, done, e) || *done) {
        return !e->msg[0];
    }
    config_rest(s, &mc, &mopts);
    if (!semihosting_init(c, e)) {
        return false;
    }
    s->machine = machine_new(b, &mc, e);
    s->stats = ac.stats;
    if (!s->machine || !s->accel->init(&ac, s->machine->sysmem, e)) {
        return false;
    }
    for (unsigned i = 0; i < s->machine->ncpus; i++) {
        if (!s->accel->add(s->machine->cpus[i], e)) {
            return false;
        }
    }
    if (!devices_make(s, e) || !machine_finish(s->machine, e)) {
        return false;
    }
    if (mc.dumpdtb) {
        *done = true;
    }
    return true;
}
