/* Far jumps, calls and returns: between code segments, through call gates and to tasks (SDM volume 2, JMP, CALL, RET,
 * IRET; volume 3, 5.8 and 7.4). All that may fault comes before the first change of state; descriptors' accessed bits
 * and what was pushed do not count. */
#include "target/i386/cpu.h"

#include "base/log.h"
#include "target/i386/helpers.h"

static u64 cut_ip(u64 ip, u64 n)
{
    return n == 8 ? ip : ip & MASK(8 * (unsigned)n);
}
/* The offset in CS of a linear address. */
static u64 ip_of(const struct x86_cpu *cpu, u64 pc)
{
    return x86_code64(cpu) ? pc : (u32)(pc - cpu->seg[SEG_CS].base);
}

/* -- real and virtual-8086 mode ---------------------------------------------------------------------------------------
 */

static void real_enter(struct x86_cpu *cpu, u16 sel, u64 ip)
{
    if ((u32)ip > cpu->seg[SEG_CS].limit) {
        x86_throw(cpu, EXC_GP, 0);
    }
    x86_seg_paragraph(cpu, SEG_CS, sel);
    cpu->vcpu.rt.pc = (u32)(cpu->seg[SEG_CS].base + ip);
}

/* -- code segments
 * ------------------------------------------------------------------------------------------------------
 */

/* A code segment that a jump, a call or a call gate (cpl: the level it may lead to, at most the present one) names. */
static u64 code_check(struct x86_cpu *cpu, u16 sel, bool gate)
{
    if (!(sel & 0xfffc)) {
        x86_throw(cpu, EXC_GP, 0);
    }
    u64 d = x86_desc_get(cpu, sel, EXC_GP);
    unsigned type = desc_type(d), dpl = desc_dpl(d);
    bool conforming = type & ATTR_DOWN, ok = (type & (ATTR_S | ATTR_CODE)) == (ATTR_S | ATTR_CODE);
    if (gate) {
        ok = ok && dpl <= cpu->cpl;
    } else {
        ok = ok && (conforming ? dpl <= cpu->cpl : SEL_RPL(sel) <= cpu->cpl && dpl == cpu->cpl);
    }
    if (!ok) {
        x86_throw(cpu, EXC_GP, SEL_ERR(sel));
    }
    return d;
}
static void present_check(struct x86_cpu *cpu, u16 sel, u64 d)
{
    if (!desc_present(d)) {
        x86_throw(cpu, EXC_NP, SEL_ERR(sel));
    }
}

struct gate {
    u16 sel;
    u64 ip;
    unsigned n, params; /* bytes of an operand; so many are copied */
};
/* A call gate's checks up to the code segment. In IA-32e mode it has 16 bytes and leads to 64-bit code. */
static u64 gate_read(struct x86_cpu *cpu, u16 sel, u64 d, struct gate *g)
{
    if (desc_dpl(d) < MAX(SEL_RPL(sel), (unsigned)cpu->cpl)) {
        x86_throw(cpu, EXC_GP, SEL_ERR(sel));
    }
    present_check(cpu, sel, d);
    *g = (struct gate){.sel = (u16)(d >> 16), .ip = (d & 0xffff) | (d >> 32 & 0xffff0000), .params = d >> 32 & 31};
    g->n = desc_type(d) == DT_CALL ? 4 : 2;
    if (g->n == 2) {
        g->ip &= 0xffff;
    }
    if (x86_long(cpu)) {
        g->ip |= x86_desc_high(cpu, sel) << 32;
        g->n = 8;
        g->params = 0;
    }
    u64 code = code_check(cpu, g->sel, true);
    if (x86_long(cpu) && (desc_attr(code) & (ATTR_L | ATTR_BIG)) != ATTR_L) {
        x86_throw(cpu, EXC_GP, SEL_ERR(g->sel));
    }
    present_check(cpu, g->sel, code);
    return code;
}

/* What a far jump or call to a descriptor that is no segment does; false: it is a gate. */
static bool task_target(struct x86_cpu *cpu, u16 sel, u64 d, enum x86_task how, u64 next)
{
    unsigned type = desc_type(d);
    bool tss = !x86_long(cpu) && (type == DT_TSS || type == DT_TSS16), gate = !x86_long(cpu) && type == DT_TASK;
    if (type == DT_CALL || (type == DT_CALL16 && !x86_long(cpu))) {
        return false;
    }
    if ((!tss && !gate) || desc_dpl(d) < MAX(SEL_RPL(sel), (unsigned)cpu->cpl)) {
        x86_throw(cpu, EXC_GP, SEL_ERR(sel));
    }
    present_check(cpu, sel, d);
    if (gate) {
        sel = (u16)(d >> 16);
        if (sel & 4) {
            x86_throw(cpu, EXC_GP, SEL_ERR(sel));
        }
        d = x86_desc_get(cpu, sel, EXC_GP);
        if (desc_type(d) != DT_TSS && desc_type(d) != DT_TSS16) {
            x86_throw(cpu, EXC_GP, SEL_ERR(sel));
        }
        present_check(cpu, sel, d);
    }
    x86_task_switch(cpu, sel, d, how, next);
    return true;
}

static u64 far_target(struct x86_cpu *cpu, u16 sel)
{
    if (!(sel & 0xfffc)) {
        x86_throw(cpu, EXC_GP, 0);
    }
    return x86_desc_get(cpu, sel, EXC_GP);
}

/* -- jumps
 * --------------------------------------------------------------------------------------------------------------
 */

void x86_h_jmp_far(struct vcpu *v, u64 sel64, u64 ip, u64 n, u64 next)
{
    struct x86_cpu *cpu = x86_cpu(v);
    unsigned how = x86_done_how(cpu);
    u16 sel = (u16)sel64;
    struct gate g;
    ip = cut_ip(ip, n);
    if (x86_real(cpu)) {
        real_enter(cpu, sel, ip);
    } else {
        u64 d = far_target(cpu, sel);
        if (desc_type(d) & ATTR_S) {
            d = code_check(cpu, sel, false);
            present_check(cpu, sel, d);
            x86_code_enter(cpu, sel, d, ip, cpu->cpl);
        } else if (!task_target(cpu, sel, d, TASK_JUMP, next)) {
            d = gate_read(cpu, sel, d, &g);
            if (!(desc_type(d) & ATTR_DOWN) && desc_dpl(d) != cpu->cpl) {
                x86_throw(cpu, EXC_GP, SEL_ERR(g.sel));
            }
            x86_code_enter(cpu, g.sel, d, g.ip, cpu->cpl);
        }
    }
    x86_changed(cpu);
    x86_far_done(cpu, how);
}

/* -- calls
 * --------------------------------------------------------------------------------------------------------------
 */

static void call_same(struct x86_cpu *cpu, u16 sel, u64 d, u64 ip, unsigned n, u64 next)
{
    struct x86_stack s;
    x86_stack_here(cpu, &s);
    x86_push(&s, cpu->seg[SEG_CS].sel, n);
    x86_push(&s, ip_of(cpu, next), n);
    x86_code_enter(cpu, sel, d, ip, cpu->cpl);
    x86_sp_set(cpu, s.sp, s.mask);
}

/* Old SS:SP and the parameters go over to the stack of the inner level. */
static void call_inner(struct x86_cpu *cpu, const struct gate *g, u64 d, u64 next)
{
    struct x86_stack old, s;
    unsigned cpl = desc_dpl(d);
    u16 ss = (u16)cpl;
    u64 sp, ssd = 0;
    x86_stack_here(cpu, &old);
    if (g->n == 8) {
        sp = x86_tss_rsp(cpu, cpl);
        s = (struct x86_stack){.cpu = cpu, .sp = sp, .mask = ~0ull, .view = X86_VIEW_SYSTEM, .flat = true};
    } else {
        x86_tss_stack(cpu, cpl, &ss, &sp);
        ssd = x86_stack_check(cpu, ss, cpl, EXC_TS);
        x86_stack_new(cpu, &s, ss, ssd, sp, cpl);
    }
    x86_push(&s, cpu->seg[SEG_SS].sel, g->n);
    x86_push(&s, cpu->vcpu.rt.r[4], g->n);
    for (unsigned i = g->params; i-- > 0;) {
        x86_push(&s, x86_stack_peek(&old, (u64)i * g->n, g->n), g->n);
    }
    x86_push(&s, cpu->seg[SEG_CS].sel, g->n);
    x86_push(&s, ip_of(cpu, next), g->n);
    x86_code_enter(cpu, g->sel, d, g->ip, cpl);
    if (g->n == 8) {
        x86_seg_null(cpu, SEG_SS, (u16)cpl);
    } else {
        x86_seg_put(cpu, SEG_SS, ss, ssd);
    }
    x86_sp_set(cpu, s.sp, s.mask);
}

void x86_h_call_far(struct vcpu *v, u64 sel64, u64 ip, u64 n, u64 next)
{
    struct x86_cpu *cpu = x86_cpu(v);
    unsigned how = x86_done_how(cpu);
    u16 sel = (u16)sel64;
    struct gate g;
    ip = cut_ip(ip, n);
    if (x86_real(cpu)) {
        struct x86_stack s;
        if ((u32)ip > cpu->seg[SEG_CS].limit) {
            x86_throw(cpu, EXC_GP, 0);
        }
        x86_stack_here(cpu, &s);
        x86_push(&s, cpu->seg[SEG_CS].sel, (unsigned)n);
        x86_push(&s, ip_of(cpu, next), (unsigned)n);
        real_enter(cpu, sel, ip);
        x86_sp_set(cpu, s.sp, s.mask);
        x86_changed(cpu);
        x86_far_done(cpu, how);
        return;
    }
    u64 d = far_target(cpu, sel);
    if (desc_type(d) & ATTR_S) {
        d = code_check(cpu, sel, false);
        present_check(cpu, sel, d);
        call_same(cpu, sel, d, ip, (unsigned)n, next);
    } else if (!task_target(cpu, sel, d, TASK_CALL, next)) {
        d = gate_read(cpu, sel, d, &g);
        if (!(desc_type(d) & ATTR_DOWN) && desc_dpl(d) < cpu->cpl) {
            call_inner(cpu, &g, d, next);
        } else {
            call_same(cpu, g.sel, d, g.ip, g.n, next);
        }
    }
    x86_changed(cpu);
    x86_far_done(cpu, how);
}

/* -- returns
 * --------------------------------------------------------------------------------------------------------------
 */

/* The code segment that a return goes to: at the caller's level or further out. */
static u64 return_check(struct x86_cpu *cpu, u16 sel)
{
    if (!(sel & 0xfffc)) {
        x86_throw(cpu, EXC_GP, 0);
    }
    u64 d = x86_desc_get(cpu, sel, EXC_GP);
    unsigned type = desc_type(d), rpl = SEL_RPL(sel);
    bool ok = (type & (ATTR_S | ATTR_CODE)) == (ATTR_S | ATTR_CODE) && rpl >= cpu->cpl;
    ok = ok && (type & ATTR_DOWN ? desc_dpl(d) <= rpl : desc_dpl(d) == rpl);
    if (!ok) {
        x86_throw(cpu, EXC_GP, SEL_ERR(sel));
    }
    present_check(cpu, sel, d);
    return d;
}

/* The outer stack: SS may be null for 64-bit code below level 3. */
static u64 outer_stack(struct x86_cpu *cpu, u16 ss, unsigned rpl, u64 code)
{
    bool to64 = x86_long(cpu) && desc_attr(code) & ATTR_L;
    if (!(ss & 0xfffc) && to64 && rpl < 3 && SEL_RPL(ss) == rpl) {
        return 0;
    }
    return x86_stack_check(cpu, ss, rpl, EXC_GP);
}
/* CS, then SS:SP of a return: the stack pointer has the new stack's size. */
static void leave_to(struct x86_cpu *cpu, u16 cs, u64 code, u64 ip, u16 ss, u64 ssd, u64 sp)
{
    unsigned old = cpu->cpl, cpl = SEL_RPL(cs);
    bool to64 = x86_long(cpu) && desc_attr(code) & ATTR_L;
    x86_code_enter(cpu, cs, code, ip, cpl);
    if (ssd) {
        x86_seg_put(cpu, SEG_SS, ss, ssd);
    } else {
        x86_seg_null(cpu, SEG_SS, ss);
    }
    x86_sp_set(cpu, sp, to64 ? ~0ull : desc_attr(ssd) & ATTR_BIG ? 0xffffffff : 0xffff);
    if (cpl > old) {
        x86_segs_demote(cpu);
    }
}

void x86_h_ret_far(struct vcpu *v, u64 n64, u64 drop)
{
    struct x86_cpu *cpu = x86_cpu(v);
    unsigned how = x86_done_how(cpu);
    unsigned n = (unsigned)n64;
    struct x86_stack s;
    x86_stack_here(cpu, &s);
    u64 ip = x86_pop(&s, n);
    u16 cs = (u16)x86_pop(&s, n);
    if (x86_real(cpu)) {
        real_enter(cpu, cs, ip);
        x86_sp_set(cpu, s.sp + drop, s.mask);
    } else {
        u64 d = return_check(cpu, cs);
        s.sp += drop;
        if (SEL_RPL(cs) == cpu->cpl) {
            x86_code_enter(cpu, cs, d, ip, cpu->cpl);
            x86_sp_set(cpu, s.sp, s.mask);
        } else {
            u64 sp = x86_pop(&s, n);
            u16 ss = (u16)x86_pop(&s, n);
            u64 ssd = outer_stack(cpu, ss, SEL_RPL(cs), d);
            leave_to(cpu, cs, d, ip, ss, ssd, sp + drop);
        }
    }
    x86_changed(cpu);
    x86_far_done(cpu, how);
}

/* -- IRET
 * ---------------------------------------------------------------------------------------------------------------
 */

static void iret_vm86(struct x86_cpu *cpu, struct x86_stack *s, u64 ip, u16 cs, u64 flags)
{
    u64 sp = x86_pop(s, 4);
    u16 sel[6];
    static const u8 order[] = {SEG_SS, SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        sel[order[i]] = (u16)x86_pop(s, 4);
    }
    sel[SEG_CS] = cs;
    const u32 mask = EFL_ARITH | EFL_TF | EFL_IF | EFL_DF | EFL_IOPL | EFL_NT | EFL_RF | EFL_VM | EFL_AC | EFL_VIF |
                     EFL_VIP | EFL_ID;
    x86_eflags_set(cpu, (u32)flags, mask);
    cpu->cpl = 3;
    for (unsigned i = 0; i < 6; i++) {
        x86_seg_paragraph(cpu, i, sel[i]);
    }
    cpu->vcpu.rt.r[4] = (u32)sp;
    cpu->vcpu.rt.pc = (u32)(cpu->seg[SEG_CS].base + (u16)ip);
}

static void iret_task(struct x86_cpu *cpu, u64 next)
{
    u16 back = (u16)x86_sys_load(cpu, cpu->sys.tr.base, 2);
    if (!(back & 0xfffc) || back & 4) {
        x86_throw(cpu, EXC_TS, SEL_ERR(back));
    }
    u64 d = x86_desc_get(cpu, back, EXC_TS);
    if (desc_type(d) != DT_TSS_BUSY && desc_type(d) != DT_TSS16_BUSY) {
        x86_throw(cpu, EXC_TS, SEL_ERR(back));
    }
    present_check(cpu, back, d);
    x86_task_switch(cpu, back, d, TASK_IRET, next);
}

static void iret_real(struct x86_cpu *cpu, struct x86_stack *s, unsigned n)
{
    u64 ip = x86_pop(s, n);
    u16 cs = (u16)x86_pop(s, n);
    u64 flags = x86_pop(s, n);
    real_enter(cpu, cs, ip);
    x86_sp_set(cpu, s->sp, s->mask);
    x86_flags_load(cpu, flags, n, true);
}

static void iret_protected(struct x86_cpu *cpu, struct x86_stack *s, unsigned n)
{
    u64 ip = x86_pop(s, n);
    u16 cs = (u16)x86_pop(s, n);
    u64 flags = x86_pop(s, n);
    if (flags & EFL_VM && n == 4 && cpu->cpl == 0 && !x86_long(cpu)) {
        iret_vm86(cpu, s, ip, cs, flags);
        return;
    }
    u64 d = return_check(cpu, cs);
    unsigned old = cpu->cpl;
    if (SEL_RPL(cs) == cpu->cpl && !x86_code64(cpu)) {
        x86_code_enter(cpu, cs, d, ip, cpu->cpl);
        x86_sp_set(cpu, s->sp, s->mask);
    } else {
        u64 sp = x86_pop(s, n);
        u16 ss = (u16)x86_pop(s, n);
        u64 ssd = outer_stack(cpu, ss, SEL_RPL(cs), d);
        leave_to(cpu, cs, d, ip, ss, ssd, sp);
    }
    unsigned new = cpu->cpl;
    cpu->cpl = (u8)old; /* which flags may change is the old level's */
    x86_flags_load(cpu, flags, n, true);
    cpu->cpl = (u8) new;
}

void x86_h_iret(struct vcpu *v, u64 n64, u64 next)
{
    struct x86_cpu *cpu = x86_cpu(v);
    unsigned how = x86_done_how(cpu), from = cpu->cpl;
    unsigned n = (unsigned)n64;
    struct x86_stack s;
    if (cpu->eflags & EFL_VM && (cpu->eflags & EFL_IOPL) != EFL_IOPL) {
        x86_throw(cpu, EXC_GP, 0);
    }
    x86_stack_here(cpu, &s);
    if (x86_real(cpu)) {
        iret_real(cpu, &s, n);
    } else if (cpu->eflags & EFL_NT) {
        if (x86_long(cpu)) {
            x86_throw(cpu, EXC_GP, 0);
        }
        iret_task(cpu, next);
    } else {
        iret_protected(cpu, &s, n);
    }
    cpu->sys.nmi_masked = false;
    x86_changed(cpu);
    x86_irq_check(cpu);
    if (unlikely(log_on(LOG_INT))) {
        log_print("%s: return from CPL%u to CPL%u, pc %#llx\n", v->name, from, cpu->cpl, (unsigned long long)v->rt.pc);
    }
    x86_far_done(cpu, how);
}
