/* Flags: recipes, NZCV, the packed form.
 *
 * fl_add, fl_sub, fl_logic and fl_fcmp emit nothing (a float comparison does, for its exceptions): their value is the
 * recipe, made again by an instruction wherever NZCV does not hold it any more. gen.ef says what it holds; nothing but
 * the flag-setting instructions changes it.
 *
 * C: the IR's is the raw carry or borrow, or its complement (FL_INV); the host's is the carry, and "no borrow". So the
 * host's C is the complement of the IR's after fl_sub and fl_add.inv, which is what an Arm guest asks for, after
 * fl_fcmp, and when loaded from the packed form. No host flag is P or A: they are computed, of targets that have them.
 *
 * Operands of 8 and 16 bits are compared at the top of 32-bit registers. */
#include "tcg/host/aarch64/flags_priv.h"

#include "tcg/eval.h"

enum { EK_ADC = 32 /* gen.ef.kind beyond the recipes: of adc; EK_ADC + 1: of sbb */ };

bool a_wants_flags(const struct gen *g, const struct xop *x)
{
    return x->twin && g->x[x->twin].rk != RK_NONE && g->x[x->twin].op != IR_nop;
}

/* -- operands ----------------------------------------------------------------------------------------------------- */

unsigned a_reg_ref(struct gen *g, bool w, unsigned scratch, ir_ref r)
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
        a_rrr(g->c, add ? A_ADDS : A_SUBS, w, ZR, ra, a_reg_ref(g, w, T1, b));
    }
}
/* How far operands of 8 or 16 bits are moved. */
static unsigned top_shift(unsigned type)
{
    return 32 - eval_width(type);
}
static void compare_top(struct gen *g, bool add, unsigned type, ir_ref a, ir_ref b)
{
    unsigned n = top_shift(type), ra = a_reg_ref(g, false, T0, a), rb = a_reg_ref(g, false, T1, b);
    a_shift_i(g->c, A_LSL, false, T0, ra, n);
    a_rrr_shift(g->c, add ? A_ADDS : A_SUBS, false, ZR, T0, rb, A_LSL, n);
}
static void test_top(struct gen *g, unsigned type, ir_ref a, ir_ref b)
{
    unsigned ra = a_reg_ref(g, false, T0, a);
    if (a != b) {
        a_rrr(g->c, A_AND, false, T0, ra, a_reg_ref(g, false, T1, b));
        ra = T0;
    }
    a_rrr_shift(g->c, A_ADDS, false, ZR, ZR, ra, A_LSL, top_shift(type));
}
static void test(struct gen *g, bool w, ir_ref a, ir_ref b)
{
    unsigned ra = a_reg_ref(g, w, T0, a);
    u32 field;
    if (a == b) {
        a_tst(g->c, w, ra, ra);
    } else if (a_const_logic(g, b, w, false, &field)) {
        a_logic_i(g->c, A_ANDS, w, ZR, ra, field);
    } else {
        a_tst(g->c, w, ra, a_reg_ref(g, w, T1, b));
    }
}

/* -- recipes ------------------------------------------------------------------------------------------------------ */

static bool ef_is(const struct gen *g, unsigned kind, unsigned type, ir_ref a, ir_ref b)
{
    return g->ef.kind == kind && g->ef.type == type && g->ef.a == a && g->ef.b == b;
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

enum { TOP = 64 /* beyond enum recipe: of 8 or 16 bits; these have no twins */ };

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
    unsigned rk = type < IR_I8 ? f->rk : f->rk + (unsigned)TOP;
    switch (rk) {
    case TOP + RK_SUB:
    case TOP + RK_ADD:
        compare_top(g, f->rk == RK_ADD, type, f->a, f->b);
        break;
    case TOP + RK_TEST:
        test_top(g, type, f->a, f->b);
        break;
    case RK_SUB:
        compare(g, w, false, a_reg_ref(g, w, T0, f->a), f->b);
        break;
    case RK_ADD:
        compare(g, w, true, a_reg_ref(g, w, T0, f->a), f->b);
        break;
    case RK_TEST:
        test(g, w, f->a, f->b);
        break;
    case RK_SUB_DB: {
        unsigned d = a_reg_ref(g, w, T0, f->c), b = a_reg_ref(g, w, T1, f->d);
        a_rrr(g->c, A_ADD, w, T0, d, b);
        a_cmp(g->c, w, T0, b);
        break;
    }
    case RK_SUB_AD: {
        unsigned a = a_reg_ref(g, w, T0, f->c), d = a_reg_ref(g, w, T1, f->d);
        a_rrr(g->c, A_SUB, w, T1, a, d);
        a_cmp(g->c, w, a, T1);
        break;
    }
    case RK_ADD_DB: {
        unsigned d = a_reg_ref(g, w, T0, f->c), b = a_reg_ref(g, w, T1, f->d);
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

/* -- P and A ------------------------------------------------------------------------------------------------------ */

/* Bit 0 of rd: is the number of ones in rs's low byte odd? (even: is it even?) */
static void parity(struct gen *g, unsigned rd, unsigned rs, bool even)
{
    a_rrr_shift(g->c, A_EOR, false, rd, rs, rs, A_LSR, 4);
    a_rrr_shift(g->c, A_EOR, false, rd, rd, rd, A_LSR, 2);
    a_rrr_shift(g->c, even ? A_EON : A_EOR, false, rd, rd, rd, A_LSR, 1);
}

/* What the recipe computes of c and d, into LR: the result, or (RK_SUB_DB and the like) the operand that is gone. The
 * low byte only counts. */
static void third_of(struct gen *g, const struct xop *f)
{
    unsigned rc = a_reg_ref(g, false, T1, f->c);
    if (f->rk == RK_TEST) {
        a_rrr(g->c, A_AND, false, LR, rc, f->d ? a_reg_ref(g, false, LR, f->d) : rc);
        return;
    }
    bool sum = f->rk == RK_ADD || f->rk == RK_SUB_DB;
    a_rrr(g->c, sum ? A_ADD : A_SUB, false, LR, rc, a_reg_ref(g, false, LR, f->d));
}
/* The result's register: one that lives, `scratch`, or LR as third_of() left it. */
static unsigned result_of(struct gen *g, const struct xop *f, unsigned scratch)
{
    return f->rk == RK_SUB_DB || f->rk == RK_ADD_DB ? a_reg_ref(g, false, scratch, f->c)
           : f->rk == RK_SUB_AD                     ? a_reg_ref(g, false, scratch, f->d)
                                                    : (unsigned)LR;
}

static struct cond cond_parity(struct gen *g, unsigned cc, const struct xop *f)
{
    if (f->rk == RK_SUB || f->rk == RK_ADD || f->rk == RK_TEST) {
        third_of(g, f);
    }
    parity(g, LR, result_of(g, f, LR), false);
    return (struct cond){.kind = C_BIT, .cc = cc == CC_PE ? A_EQ : A_NE, .reg = LR};
}

/* A into T0: the carry into bit 4 is what a, b and LR differ by there. T1 and LR go, NZCV stays. */
static void pack_half(struct gen *g, ir_ref a, ir_ref b)
{
    a_rrr(g->c, A_EOR, false, LR, LR, a_reg_ref(g, false, T1, a));
    a_rrr(g->c, A_EOR, false, LR, LR, a_reg_ref(g, false, T1, b));
    a_shift_i(g->c, A_LSR, false, LR, LR, 4);
    a_bfi(g->c, false, T0, LR, ctz32(FL_A), 1);
}
static void pack_parity(struct gen *g, unsigned result)
{
    parity(g, T1, result, true);
    a_bfi(g->c, false, T0, T1, ctz32(FL_P), 1);
}
static void pack_pa(struct gen *g, const struct xop *f)
{
    third_of(g, f);
    pack_parity(g, result_of(g, f, T1));
    if (f->rk != RK_TEST) {
        pack_half(g, f->c, f->d);
    }
}

/* -- conditions of flags ------------------------------------------------------------------------------------------ */

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

/* Of flags that have to be packed first. */
static struct cond cond_mixed(struct gen *g, unsigned cc, ir_ref f)
{
    a_flags_pack(g, f);
    a_mov(g->c, false, LR, T0);
    if (mask_of[cc / 2]) {
        return test_packed(g, cc, LR);
    }
    load_packed(g, LR);
    g->ef.kind = RK_NONE;
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
    u32 need = eval_cond_needs(cc);
    if (x->rk == RK_MIX) {
        return need & ~x->imm && need & x->imm ? cond_mixed(g, cc, f)
                                               : a_cond_flags(g, cc, need & x->imm ? x->a : x->b);
    }
    if (rk_is_made(x->rk)) {
        return cond_mixed(g, cc, f);
    }
    if (x->rk != RK_FCMP && need == FL_P) {
        return cond_parity(g, cc, x);
    }
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

/* A comparison of 8 or 16 bits. With a constant an extended value is compared. */
static struct cond cond_cmp_top(struct gen *g, unsigned cc, unsigned type, ir_ref a, ir_ref b)
{
    unsigned width = eval_width(type);
    u32 low = 0, field;
    must(a_imm_logic(MASK(width), false, &low));
    bool tst = cc >= CC_TSTEQ, is_signed = cc >= CC_SLT && cc <= CC_SGT;
    if (!tst && ef_is(g, RK_SUB, type, a, b)) {
        return cond_cc(acc_of[cc]);
    }
    if (!tst && !ir_is_const(b)) {
        compare_top(g, false, type, a, b);
        g->ef = (struct hflags){.kind = RK_SUB, .type = (u8)type, .a = a, .b = b};
        return cond_cc(acc_of[cc]);
    }
    unsigned ra = a_reg_ref(g, false, T0, a);
    if (tst) {
        a_rrr(g->c, A_AND, false, T0, ra, a_reg_ref(g, false, T1, b));
        a_logic_i(g->c, A_ANDS, false, ZR, T0, low);
    } else {
        u32 k = (u32)eval_trunc(type, const_of(g, b));
        k = is_signed ? (u32)eval_signed(type, k) : k;
        a_bfm(g->c, is_signed, false, T0, ra, 0, width - 1);
        if (a_imm12(k, &field)) {
            a_addsub_i(g->c, true, true, false, ZR, T0, field);
        } else if (a_imm12(0 - k, &field)) {
            a_addsub_i(g->c, false, true, false, ZR, T0, field);
        } else {
            a_mov_i(g->c, T1, k);
            a_cmp(g->c, false, T0, T1);
        }
    }
    g->ef.kind = RK_NONE;
    return cond_cc(acc_of[cc]);
}

struct cond a_cond_of_cmp(struct gen *g, unsigned cc, unsigned type, ir_ref a, ir_ref b, bool jump)
{
    bool w = is_w(type), zero = ir_is_const(b) && (w ? const_of(g, b) : (u32)const_of(g, b)) == 0;
    u64 k = ir_is_const(b) ? const_of(g, b) : 0;
    if (type >= IR_I8) {
        return cond_cmp_top(g, cc, type, a, b);
    }
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
    return a_cond_of_cmp(g, cc, type, a, b, true);
}
/* -- the packed form --------------------------------------------------------------------------------------------- */

void a_pack_nzcv(struct gen *g, bool comp)
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

/* rd = a at 64 bits, its sign or zeros above the width, shifted left by n (0 or 1). */
static void extend(struct gen *g, const struct xop *x, unsigned rd, unsigned n)
{
    unsigned width = eval_width((u8)x->imm), ra = a_reg_ref(g, width == 64, rd, x->a);
    if (width == 64) {
        a_shift_i(g->c, A_LSL, true, rd, ra, n);
    } else {
        a_bfm(g->c, x->rk == RK_SAR, true, rd, ra, -n & 63, width - 1);
    }
}

/* Flags of a shift into T0, bit by bit. NZCV goes. */
static void shift_pack(struct gen *g, const struct xop *x)
{
    static const int ops[] = {A_LSLV, A_LSRV, A_ASRV};
    unsigned width = eval_width((u8)x->imm);
    bool w = width == 64, left = x->rk == RK_SHL;
    u32 field = 0;
    must(a_imm_logic(w ? 63 : 31, false, &field));
    if (x->rk == RK_SAR) {
        a_mov_i(g->c, T0, 0);
    } else {
        unsigned ra = a_reg_ref(g, w, T1, x->a);
        if (left) { /* the top bit and its neighbour */
            a_rrr_shift(g->c, A_EOR, w, T0, ra, ra, A_LSL, 1);
            ra = T0;
        }
        a_bfm(g->c, false, w, T0, ra, width - 1, width - 1);
    }
    if (ir_is_const(x->b)) {
        a_mov_i(g->c, LR, eval_shift_count((u8)x->imm, const_of(g, x->b)));
    } else {
        a_logic_i(g->c, A_ANDS, false, LR, a_reg_ref(g, false, LR, x->b), field);
        a_csel(g->c, A_CSEL, false, T0, T0, ZR, A_NE);
    }
    /* The bit shifted out last, or 0 when none is. */
    if (!left) {
        extend(g, x, T1, 1);
        a_rrr(g->c, A_LSRV, true, T1, T1, LR);
    } else if (!w) {
        extend(g, x, T1, 0);
        a_rrr(g->c, A_LSLV, true, T1, T1, LR);
        a_shift_i(g->c, A_LSR, true, T1, T1, width);
    } else {
        a_rrr(g->c, A_ORN, true, LR, ZR, LR); /* 63 - n */
        extend(g, x, T1, 0);
        a_rrr(g->c, A_LSRV, true, T1, T1, LR);
        a_shift_i(g->c, A_LSR, true, T1, T1, 1);
        a_rrr(g->c, A_ORN, true, LR, ZR, LR);
    }
    a_bfi(g->c, false, T0, T1, ctz32(FL_C), 1);
    if (x->sub & FL_INV) {
        must(a_imm_logic(FL_C, false, &field));
        a_logic_i(g->c, A_EOR, false, T0, T0, field);
    }
    extend(g, x, T1, 0);
    a_rrr(g->c, ops[x->rk - RK_SHL], true, LR, T1, LR);
    if (w) {
        a_tst(g->c, true, LR, LR);
    } else {
        a_rrr_shift(g->c, A_ADDS, false, ZR, ZR, LR, A_LSL, 32 - width);
    }
    a_cset(g->c, false, T1, A_MI);
    a_bfi(g->c, false, T0, T1, ctz32(FL_N), 1);
    a_cset(g->c, false, T1, A_EQ);
    a_bfi(g->c, false, T0, T1, ctz32(FL_Z), 1);
    if (g->t->fl_pa) {
        pack_parity(g, LR);
    }
    g->ef.kind = RK_NONE;
}

/* One side is made in T0; the other joins from its place, or waits in a vector register when both are to be made. */
static void mix_pack(struct gen *g, const struct xop *x)
{
    ir_ref made = x->a, other = x->b;
    u32 mask = x->imm;
    if (!ref_is_recipe(g, made)) {
        made = x->b;
        other = x->a;
        mask = FL_ALL & ~mask;
    }
    a_flags_pack(g, made);
    unsigned with = T1;
    if (ir_is_const(other)) {
        a_mov_i(g->c, T1, (u32)const_of(g, other) & FL_ALL);
    } else if (g->vals[other].reg != NOREG || g->vals[other].mem) {
        with = packed_reg(g, other, T1);
    } else {
        a_fmov_vg(g->c, 2, VT2, T0);
        a_flags_pack(g, other);
        a_mov(g->c, false, T1, T0);
        a_fmov_gv(g->c, 2, T0, VT2);
    }
    a_mov_i(g->c, LR, mask);
    a_rrr(g->c, A_AND, false, T0, T0, LR);
    a_rrr(g->c, A_BIC, false, T1, with, LR);
    a_rrr(g->c, A_ORR, false, T0, T0, T1);
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
    if (x->rk == RK_MIX) {
        mix_pack(g, x);
        return;
    }
    if (rk_is_made(x->rk)) {
        shift_pack(g, x);
        return;
    }
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
        a_pack_nzcv(g, complement(x));
    }
    if (g->t->fl_pa && x->rk != RK_FCMP) {
        pack_pa(g, x);
    }
}
void a_flags_clean(struct gen *g)
{
    a_mov_i(g->c, T1, FL_ALL);
    a_rrr(g->c, A_AND, false, T0, T0, T1);
}

/* -- carry in ---------------------------------------------------------------------------------------------------- */

/* The host's C = the IR's C of f, complemented when inv. */
static void load_carry(struct gen *g, ir_ref f, bool inv)
{
    while (ref_is_mix(g, f)) {
        f = g->x[f].imm & FL_C ? g->x[f].a : g->x[f].b;
    }
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
    bool packed = !ref_is_recipe(g, f) || rk_is_made(g->x[f].rk) || (g->x[f].rk == RK_FCMP && (g->x[f].imm & FCMP_ZPC));
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

/* At 8 or 16 bits: below an addend's bits there are ones, so that the carry passes them (SBC has them by inverting).
 * The result is at the top of LR, the bits below are not its own: Z is wrong. */
static void adc_top(struct gen *g, const struct xop *x, bool sub, unsigned type)
{
    unsigned n = top_shift(type);
    u32 ones = 0;
    must(a_imm_logic(MASK(n), false, &ones));
    carry_in(g, x, sub);
    a_shift_i(g->c, A_LSL, false, T0, a_reg_ref(g, false, T0, x->a), n);
    if (!sub) {
        a_logic_i(g->c, A_ORR, false, T0, T0, ones);
    }
    a_shift_i(g->c, A_LSL, false, T1, a_reg_ref(g, false, T1, x->b), n);
    a_rrr(g->c, sub ? A_SBCS : A_ADCS, false, LR, T0, T1);
}
/* Z of what adc_top() left into T0; the result moves to the bottom of LR. */
static void top_zero(struct gen *g, unsigned type)
{
    a_shift_i(g->c, A_LSR, false, LR, LR, top_shift(type));
    a_cmp_i(g->c, false, LR, 0);
    a_cset(g->c, false, T1, A_EQ);
    a_bfi(g->c, false, T0, T1, ctz32(FL_Z), 1);
    g->ef.kind = RK_NONE;
}

void a_fl_adc(struct gen *g, struct xop *x)
{
    bool sub = x->op == IR_fl_sbb;
    unsigned type = (u8)x->imm;
    const struct hflags *e = &g->ef;
    u32 carry = x->c | (u32)(x->sub & FL_INV) << 16;
    bool top = type >= IR_I8;
    if (top) {
        adc_top(g, x, sub, type);
    } else if (g->t->fl_pa || !ef_is(g, EK_ADC + sub, type, x->a, x->b) || e->fcmp != carry) {
        unsigned ra = ra_src(g, x->a, type), rb = ra_src(g, x->b, type);
        carry_in(g, x, sub);
        a_rrr(g->c, sub ? A_SBCS : A_ADCS, is_w(type), LR, ra, rb);
        carry_out(g, x, sub, type);
    }
    a_pack_nzcv(g, sub != !!(x->sub & FL_INV));
    if (top) {
        top_zero(g, type);
    }
    if (g->t->fl_pa) {
        pack_parity(g, LR);
        pack_half(g, x->a, x->b);
    }
    a_mov(g->c, false, ra_dst(g, 0), T0);
}

/* -- ops --------------------------------------------------------------------------------------------------------- */

void a_recipe(struct gen *g, struct xop *x)
{
    if (x->op == IR_fl_fcmp && x->rk == RK_NONE) {
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

void a_fl_mix(struct gen *g, struct xop *x)
{
    if (x->rk == RK_NONE) { /* of recipes, one of them a mix, which needs mix_pack's registers itself */
        unsigned rd = ra_dst(g, 0);
        a_flags_pack(g, x->a);
        a_mov(g->c, false, rd, T0);
        a_flags_pack(g, x->b);
        a_mov_i(g->c, T1, x->imm);
        a_rrr(g->c, A_AND, false, rd, rd, T1);
        a_rrr(g->c, A_BIC, false, T0, T0, T1);
        a_rrr(g->c, A_ORR, false, rd, rd, T0);
    }
}
