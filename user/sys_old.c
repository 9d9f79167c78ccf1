/* Calls that the first ports of Linux have and the newer ones do without: by the calls that took their places.
 *
 * SPEC: the manual page of each; Linux fs/stat.c, fs/readdir.c, fs/utimes.c, kernel/uid16.c for the layouts. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

#include "user/syscall.h"

#define OLD(nm, call, ar, ...) \
    i64 sys_##nm(struct user_thread *t UNUSED, const u64 a[6] UNUSED) \
    { \
        static const struct sys_row row = {.name = #call, .args = ar}; \
        return syscall_pass(&row, SYS_##call, (const u64[6]){__VA_ARGS__}); \
    }
#include "user/old_calls.def"
#undef OLD

/* -- files --------------------------------------------------------------------------------------------------------- */

i64 sys_open(struct user_thread *t, const u64 a[6])
{
    return sys_openat(t, (const u64[6]){(u64)AT_FDCWD, a[0], a[1], a[2]});
}
i64 sys_creat(struct user_thread *t, const u64 a[6])
{
    return sys_openat(t, (const u64[6]){(u64)AT_FDCWD, a[0], O_CREAT | O_WRONLY | O_TRUNC, a[1]});
}
i64 sys_readlink(struct user_thread *t, const u64 a[6])
{
    return sys_readlinkat(t, (const u64[6]){(u64)AT_FDCWD, a[0], a[1], a[2]});
}
i64 sys_pipe(struct user_thread *t, const u64 a[6])
{
    return sys_pipe2(t, (const u64[6]){a[0], 0});
}
i64 sys_dup2(struct user_thread *t, const u64 a[6])
{
    if ((int)a[0] == (int)a[1]) { /* dup3 does not take it */
        i64 r = safe_syscall(SYS_fcntl, (int)a[0], F_GETFD);
        return r < 0 || fd_is_ours((int)a[0]) ? -EBADF : (i64)(int)a[1];
    }
    return sys_dup3(t, (const u64[6]){a[0], a[1], 0});
}

/* -- times of files ------------------------------------------------------------------------------------------------ */

static i64 set_times(int dir, u64 path, const struct timespec ts[2])
{
    return user_range_ok(path, 1) ? safe_syscall(SYS_utimensat, dir, g2h(path), ts, 0) : -EFAULT;
}

i64 sys_utime(struct user_thread *t UNUSED, const u64 a[6])
{
    struct utimbuf b = {0};
    if (a[1] && !get_struct(LAYOUT_UTIMBUF, a[1], &b)) {
        return -EFAULT;
    }
    const struct timespec ts[2] = {{.tv_sec = b.actime}, {.tv_sec = b.modtime}};
    return set_times(AT_FDCWD, a[0], a[1] ? ts : NULL);
}

static i64 times_of(int dir, u64 path, u64 va)
{
    struct timespec ts[2];
    if (va && !get_struct(LAYOUT_TIMES2, va, ts)) {
        return -EFAULT;
    }
    for (unsigned i = 0; va && i < 2; i++) {
        if (ts[i].tv_nsec < 0 || ts[i].tv_nsec >= 1000000) {
            return -EINVAL;
        }
        ts[i].tv_nsec *= 1000;
    }
    if (!path && dir != AT_FDCWD) { /* the descriptor's own file */
        return safe_syscall(SYS_utimensat, dir, NULL, va ? ts : NULL, 0);
    }
    return set_times(dir, path, va ? ts : NULL);
}
i64 sys_utimes(struct user_thread *t UNUSED, const u64 a[6])
{
    return times_of(AT_FDCWD, a[0], a[1]);
}
i64 sys_futimesat(struct user_thread *t UNUSED, const u64 a[6])
{
    return times_of((int)a[0], a[1], a[2]);
}

/* -- time ---------------------------------------------------------------------------------------------------------- */

i64 sys_time(struct user_thread *t UNUSED, const u64 a[6])
{
    u64 now = (u64)time(NULL);
    return a[0] && !put_word(a[0], now) ? -EFAULT : (i64)now;
}

i64 sys_stime(struct user_thread *t UNUSED, const u64 a[6])
{
    struct timespec ts = {0};
    return get_struct(LAYOUT_TIME, a[0], &ts.tv_sec) ? host_syscall(SYS_clock_settime, CLOCK_REALTIME, &ts) : -EFAULT;
}

i64 sys_alarm(struct user_thread *t UNUSED, const u64 a[6])
{
    struct itimerval it = {.it_value.tv_sec = (time_t)MIN((u32)a[0], (u32)INT_MAX)}, old;
    i64 r = host_syscall(SYS_setitimer, ITIMER_REAL, &it, &old);
    bool up = old.it_value.tv_usec >= 500000 || (!old.it_value.tv_sec && old.it_value.tv_usec);
    return r < 0 ? r : old.it_value.tv_sec + up;
}

i64 sys_nice(struct user_thread *t UNUSED, const u64 a[6])
{
    int by = MAX(-40, MIN(40, (int)a[0]));
    i64 now = host_syscall(SYS_getpriority, PRIO_PROCESS, 0); /* 20 minus the value */
    i64 want = MAX(-20, MIN(19, 20 - now + by));
    i64 r = now < 0 ? now : host_syscall(SYS_setpriority, PRIO_PROCESS, 0, want);
    return r == -EACCES ? -EPERM : r;
}

/* -- waiting ------------------------------------------------------------------------------------------------------- */

static struct timespec millis(i64 ms)
{
    return (struct timespec){ms / 1000, ms % 1000 * 1000000};
}

i64 sys_poll(struct user_thread *t UNUSED, const u64 a[6])
{
    struct timespec ts = millis((int)a[2]);
    if ((u32)a[1] > INT_MAX) {
        return -EINVAL;
    }
    if (a[0] && !user_range_ok(a[0], (u32)a[1] * 8ull)) {
        return -EFAULT;
    }
    i64 r = safe_syscall(SYS_ppoll, a[0] ? g2h(a[0]) : NULL, (u32)a[1], (int)a[2] < 0 ? NULL : &ts, NULL, 0);
    return r;
}

i64 sys_epoll_create(struct user_thread *t UNUSED, const u64 a[6])
{
    return (int)a[0] <= 0 ? -EINVAL : safe_syscall(SYS_epoll_create1, 0);
}
i64 sys_epoll_wait(struct user_thread *t, const u64 a[6])
{
    return sys_epoll_pwait(t, (const u64[6]){a[0], a[1], a[2], a[3]});
}
i64 sys_signalfd(struct user_thread *t, const u64 a[6])
{
    return sys_signalfd4(t, (const u64[6]){a[0], a[1], a[2], 0});
}

i64 sys_waitpid(struct user_thread *t, const u64 a[6])
{
    return sys_wait4(t, (const u64[6]){a[0], a[1], a[2], 0});
}
