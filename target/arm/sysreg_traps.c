/* Which accesses to system registers trap, and to which level (DDI 0487: the pseudocode of each register, chapter D17).
 *
 * Most traps are a bit of a control register: rows of `rules`, tried in order, so a class's rows stand in the order of
 * the levels they trap to. What depends on more than a bit is a function. An access that traps to EL1 goes to EL2 while
 * HCR_EL2.TGE is 1; that is the raiser's business. Not modelled: fine-grained traps (FEAT_FGT), nested virtualisation.
 */
#include "target/arm/sysreg.h"

enum { AT_EL0 = 1, AT_EL1 = 2, AT_EL2 = 4, AT_EL01 = 3, AT_EL12 = 6, AT_EL012 = 7 };
enum { ON_R = 1, ON_W = 2, ON_RW = 3 };

struct trap_rule {
    u8 trap; /* class */
    u8 els;  /* levels it catches */
    u8 rw;
    u8 to;
    u8 bit;
    bool when;         /* traps while the bit has this value */
    u32 off, host_off; /* the control register; host_off: the one at EL0 of a host regime */
};

#define SR(reg) offsetof(struct arm_cpu, sr.reg), 0
#define SCTLR   offsetof(struct arm_cpu, sr.SCTLR_EL1), offsetof(struct arm_cpu, sr.SCTLR_EL2)
#define HCR     offsetof(struct arm_cpu, hcr), 0
#define MDCR    offsetof(struct arm_cpu, mdcr), 0
#define PMU(cls, bit_n, on) \
    {cls, AT_EL0, on, 1, bit_n, false, SR(PMUSERENR_EL0)}, {cls, AT_EL01, ON_RW, 2, 6, true, MDCR}, \
    { \
        cls, AT_EL012, ON_RW, 3, 6, true, SR(MDCR_EL3) \
    }

static const struct trap_rule rules[] = {
    {TRAP_ID1, AT_EL1, ON_R, 2, 16, true, HCR},
    {TRAP_ID3, AT_EL1, ON_R, 2, 18, true, HCR},
    {TRAP_CACHE_ID, AT_EL1, ON_RW, 2, 17, true, HCR},
    {TRAP_CACHE_ID, AT_EL1, ON_RW, 2, 49, true, HCR},
    {TRAP_CTR, AT_EL0, ON_R, 1, 15, false, SCTLR},
    {TRAP_CTR, AT_EL01, ON_R, 2, 17, true, HCR},
    {TRAP_VM, AT_EL1, ON_W, 2, 26, true, HCR},
    {TRAP_VM, AT_EL1, ON_R, 2, 30, true, HCR},
    {TRAP_ACTLR, AT_EL1, ON_RW, 2, 21, true, HCR},
    {TRAP_CPACR, AT_EL1, ON_RW, 2, 31, true, SR(CPTR_EL2)},
    {TRAP_CPACR, AT_EL12, ON_RW, 3, 31, true, SR(CPTR_EL3)},
    {TRAP_CPTR2, AT_EL2, ON_RW, 3, 31, true, SR(CPTR_EL3)},
    {TRAP_LOR, AT_EL1, ON_RW, 2, 35, true, HCR},
    {TRAP_LOR, AT_EL12, ON_RW, 3, 14, true, SR(SCR_EL3)},
    {TRAP_APK, AT_EL1, ON_RW, 2, 40, false, HCR},
    {TRAP_APK, AT_EL12, ON_RW, 3, 16, false, SR(SCR_EL3)},
    {TRAP_ERR, AT_EL1, ON_RW, 2, 36, true, HCR},
    {TRAP_ERR, AT_EL12, ON_RW, 3, 15, true, SR(SCR_EL3)},
    {TRAP_SW, AT_EL1, ON_W, 2, 22, true, HCR},
    {TRAP_POC, AT_EL0, ON_W, 1, 26, false, SCTLR},
    {TRAP_POC, AT_EL01, ON_W, 2, 23, true, HCR},
    {TRAP_POU, AT_EL0, ON_W, 1, 26, false, SCTLR},
    {TRAP_POU, AT_EL01, ON_W, 2, 24, true, HCR},
    {TRAP_POU, AT_EL01, ON_W, 2, 52, true, HCR},
    {TRAP_IC_IS, AT_EL1, ON_W, 2, 24, true, HCR},
    {TRAP_IC_IS, AT_EL1, ON_W, 2, 50, true, HCR},
    {TRAP_ZVA, AT_EL0, ON_W, 1, 14, false, SCTLR},
    {TRAP_ZVA, AT_EL01, ON_W, 2, 28, true, HCR},
    {TRAP_RCTX, AT_EL0, ON_W, 1, 10, false, SCTLR},
    {TRAP_TLB, AT_EL1, ON_W, 2, 25, true, HCR},
    {TRAP_TLB_IS, AT_EL1, ON_W, 2, 25, true, HCR},
    {TRAP_TLB_IS, AT_EL1, ON_W, 2, 54, true, HCR},
    {TRAP_TLB_OS, AT_EL1, ON_W, 2, 25, true, HCR},
    {TRAP_TLB_OS, AT_EL1, ON_W, 2, 55, true, HCR},
    PMU(TRAP_PMU, 0, ON_RW),
    {TRAP_PMCR, AT_EL0, ON_RW, 1, 0, false, SR(PMUSERENR_EL0)},
    {TRAP_PMCR, AT_EL01, ON_RW, 2, 5, true, MDCR},
    {TRAP_PMCR, AT_EL01, ON_RW, 2, 6, true, MDCR},
    {TRAP_PMCR, AT_EL012, ON_RW, 3, 6, true, SR(MDCR_EL3)},
    {TRAP_PMU_RO, AT_EL01, ON_RW, 2, 6, true, MDCR},
    {TRAP_PMU_RO, AT_EL012, ON_RW, 3, 6, true, SR(MDCR_EL3)},
    {TRAP_DEBUG, AT_EL1, ON_RW, 2, 9, true, MDCR},
    {TRAP_DEBUG, AT_EL12, ON_RW, 3, 9, true, SR(MDCR_EL3)},
    {TRAP_DEBUG_OS, AT_EL1, ON_RW, 2, 10, true, MDCR},
    {TRAP_DEBUG_OS, AT_EL12, ON_RW, 3, 10, true, SR(MDCR_EL3)},
    {TRAP_DEBUG_ROM, AT_EL1, ON_RW, 2, 11, true, MDCR},
    {TRAP_DEBUG_ROM, AT_EL12, ON_RW, 3, 9, true, SR(MDCR_EL3)},
    {TRAP_DEBUG_CC, AT_EL0, ON_RW, 1, 12, true, SR(MDSCR_EL1)},
    {TRAP_DEBUG_CC, AT_EL01, ON_RW, 2, 9, true, MDCR},
    {TRAP_DEBUG_CC, AT_EL012, ON_RW, 3, 9, true, SR(MDCR_EL3)},
    {TRAP_UMA, AT_EL0, ON_RW, 1, 9, false, SCTLR},
};

static u8 first_rule[TRAP_BY_FUNCTION]; /* ARRAY_LEN(rules): none */

void sysreg_traps_init(void)
{
    for (unsigned c = 0; c < ARRAY_LEN(first_rule); c++) {
        unsigned i = 0;
        while (i < ARRAY_LEN(rules) && rules[i].trap != c) {
            i++;
        }
        first_rule[c] = (u8)i;
    }
}

/* PMUSERENR_EL0 opens single counters to EL0 beside its EN bit. */
static bool pmu_open(const struct arm_cpu *cpu, u8 trap, bool write)
{
    u64 en = cpu->sr.PMUSERENR_EL0;
    switch (trap) {
    case TRAP_PMU_SW:
        return en & (1 | 2);
    case TRAP_PMU_CY:
        return en & (write ? 1 : 1 | 4);
    default: /* TRAP_PMU_EV */
        return en & (write ? 1 : 1 | 8);
    }
}

static int pmu_trapped(const struct arm_cpu *cpu, u8 trap, bool write)
{
    if (cpu->el == 0 && !pmu_open(cpu, trap, write)) {
        return ACC_EL1;
    }
    if (cpu->el < 2 && cpu->mdcr & MDCR_TPM) {
        return ACC_EL2;
    }
    return cpu->el < 3 && cpu->sr.MDCR_EL3 & MDCR_TPM ? ACC_EL3 : ACC_OK;
}

/* CPACR_EL1.FPEN and CPTR_EL2.FPEN: 00 and 10 trap both levels, 01 traps EL0. */
static bool fpen_traps(u64 fpen, bool el0)
{
    return fpen == 1 ? el0 : fpen != 3;
}

int fp_trapped(const struct arm_cpu *cpu, unsigned el)
{
    bool e2h = cpu->hcr & HCR_E2H, host = arm_host_el0(cpu);
    if (el < 2 && !host && fpen_traps(bits(cpu->sr.CPACR_EL1, 20, 2), el == 0)) {
        return ACC_EL1;
    }
    if (el < 3 && arm_el2_enabled(cpu)) {
        u64 cptr = cpu->sr.CPTR_EL2;
        if (!e2h ? cptr >> 10 & 1 : fpen_traps(bits(cptr, 20, 2), el == 0 && host)) {
            return ACC_EL2;
        }
    }
    return arm_sys(cpu, SYS_EL3) && cpu->sr.CPTR_EL3 >> 10 & 1 ? ACC_EL3 : ACC_OK;
}

/* CNTKCTL_EL1, or CNTHCTL_EL2 at EL0 of a host regime, opens the timers to EL0. */
static bool cnt_open_el0(const struct arm_cpu *cpu, unsigned open_bit)
{
    return (arm_host_el0(cpu) ? cpu->sr.CNTHCTL_EL2 : cpu->sr.CNTKCTL_EL1) >> open_bit & 1;
}

/* CNTHCTL_EL2's EL1PCTEN and EL1PCEN lie at 0, 1 or, with E2H, at 10, 11. */
static bool cnt_open_el2(const struct arm_cpu *cpu, unsigned pc)
{
    if (!arm_el2_enabled(cpu) || cpu->el >= 2 || arm_host_el0(cpu)) {
        return true;
    }
    return cpu->sr.CNTHCTL_EL2 >> (cpu->hcr & HCR_E2H ? 10 + pc : pc) & 1;
}

static int counter_trapped(const struct arm_cpu *cpu, u8 trap)
{
    switch (trap) {
    case TRAP_CNTFRQ:
        return cpu->el == 0 && !cnt_open_el0(cpu, 0) && !cnt_open_el0(cpu, 1) ? ACC_EL1 : ACC_OK;
    case TRAP_CNTVCT:
        return cpu->el == 0 && !cnt_open_el0(cpu, 1) ? ACC_EL1 : ACC_OK;
    case TRAP_CNTPCT:
        if (cpu->el == 0 && !cnt_open_el0(cpu, 0)) {
            return ACC_EL1;
        }
        return cnt_open_el2(cpu, 0) ? ACC_OK : ACC_EL2;
    case TRAP_CNTV:
        return cpu->el == 0 && !cnt_open_el0(cpu, 8) ? ACC_EL1 : ACC_OK;
    case TRAP_CNTP:
        if (cpu->el == 0 && !cnt_open_el0(cpu, 9)) {
            return ACC_EL1;
        }
        return cnt_open_el2(cpu, 1) ? ACC_OK : ACC_EL2;
    default: /* TRAP_CNTPS: EL3 and, when SCR_EL3.ST lets it, Secure EL1 */
        if (cpu->el == 3) {
            return ACC_OK;
        }
        if (cpu->el != 1 || !arm_secure(cpu)) {
            return ACC_UNDEF;
        }
        return cpu->sr.SCR_EL3 & SCR_ST ? ACC_OK : ACC_EL3;
    }
}

/* RVBAR_ELx and RMR_ELx exist for the highest implemented level only. */
static int highest_trapped(const struct arm_cpu *cpu, const struct sysreg *r)
{
    unsigned highest = arm_sys(cpu, SYS_EL3) ? 3 : arm_sys(cpu, SYS_EL2) ? 2 : 1;
    unsigned op1 = SYSENC_OP1(r->enc), el = op1 == 6 ? 3 : op1 == 4 ? 2 : 1;
    return el == highest ? ACC_OK : ACC_UNDEF;
}

static int trapped_by_function(const struct arm_cpu *cpu, const struct sysreg *r)
{
    switch (r->trap) {
    case TRAP_SP_EL0:
        return cpu->spsel ? ACC_OK : ACC_UNDEF;
    case TRAP_FP:
        return fp_trapped(cpu, cpu->el) ? ACC_FP : ACC_OK;
    case TRAP_HIGHEST:
        return highest_trapped(cpu, r);
    default:
        return counter_trapped(cpu, r->trap);
    }
}

static bool rule_applies(const struct arm_cpu *cpu, const struct trap_rule *t)
{
    if ((t->to == 2 && !arm_el2_enabled(cpu)) || (t->to == 3 && !arm_sys(cpu, SYS_EL3))) {
        return false;
    }
    u32 off = t->host_off && arm_host_el0(cpu) ? t->host_off : t->off;
    u64 control = *(const u64 *)((const char *)cpu + off);
    return (control >> t->bit & 1) == t->when;
}

int sysreg_trapped(const struct arm_cpu *cpu, const struct sysreg *r, bool write)
{
    if (r->trap == TRAP_NONE || (cpu->el == 3 && r->trap < TRAP_BY_FUNCTION)) {
        return ACC_OK;
    }
    if (r->trap >= TRAP_BY_FUNCTION) {
        return trapped_by_function(cpu, r);
    }
    if (r->trap == TRAP_PMU_SW || r->trap == TRAP_PMU_CY || r->trap == TRAP_PMU_EV) {
        return pmu_trapped(cpu, r->trap, write);
    }
    const struct trap_rule *t = rules + first_rule[r->trap];
    for (; t < rules + ARRAY_LEN(rules) && t->trap == r->trap; t++) {
        if (t->els >> cpu->el & 1 && t->rw & (write ? ON_W : ON_R) && rule_applies(cpu, t)) {
            return t->to;
        }
    }
    return ACC_OK;
}
