/* Linux for i386 as a program sees it: registers of a call, errors, a thread's state.
 *
 * SPEC: System V ABI, Intel386 supplement; Linux arch/x86/entry/entry_64_compat.S, kernel/process_64.c. */
#include <elf.h>
#include <string.h>

#include "target/i386/i386.h"
#include "user/abi_i386/abi_i386.h"
#include "user/convert.h"
#include "user/signal32.h"

enum { EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI };

static void reset(struct vcpu *cpu)
{
    x86_user_reset(cpu, 32);
    x86_use_ldt(cpu);
}
static void start(struct vcpu *cpu, u64 entry, u64 sp)
{
    memset(cpu->rt.r, 0, 16 * sizeof(u64));
    cpu->rt.r[ESP] = sp;
    cpu->rt.pc = entry;
}
static u64 syscall_nr(const struct vcpu *cpu)
{
    return (u32)cpu->rt.r[EAX];
}
static void syscall_args(const struct vcpu *cpu, u64 a[6])
{
    static const u8 regs[6] = {EBX, ECX, EDX, ESI, EDI, EBP};
    for (unsigned i = 0; i < 6; i++) {
        a[i] = (u32)cpu->rt.r[regs[i]];
    }
}
static void set_result(struct vcpu *cpu, i64 r)
{
    cpu->rt.r[EAX] = (u32)r;
}
/* EAX still is the call's number. */
static void restart(struct vcpu *cpu, const u64 a[6])
{
    (void)a;
    cpu->rt.pc -= 2;
}
static u64 get_sp(const struct vcpu *cpu)
{
    return (u32)cpu->rt.r[ESP];
}
static void set_sp(struct vcpu *cpu, u64 sp)
{
    cpu->rt.r[ESP] = (u32)sp;
}

struct state {
    struct x86_user_state x86;
    u64 r[8], pc, tls[X86_USER_TLS];
    _Alignas(16) u8 fp[X86_USER_FP_MAX];
};
static void state_get(const struct vcpu *cpu, void *state)
{
    struct state *s = state;
    memset(s->fp, 0, sizeof(s->fp));
    x86_user_get(cpu, &s->x86);
    x86_user_fp_save((struct vcpu *)cpu, s->fp);
    memcpy(s->r, cpu->rt.r, sizeof(s->r));
    for (unsigned i = 0; i < X86_USER_TLS; i++) {
        s->tls[i] = x86_user_tls(cpu, i);
    }
    s->pc = cpu->rt.pc;
}
static void state_set(struct vcpu *cpu, const void *state)
{
    const struct state *s = state;
    for (unsigned i = 0; i < X86_USER_TLS; i++) {
        x86_user_set_tls(cpu, i, s->tls[i]);
    }
    i386_set_selectors(cpu, &s->x86);
    x86_user_fp_load(cpu, s->fp, x86_user_xcr0(cpu));
    x86_user_set_flags(cpu, s->x86.flags);
    memcpy(cpu->rt.r, s->r, sizeof(s->r));
    cpu->rt.pc = s->pc;
}

/* The last two come in another order than C's clone has them (CONFIG_CLONE_BACKWARDS). */
static void clone_args(const u64 a[6], u64 out[5])
{
    out[0] = a[0];
    out[1] = a[1];
    out[2] = a[2];
    out[3] = a[4];
    out[4] = a[3];
}

const struct user_abi user_abi_i386 = {
    .name = "i386",
    .machine = "i686",
    .target = &target_i386,
    .default_cpu = "max",
    .elf_machine = EM_386,
    .elf_class = ELFCLASS32,
    .word = 4,
    .align64 = 4,
    .epoll_data = 4,
    .open_bits =
        {[OPEN_DIRECTORY] = 0200000, [OPEN_NOFOLLOW] = 0400000, [OPEN_DIRECT] = 0040000, [OPEN_LARGEFILE] = 0100000},
    .page_bits = 12,
    .trap_len = 2,
    .min_sigstack = 2048,
    .va_limit = 1ull << 32,
    .code_watched = true,
    .syscalls = i386_syscalls,
    .nsyscalls = I386_NSYSCALLS,
    .reset = reset,
    .copy = x86_user_copy,
    .start = start,
    .syscall_nr = syscall_nr,
    .syscall_args = syscall_args,
    .set_result = set_result,
    .restart = restart,
    .sp = get_sp,
    .set_sp = set_sp,
    .set_tls = x86_clone_tls,
    .state_size = sizeof(struct state),
    .state_get = state_get,
    .state_set = state_set,
    .trap_siginfo = x86_trap_siginfo,
    .hwcap = x86_hwcap,
    .cpuinfo = x86_cpuinfo,
    .push_frame = i386_push_frame,
    .pop_frame = i386_pop_frame,
    .pop_old_frame = i386_pop_old_frame,
    .get_sigaction = sigaction32_get,
    .put_sigaction = sigaction32_put,
    .get_siginfo = siginfo32_get,
    .put_siginfo = siginfo32_put,
    .put_stat = stat_put_word32,
    .clone_args = clone_args,
    .vdso = &i386_vdso,
};
