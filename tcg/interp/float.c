/* Float ops on the soft float unit, scalar and lane by lane. */
#include "tcg/interp/float.h"

#include "base/bits.h"
#include "tcg/ops_priv.h"

_Static_assert((int)FPR_NEAREST == FP_RNE && (int)FPR_ZERO == FP_RZ && (int)FPR_DOWN == FP_RM && (int)FPR_UP == FP_RP &&
                   (int)FPR_AWAY == FP_RNA && (int)FPR_ODD == FP_RTO,
               "rounding modes have one numbering");
_Static_assert((int)FMA_NEG_PRODUCT == FP_FMA_NEG_PRODUCT && (int)FMA_NEG_ADDEND == FP_FMA_NEG_ADDEND, "and fma signs");

struct float_op {
    u8 op, type, sub;
    u32 imm;
};

static enum fp_round round_of(unsigned fpr, const struct fp_env *env)
{
    fpr &= 7;
    return fpr == FPR_CURRENT ? env->round : fpr;
}

/* -- one value of each format --------------------------------------------------------------------------------- */

#define ARITHMETIC(F) \
    static u64 F##_arith(const struct float_op *o, u64 a, u64 b, u64 c, struct fp_env *env) \
    { \
        switch (o->op) { \
        case IR_fadd: \
            return F##_add((F)a, (F)b, env); \
        case IR_fsub: \
            return F##_sub((F)a, (F)b, env); \
        case IR_fmul: \
            return F##_mul((F)a, (F)b, env); \
        case IR_fdiv: \
            return F##_div((F)a, (F)b, env); \
        case IR_fma: \
            return F##_fma((F)a, (F)b, (F)c, o->imm & 3, env); \
        case IR_fsqrt: \
            return F##_sqrt((F)a, env); \
        case IR_fmin: \
            return F##_min((F)a, (F)b, env); \
        case IR_fmax: \
            return F##_max((F)a, (F)b, env); \
        case IR_fminnm: \
            return F##_minnm((F)a, (F)b, env); \
        case IR_fmaxnm: \
            return F##_maxnm((F)a, (F)b, env); \
        case IR_fminc: \
            return F##_min_x86((F)a, (F)b, env); \
        case IR_fmaxc: \
            return F##_max_x86((F)a, (F)b, env); \
        case IR_fneg: \
            return F##_neg((F)a); \
        case IR_fabs: \
            return F##_abs((F)a); \
        case IR_fround: \
            return F##_round_int((F)a, round_of(o->imm, env), o->imm & FPR_EXACT, env); \
        default: \
            must(!"a float op"); \
        } \
    } \
    static enum fp_rel F##_relate(u64 a, u64 b, bool signal, struct fp_env *env) \
    { \
        return signal ? F##_compare((F)a, (F)b, env) : F##_compare_quiet((F)a, (F)b, env); \
    } \
    static u64 F##_to_int(u64 a, unsigned width, u32 f2i, struct fp_env *env) \
    { \
        enum fp_round round = round_of(f2i >> 8, env); \
        switch (f2i & (F2I_UNS | F2I_INDEF)) { \
        case F2I_UNS | F2I_INDEF: \
            return F##_to_uint_x86((F)a, width, round, env); \
        case F2I_INDEF: \
            return (u64)F##_to_sint_x86((F)a, width, round, env); \
        case F2I_UNS: \
            return F##_to_uint((F)a, width, 0, round, env); \
        default: \
            return (u64)F##_to_sint((F)a, width, 0, round, env); \
        } \
    } \
    static u64 F##_from_int(u64 v, bool uns, struct fp_env *env) \
    { \
        return uns ? F##_from_uint(v, 0, env) : F##_from_sint((i64)v, 0, env); \
    }
ARITHMETIC(f16)
ARITHMETIC(f32)
ARITHMETIC(f64)
#undef ARITHMETIC

/* The function of a format: es is log2 of its bytes. */
#define BY_SIZE(es, name, ...) \
    ((es) == MO_16 ? f16_##name(__VA_ARGS__) : (es) == MO_32 ? f32_##name(__VA_ARGS__) : f64_##name(__VA_ARGS__))

static unsigned float_es(unsigned t)
{
    return t == IR_F16 ? MO_16 : t == IR_F32 ? MO_32 : MO_64;
}

static u64 convert(unsigned from, unsigned to, u64 a, struct fp_env *env)
{
    switch (from << 2 | to) {
    case MO_16 << 2 | MO_32:
        return f16_to_f32((f16)a, env);
    case MO_16 << 2 | MO_64:
        return f16_to_f64((f16)a, env);
    case MO_32 << 2 | MO_16:
        return f32_to_f16((f32)a, env);
    case MO_32 << 2 | MO_64:
        return f32_to_f64((f32)a, env);
    case MO_64 << 2 | MO_16:
        return f64_to_f16(a, env);
    case MO_64 << 2 | MO_32:
        return f64_to_f32(a, env);
    default:
        must(!"a conversion between formats");
    }
}

static u64 compare_flags(u32 imm, u64 a, u64 b, struct fp_env *env)
{
    bool zpc = imm & FCMP_ZPC;
    switch (BY_SIZE(float_es(imm & 0xff), relate, a, b, imm & FCMP_SIGNAL, env)) {
    case FP_LESS:
        return zpc ? FL_C : FL_N | FL_C;
    case FP_EQUAL:
        return FL_Z;
    case FP_GREATER:
        return 0;
    default:
        return zpc ? FL_Z | FL_P | FL_C : FL_V;
    }
}

/* An estimate of 1 / a or 1 / sqrt(a): the host's own, so that this agrees with translated code; where the host has
 * none, the number rounded to 12 bits of fraction. Denormals count as zeros. SPEC: SDM volume 2, RCPPS and RSQRTPS. */
static u32 estimate(bool root, f32 a)
{
#ifdef __x86_64__
    f32 r;
    if (root) {
        __asm__("movd %1, %%xmm0\n\trsqrtss %%xmm0, %%xmm0\n\tmovd %%xmm0, %0" : "=r"(r) : "r"(a) : "xmm0");
    } else {
        __asm__("movd %1, %%xmm0\n\trcpss %%xmm0, %%xmm0\n\tmovd %%xmm0, %0" : "=r"(r) : "r"(a) : "xmm0");
    }
    return r;
#else
    struct fp_env e = FP_ENV_SSE;
    e.flush_in = e.flush_out = true;
    if (f32_is_nan(a)) {
        return a | 0x400000;
    }
    f32 r = f32_div(0x3f800000, root ? f32_sqrt(a, &e) : a, &e);
    return f32_is_nan(r) || (r & 0x7fffffff) == 0x7f800000 ? r : (r + 0x400) & ~0x7ffu;
#endif
}

static u64 scalar(const struct float_op *o, u64 a, u64 b, u64 c, struct fp_env *env)
{
    unsigned other = o->imm & 0xff, es = float_es(o->type);
    switch (o->op) {
    case IR_fl_fcmp:
        return compare_flags(o->imm, a, b, env);
    case IR_fcvt:
        return convert(float_es(other), es, a, env);
    case IR_f2i: {
        unsigned width = type_bits(o->type);
        u64 v = BY_SIZE(float_es(other), to_int, a, width, o->imm, env);
        return v & MASK(width);
    }
    case IR_frcpe:
    case IR_frsqe:
        return estimate(o->op == IR_frsqe, (f32)a);
    case IR_i2f: {
        bool uns = o->imm >> 8;
        u64 v = other == IR_I64 ? a : uns ? (u32)a : (u64)(i64)(i32)a;
        return BY_SIZE(es, from_int, v, uns, env);
    }
    default:
        return BY_SIZE(es, arith, o, a, b, c, env);
    }
}

/* -- vectors ----------------------------------------------------------------------------------------------------- */

static u64 lane_op(const struct float_op *o, unsigned es, u64 a, u64 b, u64 c, struct fp_env *env)
{
    unsigned width = 8u << es;
    switch (o->op) {
    case IR_vfcmp: {
        static const u8 relation[] = {
            [FP_LESS + 1] = FC_LT, [FP_EQUAL + 1] = FC_EQ, [FP_GREATER + 1] = FC_GT, [FP_UNORDERED + 1] = FC_UN};
        return o->imm & relation[BY_SIZE(es, relate, a, b, o->imm & FC_SIGNAL, env) + 1] ? ~0ull : 0;
    }
    case IR_vf2i:
        return BY_SIZE(es, to_int, a, width, o->imm, env);
    case IR_frcpe:
    case IR_frsqe:
        return estimate(o->op == IR_frsqe, (f32)a);
    case IR_vi2f:
        return BY_SIZE(es, from_int, o->imm >> 8 ? a : (u64)sext(a, width), o->imm >> 8, env);
    default:
        return BY_SIZE(es, arith, o, a, b, c, env);
    }
}

/* What lane i does of an op whose lanes differ. */
static struct float_op op_of_lane(const struct float_op *o, unsigned i)
{
    struct float_op l = *o;
    if (o->op == IR_faddsub) {
        l.op = i & 1 ? IR_fadd : IR_fsub;
    } else if (o->op == IR_fma && (o->imm & FMA_ALTERNATE)) {
        l.imm = (o->imm & ~(u32)FMA_ALTERNATE) ^ (i & 1 ? 0 : (u32)FMA_NEG_ADDEND);
    }
    return l;
}

static void vector(const struct float_op *o, struct fp_env *env, union v128 *r, const union v128 *a,
                   const union v128 *b, const union v128 *c)
{
    unsigned es = o->sub & FP_ES, n = 16u >> es;
    union v128 out = {0};
    if (o->op == IR_vi2fl) {
        for (unsigned i = 0; i < 2; i++) {
            out.d[i] = f64_from_sint((i32)a->s[i], 0, env);
        }
    } else if (o->op == IR_vf2in) {
        for (unsigned i = 0; i < 2; i++) {
            out.s[i] = (u32)f64_to_int(a->d[i], 32, o->imm, env);
        }
    } else if (o->op == IR_vfcvtl) {
        for (unsigned i = 0; i < n / 2; i++) {
            lane_set(&out, es + 1, i, convert(es, es + 1, lane_get(a, es, i + (o->imm & 1 ? n / 2 : 0)), env));
        }
    } else if (o->op == IR_vfcvtn) {
        env->round = (u8)round_of(o->imm, env);
        for (unsigned i = 0; i < n; i++) {
            lane_set(&out, es - 1, i, convert(es, es - 1, lane_get(a, es, i), env));
        }
    } else {
        if (o->sub & FP_LOW) {
            bool fma = o->op == IR_fma;
            out = fma && (o->imm & FMA_ABOVE_B) ? *b : fma && (o->imm & FMA_ABOVE_C) ? *c : *a;
            n = 1;
        }
        for (unsigned i = 0; i < n; i++) {
            struct float_op l = op_of_lane(o, i);
            lane_set(&out, es, i, lane_op(&l, es, lane_get(a, es, i), lane_get(b, es, i), lane_get(c, es, i), env));
        }
    }
    *r = out;
}

void float_exact(u64 key, struct fp_env *env, union v128 *r, const union v128 *a, const union v128 *b,
                 const union v128 *c)
{
    struct float_op o = {.op = (u8)key, .type = (u8)(key >> 8), .sub = (u8)(key >> 16), .imm = (u32)(key >> 32)};
    struct fp_env e = *env;
    e.default_nan = o.sub & FP_DN;
    if (!(o.sub & FP_FZ)) {
        e.flush_in = e.flush_out = e.flush_in16 = e.flush_out16 = e.arm_alt_half = false;
    }
    if (o.type == IR_V128) {
        vector(&o, &e, r, a, b, c);
    } else {
        r->d[0] = scalar(&o, a->d[0], b->d[0], c->d[0], &e);
    }
    env->flags = e.flags;
}
