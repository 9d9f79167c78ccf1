/* Signals as signal(7) has them: faults with code and address, masks, nesting, stacks, restarts, what a parent sees. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"
#include "machine.h"

static sigjmp_buf back;
static volatile int got, code, count, depth, deepest;
static void *volatile addr;

static void on(int sig, void *handler, int flags)
{
    struct sigaction a;
    memset(&a, 0, sizeof(a));
    a.sa_sigaction = handler;
    a.sa_flags = flags;
    sigemptyset(&a.sa_mask);
    sigaction(sig, &a, NULL);
}
static void leap(int sig, siginfo_t *si, void *uc)
{
    (void)uc;
    got = sig;
    code = si->si_code;
    addr = si->si_addr;
    siglongjmp(back, 1);
}
static void counter(int sig)
{
    (void)sig;
    count++;
}

#define FAULT(act) \
    got = 0; \
    if (!sigsetjmp(back, 1)) { \
        act; \
    }

static void faults(void)
{
    void *mis __attribute__((unused)) = (char *)&addr + 2;
    char *ro = mmap(NULL, 8192, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    FILE *f = tmpfile();
    CHECK(ftruncate(fileno(f), 100) == 0);
    char *file = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fileno(f), 0);
    int sigs[] = {SIGSEGV, SIGBUS, SIGILL, SIGTRAP};
    for (unsigned i = 0; i < 4; i++) {
        on(sigs[i], leap, SA_SIGINFO);
    }
    FAULT(*(volatile int *)0x1234 = 1)
    CHECK(got == SIGSEGV && code == SEGV_MAPERR && addr == (void *)0x1234);
    FAULT(*(volatile char *)NO_ADDRESS = 1)
    CHECK(got == SIGSEGV && code == NO_ADDRESS_CODE);
#if defined(__x86_64__)
    FAULT(*(volatile char *)0x4141414141414141 = 1)
    CHECK(got == SIGSEGV && code == SI_KERNEL && !addr);
    FAULT(*(volatile char *)-1 = 1)
    CHECK(got == SIGSEGV && code == SEGV_MAPERR && addr == (void *)-1);
#endif
    FAULT(*(volatile char *)(ro + 5) = 1)
    CHECK(got == SIGSEGV && code == SEGV_ACCERR && addr == ro + 5);
    FAULT(((void (*)(void))ro)())
    CHECK(got == SIGSEGV && code == SEGV_ACCERR && addr == ro);
    FAULT(__asm__ volatile(UNDEFINED))
    CHECK(got == SIGILL && code == UNDEFINED_CODE);
    FAULT(__asm__ volatile(BREAKPOINT))
    CHECK(got == SIGTRAP && code == BREAK_CODE);
#if defined(__aarch64__)
    FAULT(__asm__ volatile("ldxr x1, [%0]" : : "r"(mis) : "x1"))
    CHECK(got == SIGBUS && code == BUS_ADRALN && addr == mis);
#endif
    FAULT(*(volatile char *)(file + 4096) = 1)
    CHECK(got == SIGBUS && code == BUS_ADRERR && addr == file + 4096);
    FAULT(kill(getpid(), SIGSEGV))
    CHECK(got == SIGSEGV && code == SI_USER);
    fclose(f);
}

/* A handler that repairs: the frame it changes is what goes on. */
static void repair(int sig, siginfo_t *si, void *u)
{
    ucontext_t *uc = u;
    (void)sig;
    (void)si;
    UC_RESULT(uc) = 77;
    UC_PC(uc) += UNDEFINED_LEN;
}
static double kept_in_a_register(void)
{
    volatile double in = 1.25;
    double d = in * 2;
    raise(SIGUSR1);
    return d;
}
static void frames(void)
{
    register long r __asm__(RESULT_REG) = 5;
    on(SIGILL, repair, SA_SIGINFO);
    __asm__ volatile(UNDEFINED : "+r"(r));
    CHECK(r == 77);
    on(SIGUSR1, counter, 0);
    CHECK(kept_in_a_register() == 2.5 && count == 1);
}

static void nest(int sig)
{
    depth++;
    deepest = depth > deepest ? depth : deepest;
    if (depth < 5) {
        raise(sig);
    }
    depth--;
}
static void masks(void)
{
    sigset_t set, old, pending;
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigprocmask(SIG_BLOCK, &set, &old);
    count = 0;
    raise(SIGUSR1);
    raise(SIGUSR1);
    sigpending(&pending);
    CHECK(count == 0 && sigismember(&pending, SIGUSR1));
    sigprocmask(SIG_SETMASK, &old, NULL);
    CHECK(count == 1);
    on(SIGUSR2, nest, SA_NODEFER);
    raise(SIGUSR2);
    CHECK(deepest == 5);
    on(SIGUSR1, counter, SA_RESETHAND);
    raise(SIGUSR1);
    struct sigaction now;
    sigaction(SIGUSR1, NULL, &now);
    CHECK(count == 2 && now.sa_handler == SIG_DFL);
}

static char alternate[32768];
static char *volatile seen_sp;
static void on_alternate(int sig)
{
    char here;
    stack_t ss;
    (void)sig;
    seen_sp = &here;
    sigaltstack(NULL, &ss);
    got = ss.ss_flags;
}
static void stacks(void)
{
    stack_t ss = {.ss_sp = alternate, .ss_size = sizeof(alternate)};
    CHECK(sigaltstack(&ss, NULL) == 0);
    on(SIGUSR1, on_alternate, SA_ONSTACK);
    raise(SIGUSR1);
    CHECK(seen_sp >= alternate && seen_sp < alternate + sizeof(alternate) && got == SS_ONSTACK);
    sigaltstack(NULL, &ss);
    CHECK(ss.ss_flags == 0);
}

static void restarts(void)
{
    int fds[2], status;
    char c;
    sigset_t none;
    struct itimerval soon = {{0, 0}, {0, 50000}}, never = {{0, 0}, {0, 0}};
    sigemptyset(&none);
    CHECK(pipe(fds) == 0);
    on(SIGALRM, counter, SA_RESTART);
    count = 0;
    setitimer(ITIMER_REAL, &soon, NULL);
    if (!fork()) {
        usleep(200000);
        _exit(write(fds[1], "x", 1) != 1);
    }
    CHECK(read(fds[0], &c, 1) == 1 && count == 1);
    wait(&status);
    on(SIGALRM, counter, 0);
    soon.it_interval = soon.it_value; /* again and again: on a busy machine the first may come before the call */
    setitimer(ITIMER_REAL, &soon, NULL);
    CHECK(read(fds[0], &c, 1) == -1 && errno == EINTR);
    CHECK(usleep(10000000) == -1 && errno == EINTR);
    CHECK(sigsuspend(&none) == -1 && errno == EINTR);
    count = 0;
    while (!count) { /* a loop of translated code, no system call */
    }
    setitimer(ITIMER_REAL, &never, NULL);
}

/* A call that a signal came before is made after the handler: nothing that does not wait ends with EINTR. */
static void storm(void)
{
    struct itimerval every = {{0, 30}, {0, 30}}, never = {{0, 0}, {0, 0}};
    struct timespec ts;
    pid_t pid = getpid();
    int wrong = 0;
    on(SIGALRM, counter, 0);
    count = 0;
    setitimer(ITIMER_REAL, &every, NULL);
    while (count < 3000 && !wrong) {
        wrong = getpid() != pid || syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &ts) ||
                syscall(SYS_futex, &pid, 1, 1, 0, 0, 0);
    }
    setitimer(ITIMER_REAL, &never, NULL);
    CHECK(!wrong);
}

/* A copy that the kernel refuses leaves the signal mask alone. */
static void refused_copies(void)
{
    struct itimerval often = {{0, 1000}, {0, 1000}}, never = {{0, 0}, {0, 0}};
    struct timespec ts = {2, 0};
    on(SIGALRM, counter, 0);
    CHECK(sigaltstack((void *)8, NULL) == -1 && errno == EFAULT);
    setitimer(ITIMER_REAL, &often, NULL); /* again and again, as above */
    CHECK(nanosleep(&ts, NULL) == -1 && errno == EINTR);
    setitimer(ITIMER_REAL, &never, NULL);
}

static void parents_view(void)
{
    int sigs[] = {SIGTERM, SIGABRT, SIGSEGV, SIGKILL, SIGUSR2}, status;
    for (unsigned i = 0; i < 5; i++) {
        signal(sigs[i], SIG_DFL);
        pid_t child = fork();
        if (!child) {
            fclose(stderr);
            if (sigs[i] == SIGSEGV) {
                *(volatile int *)8 = 1;
            }
            kill(getpid(), sigs[i]);
            pause();
        }
        waitpid(child, &status, 0);
        CHECK(WIFSIGNALED(status) && WTERMSIG(status) == sigs[i]);
    }
    pid_t child = fork();
    if (!child) {
        raise(SIGSTOP);
        _exit(9);
    }
    waitpid(child, &status, WUNTRACED);
    CHECK(WIFSTOPPED(status));
    kill(child, SIGCONT);
    waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 9);
}

static void queues(void)
{
    union sigval v = {.sival_int = 1234};
    struct timespec ts = {1, 0};
    sigset_t set;
    siginfo_t si;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN);
    sigprocmask(SIG_BLOCK, &set, NULL);
    sigqueue(getpid(), SIGRTMIN, v);
    v.sival_int = 5;
    sigqueue(getpid(), SIGRTMIN, v);
    CHECK(sigtimedwait(&set, &si, &ts) == SIGRTMIN && si.si_value.sival_int == 1234);
    CHECK(sigtimedwait(&set, &si, &ts) == SIGRTMIN && si.si_value.sival_int == 5);
    ts.tv_sec = 0;
    CHECK(sigtimedwait(&set, &si, &ts) == -1 && errno == EAGAIN);
}

/* SIGSEGV and SIGBUS with the codes of faults that no instruction made. */
static volatile sig_atomic_t told, told_code, told_pid;
static void on_told(int sig, siginfo_t *si, void *uc)
{
    (void)uc;
    told = sig;
    told_code = si->si_code;
    told_pid = si->si_pid;
}
static void no_faults(void)
{
    struct sigaction sa = {.sa_sigaction = on_told, .sa_flags = SA_SIGINFO}, old[2];
    sigaction(SIGBUS, &sa, &old[0]);
    sigaction(SIGSEGV, &sa, &old[1]);
    long child = syscall(SYS_clone, SIGBUS, 0, 0, 0, 0);
    if (!child) {
        _exit(3);
    }
    int status;
    while (waitpid((pid_t)child, &status, __WALL) < 0 && errno == EINTR) {
    }
    CHECK(told == SIGBUS && told_code == CLD_EXITED && told_pid == child);
    siginfo_t si = {.si_signo = SIGSEGV, .si_code = SEGV_MAPERR};
    CHECK(syscall(SYS_rt_sigqueueinfo, getpid(), SIGSEGV, &si) == 0);
    CHECK(told == SIGSEGV && told_code == SEGV_MAPERR);
    sigaction(SIGBUS, &old[0], NULL);
    sigaction(SIGSEGV, &old[1], NULL);
}

int main(void)
{
    faults();
    frames();
    masks();
    stacks();
    restarts();
    storm();
    refused_copies();
    parents_view();
    queues();
    no_faults();
    return checks_end("signals");
}
