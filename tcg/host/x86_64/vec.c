/* Vector operands and data movement: lanes in and out, broadcasts, shuffles. xmm0..2 are scratch. */
#include "tcg/host/x86_64/x_priv.h"

/* -- operands ---------------------------------------------------------------------------------------------------- */

struct opnd opnd_reg(unsigned reg)
{
    return (struct opnd){.kind = OP_REG, .reg = reg};
}

struct opnd ra_vopnd(struct gen *g, ir_ref r, unsigned type)
{
    struct opnd o = {.kind = OP_REG};
    if (ir_is_const(r) && type == IR_V128) {
        const u64 *v = &g->ir->consts[r & ~IR_CONST];
        o.kind = OP_POOL;
        o.imm = (i32)pool_v128(g, v[0], v[1]);
        return o;
    }
    if (!ir_is_const(r) && g->vals[r].reg == NOREG && g->vals[r].next == NOUSE && g->vals[r].mem) {
        o.kind = OP_MEM;
        o.mem = loc_mem(g, g->vals[r].mem);
        return o;
    }
    o.reg = ra_src(g, r, type);
    return o;
}

void vop(struct gen *g, u32 opc, unsigned rd, unsigned rs, const struct opnd *o)
{
    if (o->kind == OP_REG) {
        v_rrr(g->c, opc, rd, rs, o->reg);
        return;
    }
    v_rrm(g->c, opc, rd, rs, o->kind == OP_MEM ? o->mem : POOL_MEM);
    if (o->kind == OP_POOL) {
        pool_use(g, (unsigned)o->imm, 0);
    } else if (o->kind == OP_TABLE) {
        table_use(g, (unsigned)o->imm, 0);
    }
}
void vop_i(struct gen *g, u32 opc, unsigned rd, unsigned rs, const struct opnd *o, u8 imm)
{
    if (o->kind == OP_REG) {
        v_rrri(g->c, opc, rd, rs, o->reg, imm);
        return;
    }
    v_rrmi(g->c, opc, rd, rs, o->kind == OP_MEM ? o->mem : POOL_MEM, imm);
    if (o->kind == OP_POOL) {
        pool_use(g, (unsigned)o->imm, 1);
    } else if (o->kind == OP_TABLE) {
        table_use(g, (unsigned)o->imm, 1);
    }
}
void vmov(struct gen *g, unsigned rd, const struct opnd *o)
{
    if (o->kind != OP_REG || o->reg != rd) {
        vop(g, o->kind == OP_REG ? X_MOVAPS : X_MOVUPS, rd, 0, o);
    }
}

/* -- between integer and vector registers ------------------------------------------------------------------------ */

/* The type of an operand as the trace has it: names forget whether a register was read as a vector or its lane 0. */
static unsigned raw_type(const struct gen *g, ir_ref raw)
{
    return ir_is_const(raw) ? IR_I64 : ir_result(&g->ir->ops[raw]);
}

void emit_bitcast(struct gen *g, struct xop *x)
{
    bool to_vec = type_is_vec(x->type), w = x->type == IR_I64 || x->type == IR_F64;
    if (to_vec && ir_is_const(x->a)) {
        ra_load(g, ra_dst(g, 0), x->a, x->type);
        return;
    }
    if (to_vec) {
        unsigned ra = ra_src(g, x->a, w ? IR_I64 : IR_I32);
        v_rrr(g->c, X_MOVD | (w ? OPW : 0), ra_dst(g, 0), 0, ra);
        return;
    }
    unsigned from = raw_type(g, g->ir->ops[g->i].a), ra = ra_src(g, x->a, from), rd = ra_dst(g, 0);
    v_rrr(g->c, X_MOVD_RX | (w ? OPW : 0), ra, 0, rd);
    if (from == IR_F16) {
        x_rr(g->c, X_MOVZX16, false, rd, rd);
    }
}

void emit_vzero_ext(struct gen *g, struct xop *x)
{
    unsigned type = raw_type(g, g->ir->ops[g->i].a);
    if (!type_is_vec(type)) {
        unsigned ra = ra_src(g, x->a, type);
        v_rrr(g->c, X_MOVD | (type == IR_I64 ? OPW : 0), ra_dst(g, 0), 0, ra);
        return;
    }
    unsigned ra = ra_src(g, x->a, type), rd = ra_dst(g, ra_dying(g, x->a));
    if (type == IR_F64) {
        v_rrr(g->c, X_MOVQ_XX, rd, 0, ra);
    } else if (type == IR_F32) {
        v_rrri(g->c, 0x21 | M3A | P66, rd, ra, ra, 0x0e); /* insertps: lanes 1..3 cleared */
    } else {
        v_rrr(g->c, X_MOVD_RX, ra, 0, RAX);
        x_rr(g->c, X_MOVZX16, false, RAX, RAX);
        v_rrr(g->c, X_MOVD, rd, 0, RAX);
    }
}

void emit_vdup(struct gen *g, struct xop *x)
{
    static const u32 broadcast[4] = {0x78 | M38 | P66, 0x79 | M38 | P66, 0x58 | M38 | P66, 0x59 | M38 | P66};
    unsigned es = x->sub, ra = ra_src(g, x->a, es == 3 ? IR_I64 : IR_I32), rd = ra_dst(g, 0);
    v_rrr(g->c, X_MOVD | (es == 3 ? OPW : 0), rd, 0, ra);
    if (x_cpu.avx2) {
        v_rrr(g->c, broadcast[es], rd, 0, rd);
        return;
    }
    switch (es) {
    case 0:
        vop(g, 0x00 | M38 | P66, rd, rd, TABLE(ZERO)); /* pshufb */
        break;
    case 1:
        v_rrri(g->c, 0x70 | M0F | PF2, rd, 0, rd, 0); /* pshuflw */
        v_rrri(g->c, 0x70 | M0F | P66, rd, 0, rd, 0); /* pshufd */
        break;
    case 2:
        v_rrri(g->c, 0x70 | M0F | P66, rd, 0, rd, 0);
        break;
    default:
        v_rrr(g->c, 0x6c | M0F | P66, rd, rd, rd); /* punpcklqdq */
        break;
    }
}

/* Lane `lane` of rs into the integer register rd, zeros above. */
static void lane_to_gpr(struct gen *g, unsigned es, unsigned lane, unsigned rd, unsigned rs)
{
    if (lane == 0 && es >= 2) {
        v_rrr(g->c, X_MOVD_RX | (es == 3 ? OPW : 0), rs, 0, rd);
    } else if (es == 1) {
        v_rrri(g->c, 0xc5 | M0F | P66, rd, 0, rs, (u8)lane); /* pextrw */
    } else {
        static const u32 pextr[4] = {0x14 | M3A | P66, 0, 0x16 | M3A | P66, 0x16 | M3A | P66 | OPW};
        v_rrri(g->c, pextr[es], rs, 0, rd, (u8)lane);
    }
}

static void lane_to_low(struct gen *g, unsigned es, unsigned lane, unsigned rd, unsigned rs)
{
    if (es == 2) {
        v_rrri(g->c, 0x21 | M3A | P66, rd, rs, rs, (u8)(lane << 6 | 0x0e)); /* insertps, the rest cleared */
    } else {
        v_rrri(g->c, 0x73 | M0F | P66, 3, rd, rs, (u8)(lane << es)); /* psrldq */
    }
}

/* vget, vgets: from memory when the vector is there anyway. */
void emit_vget(struct gen *g, struct xop *x)
{
    unsigned es = x->sub, lane = x->imm;
    bool sign = x->op == IR_vgets, w = x->type == IR_I64;
    if (type_is_vec(x->type)) {
        unsigned ra = ra_src(g, x->a, IR_V128), rd = ra_dst(g, ra_dying(g, x->a));
        if (lane) {
            lane_to_low(g, es, lane, rd, ra);
        } else {
            vmov(g, rd, &(struct opnd){.kind = OP_REG, .reg = ra});
        }
        return;
    }
    static const u32 load[2][4] = {{X_MOVZX8, X_MOVZX16, X_MOV_RM, X_MOV_RM},
                                   {X_MOVSX8, X_MOVSX16, X_MOVSXD, X_MOV_RM}};
    struct opnd o = ra_vopnd(g, x->a, IR_V128);
    if (o.kind == OP_MEM) {
        o.mem.disp += (i32)(lane << es);
        x_rm(g->c, load[sign][es], es == 3 || (sign && w), ra_dst(g, 0), o.mem);
        return;
    }
    if (o.kind == OP_POOL) {
        o.reg = ra_src(g, x->a, IR_V128);
    }
    unsigned rd = ra_dst(g, 0);
    lane_to_gpr(g, es, lane, rd, o.reg);
    if (sign) {
        x_rr(g->c, load[1][es], w, rd, rd);
    }
}

static void set_float(struct gen *g, unsigned es, unsigned lane, unsigned rd, unsigned ra, unsigned rb)
{
    if (es == 3) {
        v_rrr(g->c, lane ? 0x16 | M0F : (unsigned)X_MOVSD, rd, ra, rb); /* movlhps, movsd */
    } else if (es == 2) {
        v_rrri(g->c, 0x21 | M3A | P66, rd, ra, rb, (u8)(lane << 4)); /* insertps */
    } else {
        v_rrr(g->c, X_MOVD_RX, rb, 0, RAX);
        v_rrri(g->c, 0xc4 | M0F | P66, rd, ra, RAX, (u8)lane); /* pinsrw */
    }
}

void emit_vset(struct gen *g, struct xop *x)
{
    static const u32 pinsr[4] = {0x20 | M3A | P66, 0xc4 | M0F | P66, 0x22 | M3A | P66, 0x22 | M3A | P66 | OPW};
    unsigned es = x->sub, type = raw_type(g, g->ir->ops[g->i].b), ra = ra_src(g, x->a, IR_V128);
    if (type_is_vec(type) && 2u << (type - IR_F16) == 1u << es) {
        unsigned rb = ra_src(g, x->b, type), rd = ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b));
        set_float(g, es, x->imm, rd, ra, rb);
        return;
    }
    unsigned rb = RAX;
    if (type_is_vec(type)) { /* a narrow float in a wide lane, or the low bits of a wide one */
        v_rrr(g->c, X_MOVD_RX | (type == IR_F64 ? OPW : 0), ra_src(g, x->b, type), 0, RAX);
        if (type == IR_F16) {
            x_rr(g->c, X_MOVZX16, false, RAX, RAX);
        }
    } else {
        rb = ra_src(g, x->b, es == 3 ? IR_I64 : IR_I32);
    }
    v_rrri(g->c, pinsr[es], ra_dst(g, ra_dying(g, x->a)), ra, rb, (u8)x->imm);
}

/* -- bytes anywhere ---------------------------------------------------------------------------------------------- */

void emit_vtbl(struct gen *g, struct xop *x)
{
    /* indices of 16 and more get their top bit, which pshufb takes for zero */
    unsigned ra = ra_src(g, x->a, IR_V128), rb = ra_src(g, x->b, IR_V128);
    vop(g, 0xdc | M0F | P66, XMM0, rb, TABLE(SEVENTIES)); /* paddusb */
    v_rrr(g->c, 0x00 | M38 | P66, ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b)), ra, XMM0);
}

struct shuf {
    unsigned a, b, rd;
    const u8 *p;
};

/* One source, whole 4-byte groups. */
static bool shuf_dwords(struct gen *g, const struct shuf *s, bool two)
{
    unsigned imm = 0;
    for (unsigned i = 0; i < 4; i++) {
        unsigned k = s->p[4 * i];
        if (two || k & 3 || k >= 0x80) {
            return false;
        }
        for (unsigned j = 1; j < 4; j++) {
            if (s->p[4 * i + j] != k + j) {
                return false;
            }
        }
        imm |= (k >> 2 & 3) << 2 * i;
    }
    v_rrri(g->c, 0x70 | M0F | P66, s->rd, 0, s->a, (u8)imm);
    return true;
}

/* punpckl and punpckh of each size, in either order of the sources. */
static bool shuf_unpack(struct gen *g, const struct shuf *s)
{
    static const u8 opc[2][4] = {{0x60, 0x61, 0x62, 0x6c}, {0x68, 0x69, 0x6a, 0x6d}};
    for (unsigned es = 0; es < 4; es++) {
        for (unsigned high = 0; high < 2; high++) {
            for (unsigned swap = 0; swap < 2; swap++) {
                unsigned i = 0;
                for (; i < 16; i++) {
                    unsigned lane = i >> es, from = (lane & 1) ^ swap;
                    unsigned want = from * 16 + high * 8 + (lane >> 1 << es) + (i & ((1u << es) - 1));
                    if (s->p[i] != want) {
                        break;
                    }
                }
                if (i == 16) {
                    v_rrr(g->c, opc[high][es] | M0F | P66, s->rd, swap ? s->b : s->a, swap ? s->a : s->b);
                    return true;
                }
            }
        }
    }
    return false;
}

static bool shuf_align(struct gen *g, const struct shuf *s)
{
    unsigned k = s->p[0];
    for (unsigned i = 0; i < 16; i++) {
        if (s->p[i] != ((k + i) & 31) || k >= 32) {
            return false;
        }
    }
    if (k <= 16) {
        v_rrri(g->c, 0x0f | M3A | P66, s->rd, s->b, s->a, (u8)k);
    } else {
        v_rrri(g->c, 0x0f | M3A | P66, s->rd, s->a, s->b, (u8)(k - 16));
    }
    return true;
}

/* Every 2-byte group stays in its place. */
static bool shuf_blend(struct gen *g, const struct shuf *s)
{
    unsigned imm = 0;
    for (unsigned i = 0; i < 16; i += 2) {
        unsigned k = s->p[i];
        if ((k & 0xf) != i || k >= 32 || s->p[i + 1] != k + 1) {
            return false;
        }
        imm |= (k >> 4) << i / 2;
    }
    v_rrri(g->c, 0x0e | M3A | P66, s->rd, s->a, s->b, (u8)imm);
    return true;
}

/* Two dwords of one source, two of the other. */
static bool shuf_ps(struct gen *g, const struct shuf *s)
{
    unsigned imm = 0, from[4];
    for (unsigned i = 0; i < 4; i++) {
        unsigned k = s->p[4 * i];
        for (unsigned j = 0; j < 4; j++) {
            if (k & 3 || k >= 32 || s->p[4 * i + j] != k + j) {
                return false;
            }
        }
        from[i] = k >> 4;
        imm |= (k >> 2 & 3) << 2 * i;
    }
    if (from[0] != from[1] || from[2] != from[3]) {
        return false;
    }
    v_rrri(g->c, 0xc6 | M0F, s->rd, from[0] ? s->b : s->a, from[2] ? s->b : s->a, (u8)imm);
    return true;
}

/* All bytes of one source the same way up or down, zeros where nothing comes from; and its lower half alone. */
static bool shuf_move(struct gen *g, const struct shuf *s)
{
    int first = -1;
    for (int i = 0; i < 16; i++) {
        int k = s->p[i] & 15;
        if (s->p[i] >= 0x80) {
            continue;
        }
        first = first < 0 ? i : first;
        if (k - i != (s->p[first] & 15) - first) {
            return false;
        }
    }
    if (first < 0) {
        return false;
    }
    int by = (s->p[first] & 15) - first; /* down, by so many bytes */
    unsigned n = 0;
    while (first + (int)n < 16 && s->p[first + (int)n] < 0x80) {
        n++;
    }
    for (unsigned i = (unsigned)first + n; i < 16; i++) {
        if (s->p[i] < 0x80) {
            return false;
        }
    }
    if (by == 0 && first == 0 && n == 8) {
        v_rrr(g->c, X_MOVQ_XX, s->rd, 0, s->a);
    } else if (by > 0 && first == 0 && (int)n == 16 - by) {
        v_rrri(g->c, 0x73 | M0F | P66, 3, s->rd, s->a, (u8)by); /* psrldq */
    } else if (by < 0 && first == -by && (int)n == 16 + by) {
        v_rrri(g->c, 0x73 | M0F | P66, 7, s->rd, s->a, (u8)-by); /* pslldq */
    } else {
        return false;
    }
    return true;
}

/* Four of the 2-byte groups of one half change places. */
static bool shuf_words(struct gen *g, const struct shuf *s)
{
    unsigned imm[2] = {0, 0};
    bool moved[2] = {false, false};
    for (unsigned i = 0; i < 8; i++) {
        unsigned k = s->p[2 * i], h = i / 4;
        if (k & 1 || k >= 0x80 || s->p[2 * i + 1] != k + 1 || (k >> 3 & 1) != h) {
            return false;
        }
        imm[h] |= (k >> 1 & 3) << 2 * (i & 3);
        moved[h] |= (k >> 1 & 7) != i;
    }
    if (moved[0] && moved[1]) {
        return false;
    }
    v_rrri(g->c, 0x70 | M0F | (moved[1] ? PF3 : PF2), s->rd, 0, s->a, (u8)imm[moved[1]]);
    return true;
}

static void pshufb_const(struct gen *g, unsigned rd, unsigned rs, const union v128 *p)
{
    v_rrm(g->c, 0x00 | M38 | P66, rd, rs, POOL_MEM);
    pool_use(g, pool_v128(g, p->d[0], p->d[1]), 0);
}

static void shuf_any(struct gen *g, const struct shuf *s, bool from_a, bool from_b)
{
    union v128 pa, pb;
    for (unsigned i = 0; i < 16; i++) {
        u8 k = s->p[i];
        pa.b[i] = k < 16 ? k : 0x80;
        pb.b[i] = k >= 16 && k < 32 ? k & 15 : 0x80;
    }
    if (!from_b) {
        pshufb_const(g, s->rd, s->a, &pa);
    } else if (!from_a) {
        pshufb_const(g, s->rd, s->b, &pb);
    } else {
        pshufb_const(g, XMM0, s->a, &pa);
        pshufb_const(g, XMM1, s->b, &pb);
        v_rrr(g->c, 0xeb | M0F | P66, s->rd, XMM0, XMM1);
    }
}

void emit_vshuf(struct gen *g, struct xop *x)
{
    const u8 *p = (const u8 *)&g->ir->consts[x->imm];
    bool from_a = false, from_b = false;
    for (unsigned i = 0; i < 16; i++) {
        from_a |= p[i] < 16;
        from_b |= p[i] >= 16 && p[i] < 32;
    }
    struct shuf s = {.p = p};
    s.a = ra_src(g, x->a, IR_V128);
    s.b = ra_src(g, x->b, IR_V128);
    s.rd = ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b));
    struct shuf one = s;
    one.a = from_a ? s.a : s.b;
    if ((from_a || from_b) && shuf_dwords(g, &one, from_a && from_b)) {
        return;
    }
    if (from_a != from_b && (shuf_move(g, &one) || shuf_words(g, &one))) {
        return;
    }
    if (shuf_unpack(g, &s) || shuf_align(g, &s) || shuf_blend(g, &s) || shuf_ps(g, &s)) {
        return;
    }
    shuf_any(g, &s, from_a, from_b);
}
