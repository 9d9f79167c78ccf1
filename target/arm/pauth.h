/* Pointer authentication codes. */
#ifndef MOSS_TARGET_ARM_PAUTH_H
#define MOSS_TARGET_ARM_PAUTH_H

#include "target/arm/cpu.h"

/* Makes elc[el].pac anew (arm_rebuild). */
void arm_pauth_rebuild(struct arm_cpu *cpu, unsigned el);
enum pauth_key { PAUTH_IA, PAUTH_IB, PAUTH_DA, PAUTH_DB };
static inline bool arm_pauth_on(const struct arm_cpu *cpu, enum pauth_key key)
{
    return cpu->elc[cpu->el].keys >> key & 1;
}
/* Both give the pointer back as it is while the key is disabled. */
u64 arm_pauth_add(const struct arm_cpu *cpu, u64 ptr, u64 modifier, enum pauth_key key);
/* A pointer that does not authenticate comes back with an error code that makes its use fault. */
u64 arm_pauth_aut(const struct arm_cpu *cpu, u64 ptr, u64 modifier, enum pauth_key key);
/* Unwinds when HCR_EL2.API or SCR_EL3.API forbid the instruction here. */
void arm_pauth_trap(struct arm_cpu *cpu);
u64 arm_pauth_strip(const struct arm_cpu *cpu, u64 ptr, bool data);
/* The architected function a code may be made with; the whole 64 bits. */
u64 pauth_qarma5(u64 data, u64 modifier, u64 key_lo, u64 key_hi);

#endif
