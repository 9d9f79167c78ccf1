/* FMA: products and sums with one rounding (SDM volume 1, 14.5; volume 2, VFMADD132PD and on). */
#include "target/i386/tr_fp.h"

struct fma {
    u8 a, b, c; /* operands: a * b + c. NaNs are preferred in this order */
    u8 neg;     /* FMA_* */
};

/* By the opcode: its upper digit is the form, its lower one the signs. */
static struct fma fma_of(const struct x86 *t)
{
    static const u8 signs[8] = {[3] = FMA_ALTERNATE,
                                [4] = 0,
                                [5] = FMA_NEG_ADDEND,
                                [6] = FMA_NEG_PRODUCT,
                                [7] = FMA_NEG_PRODUCT | FMA_NEG_ADDEND};
    unsigned op = t->in.opcode & 15, neg = op == 7 ? (unsigned)(FMA_ALTERNATE | FMA_NEG_ADDEND) : signs[op >> 1];
    switch (t->in.opcode >> 4) {
    case 0x9: /* 132 */
        return (struct fma){0, 2, 1, (u8)neg};
    case 0xa: /* 213 */
        return (struct fma){1, 0, 2, (u8)neg};
    default: /* 231 */
        return (struct fma){1, 2, 0, (u8)neg};
    }
}

bool tr_vfma(struct x86 *t)
{
    ir_ref v[3][2], r[2];
    if (!vec_ok(t)) {
        return false;
    }
    for (unsigned i = 0; i < 3; i++) {
        fp_operand(t, i, v[i]);
    }
    struct fma f = fma_of(t);
    unsigned es = t->in.w ? MO_64 : MO_32;
    fp_begin(t);
    for (unsigned h = 0; h < vec_halves(t); h++) {
        r[h] = ir_fma(t->ir, IR_V128, es | fp_sub(t), v[f.a][h], v[f.b][h], v[f.c][h], f.neg);
    }
    fp_end(t);
    fp_result(t, r);
    return true;
}
bool tr_vfmaddsub(struct x86 *t)
{
    return tr_vfma(t);
}
/* Above the result is what the destination had there. */
bool tr_vfma_scalar(struct x86 *t)
{
    ir_ref v[3];
    if (!vec_ok(t)) {
        return false;
    }
    for (unsigned i = 0; i < 3; i++) {
        v[i] = vec_get(t, i, 0);
    }
    struct fma f = fma_of(t);
    unsigned es = t->in.w ? MO_64 : MO_32;
    u32 above = f.a == 0 ? 0 : f.b == 0 ? FMA_ABOVE_B : FMA_ABOVE_C;
    fp_begin(t);
    ir_ref r = ir_fma(t->ir, IR_V128, es | FP_LOW | fp_sub(t), v[f.a], v[f.b], v[f.c], f.neg | above);
    fp_end(t);
    vec_put(t, 0, 0, r);
    vec_done(t, 0);
    return true;
}
