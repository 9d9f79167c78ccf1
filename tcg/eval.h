/* What the integer, flag and vector ops compute: the one place where it is written down. The builder folds constants
 * with it, the interpreter runs it, the tests compare it with an independent formulation.
 *
 * An I32 operand may carry anything above bit 31; an I32 result has zeros there. With `op` constant the switches
 * vanish, which is why they are inline. */
#ifndef MOSS_TCG_EVAL_H
#define MOSS_TCG_EVAL_H

#include "base/bits.h"
#include "tcg/ir.h"

#define EVAL_INLINE static inline __attribute__((always_inline))

EVAL_INLINE u64 eval_trunc(unsigned t, u64 v)
{
    return t == IR_I32 ? (u32)v : t == IR_I8 ? (u8)v : t == IR_I16 ? (u16)v : v;
}
/* The value as a signed number. */
EVAL_INLINE i64 eval_signed(unsigned t, u64 v)
{
    return t == IR_I32 ? (i32)v : t == IR_I8 ? (i8)v : t == IR_I16 ? (i16)v : (i64)v;
}
EVAL_INLINE unsigned eval_width(unsigned t)
{
    return t == IR_I32 ? 32 : t == IR_I8 ? 8 : t == IR_I16 ? 16 : 64;
}

/* Division by zero gives quotient 0 and remainder a; the one signed overflow wraps. */
EVAL_INLINE u64 eval_div(unsigned op, unsigned t, u64 a, u64 b)
{
    if (op == IR_udiv || op == IR_urem) {
        if (b == 0) {
            return op == IR_udiv ? 0 : a;
        }
        return op == IR_udiv ? a / b : a % b;
    }
    i64 x = eval_signed(t, a), y = eval_signed(t, b);
    if (y == 0) {
        return op == IR_sdiv ? 0 : a;
    }
    if (y == -1) {
        return op == IR_sdiv ? 0 - a : 0;
    }
    return (u64)(op == IR_sdiv ? x / y : x % y);
}

/* add .. xnor, shl .. ror, umulh .. srem */
EVAL_INLINE u64 eval_int2(unsigned op, unsigned t, u64 a, u64 b)
{
    a = eval_trunc(t, a);
    b = eval_trunc(t, b);
    unsigned n = (unsigned)b & (t == IR_I32 ? 31 : 63);
    u64 r;
    switch (op) {
    case IR_add:
        r = a + b;
        break;
    case IR_sub:
        r = a - b;
        break;
    case IR_mul:
        r = a * b;
        break;
    case IR_and:
        r = a & b;
        break;
    case IR_or:
        r = a | b;
        break;
    case IR_xor:
        r = a ^ b;
        break;
    case IR_andn:
        r = a & ~b;
        break;
    case IR_orn:
        r = a | ~b;
        break;
    case IR_xnor:
        r = a ^ ~b;
        break;
    case IR_shl:
        r = a << n;
        break;
    case IR_shr:
        r = a >> n;
        break;
    case IR_sar:
        r = (u64)(eval_signed(t, a) >> n);
        break;
    case IR_ror:
        r = t == IR_I32 ? ror32((u32)a, n) : ror64(a, n);
        break;
    case IR_umulh:
        r = (u64)((u128)a * b >> 64);
        break;
    case IR_smulh:
        r = (u64)((i128)(i64)a * (i64)b >> 64);
        break;
    case IR_udiv:
    case IR_sdiv:
    case IR_urem:
    case IR_srem:
        r = eval_div(op, t, a, b);
        break;
    default:
        must(!"an integer op of two operands");
    }
    return eval_trunc(t, r);
}

EVAL_INLINE u64 eval_bswap(u64 a, unsigned log2_group)
{
    a = __builtin_bswap64(a);
    switch (log2_group) {
    case 1:
        return a >> 48 | (a >> 16 & 0xffff0000) | (a << 16 & 0xffff00000000) | a << 48;
    case 2:
        return a >> 32 | a << 32;
    default:
        return a;
    }
}

/* neg not clz ctz cls popcnt bitrev bswap zext sext */
EVAL_INLINE u64 eval_int1(unsigned op, unsigned t, unsigned sub, u64 a)
{
    bool w = t == IR_I32;
    a = eval_trunc(t, a);
    u64 r;
    switch (op) {
    case IR_neg:
        r = 0 - a;
        break;
    case IR_not:
        r = ~a;
        break;
    case IR_clz:
        r = w ? clz32((u32)a) : clz64(a);
        break;
    case IR_ctz:
        r = w ? ctz32((u32)a) : ctz64(a);
        break;
    case IR_cls:
        a = (u64)(eval_signed(t, a) ^ eval_signed(t, a) >> 63);
        r = clz64(a) - (w ? 33 : 1);
        break;
    case IR_popcnt:
        r = (u64)__builtin_popcountll(a);
        break;
    case IR_bitrev:
        r = bitrev64(a) >> (w ? 32 : 0);
        break;
    case IR_bswap:
        r = eval_bswap(a, sub);
        break;
    case IR_zext:
        r = a & MASK(sub);
        break;
    case IR_sext:
        r = (u64)sext(a, sub);
        break;
    default:
        must(!"an integer op of one operand");
    }
    return eval_trunc(t, r);
}

/* extract sextract deposit extr */
EVAL_INLINE u64 eval_field(unsigned op, unsigned t, u32 imm, u64 a, u64 b)
{
    unsigned pos = imm & 0xff, len = imm >> 8;
    a = eval_trunc(t, a);
    b = eval_trunc(t, b);
    u64 r;
    switch (op) {
    case IR_extract:
        r = bits(a, pos, len);
        break;
    case IR_sextract:
        r = (u64)sbits(a, pos, len);
        break;
    case IR_deposit:
        r = deposit(a, pos, len, b);
        break;
    case IR_extr:
        r = t == IR_I32 ? (a << 32 | b) >> imm : imm ? b >> imm | a << (64 - imm) : b;
        break;
    default:
        must(!"a field op");
    }
    return eval_trunc(t, r);
}

/* EQ .. SGT and TSTEQ, TSTNE of two values. */
EVAL_INLINE bool eval_cmp(unsigned cc, unsigned t, u64 a, u64 b)
{
    a = eval_trunc(t, a);
    b = eval_trunc(t, b);
    i64 x = eval_signed(t, a), y = eval_signed(t, b);
    bool r = false;
    switch (cc & ~1u) {
    case CC_EQ:
        r = a == b;
        break;
    case CC_ULT:
        r = a < b;
        break;
    case CC_ULE:
        r = a <= b;
        break;
    case CC_SLT:
        r = x < y;
        break;
    case CC_SLE:
        r = x <= y;
        break;
    case CC_TSTEQ:
        r = (a & b) == 0;
        break;
    default:
        must(!"a condition of comparisons");
    }
    return r ^ (cc & 1);
}

/* EQ .. PO of packed flags. */
EVAL_INLINE bool eval_cond(unsigned cc, u32 fl)
{
    bool n = fl & FL_N, z = fl & FL_Z, c = fl & FL_C, v = fl & FL_V, r = false;
    switch (cc & ~1u) {
    case CC_EQ:
        r = z;
        break;
    case CC_ULT:
        r = c;
        break;
    case CC_ULE:
        r = c | z;
        break;
    case CC_SLT:
        r = n != v;
        break;
    case CC_SLE:
        r = z | (n != v);
        break;
    case CC_MI:
        r = n;
        break;
    case CC_VS:
        r = v;
        break;
    case CC_PE:
        r = fl & FL_P;
        break;
    default:
        must(!"a condition of flags");
    }
    return r ^ (cc & 1);
}

/* N, Z and P of a result. */
EVAL_INLINE u32 eval_fl_nzp(unsigned t, u64 r)
{
    return (eval_signed(t, r) < 0 ? FL_N : 0) | (eval_trunc(t, r) == 0 ? FL_Z : 0) |
           (__builtin_parity((unsigned)r & 0xff) ? 0 : FL_P);
}
EVAL_INLINE bool eval_carry(unsigned inv, u32 fl)
{
    return !!(fl & FL_C) ^ (inv & FL_INV);
}
/* fl_add, fl_adc (cin: the carry): flags of a + b + cin. A is the carry out of bit 3. */
EVAL_INLINE u32 eval_fl_add(unsigned t, u64 a, u64 b, bool cin, unsigned inv)
{
    a = eval_trunc(t, a);
    b = eval_trunc(t, b);
    u128 sum = (u128)a + b + cin;
    u64 r = (u64)sum;
    unsigned w = eval_width(t);
    bool carry = (u32)(sum >> w) & 1, v = ((a ^ r) & (b ^ r)) >> (w - 1) & 1;
    return eval_fl_nzp(t, r) | ((a ^ b ^ r) & 16 ? FL_A : 0) | (carry ^ (inv & FL_INV) ? FL_C : 0) | (v ? FL_V : 0);
}
/* fl_sub, fl_sbb: flags of a - b - bin; C is the borrow. */
EVAL_INLINE u32 eval_fl_sub(unsigned t, u64 a, u64 b, bool bin, unsigned inv)
{
    a = eval_trunc(t, a);
    b = eval_trunc(t, b);
    u128 diff = (u128)a - b - bin;
    u64 r = (u64)diff;
    unsigned w = eval_width(t);
    bool borrow = (u32)(diff >> w) & 1, v = ((a ^ b) & (a ^ r)) >> (w - 1) & 1;
    return eval_fl_nzp(t, r) | ((a ^ b ^ r) & 16 ? FL_A : 0) | (borrow ^ (inv & FL_INV) ? FL_C : 0) | (v ? FL_V : 0);
}
EVAL_INLINE u32 eval_fl_logic(unsigned t, u64 a, unsigned inv)
{
    return eval_fl_nzp(t, a) | (inv & FL_INV ? FL_C : 0);
}
/* How far fl_shl, fl_shr and fl_sar shift. */
EVAL_INLINE unsigned eval_shift_count(unsigned t, u64 b)
{
    return (unsigned)b & (t == IR_I64 ? 63 : 31);
}
/* fl_shl, fl_shr, fl_sar. C is what a shift of one bit after the other loses last: more than the width shifts all out.
 * V is the first step's: the top bit changes (shl), or is lost (shr). */
EVAL_INLINE u32 eval_fl_shift(unsigned op, unsigned t, u64 a, u64 b, unsigned inv)
{
    unsigned n = eval_shift_count(t, b), w = eval_width(t);
    if (n == 0) {
        return eval_fl_logic(t, a, inv);
    }
    u64 x = op == IR_fl_sar ? (u64)eval_signed(t, a) : eval_trunc(t, a);
    u64 last = op == IR_fl_shl ? x << (n - 1) : op == IR_fl_shr ? x >> (n - 1) : (u64)((i64)x >> (n - 1));
    u64 r = op == IR_fl_shl ? last << 1 : op == IR_fl_shr ? last >> 1 : (u64)((i64)last >> 1);
    bool c = (op == IR_fl_shl ? last >> (w - 1) : last) & 1;
    bool v = (op == IR_fl_shl ? x >> (w - 1) ^ x >> (w - 2) : op == IR_fl_shr ? x >> (w - 1) : 0) & 1;
    return eval_fl_nzp(t, r) | (c ^ (inv & FL_INV) ? FL_C : 0) | (v ? FL_V : 0);
}
EVAL_INLINE u32 eval_fl_mix(u32 mask, u32 a, u32 b)
{
    return ((a & mask) | (b & ~mask)) & FL_ALL;
}
/* The flags that a condition of flags depends on. */
EVAL_INLINE u32 eval_cond_needs(unsigned cc)
{
    static const u16 needs[CC_TSTEQ / 2] = {FL_Z, FL_C, FL_C | FL_Z, FL_N | FL_V, FL_Z | FL_N | FL_V, FL_N, FL_V, FL_P};
    return needs[cc / 2];
}

/* What an rmw stores: `bytes` 1, 2, 4 or 8; old and operand in the guest's byte order already undone. */
u64 eval_rmw(enum ir_rmw kind, unsigned bytes, u64 old, u64 operand);

/* The ops with V128 results that raise no float exception: integer ones at type V128 and all v* ops of ops.def but
 * vzero_ext, vdup and vset, whose operands are not vectors. vshuf takes its pattern through c. r may be an operand. */
u32 eval_crc32(unsigned es, unsigned poly, u32 acc, u64 val);
void eval_vec(const struct ir_op *op, union v128 *r, const union v128 *a, const union v128 *b, const union v128 *c);
/* Those of them whose lanes do not stay for themselves (eval_vec calls it). */
void eval_across(const struct ir_op *op, union v128 *r, const union v128 *a, const union v128 *b, const union v128 *c);
void eval_aes(const struct ir_op *op, union v128 *r, const union v128 *a, const union v128 *key); /* vaes, vaes_imc */
u32 eval_vmask(unsigned es, const union v128 *v);
u32 eval_vtst(const union v128 *a, const union v128 *b);
/* vget, vgets: the lane's bits as a value of op's type. */
u64 eval_vget(const struct ir_op *op, const union v128 *v);
/* vset: v with a lane replaced by the low bits of x. vdup: x in every lane. */
void eval_vset(unsigned es, union v128 *v, unsigned lane, u64 x);
void eval_vdup(unsigned es, union v128 *r, u64 x);

#endif
