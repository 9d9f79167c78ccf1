/* syscalls.def as an array by number. */
#include <sys/syscall.h>

#include "user/abi_i386/abi_i386.h"

/* Of the few that are not the kernel's own on 64-bit ports. */
static i64 sys_arch_prctl_none(struct user_thread *t UNUSED, const u64 a[6] UNUSED)
{
    return -EINVAL;
}

const struct sys_row i386_syscalls[I386_NSYSCALLS] = {
#define PASS(nr, nm, ar)      [nr] = {.name = #nm, .args = ar, .how = SYSCALL_PASS, .host = SYS_##nm},
#define AS(nr, nm, hst, ar)   [nr] = {.name = #nm, .args = ar, .how = SYSCALL_PASS, .host = SYS_##hst},
#define CALL(nr, nm, ar)      [nr] = {.name = #nm, .args = ar, .how = SYSCALL_CALL, .fn = sys_##nm},
#define VIA(nr, nm, func, ar) [nr] = {.name = #nm, .args = ar, .how = SYSCALL_CALL, .fn = sys_##func},
#define NONE(nr, nm, ar, wh)  [nr] = {.name = #nm, .args = ar, .how = SYSCALL_NONE, .why = wh},
#include "user/abi_i386/syscalls.def"
};
