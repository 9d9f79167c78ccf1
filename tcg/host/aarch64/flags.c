/* Flags: recipes, NZCV, the packed form.
 *
 * fl_add, fl_sub, fl_logic and fl_fcmp emit nothing (a float comparison does, for its exceptions): their value is the
 * recipe, made again by an instruction wherever NZCV does not hold it any more. gen.ef says what it holds; nothing but
 * the flag-setting instructions changes it.
 *
 * C: the IR's is the raw carry or borrow, or its complement (FL_INV); the host's is the carry, and "no borrow". So the
 * host's C is the complement of the IR's after fl_sub and fl_add.inv, which is what an Arm guest asks for, after
 * fl_fcmp, and when loaded from the packed form. P and A are not made: no host flag has them (docs/hosts.md). */
#include "tcg/host/aarch64/a_priv.h"

#include "tcg/eval.h"

enum { EK_ADC = 32 /* gen.ef.kind beyond the recipes: of adc; EK_ADC + 1: of sbb */ };

bool a_wants_flags(const struct gen *g, const struct xop *x)
{
    return x->twin && g->x[x->twin].rk != RK_NONE && g->x[x->twin].op != IR_nop;
}

/* -- operands ----------------------------------------------------------------------------------------------------- */

/* A register holding r: its own, or `scratch`, loaded. Nothing is allocated. */
static unsigned reg_ref(struct gen *g, bool w, unsigned scratch, ir_ref r)
{
    if (!ir_is_const(r) && g->vals[r].reg != NOREG) {
        return g->vals[r].reg;
    }
    if (ir_is_const(r) && (w ? const_of(g, r) : (u32)const_of(g, r)) == 0) {
        return ZR;
    }
    ra_load(g, scratch, r, w ? IR_I64 : IR_I32);
    return scratch;
}
static unsigned vec_ref(struct gen *g, unsigned type, unsigned scratch, ir_ref r)
{
    if (!ir_is_const(r) && g->vals[r].reg != NOREG) {
        return g->vals[r].reg;
    }
    ra_load(g, scratch, r, type);
    return scratch;
}

static void compare(struct gen *g, bool w, bool add, unsigned ra, ir_ref b)
{
    bool neg;
    u32 field;
    if (a_const_add(g, b, w, &neg, &field) && ra != ZR) {
        a_addsub_i(g->c, add == neg, true, w, ZR, ra, field);
    } else {
        a_rrr(g->c, add ? A_ADDS : A_SUBS, w, ZR, ra, reg_ref(g, w, T1, b));
    }
}
static void test(struct gen *g, bool w, ir_ref a, ir_ref b)
{
    unsigned ra = reg_ref(g, w, T0, a);
    u32 field;
    if (a == b) {
        a_tst(g->c, w, ra, ra);
    } else if (a_const_logic(g, b, w, false, &field)) {
        a_logic_i(g->c, A_ANDS, w, ZR, ra, field);
    } else {
        a_tst(g->c, w, ra, reg_ref(g, w, T1, b));
    }
}

/* -- recipes ------------------------------------------------------------------------------------------------------ */

static bool ef_is(const struct gen *g, unsigned kind, unsigned type, ir_ref a, ir_ref b)
{
    return g->ef.kind == kind && g->ef.type == type && g->ef.a == a && g->ef.b == b;
}
static unsigned base_kind(unsigned rk)
{
    return rk == RK_SUB_DB || rk == RK_SUB_AD ? RK_SUB : rk == RK_ADD_DB ? RK_ADD : rk;
}
static bool ef_has(const struct gen *g, const struct xop *f)
{
    unsigned kind = base_kind(f->rk), type = (u8)f->imm;
    if (kind == RK_TEST && f->a == f->b && g->ef.kind == RK_TEST && g->ef.type == type && g->ef.res == f->a) {
        return true;
    }
    return ef_is(g, kind, type, f->a, f->b) || (kind == RK_ADD && ef_is(g, kind, type, f->b, f->a));
}

static void fcmp_load(struct gen *g, const struct xop *f)
{
    unsigned t = (u8)f->imm, a = vec_ref(g, t, VT0, f->a), b = vec_ref(g, t, VT1, f->b);
    if (t == IR_F16) { /* widened, exactly */
        a_fcvt(g->c, 2, 1, VT0, a);
        a_fcvt(g->c, 2, 1, VT1, b);
        a = VT0;
        b = VT1;
    }
    a_fcmp(g->c, f->imm & FCMP_SIGNAL, t == IR_F64 ? 3 : 2, a, b);
    g->ef = (struct hflags){.kind = RK_FCMP, .type = (u8)t, .a = f->a, .b = f->b, .fcmp = f->imm << 1};
}

/* NZCV of the recipe. */
static void recipe_load(struct gen *g, const struct xop *f)
{
    unsigned type = (u8)f->imm;
    bool w = is_w(type);
    if (f->rk == RK_FCMP) {
        const struct hflags *e = &g->ef;
        if (e->kind != RK_FCMP || e->a != f->a || e->b != f->b || e->fcmp != f->imm << 1) {
            fcmp_load(g, f);
        }
        return;
    }
    if (ef_has(g, f)) {
        return;
    }
    switch (f->rk) {
    case RK_SUB:
        compare(g, w, false, reg_ref(g, w, T0, f->a), f->b);
        break;
    case RK_ADD:
        compare(g, w, true, reg_ref(g, w, T0, f->a), f->b);
        break;
    case RK_TEST:
        test(g, w, f->a, f->b);
        break;
    case RK_SUB_DB: {
        unsigned d = reg_ref(g, w, T0, f->c), b = reg_ref(g, w, T1, f->d);
        a_rrr(g->c, A_ADD, w, T0, d, b);
        a_cmp(g->c, w, T0, b);
        break;
    }
    case RK_SUB_AD: {
        unsigned a = reg_ref(g, w, T0, f->c), d = reg_ref(g, w, T1, f->d);
        a_rrr(g->c, A_SUB, w, T1, a, d);
        a_cmp(g->c, w, a, T1);
        break;
    }
    case RK_ADD_DB: {
        unsigned d = reg_ref(g, w, T0, f->c), b = reg_ref(g, w, T1, f->d);
        a_rrr(g->c, A_SUB, w, T0, d, b);
        a_rrr(g->c, A_ADDS, w, ZR, T0, b);
        break;
    }
    default:
        must(!"a recipe");
    }
    g->ef = (struct hflags){.kind = (u8)base_kind(f->rk), .type = (u8)type, .a = f->a, .b = f->b};
}

/* Is the host's C the complement of the IR's? */
static bool complement(const struct xop *f)
{
    return base_kind(f->rk) == RK_FCMP || (base_kind(f->rk) == RK_SUB) != !!(f->sub & FL_INV);
}

/* -- conditions --------------------------------------------------------------------------------------------------- */

static const u8 acc_of[CC_COUNT] = {A_EQ, A_NE, A_LO, A_HS, A_LS, A_HI, A_LT, A_GE, A_LE,
                                    A_GT, A_MI, A_PL, A_VS, A_VC, A_AL, A_AL, A_EQ, A_NE};

static void flip_carry(struct gen *g)
{
    u32 field = 0;
    must(a_imm_logic(1u << 29, true, &field));
    a_mrs(g->c, T0, A_SYS_NZCV);
    a_logic_i(g->c, A_EOR, true, T0, T0, field);
    a_msr(g->c, A_SYS_NZCV, T0);
    g->ef.kind = RK_NONE;
}
static struct cond cond_map(struct gen *g, unsigned cc, bool comp)
{
    if (!comp && (cc == CC_ULT || cc == CC_UGE)) {
        cc ^= 1;
    } else if (!comp && (cc == CC_ULE || cc == CC_UGT)) {
        flip_carry(g);
    }
    must(acc_of[cc] != A_AL);
    return cond_cc(acc_of[cc]);
}

static struct cond cond_logic(struct gen *g, unsigned cc, const struct xop *f)
{
    struct cond c;
    if (cond_of_test(f, &cc, &c)) {
        return c;
    }
    recipe_load(g, f);
    return cond_map(g, cc, true);
}

/* The packed form's place: a register, its own or `scratch`. */
static unsigned packed_reg(struct gen *g, ir_ref f, unsigned scratch)
{
    const struct val *v = &g->vals[f];
    if (v->reg != NOREG) {
        return v->reg;
    }
    must(v->mem);
    g->arch->load(g->c, IR_I32, scratch, loc_off(g, v->mem));
    return scratch;
}
static const u16 mask_of[CC_COUNT / 2] = {FL_Z, FL_C, FL_C | FL_Z, 0, 0, FL_N, FL_V, FL_P, 0};

/* `reg` is no scratch register that moves may use: LR is not. */
static struct cond test_packed(struct gen *g, unsigned cc, unsigned reg)
{
    unsigned mask = mask_of[cc / 2];
    if (is_pow2(mask)) {
        return (struct cond){.kind = C_BIT, .cc = cc & 1 ? A_EQ : A_NE, .reg = (u8)reg, .bit = (u8)ctz32(mask)};
    }
    a_mov_i(g->c, T1, mask);
    a_tst(g->c, false, reg, T1);
    g->ef.kind = RK_NONE;
    return cond_cc(cc & 1 ? A_EQ : A_NE);
}

/* NZCV of the packed form in `reg`; C is the complement. */
static void load_packed(struct gen *g, unsigned reg)
{
    u32 field = 0;
    must(a_imm_logic(1u << 29, false, &field));
    a_shift_i(g->c, A_LSR, false, T1, reg, 8);
    a_shift_i(g->c, A_LSL, false, T0, reg, 16);
    a_bfi(g->c, false, T0, reg, 28, 1);
    a_bfi(g->c, false, T0, T1, 29, 1);
    a_logic_i(g->c, A_EOR, false, T0, T0, field);
    a_msr(g->c, A_SYS_NZCV, T0);
}

static struct cond cond_packed(struct gen *g, unsigned cc, ir_ref f)
{
    if (g->ef.kind == RK_PACKED && g->ef.a == f && acc_of[cc] != A_AL) {
        return cond_map(g, cc, true);
    }
    unsigned reg = packed_reg(g, f, LR);
    if (mask_of[cc / 2]) {
        return test_packed(g, cc, reg);
    }
    load_packed(g, reg);
    g->ef = (struct hflags){.kind = RK_PACKED, .type = IR_FLAGS, .a = f, .b = f};
    return cond_map(g, cc, true);
}

/* A condition for a jump; it may be no flag's (C_BIT). */
struct cond a_cond_flags(struct gen *g, unsigned cc, ir_ref f)
{
    if (ir_is_const(f)) {
        return cond_const(eval_cond(cc, (u32)const_of(g, f)));
    }
    if (!ref_is_recipe(g, f)) {
        return cond_packed(g, cc, f);
    }
    const struct xop *x = &g->x[f];
    if (x->rk == RK_TEST) {
        return cond_logic(g, cc, x);
    }
    if (x->rk == RK_FCMP && (x->imm & FCMP_ZPC)) {
        if (mask_of[cc / 2] == 0 || mask_of[cc / 2] == FL_N || mask_of[cc / 2] == FL_V) { /* N and V are 0 */
            bool never = cc == CC_SLT || cc == CC_MI || cc == CC_VS,
                 always = cc == CC_SGE || cc == CC_PL || cc == CC_VC;
            if (never || always) {
                return cond_const(always);
            }
            cc = cc == CC_SLE ? CC_EQ : CC_NE;
        }
        a_flags_pack(g, f);
        a_mov(g->c, false, LR, T0);
        return test_packed(g, cc, LR);
    }
    if (x->rk == RK_FCMP && (cc == CC_PE || cc == CC_PO)) {
        return cond_const(cc == CC_PO);
    }
    recipe_load(g, x);
    return cond_map(g, cc, complement(x));
}

/* Of a comparison; jump: kinds that only jumps have will do. */
static struct cond cond_cmp(struct gen *g, unsigned cc, unsigned type, ir_ref a, ir_ref b, bool jump)
{
    bool w = is_w(type), zero = ir_is_const(b) && (w ? const_of(g, b) : (u32)const_of(g, b)) == 0;
    u64 k = ir_is_const(b) ? const_of(g, b) : 0;
    if (cc >= CC_TSTEQ) {
        if (ef_is(g, RK_TEST, type, a, b)) {
            return cond_cc(acc_of[cc]);
        }
        k = w ? k : (u32)k;
        if (jump && k && is_pow2(k)) {
            return (struct cond){
                .kind = C_BIT, .cc = cc == CC_TSTNE ? A_NE : A_EQ, .reg = (u8)ra_src(g, a, type), .bit = (u8)ctz64(k)};
        }
        u32 field;
        unsigned ra = ra_src(g, a, type);
        if (a_const_logic(g, b, w, false, &field)) {
            a_logic_i(g->c, A_ANDS, w, ZR, ra, field);
        } else {
            a_tst(g->c, w, ra, ra_src(g, b, type));
        }
        g->ef = (struct hflags){.kind = RK_TEST, .type = (u8)type, .a = a, .b = b};
        return cond_cc(acc_of[cc]);
    }
    bool sign = cc == CC_SLT || cc == CC_SGE;
    if (zero && g->ef.kind && g->ef.res == a && g->ef.type == type) {
        if (cc == CC_EQ || cc == CC_NE || sign) {
            return cond_cc(sign ? (cc == CC_SLT ? A_MI : A_PL) : acc_of[cc]);
        }
    }
    if (!ef_is(g, RK_SUB, type, a, b)) {
        if (zero && jump && !ir_is_const(a) && (cc == CC_EQ || cc == CC_NE)) {
            return (struct cond){.kind = C_ZERO, .cc = acc_of[cc], .reg = (u8)ra_src(g, a, type), .bit = w};
        }
        if (zero && jump && !ir_is_const(a) && sign) {
            return (struct cond){
                .kind = C_BIT, .cc = cc == CC_SLT ? A_NE : A_EQ, .reg = (u8)ra_src(g, a, type), .bit = w ? 63 : 31};
        }
        unsigned ra = ra_src(g, a, type);
        bool neg;
        u32 field;
        if (a_const_add(g, b, w, &neg, &field)) {
            a_addsub_i(g->c, !neg, true, w, ZR, ra, field);
        } else {
            a_cmp(g->c, w, ra, ra_src(g, b, type));
        }
        g->ef = (struct hflags){.kind = RK_SUB, .type = (u8)type, .a = a, .b = b};
    }
    return cond_cc(acc_of[cc]);
}
struct cond a_cond_cmp(struct gen *g, unsigned cc, unsigned type, ir_ref a, ir_ref b)
{
    return cond_cmp(g, cc, type, a, b, true);
}
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

/* -- the packed form --------------------------------------------------------------------------------------------- */

/* NZCV into T0; comp: C is the complement of what it is to be. Leaves NZCV. */
static void pack(struct gen *g, bool comp)
{
    a_mrs(g->c, T0, A_SYS_NZCV);
    a_shift_i(g->c, A_LSR, false, T0, T0, 16);
    a_bfxil(g->c, false, T0, T0, 12, 1);
    a_cset(g->c, false, T1, comp ? A_LO : A_HS);
    a_bfi(g->c, false, T0, T1, 8, 6); /* and bits 9..13 clear */
}
/* Unordered Z P C, less C, equal Z: the later move wins. */
static void pack_zpc(struct gen *g)
{
    static const struct {
        u8 cc;
        u16 v;
    } step[3] = {{A_MI, FL_C}, {A_EQ, FL_Z}, {A_VS, FL_Z | FL_P | FL_C}};
    a_mov_i(g->c, T0, 0);
    for (unsigned k = 0; k < 3; k++) {
        a_mov_i(g->c, T1, step[k].v);
        a_csel(g->c, A_CSEL, false, T0, T1, T0, step[k].cc);
    }
}

void a_flags_pack(struct gen *g, ir_ref f)
{
    if (ir_is_const(f)) {
        a_mov_i(g->c, T0, (u32)const_of(g, f));
        return;
    }
    const struct val *v = &g->vals[f];
    if (v->reg != NOREG || v->mem) {
        unsigned reg = packed_reg(g, f, T0);
        if (reg != T0) {
            a_mov(g->c, false, T0, reg);
        }
        return;
    }
    const struct xop *x = &g->x[f];
    recipe_load(g, x);
    if (x->rk == RK_FCMP && (x->imm & FCMP_ZPC)) {
        pack_zpc(g);
    } else if (x->rk == RK_TEST) {
        a_mrs(g->c, T0, A_SYS_NZCV);
        a_shift_i(g->c, A_LSR, false, T0, T0, 30);
        a_shift_i(g->c, A_LSL, false, T0, T0, 14);
        if (x->sub & FL_INV) {
            u32 field = 0;
            must(a_imm_logic(FL_C, false, &field));
            a_logic_i(g->c, A_ORR, false, T0, T0, field);
        }
    } else {
        pack(g, complement(x));
    }
}
void a_flags_clean(struct gen *g)
{
    a_mov_i(g->c, T1, FL_N | FL_Z | FL_A | FL_P | FL_C | FL_V);
    a_rrr(g->c, A_AND, false, T0, T0, T1);
}

/* -- carry in ---------------------------------------------------------------------------------------------------- */

/* The host's C = the IR's C of f, complemented when inv. */
static void load_carry(struct gen *g, ir_ref f, bool inv)
{
    bool known = ir_is_const(f) || (ref_is_recipe(g, f) && g->x[f].rk == RK_TEST);
    if (known) {
        bool c = ir_is_const(f) ? const_of(g, f) & FL_C : g->x[f].sub & FL_INV;
        if (c == inv) {
            a_rrr(g->c, A_ADDS, true, ZR, ZR, ZR); /* C = 0 */
        } else {
            a_cmp(g->c, true, ZR, ZR); /* C = 1 */
        }
        g->ef.kind = RK_NONE;
        return;
    }
    bool packed = !ref_is_recipe(g, f) || (g->x[f].rk == RK_FCMP && (g->x[f].imm & FCMP_ZPC));
    if (!packed) {
        recipe_load(g, &g->x[f]);
        if (complement(&g->x[f]) != inv) {
            flip_carry(g);
        }
        return;
    }
    unsigned reg;
    if (ref_is_recipe(g, f)) {
        a_flags_pack(g, f);
        reg = T0;
    } else {
        reg = packed_reg(g, f, T0);
    }
    a_bfm(g->c, false, false, T1, reg, 8, 8);
    if (inv) {
        a_cmp(g->c, false, ZR, T1); /* 0 - c: no borrow when it is 0 */
    } else {
        a_cmp_i(g->c, false, T1, 1 << 10);
    }
    g->ef.kind = RK_NONE;
}

/* The host's C is what ADC or SBC wants to add. */
static void carry_in(struct gen *g, const struct xop *x, bool sub)
{
    load_carry(g, x->c, sub ? !(x->sub & FL_INV) : (x->sub & FL_INV));
}
static void carry_out(struct gen *g, const struct xop *x, bool sub, unsigned type)
{
    g->ef = (struct hflags){
        .kind = EK_ADC + sub, .type = (u8)type, .a = x->a, .b = x->b, .fcmp = x->c | (u32)(x->sub & FL_INV) << 16};
}

void a_adc(struct gen *g, struct xop *x)
{
    bool sub = x->op == IR_sbb;
    unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type);
    carry_in(g, x, sub);
    a_rrr(g->c, sub ? A_SBCS : A_ADCS, is_w(x->type), ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b)), ra, rb);
    carry_out(g, x, sub, x->type);
}

void a_fl_adc(struct gen *g, struct xop *x)
{
    bool sub = x->op == IR_fl_sbb;
    unsigned type = (u8)x->imm;
    const struct hflags *e = &g->ef;
    u32 carry = x->c | (u32)(x->sub & FL_INV) << 16;
    if (!ef_is(g, EK_ADC + sub, type, x->a, x->b) || e->fcmp != carry) {
        unsigned ra = ra_src(g, x->a, type), rb = ra_src(g, x->b, type);
        carry_in(g, x, sub);
        a_rrr(g->c, sub ? A_SBCS : A_ADCS, is_w(type), ZR, ra, rb);
        carry_out(g, x, sub, type);
    }
    pack(g, sub != !!(x->sub & FL_INV));
    a_mov(g->c, false, ra_dst(g, 0), T0);
}

/* -- ops --------------------------------------------------------------------------------------------------------- */

void a_recipe(struct gen *g, struct xop *x)
{
    if (x->op == IR_fl_fcmp && (x->sub & FP_FZ)) {
        emit_fallback(g, x);
        g->ef.kind = RK_NONE;
    } else if (x->rk == RK_FCMP) {
        fcmp_load(g, x); /* for its exceptions */
    }
}

void a_fl_unpack(struct gen *g, struct xop *x)
{
    a_flags_pack(g, x->a);
    a_flags_clean(g);
    a_mov(g->c, false, ra_dst(g, 0), T0);
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
    struct cond c = cond_cmp(g, x->sub, x->type, x->a, x->b, false);
    set_bool(g, c, ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b)));
}

/* c ? flags of a comparison : constant is CCMP. */
static bool select_compare(struct gen *g, struct cond c, ir_ref yes, ir_ref no)
{
    const struct xop *f = &g->x[yes];
    bool w = is_w((u8)f->imm);
    if (!ref_is_recipe(g, yes) || f->rk != RK_SUB || (f->sub & FL_INV) || !ir_is_const(no)) {
        return false;
    }
    u32 k = (u32)const_of(g, no);
    unsigned nzcv = (k & FL_N ? 8 : 0) | (k & FL_Z ? 4 : 0) | (k & FL_C ? 0 : 2) | (k & FL_V ? 1 : 0);
    unsigned ra = reg_ref(g, w, T0, f->a), rb = reg_ref(g, w, T1, f->b);
    a_ccmp(g->c, w, ra, rb, nzcv, c.cc);
    pack(g, true);
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
    struct cond c = cond_cmp(g, x->sub, x->imm, x->a, x->b, false);
    select_cond(g, c, x->type, x->c, x->d);
}
void a_selectf(struct gen *g, struct xop *x)
{
    struct cond c = a_cond_flags(g, x->sub, x->a);
    select_cond(g, c, x->type, x->b, x->c);
}
