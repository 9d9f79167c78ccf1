/* The x87's words. SPEC: Intel SDM volume 1, 8.1. */
#include "target/i386/fpu.h"

#include "target/i386/helpers.h"
#include "tcg/interp/float.h"

static u32 exceptions(u32 f)
{
    return (f & FP_INVALID ? FSW_IE : 0) | (f & FP_DENORMAL_USED ? FSW_DE : 0) | (f & FP_DIVZERO ? FSW_ZE : 0) |
           (f & FP_OVERFLOW ? FSW_OE : 0) | (f & FP_UNDERFLOW ? FSW_UE : 0) | (f & FP_INEXACT ? FSW_PE : 0);
}
void x86_fpu_settle(struct x86_cpu *cpu)
{
    float_f80_settle(&x86_ir_target, cpu);
    cpu->fsw |= exceptions(cpu->fp87.flags);
    cpu->fp87.flags = 0;
    cpu->fip += cpu->fipo;
    cpu->fipo = 0;
}
void x86_fpu_sync(struct x86_cpu *cpu)
{
    cpu->fp87.nan_style = FP_NAN_X87;
    cpu->fp87.tiny_after = true;
    float_f80_control(&cpu->fp87, cpu->fcw >> FCW_PC_SHIFT & 15);
    cpu->vcpu.rt.f80_control = (cpu->fcw & 0xf00) | 0x7f;
#ifdef __x86_64__
    __asm__ volatile("fldcw %0" : : "m"(cpu->vcpu.rt.f80_control));
#endif
}

/* ES and B say that an exception is not masked. */
static void settle(struct x86_cpu *cpu)
{
    bool es = cpu->fsw & ~cpu->fcw & FSW_EXCEPTIONS;
    cpu->fsw = (cpu->fsw & ~(u32)(FSW_ES | FSW_B)) | (es ? FSW_ES | FSW_B : 0);
    cpu->vcpu.sv->mode_changed(&cpu->vcpu);
}

u16 x86_fsw(struct x86_cpu *cpu)
{
    x86_fpu_settle(cpu);
    return (u16)((cpu->fsw & ~(u32)FSW_C1) | (cpu->fup & F80_UP ? FSW_C1 : 0) | cpu->ftop / F80_BYTES << FSW_TOP_SHIFT);
}
void x86_fsw_set(struct x86_cpu *cpu, u16 v)
{
    x86_fpu_settle(cpu);
    cpu->fsw = v & ~(u32)(FSW_TOP | FSW_C1);
    cpu->fup = v & FSW_C1 ? F80_UP : 0;
    cpu->ftop = (v >> FSW_TOP_SHIFT & 7) * F80_BYTES;
    settle(cpu);
}
void x86_fcw_set(struct x86_cpu *cpu, u16 v)
{
    x86_fpu_settle(cpu);
    cpu->fcw = (v & 0x1f3f) | FCW_ONE;
    x86_fpu_sync(cpu);
    settle(cpu);
}

static u8 rotate(u8 v, unsigned n)
{
    return (u8)(v << n | v >> (8 - n));
}
u8 x86_ftw(const struct x86_cpu *cpu)
{
    return rotate((u8)~cpu->ftw, cpu->ftop / F80_BYTES);
}
void x86_ftw_set(struct x86_cpu *cpu, u8 v)
{
    cpu->ftw = rotate((u8)~v, (8 - cpu->ftop / F80_BYTES) & 7);
}

void x86_fpu_init(struct x86_cpu *cpu)
{
    cpu->ftw = 0xff;
    cpu->fop = 0;
    cpu->fcs = cpu->fds = 0;
    cpu->fip = cpu->fdp = 0;
    x86_fsw_set(cpu, 0);
    x86_fcw_set(cpu, FCW_INIT);
}

void x86_h_x87_wait(struct vcpu *v)
{
    if (x86_cpu(v)->fsw & FSW_ES) {
        x86_throw(x86_cpu(v), EXC_MF, 0);
    }
}

void x86_careful(struct vcpu *v)
{
    x86_cpu(v)->fcare = 1;
    v->sv->mode_changed(v);
}
