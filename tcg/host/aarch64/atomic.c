/* Atomic read-modify-write and compare-and-swap: a write probe, the host address in T2, then one instruction (FEAT_LSE)
 * or a loop of exclusives. The slow path only finds the host address (rt_funcs.atomic_ptr) and joins. The memory
 * descriptor says which order is asked for. */
#include "tcg/host/aarch64/a_priv.h"

enum { PTR = T2, OLD = T0, NEW = T1 };

static void probe_pointer(struct gen *g, unsigned addr, unsigned mo)
{
    struct place p;
    u8 *cold = a_access(g, addr, 0, mo, offsetof(struct tlb_entry, wr), &p);
    if (a_place_reg(g, &p) != PTR) {
        a_mov(g->c, true, PTR, p.base);
    }
    if (!cold) {
        return;
    }
    u8 *join = g->c->p;
    to_cold(g);
    bind_cold(g, cold);
    a_slow_call(g, addr, 0, mo | MO_STORE, TH_ATOMIC);
    a_mov(g->c, true, PTR, T0);
    back_to_hot(g, join);
    to_hot(g);
}

/* rd = the low 1 << size bytes of rs, extended. */
static void ext(struct gen *g, unsigned size, bool sign, unsigned rd, unsigned rs)
{
    if (size >= MO_32) {
        a_mov(g->c, size == MO_64, rd, rs);
    } else {
        a_bfm(g->c, sign, false, rd, rs, 0, (8u << size) - 1);
    }
}

/* LSE opcodes acquire and release as they stand here. */
static int ordered(int opc, unsigned mo)
{
    u32 acquire = opc == A_CAS ? 1u << 22 : 1u << 23, release = opc == A_CAS ? 1u << 15 : 1u << 22;
    u32 o = (u32)opc;
    return (int)(o & ~(mo & MO_ACQ ? 0 : acquire) & ~(mo & MO_REL ? 0 : release));
}
static void load_exclusive(struct gen *g, unsigned mo)
{
    a_excl(g->c, mo & MO_ACQ ? A_LDAXR : A_LDXR, mo & MO_SIZE, ZR, OLD, PTR);
}
/* Status in LR. */
static void store_exclusive(struct gen *g, unsigned mo, unsigned rs)
{
    a_excl(g->c, mo & MO_REL ? A_STLXR : A_STXR, mo & MO_SIZE, LR, rs, PTR);
}

static bool rmw_lse(struct gen *g, unsigned kind, unsigned mo, unsigned rb)
{
    static const int opc[] = {[RMW_ADD] = A_LDADD,   [RMW_SUB] = A_LDADD,   [RMW_AND] = A_LDCLR,  [RMW_ANDN] = A_LDCLR,
                              [RMW_OR] = A_LDSET,    [RMW_XOR] = A_LDEOR,   [RMW_SWAP] = A_SWP,   [RMW_SMIN] = A_LDSMIN,
                              [RMW_SMAX] = A_LDSMAX, [RMW_UMIN] = A_LDUMIN, [RMW_UMAX] = A_LDUMAX};
    if (!a_cpu.lse) {
        return false;
    }
    if (kind == RMW_SUB || kind == RMW_AND) {
        a_rrr(g->c, kind == RMW_SUB ? A_SUB : A_ORN, true, NEW, ZR, rb);
        rb = NEW;
    }
    a_lse(g->c, ordered(opc[kind], mo), mo & MO_SIZE, rb, OLD, PTR);
    return true;
}

/* NEW = NEW op rb at the access's size; LR may be used. */
static void rmw_step(struct gen *g, unsigned kind, unsigned size, unsigned rb)
{
    static const int opc[] = {[RMW_ADD] = A_ADD,  [RMW_SUB] = A_SUB, [RMW_AND] = A_AND,
                              [RMW_ANDN] = A_BIC, [RMW_OR] = A_ORR,  [RMW_XOR] = A_EOR};
    static const u8 cc[] = {[RMW_SMIN] = A_LT, [RMW_SMAX] = A_GT, [RMW_UMIN] = A_LO, [RMW_UMAX] = A_HI};
    bool w = size == MO_64;
    if (kind == RMW_SWAP) {
        a_mov(g->c, w, NEW, rb);
    } else if (kind < RMW_SMIN || kind == RMW_SUB) {
        a_rrr(g->c, opc[kind], w, NEW, NEW, rb);
    } else {
        bool sign = kind == RMW_SMIN || kind == RMW_SMAX;
        ext(g, size, sign, NEW, NEW);
        ext(g, size, sign, LR, rb);
        a_cmp(g->c, w, NEW, LR);
        a_csel(g->c, A_CSEL, w, NEW, NEW, LR, cc[kind]);
        g->ef.kind = RK_NONE;
    }
}

static void rmw_loop(struct gen *g, unsigned kind, unsigned mo, unsigned rb, bool swap)
{
    unsigned size = mo & MO_SIZE;
    u8 *again = g->c->p;
    load_exclusive(g, mo);
    a_swap(g->c, NEW, OLD, swap ? size : (unsigned)MO_8);
    rmw_step(g, kind, size, rb);
    if (swap) {
        a_swap(g->c, NEW, NEW, size);
    }
    store_exclusive(g, mo, NEW);
    a_bind(a_cbz(g->c, true, false, LR), again);
}

static bool is_wanted(const struct gen *g)
{
    return g->vals[g->i].next != NOUSE || g->vals[g->i].hold > g->i;
}
/* OLD, zero-extended as both kinds of instruction leave it, is the result. */
static void take_old(struct gen *g, unsigned size, bool swap)
{
    unsigned rd = ra_dst(g, 0);
    if (swap) {
        a_swap(g->c, OLD, OLD, size);
    }
    ext(g, size, false, rd, OLD);
}

void a_rmw(struct gen *g, struct xop *x)
{
    unsigned size = x->d & MO_SIZE;
    bool swap = (x->d & MO_BE) && size != MO_8;
    must(size <= MO_64);
    unsigned addr = ra_src(g, x->a, IR_I64), rb = ra_src(g, x->b, x->type);
    probe_pointer(g, addr, x->d);
    if (swap || !rmw_lse(g, x->sub, x->d, rb)) {
        rmw_loop(g, x->sub, x->d, rb, swap);
    }
    if (is_wanted(g)) {
        take_old(g, size, swap);
    }
}

static void cas_loop(struct gen *g, unsigned mo, unsigned rb, unsigned rc, bool swap)
{
    unsigned size = mo & MO_SIZE;
    u8 *again = g->c->p;
    load_exclusive(g, mo);
    if (swap) {
        a_swap(g->c, NEW, rb, size);
        rb = NEW;
    }
    a_rrr(g->c, A_EOR, true, NEW, OLD, rb);
    if (size != MO_64) {
        ext(g, size, false, NEW, NEW);
    }
    u8 *differs = a_cbz(g->c, true, true, NEW);
    if (swap) {
        a_swap(g->c, NEW, rc, size);
        rc = NEW;
    }
    store_exclusive(g, mo, rc);
    a_bind(a_cbz(g->c, true, false, LR), again);
    a_bind(differs, g->c->p);
}

void a_cas(struct gen *g, struct xop *x)
{
    unsigned size = x->d & MO_SIZE;
    bool swap = (x->d & MO_BE) && size != MO_8;
    must(size <= MO_64);
    unsigned addr = ra_src(g, x->a, IR_I64), rb = ra_src(g, x->b, x->type), rc = ra_src(g, x->c, x->type);
    probe_pointer(g, addr, x->d);
    if (swap || !a_cpu.lse) {
        cas_loop(g, x->d, rb, rc, swap);
    } else {
        a_mov(g->c, true, OLD, rb);
        a_lse(g->c, ordered(A_CAS, x->d), size, OLD, rc, PTR);
    }
    if (is_wanted(g)) {
        take_old(g, size, swap);
    }
}
