/* Structures whose layout or bits differ between Linux's ports: the program's form here, the host's in its headers.
 * The 64-bit ports of the generic ABI (AArch64, RISC-V) share what is here; only x86-64 hosts differ from it.
 *
 * SPEC: include/uapi/asm-generic/{stat,fcntl,ipcbuf,sembuf}.h, arch/arm64/include/uapi/asm/fcntl.h. */
#ifndef MOSS_USER_CONVERT_H
#define MOSS_USER_CONVERT_H

#include <stdbool.h>
#include <sys/sem.h>
#include <sys/stat.h>

#include "base/types.h"

/* struct stat of asm-generic. */
struct guest_stat {
    u64 st_dev, st_ino;
    u32 st_mode, st_nlink, st_uid, st_gid;
    u64 st_rdev, pad1;
    i64 st_size;
    i32 st_blksize, pad2;
    i64 st_blocks;
    i64 st_atime_s;
    u64 st_atime_ns;
    i64 st_mtime_s;
    u64 st_mtime_ns;
    i64 st_ctime_s;
    u64 st_ctime_ns;
    u32 unused[2];
};
i64 stat_put_generic(u64 va, const struct stat *h); /* user_abi.put_stat */
/* And of x86-64. */
i64 stat_put_x86_64(u64 va, const struct stat *h);

i64 stat_put_word32(u64 va, const struct stat *h); /* the same, of ports with 32-bit longs (sys_word32.c) */

struct guest_semid_ds {
    struct {
        i32 key;
        u32 uid, gid, cuid, cgid, mode;
        u16 seq, pad;
        u64 unused[2];
    } sem_perm;
    i64 sem_otime, sem_ctime;
    u64 sem_nsems, unused[2];
};
void semid_to_guest(struct guest_semid_ds *g, const struct semid_ds *h);

/* The open flags that have other bits elsewhere; the program's own are user_abi.open_bits. */
int open_flags_from_guest(u64 flags);
u64 open_flags_to_guest(int flags);

#endif
