/* F2XM1, FYL2X, FYL2XP1, FPTAN, FPATAN, FSIN, FCOS, FSINCOS (SDM volume 1, 8.3.7): the manual promises less than one
 * unit in the last place, not bits. Where the host has an x87 it executes them on the cpu's state, flags, faults of the
 * stack and all. Elsewhere the C library's long double does, where that has 64 bits or more: special cases are made by
 * hand, exceptions are IE, DE, ZE, and PE always. */
#include "target/i386/x87_host.h"

#include <float.h>
#include <math.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
/* FSAVE's 32-bit image in protected mode. */
struct image {
    u32 fcw, fsw, tags, env[4];
    u8 reg[80];
};

static void run(struct image *m, unsigned fn)
{
#define RUN(name) \
    case X86_FN_##name: \
        __asm__ volatile("fnstcw %[saved]\n\tfrstor %[m]\n\t" #name "\n\tfnsave %[m]\n\tfninit\n\tfldcw %[saved]" \
                         : [m] "+m"(*m), [saved] "=m"(saved) \
                         : \
                         : "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)", "st(7)"); \
        break;
    u16 saved;
    switch (fn) {
        RUN(f2xm1)
        RUN(fyl2x)
        RUN(fyl2xp1)
        RUN(fptan)
        RUN(fpatan)
        RUN(fsin)
        RUN(fcos)
        RUN(fsincos)
    }
#undef RUN
}

static bool is_ours(unsigned fn)
{
    static const u16 fns[] = {X86_FN_f2xm1,  X86_FN_fyl2x, X86_FN_fyl2xp1, X86_FN_fptan,
                              X86_FN_fpatan, X86_FN_fsin,  X86_FN_fcos,    X86_FN_fsincos};
    for (unsigned i = 0; i < ARRAY_LEN(fns); i++) {
        if (fns[i] == fn) {
            return true;
        }
    }
    return false;
}

bool x87_transcendental(struct x87 *x)
{
    struct x86_cpu *cpu = x->cpu;
    struct image m = {.fcw = x86_fcw(cpu), .fsw = x86_fsw(cpu)};
    if (!is_ours(x->key.fn)) {
        return false;
    }
    u8 held = x86_ftw(cpu);
    for (unsigned n = 0; n < 8; n++) {
        m.tags |= held >> n & 1 ? 0 : 3u << 2 * n; /* the host looks at what is in it */
        st64le(m.reg + 10 * n, x86_st(cpu, n)->frac);
        st16le(m.reg + 10 * n + 8, (u16)x86_st(cpu, n)->se);
    }
    run(&m, x->key.fn);
    x86_fsw_set(cpu, (u16)m.fsw);
    held = 0;
    for (unsigned n = 0; n < 8; n++) {
        held |= (m.tags >> 2 * n & 3) != 3 ? 1u << n : 0;
        x86_st(cpu, n)->frac = ld64le(m.reg + 10 * n);
        x86_st(cpu, n)->se = ld16le(m.reg + 10 * n + 8);
    }
    x86_ftw_set(cpu, held);
    return true;
}
#else
#if LDBL_MANT_DIG != 113
#error "a long double of 113 bits is needed"
#endif

static long double wide(f80 v)
{
    struct fp_env env = FP_ENV_X87;
    f128 w = f80_to_f128(v, &env);
    long double r;
    memcpy(&r, &w, sizeof(r));
    return r;
}
static f80 narrow(struct x87 *x, long double v)
{
    f128 w;
    memcpy(&w, &v, sizeof(w));
    return f128_to_f80(w, &x->env);
}
static const long double ln2 = 0.693147180559945309417232121458176568L;

static bool is_inf(f80 v)
{
    return (v.se & 0x7fff) == 0x7fff && v.frac == 1ull << 63;
}
static bool is_denormal(f80 v)
{
    return !(v.se & 0x7fff) && v.frac;
}
static bool nan_operand(f80 v)
{
    return x87_is_nan(v) || x87_is_bad(v);
}

/* One register is enough; false: the masked fault was answered. */
static bool have(struct x87 *x, unsigned n)
{
    if (!x87_empty(x, 0) && (n < 2 || !x87_empty(x, 1))) {
        return true;
    }
    if (!x87_stack_fault(x, false)) {
        x87_put(x, n - 1, x87_indefinite());
        if (n == 2) {
            x87_pop(x);
        }
    }
    return false;
}

/* x->env.flags say what is invalid or divided by zero; else v is the result, inexact unless it is 0 or infinite. */
static bool finish(struct x87 *x, unsigned to, f80 v)
{
    bool exact = !v.frac || is_inf(v) || nan_operand(v);
    x->env.flags |= exact ? 0 : FP_INEXACT;
    if (!x87_finish(x)) {
        return false;
    }
    x87_put(x, to, v);
    return true;
}

static f80 invalid(struct x87 *x)
{
    x->env.flags |= FP_INVALID;
    return x87_indefinite();
}

/* y * log2(v), v given with its logarithm. */
static f80 y_log(struct x87 *x, f80 v, f80 y, bool plus_one)
{
    long double w = wide(v), l = plus_one ? log1pl(w) / ln2 : log2l(w), wy = wide(y);
    if (isnan(l) || (isinf(l) && wy == 0) || (l == 0 && isinf(wy))) {
        return invalid(x);
    }
    if (isinf(l) && l < 0 && !isinf(wy)) {
        x->env.flags |= FP_DIVZERO;
    }
    return narrow(x, l * wy);
}

static void two(struct x87 *x)
{
    if (!have(x, 2)) {
        return;
    }
    f80 a = x87_get(x, 0), b = x87_get(x, 1), r;
    if (is_denormal(a) || is_denormal(b)) {
        x->env.flags |= FP_DENORMAL_USED;
    }
    if (nan_operand(a) || nan_operand(b)) {
        r = f80_add(a, b, &x->env);
    } else if (x->key.fn == X86_FN_fpatan) {
        r = narrow(x, atan2l(wide(b), wide(a)));
    } else {
        r = y_log(x, a, b, x->key.fn == X86_FN_fyl2xp1);
    }
    if (finish(x, 1, r)) {
        x87_pop(x);
    }
}

static void one(struct x87 *x)
{
    unsigned fn = x->key.fn;
    bool pushes = fn == X86_FN_fsincos || fn == X86_FN_fptan;
    if (!have(x, 1)) {
        return;
    }
    if (pushes && !x87_empty(x, 7)) {
        if (!x87_stack_fault(x, true)) {
            x87_put(x, 0, x87_indefinite());
            x87_push(x, x87_indefinite());
        }
        return;
    }
    f80 v = x87_get(x, 0), r, second = {1ull << 63, 0x3fff};
    if (fn != X86_FN_f2xm1 && (v.se & 0x7fff) >= 0x3fff + 63 && !nan_operand(v) && !is_inf(v)) {
        x87_cc(x, FSW_C2); /* out of range */
        return;
    }
    x87_cc(x, 0);
    if (is_denormal(v)) {
        x->env.flags |= FP_DENORMAL_USED;
    }
    if (nan_operand(v)) {
        r = second = f80_add(v, v, &x->env);
    } else if (is_inf(v) && fn != X86_FN_f2xm1) {
        r = second = invalid(x);
    } else {
        long double w = wide(v);
        r = narrow(x, fn == X86_FN_f2xm1   ? expm1l(w * ln2)
                      : fn == X86_FN_fptan ? tanl(w)
                      : fn == X86_FN_fcos  ? cosl(w)
                                           : sinl(w));
        second = fn == X86_FN_fsincos ? narrow(x, cosl(w)) : second;
    }
    if (finish(x, 0, r) && pushes) {
        x87_push(x, second);
    }
}

bool x87_transcendental(struct x87 *x)
{
    switch (x->key.fn) {
    case X86_FN_fyl2x:
    case X86_FN_fyl2xp1:
    case X86_FN_fpatan:
        two(x);
        return true;
    case X86_FN_f2xm1:
    case X86_FN_fptan:
    case X86_FN_fsin:
    case X86_FN_fcos:
    case X86_FN_fsincos:
        one(x);
        return true;
    default:
        return false;
    }
}
#endif
