/* What Linux says of an x86 processor to programs of 32 and of 64 bits alike: faults as signals, hardware capabilities,
 * /proc/cpuinfo.
 *
 * SPEC: Linux arch/x86: kernel/traps.c and mm/fault.c for signals, kernel/cpu/proc.c. */
#include <string.h>
#include <sys/mman.h>

#include "target/i386/i386.h"
#include "user/abi_x86/abi_x86.h"

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
void x86_trap_siginfo(const struct vcpu *cpu, siginfo_t *si)
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

void x86_hwcap(const struct vcpu *cpu, u64 cap[2])
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

void x86_cpuinfo(const struct vcpu *cpu, unsigned ncpus, struct buf *out)
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

u64 x86_fault_code(const struct vcpu *cpu)
{
    const struct x86_user_fault *f = x86_user_fault(cpu);
    return f->error | (f->vector == 14 && mm_prot(f->cr2) >= 0);
}
