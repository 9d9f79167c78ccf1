/* SYSCALL, SYSRET, SYSENTER and SYSEXIT (SDM volume 2; APM volume 3 for SYSCALL outside
 * 64-bit mode): segments become flat constants, no descriptor is read. */
#include "target/i386/cpu.h"
#include "target/i386/helpers.h"

static void flat(struct x86_seg *s, unsigned sel, unsigned dpl, u16 attr)
{
    *s = (struct x86_seg){
        .limit = 0xffffffff,
        .sel = (u16)sel,
        .attr = (u16)(ATTR_G | ATTR_PRESENT | ATTR_S | ATTR_WRITE | ATTR_ACCESSED | dpl << ATTR_DPL_SHIFT | attr)};
}
static void flat_pair(struct x86_cpu *cpu, unsigned cs, unsigned ss, unsigned cpl, bool code64)
{
    flat(&cpu->seg[SEG_CS], cs, cpl, ATTR_CODE | (code64 ? ATTR_L : ATTR_BIG));
    flat(&cpu->seg[SEG_SS], ss, cpl, ATTR_BIG);
    cpu->cpl = (u8)cpl;
}

void x86_syscall(struct x86_cpu *cpu, u64 next)
{
    struct vcpu *v = &cpu->vcpu;
    unsigned sel = cpu->sys.star >> 32 & 0xfffc;
    if (!(cpu->efer & EFER_SCE) || !(cpu->cr0 & CR0_PE)) {
        x86_throw(cpu, EXC_UD, 0);
    }
    if (x86_long(cpu)) {
        bool code64 = x86_code64(cpu);
        v->rt.r[1] = code64 ? next : (u32)(next - cpu->seg[SEG_CS].base);
        v->rt.r[11] = x86_eflags(cpu) & ~(u32)EFL_RF;
        v->rt.pc = code64 ? cpu->sys.lstar : cpu->sys.cstar;
        x86_eflags_set(cpu, x86_eflags(cpu) & ~(u32)cpu->sys.fmask, ~(u32)EFL_ONE);
        cpu->eflags &= ~(u32)EFL_RF;
    } else {
        v->rt.r[1] = (u32)(next - cpu->seg[SEG_CS].base);
        v->rt.pc = (u32)cpu->sys.star;
        cpu->eflags &= ~(u32)(EFL_IF | EFL_RF | EFL_VM);
    }
    flat_pair(cpu, sel, sel + 8, 0, x86_long(cpu));
    x86_changed(cpu);
}

void x86_h_sysret(struct vcpu *v, u64 n)
{
    struct x86_cpu *cpu = x86_cpu(v);
    unsigned how = x86_done_how(cpu);
    unsigned sel = cpu->sys.star >> 48;
    if (!(cpu->efer & EFER_SCE)) {
        x86_throw(cpu, EXC_UD, 0);
    }
    if (cpu->cpl || !(cpu->cr0 & CR0_PE) || (n == 8 && !x86_canonical(cpu, v->rt.r[1]))) {
        x86_throw(cpu, EXC_GP, 0);
    }
    if (x86_long(cpu)) {
        const u32 mask = EFL_ARITH | EFL_TF | EFL_IF | EFL_DF | EFL_IOPL | EFL_NT | EFL_AC | EFL_VIF | EFL_VIP | EFL_ID;
        x86_eflags_set(cpu, (u32)v->rt.r[11], mask | EFL_RF);
        cpu->eflags &= ~(u32)EFL_RF;
    } else {
        cpu->eflags |= EFL_IF;
    }
    v->rt.pc = n == 8 ? v->rt.r[1] : (u32)v->rt.r[1];
    flat_pair(cpu, (sel + (n == 8 ? 16 : 0)) | 3, (sel + 8) | 3, 3, n == 8);
    x86_changed(cpu);
    x86_irq_check(cpu);
    x86_far_done(cpu, how);
}

void x86_sysenter(struct x86_cpu *cpu)
{
    struct vcpu *v = &cpu->vcpu;
    unsigned sel = cpu->sys.sysenter_cs & 0xfffc;
    if (!(cpu->cr0 & CR0_PE) || !sel) {
        x86_throw(cpu, EXC_GP, 0);
    }
    cpu->eflags &= ~(u32)(EFL_VM | EFL_IF | EFL_RF);
    bool wide = x86_long(cpu);
    v->rt.r[4] = wide ? cpu->sys.sysenter_esp : (u32)cpu->sys.sysenter_esp;
    v->rt.pc = wide ? cpu->sys.sysenter_eip : (u32)cpu->sys.sysenter_eip;
    flat_pair(cpu, sel, sel + 8, 0, wide);
    x86_changed(cpu);
}

void x86_h_sysexit(struct vcpu *v, u64 n)
{
    struct x86_cpu *cpu = x86_cpu(v);
    unsigned how = x86_done_how(cpu);
    unsigned sel = cpu->sys.sysenter_cs & 0xfffc;
    u64 *r = v->rt.r;
    if (!(cpu->cr0 & CR0_PE) || !sel || cpu->cpl ||
        (n == 8 && (!x86_canonical(cpu, r[1]) || !x86_canonical(cpu, r[2])))) {
        x86_throw(cpu, EXC_GP, 0);
    }
    r[4] = n == 8 ? r[1] : (u32)r[1];
    v->rt.pc = n == 8 ? r[2] : (u32)r[2];
    flat_pair(cpu, (sel + (n == 8 ? 32 : 16)) | 3, (sel + (n == 8 ? 40 : 24)) | 3, 3, n == 8);
    x86_changed(cpu);
    x86_irq_check(cpu);
    x86_far_done(cpu, how);
}
