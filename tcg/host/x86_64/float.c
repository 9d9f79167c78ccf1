/* Float arithmetic and comparison, scalar and vector: the host's instruction, one check, and a cold path that has the
 * exact unit do it again.
 *
 * MXCSR is the guest's: its rounding, every exception masked, nothing flushed; the sticky bits gather there. What the
 * host does otherwise than the guest's architecture (struct ir_target, nan):
 *   - which NaN results: unless the guest is x86, a NaN result is recomputed exactly (or is the default NaN);
 *   - Arm finds a result tiny before rounding, x86 after: they differ when the rounded result is the least normal
 * number, which products, quotients and fused sums may be (sums and differences that small are exact);
 *   - MINSD and MAXSD are invalid for quiet NaNs and do not order zeros.
 * The exact path reads the original operands, so the result never takes their registers before the check. */
#include "tcg/host/x86_64/x_priv.h"

#include "tcg/host/x86_64/float_priv.h"

enum { OP_ADD = 0x58, OP_MUL = 0x59, OP_SUB = 0x5c, OP_MIN = 0x5d, OP_DIV = 0x5e, OP_MAX = 0x5f, OP_SQRT = 0x51 };
enum { UCOMI = 0x2e | M0F, CMP_P = 0xc2 | M0F, PTEST = 0x17 | M38 | P66 };

/* -- kinds ------------------------------------------------------------------------------------------------------ */

unsigned float_es(unsigned type, unsigned sub)
{
    return type == IR_V128 ? sub & FP_ES : type == IR_F16 ? 1u : type == IR_F32 ? 2u : 3u;
}
u32 float_opc(u32 opc, bool vec, unsigned es)
{
    return opc | M0F | (vec ? (es == 3 ? P66 : 0) : es == 3 ? PF2 : PF3);
}
static const struct opnd *by_size(unsigned es, const struct opnd *s, const struct opnd *d)
{
    return es == 3 ? d : s;
}

/* -- what lies above a scalar ----------------------------------------------------------------------------------------
 *
 * An instruction on scalars takes the upper part of its result from one operand. When that is zero the result is a
 * vector already; its value is of type V128 then (select.c), and emitters choose the operand accordingly. */

bool float_zero_above(const struct gen *g, ir_ref r, unsigned type)
{
    if (ir_is_const(r) || r >= REF_ENTRY || g->vals[r].type != IR_V128) {
        return false;
    }
    unsigned own = ir_result(&g->ir->ops[r]);
    return own != IR_V128 && own <= type;
}
/* Constants are loaded alone. */
static bool zero_above(const struct gen *g, ir_ref r, unsigned type)
{
    return ir_is_const(r) ? type != IR_F16 : float_zero_above(g, r, type);
}

bool float_clears(const struct gen *g, const struct xop *x)
{
    unsigned t = x->type;
    bool a = zero_above(g, x->a, t), always = float_is_slow(x) || t == IR_F16;
    switch (x->op) {
    case IR_ld:
    case IR_ld_hi:
    case IR_fcvt:
    case IR_i2f:
    case IR_fsqrt:
    case IR_frcpe:
    case IR_frsqe:
    case IR_fround:
    case IR_fabs:
        return true;
    case IR_bitcast:
        return t != IR_F16;
    case IR_vget:
        return x->sub >= 2 && x->imm != 0;
    case IR_fneg:
        return a;
    case IR_fsub:
    case IR_fdiv:
    case IR_fminc:
    case IR_fmaxc:
        return a || always;
    case IR_fadd:
    case IR_fmul:
        return a || zero_above(g, x->b, t) || always;
    case IR_fma:
        return a || zero_above(g, x->b, t) || zero_above(g, x->c, t) || always || !x_cpu.fma;
    case IR_fmin:
    case IR_fmax:
    case IR_fminnm:
    case IR_fmaxnm:
        return (a && zero_above(g, x->b, t)) || always;
    case IR_select:
        return zero_above(g, x->c, t) && zero_above(g, x->d, t);
    case IR_selectf:
        return zero_above(g, x->b, t) && zero_above(g, x->c, t);
    default:
        return false;
    }
}

/* -- the cold path ------------------------------------------------------------------------------------------------ */

static void exact(struct gen *g, struct xop *x, unsigned rd, u8 *join)
{
    fallback_args(g, x);
    fallback_call(g, x);
    fallback_result(g, rd, x->type);
    back_to_hot(g, join);
    to_hot(g);
}
void float_exact_at(struct gen *g, struct xop *x, u8 *at, unsigned rd)
{
    u8 *join = g->hot.p;
    to_cold(g);
    bind_cold(g, at);
    exact(g, x, rd, join);
}

/* Jumps when a lane of a mask is set. */
u8 *float_if_any(struct gen *g, unsigned mask)
{
    v_rrr(g->c, 0x50 | M0F, RAX, 0, mask); /* movmskps */
    x_test(g->c, false, RAX, RAX);
    return x_jcc(g->c, X_NE);
}

/* Jumps when rd holds a NaN. */
static u8 *check_nan(struct gen *g, bool vec, unsigned es, unsigned rd)
{
    if (!vec) {
        v_rrr(g->c, UCOMI | (es == 3 ? P66 : 0), rd, 0, rd);
        return x_jcc(g->c, X_P);
    }
    v_rrri(g->c, CMP_P | (es == 3 ? P66 : 0), XMM0, rd, rd, 0x03); /* unordered, quiet */
    return float_if_any(g, XMM0);
}

/* The same, or the least normal number. */
static void check_tiny_vector(struct gen *g, struct xop *x, unsigned es, unsigned rd)
{
    vop(g, 0x54 | M0F, XMM0, rd, by_size(es, TABLE(ABS32), TABLE(ABS64)));
    vop_i(g, CMP_P | (es == 3 ? P66 : 0), XMM0, XMM0, by_size(es, TABLE(TINY32), TABLE(TINY64)), 0x08);
    float_exact_at(g, x, float_if_any(g, XMM0), rd);
}

/* The exponent but for its lowest bit is all zeros or all ones: one test finds what is suspicious, and the cold path
 * sends back zeros, denormals, infinities and the very large. */
static void check_tiny_scalar(struct gen *g, struct xop *x, unsigned es, unsigned rd)
{
    vop(g, PTEST, rd, 0, by_size(es, TABLE(EXP32), TABLE(EXP64)));
    u8 *at = x_jcc(g->c, X_BE), *join = g->hot.p;
    to_cold(g);
    bind_cold(g, at);
    vop(g, 0x54 | M0F, XMM0, rd, by_size(es, TABLE(ABS32), TABLE(ABS64)));
    vop(g, UCOMI | (es == 3 ? P66 : 0), XMM0, 0, by_size(es, TABLE(TINY32), TABLE(TINY64)));
    u8 *back = x_jcc(g->c, X_NE); /* not equal, nor unordered */
    x_set_rel(back, join);
    fix_add(g, back);
    exact(g, x, rd, join);
}

void float_check(struct gen *g, struct xop *x, unsigned es, unsigned rd, bool tiny)
{
    bool vec = x->type == IR_V128;
    if (g->t->nan == NAN_X86) {
        return;
    }
    if (!tiny || g->t->nan != NAN_ARM) {
        float_exact_at(g, x, check_nan(g, vec, es, rd), rd);
    } else if (vec) {
        check_tiny_vector(g, x, es, rd);
    } else {
        check_tiny_scalar(g, x, es, rd);
    }
}

/* No fast form: halves that may be flushed, or on an old host; lanes alone, which float_native.c has. */
bool float_is_slow(const struct xop *x)
{
    return (x->sub & FP_LOW) || (float_es(x->type, x->sub) == 1 && ((x->sub & FP_FZ) || !x_cpu.f16c));
}

u8 float_predicate(u32 fcond)
{
    static const u8 predicate[2][16] = {
        {0x0b, 0x11, 0x00, 0x12, 0x1e, 0x0c, 0x1d, 0x07, 0x03, 0x19, 0x08, 0x1a, 0x16, 0x04, 0x15, 0x0f},
        {0x1b, 0x01, 0x10, 0x02, 0x0e, 0x1c, 0x0d, 0x17, 0x13, 0x09, 0x18, 0x0a, 0x06, 0x14, 0x05, 0x1f}};
    return predicate[!!(fcond & FC_SIGNAL)][fcond & 15];
}

/* -- flushing ------------------------------------------------------------------------------------------------------
 *
 * FP_FZ says that denormals may have to be flushed. The host does it with other flags, so denormal operands go to the
 * exact unit before the host sees them, and tiny results (the least normal number too, which may have been rounded up)
 * after. The host has raised inexact for these then, which flushing does not: the flags from before are put back. */

/* Jumps when a lane of these registers is neither zero nor above the least normal number. */
static u8 *if_denormal(struct gen *g, bool vec, unsigned es, const unsigned *reg, unsigned n)
{
    static const u8 mask[2][4] = {{0, T_MAG16, T_MAG32, T_MAG64}, {0, T_ABS16, T_ABS32, T_ABS64}};
    static const u8 tiny[4] = {0, T_TINY16, T_TINY32, T_TINY64};
    const struct opnd m = {.kind = OP_TABLE, .imm = mask[vec][es] * 16}, t = {.kind = OP_TABLE, .imm = tiny[es] * 16};
    u32 gt = es == 3 ? 0x37 | M38 | P66 : 0x66 | M0F | P66; /* pcmpgtq, pcmpgtd */
    for (unsigned k = 0; k < n; k++) {
        unsigned to = k ? XMM1 : XMM0;
        vop(g, 0x54 | M0F, XMM1, reg[k], &m);
        vop(g, gt, XMM2, XMM1, &t);
        vop(g, gt, XMM1, XMM1, TABLE(ZERO));
        v_rrr(g->c, 0x55 | M0F, to, XMM2, XMM1); /* andnps */
        if (k) {
            v_rrr(g->c, 0x56 | M0F, XMM0, XMM0, XMM1);
        }
    }
    v_rrr(g->c, PTEST, XMM0, 0, XMM0);
    return x_jcc(g->c, X_NE);
}

/* Jumps when a lane of rd is not above the least normal number, if only because it became zero. Where the first operand
 * is zero the result is exact. */
static u8 *if_underflow(struct gen *g, const struct xop *x, const struct flush *f, unsigned es, unsigned rd)
{
    static const u8 mag[4] = {0, 0, T_MAG32, T_MAG64};
    unsigned ra = ra_src(g, x->a, f->vec ? IR_V128 : f->es == 3 ? IR_F64 : IR_F32);
    vop(g, 0x54 | M0F, XMM0, rd, by_size(es, TABLE(ABS32), TABLE(ABS64)));
    vop_i(g, float_opc(0xc2, f->vec, es), XMM0, XMM0, by_size(es, TABLE(TINY32), TABLE(TINY64)), 0x1a); /* not > */
    vop_i(g, float_opc(0xc2, f->vec, f->es), XMM1, ra, TABLE(ZERO), 0x00);
    v_rrr(g->c, 0x55 | M0F, XMM0, XMM1, XMM0);
    if (f->vec) {
        v_rrr(g->c, PTEST, XMM0, 0, XMM0);
    } else {
        vop(g, PTEST, XMM0, 0, &(struct opnd){.kind = OP_TABLE, .imm = mag[es] * 16});
    }
    return x_jcc(g->c, X_NE);
}

static void flush_fetch(struct gen *g, const struct xop *x, bool vec, unsigned es, unsigned reg[3])
{
    const ir_ref arg[3] = {x->a, x->b, x->c};
    for (unsigned k = 0; k < x->nargs; k++) {
        reg[k] = ra_src(g, arg[k], vec ? IR_V128 : es == 3 ? IR_F64 : IR_F32);
    }
}
void flush_operands(struct gen *g, const struct xop *x, bool vec, unsigned es)
{
    unsigned reg[3];
    if ((x->sub & FP_FZ) && !g->native) {
        flush_fetch(g, x, vec, es, reg);
    }
}

struct flush flush_begin(struct gen *g, const struct xop *x, bool vec, unsigned es, bool tiny)
{
    struct flush f = {.vec = vec, .tiny = tiny, .es = (u8)es};
    unsigned reg[3];
    if (!(x->sub & FP_FZ) || g->native) {
        return f;
    }
    flush_fetch(g, x, vec, es, reg);
    f.at = if_denormal(g, vec, es, reg, x->nargs);
    if (tiny) {
        v_rrm(g->c, 0xae | M0F, 3, 0, RT_MEM(scratch)); /* stmxcsr */
    }
    return f;
}

void flush_end(struct gen *g, struct xop *x, const struct flush *f, unsigned es, unsigned rd)
{
    if (!f->at) {
        return;
    }
    u8 *nan = f->tiny && g->t->nan != NAN_X86 ? check_nan(g, f->vec, es, rd) : NULL; /* another lane may be tiny */
    u8 *at = f->tiny ? if_underflow(g, x, f, es, rd) : NULL, *join = g->hot.p;
    float_exact_at(g, x, f->at, rd);
    if (at) {
        to_cold(g);
        bind_cold(g, at);
        if (nan) {
            bind_cold(g, nan);
        }
        v_rrm(g->c, 0xae | M0F, 2, 0, RT_MEM(scratch)); /* ldmxcsr */
        exact(g, x, rd, join);
    }
}

void flush_check(struct gen *g, struct xop *x, const struct flush *f, unsigned es, unsigned rd, bool tiny)
{
    if (!f->at) {
        float_check(g, x, es, rd, tiny);
    }
}

/* fl_fcmp that may flush: the packed form at once. */
void emit_fcmp_flushing(struct gen *g, struct xop *x)
{
    unsigned es = (u8)x->imm == IR_F64 ? 3 : (u8)x->imm == IR_F32 ? 2 : 1;
    g->ef.kind = RK_NONE;
    if (es == 1) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, (u8)x->imm), rb = ra_src(g, x->b, (u8)x->imm), rd = ra_pick(g, (ir_ref)g->i, 0);
    struct flush f = flush_begin(g, x, false, es, false);
    v_rrr(g->c, (x->imm & FCMP_SIGNAL ? 0x2f : 0x2e) | M0F | (es == 3 ? P66 : 0), ra, 0, rb);
    fcmp_packed(g, x->imm);
    x_mov(g->c, false, rd, RAX);
    flush_end(g, x, &f, es, rd);
    ra_bind(g, (ir_ref)g->i, rd);
}

/* -- arithmetic -------------------------------------------------------------------------------------------------- */

/* With zeros above. */
static void one_operand(struct gen *g, u32 opc, unsigned ra, struct xop *x)
{
    unsigned rd = ra_pick(g, (ir_ref)g->i, 0), above = ra, es = float_es(x->type, x->sub);
    struct flush f = flush_begin(g, x, x->type == IR_V128, es, false);
    if (x->type == IR_V128) {
        above = 0;
    } else if (!float_zero_above(g, x->a, x->type)) {
        v_rrr(g->c, 0x57 | M0F, rd, rd, rd);
        above = rd;
    }
    v_rrr(g->c, opc, rd, above, ra);
    float_check(g, x, es, rd, false);
    flush_end(g, x, &f, es, rd);
    ra_bind(g, (ir_ref)g->i, rd);
}

void emit_farith(struct gen *g, struct xop *x)
{
    if (g->native && native_arith(g, x)) {
        return;
    }
    if (float_is_slow(x)) {
        emit_fallback(g, x);
        return;
    }
    static const u8 opc[IR_OPCODES] = {
        [IR_fadd] = OP_ADD, [IR_fsub] = OP_SUB, [IR_fmul] = OP_MUL, [IR_fdiv] = OP_DIV, [IR_fsqrt] = OP_SQRT};
    bool vec = x->type == IR_V128, sqrt = x->op == IR_fsqrt;
    unsigned es = float_es(x->type, x->sub), t = x->type;
    u32 o = float_opc(opc[x->op], vec, es);
    if (es == 1) {
        half_arith(g, x, opc[x->op]);
        return;
    }
    if (sqrt) {
        one_operand(g, o, ra_src(g, x->a, t), x);
        return;
    }
    bool turn = !vec && (x->op == IR_fadd || x->op == IR_fmul) && !zero_above(g, x->a, t) && zero_above(g, x->b, t);
    bool tiny = x->op == IR_fmul || x->op == IR_fdiv;
    flush_operands(g, x, vec, es);
    unsigned ra = ra_src(g, turn ? x->b : x->a, t);
    struct opnd b = ra_vopnd(g, turn ? x->a : x->b, t);
    unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
    struct flush f = flush_begin(g, x, vec, es, true);
    vop(g, o, rd, ra, &b);
    flush_check(g, x, &f, es, rd, tiny);
    flush_end(g, x, &f, es, rd);
    ra_bind(g, (ir_ref)g->i, rd);
}

void emit_fma(struct gen *g, struct xop *x)
{
    if (g->native && native_fma(g, x)) {
        return;
    }
    if (float_is_slow(x) || !x_cpu.fma || x->imm & FMA_ALTERNATE) {
        emit_fallback(g, x);
        return;
    }
    /* 231: rd = a * b + rd; 213: rd = rd * b + c. Lower: fmadd, fnmadd, fmsub, fnmsub. */
    static const u8 opc[4] = {0xb8, 0xbc, 0xba, 0xbe};
    bool vec = x->type == IR_V128, c_above = vec || zero_above(g, x->c, x->type);
    bool a_above = !c_above && zero_above(g, x->a, x->type),
         b_above = !c_above && !a_above && zero_above(g, x->b, x->type);
    unsigned es = float_es(x->type, x->sub), t = x->type;
    u32 o = (opc[x->imm & 3] + (vec ? 0u : 1u)) | M38 | P66 | (es == 3 ? OPW : 0);
    if (es == 1) {
        half_fma(g, x);
        return;
    }
    flush_operands(g, x, vec, es);
    if (a_above || b_above) {
        ir_ref first = a_above ? x->a : x->b, other = a_above ? x->b : x->a;
        unsigned rf = ra_src(g, first, t), ro = ra_src(g, other, t);
        struct opnd c = ra_vopnd(g, x->c, t);
        unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
        struct flush f = flush_begin(g, x, vec, es, true);
        v_rrr(g->c, X_MOVAPS, rd, 0, rf);
        vop(g, o - 0x10, rd, ro, &c);
        flush_check(g, x, &f, es, rd, true);
        flush_end(g, x, &f, es, rd);
        ra_bind(g, (ir_ref)g->i, rd);
        return;
    }
    unsigned ra = ra_src(g, x->a, t), rb = ra_src(g, x->b, t);
    struct opnd c = ra_vopnd(g, x->c, t);
    unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
    struct flush f = flush_begin(g, x, vec, es, true);
    if (vec || c.kind == OP_REG) {
        vmov(g, rd, &c);
    } else {
        ra_load(g, rd, x->c, t);
    }
    v_rrr(g->c, o, rd, ra, rb);
    flush_check(g, x, &f, es, rd, true);
    flush_end(g, x, &f, es, rd);
    ra_bind(g, (ir_ref)g->i, rd);
}

/* With no NaN about, min(a, b) and min(b, a) differ only in zeros, and only in the sign: or them, and maxima. */
void emit_fminmax(struct gen *g, struct xop *x)
{
    bool flushed = g->native && (x->sub & FP_FZ); /* no guest like that */
    if (float_is_slow(x) || flushed || (x->type == IR_V128 && float_es(x->type, x->sub) == 1)) {
        emit_fallback(g, x);
        return;
    }
    bool vec = x->type == IR_V128, min = x->op == IR_fmin || x->op == IR_fminnm;
    unsigned es = float_es(x->type, x->sub);
    if (es == 1) {
        half_minmax(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type);
    unsigned rd = ra_pick(g, (ir_ref)g->i, ra_dying(g, x->a) | ra_dying(g, x->b));
    struct flush f = flush_begin(g, x, vec, es, false);
    u8 *at;
    if (vec) {
        v_rrri(g->c, 0xc2 | M0F | (es == 3 ? P66 : 0), XMM0, ra, rb, 0x03);
        at = float_if_any(g, XMM0);
    } else {
        v_rrr(g->c, 0x2e | M0F | (es == 3 ? P66 : 0), ra, 0, rb);
        at = x_jcc(g->c, X_P);
    }
    u32 o = float_opc(min ? OP_MIN : OP_MAX, vec, es);
    v_rrr(g->c, o, XMM0, ra, rb);
    v_rrr(g->c, o, XMM1, rb, ra);
    v_rrr(g->c, (min ? 0x56 : 0x54) | M0F, rd, XMM0, XMM1);
    float_exact_at(g, x, at, rd);
    flush_end(g, x, &f, es, rd);
    ra_bind(g, (ir_ref)g->i, rd);
}

/* fneg, fabs: bit operations. */
void emit_fsign(struct gen *g, struct xop *x)
{
    static const u8 mask[2][2][4] = {
        {{0, T_NEG16, T_NEG32, T_NEG64}, {0, T_MAG16, T_MAG32, T_MAG64}},
        {{0, T_SIGN16, T_SIGN32, T_SIGN64}, {0, T_ABS16, T_ABS32, T_ABS64}},
    };
    unsigned es = float_es(x->type, x->sub), ra = ra_src(g, x->a, x->type);
    struct opnd m = {.kind = OP_TABLE, .imm = mask[x->type == IR_V128][x->op == IR_fabs][es] * 16};
    vop(g, x->op == IR_fabs ? 0x54 | M0F : 0x57 | M0F, ra_dst(g, ra_dying(g, x->a)), ra, &m);
}

void emit_vfcmp(struct gen *g, struct xop *x)
{
    if (g->native && native_vfcmp(g, x)) {
        return;
    }
    if (float_is_slow(x)) {
        emit_fallback(g, x);
        return;
    }
    unsigned es = x->sub & FP_ES;
    u8 imm = float_predicate(x->imm);
    if (es == 1) {
        half_compare(g, x, imm);
        return;
    }
    flush_operands(g, x, true, es);
    unsigned ra = ra_src(g, x->a, IR_V128);
    struct opnd b = ra_vopnd(g, x->b, IR_V128);
    u64 db = b.kind == OP_REG ? ra_dying(g, x->b) : 0;
    unsigned rd = ra_pick(g, (ir_ref)g->i, ra_dying(g, x->a) | db);
    struct flush f = flush_begin(g, x, true, es, false);
    vop_i(g, 0xc2 | M0F | (es == 3 ? P66 : 0), rd, ra, &b, imm);
    flush_end(g, x, &f, es, rd);
    ra_bind(g, (ir_ref)g->i, rd);
}
