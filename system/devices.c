/* Devices by name: -device, -global, and those that -drive, -nic and -net ask for by implication. They are made after
 * the board, in the order they were typed. Network cards that options imply come before them, disks behind: where a
 * card is on PCI its guest's interface is named after. */
#include <stdarg.h>
#include <string.h>

#include "system/registry.h"
#include "system/system.h"

/* -- classes ---------------------------------------------------------------------------------------------------- */

/* QEMU's short names: the PCI one. */
static const char *const aliases[][2] = {
    {"virtio-balloon", "virtio-balloon-pci"}, {"virtio-blk", "virtio-blk-pci"},
    {"virtio-net", "virtio-net-pci"},         {"virtio-rng", "virtio-rng-pci"},
    {"virtio-scsi", "virtio-scsi-pci"},       {"virtio-serial", "virtio-serial-pci"},
};

const struct device_class *device_class_find(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        if (!strcmp(name, aliases[i][0])) {
            name = aliases[i][1];
        }
    }
    for (const struct device_class *const *c = registry_devices; *c; c++) {
        if (!strcmp((*c)->name, name)) {
            return *c;
        }
    }
    return NULL;
}

const char *device_alias(const struct device_class *c)
{
    for (size_t i = 0; i < ARRAY_LEN(aliases); i++) {
        if (!strcmp(c->name, aliases[i][1])) {
            return aliases[i][0];
        }
    }
    return NULL;
}

bool device_is_pluggable(const struct device_class *c)
{
    return strcmp(c->bus, "sysbus") != 0;
}

static bool no_class(const char *name, struct err *e)
{
    const char *missing = device_missing(name);
    if (missing) {
        return err_set(e, "not there yet: moss has no %s", missing);
    }
    const char *names[256];
    unsigned n = 0;
    for (const struct device_class *const *c = registry_devices; *c && n < ARRAY_LEN(names) - 1; c++) {
        if (device_is_pluggable(*c)) {
            names[n++] = (*c)->name;
        }
    }
    names[n] = NULL;
    const char *near = nearest_name(name, names);
    return err_set(e, "'%s' is not a valid device model name%s%s%s", name, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
}

/* -- one device ---------------------------------------------------------------------------------------------------- */

/* -global CLASS.PROP=VALUE, or driver=,property=,value=: of this class, if it is. */
static bool global_apply(const char *text, struct device *d, struct err *e)
{
    struct opts o = {0};
    const char *cls = NULL, *prop = NULL, *value = NULL;
    char *head = NULL;
    const char *dot = strchr(text, '.'), *eq = strchr(text, '=');
    bool ok = true;
    if (dot && eq && dot < eq) {
        head = strndup(text, (size_t)(eq - text));
        head[dot - text] = 0;
        cls = head;
        prop = head + (dot - text) + 1;
        value = eq + 1;
    } else {
        ok = opts_parse(&o, text, NULL, e);
        cls = opts_str(&o, "driver", NULL);
        prop = opts_str(&o, "property", NULL);
        value = opts_str(&o, "value", NULL);
        ok = ok && cls && prop && value ? true : err_set(e, "-global %s: expected CLASS.PROP=VALUE", text);
    }
    if (ok && device_class_find(cls) == d->cls) {
        ok = device_set_prop(d, prop, value, e);
    }
    free(head);
    opts_free(&o);
    return ok;
}

/* Boards' own devices take -global too, so it is applied where devices are born; what fails there is told when the
 * devices of the command line are made. */
static const struct setup *globals_of;
static struct err globals_err;

static void globals_apply(struct device *d)
{
    for (size_t i = 0; i < globals_of->cfg.global.n && !globals_err.msg[0]; i++) {
        const char *text = globals_of->cfg.global.v[i];
        if (!global_apply(text, d, &globals_err)) {
            err_prefix(&globals_err, "can't apply global %s", text);
        }
    }
}

void devices_globals(const struct setup *s)
{
    globals_of = s;
    device_made = globals_apply;
}

static bool props_apply(struct device *d, const struct opts *o, struct err *e)
{
    for (size_t i = 0; i < o->n; i++) {
        const char *k = o->v[i].key;
        if (strcmp(k, "driver") && strcmp(k, "id") && strcmp(k, "bus") && !device_set_prop(d, k, o->v[i].value, e)) {
            return false;
        }
    }
    return true;
}

/* Bus n of those that the device x has; its first is the newest. */
static const struct device *bus_of(const struct machine *m, const char *x, unsigned long n)
{
    const struct device *owner = machine_find(m, x), *d = owner ? m->devices : NULL;
    for (; d; d = d->next) {
        if (d->parent == owner && d->cls->provides && d->id && n-- == 0) {
            return d;
        }
    }
    return NULL;
}

/* "virtio-mmio-bus.3", "pcie.0", "vser0.0", "ahci.3": the id of the bus's owner, or that and the bus's number. */
static void bus_owner(const struct machine *m, const char *bus, char *owner, size_t room)
{
    snprintf(owner, room, "%s", bus);
    char *tail = strrchr(owner, '.'), *end = tail;
    if (machine_find(m, owner) || !tail || tail[1] < '0' || tail[1] > '9') {
        return;
    }
    unsigned long n = strtoul(tail + 1, &end, 10);
    if (*end) {
        return;
    }
    *tail = 0;
    const struct device *d = bus_of(m, owner, n);
    if (d) {
        snprintf(owner, room, "%s", d->id);
    } else if (n) {
        *tail = '.';
    }
}

static bool device_build(struct setup *s, struct opts *o, struct err *e)
{
    const char *name = opts_str(o, "driver", ""), *id = opts_str(o, "id", NULL), *bus = opts_str(o, "bus", NULL);
    const struct device_class *cls = device_class_find(name);
    char owner[64];
    if (!strcmp(name, "loader")) {
        return loader_device(s->machine, o, e);
    }
    if (!cls) {
        return no_class(name, e);
    }
    if (!device_is_pluggable(cls)) {
        return err_set(e, "'%s' is part of a board and cannot be added", name);
    }
    if (id && machine_find(s->machine, id)) {
        return err_set(e, "Duplicate ID '%s' for device", id);
    }
    struct device *d = device_new(s->machine, cls, id ? arena_str(&s->machine->arena, id) : NULL);
    if (bus) {
        bus_owner(s->machine, bus, owner, sizeof(owner));
    }
    return props_apply(d, o, e) && device_plug(d, bus ? owner : NULL, e) && device_init(d, e);
}

/* -- all of them ------------------------------------------------------------------------------------------------- */

struct implied {
    char *text;
    struct implied *next;
};
static struct implied *implied[2];

void device_imply(bool behind, const char *fmt, ...)
{
    va_list ap;
    struct implied *x = calloc(1, sizeof(*x)), **end = &implied[behind];
    must(x);
    va_start(ap, fmt);
    must(vasprintf(&x->text, fmt, ap) >= 0);
    va_end(ap);
    while (*end) {
        end = &(*end)->next;
    }
    *end = x;
}

static bool device_make(struct setup *s, const char *text, struct err *e)
{
    struct opts o = {0};
    bool ok = opts_from_text(&o, text, "driver", e) && device_build(s, &o, e);
    opts_free(&o);
    return ok;
}

static bool implied_make(struct setup *s, const struct implied *x, struct err *e)
{
    for (; x; x = x->next) {
        if (!device_make(s, x->text, e)) {
            err_prefix(e, "%s", x->text);
            return false;
        }
    }
    return true;
}

bool devices_make(struct setup *s, struct err *e)
{
    if (globals_err.msg[0]) {
        return err_set(e, "%s", globals_err.msg);
    }
    if (!implied_make(s, implied[0], e)) {
        return false;
    }
    for (size_t i = 0; i < s->cfg.nitems; i++) {
        const struct item *it = &s->cfg.items[i];
        if (!strcmp(it->option, "device") && !device_make(s, it->text, e)) {
            err_prefix(e, "-device %s", it->text);
            return false;
        }
    }
    if (!implied_make(s, implied[1], e)) {
        return false;
    }
    return globals_err.msg[0] ? err_set(e, "%s", globals_err.msg) : true;
}
