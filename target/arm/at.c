/* Address translation instructions: AT (DDI 0487, C5.4), the result in PAR_EL1. */
#include "target/arm/exceptions.h"
#include "target/arm/mmu.h"
#include "target/arm/sysreg.h"

#define PAR_F    BIT(0)
#define PAR_PTW  BIT(8)
#define PAR_S    BIT(9) /* failed; NS when it worked */
#define PAR_RES1 BIT(11)

static void question(struct arm_cpu *cpu, enum at_kind kind, struct xlat *q)
{
    *q = (struct xlat){
        .cpu = cpu,
        .regime = cpu->el >= 2 && arm_host_el0(cpu) ? REGIME_EL20 : REGIME_EL10,
        .secure = arm_secure_below_el3(cpu),
        .only_s1 = true,
        .no_update = true,
    };
    switch (kind) {
    case AT_S1E1:
        break;
    case AT_S1E1P:
        q->pan = cpu->pan;
        break;
    case AT_S1E0:
        q->el0 = true;
        break;
    case AT_S1E2:
        q->regime = cpu->hcr & HCR_E2H ? REGIME_EL20 : REGIME_EL2;
        break;
    case AT_S12E1:
    case AT_S12E0:
        q->regime = REGIME_EL10;
        q->only_s1 = false;
        q->el0 = kind == AT_S12E0;
        break;
    case AT_S1E3:
        q->regime = REGIME_EL3;
        q->secure = true;
        break;
    }
}

static u64 par_of(const struct xlat *q, bool ok, const struct xlat_out *o)
{
    if (!ok) {
        return PAR_F | PAR_RES1 | (u64)o->fsc << 1 | (o->s1ptw ? PAR_PTW : 0) | (o->s2 ? PAR_S : 0);
    }
    bool ns = !q->secure || o->ns;
    return (o->pa & MASK(48) & ~MASK(12)) | (u64)o->attr << 56 | (u64)o->sh << 7 | (ns ? PAR_S : 0) | PAR_RES1;
}

void at_write(struct arm_cpu *cpu, const struct sysreg *r, u64 va)
{
    struct xlat q;
    struct xlat_out o;
    question(cpu, r->arg >> 1, &q);
    q.acc = r->arg & 1 ? MMU_STORE : MMU_LOAD;
    if (cpu->el == 3 && q.regime == REGIME_EL2 && !arm_sys(cpu, SYS_EL2)) {
        arm_undefined(cpu);
    }
    bool ok = mmu_translate(&q, va, &o);
    if (!ok && o.s2 && o.s1ptw && cpu->el == 1) {
        mmu_abort_cm(cpu, va, &o); /* a second-stage fault of the walk is EL2's to see */
    }
    if (!ok && (o.fsc & ~3u) == FSC_EXTERNAL_WALK) {
        mmu_abort_cm(cpu, va, &o);
    }
    cpu->sr.PAR_EL1 = par_of(&q, ok, &o);
}
