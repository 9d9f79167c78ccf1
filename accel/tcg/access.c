/* Guest memory accesses that the inline TLB probe could not finish: misses, MMIO, page crossings, code pages, watched
 * pages, faults. The same functions serve translated code (with the host return address, whose deopt map rebuilds the
 * guest's state on a fault), the interpreter and helpers (whose state is home; rt.insn_off names the instruction). */
#include <string.h>

#include "accel/tcg/bytes.h"
#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"
#include "base/lock.h"

#define PAGE_SIZE (1u << TLB_PAGE_BITS)
#define PAGE_MASK (~(u64)(PAGE_SIZE - 1))

struct access {
    struct tcpu *t;
    u64 va;
    unsigned n, view;
    enum mmu_access acc;
    uintptr_t ra;   /* 0: state is home */
    bool unaligned; /* to the size of its values: not for device memory */
};

/* Brings the guest's state home as it was before the instruction. */
static void state_home(struct tcpu *t, uintptr_t ra)
{
    struct vcpu *cpu = t->cpu;
    if (ra) {
        struct block *b = code_at((const u8 *)ra);
        must(b);
        u32 off = tcg.host->restore(cpu->target->ir, b->map, b->map_len, (u32)((const u8 *)ra - b->code), cpu);
        cpu->rt.pc = cpu->rt.page + off;
    } else {
        cpu->rt.pc = cpu->rt.page + cpu->rt.insn_off;
    }
}

NORETURN static void access_fault(const struct access *a, enum cpu_fault kind, const struct walk_result *r)
{
    state_home(a->t, a->ra);
    if (a->t->verify) {
        verify_fault(a->t);
    }
    a->t->cpu->target->fault(a->t->cpu, kind, a->va, a->acc, a->n, a->view, r);
    sv_unwind(a->t->cpu);
}

/* The entry for a's page, filled if need be. */
static struct tlb_entry *entry_for(const struct access *a, struct tlb_cold **cold)
{
    struct tlb_context *c = a->t->view[a->view];
    unsigned i = (unsigned)(a->va >> TLB_PAGE_BITS) & (c->size - 1);
    struct tlb_entry *e = &c->e[i];
    u64 tag = a->acc == MMU_STORE ? e->wr : e->rd;
    if ((tag & ~(u64)TLB_SLOW) != (a->va & PAGE_MASK)) {
        struct walk_result r;
        e = tlb_fill(a->t, a->va, a->acc, a->view, &r, &i);
        if (!e) {
            access_fault(a, FAULT_TRANSLATION, &r);
        }
    }
    *cold = &c->cold[i];
    return e;
}

static void check_watch(const struct access *a, const struct tlb_cold *cold)
{
    struct vcpu *cpu = a->t->cpu;
    if ((cold->flags & COLD_WATCH) && cpu->target->watch_hit(cpu, a->va, a->n, a->acc)) {
        access_fault(a, FAULT_WATCH, NULL);
    }
}

static enum mem_result mmio(const struct access *a, const struct tlb_cold *cold, u64 va, unsigned n, u64 *val)
{
    u64 off = cold->region_off + (va & (PAGE_SIZE - 1));
    struct mem_attrs at = cold->attrs;
    at.is_cpu = true;
    at.cpu = (u8)a->t->cpu->index;
    if (a->acc == MMU_STORE) {
        return cold->region ? mem_region_store(cold->region, off, n, *val, at)
                            : mem_store(a->t->cpu->space, off, n, *val, at);
    }
    return cold->region ? mem_region_load(cold->region, off, n, val, at) : mem_load(a->t->cpu->space, off, n, val, at);
}

/* A store into the trace that it comes from counts for the next instruction on x86. Nothing was stored yet: the
 * instruction is done once more by the interpreter, and what follows it is translated anew. Helpers (repeated strings)
 * have no such place to begin again at. */
static bool own_code(const struct access *a, u64 off)
{
    const struct block *b = a->ra && !a->t->verify && code_near(off, a->n) ? code_at((const u8 *)a->ra) : NULL;
    if (!b) {
        return false;
    }
    u64 page = b->ram_off & PAGE_MASK, over = block_crosses(b) ? b->end - PAGE_SIZE : 0;
    return (off < page + MIN(b->end, PAGE_SIZE) && off + a->n > page + b->start) ||
           (over && off < b->ram_next + over && off + a->n > b->ram_next);
}
NORETURN static void own_code_step(const struct access *a)
{
    state_home(a->t, a->ra);
    tlb_mode_changed(a->t->cpu); /* a trace may be ahead of what its mode says */
    a->t->step = true;
    sv_unwind(a->t->cpu);
}

/* Memory has the bytes already: then the store may have been done when this was found, behind the barrier of
 * store_begin. Code that patches itself mostly writes what is there (GRUB's calls of the BIOS, four times each). */
static bool stored_already(const struct access *a, const struct tlb_entry *e, const u8 *p)
{
    u8 now[8];
    if (a->n > sizeof(now)) {
        return false; /* by more than one access */
    }
    bytes_load(now, (const u8 *)(a->va + e->addend), a->n);
    return !memcmp(now, p, a->n);
}

/* To plain RAM, with all who want to hear of it. store_end is the barrier between the bytes and the flags. */
static void ram_store(const struct access *a, struct tlb_entry *e, const struct tlb_cold *cold, const u8 *p)
{
    u64 off = cold->ram_off + (a->va & (PAGE_SIZE - 1));
    bool watched = store_begin(a->t, off, a->n);
    if (unlikely(__atomic_load_n(ram_page_flags(off), __ATOMIC_RELAXED) & RAM_CODE)) {
        bool same = stored_already(a, e, p);
        if (same || own_code(a, off)) {
            store_end(a->t, watched);
            if (same) {
                return;
            }
            own_code_step(a);
        }
    }
    bytes_store((u8 *)(a->va + e->addend), p, a->n);
    store_end(a->t, watched);
    u8 flags = __atomic_load_n(ram_page_flags(off), __ATOMIC_SEQ_CST);
    if (!(flags & RAM_DIRTY)) {
        __atomic_fetch_or(ram_page_flags(off), RAM_DIRTY, __ATOMIC_RELAXED);
    }
    if (flags & RAM_CODE) {
        code_written(off, a->n);
    } else if ((e->wr & TLB_SLOW) && !(flags & RAM_MONITOR) && !(cold->flags & (COLD_WATCH | COLD_DEVICE))) {
        tlb_unprotect_entry(a->t, e);
    }
}

/* The machine lock, if the region's device wants it. False: the map may have changed since flush_gen was `gen`. */
static bool device_lock(const struct access *a, const struct tlb_cold *cold, u64 gen, bool *locked)
{
    const struct mem_region *r = cold->region;
    *locked = r && r->ops && !r->ops->unlocked && !machine_locked();
    if (*locked) {
        machine_lock();
        if (gen != __atomic_load_n(&a->t->flush_gen, __ATOMIC_SEQ_CST)) {
            machine_unlock();
            return false;
        }
    }
    return true;
}

/* Powers of two, as aligned as they come. False: a bus error. */
static bool device_access(const struct access *a, const struct tlb_cold *cold, u8 *p)
{
    bool store = a->acc == MMU_STORE;
    for (unsigned i = 0; i < a->n;) {
        unsigned k = 8;
        u64 va = a->va + i;
        while (k > a->n - i || (k > 1 && (va & (k - 1)) && !(k == a->n))) {
            k /= 2;
        }
        u64 v = store ? ldnle(p + i, k) : 0;
        if (mmio(a, cold, va, k, &v) != MEM_OK) {
            return false;
        }
        if (!store) {
            stnle(p + i, k, v);
        }
        i += k;
    }
    return true;
}

/* Bytes inside one page. */
static void page_access(const struct access *a, u8 *p)
{
    u64 gen = __atomic_load_n(&a->t->flush_gen, __ATOMIC_SEQ_CST);
    struct tlb_cold *cold;
    struct tlb_entry *e = entry_for(a, &cold);
    check_watch(a, cold);
    bool store = a->acc == MMU_STORE;
    if (!(cold->flags & COLD_MMIO) && !(store && (cold->flags & COLD_ROM))) {
        if (store) {
            ram_store(a, e, cold, p);
        } else {
            bytes_load(p, (const u8 *)(a->va + e->addend), a->n);
        }
        return;
    }
    bool locked;
    if (!device_lock(a, cold, gen, &locked)) {
        page_access(a, p);
        return;
    }
    bool ok = device_access(a, cold, p); /* or ROM */
    if (locked) {
        machine_unlock();
    }
    if (!ok) {
        access_fault(a, FAULT_BUS, NULL);
    }
}

static void any_access(struct access a, u8 *p)
{
    unsigned first = PAGE_SIZE - (unsigned)(a.va & (PAGE_SIZE - 1));
    struct tlb_cold *cold;
    if (a.n <= first) {
        page_access(&a, p);
        return;
    }
    /* Both pages must allow it before a byte moves. */
    struct access lo = a, hi = a;
    lo.n = first;
    hi.va = a.va + first;
    hi.n = a.n - first;
    entry_for(&lo, &cold);
    entry_for(&hi, &cold);
    if (a.unaligned && (cold->flags & COLD_DEVICE)) {
        access_fault(&a, FAULT_ALIGN, NULL);
    }
    page_access(&lo, p);
    page_access(&hi, p + first);
}

static void checked_access(struct access a, u32 mo, u8 *p)
{
    unsigned align = (mo & MO_ALIGN) >> MO_ALIGN_SHIFT;
    unsigned unit = 1u << (mo & MO_SIZE);
    if (unlikely(a.va & (MASK(align)))) {
        access_fault(&a, FAULT_ALIGN, NULL);
    }
    if (unlikely((a.va & (unit - 1)) || (mo & MO_NODEV))) { /* device memory takes no such access; the fill tells */
        struct tlb_cold *cold;
        a.unaligned = true;
        entry_for(&a, &cold);
        if (cold->flags & COLD_DEVICE) {
            access_fault(&a, FAULT_ALIGN, NULL);
        }
    }
    any_access(a, p);
}

static void swap_bytes(u8 *p, u32 mo)
{
    unsigned unit = 1u << (mo & MO_SIZE);
    for (unsigned k = 0; k < mo_bytes(mo); k += unit) {
        for (unsigned i = 0; i < unit / 2; i++) {
            u8 x = p[k + i];
            p[k + i] = p[k + unit - 1 - i];
            p[k + unit - 1 - i] = x;
        }
    }
}

/* -- translated code ------------------------------------------------------------------------------------------ */

static struct access access_of(struct vcpu *cpu, u64 va, u32 mo, enum mmu_access acc, uintptr_t ra)
{
    return (struct access){
        .t = tcpu_of(cpu), .va = va, .n = mo_bytes(mo), .view = (mo & MO_VIEW) >> MO_VIEW_SHIFT, .acc = acc, .ra = ra};
}

u64 load_result(struct vcpu *cpu, u8 *buf, u32 mo)
{
    if (mo & MO_BE) {
        swap_bytes(buf, mo);
    }
    unsigned n = mo_bytes(mo);
    if (n > 8 || (mo & MO_PAIR)) {
        memcpy(cpu->rt.vtmp, buf, n);
    }
    u64 v = ldnle(buf, MIN(n, 8u));
    return mo & MO_SIGN ? (u64)sext(v, n * 8) : v;
}

static u64 slow_load(struct vcpu *cpu, u64 va, u32 mo, uintptr_t ra)
{
    u8 buf[32] __attribute__((aligned(16)));
    hostile_act(tcpu_of(cpu));
    checked_access(access_of(cpu, va, mo, MMU_LOAD, ra), mo, buf);
    return load_result(cpu, buf, mo);
}

unsigned store_bytes(const struct vcpu *cpu, u64 val, u32 mo, u8 *buf)
{
    unsigned n = mo_bytes(mo);
    if (n > 8 || (mo & MO_PAIR)) {
        memcpy(buf, cpu->rt.vtmp, n);
    } else {
        stnle(buf, n, val);
    }
    if (mo & MO_BE) {
        swap_bytes(buf, mo);
    }
    return n;
}

static void slow_store(struct vcpu *cpu, u64 va, u64 val, u32 mo, uintptr_t ra)
{
    u8 buf[32] __attribute__((aligned(16)));
    store_bytes(cpu, val, mo, buf);
    hostile_act(tcpu_of(cpu));
    checked_access(access_of(cpu, va, mo, MMU_STORE, ra), mo, buf);
}

/* The store comes after the return, and ends at the next safe point at the latest. */
static void *pointer_for_store(const struct access *a, const struct tlb_entry *e, const struct tlb_cold *cold)
{
    u64 off = cold->ram_off + (a->va & (PAGE_SIZE - 1));
    if (own_code(a, off)) {
        own_code_step(a);
    }
    store_pending(a->t, off, store_begin(a->t, off, a->n));
    u8 flags = __atomic_load_n(ram_page_flags(off), __ATOMIC_SEQ_CST);
    if (!(flags & RAM_DIRTY)) { /* who takes the flag before the store sees that one is to come */
        __atomic_fetch_or(ram_page_flags(off), RAM_DIRTY, __ATOMIC_SEQ_CST);
    }
    if (flags & RAM_CODE) {
        code_written(off, a->n);
    }
    return (void *)(a->va + e->addend);
}

static void *host_for_atomic(const struct access *a)
{
    struct tlb_cold *cold;
    struct tlb_entry *e = entry_for(a, &cold);
    check_watch(a, cold);
    if (cold->flags & (COLD_MMIO | COLD_ROM)) {
        access_fault(a, FAULT_BUS, NULL);
    }
    return pointer_for_store(a, e, cold);
}

static void *slow_atomic_ptr(struct vcpu *cpu, u64 va, u32 mo, uintptr_t ra)
{
    struct access a = access_of(cpu, va, mo, MMU_STORE, ra);
    hostile_act(a.t);
    unsigned align = (mo & MO_ALIGN) >> MO_ALIGN_SHIFT;
    if ((va & MASK(align)) || (va & (PAGE_SIZE - 1)) + a.n > PAGE_SIZE) {
        access_fault(&a, FAULT_ALIGN, NULL);
    }
    return host_for_atomic(&a);
}

const struct rt_funcs tcg_rt_funcs = {
    .load = slow_load,
    .store = slow_store,
    .atomic_ptr = slow_atomic_ptr,
    .lookup = rt_lookup,
};

/* -- the interpreter: faults unwind, so these never return false ------------------------------------------------- */

/* Raw bytes both ways: the interpreter turns big-endian values around. */
static bool interp_load(void *opaque UNUSED, struct vcpu *cpu, u64 va, u32 mo, union v128 *val)
{
    u8 buf[32] __attribute__((aligned(16)));
    checked_access(access_of(cpu, va, mo, MMU_LOAD, 0), mo, buf);
    memcpy(val, buf, mo_bytes(mo));
    return true;
}

static bool interp_store(void *opaque UNUSED, struct vcpu *cpu, u64 va, u32 mo, const union v128 *val)
{
    u8 buf[32] __attribute__((aligned(16)));
    memcpy(buf, val, mo_bytes(mo));
    checked_access(access_of(cpu, va, mo, MMU_STORE, 0), mo, buf);
    return true;
}

static u64 rmw_result(enum ir_rmw kind, u64 old, u64 v, unsigned n)
{
    i64 so = sext(old, n * 8), sv = sext(v, n * 8);
    u64 m = MASK(n * 8);
    switch (kind) {
    case RMW_ADD:
        return old + v;
    case RMW_SUB:
        return old - v;
    case RMW_AND:
        return old & v;
    case RMW_ANDN:
        return old & ~v;
    case RMW_OR:
        return old | v;
    case RMW_XOR:
        return old ^ v;
    case RMW_SWAP:
        return v;
    case RMW_SMIN:
        return so < sv ? old : v;
    case RMW_SMAX:
        return so > sv ? old : v;
    case RMW_UMIN:
        return (old & m) < (v & m) ? old : v;
    case RMW_UMAX:
        return (old & m) > (v & m) ? old : v;
    }
    return old;
}

static bool cas_at(void *p, unsigned n, u64 *expected, u64 val)
{
    switch (n) {
    case 1: {
        u8 x = (u8)*expected;
        bool ok = __atomic_compare_exchange_n((u8 *)p, &x, (u8)val, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        *expected = x;
        return ok;
    }
    case 2: {
        u16 x = (u16)*expected;
        bool ok = __atomic_compare_exchange_n((u16 *)p, &x, (u16)val, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        *expected = x;
        return ok;
    }
    case 4: {
        u32 x = (u32)*expected;
        bool ok = __atomic_compare_exchange_n((u32 *)p, &x, (u32)val, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
        *expected = x;
        return ok;
    }
    default:
        return __atomic_compare_exchange_n((u64 *)p, expected, val, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST);
    }
}

static u64 order(u64 v, u32 mo)
{
    if (mo & MO_BE) {
        swap_bytes((u8 *)&v, mo & (MO_SIZE | MO_BE));
    }
    return v;
}

static bool interp_rmw(void *opaque UNUSED, struct vcpu *cpu, u64 va, u32 mo, enum ir_rmw kind, u64 operand, u64 *old)
{
    void *p = tcg.funcs->atomic_ptr(cpu, va, mo, 0);
    unsigned n = mo_bytes(mo);
    u64 seen = 0;
    memcpy(&seen, p, n);
    while (!cas_at(p, n, &seen, order(rmw_result(kind, order(seen, mo), operand, n), mo))) {
    }
    *old = order(seen, mo);
    return true;
}

static bool interp_cas(void *opaque UNUSED, struct vcpu *cpu, u64 va, u32 mo, u64 expected, u64 val, u64 *old)
{
    void *p = tcg.funcs->atomic_ptr(cpu, va, mo, 0);
    unsigned n = mo_bytes(mo);
    u64 seen = order(expected & MASK(n * 8), mo);
    cas_at(p, n, &seen, order(val, mo));
    *old = order(seen, mo);
    return true;
}

const struct interp_mem tcg_interp_mem = {
    .load = interp_load, .store = interp_store, .rmw = interp_rmw, .cas = interp_cas};

/* -- helpers ---------------------------------------------------------------------------------------------------- */

void sv_load(struct vcpu *cpu, u64 va, void *p, unsigned n, unsigned view)
{
    any_access((struct access){.t = tcpu_of(cpu), .va = va, .n = n, .view = view, .acc = MMU_LOAD}, p);
}

void sv_store(struct vcpu *cpu, u64 va, const void *p, unsigned n, unsigned view)
{
    u8 buf[64];
    while (n) { /* page_access takes a buffer it may not change, but the type is shared with loads */
        unsigned k = MIN(n, (unsigned)sizeof(buf));
        memcpy(buf, p, k);
        any_access((struct access){.t = tcpu_of(cpu), .va = va, .n = k, .view = view, .acc = MMU_STORE}, buf);
        p = (const u8 *)p + k;
        va += k;
        n -= k;
    }
}

bool sv_is_device(struct vcpu *cpu, u64 va, enum mmu_access acc, unsigned view)
{
    struct access a = {.t = tcpu_of(cpu), .va = va, .n = 1, .view = view, .acc = acc};
    struct tlb_cold *cold;
    entry_for(&a, &cold);
    return cold->flags & COLD_DEVICE;
}

void *sv_probe(struct vcpu *cpu, u64 va, unsigned n, enum mmu_access acc, unsigned view)
{
    struct access a = {.t = tcpu_of(cpu), .va = va, .n = n, .view = view, .acc = acc};
    struct tlb_cold *cold;
    struct tlb_entry *e = entry_for(&a, &cold);
    check_watch(&a, cold);
    if ((cold->flags & COLD_MMIO) || (acc == MMU_STORE && (cold->flags & COLD_ROM))) {
        return NULL;
    }
    return acc == MMU_STORE ? pointer_for_store(&a, e, cold) : (void *)(va + e->addend);
}
