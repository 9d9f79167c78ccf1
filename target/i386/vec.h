/* What the translators of vector and MMX instructions share: operands of SSE, AVX and MMX. */
#ifndef MOSS_TARGET_I386_VEC_H
#define MOSS_TARGET_I386_VEC_H

#include "target/i386/x86.h"

/* -- vector registers: half 0 the XMM register, half 1 what a YMM register has above it -------------------------------
 */

static inline ir_ref xmm_get(struct x86 *t, unsigned r, unsigned half)
{
    return ir_get(t->ir, (half ? SLOT_YMMH0 : SLOT_XMM0) + r);
}
static inline void xmm_put(struct x86 *t, unsigned r, unsigned half, ir_ref v)
{
    ir_put(t->ir, (half ? SLOT_YMMH0 : SLOT_XMM0) + r, v);
}
static inline ir_ref vec_zero(struct x86 *t)
{
    return ir_const_v128(t->ir, 0, 0);
}

/* Starts every tr_ function of a row with vector operands: false: undefined here. May raise #NM, and then nothing that
 * is appended counts. */
bool vec_ok(struct x86 *t);
/* How many halves the instruction works on: 2 of VEX.256, which a scalar never is. */
unsigned vec_halves(const struct x86 *t);

/* -- operands 0..3 of the instruction
 * ---------------------------------------------------------------------------------- */

/* The vector register, or -1: memory. */
int vec_reg(const struct x86 *t, unsigned opd);
/* Of memory: what the operand has in this half, zeros above it. */
ir_ref vec_get(struct x86 *t, unsigned opd, unsigned half);
/* F32 F64 I32 I64: lane 0, or memory of that size. */
ir_ref vec_get_scalar(struct x86 *t, unsigned opd, enum ir_type type);
/* A memory operand of 32 bytes is stored with its half 1, which must come last. */
void vec_put(struct x86 *t, unsigned opd, unsigned half, ir_ref v);
/* Clears what lies above the result of a VEX form. */
void vec_done(struct x86 *t, unsigned opd);

/* -- rows that work half by half --------------------------------------------------------------------------------------
 */

/* log2 of the bytes of the row's elements, by the last letter of its name. */
unsigned row_es(const struct x86 *t);
/* Half h of the result. The MMX form of a row is its lower half. */
typedef ir_ref vec_fn1(struct x86 *t, unsigned h, ir_ref a);
typedef ir_ref vec_fn2(struct x86 *t, unsigned h, ir_ref a, ir_ref b);
bool vec_map1(struct x86 *t, vec_fn1 *f); /* operand 0 = f(1) */
bool vec_map2(struct x86 *t, vec_fn2 *f); /* operand 0 = f(1, 2); of MMX f(0, 1) */
#define VEC1(name, ...) \
    static ir_ref do_##name(struct x86 *t UNUSED, unsigned h UNUSED, ir_ref a) \
    { \
        __VA_ARGS__ \
    } \
    bool tr_##name(struct x86 *t) \
    { \
        return vec_map1(t, do_##name); \
    }
#define VEC2(name, ...) \
    static ir_ref do_##name(struct x86 *t UNUSED, unsigned h UNUSED, ir_ref a, ir_ref b) \
    { \
        __VA_ARGS__ \
    } \
    bool tr_##name(struct x86 *t) \
    { \
        return vec_map2(t, do_##name); \
    }

/* -- MMX: register n is the significand of the x87's physical register n
 * ----------------------------------------------- */

static inline bool row_is_mmx(const struct x86 *t) /* of rows that serve both: the MMX form */
{
    return x86_opds[opd(t, 0)].place == PL_P || x86_opds[opd(t, 0)].place == PL_N || x86_opds[opd(t, 1)].place == PL_N;
}
/* As vec_ok; #MF when an x87 exception waits. */
bool mmx_ok(struct x86 *t);
ir_ref mmx_get(struct x86 *t, unsigned opd); /* I64; memory has the operand's size, zeros above */
ir_ref mmx_get_vec(struct x86 *t, unsigned opd);
/* Registers: with mmx_done. */
void mmx_put(struct x86 *t, unsigned opd, ir_ref v);
/* Behind the last access: any MMX instruction leaves the x87's top at 0 and no register empty. */
void mmx_done(struct x86 *t);

#endif
