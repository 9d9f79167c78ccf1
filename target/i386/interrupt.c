/* Events: exceptions, INT n, NMI and the interrupt pin, delivered through the interrupt table in every mode (SDM volume
 * 3, chapter 6; 6.14 for IA-32e mode; 20.3 for virtual-8086 mode); faults on the way; which event comes first.
 *
 * An event is delivered by ordinary accesses as the supervisor. One that faults comes back here while `delivering` says
 * what was under way, and never returns to it. Not modelled: VME's and PVI's redirection, machine checks, the shadow
 * stack. */
#include "target/i386/cpu.h"

#include "base/lock.h"
#include "base/log.h"
#include "target/i386/helpers.h"
#include "target/i386/i386.h"

/* -- what follows from an exception's number
 * ---------------------------------------------------------------------------
 */

bool x86_has_error_code(unsigned vector)
{
    const u32 with = BIT(EXC_DF) | BIT(EXC_TS) | BIT(EXC_NP) | BIT(EXC_SS) | BIT(EXC_GP) | BIT(EXC_PF) | BIT(EXC_AC);
    return vector < 32 && with >> vector & 1;
}
static enum delivery class_of(unsigned vector)
{
    const u32 contributory = BIT(EXC_DE) | BIT(EXC_TS) | BIT(EXC_NP) | BIT(EXC_SS) | BIT(EXC_GP);
    return vector == EXC_DF                            ? DELIVER_DOUBLE
           : vector == EXC_PF                          ? DELIVER_PAGE_FAULT
           : vector < 32 && contributory >> vector & 1 ? DELIVER_CONTRIBUTORY
                                                       : DELIVER_BENIGN;
}

/* -- pushing a frame
 * ------------------------------------------------------------------------------------------------------
 */

struct frame {
    struct x86_cpu *cpu;
    u64 ip;
    u64 flags;
    bool has_error;
    u32 error;
};

static u64 ip_of(const struct x86_cpu *cpu, u64 pc)
{
    return x86_code64(cpu) ? pc : (u32)(pc - cpu->seg[SEG_CS].base);
}

static void gp_for(struct x86_cpu *cpu, unsigned vector, bool soft)
{
    x86_throw(cpu, EXC_GP, vector << 3 | 2 | (soft ? 0 : cpu->sys.ext));
}

/* -- real mode
 * ---------------------------------------------------------------------------------------------------------------
 */

static void deliver_real(struct frame *f, unsigned vector)
{
    struct x86_cpu *cpu = f->cpu;
    struct x86_stack s;
    if (vector * 4 + 3 > cpu->sys.idt.limit) {
        x86_throw(cpu, EXC_GP, 0);
    }
    u64 entry = x86_sys_load(cpu, cpu->sys.idt.base + vector * 4, 4);
    x86_stack_here(cpu, &s);
    x86_push(&s, f->flags, 2);
    x86_push(&s, cpu->seg[SEG_CS].sel, 2);
    x86_push(&s, f->ip, 2);
    x86_sp_set(cpu, s.sp, s.mask);
    cpu->eflags &= ~(u32)(EFL_IF | EFL_TF | EFL_AC | EFL_RF);
    x86_seg_paragraph(cpu, SEG_CS, (u16)(entry >> 16));
    cpu->vcpu.rt.pc = (u32)(cpu->seg[SEG_CS].base + (entry & 0xffff));
}

/* -- protected mode
 * ------------------------------------------------------------------------------------------------------------
 */

/* Bits of error codes for what is wrong with a selector in a gate. */
static NORETURN void selector_fault(struct x86_cpu *cpu, enum x86_exception v, u16 sel)
{
    x86_throw(cpu, v, SEL_ERR(sel) | cpu->sys.ext);
}

static u64 gate_get(struct x86_cpu *cpu, unsigned vector, bool soft)
{
    unsigned n = x86_long(cpu) ? 16 : 8;
    if (vector * n + n - 1 > cpu->sys.idt.limit) {
        gp_for(cpu, vector, soft);
    }
    u64 g = x86_sys_load(cpu, cpu->sys.idt.base + vector * n, 8);
    unsigned type = desc_type(g);
    bool ok = type == DT_INT || type == DT_TRAP ||
              (!x86_long(cpu) && (type == DT_INT16 || type == DT_TRAP16 || type == DT_TASK));
    if (!ok || (soft && desc_dpl(g) < cpu->cpl)) {
        gp_for(cpu, vector, soft);
    }
    if (!desc_present(g)) {
        x86_throw(cpu, EXC_NP, vector << 3 | 2 | (soft ? 0 : cpu->sys.ext));
    }
    return g;
}

static void deliver_task(struct frame *f, u64 g, u64 next)
{
    struct x86_cpu *cpu = f->cpu;
    u16 sel = (u16)(g >> 16);
    u64 d;
    if (sel & 4 || !x86_desc_read(cpu, sel, &d) || (desc_type(d) != DT_TSS && desc_type(d) != DT_TSS16)) {
        selector_fault(cpu, EXC_GP, sel);
    }
    if (!desc_present(d)) {
        selector_fault(cpu, EXC_NP, sel);
    }
    bool big = desc_type(d) == DT_TSS;
    x86_task_switch(cpu, sel, d, TASK_INT, next);
    if (f->has_error) {
        struct x86_stack s;
        x86_stack_here(cpu, &s);
        x86_push(&s, f->error, big ? 4 : 2);
        x86_sp_set(cpu, s.sp, s.mask);
    }
}

/* The handler's code segment: at this level or further in. */
static u64 handler_code(struct x86_cpu *cpu, u16 sel)
{
    u64 d;
    if (!(sel & 0xfffc)) {
        x86_throw(cpu, EXC_GP, cpu->sys.ext);
    }
    if (!x86_desc_read(cpu, sel, &d)) {
        selector_fault(cpu, EXC_GP, sel);
    }
    if ((desc_type(d) & (ATTR_S | ATTR_CODE)) != (ATTR_S | ATTR_CODE) || desc_dpl(d) > cpu->cpl ||
        (x86_long(cpu) && (desc_attr(d) & (ATTR_L | ATTR_BIG)) != ATTR_L)) {
        selector_fault(cpu, EXC_GP, sel);
    }
    if (!desc_present(d)) {
        selector_fault(cpu, EXC_NP, sel);
    }
    return d;
}

static void push_segments(struct x86_cpu *cpu, struct x86_stack *s, unsigned n)
{
    static const u8 order[] = {SEG_GS, SEG_FS, SEG_DS, SEG_ES};
    for (unsigned i = 0; i < ARRAY_LEN(order); i++) {
        x86_push(s, cpu->seg[order[i]].sel, n);
    }
}
static void push_frame(struct frame *f, struct x86_stack *s, unsigned n)
{
    x86_push(s, f->flags, n);
    x86_push(s, f->cpu->seg[SEG_CS].sel, n);
    x86_push(s, f->ip, n);
    if (f->has_error) {
        x86_push(s, f->error, n);
    }
}

static void flags_enter(struct x86_cpu *cpu, bool interrupt_gate)
{
    cpu->eflags &= ~(u32)(EFL_TF | EFL_NT | EFL_VM | EFL_RF | (interrupt_gate ? EFL_IF : 0));
}

static void deliver_protected(struct frame *f, u64 g)
{
    struct x86_cpu *cpu = f->cpu;
    unsigned n = desc_type(g) & 8 ? 4 : 2;
    u16 cs = (u16)(g >> 16), ss = 0;
    u64 ip = (g & 0xffff) | (n == 4 ? g >> 32 & 0xffff0000 : 0), sp, ssd = 0;
    u64 d = handler_code(cpu, cs);
    bool vm = cpu->eflags & EFL_VM, inner = !(desc_type(d) & ATTR_DOWN) && desc_dpl(d) < cpu->cpl;
    unsigned cpl = inner ? desc_dpl(d) : cpu->cpl;
    struct x86_stack s;
    if (vm && (!inner || cpl)) {
        selector_fault(cpu, EXC_GP, cs);
    }
    if (inner) {
        x86_tss_stack(cpu, cpl, &ss, &sp);
        ssd = x86_stack_check(cpu, ss, cpl, EXC_TS);
        x86_stack_new(cpu, &s, ss, ssd, sp, cpl);
        s.error |= cpu->sys.ext;
        if (vm) {
            push_segments(cpu, &s, n);
        }
        x86_push(&s, cpu->seg[SEG_SS].sel, n);
        x86_push(&s, cpu->vcpu.rt.r[4], n);
    } else {
        x86_stack_here(cpu, &s);
        s.error = cpu->sys.ext;
    }
    push_frame(f, &s, n);
    if ((u32)ip > desc_limit(d)) {
        x86_throw(cpu, EXC_GP, cpu->sys.ext);
    }
    flags_enter(cpu, !(desc_type(g) & 1));
    x86_code_enter(cpu, cs, d, ip, cpl);
    if (inner) {
        x86_seg_put(cpu, SEG_SS, ss, ssd);
    }
    if (vm) {
        static const u8 closed[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
        for (unsigned i = 0; i < ARRAY_LEN(closed); i++) {
            x86_seg_null(cpu, closed[i], 0);
        }
    }
    x86_sp_set(cpu, s.sp, s.mask);
}

/* IA-32e mode: frames are of 8-byte words on a stack aligned to 16 bytes, SS:RSP is always in them. */
static void deliver_long(struct frame *f, unsigned vector, u64 g)
{
    struct x86_cpu *cpu = f->cpu;
    u16 cs = (u16)(g >> 16);
    u64 high = x86_sys_load(cpu, cpu->sys.idt.base + vector * 16 + 8, 8);
    u64 ip = (g & 0xffff) | (g >> 32 & 0xffff0000) | high << 32, sp = cpu->vcpu.rt.r[4];
    unsigned ist = g >> 32 & 7;
    u64 d = handler_code(cpu, cs);
    bool inner = !(desc_type(d) & ATTR_DOWN) && desc_dpl(d) < cpu->cpl;
    unsigned cpl = inner ? desc_dpl(d) : cpu->cpl;
    if (ist || inner) {
        sp = x86_tss_rsp(cpu, ist ? ist + 3 : cpl);
    }
    struct x86_stack s = {.cpu = cpu,
                          .sp = sp & ~15ull,
                          .mask = ~0ull,
                          .view = cpl == 3 ? X86_VIEW_NORMAL : X86_VIEW_SYSTEM,
                          .flat = true,
                          .error = cpu->sys.ext};
    x86_push(&s, cpu->seg[SEG_SS].sel, 8);
    x86_push(&s, cpu->vcpu.rt.r[4], 8);
    push_frame(f, &s, 8);
    if (!x86_canonical(cpu, ip)) {
        x86_throw(cpu, EXC_GP, cpu->sys.ext);
    }
    flags_enter(cpu, !(desc_type(g) & 1));
    x86_code_enter(cpu, cs, d, ip, cpl);
    if (inner) {
        x86_seg_null(cpu, SEG_SS, (u16)cpl);
    }
    x86_sp_set(cpu, s.sp, s.mask);
}

/* -- all of them
 * ----------------------------------------------------------------------------------------------------------------
 */

/* RF as the frame shows it (17.3.1.1): a fault's instruction runs again, past its own breakpoint. */
static u64 frame_flags(const struct x86_cpu *cpu, enum x86_event kind, unsigned vector)
{
    return x86_eflags(cpu) | (kind == EVENT_FAULT && vector != EXC_DF ? (u32)EFL_RF : 0);
}

static void event_log(const struct x86_cpu *cpu, enum x86_event kind, unsigned vector, u32 error)
{
    static const char *const names[] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD", "#NM", "#DF", "CSO", "#TS",
                                        "#NP", "#SS", "#GP", "#PF", "?",   "#MF", "#AC", "#MC", "#XM", "#VE", "#CP"};
    static const char *const kinds[] = {[EVENT_SOFT] = "INT", [EVENT_OUTSIDE] = "interrupt"};
    const char *name = kind != EVENT_SOFT && vector < ARRAY_LEN(names) ? names[vector] : NULL;
    const char *what = kind < ARRAY_LEN(kinds) && kinds[kind] ? kinds[kind] : "exception";
    char more[48] = "";
    if (kind == EVENT_FAULT) {
        snprintf(more, sizeof(more), ", error %#x CR2 %#llx", error, (unsigned long long)cpu->cr2);
    }
    log_print("%s: %s %#04x%s%s%s at CPL%u, pc %#llx%s\n", cpu->vcpu.name, what, vector, name ? " (" : "",
              name ? name : "", name ? ")" : "", cpu->cpl, (unsigned long long)cpu->vcpu.rt.pc, more);
}

void x86_deliver(struct x86_cpu *cpu, enum x86_event kind, unsigned vector, u32 error, u64 next)
{
    bool soft = kind == EVENT_SOFT;
    if (unlikely(log_on(LOG_INT))) {
        event_log(cpu, kind, vector, error);
    }
    struct frame f = {.cpu = cpu,
                      .ip = ip_of(cpu, next),
                      .flags = frame_flags(cpu, kind, vector),
                      .has_error = kind == EVENT_FAULT && x86_has_error_code(vector),
                      .error = error};
    cpu->vcpu.halted = cpu->sys.halted = false;
    cpu->sys.hit = 0;
    cpu->sys.ext = !soft;
    if (vector == EXC_DB && !soft) {
        cpu->sys.dr7 &= ~(u64)DR7_GD;
    }
    if (!(cpu->cr0 & CR0_PE)) {
        deliver_real(&f, vector);
    } else {
        if (soft && cpu->eflags & EFL_VM && (cpu->eflags & EFL_IOPL) != EFL_IOPL && !cpu->sys.own) {
            x86_throw(cpu, EXC_GP, 0);
        }
        u64 g = gate_get(cpu, vector, soft);
        if (x86_long(cpu)) {
            deliver_long(&f, vector, g);
        } else if (desc_type(g) == DT_TASK) {
            deliver_task(&f, g, next);
        } else {
            deliver_protected(&f, g);
        }
    }
    cpu->sys.delivering = DELIVER_NOT;
    cpu->sys.ext = 0;
    cpu->shadow = SHADOW_NONE;
    cpu->sys.split = false;
    x86_changed(cpu);
    if (cpu->eflags & EFL_IF || cpu->sys.pending) {
        x86_irq_check(cpu);
    }
}

/* The processor shuts down; boards answer with a reset. */
static void triple_fault(struct x86_cpu *cpu)
{
    guest_error("x86", "triple fault at %llx", (unsigned long long)cpu->vcpu.rt.pc);
    cpu->sys.delivering = DELIVER_NOT;
    cpu->sys.in_new_task = false;
    cpu->sys.shut_down = true;
    vcpu_halt(&cpu->vcpu);
    x86_changed(cpu);
    if (x86_system_reset) {
        x86_system_reset();
    }
}

void x86_exception_deliver(struct x86_cpu *cpu, enum x86_exception vector, u32 error)
{
    enum delivery before = cpu->sys.delivering, now = class_of(vector);
    if (before || cpu->sys.in_new_task) {
        cpu->vcpu.rt.pc = cpu->sys.deliver_pc;
    }
    cpu->sys.in_new_task = false;
    if (before == DELIVER_DOUBLE && now != DELIVER_BENIGN) {
        triple_fault(cpu);
        return;
    }
    if ((before == DELIVER_CONTRIBUTORY && now == DELIVER_CONTRIBUTORY) ||
        (before == DELIVER_PAGE_FAULT && (now == DELIVER_CONTRIBUTORY || now == DELIVER_PAGE_FAULT))) {
        vector = EXC_DF;
        error = 0;
        now = DELIVER_DOUBLE;
    }
    cpu->sys.delivering = now;
    cpu->sys.deliver_pc = cpu->vcpu.rt.pc;
    x86_deliver(cpu, vector == EXC_DB ? EVENT_TRAP : EVENT_FAULT, vector, error, cpu->vcpu.rt.pc);
}

/* -- INT n, INT3, INTO, INT1
 * ----------------------------------------------------------------------------------------------------
 */

/* vector: | X86_INT_OWN, which makes INT3 and INTO pass IOPL in virtual-8086 mode, and INT1 an exception. */
void x86_int_deliver(struct x86_cpu *cpu, unsigned vector, u64 next)
{
    bool icebp = vector == (EXC_DB | X86_INT_OWN);
    cpu->sys.deliver_pc = cpu->vcpu.sv->helper_pc(&cpu->vcpu);
    cpu->sys.delivering = DELIVER_BENIGN;
    cpu->sys.own = vector & X86_INT_OWN;
    x86_deliver(cpu, icebp ? EVENT_TRAP : EVENT_SOFT, vector & 0xff, 0, next);
}
void x86_h_bound(struct vcpu *v, u64 i, u64 low, u64 high)
{
    if ((i64)i < (i64)low || (i64)i > (i64)high) {
        x86_throw(x86_cpu(v), EXC_BR, 0);
    }
}

/* -- what comes from outside
 * ---------------------------------------------------------------------------------------------------
 */

static u32 pins(const struct x86_cpu *cpu)
{
    return __atomic_load_n(&cpu->vcpu.lines, __ATOMIC_ACQUIRE);
}
static u32 pending(const struct x86_cpu *cpu)
{
    return __atomic_load_n(&cpu->sys.pending, __ATOMIC_ACQUIRE);
}

/* The pins of a cpu: NMI, SMI and INIT count by their edge. */
void x86_pin(void *opaque, unsigned pin, int level)
{
    static const u8 latch[X86_PINS] = {[X86_NMI] = X86_PEND_NMI, [X86_SMI] = X86_PEND_SMI, [X86_INIT] = X86_PEND_INIT};
    struct x86_cpu *cpu = opaque;
    u32 old = __atomic_load_n(&cpu->vcpu.lines, __ATOMIC_ACQUIRE);
    if (latch[pin] && level && !(old >> pin & 1)) {
        if (pin == X86_INIT) {
            __atomic_fetch_and(&cpu->sys.pending, ~(u32)X86_PEND_SIPI, __ATOMIC_SEQ_CST);
        }
        __atomic_fetch_or(&cpu->sys.pending, latch[pin], __ATOMIC_SEQ_CST);
    }
    vcpu_line(opaque, pin, level);
}

/* One that comes after an INIT waits until the cpu has seen that; one that nobody waits for is dropped. */
void x86_sipi(void *opaque, unsigned vector)
{
    struct x86_cpu *cpu = opaque;
    __atomic_store_n(&cpu->sys.sipi, vector, __ATOMIC_SEQ_CST);
    __atomic_fetch_or(&cpu->sys.pending, X86_PEND_SIPI, __ATOMIC_SEQ_CST);
    __atomic_fetch_or(&cpu->vcpu.rt.event, EVENT_IRQ, __ATOMIC_SEQ_CST);
    vcpu_kick(&cpu->vcpu);
}

bool x86_intr_waits(const struct x86_cpu *cpu)
{
    return pins(cpu) >> X86_INTR & 1;
}
static bool can_interrupt(const struct x86_cpu *cpu)
{
    return cpu->eflags & EFL_IF && !cpu->shadow && !cpu->sys.shut_down && !cpu->sys.wait_sipi;
}
static u32 deliverable(const struct x86_cpu *cpu)
{
    u32 p = pending(cpu);
    if (cpu->sys.wait_sipi) {
        return p & (X86_PEND_INIT | X86_PEND_SIPI);
    }
    p &= ~(u32)X86_PEND_SIPI & ~(u32)(cpu->sys.smm ? X86_PEND_SMI | X86_PEND_INIT : 0);
    return p & ~(u32)(cpu->sys.nmi_masked || cpu->shadow ? X86_PEND_NMI : 0);
}

void x86_irq_check(struct x86_cpu *cpu)
{
    if (deliverable(cpu) || (x86_intr_waits(cpu) && can_interrupt(cpu))) {
        __atomic_fetch_or(&cpu->vcpu.rt.event, EVENT_IRQ, __ATOMIC_SEQ_CST);
    }
}

void x86_pins_sync(struct x86_cpu *cpu)
{
    bool masked = pins(cpu) >> X86_A20M & 1;
    if (masked != cpu->sys.a20_masked) {
        cpu->sys.a20_masked = masked;
        x86_flush_all(cpu);
    }
}

/* Between instructions nothing is under way. */
static void outside(struct x86_cpu *cpu, unsigned vector)
{
    cpu->sys.delivering = DELIVER_BENIGN;
    cpu->sys.deliver_pc = cpu->vcpu.rt.pc;
    x86_deliver(cpu, EVENT_OUTSIDE, vector, 0, cpu->vcpu.rt.pc);
}

static int acknowledge(struct x86_cpu *cpu)
{
    int mine = cpu->sys.apic_ops ? cpu->sys.apic_ops->ack(cpu->sys.apic) : X86_ACK_OUTSIDE;
    if (mine != X86_ACK_OUTSIDE) {
        return mine;
    }
    machine_lock();
    int vector = cpu->sys.ack ? cpu->sys.ack(cpu->sys.ack_opaque) : -1;
    machine_unlock();
    return vector;
}

/* INIT, or the start-up IPI that ends the wait behind one. */
static bool restart(struct x86_cpu *cpu, u32 p)
{
    u32 what = p & X86_PEND_INIT ? X86_PEND_INIT : X86_PEND_SIPI;
    __atomic_fetch_and(&cpu->sys.pending, ~what, __ATOMIC_SEQ_CST);
    if (what == X86_PEND_INIT) {
        x86_sys_reset(cpu, true);
        x86_irq_check(cpu);
    } else {
        x86_sipi_enter(cpu);
    }
    return true;
}

/* A start-up IPI that nobody waits for, but for one behind an INIT that came this moment. */
static void sipi_drop(struct x86_cpu *cpu)
{
    u32 p = pending(cpu);
    while (!cpu->sys.wait_sipi && (p & (X86_PEND_INIT | X86_PEND_SIPI)) == X86_PEND_SIPI &&
           !__atomic_compare_exchange_n(&cpu->sys.pending, &p, p & ~(u32)X86_PEND_SIPI, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST)) {
    }
}

bool x86_interrupt(struct vcpu *v)
{
    struct x86_cpu *cpu = x86_cpu(v);
    bool was_halted = cpu->sys.halted;
    cpu->sys.halted = false;
    x86_pins_sync(cpu);
    u32 p = deliverable(cpu);
    if (p & X86_PEND_SMI) {
        __atomic_fetch_and(&cpu->sys.pending, ~(u32)X86_PEND_SMI, __ATOMIC_SEQ_CST);
        x86_smm_enter(cpu, was_halted);
        v->halted = false;
        return true;
    }
    if (p & (X86_PEND_INIT | X86_PEND_SIPI)) {
        return restart(cpu, p);
    }
    sipi_drop(cpu);
    if (p & X86_PEND_NMI) {
        __atomic_fetch_and(&cpu->sys.pending, ~(u32)X86_PEND_NMI, __ATOMIC_SEQ_CST);
        cpu->sys.nmi_masked = true;
        cpu->sys.shut_down = false;
        outside(cpu, EXC_NMI);
        return true;
    }
    if (!x86_intr_waits(cpu) || !can_interrupt(cpu)) {
        return false;
    }
    int vector = acknowledge(cpu);
    if (vector >= 0) {
        outside(cpu, (unsigned)vector);
    }
    return vector >= 0;
}

bool x86_has_work(const struct vcpu *v)
{
    const struct x86_cpu *cpu = x86_cpu_const(v);
    return v->user || deliverable(cpu) || (x86_intr_waits(cpu) && can_interrupt(cpu));
}
