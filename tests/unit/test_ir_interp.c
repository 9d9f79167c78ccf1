/* The interpreter beyond integers: vector ops lane by lane in C, float ops against the host's, memory, calls, exits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "tcg/build_priv.h"
#include "tcg/text.h"
#include "tests/diff/ir_random.h"

static struct ir trace;
static struct ir_cpu cpu;

static struct ir_outcome run_text(const char *text)
{
    struct err e = {""};
    ir_init(&trace, &ir_cpu_target, 0, 12);
    if (!ir_parse(&trace, text, &e) || !ir_verify(&trace, &e)) {
        fail_msg("%s in\n%s", e.msg, text);
    }
    return ir_cpu_interp(&trace, &cpu);
}

/* v3 = op(v0, v1, v2) */
static union v128 run_vec(struct ir_op op)
{
    ir_init(&trace, &ir_cpu_target, 0, 12);
    ir_insn(&trace, 0, 4);
    ir_ref v[3];
    for (unsigned i = 0; i < 3; i++) {
        v[i] = ir_append(&trace, OP(.op = IR_get, .type = IR_V128, .imm = SLOT_V + i));
    }
    op.type = IR_V128;
    for (unsigned k = 0; k < ir_nargs(&trace, &op); k++) {
        *op_arg(&op, k) = v[k];
    }
    ir_ref r = ir_append(&trace, &op);
    ir_append(&trace, OP(.op = IR_put, .type = IR_V128, .a = r, .imm = SLOT_V + 3));
    ir_exit(&trace, 4, EXIT_JUMP);
    assert_int_equal(ir_cpu_interp(&trace, &cpu).how, INTERP_EXIT);
    return cpu.v[3];
}

/* -- vectors ------------------------------------------------------------------------------------------------------- */

static i64 clamp(i128 v, i128 lo, i128 hi)
{
    return (i64)(v < lo ? lo : v > hi ? hi : v);
}

/* One lane of n-bit type S (signed), U. */
#define LANE_MODEL(name, S, U, bits) \
    static u64 name(unsigned op, u32 imm, u64 x, u64 y) \
    { \
        S a = (S)x, b = (S)y; \
        U ua = (U)x, ub = (U)y; \
        i128 smin = -((i128)1 << ((bits)-1)), smax = -smin - 1, umax = ((i128)1 << (bits)) - 1; \
        int n = (i8)y; \
        switch (op) { \
        case IR_add: \
            return (U)(ua + ub); \
        case IR_sub: \
            return (U)(ua - ub); \
        case IR_mul: \
            return (U)((u64)ua * ub); \
        case IR_neg: \
            return (U)(0 - ua); \
        case IR_vsmin: \
            return (U)(a < b ? a : b); \
        case IR_vsmax: \
            return (U)(a > b ? a : b); \
        case IR_vumin: \
            return ua < ub ? ua : ub; \
        case IR_vumax: \
            return ua > ub ? ua : ub; \
        case IR_vabs: \
            return (U)(a < 0 ? (U)(0 - ua) : ua); \
        case IR_vsqadd: \
            return (U)clamp((i128)a + b, smin, smax); \
        case IR_vsqsub: \
            return (U)clamp((i128)a - b, smin, smax); \
        case IR_vuqadd: \
            return (i128)ua + ub > umax ? (U)umax : (U)(ua + ub); \
        case IR_vuqsub: \
            return ua < ub ? 0 : (U)(ua - ub); \
        case IR_vshl: \
            return (U)((u64)ua << imm); \
        case IR_vshr: \
            return imm >= (bits) ? 0 : (U)(ua >> imm); \
        case IR_vsar: \
            return (U)(imm >= (bits) ? (a < 0 ? -1 : 0) : a >> imm); \
        case IR_vushl: \
            return n >= (bits) || n <= -(bits) ? 0 : n >= 0 ? (U)((u64)ua << n) : (U)(ua >> -n); \
        case IR_vsshl: \
            return n >= (bits) ? 0 : n >= 0 ? (U)((u64)ua << n) : (U)(n <= -(bits) ? (a < 0 ? -1 : 0) : a >> -n); \
        case IR_vcmp: \
            return imm == CC_EQ    ? (U) - (ua == ub) \
                   : imm == CC_SGT ? (U) - (a > b) \
                   : imm == CC_SGE ? (U) - (a >= b) \
                   : imm == CC_UGT ? (U) - (ua > ub) \
                   : imm == CC_UGE ? (U) - (ua >= ub) \
                                   : (U) - ((ua & ub) != 0); \
        default: \
            must(!"a modelled op"); \
        } \
    }
// clang-format off
LANE_MODEL(lane8, i8, u8, 8)
LANE_MODEL(lane16, i16, u16, 16)
LANE_MODEL(lane32, i32, u32, 32)
LANE_MODEL(lane64, i64, u64, 64)
// clang-format on

static union v128 model_vec(unsigned op, unsigned es, u32 imm)
{
    const union v128 *a = &cpu.v[0], *b = &cpu.v[1];
    union v128 r;
    for (unsigned i = 0; i < 16; i++) {
        r.b[i] = es == 0 ? (u8)lane8(op, imm, a->b[i], b->b[i]) : 0;
    }
    for (unsigned i = 0; es == 1 && i < 8; i++) {
        r.h[i] = (u16)lane16(op, imm, a->h[i], b->h[i]);
    }
    for (unsigned i = 0; es == 2 && i < 4; i++) {
        r.s[i] = (u32)lane32(op, imm, a->s[i], b->s[i]);
    }
    for (unsigned i = 0; es == 3 && i < 2; i++) {
        r.d[i] = lane64(op, imm, a->d[i], b->d[i]);
    }
    return r;
}

static void expect_vec(const char *what, unsigned es, u32 imm, const union v128 *got, const union v128 *want)
{
    if (memcmp(got, want, 16)) {
        const u64 *a = cpu.v[0].d, *b = cpu.v[1].d;
        fail_msg("%s.%u imm %u of %016" PRIx64 "%016" PRIx64 " %016" PRIx64 "%016" PRIx64 ": %016" PRIx64 "%016" PRIx64
                 ", expected %016" PRIx64 "%016" PRIx64,
                 what, es, imm, a[1], a[0], b[1], b[0], got->d[1], got->d[0], want->d[1], want->d[0]);
    }
}

static void random_vectors(struct rng *r)
{
    for (unsigned i = 0; i < 3; i++) {
        cpu.v[i] = (union v128){.d = {rng_value(r), rng_value(r)}};
    }
    for (unsigned i = 0; rng_one_in(r, 2) && i < 16; i++) {
        cpu.v[1].b[i] = rng_one_in(r, 3) ? (u8)(rng_below(r, 160) - 80) : cpu.v[0].b[i];
    }
}

static void lane_ops(void **state)
{
    (void)state;
    struct rng r = {rng_seed("lane_ops")};
    static const u8 ops[] = {IR_add,   IR_sub,  IR_mul,    IR_neg,    IR_vsmin,  IR_vsmax,  IR_vumin,
                             IR_vumax, IR_vabs, IR_vsqadd, IR_vuqadd, IR_vsqsub, IR_vuqsub, IR_vshl,
                             IR_vshr,  IR_vsar, IR_vushl,  IR_vsshl,  IR_vcmp};
    static const u8 conds[] = {CC_EQ, CC_SGT, CC_SGE, CC_UGT, CC_UGE, CC_TSTNE};
    for (unsigned i = 0; i < 400; i++) {
        for (unsigned k = 0; k < ARRAY_LEN(ops); k++) {
            unsigned op = ops[k], es = rng_below(&r, op == IR_mul ? 3 : 4);
            u32 imm = op == IR_vcmp                    ? conds[rng_below(&r, ARRAY_LEN(conds))]
                      : op == IR_vshl                  ? rng_below(&r, 8u << es)
                      : op == IR_vshr || op == IR_vsar ? rng_below(&r, (8u << es) + 1)
                                                       : 0;
            random_vectors(&r);
            union v128 want = model_vec(op, es, imm),
                       got = run_vec((struct ir_op){.op = (u8)op, .sub = (u8)es, .imm = imm});
            expect_vec(ir_ops[op].name, es, imm, &got, &want);
        }
    }
}

static void bitwise_ops(void **state)
{
    (void)state;
    struct rng r = {rng_seed("bitwise_ops")};
    static const struct {
        u8 op, truth; /* result bits for (a, b, c) = 7 .. 0 */
    } ops[] = {
        {IR_and, 0xc0}, {IR_or, 0xfc},   {IR_xor, 0x3c}, {IR_andn, 0x30},
        {IR_orn, 0xf3}, {IR_xnor, 0xc3}, {IR_not, 0x0f}, {IR_vbsl, 0xca},
    };
    for (unsigned i = 0; i < 200; i++) {
        for (unsigned k = 0; k < ARRAY_LEN(ops); k++) {
            random_vectors(&r);
            union v128 want = {0}, got = run_vec((struct ir_op){.op = ops[k].op});
            for (unsigned bit_i = 0; bit_i < 128; bit_i++) {
                unsigned in = 0;
                for (unsigned v = 0; v < 3; v++) {
                    in = in << 1 | (cpu.v[v].b[bit_i / 8] >> bit_i % 8 & 1);
                }
                want.b[bit_i / 8] |= (u8)((ops[k].truth >> in & 1) << bit_i % 8);
            }
            expect_vec(ir_ops[ops[k].op].name, 0, 0, &got, &want);
        }
    }
}

/* Lane i as a number. */
static i128 lane(const union v128 *v, unsigned es, unsigned i, bool is_signed)
{
    u64 x = ldnle(v->b + (i << es), 1u << es);
    return is_signed ? (i128)sext(x, 8u << es) : (i128)x;
}
static void set_lane(union v128 *v, unsigned es, unsigned i, i128 x)
{
    stnle(v->b + (i << es), 1u << es, (u64)x);
}

static void width_changing_ops(void **state)
{
    (void)state;
    struct rng r = {rng_seed("width_changing_ops")};
    for (unsigned i = 0; i < 2000; i++) {
        unsigned es = rng_below(&r, 3), n = 8u >> es, imm = rng_below(&r, 4), first = imm & 1 ? n : 0;
        bool is_signed = imm & 2;
        random_vectors(&r);
        union v128 mull = {0}, xtl = {0}, xtn = {0}, qxtn = {0}, got;
        for (unsigned k = 0; k < n; k++) {
            i128 a = lane(&cpu.v[0], es, first + k, is_signed), b = lane(&cpu.v[1], es, first + k, is_signed);
            set_lane(&mull, es + 1, k, a * b);
            set_lane(&xtl, es + 1, k, a);
            i128 wide = lane(&cpu.v[0], es + 1, k, false), from = lane(&cpu.v[0], es + 1, k, imm & 1);
            i128 lo = imm & 2 ? -((i128)1 << ((8 << es) - 1)) : 0, hi = imm & 2 ? -lo - 1 : (i128)MASK(8u << es);
            set_lane(&xtn, es, k, wide);
            set_lane(&qxtn, es, k, from < lo ? lo : from > hi ? hi : from);
        }
        got = run_vec((struct ir_op){.op = IR_vmull, .sub = (u8)es, .imm = imm});
        expect_vec("vmull", es, imm, &got, &mull);
        got = run_vec((struct ir_op){.op = IR_vxtl, .sub = (u8)es, .imm = imm});
        expect_vec("vxtl", es, imm, &got, &xtl);
        got = run_vec((struct ir_op){.op = IR_vxtn, .sub = (u8)(es + 1)});
        expect_vec("vxtn", es, imm, &got, &xtn);
        got = run_vec((struct ir_op){.op = IR_vqxtn, .sub = (u8)(es + 1), .imm = imm});
        expect_vec("vqxtn", es, imm, &got, &qxtn);
    }
}

static void byte_moving_ops(void **state)
{
    (void)state;
    struct rng r = {rng_seed("byte_moving_ops")};
    for (unsigned i = 0; i < 1000; i++) {
        random_vectors(&r);
        union v128 want = {0}, got;
        for (unsigned k = 0; k < 16; k++) {
            unsigned j = cpu.v[1].b[k];
            want.b[k] = j > 15 ? 0 : cpu.v[0].b[j];
        }
        got = run_vec((struct ir_op){.op = IR_vtbl});
        expect_vec("vtbl", 0, 0, &got, &want);
        for (unsigned k = 0; k < 16; k++) {
            want.b[k] = 0;
            for (unsigned j = 0; j < 8; j++) {
                want.b[k] += cpu.v[0].b[k] >> j & 1;
            }
        }
        got = run_vec((struct ir_op){.op = IR_vpopcnt});
        expect_vec("vpopcnt", 0, 0, &got, &want);
        unsigned imm = rng_below(&r, 4);
        want = (union v128){0};
        for (unsigned k = 0; k < 64; k++) {
            for (unsigned j = 0; j < 64; j++) {
                u64 p = (cpu.v[0].d[imm & 1] >> k & 1) & (cpu.v[1].d[imm >> 1] >> j & 1);
                want.d[(k + j) / 64] ^= p << (k + j) % 64;
            }
        }
        got = run_vec((struct ir_op){.op = IR_vclmul, .imm = imm});
        expect_vec("vclmul", 0, imm, &got, &want);
    }
    cpu.v[0] = (union v128){.d = {0x0706050403020100, 0x0f0e0d0c0b0a0908}};
    cpu.v[1] = (union v128){.d = {0x1716151413121110, 0x1f1e1d1c1b1a1918}};
    run_text(
        "insn 0, 4\n v1 = get v0\n v2 = get v1\n v3 = vshuf v1, v2, 0x001f108001021e11:ff0f808182181716\n put v2, v3\n"
        "exit 4\n");
    assert_true(cpu.v[2].d[0] == 0x000f000000181716 && cpu.v[2].d[1] == 0x001f100001021e11);
}

static void lane_moves(void **state)
{
    (void)state;
    memset(&cpu, 0, sizeof(cpu));
    cpu.rt.r[0] = 0x1122334455667788;
    cpu.v[0] = (union v128){.d = {0x0123456789abcdef, 0xfedcba9876543210}};
    run_text("insn 0, 4\n v1 = get x0\n v2 = get v0\n"
             "v3 = vdup.h v1\n v4 = vset.s v2, v1, 2\n v5 = vget.b.i32 v2, 8\n v6 = vgets.h.i64 v2, 7\n"
             "v7 = vgets.b.i32 v2, 0\n v8 = vzero_ext v1\n v9 = vget.d.f64 v2, 1\n v10 = vzero_ext v9\n"
             "v11 = vget.h.f16 v2, 1\n v12 = vset.h v3, v11, 0\n v13 = bitcast.i32 v11\n"
             "put v1, v3\n put v2, v4\n put x1, v5\n put x2, v6\n put x3, v7\n put v3, v8\n put v4, v10\n put v5, v12\n"
             "put x4, v13\n exit 4\n");
    assert_true(cpu.v[1].d[0] == 0x7788778877887788 && cpu.v[1].d[1] == 0x7788778877887788);
    assert_true(cpu.v[2].d[0] == 0x0123456789abcdef && cpu.v[2].d[1] == 0xfedcba9855667788);
    assert_true(cpu.rt.r[1] == 0x10 && cpu.rt.r[2] == 0xfffffffffffffedc && cpu.rt.r[3] == 0xffffffef);
    assert_true(cpu.v[3].d[0] == 0x1122334455667788 && cpu.v[3].d[1] == 0);
    assert_true(cpu.v[4].d[0] == 0xfedcba9876543210 && cpu.v[4].d[1] == 0);
    assert_true(cpu.v[5].d[0] == 0x77887788778889ab && cpu.rt.r[4] == 0x89ab);
}

/* -- floats: the host's arithmetic, to nearest even, no NaNs ----------------------------------------------------- */

static double host(unsigned op, double a, double b, double c)
{
    switch (op) {
    case IR_fadd:
        return a + b;
    case IR_fsub:
        return a - b;
    case IR_fmul:
        return a * b;
    case IR_fdiv:
        return a / b;
    case IR_fma:
        return fma(a, b, c);
    case IR_fsqrt:
        return sqrt(a);
    case IR_fneg:
        return -a;
    case IR_fabs:
        return fabs(a);
    case IR_fmin:
    case IR_fminnm:
        return a == b ? (signbit(a) ? a : b) : a < b ? a : b;
    default:
        return a == b ? (signbit(a) ? b : a) : a > b ? a : b;
    }
}
static float hostf(unsigned op, float a, float b, float c)
{
    /* Double holds the exact result or rounds innocuously, except for fma. */
    return op == IR_fma ? fmaf(a, b, c) : (float)host(op, a, b, c);
}

static void float_ops(void **state)
{
    (void)state;
    struct rng r = {rng_seed("float_ops")};
    static const u8 ops[] = {IR_fadd, IR_fsub, IR_fmul,   IR_fdiv,   IR_fma,  IR_fsqrt,
                             IR_fmin, IR_fmax, IR_fminnm, IR_fmaxnm, IR_fneg, IR_fabs};
    unsigned compared = 0;
    cpu.env = FP_ENV_ARM;
    for (unsigned i = 0; i < 1000; i++) {
        for (unsigned k = 0; k < ARRAY_LEN(ops); k++) {
            random_vectors(&r);
            union v128 got = run_vec((struct ir_op){.op = ops[k], .sub = MO_64}), v[3];
            memcpy(v, cpu.v, sizeof(v));
            for (unsigned n = 0; n < 2; n++) {
                double d = host(ops[k], v[0].g[n], v[1].g[n], v[2].g[n]);
                if (!isnan(v[0].g[n]) && !isnan(v[1].g[n]) && !isnan(v[2].g[n]) && !isnan(d)) {
                    assert_memory_equal(&d, &got.g[n], 8);
                    compared++;
                }
            }
            got = run_vec((struct ir_op){.op = ops[k], .sub = MO_32});
            for (unsigned n = 0; n < 4; n++) {
                float f = hostf(ops[k], v[0].f[n], v[1].f[n], v[2].f[n]);
                if (!isnan(v[0].f[n]) && !isnan(v[1].f[n]) && !isnan(v[2].f[n]) && !isnan(f)) {
                    assert_memory_equal(&f, &got.f[n], 4);
                    compared++;
                }
            }
        }
    }
    assert_true(compared > 10000);
}

/* d1 (or x1) = op of d0 (or x0). */
static u64 convert(const char *line, u64 in)
{
    char text[256];
    cpu.rt.r[0] = in;
    snprintf(text, sizeof(text), "insn 0, 4\n v1 = get x0\n%s put x1, v9\n exit 4\n", line);
    run_text(text);
    return cpu.rt.r[1];
}

static void float_conversions(void **state)
{
    (void)state;
    cpu.env = FP_ENV_ARM;
    const char *to_s64 = "v2 = bitcast.f64 v1\n v9 = f2i.i64 v2, f64 zero\n";
    const char *to_u32 = "v2 = bitcast.f32 v1\n v9 = f2i.i32 v2, f32 up unsigned\n";
    const char *from_s32 = "v2 = i2f.f32 v1, i32\n v9 = bitcast.i32 v2\n";
    const char *from_u64 = "v2 = i2f.f64 v1, i64 unsigned\n v9 = bitcast.i64 v2\n";
    const char *narrow = "v2 = bitcast.f64 v1\n v3 = fcvt.f32 v2, f64\n v9 = bitcast.i32 v3\n";
    const char *half = "v2 = bitcast.f16 v1\n v3 = fcvt.f64 v2, f16\n v9 = bitcast.i64 v3\n";
    assert_true(convert(to_s64, 0xc004000000000000) == (u64)-2);      /* -2.5 */
    assert_true(convert(to_s64, 0x7ff0000000000000) == BIT(63) - 1);  /* saturates */
    assert_true(convert(to_s64, 0x7ff8000000000000) == 0);            /* NaN */
    assert_true(convert(to_u32, 0x3f800001) == 2);                    /* 1.0000001 up */
    assert_true(convert(to_u32, 0xbf800000) == 0);                    /* negative */
    assert_true(convert(to_u32, 0x4f800000) == 0xffffffff);           /* 2^32 */
    assert_true(convert(from_s32, 0x55555555fffffffe) == 0xc0000000); /* -2 of the low half */
    assert_true(convert(from_u64, ~0ull) == 0x43f0000000000000);      /* 2^64 */
    assert_true(convert(narrow, 0x3ff0000000000001) == 0x3f800000);
    assert_true(convert(half, 0xffff3c00) == 0x3ff0000000000000);
    assert_true(convert("v2 = bitcast.f64 v1\n v3 = fround.f64 v2, current\n v9 = bitcast.i64 v3\n",
                        0x4004000000000000) == 0x4000000000000000); /* 2.5 to even */
    assert_true(convert("v2 = bitcast.f64 v1\n v3 = fround.f64 v2, away\n v9 = bitcast.i64 v3\n", 0x4004000000000000) ==
                0x4008000000000000);
    cpu.env.round = FP_RP;
    assert_true(convert(narrow, 0x3ff0000000000001) == 0x3f800001);
}

static void vector_conversions(void **state)
{
    (void)state;
    cpu.env = FP_ENV_ARM;
    cpu.v[1] = (union v128){.d = {0, 0}};
    cpu.v[0] = (union v128){.f = {1.5f, -2.5f, 3e9f, -0.0f}};
    union v128 got = run_vec((struct ir_op){.op = IR_vf2i, .sub = MO_32, .imm = F2I(0, FPR_NEAREST, 0)});
    assert_true(got.s[0] == 2 && got.s[1] == (u32)-2 && got.s[2] == 0x7fffffff && got.s[3] == 0);
    got = run_vec((struct ir_op){.op = IR_vf2i, .sub = MO_32, .imm = F2I(0, FPR_DOWN, F2I_UNS)});
    assert_true(got.s[0] == 1 && got.s[1] == 0 && got.s[2] == 3000000000u && got.s[3] == 0);
    got = run_vec((struct ir_op){.op = IR_vfcvtl, .sub = MO_32, .imm = 1});
    assert_true(got.g[0] == (double)3e9f && got.g[1] == 0 && signbit(got.g[1]));
    got = run_vec((struct ir_op){.op = IR_vfcmp, .sub = MO_32, .imm = FC_EQ});
    assert_true(got.d[0] == 0 && got.d[1] == 0xffffffff00000000);
    cpu.v[0] = (union v128){.g = {1.0 / 3, -1e300}};
    got = run_vec((struct ir_op){.op = IR_vfcvtn, .sub = MO_64, .imm = FPR_CURRENT});
    assert_true(got.f[0] == (float)(1.0 / 3) && isinf(got.f[1]) && got.d[1] == 0);
    cpu.v[0] = (union v128){.sd = {-3, INT64_MIN}};
    got = run_vec((struct ir_op){.op = IR_vi2f, .sub = MO_64, .imm = I2F(0, 0)});
    assert_true(got.g[0] == -3 && got.g[1] == -0x1p63);
    got = run_vec((struct ir_op){.op = IR_vi2f, .sub = MO_64, .imm = I2F(0, 1)});
    assert_true(got.g[0] == 0x1p64 && got.g[1] == 0x1p63);
}

/* Lanes alone, lanes that differ, minima as C has them, relations, integers indefinite; the exact unit's exceptions. */
static void vector_forms(void **state)
{
    (void)state;
    const u32 nan = 0x7fc00000;
    cpu.env = FP_ENV_SSE;
    cpu.v[0] = (union v128){.f = {1, 2, 3, 4}};
    cpu.v[1] = (union v128){.f = {10, 20, 30, 40}};
    union v128 got = run_vec((struct ir_op){.op = IR_fsub, .sub = MO_32 | FP_LOW});
    assert_true(got.f[0] == -9 && got.f[1] == 2 && got.f[2] == 3 && got.f[3] == 4);
    got = run_vec((struct ir_op){.op = IR_faddsub, .sub = MO_32});
    assert_true(got.f[0] == -9 && got.f[1] == 22 && got.f[2] == -27 && got.f[3] == 44);
    cpu.v[0] = (union v128){.f = {0.0f, 5, 3, 2}};
    cpu.v[1] = (union v128){.f = {-0.0f, 2, 3, 5}};
    cpu.v[1].s[2] = nan;
    cpu.env.flags = 0;
    got = run_vec((struct ir_op){.op = IR_fminc, .sub = MO_32});
    assert_true(got.s[0] == 0x80000000 && got.f[1] == 2 && got.s[2] == nan && got.f[3] == 2);
    assert_int_equal(cpu.env.flags, FP_INVALID);
    cpu.env.flags = 0;
    got = run_vec((struct ir_op){.op = IR_vfcmp, .sub = MO_32 | FP_SOFT, .imm = FC_EQ | FC_UN});
    assert_true(got.s[0] == ~0u && got.s[1] == 0 && got.s[2] == ~0u && got.s[3] == 0 && cpu.env.flags == 0);
    got = run_vec((struct ir_op){.op = IR_vfcmp, .sub = MO_32, .imm = FC_LT | FC_SIGNAL});
    assert_true(got.s[3] == ~0u && got.s[1] == 0 && cpu.env.flags == FP_INVALID);
    cpu.v[0] = (union v128){.g = {-2.5, 3e9}};
    got = run_vec((struct ir_op){.op = IR_vf2in, .sub = MO_64, .imm = F2I(0, FPR_ZERO, F2I_INDEF)});
    assert_true(got.s[0] == (u32)-2 && got.s[1] == 0x80000000 && got.d[1] == 0);
    cpu.v[0] = (union v128){.s = {(u32)-7, 9, 1, 1}};
    got = run_vec((struct ir_op){.op = IR_vi2fl});
    assert_true(got.g[0] == -7 && got.g[1] == 9);
}

static u32 compare(u64 a, u64 b, const char *bits)
{
    char text[200];
    cpu.rt.r[0] = a;
    cpu.rt.r[1] = b;
    snprintf(text, sizeof(text),
             "insn 0, 4\n v1 = get x0\n v2 = get x1\n v3 = bitcast.f64 v1\n v4 = bitcast.f64 v2\n"
             "v5 = fl_fcmp v3, v4, f64 %s\n put fl0, v5\n exit 4\n",
             bits);
    cpu.env.flags = 0;
    run_text(text);
    return cpu.fl[0];
}

static void float_comparisons(void **state)
{
    (void)state;
    const u64 one = 0x3ff0000000000000, two = 0x4000000000000000, nan = 0x7ff8000000000000;
    cpu.env = FP_ENV_ARM;
    assert_int_equal(compare(one, two, "-"), FL_N | FL_C);
    assert_int_equal(compare(one, one, "-"), FL_Z);
    assert_int_equal(compare(two, one, "-"), 0);
    assert_int_equal(compare(nan, one, "-"), FL_V);
    assert_int_equal(cpu.env.flags, 0);
    assert_int_equal(compare(nan, one, "signal"), FL_V);
    assert_int_equal(cpu.env.flags, FP_INVALID);
    assert_int_equal(compare(one, two, "zpc"), FL_C);
    assert_int_equal(compare(one, one, "zpc"), FL_Z);
    assert_int_equal(compare(two, one, "signal|zpc"), 0);
    assert_int_equal(compare(one, nan, "zpc"), FL_Z | FL_P | FL_C);
}

/* FP_DN and FP_FZ choose; what the CPU's env says of them alone does not. */
static void float_modes(void **state)
{
    (void)state;
    const u64 nan = 0xfff8000000001234, tiny = 1;
    cpu.env = FP_ENV_ARM;
    cpu.env.default_nan = cpu.env.flush_in = cpu.env.flush_out = true;
    cpu.v[0] = (union v128){.d = {nan, tiny}};
    cpu.v[1] = (union v128){.d = {0, 0}};
    union v128 got = run_vec((struct ir_op){.op = IR_fadd, .sub = MO_64});
    assert_true(got.d[0] == nan && got.d[1] == tiny && !(cpu.env.flags & (FP_INVALID | FP_UNDERFLOW | FP_INEXACT)));
    assert_true(cpu.env.default_nan && cpu.env.flush_in);
    got = run_vec((struct ir_op){.op = IR_fadd, .sub = MO_64 | FP_DN});
    assert_true(got.d[0] == 0x7ff8000000000000 && got.d[1] == tiny);
    got = run_vec((struct ir_op){.op = IR_fadd, .sub = MO_64 | FP_FZ});
    assert_true(got.d[0] == nan && got.d[1] == 0 && (cpu.env.flags & FP_INPUT_DENORMAL));
    cpu.v[0].d[0] = 0x3ff0000000000000;
    cpu.env.flags = FP_DIVZERO;
    run_vec((struct ir_op){.op = IR_fdiv, .sub = MO_64 | FP_DN});
    assert_true(cpu.env.flags & FP_DIVZERO);
    cpu.v[0] = (union v128){.d = {0x3ff0000000000000, 0}};
    cpu.v[1] = (union v128){.d = {0x4008000000000000, 0x3ff0000000000000}};
    run_vec((struct ir_op){.op = IR_fdiv, .sub = MO_64});
    assert_true((cpu.env.flags & (FP_INEXACT | FP_DIVZERO)) == (FP_INEXACT | FP_DIVZERO)); /* they accumulate */
}

/* -- memory ------------------------------------------------------------------------------------------------------ */

static void fill_memory(struct rng *r)
{
    ir_cpu_random(&cpu, r);
    cpu.rt.r[0] = IR_RAM_BASE + 64;
}

static void loads(void **state)
{
    (void)state;
    struct rng r = {rng_seed("loads")};
    for (unsigned i = 0; i < 1000; i++) {
        unsigned size = rng_below(&r, 4), type = size == 3 || rng_next(&r) & 1 ? 64 : 32, off = rng_below(&r, 64);
        bool sign = rng_next(&r) & 1, be = rng_next(&r) & 1, pair = size >= 2 && rng_next(&r) & 1;
        char text[300];
        fill_memory(&r);
        snprintf(text, sizeof(text),
                 "insn 0, 4\n v1 = get x0\n v2 = ld.i%u [v1 + %u], %u%s%s%s\n%s put x1, v2\n%s exit 4\n", type, off,
                 8u << size, sign ? "|sign" : "", be ? "|be" : "", pair ? "|pair" : "",
                 pair ? (type == 64 ? "v3 = ld_hi.i64 v2\n" : "v3 = ld_hi.i32 v2\n") : "", pair ? "put x2, v3\n" : "");
        assert_int_equal(run_text(text).how, INTERP_EXIT);
        for (unsigned k = 0; k < 1u + pair; k++) {
            u64 v = 0;
            const u8 *p = cpu.ram + 64 + off + (k << size);
            for (unsigned n = 0; n < 1u << size; n++) {
                v |= (u64)p[n] << 8 * (be ? (1u << size) - 1 - n : n);
            }
            if (sign && v >> ((8u << size) - 1)) {
                v |= ~0ull << ((8u << size) - 1);
            }
            v = type == 32 ? (u32)v : v;
            assert_true(cpu.rt.r[1 + k] == v);
        }
    }
}

static void stores(void **state)
{
    (void)state;
    struct rng r = {rng_seed("stores")};
    for (unsigned i = 0; i < 1000; i++) {
        unsigned size = rng_below(&r, 4), off = rng_below(&r, 64);
        bool be = rng_next(&r) & 1, pair = size >= 2 && rng_next(&r) & 1;
        char text[300];
        fill_memory(&r);
        static u8 want[IR_RAM_SIZE];
        memcpy(want, cpu.ram, sizeof(want));
        for (unsigned k = 0; k < 1u + pair; k++) {
            for (unsigned n = 0; n < 1u << size; n++) {
                want[64 + off + (k << size) + n] = (u8)(cpu.rt.r[1 + k] >> 8 * (be ? (1u << size) - 1 - n : n));
            }
        }
        snprintf(text, sizeof(text),
                 "insn 0, 4\n v1 = get x0\n v2 = get x1\n v3 = get x2\n st.i64 [v1 + %u], v2, %s%u%s%s\n exit 4\n", off,
                 pair ? "v3, " : "", 8u << size, be ? "|be" : "", pair ? "|pair" : "");
        assert_int_equal(run_text(text).how, INTERP_EXIT);
        assert_memory_equal(want, cpu.ram, sizeof(want));
    }
}

static void vector_memory(void **state)
{
    (void)state;
    struct rng r = {rng_seed("vector_memory")};
    fill_memory(&r);
    union v128 a = cpu.v[0], b = cpu.v[1];
    run_text("insn 0, 4\n v1 = get x0\n v2 = get v0\n v3 = get v1\n st.v128 [v1], v2, v3, 128|pair\n"
             "st.v128 [v1 + 64], v2, 128|be\n v4 = ld.v128 [v1], 128|pair\n v5 = ld_hi.v128 v4\n"
             "v6 = ld.v128 [v1 + 64], 128|be\n v7 = ld.f32 [v1 + 4], 32\n v8 = bitcast.i32 v7\n"
             "put v2, v4\n put v3, v5\n put v4, v6\n put x1, v8\n exit 4\n");
    assert_memory_equal(&a, &cpu.v[2], 16);
    assert_memory_equal(&b, &cpu.v[3], 16);
    assert_memory_equal(&a, &cpu.v[4], 16);
    assert_memory_equal(&a, cpu.ram + 64, 16);
    assert_memory_equal(&b, cpu.ram + 80, 16);
    assert_true(cpu.rt.r[1] == a.s[1]);
    for (unsigned i = 0; i < 16; i++) {
        assert_int_equal(cpu.ram[128 + i], a.b[15 - i]);
    }
}

static void atomics(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        u64 want;
    } ops[] = {
        {"add", 0x6f},  {"sub", 0x91},  {"and", 0x80},  {"andn", 0x00}, {"or", 0xef},   {"xor", 0x6f},
        {"swap", 0xef}, {"smin", 0x80}, {"smax", 0xef}, {"umin", 0x80}, {"umax", 0xef},
    };
    for (unsigned i = 0; i < ARRAY_LEN(ops); i++) {
        char text[200];
        memset(&cpu, 0, sizeof(cpu));
        cpu.rt.r[0] = IR_RAM_BASE + 64;
        cpu.rt.r[1] = 0x1ef; /* the low byte counts */
        cpu.ram[64] = 0x80;
        cpu.ram[65] = 0x77;
        snprintf(text, sizeof(text),
                 "insn 0, 4\n v1 = get x0\n v2 = get x1\n v3 = rmw.%s.i64 [v1], v2, 8|acq|rel\n put x2, v3\n exit 4\n",
                 ops[i].name);
        run_text(text);
        assert_int_equal(cpu.rt.r[2], 0x80);
        assert_int_equal(cpu.ram[64], ops[i].want);
        assert_int_equal(cpu.ram[65], 0x77);
    }
    const char *cas =
        "insn 0, 4\n v1 = get x0\n v2 = get x1\n v3 = cas.i32 [v1], v2, 0xaabbccdd, 32\n put x2, v3\n exit 4\n";
    memset(&cpu, 0, sizeof(cpu));
    cpu.rt.r[0] = IR_RAM_BASE;
    st32le(cpu.ram, 0x80000005);
    cpu.rt.r[1] = 5;
    run_text(cas);
    assert_true(cpu.rt.r[2] == 0x80000005 && ld32le(cpu.ram) == 0x80000005);
    cpu.rt.r[1] = 0x1280000005;
    run_text(cas);
    assert_true(cpu.rt.r[2] == 0x80000005 && ld32le(cpu.ram) == 0xaabbccdd);
}

/* -- control ----------------------------------------------------------------------------------------------------- */

static void ends(void **state)
{
    (void)state;
    struct rng r = {rng_seed("ends")};
    fill_memory(&r);
    cpu.rt.r[1] = 0x123456789abcdef0;
    struct ir_outcome o = run_text("insn 0x10, 4\n exit.call -0x20\n");
    assert_true(o.how == INTERP_EXIT && o.pc == IR_PAGE - 0x20);
    o = run_text("insn 0x10, 4\n v1 = get x1\n exit_ind.ret v1\n");
    assert_true(o.how == INTERP_EXIT && o.pc == 0x123456789abcdef0);
    o = run_text("insn 0x10, 4\ninsn 0x14, 6\n exit_loop halt\n");
    assert_true(o.how == INTERP_LOOP && o.pc == IR_PAGE + 0x1a && o.reason == REASON_HALT);
    o = run_text("insn 0x10, 4\n call end, 0x777\n exit_pc\n");
    assert_true(o.how == INTERP_EXIT && o.pc == 0x777);
    o = run_text("insn 0x10, 4\n v1 = get x1\n exitcc.eq.i32 v1, 0x9abcdef0, +0x40\n exit +0x14\n");
    assert_true(o.how == INTERP_EXIT && o.pc == IR_PAGE + 0x40);
    o = run_text("insn 0x10, 4\n v1 = get x1\n v2 = fl_logic v1, i64\n exitf.mi v2, +0x40\n v3 = pc -0x10\n put x2, "
                 "v3\n exit +0x14\n");
    assert_true(o.how == INTERP_EXIT && o.pc == IR_PAGE + 0x14 && cpu.rt.r[2] == IR_PAGE - 0x10);
}

static void faults(void **state)
{
    (void)state;
    struct rng r = {rng_seed("faults")};
    fill_memory(&r);
    cpu.rt.r[1] = IR_RAM_BASE + IR_RAM_SIZE - 4;
    struct ir_outcome o = run_text("insn 0x10, 4\n v1 = get x1\n v2 = ld.i64 [v1 - 4], 64\n put x2, 7\n"
                                   "insn 0x14, 4\n v3 = ld.i64 [v1], 64\n put x3, 8\n exit +0x18\n");
    assert_true(o.how == INTERP_FAULT && o.insn_off == 0x14 && cpu.rt.r[2] == 7 && cpu.rt.r[3] != 8);
    o = run_text("insn 0x10, 4\n v1 = get x1\n v3 = ld.i32 [v1 - 1], 32|align4\n exit +0x18\n");
    assert_true(o.how == INTERP_FAULT && o.insn_off == 0x10);
    o = run_text("insn 0x20, 4\n v1 = call may_fault, 0x10\n put x3, 8\n exit +0x18\n");
    assert_true(o.how == INTERP_FAULT && o.insn_off == 0x20 && cpu.rt.r[3] != 8);
}

static void calls(void **state)
{
    (void)state;
    memset(&cpu, 0, sizeof(cpu));
    cpu.rt.r[0] = 0x1111;
    cpu.v[0] = (union v128){.d = {1, 2}};
    cpu.fl[1] = FL_N;
    run_text("insn 0, 4\n v1 = get x0\n v2 = get v0\n v3 = call mix, v1, 0xffffffff00000001\n v4 = call vmix, v2, v1\n"
             "v5 = call vmix, 0x0000000000000005:0000000000000006, 1\n v6 = get fl1\n v7 = call flags, v6\n"
             "call set, v1\n v8 = get x2\n v9 = call sum\n v10 = bitcast.f64 v1\n v11 = call float, v10\n v12 = "
             "bitcast.i32 v11\n"
             "put x1, v3\n put v2, v4\n put v3, v5\n put fl1, v7\n put x3, v8\n put x4, v9\n put x5, v12\n exit 4\n");
    assert_true(cpu.rt.r[1] == (0x1111 ^ 1) * 0x9e3779b97f4a7c15ull);
    assert_true(cpu.v[2].d[0] == 2 + 0x1111 && cpu.v[2].d[1] == (1 ^ 0x1111));
    assert_true(cpu.v[3].d[0] == 6 && cpu.v[3].d[1] == 7);
    assert_true(cpu.fl[1] == FL_C && cpu.rt.r[3] == 0x1111 && cpu.rt.r[4] == 0x1111 && cpu.rt.r[5] == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lane_ops),
        cmocka_unit_test(bitwise_ops),
        cmocka_unit_test(width_changing_ops),
        cmocka_unit_test(byte_moving_ops),
        cmocka_unit_test(lane_moves),
        cmocka_unit_test(float_ops),
        cmocka_unit_test(float_conversions),
        cmocka_unit_test(vector_conversions),
        cmocka_unit_test(vector_forms),
        cmocka_unit_test(float_comparisons),
        cmocka_unit_test(float_modes),
        cmocka_unit_test(loads),
        cmocka_unit_test(stores),
        cmocka_unit_test(vector_memory),
        cmocka_unit_test(atomics),
        cmocka_unit_test(ends),
        cmocka_unit_test(faults),
        cmocka_unit_test(calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
