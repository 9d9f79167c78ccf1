/* Exits: bringing the state to where block boundaries want it, linked jumps, events. The instructions are the host's.
 *
 * At a boundary pinned slots are in their registers and all others in their homes. On the way out of a side exit that
 * happens in cold code and must not disturb what the allocator knows (state.c). */
#include "tcg/host/gen_priv.h"

#include "tcg/host/state_priv.h"

u32 reason_token(enum ir_reason why)
{
    return TOKEN_REASON | (u32)why << 3;
}

void leave_event(struct gen *g, i32 off)
{
    g->arch->leave(g, off, reason_token(REASON_EVENT), TH_LEAVE_EVENT_OFF);
}

static struct gen_exit *exit_new(struct gen *g, i32 target, unsigned kind)
{
    struct gen_exit *e = &g->out->exits[g->out->nexits++];
    *e = (struct gen_exit){.target = target, .kind = (u8)kind};
    return e;
}

bool same_page(const struct gen *g, i32 target)
{
    return target >= 0 && target < 1 << g->ir->page_bits;
}
/* Where a page lies says where all others do only in user mode. */
bool can_link(const struct gen *g, i32 target)
{
    return (same_page(g, target) || g->cfg->direct) && g->out->nexits < GEN_MAX_EXITS && !g->cfg->no_chain;
}
/* Every loop of links goes backward somewhere. */
static bool is_backward(const struct gen *g, i32 target)
{
    return target <= (i32)g->ir->start_off;
}

/* The page of a place, relative to the block's. */
static i32 page_of(const struct gen *g, i32 target)
{
    return (i32)(target & -(1u << g->ir->page_bits));
}

/* Registers the jump `at` in the instruction at `insn`, and writes its stub. */
static void link_here(struct gen *g, u8 *insn, u8 *at, i32 target, unsigned kind)
{
    unsigned n = g->out->nexits;
    struct gen_exit *e = exit_new(g, target, kind);
    e->links = true;
    e->lazy = g->note != 0;
    memcpy(e->slot, g->note_slot, sizeof(e->slot));
    g->note = 0;
    e->patch_off = (u32)(insn - g->out->rw);
    bool hot = aside(g);
    bind_cold(g, at);
    e->stub_off = (u32)(g->c->p - g->out->rw);
    g->arch->leave(g, target - page_of(g, target), TOKEN_EXIT | (g->cfg->block_id << 3 | n) << 3, TH_LEAVE_OFF);
    reloc_add(g, g->c->p - g->arch->token_back, RELOC_TOKEN, n);
    back(g, hot);
}

static bool links_cond(const struct gen *g, i32 target)
{
    return g->arch->links_cond && can_link(g, target) && same_page(g, target) && !is_backward(g, target);
}

static void link_cond(struct gen *g, struct cond c, i32 target)
{
    u8 *second;
    g->arch->align_link(g, true);
    u8 *insn = g->c->p, *at = g->arch->jump_if(g, c, &second);
    link_here(g, insn, at, target, EXIT_JUMP);
}

void link_jump(struct gen *g, i32 target, unsigned kind, bool call)
{
    g->arch->align_link(g, false);
    u8 *insn = g->c->p, *at = (call ? g->arch->jump_call : g->arch->jump)(g->c);
    link_here(g, insn, at, target, kind);
}

/* To a constant place in another page. */
static void goto_far(struct gen *g, i32 target, unsigned kind, bool call)
{
    if (g->out->nexits < GEN_MAX_EXITS) {
        exit_new(g, target, kind);
    }
    g->arch->set_target_far(g, target);
    g->arch->go_target(g, call);
}

/* -- exits ------------------------------------------------------------------------------------------------------- */

static i32 next_insn(const struct gen *g)
{
    return (i32)(g->insn_off + g->insn_len);
}
/* Is the present call's return predicted? */
static bool push_return(struct gen *g)
{
    return same_page(g, next_insn(g)) && g->c == &g->hot && g->arch->return_push(g, next_insn(g));
}

/* The state is canonical: go to page + target. */
static void goto_target(struct gen *g, i32 target, unsigned kind)
{
    if (g->cfg->no_chain) {
        g->arch->leave(g, target, reason_token(REASON_NONE), TH_LEAVE_OFF);
        return;
    }
    bool call = kind == EXIT_CALL && push_return(g);
    if (!can_link(g, target)) {
        goto_far(g, target, kind, call);
    } else {
        u8 *event = call || is_backward(g, target) ? g->arch->event_check(g) : NULL;
        if (!same_page(g, target)) {
            g->arch->move_page(g, page_of(g, target));
        }
        link_jump(g, target, kind, call);
        if (event) {
            bool hot = aside(g);
            bind_cold(g, event);
            leave_event(g, target);
            back(g, hot);
        }
    }
    if (call) {
        g->arch->return_land(g, next_insn(g));
    }
}

/* Where block boundaries want the state, on the way to page + target. */
static void canon_to(struct gen *g, i32 target, unsigned kind)
{
    if (kind != EXIT_JUMP || !lazy_exit(g, target)) {
        canon(g, &g->base);
        return;
    }
    canon_but(g, &g->base, g->t->flags);
    lazy_write(g);
}

/* Deterministic mode counted the whole block at its entry: give back what a side exit leaves out. */
static void refund(struct gen *g)
{
    unsigned n = g->ir->ninsns - g->insns_done;
    if (g->cfg->count && n) {
        g->arch->count_up(g, n);
    }
}

/* The op behind this one, when nothing but an unconditional exit follows. */
static const struct xop *final_exit(const struct gen *g)
{
    for (unsigned j = g->i + 1; j < g->ir->nops; j++) {
        if (g->x[j].op == IR_exit) {
            return &g->x[j];
        }
        if (g->x[j].op != IR_nop) {
            return NULL;
        }
    }
    return NULL;
}

struct jumps {
    u8 *at, *second; /* NULL: none */
};
static struct jumps jump_unless(struct gen *g, struct cond c)
{
    struct jumps j = {NULL, NULL};
    if (c.kind != C_ALWAYS) {
        j.at = g->arch->jump_if(g, g->arch->cond_not(c), &j.second);
    }
    return j;
}
static void jumps_here(struct gen *g, struct jumps j)
{
    if (j.at) {
        g->arch->bind(j.at, g->c->p);
    }
    if (j.second) {
        g->arch->bind(j.second, g->c->p);
    }
}

/* The trace ends with "if c go to x's target, else to y's": one canonical state for both. */
static void exit_pair(struct gen *g, struct cond c, const struct xop *x, const struct xop *y)
{
    i32 target = (i32)x->imm;
    if (!state_is_canon(g, &g->base, false)) {
        c = g->arch->cond_keep(g, c);
    }
    canon(g, &g->base);
    if (c.kind == C_CC && links_cond(g, target)) {
        link_cond(g, c, target);
    } else {
        struct jumps over = jump_unless(g, c);
        goto_target(g, target, EXIT_JUMP);
        jumps_here(g, over);
    }
    goto_target(g, (i32)y->imm, y->sub);
    g->i = g->ir->nops - 1; /* the final exit is done */
}

/* A jump back is a loop's more often than not: it goes straight on, what leaves the loop jumps over it. */
static void exit_loop_edge(struct gen *g, struct cond c, i32 target)
{
    struct jumps over = jump_unless(g, c);
    canon_to(g, target, EXIT_JUMP);
    refund(g);
    goto_target(g, target, EXIT_JUMP);
    jumps_here(g, over);
}

/* The mode is another there. */
static void exit_mode(struct gen *g, struct cond c, const struct xop *x)
{
    canon_prepare(g, &g->base);
    struct hflags ef = g->ef;
    u8 *second = NULL, *at = g->arch->jump_if(g, c, &second);
    to_cold(g);
    bind_cold(g, at);
    if (second) {
        bind_cold(g, second);
    }
    g->ef = (struct hflags){0}; /* they are the condition's */
    canon(g, &g->base);
    refund(g);
    g->arch->leave(g, (i32)x->imm, reason_token(REASON_CARE), TH_LEAVE_OFF);
    to_hot(g);
    g->ef = ef;
}

static void exit_aside(struct gen *g, struct cond c, const struct xop *x)
{
    i32 target = (i32)x->imm;
    canon_prepare(g, &g->base);
    bool whole = !g->cfg->count || g->insns_done == g->ir->ninsns;
    if (c.kind == C_CC && links_cond(g, target) && whole && state_is_canon(g, &g->base, false)) {
        link_cond(g, c, target);
        return;
    }
    struct hflags ef = g->ef;
    if (c.kind != C_ALWAYS && same_page(g, target) && is_backward(g, target)) {
        exit_loop_edge(g, c, target);
        g->ef = ef;
        return;
    }
    u8 *second = NULL, *at = c.kind == C_ALWAYS ? g->arch->jump(g->c) : g->arch->jump_if(g, c, &second);
    to_cold(g);
    bind_cold(g, at);
    if (second) {
        bind_cold(g, second);
    }
    canon_to(g, target, EXIT_JUMP);
    refund(g);
    goto_target(g, target, EXIT_JUMP);
    to_hot(g);
    g->ef = ef;
}

static bool flags_need_work(const struct gen *g)
{
    FOR_TOUCHED(g, s)
    {
        if (g->t->slots[s].type == IR_FLAGS && !slot_is_canon(g, (unsigned)s, &g->base) &&
            ref_is_recipe(g, g->cur[s])) {
            const struct xop *f = &g->x[g->cur[s]];
            unsigned kind = base_kind(f->rk);
            bool have = g->ef.kind == kind && g->ef.a == f->a && g->ef.b == f->b && g->ef.type == (u8)f->imm;
            bool made = rk_is_made(kind) || (kind == RK_TEST && g->t->fl_pa); /* by arithmetic */
            if (made || !have || (kind == RK_FCMP && g->ef.fcmp != f->imm << 1)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_loop_back(const struct gen *g, const struct xop *x)
{
    if (x->op == IR_exitcc && x->d == EXIT_CARE) {
        return false;
    }
    bool call = x->op == IR_exit && x->sub == EXIT_CALL;
    return g->out->loops && !call && (i32)x->imm == (i32)g->ir->start_off;
}

/* The flags on the way back: nothing, when only the head's exit can show them. */
static void loop_flags(struct gen *g)
{
    if (g->loop_backs == 1 && !g->out->flags_in.seen) {
        g->loop_note = g->note;
    } else {
        lazy_write(g);
    }
    g->note = 0;
}

static void loop_back(struct gen *g)
{
    bool lazy = lazy_loop(g);
    canon_but(g, &g->pins, lazy ? g->t->flags : NOSLOT);
    if (lazy) {
        loop_flags(g);
    }
    g->arch->bind(g->arch->jump(g->c), g->loop_head);
}

static void loop_back_if(struct gen *g, struct cond c)
{
    canon_prepare(g, &g->pins);
    if (c.kind == C_CC && state_is_canon_but(g, &g->pins, g->t->flags) && lazy_loop(g)) {
        ra_lose_home(g, g->t->flags);
        loop_flags(g);
        u8 *second;
        g->arch->bind(g->arch->jump_if(g, c, &second), g->loop_head);
        return;
    }
    /* When only flags are not where they should be they go home on both ways, for the host's flags survive that. */
    if (c.kind == C_CC && state_is_canon(g, &g->pins, true) && !flags_need_work(g)) {
        flags_home(g);
        u8 *second;
        g->arch->bind(g->arch->jump_if(g, c, &second), g->loop_head);
        return;
    }
    struct hflags ef = g->ef;
    struct jumps over = jump_unless(g, c);
    loop_back(g);
    jumps_here(g, over);
    g->ef = ef;
}

static void exit_if(struct gen *g, struct cond c, struct xop *x)
{
    if (c.kind == C_NEVER) {
        return;
    }
    if (x->op == IR_exitcc && x->d == EXIT_CARE && c.kind != C_ALWAYS) {
        exit_mode(g, c, x);
        return;
    }
    if (is_loop_back(g, x)) {
        loop_back_if(g, c);
        return;
    }
    const struct xop *y = c.kind == C_ALWAYS ? NULL : final_exit(g);
    /* Making the flags' packed form must not destroy the condition. */
    bool lazy = lazy_exit(g, (i32)x->imm) || (y && y->sub == EXIT_JUMP && lazy_exit(g, (i32)y->imm));
    g->note = 0;
    if (y && !lazy && !flags_need_work(g)) {
        canon_prepare(g, &g->base);
        exit_pair(g, c, x, y);
    } else {
        exit_aside(g, c, x);
    }
}

void emit_exitcc(struct gen *g, struct xop *x)
{
    exit_if(g, g->arch->cond_cmp(g, x->sub, x->type, x->a, x->b), x);
}
void emit_exitf(struct gen *g, struct xop *x)
{
    exit_if(g, g->arch->cond_flags(g, x->sub, x->a), x);
}

void emit_exit(struct gen *g, struct xop *x)
{
    if (is_loop_back(g, x)) {
        canon_prepare(g, &g->pins);
        loop_back(g);
        return;
    }
    canon_prepare(g, &g->base);
    canon_to(g, (i32)x->imm, x->sub);
    goto_target(g, (i32)x->imm, x->sub);
}

void emit_exit_ind(struct gen *g, struct xop *x)
{
    g->arch->set_target(g, ra_src(g, x->a, IR_I64));
    canon_prepare(g, &g->base);
    canon(g, &g->base);
    if (g->cfg->no_chain) {
        g->arch->leave_at(g, reason_token(REASON_NONE), g->cfg->thunks->leave);
    } else if (x->sub == EXIT_RET) {
        g->arch->go_return(g);
    } else {
        bool call = x->sub == EXIT_CALL && push_return(g);
        g->arch->go_target(g, call);
        if (call) {
            g->arch->return_land(g, next_insn(g));
        }
    }
}

/* Whoever set pc is C: it has set the event word too if the cpu is to wait. */
void emit_exit_pc(struct gen *g, struct xop *x UNUSED)
{
    canon_prepare(g, &g->base);
    canon(g, &g->base);
    g->arch->set_target_pc(g);
    if (g->cfg->no_chain) {
        g->arch->leave_at(g, reason_token(REASON_NONE), g->cfg->thunks->leave);
    } else {
        g->arch->go_target(g, false);
    }
}

void emit_exit_loop(struct gen *g, struct xop *x)
{
    state_home(g);
    g->arch->leave(g, next_insn(g), reason_token(x->imm), TH_LEAVE_OFF_HOME);
}

/* -- entry ------------------------------------------------------------------------------------------------------- */

void control_entry(struct gen *g)
{
    g->arch->entry(g);
    if (g->cfg->count) {
        u8 *out = g->arch->count_down(g, g->ir->ninsns);
        to_cold(g);
        bind_cold(g, out);
        g->arch->count_up(g, g->ir->ninsns);
        leave_event(g, (i32)g->ir->start_off);
        to_hot(g);
    }
}

void control_stale(struct gen *g)
{
    to_cold(g);
    g->out->stale_off = (u32)(g->c->p - g->out->rw);
    g->arch->leave(g, (i32)g->ir->start_off, reason_token(REASON_RETRANSLATE), TH_LEAVE_OFF);
    to_hot(g);
}
