/* Values of conditions: setf, setcc, select, selectf. */
#include "tcg/host/aarch64/flags_priv.h"

/* A condition of NZCV, always or never. */
static struct cond settle(struct gen *g, struct cond c)
{
    if (c.kind == C_BIT) {
        u32 field = 0;
        must(a_imm_logic(1ull << c.bit, true, &field));
        a_logic_i(g->c, A_ANDS, true, ZR, c.reg, field);
        g->ef.kind = RK_NONE;
        return cond_cc(c.cc);
    }
    return c;
}

static void set_bool(struct gen *g, struct cond c, unsigned rd)
{
    if (c.kind == C_BIT) {
        a_bfm(g->c, false, true, rd, c.reg, c.bit, c.bit);
        if (c.cc == A_EQ) {
            u32 one = 0;
            must(a_imm_logic(1, false, &one));
            a_logic_i(g->c, A_EOR, false, rd, rd, one);
        }
    } else if (c.kind == C_CC) {
        a_cset(g->c, false, rd, c.cc);
    } else {
        a_mov_i(g->c, rd, c.kind == C_ALWAYS);
    }
}
void a_setf(struct gen *g, struct xop *x)
{
    struct cond c = a_cond_flags(g, x->sub, x->a);
    set_bool(g, c, ra_dst(g, 0));
}
void a_setcc(struct gen *g, struct xop *x)
{
    struct cond c = a_cond_of_cmp(g, x->sub, x->type, x->a, x->b, false);
    set_bool(g, c, ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b)));
}

/* c ? flags of a comparison : constant is CCMP. */
static bool select_compare(struct gen *g, struct cond c, ir_ref yes, ir_ref no)
{
    const struct xop *f = &g->x[yes];
    bool w = is_w((u8)f->imm);
    if (!ref_is_recipe(g, yes) || f->rk != RK_SUB || (u8)f->imm >= IR_I8 || g->t->fl_pa || (f->sub & FL_INV) ||
        !ir_is_const(no)) {
        return false;
    }
    u32 k = (u32)const_of(g, no);
    unsigned nzcv = (k & FL_N ? 8 : 0) | (k & FL_Z ? 4 : 0) | (k & FL_C ? 0 : 2) | (k & FL_V ? 1 : 0);
    unsigned ra = a_reg_ref(g, w, T0, f->a), rb = a_reg_ref(g, w, T1, f->b);
    a_ccmp(g->c, w, ra, rb, nzcv, c.cc);
    a_pack_nzcv(g, true);
    a_mov(g->c, false, ra_dst(g, 0), T0);
    g->ef = (struct hflags){.kind = RK_PACKED, .type = IR_FLAGS, .a = (ir_ref)g->i, .b = (ir_ref)g->i};
    return true;
}
static void select_flags(struct gen *g, struct cond c, ir_ref yes, ir_ref no)
{
    c = settle(g, c);
    if (c.kind == C_CC && select_compare(g, c, yes, no)) {
        return;
    }
    set_bool(g, c, LR);
    a_mov(g->c, false, T2, LR);
    unsigned rd = ra_dst(g, 0);
    a_flags_pack(g, yes);
    a_mov(g->c, false, rd, T0);
    a_flags_pack(g, no);
    a_cmp_i(g->c, false, T2, 0);
    a_csel(g->c, A_CSEL, false, rd, T0, rd, A_EQ);
    g->ef.kind = RK_NONE;
}

static unsigned float_size(unsigned type)
{
    return type == IR_F64 ? 3 : 2;
}
static void select_vec(struct gen *g, struct cond c, unsigned type, ir_ref yes, ir_ref no)
{
    unsigned ry = ra_src(g, yes, type), rn = ra_src(g, no, type), rd = ra_dst(g, ra_dying(g, yes) | ra_dying(g, no));
    if (type != IR_V128) { /* a half's neighbours are nobody's */
        a_fcsel(g->c, float_size(type), rd, ry, rn, c.cc);
        return;
    }
    bool swap = rd == ry;
    if (!swap) {
        g->arch->mov(g->c, true, rd, rn);
    }
    u8 *over = a_bcc(g->c, swap ? c.cc : c.cc ^ 1u);
    g->arch->mov(g->c, true, rd, swap ? rn : ry);
    a_bind(over, g->c->p);
}

static void select_cond(struct gen *g, struct cond c, unsigned type, ir_ref yes, ir_ref no)
{
    if (type == IR_FLAGS) {
        select_flags(g, c, yes, no);
        return;
    }
    if (c.kind == C_ALWAYS || c.kind == C_NEVER) {
        ir_ref r = c.kind == C_ALWAYS ? yes : no;
        unsigned rs = ra_src(g, r, type);
        g->arch->mov(g->c, is_w(type), ra_dst(g, ra_dying(g, r)), rs);
        return;
    }
    c = settle(g, c);
    if (type_is_vec(type)) {
        select_vec(g, c, type, yes, no);
        return;
    }
    /* csinc and the like: 1 or -1 beside a value need no register. */
    bool w = is_w(type), yz = ir_is_const(yes) && const_of(g, yes) == 0, nz = ir_is_const(no) && const_of(g, no) == 0;
    bool n1 = ir_is_const(no) && const_of(g, no) == 1;
    unsigned ry = yz ? (unsigned)ZR : ra_src(g, yes, type), rn = nz || n1 ? (unsigned)ZR : ra_src(g, no, type);
    unsigned rd = ra_dst(g, ra_dying(g, yes) | ra_dying(g, no));
    a_csel(g->c, n1 ? A_CSINC : A_CSEL, w, rd, ry, rn, c.cc);
}

void a_select(struct gen *g, struct xop *x)
{
    struct cond c = a_cond_of_cmp(g, x->sub, x->imm, x->a, x->b, false);
    select_cond(g, c, x->type, x->c, x->d);
}
void a_selectf(struct gen *g, struct xop *x)
{
    struct cond c = a_cond_flags(g, x->sub, x->a);
    select_cond(g, c, x->type, x->b, x->c);
}
