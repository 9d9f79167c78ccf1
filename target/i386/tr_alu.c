/* Arithmetic and logic (SDM volume 1, 7.3.2 and 7.3.3). An instruction with a memory destination loads, computes and
 * stores before it puts flags; with LOCK, or as XCHG, it is one atomic operation. */
#include "target/i386/x86.h"

/* What the two-operand group does: value and flags of a op b at n bytes. */
struct alu {
    ir_ref value, flags;
};
enum alu_op { ALU_ADD, ALU_OR, ALU_ADC, ALU_SBB, ALU_AND, ALU_SUB, ALU_XOR, ALU_CMP };

static struct alu alu(struct x86 *t, enum alu_op op, unsigned n, ir_ref a, ir_ref b)
{
    struct ir *ir = t->ir;
    enum ir_type ty = int_type(n), ft = flag_type(n);
    ir_ref fl, v;
    switch (op) {
    case ALU_ADD:
        return (struct alu){ir_add(ir, ty, a, b), ir_fl_add(ir, ft, a, b, 0)};
    case ALU_ADC:
        fl = ir_get(ir, SLOT_FLAGS);
        return (struct alu){ir_adc(ir, ty, a, b, fl, 0), ir_fl_adc(ir, ft, a, b, fl, 0)};
    case ALU_SBB:
        fl = ir_get(ir, SLOT_FLAGS);
        return (struct alu){ir_sbb(ir, ty, a, b, fl, 0), ir_fl_sbb(ir, ft, a, b, fl, 0)};
    case ALU_SUB:
    case ALU_CMP:
        return (struct alu){ir_sub(ir, ty, a, b), ir_fl_sub(ir, ft, a, b, 0)};
    default:
        v = op == ALU_AND ? ir_and(ir, ty, a, b) : op == ALU_OR ? ir_or(ir, ty, a, b) : ir_xor(ir, ty, a, b);
        return (struct alu){v, ir_fl_logic(ir, ft, v, 0)};
    }
}

/* With LOCK: the old value of the memory operand, which the operation replaced atomically. */
static ir_ref locked(struct x86 *t, enum alu_op op, unsigned n, ir_ref b)
{
    static const u8 rmw[] = {
        [ALU_ADD] = RMW_ADD, [ALU_OR] = RMW_OR, [ALU_AND] = RMW_AND, [ALU_SUB] = RMW_SUB, [ALU_XOR] = RMW_XOR};
    ir_ref addr = x86_mem(t, n, true);
    if (op == ALU_ADC || op == ALU_SBB) { /* no host has them */
        ir_ref carry = ir_setf(t->ir, CC_ULT, ir_get(t->ir, SLOT_FLAGS));
        b = ir_add(t->ir, int_type(n), b, carry);
        op = op == ALU_ADC ? ALU_ADD : ALU_SUB;
    }
    return ir_rmw(t->ir, rmw[op], int_type(n), addr, 0, b, x86_mo(t, n));
}

static bool binary(struct x86 *t, enum alu_op op)
{
    unsigned n = opd_bytes(t, 0);
    ir_ref b = opd_get(t, 1);
    if (t->in.lock) {
        ir_ref old = locked(t, op, n, b);
        ir_put(t->ir, SLOT_FLAGS, alu(t, op, n, old, b).flags);
        return true;
    }
    struct alu r = alu(t, op, n, opd_get(t, 0), b);
    if (op != ALU_CMP) {
        opd_put(t, 0, r.value);
    }
    ir_put(t->ir, SLOT_FLAGS, r.flags);
    return true;
}

bool tr_add(struct x86 *t)
{
    return binary(t, ALU_ADD);
}
bool tr_or(struct x86 *t)
{
    return binary(t, ALU_OR);
}
bool tr_adc(struct x86 *t)
{
    return binary(t, ALU_ADC);
}
bool tr_sbb(struct x86 *t)
{
    return binary(t, ALU_SBB);
}
bool tr_and(struct x86 *t)
{
    return binary(t, ALU_AND);
}
bool tr_sub(struct x86 *t)
{
    return binary(t, ALU_SUB);
}
bool tr_xor(struct x86 *t)
{
    return binary(t, ALU_XOR);
}
bool tr_cmp(struct x86 *t)
{
    return binary(t, ALU_CMP);
}
bool tr_test(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    ir_ref v = ir_and(t->ir, int_type(n), opd_get(t, 0), opd_get(t, 1));
    ir_put(t->ir, SLOT_FLAGS, ir_fl_logic(t->ir, flag_type(n), v, 0));
    return true;
}

/* -- one operand ------------------------------------------------------------------------------------------------------
 */

/* INC and DEC leave CF. */
static bool step(struct x86 *t, enum alu_op op)
{
    unsigned n = opd_bytes(t, 0);
    ir_ref one = ir_const(t->ir, 1), old = t->in.lock ? locked(t, op, n, one) : opd_get(t, 0);
    struct alu r = alu(t, op, n, old, one);
    if (!t->in.lock) {
        opd_put(t, 0, r.value);
    }
    ir_put(t->ir, SLOT_FLAGS, ir_fl_mix(t->ir, FL_C, ir_get(t->ir, SLOT_FLAGS), r.flags));
    return true;
}
bool tr_inc(struct x86 *t)
{
    return step(t, ALU_ADD);
}
bool tr_dec(struct x86 *t)
{
    return step(t, ALU_SUB);
}

bool tr_not(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    if (t->in.lock) {
        locked(t, ALU_XOR, n, ir_const(t->ir, ~0ull));
    } else {
        opd_put(t, 0, ir_op1(t->ir, IR_not, int_type(n), opd_get(t, 0)));
    }
    return true;
}

bool tr_neg(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    ir_ref zero = ir_const(t->ir, 0), old;
    if (t->in.lock) {
        old = ir_call(t->ir, H_locked_neg, x86_mem(t, n, true), ir_const(t->ir, n), 0, 0);
    } else {
        old = opd_get(t, 0);
        opd_put(t, 0, ir_op1(t->ir, IR_neg, int_type(n), old));
    }
    ir_put(t->ir, SLOT_FLAGS, ir_fl_sub(t->ir, flag_type(n), zero, old, 0));
    return true;
}

/* -- multiplication ---------------------------------------------------------------------------------------------------
 */

/* CF and OF tell that the high half matters; the others, undefined, are the low half's. */
static void product_flags(struct x86 *t, unsigned n, ir_ref low, ir_ref lost)
{
    ir_ref cv = ir_and(t->ir, IR_I32, ir_op1(t->ir, IR_neg, IR_I32, lost), ir_const(t->ir, FL_C | FL_V));
    ir_ref rest = ir_fl_logic(t->ir, flag_type(n), low, 0);
    ir_put(t->ir, SLOT_FLAGS, ir_fl_mix(t->ir, FL_C | FL_V, ir_fl_pack(t->ir, cv), rest));
}

static ir_ref widen(struct x86 *t, ir_ref v, unsigned n, bool sign)
{
    return n == 8 ? v : sign ? ir_sext(t->ir, IR_I64, v, 8 * n) : ir_zext(t->ir, IR_I64, v, 8 * n);
}

/* rDX:rAX = rAX * operand, AX = AL * operand. */
static bool multiply_wide(struct x86 *t, bool sign)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0);
    ir_ref a = widen(t, gpr_get(t, 0, n), n, sign), b = widen(t, opd_get(t, 0), n, sign);
    ir_ref low = ir_mul(ir, IR_I64, a, b), high, lost;
    if (n == 8) {
        high = ir_op2(ir, sign ? IR_smulh : IR_umulh, IR_I64, a, b);
        lost = ir_setcc(ir, CC_NE, IR_I64, high, sign ? ir_sari(ir, IR_I64, low, 63) : ir_const(ir, 0));
    } else {
        high = ir_shri(ir, IR_I64, low, 8 * n);
        lost = ir_setcc(ir, CC_NE, IR_I64, low, widen(t, low, n, sign));
    }
    if (n == 1) {
        gpr_put(t, 0, 2, low);
    } else {
        gpr_put(t, 0, n, low);
        gpr_put(t, 2, n, high);
    }
    product_flags(t, n, low, lost);
    return true;
}
bool tr_mul(struct x86 *t)
{
    return multiply_wide(t, false);
}
bool tr_imul1(struct x86 *t)
{
    return multiply_wide(t, true);
}

/* The result is multiplied apart from what the flags look at, which is hardly ever wanted. */
static bool multiply(struct x86 *t, ir_ref a, ir_ref b)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0);
    ir_ref low = ir_mul(ir, int_type(n), a, b), lost;
    if (n == 8) {
        lost = ir_setcc(ir, CC_NE, IR_I64, ir_op2(ir, IR_smulh, IR_I64, a, b), ir_sari(ir, IR_I64, low, 63));
    } else {
        ir_ref wide = ir_mul(ir, IR_I64, widen(t, a, n, true), widen(t, b, n, true));
        lost = ir_setcc(ir, CC_NE, IR_I64, wide, widen(t, wide, n, true));
    }
    opd_put(t, 0, low);
    product_flags(t, n, low, lost);
    return true;
}
bool tr_imul2(struct x86 *t)
{
    return multiply(t, opd_get(t, 0), opd_get(t, 1));
}
bool tr_imul3(struct x86 *t)
{
    return multiply(t, opd_get(t, 1), opd_get(t, 2));
}

/* No flags; the high half goes last, so it stays where both are one register. */
bool tr_mulx(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0);
    ir_ref a = widen(t, gpr_get(t, 2, n), n, false), b = widen(t, opd_get(t, 2), n, false);
    ir_ref low = ir_mul(ir, IR_I64, a, b);
    ir_ref high = n == 8 ? ir_op2(ir, IR_umulh, IR_I64, a, b) : ir_shri(ir, IR_I64, low, 32);
    opd_put(t, 1, low);
    opd_put(t, 0, high);
    return true;
}

/* -- division ---------------------------------------------------------------------------------------------------------
 */

/* The helper raises #DE; flags, undefined, stay. */
static bool divide(struct x86 *t, bool sign)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0);
    ir_ref d = opd_get(t, 0), lo = gpr_get(t, 0, n == 1 ? 2 : n), hi = n == 1 ? 0 : gpr_get(t, 2, n);
    ir_ref key = ir_const(ir, n | (sign ? 16 : 0));
    ir_ref q = ir_call(ir, H_divide, lo, hi ? hi : ir_const(ir, 0), d, key);
    enum ir_type ty = int_type(n);
    ir_ref dx = n == 8 ? d : sign ? ir_sext(ir, IR_I32, d, 8 * n) : ir_zext(ir, IR_I32, d, 8 * n);
    ir_ref rem = ir_sub(ir, ty, lo, ir_mul(ir, ty, q, dx));
    if (n == 1) {
        ir_ref ah = ir_shli(ir, IR_I32, rem, 8);
        gpr_put(t, 0, 2, ir_or(ir, IR_I32, ah, ir_zext(ir, IR_I32, q, 8)));
    } else {
        gpr_put(t, 0, n, q);
        gpr_put(t, 2, n, rem);
    }
    return true;
}
bool tr_div(struct x86 *t)
{
    return divide(t, false);
}
bool tr_idiv(struct x86 *t)
{
    return divide(t, true);
}

/* -- ADCX, ADOX: a carry chain in CF or OF alone
 * ------------------------------------------------------------------------- */

bool tr_adcx(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    ir_ref old = ir_get(t->ir, SLOT_FLAGS), b = opd_get(t, 1), a = opd_get(t, 0);
    opd_put(t, 0, ir_adc(t->ir, int_type(n), a, b, old, 0));
    ir_put(t->ir, SLOT_FLAGS, ir_fl_mix(t->ir, FL_C, ir_fl_adc(t->ir, flag_type(n), a, b, old, 0), old));
    return true;
}
bool tr_adox(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0);
    ir_ref old = ir_get(ir, SLOT_FLAGS), b = opd_get(t, 1), a = opd_get(t, 0);
    ir_ref carry = ir_fl_pack(ir, ir_shli(ir, IR_I32, ir_setf(ir, CC_VS, old), ctz32(FL_C)));
    opd_put(t, 0, ir_adc(ir, int_type(n), a, b, carry, 0));
    ir_ref out = ir_setf(ir, CC_ULT, ir_fl_adc(ir, flag_type(n), a, b, carry, 0)); /* FL_V is bit 0 */
    ir_put(ir, SLOT_FLAGS, ir_fl_mix(ir, FL_V, ir_fl_pack(ir, out), old));
    return true;
}

/* -- decimal
 * ------------------------------------------------------------------------------------------------------------- */

static bool decimal(struct x86 *t, unsigned what)
{
    ir_call(t->ir, H_decimal, ir_const(t->ir, what), 0, 0, 0);
    return true;
}
bool tr_daa(struct x86 *t)
{
    return decimal(t, 0);
}
bool tr_das(struct x86 *t)
{
    return decimal(t, 1);
}
bool tr_aaa(struct x86 *t)
{
    return decimal(t, 2);
}
bool tr_aas(struct x86 *t)
{
    return decimal(t, 3);
}
bool tr_aam(struct x86 *t)
{
    struct ir *ir = t->ir;
    if ((u8)t->in.imm == 0) {
        x86_raise(t, EXC_DE, 0);
        return true;
    }
    ir_ref al = ir_zext(ir, IR_I32, gpr_get(t, 0, 1), 8), d = ir_const(ir, (u8)t->in.imm);
    ir_ref low = ir_op2(ir, IR_urem, IR_I32, al, d);
    gpr_put(t, 0, 2, ir_or(ir, IR_I32, ir_shli(ir, IR_I32, ir_op2(ir, IR_udiv, IR_I32, al, d), 8), low));
    ir_put(ir, SLOT_FLAGS, ir_fl_logic(ir, IR_I8, low, 0));
    return true;
}
bool tr_aad(struct x86 *t)
{
    struct ir *ir = t->ir;
    ir_ref ax = ir_get(ir, SLOT_RAX), ah = ir_extract(ir, IR_I32, ax, 8, 8);
    ir_ref sum = ir_add(ir, IR_I32, ir_mul(ir, IR_I32, ah, ir_const(ir, (u8)t->in.imm)), ax);
    gpr_put(t, 0, 2, ir_zext(ir, IR_I32, sum, 8));
    ir_put(ir, SLOT_FLAGS, ir_fl_logic(ir, IR_I8, sum, 0));
    return true;
}

/* -- widening
 * ------------------------------------------------------------------------------------------------------------ */

bool tr_cbw(struct x86 *t) /* CBW, CWDE, CDQE */
{
    unsigned n = t->in.opsize;
    gpr_put(t, 0, n, ir_sext(t->ir, int_type(n), ir_get(t->ir, SLOT_RAX), 4 * n));
    return true;
}
bool tr_cwd(struct x86 *t) /* CWD, CDQ, CQO */
{
    unsigned n = t->in.opsize;
    ir_ref a = ir_get(t->ir, SLOT_RAX);
    a = n == 2 ? ir_sext(t->ir, IR_I32, a, 16) : a;
    gpr_put(t, 2, n, ir_sari(t->ir, int_type(n), a, n == 8 ? 63 : 31));
    return true;
}
bool tr_movzx(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    opd_put(t, 0, ir_zext(t->ir, int_type(n), opd_get(t, 1), 8 * opd_bytes(t, 1)));
    return true;
}
bool tr_movsx(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    opd_put(t, 0, ir_sext(t->ir, int_type(n), opd_get(t, 1), 8 * opd_bytes(t, 1)));
    return true;
}
bool tr_movsxd(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    ir_ref v = opd_get(t, 1);
    opd_put(t, 0, n == 8 ? ir_sext(t->ir, IR_I64, v, 32) : v);
    return true;
}
