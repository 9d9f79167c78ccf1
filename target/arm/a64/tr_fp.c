/* A64 scalar floating point (DDI 0487, C4.1 "Floating-point data-processing", "compare", "conditional", "immediate",
 * "conversion between floating-point and integer" and "fixed-point"). */
#include "target/arm/a64/tr_simd.h"

enum { PTYPE_S, PTYPE_D, PTYPE_TOP, PTYPE_H };

static unsigned ptype_es(u32 ptype)
{
    return ptype == PTYPE_H ? MO_16 : ptype == PTYPE_D ? MO_64 : MO_32;
}
/* Arithmetic on halves is an extension. */
static bool lacks(const struct a64 *t, u32 ptype)
{
    return ptype == PTYPE_H && !a64_has(t, ARM_FEAT_FP16);
}
static ir_ref f_const(struct a64 *t, unsigned es, u64 bits)
{
    return ir_bitcast(t->ir, fp_type(es), ir_const(t->ir, bits));
}

/* -- one operand ------------------------------------------------------------------------------------------------- */

static bool one(struct a64 *t, enum ir_opcode op, u32 imm, u32 ptype, u32 rn, u32 rd)
{
    struct vop o = fp_scalar(t, ptype_es(ptype), rd);
    if (lacks(t, ptype)) {
        return false;
    }
    fp_result(&o, fp_op1(&o, op, fp_in(&o, rn), imm));
    return true;
}
#define ONE(name, op, imm) \
    bool tr_##name(struct a64 *t, u32 ptype, u32 rn, u32 rd) \
    { \
        return one(t, op, imm, ptype, rn, rd); \
    }
ONE(FABS, IR_fabs, 0)
ONE(FNEG, IR_fneg, 0)
ONE(FSQRT, IR_fsqrt, 0)
ONE(FRINTN, IR_fround, FPR_NEAREST)
ONE(FRINTP, IR_fround, FPR_UP)
ONE(FRINTM, IR_fround, FPR_DOWN)
ONE(FRINTZ, IR_fround, FPR_ZERO)
ONE(FRINTA, IR_fround, FPR_AWAY)
ONE(FRINTX, IR_fround, FPR_CURRENT | FPR_EXACT)
ONE(FRINTI, IR_fround, FPR_CURRENT)

bool tr_FMOV(struct a64 *t, u32 ptype, u32 rn, u32 rd)
{
    if (lacks(t, ptype)) {
        return false;
    }
    v_put(t, rd, v_low(t->ir, v_get(t, rn), es_bits(ptype_es(ptype))));
    return true;
}

static bool rint_sized(struct a64 *t, enum fp1_kind kind, u32 ptype, u32 rn, u32 rd)
{
    unsigned es = ptype_es(ptype);
    struct vop o = fp_vector(t, es, es_bits(es), rd);
    fp_result(&o, fp_call1(&o, kind, fp_in(&o, rn), 0));
    return true;
}
bool tr_FRINT32Z(struct a64 *t, u32 ptype, u32 rn, u32 rd)
{
    return rint_sized(t, FP1_RINT32Z, ptype, rn, rd);
}
bool tr_FRINT32X(struct a64 *t, u32 ptype, u32 rn, u32 rd)
{
    return rint_sized(t, FP1_RINT32X, ptype, rn, rd);
}
bool tr_FRINT64Z(struct a64 *t, u32 ptype, u32 rn, u32 rd)
{
    return rint_sized(t, FP1_RINT64Z, ptype, rn, rd);
}
bool tr_FRINT64X(struct a64 *t, u32 ptype, u32 rn, u32 rd)
{
    return rint_sized(t, FP1_RINT64X, ptype, rn, rd);
}

bool tr_FCVT(struct a64 *t, u32 ptype, u32 opc, u32 rn, u32 rd)
{
    enum ir_type from = fp_type(ptype_es(ptype)), to = fp_type(ptype_es(opc));
    if (from == to) {
        return false;
    }
    f_put(t, to, rd, ir_fcvt(t->ir, to, from, fp_sub(t), f_get(t, from, rn)));
    return true;
}
bool tr_BFCVT(struct a64 *t, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, MO_32, 32, rd);
    v_put(t, rd, fp_call1(&o, FP1_BFCVTN, v_get(t, rn), 0));
    return true;
}

/* -- two and three operands -------------------------------------------------------------------------------------- */

static bool two(struct a64 *t, enum ir_opcode op, u32 ptype, u32 rm, u32 rn, u32 rd)
{
    struct vop o = fp_scalar(t, ptype_es(ptype), rd);
    if (lacks(t, ptype)) {
        return false;
    }
    fp_result(&o, fp_op2(&o, op, fp_in(&o, rn), fp_in(&o, rm)));
    return true;
}
#define TWO(name, op) \
    bool tr_##name(struct a64 *t, u32 ptype, u32 rm, u32 rn, u32 rd) \
    { \
        return two(t, op, ptype, rm, rn, rd); \
    }
TWO(FADD, IR_fadd)
TWO(FSUB, IR_fsub)
TWO(FMUL, IR_fmul)
TWO(FDIV, IR_fdiv)
TWO(FMAX, IR_fmax)
TWO(FMIN, IR_fmin)
TWO(FMAXNM, IR_fmaxnm)
TWO(FMINNM, IR_fminnm)

/* The product negated, a NaN too. */
bool tr_FNMUL(struct a64 *t, u32 ptype, u32 rm, u32 rn, u32 rd)
{
    struct vop o = fp_scalar(t, ptype_es(ptype), rd);
    if (lacks(t, ptype)) {
        return false;
    }
    fp_result(&o, fp_op1(&o, IR_fneg, fp_op2(&o, IR_fmul, fp_in(&o, rn), fp_in(&o, rm)), 0));
    return true;
}

#define FUSED(name, neg) \
    bool tr_##name(struct a64 *t, u32 ptype, u32 rm, u32 ra, u32 rn, u32 rd) \
    { \
        struct vop o = fp_scalar(t, ptype_es(ptype), rd); \
        if (lacks(t, ptype)) { \
            return false; \
        } \
        fp_result(&o, ir_fma(t->ir, o.ty, o.sub, fp_in(&o, rn), fp_in(&o, rm), fp_in(&o, ra), neg)); \
        return true; \
    }
FUSED(FMADD, 0)
FUSED(FMSUB, FMA_NEG_PRODUCT)
FUSED(FNMADD, FMA_NEG_PRODUCT | FMA_NEG_ADDEND)
FUSED(FNMSUB, FMA_NEG_ADDEND)

/* -- comparisons, selection -------------------------------------------------------------------------------------- */
/* The flags slot holds C as a borrow: less is N and C, which is what fl_fcmp makes. */

static ir_ref compare(struct a64 *t, unsigned es, u32 e, ir_ref a, ir_ref b)
{
    return ir_fl_fcmp(t->ir, fp_type(es), fp_sub(t) & FP_FZ, a, b, e ? FCMP_SIGNAL : 0);
}
static bool fcmp(struct a64 *t, u32 ptype, ir_ref a, ir_ref b, u32 e)
{
    if (lacks(t, ptype)) {
        return false;
    }
    ir_put(t->ir, SLOT_FLAGS, compare(t, ptype_es(ptype), e, a, b));
    return true;
}
bool tr_FCMP(struct a64 *t, u32 ptype, u32 rm, u32 rn, u32 e)
{
    enum ir_type ty = fp_type(ptype_es(ptype));
    return fcmp(t, ptype, f_get(t, ty, rn), f_get(t, ty, rm), e);
}
bool tr_FCMP_z(struct a64 *t, u32 ptype, u32 rn, u32 e)
{
    unsigned es = ptype_es(ptype);
    return fcmp(t, ptype, f_get(t, fp_type(es), rn), f_const(t, es, 0), e);
}
/* Where the condition fails zeros are compared, which raises nothing. */
bool tr_FCCMP(struct a64 *t, u32 ptype, u32 rm, u32 cond, u32 rn, u32 e, u32 nzcv)
{
    struct ir *ir = t->ir;
    unsigned es = ptype_es(ptype);
    enum ir_type ty = fp_type(es);
    ir_ref a = f_get(t, ty, rn), b = f_get(t, ty, rm), fl = ir_get(ir, SLOT_FLAGS);
    if (cond >= 14) {
        return fcmp(t, ptype, a, b, e);
    }
    if (lacks(t, ptype)) {
        return false;
    }
    enum ir_cond cc = a64_cond(cond);
    ir_ref z = f_const(t, es, 0);
    ir_ref r = compare(t, es, e, ir_selectf(ir, cc, fl, ty, a, z), ir_selectf(ir, cc, fl, ty, b, z));
    ir_put(ir, SLOT_FLAGS, ir_selectf(ir, cc, fl, IR_FLAGS, r, a64_flags_const(t, nzcv)));
    return true;
}
bool tr_FCSEL(struct a64 *t, u32 ptype, u32 rm, u32 cond, u32 rn, u32 rd)
{
    enum ir_type ty = fp_type(ptype_es(ptype));
    if (lacks(t, ptype)) {
        return false;
    }
    ir_ref v = f_get(t, ty, rn);
    if (cond < 14) {
        v = ir_selectf(t->ir, a64_cond(cond), ir_get(t->ir, SLOT_FLAGS), ty, v, f_get(t, ty, rm));
    }
    f_put(t, ty, rd, v);
    return true;
}

/* -- moves ------------------------------------------------------------------------------------------------------- */

bool tr_FMOV_imm(struct a64 *t, u32 ptype, u32 imm8, u32 rd)
{
    if (lacks(t, ptype)) {
        return false;
    }
    v_put(t, rd, ir_const_v128(t->ir, fp_expand_imm(ptype_es(ptype), imm8), 0));
    return true;
}
static bool to_general(struct a64 *t, u32 ptype, u32 rn, u32 rd)
{
    unsigned es = ptype_es(ptype);
    if (lacks(t, ptype)) {
        return false;
    }
    x_put(t, rd, ir_vget(t->ir, int_type(es == MO_64), es, v_get(t, rn), 0));
    return true;
}
static bool from_general(struct a64 *t, u32 ptype, u32 rn, u32 rd)
{
    unsigned es = ptype_es(ptype);
    enum ir_type ty = int_type(es == MO_64);
    if (lacks(t, ptype)) {
        return false;
    }
    v_put(t, rd, ir_vzero_ext(t->ir, ty, ir_zext(t->ir, ty, x_get(t, rn), es_bits(es))));
    return true;
}
bool tr_FMOV_w(struct a64 *t, u32 ptype, u32 rn, u32 rd)
{
    return to_general(t, ptype, rn, rd);
}
bool tr_FMOV_x(struct a64 *t, u32 ptype, u32 rn, u32 rd)
{
    return to_general(t, ptype, rn, rd);
}
bool tr_FMOV_fw(struct a64 *t, u32 ptype, u32 rn, u32 rd)
{
    return from_general(t, ptype, rn, rd);
}
bool tr_FMOV_fx(struct a64 *t, u32 ptype, u32 rn, u32 rd)
{
    return from_general(t, ptype, rn, rd);
}
bool tr_FMOV_x_top(struct a64 *t, u32 rn, u32 rd)
{
    x_put(t, rd, ir_vget(t->ir, IR_I64, MO_64, v_get(t, rn), 1));
    return true;
}
bool tr_FMOV_top_x(struct a64 *t, u32 rn, u32 rd)
{
    v_put(t, rd, ir_vset(t->ir, MO_64, v_get(t, rd), 1, x_get(t, rn)));
    return true;
}

/* -- to and from integers ---------------------------------------------------------------------------------------- */

static bool to_int(struct a64 *t, unsigned round, bool uns, u32 sf, u32 ptype, u32 rn, u32 rd)
{
    enum ir_type ty = fp_type(ptype_es(ptype));
    if (lacks(t, ptype)) {
        return false;
    }
    x_put(t, rd, ir_f2i(t->ir, int_type(sf), ty, fp_sub(t), f_get(t, ty, rn), round, uns ? F2I_UNS : 0));
    return true;
}
static bool from_int(struct a64 *t, bool uns, u32 sf, u32 ptype, u32 rn, u32 rd)
{
    enum ir_type ty = fp_type(ptype_es(ptype));
    if (lacks(t, ptype)) {
        return false;
    }
    f_put(t, ty, rd, ir_i2f(t->ir, ty, int_type(sf), fp_sub(t), x_get(t, rn), uns));
    return true;
}
#define TO_INT(name, round, uns) \
    bool tr_##name(struct a64 *t, u32 sf, u32 ptype, u32 rn, u32 rd) \
    { \
        return to_int(t, round, uns, sf, ptype, rn, rd); \
    }
TO_INT(FCVTNS, FPR_NEAREST, false)
TO_INT(FCVTNU, FPR_NEAREST, true)
TO_INT(FCVTAS, FPR_AWAY, false)
TO_INT(FCVTAU, FPR_AWAY, true)
TO_INT(FCVTPS, FPR_UP, false)
TO_INT(FCVTPU, FPR_UP, true)
TO_INT(FCVTMS, FPR_DOWN, false)
TO_INT(FCVTMU, FPR_DOWN, true)
TO_INT(FCVTZS, FPR_ZERO, false)
TO_INT(FCVTZU, FPR_ZERO, true)
bool tr_SCVTF(struct a64 *t, u32 sf, u32 ptype, u32 rn, u32 rd)
{
    return from_int(t, false, sf, ptype, rn, rd);
}
bool tr_UCVTF(struct a64 *t, u32 sf, u32 ptype, u32 rn, u32 rd)
{
    return from_int(t, true, sf, ptype, rn, rd);
}

/* The helper answers with Z in bit 32; N, C and V become 0. */
bool tr_FJCVTZS(struct a64 *t, u32 rn, u32 rd)
{
    struct ir *ir = t->ir;
    ir_ref r = ir_call(ir, H_fjcvtzs, f_get(t, IR_F64, rn), 0, 0, 0);
    ir_ref z = ir_extract(ir, IR_I64, r, 32, 1);
    x_put(t, rd, ir_zext(ir, IR_I64, r, 32));
    ir_ref fl = ir_or(ir, IR_I32, ir_shli(ir, IR_I32, z, 14), ir_const(ir, FL_C));
    ir_put(ir, SLOT_FLAGS, ir_fl_pack(ir, fl));
    return true;
}

/* -- to and from fixed point: 64 - scale fraction bits ----------------------------------------------------------- */

static ir_ref fix_key(struct a64 *t, unsigned es, bool uns, u32 sf, unsigned fbits)
{
    return ir_const(t->ir, FPX_KEY(uns, es, sf ? 64 : 32, fbits));
}
static bool no_scale(u32 sf, u32 scale)
{
    return !sf && scale < 32;
}
/* Scaling a converted integer down is exact, but for halves. */
static bool from_fixed(struct a64 *t, bool uns, u32 sf, u32 ptype, u32 scale, u32 rn, u32 rd)
{
    struct ir *ir = t->ir;
    unsigned es = ptype_es(ptype), fbits = 64 - scale;
    enum ir_type ty = fp_type(es);
    if (lacks(t, ptype) || no_scale(sf, scale)) {
        return false;
    }
    if (es == MO_16) {
        ir_ref h = ir_call(ir, H_from_fixed16, x_get(t, rn), fix_key(t, es, uns, sf, fbits), 0, 0);
        v_put(t, rd, ir_vzero_ext(ir, IR_I32, h));
        return true;
    }
    ir_ref v = ir_i2f(ir, ty, int_type(sf), fp_sub(t), x_get(t, rn), uns);
    f_put(t, ty, rd, ir_fop2(ir, IR_fmul, ty, fp_sub(t), v, f_const(t, es, fp_power2(es, -(int)fbits))));
    return true;
}
/* Scaling a single up is exact as a double; a double could overflow. */
static bool to_fixed(struct a64 *t, bool uns, u32 sf, u32 ptype, u32 scale, u32 rn, u32 rd)
{
    struct ir *ir = t->ir;
    unsigned es = ptype_es(ptype), fbits = 64 - scale, sub = fp_sub(t);
    enum ir_type ty = fp_type(es);
    if (lacks(t, ptype) || no_scale(sf, scale)) {
        return false;
    }
    ir_ref v = f_get(t, ty, rn);
    if (es == MO_32) {
        ir_ref wide = ir_fcvt(ir, IR_F64, IR_F32, sub, v);
        wide = ir_fop2(ir, IR_fmul, IR_F64, sub, wide, f_const(t, MO_64, fp_power2(MO_64, (int)fbits)));
        v = ir_f2i(ir, int_type(sf), IR_F64, sub, wide, FPR_ZERO, uns ? F2I_UNS : 0);
    } else {
        v = ir_bitcast(ir, int_type(es == MO_64), v);
        v = ir_call(ir, H_to_fixed, v, fix_key(t, es, uns, sf, fbits), 0, 0);
    }
    x_put(t, rd, v);
    return true;
}
#define FIXED(name, fn, uns) \
    bool tr_##name##_fix(struct a64 *t, u32 sf, u32 ptype, u32 scale, u32 rn, u32 rd) \
    { \
        return fn(t, uns, sf, ptype, scale, rn, rd); \
    }
FIXED(SCVTF, from_fixed, false)
FIXED(UCVTF, from_fixed, true)
FIXED(FCVTZS, to_fixed, false)
FIXED(FCVTZU, to_fixed, true)
