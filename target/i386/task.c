/* Hardware tasks (SDM volume 3, chapter 7): task-state segments of 16 and 32 bits, and the stacks of inner levels in
 * them and in the 64-bit one.
 *
 * The order is 7.3's: what is wrong with the new TSS faults in the old task; then the old state is saved, the new one
 * loaded, and what is wrong with the new segments faults in the new task, before its first instruction. */
#include "target/i386/cpu.h"

static bool is_32(unsigned type)
{
    return type & 8;
}

/* -- stacks of inner levels ------------------------------------------------------------------------------------------
 */

static u64 tss_field(struct x86_cpu *cpu, u64 off, unsigned n)
{
    if (off + n - 1 > cpu->sys.tr.limit) {
        x86_throw(cpu, EXC_TS, SEL_ERR(cpu->sys.tr.sel) | cpu->sys.ext);
    }
    return x86_sys_load(cpu, cpu->sys.tr.base + off, n);
}

void x86_tss_stack(struct x86_cpu *cpu, unsigned cpl, u16 *ss, u64 *sp)
{
    bool big = is_32(cpu->sys.tr.attr & 15);
    u64 at = big ? 4 + 8 * cpl : 2 + 4 * cpl;
    tss_field(cpu, at + (big ? 5 : 3), 1); /* the whole pair, before anything else */
    *sp = tss_field(cpu, at, big ? 4 : 2);
    *ss = (u16)tss_field(cpu, at + (big ? 4 : 2), 2);
}
u64 x86_tss_rsp(struct x86_cpu *cpu, unsigned n)
{
    u64 sp = tss_field(cpu, 4 + 8 * n, 8);
    if (!x86_canonical(cpu, sp)) {
        x86_throw(cpu, EXC_SS, cpu->sys.ext);
    }
    return sp;
}

/* -- one TSS in memory
 * --------------------------------------------------------------------------------------------------
 */

/* Where the fields are (figures 7-2 and 7-10). General registers in the order of their encoding from `regs` on,
 * segments in that of enum x86_sreg from `segs` on. */
struct layout {
    u8 n, cr3, ip, flags, regs, segs, seg_step, nsegs, ldt;
    u8 limit; /* the least one */
};
static const struct layout tss16 = {2, 0, 14, 16, 18, 34, 2, 4, 42, 43};
static const struct layout tss32 = {4, 28, 32, 36, 40, 72, 4, 6, 96, 103};

struct task {
    u64 cr3, ip, flags, r[8];
    u16 seg[6], ldt;
    bool trap;
};

/* Static fields stay: the link, stacks, CR3, the local table. */
static void task_save(struct x86_cpu *cpu, const struct layout *l, u64 base, u64 ip, u32 flags)
{
    x86_sys_store(cpu, base + l->ip, ip, l->n);
    x86_sys_store(cpu, base + l->flags, flags, l->n);
    for (unsigned i = 0; i < 8; i++) {
        x86_sys_store(cpu, base + l->regs + (u64)i * l->n, cpu->vcpu.rt.r[i], l->n);
    }
    for (unsigned i = 0; i < l->nsegs; i++) {
        x86_sys_store(cpu, base + l->segs + (u64)i * l->seg_step, cpu->seg[i].sel, 2);
    }
}
static void task_load(struct x86_cpu *cpu, const struct layout *l, u64 base, struct task *t)
{
    *t = (struct task){.ldt = (u16)x86_sys_load(cpu, base + l->ldt, 2)};
    t->cr3 = l->cr3 ? x86_sys_load(cpu, base + l->cr3, 4) : 0;
    t->ip = x86_sys_load(cpu, base + l->ip, l->n);
    t->flags = x86_sys_load(cpu, base + l->flags, l->n);
    for (unsigned i = 0; i < 8; i++) {
        t->r[i] = x86_sys_load(cpu, base + l->regs + (u64)i * l->n, l->n);
    }
    for (unsigned i = 0; i < l->nsegs; i++) {
        t->seg[i] = (u16)x86_sys_load(cpu, base + l->segs + (u64)i * l->seg_step, 2);
    }
    t->trap = l == &tss32 && x86_sys_load(cpu, base + 100, 2) & 1;
}

/* Both segments can be written before anything is: a fault later would leave half of a switch. */
static void task_touch(struct x86_cpu *cpu, u64 base, const struct layout *l, bool write)
{
    u64 last = base + l->limit, at[2] = {base, last};
    for (unsigned i = 0; i < 2; i++) {
        u64 la = (u32)at[i];
        if (!i || la >> 12 != (u32)base >> 12) {
            cpu->vcpu.sv->probe(&cpu->vcpu, la, 1, write ? MMU_STORE : MMU_LOAD, X86_VIEW_SYSTEM);
        }
    }
}

/* -- the new task's segments
 * ----------------------------------------------------------------------------------------------
 */

static NORETURN void bad_segment(struct x86_cpu *cpu, enum x86_exception vector, u16 sel)
{
    x86_throw(cpu, vector, SEL_ERR(sel) | cpu->sys.ext);
}

static u64 task_code(struct x86_cpu *cpu, u16 sel)
{
    u64 d;
    if (!(sel & 0xfffc) || !x86_desc_read(cpu, sel, &d)) {
        bad_segment(cpu, EXC_TS, sel);
    }
    unsigned type = desc_type(d), rpl = SEL_RPL(sel);
    if ((type & (ATTR_S | ATTR_CODE)) != (ATTR_S | ATTR_CODE) ||
        (type & ATTR_DOWN ? desc_dpl(d) > rpl : desc_dpl(d) != rpl)) {
        bad_segment(cpu, EXC_TS, sel);
    }
    if (!desc_present(d)) {
        bad_segment(cpu, EXC_NP, sel);
    }
    return d;
}
static void task_stack(struct x86_cpu *cpu, u16 sel, unsigned cpl)
{
    u64 d;
    if (!(sel & 0xfffc) || !x86_desc_read(cpu, sel, &d) ||
        (desc_type(d) & (ATTR_S | ATTR_CODE | ATTR_WRITE)) != (ATTR_S | ATTR_WRITE) || desc_dpl(d) != cpl ||
        SEL_RPL(sel) != cpl) {
        bad_segment(cpu, EXC_TS, sel);
    }
    if (!desc_present(d)) {
        bad_segment(cpu, EXC_SS, sel);
    }
    x86_seg_put(cpu, SEG_SS, sel, d);
}
static void task_data(struct x86_cpu *cpu, unsigned seg, u16 sel, unsigned cpl)
{
    u64 d;
    if (!(sel & 0xfffc)) {
        x86_seg_null(cpu, seg, sel);
        return;
    }
    if (!x86_desc_read(cpu, sel, &d)) {
        bad_segment(cpu, EXC_TS, sel);
    }
    unsigned type = desc_type(d);
    bool code = type & ATTR_CODE, conforming = code && type & ATTR_DOWN;
    if (!(type & ATTR_S) || (code && !(type & ATTR_WRITE)) || (!conforming && MAX(SEL_RPL(sel), cpl) > desc_dpl(d))) {
        bad_segment(cpu, EXC_TS, sel);
    }
    if (!desc_present(d)) {
        bad_segment(cpu, EXC_NP, sel);
    }
    x86_seg_put(cpu, seg, sel, d);
}

/* Selectors first, with nothing behind them, so that a fault in the new task finds those. */
static void segments_begin(struct x86_cpu *cpu, const struct task *t)
{
    for (unsigned i = 0; i < 6; i++) {
        cpu->seg[i] = (struct x86_seg){.sel = t->seg[i]};
    }
    cpu->sys.ldt = (struct x86_seg){.sel = t->ldt};
    cpu->cpl = cpu->eflags & EFL_VM ? 3 : SEL_RPL(t->seg[SEG_CS]);
}
static void pc_set(struct x86_cpu *cpu, u32 ip)
{
    cpu->sys.deliver_pc = cpu->vcpu.rt.pc = (u32)(cpu->seg[SEG_CS].base + ip);
}
static void segments_load(struct x86_cpu *cpu, const struct task *t)
{
    x86_ldt_load(cpu, t->ldt, true);
    if (cpu->eflags & EFL_VM) {
        for (unsigned i = 0; i < 6; i++) {
            x86_seg_paragraph(cpu, i, t->seg[i]);
        }
        pc_set(cpu, (u16)t->ip);
        return;
    }
    unsigned cpl = cpu->cpl;
    task_stack(cpu, t->seg[SEG_SS], cpl);
    static const u8 data[] = {SEG_DS, SEG_ES, SEG_FS, SEG_GS};
    for (unsigned i = 0; i < ARRAY_LEN(data); i++) {
        task_data(cpu, data[i], t->seg[data[i]], cpl);
    }
    u64 code = task_code(cpu, t->seg[SEG_CS]);
    x86_seg_put(cpu, SEG_CS, t->seg[SEG_CS], code);
    pc_set(cpu, (u32)t->ip);
    if ((u32)t->ip > cpu->seg[SEG_CS].limit) {
        x86_throw(cpu, EXC_GP, cpu->sys.ext);
    }
}

/* -- the switch
 * -----------------------------------------------------------------------------------------------------------
 */

/* From here on a fault belongs to the new task: its address is the new one's. */
static void state_load(struct x86_cpu *cpu, const struct task *t, const struct layout *l, u16 sel, u64 d)
{
    cpu->sys.tr =
        (struct x86_seg){.base = desc_base(d), .limit = desc_limit(d), .sel = sel, .attr = (u16)(desc_attr(d) | 2)};
    cpu->cr0 |= CR0_TS;
    if (l == &tss32 && cpu->cr0 & CR0_PG && !x86_cr3_write(cpu, t->cr3)) {
        x86_throw(cpu, EXC_GP, 0);
    }
    const u32 all = EFL_ARITH | EFL_TF | EFL_IF | EFL_DF | EFL_IOPL | EFL_NT | EFL_RF | EFL_VM | EFL_AC | EFL_VIF |
                    EFL_VIP | EFL_ID;
    x86_eflags_set(cpu, (u32)t->flags, l == &tss32 ? all : all & 0xffff);
    for (unsigned i = 0; i < 8; i++) {
        cpu->vcpu.rt.r[i] = t->r[i]; /* of 16 bits: what is above is nowhere said */
    }
    segments_begin(cpu, t);
    pc_set(cpu, (u32)t->ip);
    cpu->sys.in_new_task = true;
}

void x86_task_switch(struct x86_cpu *cpu, u16 sel, u64 d, enum x86_task how, u64 next)
{
    const struct layout *to = is_32(desc_type(d)) ? &tss32 : &tss16;
    const struct layout *from = is_32(cpu->sys.tr.attr & 15) ? &tss32 : &tss16;
    u64 base = desc_base(d), old = cpu->sys.tr.base;
    u16 old_sel = cpu->sys.tr.sel;
    if (desc_limit(d) < to->limit) {
        x86_throw(cpu, EXC_TS, SEL_ERR(sel) | cpu->sys.ext);
    }
    task_touch(cpu, old, from, true);
    task_touch(cpu, base, to, how == TASK_CALL || how == TASK_INT);
    struct task t;
    task_load(cpu, to, base, &t);
    u32 flags = x86_eflags(cpu);
    if (how == TASK_JUMP || how == TASK_IRET) {
        x86_desc_type(cpu, old_sel, 0, 2); /* no longer busy */
    }
    flags = how == TASK_IRET ? flags & ~(u32)EFL_NT : flags;
    task_save(cpu, from, old, (u32)(next - cpu->seg[SEG_CS].base), flags);
    if (how == TASK_CALL || how == TASK_INT) {
        x86_sys_store(cpu, base, old_sel, 2);
        t.flags |= EFL_NT;
    }
    if (how != TASK_IRET) {
        x86_desc_type(cpu, sel, 2, 0);
    }
    state_load(cpu, &t, to, sel, d);
    x86_changed(cpu); /* privilege comes with CS; the supervisor's view serves until then */
    segments_load(cpu, &t);
    cpu->sys.dr7 &= ~(u64)0x155; /* local breakpoints are a task's own */
    x86_changed(cpu);
    if (t.trap) {
        cpu->sys.dr6 |= DR6_BT;
        x86_throw(cpu, EXC_DB, 0);
    }
    cpu->sys.in_new_task = false;
}
