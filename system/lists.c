/* What `help` lists: boards, their properties, processors, accelerators, devices, back ends. Scripts search these texts
 * for lines they know from QEMU, so the shape of a line is QEMU's where it has one. */
#include <string.h>

#include "block/block.h"
#include "chardev/chardev.h"
#include "net/net.h"
#include "system/registry.h"
#include "system/system.h"

static void pad(size_t have, size_t want)
{
    printf("%*s", (int)(have < want ? want - have : 0), "");
}

static void list_keys(const struct opt_key *k)
{
    for (; k && k->name; k++) {
        const char *value = k->value ? k->value : "";
        printf("  %s=<%s>", k->name, value);
        pad(strlen(k->name) + strlen(value) + 5, 26);
        printf("- %s\n", k->doc ? k->doc : "");
    }
}

static const char *prop_type(const struct prop *p)
{
    static const char *const names[] = {
        [PROP_BOOL] = "bool",       [PROP_U8] = "uint8",    [PROP_U16] = "uint16",    [PROP_U32] = "uint32",
        [PROP_U64] = "uint64",      [PROP_SIZE] = "size",   [PROP_STR] = "str",       [PROP_MAC] = "mac",
        [PROP_CHARDEV] = "chardev", [PROP_BLOCK] = "drive", [PROP_NETDEV] = "netdev",
    };
    return names[p->kind];
}

static void list_props(const struct prop *p)
{
    for (; p && p->name; p++) {
        const char *type = prop_type(p);
        printf("  %s=<%s>", p->name, type);
        pad(strlen(p->name) + strlen(type) + 5, 26);
        printf("- %s%s%s%s\n", p->doc ? p->doc : "", p->def ? " (default: " : "", p->def ? p->def : "",
               p->def ? ")" : "");
    }
}

/* -- machines ------------------------------------------------------------------------------------------------- */

static void list_boards(void)
{
    printf("Supported machines are:\n");
    for (const struct board *const *b = registry_boards; *b; b++) {
        if (!board_is_here(*b)) {
            continue;
        }
        for (const char *const *a = (*b)->aliases; a && *a; a++) {
            printf("%-20s %s (alias of %s)\n", *a, (*b)->doc, (*b)->name);
        }
        printf("%-20s %s%s\n", (*b)->name, (*b)->doc, (*b)->is_default && target_named() ? " (default)" : "");
    }
    printf("%-20s empty machine\n", "none");
}

static void list_board_options(const char *name)
{
    const struct board *b = board_find(name);
    if (!b) {
        printf("there is no machine '%s'\n", name);
        return;
    }
    printf("%s-machine options:\n", b->name);
    list_keys(machine_keys);
    list_props(b->options);
}

/* Two targets may be two names of one processor. */
static bool models_listed(const struct target *const *t)
{
    for (const struct target *const *p = registry_targets; p != t && !target_named(); p++) {
        if ((*p)->models == (*t)->models) {
            return true;
        }
    }
    return target_named() && *t != target_named();
}

static void list_cpus(void)
{
    printf("Available CPUs:\n");
    for (const struct target *const *t = registry_targets; *t; t++) {
        if (models_listed(t)) {
            continue;
        }
        for (const struct cpu_model *m = (*t)->models; m && m->name; m++) {
            printf("  %s\n", m->name);
        }
    }
}

static void list_accel_options(const char *name)
{
    printf("%s options:\n", name);
    list_keys(strcmp(name, "tcg") ? NULL : accel_tcg_keys);
}

static void list_accels(void)
{
    printf("Accelerators supported in QEMU binary:\n");
    for (const struct accel *const *a = registry_accels; *a; a++) {
        printf("%s\n", (*a)->name);
    }
}

/* -- devices ---------------------------------------------------------------------------------------------------- */

static const char *bus_shown(const char *bus)
{
    return !strcmp(bus, "pci") ? "PCI" : !strcmp(bus, "virtio") ? "virtio-bus" : bus;
}

static void list_devices(const char *name)
{
    if (name && !strcmp(name, "loader")) {
        printf("loader options:\n");
        list_keys(loader_keys);
        return;
    }
    if (name) {
        const struct device_class *c = device_class_find(name);
        if (c) {
            printf("%s options:\n", c->name);
            list_props(c->props);
        } else {
            printf("there is no device class '%s'\n", name);
        }
        return;
    }
    printf("name \"loader\", desc \"files and numbers in memory after each reset\"\n");
    for (const struct device_class *const *c = registry_devices; *c; c++) {
        if (device_is_pluggable(*c)) {
            const char *alias = device_alias(*c);
            printf("name \"%s\", bus %s%s%s%s, desc \"%s\"\n", (*c)->name, bus_shown((*c)->bus),
                   alias ? ", alias \"" : "", alias ? alias : "", alias ? "\"" : "", (*c)->doc);
        }
    }
}

/* -- back ends ---------------------------------------------------------------------------------------------------- */

static void list_chardevs(const char *kind)
{
    if (!kind) {
        printf("Available chardev backend types:\n");
    }
    for (const struct chardev_kind *k = chardev_kinds(); k->name; k++) {
        if (!kind) {
            printf("  %s\n", k->name);
        } else if (!strcmp(k->name, kind)) {
            printf("%s options:\n", k->name);
            list_keys(k->keys);
            list_keys(chardev_common_keys);
        }
    }
}

static void list_netdevs(const char *kind)
{
    if (!kind) {
        printf("Available netdev backend types:\n");
    }
    for (const struct net_kind *k = net_kinds(); k->name; k++) {
        if (!kind && strcmp(k->name, "none") != 0) {
            printf("%s\n", k->name);
        } else if (kind && !strcmp(k->name, kind)) {
            printf("%s options:\n", k->name);
            list_keys(k->keys);
        }
    }
}

static void list_drive_keys(void)
{
    printf("drive options:\n");
    list_keys(drive_keys);
    list_keys(block_keys);
}

static void list_objects(const char *kind)
{
    if (!kind) {
        printf("List of user creatable objects:\n");
    }
    for (const struct object_kind *k = object_kinds; k->name; k++) {
        if (!kind) {
            printf("  %s\n", k->name);
        } else if (!strcmp(k->name, kind)) {
            printf("%s options:\n", k->name);
            list_keys(k->keys);
        }
    }
}

/* -- who asked --------------------------------------------------------------------------------------------------- */

/* "NAME,help": the name, to be freed; NULL when text does not end so. */
static char *name_before_help(const char *text)
{
    const char *comma = strchr(text, ',');
    return comma && (is_help(comma + 1) || !strcmp(comma + 1, "\\?")) ? strndup(text, (size_t)(comma - text)) : NULL;
}

static bool list_item(const struct item *it)
{
    const char *o = it->option;
    char *kind = name_before_help(it->text);
    bool asked = true;
    if (!kind && !is_help(it->text)) {
        return false;
    }
    if (!strcmp(o, "device")) {
        list_devices(kind);
    } else if (!strcmp(o, "chardev")) {
        list_chardevs(kind);
    } else if (!strcmp(o, "netdev") || !strcmp(o, "nic") || !strcmp(o, "net")) {
        list_netdevs(kind);
    } else if (!strcmp(o, "drive") || !strcmp(o, "blockdev")) {
        list_drive_keys();
    } else if (!strcmp(o, "object")) {
        list_objects(kind);
    } else {
        asked = false;
    }
    free(kind);
    return asked;
}

static bool list_strings(const struct strings *s, void (*list)(void))
{
    if (!s->n || !is_help(last_of(s))) {
        return false;
    }
    list();
    return true;
}

/* `name,help` and `help`. */
static bool list_one_or_all(const struct strings *s, void (*one)(const char *name), void (*all)(void))
{
    for (size_t i = 0; i < s->n; i++) {
        char *name = name_before_help(s->v[i]);
        if (name) {
            one(name);
            free(name);
            return true;
        }
    }
    return list_strings(s, all);
}

bool lists_serve(const struct config *c)
{
    struct strings cpu = {.v = (const char **)&c->cpu, .n = c->cpu != NULL};
    if (list_one_or_all(&c->machine, list_board_options, list_boards) ||
        list_one_or_all(&c->accel, list_accel_options, list_accels) || list_strings(&cpu, list_cpus)) {
        return true;
    }
    if (c->display && is_help(c->display)) {
        displays_list();
        return true;
    }
    if (c->vga && is_help(c->vga)) {
        printf("Available graphics cards:\nstd                  VGA, of PCs\nvirtio               virtio-vga, of "
               "PCs\nnone\n");
        return true;
    }
    for (size_t i = 0; i < c->nitems; i++) {
        if (list_item(&c->items[i])) {
            return true;
        }
    }
    return false;
}
