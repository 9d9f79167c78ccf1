/* Field tables: a struct's state written down once. One row a member; the readers are reset,
 * snapshot, the monitor's print, the debugger's register map and the IR's slot names. */
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
    u32 flags;
    u64 reset;
    u32 stride; /* bytes from an element to the next, 0: size */
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
void fields_reset(void *obj, const struct field *f);
void fields_save(const void *obj, const struct field *f, struct buf *out);
bool fields_load(void *obj, const struct field *f, struct cursor *in, struct err *e);
void fields_print(const void *obj, const struct field *f, struct buf *out);

#endif
