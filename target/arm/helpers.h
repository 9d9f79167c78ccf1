/* The system level's functions that translated code calls: helpers.def says what each does. */
#ifndef MOSS_TARGET_ARM_HELPERS_H
#define MOSS_TARGET_ARM_HELPERS_H

#include "target/vcpu.h"

/* All integers are u64 (tcg/ir.h, struct ir_helper). */

void arm_h_undefined(struct vcpu *v);
void arm_h_exception(struct vcpu *v, u64 ec, u64 iss);
void arm_h_fp_trap(struct vcpu *v);
void arm_h_step_pending(struct vcpu *v);
void arm_h_step_done(struct vcpu *v, u64 pc, u64 exclusive);
void arm_h_svc(struct vcpu *v, u64 imm, u64 next);
void arm_h_hvc(struct vcpu *v, u64 imm, u64 next);
void arm_h_smc(struct vcpu *v, u64 imm, u64 next);
void arm_h_hlt(struct vcpu *v, u64 imm, u64 next);
void arm_h_eret(struct vcpu *v);
void arm_h_eret_auth(struct vcpu *v, u64 key);
u64 arm_h_sysreg_read(struct vcpu *v, u64 enc);
void arm_h_sysreg_write(struct vcpu *v, u64 enc, u64 val, u64 next);
void arm_h_sysreg_light(struct vcpu *v, u64 enc, u64 val);
void arm_h_msr_imm(struct vcpu *v, u64 op, u64 crm, u64 next);
void arm_h_daif_write(struct vcpu *v, u64 daif);
void arm_h_wfx(struct vcpu *v, u64 kind, u64 timeout);
void arm_h_sev(struct vcpu *v);
void arm_h_sevl(struct vcpu *v);
void arm_h_esb(struct vcpu *v);
u64 arm_h_pac(struct vcpu *v, u64 ptr, u64 modifier, u64 key);
u64 arm_h_aut(struct vcpu *v, u64 ptr, u64 modifier, u64 key);
u64 arm_h_pac_trap(struct vcpu *v, u64 ptr, u64 modifier, u64 key);
u64 arm_h_aut_trap(struct vcpu *v, u64 ptr, u64 modifier, u64 key);
u64 arm_h_pacga(struct vcpu *v, u64 a, u64 b);
u64 arm_h_xpac(struct vcpu *v, u64 ptr, u64 data);
void arm_h_break_check(struct vcpu *v);

#endif
