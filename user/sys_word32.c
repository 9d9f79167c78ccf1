/* Calls of ports whose longs have 32 bits, and of those that once had 16-bit users: what a 64-bit port never had.
 *
 * SPEC: Linux fs/stat.c, fs/statfs.c, fs/compat.c, kernel/uid16.c, kernel/sys.c, net/compat.c (socketcall(2)),
 * llseek(2). */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/sysmacros.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "base/bits.h"
#include "user/convert.h"
#include "user/syscall.h"

/* -- status of files ----------------------------------------------------------------------------------------------- */

static i64 put_stat64(i64 r, u64 va, const struct stat *h)
{
    const struct flat_stat64 g = {
        .dev = h->st_dev,
        .ino32 = (u32)h->st_ino,
        .mode = h->st_mode,
        .nlink = (u32)h->st_nlink,
        .uid = h->st_uid,
        .gid = h->st_gid,
        .rdev = h->st_rdev,
        .size = h->st_size,
        .blksize = (u32)h->st_blksize,
        .blocks = (u64)h->st_blocks,
        .atime = (u32)h->st_atim.tv_sec,
        .atime_ns = (u32)h->st_atim.tv_nsec,
        .mtime = (u32)h->st_mtim.tv_sec,
        .mtime_ns = (u32)h->st_mtim.tv_nsec,
        .ctime = (u32)h->st_ctim.tv_sec,
        .ctime_ns = (u32)h->st_ctim.tv_nsec,
        .ino = h->st_ino,
    };
    return r < 0 ? r : put_struct(LAYOUT_STAT64, va, &g) ? 0 : -EFAULT;
}
i64 sys_stat64(struct user_thread *t UNUSED, const u64 a[6])
{
    struct stat st;
    return put_stat64(fs_stat(AT_FDCWD, a[0], 0, &st), a[1], &st);
}
i64 sys_lstat64(struct user_thread *t UNUSED, const u64 a[6])
{
    struct stat st;
    return put_stat64(fs_stat(AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW, &st), a[1], &st);
}
i64 sys_fstat64(struct user_thread *t UNUSED, const u64 a[6])
{
    struct stat st;
    return put_stat64(fs_fstat((int)a[0], &st), a[1], &st);
}
i64 sys_fstatat64(struct user_thread *t UNUSED, const u64 a[6])
{
    struct stat st;
    return put_stat64(fs_stat((int)a[0], a[1], (int)a[3], &st), a[2], &st);
}

static u16 low_id(u32 id)
{
    return id > 0xffff ? 0xfffe : (u16)id;
}
static bool is_old_dev(dev_t d)
{
    return major(d) < 256 && minor(d) < 256;
}
static u16 old_dev(dev_t d)
{
    return (u16)(major(d) << 8 | minor(d));
}
/* What such a structure cannot say. */
static bool stat_overflows(const struct stat *h)
{
    return h->st_ino > UINT32_MAX || h->st_nlink > 0xffff || h->st_size > INT_MAX || !is_old_dev(h->st_dev) ||
           !is_old_dev(h->st_rdev);
}

i64 stat_put_word32(u64 va, const struct stat *h)
{
    const struct flat_stat g = {
        .dev = old_dev(h->st_dev),
        .ino = h->st_ino,
        .mode = (u16)h->st_mode,
        .nlink = (u16)h->st_nlink,
        .uid = low_id(h->st_uid),
        .gid = low_id(h->st_gid),
        .rdev = old_dev(h->st_rdev),
        .size = (u64)h->st_size,
        .blksize = (u64)h->st_blksize,
        .blocks = (u64)h->st_blocks,
        .atime = (u64)h->st_atim.tv_sec,
        .atime_ns = (u64)h->st_atim.tv_nsec,
        .mtime = (u64)h->st_mtim.tv_sec,
        .mtime_ns = (u64)h->st_mtim.tv_nsec,
        .ctime = (u64)h->st_ctim.tv_sec,
        .ctime_ns = (u64)h->st_ctim.tv_nsec,
    };
    return stat_overflows(h) ? -EOVERFLOW : put_struct(LAYOUT_STAT, va, &g) ? 0 : -EFAULT;
}

static i64 put_old_stat(i64 r, u64 va, const struct stat *h)
{
    const struct flat_old_stat g = {
        .dev = old_dev(h->st_dev),
        .ino = (u16)h->st_ino,
        .mode = (u16)h->st_mode,
        .nlink = (u16)h->st_nlink,
        .uid = low_id(h->st_uid),
        .gid = low_id(h->st_gid),
        .rdev = old_dev(h->st_rdev),
        .size = (u64)h->st_size,
        .atime = (u64)h->st_atim.tv_sec,
        .mtime = (u64)h->st_mtim.tv_sec,
        .ctime = (u64)h->st_ctim.tv_sec,
    };
    if (r < 0) {
        return r;
    }
    return stat_overflows(h) || h->st_ino > 0xffff ? -EOVERFLOW : put_struct(LAYOUT_OLD_STAT, va, &g) ? 0 : -EFAULT;
}
i64 sys_oldstat(struct user_thread *t UNUSED, const u64 a[6])
{
    struct stat st;
    return put_old_stat(fs_stat(AT_FDCWD, a[0], 0, &st), a[1], &st);
}
i64 sys_oldlstat(struct user_thread *t UNUSED, const u64 a[6])
{
    struct stat st;
    return put_old_stat(fs_stat(AT_FDCWD, a[0], AT_SYMLINK_NOFOLLOW, &st), a[1], &st);
}
i64 sys_oldfstat(struct user_thread *t UNUSED, const u64 a[6])
{
    struct stat st;
    return put_old_stat(fs_fstat((int)a[0], &st), a[1], &st);
}

/* -- file systems -------------------------------------------------------------------------------------------------- */

static i64 file_system(u64 path, struct statfs *s)
{
    char p[PATH_MAX];
    i64 r = guest_path(path, p);
    return r < 0 ? r : safe_syscall(SYS_statfs, p, s);
}

static i64 put_statfs(i64 r, u64 va, const struct statfs *s)
{
    u64 blocks = s->f_blocks | s->f_bfree | s->f_bavail | (u64)s->f_bsize | (u64)s->f_frsize;
    bool files = (s->f_files != ~0ull && s->f_files >> 32) || (s->f_ffree != ~0ull && s->f_ffree >> 32);
    if (r < 0 || blocks >> 32 || files) {
        return r < 0 ? r : -EOVERFLOW;
    }
    return put_struct(LAYOUT_STATFS, va, s) ? 0 : -EFAULT;
}
i64 sys_statfs(struct user_thread *t UNUSED, const u64 a[6])
{
    struct statfs s = {0};
    return put_statfs(file_system(a[0], &s), a[1], &s);
}
i64 sys_fstatfs(struct user_thread *t UNUSED, const u64 a[6])
{
    struct statfs s = {0};
    return put_statfs(safe_syscall(SYS_fstatfs, (int)a[0], &s), a[1], &s);
}

static i64 put_statfs64(i64 r, u64 va, const struct statfs *s)
{
    const struct flat_statfs64 g = {
        .type = (u64)s->f_type,
        .bsize = (u64)s->f_bsize,
        .blocks = s->f_blocks,
        .bfree = s->f_bfree,
        .bavail = s->f_bavail,
        .files = s->f_files,
        .ffree = s->f_ffree,
        .fsid = {s->f_fsid.__val[0], s->f_fsid.__val[1]},
        .namelen = (u64)s->f_namelen,
        .frsize = (u64)s->f_frsize,
        .flags = (u64)s->f_flags,
    };
    return r < 0 ? r : put_struct(LAYOUT_STATFS64, va, &g) ? 0 : -EFAULT;
}
i64 sys_statfs64(struct user_thread *t UNUSED, const u64 a[6])
{
    struct statfs s = {0};
    return a[1] != struct_size(LAYOUT_STATFS64) ? -EINVAL : put_statfs64(file_system(a[0], &s), a[2], &s);
}
i64 sys_fstatfs64(struct user_thread *t UNUSED, const u64 a[6])
{
    struct statfs s = {0};
    return a[1] != struct_size(LAYOUT_STATFS64) ? -EINVAL
                                                : put_statfs64(safe_syscall(SYS_fstatfs, (int)a[0], &s), a[2], &s);
}

/* -- 64-bit numbers ------------------------------------------------------------------------------------------------ */

/* The offset in pages of 4096 bytes. */
i64 sys_mmap2(struct user_thread *t, const u64 a[6])
{
    return sys_mmap(t, (const u64[6]){a[0], a[1], a[2], a[3], a[4], a[5] << 12});
}

/* -- all arguments in memory --------------------------------------------------------------------------------------- */

i64 sys_old_mmap(struct user_thread *t, const u64 a[6])
{
    u64 v[6];
    return get_struct(LAYOUT_MMAP_ARGS, a[0], v) ? sys_mmap(t, v) : -EFAULT;
}
i64 sys_old_select(struct user_thread *t, const u64 a[6])
{
    u64 v[6] = {0};
    return get_struct(LAYOUT_SELECT_ARGS, a[0], v) ? sys_select(t, v) : -EFAULT;
}

#define PASS(nm, ar) \
    { \
        .name = #nm, .args = ar, .how = SYSCALL_PASS, .host = SYS_##nm \
    }
#define CALL(nm, ar) \
    { \
        .name = #nm, .args = ar, .how = SYSCALL_CALL, .fn = sys_##nm \
    }
static const struct sys_row socket_calls[] = {
    [1] = PASS(socket, "ddd"),        [2] = PASS(bind, "fpu"),          [3] = PASS(connect, "fpu"),
    [4] = PASS(listen, "fd"),         [5] = PASS(accept, "fpp"),        [6] = PASS(getsockname, "fpp"),
    [7] = PASS(getpeername, "fpp"),   [8] = PASS(socketpair, "dddp"),   [9] = PASS(sendto, "fbux"), /* send */
    [10] = PASS(recvfrom, "fBux"),                                                                  /* recv */
    [11] = PASS(sendto, "fbuxpu"),    [12] = PASS(recvfrom, "fBuxpp"),  [13] = PASS(shutdown, "fd"),
    [14] = CALL(setsockopt, "fddpu"), [15] = CALL(getsockopt, "fddpp"), [16] = CALL(sendmsg, "fpx"),
    [17] = CALL(recvmsg, "fpx"),      [18] = PASS(accept4, "fppx"),     [19] = CALL(recvmmsg, "fpuxT"),
    [20] = CALL(sendmmsg, "fpux"),
};
#undef PASS
#undef CALL

i64 sys_socketcall(struct user_thread *t, const u64 a[6])
{
    u64 v[6] = {0};
    if (a[0] >= ARRAY_LEN(socket_calls) || !socket_calls[a[0]].name) {
        return -EINVAL;
    }
    const struct sys_row *row = &socket_calls[a[0]];
    for (unsigned i = 0; row->args[i]; i++) {
        if (!get_word(a[1] + (u64)i * user_cfg.abi->word, &v[i])) {
            return -EFAULT;
        }
    }
    return syscall_perform(t, row, a[0], v);
}

/* -- users and groups of 16 bits ----------------------------------------------------------------------------------- */

#define ID16(name, call) \
    i64 sys_##name(struct user_thread *t UNUSED, const u64 a[6] UNUSED) \
    { \
        return low_id((u32)host_syscall(SYS_##call)); \
    }
ID16(getuid16, getuid)
ID16(geteuid16, geteuid)
ID16(getgid16, getgid)
ID16(getegid16, getegid)

static i64 three_ids(long nr, const u64 a[6])
{
    u32 id[3] = {0};
    i64 r = host_syscall(nr, &id[0], &id[1], &id[2]);
    for (unsigned i = 0; i < 3 && r >= 0; i++) {
        u16 low = low_id(id[i]);
        r = copy_to_guest(a[i], &low, 2) ? r : -EFAULT;
    }
    return r;
}
i64 sys_getresuid16(struct user_thread *t UNUSED, const u64 a[6])
{
    return three_ids(SYS_getresuid, a);
}
i64 sys_getresgid16(struct user_thread *t UNUSED, const u64 a[6])
{
    return three_ids(SYS_getresgid, a);
}

enum { GROUPS_MAX = 65536 };

i64 sys_getgroups16(struct user_thread *t UNUSED, const u64 a[6])
{
    int n = (int)a[0];
    u32 *v = malloc(GROUPS_MAX * sizeof(*v));
    must(v);
    i64 r = n < 0 ? -EINVAL : host_syscall(SYS_getgroups, MIN(n, GROUPS_MAX), v);
    for (i64 i = 0; n && i < r; i++) {
        u16 low = low_id(v[i]);
        if (!copy_to_guest(a[1] + 2 * (u64)i, &low, 2)) {
            r = -EFAULT;
        }
    }
    free(v);
    return r;
}
i64 sys_setgroups16(struct user_thread *t UNUSED, const u64 a[6])
{
    u64 n = (u32)a[0];
    if (n > GROUPS_MAX) {
        return -EINVAL;
    }
    u32 *v = malloc(GROUPS_MAX * sizeof(*v));
    must(v);
    i64 r = 0;
    for (u64 i = 0; i < n && r == 0; i++) {
        u16 id = 0;
        r = copy_from_guest(&id, a[1] + 2 * i, 2) ? 0 : -EFAULT;
        v[i] = id == 0xffff ? ~0u : id;
    }
    r = r < 0 ? r : host_syscall(SYS_setgroups, n, v);
    free(v);
    return r;
}

/* -- the machine --------------------------------------------------------------------------------------------------- */

/* Memory that 32 bits of bytes cannot say is said in larger units. */
i64 sys_sysinfo(struct user_thread *t UNUSED, const u64 a[6])
{
    struct sysinfo s;
    if (sysinfo(&s) < 0) {
        return -errno;
    }
    if ((s.totalram >> 32 || s.totalswap >> 32) && user_cfg.abi->word == 4) {
        unsigned shift = 0;
        for (; s.mem_unit < 4096; s.mem_unit <<= 1) {
            shift++;
        }
        s.totalram >>= shift;
        s.freeram >>= shift;
        s.sharedram >>= shift;
        s.bufferram >>= shift;
        s.totalswap >>= shift;
        s.freeswap >>= shift;
        s.totalhigh >>= shift;
        s.freehigh >>= shift;
    }
    return put_struct(LAYOUT_SYSINFO, a[0], &s) ? 0 : -EFAULT;
}

/* Fields of uname, `size` bytes each, without the domain's name. */
static i64 short_uname(u64 va, size_t size)
{
    struct utsname u;
    char out[5 * 65] = {0};
    if (uname(&u) < 0) {
        return -errno;
    }
    const char *v[] = {u.sysname, u.nodename, user_cfg.uname_release ? user_cfg.uname_release : u.release, u.version,
                       user_cfg.abi->machine};
    for (unsigned i = 0; i < ARRAY_LEN(v); i++) {
        snprintf(out + i * size, size, "%s", v[i]);
    }
    return copy_to_guest(va, out, 5 * size) ? 0 : -EFAULT;
}
i64 sys_olduname(struct user_thread *t UNUSED, const u64 a[6])
{
    return short_uname(a[0], 65);
}
i64 sys_oldolduname(struct user_thread *t UNUSED, const u64 a[6])
{
    return short_uname(a[0], 9);
}

/* -- bit maps: arrays of longs, alike in memory but for their length ----------------------------------------------- */

i64 sys_sched_getaffinity(struct user_thread *t UNUSED, const u64 a[6])
{
    u64 n = a[1], host[1024];
    if (n % user_cfg.abi->word) {
        return -EINVAL;
    }
    i64 r = host_syscall(SYS_sched_getaffinity, (int)a[0], MIN(align_up(n, 8), sizeof(host)), host);
    r = MIN(r, (i64)n);
    return r < 0 || copy_to_guest(a[2], host, (size_t)r) ? r : -EFAULT;
}

i64 sys_get_mempolicy(struct user_thread *t UNUSED, const u64 a[6])
{
    u64 host[512] = {0}, bytes = a[2] ? align_up(a[2] - 1, 8u * user_cfg.abi->word) / 8 : 0;
    int policy = 0;
    if (bytes > sizeof(host)) {
        return -EINVAL;
    }
    i64 r =
        host_syscall(SYS_get_mempolicy, &policy, a[1] ? host : NULL, a[1] ? a[2] : 0, a[3] ? g2h(a[3]) : NULL, a[4]);
    if (r >= 0 && ((a[0] && !put_u32(a[0], (u32)policy)) || (a[1] && !copy_to_guest(a[1], host, bytes)))) {
        return -EFAULT;
    }
    return r;
}
