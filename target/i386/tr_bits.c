/* Bits: tests, scans, counts, bytes in reverse, BMI (SDM volume 1, 7.3.7; volume 2). */
#include "target/i386/x86.h"

/* -- BT and the like: CF alone; OF SF AF PF, undefined, stay, as ZF does
 * ------------------------------------------------------- */

enum bit_op { BIT_TEST, BIT_SET, BIT_RESET, BIT_COMPLEMENT };

static ir_ref changed(struct x86 *t, enum bit_op op, enum ir_type ty, ir_ref a, ir_ref mask)
{
    switch (op) {
    case BIT_SET:
        return ir_or(t->ir, ty, a, mask);
    case BIT_RESET:
        return ir_op2(t->ir, IR_andn, ty, a, mask);
    default:
        return ir_xor(t->ir, ty, a, mask);
    }
}

/* A register's number of a bit in memory reaches beyond the operand: whole operands are added to the address. */
static void far_bit(struct x86 *t, unsigned n, ir_ref number, bool write)
{
    struct ir *ir = t->ir;
    number = n == 2 ? ir_sext(ir, IR_I64, number, 16) : n == 4 ? ir_sext(ir, IR_I64, number, 32) : number;
    ir_ref bytes = ir_andi(ir, IR_I64, ir_sari(ir, IR_I64, number, 3), (u64) - (i64)n);
    ir_ref ea = ir_add(ir, IR_I64, x86_ea(t), bytes);
    if (t->in.addrsize < 8) {
        ea = ir_zext(ir, IR_I64, ea, 8 * t->in.addrsize);
    }
    t->addr = x86_linear(t, x86_seg(t), ea, n, write);
}

static bool change_bit(struct x86 *t, enum bit_op op)
{
    static const u8 rmw[] = {[BIT_SET] = RMW_OR, [BIT_RESET] = RMW_ANDN, [BIT_COMPLEMENT] = RMW_XOR};
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0);
    enum ir_type ty = int_type(n);
    ir_ref number = opd_get(t, 1), a;
    if (t->in.mod != 3 && x86_opds[opd(t, 1)].place == PL_G) {
        far_bit(t, n, number, op != BIT_TEST);
    }
    ir_ref pos = ir_andi(ir, IR_I32, number, 8 * n - 1), mask = ir_op2(ir, IR_shl, ty, ir_const(ir, 1), pos);
    if (t->in.lock) {
        a = ir_rmw(ir, rmw[op], ty, x86_mem(t, n, true), 0, mask, x86_mo(t, n));
    } else {
        a = opd_get(t, 0);
        if (op != BIT_TEST) {
            opd_put(t, 0, changed(t, op, ty, a, mask));
        }
    }
    ir_ref cf = ir_andi(ir, ty, ir_op2(ir, IR_shr, ty, a, pos), 1);
    ir_ref fl = ir_fl_pack(ir, ir_shli(ir, IR_I32, cf, 8));
    ir_put(ir, SLOT_FLAGS, ir_fl_mix(ir, FL_C, fl, ir_get(ir, SLOT_FLAGS)));
    return true;
}
bool tr_bt(struct x86 *t)
{
    return change_bit(t, BIT_TEST);
}
bool tr_bts(struct x86 *t)
{
    return change_bit(t, BIT_SET);
}
bool tr_btr(struct x86 *t)
{
    return change_bit(t, BIT_RESET);
}
bool tr_btc(struct x86 *t)
{
    return change_bit(t, BIT_COMPLEMENT);
}

/* -- scans and counts
 * --------------------------------------------------------------------------------------------------------- */

/* BSF, BSR: ZF tells that the source is 0; then the destination stays (its upper half too, as all processors do). */
static bool scan(struct x86 *t, bool reverse)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0);
    enum ir_type ty = int_type(n);
    ir_ref a = opd_get(t, 1), zero = ir_const(ir, 0);
    a = n == 2 ? ir_zext(ir, IR_I32, a, 16) : a;
    ir_ref at = reverse ? ir_xor(ir, IR_I32, ir_op1(ir, IR_clz, ty, a), ir_const(ir, n == 8 ? 63 : 31))
                        : ir_op1(ir, IR_ctz, ty, a);
    ir_ref old = ir_get(ir, SLOT_RAX + t->in.reg);
    ir_ref found = n == 2 ? ir_deposit(ir, IR_I64, old, at, 0, 16) : ir_zext(ir, IR_I64, at, 32);
    ir_put(ir, SLOT_RAX + t->in.reg, ir_select(ir, CC_EQ, ty, a, zero, IR_I64, old, found));
    ir_put(ir, SLOT_FLAGS, ir_fl_logic(ir, flag_type(n), a, 0));
    return true;
}
bool tr_bsf(struct x86 *t)
{
    return scan(t, false);
}
bool tr_bsr(struct x86 *t)
{
    return scan(t, true);
}

/* CF: the source is 0; ZF: the result is. */
static bool count_zeros(struct x86 *t, bool leading)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0);
    enum ir_type ty = int_type(n);
    ir_ref a = opd_get(t, 1), r;
    if (n == 2 && leading) {
        a = ir_zext(ir, IR_I32, a, 16);
        r = ir_addi(ir, IR_I32, ir_op1(ir, IR_clz, IR_I32, a), -16);
    } else if (n == 2) {
        a = ir_zext(ir, IR_I32, a, 16);
        r = ir_op1(ir, IR_ctz, IR_I32, ir_or(ir, IR_I32, a, ir_const(ir, 0x10000)));
    } else {
        r = ir_op1(ir, leading ? IR_clz : IR_ctz, ty, a);
    }
    opd_put(t, 0, r);
    ir_ref cf = ir_shli(ir, IR_I32, ir_setcc(ir, CC_EQ, ty, a, ir_const(ir, 0)), 8);
    ir_put(ir, SLOT_FLAGS, ir_fl_mix(ir, FL_C, ir_fl_pack(ir, cf), ir_fl_logic(ir, ty, r, 0)));
    return true;
}
bool tr_tzcnt(struct x86 *t)
{
    return count_zeros(t, false);
}
bool tr_lzcnt(struct x86 *t)
{
    return count_zeros(t, true);
}
bool tr_popcnt(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0);
    ir_ref a = opd_get(t, 1);
    a = n == 2 ? ir_zext(ir, IR_I32, a, 16) : a;
    opd_put(t, 0, ir_op1(ir, IR_popcnt, int_type(n), a));
    ir_ref zf = ir_select(ir, CC_EQ, int_type(n), a, ir_const(ir, 0), IR_I32, ir_const(ir, FL_Z), ir_const(ir, 0));
    ir_put(ir, SLOT_FLAGS, ir_fl_pack(ir, zf)); /* all others are 0 */
    return true;
}

bool tr_bswap(struct x86 *t)
{
    unsigned n = t->in.opsize == 8 ? 8 : 4, r = t->in.opreg;
    if (t->in.opsize == 2) { /* undefined: what is stored is 0 */
        gpr_put(t, r, 2, ir_const(t->ir, 0));
        return true;
    }
    gpr_put(t, r, n, ir_bswap(t->ir, int_type(n), gpr_get(t, r, n), n == 8 ? 3 : 2));
    return true;
}
bool tr_movbe(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    ir_ref v = opd_get(t, 1);
    opd_put(t, 0, ir_bswap(t->ir, int_type(n), v, n == 8 ? 3 : n == 4 ? 2 : 1));
    return true;
}
bool tr_crc32(struct x86 *t)
{
    unsigned n = opd_bytes(t, 1);
    opd_put(t, 0, ir_crc32(t->ir, gpr_get(t, t->in.reg, 4), opd_get(t, 1), ctz32(n), CRC_CASTAGNOLI));
    return true;
}

/* -- BMI1, BMI2
 * ------------------------------------------------------------------------------------------------------------- */

bool tr_andn(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    ir_ref b = opd_get(t, 2), r = ir_op2(t->ir, IR_andn, int_type(n), b, opd_get(t, 1));
    opd_put(t, 0, r);
    ir_put(t->ir, SLOT_FLAGS, ir_fl_logic(t->ir, flag_type(n), r, 0));
    return true;
}

/* Result's N and Z; C: `cf`. */
static void bmi_put(struct x86 *t, ir_ref r, ir_ref cf)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0);
    opd_put(t, 0, r);
    ir_ref fl = ir_fl_pack(ir, ir_shli(ir, IR_I32, cf, 8));
    ir_put(ir, SLOT_FLAGS, ir_fl_mix(ir, FL_C, fl, ir_fl_logic(ir, flag_type(n), r, 0)));
}
bool tr_blsr(struct x86 *t)
{
    enum ir_type ty = int_type(opd_bytes(t, 0));
    ir_ref a = opd_get(t, 1);
    bmi_put(t, ir_and(t->ir, ty, a, ir_addi(t->ir, ty, a, -1)), ir_setcc(t->ir, CC_EQ, ty, a, ir_const(t->ir, 0)));
    return true;
}
bool tr_blsmsk(struct x86 *t)
{
    enum ir_type ty = int_type(opd_bytes(t, 0));
    ir_ref a = opd_get(t, 1);
    bmi_put(t, ir_xor(t->ir, ty, a, ir_addi(t->ir, ty, a, -1)), ir_setcc(t->ir, CC_EQ, ty, a, ir_const(t->ir, 0)));
    return true;
}
bool tr_blsi(struct x86 *t)
{
    enum ir_type ty = int_type(opd_bytes(t, 0));
    ir_ref a = opd_get(t, 1);
    bmi_put(t, ir_and(t->ir, ty, a, ir_op1(t->ir, IR_neg, ty, a)), ir_setcc(t->ir, CC_NE, ty, a, ir_const(t->ir, 0)));
    return true;
}

/* v with its bits from `count` on cleared; count is any number of 8 bits. */
static ir_ref low_bits(struct x86 *t, enum ir_type ty, ir_ref v, ir_ref count)
{
    struct ir *ir = t->ir;
    unsigned w = ty == IR_I64 ? 64 : 32;
    ir_ref mask = ir_addi(ir, ty, ir_op2(ir, IR_shl, ty, ir_const(ir, 1), count), -1);
    return ir_select(ir, CC_ULT, IR_I32, count, ir_const(ir, w), ty, ir_and(ir, ty, v, mask), v);
}
bool tr_bzhi(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0);
    ir_ref count = ir_zext(ir, IR_I32, opd_get(t, 2), 8), a = opd_get(t, 1);
    bmi_put(t, low_bits(t, int_type(n), a, count), ir_setcc(ir, CC_UGE, IR_I32, count, ir_const(ir, 8 * n)));
    return true;
}
bool tr_bextr(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0);
    enum ir_type ty = int_type(n);
    ir_ref ctl = opd_get(t, 2), a = opd_get(t, 1);
    ir_ref start = ir_extract(ir, IR_I32, ctl, 0, 8), len = ir_extract(ir, IR_I32, ctl, 8, 8), zero = ir_const(ir, 0);
    ir_ref moved =
        ir_select(ir, CC_ULT, IR_I32, start, ir_const(ir, 8 * n), ty, ir_op2(ir, IR_shr, ty, a, start), zero);
    bmi_put(t, low_bits(t, ty, moved, len), zero);
    return true;
}
static bool parallel(struct x86 *t, enum x86_helper h)
{
    unsigned n = opd_bytes(t, 0);
    ir_ref mask = opd_get(t, 2), a = opd_get(t, 1);
    mask = n == 8 ? mask : ir_zext(t->ir, IR_I64, mask, 32);
    opd_put(t, 0, ir_call(t->ir, h, a, mask, 0, 0));
    return true;
}
bool tr_pext(struct x86 *t)
{
    return parallel(t, H_pext);
}
bool tr_pdep(struct x86 *t)
{
    return parallel(t, H_pdep);
}
