/* Single elements in and out, masks of signs, tests, broadcasts (SDM volume 1, 10.4.1, 11.4.1, 12.8 and 14.6). */
#include "target/i386/vec.h"

/* -- in ---------------------------------------------------------------------------------------------------------------
 */

/* Operand 2, an integer, into element `lane` of operand 1. */
static bool insert(struct x86 *t, unsigned es, unsigned lane)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref x = opd_get(t, 2);
    vec_put(t, 0, 0, ir_vset(t->ir, es, vec_get(t, 1, 0), lane, x));
    vec_done(t, 0);
    return true;
}
static unsigned imm_lane(const struct x86 *t, unsigned es)
{
    return (unsigned)t->in.imm & ((16u >> es) - 1);
}
bool tr_pinsrb(struct x86 *t)
{
    return insert(t, 0, imm_lane(t, 0));
}
bool tr_pinsrw(struct x86 *t)
{
    if (!row_is_mmx(t)) {
        return insert(t, 1, imm_lane(t, 1));
    }
    if (!mmx_ok(t)) {
        return false;
    }
    ir_ref x = opd_get(t, 1);
    mmx_put(t, 0, ir_deposit(t->ir, IR_I64, mmx_get(t, 0), x, ((unsigned)t->in.imm & 3) * 16, 16));
    return true;
}
bool tr_pinsr(struct x86 *t) /* PINSRD, PINSRQ */
{
    unsigned es = opd_bytes(t, 2) == 8 ? 3 : 2;
    return insert(t, es, imm_lane(t, es));
}

/* A float of operand 2, or memory, into operand 1; elements whose bit is set become 0. */
bool tr_insertps(struct x86 *t)
{
    unsigned imm = (unsigned)t->in.imm & 0xff, from = vec_reg(t, 2) < 0 ? 0 : imm >> 6, to = imm >> 4 & 3;
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref b = vec_get(t, 2, 0), a = vec_get(t, 1, 0);
    u8 p[16];
    for (unsigned i = 0; i < 16; i++) {
        unsigned e = i / 4;
        p[i] = (u8)(imm >> e & 1 ? 0x80 : e == to ? 16 + 4 * from + i % 4 : i);
    }
    vec_put(t, 0, 0, ir_vshuf(t->ir, a, b, p));
    vec_done(t, 0);
    return true;
}

/* -- out --------------------------------------------------------------------------------------------------------------
 */

/* To a general register, whole, or to memory of the element's size. */
static bool extract(struct x86 *t, unsigned es)
{
    if (!vec_ok(t)) {
        return false;
    }
    opd_put(t, 0, ir_vget(t->ir, es == 3 ? IR_I64 : IR_I32, es, vec_get(t, 1, 0), imm_lane(t, es)));
    return true;
}
bool tr_pextrb(struct x86 *t)
{
    return extract(t, 0);
}
bool tr_pextrw_store(struct x86 *t)
{
    return extract(t, 1);
}
bool tr_pextrw(struct x86 *t)
{
    if (x86_opds[opd(t, 1)].place != PL_N) {
        return extract(t, 1);
    }
    if (!mmx_ok(t)) {
        return false;
    }
    opd_put(t, 0, ir_extract(t->ir, IR_I64, mmx_get(t, 1), ((unsigned)t->in.imm & 3) * 16, 16));
    mmx_done(t);
    return true;
}
bool tr_pextr(struct x86 *t) /* PEXTRD, PEXTRQ */
{
    return extract(t, opd_bytes(t, 0) == 8 ? 3 : 2);
}
bool tr_extractps(struct x86 *t)
{
    return extract(t, 2);
}

/* -- masks ------------------------------------------------------------------------------------------------------------
 */

static ir_ref mask(struct x86 *t, unsigned es)
{
    ir_ref m = ir_vmask(t->ir, es, vec_get(t, 1, 0));
    if (vec_halves(t) == 2) {
        ir_ref high = ir_vmask(t->ir, es, vec_get(t, 1, 1));
        m = ir_or(t->ir, IR_I32, m, ir_shli(t->ir, IR_I32, high, 16u >> es));
    }
    return m;
}
bool tr_movmskp(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    opd_put(t, 0, mask(t, t->in.pp == PP_66 ? 3 : 2));
    return true;
}
bool tr_pmovmskb(struct x86 *t)
{
    if (x86_opds[opd(t, 1)].place != PL_N) {
        if (!vec_ok(t)) {
            return false;
        }
        opd_put(t, 0, mask(t, 0));
        return true;
    }
    if (!mmx_ok(t)) {
        return false;
    }
    opd_put(t, 0, ir_vmask(t->ir, 0, mmx_get_vec(t, 1)));
    mmx_done(t);
    return true;
}

/* -- tests ------------------------------------------------------------------------------------------------------------
 */

/* ZF: no bit of `keep` is set in a & b, CF: in ~a & b; the others are 0. */
static bool test(struct x86 *t, ir_ref keep)
{
    if (!vec_ok(t)) {
        return false;
    }
    struct ir *ir = t->ir;
    ir_ref both = 0, only = 0;
    for (unsigned h = 0; h < vec_halves(t); h++) {
        ir_ref b = vec_get(t, 1, h), a = vec_get(t, 0, h);
        ir_ref x = ir_v2(ir, IR_and, 0, a, b, 0), y = ir_v2(ir, IR_andn, 0, b, a, 0);
        both = h ? ir_v2(ir, IR_or, 0, both, x, 0) : x;
        only = h ? ir_v2(ir, IR_or, 0, only, y, 0) : y;
    }
    ir_ref zf = ir_fl_logic(ir, IR_I32, ir_vtst(ir, both, keep ? keep : both), 0);
    ir_ref cf = ir_fl_sub(ir, IR_I32, ir_vtst(ir, only, keep ? keep : only), ir_const(ir, 1), 0);
    ir_ref none = ir_fl_pack(ir, ir_const(ir, 0));
    ir_put(ir, SLOT_FLAGS, ir_fl_mix(ir, FL_Z, zf, ir_fl_mix(ir, FL_C, cf, none)));
    return true;
}
bool tr_ptest(struct x86 *t)
{
    return test(t, 0);
}
bool tr_vtestp(struct x86 *t) /* VTESTPS, VTESTPD: the signs alone */
{
    u64 sign = t->in.opcode & 1 ? 1ull << 63 : 1ull << 63 | 1ull << 31;
    return test(t, ir_const_v128(t->ir, sign, sign));
}

/* -- the same everywhere ----------------------------------------------------------------------------------------------
 */

static unsigned broadcast_size(const struct x86 *t)
{
    switch (t->in.opcode) {
    case 0x78:
        return 0;
    case 0x79:
        return 1;
    case 0x18:
    case 0x58:
        return 2;
    default: /* 19 59 */
        return 3;
    }
}
bool tr_vbroadcast(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    unsigned es = broadcast_size(t);
    u8 p[16];
    for (unsigned i = 0; i < 16; i++) {
        p[i] = (u8)(i & ((1u << es) - 1));
    }
    ir_ref v = vec_get(t, 1, 0);
    v = ir_vshuf(t->ir, v, v, p);
    for (unsigned h = 0; h < vec_halves(t); h++) {
        vec_put(t, 0, h, v);
    }
    vec_done(t, 0);
    return true;
}
bool tr_vbroadcast128(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref v = vec_get(t, 1, 0);
    vec_put(t, 0, 0, v);
    vec_put(t, 0, 1, v);
    return true;
}
