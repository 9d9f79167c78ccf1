/* CRC32 without an instruction for it: bit-reflected division, eight bits a table look-up. */
#include <pthread.h>

#include "tcg/eval.h"

struct crc_table {
    u32 t[8][256]; /* [k]: of a byte with k zero bytes behind it */
};
static struct crc_table tables[2];

static void table_make(struct crc_table *c, u32 poly)
{
    for (u32 i = 0; i < 256; i++) {
        u32 r = i;
        for (unsigned k = 0; k < 8; k++) {
            r = r & 1 ? r >> 1 ^ poly : r >> 1;
        }
        c->t[0][i] = r;
    }
    for (unsigned k = 1; k < 8; k++) {
        for (u32 i = 0; i < 256; i++) {
            u32 r = c->t[k - 1][i];
            c->t[k][i] = r >> 8 ^ c->t[0][r & 0xff];
        }
    }
}

static void tables_make(void)
{
    table_make(&tables[CRC_IEEE], 0xedb88320);
    table_make(&tables[CRC_CASTAGNOLI], 0x82f63b78);
}

u32 eval_crc32(unsigned es, unsigned poly, u32 acc, u64 val)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, tables_make);
    unsigned bytes = 1u << es;
    u64 x = val ^ acc;
    u32 r = bytes < 4 ? acc >> 8 * bytes : 0;
    for (unsigned k = bytes; k-- > 0; x >>= 8) {
        r ^= tables[poly].t[k][x & 0xff];
    }
    return r;
}
