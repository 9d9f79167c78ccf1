/* What this machine has (CPUID; Intel SDM volume 2, table 3-8, and AMD's APM volume 3, appendix E). */
#include "tcg/host/x86_64/x_priv.h"

#if defined(__x86_64__)
#include <cpuid.h>

struct x_cpu x_cpu;

static bool os_saves_ymm(void)
{
    u32 lo, hi;
    __asm__ volatile("xgetbv" : "=a"(lo), "=d"(hi) : "c"(0));
    return (lo & 6) == 6;
}

__attribute__((constructor)) static void x_cpu_init(void)
{
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d)) {
        return;
    }
    x_cpu.popcnt = bit(c, 23);
    x_cpu.movbe = bit(c, 22);
    x_cpu.pclmul = bit(c, 1);
    x_cpu.avx = bit(c, 28) && bit(c, 27) && os_saves_ymm();
    x_cpu.fma = x_cpu.avx && bit(c, 12);
    x_cpu.f16c = x_cpu.avx && bit(c, 29);
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        x_cpu.avx2 = x_cpu.avx && bit(b, 5);
        x_cpu.bmi1 = bit(b, 3);
        x_cpu.bmi2 = bit(b, 8);
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
        x_cpu.lzcnt = bit(c, 5);
    }
}

const char *x_unavailable(void)
{
    return x_cpu.avx && x_cpu.f16c && x_cpu.popcnt
               ? NULL
               : "the x86-64 back end needs AVX and F16C, which this processor does not have";
}
#else
struct x_cpu x_cpu = {.avx = true,
                      .avx2 = true,
                      .fma = true,
                      .f16c = true,
                      .bmi1 = true,
                      .bmi2 = true,
                      .lzcnt = true,
                      .popcnt = true,
                      .movbe = true,
                      .pclmul = true};
const char *x_unavailable(void)
{
    return "this machine is no x86-64";
}
#endif
