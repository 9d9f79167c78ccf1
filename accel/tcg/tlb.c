/* The soft TLB: contexts tagged by the target's key, so that switching address spaces swaps pointers; their fill, their
 * flush (also from other threads), and the jump caches that hang off them.
 *
 * Translated code reads tags and addends without locks. The owner writes entries under its tlb_lock; another vcpu that
 * flushes takes the same lock and only ever stores TLB_EMPTY into tags. A walk that began before a flush is noticed by
 * flush_gen and redone. After a flush touched an entry of a vcpu that runs, the flusher waits for its next safe point:
 * then no access made with the old translation is in flight. */
#include <string.h>

#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"
#include "base/log.h"

#define TLB_EMPTY (~0ull)
#define PAGE_MASK (~(u64)((1u << TLB_PAGE_BITS) - 1))

/* -- contexts --------------------------------------------------------------------------------------------- */

/* Only tags: another thread may stand between the comparison and the use of what lies beside them. */
static void entry_drop(struct tlb_entry *e)
{
    __atomic_store_n(&e->rd, TLB_EMPTY, __ATOMIC_RELAXED);
    __atomic_store_n(&e->wr, TLB_EMPTY, __ATOMIC_RELAXED);
}

static void context_clear(struct tlb_context *c)
{
    for (unsigned i = 0; i < c->size; i++) {
        entry_drop(&c->e[i]);
    }
    for (unsigned i = 0; i < FETCH_CACHE; i++) {
        __atomic_store_n(&c->fetch[i].va, TLB_EMPTY, __ATOMIC_RELAXED);
    }
    c->filled = 0;
    c->nlarge = 0;
    for (unsigned i = 0; i < JC_PER_CONTEXT; i++) {
        if (c->jc[i].e && c->jc[i].touched) {
            jc_clear(c->jc[i].e, 0, JC_SIZE);
            /* `touched` stays: its owner may be filling it just now. */
        }
    }
}

static void context_alloc(struct tlb_context *c, unsigned size)
{
    size_t bytes = sizeof(struct tlb_head) + size * sizeof(struct tlb_entry);
    c->mem = aligned_alloc(64, align_up(bytes + 32, 64));
    must(c->mem);
    c->head = (struct tlb_head *)((u8 *)c->mem + 32); /* so that the entries are 64-byte aligned */
    c->e = (struct tlb_entry *)(c->head + 1);
    c->cold = calloc(size, sizeof(*c->cold));
    must(c->cold);
    c->size = size;
    c->head->mask = (size - 1) * sizeof(struct tlb_entry);
    c->head->context = c;
}

/* Grows a context that is not the current one of any view: translated code holds no pointer to its table. */
static void context_grow(struct tlb_context *c)
{
    void *mem = c->mem;
    struct tlb_entry *e = c->e;
    struct tlb_cold *cold = c->cold;
    unsigned n = c->size;
    context_alloc(c, n * 4 > TLB_MAX_SIZE ? TLB_MAX_SIZE : n * 4);
    memset(c->e, 0xff, c->size * sizeof(*c->e));
    c->filled = 0;
    for (unsigned i = 0; i < n; i++) {
        u64 tag = e[i].rd != TLB_EMPTY ? e[i].rd : e[i].wr;
        if (tag != TLB_EMPTY) {
            unsigned k = (unsigned)(tag >> TLB_PAGE_BITS) & (c->size - 1);
            c->e[k] = e[i];
            c->cold[k] = cold[i];
            c->filled++;
        }
    }
    free(mem);
    free(cold);
}

static bool in_view(const struct tcpu *t, const struct tlb_context *c)
{
    for (unsigned v = 0; v < RT_VIEWS; v++) {
        if (t->view[v] == c) {
            return true;
        }
    }
    return false;
}

static bool key_equal(const struct mmu_key *a, const struct mmu_key *b)
{
    return a->w[0] == b->w[0] && a->w[1] == b->w[1];
}

static struct tlb_context *context_take(struct tcpu *t, const struct mmu_key *key)
{
    struct tlb_context *c = NULL;
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        struct tlb_context *k = &t->ctx[i];
        if (!k->used) {
            c = k;
            break;
        }
        if (!in_view(t, k) && (!c || k->stamp < c->stamp)) {
            c = k;
        }
    }
    if (!c->mem) {
        context_alloc(c, tcg.cfg.hostile ? 4 : TLB_MIN_SIZE);
    }
    context_clear(c);
    c->used = true;
    c->key = *key;
    return c;
}

static struct tlb_context *context_find(struct tcpu *t, const struct mmu_key *key)
{
    struct tlb_context **fast = &t->recent[(key->w[0] ^ key->w[0] >> 16 ^ key->w[0] >> 32 ^ key->w[1]) & 15];
    struct tlb_context *c = *fast;
    if (!c || !c->used || !key_equal(&c->key, key)) {
        c = NULL;
        for (unsigned i = 0; i < TLB_CONTEXTS && !c; i++) {
            if (t->ctx[i].used && key_equal(&t->ctx[i].key, key)) {
                c = &t->ctx[i];
            }
        }
        if (!c) {
            pthread_mutex_lock(&t->tlb_lock);
            c = context_take(t, key);
            pthread_mutex_unlock(&t->tlb_lock);
        }
        *fast = c;
    }
    c->stamp = ++t->stamp;
    return c;
}

static struct jc_entry *jc_of(struct tcpu *t, struct tlb_context *c)
{
    struct jc_table *free_one = &c->jc[0];
    for (unsigned i = 0; i < JC_PER_CONTEXT; i++) {
        struct jc_table *j = &c->jc[i];
        if (j->e && j->mode == t->mode) {
            j->stamp = ++t->stamp;
            j->touched = true;
            return j->e;
        }
        if (free_one->e && (!j->e || j->stamp < free_one->stamp)) {
            free_one = j;
        }
    }
    pthread_mutex_lock(&t->tlb_lock);
    if (!free_one->e) {
        free_one->e = aligned_alloc(64, JC_SIZE * sizeof(struct jc_entry));
        must(free_one->e);
        free_one->touched = true;
    }
    if (free_one->touched) {
        jc_clear(free_one->e, 0, JC_SIZE);
    }
    free_one->mode = t->mode;
    free_one->stamp = ++t->stamp;
    free_one->touched = true;
    pthread_mutex_unlock(&t->tlb_lock);
    return free_one->e;
}

void tlb_mode_changed(struct vcpu *cpu)
{
    struct tcpu *t = tcpu_of(cpu);
    u64 mode = cpu->target->mode(cpu);
    if (mode != t->mode || !cpu->rt.jc) {
        t->mode = mode;
        cpu->rt.jc = jc_of(t, t->view[0]);
    }
}

void tlb_context_changed(struct vcpu *cpu)
{
    struct tcpu *t = tcpu_of(cpu);
    struct tlb_context *old = t->view[0];
    u64 old_mode = t->mode;
    for (unsigned v = 0; v < cpu->target->views; v++) {
        struct mmu_key key;
        cpu->target->context(cpu, v, &key);
        if (t->view[v] && key_equal(&t->view[v]->key, &key)) {
            continue;
        }
        struct tlb_context *c = context_find(t, &key);
        if (c->filled * 2 > c->size && c->size < TLB_MAX_SIZE && !in_view(t, c) && !tcg.cfg.hostile) {
            pthread_mutex_lock(&t->tlb_lock);
            context_grow(c);
            pthread_mutex_unlock(&t->tlb_lock);
        }
        t->view[v] = c;
        cpu->rt.tlb[v] = c->e;
    }
    t->mode = cpu->target->mode(cpu);
    if (t->view[0] != old || t->mode != old_mode || !cpu->rt.jc) {
        cpu->rt.jc = jc_of(t, t->view[0]);
        cpu->rt.ret_sp = 0;
    }
}

bool tlb_init(struct tcpu *t)
{
    pthread_mutex_init(&t->tlb_lock, NULL);
    for (unsigned v = 0; v < RT_VIEWS; v++) { /* views the target does not use get an empty table of their own */
        struct mmu_key key = {{~0ull, v}};
        t->view[v] = context_take(t, &key);
        t->cpu->rt.tlb[v] = t->view[v]->e;
    }
    tlb_context_changed(t->cpu);
    return true;
}

void tlb_free(struct tcpu *t)
{
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        free(t->ctx[i].mem);
        free(t->ctx[i].cold);
        for (unsigned j = 0; j < JC_PER_CONTEXT; j++) {
            free(t->ctx[i].jc[j].e);
        }
    }
    pthread_mutex_destroy(&t->tlb_lock);
}

/* -- fill --------------------------------------------------------------------------------------------------- */

static void note_large(struct tlb_context *c, u64 va, u64 page_size)
{
    u64 mask = ~(page_size - 1);
    for (unsigned i = 0; i < c->nlarge; i++) {
        if ((va & c->large[i].mask) == c->large[i].va && c->large[i].mask <= mask) {
            return;
        }
    }
    if (c->nlarge == TLB_MAX_LARGE) { /* the last one grows until it covers the new page too */
        u64 m = c->large[TLB_MAX_LARGE - 1].mask & mask;
        while ((c->large[TLB_MAX_LARGE - 1].va & m) != (va & m)) {
            m <<= 1;
        }
        c->large[TLB_MAX_LARGE - 1].va = va & m;
        c->large[TLB_MAX_LARGE - 1].mask = m;
        return;
    }
    c->large[c->nlarge].va = va & mask;
    c->large[c->nlarge++].mask = mask;
}

/* Tags and cold part for a translation of the page at va. */
static void entry_make(struct tcpu *t, u64 page, enum mmu_access acc, const struct walk_result *r, struct tlb_entry *e,
                       struct tlb_cold *cold)
{
    struct vcpu *cpu = t->cpu;
    struct mem_hit hit;
    u64 pa = r->pa & PAGE_MASK;
    mem_find_as(cpu->space, pa, r->attrs, &hit);
    *cold = (struct tlb_cold){.attrs = r->attrs, .ram_off = ~0ull};
    cold->flags = (r->device ? COLD_DEVICE : 0) | (r->global ? COLD_GLOBAL : 0);
    bool whole = hit.region && hit.len >= RAM_PAGE_SIZE;
    bool slow_rd = false, slow_wr = false;
    *e = (struct tlb_entry){.rd = TLB_EMPTY, .wr = TLB_EMPTY};
    if (whole && hit.host) {
        e->addend = (u64)hit.host - page;
        cold->ram_off = ram_offset(hit.host);
        u8 *flags = ram_page_flags(cold->ram_off);
        if (!hit.writable) {
            cold->flags |= COLD_ROM;
            cold->region = hit.region;
            cold->region_off = hit.offset;
            slow_wr = true;
        } else if (r->w && !r->dirty_pending) {
            u8 had =
                __atomic_fetch_or(flags, acc == MMU_STORE ? RAM_WRITTEN | RAM_DIRTY : RAM_WRITTEN, __ATOMIC_SEQ_CST);
            slow_wr = (had & RAM_CODE) || ((had & RAM_WATCH) && acc != MMU_STORE);
            if (acc != MMU_STORE && !(had & RAM_WATCH) && !(had & RAM_DIRTY)) {
                __atomic_fetch_or(flags, RAM_DIRTY, __ATOMIC_RELAXED);
            }
        }
    } else {
        cold->flags |= COLD_MMIO;
        cold->region = whole ? hit.region : NULL; /* NULL: several regions in one page, or none: by address */
        cold->region_off = whole ? hit.offset : pa;
        slow_rd = slow_wr = true;
    }
    if (cpu->target->watch_page && cpu->target->watch_page(cpu, page)) {
        cold->flags |= COLD_WATCH;
        slow_rd = slow_wr = true;
    }
    if (r->device) { /* RAM too: tags can't tell an unaligned access from an aligned one */
        slow_rd = slow_wr = true;
    }
    if (r->r) {
        e->rd = page | (slow_rd ? TLB_SLOW : 0);
    }
    if (r->w && !r->dirty_pending) {
        e->wr = page | (slow_wr ? TLB_SLOW : 0);
    }
}

struct tlb_entry *tlb_fill(struct tcpu *t, u64 va, enum mmu_access acc, unsigned view, struct walk_result *r,
                           unsigned *idx)
{
    struct vcpu *cpu = t->cpu;
    u64 page = va & PAGE_MASK;
    for (;;) {
        u64 gen = __atomic_load_n(&t->flush_gen, __ATOMIC_ACQUIRE);
        struct tlb_context *c = t->view[view];
        memset(r, 0, sizeof(*r));
        if (!cpu->target->walk(cpu, va, acc, view, r)) {
            return NULL;
        }
        t->stat_fills++;
        pthread_mutex_lock(&t->tlb_lock);
        if (gen != t->flush_gen) {
            pthread_mutex_unlock(&t->tlb_lock);
            continue;
        }
        unsigned i = (unsigned)(va >> TLB_PAGE_BITS) & (c->size - 1);
        if (c->e[i].rd == TLB_EMPTY && c->e[i].wr == TLB_EMPTY) {
            c->filled++;
        }
        entry_make(t, page, acc, r, &c->e[i], &c->cold[i]);
        if (r->page_size > RAM_PAGE_SIZE) {
            note_large(c, va, r->page_size);
        }
        pthread_mutex_unlock(&t->tlb_lock);
        *idx = i;
        if (log_on(LOG_MMU)) {
            log_print("%s: tlb fill va %016llx pa %016llx view %u %s%s%s\n", cpu->name, (unsigned long long)page,
                      (unsigned long long)r->pa, view, r->r ? "r" : "-", r->w ? "w" : "-", r->x ? "x" : "-");
        }
        return &c->e[i];
    }
}

/* The RAM a program counter lies in; false when the fetch faults (*r says why) or is not from RAM or ROM. */
bool fetch_page(struct tcpu *t, u64 pc, u64 *ram_off, struct walk_result *r)
{
    struct vcpu *cpu = t->cpu;
    u64 page = pc & PAGE_MASK;
    unsigned i = (unsigned)(pc >> TLB_PAGE_BITS) % FETCH_CACHE;
    struct tlb_context *c = t->view[0];
    if (tcg.direct) {
        if (page >= ram_window_size() || !tcg.executable(page)) {
            return false;
        }
        c->fetch[i].ram_off = page;
        c->fetch[i].va = page;
        *ram_off = pc;
        return true;
    }
    if (c->fetch[i].va == page) {
        *ram_off = c->fetch[i].ram_off + (pc & ~PAGE_MASK);
        return true;
    }
    for (;;) {
        u64 gen = __atomic_load_n(&t->flush_gen, __ATOMIC_ACQUIRE);
        memset(r, 0, sizeof(*r));
        if (!cpu->target->walk(cpu, pc, MMU_FETCH, 0, r) || !r->x) {
            return false;
        }
        struct mem_hit hit;
        mem_find_as(cpu->space, r->pa & PAGE_MASK, r->attrs, &hit);
        if (!hit.region || !hit.host || hit.len < RAM_PAGE_SIZE) {
            r->why[3] = ~0ull; /* no memory to execute: a bus error */
            return false;
        }
        pthread_mutex_lock(&t->tlb_lock);
        bool raced = gen != t->flush_gen;
        if (!raced) {
            c->fetch[i].va = page;
            c->fetch[i].ram_off = ram_offset(hit.host);
            c->fetch_note[i] = r->note;
            if (r->page_size > RAM_PAGE_SIZE) {
                note_large(c, pc, r->page_size);
            }
        }
        pthread_mutex_unlock(&t->tlb_lock);
        if (!raced) {
            *ram_off = ram_offset(hit.host) + (pc & ~PAGE_MASK);
            return true;
        }
    }
}

/* -- flush --------------------------------------------------------------------------------------------------- */

static bool covers(const struct tlb_flush *f, u64 page)
{
    u64 m = (f->va_mask ? f->va_mask : ~0ull) & PAGE_MASK;
    u64 off = (page & m) - (f->va & m);
    return off < f->len || (((f->va & m) - (page & m)) & m) < (1u << TLB_PAGE_BITS);
}

/* Entries with an index in [first, first + n) of the page number, if they match. */
static bool drop_range(struct tlb_context *c, const struct tlb_flush *f, u64 first_page, u64 n, bool only_global)
{
    bool any = false;
    if (n > c->size) {
        n = c->size;
    }
    for (u64 k = 0; k < n; k++) {
        unsigned i = (unsigned)(first_page + k) & (c->size - 1);
        struct tlb_entry *e = &c->e[i];
        u64 tag = e->rd != TLB_EMPTY ? e->rd : e->wr;
        if (tag != TLB_EMPTY && covers(f, tag & PAGE_MASK) && (!only_global || (c->cold[i].flags & COLD_GLOBAL))) {
            entry_drop(e);
            any = true;
        }
    }
    return any;
}

static bool drop_fetch(struct tlb_context *c, const struct tlb_flush *f)
{
    bool any = false;
    for (unsigned i = 0; i < FETCH_CACHE; i++) {
        if (c->fetch[i].va != TLB_EMPTY && covers(f, c->fetch[i].va)) {
            c->fetch[i].va = TLB_EMPTY;
            any = true;
        }
    }
    return any;
}

static void drop_jumps(struct tlb_context *c, const struct tlb_flush *f)
{
    for (unsigned j = 0; j < JC_PER_CONTEXT; j++) {
        struct jc_entry *e = c->jc[j].e;
        if (!e || !c->jc[j].touched) {
            continue;
        }
        u64 pages = (f->len >> TLB_PAGE_BITS) + 2; /* the range may begin and end inside pages */
        unsigned group = (unsigned)(f->va >> TLB_PAGE_BITS) & 63;
        for (u64 g = 0; g < MIN(pages, 64); g++, group = (group + 1) & 63) {
            for (unsigned i = 0; i < 64; i++) {
                unsigned k = group << 6 | i;
                if (covers(f, e[k].pc & PAGE_MASK)) {
                    jc_clear(e, k, 1);
                }
            }
        }
    }
}

static bool context_flush(struct tlb_context *c, struct tlb_flush f, bool only_global)
{
    if (!f.len) {
        if (only_global) {
            f.va = 0;
            f.len = ~0ull;
            bool any = drop_range(c, &f, 0, c->size, true);
            any |= drop_fetch(c, &f);
            drop_jumps(c, &f);
            return any;
        }
        bool any = c->filled != 0;
        context_clear(c);
        return any;
    }
    u64 va = f.va, end = f.va + f.len;
    for (unsigned i = 0; i < c->nlarge; i++) { /* the pieces of a large page go together */
        u64 lo = c->large[i].va, size = ~c->large[i].mask + 1;
        if (lo < end && va < lo + size) {
            f.va = MIN(f.va, lo);
            u64 hi = MAX(f.va + f.len, lo + size);
            f.len = MAX(end, hi) - f.va;
        }
    }
    bool any = drop_range(c, &f, f.va >> TLB_PAGE_BITS, (f.len >> TLB_PAGE_BITS) + 2, only_global);
    any |= drop_fetch(c, &f);
    drop_jumps(c, &f);
    return any;
}

/* 0: no, 1: global entries only, 2: all. */
static int context_match(const struct tlb_context *c, const struct tlb_flush *f)
{
    bool all = true, global = true;
    for (unsigned i = 0; i < 2; i++) {
        u64 diff = (c->key.w[i] ^ f->want.w[i]) & f->mask.w[i];
        all &= diff == 0;
        global &= (diff & ~f->global_ignore.w[i]) == 0;
    }
    return all ? 2 : global && (f->global_ignore.w[0] | f->global_ignore.w[1]) ? 1 : 0;
}

static bool cpu_flush(struct tcpu *t, const struct tlb_flush *f)
{
    bool any = false;
    pthread_mutex_lock(&t->tlb_lock);
    __atomic_add_fetch(&t->flush_gen, 1, __ATOMIC_SEQ_CST);
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        struct tlb_context *c = &t->ctx[i];
        int m = c->used ? context_match(c, f) : 0;
        if (m) {
            any |= context_flush(c, *f, m == 1);
        }
    }
    t->cpu->rt.ret_sp = 0;
    pthread_mutex_unlock(&t->tlb_lock);
    return any;
}

void tlb_flush(struct vcpu *cpu, const struct tlb_flush *f)
{
    struct tcpu *self = tcpu_of(cpu);
    cpu_flush(self, f);
    if (!f->all_cpus) {
        return;
    }
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        struct tcpu *o = tcg.cpus[i];
        if (o != self && cpu_flush(o, f)) {
            wait_safe(self, o);
        }
    }
}

void tlb_flush_everything(void)
{
    struct tlb_flush f = {.all_cpus = true};
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        cpu_flush(tcg.cpus[i], &f);
    }
}

void tlb_protect_page(u64 ram_off)
{
    u64 page = ram_off & PAGE_MASK;
    for (unsigned n = 0; n < tcg.ncpus; n++) {
        struct tcpu *t = tcg.cpus[n];
        pthread_mutex_lock(&t->tlb_lock);
        for (unsigned k = 0; k < TLB_CONTEXTS; k++) {
            struct tlb_context *c = &t->ctx[k];
            for (unsigned i = 0; c->used && c->filled && i < c->size; i++) {
                if (c->cold[i].ram_off == page && c->e[i].wr != TLB_EMPTY) {
                    __atomic_store_n(&c->e[i].wr, c->e[i].wr | TLB_SLOW, __ATOMIC_SEQ_CST);
                }
            }
        }
        pthread_mutex_unlock(&t->tlb_lock);
    }
    __atomic_and_fetch(ram_page_flags(page), (u8)~RAM_WRITTEN, __ATOMIC_SEQ_CST);
}
