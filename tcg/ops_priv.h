/* What op.sub and op.imm hold, by ops.def's words; and small readers of ops that several files share. */
#ifndef MOSS_TCG_OPS_PRIV_H
#define MOSS_TCG_OPS_PRIV_H

#include "tcg/ir.h"

enum sub_kind { SUB_none, SUB_cond, SUB_es, SUB_fp, SUB_bits, SUB_kind, SUB_inv, SUB_rmw };
enum imm_kind {
    IMM_none,
    IMM_off,
    IMM_slot,
    IMM_soff,
    IMM_poslen,
    IMM_count,
    IMM_poly,
    IMM_type,
    IMM_fcmp,
    IMM_flbits,
    IMM_fmaneg,
    IMM_round,
    IMM_f2i,
    IMM_i2f,
    IMM_vcond,
    IMM_fcond,
    IMM_hi,
    IMM_lane,
    IMM_pattern,
    IMM_widen,
    IMM_qxtn,
    IMM_sign,
    IMM_aes,
    IMM_lanes,
    IMM_fence,
    IMM_helper,
    IMM_reason
};

static inline bool type_is_int(unsigned t)
{
    return t == IR_I32 || t == IR_I64;
}
/* What comparisons and flags can be of. */
static inline bool type_is_width(unsigned t)
{
    return type_is_int(t) || t == IR_I8 || t == IR_I16;
}
static inline bool type_is_float(unsigned t)
{
    return t == IR_F16 || t == IR_F32 || t == IR_F64;
}
static inline unsigned type_bits(unsigned t)
{
    static const u8 n[IR_WIDTHS] = {0, 32, 64, 16, 32, 64, 128, 16, 8, 16};
    return n[t];
}
static inline u16 *op_arg(struct ir_op *op, unsigned k)
{
    return k == 0 ? &op->a : k == 1 ? &op->b : k == 2 ? &op->c : &op->d;
}
static inline ir_ref op_arg_val(const struct ir_op *op, unsigned k)
{
    return k == 0 ? op->a : k == 1 ? op->b : k == 2 ? op->c : op->d;
}
static inline const struct ir_helper *op_helper(const struct ir *ir, const struct ir_op *op)
{
    return &ir->target->helpers[op->imm];
}
/* How many of a, b, c, d are operands: the letters, but for optional ones. */
extern const u8 ir_letters[IR_OPCODES];
static inline unsigned ir_nargs(const struct ir *ir, const struct ir_op *op)
{
    if (op->op == IR_call) {
        unsigned n = 0;
        while (n < 4 && op_helper(ir, op)->args[n] != IR_NONE) {
            n++;
        }
        return n;
    }
    if (op->op == IR_st) {
        return op->d & MO_PAIR ? 3 : 2;
    }
    return ir_letters[op->op];
}

/* What operand k must be: an enum ir_type, or any of a class; IR_NONE: there is none. */
enum operand_class { WANT_INT = 0x100, WANT_NARROW_FLOAT /* F32, F16 */, WANT_INT_OR_FLOAT };
unsigned ir_wanted(const struct ir *ir, const struct ir_op *op, unsigned k);
/* What is wrong with op i, NULL: nothing. */
const char *ir_check_op(const struct ir *ir, unsigned i);

/* The op's memory descriptor is in d. */
static inline bool op_is_mem(unsigned op)
{
    return op == IR_ld || op == IR_st || op == IR_rmw || op == IR_cas;
}
/* May leave through a guest exception. */
static inline bool op_may_fault(const struct ir *ir, const struct ir_op *op)
{
    return (ir_ops[op->op].flags & OPF_FAULT) || (op->op == IR_call && (op_helper(ir, op)->flags & HF_FAULT));
}

#endif
