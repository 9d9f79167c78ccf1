/* The x87's words. SPEC: Intel SDM volume 1, 8.1. */
#include "target/i386/fpu.h"

#include "base/bits.h"
#include "target/i386/helpers.h"

/* FSAVE's 32-bit image in protected mode. */
struct image {
    u32 fcw, fsw, tags, env[4];
    u8 reg[80];
};

void x86_fpu_home(struct vcpu *v)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (!v->rt.x87_live) {
        return;
    }
    struct image m = {.fcw = 0};
#ifdef __x86_64__
    __asm__ volatile("fnsave %0" : "+m"(m));
#endif
    v->rt.x87_live = 0;
    cpu->fsw = m.fsw & 0xffff & ~(u32)FSW_TOP;
    cpu->ftop = m.fsw >> FSW_TOP_SHIFT & 7;
    u8 held = 0;
    for (unsigned n = 0; n < 8; n++) {
        held |= (m.tags >> 2 * n & 3) != 3 ? 1u << n : 0;
        *x86_st(cpu, n) = (struct x86_st){ld64le(m.reg + 10 * n), ld16le(m.reg + 10 * n + 8)};
    }
    x86_ftw_set(cpu, held);
}
void x86_fpu_load(struct vcpu *v)
{
    struct x86_cpu *cpu = x86_cpu(v);
    struct image m = {.fcw = cpu->fcw, .fsw = cpu->fsw | cpu->ftop << FSW_TOP_SHIFT};
    u8 held = x86_ftw(cpu);
    for (unsigned n = 0; n < 8; n++) {
        const struct x86_st *s = x86_st(cpu, n);
        m.tags |= held >> n & 1 ? 0 : 3u << 2 * n; /* the host looks at what is in it */
        st64le(m.reg + 10 * n, s->frac);
        st16le(m.reg + 10 * n + 8, (u16)s->se);
    }
#ifdef __x86_64__
    __asm__ volatile("frstor %0" : : "m"(m));
#endif
    v->rt.x87_live = 1;
}
void x86_fpu_drop(struct x86_cpu *cpu)
{
    cpu->vcpu.rt.x87_live = 0;
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
    x86_fpu_home(&cpu->vcpu);
    return (u16)(cpu->fsw | cpu->ftop << FSW_TOP_SHIFT);
}
void x86_fsw_set(struct x86_cpu *cpu, u16 v)
{
    x86_fpu_home(&cpu->vcpu);
    cpu->fsw = v & ~(u32)FSW_TOP;
    cpu->ftop = v >> FSW_TOP_SHIFT & 7;
    settle(cpu);
}
void x86_fcw_set(struct x86_cpu *cpu, u16 v)
{
    x86_fpu_home(&cpu->vcpu);
    cpu->fcw = (v & 0x1f3f) | FCW_ONE;
    settle(cpu);
}

static u8 rotate(u8 v, unsigned n)
{
    return (u8)(v << n | v >> (8 - n));
}
u8 x86_ftw(const struct x86_cpu *cpu)
{
    return rotate((u8)~cpu->ftw, cpu->ftop);
}
void x86_ftw_set(struct x86_cpu *cpu, u8 v)
{
    cpu->ftw = rotate((u8)~v, (8 - cpu->ftop) & 7);
}

void x86_fpu_init(struct x86_cpu *cpu)
{
    x86_fpu_home(&cpu->vcpu);
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
    if (v->rt.x87_live) { /* MMX code wants it home; whoever else asks, asks again */
        x86_fpu_home(v);
        return;
    }
    x86_cpu(v)->fcare = 1;
    v->sv->mode_changed(v);
}
