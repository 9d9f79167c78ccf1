/* MXCSR (SDM volume 1, 10.2.3) as the rest of the x86 CPU sees it. */
#ifndef MOSS_TARGET_I386_MXCSR_H
#define MOSS_TARGET_I386_MXCSR_H

#include "target/i386/cpu.h"

enum {
    MXCSR_IE = 1 << 0,
    MXCSR_DE = 1 << 1,
    MXCSR_ZE = 1 << 2,
    MXCSR_OE = 1 << 3,
    MXCSR_UE = 1 << 4,
    MXCSR_PE = 1 << 5,
    MXCSR_EXCEPTIONS = 0x3f,
    MXCSR_DAZ = 1 << 6,
    MXCSR_MASK_SHIFT = 7,
    MXCSR_MASKS = MXCSR_EXCEPTIONS << MXCSR_MASK_SHIFT,
    MXCSR_FZ = 1 << 15,
    MXCSR_INIT = MXCSR_MASKS,
};

u32 x86_mxcsr_mask(const struct x86_cpu *cpu); /* bits that exist */
/* What of it is in the mode word. */
static inline u64 x86_mxcsr_mode(const struct x86_cpu *cpu)
{
    return (~cpu->mxcsr & MXCSR_MASKS ? MODE_SSE_EXACT : 0) |
           (cpu->mxcsr & (MXCSR_DAZ | MXCSR_FZ) ? MODE_SSE_FLUSH : 0);
}

#endif
