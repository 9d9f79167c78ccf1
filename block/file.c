/* The node at the bottom: a host file or block device, as it is.
 *
 * A file whose length is no multiple of 512 is seen rounded up; the bytes behind its end read as zeros
 * until they are written. A file that became shorter while we use it gives EIO, not zeros. */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/bits.h"
#include "block/block_priv.h"

struct file_node {
    struct block_node node;
    int fd;
    bool is_device, writethrough, no_flush;
    u64 length;             /* of the file when it was opened */
    atomic_int flush_error; /* sticky: the kernel reports lost pages to one fsync() only */
};

static int file_readv(struct block_node *n, u64 offset, const struct iovec *iov, int niov)
{
    struct file_node *f = (struct file_node *)n;
    u64 len = iov_len(iov, niov);
    i64 got = io_readv(f->fd, offset, iov, niov);
    if (got < 0) {
        return (int)got;
    }
    if ((u64)got == len) {
        return 0;
    }
    if (offset + (u64)got < f->length) {
        return -EIO;
    }
    struct iovec *tail = g_new(struct iovec, niov);
    int parts = iov_slice(tail, iov, niov, (u64)got, UINT64_MAX);
    for (int i = 0; i < parts; i++) {
        memset(tail[i].iov_base, 0, tail[i].iov_len);
    }
    g_free(tail);
    return 0;
}

static bool file_read_cached(struct block_node *n, u64 offset, const struct iovec *iov, int niov)
{
    return io_read_cached(((struct file_node *)n)->fd, offset, iov, niov);
}

static int file_sync(struct file_node *f)
{
    int rc = atomic_load(&f->flush_error);
    if (!rc && fdatasync(f->fd) < 0) {
        rc = -errno;
        atomic_store(&f->flush_error, rc);
    }
    return rc;
}

static int file_writev(struct block_node *n, u64 offset, const struct iovec *iov, int niov)
{
    struct file_node *f = (struct file_node *)n;
    int rc = io_writev(f->fd, offset, iov, niov);
    return rc || !f->writethrough ? rc : file_sync(f);
}

static int file_zero(struct block_node *n, u64 offset, u64 len, bool unmap)
{
    struct file_node *f = (struct file_node *)n;
    int rc = io_zero(f->fd, offset, len, unmap && n->can_discard);
    return rc || !f->writethrough ? rc : file_sync(f);
}

/* Advice: a file system that cannot do it is no error. */
static int file_discard(struct block_node *n, u64 offset, u64 len)
{
    struct file_node *f = (struct file_node *)n;
    int rc;
    if (!n->can_discard) {
        return 0;
    }
    if (f->is_device) {
        u64 range[2] = {offset, len};
        rc = ioctl(f->fd, BLKDISCARD, range) < 0 ? -errno : 0;
    } else {
        rc = fallocate(f->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, (off_t)offset, (off_t)len) < 0 ? -errno : 0;
    }
    return rc == -EOPNOTSUPP || rc == -EINVAL || rc == -ENOTTY || rc == -ENODEV ? 0 : rc;
}

static int file_flush(struct block_node *n)
{
    struct file_node *f = (struct file_node *)n;
    return f->no_flush || n->read_only ? 0 : file_sync(f);
}

static void file_close(struct block_node *n)
{
    close(((struct file_node *)n)->fd);
    g_free(n);
}

static const struct block_driver file_driver = {
    .name = "file",
    .readv = file_readv,
    .read_cached = file_read_cached,
    .writev = file_writev,
    .zero = file_zero,
    .discard = file_discard,
    .flush = file_flush,
    .close = file_close,
};

static bool size_get(struct file_node *f, const char *path, struct err *e)
{
    struct stat st;
    int sector = 0;
    if (fstat(f->fd, &st) < 0) {
        return err_errno(e, "cannot look at '%s'", path);
    }
    f->node.sector = 512;
    if (S_ISBLK(st.st_mode)) {
        if (ioctl(f->fd, BLKGETSIZE64, &f->length) < 0) {
            return err_errno(e, "cannot tell the size of '%s'", path);
        }
        if (ioctl(f->fd, BLKSSZGET, &sector) == 0 && sector >= 512) {
            f->node.sector = (unsigned)sector;
        }
        f->is_device = true;
    } else if (S_ISREG(st.st_mode)) {
        f->length = (u64)st.st_size;
    } else {
        return err_set(e, "'%s' is no disk image: expected a file or a block device", path);
    }
    f->node.size = align_up(f->length, 512);
    return true;
}

/* Readers share, a writer is alone. Locks are those of QEMU, so that each sees the other's: shared ones of single
 * bytes, 100 + n by who does n, 200 + n by who suffers nobody else to do it (SPEC: QEMU, docs/system/images, "Disk
 * image file locking", and what its processes are seen to lock). A lock belongs to the open file, so it ends with it.
 */
enum lock_byte { LOCK_READS = 100, LOCK_WRITES = 101, LOCK_NO_READERS = 200, LOCK_NO_WRITERS = 201 };

/* False where another holds it; true too where the file system knows no locks. */
static bool lock_byte(int fd, enum lock_byte byte)
{
    struct flock l = {.l_type = F_RDLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_SETLK, &l) == 0 || (errno != EAGAIN && errno != EACCES);
}
static bool lock_is_free(int fd, enum lock_byte byte)
{
    struct flock l = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1};
    return fcntl(fd, F_OFD_GETLK, &l) < 0 || l.l_type == F_UNLCK;
}

static bool lock_take(int fd, const char *path, bool write, struct err *e)
{
    if (lock_byte(fd, LOCK_READS) && lock_byte(fd, LOCK_NO_WRITERS) && (!write || lock_byte(fd, LOCK_WRITES)) &&
        lock_is_free(fd, LOCK_NO_READERS) && lock_is_free(fd, LOCK_WRITES) &&
        (!write || lock_is_free(fd, LOCK_NO_WRITERS))) {
        return true;
    }
    return err_set(e, "image '%s' is in use by another process%s", path,
                   write ? " (readonly=on or -snapshot can share it with readers; file.locking=off does not look)"
                         : " that writes it (file.locking=off does not look)");
}

static int file_open(const struct file_config *c, bool *read_only, struct err *e)
{
    *read_only = c->read_only;
    int fd = open(c->path, (c->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NONBLOCK);
    bool denied = fd < 0 && (errno == EACCES || errno == EROFS || errno == EPERM);
    if (denied && !c->read_only && c->auto_read_only) {
        *read_only = true;
        fd = open(c->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    }
    if (fd < 0) {
        err_errno(e, "cannot open image '%s'%s", c->path, denied && !c->read_only ? " for writing" : "");
    }
    return fd;
}

struct block_node *file_node_open(const struct file_config *c, struct err *e)
{
    bool read_only;
    int fd = file_open(c, &read_only, e);
    if (fd < 0) {
        return NULL;
    }
    struct file_node *f = g_new0(struct file_node, 1);
    f->fd = fd;
    f->writethrough = c->writethrough;
    f->no_flush = c->no_flush;
    f->node.drv = &file_driver;
    f->node.read_only = read_only;
    f->node.can_discard = c->unmap && !read_only;
    if (!size_get(f, c->path, e) || (c->lock && !lock_take(fd, c->path, !read_only, e))) {
        file_close(&f->node);
        return NULL;
    }
    return &f->node;
}
