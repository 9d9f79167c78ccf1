/* MXCSR, and float exceptions that are not masked. SPEC: Intel SDM volume 1, 10.2.3 and 11.5.
 *
 * Its bits: cpu.mxcsr has the control bits as the program set them and the exceptions known then. Since then exceptions
 * gather in cpu.fp.flags (the exact unit) and in rt.host_fp (translated code), which also hold the control bits in
 * their own forms. Where one is not masked each instruction goes through the exact unit, between x86_h_fp_begin and
 * x86_h_fp_end. */
#include "target/i386/mxcsr.h"

#include "target/i386/helpers.h"

enum { RC_SHIFT = 13, BEFORE = MXCSR_IE | MXCSR_DE | MXCSR_ZE };

/* Bits 5:0 in their order. */
static u32 exceptions(u32 fp_flags)
{
    static const u16 flag_of[6] = {FP_INVALID, FP_DENORMAL_USED, FP_DIVZERO, FP_OVERFLOW, FP_UNDERFLOW, FP_INEXACT};
    u32 v = 0;
    for (unsigned i = 0; i < 6; i++) {
        v |= fp_flags & flag_of[i] ? 1u << i : 0;
    }
    return v;
}

/* -- what translated code works with ----------------------------------------------------------------------------------
 */

static u32 host_exceptions(const struct x86_cpu *cpu)
{
    u32 fp = cpu->vcpu.rt.host_fp;
#ifdef __x86_64__
    return fp & MXCSR_EXCEPTIONS;
#else
    return (fp & 1) | (fp & 0xe) << 1 | (fp & 0x10) << 1; /* FPSR: IOC DZC OFC UFC IXC */
#endif
}
static void host_set(struct x86_cpu *cpu)
{
#ifdef __x86_64__
    cpu->vcpu.rt.host_fp = (cpu->mxcsr & ~(u32)MXCSR_EXCEPTIONS) | MXCSR_MASKS;
#else
    static const u8 rmode[4] = {0, 2, 1, 3};
    cpu->vcpu.rt.host_fp = (u32)rmode[cpu->mxcsr >> RC_SHIFT & 3] << 22;
#endif
}

u32 x86_mxcsr(const struct x86_cpu *cpu)
{
    return cpu->mxcsr | exceptions(cpu->fp.flags) | host_exceptions(cpu);
}

/* Underflow that is not masked is not flushed. */
void x86_mxcsr_set(struct x86_cpu *cpu, u32 v)
{
    static const u8 round[4] = {FP_RNE, FP_RM, FP_RP, FP_RZ};
    cpu->mxcsr = v;
    cpu->fp = FP_ENV_SSE;
    cpu->fp.round = round[v >> RC_SHIFT & 3];
    cpu->fp.flush_out = v & MXCSR_FZ && v & MXCSR_UE << MXCSR_MASK_SHIFT;
    cpu->fp.flush_in = v & MXCSR_DAZ;
    cpu->fp.wrap =
        (v & MXCSR_OE << MXCSR_MASK_SHIFT ? 0 : FP_OVERFLOW) | (v & MXCSR_UE << MXCSR_MASK_SHIFT ? 0 : FP_UNDERFLOW);
    cpu->fp.wrap_any = true;
    host_set(cpu);
    cpu->vcpu.sv->mode_changed(&cpu->vcpu);
}

u32 x86_mxcsr_mask(const struct x86_cpu *cpu)
{
    return x86_has(&cpu->features, X86_FEAT_SSE2) ? 0xffff : 0xffff & ~(u32)MXCSR_DAZ;
}

/* -- what translated code calls ---------------------------------------------------------------------------------------
 */

void x86_h_ldmxcsr(struct vcpu *v, u64 value)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if ((u32)value & ~x86_mxcsr_mask(cpu)) {
        x86_throw(cpu, EXC_GP, 0);
    }
    x86_mxcsr_set(cpu, (u32)value);
}
u64 x86_h_stmxcsr(struct vcpu *v)
{
    return x86_mxcsr(x86_cpu(v));
}

static void byte_check(struct vcpu *v, u64 va)
{
    u8 *p = v->sv->probe(v, va, 1, MMU_STORE, x86_view(x86_cpu(v)));
    if (p) {
        __atomic_fetch_or(p, 0, __ATOMIC_RELAXED);
    }
}
void x86_h_store_check(struct vcpu *v, u64 va, u64 n)
{
    byte_check(v, va);
    byte_check(v, va + n - 1);
}

void x86_h_fp_begin(struct vcpu *v)
{
    struct x86_cpu *cpu = x86_cpu(v);
    cpu->mxcsr |= exceptions(cpu->fp.flags);
    cpu->fp.flags = 0;
}

/* A step is done. Exceptions that operands cause come before those of results: when one of the former is not masked
 * there is no result. An underflow that is not masked is a tiny result, exact or not. */
void x86_h_fp_end(struct vcpu *v, u64 mmx)
{
    struct x86_cpu *cpu = x86_cpu(v);
    u32 unmasked = ~cpu->mxcsr >> MXCSR_MASK_SHIFT & MXCSR_EXCEPTIONS, found = exceptions(cpu->fp.flags);
    found |= cpu->fp.flags & FP_TINY && unmasked & MXCSR_UE ? MXCSR_UE : 0;
    if (found & unmasked & BEFORE) {
        found &= BEFORE;
    }
    cpu->fp.flags = 0;
    cpu->mxcsr |= found;
    if (!(found & unmasked)) {
        return;
    }
    if (mmx) {
        cpu->ftop = cpu->ftw = 0;
    }
    x86_throw(cpu, cpu->vcpu.user || cpu->cr4 & CR4_OSXMMEXCPT ? EXC_XM : EXC_UD, 0);
}
