/* Short loops, which translators unroll: sums, what is left in registers and flags by any number of rounds, and a fault
 * in any of them. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

#include "check.h"

enum { N = 64 };
static uint32_t a[N] __attribute__((aligned(16)));

#ifdef __SSE__
#define XMM0 "xmm0",
#else
#define XMM0 /* the compiler does not know of it */
#endif
#if defined(__x86_64__)
#define PUSHF  "pushfq\n\tpopq %0\n\t"
#define GREG_C REG_RCX
#define GREG_I REG_RIP
#elif defined(__i386__)
#define PUSHF  "pushfl\n\tpopl %0\n\t"
#define GREG_C REG_ECX
#define GREG_I REG_EIP
#endif

#if defined(__x86_64__) || defined(__i386__)
enum { CF = 1, PF = 4, ZF = 0x40, SF = 0x80, OF = 0x800, ALL = CF | PF | ZF | SF | OF };

static void vectors(unsigned n)
{
    uint32_t sum[4], want[4] = {0};
    const uint32_t *p = a;
    uintptr_t left = n;
    __asm__ volatile("pxor %%xmm0, %%xmm0\n"
                     "1:\tpaddd (%0), %%xmm0\n\tadd $16, %0\n\tdec %1\n\tjne 1b\n\tmovups %%xmm0, %2"
                     : "+r"(p), "+r"(left), "=m"(sum)
                     :
                     : XMM0 "memory", "cc");
    for (unsigned i = 0; i < 4 * n; i++) {
        want[i % 4] += a[i];
    }
    CHECK(!memcmp(sum, want, sizeof(sum)) && p == a + 4 * n && left == 0);
}

static void flags(unsigned n)
{
    uintptr_t i = 0, f, x = 5, end = 3 * n;
    __asm__ volatile("1:\tlea (%2, %2, 2), %2\n\tadd $3, %1\n\tcmp %3, %1\n\tjb 1b\n\t" PUSHF
                     : "=&r"(f), "+r"(i), "+r"(x)
                     : "r"(end)
                     : "cc");
    uintptr_t y = 5;
    for (unsigned k = 0; k < n; k++) {
        y *= 3;
    }
    CHECK((f & ALL) == (ZF | PF) && i == end && x == y);
    /* DEC leaves CF as ADD made it in the last round */
    uintptr_t c = n, big = ~(uintptr_t)0 - n + 1;
    __asm__ volatile("1:\tadd $1, %1\n\tdec %2\n\tjne 1b\n\t" PUSHF : "=&r"(f), "+r"(big), "+r"(c) : : "cc");
    CHECK((f & (CF | ZF)) == (CF | ZF) && big == 0 && c == 0);
}

static volatile uintptr_t fault_count, fault_flags, fault_addr;
extern const char after_fault[];
static void on_fault(int sig, siginfo_t *si, void *context)
{
    ucontext_t *uc = context;
    fault_count = (uintptr_t)uc->uc_mcontext.gregs[GREG_C];
    fault_flags = (uintptr_t)uc->uc_mcontext.gregs[REG_EFL];
    fault_addr = (uintptr_t)si->si_addr;
    uc->uc_mcontext.gregs[GREG_I] = (greg_t)(uintptr_t)after_fault;
}

/* Writes words up to a page that cannot be written: the first `n` go well. */
static void __attribute__((noinline, noclone)) faults(uint8_t *end, unsigned n)
{
    uintptr_t count = 0;
    uint8_t *base = end - 4 * n;
    memset(base, 0, 4 * n);
    __asm__ volatile("clc\n"
                     "1:\tmovl %%ecx, (%1, %0, 4)\n\tadd $1, %0\n\tcmp $1000, %0\n\tjne 1b\n"
                     ".globl after_fault\nafter_fault:\n\t"
                     : "+c"(count)
                     : "r"(base)
                     : "memory", "cc");
    CHECK(fault_count == n && fault_addr == (uintptr_t)end);
    CHECK(n == 0 ? !(fault_flags & CF) : (fault_flags & (CF | ZF)) == CF); /* of the round before: below 1000 */
    for (unsigned i = 0; i < n; i++) {
        uint32_t v;
        memcpy(&v, base + 4 * i, 4);
        CHECK(v == i);
    }
}

static void all(void)
{
    long page = sysconf(_SC_PAGESIZE);
    uint8_t *p = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    mprotect(p + page, page, PROT_READ);
    struct sigaction sa = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &sa, NULL);
    for (unsigned n = 1; n <= N / 4; n++) {
        vectors(n);
        flags(n);
    }
    for (unsigned n = 0; n < 40; n++) {
        faults(p + page, n);
    }
}
#else
static void all(void)
{
}
#endif

static unsigned __attribute__((noinline)) sum(const uint32_t *p, unsigned n)
{
    unsigned s = 0;
    for (unsigned i = 0; i < n; i++) {
        s = s * 31 + p[i];
    }
    return s;
}

int main(void)
{
    unsigned want = 0;
    for (unsigned i = 0; i < N; i++) {
        a[i] = i * 2654435761u;
    }
    for (unsigned n = 0; n < N; n++) {
        CHECK(sum(a, n) == want);
        want = want * 31 + a[n];
    }
    all();
    return checks_end("loops");
}
