/* See x86_images.h. */
#include "tests/diff/x86_images.h"

#include <string.h>

#include "base/bits.h"
#include "tests/diff/x86_values.h"

enum { AT_MXCSR = 24, AT_ST = 32, AT_XMM = 160, AT_BV = 512, AT_COMP = 520, AT_REST = 528, AT_AVX = 576 };
enum { NO_COMPONENTS = 0x3f00000 }; /* bits of components that no processor has */

bool x86_row_is_image(const struct x86_row *row)
{
    switch (row->fn) {
    case X86_FN_fxsave:
    case X86_FN_fxrstor:
    case X86_FN_xsave:
    case X86_FN_xsaveopt:
    case X86_FN_xsavec:
    case X86_FN_xrstor:
        return true;
    default:
        return false;
    }
}

static unsigned rnd(struct x86_rng *rng, unsigned n)
{
    return (unsigned)(x86_rnd(rng) % n);
}

void x86_image_state(struct x86_rng *rng, struct x86_state *s)
{
    s->r[0] = (x86_rnd(rng) & ~0xffffffffull) | rnd(rng, 8) | (rnd(rng, 4) ? 0 : NO_COMPONENTS);
    s->r[2] = rnd(rng, 4) ? 0 : x86_rnd(rng) & ~0xffffffffull;
    unsigned initial = rnd(rng, 3) ? 0 : rnd(rng, 16);
    if (initial & 1) {
        s->fcw = 0x37f;
        s->fsw = 0;
        s->empty = 0xff;
        memset(s->st, 0, sizeof(s->st));
    }
    if (initial & 2) {
        memset(s->xmm, 0, sizeof(s->xmm));
    }
    if (initial & 4) {
        memset(s->ymmh, 0, sizeof(s->ymmh));
    }
    s->mxcsr = initial & 8 ? 0x1f80 : s->mxcsr;
}

static void header(struct x86_rng *rng, u8 *a)
{
    bool compact = rnd(rng, 2);
    u64 comp = rnd(rng, 8), bv = compact && rnd(rng, 16) ? comp & rnd(rng, 8) : rnd(rng, 8);
    memset(a + AT_BV, 0, AT_AVX - AT_BV);
    st64le(a + AT_BV, bv);
    st64le(a + AT_COMP, compact ? comp | 1ull << 63 : 0);
    if (rnd(rng, 16) == 0) { /* bits that must be 0 */
        unsigned i = rnd(rng, 8), bit = 20 + rnd(rng, 6);
        st64le(a + AT_BV + 8 * i, ld64le(a + AT_BV + 8 * i) | 1ull << bit);
    }
}

void x86_image_make(struct x86_rng *rng, const struct x86_row *row, u8 *a)
{
    struct x86_state s = {.fcw = 0};
    if (row->fn != X86_FN_fxrstor && row->fn != X86_FN_xrstor) {
        return;
    }
    x86_random_x87(rng, &s, X86_X87);
    st16le(a, s.fcw);
    st16le(a + 2, s.fsw);
    a[4] = (u8)~s.empty;
    memset(a + 5, 0, AT_MXCSR - 5);
    st32le(a + AT_MXCSR, rnd(rng, 16) ? x86_random_mxcsr(rng, X86_VECTOR_FLOAT) : (u32)x86_rnd(rng) & ~(1u << 17));
    for (unsigned i = 0; i < 8; i++) {
        st64le(a + AT_ST + 16 * i, s.st[i].frac);
        st16le(a + AT_ST + 16 * i + 8, s.st[i].se);
    }
    if (row->fn == X86_FN_xrstor) {
        header(rng, a);
    }
}
