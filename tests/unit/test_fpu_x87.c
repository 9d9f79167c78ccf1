/* Soft float against the host's x87: results and status word in every rounding mode and precision.
 * Elsewhere than on x86-64 there is nothing to compare with and the tests are skipped. */
#include "test_fpu_gen.h"

#ifdef __x86_64__

enum { SW_FLAGS = 0x3f, SW_C1 = 1 << 9, SW_C2 = 1 << 10, SW_C0 = 1 << 8, SW_C3 = 1 << 14 };

/* An 80-bit operand as the host reads it. */
struct cell {
    u64 frac;
    u16 se;
    u16 pad[3];
};

struct result {
    struct cell v; /* or an integer or narrower number in frac */
    u16 sw;
};

static u16 sw_flags(const struct fp_env *env, bool c1)
{
    static const u16 map[][2] = {{FP_INVALID, 1},  {FP_DENORMAL_USED, 2}, {FP_DIVZERO, 4},
                                 {FP_OVERFLOW, 8}, {FP_UNDERFLOW, 16},    {FP_INEXACT, 32}};
    u16 sw = 0;
    for (unsigned i = 0; i < ARRAY_LEN(map); i++) {
        sw |= env->flags & map[i][0] ? map[i][1] : 0;
    }
    return sw | (c1 && env->flags & FP_ROUNDED_UP ? SW_C1 : 0);
}

/* mode: 0..3 the RC field, 0 / 4 / 8 precision 64 / 53 / 24. */
static struct fp_env mode_env(unsigned mode)
{
    static const u8 rc[] = {FP_RNE, FP_RM, FP_RP, FP_RZ}, precision[] = {64, 53, 24};
    struct fp_env env = FP_ENV_X87;
    env.round = rc[mode & 3];
    env.f80_precision = precision[mode >> 2];
    return env;
}

static u16 mode_cw(unsigned mode)
{
    static const u16 pc[] = {3, 2, 0};
    return (u16)(0x3f | pc[mode >> 2] << 8 | (mode & 3) << 10);
}

struct op {
    const char *name;
    const struct gen_fmt *fmt; /* of the operands */
    bool keeps_c1;             /* the instruction reports rounding up in C1 */
    struct result (*host)(const struct cell *v, u16 cw);
    struct result (*soft)(const f80 *v, struct fp_env *env);
};

static struct result boxed(f80 v)
{
    return (struct result){.v = {.frac = v.frac, .se = v.se}};
}

/* st1 = v[0], st0 = v[1]; "=" is the store. The stack is empty again afterwards. */
#define HOST(fn, body, load, store) \
    static struct result host_##fn(const struct cell *v, u16 cw) \
    { \
        struct result r = {0}; \
        u16 saved; \
        __asm__ volatile("fnstcw %[saved]\n\tfninit\n\tfldcw %[cw]\n\t" load "\n\tfnclex\n\t" body \
                         "\n\tfnstsw %[sw]\n\t" store "\n\tfninit\n\tfldcw %[saved]" \
                         : [r] "=m"(r.v), [sw] "=m"(r.sw), [saved] "=m"(saved) \
                         : [cw] "m"(cw), [a] "m"(v[0]), [b] "m"(v[1]) \
                         : "cc", "memory", "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)"); \
        return r; \
    }
#define SOFT(fn, expr) \
    static struct result soft_##fn(const f80 *v, struct fp_env *env) \
    { \
        f80 a UNUSED = v[0], b UNUSED = v[1]; \
        return expr; \
    }
#define BINARY(fn, insn, expr) \
    HOST(fn, insn, "fldt %[a]\n\tfldt %[b]", "fstpt %[r]") \
    SOFT(fn, boxed(expr))
#define UNARY(fn, insn, expr) \
    HOST(fn, insn, "fldt %[a]", "fstpt %[r]") \
    SOFT(fn, boxed(expr))
/* Stores in a narrower form, which is where the exceptions come from. */
#define STORE(fn, insn, expr) \
    HOST(fn, insn " %[r]", "fldt %[a]", "nop") \
    SOFT(fn, ((struct result){.v.frac = (u64)(expr)}))
/* Loads of a narrower form. */
#define LOAD(fn, insn, expr) \
    HOST(fn, insn " %[a]", "nop", "fstpt %[r]") \
    SOFT(fn, boxed(expr))

BINARY(fadd, "faddp", f80_add(a, b, env))
BINARY(fsub, "fsubrp", f80_sub(a, b, env)) /* AT&T's fsubrp is Intel's FSUBP: st1 - st0 */
BINARY(fmul, "fmulp", f80_mul(a, b, env))
BINARY(fdiv, "fdivrp", f80_div(a, b, env))
UNARY(fsqrt, "fsqrt", f80_sqrt(a, env))
UNARY(frndint, "frndint", f80_round_int(a, env->round, true, env))
STORE(fst32, "fstps", f80_to_f32(a, env))
STORE(fst64, "fstpl", f80_to_f64(a, env))
STORE(fist16, "fistps", (u16)f80_to_sint_x86(a, 16, env->round, env))
STORE(fist32, "fistpl", (u32)f80_to_sint_x86(a, 32, env->round, env))
STORE(fist64, "fistpll", f80_to_sint_x86(a, 64, env->round, env))
STORE(fisttp64, "fisttpll", f80_to_sint_x86(a, 64, FP_RZ, env))
LOAD(fld32, "flds", f32_to_f80((f32)a.frac, env))
LOAD(fld64, "fldl", f64_to_f80(a.frac, env))
LOAD(fild64, "fildll", f80_from_sint((i64)a.frac, 0, env))

static u16 compare_sw(enum fp_rel rel)
{
    return rel == FP_LESS ? SW_C0 : rel == FP_EQUAL ? SW_C3 : rel == FP_GREATER ? 0 : SW_C0 | SW_C2 | SW_C3;
}

/* st0 = v[1] is compared with st1 = v[0]. */
#define COMPARE(fn, insn, call) \
    HOST(fn, insn, "fldt %[a]\n\tfldt %[b]", "nop") \
    SOFT(fn, ((struct result){.sw = compare_sw(call(b, a, env))}))
COMPARE(fcom, "fcompp", f80_compare)
COMPARE(fucom, "fucompp", f80_compare_quiet)

static struct result rem_x87(f80 a, f80 b, bool nearest, struct fp_env *env)
{
    u64 q;
    bool partial;
    struct result r = boxed(f80_rem_x87(a, b, nearest, &q, &partial, env));
    r.sw = partial ? SW_C2 : (q & 4 ? SW_C0 : 0) | (q & 2 ? SW_C3 : 0) | (q & 1 ? SW_C1 : 0);
    return r;
}
/* fprem: st0 rem st1, so st0 = v[1]. */
HOST(fprem, "fprem", "fldt %[a]\n\tfldt %[b]", "fstpt %[r]")
SOFT(fprem, rem_x87(b, a, false, env))
HOST(fprem1, "fprem1", "fldt %[a]\n\tfldt %[b]", "fstpt %[r]")
SOFT(fprem1, rem_x87(b, a, true, env))

#define ROW(fn, fmt, c1) \
    { \
#fn, &gen_##fmt, c1, host_##fn, soft_##fn \
    }
static const struct op arith_ops[] = {
    ROW(fadd, f80, true), ROW(fsub, f80, true), ROW(fmul, f80, true), ROW(fdiv, f80, true), ROW(fsqrt, f80, true),
};
static const struct op other_ops[] = {
    ROW(frndint, f80, true),   ROW(fcom, f80, false),  ROW(fucom, f80, false), ROW(fst32, f80, true),
    ROW(fst64, f80, true),     ROW(fist16, f80, true), ROW(fist32, f80, true), ROW(fist64, f80, true),
    ROW(fisttp64, f80, false), ROW(fld32, f32, false), ROW(fld64, f64, false), ROW(fild64, f64, false),
};
static const struct op rem_ops[] = {ROW(fprem, f80, false), ROW(fprem1, f80, false)};

static void compare_once(struct gen *g, const struct op *op, u128 a, u128 b, unsigned mode)
{
    struct fp_env env = mode_env(mode);
    struct cell v[2] = {{.frac = (u64)a, .se = (u16)(a >> 64)}, {.frac = (u64)b, .se = (u16)(b >> 64)}};
    f80 w[2] = {{(u64)a, (u16)(a >> 64)}, {(u64)b, (u16)(b >> 64)}};
    struct result want = op->host(v, mode_cw(mode)), got = op->soft(w, &env);
    got.sw |= sw_flags(&env, op->keeps_c1);
    u16 mask = SW_FLAGS | SW_C0 | SW_C2 | SW_C3 | SW_C1;
    if (want.v.frac != got.v.frac || want.v.se != got.v.se || ((want.sw ^ got.sw) & mask)) {
        gen_mismatch(g, "%s mode %u: %04x:%016llx %04x:%016llx: host %04x:%016llx sw %04x, soft %04x:%016llx sw %04x",
                     op->name, mode, w[0].se, (unsigned long long)w[0].frac, w[1].se, (unsigned long long)w[1].frac,
                     want.v.se, (unsigned long long)want.v.frac, want.sw & mask, got.v.se,
                     (unsigned long long)got.v.frac, got.sw & mask);
    }
}

static void compare_ops_all(const char *test, const struct op *ops, unsigned n)
{
    struct gen g = gen_start(test);
    unsigned iters = gen_iters(60000);
    for (const struct op *op = ops; op < ops + n; op++) {
        for (unsigned i = 0; i < iters; i++) {
            u128 a = gen_num(&g, op->fmt), b = gen_partner(&g, op->fmt, a);
            compare_once(&g, op, a, b, gen_below(&g, 12));
        }
    }
    assert_int_equal(g.bad, 0);
}

static void test_arith(void **state UNUSED)
{
    compare_ops_all("x87 arith", arith_ops, ARRAY_LEN(arith_ops));
}
static void test_other(void **state UNUSED)
{
    compare_ops_all("x87 other", other_ops, ARRAY_LEN(other_ops));
}
static void test_rem(void **state UNUSED)
{
    compare_ops_all("x87 rem", rem_ops, ARRAY_LEN(rem_ops));
}
#else
static void test_arith(void **state UNUSED)
{
    skip();
}
#define test_other test_arith
#define test_rem   test_arith
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_arith),
        cmocka_unit_test(test_other),
        cmocka_unit_test(test_rem),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
