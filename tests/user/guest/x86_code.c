/* Code that a program changes: its own block's, of other pages, from another thread, through the kernel, through
 * another map; instructions across pages; code that is written again and again. x86 has no instruction that announces
 * it. */
#define _GNU_SOURCE
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "check.h"

#define PAGE 4096
typedef int fn(void);
static unsigned char *code;

static unsigned char *put_return(unsigned char *p, int v) /* mov $v, %eax; ret */
{
    *p++ = 0xb8;
    memcpy(p, &v, 4);
    p[4] = 0xc3;
    return p + 5;
}
static int call(const void *p)
{
    return ((fn *)(uintptr_t)p)();
}

static void rewritten(void)
{
    int sum = 0;
    for (int i = 0; i < 1000; i++) {
        put_return(code, i);
        sum += call(code);
    }
    CHECK(sum == 999 * 1000 / 2);
    for (int i = 0; i < 50; i++) {
        put_return(code + 64 * (i % 8), i);
        CHECK(call(code + 64 * (i % 8)) == i);
        usleep(100);
    }
}

/* movb $77, next+1 or a repeated move over what comes next. */
static void own_block(void)
{
    static const unsigned char store[] = {0xc6, 0x05, 1, 0, 0, 0, 77, 0xb8, 0, 0, 0, 0, 0xc3};
    static const unsigned char string[] = {0xf3, 0xa4, 0xb8, 1, 0, 0, 0, 0xc3};
    static const unsigned char new_code[] = {0xb8, 9, 0, 0, 0, 0xc3};
    memcpy(code, store, sizeof(store));
#ifdef __i386__ /* the address itself, not how far it is */
    memcpy(code + 2, &(unsigned char *){code + 8}, 4);
#endif
    CHECK(call(code) == 77);
    for (int i = 0; i < 100; i++) {
        code[8] = 1;
        CHECK(call(code) == 77);
    }
    memcpy(code + 128, string, sizeof(string));
    int r = 0;
    void *to = code + 130;
    const void *from = new_code;
    size_t n = sizeof(new_code);
    __asm__ volatile("call *%[f]" : "=a"(r), "+D"(to), "+S"(from), "+c"(n) : [f] "r"(code + 128) : "memory");
    CHECK(r == 9);
}

/* The instruction's last bytes lie in the next page, and are written there. */
static void across(void)
{
    unsigned char *at = code + PAGE - 3;
    for (int i = 0; i < 200; i++) {
        put_return(at, i << 16 | 5);
        CHECK(call(at) == (i << 16 | 5));
        code[PAGE + 1] = 3; /* the highest byte of the number */
        CHECK(call(at) == (3 << 24 | (i & 255) << 16 | 5));
    }
}

static void by_the_kernel(void)
{
    unsigned char bytes[8];
    int p[2];
    CHECK(pipe(p) == 0);
    put_return(code, 1);
    CHECK(call(code) == 1);
    put_return(bytes, 2);
    CHECK(write(p[1], bytes, 6) == 6);
    CHECK(read(p[0], code, 6) == 6);
    CHECK(call(code) == 2);
    close(p[0]);
    close(p[1]);
}

static void by_another_map(void)
{
    int fd = memfd_create("code", 0);
    CHECK(ftruncate(fd, PAGE) == 0);
    unsigned char *rw = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    unsigned char *rx = mmap(NULL, PAGE, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 0);
    for (int i = 0; i < 100; i++) {
        put_return(rw, i);
        CHECK(call(rx) == i);
    }
    close(fd);
}

static void by_protection(void)
{
    for (int i = 0; i < 100; i++) {
        CHECK(mprotect(code, PAGE, PROT_READ | PROT_WRITE) == 0);
        put_return(code, i);
        CHECK(mprotect(code, PAGE, PROT_READ | PROT_EXEC) == 0);
        CHECK(call(code) == i);
    }
    CHECK(mprotect(code, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC) == 0);
}

static volatile int go, seen;
static void *caller(void *arg)
{
    (void)arg;
    while (!go) {
    }
    int last = 0;
    while (last != 1000) {
        int v = call(code);
        if (v < last) {
            go = -1;
        }
        last = v;
        seen = v;
    }
    return NULL;
}
static void by_another_thread(void)
{
    pthread_t t;
    put_return(code, 0);
    CHECK(pthread_create(&t, NULL, caller, NULL) == 0);
    go = 1;
    for (int i = 1; i <= 1000; i++) {
        __atomic_store_n((int *)(void *)(code + 1), i, __ATOMIC_SEQ_CST);
        while (i % 10 == 0 && seen < i) {
            sched_yield();
        }
    }
    pthread_join(t, NULL);
    CHECK(go == 1);
}

#ifdef __i386__
static unsigned char *put_far(unsigned char *p, const unsigned char *to)
{
    unsigned displacement = (unsigned)(to - (p + 4));
    memcpy(p, &displacement, 4);
    return p + 4;
}

/* Jumps, calls and branches by displacements that go round the 4 GiB. */
static void far_away(void)
{
    unsigned char *low = mmap((void *)0x20000000, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                              MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    unsigned char *high = mmap((void *)0xe8000000, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
                               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
    CHECK(low == (void *)0x20000000 && high == (void *)0xe8000000);
    low[0] = 0xe8; /* call high; inc %eax; ret */
    memcpy(put_far(low + 1, high), "\x40\xc3", 2);
    memcpy(high, "\x31\xc0\x0f\x84", 4); /* xor %eax, %eax; jz low + 16 */
    put_far(high + 4, low + 16);
    memcpy(low + 16, "\xb8\x05\0\0\0\xe9", 6); /* mov $5, %eax; jmp high + 16 */
    put_far(low + 22, high + 16);
    memcpy(high + 16, "\x40\xc3", 2); /* inc %eax; ret */
    for (int i = 0; i < 1000; i++) {
        CHECK(call(low) == 7);
    }
}
#else
static void far_away(void)
{
}
#endif

int main(void)
{
    code = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    rewritten();
    own_block();
    across();
    by_the_kernel();
    by_another_map();
    by_protection();
    by_another_thread();
    far_away();
    return checks_end("code");
}
