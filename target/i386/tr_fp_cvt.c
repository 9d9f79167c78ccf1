/* Conversions of SSE, AVX and F16C between float formats and integers (SDM volume 1, 10.4.4, 11.4.1.6 and 14.4). What
 * does not fit an integer becomes the integer indefinite. */
#include "target/i386/tr_fp.h"

static ir_ref upper_low(struct x86 *t, ir_ref v) /* the upper half, in both */
{
    static const u8 pattern[16] = {8, 9, 10, 11, 12, 13, 14, 15, 8, 9, 10, 11, 12, 13, 14, 15};
    return ir_vshuf(t->ir, v, v, pattern);
}
static ir_ref join_low(struct x86 *t, ir_ref a, ir_ref b) /* the lower halves */
{
    static const u8 pattern[16] = {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23};
    return ir_vshuf(t->ir, a, b, pattern);
}

/* -- vectors ----------------------------------------------------------------------------------------------------------
 */

/* Elements keep their size. */
static bool same_size(struct x86 *t, enum ir_opcode op, u32 imm)
{
    ir_ref a[2], r[2];
    if (!vec_ok(t)) {
        return false;
    }
    fp_operand(t, 1, a);
    fp_begin(t);
    for (unsigned h = 0; h < vec_halves(t); h++) {
        r[h] = ir_fop1(t->ir, op, IR_V128, MO_32 | fp_sub(t), a[h], imm);
    }
    fp_end(t);
    fp_result(t, r);
    return true;
}
bool tr_cvtdq2ps(struct x86 *t)
{
    return same_size(t, IR_vi2f, I2F(0, 0));
}
bool tr_cvtps2dq(struct x86 *t)
{
    return same_size(t, IR_vf2i, F2I(0, FPR_CURRENT, F2I_INDEF));
}
bool tr_cvttps2dq(struct x86 *t)
{
    return same_size(t, IR_vf2i, F2I(0, FPR_ZERO, F2I_INDEF));
}

/* Twice the size: half 1 of the result comes from the upper half of the XMM register. */
static bool widen(struct x86 *t, unsigned es)
{
    ir_ref r[2];
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref a = vec_get(t, 1, 0);
    fp_begin(t);
    for (unsigned h = 0; h < vec_halves(t); h++) {
        r[h] = ir_fop1(t->ir, IR_vfcvtl, IR_V128, es | fp_sub(t), a, h);
    }
    fp_end(t);
    fp_result(t, r);
    return true;
}
bool tr_cvtps2pd(struct x86 *t)
{
    return widen(t, MO_32);
}
bool tr_vcvtph2ps(struct x86 *t)
{
    return widen(t, MO_16);
}
bool tr_cvtdq2pd(struct x86 *t) /* exact */
{
    ir_ref r[2];
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref a = vec_get(t, 1, 0);
    r[0] = ir_fop1(t->ir, IR_vi2fl, IR_V128, 0, a, 0);
    r[1] = vec_halves(t) == 2 ? ir_fop1(t->ir, IR_vi2fl, IR_V128, 0, upper_low(t, a), 0) : 0;
    fp_result(t, r);
    return true;
}

/* Half the size: the result has 8 bytes and zeros above, or of VEX.256 16. */
static ir_ref narrowed(struct x86 *t, unsigned i, enum ir_opcode op, unsigned es, u32 imm)
{
    ir_ref a[2], r[2];
    fp_operand(t, i, a);
    fp_begin(t);
    for (unsigned h = 0; h < vec_halves(t); h++) {
        r[h] = ir_fop1(t->ir, op, IR_V128, es | fp_sub(t), a[h], imm);
    }
    fp_end(t);
    return vec_halves(t) == 2 ? join_low(t, r[0], r[1]) : r[0];
}
static bool narrow(struct x86 *t, enum ir_opcode op, u32 imm)
{
    if (!vec_ok(t)) {
        return false;
    }
    vec_put(t, 0, 0, narrowed(t, 1, op, MO_64, imm));
    vec_done(t, 0);
    return true;
}
bool tr_cvtpd2ps(struct x86 *t)
{
    return narrow(t, IR_vfcvtn, FPR_CURRENT);
}
bool tr_cvtpd2dq(struct x86 *t)
{
    return narrow(t, IR_vf2in, F2I(0, FPR_CURRENT, F2I_INDEF));
}
bool tr_cvttpd2dq(struct x86 *t)
{
    return narrow(t, IR_vf2in, F2I(0, FPR_ZERO, F2I_INDEF));
}

/* imm8: bit 2 MXCSR's rounding, else bits 1:0. Memory gets 8 or 16 bytes. */
bool tr_vcvtps2ph(struct x86 *t)
{
    static const u8 fpr[4] = {FPR_NEAREST, FPR_DOWN, FPR_UP, FPR_ZERO};
    if (!vec_ok(t)) {
        return false;
    }
    if (vec_reg(t, 0) < 0) { /* a fault comes before exceptions are noted */
        unsigned n = 8 * vec_halves(t);
        ir_call(t->ir, H_store_check, x86_mem(t, n, true), ir_const(t->ir, n), 0, 0);
    }
    ir_ref r = narrowed(t, 1, IR_vfcvtn, MO_32, t->in.imm & 4 ? FPR_CURRENT : fpr[t->in.imm & 3]);
    if (vec_reg(t, 0) < 0 && vec_halves(t) == 1) {
        x86_store(t, x86_mem(t, 8, true), ir_vget(t->ir, IR_I64, 3, r, 0), 8);
        return true;
    }
    vec_put(t, 0, 0, r);
    vec_done(t, 0);
    return true;
}

/* -- one lane ---------------------------------------------------------------------------------------------------------
 */

static bool to_lane(struct x86 *t, unsigned es, ir_ref to, ir_ref v)
{
    fp_end(t);
    vec_put(t, 0, 0, ir_vset(t->ir, es, to, 0, v));
    vec_done(t, 0);
    return true;
}
bool tr_cvtsi2s(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    unsigned es = fp_es(t);
    ir_ref v = opd_get(t, 2), to = vec_get(t, 1, 0);
    fp_begin(t);
    return to_lane(t, es, to, ir_i2f(t->ir, fp_type(es), int_type(opd_bytes(t, 2)), fp_sub(t), v, false));
}
static bool between(struct x86 *t, unsigned from, unsigned es)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref v = vec_get_scalar(t, 2, fp_type(from)), to = vec_get(t, 1, 0);
    fp_begin(t);
    return to_lane(t, es, to, ir_fcvt(t->ir, fp_type(es), fp_type(from), fp_sub(t), v));
}
bool tr_cvtss2sd(struct x86 *t)
{
    return between(t, MO_32, MO_64);
}
bool tr_cvtsd2ss(struct x86 *t)
{
    return between(t, MO_64, MO_32);
}

static bool to_int(struct x86 *t, unsigned round)
{
    if (!vec_ok(t)) {
        return false;
    }
    enum ir_type from = fp_type(fp_es(t));
    ir_ref v = vec_get_scalar(t, 1, from);
    fp_begin(t);
    v = ir_f2i(t->ir, int_type(opd_bytes(t, 0)), from, fp_sub(t), v, round, F2I_INDEF);
    fp_end(t);
    opd_put(t, 0, v);
    return true;
}
bool tr_cvts2si(struct x86 *t)
{
    return to_int(t, FPR_CURRENT);
}
bool tr_cvtts2si(struct x86 *t)
{
    return to_int(t, FPR_ZERO);
}

/* -- from and to MMX registers ----------------------------------------------------------------------------------------
 */

static ir_ref two_words(struct x86 *t)
{
    return ir_vzero_ext(t->ir, IR_I64, mmx_get(t, 1));
}
/* The x87's state changes even when #XM comes. */
static void mmx_fp_end(struct x86 *t, bool mmx)
{
    if (t->mode & MODE_SSE_EXACT) {
        ir_call(t->ir, H_fp_end, ir_const(t->ir, mmx), 0, 0, 0);
    }
}
/* Where the source is memory no MMX instruction has happened. */
static bool mmx_source_ok(struct x86 *t)
{
    return vec_ok(t) && (opd_is_mem(t, 1) || mmx_ok(t));
}
static void mmx_source_done(struct x86 *t)
{
    if (!opd_is_mem(t, 1)) {
        mmx_done(t);
    }
}
bool tr_cvtpi2ps(struct x86 *t)
{
    if (!mmx_source_ok(t)) {
        return false;
    }
    ir_ref v = two_words(t), to = vec_get(t, 0, 0);
    fp_begin(t);
    ir_ref r = ir_fop1(t->ir, IR_vi2f, IR_V128, MO_32 | fp_sub(t), v, I2F(0, 0));
    mmx_fp_end(t, !opd_is_mem(t, 1));
    fp_result_low(t, MO_64, to, r);
    mmx_source_done(t);
    return true;
}
bool tr_cvtpi2pd(struct x86 *t)
{
    if (!mmx_source_ok(t)) {
        return false;
    }
    vec_put(t, 0, 0, ir_fop1(t->ir, IR_vi2fl, IR_V128, 0, two_words(t), 0));
    mmx_source_done(t);
    return true;
}

static bool to_mmx(struct x86 *t, unsigned es, unsigned round)
{
    if (!vec_ok(t) || !mmx_ok(t)) {
        return false;
    }
    u32 imm = F2I(0, round, F2I_INDEF);
    ir_ref v = es == MO_64 ? vec_get(t, 1, 0) : ir_vzero_ext(t->ir, IR_F64, vec_get_scalar(t, 1, IR_F64));
    fp_begin(t);
    ir_ref r = ir_fop1(t->ir, es == MO_64 ? IR_vf2in : IR_vf2i, IR_V128, es | fp_sub(t), v, imm);
    mmx_fp_end(t, true);
    mmx_put(t, 0, ir_vget(t->ir, IR_I64, 3, r, 0));
    return true;
}
bool tr_cvtps2pi(struct x86 *t)
{
    return to_mmx(t, MO_32, FPR_CURRENT);
}
bool tr_cvttps2pi(struct x86 *t)
{
    return to_mmx(t, MO_32, FPR_ZERO);
}
bool tr_cvtpd2pi(struct x86 *t)
{
    return to_mmx(t, MO_64, FPR_CURRENT);
}
bool tr_cvttpd2pi(struct x86 *t)
{
    return to_mmx(t, MO_64, FPR_ZERO);
}
