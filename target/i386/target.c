/* The x86 CPU as a guest ISA: what target/target.h asks of one. */
#include <string.h>

#include "base/bits.h"
#include "base/field.h"
#include "target/i386/cpu.h"
#include "target/i386/disas.h"
#include "target/i386/fpu.h"
#include "target/i386/i386.h"
#include "target/i386/mxcsr.h"

/* -- state --------------------------------------------------------------------------------------------------------- */

#define F(m, ...)  FIELD(struct x86_cpu, m, ##__VA_ARGS__)
#define FS(m, ...) FIELDS(struct x86_cpu, m, ##__VA_ARGS__)
/* Of the system level. */
#define T(nm, m) \
    { \
        .name = nm, .off = offsetof(struct x86_cpu, sys.m), .size = sizeof(((struct x86_cpu *)0)->sys.m), .count = 1 \
    }
#define TS(nm, m) \
    { \
        .name = nm, .off = offsetof(struct x86_cpu, sys.m), .size = sizeof(((struct x86_cpu *)0)->sys.m[0]), \
        .count = sizeof(((struct x86_cpu *)0)->sys.m) / sizeof(((struct x86_cpu *)0)->sys.m[0]) \
    }
static const struct field x86_state[] = {
    {.name = "r", .off = offsetof(struct x86_cpu, vcpu.rt.r), .size = 8, .count = 16},
    {.name = "rip", .off = offsetof(struct x86_cpu, vcpu.rt.pc), .size = 8, .count = 1},
    {.name = "host_fp", .off = offsetof(struct x86_cpu, vcpu.rt.host_fp), .size = 4, .count = 1, .flags = F_HIDDEN},
    F(df, .reset = 1),
    F(flags),
    F(eflags),
    FIELD_OF(struct x86_cpu, seg, base),
    FIELD_OF(struct x86_cpu, seg, limit),
    FIELD_OF(struct x86_cpu, seg, sel),
    FIELD_OF(struct x86_cpu, seg, attr),
    FS(xmm),
    FS(ymmh),
    FIELD_OF(struct x86_cpu, st, frac),
    FIELD_OF(struct x86_cpu, st, se),
    F(fsw),
    F(ftop),
    F(ftw),
    F(fcare),
    F(fcw, .reset = 0x40),
    F(fop),
    F(fcs),
    F(fds),
    F(fip),
    F(fdp),
    F(mxcsr, .reset = 0x1f80),
    F(cr0),
    F(cr2),
    F(cr3),
    F(cr4),
    F(efer),
    F(xcr0, .reset = XCR0_X87),
    F(tsc_aux),
    F(cpl),
    F(shadow),
    {.name = "halted", .off = offsetof(struct x86_cpu, vcpu.halted), .size = 1, .count = 1},
    {.name = "lines", .off = offsetof(struct x86_cpu, vcpu.lines), .size = 4, .count = 1},
    T("gdt.base", gdt.base),
    T("gdt.limit", gdt.limit),
    T("idt.base", idt.base),
    T("idt.limit", idt.limit),
    T("ldt.base", ldt.base),
    T("ldt.limit", ldt.limit),
    T("ldt.sel", ldt.sel),
    T("ldt.attr", ldt.attr),
    T("tr.base", tr.base),
    T("tr.limit", tr.limit),
    T("tr.sel", tr.sel),
    T("tr.attr", tr.attr),
    TS("dr", dr),
    T("dr6", dr6),
    T("dr7", dr7),
    TS("pdpte", pdpte),
    T("tpr", tpr),
    T("pkru", pkru),
    T("star", star),
    T("lstar", lstar),
    T("cstar", cstar),
    T("fmask", fmask),
    T("kernel_gs_base", kernel_gs_base),
    T("sysenter_cs", sysenter_cs),
    T("sysenter_esp", sysenter_esp),
    T("sysenter_eip", sysenter_eip),
    T("pat", pat),
    T("misc_enable", misc_enable),
    T("syscfg", syscfg),
    T("hwcr", hwcr),
    T("nb_cfg", nb_cfg),
    T("mtrr_def", mtrr_def),
    TS("mtrr_fixed", mtrr_fixed),
    TS("mtrr_base", mtrr_base),
    TS("mtrr_mask", mtrr_mask),
    T("tsc_offset", tsc_offset),
    T("debugctl", debugctl),
    T("feature_control", feature_control),
    T("microcode", microcode),
    T("mcg_status", mcg_status),
    T("smbase", smbase),
    T("pending", pending),
    T("sipi", sipi),
    T("wait_sipi", wait_sipi),
    T("smm", smm),
    T("nmi_masked_before", nmi_masked_before),
    T("nmi_masked", nmi_masked),
    T("shut_down", shut_down),
    {0},
};

static bool x86_init(struct vcpu *v, const char *model, struct err *e)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (!x86_model_set(cpu, model, e)) {
        return false;
    }
    cpu->features_id = (u8)x86_features_id(&cpu->features);
    cpu->sys.place.apic_id = v->index;
    return true;
}

static void x86_reset(struct vcpu *v)
{
    struct x86_cpu *cpu = x86_cpu(v);
    u32 lines = v->lines; /* are the board's */
    fields_reset(cpu, x86_state);
    v->lines = lines;
    cpu->fp = FP_ENV_SSE;
    v->rt.host_fp = 0x1f80;
    x86_fpu_drop(cpu);
    v->halted = cpu->sys.wait_sipi = false;
    if (!v->user) {
        x86_sys_reset(cpu, false);
    }
}

/* After the table's fields were loaded: what is derived from them. */
static void x86_loaded(struct vcpu *v)
{
    struct x86_cpu *cpu = x86_cpu(v);
    cpu->sys.a20_masked = false;
    x86_fpu_drop(cpu);
    x86_pins_sync(cpu);
    x86_flush_all(cpu);
    x86_changed(cpu);
}

/* -- the mode word ------------------------------------------------------------------------------------------------- */

/* May offsets 0 to 4 GiB - 1 of it be read and written? */
static bool is_open(const struct x86_seg *s)
{
    const u16 need = ATTR_PRESENT | ATTR_S | ATTR_WRITE;
    return (s->attr & (need | ATTR_CODE | ATTR_DOWN)) == need && s->limit == 0xffffffff;
}

static u64 segment_bits(const struct x86_cpu *cpu, bool code64)
{
    u64 m = 0;
    if (code64) { /* does not look */
        return MASK(6) << MODE_BASE_SHIFT | MASK(6) << MODE_OPEN_SHIFT;
    }
    bool small = !(cpu->seg[SEG_CS].attr & ATTR_BIG); /* bases change all the time: not a mode for each set of them */
    for (unsigned s = 0; s < ARRAY_LEN(cpu->seg); s++) {
        m |= !small && !cpu->seg[s].base ? BIT(MODE_BASE_SHIFT + s) : 0;
        m |= is_open(&cpu->seg[s]) ? BIT(MODE_OPEN_SHIFT + s) : 0;
    }
    return m;
}

static u64 unit_bits(const struct x86_cpu *cpu)
{
    return (cpu->cr0 & (CR0_EM | CR0_TS) ? MODE_NO_FPU : 0) |
           (!(cpu->cr4 & CR4_OSFXSR) || cpu->cr0 & CR0_EM ? MODE_NO_SSE : 0) |
           (!(cpu->cr4 & CR4_OSXSAVE) || !(cpu->xcr0 & XCR0_AVX) ? MODE_NO_AVX : 0) | x86_mxcsr_mode(cpu) |
           x87_mode(cpu);
}

u64 x86_mode(const struct vcpu *v)
{
    const struct x86_cpu *cpu = x86_cpu_const(v);
    bool pe = cpu->cr0 & CR0_PE, vm = cpu->eflags & EFL_VM, lma = cpu->efer & EFER_LMA;
    u16 cs = cpu->seg[SEG_CS].attr;
    bool code64 = lma && cs & ATTR_L;
    unsigned size = code64 ? 2 : cs & ATTR_BIG ? 1 : 0;
    u64 m = (u64)cpu->cpl << MODE_CPL_SHIFT | (u64)size << MODE_BITS_SHIFT | (u64)cpu->features_id << MODE_FEAT_SHIFT;
    m |= segment_bits(cpu, code64) | unit_bits(cpu);
    m |= (code64 || cpu->seg[SEG_SS].attr & ATTR_BIG ? MODE_SS32 : 0) | (pe ? MODE_PE : 0) | (vm ? MODE_VM : 0) |
         (lma ? MODE_LMA : 0) | (cpu->eflags & EFL_TF ? MODE_STEP : 0) | (cpu->shadow ? MODE_SHADOW : 0);
    m |= cpu->eflags & EFL_AC && cpu->cr0 & CR0_AM && cpu->cpl == 3 ? MODE_ALIGN : 0;
    m |= cpu->cpl && cpu->cr4 & CR4_TSD ? MODE_TSD : 0;
    m |= cpu->cpl < 3 && cpu->cr4 & CR4_SMAP ? MODE_SMAP : 0;
    m |= x86_view(cpu) == X86_VIEW_LIFTED ? MODE_LIFTED : 0;
    m |= cpu->cpl <= (cpu->eflags & EFL_IOPL) >> 12 ? MODE_IOPL : 0;
    m |= cpu->cr4 & CR4_UMIP && cpu->cpl == 3 && pe && !vm ? MODE_UMIP : 0;
    m |= (cpu->sys.smm ? MODE_SMM : 0) | (x86_debug_on(cpu) ? MODE_BREAK : 0) | (cpu->sys.split ? MODE_SPLIT : 0);
    if (!code64 && cpu->seg[SEG_CS].limit != 0xffffffff) {
        m |= MODE_CODE_LIMIT | (cpu->seg[SEG_CS].limit >= 0xffff ? MODE_CODE_64K : 0) |
             (cpu->sys.tight ? MODE_TIGHT : 0);
    }
    return m;
}

/* Outside 64-bit mode addresses have 32 bits. */
static u64 x86_branch_target(const struct vcpu *v, u64 pc)
{
    const struct x86_cpu *cpu = x86_cpu_const(v);
    return cpu->efer & EFER_LMA && cpu->seg[SEG_CS].attr & ATTR_L ? pc : (u32)pc;
}

static const char *x86_mode_name(u64 mode)
{
    return mode & MODE_VM ? "vm86" : MODE_BITS(mode) == 64 ? "64-bit" : MODE_BITS(mode) == 32 ? "32-bit" : "16-bit";
}

/* -- the target ---------------------------------------------------------------------------------------------------- */

#define X86_TARGET(id, bits, text) \
    const struct target target_##id = { \
        .name = #id, \
        .doc = text, \
        .cpu_size = sizeof(struct x86_cpu), \
        .xlen = (bits), \
        .views = X86_VIEWS, \
        .state = x86_state, \
        .ir = &x86_ir_target, \
        .models = x86_model_names, \
        .init = x86_init, \
        .reset = x86_reset, \
        .loaded = x86_loaded, \
        .careful = x86_careful, \
        .mode = x86_mode, \
        .context = x86_context, \
        .translate = x86_translate, \
        .walk = x86_walk, \
        .fault = x86_fault, \
        .interrupt = x86_interrupt, \
        .has_work = x86_has_work, \
        .watch_hit = x86_watch_hit, \
        .watch_page = x86_watch_page, \
        .disas = x86_disas, \
        .print = x86_print, \
        .mode_name = x86_mode_name, \
        .branch_target = x86_branch_target, \
    }
X86_TARGET(x86_64, 64, "x86-64");
X86_TARGET(i386, 32, "x86, 32 bits");
