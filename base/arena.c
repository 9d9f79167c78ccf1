/* The bump allocator: chunks in a list, the newest first. A request larger than a chunk gets a
 * chunk of its own behind the head, so that the head's rest is not lost. */
#include "base/arena.h"

#include <glib.h>
#include <glib/gprintf.h>
#include <stdarg.h>
#include <string.h>

#include "base/bits.h"

enum { CHUNK_BYTES = 64 * 1024, ALIGN = 16 };

struct arena_chunk {
    struct arena_chunk *next;
    u64 pad; /* the bytes behind start 16-byte aligned */
};
_Static_assert(sizeof(struct arena_chunk) % ALIGN == 0, "chunk payload must be aligned");

static struct arena_chunk *chunk_new(size_t payload)
{
    /* malloc aligns to 16 on every host moss runs on. */
    struct arena_chunk *c = g_malloc(sizeof(struct arena_chunk) + payload);
    c->next = NULL;
    return c;
}

/* Zeroed as it is given out: of a chunk only what is used is touched. n: a multiple of ALIGN. */
static void *take(struct arena *a, size_t n)
{
    if (n > (size_t)(a->end - a->next)) {
        if (n > CHUNK_BYTES / 4) {
            struct arena_chunk *big = chunk_new(n);
            if (a->head) {
                big->next = a->head->next;
                a->head->next = big;
            } else {
                a->head = big;
            }
            return big + 1;
        }
        struct arena_chunk *c = chunk_new(CHUNK_BYTES);
        c->next = a->head;
        a->head = c;
        a->next = (u8 *)(c + 1);
        a->end = a->next + CHUNK_BYTES;
    }
    void *p = a->next;
    a->next += n;
    return p;
}

static size_t rounded(size_t n)
{
    must(n < SIZE_MAX / 2);
    return (size_t)align_up(MAX(n, (size_t)1), ALIGN);
}

void *arena_alloc(struct arena *a, size_t n)
{
    n = rounded(n);
    return memset(take(a, n), 0, n);
}

void *arena_dup(struct arena *a, const void *p, size_t n)
{
    u8 *q = take(a, rounded(n));
    if (n) {
        memcpy(q, p, n);
    }
    memset(q + n, 0, rounded(n) - n);
    return q;
}

char *arena_str(struct arena *a, const char *s)
{
    return arena_dup(a, s, strlen(s) + 1);
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
    char *s;
    va_list ap;
    va_start(ap, fmt);
    int n = g_vasprintf(&s, fmt, ap);
    va_end(ap);
    must(n >= 0);
    char *copy = arena_dup(a, s, (size_t)n + 1);
    g_free(s);
    return copy;
}

void arena_free(struct arena *a)
{
    for (struct arena_chunk *c = a->head, *next; c; c = next) {
        next = c->next;
        g_free(c);
    }
    *a = (struct arena){0};
}
