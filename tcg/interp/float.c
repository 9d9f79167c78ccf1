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

/* -- double extended ------------------------------------------------------------------------------------------------
 */

static f80 f80_of(const union v128 *v)
{
    return (f80){v->d[0], (u16)v->d[1]};
}
static void f80_to(union v128 *r, f80 v)
{
    *r = (union v128){.d = {v.frac, v.se}};
}

static f80 f80_arith2(unsigned op, f80 a, f80 b, struct fp_env *env)
{
    switch (op) {
    case IR_fadd:
        return f80_add(a, b, env);
    case IR_fsub:
        return f80_sub(a, b, env);
    case IR_fmul:
        return f80_mul(a, b, env);
    default:
        return f80_div(a, b, env);
    }
}

/* The second operand of an op that takes narrower ones. */
static f80 second(unsigned type, const union v128 *v, bool *denormal)
{
    *denormal = false;
    return type == IR_F32   ? f32_as_f80((f32)v->d[0], denormal)
           : type == IR_F64 ? f64_as_f80(v->d[0], denormal)
                            : f80_of(v);
}
/* A narrower operand that was a denormal counts unless something comes before it. */
static void count_denormal(bool denormal, f80 a, struct fp_env *env)
{
    bool bad = (a.se & 0x7fff) && !(a.frac >> 63);
    if (denormal && !f80_is_nan(a) && !bad && !(env->flags & (FP_INVALID | FP_DIVZERO))) {
        env->flags |= FP_DENORMAL_USED;
    }
}

static u32 f80_flags(u32 imm, f80 a, const union v128 *v, struct fp_env *env)
{
    bool denormal, zpc = imm & FCMP_ZPC;
    f80 b = second(FCMP_ARG_TYPE(imm), v, &denormal);
    enum fp_rel rel = imm & FCMP_SIGNAL ? f80_compare(a, b, env) : f80_compare_quiet(a, b, env);
    count_denormal(denormal, a, env);
    static const u16 nzcv[4] = {FL_N | FL_C, FL_Z, 0, FL_V}, with_p[4] = {FL_C, FL_Z, 0, FL_Z | FL_P | FL_C};
    return (zpc ? with_p : nzcv)[rel + 1];
}

static u64 f80_to_int(f80 a, unsigned width, u32 f2i, struct fp_env *env)
{
    enum fp_round round = round_of(f2i >> 8, env);
    switch (f2i & (F2I_UNS | F2I_INDEF)) {
    case F2I_UNS | F2I_INDEF:
        return f80_to_uint_x86(a, width, round, env);
    case F2I_INDEF:
        return (u64)f80_to_sint_x86(a, width, round, env);
    case F2I_UNS:
        return f80_to_uint(a, width, 0, round, env);
    default:
        return (u64)f80_to_sint(a, width, 0, round, env);
    }
}

static void f80_one(const struct float_op *o, struct fp_env *env, union v128 *r, const union v128 *a,
                    const union v128 *b)
{
    bool denormal;
    f80 x = f80_of(a), y;
    unsigned from = o->imm & 0xff, width = type_bits(o->type);
    switch (o->op) {
    case IR_fadd:
    case IR_fsub:
    case IR_fmul:
    case IR_fdiv:
        y = second(from, b, &denormal);
        f80_to(r, o->imm & FARG_SWAP ? f80_arith2(o->op, y, x, env) : f80_arith2(o->op, x, y, env));
        count_denormal(denormal, x, env);
        break;
    case IR_fsqrt:
        f80_to(r, f80_sqrt(x, env));
        break;
    case IR_fneg:
        f80_to(r, f80_neg(x));
        break;
    case IR_fabs:
        f80_to(r, f80_abs(x));
        break;
    case IR_fround:
        f80_to(r, f80_round_int(x, round_of(o->imm, env), o->imm & FPR_EXACT, env));
        break;
    case IR_fcvt:
        if (o->type == IR_F80) {
            f80_to(r, from == IR_F32 ? f32_to_f80((f32)a->d[0], env) : f64_to_f80(a->d[0], env));
        } else {
            r->d[0] = o->type == IR_F32 ? f80_to_f32(x, env) : f80_to_f64(x, env);
        }
        break;
    case IR_f2i:
        r->d[0] = f80_to_int(x, width, o->imm, env) & MASK(width);
        break;
    case IR_i2f:
        y = o->imm >> 8 ? f80_from_uint(from == IR_I64 ? a->d[0] : (u32)a->d[0], 0, env)
                        : f80_from_sint(from == IR_I64 ? (i64)a->d[0] : (i32)a->d[0], 0, env);
        f80_to(r, y);
        break;
    default:
        must(o->op == IR_fl_fcmp);
        r->d[0] = f80_flags(o->imm, x, b, env);
    }
}

bool float_is_f80(const struct ir_op *op)
{
    switch (op->op) {
    case IR_f2i:
    case IR_fcvt:
    case IR_fl_fcmp:
        return (op->imm & 0xff) == IR_F80 || op->type == IR_F80;
    default:
        return op->type == IR_F80;
    }
}

void float_f80(u64 key, struct fp_env *env, union v128 *r, const union v128 *a, const union v128 *b)
{
    struct float_op o = {.op = (u8)key, .type = (u8)(key >> 8), .sub = (u8)(key >> 16), .imm = (u32)(key >> 32)};
    struct fp_env e = *env;
    e.flags = 0;
    f80_one(&o, &e, r, a, b);
    if (o.op != IR_fneg && o.op != IR_fabs && o.op != IR_fl_fcmp) {
        env->flags &= ~(u32)FP_ROUNDED_UP;
    }
    env->flags |= e.flags;
}

void float_f80_control(struct fp_env *env, u32 v)
{
    static const u8 precision[4] = {24, 64, 53, 64}, round[4] = {FP_RNE, FP_RM, FP_RP, FP_RZ};
    env->f80_precision = precision[v & 3];
    env->round = round[v >> 2 & 3];
}

void float_f80_take(const struct ir_target *t, void *cpu, u16 status)
{
    static const u16 to[6] = {FP_INVALID, FP_DENORMAL_USED, FP_DIVZERO, FP_OVERFLOW, FP_UNDERFLOW, FP_INEXACT};
    if (!t->f80.first) {
        return;
    }
    struct fp_env *env = (struct fp_env *)((u8 *)cpu + t->f80.env_off);
    u32 *up = (u32 *)((u8 *)cpu + t->slots[t->f80.up].off);
    for (unsigned i = 0; i < ARRAY_LEN(to); i++) {
        env->flags |= status >> i & 1 ? to[i] : 0;
    }
    if (*up & F80_UP_LIVE) {
        *up = (env->flags & FP_ROUNDED_UP) || (status >> 8 & F80_UP) ? F80_UP : 0;
    }
    env->flags &= ~(u32)FP_ROUNDED_UP;
}

void float_f80_settle(const struct ir_target *t, void *cpu)
{
    u16 status = 0;
#ifdef __x86_64__
    if (t->f80.first) {
        __asm__ volatile("fnstsw %0" : "=m"(status));
        if (status & 0x3f) {
            __asm__ volatile("fnclex");
        }
    }
#endif
    float_f80_take(t, cpu, status);
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
