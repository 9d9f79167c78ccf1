/* Helpers of floating point: what the float ops don't have. Exceptions accumulate in the CPU's float environment. */
#include "target/arm/a64/helpers_simd.h"

#include "fpu/softfloat.h"
#include "target/arm/cpu.h"

/* -- one operand a lane: key FPX_KEY ----------------------------------------------------------------------------- */

static u64 sized16(u64 a UNUSED, unsigned size UNUSED, enum fp_round round UNUSED, struct fp_env *env UNUSED)
{
    must(!"FRINT32 and FRINT64 of halves");
}
#define sized32(a, size, round, env) f32_round_int_sized((f32)(a), size, round, env)
#define sized64(a, size, round, env) f64_round_int_sized(a, size, round, env)

#define FP1(F, w, sized) \
    static u64 F##_one(unsigned kind, unsigned fbits, u64 a, struct fp_env *env) \
    { \
        switch (kind) { \
        case FP1_RECPE: \
            return F##_recpe((F)a, env); \
        case FP1_RSQRTE: \
            return F##_rsqrte((F)a, env); \
        case FP1_RECPX: \
            return F##_recpx((F)a, env); \
        case FP1_RINT32Z: \
            return sized(a, 32, FP_RZ, env); \
        case FP1_RINT32X: \
            return sized(a, 32, env->round, env); \
        case FP1_RINT64Z: \
            return sized(a, 64, FP_RZ, env); \
        case FP1_RINT64X: \
            return sized(a, 64, env->round, env); \
        case FP1_TO_SINT: \
            return (u64)F##_to_sint((F)a, w, fbits, FP_RZ, env); \
        case FP1_TO_UINT: \
            return F##_to_uint((F)a, w, fbits, FP_RZ, env); \
        case FP1_FROM_SINT: \
            return F##_from_sint(sext(a, w), fbits, env); \
        case FP1_FROM_UINT: \
            return F##_from_uint(a, fbits, env); \
        default: \
            must(!"a float helper"); \
        } \
    }
FP1(f16, 16, sized16)
FP1(f32, 32, sized32)
FP1(f64, 64, sized64)

static f32 f64_to_f32_odd(f64 a, struct fp_env *env)
{
    struct fp_env odd = *env;
    odd.round = FP_RTO;
    f32 r = f64_to_f32(a, &odd);
    env->flags = odd.flags;
    return r;
}

void arm_h_fp1(struct vcpu *v, union v128 *ret, v128_in n, u64 key)
{
    struct fp_env *env = &arm_cpu(v)->fp;
    unsigned kind = key & 0xff, es = key >> 8 & 0xff, lanes = key >> 16 & 0xff, fbits = (unsigned)(key >> 24) & 0xff;
    union v128 r = {0};
    for (unsigned i = 0; i < lanes; i++) {
        if (kind == FP1_CVTXN) {
            r.s[i] = f64_to_f32_odd(n->d[i], env);
        } else if (kind == FP1_BFCVTN) {
            r.h[i] = f32_to_bf16(n->s[i], env);
        } else if (es == 1) {
            r.h[i] = (u16)f16_one(kind, fbits, n->h[i], env);
        } else if (es == 2) {
            r.s[i] = (u32)f32_one(kind, fbits, n->s[i], env);
        } else {
            r.d[i] = f64_one(kind, fbits, n->d[i], env);
        }
    }
    *ret = r;
}

/* -- two operands a lane ----------------------------------------------------------------------------------------- */

#define FP2(F) \
    static F F##_two(unsigned kind, F a, F b, struct fp_env *env) \
    { \
        return kind == FP2_MULX    ? F##_mulx(a, b, env) \
               : kind == FP2_RECPS ? F##_recps(a, b, env) \
                                   : F##_rsqrts(a, b, env); \
    }
FP2(f16)
FP2(f32)
FP2(f64)

void arm_h_fp2(struct vcpu *v, union v128 *ret, v128_in n, v128_in m, u64 key)
{
    struct fp_env *env = &arm_cpu(v)->fp;
    unsigned kind = key & 0xff, es = key >> 8 & 0xff, lanes = key >> 16 & 0xff;
    union v128 r = {0};
    for (unsigned i = 0; i < lanes; i++) {
        if (es == 1) {
            r.h[i] = f16_two(kind, n->h[i], m->h[i], env);
        } else if (es == 2) {
            r.s[i] = f32_two(kind, n->s[i], m->s[i], env);
        } else {
            r.d[i] = f64_two(kind, n->d[i], m->d[i], env);
        }
    }
    *ret = r;
}

/* FMLAL and its like. key: lanes | negated product << 8 | upper halves << 9 */
void arm_h_fmlal(struct vcpu *v, union v128 *ret, v128_in d, v128_in n, v128_in m, u64 key)
{
    struct fp_env *env = &arm_cpu(v)->fp;
    unsigned lanes = key & 0xff, from = key >> 9 & 1 ? lanes : 0, neg = key >> 8 & 1 ? FP_FMA_NEG_PRODUCT : 0;
    union v128 r = {0};
    for (unsigned i = 0; i < lanes; i++) {
        r.s[i] = f32_fma_f16(n->h[from + i], m->h[from + i], d->s[i], neg, env);
    }
    *ret = r;
}

/* -- bfloat16 ---------------------------------------------------------------------------------------------------- */

void arm_h_bfdot(union v128 *ret, v128_in d, v128_in n, v128_in m)
{
    union v128 r;
    for (unsigned i = 0; i < 4; i++) {
        r.s[i] = bf16_dot_add(d->s[i], n->s[i], m->s[i]);
    }
    *ret = r;
}
void arm_h_bfmmla(union v128 *ret, v128_in d, v128_in n, v128_in m)
{
    union v128 r;
    for (unsigned i = 0; i < 4; i++) {
        const u32 *a = n->s + i / 2 * 2, *b = m->s + i % 2 * 2;
        r.s[i] = bf16_dot_add(bf16_dot_add(d->s[i], a[0], b[0]), a[1], b[1]);
    }
    *ret = r;
}

/* -- scalars ----------------------------------------------------------------------------------------------------- */

u64 arm_h_fjcvtzs(struct vcpu *v, u64 a)
{
    bool z;
    u32 r = (u32)f64_to_i32_js(a, &z, &arm_cpu(v)->fp);
    return r | (u64)z << 32;
}

/* key: FPX_KEY of unsigned, es of the float, integer width, fraction bits */
u64 arm_h_to_fixed(struct vcpu *v, u64 a, u64 key)
{
    struct fp_env *env = &arm_cpu(v)->fp;
    unsigned uns = key & 1, es = key >> 8 & 3, w = key >> 16 & 0xff, fbits = (unsigned)(key >> 24);
    u64 r;
    if (es == 1) {
        r = uns ? f16_to_uint((f16)a, w, fbits, FP_RZ, env) : (u64)f16_to_sint((f16)a, w, fbits, FP_RZ, env);
    } else {
        r = uns ? f64_to_uint(a, w, fbits, FP_RZ, env) : (u64)f64_to_sint(a, w, fbits, FP_RZ, env);
    }
    return r & MASK(w);
}
u64 arm_h_from_fixed16(struct vcpu *v, u64 a, u64 key)
{
    struct fp_env *env = &arm_cpu(v)->fp;
    unsigned w = key >> 16 & 0xff, fbits = (unsigned)(key >> 24);
    return key & 1 ? f16_from_uint(a & MASK(w), fbits, env) : f16_from_sint(sext(a, w), fbits, env);
}
