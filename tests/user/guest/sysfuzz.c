/* System calls with arguments that no program means: each number, with edges of what a pointer, a length, a descriptor
 * and a flag can be. A round is a process of its own, which may well die of it; what must not happen is moss's to say
 * on its standard error. Never a call that could reach others: signals, mounts, the machine's own settings; run it as a
 * user who may nothing, in namespaces. */
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define CALLS    60
#define LAST_NR  460

static uint64_t state;
static uint64_t rnd(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static const short forbidden[] = {
    SYS_kill,
    SYS_tkill,
    SYS_tgkill,
    SYS_rt_sigqueueinfo,
    SYS_rt_tgsigqueueinfo,
    SYS_pidfd_send_signal,
    SYS_reboot,
    SYS_mount,
    SYS_umount2,
    SYS_pivot_root,
    SYS_chroot,
    SYS_swapon,
    SYS_swapoff,
    SYS_sethostname,
    SYS_setdomainname,
    SYS_init_module,
    SYS_finit_module,
    SYS_delete_module,
    SYS_kexec_load,
    SYS_settimeofday,
    SYS_clock_settime,
    SYS_adjtimex,
    SYS_clock_adjtime,
    SYS_acct,
    SYS_vhangup,
    SYS_syslog,
    SYS_ptrace,
    SYS_process_mrelease,
    SYS_setpriority,
    SYS_sync,
    SYS_exit_group,
#ifdef SYS_stime
    SYS_stime,
    SYS_clock_settime64,
    SYS_clock_adjtime64,
    SYS_umount,
#endif
};

static int allowed(long nr)
{
    for (unsigned i = 0; i < COUNT(forbidden); i++) {
        if (forbidden[i] == nr) {
            return 0;
        }
    }
    return 1;
}

/* Memory of all kinds: read-write, read-only, not at all, and a hole behind each. */
static char *rw, *ro, *none;

static void make_memory(void)
{
    char *p = mmap(NULL, 8 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    rw = p + 4096;
    ro = p + 3 * 4096;
    none = p + 5 * 4096;
    mprotect(rw, 4096, PROT_READ | PROT_WRITE);
    mprotect(ro, 4096, PROT_READ | PROT_WRITE);
    for (int i = 0; i < 4096; i += 8) {
        uint64_t v = rnd() & 1 ? rnd() : rnd() & 1 ? (uintptr_t)rw + rnd() % 4096 : rnd() % 16;
        memcpy(rw + i, &v, 8);
        memcpy(ro + i, &v, 8);
    }
    strcpy(rw + 64, "/");
    strcpy(rw + 4096 - 5, "file");
    strcpy(rw + 512, "/proc/self/maps");
    strcpy(rw + 640, "/proc/self/exe");
    mprotect(ro, 4096, PROT_READ);
}

static uint64_t pointer(void)
{
    static const uint64_t odd[] = {
        0,          1,          8,          4095,       0xffffffff, 1ull << 46, (1ull << 46) - 1,
        1ull << 47, 1ull << 48, 1ull << 55, 1ull << 56, 1ull << 63, ~0ull,      ~0ull - 4095};
    switch (rnd() % 8) {
    case 0:
    case 1:
        return (uintptr_t)rw + rnd() % 64 * 8;
    case 2:
        return (uintptr_t)rw + 4096 - rnd() % 24;
    case 3:
        return (uintptr_t)ro + rnd() % 4096;
    case 4:
        return (uintptr_t)none + rnd() % 4096;
    case 5:
        return (uintptr_t)rw + 64 | rnd() << 56;
    case 6:
        return rnd();
    default:
        return odd[rnd() % COUNT(odd)];
    }
}

static uint64_t number(void)
{
    static const uint64_t odd[] = {0,          1,          2,          8,          16,    4096,
                                   0x7fffffff, 0x80000000, 0xffffffff, 1ull << 32, ~0ull, ~0ull - 99};
    switch (rnd() % 4) {
    case 0:
        return odd[rnd() % COUNT(odd)];
    case 1:
        return 1ull << rnd() % 64;
    case 2:
        return rnd() % 256;
    default:
        return rnd() % 10;
    }
}

static void one_call(long nr)
{
    uint64_t a[6];
    for (int i = 0; i < 6; i++) {
        a[i] = rnd() & 1 ? pointer() : number();
    }
    long r = syscall(nr, a[0], a[1], a[2], a[3], a[4], a[5]);
    if (r == 0 && (nr == SYS_clone || nr == SYS_clone3)) {
        syscall(SYS_exit_group, 0);
    }
}

static void on_signal(int sig)
{
}

static void child(void)
{
    static const struct rlimit files = {1 << 20, 1 << 20}, cpu = {2, 2};
    struct itimerval soon = {{0, 200000}, {0, 200000}};
    int fd[2];
    make_memory();
    setrlimit(RLIMIT_FSIZE, &files);
    setrlimit(RLIMIT_CPU, &cpu);
    for (int i = 0; i < 3; i++) {
        dup2(open("/dev/null", O_RDWR), i == 2 ? 3 : i); /* standard error stays: moss speaks there */
    }
    if (pipe(fd) == 0 && socketpair(AF_UNIX, SOCK_DGRAM, 0, fd) == 0) {
        signal(SIGALRM, on_signal);
        setitimer(ITIMER_REAL, &soon, NULL);
    }
    for (int i = 0; i < CALLS; i++) {
        long nr = (long)(rnd() % LAST_NR);
        if (allowed(nr)) {
            one_call(nr);
        }
    }
    _exit(0);
}

int main(int argc, char **argv)
{
    uint64_t seed = strtoull(argv[1], NULL, 0);
    int rounds = atoi(argv[2]), status;
    for (int n = 0; n < rounds; n++) {
        state = (seed + n) * 0x9e3779b97f4a7c15ull | 1;
        rnd();
        pid_t pid = fork();
        if (pid == 0) {
            child();
        }
        for (int waited = 0; pid > 0 && waitpid(pid, &status, WNOHANG) == 0; waited++) {
            usleep(1000);
            if (waited == 3000) {
                kill(pid, SIGKILL);
            }
        }
    }
    printf("%d rounds\n", rounds);
    return 0;
}
