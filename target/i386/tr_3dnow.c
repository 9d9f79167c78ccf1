/* 3DNow!: pairs of floats in MMX registers, in C (helpers_3dnow.c). Its integer instructions are with MMX's. */
#include "target/i386/vec.h"

static bool pairs(struct x86 *t)
{
    if (!mmx_ok(t)) {
        return false;
    }
    ir_ref b = mmx_get(t, 1), fn = ir_const(t->ir, t->in.row->fn);
    mmx_put(t, 0, ir_call(t->ir, H_3dnow, fn, mmx_get(t, 0), b, 0));
    return true;
}
#define PAIRS(name) \
    bool tr_##name(struct x86 *t) \
    { \
        return pairs(t); \
    }
// clang-format off
PAIRS(pi2fw) PAIRS(pi2fd) PAIRS(pf2iw) PAIRS(pf2id) PAIRS(pfnacc) PAIRS(pfpnacc) PAIRS(pfcmpge) PAIRS(pfmin)
PAIRS(pfrcp) PAIRS(pfrsqrt) PAIRS(pfsub) PAIRS(pfadd) PAIRS(pfcmpgt) PAIRS(pfmax) PAIRS(pfrcpit1) PAIRS(pfrsqit1)
PAIRS(pfsubr) PAIRS(pfacc) PAIRS(pfcmpeq) PAIRS(pfmul) PAIRS(pfrcpit2)
    // clang-format on

    bool tr_pswapd(struct x86 *t)
{
    if (!mmx_ok(t)) {
        return false;
    }
    mmx_put(t, 0, ir_ror(t->ir, IR_I64, mmx_get(t, 1), ir_const(t->ir, 32)));
    return true;
}
