/* Processes that share memory and run beside their parent, and what clone3 can ask for. */
#include "check.h"
#include "machine.h"

#include <errno.h>
#include <linux/sched.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK (64 << 10)

#ifndef CLONE_CLEAR_SIGHAND
#define CLONE_CLEAR_SIGHAND 0x100000000ULL
#endif

static _Atomic int ball, shared, tid_word;
static char *self_path;

static char *new_stack(void)
{
    char *p = mmap(NULL, STACK, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p + STACK;
}

static int wait_for(int pid)
{
    int status = -1;
    CHECK(waitpid(pid, &status, __WALL) == pid);
    return status;
}

/* They play: each only goes on when the other has. */
static int player(void *arg)
{
    for (int i = 1; i < 200; i += 2) {
        while (ball != i) {
            sched_yield();
        }
        shared += (int)(intptr_t)arg;
        ball = i + 1;
    }
    return getpid() != getppid() ? 7 : 1;
}
static void test_beside(void)
{
    int pid;
    ball = shared = 0;
    pid = clone(player, new_stack(), CLONE_VM | SIGCHLD, (void *)3);
    CHECK(pid > 0);
    for (int i = 0; i < 200; i += 2) {
        ball = i + 1;
        while (ball != i + 2) {
            sched_yield();
        }
    }
    int status = wait_for(pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 7 && shared == 300);
}

static int many(void *arg)
{
    for (int i = 0; i < 1000; i++) {
        shared++;
    }
    return 0;
}
static void test_many(void)
{
    int pid[8];
    shared = 0;
    for (int round = 0; round < 5; round++) {
        for (int i = 0; i < 8; i++) {
            pid[i] = clone(many, new_stack(), CLONE_VM | CLONE_FS | CLONE_FILES | SIGCHLD, NULL);
        }
        for (int i = 0; i < 8; i++) {
            CHECK(pid[i] > 0 && wait_for(pid[i]) == 0);
        }
    }
    CHECK(shared == 40000);
}

/* The number is cleared however it ends: by a signal, by execve. */
static int sleeper(void *arg)
{
    ball = 1;
    for (;;) {
        pause();
    }
}
static int runner(void *arg)
{
    char *argv[] = {self_path, "exit5", NULL};
    execv("/proc/self/exe", argv);
    return 1;
}
static void test_ends(void)
{
    const int flags = CLONE_VM | CLONE_CHILD_CLEARTID | CLONE_CHILD_SETTID | SIGCHLD;
    ball = 0;
    int pid = clone(sleeper, new_stack(), flags, NULL, NULL, NULL, &tid_word);
    CHECK(pid > 0);
    while (!ball) {
        sched_yield();
    }
    CHECK(tid_word == pid);
    kill(pid, SIGKILL);
    int status = wait_for(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    for (int i = 0; i < 10000 && tid_word; i++) {
        usleep(100);
    }
    CHECK(tid_word == 0);
    pid = clone(runner, new_stack(), flags, NULL, NULL, NULL, &tid_word);
    status = wait_for(pid);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 5);
    for (int i = 0; i < 10000 && tid_word; i++) {
        usleep(100);
    }
    CHECK(tid_word == 0);
}

/* Killed wherever they are, and its parent goes on: code that was never run before is what they do meanwhile. */
static int novelty(void)
{
    typedef int made(void);
    char *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    int sum = 0;
    for (int i = 0; i < 64; i++) {
        put_code(page + 64 * i, (unsigned)i);
        sum += ((made *)(void *)(page + 64 * i))();
    }
    munmap(page, 4096);
    return sum;
}
static int restless(void *arg)
{
    for (ball = 1;;) {
        if (novelty() != 2016) {
            _exit(1);
        }
    }
}
static void test_killed(void)
{
    const int how[] = {SIGKILL, SIGTERM, SIGUSR1};
    char *stack = new_stack();
    for (int i = 0; i < 90; i++) {
        ball = 0;
        int pid = clone(restless, stack, CLONE_VM | SIGCHLD, NULL);
        CHECK(pid > 0);
        while (!ball) {
            sched_yield();
        }
        usleep(37 * i % 400);
        CHECK(kill(pid, how[i % 3]) == 0);
        int status = wait_for(pid);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == how[i % 3]);
        CHECK(novelty() == 2016);
    }
}
/* By one that does not share the memory, too. */
static void test_killed_from_outside(void)
{
    ball = 0;
    int pid = clone(sleeper, new_stack(), CLONE_VM | SIGCHLD, NULL);
    while (!ball) {
        sched_yield();
    }
    usleep(20000); /* it sleeps */
    int killer = fork();
    if (killer == 0) {
        _exit(kill(pid, SIGKILL) == 0 ? 0 : 1);
    }
    CHECK(wait_for(killer) == 0);
    int status = wait_for(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK(novelty() == 2016);
}
/* One that is stopped holds nobody up, and can be killed. */
static void test_stopped(void)
{
    for (int i = 0; i < 20; i++) {
        int status = 0;
        ball = 0;
        int pid = clone(restless, new_stack(), CLONE_VM | SIGCHLD, NULL);
        while (!ball) {
            sched_yield();
        }
        CHECK(kill(pid, SIGSTOP) == 0);
        CHECK(waitpid(pid, &status, WUNTRACED) == pid && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP);
        CHECK(novelty() == 2016);
        if (i & 1) {
            kill(pid, SIGCONT);
            CHECK(novelty() == 2016);
        }
        CHECK(kill(pid, SIGKILL) == 0);
        status = wait_for(pid);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    }
}

static int forker(void *arg)
{
    int status, pid = fork();
    if (pid == 0) {
        shared = 99; /* its own */
        _exit(11);
    }
    waitpid(pid, &status, 0);
    return WEXITSTATUS(status);
}
static int maker(void *arg)
{
    shared = (int)(intptr_t)mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != -1;
    signal(SIGUSR2, SIG_IGN);
    return 0;
}
static void test_shares(void)
{
    shared = 1;
    int pid = clone(forker, new_stack(), CLONE_VM | SIGCHLD, NULL);
    CHECK(WEXITSTATUS(wait_for(pid)) == 11 && shared == 1);
    signal(SIGUSR2, SIG_DFL);
    pid = clone(maker, new_stack(), CLONE_VM | SIGCHLD, NULL); /* handlers of its own */
    CHECK(wait_for(pid) == 0 && shared == 1 && signal(SIGUSR2, SIG_DFL) == SIG_DFL);
    pid = clone(maker, new_stack(), CLONE_VM | CLONE_SIGHAND | SIGCHLD, NULL); /* and the same */
    CHECK(wait_for(pid) == 0 && signal(SIGUSR2, SIG_DFL) == SIG_IGN);
    pid = clone(maker, new_stack(), CLONE_VM | CLONE_SIGHAND | CLONE_VFORK | SIGCHLD, NULL);
    CHECK(wait_for(pid) == 0 && signal(SIGUSR2, SIG_DFL) == SIG_IGN);
}

static void on_usr1(int sig)
{
    _exit(3);
}
static void test_clone3(void)
{
    pid_t want = 0;
    struct clone_args a = {.flags = CLONE_CLEAR_SIGHAND, .exit_signal = SIGCHLD};
    signal(SIGUSR1, on_usr1);
    signal(SIGUSR2, SIG_IGN);
    int pid = syscall(SYS_clone3, &a, sizeof(a));
    if (pid == 0) {
        if (signal(SIGUSR2, SIG_DFL) != SIG_IGN) {
            _exit(4);
        }
        raise(SIGUSR1);
        _exit(1);
    }
    int status = wait_for(pid);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGUSR1);
    signal(SIGUSR1, SIG_DFL);
    signal(SIGUSR2, SIG_DFL);
    a.flags = CLONE_CLEAR_SIGHAND | CLONE_SIGHAND | CLONE_VM;
    CHECK(syscall(SYS_clone3, &a, sizeof(a)) == -1 && errno == EINVAL);
    a = (struct clone_args){.exit_signal = SIGCHLD, .set_tid = (uintptr_t)&want, .set_tid_size = 1};
    want = 30000;
    do { /* others may take it meanwhile */
        for (want--; want > 20000 && kill(want, 0) == 0; want--) {
        }
        pid = syscall(SYS_clone3, &a, sizeof(a));
    } while (pid < 0 && errno == EEXIST && want > 20000);
    if (pid == 0) {
        _exit(getpid() == want ? 6 : 1);
    }
    CHECK(pid > 0 ? pid == want && WEXITSTATUS(wait_for(pid)) == 6 : errno == EPERM);
    a.set_tid_size = 0;
    CHECK(syscall(SYS_clone3, &a, sizeof(a)) == -1 && errno == EINVAL);
}

/* A robust lock between processes, whose owner a signal kills: before somebody waits for it, and while. */
static struct shared {
    pthread_mutex_t lock;
    _Atomic int phase;
} * robust;

static int owner(void)
{
    int pid = fork();
    if (pid == 0) {
        pthread_mutex_lock(&robust->lock);
        robust->phase = 1;
        for (;;) {
            pause();
        }
    }
    while (robust->phase != 1) {
        usleep(1000);
    }
    return pid;
}
static void test_robust(void)
{
    pthread_mutexattr_t attr;
    struct timespec soon = {0, 10000000};
    unsigned word = 0x80000000 | 0x3ffffff0; /* looks like one, and is none */
    CHECK(syscall(SYS_futex, &word, 0 /* FUTEX_WAIT */, word, &soon, NULL, 0) == -1 && errno == ETIMEDOUT);
    CHECK(word == (0x80000000 | 0x3ffffff0));
    robust = mmap(NULL, sizeof(*robust), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    pthread_mutexattr_init(&attr);
    pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
    pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
    pthread_mutex_init(&robust->lock, &attr);
    int pid = owner();
    kill(pid, SIGKILL);
    wait_for(pid);
    CHECK(pthread_mutex_lock(&robust->lock) == EOWNERDEAD);
    CHECK(pthread_mutex_consistent(&robust->lock) == 0 && pthread_mutex_unlock(&robust->lock) == 0);
    robust->phase = 0;
    pid = owner();
    int killer = fork();
    if (killer == 0) {
        usleep(200000);
        kill(pid, SIGTERM);
        _exit(0);
    }
    CHECK(pthread_mutex_lock(&robust->lock) == EOWNERDEAD);
    CHECK(pthread_mutex_consistent(&robust->lock) == 0 && pthread_mutex_unlock(&robust->lock) == 0);
    wait_for(pid);
    wait_for(killer);
}

int main(int argc, char **argv)
{
    if (argc > 1 && !strcmp(argv[1], "exit5")) {
        return 5;
    }
    self_path = argv[0];
    test_beside();
    test_many();
    test_ends();
    test_killed();
    test_killed_from_outside();
    test_stopped();
    test_shares();
    test_clone3();
    test_robust();
    return checks_end("clone");
}
