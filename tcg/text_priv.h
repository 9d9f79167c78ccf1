/* Names that the printer and the parser share. */
#ifndef MOSS_TCG_TEXT_PRIV_H
#define MOSS_TCG_TEXT_PRIV_H

#include "tcg/ops_priv.h"
#include "tcg/text.h"

/* Bits of a number with names; ended by a NULL name. Written "a|b", 0 as "-". */
struct bit_name {
    u32 bits;
    const char *name;
};
extern const struct bit_name text_fcmp_bits[], text_fcond_bits[], text_fl_bits[], text_fmaneg_bits[], text_widen_bits[],
    text_sign_bits[], text_aes_bits[], text_qxtn_bits[], text_fence_bits[], text_mo_bits[];

extern const char *const text_es[4];    /* b h s d */
extern const char *const text_rmw[];    /* by enum ir_rmw */
extern const char *const text_round[];  /* by FPR_* */
extern const char *const text_fp[];     /* by FP_DN << k */
extern const char *const text_exit[];   /* by enum ir_exit_kind */
extern const char *const text_reason[]; /* by enum ir_reason */
enum { TEXT_RMWS = RMW_SUB + 1, TEXT_ROUNDS = FPR_CURRENT + 1, TEXT_FPS = 4, TEXT_EXITS = EXIT_RET + 1 };

/* The type is written behind the name (elsewhere it follows from the op, slot or helper). */
static inline bool text_has_type(const struct ir_op *op)
{
    unsigned o = op->op;
    if (o == IR_get || o == IR_put || o == IR_call) {
        return false;
    }
    return ir_ops[o].result == RESULT_T || o == IR_setcc || o == IR_st || o == IR_exitcc;
}
/* The element size is written. */
static inline bool text_has_es(const struct ir_op *op)
{
    return ir_result(op) == IR_V128 || op->op == IR_vget || op->op == IR_vgets || op->op == IR_bswap ||
           op->op == IR_crc32 || op->op == IR_vmask;
}
/* imm comes before the operands: "put x0, v4", "call helper, v1". */
static inline bool text_imm_first(const struct ir_op *op)
{
    return op->op == IR_put || op->op == IR_call;
}
/* Operand k, if constant, is a vector. */
bool text_reads_vector(const struct ir *ir, const struct ir_op *op, unsigned k);

#endif
