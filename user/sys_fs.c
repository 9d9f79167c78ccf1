/* Files: what differs from the host's calls in flags, structures or names. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/log.h"
#include "user/convert.h"
#include "user/syscall.h"

#ifndef F_GETOWNER_UIDS /* not in the C library's header */
#define F_GETOWNER_UIDS 17
#endif

bool fd_is_ours(int fd)
{
    return fd >= 0 && (fd == user_cfg.self_fd || fd == log_fd());
}

/* -- opening ------------------------------------------------------------------------------------------------------- */

static i64 open_path(int dir, u64 path, int flags, u64 mode)
{
    char p[PATH_MAX], raw[PATH_MAX];
    i64 fd, r = guest_string(path, raw, sizeof(raw));
    if (r < 0) {
        return r;
    }
    if (user_open_hook(raw, flags, &fd)) {
        return fd;
    }
    return safe_syscall(SYS_openat, dir, user_path(raw, p), flags, mode);
}

i64 sys_openat(struct user_thread *t, const u64 a[6])
{
    (void)t;
    return open_path((int)a[0], a[1], open_flags_from_guest(a[2]), a[3]);
}

i64 sys_openat2(struct user_thread *t, const u64 a[6])
{
    struct open_how how;
    char p[PATH_MAX], raw[PATH_MAX];
    i64 fd, r;
    (void)t;
    if (a[3] < sizeof(how)) {
        return -EINVAL;
    }
    if (a[3] > sizeof(how)) {
        return -E2BIG; /* the kernel allows zeros there; none of its versions has more */
    }
    if (!copy_from_guest(&how, a[2], sizeof(how))) {
        return -EFAULT;
    }
    how.flags = (u64)(u32)open_flags_from_guest(how.flags);
    r = guest_string(a[1], raw, sizeof(raw));
    if (r < 0) {
        return r;
    }
    if (!how.resolve && user_open_hook(raw, (int)how.flags, &fd)) {
        return fd;
    }
    return safe_syscall(SYS_openat2, (int)a[0], user_path(raw, p), &how, sizeof(how));
}

i64 sys_open_by_handle_at(struct user_thread *t, const u64 a[6])
{
    (void)t;
    if (!user_range_ok(a[1], 8)) {
        return -EFAULT;
    }
    return safe_syscall(SYS_open_by_handle_at, (int)a[0], g2h(a[1]), open_flags_from_guest(a[2]));
}

i64 sys_dup3(struct user_thread *t, const u64 a[6])
{
    (void)t;
    return fd_is_ours((int)a[1]) ? -EBADF : safe_syscall(SYS_dup3, (int)a[0], (int)a[1], open_flags_from_guest(a[2]));
}

/* Descriptors that moss keeps for itself (its log) stay open. */
i64 sys_close_range(struct user_thread *t, const u64 a[6])
{
    u64 first = a[0], last = MIN(a[1], (u64)UINT_MAX);
    (void)t;
    if (first > last) {
        return -EINVAL;
    }
    for (u64 fd = first; fd <= last && fd < 4096; fd++) {
        if (fd_is_ours((int)fd)) {
            i64 r = fd > first ? safe_syscall(SYS_close_range, first, fd - 1, a[2]) : 0;
            if (r < 0) {
                return r;
            }
            first = fd + 1;
        }
    }
    return first > last ? 0 : safe_syscall(SYS_close_range, first, last, a[2]);
}

i64 sys_pipe2(struct user_thread *t, const u64 a[6])
{
    int fds[2];
    (void)t;
    if (!user_range_ok(a[0], sizeof(fds))) {
        return -EFAULT;
    }
    return safe_syscall(SYS_pipe2, g2h(a[0]), open_flags_from_guest(a[1]));
}

i64 sys_fanotify_init(struct user_thread *t, const u64 a[6])
{
    (void)t;
    return safe_syscall(SYS_fanotify_init, a[0], open_flags_from_guest(a[1]));
}

i64 sys_readlinkat(struct user_thread *t, const u64 a[6])
{
    char p[PATH_MAX], raw[PATH_MAX], target[PATH_MAX];
    i64 n, r = guest_string(a[1], raw, sizeof(raw));
    (void)t;
    if (r < 0) {
        return r;
    }
    if ((int)a[3] <= 0) {
        return -EINVAL;
    }
    if (user_readlink_hook(raw, target, sizeof(target), &n)) {
        n = MIN(n, (i64)(int)a[3]);
        return n < 0 || copy_to_guest(a[2], target, (size_t)n) ? n : -EFAULT;
    }
    if (!user_range_ok(a[2], 1)) {
        return -EFAULT;
    }
    return safe_syscall(SYS_readlinkat, (int)a[0], user_path(raw, p), g2h(a[2]), (int)a[3]);
}

/* -- status -------------------------------------------------------------------------------------------------------- */

/* A path whose file is asked about: the link that /proc has to a program leads to the program. */
static i64 status_path(u64 va, u64 flags, char out[PATH_MAX])
{
    char raw[PATH_MAX], mapped[PATH_MAX];
    i64 n, r = guest_string(va, raw, sizeof(raw));
    if (r >= 0 && !(flags & AT_SYMLINK_NOFOLLOW) && user_readlink_hook(raw, out, PATH_MAX - 1, &n)) {
        out[n] = 0;
    } else if (r >= 0) {
        snprintf(out, PATH_MAX, "%s", user_path(raw, mapped));
    }
    return r;
}

/* Follows the link unless flags say otherwise. */
i64 fs_stat(int dir, u64 path, int flags, struct stat *st)
{
    char p[PATH_MAX];
    memset(st, 0, sizeof(*st));
    i64 r = status_path(path, (u64)flags, p);
    return r < 0 ? r : safe_syscall(SYS_newfstatat, dir, p, st, flags);
}
i64 fs_fstat(int fd, struct stat *st)
{
    memset(st, 0, sizeof(*st));
    return safe_syscall(SYS_fstat, fd, st);
}

static i64 put_stat(i64 r, u64 va, const struct stat *st)
{
    return r < 0 ? r : user_cfg.abi->put_stat(va, st);
}
i64 sys_newfstatat(struct user_thread *t UNUSED, const u64 a[6])
{
    struct stat st;
    return put_stat(fs_stat((int)a[0], a[1], (int)a[3], &st), a[2], &st);
}
i64 sys_stat(struct user_thread *t UNUSED, const u64 a[6])
{
    struct stat st;
    return put_stat(fs_stat(AT_FDCWD, a[0], 0, &st), a[1], &st);
}
i64 sys_lstat(struct user_thread *t UNUSED, const u64 a[6])
{
    struct stat st;
    return put_stat(fs_stat(AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW, &st), a[1], &st);
}
i64 sys_fstat(struct user_thread *t UNUSED, const u64 a[6])
{
    struct stat st;
    return put_stat(fs_fstat((int)a[0], &st), a[1], &st);
}

/* struct statx is the same everywhere; only the path is ours. */
i64 sys_statx(struct user_thread *t, const u64 a[6])
{
    char p[PATH_MAX];
    i64 r = status_path(a[1], a[2], p);
    (void)t;
    if (r < 0 || !user_range_ok(a[4], 256)) {
        return r < 0 ? r : -EFAULT;
    }
    return safe_syscall(SYS_statx, (int)a[0], p, (int)a[2], a[3], g2h(a[4]));
}

/* -- fcntl: locks have offsets of the ABI's width, or of 64 bits under other numbers where longs have 32 --------------
 */

enum { GETLK64 = 12, SETLK64, SETLKW64 };

static i64 file_lock(int fd, int cmd, u64 va, enum layout l)
{
    struct flock f;
    if (!get_struct(l, va, &f)) {
        return -EFAULT;
    }
    i64 r = safe_syscall(SYS_fcntl, fd, cmd, &f);
    if (r < 0 || (cmd != F_GETLK && cmd != F_OFD_GETLK)) {
        return r;
    }
    if (l == LAYOUT_FLOCK && user_cfg.abi->word == 4 && f.l_type != F_UNLCK) { /* as far as a long goes */
        if (f.l_start > INT_MAX) {
            return -EOVERFLOW;
        }
        f.l_len = f.l_len > INT_MAX ? 0 : f.l_len;
    }
    return put_struct(l, va, &f) ? r : -EFAULT;
}

static i64 lock_call(int fd, int cmd, u64 va)
{
    bool narrow = user_cfg.abi->word == 4;
    if (cmd >= GETLK64 && cmd <= SETLKW64) {
        return narrow ? file_lock(fd, cmd - GETLK64 + F_GETLK, va, LAYOUT_FLOCK64) : -EINVAL;
    }
    return file_lock(fd, cmd, va, cmd >= F_OFD_GETLK ? LAYOUT_FLOCK64 : LAYOUT_FLOCK);
}

/* -- fcntl - --------------------------------------------------------------------------------------------------------
 */

i64 sys_fcntl(struct user_thread *t, const u64 a[6])
{
    int fd = (int)a[0], cmd = (int)a[1];
    i64 r;
    (void)t;
    switch (cmd) {
    case F_GETFL:
        r = safe_syscall(SYS_fcntl, fd, cmd);
        return r < 0 ? r : (i64)open_flags_to_guest((int)r);
    case F_SETFL:
        return safe_syscall(SYS_fcntl, fd, cmd, open_flags_from_guest(a[2]));
    case F_GETLK:
    case F_SETLK:
    case F_SETLKW:
    case F_OFD_GETLK:
    case F_OFD_SETLK:
    case F_OFD_SETLKW:
    case GETLK64:
    case SETLK64:
    case SETLKW64:
        return lock_call(fd, cmd, a[2]);
    case F_GETOWNER_UIDS:
    case F_GETOWN_EX:
    case F_SETOWN_EX:
    case F_GET_RW_HINT:
    case F_SET_RW_HINT:
    case F_GET_FILE_RW_HINT:
    case F_SET_FILE_RW_HINT:
        if (!user_range_ok(a[2], 8)) {
            return -EFAULT;
        }
        return safe_syscall(SYS_fcntl, fd, cmd, g2h(a[2]));
    case F_DUPFD:
    case F_DUPFD_CLOEXEC:
    case F_GETFD:
    case F_SETFD:
    case F_GETOWN:
    case F_SETOWN:
    case F_GETSIG:
    case F_SETSIG:
    case F_GETLEASE:
    case F_SETLEASE:
    case F_NOTIFY:
    case F_GETPIPE_SZ:
    case F_SETPIPE_SZ:
    case F_ADD_SEALS:
    case F_GET_SEALS:
        return safe_syscall(SYS_fcntl, fd, cmd, a[2]);
    default:
        unimp("fcntl", "command %d", cmd);
        return -EINVAL;
    }
}

/* -- vectors ------------------------------------------------------------------------------------------------------- */

i64 user_iovec(struct iovec *v, u64 va, u64 n)
{
    if (n > IOV_MAX) {
        return -EINVAL;
    }
    for (u64 i = 0, size = struct_size(LAYOUT_IOVEC); i < n; i++) {
        if (!get_struct(LAYOUT_IOVEC, va + i * size, &v[i])) {
            return -EFAULT;
        }
        u64 base = (u64)(uintptr_t)v[i].iov_base;
        if (v[i].iov_len && !user_range_ok(base, v[i].iov_len)) {
            return -EFAULT;
        }
        v[i].iov_base = v[i].iov_len ? g2h(base) : NULL;
    }
    return (i64)n;
}

static i64 vector_call(long nr, const u64 a[6], long d, long e, long f)
{
    struct iovec v[IOV_MAX];
    i64 n = user_iovec(v, a[1], a[2]);
    return n < 0 ? n : safe_syscall(nr, (int)a[0], v, n, d, e, f);
}

i64 sys_readv(struct user_thread *t, const u64 a[6])
{
    (void)t;
    return vector_call(SYS_readv, a, 0, 0, 0);
}
i64 sys_writev(struct user_thread *t, const u64 a[6])
{
    (void)t;
    return vector_call(SYS_writev, a, 0, 0, 0);
}
i64 sys_preadv(struct user_thread *t, const u64 a[6])
{
    (void)t;
    return vector_call(SYS_preadv, a, (long)a[3], (long)a[4], 0);
}
i64 sys_pwritev(struct user_thread *t, const u64 a[6])
{
    (void)t;
    return vector_call(SYS_pwritev, a, (long)a[3], (long)a[4], 0);
}
i64 sys_preadv2(struct user_thread *t, const u64 a[6])
{
    (void)t;
    return vector_call(SYS_preadv2, a, (long)a[3], (long)a[4], (long)a[5]);
}
i64 sys_pwritev2(struct user_thread *t, const u64 a[6])
{
    (void)t;
    return vector_call(SYS_pwritev2, a, (long)a[3], (long)a[4], (long)a[5]);
}
i64 sys_vmsplice(struct user_thread *t, const u64 a[6])
{
    (void)t;
    return vector_call(SYS_vmsplice, a, (long)a[3], 0, 0);
}

/* The other process's addresses are its own program's: its window lies where ours does only by luck. */
static i64 process_vm(struct user_thread *t, long nr, const u64 a[6])
{
    struct iovec local[IOV_MAX], remote[IOV_MAX];
    int pid = (int)a[0];
    u64 base = pid == getpid() ? (u64)(uintptr_t)ram_base : proc_window_of(pid);
    (void)t;
    if (!base) { /* nobody's, or nobody one may look at? The page at 0 is not there. */
        u8 byte;
        struct iovec mine = {&byte, 1}, its = {NULL, 1};
        i64 r = host_syscall(SYS_process_vm_readv, pid, &mine, 1, &its, 1, 0);
        if (r != -EFAULT) {
            return r;
        }
        unimp("system call", "process_vm_readv, process_vm_writev of a process that is not moss's");
        return -EPERM;
    }
    i64 n = user_iovec(local, a[1], a[2]), m = user_iovec(remote, a[3], a[4]);
    if (n < 0 || m < 0) {
        return n < 0 ? n : m;
    }
    for (i64 i = 0; i < m; i++) {
        u64 va = (u64)((u8 *)remote[i].iov_base - ram_base);
        remote[i].iov_base = (void *)(uintptr_t)(base + va); // NOLINT: the other process's
    }
    return safe_syscall(nr, pid, local, n, remote, m, a[5]);
}
i64 sys_process_vm_readv(struct user_thread *t, const u64 a[6])
{
    return process_vm(t, SYS_process_vm_readv, a);
}
i64 sys_process_vm_writev(struct user_thread *t, const u64 a[6])
{
    return process_vm(t, SYS_process_vm_writev, a);
}
