/* Address translation on page tables built in a small RAM: the permission matrix against a table written down from the
 * manual (DDI 0487, D8.4), granules and levels, faults, hardware bits, stage 2, AT, keys and invalidation. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "tests/unit/arm_bench.h"

/* -- page tables -------------------------------------------------------------------------------------------------- */

#define TABLES  (BENCH_RAM + 0x100000)
#define TABLES2 (BENCH_RAM + 0x800000)
#define LEAF    0x400ull /* AF */

static u64 next_table;

static u64 table_new(unsigned grain)
{
    next_table = align_up(next_table, 1ull << grain);
    u64 t = next_table;
    memset(bench_mem(t), 0, 1ull << grain);
    next_table += 1ull << grain;
    return t;
}

/* Makes `va` a leaf at `level` in the tree at root; tables on the way get table_bits. Returns the descriptor's address.
 */
static u64 map(u64 root, unsigned first, unsigned grain, u64 va, u64 pa, unsigned level, u64 bits_, u64 table_bits,
               unsigned va_bits)
{
    unsigned stride = grain - 3;
    u64 at = root;
    for (unsigned l = first;; l++) {
        unsigned shift = (3 - l) * stride + grain;
        unsigned n = l == first ? va_bits - shift : stride;
        u64 d = at + 8 * bits(va, shift, n);
        if (l == level) {
            *bench_mem(d) = pa | bits_ | (level == 3 ? 3 : 1);
            return d;
        }
        if (!(*bench_mem(d) & 1)) {
            *bench_mem(d) = table_new(grain) | 3 | table_bits;
        }
        at = *bench_mem(d) & MASK(48) & ~MASK(grain);
    }
}

static unsigned first_level(unsigned grain, unsigned va_bits)
{
    unsigned stride = grain - 3;
    for (unsigned l = 3;; l--) {
        if ((3 - l) * stride + grain + stride >= va_bits) {
            return l;
        }
    }
}

static u64 tg0(unsigned grain)
{
    return grain == 12 ? 0 : grain == 14 ? 2ull << 14 : 1ull << 14;
}
static u64 tg1(unsigned grain)
{
    return grain == 12 ? 2ull << 30 : grain == 14 ? 1ull << 30 : 3ull << 30;
}

#define IPS48 (5ull << 32)

/* A cpu with stage 1 of EL1&0 on, both ranges of va_bits. */
static struct arm_cpu *stage1_cpu(unsigned grain, unsigned va_bits, u64 sctlr, u64 tcr, bool el2)
{
    struct arm_cpu *cpu = bench_cpu("max", el2, false);
    next_table = TABLES;
    cpu->sr.TTBR0_EL1 = table_new(grain);
    cpu->sr.TTBR1_EL1 = table_new(grain);
    u64 t = 64 - va_bits;
    cpu->sr.TCR_EL1 = t | t << 16 | tg0(grain) | tg1(grain) | IPS48 | tcr;
    cpu->sr.MAIR_EL1 = 0x0000000000bb44ff; /* 0 write-back, 1 non-cacheable, 2 write-through, 3 device */
    cpu->sr.SCTLR_EL1 |= SCTLR_M | sctlr;
    bench_at(cpu, 1);
    return cpu;
}

static bool walk(struct arm_cpu *cpu, u64 va, enum mmu_access acc, unsigned view, struct walk_result *r)
{
    *r = (struct walk_result){0};
    return arm_walk(&cpu->vcpu, va, acc, view, r);
}

/* -- the permission matrix --------------------------------------------------------------------------------------- */

/* Data access of EL1 and EL0 by AP[2:1], D8-? "Stage 1 data access permissions". */
static const struct {
    bool r1, w1, r0, w0;
} ap_table[4] = {
    {1, 1, 0, 0},
    {1, 1, 1, 1},
    {1, 0, 0, 0},
    {1, 0, 1, 0},
};

/* Instruction access of EL1: never from memory EL0 can write; columns UXN PXN (the manual's table of AP, UXN, PXN). */
static bool exec1_table(unsigned ap, bool pxn, bool wxn)
{
    static const bool el0_writes[4] = {0, 1, 0, 0}, el1_writes[4] = {1, 1, 0, 0};
    return !pxn && !el0_writes[ap] && !(wxn && el1_writes[ap]);
}
static bool exec0_table(unsigned ap, bool uxn, bool wxn)
{
    static const bool el0_writes[4] = {0, 1, 0, 0};
    return !uxn && !(wxn && el0_writes[ap]);
}

struct combo {
    unsigned ap, uxn, pxn, wxn, pan, el, unpriv;
};

static void check_combo(struct arm_cpu *cpu, u64 desc_at, u64 va, const struct combo *c)
{
    *bench_mem(desc_at) =
        (*bench_mem(desc_at) & ~(3ull << 6 | 3ull << 53)) | (u64)c->ap << 6 | (u64)c->pxn << 53 | (u64)c->uxn << 54;
    cpu->sr.SCTLR_EL1 = (cpu->sr.SCTLR_EL1 & ~SCTLR_WXN) | (c->wxn ? SCTLR_WXN : 0);
    bench_at(cpu, c->el);
    cpu->pan = (u8)c->pan;
    bool as_el0 = c->el == 0 || c->unpriv;
    bool el0_may = c->ap & 1;
    bool blocked = c->pan && !as_el0 && el0_may;
    bool want[3];
    want[MMU_LOAD] = as_el0 ? ap_table[c->ap].r0 : ap_table[c->ap].r1 && !blocked;
    want[MMU_STORE] = as_el0 ? ap_table[c->ap].w0 : ap_table[c->ap].w1 && !blocked;
    want[MMU_FETCH] = as_el0 ? exec0_table(c->ap, c->uxn, c->wxn) : exec1_table(c->ap, c->pxn, c->wxn);
    for (unsigned acc = 0; acc < 3; acc++) {
        struct walk_result r;
        if (acc == MMU_FETCH && c->unpriv) {
            continue;
        }
        bool ok = walk(cpu, va, acc, c->unpriv ? ARM_VIEW_UNPRIV : ARM_VIEW_NORMAL, &r);
        if (ok != want[acc]) {
            fail_msg("AP %u UXN %u PXN %u WXN %u PAN %u EL%u unpriv %u access %u: %d", c->ap, c->uxn, c->pxn, c->wxn,
                     c->pan, c->el, c->unpriv, acc, ok);
        }
        if (ok) {
            assert_int_equal(r.r, want[MMU_LOAD]);
            assert_int_equal(r.w, want[MMU_STORE]);
            assert_int_equal(r.x, want[MMU_FETCH]);
        } else {
            assert_int_equal(r.why[0], 0xf); /* permission fault, level 3 */
        }
    }
}

static void permission_matrix(void **state)
{
    (void)state;
    struct arm_cpu *cpu = stage1_cpu(12, 48, 0, 0, false);
    u64 va = 0x12345000, d = map(cpu->sr.TTBR0_EL1, 0, 12, va, 0x5000, 3, LEAF, 0, 48);
    for (unsigned i = 0; i < 4 * 2 * 2 * 2 * 2 * 3; i++) {
        unsigned who = i >> 6;
        struct combo c = {i & 3, i >> 2 & 1, i >> 3 & 1, i >> 4 & 1, i >> 5 & 1, who != 0, who == 2};
        check_combo(cpu, d, va, &c);
    }
    /* UAO makes the unprivileged view the normal one */
    *bench_mem(d) &= ~(3ull << 6);
    bench_at(cpu, 1);
    cpu->uao = 1;
    struct walk_result r;
    assert_true(walk(cpu, va, MMU_STORE, ARM_VIEW_UNPRIV, &r));
}

/* Tables restrict what lies below them, unless TCR.HPD0 says otherwise. */
static void hierarchical_permissions(void **state)
{
    (void)state;
    static const struct {
        u64 table;
        bool r0, w0, x0, r1, w1, x1; /* of a page with AP 01, or for x1 AP 10 */
    } t[] = {
        {0, 1, 1, 1, 1, 1, 1},          {BIT(61), 0, 0, 1, 1, 1, 1}, {BIT(62), 1, 0, 1, 1, 0, 1},
        {3ull << 61, 0, 0, 1, 1, 0, 1}, {BIT(60), 1, 1, 0, 1, 1, 1}, {BIT(59), 1, 1, 1, 1, 1, 0},
    };
    for (unsigned i = 0; i < ARRAY_LEN(t); i++) {
        for (unsigned hpd = 0; hpd < 2; hpd++) {
            struct arm_cpu *cpu = stage1_cpu(12, 48, 0, hpd ? TCR_HPD0 : 0, false);
            struct walk_result r;
            u64 va = 0x7654000, d = map(cpu->sr.TTBR0_EL1, 0, 12, va, 0x5000, 3, LEAF | 1 << 6, t[i].table, 48);
            bench_at(cpu, 0);
            assert_int_equal(walk(cpu, va, MMU_LOAD, 0, &r), hpd || t[i].r0);
            assert_int_equal(walk(cpu, va, MMU_STORE, 0, &r), hpd || t[i].w0);
            assert_int_equal(walk(cpu, va, MMU_FETCH, 0, &r), hpd || t[i].x0);
            bench_at(cpu, 1);
            assert_int_equal(walk(cpu, va, MMU_LOAD, 0, &r), hpd || t[i].r1);
            assert_int_equal(walk(cpu, va, MMU_STORE, 0, &r), hpd || t[i].w1);
            *bench_mem(d) = (*bench_mem(d) & ~(3ull << 6)) | 2ull << 6;
            assert_int_equal(walk(cpu, va, MMU_FETCH, 0, &r), hpd || t[i].x1);
        }
    }
}

/* -- granules, levels, addresses --------------------------------------------------------------------------------- */

static void granules_and_levels(void **state)
{
    (void)state;
    static const unsigned grains[] = {12, 14, 16};
    for (unsigned g = 0; g < 3; g++) {
        for (unsigned va_bits = 25; va_bits <= 48; va_bits++) {
            unsigned grain = grains[g], first = first_level(grain, va_bits);
            for (unsigned level = first; level <= 3; level++) {
                struct arm_cpu *cpu = stage1_cpu(grain, va_bits, 0, 0, false);
                unsigned shift = (3 - level) * (grain - 3) + grain;
                bool leaf_ok = level == 3 || level == 2 || (level == 1 && grain == 12);
                u64 low = 0x00006eadbeef1234ull & MASK(va_bits), high = low | ~MASK(va_bits);
                u64 pa = 0x0000123456789000ull & ~MASK(shift) & MASK(48);
                struct walk_result r;
                map(cpu->sr.TTBR0_EL1, first, grain, low, pa, level, LEAF, 0, va_bits);
                map(cpu->sr.TTBR1_EL1, first, grain, high, pa, level, LEAF | BIT(11), 0, va_bits);
                for (unsigned up = 0; up < 2; up++) {
                    u64 va = up ? high : low;
                    bool ok = walk(cpu, va, MMU_LOAD, 0, &r);
                    assert_int_equal(ok, leaf_ok);
                    if (ok) {
                        assert_int_equal(r.pa, pa | (va & MASK(shift)));
                        assert_int_equal(r.page_size, 1ull << shift);
                        assert_int_equal(r.global, !up);
                    } else {
                        assert_int_equal(r.why[0], 4 | level);
                    }
                }
                /* nothing mapped: the fault is of the first level that says so */
                if (shift < va_bits - 1) {
                    assert_false(walk(cpu, low ^ 1ull << shift, MMU_LOAD, 0, &r));
                    assert_int_equal(r.why[0], 4 | level);
                }
                /* outside the range */
                if (va_bits < 48) {
                    assert_false(walk(cpu, 1ull << va_bits, MMU_LOAD, 0, &r));
                    assert_int_equal(r.why[0], 4);
                    assert_false(walk(cpu, ~(1ull << va_bits), MMU_LOAD, 0, &r));
                    assert_int_equal(r.why[0], 4);
                }
            }
        }
    }
}

static void tags_and_disabled_walks(void **state)
{
    (void)state;
    struct arm_cpu *cpu = stage1_cpu(12, 39, 0, 0, false);
    u64 va = 0x1234000;
    struct walk_result r;
    map(cpu->sr.TTBR0_EL1, 1, 12, va, 0x5000, 3, LEAF | 1 << 6, 0, 39);
    assert_false(walk(cpu, va | 0x5aull << 56, MMU_LOAD, 0, &r));
    cpu->sr.TCR_EL1 |= TCR_TBI0;
    bench_at(cpu, 1);
    assert_true(walk(cpu, va | 0x5aull << 56, MMU_LOAD, 0, &r));
    assert_true(walk(cpu, va | 0x5aull << 56, MMU_FETCH, 0, &r) == false); /* EL0-writable: not for EL1 */
    bench_at(cpu, 0);
    assert_true(walk(cpu, va | 0x5aull << 56, MMU_FETCH, 0, &r));
    cpu->sr.TCR_EL1 |= TCR_TBID0;
    bench_at(cpu, 0);
    assert_false(walk(cpu, va | 0x5aull << 56, MMU_FETCH, 0, &r));
    assert_true(walk(cpu, va | 0x5aull << 56, MMU_LOAD, 0, &r));
    cpu->sr.TCR_EL1 |= TCR_E0PD0;
    bench_at(cpu, 0);
    assert_false(walk(cpu, va, MMU_LOAD, 0, &r));
    assert_int_equal(r.why[0], 4);
    bench_at(cpu, 1);
    assert_true(walk(cpu, va, MMU_LOAD, 0, &r));
    cpu->sr.TCR_EL1 |= TCR_EPD0;
    bench_at(cpu, 1);
    assert_false(walk(cpu, va, MMU_LOAD, 0, &r));
    assert_int_equal(r.why[0], 4);
}

static void address_size_and_external(void **state)
{
    (void)state;
    struct arm_cpu *cpu = stage1_cpu(12, 48, 0, 0, false);
    struct walk_result r;
    u64 va = 0x1234000;
    cpu->sr.TCR_EL1 = (cpu->sr.TCR_EL1 & ~(7ull << 32)) | 1ull << 32; /* 36 bits out */
    map(cpu->sr.TTBR0_EL1, 0, 12, va, 1ull << 36, 3, LEAF, 0, 48);
    assert_false(walk(cpu, va, MMU_LOAD, 0, &r));
    assert_int_equal(r.why[0], 3);
    *bench_mem(cpu->sr.TTBR0_EL1) = 1ull << 40 | 3;
    assert_false(walk(cpu, va, MMU_LOAD, 0, &r));
    assert_int_equal(r.why[0], 0);
    *bench_mem(cpu->sr.TTBR0_EL1) = 0x1000 | 3; /* no memory there */
    assert_false(walk(cpu, va, MMU_LOAD, 0, &r));
    assert_int_equal(r.why[0], 0x15);
    cpu->sr.TTBR0_EL1 = 1ull << 40;
    assert_false(walk(cpu, va, MMU_LOAD, 0, &r));
    assert_int_equal(r.why[0], 0);
    cpu->sr.SCTLR_EL1 &= ~SCTLR_M;
    bench_at(cpu, 1);
    assert_true(walk(cpu, va, MMU_LOAD, 0, &r));
    assert_int_equal(r.pa, va);
    assert_true(!r.device && (arm_mode(&cpu->vcpu) & MODE_ALIGN)); /* data is Device memory: traces check */
    assert_true(walk(cpu, va, MMU_FETCH, 0, &r) && !r.device);
    assert_false(walk(cpu, 1ull << 48, MMU_LOAD, 0, &r));
    assert_int_equal(r.why[0], 0);
}

/* -- access flag and dirty state --------------------------------------------------------------------------------- */

static void access_flag_and_dirty(void **state)
{
    (void)state;
    struct walk_result r;
    u64 va = 0x1234000;
    struct arm_cpu *cpu = stage1_cpu(12, 48, 0, 0, false);
    u64 d = map(cpu->sr.TTBR0_EL1, 0, 12, va, 0x5000, 3, 0, 0, 48);
    assert_false(walk(cpu, va, MMU_LOAD, 0, &r));
    assert_int_equal(r.why[0], 0xb);
    cpu->sr.TCR_EL1 |= TCR_HA;
    assert_true(walk(cpu, va, MMU_LOAD, 0, &r));
    assert_true(*bench_mem(d) & LEAF);
    /* a clean page: DBM, read only */
    *bench_mem(d) = 0x5000 | 3 | BIT(51) | BIT(7);
    assert_false(walk(cpu, va, MMU_STORE, 0, &r));
    assert_int_equal(r.why[0], 0xf);
    cpu->sr.TCR_EL1 |= TCR_HD;
    assert_true(walk(cpu, va, MMU_LOAD, 0, &r));
    assert_true(r.dirty_pending);
    assert_int_equal(*bench_mem(d), 0x5000 | 3 | BIT(51) | BIT(7) | LEAF);
    assert_true(walk(cpu, va, MMU_STORE, 0, &r));
    assert_true(r.w && !r.dirty_pending);
    assert_int_equal(*bench_mem(d), 0x5000 | 3 | BIT(51) | LEAF);
    /* EL0 may not write it: nothing is marked */
    *bench_mem(d) = 0x5000 | 3 | BIT(51) | BIT(7);
    bench_at(cpu, 0);
    assert_false(walk(cpu, va, MMU_STORE, 0, &r));
    assert_true(*bench_mem(d) & BIT(7));
}

static void attributes(void **state)
{
    (void)state;
    struct arm_cpu *cpu = stage1_cpu(12, 48, 0, 0, false);
    struct walk_result r;
    u64 va = 0x1234000, d = map(cpu->sr.TTBR0_EL1, 0, 12, va, 0x5000, 3, LEAF, 0, 48);
    for (u64 i = 0; i < 4; i++) {
        *bench_mem(d) = 0x5000 | 3 | LEAF | i << 2 | BIT(50);
        assert_true(walk(cpu, va, MMU_FETCH, 0, &r));
        assert_int_equal(r.device, i == 3);
        assert_int_equal(r.note, NOTE_GUARDED);
    }
    assert_true(cpu->bti_seen);
    bench_at(cpu, 1);
    assert_true(cpu->mode & MODE_BTI);
}

static void other_regimes(void **state)
{
    (void)state;
    /* EL2: one range, AP[2] and XN only */
    struct arm_cpu *cpu = bench_cpu("max", true, true);
    struct walk_result r;
    next_table = TABLES;
    cpu->sr.SCR_EL3 |= SCR_NS;
    cpu->sr.TTBR0_EL2 = cpu->sr.TTBR0_EL3 = table_new(12);
    cpu->sr.TCR_EL2 = cpu->sr.TCR_EL3 = 16 | 5 << 16;
    cpu->sr.SCTLR_EL2 |= SCTLR_M;
    cpu->sr.SCTLR_EL3 |= SCTLR_M;
    u64 va = 0x1234000, d = map(cpu->sr.TTBR0_EL2, 0, 12, va, 0x5000, 3, LEAF, 0, 48);
    for (unsigned el = 2; el < 4; el++) {
        for (u64 ap2 = 0; ap2 < 2; ap2++) {
            for (u64 xn = 0; xn < 2; xn++) {
                *bench_mem(d) = 0x5000 | 3 | LEAF | ap2 << 7 | xn << 54;
                bench_at(cpu, el);
                assert_true(walk(cpu, va, MMU_LOAD, 0, &r));
                assert_int_equal(walk(cpu, va, MMU_STORE, 0, &r), !ap2);
                assert_int_equal(walk(cpu, va, MMU_FETCH, 0, &r), !xn);
            }
        }
        assert_true(walk(cpu, va, MMU_LOAD, 0, &r));
        assert_int_equal(r.attrs.secure, el == 3); /* the NS bit of the descriptor is 0 */
        assert_false(walk(cpu, ~0ull << 48, MMU_LOAD, 0, &r));
    }
    /* EL2&0: two ranges, and EL0 under TGE uses it */
    cpu->sr.HCR_EL2 |= HCR_E2H | HCR_TGE;
    cpu->sr.TCR_EL2 = 16 | 16 << 16 | 2ull << 30 | IPS48;
    *bench_mem(d) = 0x5000 | 3 | LEAF | 1 << 6;
    bench_at(cpu, 0);
    assert_true(walk(cpu, va, MMU_STORE, 0, &r));
    bench_at(cpu, 2);
    assert_true(walk(cpu, va, MMU_STORE, 0, &r));
    cpu->pan = 1;
    assert_false(walk(cpu, va, MMU_STORE, 0, &r));
    assert_true(walk(cpu, va, MMU_STORE, ARM_VIEW_UNPRIV, &r));
}

/* -- stage 2 ----------------------------------------------------------------------------------------------------- */

/* Stage 1 off, stage 2 over 40 bits from level 1 (two concatenated tables). */
static struct arm_cpu *stage2_cpu(u64 vtcr)
{
    struct arm_cpu *cpu = bench_cpu("max", true, false);
    next_table = TABLES2;
    u64 a = table_new(12), b = table_new(12);
    assert_int_equal(b, a + 4096);
    cpu->sr.VTTBR_EL2 = a | 7ull << 48;
    cpu->sr.VTCR_EL2 = 24 | 1 << 6 | 5 << 16 | vtcr;
    cpu->sr.HCR_EL2 |= HCR_VM;
    bench_at(cpu, 1);
    return cpu;
}

static void stage2_matrix(void **state)
{
    (void)state;
    struct walk_result r;
    u64 ipa = 0x8012345000ull; /* in the second of the two tables */
    struct arm_cpu *cpu = stage2_cpu(0);
    u64 d = map(cpu->sr.VTTBR_EL2 & MASK(48), 1, 12, ipa, 0x7000, 3, LEAF | 0xf << 2, 0, 40);
    for (u64 i = 0; i < 4 * 4 * 2; i++) {
        u64 ap = i & 3, xn = i >> 2 & 3;
        unsigned el = i >> 4;
        /* XN[1:0]: 00 all, 01 EL0 only, 10 none, 11 EL1 only */
        static const bool exec[4][2] = {{1, 1}, {1, 0}, {0, 0}, {0, 1}};
        *bench_mem(d) = 0x7000 | 3 | LEAF | 0xf << 2 | ap << 6 | xn << 53;
        bench_at(cpu, el);
        assert_int_equal(walk(cpu, ipa, MMU_LOAD, 0, &r), ap & 1);
        if (!(ap & 1)) {
            assert_int_equal(r.why[0], 0xf | BIT(8));
            assert_int_equal(r.why[1], ipa);
        }
        assert_int_equal(walk(cpu, ipa, MMU_STORE, 0, &r), ap >> 1);
        assert_int_equal(walk(cpu, ipa, MMU_FETCH, 0, &r), exec[xn][el]);
    }
    assert_false(walk(cpu, ipa + 0x1000, MMU_LOAD, 0, &r));
    assert_int_equal(r.why[0], 7 | BIT(8));
    assert_false(walk(cpu, 1ull << 40, MMU_LOAD, 0, &r));
    assert_int_equal(r.why[0], 4 | BIT(8));
    bench_at(cpu, 2); /* EL2 has no second stage */
    assert_true(walk(cpu, ipa + 0x1000, MMU_LOAD, 0, &r));
}

static void both_stages(void **state)
{
    (void)state;
    struct walk_result r;
    struct arm_cpu *cpu = stage1_cpu(12, 48, 0, 0, true);
    u64 va = 0x1234000;
    map(cpu->sr.TTBR0_EL1, 0, 12, va, 0x9000, 3, LEAF, 0, 48);
    next_table = TABLES2;
    u64 root = table_new(12);
    cpu->sr.VTTBR_EL2 = root;
    cpu->sr.VTCR_EL2 = 25 | 1 << 6 | 5 << 16; /* 39 bits */
    cpu->sr.HCR_EL2 |= HCR_VM;
    bench_at(cpu, 1);
    /* the first stage's own table is not mapped */
    assert_false(walk(cpu, va, MMU_LOAD, 0, &r));
    assert_int_equal(r.why[0], 5 | BIT(8) | BIT(9));
    assert_int_equal(r.why[1] & ~MASK(12), cpu->sr.TTBR0_EL1);
    arm_fault(&cpu->vcpu, FAULT_TRANSLATION, va, MMU_LOAD, 8, 0, &r);
    assert_int_equal(cpu->el, 2);
    assert_int_equal(cpu->sr.ESR_EL2, arm_esr(EC_DABT_LOWER, 0x85));
    assert_int_equal(cpu->sr.HPFAR_EL2, cpu->sr.TTBR0_EL1 >> 12 << 4);
    assert_int_equal(cpu->sr.FAR_EL2, va);
    /* map the tables one to one as a 1 GB block, the page elsewhere */
    map(root, 1, 12, BENCH_RAM, BENCH_RAM, 1, LEAF | 0xf << 2 | 3 << 6, 0, 39);
    u64 d = map(root, 1, 12, 0x9000, 0xc000, 3, LEAF | 0xf << 2 | 3 << 6, 0, 39);
    bench_at(cpu, 1);
    assert_true(walk(cpu, va + 0x123, MMU_STORE, 0, &r));
    assert_int_equal(r.pa, 0xc123);
    assert_false(r.device);
    *bench_mem(d) = 0xc000 | 3 | LEAF | 1 << 6; /* device, read only */
    assert_true(walk(cpu, va, MMU_LOAD, 0, &r));
    assert_true(r.device && !r.w);
    /* AT sees both, or the first */
    bench_at(cpu, 2);
    assert_true(bench_msr(cpu, bench_enc("AT_S12E1R"), va));
    assert_int_equal(cpu->sr.PAR_EL1 & MASK(48) & ~MASK(12), 0xc000);
    assert_true(bench_msr(cpu, bench_enc("AT_S12E1W"), va));
    assert_int_equal(cpu->sr.PAR_EL1 & 0xfff, 1 | 0xf << 1 | BIT(9) | BIT(11));
    assert_true(bench_msr(cpu, bench_enc("AT_S1E1W"), va));
    assert_int_equal(cpu->sr.PAR_EL1 & MASK(48) & ~MASK(12), 0x9000);
    assert_int_equal(cpu->sr.PAR_EL1 >> 56, 0xff);
    /* PTW: tables in device memory */
    map(root, 1, 12, BENCH_RAM, BENCH_RAM, 1, LEAF | 3 << 6, 0, 39);
    bench_at(cpu, 1);
    assert_true(walk(cpu, va, MMU_LOAD, 0, &r));
    cpu->sr.HCR_EL2 |= HCR_PTW;
    bench_at(cpu, 1);
    assert_false(walk(cpu, va, MMU_LOAD, 0, &r));
    assert_int_equal(r.why[0], 0xd | BIT(8) | BIT(9));
}

static void stage2_hardware_bits(void **state)
{
    (void)state;
    struct walk_result r;
    struct arm_cpu *cpu = stage2_cpu(VTCR_HA | VTCR_HD);
    u64 d = map(cpu->sr.VTTBR_EL2 & MASK(48), 1, 12, 0x5000, 0x7000, 3, 0xf << 2 | 1 << 6 | BIT(51), 0, 40);
    assert_true(walk(cpu, 0x5000, MMU_LOAD, 0, &r));
    assert_true(r.dirty_pending && *bench_mem(d) & LEAF && !(*bench_mem(d) & BIT(7)));
    assert_true(walk(cpu, 0x5000, MMU_STORE, 0, &r));
    assert_true(!r.dirty_pending && r.w && *bench_mem(d) & BIT(7));
}

/* -- AT, keys, TLBI ---------------------------------------------------------------------------------------------- */

static void at_faults(void **state)
{
    (void)state;
    struct arm_cpu *cpu = stage1_cpu(12, 48, 0, 0, false);
    u64 va = 0x1234000, d = map(cpu->sr.TTBR0_EL1, 0, 12, va, 0x5000, 3, LEAF, 0, 48);
    assert_true(bench_msr(cpu, bench_enc("AT_S1E1R"), va));
    assert_int_equal(cpu->sr.PAR_EL1, 0x5000 | 0xffull << 56 | BIT(11) | BIT(9));
    assert_true(bench_msr(cpu, bench_enc("AT_S1E0R"), va));
    assert_int_equal(cpu->sr.PAR_EL1, 1 | 0xf << 1 | BIT(11));
    assert_true(bench_msr(cpu, bench_enc("AT_S1E1R"), va + 0x1000));
    assert_int_equal(cpu->sr.PAR_EL1, 1 | 7 << 1 | BIT(11));
    *bench_mem(d) |= 1 << 6;
    cpu->pan = 1;
    assert_true(bench_msr(cpu, bench_enc("AT_S1E1R"), va));
    assert_false(cpu->sr.PAR_EL1 & 1);
    assert_true(bench_msr(cpu, bench_enc("AT_S1E1RP"), va));
    assert_true(cpu->sr.PAR_EL1 & 1);
}

static u64 key_of(struct arm_cpu *cpu, unsigned view)
{
    struct mmu_key k;
    arm_context(&cpu->vcpu, view, &k);
    assert_int_equal(k.w[1], 0);
    return k.w[0];
}

static void keys_tell_contexts_apart(void **state)
{
    (void)state;
    struct arm_cpu *cpu = stage1_cpu(12, 48, 0, TCR_AS, true);
    u64 kernel = key_of(cpu, 0), unpriv = key_of(cpu, 1);
    assert_true(kernel != unpriv);
    cpu->uao = 1;
    assert_int_equal(key_of(cpu, 1), kernel);
    cpu->uao = 0;
    cpu->pan = 1;
    assert_true(key_of(cpu, 0) != kernel);
    assert_int_equal(key_of(cpu, 1), unpriv); /* PAN is nothing to EL0 */
    bench_at(cpu, 0);
    assert_int_equal(key_of(cpu, 0), unpriv); /* LDTR shares with EL0 */
    bench_at(cpu, 1);
    unsigned flushes = bench.flushes;
    assert_true(bench_msr(cpu, bench_enc("TTBR0_EL1"), cpu->sr.TTBR0_EL1 | 0x1234ull << 48));
    assert_int_equal(key_of(cpu, 0), kernel | 0x1234);
    assert_true(bench_msr(cpu, bench_enc("TCR_EL1"), cpu->sr.TCR_EL1)); /* no change */
    assert_int_equal(bench.flushes, flushes);
    assert_true(bench_msr(cpu, bench_enc("TCR_EL1"), cpu->sr.TCR_EL1 | TCR_A1));
    assert_int_equal(bench.flushes, flushes + 1);
    assert_int_equal(key_of(cpu, 0), kernel);
    assert_true(bench_msr(cpu, bench_enc("TTBR1_EL1"), cpu->sr.TTBR1_EL1 | 0x55ull << 48));
    assert_int_equal(key_of(cpu, 0), kernel | 0x55);
    bench_at(cpu, 2);
    assert_true(bench_msr(cpu, bench_enc("VTTBR_EL2"), 9ull << 48));
    bench_at(cpu, 1);
    assert_int_equal(key_of(cpu, 0), kernel | 0x55 | 9 << 16);
}

static bool goes(u64 key, bool global)
{
    u64 diff = (key ^ bench.flush.want.w[0]) & bench.flush.mask.w[0];
    return !diff || (global && !(diff & ~bench.flush.global_ignore.w[0]));
}

static void tlbi_names_the_right_entries(void **state)
{
    (void)state;
    struct arm_cpu *cpu = stage1_cpu(12, 48, 0, TCR_AS, true);
    cpu->sr.VTCR_EL2 = VTCR_VS;
    cpu->sr.VTTBR_EL2 = 3ull << 48;
    cpu->sr.TTBR0_EL1 |= 5ull << 48;
    bench_at(cpu, 0);
    u64 user = key_of(cpu, 0);
    bench_at(cpu, 1);
    u64 kernel = key_of(cpu, 0), other_asid = kernel + 1, other_vm = kernel + (1 << 16);
    bench_at(cpu, 2);
    u64 hyp = key_of(cpu, 0);
    bench_at(cpu, 1);
    u64 va = 0xffff800012345000;
    assert_true(bench_msr(cpu, bench_enc("TLBI_VAE1"), (va >> 12 & MASK(44)) | 5ull << 48));
    assert_int_equal(bench.flush.va, va);
    assert_true(goes(kernel, false) && goes(user, false) && !goes(other_asid, false) && goes(other_asid, true));
    assert_true(!goes(other_vm, true) && !goes(hyp, true) && !bench.flush.all_cpus);
    assert_true(bench_msr(cpu, bench_enc("TLBI_VAAE1IS"), va >> 12 & MASK(44)));
    assert_true(goes(kernel, false) && goes(other_asid, false) && !goes(other_vm, false) && bench.flush.all_cpus);
    assert_true(bench_msr(cpu, bench_enc("TLBI_ASIDE1"), 5ull << 48));
    assert_true(goes(user, false) && !goes(other_asid, true) && !bench.flush.len);
    assert_true(bench_msr(cpu, bench_enc("TLBI_VMALLE1"), 0));
    assert_true(goes(other_asid, false) && !goes(other_vm, false) && !goes(hyp, false));
    bench_at(cpu, 2);
    assert_true(bench_msr(cpu, bench_enc("TLBI_ALLE1IS"), 0));
    assert_true(goes(other_asid, false) && goes(other_vm, false) && !goes(hyp, false));
    assert_true(bench_msr(cpu, bench_enc("TLBI_VAE2"), va >> 12 & MASK(44)));
    assert_true(goes(hyp, false) && !goes(kernel, false));
    bench_at(cpu, 1); /* 64 pages from va: NUM 31, SCALE 0, 4K */
    assert_true(
        bench_msr(cpu, bench_enc("TLBI_RVAE1IS"), (va >> 12 & MASK(37)) | 31ull << 39 | 1ull << 46 | 5ull << 48));
    assert_int_equal(bench.flush.va, va);
    assert_int_equal(bench.flush.len, 64 << 12);
}

/* ISV SAS SSE SRT SF AR of what may abort to EL2. */
static void instruction_syndromes(void **state)
{
    (void)state;
    static const struct {
        u32 insn, iss;
    } t[] = {
        {0xf9400001, 0x1c18000}, /* ldr x1, [x0] */
        {0xb9400002, 0x1820000}, /* ldr w2, [x0] */
        {0x39000003, 0x1030000}, /* strb w3, [x0] */
        {0x39800004, 0x1248000}, /* ldrsb x4, [x0] */
        {0x79c00005, 0x1650000}, /* ldrsh w5, [x0] */
        {0xb9800006, 0x1a68000}, /* ldrsw x6, [x0] */
        {0xf8410007, 0x1c78000}, /* ldur x7, [x0, #16] */
        {0xf8408408, 0},         /* ldr x8, [x0], #8 */
        {0xf8408c08, 0},         /* ldr x8, [x0, #8]! */
        {0xf8616809, 0x1c98000}, /* ldr x9, [x0, x1] */
        {0x5800000a, 0x1ca8000}, /* ldr x10, . */
        {0x9800000b, 0x1ab8000}, /* ldrsw x11, . */
        {0xc8dffc0c, 0x1ccc000}, /* ldar x12, [x0] */
        {0x089ffc0d, 0x10d4000}, /* stlrb w13, [x0] */
        {0xf8bfc00e, 0x1cec000}, /* ldapr x14, [x0] */
        {0x9900000f, 0x18f4000}, /* stlur w15, [x0] */
        {0xa9400001, 0},         /* ldp */
        {0x3dc00001, 0},         /* ldr q1, [x0] */
        {0xc85f7c01, 0},         /* ldxr x1, [x0] */
        {0xf8e00001, 0},         /* ldaddal */
        {0xf9800000, 0},         /* prfm */
    };
    for (unsigned i = 0; i < ARRAY_LEN(t); i++) {
        if (arm_insn_syndrome(t[i].insn) != t[i].iss) {
            fail_msg("%08x: %#x, expected %#x", t[i].insn, arm_insn_syndrome(t[i].insn), t[i].iss);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(permission_matrix),
        cmocka_unit_test(hierarchical_permissions),
        cmocka_unit_test(granules_and_levels),
        cmocka_unit_test(tags_and_disabled_walks),
        cmocka_unit_test(address_size_and_external),
        cmocka_unit_test(access_flag_and_dirty),
        cmocka_unit_test(attributes),
        cmocka_unit_test(other_regimes),
        cmocka_unit_test(stage2_matrix),
        cmocka_unit_test(both_stages),
        cmocka_unit_test(stage2_hardware_bits),
        cmocka_unit_test(at_faults),
        cmocka_unit_test(keys_tell_contexts_apart),
        cmocka_unit_test(tlbi_names_the_right_entries),
        cmocka_unit_test(instruction_syndromes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
