/* From a program's registers to the host's kernel and back. Most calls pass: the host's call of the same name with
 * pointers moved into the window; a program's bad pointer is the kernel's EFAULT, one outside the window ours. */
#include "user/syscall.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/log.h"
#include "user/convert.h"

/* The argument as the host's kernel takes it; false: an address that no program has. */
static bool pass_arg(char kind, u64 v, long *out)
{
    switch (kind) {
    case 'd':
    case 'f':
    case 'F':
    case 'S':
        *out = (int)v;
        return true;
    case 'O':
        *out = open_flags_from_guest(v);
        return true;
    case 's':
    case 't':
    case 'p':
    case 'b':
    case 'B':
    case 'T':
        if (v == 0) {
            *out = 0;
            return true;
        }
        if (!user_range_ok(v, 1)) {
            return false;
        }
        *out = (long)g2h(v);
        return true;
    default:
        *out = (long)v;
        return true;
    }
}

i64 syscall_pass(const struct sys_row *s, long host, const u64 a[6])
{
    char path[PATH_MAX];
    long h[6] = {0};
    for (unsigned i = 0; s->args[i]; i++) {
        if (s->args[i] == 't' && a[i]) {
            i64 r = guest_path(a[i], path);
            if (r < 0) {
                return r;
            }
            h[i] = (long)path;
        } else if (!pass_arg(s->args[i], a[i], &h[i])) {
            return -EFAULT;
        }
    }
    return safe_syscall(host, h[0], h[1], h[2], h[3], h[4], h[5]);
}

/* Which calls start again after a signal is the kernel's to say: the host's handlers have SA_RESTART, and safe_syscall
 * turns a restart into -ERESTARTSYS. */
static i64 perform(struct user_thread *t, const struct sys_row *s, u64 nr, const u64 a[6])
{
    switch (s ? s->how : SYSCALL_UNKNOWN) {
    case SYSCALL_PASS:
        return syscall_pass(s, s->host, a);
    case SYSCALL_CALL:
        return s->fn(t, a);
    case SYSCALL_NONE:
        unimp("system call", "%s: %s", s->name, s->why);
        return -ENOSYS;
    default:
        unimp("system call", "number %llu", (unsigned long long)nr);
        return -ENOSYS;
    }
}

i64 user_syscall(struct user_thread *t, u64 nr, const u64 a[6])
{
    const struct user_abi *abi = user_cfg.abi;
    const struct sys_row *s = nr < abi->nsyscalls && abi->syscalls[nr].name ? &abi->syscalls[nr] : NULL;
    if (unlikely(user_cfg.strace)) {
        strace_enter(s, nr, a);
    }
    i64 r = s && (s->args[0] | 0x20) == 'f' && fd_is_ours((int)a[0]) ? -EBADF : perform(t, s, nr, a);
    if (unlikely(user_cfg.strace)) {
        strace_leave(s, a, r);
    }
    return r;
}
