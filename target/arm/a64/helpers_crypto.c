/* Helpers of the cryptographic instructions: AES (FIPS 197), SHA-1, SHA-256 and SHA-512 (FIPS 180-4), on the host's AES
 * and SHA instructions where it has them. */
#include "target/arm/a64/helpers_simd.h"

#include <string.h>

#include "base/bits.h"
#include "base/host_cpu.h"

#ifdef __x86_64__
#include <immintrin.h>
#define HOST_CRYPTO 1
#define WITH_AES    __attribute__((target("aes,sse4.1")))
#define WITH_SHA    __attribute__((target("sha,sse4.1")))
static bool host_aes, host_sha;
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
    host_aes = host_sha = false;
#endif
}

/* -- AES in C --------------------------------------------------------------------------------------------------- */

static u8 sbox[256], inv_sbox[256];

static u8 gf_mul(u8 a, u8 b) /* modulo x^8 + x^4 + x^3 + x + 1 */
{
    u8 r = 0;
    for (; b; b >>= 1, a = (u8)(a << 1 ^ (a & 0x80 ? 0x1b : 0))) {
        r ^= b & 1 ? a : 0;
    }
    return r;
}
/* The multiplicative inverse by powers of the generator 3 (3^a and 3^(255-a)), then the affine map. */
__attribute__((constructor)) static void crypto_init(void)
{
    u8 power[256], log[256] = {0};
    power[0] = power[255] = 1;
    for (unsigned a = 1; a < 255; a++) {
        power[a] = gf_mul(power[a - 1], 3);
        log[power[a]] = (u8)a;
    }
    for (unsigned x = 0; x < 256; x++) {
        u8 inv = x ? power[255 - log[x]] : 0;
        u8 s = 0x63;
        for (unsigned k = 0; k < 5; k++) {
            s ^= (u8)(inv << k | inv >> (8 - k));
        }
        sbox[x] = s;
        inv_sbox[s] = (u8)x;
    }
#if HOST_CRYPTO
    host_aes = host_cpu.AES && host_cpu.SSE4_1;
    host_sha = host_cpu.SHA && host_cpu.SSE4_1;
#endif
}

/* Column-major state: row r of column c is byte r + 4c; row r goes r columns to the left (to the right, inverse). */
static union v128 sub_shift(v128_in d, v128_in n, bool inverse)
{
    union v128 r;
    for (unsigned i = 0; i < 16; i++) {
        unsigned from = (inverse ? i - 4 * (i & 3) : i + 4 * (i & 3)) & 15;
        u8 x = d->b[from] ^ n->b[from];
        r.b[i] = inverse ? inv_sbox[x] : sbox[x];
    }
    return r;
}
static union v128 mix_columns(v128_in n, bool inverse)
{
    static const u8 coef[2][4] = {{2, 3, 1, 1}, {14, 11, 13, 9}};
    union v128 r;
    for (unsigned i = 0; i < 16; i++) {
        u8 x = 0;
        for (unsigned k = 0; k < 4; k++) {
            x ^= gf_mul(n->b[(i & ~3u) + k], coef[inverse][(k - i) & 3]);
        }
        r.b[i] = x;
    }
    return r;
}

/* -- AES on the host ---------------------------------------------------------------------------------------------- */

#if HOST_CRYPTO
enum aes { AES_E, AES_D, AES_E_MC, AES_D_IMC, AES_MC, AES_IMC };
WITH_AES static void aes_host(union v128 *ret, enum aes what, v128_in d, v128_in n)
{
    __m128i zero = _mm_setzero_si128(), x = _mm_xor_si128(get(d), get(n));
    switch (what) {
    case AES_E:
        x = _mm_aesenclast_si128(x, zero);
        break;
    case AES_D:
        x = _mm_aesdeclast_si128(x, zero);
        break;
    case AES_E_MC:
        x = _mm_aesenc_si128(x, zero);
        break;
    case AES_D_IMC:
        x = _mm_aesdec_si128(x, zero);
        break;
    case AES_MC:
        x = _mm_aesenc_si128(_mm_aesdeclast_si128(x, zero), zero);
        break;
    case AES_IMC:
        x = _mm_aesimc_si128(x);
        break;
    }
    put(ret, x);
}
#define TRY_AES(what, d, n) \
    if (likely(host_aes)) { \
        aes_host(ret, what, d, n); \
        return; \
    }
#else
#define TRY_AES(what, d, n)
#endif

static const union v128 zeros;

void arm_h_aese(union v128 *ret, v128_in d, v128_in n)
{
    TRY_AES(AES_E, d, n)
    *ret = sub_shift(d, n, false);
}
void arm_h_aesd(union v128 *ret, v128_in d, v128_in n)
{
    TRY_AES(AES_D, d, n)
    *ret = sub_shift(d, n, true);
}
void arm_h_aesmc(union v128 *ret, v128_in n)
{
    TRY_AES(AES_MC, n, &zeros)
    *ret = mix_columns(n, false);
}
void arm_h_aesimc(union v128 *ret, v128_in n)
{
    TRY_AES(AES_IMC, n, &zeros)
    *ret = mix_columns(n, true);
}
void arm_h_aese_mc(union v128 *ret, v128_in d, v128_in n)
{
    TRY_AES(AES_E_MC, d, n)
    union v128 x = sub_shift(d, n, false);
    *ret = mix_columns(&x, false);
}
void arm_h_aesd_imc(union v128 *ret, v128_in d, v128_in n)
{
    TRY_AES(AES_D_IMC, d, n)
    union v128 x = sub_shift(d, n, true);
    *ret = mix_columns(&x, true);
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
