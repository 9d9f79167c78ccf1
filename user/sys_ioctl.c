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

enum arg { ARG_INT, ARG_PTR };
static const struct request {
    u32 code;
    u8 arg;
    const char *name;
} requests[] = {
#define INT(x) {(u32)(x), ARG_INT, #x},
#define PTR(x) {(u32)(x), ARG_PTR, #x},
#include "user/ioctls.def"
#undef INT
#undef PTR
};

static const struct request *request_find(u32 code)
{
    for (unsigned i = 0; i < ARRAY_LEN(requests); i++) {
        if (requests[i].code == code) {
            return &requests[i];
        }
    }
    return NULL;
}

/* struct ifconf: the room for the answer is elsewhere. */
static i64 get_ifconf(int fd, u64 va)
{
    struct {
        i32 len, pad;
        u64 buf;
    } g;
    if (!copy_from_guest(&g, va, sizeof(g))) {
        return -EFAULT;
    }
    if (g.len < 0 || (g.buf && !user_range_ok(g.buf, (u64)g.len))) {
        return -EFAULT;
    }
    struct ifconf c = {.ifc_len = g.len, .ifc_buf = g.buf ? g2h(g.buf) : NULL};
    i64 r = safe_syscall(SYS_ioctl, fd, SIOCGIFCONF, &c);
    g.len = c.ifc_len;
    return r < 0 ? r : copy_to_guest(va, &g, sizeof(g)) ? r : -EFAULT;
}

/* struct ifreq with ifr_data: SIOCETHTOOL and relatives; the structures behind it are flat. */
static i64 with_ifr_data(int fd, u32 code, u64 va)
{
    struct ifreq r;
    u64 data;
    if (!copy_from_guest(&r, va, sizeof(r))) {
        return -EFAULT;
    }
    memcpy(&data, &r.ifr_data, sizeof(data));
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
        return safe_syscall(SYS_ioctl, fd, code, a[2]);
    }
    if (q || is_sized_flat(code)) {
        if (a[2] && !user_range_ok(a[2], 1)) {
            return -EFAULT;
        }
        return safe_syscall(SYS_ioctl, fd, code, a[2] ? g2h(a[2]) : 0);
    }
    unimp("ioctl", "request %#x", code);
    return -ENOTTY;
}
