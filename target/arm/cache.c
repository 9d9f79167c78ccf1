/* Cache maintenance (DDI 0487, C5.3). There are no caches: operations by address check that the address translates, IC
 * tells the accelerator that code is coherent, DC ZVA writes. */
#include "target/arm/exceptions.h"
#include "target/arm/mmu.h"
#include "target/arm/sysreg.h"

enum { LINE = 64, ZVA_BYTES = 64 };

/* Operations by address need a translation; those that may lose data need to write. */
static void translate_or_abort(struct arm_cpu *cpu, u64 va, enum mmu_access acc)
{
    const struct arm_el *e = &cpu->elc[cpu->el];
    struct xlat q = {
        .cpu = cpu,
        .regime = e->regime,
        .secure = arm_secure(cpu),
        .el0 = cpu->el == 0,
        .acc = acc,
        .no_update = true,
    };
    struct xlat_out o;
    if (cpu->vcpu.user) {
        return; /* there are no page tables: user mode tolerates what Linux would refuse */
    }
    if (!mmu_translate(&q, va, &o)) {
        /* at EL0 the page must be readable; above only translation faults count */
        if (cpu->el == 0 || (o.fsc & ~3u) != FSC_PERMISSION || acc == MMU_STORE) {
            mmu_abort_cm(cpu, va, &o);
        }
    }
}

void ic_all(struct arm_cpu *cpu, const struct sysreg *r, u64 v)
{
    (void)r;
    (void)v;
    cpu->vcpu.sv->code_sync(&cpu->vcpu, 0, ~0ull);
}

void ic_ivau(struct arm_cpu *cpu, const struct sysreg *r, u64 va)
{
    (void)r;
    translate_or_abort(cpu, va, MMU_LOAD);
    cpu->vcpu.sv->code_sync(&cpu->vcpu, va & ~(u64)(LINE - 1), LINE);
}

void dc_va(struct arm_cpu *cpu, const struct sysreg *r, u64 va)
{
    bool ivac = SYSENC_OP1(r->enc) == 0;
    translate_or_abort(cpu, va, ivac ? MMU_STORE : MMU_LOAD);
}

void dc_zva(struct arm_cpu *cpu, const struct sysreg *r, u64 va)
{
    const u8 zero[16] = {0};
    struct vcpu *v = &cpu->vcpu;
    (void)r;
    /* C5.3.8: an alignment fault. Where all is Device memory nothing else tells. */
    if (arm_all_device(cpu, cpu->elc[cpu->el].regime) || v->sv->is_device(v, va, MMU_STORE, ARM_VIEW_NORMAL)) {
        v->rt.pc = v->sv->helper_pc(v);
        v->target->fault(v, FAULT_ALIGN, va, MMU_STORE, 1, ARM_VIEW_NORMAL, NULL);
        v->sv->unwind(v);
    }
    va &= ~(u64)(ZVA_BYTES - 1);
    for (unsigned i = 0; i < ZVA_BYTES; i += sizeof(zero)) {
        v->sv->store(v, va + i, zero, sizeof(zero), ARM_VIEW_NORMAL);
    }
}
