/* Vector ops whose lanes meet their neighbours, another width or a shared count; and what integers learn of lanes.
 * Sequences work in xmm0..2 and write the result last. */
#include "tcg/host/x86_64/x_priv.h"

/* One instruction, by the row's opcode of this size. */
static void two(struct gen *g, struct xop *x, u32 opc)
{
    unsigned ra = ra_src(g, x->a, IR_V128);
    struct opnd b = ra_vopnd(g, x->b, IR_V128);
    u64 da = ra_dying(g, x->a);
    vop(g, opc, ra_dst(g, b.kind == OP_REG ? da | ra_dying(g, x->b) : da), ra, &b);
}

/* vmulh, vmule, vpack: the row has the unsigned form, then the signed one; of vpack for each size. */
void emit_vsigned(struct gen *g, struct xop *x)
{
    two(g, x, rows[x->op].v[(x->sub == 2 ? 2 : 0) + (x->imm & 1)]);
}

/* vpermilps, vpermilpd, which looks at bit 1. */
void emit_vpermv(struct gen *g, struct xop *x)
{
    enum { VPERMILPS = 0x0c | M38 | P66, VPERMILPD = 0x0d | M38 | P66, PADDQ = 0xd4 | M0F | P66 };
    if (x->sub == 2) {
        two(g, x, VPERMILPS);
        return;
    }
    unsigned ra = ra_src(g, x->a, IR_V128), rb = ra_src(g, x->b, IR_V128);
    v_rrr(g->c, PADDQ, XMM0, rb, rb);
    v_rrr(g->c, VPERMILPD, ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b)), ra, XMM0);
}

/* -- shifts -----------------------------------------------------------------------------------------------------------
 */

/* 64-bit lanes, sign in: negative lanes are complemented before and after. */
static void sar64(struct gen *g, struct xop *x, u32 shift)
{
    enum { PCMPGTQ = 0x37 | M38 | P66, PXOR = 0xef | M0F | P66 };
    unsigned ra = ra_src(g, x->a, IR_V128), rb = ra_src(g, x->b, IR_V128);
    v_rrr(g->c, PXOR, XMM0, XMM0, XMM0);
    v_rrr(g->c, PCMPGTQ, XMM0, XMM0, ra);
    v_rrr(g->c, PXOR, XMM1, ra, XMM0);
    v_rrr(g->c, shift, XMM1, XMM1, rb);
    v_rrr(g->c, PXOR, ra_dst(g, ra_dying(g, x->a) | ra_dying(g, x->b)), XMM1, XMM0);
}
enum { VPSRLVQ = 0x45 | M38 | P66 | OPW, PSRLQ = 0xd3 | M0F | P66 };

void emit_vshift_lanes(struct gen *g, struct xop *x)
{
    u32 w = x->sub == 3 ? OPW : 0;
    if (!x_cpu.avx2) {
        emit_fallback(g, x);
    } else if (w && x->op == IR_vsarv) {
        sar64(g, x, VPSRLVQ);
    } else {
        two(g, x, rows[x->op].v[0] | w);
    }
}
void emit_vshift_all(struct gen *g, struct xop *x)
{
    if (x->sub == 3 && x->op == IR_vsar_all) {
        sar64(g, x, PSRLQ);
    } else {
        two(g, x, rows[x->op].v[x->sub]);
    }
}

/* -- three operands ---------------------------------------------------------------------------------------------------
 */

void emit_vblend(struct gen *g, struct xop *x)
{
    static const u32 opc[4] = {0x4c | M3A | P66, 0, 0x4a | M3A | P66, 0x4b | M3A | P66};
    unsigned ra = ra_src(g, x->a, IR_V128), rc = ra_src(g, x->c, IR_V128);
    struct opnd b = ra_vopnd(g, x->b, IR_V128);
    u64 dying = ra_dying(g, x->a) | ra_dying(g, x->c) | (b.kind == OP_REG ? ra_dying(g, x->b) : 0);
    unsigned rd = ra_dst(g, dying);
    vop_i(g, opc[x->sub], rd, ra, &b, (u8)((rc & 15) << 4));
}

/* -- to integers ------------------------------------------------------------------------------------------------------
 */

void emit_vmask(struct gen *g, struct xop *x)
{
    static const u32 opc[4] = {0xd7 | M0F | P66, 0xd7 | M0F | P66, 0x50 | M0F, 0x50 | M0F | P66};
    unsigned ra = ra_src(g, x->a, IR_V128);
    if (x->sub == 1) {
        v_rrr(g->c, 0xef | M0F | P66, XMM0, XMM0, XMM0);
        v_rrr(g->c, 0x63 | M0F | P66, XMM0, ra, XMM0); /* packsswb */
        ra = XMM0;
    }
    v_rrr(g->c, opc[x->sub], ra_dst(g, 0), 0, ra);
}

void emit_vtst(struct gen *g, struct xop *x)
{
    unsigned ra = ra_src(g, x->a, IR_V128);
    struct opnd b = ra_vopnd(g, x->b, IR_V128);
    unsigned rd = ra_dst(g, 0);
    vop(g, 0x17 | M38 | P66, ra, 0, &b); /* ptest */
    x_setcc(g->c, X_NE, rd);
    x_rr(g->c, X_MOVZX8, false, rd, rd);
}

/* -- AES --------------------------------------------------------------------------------------------------------------
 */

void emit_vaes(struct gen *g, struct xop *x)
{
    static const u32 opc[4] = {0xdc | M38 | P66, 0xdd | M38 | P66, 0xde | M38 | P66, 0xdf | M38 | P66};
    if (!x_cpu.aes) {
        emit_fallback(g, x);
    } else if (x->op == IR_vaes_imc) {
        struct opnd a = ra_vopnd(g, x->a, IR_V128);
        vop(g, 0xdb | M38 | P66, ra_dst(g, a.kind == OP_REG ? ra_dying(g, x->a) : 0), 0, &a);
    } else {
        two(g, x, opc[x->imm & (AES_LAST | AES_INVERSE)]);
    }
}
