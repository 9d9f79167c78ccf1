/* From options to a machine: board, processors, back ends, accelerator, devices, in this order. */
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/clock.h"
#include "base/log.h"
#include "block/block.h"
#include "hw/core/loader.h"
#include "system/registry.h"
#include "system/system.h"

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

/* -- name, clock --------------------------------------------------------------------------------------------------- */

static bool name_apply(struct setup *s, struct err *e)
{
    const struct config *c = &s->cfg;
    struct opts o = {0};
    bool ok = opts_parse(&o, c->name ? c->name : "", "guest", e);
    const char *process = ok ? opts_str(&o, "process", NULL) : NULL;
    const char *guest = ok ? opts_str(&o, "guest", NULL) : NULL;
    s->guest_name = guest ? strdup(guest) : NULL;
    if (process) {
        prctl(PR_SET_NAME, process, 0, 0, 0);
    }
    opts_ignore(&o, "debug-threads");
    ok = ok && opts_all_used(&o, "-name", NULL, e);
    opts_free(&o);
    return ok;
}

/* How far the guest's calendar is ahead of the host's, in seconds. */
static bool rtc_offset(const char *base, i64 *out, struct err *e)
{
    time_t now = (time_t)(clock_now(CLOCK_WALL) / 1000000000);
    struct tm tm = {0};
    if (!strcmp(base, "utc")) {
        *out = 0;
        return true;
    }
    if (!strcmp(base, "localtime")) {
        localtime_r(&now, &tm);
        *out = tm.tm_gmtoff;
        return true;
    }
    const char *end = strptime(base, strchr(base, 'T') ? "%Y-%m-%dT%H:%M:%S" : "%Y-%m-%d", &tm);
    if (!end || *end) {
        return err_set(e, "invalid datetime format '%s'\nvalid formats: '2006-06-17T16:01:21' or '2006-06-17'", base);
    }
    *out = (i64)timegm(&tm) - (i64)now;
    return true;
}

static bool rtc_apply(const struct config *c, struct machine_config *mc, struct err *e)
{
    static const char *const clocks[] = {"host", "rt", "vm", NULL}, *const drift[] = {"none", "slew", NULL};
    for (size_t i = 0; i < c->rtc.n; i++) {
        struct opts o = {0};
        unsigned clock = 0, fix = 0;
        bool ok = opts_parse(&o, c->rtc.v[i], NULL, e) && rtc_offset(opts_str(&o, "base", "utc"), &mc->rtc_offset, e) &&
                  opts_choice(&o, "clock", clocks, &clock, e) && opts_choice(&o, "driftfix", drift, &fix, e);
        ok = ok && opts_all_used(&o, "-rtc", NULL, e);
        opts_free(&o);
        if (!ok) {
            return false;
        }
        mc->rtc_stands = clock == 2;
        mc->rtc_slews = fix == 1;
    }
    return true;
}

/* -- all together ------------------------------------------------------------------------------------------------ */

static bool flash_by_name(struct opts *o, struct machine_config *mc, struct err *e)
{
    static const char *const keys[] = {"pflash0", "pflash1"};
    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        const char *node = opts_str(o, keys[i], NULL);
        if (node && !(mc->pflash[i] = block_find(node))) {
            return err_set(e, "-machine %s=%s: there is no drive of this name", keys[i], node);
        }
    }
    return true;
}

static const char *either(const char *option, struct opts *o, const char *key)
{
    return option ? option : opts_str(o, key, NULL);
}

static bool config_fill(const struct config *c, struct opts *o, struct machine_config *mc, struct err *e)
{
    mc->kernel = either(c->kernel, o, "kernel");
    mc->initrd = either(c->initrd, o, "initrd");
    mc->append = either(c->append, o, "append");
    mc->dtb = either(c->dtb, o, "dtb");
    mc->firmware = either(c->firmware, o, "firmware");
    mc->dumpdtb = opts_str(o, "dumpdtb", NULL);
    mc->board_opts = o;
    mc->no_defaults = c->nodefaults;
    mc->watched = displays_wanted(c);
    mc->semihosting = c->semihosting || c->semi.n;
    if (!mc->kernel && (mc->initrd || mc->append)) {
        return err_set(e, "-%s only allowed with -kernel option", mc->initrd ? "initrd" : "append");
    }
    for (size_t i = 0; i < c->datadirs.n; i++) {
        image_dir_add(c->datadirs.v[i]);
    }
    return identity_apply(c, mc, e) && boot_apply(c, &mc->boot, e) && rtc_apply(c, mc, e);
}

static bool machine_start(struct setup *s, const struct accel_config *ac, struct err *e)
{
    if (!s->accel->init(ac, s->machine->sysmem, e)) {
        return false;
    }
    for (unsigned i = 0; i < s->machine->ncpus; i++) {
        if (!s->accel->add(s->machine->cpus[i], e)) {
            return false;
        }
    }
    return fw_cfg_apply(&s->cfg, s->machine, e) && devices_make(s, e) && machine_finish(s->machine, e);
}

bool setup_machine(struct setup *s, bool *done, struct err *e)
{
    struct config *c = &s->cfg;
    static struct opts mopts; /* the board's options point into it */
    if (!machine_options(c, &mopts, e)) {
        return false;
    }
    const struct board *b = board_choose(opts_str(&mopts, "type", NULL), e);
    if (!b || !machine_opts_check(&mopts, b, e)) {
        return false;
    }
    struct machine_config mc = {.target = target_named(), .cpu_model = c->cpu ? c->cpu : b->default_cpu};
    if (mc.cpu_model && !strncmp(mc.cpu_model, "host", 4) && (!mc.cpu_model[4] || mc.cpu_model[4] == ',')) {
        return err_set(e, "-cpu %s: the host's own processor needs KVM, which is not there; use -cpu max", c->cpu);
    }
    struct accel_config ac = {.single_step = c->singlestep, .no_chain = log_on(LOG_NOCHAIN)};
    if (c->seeded) {
        entropy_seed(c->seed);
    }
    if (!cpus_choose(c, b, &mc, e) || !memory_choose(c, b, &mc.ram_size, e) ||
        !(s->accel = accel_choose(c, opts_str(&mopts, "accel", NULL), &ac, e)) || !name_apply(s, e) ||
        !config_fill(c, &mopts, &mc, e) || !backends_make(c, b, &mc, e) ||
        !memory_from(c, opts_str(&mopts, "memory-backend", NULL), &mc.ram_size, e) || !flash_by_name(&mopts, &mc, e) ||
        !semihosting_init(c, e)) {
        return false;
    }
    s->stats = ac.stats;
    devices_globals(s);
    s->machine = machine_new(b, &mc, e);
    if (!s->machine || !machine_start(s, &ac, e)) {
        return false;
    }
    *done = mc.dumpdtb != NULL;
    return true;
}
