/* The entry points all blocks share: in and out of translated code, the slow paths' calls into C, constants.
 *
 * Stack inside translated code: rsp is 16-byte aligned; `enter` has pushed the callee-saved registers and a pair that
 * marks the bottom of the return stack (control.c), which `leave` takes away with all that lies on it. MXCSR is the
 * guest's, in rt.host_fp whenever C runs. C may move the TLB, so r15 is loaded again after each call. */
#include "tcg/host/x86_64/x_priv.h"

struct maker {
    struct code c;
    u8 *rw;
    const u8 *rx;
    struct pins pins;
    u32 table[8]; /* offsets of the function pointers */
    u8 *ret_bottom, *lookup;
    u8 *return_event; /* a jump to where events leave */
};
enum { RET_DEPTH = 512 };
enum { FN_LOAD, FN_STORE, FN_ATOMIC, FN_LOOKUP, FN_FALLBACK, FN_X87, FN_COUNT };

static const void *here(const struct maker *m)
{
    return m->rx + (m->c.p - m->rw);
}
static void align16(struct maker *m)
{
    x_nops(&m->c, (unsigned)(-(uintptr_t)m->c.p & 15));
}

static void pins_load(struct maker *m, const struct ir_target *t)
{
    for (unsigned k = 0; k < m->pins.n; k++) {
        const struct ir_slot *s = &t->slots[m->pins.slot[k]];
        x_arch.load(&m->c, s->type, m->pins.reg[k], (i32)s->off);
    }
}
static void pins_store(struct maker *m, const struct ir_target *t)
{
    for (unsigned k = 0; k < m->pins.n; k++) {
        const struct ir_slot *s = &t->slots[m->pins.slot[k]];
        x_arch.store(&m->c, s->type, (i32)s->off, m->pins.reg[k]);
    }
}

static void mxcsr(struct maker *m, bool load, struct mem at)
{
    v_rrm(&m->c, 0xae | M0F, load ? 2 : 3, 0, at);
}
static void to_c_fp(struct maker *m)
{
    x_upper_zero(&m->c);
    mxcsr(m, false, RT_MEM(host_fp));
    mxcsr(m, true, RT_MEM(c_fp));
}
static void to_guest_fp(struct maker *m)
{
    mxcsr(m, true, RT_MEM(host_fp));
}
static void call_fn(struct maker *m, unsigned fn)
{
    x_rm(&m->c, 0xff, false, 2, MEM(RIP, 0));
    x_set_rel(m->c.p - 4, m->rw + m->table[fn]);
}

/* rdx = guest address the top of the return stack does not know. Pairs may lie on it whose calls never return; when
 * none fits the stack is empty. In one place for all returns: it is rare where calls and returns go by pairs. */
static void make_returns(struct maker *m, struct host_thunks *out)
{
    align16(m);
    u8 *found = m->c.p, *event;
    x_byte(&m->c, 0xc3);
    u8 *drop = m->c.p;
    x_alu_i(&m->c, ALU_ADD, true, RSP, 16);
    x_rm(&m->c, 0x39, true, RDX, MEM(RSP, 8));
    x_set_rel(x_jcc(&m->c, X_E), found);
    out->slow[TH_RETURN] = here(m);
    x_alu_m(&m->c, ALU_CMP, true, RSP, RT_MEM(ret_base));
    x_set_rel(x_jcc(&m->c, X_B), drop);
    x_set_rel(x_jc_go(&m->c, false, &event), m->lookup);
    m->return_event = event;
    /* Reached by ret, from pairs that fit by accident: the bottom stays, a stale pair goes. */
    m->ret_bottom = m->c.p;
    x_alu_i(&m->c, ALU_SUB, true, RSP, 8);
    x_set_rel(x_jmp(&m->c), m->lookup);
    out->ret_stale = here(m);
    x_alu_i(&m->c, ALU_ADD, true, RSP, 8);
    x_set_rel(x_jmp(&m->c), m->lookup);
}

/* rt.nonzero, for C may have written them. */
static void zeros_look(struct maker *m, const struct ir_target *t)
{
    for (unsigned k = 0; k < t->nzeros; k += 2) {
        i32 off = (i32)t->slots[t->zeros + k].off;
        must(t->slots[t->zeros + k + 1].off == (u32)off + 16);
        v_rrm(&m->c, k ? 0x56 | M0F | OPL : X_MOVUPS | OPL, XMM0, k ? XMM0 : 0, MEM(RBP, off - RT_BIAS)); /* vorps */
    }
    if (t->nzeros) {
        v_rrr(&m->c, 0x17 | M38 | P66 | OPL, XMM0, 0, XMM0); /* vptest */
        x_setcc(&m->c, X_NE, RCX);
        x_rr(&m->c, X_MOVZX8, false, RCX, RCX);
        x_store(&m->c, false, RT_MEM(nonzero), RCX);
    }
}

static const u8 callee_saved[] = {RBX, RBP, R12, R13, R14, R15};

static void make_enter(struct maker *m, const struct ir_target *t, struct host_thunks *out)
{
    align16(m);
    out->enter = here(m);
    for (unsigned k = 0; k < ARRAY_LEN(callee_saved); k++) {
        x_push(&m->c, callee_saved[k]);
    }
    x_alu_i(&m->c, ALU_SUB, true, RSP, 8);
    x_lea(&m->c, true, RBP, MEM(RDI, RT_BIAS));
    x_mov(&m->c, true, RAX, RSI);
    mxcsr(m, false, RT_MEM(c_fp));
    to_guest_fp(m);
    zeros_look(m, t);
    x_load(&m->c, true, R15, RT_MEM(tlb));
    x_zero(&m->c, RCX);
    x_push(&m->c, RCX);
    x_lea(&m->c, true, RCX, MEM(RIP, 0));
    x_set_rel(m->c.p - 4, m->ret_bottom);
    x_push(&m->c, RCX);
    x_store(&m->c, true, RT_MEM(ret_base), RSP);
    x_lea(&m->c, true, RCX, MEM(RSP, -16 * RET_DEPTH));
    x_store(&m->c, true, RT_MEM(ret_limit), RCX);
    pins_load(m, t);
    x_rr(&m->c, 0xff, false, 4, RAX);
}

/* rcx = offset in the page. */
static void set_pc(struct maker *m)
{
    x_alu_m(&m->c, ALU_ADD, true, RCX, RT_MEM(page));
    x_store(&m->c, true, RT_MEM(pc), RCX);
}

/* rax = token. */
static void make_leave(struct maker *m, const struct ir_target *t, struct host_thunks *out)
{
    align16(m);
    out->slow[TH_LEAVE_OFF_HOME] = here(m);
    set_pc(m);
    u8 *home = x_jmp(&m->c);
    out->slow[TH_LEAVE_OFF] = here(m);
    set_pc(m);
    u8 *off = x_jmp8(&m->c);
    out->slow[TH_LEAVE_EVENT_OFF] = here(m);
    set_pc(m);
    u8 *event = x_jmp8(&m->c);
    out->slow[TH_LEAVE_EVENT_AT] = here(m);
    x_set_rel(m->return_event, m->c.p);
    x_store(&m->c, true, RT_MEM(pc), RDX);
    x_here8(&m->c, event);
    out->leave_event = here(m);
    x_mov_i(&m->c, RAX, TOKEN_REASON | REASON_EVENT << 3);
    x_here8(&m->c, off);
    out->leave = here(m);
    pins_store(m, t);
    x_set_rel(home, m->c.p);
    to_c_fp(m);
    x_load(&m->c, true, RSP, RT_MEM(ret_base));
    x_alu_i(&m->c, ALU_ADD, true, RSP, 16 + 8);
    x_store_i(&m->c, true, RT_MEM(ret_sp), 0);
    for (unsigned k = ARRAY_LEN(callee_saved); k-- > 0;) {
        x_pop(&m->c, callee_saved[k]);
    }
    x_byte(&m->c, 0xc3);
}

/* rdx = virtual target. */
static void make_lookup(struct maker *m, const struct ir_target *t, struct host_thunks *out)
{
    align16(m);
    out->lookup = here(m);
    m->lookup = m->c.p;
    pins_store(m, t);
    to_c_fp(m);
    x_lea(&m->c, true, RDI, MEM(RBP, -RT_BIAS));
    x_mov(&m->c, true, RSI, RDX);
    x_store(&m->c, true, RT_MEM(ret_sp), RSP);
    call_fn(m, FN_LOOKUP);
    to_guest_fp(m);
    x_load(&m->c, true, R15, RT_MEM(tlb));
    pins_load(m, t);
    x_rr(&m->c, 0xff, false, 4, RAX);
}

enum { SAVED = GPR_ALLOC, RESTORED = GPR_CALLER_SAVED };

static void save_all(struct maker *m, bool vec)
{
    for (u64 r = SAVED; r; r &= r - 1) {
        x_store(&m->c, true, RT_AT(save_gpr, ctz64(r)), ctz64(r));
    }
    for (u64 r = vec ? XMM_ALLOC : 0; r; r &= r - 1) {
        v_rrm(&m->c, X_MOVUPS_MR, ctz64(r), 0, RT_AT(save_vec, ctz64(r) - XMM0));
    }
}
static void restore_all(struct maker *m, bool vec)
{
    for (u64 r = RESTORED; r; r &= r - 1) {
        x_load(&m->c, true, ctz64(r), RT_AT(save_gpr, ctz64(r)));
    }
    for (u64 r = vec ? XMM_ALLOC : 0; r; r &= r - 1) {
        v_rrm(&m->c, X_MOVUPS, ctz64(r), 0, RT_AT(save_vec, ctz64(r) - XMM0));
    }
}

/* rax = va, ecx = descriptor, rdx = value of a store; the return address on the stack is `ra`. */
static void make_slow(struct maker *m, unsigned fn, bool vec, struct host_thunks *out, unsigned slot)
{
    align16(m);
    out->slow[slot] = here(m);
    save_all(m, vec);
    to_c_fp(m);
    x_lea(&m->c, true, RDI, MEM(RBP, -RT_BIAS));
    x_mov(&m->c, true, RSI, RAX);
    if (fn == FN_STORE) {
        x_load(&m->c, true, R8, MEM(RSP, 0));
    } else {
        x_mov(&m->c, false, RDX, RCX);
        x_load(&m->c, true, RCX, MEM(RSP, 0));
    }
    x_store(&m->c, true, RT_MEM(ret_sp), RSP);
    x_alu_i(&m->c, ALU_SUB, true, RSP, 8);
    call_fn(m, fn);
    x_alu_i(&m->c, ALU_ADD, true, RSP, 8);
    if (fn == FN_ATOMIC) {
        x_mov(&m->c, true, RCX, RAX);
    }
    to_guest_fp(m);
    x_load(&m->c, true, R15, RT_MEM(tlb));
    restore_all(m, vec);
    x_byte(&m->c, 0xc3);
}

/* rcx = what to do. The soft float leaves MXCSR alone, so the guest's stays in it: to read and to write it costs more
 * than all else here. */
static void make_fallback(struct maker *m, const struct ir_target *t, struct host_thunks *out)
{
    align16(m);
    out->slow[TH_FALLBACK] = here(m);
    save_all(m, true);
    x_lea(&m->c, true, RDI, MEM(RBP, -RT_BIAS));
    x_lea(&m->c, true, RSI, MEM(RBP, (i32)t->fp_env_off - RT_BIAS));
    x_mov(&m->c, true, RDX, RCX);
    x_upper_zero(&m->c);
    x_alu_i(&m->c, ALU_SUB, true, RSP, 8);
    call_fn(m, FN_FALLBACK);
    x_alu_i(&m->c, ALU_ADD, true, RSP, 8);
    restore_all(m, true);
    x_byte(&m->c, 0xc3);
}

/* The guest's x87 into the host's. */
static void make_x87(struct maker *m, struct host_thunks *out)
{
    align16(m);
    out->slow[TH_X87] = here(m);
    save_all(m, true);
    x_lea(&m->c, true, RDI, MEM(RBP, -RT_BIAS));
    x_upper_zero(&m->c);
    x_alu_i(&m->c, ALU_SUB, true, RSP, 8);
    call_fn(m, FN_X87);
    x_alu_i(&m->c, ALU_ADD, true, RSP, 8);
    restore_all(m, true);
    x_byte(&m->c, 0xc3);
}

u32 x_make_thunks(u8 *rw, const u8 *rx, u32 cap, const struct ir_target *t, const struct rt_funcs *f, bool vpins,
                  struct host_thunks *out)
{
    if (cap < 4096) {
        return 0;
    }
    struct maker m = {.c = {rw}, .rw = rw, .rx = rx};
    pins_make(&m.pins, &x_arch, t, vpins);
    out->vpins = vpins;
    const void *fn[FN_COUNT] = {(const void *)f->load,   (const void *)f->store,      (const void *)f->atomic_ptr,
                                (const void *)f->lookup, (const void *)host_fallback, (const void *)t->x87.load};
    out->slow[TH_TABLE] = rx;
    m.c.p += x_write_table(m.c.p);
    for (unsigned k = 0; k < FN_COUNT; k++) {
        m.table[k] = (u32)(m.c.p - rw);
        x_u64(&m.c, (u64)(uintptr_t)fn[k]);
    }
    make_lookup(&m, t, out);
    make_returns(&m, out);
    make_enter(&m, t, out);
    make_leave(&m, t, out);
    make_slow(&m, FN_LOAD, false, out, TH_LOAD);
    make_slow(&m, FN_LOAD, true, out, TH_LOAD_X);
    make_slow(&m, FN_STORE, false, out, TH_STORE);
    make_slow(&m, FN_STORE, true, out, TH_STORE_X);
    make_slow(&m, FN_ATOMIC, true, out, TH_ATOMIC);
    make_fallback(&m, t, out);
    make_x87(&m, out);
    align16(&m);
    must((u32)(m.c.p - rw) <= cap);
    return (u32)(m.c.p - rw);
}
