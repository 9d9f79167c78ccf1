/* Vector ops on constants and in the interpreter, lane by lane. */
#include "tcg/eval.h"

u64 eval_rmw(enum ir_rmw kind, unsigned bytes, u64 old, u64 operand)
{
    unsigned w = bytes * 8;
    u64 a = old & MASK(w), b = operand & MASK(w), r = b;
    i64 x = sext(a, w), y = sext(b, w);
    switch (kind) {
    case RMW_ADD:
        r = a + b;
        break;
    case RMW_SUB:
        r = a - b;
        break;
    case RMW_AND:
        r = a & b;
        break;
    case RMW_ANDN:
        r = a & ~b;
        break;
    case RMW_OR:
        r = a | b;
        break;
    case RMW_XOR:
        r = a ^ b;
        break;
    case RMW_SWAP:
        r = b;
        break;
    case RMW_SMIN:
        r = x < y ? a : b;
        break;
    case RMW_SMAX:
        r = x > y ? a : b;
        break;
    case RMW_UMIN:
        r = MIN(a, b);
        break;
    case RMW_UMAX:
        r = MAX(a, b);
        break;
    }
    return r & MASK(w);
}

/* -- lanes -------------------------------------------------------------------------------------------------- */

static u64 sat_signed(i128 v, unsigned w)
{
    i128 max = (i128)MASK(w - 1);
    return (u64)(v > max ? max : v < -max - 1 ? -max - 1 : v);
}
static u64 sat_unsigned(i128 v, unsigned w)
{
    return v < 0 ? 0 : v > (i128)MASK(w) ? MASK(w) : (u64)v;
}

/* Lane b's low byte, signed, says how far to the left. */
static u64 shift_by(u64 a, u64 b, unsigned w, bool is_signed)
{
    int n = (i8)b;
    if (n >= (int)w) {
        return 0;
    }
    if (n >= 0) {
        return a << n;
    }
    unsigned right = MIN((unsigned)-n, w);
    if (is_signed) {
        return (u64)(sext(a, w) >> MIN(right, w - 1));
    }
    return right == w ? 0 : a >> right;
}

static u64 lane_cmp(unsigned cc, u64 a, u64 b, unsigned w)
{
    i64 x = sext(a, w), y = sext(b, w);
    return eval_cmp(cc, IR_I64, cc >= CC_SLT && cc <= CC_SGT ? (u64)x : a, cc >= CC_SLT && cc <= CC_SGT ? (u64)y : b)
               ? ~0ull
               : 0;
}

/* Lanes of equal width in and out: a and b have zeros above w bits, the result is cut by the caller. */
static u64 lane_op(const struct ir_op *op, u64 a, u64 b, unsigned w)
{
    i64 x = sext(a, w), y = sext(b, w);
    switch (op->op) {
    case IR_add:
        return a + b;
    case IR_sub:
        return a - b;
    case IR_mul:
        return a * b;
    case IR_neg:
        return 0 - a;
    case IR_vcmp:
        return lane_cmp(op->imm, a, b, w);
    case IR_vsmin:
        return x < y ? a : b;
    case IR_vsmax:
        return x > y ? a : b;
    case IR_vumin:
        return MIN(a, b);
    case IR_vumax:
        return MAX(a, b);
    case IR_vabs:
        return x < 0 ? 0 - a : a;
    case IR_vsqadd:
        return sat_signed((i128)x + y, w);
    case IR_vuqadd:
        return sat_unsigned((i128)a + b, w);
    case IR_vsqsub:
        return sat_signed((i128)x - y, w);
    case IR_vuqsub:
        return sat_unsigned((i128)a - b, w);
    case IR_vshl:
        return a << op->imm;
    case IR_vshr:
        return op->imm == w ? 0 : a >> op->imm;
    case IR_vsar:
        return (u64)(x >> MIN(op->imm, w - 1));
    case IR_vushl:
        return shift_by(a, b, w, false);
    case IR_vsshl:
        return shift_by(a, b, w, true);
    default:
        must(!"a vector op of lanes");
    }
}

/* -- ops whose lanes change width or place ------------------------------------------------------------------- */

static void eval_widen(const struct ir_op *op, union v128 *r, const union v128 *a, const union v128 *b)
{
    unsigned es = op->sub, w = 8u << es, n = 8u >> es, first = op->imm & 1 ? n : 0;
    union v128 out;
    for (unsigned i = 0; i < n; i++) {
        u64 x = lane_get(a, es, first + i), y = op->op == IR_vmull ? lane_get(b, es, first + i) : 1;
        if (op->imm & 2) {
            x = (u64)sext(x, w);
            y = op->op == IR_vmull ? (u64)sext(y, w) : 1;
        }
        lane_set(&out, es + 1, i, x * y);
    }
    *r = out;
}

static void eval_narrow(const struct ir_op *op, union v128 *r, const union v128 *a)
{
    unsigned es = op->sub, w = 8u << es, n = 16u >> es;
    union v128 out = {0};
    for (unsigned i = 0; i < n; i++) {
        u64 x = lane_get(a, es, i);
        if (op->op == IR_vqxtn) {
            i128 v = op->imm & 1 ? (i128)sext(x, w) : (i128)x;
            x = op->imm & 2 ? sat_signed(v, w / 2) : sat_unsigned(v, w / 2);
        }
        lane_set(&out, es - 1, i, x);
    }
    *r = out;
}

static void eval_vshuf(union v128 *r, const union v128 *a, const union v128 *b, const union v128 *pattern)
{
    union v128 out;
    for (unsigned i = 0; i < 16; i++) {
        u8 k = pattern->b[i];
        out.b[i] = k & 0x80 ? 0 : k & 16 ? b->b[k & 15] : a->b[k & 15];
    }
    *r = out;
}

static void eval_vtbl(union v128 *r, const union v128 *a, const union v128 *index)
{
    union v128 out;
    for (unsigned i = 0; i < 16; i++) {
        out.b[i] = index->b[i] < 16 ? a->b[index->b[i]] : 0;
    }
    *r = out;
}

static void eval_vclmul(union v128 *r, u64 a, u64 b)
{
    u128 sum = 0;
    for (unsigned i = 0; i < 64; i++) {
        sum ^= b >> i & 1 ? (u128)a << i : 0;
    }
    *r = (union v128){.d = {(u64)sum, (u64)(sum >> 64)}};
}

/* -- whole vectors ---------------------------------------------------------------------------------------------- */

void eval_vec(const struct ir_op *op, union v128 *r, const union v128 *a, const union v128 *b, const union v128 *c)
{
    unsigned es = op->sub, w = 8u << es;
    switch (op->op) {
    case IR_and:
    case IR_or:
    case IR_xor:
    case IR_andn:
    case IR_orn:
    case IR_xnor:
        for (unsigned i = 0; i < 2; i++) {
            r->d[i] = eval_int2(op->op, IR_I64, a->d[i], b->d[i]);
        }
        break;
    case IR_not:
        r->d[0] = ~a->d[0];
        r->d[1] = ~a->d[1];
        break;
    case IR_vbsl:
        for (unsigned i = 0; i < 2; i++) {
            r->d[i] = (b->d[i] & a->d[i]) | (c->d[i] & ~a->d[i]);
        }
        break;
    case IR_vpopcnt:
        for (unsigned i = 0; i < 16; i++) {
            r->b[i] = (u8)__builtin_popcount(a->b[i]);
        }
        break;
    case IR_vshuf:
        eval_vshuf(r, a, b, c);
        break;
    case IR_vtbl:
        eval_vtbl(r, a, b);
        break;
    case IR_vmull:
    case IR_vxtl:
        eval_widen(op, r, a, b);
        break;
    case IR_vxtn:
    case IR_vqxtn:
        eval_narrow(op, r, a);
        break;
    case IR_vblend:
    case IR_vmulh:
    case IR_vmulr:
    case IR_vmule:
    case IR_vdot:
    case IR_vsad:
    case IR_vuravg:
    case IR_vpadd:
    case IR_vpack:
    case IR_vtblm:
    case IR_vpermv:
    case IR_vshlv:
    case IR_vshrv:
    case IR_vsarv:
    case IR_vshl_all:
    case IR_vshr_all:
    case IR_vsar_all:
        eval_across(op, r, a, b, c);
        break;
    case IR_vaes:
    case IR_vaes_imc:
        eval_aes(op, r, a, b);
        break;
    case IR_vclmul:
        eval_vclmul(r, a->d[op->imm & 1], b->d[op->imm >> 1 & 1]);
        break;
    default:
        for (unsigned i = 0; i < 16u >> es; i++) {
            lane_set(r, es, i, lane_op(op, lane_get(a, es, i), lane_get(b, es, i), w));
        }
        break;
    }
}

u64 eval_vget(const struct ir_op *op, const union v128 *v)
{
    u64 x = lane_get(v, op->sub, op->imm);
    return op->op == IR_vgets ? eval_trunc(op->type, (u64)sext(x, 8u << op->sub)) : x;
}

void eval_vset(unsigned es, union v128 *v, unsigned lane, u64 x)
{
    lane_set(v, es, lane, x);
}

void eval_vdup(unsigned es, union v128 *r, u64 x)
{
    for (unsigned i = 0; i < 16u >> es; i++) {
        lane_set(r, es, i, x);
    }
}
