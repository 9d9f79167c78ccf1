/* The instruction syndrome of a data abort that goes to EL2 (DDI 0487, ESR_ELx, ISS of EC 0x24: ISV, SAS, SSE, SRT, SF,
 * AR): valid for loads and stores of one general register without write-back. Hypervisors emulate devices by it. */
#include "target/arm/mmu.h"

#define ISS_ISV BIT(24)
#define ISS_AR  BIT(14)

/* size: log2 of the bytes; opc: 0 store, 1 load, 2 signed into X, 3 signed into W. */
static u32 syndrome(u32 insn, unsigned size, unsigned opc, bool acquire_release)
{
    bool sign = opc >= 2, x = opc == 2 || (opc < 2 && size == 3);
    return (u32)ISS_ISV | size << 22 | (u32)sign << 21 | (insn & 31) << 16 | (u32)x << 15 |
           (acquire_release ? (u32)ISS_AR : 0);
}

u32 arm_insn_syndrome(u32 insn)
{
    unsigned size = insn >> 30, opc = insn >> 22 & 3;
    if ((insn & 0x3ffffc00) == 0x38bfc000) { /* LDAPR */
        return syndrome(insn, size, 1, true);
    }
    if (size == 3 && opc >= 2 && (insn & 0x3a000000) == 0x38000000) {
        return 0; /* PRFM, unallocated */
    }
    if ((insn & 0x3f000000) == 0x39000000) { /* unsigned offset */
        return syndrome(insn, size, opc, false);
    }
    if ((insn & 0x3f200400) == 0x38000000 || (insn & 0x3f200c00) == 0x38200800) { /* LDUR, LDTR; register offset */
        return syndrome(insn, size, opc, false);
    }
    if ((insn & 0x3f000000) == 0x18000000 && size < 3) { /* literal */
        return size == 2 ? syndrome(insn, 2, 2, false) : syndrome(insn, 2 + size, 1, false);
    }
    if ((insn & 0x3fa00000) == 0x08800000) { /* LDAR, STLR, LDLAR, STLLR */
        return syndrome(insn, size, opc & 1, insn >> 15 & 1);
    }
    if ((insn & 0x3f200c00) == 0x19000000 && !(size == 3 && opc >= 2)) { /* LDAPUR, STLUR */
        return syndrome(insn, size, opc, true);
    }
    return 0;
}

/* The same of the instruction at pc; 0 when it can't be read. */
u32 arm_syndrome_at(struct arm_cpu *cpu, u64 pc)
{
    const struct arm_el *e = &cpu->elc[cpu->el];
    struct xlat q = {
        .cpu = cpu,
        .regime = e->regime,
        .secure = arm_secure(cpu),
        .el0 = cpu->el == 0,
        .acc = MMU_FETCH,
        .no_update = true,
    };
    struct mem_attrs attrs = {.is_cpu = true, .cpu = (u8)cpu->vcpu.index, .secure = q.secure};
    struct xlat_out o;
    u64 insn;
    if (!mmu_translate(&q, pc, &o) || mem_load(cpu->vcpu.space, o.pa, 4, &insn, attrs) != MEM_OK) {
        return 0;
    }
    return arm_insn_syndrome((u32)insn);
}
