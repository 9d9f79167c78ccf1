/* Float arithmetic. */
#include "tcg/host/x86_64/x_priv.h"

/* fneg, fabs: bit operations. */
void emit_fsign(struct gen *g, struct xop *x)
{
    static const u8 mask[2][3] = {{T_SIGN16, T_SIGN32, T_SIGN64}, {T_ABS16, T_ABS32, T_ABS64}};
    unsigned es = x->type == IR_V128 ? (x->sub & FP_ES) - 1u : (unsigned)x->type - IR_F16;
    unsigned ra = ra_src(g, x->a, x->type);
    struct opnd m = {.kind = OP_TABLE, .imm = mask[x->op == IR_fabs][es] * 16};
    vop(g, x->op == IR_fabs ? 0x54 | M0F : 0x57 | M0F, ra_dst(g, ra_dying(g, x->a)), ra, &m);
}
