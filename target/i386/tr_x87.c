/* The x87's instructions (SDM volume 1, chapter 8). The exact unit (x87.c) does them all. */
#include <string.h>

#include "target/i386/x86.h"

static bool may_not(struct x86 *t)
{
    if (t->mode & MODE_NO_FPU) {
        x86_raise(t, EXC_NM, 0);
        return true;
    }
    return false;
}

/* By the exact unit. n: bytes of the memory operand, if there is one. */
static void exact(struct x86 *t, unsigned n, bool write, bool wait)
{
    struct ir *ir = t->ir;
    const struct x86_instr *in = &t->in;
    bool mem = in->mod != 3;
    struct x87_key key = {.fop = (in->opcode & 7u) << 8 | in->mod << 6 | (in->reg & 7u) << 3 | (in->rm & 7u),
                          .fn = in->row->fn,
                          .seg = mem ? x86_seg(t) : (unsigned)SEG_DEFAULT,
                          .op16 = in->opsize == 2,
                          .real = !(t->mode & MODE_PE) || (t->mode & MODE_VM),
                          .mode64 = t->bits == 64,
                          .no_wait = !wait};
    u32 word;
    memcpy(&word, &key, sizeof(word));
    ir_ref addr = ir_const(ir, 0), ea = addr;
    if (mem) {
        addr = x86_mem(t, n, write);
        ea = x86_ea(t);
    }
    ir_call(ir, H_x87, ir_const(ir, word), addr, ea, 0);
}

static bool is_x87(const struct x86 *t)
{
    return t->in.row->map == MAP_ONE && t->in.row->opcode >= 0xd8 && t->in.row->opcode <= 0xdf;
}
/* MMX counts registers as they are, and what saves and loads the state does too. */
static bool is_other(const struct x86 *t)
{
    const struct x86_row *row = t->in.row;
    for (unsigned i = 0; i < ARRAY_LEN(row->opds); i++) {
        unsigned place = x86_opds[row->opds[i]].place;
        if (place == PL_P || place == PL_Q || place == PL_N) {
            return true;
        }
    }
    switch (row->fn) {
    case X86_FN_emms:
    case X86_FN_femms:
    case X86_FN_fxsave:
    case X86_FN_fxrstor:
    case X86_FN_xsave:
    case X86_FN_xrstor:
    case X86_FN_xsaveopt:
    case X86_FN_xsavec:
    case X86_FN_xsaves:
    case X86_FN_xrstors:
        return true;
    default:
        return false;
    }
}
/* In a trace the state is in one place. */
bool x87_splits(struct x86 *t)
{
    if (is_other(t)) {
        bool fast = t->x87.fast;
        t->x87.other = true;
        return fast;
    }
    return is_x87(t) && t->x87.other && (t->mode & MODE_X87_FAST);
}

/* -- numbers ----------------------------------------------------------------------------------------------------------
 */

static bool number(struct x86 *t, bool write)
{
    unsigned fop = (t->in.opcode & 7u) << 8 | t->in.mod << 6 | (t->in.reg & 7u) << 3;
    if (may_not(t) || ((t->mode & MODE_X87_FAST) && x87_fast(t))) {
        return true;
    }
    exact(t, x87_memory_bytes(fop), write, true);
    if (t->mode & MODE_X87_CARE) {
        x86_end(t);
    }
    return true;
}
#define READS(name) \
    bool tr_##name(struct x86 *t) \
    { \
        return number(t, false); \
    }
#define WRITES(name) \
    bool tr_##name(struct x86 *t) \
    { \
        return number(t, true); \
    }
READS(f2xm1)
READS(fabs)
READS(fadd)
READS(fadd_int)
READS(fadd_mem)
READS(faddp)
READS(fbld)
WRITES(fbstp)
READS(fchs)
READS(fcmovcc)
READS(fcom)
READS(fcom_int)
READS(fcom_mem)
READS(fcomi)
READS(fcomip)
READS(fcomp)
READS(fcomp_int)
READS(fcomp_mem)
READS(fcompp)
READS(fcos)
READS(fdecstp)
READS(fdiv)
READS(fdiv_int)
READS(fdiv_mem)
READS(fdivp)
READS(fdivr)
READS(fdivr_int)
READS(fdivr_mem)
READS(fdivrp)
READS(ffree)
READS(ffreep)
READS(fild)
READS(fincstp)
WRITES(fist)
WRITES(fistp)
WRITES(fisttp)
READS(fld)
READS(fld_mem)
READS(fldconst)
READS(fmul)
READS(fmul_int)
READS(fmul_mem)
READS(fmulp)
READS(fnop)
READS(fpatan)
READS(fprem)
READS(fprem1)
READS(fptan)
READS(frndint)
READS(fscale)
READS(fsin)
READS(fsincos)
READS(fsqrt)
READS(fst)
WRITES(fst_mem)
READS(fstp)
WRITES(fstp_mem)
READS(fstp_undoc)
READS(fsub)
READS(fsub_int)
READS(fsub_mem)
READS(fsubp)
READS(fsubr)
READS(fsubr_int)
READS(fsubr_mem)
READS(fsubrp)
READS(ftst)
READS(fucom)
READS(fucomi)
READS(fucomip)
READS(fucomp)
READS(fucompp)
READS(fxam)
READS(fxch)
READS(fxtract)
READS(fyl2x)
READS(fyl2xp1)

/* -- control
 * ------------------------------------------------------------------------------------------------------------ */

static bool control(struct x86 *t, unsigned n, bool write, bool wait)
{
    if (!may_not(t) && !((t->mode & MODE_X87_FAST) && x87_fast(t))) {
        exact(t, n, write, wait);
        if (t->mode & MODE_X87_CARE) {
            x86_end(t);
        }
    }
    return true;
}
/* The mode says whether exceptions are masked. */
static bool control_end(struct x86 *t, unsigned n, bool write, bool wait)
{
    if (!may_not(t) && !((t->mode & MODE_X87_FAST) && x87_fast(t))) {
        exact(t, n, write, wait);
        x86_end(t);
    }
    return true;
}
static unsigned env_bytes(const struct x86 *t)
{
    return t->in.opsize == 2 ? 14 : 28;
}

bool tr_fldcw(struct x86 *t)
{
    return control_end(t, 2, false, true);
}
bool tr_fnstcw(struct x86 *t)
{
    return control(t, 2, true, false);
}
bool tr_fnstsw(struct x86 *t)
{
    return control(t, 2, true, false);
}
bool tr_fnclex(struct x86 *t)
{
    return control_end(t, 0, false, false);
}
bool tr_fninit(struct x86 *t)
{
    return control_end(t, 0, false, false);
}
bool tr_fnstenv(struct x86 *t)
{
    return control_end(t, env_bytes(t), true, false);
}
bool tr_fldenv(struct x86 *t)
{
    return control_end(t, env_bytes(t), false, true);
}
bool tr_fnsave(struct x86 *t)
{
    return control_end(t, env_bytes(t) + 80, true, false);
}
bool tr_frstor(struct x86 *t)
{
    return control_end(t, env_bytes(t) + 80, false, true);
}
/* 8087's and 287's: nothing now. */
bool tr_feni(struct x86 *t)
{
    return control(t, 0, false, false);
}
bool tr_fwait(struct x86 *t)
{
    if (t->mode & MODE_X87_EXACT) {
        ir_call(t->ir, H_x87_wait, 0, 0, 0, 0);
    }
    return true;
}
