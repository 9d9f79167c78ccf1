/* MXCSR, and the state images of FXSAVE and XSAVE (SDM volume 1, 10.5 and chapter 13). */
#include "target/i386/vec.h"

bool tr_ldmxcsr(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_call(t->ir, H_ldmxcsr, opd_get(t, 0), 0, 0, 0);
    x86_end(t);
    return true;
}
bool tr_stmxcsr(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    opd_put(t, 0, ir_call(t->ir, H_stmxcsr, 0, 0, 0, 0));
    return true;
}
