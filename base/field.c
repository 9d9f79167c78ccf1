/* The readers of a field table.
 *
 * Saved form: u32 rows, then a row: u8 length of the name, the name, u8 element size, u32 elements,
 * the elements little-endian. Rows are found by name, so their order is free; a row that the saver
 * did not know gets its reset value; a row that the loader does not know is an error. */
#include "base/field.h"

#include <string.h>

#include "base/bits.h"

static u8 *field_at(void *obj, const struct field *f, unsigned i)
{
    return (u8 *)obj + f->off + (size_t)(f->stride ? f->stride : f->size) * i;
}

static const u8 *field_at_const(const void *obj, const struct field *f, unsigned i)
{
    return (const u8 *)obj + f->off + (size_t)(f->stride ? f->stride : f->size) * i;
}

static void field_check(const struct field *f)
{
    must(f->size == 1 || f->size == 2 || f->size == 4 || f->size == 8 || f->size == 16);
    must(strlen(f->name) < 256);
}

static void field_reset(void *obj, const struct field *f)
{
    u8 raw[16] = {0};
    field_check(f);
    st64le(raw, f->reset);
    for (unsigned i = 0; i < f->count; i++) {
        memcpy(field_at(obj, f, i), raw, f->size);
    }
}

void fields_reset(void *obj, const struct field *f)
{
    for (; f->name; f++) {
        if (!(f->flags & (F_CONFIG | F_KEEP))) {
            field_reset(obj, f);
        }
    }
}

void fields_save(const void *obj, const struct field *f, struct buf *out)
{
    u32 rows = 0;
    while (f[rows].name) {
        rows++;
    }
    buf_u32(out, rows);
    for (; f->name; f++) {
        field_check(f);
        buf_u8(out, (u8)strlen(f->name));
        buf_put(out, f->name, strlen(f->name));
        buf_u8(out, (u8)f->size);
        buf_u32(out, f->count);
        for (unsigned i = 0; i < f->count; i++) {
            buf_put(out, field_at_const(obj, f, i), f->size);
        }
    }
}

struct saved_row {
    char name[256];
    u8 size;
    u32 count;
    const u8 *data;
};

static bool row_get(struct cursor *in, struct saved_row *r)
{
    u8 len = cursor_u8(in);
    cursor_get(in, r->name, len);
    r->name[len] = 0;
    r->size = cursor_u8(in);
    r->count = cursor_u32(in);
    size_t bytes = (size_t)r->size * r->count;
    if (in->failed || (size_t)(in->end - in->p) < bytes) {
        in->failed = true;
        return false;
    }
    r->data = in->p;
    in->p += bytes;
    return true;
}

static const struct field *field_find(const struct field *f, const char *name)
{
    while (f->name && strcmp(f->name, name)) {
        f++;
    }
    return f->name ? f : NULL;
}

static bool row_check(const void *obj, const struct field *f, const struct saved_row *r, struct err *e)
{
    const struct field *row = field_find(f, r->name);
    if (!row) {
        return err_set(e, "the snapshot has a field '%s' that this version of moss does not know", r->name);
    }
    if (r->size != row->size || r->count != row->count) {
        return err_set(e, "field '%s' has %u elements of %u bytes in the snapshot, %u of %u here", r->name, r->count,
                       r->size, row->count, row->size);
    }
    for (unsigned i = 0; (row->flags & F_CONFIG) && i < row->count; i++) {
        const u8 *have = field_at_const(obj, row, i), *want = r->data + (size_t)r->size * i;
        unsigned n = MIN(row->size, (u16)8);
        if (memcmp(have, want, row->size)) {
            return err_set(e, "'%s' is 0x%llx in the snapshot and 0x%llx in this machine", r->name,
                           (unsigned long long)ldnle(want, n), (unsigned long long)ldnle(have, n));
        }
    }
    return true;
}

/* Two passes, so that a bad snapshot leaves the object as it was. */
bool fields_load(void *obj, const struct field *f, struct cursor *in, struct err *e)
{
    struct saved_row r;
    u32 rows = cursor_u32(in);
    struct cursor start = *in;

    for (u32 i = 0; i < rows; i++) {
        if (!row_get(in, &r)) {
            break;
        }
        if (!row_check(obj, f, &r, e)) {
            return false;
        }
    }
    if (in->failed) {
        return err_set(e, "the snapshot is cut short");
    }
    for (const struct field *row = f; row->name; row++) {
        if (!(row->flags & F_CONFIG)) {
            field_reset(obj, row);
        }
    }
    for (u32 i = 0; i < rows; i++) {
        must(row_get(&start, &r));
        const struct field *row = field_find(f, r.name);
        if (!(row->flags & F_CONFIG)) {
            for (unsigned k = 0; k < r.count; k++) {
                memcpy(field_at(obj, row, k), r.data + (size_t)r.size * k, r.size);
            }
        }
    }
    return true;
}

static void element_print(const u8 *p, unsigned size, struct buf *out)
{
    if (size == 16) {
        buf_printf(out, "%016llx_%016llx", (unsigned long long)ld64le(p + 8), (unsigned long long)ld64le(p));
    } else {
        buf_printf(out, "%0*llx", (int)size * 2, (unsigned long long)ldnle(p, size));
    }
}

/* One row a line; a run of equal elements is printed once, with its length. */
void fields_print(const void *obj, const struct field *f, struct buf *out)
{
    for (; f->name; f++) {
        if (f->flags & F_HIDDEN) {
            continue;
        }
        buf_printf(out, "%-12s", f->name);
        for (unsigned i = 0, run; i < f->count; i += run) {
            const u8 *el = field_at_const(obj, f, i);
            run = 1;
            while (i + run < f->count && !memcmp(el, field_at_const(obj, f, i + run), f->size)) {
                run++;
            }
            buf_put(out, " ", 1);
            element_print(el, f->size, out);
            if (run > 1) {
                buf_printf(out, "*%u", run);
            }
        }
        buf_put(out, "\n", 1);
    }
}
