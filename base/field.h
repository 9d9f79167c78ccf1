/* Field tables: a struct's state written down once. One row a member; the readers are reset,
 * snapshot, and what prints registers. Offsets and sizes are bytes; a struct of any kind will do. */
#ifndef MOSS_BASE_FIELD_H
#define MOSS_BASE_FIELD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/types.h"

enum {
    F_CONFIG = 1, /* set by the board, not by reset; compared when a snapshot is loaded */
    F_HIDDEN = 2, /* saved, not printed */
    F_KEEP = 4,   /* survives reset (saved, printed) */
};
struct field {
    const char *name; /* NULL ends a table */
    u32 off;
    u16 size, count; /* bytes an element (1, 2, 4, 8, 16), elements */
    u32 flags;       /* F_* */
    u64 reset;       /* every element's low 8 bytes; the rest is 0 */
    u32 stride;      /* bytes from an element to the next, 0: size */
};
#define FIELD(T, m, ...) \
    { \
        .name = #m, .off = offsetof(T, m), .size = sizeof(((T *)0)->m), .count = 1, __VA_ARGS__ \
    }
#define FIELDS(T, m, ...) \
    { \
        .name = #m, .off = offsetof(T, m), .size = sizeof(((T *)0)->m[0]), \
        .count = sizeof(((T *)0)->m) / sizeof(((T *)0)->m[0]), __VA_ARGS__ \
    }
/* Member m of every struct in the array arr. */
#define FIELD_OF(T, arr, m, ...) \
    { \
        .name = #arr "." #m, .off = offsetof(T, arr[0].m), .size = sizeof(((T *)0)->arr[0].m), \
        .count = sizeof(((T *)0)->arr) / sizeof(((T *)0)->arr[0]), .stride = sizeof(((T *)0)->arr[0]), __VA_ARGS__ \
    }
/* Gives every row its reset value but those of F_CONFIG and F_KEEP. */
void fields_reset(void *obj, const struct field *f);
/* Appends the rows by name, elements little-endian: the order of the table is free, and may change. */
void fields_save(const void *obj, const struct field *f, struct buf *out);
/* Reads that back. A row the saver did not have gets its reset value. False, with the object as it was: a row unknown
 * here or of another size, an F_CONFIG row with another value, too few bytes. */
bool fields_load(void *obj, const struct field *f, struct cursor *in, struct err *e);
/* A line a row, in hex. */
void fields_print(const void *obj, const struct field *f, struct buf *out);

#endif
