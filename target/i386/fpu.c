/* The x87's words. SPEC: Intel SDM volume 1, 8.1. */
#include "target/i386/fpu.h"

#include "target/i386/helpers.h"

/* ES and B say that an exception is not masked. */
static void settle(struct x86_cpu *cpu)
{
    bool es = cpu->fsw & ~cpu->fcw & FSW_EXCEPTIONS;
    cpu->fsw = (cpu->fsw & ~(u32)(FSW_ES | FSW_B)) | (es ? FSW_ES | FSW_B : 0);
    cpu->vcpu.sv->mode_changed(&cpu->vcpu);
}

u16 x86_fsw(struct x86_cpu *cpu)
{
    return (u16)(cpu->fsw | cpu->ftop / 16 << FSW_TOP_SHIFT);
}
void x86_fsw_set(struct x86_cpu *cpu, u16 v)
{
    cpu->fsw = v & ~(u32)FSW_TOP;
    cpu->ftop = (v >> FSW_TOP_SHIFT & 7) * 16;
    settle(cpu);
}
void x86_fcw_set(struct x86_cpu *cpu, u16 v)
{
    cpu->fcw = (v & 0x1f3f) | FCW_ONE;
    settle(cpu);
}

static u8 rotate(u8 v, unsigned n)
{
    return (u8)(v << n | v >> (8 - n));
}
u8 x86_ftw(const struct x86_cpu *cpu)
{
    return rotate((u8)~cpu->ftw, cpu->ftop / 16);
}
void x86_ftw_set(struct x86_cpu *cpu, u8 v)
{
    cpu->ftw = rotate((u8)~v, (8 - cpu->ftop / 16) & 7);
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
