/* Memory by a mask: masked moves and gathers; only what is selected can fault (SDM volume 1, 14.3 and 14.8; volume 2,
 * VPMASKMOV, MASKMOVDQU, VPGATHERDD). */
#include <string.h>

#include "target/i386/vec.h"

/* -- VMASKMOV: by the signs of operand 1's elements -------------------------------------------------------------------
 */

/* PS and D, PD and Q. */
static unsigned element_size(const struct x86 *t)
{
    return t->in.opcode < 0x30 ? 2 + (t->in.opcode & 1) : 2 + t->in.w;
}
bool tr_vmaskmov_load(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref at = x86_mem(t, opd_bytes(t, 2), false), es = ir_const(t->ir, element_size(t)), v[2];
    for (unsigned h = 0; h < vec_halves(t); h++) {
        v[h] = ir_call(t->ir, H_masked_load, ir_addi(t->ir, IR_I64, at, 16 * h), vec_get(t, 1, h), es, 0);
    }
    for (unsigned h = 0; h < vec_halves(t); h++) {
        vec_put(t, 0, h, v[h]);
    }
    vec_done(t, 0);
    return true;
}

/* All that will be written is found writable before anything is. */
static void masked_store(struct x86 *t, ir_ref at, unsigned es, unsigned halves, const ir_ref *mask, const ir_ref *v)
{
    struct ir *ir = t->ir;
    for (unsigned h = 0; h < halves; h++) {
        ir_call(ir, H_masked_check, ir_addi(ir, IR_I64, at, 16 * h), mask[h], ir_const(ir, es), 0);
    }
    for (unsigned h = 0; h < halves; h++) {
        ir_call(ir, H_masked_store, ir_addi(ir, IR_I64, at, 16 * h), mask[h], v[h], ir_const(ir, es));
    }
}
bool tr_vmaskmov_store(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref mask[2], v[2];
    for (unsigned h = 0; h < vec_halves(t); h++) {
        mask[h] = vec_get(t, 1, h);
        v[h] = vec_get(t, 2, h);
    }
    masked_store(t, x86_mem(t, opd_bytes(t, 0), true), element_size(t), vec_halves(t), mask, v);
    return true;
}

/* -- MASKMOVDQU, MASKMOVQ: bytes to DS:rDI ----------------------------------------------------------------------------
 */

static ir_ref at_rdi(struct x86 *t, unsigned n)
{
    ir_ref ea = ir_get(t->ir, SLOT_RDI);
    ea = t->in.addrsize < 8 ? ir_zext(t->ir, IR_I64, ea, 8 * t->in.addrsize) : ea;
    return x86_linear(t, t->in.seg == SEG_DEFAULT ? SEG_DS : t->in.seg, ea, n, true);
}
bool tr_maskmovdqu(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref v = vec_get(t, 0, 0), mask = vec_get(t, 1, 0);
    masked_store(t, at_rdi(t, 16), 0, 1, &mask, &v);
    return true;
}
bool tr_maskmovq(struct x86 *t)
{
    if (!mmx_ok(t)) {
        return false;
    }
    ir_ref v = mmx_get_vec(t, 0), mask = mmx_get_vec(t, 1);
    masked_store(t, at_rdi(t, 8), 0, 1, &mask, &v);
    mmx_done(t);
    return true;
}

/* -- gathers: destination, mask and indices are different registers ---------------------------------------------------
 */

bool tr_vgather(struct x86 *t)
{
    const struct x86_instr *in = &t->in;
    if (!vec_ok(t) || in->reg == in->vvvv || in->reg == in->index || in->vvvv == in->index) {
        return false;
    }
    bool wide = in->opcode & 1; /* indices of 8 bytes */
    unsigned es = 2 + in->w, bytes = in->l ? 32 : 16;
    struct x86_gather_key key = {.to = in->reg,
                                 .mask = in->vvvv,
                                 .index = in->index,
                                 .scale = in->scale & 3,
                                 .wide = wide,
                                 .es = es & 3,
                                 .lanes = (bytes >> MAX(es, wide ? 3u : 2u)) & 15,
                                 .addr_bytes = in->addrsize & 15,
                                 .seg = x86_seg(t) & 7,
                                 .mode64 = t->bits == 64};
    u32 word;
    memcpy(&word, &key, sizeof(word));
    struct x86_instr whole = t->in; /* the base alone */
    t->in.index = X86_NO_REG;
    ir_ref base = x86_ea(t);
    t->in = whole;
    ir_call(t->ir, H_gather, base, ir_const(t->ir, word), 0, 0);
    return true;
}
