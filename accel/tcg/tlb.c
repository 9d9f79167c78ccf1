/* The soft TLB: contexts tagged by the target's key, so that switching address spaces swaps pointers; their fill, their
 * flush (also from other threads), and the jump caches that hang off them.
 *
 * Translated code reads tags and addends without locks. The owner writes entries under its tlb_lock; another vcpu that
 * flushes takes the same lock and only ever stores TLB_EMPTY into tags. A walk that began before a flush is noticed by
 * flush_gen and redone. After a flush touched an entry of a vcpu that runs, the flusher waits for its next safe point:
 * then no access made with the old translation is in flight. */
#include <string.h>
#include <sys/mman.h>

#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"
#include "base/clock.h"
#include "base/log.h"

#ifndef MADV_POPULATE_WRITE
#define MADV_POPULATE_WRITE 23
#endif
#define PAGE_MASK (~(u64)((1u << TLB_PAGE_BITS) - 1))

/* -- contexts --------------------------------------------------------------------------------------------- */

static void bit_note(u64 *w, unsigned i)
{
    u64 has = __atomic_load_n(&w[i / 64], __ATOMIC_RELAXED);
    if (!bit(has, i % 64)) {
        __atomic_store_n(&w[i / 64], has | BIT(i % 64), __ATOMIC_SEQ_CST);
    }
}

void jc_table_note(struct jc_table *j, u64 pc)
{
    bit_note(j->groups, jc_index(pc) / 64);
    bit_note(j->pages, jc_page_hash(pc));
}

void jc_table_clear(struct jc_table *j)
{
    if (!j->e) {
        return;
    }
    for (unsigned w = 0; w < ARRAY_LEN(j->groups); w++) {
        for (u64 m = __atomic_load_n(&j->groups[w], __ATOMIC_SEQ_CST); m; m &= m - 1) {
            jc_clear(j->e, (w * 64 + ctz64(m)) * 64, 64);
        }
        __atomic_store_n(&j->groups[w], 0, __ATOMIC_RELAXED);
    }
    for (unsigned w = 0; w < ARRAY_LEN(j->pages); w++) {
        __atomic_store_n(&j->pages[w], 0, __ATOMIC_RELAXED);
    }
}

void tlb_context_clear(struct tlb_context *c)
{
    for (unsigned w = 0; w < ARRAY_LEN(c->touched); w++) {
        for (u64 m = c->touched[w]; m; m &= m - 1) {
            unsigned first = (w * 64 + ctz64(m)) * 64;
            for (unsigned i = first; i < MIN(first + 64, c->size); i++) {
                tlb_entry_drop(&c->e[i]);
            }
        }
        c->touched[w] = 0;
    }
    for (unsigned i = 0; i < FETCH_CACHE; i++) {
        __atomic_store_n(&c->fetch[i].va, TLB_EMPTY, __ATOMIC_RELAXED);
    }
    memset(c->ran, 0, sizeof(c->ran));
    memset(c->ran_local, 0, sizeof(c->ran_local));
    memset(c->local, 0, sizeof(c->local));
    c->filled = 0;
    c->nlarge = 0;
    for (unsigned i = 0; i < JC_PER_CONTEXT; i++) {
        jc_table_clear(&c->jc[i]);
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
    memset(c->e, 0xff, size * sizeof(*c->e));
    memset(c->touched, 0, sizeof(c->touched));
    memset(c->local, 0, sizeof(c->local));
    c->size = size;
    c->filled = c->conflicts = 0;
    c->head->mask = (size - 1) * sizeof(struct tlb_entry);
    c->head->context = c;
}

static inline void touch(struct tlb_context *c, unsigned i)
{
    c->touched[i >> 12] |= 1ull << (i >> 6 & 63);
}
static inline void note_local(u64 *bits, unsigned i, bool global)
{
    bits[i / 64] = (bits[i / 64] & ~BIT(i % 64)) | (u64)!global << i % 64;
}

static unsigned least_entries(void)
{
    return tcg.cfg.hostile || tcg.direct ? HOSTILE_TLB_MIN : TLB_MIN_SIZE;
}

static unsigned most_entries(void)
{
    return tcg.cfg.hostile ? HOSTILE_TLB_MAX : TLB_MAX_SIZE;
}

/* Entries find their new places. The cpu is outside translated code, or the context in none of its views. */
static void context_grow(struct tlb_context *c)
{
    void *mem = c->mem;
    struct tlb_entry *e = c->e;
    struct tlb_cold *cold = c->cold;
    unsigned n = c->size;
    context_alloc(c, n * 4 > most_entries() ? most_entries() : n * 4);
    for (unsigned i = 0; i < n; i++) {
        u64 tag = e[i].rd != TLB_EMPTY ? e[i].rd : e[i].wr;
        if (tag != TLB_EMPTY) {
            unsigned k = (unsigned)(tag >> TLB_PAGE_BITS) & (c->size - 1);
            c->e[k] = e[i];
            c->cold[k] = cold[i];
            note_local(c->local, k, cold[i].flags & COLD_GLOBAL);
            c->filled++;
            touch(c, k);
        }
    }
    free(mem);
    free(cold);
}

/* More conflicts than entries within so short a time: each costs a walk of the guest's tables. */
#define GROW_WINDOW_NS 100000000u

static bool wants_growth(const struct tlb_context *c)
{
    return c->conflicts > c->size && c->size < most_entries();
}

/* A fill pushed another page out. */
static void count_conflict(struct tcpu *t, struct tlb_context *c)
{
    if (++c->conflicts <= c->size) {
        return;
    }
    u64 now = clock_now(CLOCK_HOST);
    if (now - c->window_ns > GROW_WINDOW_NS) {
        c->window_ns = now;
        c->conflicts = 0;
    } else if (wants_growth(c)) {
        __atomic_fetch_or(&t->cpu->rt.event, EVENT_WORK, __ATOMIC_SEQ_CST);
    } else {
        c->conflicts = 0;
    }
}

void tlb_grow(struct tcpu *t)
{
    for (unsigned v = 0; v < RT_VIEWS; v++) {
        if (wants_growth(t->view[v])) {
            pthread_mutex_lock(&t->tlb_lock);
            context_grow(t->view[v]);
            pthread_mutex_unlock(&t->tlb_lock);
        }
        t->cpu->rt.tlb[v] = t->view[v]->e;
    }
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
    tlb_context_clear(c);
    if (c->size > least_entries()) { /* that was another address space's need */
        free(c->mem);
        free(c->cold);
        c->mem = NULL;
    }
    if (!c->mem) {
        context_alloc(c, least_entries());
    }
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

/* Fresh pages, all zeros: most of a table is never touched. */
static struct jc_entry *jc_new(void)
{
    void *p = mmap(NULL, JC_SIZE * sizeof(struct jc_entry), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    must(p != MAP_FAILED);
    jc_clear(p, 0, 1);
    return p;
}

static void jc_choose(struct tcpu *t)
{
    struct tlb_context *c = t->view[0];
    struct jc_table *j = &c->jc[0];
    for (unsigned i = 0; i < JC_PER_CONTEXT; i++) {
        struct jc_table *k = &c->jc[i];
        if (k->e && k->mode == t->mode) {
            j = k;
            break;
        }
        if (j->e && (!k->e || k->stamp < j->stamp)) {
            j = k;
        }
    }
    if (!j->e || j->mode != t->mode) {
        pthread_mutex_lock(&t->tlb_lock);
        if (!j->e) {
            j->e = jc_new();
        }
        jc_table_clear(j);
        j->mode = t->mode;
        pthread_mutex_unlock(&t->tlb_lock);
    }
    j->stamp = ++t->stamp;
    t->jc = j;
    t->cpu->rt.jc = j->e;
}

void tlb_mode_changed(struct vcpu *cpu)
{
    struct tcpu *t = tcpu_of(cpu);
    u64 mode = cpu->target->mode(cpu);
    if (mode != t->mode || !cpu->rt.jc) {
        t->mode = mode;
        jc_choose(t);
        returns_forget(cpu);
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
        if (wants_growth(c) && !in_view(t, c)) {
            pthread_mutex_lock(&t->tlb_lock);
            context_grow(c);
            pthread_mutex_unlock(&t->tlb_lock);
        }
        t->view[v] = c;
        cpu->rt.tlb[v] = c->e;
    }
    t->mode = cpu->target->mode(cpu);
    if (t->view[0] != old || t->mode != old_mode || !cpu->rt.jc) {
        jc_choose(t);
        returns_forget(cpu);
    }
}

bool tlb_init(struct tcpu *t)
{
    pthread_mutex_init(&t->tlb_lock, NULL);
    if (tcg.direct) { /* one context, for its jump caches */
        struct tlb_context *c = context_take(t, &(struct mmu_key){{~0ull, 0}});
        for (unsigned v = 0; v < RT_VIEWS; v++) {
            t->view[v] = c;
        }
        tlb_mode_changed(t->cpu);
        return true;
    }
    for (unsigned v = 0; v < RT_VIEWS; v++) { /* views the target does not use get an empty table of their own */
        struct mmu_key key = {{~0ull, v}};
        t->view[v] = context_take(t, &key);
        t->cpu->rt.tlb[v] = t->view[v]->e;
    }
    tlb_context_changed(t->cpu);
    return true;
}

void tlb_forget(struct tcpu *t)
{
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        if (t->ctx[i].used) {
            tlb_context_clear(&t->ctx[i]);
            t->ctx[i].used = false;
        }
    }
    pthread_mutex_destroy(&t->tlb_lock);
}

void tlb_free(struct tcpu *t)
{
    for (unsigned i = 0; i < TLB_CONTEXTS; i++) {
        free(t->ctx[i].mem);
        free(t->ctx[i].cold);
        for (unsigned j = 0; j < JC_PER_CONTEXT; j++) {
            if (t->ctx[i].jc[j].e) {
                munmap(t->ctx[i].jc[j].e, JC_SIZE * sizeof(struct jc_entry));
            }
        }
    }
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

/* Before RAM_WRITTEN is set: who finds that flag finds this. */
static void note_writer(u64 ram_off, u64 page)
{
    u64 *w = tcg.writers + (ram_off >> RAM_PAGE_BITS), old = 0;
    u64 va = page | WRITER_MANY << 1; /* page 0 is a page */
    if (tcg.writers && __atomic_load_n(w, __ATOMIC_RELAXED) != va &&
        !__atomic_compare_exchange_n(w, &old, va, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) && old != va) {
        __atomic_store_n(w, WRITER_MANY, __ATOMIC_SEQ_CST);
    }
}

/* The first write ever to a page of a group, next to pages that were written: most likely the rest follows, and one
 * call for all costs the host far less than a fault for each. */
static void populate_ahead(u64 ram_off)
{
    enum { PAGES = 16 };
    u64 group = align_down(ram_off, PAGES * RAM_PAGE_SIZE);
    const u8 *flags = ram_page_flags(group);
    u64 some = 0;
    for (unsigned i = 0; i < PAGES; i += 8) {
        some |= ld64le(flags + i);
    }
    if (!(some & RAM_DIRTY * 0x0101010101010101) && group && ((flags[-1] | flags[PAGES]) & RAM_DIRTY)) {
        madvise(ram_base + group, PAGES * RAM_PAGE_SIZE, MADV_POPULATE_WRITE); /* advice */
    }
}

void tlb_unprotect_entry(struct tcpu *t, struct tlb_entry *e)
{
    pthread_mutex_lock(&t->tlb_lock);
    __atomic_store_n(&e->wr, TLB_EMPTY, __ATOMIC_RELAXED);
    pthread_mutex_unlock(&t->tlb_lock);
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
            u8 had = __atomic_load_n(flags, __ATOMIC_SEQ_CST);
            if (acc == MMU_STORE) {
                populate_ahead(cold->ram_off);
            }
            if (!(had & RAM_CODE)) { /* else writes ask anyway, and the next block of the page need not protect it */
                note_writer(cold->ram_off, page);
                had = __atomic_fetch_or(flags, acc == MMU_STORE ? RAM_WRITTEN | RAM_DIRTY : RAM_WRITTEN,
                                        __ATOMIC_SEQ_CST);
            }
            slow_wr = (had & (RAM_CODE | RAM_MONITOR)) || ((had & RAM_WATCH) && acc != MMU_STORE);
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
        u64 tag = c->e[i].rd != TLB_EMPTY ? c->e[i].rd : c->e[i].wr;
        if (tag == TLB_EMPTY) {
            c->filled++;
            touch(c, i);
        } else if ((tag & PAGE_MASK) != page) {
            count_conflict(t, c);
        }
        entry_make(t, page, acc, r, &c->e[i], &c->cold[i]);
        note_local(c->local, i, r->global);
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
        int note = page < ram_window_size() ? tcg.program.page_note(page) : -1;
        if (note < 0) {
            *r = (struct walk_result){.why = {0x07}}; /* as for a refused access */
            return false;
        }
        if (note) {
            cpu->target->walk(cpu, page, MMU_FETCH, 0, r); /* it may want to know that there are such pages */
        }
        c->fetch_note[i] = (u8)note;
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
            c->ran[i / 64] |= 1ull << i % 64;
            c->ran_local[i / 64] |= (u64)!r->global << i % 64;
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
