/* syscalls.def as an array by number. */
#include <sys/syscall.h>

#include "user/abi_aarch64/abi_aarch64.h"

const struct sys_row aarch64_syscalls[AARCH64_NSYSCALLS] = {
#define PASS(nr, nm, ar)     [nr] = {.name = #nm, .args = ar, .how = SYSCALL_PASS, .host = SYS_##nm},
#define CALL(nr, nm, ar)     [nr] = {.name = #nm, .args = ar, .how = SYSCALL_CALL, .fn = sys_##nm},
#define NONE(nr, nm, ar, wh) [nr] = {.name = #nm, .args = ar, .how = SYSCALL_NONE, .why = wh},
#include "user/abi_aarch64/syscalls.def"
#undef PASS
#undef CALL
#undef NONE
};
