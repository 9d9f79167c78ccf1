/* A C structure in two forms: as a program's ABI lays it out and as this host does. One list of fields (layouts.def)
 * serves both; who handles a call sees the host's form alone. */
#ifndef MOSS_USER_LAYOUT_H
#define MOSS_USER_LAYOUT_H

#include "base/types.h"

enum layout {
#define L(name, letter, fields, type) LAYOUT_##name,
#include "user/layouts.def"
#undef L
    LAYOUTS
};

/* What a C compiler for the ABI makes of a long and of an 8-byte integer. */
struct widths {
    u8 word;    /* bytes of a long and of a pointer */
    u8 align64; /* of 8-byte integers */
};
enum { LAYOUT_MAX = 256 }; /* bytes, in either form */

/* -- in the terms of the running program; false: EFAULT -- */
bool get_struct(enum layout l, u64 va, void *host);
bool put_struct(enum layout l, u64 va, const void *host);
u64 struct_size(enum layout l);
/* Which one a letter of syscalls.def names; LAYOUTS: none. */
enum layout layout_by_letter(char letter);

/* -- for any two ABIs -- */
size_t layout_size(const char *fields, struct widths w);
void layout_copy(const char *fields, void *to, struct widths tw, const void *from, struct widths fw);
const char *layout_fields(enum layout l);
size_t layout_host_size(enum layout l); /* as the compiler says */
extern const struct widths layout_host;

/* -- structures with addresses, or with fields that C libraries hide: the host's form -- */

struct flat_sigevent {
    u64 value;
    i32 signo, notify, rest[13]; /* rest[0]: the thread of SIGEV_THREAD_ID */
};
struct flat_ustat {
    i32 tfree;
    u64 tinode;
    char fname[6], fpack[6];
};
struct flat_msghdr {
    u64 name;
    u32 namelen;
    u64 iov, iovlen, control, controllen;
    u32 flags;
};
struct flat_fprog {
    u16 len;
    u64 filter;
};
struct flat_ifconf {
    i32 len;
    u64 buf;
};
struct flat_epoll_event {
    u32 events;
    u64 data;
};
struct flat_ipc_perm {
    i32 key;
    u32 uid, gid, cuid, cgid, mode;
    u16 seq, pad;
    u64 unused[2];
};
struct flat_semid32 { /* times of 64 bits are in two longs */
    struct flat_ipc_perm perm;
    u64 otime, otime_high, ctime, ctime_high, nsems, unused[2];
};
struct flat_shmid {
    struct flat_ipc_perm perm;
    u64 segsz, atime, dtime, ctime;
    i32 cpid, lpid;
    u64 nattch, unused[2];
};
struct flat_shmid32 {
    struct flat_ipc_perm perm;
    u64 segsz, atime, atime_high, dtime, dtime_high, ctime, ctime_high;
    i32 cpid, lpid;
    u64 nattch, unused[2];
};
struct flat_msqid {
    struct flat_ipc_perm perm;
    u64 stime, rtime, ctime, cbytes, qnum, qbytes;
    i32 lspid, lrpid;
    u64 unused[2];
};
struct flat_msqid32 {
    struct flat_ipc_perm perm;
    u64 stime, stime_high, rtime, rtime_high, ctime, ctime_high, cbytes, qnum, qbytes;
    i32 lspid, lrpid;
    u64 unused[2];
};
struct flat_stat { /* of i386 and of 32-bit Arm: time stamps end in 2038 */
    u64 dev, ino;
    u16 mode, nlink, uid, gid;
    u64 rdev, size, blksize, blocks, atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns, unused[2];
};
struct flat_stat64 {
    u64 dev;
    u32 pad0, ino32, mode, nlink, uid, gid;
    u64 rdev;
    u32 pad3;
    i64 size;
    u32 blksize;
    u64 blocks;
    u32 atime, atime_ns, mtime, mtime_ns, ctime, ctime_ns;
    u64 ino;
};
struct flat_old_stat {
    u16 dev, ino, mode, nlink, uid, gid, rdev;
    u64 size, atime, mtime, ctime;
};
struct flat_statfs64 {
    u64 type, bsize, blocks, bfree, bavail, files, ffree;
    i32 fsid[2];
    u64 namelen, frsize, flags, spare[4];
};
struct flat_shminfo {
    u64 max, min, mni, seg, all, unused[4];
};
struct flat_shm_info {
    i32 used_ids;
    u64 tot, rss, swp, attempts, successes;
};

#endif
