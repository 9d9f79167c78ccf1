/* Back ends and devices by name: -chardev, -serial, -drive, -blockdev, -netdev, -nic, -net, -object, -device.
 *
 * Back ends are made before the board (whose serial ports and flashes take some), devices after it. Items are carried
 * out in the order they were typed, but for back ends coming first, so that a device may name one that follows it. */
#include <stdarg.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "block/block.h"
#include "chardev/chardev.h"
#include "net/net.h"
#include "system/registry.h"
#include "system/system.h"

/* A device that -drive, -nic or -serial asks for by implication. */
struct implied {
    char *text;
    struct implied *next;
};
static struct implied *implied, **implied_end = &implied;

static void imply(const char *fmt, ...) PRINTF_LIKE(1, 2);
static void imply(const char *fmt, ...)
{
    va_list ap;
    struct implied *x = calloc(1, sizeof(*x));
    must(x);
    va_start(ap, fmt);
    must(vasprintf(&x->text, fmt, ap) >= 0);
    va_end(ap);
    *implied_end = x;
    implied_end = &x->next;
}

static bool is_help(const char *s)
{
    return !strcmp(s, "help") || !strcmp(s, "?");
}

static void print_keys(const struct opt_key *k)
{
    for (; k && k->name; k++) {
        printf("  %s=%s%*s %s\n", k->name, k->value ? k->value : "", (int)(24 - MIN(24u, strlen(k->name))), "",
               k->doc ? k->doc : "");
    }
}

/* -- drives ------------------------------------------------------------------------------------------------- */

static unsigned ndrives;

static bool drive_make(const struct board *b, struct machine_config *mc, struct opts *o, struct err *e)
{
    const char *iface = opts_str(o, "if", b->default_block ? "virtio" : "none");
    const char *given = opts_str(o, "id", NULL), *serial = opts_str(o, "serial", NULL);
    u64 unit = ~0ull, index = ~0ull;
    char id[64];
    snprintf(id, sizeof(id), "%s", given ? given : "");
    if (!given) {
        snprintf(id, sizeof(id), "%s%u", strcmp(iface, "none") ? iface : "none", ndrives);
    }
    ndrives++;
    opts_ignore(o, "media,bus,index,unit,bootindex,werror,rerror,l2-cache-size");
    if (!opts_num(o, "unit", &unit, e) || !opts_num(o, "index", &index, e)) {
        return false;
    }
    struct blockdev *d = block_open(id, o, e);
    if (!d) {
        return false;
    }
    if (!strcmp(iface, "pflash")) {
        u64 n = unit != ~0ull ? unit : index != ~0ull ? index : mc->pflash[0] ? 1 : 0;
        if (n > 1) {
            return err_set(e, "unit=%llu: this board has two flashes, 0 and 1", (unsigned long long)n);
        }
        mc->pflash[n] = d;
    } else if (!strcmp(iface, "virtio")) {
        imply("%s,drive=%s%s%s", b->default_block ? b->default_block : "virtio-blk-pci", id, serial ? ",serial=" : "",
              serial ? serial : "");
    } else if (strcmp(iface, "none") != 0) {
        return err_set(e, "if=%s: this board takes virtio, pflash and none", iface);
    }
    return true;
}

static bool drive_item(const struct board *b, struct machine_config *mc, const char *option, const char *text,
                       struct err *e)
{
    struct opts o = {0};
    bool ok = true;
    if (option[0] == 'h') { /* hda, hdb: a file name, commas and all */
        opts_add(&o, "file", text);
    } else {
        ok = opts_parse(&o, text, NULL, e);
    }
    ok = ok && drive_make(b, mc, &o, e);
    opts_free(&o);
    return ok;
}

static bool blockdev_item(const char *text, struct err *e)
{
    struct opts o = {0};
    bool ok = opts_parse(&o, text, "driver", e) && block_open_node(&o, e);
    opts_free(&o);
    return ok;
}

/* -- network -------------------------------------------------------------------------------------------------- */

static unsigned nnics;
static bool no_default_nic;
static const char *net_card; /* -net nic waits for the -net user that follows, or the other way round */

static bool nic_item(const struct board *b, const char *text, struct err *e)
{
    struct opts o = {0};
    no_default_nic = true;
    if (!strcmp(text, "none")) {
        return true;
    }
    bool ok = opts_parse(&o, text, "type", e);
    char id[32];
    snprintf(id, sizeof(id), "nic%u", nnics++);
    if (ok) {
        const char *model = opts_str(&o, "model", "virtio"), *mac = opts_str(&o, "mac", opts_str(&o, "macaddr", NULL));
        const char *cls = !strcmp(model, "virtio") || !strcmp(model, "virtio-net-pci") ? b->default_nic : model;
        imply("%s,netdev=%s%s%s", cls, id, mac ? ",mac=" : "", mac ? mac : "");
        opts_ignore(&o, "model,mac,macaddr,type,addr,vectors");
        ok = net_new(id, opts_str(&o, "type", "user"), &o, e) != NULL;
    }
    opts_free(&o);
    return ok;
}

static bool net_item(const struct board *b, const char *text, struct err *e)
{
    no_default_nic = true;
    if (!strcmp(text, "none")) {
        return true;
    }
    if (!strncmp(text, "nic", 3) && (!text[3] || text[3] == ',')) {
        net_card = text[3] ? text + 4 : "";
        return true;
    }
    char *both = NULL;
    must(asprintf(&both, "%s%s%s", text, net_card && *net_card ? "," : "", net_card ? net_card : "") >= 0);
    bool ok = nic_item(b, both, e);
    free(both);
    return ok;
}

/* -- objects ---------------------------------------------------------------------------------------------------- */

static bool object_item(const char *text, struct err *e)
{
    struct opts o = {0};
    bool ok = opts_parse(&o, text, "qom-type", e);
    const char *kind = ok ? opts_str(&o, "qom-type", "") : "";
    if (ok && !strcmp(kind, "filter-dump")) {
        struct netdev *n = net_find(opts_str(&o, "netdev", ""));
        u64 max = 65536;
        ok = n ? opts_num(&o, "maxlen", &max, e) && net_dump(n, opts_str(&o, "file", ""), (u32)max, e)
               : err_set(e, "-object filter-dump: netdev=%s is not there", opts_str(&o, "netdev", ""));
    } else if (ok && strcmp(kind, "rng-random") && strcmp(kind, "rng-builtin")) {
        ok = err_set(e, "-object %s: moss has rng-random, rng-builtin and filter-dump", kind);
    }
    opts_free(&o);
    return ok;
}

/* -- serial ports -------------------------------------------------------------------------------------------------- */

static bool display_is_none(const struct config *c)
{
    if (c->display && strcmp(c->display, "none") != 0) {
        warn_once("-display %s: this build has no window; going on without one", c->display);
    }
    return c->display != NULL;
}

static bool serial_ports(struct setup *s, struct machine_config *mc, struct err *e)
{
    struct config *c = &s->cfg;
    if (c->echr) {
        chardev_escape = (u8)strtoul(c->echr, NULL, 0);
    }
    if (!c->serial.n && !c->nodefaults) {
        bool stdio_taken = c->monitor.n && !strcmp(last_of(&c->monitor), "stdio");
        const char *spec = c->nographic || !display_is_none(c) ? (stdio_taken ? "null" : "mon:stdio") : "null";
        if (!c->nographic && !c->display && !c->as_qemu) {
            fprintf(stderr, "moss: no window here: the serial port is on this terminal (Ctrl-A x ends)\n");
        }
        bool mon;
        return chardev_from_spec(spec, "serial0", &mc->serial[0], &mon, e);
    }
    for (size_t i = 0; i < c->serial.n; i++) {
        char id[16];
        bool mon;
        snprintf(id, sizeof(id), "serial%zu", i);
        if (i >= ARRAY_LEN(mc->serial)) {
            return err_set(e, "-serial %s: at most %zu serial ports", c->serial.v[i], ARRAY_LEN(mc->serial));
        }
        if (!chardev_from_spec(c->serial.v[i], id, &mc->serial[i], &mon, e)) {
            err_prefix(e, "-serial %s", c->serial.v[i]);
            return false;
        }
    }
    return true;
}

/* -- the list of items ------------------------------------------------------------------------------------------------
 */

static void list_kinds(const char *option)
{
    if (!strcmp(option, "chardev")) {
        printf("Available chardev backend types:\n");
        for (const struct chardev_kind *k = chardev_kinds(); k->name; k++) {
            printf("  %s\n", k->name);
        }
    } else if (!strcmp(option, "netdev")) {
        printf("Available netdev backend types:\n");
        for (const struct net_kind *k = net_kinds(); k->name; k++) {
            printf("%s\n", k->name);
        }
    } else if (!strcmp(option, "drive") || !strcmp(option, "blockdev")) {
        print_keys(block_keys);
    } else {
        printf("rng-random\nrng-builtin\nfilter-dump\n");
    }
}

static bool item_make(const struct board *b, struct machine_config *mc, const struct item *it, struct err *e)
{
    const char *o = it->option;
    if (!strcmp(o, "chardev")) {
        return chardev_from_option(it->text, e) != NULL;
    }
    if (!strcmp(o, "drive") || !strcmp(o, "hda") || !strcmp(o, "hdb")) {
        return drive_item(b, mc, o, it->text, e);
    }
    if (!strcmp(o, "blockdev")) {
        return blockdev_item(it->text, e);
    }
    if (!strcmp(o, "netdev")) {
        return net_from_option(it->text, e) != NULL;
    }
    if (!strcmp(o, "nic")) {
        return nic_item(b, it->text, e);
    }
    if (!strcmp(o, "net")) {
        return net_item(b, it->text, e);
    }
    return true; /* device and object: later */
}

static void *backend_by_id(enum prop_kind kind, const char *id, struct err *e)
{
    void *p = kind == PROP_CHARDEV ? (void *)chardev_find(id)
              : kind == PROP_BLOCK ? (void *)block_find(id)
                                   : (void *)net_find(id);
    if (!p) {
        err_set(e, "there is no %s '%s'",
                kind == PROP_CHARDEV ? "chardev"
                : kind == PROP_BLOCK ? "drive"
                                     : "netdev",
                id);
    }
    return p;
}

bool backends_make(struct setup *s, const struct board *b, struct machine_config *mc, bool *done, struct err *e)
{
    struct config *c = &s->cfg;
    prop_backend = backend_by_id;
    block_snapshot_all = c->snapshot;
    for (size_t i = 0; i < c->nitems; i++) {
        if (is_help(c->items[i].text) && strcmp(c->items[i].option, "device") != 0) {
            list_kinds(c->items[i].option);
            return *done = true;
        }
    }
    for (size_t i = 0; i < c->nitems; i++) {
        const struct item *it = &c->items[i];
        if (!item_make(b, mc, it, e)) {
            err_prefix(e, "-%s %s", it->option, it->text);
            return false;
        }
    }
    for (size_t i = 0; i < c->nitems; i++) {
        if (!strcmp(c->items[i].option, "object") && !object_item(c->items[i].text, e)) {
            return false;
        }
    }
    for (size_t i = 0; i < c->pflash.n && i < 2; i++) {
        char id[16];
        snprintf(id, sizeof(id), "pflash%zu", i);
        if (!(mc->pflash[i] = block_open_file(id, c->pflash.v[i], false, e))) {
            return false;
        }
    }
    if (c->image && !drive_item(b, mc, "hda", c->image, e)) {
        return false;
    }
    if (!c->nodefaults && !no_default_nic && b->default_nic) {
        bool any = false;
        for (size_t i = 0; i < c->nitems; i++) {
            any |= !strcmp(c->items[i].option, "netdev") ||
                   (!strcmp(c->items[i].option, "device") && strstr(c->items[i].text, "net"));
        }
        struct err ignored = {{0}};
        if (!any && !nic_item(b, "user", &ignored)) {
            warn_once("no default network card: %s", ignored.msg);
        }
    }
    return serial_ports(s, mc, e);
}

/* -- devices
 * -------------------------------------------------------------------------------------------------------------- */

static const struct device_class *class_find(const char *name)
{
    for (const struct device_class *const *c = registry_devices; *c; c++) {
        if (!strcmp((*c)->name, name)) {
            return *c;
        }
    }
    /* QEMU's short names. */
    static const char *const alias[][2] = {{"virtio-net", "virtio-net-pci"},
                                           {"virtio-blk", "virtio-blk-pci"},
                                           {"virtio-serial", "virtio-serial-pci"},
                                           {"virtio-rng", "virtio-rng-pci"}};
    for (size_t i = 0; i < ARRAY_LEN(alias); i++) {
        if (!strcmp(name, alias[i][0])) {
            return class_find(alias[i][1]);
        }
    }
    return NULL;
}

void devices_help(const char *cls_name)
{
    if (!cls_name) {
        for (const struct device_class *const *c = registry_devices; *c; c++) {
            printf("name \"%s\", bus %s%s%s%s\n", (*c)->name, (*c)->bus, (*c)->doc ? ", desc \"" : "",
                   (*c)->doc ? (*c)->doc : "", (*c)->doc ? "\"" : "");
        }
        return;
    }
    const struct device_class *c = class_find(cls_name);
    if (!c) {
        printf("there is no device class '%s'\n", cls_name);
        return;
    }
    printf("%s options:\n", c->name);
    for (const struct prop *p = c->props; p && p->name; p++) {
        printf("  %s=<%s>%*s - %s%s%s%s\n", p->name,
               p->kind == PROP_BOOL   ? "bool"
               : p->kind == PROP_SIZE ? "size"
                                      : "value",
               (int)(20 - MIN(20u, strlen(p->name))), "", p->doc ? p->doc : "", p->def ? " (default: " : "",
               p->def ? p->def : "", p->def ? ")" : "");
    }
}

static bool no_class(const char *name, struct err *e)
{
    const char *names[256];
    unsigned n = 0;
    for (const struct device_class *const *c = registry_devices; *c && n < 255; c++) {
        names[n++] = (*c)->name;
    }
    names[n] = NULL;
    const char *near = nearest_name(name, names);
    return err_set(e, "'%s' is not a valid device model name%s%s%s", name, near ? "; did you mean '" : "",
                   near ? near : "", near ? "'?" : "");
}

/* -global CLASS.PROP=VALUE, or driver=,property=,value=. */
static bool globals_apply(const struct config *c, struct device *d, struct err *e)
{
    for (size_t i = 0; i < c->global.n; i++) {
        const char *g = c->global.v[i], *dot = strchr(g, '.'), *eq = strchr(g, '=');
        if (!dot || !eq || dot > eq || strlen(d->cls->name) != (size_t)(dot - g) ||
            strncmp(g, d->cls->name, (size_t)(dot - g)) != 0) {
            continue;
        }
        char *key = strndup(dot + 1, (size_t)(eq - dot - 1));
        bool ok = device_set_prop(d, key, eq + 1, e);
        free(key);
        if (!ok) {
            return false;
        }
    }
    return true;
}

static bool device_make(struct setup *s, const char *text, struct err *e)
{
    struct opts o = {0};
    if (!opts_parse(&o, text, "driver", e)) {
        return false;
    }
    const char *name = opts_str(&o, "driver", "");
    const struct device_class *cls = class_find(name);
    bool ok = cls ? true : no_class(name, e);
    if (ok) {
        const char *id = opts_str(&o, "id", NULL), *bus = opts_str(&o, "bus", NULL);
        char owner[64] = "";
        if (bus) { /* "virtio-mmio-bus.3", "pcie.0", "vser0.0": the owner's id comes in front */
            snprintf(owner, sizeof(owner), "%s", bus);
            char *tail = strrchr(owner, '.');
            if (!machine_find(s->machine, owner) && tail && !strcmp(tail, ".0")) {
                *tail = 0;
            }
        }
        if (id && machine_find(s->machine, id)) {
            ok = err_set(e, "Duplicate device ID '%s'", id);
        }
        struct device *d = ok ? device_new(s->machine, cls, id ? arena_str(&s->machine->arena, id) : NULL) : NULL;
        ok = d && globals_apply(&s->cfg, d, e);
        for (size_t i = 0; ok && i < o.n; i++) {
            const char *k = o.v[i].key;
            if (strcmp(k, "driver") && strcmp(k, "id") && strcmp(k, "bus")) {
                ok = device_set_prop(d, k, o.v[i].value, e);
            }
        }
        ok = ok && device_plug(d, bus ? owner : NULL, e) && device_init(d, e);
    }
    opts_free(&o);
    return ok;
}

bool devices_make(struct setup *s, struct err *e)
{
    for (struct implied *x = implied; x; x = x->next) {
        if (!device_make(s, x->text, e)) {
            err_prefix(e, "%s", x->text);
            return false;
        }
    }
    for (size_t i = 0; i < s->cfg.nitems; i++) {
        const struct item *it = &s->cfg.items[i];
        if (!strcmp(it->option, "device") && !device_make(s, it->text, e)) {
            err_prefix(e, "-device %s", it->text);
            return false;
        }
    }
    return true;
}
