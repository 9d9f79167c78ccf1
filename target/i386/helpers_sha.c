/* SHA-1 and SHA-256 (FIPS 180-4; SDM volume 2, "SHA1RNDS4" and on), by the host's instructions where it has them. The
 * instructions have the first word in the highest lane. */
#include "base/bits.h"
#include "base/host_cpu.h"
#include "target/i386/helpers.h"

#ifdef __x86_64__
#include <immintrin.h>
#define ON_HOST(r, a, b, call) \
    if (likely(host_cpu.SHA)) { \
        __m128i x = _mm_load_si128((const __m128i *)(a)), y = _mm_load_si128((const __m128i *)(b)); \
        _mm_store_si128((__m128i *)(r), call); \
        return; \
    }
#define WITH_SHA __attribute__((target("sha,sse4.1")))
#else
#define ON_HOST(r, a, b, call)
#define WITH_SHA
#endif

static u32 choose(u32 x, u32 y, u32 z)
{
    return ((y ^ z) & x) ^ z;
}
static u32 majority(u32 x, u32 y, u32 z)
{
    return (x & y) | ((x | y) & z);
}
static u32 rol32(u32 x, unsigned n)
{
    return ror32(x, 32 - n);
}

/* -- SHA-1 ------------------------------------------------------------------------------------------------------------
 */

static u32 sha1_f(unsigned which, u32 x, u32 y, u32 z)
{
    static const u32 k[4] = {0x5a827999, 0x6ed9eba1, 0x8f1bbcdc, 0xca62c1d6};
    return k[which] + (which == 0 ? choose(x, y, z) : which == 2 ? majority(x, y, z) : x ^ y ^ z);
}

/* a: D C B A; b: W3 W2 W1, W0 + E. */
WITH_SHA void x86_h_sha1rnds4(union v128 *r, const union v128 *a, const union v128 *b, u64 which)
{
    switch (which) {
    case 0:
        ON_HOST(r, a, b, _mm_sha1rnds4_epu32(x, y, 0))
        break;
    case 1:
        ON_HOST(r, a, b, _mm_sha1rnds4_epu32(x, y, 1))
        break;
    case 2:
        ON_HOST(r, a, b, _mm_sha1rnds4_epu32(x, y, 2))
        break;
    default:
        ON_HOST(r, a, b, _mm_sha1rnds4_epu32(x, y, 3))
        break;
    }
    u32 s[5] = {a->s[3], a->s[2], a->s[1], a->s[0], 0};
    for (unsigned i = 0; i < 4; i++) {
        u32 t = sha1_f((unsigned)which, s[1], s[2], s[3]) + rol32(s[0], 5) + s[4] + b->s[3 - i];
        s[4] = s[3];
        s[3] = s[2];
        s[2] = rol32(s[1], 30);
        s[1] = s[0];
        s[0] = t;
    }
    *r = (union v128){.s = {s[3], s[2], s[1], s[0]}};
}

WITH_SHA void x86_h_sha1msg2(union v128 *r, const union v128 *a, const union v128 *b)
{
    ON_HOST(r, a, b, _mm_sha1msg2_epu32(x, y))
    u32 w16 = rol32(a->s[3] ^ b->s[2], 1), w17 = rol32(a->s[2] ^ b->s[1], 1), w18 = rol32(a->s[1] ^ b->s[0], 1);
    *r = (union v128){.s = {rol32(a->s[0] ^ w16, 1), w18, w17, w16}};
}

/* -- SHA-256 ----------------------------------------------------------------------------------------------------------
 */

/* a: H G D C; b: F E B A; wk: two words with their constants. */
WITH_SHA void x86_h_sha256rnds2(union v128 *r, const union v128 *a, const union v128 *b, const union v128 *wk)
{
    ON_HOST(r, a, b, _mm_sha256rnds2_epu32(x, y, _mm_load_si128((const __m128i *)wk)))
    u32 s[8] = {b->s[3], b->s[2], a->s[3], a->s[2], b->s[1], b->s[0], a->s[1], a->s[0]};
    for (unsigned i = 0; i < 2; i++) {
        u32 t = s[7] + (ror32(s[4], 6) ^ ror32(s[4], 11) ^ ror32(s[4], 25)) + choose(s[4], s[5], s[6]) + wk->s[i];
        u32 u = t + (ror32(s[0], 2) ^ ror32(s[0], 13) ^ ror32(s[0], 22)) + majority(s[0], s[1], s[2]);
        for (unsigned k = 7; k > 0; k--) {
            s[k] = s[k - 1];
        }
        s[4] += t;
        s[0] = u;
    }
    *r = (union v128){.s = {s[5], s[4], s[1], s[0]}};
}

WITH_SHA void x86_h_sha256msg1(union v128 *r, const union v128 *a, const union v128 *b)
{
    ON_HOST(r, a, b, _mm_sha256msg1_epu32(x, y))
    union v128 out;
    for (unsigned i = 0; i < 4; i++) {
        u32 w = i < 3 ? a->s[i + 1] : b->s[0];
        out.s[i] = a->s[i] + (ror32(w, 7) ^ ror32(w, 18) ^ w >> 3);
    }
    *r = out;
}

WITH_SHA void x86_h_sha256msg2(union v128 *r, const union v128 *a, const union v128 *b)
{
    ON_HOST(r, a, b, _mm_sha256msg2_epu32(x, y))
    union v128 out;
    for (unsigned i = 0; i < 4; i++) {
        u32 w = i < 2 ? b->s[i + 2] : out.s[i - 2];
        out.s[i] = a->s[i] + (ror32(w, 17) ^ ror32(w, 19) ^ w >> 10);
    }
    *r = out;
}
