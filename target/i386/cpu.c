/* The x86 CPU: features, exceptions. So far only what a program in user mode meets. */
#include "target/i386/cpu.h"

#include <string.h>

#include "base/lock.h"
#include "target/i386/helpers.h"
#include "target/target.h"

/* -- features
 * ---------------------------------------------------------------------------------------------------------- */

static struct x86_features known[256];
static unsigned nknown;

unsigned x86_features_id(const struct x86_features *f)
{
    for (unsigned i = 0; i < nknown; i++) {
        if (!memcmp(&known[i], f, sizeof(*f))) {
            return i;
        }
    }
    must(nknown < ARRAY_LEN(known));
    known[nknown] = *f;
    return nknown++;
}
const struct x86_features *x86_features_of(unsigned id)
{
    must(id < nknown);
    return &known[id];
}

/* -- exceptions
 * -------------------------------------------------------------------------------------------------------- */

void x86_exception(struct x86_cpu *cpu, enum x86_exception vector, u32 error)
{
    must(cpu->vcpu.user);
    x86_user_trap(cpu, vector, error);
}

void x86_throw(struct x86_cpu *cpu, enum x86_exception vector, u32 error)
{
    struct vcpu *v = &cpu->vcpu;
    v->rt.pc = v->sv->helper_pc(v);
    x86_exception(cpu, vector, error);
    v->sv->unwind(v);
}

void x86_h_raise(struct vcpu *v, u64 vector, u64 error)
{
    x86_throw(x86_cpu(v), (enum x86_exception)vector, (u32)error);
}
void x86_h_step_done(struct vcpu *v, u64 pc)
{
    v->rt.pc = pc;
    x86_exception(x86_cpu(v), EXC_DB, 0);
    v->sv->unwind(v);
}

/* -- segments: limits of what is not flat
 * -------------------------------------------------------------------------------- */

void x86_h_seg_check(struct vcpu *v, u64 seg, u64 offset, u64 n, u64 write)
{
    struct x86_cpu *cpu = x86_cpu(v);
    const struct x86_seg *s = &cpu->seg[seg];
    bool code = s->attr & ATTR_CODE;
    bool ok = (s->attr & ATTR_PRESENT) && (write ? !code && (s->attr & ATTR_WRITE) : !code || (s->attr & ATTR_WRITE));
    u64 last = offset + n - 1;
    if (!code && (s->attr & ATTR_DOWN)) {
        ok = ok && offset > s->limit && last <= (s->attr & ATTR_BIG ? 0xffffffffull : 0xffffull);
    } else {
        ok = ok && last <= s->limit;
    }
    if (!ok) {
        x86_throw(cpu, seg == SEG_SS ? EXC_SS : EXC_GP, 0);
    }
}

/* -- the flags register and frames
 * ----------------------------------------------------------------------------------------- */

u64 x86_h_flags_read(struct vcpu *v, u64 n)
{
    (void)n;
    return x86_eflags(x86_cpu(v)) & ~(u32)(EFL_RF | EFL_VM);
}
/* A program's POPF: IF and IOPL stay. */
void x86_h_flags_write(struct vcpu *v, u64 value, u64 n)
{
    u32 mask = EFL_ARITH | EFL_TF | EFL_DF | EFL_NT | EFL_AC | EFL_ID;
    x86_eflags_set(x86_cpu(v), (u32)value, n == 2 ? mask & 0xffff : mask);
    v->sv->mode_changed(v);
}

void x86_h_enter(struct vcpu *v, u64 frame, u64 level, u64 n)
{
    u64 *r = v->rt.r, sp = r[4], bp = r[5], at = sp - n, x = bp;
    v->sv->store(v, at, &x, (unsigned)n, X86_VIEW_NORMAL);
    for (u64 i = 1; i < level; i++) {
        u64 y = 0;
        v->sv->load(v, bp - i * n, &y, (unsigned)n, X86_VIEW_NORMAL);
        v->sv->store(v, at -= n, &y, (unsigned)n, X86_VIEW_NORMAL);
    }
    x = sp - n;
    v->sv->store(v, at -= n, &x, (unsigned)n, X86_VIEW_NORMAL);
    r[5] = n == 2 ? (bp & ~0xffffull) | (u16)x : x;
    r[4] = at - frame;
}
