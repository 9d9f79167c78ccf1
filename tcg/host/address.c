/* Sums that are only addresses: the accesses make them (host_arch.addresses).
 *
 *      v1 = add.i32 ebx, edi           folded
 *      v2 = add.i32 v1, 0x23aaac       folded
 *      v3 = ld [v2]                    a: ebx, its index: edi, imm: 0x23aaac, 32 bits wide
 *
 * In user mode (gen_config.addressed), where an access is one instruction. A sum is folded when all who read it are
 * plain accesses, or such sums of it and a number; so each access makes it again, for nothing. What it is made of lives
 * on until the last of them. A sum of 32 bits is cut to them before the base of the program's memory is added, and an
 * access adds nothing behind that. */
#include "tcg/host/gen_priv.h"

enum { FAR = 48, DEEP = 1 };

static bool is_number(const struct ir *ir, ir_ref r, unsigned type)
{
    return ir_is_const(r) && (type == IR_I32 || (i64)ir_const_val(ir, r) == (i32)ir_const_val(ir, r));
}

/* May the access go by a sum of this type, with `disp` added to what it adds itself? */
static bool access_takes(const struct gen *g, const struct ir_op *op, unsigned type, i64 disp)
{
    bool x87 = op->op == IR_call && helper_is_x87(g, op->imm) && X87_KIND(const_of(g, op->b)) == X87_MEMORY;
    if ((op->op != IR_ld && op->op != IR_st && !x87) || ((op->d & MO_TSO) == MO_REL && op->op == IR_st)) {
        return false;
    }
    i32 own = x87 ? X87_OFF(const_of(g, op->b)) : (i32)op->imm;
    if (type == IR_I32) {
        return own == 0 && (x87 || !(op->d & MO_PAIR));
    }
    i64 sum = disp + own;
    return sum == (i32)sum && sum < INT32_MAX - 64;
}

/* Is the value of op i, which adds `disp`, read by accesses alone, and by sums of it and a number? */
static bool only_addresses(const struct gen *g, unsigned i, i64 disp, unsigned deep)
{
    const struct ir *ir = g->ir;
    const ir_ref r = (ir_ref)i;
    const unsigned type = ir->ops[i].type;
    unsigned left = ir->ops[i].uses;
    for (unsigned j = i + 1; left && j < MIN(i + FAR, ir->nops); j++) {
        const struct ir_op *op = &ir->ops[j];
        if (op->a != r) { /* another use is one too few of these */
            continue;
        }
        if (access_takes(g, op, type, disp)) {
            left--;
        } else if (deep && op->op == IR_add && op->type == type && is_number(ir, op->b, type)) {
            i64 sum = disp + (i64)ir_const_val(ir, op->b);
            if ((type != IR_I32 && sum != (i32)sum) || !only_addresses(g, j, sum, deep - 1)) {
                return false;
            }
            left--;
        } else {
            return false;
        }
    }
    return left == 0;
}

/* What a sum, or a scaled number, adds by itself. */
static i64 own_disp(const struct gen *g, const struct xop *x)
{
    return x->op == IR_add && ir_is_const(x->b) ? (i64)const_of(g, x->b) : 0;
}

bool address_fold(struct gen *g, struct xop *x)
{
    const struct ir_op *op = &g->ir->ops[g->i];
    if (!g->cfg->addressed || op->uses == 0 || x->type > IR_I64 || ir_is_const(x->a)) {
        return false;
    }
    bool sum = x->op == IR_add && (!ir_is_const(x->b) || is_number(g->ir, x->b, x->type));
    bool scaled = x->op == IR_shl && ir_is_const(x->b) && const_of(g, x->b) - 1 < 3;
    if ((!sum && !scaled) || !only_addresses(g, g->i, own_disp(g, x), DEEP)) {
        return false;
    }
    x->flags |= XF_ADDRESS;
    x->op = XOP_FOLDED;
    x->nargs = 0;
    return true;
}

static bool is_folded(const struct gen *g, ir_ref r)
{
    return r && !ir_is_const(r) && r < REF_ENTRY && (g->x[r].flags & XF_ADDRESS);
}

/* A fixed address is all displacement, where there is room for it. */
static void number_use(const struct gen *g, struct xop *x)
{
    u64 at = const_of(g, x->a) + (u64)(i32)x->imm;
    if (at < (1ull << 32) - 64) {
        x->a = 0;
        x->imm = (u32)at;
        x->flags |= XF_ADDRESSED | (at > INT32_MAX - 64 ? XF_CUT : 0);
    }
}

void address_use(struct gen *g, struct xop *x)
{
    ir_ref index = 0;
    u32 disp = 0;
    if (g->cfg->addressed && ir_is_const(x->a)) {
        number_use(g, x);
        return;
    }
    if (!is_folded(g, x->a)) {
        return;
    }
    x->flags |= g->x[x->a].type == IR_I32 ? XF_CUT : 0;
    while (is_folded(g, x->a)) { /* at most one of them is no sum with a number */
        const struct xop *y = &g->x[x->a];
        if (g->ir->ops[x->a].op == IR_shl) {
            index = y->a;
            x->scale = (u8)const_of(g, y->b);
            x->a = 0;
        } else if (ir_is_const(y->b)) {
            disp += (u32)const_of(g, y->b);
            x->a = y->a;
        } else {
            index = y->b;
            x->scale = y->scale;
            x->a = y->a;
        }
    }
    x->imm += disp;
    x->flags |= XF_ADDRESSED;
    if (index) {
        x->flags |= XF_INDEX;
        use_extra(g, x, index);
    }
}
