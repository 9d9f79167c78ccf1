/* AES, carry-less products, SHA; comparisons of strings (SDM volume 1, 12.10, 12.13; volume 2, "SHA..." and 4.1). */
#include "target/i386/vec.h"

/* -- AES --------------------------------------------------------------------------------------------------------------
 */

// clang-format off
VEC2(aesenc, return ir_v2(t->ir, IR_vaes, 0, a, b, 0);)
VEC2(aesenclast, return ir_v2(t->ir, IR_vaes, 0, a, b, AES_LAST);)
VEC2(aesdec, return ir_v2(t->ir, IR_vaes, 0, a, b, AES_INVERSE);)
VEC2(aesdeclast, return ir_v2(t->ir, IR_vaes, 0, a, b, AES_INVERSE | AES_LAST);)
VEC1(aesimc, return ir_v1(t->ir, IR_vaes_imc, 0, a, 0);)
// clang-format on

/* A last round of four equal columns leaves each one's bytes substituted; of the two results one is rotated, and the
 * constant is the immediate. */
VEC1(aeskeygenassist, {
    struct ir *ir = t->ir;
    static const u8 column1[16] = {4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7, 4, 5, 6, 7},
                    column3[16] = {12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15, 12, 13, 14, 15},
                    both[16] = {0, 1, 2, 3, 1, 2, 3, 0, 16, 17, 18, 19, 17, 18, 19, 16};
    ir_ref one = ir_v2(ir, IR_vaes, 0, ir_vshuf(ir, a, a, column1), vec_zero(t), AES_LAST);
    ir_ref three = ir_v2(ir, IR_vaes, 0, ir_vshuf(ir, a, a, column3), vec_zero(t), AES_LAST);
    u64 k = (t->in.imm & 0xff) << 32;
    return ir_v2(ir, IR_xor, 0, ir_vshuf(ir, one, three, both), ir_const_v128(ir, k, k), 0);
})

VEC2(pclmulqdq, return ir_v2(t->ir, IR_vclmul, 0, a, b, (u32)((t->in.imm & 1) | (t->in.imm >> 4 & 1) << 1));)

/* -- SHA: operands 0 and 1, and XMM0 or an immediate ------------------------------------------------------------------
 */

static bool sha(struct x86 *t, unsigned helper, ir_ref third)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref b = vec_get(t, 1, 0);
    vec_put(t, 0, 0, ir_call(t->ir, helper, vec_get(t, 0, 0), b, third, 0));
    return true;
}
bool tr_sha1rnds4(struct x86 *t)
{
    return sha(t, H_sha1rnds4, ir_const(t->ir, t->in.imm & 3));
}
/* The highest word of operand 0, rotated by 30, is added to operand 1's. */
bool tr_sha1nexte(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    struct ir *ir = t->ir;
    static const u8 top[16] = {128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 128, 12, 13, 14, 15};
    ir_ref b = vec_get(t, 1, 0), a = vec_get(t, 0, 0);
    a = ir_vshuf(ir, a, a, top);
    a = ir_v2(ir, IR_or, 0, ir_v1(ir, IR_vshl, 2, a, 30), ir_v1(ir, IR_vshr, 2, a, 2), 0);
    vec_put(t, 0, 0, ir_v2(ir, IR_add, 2, a, b, 0));
    return true;
}
/* Each word with the one two behind it. */
bool tr_sha1msg1(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    static const u8 behind[16] = {24, 25, 26, 27, 28, 29, 30, 31, 0, 1, 2, 3, 4, 5, 6, 7};
    ir_ref b = vec_get(t, 1, 0), a = vec_get(t, 0, 0);
    vec_put(t, 0, 0, ir_v2(t->ir, IR_xor, 0, a, ir_vshuf(t->ir, a, b, behind), 0));
    return true;
}
bool tr_sha1msg2(struct x86 *t)
{
    return sha(t, H_sha1msg2, 0);
}
bool tr_sha256rnds2(struct x86 *t)
{
    return sha(t, H_sha256rnds2, xmm_get(t, 0, 0));
}
bool tr_sha256msg1(struct x86 *t)
{
    return sha(t, H_sha256msg1, 0);
}
bool tr_sha256msg2(struct x86 *t)
{
    return sha(t, H_sha256msg2, 0);
}

/* -- comparisons of strings -------------------------------------------------------------------------------------------
 */

/* A length in RAX or RDX, whose absolute value counts, as 8 bits from -16 to 16. */
static ir_ref length(struct x86 *t, unsigned reg)
{
    struct ir *ir = t->ir;
    ir_ref n = ir_get(ir, SLOT_RAX + reg), most = ir_const(ir, 16), least = ir_const(ir, (u64)-16);
    n = t->in.w && t->bits == 64 ? n : ir_sext(ir, IR_I64, n, 32);
    n = ir_select(ir, CC_SGT, IR_I64, n, most, IR_I64, most, n);
    n = ir_select(ir, CC_SLT, IR_I64, n, least, IR_I64, least, n);
    return ir_andi(ir, IR_I64, n, 0xff);
}

/* The helper's word: mask below, 16: index, 32: flags. */
static bool compare(struct x86 *t, bool explicit, bool mask)
{
    if (!vec_ok(t)) {
        return false;
    }
    struct ir *ir = t->ir;
    ir_ref b = vec_get(t, 1, 0), a = vec_get(t, 0, 0), key = ir_const(ir, (t->in.imm & 0xff) | (u64) explicit << 8);
    if (explicit) {
        key = ir_or(ir, IR_I64, key, ir_shli(ir, IR_I64, length(t, 0), 16));
        key = ir_or(ir, IR_I64, key, ir_shli(ir, IR_I64, length(t, 2), 24));
    }
    ir_ref r = ir_call(ir, H_string_compare, a, b, key, 0);
    if (!mask) {
        ir_put(ir, SLOT_RCX, ir_extract(ir, IR_I64, r, 16, 8));
    } else {
        ir_ref m = ir_call(ir, H_string_mask, r, ir_const(ir, t->in.imm & 0xff), 0, 0);
        xmm_put(t, 0, 0, m);
        if (t->in.vex) {
            xmm_put(t, 0, 1, vec_zero(t));
        }
    }
    ir_put(ir, SLOT_FLAGS, ir_fl_pack(ir, ir_shri(ir, IR_I64, r, 32)));
    return true;
}
bool tr_pcmpestri(struct x86 *t)
{
    return compare(t, true, false);
}
bool tr_pcmpestrm(struct x86 *t)
{
    return compare(t, true, true);
}
bool tr_pcmpistri(struct x86 *t)
{
    return compare(t, false, false);
}
bool tr_pcmpistrm(struct x86 *t)
{
    return compare(t, false, true);
}
