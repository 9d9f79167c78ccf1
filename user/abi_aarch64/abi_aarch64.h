/* What the files of this folder share. */
#ifndef MOSS_USER_ABI_AARCH64_H
#define MOSS_USER_ABI_AARCH64_H

#include "user/syscall.h"

/* table.c: by number. */
extern const struct sys_row aarch64_syscalls[];
extern const unsigned aarch64_nsyscalls;

#endif
