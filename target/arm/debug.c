/* Self-hosted debug (DDI 0487, chapter D2): breakpoints, watchpoints, software step, the OS lock.
 *
 * Breakpoints cost nothing until one may match at the current level: then the mode word says so and each instruction
 * asks (break_check). Pages with a watchpoint are slow in the TLB and ask watch_hit. Not modelled: Debug state and the
 * external debugger, address range and mismatch breakpoints (AArch32), OS double lock's effect. */
#include "target/arm/exceptions.h"
#include "target/arm/helpers.h"
#include "target/arm/mmu.h"
#include "target/arm/sysreg.h"

#define BCR_E      BIT(0)
#define OSLSR_OSLK BIT(1)
#define WCR_LOAD   BIT(3)
#define WCR_STORE  BIT(4)
#define WCR_LINKED BIT(20)
enum { CTX_BRPS = 2 }; /* the last breakpoints can compare contexts */

/* -- where debug exceptions are enabled (D2.3, D2.4) --------------------------------------------------------------- */

unsigned arm_debug_target(const struct arm_cpu *cpu)
{
    return cpu->mdcr & MDCR_TDE ? 2 : 1;
}

bool arm_debug_enabled_from(const struct arm_cpu *cpu, unsigned el, bool secure, bool d_mask)
{
    if (cpu->sr.OSLSR_EL1 & OSLSR_OSLK || (secure && arm_sys(cpu, SYS_EL3) && cpu->sr.MDCR_EL3 & MDCR3_SDD)) {
        return false;
    }
    unsigned target = secure ? 1 : arm_debug_target(cpu);
    return el == target ? cpu->sr.MDSCR_EL1 & MDSCR_KDE && !d_mask : target > el;
}

static bool enabled_here(const struct arm_cpu *cpu)
{
    return arm_debug_enabled_from(cpu, cpu->el, arm_secure(cpu), cpu->daif & PSTATE_D);
}

/* -- matching (D2.8, D2.9) --------------------------------------------------------------------------------------- */

/* The SSC, HMC and PxC fields, alike in BCR and WCR, against a level and Security state. */
static bool state_match(const struct arm_cpu *cpu, u64 cr, unsigned el)
{
    unsigned ssc = cr >> 14 & 3, pxc = cr >> 1 & 3;
    bool hmc = bit(cr, 13), secure = arm_secure(cpu);
    bool level;
    switch (el) {
    case 3:
        level = hmc && !(ssc & 1);
        break;
    case 2:
        level = (hmc && (ssc << 2 | pxc) != 8) || ssc == 3;
        break;
    default:
        level = pxc >> (el == 0) & 1;
    }
    bool security = ssc == 0 || (ssc == 1 ? !secure : ssc == 2 ? secure : hmc || secure);
    return level && security;
}

/* Breakpoint n compares contexts (BT 2..3, 6..15), linked or not. */
static bool context_match(const struct arm_cpu *cpu, unsigned n)
{
    u64 bvr = cpu->dbgbvr[n];
    unsigned bt = cpu->dbgbcr[n] >> 20 & 15;
    u32 id = (u32)bvr, id2 = (u32)(bvr >> 32);
    bool guest = cpu->el < 2 && arm_el2_enabled(cpu) && !arm_host_el0(cpu);
    bool vmid = guest && (u16)id2 == arm_vmid(cpu);
    bool ctx2 = arm_sys(cpu, SYS_VHE) && arm_el2_enabled(cpu) && cpu->el < 3;
    switch (bt & ~1u) {
    case 2: /* CONTEXTIDR of the current translation regime */
        return id == (u32)(cpu->elc[cpu->el].regime == REGIME_EL20 ? cpu->sr.CONTEXTIDR_EL2 : cpu->sr.CONTEXTIDR_EL1) &&
               cpu->el < 3;
    case 6:
        return cpu->el < 2 && !arm_host_el0(cpu) && id == (u32)cpu->sr.CONTEXTIDR_EL1;
    case 8:
        return vmid;
    case 10:
        return vmid && id == (u32)cpu->sr.CONTEXTIDR_EL1;
    case 12:
        return ctx2 && id2 == (u32)cpu->sr.CONTEXTIDR_EL2;
    case 14:
        return ctx2 && guest && id == (u32)cpu->sr.CONTEXTIDR_EL1 && id2 == (u32)cpu->sr.CONTEXTIDR_EL2;
    default:
        return false;
    }
}

static bool is_context(unsigned bt)
{
    return bt >= 2 && bt != 4 && bt != 5;
}

/* The breakpoint that `cr` links to (LBN): it must compare contexts and be of a linked kind. */
static bool linked_match(const struct arm_cpu *cpu, u64 cr)
{
    unsigned n = cr >> 16 & 15;
    if (n < ARM_BRPS - CTX_BRPS || n >= ARM_BRPS) {
        return false;
    }
    unsigned bt = cpu->dbgbcr[n] >> 20 & 15;
    return cpu->dbgbcr[n] & BCR_E && is_context(bt) && bt & 1 && context_match(cpu, n);
}

static bool breakpoint_match(const struct arm_cpu *cpu, unsigned n, u64 pc)
{
    u64 bcr = cpu->dbgbcr[n];
    unsigned bt = bcr >> 20 & 15;
    if (!(bcr & BCR_E) || !state_match(cpu, bcr, cpu->el)) {
        return false;
    }
    if (is_context(bt)) {
        return !(bt & 1) && n >= ARM_BRPS - CTX_BRPS && context_match(cpu, n);
    }
    if (bt > 1 || (sext(pc, 49) & ~3ll) != (sext(cpu->dbgbvr[n], 49) & ~3ll) || !bit(bcr, 5 + (pc & 3))) {
        return false;
    }
    return bt == 0 || linked_match(cpu, bcr);
}

/* Bytes [va, va + n) against watchpoint i. */
static bool watch_overlaps(const struct arm_cpu *cpu, unsigned i, u64 va, u64 n)
{
    u64 wcr = cpu->dbgwcr[i], wvr = (u64)sext(cpu->dbgwvr[i], 49) & ~3ull;
    unsigned mask = wcr >> 24 & 31, bas = wcr >> 5 & 255;
    u64 lo, len;
    if (mask > 2) {
        lo = wvr & ~MASK(mask);
        len = 1ull << mask;
    } else {
        if (wvr & 4) {
            bas &= 15;
        }
        if (!bas) {
            return false;
        }
        lo = (wvr & ~3ull) + ctz32(bas);
        len = 32 - clz32(bas) - ctz32(bas);
    }
    return lo < va + n && va < lo + len;
}

/* -- the accelerator's questions --------------------------------------------------------------------------------- */

bool arm_stepping(const struct arm_cpu *cpu)
{
    return cpu->sr.MDSCR_EL1 & MDSCR_SS && enabled_here(cpu);
}

bool arm_breaking(const struct arm_cpu *cpu)
{
    if (!(cpu->sr.MDSCR_EL1 & MDSCR_MDE) || !enabled_here(cpu)) {
        return false;
    }
    for (unsigned i = 0; i < ARM_BRPS; i++) {
        if (cpu->dbgbcr[i] & BCR_E && state_match(cpu, cpu->dbgbcr[i], cpu->el)) {
            return true;
        }
    }
    return false;
}

/* PSTATE.SS of the state an exception return goes to: SPSR.SS where stepping begins by it (D2.12). */
bool arm_eret_step_bit(const struct arm_cpu *cpu, unsigned el, u64 spsr)
{
    if (!(cpu->sr.MDSCR_EL1 & MDSCR_SS) || !(spsr & SPSR_SS)) {
        return false;
    }
    bool secure = el == 3 || arm_secure_below_el3(cpu);
    return !enabled_here(cpu) && arm_debug_enabled_from(cpu, el, secure, spsr & PSTATE_D);
}

bool arm_watch_page(const struct vcpu *v, u64 va_page)
{
    const struct arm_cpu *cpu = arm_cpu_const(v);
    if (likely(!cpu->watching)) {
        return false;
    }
    for (unsigned i = 0; i < ARM_WRPS; i++) {
        if (cpu->dbgwcr[i] & BCR_E && watch_overlaps(cpu, i, (u64)sext(va_page, 49), 1 << TLB_PAGE_BITS)) {
            return true;
        }
    }
    return false;
}

bool arm_watch_hit(struct vcpu *v, u64 va, unsigned n, enum mmu_access acc)
{
    const struct arm_cpu *cpu = arm_cpu_const(v);
    if (!(cpu->sr.MDSCR_EL1 & MDSCR_MDE) || acc == MMU_FETCH || !enabled_here(cpu)) {
        return false;
    }
    for (unsigned i = 0; i < ARM_WRPS; i++) {
        u64 wcr = cpu->dbgwcr[i];
        if (wcr & BCR_E && wcr & (acc == MMU_STORE ? WCR_STORE : WCR_LOAD) && state_match(cpu, wcr, cpu->el) &&
            (!(wcr & WCR_LINKED) || linked_match(cpu, wcr)) && watch_overlaps(cpu, i, (u64)sext(va, 49), n)) {
            return true;
        }
    }
    return false;
}

/* -- debug exceptions -------------------------------------------------------------------------------------------- */

static u64 debug_esr(const struct arm_cpu *cpu, enum arm_ec lower, u32 iss)
{
    return arm_esr(lower + (arm_sync_target(cpu, arm_debug_target(cpu)) == cpu->el), iss | FSC_DEBUG);
}

void arm_enter_watchpoint(struct arm_cpu *cpu, u64 va, u32 iss)
{
    unsigned want = arm_debug_target(cpu);
    *arm_far_at(cpu, arm_sync_target(cpu, want)) = va;
    arm_enter_sync(cpu, want, debug_esr(cpu, EC_WATCH_LOWER, iss), cpu->vcpu.rt.pc);
}

void arm_h_break_check(struct vcpu *v)
{
    struct arm_cpu *cpu = arm_cpu(v);
    u64 pc = v->sv->helper_pc(v);
    for (unsigned i = 0; i < ARM_BRPS; i++) {
        if (breakpoint_match(cpu, i, pc)) {
            arm_raise(cpu, arm_debug_target(cpu), debug_esr(cpu, EC_BREAK_LOWER, 0));
        }
    }
}

/* ISS.ISV: EX (bit 6, "a load-exclusive was stepped") is valid after a step. */
void arm_h_step_pending(struct vcpu *v)
{
    struct arm_cpu *cpu = arm_cpu(v);
    arm_raise(cpu, arm_debug_target(cpu),
              debug_esr(cpu, EC_STEP_LOWER, cpu->stepped ? (u32)BIT(24) | (u32)cpu->stepped_ex << 6 : 0));
}

void arm_h_step_done(struct vcpu *v, u64 pc, u64 exclusive)
{
    struct arm_cpu *cpu = arm_cpu(v);
    cpu->ss = 0;
    cpu->stepped = true;
    cpu->stepped_ex = exclusive;
    v->rt.pc = pc;
    arm_mode_update(cpu);
}

/* -- registers --------------------------------------------------------------------------------------------------- */

void debug_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    sysreg_put(cpu, r, v);
    arm_debug_update(cpu);
    if (SYSENC_OP2(r->enc) >= 6) { /* a watchpoint: pages become slow or fast */
        mmu_flush_all(cpu);
    }
    arm_mode_update(cpu);
}

void arm_debug_update(struct arm_cpu *cpu)
{
    cpu->watching = false;
    for (unsigned i = 0; i < ARM_WRPS; i++) {
        cpu->watching |= cpu->dbgwcr[i] & BCR_E;
    }
}

void oslar_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    cpu->sr.OSLSR_EL1 = (cpu->sr.OSLSR_EL1 & ~OSLSR_OSLK) | (v & 1 ? OSLSR_OSLK : 0);
    arm_mode_update(cpu);
}

/* The claim tags: 8 bits, reads of SET tell which exist, reads of CLR which are set. */
u64 claimset_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)cpu;
    (void)r;
    return 0xff;
}
void claimset_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    cpu->sr.DBGCLAIMCLR_EL1 |= v & 0xff;
}
void claimclr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    cpu->sr.DBGCLAIMCLR_EL1 &= ~v;
}

/* No external debug: nothing is authenticated, all is implemented. */
u64 authstatus_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return arm_sys(cpu, SYS_EL3) ? 0xaa : 0x0a;
}
