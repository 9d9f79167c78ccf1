/* What this machine has, by the kernel's word (AT_HWCAP). */
#include "tcg/host/aarch64/a_priv.h"

#if defined(__aarch64__)
#include <sys/auxv.h>

struct a_cpu a_cpu;

__attribute__((constructor)) static void a_cpu_init(void)
{
    enum { PMULL = 1 << 4, CRC32 = 1 << 7, ATOMICS = 1 << 8, FPHP = 1 << 9, ASIMDHP = 1 << 10, USCAT = 1 << 25 };
    unsigned long cap = getauxval(AT_HWCAP);
    a_cpu.pmull = cap & PMULL;
    a_cpu.crc32 = cap & CRC32;
    a_cpu.lse = cap & ATOMICS;
    a_cpu.fp16 = (cap & FPHP) && (cap & ASIMDHP);
    a_cpu.lse2 = cap & USCAT;
}
const char *a_unavailable(void)
{
    return NULL;
}
#else
struct a_cpu a_cpu = {.lse = true, .lse2 = true, .fp16 = true, .pmull = true, .crc32 = true};
const char *a_unavailable(void)
{
    return "this machine is no AArch64";
}
#endif
