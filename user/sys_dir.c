/* Entries of directories in the older form, and positions in them where longs have 32 bits.
 *
 * ext4's positions are hashes; it asks who calls how wide they may be, and moss is a program of 64 bits to it. The
 * upper half of such a position is what it would have given a program of 32, so the program gets that, and the lower
 * half is lost as it would be there: entries of one hash.
 *
 * SPEC: getdents(2), lseek(2); Linux fs/readdir.c, fs/ext4/dir.c (hash2pos). */
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/syscall.h"

/* Descriptors whose directory gave a wide position when it was read last. */
enum { KNOWN = 65536 };
static u8 wide[KNOWN];

static u64 position_out(int fd, u64 pos)
{
    if (user_cfg.abi->word == 8 || fd < 0 || fd >= KNOWN) {
        return pos;
    }
    if (pos > INT_MAX) {
        __atomic_store_n(&wide[fd], 1, __ATOMIC_RELAXED);
        return pos >> 32;
    }
    return pos;
}
static void forget_width(int fd)
{
    if (fd >= 0 && fd < KNOWN) {
        __atomic_store_n(&wide[fd], 0, __ATOMIC_RELAXED);
    }
}
/* Is it still that directory, or another file by now? */
static bool is_wide(int fd)
{
    struct stat st;
    return fd >= 0 && fd < KNOWN && wide[fd] && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode);
}

/* Entries of getdents: a number, a position, a length, the name; the type is the last byte. */
i64 sys_getdents(struct user_thread *t UNUSED, const u64 a[6])
{
    const unsigned w = user_cfg.abi->word, head = 2 * w + 2;
    u64 room = MIN((u32)a[2], 65536u), done = 0;
    u8 *host = malloc(room ? room : 1);
    must(host);
    i64 n = safe_syscall(SYS_getdents64, (int)a[0], host, room);
    if (n > 0) {
        forget_width((int)a[0]);
    }
    for (i64 at = 0; at < n;) {
        struct dirent64 d;
        u8 out[sizeof(d) + 16] = {0};
        size_t left = (size_t)(n - at);
        memcpy(&d, host + at, MIN(left, sizeof(d)));
        size_t len = strlen(d.d_name), rec = align_up(head + len + 2, w);
        u64 ino = d.d_ino, off = position_out((int)a[0], (u64)d.d_off);
        memcpy(out, &ino, w);
        memcpy(out + w, &off, w);
        out[2 * w] = (u8)rec;
        out[2 * w + 1] = (u8)(rec >> 8);
        memcpy(out + head, d.d_name, len);
        out[rec - 1] = d.d_type;
        /* An entry is never longer in this form than in the host's. */
        if (!copy_to_guest(a[1] + done, out, rec)) {
            n = -EFAULT;
            break;
        }
        done += rec;
        at += d.d_reclen;
    }
    free(host);
    return n < 0 ? n : (i64)done;
}

i64 sys_getdents64(struct user_thread *t UNUSED, const u64 a[6])
{
    enum { OFF_AT = 8, RECLEN_AT = 16 };
    if (!user_range_ok(a[1], 1)) {
        return -EFAULT;
    }
    i64 n = safe_syscall(SYS_getdents64, (int)a[0], g2h(a[1]), (u32)a[2]);
    if (n > 0) {
        forget_width((int)a[0]);
    }
    for (u64 at = a[1]; n > 0 && at < a[1] + (u64)n;) {
        u64 off;
        u16 len;
        if (!get_u64(at + OFF_AT, &off) || !copy_from_guest(&len, at + RECLEN_AT, 2) || !len ||
            !put_u64(at + OFF_AT, position_out((int)a[0], off))) {
            return -EFAULT;
        }
        at += len;
    }
    return n;
}

static i64 seek(int fd, i64 to, int whence)
{
    bool shift = is_wide(fd);
    i64 r = safe_syscall(SYS_lseek, fd, shift && whence == SEEK_SET ? (u64)to << 32 : (u64)to, whence);
    return shift && r > INT_MAX ? r >> 32 : r;
}
i64 sys_lseek(struct user_thread *t UNUSED, const u64 a[6])
{
    return seek((int)a[0], (i64)a[1], (int)a[2]);
}
i64 sys_llseek(struct user_thread *t UNUSED, const u64 a[6])
{
    i64 r = seek((int)a[0], (i64)(a[1] << 32 | a[2]), (int)a[4]);
    return r < 0 ? r : put_u64(a[3], (u64)r) ? 0 : -EFAULT;
}
