/* Vectors that are no floats: most ops are one instruction. */
#include "tcg/host/aarch64/a_priv.h"

static unsigned raw_type(const struct gen *g, ir_ref r)
{
    return ir_is_const(r) ? (unsigned)IR_I64 : ir_result(&g->ir->ops[r]);
}
static u64 dying2(const struct gen *g, const struct xop *x)
{
    return ra_dying(g, x->a) | ra_dying(g, x->b);
}
static unsigned src(struct gen *g, ir_ref r)
{
    return ra_src(g, r, IR_V128);
}

/* -- in and out of vectors --------------------------------------------------------------------------------------- */

void a_bitcast(struct gen *g, struct xop *x)
{
    bool to_vec = type_is_vec(x->type), w = x->type == IR_I64 || x->type == IR_F64;
    if (to_vec && ir_is_const(x->a)) {
        ra_load(g, ra_dst(g, 0), x->a, x->type);
    } else if (to_vec) {
        unsigned ra = ra_src(g, x->a, w ? IR_I64 : IR_I32);
        if (x->type == IR_F16) {
            a_bfm(g->c, false, false, T0, ra, 0, 15);
            ra = T0;
        }
        a_fmov_vg(g->c, w ? 3 : 2, ra_dst(g, 0), ra);
    } else {
        unsigned from = raw_type(g, g->ir->ops[g->i].a), ra = ra_src(g, x->a, from), rd = ra_dst(g, 0);
        if (from == IR_F16) {
            a_umov(g->c, false, false, 1, rd, ra, 0);
        } else {
            a_fmov_gv(g->c, w ? 3 : 2, rd, ra);
        }
    }
}

void a_vzero_ext(struct gen *g, struct xop *x)
{
    unsigned type = raw_type(g, g->ir->ops[g->i].a);
    if (type_is_vec(type)) {
        unsigned ra = ra_src(g, x->a, type);
        a_dup_s(g->c, type == IR_F64 ? 3 : type == IR_F32 ? 2 : 1, ra_dst(g, ra_dying(g, x->a)), ra, 0);
    } else {
        unsigned ra = ra_src(g, x->a, type);
        a_fmov_vg(g->c, type == IR_I64 ? 3 : 2, ra_dst(g, 0), ra);
    }
}
void a_vdup(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, x->sub == 3 ? IR_I64 : IR_I32);
    a_dup_g(g->c, x->sub, ra_dst(g, 0), ra);
}
void a_vget(struct gen *g, struct xop *x)
{
    unsigned es = x->sub & 3, ra = src(g, x->a), rd = ra_dst(g, type_is_vec(x->type) ? ra_dying(g, x->a) : 0);
    if (type_is_vec(x->type)) {
        a_dup_s(g->c, es, rd, ra, x->imm);
    } else {
        bool w = is_w(x->type), sign = x->op == IR_vgets && es < (w ? 3u : 2u);
        a_umov(g->c, sign, w, es, rd, ra, x->imm);
    }
}
void a_vset(struct gen *g, struct xop *x)
{
    unsigned es = x->sub & 3, type = raw_type(g, g->ir->ops[g->i].b);
    unsigned ra = src(g, x->a), rb = ra_src(g, x->b, type), rd = ra_dst(g, ra == rb ? 0 : ra_dying(g, x->a));
    if (rd != ra) {
        a_v2(g->c, A_VORR, 0, rd, ra, ra);
    }
    if (rb >= VREG) {
        a_ins_v(g->c, es, rd, x->imm, rb, 0);
    } else {
        a_ins_g(g->c, es, rd, x->imm, rb);
    }
}

/* -- shuffles ---------------------------------------------------------------------------------------------------- */

/* Byte i of what a two-register shuffle makes of (rn, rm), counted as vshuf counts. */
static unsigned pair_byte(int opc, unsigned es, unsigned i)
{
    unsigned lanes = 16u >> es, lane = i >> es, b = i & ((1u << es) - 1), half = lanes / 2, from;
    switch (opc) {
    case A_VZIP1:
    case A_VZIP2:
        from = lane / 2 + (opc == A_VZIP2 ? half : 0);
        return (lane & 1 ? 16 : 0) + (from << es) + b;
    case A_VUZP1:
    case A_VUZP2:
        from = lane * 2 + (opc == A_VUZP2);
        return (from << es) + b; /* lanes of both, one after the other */
    default:                     /* trn */
        from = (lane & ~1u) + (opc == A_VTRN2);
        return (lane & 1 ? 16 : 0) + (from << es) + b;
    }
}
static bool shuf_pair(struct gen *g, const u8 *p, unsigned rd, unsigned ra, unsigned rb)
{
    static const int opc[] = {A_VZIP1, A_VZIP2, A_VUZP1, A_VUZP2, A_VTRN1, A_VTRN2};
    unsigned same = ra == rb ? 15 : 31;
    for (unsigned k = 0; k < ARRAY_LEN(opc); k++) {
        for (unsigned es = 0; es < 4; es++) {
            unsigned i = 0;
            while (i < 16 && (p[i] & same) == (pair_byte(opc[k], es, i) & same) && p[i] < 32) {
                i++;
            }
            if (i == 16) {
                a_v2(g->c, opc[k], es, rd, ra, rb);
                return true;
            }
        }
    }
    return false;
}
/* Bytes n.. of a:b; of one register a rotation. */
static bool shuf_ext(struct gen *g, const u8 *p, unsigned rd, unsigned ra, unsigned rb)
{
    unsigned n = p[0], i = 0;
    bool one = ra == rb;
    while (i < 16 && p[i] < 32 && (one ? (p[i] & 15) == ((n + i) & 15) : p[i] == n + i)) {
        i++;
    }
    if (i < 16 || n > 16) {
        return false;
    }
    if (n == 0 || n == 16) {
        unsigned from = n ? rb : ra;
        a_v2(g->c, A_VORR, 0, rd, from, from);
    } else {
        a_ext(g->c, rd, ra, rb, n);
    }
    return true;
}
/* A lane everywhere, or elements reversed in groups, of one register. */
static bool shuf_one(struct gen *g, const u8 *p, unsigned rd, unsigned rs)
{
    for (unsigned es = 0; es < 4; es++) {
        unsigned bytes = 1u << es, lane = (p[0] & 15) >> es, i = 0;
        while (i < 16 && p[i] < 32 && (p[i] & 15) == (lane << es) + (i & (bytes - 1))) {
            i++;
        }
        if (i == 16) {
            a_dup_v(g->c, es, rd, rs, lane);
            return true;
        }
    }
    static const int rev[4] = {0, A_VREV16, A_VREV32, A_VREV64};
    for (unsigned group = 1; group < 4; group++) {
        for (unsigned es = 0; es < group; es++) {
            unsigned flip = ((1u << group) - 1) & ~((1u << es) - 1), i = 0;
            while (i < 16 && p[i] < 32 && (p[i] & 15) == (i ^ flip)) {
                i++;
            }
            if (i == 16) {
                a_v1(g->c, rev[group], es, rd, rs);
                return true;
            }
        }
    }
    return false;
}

/* Any pattern; TBL gives zero for what it does not find. */
static void shuf_any(struct gen *g, const u8 *p, unsigned rd, unsigned ra, unsigned rb)
{
    u64 v[2];
    u8 q[16];
    for (unsigned i = 0; i < 16; i++) {
        q[i] = p[i] >= 32 ? 0xff : ra == rb ? p[i] & 15 : p[i];
    }
    memcpy(v, q, 16);
    pool_ref(g, a_ldr_lit(g->c, IR_V128, VT2), pool_v128(g, v[0], v[1]));
    if (ra == rb) {
        a_tbl(g->c, 1, rd, ra, VT2);
        return;
    }
    a_v2(g->c, A_VORR, 0, VT0, ra, ra); /* the table is two registers, one behind the other */
    a_v2(g->c, A_VORR, 0, VT1, rb, rb);
    a_tbl(g->c, 2, rd, VT0, VT2);
}

void a_vshuf(struct gen *g, struct xop *x)
{
    const u8 *p = (const u8 *)&g->ir->consts[x->imm];
    bool from_a = false, from_b = false;
    for (unsigned i = 0; i < 16; i++) {
        from_a |= p[i] < 16;
        from_b |= p[i] >= 16 && p[i] < 32;
    }
    unsigned ra = src(g, x->a), rb = src(g, x->b), rd = ra_dst(g, dying2(g, x));
    ra = from_a || !from_b ? ra : rb; /* of one alone: both are that one */
    rb = from_b ? rb : ra;
    if ((ra == rb && shuf_one(g, p, rd, ra)) || shuf_ext(g, p, rd, ra, rb) || shuf_pair(g, p, rd, ra, rb)) {
        return;
    }
    shuf_any(g, p, rd, ra, rb);
}

void a_vtbl(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b);
    a_tbl(g->c, 1, ra_dst(g, dying2(g, x)), ra, rb);
}

/* -- logic ------------------------------------------------------------------------------------------------------- */

void a_vbsl(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b), rc = src(g, x->c);
    unsigned rd = ra_dst(g, dying2(g, x) | ra_dying(g, x->c));
    if (rd == rb && rb != ra && rb != rc) {
        a_v2(g->c, A_VBIF, 0, rd, rc, ra);
    } else if (rd == rc && rc != ra && rb != rc) {
        a_v2(g->c, A_VBIT, 0, rd, rb, ra);
    } else if (rd == ra || (rd != rb && rd != rc)) {
        if (rd != ra) {
            a_v2(g->c, A_VORR, 0, rd, ra, ra);
        }
        a_v2(g->c, A_VBSL, 0, rd, rb, rc);
    } else { /* two of the three are one */
        a_v2(g->c, A_VORR, 0, VT0, ra, ra);
        a_v2(g->c, A_VBSL, 0, VT0, rb, rc);
        a_v2(g->c, A_VORR, 0, rd, VT0, VT0);
    }
}

void a_vlogic(struct gen *g, struct xop *x)
{
    static const int opc[IR_OPCODES] = {[IR_and] = A_VAND,  [IR_or] = A_VORR,  [IR_xor] = A_VEOR,
                                        [IR_andn] = A_VBIC, [IR_orn] = A_VORN, [IR_xnor] = A_VEOR};
    unsigned ra = src(g, x->a), rb = src(g, x->b), rd = ra_dst(g, dying2(g, x));
    a_v2(g->c, opc[x->op], 0, rd, ra, rb);
    if (x->op == IR_xnor) {
        a_v1(g->c, A_VNOT, 0, rd, rd);
    }
}

/* -- lanes ------------------------------------------------------------------------------------------------------- */

/* One instruction for every size that the row has. */
void a_v2_op(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b);
    a_v2(g->c, (int)a_rows[x->op].v[0], x->sub & 3, ra_dst(g, dying2(g, x)), ra, rb);
}
void a_v1_op(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), es = x->op == IR_not || x->op == IR_vpopcnt ? 0 : x->sub & 3;
    a_v1(g->c, (int)a_rows[x->op].v[0], es, ra_dst(g, ra_dying(g, x->a)), ra);
}

/* Of doubles: a comparison chooses. */
void a_vminmax(struct gen *g, struct xop *x)
{
    if ((x->sub & 3) < 3) {
        a_v2_op(g, x);
        return;
    }
    bool min = x->op == IR_vsmin || x->op == IR_vumin, sign = x->op == IR_vsmin || x->op == IR_vsmax;
    unsigned ra = src(g, x->a), rb = src(g, x->b), rd = ra_dst(g, dying2(g, x));
    a_v2(g->c, sign ? A_VCMGT : A_VCMHI, 3, VT0, ra, rb);
    a_v2(g->c, A_VBSL, 0, VT0, min ? rb : ra, min ? ra : rb);
    a_v2(g->c, A_VORR, 0, rd, VT0, VT0);
}

void a_vcmp(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b), rd = ra_dst(g, dying2(g, x));
    int opc = x->imm == CC_EQ    ? A_VCMEQ
              : x->imm == CC_SGT ? A_VCMGT
              : x->imm == CC_SGE ? A_VCMGE
              : x->imm == CC_UGT ? A_VCMHI
              : x->imm == CC_UGE ? A_VCMHS
                                 : A_VCMTST;
    a_v2(g->c, opc, x->sub & 3, rd, ra, rb);
}

void a_vshift_op(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rd = ra_dst(g, ra_dying(g, x->a));
    if (x->imm == 0) {
        a_v2(g->c, A_VORR, 0, rd, ra, ra);
    } else {
        a_vshift(g->c, x->op == IR_vshl ? A_VSHL : x->op == IR_vshr ? A_VUSHR : A_VSSHR, x->sub & 3, rd, ra, x->imm);
    }
}

void a_vmull(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b), rd = ra_dst(g, dying2(g, x));
    a_vlong(g->c, x->imm & 2 ? A_VSMULL : A_VUMULL, x->imm & 1, x->sub & 3, rd, ra, rb);
}
void a_vxtl_op(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a);
    a_vxtl(g->c, !(x->imm & 2), x->imm & 1, x->sub & 3, ra_dst(g, ra_dying(g, x->a)), ra);
}
void a_vxtn(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a);
    a_vnarrow(g->c, A_VXTN, (x->sub & 3) - 1u, ra_dst(g, ra_dying(g, x->a)), ra);
}
/* From unsigned to signed there is none. */
void a_vqxtn(struct gen *g, struct xop *x)
{
    static const int opc[4] = {A_VUQXTN, A_VSQXTUN, 0, A_VSQXTN};
    if (!opc[x->imm & 3]) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = src(g, x->a);
    a_vnarrow(g->c, opc[x->imm & 3], (x->sub & 3) - 1u, ra_dst(g, ra_dying(g, x->a)), ra);
}

void a_vclmul(struct gen *g, struct xop *x)
{
    if (!a_cpu.pmull) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = src(g, x->a), rb = src(g, x->b);
    bool ha = x->imm & 1, hb = x->imm & 2;
    if (ha != hb) { /* bring b's lane beside a's */
        a_dup_v(g->c, 3, VT0, rb, hb);
        rb = VT0;
    }
    a_pmull(g->c, ha, ra_dst(g, dying2(g, x)), ra, rb);
}
