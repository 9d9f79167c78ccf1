/* The exclusive monitors behind load-exclusive and store-exclusive where a target asks for them, and the 16-byte
 * compare-and-swap. Exact: any store of another vcpu to the 64-byte granule between the two makes the store fail, also
 * one that puts the old value back. Writes of devices are seen a little late (monitor_written).
 *
 * A load-exclusive makes its page watched (RAM_MONITOR): no TLB may write it without asking, so every store to it, by
 * whomever, comes through store_begin, which ends the others' reservations of that granule and holds the monitor's
 * lock until the bytes are written. A store-exclusive checks its reservation and writes under the same lock.
 *
 * Stores in flight when the page becomes watched: on the fast path, wait_safe outlasts them; those that C code makes
 * are announced in tcpu.store_page before they look at the flag, and wait_safe outlasts those too.
 *
 * A watched page costs its writers the slow path. It stays so as long as somebody uses it for exclusives, and is
 * given up after so many stores to it without a new reservation. With one vcpu nothing is watched; nor in user mode,
 * which has no TLB: there a store that puts the old value back is not seen. */
#include <string.h>

#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"

#define GRANULE_BITS 6
#define PAGE_MASK    (~(u64)(RAM_PAGE_SIZE - 1))
/* Stores to a watched page since the last load-exclusive, until it is not watched any more. */
#define PATIENCE         32768u
#define HOSTILE_PATIENCE 8u

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER; /* reservations, and all below */
/* Pages whose watch is complete, by a hash; only these may hold reservations. */
static struct {
    u64 page; /* RAM offset | 1 */
    unsigned idle;
} ready[1024];

static unsigned slot_of(u64 ram_off)
{
    return (unsigned)(ram_off >> RAM_PAGE_BITS) % ARRAY_LEN(ready);
}
static u8 page_flags(u64 ram_off)
{
    return __atomic_load_n(ram_page_flags(ram_off), __ATOMIC_SEQ_CST);
}
static bool page_ready(u64 ram_off)
{
    return ready[slot_of(ram_off)].page == ((ram_off & PAGE_MASK) | 1) && (page_flags(ram_off) & RAM_MONITOR);
}

/* Instead of store_end when the store is yet to come. */
void store_pending(struct tcpu *t, u64 ram_off, bool watched)
{
    if (watched) {
        __atomic_store_n(&t->store_page, ram_off & PAGE_MASK, __ATOMIC_SEQ_CST);
        pthread_mutex_unlock(&lock);
    }
}

/* Ends reservations of other cpus in the bytes' granules. */
static void reservations_end(const struct tcpu *self, u64 ram_off, u64 n)
{
    u64 first = ram_off >> GRANULE_BITS, last = (ram_off + n - 1) >> GRANULE_BITS;
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        struct tcpu *o = tcg.cpus[i];
        u64 granule = o->excl_ram >> GRANULE_BITS;
        if (o != self && o->excl_valid && granule >= first && granule <= last) {
            o->excl_valid = false;
        }
    }
}

/* Nobody watches the page any more. */
static void unwatch(unsigned s)
{
    u64 page = ready[s].page & PAGE_MASK;
    ready[s].page = 0;
    reservations_end(NULL, page, RAM_PAGE_SIZE);
    __atomic_and_fetch(ram_page_flags(page), (u8)~RAM_MONITOR, __ATOMIC_SEQ_CST);
}

/* Given up when it is not used; not before the watch is complete, or who wants it might never see that. */
static void page_stored(u64 ram_off)
{
    unsigned s = slot_of(ram_off);
    if (page_ready(ram_off) && ++ready[s].idle > (tcg.cfg.hostile ? HOSTILE_PATIENCE : PATIENCE)) {
        unwatch(s);
    }
}

bool store_begin(struct tcpu *t, u64 ram_off, u64 n)
{
    __atomic_store_n(&t->store_page, ram_off & PAGE_MASK, __ATOMIC_SEQ_CST);
    if (likely(!(page_flags(ram_off) & RAM_MONITOR))) {
        return false;
    }
    __atomic_store_n(&t->store_page, NO_PAGE, __ATOMIC_RELEASE); /* the lock does it from here on */
    pthread_mutex_lock(&lock);
    reservations_end(t, ram_off, n);
    page_stored(ram_off);
    return true;
}

void store_end(struct tcpu *t, bool watched)
{
    if (watched) {
        pthread_mutex_unlock(&lock);
    }
    __atomic_store_n(&t->store_page, NO_PAGE, __ATOMIC_SEQ_CST);
}

void monitor_written(u64 ram_off, u64 n)
{
    for (u64 end = ram_off + n; ram_off < end; ram_off += n) {
        n = MIN(end - ram_off, RAM_PAGE_SIZE - (ram_off & ~PAGE_MASK));
        if (page_flags(ram_off) & RAM_MONITOR) {
            pthread_mutex_lock(&lock);
            reservations_end(NULL, ram_off, n);
            pthread_mutex_unlock(&lock);
        }
    }
}

/* -- watching ----------------------------------------------------------------------------------------------------- */

static void wait_others(struct tcpu *t, bool all, u64 page)
{
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        struct tcpu *o = tcg.cpus[i];
        if (o != t && (all || __atomic_load_n(&o->store_page, __ATOMIC_SEQ_CST) == page)) {
            wait_safe(t, o);
        }
    }
}

/* With the lock held on return when true; else the world may have changed. */
static bool page_watch(struct tcpu *t, u64 page)
{
    pthread_mutex_lock(&lock);
    if (page_ready(page)) {
        return true;
    }
    pthread_mutex_unlock(&lock);
    __atomic_fetch_or(ram_page_flags(page), RAM_MONITOR, __ATOMIC_SEQ_CST);
    tlb_protect_page(page);
    wait_others(t, true, page); /* all: who protects the same page beside us may have found the entries first */
    pthread_mutex_lock(&lock);
    unsigned s = slot_of(page);
    if (page_flags(page) & RAM_MONITOR) {
        if (ready[s].page && ready[s].page != (page | 1)) {
            unwatch(s);
        }
        ready[s].page = page | 1;
        ready[s].idle = 0;
    }
    pthread_mutex_unlock(&lock);
    return false;
}

/* A store that C code announced before it looked at the flag may still be on its way: most end by themselves at once,
 * but one through a pointer lasts until a safe point. */
static bool store_in_flight(const struct tcpu *t, u64 page)
{
    for (unsigned i = 0; i < tcg.ncpus; i++) {
        const struct tcpu *o = tcg.cpus[i];
        unsigned looks = 0;
        while (o != t && __atomic_load_n(&o->store_page, __ATOMIC_SEQ_CST) == page) {
            if (++looks == 100) {
                return true;
            }
        }
    }
    return false;
}

static void load_value(void *p, const void *host, unsigned n)
{
    switch (n) {
    case 1:
        *(u8 *)p = __atomic_load_n((const u8 *)host, __ATOMIC_ACQUIRE);
        break;
    case 2:
        st16le(p, __atomic_load_n((const u16 *)host, __ATOMIC_ACQUIRE));
        break;
    case 4:
        st32le(p, __atomic_load_n((const u32 *)host, __ATOMIC_ACQUIRE));
        break;
    default: /* 16 bytes: each half; the store-exclusive tells whether they fit */
        for (unsigned i = 0; i < n; i += 8) {
            st64le((u8 *)p + i, __atomic_load_n((const u64 *)((const u8 *)host + i), __ATOMIC_ACQUIRE));
        }
    }
}

static void reserve(struct tcpu *t, u64 va, void *p, const void *host, unsigned n)
{
    load_value(p, host, n);
    t->excl_ram = ram_offset(host);
    t->excl_va = va;
    t->excl_n = (u8)n;
    memcpy(&t->excl_val, p, n);
    t->excl_valid = true;
}

void sv_load_exclusive(struct vcpu *cpu, u64 va, void *p, unsigned n, unsigned view)
{
    struct tcpu *t = tcpu_of(cpu);
    for (;;) {
        void *host = cpu->sv->probe(cpu, va, n, MMU_LOAD, view);
        __atomic_store_n(&t->excl_valid, false, __ATOMIC_RELAXED);
        if (!host) { /* exclusives to devices: load, and let the store fail */
            cpu->sv->load(cpu, va, p, n, view);
            return;
        }
        u64 page = ram_offset(host) & PAGE_MASK;
        if (tcg.ncpus == 1 || tcg.direct) {
            reserve(t, va, p, host, n);
            return;
        }
        if (!page_watch(t, page)) {
            continue; /* the wait may have cost the translation */
        }
        bool early = store_in_flight(t, page);
        if (!early) {
            reserve(t, va, p, host, n);
            ready[slot_of(page)].idle = 0;
        }
        pthread_mutex_unlock(&lock);
        if (!early) {
            return;
        }
        wait_others(t, false, page);
    }
}

static bool swap_if_equal(void *host, unsigned n, const void *old, const void *val)
{
    switch (n) {
    case 1: {
        u8 x = *(const u8 *)old;
        return __atomic_compare_exchange_n((u8 *)host, &x, *(const u8 *)val, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    case 2: {
        u16 x = ld16le(old);
        return __atomic_compare_exchange_n((u16 *)host, &x, ld16le(val), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    case 4: {
        u32 x = ld32le(old);
        return __atomic_compare_exchange_n((u32 *)host, &x, ld32le(val), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    case 8: {
        u64 x = ld64le(old);
        return __atomic_compare_exchange_n((u64 *)host, &x, ld64le(val), false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
    default: {
        u128 a, b;
        memcpy(&a, old, 16);
        memcpy(&b, val, 16);
        return __sync_bool_compare_and_swap((u128 *)host, a, b);
    }
    }
}

bool sv_store_exclusive(struct vcpu *cpu, u64 va, const void *p, unsigned n, unsigned view)
{
    struct tcpu *t = tcpu_of(cpu);
    if (!t->excl_valid || t->excl_va != va || t->excl_n != n) {
        t->excl_valid = false;
        return false;
    }
    void *host = cpu->sv->probe(cpu, va, n, MMU_STORE, view);
    if (tcg.direct) { /* nobody ends reservations; and the access may fault and unwind, so no lock is held */
        t->excl_valid = false;
        return swap_if_equal(host, n, &t->excl_val, p);
    }
    u64 off = host ? ram_offset(host) : NO_PAGE;
    pthread_mutex_lock(&lock);
    bool ok = t->excl_valid && off == t->excl_ram && swap_if_equal(host, n, &t->excl_val, p);
    t->excl_valid = false;
    pthread_mutex_unlock(&lock);
    store_end(t, false);
    if (ok && (page_flags(off) & RAM_CODE)) {
        code_written(off, n);
    }
    return ok;
}

bool sv_cas128(struct vcpu *cpu, u64 va, union v128 *expected, const union v128 *val, unsigned view)
{
    void *host = cpu->sv->probe(cpu, va, 16, MMU_STORE, view);
    u128 old, want, new_val;
    memcpy(&want, expected, 16);
    memcpy(&new_val, val, 16);
    if (!host) {
        struct walk_result r = {0};
        cpu->rt.pc = cpu->rt.page + cpu->rt.insn_off;
        cpu->target->fault(cpu, FAULT_BUS, va, MMU_STORE, 16, view, &r);
        sv_unwind(cpu);
    }
    old = __sync_val_compare_and_swap((u128 *)host, want, new_val);
    store_end(tcpu_of(cpu), false);
    memcpy(expected, &old, 16);
    return old == want;
}
