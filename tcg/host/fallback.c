/* What no instruction does exactly is done by C: the interpreter's functions, on operands in rt.vtmp. */
#include "tcg/host/gen_priv.h"

#include "tcg/eval.h"
#include "tcg/interp/float.h"

void host_fallback(struct rt *rt, struct fp_env *env, u64 key)
{
    union v128 *v = rt->vtmp;
    unsigned op = (u8)key;
    if (op == IR_crc32) {
        v[3].d[0] = eval_crc32((u8)(key >> 16), (u32)(key >> 32), (u32)v[0].d[0], v[1].d[0]);
    } else if (op == IR_vmask) {
        v[3].d[0] = eval_vmask((u8)(key >> 16), &v[0]);
    } else if (op == IR_vtst) {
        v[3].d[0] = eval_vtst(&v[0], &v[1]);
    } else if (op >= IR_vzero_ext && op <= IR_vclmul) {
        struct ir_op o = {.op = (u8)op, .type = (u8)(key >> 8), .sub = (u8)(key >> 16), .imm = (u32)(key >> 32)};
        eval_vec(&o, &v[3], &v[0], &v[1], &v[2]);
    } else {
        float_exact(key, env, &v[3], &v[0], &v[1], &v[2]);
    }
}

/* Operand k: scalars with zeros above. Only scratch registers change. */
static void fallback_arg(struct gen *g, unsigned k, ir_ref r, unsigned type)
{
    const struct host_arch *a = g->arch;
    bool known = ir_is_const(r);
    unsigned reg = known ? NOREG : g->vals[r].reg;
    if (type == IR_V128) {
        if (reg == NOREG) {
            ra_load(g, a->vtmp, r, IR_V128);
            reg = a->vtmp;
        }
        a->store(g->c, IR_V128, RT_OFF_AT(vtmp, k), reg);
        return;
    }
    if (reg == NOREG) {
        bool vec = !known && type_is_vec(g->vals[r].type);
        if (known || !vec) {
            ra_load(g, a->tmp, r, type == IR_F64 ? IR_I64 : type_is_vec(type) ? IR_I32 : type);
        } else {
            a->load(g->c, type == IR_F64 ? IR_I64 : IR_I32, a->tmp, loc_off(g, g->vals[r].mem));
        }
        reg = a->tmp;
    } else if (reg >= VREG) {
        a->to_int(g->c, type == IR_F64, a->tmp, reg);
        reg = a->tmp;
    }
    if (type == IR_F16 || type == IR_I32) {
        a->zext(g->c, type == IR_F16 ? 16 : 32, a->tmp, reg);
        reg = a->tmp;
    }
    a->store(g->c, IR_I64, RT_OFF_AT(vtmp, k), reg);
}

/* The type of operand k. */
static unsigned operand_type(const struct xop *x, unsigned k)
{
    switch (x->op) {
    case IR_fcvt:
    case IR_f2i:
    case IR_i2f:
    case IR_fl_fcmp:
        return (u8)x->imm;
    case IR_crc32:
        return k ? IR_I64 : IR_I32;
    case IR_vmask:
    case IR_vtst:
        return IR_V128;
    default:
        return x->type;
    }
}

void fallback_args(struct gen *g, const struct xop *x)
{
    const ir_ref arg[3] = {x->a, x->b, x->c};
    for (unsigned k = 0; k < x->nargs; k++) {
        fallback_arg(g, k, arg[k], operand_type(x, k));
    }
}

void fallback_call(struct gen *g, const struct xop *op)
{
    g->arch->mov_imm(g->c, g->arch->key, FLOAT_KEY(op));
    jump_abs(g, g->arch->jump_call(g->c), g->cfg->thunks->slow[TH_FALLBACK]);
}

void fallback_result(struct gen *g, unsigned rd, unsigned type)
{
    unsigned t = type_is_vec(type) && type != IR_V128 ? IR_F64 : type == IR_FLAGS ? IR_I32 : type;
    g->arch->load(g->c, t, rd, RT_OFF_AT(vtmp, 3));
}

/* An op without a fast form. */
void emit_fallback(struct gen *g, struct xop *x)
{
    fallback_args(g, x);
    unsigned rd = ra_pick(g, (ir_ref)g->i, ra_dying(g, x->a));
    fallback_call(g, x);
    fallback_result(g, rd, ir_result(&(struct ir_op){.op = x->op, .type = x->type}));
    ra_bind(g, (ir_ref)g->i, rd);
}
