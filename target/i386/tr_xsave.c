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

/* -- images -----------------------------------------------------------------------------------------------------------
 */

static void image(struct x86 *t, unsigned helper, unsigned how, unsigned bytes, bool write)
{
    how |= (t->in.w ? X86_XSAVE_W : 0) | (t->bits == 64 ? X86_XSAVE_64 : 0);
    ir_call(t->ir, helper, x86_mem(t, bytes, write), ir_const(t->ir, how), 0, 0);
}
static bool fx(struct x86 *t, unsigned helper)
{
    if (t->mode & MODE_NO_FPU) {
        x86_raise(t, EXC_NM, 0);
        return true;
    }
    image(t, helper, 0, 512, helper == H_fxsave);
    return true;
}
bool tr_fxsave(struct x86 *t)
{
    return fx(t, H_fxsave);
}
bool tr_fxrstor(struct x86 *t)
{
    fx(t, H_fxrstor);
    if (t->flow != FLOW_END) {
        x86_end(t);
    }
    return true;
}

static bool save(struct x86 *t, unsigned how)
{
    image(t, H_xsave, how, 576, true);
    return true;
}
bool tr_xsave(struct x86 *t)
{
    return save(t, 0);
}
bool tr_xsaveopt(struct x86 *t)
{
    return save(t, X86_XSAVE_OPT);
}
bool tr_xsavec(struct x86 *t)
{
    return save(t, X86_XSAVE_COMPACT);
}
bool tr_xsaves(struct x86 *t)
{
    return save(t, X86_XSAVE_COMPACT | X86_XSAVE_S);
}
static bool restore(struct x86 *t, unsigned how)
{
    image(t, H_xrstor, how, 576, false);
    x86_end(t);
    return true;
}
bool tr_xrstor(struct x86 *t)
{
    return restore(t, 0);
}
bool tr_xrstors(struct x86 *t)
{
    return restore(t, X86_XSAVE_S);
}
