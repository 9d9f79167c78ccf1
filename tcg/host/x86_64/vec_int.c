/* Integer arithmetic on vectors: one instruction where there is one (rows.c), short sequences here otherwise.
 * Sequences work in xmm0..2 and write the result last, so that it may take an operand's register. */
#include "tcg/host/x86_64/x_priv.h"

enum {
    V_PAND = 0xdb | M0F | P66,
    V_PANDN = 0xdf | M0F | P66,
    V_POR = 0xeb | M0F | P66,
    V_PXOR = 0xef | M0F | P66,
    V_PADDQ = 0xd4 | M0F | P66,
    V_PADDD = 0xfe | M0F | P66,
    V_PSUBD = 0xfa | M0F | P66,
    V_PSUBQ = 0xfb | M0F | P66,
    V_PSUBB = 0xf8 | M0F | P66,
    V_PMULLW = 0xd5 | M0F | P66,
    V_PSHUFB = 0x00 | M38 | P66,
    V_PCMPGTQ = 0x37 | M38 | P66,
    V_PCMPEQD = 0x76 | M0F | P66,
    V_BLENDVPS = 0x4a | M3A | P66,
    V_BLENDVPD = 0x4b | M3A | P66,
    V_PSHUFD = 0x70 | M0F | P66,
    V_SHIFT_W = 0x71 | M0F | P66,
    V_SHIFT_D = 0x72 | M0F | P66,
    V_SHIFT_Q = 0x73 | M0F | P66,
};
/* Digits of the shifts by an immediate. */
enum { D_SRL = 2, D_SRA = 4, D_SLL = 6, D_SRLDQ = 3 };

static void vrr(struct gen *g, u32 opc, unsigned rd, unsigned a, unsigned b)
{
    v_rrr(g->c, opc, rd, a, b);
}
static void vshift_i(struct gen *g, unsigned es, unsigned digit, unsigned rd, unsigned rs, unsigned n)
{
    static const u32 opc[4] = {0, V_SHIFT_W, V_SHIFT_D, V_SHIFT_Q};
    v_rrri(g->c, opc[es], digit, rd, rs, (u8)n);
}
static void vzero(struct gen *g, unsigned rd)
{
    vrr(g, V_PXOR, rd, rd, rd);
}
static void vones(struct gen *g, unsigned rd)
{
    vrr(g, V_PCMPEQD, rd, rd, rd);
}
static unsigned vdst2(struct gen *g, struct xop *x)
{
    return ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b));
}
static const u32 *opcodes(const struct xop *x)
{
    return rows[x->op].v;
}

/* -- two operands, one instruction ------------------------------------------------------------------------------- */

void emit_v2(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, IR_V128);
    struct opnd b = ra_vopnd(g, x->b, IR_V128);
    u64 da = ra_dying(g, x->a);
    vop(g, opcodes(x)[x->sub & 3], ra_dst(g, b.kind == OP_REG ? da | ra_dying(g, x->b) : da), ra, &b);
}

void emit_vandn(struct gen *g, struct xop *x)
{
    unsigned rb = ra_src(g, x->b, IR_V128);
    struct opnd a = ra_vopnd(g, x->a, IR_V128);
    switch (x->op) {
    case IR_andn:
        vop(g, V_PANDN, vdst2(g, x), rb, &a);
        break;
    case IR_orn:
        vones(g, XMM0);
        vrr(g, V_PXOR, XMM0, XMM0, rb);
        vop(g, V_POR, vdst2(g, x), XMM0, &a);
        break;
    default:
        vones(g, XMM0);
        vrr(g, V_PXOR, XMM0, XMM0, rb);
        vop(g, V_PXOR, vdst2(g, x), XMM0, &a);
        break;
    }
}
void emit_vnot(struct gen *g, struct xop *x)
{
    struct opnd a = ra_vopnd(g, x->a, IR_V128);
    vones(g, XMM0);
    vop(g, V_PXOR, ra_dst(g, ra_dying(g, x->a)), XMM0, &a);
}
void emit_vneg(struct gen *g, struct xop *x)
{
    static const u32 psub[4] = {V_PSUBB, 0xf9 | M0F | P66, V_PSUBD, V_PSUBQ};
    struct opnd a = ra_vopnd(g, x->a, IR_V128);
    vzero(g, XMM0);
    vop(g, psub[x->sub], ra_dst(g, ra_dying(g, x->a)), XMM0, &a);
}
void emit_vbsl(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, IR_V128);
    struct opnd b = ra_vopnd(g, x->b, IR_V128), c = ra_vopnd(g, x->c, IR_V128);
    vop(g, V_PAND, XMM0, ra, &b);
    vop(g, V_PANDN, XMM1, ra, &c);
    vrr(g, V_POR, ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b) | ra_dying(g, x->c)), XMM0, XMM1);
}

/* Bytes have no multiplication: the even and the odd ones as words. */
static void mul_bytes(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, IR_V128), rb = ra_src(g, x->b, IR_V128);
    vrr(g, V_PMULLW, XMM0, ra, rb);
    vop(g, V_PAND, XMM0, XMM0, TABLE(LOW8));
    vshift_i(g, 1, D_SRL, XMM1, ra, 8);
    vshift_i(g, 1, D_SRL, XMM2, rb, 8);
    vrr(g, V_PMULLW, XMM1, XMM1, XMM2);
    vshift_i(g, 1, D_SLL, XMM1, XMM1, 8);
    vrr(g, V_POR, vdst2(g, x), XMM0, XMM1);
}
void emit_vmul(struct gen *g, struct xop *x)
{
    if (x->sub) {
        emit_v2(g, x);
    } else {
        mul_bytes(g, x);
    }
}

/* -- minimum, maximum, comparison -------------------------------------------------------------------------------- */

/* rd = a > b by 64-bit lanes; may use xmm1. */
static void greater64(struct gen *g, bool is_signed, unsigned rd, unsigned a, unsigned b)
{
    if (is_signed) {
        vrr(g, V_PCMPGTQ, rd, a, b);
        return;
    }
    vop(g, V_PXOR, XMM1, b, TABLE(SIGN64));
    vop(g, V_PXOR, rd, a, TABLE(SIGN64));
    vrr(g, V_PCMPGTQ, rd, rd, XMM1);
}

void emit_vminmax64(struct gen *g, struct xop *x)
{
    if (opcodes(x)[x->sub]) {
        emit_v2(g, x);
        return;
    }
    bool min = x->op == IR_vsmin || x->op == IR_vumin;
    unsigned ra = ra_src(g, x->a, IR_V128), rb = ra_src(g, x->b, IR_V128);
    greater64(g, x->op == IR_vsmin || x->op == IR_vsmax, XMM0, ra, rb);
    /* the mask takes its second source */
    v_rrri(g->c, V_BLENDVPD, vdst2(g, x), min ? ra : rb, min ? rb : ra, (XMM0 & 15) << 4);
}

void emit_vabs(struct gen *g, struct xop *x)
{
    struct opnd a = ra_vopnd(g, x->a, IR_V128);
    if (opcodes(x)[x->sub]) {
        vop(g, opcodes(x)[x->sub], ra_dst(g, ra_dying(g, x->a)), 0, &a);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128);
    vzero(g, XMM0);
    vrr(g, V_PCMPGTQ, XMM0, XMM0, ra);
    vrr(g, V_PXOR, XMM1, ra, XMM0);
    vrr(g, V_PSUBQ, ra_dst(g, ra_dying(g, x->a)), XMM1, XMM0);
}

static const u32 pcmpeq[4] = {0x74 | M0F | P66, 0x75 | M0F | P66, 0x76 | M0F | P66, 0x29 | M38 | P66};
static const u32 pcmpgt[4] = {0x64 | M0F | P66, 0x65 | M0F | P66, 0x66 | M0F | P66, 0x37 | M38 | P66};

static void vnot_to(struct gen *g, unsigned rd, unsigned rs)
{
    vones(g, XMM1);
    vrr(g, V_PXOR, rd, rs, XMM1);
}

void emit_vcmp(struct gen *g, struct xop *x)
{
    static const u32 pmaxu[4] = {0xde | M0F | P66, 0x3e | M38 | P66, 0x3f | M38 | P66, 0};
    static const u32 pminu[4] = {0xda | M0F | P66, 0x3a | M38 | P66, 0x3b | M38 | P66, 0};
    unsigned es = x->sub;
    if (x->imm == CC_EQ || x->imm == CC_SGT) {
        unsigned a = ra_src(g, x->a, IR_V128);
        struct opnd b = ra_vopnd(g, x->b, IR_V128);
        u64 db = b.kind == OP_REG ? ra_dying(g, x->b) : 0;
        vop(g, (x->imm == CC_EQ ? pcmpeq : pcmpgt)[es], ra_dst(g, ra_dying(g, x->a) | db), a, &b);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128), rb = ra_src(g, x->b, IR_V128);
    switch (x->imm) {
    case CC_SGE:
        vrr(g, pcmpgt[es], XMM0, rb, ra);
        vnot_to(g, vdst2(g, x), XMM0);
        break;
    case CC_UGT:
        if (es == 3) {
            greater64(g, false, vdst2(g, x), ra, rb);
        } else {
            vrr(g, pminu[es], XMM0, ra, rb);
            vrr(g, pcmpeq[es], XMM0, XMM0, ra);
            vnot_to(g, vdst2(g, x), XMM0);
        }
        break;
    case CC_UGE:
        if (es == 3) {
            greater64(g, false, XMM0, rb, ra);
            vnot_to(g, vdst2(g, x), XMM0);
        } else {
            vrr(g, pmaxu[es], XMM0, ra, rb);
            vrr(g, pcmpeq[es], vdst2(g, x), XMM0, ra);
        }
        break;
    case CC_TSTNE:
        vrr(g, V_PAND, XMM0, ra, rb);
        vzero(g, XMM1);
        vrr(g, pcmpeq[es], XMM0, XMM0, XMM1);
        vnot_to(g, vdst2(g, x), XMM0);
        break;
    default:
        must(!"a condition of vector comparisons");
    }
}

/* -- saturation of 32- and 64-bit lanes -------------------------------------------------------------------------- */

/* Signed: where the sum's sign is wrong, the limit on a's side. */
static void saturate_signed(struct gen *g, struct xop *x, bool add)
{
    unsigned es = x->sub, ra = ra_src(g, x->a, IR_V128), rb = ra_src(g, x->b, IR_V128);
    static const u32 op[2][2] = {{V_PSUBD, V_PSUBQ}, {V_PADDD, V_PADDQ}};
    vrr(g, op[add][es - 2], XMM0, ra, rb);
    vrr(g, V_PXOR, XMM1, ra, XMM0);
    vrr(g, V_PXOR, XMM2, add ? rb : ra, add ? XMM0 : rb);
    vrr(g, V_PAND, XMM1, XMM1, XMM2); /* sign: overflow */
    if (es == 2) {
        vshift_i(g, 2, D_SRA, XMM2, ra, 31);
        vop(g, V_PXOR, XMM2, XMM2, TABLE(ABS32));
    } else {
        vzero(g, XMM2);
        vrr(g, V_PCMPGTQ, XMM2, XMM2, ra);
        vop(g, V_PXOR, XMM2, XMM2, TABLE(ABS64));
    }
    v_rrri(g->c, es == 2 ? V_BLENDVPS : V_BLENDVPD, vdst2(g, x), XMM0, XMM2, (XMM1 & 15) << 4);
}

static void saturate_unsigned(struct gen *g, struct xop *x, bool add)
{
    unsigned es = x->sub, ra = ra_src(g, x->a, IR_V128), rb = ra_src(g, x->b, IR_V128);
    if (es == 2 && add) { /* min(a, ~b) + b */
        vnot_to(g, XMM0, rb);
        vrr(g, 0x3b | M38 | P66, XMM0, XMM0, ra);
        vrr(g, V_PADDD, vdst2(g, x), XMM0, rb);
    } else if (es == 2) { /* max(a, b) - b */
        vrr(g, 0x3f | M38 | P66, XMM0, ra, rb);
        vrr(g, V_PSUBD, vdst2(g, x), XMM0, rb);
    } else if (add) {
        vrr(g, V_PADDQ, XMM2, ra, rb);
        greater64(g, false, XMM0, ra, XMM2);
        vrr(g, V_POR, vdst2(g, x), XMM0, XMM2);
    } else {
        vrr(g, V_PSUBQ, XMM2, ra, rb);
        greater64(g, false, XMM0, ra, rb);
        vrr(g, V_PAND, vdst2(g, x), XMM0, XMM2);
    }
}

void emit_vsat(struct gen *g, struct xop *x)
{
    if (opcodes(x)[x->sub]) {
        emit_v2(g, x);
    } else if (x->op == IR_vsqadd || x->op == IR_vsqsub) {
        saturate_signed(g, x, x->op == IR_vsqadd);
    } else {
        saturate_unsigned(g, x, x->op == IR_vuqadd);
    }
}

/* -- shifts ------------------------------------------------------------------------------------------------------ */

static void and_bytes(struct gen *g, unsigned rd, unsigned rs, u8 mask)
{
    u64 m = mask * 0x0101010101010101ull;
    v_rrm(g->c, V_PAND, rd, rs, POOL_MEM);
    pool_use(g, pool_v128(g, m, m), 0);
}

static void shift_bytes(struct gen *g, struct xop *x, unsigned ra, unsigned n)
{
    unsigned rd = ra_dst(g, ra_dying(g, x->a));
    if (x->op == IR_vshl) {
        vshift_i(g, 1, D_SLL, XMM0, ra, n);
        and_bytes(g, rd, XMM0, (u8)(0xff << n));
        return;
    }
    vshift_i(g, 1, D_SRL, XMM0, ra, n);
    if (x->op == IR_vshr) {
        and_bytes(g, rd, XMM0, (u8)(0xff >> n));
        return;
    }
    /* the sign bit is at 7 - n now: flip it and subtract it */
    u64 sign = (0x80u >> n) * 0x0101010101010101ull;
    and_bytes(g, XMM0, XMM0, (u8)(0xff >> n));
    unsigned k = pool_v128(g, sign, sign);
    v_rrm(g->c, V_PXOR, XMM0, XMM0, POOL_MEM);
    pool_use(g, k, 0);
    v_rrm(g->c, V_PSUBB, rd, XMM0, POOL_MEM);
    pool_use(g, k, 0);
}

static void sar_qwords(struct gen *g, struct xop *x, unsigned ra, unsigned n)
{
    vzero(g, XMM0);
    vrr(g, V_PCMPGTQ, XMM0, XMM0, ra);
    if (n == 63) {
        vrr(g, X_MOVAPS, ra_dst(g, ra_dying(g, x->a)), 0, XMM0);
        return;
    }
    vshift_i(g, 3, D_SLL, XMM0, XMM0, 64 - n);
    vshift_i(g, 3, D_SRL, XMM1, ra, n);
    vrr(g, V_POR, ra_dst(g, ra_dying(g, x->a)), XMM0, XMM1);
}

void emit_vshift(struct gen *g, struct xop *x)
{
    unsigned es = x->sub, w = 8u << es, n = x->imm, ra = ra_src(g, x->a, IR_V128);
    if (x->op == IR_vsar) {
        n = MIN(n, w - 1);
    } else if (n >= w) {
        vzero(g, ra_dst(g, 0));
        return;
    }
    if (n == 0) {
        struct opnd a = opnd_reg(ra);
        vmov(g, ra_dst(g, ra_dying(g, x->a)), &a);
    } else if (es == 0) {
        shift_bytes(g, x, ra, n);
    } else if (es == 3 && x->op == IR_vsar) {
        sar_qwords(g, x, ra, n);
    } else {
        unsigned digit = x->op == IR_vshl ? D_SLL : x->op == IR_vshr ? D_SRL : D_SRA;
        vshift_i(g, es, digit, ra_dst(g, ra_dying(g, x->a)), ra, n);
    }
}

/* By variable counts, left when positive: AVX2's shifts give zero (or the sign) for counts beyond the width, so
 * the wrong direction, a huge unsigned count, vanishes. */
void emit_vshiftv(struct gen *g, struct xop *x)
{
    enum { VPSLLV = 0x47 | M38 | P66, VPSRLV = 0x45 | M38 | P66, VPSRAVD = 0x46 | M38 | P66 };
    unsigned es = x->sub;
    bool sign = x->op == IR_vsshl;
    if (es < 2 || !x_cpu.avx2) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128), rb = ra_src(g, x->b, IR_V128);
    u32 w = es == 3 ? OPW : 0;
    if (es == 2) {
        vshift_i(g, 2, D_SLL, XMM0, rb, 24);
        vshift_i(g, 2, D_SRA, XMM0, XMM0, 24);
    } else {
        vop(g, V_PSHUFB, XMM0, rb, TABLE(BYTE08));
        vrr(g, 0x22 | M38 | P66, XMM0, 0, XMM0); /* pmovsxbq */
    }
    vzero(g, XMM1);
    vrr(g, es == 3 ? V_PSUBQ : V_PSUBD, XMM1, XMM1, XMM0); /* the count to the right */
    if (!sign) {
        vrr(g, VPSLLV | w, XMM0, ra, XMM0);
        vrr(g, VPSRLV | w, XMM1, ra, XMM1);
        vrr(g, V_POR, vdst2(g, x), XMM0, XMM1);
        return;
    }
    if (es == 2) {
        vrr(g, VPSRAVD, XMM1, ra, XMM1);
    } else { /* negative lanes are complemented before and after */
        unsigned t = ra_temp(g, XMM_ALLOC);
        vzero(g, XMM2);
        vrr(g, V_PCMPGTQ, XMM2, XMM2, ra);
        vrr(g, V_PXOR, t, ra, XMM2);
        vrr(g, VPSRLV | w, t, t, XMM1);
        vrr(g, V_PXOR, XMM1, t, XMM2);
    }
    vrr(g, VPSLLV | w, XMM2, ra, XMM0);
    v_rrri(g->c, es == 2 ? V_BLENDVPS : V_BLENDVPD, vdst2(g, x), XMM2, XMM1, (XMM0 & 15) << 4);
}

/* -- widths ------------------------------------------------------------------------------------------------------ */

/* One half of rs, each lane made twice as wide. Unsigned, the upper half takes one shuffle: zeros put between. */
static void extend_half(struct gen *g, unsigned es, unsigned widen, unsigned rd, unsigned rs)
{
    static const u8 opc[2][3] = {{0x30, 0x33, 0x35}, {0x20, 0x23, 0x25}};
    bool high = widen & 1, sign = widen & 2;
    if (high && !sign) {
        vop(g, (0x68 + es) | M0F | P66, rd, rs, TABLE(ZERO)); /* punpckhbw and its like */
        return;
    }
    if (high) {
        v_rrri(g->c, V_PSHUFD, XMM0, 0, rs, 0xee);
    }
    vrr(g, opc[sign][es] | M38 | P66, rd, 0, high ? (unsigned)XMM0 : rs);
}

void emit_vxtl(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, IR_V128);
    extend_half(g, x->sub, x->imm, ra_dst(g, ra_dying(g, x->a)), ra);
}

void emit_vmull(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, IR_V128), rb = ra_src(g, x->b, IR_V128);
    bool high = x->imm & 1, sign = x->imm & 2;
    switch (x->sub) {
    case 0:
        extend_half(g, 0, x->imm, XMM1, ra);
        extend_half(g, 0, x->imm, XMM2, rb);
        vrr(g, V_PMULLW, vdst2(g, x), XMM1, XMM2);
        break;
    case 1:
        vrr(g, V_PMULLW, XMM0, ra, rb);
        vrr(g, (sign ? 0xe5 : 0xe4) | M0F | P66, XMM1, ra, rb); /* pmulhw, pmulhuw */
        vrr(g, (high ? 0x69 : 0x61) | M0F | P66, vdst2(g, x), XMM0, XMM1);
        break;
    default:
        v_rrri(g->c, V_PSHUFD, XMM0, 0, ra, high ? 0xfa : 0x50);
        v_rrri(g->c, V_PSHUFD, XMM1, 0, rb, high ? 0xfa : 0x50);
        vrr(g, sign ? 0x28 | M38 | P66 : 0xf4 | M0F | P66, vdst2(g, x), XMM0, XMM1);
        break;
    }
}

static const struct opnd narrow_mask[4] = {{.kind = OP_TABLE},
                                           {.kind = OP_TABLE, .imm = T_NARROW16 * 16},
                                           {.kind = OP_TABLE, .imm = T_NARROW32 * 16},
                                           {.kind = OP_TABLE, .imm = T_NARROW64 * 16}};

void emit_vxtn(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, IR_V128);
    vop(g, V_PSHUFB, ra_dst(g, ra_dying(g, x->a)), ra, &narrow_mask[x->sub]);
}

/* rd = where lanes of rs exceed max: max; xmm1 is used. Signed 64-bit lanes. */
static void clamp64(struct gen *g, unsigned rd, unsigned rs, const struct opnd *limit, bool above)
{
    vop(g, X_MOVUPS, XMM2, 0, limit);
    vrr(g, V_PCMPGTQ, XMM1, above ? rs : XMM2, above ? XMM2 : rs);
    v_rrri(g->c, V_BLENDVPD, rd, rs, XMM2, (XMM1 & 15) << 4);
}

static void narrow64_saturating(struct gen *g, struct xop *x)
{
    bool from_signed = x->imm & 1, to_signed = x->imm & 2;
    unsigned ra = ra_src(g, x->a, IR_V128);
    const struct opnd *max = to_signed ? TABLE(MAX31) : TABLE(LOW32);
    if (from_signed) {
        clamp64(g, XMM0, ra, max, true);
        clamp64(g, XMM0, XMM0, to_signed ? TABLE(MIN31) : TABLE(ZERO), false);
    } else {
        /* unsigned lanes with the top bit set are above every limit */
        vop(g, V_PXOR, XMM1, ra, TABLE(SIGN64));
        vop(g, X_MOVUPS, XMM2, 0, max);
        vop(g, V_PXOR, XMM0, XMM2, TABLE(SIGN64));
        vrr(g, V_PCMPGTQ, XMM1, XMM1, XMM0);
        v_rrri(g->c, V_BLENDVPD, XMM0, ra, XMM2, (XMM1 & 15) << 4);
    }
    vop(g, V_PSHUFB, ra_dst(g, ra_dying(g, x->a)), XMM0, &narrow_mask[3]);
}

void emit_vqxtn(struct gen *g, struct xop *x)
{
    static const u32 pack[2][2] = {{0x67 | M0F | P66, 0x63 | M0F | P66}, {0x2b | M38 | P66, 0x6b | M0F | P66}};
    if (x->sub == 3) {
        narrow64_saturating(g, x);
        return;
    }
    bool from_signed = x->imm & 1, to_signed = x->imm & 2, wide = x->sub == 2;
    unsigned ra = ra_src(g, x->a, IR_V128), rs = ra;
    if (!from_signed) {
        const struct opnd *max = to_signed ? (wide ? TABLE(MAX15) : TABLE(MAX7)) : wide ? TABLE(LOW16) : TABLE(LOW8);
        vop(g, (wide ? 0x3bu : 0x3au) | M38 | P66, XMM0, ra, max); /* pminud, pminuw */
        rs = XMM0;
        to_signed = false;
    }
    vzero(g, XMM1);
    vrr(g, pack[wide][to_signed], ra_dst(g, ra_dying(g, x->a)), rs, XMM1);
}

/* -- others ------------------------------------------------------------------------------------------------------ */

void emit_vpopcnt(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, IR_V128);
    vop(g, V_PAND, XMM0, ra, TABLE(NIBBLE));
    vshift_i(g, 1, D_SRL, XMM1, ra, 4);
    vop(g, V_PAND, XMM1, XMM1, TABLE(NIBBLE));
    vop(g, X_MOVUPS, XMM2, 0, TABLE(ONES_OF_NIBBLE));
    vrr(g, V_PSHUFB, XMM0, XMM2, XMM0);
    vrr(g, V_PSHUFB, XMM1, XMM2, XMM1);
    vrr(g, 0xfc | M0F | P66, ra_dst(g, ra_dying(g, x->a)), XMM0, XMM1);
}

void emit_vclmul(struct gen *g, struct xop *x)
{
    if (!x_cpu.pclmul) {
        emit_fallback(g, x);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128), rb = ra_src(g, x->b, IR_V128);
    u8 imm = (u8)((x->imm & 1) | (x->imm >> 1 & 1) << 4);
    v_rrri(g->c, 0x44 | M3A | P66, vdst2(g, x), ra, rb, imm);
}

/* -- CRC ----------------------------------------------------------------------------------------------------------- */

/* An instruction has Castagnoli's polynomial (of two bytes it has both prefixes, which the encoder does not know). */
static void crc32_insn(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, IR_I32), rb = ra_src(g, x->b, IR_I64);
    if (x->sub == 0) {
        x_mov(g->c, false, RAX, rb); /* its low byte has a name without prefix */
        rb = RAX;
    }
    unsigned rd = ra_dst(g, ra_dying(g, x->a));
    if (rd != ra) {
        x_mov(g->c, false, rd, ra);
    }
    x_rr(g->c, (x->sub ? 0xf1 : 0xf0) | M38 | PF2, x->sub == 3, rd, rb);
}

/* The remainder of v = (a ^ b) x^32 by P: the multiple of P whose low 64 bits are v is (v / P mod x^64) P, and what it
 * has above them is the remainder. Fewer bytes stand at the top of the 64 bits. */
void emit_crc32(struct gen *g, struct xop *x)
{
    if (x->imm == CRC_CASTAGNOLI && x->sub != 1) {
        crc32_insn(g, x);
        return;
    }
    if (!x_cpu.pclmul) {
        emit_fallback(g, x);
        return;
    }
    enum { PCLMULQDQ = 0x44 | M3A | P66, PEXTRD = 0x16 | M3A | P66 };
    unsigned ra = ra_src(g, x->a, IR_I32), rb = ra_src(g, x->b, IR_I64), n = 8u << x->sub;
    const struct opnd *t = x->imm == CRC_IEEE ? TABLE(CRC_IEEE) : TABLE(CRC_CASTAGNOLI);
    x_mov(g->c, false, RAX, ra);
    x_alu(g->c, ALU_XOR, true, RAX, rb);
    if (n < 64) {
        x_shift(g->c, SH_SHL, true, RAX, 64 - n);
    }
    v_rrr(g->c, X_MOVD | OPW, XMM0, 0, RAX);
    vop_i(g, PCLMULQDQ, XMM0, XMM0, t, 0x00);
    vop_i(g, PCLMULQDQ, XMM0, XMM0, t, 0x10);
    if (n < 32) {
        x_mov(g->c, false, RAX, ra);
        x_shift(g->c, SH_SHR, false, RAX, n);
    }
    unsigned rd = ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b));
    v_rrri(g->c, PEXTRD, XMM0, 0, rd, 2);
    if (n < 32) {
        x_alu(g->c, ALU_XOR, false, rd, RAX);
    }
}
