/* 3DNow!: pairs of single floats without denormals, infinities and NaNs (APM volume 5; AMD 3DNow! technology manual). A
 * tiny result is zero, a huge one the largest number. What the steps of an iteration give between them is the
 * implementation's: here it is Newton's, and the first approximations are exact. */
#include "fpu/softfloat.h"
#include "target/i386/cpu_slots.h"
#include "target/i386/helpers.h"

#define SIGN    0x80000000u
#define LARGEST 0x7f7fffffu
#define ONE     0x3f800000u
#define HALF    0x3f000000u
#define TWO     0x40000000u
#define THREE   0x40400000u

static struct fp_env env_of(unsigned round)
{
    struct fp_env e = FP_ENV_SSE;
    e.round = (u8)round;
    e.flush_in = e.flush_out = true;
    return e;
}
static u32 bounded(u32 x)
{
    return (x & ~SIGN) == 0x7f800000 ? (x & SIGN) | LARGEST : x;
}
static bool is_zero(u32 x)
{
    return (x & 0x7f800000) == 0;
}

static u32 add(u32 a, u32 b)
{
    struct fp_env e = env_of(FP_RNE);
    return bounded(f32_add(a, b, &e));
}
static u32 sub(u32 a, u32 b)
{
    struct fp_env e = env_of(FP_RNE);
    return bounded(f32_sub(a, b, &e));
}
static u32 mul(u32 a, u32 b)
{
    struct fp_env e = env_of(FP_RNE);
    return bounded(f32_mul(a, b, &e));
}
static u32 mul_sub(u32 c, u32 a, u32 b) /* c - a * b */
{
    struct fp_env e = env_of(FP_RNE);
    return bounded(f32_fma(a, b, c, FP_FMA_NEG_PRODUCT, &e));
}
static enum fp_rel compare(u32 a, u32 b)
{
    struct fp_env e = env_of(FP_RNE);
    return f32_compare_quiet(a, b, &e);
}
static u32 reciprocal(u32 x, bool root)
{
    struct fp_env e = env_of(FP_RNE);
    if (is_zero(x)) {
        return (x & SIGN) | LARGEST;
    }
    u32 y = root ? f32_sqrt(x & ~SIGN, &e) : x & ~SIGN;
    return (x & SIGN) | bounded(f32_div(ONE, y, &e));
}

/* A zero is a positive one; so is the result of two. */
static u32 extreme(u32 a, u32 b, bool max)
{
    enum fp_rel r = compare(a, b);
    u32 x = (r == FP_GREATER) == max ? a : b;
    return is_zero(x) ? 0 : x;
}

static u32 to_int(u32 x, unsigned width)
{
    struct fp_env e = env_of(FP_RZ);
    return is_zero(x) ? 0 : (u32)f32_to_sint(x, width, 0, FP_RZ, &e);
}
static u32 of_int(i32 v)
{
    struct fp_env e = env_of(FP_RZ);
    return f32_from_sint(v, 0, &e);
}

static u32 element(unsigned op, u32 a, u32 b)
{
    switch (op) {
    case X86_FN_pi2fd:
        return of_int((i32)b);
    case X86_FN_pi2fw:
        return of_int((i16)b);
    case X86_FN_pf2id:
        return to_int(b, 32);
    case X86_FN_pf2iw:
        return to_int(b, 16);
    case X86_FN_pfadd:
        return add(a, b);
    case X86_FN_pfsub:
        return sub(a, b);
    case X86_FN_pfsubr:
        return sub(b, a);
    case X86_FN_pfmul:
    case X86_FN_pfrcpit2:
        return mul(a, b);
    case X86_FN_pfrcpit1:
        return mul_sub(TWO, a, b);
    case X86_FN_pfrsqit1:
        return mul(HALF, mul_sub(THREE, a, b));
    case X86_FN_pfmin:
        return extreme(a, b, false);
    case X86_FN_pfmax:
        return extreme(a, b, true);
    case X86_FN_pfcmpeq:
        return compare(a, b) == FP_EQUAL ? ~0u : 0;
    case X86_FN_pfcmpgt:
        return compare(a, b) == FP_GREATER ? ~0u : 0;
    default:
        return compare(a, b) == FP_GREATER || compare(a, b) == FP_EQUAL ? ~0u : 0; /* PFCMPGE */
    }
}

u64 x86_h_3dnow(u64 op, u64 a, u64 b)
{
    u32 a0 = (u32)a, a1 = (u32)(a >> 32), b0 = (u32)b, b1 = (u32)(b >> 32), r0, r1;
    switch (op) {
    case X86_FN_pfrcp:
        r0 = r1 = reciprocal(b0, false);
        break;
    case X86_FN_pfrsqrt:
        r0 = r1 = reciprocal(b0, true);
        break;
    case X86_FN_pfacc:
        r0 = add(a0, a1);
        r1 = add(b0, b1);
        break;
    case X86_FN_pfnacc:
        r0 = sub(a0, a1);
        r1 = sub(b0, b1);
        break;
    case X86_FN_pfpnacc:
        r0 = sub(a0, a1);
        r1 = add(b0, b1);
        break;
    default:
        r0 = element((unsigned)op, a0, b0);
        r1 = element((unsigned)op, a1, b1);
    }
    return r0 | (u64)r1 << 32;
}
