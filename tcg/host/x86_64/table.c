/* Constants all blocks share, 16 bytes each, in front of the thunks. */
#include "tcg/host/x86_64/x_priv.h"

u32 x_write_table(u8 *p)
{
    memset(p, 0, 16);
    return 16;
}
