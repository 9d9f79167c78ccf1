/* Linux for x86-64 as a program sees it: registers of a call, errors, hardware capabilities, /proc/cpuinfo.
 *
 * SPEC: System V ABI, AMD64 supplement, A.2; Linux arch/x86: kernel/traps.c and mm/fault.c for signals,
 * kernel/cpu/proc.c. */
#include <elf.h>
#include <string.h>
#include <sys/mman.h>

#include "target/i386/i386.h"
#include "user/abi_x86_64/abi_x86_64.h"
#include "user/convert.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11 };

/* -- registers ----------------------------------------------------------------------------------------------------- */

static void reset(struct vcpu *cpu)
{
    x86_user_reset(cpu, 64);
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

/* -- traps as signals ---------------------------------------------------------------------------------------------- */

static void memory_siginfo(const struct trap *tr, siginfo_t *si)
{
    int prot = mm_prot(tr->addr);
    bool allowed = prot >= 0 && (tr->access == MMU_FETCH   ? prot & PROT_EXEC
                                 : tr->access == MMU_STORE ? prot & PROT_WRITE
                                                           : prot & (PROT_READ | PROT_EXEC));
    if (allowed) {
        si->si_signo = SIGBUS;
        si->si_code = tr->host_signal == SIGBUS ? tr->host_code : BUS_ADRERR;
    } else {
        si->si_signo = SIGSEGV;
        si->si_code = prot < 0 ? SEGV_MAPERR : SEGV_ACCERR;
    }
    si->si_addr = (void *)(uintptr_t)tr->addr;
}

static int fp_code(struct vcpu *cpu, bool sse)
{
    u32 e = x86_user_fp_raised(cpu, sse);
    return e & 1      ? FPE_FLTINV
           : e & 4    ? FPE_FLTDIV
           : e & 8    ? FPE_FLTOVF
           : e & 0x12 ? FPE_FLTUND
           : e & 0x20 ? FPE_FLTRES
                      : 0;
}

/* Faults that say where have a code; those that do not are SI_KERNEL's. */
static void trap_siginfo(const struct vcpu *cpu, siginfo_t *si)
{
    const struct trap *tr = &cpu->trap;
    unsigned vector = X86_TRAP_VECTOR(tr->code);
    void *pc = (void *)(uintptr_t)cpu->rt.pc;
    memset(si, 0, sizeof(*si));
    si->si_code = SI_KERNEL;
    switch (vector) {
    case 0:
        si->si_signo = SIGFPE;
        si->si_code = FPE_INTDIV;
        si->si_addr = pc;
        break;
    case 1:
        si->si_signo = SIGTRAP;
        si->si_code = x86_user_flags(cpu) & 0x100 ? TRAP_TRACE : TRAP_BRKPT;
        si->si_addr = pc;
        break;
    case 3:
        si->si_signo = SIGTRAP;
        break;
    case 6:
        si->si_signo = SIGILL;
        si->si_code = ILL_ILLOPN;
        si->si_addr = pc;
        break;
    case 11:
    case 12:
        si->si_signo = SIGBUS;
        break;
    case 14:
        memory_siginfo(tr, si);
        break;
    case 16:
    case 19:
        si->si_signo = SIGFPE;
        si->si_code = fp_code((struct vcpu *)cpu, vector == 19);
        si->si_addr = pc;
        break;
    case 17:
        si->si_signo = SIGBUS;
        si->si_code = BUS_ADRALN;
        break;
    default: /* 4, 5, 13 */
        si->si_signo = SIGSEGV;
    }
}

/* -- what the processor has ---------------------------------------------------------------------------------------- */

#define HWCAP2_FSGSBASE 2u

static void hwcap(const struct vcpu *cpu, u64 cap[2])
{
    u32 w[4];
    x86_user_cpuid(cpu, 1, 0, w);
    cap[0] = w[3];
    x86_user_cpuid(cpu, 7, 0, w);
    cap[1] = w[1] & 1 ? HWCAP2_FSGSBASE : 0;
}

static void put_flag(void *ctx, const char *name)
{
    buf_printf(ctx, " %s", name);
}

static void put_identity(const struct vcpu *cpu, unsigned n, struct buf *out)
{
    u32 w[4], b[12] = {0}, x[4];
    char vendor[13] = {0};
    x86_user_cpuid(cpu, 0, 0, w);
    u32 level = w[0];
    memcpy(vendor, &w[1], 4);
    memcpy(vendor + 4, &w[3], 4);
    memcpy(vendor + 8, &w[2], 4);
    x86_user_cpuid(cpu, 1, 0, w);
    x86_user_cpuid(cpu, 0x80000000, 0, x);
    for (u32 i = 0; i < 3 && x[0] >= 0x80000004; i++) {
        x86_user_cpuid(cpu, 0x80000002 + i, 0, b + 4 * i);
    }
    unsigned family = (unsigned)bits(w[0], 8, 4), model = (unsigned)bits(w[0], 4, 4);
    family += family == 15 ? (unsigned)bits(w[0], 20, 8) : 0;
    model += family >= 6 ? (unsigned)bits(w[0], 16, 4) << 4 : 0;
    buf_printf(out,
               "processor\t: %u\nvendor_id\t: %s\ncpu family\t: %u\nmodel\t\t: %u\nmodel name\t: %.48s\n"
               "stepping\t: %u\ncpu MHz\t\t: 1000.000\ncache size\t: 512 KB\nphysical id\t: %u\nsiblings\t: 1\n"
               "core id\t\t: 0\ncpu cores\t: 1\napicid\t\t: %u\ninitial apicid\t: %u\nfpu\t\t: yes\n"
               "fpu_exception\t: yes\ncpuid level\t: %u\nwp\t\t: yes\nflags\t\t:",
               n, vendor, family, model, b[0] ? (char *)b : "unknown", w[0] & 15, n, n, n, level);
}

static void cpuinfo(const struct vcpu *cpu, unsigned ncpus, struct buf *out)
{
    u32 w[4];
    x86_user_cpuid(cpu, 0x80000008, 0, w);
    for (unsigned n = 0; n < ncpus; n++) {
        put_identity(cpu, n, out);
        x86_user_cpu_flags(cpu, put_flag, out);
        buf_printf(out,
                   "\nbugs\t\t:\nbogomips\t: 2000.00\nclflush size\t: 64\ncache_alignment\t: 64\n"
                   "address sizes\t: %u bits physical, %u bits virtual\npower management:\n\n",
                   w[0] & 0xff, w[0] >> 8 & 0xff);
    }
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
    .epoll_data = 4,
    .open_bits =
        {[OPEN_DIRECTORY] = 0200000, [OPEN_NOFOLLOW] = 0400000, [OPEN_DIRECT] = 0040000, [OPEN_LARGEFILE] = 0100000},
    .page_bits = 12,
    .trap_len = 2,
    .min_sigstack = 2048,
    .va_limit = 1ull << 47,
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
    .trap_siginfo = trap_siginfo,
    .hwcap = hwcap,
    .cpuinfo = cpuinfo,
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
