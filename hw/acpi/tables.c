/* ACPI tables: headers, check sums, pointers (ACPI 6.4, 5.2.5 to 5.2.8), and the script by which firmware places them
 * (the linker/loader interface: commands of 128 bytes that name files of fw_cfg). */
#include "hw/acpi/tables.h"

#include <glib.h>
#include <string.h>

#include "base/bits.h"
#include "hw/core/loader.h"
#include "hw/core/machine.h"

#define TABLES_FILE "etc/acpi/tables"
#define RSDP_FILE   "etc/acpi/rsdp"
enum {
    FILE_NAME = 56,
    COMMAND_SIZE = 128,
    ALLOCATE = 1,
    ADD_POINTER = 2,
    ADD_CHECKSUM = 3,
    ZONE_HIGH = 1,
    ZONE_FSEG = 2
};
enum { LENGTH = 4, CHECKSUM = 9, RSDP_CHECKSUM = 8, RSDP_OLD_SIZE = 20, RSDP_SUM2 = 32, ALIGNMENT = 64 };

void acpi_u8(struct acpi_tables *t, u8 v)
{
    buf_u8(&t->body, v);
}
void acpi_u16(struct acpi_tables *t, u16 v)
{
    acpi_u8(t, (u8)v);
    acpi_u8(t, (u8)(v >> 8));
}
void acpi_u32(struct acpi_tables *t, u32 v)
{
    buf_u32(&t->body, v);
}
void acpi_u64(struct acpi_tables *t, u64 v)
{
    buf_u64(&t->body, v);
}
void acpi_zeros(struct acpi_tables *t, unsigned n)
{
    while (n--) {
        acpi_u8(t, 0);
    }
}
size_t acpi_here(const struct acpi_tables *t)
{
    return t->body.len;
}
void acpi_align(struct acpi_tables *t, unsigned n)
{
    acpi_zeros(t, (unsigned)(align_up(t->body.len, n) - t->body.len));
}
void acpi_address(struct acpi_tables *t, u8 space, u8 bits, u8 access, u64 at)
{
    acpi_u8(t, space);
    acpi_u8(t, bits);
    acpi_u8(t, 0);
    acpi_u8(t, access);
    acpi_u64(t, at);
}

/* Ids are padded with spaces. */
static void text(struct acpi_tables *t, const char *s, unsigned n)
{
    size_t len = strlen(s);
    for (unsigned i = 0; i < n; i++) {
        acpi_u8(t, i < len ? (u8)s[i] : ' ');
    }
}
static const char *oem_id(const struct acpi_tables *t)
{
    return t->oem_id ? t->oem_id : "MOSS";
}

void acpi_begin(struct acpi_tables *t, const char *signature, u8 revision)
{
    acpi_align(t, 8);
    t->start = t->body.len;
    must(t->ntables < ACPI_MAX_TABLES);
    t->listed[t->ntables] =
        strcmp(signature, "DSDT") != 0 && strcmp(signature, "RSDT") != 0 && strcmp(signature, "XSDT") != 0;
    t->table[t->ntables++] = t->start;
    text(t, signature, 4);
    acpi_u32(t, 0);
    acpi_u8(t, revision);
    acpi_u8(t, 0);
    text(t, oem_id(t), 6);
    text(t, t->oem_table_id ? t->oem_table_id : "MOSSTABL", 8);
    acpi_u32(t, 1);
    text(t, "MOSS", 4);
    acpi_u32(t, 1);
}
void acpi_end(struct acpi_tables *t)
{
    st32le(t->body.data + t->start + LENGTH, (u32)(t->body.len - t->start));
}

static void pointer_note(struct acpi_tables *t, bool in_rsdp, size_t at, unsigned size, size_t to)
{
    must(t->npointers < ACPI_MAX_POINTERS);
    t->pointer[t->npointers].at = at;
    t->pointer[t->npointers].to = to;
    t->pointer[t->npointers].size = (u8)size;
    t->pointer[t->npointers++].in_rsdp = in_rsdp;
    stnle((in_rsdp ? t->rsdp : t->body.data) + at, size, to);
}
void acpi_pointer(struct acpi_tables *t, size_t at, unsigned size, size_t to)
{
    pointer_note(t, false, at, size, to);
}

static size_t list_make(struct acpi_tables *t, const char *signature, unsigned size)
{
    unsigned n = t->ntables;
    acpi_begin(t, signature, 1);
    size_t at = t->start;
    for (unsigned i = 0; i < n; i++) {
        if (t->listed[i]) {
            acpi_zeros(t, size);
            pointer_note(t, false, t->body.len - size, size, t->table[i]);
        }
    }
    acpi_end(t);
    return at;
}
void acpi_finish(struct acpi_tables *t, bool rsdt)
{
    memcpy(t->rsdp, "RSD PTR ", 8);
    memset(t->rsdp + 9, ' ', 6);
    memcpy(t->rsdp + 9, oem_id(t), MIN(strlen(oem_id(t)), (size_t)6));
    t->rsdp[15] = 2;
    st32le(t->rsdp + 20, ACPI_RSDP_SIZE);
    if (rsdt) {
        pointer_note(t, true, 16, 4, list_make(t, "RSDT", 4));
    }
    pointer_note(t, true, 24, 8, list_make(t, "XSDT", 8));
}
void acpi_free(struct acpi_tables *t)
{
    buf_free(&t->body);
    *t = (struct acpi_tables){0};
}

/* -- into memory -------------------------------------------------------------------------------------------------- */

static u8 sum(const u8 *p, size_t n)
{
    u8 s = 0;
    while (n--) {
        s = (u8)(s + *p++);
    }
    return (u8)-s;
}

void acpi_madt_override(struct acpi_tables *t, u8 irq, u32 gsi, u16 flags)
{
    enum { MADT_OVERRIDE = 2, OVERRIDE_BYTES = 10, BUS_ISA = 0 };
    acpi_u8(t, MADT_OVERRIDE);
    acpi_u8(t, OVERRIDE_BYTES);
    acpi_u8(t, BUS_ISA);
    acpi_u8(t, irq);
    acpi_u32(t, gsi);
    acpi_u16(t, flags);
}
void acpi_place(struct acpi_tables *t, u64 at)
{
    must(!(at % ALIGNMENT));
    for (unsigned i = 0; i < t->npointers; i++) {
        stnle((t->pointer[i].in_rsdp ? t->rsdp : t->body.data) + t->pointer[i].at, t->pointer[i].size,
              at + t->pointer[i].to);
    }
    for (unsigned i = 0; i < t->ntables; i++) {
        u8 *p = t->body.data + t->table[i];
        p[CHECKSUM] = sum(p, ld32le(p + LENGTH));
    }
    t->rsdp[RSDP_CHECKSUM] = sum(t->rsdp, RSDP_OLD_SIZE);
    t->rsdp[RSDP_SUM2] = sum(t->rsdp, ACPI_RSDP_SIZE);
}

/* -- by firmware -------------------------------------------------------------------------------------------------- */

static void file_put(u8 *at, const char *name)
{
    memcpy(at, name, MIN(strlen(name), (size_t)FILE_NAME - 1));
}
static void allocate(struct buf *out, const char *file, u32 alignment, u8 zone)
{
    u8 c[COMMAND_SIZE] = {ALLOCATE};
    file_put(c + 4, file);
    st32le(c + 60, alignment);
    c[64] = zone;
    buf_put(out, c, sizeof(c));
}
static void pointer(struct buf *out, const char *in, u32 at, u8 size)
{
    u8 c[COMMAND_SIZE] = {ADD_POINTER};
    file_put(c + 4, in);
    file_put(c + 60, TABLES_FILE);
    st32le(c + 116, at);
    c[120] = size;
    buf_put(out, c, sizeof(c));
}
static void checksum(struct buf *out, const char *file, u32 at, u32 start, u32 n)
{
    u8 c[COMMAND_SIZE] = {ADD_CHECKSUM};
    file_put(c + 4, file);
    st32le(c + 60, at);
    st32le(c + 64, start);
    st32le(c + 68, n);
    buf_put(out, c, sizeof(c));
}

/* Pointers before the sums over them. */
void acpi_script(const struct acpi_tables *t, struct buf *out)
{
    allocate(out, TABLES_FILE, ALIGNMENT, ZONE_HIGH);
    allocate(out, RSDP_FILE, 16, ZONE_FSEG);
    for (unsigned i = 0; i < t->npointers; i++) {
        pointer(out, t->pointer[i].in_rsdp ? RSDP_FILE : TABLES_FILE, (u32)t->pointer[i].at, t->pointer[i].size);
    }
    for (unsigned i = 0; i < t->ntables; i++) {
        u32 at = (u32)t->table[i];
        checksum(out, TABLES_FILE, at + CHECKSUM, at, ld32le(t->body.data + at + LENGTH));
    }
    checksum(out, RSDP_FILE, RSDP_CHECKSUM, 0, RSDP_OLD_SIZE);
    checksum(out, RSDP_FILE, RSDP_SUM2, 0, ACPI_RSDP_SIZE);
}

void acpi_files_selected(void *opaque)
{
    struct acpi_files *f = opaque;
    struct acpi_tables t = {0};
    f->make(f->opaque, &t);
    must(t.body.len == f->len);
    memcpy(f->body, t.body.data, f->len);
    memcpy(f->rsdp, t.rsdp, ACPI_RSDP_SIZE);
    acpi_free(&t);
}
bool acpi_files_add(struct machine *m, struct acpi_files *f, acpi_add_file *add, struct err *e)
{
    struct acpi_tables t = {0};
    struct buf script = {0};
    f->make(f->opaque, &t);
    acpi_script(&t, &script);
    f->len = t.body.len;
    f->body = arena_dup(&m->arena, t.body.data, f->len);
    f->rsdp = arena_dup(&m->arena, t.rsdp, ACPI_RSDP_SIZE);
    const void *kept = arena_dup(&m->arena, script.data, script.len);
    bool ok = add(m, TABLES_FILE, f->body, f->len, f, e) && add(m, RSDP_FILE, f->rsdp, ACPI_RSDP_SIZE, f, e) &&
              add(m, "etc/table-loader", kept, script.len, f, e);
    buf_free(&script);
    acpi_free(&t);
    return ok;
}

bool acpi_blobs_add(struct machine *m, const struct acpi_files *f, u64 at, u64 room, u64 rsdp, struct err *e)
{
    struct acpi_tables t = {0};
    f->make(f->opaque, &t);
    acpi_place(&t, at);
    bool fits = t.body.len <= room;
    if (fits) {
        loader_add(m, "acpi tables", at, g_memdup2(t.body.data, t.body.len), t.body.len, t.body.len);
        loader_add(m, "acpi rsdp", rsdp, g_memdup2(t.rsdp, ACPI_RSDP_SIZE), ACPI_RSDP_SIZE, ACPI_RSDP_SIZE);
    } else {
        err_set(e, "the ACPI tables take %zu bytes; there is room for %llu", t.body.len, (unsigned long long)room);
    }
    acpi_free(&t);
    return fits;
}
