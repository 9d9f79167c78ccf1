/* Bit fields, rotations, alignment, byte order, lanes. Pure functions. Positions count from bit 0 and are below 64;
 * lengths are 0..64 and may reach beyond bit 63, where fields read as zeros. Alignments are powers of two. */
#ifndef MOSS_BASE_BITS_H
#define MOSS_BASE_BITS_H

#include <string.h>

#include "base/types.h"

#define BIT(n) (1ull << (n))
/* MASK(len): the low `len` bits, len 0..64. */
#define MASK(len) ((len) >= 64 ? ~0ull : (1ull << (len)) - 1)

/* One access of that size at any address: single-copy atomic where it is aligned. */
typedef volatile u16 any_u16 __attribute__((aligned(1)));
typedef volatile u32 any_u32 __attribute__((aligned(1)));
typedef volatile u64 any_u64 __attribute__((aligned(1)));

static inline u64 bits(u64 v, unsigned pos, unsigned len)
{
    return (v >> pos) & MASK(len);
}
static inline u64 bit(u64 v, unsigned pos)
{
    return (v >> pos) & 1;
}
/* The low len bits as a signed number. */
static inline i64 sext(u64 v, unsigned len)
{
    return len == 0 ? 0 : (i64)(v << (64 - len)) >> (64 - len);
}
static inline i64 sbits(u64 v, unsigned pos, unsigned len)
{
    return sext(bits(v, pos, len), len);
}
static inline u64 deposit(u64 v, unsigned pos, unsigned len, u64 field)
{
    u64 m = MASK(len) << pos;
    return (v & ~m) | ((field << pos) & m);
}
/* Rotations take any n; counts of leading and trailing zeros are the width when there is no one. */
static inline u32 ror32(u32 v, unsigned n)
{
    n &= 31;
    return n ? v >> n | v << (32 - n) : v;
}
static inline u64 ror64(u64 v, unsigned n)
{
    n &= 63;
    return n ? v >> n | v << (64 - n) : v;
}
static inline unsigned clz32(u32 v)
{
    return v ? (unsigned)__builtin_clz(v) : 32;
}
static inline unsigned clz64(u64 v)
{
    return v ? (unsigned)__builtin_clzll(v) : 64;
}
static inline unsigned ctz32(u32 v)
{
    return v ? (unsigned)__builtin_ctz(v) : 32;
}
static inline unsigned ctz64(u64 v)
{
    return v ? (unsigned)__builtin_ctzll(v) : 64;
}
static inline u64 align_down(u64 v, u64 a)
{
    return v & ~(a - 1);
}
static inline u64 align_up(u64 v, u64 a)
{
    return (v + a - 1) & ~(a - 1);
}
static inline bool is_pow2(u64 v)
{
    return v && !(v & (v - 1));
}
static inline u64 bitrev64(u64 v)
{
    v = (v >> 1 & 0x5555555555555555ull) | (v & 0x5555555555555555ull) << 1;
    v = (v >> 2 & 0x3333333333333333ull) | (v & 0x3333333333333333ull) << 2;
    v = (v >> 4 & 0x0f0f0f0f0f0f0f0full) | (v & 0x0f0f0f0f0f0f0f0full) << 4;
    return __builtin_bswap64(v);
}

/* Loads and stores of a given byte order at any address; the sized ones move 1 to 8 bytes. */
static inline u16 ld16le(const void *p)
{
    u16 v;
    memcpy(&v, p, 2);
    return v;
}
static inline u32 ld32le(const void *p)
{
    u32 v;
    memcpy(&v, p, 4);
    return v;
}
static inline u64 ld64le(const void *p)
{
    u64 v;
    memcpy(&v, p, 8);
    return v;
}
static inline void st16le(void *p, u16 v)
{
    memcpy(p, &v, 2);
}
static inline void st32le(void *p, u32 v)
{
    memcpy(p, &v, 4);
}
static inline void st64le(void *p, u64 v)
{
    memcpy(p, &v, 8);
}
static inline u16 ld16be(const void *p)
{
    return __builtin_bswap16(ld16le(p));
}
static inline u32 ld32be(const void *p)
{
    return __builtin_bswap32(ld32le(p));
}
static inline u64 ld64be(const void *p)
{
    return __builtin_bswap64(ld64le(p));
}
static inline void st16be(void *p, u16 v)
{
    st16le(p, __builtin_bswap16(v));
}
static inline void st32be(void *p, u32 v)
{
    st32le(p, __builtin_bswap32(v));
}
static inline void st64be(void *p, u64 v)
{
    st64le(p, __builtin_bswap64(v));
}
static inline u64 ldnle(const void *p, unsigned size)
{
    u64 v = 0;
    memcpy(&v, p, size);
    return v;
}
static inline void stnle(void *p, unsigned size, u64 v)
{
    memcpy(p, &v, size);
}

/* -- lanes of vectors: es is log2 of a lane's bytes, 0..3; i < 16 >> es ------------------------------------------- */

static inline u64 lane_get(const union v128 *v, unsigned es, unsigned i)
{
    return es == 0 ? v->b[i] : es == 1 ? v->h[i] : es == 2 ? v->s[i] : v->d[i];
}
static inline void lane_set(union v128 *v, unsigned es, unsigned i, u64 x)
{
    switch (es) {
    case 0:
        v->b[i] = (u8)x;
        break;
    case 1:
        v->h[i] = (u16)x;
        break;
    case 2:
        v->s[i] = (u32)x;
        break;
    default:
        v->d[i] = x;
        break;
    }
}

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "moss needs a little-endian host");

#endif
