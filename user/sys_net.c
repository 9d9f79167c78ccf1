/* Sockets: messages (addresses inside), and options that hold addresses. */
#include <errno.h>
#include <limits.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/bits.h"
#include "base/clock.h"
#include "user/syscall.h"

struct guest_msghdr {
    u64 name;
    u32 namelen, pad;
    u64 iov, iovlen, control, controllen;
    u32 flags, pad2;
};

struct message {
    struct msghdr h;
    struct iovec iov[IOV_MAX];
};

static bool span_ok(u64 va, u64 n)
{
    return !va || user_range_ok(va, MAX(n, 1));
}

static i64 message_in(struct message *m, const struct guest_msghdr *g)
{
    if (g->iovlen > IOV_MAX) {
        return -EMSGSIZE;
    }
    i64 n = user_iovec(m->iov, g->iov, g->iovlen);
    if (n < 0) {
        return n;
    }
    if (!span_ok(g->name, g->namelen) || !span_ok(g->control, g->controllen)) {
        return -EFAULT;
    }
    m->h = (struct msghdr){
        .msg_name = g->name ? g2h(g->name) : NULL,
        .msg_namelen = g->namelen,
        .msg_iov = m->iov,
        .msg_iovlen = (size_t)n,
        .msg_control = g->control ? g2h(g->control) : NULL, /* control messages are one for all 64-bit ports */
        .msg_controllen = g->controllen,
        .msg_flags = (int)g->flags,
    };
    return 0;
}

static i64 one_message(long nr, int fd, u64 va, long flags)
{
    struct guest_msghdr g;
    struct message m;
    if (!copy_from_guest(&g, va, sizeof(g))) {
        return -EFAULT;
    }
    i64 r = message_in(&m, &g);
    r = r < 0 ? r : safe_syscall(nr, fd, &m.h, flags);
    if (r >= 0 && nr == SYS_recvmsg) {
        g.namelen = m.h.msg_namelen;
        g.controllen = m.h.msg_controllen;
        g.flags = (u32)m.h.msg_flags;
        if (!copy_to_guest(va, &g, sizeof(g))) {
            return -EFAULT;
        }
    }
    return r;
}

i64 sys_sendmsg(struct user_thread *t, const u64 a[6])
{
    (void)t;
    return one_message(SYS_sendmsg, (int)a[0], a[1], (long)a[2]);
}
i64 sys_recvmsg(struct user_thread *t, const u64 a[6])
{
    (void)t;
    return one_message(SYS_recvmsg, (int)a[0], a[1], (long)a[2]);
}

/* struct mmsghdr: a message and how many bytes of it went. */
enum { MMSG_SIZE = sizeof(struct guest_msghdr) + 8 };

/* One after the other: after the first a receiver does not wait any more (MSG_WAITFORONE), unless it asked to; the
 * deadline is looked at after each message, as the kernel does. */
static i64 many_messages(long nr, const u64 a[6], i64 deadline)
{
    u64 n = MIN(a[2], 1024u), done = 0;
    long flags = (long)a[3] & ~(long)MSG_WAITFORONE;
    i64 r = 0;
    for (; done < n; done++) {
        u64 at = a[1] + done * MMSG_SIZE;
        r = one_message(nr, (int)a[0], at, flags);
        if (r < 0) {
            break;
        }
        u32 len = (u32)r;
        if (!copy_to_guest(at + sizeof(struct guest_msghdr), &len, sizeof(len))) {
            r = -EFAULT;
            break;
        }
        if (nr == SYS_recvmsg && a[3] & MSG_WAITFORONE) {
            flags |= MSG_DONTWAIT;
        }
        if (deadline && (i64)clock_now(CLOCK_HOST) >= deadline) {
            done++;
            break;
        }
    }
    return done ? (i64)done : r;
}

i64 sys_sendmmsg(struct user_thread *t, const u64 a[6])
{
    (void)t;
    return many_messages(SYS_sendmsg, a, 0);
}
i64 sys_recvmmsg(struct user_thread *t, const u64 a[6])
{
    i64 ts[2];
    (void)t;
    if (!a[4]) {
        return many_messages(SYS_recvmsg, a, 0);
    }
    if (!copy_from_guest(ts, a[4], sizeof(ts))) {
        return -EFAULT;
    }
    if (ts[0] < 0 || ts[1] < 0 || ts[1] >= 1000000000) {
        return -EINVAL;
    }
    i64 wait = MIN(ts[0], 4000000000ll) * 1000000000 + ts[1]; /* a century is for ever */
    return many_messages(SYS_recvmsg, a, (i64)clock_now(CLOCK_HOST) + wait);
}

/* -- options ------------------------------------------------------------------------------------------------------- */

/* struct sock_fprog: a filter's instructions are elsewhere. */
static i64 attach_filter(const u64 a[6])
{
    struct {
        u16 len, pad[3];
        u64 filter;
    } g;
    if (a[4] < sizeof(g)) {
        return -EINVAL;
    }
    if (!copy_from_guest(&g, a[3], sizeof(g)) || !user_range_ok(g.filter, g.len * sizeof(struct sock_filter))) {
        return -EFAULT;
    }
    struct sock_fprog p = {.len = g.len, .filter = g2h(g.filter)};
    return safe_syscall(SYS_setsockopt, (int)a[0], (int)a[1], (int)a[2], &p, sizeof(p));
}

i64 sys_setsockopt(struct user_thread *t, const u64 a[6])
{
    (void)t;
    if ((int)a[1] == SOL_SOCKET && ((int)a[2] == SO_ATTACH_FILTER || (int)a[2] == SO_ATTACH_REUSEPORT_CBPF)) {
        return attach_filter(a);
    }
    if (!span_ok(a[3], a[4])) {
        return -EFAULT;
    }
    return safe_syscall(SYS_setsockopt, (int)a[0], (int)a[1], (int)a[2], a[3] ? g2h(a[3]) : 0, a[4]);
}
i64 sys_getsockopt(struct user_thread *t, const u64 a[6])
{
    (void)t;
    if (!span_ok(a[3], 1) || !user_range_ok(a[4], 4)) {
        return -EFAULT;
    }
    return safe_syscall(SYS_getsockopt, (int)a[0], (int)a[1], (int)a[2], a[3] ? g2h(a[3]) : 0, g2h(a[4]));
}
