/* Half precision by way of wider formats, with F16C.
 *
 * A sum, product, quotient or root of halves rounded to single and then to half is rounded right (24 >= 2 * 11 + 2), in
 * the directed modes too, and never lands on a half by its first rounding alone, so flags are right as well. Fused sums
 * go through double: the product is exact there; the sum, cut to a single's precision with a sticky last bit, is
 * narrowed exactly, so that the one rounding is the last. What the host does otherwise is what float.c says: NaNs and
 * the least normal number go to the exact unit. Flushing never comes here. */
#include "tcg/host/x86_64/float_priv.h"

enum {
    CVTPH2PS = 0x13 | M38 | P66,
    CVTPS2PH = 0x1d | M3A | P66,
    CVTPS2PD = 0x5a | M0F,
    CVTPD2PS = 0x5a | M0F | P66,
    PSHUFD = 0x70 | M0F | P66,
    PUNPCKLQDQ = 0x6c | M0F | P66,
    PAND = 0xdb | M0F | P66,
    POR = 0xeb | M0F | P66,
    PXOR = 0xef | M0F | P66,
    PCMPEQW = 0x75 | M0F | P66,
    PCMPGTW = 0x65 | M0F | P66,
    PCMPEQQ = 0x29 | M38 | P66,
    PANDN = 0xdf | M0F | P66,
    PTEST = 0x17 | M38 | P66,
    PACKSSDW = 0x6b | M0F | P66,
    CURRENT = 4, /* rounding: MXCSR's */
};

/* -- in and out --------------------------------------------------------------------------------------------------- */

/* The half in lane 0 of rs as a single with zeros above: other lanes must not raise exceptions. */
void half_widen(struct gen *g, unsigned rd, ir_ref r)
{
    unsigned rs = ra_src(g, r, IR_F16); /* callers have fetched all operands before they use scratch registers */
    if (!float_zero_above(g, r, IR_F16)) {
        v_rrr(g->c, PXOR, rd, rd, rd);
        v_rrri(g->c, 0x0e | M3A | P66, rd, rd, rs, 1); /* pblendw */
        rs = rd;
    }
    v_rrr(g->c, CVTPH2PS, rd, 0, rs);
}
static void fetch(struct gen *g, const struct xop *x)
{
    const ir_ref arg[3] = {x->a, x->b, x->c};
    for (unsigned k = 0; k < x->nargs; k++) {
        ra_src(g, arg[k], IR_F16);
    }
}
/* Four halves of the lower or upper part of rs. */
static void widen4(struct gen *g, unsigned rd, unsigned rs, bool upper)
{
    if (upper) {
        v_rrri(g->c, PSHUFD, rd, 0, rs, 0xee);
        rs = rd;
    }
    v_rrr(g->c, CVTPH2PS, rd, 0, rs);
}

void half_check(struct gen *g, struct xop *x, unsigned rd, bool tiny, bool nan)
{
    if (g->t->nan == NAN_X86) {
        return;
    }
    v_rrr(g->c, X_MOVD_RX, rd, 0, RAX);
    x_alu_i(g->c, ALU_AND, false, RAX, 0x7fff);
    if (tiny && g->t->nan == NAN_ARM) {
        x_alu_i(g->c, ALU_CMP, false, RAX, 0x400);
        float_exact_at(g, x, x_jcc(g->c, X_E), rd);
    }
    if (nan) {
        x_alu_i(g->c, ALU_CMP, false, RAX, 0x7c00);
        float_exact_at(g, x, x_jcc(g->c, X_A), rd);
    }
}
void half_check_vector(struct gen *g, struct xop *x, unsigned rd, bool tiny, bool nan)
{
    tiny &= g->t->nan == NAN_ARM;
    if (g->t->nan == NAN_X86 || !(tiny || nan)) {
        return;
    }
    vop(g, PAND, XMM0, rd, TABLE(ABS16));
    if (tiny) {
        vop(g, PCMPEQW, XMM1, XMM0, TABLE(TINY16));
    }
    if (nan) {
        vop(g, PCMPGTW, XMM0, XMM0, TABLE(INF16));
    }
    if (tiny && nan) {
        v_rrr(g->c, POR, XMM0, XMM0, XMM1);
    }
    unsigned bad = nan ? XMM0 : XMM1;
    v_rrr(g->c, PTEST, bad, 0, bad);
    float_exact_at(g, x, x_jcc(g->c, X_NE), rd);
}

/* -- two operands -------------------------------------------------------------------------------------------------- */

void half_arith(struct gen *g, struct xop *x, unsigned opc)
{
    bool sqrt = x->op == IR_fsqrt, tiny = x->op == IR_fmul || x->op == IR_fdiv;
    if (x->type != IR_V128) {
        fetch(g, x);
        half_widen(g, XMM0, x->a);
        if (!sqrt) {
            half_widen(g, XMM1, x->b);
        }
        unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
        v_rrr(g->c, float_opc(opc, false, 2), XMM0, XMM0, sqrt ? XMM0 : XMM1);
        v_rrri(g->c, CVTPS2PH, XMM0, 0, rd, CURRENT);
        half_check(g, x, rd, tiny, true);
        ra_bind(g, (ir_ref)g->i, rd);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128), rb = sqrt ? ra : ra_src(g, x->b, IR_V128);
    unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
    for (unsigned upper = 0; upper < 2; upper++) {
        widen4(g, XMM0, ra, upper);
        if (!sqrt) {
            widen4(g, XMM1, rb, upper);
        }
        v_rrr(g->c, opc | M0F, XMM0, sqrt ? 0 : XMM0, sqrt ? XMM0 : XMM1);
        v_rrri(g->c, CVTPS2PH, XMM0, 0, upper ? XMM0 : XMM2, CURRENT);
    }
    v_rrr(g->c, PUNPCKLQDQ, rd, XMM2, XMM0);
    half_check_vector(g, x, rd, tiny, true);
    ra_bind(g, (ir_ref)g->i, rd);
}

/* Both orders, as emit_fminmax. The results are halves: narrowing is exact. */
void half_minmax(struct gen *g, struct xop *x)
{
    bool min = x->op == IR_fmin || x->op == IR_fminnm;
    unsigned opc = (min ? 0x5d : 0x5f), merge = (min ? 0x56 : 0x54) | M0F;
    fetch(g, x);
    half_widen(g, XMM0, x->a);
    half_widen(g, XMM1, x->b);
    unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
    v_rrr(g->c, 0x2e | M0F, XMM0, 0, XMM1);
    u8 *at = x_jcc(g->c, X_P);
    v_rrr(g->c, float_opc(opc, false, 2), XMM2, XMM0, XMM1);
    v_rrr(g->c, float_opc(opc, false, 2), XMM0, XMM1, XMM0);
    v_rrr(g->c, merge, XMM0, XMM0, XMM2);
    v_rrri(g->c, CVTPS2PH, XMM0, 0, rd, CURRENT);
    float_exact_at(g, x, at, rd);
    ra_bind(g, (ir_ref)g->i, rd);
}

void half_compare(struct gen *g, struct xop *x, u8 predicate)
{
    unsigned ra = ra_src(g, x->a, IR_V128), rb = ra_src(g, x->b, IR_V128);
    for (unsigned upper = 0; upper < 2; upper++) {
        widen4(g, XMM0, ra, upper);
        widen4(g, XMM1, rb, upper);
        v_rrri(g->c, 0xc2 | M0F, upper ? XMM0 : XMM2, XMM0, XMM1, predicate);
    }
    v_rrr(g->c, PACKSSDW, ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b)), XMM2, XMM0);
}

/* -- fused sums ---------------------------------------------------------------------------------------------------- */

/* Doubles in rs as singles whose last bit is odd when they are inexact: what is cut off counts in the next rounding.
 * The narrowing to single is exact but for values far outside a half's range, and raises what the half would. */
static void narrow_odd(struct gen *g, bool vec, unsigned rd, unsigned rs, unsigned tmp)
{
    vop(g, PAND, tmp, rs, TABLE(CUT29));
    vop(g, PCMPEQQ, tmp, tmp, TABLE(ZERO)); /* ones: exact */
    vop(g, PANDN, tmp, tmp, TABLE(BIT29));
    v_rrr(g->c, POR, rs, rs, tmp);
    vop(g, PAND, rs, rs, TABLE(KEEP29));
    if (vec) {
        v_rrr(g->c, CVTPD2PS, rd, 0, rs);
    } else {
        v_rrr(g->c, PXOR, rd, rd, rd);
        v_rrr(g->c, float_opc(0x5a, false, 3), rd, rd, rs);
    }
}

static const u8 fma231[4] = {0xb8, 0xbc, 0xba, 0xbe}; /* fmadd, fnmadd, fmsub, fnmsub */

static void fma_scalar(struct gen *g, struct xop *x)
{
    const ir_ref arg[3] = {x->a, x->b, x->c};
    fetch(g, x);
    for (unsigned k = 0; k < 3; k++) {
        half_widen(g, XMM0 + k, arg[k]);
        v_rrr(g->c, float_opc(0x5a, false, 2), XMM0 + k, XMM0 + k, XMM0 + k);
    }
    unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
    v_rrr(g->c, (fma231[x->imm & 3] + 1u) | M38 | P66 | OPW, XMM2, XMM0, XMM1);
    narrow_odd(g, false, XMM0, XMM2, XMM1);
    v_rrri(g->c, CVTPS2PH, XMM0, 0, rd, CURRENT);
    half_check(g, x, rd, true, true);
    ra_bind(g, (ir_ref)g->i, rd);
}

/* Two lanes, the k-th pair, to singles in rd. */
static void fma_pair(struct gen *g, const struct xop *x, const unsigned arg[3], unsigned k, unsigned rd)
{
    for (unsigned i = 0; i < 3; i++) {
        unsigned rs = arg[i];
        if (k) { /* what is beside the pair has its turn too, and raises the same then */
            v_rrri(g->c, PSHUFD, XMM0 + i, 0, rs, (u8)k);
            rs = XMM0 + i;
        }
        v_rrr(g->c, CVTPH2PS, XMM0 + i, 0, rs);
        v_rrr(g->c, CVTPS2PD, XMM0 + i, 0, XMM0 + i);
    }
    v_rrr(g->c, fma231[x->imm & 3] | M38 | P66 | OPW, XMM2, XMM0, XMM1);
    narrow_odd(g, true, rd, XMM2, XMM1);
}

void half_fma(struct gen *g, struct xop *x)
{
    if (x->type != IR_V128) {
        fma_scalar(g, x);
        return;
    }
    const unsigned arg[3] = {ra_src(g, x->a, IR_V128), ra_src(g, x->b, IR_V128), ra_src(g, x->c, IR_V128)};
    unsigned t = ra_temp(g, XMM_ALLOC), low = ra_temp(g, XMM_ALLOC), rd = ra_pick(g, (ir_ref)g->i, 0);
    for (unsigned k = 0; k < 4; k++) {
        unsigned to = k & 1 ? XMM0 : t;
        fma_pair(g, x, arg, k, to);
        if (k & 1) {
            v_rrr(g->c, PUNPCKLQDQ, XMM0, t, XMM0);
            v_rrri(g->c, CVTPS2PH, XMM0, 0, k == 1 ? low : XMM0, CURRENT);
        }
    }
    v_rrr(g->c, PUNPCKLQDQ, rd, low, XMM0);
    half_check_vector(g, x, rd, true, true);
    ra_bind(g, (ir_ref)g->i, rd);
}

/* -- conversions --------------------------------------------------------------------------------------------------- */

/* To an integral value, which a half holds. */
void half_round(struct gen *g, struct xop *x, u8 imm, bool nan)
{
    if (x->type != IR_V128) {
        half_widen(g, XMM0, x->a);
        unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
        v_rrri(g->c, 0x0a | M3A | P66, XMM0, XMM0, XMM0, imm);
        v_rrri(g->c, CVTPS2PH, XMM0, 0, rd, CURRENT);
        half_check(g, x, rd, false, nan);
        ra_bind(g, (ir_ref)g->i, rd);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128), rd = ra_pick(g, (ir_ref)g->i, 0);
    for (unsigned upper = 0; upper < 2; upper++) {
        widen4(g, XMM0, ra, upper);
        v_rrri(g->c, 0x08 | M3A | P66, XMM0, 0, XMM0, imm);
        v_rrri(g->c, CVTPS2PH, XMM0, 0, upper ? XMM0 : XMM2, CURRENT);
    }
    v_rrr(g->c, PUNPCKLQDQ, rd, XMM2, XMM0);
    half_check_vector(g, x, rd, false, nan);
    ra_bind(g, (ir_ref)g->i, rd);
}

/* From a double: one rounding, the last. */
void half_from_double(struct gen *g, struct xop *x, bool nan)
{
    unsigned ra = ra_src(g, x->a, IR_F64), rd = ra_pick(g, (ir_ref)g->i, 0);
    v_rrr(g->c, X_MOVQ_XX, XMM2, 0, ra);
    narrow_odd(g, false, XMM0, XMM2, XMM1);
    v_rrri(g->c, CVTPS2PH, XMM0, 0, rd, CURRENT);
    half_check(g, x, rd, true, nan);
    ra_bind(g, (ir_ref)g->i, rd);
}

/* Words: exact as singles. */
void half_from_words(struct gen *g, struct xop *x, bool uns)
{
    unsigned ra = ra_src(g, x->a, IR_V128), rd = ra_pick(g, (ir_ref)g->i, 0);
    for (unsigned upper = 0; upper < 2; upper++) {
        unsigned rs = ra;
        if (upper) {
            v_rrri(g->c, PSHUFD, XMM0, 0, ra, 0xee);
            rs = XMM0;
        }
        v_rrr(g->c, (uns ? 0x33 : 0x23) | M38 | P66, XMM0, 0, rs); /* pmovzxwd, pmovsxwd */
        v_rrr(g->c, 0x5b | M0F, XMM0, 0, XMM0);
        v_rrri(g->c, CVTPS2PH, XMM0, 0, upper ? XMM0 : XMM2, CURRENT);
    }
    v_rrr(g->c, PUNPCKLQDQ, rd, XMM2, XMM0);
    ra_bind(g, (ir_ref)g->i, rd);
}
