/* What all Advanced SIMD instructions share: parts of vectors, results, saturation, and the common forms. */
#include "target/arm/a64/tr_simd.h"

/* -- parts of vectors ------------------------------------------------------------------------------------------- */

ir_ref v_low(struct ir *ir, ir_ref v, unsigned bits)
{
    switch (bits) {
    case 128:
        return v;
    case 64:
        return ir_vzero_ext(ir, IR_F64, ir_vget(ir, IR_F64, MO_64, v, 0));
    case 32:
        return ir_vzero_ext(ir, IR_F32, ir_vget(ir, IR_F32, MO_32, v, 0));
    default:
        return ir_v2(ir, IR_and, 0, v, ir_const_v128(ir, MASK(bits), 0), 0);
    }
}

ir_ref v_low_halves(struct ir *ir, ir_ref lo, ir_ref hi)
{
    static const u8 pattern[16] = {0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23};
    return ir_vshuf(ir, lo, hi, pattern);
}

ir_ref v_high_halves(struct ir *ir, ir_ref lo, ir_ref hi)
{
    static const u8 pattern[16] = {8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31};
    return ir_vshuf(ir, lo, hi, pattern);
}

/* Two low halves are joined first: a shuffle of one register is cheaper than one of two. */
ir_ref v_pick(struct ir *ir, unsigned bits, ir_ref n, ir_ref m, const u8 from[16])
{
    u8 pattern[16];
    for (unsigned i = 0; i < 16; i++) {
        pattern[i] = i < bits / 8 ? from[i] : 0x80;
    }
    if (bits < 128) {
        n = m = v_low_halves(ir, n, m);
    }
    return ir_vshuf(ir, n, m, pattern);
}

ir_ref v_unzip(struct ir *ir, unsigned es, unsigned bits, unsigned odd, ir_ref n, ir_ref m)
{
    u8 from[16];
    unsigned lane = 1u << es;
    for (unsigned i = 0; i < 16; i++) {
        from[i] = (u8)(((i >> es) * 2 + odd) * lane + i % lane);
    }
    return v_pick(ir, bits, n, m, from);
}

ir_ref v_dup_lane(struct ir *ir, unsigned es, ir_ref v, unsigned lane, unsigned bits)
{
    u8 pattern[16];
    for (unsigned i = 0; i < 16; i++) {
        pattern[i] = i >= bits / 8 ? 0x80 : (u8)((lane << es) + i % (1u << es));
    }
    return ir_vshuf(ir, v, v, pattern);
}

/* -- results ------------------------------------------------------------------------------------------------------ */

void v_result(const struct vop *o, ir_ref v)
{
    v_put(o->t, o->rd, v_low(o->ir, v, o->bits));
}

/* v has its lanes in the low half and zeros above. */
void v_result_narrow(const struct vop *o, ir_ref v)
{
    v_put(o->t, o->rd, o->hi ? v_low_halves(o->ir, v_rd(o), v) : v);
}

void qc_any(const struct vop *o, unsigned bits, ir_ref v)
{
    v = v_low(o->ir, v, bits);
    ir_put(o->ir, SLOT_QC, ir_v2(o->ir, IR_or, 0, ir_get(o->ir, SLOT_QC), v, 0));
}

void qc_differ(const struct vop *o, unsigned bits, ir_ref saturated, ir_ref exact)
{
    qc_any(o, bits, ir_v2(o->ir, IR_xor, 0, saturated, exact, 0));
}

/* -- forms -------------------------------------------------------------------------------------------------------- */

struct vop v_op(struct a64 *t, unsigned es, unsigned bits, u32 rd)
{
    return (struct vop){.t = t, .ir = t->ir, .es = (u8)es, .bits = (u8)bits, .rd = (u8)rd};
}
static struct vop arr_op(struct a64 *t, u32 arr, u32 rd)
{
    return v_op(t, arr & 3, arr & 4 ? 128 : 64, rd);
}

bool v_do1(struct a64 *t, vfn1 f, u32 arr, u32 rn, u32 rd)
{
    struct vop o = arr_op(t, arr, rd);
    v_result(&o, f(&o, v_get(t, rn)));
    return true;
}
bool v_do2(struct a64 *t, vfn2 f, u32 arr, u32 rm, u32 rn, u32 rd)
{
    struct vop o = arr_op(t, arr, rd);
    v_result(&o, f(&o, v_get(t, rn), v_get(t, rm)));
    return true;
}
bool s_do1(struct a64 *t, vfn1 f, u32 size, u32 rn, u32 rd)
{
    struct vop o = v_op(t, size, es_bits(size), rd);
    v_result(&o, f(&o, v_get(t, rn)));
    return true;
}
bool s_do2(struct a64 *t, vfn2 f, u32 size, u32 rm, u32 rn, u32 rd)
{
    struct vop o = v_op(t, size, es_bits(size), rd);
    v_result(&o, f(&o, v_get(t, rn), v_get(t, rm)));
    return true;
}
bool e_do2(struct a64 *t, vfn2 f, u32 arr, u32 elem, u32 rn, u32 rd)
{
    struct vop o = arr_op(t, arr, rd);
    ir_ref m = v_dup_lane(t->ir, o.es, v_get(t, elem & 31), elem >> 5, 128);
    v_result(&o, f(&o, v_get(t, rn), m));
    return true;
}
bool se_do2(struct a64 *t, vfn2 f, u32 size, u32 elem, u32 rn, u32 rd)
{
    struct vop o = v_op(t, size, es_bits(size), rd);
    ir_ref m = v_dup_lane(t->ir, size, v_get(t, elem & 31), elem >> 5, 128);
    v_result(&o, f(&o, v_get(t, rn), m));
    return true;
}
