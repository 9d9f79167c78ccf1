/* What the files of this folder share. */
#ifndef MOSS_USER_ABI_AARCH64_H
#define MOSS_USER_ABI_AARCH64_H

#include "user/syscall.h"

/* table.c: by number. */
enum { AARCH64_NSYSCALLS = 451 };
extern const struct vdso_code aarch64_vdso;
extern const struct sys_row aarch64_syscalls[AARCH64_NSYSCALLS];

/* signal.c */
bool aarch64_push_frame(struct user_thread *t, int sig, const siginfo_t *si, const struct user_sigaction *act,
                        user_sigset old_mask, u64 sp);
bool aarch64_pop_frame(struct user_thread *t, user_sigset *mask);
bool aarch64_get_sigaction(u64 va, struct user_sigaction *act);
bool aarch64_put_sigaction(u64 va, const struct user_sigaction *act);
bool aarch64_get_siginfo(u64 va, siginfo_t *si);
bool aarch64_put_siginfo(u64 va, const siginfo_t *si);

#endif
