/* The functions of a64/helpers.def. All integers are u64 (tcg/ir.h, struct ir_helper). */
#ifndef MOSS_TARGET_ARM_A64_HELPERS_H
#define MOSS_TARGET_ARM_A64_HELPERS_H

#include "target/arm/a64/helpers_simd.h"
#include "target/vcpu.h"

/* helpers_base.c */
void arm_h_misaligned(struct vcpu *v, u64 pc);
void arm_h_bti_branch(struct vcpu *v, u64 target, u64 btype);
u64 arm_h_fpreg_read(struct vcpu *v, u64 enc);
void arm_h_fpsr_write(struct vcpu *v, u64 enc, u64 val);
void arm_h_fpcr_write(struct vcpu *v, u64 enc, u64 val, u64 next);
void arm_h_clrex(struct vcpu *v);
u64 arm_h_ldx(struct vcpu *v, u64 va, u64 log2);
void arm_h_ldxp(struct vcpu *v, union v128 *ret, u64 va, u64 log2);
u64 arm_h_stx(struct vcpu *v, u64 va, u64 val, u64 log2);
u64 arm_h_stxp(struct vcpu *v, u64 va, const union v128 *val, u64 log2);
void arm_h_casp(struct vcpu *v, union v128 *ret, u64 va, const union v128 *expected, const union v128 *val);

#endif
