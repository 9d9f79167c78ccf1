/* A64 Advanced SIMD: shifts by an immediate (DDI 0487, C4.1 "Advanced SIMD shift by immediate" and its scalar form),
 * but for conversions with fraction bits (tr_simd_fpcvt.c). immh:immb is 2 * size - shift to the right, size + shift to
 * the left, and immh's highest bit is the size. */
#include "target/arm/a64/tr_simd.h"

typedef ir_ref (*shift_fn)(const struct vop *o, ir_ref n, unsigned shift);

static unsigned imm_es(u32 immh)
{
    return 31 - clz32(immh);
}
static unsigned right_shift(u32 immh, u32 immb)
{
    return 2 * es_bits(imm_es(immh)) - (immh << 3 | immb);
}
static unsigned left_shift(u32 immh, u32 immb)
{
    return (immh << 3 | immb) - es_bits(imm_es(immh));
}

static bool shift_v(struct a64 *t, shift_fn f, unsigned shift, u32 q, u32 immh, u32 rn, u32 rd)
{
    struct vop o = v_op(t, imm_es(immh), q ? 128 : 64, rd);
    if (o.es == MO_64 && !q) {
        return false;
    }
    v_result(&o, f(&o, v_get(t, rn), shift));
    return true;
}
static bool shift_s(struct a64 *t, shift_fn f, unsigned shift, u32 immh, u32 rn, u32 rd)
{
    struct vop o = v_op(t, imm_es(immh), es_bits(imm_es(immh)), rd);
    v_result(&o, f(&o, v_get(t, rn), shift));
    return true;
}
#define SHIFT(name, fn, amount) \
    bool tr_##name##_vi(struct a64 *t, u32 q, u32 immh, u32 immb, u32 rn, u32 rd) \
    { \
        return shift_v(t, fn, amount(immh, immb), q, immh, rn, rd); \
    } \
    bool tr_##name##_si(struct a64 *t, u32 immh, u32 immb, u32 rn, u32 rd) \
    { \
        return shift_s(t, fn, amount(immh, immb), immh, rn, rd); \
    }
#define FN(fn) static ir_ref fn(const struct vop *o, ir_ref n, unsigned shift)

static ir_ref v1(const struct vop *o, enum ir_opcode op, ir_ref a, u32 imm)
{
    return ir_v1(o->ir, op, o->es, a, imm);
}
static ir_ref v2(const struct vop *o, enum ir_opcode op, ir_ref a, ir_ref b)
{
    return ir_v2(o->ir, op, o->es, a, b, 0);
}

/* -- to the right ------------------------------------------------------------------------------------------------ */

/* Rounding adds the last bit shifted out, which can't overflow. */
static ir_ref round_right(struct ir *ir, unsigned es, bool is_signed, ir_ref n, unsigned shift)
{
    enum ir_opcode op = is_signed ? IR_vsar : IR_vshr;
    ir_ref one = ir_vdup(ir, es, ir_const(ir, 1));
    ir_ref last = ir_v2(ir, IR_and, 0, ir_v1(ir, op, es, n, shift - 1), one, 0);
    return ir_v2(ir, IR_add, es, ir_v1(ir, op, es, n, shift), last, 0);
}
FN(f_sshr)
{
    return v1(o, IR_vsar, n, shift);
}
FN(f_ushr)
{
    return v1(o, IR_vshr, n, shift);
}
FN(f_srshr)
{
    return round_right(o->ir, o->es, true, n, shift);
}
FN(f_urshr)
{
    return round_right(o->ir, o->es, false, n, shift);
}
#define ACCUMULATE(fn, of) \
    FN(fn) \
    { \
        return v2(o, IR_add, v_rd(o), of(o, n, shift)); \
    }
ACCUMULATE(f_ssra, f_sshr)
ACCUMULATE(f_usra, f_ushr)
ACCUMULATE(f_srsra, f_srshr)
ACCUMULATE(f_ursra, f_urshr)
SHIFT(SSHR, f_sshr, right_shift)
SHIFT(USHR, f_ushr, right_shift)
SHIFT(SRSHR, f_srshr, right_shift)
SHIFT(URSHR, f_urshr, right_shift)
SHIFT(SSRA, f_ssra, right_shift)
SHIFT(USRA, f_usra, right_shift)
SHIFT(SRSRA, f_srsra, right_shift)
SHIFT(URSRA, f_ursra, right_shift)

/* -- to the left, and inserts ------------------------------------------------------------------------------------ */

FN(f_shl)
{
    return v1(o, IR_vshl, n, shift);
}
FN(f_sli)
{
    ir_ref mask = v_const(o, o->es, ~0ull << shift);
    return ir_vbsl(o->ir, mask, f_shl(o, n, shift), v_rd(o));
}
FN(f_sri)
{
    ir_ref mask = v_const(o, o->es, MASK(es_bits(o->es) - shift));
    return ir_vbsl(o->ir, mask, f_ushr(o, n, shift), v_rd(o));
}
SHIFT(SHL, f_shl, left_shift)
SHIFT(SLI, f_sli, left_shift)
SHIFT(SRI, f_sri, right_shift)

/* -- saturating to the left: the result shifted back tells whether it is exact ----------------------------------- */

static ir_ref is_same(const struct vop *o, ir_ref a, ir_ref b)
{
    return ir_v2(o->ir, IR_vcmp, o->es, a, b, CC_EQ);
}
static void qc_not(const struct vop *o, ir_ref ok)
{
    qc_any(o, o->bits, ir_v1(o->ir, IR_not, 0, ok, 0));
}
FN(f_sqshl)
{
    ir_ref r = f_shl(o, n, shift);
    ir_ref ok = is_same(o, f_sshr(o, r, shift), n);
    ir_ref max = v_const(o, o->es, es_min(o->es) - 1);
    qc_not(o, ok);
    return ir_vbsl(o->ir, ok, r, v2(o, IR_xor, f_sshr(o, n, es_bits(o->es)), max));
}
FN(f_uqshl)
{
    ir_ref r = f_shl(o, n, shift);
    ir_ref ok = is_same(o, f_ushr(o, r, shift), n);
    qc_not(o, ok);
    return v2(o, IR_orn, r, ok);
}
FN(f_sqshlu)
{
    ir_ref positive = v2(o, IR_vsmax, n, v_zero(o));
    ir_ref r = f_shl(o, positive, shift);
    ir_ref back = f_ushr(o, r, shift);
    qc_not(o, is_same(o, back, n));
    return v2(o, IR_orn, r, is_same(o, back, positive));
}
SHIFT(SQSHL, f_sqshl, left_shift)
SHIFT(UQSHL, f_uqshl, left_shift)
SHIFT(SQSHLU, f_sqshlu, left_shift)

/* -- narrowing: es is the result's ------------------------------------------------------------------------------- */

static bool narrow_v(struct a64 *t, shift_fn f, u32 q, u32 immh, u32 immb, u32 rn, u32 rd)
{
    struct vop o = v_op(t, imm_es(immh), 128, rd);
    o.hi = (u8)q;
    v_result_narrow(&o, f(&o, v_get(t, rn), right_shift(immh, immb)));
    return true;
}
static bool narrow_s(struct a64 *t, shift_fn f, u32 immh, u32 immb, u32 rn, u32 rd)
{
    struct vop o = v_op(t, imm_es(immh), es_bits(imm_es(immh)), rd);
    v_result(&o, f(&o, v_get(t, rn), right_shift(immh, immb)));
    return true;
}
FN(f_shrn)
{
    return ir_v1(o->ir, IR_vxtn, o->es + 1u, ir_v1(o->ir, IR_vshr, o->es + 1u, n, shift), 0);
}
/* The carry of rounding past the top is not part of the result. */
FN(f_rshrn)
{
    ir_ref k = v_const(o, o->es + 1u, 1ull << (shift - 1));
    return f_shrn(o, ir_v2(o->ir, IR_add, o->es + 1u, n, k, 0), shift);
}
static ir_ref sat_narrow(const struct vop *o, bool round, unsigned kind, ir_ref n, unsigned shift)
{
    unsigned wide = o->es + 1u;
    bool is_signed = kind & 1;
    ir_ref v = round ? round_right(o->ir, wide, is_signed, n, shift)
                     : ir_v1(o->ir, is_signed ? IR_vsar : IR_vshr, wide, n, shift);
    return v_sat_narrow(o, kind, o->bits == 128 ? 128 : 2 * o->bits, v);
}
#define SAT_NARROW(name, round, kind) \
    FN(f_##name) \
    { \
        return sat_narrow(o, round, kind, n, shift); \
    } \
    NARROW_V(name, f_##name) \
    bool tr_##name##_si(struct a64 *t, u32 immh, u32 immb, u32 rn, u32 rd) \
    { \
        return narrow_s(t, f_##name, immh, immb, rn, rd); \
    }
#define NARROW_V(name, fn) \
    bool tr_##name##_vi(struct a64 *t, u32 q, u32 immh, u32 immb, u32 rn, u32 rd) \
    { \
        return narrow_v(t, fn, q, immh, immb, rn, rd); \
    }
NARROW_V(SHRN, f_shrn)
NARROW_V(RSHRN, f_rshrn)
SAT_NARROW(SQSHRN, false, QXTN_S)
SAT_NARROW(SQRSHRN, true, QXTN_S)
SAT_NARROW(UQSHRN, false, QXTN_U)
SAT_NARROW(UQRSHRN, true, QXTN_U)
SAT_NARROW(SQSHRUN, false, QXTN_UN)
SAT_NARROW(SQRSHRUN, true, QXTN_UN)

/* -- widening ---------------------------------------------------------------------------------------------------- */

static bool lengthen(struct a64 *t, bool is_signed, u32 q, u32 immh, u32 immb, u32 rn, u32 rd)
{
    unsigned es = imm_es(immh);
    ir_ref wide = ir_v1(t->ir, IR_vxtl, es, v_get(t, rn), q | (is_signed ? 2 : 0));
    v_put(t, rd, ir_v1(t->ir, IR_vshl, es + 1, wide, left_shift(immh, immb)));
    return true;
}
bool tr_SSHLL_vi(struct a64 *t, u32 q, u32 immh, u32 immb, u32 rn, u32 rd)
{
    return lengthen(t, true, q, immh, immb, rn, rd);
}
bool tr_USHLL_vi(struct a64 *t, u32 q, u32 immh, u32 immb, u32 rn, u32 rd)
{
    return lengthen(t, false, q, immh, immb, rn, rd);
}
