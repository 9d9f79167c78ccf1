/* moss-user: user mode and nothing else, linked static, for roots in which there is no library of the host. */
#include "user/user.h"

int main(int argc, char **argv, char **envp)
{
    const struct user_abi *abi = user_abi_by_name(registry_abis, argv[0]);
    return user_main(abi ? abi : registry_abis[0], argc, argv, envp);
}
