/* Signal frames of Linux for AArch64, and structures of signals, which 64-bit ports share.
 *
 * SPEC: Linux include/uapi/asm/sigcontext.h and ucontext.h of arm64; arch/arm64's setup_rt_frame(). Not modelled: the
 * records of SVE, SME and MTE. */
#include <string.h>

#include "target/arm/arm.h"
#include "user/abi_aarch64/abi_aarch64.h"

#define GUEST_FPSIMD_MAGIC 0x46508001u
#define GUEST_ESR_MAGIC    0x45535201u
#define GUEST_EXTRA_MAGIC  0x45585401u

struct guest_fpsimd_context {
    u32 magic, size, fpsr, fpcr;
    union v128 v[32];
};
struct guest_esr_context {
    u32 magic, size;
    u64 esr;
};
struct rt_sigframe {
    siginfo_t info;
    u64 uc_flags, uc_link, ss_sp, ss_flags, ss_size, sigmask;
    u64 pad[15 + 1];
    u64 fault_address, regs[31], sp, pc, pstate, align;
    union {
        u8 reserved[4096];
        struct {
            struct guest_fpsimd_context fpsimd;
            struct guest_esr_context esr;
            u32 end[2];
        };
    };
};
_Static_assert(offsetof(struct rt_sigframe, fault_address) == 128 + 176, "as the kernel lays it out");
_Static_assert(offsetof(struct rt_sigframe, reserved) == 128 + 176 + 288, "as the kernel lays it out");
_Static_assert(sizeof(struct rt_sigframe) == 128 + 176 + 288 + 4096, "as the kernel lays it out");
struct frame_record {
    u64 fp, lr;
};

static void fill_context(struct rt_sigframe *f, struct user_thread *t, const siginfo_t *si, user_sigset mask)
{
    struct arm_user_state s;
    struct vcpu *cpu = t->cpu;
    arm_user_get(cpu, &s);
    f->ss_sp = t->altstack_sp;
    f->ss_size = t->altstack_size;
    f->ss_flags = t->altstack_flags;
    f->sigmask = mask;
    memcpy(f->regs, cpu->rt.r, sizeof(f->regs));
    f->sp = cpu->rt.r[31];
    f->pc = cpu->rt.pc;
    f->pstate = s.pstate;
    f->fpsimd.magic = GUEST_FPSIMD_MAGIC;
    f->fpsimd.size = sizeof(f->fpsimd);
    f->fpsimd.fpsr = s.fpsr;
    f->fpsimd.fpcr = s.fpcr;
    memcpy(f->fpsimd.v, s.v, sizeof(s.v));
    if (si->si_code > 0 && (si->si_signo == SIGSEGV || si->si_signo == SIGBUS)) { /* a fault: with its syndrome */
        f->fault_address = cpu->trap.addr;
        f->esr = (struct guest_esr_context){GUEST_ESR_MAGIC, sizeof(f->esr), cpu->trap.code};
    }
}

bool aarch64_push_frame(struct user_thread *t, int sig, const siginfo_t *si, const struct user_sigaction *act,
                        user_sigset old_mask, u64 sp)
{
    static const struct rt_sigframe zero;
    struct rt_sigframe f = zero;
    struct vcpu *cpu = t->cpu;
    u64 *r = cpu->rt.r;
    struct frame_record link = {r[29], r[30]};
    u64 record = align_down(sp - sizeof(link), 16), frame = record - sizeof(f);
    f.info = *si;
    fill_context(&f, t, si, old_mask);
    if (!copy_to_guest(record, &link, sizeof(link)) || !copy_to_guest(frame, &f, sizeof(f))) {
        return false;
    }
    r[0] = (u64)sig;
    if (act->flags & SA_SIGINFO) {
        r[1] = frame + offsetof(struct rt_sigframe, info);
        r[2] = frame + offsetof(struct rt_sigframe, uc_flags);
    }
    r[29] = record;
    r[30] = act->flags & 0x04000000 /* SA_RESTORER */ ? act->restorer : user_image.sigreturn;
    r[31] = frame;
    cpu->rt.pc = act->handler;
    cpu->sv->mode_changed(cpu);
    return true;
}

/* Walks the records; there must be one of the vector registers. */
static bool find_fpsimd(const struct rt_sigframe *f, struct guest_fpsimd_context *out)
{
    bool found = false;
    for (u32 off = 0; off + 8 <= sizeof(f->reserved);) {
        u32 magic = ld32le(f->reserved + off), size = ld32le(f->reserved + off + 4);
        if (!magic) {
            return found && !size;
        }
        if (size < 8 || size & 15 || size > sizeof(f->reserved) - off) {
            return false;
        }
        if (magic == GUEST_FPSIMD_MAGIC && !found && size >= sizeof(*out)) {
            memcpy(out, f->reserved + off, sizeof(*out));
            found = true;
        } else if (magic != GUEST_ESR_MAGIC && magic != GUEST_EXTRA_MAGIC) {
            return false;
        }
        off += size;
    }
    return false;
}

bool aarch64_pop_frame(struct user_thread *t, user_sigset *mask)
{
    struct rt_sigframe f;
    struct guest_fpsimd_context fp;
    struct vcpu *cpu = t->cpu;
    struct arm_user_state s;
    u64 sp = cpu->rt.r[31];
    if ((sp & 15) || !copy_from_guest(&f, sp, sizeof(f)) || (f.pstate & 15) || !find_fpsimd(&f, &fp)) {
        return false;
    }
    arm_user_get(cpu, &s);
    s.pstate = f.pstate;
    s.fpsr = fp.fpsr;
    s.fpcr = fp.fpcr;
    memcpy(s.v, fp.v, sizeof(s.v));
    arm_user_set(cpu, &s);
    memcpy(cpu->rt.r, f.regs, sizeof(f.regs));
    cpu->rt.r[31] = f.sp;
    cpu->rt.pc = f.pc;
    cpu->sv->mode_changed(cpu);
    *mask = f.sigmask;
    if (!(signal_stack_flags(t) & SS_ONSTACK)) { /* the handler may have changed it */
        t->altstack_sp = f.ss_sp;
        t->altstack_size = f.ss_size;
        t->altstack_flags = (u32)f.ss_flags & (SS_DISABLE | SS_AUTODISARM);
    }
    return true;
}

/* -- structures: the kernel's own on 64-bit ports ------------------------------------------------------------------ */

bool aarch64_get_sigaction(u64 va, struct user_sigaction *act)
{
    u64 v[4];
    if (!copy_from_guest(v, va, sizeof(v))) {
        return false;
    }
    *act = (struct user_sigaction){v[0], v[1], v[2], v[3]};
    return true;
}
bool aarch64_put_sigaction(u64 va, const struct user_sigaction *act)
{
    u64 v[4] = {act->handler, act->flags, act->restorer, act->mask};
    return copy_to_guest(va, v, sizeof(v));
}
bool aarch64_get_siginfo(u64 va, siginfo_t *si)
{
    return copy_from_guest(si, va, sizeof(*si));
}
bool aarch64_put_siginfo(u64 va, const siginfo_t *si)
{
    return copy_to_guest(va, si, sizeof(*si));
}
