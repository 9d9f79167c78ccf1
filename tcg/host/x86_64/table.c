/* Constants all blocks share, in front of the thunks. */
#include "tcg/host/x86_64/x_priv.h"

u32 x_write_table(u8 *p)
{
    static const u64 table[T_COUNT][2] = {
#define _(name, lo, hi) {lo, hi},
        X_TABLE(_)
#undef _
    };
    memcpy(p, table, sizeof(table));
    return sizeof(table);
}
