/* CPU models: what their identification registers say, and what moss makes of it. */
#ifndef MOSS_TARGET_ARM_MODELS_H
#define MOSS_TARGET_ARM_MODELS_H

#include "target/arm/cpu.h"

struct arm_model {
    const char *compatible; /* device tree */
    u64 ccsidr[16];         /* by CSSELR_EL1 */
    const struct arm_id {
        u32 off; /* of the register in struct arm_sysregs */
        u64 val;
    } * ids;
    unsigned nids;
    bool has_el2, has_el3;
};
extern const struct cpu_model arm_models[];

/* "cortex-a57,pmu=off": finds the model, applies the features, sets the identification registers. */
bool arm_model_apply(struct arm_cpu *cpu, const char *text, struct err *e);
/* features and sys_features from the identification registers. */
void arm_features_derive(struct arm_cpu *cpu);

#endif
