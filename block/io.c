/* Whole transfers to and from host files: interrupted and partial ones are carried on. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <string.h>

#include "block/block_priv.h"

u64 iov_len(const struct iovec *iov, int niov)
{
    u64 n = 0;
    for (int i = 0; i < niov; i++) {
        n += iov[i].iov_len;
    }
    return n;
}

bool iov_is_zero(const struct iovec *iov, int niov)
{
    for (int i = 0; i < niov; i++) {
        const u8 *p = iov[i].iov_base;
        size_t n = iov[i].iov_len;
        /* Equal to itself one byte on, and the first byte zero: all zero. */
        if (n && (p[0] || memcmp(p, p + 1, n - 1))) {
            return false;
        }
    }
    return true;
}

int iov_slice(struct iovec *part, const struct iovec *iov, int niov, u64 skip, u64 len)
{
    int n = 0;
    for (int i = 0; i < niov && len; i++) {
        if (skip >= iov[i].iov_len) {
            skip -= iov[i].iov_len;
            continue;
        }
        u64 here = MIN(len, iov[i].iov_len - skip);
        part[n++] = (struct iovec){.iov_base = (u8 *)iov[i].iov_base + skip, .iov_len = here};
        len -= here;
        skip = 0;
    }
    return n;
}

enum { PARTS = 64 };

/* A window of the vector that begins `done` bytes in. */
static int iov_window(struct iovec part[PARTS], const struct iovec *iov, int niov, u64 done)
{
    while (niov && done >= iov->iov_len) {
        done -= iov->iov_len;
        iov++;
        niov--;
    }
    return iov_slice(part, iov, MIN(niov, PARTS), done, UINT64_MAX);
}

i64 io_readv(int fd, u64 offset, const struct iovec *iov, int niov)
{
    u64 len = iov_len(iov, niov), done = 0;
    while (done < len) {
        struct iovec part[PARTS];
        int n = iov_window(part, iov, niov, done);
        ssize_t got = preadv(fd, part, n, (off_t)(offset + done));
        if (got == 0) {
            break;
        }
        if (got < 0 && errno != EINTR) {
            return -errno;
        }
        done += got > 0 ? (u64)got : 0;
    }
    return (i64)done;
}

bool io_read_cached(int fd, u64 offset, const struct iovec *iov, int niov)
{
    ssize_t got = preadv2(fd, iov, niov, (off_t)offset, RWF_NOWAIT);
    return got >= 0 && (u64)got == iov_len(iov, niov);
}

int io_writev(int fd, u64 offset, const struct iovec *iov, int niov)
{
    u64 len = iov_len(iov, niov), done = 0;
    while (done < len) {
        struct iovec part[PARTS];
        int n = iov_window(part, iov, niov, done);
        ssize_t put = pwritev(fd, part, n, (off_t)(offset + done));
        if (put == 0) {
            return -EIO;
        }
        if (put < 0 && errno != EINTR) {
            return -errno;
        }
        done += put > 0 ? (u64)put : 0;
    }
    return 0;
}

static int write_zeros(int fd, u64 offset, u64 len)
{
    static const u8 zeros[65536];
    int rc = 0;
    for (u64 done = 0; done < len && !rc;) {
        u64 n = MIN(len - done, (u64)sizeof(zeros));
        struct iovec iov = {.iov_base = (void *)zeros, .iov_len = n};
        rc = io_writev(fd, offset + done, &iov, 1);
        done += n;
    }
    return rc;
}

static int try_fallocate(int fd, int mode, u64 offset, u64 len)
{
    int rc;
    do {
        rc = fallocate(fd, mode, (off_t)offset, (off_t)len);
    } while (rc < 0 && errno == EINTR);
    return rc < 0 ? -errno : 0;
}

/* By the file system where it can; many can only punch holes, some nothing. */
int io_zero(int fd, u64 offset, u64 len, bool unmap)
{
    static const int modes[] = {FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, FALLOC_FL_ZERO_RANGE};
    int rc = try_fallocate(fd, modes[!unmap], offset, len);
    if (rc == -EOPNOTSUPP || rc == -EINVAL || rc == -ENOSYS || rc == -ENODEV) {
        rc = write_zeros(fd, offset, len);
    }
    return rc;
}
