/* Exits: bringing the state to where block boundaries want it, linked jumps, the jump cache, events.
 *
 * At a boundary pinned slots are in their registers and all others in their homes. On the way out of a side exit that
 * happens in cold code and must not disturb what the allocator knows: nothing here allocates, only rax, rcx and xmm0
 * are used, and rdx carries the target of an indirect exit through. None of the moves touches EFLAGS. */
#include "tcg/host/x86_64/x_priv.h"

#include "tcg/host/x86_64/state.h"

/* -- leaving ------------------------------------------------------------------------------------------------------- */

u32 reason_token(enum ir_reason why)
{
    return TOKEN_REASON | (u32)why << 3;
}

/* rt.pc = page + off, and out. */
void leave(struct gen *g, i32 off, u32 token, const void *thunk)
{
    x_load(g->c, true, RCX, RT_MEM(page));
    if (off) {
        x_lea(g->c, true, RCX, MEM(RCX, off));
    }
    x_store(g->c, true, RT_MEM(pc), RCX);
    x_mov_i(g->c, RAX, token);
    jump_abs(g, x_jmp(g->c), thunk);
}

u8 *event_check(struct gen *g)
{
    x_alu_mi(g->c, ALU_CMP, false, RT_MEM(event), 0);
    return x_jcc(g->c, X_NE);
}

/* What follows in cold code when the present code is hot, right here when it is cold. */
static bool aside(struct gen *g)
{
    bool hot = g->c == &g->hot;
    to_cold(g);
    return hot;
}
static void back(struct gen *g, bool hot)
{
    if (hot) {
        to_hot(g);
    }
}

static struct gen_exit *exit_new(struct gen *g, i32 target, unsigned kind)
{
    struct gen_exit *e = &g->out->exits[g->out->nexits++];
    *e = (struct gen_exit){.target = target, .kind = (u8)kind};
    return e;
}

/* The displacement is to lie inside eight aligned bytes, so that one store changes it. */
static void align_disp(struct gen *g, unsigned opcode_bytes)
{
    unsigned at = (unsigned)((uintptr_t)(g->c->p + opcode_bytes) & 7);
    if (at > 4) {
        x_nops(g->c, 8 - at);
    }
}

static bool same_page(const struct gen *g, i32 target)
{
    return target >= 0 && target < 1 << g->ir->page_bits;
}
static bool can_link(const struct gen *g, i32 target)
{
    return same_page(g, target) && g->out->nexits < GEN_MAX_EXITS && !g->cfg->no_chain;
}
/* Every loop of links goes backward somewhere. */
static bool is_backward(const struct gen *g, i32 target)
{
    return target <= (i32)g->ir->start_off;
}

/* Registers the jump whose displacement is at `at`, and writes its stub. */
static void link_here(struct gen *g, u8 *at, unsigned opcode_bytes, i32 target, unsigned kind)
{
    unsigned n = g->out->nexits;
    struct gen_exit *e = exit_new(g, target, kind);
    e->same_page = true;
    e->patch_off = (u32)(at - opcode_bytes - g->out->rw);
    bool hot = aside(g);
    bind_cold(g, at);
    e->stub_off = (u32)(g->c->p - g->out->rw);
    leave(g, target, TOKEN_EXIT | (g->cfg->block_id << 3 | n) << 3, g->cfg->thunks->leave);
    back(g, hot);
}

/* -- the jump cache ---------------------------------------------------------------------------------------------- */

enum { JC_ENTRY_LOG2 = 4 };
_Static_assert(sizeof(struct jc_entry) == 1 << JC_ENTRY_LOG2, "scaled below");

/* rdx = virtual target. A call comes back behind this. */
static void go_through_cache(struct gen *g, bool call)
{
    x_mov(g->c, false, RAX, RDX);
    x_shift(g->c, SH_SHR, false, RAX, JC_FOLD);
    x_alu(g->c, ALU_XOR, false, RAX, RDX);
    x_alu_i(g->c, ALU_AND, false, RAX, (JC_SIZE - 1) << 2);
    x_shift(g->c, SH_SHL, false, RAX, JC_ENTRY_LOG2 - 2);
    x_alu_m(g->c, ALU_ADD, true, RAX, RT_MEM(jc));
    x_rm(g->c, 0x39, true, RDX, MEM(RAX, 0));
    u8 *miss = x_jcc(g->c, X_NE);
    x_mov(g->c, true, RCX, RDX);
    x_alu_i(g->c, ALU_AND, true, RCX, -(1 << g->ir->page_bits));
    x_store(g->c, true, RT_MEM(page), RCX);
    u8 *event = event_check(g);
    x_rm(g->c, 0xff, false, call ? 2 : 4, MEM(RAX, (i32)offsetof(struct jc_entry, code)));
    u8 *back_here = g->c->p;
    bool hot = aside(g);
    bind_cold(g, miss);
    if (call) {
        must(hot);
        jump_abs(g, x_call(g->c), g->cfg->thunks->lookup);
        back_to_hot(g, back_here);
    } else {
        jump_abs(g, x_jmp(g->c), g->cfg->thunks->lookup);
    }
    bind_cold(g, event);
    x_store(g->c, true, RT_MEM(pc), RDX);
    x_mov_i(g->c, RAX, reason_token(REASON_EVENT));
    jump_abs(g, x_jmp(g->c), g->cfg->thunks->leave);
    back(g, hot);
}

/* To a constant place in another page. */
static void goto_far(struct gen *g, i32 target, unsigned kind, bool call)
{
    if (g->out->nexits < GEN_MAX_EXITS) {
        exit_new(g, target, kind);
    }
    x_load(g->c, true, RDX, RT_MEM(page));
    if (target) {
        x_alu_i(g->c, ALU_ADD, true, RDX, target);
    }
    go_through_cache(g, call);
}

/* -- calls and returns --------------------------------------------------------------------------------------------
 *
 * The host predicts a guest's return when it is a host return. A call pushes the guest's return address and calls the
 * target's code, so that pairs {host code, guest address} lie on the stack. A return compares: if the address is that
 * of the top pair, `ret` goes to the code behind the call, which knows how to go on at the address. Else it goes
 * through the jump cache when the stack is empty, or drops pairs until one fits (TH_RETURN).
 *
 * Pairs belong to the present context and mode. C marks them stale when these change, when a flush may concern them and
 * when code is evicted (returns_forget in accel/tcg); leaving translated code drops them all. Calls look at the event
 * word, so returns need not: each of them pairs with a call that did. */

/* False: this call's return is not predicted. */
static bool return_push(struct gen *g)
{
    i32 off = (i32)(g->insn_off + g->insn_len);
    if (!same_page(g, off) || g->c != &g->hot) {
        return false;
    }
    /* Often the register that holds the guest's link still has it. */
    ir_ref r = g->last_pc;
    unsigned reg = r && (i32)g->x[r].imm == off ? g->vals[r].reg : NOREG;
    if (reg == NOREG || g->reg_val[reg] != r || (g->base.mask & RBIT(reg))) {
        reg = RCX;
        x_load(g->c, true, RCX, RT_MEM(page));
        x_lea(g->c, true, RCX, MEM(RCX, off));
    }
    x_push(g->c, reg);
    x_alu_m(g->c, ALU_CMP, true, RSP, RT_MEM(ret_limit));
    u8 *full = x_jcc(g->c, X_B);
    u8 *join = g->c->p;
    to_cold(g);
    bind_cold(g, full);
    x_load(g->c, true, RSP, RT_MEM(ret_base));
    x_push(g->c, reg);
    back_to_hot(g, join);
    to_hot(g);
    return true;
}

/* Behind a call: rdx is the guest's address here, the pair's address lies on the stack. */
static void return_land(struct gen *g)
{
    i32 off = (i32)(g->insn_off + g->insn_len);
    x_pop(g->c, RCX);
    if (!can_link(g, off)) {
        go_through_cache(g, false);
        return;
    }
    x_lea(g->c, true, RCX, MEM(RCX, -off));
    x_store(g->c, true, RT_MEM(page), RCX);
    align_disp(g, 1);
    link_here(g, x_jmp(g->c), 1, off, EXIT_JUMP);
}

/* rdx = the guest's address. */
static void go_return(struct gen *g)
{
    x_rm(g->c, 0x39, true, RDX, MEM(RSP, 8));
    u8 *other = x_jcc(g->c, X_NE);
    x_byte(g->c, 0xc3);
    bool hot = aside(g);
    bind_cold(g, other);
    x_alu_m(g->c, ALU_CMP, true, RSP, RT_MEM(ret_base));
    jump_abs(g, x_jcc(g->c, X_B), g->cfg->thunks->slow[TH_RETURN]);
    go_through_cache(g, false);
    back(g, hot);
}

/* -- exits ------------------------------------------------------------------------------------------------------- */

/* The state is canonical: go to page + target. */
static void goto_target(struct gen *g, i32 target, unsigned kind)
{
    if (g->cfg->no_chain) {
        leave(g, target, reason_token(REASON_NONE), g->cfg->thunks->leave);
        return;
    }
    bool call = kind == EXIT_CALL && return_push(g);
    if (!can_link(g, target)) {
        goto_far(g, target, kind, call);
    } else {
        u8 *event = call || is_backward(g, target) ? event_check(g) : NULL;
        align_disp(g, 1);
        u8 *at = call ? x_call(g->c) : x_jmp(g->c);
        link_here(g, at, 1, target, kind);
        if (event) {
            bool hot = aside(g);
            bind_cold(g, event);
            leave(g, target, reason_token(REASON_EVENT), g->cfg->thunks->leave);
            back(g, hot);
        }
    }
    if (call) {
        return_land(g);
    }
}

/* Deterministic mode counted the whole block at its entry: give back what a side exit leaves out. */
static void refund(struct gen *g)
{
    unsigned n = g->ir->ninsns - g->insns_done;
    if (g->cfg->count && n) {
        x_alu_mi(g->c, ALU_ADD, false, RT_MEM(countdown), (i32)n);
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

static struct cond cond_not(struct cond c)
{
    return (struct cond){c.kind == C_AND_NP ? C_OR_P : c.kind == C_OR_P ? C_AND_NP : c.kind, c.cc ^ 1};
}

static u8 *jump_if(struct gen *g, struct cond c, u8 **second)
{
    *second = NULL;
    if (c.kind == C_ALWAYS) {
        return x_jmp(g->c);
    }
    if (c.kind == C_OR_P) {
        *second = x_jcc(g->c, X_P);
    }
    if (c.kind == C_AND_NP) {
        u8 *skip = x_jcc8(g->c, X_P);
        u8 *at = x_jcc(g->c, c.cc);
        x_here8(g->c, skip);
        return at;
    }
    return x_jcc(g->c, c.cc);
}

/* The trace ends with "if c go to x's target, else to y's": one canonical state for both. */
static void exit_pair(struct gen *g, struct cond c, const struct xop *x, const struct xop *y)
{
    i32 target = (i32)x->imm;
    canon(g, &g->base);
    if (c.kind == C_CC && can_link(g, target) && !is_backward(g, target)) {
        align_disp(g, 2);
        u8 *at = x_jcc(g->c, c.cc);
        link_here(g, at, 2, target, EXIT_JUMP);
    } else {
        u8 *second, *at = jump_if(g, cond_not(c), &second);
        goto_target(g, target, EXIT_JUMP);
        x_set_rel(at, g->c->p);
        if (second) {
            x_set_rel(second, g->c->p);
        }
    }
    goto_target(g, (i32)y->imm, y->sub);
    g->i = g->ir->nops - 1; /* the final exit is done */
}

/* A jump back is a loop's more often than not: it goes straight on, what leaves the loop jumps over it. */
static void exit_loop_edge(struct gen *g, struct cond c, i32 target)
{
    u8 *second, *at = jump_if(g, cond_not(c), &second);
    canon(g, &g->base);
    refund(g);
    goto_target(g, target, EXIT_JUMP);
    x_set_rel(at, g->c->p);
    if (second) {
        x_set_rel(second, g->c->p);
    }
}

static void exit_aside(struct gen *g, struct cond c, const struct xop *x)
{
    i32 target = (i32)x->imm;
    canon_prepare(g, &g->base);
    bool whole = !g->cfg->count || g->insns_done == g->ir->ninsns;
    if (c.kind == C_CC && can_link(g, target) && !is_backward(g, target) && whole &&
        state_is_canon(g, &g->base, false)) {
        align_disp(g, 2);
        u8 *at = x_jcc(g->c, c.cc);
        link_here(g, at, 2, target, EXIT_JUMP);
        return;
    }
    struct eflags ef = g->ef;
    if (c.kind != C_ALWAYS && same_page(g, target) && is_backward(g, target)) {
        exit_loop_edge(g, c, target);
        g->ef = ef;
        return;
    }
    u8 *second, *at = jump_if(g, c, &second);
    to_cold(g);
    bind_cold(g, at);
    if (second) {
        bind_cold(g, second);
    }
    canon(g, &g->base);
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
            unsigned kind = f->rk == RK_SUB_DB || f->rk == RK_SUB_AD ? RK_SUB : f->rk == RK_ADD_DB ? RK_ADD : f->rk;
            bool have = g->ef.kind == kind && g->ef.a == f->a && g->ef.b == f->b && g->ef.type == (u8)f->imm;
            if (!have || (kind == RK_FCMP && g->ef.fcmp != f->imm << 1)) {
                return true;
            }
        }
    }
    return false;
}

static bool is_loop_back(const struct gen *g, const struct xop *x)
{
    bool call = x->op == IR_exit && x->sub == EXIT_CALL;
    return g->out->loops && !call && (i32)x->imm == (i32)g->ir->start_off;
}

static void loop_back(struct gen *g)
{
    canon(g, &g->pins);
    x_set_rel(x_jmp(g->c), g->loop_head);
}

static void loop_back_if(struct gen *g, struct cond c)
{
    canon_prepare(g, &g->pins);
    /* When only flags are not where they should be they go home on both ways, for EFLAGS survive that. */
    if (c.kind == C_CC && state_is_canon(g, &g->pins, true) && !flags_need_work(g)) {
        flags_home(g);
        x_set_rel(x_jcc(g->c, c.cc), g->loop_head);
        return;
    }
    struct eflags ef = g->ef;
    u8 *second = NULL, *at = c.kind == C_ALWAYS ? NULL : jump_if(g, cond_not(c), &second);
    loop_back(g);
    if (at) {
        x_set_rel(at, g->c->p);
    }
    if (second) {
        x_set_rel(second, g->c->p);
    }
    g->ef = ef;
}

static void exit_if(struct gen *g, struct cond c, struct xop *x)
{
    if (c.kind == C_NEVER) {
        return;
    }
    if (is_loop_back(g, x)) {
        loop_back_if(g, c);
        return;
    }
    const struct xop *y = c.kind == C_ALWAYS ? NULL : final_exit(g);
    /* Making the flags' packed form must not destroy the condition. */
    if (y && !flags_need_work(g)) {
        canon_prepare(g, &g->base);
        exit_pair(g, c, x, y);
    } else {
        exit_aside(g, c, x);
    }
}

void emit_exitcc(struct gen *g, struct xop *x)
{
    exit_if(g, cond_cmp(g, x->sub, x->type, x->a, x->b), x);
}
void emit_exitf(struct gen *g, struct xop *x)
{
    exit_if(g, cond_flags(g, x->sub, x->a), x);
}

void emit_exit(struct gen *g, struct xop *x)
{
    if (is_loop_back(g, x)) {
        canon_prepare(g, &g->pins);
        loop_back(g);
        return;
    }
    canon_prepare(g, &g->base);
    canon(g, &g->base);
    goto_target(g, (i32)x->imm, x->sub);
}

void emit_exit_ind(struct gen *g, struct xop *x)
{
    x_mov(g->c, true, RDX, ra_src(g, x->a, IR_I64));
    canon_prepare(g, &g->base);
    canon(g, &g->base);
    if (g->cfg->no_chain) {
        x_store(g->c, true, RT_MEM(pc), RDX);
        x_mov_i(g->c, RAX, reason_token(REASON_NONE));
        jump_abs(g, x_jmp(g->c), g->cfg->thunks->leave);
    } else if (x->sub == EXIT_RET) {
        go_return(g);
    } else {
        bool call = x->sub == EXIT_CALL && return_push(g);
        go_through_cache(g, call);
        if (call) {
            return_land(g);
        }
    }
}

void emit_exit_pc(struct gen *g, struct xop *x UNUSED)
{
    state_home(g);
    if (g->cfg->no_chain) {
        x_mov_i(g->c, RAX, reason_token(REASON_NONE));
        jump_abs(g, x_jmp(g->c), g->cfg->thunks->slow[TH_LEAVE_HOME]);
    } else {
        x_load(g->c, true, RDX, RT_MEM(pc));
        jump_abs(g, x_jmp(g->c), g->cfg->thunks->slow[TH_LOOKUP_HOME]);
    }
}

void emit_exit_loop(struct gen *g, struct xop *x)
{
    state_home(g);
    leave(g, (i32)(g->insn_off + g->insn_len), reason_token(x->imm), g->cfg->thunks->slow[TH_LEAVE_HOME]);
}

/* -- entry ------------------------------------------------------------------------------------------------------- */

void control_entry(struct gen *g)
{
    x_nops(g->c, 5);
    if (g->cfg->count) {
        x_alu_mi(g->c, ALU_SUB, false, RT_MEM(countdown), (i32)g->ir->ninsns);
        u8 *out = x_jcc(g->c, X_S);
        to_cold(g);
        bind_cold(g, out);
        x_alu_mi(g->c, ALU_ADD, false, RT_MEM(countdown), (i32)g->ir->ninsns);
        leave(g, (i32)g->ir->start_off, reason_token(REASON_EVENT), g->cfg->thunks->leave);
        to_hot(g);
    }
}

void control_stale(struct gen *g)
{
    to_cold(g);
    g->out->stale_off = (u32)(g->c->p - g->out->rw);
    leave(g, (i32)g->ir->start_off, reason_token(REASON_RETRANSLATE), g->cfg->thunks->leave);
    to_hot(g);
}

/* -- patching ---------------------------------------------------------------------------------------------------- */

static void store8(u8 *rw, u64 v)
{
    __atomic_store_n((u64 *)(void *)rw, v, __ATOMIC_RELEASE);
}
/* Replaces the four bytes at rw, inside one aligned eight. */
static void patch4(u8 *rw, u32 v)
{
    uintptr_t in = (uintptr_t)rw & 7;
    must(in <= 4);
    u64 old = __atomic_load_n((u64 *)(void *)(rw - in), __ATOMIC_RELAXED);
    store8(rw - in, (old & ~(0xffffffffull << 8 * in)) | (u64)v << 8 * in);
}

void x_patch_jump(u8 *rw, const u8 *at, const u8 *target)
{
    unsigned opcode_bytes = *rw == 0x0f ? 2 : 1;
    must(*rw == 0x0f || *rw == 0xe9 || *rw == 0xe8);
    i64 rel = target - (at + opcode_bytes + 4);
    must(rel == (i32)rel);
    patch4(rw + opcode_bytes, (u32)rel);
}

void x_patch_entry(u8 *rw, const u8 *entry, const u8 *stale)
{
    must(((uintptr_t)rw & 7) == 0);
    i64 rel = stale - (entry + 5);
    must(rel == (i32)rel);
    u64 old = __atomic_load_n((u64 *)(void *)rw, __ATOMIC_RELAXED);
    store8(rw, (old & ~0xffffffffffull) | 0xe9 | (u64)(u32)rel << 8);
}
