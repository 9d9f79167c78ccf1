/* A growable byte buffer, and a cursor that reads one back with a sticky error. Integers are little-endian. Memory that
 * can't be had ends moss, as everywhere. */
#ifndef MOSS_BASE_BUF_H
#define MOSS_BASE_BUF_H

#include <stdarg.h>

#include "base/types.h"

struct buf {
    u8 *data; /* always one byte longer than len and NUL ended once anything was written */
    size_t len, cap;
};
void buf_free(struct buf *b); /* empty and usable again; a zeroed struct is empty too */
void buf_put(struct buf *b, const void *p, size_t n);
void buf_printf(struct buf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *b, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
void buf_u8(struct buf *b, u8 v);
void buf_u32(struct buf *b, u32 v);
void buf_u64(struct buf *b, u64 v);

struct cursor {
    const u8 *p, *end;
    bool failed; /* a read went past the end; every later read gives 0 */
};
bool cursor_get(struct cursor *c, void *p, size_t n); /* false: p is zeroed */
u8 cursor_u8(struct cursor *c);
u32 cursor_u32(struct cursor *c);
u64 cursor_u64(struct cursor *c);

#endif
