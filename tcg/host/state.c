/* Bringing the guest's state to where block boundaries, or the head of a loop, want it: pinned slots in their
 * registers, all others in their homes.
 *
 * On the way out of a side exit this happens beside the main path and must not disturb what the allocator knows:
 * nothing here allocates, only scratch registers are used, and not the one that carries the target of an indirect exit
 * through. None of the moves touches the host's flags. */
#include "tcg/host/state_priv.h"

/* A 64-bit value was put into a 32-bit slot: its upper half has to go. */
static bool needs_cut(const struct gen *g, unsigned s, ir_ref r)
{
    return g->t->slots[s].type == IR_I32 && g->vals[r].type == IR_I64;
}
bool slot_is_canon(const struct gen *g, unsigned s, const struct pins *to)
{
    ir_ref r = g->cur[s];
    unsigned pin = to->reg_of[s];
    if (pin == NOREG) {
        return r == 0 || g->home[s] == r;
    }
    return r && !ir_is_const(r) && g->vals[r].reg == pin && !needs_cut(g, s, r);
}

bool state_is_canon(const struct gen *g, const struct pins *to, bool but_flags)
{
    FOR_TOUCHED(g, s)
    {
        if (!slot_is_canon(g, (unsigned)s, to) && !(but_flags && g->t->slots[s].type == IR_FLAGS)) {
            return false;
        }
    }
    return true;
}

bool state_is_canon_but(const struct gen *g, const struct pins *to, unsigned slot)
{
    FOR_TOUCHED(g, s)
    {
        if (s != slot && !slot_is_canon(g, (unsigned)s, to)) {
            return false;
        }
    }
    return true;
}

/* Slot s is going to be made of r, which may lie in another slot's home. */
static void prepare_value(struct gen *g, unsigned s, ir_ref r, const struct pins *to)
{
    if (ir_is_const(r) || g->vals[r].reg != NOREG) {
        return;
    }
    unsigned loc = g->vals[r].mem;
    if (loc >= LOC_HOME && loc < LOC_SPILL && loc - LOC_HOME != s && !slot_is_canon(g, loc - LOC_HOME, to)) {
        ra_rescue_home(g, loc - LOC_HOME);
    }
    if (!loc && ref_is_mix(g, r)) { /* flags are made one after the other, before anything else is stored */
        prepare_value(g, s, g->x[r].a, to);
        prepare_value(g, s, g->x[r].b, to);
    }
}

/* Values that lie only in a home about to be overwritten move away first (in code both paths run). */
void canon_prepare(struct gen *g, const struct pins *to)
{
    FOR_TOUCHED(g, s)
    {
        if (!slot_is_canon(g, (unsigned)s, to) && g->cur[s]) {
            prepare_value(g, (unsigned)s, g->cur[s], to);
        }
    }
}

struct moves {
    u64 pending;
    u8 from[NREGS];
    bool wide[NREGS];
};

/* All at once: what is overwritten is moved on first; a ring is opened with the scratch register of its class. */
static void moves_emit(struct gen *g, struct moves *m)
{
    while (m->pending) {
        u64 used = 0;
        for (u64 p = m->pending; p; p &= p - 1) {
            unsigned d = ctz64(p);
            used |= m->from[d] == d ? 0 : RBIT(m->from[d]);
        }
        u64 ready = m->pending & ~used;
        if (ready) {
            unsigned d = ctz64(ready);
            g->arch->mov(g->c, m->wide[d], d, m->from[d]);
            m->pending &= ~RBIT(d);
            continue;
        }
        unsigned d = ctz64(m->pending), scratch = d >= VREG ? g->arch->vtmp : g->arch->tmp;
        g->arch->mov(g->c, true, scratch, d);
        for (u64 p = m->pending; p; p &= p - 1) {
            unsigned k = ctz64(p);
            if (m->from[k] == d) {
                m->from[k] = (u8)scratch;
            }
        }
    }
}

static bool in_register(const struct gen *g, ir_ref r)
{
    return r && !ir_is_const(r) && g->vals[r].reg != NOREG;
}

static void pin_load(struct gen *g, unsigned s, unsigned pin)
{
    ir_ref r = g->cur[s];
    unsigned t = g->t->slots[s].type;
    if (r && (ir_is_const(r) || pin >= VREG || (ref_is_pc(g, r) && !g->vals[r].mem))) {
        ra_load(g, pin, r, t);
    } else if (r) {
        unsigned from = is_w(t) && is_w(g->vals[r].type) ? IR_I64 : IR_I32;
        g->arch->load(g->c, from, pin, loc_off(g, g->vals[r].mem));
    } else {
        g->arch->load(g->c, t, pin, slot_off(g, s));
    }
}

static void canon_pins(struct gen *g, const struct pins *to)
{
    struct moves m = {.pending = 0};
    FOR_TOUCHED(g, s)
    {
        ir_ref r = g->cur[s];
        unsigned pin = to->reg_of[s];
        if (pin != NOREG && in_register(g, r) && !slot_is_canon(g, (unsigned)s, to)) {
            m.pending |= RBIT(pin);
            m.from[pin] = g->vals[r].reg;
            m.wide[pin] = !needs_cut(g, (unsigned)s, r);
        }
    }
    moves_emit(g, &m);
    FOR_TOUCHED(g, s)
    {
        if (to->reg_of[s] != NOREG && !in_register(g, g->cur[s])) {
            pin_load(g, (unsigned)s, to->reg_of[s]);
        }
    }
}

static bool is_zeros(const struct gen *g, unsigned s)
{
    return g->t->slots[s].type == IR_V128 && g->cur[s] == IR_CONST;
}
static bool is_upper(const struct gen *g, unsigned s)
{
    return s - g->t->zeros < g->t->nzeros;
}
/* What one instruction clears a slot or two of is not worth a look. */
enum { WORTH_A_LOOK = 3 };
/* Those of ir_target.zeros: nothing to do when all are 0 already. When all are after this, that is noted; but only on
 * the way out, for a block says at its entry that they may not be (zeros_begin). */
static void uppers_home(struct gen *g, const i32 *off, unsigned n, bool out)
{
    u8 *skip = n >= WORTH_A_LOOK && g->arch->skip_zeros ? g->arch->skip_zeros(g->c) : NULL;
    g->arch->store_zeros(g->c, off, n);
    if (n == g->t->nzeros && out) {
        g->arch->store_imm(g->c, false, RT_OFF(nonzero), 0);
    }
    if (skip) {
        g->arch->skip_here(g->c, skip);
    }
}
/* Slots of vectors that are 0: many at once, and side by side, where instructions clear upper halves. */
static void zeros_home(struct gen *g, const struct pins *to)
{
    i32 off[2][IR_MAX_SLOTS];
    unsigned n[2] = {0, 0};
    FOR_TOUCHED(g, s)
    {
        if (is_zeros(g, (unsigned)s) && to->reg_of[s] == NOREG) {
            unsigned k = is_upper(g, (unsigned)s);
            off[k][n[k]++] = slot_off(g, (unsigned)s);
        }
    }
    if (n[0]) {
        g->arch->store_zeros(g->c, off[0], n[0]);
    }
    if (n[1]) {
        uppers_home(g, off[1], n[1], to == &g->base);
    }
}

static bool writes_uppers(const struct gen *g, const struct xop *x)
{
    if (x->op == IR_put) {
        return is_upper(g, x->imm) && x->a != IR_CONST;
    }
    const struct ir_helper *h = x->op == IR_call ? &g->t->helpers[x->imm] : NULL;
    bool any = h && (h->flags & HF_WRITES) && !h->writes;
    for (unsigned k = 0; h && h->writes && k < g->t->nzeros; k++) {
        unsigned s = g->t->zeros + k;
        any |= bit(h->writes->w[s / 64], s % 64);
    }
    return any;
}
/* Does the trace write something else than 0 into them? */
void zeros_begin(struct gen *g)
{
    for (unsigned i = 1; g->t->nzeros && i < g->ir->nops; i++) {
        if (writes_uppers(g, &g->x[i])) {
            g->arch->store_imm(g->c, false, RT_OFF(nonzero), 1);
            return;
        }
    }
}

void canon_but(struct gen *g, const struct pins *to, unsigned slot)
{
    FOR_TOUCHED(g, s) /* flags first: they may be made of what a home still holds */
    {
        if (g->t->slots[s].type == IR_FLAGS && s != slot && !slot_is_canon(g, (unsigned)s, to)) {
            ra_copy_home(g, (unsigned)s);
        }
    }
    zeros_home(g, to);
    FOR_TOUCHED(g, s)
    {
        unsigned t = g->t->slots[s].type;
        if (to->reg_of[s] == NOREG && t != IR_FLAGS && !slot_is_canon(g, (unsigned)s, to) &&
            !is_zeros(g, (unsigned)s)) {
            ra_copy_home(g, (unsigned)s);
        }
    }
    canon_pins(g, to);
}
void canon(struct gen *g, const struct pins *to)
{
    canon_but(g, to, NOSLOT);
}

/* The host's flags survive when they hold what the flags' slots want (exits.c: flags_need_work). */
void flags_home(struct gen *g)
{
    FOR_TOUCHED(g, s)
    {
        if (g->t->slots[s].type == IR_FLAGS) {
            ra_store_home(g, (unsigned)s);
        }
    }
}

void state_home(struct gen *g)
{
    for (unsigned k = 0; k < g->base.n; k++) {
        ra_store_home(g, g->base.slot[k]);
    }
    FOR_TOUCHED(g, s)
    {
        ra_store_home(g, (unsigned)s);
    }
}
