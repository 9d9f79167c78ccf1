/* Descriptors and segment registers (SDM volume 3, chapters 3 and 5; volume 2, MOV, LAR, LSL, VERR, ARPL, LLDT, LTR).
 *
 * Checks come in the manual's order with the manual's error codes. A null selector loaded into FS or GS in 64-bit mode
 * clears the base, as Intel's processors do. */
#include "target/i386/cpu.h"
#include "target/i386/helpers.h"

bool x86_long(const struct x86_cpu *cpu)
{
    return cpu->efer & EFER_LMA;
}
bool x86_code64(const struct x86_cpu *cpu)
{
    return x86_long(cpu) && cpu->seg[SEG_CS].attr & ATTR_L;
}
bool x86_real(const struct x86_cpu *cpu)
{
    return !(cpu->cr0 & CR0_PE) || cpu->eflags & EFL_VM;
}
bool x86_canonical(const struct x86_cpu *cpu, u64 va)
{
    unsigned bits = cpu->cr4 & CR4_LA57 ? 57 : 48;
    return (u64)sext(va, bits) == va;
}

/* -- memory as the supervisor ----------------------------------------------------------------------------------------
 */

u64 x86_sys_load(struct x86_cpu *cpu, u64 la, unsigned n)
{
    u64 v = 0;
    cpu->vcpu.sv->load(&cpu->vcpu, x86_long(cpu) ? la : (u32)la, &v, n, X86_VIEW_SYSTEM);
    return v;
}
void x86_sys_store(struct x86_cpu *cpu, u64 la, u64 v, unsigned n)
{
    cpu->vcpu.sv->store(&cpu->vcpu, x86_long(cpu) ? la : (u32)la, &v, n, X86_VIEW_SYSTEM);
}

/* -- descriptors -----------------------------------------------------------------------------------------------------
 */

/* Where a selector's descriptor lies; false: beyond the table. */
static bool desc_at(const struct x86_cpu *cpu, u16 sel, u64 *la)
{
    bool local = sel & 4;
    u64 base = local ? cpu->sys.ldt.base : cpu->sys.gdt.base;
    u32 limit = local ? cpu->sys.ldt.limit : cpu->sys.gdt.limit;
    *la = base + (sel & 0xfff8u);
    return (!local || cpu->sys.ldt.attr & ATTR_PRESENT) && (sel | 7u) <= limit;
}

bool x86_desc_read(struct x86_cpu *cpu, u16 sel, u64 *d)
{
    u64 la;
    if (cpu->vcpu.user) {
        *d = x86_user_descriptor(cpu, sel);
        return *d;
    }
    if (!desc_at(cpu, sel, &la)) {
        return false;
    }
    *d = x86_sys_load(cpu, la, 8);
    return true;
}
u64 x86_desc_get(struct x86_cpu *cpu, u16 sel, enum x86_exception vector)
{
    u64 d = 0;
    if (!x86_desc_read(cpu, sel, &d)) {
        x86_throw(cpu, vector, SEL_ERR(sel) | cpu->sys.ext);
    }
    return d;
}
u64 x86_desc_high(struct x86_cpu *cpu, u16 sel)
{
    u64 la, d;
    if (!desc_at(cpu, (u16)(sel + 8), &la)) {
        x86_throw(cpu, EXC_GP, SEL_ERR(sel));
    }
    d = x86_sys_load(cpu, la, 8);
    if (d >> 40 & 31) { /* its type must be 0, so that it is no descriptor */
        x86_throw(cpu, EXC_GP, SEL_ERR(sel));
    }
    return d;
}

void x86_desc_type(struct x86_cpu *cpu, u16 sel, u8 set, u8 clear)
{
    struct vcpu *v = &cpu->vcpu;
    u64 la;
    if (v->user || !desc_at(cpu, sel, &la)) {
        return;
    }
    la = (x86_long(cpu) ? la : (u32)la) + 5;
    u8 *p = v->sv->probe(v, la, 1, MMU_STORE, X86_VIEW_SYSTEM);
    if (p) {
        __atomic_fetch_or(p, set, __ATOMIC_SEQ_CST);
        __atomic_fetch_and(p, (u8)~clear, __ATOMIC_SEQ_CST);
    } else {
        x86_sys_store(cpu, la, (x86_sys_load(cpu, la, 1) | set) & (u8)~clear, 1);
    }
}

static void seg_set(struct x86_seg *s, u16 sel, u64 d)
{
    *s = (struct x86_seg){.base = desc_base(d), .limit = desc_limit(d), .sel = sel, .attr = desc_attr(d)};
}
void x86_seg_put(struct x86_cpu *cpu, unsigned seg, u16 sel, u64 d)
{
    if (!(desc_attr(d) & ATTR_ACCESSED)) {
        x86_desc_type(cpu, sel, ATTR_ACCESSED, 0);
        d |= 1ull << 40;
    }
    seg_set(&cpu->seg[seg], sel, d);
}
/* Limits and the default size stay in real mode, which programs use on purpose. */
void x86_seg_paragraph(struct x86_cpu *cpu, unsigned seg, u16 sel)
{
    const u16 data = ATTR_PRESENT | ATTR_S | ATTR_WRITE | ATTR_ACCESSED;
    struct x86_seg *s = &cpu->seg[seg];
    s->sel = sel;
    s->base = (u64)sel << 4;
    if (cpu->eflags & EFL_VM) {
        s->limit = 0xffff;
        s->attr = data | 3 << ATTR_DPL_SHIFT;
    } else {
        s->attr = data | (s->attr & (ATTR_BIG | ATTR_G));
    }
}
void x86_seg_null(struct x86_cpu *cpu, unsigned seg, u16 sel)
{
    cpu->seg[seg] = (struct x86_seg){.sel = sel};
    if (seg == SEG_SS) { /* of 64-bit mode: its level counts */
        cpu->seg[seg].attr = (u16)(SEL_RPL(sel) << ATTR_DPL_SHIFT);
    }
}

/* -- loading ----------------------------------------------------------------------------------------------------------
 */

u64 x86_stack_check(struct x86_cpu *cpu, u16 sel, unsigned cpl, enum x86_exception vector)
{
    if (!(sel & 0xfffc)) {
        x86_throw(cpu, vector, (vector == EXC_TS ? SEL_ERR(sel) : 0) | cpu->sys.ext);
    }
    u64 d = x86_desc_get(cpu, sel, vector);
    bool data = (desc_type(d) & (ATTR_S | ATTR_CODE | ATTR_WRITE)) == (ATTR_S | ATTR_WRITE);
    if (SEL_RPL(sel) != cpl || !data || desc_dpl(d) != cpl) {
        x86_throw(cpu, vector, SEL_ERR(sel) | cpu->sys.ext);
    }
    if (!desc_present(d)) {
        x86_throw(cpu, EXC_SS, SEL_ERR(sel) | cpu->sys.ext);
    }
    return d;
}

static void data_load(struct x86_cpu *cpu, unsigned seg, u16 sel)
{
    u64 d = x86_desc_get(cpu, sel, EXC_GP);
    unsigned type = desc_type(d);
    bool readable = (type & ATTR_S) && (!(type & ATTR_CODE) || type & ATTR_WRITE);
    bool conforming = (type & (ATTR_CODE | ATTR_DOWN)) == (ATTR_CODE | ATTR_DOWN);
    if (!readable || (!conforming && MAX(SEL_RPL(sel), (unsigned)cpu->cpl) > desc_dpl(d))) {
        x86_throw(cpu, EXC_GP, SEL_ERR(sel));
    }
    if (!desc_present(d)) {
        x86_throw(cpu, EXC_NP, SEL_ERR(sel));
    }
    x86_seg_put(cpu, seg, sel, d);
}

void x86_seg_load(struct x86_cpu *cpu, unsigned seg, u16 sel)
{
    if (x86_real(cpu)) {
        x86_seg_paragraph(cpu, seg, sel);
    } else if (seg == SEG_SS) {
        if (!(sel & 0xfffc) && x86_code64(cpu) && cpu->cpl < 3 && SEL_RPL(sel) == cpu->cpl) {
            x86_seg_null(cpu, seg, sel);
        } else {
            x86_seg_put(cpu, seg, sel, x86_stack_check(cpu, sel, cpu->cpl, EXC_GP));
        }
    } else if (!(sel & 0xfffc)) {
        x86_seg_null(cpu, seg, sel);
    } else {
        data_load(cpu, seg, sel);
    }
}

void x86_code_enter(struct x86_cpu *cpu, u16 sel, u64 d, u64 ip, unsigned cpl)
{
    bool code64 = x86_long(cpu) && desc_attr(d) & ATTR_L;
    if (code64 && desc_attr(d) & ATTR_BIG) {
        x86_throw(cpu, EXC_GP, SEL_ERR(sel));
    }
    if (code64 ? !x86_canonical(cpu, ip) : (u32)ip > desc_limit(d)) {
        x86_throw(cpu, EXC_GP, cpu->sys.ext);
    }
    x86_seg_put(cpu, SEG_CS, (u16)((sel & 0xfffc) | cpl), d);
    cpu->cpl = (u8)cpl;
    cpu->vcpu.rt.pc = code64 ? ip : (u32)(cpu->seg[SEG_CS].base + (u32)ip);
}

/* A register that is null already keeps the base that WRMSR gave it: systems return to programs so. */
void x86_segs_demote(struct x86_cpu *cpu)
{
    static const u8 segs[] = {SEG_ES, SEG_DS, SEG_FS, SEG_GS};
    for (unsigned i = 0; i < ARRAY_LEN(segs); i++) {
        const struct x86_seg *s = &cpu->seg[segs[i]];
        bool conforming = (s->attr & (ATTR_CODE | ATTR_DOWN)) == (ATTR_CODE | ATTR_DOWN);
        if (s->sel & 0xfffc && !conforming && (unsigned)(s->attr >> ATTR_DPL_SHIFT & 3) < cpu->cpl) {
            x86_seg_null(cpu, segs[i], 0);
        }
    }
}

/* -- the local table, the task register
 * --------------------------------------------------------------------------------
 */

void x86_ldt_load(struct x86_cpu *cpu, u16 sel, bool by_task)
{
    enum x86_exception bad = by_task ? EXC_TS : EXC_GP;
    if (!(sel & 0xfffc)) {
        cpu->sys.ldt = (struct x86_seg){.sel = sel};
        return;
    }
    if (sel & 4) {
        x86_throw(cpu, bad, SEL_ERR(sel) | cpu->sys.ext);
    }
    u64 d = x86_desc_get(cpu, sel, bad);
    if (desc_type(d) != DT_LDT) {
        x86_throw(cpu, bad, SEL_ERR(sel) | cpu->sys.ext);
    }
    if (!desc_present(d)) {
        x86_throw(cpu, by_task ? EXC_TS : EXC_NP, SEL_ERR(sel) | cpu->sys.ext);
    }
    u64 high = x86_long(cpu) ? x86_desc_high(cpu, sel) : 0;
    if (x86_long(cpu) && !x86_canonical(cpu, desc_base(d) | high << 32)) {
        x86_throw(cpu, EXC_GP, SEL_ERR(sel));
    }
    seg_set(&cpu->sys.ldt, sel, d);
    cpu->sys.ldt.base |= high << 32;
}

void x86_h_lldt(struct vcpu *v, u64 sel)
{
    x86_ldt_load(x86_cpu(v), (u16)sel, false);
}

void x86_h_ltr(struct vcpu *v, u64 sel64)
{
    struct x86_cpu *cpu = x86_cpu(v);
    u16 sel = (u16)sel64;
    if (!(sel & 0xfffc)) {
        x86_throw(cpu, EXC_GP, 0);
    }
    if (sel & 4) {
        x86_throw(cpu, EXC_GP, SEL_ERR(sel));
    }
    u64 d = x86_desc_get(cpu, sel, EXC_GP), high = 0;
    unsigned type = desc_type(d);
    if (type != DT_TSS && (type != DT_TSS16 || x86_long(cpu))) {
        x86_throw(cpu, EXC_GP, SEL_ERR(sel));
    }
    if (!desc_present(d)) {
        x86_throw(cpu, EXC_NP, SEL_ERR(sel));
    }
    if (x86_long(cpu)) {
        high = x86_desc_high(cpu, sel);
        if (!x86_canonical(cpu, desc_base(d) | high << 32)) {
            x86_throw(cpu, EXC_GP, SEL_ERR(sel));
        }
    }
    x86_desc_type(cpu, sel, 2, 0); /* busy */
    seg_set(&cpu->sys.tr, sel, d | 2ull << 40);
    cpu->sys.tr.base |= high << 32;
}

/* -- helpers: looking at descriptors
 * -----------------------------------------------------------------------------------
 */

/* May a program at this level know of it? */
static bool may_look(const struct x86_cpu *cpu, u16 sel, u64 d)
{
    bool conforming = (desc_type(d) & (ATTR_S | ATTR_CODE | ATTR_DOWN)) == (ATTR_S | ATTR_CODE | ATTR_DOWN);
    return conforming || MAX(SEL_RPL(sel), (unsigned)cpu->cpl) <= desc_dpl(d);
}
static u64 zf_only(struct x86_cpu *cpu, bool zf)
{
    cpu->flags = (cpu->flags & ~(u32)FL_Z) | (zf ? FL_Z : 0);
    return 0;
}

/* LAR and LSL tell of segments and of these system descriptors; of gates there is no limit. */
static bool look(struct x86_cpu *cpu, u16 sel, bool limit, u64 *d)
{
    const u32 tss = BIT(DT_LDT) | BIT(DT_TSS) | BIT(DT_TSS_BUSY), tss16 = BIT(DT_TSS16) | BIT(DT_TSS16_BUSY);
    const u32 gates = BIT(DT_CALL), gates16 = BIT(DT_CALL16) | BIT(DT_TASK);
    u32 ok = tss | (limit ? 0 : gates) | (x86_long(cpu) ? 0 : tss16 | (limit ? 0 : gates16));
    if (!(sel & 0xfffc) || !x86_desc_read(cpu, sel, d)) {
        return false;
    }
    return (desc_type(*d) & ATTR_S || ok >> desc_type(*d) & 1) && may_look(cpu, sel, *d);
}
u64 x86_h_lar(struct vcpu *v, u64 sel, u64 old)
{
    u64 d;
    bool ok = look(x86_cpu(v), (u16)sel, false, &d);
    zf_only(x86_cpu(v), ok);
    return ok ? d >> 32 & 0xf0ff00 : old;
}
u64 x86_h_lsl(struct vcpu *v, u64 sel, u64 old)
{
    u64 d;
    bool ok = look(x86_cpu(v), (u16)sel, true, &d);
    zf_only(x86_cpu(v), ok);
    return ok ? desc_limit(d) : old;
}
void x86_h_verify(struct vcpu *v, u64 sel, u64 write)
{
    struct x86_cpu *cpu = x86_cpu(v);
    u64 d;
    bool ok = (sel & 0xfffc) && x86_desc_read(cpu, (u16)sel, &d) && desc_type(d) & ATTR_S && may_look(cpu, (u16)sel, d);
    if (ok) {
        bool code = desc_type(d) & ATTR_CODE, w = desc_type(d) & ATTR_WRITE;
        ok = write ? !code && w : !code || w;
    }
    zf_only(cpu, ok);
}

/* -- stacks
 * ------------------------------------------------------------------------------------------------------------
 */

void x86_stack_here(struct x86_cpu *cpu, struct x86_stack *s)
{
    bool flat = x86_code64(cpu);
    *s = (struct x86_stack){.cpu = cpu,
                            .seg = cpu->seg[SEG_SS],
                            .sp = cpu->vcpu.rt.r[4],
                            .mask = flat                               ? ~0ull
                                    : cpu->seg[SEG_SS].attr & ATTR_BIG ? 0xffffffff
                                                                       : 0xffff,
                            .view = x86_view(cpu),
                            .flat = flat};
}
void x86_stack_new(struct x86_cpu *cpu, struct x86_stack *s, u16 sel, u64 d, u64 sp, unsigned cpl)
{
    *s = (struct x86_stack){.cpu = cpu,
                            .sp = sp,
                            .mask = desc_attr(d) & ATTR_BIG ? 0xffffffff : 0xffff,
                            .view = cpl == 3 ? X86_VIEW_NORMAL : X86_VIEW_SYSTEM,
                            .error = SEL_ERR(sel)};
    seg_set(&s->seg, sel, d);
}

static u64 stack_linear(const struct x86_stack *s, u64 off, unsigned n, bool write)
{
    if (s->flat) {
        if (!x86_canonical(s->cpu, off) || !x86_canonical(s->cpu, off + n - 1)) {
            x86_throw(s->cpu, EXC_SS, s->error);
        }
        return off;
    }
    if (!x86_seg_holds(&s->seg, off, n, write)) {
        x86_throw(s->cpu, EXC_SS, s->error);
    }
    return (u32)(s->seg.base + off);
}
void x86_push(struct x86_stack *s, u64 v, unsigned n)
{
    u64 off = (s->sp - n) & s->mask;
    s->cpu->vcpu.sv->store(&s->cpu->vcpu, stack_linear(s, off, n, true), &v, n, s->view);
    s->sp = (s->sp & ~s->mask) | off;
}
u64 x86_stack_peek(struct x86_stack *s, u64 k, unsigned n)
{
    u64 v = 0, off = (s->sp + k) & s->mask;
    s->cpu->vcpu.sv->load(&s->cpu->vcpu, stack_linear(s, off, n, false), &v, n, s->view);
    return v;
}
u64 x86_pop(struct x86_stack *s, unsigned n)
{
    u64 v = x86_stack_peek(s, 0, n);
    s->sp = (s->sp & ~s->mask) | ((s->sp + n) & s->mask);
    return v;
}
void x86_sp_set(struct x86_cpu *cpu, u64 sp, u64 mask)
{
    u64 *r = &cpu->vcpu.rt.r[4];
    *r = mask == 0xffff ? (*r & ~mask) | (sp & mask) : sp & mask;
}
