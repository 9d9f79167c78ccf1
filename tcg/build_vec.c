/* Float and vector ops. Float arithmetic is never folded: it depends on the rounding mode and raises flags. */
#include "tcg/build_priv.h"

static union v128 const_vec(const struct ir *ir, ir_ref r)
{
    const u64 *p = &ir->consts[r & ~IR_CONST];
    return (union v128){.d = {p[0], p[1]}};
}
static ir_ref vec_const(struct ir *ir, const union v128 *v)
{
    return ir_const_v128(ir, v->d[0], v->d[1]);
}
static bool is_vec(const struct ir *ir, ir_ref r, u64 half)
{
    if (!ir_is_const(r)) {
        return false;
    }
    union v128 v = const_vec(ir, r);
    return v.d[0] == half && v.d[1] == half;
}

/* The op, or its value when all operands are constants. */
static ir_ref vec_pure(struct ir *ir, const struct ir_op *op)
{
    unsigned n = ir_nargs(ir, op);
    union v128 arg[3] = {0}, r;
    for (unsigned k = 0; k < n; k++) {
        ir_ref a = op_arg_val(op, k);
        if (!ir_is_const(a) || ir_ops[op->op].flags & OPF_FPX) {
            return ir_pure(ir, op);
        }
        arg[k] = const_vec(ir, a);
    }
    if (op->op == IR_vshuf) {
        arg[2] = const_vec(ir, (ir_ref)(op->imm | IR_CONST));
    }
    eval_vec(op, &r, &arg[0], &arg[1], &arg[2]);
    return vec_const(ir, &r);
}

/* -- float -------------------------------------------------------------------------------------------------- */

ir_ref ir_fop1(struct ir *ir, enum ir_opcode op, enum ir_type t, unsigned sub, ir_ref a, u32 imm)
{
    if (op == IR_fneg || op == IR_fabs) {
        sub &= t == IR_V128 ? FP_ES : 0;
    }
    return ir_pure(ir, OP(.op = (u8)op, .type = t, .sub = (u8)sub, .a = a, .imm = imm));
}
ir_ref ir_fop2(struct ir *ir, enum ir_opcode op, enum ir_type t, unsigned sub, ir_ref a, ir_ref b)
{
    return ir_pure(ir, OP(.op = (u8)op, .type = t, .sub = (u8)sub, .a = a, .b = b));
}
ir_ref ir_fma(struct ir *ir, enum ir_type t, unsigned sub, ir_ref a, ir_ref b, ir_ref c, u32 neg)
{
    return ir_pure(ir, OP(.op = IR_fma, .type = t, .sub = (u8)sub, .a = a, .b = b, .c = c, .imm = neg));
}
ir_ref ir_fcvt(struct ir *ir, enum ir_type to, enum ir_type from, unsigned sub, ir_ref a)
{
    return ir_pure(ir, OP(.op = IR_fcvt, .type = to, .sub = (u8)sub, .a = a, .imm = from));
}
ir_ref ir_f2i(struct ir *ir, enum ir_type to, enum ir_type from, unsigned sub, ir_ref a, unsigned round, u32 bits)
{
    return ir_pure(ir, OP(.op = IR_f2i, .type = to, .sub = (u8)sub, .a = a, .imm = F2I(from, round, bits)));
}
ir_ref ir_i2f(struct ir *ir, enum ir_type to, enum ir_type from, unsigned sub, ir_ref a, bool uns)
{
    a = ir_rd(ir, from, a);
    return ir_pure(ir, OP(.op = IR_i2f, .type = to, .sub = (u8)sub, .a = a, .imm = I2F(from, uns)));
}

ir_ref ir_bitcast(struct ir *ir, enum ir_type to, ir_ref a)
{
    const struct ir_op *x = op_of(ir, a);
    enum ir_type from = ir_is_const(a) ? IR_I64 : ir_result(x);
    if (type_is_int(to) == type_is_int(from)) {
        return type_is_int(to) ? ir_as(ir, to, a) : a;
    }
    if (type_is_int(to)) {
        check(type_bits(from) <= type_bits(to));
        to = from == IR_F64 ? IR_I64 : IR_I32;
    }
    if (x->op == IR_bitcast) {
        if (type_is_int(to)) {
            return from == IR_F16 ? ir_zext(ir, IR_I32, x->a, 16) : ir_as(ir, to, x->a);
        }
        if (to == ir_result(op_of(ir, x->a))) {
            return x->a;
        }
    }
    if (x->op == IR_vget && 8u << x->sub == type_bits(to)) {
        return ir_vget(ir, to, x->sub, x->a, x->imm);
    }
    if (!type_is_int(to)) {
        a = to == IR_F16 ? ir_low(ir, a, 16) : ir_rd(ir, to == IR_F32 ? IR_I32 : IR_I64, a);
    }
    return ir_pure(ir, OP(.op = IR_bitcast, .type = to, .a = a));
}

/* -- vectors -------------------------------------------------------------------------------------------------- */

/* No size of elements. */
static bool has_no_size(unsigned op)
{
    return (op >= IR_and && op <= IR_xnor) || op == IR_not || op == IR_vpopcnt || op == IR_vtbl || op == IR_vtblm ||
           op == IR_vaes || op == IR_vaes_imc || op == IR_vclmul || op == IR_vmulh || op == IR_vmulr ||
           op == IR_vmule || op == IR_vsad;
}

ir_ref ir_v1(struct ir *ir, enum ir_opcode op, unsigned es, ir_ref a, u32 imm)
{
    const struct ir_op *x = op_of(ir, a);
    if (imm == 0 && (op == IR_vshl || op == IR_vshr || op == IR_vsar)) {
        return a;
    }
    if (op == IR_not && x->op == IR_not) {
        return x->a;
    }
    return vec_pure(ir, OP(.op = (u8)op, .type = IR_V128, .sub = has_no_size(op) ? 0 : (u8)es, .a = a, .imm = imm));
}

/* Either operand of ops that commute, the right one of the others. */
static ir_ref fold_vec_const(unsigned op, ir_ref x, u64 k)
{
    switch (op) {
    case IR_add:
    case IR_sub:
    case IR_xor:
    case IR_andn:
    case IR_or:
        return k == 0 ? x : op == IR_andn ? IR_CONST : 0;
    case IR_and:
        return k == 0 ? IR_CONST : x;
    case IR_orn:
        return k ? x : 0;
    default:
        return 0;
    }
}
static ir_ref fold_vec_same(struct ir *ir, unsigned op, ir_ref a)
{
    switch (op) {
    case IR_and:
    case IR_or:
    case IR_vsmin:
    case IR_vsmax:
    case IR_vumin:
    case IR_vumax:
        return a;
    case IR_sub:
    case IR_xor:
    case IR_andn:
    case IR_vsqsub:
    case IR_vuqsub:
        return IR_CONST;
    case IR_orn:
    case IR_xnor:
        return ir_const_v128(ir, ~0ull, ~0ull);
    default:
        return 0;
    }
}

ir_ref ir_v2(struct ir *ir, enum ir_opcode op, unsigned es, ir_ref a, ir_ref b, u32 imm)
{
    if ((ir_ops[op].flags & OPF_COMM) && (ir_is_const(b) ? 0 : ir_is_const(a) || a > b)) {
        ir_ref swap = a;
        a = b;
        b = swap;
    }
    ir_ref r = 0;
    if (a == b) {
        r = fold_vec_same(ir, op, a);
    } else if (is_vec(ir, b, 0)) {
        r = fold_vec_const(op, a, 0);
    } else if (is_vec(ir, b, ~0ull)) {
        r = op == IR_or ? b : op == IR_add || op == IR_sub || op == IR_xor ? 0 : fold_vec_const(op, a, ~0ull);
    }
    if (r) {
        return r;
    }
    es = has_no_size(op) ? 0 : es;
    return vec_pure(ir, OP(.op = (u8)op, .type = IR_V128, .sub = (u8)es, .a = a, .b = b, .imm = imm));
}

ir_ref ir_vbsl(struct ir *ir, ir_ref mask, ir_ref yes, ir_ref no)
{
    if (yes == no || is_vec(ir, mask, ~0ull)) {
        return yes;
    }
    if (is_vec(ir, mask, 0)) {
        return no;
    }
    return vec_pure(ir, OP(.op = IR_vbsl, .type = IR_V128, .a = mask, .b = yes, .c = no));
}

ir_ref ir_vblend(struct ir *ir, unsigned es, ir_ref mask, ir_ref negative, ir_ref other)
{
    if (negative == other) {
        return other;
    }
    return vec_pure(ir, OP(.op = IR_vblend, .type = IR_V128, .sub = (u8)es, .a = other, .b = negative, .c = mask));
}

ir_ref ir_vmask(struct ir *ir, unsigned es, ir_ref v)
{
    if (ir_is_const(v)) {
        union v128 k = const_vec(ir, v);
        return ir_const(ir, eval_vmask(es, &k));
    }
    return ir_pure(ir, OP(.op = IR_vmask, .type = IR_I32, .sub = (u8)es, .a = v));
}
ir_ref ir_vtst(struct ir *ir, ir_ref a, ir_ref b)
{
    if (is_vec(ir, a, 0) || is_vec(ir, b, 0)) {
        return IR_CONST;
    }
    if (ir_is_const(a) && !ir_is_const(b)) {
        return ir_vtst(ir, b, a);
    }
    if (ir_is_const(a) && ir_is_const(b)) {
        union v128 x = const_vec(ir, a), y = const_vec(ir, b);
        return ir_const(ir, eval_vtst(&x, &y));
    }
    return ir_pure(ir, OP(.op = IR_vtst, .type = IR_I32, .a = a, .b = b));
}

ir_ref ir_vshuf(struct ir *ir, ir_ref a, ir_ref b, const u8 pattern[16])
{
    union v128 p;
    bool from_a = false, from_b = false, in_place = true;
    for (unsigned i = 0; i < 16; i++) {
        u8 k = pattern[i];
        check(k < 32 || k >= 0x80);
        k = k >= 0x80 ? 0x80 : a == b ? k & 15 : k;
        p.b[i] = k;
        from_a |= k < 16;
        from_b |= k >= 16 && k < 32;
        in_place &= k < 32 && (k & 15) == i;
    }
    if (!from_a && !from_b) {
        return IR_CONST;
    }
    if (!from_a) {
        a = b;
        for (unsigned i = 0; i < 16; i++) {
            p.b[i] &= 0x8f;
        }
    } else if (!from_b) {
        b = a;
    }
    if (in_place && a == b) {
        return a;
    }
    u32 k = vec_const(ir, &p) & ~IR_CONST;
    return vec_pure(ir, OP(.op = IR_vshuf, .type = IR_V128, .a = a, .b = b, .imm = k));
}

/* -- lanes ------------------------------------------------------------------------------------------------------ */

/* x, an integer or float, read as the bits of a lane and given as type t. */
static ir_ref lane_value(struct ir *ir, enum ir_type t, unsigned es, ir_ref x)
{
    enum ir_type from = ir_is_const(x) ? IR_I64 : ir_result(op_of(ir, x));
    if (type_is_int(t) && type_is_int(from)) {
        return ir_zext(ir, t, x, 8u << es);
    }
    return from == t ? x : ir_bitcast(ir, t, x);
}

ir_ref ir_vdup(struct ir *ir, unsigned es, ir_ref a)
{
    a = ir_low(ir, a, 8u << es);
    const struct ir_op *x = op_of(ir, a);
    if (ir_is_const(a)) {
        union v128 k;
        eval_vdup(es, &k, ir_const_val(ir, a));
        return vec_const(ir, &k);
    }
    if (x->op == IR_vget && x->sub == es) {
        u8 pattern[16];
        for (unsigned i = 0; i < 16; i++) {
            pattern[i] = (u8)((x->imm << es) + (i & ((1u << es) - 1)));
        }
        return ir_vshuf(ir, x->a, x->a, pattern);
    }
    return ir_pure(ir, OP(.op = IR_vdup, .type = IR_V128, .sub = (u8)es, .a = a));
}

ir_ref ir_vget(struct ir *ir, enum ir_type t, unsigned es, ir_ref v, unsigned lane)
{
    const struct ir_op *x = op_of(ir, v);
    struct ir_op op = {.op = IR_vget, .type = t, .sub = (u8)es, .a = v, .imm = lane};
    check(lane < 16u >> es);
    if (ir_is_const(v)) {
        union v128 k = const_vec(ir, v);
        ir_ref r = ir_const(ir, eval_vget(&op, &k));
        return type_is_int(t) ? r : ir_bitcast(ir, t, r);
    }
    if (x->op == IR_vset && x->sub == es) {
        return x->imm == lane ? lane_value(ir, t, es, x->b) : ir_vget(ir, t, es, x->a, lane);
    }
    if (x->op == IR_vdup && x->sub == es) {
        return lane_value(ir, t, es, x->a);
    }
    if (x->op == IR_vzero_ext) {
        unsigned from = ir_result(op_of(ir, x->a)), w = type_bits(from);
        if (lane == 0 && (w == 8u << es || (w < 8u << es && type_is_int(t) && type_is_int(from)))) {
            return lane_value(ir, t, es, x->a);
        }
        if (lane << es >= w / 8) {
            return type_is_int(t) ? IR_CONST : ir_bitcast(ir, t, IR_CONST);
        }
    }
    /* Bits of up to 32 need no wider type. */
    op.type = t == IR_I64 && es < MO_64 ? IR_I32 : t;
    return ir_pure(ir, &op);
}

ir_ref ir_vgets(struct ir *ir, enum ir_type t, unsigned es, ir_ref v, unsigned lane)
{
    check(lane < 16u >> es && type_is_int(t));
    struct ir_op op = {.op = IR_vgets, .type = t, .sub = (u8)es, .a = v, .imm = lane};
    if (8u << es == type_bits(t)) {
        return ir_vget(ir, t, es, v, lane);
    }
    if (ir_is_const(v)) {
        union v128 k = const_vec(ir, v);
        return ir_const(ir, eval_vget(&op, &k));
    }
    return ir_pure(ir, &op);
}

ir_ref ir_vset(struct ir *ir, unsigned es, ir_ref v, unsigned lane, ir_ref b)
{
    check(lane < 16u >> es);
    b = ir_low(ir, b, 8u << es);
    if (ir_is_const(b) && ir_is_const(v)) {
        union v128 k = const_vec(ir, v);
        eval_vset(es, &k, lane, ir_const_val(ir, b));
        return vec_const(ir, &k);
    }
    if (ir_is_const(b)) {
        b = ir_const(ir, ir_const_val(ir, b) & MASK(8u << es));
    }
    const struct ir_op *y = op_of(ir, b);
    if (y->op == IR_vget && y->sub == es && y->a == v && y->imm == lane) {
        return v;
    }
    if (lane == 0 && is_vec(ir, v, 0) && !ir_is_const(b) && type_is_float(ir_result(y))) {
        return ir_vzero_ext(ir, ir_result(y), b);
    }
    return ir_pure(ir, OP(.op = IR_vset, .type = IR_V128, .sub = (u8)es, .a = v, .b = b, .imm = lane));
}

ir_ref ir_vzero_ext(struct ir *ir, enum ir_type of, ir_ref a)
{
    if (ir_is_const(a)) {
        return ir_const_v128(ir, ir_const_val(ir, a) & MASK(type_bits(of)), 0);
    }
    a = type_is_int(of) ? ir_as(ir, of, a) : a;
    return ir_pure(ir, OP(.op = IR_vzero_ext, .type = IR_V128, .a = a));
}
