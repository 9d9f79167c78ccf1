/* ioctl: by a table of requests (ioctls.def), and the few whose structures hold addresses. */
#include <asm/ioctls.h>
#include <asm/termbits.h>
#include <errno.h>
#include <linux/blkpg.h>
#include <linux/blkzoned.h>
#include <linux/cdrom.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <linux/fscrypt.h>
#include <linux/hdreg.h>
#include <linux/if_tun.h>
#include <linux/input.h>
#include <linux/kd.h>
#include <linux/loop.h>
#include <linux/nsfs.h>
#include <linux/random.h>
#include <linux/rtc.h>
#include <linux/sockios.h>
#include <linux/timerfd.h>
#include <linux/vt.h>
#include <linux/watchdog.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include <linux/vm_sockets.h> /* behind sys/socket.h: older ones lean on it */

#include "base/bits.h"
#include "base/log.h"
#include "user/syscall.h"

#ifndef FIGETBSZ
#define FIGETBSZ _IO(0x00, 2)
#endif

enum arg { ARG_INT, ARG_PTR, ARG_IFREQ, ARG_IFMAP, ARG_LAYOUT };
static const struct request {
    u32 code, narrow; /* the host's; where longs have 32 bits */
    u8 arg, layout;
} requests[] = {
#define INT(x)              {(u32)(x), (u32)(x), ARG_INT, 0},
#define PTR(x)              {(u32)(x), (u32)(x), ARG_PTR, 0},
#define IFR(x)              {(u32)(x), (u32)(x), ARG_IFREQ, 0},
#define IFM(x)              {(u32)(x), (u32)(x), ARG_IFMAP, LAYOUT_IFMAP},
#define NUM(x, narrow)      {(u32)(x), (u32)(narrow), ARG_PTR, 0},
#define NUI(x, narrow)      {(u32)(x), (u32)(narrow), ARG_INT, 0},
#define LAY(x, narrow, lay) {(u32)(x), (u32)(narrow), ARG_LAYOUT, LAYOUT_##lay},
#include "user/ioctls.def"
};

static const struct request *request_find(u32 code)
{
    bool narrow = user_cfg.abi->word == 4;
    for (unsigned i = 0; i < ARRAY_LEN(requests); i++) {
        if ((narrow ? requests[i].narrow : requests[i].code) == code) {
            return &requests[i];
        }
    }
    return NULL;
}

/* struct ifreq: a name and a union, whose longest member is a struct ifmap. */
static u64 ifreq_size(void)
{
    return IFNAMSIZ + struct_size(LAYOUT_IFMAP);
}

/* struct ifconf: the room for the answer, an array of struct ifreq, is elsewhere. */
static i64 get_ifconf(int fd, u64 va)
{
    struct flat_ifconf g;
    if (!get_struct(LAYOUT_IFCONF, va, &g)) {
        return -EFAULT;
    }
    if (g.len < 0 || (g.buf && !user_range_ok(g.buf, (u64)g.len))) {
        return -EFAULT;
    }
    i32 n = MIN(g.len, 1 << 20) / (i32)ifreq_size();
    struct ifreq *v = calloc((size_t)MAX(n, 1), sizeof(*v));
    must(v);
    struct ifconf c = {.ifc_len = n * (i32)sizeof(*v), .ifc_req = g.buf ? v : NULL};
    i64 r = safe_syscall(SYS_ioctl, fd, SIOCGIFCONF, &c);
    n = c.ifc_len / (i32)sizeof(*v);
    for (i32 i = 0; r >= 0 && g.buf && i < n; i++) {
        r = copy_to_guest(g.buf + (u64)i * ifreq_size(), &v[i], ifreq_size()) ? r : -EFAULT;
    }
    free(v);
    g.len = n * (i32)ifreq_size();
    return r < 0 ? r : put_struct(LAYOUT_IFCONF, va, &g) ? r : -EFAULT;
}

static i64 with_ifreq(int fd, const struct request *q, u64 va)
{
    struct ifreq r = {0};
    struct ifmap m;
    bool map = q->arg == ARG_IFMAP;
    if (!copy_from_guest(&r, va, ifreq_size()) || (map && !get_struct(LAYOUT_IFMAP, va + IFNAMSIZ, &m))) {
        return -EFAULT;
    }
    if (map) {
        r.ifr_map = m;
    }
    i64 ret = safe_syscall(SYS_ioctl, fd, q->code, &r);
    if (ret < 0) {
        return ret;
    }
    m = r.ifr_map;
    bool ok =
        copy_to_guest(va, &r, map ? IFNAMSIZ : ifreq_size()) && (!map || put_struct(LAYOUT_IFMAP, va + IFNAMSIZ, &m));
    return ok ? ret : -EFAULT;
}

/* Written back whether the request writes or not: the bytes are the same then. */
static i64 with_layout(int fd, const struct request *q, u64 va)
{
    u64 host[LAYOUT_MAX / 8];
    if (!get_struct(q->layout, va, host)) {
        return -EFAULT;
    }
    i64 r = safe_syscall(SYS_ioctl, fd, q->code, host);
    return r < 0 || put_struct(q->layout, va, host) ? r : -EFAULT;
}

/* struct ifreq with ifr_data: SIOCETHTOOL and relatives; the structures behind it are flat. */
static i64 with_ifr_data(int fd, u32 code, u64 va)
{
    struct ifreq r;
    u64 data;
    if (!copy_from_guest(&r, va, IFNAMSIZ) || !get_word(va + IFNAMSIZ, &data)) {
        return -EFAULT;
    }
    if (!user_range_ok(data, 1)) {
        return -EFAULT;
    }
    r.ifr_data = g2h(data);
    return safe_syscall(SYS_ioctl, fd, code, &r);
}

/* Requests whose code holds a length that the program chooses. */
static bool is_sized_flat(u32 code)
{
    return _IOC_TYPE(code) == 'E' && _IOC_DIR(code) == _IOC_READ;
}

i64 sys_ioctl(struct user_thread *t, const u64 a[6])
{
    int fd = (int)a[0];
    u32 code = (u32)a[1];
    (void)t;
    switch (code) {
    case SIOCGIFCONF:
        return get_ifconf(fd, a[2]);
    case SIOCETHTOOL:
        return with_ifr_data(fd, code, a[2]);
    }
    const struct request *q = request_find(code);
    if (q && q->arg == ARG_INT) {
        return safe_syscall(SYS_ioctl, fd, q->code, a[2]);
    }
    if (q && user_cfg.abi->word == 4 && q->arg != ARG_PTR) {
        return q->arg == ARG_LAYOUT ? with_layout(fd, q, a[2]) : with_ifreq(fd, q, a[2]);
    }
    if (q || is_sized_flat(code)) {
        if (a[2] && !user_range_ok(a[2], 1)) {
            return -EFAULT;
        }
        return safe_syscall(SYS_ioctl, fd, q ? q->code : code, a[2] ? g2h(a[2]) : 0);
    }
    unimp("ioctl", "request %#x", code);
    return -ENOTTY;
}
