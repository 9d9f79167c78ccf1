/* Control messages: headers whose length is a word, each aligned to one, so a program's of 32 bits are packed closer
 * than the host's. Data are alike but for time stamps. Where the program has less room than what came, it gets what
 * fits, and descriptors that do not are closed, as its kernel would never have opened them.
 *
 * SPEC: cmsg(3), unix(7); Linux net/compat.c, include/linux/socket.h. */
#include "user/control.h"

#include <errno.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "user/user_priv.h"

#define HEAD        12u /* length, level, type */
#define SPACE(n)    align_up((u64)HEAD + (n), 4)
#define CONTROL_MAX (64u << 10)

i64 control_in(struct msghdr *h, const struct flat_msghdr *g)
{
    h->msg_control = NULL;
    if (!g->control || !g->controllen) {
        h->msg_controllen = 0;
        return 0;
    }
    if (g->controllen > CONTROL_MAX) {
        return -ENOBUFS;
    }
    u64 room = 2 * g->controllen + 64, at = 0, used = 0;
    u8 *from = malloc(g->controllen), *to = calloc(1, room);
    must(from && to);
    i64 r = copy_from_guest(from, g->control, g->controllen) ? 0 : -EFAULT;
    while (r == 0 && at + HEAD <= g->controllen) {
        u64 len = ld32le(from + at);
        if (len < HEAD || len > g->controllen - at) {
            r = -EINVAL;
            break;
        }
        struct cmsghdr *c = (struct cmsghdr *)(void *)(to + used);
        c->cmsg_len = CMSG_LEN(len - HEAD);
        c->cmsg_level = (int)ld32le(from + at + 4);
        c->cmsg_type = (int)ld32le(from + at + 8);
        memcpy(CMSG_DATA(c), from + at + HEAD, len - HEAD);
        used += CMSG_SPACE(len - HEAD);
        at += align_up(len, 4);
    }
    free(from);
    if (r < 0) {
        free(to);
        return r;
    }
    h->msg_control = to;
    h->msg_controllen = used;
    return 0;
}

i64 control_room(struct msghdr *h, const struct flat_msghdr *g)
{
    u64 room = g->control ? 2 * MIN(g->controllen, (u64)CONTROL_MAX) : 0;
    h->msg_control = room ? calloc(1, room) : NULL;
    h->msg_controllen = room;
    return 0;
}

/* The data of a message in the program's form; its length. */
static u64 data_out(const struct cmsghdr *c, u64 n, u8 *to)
{
    static const struct widths narrow = {4, 4}; /* times alone are converted */
    const u8 *from = CMSG_DATA(c);
    enum layout l = c->cmsg_type == SO_TIMESTAMP ? LAYOUT_TIMEVAL : LAYOUT_TIMESPEC;
    if (c->cmsg_level != SOL_SOCKET ||
        (c->cmsg_type != SO_TIMESTAMP && c->cmsg_type != SO_TIMESTAMPNS && c->cmsg_type != SO_TIMESTAMPING)) {
        memcpy(to, from, n);
        return n;
    }
    for (u64 i = 0; i < n / 16; i++) {
        layout_copy(layout_fields(l), to + 8 * i, narrow, from + 16 * i, layout_host);
    }
    return n / 2;
}

static void close_rest(const struct cmsghdr *c, u64 fit, u64 n)
{
    for (u64 at = fit / 4 * 4; c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && at + 4 <= n; at += 4) {
        int fd;
        memcpy(&fd, CMSG_DATA(c) + at, 4);
        close(fd);
    }
}

bool control_out(const struct msghdr *h, struct flat_msghdr *g)
{
    u64 at = 0, room = g->control ? g->controllen : 0;
    bool ok = true;
    struct msghdr got = *h;
    for (struct cmsghdr *c = CMSG_FIRSTHDR(&got); c; c = CMSG_NXTHDR(&got, c)) {
        u64 n = c->cmsg_len - CMSG_LEN(0), left = room - MIN(at, room);
        u8 *out = malloc(HEAD + n);
        must(out);
        u64 whole = data_out(c, n, out + HEAD), fit = left < HEAD ? 0 : MIN(whole, left - HEAD);
        if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
            fit = fit / 4 * 4;
        }
        if (fit < whole) {
            g->flags |= MSG_CTRUNC;
            close_rest(c, fit, n);
        }
        if (left >= HEAD && (fit || !whole || c->cmsg_type != SCM_RIGHTS)) {
            u32 head[3] = {(u32)(HEAD + fit), (u32)c->cmsg_level, (u32)c->cmsg_type};
            memcpy(out, head, HEAD);
            ok = ok && copy_to_guest(g->control + at, out, HEAD + fit);
            at += MIN(SPACE(fit), left);
        }
        free(out);
    }
    g->controllen = at;
    return ok;
}
