/* A bump allocator: everything is freed at once. Memory comes zeroed; a zeroed struct is an empty arena. Not for
 * several threads. */
#ifndef MOSS_BASE_ARENA_H
#define MOSS_BASE_ARENA_H

#include "base/types.h"

struct arena_chunk;
struct arena {
    struct arena_chunk *head;
    u8 *next, *end;
};
void *arena_alloc(struct arena *a, size_t n); /* 16-byte aligned; never NULL */
void *arena_dup(struct arena *a, const void *p, size_t n);
char *arena_str(struct arena *a, const char *s);
char *arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
void arena_free(struct arena *a); /* empty and usable again */

#endif
