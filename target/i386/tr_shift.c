/* Shifts and rotates (SDM volume 1, 7.3.6). Counts are cut to 5 bits, of 64-bit operands to 6; a count of 0 changes no
 * flag. Undefined flags: OF of counts above 1 is as fl_shl and the like define it, AF is 0. */
#include "target/i386/x86.h"

/* The count operand, cut. */
static ir_ref count_of(struct x86 *t, unsigned i, unsigned n)
{
    return ir_andi(t->ir, IR_I32, opd_get(t, i), n == 8 ? 63 : 31);
}

/* `fl`, unless count is 0. */
static ir_ref unless_zero(struct x86 *t, ir_ref count, ir_ref fl)
{
    struct ir *ir = t->ir;
    if (ir_is_const(count)) {
        return ir_const_val(ir, count) ? fl : ir_get(ir, SLOT_FLAGS);
    }
    return ir_select(ir, CC_EQ, IR_I32, count, ir_const(ir, 0), IR_FLAGS, ir_get(ir, SLOT_FLAGS), fl);
}

static ir_ref widened(struct x86 *t, ir_ref v, unsigned n, bool sign)
{
    return n >= 4 ? v : sign ? ir_sext(t->ir, IR_I32, v, 8 * n) : ir_zext(t->ir, IR_I32, v, 8 * n);
}

static bool shift(struct x86 *t, enum ir_opcode op, enum ir_opcode flags)
{
    unsigned n = opd_bytes(t, 0);
    ir_ref c = count_of(t, 1, n), a = opd_get(t, 0);
    a = op == IR_shl ? a : widened(t, a, n, op == IR_sar);
    opd_put(t, 0, ir_op2(t->ir, op, int_type(n), a, c));
    ir_put(t->ir, SLOT_FLAGS, unless_zero(t, c, ir_fl_shift(t->ir, flags, flag_type(n), a, c, 0)));
    return true;
}
bool tr_shl(struct x86 *t)
{
    return shift(t, IR_shl, IR_fl_shl);
}
bool tr_shr(struct x86 *t)
{
    return shift(t, IR_shr, IR_fl_shr);
}
bool tr_sar(struct x86 *t)
{
    return shift(t, IR_sar, IR_fl_sar);
}

/* -- rotates: CF and OF alone
 * ---------------------------------------------------------------------------------------------- */

/* cf, of: 0 or 1. */
static ir_ref carry_overflow(struct x86 *t, ir_ref cf, ir_ref of)
{
    struct ir *ir = t->ir;
    _Static_assert(FL_C == 1 << 8 && FL_V == 1, "packed below");
    ir_ref packed = ir_or(ir, IR_I32, ir_shli(ir, IR_I32, cf, 8), of);
    return ir_fl_mix(ir, FL_C | FL_V, ir_fl_pack(ir, packed), ir_get(ir, SLOT_FLAGS));
}
static ir_ref bit_of(struct x86 *t, ir_ref v, unsigned n, unsigned bit)
{
    return ir_extract(t->ir, int_type(n), v, bit, 1);
}

/* A value of one or two bytes again and again, so that a rotation of 32 bits rotates it. */
static ir_ref repeated(struct x86 *t, ir_ref v, unsigned n)
{
    if (n == 1) {
        v = ir_mul(t->ir, IR_I32, ir_zext(t->ir, IR_I32, v, 8), ir_const(t->ir, 0x01010101));
    } else if (n == 2) {
        v = ir_deposit(t->ir, IR_I32, v, v, 16, 16);
    }
    return v;
}

bool tr_rol(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0), top = 8 * n - 1;
    enum ir_type ty = int_type(n);
    ir_ref c = count_of(t, 1, n), a = repeated(t, opd_get(t, 0), n);
    ir_ref r = ir_op2(ir, IR_ror, ty, a, ir_op1(ir, IR_neg, IR_I32, c));
    opd_put(t, 0, r);
    ir_ref cf = bit_of(t, r, n, 0);
    ir_put(ir, SLOT_FLAGS, unless_zero(t, c, carry_overflow(t, cf, ir_xor(ir, IR_I32, cf, bit_of(t, r, n, top)))));
    return true;
}
bool tr_ror(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0), top = 8 * n - 1;
    ir_ref c = count_of(t, 1, n), a = repeated(t, opd_get(t, 0), n);
    ir_ref r = ir_op2(ir, IR_ror, int_type(n), a, c);
    opd_put(t, 0, r);
    ir_ref cf = bit_of(t, r, n, top);
    ir_put(ir, SLOT_FLAGS, unless_zero(t, c, carry_overflow(t, cf, ir_xor(ir, IR_I32, cf, bit_of(t, r, n, top - 1)))));
    return true;
}

/* Through CF: by a helper, but for the common count of 1. */
static bool rotate_carry(struct x86 *t, bool left)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0), top = 8 * n - 1;
    enum ir_type ty = int_type(n);
    ir_ref c = count_of(t, 1, n), a = opd_get(t, 0);
    ir_ref old = ir_setf(ir, CC_ULT, ir_get(ir, SLOT_FLAGS));
    if (ir_is_const(c) && ir_const_val(ir, c) == 1) {
        ir_ref r, cf, of;
        if (left) {
            r = ir_or(ir, ty, ir_shli(ir, ty, a, 1), old);
            cf = bit_of(t, a, n, top);
            of = ir_xor(ir, IR_I32, cf, bit_of(t, r, n, top));
        } else {
            r = ir_deposit(ir, ty, ir_shri(ir, ty, widened(t, a, n, false), 1), old, top, 1);
            cf = bit_of(t, a, n, 0);
            of = ir_xor(ir, IR_I32, bit_of(t, r, n, top), bit_of(t, r, n, top - 1));
        }
        opd_put(t, 0, r);
        ir_put(ir, SLOT_FLAGS, carry_overflow(t, cf, of));
        return true;
    }
    /* Value, then flags (CF and OF as they will be, packed) of the same. */
    ir_ref key = ir_or(ir, IR_I32, ir_const(ir, n | (left ? 16 : 0)), ir_shli(ir, IR_I32, c, 8));
    ir_ref r = ir_call(ir, H_rotate_carry, a, old, key, 0), fl = ir_call(ir, H_rotate_carry_flags, a, old, key, 0);
    opd_put(t, 0, r);
    ir_ref mixed = ir_fl_mix(ir, FL_C | FL_V, ir_fl_pack(ir, fl), ir_get(ir, SLOT_FLAGS));
    ir_put(ir, SLOT_FLAGS, unless_zero(t, c, mixed));
    return true;
}
bool tr_rcl(struct x86 *t)
{
    return rotate_carry(t, true);
}
bool tr_rcr(struct x86 *t)
{
    return rotate_carry(t, false);
}

/* -- double shifts
 * ------------------------------------------------------------------------------------------------------------ Of 16
 * bits with counts above 16 (undefined) the operands follow each other: dst:src:dst, as processors of Intel do. */

/* Flags of a result: CF given, OF that the sign changed. */
static void double_flags(struct x86 *t, unsigned n, ir_ref c, ir_ref a, ir_ref r, ir_ref cf)
{
    struct ir *ir = t->ir;
    ir_ref of = bit_of(t, ir_xor(ir, int_type(n), a, r), n, 8 * n - 1);
    ir_ref packed = ir_or(ir, IR_I32, ir_shli(ir, IR_I32, cf, 8), of);
    ir_ref fl = ir_fl_mix(ir, FL_C | FL_V, ir_fl_pack(ir, packed), ir_fl_logic(ir, flag_type(n), r, 0));
    ir_put(ir, SLOT_FLAGS, unless_zero(t, c, fl));
}

static bool double_shift(struct x86 *t, bool left)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0), w = 8 * n;
    ir_ref c = count_of(t, 2, n), b = opd_get(t, 1), a = opd_get(t, 0), r, cf;
    if (n == 8) {
        ir_ref inv = ir_sub(ir, IR_I32, ir_const(ir, 63), c); /* a shift by 64 - c in two steps: c may be 0 */
        if (left) {
            ir_ref low = ir_op2(ir, IR_shr, IR_I64, ir_shri(ir, IR_I64, b, 1), inv);
            r = ir_or(ir, IR_I64, ir_op2(ir, IR_shl, IR_I64, a, c), low);
            cf = ir_andi(ir, IR_I64, ir_op2(ir, IR_shr, IR_I64, a, ir_op1(ir, IR_neg, IR_I32, c)), 1);
        } else {
            ir_ref high = ir_op2(ir, IR_shl, IR_I64, ir_shli(ir, IR_I64, b, 1), inv);
            r = ir_or(ir, IR_I64, ir_op2(ir, IR_shr, IR_I64, a, c), high);
            cf = ir_andi(ir, IR_I64, ir_op2(ir, IR_shr, IR_I64, a, ir_addi(ir, IR_I32, c, -1)), 1);
        }
    } else {
        /* In 64 bits: 32-bit operands as a:b, 16-bit ones as a:b:a; the result is what slides into the window. */
        ir_ref wide;
        a = ir_zext(ir, IR_I64, a, w);
        b = ir_zext(ir, IR_I64, b, w);
        if (left) {
            wide = ir_or(ir, IR_I64, ir_shli(ir, IR_I64, a, w), b);
            if (n == 2) {
                wide = ir_or(ir, IR_I64, ir_shli(ir, IR_I64, wide, 16), a);
            }
            enum { POS = 32 }; /* of a's low bit */
            ir_ref moved = ir_op2(ir, IR_shl, IR_I64, wide, c);
            r = ir_shri(ir, IR_I64, moved, POS);
            cf = ir_andi(ir, IR_I64, ir_op2(ir, IR_shr, IR_I64, wide, ir_sub(ir, IR_I32, ir_const(ir, POS + w), c)), 1);
        } else {
            wide = ir_or(ir, IR_I64, ir_shli(ir, IR_I64, b, w), a);
            if (n == 2) {
                wide = ir_or(ir, IR_I64, ir_shli(ir, IR_I64, a, 32), wide);
            }
            r = ir_op2(ir, IR_shr, IR_I64, wide, c);
            cf = ir_andi(ir, IR_I64, ir_op2(ir, IR_shr, IR_I64, wide, ir_addi(ir, IR_I32, c, -1)), 1);
        }
    }
    opd_put(t, 0, r);
    double_flags(t, n, c, a, r, cf);
    return true;
}
bool tr_shld(struct x86 *t)
{
    return double_shift(t, true);
}
bool tr_shrd(struct x86 *t)
{
    return double_shift(t, false);
}

/* -- BMI2: no flags
 * ---------------------------------------------------------------------------------------------------------- */

static bool shift_plain(struct x86 *t, enum ir_opcode op)
{
    unsigned n = opd_bytes(t, 0);
    ir_ref c = ir_andi(t->ir, IR_I32, opd_get(t, 2), n == 8 ? 63 : 31);
    opd_put(t, 0, ir_op2(t->ir, op, int_type(n), opd_get(t, 1), c));
    return true;
}
bool tr_shlx(struct x86 *t)
{
    return shift_plain(t, IR_shl);
}
bool tr_shrx(struct x86 *t)
{
    return shift_plain(t, IR_shr);
}
bool tr_sarx(struct x86 *t)
{
    return shift_plain(t, IR_sar);
}
bool tr_rorx(struct x86 *t)
{
    return shift_plain(t, IR_ror);
}
