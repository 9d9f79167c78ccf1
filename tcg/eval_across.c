/* Vector ops on constants and in the interpreter: those whose lanes meet their neighbours, another width, or a count
 * that all of them share. */
#include "tcg/eval.h"

static i64 saturate(i64 v, unsigned w, bool to_signed)
{
    i64 max = (i64)MASK(to_signed ? w - 1 : w), min = to_signed ? -max - 1 : 0;
    return v > max ? max : v < min ? min : v;
}

/* 16-bit lanes; of vmule every second one of 32. */
static u64 product(const struct ir_op *op, u64 a, u64 b)
{
    unsigned w = op->op == IR_vmule ? 32 : 16;
    bool is_signed = op->op == IR_vmulr || op->imm & 1;
    i64 x = is_signed ? sext(a, w) : (i64)a, y = is_signed ? sext(b, w) : (i64)b;
    u64 p = (u64)x * (u64)y;
    return op->op == IR_vmulh ? p >> 16 : op->op == IR_vmulr ? (p + 0x4000) >> 15 : p;
}

static void eval_products(const struct ir_op *op, union v128 *r, const union v128 *a, const union v128 *b)
{
    bool wide = op->op == IR_vmule;
    unsigned es = wide ? 2 : 1;
    for (unsigned i = 0; i < 16u >> es; i += wide ? 2 : 1) {
        u64 p = product(op, lane_get(a, es, i), lane_get(b, es, i));
        lane_set(r, wide ? 3 : 1, wide ? i / 2 : i, p);
    }
}

static void eval_vdot(const struct ir_op *op, union v128 *r, const union v128 *a, const union v128 *b)
{
    unsigned es = op->sub, w = 8u << es;
    for (unsigned i = 0; i < 16u >> es; i += 2) {
        i64 sum = 0;
        for (unsigned k = i; k < i + 2; k++) {
            i64 x = (i64)lane_get(a, es, k), y = sext(lane_get(b, es, k), w);
            sum += (es ? sext((u64)x, w) : x) * y;
        }
        lane_set(r, es + 1, i / 2, (u64)(es ? sum : saturate(sum, 16, true)));
    }
}

static void eval_vsad(union v128 *r, const union v128 *a, const union v128 *b)
{
    for (unsigned h = 0; h < 2; h++) {
        u64 sum = 0;
        for (unsigned i = 8 * h; i < 8 * h + 8; i++) {
            sum += (u64)(a->b[i] > b->b[i] ? a->b[i] - b->b[i] : b->b[i] - a->b[i]);
        }
        r->d[h] = sum;
    }
}

/* Two vectors to one: of each in its half. */
static void eval_two_to_one(const struct ir_op *op, union v128 *r, const union v128 *a, const union v128 *b)
{
    unsigned es = op->sub, n = 16u >> es, w = 8u << es;
    union v128 out;
    for (unsigned h = 0; h < 2; h++) {
        const union v128 *v = h ? b : a;
        for (unsigned i = 0; op->op == IR_vpadd && i < n / 2; i++) {
            lane_set(&out, es, h * n / 2 + i, lane_get(v, es, 2 * i) + lane_get(v, es, 2 * i + 1));
        }
        for (unsigned i = 0; op->op == IR_vpack && i < n; i++) {
            lane_set(&out, es - 1, h * n + i, (u64)saturate(sext(lane_get(v, es, i), w), w / 2, op->imm & 1));
        }
    }
    *r = out;
}

static u64 shift(unsigned op, u64 a, u64 n, unsigned w)
{
    switch (op) {
    case IR_vshlv:
    case IR_vshl_all:
        return n >= w ? 0 : a << n;
    case IR_vshrv:
    case IR_vshr_all:
        return n >= w ? 0 : a >> n;
    default:
        return (u64)(sext(a, w) >> MIN(n, w - 1));
    }
}

static void eval_shifts(const struct ir_op *op, union v128 *r, const union v128 *a, const union v128 *b)
{
    unsigned es = op->sub, w = 8u << es;
    bool all = op->op == IR_vshl_all || op->op == IR_vshr_all || op->op == IR_vsar_all;
    u64 count = b->d[0];
    for (unsigned i = 0; i < 16u >> es; i++) {
        lane_set(r, es, i, shift(op->op, lane_get(a, es, i), all ? count : lane_get(b, es, i), w));
    }
}

/* Lanes chosen by an index in each. */
static void eval_chosen(const struct ir_op *op, union v128 *r, const union v128 *a, const union v128 *b)
{
    unsigned es = op->op == IR_vtblm ? 0 : op->sub, n = 16u >> es;
    union v128 out;
    for (unsigned i = 0; i < n; i++) {
        u64 k = lane_get(b, es, i);
        lane_set(&out, es, i, op->op == IR_vtblm && k & 0x80 ? 0 : lane_get(a, es, (unsigned)k & (n - 1)));
    }
    *r = out;
}

void eval_across(const struct ir_op *op, union v128 *r, const union v128 *a, const union v128 *b, const union v128 *c)
{
    unsigned es = op->sub, w = 8u << es;
    switch (op->op) {
    case IR_vblend:
        for (unsigned i = 0; i < 16u >> es; i++) {
            lane_set(r, es, i, lane_get(c, es, i) >> (w - 1) ? lane_get(b, es, i) : lane_get(a, es, i));
        }
        break;
    case IR_vmulh:
    case IR_vmulr:
    case IR_vmule:
        eval_products(op, r, a, b);
        break;
    case IR_vdot:
        eval_vdot(op, r, a, b);
        break;
    case IR_vsad:
        eval_vsad(r, a, b);
        break;
    case IR_vuravg:
        for (unsigned i = 0; i < 16u >> es; i++) {
            lane_set(r, es, i, (lane_get(a, es, i) + lane_get(b, es, i) + 1) >> 1);
        }
        break;
    case IR_vpadd:
    case IR_vpack:
        eval_two_to_one(op, r, a, b);
        break;
    case IR_vtblm:
    case IR_vpermv:
        eval_chosen(op, r, a, b);
        break;
    default:
        eval_shifts(op, r, a, b);
        break;
    }
}

u32 eval_vmask(unsigned es, const union v128 *v)
{
    u32 m = 0;
    for (unsigned i = 0; i < 16u >> es; i++) {
        m |= (u32)(lane_get(v, es, i) >> ((8u << es) - 1)) << i;
    }
    return m;
}
u32 eval_vtst(const union v128 *a, const union v128 *b)
{
    return ((a->d[0] & b->d[0]) | (a->d[1] & b->d[1])) != 0;
}
