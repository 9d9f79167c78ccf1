/* CPUID (Intel SDM volume 2, table 3-8, and AMD's APM volume 3, appendix E), as the C library has read it: each CPUID
 * leaves a virtual machine, which costs microseconds, and every process would pay for a dozen at its start. */
#include "base/host_cpu.h"

struct host_cpu host_cpu;

#if defined(__x86_64__) && __has_include(<sys/platform/x86.h>)
#include <sys/platform/x86.h>

__attribute__((constructor(101))) static void host_cpu_ask(void)
{
#define _(name, leaf, reg, bit) host_cpu.name = CPU_FEATURE_ACTIVE(name);
    HOST_CPU_FEATURES(_)
#undef _
}
#elif defined(__x86_64__)
#include <cpuid.h>

static bool os_saves_ymm(void)
{
    unsigned lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (lo & 6) == 6;
}

static bool ask(unsigned leaf, char reg, unsigned bit)
{
    unsigned a = 0, b = 0, c = 0, d = 0;
    return __get_cpuid_count(leaf, 0, &a, &b, &c, &d) && ((reg == 'b' ? b : c) >> bit & 1);
}

__attribute__((constructor(101))) static void host_cpu_ask(void)
{
#define _(name, leaf, reg, bit) host_cpu.name = ask(leaf, #reg[0], bit);
    HOST_CPU_FEATURES(_)
#undef _
    bool ymm = ask(1, 'c', 27 /* OSXSAVE */) && os_saves_ymm();
    host_cpu.AVX &= ymm;
    host_cpu.AVX2 &= ymm;
    host_cpu.F16C &= ymm;
    host_cpu.FMA &= ymm;
}
#endif
