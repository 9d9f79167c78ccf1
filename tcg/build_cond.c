/* Conditions: comparisons and flags made as simple as the trace allows, and the ops that use them. */
#include "tcg/build_priv.h"

/* a cc b as b cc' a. */
static enum ir_cond cc_swap(enum ir_cond cc)
{
    static const u8 swapped[CC_COUNT] = {
        [CC_EQ] = CC_EQ,   [CC_NE] = CC_NE,       [CC_ULT] = CC_UGT,     [CC_UGE] = CC_ULE, [CC_ULE] = CC_UGE,
        [CC_UGT] = CC_ULT, [CC_SLT] = CC_SGT,     [CC_SGE] = CC_SLE,     [CC_SLE] = CC_SGE, [CC_SGT] = CC_SLT,
        [CC_MI] = CC_MI,   [CC_PL] = CC_PL,       [CC_VS] = CC_VS,       [CC_VC] = CC_VC,   [CC_PE] = CC_PE,
        [CC_PO] = CC_PO,   [CC_TSTEQ] = CC_TSTEQ, [CC_TSTNE] = CC_TSTNE,
    };
    return swapped[cc];
}

static struct cond known(bool v)
{
    return (struct cond){.kind = v ? COND_ALWAYS : COND_NEVER};
}
static struct cond plain(enum ir_cond cc, enum ir_type t, ir_ref a, ir_ref b)
{
    return (struct cond){.kind = COND_CMP, .cc = cc, .t = t, .a = a, .b = b};
}
static bool is_eq(enum ir_cond cc)
{
    return cc == CC_EQ || cc == CC_NE;
}
static bool is_tst(enum ir_cond cc)
{
    return cc == CC_TSTEQ || cc == CC_TSTNE;
}
static bool at_least(const struct ir_op *x, enum ir_type t)
{
    return x->type == t || t != IR_I64;
}

/* -- comparisons ------------------------------------------------------------------------------------------ */

static struct cond cmp_same(struct ir *ir, enum ir_cond cc, enum ir_type t, ir_ref a)
{
    switch (cc) {
    case CC_TSTEQ:
    case CC_TSTNE:
        return ir_cond_cmp(ir, cc == CC_TSTEQ ? CC_EQ : CC_NE, t, a, IR_CONST);
    default:
        return known(eval_cmp(cc, t, 0, 0));
    }
}

/* a == 0 or a != 0, a not constant. */
static struct cond cmp_zero(struct ir *ir, enum ir_cond cc, enum ir_type t, ir_ref a)
{
    const struct ir_op *x = op_of(ir, a);
    bool ne = cc == CC_NE;
    switch (x->op) {
    case IR_setcc:
        return ir_cond_cmp(ir, ne ? x->sub : cc_invert(x->sub), x->type, x->a, x->b);
    case IR_setf:
        return ir_cond_flags(ir, ne ? x->sub : cc_invert(x->sub), x->a);
    case IR_and:
        return at_least(x, t) ? ir_cond_cmp(ir, ne ? CC_TSTNE : CC_TSTEQ, t, x->a, x->b) : plain(cc, t, a, IR_CONST);
    case IR_sub:
    case IR_xor:
        return at_least(x, t) ? ir_cond_cmp(ir, cc, t, x->a, x->b) : plain(cc, t, a, IR_CONST);
    case IR_neg:
        return at_least(x, t) ? ir_cond_cmp(ir, cc, t, x->a, IR_CONST) : plain(cc, t, a, IR_CONST);
    case IR_bswap:
        return x->type == t ? ir_cond_cmp(ir, cc, t, x->a, IR_CONST) : plain(cc, t, a, IR_CONST);
    case IR_zext:
    case IR_extract:
        if (x->op == IR_extract && x->imm >> 8 > type_bits(t)) {
            break;
        }
        return ir_cond_cmp(ir, ne ? CC_TSTNE : CC_TSTEQ, x->op == IR_zext ? IR_I64 : x->type, x->a,
                           ir_const(ir, x->op == IR_zext ? MASK(x->sub) : MASK(x->imm >> 8) << (x->imm & 0xff)));
    default:
        break;
    }
    return plain(cc, t, a, IR_CONST);
}

/* It has a register anyway; to compare what it was made of would keep that in another. */
static bool in_slot(const struct ir *ir, ir_ref a)
{
    for (unsigned s = 0; s < ir->target->nslots; s++) {
        if (ir->slot_val[s] == a) {
            return true;
        }
    }
    return false;
}

static struct cond cmp_eq_const(struct ir *ir, enum ir_cond cc, enum ir_type t, ir_ref a, u64 k)
{
    const struct ir_op *x = op_of(ir, a);
    unsigned sig = MIN(sig_bits(ir, a), type_bits(t));
    if (k & ~MASK(sig)) {
        return known(cc == CC_NE);
    }
    if (k == 0) {
        return cmp_zero(ir, cc, t, a);
    }
    if (sig == 1) {
        return cmp_zero(ir, cc_invert(cc), t, a);
    }
    if (x->op == IR_add && at_least(x, t) && ir_is_const(x->b) && !in_slot(ir, a)) {
        return ir_cond_cmp(ir, cc, t, x->a, ir_const(ir, k - ir_const_val(ir, x->b)));
    }
    if (x->op == IR_xor && at_least(x, t) && ir_is_const(x->b)) {
        return ir_cond_cmp(ir, cc, t, x->a, ir_const(ir, k ^ ir_const_val(ir, x->b)));
    }
    return plain(cc, t, a, ir_const(ir, k));
}

static struct cond cmp_tst_const(struct ir *ir, enum ir_cond cc, enum ir_type t, ir_ref a, u64 k)
{
    u64 reach = MASK(MIN(sig_bits(ir, a), type_bits(t)));
    enum ir_cond eq = cc == CC_TSTEQ ? CC_EQ : CC_NE;
    const struct ir_op *x = op_of(ir, a);
    if ((k & reach) == 0) {
        return known(cc == CC_TSTEQ);
    }
    if ((k & reach) == reach) {
        return cmp_zero(ir, eq, t, a);
    }
    if (x->op == IR_and && ir_is_const(x->b)) {
        return ir_cond_cmp(ir, cc, t, x->a, ir_const(ir, k & ir_const_val(ir, x->b)));
    }
    if (x->op == IR_shr && x->type == t && ir_is_const(x->b)) {
        unsigned n = (unsigned)ir_const_val(ir, x->b) & (type_bits(t) - 1);
        if (k << n >> n == k && !(k << n & ~MASK(type_bits(t)))) {
            return ir_cond_cmp(ir, cc, t, x->a, ir_const(ir, k << n));
        }
    }
    ir_ref low = ir_low(ir, a, 64 - clz64(k & reach));
    if (low != a) {
        return ir_cond_cmp(ir, cc, t, low, ir_const(ir, k & reach));
    }
    return plain(cc, t, a, ir_const(ir, k));
}

static struct cond cmp_order_const(struct ir *ir, enum ir_cond cc, enum ir_type t, ir_ref a, u64 k)
{
    unsigned w = type_bits(t), sig = MIN(sig_bits(ir, a), w);
    u64 top = MASK(sig);
    bool odd = cc & 1; /* UGE UGT SGE SGT */
    switch (cc) {
    case CC_ULT:
    case CC_UGE: /* a < k */
        if (k == 0 || k > top) {
            return known((k > top) ^ odd);
        }
        if (k == 1) {
            return ir_cond_cmp(ir, odd ? CC_NE : CC_EQ, t, a, IR_CONST);
        }
        break;
    case CC_ULE:
    case CC_UGT: /* a <= k */
        if (k >= top) {
            return known(!odd);
        }
        if (k == 0) {
            return ir_cond_cmp(ir, odd ? CC_NE : CC_EQ, t, a, IR_CONST);
        }
        break;
    case CC_SLT:
    case CC_SGE:
        if (k == BIT(w - 1) || (k == 0 && sig < w)) {
            return known(odd);
        }
        if (k == 0 && w < 32) {
            return ir_cond_cmp(ir, odd ? CC_TSTEQ : CC_TSTNE, IR_I32, a, ir_const(ir, BIT(w - 1)));
        }
        break;
    case CC_SLE:
    case CC_SGT:
        if (k == MASK(w - 1)) {
            return known(!odd);
        }
        break;
    default:
        break;
    }
    return plain(cc, t, a, ir_const(ir, k));
}

/* Numbers below 1 << 31 compare the same at I32; without sign, numbers below 1 << 32. So do those that have no more
 * than their 8 or 16 bits. */
static enum ir_type cmp_type(const struct ir *ir, enum ir_cond cc, enum ir_type t, ir_ref a, ir_ref b)
{
    unsigned sa = sig_bits(ir, a), sb = sig_bits(ir, b), w = type_bits(t);
    bool is_signed = cc >= CC_SLT && cc <= CC_SGT;
    if (w < 32) {
        return (is_tst(cc) ? MIN(sa, sb) : MAX(sa, sb)) <= w - is_signed ? IR_I32 : t;
    }
    if (t == IR_I32 || is_tst(cc)) {
        return MIN(sa, sb) <= 32 ? IR_I32 : t;
    }
    return MAX(sa, sb) <= (is_signed ? 31 : 32) ? IR_I32 : t;
}

struct cond ir_cond_cmp(struct ir *ir, enum ir_cond cc, enum ir_type t, ir_ref a, ir_ref b)
{
    check(type_is_width(t) && (cc <= CC_SGT || is_tst(cc)));
    a = ir_rd(ir, t, a);
    b = ir_rd(ir, t, b);
    t = t != IR_I32 ? cmp_type(ir, cc, t, a, b) : t;
    a = ir_rd(ir, t, a);
    b = ir_rd(ir, t, b);
    if (ir_is_const(a)) {
        if (ir_is_const(b)) {
            return known(eval_cmp(cc, t, ir_const_val(ir, a), ir_const_val(ir, b)));
        }
        return ir_cond_cmp(ir, cc_swap(cc), t, b, a);
    }
    if (a == b) {
        return cmp_same(ir, cc, t, a);
    }
    if (!ir_is_const(b)) {
        return (is_eq(cc) || is_tst(cc)) && a > b ? plain(cc, t, b, a) : plain(cc, t, a, b);
    }
    u64 k = ir_const_val(ir, b);
    return is_eq(cc)    ? cmp_eq_const(ir, cc, t, a, k)
           : is_tst(cc) ? cmp_tst_const(ir, cc, t, a, k)
                        : cmp_order_const(ir, cc, t, a, k);
}

/* -- flags ------------------------------------------------------------------------------------------------- */

static struct cond keep_flags(enum ir_cond cc, ir_ref fl)
{
    return (struct cond){.kind = COND_FLAGS, .cc = cc, .a = fl};
}
/* The sign of a value. */
static struct cond sign_of(struct ir *ir, enum ir_type t, ir_ref a, bool set)
{
    return ir_cond_cmp(ir, set ? CC_SLT : CC_SGE, t, a, IR_CONST);
}

/* Flags of a - b. With FL_INV, C says "no borrow": ULT asks for a >= b; ULE (C or Z) too, as equal has no borrow. */
static struct cond flags_of_sub(struct ir *ir, enum ir_cond cc, const struct ir_op *f, ir_ref fl)
{
    enum ir_type t = f->imm;
    bool inv = f->sub & FL_INV;
    switch (cc) {
    case CC_ULT:
    case CC_UGE:
        return ir_cond_cmp(ir, inv ? cc_invert(cc) : cc, t, f->a, f->b);
    case CC_ULE:
    case CC_UGT:
        return ir_cond_cmp(ir, !inv ? cc : cc == CC_ULE ? CC_UGE : CC_ULT, t, f->a, f->b);
    case CC_EQ:
    case CC_NE:
    case CC_SLT:
    case CC_SGE:
    case CC_SLE:
    case CC_SGT:
        return ir_cond_cmp(ir, cc, t, f->a, f->b);
    case CC_MI:
    case CC_PL:
        return is_val(ir, f->b, 0) ? sign_of(ir, t, f->a, cc == CC_MI) : keep_flags(cc, fl);
    case CC_VS:
    case CC_VC:
        return is_val(ir, f->b, 0) ? known(cc == CC_VC) : keep_flags(cc, fl);
    default:
        return keep_flags(cc, fl);
    }
}

/* Flags of a + k, k a constant but 0 and the smallest integer: those of a - (-k) but for the carry, which is there
 * when a >= -k. */
static struct cond flags_of_add(struct ir *ir, enum ir_cond cc, const struct ir_op *f, ir_ref fl)
{
    enum ir_type t = f->imm;
    bool inv = f->sub & FL_INV;
    if (!ir_is_const(f->b)) {
        return keep_flags(cc, fl);
    }
    u64 k = eval_trunc(t, 0 - ir_const_val(ir, f->b));
    ir_ref minus = ir_const(ir, k);
    if (is_eq(cc)) {
        return ir_cond_cmp(ir, cc, t, f->a, minus);
    }
    if (k == 0 || k == BIT(type_bits(t) - 1)) {
        return keep_flags(cc, fl);
    }
    switch (cc) {
    case CC_ULT:
    case CC_UGE:
        return ir_cond_cmp(ir, inv ? cc : cc_invert(cc), t, f->a, minus);
    case CC_ULE:
    case CC_UGT:
        return ir_cond_cmp(ir, inv ? cc : cc == CC_ULE ? CC_UGE : CC_ULT, t, f->a, minus);
    case CC_SLT:
    case CC_SGE:
    case CC_SLE:
    case CC_SGT:
        return ir_cond_cmp(ir, cc, t, f->a, minus);
    default:
        return keep_flags(cc, fl);
    }
}

/* N and Z of a; C is constant, V is 0. */
static struct cond flags_of_logic(struct ir *ir, enum ir_cond cc, const struct ir_op *f, ir_ref fl)
{
    enum ir_type t = f->imm;
    bool c = f->sub & FL_INV;
    switch (cc) {
    case CC_EQ:
    case CC_NE:
    case CC_SLT:
    case CC_SGE:
    case CC_SLE:
    case CC_SGT:
        return ir_cond_cmp(ir, cc, t, f->a, IR_CONST);
    case CC_MI:
    case CC_PL:
        return sign_of(ir, t, f->a, cc == CC_MI);
    case CC_ULT:
    case CC_UGE:
        return known(c ^ (cc == CC_UGE));
    case CC_ULE:
    case CC_UGT:
        return c ? known(cc == CC_ULE) : ir_cond_cmp(ir, cc == CC_ULE ? CC_EQ : CC_NE, t, f->a, IR_CONST);
    case CC_VS:
    case CC_VC:
        return known(cc == CC_VC);
    default:
        return keep_flags(cc, fl);
    }
}

/* Flags of a shift by a number but 0: N and Z are the result's, C is a bit of a, V too but after shl. */
static struct cond flags_of_shift(struct ir *ir, enum ir_cond cc, const struct ir_op *f, ir_ref fl)
{
    enum ir_type t = f->imm, rt = t == IR_I64 ? IR_I64 : IR_I32;
    unsigned w = type_bits(t), n, out;
    ir_ref a = f->a, count = f->b;
    if (!ir_is_const(count)) {
        return keep_flags(cc, fl);
    }
    n = (unsigned)ir_const_val(ir, count);
    bool left = f->op == IR_fl_shl, arith = f->op == IR_fl_sar, inv = f->sub & FL_INV;
    switch (cc) {
    case CC_EQ:
    case CC_NE:
    case CC_MI:
    case CC_PL:
        if (w < 32 && !left) {
            a = arith ? ir_sext(ir, IR_I32, a, w) : ir_zext(ir, IR_I32, a, w);
        }
        a = ir_op2(ir, left ? IR_shl : arith ? IR_sar : IR_shr, rt, a, count);
        return is_eq(cc) ? ir_cond_cmp(ir, cc, t, a, IR_CONST) : sign_of(ir, t, a, cc == CC_MI);
    case CC_ULT:
    case CC_UGE:
        if (n > w && !arith) {
            return known(inv != (cc == CC_UGE));
        }
        out = left ? w - n : MIN(n, w) - 1;
        return ir_cond_cmp(ir, inv != (cc == CC_UGE) ? CC_TSTEQ : CC_TSTNE, rt, a, ir_const(ir, BIT(out)));
    case CC_VS:
    case CC_VC:
        return left ? keep_flags(cc, fl) : arith ? known(cc == CC_VC) : sign_of(ir, t, a, cc == CC_VS);
    default:
        return keep_flags(cc, fl);
    }
}

/* Flags from packed bits: conditions of one bit, or of a sum of bits, are tests of them. */
static struct cond flags_of_pack(struct ir *ir, enum ir_cond cc, const struct ir_op *f, ir_ref fl)
{
    static const u16 tested[CC_COUNT] = {
        [CC_EQ] = FL_Z, [CC_ULT] = FL_C, [CC_ULE] = FL_C | FL_Z, [CC_MI] = FL_N, [CC_VS] = FL_V, [CC_PE] = FL_P,
    };
    if (ir_is_const(f->a)) {
        return known(eval_cond(cc, (u32)ir_const_val(ir, f->a)));
    }
    u16 m = tested[cc & ~1u];
    return m ? ir_cond_cmp(ir, cc & 1 ? CC_TSTEQ : CC_TSTNE, IR_I32, f->a, ir_const(ir, m)) : keep_flags(cc, fl);
}

/* cc of (gate ? yes : constant flags), Arm's conditional compare: both must hold, or one of them. */
static struct cond flags_of_select(struct ir *ir, enum ir_cond cc, const struct ir_op *s, ir_ref fl)
{
    bool by_flags = s->op == IR_selectf;
    enum ir_cond gate_cc = s->sub;
    enum ir_type gate_t = s->imm;
    ir_ref a = s->a, b = s->b, yes_fl = by_flags ? s->b : s->c, no_fl = by_flags ? s->c : s->d;
    const struct ir_op *no = op_of(ir, no_fl);
    if (no->op != IR_fl_pack || !ir_is_const(no->a)) {
        return keep_flags(cc, fl);
    }
    bool either = eval_cond(cc, (u32)ir_const_val(ir, no->a));
    struct cond gate = by_flags ? keep_flags(gate_cc, a) : plain(gate_cc, gate_t, a, b);
    /* "not gate or yes" is "not (gate and not yes)". */
    struct cond yes = ir_cond_flags(ir, either ? cc_invert(cc) : cc, yes_fl);
    ir_ref g = ir_cond_value(ir, &gate), y = ir_cond_value(ir, &yes);
    return ir_cond_cmp(ir, either ? CC_TSTEQ : CC_TSTNE, IR_I32, g, y);
}

/* Flags whose C is that of the packed word, which was made of that C alone (a carry that another flag kept); or 0. */
static ir_ref carry_of_pack(struct ir *ir, const struct ir_op *f)
{
    const struct ir_op *shl = f->op == IR_fl_pack ? op_of(ir, f->a) : f;
    if (shl->op != IR_shl || !ir_is_const(shl->b) || ir_const_val(ir, shl->b) != ctz32(FL_C)) {
        return 0;
    }
    const struct ir_op *bit = op_of(ir, shl->a);
    return bit->op == IR_setf && bit->sub == CC_ULT ? bit->a : 0;
}

ir_ref ir_flags_with(struct ir *ir, ir_ref fl, u32 need)
{
    for (;;) {
        const struct ir_op *f = op_of(ir, fl);
        ir_ref whole = need == FL_C ? carry_of_pack(ir, f) : 0;
        if (f->op == IR_fl_mix && (!(need & f->imm) || !(need & ~f->imm))) {
            fl = need & f->imm ? f->a : f->b;
        } else if (whole) {
            fl = whole;
        } else {
            return fl;
        }
    }
}

struct cond ir_cond_flags(struct ir *ir, enum ir_cond cc, ir_ref fl)
{
    check(cc < CC_TSTEQ);
    fl = ir_flags_with(ir, fl, eval_cond_needs(cc));
    const struct ir_op *f = op_of(ir, fl);
    switch (f->op) {
    case IR_fl_sub:
        return flags_of_sub(ir, cc, f, fl);
    case IR_fl_add:
        return flags_of_add(ir, cc, f, fl);
    case IR_fl_logic:
        return flags_of_logic(ir, cc, f, fl);
    case IR_fl_shl:
    case IR_fl_shr:
    case IR_fl_sar:
        return flags_of_shift(ir, cc, f, fl);
    case IR_fl_pack:
        return flags_of_pack(ir, cc, f, fl);
    case IR_select:
    case IR_selectf:
        return flags_of_select(ir, cc, f, fl);
    default:
        return keep_flags(cc, fl);
    }
}

/* -- values of conditions ------------------------------------------------------------------------------------- */

ir_ref ir_cond_value(struct ir *ir, const struct cond *c)
{
    switch (c->kind) {
    case COND_CMP:
        if (c->cc == CC_NE && is_val(ir, c->b, 0) && sig_bits(ir, c->a) <= 1) {
            return c->a;
        }
        if (c->cc == CC_TSTNE && (sig_bits(ir, c->a) <= 1 || sig_bits(ir, c->b) <= 1)) {
            return ir_and(ir, c->t, c->a, c->b);
        }
        return ir_pure(ir, OP(.op = IR_setcc, .type = c->t, .sub = c->cc, .a = c->a, .b = c->b));
    case COND_FLAGS:
        return ir_pure(ir, OP(.op = IR_setf, .type = IR_I32, .sub = c->cc, .a = c->a));
    default:
        return ir_const(ir, c->kind == COND_ALWAYS);
    }
}

ir_ref ir_setcc(struct ir *ir, enum ir_cond cc, enum ir_type t, ir_ref a, ir_ref b)
{
    struct cond c = ir_cond_cmp(ir, cc, t, a, b);
    return ir_cond_value(ir, &c);
}

ir_ref ir_setf(struct ir *ir, enum ir_cond cc, ir_ref fl)
{
    struct cond c = ir_cond_flags(ir, cc, fl);
    return ir_cond_value(ir, &c);
}

static ir_ref select_when(struct ir *ir, const struct cond *c, enum ir_type t, ir_ref yes, ir_ref no)
{
    yes = ir_rd(ir, t, yes);
    no = ir_rd(ir, t, no);
    if (c->kind == COND_ALWAYS || yes == no) {
        return ir_as(ir, t, yes);
    }
    if (c->kind == COND_NEVER) {
        return ir_as(ir, t, no);
    }
    if (type_is_int(t)) {
        if (is_val(ir, yes, 1) && is_val(ir, no, 0)) {
            return ir_cond_value(ir, c);
        }
        if (is_val(ir, yes, 0) && is_val(ir, no, 1)) {
            struct cond inverse = *c;
            inverse.cc = cc_invert(c->cc);
            return ir_cond_value(ir, &inverse);
        }
    }
    if (c->kind == COND_FLAGS) {
        return ir_pure(ir, OP(.op = IR_selectf, .type = t, .sub = c->cc, .a = c->a, .b = yes, .c = no));
    }
    return ir_pure(ir,
                   OP(.op = IR_select, .type = t, .sub = c->cc, .a = c->a, .b = c->b, .c = yes, .d = no, .imm = c->t));
}

ir_ref ir_select(struct ir *ir, enum ir_cond cc, enum ir_type cmp_t, ir_ref a, ir_ref b, enum ir_type t, ir_ref yes,
                 ir_ref no)
{
    struct cond c = ir_cond_cmp(ir, cc, cmp_t, a, b);
    return select_when(ir, &c, t, yes, no);
}

ir_ref ir_selectf(struct ir *ir, enum ir_cond cc, ir_ref fl, enum ir_type t, ir_ref yes, ir_ref no)
{
    struct cond c = ir_cond_flags(ir, cc, fl);
    return select_when(ir, &c, t, yes, no);
}
