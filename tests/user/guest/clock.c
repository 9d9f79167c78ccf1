/* The vdso: its functions are found as the C library finds them, by name and version, and agree with the system calls
 * of the same name. */
#include "check.h"
#include "machine.h"

#include <errno.h>
#include <link.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define ELF(type) ElfW(type)

static struct {
    const char *base, *str;
    const ELF(Sym) * sym;
    const ELF(Half) * versym;
    const ELF(Verdef) * verdef;
    const ELF(Word) * hash;
} vdso;

static const char *version_of(unsigned index)
{
    const char *p = (const char *)vdso.verdef;
    for (;;) {
        const ELF(Verdef) *d = (const ELF(Verdef) *)p;
        if (d->vd_ndx == index) {
            return vdso.str + ((const ELF(Verdaux) *)(p + d->vd_aux))->vda_name;
        }
        if (!d->vd_next) {
            return "";
        }
        p += d->vd_next;
    }
}

static void vdso_open(void)
{
    vdso.base = (const char *)getauxval(AT_SYSINFO_EHDR);
    CHECK(vdso.base && !memcmp(vdso.base, ELFMAG, SELFMAG));
    const ELF(Ehdr) *h = (const ELF(Ehdr) *)vdso.base;
    const ELF(Phdr) *ph = (const ELF(Phdr) *)(vdso.base + h->e_phoff);
    for (int i = 0; i < h->e_phnum; i++) {
        const ELF(Dyn) *d = (const ELF(Dyn) *)(vdso.base + ph[i].p_offset);
        for (; ph[i].p_type == PT_DYNAMIC && d->d_tag; d++) {
            const char *p = vdso.base + d->d_un.d_ptr;
            switch (d->d_tag) {
            case DT_STRTAB:
                vdso.str = p;
                break;
            case DT_SYMTAB:
                vdso.sym = (const ELF(Sym) *)p;
                break;
            case DT_VERSYM:
                vdso.versym = (const ELF(Half) *)p;
                break;
            case DT_VERDEF:
                vdso.verdef = (const ELF(Verdef) *)p;
                break;
            case DT_HASH:
                vdso.hash = (const ELF(Word) *)p;
                break;
            }
        }
    }
    CHECK(vdso.str && vdso.sym && vdso.versym && vdso.verdef && vdso.hash);
}

static void *find(const char *name)
{
    for (unsigned i = 1; i < vdso.hash[1]; i++) {
        if (!strcmp(vdso.str + vdso.sym[i].st_name, name) &&
            !strcmp(version_of(vdso.versym[i] & 0x7fff), VDSO_VERSION)) {
            return (void *)(vdso.base + vdso.sym[i].st_value);
        }
    }
    CHECK(!"the function is there");
    return NULL;
}

static long long ns(const struct timespec *t)
{
    return t->tv_sec * 1000000000ll + t->tv_nsec;
}

static int (*gettime)(int, struct timespec *), (*getres)(int, struct timespec *);
static int (*timeofday)(struct timeval *, struct timezone *);

/* Coarse clocks may be one tick behind the fine ones, not behind themselves. */
static void test_clock(int id)
{
    struct timespec a, b, c, res, res2;
    for (int i = 0; i < 1000; i++) {
        CHECK(syscall(SYS_clock_gettime, id, &a) == 0);
        CHECK(gettime(id, &b) == 0);
        CHECK(syscall(SYS_clock_gettime, id, &c) == 0);
        CHECK(ns(&a) <= ns(&b) && ns(&b) <= ns(&c) && b.tv_nsec < 1000000000);
    }
    CHECK(syscall(SYS_clock_getres, id, &res) == 0 && getres(id, &res2) == 0 && ns(&res) == ns(&res2));
    CHECK(getres(id, NULL) == 0);
}

int main(void)
{
    static const int ids[] = {CLOCK_REALTIME,          CLOCK_MONOTONIC,     CLOCK_PROCESS_CPUTIME_ID,
                              CLOCK_THREAD_CPUTIME_ID, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME_COARSE,
                              CLOCK_MONOTONIC_COARSE,  CLOCK_BOOTTIME,      CLOCK_TAI};
    struct timeval a, b, c;
    struct timezone z, y;
    struct timespec t;
    vdso_open();
    gettime = find(VDSO("clock_gettime"));
    getres = find(VDSO("clock_getres"));
    timeofday = find(VDSO("gettimeofday"));
#if defined(__aarch64__)
    CHECK(*(unsigned *)find("__kernel_rt_sigreturn") == 0xd2801168);
#endif
    for (unsigned i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
        test_clock(ids[i]);
    }
    CHECK(gettime(100, &t) == -EINVAL && getres(100, &t) == -EINVAL && getres(12, &t) == -EINVAL);
    CHECK(syscall(SYS_clock_gettime, 100, &t) == -1 && errno == EINVAL);
    CHECK(syscall(SYS_clock_gettime, CLOCK_REALTIME, (void *)8) == -1 && errno == EFAULT);
    CHECK(syscall(SYS_gettimeofday, &a, NULL) == 0 && timeofday(&b, NULL) == 0 &&
          syscall(SYS_gettimeofday, &c, &z) == 0);
    CHECK(!timercmp(&b, &a, <) && !timercmp(&c, &b, <) && b.tv_usec < 1000000);
    CHECK(timeofday(&b, &y) == 0 && y.tz_minuteswest == z.tz_minuteswest && timeofday(NULL, NULL) == 0);
    return checks_end("clock");
}
