/* What the loads and stores of all hosts have in common. */
#include "tcg/host/access.h"

static u64 address_dying(const struct gen *g, const struct xop *x)
{
    u64 m = x->a ? ra_dying(g, x->a) : 0;
    return x->flags & XF_INDEX ? m | ra_dying(g, g->extra[x->extra].ref) : m;
}

/* Registers for the results; both are defined by this op. */
static u64 load_regs(struct gen *g, struct load *l, const struct xop *x, ir_ref hi)
{
    /* The second half may fault when the first is there already. */
    u64 dying = l->pair && g->cfg->direct ? 0 : address_dying(g, x);
    l->reg[0] = ra_pick(g, (ir_ref)g->i, dying);
    if (!l->pair) {
        return RBIT(l->reg[0]);
    }
    u64 lock = g->lock;
    g->lock |= RBIT(l->reg[0]);
    l->reg[1] = ra_pick(g, hi, dying & ~RBIT(l->reg[0]));
    g->lock = lock;
    return RBIT(l->reg[0]) | RBIT(l->reg[1]);
}

void load_begin(struct gen *g, const struct xop *x, struct load *l)
{
    *l = (struct load){.mo = x->d, .type = x->type, .off = (i32)x->imm, .pair = x->d & MO_PAIR};
    ir_ref hi = (ir_ref)(g->i + 1);
    l->has_hi = l->pair && g->x[hi].op == IR_ld_hi;
    l->addr = x->flags & XF_ADDRESSED ? (unsigned)NOREG : ra_src(g, x->a, IR_I64);
    l->atomic = l->pair && (l->mo & MO_ATOMIC) && (l->mo & MO_SIZE) == MO_64 && l->type == IR_I64;
    l->results = load_regs(g, l, x, l->has_hi ? hi : (ir_ref)g->i);
}

void load_end(struct gen *g, const struct load *l)
{
    ra_bind(g, (ir_ref)g->i, l->reg[0]);
    if (l->has_hi) {
        ra_bind(g, (ir_ref)(g->i + 1), l->reg[1]);
    } else if (l->pair) {
        ra_forget(g, l->reg[1]);
    }
}

bool shared_find(struct gen *g, const struct xop *x, struct shared *sh)
{
    sh->s = share_find(g, x);
    sh->wide = !sh->s && share_plan(g, g->i, &sh->plan);
    return sh->s || sh->wide;
}

void shared_own_done(struct gen *g, const struct shared *sh)
{
    if (sh->wide && sh->s) {
        share_own(g, sh->s);
    }
}

bool vectors_live(const struct gen *g)
{
    return (g->occupied & VREGS) != 0;
}
