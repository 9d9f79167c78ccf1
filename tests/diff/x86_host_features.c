/* Which of the tables' features the host's processor has. */
#include <cpuid.h>

#include "tests/diff/x86_host_run.h"

static void take(struct x86_features *f, unsigned feat, bool has)
{
    f->w[feat / 64] |= (u64)has << feat % 64;
}

static void take_all(struct x86_features *f, u32 word, const u8 (*bits)[2])
{
    for (; (*bits)[0] < X86_FEATS; bits++) {
        take(f, (*bits)[0], word >> (*bits)[1] & 1);
    }
}
#define END \
    { \
        X86_FEATS, 0 \
    }

static void take_leaf1(struct x86_features *f, u32 c, u32 d, bool avx)
{
    static const u8 in_c[][2] = {{X86_FEAT_SSE3, 0},
                                 {X86_FEAT_PCLMULQDQ, 1},
                                 {X86_FEAT_SSSE3, 9},
                                 {X86_FEAT_CX16, 13},
                                 {X86_FEAT_SSE41, 19},
                                 {X86_FEAT_SSE42, 20},
                                 {X86_FEAT_MOVBE, 22},
                                 {X86_FEAT_POPCNT, 23},
                                 {X86_FEAT_AES, 25},
                                 {X86_FEAT_XSAVE, 27},
                                 END};
    static const u8 in_d[][2] = {{X86_FEAT_X87, 0},    {X86_FEAT_I387, 0},     {X86_FEAT_CX8, 8},   {X86_FEAT_CMOV, 15},
                                 {X86_FEAT_FCMOV, 15}, {X86_FEAT_CLFLUSH, 19}, {X86_FEAT_MMX, 23},  {X86_FEAT_FXSR, 24},
                                 {X86_FEAT_SSE, 25},   {X86_FEAT_MMXEXT, 25},  {X86_FEAT_SSE2, 26}, END};
    static const u8 with_avx[][2] = {{X86_FEAT_AVX, 28}, {X86_FEAT_FMA, 12}, {X86_FEAT_F16C, 29}, END};
    take_all(f, c, in_c);
    take_all(f, d, in_d);
    if (avx) {
        take_all(f, c, with_avx);
        take(f, X86_FEAT_AVXAES, c >> 25 & 1);
        take(f, X86_FEAT_AVXPCLMUL, c >> 1 & 1);
    }
}

struct x86_features x86_host_features(void)
{
    static const u8 leaf7[][2] = {{X86_FEAT_BMI1, 3},
                                  {X86_FEAT_BMI2, 8},
                                  {X86_FEAT_ADX, 19},
                                  {X86_FEAT_SHA, 29},
                                  {X86_FEAT_CLFLUSHOPT, 23},
                                  {X86_FEAT_CLWB, 24},
                                  END};
    static const u8 extended[][2] = {
        {X86_FEAT_LAHF, 0}, {X86_FEAT_LZCNT, 5}, {X86_FEAT_SSE4A, 6}, {X86_FEAT_PREFETCHW, 8}, END};
    static const u8 amd[][2] = {{X86_FEAT_3DNOW, 31}, {X86_FEAT_3DNOWEXT, 30}, END};
    struct x86_features f = {{0}};
    take(&f, X86_FEAT_I486, true);
    take(&f, X86_FEAT_CPUID, true);
    u32 a, b, c = 0, d = 0;
    bool avx = __builtin_cpu_supports("avx");
    __get_cpuid(1, &a, &b, &c, &d);
    take_leaf1(&f, c, d, avx);
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
        take_all(&f, b, leaf7);
        take(&f, X86_FEAT_AVX2, avx && b >> 5 & 1);
    }
    if (__get_cpuid(0x80000001, &a, &b, &c, &d)) {
        take_all(&f, c, extended);
        take_all(&f, d, amd);
    }
    if (__get_cpuid_count(13, 1, &a, &b, &c, &d)) {
        take(&f, X86_FEAT_XSAVEOPT, a & 1);
        take(&f, X86_FEAT_XSAVEC, a >> 1 & 1);
    }
    return f;
}
