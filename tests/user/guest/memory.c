/* The memory map: mmap's flags, mremap, brk, protection, code that changes itself, shared memory across fork. */
#define _GNU_SOURCE
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "machine.h"

enum { PAGE = 4096, RW = PROT_READ | PROT_WRITE, ANON = MAP_PRIVATE | MAP_ANONYMOUS };
static sigjmp_buf back;

static void leap(int sig)
{
    siglongjmp(back, sig);
}
static int faults(volatile char *p)
{
    int sig = sigsetjmp(back, 1);
    if (!sig) {
        *p = 1;
    }
    return sig;
}

static void maps(void)
{
    char *p = mmap(NULL, 4 * PAGE, RW, ANON, -1, 0);
    CHECK(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == MAP_FAILED && errno == EEXIST);
    p[PAGE] = 5;
    CHECK(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED, -1, 0) == p + PAGE && p[PAGE] == 0);
    CHECK(munmap(p + PAGE, PAGE) == 0 && faults(p + PAGE) == SIGSEGV && !faults(p) && !faults(p + 2 * PAGE));
    CHECK(mmap(p + PAGE, PAGE, RW, ANON | MAP_FIXED_NOREPLACE, -1, 0) == p + PAGE && !faults(p + PAGE));
    CHECK(mprotect(p + PAGE, PAGE, PROT_READ) == 0 && faults(p + PAGE) == SIGSEGV && !faults(p + 2 * PAGE));
    CHECK(mprotect(p, 4 * PAGE, PROT_NONE) == 0 && faults(p) == SIGSEGV);
    CHECK(munmap(p, 4 * PAGE) == 0 && mprotect(p, PAGE, RW) == -1 && errno == ENOMEM);
    CHECK(mmap(NULL, 0, RW, ANON, -1, 0) == MAP_FAILED && errno == EINVAL);
    CHECK(mmap(NULL, ~0ul / 256 * 255, RW, ANON, -1, 0) == MAP_FAILED && errno == ENOMEM);
    CHECK(munmap(p + 1, PAGE) == -1 && errno == EINVAL);
    CHECK(mmap(NULL, PAGE, RW, MAP_PRIVATE, 999, 0) == MAP_FAILED && errno == EBADF);
    CHECK(write(1, (char *)16, 1) == -1 && errno == EFAULT);
    CHECK(write(1, (char *)(sizeof(long) == 8 ? 0x7fffffffff000000 : 0xfffff000), 1) == -1 && errno == EFAULT);
}

static void remaps(void)
{
    char *p = mmap(NULL, 8 * PAGE, RW, ANON, -1, 0);
    memset(p, 'x', PAGE);
    p[3 * PAGE] = 'y';
    CHECK(mremap(p, 8 * PAGE, 4 * PAGE, 0) == p && faults(p + 4 * PAGE) == SIGSEGV);
    CHECK(mremap(p, 4 * PAGE, 8 * PAGE, 0) == p && p[3 * PAGE] == 'y' && p[4 * PAGE] == 0 && !faults(p + 7 * PAGE));
    mmap(p + 8 * PAGE, PAGE, PROT_READ, ANON | MAP_FIXED_NOREPLACE, -1, 0); /* something is behind */
    CHECK(mremap(p, 8 * PAGE, 16 * PAGE, 0) == MAP_FAILED && errno == ENOMEM);
    char *q = mremap(p, 8 * PAGE, 100 * PAGE, MREMAP_MAYMOVE);
    CHECK(q != MAP_FAILED && q != p && q[0] == 'x' && q[3 * PAGE] == 'y' && !faults(q + 99 * PAGE));
    CHECK(faults(p) == SIGSEGV);
    char *r = mremap(q, 100 * PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, p);
    CHECK(r == p && p[1] == 'x' && faults(q) == SIGSEGV && faults(p + PAGE) == SIGSEGV);
}

static void heap(void)
{
    char *b = sbrk(0);
    CHECK(sbrk(100 * PAGE) == b && !faults(b + 99 * PAGE));
    CHECK(sbrk(-50 * PAGE) == b + 100 * PAGE && sbrk(0) == b + 50 * PAGE);
    CHECK(faults(b + 60 * PAGE) == SIGSEGV && sbrk(50 * PAGE) == b + 50 * PAGE && b[99 * PAGE] == 0);
}

static void code(void)
{
    unsigned *p = mmap(NULL, PAGE, RW | PROT_EXEC, ANON, -1, 0);
    int (*fn)(void) = (int (*)(void))p;
    for (unsigned i = 0; i < 200; i++) {
        put_code(p, i);
        CHECK(fn() == (int)i);
    }
    mprotect(p, PAGE, RW);
    int sig = sigsetjmp(back, 1);
    if (!sig) {
        fn();
    }
    CHECK(sig == SIGSEGV);
    put_code(p, 1000);
    mprotect(p, PAGE, PROT_READ | PROT_EXEC);
    CHECK(fn() == 1000);
    munmap(p, PAGE);
    CHECK(mmap(p, PAGE, RW | PROT_EXEC, ANON | MAP_FIXED, -1, 0) == p);
    put_code(p, 7);
    CHECK(fn() == 7);
}

static void shared(void)
{
    volatile int *p = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int id = shmget(IPC_PRIVATE, 3 * PAGE, 0600), status;
    volatile int *s = shmat(id, NULL, 0);
    CHECK(id >= 0 && s != (void *)-1);
    pid_t child = fork();
    if (!child) {
        *p = 42;
        s[1024] = 43;
        _exit(0);
    }
    waitpid(child, &status, 0);
    CHECK(*p == 42 && s[1024] == 43);
    CHECK(shmdt((void *)s) == 0 && faults((char *)s) == SIGSEGV && shmctl(id, IPC_RMID, NULL) == 0);
}

/* Pages of a file in another order. */
static void file_pages(void)
{
    int fd = memfd_create("pages", 0);
    char c;
    CHECK(ftruncate(fd, 8 * PAGE) == 0);
    char *p = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    for (int i = 0; i < 8; i++) {
        p[i * PAGE] = (char)('a' + i);
    }
    CHECK(remap_file_pages(p, 2 * PAGE, 0, 5, 0) == 0 && remap_file_pages(p + 7 * PAGE, PAGE, 0, 0, 0) == 0);
    CHECK(p[0] == 'f' && p[PAGE] == 'g' && p[2 * PAGE] == 'c' && p[7 * PAGE] == 'a');
    p[PAGE] = 'G';
    CHECK(p[6 * PAGE] == 'G' && pread(fd, &c, 1, 6 * PAGE) == 1 && c == 'G');
    CHECK(remap_file_pages(p, PAGE, PROT_READ, 0, 0) == -1 && errno == EINVAL);
    CHECK(munmap(p, 8 * PAGE) == 0 && remap_file_pages(p, PAGE, 0, 0, 0) == -1 && errno == EINVAL);
    close(fd);
}

int main(void)
{
    signal(SIGSEGV, leap);
    maps();
    remaps();
    heap();
    code();
    shared();
    file_pages();
    return checks_end("memory");
}
