/* System calls that x86 alone has, and the page of system calls that came before the vdso.
 *
 * SPEC: arch_prctl(2), iopl(2), ioperm(2); Linux arch/x86/entry/vsyscall/vsyscall_64.c: the page can be
 * run, and not read. Not modelled: permission for ports. */

#include "target/i386/i386.h"
#include "user/abi_x86_64/abi_x86_64.h"

enum {
    GUEST_ARCH_SET_GS = 0x1001,
    GUEST_ARCH_SET_FS = 0x1002,
    GUEST_ARCH_GET_FS = 0x1003,
    GUEST_ARCH_GET_GS = 0x1004,
    GUEST_ARCH_GET_CPUID = 0x1011,
    GUEST_ARCH_SET_CPUID = 0x1012,
    GUEST_ARCH_GET_XCOMP_SUPP = 0x1021,
    GUEST_ARCH_GET_XCOMP_PERM = 0x1022,
};
enum { GUEST_NR_GETTIMEOFDAY = 96, GUEST_NR_TIME = 201, GUEST_NR_GETCPU = 309 };
#define GUEST_TASK_SIZE ((1ull << 47) - 4096)

i64 sys_arch_prctl(struct user_thread *t, const u64 a[6])
{
    switch (a[0]) {
    case GUEST_ARCH_SET_GS:
    case GUEST_ARCH_SET_FS:
        if (a[1] >= GUEST_TASK_SIZE) {
            return -EPERM;
        }
        x86_user_set_base(t->cpu, a[0] == GUEST_ARCH_SET_GS, a[1]);
        return 0;
    case GUEST_ARCH_GET_FS:
    case GUEST_ARCH_GET_GS:
        return put_u64(a[1], x86_user_base(t->cpu, a[0] == GUEST_ARCH_GET_GS)) ? 0 : -EFAULT;
    case GUEST_ARCH_GET_CPUID:
        return 1;
    case GUEST_ARCH_SET_CPUID:
        return -ENODEV; /* CPUID never faults */
    case GUEST_ARCH_GET_XCOMP_SUPP:
    case GUEST_ARCH_GET_XCOMP_PERM:
        return put_u64(a[1], x86_user_xcr0(t->cpu)) ? 0 : -EFAULT;
    default:
        return -EINVAL;
    }
}

/* As for a process without CAP_SYS_RAWIO. */
i64 sys_iopl(struct user_thread *t UNUSED, const u64 a[6])
{
    return (u32)a[0] > 3 ? -EINVAL : a[0] ? -EPERM : 0;
}
i64 sys_ioperm(struct user_thread *t UNUSED, const u64 a[6])
{
    return a[0] + a[1] <= a[0] || a[0] + a[1] > 65536 ? -EINVAL : (int)a[2] ? -EPERM : 0;
}

/* -- the page ------------------------------------------------------------------------------------------------------ */

#define VSYSCALL_PAGE 0xffffffffff600000ull

/* A call of one of its three functions, at whose first instruction the cpu is: made, and returned from. */
bool x86_64_emulate(struct user_thread *t)
{
    static const u16 calls[3] = {GUEST_NR_GETTIMEOFDAY, GUEST_NR_TIME, GUEST_NR_GETCPU};
    struct vcpu *cpu = t->cpu;
    u64 *r = cpu->rt.r, back, at = cpu->rt.pc - VSYSCALL_PAGE;
    if (cpu->trap.kind != UTRAP_MEMORY || cpu->trap.access != MMU_FETCH || at % 1024 || at / 1024 > 2 ||
        !get_u64(r[4], &back)) {
        return false;
    }
    const u64 a[6] = {r[7], r[6], r[2]};
    i64 res = user_syscall(t, calls[at / 1024], a);
    if (res == -EFAULT) {
        return false;
    }
    r[0] = (u64)res;
    r[4] += 8;
    cpu->rt.pc = back;
    return true;
}
