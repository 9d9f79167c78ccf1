/* Integer arithmetic, comparison and logic on vectors, MMX and SSE alike (SDM volume 1, 9.4, 11.4.1, 12.6 and 12.8). */
#include "target/i386/vec.h"

static ir_ref by_size(struct x86 *t, enum ir_opcode op, ir_ref a, ir_ref b)
{
    return ir_v2(t->ir, op, row_es(t), a, b, 0);
}

/* -- element by element -----------------------------------------------------------------------------------------------
 */

// clang-format off
VEC2(padd, return by_size(t, IR_add, a, b);)
VEC2(psub, return by_size(t, IR_sub, a, b);)
VEC2(padds, return by_size(t, IR_vsqadd, a, b);)
VEC2(paddus, return by_size(t, IR_vuqadd, a, b);)
VEC2(psubs, return by_size(t, IR_vsqsub, a, b);)
VEC2(psubus, return by_size(t, IR_vuqsub, a, b);)
VEC2(pavg, return by_size(t, IR_vuravg, a, b);)
VEC2(pavgusb, return by_size(t, IR_vuravg, a, b);)
VEC2(pmins, return by_size(t, IR_vsmin, a, b);)
VEC2(pminsw, return by_size(t, IR_vsmin, a, b);)
VEC2(pminu, return by_size(t, IR_vumin, a, b);)
VEC2(pminub, return by_size(t, IR_vumin, a, b);)
VEC2(pmaxs, return by_size(t, IR_vsmax, a, b);)
VEC2(pmaxsw, return by_size(t, IR_vsmax, a, b);)
VEC2(pmaxu, return by_size(t, IR_vumax, a, b);)
VEC2(pmaxub, return by_size(t, IR_vumax, a, b);)
VEC2(pcmpeq, return ir_v2(t->ir, IR_vcmp, row_es(t), a, b, CC_EQ);)
VEC2(pcmpgt, return ir_v2(t->ir, IR_vcmp, row_es(t), a, b, CC_SGT);)
VEC1(pabs, return ir_v1(t->ir, IR_vabs, row_es(t), a, 0);)

VEC2(pand, return ir_v2(t->ir, IR_and, 0, a, b, 0);)
VEC2(pandn, return ir_v2(t->ir, IR_andn, 0, b, a, 0);)
VEC2(por, return ir_v2(t->ir, IR_or, 0, a, b, 0);)
VEC2(pxor, return ir_v2(t->ir, IR_xor, 0, a, b, 0);)

/* -- products --------------------------------------------------------------------------------------------------------- */

VEC2(pmullw, return by_size(t, IR_mul, a, b);)
VEC2(pmulld, return by_size(t, IR_mul, a, b);)
VEC2(pmulhw, return ir_v2(t->ir, IR_vmulh, 0, a, b, 1);)
VEC2(pmulhuw, return ir_v2(t->ir, IR_vmulh, 0, a, b, 0);)
VEC2(pmulhrsw, return ir_v2(t->ir, IR_vmulr, 0, a, b, 0);)
VEC2(pmuludq, return ir_v2(t->ir, IR_vmule, 0, a, b, 0);)
VEC2(pmuldq, return ir_v2(t->ir, IR_vmule, 0, a, b, 1);)
VEC2(pmaddwd, return ir_v2(t->ir, IR_vdot, 1, a, b, 0);)
VEC2(pmaddubsw, return ir_v2(t->ir, IR_vdot, 0, a, b, 0);)
VEC2(psadbw, return ir_v2(t->ir, IR_vsad, 0, a, b, 0);)
// clang-format on

/* 3DNow!: signed 16-bit products, rounded to their upper halves. */
VEC2(pmulhrw, {
    struct ir *ir = t->ir;
    ir_ref low = ir_v2(ir, IR_mul, 1, a, b, 0), high = ir_v2(ir, IR_vmulh, 0, a, b, 1);
    return ir_v2(ir, IR_add, 1, high, ir_v1(ir, IR_vshr, 1, low, 15), 0);
})

/* a where b is positive, -a where it is negative, 0 where it is 0. */
VEC2(psign, {
    struct ir *ir = t->ir;
    unsigned es = row_es(t);
    ir_ref zero = vec_zero(t), negative = ir_v2(ir, IR_vcmp, es, zero, b, CC_SGT);
    ir_ref r = ir_v2(ir, IR_sub, es, ir_v2(ir, IR_xor, 0, a, negative, 0), negative, 0);
    return ir_v2(ir, IR_andn, 0, r, ir_v2(ir, IR_vcmp, es, b, zero, CC_EQ), 0);
})

/* -- two vectors to one: MMX has both in one register's halves
 * ---------------------------------------------------------- */

static ir_ref two_to_one(struct x86 *t, enum ir_opcode op, unsigned es, ir_ref a, ir_ref b, u32 imm)
{
    if (row_is_mmx(t)) {
        a = b = ir_vset(t->ir, 3, a, 1, ir_vget(t->ir, IR_I64, 3, b, 0));
    }
    return ir_v2(t->ir, op, es, a, b, imm);
}
VEC2(packss, return two_to_one(t, IR_vpack, t->in.opcode == 0x6b ? 2 : 1, a, b, 1);)
VEC2(packus, return two_to_one(t, IR_vpack, 1, a, b, 0);)
VEC2(packusdw, return two_to_one(t, IR_vpack, 2, a, b, 0);)
VEC2(phadd, return two_to_one(t, IR_vpadd, row_es(t), a, b, 0);)

/* The even elements of a and b, or the odd ones. */
static ir_ref every_second(struct x86 *t, unsigned es, unsigned odd, ir_ref a, ir_ref b)
{
    unsigned n = row_is_mmx(t) ? 8 : 16;
    u8 p[16];
    for (unsigned i = 0; i < 16; i++) {
        unsigned at = (i >> es << (es + 1)) + (odd << es) + (i & ((1u << es) - 1));
        p[i] = (u8)(at < n ? at : at < 2 * n ? at - n + 16 : 0x80);
    }
    return ir_vshuf(t->ir, a, b, p);
}
static ir_ref horizontally(struct x86 *t, enum ir_opcode op, unsigned es, ir_ref a, ir_ref b)
{
    return ir_v2(t->ir, op, es, every_second(t, es, 0, a, b), every_second(t, es, 1, a, b), 0);
}
VEC2(phaddsw, return horizontally(t, IR_vsqadd, 1, a, b);)
VEC2(phsub, return horizontally(t, IR_sub, row_es(t), a, b);)
VEC2(phsubsw, return horizontally(t, IR_vsqsub, 1, a, b);)

/* -- what a few programs need: in C
 * ------------------------------------------------------------------------------------- */

VEC2(mpsadbw, return ir_call(t->ir, H_mpsadbw, a, b, ir_const(t->ir, t->in.imm >> (3 * h) & 7), 0);)
VEC1(phminposuw, return ir_call(t->ir, H_phminposuw, a, 0, 0, 0);)
