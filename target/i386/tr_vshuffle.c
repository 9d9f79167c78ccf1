/* Elements put elsewhere by a pattern that the instruction has: unpacking, shuffles, blends, alignment, widening (SDM
 * volume 1, 9.4.3, 10.4.4, 11.4.1, 12.6.6 and 12.8). */
#include "target/i386/vec.h"

/* Byte i of element e, of 1 << es bytes. */
static void take(u8 p[16], unsigned i, unsigned es, unsigned e)
{
    for (unsigned k = 0; k < 1u << es; k++) {
        p[(i << es) + k] = (u8)((e << es) + k);
    }
}

/* -- unpacking --------------------------------------------------------------------------------------------------------
 */

static ir_ref unpack(struct x86 *t, unsigned es, bool high, ir_ref a, ir_ref b)
{
    unsigned first = !high ? 0 : row_is_mmx(t) ? 4u >> es : 8u >> es, n = 16u >> es;
    u8 p[16];
    for (unsigned i = 0; i < n; i++) {
        unsigned e = (first + i / 2) & (n - 1);
        take(p, i, es, i & 1 ? n + e : e);
    }
    return ir_vshuf(t->ir, a, b, p);
}
/* 60 61 62 6C, and 68 69 6A 6D. */
static unsigned unpack_size(const struct x86 *t)
{
    return t->in.opcode >= 0x6c ? 3 : t->in.opcode & 3;
}
VEC2(punpckl, return unpack(t, unpack_size(t), false, a, b);)
VEC2(punpckh, return unpack(t, unpack_size(t), true, a, b);)
VEC2(unpcklp, return unpack(t, t->in.pp == PP_66 ? 3 : 2, false, a, b);)
VEC2(unpckhp, return unpack(t, t->in.pp == PP_66 ? 3 : 2, true, a, b);)

/* -- by two bits an element -------------------------------------------------------------------------------------------
 */

static unsigned two_bits(const struct x86 *t, unsigned i)
{
    return (unsigned)(t->in.imm >> (2 * i) & 3);
}
VEC1(pshufd, {
    u8 p[16];
    for (unsigned i = 0; i < 4; i++) {
        take(p, i, 2, two_bits(t, i));
    }
    return ir_vshuf(t->ir, a, a, p);
})
/* The four words from `first` on. */
static ir_ref shuffle_words(struct x86 *t, ir_ref a, unsigned first)
{
    u8 p[16];
    for (unsigned i = 0; i < 8; i++) {
        take(p, i, 1, i - first < 4 ? first + two_bits(t, i - first) : i);
    }
    return ir_vshuf(t->ir, a, a, p);
}
VEC1(pshuflw, return shuffle_words(t, a, 0);)
VEC1(pshufhw, return shuffle_words(t, a, 4);)
VEC1(pshufw, return shuffle_words(t, a, 0);)
VEC1(vpermilps_imm, return do_pshufd(t, h, a);)
VEC1(vpermilpd_imm, {
    u8 p[16];
    for (unsigned i = 0; i < 2; i++) {
        take(p, i, 3, t->in.imm >> (2 * h + i) & 1);
    }
    return ir_vshuf(t->ir, a, a, p);
})
VEC2(shufps, {
    u8 p[16];
    for (unsigned i = 0; i < 4; i++) {
        take(p, i, 2, two_bits(t, i) + (i < 2 ? 0 : 4));
    }
    return ir_vshuf(t->ir, a, b, p);
})
VEC2(shufpd, {
    u8 p[16];
    for (unsigned i = 0; i < 2; i++) {
        take(p, i, 3, (t->in.imm >> (2 * h + i) & 1) + 2 * i);
    }
    return ir_vshuf(t->ir, a, b, p);
})

/* -- blends -----------------------------------------------------------------------------------------------------------
 */

/* A bit of the immediate for each element, from `first` on. */
static ir_ref blend(struct x86 *t, unsigned es, unsigned first, ir_ref a, ir_ref b)
{
    u8 p[16];
    unsigned n = 16u >> es;
    for (unsigned i = 0; i < n; i++) {
        take(p, i, es, i + (t->in.imm >> (first + i) & 1 ? n : 0));
    }
    return ir_vshuf(t->ir, a, b, p);
}
VEC2(pblendw, return blend(t, 1, 0, a, b);)
VEC2(blendps, return blend(t, 2, 4 * h, a, b);)
VEC2(vpblendd, return blend(t, 2, 4 * h, a, b);)
VEC2(blendpd, return blend(t, 3, 2 * h, a, b);)

/* By the signs of a register's elements: XMM0, or the fourth operand. */
static unsigned blend_size(const struct x86 *t)
{
    return t->in.opcode == 0x14 || t->in.opcode == 0x4a ? 2 : t->in.opcode == 0x15 || t->in.opcode == 0x4b ? 3 : 0;
}
bool tr_blendv_x0(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref b = vec_get(t, 1, 0);
    vec_put(t, 0, 0, ir_vblend(t->ir, blend_size(t), xmm_get(t, 0, 0), b, vec_get(t, 0, 0)));
    return true;
}
VEC2(vblendv, return ir_vblend(t->ir, blend_size(t), vec_get(t, 3, h), b, a);)

/* -- bytes ------------------------------------------------------------------------------------------------------------
 */

/* MMX: eight bytes, indices mod 8. */
VEC2(pshufb, {
    if (row_is_mmx(t)) {
        b = ir_v2(t->ir, IR_and, 0, b, ir_const_v128(t->ir, 0x8787878787878787, ~0ull), 0);
    }
    return ir_v2(t->ir, IR_vtblm, 0, a, b, 0);
})
/* From byte n of b and, above it, a. */
VEC2(palignr, {
    unsigned n = (unsigned)t->in.imm & 0xff, size = row_is_mmx(t) ? 8 : 16;
    u8 p[16];
    for (unsigned i = 0; i < 16; i++) {
        unsigned at = i + n;
        p[i] = (u8)(at < size ? at + 16 : at < 2 * size ? at - size : 0x80);
    }
    return ir_vshuf(t->ir, a, b, p);
})

/* -- widening ---------------------------------------------------------------------------------------------------------
 */

/* PMOVSX, PMOVZX: opcodes 20.. and 30.. go through BW BD BQ WD WQ DQ. */
static bool widen(struct x86 *t, bool sign)
{
    static const u8 from[6] = {0, 0, 0, 1, 1, 2}, to[6] = {1, 2, 3, 2, 3, 3};
    if (!vec_ok(t)) {
        return false;
    }
    unsigned k = t->in.opcode & 15, es = from[k];
    ir_ref v = vec_get(t, 1, 0);
    for (unsigned h = 0; h < vec_halves(t); h++) {
        unsigned first = h * (16u >> to[k]);
        u8 p[16];
        for (unsigned i = 0; i < 16; i++) {
            unsigned e = first + (i >> to[k]), in = i & ((1u << to[k]) - 1);
            bool moved = !sign && in >= 1u << es;
            p[i] = sign ? (u8)((first << es) + i < 16 ? (first << es) + i : 0x80) : (u8)(moved ? 0x80 : (e << es) + in);
        }
        ir_ref r = sign && h == 0 ? v : ir_vshuf(t->ir, v, v, p);
        for (unsigned s = es; sign && s < to[k]; s++) {
            r = ir_v1(t->ir, IR_vxtl, s, r, 2);
        }
        vec_put(t, 0, h, r);
    }
    vec_done(t, 0);
    return true;
}
bool tr_pmovsx(struct x86 *t)
{
    return widen(t, true);
}
bool tr_pmovzx(struct x86 *t)
{
    return widen(t, false);
}
