/* Inside the builder. While a trace is built op.uses holds the value's significant bits: 0 (it is zero) to 64. */
#ifndef MOSS_TCG_BUILD_PRIV_H
#define MOSS_TCG_BUILD_PRIV_H

#include "base/bits.h"
#include "tcg/build.h"
#include "tcg/eval.h"
#include "tcg/ops_priv.h"

/* Ops kept back so that a full trace can still end. */
enum { IR_RESERVE = 4 };

#define OP(...) (&(struct ir_op){__VA_ARGS__})

/* The op behind a ref; ops[0], a nop, for constants: patterns on it fail. */
static inline const struct ir_op *op_of(const struct ir *ir, ir_ref r)
{
    return &ir->ops[ir_is_const(r) ? 0 : r];
}
static inline bool is_op(const struct ir *ir, ir_ref r, unsigned opcode)
{
    return op_of(ir, r)->op == opcode;
}
static inline bool is_val(const struct ir *ir, ir_ref r, u64 v)
{
    return ir_is_const(r) && ir_const_val(ir, r) == v;
}
/* The value is below 1 << this. */
static inline unsigned sig_bits(const struct ir *ir, ir_ref r)
{
    return ir_is_const(r) ? 64 - clz64(ir_const_val(ir, r)) : ir->ops[r].uses;
}

/* Appends as it is. After the end, and when the trace is full, nothing happens; the result is a constant then. */
ir_ref ir_append(struct ir *ir, const struct ir_op *op);
/* The same op if the trace has it, else appends. For ops without effect. */
ir_ref ir_pure(struct ir *ir, const struct ir_op *op);
ir_ref ir_find(struct ir *ir, const struct ir_op *op); /* 0: it has not; for integer ops */

/* What a reader of the low n bits may read instead of r: extensions and masks that keep those bits go. */
ir_ref ir_low(struct ir *ir, ir_ref r, unsigned n);
/* r as an operand of an op of type t: constants cut to its width, extensions gone. */
ir_ref ir_rd(struct ir *ir, enum ir_type t, ir_ref r);
/* r read at type t as a value: zeros above the width. */
ir_ref ir_as(struct ir *ir, enum ir_type t, ir_ref r);
/* base + const behind an address; *off grows by the constant. */

/* A condition, made as simple as the trace allows. */
struct cond {
    enum { COND_NEVER, COND_ALWAYS, COND_CMP, COND_FLAGS } kind;
    enum ir_cond cc;
    enum ir_type t;
    ir_ref a, b; /* COND_FLAGS: a */
};
struct cond ir_cond_cmp(struct ir *ir, enum ir_cond cc, enum ir_type t, ir_ref a, ir_ref b);
struct cond ir_cond_flags(struct ir *ir, enum ir_cond cc, ir_ref fl);
/* Flags with the same bits `need` (enum fl_bits) as fl: behind fl_mix ops. */
ir_ref ir_flags_with(struct ir *ir, ir_ref fl, u32 need);
/* 1 or 0 */
ir_ref ir_cond_value(struct ir *ir, const struct cond *c);

#endif
