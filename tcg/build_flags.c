/* The ops that make, pack and carry flags. */
#include "tcg/build_priv.h"

static ir_ref flags_const(struct ir *ir, u32 fl)
{
    return ir_pure(ir, OP(.op = IR_fl_pack, .type = IR_FLAGS, .a = ir_const(ir, fl)));
}
static ir_ref flags_raw(struct ir *ir, unsigned op, enum ir_type t, ir_ref a, ir_ref b, ir_ref c, unsigned inv)
{
    return ir_pure(ir, OP(.op = (u8)op, .type = IR_FLAGS, .sub = (u8)inv, .a = a, .b = b, .c = c, .imm = t));
}
static void const_right(ir_ref *a, ir_ref *b)
{
    if (ir_is_const(*a)) {
        ir_ref swap = *a;
        *a = *b;
        *b = swap;
    }
}

/* The carry (or borrow) that an op with `inv` takes from fl: 0, 1, or -1 unknown. */
static int known_carry(struct ir *ir, ir_ref fl, unsigned inv)
{
    fl = ir_flags_with(ir, fl, FL_C);
    const struct ir_op *f = op_of(ir, fl);
    if (f->op != IR_fl_pack && !(f->op >= IR_fl_logic && f->op <= IR_fl_sar) && f->op != IR_fl_sub &&
        f->op != IR_fl_add) {
        return -1;
    }
    struct cond c = ir_cond_flags(ir, CC_ULT, fl);
    if (c.kind != COND_ALWAYS && c.kind != COND_NEVER) {
        return -1;
    }
    return (c.kind == COND_ALWAYS) ^ (inv & FL_INV);
}

ir_ref ir_fl_add(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b, unsigned inv)
{
    a = ir_rd(ir, t, a);
    b = ir_rd(ir, t, b);
    if (ir_is_const(a) && ir_is_const(b)) {
        return flags_const(ir, eval_fl_add(t, ir_const_val(ir, a), ir_const_val(ir, b), false, inv));
    }
    const_right(&a, &b);
    return flags_raw(ir, IR_fl_add, t, a, b, 0, inv);
}

ir_ref ir_fl_sub(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b, unsigned inv)
{
    a = ir_rd(ir, t, a);
    b = ir_rd(ir, t, b);
    if (a == b) {
        return flags_const(ir, eval_fl_sub(t, 0, 0, false, inv));
    }
    if (ir_is_const(a) && ir_is_const(b)) {
        return flags_const(ir, eval_fl_sub(t, ir_const_val(ir, a), ir_const_val(ir, b), false, inv));
    }
    return flags_raw(ir, IR_fl_sub, t, a, b, 0, inv);
}

ir_ref ir_fl_adc(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b, ir_ref fl, unsigned inv)
{
    fl = ir_flags_with(ir, fl, FL_C);
    int carry = known_carry(ir, fl, inv);
    a = ir_rd(ir, t, a);
    b = ir_rd(ir, t, b);
    if (carry >= 0 && ir_is_const(a) && ir_is_const(b)) {
        return flags_const(ir, eval_fl_add(t, ir_const_val(ir, a), ir_const_val(ir, b), carry, inv));
    }
    if (carry == 0) {
        return ir_fl_add(ir, t, a, b, inv);
    }
    const_right(&a, &b);
    return flags_raw(ir, IR_fl_adc, t, a, b, fl, inv);
}

ir_ref ir_fl_sbb(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b, ir_ref fl, unsigned inv)
{
    fl = ir_flags_with(ir, fl, FL_C);
    int borrow = known_carry(ir, fl, inv);
    a = ir_rd(ir, t, a);
    b = ir_rd(ir, t, b);
    if (borrow >= 0 && ir_is_const(a) && ir_is_const(b)) {
        return flags_const(ir, eval_fl_sub(t, ir_const_val(ir, a), ir_const_val(ir, b), borrow, inv));
    }
    return borrow == 0 ? ir_fl_sub(ir, t, a, b, inv) : flags_raw(ir, IR_fl_sbb, t, a, b, fl, inv);
}

ir_ref ir_fl_logic(struct ir *ir, enum ir_type t, ir_ref a, unsigned inv)
{
    a = ir_rd(ir, t, a);
    if (ir_is_const(a)) {
        return flags_const(ir, eval_fl_logic(t, ir_const_val(ir, a), inv));
    }
    return flags_raw(ir, IR_fl_logic, t, a, 0, 0, inv);
}

ir_ref ir_fl_shift(struct ir *ir, enum ir_opcode op, enum ir_type t, ir_ref a, ir_ref count, unsigned inv)
{
    check(op >= IR_fl_shl && op <= IR_fl_sar);
    a = ir_rd(ir, t, a);
    count = ir_low(ir, count, t == IR_I64 ? 6 : 5);
    if (ir_is_const(count)) {
        unsigned n = eval_shift_count(t, ir_const_val(ir, count));
        if (n == 0) {
            return ir_fl_logic(ir, t, a, inv);
        }
        if (ir_is_const(a)) {
            return flags_const(ir, eval_fl_shift(op, t, ir_const_val(ir, a), n, inv));
        }
        count = ir_const(ir, n);
    }
    return flags_raw(ir, op, t, a, count, 0, inv);
}

ir_ref ir_fl_fcmp(struct ir *ir, enum ir_type t, unsigned sub, ir_ref a, ir_ref b, unsigned fcmp_bits)
{
    return ir_pure(ir,
                   OP(.op = IR_fl_fcmp, .type = IR_FLAGS, .sub = (u8)sub, .a = a, .b = b, .imm = (u32)t | fcmp_bits));
}

/* Both operands are looked through for what is taken of them; what remains in b of a's own b, or of the same flags as
 * a, makes one mix of two. */
ir_ref ir_fl_mix(struct ir *ir, u32 mask, ir_ref a, ir_ref b)
{
    mask &= FL_ALL;
    a = ir_flags_with(ir, a, mask);
    b = ir_flags_with(ir, b, FL_ALL & ~mask);
    const struct ir_op *x = op_of(ir, a), *y = op_of(ir, b);
    if (x->op == IR_fl_mix && x->b == b) {
        return ir_fl_mix(ir, x->imm & mask, x->a, b);
    }
    if (y->op == IR_fl_mix && y->a == a) {
        return ir_fl_mix(ir, mask | y->imm, a, y->b);
    }
    if (y->op == IR_fl_mix) { /* what lies behind two and the first hides: chains of ADCX and ADOX */
        ir_ref behind = ir_flags_with(ir, y->b, FL_ALL & ~mask & ~y->imm);
        if (behind != y->b) {
            return ir_fl_mix(ir, mask, a, ir_fl_mix(ir, y->imm, y->a, behind));
        }
    }
    if (mask == 0 || a == b) {
        return b;
    }
    if (mask == FL_ALL) {
        return a;
    }
    if (x->op == IR_fl_pack && y->op == IR_fl_pack && ir_is_const(x->a) && ir_is_const(y->a)) {
        return flags_const(ir, eval_fl_mix(mask, (u32)ir_const_val(ir, x->a), (u32)ir_const_val(ir, y->a)));
    }
    return ir_pure(ir, OP(.op = IR_fl_mix, .type = IR_FLAGS, .a = a, .b = b, .imm = mask));
}

ir_ref ir_fl_pack(struct ir *ir, ir_ref packed)
{
    packed = ir_low(ir, packed, 16);
    if (ir_is_const(packed)) {
        return flags_const(ir, (u32)ir_const_val(ir, packed) & FL_ALL);
    }
    const struct ir_op *x = op_of(ir, packed);
    if (x->op == IR_fl_unpack) {
        return x->a;
    }
    if (x->op == IR_and && ir_is_const(x->b) && x->type != IR_V128 && !(~ir_const_val(ir, x->b) & (FL_ALL | FL_LAZY))) {
        return ir_fl_pack(ir, x->a);
    }
    return ir_pure(ir, OP(.op = IR_fl_pack, .type = IR_FLAGS, .a = packed));
}

ir_ref ir_fl_unpack(struct ir *ir, ir_ref fl)
{
    const struct ir_op *x = op_of(ir, fl);
    if (x->op == IR_fl_pack) {
        return ir_andi(ir, IR_I32, x->a, FL_ALL);
    }
    return ir_pure(ir, OP(.op = IR_fl_unpack, .type = IR_I32, .a = fl));
}

/* 1 when an op with `inv` takes a carry (or borrow) from fl. */
static ir_ref carry_value(struct ir *ir, ir_ref fl, unsigned inv)
{
    return ir_setf(ir, inv & FL_INV ? CC_UGE : CC_ULT, fl);
}

ir_ref ir_adc(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b, ir_ref fl, unsigned inv)
{
    fl = ir_flags_with(ir, fl, FL_C);
    int carry = known_carry(ir, fl, inv);
    if (carry >= 0) {
        return ir_addi(ir, t, ir_add(ir, t, a, b), carry);
    }
    a = ir_rd(ir, t, a);
    b = ir_rd(ir, t, b);
    if (ir_is_const(a) && ir_is_const(b)) {
        return ir_add(ir, t, carry_value(ir, fl, inv), ir_add(ir, t, a, b));
    }
    const_right(&a, &b);
    return ir_pure(ir, OP(.op = IR_adc, .type = t, .sub = (u8)inv, .a = a, .b = b, .c = fl));
}

ir_ref ir_sbb(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b, ir_ref fl, unsigned inv)
{
    fl = ir_flags_with(ir, fl, FL_C);
    int borrow = known_carry(ir, fl, inv);
    if (borrow >= 0) {
        return ir_addi(ir, t, ir_sub(ir, t, a, b), -borrow);
    }
    a = ir_rd(ir, t, a);
    b = ir_rd(ir, t, b);
    if (ir_is_const(a) && ir_is_const(b)) {
        return ir_sub(ir, t, ir_sub(ir, t, a, b), carry_value(ir, fl, inv));
    }
    return ir_pure(ir, OP(.op = IR_sbb, .type = t, .sub = (u8)inv, .a = a, .b = b, .c = fl));
}
