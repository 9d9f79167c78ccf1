/* Integer ops: folding and canonical forms. What a rule may assume: operands went through ir_rd, so a constant is cut
 * to the op's width; constants stand on the right of ops that commute; not all operands are constant.
 *
 * A wide inner op may be folded into a narrow outer one when its low bits depend on low bits only (add, and, shl ...);
 * a narrow inner op never into a wide outer one. */
#include "tcg/build_priv.h"

static ir_ref op2_raw(struct ir *ir, unsigned op, enum ir_type t, ir_ref a, ir_ref b)
{
    return ir_pure(ir, OP(.op = (u8)op, .type = t, .a = a, .b = b));
}
static ir_ref op1_raw(struct ir *ir, unsigned op, enum ir_type t, unsigned sub, ir_ref a)
{
    return ir_pure(ir, OP(.op = (u8)op, .type = t, .sub = (u8)sub, .a = a));
}
static u64 ones(enum ir_type t)
{
    return t == IR_I32 ? 0xffffffff : ~0ull;
}
/* `inner` computes at least t's bits, and has a constant on the right. */
static bool has_const_at(const struct ir_op *inner, unsigned opcode, enum ir_type t)
{
    return inner->op == opcode && (inner->type == t || t == IR_I32) && type_is_int(inner->type) &&
           ir_is_const(inner->b);
}
static u64 right_const(const struct ir *ir, const struct ir_op *op)
{
    return ir_const_val(ir, op->b);
}
static bool is_wide(const struct ir_op *inner, unsigned opcode, enum ir_type t)
{
    return inner->op == opcode && type_is_int(inner->type) && (inner->type == t || t == IR_I32);
}

/* -- operations with a constant on the right ---------------------------------------------------------------- */

static ir_ref fold_add_const(struct ir *ir, enum ir_type t, ir_ref a, u64 k)
{
    const struct ir_op *x = op_of(ir, a);
    if (k == 0) {
        return ir_as(ir, t, a);
    }
    if (has_const_at(x, IR_add, t)) {
        return ir_addi(ir, t, x->a, (i64)(k + right_const(ir, x)));
    }
    if (is_wide(x, IR_sub, t) && ir_is_const(x->a)) {
        return ir_sub(ir, t, ir_const(ir, k + ir_const_val(ir, x->a)), x->b);
    }
    if (x->op == IR_pc && t == IR_I64) {
        i64 sum = (i64)((u64)(i64)(i32)x->imm + k);
        if (sum == (i32)sum) {
            return ir_pc(ir, (i32)sum);
        }
    }
    return 0;
}

static ir_ref fold_and_const(struct ir *ir, enum ir_type t, ir_ref a, u64 k)
{
    const struct ir_op *x = op_of(ir, a);
    unsigned n = MIN(sig_bits(ir, a), type_bits(t));
    if (k == 0) {
        return IR_CONST;
    }
    if ((k & MASK(n)) == MASK(n)) {
        return ir_as(ir, t, a);
    }
    if (k == 0xff || k == 0xffff || k == 0xffffffff) {
        return ir_zext(ir, t, a, 64 - clz64(k));
    }
    if (x->op == IR_and && type_is_int(x->type) && ir_is_const(x->b)) {
        return ir_andi(ir, t, x->a, k & right_const(ir, x));
    }
    ir_ref low = ir_low(ir, a, 64 - clz64(k));
    if (low != a) {
        return ir_andi(ir, t, low, k);
    }
    return t == IR_I64 && MIN(n, 64 - clz64(k)) <= 32 ? ir_andi(ir, IR_I32, a, k) : 0; /* the same number */
}

static ir_ref fold_mul_const(struct ir *ir, enum ir_type t, ir_ref a, u64 k)
{
    if (k == 0) {
        return IR_CONST;
    }
    if (k == ones(t)) {
        return ir_op1(ir, IR_neg, t, a);
    }
    return is_pow2(k) ? ir_shli(ir, t, a, ctz64(k)) : 0;
}

static ir_ref fold_div_const(struct ir *ir, unsigned op, enum ir_type t, ir_ref a, u64 k)
{
    if (k == 0) {
        return op == IR_udiv || op == IR_sdiv ? IR_CONST : ir_as(ir, t, a);
    }
    if (k == 1) {
        return op == IR_udiv || op == IR_sdiv ? ir_as(ir, t, a) : IR_CONST;
    }
    if (is_pow2(k) && op == IR_udiv) {
        return ir_shri(ir, t, a, ctz64(k));
    }
    if (is_pow2(k) && op == IR_urem) {
        return ir_andi(ir, t, a, k - 1);
    }
    return 0;
}

static ir_ref fold_right_const(struct ir *ir, unsigned op, enum ir_type t, ir_ref a, u64 k)
{
    const struct ir_op *x = op_of(ir, a);
    switch (op) {
    case IR_add:
        return fold_add_const(ir, t, a, k);
    case IR_sub:
        return ir_addi(ir, t, a, (i64)(0 - k));
    case IR_mul:
        return fold_mul_const(ir, t, a, k);
    case IR_and:
        return fold_and_const(ir, t, a, k);
    case IR_or:
        if (k == 0 || k == ones(t)) {
            return k ? ir_const(ir, k) : ir_as(ir, t, a);
        }
        return has_const_at(x, IR_or, t) ? ir_or(ir, t, x->a, ir_const(ir, k | right_const(ir, x))) : 0;
    case IR_xor:
        if (k == 0 || k == ones(t)) {
            return k ? ir_op1(ir, IR_not, t, a) : ir_as(ir, t, a);
        }
        return has_const_at(x, IR_xor, t) ? ir_xor(ir, t, x->a, ir_const(ir, k ^ right_const(ir, x))) : 0;
    case IR_andn:
        return ir_andi(ir, t, a, ~k);
    case IR_orn:
        return ir_or(ir, t, a, ir_const(ir, ~k));
    case IR_xnor:
        return ir_xor(ir, t, a, ir_const(ir, ~k));
    case IR_umulh:
    case IR_smulh:
        return k == 0 || (k == 1 && op == IR_umulh) ? IR_CONST : 0;
    case IR_udiv:
    case IR_sdiv:
    case IR_urem:
    case IR_srem:
        return fold_div_const(ir, op, t, a, k);
    default:
        return 0;
    }
}

/* -- shifts -------------------------------------------------------------------------------------------------- */

static ir_ref fold_shift_const(struct ir *ir, unsigned op, enum ir_type t, ir_ref a, unsigned n)
{
    const struct ir_op *x = op_of(ir, a);
    unsigned w = type_bits(t), sig = MIN(sig_bits(ir, a), w);
    if (n == 0) {
        return ir_as(ir, t, a);
    }
    if (op == IR_sar && sig < w) {
        return ir_shri(ir, t, a, n);
    }
    if (op == IR_shr && n >= sig) {
        return IR_CONST;
    }
    if (op == IR_shr && t == IR_I64 && sig <= 32) {
        return ir_shri(ir, IR_I32, a, n); /* the same number */
    }
    bool same = op == IR_shl ? has_const_at(x, op, t) : x->op == op && x->type == t && ir_is_const(x->b);
    if (!same) {
        return 0;
    }
    unsigned m = (unsigned)right_const(ir, x) & (type_bits(x->type) - 1), sum = n + m;
    switch (op) {
    case IR_shl:
    case IR_shr:
        return sum >= w ? IR_CONST : op == IR_shl ? ir_shli(ir, t, x->a, sum) : ir_shri(ir, t, x->a, sum);
    case IR_sar:
        return ir_sari(ir, t, x->a, MIN(sum, w - 1));
    default:
        return ir_ror(ir, t, x->a, ir_const(ir, sum & (w - 1)));
    }
}

static ir_ref build_shift(struct ir *ir, unsigned op, enum ir_type t, ir_ref a, ir_ref b)
{
    unsigned w = type_bits(t);
    b = ir_low(ir, b, w == 32 ? 5 : 6);
    if (ir_is_const(a) && ir_is_const(b)) {
        return ir_const(ir, eval_int2(op, t, ir_const_val(ir, a), ir_const_val(ir, b)));
    }
    if (ir_is_const(b)) {
        unsigned n = (unsigned)ir_const_val(ir, b) & (w - 1);
        ir_ref r = fold_shift_const(ir, op, t, a, n);
        return r ? r : op2_raw(ir, op, t, a, ir_const(ir, n));
    }
    if (is_val(ir, a, 0) || (is_val(ir, a, ones(t)) && (op == IR_sar || op == IR_ror))) {
        return a;
    }
    return op2_raw(ir, op, t, a, b);
}

/* -- two operands ----------------------------------------------------------------------------------------------- */

static ir_ref fold_same(struct ir *ir, unsigned op, enum ir_type t, ir_ref a)
{
    switch (op) {
    case IR_sub:
    case IR_xor:
    case IR_andn:
        return IR_CONST;
    case IR_and:
    case IR_or:
        return ir_as(ir, t, a);
    case IR_orn:
    case IR_xnor:
        return ir_const(ir, ones(t));
    default:
        return 0;
    }
}

static ir_ref fold_left_const(struct ir *ir, unsigned op, enum ir_type t, u64 k, ir_ref b)
{
    const struct ir_op *y = op_of(ir, b);
    switch (op) {
    case IR_sub:
        if (k == 0) {
            return ir_op1(ir, IR_neg, t, b);
        }
        if (has_const_at(y, IR_add, t)) {
            return ir_sub(ir, t, ir_const(ir, k - right_const(ir, y)), y->a);
        }
        if (is_wide(y, IR_sub, t) && ir_is_const(y->a)) {
            return ir_addi(ir, t, y->b, (i64)(k - ir_const_val(ir, y->a)));
        }
        return 0;
    case IR_andn:
        return k == 0 ? IR_CONST : k == ones(t) ? ir_op1(ir, IR_not, t, b) : 0;
    case IR_orn:
        return k == 0 ? ir_op1(ir, IR_not, t, b) : k == ones(t) ? ir_const(ir, k) : 0;
    case IR_udiv:
    case IR_sdiv:
    case IR_urem:
    case IR_srem:
        return k == 0 ? IR_CONST : 0;
    default:
        return 0;
    }
}

/* (a + k) + b, when the trace has a + b: so a loop's next round goes by the sums of the first one, and its addresses
 * differ by constants. */
static ir_ref fold_sum(struct ir *ir, enum ir_type t, ir_ref sum, ir_ref b)
{
    const struct ir_op *x = op_of(ir, sum);
    if (t != IR_I64 || !has_const_at(x, IR_add, t)) {
        return 0;
    }
    ir_ref found = ir_find(ir, OP(.op = IR_add, .type = t, .a = MIN(x->a, b), .b = MAX(x->a, b)));
    return found ? ir_addi(ir, t, found, (i64)right_const(ir, x)) : 0;
}
static ir_ref fold_add(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b)
{
    const struct ir_op *x = op_of(ir, a), *y = op_of(ir, b);
    if (is_wide(y, IR_neg, t)) {
        return ir_sub(ir, t, a, y->a);
    }
    if (is_wide(x, IR_neg, t)) {
        return ir_sub(ir, t, b, x->a);
    }
    ir_ref r = fold_sum(ir, t, a, b);
    return r ? r : fold_sum(ir, t, b, a);
}

/* Neither operand is constant. */
static ir_ref fold_pair(struct ir *ir, unsigned op, enum ir_type t, ir_ref a, ir_ref b)
{
    const struct ir_op *x = op_of(ir, a), *y = op_of(ir, b);
    bool x_not = is_wide(x, IR_not, t), y_not = is_wide(y, IR_not, t);
    switch (op) {
    case IR_add:
        return fold_add(ir, t, a, b);
    case IR_sub:
        return is_wide(y, IR_neg, t) ? ir_add(ir, t, a, y->a) : 0;
    case IR_and:
        return y_not ? ir_andn(ir, t, a, y->a) : x_not ? ir_andn(ir, t, b, x->a) : 0;
    case IR_or:
        return y_not ? ir_orn(ir, t, a, y->a) : x_not ? ir_orn(ir, t, b, x->a) : 0;
    case IR_xor:
        return y_not ? ir_xnor(ir, t, a, y->a) : x_not ? ir_xnor(ir, t, b, x->a) : 0;
    case IR_andn:
        return y_not ? ir_and(ir, t, a, y->a) : 0;
    case IR_orn:
        return y_not ? ir_or(ir, t, a, y->a) : 0;
    case IR_xnor:
        return y_not ? ir_xor(ir, t, a, y->a) : x_not ? ir_xor(ir, t, x->a, b) : 0;
    default:
        return 0;
    }
}

ir_ref ir_op2(struct ir *ir, enum ir_opcode op, enum ir_type t, ir_ref a, ir_ref b)
{
    check(type_is_int(t));
    a = ir_rd(ir, t, a);
    b = ir_rd(ir, t, b);
    if (ir_is_const(a)) {
        if (ir_is_const(b)) {
            return ir_const(ir, eval_int2(op, t, ir_const_val(ir, a), ir_const_val(ir, b)));
        }
        if (ir_ops[op].flags & OPF_COMM) {
            ir_ref swap = a;
            a = b;
            b = swap;
        }
    }
    if (op >= IR_shl && op <= IR_ror) {
        return build_shift(ir, op, t, a, b);
    }
    ir_ref r = ir_is_const(b)   ? fold_right_const(ir, op, t, a, ir_const_val(ir, b))
               : ir_is_const(a) ? fold_left_const(ir, op, t, ir_const_val(ir, a), b)
               : a == b         ? fold_same(ir, op, t, a)
                                : fold_pair(ir, op, t, a, b);
    if (r) {
        return r;
    }
    /* One order for ops that commute: more equal ones are found. */
    if ((ir_ops[op].flags & OPF_COMM) && !ir_is_const(b) && a > b) {
        ir_ref swap = a;
        a = b;
        b = swap;
    }
    return op2_raw(ir, op, t, a, b);
}

/* -- one operand ------------------------------------------------------------------------------------------------- */

ir_ref ir_op1(struct ir *ir, enum ir_opcode op, enum ir_type t, ir_ref a)
{
    check(type_is_int(t) && op != IR_bswap && op != IR_zext && op != IR_sext);
    a = ir_rd(ir, t, a);
    if (ir_is_const(a)) {
        return ir_const(ir, eval_int1(op, t, 0, ir_const_val(ir, a)));
    }
    const struct ir_op *x = op_of(ir, a);
    if ((op == IR_neg || op == IR_not) && is_wide(x, op, t)) {
        return ir_as(ir, t, x->a);
    }
    if (op == IR_bitrev && x->op == op && x->type == t) {
        return ir_as(ir, t, x->a);
    }
    if (op == IR_neg && is_wide(x, IR_sub, t)) {
        return ir_sub(ir, t, x->b, x->a);
    }
    if (op == IR_not && is_wide(x, IR_xor, t)) {
        return ir_xnor(ir, t, x->a, x->b);
    }
    if (op == IR_not && is_wide(x, IR_xnor, t)) {
        return ir_xor(ir, t, x->a, x->b);
    }
    return op1_raw(ir, op, t, 0, a);
}

ir_ref ir_addi(struct ir *ir, enum ir_type t, ir_ref a, i64 k)
{
    return ir_add(ir, t, a, ir_const(ir, (u64)k));
}
ir_ref ir_andi(struct ir *ir, enum ir_type t, ir_ref a, u64 k)
{
    return ir_and(ir, t, a, ir_const(ir, k));
}
ir_ref ir_shli(struct ir *ir, enum ir_type t, ir_ref a, unsigned n)
{
    return ir_shl(ir, t, a, ir_const(ir, n));
}
ir_ref ir_shri(struct ir *ir, enum ir_type t, ir_ref a, unsigned n)
{
    return ir_shr(ir, t, a, ir_const(ir, n));
}
ir_ref ir_sari(struct ir *ir, enum ir_type t, ir_ref a, unsigned n)
{
    return ir_sar(ir, t, a, ir_const(ir, n));
}

ir_ref ir_bswap(struct ir *ir, enum ir_type t, ir_ref a, unsigned log2_group)
{
    check(log2_group >= 1 && 8u << log2_group <= type_bits(t));
    a = ir_rd(ir, t, a);
    if (ir_is_const(a)) {
        return ir_const(ir, eval_int1(IR_bswap, t, log2_group, ir_const_val(ir, a)));
    }
    const struct ir_op *x = op_of(ir, a);
    if (x->op == IR_bswap && x->sub == log2_group && is_wide(x, IR_bswap, t)) {
        return ir_as(ir, t, x->a);
    }
    return op1_raw(ir, IR_bswap, t, log2_group, a);
}
