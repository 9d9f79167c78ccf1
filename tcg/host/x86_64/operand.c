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

/* Nothing here has a prefix that changes the length of an immediate: decoders stall on those. */
void alu_width(struct gen *g, enum alu op, unsigned type, unsigned reg, const struct opnd *o)
{
    bool byte = type == IR_I8;
    u32 opc = (unsigned)op << 3 | (byte ? 2 : 3), size = byte ? 0 : P66;
    if (type < IR_I8) {
        alu_opnd(g, op, is_w(type), reg, o);
    } else if (o->kind == OP_REG) {
        x_rr(g->c, opc | size | (byte ? OPB | OPBM : 0), false, reg, o->reg);
    } else if (o->kind == OP_MEM) {
        x_rm(g->c, opc | size | (byte ? OPB : 0), false, reg, o->mem);
    } else if (byte || (i16)o->imm == (i8)o->imm) {
        x_rri(g->c, byte ? 0x80 | OPBM : 0x83 | P66, false, op, reg, (u8)o->imm, 1);
    } else {
        x_mov_i(g->c, RCX, (u16)o->imm);
        x_rr(g->c, opc | size, false, reg, RCX);
    }
}
void shift_width(struct gen *g, enum shift op, unsigned type, unsigned reg, unsigned n)
{
    u32 opc = (n == 0 ? 0xd2u : n == 1 ? 0xd0u : 0xc0u) | (type != IR_I8);
    u32 size = type == IR_I8 ? (u32)OPBM : type == IR_I16 ? (u32)P66 : 0;
    x_rri(g->c, opc | size, is_w(type), op, reg, n, n > 1);
}
void test_width(struct gen *g, unsigned type, unsigned a, unsigned b)
{
    x_rr(g->c, type == IR_I8 ? (u32)X_TEST8 : type == IR_I16 ? X_TEST | P66 : (u32)X_TEST, is_w(type), b, a);
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
