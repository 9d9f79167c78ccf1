/* A test case of one instruction, and the register state it starts from: shared by the comparing program and by the one
 * that runs on the peer, so that a case is 16 bytes. */
#ifndef MOSS_TESTS_A64_PEER_CASE_H
#define MOSS_TESTS_A64_PEER_CASE_H

#include <stdint.h>
#include <string.h>

struct peer_case {
    uint32_t insn, fpcr;
    uint64_t seed;
};

/* X28 to X30 belong to the runner. */
enum { PEER_NX = 28 };
struct peer_state {
    uint64_t x[PEER_NX];
    uint64_t v[32][2];
    uint64_t nzcv, fpcr, fpsr;
    uint64_t undefined; /* the instruction was */
};

static inline uint64_t peer_random(uint64_t *s)
{
    *s += 0x9e3779b97f4a7c15ull;
    uint64_t z = *s;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

/* A float of 1 << es bytes that is likely to matter: zeros, denormals, ones, limits, infinities, NaNs, near integers.
 */
static inline uint64_t peer_float(uint64_t *s, unsigned es)
{
    unsigned w = 8u << es, e = es == 1 ? 5 : es == 2 ? 8 : 11, f = w - e - 1;
    uint64_t r = peer_random(s), bias = (1ull << (e - 1)) - 1, exp, frac = r >> (64 - f);
    switch (r & 15) {
    case 0:
        exp = 0, frac = 0;
        break;
    case 1:
        exp = 0;
        break;
    case 2:
        exp = 0, frac = r >> 8 & 3;
        break;
    case 3:
        exp = (2ull << (e - 1)) - 1, frac = 0;
        break;
    case 4:
        exp = (2ull << (e - 1)) - 1;
        break;
    case 5:
        exp = (2ull << (e - 1)) - 1, frac &= ~(1ull << (f - 1));
        break;
    case 6:
        exp = (2ull << (e - 1)) - 2, frac = r & 16 ? (1ull << f) - 1 : frac;
        break;
    case 7:
        exp = 1, frac = r & 16 ? 0 : frac;
        break;
    case 8:
        exp = bias, frac = r & 16 ? 0 : frac;
        break;
    case 9: /* integers and halves between them */
    case 10:
    case 11: {
        unsigned up = (unsigned)(r >> 8 & 63) % (f + 3);
        exp = bias + up;
        frac = up >= f ? frac : frac >> (f - up) << (f - up) | (r & 16 ? 1ull << (f - up) >> 1 : 0);
        break;
    }
    case 12:
    case 13:
        exp = bias - 3 + (r >> 8 & 7);
        break;
    default:
        exp = r >> 8 & ((2ull << (e - 1)) - 1);
        break;
    }
    return (r >> 7 & 1) << (w - 1) | exp << f | (frac & ((1ull << f) - 1));
}
static inline uint64_t peer_int(uint64_t *s, unsigned es)
{
    static const uint64_t edge[] = {0, 1, ~0ull, 0x7fffffffffffffff, 0x8000000000000000};
    unsigned w = 8u << es;
    uint64_t r = peer_random(s), v;
    switch (r & 7) {
    case 0: /* limits */
        v = edge[(r >> 8) % 5];
        v = (v >> 1 & 1) == (v >> 62 & 1) && v > 1 && v != ~0ull ? v >> (64 - w) : v;
        v = r >> 16 & 1 && v > 1 ? v >> (64 - w) : v;
        break;
    case 1: /* shift counts */
        v = (uint64_t)((int64_t)(r >> 8 & 31) - 16);
        break;
    case 2:
        v = (uint64_t)((int64_t)(r >> 8 & 255) - 128);
        break;
    case 3:
        v = r >> 8 & 15;
        break;
    default:
        v = r;
        break;
    }
    return w == 64 ? v : v & ((1ull << w) - 1);
}

static inline void peer_fill(struct peer_state *st, const struct peer_case *c)
{
    uint64_t s = c->seed, how = peer_random(&s);
    memset(st, 0, sizeof(*st));
    st->fpcr = c->fpcr;
    st->nzcv = peer_random(&s) & 0xf0000000;
    for (unsigned i = 0; i < PEER_NX; i++) {
        st->x[i] = i & 1 ? peer_int(&s, 2 + (i >> 1 & 1)) : peer_random(&s);
        st->x[i] = i % 7 == 0 ? peer_float(&s, 1 + i / 7 % 3) : st->x[i];
    }
    for (unsigned i = 0; i < 32; i++) {
        unsigned kind = how & 1 ? how >> 8 & 7 : peer_random(&s) & 7, es = kind & 3;
        for (unsigned j = 0; j < 2; j++) {
            for (unsigned pos = 0; pos < 64; pos += 8u << es) {
                uint64_t lane = kind == 4 ? peer_random(&s) : kind > 4 ? peer_float(&s, es) : peer_int(&s, es);
                st->v[i][j] |= (kind == 4 ? lane & 0xff : lane) << pos;
            }
        }
    }
}

#endif
