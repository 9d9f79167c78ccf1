/* Leaving, linked jumps, the jump cache, predicted returns: the instructions of exits.c. Only rax, rcx and rdx are
 * used; rdx is the target of an indirect jump. */
#include "tcg/host/x86_64/x_priv.h"

/* -- leaving ------------------------------------------------------------------------------------------------------- */

void x_leave(struct gen *g, i32 off, u32 token, unsigned th)
{
    x_mov_i(g->c, RCX, (u64)(i64)off);
    if (th != TH_LEAVE_EVENT_OFF) {
        x_mov_i(g->c, RAX, token);
    }
    jump_abs(g, x_jmp(g->c), g->cfg->thunks->slow[th]);
}

u8 *x_event_check(struct gen *g)
{
    x_alu_mi(g->c, ALU_CMP, false, RT_MEM(event), 0);
    return x_jcc(g->c, X_NE);
}

void x_leave_at(struct gen *g, u32 token, const void *thunk)
{
    x_store(g->c, true, RT_MEM(pc), RDX);
    x_mov_i(g->c, RAX, token);
    jump_abs(g, x_jmp(g->c), thunk);
}

/* The displacement is to lie inside eight aligned bytes, so that one store changes it. */
void x_align_link(struct gen *g, bool cond)
{
    unsigned opcode_bytes = cond ? 2 : 1;
    unsigned at = (unsigned)((uintptr_t)(g->c->p + opcode_bytes) & 7);
    if (at > 4) {
        x_nops(g->c, 8 - at);
    }
}

u8 *x_jump_if(struct gen *g, struct cond c, u8 **second)
{
    *second = NULL;
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
struct cond x_cond_not(struct cond c)
{
    return (struct cond){.kind = c.kind == C_AND_NP ? C_OR_P : c.kind == C_OR_P ? C_AND_NP : c.kind, .cc = c.cc ^ 1};
}

/* -- the jump cache ---------------------------------------------------------------------------------------------- */

enum { JC_ENTRY_LOG2 = 4 };
_Static_assert(sizeof(struct jc_entry) == 1 << JC_ENTRY_LOG2, "scaled below");

void x_set_target(struct gen *g, unsigned reg)
{
    x_mov(g->c, true, RDX, reg);
}
void x_move_page(struct gen *g, i32 by)
{
    x_alu_mi(g->c, ALU_ADD, true, RT_MEM(page), by);
}
void x_set_target_far(struct gen *g, i32 off)
{
    x_load(g->c, true, RDX, RT_MEM(page));
    if (off) {
        x_alu_i(g->c, ALU_ADD, true, RDX, off);
    }
}
void x_set_target_pc(struct gen *g)
{
    x_load(g->c, true, RDX, RT_MEM(pc));
}

u8 *x_jc_go(struct code *c, bool call, u8 **event)
{
    x_mov(c, false, RAX, RDX);
    x_shift(c, SH_SHR, false, RAX, JC_FOLD);
    x_alu(c, ALU_XOR, false, RAX, RDX);
    x_alu_i(c, ALU_AND, false, RAX, (JC_SIZE - 1) << 2);
    x_shift(c, SH_SHL, false, RAX, JC_ENTRY_LOG2 - 2);
    x_alu_m(c, ALU_ADD, true, RAX, RT_MEM(jc));
    x_rm(c, 0x39, true, RDX, MEM(RAX, 0));
    u8 *miss = x_jcc(c, X_NE);
    x_mov(c, true, RCX, RDX);
    x_alu_i(c, ALU_AND, true, RCX, -(1 << TLB_PAGE_BITS));
    x_store(c, true, RT_MEM(page), RCX);
    x_alu_mi(c, ALU_CMP, false, RT_MEM(event), 0);
    *event = x_jcc(c, X_NE);
    x_rm(c, 0xff, false, call ? 2 : 4, MEM(RAX, (i32)offsetof(struct jc_entry, code)));
    return miss;
}

/* A call comes back behind this. */
void x_go_target(struct gen *g, bool call)
{
    u8 *event, *miss = x_jc_go(g->c, call, &event);
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
    jump_abs(g, x_jmp(g->c), g->cfg->thunks->slow[TH_LEAVE_EVENT_AT]);
    back(g, hot);
}

/* -- calls and returns --------------------------------------------------------------------------------------------
 *
 * The host predicts a guest's return when it is a host return. A call pushes the guest's return address and calls the
 * target's code, so that pairs {host code, guest address} lie on the stack. A return compares: if the address is that
 * of the top pair, `ret` goes to the code behind the call, which knows how to go on at the address. Else
 * (TH_RETURN) pairs are dropped until one fits, or the jump cache knows the way when none does.
 *
 * Pairs belong to the present context and mode. C marks them stale when these change, when a flush may concern them and
 * when code is evicted (returns_forget in accel/tcg); leaving translated code drops them all. Calls look at the event
 * word, so returns need not: each of them pairs with a call that did. */

bool x_return_push(struct gen *g, i32 off)
{
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
void x_return_land(struct gen *g, i32 off)
{
    x_pop(g->c, RCX);
    if (!can_link(g, off)) {
        x_go_target(g, false);
        return;
    }
    x_lea(g->c, true, RCX, MEM(RCX, -off));
    x_store(g->c, true, RT_MEM(page), RCX);
    link_jump(g, off, EXIT_JUMP, false);
}

/* rdx = the guest's address. */
void x_go_return(struct gen *g)
{
    x_rm(g->c, 0x39, true, RDX, MEM(RSP, 8));
    jump_abs(g, x_jcc(g->c, X_NE), g->cfg->thunks->slow[TH_RETURN]);
    x_byte(g->c, 0xc3);
}

/* -- entry ------------------------------------------------------------------------------------------------------- */

void x_entry(struct gen *g)
{
    x_nops(g->c, 5);
}
u8 *x_count_down(struct gen *g, unsigned n)
{
    x_alu_mi(g->c, ALU_SUB, false, RT_MEM(countdown), (i32)n);
    return x_jcc(g->c, X_S);
}
void x_count_up(struct gen *g, unsigned n)
{
    x_alu_mi(g->c, ALU_ADD, false, RT_MEM(countdown), (i32)n);
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
