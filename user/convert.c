#include "user/convert.h"

#include <fcntl.h>
#include <string.h>

void stat_to_guest(struct guest_stat *g, const struct stat *h)
{
    *g = (struct guest_stat){
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
}
_Static_assert(sizeof(struct guest_stat) == 128, "as asm-generic has it");

void epoll_to_guest(struct guest_epoll_event *g, const struct epoll_event *h)
{
    *g = (struct guest_epoll_event){.events = h->events, .data = h->data.u64};
}
void epoll_from_guest(struct epoll_event *h, const struct guest_epoll_event *g)
{
    *h = (struct epoll_event){.events = g->events, .data.u64 = g->data};
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
void semid_from_guest(struct semid_ds *h, const struct guest_semid_ds *g)
{
    memset(h, 0, sizeof(*h));
    h->sem_perm.uid = g->sem_perm.uid;
    h->sem_perm.gid = g->sem_perm.gid;
    h->sem_perm.mode = (unsigned short)g->sem_perm.mode;
}

/* The kernel's bit: glibc's macro is 0 on 64-bit hosts. */
#if defined(__x86_64__)
#define HOST_LARGEFILE 0100000
#else
#define HOST_LARGEFILE 0400000
#endif

/* The generic ABI as Arm has it, and the host's own names. */
static const struct {
    u32 guest;
    int host;
} open_flags[] = {
    {0040000, O_DIRECTORY},
    {0100000, O_NOFOLLOW},
    {0200000, O_DIRECT},
    {0400000, HOST_LARGEFILE},
};
#define OPEN_MOVED_GUEST 0740000u
#define OPEN_MOVED_HOST  (O_DIRECTORY | O_NOFOLLOW | O_DIRECT | HOST_LARGEFILE)

int open_flags_from_guest(u64 flags)
{
    int h = (int)(flags & ~(u64)OPEN_MOVED_GUEST);
    for (unsigned i = 0; i < sizeof(open_flags) / sizeof(open_flags[0]); i++) {
        h |= flags & open_flags[i].guest ? open_flags[i].host : 0;
    }
    return h;
}
u64 open_flags_to_guest(int flags)
{
    u64 g = (u64)(u32)flags & ~(u64)OPEN_MOVED_HOST;
    for (unsigned i = 0; i < sizeof(open_flags) / sizeof(open_flags[0]); i++) {
        g |= flags & open_flags[i].host ? open_flags[i].guest : 0;
    }
    return g;
}
