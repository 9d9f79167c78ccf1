/* Frames into a file of libpcap's format (2.4, Ethernet, microseconds). */
#include <fcntl.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/clock.h"
#include "base/log.h"
#include "net/net_priv.h"

struct dump {
    int fd;
    u32 max_len;
    bool failed;
};

struct dump *dump_open(const char *path, u32 max_len, struct err *e)
{
    u8 head[24];
    st32le(head, 0xa1b2c3d4);
    st16le(head + 4, 2);
    st16le(head + 6, 4);
    memset(head + 8, 0, 8);
    st32le(head + 16, max_len);
    st32le(head + 20, 1);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, head, sizeof(head)) != sizeof(head)) {
        err_errno(e, "cannot write packet dump '%s'", path);
        if (fd >= 0) {
            close(fd);
        }
        return NULL;
    }
    struct dump *d = g_new0(struct dump, 1);
    d->fd = fd;
    d->max_len = max_len;
    return d;
}

void dump_frame(struct dump *d, const u8 *frame, size_t len)
{
    if (!d || d->failed) {
        return;
    }
    u8 head[16];
    u64 now = clock_now(CLOCK_WALL) / 1000;
    u32 kept = MIN((u32)len, d->max_len);
    st32le(head, (u32)(now / 1000000));
    st32le(head + 4, (u32)(now % 1000000));
    st32le(head + 8, kept);
    st32le(head + 12, (u32)len);
    struct iovec iov[2] = {{head, sizeof(head)}, {(void *)frame, kept}};
    if (writev(d->fd, iov, 2) != (ssize_t)(sizeof(head) + kept)) {
        d->failed = true; /* a file cut inside a record is still read up to there */
        warn_once("packet dump: cannot write any more");
    }
}

void dump_close(struct dump *d)
{
    if (d) {
        close(d->fd);
        g_free(d);
    }
}
