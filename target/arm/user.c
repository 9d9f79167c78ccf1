/* User mode: EL0 as Linux sets it up for a program, and what becomes of exceptions there: no vector is entered, the
 * trap is recorded for the kernel's stand-in (user/).
 *
 * SPEC: Linux Documentation/arm64: booting, tagged-address-abi, cpu-feature-registers (reads of ID registers at EL0 are
 * emulated), pointer-authentication, elf_hwcaps. Not modelled: MTE, SVE, SME; the landing pad of a
 * signal's handler. */
#include <string.h>
#include <sys/random.h>

#include "base/bits.h"
#include "base/clock.h"
#include "target/arm/exceptions.h"
#include "target/arm/mmu.h"
#include "target/arm/models.h"
#include "target/arm/sysreg.h"

#define CTR_DIC BIT(29)
#define CTR_IDC BIT(28)

static void reset(struct vcpu *v)
{
    struct arm_cpu *cpu = arm_cpu(v);
    v->user = true;
    cpu->opts.psci = ARM_PSCI_NONE;
    v->target->reset(v);
    cpu->sys_features |= BIT(SYS_HOSTCLOCK);
    cpu->el = 0;
    cpu->spsel = 0;
    cpu->daif = 0;
    v->rt.r[31] = 0;
    cpu->sr.SCTLR_EL1 |= SCTLR_M | SCTLR_C | SCTLR_I | SCTLR_SA | SCTLR_SA0 | SCTLR_DZE | SCTLR_UCT | SCTLR_UCI |
                         SCTLR_NTWE | SCTLR_NTWI | SCTLR_ENIA | SCTLR_ENIB | SCTLR_ENDA | SCTLR_ENDB;
    cpu->sr.TCR_EL1 = 16 | 16ull << 16 | BIT(37); /* 48 bits each half, TBI0 */
    cpu->sr.CPACR_EL1 = 3 << 20;
    cpu->sr.CNTKCTL_EL1 = BIT(1);
    cpu->sr.HCR_EL2 |= HCR_APK | HCR_API;
    cpu->sr.SCR_EL3 |= SCR_NS | SCR_APK | SCR_API;
    cpu->sr.CPTR_EL2 &= ~(u64)BIT(10);
    cpu->sr.CTR_EL0 &= ~(u64)(CTR_DIC | CTR_IDC); /* programs announce new code with IC IVAU: nothing else is watched */
}

void arm_user_reset(struct vcpu *v)
{
    struct arm_cpu *cpu = arm_cpu(v);
    reset(v);
    u64 *keys[] = {&cpu->sr.APIAKeyLo_EL1, &cpu->sr.APIAKeyHi_EL1, &cpu->sr.APIBKeyLo_EL1, &cpu->sr.APIBKeyHi_EL1,
                   &cpu->sr.APDAKeyLo_EL1, &cpu->sr.APDAKeyHi_EL1, &cpu->sr.APDBKeyLo_EL1, &cpu->sr.APDBKeyHi_EL1,
                   &cpu->sr.APGAKeyLo_EL1, &cpu->sr.APGAKeyHi_EL1};
    u64 random[ARRAY_LEN(keys)];
    must(getrandom(random, sizeof(random), 0) == sizeof(random));
    for (unsigned i = 0; i < ARRAY_LEN(keys); i++) {
        *keys[i] = random[i];
    }
    v->target->loaded(v);
}

void arm_user_copy(struct vcpu *v, const struct vcpu *from)
{
    struct arm_user_state s;
    reset(v);
    arm_cpu(v)->sr = arm_cpu_const(from)->sr;
    v->target->loaded(v);
    arm_user_get(from, &s);
    arm_user_set(v, &s);
    memcpy(v->rt.r, from->rt.r, sizeof(v->rt.r));
    v->rt.pc = from->rt.pc;
}

/* -- state ------------------------------------------------------------------------------------------------------- */

void arm_user_get(const struct vcpu *v, struct arm_user_state *s)
{
    struct arm_cpu *cpu = arm_cpu((struct vcpu *)v);
    s->pstate = arm_pstate(cpu) & ~(u64)(PSTATE_DAIF | MASK(4));
    s->tpidr = cpu->tpidr_el[0];
    s->fpsr = (u32)fpsr_read(cpu, NULL);
    s->fpcr = cpu->fpcr;
    memcpy(s->v, cpu->v, sizeof(s->v));
}

void arm_user_set(struct vcpu *v, const struct arm_user_state *s)
{
    struct arm_cpu *cpu = arm_cpu(v);
    cpu->nzcv = arm_nzcv_to_flags((u32)s->pstate);
    cpu->btype = 0; /* checked at the branch, see docs/decisions/landing-pads.md */
    cpu->ssbs = (s->pstate & SPSR_SSBS) && arm_sys(cpu, SYS_SSBSX);
    cpu->dit = (s->pstate & SPSR_DIT) && arm_sys(cpu, SYS_DITX);
    cpu->tpidr_el[0] = s->tpidr;
    memcpy(cpu->v, s->v, sizeof(s->v));
    fpcr_write(cpu, NULL, s->fpcr);
    fpsr_write(cpu, NULL, s->fpsr);
}

u64 arm_user_tls(const struct vcpu *v)
{
    return arm_cpu_const(v)->tpidr_el[0];
}
void arm_user_set_tls(struct vcpu *v, u64 tpidr)
{
    arm_cpu(v)->tpidr_el[0] = tpidr;
}
u64 arm_user_midr(const struct vcpu *v)
{
    return arm_cpu_const(v)->sr.MIDR_EL1;
}

/* -- what the program is told of the processor --------------------------------------------------------------------- */

/* Bits of AT_HWCAP (word 0) and AT_HWCAP2 (word 1): set when a field of an ID register is at least `least`. A field
 * that is signed says "none" with 15. */
struct hwcap {
    u8 word, bit;
    u16 reg;
    u8 shift, least;
    bool is_signed;
};
#define CAP(word, bit, reg, shift, least) \
    { \
        word, bit, offsetof(struct arm_sysregs, ID_AA64##reg##_EL1), shift, least, false \
    }
#define SCAP(word, bit, reg, shift, least) \
    { \
        word, bit, offsetof(struct arm_sysregs, ID_AA64##reg##_EL1), shift, least, true \
    }
// clang-format off
static const struct hwcap hwcaps[] = {
    SCAP(0, 0, PFR0, 16, 0),  /* FP */         SCAP(0, 1, PFR0, 20, 0),  /* ASIMD */
    CAP(0, 3, ISAR0, 4, 1),   /* AES */        CAP(0, 4, ISAR0, 4, 2),   /* PMULL */
    CAP(0, 5, ISAR0, 8, 1),   /* SHA1 */       CAP(0, 6, ISAR0, 12, 1),  /* SHA2 */
    CAP(0, 7, ISAR0, 16, 1),  /* CRC32 */      CAP(0, 8, ISAR0, 20, 2),  /* ATOMICS */
    SCAP(0, 9, PFR0, 16, 1),  /* FPHP */       SCAP(0, 10, PFR0, 20, 1), /* ASIMDHP */
    CAP(0, 12, ISAR0, 28, 1), /* ASIMDRDM */   CAP(0, 13, ISAR1, 12, 1), /* JSCVT */
    CAP(0, 14, ISAR1, 16, 1), /* FCMA */       CAP(0, 15, ISAR1, 20, 1), /* LRCPC */
    CAP(0, 16, ISAR1, 0, 1),  /* DCPOP */      CAP(0, 17, ISAR0, 32, 1), /* SHA3 */
    CAP(0, 20, ISAR0, 44, 1), /* ASIMDDP */    CAP(0, 21, ISAR0, 12, 2), /* SHA512 */
    CAP(0, 23, ISAR0, 48, 1), /* ASIMDFHM */   CAP(0, 24, PFR0, 48, 1),  /* DIT */
    CAP(0, 25, MMFR2, 32, 1), /* USCAT */      CAP(0, 26, ISAR1, 20, 2), /* ILRCPC */
    CAP(0, 27, ISAR0, 52, 1), /* FLAGM */      CAP(0, 28, PFR1, 4, 2),   /* SSBS */
    CAP(0, 29, ISAR1, 36, 1), /* SB */         CAP(0, 30, ISAR1, 4, 1),  /* PACA: QARMA5 */
    CAP(0, 30, ISAR1, 8, 1),  /* PACA: IMPDEF */ CAP(0, 31, ISAR1, 24, 1), /* PACG: QARMA5 */
    CAP(0, 31, ISAR1, 28, 1), /* PACG: IMPDEF */
    CAP(1, 0, ISAR1, 0, 2),   /* DCPODP */     CAP(1, 7, ISAR0, 52, 2),  /* FLAGM2 */
    CAP(1, 8, ISAR1, 32, 1),  /* FRINT */      CAP(1, 13, ISAR1, 52, 1), /* I8MM */
    CAP(1, 14, ISAR1, 44, 1), /* BF16 */       CAP(1, 16, ISAR0, 60, 1), /* RNG */
    CAP(1, 17, PFR1, 0, 1),   /* BTI */
};
// clang-format on
#define HWCAP_CPUID BIT(11)

void arm_user_hwcap(const struct vcpu *v, u64 hwcap[2])
{
    const struct arm_cpu *cpu = arm_cpu_const(v);
    hwcap[0] = HWCAP_CPUID;
    hwcap[1] = 0;
    for (unsigned i = 0; i < ARRAY_LEN(hwcaps); i++) {
        const struct hwcap *h = &hwcaps[i];
        u64 reg;
        memcpy(&reg, (const u8 *)&cpu->sr + h->reg, sizeof(reg));
        unsigned field = reg >> h->shift & 15;
        if (field >= h->least && !(h->is_signed && field == 15)) {
            hwcap[h->word] |= BIT(h->bit);
        }
    }
}

/* What Linux lets a program see of the ID registers: instruction sets, not the levels above. */
static const struct {
    u16 enc; /* CRm << 3 | op2 of op0 = 3, op1 = 0, CRn = 0 */
    u16 reg;
    u64 mask;
} id_views[] = {
    {4 << 3 | 0, offsetof(struct arm_sysregs, ID_AA64PFR0_EL1), 0x000f0000000f0000ull | 15ull << 20},
    {4 << 3 | 1, offsetof(struct arm_sysregs, ID_AA64PFR1_EL1), 0xff},
    {6 << 3 | 0, offsetof(struct arm_sysregs, ID_AA64ISAR0_EL1), 0xf0fffffff0fffff0ull},
    {6 << 3 | 1, offsetof(struct arm_sysregs, ID_AA64ISAR1_EL1), 0x00ffffffffffffffull},
    {6 << 3 | 2, offsetof(struct arm_sysregs, ID_AA64ISAR2_EL1), 0xffff},
    {7 << 3 | 2, offsetof(struct arm_sysregs, ID_AA64MMFR2_EL1), 15ull << 32},
};

/* MRS Xt, of a register in the space that identifies the processor: 3, 0, c0, c0..c7, n. */
static bool emulate_id_read(struct arm_cpu *cpu, u64 pc)
{
    u32 insn;
    memcpy(&insn, ram_base + pc, sizeof(insn));
    if ((insn & 0xfffff800) >> 11 << 11 != 0xd5380000) {
        return false;
    }
    unsigned enc = insn >> 5 & 63;
    u64 val = enc == 0 ? cpu->sr.MIDR_EL1 : enc == 5 ? BIT(31) : enc == 6 ? cpu->sr.REVIDR_EL1 : 0;
    for (unsigned i = 0; i < ARRAY_LEN(id_views); i++) {
        if (id_views[i].enc == enc) {
            memcpy(&val, (const u8 *)&cpu->sr + id_views[i].reg, sizeof(val));
            val &= id_views[i].mask;
        }
    }
    if ((insn & 31) != 31) {
        cpu->vcpu.rt.r[insn & 31] = val;
    }
    cpu->vcpu.rt.pc = pc + 4;
    return true;
}

/* One of the space that implementations fill: what the vdso makes its functions of. */
u64 host_clock_read(struct arm_cpu *cpu UNUSED, const struct sysreg *r)
{
    return clock_of_host(r->arg);
}

/* -- traps --------------------------------------------------------------------------------------------------------- */

static enum trap_kind trap_kind_of(u64 esr)
{
    switch (esr >> 26 & 63) {
    case EC_SVC:
        return UTRAP_SYSCALL;
    case EC_IABT_LOWER:
    case EC_DABT_LOWER:
        return (esr & 63) == FSC_ALIGNMENT ? UTRAP_ALIGN : UTRAP_MEMORY;
    case EC_PC_ALIGN:
    case EC_SP_ALIGN:
        return UTRAP_ALIGN;
    case EC_BRK:
    case EC_BREAK_LOWER:
    case EC_WATCH_LOWER:
        return UTRAP_BREAK;
    case EC_STEP_LOWER:
        return UTRAP_STEP;
    default:
        return UTRAP_ILLEGAL;
    }
}

void arm_user_trap(struct arm_cpu *cpu, u64 esr, u64 pc)
{
    struct vcpu *v = &cpu->vcpu;
    unsigned ec = esr >> 26 & 63;
    v->rt.pc = pc;
    if ((ec == EC_UNKNOWN || ec == EC_SYSREG) && emulate_id_read(cpu, pc)) {
        return;
    }
    cpu->excl = EXCL_NONE;
    if (cpu->excl_mode) {
        cpu->excl_mode = false;
        arm_mode_update(cpu);
    }
    v->trap = (struct trap){
        .kind = (u8)trap_kind_of(esr),
        .access = ec == EC_IABT_LOWER                     ? MMU_FETCH
                  : ec == EC_DABT_LOWER && (esr & BIT(6)) ? MMU_STORE
                                                          : MMU_LOAD,
        .code = (u32)esr,
        .addr = ec == EC_IABT_LOWER || ec == EC_DABT_LOWER || ec == EC_PC_ALIGN ? cpu->sr.FAR_EL1 : pc,
    };
    __atomic_fetch_or(&v->rt.event, EVENT_TARGET, __ATOMIC_SEQ_CST);
}
