/* Stage 1 of address translation: VMSAv8-64 (DDI 0487, chapter D8), 4K, 16K and 64K granules, 48-bit addresses,
 * hierarchical permissions, hardware access and dirty bits, PAN, WXN.
 *
 * Not modelled: 52-bit addresses (FEAT_LVA, LPA), the contiguous hint and nT (legal to ignore), small translation
 * tables. */
#include "target/arm/mmu.h"

u64 mmu_sctlr(const struct arm_cpu *cpu, enum arm_regime r)
{
    return r == REGIME_EL10 ? cpu->sr.SCTLR_EL1 : r == REGIME_EL3 ? cpu->sr.SCTLR_EL3 : cpu->sr.SCTLR_EL2;
}

u64 mmu_tcr(const struct arm_cpu *cpu, enum arm_regime r)
{
    return r == REGIME_EL10 ? cpu->sr.TCR_EL1 : r == REGIME_EL3 ? cpu->sr.TCR_EL3 : cpu->sr.TCR_EL2;
}

static u64 ttbr_of(const struct arm_cpu *cpu, enum arm_regime r, bool high)
{
    switch (r) {
    case REGIME_EL10:
        return high ? cpu->sr.TTBR1_EL1 : cpu->sr.TTBR0_EL1;
    case REGIME_EL20:
        return high ? cpu->sr.TTBR1_EL2 : cpu->sr.TTBR0_EL2;
    case REGIME_EL2:
        return cpu->sr.TTBR0_EL2;
    default:
        return cpu->sr.TTBR0_EL3;
    }
}

static u64 mair_of(const struct arm_cpu *cpu, enum arm_regime r)
{
    return r == REGIME_EL10 ? cpu->sr.MAIR_EL1 : r == REGIME_EL3 ? cpu->sr.MAIR_EL3 : cpu->sr.MAIR_EL2;
}

bool mmu_tbi(const struct arm_cpu *cpu, enum arm_regime r, u64 va, bool fetch)
{
    u64 tcr = mmu_tcr(cpu, r);
    bool tbid = fetch && arm_sys(cpu, SYS_PAUTHX);
    if (!regime_has_two_ranges(r)) {
        return tcr & TCR2_TBI && !(tbid && tcr & TCR2_TBID);
    }
    return bit(va, 55) ? tcr & TCR_TBI1 && !(tbid && tcr & TCR_TBID1) : tcr & TCR_TBI0 && !(tbid && tcr & TCR_TBID0);
}

/* TG0 and TG1 number the granules differently; a reserved value is taken as 4K. */
unsigned mmu_grain(u64 tcr, bool high)
{
    static const u8 tg0[4] = {12, 16, 14, 12}, tg1[4] = {12, 14, 12, 16};
    return high ? tg1[tcr >> 30 & 3] : tg0[tcr >> 14 & 3];
}

unsigned mmu_pa_bits(unsigned ps)
{
    static const u8 n[8] = {32, 36, 40, 42, 44, 48, 48, 48};
    return n[ps & 7];
}

/* -- descriptors in memory ------------------------------------------------------------------------------------- */

bool desc_read(const struct xlat *q, u64 pa, bool secure, bool big_endian, u64 *desc)
{
    struct mem_attrs attrs = {.is_cpu = true, .cpu = (u8)q->cpu->vcpu.index, .secure = secure};
    struct mem_hit hit;
    mem_find_as(q->cpu->vcpu.space, pa, attrs, &hit);
    if (hit.host && hit.len >= 8) {
        *desc = __atomic_load_n((u64 *)(void *)hit.host, __ATOMIC_ACQUIRE);
    } else if (mem_load(q->cpu->vcpu.space, pa, 8, desc, attrs) != MEM_OK) {
        return false;
    }
    if (big_endian) {
        *desc = __builtin_bswap64(*desc);
    }
    return true;
}

enum desc_update desc_update(const struct xlat *q, u64 pa, bool secure, bool big_endian, u64 old, u64 new)
{
    struct mem_attrs attrs = {.is_cpu = true, .cpu = (u8)q->cpu->vcpu.index, .secure = secure};
    struct mem_hit hit;
    mem_find_as(q->cpu->vcpu.space, pa, attrs, &hit);
    if (!hit.host || !hit.writable || hit.len < 8) {
        return DESC_IMPOSSIBLE;
    }
    if (big_endian) {
        old = __builtin_bswap64(old);
        new = __builtin_bswap64(new);
    }
    if (!__atomic_compare_exchange_n((u64 *)(void *)hit.host, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
        return DESC_CHANGED;
    }
    mem_wrote(hit.host, 8);
    return DESC_UPDATED;
}

/* -- the walk ---------------------------------------------------------------------------------------------------- */

/* The parameters of one range of a regime. */
struct range {
    u64 tcr, ttbr;
    bool high, tbi;
    unsigned grain, va_bits, out_bits;
    bool epd, hpd, ha, hd, e0pd, ee;
};

static void range_get(const struct xlat *q, u64 va, struct range *g)
{
    const struct arm_cpu *cpu = q->cpu;
    u64 tcr = mmu_tcr(cpu, q->regime);
    bool two = regime_has_two_ranges(q->regime);
    *g = (struct range){.tcr = tcr, .high = two && bit(va, 55)};
    g->ttbr = ttbr_of(cpu, q->regime, g->high);
    g->tbi = mmu_tbi(cpu, q->regime, va, q->acc == MMU_FETCH);
    g->grain = mmu_grain(tcr, g->high);
    unsigned tsz = g->high ? tcr >> 16 & 63 : tcr & 63;
    g->va_bits = 64 - MIN(MAX(tsz, 16u), 39u);
    unsigned ps = two ? tcr >> 32 & 7 : tcr >> 16 & 7;
    g->out_bits = MIN(mmu_pa_bits(ps), cpu->pa_bits);
    g->epd = two && tcr & (g->high ? TCR_EPD1 : TCR_EPD0);
    g->hpd = arm_sys(cpu, SYS_HPD) && tcr & (!two ? TCR2_HPD : g->high ? TCR_HPD1 : TCR_HPD0);
    g->ha = arm_sys(cpu, SYS_HAF) && tcr & (two ? TCR_HA : TCR2_HA);
    g->hd = g->ha && arm_sys(cpu, SYS_HDBS) && tcr & (two ? TCR_HD : TCR2_HD);
    g->e0pd = two && arm_sys(cpu, SYS_E0PD) && tcr & (g->high ? TCR_E0PD1 : TCR_E0PD0);
    g->ee = mmu_sctlr(cpu, q->regime) & SCTLR_EE;
}

static bool fault(struct xlat_out *o, enum arm_fsc kind, unsigned level)
{
    o->fsc = (u8)(kind | level);
    return false;
}

/* The address must be the sign or zero extension of its significant bits. */
static bool va_in_range(const struct range *g, u64 va)
{
    unsigned top = g->tbi ? 56 : 64;
    u64 ext = bits(va, g->va_bits, top - g->va_bits);
    return g->high ? ext == MASK(top - g->va_bits) : ext == 0;
}

/* What a leaf was found to be. */
struct leaf {
    u64 desc, desc_pa; /* desc_pa: physical, after the second stage */
    u64 desc_ipa;      /* before it */
    unsigned level;
    u64 table_attrs; /* hierarchical bits 63:59 of the tables on the way, ORed */
    bool secure;     /* of the descriptor fetch */
};

/* Is there a block descriptor at this level? */
static bool block_allowed(unsigned grain, unsigned level)
{
    return level == 2 || (level == 1 && grain == 12);
}

static bool walk_tables(const struct xlat *q, const struct range *g, u64 va, struct leaf *l, struct xlat_out *o)
{
    unsigned stride = g->grain - 3;
    unsigned level = 4 - (g->va_bits - g->grain + stride - 1) / stride;
    unsigned shift = (3 - level) * stride + g->grain;
    unsigned index_bits = g->va_bits - shift;
    u64 base = g->ttbr & MASK(48) & ~MASK(MAX(index_bits + 3, 6u));
    l->secure = q->secure;
    if (base >> g->out_bits) {
        return fault(o, FSC_ADDRESS_SIZE, 0);
    }
    for (;; level++) {
        u64 at = base | bits(va, shift, index_bits) << 3, pa = at;
        if (stage2_on(q)) {
            struct xlat_out s2 = {0};
            if (!stage2_translate(q, at, true, false, &s2)) {
                *o = s2;
                return false;
            }
            pa = s2.pa;
        }
        if (!desc_read(q, pa, l->secure, g->ee, &l->desc)) {
            return fault(o, FSC_EXTERNAL_WALK, level);
        }
        u64 out = l->desc & MASK(48) & ~MASK(g->grain);
        unsigned type = l->desc & 3;
        if (!(type & 1) || (level == 3 && type != 3) || (level < 3 && type == 1 && !block_allowed(g->grain, level))) {
            return fault(o, FSC_TRANSLATION, level);
        }
        if (out >> g->out_bits) {
            return fault(o, FSC_ADDRESS_SIZE, level);
        }
        if (level == 3 || type == 1) {
            l->desc_pa = pa;
            l->desc_ipa = at;
            l->level = level;
            o->size = 1ull << shift;
            return true;
        }
        base = out;
        if (!g->hpd) {
            l->table_attrs |= l->desc;
        }
        l->secure = l->secure && !bit(l->desc, 63);
        shift -= stride;
        index_bits = stride;
    }
}

/* -- permissions (D8.4) ------------------------------------------------------------------------------------------ */

#define DESC_AP1     BIT(6) /* EL0 may */
#define DESC_AP2     BIT(7) /* read only */
#define DESC_AF      BIT(10)
#define DESC_NG      BIT(11)
#define DESC_GP      BIT(50)
#define DESC_DBM     BIT(51)
#define DESC_PXN     BIT(53)
#define DESC_UXN     BIT(54) /* XN in a regime with one privilege */
#define TABLE_PXN    BIT(59)
#define TABLE_UXN    BIT(60)
#define TABLE_NO_EL0 BIT(61)
#define TABLE_RO     BIT(62)

static void permissions(const struct xlat *q, u64 desc, u64 table, struct xlat_out *o)
{
    bool two = regime_has_two_ranges(q->regime);
    bool wxn = mmu_sctlr(q->cpu, q->regime) & SCTLR_WXN;
    bool rw = !(desc & DESC_AP2) && !(table & TABLE_RO);
    bool uxn = desc & DESC_UXN || table & TABLE_UXN;
    if (!two) {
        o->r = true;
        o->w = rw;
        o->x = !uxn && !(rw && wxn);
    } else {
        bool pxn = desc & DESC_PXN || table & TABLE_PXN;
        bool el0 = desc & DESC_AP1 && !(table & TABLE_NO_EL0);
        if (q->el0) {
            o->r = el0;
            o->w = el0 && rw;
            o->x = !uxn && !(o->w && wxn);
        } else {
            bool ok = !(q->pan && el0);
            o->r = ok;
            o->w = ok && rw;
            o->x = !pxn && !(o->w && wxn) && !(el0 && rw);
        }
    }
    if (q->secure && o->ns && q->cpu->sr.SCR_EL3 & SCR_SIF) {
        o->x = false;
    }
}

static bool allowed(enum mmu_access acc, const struct xlat_out *o)
{
    return acc == MMU_LOAD ? o->r : acc == MMU_STORE ? o->w : o->x;
}

/* Permissions of the leaf with hardware dirty state: DBM makes a read-only page writable, on the first write. */
static u64 leaf_permissions(const struct xlat *q, const struct range *g, const struct leaf *l, struct xlat_out *o)
{
    u64 desc = l->desc;
    permissions(q, desc, l->table_attrs, o);
    if (g->hd && desc & DESC_DBM && desc & DESC_AP2) {
        struct xlat_out dirty = *o;
        permissions(q, desc & ~DESC_AP2, l->table_attrs, &dirty);
        if (dirty.w && q->acc == MMU_STORE) {
            desc &= ~DESC_AP2;
            *o = dirty;
        } else if (dirty.w) {
            o->dirty_pending = true; /* the next store walks again */
        }
    }
    return desc;
}

static void leaf_attributes(const struct xlat *q, const struct leaf *l, struct xlat_out *o)
{
    u64 desc = l->desc;
    o->attr = (u8)(mair_of(q->cpu, q->regime) >> (desc >> 2 & 7) * 8);
    o->device = !(o->attr & 0xf0);
    o->sh = o->device ? 2 : desc >> 8 & 3;
    o->global = !regime_has_two_ranges(q->regime) || !(desc & DESC_NG);
    o->guarded = desc & DESC_GP && arm_sys(q->cpu, SYS_BTIX);
    o->ns = !l->secure || desc & BIT(5);
}

/* One try; *again when a descriptor changed under it. */
static bool walk_once(const struct xlat *q, const struct range *g, u64 va, struct xlat_out *o, bool *again)
{
    struct leaf l = {0};
    *o = (struct xlat_out){0};
    *again = false;
    if (!walk_tables(q, g, va, &l, o)) {
        return false;
    }
    leaf_attributes(q, &l, o);
    u64 desc = leaf_permissions(q, g, &l, o);
    if (!(desc & DESC_AF)) {
        if (!g->ha) {
            return fault(o, FSC_ACCESS_FLAG, l.level);
        }
        desc |= DESC_AF;
    }
    if (!allowed(q->acc, o)) {
        return fault(o, FSC_PERMISSION, l.level);
    }
    if (desc != l.desc && !q->no_update) {
        struct xlat_out s2 = {0}; /* the second stage must let the descriptor be written */
        if (stage2_on(q) && !stage2_translate(q, l.desc_ipa, true, true, &s2)) {
            *o = s2;
            return false;
        }
        switch (desc_update(q, l.desc_pa, l.secure, g->ee, l.desc, desc)) {
        case DESC_UPDATED:
            break;
        case DESC_CHANGED:
            *again = true;
            return false;
        case DESC_IMPOSSIBLE:
            return fault(o, FSC_HW_UPDATE, 0);
        }
    }
    o->pa = (l.desc & MASK(48) & ~(o->size - 1)) | (va & (o->size - 1));
    return true;
}

/* -- stage 1 off ------------------------------------------------------------------------------------------------- */

static bool stage1_on(const struct xlat *q)
{
    if (q->regime == REGIME_EL10 && q->cpu->hcr & (HCR_DC | HCR_TGE)) {
        return false;
    }
    return mmu_sctlr(q->cpu, q->regime) & SCTLR_M;
}

static bool flat(const struct xlat *q, u64 va, struct xlat_out *o)
{
    const struct arm_cpu *cpu = q->cpu;
    *o = (struct xlat_out){.size = 4096, .r = true, .w = true, .x = true, .global = true, .ns = !q->secure};
    u64 pa = mmu_tbi(cpu, q->regime, va, q->acc == MMU_FETCH) ? va & MASK(56) : va;
    if (pa >> cpu->pa_bits) {
        return fault(o, FSC_ADDRESS_SIZE, 0);
    }
    o->pa = pa;
    if (q->regime == REGIME_EL10 && cpu->hcr & HCR_DC) {
        o->attr = 0xff;
    } else if (q->acc == MMU_FETCH) {
        o->attr = mmu_sctlr(cpu, q->regime) & SCTLR_I ? 0xaa : 0x44;
        o->sh = 2;
    } else {
        o->device = true; /* nGnRnE */
        o->sh = 2;
    }
    return true;
}

static bool stage1(const struct xlat *q, u64 va, struct xlat_out *o)
{
    if (!stage1_on(q)) {
        return flat(q, va, o);
    }
    struct range g;
    range_get(q, va, &g);
    *o = (struct xlat_out){0};
    if (!va_in_range(&g, va) || g.epd || (g.e0pd && q->el0)) {
        return fault(o, FSC_TRANSLATION, 0);
    }
    bool again, ok;
    do {
        ok = walk_once(q, &g, va, o, &again);
    } while (again);
    return ok;
}

bool mmu_translate(const struct xlat *q, u64 va, struct xlat_out *o)
{
    if (!stage1(q, va, o)) {
        return false;
    }
    return q->only_s1 || !stage2_on(q) || stage2_translate(q, o->pa, false, q->acc == MMU_STORE, o);
}
