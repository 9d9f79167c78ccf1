/* What this machine has of what the back end may use. */
#if defined(__x86_64__)
#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

#include "base/host_cpu.h"
#include "tcg/host/x86_64/x_priv.h"

#if defined(__x86_64__)
struct x_cpu x_cpu;

__attribute__((constructor)) static void x_cpu_init(void)
{
    x_cpu = (struct x_cpu){.avx = host_cpu.AVX,
                           .avx2 = host_cpu.AVX2,
                           .fma = host_cpu.FMA,
                           .f16c = host_cpu.F16C,
                           .bmi1 = host_cpu.BMI1,
                           .bmi2 = host_cpu.BMI2,
                           .lzcnt = host_cpu.LZCNT,
                           .popcnt = host_cpu.POPCNT,
                           .movbe = host_cpu.MOVBE,
                           .pclmul = host_cpu.PCLMULQDQ,
                           .aes = host_cpu.AES};
}

const char *x_unavailable(void)
{
    return x_cpu.avx && x_cpu.f16c && x_cpu.popcnt
               ? NULL
               : "the x86-64 back end needs AVX and F16C, which this processor does not have";
}
/* Nothing else uses GS here, and threads begin with the base of who starts them. */
bool x_set_base(const void *base)
{
    return syscall(SYS_arch_prctl, ARCH_SET_GS, base) == 0;
}
#else
bool x_set_base(const void *base UNUSED)
{
    return false;
}
struct x_cpu x_cpu = {.avx = true,
                      .avx2 = true,
                      .fma = true,
                      .f16c = true,
                      .bmi1 = true,
                      .bmi2 = true,
                      .lzcnt = true,
                      .popcnt = true,
                      .movbe = true,
                      .pclmul = true,
                      .aes = true};
const char *x_unavailable(void)
{
    return "this machine is no x86-64";
}
#endif
