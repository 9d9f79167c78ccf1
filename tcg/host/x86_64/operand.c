/* Operands as instructions take them: a register, an immediate, memory or one of the shared constants. */
#include "tcg/host/x86_64/x_priv.h"

struct mem loc_mem(const struct gen *g, unsigned loc)
{
    return MEM(RBP, loc_off(g, loc) - RT_BIAS);
}

struct opnd ra_opnd(struct gen *g, ir_ref r, unsigned type)
{
    struct opnd o = {.kind = OP_REG};
    if (const_fits(g, r, type, &o.imm)) {
        o.kind = OP_IMM;
        return o;
    }
    if (!ir_is_const(r)) {
        const struct val *v = &g->vals[r];
        bool wide = type == IR_I64 && v->type != IR_I64;
        if (v->reg == NOREG && v->next == NOUSE && !wide && v->mem) {
            o.kind = OP_MEM;
            o.mem = loc_mem(g, v->mem);
            return o;
        }
    }
    o.reg = ra_src(g, r, type);
    return o;
}

void alu_opnd(struct gen *g, enum alu op, bool w, unsigned reg, const struct opnd *o)
{
    switch (o->kind) {
    case OP_REG:
        x_alu(g->c, op, w, reg, o->reg);
        break;
    case OP_IMM:
        x_alu_i(g->c, op, w, reg, o->imm);
        break;
    default:
        x_alu_m(g->c, op, w, reg, o->mem);
        break;
    }
}

void mov_opnd(struct gen *g, bool w, unsigned reg, const struct opnd *o)
{
    switch (o->kind) {
    case OP_REG:
        x_mov(g->c, w, reg, o->reg);
        break;
    case OP_IMM:
        x_mov_i(g->c, reg, w ? (u64)(i64)o->imm : (u32)o->imm);
        break;
    default:
        x_load(g->c, w, reg, o->mem);
        break;
    }
}
