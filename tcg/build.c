/* The builder's core: appending, constants, state, memory, calls, exits. */
#include "tcg/build_priv.h"

#include "base/log.h"

void ir_init(struct ir *ir, const struct ir_target *t, u32 start_off, u32 page_bits)
{
    must(t->nslots <= IR_MAX_SLOTS);
    ir->target = t;
    ir->ops[0] = (struct ir_op){.op = IR_nop};
    ir->nops = 1;
    ir->consts[0] = ir->consts[1] = 0; /* zero, and the zero vector */
    ir->nconsts = 2;
    ir->full = ir->ended = false;
    ir->start_off = start_off;
    ir->page_bits = page_bits;
    ir->ninsns = 0;
    ir->again = false;
    ir->fp_epoch = 0;
    memset(ir->slot_val, 0, t->nslots * sizeof(ir->slot_val[0]));
    memset(ir->const_hash, 0, sizeof(ir->const_hash));
    memset(ir->cse_hash, 0, sizeof(ir->cse_hash));
}

/* -- constants ------------------------------------------------------------------------------------------ */

static unsigned hash_u64(u64 v)
{
    return (unsigned)(v * 0x9e3779b97f4a7c15ull >> 56);
}

static ir_ref const_full(struct ir *ir)
{
    ir->full = true;
    return IR_CONST;
}

ir_ref ir_const(struct ir *ir, u64 v)
{
    if (v == 0) {
        return IR_CONST;
    }
    u16 *h = &ir->const_hash[hash_u64(v)];
    if (*h && ir->consts[*h] == v) {
        return (ir_ref)(*h | IR_CONST);
    }
    if (unlikely(ir->nconsts >= IR_MAX_CONSTS)) {
        return const_full(ir);
    }
    *h = (u16)ir->nconsts;
    ir->consts[ir->nconsts++] = v;
    return (ir_ref)(*h | IR_CONST);
}

ir_ref ir_const_v128(struct ir *ir, u64 lo, u64 hi)
{
    if ((lo | hi) == 0) {
        return IR_CONST;
    }
    u16 *h = &ir->const_hash[hash_u64(lo ^ (hi << 1 | hi >> 63) ^ 0x55)];
    if (*h && *h % 2 == 0 && *h + 1u < ir->nconsts && ir->consts[*h] == lo && ir->consts[*h + 1] == hi) {
        return (ir_ref)(*h | IR_CONST);
    }
    unsigned i = ir->nconsts + (ir->nconsts & 1);
    if (unlikely(i + 2 > IR_MAX_CONSTS)) {
        return const_full(ir);
    }
    ir->consts[ir->nconsts] = 0;
    ir->consts[i] = lo;
    ir->consts[i + 1] = hi;
    ir->nconsts = i + 2;
    *h = (u16)i;
    return (ir_ref)(i | IR_CONST);
}

/* -- appending ------------------------------------------------------------------------------------------ */

static unsigned min_bits(const struct ir *ir, const struct ir_op *op, unsigned w)
{
    return MIN(MIN(sig_bits(ir, op->a), sig_bits(ir, op->b)), w);
}
static unsigned max_bits(const struct ir *ir, ir_ref a, ir_ref b, unsigned w)
{
    return MIN(MAX(sig_bits(ir, a), sig_bits(ir, b)), w);
}
static unsigned load_bits(const struct ir_op *op, unsigned w)
{
    return op->d & MO_SIGN ? w : MIN(8u << (op->d & MO_SIZE), w);
}

/* The significant bits of an integer op's result. */
static unsigned result_bits(const struct ir *ir, const struct ir_op *op)
{
    unsigned t = ir_result(op), w = type_bits(t);
    if (!type_is_int(t)) {
        return 64;
    }
    unsigned a = MIN(sig_bits(ir, op->a), w);
    switch (op->op) {
    case IR_setcc:
    case IR_setf:
        return 1;
    case IR_clz:
    case IR_ctz:
    case IR_cls:
    case IR_popcnt:
        return 7;
    case IR_vtst:
        return 1;
    case IR_fl_unpack:
    case IR_vmask:
        return 16;
    case IR_and:
        return min_bits(ir, op, w);
    case IR_or:
    case IR_xor:
        return max_bits(ir, op->a, op->b, w);
    case IR_add:
        return MIN(max_bits(ir, op->a, op->b, w) + 1, w);
    case IR_mul:
        return MIN(a + sig_bits(ir, op->b), w);
    case IR_andn:
    case IR_udiv:
    case IR_urem:
        return a;
    case IR_shl:
        return ir_is_const(op->b) ? MIN(a + ((unsigned)ir_const_val(ir, op->b) & (w - 1)), w) : w;
    case IR_shr: {
        unsigned n = ir_is_const(op->b) ? (unsigned)ir_const_val(ir, op->b) & (w - 1) : 0;
        return a > n ? a - n : 0;
    }
    case IR_zext:
        return MIN(a, op->sub);
    case IR_extract:
        return op->imm >> 8;
    case IR_deposit:
        return MAX(a, (op->imm & 0xff) + (op->imm >> 8));
    case IR_select:
        return max_bits(ir, op->c, op->d, w);
    case IR_selectf:
        return max_bits(ir, op->b, op->c, w);
    case IR_vget:
        return MIN(8u << op->sub, w);
    case IR_ld:
    case IR_rmw:
    case IR_cas:
        return load_bits(op, w);
    case IR_ld_hi:
        return load_bits(&ir->ops[op->a], w);
    default:
        return w;
    }
}

ir_ref ir_append(struct ir *ir, const struct ir_op *op)
{
    if (unlikely(ir->ended)) {
        return IR_CONST;
    }
    bool end = ir_ops[op->op].flags & OPF_END;
    if (unlikely(ir->nops >= IR_MAX_OPS - (end ? 0 : IR_RESERVE))) {
        ir->full = true;
        return IR_CONST;
    }
    unsigned i = ir->nops++;
    ir->ops[i] = *op;
    ir->ops[i].uses = (u8)result_bits(ir, op);
    ir->ended = end;
#ifndef NDEBUG
    const char *wrong = ir->full ? NULL : ir_check_op(ir, i);
    if (unlikely(wrong)) {
        log_print("ir: %s: %s\n", ir_ops[op->op].name, wrong);
        must(!"a well-formed op");
    }
#endif
    return (ir_ref)i;
}

/* An op but for its scratch byte, as two numbers. */
struct op_key {
    u64 w[2];
};
static inline struct op_key op_key(const struct ir_op *op)
{
    struct op_key k;
    memcpy(&k, op, sizeof(k));
    k.w[0] &= ~(0xffull << 8 * offsetof(struct ir_op, uses));
    return k;
}

/* Two places a hash, the later op in the first. */
static u16 *cse_places(struct ir *ir, struct op_key k)
{
    u64 mix = (k.w[0] ^ k.w[1] >> 29 ^ k.w[1] << 35) * 0x9e3779b97f4a7c15ull;
    return &ir->cse_hash[mix >> 57 << 1];
}
static ir_ref cse_find(const struct ir *ir, const u16 *h, struct op_key k, bool in_epoch)
{
    for (unsigned i = 0; i < 2 && h[i]; i++) {
        struct op_key o = op_key(&ir->ops[h[i]]);
        if (o.w[0] == k.w[0] && o.w[1] == k.w[1] && !(in_epoch && h[i] <= ir->fp_epoch)) {
            return h[i];
        }
    }
    return 0;
}

ir_ref ir_pure(struct ir *ir, const struct ir_op *op)
{
    struct op_key k = op_key(op);
    u16 *h = cse_places(ir, k);
    ir_ref r = cse_find(ir, h, k, (ir_ops[op->op].flags & OPF_FPX) || op->op == IR_call);
    if (r) {
        return r;
    }
    r = ir_append(ir, op);
    if (!ir_is_const(r)) {
        h[1] = h[0];
        h[0] = r;
    }
    return r;
}

ir_ref ir_find(struct ir *ir, const struct ir_op *op)
{
    struct op_key k = op_key(op);
    return cse_find(ir, cse_places(ir, k), k, false);
}

/* -- reading operands ------------------------------------------------------------------------------------- */

ir_ref ir_low(struct ir *ir, ir_ref r, unsigned n)
{
    for (;;) {
        const struct ir_op *op = op_of(ir, r);
        switch (op->op) {
        case IR_zext:
        case IR_sext:
            if (op->sub < n) {
                return r;
            }
            break;
        case IR_extract:
        case IR_sextract:
            if ((op->imm & 0xff) || op->imm >> 8 < n) {
                return r;
            }
            break;
        case IR_and:
            if (op->type == IR_V128 || !ir_is_const(op->b) || ~ir_const_val(ir, op->b) & MASK(n)) {
                return r;
            }
            break;
        case IR_deposit:
            if ((op->imm & 0xff) < n) {
                return r;
            }
            break;
        default:
            return r;
        }
        r = op->a;
    }
}

ir_ref ir_rd(struct ir *ir, enum ir_type t, ir_ref r)
{
    if (t != IR_I32 && t < IR_I8) {
        return r;
    }
    if (ir_is_const(r)) {
        u64 v = ir_const_val(ir, r), cut = eval_trunc(t, v);
        return v != cut ? ir_const(ir, cut) : r;
    }
    r = ir_low(ir, r, type_bits(t));
    return ir_is_const(r) ? ir_rd(ir, t, r) : r;
}

ir_ref ir_as(struct ir *ir, enum ir_type t, ir_ref r)
{
    return t == IR_I32 ? ir_zext(ir, IR_I64, r, 32) : r;
}

/* *off + k << shift, when there is room for it. */
static bool off_add(i32 *off, u64 k, unsigned shift)
{
    i64 sum;
    if ((i64)k != (i32)k || __builtin_add_overflow((i64)k * (1 << shift), (i64)*off, &sum) || sum != (i32)sum) {
        return false;
    }
    *off = (i32)sum;
    return true;
}

static bool adds_const(const struct ir_op *op)
{
    return op->op == IR_add && op->type == IR_I64 && ir_is_const(op->b);
}

/* A part of an address without the constant it adds, or adds before it is scaled. */
static ir_ref address_part(struct ir *ir, ir_ref r, i32 *off)
{
    enum { SCALE_MAX = 4 };
    const struct ir_op *op = op_of(ir, r);
    if (adds_const(op)) {
        return off_add(off, ir_const_val(ir, op->b), 0) ? op->a : r;
    }
    if (op->op == IR_shl && op->type == IR_I64 && ir_is_const(op->b)) {
        u64 n = ir_const_val(ir, op->b);
        const struct ir_op *x = op_of(ir, op->a);
        if (n <= SCALE_MAX && adds_const(x) && off_add(off, ir_const_val(ir, x->b), (unsigned)n)) {
            return ir_shli(ir, IR_I64, x->a, (unsigned)n);
        }
    }
    return r;
}

/* The sum of two parts that are not constant. A loop's second round leaves their constants out: the other rounds come
 * to the same sum, and all are neighbours. */
static ir_ref address_sum(struct ir *ir, ir_ref addr, i32 *off)
{
    ir_ref a = op_of(ir, addr)->a, b = op_of(ir, addr)->b;
    if (!ir->again) {
        return addr;
    }
    ir_ref x = address_part(ir, a, off), y = address_part(ir, b, off);
    return x != a || y != b ? ir_add(ir, IR_I64, x, y) : addr;
}

ir_ref ir_address(struct ir *ir, ir_ref addr, i32 *off)
{
    const struct ir_op *op = op_of(ir, addr);
    if (ir_is_const(addr)) {
        ir_ref r = ir_const(ir, ir_const_val(ir, addr) + (u64)(i64)*off);
        *off = 0;
        return r;
    }
    if (adds_const(op) && off_add(off, ir_const_val(ir, op->b), 0)) {
        addr = op->a;
        op = op_of(ir, addr);
    }
    if (op->op == IR_pc && off_add(off, (u64)(i64)(i32)op->imm, 0)) {
        return ir_pc(ir, 0);
    }
    if (op->op == IR_add && op->type == IR_I64 && !ir_is_const(op->b)) {
        return address_sum(ir, addr, off);
    }
    return addr;
}

/* -- state -------------------------------------------------------------------------------------------------- */

void ir_insn(struct ir *ir, u32 page_off, unsigned length)
{
    if (!ir->ended) {
        ir->again |= ir->ninsns && page_off == ir->start_off;
        ir->ninsns++;
        ir_append(ir, OP(.op = IR_insn, .d = (u16)length, .imm = page_off));
    }
}

ir_ref ir_get(struct ir *ir, unsigned slot)
{
    check(slot < ir->target->nslots);
    enum ir_type t = ir->target->slots[slot].type;
    ir_ref v = ir->slot_val[slot];
    if (v) {
        /* A put wrote the low half of it. */
        return t == IR_I32 ? ir_as(ir, t, v) : v;
    }
    v = ir_append(ir, OP(.op = IR_get, .type = t, .imm = slot));
    ir->slot_val[slot] = v;
    return v;
}

void ir_put(struct ir *ir, unsigned slot, ir_ref v)
{
    check(slot < ir->target->nslots);
    enum ir_type t = ir->target->slots[slot].type;
    v = ir_rd(ir, t, v);
    if (ir->slot_val[slot] == v) {
        return;
    }
    ir_append(ir, OP(.op = IR_put, .type = t, .a = v, .imm = slot));
    ir->slot_val[slot] = v;
}

ir_ref ir_pc(struct ir *ir, i32 off)
{
    return ir_pure(ir, OP(.op = IR_pc, .type = IR_I64, .imm = (u32)off));
}

/* -- memory ------------------------------------------------------------------------------------------------- */

/* An integer access no wider than 32 bits needs no wider type, but for a sign. */
static enum ir_type access_type(enum ir_type t, unsigned mo)
{
    return t == IR_I64 && (mo & MO_SIZE) <= MO_32 && !(mo & MO_SIGN) ? IR_I32 : t;
}
static ir_ref store_val(struct ir *ir, enum ir_type t, ir_ref v, unsigned mo)
{
    return type_is_int(t) ? ir_rd(ir, t, ir_low(ir, v, 8u << (mo & MO_SIZE))) : v;
}

ir_ref ir_ld(struct ir *ir, enum ir_type t, ir_ref addr, i32 off, unsigned mo)
{
    t = access_type(t, mo);
    addr = ir_address(ir, addr, &off);
    return ir_append(ir, OP(.op = IR_ld, .type = t, .a = addr, .d = (u16)mo, .imm = (u32)off));
}

ir_ref ir_ld_pair(struct ir *ir, enum ir_type t, ir_ref addr, i32 off, unsigned mo, ir_ref *second)
{
    ir_ref first = ir_ld(ir, t, addr, off, mo | MO_PAIR);
    t = access_type(t, mo);
    *second = ir_is_const(first) ? first : ir_append(ir, OP(.op = IR_ld_hi, .type = t, .a = first));
    return first;
}

void ir_st(struct ir *ir, ir_ref addr, i32 off, ir_ref v, enum ir_type t, unsigned mo)
{
    t = access_type(t, mo);
    addr = ir_address(ir, addr, &off);
    v = store_val(ir, t, v, mo);
    ir_append(ir, OP(.op = IR_st, .type = t, .a = addr, .b = v, .d = (u16)mo, .imm = (u32)off));
}

void ir_st_pair(struct ir *ir, ir_ref addr, i32 off, ir_ref v, ir_ref v2, enum ir_type t, unsigned mo)
{
    t = access_type(t, mo);
    addr = ir_address(ir, addr, &off);
    v = store_val(ir, t, v, mo);
    v2 = store_val(ir, t, v2, mo);
    mo |= MO_PAIR;
    ir_append(ir, OP(.op = IR_st, .type = t, .a = addr, .b = v, .c = v2, .d = (u16)mo, .imm = (u32)off));
}

ir_ref ir_rmw(struct ir *ir, enum ir_rmw kind, enum ir_type t, ir_ref addr, i32 off, ir_ref v, unsigned mo)
{
    t = access_type(t, mo);
    addr = ir_addi(ir, IR_I64, addr, off);
    v = store_val(ir, t, v, mo);
    return ir_append(ir, OP(.op = IR_rmw, .type = t, .sub = kind, .a = addr, .b = v, .d = (u16)mo));
}

ir_ref ir_cas(struct ir *ir, enum ir_type t, ir_ref addr, i32 off, ir_ref expected, ir_ref v, unsigned mo)
{
    t = access_type(t, mo);
    addr = ir_addi(ir, IR_I64, addr, off);
    expected = store_val(ir, t, expected, mo);
    v = store_val(ir, t, v, mo);
    return ir_append(ir, OP(.op = IR_cas, .type = t, .a = addr, .b = expected, .c = v, .d = (u16)mo));
}

void ir_fence(struct ir *ir, unsigned kinds)
{
    ir_append(ir, OP(.op = IR_fence, .imm = kinds));
}

/* -- calls and exits ------------------------------------------------------------------------------------------ */

static void forget_slots(struct ir *ir, const struct slot_set *set)
{
    for (unsigned i = 0; i < ir->target->nslots; i++) {
        if (!set || bit(set->w[i / 64], i % 64)) {
            ir->slot_val[i] = 0;
        }
    }
}

ir_ref ir_call(struct ir *ir, unsigned helper, ir_ref a, ir_ref b, ir_ref c, ir_ref d)
{
    check(helper < ir->target->nhelpers);
    const struct ir_helper *h = &ir->target->helpers[helper];
    struct ir_op op = {.op = IR_call, .type = h->ret, .a = a, .b = b, .c = c, .d = d, .imm = helper};
    for (unsigned k = 0; k < 4 && h->args[k] != IR_NONE; k++) {
        *op_arg(&op, k) = ir_rd(ir, h->args[k], op_arg_val(&op, k));
    }
    if (h->flags & HF_PURE) {
        return ir_pure(ir, &op);
    }
    ir_ref r = ir_append(ir, &op);
    ir->fp_epoch = ir->nops - 1;
    if (h->flags & HF_WRITES) {
        forget_slots(ir, h->writes);
    }
    return r;
}

static void exit_when(struct ir *ir, const struct cond *c, i32 off)
{
    switch (c->kind) {
    case COND_NEVER:
        break;
    case COND_ALWAYS:
        ir_exit(ir, off, EXIT_JUMP);
        break;
    case COND_CMP:
        ir_append(ir, OP(.op = IR_exitcc, .type = c->t, .sub = c->cc, .a = c->a, .b = c->b, .imm = (u32)off));
        break;
    case COND_FLAGS:
        ir_append(ir, OP(.op = IR_exitf, .sub = c->cc, .a = c->a, .imm = (u32)off));
        break;
    }
}

void ir_exitcc(struct ir *ir, enum ir_cond cc, enum ir_type t, ir_ref a, ir_ref b, i32 target_off)
{
    struct cond c = ir_cond_cmp(ir, cc, t, a, b);
    exit_when(ir, &c, target_off);
}

void ir_exitcc_care(struct ir *ir, enum ir_cond cc, enum ir_type t, ir_ref a, ir_ref b, i32 target_off)
{
    ir_append(ir, OP(.op = IR_exitcc, .type = t, .sub = cc, .a = a, .b = b, .d = EXIT_CARE, .imm = (u32)target_off));
}

void ir_exitf(struct ir *ir, enum ir_cond cc, ir_ref fl, i32 target_off)
{
    struct cond c = ir_cond_flags(ir, cc, fl);
    exit_when(ir, &c, target_off);
}

void ir_exit(struct ir *ir, i32 target_off, enum ir_exit_kind kind)
{
    ir_append(ir, OP(.op = IR_exit, .sub = kind, .imm = (u32)target_off));
}

void ir_exit_ind(struct ir *ir, ir_ref addr, enum ir_exit_kind kind)
{
    ir_append(ir, OP(.op = IR_exit_ind, .sub = kind, .a = addr));
}

void ir_exit_pc(struct ir *ir)
{
    ir_append(ir, OP(.op = IR_exit_pc));
}

void ir_exit_loop(struct ir *ir, enum ir_reason why)
{
    ir_append(ir, OP(.op = IR_exit_loop, .imm = why));
}
