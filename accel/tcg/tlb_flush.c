/* Flushes of the soft TLB, by the owner and by other vcpus, and the protection of pages that have got code.
 *
 * The owner reads fetch caches and fills jump caches without a lock. So flush_gen is odd while a flush goes on: who
 * finds it odd, or changed afterwards, keeps nothing of what it looked up. */
#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"

#define PAGE_MASK (~(u64)((1u << TLB_PAGE_BITS) - 1))

static bool covers(const struct tlb_flush *f, u64 page)
{
    u64 m = (f->va_mask ? f->va_mask : ~0ull) & PAGE_MASK;
    u64 off = (page & m) - (f->va & m);
    return off < f->len || (((f->va & m) - (page & m)) & m) < (1u << TLB_PAGE_BITS);
}

/* Pages from the first to the last one of the range. */
static u64 range_pages(const struct tlb_flush *f)
{
    return (f->len - 1 + (f->va & ~PAGE_MASK)) / (1u << TLB_PAGE_BITS) + 1;
}

/* Entries of pages that the flush names, if they match. */
static bool drop_range(struct tlb_context *c, const struct tlb_flush *f, bool only_global)
{
    bool any = false;
    u64 n = MIN(range_pages(f), c->size);
    for (u64 k = 0; k < n; k++) {
        unsigned i = (unsigned)((f->va >> TLB_PAGE_BITS) + k) & (c->size - 1);
        struct tlb_entry *e = &c->e[i];
        u64 tag = e->rd != TLB_EMPTY ? e->rd : e->wr;
        if (tag != TLB_EMPTY && covers(f, tag & PAGE_MASK) && (!only_global || (c->cold[i].flags & COLD_GLOBAL))) {
            tlb_entry_drop(e);
            any = true;
        }
    }
    return any;
}

/* True also when code ran from there long ago: a predicted return may still lead there. */
static bool drop_fetch(struct tlb_context *c, const struct tlb_flush *f)
{
    bool any = false;
    u64 n = MIN(range_pages(f), FETCH_CACHE);
    for (u64 k = 0; k < n; k++) {
        unsigned i = (unsigned)((f->va >> TLB_PAGE_BITS) + k) % FETCH_CACHE;
        if (c->fetch[i].va != TLB_EMPTY && covers(f, c->fetch[i].va)) {
            c->fetch[i].va = TLB_EMPTY;
        }
        any |= bit(c->ran[i / 64], i % 64);
    }
    return any;
}

/* An instruction at a page's end may be of a block that reaches into the next one. */
static bool covers_code(const struct tlb_flush *f, u64 pc)
{
    enum { LONGEST = 16 };
    return covers(f, pc & PAGE_MASK) ||
           ((pc & ~PAGE_MASK) > (1u << TLB_PAGE_BITS) - LONGEST && covers(f, (pc & PAGE_MASK) + (1u << TLB_PAGE_BITS)));
}

static void drop_entries(struct jc_table *j, unsigned first, unsigned n, const struct tlb_flush *f)
{
    for (unsigned k = first; k < first + n; k++) {
        if (j->e[k].pc != jc_empty(k) && covers_code(f, j->e[k].pc)) {
            jc_clear(j->e, k, 1);
        }
    }
}

static void drop_jumps(struct tlb_context *c, const struct tlb_flush *f)
{
    u64 n = range_pages(f);
    for (unsigned t = 0; t < JC_PER_CONTEXT; t++) {
        struct jc_table *j = &c->jc[t];
        for (unsigned g = 0; j->e && n > 64 && g < JC_SIZE / 64; g++) {
            if (bit(__atomic_load_n(&j->groups[g / 64], __ATOMIC_SEQ_CST), g % 64)) {
                drop_entries(j, g * 64, 64, f);
            }
        }
        for (u64 k = 0; j->e && n <= 64 && k <= n; k++) { /* from the page before on */
            u64 page = (f->va & PAGE_MASK) + ((k - 1) << TLB_PAGE_BITS);
            unsigned h = jc_page_hash(page);
            if (bit(__atomic_load_n(&j->pages[h / 64], __ATOMIC_SEQ_CST), h % 64)) {
                drop_entries(j, jc_index(page) & ~(JC_REGION - 1), JC_REGION, f);
            }
        }
    }
}

/* All but what every address space has. */
static bool drop_local(struct tlb_context *c)
{
    bool any = false, code = false;
    for (unsigned w = 0; w < (c->size + 63) / 64; w++) {
        for (u64 m = c->local[w]; m; m &= m - 1) {
            tlb_entry_drop(&c->e[w * 64 + ctz64(m)]);
            any = true;
        }
        c->local[w] = 0;
    }
    for (unsigned w = 0; w < ARRAY_LEN(c->ran_local); w++) {
        for (u64 m = c->ran_local[w]; m; m &= m - 1) {
            __atomic_store_n(&c->fetch[w * 64 + ctz64(m)].va, TLB_EMPTY, __ATOMIC_RELAXED);
            code = true;
        }
        c->ran_local[w] = 0;
    }
    for (unsigned i = 0; code && i < JC_PER_CONTEXT; i++) {
        jc_table_clear(&c->jc[i]);
    }
    return any || code;
}

static bool context_flush(struct tlb_context *c, struct tlb_flush f, bool only_global)
{
    if (!f.len && f.keep_global && !only_global) {
        return drop_local(c);
    }
    if (!f.len) {
        if (only_global) {
            f.va = 0;
            f.len = ~0ull;
            bool any = drop_range(c, &f, true);
            any |= drop_fetch(c, &f);
            drop_jumps(c, &f);
            return any;
        }
        bool any = c->filled != 0;
        for (unsigned i = 0; i < ARRAY_LEN(c->ran); i++) {
            any |= c->ran[i] != 0;
        }
        tlb_context_clear(c);
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
    bool any = drop_range(c, &f, only_global);
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

/* Another cpu takes entries away: what passed them stays in flight until the owner's next safe point. */
static void note_taken(struct tcpu *t)
{
    __atomic_store_n(&t->taken_at, __atomic_load_n(&t->safe_count, __ATOMIC_SEQ_CST) + 1, __ATOMIC_SEQ_CST);
}

/* True: what this flushed may be in use, if the cpu runs. */
static bool cpu_flush(struct tcpu *t, const struct tlb_flush *f, bool own)
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
    __atomic_add_fetch(&t->flush_gen, 1, __ATOMIC_SEQ_CST);
    if (any && !own) {
        note_taken(t);
    }
    pthread_mutex_unlock(&t->tlb_lock);
    return any;
}

void tlb_flush(struct vcpu *cpu, const struct tlb_flush *f)
{
    struct tcpu *self = tcpu_of(cpu);
    if (cpu_flush(self, f, true)) {
        returns_forget(cpu);
    }
    if (!f->all_cpus) {
        return;
    }
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        struct tcpu *o = tcg.cpus[i];
        if (o != self && cpu_flush(o, f, false)) {
            wait_safe(self, o);
        }
    }
}

void tlb_flush_everything(void)
{
    struct tlb_flush f = {.all_cpus = true};
    struct tcpu *self = cpu_of_thread();
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        cpu_flush(tcg.cpus[i], &f, tcg.cpus[i] == self);
        __atomic_fetch_or(&tcg.cpus[i]->cpu->rt.event, EVENT_WORK, __ATOMIC_SEQ_CST);
    }
    if (self) {
        returns_forget(self->cpu);
    }
    for (unsigned i = 0; i < tcg.ncpus; i++) { /* whether or not it had an entry: a walk may have been under way */
        if (tcg.cpus[i] != self) {
            wait_safe(self, tcg.cpus[i]);
        }
    }
}

/* True when it could be written without asking. Such an entry is of RAM, so its addend tells the page: what lies beside
 * it in `cold` is not touched, for many entries are looked at. */
static bool protect_entry(struct tlb_context *c, unsigned i, u64 page)
{
    u64 wr = c->e[i].wr;
    if (wr == TLB_EMPTY || (wr & TLB_SLOW) || wr + c->e[i].addend != (u64)ram_base + page) {
        return false;
    }
    __atomic_store_n(&c->e[i].wr, wr | TLB_SLOW, __ATOMIC_SEQ_CST);
    return true;
}

static bool protect_in(struct tlb_context *c, u64 page, u64 writer)
{
    bool any = false;
    if (writer != WRITER_MANY) {
        return protect_entry(c, (unsigned)(writer >> TLB_PAGE_BITS) & (c->size - 1), page);
    }
    for (unsigned w = 0; w < ARRAY_LEN(c->touched); w++) {
        for (u64 m = c->touched[w]; m; m &= m - 1) {
            unsigned first = (w * 64 + ctz64(m)) * 64;
            for (unsigned i = first; i < MIN(first + 64, c->size); i++) {
                any |= protect_entry(c, i, page);
            }
        }
    }
    return any;
}

/* Since its last safe point another cpu took entries from it. */
static bool was_taken(const struct tcpu *t)
{
    return __atomic_load_n(&t->taken_at, __ATOMIC_SEQ_CST) == __atomic_load_n(&t->safe_count, __ATOMIC_SEQ_CST) + 1;
}

static u64 tlb_stores_in_flight(void)
{
    u64 any = 0;
    for (unsigned n = 0; n < tcg.ncpus && !tcg.direct; n++) {
        any |= (u64)was_taken(tcg.cpus[n]) << n;
    }
    return any;
}

/* The notes of who may write the page are taken first: a fill that comes behind the look at its cpu leaves new ones.
 * One protects at a time, for a second would find no note of what the first has not come to yet. */
u64 tlb_protect_page(u64 ram_off)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    u64 had = 0;
    u64 page = ram_off & PAGE_MASK, *note = tcg.writers ? tcg.writers + (ram_off >> RAM_PAGE_BITS) : NULL;
    pthread_mutex_lock(&lock);
    if (!(__atomic_fetch_and(ram_page_flags(page), (u8)~RAM_WRITTEN, __ATOMIC_SEQ_CST) & RAM_WRITTEN)) {
        had = tlb_stores_in_flight();
        pthread_mutex_unlock(&lock);
        return had;
    }
    u64 writer = note ? __atomic_exchange_n(note, 0, __ATOMIC_SEQ_CST) : WRITER_MANY;
    for (unsigned n = 0; n < tcg.ncpus; n++) {
        struct tcpu *t = tcg.cpus[n];
        pthread_mutex_lock(&t->tlb_lock);
        for (unsigned k = 0; k < TLB_CONTEXTS; k++) {
            if (t->ctx[k].used && t->ctx[k].filled && protect_in(&t->ctx[k], page, writer)) {
                had |= 1ull << n;
            }
        }
        if (had >> n & 1) {
            note_taken(t);
        } else {
            had |= (u64)was_taken(t) << n;
        }
        pthread_mutex_unlock(&t->tlb_lock);
    }
    pthread_mutex_unlock(&lock);
    return had;
}
