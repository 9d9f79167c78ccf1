/* Moves of vectors and their parts (SDM volume 1, 10.4.1, 11.4.1, 11.4.2, 12.3 and 9.4.1). */
#include "target/i386/vec.h"

/* -- whole vectors ----------------------------------------------------------------------------------------------------
 */

static bool move(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref v[2];
    unsigned halves = vec_halves(t);
    for (unsigned h = 0; h < halves; h++) {
        v[h] = vec_get(t, 1, h);
    }
    for (unsigned h = 0; h < halves; h++) {
        vec_put(t, 0, h, v[h]);
    }
    vec_done(t, 0);
    return true;
}
/* MOVAPS, MOVDQA, MOVNTPS...: what they are told of caches means nothing here. */
bool tr_mova(struct x86 *t)
{
    return move(t);
}
bool tr_movu(struct x86 *t)
{
    return move(t);
}

/* -- one element ------------------------------------------------------------------------------------------------------
 */

/* An F32 or F64 by the size of operand i. */
static enum ir_type element_type(const struct x86 *t, unsigned i)
{
    return opd_bytes(t, i) == 8 ? IR_F64 : IR_F32;
}
static void store_scalar(struct x86 *t, ir_ref v, enum ir_type type)
{
    unsigned n = type == IR_F64 ? 8 : 4;
    ir_st(t->ir, x86_mem(t, n, true), 0, v, type, x86_mo(t, n));
}

/* MOVSS, MOVSD from memory: zeros above. */
bool tr_movs_load(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    vec_put(t, 0, 0, vec_get(t, 1, 0));
    vec_done(t, 0);
    return true;
}
/* To memory; MOVNTSS and MOVNTSD too. */
bool tr_movs_store(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    enum ir_type type = element_type(t, 0);
    store_scalar(t, vec_get_scalar(t, 1, type), type);
    return true;
}
/* Between registers: the second source's element in the first source. */
bool tr_movs_reg(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    u8 p[16];
    for (unsigned i = 0; i < 16; i++) {
        p[i] = (u8)(i < (t->in.pp == PP_F2 ? 8 : 4) ? 16 + i : i);
    }
    vec_put(t, 0, 0, ir_vshuf(t->ir, vec_get(t, 1, 0), vec_get(t, 2, 0), p));
    vec_done(t, 0);
    return true;
}

/* Zeros above the lower half. */
static ir_ref low_half(struct x86 *t, ir_ref v)
{
    return ir_vshuf(t->ir, v, v, (const u8[16]){0, 1, 2, 3, 4, 5, 6, 7, 128, 128, 128, 128, 128, 128, 128, 128});
}
/* MOVQ xmm, xmm/m64. */
bool tr_movq_load(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref v = vec_get(t, 1, 0);
    vec_put(t, 0, 0, vec_reg(t, 1) < 0 ? v : low_half(t, v));
    vec_done(t, 0);
    return true;
}
bool tr_movq_store(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    if (vec_reg(t, 0) < 0) {
        store_scalar(t, vec_get_scalar(t, 1, IR_F64), IR_F64);
        return true;
    }
    xmm_put(t, t->in.rm, 0, low_half(t, vec_get(t, 1, 0)));
    if (t->in.vex) {
        xmm_put(t, t->in.rm, 1, vec_zero(t));
    }
    return true;
}

/* -- halves of the XMM register ---------------------------------------------------------------------------------------
 */

static bool half_load(struct x86 *t, unsigned lane)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref x = vec_get_scalar(t, 2, IR_F64);
    vec_put(t, 0, 0, ir_vset(t->ir, 3, vec_get(t, 1, 0), lane, x));
    vec_done(t, 0);
    return true;
}
static bool half_store(struct x86 *t, unsigned lane)
{
    if (!vec_ok(t)) {
        return false;
    }
    store_scalar(t, ir_vget(t->ir, IR_F64, 3, vec_get(t, 1, 0), lane), IR_F64);
    return true;
}
bool tr_movlp_load(struct x86 *t)
{
    return half_load(t, 0);
}
bool tr_movhp_load(struct x86 *t)
{
    return half_load(t, 1);
}
bool tr_movlp_store(struct x86 *t)
{
    return half_store(t, 0);
}
bool tr_movhp_store(struct x86 *t)
{
    return half_store(t, 1);
}

/* Operands 1 and 2, of registers, by a pattern of bytes of both. */
static bool pick(struct x86 *t, const u8 pattern[16])
{
    if (!vec_ok(t)) {
        return false;
    }
    vec_put(t, 0, 0, ir_vshuf(t->ir, vec_get(t, 1, 0), vec_get(t, 2, 0), pattern));
    vec_done(t, 0);
    return true;
}
bool tr_movhlps(struct x86 *t)
{
    return pick(t, (const u8[16]){24, 25, 26, 27, 28, 29, 30, 31, 8, 9, 10, 11, 12, 13, 14, 15});
}
bool tr_movlhps(struct x86 *t)
{
    return pick(t, (const u8[16]){0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23});
}

/* -- doubled elements -------------------------------------------------------------------------------------------------
 */

static bool repeat(struct x86 *t, const u8 pattern[16])
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref v[2];
    for (unsigned h = 0; h < vec_halves(t); h++) {
        v[h] = vec_get(t, 1, h);
    }
    for (unsigned h = 0; h < vec_halves(t); h++) {
        vec_put(t, 0, h, ir_vshuf(t->ir, v[h], v[h], pattern));
    }
    vec_done(t, 0);
    return true;
}
bool tr_movsldup(struct x86 *t)
{
    return repeat(t, (const u8[16]){0, 1, 2, 3, 0, 1, 2, 3, 8, 9, 10, 11, 8, 9, 10, 11});
}
bool tr_movshdup(struct x86 *t)
{
    return repeat(t, (const u8[16]){4, 5, 6, 7, 4, 5, 6, 7, 12, 13, 14, 15, 12, 13, 14, 15});
}
bool tr_movddup(struct x86 *t)
{
    return repeat(t, (const u8[16]){0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7});
}

/* -- general registers ------------------------------------------------------------------------------------------------
 */

bool tr_mov_to_xmm(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref x = opd_get(t, 1);
    vec_put(t, 0, 0, ir_vzero_ext(t->ir, int_type(opd_bytes(t, 1)), x));
    vec_done(t, 0);
    return true;
}
bool tr_mov_from_xmm(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    enum ir_type type = int_type(opd_bytes(t, 0));
    opd_put(t, 0, vec_get_scalar(t, 1, type));
    return true;
}

/* -- MMX
 * --------------------------------------------------------------------------------------------------------------- */

bool tr_movq_mm(struct x86 *t)
{
    if (!mmx_ok(t)) {
        return false;
    }
    mmx_put(t, 0, mmx_get(t, 1));
    return true;
}
bool tr_movntq(struct x86 *t)
{
    return tr_movq_mm(t);
}
bool tr_mov_to_mm(struct x86 *t)
{
    if (!mmx_ok(t)) {
        return false;
    }
    ir_ref x = opd_get(t, 1);
    mmx_put(t, 0, opd_bytes(t, 1) == 8 ? x : ir_zext(t->ir, IR_I64, x, 32));
    return true;
}
bool tr_mov_from_mm(struct x86 *t)
{
    if (!mmx_ok(t)) {
        return false;
    }
    opd_put(t, 0, mmx_get(t, 1));
    mmx_done(t);
    return true;
}
bool tr_movq2dq(struct x86 *t)
{
    if (!vec_ok(t) || !mmx_ok(t)) {
        return false;
    }
    vec_put(t, 0, 0, ir_vzero_ext(t->ir, IR_I64, mmx_get(t, 1)));
    mmx_done(t);
    return true;
}
bool tr_movdq2q(struct x86 *t)
{
    if (!vec_ok(t) || !mmx_ok(t)) {
        return false;
    }
    mmx_put(t, 0, vec_get_scalar(t, 1, IR_I64));
    return true;
}
bool tr_emms(struct x86 *t)
{
    if (!mmx_ok(t)) {
        return false;
    }
    mmx_done(t);
    ir_put(t->ir, SLOT_FTW, ir_const(t->ir, 0xff));
    return true;
}
bool tr_femms(struct x86 *t)
{
    return tr_emms(t);
}
/* VZEROUPPER, VZEROALL. */
bool tr_vzero(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    for (unsigned r = 0; r < (t->bits == 64 ? 16 : 8); r++) {
        xmm_put(t, r, 1, vec_zero(t));
        if (t->in.l) {
            xmm_put(t, r, 0, vec_zero(t));
        }
    }
    return true;
}
