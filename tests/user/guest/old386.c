/* What i386 programs alone have: descriptors of their own, exceptions of old instructions, the first system calls for
 * signals, sockets and files, and the frame of before rt_sigaction. */
#define _GNU_SOURCE
#include "check.h"

#include <asm/ldt.h>
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static sigjmp_buf back;
static volatile int got, code;
static void leap(int sig, siginfo_t *si, void *uc)
{
    (void)uc;
    got = sig;
    code = si->si_code;
    siglongjmp(back, 1);
}
static void catch (int sig)
{
    struct sigaction a = {.sa_sigaction = leap, .sa_flags = SA_SIGINFO | SA_NODEFER};
    sigaction(sig, &a, NULL);
}
#define FAULT(act) \
    got = code = 0; \
    if (!sigsetjmp(back, 1)) { \
        act; \
    }

/* -- segments ------------------------------------------------------------------------------------------------------ */

static unsigned words[4] = {11, 22, 33, 44};
static unsigned load_fs(unsigned selector, unsigned offset)
{
    unsigned v;
    __asm__ volatile("mov %1, %%fs\n\tmov %%fs:(%2), %0" : "=r"(v) : "r"(selector), "r"(offset) : "memory");
    return v;
}

static void descriptors(void)
{
    struct user_desc d = {.entry_number = -1, .base_addr = (uintptr_t)words, .limit = 7, .seg_32bit = 1, .useable = 1};
    CHECK(syscall(SYS_set_thread_area, &d) == 0 && d.entry_number >= 12 && d.entry_number <= 14);
    unsigned sel = d.entry_number << 3 | 3;
    CHECK(load_fs(sel, 0) == 11 && load_fs(sel, 4) == 22);
    FAULT(load_fs(sel, 5))
    CHECK(got == SIGSEGV && code == SI_KERNEL);
    struct user_desc e = {.entry_number = d.entry_number};
    CHECK(syscall(SYS_get_thread_area, &e) == 0 && e.base_addr == d.base_addr && e.limit == 7 && e.seg_32bit &&
          e.useable);
    d.base_addr += 8;
    CHECK(syscall(SYS_set_thread_area, &d) == 0 && load_fs(sel, 4) == 44);
    d = (struct user_desc){.entry_number = 5};
    CHECK(syscall(SYS_set_thread_area, &d) == -1 && errno == EINVAL);
    FAULT(load_fs(0x4b, 0))
    CHECK(got == SIGSEGV);
    FAULT(load_fs(0, 0))
    CHECK(got == SIGSEGV);
}

static void local_table(void)
{
    uint64_t table[4] = {1, 1, 1, 1};
    struct user_desc d = {.entry_number = 2, .base_addr = (uintptr_t)words, .limit = 15, .seg_32bit = 1};
    CHECK(syscall(SYS_modify_ldt, 0, table, sizeof(table)) == 0);
    CHECK(syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)) == 0);
    CHECK(load_fs(2 << 3 | 7, 12) == 44);
    CHECK(syscall(SYS_modify_ldt, 0, table, sizeof(table)) == sizeof(table) && !table[0] && table[2] && !table[3]);
    CHECK((unsigned)(table[2] & 0xffff) == 15 && (table[2] >> 40 & 0xf0) == 0xf0);
    d.seg_not_present = 1;
    d.entry_number = 3;
    CHECK(syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)) == 0);
    FAULT(load_fs(3 << 3 | 7, 0))
    CHECK(got == SIGBUS); /* segment not present */
    d.entry_number = 8192;
    CHECK(syscall(SYS_modify_ldt, 0x11, &d, sizeof(d)) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_modify_ldt, 1, &d, 5) == -1 && errno == EINVAL);
}

/* -- instructions -------------------------------------------------------------------------------------------------- */

static void instructions(void)
{
    static const int bounds[2] = {-5, 5};
    unsigned v = 6, saved = 0;
    FAULT(__asm__ volatile("bound %0, %1" : : "r"(v), "m"(bounds)))
    CHECK(got == SIGSEGV);
    v = 5;
    __asm__ volatile("bound %0, %1" : : "r"(v), "m"(bounds));
    FAULT(__asm__ volatile("mov $0x7f, %%al\n\tadd $1, %%al\n\tinto" : : : "eax"))
    CHECK(got == SIGSEGV);
    FAULT(__asm__ volatile("int $0x21"))
    CHECK(got == SIGSEGV && code == SI_KERNEL);
    FAULT(__asm__ volatile("hlt"))
    CHECK(got == SIGSEGV);
    FAULT(__asm__ volatile("div %0" : : "r"(0) : "eax", "edx"))
    CHECK(got == SIGFPE && code == FPE_INTDIV);
    __asm__ volatile("mov $7, %%ebx\n\tpusha\n\tmov $9, %%ebx\n\tpopa\n\tmov %%ebx, %0" : "=r"(saved) : : "ebx");
    CHECK(saved == 7);
    unsigned al = 0x19;
    __asm__ volatile("add $0x28, %%al\n\tdaa" : "+a"(al));
    CHECK((al & 0xff) == 0x47);
}

/* -- calls --------------------------------------------------------------------------------------------------------- */

static int raw3(int nr, int a, int b, int c)
{
    int r;
    __asm__ volatile("int $0x80" : "=a"(r) : "0"(nr), "b"(a), "c"(b), "d"(c) : "memory");
    return r;
}

static volatile int count, frame_sp_ok;
static volatile double in_handler;
static void on_old(int sig, struct sigcontext sc)
{
    (void)sig;
    count++;
    frame_sp_ok = sc.esp == sc.esp_at_signal && sc.fpstate && sc.eip;
    in_handler = 3.5 * count;
    sc.ebx = 1234; /* the frame itself: what goes on has it */
    __asm__ volatile("" : : "r"(&sc) : "memory");
}

static void old_signals(void)
{
    struct {
        void *handler;
        unsigned mask, flags;
        void *restorer;
    } act = {on_old, 1u << (SIGUSR2 - 1), 0, NULL}, old;
    unsigned mask = 1u << (SIGUSR1 - 1), before = 0, pending = 0;
    volatile double d = 1.25;
    int r, ebx;
    CHECK(raw3(SYS_sigaction, SIGUSR1, (int)&act, (int)&old) == 0);
    CHECK(raw3(SYS_sigprocmask, SIG_BLOCK, (int)&mask, (int)&before) == 0);
    kill(getpid(), SIGUSR1);
    CHECK(count == 0 && raw3(SYS_sigpending, (int)&pending, 0, 0) == 0 && pending & mask);
    CHECK(raw3(SYS_sgetmask, 0, 0, 0) & mask);
    double e = d * 2;
    __asm__ volatile("int $0x80"
                     : "=a"(r), "=b"(ebx)
                     : "0"(SYS_sigprocmask), "1"(SIG_UNBLOCK), "c"(&mask), "d"(0)
                     : "memory");
    CHECK(count == 1 && frame_sp_ok && r == 0 && ebx == 1234 && e == 2.5);
    CHECK(raw3(SYS_signal, SIGUSR1, 1, 0) == (int)on_old && raw3(SYS_signal, SIGUSR1, 0, 0) == 1);
    CHECK(raw3(SYS_ssetmask, (int)mask, 0, 0) >= 0 && (raw3(SYS_ssetmask, 0, 0, 0) & mask));
}

static void multiplexed(void)
{
    int fds[2], pair[4] = {AF_UNIX, SOCK_DGRAM, 0, (int)fds};
    char text[8] = "";
    CHECK(raw3(SYS_socketcall, 8, (int)pair, 0) == 0);
    int sends[4] = {fds[0], (int)"hello", 6, 0}, gets[4] = {fds[1], (int)text, 8, MSG_DONTWAIT};
    CHECK(raw3(SYS_socketcall, 9, (int)sends, 0) == 6 && raw3(SYS_socketcall, 10, (int)gets, 0) == 6);
    CHECK(!strcmp(text, "hello") && raw3(SYS_socketcall, 77, (int)gets, 0) == -EINVAL);
    int map[6] = {0, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
    unsigned p = (unsigned)raw3(SYS_mmap, (int)map, 0, 0);
    CHECK(p < -4096u && *(volatile int *)p == 0 && munmap((void *)p, 4096) == 0);
}

static void files(void)
{
    int fd = (int)syscall(SYS_open, "/tmp", O_TMPFILE | O_RDWR | O_LARGEFILE, 0600);
    uint64_t at = 0;
    struct stat64 st;
    struct flock64 lock = {.l_type = F_WRLCK, .l_start = 0x123456789ll, .l_len = 16};
    if (fd < 0) {
        return; /* not every file system can */
    }
    CHECK(syscall(SYS_ftruncate64, fd, 0x23456789, 1) == 0 && fstat64(fd, &st) == 0 && st.st_size == 0x123456789ll);
    CHECK(syscall(SYS__llseek, fd, 1, 5, &at, SEEK_SET) == 0 && at == 0x100000005ull);
    CHECK(syscall(SYS_pwrite64, fd, "xyz", 3, 0x10, 1) == 3);
    char c[4] = "";
    CHECK(syscall(SYS_pread64, fd, c, 3, 0x10, 1) == 3 && !strcmp(c, "xyz"));
    CHECK(syscall(SYS_fcntl64, fd, 13 /* F_SETLK64 */, &lock) == 0);
    CHECK(syscall(SYS_fadvise64_64, fd, 0, 1, 4096, 0, 0) == 0);
    close(fd);
}

/* Positions in a directory fit into a long, and lead back. */
static void positions(void)
{
    struct entry {
        uint64_t ino, off;
        unsigned short len;
        unsigned char type;
        char name[];
    };
    static char buf[4096], again[4096];
    int fd = open("/", O_RDONLY | O_DIRECTORY);
    int n = (int)syscall(SYS_getdents64, fd, buf, sizeof(buf));
    const struct entry *e = (const struct entry *)buf;
    CHECK(n > 0 && e->off <= 0x7fffffff);
    const struct entry *second = (const struct entry *)(buf + e->len);
    CHECK(second->off <= 0x7fffffff && syscall(SYS_lseek, fd, (long)e->off, SEEK_SET) == (long)e->off);
    CHECK(syscall(SYS_getdents64, fd, again, sizeof(again)) > 0 &&
          !strcmp(second->name, ((struct entry *)again)->name));
    close(fd);
}

int main(void)
{
    static const int signals[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};
    for (unsigned i = 0; i < 4; i++) {
        catch (signals[i]);
    }
    CHECK(getauxval(AT_SYSINFO) > getauxval(AT_SYSINFO_EHDR));
    descriptors();
    local_table();
    instructions();
    old_signals();
    multiplexed();
    files();
    positions();
    return checks_end("old386");
}
