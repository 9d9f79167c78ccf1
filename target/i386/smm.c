/* System-management mode: SMI, RSM and the state saved between them (SDM volume 3, chapter 31; APM volume 2, 10.2,
 * whose map processors with 64 bits have here, table 10-1). Those without save what the P6 does (SDM, table 31-1), with
 * the segments' hidden parts in the reserved bytes below.
 *
 * Accesses in this mode are `secure`: a board's SMRAM is seen by those only.
 * Not modelled: restarting an I/O instruction, the SVM and VMX fields. */
#include <string.h>

#include "base/log.h"
#include "target/i386/cpu.h"
#include "target/i386/helpers.h"

enum { STATE = 0x8000, AUTO_HALT = 1, RELOCATES = 1 << 17, REVISION_32 = 0x20000, REVISION_64 = 0x20064 };

/* What a row is: bytes of a field of struct x86_cpu, at an offset from SMBASE + 0x8000. */
struct row {
    u16 at;
    u8 n;
    u32 off;
};
#define ROW(at, n, m) \
    { \
        at, n, offsetof(struct x86_cpu, m) \
    }
#define REG(at, n, number) \
    { \
        at, n, offsetof(struct x86_cpu, vcpu.rt.r) + 8 * (number) \
    }
#define SEG64(at, m) ROW(at, 2, m.sel), ROW((at) + 4, 4, m.limit), ROW((at) + 8, 8, m.base)
static const struct row map64[] = {
    SEG64(0x7e00, seg[SEG_ES]),
    SEG64(0x7e10, seg[SEG_CS]),
    SEG64(0x7e20, seg[SEG_SS]),
    SEG64(0x7e30, seg[SEG_DS]),
    SEG64(0x7e40, seg[SEG_FS]),
    SEG64(0x7e50, seg[SEG_GS]),
    ROW(0x7e64, 4, sys.gdt.limit),
    ROW(0x7e68, 8, sys.gdt.base),
    SEG64(0x7e70, sys.ldt),
    ROW(0x7e84, 4, sys.idt.limit),
    ROW(0x7e88, 8, sys.idt.base),
    SEG64(0x7e90, sys.tr),
    ROW(0x7ed0, 8, efer),
    ROW(0x7f48, 8, cr4),
    ROW(0x7f50, 8, cr3),
    ROW(0x7f58, 8, cr0),
    ROW(0x7f60, 8, sys.dr7),
    ROW(0x7f68, 8, sys.dr6),
    REG(0x7f80, 8, 15),
    REG(0x7f88, 8, 14),
    REG(0x7f90, 8, 13),
    REG(0x7f98, 8, 12),
    REG(0x7fa0, 8, 11),
    REG(0x7fa8, 8, 10),
    REG(0x7fb0, 8, 9),
    REG(0x7fb8, 8, 8),
    REG(0x7fc0, 8, 7),
    REG(0x7fc8, 8, 6),
    REG(0x7fd0, 8, 5),
    REG(0x7fd8, 8, 4),
    REG(0x7fe0, 8, 3),
    REG(0x7fe8, 8, 2),
    REG(0x7ff0, 8, 1),
    REG(0x7ff8, 8, 0),
};
#define SEG32(at, hidden, m) ROW(at, 2, m.sel), ROW(hidden, 4, m.base), ROW((hidden) + 4, 4, m.limit)
static const struct row map32[] = {
    ROW(0x7ffc, 4, cr0),
    ROW(0x7ff8, 4, cr3),
    REG(0x7fec, 4, 7),
    REG(0x7fe8, 4, 6),
    REG(0x7fe4, 4, 5),
    REG(0x7fe0, 4, 4),
    REG(0x7fdc, 4, 3),
    REG(0x7fd8, 4, 2),
    REG(0x7fd4, 4, 1),
    REG(0x7fd0, 4, 0),
    ROW(0x7fcc, 4, sys.dr6),
    ROW(0x7fc8, 4, sys.dr7),
    SEG32(0x7fc4, 0x7f60, sys.tr),
    SEG32(0x7fc0, 0x7f6c, sys.ldt),
    SEG32(0x7fbc, 0x7f2c, seg[SEG_GS]),
    SEG32(0x7fb8, 0x7f38, seg[SEG_FS]),
    SEG32(0x7fb4, 0x7f44, seg[SEG_DS]),
    SEG32(0x7fb0, 0x7f50, seg[SEG_SS]),
    SEG32(0x7fac, 0x7f84, seg[SEG_CS]),
    SEG32(0x7fa8, 0x7f90, seg[SEG_ES]),
    ROW(0x7f78, 4, sys.gdt.base),
    ROW(0x7f7c, 2, sys.gdt.limit),
    ROW(0x7f1c, 4, sys.idt.base),
    ROW(0x7f20, 2, sys.idt.limit),
    ROW(0x7f14, 4, cr4),
};
/* Fields with a form of their own: attributes, the address, flags, and what the handler may change. */
struct special {
    u16 attr[8]; /* ES CS SS DS FS GS LDTR TR */
    u16 flags, ip, revision, smbase, halt;
};
static const struct special special64 = {
    {0x7e02, 0x7e12, 0x7e22, 0x7e32, 0x7e42, 0x7e52, 0x7e72, 0x7e92}, 0x7f70, 0x7f78, 0x7efc, 0x7f00, 0x7ec9};
static const struct special special32 = {
    {0x7f98, 0x7f8c, 0x7f58, 0x7f4c, 0x7f40, 0x7f34, 0x7f74, 0x7f68}, 0x7ff4, 0x7ff0, 0x7efc, 0x7ef8, 0x7f02};

static bool is_64(const struct x86_cpu *cpu)
{
    return cpu->id.words[WORD_81_EDX] & BIT(29);
}

/* The state lies in what this mode sees. */
static struct mem_attrs smm_attrs(const struct x86_cpu *cpu)
{
    return (struct mem_attrs){.is_cpu = true, .cpu = (u8)cpu->vcpu.index, .secure = true};
}
static void put(struct x86_cpu *cpu, unsigned at, u64 v, unsigned n)
{
    mem_store(cpu->vcpu.space, cpu->sys.smbase + STATE + at, n, v & MASK(8 * n), smm_attrs(cpu));
}
static u64 get(struct x86_cpu *cpu, unsigned at, unsigned n)
{
    u64 v;
    mem_load(cpu->vcpu.space, cpu->sys.smbase + STATE + at, n, &v, smm_attrs(cpu));
    return v;
}
static struct x86_seg *segment(struct x86_cpu *cpu, unsigned i)
{
    return i < 6 ? &cpu->seg[i] : i == 6 ? &cpu->sys.ldt : &cpu->sys.tr;
}
/* A descriptor's attributes in 12 bits: the limit's four left out. */
static u16 attr_pack(u16 a)
{
    return (u16)((a & 0xff) | (a >> 4 & 0xf00));
}
static u16 attr_unpack(u16 a)
{
    return (u16)((a & 0xff) | (a & 0xf00) << 4);
}

static const struct row *rows_of(const struct x86_cpu *cpu, unsigned *n, const struct special **s)
{
    bool wide = is_64(cpu);
    *n = wide ? ARRAY_LEN(map64) : ARRAY_LEN(map32);
    *s = wide ? &special64 : &special32;
    return wide ? map64 : map32;
}

static void state_save(struct x86_cpu *cpu, bool halted)
{
    unsigned n, word = is_64(cpu) ? 8 : 4;
    const struct special *s;
    const struct row *r = rows_of(cpu, &n, &s);
    for (unsigned i = 0; i < n; i++) {
        u64 v = 0;
        memcpy(&v, (u8 *)cpu + r[i].off, r[i].n);
        put(cpu, r[i].at, v, r[i].n);
    }
    for (unsigned i = 0; i < ARRAY_LEN(s->attr); i++) {
        put(cpu, s->attr[i], attr_pack(segment(cpu, i)->attr), 2);
    }
    u64 pc = cpu->vcpu.rt.pc;
    put(cpu, s->flags, x86_eflags(cpu), word);
    put(cpu, s->ip, x86_code64(cpu) ? pc : (u32)(pc - cpu->seg[SEG_CS].base), word);
    put(cpu, s->revision, is_64(cpu) ? REVISION_64 : REVISION_32, 4);
    put(cpu, s->smbase, cpu->sys.smbase, 4);
    put(cpu, s->halt, halted ? AUTO_HALT : 0, 1);
}

/* Between instructions. */
void x86_smm_enter(struct x86_cpu *cpu, bool halted)
{
    const u16 data = ATTR_PRESENT | ATTR_S | ATTR_WRITE | ATTR_ACCESSED | ATTR_G;
    state_save(cpu, halted);
    if (log_on(LOG_INT)) {
        log_print("%s: SMI at %llx\n", cpu->vcpu.name, (unsigned long long)cpu->vcpu.rt.pc);
    }
    cpu->sys.smm = true;
    cpu->sys.nmi_masked_before = cpu->sys.nmi_masked;
    cpu->sys.nmi_masked = true;
    cpu->shadow = SHADOW_NONE;
    for (unsigned i = 0; i < 6; i++) {
        cpu->seg[i] = (struct x86_seg){.limit = 0xffffffff, .attr = data};
    }
    cpu->seg[SEG_CS].sel = (u16)(cpu->sys.smbase >> 4);
    cpu->seg[SEG_CS].base = cpu->sys.smbase;
    x86_eflags_set(cpu, 0, ~(u32)EFL_ONE);
    cpu->cr0 &= ~(u64)(CR0_PE | CR0_EM | CR0_TS | CR0_PG);
    cpu->cr4 = 0;
    cpu->efer = 0;
    cpu->cpl = 0;
    cpu->sys.dr7 = DR7_ONE;
    cpu->vcpu.rt.pc = (u32)(cpu->sys.smbase + STATE);
    x86_flush_all(cpu);
    x86_changed(cpu);
}

static void state_load(struct x86_cpu *cpu)
{
    unsigned n;
    const struct special *s;
    const struct row *r = rows_of(cpu, &n, &s);
    for (unsigned i = 0; i < n; i++) {
        u64 v = get(cpu, r[i].at, r[i].n);
        memcpy((u8 *)cpu + r[i].off, &v, r[i].n);
    }
    for (unsigned i = 0; i < ARRAY_LEN(s->attr); i++) {
        segment(cpu, i)->attr = attr_unpack((u16)get(cpu, s->attr[i], 2));
    }
    u64 flags = get(cpu, s->flags, 4), ip = get(cpu, s->ip, is_64(cpu) ? 8 : 4);
    x86_eflags_set(cpu, (u32)flags, ~(u32)EFL_ONE);
    cpu->cpl = flags & EFL_VM ? 3 : cpu->cr0 & CR0_PE ? (u8)(cpu->seg[SEG_SS].attr >> ATTR_DPL_SHIFT & 3) : 0;
    cpu->vcpu.rt.pc = x86_code64(cpu) ? ip : (u32)(cpu->seg[SEG_CS].base + ip);
    cpu->vcpu.halted = cpu->sys.halted = false;
    if (get(cpu, s->halt, 1) & AUTO_HALT) {
        cpu->sys.halted = true;
        vcpu_halt(&cpu->vcpu);
    }
    if (get(cpu, s->revision, 4) & RELOCATES) {
        cpu->sys.smbase = (u32)get(cpu, s->smbase, 4);
    }
}

/* Outside this mode it is an undefined instruction: the translator's. */
void x86_h_rsm(struct vcpu *v)
{
    struct x86_cpu *cpu = x86_cpu(v);
    state_load(cpu);
    cpu->sys.smm = false;
    cpu->sys.nmi_masked = cpu->sys.nmi_masked_before;
    if (cpu->cr0 & CR0_PG) {
        x86_pdptes_load(cpu, cpu->cr3, cpu->cr4 & CR4_PAE);
    }
    x86_flush_all(cpu);
    x86_changed(cpu);
    x86_irq_check(cpu);
}
