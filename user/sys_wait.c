/* Waiting for descriptors: epoll's events, and calls with a signal mask for the time of the wait. The host's mask is
 * the program's (signal.c), so the kernel does the exchange as it should. */
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>

#include "user/convert.h"
#include "user/syscall.h"

/* An optional mask: *host points to it, or is NULL. */
static i64 mask_in(u64 va, u64 size, user_sigset *set, user_sigset **host)
{
    *host = NULL;
    if (!va) {
        return 0;
    }
    if (size != sizeof(*set)) {
        return -EINVAL;
    }
    if (!get_sigset(va, size, set)) {
        return -EFAULT;
    }
    *set = signal_host_mask(*set);
    *host = set;
    return 0;
}

/* -- epoll --------------------------------------------------------------------------------------------------------- */

i64 sys_epoll_ctl(struct user_thread *t, const u64 a[6])
{
    struct guest_epoll_event g;
    struct epoll_event ev = {0};
    (void)t;
    if ((int)a[1] != EPOLL_CTL_DEL) {
        if (!copy_from_guest(&g, a[3], sizeof(g))) {
            return -EFAULT;
        }
        epoll_from_guest(&ev, &g);
    }
    return safe_syscall(SYS_epoll_ctl, (int)a[0], (int)a[1], (int)a[2], &ev);
}

static i64 epoll_result(i64 r, u64 va, const struct epoll_event *ev)
{
    for (i64 i = 0; i < r; i++) {
        struct guest_epoll_event g;
        epoll_to_guest(&g, &ev[i]);
        if (!copy_to_guest(va + (u64)i * sizeof(g), &g, sizeof(g))) {
            return -EFAULT;
        }
    }
    return r;
}

/* `timeout`: milliseconds, or a struct timespec for epoll_pwait2. */
static i64 epoll_wait_for(long nr, const u64 a[6], u64 timeout)
{
    user_sigset set, *mask;
    int max = (int)a[2];
    i64 r = mask_in(a[4], a[5], &set, &mask);
    if (r < 0) {
        return r;
    }
    if (max <= 0 || max > INT_MAX / (int)sizeof(struct guest_epoll_event)) {
        return -EINVAL;
    }
    if (!user_range_ok(a[1], (u64)max * sizeof(struct guest_epoll_event))) {
        return -EFAULT;
    }
    max = MIN(max, 1 << 20); /* the rest is there at the next call */
    struct epoll_event *ev = malloc((size_t)max * sizeof(*ev));
    if (!ev) {
        return -ENOMEM;
    }
    r = safe_syscall(nr, (int)a[0], ev, max, timeout, mask, sizeof(set));
    r = epoll_result(r, a[1], ev);
    free(ev);
    return r;
}

i64 sys_epoll_pwait(struct user_thread *t, const u64 a[6])
{
    (void)t;
    return epoll_wait_for(SYS_epoll_pwait, a, (u64)(i64)(int)a[3]);
}
i64 sys_epoll_pwait2(struct user_thread *t, const u64 a[6])
{
    struct timespec ts;
    (void)t;
    if (a[3] && !copy_from_guest(&ts, a[3], sizeof(ts))) {
        return -EFAULT;
    }
    return epoll_wait_for(SYS_epoll_pwait2, a, a[3] ? (u64)(uintptr_t)&ts : 0);
}

/* -- poll, select -------------------------------------------------------------------------------------------------- */

/* The kernel writes what is left of the time into the program's struct: NULL stays NULL, a bad pointer is its EFAULT.
 */
static bool opt(u64 va, u64 n, void **p)
{
    *p = va ? g2h(va) : NULL;
    return !va || user_range_ok(va, n);
}

i64 sys_ppoll(struct user_thread *t, const u64 a[6])
{
    user_sigset set, *mask;
    void *fds, *timeout;
    i64 r = mask_in(a[3], a[4], &set, &mask);
    (void)t;
    if (r < 0) {
        return r;
    }
    if (a[1] > INT_MAX || !opt(a[0], a[1] * 8, &fds) || !opt(a[2], 16, &timeout)) {
        return a[1] > INT_MAX ? -EINVAL : -EFAULT;
    }
    return safe_syscall(SYS_ppoll, fds, a[1], timeout, mask, sizeof(set));
}

i64 sys_pselect6(struct user_thread *t, const u64 a[6])
{
    struct {
        u64 mask, size;
    } arg = {0, 0};
    user_sigset set, *mask = NULL;
    void *fds[3], *timeout;
    (void)t;
    if (a[5] && !copy_from_guest(&arg, a[5], sizeof(arg))) {
        return -EFAULT;
    }
    i64 r = mask_in(arg.mask, arg.size, &set, &mask);
    if (r < 0) {
        return r;
    }
    for (unsigned i = 0; i < 3; i++) {
        if (!opt(a[1 + i], 1, &fds[i])) {
            return -EFAULT;
        }
    }
    if (!opt(a[4], 16, &timeout)) {
        return -EFAULT;
    }
    struct {
        void *mask;
        u64 size;
    } host = {mask, sizeof(set)};
    return safe_syscall(SYS_pselect6, (int)a[0], fds[0], fds[1], fds[2], timeout, &host);
}

i64 sys_signalfd4(struct user_thread *t, const u64 a[6])
{
    user_sigset set;
    (void)t;
    if (a[2] != sizeof(set)) {
        return -EINVAL;
    }
    if (!get_sigset(a[1], a[2], &set)) {
        return -EFAULT;
    }
    return safe_syscall(SYS_signalfd4, (int)a[0], &set, sizeof(set), (int)a[3]);
}
