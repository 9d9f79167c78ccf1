/* Guest memory: the inline TLB probe, loads and stores, their slow paths.
 *
 * On a hit, of an 8-byte load through view 0 with an offset:
 *
 *      add   x15, addr, #off
 *      ldr   x17, [x20, #-8]
 *      and   x17, x17, x15, lsr #7      the entry's place, by the first byte's page
 *      add   x16, x15, #7               tag of the last byte's page: an access that crosses never matches
 *      and   x16, x16, #~0xfff|alignment
 *      add   x17, x20, x17
 *      ldr   x30, [x17]
 *      ldr   x17, [x17, #addend]
 *      eor   x16, x16, x30
 *      cbnz  x16, cold
 *      ldr   rd, [x15, x17]
 *
 * NZCV lives on. Views 1..3 load their table into x30 first. An access that must be n-aligned adds (bytes - n) instead
 * of (bytes - 1), so that the low bits compared are those of the address. */
#include "tcg/host/aarch64/a_priv.h"
#include "tcg/host/access.h"

/* -- the probe -------------------------------------------------------------------------------------------------- */

/* rd = rn + off for any off; may use LR. */
static void add_off(struct gen *g, unsigned rd, unsigned rn, i32 off)
{
    if (off > -(1 << 24) && off < 1 << 24) {
        a_add_imm(g->c, rd, rn, off);
    } else {
        a_mov_i(g->c, LR, (u64)(i64)off);
        a_rrr(g->c, A_ADD, true, rd, rn, LR);
    }
}

static unsigned align_of(unsigned mo)
{
    return 1u << ((mo & MO_ALIGN) >> MO_ALIGN_SHIFT);
}

/* Of bytes off..off + reach, the last one's page or alignment counting. Leaves the addend in T1 and the first byte's
 * address in *ea; returns the jump to the cold path. */
static u8 *probe_range(struct gen *g, unsigned addr, i32 off, unsigned reach, unsigned mo, unsigned tag_off,
                       unsigned *ea)
{
    struct code *c = g->c;
    unsigned view = (mo & MO_VIEW) >> MO_VIEW_SHIFT, table = TLB;
    u32 field = 0;
    must(a_imm_logic(~0xfffull | (align_of(mo) - 1), true, &field));
    *ea = addr;
    if (off) {
        *ea = T2;
        add_off(g, T2, addr, off);
    }
    if (view) {
        a_mem(c, A_LDR_X, LR, CPU, RT_OFF_AT(tlb, view));
        table = LR;
    }
    a_mem(c, A_LDR_X, T1, table, -8);
    a_rrr_shift(c, A_AND, true, T1, T1, *ea, A_LSR, 7);
    if (reach) {
        a_add_imm(c, T0, *ea, reach);
    }
    a_logic_i(c, A_AND, true, T0, reach ? (unsigned)T0 : *ea, field);
    a_rrr(c, A_ADD, true, T1, table, T1);
    if (tag_off + 8 == offsetof(struct tlb_entry, addend)) {
        a_pair(c, A_LDP, A_OFFSET, LR, T1, T1, (i32)tag_off);
    } else {
        a_mem(c, A_LDR_X, LR, T1, tag_off);
        a_mem(c, A_LDR_X, T1, T1, offsetof(struct tlb_entry, addend));
    }
    a_rrr(c, A_EOR, true, T0, T0, LR);
    return a_cbz(c, true, true, T0);
}
static u8 *probe(struct gen *g, unsigned addr, i32 off, unsigned mo, unsigned tag_off, struct place *p)
{
    unsigned bytes = mo_bytes(mo), align = align_of(mo), ea;
    u8 *cold = probe_range(g, addr, off, align < bytes ? bytes - align : 0, mo, tag_off, &ea);
    *p = (struct place){.base = ea, .index = T1};
    return cold;
}

/* User mode: the place is the program's memory itself; returns the jump to the cold path when an alignment is asked
 * for, else NULL. What follows up to the next op may fault and must leave all registers but scratch ones alone. */
static u8 *direct_access(struct gen *g, unsigned addr, i32 off, unsigned mo, struct place *p)
{
    unsigned align = align_of(mo), reg = addr;
    u8 *cold = NULL;
    if (align > 1) {
        u32 field = 0;
        must(a_imm_logic(align - 1, true, &field));
        if (off & (i32)(align - 1)) {
            add_off(g, T0, addr, off);
            reg = T0;
        }
        a_logic_i(g->c, A_AND, true, T0, reg, field);
        cold = a_cbz(g->c, true, true, T0);
    }
    deopt_point(g);
    deopt_here(g);
    *p = (struct place){.base = TLB, .index = addr};
    if (off) {
        a_rrr(g->c, A_ADD, true, T1, TLB, addr);
        *p = (struct place){.base = T1, .index = NOREG, .off = off};
    }
    return cold;
}

u8 *a_access(struct gen *g, unsigned addr, i32 off, unsigned mo, unsigned tag_off, struct place *p)
{
    if (g->cfg->direct) {
        return direct_access(g, addr, off, mo, p);
    }
    deopt_point(g);
    return probe(g, addr, off, mo, tag_off, p);
}

unsigned a_place_reg(struct gen *g, const struct place *p)
{
    if (p->index != NOREG) {
        a_rrr(g->c, A_ADD, true, T2, p->base, p->index);
        return T2;
    }
    if (p->off) {
        add_off(g, T2, p->base, p->off);
        return T2;
    }
    return p->base;
}

/* In cold code; T2 is the value of a store. */
void a_slow_call(struct gen *g, unsigned addr, i32 off, unsigned mo, unsigned thunk)
{
    if (g->cfg->direct) {
        deopt_point(g); /* the first one was of the access itself */
    }
    add_off(g, T0, addr, off);
    a_mov_i(g->c, T1, mo);
    jump_abs(g, a_bl(g->c), g->cfg->thunks->slow[thunk]);
    deopt_here(g);
    share_zero(g);
}

/* As a_access, of an access that may share its probe. */
static u8 *shared_access(struct gen *g, const struct xop *x, unsigned addr, unsigned tag_off, struct shared *sh,
                         struct place *p)
{
    i32 off = (i32)x->imm;
    if (!shared_find(g, x, sh)) {
        return a_access(g, addr, off, x->d, tag_off, p);
    }
    deopt_point(g);
    u8 *cold;
    if (sh->wide) {
        const struct share *s = &sh->plan;
        unsigned ea;
        tag_off = s->store ? offsetof(struct tlb_entry, wr) : offsetof(struct tlb_entry, rd);
        cold = probe_range(g, addr, s->lo, (unsigned)(s->hi - s->lo - 1), x->d, tag_off, &ea);
    } else {
        cold = a_cbz(g->c, false, true, sh->s->reg);
    }
    unsigned addend = sh->wide ? (unsigned)T1 : sh->s->reg;
    *p = (struct place){.base = addr, .index = addend};
    if (off) { /* the addend is still wanted */
        a_rrr(g->c, A_ADD, true, T2, addr, addend);
        *p = (struct place){.base = T2, .index = NOREG, .off = off};
        if (off <= -256 || off >= 4096 - 256) {
            add_off(g, T2, T2, off);
            p->off = 0;
        }
    }
    return cold;
}

/* -- one value between register and host memory ------------------------------------------------------------------ */

static void mem(struct gen *g, int opc, unsigned reg, const struct place *p)
{
    if (p->index != NOREG) {
        a_mem_reg(g->c, opc, reg, p->base, p->index, false);
    } else if (a_mem_fits(opc, p->off)) {
        a_mem(g->c, opc, reg, p->base, p->off);
    } else {
        a_mem(g->c, opc, reg, a_place_reg(g, p), 0);
    }
}
static struct place place_after(struct gen *g, const struct place *p, unsigned bytes)
{
    struct place q = {.base = a_place_reg(g, p), .index = NOREG, .off = (i32)bytes};
    return q;
}

void a_swap(struct code *c, unsigned rd, unsigned rs, unsigned size)
{
    if (size == MO_64) {
        a_rr(c, 0x5ac00c00, true, rd, rs);
    } else if (size == MO_32) {
        a_rr(c, A_REV, false, rd, rs);
    } else if (size == MO_16) {
        a_rr(c, A_REV16, false, rd, rs);
    } else if (rd != rs) {
        a_mov(c, true, rd, rs);
    }
}
static void swap_vec(struct gen *g, unsigned rd, unsigned rs, unsigned size)
{
    static const int opc[] = {0, A_VREV16, A_VREV32, A_VREV64, A_VREV64};
    if (size) {
        a_v1(g->c, opc[size], 0, rd, rs);
    }
    if (size == MO_128) {
        a_ext(g->c, rd, rd, rd, 8);
    }
}

/* What a zero-extended value of this size becomes. */
static void extend(struct gen *g, unsigned reg, unsigned mo, unsigned type)
{
    unsigned bits = 8u << (mo & MO_SIZE);
    if ((mo & MO_SIGN) && bits < (is_w(type) ? 64 : 32)) {
        a_bfm(g->c, true, is_w(type), reg, reg, 0, bits - 1);
    }
}
static int load_opc(unsigned mo, unsigned type)
{
    static const int zero[] = {A_LDRB, A_LDRH, A_LDR_W, A_LDR_X};
    static const int sign[2][4] = {{A_LDRSB_W, A_LDRSH_W, A_LDR_W, A_LDR_X}, {A_LDRSB_X, A_LDRSH_X, A_LDRSW, A_LDR_X}};
    return mo & MO_SIGN ? sign[is_w(type)][mo & MO_SIZE] : zero[mo & MO_SIZE];
}
static const int load_vec[] = {A_LDR_BV, A_LDR_HV, A_LDR_SV, A_LDR_DV, A_LDR_QV};
static const int store_vec[] = {A_STR_BV, A_STR_HV, A_STR_SV, A_STR_DV, A_STR_QV};
static const int store_int[] = {A_STRB, A_STRH, A_STR_W, A_STR_X};

static void load_one(struct gen *g, unsigned reg, const struct place *p, unsigned mo, unsigned type)
{
    unsigned size = mo & MO_SIZE;
    bool swap = (mo & MO_BE) && size != MO_8;
    if (type_is_vec(type)) {
        mem(g, load_vec[size], reg, p);
        if (swap) {
            swap_vec(g, reg, reg, size);
        }
        return;
    }
    mem(g, load_opc(swap ? mo & ~(unsigned)MO_SIGN : mo, type), reg, p);
    if (swap) {
        a_swap(g->c, reg, reg, size);
        extend(g, reg, mo, type);
    }
}

/* -- loads ------------------------------------------------------------------------------------------------------- */

/* LDAR and STLR want what is aligned for its size. */
static bool ordered_form(unsigned mo, unsigned type)
{
    return !type_is_vec(type) && !(mo & MO_PAIR) && align_of(mo) >= 1u << (mo & MO_SIZE);
}

/* Two halves in one access, so that nobody sees one without the other. */
static void load_atomic_pair(struct gen *g, const struct load *l, const struct place *p)
{
    unsigned at = a_place_reg(g, p);
    if (a_cpu.lse2) {
        a_pair(g->c, A_LDP, A_OFFSET, l->reg[0], l->reg[1], at, 0);
    } else {
        u8 *again = g->c->p;
        a_ldxp(g->c, false, l->reg[0], l->reg[1], at);
        a_stxp(g->c, false, T0, l->reg[0], l->reg[1], at);
        a_bind(a_cbz(g->c, true, false, T0), again);
    }
    for (unsigned k = 0; k < 2 && (l->mo & MO_BE); k++) {
        a_swap(g->c, l->reg[k], l->reg[k], MO_64);
    }
}

static int pair_opc(unsigned mo, unsigned type, bool store)
{
    enum { LDPSW = 0x69400000 };
    unsigned size = mo & MO_SIZE;
    if (type_is_vec(type)) {
        static const int opc[2][5] = {{0, 0, A_LDP_S, A_LDP_D, A_LDP_Q}, {0, 0, A_STP_S, A_STP_D, A_STP_Q}};
        return opc[store][size];
    }
    if (size == MO_64) {
        return store ? A_STP : A_LDP;
    }
    return size != MO_32 ? 0 : store ? A_STP_W : !(mo & MO_SIGN) ? A_LDP_W : is_w(type) ? LDPSW : A_LDP_W;
}

static void load_pair(struct gen *g, const struct load *l, const struct place *p)
{
    int opc = pair_opc(l->mo, l->type, false);
    unsigned step = 1u << (l->mo & MO_SIZE);
    if (opc && !(l->mo & MO_BE)) {
        if (p->index == NOREG && (p->off & (i32)(step - 1)) == 0 && a_pair_fits(step == 4 ? A_LDP_W : opc, p->off)) {
            a_pair(g->c, opc, A_OFFSET, l->reg[0], l->reg[1], p->base, p->off);
        } else {
            a_pair(g->c, opc, A_OFFSET, l->reg[0], l->reg[1], a_place_reg(g, p), 0);
        }
        return;
    }
    struct place q = place_after(g, p, step), first = {.base = q.base, .index = NOREG};
    load_one(g, l->reg[0], &first, l->mo, l->type); /* q.base is a scratch register */
    load_one(g, l->reg[1], &q, l->mo, l->type);
}

static void load_hit(struct gen *g, const struct load *l, const struct place *p)
{
    bool acquire = l->mo & MO_ACQ;
    if (acquire && ordered_form(l->mo, l->type)) {
        bool swap = (l->mo & MO_BE) && (l->mo & MO_SIZE) != MO_8;
        a_excl(g->c, A_LDAR, l->mo & MO_SIZE, ZR, l->reg[0], a_place_reg(g, p));
        if (swap) {
            a_swap(g->c, l->reg[0], l->reg[0], l->mo & MO_SIZE);
        }
        extend(g, l->reg[0], l->mo, l->type);
        return;
    }
    if (!l->pair) {
        load_one(g, l->reg[0], p, l->mo, l->type);
    } else if (l->atomic) {
        load_atomic_pair(g, l, p);
    } else {
        load_pair(g, l, p);
    }
    if (acquire) {
        a_insn(g->c, (u32)A_DMB_ISHLD);
    }
}

/* The slow path left a zero-extended value in T0, a pair or 128 bits in rt.vtmp, in the guest's order. */
static void load_slow_result(struct gen *g, const struct load *l)
{
    unsigned size = l->mo & MO_SIZE, step = 1u << size;
    if (l->pair || size == MO_128) {
        for (unsigned k = 0; k < (l->pair ? 2u : 1u); k++) {
            struct place p = {.base = CPU, .index = NOREG, .off = RT_OFF(vtmp) + (i32)(k * step)};
            load_one(g, l->reg[k], &p, l->mo & ~(unsigned)MO_BE, l->type);
        }
    } else if (type_is_vec(l->type)) {
        a_fmov_vg(g->c, 3, l->reg[0], T0);
    } else {
        a_mov(g->c, true, l->reg[0], T0);
        extend(g, l->reg[0], l->mo, l->type);
    }
}

static void load_cold(struct gen *g, const struct load *l, const struct shared *sh, u8 *from)
{
    u8 *join = g->c->p;
    bool vec = vectors_live(g);
    to_cold(g);
    bind_cold(g, from);
    if (sh->wide || sh->s) {
        struct place p;
        u8 *slow = probe(g, l->addr, l->off, l->mo, offsetof(struct tlb_entry, rd), &p);
        load_hit(g, l, &p);
        shared_own_done(g, sh);
        back_to_hot(g, join);
        a_bind(slow, g->c->p);
    }
    a_slow_call(g, l->addr, l->off, l->mo, vec ? TH_LOAD_X : TH_LOAD);
    load_slow_result(g, l);
    back_to_hot(g, join);
    to_hot(g);
}

void a_ld(struct gen *g, struct xop *x)
{
    struct load l;
    load_begin(g, x, &l);
    struct place p;
    struct shared sh;
    u8 *cold = shared_access(g, x, l.addr, offsetof(struct tlb_entry, rd), &sh, &p);
    load_hit(g, &l, &p);
    if (sh.wide) {
        sh.s = share_open(g, &sh.plan, T1, l.results, 0);
    }
    if (cold) {
        load_cold(g, &l, &sh, cold);
    }
    load_end(g, &l);
}

/* The load before defined it. */
void a_ld_hi(struct gen *g UNUSED, struct xop *x UNUSED)
{
}

/* -- stores ------------------------------------------------------------------------------------------------------ */

struct store {
    unsigned mo, type, addr, n, val[2];
    i32 off;
};

static void store_one(struct gen *g, const struct store *s, unsigned k, const struct place *p)
{
    unsigned size = s->mo & MO_SIZE;
    mem(g, type_is_vec(s->type) ? store_vec[size] : store_int[size], s->val[k], p);
}

static void store_atomic_pair(struct gen *g, const struct store *s, const struct place *p)
{
    unsigned at = a_place_reg(g, p);
    if (a_cpu.lse2) {
        a_pair(g->c, A_STP, A_OFFSET, s->val[0], s->val[1], at, 0);
        return;
    }
    u8 *again = g->c->p;
    a_ldxp(g->c, false, T0, LR, at);
    a_stxp(g->c, false, T0, s->val[0], s->val[1], at);
    a_bind(a_cbz(g->c, true, false, T0), again);
}

static void store_pair(struct gen *g, const struct store *s, const struct place *p)
{
    int opc = pair_opc(s->mo, s->type, true);
    unsigned step = 1u << (s->mo & MO_SIZE);
    if (opc && p->index == NOREG && a_pair_fits(opc, p->off)) {
        a_pair(g->c, opc, A_OFFSET, s->val[0], s->val[1], p->base, p->off);
    } else if (opc) {
        a_pair(g->c, opc, A_OFFSET, s->val[0], s->val[1], a_place_reg(g, p), 0);
    } else {
        struct place q = place_after(g, p, step), first = {.base = q.base, .index = NOREG};
        store_one(g, s, 0, &first);
        store_one(g, s, 1, &q);
    }
}

static void store_hit(struct gen *g, const struct store *s, const struct place *p)
{
    bool release = s->mo & MO_REL, tso = (s->mo & MO_TSO) == MO_TSO; /* loads have seen to what came before them */
    if (release && ordered_form(s->mo, s->type)) {
        a_excl(g->c, A_STLR, s->mo & MO_SIZE, ZR, s->val[0], a_place_reg(g, p));
        return;
    }
    if (release) {
        a_insn(g->c, (u32)(tso ? A_DMB_ISHST : A_DMB_ISH));
    }
    if (s->n == 2 && (s->mo & MO_ATOMIC) && (s->mo & MO_SIZE) == MO_64 && s->type == IR_I64) {
        store_atomic_pair(g, s, p);
    } else if (s->n == 2) {
        store_pair(g, s, p);
    } else {
        store_one(g, s, 0, p);
    }
    if (release && !tso) { /* a load-acquire behind it stays behind */
        a_insn(g->c, (u32)A_DMB_ISH);
    }
}

/* The value to T2, or to rt.vtmp when it is a pair or 128 bits. */
static void store_slow_args(struct gen *g, const struct store *s)
{
    unsigned size = s->mo & MO_SIZE, step = 1u << size;
    if (s->n == 2 || size == MO_128) {
        for (unsigned k = 0; k < s->n; k++) {
            struct place p = {.base = CPU, .index = NOREG, .off = RT_OFF(vtmp) + (i32)(k * step)};
            store_one(g, s, k, &p);
        }
    } else if (type_is_vec(s->type)) {
        a_fmov_gv(g->c, size == MO_64 ? 3 : 2, T2, s->val[0]);
    } else {
        a_mov(g->c, true, T2, s->val[0]);
    }
    if (s->n == 1 && size < MO_64) {
        a_bfm(g->c, false, true, T2, T2, 0, (8u << size) - 1);
    }
}

/* The same store of values whose bytes are reversed already, in registers of their own. */
static void store_swapped(struct gen *g, struct store *s)
{
    unsigned size = s->mo & MO_SIZE;
    for (unsigned k = 0; k < s->n; k++) {
        bool vec = type_is_vec(s->type);
        unsigned r = ra_temp(g, vec ? VEC_ALLOC : GPR_ALLOC);
        if (vec) {
            swap_vec(g, r, s->val[k], size);
        } else {
            a_swap(g->c, r, s->val[k], size);
        }
        s->val[k] = r;
    }
}

static unsigned store_src(struct gen *g, ir_ref r, unsigned type)
{
    bool zero = ir_is_const(r) && !type_is_vec(type) && const_of(g, r) == 0;
    return zero ? (unsigned)ZR : ra_src(g, r, type);
}

static void store_cold(struct gen *g, const struct store *s, const struct store *hit, const struct shared *sh, u8 *from)
{
    u8 *join = g->c->p;
    bool vec = vectors_live(g);
    to_cold(g);
    bind_cold(g, from);
    if (sh->wide || sh->s) {
        struct place p;
        u8 *slow = probe(g, s->addr, s->off, s->mo, offsetof(struct tlb_entry, wr), &p);
        store_hit(g, hit, &p);
        shared_own_done(g, sh);
        back_to_hot(g, join);
        a_bind(slow, g->c->p);
    }
    store_slow_args(g, s);
    a_slow_call(g, s->addr, s->off, s->mo | MO_STORE, vec ? TH_STORE_X : TH_STORE);
    back_to_hot(g, join);
    to_hot(g);
}

/* User mode: a pair that reaches into another page is written when both pages have been found writable: a byte of each
 * is stored as it was, which disturbs nobody. Leaves the flags alone. */
static void store_whole(struct gen *g, const struct store *s, struct place *p)
{
    const u32 bytes = mo_bytes(s->mo);
    unsigned at = a_place_reg(g, p);
    must(at == T2);
    *p = (struct place){.base = at, .index = NOREG};
    a_bfm(g->c, false, true, T0, at, 0, 11);
    a_addsub_i(g->c, true, false, true, T0, T0, 0x1000 - bytes + 1);
    a_shift_i(g->c, A_LSR, true, T0, T0, 63);
    u8 *from = a_cbz(g->c, false, true, T0), *join = g->c->p;
    to_cold(g);
    bind_cold(g, from);
    deopt_point(g);
    deopt_here(g);
    a_add_imm(g->c, T1, at, bytes - 1);
    for (unsigned k = 0; k < 2; k++) {
        u8 *again = g->c->p;
        a_excl(g->c, A_LDXR, MO_8, ZR, T0, k ? (unsigned)T1 : at);
        a_excl(g->c, A_STXR, MO_8, LR, T0, k ? (unsigned)T1 : at);
        a_bind(a_cbz(g->c, true, false, LR), again);
    }
    back_to_hot(g, join);
    to_hot(g);
    deopt_point(g);
    deopt_here(g);
}

void a_st(struct gen *g, struct xop *x)
{
    struct store s = {.mo = x->d, .type = x->type, .off = (i32)x->imm, .n = x->d & MO_PAIR ? 2 : 1};
    s.addr = ra_src(g, x->a, IR_I64);
    s.val[0] = store_src(g, x->b, x->type);
    if (s.n == 2) {
        s.val[1] = store_src(g, x->c, x->type);
    }
    struct store hit = s;
    if ((s.mo & MO_BE) && (s.mo & MO_SIZE) != MO_8) {
        store_swapped(g, &hit);
    }
    struct place p;
    struct shared sh;
    u8 *cold = shared_access(g, x, s.addr, offsetof(struct tlb_entry, wr), &sh, &p);
    if (g->cfg->direct && s.n == 2 && (s.mo & MO_WHOLE)) {
        store_whole(g, &s, &p);
    }
    store_hit(g, &hit, &p);
    if (sh.wide) {
        u64 dying = ra_dying(g, x->b) | (s.n == 2 ? ra_dying(g, x->c) : 0);
        sh.s = share_open(g, &sh.plan, T1, RBIT(s.addr), dying);
    }
    if (cold) {
        store_cold(g, &s, &hit, &sh, cold);
    }
}

void a_fence(struct gen *g, struct xop *x)
{
    unsigned kinds = x->imm & FENCE_ALL;
    if (kinds == 0) {
        return;
    }
    bool loads = !(kinds & (FENCE_SL | FENCE_SS));
    a_insn(g->c, (u32)(loads ? A_DMB_ISHLD : kinds == FENCE_SS ? A_DMB_ISHST : A_DMB_ISH));
}
