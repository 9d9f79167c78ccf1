/* Helper calls by the host's ABI. All parameters are 64 bits wide; vectors go by pointer through rt.vtmp.
 *
 * Before: slots the helper reads are home; live values leave the caller-saved registers. Argument values are read from
 * where they were, so they move into place before anything overwrites those registers. After: slots it writes are
 * forgotten. */
#include "tcg/host/gen_priv.h"

static bool in_set(const struct slot_set *set, unsigned s)
{
    return !set || bit(set->w[s / 64], s % 64);
}

/* A float comparison is not made again behind a call that may have cleared the exceptions it raised. */
static void settle_fcmp(struct gen *g)
{
    for (unsigned s = 0; s < g->t->nslots; s++) {
        ir_ref r = g->cur[s];
        if (r && ref_is_recipe(g, r) && g->x[r].rk == RK_FCMP && !val_gone(g, r)) {
            ra_store_home(g, s);
            g->x[r].rk = RK_NONE; /* from now on it is the packed form */
        }
    }
}

static void slots_home(struct gen *g, const struct ir_helper *h)
{
    bool all = h->flags & HF_FAULT;
    for (unsigned s = 0; s < g->t->nslots; s++) {
        bool seen =
            all || ((h->flags & HF_READS) && in_set(h->reads, s)) || ((h->flags & HF_WRITES) && in_set(h->writes, s));
        if (seen) {
            ra_store_home(g, s);
        }
    }
}

static void slots_forget(struct gen *g, const struct ir_helper *h)
{
    for (unsigned s = 0; s < g->t->nslots; s++) {
        if (!in_set(h->writes, s)) {
            continue;
        }
        ir_ref old = ir_is_const(g->home[s]) ? 0 : g->home[s];
        if (old && !val_dead(g, old)) { /* arguments were found already, and are read before the call */
            ra_rescue_home(g, s);
        }
        if (old && g->vals[old].mem == LOC_HOME + s) {
            g->vals[old].mem = LOC_NONE;
        }
        g->home[s] = 0;
        g->cur[s] = 0;
        g->touched.w[s / 64] |= 1ull << s % 64;
    }
}

struct arg {
    enum { ARG_REG, ARG_CONST, ARG_MEM, ARG_VEC, ARG_POINTER } kind;
    unsigned reg; /* source */
    bool wide;
    u64 v;
    i32 off;
};

static struct arg arg_of(struct gen *g, ir_ref r, unsigned type, unsigned k)
{
    struct arg a = {.wide = type == IR_I64 || type == IR_F64};
    if (type == IR_V128) {
        unsigned reg = ra_src(g, r, type);
        g->arch->store(g->c, IR_V128, RT_OFF_AT(vtmp, k), reg);
        a.kind = ARG_POINTER;
        a.off = RT_OFF_AT(vtmp, k);
    } else if (type == IR_FLAGS) {
        g->arch->flags_pack(g, r);
        g->arch->flags_clean(g);
        g->arch->store(g->c, IR_I64, RT_OFF_AT(scratch, k), g->arch->tmp);
        a.kind = ARG_MEM;
        a.off = RT_OFF_AT(scratch, k);
    } else if (ir_is_const(r)) {
        a.kind = ARG_CONST;
        a.v = a.wide ? const_of(g, r) : type == IR_F16 ? (u16)const_of(g, r) : (u32)const_of(g, r);
    } else if (g->vals[r].reg != NOREG) {
        a.kind = type_is_vec(type) ? ARG_VEC : ARG_REG;
        a.reg = g->vals[r].reg;
    } else {
        a.kind = ARG_MEM;
        a.wide &= g->vals[r].type == IR_I64 || type_is_vec(type);
        a.off = loc_off(g, g->vals[r].mem);
    }
    return a;
}

static void arg_move(struct gen *g, unsigned dst, const struct arg *a)
{
    switch (a->kind) {
    case ARG_REG:
        g->arch->mov(g->c, a->wide, dst, a->reg);
        break;
    case ARG_CONST:
        g->arch->mov_imm(g->c, dst, a->v);
        break;
    case ARG_MEM:
        g->arch->load(g->c, a->wide ? IR_I64 : IR_I32, dst, a->off);
        break;
    case ARG_VEC:
        g->arch->to_int(g->c, a->wide, dst, a->reg);
        break;
    case ARG_POINTER:
        g->arch->address(g->c, dst, a->off);
        break;
    }
}

/* Register sources first, in an order that overwrites none still needed. */
static void args_move(struct gen *g, struct arg *arg, const u8 *dst, unsigned n)
{
    u64 left = 0;
    for (unsigned k = 0; k < n; k++) {
        left |= arg[k].kind == ARG_REG ? RBIT(k) : 0;
    }
    while (left) {
        bool moved = false;
        for (unsigned k = 0; k < n; k++) {
            bool free = left & RBIT(k);
            for (unsigned j = 0; j < n && free; j++) {
                free = j == k || !(left & RBIT(j)) || arg[j].reg != dst[k];
            }
            if (free) {
                arg_move(g, dst[k], &arg[k]);
                left &= ~RBIT(k);
                moved = true;
            }
        }
        if (!moved) {
            unsigned k = ctz64(left), from = arg[k].reg;
            g->arch->mov(g->c, true, g->arch->tmp, from);
            for (unsigned j = 0; j < n; j++) {
                arg[j].reg = (left & RBIT(j)) && arg[j].reg == from ? g->arch->tmp : arg[j].reg;
            }
        }
    }
    for (unsigned k = 0; k < n; k++) {
        if (arg[k].kind != ARG_REG) {
            arg_move(g, dst[k], &arg[k]);
        }
    }
}

static void bind_result(struct gen *g, unsigned type)
{
    if (type == IR_NONE || (g->vals[g->i].next == NOUSE && g->vals[g->i].hold <= g->i)) {
        return;
    }
    unsigned rd = ra_dst(g, 0);
    const struct host_arch *a = g->arch;
    if (type == IR_V128) {
        a->load(g->c, IR_V128, rd, RT_OFF_AT(vtmp, 3));
    } else if (type_is_vec(type)) {
        a->to_vec(g->c, rd, a->result);
    } else {
        a->mov(g->c, type == IR_I64, rd, a->result);
    }
}

void emit_call(struct gen *g, struct xop *x)
{
    const struct ir_helper *h = &g->t->helpers[x->imm];
    const ir_ref ref[4] = {x->a, x->b, x->c, x->d};
    const void *hook = h->flags & HF_PURE ? NULL : g->cfg->call;
    bool all = (h->flags & (HF_FP | HF_FAULT)) || hook, has_cpu = !(h->flags & HF_NO_CPU);
    enum call_fp fp = all ? CALL_FP : h->flags & HF_LOOK ? CALL_LOOK : CALL_PLAIN;
    struct arg arg[4];
    unsigned first = has_cpu + (h->ret == IR_V128);
    if (!(h->flags & HF_PURE)) {
        share_end(g);
        settle_fcmp(g);
    }
    if (h->flags & (HF_FAULT | HF_READS | HF_WRITES)) {
        slots_home(g, h);
    }
    for (unsigned k = 0; k < x->nargs; k++) {
        arg[k] = arg_of(g, ref[k], h->args[k], k);
    }
    if (h->flags & HF_WRITES) {
        slots_forget(g, h);
    }
    const struct host_arch *a = g->arch;
    ra_flush(g, a->clobbered);
    args_move(g, arg, a->arg + first, x->nargs);
    for (unsigned k = 0; k < x->nargs; k++) {
        if (h->args[k] == IR_F16) {
            a->zext(g->c, 16, a->arg[first + k], a->arg[first + k]);
        }
    }
    if (h->ret == IR_V128) {
        a->address(g->c, a->arg[first - 1], RT_OFF_AT(vtmp, 3));
    }
    if (has_cpu) {
        a->address(g->c, a->arg[0], 0);
    }
    if (h->flags & HF_FAULT) {
        a->store_imm(g->c, false, RT_OFF(insn_off), g->insn_off);
    }
    if (hook) {
        a->store_imm(g->c, false, RT_OFF_AT(scratch, RT_HELPER), x->imm);
    }
    g->helper = x->imm;
    a->call_c(g, hook ? hook : h->fn, fp, has_cpu, !(h->flags & HF_PURE));
    g->x87_ready &= !call_settles(g, x->imm);
    bind_result(g, h->ret);
}
