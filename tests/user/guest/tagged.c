/* Addresses with a tag in the top byte: all kinds of accesses ignore it, system calls when prctl says so, and those
 * that choose a place never. */
#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define TAG(p, t) ((void *)((uintptr_t)(p) & ~(0xffull << 56) | (uintptr_t)(t) << 56))

static long plain[64];

/* One function, so that the same code runs with and without tags. */
__attribute__((noinline)) static long sum(volatile long *p, int n)
{
    long s = 0;
    for (int i = 0; i < n; i++) {
        s += p[i];
        p[i] = p[i] + 1;
    }
    return s;
}

static void test_accesses(void)
{
    unsigned char bytes[32], copy[32];
    for (int round = 0; round < 100; round++) {
        for (int i = 0; i < 64; i++) {
            plain[i] = i;
        }
        CHECK(sum(plain, 64) == 2016);
        CHECK(sum(TAG(plain, 0x5a), 64) == 2016 + 64);
        CHECK(sum(TAG(plain, 0xff), 64) == 2016 + 128);
        CHECK(plain[63] == 66);
    }
    for (int i = 0; i < 32; i++) {
        bytes[i] = (unsigned char)(i * 7);
    }
    memcpy(TAG(copy, 0x11), TAG(bytes, 0x22), 32);
    CHECK(!memcmp(copy, bytes, 32) && !memcmp(TAG(copy, 1), TAG(bytes, 0x80), 32));
    memset(TAG(copy, 0x33), 0, 32);
    CHECK(copy[0] == 0 && copy[31] == 0);
}

static void test_special(void)
{
    static long v __attribute__((aligned(16)));
    static _Alignas(64) unsigned char line[128];
    long old, got;
    int fail;
    _Atomic long *p = TAG(&v, 0x40);
    atomic_fetch_add(p, 5);
    CHECK(v == 5 && atomic_exchange(p, 7) == 5);
    old = 7;
    CHECK(atomic_compare_exchange_strong(p, &old, 9) && v == 9);
    do { /* the plain pair of exclusives, whatever the compiler has chosen above */
        __asm__ volatile("ldaxr %0, [%2]\n\tadd %0, %0, #1\n\tstlxr %w1, %0, [%2]"
                         : "=&r"(got), "=&r"(fail)
                         : "r"(p)
                         : "memory");
    } while (fail);
    CHECK(v == 10);
    __asm__ volatile(".arch armv8.1-a\n\tldadd %1, %0, [%2]" : "=&r"(got) : "r"(3l), "r"(p) : "memory");
    CHECK(got == 10 && v == 13);
    memset(line, 0xee, sizeof(line));
    __asm__ volatile("dc zva, %0" : : "r"(TAG(line, 0x77)) : "memory");
    CHECK(line[0] == 0 && line[63] == 0 && line[64] == 0xee);
    __asm__ volatile("ld4 {v0.16b-v3.16b}, [%0]\n\tst4 {v0.16b-v3.16b}, [%1]"
                     :
                     : "r"(TAG(line, 0x12)), "r"(TAG(line + 64, 0x13))
                     : "v0", "v1", "v2", "v3", "memory");
    CHECK(line[64] == 0 && line[127] == 0);
}

/* A real fault with a tag: the address comes without it; the signal mask survives the hidden one before. */
static volatile uintptr_t fault_at;
static volatile int alarms;
static void on_fault(int sig, siginfo_t *si, void *uc)
{
    fault_at = (uintptr_t)si->si_addr;
    ((ucontext_t *)uc)->uc_mcontext.pc += 4;
}
static void on_alarm(int sig)
{
    alarms++;
}
static void test_faults(void)
{
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO}, al = {.sa_handler = on_alarm};
    char *page = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    sigaction(SIGSEGV, &sa, NULL);
    sigaction(SIGUSR1, &al, NULL);
    __asm__ volatile("ldr xzr, [%0]" : : "r"(TAG(page + 16, 0x34)));
    CHECK(fault_at == (uintptr_t)page + 16);
    raise(SIGUSR1);
    CHECK(alarms == 1);
    fault_at = 1;
    __asm__ volatile("ldr xzr, [%0]" : : "r"(0x00f0000000001000ul)); /* no tag, and no address */
    CHECK(fault_at != 1);
    signal(SIGSEGV, SIG_DFL);
    munmap(page, 4096);
}

static long tagged_ctrl(long op, long arg)
{
    return syscall(SYS_prctl, op, arg, 0, 0, 0);
}

static void *in_thread(void *arg)
{
    return (void *)tagged_ctrl(PR_GET_TAGGED_ADDR_CTRL, 0);
}

static void test_calls(void)
{
    int fd[2];
    char out[8] = "abcdefg", in[8] = "";
    pthread_t th;
    void *state;
    struct iovec *iov, v[1] = {{TAG(in, 0x21), 8}};
    iov = TAG(v, 0x22);
    CHECK(pipe(fd) == 0);
    CHECK(tagged_ctrl(PR_GET_TAGGED_ADDR_CTRL, 0) == 0);
    CHECK(write(fd[1], TAG(out, 0x20), 8) == -1 && errno == EFAULT);
    CHECK(tagged_ctrl(PR_SET_TAGGED_ADDR_CTRL, 2) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_prctl, PR_SET_TAGGED_ADDR_CTRL, 1, 1, 0, 0) == -1 && errno == EINVAL);
    CHECK(tagged_ctrl(PR_SET_TAGGED_ADDR_CTRL, PR_TAGGED_ADDR_ENABLE) == 0);
    CHECK(tagged_ctrl(PR_GET_TAGGED_ADDR_CTRL, 0) == 1);
    CHECK(write(fd[1], TAG(out, 0x20), 8) == 8 && readv(fd[0], iov, 1) == 8 && !strcmp(in, out));
    CHECK(access(TAG("/", 0x23), F_OK) == 0);
    CHECK(pthread_create(&th, NULL, in_thread, NULL) == 0 && pthread_join(th, &state) == 0 && state == (void *)1);
    CHECK(tagged_ctrl(PR_SET_TAGGED_ADDR_CTRL, 0) == 0);
    CHECK(write(fd[1], TAG(out, 0x20), 8) == -1 && errno == EFAULT);
    char *page = mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(mprotect(TAG(page, 0x24), 4096, PROT_READ | PROT_WRITE) == 0); /* these need no leave */
    page[0] = 1;
    CHECK(madvise(TAG(page, 0x25), 4096, MADV_DONTNEED) == 0 && page[0] == 0);
    CHECK(mmap(TAG(page, 0x26), 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED &&
          errno == ENOMEM);
    CHECK(munmap(TAG(page, 0x27), 4096) == 0);
}

int main(void)
{
    test_accesses();
    test_special();
    test_faults();
    test_calls();
    return checks_end("tagged");
}
