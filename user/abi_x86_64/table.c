/* syscalls.def as an array by number. */
#include <sys/syscall.h>

#include "user/abi_x86_64/abi_x86_64.h"

const struct sys_row x86_64_syscalls[X86_64_NSYSCALLS] = {
#define PASS(nr, nm, ar)     [nr] = {.name = #nm, .args = ar, .how = SYSCALL_PASS, .host = SYS_##nm},
#define CALL(nr, nm, ar)     [nr] = {.name = #nm, .args = ar, .how = SYSCALL_CALL, .fn = sys_##nm},
#define NONE(nr, nm, ar, wh) [nr] = {.name = #nm, .args = ar, .how = SYSCALL_NONE, .why = wh},
#include "user/abi_x86_64/syscalls.def"
#undef PASS
#undef CALL
#undef NONE
};
