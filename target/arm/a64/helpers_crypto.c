/* Helpers of the cryptographic instructions: SHA-1, SHA-256 and SHA-512 (FIPS 180-4), on the host's SHA instructions
 * where it has them. */
#include "target/arm/a64/helpers_simd.h"

#include <string.h>

#include "base/bits.h"
#include "base/host_cpu.h"

#ifdef __x86_64__
#include <immintrin.h>
#define HOST_CRYPTO 1
#define WITH_SHA    __attribute__((target("sha,sse4.1")))
static bool host_sha;
static __m128i get(v128_in v)
{
    return _mm_load_si128((const __m128i *)v);
}
static void put(union v128 *v, __m128i x)
{
    _mm_store_si128((__m128i *)v, x);
}
#else
#define HOST_CRYPTO 0
#endif

void arm_crypto_without_host(void)
{
#if HOST_CRYPTO
    host_sha = false;
#endif
}

__attribute__((constructor)) static void crypto_init(void)
{
#if HOST_CRYPTO
    host_sha = host_cpu.SHA && host_cpu.SSE4_1;
#endif
}

/* -- SHA-1: d holds a b c d, lane 0 of n is e, m is W + K -------------------------------------------------------- */

static u32 choose(u32 x, u32 y, u32 z)
{
    return ((y ^ z) & x) ^ z;
}
static u32 majority(u32 x, u32 y, u32 z)
{
    return (x & y) | ((x | y) & z);
}
static u32 parity(u32 x, u32 y, u32 z)
{
    return x ^ y ^ z;
}
static void sha1_rounds(union v128 *ret, u32 (*f)(u32, u32, u32), v128_in d, v128_in n, v128_in m)
{
    u32 a = d->s[0], b = d->s[1], c = d->s[2], dd = d->s[3], e = n->s[0];
    for (unsigned i = 0; i < 4; i++) {
        u32 t = e + ror32(a, 27) + f(b, c, dd) + m->s[i];
        e = dd;
        dd = c;
        c = ror32(b, 2);
        b = a;
        a = t;
    }
    *ret = (union v128){.s = {a, b, c, dd}};
}
#if HOST_CRYPTO
/* The host has a in the highest lane and adds a constant of its own: that is taken away first. */
#define SHA1_HOST(name, number, constant) \
    WITH_SHA static void name(union v128 *ret, v128_in d, v128_in n, v128_in m) \
    { \
        __m128i w = _mm_sub_epi32(get(m), _mm_set1_epi32((int)(constant))); \
        w = _mm_add_epi32(w, _mm_cvtsi32_si128((int)n->s[0])); \
        __m128i r = _mm_sha1rnds4_epu32(_mm_shuffle_epi32(get(d), 0x1b), _mm_shuffle_epi32(w, 0x1b), number); \
        put(ret, _mm_shuffle_epi32(r, 0x1b)); \
    }
SHA1_HOST(sha1c_host, 0, 0x5a827999)
SHA1_HOST(sha1p_host, 1, 0x6ed9eba1)
SHA1_HOST(sha1m_host, 2, 0x8f1bbcdc)
#define TRY_SHA(fn, ...) \
    if (likely(host_sha)) { \
        fn(ret, __VA_ARGS__); \
        return; \
    }
#else
#define TRY_SHA(fn, ...)
#endif

void arm_h_sha1c(union v128 *ret, v128_in d, v128_in n, v128_in m)
{
    TRY_SHA(sha1c_host, d, n, m)
    sha1_rounds(ret, choose, d, n, m);
}
void arm_h_sha1p(union v128 *ret, v128_in d, v128_in n, v128_in m)
{
    TRY_SHA(sha1p_host, d, n, m)
    sha1_rounds(ret, parity, d, n, m);
}
void arm_h_sha1m(union v128 *ret, v128_in d, v128_in n, v128_in m)
{
    TRY_SHA(sha1m_host, d, n, m)
    sha1_rounds(ret, majority, d, n, m);
}
void arm_h_sha1su1(union v128 *ret, v128_in d, v128_in n)
{
    union v128 r;
    for (unsigned i = 0; i < 4; i++) {
        r.s[i] = ror32(d->s[i] ^ (i < 3 ? n->s[i + 1] : 0), 31);
    }
    r.s[3] ^= ror32(r.s[0], 31);
    *ret = r;
}

/* -- SHA-256: x holds a b c d, y holds e f g h, w is W + K ------------------------------------------------------- */

/* Four rounds; the answer is what x (or y) has become. */
static void sha256_rounds(union v128 *ret, v128_in x, v128_in y, v128_in w, bool want_y)
{
    u32 s[8];
    memcpy(s, x, 16);
    memcpy(s + 4, y, 16);
    for (unsigned i = 0; i < 4; i++) {
        u32 e = s[4], a = s[0];
        u32 t = s[7] + (ror32(e, 6) ^ ror32(e, 11) ^ ror32(e, 25)) + choose(e, s[5], s[6]) + w->s[i];
        u32 u = t + (ror32(a, 2) ^ ror32(a, 13) ^ ror32(a, 22)) + majority(a, s[1], s[2]);
        memmove(s + 1, s, 7 * sizeof(s[0]));
        s[4] += t;
        s[0] = u;
    }
    memcpy(ret, s + (want_y ? 4 : 0), 16);
}
static u32 sigma0(u32 x)
{
    return ror32(x, 7) ^ ror32(x, 18) ^ x >> 3;
}
static u32 sigma1(u32 x)
{
    return ror32(x, 17) ^ ror32(x, 19) ^ x >> 10;
}
#if HOST_CRYPTO
static __m128i pick(__m128i lo, __m128i hi, bool high)
{
    __m128 a = _mm_castsi128_ps(lo), b = _mm_castsi128_ps(hi);
    return _mm_castps_si128(high ? _mm_shuffle_ps(a, b, _MM_SHUFFLE(2, 3, 2, 3))
                                 : _mm_shuffle_ps(a, b, _MM_SHUFFLE(0, 1, 0, 1)));
}
/* The host works on f e b a and h g d c, two rounds at a time. */
WITH_SHA static void sha256_host(union v128 *ret, v128_in x, v128_in y, v128_in w, bool want_y)
{
    __m128i k = get(w), feba = pick(get(y), get(x), false), hgdc = pick(get(y), get(x), true);
    __m128i first = _mm_sha256rnds2_epu32(hgdc, feba, k);
    __m128i second = _mm_sha256rnds2_epu32(feba, first, _mm_unpackhi_epi64(k, k));
    put(ret, pick(second, first, !want_y));
}
WITH_SHA static void sha256su0_host(union v128 *ret, v128_in d, v128_in n)
{
    put(ret, _mm_sha256msg1_epu32(get(d), get(n)));
}
WITH_SHA static void sha256su1_host(union v128 *ret, v128_in d, v128_in n, v128_in m)
{
    __m128i middle = _mm_alignr_epi8(get(m), get(n), 4);
    put(ret, _mm_sha256msg2_epu32(_mm_add_epi32(get(d), middle), get(m)));
}
#endif

void arm_h_sha256h(union v128 *ret, v128_in d, v128_in n, v128_in m)
{
    TRY_SHA(sha256_host, d, n, m, false)
    sha256_rounds(ret, d, n, m, false);
}
void arm_h_sha256h2(union v128 *ret, v128_in d, v128_in n, v128_in m)
{
    TRY_SHA(sha256_host, n, d, m, true)
    sha256_rounds(ret, n, d, m, true);
}
void arm_h_sha256su0(union v128 *ret, v128_in d, v128_in n)
{
    TRY_SHA(sha256su0_host, d, n)
    union v128 r;
    for (unsigned i = 0; i < 4; i++) {
        r.s[i] = d->s[i] + sigma0(i < 3 ? d->s[i + 1] : n->s[0]);
    }
    *ret = r;
}
void arm_h_sha256su1(union v128 *ret, v128_in d, v128_in n, v128_in m)
{
    TRY_SHA(sha256su1_host, d, n, m)
    union v128 r;
    for (unsigned i = 0; i < 4; i++) {
        r.s[i] = sigma1(i < 2 ? m->s[i + 2] : r.s[i - 2]) + d->s[i] + (i < 3 ? n->s[i + 1] : m->s[0]);
    }
    *ret = r;
}

/* -- SHA-512 ----------------------------------------------------------------------------------------------------- */

static u64 big_sigma0(u64 x)
{
    return ror64(x, 28) ^ ror64(x, 34) ^ ror64(x, 39);
}
static u64 big_sigma1(u64 x)
{
    return ror64(x, 14) ^ ror64(x, 18) ^ ror64(x, 41);
}
static u64 small_sigma0(u64 x)
{
    return ror64(x, 1) ^ ror64(x, 8) ^ x >> 7;
}
static u64 small_sigma1(u64 x)
{
    return ror64(x, 19) ^ ror64(x, 61) ^ x >> 6;
}
static u64 choose64(u64 x, u64 y, u64 z)
{
    return ((y ^ z) & x) ^ z;
}
static u64 majority64(u64 x, u64 y, u64 z)
{
    return (x & y) | ((x | y) & z);
}

void arm_h_sha512h(union v128 *ret, v128_in d, v128_in n, v128_in m)
{
    u64 hi = choose64(m->d[1], n->d[0], n->d[1]) + big_sigma1(m->d[1]) + d->d[1];
    u64 t = hi + m->d[0];
    u64 lo = choose64(t, m->d[1], n->d[0]) + big_sigma1(t) + d->d[0];
    *ret = (union v128){.d = {lo, hi}};
}
void arm_h_sha512h2(union v128 *ret, v128_in d, v128_in n, v128_in m)
{
    u64 hi = majority64(n->d[0], m->d[1], m->d[0]) + big_sigma0(m->d[0]) + d->d[1];
    u64 lo = majority64(hi, m->d[0], m->d[1]) + big_sigma0(hi) + d->d[0];
    *ret = (union v128){.d = {lo, hi}};
}
void arm_h_sha512su0(union v128 *ret, v128_in d, v128_in n)
{
    u64 lo = d->d[0] + small_sigma0(d->d[1]), hi = d->d[1] + small_sigma0(n->d[0]);
    *ret = (union v128){.d = {lo, hi}};
}
void arm_h_sha512su1(union v128 *ret, v128_in d, v128_in n, v128_in m)
{
    u64 lo = d->d[0] + small_sigma1(n->d[0]) + m->d[0], hi = d->d[1] + small_sigma1(n->d[1]) + m->d[1];
    *ret = (union v128){.d = {lo, hi}};
}
