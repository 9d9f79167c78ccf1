/* Waiting for descriptors: epoll's events, and calls with a signal mask for the time of the wait. The host's mask is
 * the program's (signal.c), so the kernel does the exchange as it should. */
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

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

/* struct epoll_event: 4 bytes of events, and 8 of data where the ABI has them. */
static u64 event_size(void)
{
    return user_cfg.abi->epoll_data + 8u;
}

i64 sys_epoll_ctl(struct user_thread *t UNUSED, const u64 a[6])
{
    u32 events = 0;
    u64 data = 0;
    if ((int)a[1] != EPOLL_CTL_DEL && (!get_u32(a[3], &events) || !get_u64(a[3] + user_cfg.abi->epoll_data, &data))) {
        return -EFAULT;
    }
    struct epoll_event ev = {.events = events, .data.u64 = data};
    return safe_syscall(SYS_epoll_ctl, (int)a[0], (int)a[1], (int)a[2], &ev);
}

static i64 epoll_result(i64 r, u64 va, const struct epoll_event *ev)
{
    for (i64 i = 0; i < r; i++, va += event_size()) {
        u8 g[16] = {0};
        memcpy(g, &ev[i].events, 4);
        memcpy(g + user_cfg.abi->epoll_data, &ev[i].data, 8);
        if (!copy_to_guest(va, g, event_size())) {
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
    if (max <= 0 || (u64)max > INT_MAX / event_size()) {
        return -EINVAL;
    }
    if (!user_range_ok(a[1], (u64)max * event_size())) {
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

i64 sys_epoll_pwait(struct user_thread *t UNUSED, const u64 a[6])
{
    return epoll_wait_for(SYS_epoll_pwait, a, (u64)(i64)(int)a[3]);
}
/* struct __kernel_timespec for all. */
i64 sys_epoll_pwait2(struct user_thread *t UNUSED, const u64 a[6])
{
    struct timespec ts;
    if (a[3] && !get_struct(LAYOUT_TIMESPEC64, a[3], &ts)) {
        return -EFAULT;
    }
    return epoll_wait_for(SYS_epoll_pwait2, a, a[3] ? (u64)(uintptr_t)&ts : 0);
}

/* -- poll, select -------------------------------------------------------------------------------------------------- */

/* The kernel writes what is left of the time, and does not mind when it can't. */
static i64 poll_fds(const u64 a[6], enum layout time)
{
    user_sigset set, *mask;
    struct timespec ts;
    i64 r = mask_in(a[3], a[4], &set, &mask);
    if (r < 0) {
        return r;
    }
    if (a[1] > INT_MAX) {
        return -EINVAL;
    }
    if ((a[0] && !user_range_ok(a[0], a[1] * 8)) || (a[2] && !get_struct(time, a[2], &ts))) {
        return -EFAULT;
    }
    r = safe_syscall(SYS_ppoll, a[0] ? g2h(a[0]) : NULL, a[1], a[2] ? &ts : NULL, mask, sizeof(set));
    if (a[2]) {
        put_struct(time, a[2], &ts);
    }
    return r;
}
i64 sys_ppoll(struct user_thread *t UNUSED, const u64 a[6])
{
    return poll_fds(a, LAYOUT_TIMESPEC);
}
i64 sys_ppoll_time64(struct user_thread *t UNUSED, const u64 a[6])
{
    return poll_fds(a, LAYOUT_TIMESPEC64);
}

/* Sets of descriptors: arrays of longs of the program's. Where those end in the middle of the host's last one, they are
 * copied, else they are used where they are. */
struct fd_sets {
    u64 va[3], bytes; /* of one, in the program */
    u8 *copy;         /* NULL: none needed */
    void *host[3];
};

static i64 sets_in(struct fd_sets *f, int nfds, const u64 *va)
{
    u64 n = (u64)MIN(MAX(nfds, 0), 1 << 20);
    f->bytes = align_up(n, 8u * user_cfg.abi->word) / 8;
    f->copy = f->bytes % 8 ? calloc(3, f->bytes + 4) : NULL;
    for (unsigned i = 0; i < 3; i++) {
        u8 *copy = f->copy ? f->copy + i * (f->bytes + 4) : NULL;
        f->va[i] = va[i];
        if (va[i] && (copy ? !copy_from_guest(copy, va[i], f->bytes) : !user_range_ok(va[i], 1))) {
            free(f->copy);
            return -EFAULT;
        }
        f->host[i] = !va[i] ? NULL : copy ? copy : g2h(va[i]);
    }
    return 0;
}

static i64 sets_out(struct fd_sets *f, i64 r)
{
    for (unsigned i = 0; i < 3 && r >= 0 && f->copy; i++) {
        if (f->va[i] && !copy_to_guest(f->va[i], f->host[i], f->bytes)) {
            r = -EFAULT;
        }
    }
    free(f->copy);
    return r;
}

static i64 select_fds(int nfds, const u64 *va, struct timespec *timeout, user_sigset *mask)
{
    struct fd_sets f;
    struct {
        void *mask;
        u64 size;
    } arg = {mask, sizeof(*mask)};
    i64 r = sets_in(&f, nfds, va);
    return r < 0 ? r : sets_out(&f, safe_syscall(SYS_pselect6, nfds, f.host[0], f.host[1], f.host[2], timeout, &arg));
}

static i64 pselect_fds(const u64 a[6], enum layout time)
{
    u64 at = 0, size = 0;
    user_sigset set, *mask;
    struct timespec ts;
    if (a[5] && (!get_word(a[5], &at) || !get_word(a[5] + user_cfg.abi->word, &size))) {
        return -EFAULT;
    }
    i64 r = mask_in(at, size, &set, &mask);
    if (r < 0) {
        return r;
    }
    if (a[4] && !get_struct(time, a[4], &ts)) {
        return -EFAULT;
    }
    r = select_fds((int)a[0], a + 1, a[4] ? &ts : NULL, mask);
    if (a[4]) {
        put_struct(time, a[4], &ts);
    }
    return r;
}
i64 sys_pselect6(struct user_thread *t UNUSED, const u64 a[6])
{
    return pselect_fds(a, LAYOUT_TIMESPEC);
}
i64 sys_pselect6_time64(struct user_thread *t UNUSED, const u64 a[6])
{
    return pselect_fds(a, LAYOUT_TIMESPEC64);
}

i64 sys_select(struct user_thread *t UNUSED, const u64 a[6])
{
    struct timeval tv;
    struct timespec ts;
    if (a[4]) {
        if (!get_struct(LAYOUT_TIMEVAL, a[4], &tv)) {
            return -EFAULT;
        }
        if (tv.tv_sec < 0 || tv.tv_usec < 0) {
            return -EINVAL;
        }
        ts = (struct timespec){tv.tv_sec + tv.tv_usec / 1000000, tv.tv_usec % 1000000 * 1000};
    }
    i64 r = select_fds((int)a[0], a + 1, a[4] ? &ts : NULL, NULL);
    if (a[4]) {
        tv = (struct timeval){ts.tv_sec, ts.tv_nsec / 1000};
        put_struct(LAYOUT_TIMEVAL, a[4], &tv);
    }
    return r;
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
