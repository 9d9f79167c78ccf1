/* Conversions between float formats, integers and integral values.
 *
 * Out of range and NaN operands make the host's conversions give the "integer indefinite", the least integer, with
 * INVALID only: the same flags as Arm's, which saturates; the cold path finds the number. Roundings other than the
 * current one and toward zero go through ROUNDSD with its own mode, which keeps PRECISION quiet on demand: an operand
 * out of range must not raise inexact. */
#include "tcg/host/x86_64/float_priv.h"

enum {
    CVTSS2SD = 0x5a,
    CVTT2SI = 0x2c,
    CVT2SI = 0x2d,
    CVTSI2S = 0x2a,
    ROUND_PS = 0x08 | M3A | P66,
    ROUND_PD = 0x09 | M3A | P66,
    ROUND_SS = 0x0a | M3A | P66,
    ROUND_SD = 0x0b | M3A | P66,
    ROUND_QUIET = 8, /* no PRECISION exception */
    CVTPH2PS = 0x13 | M38 | P66,
    CVTPS2PH = 0x1d | M3A | P66,
    PCMPEQD = 0x76 | M0F | P66,
    CMP_P = 0xc2, /* cmpps and its like */
    AND_P = 0x54 | M0F,
    OR_P = 0x56 | M0F,
    LT_OQ = 0x11,
    GE_OQ = 0x1d,
    IMM_ZERO = 3,
    IMM_AWAY = 8, /* made by round_away() */
};

/* The immediate of ROUNDSD; IMM_AWAY; -1: there is none. */
static int round_imm(unsigned fpr)
{
    static const i8 imm[8] = {[FPR_NEAREST] = 0, [FPR_DOWN] = 1,        [FPR_UP] = 2,   [FPR_ZERO] = IMM_ZERO,
                              [FPR_CURRENT] = 4, [FPR_AWAY] = IMM_AWAY, [FPR_ODD] = -1, [7] = -1};
    return imm[fpr & 7];
}
static u32 round_opc(bool vec, unsigned es)
{
    return vec ? (es == 3 ? ROUND_PD : ROUND_PS) : es == 3 ? ROUND_SD : ROUND_SS;
}

/* Ties away: cut, and one more where at least a half was cut off. No operation here rounds, so nothing but the invalid
 * operation of a signalling NaN is raised, and PRECISION by the cut itself unless it is to be quiet. Numbers too large
 * for a fraction, infinities and NaNs count as 0 where the fraction is found. `above` is the cut's first operand. */
static void round_away(struct gen *g, bool vec, unsigned es, unsigned rd, unsigned above, unsigned ra, unsigned quiet)
{
    struct code *c = g->c;
    u32 cmp = float_opc(CMP_P, vec, es);
    const struct opnd *abs = es == 3 ? TABLE(ABS64) : TABLE(ABS32), *sign = es == 3 ? TABLE(SIGN64) : TABLE(SIGN32);
    vop(g, AND_P, XMM1, ra, abs);
    vop_i(g, cmp, XMM1, XMM1, es == 3 ? TABLE(TWO52_64) : TABLE(TWO23_32), LT_OQ);
    v_rrr(c, AND_P, XMM1, XMM1, ra);
    v_rrri(c, round_opc(vec, es), XMM2, vec ? 0 : XMM1, XMM1, IMM_ZERO | ROUND_QUIET);
    v_rrr(c, float_opc(0x5c, vec, es), XMM1, XMM1, XMM2); /* the fraction */
    vop(g, AND_P, XMM1, XMM1, abs);
    vop_i(g, cmp, XMM1, XMM1, es == 3 ? TABLE(HALF_64) : TABLE(HALF_32), GE_OQ);
    vop(g, AND_P, XMM1, XMM1, es == 3 ? TABLE(ONE_64) : TABLE(ONE_32));
    vop(g, AND_P, XMM2, ra, sign);
    v_rrr(c, OR_P, XMM1, XMM1, XMM2); /* 0 has the sign of what it is added to */
    v_rrri(c, round_opc(vec, es), rd, vec ? 0 : above, ra, (u8)(IMM_ZERO | quiet));
    v_rrr(c, float_opc(0x58, vec, es), rd, rd, XMM1);
}
/* To an integral value, in a scratch register; PRECISION is not raised. */
static void round_quiet(struct gen *g, unsigned es, unsigned ra, int imm)
{
    if (imm == IMM_AWAY) {
        round_away(g, false, es, XMM0, ra, ra, ROUND_QUIET);
    } else {
        v_rrri(g->c, round_opc(false, es), XMM0, ra, ra, (u8)(imm | ROUND_QUIET));
    }
}
/* PRECISION is raised by what is no integral value. */
static void raise_inexact(struct gen *g, unsigned es, unsigned ra, int imm)
{
    v_rrri(g->c, round_opc(false, es), XMM0, ra, ra, (u8)(imm == IMM_AWAY ? IMM_ZERO : imm));
}

/* Only NaNs that must become the default one differ from what the host does. */
static bool fixes_nans(const struct gen *g, const struct xop *x)
{
    return g->t->nan != NAN_X86 && ((x->sub & FP_DN) || g->t->nan == NAN_RISCV);
}

/* -- to integral values ------------------------------------------------------------------------------------------ */

void emit_fround(struct gen *g, struct xop *x)
{
    int imm = round_imm(x->imm & ~(unsigned)FPR_EXACT);
    bool one = g->native && imm >= 0 && imm != IMM_AWAY;
    if (one && native_round(g, x, (unsigned)imm | (x->imm & FPR_EXACT ? 0 : (unsigned)ROUND_QUIET))) {
        return;
    }
    if (float_is_slow(x) || imm < 0 || (imm == IMM_AWAY && float_es(x->type, x->sub) == 1)) {
        emit_fallback(g, x);
        return;
    }
    bool vec = x->type == IR_V128, fix = fixes_nans(g, x), away = imm == IMM_AWAY;
    unsigned quiet = x->imm & FPR_EXACT ? 0 : ROUND_QUIET;
    if (float_es(x->type, x->sub) == 1) {
        half_round(g, x, (u8)((unsigned)imm | quiet), fix);
        return;
    }
    bool clear = !vec && !float_zero_above(g, x->a, x->type);
    unsigned es = float_es(x->type, x->sub), ra = ra_src(g, x->a, x->type);
    unsigned rd = ra_pick(g, (ir_ref)g->i, fix || clear ? 0 : ra_dying(g, x->a)), above = clear ? rd : ra;
    struct flush f = flush_begin(g, x, vec, es, false);
    if (clear) {
        v_rrr(g->c, 0x57 | M0F, rd, rd, rd);
    }
    if (away) {
        round_away(g, vec, es, rd, above, ra, quiet);
    } else {
        v_rrri(g->c, round_opc(vec, es), rd, vec ? 0 : above, ra, (u8)((unsigned)imm | quiet));
    }
    if (fix) {
        float_check(g, x, es, rd, false);
    }
    flush_end(g, x, &f, es, rd);
    ra_bind(g, (ir_ref)g->i, rd);
}

/* -- between formats --------------------------------------------------------------------------------------------- */

static void widen_half(struct gen *g, struct xop *x)
{
    ra_src(g, x->a, IR_F16);
    unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
    half_widen(g, rd, x->a);
    if (x->type == IR_F64) {
        v_rrr(g->c, float_opc(CVTSS2SD, false, 2), rd, rd, rd);
    }
    if (fixes_nans(g, x)) {
        float_check(g, x, x->type == IR_F64 ? 3 : 2, rd, false);
    }
    ra_bind(g, (ir_ref)g->i, rd);
}

/* F32 to F16. */
static void narrow_half(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, IR_F32), rd = ra_pick(g, (ir_ref)g->i, 0);
    v_rrri(g->c, 0x21 | M3A | P66, XMM0, ra, ra, 0x0e); /* insertps: lane 0 alone */
    v_rrri(g->c, CVTPS2PH, XMM0, 0, rd, 4);
    half_check(g, x, rd, true, fixes_nans(g, x));
    ra_bind(g, (ir_ref)g->i, rd);
}

void emit_fcvt(struct gen *g, struct xop *x)
{
    unsigned from = x->imm;
    bool half = from == IR_F16 || x->type == IR_F16;
    if (half && (((x->sub & FP_FZ) && !g->native) || !x_cpu.f16c)) {
        emit_fallback(g, x);
    } else if (x->type == IR_F16 && from == IR_F64) {
        half_from_double(g, x, fixes_nans(g, x));
    } else if (from == IR_F16) {
        widen_half(g, x);
    } else if (x->type == IR_F16) {
        narrow_half(g, x);
    } else {
        unsigned ra = ra_src(g, x->a, from), rd = ra_pick(g, (ir_ref)g->i, 0);
        bool narrow = x->type == IR_F32;
        struct flush f = flush_begin(g, x, false, narrow ? 3 : 2, narrow);
        v_rrr(g->c, 0x57 | M0F, rd, rd, rd);
        v_rrr(g->c, float_opc(CVTSS2SD, false, narrow ? 3 : 2), rd, rd, ra);
        if (fixes_nans(g, x) || (narrow && g->t->nan == NAN_ARM)) {
            if (narrow) {
                flush_check(g, x, &f, 2, rd, true);
            } else {
                float_check(g, x, 3, rd, false);
            }
        }
        flush_end(g, x, &f, narrow ? 2 : 3, rd);
        ra_bind(g, (ir_ref)g->i, rd);
    }
}

void emit_vfcvtl(struct gen *g, struct xop *x)
{
    unsigned es = x->sub & FP_ES;
    if (es == 1 && (((x->sub & FP_FZ) && !g->native) || !x_cpu.f16c)) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128), rd = ra_pick(g, (ir_ref)g->i, 0), rs = ra;
    struct flush f = flush_begin(g, x, true, es, false);
    if (x->imm & 1) {
        v_rrri(g->c, 0x70 | M0F | P66, XMM0, 0, ra, 0xee);
        rs = XMM0;
    }
    v_rrr(g->c, es == 1 ? (unsigned)CVTPH2PS : (0x5a | M0F), rd, 0, rs);
    if (fixes_nans(g, x)) {
        float_check(g, x, es + 1, rd, false);
    }
    flush_end(g, x, &f, es, rd);
    ra_bind(g, (ir_ref)g->i, rd);
}

void emit_vfcvtn(struct gen *g, struct xop *x)
{
    unsigned es = x->sub & FP_ES;
    int imm = round_imm(x->imm);
    bool rounds = es == 2 ? imm >= 0 && imm != IMM_AWAY : x->imm == FPR_CURRENT;
    if (!rounds || ((x->sub & FP_FZ) && !g->native) || (es == 2 && !x_cpu.f16c)) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128), rd = ra_pick(g, (ir_ref)g->i, g->native ? ra_dying(g, x->a) : 0);
    if (es == 2) {
        v_rrri(g->c, CVTPS2PH, ra, 0, rd, (u8)imm);
        if (!g->native) {
            half_check_vector(g, x, rd, true, fixes_nans(g, x));
        }
        ra_bind(g, (ir_ref)g->i, rd);
        return;
    }
    v_rrr(g->c, 0x5a | M0F | P66, rd, 0, ra);
    if (g->t->nan != NAN_X86) {
        float_check(g, x, 2, rd, true);
    }
    ra_bind(g, (ir_ref)g->i, rd);
}

/* -- to integers ------------------------------------------------------------------------------------------------- */

/* Jumps when reg is the least integer. */
static u8 *if_indefinite(struct gen *g, bool w, unsigned reg)
{
    x_alu_i(g->c, ALU_CMP, w, reg, 1);
    return x_jcc(g->c, X_O);
}

static void to_signed(struct gen *g, struct xop *x, unsigned es, unsigned ra, int imm)
{
    bool w = x->type == IR_I64;
    u32 cvtt = float_opc(CVTT2SI, false, es) | (w ? OPW : 0), cvt = float_opc(CVT2SI, false, es) | (w ? OPW : 0);
    unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
    struct flush f = flush_begin(g, x, false, es, false);
    if (imm == 3 || imm == 4) {
        v_rrr(g->c, imm == 3 ? cvtt : cvt, rd, 0, ra);
        float_exact_at(g, x, if_indefinite(g, w, rd), rd);
    } else {
        round_quiet(g, es, ra, imm);
        v_rrr(g->c, cvtt, rd, 0, XMM0);
        u8 *at = if_indefinite(g, w, rd);
        raise_inexact(g, es, ra, imm);
        float_exact_at(g, x, at, rd);
    }
    flush_end(g, x, &f, es, rd);
    ra_bind(g, (ir_ref)g->i, rd);
}

static void to_unsigned(struct gen *g, struct xop *x, unsigned es, unsigned ra, int imm)
{
    bool w = x->type == IR_I64;
    unsigned rd = ra_pick(g, (ir_ref)g->i, 0);
    struct flush f = flush_begin(g, x, false, es, false);
    u8 *above = NULL;
    round_quiet(g, es, ra, imm);
    if (w) {
        vop(g, 0x2f | M0F | (es == 3 ? P66 : 0), XMM0, 0, es == 3 ? TABLE(TWO63_64) : TABLE(TWO63_32));
        above = x_jcc(g->c, X_AE);
    }
    v_rrr(g->c, float_opc(CVTT2SI, false, es) | OPW, rd, 0, XMM0);
    u8 *out;
    if (w) {
        x_test(g->c, true, rd, rd);
        out = x_jcc(g->c, X_S);
    } else {
        x_mov(g->c, false, RAX, rd);
        x_alu(g->c, ALU_CMP, true, RAX, rd);
        out = x_jcc(g->c, X_NE);
    }
    raise_inexact(g, es, ra, imm);
    float_exact_at(g, x, out, rd);
    if (above) {
        float_exact_at(g, x, above, rd);
    }
    flush_end(g, x, &f, es, rd);
    ra_bind(g, (ir_ref)g->i, rd);
}

void emit_f2i(struct gen *g, struct xop *x)
{
    unsigned from = (u8)x->imm;
    int imm = round_imm(x->imm >> 8 & 0xff);
    if ((x->imm & F2I_INDEF) && indefinite_f2i(g, x)) {
        return;
    }
    if ((x->imm & F2I_INDEF) || imm < 0 || (from == IR_F16 && ((x->sub & FP_FZ) || !x_cpu.f16c || imm == IMM_AWAY))) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, from), es = from == IR_F64 ? 3 : 2;
    if (from == IR_F16) {
        half_widen(g, XMM1, x->a);
        ra = XMM1;
    }
    if (x->imm & F2I_UNS) {
        to_unsigned(g, x, es, ra, imm);
    } else {
        to_signed(g, x, es, ra, imm);
    }
}

/* Four words; everything else lane by lane in C. */
void emit_vf2i(struct gen *g, struct xop *x)
{
    int imm = round_imm(x->imm >> 8 & 0xff);
    if ((x->imm & F2I_INDEF) && indefinite_vf2i(g, x)) {
        return;
    }
    if (float_is_slow(x) || imm < 0 || (x->sub & FP_ES) != 2 || x->imm & (F2I_UNS | F2I_INDEF)) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128), rd = ra_pick(g, (ir_ref)g->i, 0), rs = ra;
    struct flush f = flush_begin(g, x, true, 2, false);
    if (imm == IMM_AWAY) { /* out of range operands are integral: no wrong PRECISION here */
        round_away(g, true, 2, XMM0, XMM0, ra, 0);
        rs = XMM0;
    } else if (imm < 3) {
        v_rrri(g->c, ROUND_PS, XMM0, 0, ra, (u8)imm);
        rs = XMM0;
    }
    v_rrr(g->c, 0x5b | M0F | (imm == 4 ? P66 : PF3), rd, 0, rs); /* cvtps2dq, cvttps2dq */
    vop(g, PCMPEQD, XMM0, rd, TABLE(SIGN32));
    float_exact_at(g, x, float_if_any(g, XMM0), rd);
    flush_end(g, x, &f, 2, rd);
    ra_bind(g, (ir_ref)g->i, rd);
}

/* -- from integers ----------------------------------------------------------------------------------------------- */

static void from_int(struct gen *g, unsigned es, bool w, unsigned rd, unsigned rs)
{
    v_rrr(g->c, 0xef | M0F | P66, rd, rd, rd); /* no waiting for what was there */
    v_rrr(g->c, float_opc(CVTSI2S, false, es) | (w ? OPW : 0), rd, rd, rs);
}

/* The upper half of 64 unsigned bits: as half of it, the bit shifted out kept sticky, twice. */
static void from_u64(struct gen *g, unsigned es, unsigned rd, unsigned ra)
{
    x_test(g->c, true, ra, ra);
    u8 *at = x_jcc(g->c, X_S);
    from_int(g, es, true, rd, ra);
    u8 *join = g->c->p;
    to_cold(g);
    bind_cold(g, at);
    x_mov(g->c, true, RAX, ra);
    x_mov(g->c, true, RCX, ra);
    x_shift(g->c, SH_SHR, true, RAX, 1);
    x_alu_i(g->c, ALU_AND, false, RCX, 1);
    x_alu(g->c, ALU_OR, true, RAX, RCX);
    from_int(g, es, true, rd, RAX);
    v_rrr(g->c, float_opc(0x58, false, es), rd, rd, rd);
    back_to_hot(g, join);
    to_hot(g);
}

/* Halves by way of singles: what is not exact there overflows a half anyway. */
void emit_i2f(struct gen *g, struct xop *x)
{
    unsigned from = (u8)x->imm, es = float_es(x->type, x->sub);
    bool uns = x->imm >> 8, half = es == 1;
    if (half && !x_cpu.f16c) { /* integers are never tiny */
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, from), rd = ra_pick(g, (ir_ref)g->i, 0), to = half ? XMM0 : rd;
    es = half ? 2 : es;
    if (from == IR_I32 && uns) {
        x_mov(g->c, false, RAX, ra);
        from_int(g, es, true, to, RAX);
    } else if (from == IR_I32 || !uns) {
        from_int(g, es, from == IR_I64, to, ra);
    } else {
        from_u64(g, es, to, ra);
    }
    if (half) {
        v_rrri(g->c, CVTPS2PH, to, 0, rd, 4);
    }
    ra_bind(g, (ir_ref)g->i, rd);
}

void emit_vi2f(struct gen *g, struct xop *x)
{
    unsigned es = x->sub & FP_ES;
    bool uns = x->imm >> 8;
    if ((es == 1 && !x_cpu.f16c) || (es == 3 && uns)) {
        emit_fallback(g, x);
        return;
    }
    if (es == 1) {
        half_from_words(g, x, uns);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128), rd = ra_pick(g, (ir_ref)g->i, 0);
    if (es == 3) {
        v_rrr(g->c, X_MOVD_RX | OPW, ra, 0, RAX);
        from_int(g, 3, true, rd, RAX);
        v_rrri(g->c, 0x16 | M3A | P66 | OPW, ra, 0, RAX, 1); /* pextrq */
        from_int(g, 3, true, XMM0, RAX);
        v_rrr(g->c, 0x14 | M0F | P66, rd, rd, XMM0); /* unpcklpd */
    } else if (!uns) {
        v_rrr(g->c, 0x5b | M0F, rd, 0, ra);
    } else { /* both halves exactly, one rounding in their sum */
        vop(g, 0xdb | M0F | P66, XMM0, ra, TABLE(LOW16));
        v_rrri(g->c, 0x72 | M0F | P66, 2, XMM1, ra, 16);
        v_rrr(g->c, 0x5b | M0F, XMM0, 0, XMM0);
        v_rrr(g->c, 0x5b | M0F, XMM1, 0, XMM1);
        vop(g, 0x59 | M0F, XMM1, XMM1, TABLE(TWO16_32));
        v_rrr(g->c, 0x58 | M0F, rd, XMM0, XMM1);
    }
    ra_bind(g, (ir_ref)g->i, rd);
}
