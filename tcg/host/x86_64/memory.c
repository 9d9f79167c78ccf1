/* Guest memory: the inline TLB probe, plain loads and stores, their slow paths.
 *
 * On a hit, of an aligned-or-not 8-byte load through view 0 with an offset:
 *
 *      lea   rax, [addr + off]          index of the first byte's page
 *      shr   rax, 7
 *      and   eax, [r15 - 8]
 *      lea   rcx, [addr + off + 7]      tag of the last byte's page: an access that crosses never matches
 *      and   rcx, ~0xfff | alignment
 *      cmp   rcx, [r15 + rax]
 *      jne   cold
 *      mov   rcx, [r15 + rax + addend]
 *      mov   rd, [addr + rcx + off]
 *
 * Views 1..3 load their table into rdx first. An access that must be n-aligned adds (bytes - n) instead of
 * (bytes - 1), so that the low bits compared are those of the address. */
#include "tcg/host/x86_64/x_priv.h"

#include "tcg/host/x86_64/memory_priv.h"

/* -- the probe -------------------------------------------------------------------------------------------------- */

/* Of bytes off..off + reach, the last one's page or alignment counting. Leaves the addend in rcx; returns the jump to
 * the cold path. */
static u8 *probe_range(struct gen *g, unsigned addr, i32 off, unsigned reach, unsigned mo, unsigned tag_off)
{
    unsigned view = (mo & MO_VIEW) >> MO_VIEW_SHIFT, table = R15;
    unsigned align = 1u << ((mo & MO_ALIGN) >> MO_ALIGN_SHIFT);
    if (view) {
        x_load(g->c, true, RDX, RT_AT(tlb, view));
        table = RDX;
    }
    if (off == 0 && x_cpu.bmi2) {
        v_rrri(g->c, X_RORX | OPW, RAX, 0, addr, 7);
    } else {
        if (off == 0) {
            x_mov(g->c, true, RAX, addr);
        } else {
            x_lea(g->c, true, RAX, MEM(addr, off));
        }
        x_shift(g->c, SH_SHR, true, RAX, 7);
    }
    x_alu_m(g->c, ALU_AND, false, RAX, MEM(table, -8));
    if (off == 0 && reach == 0) {
        x_mov(g->c, true, RCX, addr);
    } else {
        x_lea(g->c, true, RCX, MEM(addr, (i32)((u32)off + reach)));
    }
    x_alu_i(g->c, ALU_AND, true, RCX, (i32)(~0xfffu | (align - 1)));
    x_alu_m(g->c, ALU_CMP, true, RCX, MEMX(table, RAX, 0, tag_off));
    u8 *cold = x_jcc(g->c, X_NE);
    x_load(g->c, true, RCX, MEMX(table, RAX, 0, offsetof(struct tlb_entry, addend)));
    return cold;
}

static u8 *mem_probe(struct gen *g, unsigned addr, i32 off, unsigned mo, unsigned tag_off)
{
    unsigned bytes = mo_bytes(mo), align = 1u << ((mo & MO_ALIGN) >> MO_ALIGN_SHIFT);
    return probe_range(g, addr, off, align < bytes ? bytes - align : 0, mo, tag_off);
}

/* User mode: one vector, or two that are stored whole, which the host's own instruction refuses when they are
 * misaligned (x_misaligned). */
static bool refuses_itself(const struct gen *g, unsigned mo)
{
    unsigned what = mo & (MO_SIZE | MO_ALIGN | MO_PAIR | MO_BE | MO_ATOMIC);
    return g->cfg->direct && !g->cfg->tagged &&
           (what == (MO_128 | mo_align(4)) || (what == (MO_128 | MO_PAIR | mo_align(5)) && (mo & MO_WHOLE)));
}

/* The program's address of an access of user mode. */
struct mem mem_guest(struct gen *g, const struct xop *x)
{
    const i32 disp = (i32)x->imm;
    if (!(x->flags & XF_ADDRESSED)) {
        return MEM(ra_src(g, x->a, IR_I64), disp);
    }
    struct mem m = MEM(x->a ? ra_src(g, x->a, IR_I64) : NOBASE, disp);
    if (x->flags & XF_INDEX) {
        m.index = (u8)ra_src(g, g->extra[x->extra].ref, IR_I64);
        m.scale = x->scale;
    }
    m.how = x->flags & XF_CUT ? MEM_32 : 0;
    return m;
}
static void lea_guest(struct gen *g, unsigned reg, struct mem at)
{
    bool cut = at.how & MEM_32; /* an instruction of 32 bits does that too */
    at.how = 0;
    x_lea(g->c, !cut, reg, at);
}

/* User mode: the operand is the program's memory itself; returns the jump to the cold path when an alignment is asked
 * for, else NULL. What follows up to the next op may fault and must leave all registers but scratch ones alone. */
static u8 *direct_access(struct gen *g, struct mem at, unsigned mo, struct mem *m)
{
    unsigned align = 1u << ((mo & MO_ALIGN) >> MO_ALIGN_SHIFT);
    bool plain = at.base != NOBASE && at.index == NOREG && !at.how;
    u8 *cold = NULL;
    if (align > 1 && !refuses_itself(g, mo)) {
        unsigned reg = at.base;
        if (!plain || at.disp & (i32)(align - 1)) {
            lea_guest(g, RAX, at);
            reg = RAX;
        }
        x_test_i(g->c, false, reg, (u32)(align - 1));
        cold = x_jcc(g->c, X_NE);
    }
    if (g->cfg->tagged) {
        lea_guest(g, RCX, at);
        x_shift(g->c, SH_SHL, true, RCX, 64 - TAG_SHIFT);
        x_shift(g->c, SH_SHR, true, RCX, 64 - TAG_SHIFT);
        at = MEM(RCX, 0);
    }
    deopt_point(g);
    deopt_here(g);
    *m = at;
    if (plain) {
        *m = MEMX(R15, at.base, 0, at.disp);
    } else {
        m->how |= MEM_GS;
    }
    return cold;
}

/* 0F 28 and 29 by VEX, as refuses_itself() has them. */
enum host_access x_misaligned(const u8 *at, const struct rt *rt, u64 *addr)
{
    bool gs = false, cut = false, wide;
    unsigned index8, base8;
    for (; *at == 0x65 || *at == 0x67; at++) {
        gs |= *at == 0x65;
        cut |= *at == 0x67;
    }
    if (at[0] == 0xc5) {
        wide = at[1] & 4;
        index8 = base8 = 0;
        at += 2;
    } else if (at[0] == 0xc4 && (at[1] & 31) == 1) {
        wide = at[2] & 4;
        index8 = at[1] & 0x40 ? 0 : 8;
        base8 = at[1] & 0x20 ? 0 : 8;
        at += 3;
    } else {
        return HOST_NO_ACCESS;
    }
    bool load = at[0] == 0x28;
    unsigned mod = at[1] >> 6, rm = at[1] & 7;
    if ((!load && at[0] != 0x29) || mod == 3 || (mod == 0 && rm == 5)) {
        return HOST_NO_ACCESS;
    }
    u64 sum = 0;
    at += 2;
    if (rm == 4) {
        unsigned index = (at[0] >> 3 & 7) | index8, base = at[0] & 7;
        sum += index == RSP ? 0 : rt->save_gpr[index] << (at[0] >> 6);
        sum += base == 5 && mod == 0 ? 0 : rt->save_gpr[base | base8];
        mod = base == 5 && mod == 0 ? 2 : mod;
        at++;
    } else {
        sum += rt->save_gpr[rm | base8];
    }
    sum += mod == 1 ? (u64)(i8)at[0] : mod == 2 ? (u64)(i32)ld32le(at) : 0;
    *addr = (cut ? (u32)sum : sum) + (gs ? (u64)(uintptr_t)rt->tlb[0] : 0);
    return !(*addr & (wide ? 31 : 15)) ? HOST_NO_ACCESS : load ? HOST_LOAD : HOST_STORE;
}

/* Where the access goes: by the TLB, or straight. NULL: there is no cold path. */
u8 *mem_access(struct gen *g, struct mem at, unsigned mo, unsigned tag_off, struct mem *m)
{
    if (g->cfg->direct) {
        return direct_access(g, at, mo, m);
    }
    deopt_point(g);
    *m = MEMX(at.base, RCX, 0, at.disp);
    return mem_probe(g, at.base, at.disp, mo, tag_off);
}

/* In cold code: rax = address, ecx = descriptor. */
void mem_slow_args(struct gen *g, struct mem at, unsigned mo)
{
    if (at.base == NOBASE || at.index != NOREG || at.how || at.disp) {
        lea_guest(g, RAX, at);
    } else {
        x_mov(g->c, true, RAX, at.base);
    }
    x_mov_i(g->c, RCX, mo);
}
void mem_slow_call(struct gen *g, unsigned thunk)
{
    if (g->cfg->direct) {
        deopt_point(g); /* the first one was of the access itself */
    }
    jump_abs(g, x_call(g->c), g->cfg->thunks->slow[thunk]);
    deopt_here(g);
    share_zero(g);
}

/* As mem_access, of an access that may share its probe. */
static u8 *shared_access(struct gen *g, const struct xop *x, struct mem at, unsigned tag_off, struct shared *sh,
                         struct mem *m)
{
    unsigned addr = at.base;
    if (!shared_find(g, x, sh)) {
        return mem_access(g, at, x->d, tag_off, m);
    }
    deopt_point(g);
    unsigned reg = sh->wide || sh->s->mem ? (unsigned)RCX : sh->s->reg;
    *m = MEMX(addr, reg, 0, (i32)x->imm);
    if (sh->wide) {
        const struct share *s = &sh->plan;
        tag_off = s->store ? offsetof(struct tlb_entry, wr) : offsetof(struct tlb_entry, rd);
        return probe_range(g, addr, s->lo, (unsigned)(s->hi - s->lo - 1), x->d, tag_off);
    }
    if (sh->s->mem) {
        x_load(g->c, true, RCX, MEM(RBP, share_off(g, sh->s) - RT_BIAS));
    }
    x_test(g->c, true, reg, reg);
    return x_jcc(g->c, X_E);
}

/* -- one value between register and host memory ------------------------------------------------------------------ */

void mem_swap(struct gen *g, unsigned reg, unsigned size)
{
    if (size == MO_16) {
        x_rri(g->c, 0xc1 | P66, false, SH_ROR, reg, 8, 1);
    } else if (size >= MO_32) {
        x_bswap(g->c, size == MO_64, reg);
    }
}

static void extend(struct gen *g, unsigned reg, unsigned from, unsigned mo, unsigned type)
{
    bool sign = mo & MO_SIGN, w = type == IR_I64;
    switch (mo & MO_SIZE) {
    case MO_8:
        x_rr(g->c, sign ? X_MOVSX8 : X_MOVZX8, w && sign, reg, from);
        break;
    case MO_16:
        x_rr(g->c, sign ? X_MOVSX16 : X_MOVZX16, w && sign, reg, from);
        break;
    case MO_32:
        x_rr(g->c, sign && w ? X_MOVSXD : X_MOV_RM, sign && w, reg, from);
        break;
    default:
        x_mov(g->c, true, reg, from);
        break;
    }
}

/* 1 << size bytes at m into reg, in the order and extended as mo says. */
static void load_int(struct gen *g, unsigned reg, struct mem m, unsigned mo, unsigned type)
{
    bool swap = (mo & MO_BE) && (mo & MO_SIZE) != MO_8, sign = (mo & MO_SIGN) && !swap, w = type == IR_I64;
    switch (mo & MO_SIZE) {
    case MO_8:
        x_rm(g->c, sign ? X_MOVSX8 : X_MOVZX8, w && sign, reg, m);
        break;
    case MO_16:
        x_rm(g->c, sign ? X_MOVSX16 : X_MOVZX16, w && sign, reg, m);
        break;
    case MO_32:
        x_rm(g->c, sign && w ? X_MOVSXD : X_MOV_RM, sign && w, reg, m);
        break;
    default:
        x_load(g->c, true, reg, m);
        break;
    }
    if (swap) {
        mem_swap(g, reg, mo & MO_SIZE);
        if (mo & MO_SIGN) {
            extend(g, reg, reg, mo, type);
        }
    }
}

/* Sixteen bytes reversed. */
static void swap_vec(struct gen *g, unsigned rd, unsigned rs)
{
    v_rrm(g->c, 0x00 | M38 | P66, rd, rs, POOL_MEM);
    pool_use(g, pool_v128(g, 0x08090a0b0c0d0e0f, 0x0001020304050607), 0);
}

static void load_vec(struct gen *g, unsigned reg, struct mem m, unsigned mo)
{
    static const u32 opc[] = {0, 0, X_MOVSS, X_MOVSD, X_MOVUPS};
    unsigned size = mo & MO_SIZE;
    bool swap = mo & MO_BE;
    if (size == MO_128) {
        v_rrm(g->c, refuses_itself(g, mo) ? X_MOVAPS : X_MOVUPS, reg, 0, m);
        if (swap) {
            swap_vec(g, reg, reg);
        }
    } else if (size <= MO_16 || swap) {
        load_int(g, RAX, m, size | (mo & MO_BE), IR_I64);
        v_rrr(g->c, X_MOVD | OPW, reg, 0, RAX);
    } else {
        v_rrm(g->c, opc[size], reg, 0, m);
    }
}

static void load_one(struct gen *g, unsigned reg, struct mem m, unsigned mo, unsigned type)
{
    if (type_is_vec(type)) {
        load_vec(g, reg, m, mo);
    } else {
        load_int(g, reg, m, mo, type);
    }
}

/* -- loads ------------------------------------------------------------------------------------------------------- */

/* Two halves in one access, so that nobody sees one without the other. */
static void load_atomic_pair(struct gen *g, const struct load *l, struct mem m)
{
    v_rrm(g->c, X_MOVUPS, XMM0, 0, m);
    v_rrr(g->c, X_MOVD_RX | OPW, XMM0, 0, l->reg[0]);
    v_rrri(g->c, 0x16 | M3A | P66 | OPW, XMM0, 0, l->reg[1], 1);
    for (unsigned k = 0; k < 2 && (l->mo & MO_BE); k++) {
        mem_swap(g, l->reg[k], MO_64);
    }
}

static void load_hit(struct gen *g, const struct load *l, struct mem m)
{
    unsigned step = 1u << (l->mo & MO_SIZE);
    struct mem m2 = m;
    m2.disp += (i32)step;
    if (!l->pair) {
        load_one(g, l->reg[0], m, l->mo, l->type);
    } else if (l->atomic) {
        load_atomic_pair(g, l, m);
    } else if (l->reg[0] == l->addr) {
        load_one(g, l->reg[1], m2, l->mo, l->type);
        load_one(g, l->reg[0], m, l->mo, l->type);
    } else {
        load_one(g, l->reg[0], m, l->mo, l->type);
        load_one(g, l->reg[1], m2, l->mo, l->type);
    }
}

/* The slow path's result, byte order settled: in rax, or in rt.vtmp when it is a pair or 128 bits. */
static void load_slow_result(struct gen *g, const struct load *l)
{
    unsigned size = l->mo & MO_SIZE;
    if (l->pair || size == MO_128) {
        for (unsigned k = 0; k < (l->pair ? 2u : 1u); k++) {
            struct mem m = RT_MEM(vtmp);
            m.disp += (i32)(k << size);
            load_one(g, l->reg[k], m, l->mo & ~(unsigned)MO_BE, l->type);
        }
    } else if (type_is_vec(l->type)) {
        v_rrr(g->c, X_MOVD | OPW, l->reg[0], 0, RAX);
    } else {
        extend(g, l->reg[0], RAX, l->mo, l->type);
    }
}

static void load_cold(struct gen *g, const struct load *l, struct mem at, const struct shared *sh, u8 *from)
{
    u8 *join = g->c->p;
    bool vec = vectors_live(g);
    to_cold(g);
    bind_cold(g, from);
    if (sh->wide || sh->s) {
        u8 *slow = mem_probe(g, l->addr, l->off, l->mo, offsetof(struct tlb_entry, rd));
        load_hit(g, l, MEMX(l->addr, RCX, 0, l->off));
        shared_own_done(g, sh);
        back_to_hot(g, join);
        x_set_rel(slow, g->c->p);
    }
    mem_slow_args(g, at, l->mo);
    mem_slow_call(g, vec ? TH_LOAD_X : TH_LOAD);
    load_slow_result(g, l);
    back_to_hot(g, join);
    to_hot(g);
}

void emit_ld(struct gen *g, struct xop *x)
{
    struct load l;
    struct mem m, at = mem_guest(g, x);
    load_begin(g, x, &l);
    struct shared sh;
    u8 *cold = shared_access(g, x, at, offsetof(struct tlb_entry, rd), &sh, &m);
    load_hit(g, &l, m);
    if (sh.wide) {
        sh.s = share_open(g, &sh.plan, RCX, l.results, 0);
    }
    if (cold) {
        load_cold(g, &l, at, &sh, cold);
    }
    load_end(g, &l);
}

/* The load before defined it. */
void emit_ld_hi(struct gen *g UNUSED, struct xop *x UNUSED)
{
}

/* -- stores ------------------------------------------------------------------------------------------------------ */

struct store {
    unsigned mo, type, n;
    struct mem at;
    struct opnd val[2];
};

static void store_int(struct gen *g, struct mem m, unsigned size, const struct opnd *o)
{
    if (o->kind == OP_IMM) {
        switch (size) {
        case MO_8:
            x_rmi(g->c, 0xc6, false, 0, m, (u32)o->imm, 1);
            break;
        case MO_16:
            x_rmi(g->c, 0xc7 | P66, false, 0, m, (u32)o->imm, 2);
            break;
        default:
            x_store_i(g->c, size == MO_64, m, o->imm);
            break;
        }
        return;
    }
    static const u32 opc[] = {X_MOV8_MR, X_MOV16_MR, X_MOV_MR, X_MOV_MR};
    x_rm(g->c, opc[size], size == MO_64, o->reg, m);
}

static void store_vec(struct gen *g, struct mem m, unsigned mo, unsigned reg)
{
    static const u32 opc[] = {0, 0, X_MOVSS_MR, X_MOVSD_MR, X_MOVUPS_MR};
    unsigned size = mo & MO_SIZE;
    if (refuses_itself(g, mo)) {
        v_rrm(g->c, X_MOVAPS_MR, reg, 0, m);
    } else if (size <= MO_16) {
        v_rrr(g->c, X_MOVD_RX, reg, 0, RAX);
        store_int(g, m, size, &(struct opnd){.kind = OP_REG, .reg = RAX});
    } else {
        v_rrm(g->c, opc[size], reg, 0, m);
    }
}

static void store_one(struct gen *g, const struct store *s, unsigned k, struct mem m)
{
    if (type_is_vec(s->type)) {
        store_vec(g, m, s->mo, s->val[k].reg);
    } else {
        store_int(g, m, s->mo & MO_SIZE, &s->val[k]);
    }
}

/* A release store: nothing later may be seen before it, so that a load-acquire behind it stays behind. */
static void store_release(struct gen *g, const struct store *s, struct mem m)
{
    unsigned size = s->mo & MO_SIZE;
    if (s->n == 1 && !type_is_vec(s->type)) {
        static const u32 opc[] = {X_XCHG8, X_XCHG16, X_XCHG, X_XCHG};
        mov_opnd(g, true, RDX, &s->val[0]);
        x_rm(g->c, opc[size], size == MO_64, RDX, m);
        return;
    }
    for (unsigned k = 0; k < s->n; k++) {
        store_one(g, s, k, m);
        m.disp += 1 << size;
    }
    x_fence(g->c);
}

static void store_atomic_pair(struct gen *g, const struct store *s, struct mem m)
{
    for (unsigned k = 0; k < 2; k++) {
        unsigned reg = s->val[k].reg;
        if (s->val[k].kind == OP_IMM) {
            x_mov_i(g->c, RAX, (u64)(i64)s->val[k].imm);
            reg = RAX;
        }
        if (k == 0) {
            v_rrr(g->c, X_MOVD | OPW, XMM0, 0, reg);
        } else {
            v_rrri(g->c, 0x22 | M3A | P66 | OPW, XMM0, XMM0, reg, 1);
        }
    }
    v_rrm(g->c, X_MOVUPS_MR, XMM0, 0, m);
}

static void store_hit(struct gen *g, const struct store *s, struct mem m)
{
    if (s->n == 2 && (s->mo & MO_ATOMIC) && (s->mo & MO_SIZE) == MO_64 && s->type == IR_I64) {
        store_atomic_pair(g, s, m);
        if ((s->mo & MO_TSO) == MO_REL) {
            x_fence(g->c);
        }
    } else if ((s->mo & MO_TSO) == MO_REL) {
        store_release(g, s, m);
    } else {
        for (unsigned k = 0; k < s->n; k++) {
            store_one(g, s, k, m);
            m.disp += 1 << (s->mo & MO_SIZE);
        }
    }
}

/* The value to rdx, or to rt.vtmp when it is a pair or 128 bits. */
static void store_slow_args(struct gen *g, const struct store *s)
{
    unsigned size = s->mo & MO_SIZE;
    if (s->n == 2 || size == MO_128) {
        struct mem m = RT_MEM(vtmp);
        for (unsigned k = 0; k < s->n; k++) {
            store_one(g, s, k, m);
            m.disp += 1 << size;
        }
    } else if (type_is_vec(s->type)) {
        v_rrr(g->c, X_MOVD_RX | (size == MO_64 ? OPW : 0), s->val[0].reg, 0, RDX);
    } else {
        mov_opnd(g, true, RDX, &s->val[0]);
    }
    if (s->n == 1 && size < MO_64) {
        if (size == MO_32) {
            x_mov(g->c, false, RDX, RDX);
        } else {
            x_rr(g->c, size == MO_8 ? X_MOVZX8 : X_MOVZX16, false, RDX, RDX);
        }
    }
}

/* The same store of values whose bytes are reversed already, in registers of their own. */
static void store_swapped(struct gen *g, struct store *s)
{
    unsigned size = s->mo & MO_SIZE;
    for (unsigned k = 0; k < s->n; k++) {
        bool vec = type_is_vec(s->type);
        unsigned r = ra_temp(g, vec ? XMM_ALLOC : GPR_ALLOC);
        if (!vec) {
            mov_opnd(g, true, r, &s->val[k]);
            mem_swap(g, r, size);
        } else if (size == MO_128) {
            swap_vec(g, r, s->val[k].reg);
        } else {
            v_rrr(g->c, X_MOVD_RX | OPW, s->val[k].reg, 0, RAX);
            mem_swap(g, RAX, size);
            v_rrr(g->c, X_MOVD | OPW, r, 0, RAX);
        }
        s->val[k] = (struct opnd){.kind = OP_REG, .reg = r};
    }
}

/* A constant keeps only the bits that are stored, so that it fits as an immediate. */
static struct opnd store_opnd(struct gen *g, ir_ref r, unsigned type, unsigned size)
{
    if (ir_is_const(r) && !type_is_vec(type)) {
        u64 v = const_of(g, r);
        if (size < MO_64 || (i64)v == (i32)v) {
            return (struct opnd){.kind = OP_IMM, .imm = size == MO_8 ? (i8)v : size == MO_16 ? (i16)v : (i32)v};
        }
    }
    return (struct opnd){.kind = OP_REG, .reg = ra_src(g, r, type)};
}

static void store_cold(struct gen *g, const struct store *s, const struct store *hit, const struct shared *sh, u8 *from)
{
    u8 *join = g->c->p;
    bool vec = vectors_live(g);
    to_cold(g);
    bind_cold(g, from);
    if (sh->wide || sh->s) {
        u8 *slow = mem_probe(g, s->at.base, s->at.disp, s->mo, offsetof(struct tlb_entry, wr));
        store_hit(g, hit, MEMX(s->at.base, RCX, 0, s->at.disp));
        shared_own_done(g, sh);
        back_to_hot(g, join);
        x_set_rel(slow, g->c->p);
    }
    store_slow_args(g, s);
    mem_slow_args(g, s->at, s->mo | MO_STORE);
    mem_slow_call(g, vec ? TH_STORE_X : TH_STORE);
    back_to_hot(g, join);
    to_hot(g);
}

/* Two vectors in one access, which faults as a whole. The host's upper halves hold something then: C is not to meet it
 * (x_upper_zero). */
static void store_whole(struct gen *g, const struct store *s, struct mem m)
{
    u32 mov = refuses_itself(g, s->mo) ? X_MOVAPS_MR : X_MOVUPS_MR;
    v_rrri(g->c, 0x18 | M3A | P66 | OPL, XMM0, s->val[0].reg, s->val[1].reg, 1); /* vinsertf128 */
    v_rrm(g->c, mov | OPL, XMM0, 0, m);
}
void emit_st(struct gen *g, struct xop *x)
{
    unsigned size = x->d & MO_SIZE;
    struct store s = {.mo = x->d, .type = x->type, .at = mem_guest(g, x), .n = x->d & MO_PAIR ? 2 : 1};
    s.val[0] = store_opnd(g, x->b, x->type, size);
    if (s.n == 2) {
        s.val[1] = store_opnd(g, x->c, x->type, size);
    }
    struct store hit = s;
    if (s.mo & MO_BE) {
        store_swapped(g, &hit);
    }
    struct mem m;
    struct shared sh;
    u8 *cold = shared_access(g, x, s.at, offsetof(struct tlb_entry, wr), &sh, &m);
    if (g->cfg->direct && s.n == 2 && (s.mo & MO_WHOLE)) {
        store_whole(g, &hit, m);
    } else {
        store_hit(g, &hit, m);
    }
    if (sh.wide) {
        u64 dying = ra_dying(g, x->b) | (s.n == 2 ? ra_dying(g, x->c) : 0);
        sh.s = share_open(g, &sh.plan, RCX, RBIT(s.at.base), dying);
    }
    if (cold) {
        store_cold(g, &s, &hit, &sh, cold);
    }
}

void x_fence(struct code *c)
{
    x_byte(c, 0xf0); /* lock or dword [rsp], 0: a full barrier, cheaper than mfence */
    x_alu_mi(c, ALU_OR, false, MEM(RSP, 0), 0);
}

void emit_fence(struct gen *g, struct xop *x)
{
    if (x->imm & FENCE_SL) {
        x_fence(g->c);
    }
}
