/* Vector ops whose lanes meet their neighbours, another width or a shared count; and what integers learn of lanes. The
 * result is written last. */
#include "tcg/host/aarch64/a_priv.h"

static unsigned src(struct gen *g, ir_ref r)
{
    return ra_src(g, r, IR_V128);
}
static unsigned dst(struct gen *g, const struct xop *x)
{
    return ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b));
}
static void two(struct gen *g, int opc, unsigned es, unsigned rd, unsigned a, unsigned b)
{
    a_v2(g->c, opc, es, rd, a, b);
}

/* -- products ---------------------------------------------------------------------------------------------------------
 */

/* Low and high half of all products, twice as wide, in VT0 and VT1. */
static void products(struct gen *g, bool sign, unsigned es, unsigned a, unsigned b)
{
    int opc = sign ? A_VSMULL : A_VUMULL;
    a_vlong(g->c, opc, false, es, VT0, a, b);
    a_vlong(g->c, opc, true, es, VT1, a, b);
}
void a_vmulh(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b);
    products(g, x->imm & 1, 1, ra, rb);
    two(g, A_VUZP2, 1, dst(g, x), VT0, VT1);
}
void a_vmule(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b);
    two(g, A_VUZP1, 2, VT0, ra, ra);
    two(g, A_VUZP1, 2, VT1, rb, rb);
    a_vlong(g->c, x->imm & 1 ? A_VSMULL : A_VUMULL, false, 2, dst(g, x), VT0, VT1);
}
void a_vdot(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b);
    if (x->sub == 1) {
        products(g, true, 1, ra, rb);
        two(g, A_VADDP, 2, dst(g, x), VT0, VT1);
        return;
    }
    for (unsigned h = 0; h < 2; h++) { /* unsigned times signed fits in 16 bits */
        a_vxtl(g->c, true, h, 0, VT2, ra);
        a_vxtl(g->c, false, h, 0, VT0 + h, rb);
        two(g, A_VMUL, 1, VT0 + h, VT0 + h, VT2);
    }
    two(g, A_VUZP1, 1, VT2, VT0, VT1);
    two(g, A_VUZP2, 1, VT0, VT0, VT1);
    two(g, A_VSQADD, 1, dst(g, x), VT2, VT0);
}
void a_vsad(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b);
    two(g, A_VUABD, 0, VT0, ra, rb);
    a_v1(g->c, A_VUADDLP, 0, VT0, VT0);
    a_v1(g->c, A_VUADDLP, 1, VT0, VT0);
    a_v1(g->c, A_VUADDLP, 2, dst(g, x), VT0);
}

/* -- places -----------------------------------------------------------------------------------------------------------
 */

void a_vpack(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b), es = x->sub - 1u;
    int opc = x->imm & 1 ? A_VSQXTN : A_VSQXTUN;
    a_vnarrow(g->c, opc, es, VT0, ra);
    a_vnarrow(g->c, opc, es, VT1, rb);
    two(g, A_VZIP1, 3, dst(g, x), VT0, VT1);
}
/* An index with its top bit set finds nothing. */
void a_vtblm(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b);
    u64 k = 0x8f8f8f8f8f8f8f8f;
    pool_ref(g, a_ldr_lit(g->c, IR_V128, VT0), pool_v128(g, k, k));
    two(g, A_VAND, 0, VT0, VT0, rb);
    a_tbl(g->c, 1, dst(g, x), ra, VT0);
}
void a_vblend(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b), rc = src(g, x->c), es = x->sub & 3;
    a_vshift(g->c, A_VSSHR, es, VT0, rc, (8u << es) - 1);
    two(g, A_VBSL, 0, VT0, rb, ra);
    two(g, A_VORR, 0, ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b) | ra_dying(g, x->c)), VT0, VT0);
}

/* -- shifts -----------------------------------------------------------------------------------------------------------
 */

/* By each lane's count: those of the width or more are cut, to the width less one with signs, else the result is. */
void a_vshift_lanes(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b), es = x->sub & 3;
    a_mov_i(g->c, T0, (8u << es) - 1);
    a_dup_g(g->c, es, VT0, T0);
    two(g, A_VCMHI, es, VT1, rb, VT0);
    if (x->op == IR_vsarv) {
        two(g, A_VBSL, 0, VT1, VT0, rb);
        a_v1(g->c, A_VNEG, es, VT1, VT1);
        two(g, A_VSSHL, es, dst(g, x), ra, VT1);
        return;
    }
    if (x->op == IR_vshrv) {
        a_v1(g->c, A_VNEG, es, VT0, rb);
        rb = VT0;
    }
    two(g, A_VUSHL, es, VT0, ra, rb);
    two(g, A_VBIC, 0, dst(g, x), VT0, VT1);
}
void a_vshift_all(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b), es = x->sub & 3, w = 8u << es;
    a_umov(g->c, false, true, 3, T0, rb, 0);
    a_mov_i(g->c, T2, x->op == IR_vsar_all ? w - 1 : w);
    a_cmp(g->c, true, T0, T2);
    a_csel(g->c, A_CSEL, true, T0, T0, T2, A_LO);
    a_dup_g(g->c, es, VT0, T0);
    if (x->op != IR_vshl_all) {
        a_v1(g->c, A_VNEG, es, VT0, VT0);
    }
    two(g, x->op == IR_vsar_all ? A_VSSHL : A_VUSHL, es, dst(g, x), ra, VT0);
}

/* -- to integers ------------------------------------------------------------------------------------------------------
 */

/* The top bits become the lowest; pairs of lanes put theirs together until there are two lanes. */
void a_vmask(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), es = x->sub & 3, n = 8u >> es, rd = ra_dst(g, 0);
    a_vshift(g->c, A_VUSHR, es, VT0, ra, (8u << es) - 1);
    for (unsigned s = es + 1, bits = 1; s < 4; s++, bits *= 2) {
        a_vshift(g->c, A_VUSRA, s, VT0, VT0, (4u << s) - bits);
    }
    a_umov(g->c, false, false, 0, rd, VT0, 0);
    a_umov(g->c, false, false, 0, T0, VT0, 8);
    if (n < 8) {
        a_bfm(g->c, false, false, rd, rd, 0, n - 1);
    }
    a_bfi(g->c, false, rd, T0, n, n);
}
void a_vtst(struct gen *g, struct xop *x)
{
    unsigned ra = src(g, x->a), rb = src(g, x->b), rd = ra_dst(g, 0);
    two(g, A_VAND, 0, VT0, ra, rb);
    a_umov(g->c, false, true, 3, T0, VT0, 0);
    a_umov(g->c, false, true, 3, T2, VT0, 1);
    a_rrr(g->c, A_ORR, true, T0, T0, T2);
    a_cmp_i(g->c, true, T0, 0);
    a_cset(g->c, false, rd, A_NE);
}
