/* Control registers and the instructions that move them (SDM volume 3, 2.5 and 2.8; volume 2, MOV, LGDT, LMSW, XSETBV,
 * INVLPG, INVPCID): which bits exist, which combinations fault, what follows from a change. */
#include "target/i386/cpu.h"
#include "target/i386/helpers.h"
#include "target/i386/xstate.h"

static NORETURN void gp(struct x86_cpu *cpu)
{
    x86_throw(cpu, EXC_GP, 0);
}

void x86_changed(struct x86_cpu *cpu)
{
    if (cpu->vcpu.sv) {
        cpu->vcpu.sv->context_changed(&cpu->vcpu);
    }
}

/* -- CR0
 * ------------------------------------------------------------------------------------------------------------------
 */

/* PAE paging outside IA-32e mode reads its four top entries when CR3 is loaded (4.4.1). False: reserved bits. */
bool x86_pdptes_load(struct x86_cpu *cpu, u64 cr3, bool pae)
{
    u64 p[4], reserved = (~MASK(x86_phys_bits(cpu)) & ~0ull) | 0x1e6;
    if (!pae || x86_long(cpu)) {
        return true;
    }
    for (unsigned i = 0; i < 4; i++) {
        if (mem_load(cpu->vcpu.space, (cr3 & 0xffffffe0) + 8 * i, 8, &p[i], x86_attrs(cpu)) != MEM_OK) {
            p[i] = ~0ull;
        }
        if (p[i] & 1 && p[i] & reserved) {
            return false;
        }
    }
    for (unsigned i = 0; i < 4; i++) {
        cpu->sys.pdpte[i] = p[i];
    }
    return true;
}

/* Paging goes on or off: IA-32e mode becomes or stops being active (9.8.5). */
static bool lma_change(struct x86_cpu *cpu, bool pg)
{
    if (!(cpu->efer & EFER_LME)) {
        return true;
    }
    if (pg && (!(cpu->cr4 & CR4_PAE) || cpu->seg[SEG_CS].attr & ATTR_L ||
               (cpu->sys.tr.attr & (ATTR_PRESENT | 8)) == ATTR_PRESENT)) {
        return false;
    }
    if (!pg && x86_code64(cpu)) {
        return false;
    }
    cpu->efer = pg ? cpu->efer | EFER_LMA : cpu->efer & ~(u64)EFER_LMA;
    return true;
}

bool x86_cr0_write(struct x86_cpu *cpu, u64 v)
{
    const u64 known = CR0_PE | CR0_MP | CR0_EM | CR0_TS | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_NW | CR0_CD | CR0_PG;
    u64 old = cpu->cr0;
    bool pg = v & CR0_PG;
    if (v >> 32 || (pg && !(v & CR0_PE)) || (v & CR0_NW && !(v & CR0_CD)) || (!pg && cpu->cr4 & CR4_PCIDE)) {
        return false;
    }
    v = (v & known) | CR0_ET;
    if ((old ^ v) & CR0_PG && !lma_change(cpu, pg)) {
        return false;
    }
    if (pg && (old ^ v) & (CR0_PG | CR0_CD | CR0_NW) && !x86_pdptes_load(cpu, cpu->cr3, cpu->cr4 & CR4_PAE)) {
        return false;
    }
    cpu->cr0 = v;
    if (!(v & CR0_PE)) {
        cpu->cpl = 0;
    }
    if ((old ^ v) & (CR0_PG | CR0_WP) && (old | v) & CR0_PG) {
        x86_flush_all(cpu);
    }
    x86_changed(cpu);
    return true;
}

/* -- CR3, CR4
 * -------------------------------------------------------------------------------------------------------------
 */

bool x86_cr3_write(struct x86_cpu *cpu, u64 v)
{
    bool keep = cpu->cr4 & CR4_PCIDE && v >> 63;
    u64 addr = v & ~BIT(63);
    if (x86_long(cpu) ? addr >> x86_phys_bits(cpu) || (v >> 63 && !(cpu->cr4 & CR4_PCIDE)) : v >> 32) {
        return false;
    }
    if (cpu->cr0 & CR0_PG && !x86_pdptes_load(cpu, addr, cpu->cr4 & CR4_PAE)) {
        return false;
    }
    cpu->cr3 = addr;
    if (!keep) {
        x86_flush_pcid(cpu, cpu->cr4 & CR4_PCIDE ? addr & 0xfff : 0);
    }
    x86_changed(cpu);
    return true;
}

static u64 cr4_known(const struct x86_cpu *cpu)
{
    static const struct {
        u32 bit;
        u8 word, feature;
    } rows[] = {
        {CR4_VME, WORD_1_EDX, 1},         {CR4_PVI, WORD_1_EDX, 1},    {CR4_TSD, WORD_1_EDX, 4},
        {CR4_DE, WORD_1_EDX, 2},          {CR4_PSE, WORD_1_EDX, 3},    {CR4_PAE, WORD_1_EDX, 6},
        {CR4_MCE, WORD_1_EDX, 7},         {CR4_PGE, WORD_1_EDX, 13},   {CR4_OSFXSR, WORD_1_EDX, 24},
        {CR4_OSXMMEXCPT, WORD_1_EDX, 25}, {CR4_UMIP, WORD_7_ECX, 2},   {CR4_LA57, WORD_7_ECX, 16},
        {CR4_FSGSBASE, WORD_7_EBX, 0},    {CR4_PCIDE, WORD_1_ECX, 17}, {CR4_OSXSAVE, WORD_1_ECX, 26},
        {CR4_SMEP, WORD_7_EBX, 7},        {CR4_SMAP, WORD_7_EBX, 20},  {CR4_PKE, WORD_7_ECX, 3},
    };
    u64 known = cpu->id.family >= 6 ? CR4_PCE : 0;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        known |= cpu->id.words[rows[i].word] >> rows[i].feature & 1 ? rows[i].bit : 0;
    }
    return known;
}

bool x86_cr4_write(struct x86_cpu *cpu, u64 v)
{
    u64 old = cpu->cr4, changed = old ^ v;
    if (v & ~cr4_known(cpu) || (x86_long(cpu) && (!(v & CR4_PAE) || changed & CR4_LA57)) ||
        (changed & v & CR4_PCIDE && (!x86_long(cpu) || cpu->cr3 & 0xfff))) {
        return false;
    }
    if (cpu->cr0 & CR0_PG && changed & (CR4_PAE | CR4_PSE | CR4_PGE | CR4_SMEP) &&
        !x86_pdptes_load(cpu, cpu->cr3, v & CR4_PAE)) {
        return false;
    }
    cpu->cr4 = v;
    if (changed & (CR4_PSE | CR4_PAE | CR4_PGE | CR4_LA57 | CR4_PCIDE | CR4_SMEP | CR4_SMAP | CR4_PKE)) {
        x86_flush_all(cpu);
    }
    x86_changed(cpu);
    return true;
}

/* -- MOV CR
 * ---------------------------------------------------------------------------------------------------------------
 */

/* Those that do not exist are undefined instructions: the translator's. */
u64 x86_h_cr_read(struct vcpu *v, u64 n)
{
    const struct x86_cpu *cpu = x86_cpu(v);
    return n == 0 ? cpu->cr0 : n == 2 ? cpu->cr2 : n == 3 ? cpu->cr3 : n == 4 ? cpu->cr4 : x86_tpr_read(cpu);
}
void x86_h_cr_write(struct vcpu *v, u64 n, u64 val)
{
    struct x86_cpu *cpu = x86_cpu(v);
    bool ok = true;
    switch (n) {
    case 0:
        ok = x86_cr0_write(cpu, val);
        break;
    case 2:
        cpu->cr2 = val;
        break;
    case 3:
        ok = x86_cr3_write(cpu, val);
        break;
    case 4:
        ok = x86_cr4_write(cpu, val);
        break;
    default:
        ok = !(val >> 4);
        if (ok) {
            x86_tpr_write(cpu, val);
        }
    }
    if (!ok) {
        gp(cpu);
    }
}

/* The four low bits of CR0; PE is not cleared so. */
void x86_h_lmsw(struct vcpu *v, u64 val)
{
    struct x86_cpu *cpu = x86_cpu(v);
    x86_cr0_write(cpu, (cpu->cr0 & ~(u64)0xe) | (val & 0xf));
}
void x86_h_clts(struct vcpu *v)
{
    struct x86_cpu *cpu = x86_cpu(v);
    cpu->cr0 &= ~(u64)CR0_TS;
    v->sv->mode_changed(v);
}

/* -- tables
 * ---------------------------------------------------------------------------------------------------------------
 */

u64 x86_h_table_base(struct vcpu *v, u64 idt)
{
    const struct x86_sys *s = &x86_cpu(v)->sys;
    return idt ? s->idt.base : s->gdt.base;
}
u64 x86_h_table_limit(struct vcpu *v, u64 idt)
{
    const struct x86_sys *s = &x86_cpu(v)->sys;
    return idt ? s->idt.limit : s->gdt.limit;
}
void x86_h_table_load(struct vcpu *v, u64 idt, u64 base, u64 limit)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (x86_long(cpu) && !x86_canonical(cpu, base)) {
        gp(cpu);
    }
    *(idt ? &cpu->sys.idt : &cpu->sys.gdt) = (struct x86_table){.base = base, .limit = (u16)limit};
}

/* -- XCR0, PKRU
 * -----------------------------------------------------------------------------------------------------------
 */

void x86_h_xsetbv(struct vcpu *v, u64 n, u64 val)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (!(cpu->cr4 & CR4_OSXSAVE)) {
        x86_throw(cpu, EXC_UD, 0);
    }
    if (cpu->cpl || n || val & ~x86_xcr0_mask(cpu) || !(val & XCR0_X87) || ((val & XCR0_AVX) && !(val & XCR0_SSE))) {
        gp(cpu);
    }
    cpu->xcr0 = val;
    v->sv->mode_changed(v);
}
u64 x86_h_pkru_read(struct vcpu *v, u64 ecx)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (!(cpu->cr4 & CR4_PKE)) {
        x86_throw(cpu, EXC_UD, 0);
    }
    if (ecx) {
        gp(cpu);
    }
    return cpu->sys.pkru;
}
void x86_h_pkru_write(struct vcpu *v, u64 eax, u64 ecx, u64 edx)
{
    x86_h_pkru_read(v, ecx | edx);
    x86_cpu(v)->sys.pkru = (u32)eax;
    x86_changed(x86_cpu(v));
}

/* -- the TLB
 * --------------------------------------------------------------------------------------------------------------
 */

void x86_h_invlpg(struct vcpu *v, u64 va)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (!x86_long(cpu) || x86_canonical(cpu, va)) {
        x86_flush_here(cpu, va);
    }
}
void x86_h_invpcid(struct vcpu *v, u64 type, u64 desc)
{
    struct x86_cpu *cpu = x86_cpu(v);
    u64 d[2];
    v->sv->load(v, desc, d, 16, x86_view(cpu));
    bool pcide = cpu->cr4 & CR4_PCIDE;
    unsigned id = d[0] & 0xfff;
    if (type > 3 || (type < 2 && (d[0] >> 12 || (id && !pcide))) ||
        (type == 0 && x86_long(cpu) && !x86_canonical(cpu, d[1]))) {
        gp(cpu);
    }
    if (type == 0) {
        x86_flush_page(cpu, id, d[1]);
    } else if (type == 1) {
        x86_flush_pcid(cpu, id);
    } else if (type == 2) {
        x86_flush_all(cpu);
    } else {
        x86_flush_local(cpu);
    }
}

/* -- flags
 * ----------------------------------------------------------------------------------------------------------------
 */

/* What POPF and IRET may change at this level (volume 2, POPF's table; IRET also RF). */
void x86_flags_load(struct x86_cpu *cpu, u64 val, unsigned n, bool iret)
{
    unsigned iopl = (cpu->eflags & EFL_IOPL) >> 12;
    bool real = !(cpu->cr0 & CR0_PE);
    u32 mask = EFL_ARITH | EFL_TF | EFL_DF | EFL_NT | EFL_AC | EFL_ID | EFL_RF;
    if (real || cpu->cpl <= iopl) {
        mask |= EFL_IF;
    }
    if (real || cpu->cpl == 0) {
        mask |= EFL_IOPL | (iret ? EFL_VIF | EFL_VIP : 0);
    }
    if (!x86_has(&cpu->features, X86_FEAT_CPUID)) {
        mask &= ~(u32)EFL_ID;
    }
    if (n == 2) {
        mask &= 0xffff;
    }
    bool rf = iret && n > 2 && val & EFL_RF && x86_debug_on(cpu); /* nobody else asks for it */
    x86_eflags_set(cpu, ((u32)val & ~(u32)EFL_RF) | (rf ? EFL_RF : 0), mask);
    x86_irq_check(cpu);
}
void x86_h_flags_write(struct vcpu *v, u64 value, u64 n)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (cpu->eflags & EFL_VM && (cpu->eflags & EFL_IOPL) != EFL_IOPL) {
        gp(cpu);
    }
    x86_flags_load(cpu, value, (unsigned)n, false);
    v->sv->mode_changed(v);
}
/* Who may is the translator's to see (MODE_IOPL). */
void x86_h_sti(struct vcpu *v)
{
    struct x86_cpu *cpu = x86_cpu(v);
    bool was = cpu->eflags & EFL_IF;
    cpu->eflags |= EFL_IF;
    if (!was && !cpu->shadow) {
        cpu->shadow = SHADOW_STI;
        v->sv->mode_changed(v);
    }
}
/* Before STI: will it let an interrupt come that waits already? Then the trace is left, for the mode is another. */
u64 x86_h_sti_waits(struct vcpu *v)
{
    struct x86_cpu *cpu = x86_cpu(v);
    if (cpu->eflags & EFL_IF || !x86_intr_waits(cpu)) {
        return 0;
    }
    cpu->shadow = SHADOW_STI;
    return 1;
}
/* Flags are not what the mode was made of. */
void x86_h_mode_look(struct vcpu *v)
{
    v->sv->mode_changed(v);
}
void x86_h_hlt(struct vcpu *v)
{
    struct x86_cpu *cpu = x86_cpu(v);
    cpu->sys.halted = true;
    vcpu_halt(v);
    if (cpu->shadow) {
        cpu->shadow = SHADOW_NONE;
        v->sv->mode_changed(v);
    }
    x86_irq_check(cpu);
}

/* -- waiting for a store
 * --------------------------------------------------------------------------------------------------
 */

void x86_h_monitor(struct vcpu *v, u64 ecx)
{
    if (ecx) {
        gp(x86_cpu(v));
    }
}
/* Nobody watches the line: a short wait, which interrupts end, and the program looks itself. */
void x86_h_mwait(struct vcpu *v, u64 ecx)
{
    enum { MWAIT_NS = 100000 };
    if (ecx >> 1) {
        gp(x86_cpu(v));
    }
    v->pause_ns = MWAIT_NS;
}
