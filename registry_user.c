/* The ABIs of user mode that this build holds: the one list, of both binaries. */
#include "user/user.h"

const struct user_abi *const registry_abis[] = {&user_abi_aarch64, &user_abi_x86_64, &user_abi_i386, NULL};
