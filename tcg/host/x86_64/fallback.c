/* What no instruction does exactly is done by C: the interpreter's functions, on operands in rt.vtmp. */
#include "tcg/host/x86_64/x_priv.h"

#include "tcg/eval.h"
#include "tcg/interp/float.h"

void x_fallback(struct rt *rt, struct fp_env *env, u64 key)
{
    union v128 *v = rt->vtmp;
    unsigned op = (u8)key;
    if (op >= IR_vzero_ext && op <= IR_vclmul) {
        struct ir_op o = {.op = (u8)op, .type = (u8)(key >> 8), .sub = (u8)(key >> 16), .imm = (u32)(key >> 32)};
        eval_vec(&o, &v[3], &v[0], &v[1], &v[2]);
    } else {
        float_exact(key, env, &v[3], &v[0], &v[1], &v[2]);
    }
}

/* Operand k: scalars with zeros above. Only scratch registers change. */
void fallback_arg(struct gen *g, unsigned k, ir_ref r, unsigned type)
{
    struct mem m = RT_AT(vtmp, k);
    bool known = ir_is_const(r);
    unsigned reg = known ? NOREG : g->vals[r].reg;
    if (type == IR_V128) {
        if (reg == NOREG) {
            ra_load(g, XMM0, r, IR_V128);
            reg = XMM0;
        }
        v_rrm(g->c, X_MOVUPS_MR, reg, 0, m);
        return;
    }
    if (reg == NOREG) {
        bool vec = !known && type_is_vec(g->vals[r].type);
        if (known || !vec) {
            ra_load(g, RAX, r, type == IR_F64 ? IR_I64 : type);
        } else {
            x_load(g->c, type == IR_F64, RAX, loc_mem(g, g->vals[r].mem));
        }
        reg = RAX;
    } else if (reg >= XMM0) {
        v_rrr(g->c, X_MOVD_RX | (type == IR_F64 ? OPW : 0), reg, 0, RAX);
        reg = RAX;
    }
    if (type == IR_F16) {
        x_rr(g->c, X_MOVZX16, false, RAX, reg);
        reg = RAX;
    } else if (type == IR_I32) {
        x_mov(g->c, false, RAX, reg);
        reg = RAX;
    }
    x_store(g->c, true, m, reg);
}

void fallback_call(struct gen *g, const struct xop *op)
{
    x_mov_i(g->c, RCX, FLOAT_KEY(op));
    jump_abs(g, x_call(g->c), g->cfg->thunks->slow[TH_FALLBACK]);
}

void fallback_result(struct gen *g, unsigned rd, unsigned type)
{
    struct mem m = RT_AT(vtmp, 3);
    if (type == IR_V128) {
        v_rrm(g->c, X_MOVUPS, rd, 0, m);
    } else if (type_is_vec(type)) {
        v_rrm(g->c, X_MOVSD, rd, 0, m);
    } else {
        x_load(g->c, type == IR_I64, rd, m);
    }
}

/* The type of operand k. */
static unsigned operand_type(const struct xop *x)
{
    switch (x->op) {
    case IR_fcvt:
    case IR_f2i:
    case IR_i2f:
    case IR_fl_fcmp:
        return (u8)x->imm;
    default:
        return x->type;
    }
}

/* An op without a fast form. */
void emit_fallback(struct gen *g, struct xop *x)
{
    const ir_ref arg[3] = {x->a, x->b, x->c};
    for (unsigned k = 0; k < x->nargs; k++) {
        fallback_arg(g, k, arg[k], operand_type(x));
    }
    unsigned rd = ra_pick(g, (ir_ref)g->i, ra_dying(g, x->a));
    fallback_call(g, x);
    fallback_result(g, rd, ir_result(&(struct ir_op){.op = x->op, .type = x->type}));
    ra_bind(g, (ir_ref)g->i, rd);
}
