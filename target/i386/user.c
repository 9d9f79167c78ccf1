/* User mode: level 3 as Linux sets it up for a program, and what becomes of exceptions there: no gate is entered, the
 * trap is recorded for the kernel's stand-in (user/).
 *
 * SPEC: Linux arch/x86: include/asm/segment.h for selectors, kernel/traps.c and mm/fault.c for what a program is told.
 */
#include <sched.h>
#include <string.h>

#include "base/bits.h"
#include "target/i386/fpu.h"
#include "target/i386/i386.h"
#include "target/i386/mxcsr.h"
#include "target/i386/xstate.h"

void x86_user_reset(struct vcpu *v, unsigned bits)
{
    struct x86_cpu *cpu = x86_cpu(v);
    v->user = true;
    v->target->reset(v);
    x86_user_fp_init(v);
    memset(v->rt.r, 0, sizeof(v->rt.r));
    cpu->features.w[X86_FEAT_HOSTCLOCK / 64] |= BIT(X86_FEAT_HOSTCLOCK % 64);
    cpu->features_id = (u8)x86_features_id(&cpu->features);
    cpu->cpl = 3;
    cpu->cr0 = CR0_PE | CR0_MP | CR0_ET | CR0_NE | CR0_WP | CR0_AM | CR0_PG;
    cpu->cr4 = CR4_DE | CR4_PSE | CR4_PAE | CR4_MCE | CR4_PGE | CR4_OSFXSR | CR4_OSXMMEXCPT |
               (x86_has(&cpu->features, X86_FEAT_FSGSBASE) ? CR4_FSGSBASE : 0) |
               (x86_has(&cpu->features, X86_FEAT_XSAVE) ? CR4_OSXSAVE : 0);
    cpu->xcr0 = XCR0_X87 | XCR0_SSE | (x86_has(&cpu->features, X86_FEAT_AVX) ? XCR0_AVX : 0);
    cpu->efer = EFER_SCE | EFER_LME | EFER_LMA | EFER_NXE;
    cpu->eflags = EFL_ONE | EFL_IF;
    memset(cpu->user_tls, 0, sizeof(cpu->user_tls));
    x86_user_segs_reset(cpu, bits);
    v->sv->mode_changed(v);
}

void x86_user_copy(struct vcpu *v, const struct vcpu *from)
{
    struct x86_cpu *cpu = x86_cpu(v);
    const struct x86_cpu *old = x86_cpu_const(from);
    v->user = true;
    memcpy(&v[1], &from[1], sizeof(*cpu) - sizeof(*v)); /* all that is not common: no pointers of its own in there */
    memcpy(v->rt.r, from->rt.r, sizeof(v->rt.r));
    v->rt.host_fp = old->vcpu.rt.host_fp;
    v->rt.pc = from->rt.pc;
    v->sv->mode_changed(v);
}

/* -- state ------------------------------------------------------------------------------------------------------- */

void x86_user_get(const struct vcpu *v, struct x86_user_state *s)
{
    const struct x86_cpu *cpu = x86_cpu_const(v);
    *s = (struct x86_user_state){
        .flags = x86_eflags(cpu),
        .fs_base = cpu->seg[SEG_FS].base,
        .gs_base = cpu->seg[SEG_GS].base,
        .cs = cpu->seg[SEG_CS].sel,
        .ss = cpu->seg[SEG_SS].sel,
        .ds = cpu->seg[SEG_DS].sel,
        .es = cpu->seg[SEG_ES].sel,
        .fs = cpu->seg[SEG_FS].sel,
        .gs = cpu->seg[SEG_GS].sel,
    };
}
u64 x86_user_flags(const struct vcpu *v)
{
    return x86_eflags(x86_cpu_const(v));
}
void x86_user_set_flags(struct vcpu *v, u64 flags)
{
    const u32 mask = EFL_ARITH | EFL_TF | EFL_DF | EFL_AC | EFL_RF;
    x86_eflags_set(x86_cpu(v), (u32)flags, mask);
    v->sv->mode_changed(v);
}

u64 x86_user_base(const struct vcpu *v, unsigned gs)
{
    return x86_cpu_const(v)->seg[gs ? SEG_GS : SEG_FS].base;
}
void x86_user_set_base(struct vcpu *v, unsigned gs, u64 base)
{
    x86_cpu(v)->seg[gs ? SEG_GS : SEG_FS].base = base;
    v->sv->mode_changed(v);
}
const struct x86_user_fault *x86_user_fault(const struct vcpu *v)
{
    return &x86_cpu_const(v)->user_fault;
}

/* -- the extended state ------------------------------------------------------------------------------------------ */

u64 x86_user_xcr0(const struct vcpu *v)
{
    const struct x86_cpu *cpu = x86_cpu_const(v);
    return cpu->cr4 & CR4_OSXSAVE ? cpu->xcr0 : 0;
}
u32 x86_user_fp_size(const struct vcpu *v)
{
    u64 xcr0 = x86_user_xcr0(v);
    return xcr0 ? x86_xsave_size(xcr0, false) : XSTATE_LEGACY;
}
/* The kernel sets the legacy bits always: old programs may look at nothing else. */
void x86_user_fp_save(struct vcpu *v, u8 *area)
{
    struct x86_cpu *cpu = x86_cpu(v);
    u64 xcr0 = x86_user_xcr0(v);
    x86_fxsave(cpu, area);
    if (xcr0) {
        x86_xstate_save(cpu, area, xcr0);
        st64le(area + XSTATE_LEGACY, ld64le(area + XSTATE_LEGACY) | XCR0_X87 | XCR0_SSE);
    }
}
bool x86_user_fp_load(struct vcpu *v, const u8 *area, u64 mask)
{
    struct x86_cpu *cpu = x86_cpu(v);
    u64 xcr0 = x86_user_xcr0(v);
    u8 rest[XSTATE_MAX] = {0};
    if (mask & xcr0 ? !x86_xstate_load(cpu, area, mask & xcr0) : !x86_fxrstor(cpu, area)) {
        return false;
    }
    st32le(rest + 24, x86_mxcsr(cpu)); /* stays */
    return x86_xstate_load(cpu, rest, xcr0 & ~(mask & xcr0 ? mask : XCR0_X87 | XCR0_SSE));
}
void x86_user_fp_init(struct vcpu *v)
{
    struct x86_cpu *cpu = x86_cpu(v);
    u8 area[XSTATE_MAX] = {0};
    st32le(area + 24, MXCSR_INIT);
    must(x86_xstate_load(cpu, area, XCR0_X87 | XCR0_SSE | XCR0_AVX));
}
u32 x86_user_fp_raised(struct vcpu *v, bool sse)
{
    struct x86_cpu *cpu = x86_cpu(v);
    u32 m = x86_mxcsr(cpu);
    return (sse ? m & ~(m >> 7) : (u32)x86_fsw(cpu) & ~(u32)x86_fcw(cpu)) & 0x3f;
}

/* -- what the program is told of the processor ------------------------------------------------------------------- */

void x86_user_cpuid(const struct vcpu *v, u32 leaf, u32 sub, u32 out[4])
{
    x86_cpuid(x86_cpu_const(v), leaf, sub, out);
}
void x86_user_cpu_flags(const struct vcpu *v, void (*fn)(void *ctx, const char *name), void *ctx)
{
    x86_model_flags(x86_cpu_const(v), fn, ctx);
}

/* -- traps --------------------------------------------------------------------------------------------------------- */

static void stop(struct x86_cpu *cpu, const struct trap *t)
{
    cpu->vcpu.trap = *t;
    __atomic_fetch_or(&cpu->vcpu.rt.event, EVENT_TARGET, __ATOMIC_SEQ_CST);
}

static enum trap_kind kind_of(enum x86_exception vector)
{
    switch (vector) {
    case EXC_DE:
    case EXC_MF:
    case EXC_XM:
        return UTRAP_FP;
    case EXC_DB:
        return UTRAP_STEP;
    case EXC_BP:
        return UTRAP_BREAK;
    case EXC_AC:
        return UTRAP_ALIGN;
    case EXC_UD:
        return UTRAP_ILLEGAL;
    default:
        return UTRAP_MEMORY;
    }
}

void x86_user_trap(struct x86_cpu *cpu, enum x86_exception vector, u32 error)
{
    cpu->user_fault.vector = vector;
    cpu->user_fault.error = error;
    stop(cpu, &(struct trap){.kind = (u8)kind_of(vector), .code = vector | error << 8});
}

/* Of the error code, whether the page is there is for the one who knows the map to say. */
void x86_user_page_fault(struct x86_cpu *cpu, u64 va, enum mmu_access acc)
{
    u32 error = PF_USER | (acc == MMU_STORE ? PF_WRITE : acc == MMU_FETCH ? PF_FETCH : 0);
    x86_user_trap(cpu, EXC_PF, error);
    cpu->user_fault.cr2 = cpu->vcpu.trap.addr = va;
    cpu->vcpu.trap.access = (u8)acc;
}

void x86_user_syscall(struct x86_cpu *cpu, unsigned how)
{
    stop(cpu, &(struct trap){.kind = UTRAP_SYSCALL, .code = how});
}

/* INT n: only the gates of 3, 4 and 0x80 are for programs; in 64-bit mode this kernel's gate 0x80 would lead to the
 * system calls of 32-bit programs, which a 64-bit program here does not have. */
void x86_user_int(struct x86_cpu *cpu, unsigned vector, u64 next)
{
    bool code64 = cpu->seg[SEG_CS].attr & ATTR_L;
    if (vector & X86_INT_OWN || vector == EXC_BP || vector == EXC_OF) {
        cpu->vcpu.rt.pc = next;
        x86_user_trap(cpu, (enum x86_exception)(vector & 0xff), 0);
    } else if (vector == 0x80 && !code64) {
        cpu->vcpu.rt.pc = next;
        x86_user_syscall(cpu, X86_CALL_INT80);
    } else {
        x86_user_trap(cpu, EXC_GP, vector << 3 | 2);
    }
}

/* RDTSCP and RDPID: node and number of the processor that the thread runs on. */
u32 x86_user_tsc_aux(void)
{
    unsigned n = 0, node = 0;
    getcpu(&n, &node);
    return node << 12 | n;
}
