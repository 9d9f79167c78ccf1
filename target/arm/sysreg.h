/* System registers: the table's row, and access. */
#ifndef MOSS_TARGET_ARM_SYSREG_H
#define MOSS_TARGET_ARM_SYSREG_H

#include "target/arm/cpu.h"

/* Bits 20:5 of MSR, MRS, SYS and SYSL. */
#define SYSENC(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
#define SYSENC_OP0(e)                   ((e) >> 14 & 3)
#define SYSENC_OP1(e)                   ((e) >> 11 & 7)
#define SYSENC_CRN(e)                   ((e) >> 7 & 15)
#define SYSENC_CRM(e)                   ((e) >> 3 & 15)
#define SYSENC_OP2(e)                   ((e)&7)

/* Access: a bit for reading and one for writing at each level. */
enum {
    E0R = 0x55,
    E1R = 0x54,
    E2R = 0x50,
    E3R = 0x40,
    E0W = 0xaa,
    E1W = 0xa8,
    E2W = 0xa0,
    E3W = 0x80,
    E0RW = E0R | E0W,
    E1RW = E1R | E1W,
    E2RW = E2R | E2W,
    E3RW = E3R | E3W,
};
#define RES0_REG BIT(63) /* as wmask: see sysreg_write, nothing sticks */

/* What may trap an access that its level allows; rules and functions in sysreg_traps.c. */
enum sysreg_trap {
    TRAP_NONE,
    TRAP_ID1,
    TRAP_ID3,
    TRAP_CACHE_ID,
    TRAP_CTR,
    TRAP_VM,
    TRAP_ACTLR,
    TRAP_CPACR,
    TRAP_CPTR2,
    TRAP_LOR,
    TRAP_APK,
    TRAP_ERR,
    TRAP_SW,
    TRAP_POC,
    TRAP_POU,
    TRAP_IC_IS,
    TRAP_ZVA,
    TRAP_RCTX,
    TRAP_TLB,
    TRAP_TLB_IS,
    TRAP_TLB_OS,
    TRAP_PMU,
    TRAP_PMCR,
    TRAP_PMU_SW,
    TRAP_PMU_CY,
    TRAP_PMU_EV,
    TRAP_PMU_RO,
    TRAP_DEBUG,
    TRAP_DEBUG_OS,
    TRAP_DEBUG_ROM,
    TRAP_DEBUG_CC,
    TRAP_UMA,
    TRAP_BY_FUNCTION,
    TRAP_SP_EL0 = TRAP_BY_FUNCTION,
    TRAP_FP,
    TRAP_HIGHEST,
    TRAP_CNTFRQ,
    TRAP_CNTPCT,
    TRAP_CNTVCT,
    TRAP_CNTP,
    TRAP_CNTV,
    TRAP_CNTPS,
    TRAP_CLASSES
};

struct sysreg {
    const char *name;
    u16 enc, e2h, alias;
    u8 acc, trap;
    u8 feat; /* SYS_x */
    u8 arg;  /* the hooks' */
    bool id, light;
    u32 off; /* of its u64 in struct arm_cpu; 0: none */
    u64 reset, wmask;
    u64 (*read)(struct arm_cpu *cpu, const struct sysreg *r);
    void (*write)(struct arm_cpu *cpu, const struct sysreg *r, u64 v);
};
extern const struct sysreg sysregs[];
extern const unsigned sysregs_count;

void sysregs_init(void); /* once, before any access */
void sysreg_traps_init(void);
bool sysreg_is_gic(u32 enc); /* ICC_, ICV_, ICH_ */
/* Tells the GIC of a change of level or Security state. */
void arm_gic_state(struct arm_cpu *cpu);
/* NULL: no such encoding. */
const struct sysreg *sysreg_find(u32 enc);
static inline u64 *sysreg_at(struct arm_cpu *cpu, const struct sysreg *r)
{
    return (u64 *)((char *)cpu + r->off);
}
/* Stores the bits wmask allows: what a row without a write hook does. */
void sysreg_put(struct arm_cpu *cpu, const struct sysreg *r, u64 v);

/* The outcome of the access checks. */
enum { ACC_OK = 0, ACC_EL1 = 1, ACC_EL2 = 2, ACC_EL3 = 3, ACC_UNDEF = 4, ACC_FP = 5 };
int sysreg_trapped(const struct arm_cpu *cpu, const struct sysreg *r, bool write);
int fp_trapped(const struct arm_cpu *cpu,
               unsigned el); /* level that SIMD&FP instructions of el trap to, 0: they do not */

/* Access as an instruction of the current level does it; traps unwind. rt: the register field of the syndrome. */
u64 arm_sysreg_read(struct arm_cpu *cpu, u32 enc, unsigned rt);
void arm_sysreg_write(struct arm_cpu *cpu, u32 enc, unsigned rt, u64 v);
/* Without checks, for the monitor and debugger: false when there is no such register. */
bool arm_sysreg_peek(struct arm_cpu *cpu, u32 enc, u64 *v);

/* -- hooks of sysregs.def ------------------------------------------------------------------------------------- */
// clang-format off
#define SYSREG_READS(_) \
    _(midr) _(mpidr) _(pfr0) _(ccsidr) _(dczid) _(spsel) _(currentel) _(pan) _(uao) _(nzcv) _(daif) _(dit) \
    _(ssbs) _(fpcr) _(fpsr) _(rvbar) _(rmr) _(isr) _(disr) _(rndr) _(cntpct) _(cntvct) _(tval) _(ctl) _(cval) \
    _(host_clock) _(pmcr) _(pmcntenclr) _(pmovs) _(pmccntr) _(pmxevtyper) _(pmxevcntr) _(pmintenclr) _(pmevcntr) \
    _(claimset) _(authstatus)
#define SYSREG_WRITES(_) \
    _(sctlr) _(rebuild) _(hcr) _(mdcr) _(cptr) _(scr) _(ttbr) _(tcr) _(vttbr) _(mair) _(spsel) _(pan) _(uao) \
    _(nzcv) _(daif) _(dit) _(ssbs) _(fpcr) _(fpsr) _(rmr) _(disr) _(tval) _(ctl) _(cval) _(cntvoff) _(pmcr) \
    _(pmcntenset) _(pmcntenclr) _(pmovsclr) _(pmswinc) _(pmccntr) _(pmxevtyper) _(pmxevcntr) _(pmintenset) \
    _(pmintenclr) _(pmovsset) _(pmccfiltr) _(pmevcntr) _(pmevtyper) _(debug) _(oslar) _(claimset) _(claimclr)
// clang-format on
#define _(name) u64 name##_read(struct arm_cpu *cpu, const struct sysreg *r);
SYSREG_READS(_)
#undef _
#define _(name) void name##_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v);
SYSREG_WRITES(_)
#undef _
void ic_all(struct arm_cpu *cpu, const struct sysreg *r, u64 v);
void ic_ivau(struct arm_cpu *cpu, const struct sysreg *r, u64 v);
void dc_va(struct arm_cpu *cpu, const struct sysreg *r, u64 v);
void dc_zva(struct arm_cpu *cpu, const struct sysreg *r, u64 v);
void at_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v);
void tlbi_local(struct arm_cpu *cpu, const struct sysreg *r, u64 v);
void tlbi_shared(struct arm_cpu *cpu, const struct sysreg *r, u64 v);

enum at_kind { AT_S1E1, AT_S1E0, AT_S1E1P, AT_S1E2, AT_S12E1, AT_S12E0, AT_S1E3 };
enum tlbi_kind {
    TLBI_ALL_VMID,
    TLBI_VA,
    TLBI_ASID,
    TLBI_VAA,
    TLBI_ALLE2,
    TLBI_VAE2,
    TLBI_ALLE1,
    TLBI_S12,
    TLBI_IPA,
    TLBI_ALLE3,
    TLBI_VAE3,
    TLBI_RANGED = 0x40, /* the operand is that of a range instruction */
};

#endif
