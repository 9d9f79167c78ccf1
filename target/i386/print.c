/* The state of a processor for people: the form is that of QEMU's `info registers`, which scripts read. */
#include <inttypes.h>

#include "target/i386/cpu.h"
#include "target/i386/fpu.h"
#include "target/i386/sys.h"

static bool is_long(const struct x86_cpu *cpu)
{
    return cpu->efer & EFER_LMA;
}

static const char *system_name(const struct x86_cpu *cpu, unsigned type)
{
    static const char *const names[16] = {
        "Reserved", "TSS16-avl", "LDT",      "TSS16-busy", "CallGate16", "TaskGate", "IntGate16", "TrapGate16",
        "Reserved", "TSS32-avl", "Reserved", "TSS32-busy", "CallGate32", "Reserved", "IntGate32", "TrapGate32"};
    static const char *const wide[16] = {[2] = "LDT",         [9] = "TSS64-avl",  [11] = "TSS64-busy",
                                         [12] = "CallGate64", [14] = "IntGate64", [15] = "TrapGate64"};
    return !is_long(cpu) ? names[type] : wide[type] ? wide[type] : "Reserved";
}

static void kind_print(const struct x86_cpu *cpu, u16 attr, struct buf *out)
{
    if (!(cpu->cr0 & CR0_PE) || !(attr & ATTR_PRESENT)) {
        return;
    }
    buf_printf(out, " DPL=%u ", attr >> ATTR_DPL_SHIFT & 3);
    char w = attr & ATTR_WRITE ? 'W' : '-', a = attr & ATTR_ACCESSED ? 'A' : '-';
    if (!(attr & ATTR_S)) {
        buf_printf(out, "%s", system_name(cpu, attr & ATTR_TYPE));
    } else if (attr & ATTR_CODE) {
        buf_printf(out, "%s [%c%c%c]",
                   attr & ATTR_L     ? "CS64"
                   : attr & ATTR_BIG ? "CS32"
                                     : "CS16",
                   attr & ATTR_DOWN ? 'C' : '-', attr & ATTR_WRITE ? 'R' : '-', a);
    } else {
        buf_printf(out, "%s [%c%c%c]", attr & ATTR_BIG || is_long(cpu) ? "DS  " : "DS16", attr & ATTR_DOWN ? 'E' : '-',
                   w, a);
    }
}

/* Selector, base, limit, and the descriptor's second word without its base. */
static void segment_print(const struct x86_cpu *cpu, const char *name, const struct x86_seg *s, struct buf *out)
{
    u32 limit = s->attr & ATTR_G ? s->limit >> 12 : s->limit;
    u32 word = (u32)(s->attr & 0xf0ff) << 8 | (limit & 0xf0000);
    buf_printf(out, "%-3s=%04x %0*" PRIx64 " %08x %08x", name, s->sel, is_long(cpu) ? 16 : 8, s->base, s->limit, word);
    kind_print(cpu, s->attr, out);
    buf_printf(out, "\n");
}

static void general_print(const struct x86_cpu *cpu, bool wide, struct buf *out)
{
    static const char *const names[16] = {"AX",  "BX",  "CX",  "DX",  "SI",  "DI",  "BP",  "SP",
                                          "R8 ", "R9 ", "R10", "R11", "R12", "R13", "R14", "R15"};
    static const u8 at[16] = {0, 3, 1, 2, 6, 7, 5, 4, 8, 9, 10, 11, 12, 13, 14, 15};
    for (unsigned i = 0; i < (wide ? 16 : 8); i++) {
        u64 v = cpu->vcpu.rt.r[at[i]];
        buf_printf(out, "%s%s=%0*" PRIx64 "%c",
                   i > 7  ? ""
                   : wide ? "R"
                          : "E",
                   names[i], wide ? 16 : 8, wide ? v : (u32)v, i % 4 == 3 ? '\n' : ' ');
    }
}

static void tables_print(const struct x86_cpu *cpu, struct buf *out)
{
    static const char *const names[6] = {"ES", "CS", "SS", "DS", "FS", "GS"};
    int digits = is_long(cpu) ? 16 : 8;
    for (unsigned s = 0; s < ARRAY_LEN(names); s++) {
        segment_print(cpu, names[s], &cpu->seg[s], out);
    }
    segment_print(cpu, "LDT", &cpu->sys.ldt, out);
    segment_print(cpu, "TR", &cpu->sys.tr, out);
    buf_printf(out, "GDT=     %0*" PRIx64 " %08x\nIDT=     %0*" PRIx64 " %08x\n", digits, cpu->sys.gdt.base,
               cpu->sys.gdt.limit, digits, cpu->sys.idt.base, cpu->sys.idt.limit);
    buf_printf(out, "CR0=%08" PRIx64 " CR2=%0*" PRIx64 " CR3=%0*" PRIx64 " CR4=%08" PRIx64 "\n", cpu->cr0, digits,
               cpu->cr2, digits, cpu->cr3, cpu->cr4);
    for (unsigned i = 0; i < 4; i++) {
        buf_printf(out, "DR%u=%016" PRIx64 "%c", i, cpu->sys.dr[i], i == 3 ? '\n' : ' ');
    }
    buf_printf(out, "DR6=%016" PRIx64 " DR7=%016" PRIx64 "\nEFER=%016" PRIx64 "\n", cpu->sys.dr6, cpu->sys.dr7,
               cpu->efer);
}

/* x87 registers by physical number. */
static void units_print(const struct x86_cpu *cpu, bool wide, struct buf *out)
{
    buf_printf(out, "FCW=%04x FSW=%04x [ST=%u] FTW=%02x MXCSR=%08x\n", x86_fcw(cpu),
               cpu->fsw | cpu->ftop << FSW_TOP_SHIFT, cpu->ftop, x86_ftw(cpu), x86_mxcsr(cpu));
    for (unsigned i = 0; i < 8; i++) {
        buf_printf(out, "FPR%u=%016" PRIx64 " %04x%c", i, cpu->st[i].frac, (u16)cpu->st[i].se, i & 1 ? '\n' : ' ');
    }
    for (unsigned i = 0; i < (wide ? 16 : 8); i++) {
        buf_printf(out, "XMM%02u=%016" PRIx64 " %016" PRIx64 "%c", i, cpu->xmm[i].d[1], cpu->xmm[i].d[0],
                   i & 1 ? '\n' : ' ');
    }
}

void x86_print(const struct vcpu *v, bool all, struct buf *out)
{
    const struct x86_cpu *cpu = x86_cpu_const(v);
    bool wide = MODE_BITS(x86_mode(v)) == 64;
    u32 fl = x86_eflags(cpu);
    u64 ip = wide ? v->rt.pc : (u32)(v->rt.pc - cpu->seg[SEG_CS].base);
    general_print(cpu, wide, out);
    buf_printf(out, "%cIP=%0*" PRIx64 " %cFL=%08x [%c%c%c%c%c%c%c] CPL=%u II=%u A20=%u SMM=%u HLT=%u\n",
               wide ? 'R' : 'E', wide ? 16 : 8, ip, wide ? 'R' : 'E', fl, fl & EFL_DF ? 'D' : '-',
               fl & EFL_OF ? 'O' : '-', fl & EFL_SF ? 'S' : '-', fl & EFL_ZF ? 'Z' : '-', fl & EFL_AF ? 'A' : '-',
               fl & EFL_PF ? 'P' : '-', fl & EFL_CF ? 'C' : '-', cpu->cpl, cpu->shadow != 0, !cpu->sys.a20_masked,
               cpu->sys.smm, v->halted);
    tables_print(cpu, out);
    if (all) {
        units_print(cpu, wide, out);
    }
}
