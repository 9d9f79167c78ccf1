/* Float ops of guests whose float unit is the host's (gen.native): MXCSR is the guest's whole, flushing included, and
 * an op is an instruction, whose result may take an operand's register. Ops that mean the same of every guest are here
 * too. */
#include "tcg/host/x86_64/float_priv.h"

#include "tcg/host/x86_64/x_priv.h"

enum { LOW = FP_LOW };

static bool is_vec(const struct xop *x)
{
    return x->type == IR_V128 && !(x->sub & LOW);
}
static u64 dying_reg(struct gen *g, const struct opnd *o, ir_ref r)
{
    return o->kind == OP_REG ? ra_dying(g, r) : 0;
}

/* a op b; above a lane alone is what a has there. */
static void two(struct gen *g, const struct xop *x, u32 opc)
{
    unsigned ra = ra_src(g, x->a, x->type);
    struct opnd b = ra_vopnd(g, x->b, x->type);
    vop(g, opc, ra_dst(g, ra_dying(g, x->a) | dying_reg(g, &b, x->b)), ra, &b);
}
/* op a; above a lane alone likewise. */
static void one(struct gen *g, const struct xop *x, u32 opc)
{
    unsigned ra = ra_src(g, x->a, IR_V128);
    v_rrr(g->c, opc, ra_dst(g, ra_dying(g, x->a)), is_vec(x) ? 0 : ra, ra);
}

bool native_arith(struct gen *g, const struct xop *x)
{
    static const u8 opc[IR_OPCODES] = {[IR_fadd] = 0x58,  [IR_fsub] = 0x5c,  [IR_fmul] = 0x59, [IR_fdiv] = 0x5e,
                                       [IR_fsqrt] = 0x51, [IR_fminc] = 0x5d, [IR_fmaxc] = 0x5f};
    unsigned es = float_es(x->type, x->sub);
    if (es == 1 || (x->op == IR_fsqrt && x->type != IR_V128)) {
        return false;
    }
    u32 o = float_opc(opc[x->op], is_vec(x), es);
    if (x->op == IR_fsqrt) {
        one(g, x, o);
    } else {
        two(g, x, o);
    }
    return true;
}

void emit_fminmaxc(struct gen *g, struct xop *x)
{
    if ((!g->native && (x->sub & (FP_FZ | LOW))) || !native_arith(g, x)) {
        emit_fallback(g, x);
    }
}
void emit_faddsub(struct gen *g, struct xop *x)
{
    if (!g->native) {
        emit_fallback(g, x);
        return;
    }
    two(g, x, 0xd0 | M0F | ((x->sub & FP_ES) == 3 ? P66 : PF2));
}
void emit_festimate(struct gen *g, struct xop *x)
{
    u32 o = (x->op == IR_frcpe ? 0x53u : 0x52u) | M0F | (is_vec(x) ? 0 : PF3);
    if (x->type == IR_V128) {
        one(g, x, o);
        return;
    }
    unsigned ra = ra_src(g, x->a, x->type), rd = ra_dst(g, 0);
    v_rrr(g->c, 0x57 | M0F, rd, rd, rd);
    v_rrr(g->c, o, rd, rd, ra);
}

/* The host has forms that write over each of the operands; all prefer NaNs in the order a, b, c. */
bool native_fma(struct gen *g, const struct xop *x)
{
    enum { OVER_A = 0x90, OVER_B = 0xa0, OVER_C = 0xb0 };
    static const u8 low[8] = {8, 0xc, 0xa, 0xe, 6, 0, 7, 0};
    unsigned es = float_es(x->type, x->sub), what = low[x->imm & 7], t = x->type;
    if (es == 1 || !what || !x_cpu.fma) {
        return false;
    }
    u32 o = (what + (is_vec(x) ? 0u : 1u)) | M38 | P66 | (es == 3 ? OPW : 0);
    unsigned ra = ra_src(g, x->a, t), rb = ra_src(g, x->b, t), rc = ra_src(g, x->c, t);
    bool over_a = !(x->sub & LOW) || !(x->imm & (FMA_ABOVE_B | FMA_ABOVE_C));
    bool over_b = !(x->sub & LOW) || (x->imm & FMA_ABOVE_B), over_c = !(x->sub & LOW) || (x->imm & FMA_ABOVE_C);
    u64 allow = (over_a ? ra_dying(g, x->a) : 0) | (over_b ? ra_dying(g, x->b) : 0) | (over_c ? ra_dying(g, x->c) : 0);
    unsigned rd = ra_pick(g, (ir_ref)g->i, allow);
    if (over_c && (rd == rc || (rd != ra && rd != rb))) {
        if (rd != rc) {
            v_rrr(g->c, X_MOVAPS, rd, 0, rc);
        }
        v_rrr(g->c, o | OVER_C, rd, ra, rb);
    } else if (over_a && (rd == ra || (rd != rb && rd != rc))) {
        if (rd != ra) {
            v_rrr(g->c, X_MOVAPS, rd, 0, ra);
        }
        v_rrr(g->c, o | OVER_A, rd, rc, rb);
    } else {
        if (rd != rb) {
            v_rrr(g->c, X_MOVAPS, rd, 0, rb);
        }
        v_rrr(g->c, o | OVER_B, rd, ra, rc);
    }
    ra_bind(g, (ir_ref)g->i, rd);
    return true;
}

bool native_vfcmp(struct gen *g, const struct xop *x)
{
    unsigned es = x->sub & FP_ES;
    if (es == 1) {
        return false;
    }
    unsigned ra = ra_src(g, x->a, IR_V128);
    struct opnd b = ra_vopnd(g, x->b, IR_V128);
    unsigned rd = ra_dst(g, ra_dying(g, x->a) | dying_reg(g, &b, x->b));
    vop_i(g, float_opc(0xc2, is_vec(x), es), rd, ra, &b, float_predicate(x->imm));
    return true;
}

bool native_round(struct gen *g, const struct xop *x, unsigned imm)
{
    unsigned es = x->sub & FP_ES;
    if (es == 1 || x->type != IR_V128) {
        return false;
    }
    unsigned ra = ra_src(g, x->a, IR_V128), rd = ra_dst(g, ra_dying(g, x->a));
    u32 o = (is_vec(x) ? 8u : 10u) + (es == 3);
    v_rrri(g->c, o | M3A | P66, rd, is_vec(x) ? 0 : ra, ra, (u8)imm);
    return true;
}

/* -- conversions that end at the integer indefinite, as the host's do ------------------------------------------------
 */

static bool rounds(const struct xop *x)
{
    unsigned r = x->imm >> 8 & 0xff;
    return (r == FPR_ZERO || r == FPR_CURRENT) && !(x->imm & F2I_UNS);
}
static bool truncates(const struct xop *x)
{
    return (x->imm >> 8 & 0xff) == FPR_ZERO;
}
bool indefinite_f2i(struct gen *g, const struct xop *x)
{
    unsigned from = (u8)x->imm;
    if (from == IR_F16 || !rounds(x) || ((x->sub & FP_FZ) && !g->native)) {
        return false;
    }
    unsigned ra = ra_src(g, x->a, from);
    u32 o = float_opc(truncates(x) ? 0x2c : 0x2d, false, from == IR_F64 ? 3 : 2) | (x->type == IR_I64 ? OPW : 0);
    v_rrr(g->c, o, ra_dst(g, 0), 0, ra);
    return true;
}
bool indefinite_vf2i(struct gen *g, const struct xop *x)
{
    if ((x->sub & FP_ES) != 2 || !rounds(x) || ((x->sub & FP_FZ) && !g->native)) {
        return false;
    }
    unsigned ra = ra_src(g, x->a, IR_V128);
    v_rrr(g->c, 0x5b | M0F | (truncates(x) ? PF3 : P66), ra_dst(g, ra_dying(g, x->a)), 0, ra);
    return true;
}
void emit_vf2in(struct gen *g, struct xop *x)
{
    if (!rounds(x) || !(x->imm & F2I_INDEF) || ((x->sub & FP_FZ) && !g->native)) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128);
    v_rrr(g->c, 0xe6 | M0F | (truncates(x) ? P66 : PF2), ra_dst(g, ra_dying(g, x->a)), 0, ra);
}
void emit_vi2fl(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, IR_V128);
    v_rrr(g->c, 0xe6 | M0F | PF3, ra_dst(g, ra_dying(g, x->a)), 0, ra);
}
