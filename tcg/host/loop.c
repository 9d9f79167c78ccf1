/* A trace that jumps to its own start is a loop: registers are given to the slots it uses, for as long as it runs.
 *
 *      entry:   pinned slots the loop does not touch go home, the loop's slots are loaded; jump to the body
 *      head:    event? leave
 *      body:    ...
 *      back:    state as at the head; jump to the head
 *
 * All other exits bring the state to what block boundaries want, as ever. Slots the loop only reads keep their homes
 * valid; of those it writes the registers alone are right. The back edge does not pass the block's entry: who kills a
 * block that says gen_out.loops sees to it that cpus inside look at their event word. */
#include "tcg/host/state_priv.h"

enum { SCORE_WRITTEN = 4, WORTH_IT = 3 };

struct score {
    u8 touched[IR_MAX_SLOTS]; /* read or written in each round */
    u16 reads[IR_MAX_SLOTS];  /* of what the slot held at the head */
};

static void count_read(struct score *c, ir_ref r)
{
    if (!ir_is_const(r) && r >= REF_ENTRY) {
        c->touched[r - REF_ENTRY] = 1;
        c->reads[r - REF_ENTRY]++;
    }
}

/* False: a helper looks at slots, which are home again and again then. */
static bool count_slots(struct gen *g, struct score *c)
{
    memset(c, 0, sizeof(*c));
    g->loop_written = (struct slot_set){{0}};
    for (unsigned i = 1; i <= g->loop_last; i++) {
        const struct xop *x = &g->x[i];
        const u16 arg[4] = {x->a, x->b, x->c, x->d};
        for (unsigned k = 0; k < x->nargs; k++) {
            count_read(c, arg[k]);
        }
        for (unsigned k = 0; k < x->nextra; k++) {
            count_read(c, g->extra[x->extra + k].ref);
        }
        if (x->op == IR_put) {
            c->touched[x->imm] = 1;
            g->loop_written.w[x->imm / 64] |= 1ull << x->imm % 64;
        }
        if (x->op == IR_call && call_settles(g, x->imm)) {
            return false;
        }
    }
    return true;
}

static bool is_written(const struct gen *g, unsigned s)
{
    return bit(g->loop_written.w[s / 64], s % 64);
}

static void claim(struct gen *g, unsigned s, unsigned reg)
{
    g->pins.reg_of[s] = (u8)reg;
    g->pins.mask |= RBIT(reg);
}

/* The register of a pinned slot the loop does not touch; NOREG: none is left. */
static unsigned free_pin(struct gen *g, const struct score *c, bool vec)
{
    for (unsigned k = g->base.n; k-- > 0;) {
        unsigned s = g->base.slot[k];
        if (!c->touched[s] && g->pins.reg_of[s] != NOREG && (g->base.reg[k] >= VREG) == vec) {
            g->pins.reg_of[s] = NOREG;
            return g->base.reg[k];
        }
    }
    return NOREG;
}

/* The slot without a register that gains most from one: a written one saves the way through memory in each round. Where
 * there is no room another slot goes home for it, so what is read once or twice, cheaply out of memory, is left there.
 */
static unsigned best_slot(const struct gen *g, const struct score *c, bool vec, bool room)
{
    unsigned best = NOSLOT, most = 0;
    for (unsigned s = 0; s < g->t->nslots; s++) {
        unsigned t = g->t->slots[s].type, score = c->reads[s] + (is_written(g, s) ? SCORE_WRITTEN : 0);
        if (g->pins.reg_of[s] != NOREG || g->base.reg_of[s] != NOREG || t == IR_FLAGS || type_is_vec(t) != vec) {
            continue;
        }
        if (score > most && (room || (c->reads[s] && score >= WORTH_IT))) {
            best = s;
            most = score;
        }
    }
    return best;
}

/* Pinned slots the loop does not touch go home for results of probes, which else would find no register. */
static void make_room(struct gen *g, const struct score *c)
{
    enum { FOR_VALUES = 2 };
    unsigned have = (unsigned)__builtin_popcountll(g->arch->alloc[0] & ~g->pins.mask),
             want = share_most(g, g->loop_last);
    for (want += want ? FOR_VALUES : 0; have < want; have++) {
        unsigned reg = free_pin(g, c, false);
        if (reg == NOREG) {
            return;
        }
        g->pins.mask &= ~RBIT(reg);
    }
}

void loop_plan(struct gen *g)
{
    memcpy(&g->pins, &g->base, sizeof(g->pins));
    g->out->loops = false;
    g->loop_note = 0;
    struct score c;
    if (!g->loop_last || g->cfg->no_chain || g->cfg->count || !count_slots(g, &c)) {
        return;
    }
    u64 left = g->arch->loop_vec & ~g->base.mask;
    for (unsigned s; left && (s = best_slot(g, &c, true, true)) != NOSLOT;) {
        unsigned reg = 63 - clz64(left);
        left &= ~RBIT(reg);
        claim(g, s, reg);
    }
    for (unsigned vec = 0; vec < 2; vec++) {
        for (unsigned s; (s = best_slot(g, &c, vec, false)) != NOSLOT;) {
            unsigned reg = free_pin(g, &c, vec);
            if (reg == NOREG) {
                break;
            }
            claim(g, s, reg);
        }
    }
    make_room(g, &c);
    g->out->loops = true;
}

/* A pinned slot makes room. */
static void send_home(struct gen *g, unsigned s)
{
    unsigned reg = g->base.reg_of[s];
    ir_ref e = (ir_ref)(REF_ENTRY + s);
    g->arch->store(g->c, g->t->slots[s].type, slot_off(g, s), reg);
    g->vals[e].reg = NOREG;
    g->vals[e].mem = (u8)(LOC_HOME + s);
    g->home[s] = e;
    g->reg_val[reg] = 0;
    g->occupied &= ~RBIT(reg);
    g->touched.w[s / 64] |= 1ull << s % 64;
}

static void bring_in(struct gen *g, unsigned s)
{
    unsigned reg = g->pins.reg_of[s];
    ir_ref e = (ir_ref)(REF_ENTRY + s);
    ra_load(g, reg, e, g->t->slots[s].type);
    g->vals[e].reg = (u8)reg;
    g->reg_val[reg] = e;
    g->occupied |= RBIT(reg);
    if (is_written(g, s)) {
        g->vals[e].mem = LOC_NONE;
        g->home[s] = 0;
        g->touched.w[s / 64] |= 1ull << s % 64;
    }
}

/* From the state at the head to that of block boundaries, and out. */
static void leave_from_head(struct gen *g)
{
    for (unsigned s = 0; s < g->t->nslots; s++) {
        if (g->pins.reg_of[s] != NOREG && g->base.reg_of[s] == NOREG && is_written(g, s)) {
            g->arch->store(g->c, g->t->slots[s].type, slot_off(g, s), g->pins.reg_of[s]);
        }
    }
    for (unsigned k = 0; k < g->base.n; k++) {
        unsigned s = g->base.slot[k];
        if (g->pins.reg_of[s] == NOREG) {
            g->arch->load(g->c, g->t->slots[s].type, g->base.reg[k], slot_off(g, s));
        }
    }
    if (g->loop_note) {
        g->note = g->loop_note;
        lazy_write(g);
    }
    leave_event(g, (i32)g->ir->start_off);
}

void loop_enter(struct gen *g)
{
    if (!g->out->loops) {
        return;
    }
    for (unsigned k = 0; k < g->base.n; k++) {
        if (g->pins.reg_of[g->base.slot[k]] == NOREG) {
            send_home(g, g->base.slot[k]);
        }
    }
    for (unsigned s = 0; s < g->t->nslots; s++) {
        if (g->pins.reg_of[s] != NOREG && g->base.reg_of[s] == NOREG) {
            bring_in(g, s);
        }
    }
    if (g->x87) {
        g->arch->x87_begin(g);
    }
    u8 *body = g->arch->skip(g->c); /* each entry runs the body at least once */
    g->loop_head = g->c->p;
    g->loop_event = g->arch->event_check(g);
    g->arch->skip_here(g->c, body);
}

void loop_finish(struct gen *g)
{
    if (!g->out->loops) {
        return;
    }
    to_cold(g);
    bind_cold(g, g->loop_event);
    leave_from_head(g);
    to_hot(g);
}
