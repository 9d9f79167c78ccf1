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
#include "user/control.h"
#include "user/syscall.h"

struct message {
    struct msghdr h;
    struct iovec iov[IOV_MAX];
};

static bool span_ok(u64 va, u64 n)
{
    return !va || user_range_ok(va, MAX(n, 1));
}

static i64 message_in(struct message *m, const struct flat_msghdr *g)
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
        .msg_control = g->control ? g2h(g->control) : NULL,
        .msg_controllen = g->controllen,
        .msg_flags = (int)g->flags,
    };
    return 0;
}

static i64 one_message(long nr, int fd, u64 va, long flags)
{
    struct flat_msghdr g;
    struct message m;
    bool narrow = user_cfg.abi->word == 4; /* control messages are laid out by it */
    if (!get_struct(LAYOUT_MSGHDR, va, &g)) {
        return -EFAULT;
    }
    i64 r = message_in(&m, &g);
    if (r < 0) {
        return r;
    }
    if (narrow) {
        r = nr == SYS_sendmsg ? control_in(&m.h, &g) : control_room(&m.h, &g);
    }
    r = r < 0 ? r : safe_syscall(nr, fd, &m.h, flags);
    if (r >= 0 && nr == SYS_recvmsg) {
        g.namelen = m.h.msg_namelen;
        g.flags = (u32)m.h.msg_flags;
        if (!narrow) {
            g.controllen = m.h.msg_controllen;
        } else if (!control_out(&m.h, &g)) {
            r = -EFAULT;
        }
        if (!put_struct(LAYOUT_MSGHDR, va, &g)) {
            r = -EFAULT;
        }
    }
    if (narrow) {
        free(m.h.msg_control);
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
static u64 mmsg_size(void)
{
    return struct_size(LAYOUT_MSGHDR) + user_cfg.abi->word;
}

/* One after the other: after the first a receiver does not wait any more (MSG_WAITFORONE), unless it asked to; the
 * deadline is looked at after each message, as the kernel does. */
static i64 many_messages(long nr, const u64 a[6], i64 deadline)
{
    u64 n = MIN(a[2], 1024u), done = 0;
    long flags = (long)a[3] & ~(long)MSG_WAITFORONE;
    i64 r = 0;
    for (; done < n; done++) {
        u64 at = a[1] + done * mmsg_size();
        r = one_message(nr, (int)a[0], at, flags);
        if (r < 0) {
            break;
        }
        u32 len = (u32)r;
        if (!put_u32(at + struct_size(LAYOUT_MSGHDR), len)) {
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
static i64 receive_many(const u64 a[6], enum layout time)
{
    struct timespec ts;
    if (!a[4]) {
        return many_messages(SYS_recvmsg, a, 0);
    }
    if (!get_struct(time, a[4], &ts)) {
        return -EFAULT;
    }
    if (ts.tv_sec < 0 || ts.tv_nsec < 0 || ts.tv_nsec >= 1000000000) {
        return -EINVAL;
    }
    i64 wait = MIN(ts.tv_sec, 4000000000ll) * 1000000000 + ts.tv_nsec; /* a century is for ever */
    return many_messages(SYS_recvmsg, a, (i64)clock_now(CLOCK_HOST) + wait);
}
i64 sys_recvmmsg(struct user_thread *t UNUSED, const u64 a[6])
{
    return receive_many(a, LAYOUT_TIMESPEC);
}
i64 sys_recvmmsg_time64(struct user_thread *t UNUSED, const u64 a[6])
{
    return receive_many(a, LAYOUT_TIMESPEC64);
}

/* -- options ------------------------------------------------------------------------------------------------------- */

/* struct sock_fprog: a filter's instructions are elsewhere. */
static i64 attach_filter(const u64 a[6])
{
    struct flat_fprog g;
    if (a[4] < struct_size(LAYOUT_FPROG)) {
        return -EINVAL;
    }
    if (!get_struct(LAYOUT_FPROG, a[3], &g) || !user_range_ok(g.filter, g.len * sizeof(struct sock_filter))) {
        return -EFAULT;
    }
    struct sock_fprog p = {.len = g.len, .filter = g2h(g.filter)};
    return safe_syscall(SYS_setsockopt, (int)a[0], (int)a[1], (int)a[2], &p, sizeof(p));
}

/* Timeouts whose seconds are a long, and groups with addresses aligned to one: other options are alike. */
static bool is_timeout(const u64 a[6])
{
    return (int)a[1] == SOL_SOCKET && ((int)a[2] == SO_RCVTIMEO || (int)a[2] == SO_SNDTIMEO);
}
static i64 set_timeout(const u64 a[6])
{
    struct timeval tv;
    if ((u32)a[4] < struct_size(LAYOUT_TIMEVAL)) {
        return -EINVAL;
    }
    if (!get_struct(LAYOUT_TIMEVAL, a[3], &tv)) {
        return -EFAULT;
    }
    return safe_syscall(SYS_setsockopt, (int)a[0], (int)a[1], (int)a[2], &tv, sizeof(tv));
}
static i64 get_timeout(const u64 a[6])
{
    struct timeval tv;
    u32 room, len = sizeof(tv), size = (u32)struct_size(LAYOUT_TIMEVAL);
    if (!get_u32(a[4], &room)) {
        return -EFAULT;
    }
    i64 r = safe_syscall(SYS_getsockopt, (int)a[0], (int)a[1], (int)a[2], &tv, &len);
    if (r < 0 || (i32)room < 0) {
        return r < 0 ? r : -EINVAL;
    }
    u8 g[LAYOUT_MAX] = {0};
    layout_copy(layout_fields(LAYOUT_TIMEVAL), g, (struct widths){user_cfg.abi->word, user_cfg.abi->align64}, &tv,
                layout_host);
    return copy_to_guest(a[3], g, MIN(room, size)) && put_u32(a[4], MIN(room, size)) ? r : -EFAULT;
}

/* struct group_req and group_source_req: a number, then one or two struct sockaddr_storage. */
static bool is_group(const u64 a[6])
{
    return ((int)a[1] == IPPROTO_IP || (int)a[1] == IPPROTO_IPV6) && (int)a[2] >= MCAST_JOIN_GROUP &&
           (int)a[2] <= MCAST_LEAVE_SOURCE_GROUP;
}
static i64 set_group(const u64 a[6])
{
    struct group_source_req g = {0};
    u64 n = MIN((u32)a[4], 4 + 2 * sizeof(struct sockaddr_storage));
    bool one = n < 4 + 2 * sizeof(struct sockaddr_storage);
    if (n < 4 + sizeof(struct sockaddr_storage)) {
        return -EINVAL;
    }
    if (!get_u32(a[3], &g.gsr_interface) || !copy_from_guest(&g.gsr_group, a[3] + 4, n - 4)) {
        return -EFAULT;
    }
    return safe_syscall(SYS_setsockopt, (int)a[0], (int)a[1], (int)a[2], &g,
                        one ? sizeof(struct group_req) : sizeof(g));
}

i64 sys_setsockopt(struct user_thread *t, const u64 a[6])
{
    (void)t;
    if ((int)a[1] == SOL_SOCKET && ((int)a[2] == SO_ATTACH_FILTER || (int)a[2] == SO_ATTACH_REUSEPORT_CBPF)) {
        return attach_filter(a);
    }
    if (user_cfg.abi->word == 4 && is_timeout(a)) {
        return set_timeout(a);
    }
    if (user_cfg.abi->word == 4 && is_group(a)) {
        return set_group(a);
    }
    if (!span_ok(a[3], a[4])) {
        return -EFAULT;
    }
    return safe_syscall(SYS_setsockopt, (int)a[0], (int)a[1], (int)a[2], a[3] ? g2h(a[3]) : 0, a[4]);
}
i64 sys_getsockopt(struct user_thread *t, const u64 a[6])
{
    (void)t;
    if (user_cfg.abi->word == 4 && is_timeout(a)) {
        return get_timeout(a);
    }
    if (!span_ok(a[3], 1) || !user_range_ok(a[4], 4)) {
        return -EFAULT;
    }
    return safe_syscall(SYS_getsockopt, (int)a[0], (int)a[1], (int)a[2], a[3] ? g2h(a[3]) : 0, g2h(a[4]));
}
