/* Address spaces: regions by priority, flattened to a sorted array.
 *
 * Changes happen under the machine lock; lookups happen at any time, from any thread, without it. A change builds a
 * new flat view and swaps one pointer. An old view is never freed while its space lives, but its array is used again
 * some changes later; so a view carries a generation, odd while it is being rewritten, and a lookup that finds it
 * changed starts again. A lookup copies what it found and holds no pointer into a view.
 *
 * Not modelled: aliases and containers. Map another region over the same host bytes, or with the same ops. */
#include "memory/memory.h"

#include <glib.h>
#include <stdatomic.h>

#include "base/lock.h"
#include "memory/memory_priv.h"

struct flat_range {
    u64 start, last; /* last: the last byte, so that the end of the address space can be said */
    u64 off;         /* of start in the region */
    struct mem_region *region;
};

struct flat {
    unsigned gen;
    unsigned n, cap;
    struct flat *next; /* in retired or in outgrown */
    struct flat_range r[];
};

struct listener {
    void (*fn)(void *opaque);
    void *opaque;
    struct listener *next;
};

/* How many changes a view rests before its array is used again: a reader would have to sleep that long to see it. */
enum { FLAT_REST = 8 };

struct mem_space {
    char *name;
    struct mem_region *regions;          /* the newest first */
    _Atomic(struct flat *) flat;         /* what accesses see that are not secure */
    _Atomic(struct flat *) secure;       /* what the others see; NULL: the same */
    struct flat *retired, **retired_end; /* a queue */
    unsigned nretired;
    struct flat *outgrown;
    struct listener *listeners, **listeners_end;
};

/* -- building a view ------------------------------------------------------------------------------ */

static void range_insert(GArray *a, unsigned at, u64 start, u64 last, struct mem_region *r)
{
    struct flat_range n = {.start = start, .last = last, .off = start - r->base, .region = r};
    g_array_insert_val(a, at, n);
}

/* Gives the region those of its bytes that no region before it took. */
static void ranges_add(GArray *a, struct mem_region *r)
{
    u64 from = r->base, last = r->base + r->size - 1;
    for (unsigned i = 0;; i++) {
        struct flat_range *old = i < a->len ? &g_array_index(a, struct flat_range, i) : NULL;
        if (old && old->last < from) {
            continue;
        }
        if (!old || old->start > last) {
            range_insert(a, i, from, last, r);
            return;
        }
        u64 next = old->last + 1;
        if (old->start > from) {
            range_insert(a, i, from, old->start - 1, r);
            i++;
        }
        if (next == 0 || next > last) {
            return;
        }
        from = next;
    }
}

static gint by_priority(gconstpointer a, gconstpointer b)
{
    const struct mem_region *x = *(struct mem_region *const *)a, *y = *(struct mem_region *const *)b;
    return x->priority < y->priority ? 1 : x->priority > y->priority ? -1 : 0;
}

static GPtrArray *regions_sorted(const struct mem_space *s, GCompareFunc order)
{
    GPtrArray *v = g_ptr_array_new();
    for (struct mem_region *r = s->regions; r; r = r->next) {
        g_ptr_array_add(v, r);
    }
    g_ptr_array_sort(v, order); /* stable: of two equal ones the newer region is seen */
    return v;
}

static struct flat *flat_take(struct mem_space *s, unsigned need)
{
    struct flat *f = s->retired;
    if (f && s->nretired >= FLAT_REST) {
        s->retired = f->next;
        s->nretired--;
        if (!s->retired) {
            s->retired_end = &s->retired;
        }
        if (f->cap >= need) {
            return f;
        }
        f->next = s->outgrown;
        s->outgrown = f;
    }
    unsigned cap = 16;
    while (cap < need) {
        cap *= 2;
    }
    f = g_malloc0(sizeof(*f) + cap * sizeof(f->r[0]));
    f->cap = cap;
    return f;
}

static void flat_fill(struct flat *f, const GArray *a)
{
    __atomic_store_n(&f->gen, f->gen + 1, __ATOMIC_RELAXED);
    atomic_thread_fence(memory_order_release);
    for (unsigned i = 0; i < a->len; i++) {
        const struct flat_range *n = &g_array_index(a, struct flat_range, i);
        __atomic_store_n(&f->r[i].start, n->start, __ATOMIC_RELAXED);
        __atomic_store_n(&f->r[i].last, n->last, __ATOMIC_RELAXED);
        __atomic_store_n(&f->r[i].off, n->off, __ATOMIC_RELAXED);
        __atomic_store_n(&f->r[i].region, n->region, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&f->n, a->len, __ATOMIC_RELAXED);
    __atomic_store_n(&f->gen, f->gen + 1, __ATOMIC_RELEASE);
}

static void space_tell(struct mem_space *s)
{
    for (struct listener *l = s->listeners; l; l = l->next) {
        l->fn(l->opaque);
    }
}

static void flat_rest(struct mem_space *s, struct flat *old)
{
    if (old) {
        old->next = NULL;
        *s->retired_end = old;
        s->retired_end = &old->next;
        s->nretired++;
    }
}

static struct flat *view_make(struct mem_space *s, const GPtrArray *order, bool secure)
{
    GArray *a = g_array_new(FALSE, FALSE, sizeof(struct flat_range));
    for (unsigned i = 0; i < order->len; i++) {
        struct mem_region *r = order->pdata[i];
        if (secure || !r->secure_only) {
            ranges_add(a, r);
        }
    }
    struct flat *f = flat_take(s, a->len);
    flat_fill(f, a);
    g_array_free(a, TRUE);
    return f;
}

static void space_rebuild(struct mem_space *s)
{
    GPtrArray *order = regions_sorted(s, by_priority);
    bool differ = false;
    for (struct mem_region *r = s->regions; r; r = r->next) {
        differ |= r->secure_only;
    }
    struct flat *old = atomic_load_explicit(&s->flat, memory_order_relaxed);
    struct flat *old_secure = atomic_load_explicit(&s->secure, memory_order_relaxed);
    atomic_store_explicit(&s->flat, view_make(s, order, false), memory_order_release);
    atomic_store_explicit(&s->secure, differ ? view_make(s, order, true) : NULL, memory_order_release);
    g_ptr_array_free(order, TRUE);
    flat_rest(s, old);
    flat_rest(s, old_secure);
    space_tell(s);
}

/* -- spaces and their regions --------------------------------------------------------------------- */

struct mem_space *mem_space_new(const char *name)
{
    struct mem_space *s = g_new0(struct mem_space, 1);
    s->name = g_strdup(name);
    s->retired_end = &s->retired;
    s->listeners_end = &s->listeners;
    space_rebuild(s);
    return s;
}

static void flats_free(struct flat *f)
{
    while (f) {
        struct flat *next = f->next;
        g_free(f);
        f = next;
    }
}

void mem_space_free(struct mem_space *s)
{
    if (!s) {
        return;
    }
    for (struct mem_region *r = s->regions; r; r = r->next) {
        r->space = NULL;
    }
    g_free(atomic_load(&s->flat));
    g_free(atomic_load(&s->secure));
    flats_free(s->retired);
    flats_free(s->outgrown);
    for (struct listener *l = s->listeners, *next; l; l = next) {
        next = l->next;
        g_free(l);
    }
    g_free(s->name);
    g_free(s);
}

static void region_check(const struct mem_region *r, u64 base)
{
    must(r->size && base + r->size - 1 >= base);
    must(r->kind == MEM_MMIO || r->host);
    must(r->ops || r->kind == MEM_RAM || r->kind == MEM_ROM);
}

void mem_map_region(struct mem_space *s, struct mem_region *r, u64 base, int priority)
{
    must(!r->space);
    region_check(r, base);
    r->space = s;
    r->base = base;
    r->priority = priority;
    r->next = s->regions;
    s->regions = r;
    space_rebuild(s);
}

void mem_unmap_region(struct mem_region *r)
{
    if (!r->space) {
        return;
    }
    struct mem_space *s = r->space;
    struct mem_region **p = &s->regions;
    while (*p != r) {
        p = &(*p)->next;
    }
    *p = r->next;
    r->next = NULL;
    r->space = NULL;
    space_rebuild(s);
}

void mem_region_changed(struct mem_region *r)
{
    if (r->space) {
        region_check(r, r->base);
        space_rebuild(r->space);
    }
}

void mem_space_listen(struct mem_space *s, void (*fn)(void *opaque), void *opaque)
{
    struct listener *l = g_new0(struct listener, 1);
    l->fn = fn;
    l->opaque = opaque;
    *s->listeners_end = l;
    s->listeners_end = &l->next;
}

/* -- lookup ---------------------------------------------------------------------------------------- */

/* The first range whose last byte is at or behind addr; n when there is none. */
static unsigned flat_search(const struct flat *f, unsigned n, u64 addr)
{
    unsigned lo = 0, hi = n;
    while (lo < hi) {
        unsigned mid = lo + (hi - lo) / 2;
        if (__atomic_load_n(&f->r[mid].last, __ATOMIC_RELAXED) < addr) {
            lo = mid + 1;
        } else {
            hi = mid;
        }
    }
    return lo;
}

/* The range at addr, or, with a NULL region, the hole that addr lies in. */
static struct flat_range range_at(struct mem_space *s, u64 addr, bool secure)
{
    for (;;) {
        const struct flat *f = secure ? atomic_load_explicit(&s->secure, memory_order_acquire) : NULL;
        f = f ? f : atomic_load_explicit(&s->flat, memory_order_acquire);
        unsigned gen = __atomic_load_n(&f->gen, __ATOMIC_ACQUIRE);
        unsigned n = __atomic_load_n(&f->n, __ATOMIC_RELAXED);
        unsigned i = flat_search(f, n, addr);
        struct flat_range out = {.start = addr, .last = ~0ull};
        if (i < n) {
            u64 start = __atomic_load_n(&f->r[i].start, __ATOMIC_RELAXED);
            if (start <= addr) {
                out.start = start;
                out.last = __atomic_load_n(&f->r[i].last, __ATOMIC_RELAXED);
                out.off = __atomic_load_n(&f->r[i].off, __ATOMIC_RELAXED);
                out.region = __atomic_load_n(&f->r[i].region, __ATOMIC_RELAXED);
            } else {
                out.last = start - 1;
            }
        }
        atomic_thread_fence(memory_order_acquire);
        if (likely(!(gen & 1) && __atomic_load_n(&f->gen, __ATOMIC_RELAXED) == gen)) {
            return out;
        }
    }
}

static void find(struct mem_space *s, u64 addr, bool secure, struct mem_hit *out)
{
    struct flat_range f = range_at(s, addr, secure);
    u64 rest = f.last - addr;
    *out = (struct mem_hit){.region = f.region, .len = rest == ~0ull ? rest : rest + 1};
    if (f.region) {
        out->offset = f.off + (addr - f.start);
        if (region_is_direct(f.region)) {
            out->host = f.region->host + out->offset;
            out->writable = f.region->kind == MEM_RAM;
        }
    }
}

void mem_find(struct mem_space *s, u64 addr, struct mem_hit *out)
{
    find(s, addr, true, out);
}

void mem_find_as(struct mem_space *s, u64 addr, struct mem_attrs a, struct mem_hit *out)
{
    find(s, addr, a.secure, out);
}

/* -- `info mtree` ---------------------------------------------------------------------------------- */

static const char *kind_name(const struct mem_region *r)
{
    switch (r->kind) {
    case MEM_RAM:
        return "ram";
    case MEM_ROM:
        return "rom";
    case MEM_ROMD:
        return r->romd_reads ? "romd" : "i/o";
    case MEM_MMIO:
        break;
    }
    return "i/o";
}

static void line_print(struct buf *out, unsigned indent, u64 start, u64 last, const struct mem_region *r, u64 off)
{
    buf_printf(out, "%*s%016llx-%016llx (prio %d, %s): %s", (int)indent, "", (unsigned long long)start,
               (unsigned long long)last, r->priority, kind_name(r), r->name);
    if (off) {
        buf_printf(out, " @%016llx", (unsigned long long)off);
    }
    buf_printf(out, "%s\n", r->secure_only ? " [secure]" : "");
}

static gint by_base(gconstpointer a, gconstpointer b)
{
    const struct mem_region *x = *(struct mem_region *const *)a, *y = *(struct mem_region *const *)b;
    return x->base < y->base ? -1 : x->base > y->base ? 1 : by_priority(a, b);
}

void mem_space_print(struct mem_space *s, bool flat, struct buf *out)
{
    if (flat) {
        const struct flat *secure = atomic_load(&s->secure), *f = secure ? secure : atomic_load(&s->flat);
        buf_printf(out, "FlatView #0\n AS \"%s\", root: %s\n Root memory region: %s\n", s->name, s->name, s->name);
        for (unsigned i = 0; i < f->n; i++) {
            line_print(out, 2, f->r[i].start, f->r[i].last, f->r[i].region, f->r[i].off);
        }
        return;
    }
    buf_printf(out, "address-space: %s\n  %016x-%016llx (prio 0, i/o): %s\n", s->name, 0, ~0ull, s->name);
    GPtrArray *v = regions_sorted(s, by_base);
    for (unsigned i = 0; i < v->len; i++) {
        const struct mem_region *r = v->pdata[i];
        line_print(out, 4, r->base, r->base + r->size - 1, r, 0);
    }
    g_ptr_array_free(v, TRUE);
}
