/* What a model is, beside its features; for models.c and cpuid.c. */
#ifndef MOSS_TARGET_I386_CPUID_H
#define MOSS_TARGET_I386_CPUID_H

#include "base/types.h"

struct x86_model {
    u32 family, number, stepping;
    u32 level, xlevel; /* highest leaves; level 0: no CPUID; xlevel 0: no extended ones */
    char vendor[13];
    const char *brand;    /* NULL: none */
    u8 phys_bits;         /* 0: 32, or 36 with PAE */
    const char *features; /* names of features.def, separated by spaces; NULL: all */
};

#endif
