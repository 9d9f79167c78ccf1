/* Growable bytes, and the cursor that reads them back. Integers are little-endian. */
#include "base/buf.h"

#include <glib.h>
#include <glib/gprintf.h>
#include <string.h>

#include "base/bits.h"

/* Room for n more bytes and the NUL behind them. */
static void buf_reserve(struct buf *b, size_t n)
{
    must(n < SIZE_MAX / 4 && b->len < SIZE_MAX / 4);
    size_t need = b->len + n + 1;
    if (need > b->cap) {
        b->cap = MAX(need, MAX(b->cap * 2, (size_t)64));
        b->data = g_realloc(b->data, b->cap);
    }
}

void buf_free(struct buf *b)
{
    g_free(b->data);
    *b = (struct buf){0};
}

void buf_put(struct buf *b, const void *p, size_t n)
{
    buf_reserve(b, n);
    if (n) {
        memcpy(b->data + b->len, p, n);
    }
    b->len += n;
    b->data[b->len] = 0;
}

void buf_vprintf(struct buf *b, const char *fmt, va_list ap)
{
    char *s;
    int n = g_vasprintf(&s, fmt, ap);
    must(n >= 0);
    buf_put(b, s, (size_t)n);
    g_free(s);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    buf_vprintf(b, fmt, ap);
    va_end(ap);
}

void buf_u8(struct buf *b, u8 v)
{
    buf_put(b, &v, 1);
}

void buf_u32(struct buf *b, u32 v)
{
    u8 raw[4];
    st32le(raw, v);
    buf_put(b, raw, sizeof(raw));
}

void buf_u64(struct buf *b, u64 v)
{
    u8 raw[8];
    st64le(raw, v);
    buf_put(b, raw, sizeof(raw));
}

bool cursor_get(struct cursor *c, void *p, size_t n)
{
    if (c->failed || (size_t)(c->end - c->p) < n) {
        c->failed = true;
        memset(p, 0, n);
        return false;
    }
    if (n) {
        memcpy(p, c->p, n);
    }
    c->p += n;
    return true;
}

u8 cursor_u8(struct cursor *c)
{
    u8 v;
    cursor_get(c, &v, 1);
    return v;
}

u32 cursor_u32(struct cursor *c)
{
    u8 raw[4];
    cursor_get(c, raw, sizeof(raw));
    return ld32le(raw);
}

u64 cursor_u64(struct cursor *c)
{
    u8 raw[8];
    cursor_get(c, raw, sizeof(raw));
    return ld64le(raw);
}
