/* Helper calls by the System V ABI. All parameters are 64 bits wide; vectors go by pointer through rt.vtmp.
 *
 * Before: slots the helper reads are home; live values leave the caller-saved registers. Argument values are read from
 * where they were, so they move into place before anything overwrites those registers. After: slots it writes are
 * forgotten, r15 is loaded again (the TLB may have moved). */
#include "tcg/host/x86_64/memory_priv.h"

static const u8 arg_reg[] = {RDI, RSI, RDX, RCX, R8, R9};

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
        ir_ref old = g->home[s];
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
    struct mem m;
};

static struct arg arg_of(struct gen *g, ir_ref r, unsigned type, unsigned k)
{
    struct arg a = {.wide = type == IR_I64 || type == IR_F64};
    if (type == IR_V128) {
        unsigned reg = ra_src(g, r, type);
        v_rrm(g->c, X_MOVUPS_MR, reg, 0, RT_AT(vtmp, k));
        a.kind = ARG_POINTER;
        a.m = RT_AT(vtmp, k);
    } else if (type == IR_FLAGS) {
        flags_pack(g, r);
        x_alu_i(g->c, ALU_AND, false, RAX, FL_N | FL_Z | FL_A | FL_P | FL_C | FL_V);
        g->ef.kind = RK_NONE;
        x_store(g->c, true, RT_AT(scratch, k), RAX);
        a.kind = ARG_MEM;
        a.m = RT_AT(scratch, k);
    } else if (ir_is_const(r)) {
        a.kind = ARG_CONST;
        a.v = a.wide ? const_of(g, r) : type == IR_F16 ? (u16)const_of(g, r) : (u32)const_of(g, r);
    } else if (g->vals[r].reg != NOREG) {
        a.kind = type_is_vec(type) ? ARG_VEC : ARG_REG;
        a.reg = g->vals[r].reg;
    } else {
        a.kind = ARG_MEM;
        a.wide &= g->vals[r].type == IR_I64 || type_is_vec(type);
        a.m = loc_mem(g, g->vals[r].mem);
    }
    return a;
}

static void arg_move(struct gen *g, unsigned dst, const struct arg *a)
{
    switch (a->kind) {
    case ARG_REG:
        x_mov(g->c, a->wide, dst, a->reg);
        break;
    case ARG_CONST:
        x_mov_i(g->c, dst, a->v);
        break;
    case ARG_MEM:
        x_load(g->c, a->wide, dst, a->m);
        break;
    case ARG_VEC:
        v_rrr(g->c, X_MOVD_RX | (a->wide ? OPW : 0), a->reg, 0, dst);
        break;
    case ARG_POINTER:
        x_lea(g->c, true, dst, a->m);
        break;
    }
}

/* Register sources first, in an order that overwrites none still needed. */
static void args_move(struct gen *g, struct arg *arg, const u8 *dst, unsigned n)
{
    u32 left = 0;
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
            unsigned k = ctz32(left), from = arg[k].reg;
            x_mov(g->c, true, RAX, from);
            for (unsigned j = 0; j < n; j++) {
                arg[j].reg = (left & RBIT(j)) && arg[j].reg == from ? RAX : arg[j].reg;
            }
        }
    }
    for (unsigned k = 0; k < n; k++) {
        if (arg[k].kind != ARG_REG) {
            arg_move(g, dst[k], &arg[k]);
        }
    }
}

static void call_function(struct gen *g, const void *fn)
{
    x_rm(g->c, 0xff, false, 2, POOL_MEM);
    pool_use(g, pool_u64(g, (u64)(uintptr_t)fn), 0);
}

static void swap_mxcsr(struct gen *g, bool to_c)
{
    if (to_c) {
        v_rrm(g->c, 0xae | M0F, 3, 0, RT_MEM(host_fp));
        v_rrm(g->c, 0xae | M0F, 2, 0, RT_MEM(c_fp));
    } else {
        v_rrm(g->c, 0xae | M0F, 2, 0, RT_MEM(host_fp));
    }
}

static void bind_result(struct gen *g, unsigned type)
{
    if (type == IR_NONE || (g->vals[g->i].next == NOUSE && g->vals[g->i].hold <= g->i)) {
        return;
    }
    unsigned rd = ra_dst(g, 0);
    switch (type) {
    case IR_V128:
        v_rrm(g->c, X_MOVUPS, rd, 0, RT_AT(vtmp, 3));
        break;
    case IR_I64:
        x_mov(g->c, true, rd, RAX);
        break;
    case IR_I32:
    case IR_FLAGS:
        x_mov(g->c, false, rd, RAX);
        break;
    default:
        v_rrr(g->c, X_MOVD | OPW, rd, 0, RAX);
        break;
    }
}

void emit_call(struct gen *g, struct xop *x)
{
    const struct ir_helper *h = &g->t->helpers[x->imm];
    const ir_ref ref[4] = {x->a, x->b, x->c, x->d};
    bool fp = h->flags & (HF_FP | HF_FAULT), has_cpu = !(h->flags & HF_NO_CPU);
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
    ra_flush(g, GPR_CALLER_SAVED | XMM_ALL);
    args_move(g, arg, arg_reg + first, x->nargs);
    for (unsigned k = 0; k < x->nargs; k++) {
        if (h->args[k] == IR_F16) {
            x_rr(g->c, X_MOVZX16, false, arg_reg[first + k], arg_reg[first + k]);
        }
    }
    if (h->ret == IR_V128) {
        x_lea(g->c, true, arg_reg[first - 1], RT_AT(vtmp, 3));
    }
    if (has_cpu) {
        x_lea(g->c, true, RDI, MEM(RBP, -RT_BIAS));
    }
    if (h->flags & HF_FAULT) {
        x_store_i(g->c, false, RT_MEM(insn_off), (i32)g->insn_off);
    }
    if (fp) {
        swap_mxcsr(g, true);
    }
    if (has_cpu && !(h->flags & HF_PURE)) {
        x_store(g->c, true, RT_MEM(ret_sp), RSP);
    }
    call_function(g, h->fn);
    if (fp) {
        swap_mxcsr(g, false);
    }
    if (has_cpu) {
        x_load(g->c, true, R15, RT_MEM(tlb));
    }
    bind_result(g, h->ret);
}
