/* Float arithmetic and conversion, scalar and vector.
 *
 * FPCR is the guest's rounding with nothing flushed, FPSR gathers the guest's exceptions. The instructions do what an
 * Arm guest asks to the bit: which NaN results, tininess before rounding, saturating conversion. What needs more:
 *   - FP_DN: a NaN result is replaced by the default one;
 *   - FP_FZ, and guests with other rules for NaNs: the exact unit does it (emit_fallback);
 *   - halves without FEAT_FP16, but for conversions: likewise. */
#include "tcg/host/aarch64/a_priv.h"

static unsigned float_es(unsigned type, unsigned sub)
{
    return type == IR_V128 ? sub & FP_ES : type == IR_F16 ? 1u : type == IR_F32 ? 2u : 3u;
}
/* No instruction does this exactly. */
static bool is_slow(const struct gen *g, const struct xop *x, bool half)
{
    return (x->sub & (FP_FZ | FP_LOW)) || g->t->nan != NAN_ARM || (half && !a_cpu.fp16);
}
static u64 dying3(const struct gen *g, const struct xop *x)
{
    return ra_dying(g, x->a) | (x->nargs > 1 ? ra_dying(g, x->b) : 0) | (x->nargs > 2 ? ra_dying(g, x->c) : 0);
}

/* FP_DN: lanes of rd that are NaNs become the default NaN. Above a scalar are zeros, which are none. */
static void default_nan(struct gen *g, const struct xop *x, unsigned es, unsigned rd)
{
    static const u64 nan[4] = {0, 0x7e007e007e007e00, 0x7fc000007fc00000, 0x7ff8000000000000};
    if (!(x->sub & FP_DN)) {
        return;
    }
    if (es == 1 && !a_cpu.fp16) { /* widened, for no compare of halves is there: a scalar or the low half */
        a_fcvtl(g->c, false, 1, VT0, rd);
        a_vf2(g->c, A_VFCMEQ, 2, VT0, VT0, VT0);
        a_vnarrow(g->c, A_VXTN, 1, VT0, VT0);
        a_v1(g->c, A_VNOT, 0, VT0, VT0);
        a_movi_0(g->c, VT1); /* the upper half is zero and stays */
        a_ins_v(g->c, 3, VT0, 1, VT1, 0);
        a_v1(g->c, A_VNOT, 0, VT0, VT0);
    } else {
        a_vf2(g->c, A_VFCMEQ, es, VT0, rd, rd);
    }
    pool_ref(g, a_ldr_lit(g->c, IR_V128, VT1), pool_v128(g, nan[es], nan[es]));
    a_v2(g->c, A_VBIF, 0, rd, VT1, VT0);
}

/* -- arithmetic -------------------------------------------------------------------------------------------------- */

void a_farith(struct gen *g, struct xop *x)
{
    static const struct {
        int scalar, vector;
    } how[IR_OPCODES] = {
        [IR_fadd] = {A_FADD, A_VFADD},       [IR_fsub] = {A_FSUB, A_VFSUB},      [IR_fmul] = {A_FMUL, A_VFMUL},
        [IR_fdiv] = {A_FDIV, A_VFDIV},       [IR_fmin] = {A_FMIN, A_VFMIN},      [IR_fmax] = {A_FMAX, A_VFMAX},
        [IR_fminnm] = {A_FMINNM, A_VFMINNM}, [IR_fmaxnm] = {A_FMAXNM, A_VFMAXNM}};
    unsigned es = float_es(x->type, x->sub);
    if (is_slow(g, x, es == 1)) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type), rd = ra_dst(g, dying3(g, x));
    if (x->type == IR_V128) {
        a_vf2(g->c, how[x->op].vector, es, rd, ra, rb);
    } else {
        a_f2(g->c, how[x->op].scalar, es, rd, ra, rb);
    }
    default_nan(g, x, es, rd);
}

void a_fma(struct gen *g, struct xop *x)
{
    static const int scalar[4] = {[0] = A_FMADD,
                                  [FMA_NEG_PRODUCT] = A_FMSUB,
                                  [FMA_NEG_ADDEND] = A_FNMSUB,
                                  [FMA_NEG_PRODUCT | FMA_NEG_ADDEND] = A_FNMADD};
    unsigned es = float_es(x->type, x->sub);
    if (is_slow(g, x, es == 1) || x->imm & FMA_ALTERNATE) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, x->type), rb = ra_src(g, x->b, x->type), rc = ra_src(g, x->c, x->type);
    if (x->type != IR_V128) {
        unsigned rd = ra_dst(g, dying3(g, x));
        a_f3(g->c, scalar[x->imm & 3], es, rd, ra, rb, rc);
        default_nan(g, x, es, rd);
        return;
    }
    unsigned rd = ra_dst(g, rc == ra || rc == rb ? 0 : ra_dying(g, x->c));
    if (x->imm & FMA_NEG_ADDEND) {
        a_vf1(g->c, A_VFNEG, es, rd, rc);
    } else if (rd != rc) {
        a_v2(g->c, A_VORR, 0, rd, rc, rc);
    }
    a_vf2(g->c, x->imm & FMA_NEG_PRODUCT ? A_VFMLS : A_VFMLA, es, rd, ra, rb);
    default_nan(g, x, es, rd);
}

/* fsqrt; fneg and fabs, which raise nothing and know no modes. */
void a_funary(struct gen *g, struct xop *x)
{
    unsigned es = float_es(x->type, x->sub);
    bool sign = x->op != IR_fsqrt;
    if (!sign && is_slow(g, x, es == 1)) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
    if (es == 1 && !a_cpu.fp16) { /* in each half, or the scalar alone */
        u64 lo = x->type == IR_V128 ? 0x8000800080008000 : 0x8000;
        pool_ref(g, a_ldr_lit(g->c, IR_V128, VT0), pool_v128(g, lo, x->type == IR_V128 ? lo : 0));
        if (x->type == IR_V128) {
            a_v2(g->c, x->op == IR_fneg ? A_VEOR : A_VBIC, 0, rd, ra, VT0);
        } else {
            a_dup_s(g->c, 1, VT1, ra, 0);
            a_v2(g->c, x->op == IR_fneg ? A_VEOR : A_VBIC, 0, rd, VT1, VT0);
        }
    } else if (x->type == IR_V128) {
        a_vf1(g->c, x->op == IR_fneg ? A_VFNEG : x->op == IR_fabs ? A_VFABS : A_VFSQRT, es, rd, ra);
    } else {
        a_f1(g->c, x->op == IR_fneg ? A_FNEG : x->op == IR_fabs ? A_FABS : A_FSQRT, es, rd, ra);
    }
    if (!sign) {
        default_nan(g, x, es, rd);
    }
}

/* -- rounding and conversion ------------------------------------------------------------------------------------- */

void a_fround(struct gen *g, struct xop *x)
{
    static const struct {
        int scalar, vector;
    } how[] = {
        [FPR_NEAREST] = {A_FRINTN, A_VFRINTN}, [FPR_ZERO] = {A_FRINTZ, A_VFRINTZ}, [FPR_DOWN] = {A_FRINTM, A_VFRINTM},
        [FPR_UP] = {A_FRINTP, A_VFRINTP},      [FPR_AWAY] = {A_FRINTA, A_VFRINTA}, [FPR_ODD] = {0, 0},
        [FPR_CURRENT] = {A_FRINTI, A_VFRINTI}};
    unsigned es = float_es(x->type, x->sub), mode = x->imm & ~(unsigned)FPR_EXACT;
    bool exact = x->imm & FPR_EXACT;
    if (is_slow(g, x, es == 1) || mode == FPR_ODD || (exact && mode != FPR_CURRENT)) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, ra_dying(g, x->a));
    if (x->type == IR_V128) {
        a_vf1(g->c, exact ? A_VFRINTX : how[mode].vector, es, rd, ra);
    } else {
        a_f1(g->c, exact ? A_FRINTX : how[mode].scalar, es, rd, ra);
    }
    default_nan(g, x, es, rd);
}

void a_fcvt_op(struct gen *g, struct xop *x)
{
    unsigned from = (u8)x->imm, es = float_es(x->type, 0);
    if (is_slow(g, x, false)) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, from), rd = ra_dst(g, ra_dying(g, x->a));
    a_fcvt(g->c, es, float_es(from, 0), rd, ra);
    default_nan(g, x, es, rd);
}

/* A_RN and so on; 0xff: no conversion rounds so. */
static unsigned to_int_round(unsigned fpr)
{
    static const u8 round[] = {[FPR_NEAREST] = A_RN, [FPR_ZERO] = A_RZ, [FPR_DOWN] = A_RM,   [FPR_UP] = A_RP,
                               [FPR_AWAY] = A_RA,    [FPR_ODD] = 0xff,  [FPR_CURRENT] = 0xff};
    return round[fpr];
}
void a_f2i_op(struct gen *g, struct xop *x)
{
    unsigned from = (u8)x->imm, round = to_int_round(x->imm >> 8 & 0xff);
    if (is_slow(g, x, from == IR_F16) || round == 0xff || x->imm & F2I_INDEF) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, from);
    a_f2i(g->c, round, x->imm >> 16, is_w(x->type), float_es(from, 0), ra_dst(g, 0), ra);
}
void a_i2f_op(struct gen *g, struct xop *x)
{
    unsigned from = (u8)x->imm;
    if (is_slow(g, x, x->type == IR_F16)) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, from);
    a_i2f(g->c, x->imm >> 8, is_w(from), float_es(x->type, 0), ra_dst(g, 0), ra);
}

void a_vf2i_op(struct gen *g, struct xop *x)
{
    static const int opc[2][5] = {{A_VFCVTNS, A_VFCVTPS, A_VFCVTMS, A_VFCVTZS, A_VFCVTAS},
                                  {A_VFCVTNU, A_VFCVTPU, A_VFCVTMU, A_VFCVTZU, A_VFCVTAU}};
    unsigned es = x->sub & FP_ES, round = to_int_round(x->imm >> 8 & 0xff);
    if (is_slow(g, x, es == 1) || round == 0xff || x->imm & F2I_INDEF) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128);
    a_vf1(g->c, opc[x->imm >> 16 & 1][round], es, ra_dst(g, ra_dying(g, x->a)), ra);
}
void a_vi2f_op(struct gen *g, struct xop *x)
{
    unsigned es = x->sub & FP_ES;
    if (is_slow(g, x, es == 1)) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128);
    a_vf1(g->c, x->imm >> 8 & 1 ? A_VUCVTF : A_VSCVTF, es, ra_dst(g, ra_dying(g, x->a)), ra);
}

void a_vi2fl(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, IR_V128), rd = ra_dst(g, ra_dying(g, x->a));
    a_vxtl(g->c, false, 0, 2, rd, ra);
    a_vf1(g->c, A_VSCVTF, 3, rd, rd);
}

void a_vfcmp(struct gen *g, struct xop *x)
{
    static const struct {
        u8 fcond;
        bool swap;
        int opc;
    } how[] = {{FC_EQ, false, A_VFCMEQ},
               {FC_GT | FC_EQ | FC_SIGNAL, false, A_VFCMGE},
               {FC_GT | FC_SIGNAL, false, A_VFCMGT},
               {FC_LT | FC_EQ | FC_SIGNAL, true, A_VFCMGE},
               {FC_LT | FC_SIGNAL, true, A_VFCMGT}};
    unsigned es = x->sub & FP_ES, k = 0;
    while (k < ARRAY_LEN(how) && how[k].fcond != x->imm) {
        k++;
    }
    if (is_slow(g, x, es == 1) || k == ARRAY_LEN(how)) {
        emit_fallback(g, x);
        return;
    }
    int opc = how[k].opc;
    unsigned ra = ra_src(g, how[k].swap ? x->b : x->a, IR_V128), rb = ra_src(g, how[k].swap ? x->a : x->b, IR_V128);
    a_vf2(g->c, opc, es, ra_dst(g, dying3(g, x)), ra, rb);
}

void a_vfcvtl(struct gen *g, struct xop *x)
{
    unsigned es = x->sub & FP_ES;
    if (is_slow(g, x, false)) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128), rd = ra_dst(g, ra_dying(g, x->a));
    a_fcvtl(g->c, x->imm & 1, es, rd, ra);
    default_nan(g, x, es + 1, rd);
}
void a_vfcvtn(struct gen *g, struct xop *x)
{
    unsigned es = x->sub & FP_ES;
    if (is_slow(g, x, false) || x->imm != FPR_CURRENT) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128), rd = ra_dst(g, ra_dying(g, x->a));
    a_fcvtn(g->c, es, rd, ra);
    default_nan(g, x, es - 1, rd);
}
