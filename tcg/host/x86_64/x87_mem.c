/* Guest memory as an operand of the x87's instructions: a load whose only reader is the op behind it, a conversion
 * whose only reader is the store behind it. */
#include "tcg/host/access.h"
#include "tcg/host/x86_64/memory_priv.h"
#include "tcg/host/x86_64/x87_priv.h"

static unsigned next_op(const struct gen *g, unsigned i)
{
    for (i++; i < g->ir->nops && g->x[i].op == IR_nop; i++) {
    }
    return i;
}

/* Bytes of a load that op y can read by itself, 0: it cannot. */
static unsigned bytes_for(const struct xop *x, const struct xop *y, ir_ref r)
{
    unsigned size = x->d & MO_SIZE, bytes = 1u << size;
    switch (y->op) {
    case IR_fcvt:
        return y->type == IR_F80 && y->a == r ? bytes : 0;
    case IR_fadd:
    case IR_fsub:
    case IR_fmul:
    case IR_fdiv:
        return y->type == IR_F80 && (y->imm & 0xff) && y->b == r ? bytes : 0;
    case IR_fl_fcmp:
        return y->imm >> 16 && y->b == r ? bytes : 0;
    case IR_i2f:
        if (y->type != IR_F80 || y->a != r || y->imm >> 8) {
            return 0;
        }
        return (size == MO_16 && (x->d & MO_SIGN)) || (size == MO_32 && (y->imm & 0xff) == IR_I32) || size == MO_64
                   ? bytes
                   : 0;
    default:
        return 0;
    }
}
bool x87_takes_load(const struct gen *g, const struct xop *x)
{
    unsigned i = (unsigned)(x - g->x), j = next_op(g, i);
    return g->ir->ops[i].uses == 1 && !(x->d & (MO_BE | MO_PAIR)) && j < g->ir->nops &&
           bytes_for(x, &g->x[j], (ir_ref)i);
}

void x87_load(struct gen *g, struct xop *x)
{
    unsigned i = g->i, j = next_op(g, i);
    struct xop *y = &g->x[j];
    unsigned bytes = bytes_for(x, y, (ir_ref)i);
    struct mem m, at = mem_guest(g, x);
    u64 address = g->lock;
    g->i = j;
    ra_begin(g, y);
    g->lock |= address;
    g->i = i; /* what the access may still show lives */
    x87_use_begin(g, y);
    u8 *cold = mem_access(g, at, x->d, offsetof(struct tlb_entry, rd), &m);
    x87_use(g, y, bytes, m);
    if (cold) {
        u8 *join = g->c->p;
        bool vec = vectors_live(g);
        to_cold(g);
        bind_cold(g, cold);
        mem_slow_args(g, at, x->d);
        mem_slow_call(g, vec ? TH_LOAD_X : TH_LOAD);
        x_store(g->c, true, RT_MEM(vtmp), RAX);
        x87_use(g, y, bytes, RT_MEM(vtmp));
        back_to_hot(g, join);
        to_hot(g);
    }
    g->i = j;
    x87_use_end(g, y);
}

bool x87_takes_store(const struct gen *g, const struct xop *x)
{
    unsigned i = (unsigned)(x - g->x), j = next_op(g, i);
    const struct xop *y = &g->x[j];
    bool out = (x->op == IR_fcvt && x->type != IR_F80) || x->op == IR_f2i;
    return out && g->ir->ops[i].uses == 1 && j < g->ir->nops && y->op == IR_st && y->b == i && y->type == x->type &&
           !(y->d & (MO_BE | MO_PAIR)) && 8u << (y->d & MO_SIZE) == (x->type == IR_F32 || x->type == IR_I32 ? 32 : 64);
}

void x87_store(struct gen *g, struct xop *x)
{
    unsigned j = next_op(g, g->i);
    struct xop *y = &g->x[j];
    u8 form[4];
    bool pops;
    struct mem m, at;
    g->i = j;
    ra_begin(g, y);
    at = mem_guest(g, y);
    x87_out_forms(x, form);
    x87_out_begin(g, x, form, &pops);
    u8 *cold = mem_access(g, at, y->d, offsetof(struct tlb_entry, wr), &m);
    x87_mem(g, form[pops ? 0 : 2], form[pops ? 1 : 3], m);
    if (cold) {
        u8 *join = g->c->p;
        bool vec = vectors_live(g);
        to_cold(g);
        bind_cold(g, cold);
        if (form[2]) {
            x87_mem(g, form[2], form[3], RT_MEM(vtmp));
        } else {
            x87_op(g, 0xd9, 0xc0); /* fld st(0) */
            x87_mem(g, form[0], form[1], RT_MEM(vtmp));
        }
        mem_slow_args(g, at, y->d | MO_STORE);
        x_load(g->c, x->type == IR_F64 || x->type == IR_I64, RDX, RT_MEM(vtmp));
        mem_slow_call(g, vec ? TH_STORE_X : TH_STORE);
        if (pops) {
            x87_op(g, 0xdd, 0xd8);
        }
        back_to_hot(g, join);
        to_hot(g);
    }
    x87_out_end(g, pops);
}
