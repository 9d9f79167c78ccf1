/* One TLB probe for neighbours: accesses at small constant distances from one base value.
 *
 * The first of them probes for the range all lie in; the addend stays in a register, and the others cost a test of it:
 *
 *      test  addend, addend             0: the range crosses a page, or something slow came between
 *      je    cold                       there: a probe of its own
 *      mov   rd, [addr + addend + off]
 *
 * The register is taken only when one is free, and the allocator may take it back like a constant's. On hosts with few
 * (host_arch.share_mem) the addend is in rt.share[] then, and the others load it first: still half of a probe's
 * instructions, and none that depend on the address. What may change translations takes it away: after a slow path all
 * such registers are 0 (a device may have remapped memory), a helper call ends them. A store is covered only by a
 * store's probe; what can be written can be read. So a load with a store sure to follow (no exit between) probes as the
 * store would: memory is read, changed, written. */
#include "tcg/host/gen_priv.h"

_Static_assert(ARRAY_LEN(((struct rt *)0)->share) == SHARES, "a place for each");
enum { FAR = 256, SPAN = 256 };
_Static_assert(IR_MAX_CONSTS <= 0x7f00, "shares look like constants that no trace has");

static bool plain(const struct xop *x)
{
    return (x->op == IR_ld || x->op == IR_st) && !(x->d & MO_ALIGN);
}
static bool alive(const struct gen *g, unsigned k)
{
    const struct share *s = &g->share[k];
    return s->base && (s->mem || g->reg_val[s->reg] == REF_SHARE + k);
}

const struct share *share_find(const struct gen *g, const struct xop *x)
{
    i32 lo = (i32)x->imm, hi = lo + (i32)mo_bytes(x->d);
    for (unsigned k = 0; k < SHARES && plain(x); k++) {
        const struct share *s = &g->share[k];
        if (s->base == x->a && alive(g, k) && s->view == (x->d & MO_VIEW) && lo >= s->lo && hi <= s->hi &&
            (s->store || x->op == IR_ld)) {
            return s;
        }
    }
    return NULL;
}

/* The op that reads r next after op j, which does too; NOUSE. */
static unsigned next_use(const struct gen *g, unsigned j, ir_ref r)
{
    const struct xop *x = &g->x[j];
    const u16 arg[4] = {x->a, x->b, x->c, x->d};
    unsigned next = NOUSE;
    for (unsigned k = 0; k < x->nargs; k++) {
        next = arg[k] == r && x->nu[k] != j ? x->nu[k] : next;
    }
    for (unsigned k = 0; k < x->nextra; k++) {
        const struct extra_use *e = &g->extra[x->extra + k];
        next = e->ref == r && e->nu != j ? e->nu : next;
    }
    return next;
}

/* The first of `list` behind op i, or what ends it. */
static unsigned first_behind(const u16 *list, unsigned i)
{
    while (*list <= i) {
        list++;
    }
    return *list;
}

bool share_plan(const struct gen *g, unsigned i, struct share *s)
{
    const struct xop *x = &g->x[i];
    *s = (struct share){.base = x->a,
                        .lo = (i32)x->imm,
                        .hi = (i32)x->imm + (i32)mo_bytes(x->d),
                        .view = x->d & MO_VIEW,
                        .store = x->op == IR_st};
    if (g->cfg->direct || !plain(x) || ir_is_const(x->a)) {
        return false;
    }
    bool any = false;
    unsigned call = 0, exit = 0, end = i + FAR;
    for (unsigned j = next_use(g, i, x->a); j < end; j = next_use(g, j, x->a)) {
        const struct xop *y = &g->x[j];
        if (!plain(y) || y->a != x->a || (y->d & MO_VIEW) != s->view) {
            continue;
        }
        if (!call) {
            call = first_behind(g->calls, i);
            exit = first_behind(g->exits, i);
            end = MIN(end, call);
        }
        if (j >= end || (y->op == IR_st && !s->store && j > exit)) {
            continue;
        }
        i32 lo = MIN(s->lo, (i32)y->imm), hi = MAX(s->hi, (i32)y->imm + (i32)mo_bytes(y->d));
        if (hi - lo <= SPAN) {
            s->lo = lo;
            s->hi = hi;
            s->last = (u16)j;
            s->store |= y->op == IR_st;
            any = true;
        }
    }
    return any;
}

unsigned share_most(const struct gen *g, unsigned last)
{
    struct share open[SHARES];
    unsigned n = 0, most = 0;
    for (unsigned i = 1; i <= last; i++) {
        const struct xop *x = &g->x[i];
        if (!plain(x)) {
            continue;
        }
        unsigned left = 0, regs = 0;
        bool covered = false;
        for (unsigned k = 0; k < n; k++) {
            covered |= open[k].base == x->a && open[k].last >= i;
            if (open[k].last > i) {
                open[left++] = open[k];
            }
        }
        n = left;
        if (!covered && n < SHARES && share_plan(g, i, &open[n])) {
            n++;
        }
        for (unsigned k = 0; k < n; k++) {
            regs += 1 + (open[k].base < REF_ENTRY); /* what no slot holds needs a register too */
        }
        most = MAX(most, regs);
    }
    return most;
}

i32 share_off(const struct gen *g, const struct share *s)
{
    return RT_OFF_AT(share, s - g->share);
}

static void to_memory(struct gen *g, struct share *s, unsigned reg)
{
    g->arch->store(g->c, IR_I64, share_off(g, s), reg);
    s->mem = true;
}

void share_evict(struct gen *g, unsigned k)
{
    struct share *s = &g->share[k];
    if (g->arch->share_mem && s->last > g->i) {
        to_memory(g, s, s->reg);
    } else {
        s->base = 0;
    }
}

/* Takes a share away. */
static void share_close(struct gen *g, unsigned k)
{
    if (alive(g, k) && !g->share[k].mem) {
        ra_forget(g, g->share[k].reg);
    }
    g->share[k].base = 0;
}

/* The access is done; `addend` is a scratch register. `busy`: registers of the results, `allow`: of operands that end
 * here. */
const struct share *share_open(struct gen *g, const struct share *plan, unsigned addend, u64 busy, u64 allow)
{
    u64 f = ra_free(g, g->arch->alloc[0] & ~g->pins.mask & ~busy & (~g->lock | allow));
    if (!f && !g->arch->share_mem) {
        return NULL;
    }
    unsigned k = g->next_share++ % SHARES;
    struct share *s = &g->share[k];
    share_close(g, k);
    *s = *plan;
    if (!f) {
        to_memory(g, s, addend);
        return s;
    }
    s->reg = (u8)ctz64(f);
    g->arch->mov(g->c, true, s->reg, addend);
    ra_forget(g, s->reg);
    ra_bind(g, (ir_ref)(REF_SHARE + k), s->reg);
    return s;
}

void share_own(struct gen *g, const struct share *s)
{
    if (s->mem) {
        g->arch->store_imm(g->c, true, share_off(g, s), 0);
    } else {
        g->arch->zero(g->c, s->reg);
    }
}

void share_zero(struct gen *g)
{
    for (unsigned k = 0; k < SHARES; k++) {
        if (alive(g, k)) {
            share_own(g, &g->share[k]);
        }
    }
}

void share_end(struct gen *g)
{
    for (unsigned k = 0; k < SHARES; k++) {
        share_close(g, k);
    }
}
