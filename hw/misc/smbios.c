/* SMBIOS tables (DMTF DSP0134, versions 2.8 and 3.0): types 0 (firmware, when asked for), 1 (system), 2 (base board,
 * when asked for), 3 (chassis), 4 (one a socket), 11 (the user's strings), 16 and 17 (memory, in modules of 16 GiB at
 * most), 32 and 127 (end). A machine that was told nothing says what QEMU's says.
 *
 * Left out: tables read from a file, type 41 (onboard devices), type 19 (where memory is mapped). */
#include "hw/misc/smbios.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"

enum {
    BIOS = 0,
    SYSTEM = 1,
    BASE_BOARD = 2,
    CHASSIS = 3,
    PROCESSOR = 4,
    OEM_STRINGS = 11,
    MEMORY_ARRAY = 16,
    MEMORY_DEVICE = 17,
    BOOT_INFO = 32,
    END_OF_TABLE = 127,
};
#define MODULE_MAX (16ull << 30)

/* What may be said of each type. */
static const struct {
    unsigned type;
    const char *const *keys;
} said[] = {
    {BIOS, (const char *const[]){"vendor", "version", "date", "release", "uefi", NULL}},
    {SYSTEM, (const char *const[]){"manufacturer", "product", "version", "serial", "uuid", "sku", "family", NULL}},
    {BASE_BOARD, (const char *const[]){"manufacturer", "product", "version", "serial", "asset", "location", NULL}},
    {CHASSIS, (const char *const[]){"manufacturer", "version", "serial", "asset", "sku", NULL}},
    {PROCESSOR, (const char *const[]){"sock_pfx", "manufacturer", "version", "serial", "asset", "part", "max-speed",
                                      "current-speed", "processor-id", NULL}},
    {OEM_STRINGS, (const char *const[]){"value", "path", NULL}},
    {MEMORY_DEVICE, (const char *const[]){"loc_pfx", "bank", "manufacturer", "serial", "asset", "part", "speed", NULL}},
};

struct writer {
    const struct smbios_facts *f;
    struct buf *out;
    size_t start; /* of the table being written */
    struct buf strings;
    unsigned nstrings;
};

/* -- what was said ---------------------------------------------------------------------------------------------- */

static bool type_of(struct opts *o, u64 *type, struct err *e)
{
    if (opts_has(o, "file")) {
        return err_set(e, "file=: not there yet: moss takes no SMBIOS tables from files");
    }
    return opts_has(o, "type") ? opts_num(o, "type", type, e) : err_set(e, "expected type=N, a table of DSP0134");
}

static bool option_check(struct opts *o, struct err *e)
{
    u64 type;
    if (!type_of(o, &type, e)) {
        return false;
    }
    for (size_t i = 0; i < ARRAY_LEN(said); i++) {
        for (const char *const *k = said[i].keys; said[i].type == type && *k; k++) {
            opts_ignore(o, *k);
        }
        if (said[i].type != type) {
            continue;
        }
        for (size_t n = 0; n < o->n; n++) {
            const char *near = o->v[n].used ? NULL : nearest_name(o->v[n].key, said[i].keys);
            if (!o->v[n].used) {
                return err_set(e, "type=%u has no '%s'%s%s%s", (unsigned)type, o->v[n].key,
                               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
            }
        }
        return true;
    }
    return err_set(e, "type=%llu: moss makes the types 0, 1, 2, 3, 4, 11 and 17", (unsigned long long)type);
}

/* The last that was said of a type, or def. */
static const char *told(const struct writer *w, unsigned type, const char *key, const char *def)
{
    for (size_t i = 0; i < w->f->noptions; i++) {
        struct opts *o = w->f->options[i];
        u64 t = ~0ull;
        if (opts_num(o, "type", &t, NULL) && t == type) {
            def = opts_str(o, key, def);
        }
    }
    return def;
}

static bool told_anything(const struct writer *w, unsigned type)
{
    for (size_t i = 0; i < w->f->noptions; i++) {
        u64 t = ~0ull;
        if (opts_num(w->f->options[i], "type", &t, NULL) && t == type) {
            return true;
        }
    }
    return false;
}

static bool told_num(const struct writer *w, unsigned type, const char *key, u64 *v, u64 max, struct err *e)
{
    const char *s = told(w, type, key, NULL);
    return !s || (parse_num(s, v) && *v <= max) ||
           err_set(e, "type=%u,%s=%s: expected a number up to %llu", type, key, s, (unsigned long long)max);
}

/* -- writing ------------------------------------------------------------------------------------------------------ */

static void put(struct writer *w, unsigned size, u64 v)
{
    u8 raw[8];
    stnle(raw, size, v);
    buf_put(w->out, raw, size);
}

static void table_begin(struct writer *w, unsigned type, unsigned handle)
{
    w->start = w->out->len;
    w->nstrings = 0;
    w->strings.len = 0;
    put(w, 1, type);
    put(w, 1, 0); /* the length of the formatted part */
    put(w, 2, handle);
}

/* A string's number in its table; 0: there is none. */
static void put_string(struct writer *w, const char *s)
{
    if (s && *s) {
        buf_put(&w->strings, s, strlen(s) + 1);
        w->nstrings++;
    }
    put(w, 1, s && *s ? w->nstrings : 0);
}

static void put_told(struct writer *w, unsigned type, const char *key, const char *def)
{
    put_string(w, told(w, type, key, def));
}

static void table_end(struct writer *w)
{
    w->out->data[w->start + 1] = (u8)(w->out->len - w->start);
    if (w->nstrings) {
        buf_put(w->out, w->strings.data, w->strings.len);
    } else {
        put(w, 1, 0);
    }
    put(w, 1, 0);
}

/* -- the tables --------------------------------------------------------------------------------------------------- */

static bool bios_put(struct writer *w, struct err *e)
{
    enum { TARGETED_CONTENT = 0x04, IS_VIRTUAL = 0x10, UEFI = 0x08, CHARACTERISTICS_UNKNOWN = 0x08 };
    const char *release = told(w, BIOS, "release", NULL), *uefi = told(w, BIOS, "uefi", NULL);
    unsigned major = 0, minor = 0;
    bool is_uefi = false;
    char behind;
    if (release && (sscanf(release, "%u.%u%c", &major, &minor, &behind) != 2 || major > 255 || minor > 255)) {
        return err_set(e, "type=0,release=%s: expected MAJOR.MINOR, such as 1.2", release);
    }
    if (uefi && !parse_bool(uefi, &is_uefi)) {
        return err_set(e, "type=0,uefi=%s: expected on or off", uefi);
    }
    if (!told_anything(w, BIOS)) {
        return true;
    }
    table_begin(w, BIOS, 0x0000);
    put_told(w, BIOS, "vendor", NULL);
    put_told(w, BIOS, "version", NULL);
    put(w, 2, 0xe800);
    put_told(w, BIOS, "date", NULL);
    put(w, 1, 0);
    put(w, 8, CHARACTERISTICS_UNKNOWN);
    put(w, 1, 0);
    put(w, 1, TARGETED_CONTENT | IS_VIRTUAL | (is_uefi ? UEFI : 0));
    put(w, 1, major);
    put(w, 1, minor);
    put(w, 2, 0xffff); /* no embedded controller */
    table_end(w);
    return true;
}

/* Bytes of a UUID as they are written: the first three fields are little-endian numbers in the table. */
static void put_uuid(struct writer *w, const u8 *u)
{
    static const u8 order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};
    for (unsigned i = 0; i < 16; i++) {
        put(w, 1, u[order[i]]);
    }
}

static bool system_put(struct writer *w, struct err *e)
{
    enum { WAKE_UP_POWER_SWITCH = 6 };
    const char *s = told(w, SYSTEM, "uuid", NULL);
    u8 uuid[16];
    memcpy(uuid, w->f->uuid, sizeof(uuid));
    if (s && !parse_uuid(s, uuid)) {
        return err_set(e, "type=1,uuid=%s: expected a UUID such as 01234567-89ab-cdef-0123-456789abcdef", s);
    }
    table_begin(w, SYSTEM, 0x0100);
    put_told(w, SYSTEM, "manufacturer", w->f->manufacturer);
    put_told(w, SYSTEM, "product", w->f->product);
    put_told(w, SYSTEM, "version", w->f->version);
    put_told(w, SYSTEM, "serial", NULL);
    put_uuid(w, uuid);
    put(w, 1, WAKE_UP_POWER_SWITCH);
    put_told(w, SYSTEM, "sku", NULL);
    put_told(w, SYSTEM, "family", NULL);
    table_end(w);
    return true;
}

static void base_board_put(struct writer *w)
{
    enum { HOSTING_BOARD = 1, MOTHERBOARD = 0x0a };
    if (!told_anything(w, BASE_BOARD)) {
        return;
    }
    table_begin(w, BASE_BOARD, 0x0200);
    put_told(w, BASE_BOARD, "manufacturer", w->f->manufacturer);
    put_told(w, BASE_BOARD, "product", w->f->product);
    put_told(w, BASE_BOARD, "version", w->f->version);
    put_told(w, BASE_BOARD, "serial", NULL);
    put_told(w, BASE_BOARD, "asset", NULL);
    put(w, 1, HOSTING_BOARD);
    put_told(w, BASE_BOARD, "location", NULL);
    put(w, 2, 0x0300);
    put(w, 1, MOTHERBOARD);
    put(w, 1, 0);
    table_end(w);
}

static void chassis_put(struct writer *w)
{
    enum { OTHER = 1, SAFE = 3, UNKNOWN = 2 };
    table_begin(w, CHASSIS, 0x0300);
    put_told(w, CHASSIS, "manufacturer", w->f->manufacturer);
    put(w, 1, OTHER);
    put_told(w, CHASSIS, "version", w->f->version);
    put_told(w, CHASSIS, "serial", NULL);
    put_told(w, CHASSIS, "asset", NULL);
    put(w, 1, SAFE);
    put(w, 1, SAFE);
    put(w, 1, SAFE);
    put(w, 1, UNKNOWN);
    put(w, 8, 0); /* of the maker, height, cords, and nothing in it */
    put_told(w, CHASSIS, "sku", NULL);
    table_end(w);
}

static void processor_put(struct writer *w, unsigned n, u64 id, u64 max_speed, u64 speed)
{
    enum { CENTRAL = 3, OTHER = 1, ENABLED = 0x41, UNKNOWN = 2 };
    unsigned cores = w->f->cores, threads = cores * w->f->threads;
    char socket[128];
    snprintf(socket, sizeof(socket), "%s %u", told(w, PROCESSOR, "sock_pfx", "CPU"), n);
    table_begin(w, PROCESSOR, 0x0400 + n);
    put_string(w, socket);
    put(w, 1, CENTRAL);
    put(w, 1, OTHER);
    put_told(w, PROCESSOR, "manufacturer", w->f->manufacturer);
    put(w, 8, id);
    put_told(w, PROCESSOR, "version", w->f->version);
    put(w, 1, 0);
    put(w, 2, 0);
    put(w, 2, max_speed);
    put(w, 2, speed);
    put(w, 1, ENABLED);
    put(w, 1, OTHER);
    put(w, 2, 0xffff); /* no handles of caches */
    put(w, 2, 0xffff);
    put(w, 2, 0xffff);
    put_told(w, PROCESSOR, "serial", NULL);
    put_told(w, PROCESSOR, "asset", NULL);
    put_told(w, PROCESSOR, "part", NULL);
    put(w, 1, MIN(cores, 255));
    put(w, 1, MIN(cores, 255));
    put(w, 1, MIN(threads, 255));
    put(w, 2, UNKNOWN);
    put(w, 2, OTHER);
    put(w, 2, cores);
    put(w, 2, cores);
    put(w, 2, threads);
    table_end(w);
}

static bool processors_put(struct writer *w, struct err *e)
{
    u64 id = 0, max_speed = 2000, speed = 2000;
    if (!told_num(w, PROCESSOR, "processor-id", &id, UINT64_MAX, e) ||
        !told_num(w, PROCESSOR, "max-speed", &max_speed, 0xffff, e) ||
        !told_num(w, PROCESSOR, "current-speed", &speed, 0xffff, e)) {
        return false;
    }
    for (unsigned i = 0; i < w->f->sockets; i++) {
        processor_put(w, i, id, max_speed, speed);
    }
    return true;
}

static bool oem_string_add(struct writer *w, const char *key, const char *value, unsigned *n, struct err *e)
{
    gchar *text = NULL;
    GError *why = NULL;
    if (!strcmp(key, "path") && !g_file_get_contents(value, &text, NULL, &why)) {
        err_set(e, "type=11,path=%s: %s", value, why->message);
        g_error_free(why);
        return false;
    }
    const char *s = text ? text : value;
    if (*s) {
        buf_put(&w->strings, s, strlen(s) + 1);
        w->nstrings++;
        ++*n;
    }
    g_free(text);
    return true;
}

/* Every value= counts here, in the order they were typed. */
static bool oem_strings_put(struct writer *w, struct err *e)
{
    unsigned n = 0;
    if (!told_anything(w, OEM_STRINGS)) {
        return true;
    }
    table_begin(w, OEM_STRINGS, 0x0e00);
    for (size_t i = 0; i < w->f->noptions; i++) {
        struct opts *o = w->f->options[i];
        u64 t = ~0ull;
        if (!opts_num(o, "type", &t, NULL) || t != OEM_STRINGS) {
            continue;
        }
        for (size_t k = 0; k < o->n; k++) {
            bool is_text = !strcmp(o->v[k].key, "value") || !strcmp(o->v[k].key, "path");
            if (is_text && !oem_string_add(w, o->v[k].key, o->v[k].value, &n, e)) {
                return false;
            }
        }
    }
    if (n > 255) {
        return err_set(e, "type=11: at most 255 strings fit");
    }
    put(w, 1, n);
    table_end(w);
    return true;
}

static void memory_array_put(struct writer *w, unsigned modules)
{
    enum { OTHER = 1, SYSTEM_MEMORY = 3, MULTI_BIT_ECC = 6 };
    u64 kib = w->f->ram_size >> 10;
    bool fits = kib < 0x80000000u;
    table_begin(w, MEMORY_ARRAY, 0x1000);
    put(w, 1, OTHER);
    put(w, 1, SYSTEM_MEMORY);
    put(w, 1, MULTI_BIT_ECC);
    put(w, 4, fits ? kib : 0x80000000u);
    put(w, 2, 0xfffe); /* no error information */
    put(w, 2, modules);
    put(w, 8, fits ? 0 : w->f->ram_size);
    table_end(w);
}

static void memory_module_put(struct writer *w, unsigned n, u64 size, u64 speed)
{
    enum { DIMM = 9, RAM = 7, DETAIL_OTHER = 2 };
    char where[128];
    snprintf(where, sizeof(where), "%s %u", told(w, MEMORY_DEVICE, "loc_pfx", "DIMM"), n);
    table_begin(w, MEMORY_DEVICE, 0x1100 + n);
    put(w, 2, 0x1000);
    put(w, 2, 0xfffe);
    put(w, 2, 0xffff); /* unknown widths */
    put(w, 2, 0xffff);
    put(w, 2, size >> 20);
    put(w, 1, DIMM);
    put(w, 1, 0);
    put_string(w, where);
    put_told(w, MEMORY_DEVICE, "bank", NULL);
    put(w, 1, RAM);
    put(w, 2, DETAIL_OTHER);
    put(w, 2, speed);
    put_told(w, MEMORY_DEVICE, "manufacturer", w->f->manufacturer);
    put_told(w, MEMORY_DEVICE, "serial", NULL);
    put_told(w, MEMORY_DEVICE, "asset", NULL);
    put_told(w, MEMORY_DEVICE, "part", NULL);
    put(w, 1, 0);
    put(w, 4, 0);
    put(w, 2, speed);
    put(w, 6, 0); /* unknown voltages */
    table_end(w);
}

static bool memory_put(struct writer *w, struct err *e)
{
    u64 speed = 0, modules = (w->f->ram_size + MODULE_MAX - 1) / MODULE_MAX;
    if (!told_num(w, MEMORY_DEVICE, "speed", &speed, 0xffff, e)) {
        return false;
    }
    memory_array_put(w, (unsigned)modules);
    for (u64 i = 0; i < modules; i++) {
        memory_module_put(w, (unsigned)i, MIN(MODULE_MAX, w->f->ram_size - i * MODULE_MAX), speed);
    }
    return true;
}

static void rest_put(struct writer *w)
{
    table_begin(w, BOOT_INFO, 0x2000);
    put(w, 6, 0);
    put(w, 1, 0); /* no errors */
    table_end(w);
    table_begin(w, END_OF_TABLE, 0x7f00);
    table_end(w);
}

/* The entry point of version 2, in low memory and for tables below 4 GiB: all that BIOSes had, and programs of their
 * time look for. Both sums, and where the tables are, firmware fills in. */
static void anchor32_put(struct writer *w, const struct buf *tables)
{
    unsigned count = 0;
    size_t longest = 0;
    for (size_t at = 0, next; at < tables->len; at = next, count++) {
        next = at + tables->data[at + 1];
        while (next + 2 < tables->len && (tables->data[next] || tables->data[next + 1])) {
            next++;
        }
        next += 2;
        longest = MAX(longest, next - at);
    }
    buf_put(w->out, "_SM_", 4);
    put(w, 1, 0);
    put(w, 1, 0x1f);
    put(w, 1, 2);
    put(w, 1, 8);
    put(w, 2, longest);
    put(w, 1, 0); /* revision of the entry point */
    put(w, 5, 0);
    buf_put(w->out, "_DMI_", 5);
    put(w, 1, 0);
    put(w, 2, tables->len);
    put(w, 4, 0);
    put(w, 2, count);
    put(w, 1, 0x28);
}

/* The entry point of version 3: 64 bits wide. */
static void anchor_put(struct writer *w, size_t tables_len)
{
    buf_put(w->out, "_SM3_", 5);
    put(w, 1, 0);
    put(w, 1, 0x18);
    put(w, 1, 3);
    put(w, 1, 0);
    put(w, 1, 0);
    put(w, 1, 1); /* revision of the entry point */
    put(w, 1, 0);
    put(w, 4, tables_len);
    put(w, 8, 0);
}

bool smbios_build(const struct smbios_facts *f, struct buf *tables, struct buf *anchor, struct err *e)
{
    struct writer w = {.f = f, .out = tables};
    bool ok = true;
    for (size_t i = 0; ok && i < f->noptions; i++) {
        ok = option_check(f->options[i], e);
    }
    ok = ok && bios_put(&w, e) && system_put(&w, e);
    if (ok) {
        base_board_put(&w);
        chassis_put(&w);
    }
    ok = ok && processors_put(&w, e) && oem_strings_put(&w, e) && memory_put(&w, e);
    if (ok) {
        rest_put(&w);
        w.out = anchor;
        if (f->anchor32 && tables->len <= 0xffff) {
            anchor32_put(&w, tables);
        } else {
            anchor_put(&w, tables->len);
        }
    } else {
        err_prefix(e, "-smbios");
    }
    buf_free(&w.strings);
    return ok;
}
