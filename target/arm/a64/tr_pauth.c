/* A64 pointer authentication (DDI 0487, D8.10 "Pointer authentication") of general registers. The keys, whether they
 * are enabled, and what a code looks like are the helpers' business. */
#include "target/arm/a64/a64.h"

/* Keys: 0 IA, 1 IB, 2 DA, 3 DB. */
static ir_ref coded(struct a64 *t, unsigned trapping, unsigned free, ir_ref ptr, ir_ref modifier, u32 key)
{
    unsigned helper = t->mode & MODE_PAC_TRAP ? trapping : free;
    return ir_call(t->ir, helper, ptr, modifier, ir_const(t->ir, key), 0);
}
static ir_ref add_code(struct a64 *t, ir_ref ptr, ir_ref modifier, u32 key)
{
    return coded(t, H_pac_trap, H_pac, ptr, modifier, key);
}
ir_ref a64_aut(struct a64 *t, ir_ref ptr, ir_ref modifier, u32 key)
{
    return coded(t, H_aut_trap, H_aut, ptr, modifier, key);
}

bool tr_PAC(struct a64 *t, u32 key, u32 rn, u32 rd)
{
    x_put(t, rd, add_code(t, x_get(t, rd), xsp_get(t, rn), key));
    return true;
}
bool tr_AUT(struct a64 *t, u32 key, u32 rn, u32 rd)
{
    x_put(t, rd, a64_aut(t, x_get(t, rd), xsp_get(t, rn), key));
    return true;
}
bool tr_PACZ(struct a64 *t, u32 key, u32 rd)
{
    x_put(t, rd, add_code(t, x_get(t, rd), ir_const(t->ir, 0), key));
    return true;
}
bool tr_AUTZ(struct a64 *t, u32 key, u32 rd)
{
    x_put(t, rd, a64_aut(t, x_get(t, rd), ir_const(t->ir, 0), key));
    return true;
}
bool tr_XPAC(struct a64 *t, u32 d, u32 rd)
{
    x_put(t, rd, ir_call(t->ir, H_xpac, x_get(t, rd), ir_const(t->ir, d), 0, 0));
    return true;
}
bool tr_PACGA(struct a64 *t, u32 rm, u32 rn, u32 rd)
{
    x_put(t, rd, ir_call(t->ir, H_pacga, x_get(t, rn), xsp_get(t, rm), 0, 0));
    return true;
}

/* -- in the hint space: NOPs without the feature ------------------------------------------------------------------ */

#define HINT_PAC(name, code, reg, modifier) \
    bool tr_##name(struct a64 *t, u32 b) \
    { \
        if (a64_has(t, ARM_FEAT_PAUTH)) { \
            x_put(t, reg, code(t, x_get(t, reg), modifier, b)); \
        } \
        return true; \
    }
HINT_PAC(PAC1716, add_code, 17, x_get(t, 16))
HINT_PAC(AUT1716, a64_aut, 17, x_get(t, 16))
HINT_PAC(PACIxZ, add_code, 30, ir_const(t->ir, 0))
HINT_PAC(AUTIxZ, a64_aut, 30, ir_const(t->ir, 0))
HINT_PAC(PACIxSP, add_code, 30, xsp_get(t, 31))
HINT_PAC(AUTIxSP, a64_aut, 30, xsp_get(t, 31))

bool tr_XPACLRI(struct a64 *t)
{
    if (a64_has(t, ARM_FEAT_PAUTH)) {
        x_put(t, 30, ir_call(t->ir, H_xpac, x_get(t, 30), ir_const(t->ir, 0), 0, 0));
    }
    return true;
}
