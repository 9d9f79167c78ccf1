/* The tables read from ops.def. */
#include "tcg/ops_priv.h"

enum {
    RESULT_NONE = IR_NONE,
    RESULT_I32 = IR_I32,
    RESULT_I64 = IR_I64,
    RESULT_V128 = IR_V128,
    RESULT_FLAGS = IR_FLAGS,
    COMM = OPF_COMM,
    FAULT = OPF_FAULT,
    EFFECT = OPF_EFFECT,
    END = OPF_END,
    FPX = OPF_FPX,
};

const struct ir_op_info ir_ops[IR_OPCODES] = {
#define _(name, result, args, sub, imm, flags, doc) {#name, RESULT_##result, args, SUB_##sub, IMM_##imm, flags, doc},
#include "tcg/ops.def"
#undef _
};

const char *const ir_type_names[IR_WIDTHS] = {"none", "i32", "i64", "f16", "f32", "f64", "v128", "flags", "i8", "i16"};

const char *const ir_cond_names[CC_COUNT] = {
    "eq",  "ne", "ult", "uge", "ule", "ugt", "slt", "sge",   "sle",
    "sgt", "mi", "pl",  "vs",  "vc",  "pe",  "po",  "tsteq", "tstne",
};

const u8 ir_letters[IR_OPCODES] = {
#define _(name, result, args, sub, imm, flags, doc) sizeof(args) - 1,
#include "tcg/ops.def"
#undef _
};
