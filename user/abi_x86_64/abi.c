/* Linux for x86-64 as a program sees it: registers of a call, errors, a thread's state.
 *
 * SPEC: System V ABI, AMD64 supplement, A.2. */
#include <elf.h>
#include <string.h>

#include "target/i386/i386.h"
#include "user/abi_x86_64/abi_x86_64.h"
#include "user/convert.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11 };

/* -- registers ----------------------------------------------------------------------------------------------------- */

static void reset(struct vcpu *cpu)
{
    x86_user_reset(cpu, 64);
    x86_use_ldt(cpu);
}
static void start(struct vcpu *cpu, u64 entry, u64 sp)
{
    memset(cpu->rt.r, 0, 16 * sizeof(u64));
    cpu->rt.r[RSP] = sp;
    cpu->rt.pc = entry;
}
/* The kernel looks at 32 bits of it, with their sign. */
static u64 syscall_nr(const struct vcpu *cpu)
{
    return (u32)cpu->rt.r[RAX];
}
static void syscall_args(const struct vcpu *cpu, u64 a[6])
{
    static const u8 regs[6] = {RDI, RSI, RDX, R10, R8, R9};
    for (unsigned i = 0; i < 6; i++) {
        a[i] = cpu->rt.r[regs[i]];
    }
}
static void set_result(struct vcpu *cpu, i64 r)
{
    cpu->rt.r[RAX] = (u64)r;
}
/* RAX still is the call's number. */
static void restart(struct vcpu *cpu, const u64 a[6])
{
    (void)a;
    cpu->rt.pc -= 2;
}
static u64 get_sp(const struct vcpu *cpu)
{
    return cpu->rt.r[RSP];
}
static void set_sp(struct vcpu *cpu, u64 sp)
{
    cpu->rt.r[RSP] = sp;
}
static void set_tls(struct vcpu *cpu, u64 tls)
{
    x86_user_set_base(cpu, 0, tls);
}

struct state {
    struct x86_user_state x86;
    u64 r[16], pc;
    _Alignas(16) u8 fp[X86_USER_FP_MAX];
};
static void state_get(const struct vcpu *cpu, void *state)
{
    struct state *s = state;
    memset(s->fp, 0, sizeof(s->fp));
    x86_user_get(cpu, &s->x86);
    x86_user_fp_save((struct vcpu *)cpu, s->fp);
    memcpy(s->r, cpu->rt.r, sizeof(s->r));
    s->pc = cpu->rt.pc;
}
static void state_set(struct vcpu *cpu, const void *state)
{
    const struct state *s = state;
    x86_user_fp_load(cpu, s->fp, x86_user_xcr0(cpu));
    x86_user_set_base(cpu, 0, s->x86.fs_base);
    x86_user_set_base(cpu, 1, s->x86.gs_base);
    x86_user_set_flags(cpu, s->x86.flags);
    memcpy(cpu->rt.r, s->r, sizeof(s->r));
    cpu->rt.pc = s->pc;
}

static void clone_args(const u64 a[6], u64 out[5])
{
    memcpy(out, a, 5 * sizeof(out[0]));
}

const struct user_abi user_abi_x86_64 = {
    .name = "x86_64",
    .machine = "x86_64",
    .target = &target_x86_64,
    .default_cpu = "max",
    .elf_machine = EM_X86_64,
    .elf_class = ELFCLASS64,
    .word = 8,
    .align64 = 8,
    .semid_pairs = true,
    .epoll_data = 4,
    .open_bits =
        {[OPEN_DIRECTORY] = 0200000, [OPEN_NOFOLLOW] = 0400000, [OPEN_DIRECT] = 0040000, [OPEN_LARGEFILE] = 0100000},
    .page_bits = 12,
    .trap_len = 2,
    .min_sigstack = 2048,
    .va_limit = 1ull << 47,
    .code_watched = true,
    .syscalls = x86_64_syscalls,
    .nsyscalls = X86_64_NSYSCALLS,
    .reset = reset,
    .copy = x86_user_copy,
    .start = start,
    .syscall_nr = syscall_nr,
    .syscall_args = syscall_args,
    .set_result = set_result,
    .restart = restart,
    .sp = get_sp,
    .set_sp = set_sp,
    .set_tls = set_tls,
    .state_size = sizeof(struct state),
    .state_get = state_get,
    .state_set = state_set,
    .emulate = x86_64_emulate,
    .trap_siginfo = x86_trap_siginfo,
    .hwcap = x86_hwcap,
    .cpuinfo = x86_cpuinfo,
    .push_frame = x86_64_push_frame,
    .pop_frame = x86_64_pop_frame,
    .get_sigaction = x86_64_get_sigaction,
    .put_sigaction = x86_64_put_sigaction,
    .get_siginfo = x86_64_get_siginfo,
    .put_siginfo = x86_64_put_siginfo,
    .put_stat = stat_put_x86_64,
    .clone_args = clone_args,
    .vdso = &x86_64_vdso,
};
