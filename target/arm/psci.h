/* PSCI and SMCCC answered by moss itself (DEN 0022, DEN 0028). */
#ifndef MOSS_TARGET_ARM_PSCI_H
#define MOSS_TARGET_ARM_PSCI_H

#include "target/arm/cpu.h"

/* A powered-off cpu (vcpu.powered_off) that was told to start becomes pending; it sets itself up on its own thread. */
enum arm_power { POWER_NORMAL, POWER_ON_SETUP, POWER_ON_PENDING };
/* The call in x0..x3; the result in x0. rt.pc is the next instruction's. */
void arm_psci_call(struct arm_cpu *cpu);

#endif
