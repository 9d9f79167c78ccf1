/* What the ABIs of x86 share. */
#ifndef MOSS_USER_ABI_X86_H
#define MOSS_USER_ABI_X86_H

#include "user/syscall.h"

/* x86.c: members of struct user_abi */
void x86_trap_siginfo(const struct vcpu *cpu, siginfo_t *si);
void x86_hwcap(const struct vcpu *cpu, u64 cap[2]);
void x86_cpuinfo(const struct vcpu *cpu, unsigned ncpus, struct buf *out);
u64 x86_fault_code(const struct vcpu *cpu); /* of the last fault, as a signal frame has it */

/* fp_frame.c: below sp; gives where, 0: cannot be written. narrow: a program of 32 bits. */
u64 x86_fp_push(struct user_thread *t, u64 sp, bool narrow);
bool x86_fp_pop(struct user_thread *t, u64 at, bool narrow);

/* segments.c */
void x86_use_ldt(struct vcpu *cpu);
void x86_clone_tls(struct vcpu *cpu, u64 va); /* struct user_desc, of a new thread */
sys_fn sys_set_thread_area, sys_get_thread_area, sys_modify_ldt;

#endif
