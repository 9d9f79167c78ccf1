/* Structures of signals where longs have 32 bits: what an ABI puts into its struct user_abi. */
#ifndef MOSS_USER_SIGNAL32_H
#define MOSS_USER_SIGNAL32_H

#include "user/user_priv.h"

bool siginfo32_put(u64 va, const siginfo_t *si);
bool siginfo32_get(u64 va, siginfo_t *si);
bool sigaction32_get(u64 va, struct user_sigaction *act);
bool sigaction32_put(u64 va, const struct user_sigaction *act);

#endif
