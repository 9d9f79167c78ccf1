/* What the files of this folder share. */
#ifndef MOSS_USER_ABI_X86_64_H
#define MOSS_USER_ABI_X86_64_H

#include "user/abi_x86/abi_x86.h"

/* table.c: by number. */
enum { X86_64_NSYSCALLS = 451 };
extern const struct vdso_code x86_64_vdso;
extern const struct sys_row x86_64_syscalls[X86_64_NSYSCALLS];

/* signal.c */
bool x86_64_push_frame(struct user_thread *t, int sig, const siginfo_t *si, const struct user_sigaction *act,
                       user_sigset old_mask, u64 sp);
bool x86_64_pop_frame(struct user_thread *t, user_sigset *mask);
bool x86_64_get_sigaction(u64 va, struct user_sigaction *act);
bool x86_64_put_sigaction(u64 va, const struct user_sigaction *act);
bool x86_64_get_siginfo(u64 va, siginfo_t *si);
bool x86_64_put_siginfo(u64 va, const siginfo_t *si);

/* calls.c */
sys_fn sys_arch_prctl, sys_iopl, sys_ioperm;
bool x86_64_emulate(struct user_thread *t);

#endif
