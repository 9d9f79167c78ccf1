#include "user/convert.h"

#include <fcntl.h>
#include <string.h>

#include "user/user_priv.h"

i64 stat_put_generic(u64 va, const struct stat *h)
{
    const struct guest_stat g = {
        .st_dev = h->st_dev,
        .st_ino = h->st_ino,
        .st_mode = h->st_mode,
        .st_nlink = (u32)h->st_nlink,
        .st_uid = h->st_uid,
        .st_gid = h->st_gid,
        .st_rdev = h->st_rdev,
        .st_size = h->st_size,
        .st_blksize = (i32)h->st_blksize,
        .st_blocks = h->st_blocks,
        .st_atime_s = h->st_atim.tv_sec,
        .st_atime_ns = (u64)h->st_atim.tv_nsec,
        .st_mtime_s = h->st_mtim.tv_sec,
        .st_mtime_ns = (u64)h->st_mtim.tv_nsec,
        .st_ctime_s = h->st_ctim.tv_sec,
        .st_ctime_ns = (u64)h->st_ctim.tv_nsec,
    };
    return copy_to_guest(va, &g, sizeof(g)) ? 0 : -EFAULT;
}
_Static_assert(sizeof(struct guest_stat) == 128, "as asm-generic has it");

i64 stat_put_x86_64(u64 va, const struct stat *h)
{
    const struct {
        u64 dev, ino, nlink;
        u32 mode, uid, gid, pad;
        u64 rdev;
        i64 size, blksize, blocks;
        u64 atime_s, atime_ns, mtime_s, mtime_ns, ctime_s, ctime_ns, unused[3];
    } g = {
        .dev = h->st_dev,
        .ino = h->st_ino,
        .nlink = h->st_nlink,
        .mode = h->st_mode,
        .uid = h->st_uid,
        .gid = h->st_gid,
        .rdev = h->st_rdev,
        .size = h->st_size,
        .blksize = h->st_blksize,
        .blocks = h->st_blocks,
        .atime_s = (u64)h->st_atim.tv_sec,
        .atime_ns = (u64)h->st_atim.tv_nsec,
        .mtime_s = (u64)h->st_mtim.tv_sec,
        .mtime_ns = (u64)h->st_mtim.tv_nsec,
        .ctime_s = (u64)h->st_ctim.tv_sec,
        .ctime_ns = (u64)h->st_ctim.tv_nsec,
    };
    _Static_assert(sizeof(g) == 144, "as x86-64 has it");
    return copy_to_guest(va, &g, sizeof(g)) ? 0 : -EFAULT;
}

void semid_to_guest(struct guest_semid_ds *g, const struct semid_ds *h)
{
    memset(g, 0, sizeof(*g));
    g->sem_perm.key = h->sem_perm.__key;
    g->sem_perm.uid = h->sem_perm.uid;
    g->sem_perm.gid = h->sem_perm.gid;
    g->sem_perm.cuid = h->sem_perm.cuid;
    g->sem_perm.cgid = h->sem_perm.cgid;
    g->sem_perm.mode = h->sem_perm.mode;
    g->sem_perm.seq = (u16)h->sem_perm.__seq;
    g->sem_otime = h->sem_otime;
    g->sem_ctime = h->sem_ctime;
    g->sem_nsems = h->sem_nsems;
}
/* The kernel's bit: glibc's macro is 0 on 64-bit hosts. */
#if defined(__x86_64__)
#define HOST_LARGEFILE 0100000
#else
#define HOST_LARGEFILE 0400000
#endif

static const int host_bits[OPEN_BITS] = {
    [OPEN_DIRECTORY] = O_DIRECTORY,
    [OPEN_NOFOLLOW] = O_NOFOLLOW,
    [OPEN_DIRECT] = O_DIRECT,
    [OPEN_LARGEFILE] = HOST_LARGEFILE,
};

int open_flags_from_guest(u64 flags)
{
    const u32 *guest = user_cfg.abi->open_bits;
    int h = (int)flags;
    for (unsigned i = 0; i < OPEN_BITS; i++) {
        h &= ~(int)guest[i];
    }
    for (unsigned i = 0; i < OPEN_BITS; i++) {
        h |= flags & guest[i] ? host_bits[i] : 0;
    }
    return h;
}
u64 open_flags_to_guest(int flags)
{
    const u32 *guest = user_cfg.abi->open_bits;
    u64 g = (u32)flags;
    for (unsigned i = 0; i < OPEN_BITS; i++) {
        g &= ~(u64)(u32)host_bits[i];
    }
    for (unsigned i = 0; i < OPEN_BITS; i++) {
        g |= flags & host_bits[i] ? guest[i] : 0;
    }
    return g;
}
