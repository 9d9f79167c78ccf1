/* Linux for AArch64 as a program sees it: registers of a call, errors, hardware capabilities, /proc/cpuinfo.
 *
 * SPEC: Procedure Call Standard for the Arm 64-bit Architecture; Linux Documentation/arm64 (elf_hwcaps,
 * cpu-feature-registers, tagged-pointers). */
#include <elf.h>
#include <string.h>
#include <sys/mman.h>

#include "target/arm/arm.h"
#include "user/abi_aarch64/abi_aarch64.h"
#include "user/convert.h"

/* -- registers ----------------------------------------------------------------------------------------------------- */

static void start(struct vcpu *cpu, u64 entry, u64 sp)
{
    memset(cpu->rt.r, 0, sizeof(cpu->rt.r));
    cpu->rt.r[31] = sp;
    cpu->rt.pc = entry;
}
static u64 syscall_nr(const struct vcpu *cpu)
{
    return (u32)cpu->rt.r[8];
}
static void syscall_args(const struct vcpu *cpu, u64 a[6])
{
    memcpy(a, cpu->rt.r, 6 * sizeof(u64));
}
static void set_result(struct vcpu *cpu, i64 r)
{
    cpu->rt.r[0] = (u64)r;
}
static void restart(struct vcpu *cpu, const u64 a[6])
{
    cpu->rt.r[0] = a[0];
    cpu->rt.pc -= 4;
}
static u64 get_sp(const struct vcpu *cpu)
{
    return cpu->rt.r[31];
}
static void set_sp(struct vcpu *cpu, u64 sp)
{
    cpu->rt.r[31] = sp;
}

struct state {
    struct arm_user_state arm;
    u64 r[32], pc;
};
static void state_get(const struct vcpu *cpu, void *state)
{
    struct state *s = state;
    arm_user_get(cpu, &s->arm);
    memcpy(s->r, cpu->rt.r, sizeof(s->r));
    s->pc = cpu->rt.pc;
}
static void state_set(struct vcpu *cpu, const void *state)
{
    const struct state *s = state;
    arm_user_set(cpu, &s->arm);
    memcpy(cpu->rt.r, s->r, sizeof(s->r));
    cpu->rt.pc = s->pc;
    cpu->sv->mode_changed(cpu);
}

/* The last three of C's clone come in another order here (CONFIG_CLONE_BACKWARDS). */
static void clone_args(const u64 a[6], u64 out[5])
{
    out[0] = a[0];
    out[1] = a[1];
    out[2] = a[2];
    out[3] = a[4];
    out[4] = a[3];
}

/* -- traps as signals ---------------------------------------------------------------------------------------------- */

/* The top byte is the program's own (TBI): the kernel reports addresses without it. */
static u64 untagged(u64 va)
{
    return (u64)sext(va, 56);
}

static void memory_siginfo(const struct trap *tr, siginfo_t *si)
{
    u64 va = untagged(tr->addr);
    int prot = mm_prot(va);
    bool allowed = prot >= 0 && (tr->access == MMU_FETCH   ? prot & PROT_EXEC
                                 : tr->access == MMU_STORE ? prot & PROT_WRITE
                                                           : prot & (PROT_READ | PROT_EXEC));
    if (tr->host_signal == SIGBUS || allowed) { /* behind the end of a mapped file */
        si->si_signo = SIGBUS;
        si->si_code = tr->host_signal == SIGBUS ? tr->host_code : BUS_ADRERR;
    } else {
        si->si_signo = SIGSEGV;
        si->si_code = prot < 0 ? SEGV_MAPERR : SEGV_ACCERR;
    }
    si->si_addr = (void *)(uintptr_t)va;
}

static void trap_siginfo(const struct vcpu *cpu, siginfo_t *si)
{
    static const struct {
        u8 sig, code;
        bool at_pc;
    } rows[] = {
        [UTRAP_ALIGN] = {SIGBUS, BUS_ADRALN, false}, [UTRAP_ILLEGAL] = {SIGILL, ILL_ILLOPC, true},
        [UTRAP_BREAK] = {SIGTRAP, TRAP_BRKPT, true}, [UTRAP_STEP] = {SIGTRAP, TRAP_TRACE, true},
        [UTRAP_FP] = {SIGFPE, FPE_FLTUNK, true},
    };
    const struct trap *tr = &cpu->trap;
    memset(si, 0, sizeof(*si));
    if (tr->kind == UTRAP_MEMORY) {
        memory_siginfo(tr, si);
        return;
    }
    must(tr->kind < ARRAY_LEN(rows) && rows[tr->kind].sig);
    si->si_signo = rows[tr->kind].sig;
    si->si_code = rows[tr->kind].code;
    si->si_addr = (void *)(uintptr_t)(rows[tr->kind].at_pc ? cpu->rt.pc : untagged(tr->addr));
}

/* -- what the processor has ---------------------------------------------------------------------------------------- */

static const char *const features[2][64] = {
    {"fp",    "asimd",    "evtstrm", "aes",   "pmull",  "sha1",  "sha2", "crc32", "atomics", "fphp",    "asimdhp",
     "cpuid", "asimdrdm", "jscvt",   "fcma",  "lrcpc",  "dcpop", "sha3", "sm3",   "sm4",     "asimddp", "sha512",
     "sve",   "asimdfhm", "dit",     "uscat", "ilrcpc", "flagm", "ssbs", "sb",    "paca",    "pacg"},
    {"dcpodp", "sve2",    "sveaes",   "svepmull", "svebitperm", "svesha3", "svesm4", "flagm2",
     "frint",  "svei8mm", "svef32mm", "svef64mm", "svebf16",    "i8mm",    "bf16",   "dgh",
     "rng",    "bti",     "mte",      "ecv",      "afp",        "rpres"},
};

static void cpuinfo(const struct vcpu *cpu, unsigned ncpus, struct buf *out)
{
    u64 cap[2], midr = arm_user_midr(cpu);
    arm_user_hwcap(cpu, cap);
    for (unsigned n = 0; n < ncpus; n++) {
        buf_printf(out, "processor\t: %u\nBogoMIPS\t: 100.00\nFeatures\t:", n);
        for (unsigned i = 0; i < 128; i++) {
            const char *name = features[i / 64][i % 64];
            if (name && cap[i / 64] & BIT(i % 64)) {
                buf_printf(out, " %s", name);
            }
        }
        buf_printf(out,
                   "\nCPU implementer\t: 0x%02x\nCPU architecture: 8\nCPU variant\t: 0x%x\nCPU part\t: 0x%03x\n"
                   "CPU revision\t: %u\n\n",
                   (unsigned)bits(midr, 24, 8), (unsigned)bits(midr, 20, 4), (unsigned)bits(midr, 4, 12),
                   (unsigned)bits(midr, 0, 4));
    }
}

const struct user_abi user_abi_aarch64 = {
    .name = "aarch64",
    .machine = "aarch64",
    .target = &target_aarch64,
    .default_cpu = "max",
    .elf_machine = EM_AARCH64,
    .elf_class = ELFCLASS64,
    .word = 8,
    .align64 = 8,
    .epoll_data = 8,
    .open_bits =
        {[OPEN_DIRECTORY] = 0040000, [OPEN_NOFOLLOW] = 0100000, [OPEN_DIRECT] = 0200000, [OPEN_LARGEFILE] = 0400000},
    .page_bits = 12,
    .trap_len = 4,
    .min_sigstack = 5120,
    .va_limit = 1ull << 48,
    .prot_guard = 0x10, /* PROT_BTI */
    .guard_note = ARM_NOTE_GUARDED,
    .guard_property = 0xc0000000, /* GNU_PROPERTY_AARCH64_FEATURE_1_AND */
    .guard_bit = 1,
    .tag_bits = 8,
    .syscalls = aarch64_syscalls,
    .nsyscalls = AARCH64_NSYSCALLS,
    .reset = arm_user_reset,
    .copy = arm_user_copy,
    .start = start,
    .syscall_nr = syscall_nr,
    .syscall_args = syscall_args,
    .set_result = set_result,
    .restart = restart,
    .sp = get_sp,
    .set_sp = set_sp,
    .set_tls = arm_user_set_tls,
    .state_size = sizeof(struct state),
    .state_get = state_get,
    .state_set = state_set,
    .trap_siginfo = trap_siginfo,
    .hwcap = arm_user_hwcap,
    .cpuinfo = cpuinfo,
    .push_frame = aarch64_push_frame,
    .pop_frame = aarch64_pop_frame,
    .get_sigaction = aarch64_get_sigaction,
    .put_sigaction = aarch64_put_sigaction,
    .get_siginfo = aarch64_get_siginfo,
    .put_siginfo = aarch64_put_siginfo,
    .put_stat = stat_put_generic,
    .clone_args = clone_args,
    .vdso = &aarch64_vdso,
};
