/* What the files of this folder share. */
#ifndef MOSS_USER_ABI_I386_H
#define MOSS_USER_ABI_I386_H

#include "target/i386/i386.h"
#include "user/abi_x86/abi_x86.h"

/* table.c: by number. */
enum { I386_NSYSCALLS = 451 };
extern const struct sys_row i386_syscalls[I386_NSYSCALLS];
/* vdso.c: where rt_sigreturn is, from user_image.sigreturn. */
extern const struct vdso_code i386_vdso;
extern const u32 i386_rt_sigreturn;

/* signal.c */
void i386_set_selectors(struct vcpu *cpu, const struct x86_user_state *s); /* all but the code segment's */
bool i386_push_frame(struct user_thread *t, int sig, const siginfo_t *si, const struct user_sigaction *act,
                     user_sigset old_mask, u64 sp);
bool i386_pop_frame(struct user_thread *t, user_sigset *mask);
bool i386_pop_old_frame(struct user_thread *t, user_sigset *mask);

#endif
