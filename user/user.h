/* Linux user-mode emulation: runs one program of another architecture on this host's kernel. What main.c and
 * the registries may know of it. */
#ifndef MOSS_USER_USER_H
#define MOSS_USER_USER_H

#include "base/types.h"

struct user_abi; /* user_priv.h */

/* Each is a folder user/abi_NAME. */
extern const struct user_abi user_abi_aarch64, user_abi_x86_64, user_abi_i386;
extern const struct user_abi *const registry_abis[]; /* registry_user.c: all of them, NULL at the end */

/* The ABI a name like "moss-aarch64", "qemu-aarch64-static" or "/usr/libexec/qemu-binfmt/aarch64-binfmt-P" asks for;
 * NULL: none of them. `abis` ends with NULL. */
const struct user_abi *user_abi_by_name(const struct user_abi *const *abis, const char *argv0);
int user_main(const struct user_abi *abi, int argc, char **argv, char **envp);

#endif
