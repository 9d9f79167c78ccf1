/* The exclusive monitor behind load-exclusive and store-exclusive, and the 16-byte compare-and-swap.
 *
 * A load-exclusive remembers address and value; the store-exclusive is a host compare-and-swap against that value, on
 * condition that nothing broke the reservation. Breaking is by counters: RAM is divided into 64-byte granules hashed
 * to a table of versions, which every store-exclusive that succeeds, on any vcpu, advances. */
#include <string.h>

#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"

#define GRANULE_BITS 6
#define VERSIONS     65536u

static u32 versions[VERSIONS];

static u32 *version_of(u64 ram_off)
{
    return &versions[(ram_off >> GRANULE_BITS) % VERSIONS];
}

static u128 load128(const void *p)
{
    u128 x = 0;
    /* cmpxchg16b with equal operands: an atomic read of writable memory on every x86-64 host */
    return __sync_val_compare_and_swap((u128 *)p, x, x);
}

void sv_load_exclusive(struct vcpu *cpu, u64 va, void *p, unsigned n, unsigned view)
{
    struct tcpu *t = tcpu_of(cpu);
    t->excl_valid = false;
    void *host = cpu->sv->probe(cpu, va, n, MMU_LOAD, view);
    if (!host) { /* exclusives to devices: load, and let the store fail */
        cpu->sv->load(cpu, va, p, n, view);
        return;
    }
    t->excl_ram = ram_offset(host);
    t->excl_version = __atomic_load_n(version_of(t->excl_ram), __ATOMIC_ACQUIRE);
    t->excl_va = va;
    t->excl_n = (u8)n;
    switch (n) {
    case 1:
        *(u8 *)p = __atomic_load_n((u8 *)host, __ATOMIC_ACQUIRE);
        break;
    case 2:
        st16le(p, __atomic_load_n((u16 *)host, __ATOMIC_ACQUIRE));
        break;
    case 4:
        st32le(p, __atomic_load_n((u32 *)host, __ATOMIC_ACQUIRE));
        break;
    case 8:
        st64le(p, __atomic_load_n((u64 *)host, __ATOMIC_ACQUIRE));
        break;
    default: {
        void *w = cpu->sv->probe(cpu, va, n, MMU_STORE, view); /* the atomic read writes */
        if (!w) {
            cpu->sv->load(cpu, va, p, n, view);
            return;
        }
        u128 x = load128(w);
        memcpy(p, &x, 16);
    }
    }
    memcpy(&t->excl_val, p, n);
    t->excl_valid = true;
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
    bool valid = t->excl_valid && t->excl_va == va && t->excl_n == n;
    t->excl_valid = false;
    if (!valid) {
        return false;
    }
    void *host = cpu->sv->probe(cpu, va, n, MMU_STORE, view);
    if (!host || ram_offset(host) != t->excl_ram) {
        return false;
    }
    u32 *ver = version_of(t->excl_ram), seen = t->excl_version;
    /* Taking the version first makes two store-exclusives of one reservation exclude each other. */
    if (!__atomic_compare_exchange_n(ver, &seen, seen + 1, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        return false;
    }
    return swap_if_equal(host, n, &t->excl_val, p);
}

void sv_clear_exclusive(struct vcpu *cpu)
{
    tcpu_of(cpu)->excl_valid = false;
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
    memcpy(expected, &old, 16);
    return old == want;
}
