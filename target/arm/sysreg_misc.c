/* Identification, PSTATE fields, floating-point control, random numbers: hooks of sysregs.def with little behind them.
 */
#include "base/log.h"
#include "target/arm/exceptions.h"
#include "target/arm/helpers.h"
#include "target/arm/models.h"
#include "target/arm/sysreg.h"

/* -- identification ------------------------------------------------------------------------------------------ */

u64 midr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return cpu->el == 1 && arm_el2_enabled(cpu) ? cpu->sr.VPIDR_EL2 : cpu->sr.MIDR_EL1;
}

u64 mpidr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return cpu->el == 1 && arm_el2_enabled(cpu) ? cpu->sr.VMPIDR_EL2 : arm_mpidr(&cpu->vcpu);
}

u64 pfr0_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return deposit(cpu->sr.ID_AA64PFR0_EL1, 24, 4, arm_sys(cpu, SYS_GICV3));
}

u64 ccsidr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return cpu->model->ccsidr[cpu->sr.CSSELR_EL1 & 15];
}

u64 dczid_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return 4 | (cpu->elc[cpu->el].mode & MODE_ZVA ? 0 : BIT(4)); /* 1 << 4 words */
}

/* -- PSTATE ----------------------------------------------------------------------------------------------------- */

u64 spsel_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return cpu->spsel;
}
void spsel_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    arm_sp_save(cpu);
    cpu->spsel = v & 1;
    arm_sp_load(cpu);
    arm_mode_update(cpu);
}
u64 currentel_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return (u64)cpu->el << 2;
}
u64 pan_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return cpu->pan ? SPSR_PAN : 0;
}
void pan_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    cpu->pan = !!(v & SPSR_PAN);
    arm_context_update(cpu);
}
u64 uao_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return cpu->uao ? SPSR_UAO : 0;
}
void uao_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    cpu->uao = !!(v & SPSR_UAO);
    arm_context_update(cpu);
}
u64 nzcv_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return arm_flags_to_nzcv(cpu->nzcv);
}
void nzcv_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    cpu->nzcv = arm_nzcv_to_flags((u32)v);
}
u64 daif_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return cpu->daif;
}
void daif_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    arm_h_daif_write(&cpu->vcpu, v);
}
u64 dit_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return cpu->dit ? SPSR_DIT : 0;
}
void dit_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    cpu->dit = !!(v & SPSR_DIT);
}
u64 ssbs_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return cpu->ssbs ? SPSR_SSBS : 0;
}
void ssbs_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    cpu->ssbs = !!(v & SPSR_SSBS);
}

/* MSR (immediate): op is op1:op2. The levels allowed are those of the register forms. */
void arm_h_msr_imm(struct vcpu *v, u64 op, u64 crm, u64 next)
{
    static const struct {
        u8 op, pos;
        u16 enc;
    } fields[] = {
        {0 << 3 | 3, 23, SYSENC(3, 0, 4, 2, 4)}, /* UAO */
        {0 << 3 | 4, 22, SYSENC(3, 0, 4, 2, 3)}, /* PAN */
        {0 << 3 | 5, 0, SYSENC(3, 0, 4, 2, 0)},  /* SPSel */
        {3 << 3 | 1, 12, SYSENC(3, 3, 4, 2, 6)}, /* SSBS */
        {3 << 3 | 2, 24, SYSENC(3, 3, 4, 2, 5)}, /* DIT */
    };
    struct arm_cpu *cpu = arm_cpu(v);
    for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
        if (fields[i].op == op) {
            arm_sysreg_write(cpu, fields[i].enc, 31, (u64)(crm & 1) << fields[i].pos);
            v->rt.pc = next;
            return;
        }
    }
    if (op != (3 << 3 | 6) && op != (3 << 3 | 7)) {
        arm_undefined(cpu);
    }
    if (cpu->el == 0 && !(cpu->mode & MODE_UMA)) { /* op0 0, CRn 4, Rt 31 */
        arm_raise(cpu, 1, arm_esr(EC_SYSREG, (u32)(op & 7) << 17 | 3 << 14 | 4 << 10 | 31 << 5 | (u32)crm << 1));
    }
    arm_h_daif_write(v, op & 1 ? cpu->daif & ~(u32)(crm << 6) : cpu->daif | crm << 6);
    v->rt.pc = next;
}

/* -- floating point ---------------------------------------------------------------------------------------------- */

#define FPSR_QC BIT(27)

/* While translated code does not run, the guest's host control word lies in rt.host_fp: its flags are the guest's. */
static u32 host_flags(const struct arm_cpu *cpu)
{
#if defined(__x86_64__)
    u32 m = cpu->vcpu.rt.host_fp; /* MXCSR: IE, DE, ZE, OE, UE, PE */
    return (m & 1 ? FP_INVALID : 0) | (m & 4 ? FP_DIVZERO : 0) | (m & 8 ? FP_OVERFLOW : 0) |
           (m & 16 ? FP_UNDERFLOW : 0) | (m & 32 ? FP_INEXACT : 0);
#else
    return cpu->vcpu.rt.host_fp & 31; /* FPCR's bits above, FPSR's below */
#endif
}

/* All exceptions masked, no flags; rmode as FPCR.RMode. */
void arm_host_fp_set(struct arm_cpu *cpu, unsigned rmode)
{
#if defined(__x86_64__)
    static const u8 rc[4] = {0, 2, 1, 3};
    cpu->vcpu.rt.host_fp = (cpu->vcpu.rt.host_fp & 0x3f) | 0x1f80 | (u32)rc[rmode] << 13;
#else
    cpu->vcpu.rt.host_fp = (cpu->vcpu.rt.host_fp & 31) | rmode << 22;
#endif
}

u64 fpcr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return cpu->fpcr;
}
void fpcr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    u32 mask = 7 << 24 | 3 << 22 | (arm_feat(cpu, ARM_FEAT_FP16) ? 1 << 19 : 0);
    (void)r;
    cpu->fpcr = (u32)v & mask;
    arm_fpcr_changed(cpu);
}

u64 fpsr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    u32 f = cpu->fp.flags | host_flags(cpu);
    (void)r;
    return (f & (FP_INVALID | FP_DIVZERO | FP_OVERFLOW | FP_UNDERFLOW | FP_INEXACT)) |
           (f & FP_INPUT_DENORMAL ? BIT(7) : 0) | (cpu->qc.d[0] | cpu->qc.d[1] ? FPSR_QC : 0);
}
void fpsr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    cpu->fp.flags = (u32)(v & 31) | (v & BIT(7) ? FP_INPUT_DENORMAL : 0);
    cpu->qc.d[0] = cpu->qc.d[1] = v & FPSR_QC ? ~0ull : 0;
#if defined(__x86_64__)
    cpu->vcpu.rt.host_fp &= ~0x3fu;
#else
    cpu->vcpu.rt.host_fp &= ~31u;
#endif
}
_Static_assert(FP_INVALID == 1 && FP_DIVZERO == 2 && FP_OVERFLOW == 4 && FP_UNDERFLOW == 8 && FP_INEXACT == 16,
               "the five IEEE flags lie as in FPSR");

/* -- exceptions -------------------------------------------------------------------------------------------------- */

u64 rvbar_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return cpu->opts.rvbar;
}
u64 rmr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)cpu;
    (void)r;
    return 1; /* AA64 */
}
void rmr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    if (v & 2) {
        unimp(cpu->vcpu.name, "warm reset by RMR_ELx");
    }
}
u64 isr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return arm_isr(cpu);
}

/* DISR_EL1 is VDISR_EL2 to a guest whose SErrors are virtual. */
u64 disr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    (void)r;
    return cpu->el == 1 && cpu->hcr & HCR_AMO ? cpu->sr.VDISR_EL2 : cpu->sr.DISR_EL1;
}
void disr_write(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    *(cpu->el == 1 && cpu->hcr & HCR_AMO ? &cpu->sr.VDISR_EL2 : &cpu->sr.DISR_EL1) = v;
}

/* NZCV says whether a number was there: it always is. The translator sets it. */
u64 rndr_read(struct arm_cpu *cpu, const struct sysreg *r)
{
    u64 v;
    (void)cpu;
    (void)r;
    entropy_fill(&v, sizeof(v));
    return v;
}
