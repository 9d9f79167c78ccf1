/* F80 on the host's x87. Values live on its stack within a block and in memory of 16 bytes between; the stack is empty
 * between blocks and in C. The stack's top moves, so a value is known by its place from the bottom (val.fpos).
 *
 * A register of the file that turns (ir_target.f80) has its home at a place that is known when the block begins:
 * rt.f80_turn. Nothing here but what says so touches EFLAGS.
 *
 * Sticky exceptions gather in the host's status word (float_f80_settle). So does C1, "the last result was rounded up",
 * which most moves clear: it is saved before one when somebody may still ask for it (up_save). A fault of the access
 * that belongs to an F80 instruction may find it cleared. */
#include "tcg/host/x86_64/x87_priv.h"

#include "tcg/interp/float.h"

/* -- instructions ----------------------------------------------------------------------------------------------------
 */

void x87_op(struct gen *g, unsigned a, unsigned b)
{
    x_byte(g->c, (u8)a);
    x_byte(g->c, (u8)b);
}
void x87_mem(struct gen *g, unsigned opcode, unsigned digit, struct mem m)
{
    x_rm(g->c, opcode, false, digit, m);
}
static void load80(struct gen *g, struct mem m)
{
    x87_mem(g, 0xdb, 5, m);
}
static void store80(struct gen *g, struct mem m)
{
    x87_mem(g, 0xdb, 7, m);
}

/* -- places -----------------------------------------------------------------------------------------------------------
 */

/* In eax. */
static struct mem home_mem(struct gen *g, unsigned s)
{
    unsigned first = g->t->f80.first, k = s - first;
    x_rm(g->c, X_MOVZX8, false, RAX, RT_MEM(f80_turn));
    if (k) {
        x_lea(g->c, false, RAX, MEM(RAX, (i32)(F80_BYTES * k)));
        x_rr(g->c, X_MOVZX8, false, RAX, RAX);
    }
    return MEMX(RBP, RAX, 0, slot_off(g, first) - RT_BIAS);
}
_Static_assert(F80_BYTES *F80_REGS == 256, "a byte turns by itself");
static struct mem place_mem(struct gen *g, unsigned loc)
{
    if (loc >= LOC_HOME && loc < LOC_SPILL && g->t->slots[loc - LOC_HOME].type == IR_F80) {
        return home_mem(g, loc - LOC_HOME);
    }
    return MEM(RBP, loc_off(g, loc) - RT_BIAS);
}

void x87_begin(struct gen *g)
{
    x_load(g->c, false, RAX, MEM(RBP, slot_off(g, g->t->f80.turn) - RT_BIAS));
    x_store(g->c, false, RT_MEM(f80_turn), RAX);
    g->fdepth = 0;
    g->fup_live = false;
}

/* -- whether the last result was rounded up --------------------------------------------------------------------------
 */

static bool up_wanted(const struct gen *g)
{
    ir_ref r = g->cur[g->t->f80.up];
    return g->fup_live && ir_is_const(r) && const_of(g, r) == F80_UP_LIVE;
}
static void up_store(struct gen *g)
{
    x87_mem(g, 0xdd, 7, RT_MEM(vtmp)); /* fnstsw */
    x_rm(g->c, X_MOVZX8, false, RAX, MEM(RBP, RT_OFF(vtmp) + 1 - RT_BIAS));
    x_store(g->c, false, MEM(RBP, slot_off(g, g->t->f80.up) - RT_BIAS), RAX);
}
/* Does anybody see it before the next op that decides it? */
static bool up_seen_later(const struct gen *g)
{
    for (unsigned j = g->i + 1; j < g->ir->nops; j++) {
        const struct ir_op *op = &g->ir->ops[j];
        if (op->op == IR_put && op->imm == g->t->f80.up) {
            return false;
        }
        if (ir_ops[op->op].flags & (OPF_FAULT | OPF_END) || op->op == IR_exitcc || op->op == IR_exitf ||
            op->op == IR_call || op->op == IR_fstat) {
            return true;
        }
    }
    return true;
}
/* Before a call, which may ask for it. */
void x87_up_settle(struct gen *g)
{
    if (up_wanted(g)) {
        up_store(g);
        g->home[g->t->f80.up] = g->cur[g->t->f80.up];
    }
    g->fup_live = false;
}
void x87_up_save(struct gen *g)
{
    if (up_wanted(g) && up_seen_later(g)) {
        up_store(g);
        g->home[g->t->f80.up] = g->cur[g->t->f80.up];
    }
    g->fup_live = false;
}
/* The instruction just written decides it. */
static void up_new(struct gen *g)
{
    unsigned s = g->t->f80.up;
    g->fup_live = true;
    if (ir_is_const(g->home[s])) {
        g->home[s] = 0;
    }
}

/* -- the stack ---------------------------------------------------------------------------------------------------- */

static bool on_stack(const struct gen *g, ir_ref r)
{
    return g->vals[r].fpos != 0;
}
static unsigned st_of(const struct gen *g, ir_ref r)
{
    return g->fdepth - g->vals[r].fpos;
}
static void set_place(struct gen *g, unsigned pos, ir_ref r)
{
    ir_ref old = pos < g->fdepth ? g->fst[pos] : 0;
    if (old && g->vals[old].fpos == pos + 1) {
        g->vals[old].fpos = 0;
    }
    g->fst[pos] = r;
    if (r) {
        g->vals[r].fpos = (u8)(pos + 1);
    }
}
static void model_push(struct gen *g, ir_ref r)
{
    must(g->fdepth < 8);
    g->fst[g->fdepth++] = 0;
    set_place(g, g->fdepth - 1u, r);
}
static void model_pop(struct gen *g)
{
    ir_ref r = g->fst[--g->fdepth];
    if (r && g->vals[r].fpos == g->fdepth + 1) {
        g->vals[r].fpos = 0;
    }
}
static void model_swap(struct gen *g, unsigned i)
{
    unsigned top = g->fdepth - 1u, pos = top - i;
    ir_ref a = g->fst[top], b = g->fst[pos];
    g->fst[top] = g->fst[pos] = 0;
    set_place(g, top, b);
    set_place(g, pos, a);
}
static void to_top(struct gen *g, ir_ref r)
{
    unsigned i = st_of(g, r);
    if (i) {
        x87_up_save(g);
        x87_op(g, 0xd9, 0xc8 + i); /* fxch */
        model_swap(g, i);
    }
}
/* The value at a place goes; the top takes the place. */
static void remove_at(struct gen *g, unsigned pos)
{
    unsigned i = g->fdepth - 1u - pos;
    x87_up_save(g);
    x87_op(g, 0xdd, 0xd8 + i); /* fstp st(i) */
    ir_ref r = g->fst[pos], top = g->fst[g->fdepth - 1];
    if (r) {
        g->vals[r].fpos = 0;
    }
    g->fst[pos] = 0;
    g->fdepth--;
    if (i) {
        set_place(g, pos, top);
    }
}
static void drop_dead(struct gen *g, ir_ref a, ir_ref b)
{
    for (unsigned pos = g->fdepth; pos-- > 0;) {
        ir_ref r = g->fst[pos];
        if (!r || (r != a && r != b && val_gone(g, r))) {
            remove_at(g, pos);
        }
    }
}
/* To memory, for good. */
static void spill(struct gen *g, unsigned pos)
{
    ir_ref r = g->fst[pos];
    struct val *v = &g->vals[r];
    x87_up_save(g);
    to_top(g, r);
    if (v->mem) {
        x87_op(g, 0xdd, 0xd8);
    } else {
        v->mem = (u8)ra_spill_place(g, r);
        store80(g, place_mem(g, v->mem));
    }
    model_pop(g);
}
/* Two places free, a and b stay. */
static void room(struct gen *g, ir_ref a, ir_ref b)
{
    drop_dead(g, a, b);
    while (g->fdepth > 6) {
        unsigned best = 0, far = 0;
        for (unsigned pos = 0; pos < g->fdepth; pos++) {
            ir_ref r = g->fst[pos];
            unsigned d = g->vals[r].next == NOUSE ? 4096 : g->vals[r].next - g->i;
            if (r != a && r != b && d >= far) {
                far = d;
                best = pos;
            }
        }
        spill(g, best);
    }
}
static void bring(struct gen *g, ir_ref r)
{
    if (!on_stack(g, r)) {
        x87_up_save(g);
        load80(g, place_mem(g, g->vals[r].mem));
        model_push(g, r);
    }
}
/* The instance on the stack may be overwritten. */
static bool spare(const struct gen *g, ir_ref r)
{
    return val_dead(g, r) || (g->vals[r].mem && g->vals[r].next == NOUSE);
}
/* An instance of r that may be overwritten on top: r's name stays as long as it is there. */
static void take(struct gen *g, ir_ref r)
{
    if (!on_stack(g, r)) {
        x87_up_save(g);
        load80(g, place_mem(g, g->vals[r].mem));
        model_push(g, 0);
    } else if (spare(g, r)) {
        to_top(g, r);
    } else {
        x87_up_save(g);
        x87_op(g, 0xd9, 0xc0 + st_of(g, r)); /* fld st(i) */
        model_push(g, 0);
    }
}
static void name_top(struct gen *g)
{
    set_place(g, g->fdepth - 1u, (ir_ref)g->i);
}

/* -- the state at block boundaries and in C -------------------------------------------------------------------------
 */

/* Slots of the file whose homes do not hold what they should: from n on. */
static int slot_due(const struct gen *g, ir_ref r, int n)
{
    for (int k = n; k < F80_REGS; k++) {
        unsigned s = g->t->f80.first + (unsigned)k;
        if (g->cur[s] == r && g->home[s] != r) {
            return k;
        }
    }
    return -1;
}
static void copy_slow(struct gen *g, unsigned loc, unsigned s)
{
    v_rrm(g->c, X_MOVUPS, XMM0, 0, place_mem(g, loc));
    v_rrm(g->c, X_MOVUPS_MR, XMM0, 0, home_mem(g, s));
}

void x87_canon(struct gen *g)
{
    unsigned first = g->t->f80.first;
    bool moves = g->fdepth;
    for (unsigned s = first; s < first + F80_REGS; s++) {
        moves |= g->cur[s] && g->home[s] != g->cur[s];
    }
    if (moves && up_wanted(g)) { /* its slot is due, and stored as a constant later: this is what counts */
        up_store(g);
        g->fup_stored = true;
    }
    for (unsigned s = first; s < first + F80_REGS; s++) { /* first what lies in memory, before that is overwritten */
        ir_ref r = g->cur[s];
        if (r && g->home[s] != r && !on_stack(g, r)) {
            copy_slow(g, g->vals[r].mem, s);
        }
    }
    for (unsigned pos = g->fdepth; pos-- > 0;) {
        ir_ref r = g->fst[pos];
        int k = r ? slot_due(g, r, 0) : -1;
        if (k < 0) {
            x87_op(g, 0xdd, 0xd8);
            continue;
        }
        for (int next; (next = slot_due(g, r, k + 1)) >= 0; k = next) {
            x87_op(g, 0xd9, 0xc0);
            store80(g, home_mem(g, first + (unsigned)k));
        }
        store80(g, home_mem(g, first + (unsigned)k));
    }
}
void x87_store_home(struct gen *g, unsigned s)
{
    ir_ref r = g->cur[s];
    if (!on_stack(g, r)) {
        copy_slow(g, g->vals[r].mem, s);
        return;
    }
    x87_op(g, 0xd9, 0xc0 + st_of(g, r));
    store80(g, home_mem(g, s));
}
void x87_rescue(struct gen *g, unsigned s, unsigned loc)
{
    v_rrm(g->c, X_MOVUPS, XMM0, 0, home_mem(g, s));
    v_rrm(g->c, X_MOVUPS_MR, XMM0, 0, place_mem(g, loc));
}
void x87_flush(struct gen *g)
{
    drop_dead(g, 0, 0);
    while (g->fdepth) {
        ir_ref r = g->fst[g->fdepth - 1];
        if (!r || val_dead(g, r)) {
            x87_up_save(g);
            x87_op(g, 0xdd, 0xd8);
            model_pop(g);
        } else {
            spill(g, g->fdepth - 1u);
        }
    }
}
/* In cold code, around a call: all of the unit. */
void x87_suspend(struct gen *g)
{
    if (g->fdepth) {
        x87_mem(g, 0xdd, 6, RT_MEM(f80_save)); /* fnsave */
    }
}
void x87_resume(struct gen *g)
{
    if (g->fdepth) {
        x87_mem(g, 0xdd, 4, RT_MEM(f80_save)); /* frstor */
        x_store_i(g->c, false, MEM(RBP, RT_OFF(f80_save) + RT_F80_STATUS - RT_BIAS), 0);
    }
}

/* -- arithmetic -------------------------------------------------------------------------------------------------------
 */

enum { ADD = 0, MUL = 1, COM = 2, SUB = 4, SUBR = 5, DIV = 6, DIVR = 7 };
static unsigned digit_of(const struct xop *x)
{
    switch (x->op) {
    case IR_fadd:
        return ADD;
    case IR_fmul:
        return MUL;
    case IR_fsub:
        return SUB;
    default:
        return DIV;
    }
}
/* The other way round, where there is one. */
static unsigned reversed(unsigned digit)
{
    return digit >= SUB ? digit ^ 1 : digit;
}

/* Both are on the stack; results by whose instances may go. */
static void arith_stack(struct gen *g, const struct xop *x)
{
    unsigned d = digit_of(x);
    ir_ref a = x->a, b = x->b;
    room(g, a, b);
    bring(g, a);
    bring(g, b);
    bool sa = spare(g, a), sb = spare(g, b);
    if (a == b || (!sa && !sb)) {
        ir_ref other = b;
        take(g, a);
        unsigned i = a == b ? 0 : st_of(g, other);
        x87_op(g, 0xd8, 0xc0 + 8 * d + i);
        name_top(g);
        return;
    }
    if (st_of(g, a) && st_of(g, b)) {
        to_top(g, sa ? a : b);
    }
    bool a_top = !st_of(g, a), keep_top = a_top ? !sa : !sb;
    ir_ref low = a_top ? b : a;
    unsigned i = st_of(g, low), pos = g->vals[low].fpos - 1u;
    if (sa && sb) { /* st(i) = ..., pop. DE's and DC's digits of what does not commute are the other way round */
        x87_op(g, 0xde, 0xc0 + 8 * (a_top ? d : reversed(d)) + i);
        model_pop(g);
        set_place(g, pos, (ir_ref)g->i);
    } else if (keep_top) {
        x87_op(g, 0xdc, 0xc0 + 8 * (a_top ? d : reversed(d)) + i);
        set_place(g, pos, (ir_ref)g->i);
    } else {
        x87_op(g, 0xd8, 0xc0 + 8 * (a_top ? d : reversed(d)) + i);
        name_top(g);
    }
}

/* The narrower number of an op in memory: where it is, or put there. */
static struct mem narrow_mem(struct gen *g, ir_ref r, unsigned type)
{
    const struct val *v = &g->vals[r];
    if (v->reg == NOREG) {
        return MEM(RBP, loc_off(g, v->mem) - RT_BIAS);
    }
    v_rrm(g->c, type == IR_F64 ? X_MOVSD_MR : X_MOVSS_MR, v->reg, 0, RT_MEM(vtmp));
    return RT_MEM(vtmp);
}

/* An op whose operand is in memory: what comes before the access, the instruction, what follows. */
void x87_use_begin(struct gen *g, const struct xop *y)
{
    switch (y->op) {
    case IR_fcvt:
    case IR_i2f:
        room(g, 0, 0);
        x87_up_save(g);
        break;
    case IR_fl_fcmp:
        room(g, y->a, 0);
        bring(g, y->a);
        to_top(g, y->a);
        break;
    default:
        room(g, y->a, 0);
        take(g, y->a);
    }
}
void x87_use(struct gen *g, const struct xop *y, unsigned bytes, struct mem m)
{
    switch (y->op) {
    case IR_fcvt:
        x87_mem(g, bytes == 4 ? 0xd9 : 0xdd, 0, m);
        break;
    case IR_i2f:
        x87_mem(g, bytes == 4 ? 0xdb : 0xdf, bytes == 8 ? 5 : 0, m);
        break;
    case IR_fl_fcmp:
        x87_mem(g, bytes == 4 ? 0xd8 : 0xdc, COM, m);
        break;
    default: {
        unsigned d = digit_of(y);
        x87_mem(g, bytes == 4 ? 0xd8 : 0xdc, y->imm & FARG_SWAP ? reversed(d) : d, m);
    }
    }
}
void x87_use_end(struct gen *g, const struct xop *y)
{
    if (y->op == IR_fl_fcmp) { /* C0, C2 and C3 are where the packed form has C, P and Z */
        unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
        x87_op(g, 0xdf, 0xe0); /* fnstsw ax */
        x_mov(g->c, false, rd, RAX);
        x_alu_i(g->c, ALU_AND, false, rd, FL_C | FL_P | FL_Z);
        ra_bind(g, (ir_ref)g->i, rd);
        return;
    }
    if (y->op == IR_fcvt || y->op == IR_i2f) {
        model_push(g, 0);
    }
    name_top(g);
    up_new(g);
}

static void narrow_operand(struct gen *g, const struct xop *x, ir_ref r, unsigned type)
{
    x87_use_begin(g, x);
    x87_use(g, x, type == IR_F64 ? 8 : 4, narrow_mem(g, r, type));
    x87_use_end(g, x);
}

static void compare_stack(struct gen *g, const struct xop *x)
{
    room(g, x->a, x->b);
    bring(g, x->a);
    bring(g, x->b);
    to_top(g, x->a);
    x87_up_save(g);
    unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
    x87_op(g, 0xdb, (x->imm & FCMP_SIGNAL ? 0xf0 : 0xe8) + st_of(g, x->b));
    fcmp_packed(g, x->imm);
    x_mov(g->c, false, rd, RAX);
    ra_bind(g, (ir_ref)g->i, rd);
}

static void one_operand(struct gen *g, const struct xop *x, unsigned opcode)
{
    room(g, x->a, 0);
    take(g, x->a);
    x87_op(g, 0xd9, opcode);
    name_top(g);
}

/* -- conversions ------------------------------------------------------------------------------------------------------
 */

static void int_to_memory(struct gen *g, ir_ref r, bool w, i32 off)
{
    struct mem m = MEM(RBP, RT_OFF(vtmp) + off - RT_BIAS);
    if (ir_is_const(r)) {
        x_mov_i(g->c, RAX, const_of(g, r));
        x_store(g->c, w, m, RAX);
    } else {
        x_store(g->c, w, m, ra_src(g, r, w ? IR_I64 : IR_I32));
    }
}
static void from_int(struct gen *g, const struct xop *x)
{
    bool w = (x->imm & 0xff) == IR_I64;
    must(!(x->imm >> 8));
    int_to_memory(g, x->a, w, 0);
    x87_use_begin(g, x);
    x87_use(g, x, w ? 8 : 4, RT_MEM(vtmp));
    x87_use_end(g, x);
}
/* Stores of x's result: op and digit of the form that pops, and of the one that does not (0: none). */
void x87_out_forms(const struct xop *x, u8 form[4])
{
    bool chop = x->op == IR_f2i && (x->imm >> 8 & 7) == FPR_ZERO;
    if (x->op == IR_fcvt) {
        bool w = x->type == IR_F64;
        memcpy(form, (u8[4]){w ? 0xdd : 0xd9, 3, w ? 0xdd : 0xd9, 2}, 4);
    } else if (x->type == IR_I64) {
        memcpy(form, (u8[4]){chop ? 0xdd : 0xdf, chop ? 1 : 7, 0, 0}, 4);
    } else {
        memcpy(form, (u8[4]){0xdb, chop ? 1 : 3, chop ? 0 : 0xdb, 2}, 4);
    }
}
/* Brings the operand to the top; *pops: by the form that pops. */
void x87_out_begin(struct gen *g, const struct xop *x, const u8 form[4], bool *pops)
{
    room(g, x->a, 0);
    *pops = !form[2] || !on_stack(g, x->a) || spare(g, x->a) || st_of(g, x->a);
    if (*pops) {
        take(g, x->a);
    }
}
void x87_out_end(struct gen *g, bool pops)
{
    if (pops) {
        model_pop(g);
    }
    up_new(g);
}
static void out(struct gen *g, const struct xop *x)
{
    u8 form[4];
    bool pops;
    x87_out_forms(x, form);
    x87_out_begin(g, x, form, &pops);
    x87_mem(g, form[pops ? 0 : 2], form[pops ? 1 : 3], RT_MEM(vtmp));
    x87_out_end(g, pops);
    unsigned rd = ra_dst(g, 0);
    g->arch->load(g->c, x->type, rd, RT_OFF(vtmp));
}

static void join(struct gen *g, const struct xop *x)
{
    int_to_memory(g, x->a, true, 0);
    int_to_memory(g, x->b, false, 8);
    room(g, 0, 0);
    x87_up_save(g);
    load80(g, RT_MEM(vtmp));
    model_push(g, (ir_ref)g->i);
}
static void part(struct gen *g, const struct xop *x)
{
    struct val *v = &g->vals[x->a];
    if (!v->mem) {
        v->mem = (u8)ra_spill_place(g, x->a);
        x87_up_save(g);
        room(g, x->a, 0);
        x87_op(g, 0xd9, 0xc0 + st_of(g, x->a));
        store80(g, place_mem(g, v->mem));
    }
    unsigned rd = ra_dst(g, 0);
    struct mem m = place_mem(g, v->mem);
    if (x->op == IR_ffrac) {
        x_load(g->c, true, rd, m);
    } else {
        m.disp += 8;
        x_rm(g->c, X_MOVZX16, false, rd, m);
    }
}

/* -- control
 * ------------------------------------------------------------------------------------------------------------ */

/* What the interpreter goes by: one of four bytes, by two bits of the control word. */
static void env_byte(struct gen *g, size_t field, bool low, u32 bytes)
{
    x_load(g->c, false, RCX, RT_MEM(f80_control));
    x_shift(g->c, SH_SHR, false, RCX, low ? 5 : 7);
    x_alu_i(g->c, ALU_AND, false, RCX, 24);
    x_mov_i(g->c, RAX, bytes);
    x_shift_cl(g->c, SH_SHR, false, RAX);
    x_rm(g->c, X_MOV8_MR, false, RAX, MEM(RBP, (i32)(g->t->f80.env_off + field) - RT_BIAS));
}

static void control(struct gen *g, const struct xop *x)
{
    if (ir_is_const(x->a)) {
        x_mov_i(g->c, RAX, (u32)const_of(g, x->a));
    } else {
        x_mov(g->c, false, RAX, ra_src(g, x->a, IR_I32));
    }
    x_alu_i(g->c, ALU_AND, false, RAX, 15);
    x_shift(g->c, SH_SHL, false, RAX, 8);
    x_alu_i(g->c, ALU_OR, false, RAX, 0x7f);
    x_store(g->c, false, RT_MEM(f80_control), RAX);
    x87_mem(g, 0xd9, 5, RT_MEM(f80_control));
    env_byte(g, offsetof(struct fp_env, f80_precision), true, 0x40354018); /* 24, 64, 53, 64 */
    env_byte(g, offsetof(struct fp_env, round), false, FP_RNE | FP_RM << 8 | FP_RP << 16 | (u32)FP_RZ << 24);
}
_Static_assert(FP_INVALID == 1 && FP_DIVZERO == 2 && FP_OVERFLOW == 4 && FP_UNDERFLOW == 8 && FP_INEXACT == 16 &&
                   FP_DENORMAL_USED == 128,
               "the host's order, but for denormals");
static void status(struct gen *g)
{
    unsigned rd = ra_dst(g, 0), up = g->t->f80.up;
    ir_ref cur = g->cur[up];
    bool saved = !g->fup_live && cur && ir_is_const(cur) && g->home[up] == cur;
    x87_op(g, 0xdf, 0xe0); /* fnstsw ax */
    x_mov(g->c, false, RCX, RAX);
    x_mov(g->c, false, rd, RAX);
    x_alu_i(g->c, ALU_AND, false, RAX, saved ? 1 : 1 | FP_ROUNDED_UP);
    x_alu_i(g->c, ALU_AND, false, RCX, 2);
    x_alu_i(g->c, ALU_AND, false, rd, 0x3c);
    x_shift(g->c, SH_SHL, false, RCX, 6);
    x_shift(g->c, SH_SHR, false, rd, 1);
    x_alu(g->c, ALU_OR, false, rd, RAX);
    x_alu(g->c, ALU_OR, false, rd, RCX);
    if (saved) {
        x_load(g->c, false, RAX, MEM(RBP, slot_off(g, up) - RT_BIAS));
        x_alu_i(g->c, ALU_AND, false, RAX, F80_UP);
        x_shift(g->c, SH_SHL, false, RAX, 8);
        x_alu(g->c, ALU_OR, false, rd, RAX);
    }
    i32 off = (i32)(g->t->f80.env_off + offsetof(struct fp_env, flags));
    x_load(g->c, false, RAX, MEM(RBP, off - RT_BIAS));
    x_alu_i(g->c, ALU_AND, false, RAX, (i32) ~(u32)FP_ROUNDED_UP);
    x_alu(g->c, ALU_OR, false, rd, RAX);
}

void emit_f80(struct gen *g, struct xop *x)
{
    switch (x->op) {
    case IR_fadd:
    case IR_fsub:
    case IR_fmul:
    case IR_fdiv:
        if (x->imm & 0xff) {
            narrow_operand(g, x, x->b, x->imm & 0xff);
        } else {
            arith_stack(g, x);
            up_new(g);
        }
        break;
    case IR_fl_fcmp:
        if (x->imm >> 16) {
            narrow_operand(g, x, x->b, x->imm >> 16);
        } else {
            compare_stack(g, x);
        }
        break;
    case IR_fneg:
        one_operand(g, x, 0xe0);
        break;
    case IR_fabs:
        one_operand(g, x, 0xe1);
        break;
    case IR_fsqrt:
        one_operand(g, x, 0xfa);
        up_new(g);
        break;
    case IR_fround:
        must(x->imm == (FPR_CURRENT | FPR_EXACT));
        one_operand(g, x, 0xfc);
        up_new(g);
        break;
    case IR_fcvt:
        if (x->type == IR_F80) {
            narrow_operand(g, x, x->a, x->imm & 0xff);
        } else {
            out(g, x);
        }
        break;
    case IR_i2f:
        from_int(g, x);
        break;
    case IR_f2i:
        must((x->imm & F2I_INDEF) && !(x->imm & F2I_UNS));
        out(g, x);
        break;
    case IR_fjoin:
        join(g, x);
        break;
    case IR_ffrac:
    case IR_fsexp:
        part(g, x);
        break;
    case IR_fctl:
        control(g, x);
        break;
    default:
        must(x->op == IR_fstat);
        status(g);
    }
}
