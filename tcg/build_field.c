/* Extensions and bit fields: folding and canonical forms. */
#include "tcg/build_priv.h"

static ir_ref field_raw(struct ir *ir, unsigned op, enum ir_type t, ir_ref a, ir_ref b, u32 imm)
{
    return ir_pure(ir, OP(.op = (u8)op, .type = t, .a = a, .b = b, .imm = imm));
}
static u32 poslen(unsigned pos, unsigned len)
{
    return pos | len << 8;
}

/* Canonical: 8 and 16 bits at I32, 32 bits at I64 (the result is the same number at either type). */
ir_ref ir_zext(struct ir *ir, enum ir_type t, ir_ref a, unsigned n)
{
    n = MIN(n, type_bits(t));
    a = ir_low(ir, a, n);
    if (ir_is_const(a)) {
        return ir_const(ir, ir_const_val(ir, a) & MASK(n));
    }
    if (sig_bits(ir, a) <= n) {
        return a;
    }
    check(n == 8 || n == 16 || n == 32);
    return ir_pure(ir, OP(.op = IR_zext, .type = n == 32 ? IR_I64 : IR_I32, .sub = (u8)n, .a = a));
}

ir_ref ir_sext(struct ir *ir, enum ir_type t, ir_ref a, unsigned n)
{
    if (n >= type_bits(t)) {
        return ir_as(ir, t, a);
    }
    a = ir_low(ir, a, n);
    if (ir_is_const(a)) {
        return ir_const(ir, eval_int1(IR_sext, t, n, ir_const_val(ir, a)));
    }
    const struct ir_op *x = op_of(ir, a);
    if (sig_bits(ir, a) < n) {
        return a;
    }
    if (x->op == IR_sext && x->sub <= n) {
        return ir_sext(ir, t, x->a, x->sub);
    }
    check(n == 8 || n == 16 || n == 32);
    return ir_pure(ir, OP(.op = IR_sext, .type = t, .sub = (u8)n, .a = a));
}

/* An extract of what a field op or shift made, taken from its source. */
static ir_ref extract_through(struct ir *ir, enum ir_type t, const struct ir_op *x, unsigned pos, unsigned len)
{
    unsigned p = x->imm & 0xff, l = x->imm >> 8;
    if (x->type != t || !type_is_int(x->type)) {
        return 0;
    }
    if (x->op == IR_extract && pos < l) {
        return ir_extract(ir, t, x->a, p + pos, MIN(len, l - pos));
    }
    if (x->op == IR_deposit && pos >= p && pos + len <= p + l) {
        return ir_extract(ir, t, x->b, pos - p, len);
    }
    if (x->op == IR_deposit && (pos >= p + l || pos + len <= p)) {
        return ir_extract(ir, t, x->a, pos, len);
    }
    if ((x->op == IR_shr || x->op == IR_shl) && ir_is_const(x->b)) {
        unsigned n = (unsigned)ir_const_val(ir, x->b);
        if (x->op == IR_shr && pos + n + len <= type_bits(t)) {
            return ir_extract(ir, t, x->a, pos + n, len);
        }
        if (x->op == IR_shl && pos >= n) {
            return ir_extract(ir, t, x->a, pos - n, len);
        }
    }
    return 0;
}

ir_ref ir_extract(struct ir *ir, enum ir_type t, ir_ref a, unsigned pos, unsigned len)
{
    check(len && pos + len <= type_bits(t));
    if (len == type_bits(t)) {
        return ir_as(ir, t, a);
    }
    if (pos == 0 && (len == 8 || len == 16 || len == 32)) {
        return ir_zext(ir, t, a, len);
    }
    a = ir_low(ir, ir_rd(ir, t, a), pos + len);
    if (ir_is_const(a)) {
        return ir_const(ir, bits(ir_const_val(ir, a), pos, len));
    }
    unsigned sig = sig_bits(ir, a);
    if (pos >= sig) {
        return IR_CONST;
    }
    if (pos + len >= MIN(sig, type_bits(t))) {
        return ir_shri(ir, t, a, pos);
    }
    ir_ref r = extract_through(ir, t, op_of(ir, a), pos, len);
    return r ? r : field_raw(ir, IR_extract, t, a, 0, poslen(pos, len));
}

ir_ref ir_sextract(struct ir *ir, enum ir_type t, ir_ref a, unsigned pos, unsigned len)
{
    check(len && pos + len <= type_bits(t));
    a = ir_low(ir, ir_rd(ir, t, a), pos + len);
    if (ir_is_const(a)) {
        return ir_const(ir, eval_field(IR_sextract, t, poslen(pos, len), ir_const_val(ir, a), 0));
    }
    if (pos + len == type_bits(t)) {
        return ir_sari(ir, t, a, pos);
    }
    if (pos == 0 && (len == 8 || len == 16 || len == 32)) {
        return ir_sext(ir, t, a, len);
    }
    if (sig_bits(ir, a) < pos + len) {
        return ir_shri(ir, t, a, pos);
    }
    return field_raw(ir, IR_sextract, t, a, 0, poslen(pos, len));
}

ir_ref ir_deposit(struct ir *ir, enum ir_type t, ir_ref a, ir_ref b, unsigned pos, unsigned len)
{
    unsigned w = type_bits(t);
    u64 mask = MASK(len) << pos;
    check(len && pos + len <= w);
    a = ir_rd(ir, t, a);
    b = ir_low(ir, b, len);
    if (len == w) {
        return ir_as(ir, t, b);
    }
    if (ir_is_const(b)) {
        u64 f = ir_const_val(ir, b) & MASK(len);
        if (ir_is_const(a)) {
            return ir_const(ir, eval_trunc(t, deposit(ir_const_val(ir, a), pos, len, f)));
        }
        if (f == 0 || f == MASK(len)) {
            return f ? ir_or(ir, t, a, ir_const(ir, mask)) : ir_andi(ir, t, a, ~mask);
        }
        b = ir_const(ir, f);
    }
    const struct ir_op *x = op_of(ir, a);
    if (x->op == IR_deposit && x->type == t && x->imm == poslen(pos, len)) {
        return ir_deposit(ir, t, x->a, b, pos, len);
    }
    /* Over nothing but zeros above: only what is below the field remains of a. */
    if (is_val(ir, a, 0) || (pos == 0 && sig_bits(ir, a) <= len)) {
        if (pos + len == w) {
            return ir_shli(ir, t, b, pos);
        }
        return ir_shli(ir, t, ir_extract(ir, t, b, 0, len), pos);
    }
    return field_raw(ir, IR_deposit, t, a, b, poslen(pos, len));
}

ir_ref ir_crc32(struct ir *ir, ir_ref acc, ir_ref val, unsigned es, unsigned poly)
{
    check(es <= MO_64 && poly <= CRC_CASTAGNOLI);
    acc = ir_rd(ir, IR_I32, acc);
    val = ir_low(ir, ir_rd(ir, IR_I64, val), 8u << es);
    if (ir_is_const(acc) && ir_is_const(val)) {
        return ir_const(ir, eval_crc32(es, poly, (u32)ir_const_val(ir, acc), ir_const_val(ir, val)));
    }
    return ir_pure(ir, OP(.op = IR_crc32, .type = IR_I32, .sub = (u8)es, .a = acc, .b = val, .imm = poly));
}

ir_ref ir_extr(struct ir *ir, enum ir_type t, ir_ref hi, ir_ref lo, unsigned lsb)
{
    unsigned w = type_bits(t);
    check(lsb < w);
    hi = ir_rd(ir, t, hi);
    lo = ir_rd(ir, t, lo);
    if (lsb == 0) {
        return ir_as(ir, t, lo);
    }
    if (hi == lo) {
        return ir_ror(ir, t, lo, ir_const(ir, lsb));
    }
    if (ir_is_const(hi) && ir_is_const(lo)) {
        return ir_const(ir, eval_field(IR_extr, t, lsb, ir_const_val(ir, hi), ir_const_val(ir, lo)));
    }
    if (is_val(ir, hi, 0)) {
        return ir_shri(ir, t, lo, lsb);
    }
    if (is_val(ir, lo, 0)) {
        return ir_shli(ir, t, hi, w - lsb);
    }
    return field_raw(ir, IR_extr, t, hi, lo, lsb);
}
