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

/* -- name, clock, firmware files ----------------------------------------------------------------------------------- */

static bool name_apply(const struct config *c, struct err *e)
{
    struct opts o = {0};
    bool ok = opts_parse(&o, c->name ? c->name : "", "guest", e);
    const char *process = ok ? opts_str(&o, "process", NULL) : NULL;
    if (process) {
        prctl(PR_SET_NAME, process, 0, 0, 0);
    }
    opts_ignore(&o, "guest,debug-threads");
    ok = ok && opts_all_used(&o, "-name", NULL, e);
    opts_free(&o);
    return ok;
}

static bool uuid_check(const char *s, struct err *e)
{
    static const char form[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";
    bool ok = strlen(s) == sizeof(form) - 1;
    for (size_t i = 0; ok && form[i]; i++) {
        ok = form[i] == '-' ? s[i] == '-' : strchr("0123456789abcdefABCDEF", s[i]) != NULL;
    }
    return ok || err_set(e, "-uuid %s: failed to parse UUID string: wrong format", s);
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
    static const char *const clocks[] = {"host", "rt", "vm", NULL};
    for (size_t i = 0; i < c->rtc.n; i++) {
        struct opts o = {0};
        unsigned clock = 0;
        bool ok = opts_parse(&o, c->rtc.v[i], NULL, e) && rtc_offset(opts_str(&o, "base", "utc"), &mc->rtc_offset, e) &&
                  opts_choice(&o, "clock", clocks, &clock, e);
        opts_ignore(&o, "driftfix");
        ok = ok && opts_all_used(&o, "-rtc", NULL, e);
        opts_free(&o);
        if (!ok) {
            return false;
        }
        if (clock == 2) {
            return err_set(e, "-rtc clock=vm: not there yet: the calendar follows the host's");
        }
    }
    return true;
}

static bool fw_cfg_file(struct machine *m, struct opts *o, struct err *e)
{
    const char *name = opts_str(o, "name", NULL), *file = opts_str(o, "file", NULL);
    const char *string = opts_str(o, "string", NULL);
    struct image_file f = {0};
    if (!name || !file == !string) {
        return err_set(e, "expected a name, and one of file= and string=");
    }
    if (!m->board->fw_cfg_file) {
        return err_set(e, "this board has no fw_cfg");
    }
    if (file && !image_read(&f, "fw_cfg file", file, e)) {
        return false;
    }
    const void *p = file ? arena_dup(&m->arena, f.data, f.len) : arena_dup(&m->arena, string, strlen(string));
    size_t n = file ? f.len : strlen(string);
    image_free(&f);
    return m->board->fw_cfg_file(m, arena_str(&m->arena, name), p, n, e);
}

static bool fw_cfg_apply(const struct config *c, struct machine *m, struct err *e)
{
    for (size_t i = 0; i < c->fw_cfg.n; i++) {
        struct opts o = {0};
        bool ok =
            opts_parse(&o, c->fw_cfg.v[i], "name", e) && fw_cfg_file(m, &o, e) && opts_all_used(&o, "-fw_cfg", NULL, e);
        opts_free(&o);
        if (!ok) {
            err_prefix(e, "-fw_cfg %s", c->fw_cfg.v[i]);
            return false;
        }
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
    mc->semihosting = c->semihosting || c->semi.n;
    if (!mc->kernel && (mc->initrd || mc->append)) {
        return err_set(e, "-%s only allowed with -kernel option", mc->initrd ? "initrd" : "append");
    }
    for (size_t i = 0; i < c->datadirs.n; i++) {
        image_dir_add(c->datadirs.v[i]);
    }
    return (!c->uuid || uuid_check(c->uuid, e)) && name_apply(c, e) && rtc_apply(c, mc, e);
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
    struct machine_config mc = {.cpu_model = c->cpu ? c->cpu : b->default_cpu};
    struct accel_config ac = {.single_step = c->singlestep, .no_chain = log_on(LOG_NOCHAIN)};
#ifdef MOSS_HOSTILE
    ac.hostile = true;
#endif
    if (c->seed) {
        entropy_seed(strtoull(c->seed, NULL, 0));
    }
    if (!cpus_choose(c, b, &mc.cpus, e) || !memory_choose(c, b, &mc.ram_size, e) ||
        !(s->accel = accel_choose(c, opts_str(&mopts, "accel", NULL), &ac, e)) || !config_fill(c, &mopts, &mc, e) ||
        !backends_make(c, b, &mc, e) || !flash_by_name(&mopts, &mc, e) || !semihosting_init(c, e)) {
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
