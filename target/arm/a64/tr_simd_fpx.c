/* A64 Advanced SIMD, float extensions: complex arithmetic (FCMA), half to single products (FHM), bfloat16 (BF16). */
#include "target/arm/a64/tr_simd.h"

static unsigned arr_bits(u32 arr)
{
    return arr & 4 ? 128 : 64;
}

/* -- FEAT_FCMA: an element pair is a complex number, real part first --------------------------------------------- */

/* Pairs made of lane a and lane b of each pair, up to the width. */
static ir_ref pick(const struct vop *o, ir_ref v, unsigned a, unsigned b)
{
    u8 pattern[16];
    for (unsigned i = 0; i < 16; i++) {
        unsigned pair = i >> (o->es + 1) << (o->es + 1), which = i >> o->es & 1 ? b : a;
        pattern[i] = i >= o->bits / 8u ? 0x80 : (u8)(pair + (which << o->es) + i % (1u << o->es));
    }
    return ir_vshuf(o->ir, v, v, pattern);
}
/* The signs of the real or imaginary parts flipped, NaNs' too. */
static ir_ref flip(const struct vop *o, ir_ref v, bool real, bool imag)
{
    unsigned w = es_bits(o->es);
    u64 sign = es_min(o->es), k[2];
    for (unsigned i = 0; i < 2; i++) {
        k[i] = 0;
        for (unsigned pos = 0; pos < 64; pos += w) {
            bool odd = (64 * i + pos) / w & 1;
            k[i] |= 64 * i + pos < o->bits && (odd ? imag : real) ? sign << pos : 0;
        }
    }
    return ir_v2(o->ir, IR_xor, 0, v, ir_const_v128(o->ir, k[0], k[1]), 0);
}

/* rot * 90 degrees: n's real part (rot even) times m, or its imaginary part times m turned by 90 degrees. */
static bool fcmla(struct a64 *t, u32 arr, ir_ref m, u32 rot, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, arr & 3, arr_bits(arr), rd);
    ir_ref part = rot & 1 ? pick(&o, v_get(t, rn), 1, 1) : pick(&o, v_get(t, rn), 0, 0);
    ir_ref by = rot & 1 ? pick(&o, m, 1, 0) : pick(&o, m, 0, 1);
    by = flip(&o, by, rot == 1 || rot == 2, rot >= 2);
    fp_result(&o, ir_fma(t->ir, IR_V128, o.sub, part, by, fp_in(&o, rd), 0));
    return true;
}
bool tr_FCMLA_v(struct a64 *t, u32 arr, u32 rm, u32 rot, u32 rn, u32 rd)
{
    return fcmla(t, arr, v_get(t, rm), rot, rn, rd);
}
/* The index counts complex numbers. */
bool tr_FCMLA_ve(struct a64 *t, u32 arr, u32 l, u32 m, u32 rm, u32 rot, u32 h, u32 rn, u32 rd)
{
    unsigned es = arr & 3, index = es == MO_16 ? h << 1 | l : h;
    if (es == MO_16 ? h && !(arr & 4) : l) {
        return false;
    }
    return fcmla(t, arr, v_dup_lane(t->ir, es + 1, v_get(t, m << 4 | rm), index, 128), rot, rn, rd);
}
/* n plus m turned by 90 (rot 0) or 270 degrees. */
bool tr_FCADD_v(struct a64 *t, u32 arr, u32 rm, u32 rot, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, arr & 3, arr_bits(arr), rd);
    ir_ref turned = flip(&o, pick(&o, v_get(t, rm), 1, 0), !rot, rot);
    fp_result(&o, fp_op2(&o, IR_fadd, fp_in(&o, rn), turned));
    return true;
}

/* -- FEAT_FHM ---------------------------------------------------------------------------------------------------- */

/* Halves times halves added to singles; `upper`: the upper half of the halves. */
static bool fmlal(struct a64 *t, bool sub, bool upper, u32 q, ir_ref m, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, MO_32, q ? 128 : 64, rd);
    ir_ref key = ir_const(t->ir, (q ? 4 : 2) | (u32)sub << 8 | (u32)upper << 9);
    fp_result(&o, ir_call(t->ir, H_fmlal, v_get(t, rd), v_get(t, rn), m, key));
    return true;
}
#define FMLAL(name, sub, upper) \
    bool tr_##name##_v(struct a64 *t, u32 q, u32 rm, u32 rn, u32 rd) \
    { \
        return fmlal(t, sub, upper, q, v_get(t, rm), rn, rd); \
    } \
    bool tr_##name##_ve(struct a64 *t, u32 q, u32 l, u32 m, u32 rm, u32 h, u32 rn, u32 rd) \
    { \
        u32 elem = v_elem(MO_16, l, m, rm, h); \
        return fmlal(t, sub, upper, q, v_dup_lane(t->ir, MO_16, v_get(t, elem & 31), elem >> 5, 128), rn, rd); \
    }
FMLAL(FMLAL, false, false)
FMLAL(FMLSL, true, false)
FMLAL(FMLAL2, false, true)
FMLAL(FMLSL2, true, true)

/* -- FEAT_BF16 --------------------------------------------------------------------------------------------------- */

static bool bfdot(struct a64 *t, u32 q, ir_ref m, u32 rn, u32 rd)
{
    v_put_q(t, rd, q, ir_call(t->ir, H_bfdot, v_get(t, rd), v_get(t, rn), m, 0));
    return true;
}
bool tr_BFDOT_v(struct a64 *t, u32 q, u32 rm, u32 rn, u32 rd)
{
    return bfdot(t, q, v_get(t, rm), rn, rd);
}
bool tr_BFDOT_ve(struct a64 *t, u32 q, u32 l, u32 m, u32 rm, u32 h, u32 rn, u32 rd)
{
    return bfdot(t, q, v_dup_lane(t->ir, MO_32, v_get(t, m << 4 | rm), h << 1 | l, 128), rn, rd);
}
bool tr_BFMMLA(struct a64 *t, u32 rm, u32 rn, u32 rd)
{
    v_put(t, rd, ir_call(t->ir, H_bfmmla, v_get(t, rd), v_get(t, rn), v_get(t, rm), 0));
    return true;
}

/* The even (bottom) or odd (top) bfloat16 elements as singles. */
static ir_ref bf16_lanes(struct a64 *t, u32 top, ir_ref v)
{
    ir_ref mask = ir_vdup(t->ir, MO_32, ir_const(t->ir, 0xffff0000));
    return top ? ir_v2(t->ir, IR_and, 0, v, mask, 0) : ir_v1(t->ir, IR_vshl, MO_32, v, 16);
}
static bool bfmlal(struct a64 *t, u32 top, ir_ref m, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, MO_32, 128, rd);
    ir_ref n = bf16_lanes(t, top, v_get(t, rn));
    fp_result(&o, ir_fma(t->ir, IR_V128, o.sub, n, bf16_lanes(t, top, m), v_get(t, rd), 0));
    return true;
}
bool tr_BFMLAL_v(struct a64 *t, u32 q, u32 rm, u32 rn, u32 rd)
{
    return bfmlal(t, q, v_get(t, rm), rn, rd);
}
bool tr_BFMLAL_ve(struct a64 *t, u32 q, u32 l, u32 m, u32 rm, u32 h, u32 rn, u32 rd)
{
    u32 elem = v_elem(MO_16, l, m, rm, h);
    return bfmlal(t, q, v_dup_lane(t->ir, MO_16, v_get(t, elem & 31), elem >> 5, 128), rn, rd);
}
bool tr_BFCVTN(struct a64 *t, u32 q, u32 rn, u32 rd)
{
    struct vop o = fp_vector(t, MO_32, 128, rd);
    o.hi = (u8)q;
    v_result_narrow(&o, fp_call1(&o, FP1_BFCVTN, v_get(t, rn), 0));
    return true;
}
