/* Semihosting as a CPU calls it. */
#ifndef MOSS_SYSTEM_SEMIHOSTING_H
#define MOSS_SYSTEM_SEMIHOSTING_H

#include "target/target.h"

/* From a helper of the calling cpu: faults of the parameter block unwind. */
u64 semihosting_call(struct vcpu *cpu, u32 op, u64 param);

#endif
