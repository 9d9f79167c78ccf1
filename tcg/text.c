/* The IR as text: the printer. tcg/parse.c reads it back.
 *
 *   [vN = ] NAME[.SUB][.TYPE] [OPERAND, ...] [IMM]
 *
 * Operands are vN, an integer constant (0x1f) or a vector constant (0xHIGH:LOW, 16 digits each); absent ones of calls
 * are not written. Memory operands come first as [v1 + 8], the descriptor last. A line may end with "; comment". */
#include "tcg/text_priv.h"

#include <inttypes.h>

const char *const text_es[4] = {"b", "h", "s", "d"};
const char *const text_rmw[] = {"add", "and", "andn", "or", "xor", "swap", "smin", "smax", "umin", "umax", "sub"};
const char *const text_fp[TEXT_FPS] = {"dn", "fz", "soft", "low"};
const char *const text_round[] = {"nearest", "zero", "down", "up", "away", "odd", "current"};
const char *const text_exit[] = {"jump", "call", "ret"};
const char *const text_reason[] = {"none", "event", "halt", "exception", "yield", "retranslate", "stop", "care"};
_Static_assert(ARRAY_LEN(text_rmw) == TEXT_RMWS && ARRAY_LEN(text_reason) == REASON_COUNT, "names of enums");

const struct bit_name text_fcmp_bits[] = {{FCMP_SIGNAL, "signal"}, {FCMP_ZPC, "zpc"}, {0, NULL}};
const struct bit_name text_fl_bits[] = {
    {FL_N, "n"}, {FL_Z, "z"}, {FL_C, "c"}, {FL_V, "v"}, {FL_P, "p"}, {FL_A, "a"}, {0, NULL},
};
const struct bit_name text_fmaneg_bits[] = {{FMA_NEG_PRODUCT, "neg_product"}, {FMA_NEG_ADDEND, "neg_addend"},
                                            {FMA_ALTERNATE, "alternate"},     {FMA_ABOVE_B, "above_b"},
                                            {FMA_ABOVE_C, "above_c"},         {0, NULL}};
const struct bit_name text_fcond_bits[] = {
    {FC_LT, "lt"}, {FC_EQ, "eq"}, {FC_GT, "gt"}, {FC_UN, "un"}, {FC_SIGNAL, "signal"}, {0, NULL},
};
const struct bit_name text_widen_bits[] = {{1, "hi"}, {2, "signed"}, {0, NULL}};
const struct bit_name text_sign_bits[] = {{1, "signed"}, {0, NULL}};
const struct bit_name text_aes_bits[] = {{AES_LAST, "last"}, {AES_INVERSE, "inverse"}, {0, NULL}};
const struct bit_name text_qxtn_bits[] = {{1, "from_signed"}, {2, "to_signed"}, {0, NULL}};
const struct bit_name text_fence_bits[] = {
    {FENCE_LL, "ll"}, {FENCE_LS, "ls"}, {FENCE_SL, "sl"}, {FENCE_SS, "ss"}, {FENCE_INSN, "insn"}, {0, NULL},
};
const struct bit_name text_mo_bits[] = {
    {MO_SIGN, "sign"},
    {MO_BE, "be"},
    {MO_PAIR, "pair"},
    {MO_ACQ, "acq"},
    {MO_REL, "rel"},
    {MO_ATOMIC, "atomic"},
    {MO_NODEV, "nodev"},
    {1 << MO_ALIGN_SHIFT, "align2"},
    {2 << MO_ALIGN_SHIFT, "align4"},
    {3 << MO_ALIGN_SHIFT, "align8"},
    {4 << MO_ALIGN_SHIFT, "align16"},
    {5 << MO_ALIGN_SHIFT, "align32"},
    {1 << MO_VIEW_SHIFT, "view1"},
    {2 << MO_VIEW_SHIFT, "view2"},
    {3 << MO_VIEW_SHIFT, "view3"},
    {0, NULL},
};

static void print_bits(struct buf *out, const struct bit_name *names, u32 v)
{
    const char *sep = "";
    for (; names->name; names++) {
        if (v & names->bits) {
            buf_printf(out, "%s%s", sep, names->name);
            sep = "|";
        }
    }
    if (!*sep) {
        buf_printf(out, "-");
    }
}

static void print_mo(struct buf *out, unsigned mo)
{
    buf_printf(out, ", %u", 8u << (mo & MO_SIZE));
    for (const struct bit_name *n = text_mo_bits; n->name; n++) {
        u32 field = n->bits & MO_ALIGN ? (u32)MO_ALIGN : n->bits & MO_VIEW ? (u32)MO_VIEW : n->bits;
        if ((mo & field) == n->bits) {
            buf_printf(out, "|%s", n->name);
        }
    }
}

static void print_off(struct buf *out, u32 imm)
{
    i64 off = (i32)imm;
    buf_printf(out, "%c0x%" PRIx64, off < 0 ? '-' : '+', off < 0 ? (u64)-off : (u64)off);
}

/* -- operands ------------------------------------------------------------------------------------------------ */

bool text_reads_vector(const struct ir *ir, const struct ir_op *op, unsigned k)
{
    switch (ir_ops[op->op].args[k]) {
    case 'v':
        return true;
    case 't':
    case 'f':
        return op->type == IR_V128;
    case 'x':
        return op->op == IR_call ? op_helper(ir, op)->args[k] == IR_V128 : op->op == IR_st && op->type == IR_V128;
    default:
        return false;
    }
}

static void print_ref(struct buf *out, const struct ir *ir, ir_ref r, bool vector)
{
    if (!ir_is_const(r)) {
        buf_printf(out, "v%u", r);
    } else if (vector) {
        const u64 *k = &ir->consts[r & ~IR_CONST];
        buf_printf(out, "0x%016" PRIx64 ":%016" PRIx64, k[1], k[0]);
    } else {
        buf_printf(out, "0x%" PRIx64, ir_const_val(ir, r));
    }
}

static void print_address(struct buf *out, const struct ir *ir, const struct ir_op *op)
{
    i64 off = (i32)op->imm;
    buf_printf(out, "[");
    print_ref(out, ir, op->a, false);
    if (off) {
        buf_printf(out, " %c 0x%" PRIx64, off < 0 ? '-' : '+', off < 0 ? (u64)-off : (u64)off);
    }
    buf_printf(out, "]");
}

/* -- sub and imm -------------------------------------------------------------------------------------------------- */

static void print_sub(struct buf *out, const struct ir_op *op)
{
    unsigned sub = op->sub;
    switch (ir_ops[op->op].sub) {
    case SUB_cond:
        buf_printf(out, ".%s", ir_cond_names[sub]);
        break;
    case SUB_es:
        if (text_has_es(op)) {
            buf_printf(out, ".%s", text_es[sub & 3]);
        }
        break;
    case SUB_fp:
        if (op->type == IR_V128) {
            buf_printf(out, ".%s", text_es[sub & FP_ES]);
        }
        for (unsigned k = 0; k < ARRAY_LEN(text_fp); k++) {
            buf_printf(out, "%s%s", sub & FP_DN << k ? "." : "", sub & FP_DN << k ? text_fp[k] : "");
        }
        break;
    case SUB_bits:
        buf_printf(out, ".%u", sub);
        break;
    case SUB_kind:
        buf_printf(out, "%s%s", sub ? "." : "", sub ? text_exit[sub] : "");
        break;
    case SUB_inv:
        buf_printf(out, "%s", sub & FL_INV ? ".inv" : "");
        break;
    case SUB_rmw:
        buf_printf(out, ".%s", text_rmw[sub]);
        break;
    default:
        break;
    }
}

static void print_imm(struct buf *out, const struct ir *ir, const struct ir_op *op, const char *sep)
{
    u32 imm = op->imm;
    unsigned kind = ir_ops[op->op].imm;
    if (kind == IMM_none) {
        return;
    }
    buf_printf(out, "%s", sep);
    switch (kind) {
    case IMM_off:
        buf_printf(out, "0x%x, %u", imm, op->d);
        break;
    case IMM_slot:
        buf_printf(out, "%s", ir->target->slots[imm].name);
        break;
    case IMM_soff:
        print_off(out, imm);
        break;
    case IMM_poslen:
        buf_printf(out, "%u:%u", imm & 0xff, imm >> 8);
        break;
    case IMM_type:
        buf_printf(out, "%s", ir_type_names[imm]);
        break;
    case IMM_fcmp:
        buf_printf(out, "%s ", ir_type_names[imm & 0xff]);
        print_bits(out, text_fcmp_bits, imm & ~0xffu);
        break;
    case IMM_flbits:
        print_bits(out, text_fl_bits, imm);
        break;
    case IMM_fmaneg:
        print_bits(out, text_fmaneg_bits, imm);
        break;
    case IMM_round:
        buf_printf(out, "%s%s", text_round[imm & 7], imm & FPR_EXACT ? " exact" : "");
        break;
    case IMM_f2i:
        buf_printf(out, "%s %s%s%s", ir_type_names[imm & 0xff], text_round[imm >> 8 & 7],
                   imm & F2I_UNS ? " unsigned" : "", imm & F2I_INDEF ? " indefinite" : "");
        break;
    case IMM_i2f:
        buf_printf(out, "%s%s", ir_type_names[imm & 0xff], imm >> 8 ? " unsigned" : "");
        break;
    case IMM_vcond:
        buf_printf(out, "%s", ir_cond_names[imm]);
        break;
    case IMM_fcond:
        print_bits(out, text_fcond_bits, imm);
        break;
    case IMM_pattern:
        print_ref(out, ir, (ir_ref)(imm | IR_CONST), true);
        break;
    case IMM_widen:
        print_bits(out, text_widen_bits, imm);
        break;
    case IMM_sign:
        print_bits(out, text_sign_bits, imm);
        break;
    case IMM_aes:
        print_bits(out, text_aes_bits, imm);
        break;
    case IMM_qxtn:
        print_bits(out, text_qxtn_bits, imm);
        break;
    case IMM_fence:
        print_bits(out, text_fence_bits, imm);
        break;
    case IMM_helper:
        buf_printf(out, "%s", ir->target->helpers[imm].name);
        break;
    case IMM_reason:
        buf_printf(out, "%s", text_reason[imm]);
        break;
    default: /* count, poly, hi, lane, lanes */
        buf_printf(out, "%u", imm);
        break;
    }
}

/* -- lines ------------------------------------------------------------------------------------------------------- */

static void print_op(struct buf *out, const struct ir *ir, const struct ir_op *op)
{
    const char *sep = " ";
    unsigned first = 0, n = ir_nargs(ir, op);
    if (text_imm_first(op)) {
        print_imm(out, ir, op, sep);
        sep = ", ";
    }
    if (op_is_mem(op->op)) {
        buf_printf(out, " ");
        print_address(out, ir, op);
        first = 1;
        sep = ", ";
    }
    for (unsigned k = first; k < n; k++, sep = ", ") {
        buf_printf(out, "%s", sep);
        print_ref(out, ir, op_arg_val(op, k), text_reads_vector(ir, op, k));
    }
    if (op_is_mem(op->op)) {
        print_mo(out, op->d);
    } else if (!text_imm_first(op)) {
        print_imm(out, ir, op, sep);
    }
}

void ir_print(const struct ir *ir, struct buf *out)
{
    for (unsigned i = 1; i < ir->nops; i++) {
        const struct ir_op *op = &ir->ops[i];
        if (op->op == IR_nop) {
            continue;
        }
        if (op->op == IR_insn) {
            buf_printf(out, "%s", "insn");
        } else {
            buf_printf(out, "    ");
            if (ir_result(op) != IR_NONE) {
                buf_printf(out, "v%u = ", i);
            }
            buf_printf(out, "%s", ir_ops[op->op].name);
        }
        print_sub(out, op);
        if (text_has_type(op)) {
            buf_printf(out, ".%s", ir_type_names[op->type]);
        }
        print_op(out, ir, op);
        buf_printf(out, "\n");
    }
}
