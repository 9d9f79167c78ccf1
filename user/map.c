/* Sorted array of ranges. A program has tens of them, a JIT thousands: binary search, memmove. */
#include "user/map.h"

#include <string.h>

#include "base/bits.h"

size_t map_find(const struct map *m, u64 va)
{
    size_t lo = 0, hi = m->n;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (m->v[mid].end > va) {
            hi = mid;
        } else {
            lo = mid + 1;
        }
    }
    return lo;
}

static void insert(struct map *m, size_t i, struct map_range r)
{
    if (m->n == m->cap) {
        m->cap = m->cap ? m->cap * 2 : 64;
        m->v = realloc(m->v, m->cap * sizeof(*m->v));
        must(m->v);
    }
    memmove(&m->v[i + 1], &m->v[i], (m->n - i) * sizeof(*m->v));
    m->v[i] = r;
    m->n++;
}

static void erase(struct map *m, size_t i, size_t n)
{
    if (n) {
        memmove(&m->v[i], &m->v[i + n], (m->n - i - n) * sizeof(*m->v));
        m->n -= n;
    }
}

/* Makes va a border between ranges. */
static void split(struct map *m, u64 va)
{
    size_t i = map_find(m, va);
    if (i < m->n && m->v[i].start < va) {
        struct map_range low = m->v[i];
        low.end = va;
        m->v[i].start = va;
        insert(m, i, low);
    }
}

static void join(struct map *m, size_t i)
{
    if (i + 1 < m->n && m->v[i].end == m->v[i + 1].start && m->v[i].prot == m->v[i + 1].prot &&
        m->v[i].shared == m->v[i + 1].shared) {
        m->v[i].end = m->v[i + 1].end;
        erase(m, i + 1, 1);
    }
}

void map_clear(struct map *m, u64 start, u64 end)
{
    split(m, start);
    split(m, end);
    size_t i = map_find(m, start), j = i;
    while (j < m->n && m->v[j].start < end) {
        j++;
    }
    erase(m, i, j - i);
}

void map_set(struct map *m, struct map_range r)
{
    map_clear(m, r.start, r.end);
    size_t i = map_find(m, r.start);
    insert(m, i, r);
    join(m, i);
    if (i) {
        join(m, i - 1);
    }
}

void map_protect(struct map *m, u64 start, u64 end, u8 prot)
{
    split(m, start);
    split(m, end);
    size_t first = map_find(m, start), i = first;
    for (; i < m->n && m->v[i].start < end; i++) {
        m->v[i].prot = prot;
    }
    for (; i > first; i--) {
        join(m, i - 1);
    }
    if (first) {
        join(m, first - 1);
    }
}

bool map_covered(const struct map *m, u64 start, u64 end)
{
    for (size_t i = map_find(m, start); i < m->n && m->v[i].start <= start; i++) {
        start = m->v[i].end;
        if (start >= end) {
            return true;
        }
    }
    return start >= end;
}

bool map_free(const struct map *m, u64 start, u64 end)
{
    size_t i = map_find(m, start);
    return i == m->n || m->v[i].start >= end;
}

bool map_any(const struct map *m, u64 start, u64 end, u8 prot)
{
    for (size_t i = map_find(m, start); i < m->n && m->v[i].start < end; i++) {
        if (m->v[i].prot & prot) {
            return true;
        }
    }
    return false;
}

u64 map_place(const struct map *m, u64 n, u64 low, u64 high, u64 align)
{
    size_t i = map_find(m, high); /* ranges below i end at or below high */
    if (i < m->n && m->v[i].start < high) {
        high = m->v[i].start;
    }
    for (;;) {
        u64 floor = i ? MAX(m->v[i - 1].end, low) : low;
        if (high >= n && high > floor) {
            u64 at = align_down(high - n, align);
            if (at >= floor && at + n <= high) {
                return at;
            }
        }
        if (!i || m->v[i - 1].start <= low) {
            return 0;
        }
        high = m->v[--i].start;
    }
}
