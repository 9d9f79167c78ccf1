/* The Arm CPU: all of its state, and what its files know of each other. AArch64 only.
 *
 * Where things live. X0..X30 are rt.r[0..30]; rt.r[31] is the SP in use, and sp_el[n] holds SP_ELn while it is not in
 * use (sp_load and sp_save move them). PSTATE is kept in pieces; arm_pstate() and arm_set_pstate() know its SPSR form.
 * System registers without a better place are members of `sr`, made from sysregs.def.
 *
 * Derived state. `elc[el]` holds, for each exception level, what translation and address translation need of the
 * system registers, so that a change of level costs a few instructions. arm_rebuild() makes it anew after a write to
 * any register it is made from. */
#ifndef MOSS_TARGET_ARM_CPU_H
#define MOSS_TARGET_ARM_CPU_H

#include <stdatomic.h>

#include "base/clock.h"
#include "fpu/softfloat.h"
#include "target/arm/arm.h"
#include "target/arm/cpu_slots.h"

/* Features beside those of instructions (cpu_slots.h): what the system registers and the MMU have. */
// clang-format off
#define ARM_SYS_FEATURES(_) \
    _(EL2) _(EL3) _(PMU) _(VHE) _(HAF) _(HDBS) _(HPD) _(XNX) _(E0PD) _(EVT) _(TLBIOS) _(PAN2) _(DPBX) _(DPB2X) \
    _(PAUTHX) _(SSBSX) _(LORX) _(RASX) _(RNGX) _(SPECRESX) _(GICV3) _(BTIX) _(UAOX) _(PANX) \
    _(DITX) _(TLBIRANGE) _(HOSTCLOCK)
// clang-format on
enum arm_sys_feature {
    SYS_ALWAYS,
#define _(name) SYS_##name,
    ARM_SYS_FEATURES(_)
#undef _
        ARM_SYS_FEATURES_COUNT
};

struct arm_sysregs {
#define REG(name, ...)   u64 name;
#define IDREG(name, ...) u64 name;
#define REG_AT(...)
#define VREG(...)
#include "target/arm/sysregs.def"
#undef REG
#undef IDREG
#undef REG_AT
#undef VREG
};

enum { ARM_BRPS = 6, ARM_WRPS = 4, ARM_PMEVS = 6 };

/* Translation regimes. */
enum arm_regime { REGIME_EL10, REGIME_EL2, REGIME_EL20, REGIME_EL3 };

/* mmu_key.w[0], see mmu.c. */
enum {
    KEY_ASID = 0,    /* 16 bits */
    KEY_VMID = 16,   /* 16 bits */
    KEY_REGIME = 32, /* 2 bits */
    KEY_SECURE = 34,
    KEY_S2 = 35,   /* HCR_EL2.{DC,VM} as two bits, then PTW */
    KEY_USER = 38, /* with EL0's permissions */
    KEY_PAN = 39,
    KEY_FLAT = 40, /* stage 1 is off */
};

/* Where pointer authentication codes lie in pointers to one range: of instructions or data, high or low. */
struct arm_pac {
    u64 code; /* the bits of a code; bit 55 is none of them */
    u64 ext;  /* these and bit 55: all alike in a pointer without a code */
};
/* What the system registers make of one exception level. */
struct arm_el {
    u64 mode;   /* mode word, less what PSTATE gives */
    u64 key;    /* mmu_key.w[0], less KEY_PAN */
    u64 unpriv; /* the same of the unprivileged view */
    u8 regime;  /* enum arm_regime */
    bool secure;
    bool has_unpriv;          /* LDTR and STTR are EL0's accesses when PSTATE.UAO is 0 */
    struct arm_pac pac[2][2]; /* [data][high] */
    bool pac_tbi[2];          /* [data]: bit 55 tells the range, not bit 63 */
    u8 keys;                  /* by enum pauth_key: enabled (SCTLR_ELx.EnIA...) */
};

struct arm_gtimer {
    _Atomic u64 ctl; /* CNTx_CTL: ENABLE, IMASK; ISTATUS is computed */
    _Atomic u64 cval;
    atomic_uint seq; /* counts changes made by the vcpu, see timer.c */
    atomic_int level;
    struct timer timer;
    struct irq out;
    struct arm_cpu *cpu;
};

struct arm_cpu {
    struct vcpu vcpu; /* must be first */

    /* -- PSTATE -- */
    u32 nzcv; /* packed flags, C is a borrow */
    u32 daif; /* bits 9:6 */
    u32 excl; /* enum arm_excl */
    u8 el, spsel, il, ss;
    u8 pan, uao, dit, ssbs;
    u8 btype;
    bool stepped;    /* the last instruction was stepped: the step syndrome is valid */
    bool stepped_ex; /* and it was a load-exclusive */

    u64 sp_el[4];
    u64 elr_el[4], spsr_el[4];
    u64 tpidr_el[4], tpidrro_el0;

    union v128 v[32];
    union v128 qc;
    u32 fpcr;         /* as written; fp follows it */
    struct fp_env fp; /* fp.flags: FPSR's cumulative bits, beside those in rt.host_fp */

    struct arm_sysregs sr;
    u64 dbgbvr[ARM_BRPS], dbgbcr[ARM_BRPS], dbgwvr[ARM_WRPS], dbgwcr[ARM_WRPS];
    u64 pmevcntr[ARM_PMEVS], pmevtyper[ARM_PMEVS];

    /* -- derived -- */
    struct arm_el elc[4];
    u64 hcr, mdcr;    /* HCR_EL2 and MDCR_EL2 as they act: 0 while EL2 is not enabled, TGE's side effects in */
    u64 mode;         /* what target->mode answers */
    u64 fp_mode;      /* its part that FPCR gives */
    u64 features;     /* instruction sets: bits ARM_FEAT_x */
    u64 sys_features; /* bits SYS_x */
    u8 features_id;
    u8 pa_bits;     /* of the model */
    bool watching;  /* a watchpoint may fire */
    u8 bti_seen;    /* a bit a level: the walker met a guarded page */
    bool event;     /* the event register of WFE */
    bool excl_mode; /* MODE_EXCLUSIVE is wanted */

    /* -- pins and timers -- */
    struct arm_gtimer gt[ARM_TIMERS];
    u64 cntfrq; /* Hz of the counter: what the hardware runs at */
    struct timer pmu_timer;
    struct irq pmu_out;
    atomic_int pmu_level;
    u64 pmu_last;      /* virtual time the counters stand at */
    bool pmu_by_level; /* a running counter looks at the exception level */
    bool pmu_due;      /* an overflow is due */

    /* -- configuration -- */
    struct arm_cpu_opts opts;
    const struct arm_model *model;
    const struct arm_gic_ops *gic;
    void *gic_opaque;
    u64 reset_sctlr, reset_pmcr; /* of the model */
    bool pauth_qarma;            /* QARMA5, else the fast hash */

    /* -- where a loader starts this cpu, and PSCI -- */
    struct {
        u64 pc, x[4];
        u8 el;
        bool set;
    } entry;
    _Atomic u32 power;        /* enum arm_power */
    u64 on_entry, on_context; /* of a pending CPU_ON */
    u8 on_el;
};

static inline struct arm_cpu *arm_cpu(struct vcpu *v)
{
    return (struct arm_cpu *)v;
}
static inline const struct arm_cpu *arm_cpu_const(const struct vcpu *v)
{
    return (const struct arm_cpu *)v;
}
/* SYS_ALWAYS is always there. */
static inline bool arm_sys(const struct arm_cpu *cpu, enum arm_sys_feature f)
{
    return cpu->sys_features >> f & 1;
}
static inline bool arm_feat(const struct arm_cpu *cpu, enum arm_feature f)
{
    return cpu->features >> f & 1;
}

/* -- register bits used in more than one file ---------------------------------------------------------------------- */

enum { PSTATE_F = 1 << 6, PSTATE_I = 1 << 7, PSTATE_A = 1 << 8, PSTATE_D = 1 << 9, PSTATE_DAIF = 15 << 6 };

#define SPSR_SP    BIT(0)
#define SPSR_M4    BIT(4) /* AArch32 */
#define SPSR_BTYPE 10
#define SPSR_SSBS  BIT(12)
#define SPSR_IL    BIT(20)
#define SPSR_SS    BIT(21)
#define SPSR_PAN   BIT(22)
#define SPSR_UAO   BIT(23)
#define SPSR_DIT   BIT(24)

#define HCR_VM    BIT(0)
#define HCR_SWIO  BIT(1)
#define HCR_PTW   BIT(2)
#define HCR_FMO   BIT(3)
#define HCR_IMO   BIT(4)
#define HCR_AMO   BIT(5)
#define HCR_VF    BIT(6)
#define HCR_VI    BIT(7)
#define HCR_VSE   BIT(8)
#define HCR_FB    BIT(9)
#define HCR_DC    BIT(12)
#define HCR_TWI   BIT(13)
#define HCR_TWE   BIT(14)
#define HCR_TSC   BIT(19)
#define HCR_TIDCP BIT(20)
#define HCR_TGE   BIT(27)
#define HCR_TDZ   BIT(28)
#define HCR_HCD   BIT(29)
#define HCR_TRVM  BIT(30)
#define HCR_RW    BIT(31)
#define HCR_E2H   BIT(34)
#define HCR_TEA   BIT(37)
#define HCR_APK   BIT(40)
#define HCR_API   BIT(41)

#define SCR_NS  BIT(0)
#define SCR_IRQ BIT(1)
#define SCR_FIQ BIT(2)
#define SCR_EA  BIT(3)
#define SCR_SMD BIT(7)
#define SCR_HCE BIT(8)
#define SCR_SIF BIT(9)
#define SCR_RW  BIT(10)
#define SCR_ST  BIT(11)
#define SCR_TWI BIT(12)
#define SCR_TWE BIT(13)
#define SCR_APK BIT(16)
#define SCR_API BIT(17)

#define SCTLR_M      BIT(0)
#define SCTLR_A      BIT(1)
#define SCTLR_C      BIT(2)
#define SCTLR_SA     BIT(3)
#define SCTLR_SA0    BIT(4)
#define SCTLR_NAA    BIT(6)
#define SCTLR_UMA    BIT(9)
#define SCTLR_ENRCTX BIT(10)
#define SCTLR_I      BIT(12)
#define SCTLR_ENDB   BIT(13)
#define SCTLR_DZE    BIT(14)
#define SCTLR_UCT    BIT(15)
#define SCTLR_NTWI   BIT(16)
#define SCTLR_NTWE   BIT(18)
#define SCTLR_WXN    BIT(19)
#define SCTLR_IESB   BIT(21)
#define SCTLR_SPAN   BIT(23)
#define SCTLR_E0E    BIT(24)
#define SCTLR_EE     BIT(25)
#define SCTLR_UCI    BIT(26)
#define SCTLR_ENDA   BIT(27)
#define SCTLR_ENIB   BIT(30)
#define SCTLR_ENIA   BIT(31)
#define SCTLR_BT0    BIT(35)
#define SCTLR_BT1    BIT(36)
#define SCTLR_DSSBS  BIT(44)

#define MDSCR_SS   BIT(0)
#define MDSCR_TDCC BIT(12)
#define MDSCR_KDE  BIT(13)
#define MDSCR_MDE  BIT(15)

#define MDCR_HPMN  0 /* 5 bits */
#define MDCR_TPMCR BIT(5)
#define MDCR_TPM   BIT(6)
#define MDCR_HPME  BIT(7)
#define MDCR_TDE   BIT(8)
#define MDCR_TDA   BIT(9)
#define MDCR_TDOSA BIT(10)
#define MDCR_TDRA  BIT(11)
#define MDCR3_SDD  BIT(16)

/* Exception classes (ESR_ELx.EC). */
enum arm_ec {
    EC_UNKNOWN = 0x00,
    EC_WFX = 0x01,
    EC_FP = 0x07,
    EC_PAUTH = 0x09,
    EC_BTI = 0x0d,
    EC_ILLEGAL = 0x0e,
    EC_SVC = 0x15,
    EC_HVC = 0x16,
    EC_SMC = 0x17,
    EC_SYSREG = 0x18,
    EC_ERET = 0x1a,
    EC_IABT_LOWER = 0x20,
    EC_IABT = 0x21,
    EC_PC_ALIGN = 0x22,
    EC_DABT_LOWER = 0x24,
    EC_DABT = 0x25,
    EC_SP_ALIGN = 0x26,
    EC_SERROR = 0x2f,
    EC_BREAK_LOWER = 0x30,
    EC_STEP_LOWER = 0x32,
    EC_WATCH_LOWER = 0x34,
    EC_BRK = 0x3c,
};
#define ESR_IL BIT(25)
static inline u64 arm_esr(enum arm_ec ec, u32 iss)
{
    return (u64)ec << 26 | ESR_IL | iss;
}

/* -- state of affairs -------------------------------------------------------------------------------------------- */

/* Below EL3 and without EL3 the CPU is Non-secure; SCR_EL3.NS decides else. */
static inline bool arm_secure_below_el3(const struct arm_cpu *cpu)
{
    return arm_sys(cpu, SYS_EL3) && !(cpu->sr.SCR_EL3 & SCR_NS);
}
static inline bool arm_secure(const struct arm_cpu *cpu)
{
    return cpu->el == 3 || arm_secure_below_el3(cpu);
}
/* EL2 is there and enabled in the current Security state (no Secure EL2). */
static inline bool arm_el2_enabled(const struct arm_cpu *cpu)
{
    return arm_sys(cpu, SYS_EL2) && !arm_secure_below_el3(cpu);
}
/* The EL2&0 host regime is in force at EL0. cpu->hcr is HCR_EL2 as it acts, see arm_rebuild. */
static inline bool arm_host_el0(const struct arm_cpu *cpu)
{
    return (cpu->hcr & (HCR_E2H | HCR_TGE)) == (HCR_E2H | HCR_TGE);
}

u64 arm_pstate(const struct arm_cpu *cpu); /* in SPSR's form (exceptions.c) */

/* On its own thread: the cold start that CPU_ON asked for (cpu.c). */
void arm_power_up(struct arm_cpu *cpu);

/* -- the A64 front end (a64/) ------------------------------------------------------------------------------------- */

void a64_translate(struct ir *ir, const struct tr_request *rq, struct tr_result *rs);
/* Text of an instruction; 4, or 0 when it is unallocated. */
u64 a64_branch_target(const struct vcpu *v, u64 pc);
void a64_bti_return(struct arm_cpu *cpu); /* after an exception return: PSTATE.BTYPE against the instruction at rt.pc */
int a64_disas(char *out, size_t n, u64 pc, u32 insn);

#endif
