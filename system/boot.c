/* What firmware is told: -boot, -smbios, -uuid, -fw_cfg. */
#include <string.h>

#include "base/log.h"
#include "hw/core/loader.h"
#include "system/system.h"

/* -- -boot ------------------------------------------------------------------------------------------------------ */

static const struct opt_key boot_keys[] = {
    {"order", "LETTERS", "what a PC's firmware tries: a floppy, c disk, d CD, n network; a bootindex comes first"},
    {"once", "LETTERS", "the same, until the first reset"},
    {"menu", "on|off", "firmware shows its boot menu"},
    {"splash-time", "MS", "how long it waits there"},
    {"reboot-timeout", "MS", "when nothing boots, firmware restarts after so long; -1: never"},
    {"strict", "on|off", "firmware tries nothing but devices with a bootindex"},
    {"splash", "FILE", "accepted: there is no screen"},
    {0},
};

/* A letter a drive, a to p; each once. */
static bool letters_check(const char *letters, struct err *e)
{
    u32 seen = 0;
    for (const char *l = letters; *l; l++) {
        if (*l < 'a' || *l > 'p') {
            return err_set(e, "Invalid boot device '%c'", *l);
        }
        if (seen & 1u << (*l - 'a')) {
            return err_set(e, "Boot device '%c' was given twice", *l);
        }
        seen |= 1u << (*l - 'a');
    }
    return true;
}

static bool wait_read(struct opts *o, const char *key, int min, int *out, struct err *e)
{
    const char *s = opts_str(o, key, NULL);
    u64 v = 0;
    bool none = s && !strcmp(s, "-1") && min < 0;
    if (!s) {
        return true;
    }
    if (!none && (!parse_num(s, &v) || v > 0xffff)) {
        return err_set(e, "%s=%s: expected %smilliseconds up to 65535", key, s, min < 0 ? "-1 or " : "");
    }
    *out = none ? -1 : (int)v;
    return true;
}

bool boot_apply(const struct config *c, struct boot_wish *w, struct err *e)
{
    *w = (struct boot_wish){.splash_time = -1, .reboot_timeout = -1};
    for (size_t i = 0; i < c->boot.n; i++) {
        struct opts o = {0};
        bool ok = opts_parse(&o, c->boot.v[i], "order", e);
        w->order = ok && opts_has(&o, "order") ? strdup(opts_str(&o, "order", "")) : w->order;
        w->once = ok && opts_has(&o, "once") ? strdup(opts_str(&o, "once", "")) : w->once;
        ok = ok && letters_check(w->order ? w->order : "", e) && letters_check(w->once ? w->once : "", e) &&
             opts_bool(&o, "menu", &w->menu, e) && opts_bool(&o, "strict", &w->strict, e) &&
             wait_read(&o, "splash-time", 0, &w->splash_time, e) &&
             wait_read(&o, "reboot-timeout", -1, &w->reboot_timeout, e);
        opts_ignore(&o, "splash");
        ok = ok && opts_all_used(&o, "-boot", boot_keys, e);
        opts_free(&o);
        if (!ok) {
            err_prefix(e, "-boot %s", c->boot.v[i]);
            return false;
        }
    }
    return true;
}

/* -- -uuid, -smbios ------------------------------------------------------------------------------------------------ */

bool identity_apply(const struct config *c, struct machine_config *mc, struct err *e)
{
    struct opts **all = calloc(c->smbios.n + 1, sizeof(*all)); /* lives as long as the machine */
    must(all);
    for (size_t i = 0; i < c->smbios.n; i++) {
        all[i] = calloc(1, sizeof(*all[i]));
        must(all[i]);
        if (!opts_parse(all[i], c->smbios.v[i], NULL, e)) {
            err_prefix(e, "-smbios %s", c->smbios.v[i]);
            return false;
        }
    }
    mc->smbios = all;
    mc->nsmbios = c->smbios.n;
    mc->nographic = c->nographic;
    for (size_t i = 0; i < c->smbios.n; i++) { /* the system's; a wrong one is refused when the table is made */
        u64 type = ~0ull;
        const char *uuid = opts_str(all[i], "uuid", NULL);
        if (uuid && opts_num(all[i], "type", &type, NULL) && type == 1) {
            parse_uuid(uuid, mc->uuid);
        }
    }
    return !c->uuid || parse_uuid(c->uuid, mc->uuid) ||
           err_set(e, "-uuid %s: failed to parse UUID string: wrong format", c->uuid);
}

/* -- -fw_cfg ------------------------------------------------------------------------------------------------------- */

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

bool fw_cfg_apply(const struct config *c, struct machine *m, struct err *e)
{
    for (size_t i = 0; i < c->fw_cfg.n; i++) {
        struct opts o = {0};
        bool ok =
            opts_parse(&o, c->fw_cfg.v[i], "name", e) && fw_cfg_file(m, &o, e) && opts_all_used(&o, "-fw_cfg", NULL, e);
        const char *name = ok ? opts_str(&o, "name", "") : "opt/";
        if (strncmp(name, "opt/", 4) != 0) {
            report("-fw_cfg %s: warning: externally provided fw_cfg item names should be prefixed with \"opt/\"",
                   c->fw_cfg.v[i]);
        }
        opts_free(&o);
        if (!ok) {
            err_prefix(e, "-fw_cfg %s", c->fw_cfg.v[i]);
            return false;
        }
    }
    return true;
}
