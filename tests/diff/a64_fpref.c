/* See a64_fpref.h. A pattern's name is OPERATION_FORM; forms are those of simd.decode, none or _z and _fix those of
 * fp.decode. Fields are taken from the word as the manual draws them, not from the pattern. Not here: moves and
 * selections, which compute nothing. */
#include "tests/diff/a64_fpref.h"

#include <string.h>

#include "base/bits.h"
#include "fpu/softfloat.h"

/* -- lanes ------------------------------------------------------------------------------------------------------- */

enum op {
    NONE,
    ABS,
    NEG,
    SQRT,
    RINTN,
    RINTP,
    RINTM,
    RINTZ,
    RINTA,
    RINTX,
    RINTI,
    RINT32Z,
    RINT32X,
    RINT64Z,
    RINT64X,
    RECPE,
    RSQRTE,
    RECPX,
    TO_INT,
    FROM_INT,
    ONE_LAST = FROM_INT,
    ADD,
    SUB,
    MUL,
    DIV,
    MAX_,
    MIN_,
    MAXNM,
    MINNM,
    NMUL,
    MULX,
    RECPS,
    RSQRTS,
    ABD,
    CMEQ,
    CMGE,
    CMGT,
    CMLE,
    CMLT,
    ACGE,
    ACGT,
    TWO_LAST = ACGT,
    MLA,
    MLS,
    MADD,
    MSUB,
    NMADD,
    NMSUB,
    /* forms of their own */
    CMP,
    CCMP,
    CVT,
    CVTN,
    CVTL,
    CVTXN,
    JCVTZS,
    CMLA,
    CADD,
    MLAL,
    BF_DOT,
    BF_MMLA,
    BF_MLAL,
    BF_CVT,
    BF_CVTN,
    INT_RECPE,
    INT_RSQRTE,
};
enum { PLAIN, PAIRS, ACROSS }; /* how lanes meet */

static const struct row {
    const char *name;
    u8 op, how, round;
    bool uns;
} rows[] = {
    {"FABS", ABS},
    {"FNEG", NEG},
    {"FSQRT", SQRT},
    {"FRINTN", RINTN},
    {"FRINTP", RINTP},
    {"FRINTM", RINTM},
    {"FRINTZ", RINTZ},
    {"FRINTA", RINTA},
    {"FRINTX", RINTX},
    {"FRINTI", RINTI},
    {"FRINT32Z", RINT32Z},
    {"FRINT32X", RINT32X},
    {"FRINT64Z", RINT64Z},
    {"FRINT64X", RINT64X},
    {"FRECPE", RECPE},
    {"FRSQRTE", RSQRTE},
    {"FRECPX", RECPX},
    {"FCVTNS", TO_INT, 0, FP_RNE, false},
    {"FCVTNU", TO_INT, 0, FP_RNE, true},
    {"FCVTPS", TO_INT, 0, FP_RP, false},
    {"FCVTPU", TO_INT, 0, FP_RP, true},
    {"FCVTMS", TO_INT, 0, FP_RM, false},
    {"FCVTMU", TO_INT, 0, FP_RM, true},
    {"FCVTZS", TO_INT, 0, FP_RZ, false},
    {"FCVTZU", TO_INT, 0, FP_RZ, true},
    {"FCVTAS", TO_INT, 0, FP_RNA, false},
    {"FCVTAU", TO_INT, 0, FP_RNA, true},
    {"SCVTF", FROM_INT, 0, 0, false},
    {"UCVTF", FROM_INT, 0, 0, true},
    {"FADD", ADD},
    {"FSUB", SUB},
    {"FMUL", MUL},
    {"FDIV", DIV},
    {"FMAX", MAX_},
    {"FMIN", MIN_},
    {"FMAXNM", MAXNM},
    {"FMINNM", MINNM},
    {"FNMUL", NMUL},
    {"FMULX", MULX},
    {"FRECPS", RECPS},
    {"FRSQRTS", RSQRTS},
    {"FABD", ABD},
    {"FCMEQ", CMEQ},
    {"FCMGE", CMGE},
    {"FCMGT", CMGT},
    {"FCMLE", CMLE},
    {"FCMLT", CMLT},
    {"FACGE", ACGE},
    {"FACGT", ACGT},
    {"FADDP", ADD, PAIRS},
    {"FMAXP", MAX_, PAIRS},
    {"FMINP", MIN_, PAIRS},
    {"FMAXNMP", MAXNM, PAIRS},
    {"FMINNMP", MINNM, PAIRS},
    {"FMAXV", MAX_, ACROSS},
    {"FMINV", MIN_, ACROSS},
    {"FMAXNMV", MAXNM, ACROSS},
    {"FMINNMV", MINNM, ACROSS},
    {"FMLA", MLA},
    {"FMLS", MLS},
    {"FMADD", MADD},
    {"FMSUB", MSUB},
    {"FNMADD", NMADD},
    {"FNMSUB", NMSUB},
    {"FCMP", CMP},
    {"FCCMP", CCMP},
    {"FCVT", CVT},
    {"FCVTN", CVTN},
    {"FCVTL", CVTL},
    {"FCVTXN", CVTXN},
    {"FJCVTZS", JCVTZS},
    {"FCMLA", CMLA},
    {"FCADD", CADD},
    {"FMLAL", MLAL},
    {"FMLAL2", MLAL},
    {"FMLSL", MLAL},
    {"FMLSL2", MLAL},
    {"BFDOT", BF_DOT},
    {"BFMMLA", BF_MMLA},
    {"BFMLAL", BF_MLAL},
    {"BFCVT", BF_CVT},
    {"BFCVTN", BF_CVTN},
    {"URECPE", INT_RECPE},
    {"URSQRTE", INT_RSQRTE},
};

#define f16_sized(a, n, r, e) (0)
#define f32_sized(a, n, r, e) f32_round_int_sized(a, n, r, e)
#define f64_sized(a, n, r, e) f64_round_int_sized(a, n, r, e)

#define LANE(F) \
    static u64 F##_compares(unsigned op, F a, F b, struct fp_env *e) \
    { \
        enum fp_rel rel; \
        switch (op) { \
        case CMEQ: \
            return F##_compare_quiet(a, b, e) == FP_EQUAL; \
        case CMGE: \
            rel = F##_compare(a, b, e); \
            return rel == FP_EQUAL || rel == FP_GREATER; \
        case CMGT: \
            return F##_compare(a, b, e) == FP_GREATER; \
        case CMLE: \
            return F##_compares(CMGE, b, a, e); \
        case CMLT: \
            return F##_compares(CMGT, b, a, e); \
        case ACGE: \
            return F##_compares(CMGE, F##_abs(a), F##_abs(b), e); \
        default: \
            return F##_compares(CMGT, F##_abs(a), F##_abs(b), e); \
        } \
    } \
    static u64 F##_lane(unsigned op, F a, F b, F c, struct fp_env *e) \
    { \
        switch (op) { \
        case ABS: \
            return F##_abs(a); \
        case NEG: \
            return F##_neg(a); \
        case SQRT: \
            return F##_sqrt(a, e); \
        case RINTN: \
            return F##_round_int(a, FP_RNE, false, e); \
        case RINTP: \
            return F##_round_int(a, FP_RP, false, e); \
        case RINTM: \
            return F##_round_int(a, FP_RM, false, e); \
        case RINTZ: \
            return F##_round_int(a, FP_RZ, false, e); \
        case RINTA: \
            return F##_round_int(a, FP_RNA, false, e); \
        case RINTX: \
            return F##_round_int(a, e->round, true, e); \
        case RINTI: \
            return F##_round_int(a, e->round, false, e); \
        case RINT32Z: \
            return F##_sized(a, 32, FP_RZ, e); \
        case RINT32X: \
            return F##_sized(a, 32, e->round, e); \
        case RINT64Z: \
            return F##_sized(a, 64, FP_RZ, e); \
        case RINT64X: \
            return F##_sized(a, 64, e->round, e); \
        case RECPE: \
            return F##_recpe(a, e); \
        case RSQRTE: \
            return F##_rsqrte(a, e); \
        case RECPX: \
            return F##_recpx(a, e); \
        case ADD: \
            return F##_add(a, b, e); \
        case SUB: \
            return F##_sub(a, b, e); \
        case MUL: \
            return F##_mul(a, b, e); \
        case DIV: \
            return F##_div(a, b, e); \
        case MAX_: \
            return F##_max(a, b, e); \
        case MIN_: \
            return F##_min(a, b, e); \
        case MAXNM: \
            return F##_maxnm(a, b, e); \
        case MINNM: \
            return F##_minnm(a, b, e); \
        case NMUL: \
            return F##_neg(F##_mul(a, b, e)); \
        case MULX: \
            return F##_mulx(a, b, e); \
        case RECPS: \
            return F##_recps(a, b, e); \
        case RSQRTS: \
            return F##_rsqrts(a, b, e); \
        case ABD: \
            return F##_abs(F##_sub(a, b, e)); \
        case MLA: \
        case MADD: \
            return F##_fma(a, b, c, 0, e); \
        case MLS: \
        case MSUB: \
            return F##_fma(F##_neg(a), b, c, 0, e); \
        case NMADD: \
            return F##_fma(F##_neg(a), b, F##_neg(c), 0, e); \
        case NMSUB: \
            return F##_fma(a, b, F##_neg(c), 0, e); \
        default: \
            return F##_compares(op, a, b, e) ? ~0ull : 0; \
        } \
    } \
    static u64 F##_to_int(u64 a, unsigned width, unsigned fbits, const struct row *r, struct fp_env *e) \
    { \
        return r->uns ? F##_to_uint((F)a, width, fbits, r->round, e) \
                      : (u64)F##_to_sint((F)a, width, fbits, r->round, e); \
    } \
    static u64 F##_from_int(u64 a, unsigned width, unsigned fbits, const struct row *r, struct fp_env *e) \
    { \
        return r->uns ? F##_from_uint(a & MASK(width), fbits, e) : F##_from_sint(sext(a, width), fbits, e); \
    }
LANE(f16)
LANE(f32)
LANE(f64)

#define BY_SIZE(es, fn, ...) \
    ((es) == 1 ? f16_##fn(__VA_ARGS__) : (es) == 2 ? f32_##fn(__VA_ARGS__) : f64_##fn(__VA_ARGS__))

static u64 lane(unsigned es, unsigned op, u64 a, u64 b, u64 c, struct fp_env *e)
{
    return es == 1   ? f16_lane(op, (f16)a, (f16)b, (f16)c, e)
           : es == 2 ? f32_lane(op, (f32)a, (f32)b, (f32)c, e)
                     : f64_lane(op, a, b, c, e);
}
static u64 neg(unsigned es, u64 a)
{
    return a ^ 1ull << ((8u << es) - 1);
}

/* -- words ------------------------------------------------------------------------------------------------------- */

struct at {
    const struct row *row;
    const char *form;
    u32 w, fpcr;
    unsigned es, lanes; /* of the result */
    unsigned rd, rn, rm, ra;
    struct fp_env e;
    const struct fpref_state *in;
    struct fpref_state *out;
};

static unsigned field(u32 w, unsigned pos, unsigned n)
{
    return w >> pos & ((1u << n) - 1);
}
static u64 get(const union v128 *v, unsigned es, unsigned i)
{
    return es == 0 ? v->b[i] : es == 1 ? v->h[i] : es == 2 ? v->s[i] : v->d[i];
}
static void set(union v128 *v, unsigned es, unsigned i, u64 x)
{
    memcpy((u8 *)v + (i << es), &x, 1u << es);
}
static u64 in_lane(const struct at *t, unsigned r, unsigned i)
{
    return get(&t->in->v[r], t->es, i);
}

static const struct row *find(const char *name, const char **form)
{
    const char *end = strchr(name, '_');
    size_t n = end ? (size_t)(end - name) : strlen(name);
    *form = end ? end : "";
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        if (strlen(rows[i].name) == n && !strncmp(rows[i].name, name, n)) {
            return &rows[i];
        }
    }
    return NULL;
}

static bool form_is(const char *form, const char *one, const char *other)
{
    return !strcmp(form, one) || !strcmp(form, other);
}
static bool is_vector_class(const struct pattern *p)
{
    return p->klass == A64_simd;
}

/* Element size and number of lanes. */
static void shape(struct at *t, const struct pattern *p)
{
    u32 w = t->w, q = field(w, 30, 1);
    size_t n = strlen(t->form);
    bool vec = t->form[0] == '_' && t->form[1] == 'v';
    if (!is_vector_class(p)) {
        static const u8 es[4] = {2, 3, 0, 1};
        t->es = es[field(w, 22, 2)];
        t->lanes = 1;
        return;
    }
    if (form_is(t->form, "_vi", "_si")) {
        t->es = 31 - clz32(field(w, 19, 4));
    } else if (t->row->op == CMLA || t->row->op == CADD) {
        t->es = field(w, 22, 2);
    } else if (n && t->form[n - 1] == 'h') {
        t->es = 1;
    } else {
        t->es = 2 + field(w, 22, 1);
    }
    if (t->row->how == ACROSS) {
        t->es = !strcmp(t->form, "_h") ? 1 : 2;
        vec = true;
    }
    switch (t->row->op) {
    case MLAL:
    case BF_DOT:
    case BF_MMLA:
    case BF_MLAL:
    case BF_CVT:
    case BF_CVTN:
    case INT_RECPE:
    case INT_RSQRTE:
        t->es = 2;
        break;
    case CVTXN:
        t->es = 3;
        break;
    }
    t->lanes = vec ? (q ? 16u : 8u) >> t->es : 1;
}

bool fpref_knows(const struct pattern *p)
{
    const char *form;
    return find(p->name, &form);
}

unsigned fpref_es(const struct pattern *p, u32 w)
{
    struct at t = {.w = w};
    t.row = find(p->name, &t.form);
    shape(&t, p);
    return t.es;
}

static struct fp_env env_of(u32 fpcr)
{
    static const u8 round[4] = {FP_RNE, FP_RP, FP_RM, FP_RZ};
    struct fp_env e = FP_ENV_ARM;
    e.round = round[fpcr >> 22 & 3];
    e.flush_in = e.flush_out = fpcr >> 24 & 1;
    e.default_nan = fpcr >> 25 & 1;
    e.arm_alt_half = fpcr >> 26 & 1;
    e.flush_in16 = e.flush_out16 = fpcr >> 19 & 1;
    return e;
}

/* -- forms ------------------------------------------------------------------------------------------------------- */

/* The element of the forms by element. */
static unsigned element(const struct at *t, unsigned *rm)
{
    unsigned l = field(t->w, 21, 1), m = field(t->w, 20, 1), h = field(t->w, 11, 1), r = field(t->w, 16, 4);
    bool half = t->es == 1 || t->row->op == MLAL || t->row->op == BF_MLAL;
    *rm = half ? r : m << 4 | r;
    return half ? h << 2 | l << 1 | m : t->es == 2 ? h << 1 | l : h;
}
static bool by_element(const struct at *t)
{
    return strstr(t->form, "e") != NULL;
}
static u64 second(const struct at *t, unsigned i)
{
    if (strchr(t->form, 'z')) {
        return 0;
    }
    if (by_element(t)) {
        unsigned rm, index = element(t, &rm);
        return get(&t->in->v[rm], t->es, index);
    }
    return in_lane(t, t->rm, i);
}

static u64 pair(const struct at *t, unsigned i)
{
    unsigned r = i < t->lanes ? t->rn : t->rm;
    return in_lane(t, r, i % t->lanes);
}
static u64 reduce(struct at *t, unsigned from, unsigned n)
{
    if (n == 1) {
        return in_lane(t, t->rn, from);
    }
    u64 lo = reduce(t, from, n / 2), hi = reduce(t, from + n / 2, n / 2);
    return lane(t->es, t->row->op, lo, hi, 0, &t->e);
}

static unsigned fixed_bits(const struct at *t)
{
    return form_is(t->form, "_vi", "_si") ? (16u << t->es) - field(t->w, 16, 7)
           : !strcmp(t->form, "_fix")     ? 64 - field(t->w, 10, 6)
                                          : 0;
}

static u64 one_lane(struct at *t, unsigned i)
{
    unsigned op = t->row->op, w = 8u << t->es;
    u64 a = in_lane(t, t->rn, i);
    if (op == TO_INT) {
        return BY_SIZE(t->es, to_int, a, w, fixed_bits(t), t->row, &t->e);
    }
    if (op == FROM_INT) {
        return BY_SIZE(t->es, from_int, a, w, fixed_bits(t), t->row, &t->e);
    }
    if (op <= ONE_LAST) {
        return lane(t->es, op, a, 0, 0, &t->e);
    }
    if (t->row->how == PAIRS) {
        bool scalar = t->form[1] == 's';
        return scalar ? lane(t->es, op, in_lane(t, t->rn, 0), in_lane(t, t->rn, 1), 0, &t->e)
                      : lane(t->es, op, pair(t, 2 * i), pair(t, 2 * i + 1), 0, &t->e);
    }
    if (op <= TWO_LAST) {
        return lane(t->es, op, a, second(t, i), 0, &t->e);
    }
    u64 c = in_lane(t, op >= MADD ? t->ra : t->rd, i);
    return lane(t->es, op, a, second(t, i), c, &t->e);
}

static void vector(struct at *t)
{
    union v128 r = {0};
    if (t->row->how == ACROSS) {
        set(&r, t->es, 0, reduce(t, 0, t->lanes));
    } else {
        for (unsigned i = 0; i < t->lanes; i++) {
            set(&r, t->es, i, one_lane(t, i));
        }
    }
    t->out->v[t->rd] = r;
}

/* Between float and general registers. */
static void general(struct at *t)
{
    unsigned w = field(t->w, 31, 1) ? 64 : 32, fbits = fixed_bits(t);
    if (t->row->op == TO_INT) {
        u64 r = BY_SIZE(t->es, to_int, in_lane(t, t->rn, 0), w, fbits, t->row, &t->e);
        t->out->x[t->rd] = r & MASK(w);
    } else {
        union v128 r = {0};
        set(&r, t->es, 0, BY_SIZE(t->es, from_int, t->in->x[t->rn], w, fbits, t->row, &t->e));
        t->out->v[t->rd] = r;
    }
}

static bool condition(unsigned cond, u64 nzcv)
{
    bool n = nzcv >> 31 & 1, z = nzcv >> 30 & 1, c = nzcv >> 29 & 1, v = nzcv >> 28 & 1, r;
    switch (cond >> 1) {
    case 0:
        r = z;
        break;
    case 1:
        r = c;
        break;
    case 2:
        r = n;
        break;
    case 3:
        r = v;
        break;
    case 4:
        r = c && !z;
        break;
    case 5:
        r = n == v;
        break;
    case 6:
        r = n == v && !z;
        break;
    default:
        return true;
    }
    return r != (cond & 1);
}

static void compare(struct at *t)
{
    bool ccmp = t->row->op == CCMP, e = field(t->w, 4, 1);
    if (ccmp && !condition(field(t->w, 12, 4), t->in->nzcv)) {
        t->out->nzcv = (u64)field(t->w, 0, 4) << 28;
        return;
    }
    u64 a = in_lane(t, t->rn, 0), b = strcmp(t->form, "_z") ? in_lane(t, t->rm, 0) : 0;
    enum fp_rel rel = t->es == 1   ? (e ? f16_compare : f16_compare_quiet)((f16)a, (f16)b, &t->e)
                      : t->es == 2 ? (e ? f32_compare : f32_compare_quiet)((f32)a, (f32)b, &t->e)
                                   : (e ? f64_compare : f64_compare_quiet)(a, b, &t->e);
    t->out->nzcv = (rel == FP_LESS ? 8ull : rel == FP_EQUAL ? 6 : rel == FP_GREATER ? 2 : 3) << 28;
}

static u64 convert(unsigned from, unsigned to, u64 a, struct fp_env *e)
{
    if (from == 1) {
        return to == 2 ? f16_to_f32((f16)a, e) : f16_to_f64((f16)a, e);
    }
    if (from == 2) {
        return to == 1 ? f32_to_f16((f32)a, e) : f32_to_f64((f32)a, e);
    }
    return to == 1 ? f64_to_f16(a, e) : f64_to_f32(a, e);
}
static void between(struct at *t)
{
    static const u8 es[4] = {2, 3, 0, 1};
    unsigned to = es[field(t->w, 15, 2)];
    union v128 r = {0};
    set(&r, to, 0, convert(t->es, to, in_lane(t, t->rn, 0), &t->e));
    t->out->v[t->rd] = r;
}

/* FCVTN, FCVTXN, BFCVTN: t->es is the source's size, or the wide one of FCVTL. */
static void narrow(struct at *t)
{
    unsigned op = t->row->op, from = op == CVTN ? 2 + field(t->w, 22, 1) : t->es, n = 16u >> from;
    bool scalar = !strcmp(t->form, "_s"), upper = field(t->w, 30, 1) && !scalar;
    union v128 r = {0};
    for (unsigned i = 0; i < (scalar ? 1 : n); i++) {
        u64 a = get(&t->in->v[t->rn], from, i);
        t->e.round = op == CVTXN ? FP_RTO : t->e.round;
        u64 x = op == BF_CVTN ? f32_to_bf16((f32)a, &t->e) : convert(from, from - 1, a, &t->e);
        set(&r, from - 1, upper ? n + i : i, x);
    }
    if (upper) {
        r.d[0] = t->in->v[t->rd].d[0];
    }
    t->out->v[t->rd] = r;
}
static void lengthen(struct at *t)
{
    unsigned from = 1 + field(t->w, 22, 1), n = 8u >> from;
    union v128 r = {0};
    for (unsigned i = 0; i < n; i++) {
        u64 a = get(&t->in->v[t->rn], from, field(t->w, 30, 1) ? n + i : i);
        set(&r, from + 1, i, convert(from, from + 1, a, &t->e));
    }
    t->out->v[t->rd] = r;
}

static void fjcvtzs(struct at *t)
{
    bool z;
    t->out->x[t->rd] = (u32)f64_to_i32_js(t->in->v[t->rn].d[0], &z, &t->e);
    t->out->nzcv = (u64)z << 30;
}

/* el1 and el3 of FCMLA's and FCADD's pseudocode come from the pair (re, im). */
static void complex_add(struct at *t)
{
    bool rot = field(t->w, 12, 1);
    union v128 r = {0};
    for (unsigned i = 0; i < t->lanes; i += 2) {
        u64 re = in_lane(t, t->rm, i), im = in_lane(t, t->rm, i + 1);
        u64 el1 = rot ? im : neg(t->es, im), el3 = rot ? neg(t->es, re) : re;
        set(&r, t->es, i, lane(t->es, ADD, in_lane(t, t->rn, i), el1, 0, &t->e));
        set(&r, t->es, i + 1, lane(t->es, ADD, in_lane(t, t->rn, i + 1), el3, 0, &t->e));
    }
    t->out->v[t->rd] = r;
}
static void complex_fma(struct at *t)
{
    bool elem = by_element(t);
    unsigned rot = elem ? field(t->w, 13, 2) : field(t->w, 11, 2), h = field(t->w, 11, 1), l = field(t->w, 21, 1);
    unsigned rm = elem ? field(t->w, 16, 5) : t->rm, index = t->es == 1 ? h << 1 | l : h;
    union v128 r = {0};
    for (unsigned i = 0; i < t->lanes; i += 2) {
        unsigned at = elem ? 2 * index : i;
        u64 re = in_lane(t, rm, at), im = in_lane(t, rm, at + 1), n = in_lane(t, t->rn, i + (rot & 1));
        u64 el1 = rot == 0 ? re : rot == 1 ? neg(t->es, im) : rot == 2 ? neg(t->es, re) : im;
        u64 el3 = rot == 0 ? im : rot == 1 ? re : rot == 2 ? neg(t->es, im) : neg(t->es, re);
        set(&r, t->es, i, lane(t->es, MLA, n, el1, in_lane(t, t->rd, i), &t->e));
        set(&r, t->es, i + 1, lane(t->es, MLA, n, el3, in_lane(t, t->rd, i + 1), &t->e));
    }
    t->out->v[t->rd] = r;
}

static void fmlal(struct at *t)
{
    bool minus = !strncmp(t->row->name, "FMLSL", 5), upper = strchr(t->row->name, '2') != NULL;
    union v128 r = {0};
    for (unsigned i = 0; i < t->lanes; i++) {
        unsigned k = upper ? t->lanes + i : i, rm = t->rm;
        unsigned index = by_element(t) ? element(t, &rm) : k;
        f16 n = t->in->v[t->rn].h[k];
        r.s[i] = f32_fma_f16(minus ? f16_neg(n) : n, t->in->v[rm].h[index], t->in->v[t->rd].s[i], 0, &t->e);
    }
    t->out->v[t->rd] = r;
}

static void bfloat(struct at *t)
{
    const union v128 *n = &t->in->v[t->rn], *d = &t->in->v[t->rd];
    unsigned rm = t->rm, index = 0;
    bool elem = by_element(t);
    if (elem) {
        index = element(t, &rm);
    }
    const union v128 *m = &t->in->v[rm];
    union v128 r = {0};
    unsigned q = field(t->w, 30, 1);
    for (unsigned i = 0; i < (t->row->op == BF_DOT ? t->lanes : 4); i++) {
        if (t->row->op == BF_DOT) {
            r.s[i] = bf16_dot_add(d->s[i], n->s[i], m->s[elem ? index : i]);
        } else if (t->row->op == BF_MMLA) {
            r.s[i] = bf16_dot_add(d->s[i], n->s[i & 2], m->s[2 * (i & 1)]);
            r.s[i] = bf16_dot_add(r.s[i], n->s[(i & 2) + 1], m->s[2 * (i & 1) + 1]);
        } else {
            bf16 a = n->h[2 * i + q], b = m->h[elem ? index : 2 * i + q];
            r.s[i] = f32_fma(bf16_to_f32(a), bf16_to_f32(b), d->s[i], 0, &t->e);
        }
    }
    t->out->v[t->rd] = r;
}

static void integers(struct at *t)
{
    union v128 r = {0};
    for (unsigned i = 0; i < t->lanes; i++) {
        u32 a = t->in->v[t->rn].s[i];
        r.s[i] = t->row->op == INT_RECPE ? u32_recpe(a) : u32_rsqrte(a);
    }
    t->out->v[t->rd] = r;
}

static void special(struct at *t)
{
    switch (t->row->op) {
    case CMP:
    case CCMP:
        compare(t);
        break;
    case CVT:
        between(t);
        break;
    case CVTN:
    case CVTXN:
    case BF_CVTN:
        narrow(t);
        break;
    case CVTL:
        lengthen(t);
        break;
    case JCVTZS:
        fjcvtzs(t);
        break;
    case CADD:
        complex_add(t);
        break;
    case CMLA:
        complex_fma(t);
        break;
    case MLAL:
        fmlal(t);
        break;
    case BF_CVT: {
        u64 x = f32_to_bf16(t->in->v[t->rn].s[0], &t->e);
        t->out->v[t->rd] = (union v128){.d = {x, 0}};
        break;
    }
    case INT_RECPE:
    case INT_RSQRTE:
        integers(t);
        break;
    default:
        bfloat(t);
        break;
    }
}

void fpref_run(const struct pattern *p, u32 w, u32 fpcr, struct fpref_state *s)
{
    struct fpref_state in = *s;
    struct at t = {.w = w, .fpcr = fpcr, .e = env_of(fpcr), .in = &in, .out = s};
    t.row = find(p->name, &t.form);
    t.rd = field(w, 0, 5);
    t.rn = field(w, 5, 5);
    t.rm = field(w, 16, 5);
    t.ra = field(w, 10, 5);
    shape(&t, p);
    if (t.row->op >= CMP) {
        special(&t);
    } else if (!is_vector_class(p) && (t.row->op == TO_INT || t.row->op == FROM_INT)) {
        general(&t);
    } else {
        vector(&t);
    }
    s->fpsr = (t.e.flags & 31) | (t.e.flags & FP_INPUT_DENORMAL ? 1u << 7 : 0);
}
