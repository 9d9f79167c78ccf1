/* Atomic read-modify-write and compare-and-swap: a write probe, the host address in rcx, then a locked instruction.
 * The slow path only finds the host address (rt_funcs.atomic_ptr) and joins. */
#include "tcg/host/x86_64/memory_priv.h"

static void probe_pointer(struct gen *g, unsigned addr, unsigned mo)
{
    struct mem m;
    u8 *cold = mem_access(g, MEM(addr, 0), mo, offsetof(struct tlb_entry, wr), &m);
    x_lea(g->c, true, RCX, m);
    if (!cold) {
        return;
    }
    u8 *join = g->c->p;
    to_cold(g);
    bind_cold(g, cold);
    mem_slow_args(g, MEM(addr, 0), mo | MO_STORE);
    mem_slow_call(g, TH_ATOMIC);
    back_to_hot(g, join);
    to_hot(g);
}

static void lock(struct gen *g)
{
    x_byte(g->c, 0xf0);
}
static u32 sized(unsigned size, u32 op8, u32 op16, u32 op)
{
    return size == MO_8 ? op8 : size == MO_16 ? op16 : op;
}
/* rd = rs cut to the access's size */
static void zero_ext(struct gen *g, unsigned size, unsigned rd, unsigned rs)
{
    if (size == MO_8 || size == MO_16) {
        x_rr(g->c, size == MO_8 ? X_MOVZX8 : X_MOVZX16, false, rd, rs);
    } else if (rd != rs || size == MO_32) {
        x_mov(g->c, size == MO_64, rd, rs);
    }
}

/* rdx = rdx op rb at the access's size */
static void rmw_step(struct gen *g, unsigned kind, unsigned size, unsigned rb)
{
    bool w = size == MO_64;
    switch (kind) {
    case RMW_ADD:
        x_alu(g->c, ALU_ADD, w, RDX, rb);
        return;
    case RMW_SUB:
        x_alu(g->c, ALU_SUB, w, RDX, rb);
        return;
    case RMW_SWAP:
        x_mov(g->c, w, RDX, rb);
        return;
    case RMW_AND:
        x_alu(g->c, ALU_AND, w, RDX, rb);
        return;
    case RMW_ANDN: /* a & ~b = ~(~a | b) */
        x_unary(g->c, 2, w, RDX);
        x_alu(g->c, ALU_OR, w, RDX, rb);
        x_unary(g->c, 2, w, RDX);
        return;
    case RMW_OR:
        x_alu(g->c, ALU_OR, w, RDX, rb);
        return;
    case RMW_XOR:
        x_alu(g->c, ALU_XOR, w, RDX, rb);
        return;
    }
    static const u8 cc[] = {[RMW_SMIN] = X_G, [RMW_SMAX] = X_L, [RMW_UMIN] = X_A, [RMW_UMAX] = X_B};
    x_rr(g->c, sized(size, 0x3a | OPB | OPBM, 0x3b | P66, 0x3b), w, RDX, rb);
    x_cmov(g->c, cc[kind], w, RDX, rb);
}

static void rmw_loop(struct gen *g, unsigned kind, unsigned size, unsigned rb, bool swap)
{
    static const u32 ld[] = {X_MOVZX8, X_MOVZX16, X_MOV_RM, X_MOV_RM};
    x_rm(g->c, ld[size], size == MO_64, RAX, MEM(RCX, 0));
    u8 *again = g->c->p;
    x_mov(g->c, true, RDX, RAX);
    if (swap) {
        mem_swap(g, RDX, size);
    }
    rmw_step(g, kind, size, rb);
    if (swap) {
        mem_swap(g, RDX, size);
    }
    lock(g);
    x_rm(g->c, sized(size, X_CMPXCHG8, X_CMPXCHG16, X_CMPXCHG), size == MO_64, RDX, MEM(RCX, 0));
    u8 *at = x_jcc8(g->c, X_NE);
    *at = (u8)(again - (at + 1));
}

/* The old value is not wanted: one locked instruction does. */
static bool rmw_plain(struct gen *g, unsigned kind, unsigned size, unsigned rb)
{
    static const u8 op[] = {
        [RMW_ADD] = ALU_ADD, [RMW_AND] = ALU_AND, [RMW_OR] = ALU_OR, [RMW_XOR] = ALU_XOR, [RMW_SUB] = ALU_SUB};
    if (kind != RMW_ADD && kind != RMW_SUB && kind != RMW_AND && kind != RMW_OR && kind != RMW_XOR) {
        return false;
    }
    u32 opc = (u32)op[kind] << 3;
    lock(g);
    x_rm(g->c, sized(size, opc | OPB, (opc | 1) | P66, opc | 1), size == MO_64, rb, MEM(RCX, 0));
    return true;
}

void emit_rmw(struct gen *g, struct xop *x)
{
    unsigned size = x->d & MO_SIZE, kind = x->sub;
    bool w = size == MO_64;
    bool swap = (x->d & MO_BE) && size != MO_8;
    must(size <= MO_64);
    unsigned addr = ra_src(g, x->a, IR_I64), rb = ra_src(g, x->b, x->type);
    bool wanted = g->vals[g->i].next != NOUSE || g->vals[g->i].hold > g->i;
    unsigned rd = wanted ? ra_pick(g, (ir_ref)g->i, 0) : RDX;
    probe_pointer(g, addr, x->d);
    if (!wanted && !swap && rmw_plain(g, kind, size, rb)) {
        return;
    }
    if (!swap && (kind == RMW_ADD || kind == RMW_SUB || kind == RMW_SWAP)) {
        x_mov(g->c, true, RDX, rb);
        if (kind == RMW_SUB) {
            x_unary(g->c, 3, true, RDX);
        }
        if (kind == RMW_SWAP) {
            x_rm(g->c, sized(size, X_XCHG8, X_XCHG16, X_XCHG), w, RDX, MEM(RCX, 0));
        } else {
            lock(g);
            x_rm(g->c, sized(size, X_XADD8, X_XADD16, X_XADD), w, RDX, MEM(RCX, 0));
        }
        zero_ext(g, size, rd, RDX);
    } else {
        rmw_loop(g, kind, size, rb, swap);
        if (wanted && swap) {
            mem_swap(g, RAX, size);
        }
        if (wanted) {
            zero_ext(g, size, rd, RAX);
        }
    }
    if (wanted) {
        ra_bind(g, (ir_ref)g->i, rd);
    }
}

void emit_cas(struct gen *g, struct xop *x)
{
    unsigned size = x->d & MO_SIZE;
    bool swap = (x->d & MO_BE) && size != MO_8;
    must(size <= MO_64);
    unsigned addr = ra_src(g, x->a, IR_I64), rb = ra_src(g, x->b, x->type), rc = ra_src(g, x->c, x->type);
    bool wanted = g->vals[g->i].next != NOUSE || g->vals[g->i].hold > g->i;
    unsigned rd = wanted ? ra_pick(g, (ir_ref)g->i, 0) : RAX;
    probe_pointer(g, addr, x->d);
    x_mov(g->c, true, RAX, rb);
    if (swap) {
        mem_swap(g, RAX, size);
        x_mov(g->c, true, RDX, rc);
        mem_swap(g, RDX, size);
        rc = RDX;
    }
    lock(g);
    x_rm(g->c, sized(size, X_CMPXCHG8, X_CMPXCHG16, X_CMPXCHG), size == MO_64, rc, MEM(RCX, 0));
    if (wanted && swap) {
        mem_swap(g, RAX, size);
    }
    if (wanted) {
        zero_ext(g, size, rd, RAX);
        ra_bind(g, (ir_ref)g->i, rd);
    }
}
