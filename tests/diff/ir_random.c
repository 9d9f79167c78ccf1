/* Random traces: draw an op, its type, sub, imm and operands; keep it when the verifier likes it. */
#include "tests/diff/ir_random.h"

#include "tcg/build_priv.h"

const struct ir_random_opts ir_random_all = {
    .insns = 5,
    .ops = 9,
    .max_exits = 8,
    .floats = true,
    .halves = true,
    .flush = true,
    .vectors = true,
    .memory = true,
    .calls = true,
    .faults = true,
    .views = 2,
};

const struct ir_random_opts ir_random_chains = {
    .insns = 3,
    .ops = 12,
    .max_exits = 8,
    .vectors = true,
    .views = 1,
    .chains = true,
};
const struct ir_random_opts ir_random_pairs = {
    .insns = 1,
    .ops = 2,
    .max_exits = 4,
    .vectors = true,
    .views = 1,
    .chains = true,
};

struct gen {
    struct ir *ir;
    struct rng *rng;
    const struct ir_random_opts *o;
    unsigned exits; /* direct ones so far */
    ir_ref near;    /* the last address of a plain access, 0 */
    i32 near_off;
};

static unsigned below(struct gen *g, unsigned n)
{
    return rng_below(g->rng, n);
}

/* -- operands --------------------------------------------------------------------------------------------------- */

static bool fits(const struct gen *g, unsigned i, unsigned want)
{
    unsigned t = ir_result(&g->ir->ops[i]);
    return want == WANT_INT            ? type_is_int(t)
           : want == WANT_NARROW_FLOAT ? t == IR_F32 || t == IR_F16
           : want == WANT_INT_OR_FLOAT ? type_is_int(t) || type_is_float(t)
                                       : t == want;
}

static ir_ref random_const(struct gen *g, unsigned want)
{
    static const u8 few[] = {0, 1, 1, 2, 3, 7, 8, 16, 31, 32, 63, 64, 255};
    u64 a = rng_value(g->rng), b = rng_value(g->rng);
    if (g->o->chains && !rng_one_in(g->rng, 4)) {
        a = few[below(g, ARRAY_LEN(few))];
        a = rng_one_in(g->rng, 6) ? 0 - a : a;
        b = a;
    }
    return want == IR_V128 ? ir_const_v128(g->ir, a, rng_one_in(g->rng, 3) ? a : b) : ir_const(g->ir, a);
}

/* 0: there is no such value yet. */
static ir_ref pick(struct gen *g, unsigned want)
{
    bool constant = want == IR_V128 || want == WANT_INT;
    if (constant && rng_one_in(g->rng, g->o->chains ? 3 : 5)) {
        return random_const(g, want);
    }
    for (unsigned tries = 0; tries < 40; tries++) {
        unsigned near = g->o->chains ? 3 : 24, n = g->ir->nops - 1, span = MIN(n, tries < 20 ? near : n);
        unsigned i = n - below(g, span ? span : 1);
        if (i && fits(g, i, want)) {
            return (ir_ref)i;
        }
    }
    return constant ? random_const(g, want) : 0;
}

static ir_ref append(struct gen *g, struct ir_op op)
{
    struct ir *ir = g->ir;
    if (ir->nops >= IR_MAX_OPS - 64 || ir->nconsts >= IR_MAX_CONSTS - 64) {
        return 0;
    }
    ir->ops[ir->nops] = op;
    return ir_check_op(ir, ir->nops) ? 0 : ir_append(ir, &op);
}

/* -- fields -------------------------------------------------------------------------------------------------------- */

static unsigned random_type(struct gen *g)
{
    static const u8 types[] = {IR_I32, IR_I64, IR_I32, IR_I64, IR_F32, IR_F64, IR_F16, IR_V128, IR_FLAGS};
    return types[below(g, ARRAY_LEN(types))];
}
/* Of a comparison or of what flags are made of. */
static unsigned random_width(struct gen *g)
{
    static const u8 widths[] = {IR_I32, IR_I64, IR_I8, IR_I16};
    return widths[below(g, ARRAY_LEN(widths))];
}
static unsigned random_cond(struct gen *g)
{
    return below(g, CC_COUNT);
}

static u8 random_sub(struct gen *g, const struct ir_op *op)
{
    switch (ir_ops[op->op].sub) {
    case SUB_cond:
        return (u8)random_cond(g);
    case SUB_es:
        return type_is_int(op->type) && op->op < IR_bswap ? 0 : (u8)below(g, 4);
    case SUB_fp:
        return (u8)((op->type == IR_V128 ? 1 + below(g, 3) : 0) | (rng_one_in(g->rng, 4) ? (u8)FP_DN : 0) |
                    (g->o->flush && rng_one_in(g->rng, 8) ? (u8)FP_FZ : 0) |
                    (rng_one_in(g->rng, 32) ? (u8)FP_SOFT : 0) |
                    (op->type == IR_V128 && rng_one_in(g->rng, 4) ? (u8)FP_LOW : 0));
    case SUB_bits:
        return (u8)(8u << below(g, 3));
    case SUB_inv:
        return (u8)below(g, 2);
    case SUB_rmw:
        return (u8)below(g, RMW_SUB + 1);
    case SUB_kind:
        return (u8)below(g, EXIT_RET + 1);
    default:
        return 0;
    }
}

static u32 random_pattern(struct gen *g)
{
    union v128 p;
    unsigned style = below(g, 4);
    for (unsigned i = 0; i < 16; i++) {
        unsigned k = style == 0   ? below(g, 32)
                     : style == 1 ? i ^ 3
                     : style == 2 ? (i >> 2 << 2)
                                  : i / 2 + (i & 1 ? 16 : 0);
        p.b[i] = (u8)(style == 0 && rng_one_in(g->rng, 6) ? 0x80 : k);
    }
    return ir_const_v128(g->ir, p.d[0], p.d[1]) & ~IR_CONST;
}

static u32 random_imm(struct gen *g, const struct ir_op *op)
{
    unsigned w = op->type == IR_V128 ? 8u << (op->sub & 3) : type_bits(op->type);
    switch (ir_ops[op->op].imm) {
    case IMM_soff:
        return below(g, 1024) * 4 - 0x200;
    case IMM_poslen: {
        if (g->o->chains) {
            unsigned p8 = below(g, 4) * 8;
            return p8 | (8 + below(g, 3) * 8) << 8;
        }
        unsigned pos = below(g, w ? w : 1), len = 1 + below(g, w - pos ? w - pos : 1);
        return pos | (rng_one_in(g->rng, 3) ? 8u << below(g, 3) : len) << 8;
    }
    case IMM_count:
        return below(g, w + 1);
    case IMM_type:
        return op->op == IR_fcvt ? random_type(g) : random_width(g);
    case IMM_flbits: {
        static const u16 masks[] = {FL_ALL & ~FL_C, FL_C, FL_C | FL_V, FL_Z, FL_N | FL_Z | FL_P | FL_A};
        return below(g, 2) ? masks[below(g, ARRAY_LEN(masks))] : (u32)rng_next(g->rng) & FL_ALL;
    }
    case IMM_fcmp:
        return random_type(g) | (below(g, 2) ? (u32)FCMP_SIGNAL : 0) | (below(g, 2) ? (u32)FCMP_ZPC : 0);
    case IMM_round:
        return below(g, FPR_CURRENT + 1) | (below(g, 2) ? (u32)FPR_EXACT : 0);
    case IMM_f2i:
        return F2I(op->type == IR_V128 ? 0 : random_type(g), below(g, FPR_CURRENT + 1), below(g, 4) * F2I_UNS);
    case IMM_i2f:
        return I2F(op->type == IR_V128 ? 0 : random_type(g), below(g, 2));
    case IMM_vcond:
        return random_cond(g);
    case IMM_fcond:
        return below(g, 2 * FC_SIGNAL);
    case IMM_lane:
        return below(g, 16u >> (op->sub & 3));
    case IMM_pattern:
        return random_pattern(g);
    case IMM_hi:
    case IMM_sign:
    case IMM_poly:
        return below(g, 2);
    case IMM_fmaneg:
        return below(g, op->type == IR_V128 ? 2 * FMA_ABOVE_C : 4);
    case IMM_aes:
    case IMM_widen:
    case IMM_qxtn:
    case IMM_lanes:
        return below(g, 4);
    case IMM_fence:
        return below(g, FENCE_ALL + 1);
    default:
        return 0;
    }
}

static bool wanted(const struct gen *g, const struct ir_op *op)
{
    const struct ir_op_info *info = &ir_ops[op->op];
    bool fp = info->sub == SUB_fp || op->op == IR_fl_fcmp;
    bool vector = op->type == IR_V128 || (info->args[0] == 'v');
    bool half = op->type == IR_F16 || (fp && op->type == IR_V128 && (op->sub & FP_ES) == MO_16) ||
                ((info->imm == IMM_type || info->imm == IMM_fcmp || info->imm == IMM_f2i || info->imm == IMM_i2f) &&
                 (op->imm & 0xff) == IR_F16) ||
                (op->op == IR_vfcvtn && (op->sub & FP_ES) == MO_32);
    return (!fp || g->o->floats) && (!vector || g->o->vectors) && (!half || g->o->halves) &&
           (!type_is_float(op->type) || g->o->floats);
}

/* One op without effect; false when the draw was bad. */
static bool random_value_op(struct gen *g)
{
    struct ir_op op = {.op = (u8)below(g, g->o->chains && !rng_one_in(g->rng, 6) ? IR_fadd : IR_ld)};
    if (op.op <= IR_put) {
        return false;
    }
    const struct ir_op_info *info = &ir_ops[op.op];
    op.type = (u8)(op.op == IR_setcc ? random_width(g) : info->result == RESULT_T ? random_type(g) : info->result);
    op.sub = random_sub(g, &op);
    op.imm = random_imm(g, &op);
    /* What an operand must be depends on type and imm: those have to be right already. */
    if (!wanted(g, &op) || ((info->imm == IMM_type || info->imm == IMM_fcmp) && (op.imm & 0xff) == IR_FLAGS)) {
        return false;
    }
    for (unsigned k = 0; k < ir_nargs(g->ir, &op); k++) {
        ir_ref r = pick(g, ir_wanted(g->ir, &op, k));
        if (!r) {
            return false;
        }
        *op_arg(&op, k) = r;
    }
    if (op.op == IR_fl_pack) { /* FL_LAZY is the back end's */
        op.a = append(g, (struct ir_op){.op = IR_and, .type = IR_I32, .a = op.a, .b = ir_const(g->ir, ~(u64)FL_LAZY)});
    }
    return append(g, op) != 0;
}

/* -- memory ------------------------------------------------------------------------------------------------------ */

/* An address inside the memory, aligned to `align`; rarely anything. */
static ir_ref random_address(struct gen *g, unsigned align, i32 *off)
{
    struct ir *ir = g->ir;
    if (g->o->faults && rng_one_in(g->rng, 40)) {
        *off = 0;
        return pick(g, WANT_INT);
    }
    if (align == 1 && g->near && rng_below(g->rng, 2)) { /* a neighbour of the last one */
        *off = g->near_off + (i32)below(g, 128) - 64;
        return g->near;
    }
    u64 mask = (IR_RAM_SIZE / 2 - 1) & ~(u64)(align - 1);
    ir_ref a = pick(g, WANT_INT), m = ir_const(ir, mask), base = ir_const(ir, IR_RAM_BASE + IR_RAM_SIZE / 4);
    ir_ref in = append(g, (struct ir_op){.op = IR_and, .type = IR_I64, .a = a, .b = m});
    *off = ((i32)below(g, IR_RAM_SIZE / 4) - (i32)IR_RAM_SIZE / 8) & ~(i32)(align - 1);
    g->near_off = *off;
    return g->near = append(g, (struct ir_op){.op = IR_add, .type = IR_I64, .a = in, .b = base});
}

static u16 random_mo(struct gen *g, unsigned op, unsigned type)
{
    unsigned max = type == IR_V128 ? MO_128 : type_bits(type) == 16 ? MO_16 : type_bits(type) == 32 ? MO_32 : MO_64;
    unsigned mo = type_is_int(type) ? below(g, max + 1) : max;
    bool plain = op == IR_ld || op == IR_st;
    mo |= plain && mo >= MO_32 && rng_one_in(g->rng, 4) ? (unsigned)MO_PAIR : 0;
    mo |= op == IR_ld && type_is_int(type) && below(g, 2) ? (unsigned)MO_SIGN : 0;
    mo |= rng_one_in(g->rng, 6) ? (unsigned)MO_BE : 0;
    mo |= op != IR_st && rng_one_in(g->rng, 6) ? (unsigned)MO_ACQ : 0;
    mo |= op != IR_ld && rng_one_in(g->rng, 6) ? (unsigned)MO_REL : 0;
    mo |= plain && rng_one_in(g->rng, 6) ? (unsigned)MO_TSO : 0;
    mo |= op == IR_st && (mo & MO_PAIR) && (mo & MO_SIZE) == MO_128 && below(g, 2) ? (unsigned)MO_WHOLE : 0;
    mo |= mo_view(below(g, g->o->views));
    return (u16)mo;
}

static bool random_mem_op(struct gen *g)
{
    static const u8 ops[] = {IR_ld, IR_ld, IR_ld, IR_st, IR_st, IR_rmw, IR_cas};
    struct ir_op op = {.op = ops[below(g, ARRAY_LEN(ops))], .type = (u8)random_type(g)};
    bool atomic = op.op == IR_rmw || op.op == IR_cas;
    if (op.type == IR_FLAGS || (atomic && !type_is_int(op.type)) || !wanted(g, &op)) {
        return false;
    }
    op.d = random_mo(g, op.op, op.type);
    unsigned bytes = mo_bytes(op.d), align = 1;
    if (atomic || rng_one_in(g->rng, 5)) {
        align = bytes;
        op.d |= mo_align(ctz32(bytes));
        op.d |= atomic || (op.d & MO_PAIR && (op.d & MO_SIZE) == MO_128) ? 0 : (u16)MO_ATOMIC;
        if (g->o->faults && rng_one_in(g->rng, 12) && !atomic) {
            align = 1;
        }
    }
    for (unsigned k = 1; k < ir_nargs(g->ir, &op); k++) {
        ir_ref r = pick(g, ir_wanted(g->ir, &op, k));
        if (!r) {
            return false;
        }
        *op_arg(&op, k) = r;
    }
    i32 off;
    op.a = random_address(g, align, &off);
    if (atomic && off) {
        ir_ref k = ir_const(g->ir, (u64)(i64)off);
        op.a = append(g, (struct ir_op){.op = IR_add, .type = IR_I64, .a = op.a, .b = k});
    } else {
        op.imm = (u32)off;
    }
    op.sub = op.op == IR_rmw ? random_sub(g, &op) : 0;
    ir_ref r = append(g, op);
    if (r && op.op == IR_ld && op.d & MO_PAIR) {
        append(g, (struct ir_op){.op = IR_ld_hi, .type = op.type, .a = r});
    }
    return r;
}

/* -- calls and exits --------------------------------------------------------------------------------------------- */

/* `puts`: the instruction has put something, so nothing may fault. */
static bool random_call(struct gen *g, bool puts)
{
    struct ir_op op = {.op = IR_call, .imm = below(g, HELP_END)};
    const struct ir_helper *h = &g->ir->target->helpers[op.imm];
    op.type = h->ret;
    if (h->flags & HF_FAULT && (puts || !g->o->faults)) {
        return false;
    }
    for (unsigned k = 0; k < ir_nargs(g->ir, &op); k++) {
        if ((type_is_float(h->args[k]) && !g->o->floats) || (h->args[k] == IR_V128 && !g->o->vectors)) {
            return false;
        }
        ir_ref r = pick(g, ir_wanted(g->ir, &op, k));
        if (!r) {
            return false;
        }
        *op_arg(&op, k) = r;
    }
    return append(g, op);
}

static bool random_exit(struct gen *g)
{
    if (g->exits + 1 >= g->o->max_exits) {
        return false;
    }
    bool flags = below(g, 2);
    struct ir_op op = {.op = flags ? IR_exitf : IR_exitcc, .type = flags ? IR_NONE : (u8)random_width(g)};
    op.sub = (u8)random_cond(g);
    op.imm = random_imm(g, &op);
    op.a = pick(g, flags ? IR_FLAGS : WANT_INT);
    op.b = flags ? 0 : pick(g, WANT_INT);
    bool ok = op.a && append(g, op);
    g->exits += ok;
    return ok;
}

static void random_end(struct gen *g)
{
    u32 off = below(g, 1024) * 4;
    switch (below(g, 5)) {
    case 0:
        append(g, (struct ir_op){.op = IR_exit_ind, .a = pick(g, WANT_INT), .sub = (u8)below(g, 3)});
        break;
    case 1:
        append(g, (struct ir_op){.op = IR_exit_loop, .imm = REASON_EVENT + below(g, 3)});
        break;
    case 2:
        if (g->o->calls) {
            append(g, (struct ir_op){.op = IR_call, .imm = HELP_END, .a = pick(g, WANT_INT)});
            append(g, (struct ir_op){.op = IR_exit_pc});
            break;
        }
        /* fall through */
    default:
        append(g, (struct ir_op){.op = IR_exit, .imm = off, .sub = (u8)below(g, 3)});
        break;
    }
}

/* -- instructions ------------------------------------------------------------------------------------------------ */

static void random_get(struct gen *g)
{
    unsigned slot = below(g, SLOT_COUNT);
    unsigned t = g->ir->target->slots[slot].type;
    if ((t == IR_F64 && !g->o->floats) || (t == IR_V128 && !g->o->vectors)) {
        slot = below(g, SLOT_Y);
        t = IR_I64;
    }
    append(g, (struct ir_op){.op = IR_get, .type = (u8)t, .imm = slot});
}

static void random_put(struct gen *g)
{
    unsigned slot = below(g, SLOT_COUNT);
    unsigned t = g->ir->target->slots[slot].type;
    ir_ref v = pick(g, type_is_int(t) ? (unsigned)WANT_INT : t);
    if (v && (t != IR_V128 || g->o->vectors)) {
        append(g, (struct ir_op){.op = IR_put, .type = (u8)t, .a = v, .imm = slot});
    }
}

static void random_op(struct gen *g)
{
    for (unsigned tries = 0; tries < 200; tries++) {
        unsigned what = below(g, 32);
        if (what < 3) {
            random_get(g);
            return;
        }
        if (what < 7    ? g->o->memory && random_mem_op(g)
            : what == 7 ? g->o->calls && random_call(g, false)
            : what == 8 ? random_exit(g)
                        : random_value_op(g)) {
            return;
        }
    }
}

static void random_insn(struct gen *g, u32 off)
{
    ir_insn(g->ir, off, 4);
    for (unsigned i = 0; g->ir->ninsns == 1 && i < 4; i++) {
        random_get(g);
    }
    unsigned n = 1 + below(g, 2 * g->o->ops);
    for (unsigned i = 0; i < n; i++) {
        random_op(g);
    }
    n = below(g, 6);
    for (unsigned i = 0; i < n; i++) {
        random_put(g);
    }
    if (g->o->calls && rng_one_in(g->rng, 8)) {
        random_call(g, true);
    }
    if (rng_one_in(g->rng, 4)) {
        random_exit(g);
    }
}

void ir_random(struct ir *ir, struct rng *r, const struct ir_random_opts *o)
{
    struct gen g = {.ir = ir, .rng = r, .o = o};
    u32 start = below(&g, 64) * 4;
    ir_init(ir, &ir_cpu_target, start, 12);
    for (unsigned i = 0; i < o->insns; i++) {
        random_insn(&g, start + 4 * i);
    }
    random_end(&g);
}
