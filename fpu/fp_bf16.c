/* The dot product of Arm's BFloat16 extension.
 *
 * BFDotAdd, BFMulH and BFAdd of the Arm ARM (DDI 0487) for FPCR.EBF = 0. Not modelled: FEAT_EBF16. */
#include "fpu/fp_priv.h"

/* BFRound: to odd, but an overflow is an infinity all the same. */
static f32 overflow_to_inf(f32 v, const struct fp_env *env)
{
    return env->flags & FP_OVERFLOW ? (v & 0x80000000u) | 0x7f800000u : v;
}

static struct fp_env bf_env(void)
{
    return (struct fp_env){.round = FP_RTO, .default_nan = true, .flush_in = true, .flush_out = true};
}

static f32 bf_mul(u32 a, u32 b)
{
    struct fp_env env = bf_env();
    f32 r = f32_mul(bf16_to_f32((bf16)a), bf16_to_f32((bf16)b), &env);
    return overflow_to_inf(r, &env);
}

static f32 bf_add(f32 a, f32 b)
{
    struct fp_env env = bf_env();
    f32 r = f32_add(a, b, &env);
    return overflow_to_inf(r, &env);
}

f32 bf16_dot_add(f32 c, u32 a_pair, u32 b_pair)
{
    f32 products = bf_add(bf_mul(a_pair, b_pair), bf_mul(a_pair >> 16, b_pair >> 16));
    return bf_add(c, products);
}
