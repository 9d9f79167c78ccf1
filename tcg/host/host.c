/* The back end for the machine moss runs on. */
#include "tcg/host/host.h"

const struct host *host_native(void)
{
#if defined(__x86_64__)
    return host_x86_64.unavailable() ? NULL : &host_x86_64;
#elif defined(__aarch64__)
    return &host_aarch64;
#else
    return NULL;
#endif
}
