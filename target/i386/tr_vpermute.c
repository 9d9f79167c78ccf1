/* AVX and AVX2: elements and halves by an index (SDM volume 1, 14.3 and 14.7). */
#include "target/i386/vec.h"

static void put_both(struct x86 *t, ir_ref low, ir_ref high)
{
    vec_put(t, 0, 0, low);
    vec_put(t, 0, 1, high);
}

/* -- halves -----------------------------------------------------------------------------------------------------------
 */

/* Half 0 or 1 of operand 1, or of operand 2, or zero, by four bits. */
static ir_ref half_of(struct x86 *t, const ir_ref halves[4], unsigned by)
{
    return by & 8 ? vec_zero(t) : halves[by & 3];
}
bool tr_vperm2x128(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref b0 = vec_get(t, 2, 0), b1 = vec_get(t, 2, 1);
    ir_ref halves[4] = {vec_get(t, 1, 0), vec_get(t, 1, 1), b0, b1};
    unsigned imm = (unsigned)t->in.imm;
    put_both(t, half_of(t, halves, imm & 15), half_of(t, halves, imm >> 4 & 15));
    return true;
}
bool tr_vinsert128(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref b = vec_get(t, 2, 0);
    ir_ref other = vec_get(t, 1, ~t->in.imm & 1);
    put_both(t, t->in.imm & 1 ? other : b, t->in.imm & 1 ? b : other);
    return true;
}
bool tr_vextract128(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    vec_put(t, 0, 0, vec_get(t, 1, t->in.imm & 1));
    vec_done(t, 0);
    return true;
}

/* -- elements of both halves ------------------------------------------------------------------------------------------
 */

/* Four of 8 bytes by an immediate. */
bool tr_vpermq(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref a = vec_get(t, 1, 0), b = vec_get(t, 1, 1), r[2];
    for (unsigned h = 0; h < 2; h++) {
        u8 p[16];
        for (unsigned i = 0; i < 16; i++) {
            unsigned e = (unsigned)(t->in.imm >> (4 * h + 2 * (i / 8)) & 3);
            p[i] = (u8)(8 * e + i % 8);
        }
        r[h] = ir_vshuf(t->ir, a, b, p);
    }
    put_both(t, r[0], r[1]);
    return true;
}

/* Eight of 4 bytes by the low three bits of operand 1's: VPERMD, VPERMPS. */
bool tr_vpermd(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    struct ir *ir = t->ir;
    ir_ref low = vec_get(t, 2, 0), high = vec_get(t, 2, 1), r[2];
    for (unsigned h = 0; h < 2; h++) {
        ir_ref k = vec_get(t, 1, h), from_high = ir_v1(ir, IR_vshl, 2, k, 29);
        r[h] = ir_vblend(ir, 2, from_high, ir_v2(ir, IR_vpermv, 2, high, k, 0), ir_v2(ir, IR_vpermv, 2, low, k, 0));
    }
    put_both(t, r[0], r[1]);
    return true;
}

/* -- elements of each half --------------------------------------------------------------------------------------------
 */

VEC2(vpermilps, return ir_v2(t->ir, IR_vpermv, 2, a, b, 0);)
VEC2(vpermilpd, return ir_v2(t->ir, IR_vpermv, 3, a, ir_v1(t->ir, IR_vshr, 3, b, 1), 0);)
