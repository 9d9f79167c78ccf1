/* x87 instructions (struct ir_x87) on the host's own x87, which holds the guest's whole state: registers, tags, status
 * and control words. So each is the instruction itself, and stack faults, NaNs, C1 and all else are the processor's.
 * SPEC: SDM volume 1, chapter 8; volume 2, the opcodes D8 to DF.
 *
 * The first one of a trace asks whether the state is there (rt.x87_live) and loads it if not. It stays there, in other
 * blocks and in C, until C settles it, which only helpers that see slots do, or C outside translated code.
 *
 * An access that faults leaves the state as it was: the host's own fault does, and on a slow path a load comes first. A
 * store's value is made first, so the environment is kept for x87_undo; no instruction that stores changes a register.
 */
#include "tcg/host/access.h"
#include "tcg/host/x86_64/memory_priv.h"

enum { BYTES_10 = MO_128 }; /* as a descriptor says it: wide enough that no page's end lies within */

static void op_reg(struct gen *g, unsigned fop)
{
    x_byte(g->c, (u8)(0xd8 | fop >> 8));
    x_byte(g->c, (u8)fop);
}
static void op_mem(struct gen *g, unsigned fop, struct mem m)
{
    x_rm(g->c, 0xd8 | fop >> 8, false, fop >> 3 & 7, m);
}
enum { FNSTENV = 0x130, FLDENV = 0x120, FLDCW = 0x128, FNSTSW_AX = 0x7e0, FCMOVNE = 0x3c8 };

/* -- the state -------------------------------------------------------------------------------------------------------
 */

void x87_begin(struct gen *g)
{
    if (g->x87_ready) {
        return;
    }
    g->x87_ready = true;
    g->ef = (struct hflags){0};
    x_alu_mi(g->c, ALU_CMP, false, RT_MEM(x87_live), 0);
    u8 *at = x_jcc(g->c, X_E), *join = g->c->p;
    to_cold(g);
    bind_cold(g, at);
    jump_abs(g, x_call(g->c), g->cfg->thunks->slow[TH_X87]);
    back_to_hot(g, join);
    to_hot(g);
}

/* After a fault on a store's slow path. */
void x87_undo(struct rt *rt)
{
    if (!rt->x87_tried) {
        return;
    }
    rt->x87_tried = 0;
#ifdef __x86_64__
    __asm__ volatile("fldenv %0" : : "m"(rt->x87_env));
#endif
}

/* -- operands in memory ----------------------------------------------------------------------------------------------
 */

static bool is_store(unsigned fop)
{
    unsigned digit = fop >> 3 & 7;
    return (fop & 0x100) && digit != 0 && digit != 4 && digit != 5;
}

static void slow_load(struct gen *g, struct mem at, unsigned mo, i32 part)
{
    struct mem m = RT_MEM(vtmp);
    m.disp += part;
    at.disp += part;
    mem_slow_args(g, at, mo);
    mem_slow_call(g, vectors_live(g) ? TH_LOAD_X : TH_LOAD);
    x_store(g->c, true, m, RAX);
}
static void slow_store(struct gen *g, struct mem at, unsigned mo, i32 part)
{
    struct mem m = RT_MEM(vtmp);
    m.disp += part;
    at.disp += part;
    mem_slow_args(g, at, mo | MO_STORE);
    x_load(g->c, true, RDX, m);
    mem_slow_call(g, vectors_live(g) ? TH_STORE_X : TH_STORE);
}

/* In the part of 8 bytes, then the other of 2, which does not fault where the first did not. */
static void slow_parts(struct gen *g, void (*f)(struct gen *, struct mem, unsigned, i32), struct mem at, unsigned mo)
{
    if ((mo & MO_SIZE) != BYTES_10) {
        f(g, at, mo, 0);
        return;
    }
    f(g, at, (mo & ~(unsigned)MO_SIZE) | MO_64, 0);
    f(g, at, (mo & ~(unsigned)(MO_SIZE | MO_ALIGN)) | MO_16, 8);
}

static void cold_path(struct gen *g, unsigned fop, struct mem at, unsigned mo)
{
    if (!is_store(fop)) {
        slow_parts(g, slow_load, at, mo);
        op_mem(g, fop, RT_MEM(vtmp));
        return;
    }
    op_mem(g, FNSTENV, RT_MEM(x87_env));
    x_store_i(g->c, false, RT_MEM(x87_tried), 1);
    op_mem(g, fop, RT_MEM(vtmp));
    slow_parts(g, slow_store, at, mo);
    x_store_i(g->c, false, RT_MEM(x87_tried), 0);
}

static void memory(struct gen *g, struct xop *x, unsigned fop)
{
    unsigned mo = (unsigned)const_of(g, x->c);
    struct mem m, at = mem_guest(g, x);
    x87_begin(g);
    u8 *cold =
        mem_access(g, at, mo, is_store(fop) ? offsetof(struct tlb_entry, wr) : offsetof(struct tlb_entry, rd), &m);
    op_mem(g, fop, m);
    if (cold) {
        u8 *join = g->c->p;
        to_cold(g);
        bind_cold(g, cold);
        cold_path(g, fop, at, mo);
        back_to_hot(g, join);
        to_hot(g);
    }
    if (cold || g->cfg->tagged) {
        g->ef = (struct hflags){0};
    }
}

/* -- what has to do with other registers -----------------------------------------------------------------------------
 */

/* The host's flags are the packed form's as long as they last. */
static void flags(struct gen *g, unsigned fop)
{
    unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
    x87_begin(g);
    op_reg(g, fop);
    fcmp_packed(g, FCMP_ZPC);
    x_mov(g->c, false, rd, RAX);
    ra_bind(g, (ir_ref)g->i, rd);
    g->ef = (struct hflags){.kind = RK_PACKED, .type = IR_FLAGS, .a = (u16)g->i, .b = (u16)g->i};
}

static void select_if(struct gen *g, struct xop *x, unsigned fop)
{
    unsigned reg = ra_src(g, x->a, IR_I32);
    x87_begin(g);
    x_test(g->c, false, reg, reg);
    op_reg(g, FCMOVNE | (fop & 7));
    g->ef = (struct hflags){0};
}

static void status(struct gen *g)
{
    unsigned rd = ra_dst(g, 0);
    x87_begin(g);
    op_reg(g, FNSTSW_AX);
    x_rr(g->c, X_MOVZX16, false, rd, RAX);
}

static void control(struct gen *g, struct xop *x)
{
    if (ir_is_const(x->a)) {
        x_store_i(g->c, false, RT_MEM(vtmp), (i32)const_of(g, x->a));
    } else {
        x_store(g->c, false, RT_MEM(vtmp), ra_src(g, x->a, IR_I32));
    }
    x87_begin(g);
    op_mem(g, FLDCW, RT_MEM(vtmp));
}

void emit_x87(struct gen *g, struct xop *x)
{
    u64 word = const_of(g, x->b);
    unsigned fop = X87_FOP(word);
    switch ((enum x87_kind)X87_KIND(word)) {
    case X87_PLAIN:
        x87_begin(g);
        op_reg(g, fop);
        break;
    case X87_MEMORY:
        memory(g, x, fop);
        break;
    case X87_FLAGS:
        flags(g, fop);
        break;
    case X87_SELECT:
        select_if(g, x, fop);
        break;
    case X87_STATUS:
        status(g);
        break;
    case X87_CONTROL:
        control(g, x);
        break;
    }
}
