/* Stage 2 of address translation (DDI 0487, D8.2.3 and D8.4): intermediate physical to physical addresses of the
 * Non-secure EL1&0 regime, concatenated initial tables, execute-never by level (FEAT_XNX), hardware access and dirty
 * bits.
 *
 * Not modelled: FEAT_S2FWB, Secure EL2. */
#include "target/arm/mmu.h"

bool stage2_on(const struct xlat *q)
{
    return q->regime == REGIME_EL10 && !q->secure && q->cpu->hcr & (HCR_VM | HCR_DC);
}

static bool fault(struct xlat_out *o, enum arm_fsc kind, unsigned level, u64 ipa, bool for_walk)
{
    o->fsc = (u8)(kind | level);
    o->s2 = true;
    o->s1ptw = for_walk;
    o->ipa = ipa;
    return false;
}

/* The start level and shape, or false: VTCR_EL2's fields contradict each other. */
struct shape {
    unsigned grain, ipa_bits, level, shift, index_bits;
};
static bool shape_get(u64 vtcr, unsigned pa_bits, struct shape *s)
{
    unsigned sl0 = vtcr >> 6 & 3, t0sz = vtcr & 63;
    s->grain = mmu_grain(vtcr, false);
    s->ipa_bits = 64 - t0sz;
    if (sl0 == 3 || t0sz < 16 || t0sz > 39 || s->ipa_bits > MAX(pa_bits, 40u)) {
        return false;
    }
    s->level = s->grain == 12 ? 2 - sl0 : 3 - sl0;
    unsigned stride = s->grain - 3;
    s->shift = (3 - s->level) * stride + s->grain;
    if ((s->level == 0 && pa_bits < 44) || (s->grain == 14 && s->level == 1 && pa_bits < 42) ||
        (s->grain == 16 && s->level == 1 && pa_bits < 44)) {
        return false;
    }
    if (s->ipa_bits <= s->shift) {
        return false;
    }
    s->index_bits = s->ipa_bits - s->shift;
    return s->index_bits <= stride + 4; /* up to 16 tables in a row */
}

#define S2_READ  BIT(6)
#define S2_WRITE BIT(7)
#define S2_AF    BIT(10)
#define S2_DBM   BIT(51)

static bool executable(const struct xlat *q, u64 desc)
{
    unsigned xn = desc >> 53 & 3;
    if (!arm_sys(q->cpu, SYS_XNX)) {
        return !(xn & 2);
    }
    return xn == 0 || (xn == 1 && q->el0) || (xn == 3 && !q->el0);
}

/* A stage 2 MemAttr[3:0] as a byte of MAIR. */
static u8 attr_expand(unsigned a)
{
    static const u8 nibble[4] = {0, 4, 0xa, 0xf}; /* device, non-cacheable, write-through, write-back */
    return a >> 2 == 0 ? (u8)((a & 3) << 2) : (u8)(nibble[a >> 2] << 4 | nibble[a & 3 ? a & 3 : 1]);
}

static u8 weaker_nibble(u8 a, u8 b)
{
    bool nc = a == 4 || b == 4, wt = !(a & 4) || !(b & 4);
    return nc ? 4 : wt ? MIN(a, b) : a; /* the first stage's allocation hints stay */
}

static void combine(u64 desc, struct xlat_out *o)
{
    u8 s2 = attr_expand(desc >> 2 & 15);
    bool s2_device = !(s2 & 0xf0);
    if (o->device && s2_device) {
        o->attr = MIN(o->attr, s2); /* the stricter: nGnRnE is 0 */
    } else if (o->device || s2_device) {
        o->attr = o->device ? o->attr : s2;
    } else {
        o->attr = (u8)(weaker_nibble(o->attr >> 4, s2 >> 4) << 4 | weaker_nibble(o->attr & 15, s2 & 15));
    }
    o->device = o->device || s2_device;
    unsigned sh = desc >> 8 & 3;
    o->sh = o->device || o->attr == 0x44 || sh == 2 || o->sh == 2 ? 2 : sh == 3 || o->sh == 3 ? 3 : 0;
}

/* Permissions, attributes and hardware bits of a leaf. for_store: this access is a write, the walk's own included. */
static bool leaf_use(const struct xlat *q, u64 ipa, u64 desc, u64 desc_pa, unsigned level, bool for_walk,
                     bool for_store, struct xlat_out *o, bool *again)
{
    u64 vtcr = q->cpu->sr.VTCR_EL2, want = desc;
    bool ha = arm_sys(q->cpu, SYS_HAF) && vtcr & VTCR_HA, hd = ha && arm_sys(q->cpu, SYS_HDBS) && vtcr & VTCR_HD;
    bool big_endian = q->cpu->sr.SCTLR_EL2 & SCTLR_EE;
    if (!(desc & S2_AF)) {
        if (!ha) {
            return fault(o, FSC_ACCESS_FLAG, level, ipa, for_walk);
        }
        want |= S2_AF;
    }
    bool r = desc & S2_READ, w = desc & S2_WRITE, x = executable(q, desc), pending = false;
    if (!w && hd && desc & S2_DBM) {
        w = for_store;
        pending = !for_store;
        want |= for_store ? S2_WRITE : 0;
    }
    bool fetch = q->acc == MMU_FETCH && !for_walk;
    bool device_table = for_walk && q->cpu->hcr & HCR_PTW && !(desc >> 4 & 3);
    if (device_table || (fetch ? !x : for_store ? !w : !r)) {
        return fault(o, FSC_PERMISSION, level, ipa, for_walk);
    }
    if (want != desc && !q->no_update) {
        enum desc_update u = desc_update(q, desc_pa, false, big_endian, desc, want);
        *again = u == DESC_CHANGED;
        if (u != DESC_UPDATED) {
            return fault(o, FSC_HW_UPDATE, 0, ipa, for_walk);
        }
    }
    o->r &= r;
    o->w &= w || pending;
    o->x &= x;
    o->dirty_pending |= pending && o->w;
    if (!for_walk) {
        combine(desc, o);
    }
    return true;
}

static bool walk_once(const struct xlat *q, u64 ipa, bool for_walk, bool for_store, struct xlat_out *o, bool *again)
{
    const struct arm_cpu *cpu = q->cpu;
    u64 vtcr = cpu->sr.VTCR_EL2;
    struct shape s;
    *again = false;
    if (!shape_get(vtcr, cpu->pa_bits, &s) || ipa >> s.ipa_bits) {
        return fault(o, FSC_TRANSLATION, 0, ipa, for_walk);
    }
    unsigned out_bits = MIN(mmu_pa_bits(vtcr >> 16 & 7), cpu->pa_bits), level = s.level, shift = s.shift;
    u64 base = cpu->sr.VTTBR_EL2 & MASK(48) & ~MASK(s.index_bits + 3);
    unsigned index_bits = s.index_bits;
    if (base >> out_bits) {
        return fault(o, FSC_ADDRESS_SIZE, 0, ipa, for_walk);
    }
    for (;; level++) {
        u64 desc, at = base | bits(ipa, shift, index_bits) << 3;
        if (!desc_read(q, at, false, cpu->sr.SCTLR_EL2 & SCTLR_EE, &desc)) {
            return fault(o, FSC_EXTERNAL_WALK, level, ipa, for_walk);
        }
        unsigned type = desc & 3;
        bool block = level == 2 || (level == 1 && s.grain == 12);
        if (!(type & 1) || (level == 3 && type != 3) || (level < 3 && type == 1 && !block)) {
            return fault(o, FSC_TRANSLATION, level, ipa, for_walk);
        }
        u64 out = desc & MASK(48) & ~MASK(s.grain);
        if (out >> out_bits) {
            return fault(o, FSC_ADDRESS_SIZE, level, ipa, for_walk);
        }
        if (level == 3 || type == 1) {
            u64 size = 1ull << shift;
            if (!leaf_use(q, ipa, desc, at, level, for_walk, for_store, o, again)) {
                return false;
            }
            o->pa = (out & ~(size - 1)) | (ipa & (size - 1));
            o->size = o->size ? MIN(o->size, size) : size;
            return true;
        }
        base = out;
        shift -= s.grain - 3;
        index_bits = s.grain - 3;
    }
}

bool stage2_translate(const struct xlat *q, u64 ipa, bool for_walk, bool for_store, struct xlat_out *o)
{
    bool again, ok;
    struct xlat_out s1 = *o;
    do {
        *o = s1;
        ok = walk_once(q, ipa, for_walk, for_store, o, &again);
    } while (again);
    return ok;
}
