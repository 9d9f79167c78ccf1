/* Properties: text on the command line or in a board's code into a member of a struct, and back. */
#include <string.h>

#include "base/opts.h"
#include "hw/core/device.h"

static void *no_backends(enum prop_kind kind, const char *id, struct err *e)
{
    (void)kind;
    err_set(e, "there is no back end '%s'", id);
    return NULL;
}
void *(*prop_backend)(enum prop_kind kind, const char *id, struct err *e) = no_backends;

static bool mac_parse(const char *s, u8 mac[6])
{
    for (unsigned i = 0; i < 6; i++) {
        char *end;
        unsigned long v = strtoul(s, &end, 16);
        if (end == s || v > 0xff || *end != (i < 5 ? ':' : 0)) {
            return false;
        }
        mac[i] = (u8)v;
        s = end + 1;
    }
    return true;
}

static const char *kind_wants(enum prop_kind k)
{
    switch (k) {
    case PROP_BOOL:
        return "'on' or 'off'";
    case PROP_U8:
        return "a number up to 255";
    case PROP_U16:
        return "a number up to 65535";
    case PROP_U32:
        return "a number of 32 bits";
    case PROP_U64:
        return "a number";
    case PROP_SIZE:
        return "a size such as 64k or 1G";
    case PROP_MAC:
        return "an address such as 52:54:00:12:34:56";
    case PROP_STR:
    case PROP_CHARDEV:
    case PROP_BLOCK:
    case PROP_NETDEV:
        break;
    }
    return "a name";
}

static bool num_store(void *to, unsigned size, const char *value)
{
    u64 v;
    if (!parse_num(value, &v) || (size < 8 && v >> 8 * size)) {
        return false;
    }
    memcpy(to, &v, size);
    return true;
}

static bool value_store(void *to, const struct prop *p, struct arena *a, const char *value, struct err *e)
{
    switch (p->kind) {
    case PROP_BOOL:
        return parse_bool(value, to);
    case PROP_U8:
        return num_store(to, 1, value);
    case PROP_U16:
        return num_store(to, 2, value);
    case PROP_U32:
        return num_store(to, 4, value);
    case PROP_U64:
        return num_store(to, 8, value);
    case PROP_SIZE:
        return parse_size(value, to);
    case PROP_MAC:
        return mac_parse(value, to);
    case PROP_STR:
        *(const char **)to = arena_str(a, value);
        return true;
    case PROP_CHARDEV:
    case PROP_BLOCK:
    case PROP_NETDEV:
        break;
    }
    *(void **)to = prop_backend(p->kind, value, e);
    return *(void **)to != NULL;
}

const struct prop *props_find(const struct prop *table, const char *key)
{
    for (; table && table->name; table++) {
        if (!strcmp(table->name, key)) {
            return table;
        }
    }
    return NULL;
}

enum { NAMES_MAX = 64 };

static bool unknown(const struct prop *table, const char *who, const char *key, struct err *e)
{
    const char *names[NAMES_MAX + 1];
    unsigned n = 0;
    for (; table && table->name && n < NAMES_MAX; table++) {
        names[n++] = table->name;
    }
    names[n] = NULL;
    const char *near = nearest_name(key, names);
    if (near) {
        return err_set(e, "Property '%s.%s' not found; did you mean '%s'?", who, key, near);
    }
    return err_set(e, "Property '%s.%s' not found", who, key);
}

bool props_set(void *obj, const struct prop *table, struct arena *a, const char *who, const char *key,
               const char *value, struct err *e)
{
    const struct prop *p = props_find(table, key);
    if (!p) {
        return unknown(table, who, key, e);
    }
    struct err cause = {0};
    if (value_store((u8 *)obj + p->off, p, a, value, &cause)) {
        return true;
    }
    if (cause.msg[0]) {
        return err_set(e, "Property '%s.%s' can't take value '%s': %s", who, key, value, cause.msg);
    }
    return err_set(e, "Property '%s.%s' can't take value '%s': it wants %s", who, key, value, kind_wants(p->kind));
}

bool props_default(void *obj, const struct prop *table, struct arena *a, struct err *e)
{
    for (const struct prop *p = table; p && p->name; p++) {
        if (p->def && !props_set(obj, table, a, "default", p->name, p->def, e)) {
            return false;
        }
    }
    return true;
}

void prop_print(const void *obj, const struct prop *p, struct buf *out)
{
    const u8 *at = (const u8 *)obj + p->off;
    switch (p->kind) {
    case PROP_BOOL:
        buf_printf(out, "%s", *(const bool *)at ? "true" : "false");
        break;
    case PROP_U8:
        buf_printf(out, "%u", *at);
        break;
    case PROP_U16:
        buf_printf(out, "%u", *(const u16 *)at);
        break;
    case PROP_U32:
        buf_printf(out, "%u", *(const u32 *)at);
        break;
    case PROP_U64:
    case PROP_SIZE:
        buf_printf(out, "%llu", (unsigned long long)*(const u64 *)at);
        break;
    case PROP_MAC:
        buf_printf(out, "\"%02x:%02x:%02x:%02x:%02x:%02x\"", at[0], at[1], at[2], at[3], at[4], at[5]);
        break;
    case PROP_STR: {
        const char *s = *(const char *const *)at;
        buf_printf(out, "\"%s\"", s ? s : "");
        break;
    }
    case PROP_CHARDEV:
    case PROP_BLOCK:
    case PROP_NETDEV:
        /* Back ends know their ids; the monitor prints them from there. */
        buf_printf(out, "%s", *(void *const *)at ? "<set>" : "<null>");
        break;
    }
}
