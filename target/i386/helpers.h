/* Functions that translated code calls: helpers.def says what each does. */
#ifndef MOSS_TARGET_I386_HELPERS_H
#define MOSS_TARGET_I386_HELPERS_H

#include "target/i386/helpers_control.h"
#include "target/vcpu.h"

void x86_h_code_look(struct vcpu *v, u64 pc, u64 n, u64 sum);
void x86_h_raise(struct vcpu *v, u64 vector, u64 error);
void x86_h_seg_check(struct vcpu *v, u64 seg, u64 offset, u64 n, u64 write);
u64 x86_h_divide(struct vcpu *v, u64 low, u64 high, u64 divisor, u64 key);
void x86_h_decimal(struct vcpu *v, u64 what);
u64 x86_h_rotate_carry(u64 value, u64 cf, u64 key);
u64 x86_h_rotate_carry_flags(u64 value, u64 cf, u64 key);
u64 x86_h_pext(u64 value, u64 mask);
u64 x86_h_pdep(u64 value, u64 mask);
u64 x86_h_locked_neg(struct vcpu *v, u64 va, u64 n);
void x86_h_cmpxchg16b(struct vcpu *v, u64 va);
void x86_h_enter(struct vcpu *v, u64 frame, u64 level, u64 n);
u64 x86_h_string(struct vcpu *v, u64 word);
void x86_h_flags_write(struct vcpu *v, u64 value, u64 n);
void x86_h_x87(struct vcpu *v, u64 key, u64 addr, u64 data);
void x86_h_x87_wait(struct vcpu *v);
void x86_h_x87_plain(struct vcpu *v, u64 none, u64 word);
void x86_h_x87_mem(struct vcpu *v, u64 addr, u64 word, u64 mo);
u64 x86_h_x87_flags(struct vcpu *v, u64 none, u64 word);
void x86_h_x87_select(struct vcpu *v, u64 moves, u64 word);
u64 x86_h_x87_status(struct vcpu *v, u64 none, u64 word);
void x86_h_x87_control(struct vcpu *v, u64 fcw, u64 word);
void x86_h_ldmxcsr(struct vcpu *v, u64 value);
u64 x86_h_stmxcsr(struct vcpu *v);
void x86_h_fxsave(struct vcpu *v, u64 va, u64 how);
void x86_h_fxrstor(struct vcpu *v, u64 va, u64 how);
void x86_h_xsave(struct vcpu *v, u64 va, u64 how);
void x86_h_xrstor(struct vcpu *v, u64 va, u64 how);
void x86_h_store_check(struct vcpu *v, u64 va, u64 n);
void x86_h_fp_begin(struct vcpu *v);
void x86_h_fp_end(struct vcpu *v, u64 mmx);

void x86_h_int(struct vcpu *v, u64 vector, u64 next);
void x86_h_syscall(struct vcpu *v, u64 next);
void x86_h_sysenter(struct vcpu *v, u64 next);
void x86_h_cpuid(struct vcpu *v);
u64 x86_h_tsc(struct vcpu *v);
u64 x86_h_tsc_aux(struct vcpu *v);
u64 x86_h_hostclock(struct vcpu *v, u64 id);
u64 x86_h_random(struct vcpu *v);
u64 x86_h_xcr(struct vcpu *v, u64 n);
u64 x86_h_seg_read(struct vcpu *v, u64 seg);
void x86_h_seg_load(struct vcpu *v, u64 seg, u64 sel);
u64 x86_h_base_read(struct vcpu *v, u64 seg);
void x86_h_base_write(struct vcpu *v, u64 seg, u64 base);

void x86_h_mpsadbw(union v128 *r, const union v128 *a, const union v128 *b, u64 imm);
void x86_h_phminposuw(union v128 *r, const union v128 *a);
void x86_h_masked_load(struct vcpu *v, union v128 *ret, u64 va, const union v128 *mask, u64 es);
void x86_h_masked_check(struct vcpu *v, u64 va, const union v128 *mask, u64 es);
void x86_h_masked_store(struct vcpu *v, u64 va, const union v128 *mask, const union v128 *x, u64 es);
void x86_h_gather(struct vcpu *v, u64 base, u64 word);
u64 x86_h_string_compare(const union v128 *a, const union v128 *b, u64 key);
void x86_h_string_mask(union v128 *out, u64 word, u64 imm);
void x86_h_sha1rnds4(union v128 *r, const union v128 *a, const union v128 *b, u64 which);
void x86_h_sha1msg2(union v128 *r, const union v128 *a, const union v128 *b);
void x86_h_sha256rnds2(union v128 *r, const union v128 *a, const union v128 *b, const union v128 *wk);
void x86_h_sha256msg1(union v128 *r, const union v128 *a, const union v128 *b);
void x86_h_sha256msg2(union v128 *r, const union v128 *a, const union v128 *b);
u64 x86_h_3dnow(u64 op, u64 a, u64 b);

#endif
