/* Reads the command line by the table in options.def, which also prints the help. Options may be spelled with one dash
 * or two; the last of several counts where only one can. */
#include "system/options.h"

#include <string.h>

#include <glib.h>

#include "base/log.h"
#include "config.h"

enum kind { KIND_FLAG, KIND_STR, KIND_LIST, KIND_ITEM, KIND_FN, KIND_SKIP, KIND_WARN, KIND_LATER, KIND_SECTION };
struct row {
    const char *name, *arg;
    enum kind kind;
    size_t off;
    bool (*fn)(struct config *c, const char *value, struct err *e);
    const char *help;
};

static bool opt_help(struct config *c, const char *value, struct err *e);
static bool opt_version(struct config *c, const char *value, struct err *e);

static bool opt_kvm(struct config *c, const char *value, struct err *e)
{
    (void)value;
    (void)e;
    strings_add(&c->accel, "kvm");
    return true;
}

static bool opt_audiodev(struct config *c, const char *value, struct err *e)
{
    (void)c;
    if (is_help(value)) {
        printf("Available audio drivers:\nnone\n");
        c->done = true;
        return true;
    }
    size_t len = strcspn(value, ",");
    return (len == 4 && !strncmp(value, "none", 4)) || !strncmp(value, "driver=none", 11)
               ? true
               : err_set(e, "not there yet: moss has no sound but -audiodev none");
}

static bool opt_debug(struct config *c, const char *value, struct err *e)
{
    if (is_help(value)) {
        printf("Log items (comma separated):\n");
        for (const struct log_name *n = log_names; n->name; n++) {
            printf("%-15s %s\n", n->name, n->doc);
        }
        c->done = true;
        return true;
    }
    return log_set_items(value, e);
}

static bool opt_msg(struct config *c, const char *value, struct err *e)
{
    struct opts o = {0};
    bool name = false;
    (void)c;
    bool ok = opts_parse(&o, value, NULL, e) && opts_bool(&o, "timestamp", &report_time, e) &&
              opts_bool(&o, "guest-name", &name, e) && opts_all_used(&o, "-msg", NULL, e);
    opts_free(&o);
    return ok;
}

static bool opt_echr(struct config *c, const char *value, struct err *e)
{
    u64 v;
    if (!parse_num(value, &v) || v > 255) {
        return err_set(e, "Bad argument to echr: expected a character's number up to 255, such as 1 for Ctrl-A");
    }
    c->echr = (int)v;
    return true;
}

static bool opt_seed(struct config *c, const char *value, struct err *e)
{
    c->seeded = true;
    return parse_num(value, &c->seed) || err_set(e, "Invalid seed number: %s", value);
}

/* -action watchdog=, by its older name. */
static bool opt_watchdog(struct config *c, const char *value, struct err *e)
{
    static const char *const actions[] = {"reset", "shutdown", "poweroff", "inject-nmi",
                                          "pause", "debug",    "none",     NULL};
    for (const char *const *a = actions; *a; a++) {
        if (!strcmp(*a, value)) {
            strings_add(&c->action, g_strconcat("watchdog=", value, NULL));
            return true;
        }
    }
    return err_set(e, "expected one of reset, shutdown, poweroff, inject-nmi, pause, debug, none");
}

/* A controller, before all devices that want one. */
static bool opt_usb(struct config *c, const char *value, struct err *e)
{
    static const char controller[] = "qemu-xhci,id=usb-bus";
    (void)value, (void)e;
    if (c->nitems && c->items[0].text == controller) {
        return true;
    }
    items_add(c, "device", controller);
    struct item first = c->items[c->nitems - 1];
    memmove(c->items + 1, c->items, (c->nitems - 1) * sizeof(c->items[0]));
    c->items[0] = first;
    return true;
}
static bool opt_usbdevice(struct config *c, const char *value, struct err *e)
{
    static const struct {
        const char *name, *device;
    } known[] = {{"tablet", "usb-tablet"}, {"mouse", "usb-mouse"}, {"keyboard", "usb-kbd"}};
    for (unsigned i = 0; i < ARRAY_LEN(known); i++) {
        if (!strcmp(value, known[i].name)) {
            items_add(c, "device", known[i].device);
            return opt_usb(c, NULL, e);
        }
    }
    return err_set(e, "expected tablet, mouse or keyboard; disks are -device usb-storage,drive=ID");
}

/* -machine acpi=off, by its older name. */
static bool opt_acpi(struct config *c, const char *value, struct err *e)
{
    (void)value, (void)e;
    strings_add(&c->machine, "acpi=off");
    return true;
}

/* The first word of what -display takes. */
static bool opt_display(struct config *c, const char *value, struct err *e)
{
    static const char *const kinds[] = {"none",      "gtk",  "sdl",   "curses",  "vnc", "egl-headless",
                                        "spice-app", "dbus", "cocoa", "default", NULL};
    size_t len = strcspn(value, ",=");
    char *kind = strncmp(value, "type=", 5) ? strndup(value, len) : strndup(value + 5, strcspn(value + 5, ","));
    bool known = is_help(value);
    for (const char *const *k = kinds; *k; k++) {
        known |= !strcmp(*k, kind);
    }
    const char *near = known ? NULL : nearest_name(kind, kinds);
    bool ok = known || err_set(e, "Parameter 'type' does not accept value '%s'%s%s%s", kind,
                               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
    c->display = value;
    c->wants_window = strcmp(kind, "none") != 0 && !is_help(value);
    free(kind);
    return ok;
}

static bool opt_dfilter(struct config *c, const char *value, struct err *e)
{
    (void)c;
    return log_set_filter(value, e);
}

static bool opt_readconfig(struct config *c, const char *value, struct err *e)
{
    return readconfig(c, value, e);
}

#define ROW_FLAG(m)      KIND_FLAG, offsetof(struct config, m), NULL
#define ROW_STR(m)       KIND_STR, offsetof(struct config, m), NULL
#define ROW_LIST(m)      KIND_LIST, offsetof(struct config, m), NULL
#define ROW_ITEM(m)      KIND_ITEM, offsetof(struct config, m), NULL
#define ROW_FN(m)        KIND_FN, 0, opt_##m
#define ROW_SKIP(m)      KIND_SKIP, 0, NULL
#define ROW_WARN(m)      KIND_WARN, 0, NULL
#define ROW_LATER(m)     KIND_LATER, 0, NULL
#define SECTION(t)       {.kind = KIND_SECTION, .help = t},
#define _(n, a, k, m, h) {n, a, ROW_##k(m), h},
static const struct row rows[] = {
#include "system/options.def"
};
#undef _

static void version_line(const struct config *c)
{
    if (c->as_qemu) { /* scripts look for a version that they know */
        printf("QEMU emulator version %s (moss %s)\n", QEMU_VERSION, MOSS_VERSION);
    } else {
        printf("moss version %s, in place of QEMU emulator version %s\n", MOSS_VERSION, QEMU_VERSION);
    }
}

static bool opt_version(struct config *c, const char *value, struct err *e)
{
    (void)value;
    (void)e;
    version_line(c);
    return c->done = true;
}

static bool opt_help(struct config *c, const char *value, struct err *e)
{
    (void)value;
    (void)e;
    version_line(c);
    printf("usage: %s [options] [disk image%s]\n", c->program, c->as_qemu ? "" : " or kernel");
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].kind == KIND_SECTION) {
            printf("\n%s:\n", rows[i].help);
        } else if (rows[i].help) {
            char left[128];
            snprintf(left, sizeof(left), "-%s%s%s", rows[i].name, rows[i].arg ? " " : "",
                     rows[i].arg ? rows[i].arg : "");
            printf(strlen(left) > 28 ? "  %s\n%31s%s\n" : "  %-28s %.0s%s\n", left, "", rows[i].help);
        }
    }
    return c->done = true;
}

static const struct row *row_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].name && !strcmp(rows[i].name, name)) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool unknown_option(const char *arg, const char *name, struct err *e)
{
    const char *names[ARRAY_LEN(rows) + 1];
    size_t n = 0;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].name) {
            names[n++] = rows[i].name;
        }
    }
    names[n] = NULL;
    const char *near = nearest_name(name, names);
    return near ? err_set(e, "%s: invalid option; did you mean -%s?", arg, near)
                : err_set(e, "%s: invalid option", arg);
}

void strings_add(struct strings *s, const char *v)
{
    s->v = realloc(s->v, (s->n + 1) * sizeof(*s->v));
    must(s->v);
    s->v[s->n++] = v;
}

bool is_help(const char *s)
{
    return !strcmp(s, "help") || !strcmp(s, "?");
}

const char *last_of(const struct strings *s)
{
    return s->n ? s->v[s->n - 1] : NULL;
}

void items_add(struct config *c, const char *option, const char *text)
{
    c->items = realloc(c->items, (c->nitems + 1) * sizeof(*c->items));
    must(c->items);
    c->items[c->nitems++] = (struct item){option, text};
}

static bool row_apply(struct config *c, const struct row *r, const char *value, struct err *e)
{
    void *m = (u8 *)c + r->off;
    switch (r->kind) {
    case KIND_FLAG:
        *(bool *)m = true;
        return true;
    case KIND_STR:
        *(const char **)m = value;
        return true;
    case KIND_LIST:
        strings_add(m, value);
        return true;
    case KIND_ITEM:
        items_add(c, r->name, value);
        return true;
    case KIND_FN:
        return r->fn(c, value, e);
    case KIND_WARN:
        report("warning: -%s is ignored: moss has no %s yet", r->name, r->help);
        return true;
    case KIND_LATER:
        return err_set(e, "not there yet: moss has no %s", r->help);
    case KIND_SKIP:
    case KIND_SECTION:
        break;
    }
    return true;
}

bool options_apply(struct config *c, const char *name, const char *value, struct err *e)
{
    const struct row *r = row_find(name);
    if (!r || !r->arg) {
        return err_set(e, "there is no option -%s that takes a value", name);
    }
    bool ok = row_apply(c, r, value, e);
    err_prefix(e, "-%s %s", name, value);
    return ok;
}

bool options_parse(struct config *c, int argc, char **argv, struct err *e)
{
    const char *slash = strrchr(argv[0], '/');
    c->program = slash ? slash + 1 : argv[0];
    c->as_qemu = notices_off = !strncmp(c->program, "qemu-", 5);
    report_program = c->program;
    for (int i = 1; i < argc && !c->done; i++) {
        const char *arg = argv[i];
        if (arg[0] != '-' || !arg[1]) {
            if (c->image) {
                return err_set(e, "'%s': there is a disk image already ('%s')", arg, c->image);
            }
            c->image = arg;
            continue;
        }
        const char *name = arg + (arg[1] == '-' ? 2 : 1);
        const struct row *r = row_find(name);
        if (!r) {
            return unknown_option(arg, name, e);
        }
        const char *value = NULL;
        if (r->arg) {
            if (i + 1 == argc) {
                return err_set(e, "%s: requires an argument: %s", arg, r->arg);
            }
            value = argv[++i];
        }
        if (!row_apply(c, r, value, e)) {
            err_prefix(e, value ? "%s %s" : "%s", arg, value);
            return false;
        }
    }
    return true;
}
