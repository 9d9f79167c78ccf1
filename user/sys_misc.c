/* The rest: limits, keys, timers, what a program must not do to the host. */
#include <errno.h>
#include <linux/futex.h>
#include <linux/kcmp.h>
#include <linux/keyctl.h>
#include <linux/membarrier.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/log.h"
#include "user/syscall.h"

/* -- limits -------------------------------------------------------------------------------------------------------- */

/* Limits of memory would strike moss, whose window and code cache are many times what the program uses: they are kept
 * for the program to read back, and not handed on. */
static bool is_memory_limit(int what)
{
    return what == RLIMIT_AS || what == RLIMIT_DATA || what == RLIMIT_STACK;
}
static struct {
    bool set;
    u64 v[2];
} kept[RLIM_NLIMITS];

/* The kernel's word for "no limit" is all ones, of whatever width. `size`: bytes of a number. */
static bool get_limits(u64 va, unsigned size, u64 v[2])
{
    for (unsigned i = 0; i < 2; i++) {
        v[i] = 0;
        if (!copy_from_guest(&v[i], va + i * size, size)) {
            return false;
        }
        v[i] = size == 4 && v[i] == UINT32_MAX ? ~0ull : v[i];
    }
    return true;
}
static bool put_limits(u64 va, unsigned size, u64 most, const u64 v[2])
{
    u64 cut[2] = {MIN(v[0], most), MIN(v[1], most)};
    return copy_to_guest(va, &cut[0], size) && copy_to_guest(va + size, &cut[1], size);
}

static i64 limit(int pid, int what, u64 set_va, u64 get_va, unsigned size, u64 most)
{
    u64 now[2], want[2];
    if (what < 0 || what >= RLIM_NLIMITS) {
        return -EINVAL;
    }
    bool mine = pid == 0 || pid == getpid();
    if (set_va && !get_limits(set_va, size, want)) {
        return -EFAULT;
    }
    bool keep = mine && is_memory_limit(what);
    i64 r = safe_syscall(SYS_prlimit64, pid, what, set_va && !keep ? want : 0, now);
    if (r < 0) {
        return r;
    }
    if (keep && kept[what].set) {
        memcpy(now, kept[what].v, sizeof(now));
    }
    if (keep && set_va) {
        if (want[0] > want[1]) {
            return -EINVAL;
        }
        if (want[1] > now[1] && geteuid() != 0) {
            return -EPERM;
        }
        kept[what].set = true;
        memcpy(kept[what].v, want, sizeof(want));
    }
    return !get_va || put_limits(get_va, size, most, now) ? 0 : -EFAULT;
}

static u64 word_max(void)
{
    return MASK(8 * user_cfg.abi->word);
}
i64 sys_prlimit64(struct user_thread *t UNUSED, const u64 a[6])
{
    return limit((int)a[0], (int)a[1], a[2], a[3], 8, ~0ull);
}
i64 sys_getrlimit(struct user_thread *t UNUSED, const u64 a[6])
{
    return limit(0, (int)a[0], 0, a[1], user_cfg.abi->word, word_max());
}
i64 sys_setrlimit(struct user_thread *t UNUSED, const u64 a[6])
{
    return a[1] ? limit(0, (int)a[0], a[1], 0, user_cfg.abi->word, 0) : -EFAULT;
}
/* The first one, to which nothing is more than a signed long. */
i64 sys_old_getrlimit(struct user_thread *t UNUSED, const u64 a[6])
{
    return limit(0, (int)a[0], 0, a[1], user_cfg.abi->word, word_max() >> 1);
}

/* -- keys ---------------------------------------------------------------------------------------------------------- */

/* Which arguments of an operation are addresses: a letter each, as in syscalls.def. */
static const struct {
    u8 op;
    const char *args;
} key_ops[] = {
    {KEYCTL_GET_KEYRING_ID, "dd"},
    {KEYCTL_JOIN_SESSION_KEYRING, "s"},
    {KEYCTL_UPDATE, "dpu"},
    {KEYCTL_REVOKE, "d"},
    {KEYCTL_CHOWN, "ddd"},
    {KEYCTL_SETPERM, "dx"},
    {KEYCTL_DESCRIBE, "dpu"},
    {KEYCTL_CLEAR, "d"},
    {KEYCTL_LINK, "dd"},
    {KEYCTL_UNLINK, "dd"},
    {KEYCTL_SEARCH, "dssd"},
    {KEYCTL_READ, "dpu"},
    {KEYCTL_INSTANTIATE, "dpud"},
    {KEYCTL_NEGATE, "dud"},
    {KEYCTL_SET_REQKEY_KEYRING, "d"},
    {KEYCTL_SET_TIMEOUT, "du"},
    {KEYCTL_ASSUME_AUTHORITY, "d"},
    {KEYCTL_GET_SECURITY, "dpu"},
    {KEYCTL_SESSION_TO_PARENT, ""},
    {KEYCTL_REJECT, "duud"},
    {KEYCTL_INVALIDATE, "d"},
    {KEYCTL_GET_PERSISTENT, "dd"},
    {KEYCTL_RESTRICT_KEYRING, "dss"},
    {KEYCTL_MOVE, "dddx"},
    {KEYCTL_CAPABILITIES, "pu"},
};

i64 sys_keyctl(struct user_thread *t, const u64 a[6])
{
    (void)t;
    for (unsigned i = 0; i < ARRAY_LEN(key_ops); i++) {
        if (key_ops[i].op == (int)a[0]) {
            char args[8] = "d";
            strcat(args, key_ops[i].args);
            const struct sys_row s = {.name = "keyctl", .args = args, .how = SYSCALL_PASS};
            return syscall_pass(&s, SYS_keyctl, a);
        }
    }
    unimp("keyctl", "operation %d", (int)a[0]);
    return -EOPNOTSUPP;
}

/* -- timers -------------------------------------------------------------------------------------------------------- */

i64 sys_timer_create(struct user_thread *t, const u64 a[6])
{
    struct flat_sigevent ev; /* the value goes back to the program as it came */
    (void)t;
    if (!user_range_ok(a[2], 4) || (a[1] && !get_struct(LAYOUT_SIGEVENT, a[1], &ev))) {
        return -EFAULT;
    }
    return safe_syscall(SYS_timer_create, (int)a[0], a[1] ? &ev : 0, g2h(a[2]));
}

/* By the host's vdso, as far as it knows the clock. */
i64 sys_clock_gettime(struct user_thread *t UNUSED, const u64 a[6])
{
    struct timespec ts;
    return clock_gettime((int)a[0], &ts) < 0 ? -errno : put_struct(LAYOUT_TIMESPEC, a[1], &ts) ? 0 : -EFAULT;
}
i64 sys_clock_gettime64(struct user_thread *t UNUSED, const u64 a[6])
{
    struct timespec ts;
    return clock_gettime((int)a[0], &ts) < 0 ? -errno : put_struct(LAYOUT_TIMESPEC64, a[1], &ts) ? 0 : -EFAULT;
}

/* -- several futexes at once --------------------------------------------------------------------------------------- */

i64 sys_futex_waitv(struct user_thread *t, const u64 a[6])
{
    struct {
        u64 val, uaddr;
        u32 flags, reserved;
    } w[128];
    struct timespec ts;
    (void)t;
    if (a[1] == 0 || a[1] > ARRAY_LEN(w)) {
        return -EINVAL;
    }
    if (!copy_from_guest(w, a[0], a[1] * sizeof(w[0])) || (a[3] && !get_struct(LAYOUT_TIMESPEC64, a[3], &ts))) {
        return -EFAULT;
    }
    for (u64 i = 0; i < a[1]; i++) {
        if (!user_range_ok(w[i].uaddr, 4)) {
            return -EFAULT;
        }
        w[i].uaddr = (u64)(uintptr_t)g2h(w[i].uaddr);
    }
    return safe_syscall(SYS_futex_waitv, w, a[1], a[2], a[3] ? &ts : NULL, a[4]);
}

/* -- refusals ------------------------------------------------------------------------------------------------------ */

i64 sys_reboot(struct user_thread *t, const u64 a[6])
{
    (void)t;
    (void)a;
    return -EPERM; /* a container's init may mean itself; moss, as root, would mean the host */
}

/* A filter would see moss's system calls, not the program's. Asking what there is costs nothing. */
i64 sys_seccomp(struct user_thread *t, const u64 a[6])
{
    (void)t;
    if (a[0] == SECCOMP_GET_ACTION_AVAIL) {
        return -EOPNOTSUPP;
    }
    unimp("system call", "seccomp: filters see the host's calls");
    return -EINVAL;
}

/* Commands that make others' caches coherent are the host's business; those bound to restartable sequences are not. */
i64 sys_membarrier(struct user_thread *t, const u64 a[6])
{
    i64 r;
    (void)t;
    switch ((int)a[0]) {
    case MEMBARRIER_CMD_QUERY:
        r = safe_syscall(SYS_membarrier, MEMBARRIER_CMD_QUERY);
        return r < 0 ? r
                     : r & (MEMBARRIER_CMD_GLOBAL | MEMBARRIER_CMD_GLOBAL_EXPEDITED |
                            MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED | MEMBARRIER_CMD_PRIVATE_EXPEDITED |
                            MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
    case MEMBARRIER_CMD_GLOBAL:
    case MEMBARRIER_CMD_GLOBAL_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_GLOBAL_EXPEDITED:
    case MEMBARRIER_CMD_PRIVATE_EXPEDITED:
    case MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED:
        return safe_syscall(SYS_membarrier, (int)a[0], a[1], a[2]);
    default:
        return -EINVAL;
    }
}

i64 sys_restart_syscall(struct user_thread *t, const u64 a[6])
{
    (void)t;
    (void)a;
    return -EINTR; /* calls start again by themselves; nobody is told to come here */
}

/* The last number is a pointer for one kind of thing. */
i64 sys_kcmp(struct user_thread *t, const u64 a[6])
{
    bool slot = (int)a[2] == KCMP_EPOLL_TFD; /* three u32 */
    (void)t;
    if (slot && !user_range_ok(a[4], 12)) {
        return -EFAULT;
    }
    return host_syscall(SYS_kcmp, (int)a[0], (int)a[1], (int)a[2], a[3], slot ? (u64)(uintptr_t)g2h(a[4]) : a[4]);
}
