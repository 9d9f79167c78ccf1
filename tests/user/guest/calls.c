/* System calls whose arguments hold addresses that moss has to move: asynchronous I/O, kcmp, terminals. By number
 * where the C library does not wrap them. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/kcmp.h>
#include <linux/sockios.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/ipc.h>
#include <sys/msg.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sem.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include <linux/vm_sockets.h> /* behind sys/socket.h */

#include "check.h"

static long get_events(aio_context_t ctx, long least, long most, struct io_event *ev)
{
    struct timespec ts = {5, 0};
    return syscall(SYS_io_getevents, ctx, least, most, ev, &ts);
}

static void aio(void)
{
    char text[] = "written by a request", half[10], rest[32] = {0};
    struct iovec v[2] = {{half, sizeof(half)}, {rest, sizeof(rest)}};
    FILE *f = tmpfile();
    unsigned fd = (unsigned)fileno(f);
    struct iocb put = {.aio_fildes = fd,
                       .aio_lio_opcode = IOCB_CMD_PWRITE,
                       .aio_buf = (unsigned long)text,
                       .aio_nbytes = sizeof(text),
                       .aio_data = 11};
    struct iocb get = {.aio_fildes = fd,
                       .aio_lio_opcode = IOCB_CMD_PREADV,
                       .aio_buf = (unsigned long)v,
                       .aio_nbytes = 2,
                       .aio_data = 22};
    struct iocb bad = {.aio_fildes = fd, .aio_lio_opcode = IOCB_CMD_PREAD, .aio_buf = ~0xfffffull, .aio_nbytes = 8};
    struct iocb *list[] = {&put, &bad, &get};
    struct io_event ev[4];
    aio_context_t ctx = 0;
    CHECK(syscall(SYS_io_setup, 8, &ctx) == 0 && ctx);
    CHECK(syscall(SYS_io_setup, 8, &ctx) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_io_submit, ctx, 3, list) == 1); /* up to the bad one */
    CHECK(get_events(ctx, 1, 4, ev) == 1 && ev[0].obj == (unsigned long)&put && ev[0].data == 11 &&
          ev[0].res == sizeof(text));
    CHECK(syscall(SYS_io_submit, ctx, 2, list + 1) == -1 && errno == EFAULT);
    CHECK(syscall(SYS_io_submit, ctx, 1, list + 2) == 1);
    CHECK(get_events(ctx, 1, 4, ev) == 1 && ev[0].obj == (unsigned long)&get && ev[0].res == sizeof(text));
    CHECK(!memcmp(half, text, sizeof(half)) && !strcmp(rest, text + sizeof(half)) && get.aio_buf == (unsigned long)v);
    CHECK(syscall(SYS_io_destroy, ctx) == 0);
    CHECK(get_events(ctx, 0, 4, ev) == -1 && errno == EINVAL);
    fclose(f);
}

/* As many events as the program has room for. */
static void many_events(void)
{
    enum { MANY = 5000 };
    static struct epoll_event ev[MANY];
    struct rlimit lim = {MANY + 100, MANY + 100};
    int p[2], ep = epoll_create1(0);
    if (setrlimit(RLIMIT_NOFILE, &lim) < 0 || pipe(p) < 0) {
        return;
    }
    for (int i = 0; i < MANY; i++) {
        struct epoll_event one = {.events = EPOLLOUT};
        CHECK(epoll_ctl(ep, EPOLL_CTL_ADD, dup(p[1]), &one) == 0);
    }
    CHECK(epoll_wait(ep, ev, MANY, 0) == MANY);
}

static void compare(void)
{
    int p[2], ep = epoll_create1(0), pid = getpid();
    struct epoll_event ev = {.events = EPOLLIN};
    CHECK(pipe(p) == 0 && epoll_ctl(ep, EPOLL_CTL_ADD, p[0], &ev) == 0);
    struct kcmp_epoll_slot slot = {.efd = (unsigned)ep, .tfd = (unsigned)p[0]};
    CHECK(syscall(SYS_kcmp, pid, pid, KCMP_FILE, p[0], p[0]) == 0);
    CHECK(syscall(SYS_kcmp, pid, pid, KCMP_EPOLL_TFD, p[0], &slot) == 0);
    CHECK(syscall(SYS_kcmp, pid, pid, KCMP_EPOLL_TFD, p[0], ~0ul << 20) == -1 && errno == EFAULT);
}

static void terminal(void)
{
    struct termios locked;
    int pty = open("/dev/ptmx", O_RDWR | O_NOCTTY);
    if (pty >= 0) { /* not everywhere */
        CHECK(ioctl(pty, TIOCGLCKTRMIOS, &locked) == 0 && locked.c_lflag == 0);
        close(pty);
    }
}

static void socket_requests(void)
{
    unsigned cid = 0;
    int unsent = -1, tcp = socket(AF_INET, SOCK_STREAM, 0), vsock = open("/dev/vsock", O_RDONLY);
    CHECK(ioctl(tcp, SIOCOUTQNSD, &unsent) == 0 && unsent == 0);
    CHECK(ioctl(tcp, SIOCOUTQNSD, ~0ul << 20) == -1 && errno == EFAULT);
    for (unsigned bit = 47; bit < 56; bit++) { /* beyond all that a program may have */
        socklen_t len = sizeof(int);
        CHECK(getsockopt(tcp, SOL_SOCKET, SO_TYPE, (void *)(1ul << bit | 4096), &len) == -1 && errno == EFAULT);
    }
    close(tcp);
    if (vsock >= 0) { /* not everywhere */
        CHECK(ioctl(vsock, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid) == 0 && cid != 0);
        close(vsock);
    }
}

/* Kernels that can put processes back from a file let ticks be set. */
#define TFD_IOC_SET_TICKS _IOW('T', 0, unsigned long long) /* linux/timerfd.h: not beside fcntl.h */
static void timer_ticks(void)
{
    unsigned long long ticks = 7, seen = 0;
    int fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK);
    if (access("/proc/sys/kernel/ns_last_pid", F_OK) == 0) {
        CHECK(ioctl(fd, TFD_IOC_SET_TICKS, &ticks) == 0 && read(fd, &seen, sizeof(seen)) == 8 && seen == ticks);
    }
    close(fd);
}

/* What a program closes is closed, but for moss's own: a log does not go to the program's next file. */
static void closed(void)
{
    struct stat st;
    FILE *f;
    CHECK(syscall(SYS_close_range, 3, ~0u, 0) == 0);
    for (int fd = 3; fd < 1100; fd++) {
        CHECK(fcntl(fd, F_GETFD) == -1 && errno == EBADF && fstat(fd, &st) == -1);
    }
    f = tmpfile();
    CHECK(fileno(f) == 3);
    CHECK(fstat(3, &st) == 0 && fstat(3, &st) == 0 && st.st_size == 0);
    fclose(f);
}

static void descriptors(void)
{
    unsigned ids[2] = {1, 1};
    int p[2];
    CHECK(pipe(p) == 0 && fcntl(p[0], F_SETOWN, getpid()) == 0);
    CHECK(fcntl(p[0], 17 /* F_GETOWNER_UIDS */, ids) == 0 && ids[0] == getuid() && ids[1] == geteuid());
    FILE *f = tmpfile();
    CHECK(lseek(fileno(f), 0x180000005, SEEK_SET) == 0x180000005 && lseek(fileno(f), -6, SEEK_CUR) == 0x17fffffff);
    fclose(f);
    struct {
        long type;
        char text[8];
    } out = {(long)(sizeof(long) == 8 ? 0x100000001 : 0x40000001), "far"}, in;
    int q = msgget(IPC_PRIVATE, 0600);
    CHECK(msgsnd(q, &out, 8, 0) == 0 && msgrcv(q, &in, 8, 1, IPC_NOWAIT) == -1);
    CHECK(msgrcv(q, &in, 8, out.type, IPC_NOWAIT) == 8 && in.type == out.type);
    msgctl(q, IPC_RMID, NULL);
    CHECK(prctl(PR_TASK_PERF_EVENTS_DISABLE) == 0);
}

static void system_v(void)
{
    struct sembuf up = {0, 2, 0}, down = {0, -3, 0};
    struct timespec ts = {0, 1000000};
    struct semid_ds sem;
    struct shmid_ds shm;
    int s = semget(IPC_PRIVATE, 2, 0600), m = shmget(IPC_PRIVATE, 8192, 0600);
    CHECK(semop(s, &up, 1) == 0 && semctl(s, 0, GETVAL) == 2 && semctl(s, 0, GETPID) == getpid());
    CHECK(semtimedop(s, &down, 1, &ts) == -1 && errno == EAGAIN);
    CHECK(semtimedop(s, &up, 1, &ts) == 0 && semtimedop(s, &down, 1, NULL) == 0 && semctl(s, 0, GETVAL) == 1);
    CHECK(semctl(s, 0, IPC_STAT, &sem) == 0 && sem.sem_nsems == 2);
    CHECK(semctl(s, 0, IPC_RMID) == 0);
    char *a = shmat(m, NULL, 0), *b = shmat(m, NULL, SHM_RDONLY);
    CHECK(a != (void *)-1 && b != (void *)-1 && strcpy(a, "shared") && !strcmp(b, "shared"));
    CHECK(shmctl(m, IPC_STAT, &shm) == 0 && shm.shm_nattch == 2 && shm.shm_segsz == 8192);
    CHECK(shmdt(a) == 0 && shmdt(b) == 0 && shmdt(a) == -1 && shmctl(m, IPC_RMID, NULL) == 0);
}

int main(void)
{
    closed();
    descriptors();
    system_v();
    terminal();
    socket_requests();
    timer_ticks();
    aio();
    compare();
    many_events();
    return checks_end("calls");
}
