/* See x86_values.h. */
#include "tests/diff/x86_values.h"

#include <string.h>

#include "base/bits.h"

/* -- classes --------------------------------------------------------------------------------------------------------
 */

static bool ends_with(const char *s, const char *end)
{
    size_t n = strlen(s), k = strlen(end);
    return n >= k && !strcmp(s + n - k, end);
}

enum x86_class x86_row_class(const struct x86_row *row)
{
    bool vector = false, mmx = false;
    for (unsigned i = 0; i < ARRAY_LEN(row->opds); i++) {
        unsigned place = x86_opds[row->opds[i]].place;
        vector |= place == PL_V || place == PL_W || place == PL_U || place == PL_H;
        mmx |= place == PL_P || place == PL_Q || place == PL_N;
    }
    if (row->map == MAP_ONE && row->opcode >= 0xd8 && row->opcode <= 0xdf) {
        return X86_X87;
    }
    const char *n = row->name;
    bool is_float = strstr(n, "cvt") || ends_with(n, "ps") || ends_with(n, "pd") || ends_with(n, "ss") ||
                    ends_with(n, "sd") || ends_with(n, "ph");
    return vector && is_float ? X86_VECTOR_FLOAT : vector ? X86_VECTOR_INT : mmx ? X86_MMX : X86_GENERAL;
}

unsigned x86_row_float_size(const struct x86_row *row)
{
    const char *n = row->name, *two = strstr(n, "2"); /* of conversions: the source's */
    if (two) {
        bool half = !strncmp(two - 2, "ph", 2), wide = two[-1] == 'd' && two[-2] != 'q';
        return half ? 1 : wide ? 3 : 2;
    }
    return ends_with(n, "pd") || ends_with(n, "sd") ? 3 : ends_with(n, "ph") ? 1 : 2;
}

/* -- integers -------------------------------------------------------------------------------------------------------
 */

u64 x86_random_number(struct x86_rng *rng)
{
    u64 v = x86_rnd(rng);
    switch (x86_rnd(rng) % 8) {
    case 0:
        return v & 0xff;
    case 1:
        return (u64)(i64)(i8)v;
    case 2:
        return 1ull << v % 64;
    case 3:
        return ~0ull << v % 64;
    case 4:
        return x86_rnd(rng) % 3 ? 0 : ~0ull;
    default:
        return v * 0x9e3779b97f4a7c15;
    }
}

/* An element of 1 << es bytes: limits and what is near them, as often as anything. */
static u64 element(struct x86_rng *rng, unsigned es)
{
    unsigned w = 8u << es;
    u64 v = x86_rnd(rng), near = (v >> 8 & 3) - (v >> 10 & 3);
    switch (v & 7) {
    case 0:
        return near;
    case 1:
        return (1ull << (w - 1)) + near;
    case 2:
        return MASK(w / 2) + near;
    case 3:
        return (1ull << v % w) + near;
    default:
        return v * 0x9e3779b97f4a7c15 >> 7;
    }
}

static void random_ints(struct x86_rng *rng, union v128 *v)
{
    unsigned es = x86_rnd(rng) % 5;
    if (es == 4) { /* what strings are made of */
        for (unsigned i = 0; i < 16; i++) {
            v->b[i] = (u8) "aab\0zA0\x80"[x86_rnd(rng) % 8];
        }
        return;
    }
    for (unsigned i = 0; i < 16u >> es; i++) {
        lane_set(v, es, i, element(rng, es));
    }
}

/* -- floats ---------------------------------------------------------------------------------------------------------
 */

u64 x86_random_float(struct x86_rng *rng, unsigned es)
{
    static const u8 mantissa[] = {0, 10, 23, 52};
    unsigned w = 8u << es, m = mantissa[es], e = w - 1 - m;
    u64 bias = MASK(e - 1), r = x86_rnd(rng), frac = r * 0x9e3779b97f4a7c15 >> 8 & MASK(m), expo;
    u64 sign = (r >> 5 & 1) << (w - 1);
    switch (x86_rnd(rng) % 6) { /* the fraction: few bits, or many */
    case 0:
        frac = 0;
        break;
    case 1:
        frac = MASK(m);
        break;
    case 2:
        frac &= ~MASK(m / 2);
        break;
    case 3:
        frac = 1ull << r % m;
        break;
    }
    switch (r >> 8 & 15) {
    case 0:
        expo = MASK(e); /* infinity or NaN */
        frac = r >> 12 & 1 ? 0 : frac;
        break;
    case 1:
        expo = 0; /* denormal or zero */
        break;
    case 2:
        return sign;
    case 3:
        expo = MASK(e) - 1 - (r >> 12 & 3);
        break;
    case 4:
        expo = 1 + (r >> 12 & 3);
        break;
    case 5:
        expo = bias + m - 2 + (r >> 12 & 3); /* where the last bits are halves */
        break;
    case 6:
        expo = bias + 30 + (r >> 12 & 3); /* around the limits of integers */
        break;
    case 7:
        expo = bias + 62 + (r >> 12 & 3);
        break;
    case 8:
    case 9:
        expo = r >> 12; /* any */
        break;
    default:
        expo = bias - 3 + (r >> 12 & 7); /* around one: many meet equals */
    }
    return sign | (expo & MASK(e)) << m | frac;
}

void x86_random_vector(struct x86_rng *rng, union v128 *v, const struct x86_row *row)
{
    if (x86_row_class(row) != X86_VECTOR_FLOAT || x86_rnd(rng) % 8 == 0) {
        random_ints(rng, v);
        return;
    }
    unsigned es = x86_row_float_size(row);
    for (unsigned i = 0; i < 16u >> es; i++) {
        lane_set(v, es, i, x86_random_float(rng, es));
    }
}

u32 x86_random_mxcsr(struct x86_rng *rng, enum x86_class c)
{
    enum { FLAGS = 0x3f, DAZ = 1 << 6, MASKS = 0x3f << 7, FZ = 1 << 15, RC_SHIFT = 13 };
    u64 r = x86_rnd(rng);
    u32 v = MASKS | ((u32)r & FLAGS);
    if (c != X86_VECTOR_FLOAT) {
        return v;
    }
    v |= (r >> 8 & 1 ? (u32)(r >> 9 & 3) << RC_SHIFT : 0) | (r >> 11 & 7 ? 0 : FZ) | (r >> 14 & 7 ? 0 : DAZ);
    if ((r >> 17 & 15) == 0) {
        v &= ~(u32)MASKS | (u32)(r >> 21 & 0x3f) << 7;
    }
    return v;
}

/* -- x87 --------------------------------------------------------------------------------------------------------------
 */

f80 x86_random_f80(struct x86_rng *rng)
{
    u64 r = x86_rnd(rng), frac = r * 0x9e3779b97f4a7c15;
    u16 sign = (u16)((r & 1) << 15), expo;
    switch (r >> 1 & 3) {
    case 0:
        frac &= ~MASK(r >> 8 & 63);
        break;
    case 1:
        frac = 0;
        break;
    case 2:
        frac |= MASK(r >> 8 & 63);
        break;
    }
    switch (r >> 16 & 15) {
    case 0:
        return (f80){0, sign};
    case 1:
        return (f80){frac & ~(1ull << 63), sign}; /* denormal */
    case 2:
        expo = 0x7fff;
        break;
    case 3:
        expo = (u16)(1 + (r >> 20 & 3));
        break;
    case 4:
        expo = (u16)(0x7ffe - (r >> 20 & 3));
        break;
    case 5:
        return (f80){frac, (u16)(r >> 24)}; /* anything, what is no number too */
    case 6:
    case 7:
        expo = (u16)(r >> 24 & 0x7fff);
        break;
    case 8:
        expo = (u16)(0x3fff + 50 + (r >> 20 & 15));
        break;
    default:
        expo = (u16)(0x3fff - 8 + (r >> 20 & 15));
    }
    return (f80){frac | 1ull << 63, sign | expo};
}

void x86_random_x87(struct x86_rng *rng, struct x86_state *s, enum x86_class c)
{
    enum { MASKS = 0x3f, RESERVED = 0x40, PC64 = 3 << 8, TOP = 7 << 11, CONDITIONS = 0x4700, FLAGS = 0x3f, SF = 0x40 };
    u64 r = x86_rnd(rng);
    s->fcw = MASKS | RESERVED | PC64;
    s->fsw = (u16)(r & (TOP | CONDITIONS));
    s->empty = (r >> 16 & 3) == 0 ? (u8)(r >> 24) : (r >> 16 & 3) == 1 ? 0xff : 0;
    for (unsigned i = 0; i < 8; i++) {
        s->st[i] = x86_random_f80(rng);
    }
    if (c != X86_X87) {
        return;
    }
    s->fsw |= (u16)(r >> 32 & FLAGS);
    if (r >> 40 & 1) {
        static const u16 precision[] = {0, 2 << 8, 3 << 8, 3 << 8};
        s->fcw = (u16)(MASKS | RESERVED | precision[r >> 41 & 3] | (r >> 43 & 3) << 10);
    }
    s->empty = r >> 45 & 1 ? 0 : s->empty;
    if ((r >> 46 & 3) == 0 && __builtin_cpu_is("amd")) { /* what happens without the mask is as AMD's do it */
        u16 masks = (u16)(x86_rnd(rng) | (r >> 48 & 1 ? x86_rnd(rng) : 0)) & MASKS;
        s->fcw = (u16)(s->fcw & ~MASKS) | masks;
        s->fsw &= r >> 49 & 7 ? (u16)~FLAGS | masks : 0xffff; /* mostly none is pending */
    }
}
