/* Rounds of AES. SPEC: FIPS 197. The state is column-major: row r of column c is byte r + 4c. */
#include "tcg/eval.h"

static u8 sbox[256], inverse_sbox[256];

static u8 gf_mul(u8 a, u8 b) /* modulo x^8 + x^4 + x^3 + x + 1 */
{
    u8 r = 0;
    for (; b; b >>= 1, a = (u8)(a << 1 ^ (a & 0x80 ? 0x1b : 0))) {
        r ^= b & 1 ? a : 0;
    }
    return r;
}
/* The multiplicative inverse by powers of the generator 3 (3^a and 3^(255-a)), then the affine map. */
__attribute__((constructor)) static void aes_init(void)
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
        inverse_sbox[s] = (u8)x;
    }
}

static void mix_columns(union v128 *r, const union v128 *a, bool inverse)
{
    static const u8 coef[2][4] = {{2, 3, 1, 1}, {14, 11, 13, 9}};
    union v128 out;
    for (unsigned i = 0; i < 16; i++) {
        u8 x = 0;
        for (unsigned k = 0; k < 4; k++) {
            x ^= gf_mul(a->b[(i & ~3u) + k], coef[inverse][(k - i) & 3]);
        }
        out.b[i] = x;
    }
    *r = out;
}

void eval_aes(const struct ir_op *op, union v128 *r, const union v128 *a, const union v128 *key)
{
    if (op->op == IR_vaes_imc) {
        mix_columns(r, a, true);
        return;
    }
    bool inverse = op->imm & AES_INVERSE;
    union v128 x;
    for (unsigned i = 0; i < 16; i++) { /* row r goes r columns to the left, or, inverse, to the right */
        unsigned from = (inverse ? i - 4 * (i & 3) : i + 4 * (i & 3)) & 15;
        x.b[i] = inverse ? inverse_sbox[a->b[from]] : sbox[a->b[from]];
    }
    if (!(op->imm & AES_LAST)) {
        mix_columns(&x, &x, inverse);
    }
    for (unsigned h = 0; h < 2; h++) {
        r->d[h] = x.d[h] ^ key->d[h];
    }
}
