/* Page tables (SDM volume 3, chapter 4): 32-bit, PAE, 4-level and 5-level paging; accessed and dirty bits; access
 * rights with protection keys.
 *
 * Entries change only by compare-and-swap: when one changed meanwhile the walk starts again. Not modelled: PAT and the
 * other memory types (all memory is coherent), HLAT, shadow-stack pages. */
#include "target/i386/cpu.h"

enum {
    PTE_P = 1 << 0,
    PTE_W = 1 << 1,
    PTE_U = 1 << 2,
    PTE_A = 1 << 5,
    PTE_D = 1 << 6,
    PTE_PS = 1 << 7,
    PTE_G = 1 << 8,
};
#define PTE_NX BIT(63)

/* -- entries in memory
 * -------------------------------------------------------------------------------------------------
 */

struct entry {
    u64 pa, v;
    unsigned n; /* 4 or 8 bytes */
};

static u64 a20(const struct x86_cpu *cpu, u64 pa)
{
    return cpu->sys.a20_masked ? pa & ~BIT(20) : pa;
}

static bool entry_host(struct x86_cpu *cpu, const struct entry *e, struct mem_hit *hit)
{
    mem_find_as(cpu->vcpu.space, a20(cpu, e->pa), x86_attrs(cpu), hit);
    return hit->host && hit->len >= e->n;
}
static void entry_read(struct x86_cpu *cpu, struct entry *e)
{
    struct mem_attrs attrs = x86_attrs(cpu);
    struct mem_hit hit;
    if (!entry_host(cpu, e, &hit)) {
        if (mem_load(cpu->vcpu.space, a20(cpu, e->pa), e->n, &e->v, attrs) != MEM_OK) {
            e->v = e->n == 4 ? 0xffffffff : ~0ull; /* nobody answers */
        }
    } else if (e->n == 4) {
        e->v = __atomic_load_n((u32 *)(void *)hit.host, __ATOMIC_ACQUIRE);
    } else {
        e->v = __atomic_load_n((u64 *)(void *)hit.host, __ATOMIC_ACQUIRE);
    }
}
/* False: it is not what it was. Entries in ROM stay as they are. */
static bool entry_set(struct x86_cpu *cpu, const struct entry *e, u64 bits)
{
    struct mem_hit hit;
    if ((e->v & bits) == bits || cpu->vcpu.looking || !entry_host(cpu, e, &hit) || !hit.writable) {
        return true;
    }
    bool ok;
    if (e->n == 4) {
        u32 old = (u32)e->v;
        ok = __atomic_compare_exchange_n((u32 *)(void *)hit.host, &old, old | (u32)bits, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_SEQ_CST);
    } else {
        u64 old = e->v;
        ok = __atomic_compare_exchange_n((u64 *)(void *)hit.host, &old, old | bits, false, __ATOMIC_SEQ_CST,
                                         __ATOMIC_SEQ_CST);
    }
    if (ok) {
        mem_wrote(hit.host, e->n);
    }
    return ok;
}

/* -- formats
 * ------------------------------------------------------------------------------------------------------------
 */

struct format {
    u8 levels, n; /* bytes of an entry */
    u8 index_bits;
    bool nx, large1g, large; /* bit 63 means something; pages of 1 GiB; pages at level 2 */
    u64 reserved;            /* of every entry */
};

/* Levels count from 1, the page's. PAE's third level is in registers, and PDPTEs have rights of none. */
static void format_get(const struct x86_cpu *cpu, struct format *f)
{
    u64 above = ~MASK(x86_phys_bits(cpu));
    if (!(cpu->cr4 & CR4_PAE)) {
        *f = (struct format){.levels = 2, .n = 4, .index_bits = 10, .large = cpu->cr4 & CR4_PSE};
        return;
    }
    bool lma = x86_long(cpu), nxe = cpu->efer & EFER_NXE;
    *f = (struct format){.levels = lma ? cpu->cr4 & CR4_LA57 ? 5 : 4 : 2,
                         .n = 8,
                         .index_bits = 9,
                         .nx = nxe,
                         .large = true,
                         .large1g = lma && cpu->id.words[WORD_81_EDX] & BIT(26)};
    f->reserved = (above & MASK(52)) | (nxe ? 0 : PTE_NX) | (lma ? 0 : MASK(63) & ~MASK(52));
}

/* Bits that must be 0 in an entry of a level that maps a page (leaf) or leads on. */
static u64 reserved_bits(const struct x86_cpu *cpu, const struct format *f, unsigned level, bool leaf)
{
    if (f->n == 4) { /* PSE-36: bits 20:13 are address bits 39:32 */
        unsigned bits = MIN(x86_phys_bits(cpu), 40u);
        bool pse36 = cpu->id.words[WORD_1_EDX] & BIT(17);
        return level == 2 && leaf ? pse36 ? MASK(22) & ~MASK(13 + bits - 32) : MASK(22) & ~MASK(13) : 0;
    }
    u64 r = f->reserved;
    if (leaf && level > 1) {
        r |= MASK(12 + 9 * (level - 1)) & ~MASK(13);
    }
    if ((level == 3 && !f->large1g) || level > 3) {
        r |= PTE_PS;
    }
    return r;
}

/* -- one walk
 * -------------------------------------------------------------------------------------------------------------
 */

/* Rights along the way. */
struct rights {
    bool u, w, x;
};

static bool denied(struct x86_xlat_out *o, u32 error)
{
    o->error = error;
    return false;
}

/* What a protection key leaves of a user page's data accesses (4.6.2). */
static void key_apply(const struct x86_xlat *q, u64 entry, bool *r, bool *w)
{
    const struct x86_cpu *cpu = q->cpu;
    if (!(cpu->cr4 & CR4_PKE) || !x86_long(cpu)) {
        return;
    }
    unsigned bits = cpu->sys.pkru >> (2 * (entry >> 59 & 15)) & 3;
    if (bits & 1) {
        *r = *w = false;
    }
    if (bits & 2 && (q->user || cpu->cr0 & CR0_WP)) {
        *w = false;
    }
}

/* 4.6: rights of the access's mode to a page. */
static void rights_apply(const struct x86_xlat *q, const struct rights *t, u64 leaf, struct x86_xlat_out *o, bool *key)
{
    const struct x86_cpu *cpu = q->cpu;
    bool wp = cpu->cr0 & CR0_WP;
    if (q->user) {
        o->r = t->u;
        o->w = t->u && t->w;
        o->x = t->u && t->x;
    } else {
        bool smap = t->u && cpu->cr4 & CR4_SMAP && !q->lifted;
        o->r = !smap;
        o->w = !smap && (t->w || !wp);
        o->x = t->x && !(t->u && cpu->cr4 & CR4_SMEP);
    }
    bool r = o->r, w = o->w;
    if (t->u) {
        key_apply(q, leaf, &o->r, &o->w);
    }
    *key = !q->fetch && (q->write ? w && !o->w : r && !o->r);
}

static u64 leaf_base(const struct format *f, unsigned level, u64 e)
{
    unsigned shift = 12 + f->index_bits * (level - 1);
    if (f->n == 4) {
        return level == 1 ? e & 0xfffff000 : (e & 0xffc00000) | (e >> 13 & 0xff) << 32;
    }
    return e & MASK(52) & ~MASK(shift);
}

enum step { STEP_OK, STEP_FAULT, STEP_AGAIN };

static enum step leaf_finish(const struct x86_xlat *q, const struct format *f, const struct entry *e, unsigned level,
                             u64 va, const struct rights *t, u32 error, struct x86_xlat_out *o)
{
    bool key;
    unsigned shift = 12 + f->index_bits * (level - 1);
    rights_apply(q, t, e->v, o, &key);
    if (!(q->fetch ? o->x : q->write ? o->w : o->r)) {
        denied(o, error | PF_PRESENT | (key ? PF_KEY : 0));
        return STEP_FAULT;
    }
    if (!entry_set(q->cpu, e, PTE_A | (q->write ? PTE_D : 0))) {
        return STEP_AGAIN;
    }
    o->dirty_pending = !(e->v & PTE_D) && !q->write;
    o->size = 1ull << shift;
    o->pa = leaf_base(f, level, e->v) | (va & MASK(shift));
    o->global = e->v & PTE_G && q->cpu->cr4 & CR4_PGE;
    return STEP_OK;
}

static enum step walk_once(const struct x86_xlat *q, const struct format *f, u64 va, u32 error, struct x86_xlat_out *o)
{
    struct x86_cpu *cpu = q->cpu;
    u64 table = cpu->cr3 & (f->n == 4 ? 0xfffff000 : MASK(52) & ~MASK(12));
    struct rights t = {true, true, true};
    if (f->n == 8 && !x86_long(cpu)) {
        u64 pdpte = cpu->sys.pdpte[va >> 30 & 3];
        if (!(pdpte & PTE_P)) {
            denied(o, error);
            return STEP_FAULT;
        }
        table = pdpte & MASK(52) & ~MASK(12);
    }
    for (unsigned level = f->levels;; level--) {
        unsigned shift = 12 + f->index_bits * (level - 1);
        struct entry e = {.pa = table + (va >> shift & MASK(f->index_bits)) * f->n, .n = f->n};
        entry_read(cpu, &e);
        if (!(e.v & PTE_P)) {
            denied(o, error);
            return STEP_FAULT;
        }
        bool leaf = level == 1 || (e.v & PTE_PS && ((level == 2 && f->large) || (level == 3 && f->large1g)));
        if (e.v & reserved_bits(cpu, f, level, leaf)) {
            denied(o, error | PF_PRESENT | PF_RESERVED);
            return STEP_FAULT;
        }
        t.u &= (e.v & PTE_U) != 0;
        t.w &= (e.v & PTE_W) != 0;
        t.x &= !(f->nx && e.v & PTE_NX);
        if (leaf) {
            return leaf_finish(q, f, &e, level, va, &t, error, o);
        }
        if (!entry_set(cpu, &e, PTE_A)) {
            return STEP_AGAIN;
        }
        table = f->n == 4 ? e.v & 0xfffff000 : e.v & MASK(52) & ~MASK(12);
    }
}

bool x86_translate_va(const struct x86_xlat *q, u64 va, struct x86_xlat_out *o)
{
    struct x86_cpu *cpu = q->cpu;
    *o = (struct x86_xlat_out){.r = true, .w = true, .x = true, .global = true, .size = 4096};
    if (!(cpu->cr0 & CR0_PG)) {
        o->pa = a20(cpu, va);
        return true;
    }
    struct format f;
    format_get(cpu, &f);
    bool tells_fetch = f.nx || cpu->cr4 & CR4_SMEP;
    u32 error = (q->write ? PF_WRITE : 0) | (q->user ? PF_USER : 0) | (q->fetch && tells_fetch ? PF_FETCH : 0);
    enum step s;
    do {
        s = walk_once(q, &f, va, error, o);
    } while (s == STEP_AGAIN);
    if (s == STEP_OK && cpu->sys.a20_masked) {
        o->pa = a20(cpu, o->pa);
        o->size = MIN(o->size, 4096ull);
    }
    return s == STEP_OK;
}
