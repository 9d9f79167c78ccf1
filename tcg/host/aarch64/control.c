/* Leaving, linked jumps, the jump cache, predicted returns: the instructions of exits.c. Only scratch registers are
 * used; T2 is the target of an indirect jump. A jump reaches 128 MiB: struct host's `reach`. */
#include "tcg/host/aarch64/a_priv.h"

/* -- leaving ------------------------------------------------------------------------------------------------------- */

void a_leave(struct gen *g, i32 off, u32 token, unsigned th)
{
    a_mov_i(g->c, T1, (u64)(i64)off);
    if (th != TH_LEAVE_EVENT_OFF) {
        a_mov_i(g->c, T0, token);
    }
    jump_abs(g, a_b(g->c), g->cfg->thunks->slow[th]);
}
void a_leave_at(struct gen *g, u32 token, const void *thunk)
{
    a_mem(g->c, A_STR_X, T2, CPU, RT_OFF(pc));
    a_mov_i(g->c, T0, token);
    jump_abs(g, a_b(g->c), thunk);
}

u8 *a_event_check(struct gen *g)
{
    a_mem(g->c, A_LDR_W, T0, CPU, RT_OFF(event));
    return a_cbz(g->c, true, false, T0);
}

u8 *a_jump_if(struct gen *g, struct cond c, u8 **second)
{
    *second = NULL;
    switch (c.kind) {
    case C_ZERO:
        return a_cbz(g->c, c.cc == A_NE, c.bit, c.reg);
    case C_BIT: /* TBZ does not reach the cold code before that moves up */
        a_bfm(g->c, false, true, T0, c.reg, c.bit, c.bit);
        return a_cbz(g->c, c.cc == A_NE, false, T0);
    default:
        return a_bcc(g->c, c.cc);
    }
}
struct cond a_cond_not(struct cond c)
{
    c.cc ^= 1;
    return c;
}
struct cond a_cond_keep(struct gen *g, struct cond c)
{
    if (c.kind >= C_HOST) {
        a_mov(g->c, true, T2, c.reg);
        c.reg = T2;
    }
    return c;
}

/* -- the jump cache ---------------------------------------------------------------------------------------------- */

void a_set_target(struct gen *g, unsigned reg)
{
    a_mov(g->c, true, T2, reg);
}
void a_move_page(struct gen *g, i32 by)
{
    a_mem(g->c, A_LDR_X, T0, CPU, RT_OFF(page));
    a_add_imm(g->c, T0, T0, by);
    a_mem(g->c, A_STR_X, T0, CPU, RT_OFF(page));
}
void a_set_target_far(struct gen *g, i32 off)
{
    a_mem(g->c, A_LDR_X, T2, CPU, RT_OFF(page));
    a_add_imm(g->c, T2, T2, off);
}
void a_set_target_pc(struct gen *g)
{
    a_mem(g->c, A_LDR_X, T2, CPU, RT_OFF(pc));
}

_Static_assert(sizeof(struct jc_entry) == 16 && offsetof(struct jc_entry, code) == 8, "read as a pair");

void a_go_target(struct gen *g, bool call)
{
    struct code *c = g->c;
    u32 page_mask = 0;
    must(a_imm_logic(~MASK(g->ir->page_bits), true, &page_mask));
    a_rrr_shift(c, A_EOR, true, T0, T2, T2, A_LSR, JC_FOLD);
    a_mem(c, A_LDR_X, T1, CPU, RT_OFF(jc));
    a_bfm(c, false, true, T0, T0, 2, 2 + JC_BITS - 1);
    a_rrr_shift(c, A_ADD, true, T0, T1, T0, A_LSL, 4);
    a_pair(c, A_LDP, A_OFFSET, T1, T0, T0, 0);
    a_rrr(c, A_EOR, true, T1, T1, T2);
    u8 *miss = a_cbz(c, true, true, T1);
    a_logic_i(c, A_AND, true, T1, T2, page_mask);
    a_mem(c, A_STR_X, T1, CPU, RT_OFF(page));
    a_mem(c, A_LDR_W, T1, CPU, RT_OFF(event));
    u8 *event = a_cbz(c, true, false, T1);
    (call ? a_blr : a_br)(c, T0);
    bool hot = aside(g);
    bind_cold(g, miss);
    jump_abs(g, a_b(g->c), g->cfg->thunks->lookup); /* a call's return address is on the stack already */
    bind_cold(g, event);
    jump_abs(g, a_b(g->c), g->cfg->thunks->slow[TH_LEAVE_EVENT_AT]);
    back(g, hot);
}

/* -- calls and returns --------------------------------------------------------------------------------------------
 *
 * The host predicts a guest's return when it is a host return. A call pushes the pair {host code behind it, guest's
 * return address} and calls the target's code by bl, so that the host's own prediction knows the place. A return
 * compares: if the address is that of the top pair, it takes the pair away and `ret`s to its code, which knows how to
 * go on at the address. Else it goes through the jump cache when the stack is empty, or drops pairs until one fits
 * (TH_RETURN).
 *
 * Pairs belong to the present context and mode. C marks them stale when these change, when a flush may concern them and
 * when code is evicted (returns_forget in accel/tcg); leaving translated code drops them all. Calls look at the event
 * word, so returns need not: each of them pairs with a call that did. */

void a_cmp_sp(struct code *c, unsigned rm)
{
    a_insn(c, 0xeb2063ffu | a_rm(rm)); /* subs xzr, sp, rm */
}

bool a_return_push(struct gen *g, i32 off)
{
    /* Often the register that holds the guest's link still has it. */
    ir_ref r = g->last_pc;
    unsigned reg = r && (i32)g->x[r].imm == off ? g->vals[r].reg : NOREG;
    if (reg == NOREG || g->reg_val[reg] != r || (g->base.mask & RBIT(reg))) {
        reg = T1;
        a_mem(g->c, A_LDR_X, T1, CPU, RT_OFF(page));
        a_add_imm(g->c, T1, T1, off);
    }
    g->ret_at = a_adr(g->c, LR);
    a_pair(g->c, A_STP, A_PRE, LR, reg, SP, -16);
    a_mem(g->c, A_LDR_X, T0, CPU, RT_OFF(ret_limit));
    a_cmp_sp(g->c, T0);
    u8 *full = a_bcc(g->c, A_LO), *join = g->c->p;
    to_cold(g);
    bind_cold(g, full);
    a_mem(g->c, A_LDR_X, T0, CPU, RT_OFF(ret_base));
    a_pair(g->c, A_LDP, A_OFFSET, LR, T1, SP, 0);
    a_mov_sp(g->c, SP, T0);
    a_pair(g->c, A_STP, A_PRE, LR, T1, SP, -16);
    back_to_hot(g, join);
    to_hot(g);
    return true;
}

/* Behind a call: T2 is the guest's address here. */
void a_return_land(struct gen *g, i32 off)
{
    a_bind(g->ret_at, g->c->p);
    if (!can_link(g, off)) {
        a_go_target(g, false);
        return;
    }
    a_add_imm(g->c, T1, T2, -off);
    a_mem(g->c, A_STR_X, T1, CPU, RT_OFF(page));
    link_jump(g, off, EXIT_JUMP, false);
}

void a_go_return(struct gen *g)
{
    a_pair(g->c, A_LDP, A_OFFSET, LR, T1, SP, 0);
    a_rrr(g->c, A_EOR, true, T1, T1, T2);
    u8 *other = a_cbz(g->c, true, true, T1);
    a_addsub_i(g->c, false, false, true, SP, SP, 16 << 10);
    a_ret(g->c, LR);
    bool hot = aside(g);
    bind_cold(g, other);
    a_mem(g->c, A_LDR_X, T0, CPU, RT_OFF(ret_base));
    a_cmp_sp(g->c, T0);
    u8 *empty = a_bcc(g->c, A_HS);
    jump_abs(g, a_b(g->c), g->cfg->thunks->slow[TH_RETURN]);
    a_bind(empty, g->c->p);
    a_go_target(g, false);
    back(g, hot);
}

/* -- entry ------------------------------------------------------------------------------------------------------- */

void a_entry(struct gen *g)
{
    a_insn(g->c, (u32)A_NOP);
}
static void count(struct gen *g, int n)
{
    a_mem(g->c, A_LDR_W, T0, CPU, RT_OFF(countdown));
    a_mov_i(g->c, T1, (u32)n);
    a_rrr(g->c, A_ADDS, false, T0, T0, T1);
    a_mem(g->c, A_STR_W, T0, CPU, RT_OFF(countdown));
}
u8 *a_count_down(struct gen *g, unsigned n)
{
    count(g, -(int)n);
    return a_bcc(g->c, A_MI);
}
void a_count_up(struct gen *g, unsigned n)
{
    count(g, (int)n);
}

/* -- patching ----------------------------------------------------------------------------------------------------
 *
 * B, BL and NOP may be changed to B or BL while other threads run them (DDI 0487, B2.2.5): they do one or the other. */

void a_flush_code(u8 *rw, const u8 *rx, size_t n)
{
#if defined(__aarch64__)
    u64 ctr;
    __asm__("mrs %0, ctr_el0" : "=r"(ctr));
    uintptr_t dline = 4u << (ctr >> 16 & 15), iline = 4u << (ctr & 15);
    for (uintptr_t p = (uintptr_t)rw & ~(dline - 1); p < (uintptr_t)rw + n; p += dline) {
        __asm__ volatile("dc cvau, %0" : : "r"(p) : "memory");
    }
    __asm__ volatile("dsb ish" : : : "memory");
    for (uintptr_t p = (uintptr_t)rx & ~(iline - 1); p < (uintptr_t)rx + n; p += iline) {
        __asm__ volatile("ic ivau, %0" : : "r"(p) : "memory");
    }
    __asm__ volatile("dsb ish\n\tisb" : : : "memory");
#else
    (void)rw;
    (void)rx;
    (void)n;
#endif
}

static void patch(u8 *rw, const u8 *at, const u8 *target, u32 opc)
{
    i64 d = (target - at) >> 2;
    must(d >= -(1 << 25) && d < 1 << 25);
    __atomic_store_n((u32 *)(void *)rw, opc | ((u32)d & 0x03ffffff), __ATOMIC_RELEASE);
    a_flush_code(rw, at, 4);
}
void a_patch_jump(u8 *rw, const u8 *at, const u8 *target)
{
    u32 old;
    memcpy(&old, rw, 4);
    must((old & 0x7c000000) == 0x14000000);
    patch(rw, at, target, old & 0xfc000000);
}
void a_patch_entry(u8 *rw, const u8 *entry, const u8 *stale)
{
    patch(rw, entry, stale, 0x14000000);
}
