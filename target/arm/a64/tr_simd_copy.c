/* A64 Advanced SIMD: moving elements about (DDI 0487, C4.1 "Advanced SIMD copy", "modified immediate", "permute",
 * "extract", "table lookup"). */
#include "target/arm/a64/tr_simd.h"

/* -- copies: imm5 is index:1:zeros, as many zeros as log2 of the element's bytes --------------------------------- */

static unsigned imm5_es(u32 imm5)
{
    return ctz32(imm5);
}
static unsigned imm5_index(u32 imm5)
{
    return imm5 >> (imm5_es(imm5) + 1);
}

bool tr_DUP_elem(struct a64 *t, u32 q, u32 imm5, u32 rn, u32 rd)
{
    unsigned es = imm5_es(imm5);
    if (es == MO_64 && !q) {
        return false;
    }
    v_put(t, rd, v_dup_lane(t->ir, es, v_get(t, rn), imm5_index(imm5), q ? 128 : 64));
    return true;
}
bool tr_DUP_s(struct a64 *t, u32 imm5, u32 rn, u32 rd)
{
    unsigned es = imm5_es(imm5), bits = es_bits(es);
    v_put(t, rd, v_dup_lane(t->ir, es, v_get(t, rn), imm5_index(imm5), bits));
    return true;
}
bool tr_DUP_gen(struct a64 *t, u32 q, u32 imm5, u32 rn, u32 rd)
{
    unsigned es = imm5_es(imm5);
    if (es == MO_64 && !q) {
        return false;
    }
    v_put_q(t, rd, q, ir_vdup(t->ir, es, x_get(t, rn)));
    return true;
}
bool tr_SMOV(struct a64 *t, u32 q, u32 imm5, u32 rn, u32 rd)
{
    unsigned es = imm5_es(imm5);
    if (es == MO_32 && !q) {
        return false;
    }
    x_put(t, rd, ir_vgets(t->ir, int_type(q), es, v_get(t, rn), imm5_index(imm5)));
    return true;
}
bool tr_UMOV(struct a64 *t, u32 q, u32 imm5, u32 rn, u32 rd)
{
    unsigned es = imm5_es(imm5);
    if ((es == MO_64) != q) {
        return false;
    }
    x_put(t, rd, ir_vget(t->ir, int_type(q), es, v_get(t, rn), imm5_index(imm5)));
    return true;
}
bool tr_INS_gen(struct a64 *t, u32 imm5, u32 rn, u32 rd)
{
    v_put(t, rd, ir_vset(t->ir, imm5_es(imm5), v_get(t, rd), imm5_index(imm5), x_get(t, rn)));
    return true;
}
bool tr_INS_elem(struct a64 *t, u32 imm5, u32 imm4, u32 rn, u32 rd)
{
    unsigned es = imm5_es(imm5), to = imm5_index(imm5) << es, from = imm4 >> es << es;
    u8 pattern[16];
    for (unsigned i = 0; i < 16; i++) {
        bool in = i >= to && i < to + (1u << es);
        pattern[i] = (u8)(in ? 16 + from + i - to : i);
    }
    v_put(t, rd, ir_vshuf(t->ir, v_get(t, rd), v_get(t, rn), pattern));
    return true;
}

/* -- modified immediate ------------------------------------------------------------------------------------------ */

static u64 repeat(u64 v, unsigned bits)
{
    for (v &= MASK(bits); bits < 64; bits *= 2) {
        v |= v << bits;
    }
    return v;
}
/* VFPExpandImm: imm8 = a b cdefgh is sign a, an exponent of b's, and 6 bits below them. */
u64 fp_expand_imm(unsigned es, u32 imm8)
{
    unsigned n = es_bits(es), e = es == MO_16 ? 5 : es == MO_32 ? 8 : 11, f = n - e - 1;
    u64 exp = (u64) !(imm8 >> 6 & 1) << (e - 1) | (imm8 >> 6 & 1 ? MASK(e - 3) << 2 : 0) | (imm8 >> 4 & 3);
    return (u64)(imm8 >> 7) << (n - 1) | exp << f | (u64)(imm8 & 15) << (f - 4);
}
/* AdvSIMDExpandImm without the inversion of MVNI and BIC. */
static u64 expand_imm(u32 op, u32 cmode, u32 imm8)
{
    switch (cmode >> 1) {
    case 4:
    case 5:
        return repeat(imm8 << (cmode & 2 ? 8 : 0), 16);
    case 6:
        return repeat(cmode & 1 ? imm8 << 16 | 0xffff : imm8 << 8 | 0xff, 32);
    case 7: {
        if (cmode & 1) {
            return op ? fp_expand_imm(MO_64, imm8) : repeat(fp_expand_imm(MO_32, imm8), 32);
        }
        u64 v = 0;
        for (unsigned i = 0; i < 8; i++) {
            v |= imm8 >> i & 1 ? 0xffull << 8 * i : 0;
        }
        return op ? v : repeat(imm8, 8);
    }
    default:
        return repeat((u64)imm8 << 8 * (cmode >> 1 & 3), 32);
    }
}
static ir_ref imm_vector(struct a64 *t, u32 q, u64 v)
{
    return ir_const_v128(t->ir, v, q ? v : 0);
}

/* MOVI, MVNI and FMOV. */
bool tr_MOVI_v(struct a64 *t, u32 q, u32 op, u32 imm8, u32 cmode, u32 rd)
{
    if (op && cmode == 15 && !q) {
        return false;
    }
    u64 v = expand_imm(op, cmode, imm8);
    v_put(t, rd, imm_vector(t, q, op && cmode < 14 ? ~v : v));
    return true;
}
/* ORR and BIC. */
bool tr_ORR_vi(struct a64 *t, u32 q, u32 op, u32 imm8, u32 cmode, u32 rd)
{
    u64 v = expand_imm(op, cmode, imm8);
    ir_ref k = ir_const_v128(t->ir, v, v);
    v_put_q(t, rd, q, ir_v2(t->ir, op ? IR_andn : IR_or, 0, v_get(t, rd), k, 0));
    return true;
}
bool tr_FMOV_vh(struct a64 *t, u32 q, u32 imm8, u32 rd)
{
    v_put(t, rd, imm_vector(t, q, repeat(fp_expand_imm(MO_16, imm8), 16)));
    return true;
}

/* -- permutations ------------------------------------------------------------------------------------------------ */

/* elem(i, n): the element of Vn:Vm, n each, that goes to place i. */
static bool permute(struct a64 *t, unsigned (*elem)(unsigned i, unsigned n), unsigned part, u32 arr, u32 rm, u32 rn,
                    u32 rd)
{
    unsigned es = arr & 3, bytes = arr & 4 ? 16 : 8;
    u8 from[16];
    for (unsigned i = 0; i < 16; i++) {
        from[i] = (u8)(((elem(i >> es, bytes >> es) + part) << es) + i % (1u << es));
    }
    v_put(t, rd, v_pick(t->ir, 8 * bytes, v_get(t, rn), v_get(t, rm), from));
    return true;
}
static unsigned elem_uzp(unsigned i, unsigned n UNUSED)
{
    return 2 * i;
}
static unsigned elem_trn(unsigned i, unsigned n)
{
    return i & 1 ? n + i - 1 : i;
}
static unsigned elem_zip1(unsigned i, unsigned n)
{
    return i / 2 + (i & 1 ? n : 0);
}
static unsigned elem_zip2(unsigned i, unsigned n)
{
    return elem_zip1(i, n) + n / 2;
}
#define PERMUTE(name, elem, part) \
    bool tr_##name(struct a64 *t, u32 arr, u32 rm, u32 rn, u32 rd) \
    { \
        return permute(t, elem, part, arr, rm, rn, rd); \
    }
PERMUTE(UZP1, elem_uzp, 0)
PERMUTE(UZP2, elem_uzp, 1)
PERMUTE(TRN1, elem_trn, 0)
PERMUTE(TRN2, elem_trn, 1)
PERMUTE(ZIP1, elem_zip1, 0)
PERMUTE(ZIP2, elem_zip2, 0)

bool tr_EXT(struct a64 *t, u32 q, u32 rm, u32 imm4, u32 rn, u32 rd)
{
    unsigned bytes = q ? 16 : 8;
    if (imm4 >= bytes) {
        return false;
    }
    u8 from[16];
    for (unsigned i = 0; i < 16; i++) {
        from[i] = (u8)(i + imm4);
    }
    v_put(t, rd, v_pick(t->ir, 8 * bytes, v_get(t, rn), v_get(t, rm), from));
    return true;
}

/* Bytes of the registers rn.. by index, zeros for indices past them: the index counts down from table to table. */
static ir_ref table(struct a64 *t, u32 len, u32 rn, ir_ref index)
{
    struct ir *ir = t->ir;
    ir_ref r = 0, sixteen = ir_vdup(ir, MO_8, ir_const(ir, 16));
    for (unsigned i = 0; i <= len; i++) {
        ir_ref part = ir_v2(ir, IR_vtbl, 0, v_get(t, (rn + i) & 31), index, 0);
        r = i ? ir_v2(ir, IR_or, 0, r, part, 0) : part;
        index = i < len ? ir_v2(ir, IR_sub, MO_8, index, sixteen, 0) : index;
    }
    return r;
}
bool tr_TBL(struct a64 *t, u32 q, u32 rm, u32 len, u32 rn, u32 rd)
{
    v_put_q(t, rd, q, table(t, len, rn, v_get(t, rm)));
    return true;
}
bool tr_TBX(struct a64 *t, u32 q, u32 rm, u32 len, u32 rn, u32 rd)
{
    struct ir *ir = t->ir;
    ir_ref index = v_get(t, rm), size = ir_vdup(ir, MO_8, ir_const(ir, 16 * (len + 1)));
    ir_ref in = ir_v2(ir, IR_vcmp, MO_8, size, index, CC_UGT);
    v_put_q(t, rd, q, ir_vbsl(ir, in, table(t, len, rn, index), v_get(t, rd)));
    return true;
}
