/* What the A64 translator and the rest of the Arm CPU agree on: state slots, the mode word, instruction-set features,
 * helpers. The translator sees no more of a CPU than this.
 *
 * Carry: the C of the flags slot is a borrow, the complement of PSTATE.C, so that A64's subtractions and comparisons
 * are fl_sub as it is; everything else that makes or uses a carry says FL_INV. arm_nzcv_to_flags() and its
 * inverse are the only other place that knows. */
#ifndef MOSS_TARGET_ARM_CPU_SLOTS_H
#define MOSS_TARGET_ARM_CPU_SLOTS_H

#include "base/bits.h"
#include "target/arm/arm.h"
#include "tcg/ir.h"

/* -- slots ------------------------------------------------------------------------------------------------------
 * SLOT_X0..SLOT_X30 are rt.r[0..30], SLOT_SP is rt.r[31] (the current stack pointer; the banked ones are brought home
 * by whoever changes EL or SPSel), SLOT_V0..SLOT_V31 are v[0..31]. The others, one line each:
 *
 *   _(slot, IR type, field of struct arm_cpu, its C type)
 *
 * EXCL: enum arm_excl. QC: FPSR.QC is set when any bit is. DAIF: PSTATE's bits in place (9:6). SP_EL0 is meaningful
 * while SPSel is 1 only. FPCR is read only: the helper fpcr_write changes it. What has an exception level in its name
 * is a slot for EL1 without E2H in the way; other levels use the sysreg helpers.
 */
#define ARM_SLOTS(_) \
    _(FLAGS, FLAGS, nzcv, u32) \
    _(QC, V128, qc, union v128) \
    _(DAIF, I32, daif, u32) \
    _(EXCL, I32, excl, u32) \
    _(SP_EL0, I64, sp_el[0], u64) \
    _(TPIDR_EL0, I64, tpidr_el[0], u64) \
    _(TPIDRRO_EL0, I64, tpidrro_el0, u64) \
    _(TPIDR_EL1, I64, tpidr_el[1], u64) \
    _(TPIDR_EL2, I64, tpidr_el[2], u64) \
    _(ELR_EL1, I64, elr_el[1], u64) \
    _(SPSR_EL1, I64, spsr_el[1], u64) \
    _(ESR_EL1, I64, sr.ESR_EL1, u64) \
    _(FAR_EL1, I64, sr.FAR_EL1, u64) \
    _(FPCR, I32, fpcr, u32)

/* The local exclusive monitor. A load-exclusive is an ordinary load and leaves OPEN; a store-exclusive in the same
 * trace with no other memory access between the two is a compare-and-swap with what was loaded, and exact: nothing
 * tells whether the value was loaded before or just then. One that finds OPEN fails, and asks for MODE_EXCLUSIVE: there
 * load-exclusives watch their granule (WATCHED), until the next exception return. */
enum arm_excl { EXCL_NONE, EXCL_OPEN, EXCL_WATCHED };

enum arm_slot {
    SLOT_X0 = 0,
    SLOT_SP = 31,
    SLOT_V0 = 32,
    SLOT_OTHER = 64,
    SLOT_BEFORE_FIRST = SLOT_OTHER - 1,
#define _(name, type, field, ctype) SLOT_##name,
    ARM_SLOTS(_)
#undef _
        ARM_NSLOTS
};

static inline u32 arm_nzcv_to_flags(u32 nzcv) /* PSTATE bits 31:28 in place -> packed flags */
{
    return (nzcv >> 31 & 1) * FL_N | (nzcv >> 30 & 1) * FL_Z | (~nzcv >> 29 & 1) * FL_C | (nzcv >> 28 & 1) * FL_V;
}
static inline u32 arm_flags_to_nzcv(u32 fl)
{
    return (u32) !!(fl & FL_N) << 31 | (u32) !!(fl & FL_Z) << 30 | (u32) !(fl & FL_C) << 29 | (u32) !!(fl & FL_V) << 28;
}

/* -- the mode word -------------------------------------------------------------------------------------------------
 * All the state a translation depends on (target->mode). Whoever changes what a bit stands for calls
 * sv->mode_changed. */
enum {
    MODE_EL_SHIFT = 0,    /* 2 bits: PSTATE.EL */
    MODE_FEAT_SHIFT = 56, /* 8 bits: arm_features() id */
};
#define MODE_EL(m)     ((unsigned)((m) >> MODE_EL_SHIFT) & 3)
#define MODE_FEAT(m)   ((unsigned)((m) >> MODE_FEAT_SHIFT) & 0xff)
#define MODE_SPSEL     BIT(2)  /* PSTATE.SP (0 at EL0) */
#define MODE_A32       BIT(3)  /* AArch32 state; the A64 translator is not asked */
#define MODE_IL        BIT(4)  /* PSTATE.IL: everything is an Illegal Execution State exception */
#define MODE_BE        BIT(5)  /* data accesses of the current EL are big-endian (SCTLR_ELx.EE, E0E) */
#define MODE_UNPRIV    BIT(6)  /* LDTR and STTR use ARM_VIEW_UNPRIV, else the normal view (EL0, EL2 and EL3, UAO) */
#define MODE_SP_CHECK  BIT(7)  /* SCTLR_ELx.SA (EL0: SA0) */
#define MODE_ALIGN     BIT(8)  /* SCTLR_ELx.A, or stage 1 is off: all unaligned accesses fault */
#define MODE_FP_TRAP   BIT(10) /* SIMD&FP instructions trap (CPACR, CPTR...): helper fp_trap */
#define MODE_FP_DN     BIT(11) /* FPCR.DN */
#define MODE_FP_RARE   BIT(12) /* FPCR.FZ, FZ16 or AHP: float ops carry FP_FZ */
#define MODE_STEP      BIT(13) /* software step is active (debug exceptions enabled, MDSCR_EL1.SS) */
#define MODE_STEP_SS   BIT(14) /* and PSTATE.SS is 1: one instruction may run; 0: a step exception is due */
#define MODE_TBI0      BIT(15) /* instruction addresses of the low range have an ignored top byte (TBI0, not TBID0) */
#define MODE_TBI1      BIT(16) /* the same of the high range */
#define MODE_ONE_RANGE BIT(17) /* the regime has one VA range (EL2 without E2H, EL3): TBI0 is its TBI */
#define MODE_BTI       BIT(22) /* FEAT_BTI, and the walker has met a guarded page since reset: BR and BLR check targets */
#define MODE_ZVA       BIT(23) /* DC ZVA is allowed here without trap (blocks are always 64 bytes) */
#define MODE_UMA       BIT(24) /* EL0 may access DAIF */
#define MODE_DEBUG     BIT(26) /* MDSCR_EL1.SS or MDE: PSTATE.D is part of the mode */
#define MODE_EXCLUSIVE BIT(27) /* exclusives by helpers, see enum arm_excl */
#define MODE_BREAK     BIT(29) /* a breakpoint register may match: helper break_check before each instruction */
#define MODE_PAC_TRAP  BIT(31) /* HCR_EL2.API or SCR_EL3.API traps: helpers pac_trap, aut_trap */
#define MODE_TRAP_VM   BIT(30) /* HCR_EL2.TVM or TRVM: EL1's accesses to ESR_EL1 and FAR_EL1 may trap */

/* walk_result.note of a walk for MMU_FETCH. */
enum { NOTE_GUARDED = ARM_NOTE_GUARDED /* GP: branch targets must be landing pads */ };

/* Views (rt.tlb[]). */
enum { ARM_VIEW_NORMAL, ARM_VIEW_UNPRIV };

/* -- features that decide whether an encoding exists ------------------------------------------------------------------
 * Names as the last column of the .decode tables; FEAT_x is bit ARM_FEAT_x of a feature word. */
// clang-format off
#define ARM_FEATURES(_) \
    _(FP) _(SIMD) _(CRC32) _(LSE) _(LSE2) _(LOR) _(RDM) _(FP16) _(DOTPROD) _(FHM) _(FCMA) _(JSCVT) _(AES) \
    _(PMULL) _(SHA1) _(SHA256) _(SHA512) _(SHA3) _(SM3) _(SM4) _(I8MM) _(BF16) _(FRINTTS) _(FLAGM) _(FLAGM2) \
    _(LRCPC) _(LRCPC2) _(PAUTH) _(BTI) _(DPB) _(DPB2) _(PAN) _(UAO) _(DIT) _(SSBS) _(SB) _(SPECRES) _(RAS) \
    _(RNG) _(WFXT) _(HBC) _(CSSC) _(MOPS) _(XS) _(LS64) _(A32EL0)
// clang-format on
enum arm_feature {
#define _(name) ARM_FEAT_##name,
    ARM_FEATURES(_)
#undef _
        ARM_NFEATURES
};
_Static_assert(ARM_NFEATURES <= 64, "a feature word is a u64");
/* Feature words are interned when a model is set up; the same word gives the same id for the life of the process. */
unsigned arm_features_id(u64 features); /* dies (must) past 256 different ones */
u64 arm_features(unsigned id);

/* -- helpers ----------------------------------------------------------------------------------------------------- */
/*   _(name, ret, arg0, arg1, arg2, arg3, flags, reads, writes)
 *
 * in helpers.def (system: registers, exceptions) and a64/helpers.def (the instruction set); the function is arm_h_name.
 * reads and writes: a slot_set or NULL, as struct ir_helper. */
enum arm_helper {
#define _(name, ...) H_##name,
#include "target/arm/a64/helpers.def"
#include "target/arm/helpers.def"
#undef _
    ARM_NHELPERS
};
extern const struct ir_target arm_ir_target;

/* What the translator may know of a system register or SYS instruction: `enc` is bits 20:5 of the instruction. */
enum {
    SYSREG_HEAVY = 0, /* a write may change mode, mapping or slots: ends the block */
    SYSREG_LIGHT = 1, /* touches no slot and changes no mode, though it may fault or raise an event */
};
unsigned arm_sysreg_class(u32 enc);

#endif
