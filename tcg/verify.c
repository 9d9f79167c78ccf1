/* The verifier: each op alone (ir_check_op, which the builder also runs in debug builds) and the laws of a trace. */
#include "tcg/build_priv.h"

#include <string.h>

/* -- operands ------------------------------------------------------------------------------------------------ */

static bool operand_is(const struct ir *ir, ir_ref r, unsigned want)
{
    if (ir_is_const(r)) {
        unsigned i = r & ~IR_CONST;
        if (want == IR_V128) {
            return i % 2 == 0 && i + 1 < ir->nconsts;
        }
        return i < ir->nconsts && (want == WANT_INT || want == WANT_INT_OR_FLOAT);
    }
    unsigned t = ir_result(&ir->ops[r]);
    switch (want) {
    case WANT_INT:
        return type_is_int(t);
    case WANT_NARROW_FLOAT:
        return t == IR_F32 || t == IR_F16;
    case WANT_INT_OR_FLOAT:
        return type_is_int(t) || type_is_float(t);
    default:
        return t == want && t != IR_NONE;
    }
}

/* What an operand of letter x must be. */
static unsigned wanted_x(const struct ir *ir, const struct ir_op *op, unsigned k)
{
    switch (op->op) {
    case IR_select:
    case IR_fl_add:
    case IR_fl_sub:
    case IR_fl_adc:
    case IR_fl_sbb:
    case IR_fl_logic:
    case IR_fl_shl:
    case IR_fl_shr:
    case IR_fl_sar:
    case IR_vdup:
        return WANT_INT;
    case IR_fl_fcmp:
    case IR_fcvt:
    case IR_f2i:
    case IR_i2f:
        return op->imm & 0xff;
    case IR_bitcast:
        return op->type == IR_I64 ? IR_F64 : op->type == IR_I32 ? (unsigned)WANT_NARROW_FLOAT : (unsigned)WANT_INT;
    case IR_vzero_ext:
    case IR_vset:
        return WANT_INT_OR_FLOAT;
    case IR_ld_hi:
        return op->type;
    case IR_st:
        return op->type;
    case IR_call:
        return op_helper(ir, op)->args[k];
    default:
        return IR_NONE;
    }
}

unsigned ir_wanted(const struct ir *ir, const struct ir_op *op, unsigned k)
{
    unsigned want = IR_NONE;
    if (k < ir_nargs(ir, op)) {
        switch (ir_ops[op->op].args[k]) {
        case 'i':
        case 'j':
            return WANT_INT;
        case 'f':
        case 't':
            want = op->type;
            break;
        case 'v':
            return IR_V128;
        case 'F':
            return IR_FLAGS;
        default:
            want = wanted_x(ir, op, k);
            break;
        }
    }
    return type_is_int(want) ? WANT_INT : want; /* integers of either width are one class */
}

/* -- one op ---------------------------------------------------------------------------------------------------- */

static bool type_ok(const struct ir_op *op)
{
    unsigned t = op->type;
    switch (op->op) {
    case IR_get:
    case IR_put:
    case IR_call:
        return true; /* compared with the slot or helper */
    case IR_add:
    case IR_sub:
    case IR_and:
    case IR_or:
    case IR_xor:
    case IR_andn:
    case IR_orn:
    case IR_xnor:
    case IR_neg:
    case IR_not:
        return type_is_int(t) || (t == IR_V128 && op->sub <= MO_64);
    case IR_mul:
        return type_is_int(t) || (t == IR_V128 && op->sub <= MO_32);
    case IR_setcc:
    case IR_exitcc:
        return type_is_width(t);
    case IR_umulh:
    case IR_smulh:
        return t == IR_I64;
    case IR_select:
    case IR_selectf:
        return type_is_int(t) || type_is_float(t) || t == IR_FLAGS;
    case IR_fcvt:
    case IR_i2f:
        return type_is_float(t);
    case IR_fadd:
    case IR_fsub:
    case IR_fmul:
    case IR_fdiv:
    case IR_fsqrt:
    case IR_fneg:
    case IR_fabs:
    case IR_fround:
        return type_is_float(t) || (t == IR_V128 && (op->sub & FP_ES) >= MO_16);
    case IR_frcpe:
    case IR_frsqe:
        return t == IR_F32 || (t == IR_V128 && (op->sub & FP_ES) == MO_32);
    case IR_bitcast:
        return type_is_int(t) || type_is_float(t);
    case IR_vget:
        return type_is_int(t) ? 8u << op->sub <= type_bits(t) : type_is_float(t) && 8u << op->sub == type_bits(t);
    case IR_ld:
    case IR_st:
    case IR_ld_hi:
        return type_is_int(t) || type_is_float(t) || t == IR_V128;
    default:
        break;
    }
    const struct ir_op_info *info = &ir_ops[op->op];
    if (strchr(info->args, 'f')) {
        return type_is_float(t) || (t == IR_V128 && (op->sub & FP_ES) >= MO_16);
    }
    if (info->result == RESULT_T || strchr(info->args, 'i')) {
        return type_is_int(t) || op->op == IR_fl_pack;
    }
    return true;
}

static bool poslen_ok(const struct ir_op *op)
{
    unsigned pos = op->imm & 0xff, len = op->imm >> 8;
    return len && pos + len <= type_bits(op->type);
}

/* May it have FP_LOW? */
static bool low_ok(const struct ir_op *op)
{
    switch (op->op) {
    case IR_fround:
    case IR_frcpe:
    case IR_frsqe:
    case IR_vfcmp:
        return op->type == IR_V128;
    default:
        return op->type == IR_V128 && op->op >= IR_fadd && op->op <= IR_fmaxc;
    }
}

static const char *check_sub(const struct ir_op *op)
{
    bool flags = op->op == IR_setf || op->op == IR_selectf || op->op == IR_exitf;
    bool ok = true;
    switch (ir_ops[op->op].sub) {
    case SUB_cond:
        ok = flags ? op->sub < CC_TSTEQ : op->sub < CC_COUNT && (op->sub <= CC_SGT || op->sub >= CC_TSTEQ);
        break;
    case SUB_es:
        ok = op->op == IR_bswap ? op->sub >= 1 && 8u << op->sub <= type_bits(op->type) : op->sub <= MO_64;
        if (op->op == IR_vmull || op->op == IR_vxtl) {
            ok = op->sub <= MO_32;
        } else if (op->op >= IR_vblend && op->op <= IR_vmask) {
            static const u8 sizes[IR_vmask + 1] = {
                [IR_vblend] = 0xd,   [IR_vdot] = 3,       [IR_vuravg] = 3,  [IR_vpadd] = 6,   [IR_vpack] = 6,
                [IR_vpermv] = 0xc,   [IR_vshlv] = 0xc,    [IR_vshrv] = 0xc, [IR_vsarv] = 0xc, [IR_vshl_all] = 0xe,
                [IR_vshr_all] = 0xe, [IR_vsar_all] = 0xe, [IR_vmask] = 0xf};
            ok = sizes[op->op] >> op->sub & 1;
        } else if (op->op == IR_vxtn || op->op == IR_vqxtn) {
            ok = op->sub >= MO_16 && op->sub <= MO_64;
        } else if (op->op == IR_vgets) {
            ok = 8u << op->sub <= type_bits(op->type);
        }
        break;
    case SUB_fp:
        ok = op->sub <= (FP_ES | FP_DN | FP_FZ | FP_SOFT | FP_LOW) && (!(op->sub & FP_LOW) || low_ok(op));
        if (op->op == IR_vfcmp || op->op == IR_vf2i || op->op == IR_vi2f) {
            ok &= (op->sub & FP_ES) >= MO_16;
        } else if (op->op == IR_vfcvtl) {
            ok &= (op->sub & FP_ES) == MO_16 || (op->sub & FP_ES) == MO_32;
        } else if (op->op == IR_vfcvtn) {
            ok &= (op->sub & FP_ES) >= MO_32;
        } else if (op->op == IR_faddsub) {
            ok &= (op->sub & FP_ES) >= MO_32;
        } else if (op->op == IR_vf2in) {
            ok &= (op->sub & FP_ES) == MO_64;
        }
        break;
    case SUB_bits:
        ok = (op->sub == 8 || op->sub == 16 || op->sub == 32) && op->sub <= type_bits(op->type);
        break;
    case SUB_rmw:
        ok = op->sub <= RMW_SUB;
        break;
    case SUB_kind:
        ok = op->sub <= EXIT_RET;
        break;
    case SUB_inv:
        ok = op->sub <= FL_INV;
        break;
    default:
        break;
    }
    return ok ? NULL : "bad sub";
}

static const char *check_imm(const struct ir *ir, const struct ir_op *op)
{
    u32 imm = op->imm;
    unsigned t = imm & 0xff, round = imm >> 8 & 0xff;
    bool ok = true;
    switch (ir_ops[op->op].imm) {
    case IMM_slot:
        ok = imm < ir->target->nslots && op->type == ir->target->slots[imm].type;
        break;
    case IMM_helper:
        ok = imm < ir->target->nhelpers && op->type == ir->target->helpers[imm].ret;
        break;
    case IMM_poslen:
        ok = poslen_ok(op);
        break;
    case IMM_count:
        ok = op->op == IR_extr ? imm < type_bits(op->type) : imm < (8u << op->sub) + (op->op != IR_vshl);
        break;
    case IMM_type:
        ok = op->op == IR_fcvt ? type_is_float(imm) && imm != op->type : type_is_width(imm);
        break;
    case IMM_flbits:
        ok = !(imm & ~FL_ALL);
        break;
    case IMM_fcmp:
        ok = type_is_float(t) && !(imm & ~(0xffu | FCMP_SIGNAL | FCMP_ZPC));
        break;
    case IMM_fmaneg:
        ok = imm < 2 * FMA_ABOVE_C && (imm < FMA_ABOVE_B || (op->sub & FP_LOW)) && imm < (FMA_ABOVE_B | FMA_ABOVE_C);
        ok &= !(imm & FMA_ALTERNATE) || (op->type == IR_V128 && !(op->sub & FP_LOW));
        break;
    case IMM_round:
        ok = (imm & ~(u32)FPR_EXACT) <= FPR_CURRENT && (imm & ~(u32)FPR_EXACT) != FPR_ODD;
        ok &= op->op == IR_fround || !(imm & FPR_EXACT);
        break;
    case IMM_f2i:
        ok = (op->type == IR_V128 || type_is_float(t)) && round <= FPR_CURRENT && round != FPR_ODD && imm >> 18 == 0;
        ok &= op->op != IR_vf2in || !(imm & F2I_UNS);
        break;
    case IMM_i2f:
        ok = (op->type == IR_V128 || type_is_int(t)) && imm >> 9 == 0;
        break;
    case IMM_vcond:
        ok = imm == CC_EQ || imm == CC_SGT || imm == CC_SGE || imm == CC_UGT || imm == CC_UGE || imm == CC_TSTNE;
        break;
    case IMM_fcond:
        ok = imm < 2 * FC_SIGNAL;
        break;
    case IMM_hi:
    case IMM_sign:
    case IMM_poly:
        ok = imm <= 1;
        break;
    case IMM_lane:
        ok = imm < 16u >> op->sub;
        break;
    case IMM_pattern:
        ok = imm % 2 == 0 && imm + 1 < ir->nconsts;
        for (unsigned i = 0; ok && i < 16; i++) {
            u8 k = (u8)(ir->consts[imm + i / 8] >> 8 * (i % 8));
            ok = k < 32 || k >= 0x80;
        }
        break;
    case IMM_aes:
    case IMM_widen:
    case IMM_qxtn:
    case IMM_lanes:
        ok = imm <= 3;
        break;
    case IMM_fence:
        ok = imm <= (FENCE_ALL | FENCE_INSN);
        break;
    case IMM_reason:
        ok = imm < REASON_COUNT;
        break;
    default:
        break;
    }
    return ok ? NULL : "bad imm";
}

static const char *check_mem(const struct ir_op *op)
{
    unsigned size = op->d & MO_SIZE, w = 8u << size, bits = type_bits(op->type);
    if (size > MO_128 || (op->d & MO_ALIGN) >> MO_ALIGN_SHIFT > 5 || op->d & MO_STORE) {
        return "bad memory descriptor";
    }
    if (type_is_int(op->type) ? w > bits : w != bits) {
        return "access size does not fit the type";
    }
    bool whole = op->op == IR_st && (op->d & MO_PAIR) && size == MO_128;
    if ((op->d & MO_SIGN) && !whole && (op->op != IR_ld || !type_is_int(op->type))) {
        return "sign of what is not an integer load";
    }
    if ((op->d & MO_PAIR) && (size < MO_32 || (op->op != IR_ld && op->op != IR_st))) {
        return "bad pair";
    }
    if ((op->op == IR_rmw || op->op == IR_cas) && size > MO_64) {
        return "atomic access too wide";
    }
    return NULL;
}

const char *ir_check_op(const struct ir *ir, unsigned i)
{
    const struct ir_op *op = &ir->ops[i];
    if (op->op >= IR_OPCODES || op->type >= IR_WIDTHS) {
        return "no such op or type";
    }
    unsigned fixed = ir_ops[op->op].result;
    bool width_only = op->type >= IR_TYPES && op->op != IR_setcc && op->op != IR_exitcc;
    bool typed = fixed == RESULT_T || fixed == IR_NONE || op->op == IR_setcc;
    if (width_only || !type_ok(op) || (!typed && op->type != fixed)) {
        return "bad type";
    }
    const char *wrong = check_sub(op);
    wrong = wrong ? wrong : check_imm(ir, op);
    if (!wrong && op_is_mem(op->op)) {
        wrong = check_mem(op);
    }
    if (wrong) {
        return wrong;
    }
    unsigned n = ir_nargs(ir, op);
    for (unsigned k = 0; k < n; k++) {
        ir_ref r = op_arg_val(op, k);
        if (!ir_is_const(r) && (r == 0 || r >= i)) {
            return "operand is not defined before";
        }
        if (!operand_is(ir, r, ir_wanted(ir, op, k))) {
            return "operand of the wrong type";
        }
    }
    if (op->op == IR_vset && !ir_is_const(op->b) && type_is_float(ir_result(&ir->ops[op->b])) &&
        type_bits(ir_result(&ir->ops[op->b])) != 8u << op->sub) {
        return "float of another size than the lane";
    }
    if (op->op == IR_ld_hi && (op->a != i - 1 || ir->ops[op->a].op != IR_ld || !(ir->ops[op->a].d & MO_PAIR) ||
                               op->type != ir->ops[op->a].type)) {
        return "does not follow its pair load";
    }
    return NULL;
}

/* -- laws of the trace ----------------------------------------------------------------------------------------- */

struct laws {
    bool put_done; /* the present instruction has put something: no fault may follow */
    bool must_end; /* an HF_END call happened: nothing may leave but exit_pc and exit_loop */
    bool no_link;  /* an HF_MODE call happened: other blocks are found by what the mode is now */
    bool ended;
    unsigned insns;
};

static const char *check_laws(const struct ir *ir, const struct ir_op *op, struct laws *l)
{
    if (l->ended && op->op != IR_nop) {
        return "op after the end";
    }
    if (l->put_done && op_may_fault(ir, op)) {
        return "may fault after a put of the same instruction";
    }
    bool leaves = op->op == IR_exit || op->op == IR_exit_ind || op->op == IR_exitcc || op->op == IR_exitf;
    if (l->must_end && (leaves || op->op == IR_insn || op_may_fault(ir, op))) {
        return "after a call that must be followed by exit_pc or exit_loop";
    }
    bool access = op->op != IR_call && op_may_fault(ir, op);
    if (l->no_link && (access || (leaves && op->op != IR_exit_ind))) {
        return "after a call that may have changed the mode";
    }
    l->ended |= ir_ops[op->op].flags & OPF_END;
    l->put_done |= op->op == IR_put;
    l->must_end |= op->op == IR_call && op_helper(ir, op)->flags & HF_END;
    l->no_link |= op->op == IR_call && op_helper(ir, op)->flags & HF_MODE;
    if (op->op == IR_insn) {
        l->put_done = false;
        l->insns++;
    }
    return NULL;
}

bool ir_verify(const struct ir *ir, struct err *e)
{
    struct laws l = {0};
    if (ir->full) {
        return err_set(e, "ir: the trace overflowed");
    }
    if (ir->nops > IR_MAX_OPS || ir->nconsts > IR_MAX_CONSTS || ir->ops[0].op != IR_nop) {
        return err_set(e, "ir: broken header");
    }
    for (unsigned i = 1; i < ir->nops; i++) {
        const struct ir_op *op = &ir->ops[i];
        const char *wrong = ir_check_op(ir, i);
        wrong = wrong ? wrong : check_laws(ir, op, &l);
        if (wrong) {
            return err_set(e, "ir: op %u (%s): %s", i, op->op < IR_OPCODES ? ir_ops[op->op].name : "?", wrong);
        }
    }
    if (!l.ended) {
        return err_set(e, "ir: the trace has no end");
    }
    return l.insns == ir->ninsns || err_set(e, "ir: %u instructions counted, %u marked", ir->ninsns, l.insns);
}
