/* Debug registers, single step, the shadows of STI and MOV SS (SDM volume 3, chapter 17; 6.8.3).
 *
 * While DR7 enables anything, blocks have one instruction (MODE_BREAK): one helper before it looks for breakpoints on
 * its address, one behind it delivers what data and port breakpoints recorded while it ran. Without, nothing costs
 * anything. Not modelled: branch records, general detect by an ICE, task-switch details of DR7.LE. */
#include "target/i386/cpu.h"
#include "target/i386/helpers.h"

enum { BREAK_CODE, BREAK_WRITE, BREAK_IO, BREAK_ACCESS };

static bool enabled(const struct x86_cpu *cpu, unsigned i)
{
    return cpu->sys.dr7 >> (2 * i) & 3;
}
static unsigned type_of(const struct x86_cpu *cpu, unsigned i)
{
    return cpu->sys.dr7 >> (16 + 4 * i) & 3;
}
static unsigned length_of(const struct x86_cpu *cpu, unsigned i)
{
    static const u8 n[4] = {1, 2, 8, 4};
    return n[cpu->sys.dr7 >> (18 + 4 * i) & 3];
}
static bool overlaps(const struct x86_cpu *cpu, unsigned i, u64 va, u64 n)
{
    u64 len = length_of(cpu, i), at = cpu->sys.dr[i] & ~(len - 1);
    return va < at + len && at < va + n;
}

bool x86_debug_on(const struct x86_cpu *cpu)
{
    return cpu->sys.dr7 & 0xff;
}

/* -- data
 * -----------------------------------------------------------------------------------------------------------------
 */

bool x86_watch_page(const struct vcpu *v, u64 page)
{
    const struct x86_cpu *cpu = x86_cpu_const(v);
    for (unsigned i = 0; i < 4; i++) {
        if (enabled(cpu, i) && type_of(cpu, i) & 1 && overlaps(cpu, i, page, 4096)) {
            return true;
        }
    }
    return false;
}
/* They are traps: the access goes on, and is told behind the instruction. */
bool x86_watch_hit(struct vcpu *v, u64 va, unsigned n, enum mmu_access acc)
{
    struct x86_cpu *cpu = x86_cpu(v);
    for (unsigned i = 0; i < 4; i++) {
        unsigned type = type_of(cpu, i);
        if (enabled(cpu, i) && (type == BREAK_ACCESS || (type == BREAK_WRITE && acc == MMU_STORE)) &&
            overlaps(cpu, i, va, n)) {
            cpu->sys.hit |= (u8)(1 << i);
        }
    }
    return false;
}
void x86_io_break(struct x86_cpu *cpu, unsigned port, unsigned n)
{
    for (unsigned i = 0; i < 4 && cpu->cr4 & CR4_DE; i++) {
        if (enabled(cpu, i) && type_of(cpu, i) == BREAK_IO && overlaps(cpu, i, port, n)) {
            cpu->sys.hit |= (u8)(1 << i);
        }
    }
}

/* -- around an instruction
 * ------------------------------------------------------------------------------------------------
 */

void x86_h_break_check(struct vcpu *v, u64 pc)
{
    struct x86_cpu *cpu = x86_cpu(v);
    u64 hits = 0;
    if (cpu->shadow == SHADOW_SS) { /* with what its instruction met */
        return;
    }
    cpu->sys.hit = 0;
    if (cpu->eflags & EFL_RF) {
        cpu->eflags &= ~(u32)EFL_RF;
        return;
    }
    for (unsigned i = 0; i < 4; i++) {
        if (enabled(cpu, i) && type_of(cpu, i) == BREAK_CODE && cpu->sys.dr[i] == pc) {
            hits |= 1u << i;
        }
    }
    if (hits) {
        cpu->sys.dr6 = (cpu->sys.dr6 & ~15ull) | hits;
        x86_throw(cpu, EXC_DB, 0);
    }
}

/* Behind MOV SS traps wait with the interrupts; its step is lost. */
static void insn_done(struct x86_cpu *cpu, unsigned how)
{
    bool step = how & X86_DONE_STEP, in_shadow = how & X86_DONE_SHADOW;
    struct vcpu *v = &cpu->vcpu;
    bool wait = cpu->shadow == SHADOW_SS && !in_shadow;
    if (in_shadow) {
        cpu->shadow = SHADOW_NONE;
        v->sv->mode_changed(v);
        if (!v->user) {
            x86_irq_check(cpu);
        }
    }
    if (how & X86_DONE_SPLIT) {
        cpu->sys.split = false;
        v->sv->mode_changed(v);
    }
    u64 hits = cpu->sys.hit | (step ? DR6_BS : 0);
    if (wait || !hits) {
        return;
    }
    cpu->sys.hit = 0;
    cpu->sys.dr6 = (cpu->sys.dr6 & ~15ull) | hits;
    x86_exception(cpu, EXC_DB, 0);
    v->sv->unwind(v);
}

void x86_h_insn_done(struct vcpu *v, u64 pc, u64 how)
{
    v->rt.pc = pc;
    insn_done(x86_cpu(v), (unsigned)how);
}
/* The same for helpers that set pc, and ask at their beginning how the instruction was begun. */
unsigned x86_done_how(const struct x86_cpu *cpu)
{
    return (cpu->eflags & EFL_TF ? X86_DONE_STEP : 0) | (cpu->shadow ? X86_DONE_SHADOW : 0) |
           (cpu->sys.split ? X86_DONE_SPLIT : 0);
}
void x86_far_done(struct x86_cpu *cpu, unsigned how)
{
    if (how || cpu->sys.hit) {
        insn_done(cpu, how);
    }
}

/* -- MOV DR
 * ---------------------------------------------------------------------------------------------------------------
 */

/* DR4 and DR5 are DR6 and DR7 unless CR4.DE says that they are not there. */
static unsigned number(struct x86_cpu *cpu, u64 n)
{
    if ((n == 4 || n == 5) && cpu->cr4 & CR4_DE) {
        x86_throw(cpu, EXC_UD, 0);
    }
    if (cpu->sys.dr7 & DR7_GD) {
        cpu->sys.dr6 |= DR6_BD;
        x86_throw(cpu, EXC_DB, 0);
    }
    return n == 4 || n == 5 ? (unsigned)n + 2 : (unsigned)n;
}
u64 x86_h_dr_read(struct vcpu *v, u64 n64)
{
    struct x86_cpu *cpu = x86_cpu(v);
    unsigned n = number(cpu, n64);
    return n < 4 ? cpu->sys.dr[n] : n == 6 ? cpu->sys.dr6 : cpu->sys.dr7;
}
void x86_h_dr_write(struct vcpu *v, u64 n64, u64 val)
{
    struct x86_cpu *cpu = x86_cpu(v);
    unsigned n = number(cpu, n64);
    if (n >= 6 && val >> 32) {
        x86_throw(cpu, EXC_GP, 0);
    }
    if (n < 4) {
        cpu->sys.dr[n] = val;
    } else if (n == 6) {
        cpu->sys.dr6 = DR6_ONES | (val & 0xe00f);
    } else {
        cpu->sys.dr7 = DR7_ONE | (val & 0xffff23ff);
    }
    if (n != 6) {
        x86_flush_all(cpu); /* pages with breakpoints are others now */
        v->sv->mode_changed(v);
    }
}
