/* The first pass: names, uses, folding. One walk forward over the trace.
 *
 * Law of holds: between a put and the next put of the same slot, the ops that may fault, exit, or call something that
 * looks at guest state are observers. A value must stay somewhere until the last observer of a slot it was put into
 * (val.hold). A put without an observer before the next put is dead. */
#include "tcg/eval.h"
#include "tcg/host/state_priv.h"
#include "tcg/ops_priv.h"

static void val_init(struct gen *g, ir_ref r, unsigned type)
{
    struct val *v = &g->vals[r];
    *v = (struct val){.next = NOUSE, .reg = NOREG, .slot = NOSLOT, .hint = NOSLOT, .type = (u8)type};
    g->tail[r] = &v->next;
}

static inline void chain(struct gen *g, ir_ref r, u16 *cell)
{
    *g->tail[r] = (u16)g->i;
    g->tail[r] = cell;
    *cell = NOUSE;
}
void use_extra(struct gen *g, struct xop *x, ir_ref r)
{
    if (ir_is_const(r) || r == 0) {
        return;
    }
    if (g->nextra == ARRAY_LEN(g->extra)) {
        g->full = true;
        return;
    }
    struct extra_use *e = &g->extra[g->nextra];
    if (x->nextra++ == 0) {
        x->extra = (u16)g->nextra;
    }
    g->nextra++;
    e->ref = r;
    chain(g, r, &e->nu);
}
/* What a recipe is made of, when r is one. */
static void use_recipe(struct gen *g, struct xop *x, ir_ref r)
{
    if (r == 0 || !ref_is_recipe(g, r)) {
        return;
    }
    const ir_ref of[2] = {g->x[r].c, g->x[r].d};
    for (unsigned k = 0; k < 2; k++) {
        use_extra(g, x, of[k]);
        use_recipe(g, x, of[k]);
    }
}
static void use(struct gen *g, struct xop *x, unsigned k, ir_ref r)
{
    x->nu[k] = NOUSE;
    if (ir_is_const(r) || r == 0) {
        return;
    }
    use_recipe(g, x, r);
    chain(g, r, &x->nu[k]);
}

static void hold_until(struct gen *g, ir_ref r, unsigned i)
{
    if (r == 0 || ir_is_const(r)) {
        return;
    }
    if (ref_is_recipe(g, r)) {
        hold_until(g, g->x[r].c, i);
        hold_until(g, g->x[r].d, i);
    }
    struct val *v = &g->vals[r];
    if (v->hold < i) {
        v->hold = (u16)i;
    }
}

static inline void name_slot(struct gen *g, unsigned s, ir_ref r)
{
    g->cur[s] = r;
    g->named.w[s / 64] |= 1ull << s % 64;
}
/* The slot ends to hold what it holds; `i`: the last op that may have seen it there. */
static void release(struct gen *g, unsigned s, unsigned i)
{
    struct val *v = &g->vals[REF_ENTRY + s];
    if (v->hold == HOLD_ENTRY) {
        v->hold = (u16)i;
    }
    hold_until(g, g->cur[s], i);
}

static inline ir_ref named(const struct gen *g, ir_ref r)
{
    return ir_is_const(r) ? r : g->name[r];
}

/* -- slots ----------------------------------------------------------------------------------------------- */

/* A float op reads its operands once more when its result is suspicious, so it does not write over one. When its result
 * is put where an operand is, the register of that slot is for the result: at a loop's end it is there. */
static void leave_to_result(struct gen *g, unsigned s, ir_ref r)
{
    ir_ref old = g->cur[s];
    if (g->native || ir_is_const(r) || r >= REF_ENTRY || !old || ir_is_const(old) || old >= REF_ENTRY ||
        g->vals[old].hint != s) {
        return;
    }
    const struct xop *f = &g->x[r];
    if ((ir_ops[g->ir->ops[r].op].flags & OPF_FPX) && (f->a == old || f->b == old || f->c == old)) {
        g->vals[old].hint = NOSLOT;
    }
}

static void select_put(struct gen *g, struct xop *x, unsigned obs)
{
    unsigned s = x->imm;
    leave_to_result(g, s, x->a);
    release(g, s, obs);
    u16 prev = g->last_put[s];
    if (prev && obs < prev) {
        g->x[prev].flags |= XF_DEAD;
    }
    g->last_put[s] = (u16)g->i;
    name_slot(g, s, x->a);
    use(g, x, 0, x->a);
    if (!ir_is_const(x->a) && g->vals[x->a].hint == NOSLOT) {
        g->vals[x->a].hint = (u8)s;
    }
}

/* A helper that writes slots: what they held ends with its seeing them. */
static void select_forget(struct gen *g, const struct slot_set *set)
{
    for (unsigned s = 0; s < g->t->nslots; s++) {
        if (!set || bit(set->w[s / 64], s % 64)) {
            release(g, s, g->i);
            name_slot(g, s, 0);
            g->last_put[s] = 0;
        }
    }
}

/* -- folding -------------------------------------------------------------------------------------------------- */

/* `raw` is the operand as the trace has it: read through a get it would be a second use. */
static bool sole_use(const struct gen *g, ir_ref r, ir_ref raw)
{
    return !ir_is_const(r) && r == raw && g->ir->ops[r].uses == 1;
}
static bool is_def(const struct gen *g, ir_ref r, unsigned op)
{
    return !ir_is_const(r) && r < REF_ENTRY && g->x[r].op == op;
}

/* add a, (b << n): one instruction. */
static void fold_scale(struct gen *g, struct xop *x)
{
    const struct ir_op *op = &g->ir->ops[g->i];
    for (unsigned k = 0; k < (x->op == IR_add ? 2u : 1u); k++) {
        ir_ref r = k ? x->a : x->b;
        const struct xop *s = &g->x[ir_is_const(r) || r >= REF_ENTRY ? 0 : r];
        if (s->op != IR_shl || !sole_use(g, r, k ? op->a : op->b) || !ir_is_const(s->b) ||
            (s->type != x->type && x->type != IR_I32)) {
            continue;
        }
        u64 n = const_of(g, s->b);
        ir_ref other = k ? x->b : x->a;
        if (n < 1 || n > g->arch->scale_max || (x->type == IR_I32 && n > 31) || ir_is_const(other)) {
            continue;
        }
        g->x[r].op = XOP_FOLDED;
        x->a = other;
        x->b = s->a;
        x->scale = (u8)n;
        return;
    }
}

/* -- sums that only a fault can show ----------------------------------------------------------------------------- */

/* Is the sum at g->i only put into slots that get another value before anything but an access can see them? */
static bool only_faults_see(const struct gen *g)
{
    enum { FAR = 48 };
    const struct ir *ir = g->ir;
    const ir_ref r = (ir_ref)g->i;
    unsigned left = ir->ops[g->i].uses, slot = NOSLOT;
    for (unsigned j = g->i + 1; j < ir->nops && j < g->i + FAR; j++) {
        const struct ir_op *op = &ir->ops[j];
        switch (op->op) {
        case IR_put:
            if (op->a == r && left && (slot == NOSLOT || slot == op->imm)) {
                slot = op->imm;
                left--;
            } else if (op->imm == slot) {
                return left == 0;
            }
            break;
        case IR_nop:
        case IR_insn:
            break;
        case IR_get: /* a trace that the builder has not seen may read it back */
            if (op->imm == slot) {
                return false;
            }
            break;
        case IR_call:
        case IR_exitcc:
        case IR_exitf:
            return false;
        default:
            if (ir_ops[op->op].flags & OPF_END) {
                return false;
            }
        }
    }
    return false;
}

/* A run of pushes leaves a stack pointer between any two, which nobody reads: the deopt map makes it of the first. A
 * value with more uses than puts fails above, for `left` never is 0. */
static bool select_offset(struct gen *g, struct xop *x)
{
    if (x->type != IR_I64 || x->scale || ir_is_const(x->a) || !ir_is_const(x->b) || !only_faults_see(g)) {
        return false;
    }
    x->op = XOP_FOLDED;
    x->rk = RK_OFFSET;
    x->c = x->a;
    x->d = x->b;
    x->imm = IR_I64;
    x->nargs = 0;
    return true;
}

/* No host keeps the slot in a register. */
static bool is_cold_i64(const struct ir_target *t, unsigned slot)
{
    return t->slots[slot].type == IR_I64 && !(t->npins && memchr(t->pins, (int)slot, t->npins));
}

/* An address of this page that is only put, and where no code looks for it: made when it goes home. */
static bool select_pc(struct gen *g, struct xop *x)
{
    enum { FAR = 48 };
    const struct ir *ir = g->ir;
    unsigned left = ir->ops[g->i].uses;
    if (left == 0) {
        return false;
    }
    for (unsigned j = g->i + 1; left && j < ir->nops && j < g->i + FAR; j++) {
        const struct ir_op *op = &ir->ops[j];
        left -= op->op == IR_put && op->a == (ir_ref)g->i && is_cold_i64(g->t, op->imm);
    }
    if (left) {
        return false;
    }
    x->op = XOP_FOLDED;
    x->rk = RK_PC;
    return true;
}

/* -- flags ------------------------------------------------------------------------------------------------------ */

static bool same_operands(const struct gen *g, const struct xop *v, const struct xop *f)
{
    if (v->type != (u8)f->imm || v->scale) {
        return false;
    }
    bool straight = v->a == f->a && v->b == f->b;
    if (v->op == IR_sub) {
        return f->rk == RK_SUB && straight;
    }
    if (v->op != IR_add) {
        return false;
    }
    if (f->rk == RK_ADD) {
        return straight || (v->a == f->b && v->b == f->a);
    }
    /* The builder writes a - k as a + -k. */
    if (f->rk != RK_SUB || v->a != f->a || !ir_is_const(v->b) || !ir_is_const(f->b)) {
        return false;
    }
    u64 sum = const_of(g, v->b) + const_of(g, f->b);
    return v->type == IR_I32 ? (u32)sum == 0 : sum == 0;
}

/* The arithmetic op near by whose instruction makes these flags, or the flags for such an op. */
static void find_twin(struct gen *g, struct xop *x)
{
    for (unsigned n = 1, j = g->i - 1; n <= 4 && j > 0; n++, j--) {
        struct xop *y = &g->x[j];
        bool is_fl = x->rk != RK_NONE;
        if (y->op == IR_insn || y->twin || (is_fl ? y->rk != RK_NONE : y->rk == RK_NONE)) {
            if (y->op == IR_insn) {
                return;
            }
            continue;
        }
        if (is_fl ? same_operands(g, y, x) : same_operands(g, x, y)) {
            x->twin = (u16)j;
            y->twin = (u16)g->i;
            return;
        }
    }
}

/* Will this instruction put result d over the slot that holds v now? */
static bool overwritten_by(const struct gen *g, ir_ref v, ir_ref d)
{
    const struct ir *ir = g->ir;
    if (ir_is_const(v)) {
        return false;
    }
    for (unsigned j = g->i + 1; j < ir->nops && ir->ops[j].op != IR_insn; j++) {
        if (ir->ops[j].op == IR_put && ir->ops[j].a == d && g->cur[ir->ops[j].imm] == v) {
            return true;
        }
    }
    return false;
}

/* Of the two operands and the result any two make the flags again: hold those that stay in slots anyway. */
static void choose_recipe(struct gen *g, struct xop *x)
{
    x->c = x->a;
    x->d = x->b;
    if (!x->twin || x->twin > g->i || (x->rk != RK_SUB && x->rk != RK_ADD)) {
        return;
    }
    ir_ref d = x->twin;
    if (overwritten_by(g, x->a, d)) {
        x->rk = x->rk == RK_SUB ? RK_SUB_DB : RK_ADD_DB;
        x->c = d;
    } else if (overwritten_by(g, x->b, d)) {
        if (x->rk == RK_SUB) {
            x->rk = RK_SUB_AD;
            x->d = d;
        } else {
            x->rk = RK_ADD_DB;
            x->c = d;
            x->d = x->a;
        }
    }
}

static void select_recipe(struct gen *g, struct xop *x)
{
    switch (x->op) {
    case IR_fl_add:
        x->rk = RK_ADD;
        break;
    case IR_fl_sub:
        x->rk = RK_SUB;
        break;
    case IR_fl_fcmp:
        x->rk = RK_FCMP;
        break;
    case IR_fl_mix:
        x->rk = RK_MIX;
        break;
    case IR_fl_shl:
    case IR_fl_shr:
    case IR_fl_sar:
        if (ir_is_const(x->b) && eval_shift_count((u8)x->imm, const_of(g, x->b)) == 0) {
            x->rk = RK_TEST;
            x->b = x->a;
            x->c = x->a;
            x->d = 0;
            return;
        }
        x->rk = (u8)(RK_SHL + (x->op - IR_fl_shl));
        break;
    default:
        x->rk = RK_TEST;
        x->b = x->a;
        if (is_def(g, x->a, IR_and) && (g->x[x->a].type == (u8)x->imm || (u8)x->imm >= IR_I8)) {
            struct xop *y = &g->x[x->a];
            if (sole_use(g, x->a, g->ir->ops[g->i].a)) {
                y->op = XOP_FOLDED;
                x->a = y->a;
                x->b = y->b;
            } else if (y->type == (u8)x->imm) {
                x->twin = x->a;
            }
        }
        x->c = x->a;
        x->d = x->b == x->a ? 0 : x->b;
        return;
    }
    if (x->rk == RK_SUB || x->rk == RK_ADD) {
        find_twin(g, x);
    }
    choose_recipe(g, x);
}

/* -- the walk ---------------------------------------------------------------------------------------------------- */

static bool is_observer(const struct gen *g, const struct ir_op *op)
{
    switch (op->op) {
    case IR_ld:
    case IR_st:
    case IR_rmw:
    case IR_cas:
    case IR_exitcc:
    case IR_exitf:
        return true;
    case IR_call:
        return g->t->helpers[op->imm].flags & HF_FAULT || call_settles(g, op->imm);
    default:
        return ir_ops[op->op].flags & OPF_END;
    }
}

/* True when the op is a mere name of another value. */
static bool select_name(struct gen *g, struct xop *x)
{
    const struct ir_op *op = &g->ir->ops[g->i];
    switch (op->op) {
    case IR_get:
        if (g->cur[op->imm]) {
            ir_ref r = g->cur[op->imm];
            if (ref_is_pc(g, r)) { /* read back after all, in a trace that the builder has not seen */
                g->x[r].op = IR_pc;
                g->x[r].rk = RK_NONE;
            }
            if (op->type == IR_I32 && (ir_is_const(r) ? const_of(g, r) >> 32 != 0 : g->vals[r].type == IR_I64)) {
                x->op = IR_zext; /* the put cut it */
                x->a = r;
                x->sub = 32;
                return false;
            }
            g->name[g->i] = r;
            x->op = IR_nop;
            return true;
        }
        /* Forgotten by a helper call: it is in its home. */
        name_slot(g, op->imm, (ir_ref)g->i);
        return false;
    case IR_vget:
        if (op->imm == 0 && type_is_vec(op->type) && !ir_is_const(op->a)) {
            g->name[g->i] = named(g, op->a);
            x->op = IR_nop;
            return true;
        }
        return false;
    case IR_vzero_ext:
        if (!g->arch->zero_above(g, named(g, op->a), ir_result(&g->ir->ops[op->a & ~IR_CONST]))) {
            return false;
        }
        g->name[g->i] = named(g, op->a);
        x->op = IR_nop;
        return true;
    case IR_fl_pack:
        g->name[g->i] = named(g, op->a);
        x->op = IR_nop;
        return true;
    default:
        return false;
    }
}

/* Are the op's flags made where they are read? */
static bool is_lazy(const struct gen *g, const struct xop *x)
{
    switch (x->op) {
    case IR_fl_add:
    case IR_fl_sub:
    case IR_fl_logic:
    case IR_fl_shl:
    case IR_fl_shr:
    case IR_fl_sar:
        return true;
    case IR_fl_fcmp:
        /* What is made again after a fault does not flush; x86 has DE. */
        return !(x->sub & (FP_SOFT | FP_FZ)) && (g->native || g->t->nan != NAN_X86);
    case IR_fl_mix:
        /* Of two recipes one waits in a register of flags_pack's, which another mix would take. */
        return !(ref_is_mix(g, x->a) && ref_is_recipe(g, x->b)) && !(ref_is_mix(g, x->b) && ref_is_recipe(g, x->a));
    default:
        return false;
    }
}

static void select_op(struct gen *g, struct xop *x, unsigned *obs)
{
    const struct ir_op *op = &g->ir->ops[g->i];
    ir_ref *arg[4] = {&x->a, &x->b, &x->c, &x->d};
    if (op->op == IR_get) {
        x->nargs = x->op == IR_zext;
        if (x->nargs) {
            use(g, x, 0, x->a);
        }
        return;
    }
    x->nargs = (u8)ir_nargs(g->ir, op);
    for (unsigned k = 0; k < x->nargs; k++) {
        *arg[k] = named(g, *arg[k]);
    }
    if (op->op == IR_put) {
        select_put(g, x, *obs);
        return;
    }
    if (is_observer(g, op)) {
        *obs = g->i;
        bool jump = op->op == IR_exit && op->sub != EXIT_CALL; /* recursion is no loop */
        bool direct = jump || (op->op == IR_exitcc && op->d != EXIT_CARE) || op->op == IR_exitf;
        if (direct && (i32)op->imm == (i32)g->ir->start_off) {
            g->loop_last = g->i;
            g->loop_backs++;
        }
    }
    if (op->op == IR_call && helper_is_x87(g, op->imm)) {
        g->x87 = true;
        x->op = XOP_X87;
        x->imm = (u32)X87_OFF(const_of(g, x->b));
        if (X87_KIND(const_of(g, x->b)) == X87_MEMORY) {
            address_use(g, x);
        }
    }
    if (op->op == IR_pc && select_pc(g, x)) {
        return;
    }
    if (is_lazy(g, x)) {
        x->nargs = 0; /* its operands are used where the flags are */
        select_recipe(g, x);
        if (op->op == IR_fl_fcmp) {
            use_extra(g, x, x->c); /* compared at once too: it may raise invalid */
            use_extra(g, x, x->d);
        }
        return;
    }
    if ((op->op == IR_add || op->op == IR_sub) && op->type != IR_V128) {
        if (op->op == IR_add && select_offset(g, x)) {
            return;
        }
        if (op->op == IR_add || g->arch->scale_sub) {
            fold_scale(g, x);
        }
        if (address_fold(g, x)) {
            return;
        }
        find_twin(g, x);
    } else if (op->op == IR_shl && address_fold(g, x)) {
        return;
    } else if (op->op == IR_ld || op->op == IR_st) {
        address_use(g, x);
    }
    for (unsigned k = 0; k < x->nargs; k++) {
        use(g, x, k, *arg[k]);
    }
    if (x->op == IR_call && (g->t->helpers[op->imm].flags & HF_WRITES)) {
        select_forget(g, g->t->helpers[op->imm].writes);
    }
}

void select_ops(struct gen *g)
{
    struct ir *ir = g->ir;
    g->nextra = g->loop_last = g->loop_backs = g->ncalls = g->nexits = 0;
    g->x87 = false;
    unsigned n = g->t->nslots;
    memcpy(&g->vals[REF_ENTRY], g->entry.vals, n * sizeof(g->vals[0]));
    memcpy(&g->tail[REF_ENTRY], g->entry.tail, n * sizeof(g->tail[0]));
    memcpy(g->cur, g->entry.cur, n * sizeof(g->cur[0]));
    memset(g->last_put, 0, n * sizeof(g->last_put[0]));
    g->named = (struct slot_set){{0}};
    unsigned obs = 0;
    for (unsigned i = 1; i < ir->nops; i++) {
        const struct ir_op *op = &ir->ops[i];
        struct xop *x = &g->x[i];
        *x = (struct xop){.op = op->op,
                          .type = op->type,
                          .sub = op->sub,
                          .a = op->a,
                          .b = op->b,
                          .c = op->c,
                          .d = op->d,
                          .imm = op->imm};
        g->i = i;
        g->name[i] = (ir_ref)i;
        if (op->op == IR_nop || op->op == IR_insn || select_name(g, x)) {
            continue;
        }
        val_init(g, (ir_ref)i, ir_result(op));
        select_op(g, x, &obs);
        if (x->op == IR_call && !(g->t->helpers[x->imm].flags & HF_PURE)) {
            g->calls[g->ncalls++] = (u16)i;
        } else if (x->op == IR_exitcc || x->op == IR_exitf) {
            g->exits[g->nexits++] = (u16)i;
        }
        if (type_is_vec(ir_result(op)) && g->arch->clears(g, x)) {
            g->vals[i].type = IR_V128; /* stored whole, and a vector's slot may hold it */
        }
    }
    g->calls[g->ncalls] = g->exits[g->nexits] = NOUSE;
    for (unsigned w = 0; w < ARRAY_LEN(g->named.w); w++) {
        for (u64 m = g->named.w[w]; m; m &= m - 1) {
            hold_until(g, g->cur[w * 64 + ctz64(m)], ir->nops - 1);
        }
    }
}
