/* MXCSR. SPEC: Intel SDM volume 1, 10.2.3. */
#include "target/i386/cpu.h"

enum { MXCSR_DAZ = 1 << 6, MXCSR_RC_SHIFT = 13, MXCSR_FZ = 1 << 15 };

/* Bits 5:0 in their order. */
static const u16 flag_of[6] = {FP_INVALID, FP_DENORMAL_USED, FP_DIVZERO, FP_OVERFLOW, FP_UNDERFLOW, FP_INEXACT};

u32 x86_mxcsr(const struct x86_cpu *cpu)
{
    u32 v = cpu->mxcsr;
    for (unsigned i = 0; i < 6; i++) {
        v |= cpu->fp.flags & flag_of[i] ? 1u << i : 0;
    }
    return v;
}

void x86_mxcsr_set(struct x86_cpu *cpu, u32 v)
{
    static const u8 round[4] = {FP_RNE, FP_RM, FP_RP, FP_RZ};
    cpu->mxcsr = v;
    cpu->fp = FP_ENV_SSE;
    cpu->fp.round = round[v >> MXCSR_RC_SHIFT & 3];
    cpu->fp.flush_out = v & MXCSR_FZ;
    cpu->fp.flush_in = v & MXCSR_DAZ;
    cpu->vcpu.sv->mode_changed(&cpu->vcpu);
}
