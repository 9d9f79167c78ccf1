/* Signal frames of Linux for x86-64.
 *
 * SPEC: Linux include/uapi/asm/sigcontext.h and ucontext.h of x86; arch/x86/kernel/signal.c and fpu/signal.c; the
 * psABI's red zone. Not modelled: frames of x32; a code segment other than the present one in a context that is
 * restored. */
#include <string.h>

#include "base/log.h"
#include "target/i386/i386.h"
#include "user/abi_x86_64/abi_x86_64.h"

#define RED_ZONE          128
#define UC_FP_XSTATE      1u
#define UC_SIGCONTEXT_SS  2u
#define UC_STRICT_SS      4u
#define GUEST_SA_RESTORER 0x04000000u
#define FLAGS_CLEARED     (0x400u | 0x10000u | 0x100u) /* DF RF TF */

struct guest_sigcontext {
    u64 r8[8]; /* R8 to R15 */
    u64 di, si, bp, bx, dx, ax, cx, sp, ip, flags;
    u16 cs, gs, fs, ss;
    u64 err, trapno, oldmask, cr2, fpstate, reserved[8];
};
struct rt_sigframe {
    u64 restorer;
    u64 uc_flags, uc_link, ss_sp, ss_flags, ss_size;
    struct guest_sigcontext mc;
    u64 sigmask;
    siginfo_t info;
};
_Static_assert(sizeof(struct guest_sigcontext) == 256 && sizeof(struct rt_sigframe) == 440,
               "as the kernel lays it out");

/* -- the frame ----------------------------------------------------------------------------------------------------- */

static void fill_context(struct rt_sigframe *f, struct user_thread *t, user_sigset mask)
{
    struct x86_user_state s;
    const struct x86_user_fault *fault = x86_user_fault(t->cpu);
    const u64 *r = t->cpu->rt.r;
    struct guest_sigcontext *m = &f->mc;
    x86_user_get(t->cpu, &s);
    f->uc_flags = UC_SIGCONTEXT_SS | UC_STRICT_SS | (x86_user_xcr0(t->cpu) ? UC_FP_XSTATE : 0);
    f->ss_sp = t->altstack_sp;
    f->ss_size = t->altstack_size;
    f->ss_flags = t->altstack_flags;
    f->sigmask = m->oldmask = mask;
    memcpy(m->r8, r + 8, sizeof(m->r8));
    m->ax = r[0];
    m->cx = r[1];
    m->dx = r[2];
    m->bx = r[3];
    m->sp = r[4];
    m->bp = r[5];
    m->si = r[6];
    m->di = r[7];
    m->ip = t->cpu->rt.pc;
    m->flags = s.flags;
    m->cs = s.cs;
    m->ss = s.ss;
    m->trapno = fault->vector;
    m->err = x86_fault_code(t->cpu);
    m->cr2 = fault->cr2;
}

bool x86_64_push_frame(struct user_thread *t, int sig, const siginfo_t *si, const struct user_sigaction *act,
                       user_sigset old_mask, u64 sp)
{
    struct rt_sigframe f = {0};
    struct vcpu *cpu = t->cpu;
    u64 *r = cpu->rt.r;
    sp = sp == r[4] ? sp - RED_ZONE : sp;
    f.mc.fpstate = x86_fp_push(t, sp, false);
    u64 at = align_down(f.mc.fpstate - sizeof(f), 16) - 8;
    f.info = *si;
    f.restorer = act->restorer;
    fill_context(&f, t, old_mask);
    if (!(act->flags & GUEST_SA_RESTORER) || !f.mc.fpstate || !copy_to_guest(at, &f, sizeof(f))) {
        return false;
    }
    r[7] = (u64)sig;
    r[6] = at + offsetof(struct rt_sigframe, info);
    r[2] = at + offsetof(struct rt_sigframe, uc_flags);
    r[0] = 0;
    r[4] = at;
    cpu->rt.pc = act->handler;
    x86_user_set_flags(cpu, x86_user_flags(cpu) & ~(u64)FLAGS_CLEARED);
    x86_user_fp_init(cpu);
    return true;
}

bool x86_64_pop_frame(struct user_thread *t, user_sigset *mask)
{
    struct rt_sigframe f;
    struct vcpu *cpu = t->cpu;
    u64 *r = cpu->rt.r;
    const struct guest_sigcontext *m = &f.mc;
    struct x86_user_state s;
    x86_user_get(cpu, &s);
    if (!copy_from_guest(&f, r[4] - 8, sizeof(f)) || !x86_fp_pop(t, m->fpstate, false)) {
        return false;
    }
    if ((m->cs | 3) != s.cs) {
        unimp("sigreturn", "another code segment: %#x", m->cs);
        return false;
    }
    memcpy(r + 8, m->r8, sizeof(m->r8));
    r[0] = m->ax;
    r[1] = m->cx;
    r[2] = m->dx;
    r[3] = m->bx;
    r[4] = m->sp;
    r[5] = m->bp;
    r[6] = m->si;
    r[7] = m->di;
    cpu->rt.pc = m->ip;
    x86_user_set_flags(cpu, m->flags);
    *mask = f.sigmask;
    if (!(signal_stack_flags(t) & SS_ONSTACK)) { /* the handler may have changed it */
        t->altstack_sp = f.ss_sp;
        t->altstack_size = f.ss_size;
        t->altstack_flags = (u32)f.ss_flags & (SS_DISABLE | SS_AUTODISARM);
    }
    return true;
}

/* -- structures: the kernel's own ---------------------------------------------------------------------------------- */

bool x86_64_get_sigaction(u64 va, struct user_sigaction *act)
{
    u64 v[4];
    if (!copy_from_guest(v, va, sizeof(v))) {
        return false;
    }
    *act = (struct user_sigaction){v[0], v[1], v[2], v[3]};
    return true;
}
bool x86_64_put_sigaction(u64 va, const struct user_sigaction *act)
{
    u64 v[4] = {act->handler, act->flags, act->restorer, act->mask};
    return copy_to_guest(va, v, sizeof(v));
}
bool x86_64_get_siginfo(u64 va, siginfo_t *si)
{
    return copy_from_guest(si, va, sizeof(*si));
}
bool x86_64_put_siginfo(u64 va, const siginfo_t *si)
{
    return copy_to_guest(va, si, sizeof(*si));
}
