/* The entry points all blocks share: in and out of translated code, the slow paths' calls into C.
 *
 * Stack inside translated code: `enter` has saved the callee-saved registers and pushed a pair that marks the bottom of
 * the return stack (control.c), which `leave` takes away with all that lies on it. FPCR and FPSR are the guest's, in
 * rt.host_fp whenever C runs. C may move the TLB, so its register is loaded again after each call. */
#include "tcg/host/aarch64/a_priv.h"

struct maker {
    struct code c;
    u8 *rw;
    const u8 *rx;
    struct pins pins;
    u32 table[8]; /* offsets of the function pointers */
    u8 *ret_bottom, *lookup;
};
enum { RET_DEPTH = 512, FRAME = 160 };
enum { FN_LOAD, FN_STORE, FN_ATOMIC, FN_LOOKUP, FN_FALLBACK, FN_COUNT };

static const void *here(const struct maker *m)
{
    return m->rx + (m->c.p - m->rw);
}

static void pins_load(struct maker *m, const struct ir_target *t)
{
    for (unsigned k = 0; k < m->pins.n; k++) {
        const struct ir_slot *s = &t->slots[m->pins.slot[k]];
        a_mem(&m->c, s->type == IR_I64 ? A_LDR_X : A_LDR_W, m->pins.reg[k], CPU, s->off);
    }
}
static void pins_store(struct maker *m, const struct ir_target *t)
{
    for (unsigned k = 0; k < m->pins.n; k++) {
        const struct ir_slot *s = &t->slots[m->pins.slot[k]];
        a_mem(&m->c, s->type == IR_I64 ? A_STR_X : A_STR_W, m->pins.reg[k], CPU, s->off);
    }
}

/* -- float control -----------------------------------------------------------------------------------------------
 *
 * rt.host_fp has FPCR's bits 22..26 (rounding, flushing, default NaN, alternative halves) and FPSR's 0..7 (exceptions),
 * which do not overlap. Writing FPCR is slow on some processors: not done when nothing changes. */

static u32 logic_field(u64 v)
{
    u32 field = 0;
    must(a_imm_logic(v, false, &field));
    return field;
}
static void set_fpcr(struct code *c, unsigned want, unsigned t)
{
    a_mrs(c, t, A_SYS_FPCR);
    a_rrr(c, A_EOR, false, t, t, want);
    u8 *same = a_cbz(c, false, false, t);
    a_msr(c, A_SYS_FPCR, want);
    a_bind(same, c->p);
}
void a_fp_to_c(struct code *c, unsigned t0, unsigned t1)
{
    a_mrs(c, t0, A_SYS_FPSR);
    a_mrs(c, t1, A_SYS_FPCR);
    a_logic_i(c, A_AND, false, t0, t0, logic_field(0xff));
    a_rrr(c, A_ORR, false, t0, t0, t1);
    a_mem(c, A_STR_W, t0, CPU, RT_OFF(host_fp));
    a_mem(c, A_LDR_W, t0, CPU, RT_OFF(c_fp));
    set_fpcr(c, t0, t1);
}
void a_fp_to_guest(struct code *c, unsigned t0, unsigned t1)
{
    a_mem(c, A_LDR_W, t0, CPU, RT_OFF(host_fp));
    a_logic_i(c, A_AND, false, t1, t0, logic_field(0xff));
    a_msr(c, A_SYS_FPSR, t1);
    a_logic_i(c, A_AND, false, t0, t0, logic_field(0x07c00000));
    set_fpcr(c, t0, t1);
}

static void call_fn(struct maker *m, unsigned fn)
{
    u8 *at = a_ldr_lit(&m->c, IR_I64, T0);
    a_bind(at, m->rw + m->table[fn]);
    a_blr(&m->c, T0);
}
static void add_sp(struct maker *m, unsigned n)
{
    a_addsub_i(&m->c, false, false, true, SP, SP, n << 10);
}
static void sub_sp(struct maker *m, unsigned n)
{
    a_addsub_i(&m->c, true, false, true, SP, SP, n << 10);
}

/* -- in and out -------------------------------------------------------------------------------------------------- */

/* T2 = guest address the top of the return stack does not know. Pairs may lie on it whose calls never return; when none
 * fits the stack is empty. */
static void make_returns(struct maker *m, struct host_thunks *out)
{
    out->slow[TH_RETURN] = here(m);
    u8 *again = m->c.p;
    add_sp(m, 16);
    a_pair(&m->c, A_LDP, A_OFFSET, LR, T1, SP, 0);
    a_cmp(&m->c, true, T1, T2);
    u8 *found = a_bcc(&m->c, A_EQ);
    a_mem(&m->c, A_LDR_X, T0, CPU, RT_OFF(ret_base));
    a_cmp_sp(&m->c, T0);
    a_bind(a_bcc(&m->c, A_LO), again);
    a_bind(a_b(&m->c), m->lookup);
    a_bind(found, m->c.p);
    add_sp(m, 16);
    a_ret(&m->c, LR);
    /* Reached by ret, from pairs that fit by accident: the bottom stays, a stale pair is gone already. */
    m->ret_bottom = m->c.p;
    sub_sp(m, 16);
    a_bind(a_b(&m->c), m->lookup);
    out->ret_stale = here(m);
    a_bind(a_b(&m->c), m->lookup);
}

/* x19..x30 and the low halves of v8..v15: what a C function keeps. */
static void frame(struct maker *m, bool save)
{
    for (unsigned k = 0; k < 6; k++) {
        a_pair(&m->c, save ? A_STP : A_LDP, A_OFFSET, 19 + 2 * k, 20 + 2 * k, SP, (i32)(16 * k));
    }
    for (unsigned k = 0; k < 4; k++) {
        a_pair(&m->c, save ? A_STP_D : A_LDP_D, A_OFFSET, 8 + 2 * k, 9 + 2 * k, SP, (i32)(96 + 16 * k));
    }
}

static void make_enter(struct maker *m, const struct ir_target *t, struct host_thunks *out)
{
    out->enter = here(m);
    sub_sp(m, FRAME);
    frame(m, true);
    a_mov(&m->c, true, CPU, 0);
    a_mov(&m->c, true, T2, 1);
    a_mrs(&m->c, T0, A_SYS_FPCR);
    a_mem(&m->c, A_STR_W, T0, CPU, RT_OFF(c_fp));
    a_fp_to_guest(&m->c, T0, T1);
    a_mem(&m->c, A_LDR_X, TLB, CPU, RT_OFF(tlb));
    a_bind(a_adr(&m->c, T0), m->ret_bottom);
    a_pair(&m->c, A_STP, A_PRE, T0, ZR, SP, -16);
    a_mov_sp(&m->c, T0, SP);
    a_mem(&m->c, A_STR_X, T0, CPU, RT_OFF(ret_base));
    a_add_imm(&m->c, T0, T0, -16 * RET_DEPTH);
    a_mem(&m->c, A_STR_X, T0, CPU, RT_OFF(ret_limit));
    pins_load(m, t);
    a_br(&m->c, T2);
}

/* T1 = offset in the page. */
static void set_pc(struct maker *m)
{
    a_mem(&m->c, A_LDR_X, T2, CPU, RT_OFF(page));
    a_rrr(&m->c, A_ADD, true, T1, T1, T2);
    a_mem(&m->c, A_STR_X, T1, CPU, RT_OFF(pc));
}

/* T0 = token. */
static void make_leave(struct maker *m, const struct ir_target *t, struct host_thunks *out)
{
    out->slow[TH_LEAVE_OFF_HOME] = here(m);
    set_pc(m);
    u8 *home = a_b(&m->c);
    out->slow[TH_LEAVE_OFF] = here(m);
    set_pc(m);
    u8 *off = a_b(&m->c);
    out->slow[TH_LEAVE_EVENT_OFF] = here(m);
    set_pc(m);
    u8 *event = a_b(&m->c);
    out->slow[TH_LEAVE_EVENT_AT] = here(m);
    a_mem(&m->c, A_STR_X, T2, CPU, RT_OFF(pc));
    a_bind(event, m->c.p);
    out->leave_event = here(m);
    a_mov_i(&m->c, T0, TOKEN_REASON | REASON_EVENT << 3);
    a_bind(off, m->c.p);
    out->leave = here(m);
    pins_store(m, t);
    a_bind(home, m->c.p);
    a_mov(&m->c, true, 0, T0);
    a_fp_to_c(&m->c, T0, T1);
    a_mem(&m->c, A_LDR_X, T0, CPU, RT_OFF(ret_base));
    a_addsub_i(&m->c, false, false, true, SP, T0, 16 << 10);
    a_mem(&m->c, A_STR_X, ZR, CPU, RT_OFF(ret_sp));
    frame(m, false);
    add_sp(m, FRAME);
    a_ret(&m->c, LR);
}

/* T2 = virtual target. */
static void make_lookup(struct maker *m, const struct ir_target *t, struct host_thunks *out)
{
    out->lookup = here(m);
    m->lookup = m->c.p;
    pins_store(m, t);
    a_fp_to_c(&m->c, T0, T1);
    a_mov_sp(&m->c, T0, SP);
    a_mem(&m->c, A_STR_X, T0, CPU, RT_OFF(ret_sp));
    a_mov(&m->c, true, 0, CPU);
    a_mov(&m->c, true, 1, T2);
    call_fn(m, FN_LOOKUP);
    a_mov(&m->c, true, LR, 0);
    a_fp_to_guest(&m->c, T0, T1);
    a_mem(&m->c, A_LDR_X, TLB, CPU, RT_OFF(tlb));
    pins_load(m, t);
    a_br(&m->c, LR);
}

/* -- slow paths -------------------------------------------------------------------------------------------------- */

/* The allocator's registers to or from rt.save_gpr and rt.save_vec, in pairs; LR is used. */
static void registers(struct maker *m, bool save, bool vec, u64 gprs)
{
    a_add_imm(&m->c, LR, CPU, RT_OFF(save_gpr));
    for (unsigned r = 0; r < 31; r++) {
        if (!(gprs & RBIT(r))) {
            continue;
        }
        if (gprs & RBIT(r + 1)) {
            a_pair(&m->c, save ? A_STP : A_LDP, A_OFFSET, r, r + 1, LR, (i32)(8 * r));
            r++;
        } else {
            a_mem(&m->c, save ? A_STR_X : A_LDR_X, r, LR, 8 * r);
        }
    }
    if (vec) {
        a_add_imm(&m->c, LR, CPU, RT_OFF(save_vec));
        a_mem(&m->c, save ? A_STR_QV : A_LDR_QV, 3, LR, 48);
        for (unsigned r = 4; r < 32; r += 2) {
            a_pair(&m->c, save ? A_STP_Q : A_LDP_Q, A_OFFSET, r, r + 1, LR, (i32)(16 * r));
        }
    }
}

/* Host flags live on: loads and stores keep them. */
static void begin_slow(struct maker *m, bool vec)
{
    a_pair(&m->c, A_STP, A_PRE, LR, T2, SP, -32);
    registers(m, true, vec, GPR_ALLOC);
    a_mrs(&m->c, 9, A_SYS_NZCV);
    a_mem(&m->c, A_STR_X, 9, SP, 16);
    a_fp_to_c(&m->c, 9, 10);
    a_add_imm(&m->c, 9, SP, 32);
    a_mem(&m->c, A_STR_X, 9, CPU, RT_OFF(ret_sp));
}
/* x0, the result, ends in T0. */
static void end_slow(struct maker *m, bool vec)
{
    a_mov(&m->c, true, T0, 0);
    a_fp_to_guest(&m->c, 9, 10);
    a_mem(&m->c, A_LDR_X, 9, SP, 16);
    a_msr(&m->c, A_SYS_NZCV, 9);
    a_mem(&m->c, A_LDR_X, TLB, CPU, RT_OFF(tlb));
    registers(m, false, vec, GPR_TEMP);
    a_pair(&m->c, A_LDP, A_POST, LR, T2, SP, 32);
    a_ret(&m->c, LR);
}

/* T0 = va, T1 = descriptor, T2 = value of a store; LR is where it was called. */
static void make_slow(struct maker *m, unsigned fn, bool vec, struct host_thunks *out, unsigned slot)
{
    out->slow[slot] = here(m);
    begin_slow(m, vec);
    a_mov(&m->c, true, 0, CPU);
    a_mov(&m->c, true, 1, T0);
    unsigned k = 2;
    if (fn == FN_STORE) {
        a_mov(&m->c, true, k++, T2);
    }
    a_mov(&m->c, true, k++, T1);
    a_mem(&m->c, A_LDR_X, k, SP, 0);
    call_fn(m, fn);
    end_slow(m, vec);
}

/* T1 = what to do. */
static void make_fallback(struct maker *m, const struct ir_target *t, struct host_thunks *out)
{
    out->slow[TH_FALLBACK] = here(m);
    begin_slow(m, true);
    a_mov(&m->c, true, 0, CPU);
    a_mov(&m->c, true, 2, T1);
    a_add_imm(&m->c, 1, CPU, t->fp_env_off);
    call_fn(m, FN_FALLBACK);
    end_slow(m, true);
}

u32 a_make_thunks(u8 *rw, const u8 *rx, u32 cap, const struct ir_target *t, const struct rt_funcs *f, bool vpins,
                  struct host_thunks *out)
{
    if (cap < 8192) {
        return 0;
    }
    struct maker m = {.c = {rw}, .rw = rw, .rx = rx};
    pins_make(&m.pins, &a_arch, t, vpins);
    out->vpins = vpins;
    const void *fn[FN_COUNT] = {(const void *)f->load, (const void *)f->store, (const void *)f->atomic_ptr,
                                (const void *)f->lookup, (const void *)host_fallback};
    for (unsigned k = 0; k < FN_COUNT; k++) {
        m.table[k] = (u32)(m.c.p - rw);
        memcpy(m.c.p, &fn[k], 8);
        m.c.p += 8;
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
    must((u32)(m.c.p - rw) <= cap);
    a_flush_code(rw, rx, (size_t)(m.c.p - rw));
    return (u32)(m.c.p - rw);
}
