/* Generic timers. */
#ifndef MOSS_TARGET_ARM_TIMER_H
#define MOSS_TARGET_ARM_TIMER_H

#include "target/arm/cpu.h"

void arm_timers_init(struct arm_cpu *cpu);
void arm_timers_reset(struct arm_cpu *cpu);
/* After a change from outside: a loaded state, a new offset. */
void arm_timers_update(struct arm_cpu *cpu);
u64 arm_counter(const struct arm_cpu *cpu);           /* CNTPCT */
u64 arm_event_stream_wait(const struct arm_cpu *cpu); /* ns until the next event of an event stream; ~0: none */

/* PMU (pmu.c) */
void arm_pmu_init(struct arm_cpu *cpu);
void arm_pmu_reset(struct arm_cpu *cpu);
void arm_pmu_update(struct arm_cpu *cpu);
void arm_pmu_level(struct arm_cpu *cpu, unsigned from); /* after a change of level while pmu_by_level */

#endif
