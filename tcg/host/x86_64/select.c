/* Values of conditions: setf, setcc, select, selectf. */
#include "tcg/host/x86_64/flags_priv.h"

/* 1 or 0 in reg, which may be a scratch register. */
static void cond_bool(struct gen *g, struct cond c, unsigned reg)
{
    if (c.kind == C_ALWAYS || c.kind == C_NEVER) {
        x_mov_i(g->c, reg, c.kind == C_ALWAYS);
        return;
    }
    x_setcc(g->c, c.cc, reg);
    if (c.kind != C_CC) {
        x_setcc(g->c, c.kind == C_AND_NP ? X_NP : X_P, RAX);
        x_rr(g->c, (c.kind == C_AND_NP ? 0x22 : 0x0a) | OPB | OPBM, false, reg, RAX);
        g->ef.kind = RK_NONE;
    }
    x_rr(g->c, X_MOVZX8, false, reg, reg);
}

void emit_setf(struct gen *g, struct xop *x)
{
    struct cond c = cond_flags(g, x->sub, x->a);
    cond_bool(g, c, ra_dst(g, 0));
}
void emit_setcc(struct gen *g, struct xop *x)
{
    struct cond c = cond_cmp(g, x->sub, x->type, x->a, x->b);
    cond_bool(g, c, ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b)));
}

/* Both to hand: their packed forms, one by one. */
static void select_packed(struct gen *g, struct cond c, ir_ref yes, ir_ref no)
{
    cond_bool(g, c, RDX);
    unsigned rd = ra_dst(g, 0);
    flags_pack(g, yes);
    x_mov(g->c, false, rd, RAX);
    flags_pack(g, no);
    x_test(g->c, false, RDX, RDX);
    x_cmov(g->c, X_E, false, rd, RAX);
    g->ef.kind = RK_NONE;
}

/* c ? flags of a comparison : constant, as CCMP has it: a jump around the comparison, so that EFLAGS are right on both
 * ways and the branch behind it needs no more. */
static void select_compare(struct gen *g, struct cond c, ir_ref yes, ir_ref no)
{
    unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
    u8 *second = NULL, *at;
    if (c.kind == C_AND_NP) {
        second = x_jcc(g->c, X_P);
        at = x_jcc(g->c, c.cc ^ 1);
    } else if (c.kind == C_OR_P) { /* not (cc or parity) */
        u8 *skip = x_jcc8(g->c, X_P);
        at = x_jcc(g->c, c.cc ^ 1);
        x_here8(g->c, skip);
    } else {
        at = x_jcc(g->c, c.cc ^ 1);
    }
    recipe_load(g, &g->x[yes]);
    if (g->x[yes].sub & FL_INV) {
        cmc(g);
    }
    u8 *join = g->c->p;
    to_cold(g);
    bind_cold(g, at);
    if (second) {
        bind_cold(g, second);
    }
    x_mov_i(g->c, RAX, (u32)const_of(g, no) & FL_ALL);
    sahf(g);
    back_to_hot(g, join);
    to_hot(g);
    x_byte(g->c, 0x9f); /* lahf */
    x_setcc(g->c, X_O, RAX);
    x_mov(g->c, false, rd, RAX);
    ra_bind(g, (ir_ref)g->i, rd);
    g->ef = (struct hflags){.kind = RK_PACKED, .type = IR_FLAGS, .a = (ir_ref)g->i, .b = (ir_ref)g->i};
}

static void select_flags(struct gen *g, struct cond c, ir_ref yes, ir_ref no)
{
    unsigned rk = ref_is_recipe(g, yes) ? g->x[yes].rk : (unsigned)RK_NONE;
    bool compare = ir_is_const(no) && rk != RK_NONE && rk != RK_FCMP && rk <= RK_ADD_DB;
    compare &= !(rk == RK_TEST && g->t->fl_pa);
    if (compare && c.kind != C_ALWAYS && c.kind != C_NEVER) {
        select_compare(g, c, yes, no);
    } else {
        select_packed(g, c, yes, no);
    }
}

/* reg = c ? yes : no among integer registers; reg may be either of the two. */
static void cmov_cond(struct gen *g, struct cond c, bool w, unsigned reg, unsigned yes, unsigned no)
{
    if (c.kind == C_CC) {
        if (reg == yes) {
            x_cmov(g->c, c.cc ^ 1, w, reg, no);
        } else {
            if (reg != no) {
                x_mov(g->c, w, reg, no);
            }
            x_cmov(g->c, c.cc, w, reg, yes);
        }
        return;
    }
    bool both = c.kind == C_AND_NP;
    x_mov(g->c, w, RAX, both ? yes : no);
    x_cmov(g->c, both ? c.cc ^ 1 : c.cc, w, RAX, both ? no : yes);
    x_cmov(g->c, X_P, w, RAX, both ? no : yes);
    x_mov(g->c, w, reg, RAX);
}

static void select_vec(struct gen *g, struct cond c, unsigned type, ir_ref yes, ir_ref no)
{
    unsigned ry = ra_src(g, yes, type), rn = ra_src(g, no, type);
    if (type == IR_V128) {
        unsigned rd = ra_dst(g, ra_dying(g, no));
        if (rd != rn) {
            v_rrr(g->c, X_MOVAPS, rd, 0, rn);
        }
        u8 *skip = NULL, *take = NULL;
        if (c.kind == C_AND_NP) {
            skip = x_jcc8(g->c, X_P);
        } else if (c.kind == C_OR_P) {
            take = x_jcc8(g->c, X_P);
        }
        u8 *over = x_jcc8(g->c, c.cc ^ 1);
        if (take) {
            x_here8(g->c, take);
        }
        v_rrr(g->c, X_MOVAPS, rd, 0, ry);
        x_here8(g->c, over);
        if (skip) {
            x_here8(g->c, skip);
        }
        return;
    }
    v_rrr(g->c, X_MOVD_RX | OPW, ry, 0, RCX);
    v_rrr(g->c, X_MOVD_RX | OPW, rn, 0, RDX);
    cmov_cond(g, c, true, RDX, RCX, RDX);
    v_rrr(g->c, X_MOVD | OPW, ra_dst(g, 0), 0, RDX);
}

/* EFLAGS hold c; the values are loaded by moves only. */
static void select_cond(struct gen *g, struct cond c, unsigned type, ir_ref yes, ir_ref no)
{
    if (type == IR_FLAGS) {
        select_flags(g, c, yes, no);
        return;
    }
    if (c.kind == C_ALWAYS || c.kind == C_NEVER) {
        ir_ref r = c.kind == C_ALWAYS ? yes : no;
        unsigned rs = ra_src(g, r, type), rd = ra_dst(g, ra_dying(g, r));
        if (type_is_vec(type)) {
            v_rrr(g->c, X_MOVAPS, rd, 0, rs);
        } else {
            x_mov(g->c, is_w(type), rd, rs);
        }
        return;
    }
    if (type_is_vec(type)) {
        select_vec(g, c, type, yes, no);
        return;
    }
    bool w = is_w(type);
    unsigned ry = RCX, rn = RDX;
    if (ir_is_const(yes)) {
        ra_load(g, ry, yes, type);
    } else {
        ry = ra_src(g, yes, type);
    }
    if (ir_is_const(no) && c.kind != C_CC) {
        ra_load(g, rn, no, type);
    } else if (!ir_is_const(no)) {
        rn = ra_src(g, no, type);
    }
    unsigned rd = ra_dst(g, ra_dying(g, no) | ra_dying(g, yes));
    if (ir_is_const(no) && c.kind == C_CC) {
        if (rd == ry) {
            ra_load(g, rn, no, type);
        } else {
            ra_load(g, rd, no, type);
            rn = rd;
        }
    }
    /* A 32-bit cmov clears the upper half whether it moves or not. */
    cmov_cond(g, c, w, rd, ry, rn);
}

void emit_select(struct gen *g, struct xop *x)
{
    struct cond c = cond_cmp(g, x->sub, x->imm, x->a, x->b);
    select_cond(g, c, x->type, x->c, x->d);
}
void emit_selectf(struct gen *g, struct xop *x)
{
    struct cond c = cond_flags(g, x->sub, x->a);
    select_cond(g, c, x->type, x->b, x->c);
}
