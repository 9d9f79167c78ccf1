/* Signal frames of Linux for i386: the first one, for handlers of a signal's number alone, and that of rt_sigaction.
 *
 * SPEC: Linux include/uapi/asm/sigcontext.h of x86, arch/x86/include/asm/sigframe.h, arch/x86/ia32/ia32_signal.c. Not
 * modelled: the stack that a restorer without SA_RESTORER names. */
#include <string.h>

#include "user/abi_i386/abi_i386.h"
#include "user/signal32.h"

#define GUEST_SA_RESTORER 0x04000000u
#define UC_FP_XSTATE      1u
#define FLAGS_CLEARED     (0x400u | 0x10000u | 0x100u) /* DF RF TF */
enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };
enum { ES, CS, SS, DS, FS, GS, USER_CS = 0x23, USER_DS = 0x2b };

struct guest_sigcontext {
    u16 gs, gsh, fs, fsh, es, esh, ds, dsh;
    u32 di, si, bp, sp, bx, dx, cx, ax, trapno, err, ip;
    u16 cs, csh;
    u32 flags, sp_at_signal;
    u16 ss, ssh;
    u32 fpstate, oldmask, cr2;
};
_Static_assert(sizeof(struct guest_sigcontext) == 88, "as the kernel lays it out");
struct sigframe {
    u32 restorer, sig;
    struct guest_sigcontext mc;
    u8 fpstate_unused[624];
    u32 extramask;
    u8 retcode[8];
};
_Static_assert(sizeof(struct sigframe) == 732, "as the kernel lays it out");
struct rt_sigframe {
    u32 restorer, sig, pinfo, puc;
    u8 info[128];
    u32 uc_flags, uc_link, ss_sp, ss_flags, ss_size;
    struct guest_sigcontext mc;
    u32 sigmask[2];
    u8 retcode[8];
};
_Static_assert(sizeof(struct rt_sigframe) == 268, "as the kernel lays it out");

/* What debuggers know a frame by, though nothing runs it. */
static const u8 retcode[8] = {0x58, 0xb8, 119, 0, 0, 0, 0xcd, 0x80}; /* pop %eax; mov $119, %eax; int $0x80 */
static const u8 rt_retcode[8] = {0xb8, 173, 0, 0, 0, 0xcd, 0x80, 0}; /* mov $173, %eax; int $0x80 */

static void fill_context(struct guest_sigcontext *m, struct user_thread *t, user_sigset mask)
{
    struct x86_user_state s;
    const u64 *r = t->cpu->rt.r;
    x86_user_get(t->cpu, &s);
    *m = (struct guest_sigcontext){
        .gs = s.gs,
        .fs = s.fs,
        .es = s.es,
        .ds = s.ds,
        .di = (u32)r[EDI],
        .si = (u32)r[ESI],
        .bp = (u32)r[EBP],
        .sp = (u32)r[ESP],
        .bx = (u32)r[EBX],
        .dx = (u32)r[EDX],
        .cx = (u32)r[ECX],
        .ax = (u32)r[EAX],
        .trapno = (u32)x86_user_fault(t->cpu)->vector,
        .err = (u32)x86_fault_code(t->cpu),
        .ip = (u32)t->cpu->rt.pc,
        .cs = s.cs,
        .flags = (u32)s.flags,
        .sp_at_signal = (u32)r[ESP],
        .ss = s.ss,
        .oldmask = (u32)mask,
        .cr2 = (u32)x86_user_fault(t->cpu)->cr2,
    };
}

/* On a frame: as the kernel calls a handler compiled for arguments in registers, or on the stack. */
static void enter_handler(struct vcpu *cpu, u64 handler, u64 sp, int sig, u32 second, u32 third)
{
    u64 *r = cpu->rt.r;
    r[EAX] = (u32)sig;
    r[EDX] = second;
    r[ECX] = third;
    r[ESP] = sp;
    cpu->rt.pc = (u32)handler;
    x86_user_set_selector(cpu, DS, USER_DS);
    x86_user_set_selector(cpu, ES, USER_DS);
    x86_user_set_selector(cpu, SS, USER_DS);
    x86_user_set_selector(cpu, CS, USER_CS);
    x86_user_set_flags(cpu, x86_user_flags(cpu) & ~(u64)FLAGS_CLEARED);
    x86_user_fp_init(cpu);
}

/* The return address, where the handler's arguments begin behind it, is 4 below a multiple of 16. */
static u64 place(u64 sp, u64 size)
{
    return align_down(sp - size + 4, 16) - 4;
}

static bool push_old(struct user_thread *t, int sig, const struct user_sigaction *act, user_sigset mask, u64 sp)
{
    struct sigframe f;
    memset(&f, 0, sizeof(f));
    fill_context(&f.mc, t, mask);
    f.mc.fpstate = (u32)x86_fp_push(t, sp, true);
    f.sig = (u32)sig;
    f.restorer = act->flags & GUEST_SA_RESTORER ? (u32)act->restorer : (u32)user_image.sigreturn;
    f.extramask = (u32)(mask >> 32);
    memcpy(f.retcode, retcode, sizeof(retcode));
    u64 at = place(f.mc.fpstate, sizeof(f));
    if (!f.mc.fpstate || !copy_to_guest(at, &f, sizeof(f))) {
        return false;
    }
    enter_handler(t->cpu, act->handler, at, sig, 0, 0);
    return true;
}

static bool push_rt(struct user_thread *t, int sig, const siginfo_t *si, const struct user_sigaction *act,
                    user_sigset mask, u64 sp)
{
    struct rt_sigframe f;
    memset(&f, 0, sizeof(f));
    fill_context(&f.mc, t, mask);
    f.mc.fpstate = (u32)x86_fp_push(t, sp, true);
    u64 at = place(f.mc.fpstate, sizeof(f));
    f.sig = (u32)sig;
    f.pinfo = (u32)(at + offsetof(struct rt_sigframe, info));
    f.puc = (u32)(at + offsetof(struct rt_sigframe, uc_flags));
    f.restorer = act->flags & GUEST_SA_RESTORER ? (u32)act->restorer : (u32)user_image.sigreturn + i386_rt_sigreturn;
    f.uc_flags = x86_user_xcr0(t->cpu) ? UC_FP_XSTATE : 0;
    f.ss_sp = (u32)t->altstack_sp;
    f.ss_size = (u32)t->altstack_size;
    f.ss_flags = t->altstack_flags;
    f.sigmask[0] = (u32)mask;
    f.sigmask[1] = (u32)(mask >> 32);
    memcpy(f.retcode, rt_retcode, sizeof(rt_retcode));
    if (!f.mc.fpstate || !copy_to_guest(at, &f, sizeof(f)) || !siginfo32_put(f.pinfo, si)) {
        return false;
    }
    enter_handler(t->cpu, act->handler, at, sig, f.pinfo, f.puc);
    return true;
}

bool i386_push_frame(struct user_thread *t, int sig, const siginfo_t *si, const struct user_sigaction *act,
                     user_sigset old_mask, u64 sp)
{
    return act->flags & SA_SIGINFO ? push_rt(t, sig, si, act, old_mask, sp) : push_old(t, sig, act, old_mask, sp);
}

/* -- back ---------------------------------------------------------------------------------------------------------- */

/* One that cannot be loaded becomes null, as where the kernel returns to a program. */
void i386_set_selectors(struct vcpu *cpu, const struct x86_user_state *s)
{
    const u16 sel[6] = {[ES] = s->es, [SS] = s->ss, [DS] = s->ds, [FS] = s->fs, [GS] = s->gs};
    for (unsigned i = 0; i < 6; i++) {
        if (i != CS && !x86_user_set_selector(cpu, i, sel[i])) {
            x86_user_set_selector(cpu, i, i == SS ? USER_DS : 0);
        }
    }
}

static bool take_context(struct user_thread *t, const struct guest_sigcontext *m)
{
    struct vcpu *cpu = t->cpu;
    u64 *r = cpu->rt.r;
    const struct x86_user_state s = {.ss = m->ss | 3,
                                     .ds = m->ds | (m->ds ? 3 : 0),
                                     .es = m->es | (m->es ? 3 : 0),
                                     .fs = m->fs | (m->fs ? 3 : 0),
                                     .gs = m->gs | (m->gs ? 3 : 0)};
    if (!x86_user_set_selector(cpu, CS, m->cs | 3) || !x86_fp_pop(t, m->fpstate, true)) {
        return false;
    }
    i386_set_selectors(cpu, &s);
    r[EAX] = m->ax;
    r[ECX] = m->cx;
    r[EDX] = m->dx;
    r[EBX] = m->bx;
    r[ESP] = m->sp;
    r[EBP] = m->bp;
    r[ESI] = m->si;
    r[EDI] = m->di;
    cpu->rt.pc = m->ip;
    x86_user_set_flags(cpu, m->flags);
    return true;
}

/* The handler's return has taken the restorer off, and the restorer the signal's number. */
bool i386_pop_old_frame(struct user_thread *t, user_sigset *mask)
{
    struct sigframe f;
    if (!copy_from_guest(&f, (u32)t->cpu->rt.r[ESP] - 8, sizeof(f))) {
        return false;
    }
    *mask = f.mc.oldmask | (u64)f.extramask << 32;
    return take_context(t, &f.mc);
}

bool i386_pop_frame(struct user_thread *t, user_sigset *mask)
{
    struct rt_sigframe f;
    if (!copy_from_guest(&f, (u32)t->cpu->rt.r[ESP] - 4, sizeof(f)) || !take_context(t, &f.mc)) {
        return false;
    }
    *mask = f.sigmask[0] | (u64)f.sigmask[1] << 32;
    if (!(signal_stack_flags(t) & SS_ONSTACK)) { /* the handler may have changed it */
        t->altstack_sp = f.ss_sp;
        t->altstack_size = f.ss_size;
        t->altstack_flags = f.ss_flags & (SS_DISABLE | SS_AUTODISARM);
    }
    return true;
}
