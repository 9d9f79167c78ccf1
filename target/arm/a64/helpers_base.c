/* Helpers of the base instruction set: CRC32, exclusives, 16-byte compare and swap, branch target checks, and the
 * float registers of the system kind. */
#include "target/arm/a64/helpers.h"

#include "target/arm/exceptions.h"
#include "target/arm/sysreg.h"

/* -- program counter ------------------------------------------------------------------------------------------- */

/* A block at an offset with low bits 3 is where an instruction went whose SP is misaligned (see translate.c), unless
 * SP is fine: then the guest branched to such an address itself. */
void arm_h_misaligned(struct vcpu *v, u64 pc)
{
    struct arm_cpu *cpu = arm_cpu(v);
    if ((pc & 3) == 3 && (v->rt.r[31] & 15)) {
        arm_enter_sync(cpu, 1, arm_esr(EC_SP_ALIGN, 0), pc & ~3ull);
    } else {
        arm_enter_sync(cpu, 1, arm_esr(EC_PC_ALIGN, 0), pc);
        *arm_far_at(cpu, cpu->el) = pc;
    }
    v->sv->unwind(v);
}

/* AArch64.BranchAddr: the address without its tag, where instruction addresses have one. */
u64 a64_branch_target(const struct vcpu *v, u64 pc)
{
    u64 mode = arm_cpu_const(v)->mode;
    if (mode & MODE_ONE_RANGE) {
        return mode & MODE_TBI0 ? pc & MASK(56) : pc;
    }
    return mode & (bit(pc, 55) ? MODE_TBI1 : MODE_TBI0) ? (u64)sext(pc, 56) : pc;
}

/* BTI c, j, jc, and the instructions that stand for them. */
static bool is_landing_pad(const struct arm_cpu *cpu, u32 insn, unsigned btype)
{
    switch (insn) {
    case 0xd503245f: /* BTI c */
        return btype != 3;
    case 0xd503249f: /* BTI j */
        return btype != 2;
    case 0xd50324df: /* BTI jc */
        return true;
    case 0xd503233f: /* PACIASP */
    case 0xd503237f: /* PACIBSP */ {
        u64 sctlr = cpu->el == 3        ? cpu->sr.SCTLR_EL3
                    : cpu->el == 2      ? cpu->sr.SCTLR_EL2
                    : arm_host_el0(cpu) ? cpu->sr.SCTLR_EL2
                                        : cpu->sr.SCTLR_EL1;
        return btype != 3 || !(sctlr & (cpu->el ? SCTLR_BT1 : SCTLR_BT0));
    }
    default:
        return (insn & 0xffe0001f) == 0xd4200000 || (insn & 0xffe0001f) == 0xd4400000; /* BRK, HLT */
    }
}

static bool page_guarded(struct arm_cpu *cpu, u64 va)
{
    struct walk_result r = {0};
    return cpu->vcpu.target->walk(&cpu->vcpu, va, MMU_FETCH, ARM_VIEW_NORMAL, &r) && r.note & NOTE_GUARDED;
}

/* The check that a fetch at pc makes while PSTATE.BTYPE is btype; true: the exception was entered. What can't be
 * fetched is left to the fetch, which saves BTYPE in SPSR. Most targets are landing pads, so they are looked at first.
 */
static bool bti_fails(struct arm_cpu *cpu, u64 pc, unsigned btype, u64 from)
{
    struct vcpu *v = &cpu->vcpu;
    struct walk_result r = {0};
    u8 note;
    const u32 *seen = pc & 3 ? NULL : v->sv->peek_code(v, pc, &note);
    if (seen && (!(note & NOTE_GUARDED) || is_landing_pad(cpu, ld32le(seen), btype))) {
        cpu->btype = 0;
        return false;
    }
    if ((pc & 3) || !v->target->walk(v, pc, MMU_FETCH, ARM_VIEW_NORMAL, &r)) {
        cpu->btype = (u8)btype;
        return false;
    }
    cpu->btype = 0;
    if (!(r.note & NOTE_GUARDED)) {
        return false;
    }
    if (btype == 3 && from != pc && !page_guarded(cpu, from)) {
        btype = 1; /* BR from an unguarded page is as good as one through X16 */
    }
    const void *p = v->sv->probe(v, pc, 4, MMU_FETCH, ARM_VIEW_NORMAL);
    if (!p || is_landing_pad(cpu, ld32le(p), btype)) {
        return false;
    }
    cpu->btype = (u8)btype;
    arm_enter_sync(cpu, 1, arm_esr(EC_BTI, btype), pc);
    return true;
}

/* The check is made at the branch, so BTYPE never outlives it. */
void arm_h_bti_branch(struct vcpu *v, u64 target, u64 btype)
{
    target = a64_branch_target(v, target);
    if (bti_fails(arm_cpu(v), target, (unsigned)btype, v->sv->helper_pc(v))) {
        v->sv->unwind(v);
    }
}
void a64_bti_return(struct arm_cpu *cpu)
{
    bti_fails(cpu, cpu->vcpu.rt.pc, cpu->btype, cpu->vcpu.rt.pc);
}

/* -- FPCR, FPSR --------------------------------------------------------------------------------------------------- */

u64 arm_h_fpreg_read(struct vcpu *v, u64 enc)
{
    return arm_sysreg_read(arm_cpu(v), enc & 0xffff, (unsigned)(enc >> 16));
}
void arm_h_fpsr_write(struct vcpu *v, u64 enc, u64 val)
{
    arm_sysreg_write(arm_cpu(v), enc & 0xffff, (unsigned)(enc >> 16), val);
}
void arm_h_fpcr_write(struct vcpu *v, u64 enc, u64 val, u64 next)
{
    arm_sysreg_write(arm_cpu(v), enc & 0xffff, (unsigned)(enc >> 16), val);
    v->rt.pc = next;
}

/* -- exclusives -------------------------------------------------------------------------------------------------- */

static void need_aligned(struct vcpu *v, u64 va, u64 log2, enum mmu_access acc)
{
    if (likely(!(va & MASK(log2)))) {
        return;
    }
    v->rt.pc = v->sv->helper_pc(v);
    v->target->fault(v, FAULT_ALIGN, va, acc, 1u << log2, ARM_VIEW_NORMAL, NULL);
    v->sv->unwind(v);
}

static void load_exclusive(struct vcpu *v, u64 va, void *p, u64 log2)
{
    arm_cpu(v)->excl = EXCL_NONE;
    v->sv->load_exclusive(v, va, p, 1u << log2, ARM_VIEW_NORMAL);
    arm_cpu(v)->excl = EXCL_WATCHED;
}

/* 1: failed. A load-exclusive that was not watched makes its store fail once: the guest tries again, and by then the
 * mode is another. */
static u64 store_exclusive(struct vcpu *v, u64 va, const void *p, u64 log2)
{
    struct arm_cpu *cpu = arm_cpu(v);
    u32 was = cpu->excl;
    cpu->excl = EXCL_NONE;
    if (was == EXCL_OPEN) {
        cpu->excl_mode = true;
        __atomic_fetch_or(&v->rt.event, EVENT_TARGET, __ATOMIC_SEQ_CST);
    }
    return was != EXCL_WATCHED || !v->sv->store_exclusive(v, va, p, 1u << log2, ARM_VIEW_NORMAL);
}

u64 arm_h_ldx(struct vcpu *v, u64 va, u64 log2)
{
    u64 val = 0;
    need_aligned(v, va, log2, MMU_LOAD);
    load_exclusive(v, va, &val, log2);
    return val;
}
void arm_h_ldxp(struct vcpu *v, union v128 *ret, u64 va, u64 log2)
{
    union v128 val = {0};
    need_aligned(v, va, log2, MMU_LOAD);
    load_exclusive(v, va, &val, log2);
    *ret = val;
}
u64 arm_h_stx(struct vcpu *v, u64 va, u64 val, u64 log2)
{
    need_aligned(v, va, log2, MMU_STORE);
    return store_exclusive(v, va, &val, log2);
}
u64 arm_h_stxp(struct vcpu *v, u64 va, const union v128 *val, u64 log2)
{
    need_aligned(v, va, log2, MMU_STORE);
    return store_exclusive(v, va, val, log2);
}
void arm_h_casp(struct vcpu *v, union v128 *ret, u64 va, const union v128 *expected, const union v128 *val)
{
    union v128 old = *expected, new = *val;
    need_aligned(v, va, 4, MMU_STORE);
    v->sv->cas128(v, va, &old, &new, ARM_VIEW_NORMAL);
    *ret = old;
}
