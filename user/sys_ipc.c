/* System V's messages, semaphores and shared memory, and the POSIX queues' notices: structures that ports lay out each
 * in its way, and the call through which older ports make all of them.
 *
 * SPEC: ipc(2), semctl(2), shmctl(2), msgctl(2), mq_notify(3);
 * include/uapi/asm-generic/{ipcbuf,sembuf,shmbuf,msgbuf}.h. Not modelled: the structures from before Linux 2.2 (calls
 * without IPC_64). */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <string.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "base/bits.h"
#include "base/log.h"
#include "user/convert.h"
#include "user/syscall.h"

#define IPC_64 0x100

static void perm_out(struct flat_ipc_perm *f, const struct ipc_perm *p)
{
    *f = (struct flat_ipc_perm){p->__key, p->uid, p->gid, p->cuid, p->cgid, p->mode, (u16)p->__seq, 0, {0}};
}
static void perm_in(struct ipc_perm *p, const struct flat_ipc_perm *f)
{
    p->uid = f->uid;
    p->gid = f->gid;
    p->mode = (unsigned short)f->mode;
}

/* -- semaphores ---------------------------------------------------------------------------------------------------- */

/* The number of semaphores in a set, for arrays whose length the call does not say. */
static i64 sem_count(int id)
{
    struct semid_ds ds;
    i64 r = safe_syscall(SYS_semctl, id, 0, IPC_STAT, &ds);
    return r < 0 ? r : (i64)ds.sem_nsems;
}

static bool put_semid(u64 va, const struct semid_ds *h)
{
    if (user_cfg.abi->word == 8 && !user_cfg.abi->semid_pairs) {
        struct guest_semid_ds g;
        semid_to_guest(&g, h);
        return copy_to_guest(va, &g, sizeof(g));
    }
    struct flat_semid32 f = {.otime = (u64)h->sem_otime,
                             .otime_high = (u64)h->sem_otime >> 32,
                             .ctime = (u64)h->sem_ctime,
                             .ctime_high = (u64)h->sem_ctime >> 32,
                             .nsems = h->sem_nsems};
    perm_out(&f.perm, &h->sem_perm);
    return put_struct(LAYOUT_SEMID32, va, &f);
}

static i64 sem_set(int id, u64 va)
{
    struct semid_ds h;
    struct flat_ipc_perm p;
    memset(&h, 0, sizeof(h));
    if (!get_struct(LAYOUT_IPC_PERM, va, &p)) {
        return -EFAULT;
    }
    perm_in(&h.sem_perm, &p);
    return safe_syscall(SYS_semctl, id, 0, IPC_SET, &h);
}

static i64 sem_stat(int id, int cmd, u64 va)
{
    struct semid_ds h;
    i64 r = safe_syscall(SYS_semctl, id, 0, cmd, &h);
    return r < 0 ? r : put_semid(va, &h) ? r : -EFAULT;
}

i64 sys_semctl(struct user_thread *t, const u64 a[6])
{
    int id = (int)a[0], num = (int)a[1], cmd = (int)a[2] & ~0x100; /* IPC_64 is implied */
    u64 arg = a[3];
    i64 n;
    (void)t;
    switch (cmd) {
    case IPC_STAT:
    case SEM_STAT:
    case SEM_STAT_ANY:
        return sem_stat(id, cmd, arg);
    case IPC_SET:
        return sem_set(id, arg);
    case GETALL:
    case SETALL:
        n = sem_count(id);
        if (n < 0 || !user_range_ok(arg, (u64)n * 2)) {
            return n < 0 ? n : -EFAULT;
        }
        return safe_syscall(SYS_semctl, id, num, cmd, g2h(arg));
    case IPC_INFO:
    case SEM_INFO:
        if (!user_range_ok(arg, sizeof(struct seminfo))) {
            return -EFAULT;
        }
        return safe_syscall(SYS_semctl, id, num, cmd, g2h(arg));
    case IPC_RMID:
    case GETPID:
    case GETVAL:
    case GETNCNT:
    case GETZCNT:
        return safe_syscall(SYS_semctl, id, num, cmd);
    case SETVAL:
        return safe_syscall(SYS_semctl, id, num, cmd, (int)arg);
    default:
        return -EINVAL;
    }
}

/* -- shared memory ------------------------------------------------------------------------------------------------- */

static bool put_shmid(u64 va, const struct shmid_ds *h)
{
    if (user_cfg.abi->word == 8) {
        struct flat_shmid f = {.segsz = h->shm_segsz,
                               .atime = (u64)h->shm_atime,
                               .dtime = (u64)h->shm_dtime,
                               .ctime = (u64)h->shm_ctime,
                               .cpid = h->shm_cpid,
                               .lpid = h->shm_lpid,
                               .nattch = h->shm_nattch};
        perm_out(&f.perm, &h->shm_perm);
        return put_struct(LAYOUT_SHMID, va, &f);
    }
    struct flat_shmid32 f = {.segsz = h->shm_segsz,
                             .atime = (u64)h->shm_atime,
                             .atime_high = (u64)h->shm_atime >> 32,
                             .dtime = (u64)h->shm_dtime,
                             .dtime_high = (u64)h->shm_dtime >> 32,
                             .ctime = (u64)h->shm_ctime,
                             .ctime_high = (u64)h->shm_ctime >> 32,
                             .cpid = h->shm_cpid,
                             .lpid = h->shm_lpid,
                             .nattch = h->shm_nattch};
    perm_out(&f.perm, &h->shm_perm);
    return put_struct(LAYOUT_SHMID32, va, &f);
}

i64 sys_shmctl(struct user_thread *t UNUSED, const u64 a[6])
{
    int id = (int)a[0], cmd = (int)a[1] & ~IPC_64;
    struct shmid_ds h;
    struct flat_shminfo limits;
    struct flat_shm_info info;
    struct flat_ipc_perm p;
    i64 r;
    memset(&h, 0, sizeof(h));
    switch (cmd) {
    case IPC_STAT:
    case SHM_STAT:
    case SHM_STAT_ANY:
        r = safe_syscall(SYS_shmctl, id, cmd, &h);
        return r < 0 ? r : put_shmid(a[2], &h) ? r : -EFAULT;
    case IPC_SET:
        if (!get_struct(LAYOUT_IPC_PERM, a[2], &p)) {
            return -EFAULT;
        }
        perm_in(&h.shm_perm, &p);
        return safe_syscall(SYS_shmctl, id, cmd, &h);
    case IPC_INFO:
        r = safe_syscall(SYS_shmctl, id, cmd, &limits);
        if (user_cfg.abi->word == 4) { /* what is more is told so */
            limits.max = MIN(limits.max, (u64)INT_MAX);
        }
        return r < 0 ? r : put_struct(LAYOUT_SHMINFO, a[2], &limits) ? r : -EFAULT;
    case SHM_INFO:
        r = safe_syscall(SYS_shmctl, id, cmd, &info);
        return r < 0 ? r : put_struct(LAYOUT_SHM_INFO, a[2], &info) ? r : -EFAULT;
    case IPC_RMID:
    case SHM_LOCK:
    case SHM_UNLOCK:
        return safe_syscall(SYS_shmctl, id, cmd, NULL);
    default:
        return -EINVAL;
    }
}

/* -- messages ------------------------------------------------------------------------------------------------------ */

static bool put_msqid(u64 va, const struct msqid_ds *h)
{
    if (user_cfg.abi->word == 8) {
        struct flat_msqid f = {.stime = (u64)h->msg_stime,
                               .rtime = (u64)h->msg_rtime,
                               .ctime = (u64)h->msg_ctime,
                               .cbytes = h->__msg_cbytes,
                               .qnum = h->msg_qnum,
                               .qbytes = h->msg_qbytes,
                               .lspid = h->msg_lspid,
                               .lrpid = h->msg_lrpid};
        perm_out(&f.perm, &h->msg_perm);
        return put_struct(LAYOUT_MSQID, va, &f);
    }
    struct flat_msqid32 f = {.stime = (u64)h->msg_stime,
                             .stime_high = (u64)h->msg_stime >> 32,
                             .rtime = (u64)h->msg_rtime,
                             .rtime_high = (u64)h->msg_rtime >> 32,
                             .ctime = (u64)h->msg_ctime,
                             .ctime_high = (u64)h->msg_ctime >> 32,
                             .cbytes = h->__msg_cbytes,
                             .qnum = h->msg_qnum,
                             .qbytes = h->msg_qbytes,
                             .lspid = h->msg_lspid,
                             .lrpid = h->msg_lrpid};
    perm_out(&f.perm, &h->msg_perm);
    return put_struct(LAYOUT_MSQID32, va, &f);
}

static i64 msg_set(int id, u64 va)
{
    struct msqid_ds h;
    struct flat_msqid f;
    struct flat_msqid32 n;
    bool narrow = user_cfg.abi->word == 4;
    memset(&h, 0, sizeof(h));
    if (!(narrow ? get_struct(LAYOUT_MSQID32, va, &n) : get_struct(LAYOUT_MSQID, va, &f))) {
        return -EFAULT;
    }
    perm_in(&h.msg_perm, narrow ? &n.perm : &f.perm);
    h.msg_qbytes = narrow ? n.qbytes : f.qbytes;
    return safe_syscall(SYS_msgctl, id, IPC_SET, &h);
}

i64 sys_msgctl(struct user_thread *t UNUSED, const u64 a[6])
{
    int id = (int)a[0], cmd = (int)a[1] & ~IPC_64;
    struct msqid_ds h;
    i64 r;
    switch (cmd) {
    case IPC_STAT:
    case MSG_STAT:
    case MSG_STAT_ANY:
        memset(&h, 0, sizeof(h));
        r = safe_syscall(SYS_msgctl, id, cmd, &h);
        return r < 0 ? r : put_msqid(a[2], &h) ? r : -EFAULT;
    case IPC_SET:
        return msg_set(id, a[2]);
    case IPC_INFO:
    case MSG_INFO: /* struct msginfo is alike on all ports */
        return user_range_ok(a[2], sizeof(struct msginfo)) ? safe_syscall(SYS_msgctl, id, cmd, g2h(a[2])) : -EFAULT;
    case IPC_RMID:
        return safe_syscall(SYS_msgctl, id, cmd, NULL);
    default:
        return -EINVAL;
    }
}

/* struct msgbuf: a long, and the text behind it. */
struct message {
    i64 type;
    u8 text[];
};
#define TEXT_MAX (16u << 20) /* more than any kernel lets through */

i64 sys_msgsnd(struct user_thread *t UNUSED, const u64 a[6])
{
    u64 w = user_cfg.abi->word, n = a[2], type;
    if (n > TEXT_MAX) {
        return -EINVAL;
    }
    struct message *m = malloc(sizeof(*m) + n);
    must(m);
    i64 r = -EFAULT;
    if (get_word(a[1], &type) && copy_from_guest(m->text, a[1] + w, n)) {
        m->type = sext(type, 8 * (unsigned)w);
        r = safe_syscall(SYS_msgsnd, (int)a[0], m, n, (int)a[3]);
    }
    free(m);
    return r;
}

i64 sys_msgrcv(struct user_thread *t UNUSED, const u64 a[6])
{
    u64 w = user_cfg.abi->word, n = a[2];
    if ((i64)sext(n, 8 * (unsigned)w) < 0) {
        return -EINVAL;
    }
    n = MIN(n, TEXT_MAX);
    struct message *m = malloc(sizeof(*m) + n);
    must(m);
    i64 r = safe_syscall(SYS_msgrcv, (int)a[0], m, n, a[3], (int)a[4]);
    if (r >= 0 && (!put_word(a[1], (u64)m->type) || !copy_to_guest(a[1] + w, m->text, (size_t)r))) {
        r = -EFAULT;
    }
    free(m);
    return r;
}

/* -- all through one call ------------------------------------------------------------------------------------------ */

enum { IPC_SEMOP = 1, IPC_SEMGET, IPC_SEMCTL, IPC_SEMTIMEDOP };
enum { IPC_MSGSND = 11, IPC_MSGRCV, IPC_MSGGET, IPC_MSGCTL };
enum { IPC_SHMAT = 21, IPC_SHMDT, IPC_SHMGET, IPC_SHMCTL };

static i64 ipc_pass(long nr, const char *args, const u64 *a)
{
    const struct sys_row row = {.name = "ipc", .args = args};
    u64 v[6] = {a[0], a[1], a[2], a[3]};
    return syscall_pass(&row, nr, v);
}

/* The structures of these commands are today's only with IPC_64. */
static bool is_todays(u64 cmd, int stat, int stat_any)
{
    bool plain =
        cmd & IPC_64 || ((int)cmd != IPC_SET && (int)cmd != IPC_STAT && (int)cmd != stat && (int)cmd != stat_any);
    if (!plain) {
        unimp("ipc", "structures of before Linux 2.2, command %llu", (unsigned long long)cmd);
    }
    return plain;
}

static i64 ipc_semctl(struct user_thread *t, const u64 a[6])
{
    u64 arg;
    if (!a[4] || !get_word(a[4], &arg)) {
        return a[4] ? -EFAULT : -EINVAL;
    }
    return is_todays(a[3], SEM_STAT, SEM_STAT_ANY) ? sys_semctl(t, (const u64[6]){a[1], a[2], a[3], arg}) : -EINVAL;
}

static i64 ipc_msgrcv(struct user_thread *t, const u64 a[6])
{
    unsigned w = user_cfg.abi->word;
    u64 buf = a[4], type = a[5];
    if (a[0] >> 16 == 0 && (!a[4] || !get_word(a[4], &buf) || !get_word(a[4] + w, &type))) { /* the pair of them */
        return a[4] ? -EFAULT : -EINVAL;
    }
    return sys_msgrcv(t, (const u64[6]){a[1], buf, a[2], (u64)sext(type, 8 * w), a[3]});
}

static i64 ipc_shmat(const u64 a[6])
{
    i64 at = a[0] >> 16 == 1 ? -EINVAL : user_shmat((int)a[1], a[4], (int)a[2]);
    return at < 0 ? at : put_word(a[3], (u64)at) ? 0 : -EFAULT;
}

i64 sys_ipc(struct user_thread *t, const u64 a[6])
{
    switch (a[0] & 0xffff) {
    case IPC_SEMOP:
        return ipc_pass(SYS_semop, "dpu", (const u64[4]){a[1], a[4], a[2]});
    case IPC_SEMTIMEDOP:
        return ipc_pass(SYS_semtimedop, "dpu<T", (const u64[4]){a[1], a[4], a[2], a[5]});
    case IPC_SEMGET:
        return ipc_pass(SYS_semget, "ddx", (const u64[4]){a[1], a[2], a[3]});
    case IPC_SEMCTL:
        return ipc_semctl(t, a);
    case IPC_MSGSND:
        return sys_msgsnd(t, (const u64[6]){a[1], a[4], a[2], a[3]});
    case IPC_MSGRCV:
        return ipc_msgrcv(t, a);
    case IPC_MSGGET:
        return ipc_pass(SYS_msgget, "dx", (const u64[4]){a[1], a[2]});
    case IPC_MSGCTL:
        return is_todays(a[2], MSG_STAT, MSG_STAT_ANY) ? sys_msgctl(t, (const u64[6]){a[1], a[2], a[4]}) : -EINVAL;
    case IPC_SHMAT:
        return ipc_shmat(a);
    case IPC_SHMDT:
        return user_shmdt(a[4]);
    case IPC_SHMGET:
        return ipc_pass(SYS_shmget, "dux", (const u64[4]){a[1], a[2], a[3]});
    case IPC_SHMCTL:
        return is_todays(a[2], SHM_STAT, SHM_STAT_ANY) ? sys_shmctl(t, (const u64[6]){a[1], a[2], a[4]}) : -EINVAL;
    default:
        return -ENOSYS;
    }
}

/* -- the notice of a POSIX queue: its value is an address where a thread is asked for ------------------------------ */

i64 sys_mq_notify(struct user_thread *t UNUSED, const u64 a[6])
{
    enum { COOKIE = 32 };
    struct flat_sigevent ev;
    if (a[1] && !get_struct(LAYOUT_SIGEVENT, a[1], &ev)) {
        return -EFAULT;
    }
    if (a[1] && ev.notify == SIGEV_THREAD) {
        if (!user_range_ok(ev.value, COOKIE)) {
            return -EFAULT;
        }
        ev.value = (u64)(uintptr_t)g2h(ev.value);
    }
    return safe_syscall(SYS_mq_notify, (int)a[0], a[1] ? &ev : NULL);
}
