/* Vector instructions that no op of the IR does. */
#include <stdlib.h>

#include "base/bits.h"
#include "target/i386/helpers.h"

/* Eight sums of four differences: bytes of a from i on against four of b. imm bit 2: a from byte 4 on; bits 1:0: which
 * four of b. */
void x86_h_mpsadbw(union v128 *r, const union v128 *a, const union v128 *b, u64 imm)
{
    unsigned at = imm & 4, of = 4 * (imm & 3);
    union v128 out;
    for (unsigned i = 0; i < 8; i++) {
        unsigned sum = 0;
        for (unsigned k = 0; k < 4; k++) {
            sum += (unsigned)abs(a->b[at + i + k] - b->b[of + k]);
        }
        lane_set(&out, 1, i, sum);
    }
    *r = out;
}

void x86_h_phminposuw(union v128 *r, const union v128 *a)
{
    unsigned best = 0;
    for (unsigned i = 1; i < 8; i++) {
        best = lane_get(a, 1, i) < lane_get(a, 1, best) ? i : best;
    }
    *r = (union v128){.d = {lane_get(a, 1, best) | best << 16, 0}};
}
