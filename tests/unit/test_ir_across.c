/* The vector ops whose lanes meet neighbours, counts or indices, each against another formulation; rounds of AES
 * against the example of FIPS 197, appendix B. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/bits.h"
#include "tcg/eval.h"
#include "tests/diff/ir_cpu.h"

static struct rng r;
static union v128 a, b, c;

static void draw(void)
{
    union v128 *all[3] = {&a, &b, &c};
    for (unsigned i = 0; i < 6; i++) {
        all[i / 2]->d[i & 1] = rng_value(&r);
    }
}
static union v128 run(unsigned op, unsigned es, u32 imm)
{
    struct ir_op o = {.op = (u8)op, .type = IR_V128, .sub = (u8)es, .imm = imm};
    union v128 out;
    eval_vec(&o, &out, &a, &b, &c);
    return out;
}
static void expect(const char *what, union v128 got, const void *want)
{
    if (memcmp(&got, want, 16)) {
        fail_msg("%s", what);
    }
}

typedef int16_t words[8];
typedef int32_t dwords[4];

static i32 word(const union v128 *v, unsigned i)
{
    words w;
    memcpy(w, v, 16);
    return w[i];
}
static i32 clamp(i32 v, i32 min, i32 max)
{
    return v < min ? min : v > max ? max : v;
}

static void products(void **state)
{
    (void)state;
    r.s = rng_seed("products");
    for (unsigned n = 0; n < 2000; n++) {
        draw();
        words high, uhigh, rounded, mixed;
        dwords dot;
        for (unsigned i = 0; i < 8; i++) {
            i32 x = word(&a, i), y = word(&b, i);
            high[i] = (int16_t)((x * y) >> 16);
            uhigh[i] = (int16_t)((u32)(uint16_t)x * (uint16_t)y >> 16);
            rounded[i] = (int16_t)(((x * y >> 14) + 1) >> 1);
            mixed[i] = (int16_t)clamp(a.b[2 * i] * (i8)b.b[2 * i] + a.b[2 * i + 1] * (i8)b.b[2 * i + 1], -32768, 32767);
        }
        for (unsigned i = 0; i < 4; i++) {
            dot[i] =
                (int32_t)((u32)(word(&a, 2 * i) * word(&b, 2 * i)) + (u32)(word(&a, 2 * i + 1) * word(&b, 2 * i + 1)));
        }
        u64 even[2] = {(u64)a.s[0] * b.s[0], (u64)a.s[2] * b.s[2]};
        i64 seven[2] = {(i64)(i32)a.s[0] * (i32)b.s[0], (i64)(i32)a.s[2] * (i32)b.s[2]};
        expect("vmulh signed", run(IR_vmulh, 0, 1), high);
        expect("vmulh", run(IR_vmulh, 0, 0), uhigh);
        expect("vmulr", run(IR_vmulr, 0, 0), rounded);
        expect("vdot.b", run(IR_vdot, 0, 0), mixed);
        expect("vdot.h", run(IR_vdot, 1, 0), dot);
        expect("vmule", run(IR_vmule, 0, 0), even);
        expect("vmule signed", run(IR_vmule, 0, 1), seven);
    }
}

static void sums_and_packs(void **state)
{
    (void)state;
    r.s = rng_seed("sums_and_packs");
    for (unsigned n = 0; n < 2000; n++) {
        draw();
        u64 sad[2] = {0, 0};
        u8 average[16], to_signed[16], to_unsigned[16];
        words sums;
        for (unsigned i = 0; i < 16; i++) {
            sad[i / 8] += (u64)(a.b[i] > b.b[i] ? a.b[i] - b.b[i] : b.b[i] - a.b[i]);
            average[i] = (u8)((a.b[i] | b.b[i]) - ((a.b[i] ^ b.b[i]) >> 1));
            i32 x = word(i < 8 ? &a : &b, i & 7);
            to_signed[i] = (u8)clamp(x, -128, 127);
            to_unsigned[i] = (u8)clamp(x, 0, 255);
        }
        for (unsigned i = 0; i < 8; i++) {
            const union v128 *v = i < 4 ? &a : &b;
            sums[i] = (int16_t)(word(v, 2 * (i & 3)) + word(v, 2 * (i & 3) + 1));
        }
        expect("vsad", run(IR_vsad, 0, 0), sad);
        expect("vuravg", run(IR_vuravg, 0, 0), average);
        expect("vpack signed", run(IR_vpack, 1, 1), to_signed);
        expect("vpack", run(IR_vpack, 1, 0), to_unsigned);
        expect("vpadd", run(IR_vpadd, 1, 0), sums);
    }
}

static void chosen_and_shifted(void **state)
{
    (void)state;
    r.s = rng_seed("chosen_and_shifted");
    for (unsigned n = 0; n < 2000; n++) {
        draw();
        u8 bytes[16], blended[16];
        u32 lanes[4], left[4], right[4], sign[4], mask = 0;
        for (unsigned i = 0; i < 16; i++) {
            bytes[i] = b.b[i] & 0x80 ? 0 : a.b[b.b[i] & 15];
            blended[i] = c.b[i] & 0x80 ? b.b[i] : a.b[i];
            mask |= (u32)(a.b[i] >> 7) << i;
        }
        b.s[n & 3] &= 63; /* counts that do something */
        for (unsigned i = 0; i < 4; i++) {
            lanes[i] = a.s[b.s[i] & 3];
            left[i] = b.s[i] > 31 ? 0 : a.s[i] << b.s[i];
            right[i] = b.s[i] > 31 ? 0 : a.s[i] >> b.s[i];
            sign[i] = (u32)((i32)a.s[i] >> (b.s[i] > 31 ? 31 : b.s[i]));
        }
        expect("vpermv", run(IR_vpermv, 2, 0), lanes);
        expect("vshlv", run(IR_vshlv, 2, 0), left);
        expect("vshrv", run(IR_vshrv, 2, 0), right);
        expect("vsarv", run(IR_vsarv, 2, 0), sign);
        b.d[0] &= n & 1 ? 63 : ~0ull;
        for (unsigned i = 0; i < 4; i++) {
            left[i] = b.d[0] > 31 ? 0 : a.s[i] << b.d[0];
            sign[i] = (u32)((i32)a.s[i] >> (b.d[0] > 31 ? 31 : b.d[0]));
        }
        expect("vshl_all", run(IR_vshl_all, 2, 0), left);
        expect("vsar_all", run(IR_vsar_all, 2, 0), sign);
        assert_int_equal(eval_vmask(0, &a), mask);
        assert_int_equal(eval_vtst(&a, &c), (a.d[0] & c.d[0]) || (a.d[1] & c.d[1]));
        draw();
        for (unsigned i = 0; i < 16; i++) {
            bytes[i] = b.b[i] & 0x80 ? 0 : a.b[b.b[i] & 15];
            blended[i] = c.b[i] & 0x80 ? b.b[i] : a.b[i];
        }
        expect("vtblm", run(IR_vtblm, 0, 0), bytes);
        expect("vblend", run(IR_vblend, 0, 0), blended);
    }
}

static void aes_rounds(void **state)
{
    (void)state;
    /* the state and the key of round 1, and the state of round 2 */
    static const u8 before[16] = {0x19, 0x3d, 0xe3, 0xbe, 0xa0, 0xf4, 0xe2, 0x2b,
                                  0x9a, 0xc6, 0x8d, 0x2a, 0xe9, 0xf8, 0x48, 0x08},
                    key[16] = {0xa0, 0xfa, 0xfe, 0x17, 0x88, 0x54, 0x2c, 0xb1,
                               0x23, 0xa3, 0x39, 0x39, 0x2a, 0x6c, 0x76, 0x05},
                    after[16] = {0xa4, 0x9c, 0x7f, 0xf2, 0x68, 0x9f, 0x35, 0x2b,
                                 0x6b, 0x5b, 0xea, 0x43, 0x02, 0x6a, 0x50, 0x49};
    memcpy(&a, before, 16);
    memcpy(&b, key, 16);
    expect("a round", run(IR_vaes, 0, 0), after);
    /* a last round undone by an inverse one: SubBytes and ShiftRows change places */
    union v128 start = a, zero = {0};
    b = zero;
    a = run(IR_vaes, 0, AES_LAST);
    a = run(IR_vaes, 0, AES_LAST | AES_INVERSE);
    expect("there and back", a, &start);
    /* InvMixColumns of MixColumns: a whole round less its last form */
    a = start;
    union v128 mixed = run(IR_vaes, 0, 0), plain = run(IR_vaes, 0, AES_LAST);
    a = mixed;
    expect("columns", run(IR_vaes_imc, 0, 0), &plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(products), cmocka_unit_test(sums_and_packs),
                                       cmocka_unit_test(chosen_and_shifted), cmocka_unit_test(aes_rounds)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
