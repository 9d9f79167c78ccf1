/* moss: one binary under many names. */
#include "system/main.h"
#include "system/registry.h"
#include "user/user.h"

int main(int argc, char **argv, char **envp)
{
    const struct user_abi *abi = user_abi_by_name(registry_abis, argv[0]);
    if (abi) {
        return user_main(abi, argc, argv, envp);
    }
    registry_wire();
    return system_main(argc, argv);
}
