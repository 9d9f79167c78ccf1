/* What translated code asks of the system's side of the CPU: tr_system.c says when. */
#include <sys/random.h>

#include "base/bits.h"
#include "base/clock.h"
#include "target/i386/cpu.h"
#include "target/i386/helpers.h"

/* -- into the system ----------------------------------------------------------------------------------------------- */

void x86_h_int(struct vcpu *v, u64 vector, u64 next)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (v->user) {
        v->rt.pc = v->sv->helper_pc(v);
        x86_user_int(cpu, (unsigned)vector, next);
    } else {
        x86_int_deliver(cpu, (unsigned)vector, next);
    }
}

/* The program finds its address and flags in RCX and R11, as behind every system call. */
void x86_h_syscall(struct vcpu *v, u64 next)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (!v->user) {
        x86_syscall(cpu, next);
        return;
    }
    v->rt.r[1] = next;
    v->rt.r[11] = x86_eflags(cpu);
    v->rt.pc = next;
    x86_user_syscall(cpu, X86_CALL_SYSCALL);
}
void x86_h_sysenter(struct vcpu *v, u64 next)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (!v->user) {
        x86_sysenter(cpu);
        return;
    }
    v->rt.pc = next;
    x86_user_syscall(cpu, X86_CALL_SYSENTER);
}

/* -- what the processor says --------------------------------------------------------------------------------------- */

void x86_h_cpuid(struct vcpu *v)
{
    u64 *r = v->rt.r;
    u32 out[4];
    x86_cpuid(x86_cpu(v), (u32)r[0], (u32)r[1], out);
    r[0] = out[0];
    r[3] = out[1];
    r[1] = out[2];
    r[2] = out[3];
}

/* User mode: nanoseconds of the host's clock; else of the guest's. */
u64 x86_h_tsc(struct vcpu *v)
{
    return v->user ? (u64)clock_now(CLOCK_HOST) : x86_tsc(x86_cpu(v));
}
u64 x86_h_tsc_aux(struct vcpu *v)
{
    return v->user ? x86_user_tsc_aux() : x86_cpu(v)->tsc_aux;
}

u64 x86_h_hostclock(struct vcpu *v, u64 id)
{
    (void)v;
    return clock_of_host((int)id);
}

u64 x86_h_random(struct vcpu *v)
{
    u64 r;
    (void)v;
    entropy_fill(&r, sizeof(r));
    return r;
}

u64 x86_h_xcr(struct vcpu *v, u64 n)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (!(cpu->cr4 & CR4_OSXSAVE)) {
        x86_throw(cpu, EXC_UD, 0);
    }
    if ((u32)n == 1 && cpu->id.words[WORD_D1_EAX] & 4) { /* all components may be in use */
        return cpu->xcr0;
    }
    if ((u32)n != 0) {
        x86_throw(cpu, EXC_GP, 0);
    }
    return cpu->xcr0;
}

/* -- segment registers --------------------------------------------------------------------------------------------- */

u64 x86_h_seg_read(struct vcpu *v, u64 seg)
{
    const struct x86_cpu *cpu = x86_cpu(v);
    return seg == X86_SEL_LDT ? cpu->sys.ldt.sel : seg == X86_SEL_TR ? cpu->sys.tr.sel : cpu->seg[seg].sel;
}

void x86_h_seg_load(struct vcpu *v, u64 which, u64 sel)
{
    struct x86_cpu *cpu = x86_cpu(v);
    unsigned seg = which & 7;
    int vector = 0;
    if (!v->user) {
        x86_seg_load(cpu, seg, (u16)sel);
    } else {
        vector = x86_user_seg_load(cpu, (enum x86_sreg)seg, (u16)sel);
    }
    if (vector) {
        x86_throw(cpu, (enum x86_exception)vector, (u32)sel & 0xfffc);
    }
    if (which == (SEG_SS | X86_SEG_MOVE) && !cpu->shadow) { /* not twice in a row */
        cpu->shadow = SHADOW_SS;
    }
    v->sv->mode_changed(v);
}

static void fsgsbase_check(struct x86_cpu *cpu)
{
    if (!(cpu->cr4 & CR4_FSGSBASE)) {
        x86_throw(cpu, EXC_UD, 0);
    }
}
u64 x86_h_base_read(struct vcpu *v, u64 seg)
{
    fsgsbase_check(x86_cpu(v));
    return x86_cpu(v)->seg[seg].base;
}
void x86_h_base_write(struct vcpu *v, u64 seg, u64 base)
{
    struct x86_cpu *cpu = x86_cpu(v);
    fsgsbase_check(cpu);
    if ((u64)sext(base, cpu->cr4 & CR4_LA57 ? 57 : 48) != base) {
        x86_throw(cpu, EXC_GP, 0);
    }
    cpu->seg[seg].base = base;
}
