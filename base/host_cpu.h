/* What an x86-64 host can do; all false on other hosts. Filled before main() and before any other constructor. */
#ifndef MOSS_BASE_HOST_CPU_H
#define MOSS_BASE_HOST_CPU_H

#include <stdbool.h>

/* Features by the names of Intel's SDM. Those of vector registers are there only when the kernel saves the registers.
 */
#define HOST_CPU_FEATURES(_) \
    _(SSE4_1, 1, c, 19) \
    _(SSE4_2, 1, c, 20) \
    _(PCLMULQDQ, 1, c, 1) \
    _(MOVBE, 1, c, 22) \
    _(POPCNT, 1, c, 23) \
    _(AES, 1, c, 25) \
    _(AVX, 1, c, 28) \
    _(F16C, 1, c, 29) \
    _(FMA, 1, c, 12) \
    _(BMI1, 7, b, 3) \
    _(AVX2, 7, b, 5) \
    _(BMI2, 7, b, 8) \
    _(SHA, 7, b, 29) \
    _(LZCNT, 0x80000001, c, 5)

struct host_cpu {
#define _(name, leaf, reg, bit) bool name;
    HOST_CPU_FEATURES(_)
#undef _
};
extern struct host_cpu host_cpu;

#endif
