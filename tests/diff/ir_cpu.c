/* The made-up guest of IR tests. */
#include "tests/diff/ir_cpu.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "tcg/eval.h"
#include "tcg/ops_priv.h"

/* -- slots ----------------------------------------------------------------------------------------------------- */

#define X(i) \
    { \
        "x" #i, offsetof(struct ir_cpu, rt.r[i]), IR_I64 \
    }
#define S(name, i, t) \
    { \
#name #i, offsetof(struct ir_cpu, name[i]), t \
    }
static const struct ir_slot slots[SLOT_COUNT] = {
    X(0),
    X(1),
    X(2),
    X(3),
    X(4),
    X(5),
    X(6),
    X(7),
    X(8),
    X(9),
    X(10),
    X(11),
    X(12),
    X(13),
    X(14),
    X(15),
    S(y, 0, IR_I64),
    S(y, 1, IR_I64),
    S(y, 2, IR_I64),
    S(y, 3, IR_I64),
    S(w, 0, IR_I32),
    S(w, 1, IR_I32),
    S(w, 2, IR_I32),
    S(w, 3, IR_I32),
    S(fl, 0, IR_FLAGS),
    S(fl, 1, IR_FLAGS),
    S(d, 0, IR_F64),
    S(d, 1, IR_F64),
    S(v, 0, IR_V128),
    S(v, 1, IR_V128),
    S(v, 2, IR_V128),
    S(v, 3, IR_V128),
    S(v, 4, IR_V128),
    S(v, 5, IR_V128),
    S(v, 6, IR_V128),
    S(v, 7, IR_V128),
};
#undef X
#undef S
static const u8 pins[] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 20};
static const u8 vpins[] = {28, 29, 30, 31};

/* -- helpers ----------------------------------------------------------------------------------------------------- */

static u64 help_mix(u64 a, u64 b)
{
    must(b >> 32 == 0);
    return (a ^ b) * 0x9e3779b97f4a7c15ull;
}
static void help_vmix(union v128 *r, const union v128 *a, u64 b)
{
    u64 lo = a->d[0];
    r->d[0] = a->d[1] + b;
    r->d[1] = lo ^ b;
}
static u64 help_flags(u64 fl)
{
    return fl ^ (FL_N | FL_C);
}
static u64 help_float(u64 d)
{
    return d >> 32;
}
static u64 help_sum(struct ir_cpu *c)
{
    return c->rt.r[0] + 3 * c->rt.r[1] + 5 * c->w[0];
}
static u64 help_sum_all(struct ir_cpu *c)
{
    u64 sum = 0;
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        const u8 *p = (const u8 *)c + slots[i].off;
        unsigned t = slots[i].type;
        u64 v = t == IR_V128    ? ld64le(p) + 7 * ld64le(p + 8)
                : t == IR_FLAGS ? ld32le(p) & FL_ALL
                                : ldnle(p, type_bits(t) / 8);
        sum = (sum ^ v) * 0x9e3779b97f4a7c15ull + i;
    }
    return sum;
}
static void help_set(struct ir_cpu *c, u64 a)
{
    c->rt.r[2] ^= a;
    c->w[1] += (u32)a;
    c->fl[0] = (u32)a & FL_ALL;
    c->v[1].d[1] ^= a;
}
static void help_set_all(struct ir_cpu *c)
{
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        u8 *p = (u8 *)c + slots[i].off;
        if (slots[i].type == IR_FLAGS) {
            st32le(p, (ld32le(p) ^ FL_Z) & FL_ALL);
        } else {
            p[i % 4] ^= 0x5a;
        }
    }
}
static u64 help_may_fault(struct ir_cpu *c, u64 a)
{
    if ((a & 15) == 0) {
        longjmp(*c->unwind, 1);
    }
    return a + c->rt.r[3];
}
static void help_end(struct ir_cpu *c, u64 a)
{
    c->rt.pc = a;
}

static const struct slot_set sum_reads = {{BIT(SLOT_X) | BIT(SLOT_X + 1) | BIT(SLOT_W)}};
static const struct slot_set set_writes = {{BIT(SLOT_X + 2) | BIT(SLOT_W + 1) | BIT(SLOT_FL) | BIT(SLOT_V + 1)}};
static const struct ir_helper helpers[HELP_COUNT] = {
    {"mix", (void *)help_mix, IR_I64, {IR_I64, IR_I32}, HF_NO_CPU | HF_PURE, NULL, NULL},
    {"vmix", (void *)help_vmix, IR_V128, {IR_V128, IR_I64}, HF_NO_CPU | HF_PURE, NULL, NULL},
    {"flags", (void *)help_flags, IR_FLAGS, {IR_FLAGS}, HF_NO_CPU, NULL, NULL},
    {"float", (void *)help_float, IR_F32, {IR_F64}, HF_NO_CPU | HF_FP, NULL, NULL},
    {"sum", (void *)help_sum, IR_I64, {0}, HF_READS, &sum_reads, NULL},
    {"sum_all", (void *)help_sum_all, IR_I64, {0}, HF_READS, NULL, NULL},
    {"set", (void *)help_set, IR_NONE, {IR_I64}, HF_WRITES, NULL, &set_writes},
    {"set_all", (void *)help_set_all, IR_NONE, {0}, HF_WRITES, NULL, NULL},
    {"may_fault", (void *)help_may_fault, IR_I64, {IR_I64}, HF_FAULT, NULL, NULL},
    {"end", (void *)help_end, IR_NONE, {IR_I64}, HF_END, NULL, NULL},
};

const struct ir_target ir_cpu_target = {
    .slots = slots,
    .nslots = SLOT_COUNT,
    .helpers = helpers,
    .nhelpers = HELP_COUNT,
    .nan = NAN_ARM,
    .pins = pins,
    .npins = ARRAY_LEN(pins),
    .vpins = vpins,
    .nvpins = ARRAY_LEN(vpins),
    .flags = SLOT_FL,
    .fl_pa = true,
    .fp_env_off = offsetof(struct ir_cpu, env),
};

/* -- memory ------------------------------------------------------------------------------------------------------- */

static u8 *ram_at(struct vcpu *cpu, u64 va, u32 mo)
{
    u64 align = BIT((mo & MO_ALIGN) >> MO_ALIGN_SHIFT), off = va - IR_RAM_BASE;
    if (va & (align - 1) || off >= IR_RAM_SIZE || off + mo_bytes(mo) > IR_RAM_SIZE) {
        return NULL;
    }
    return ((struct ir_cpu *)cpu)->ram + off;
}
static bool mem_load(void *opaque, struct vcpu *cpu, u64 va, u32 mo, union v128 *val)
{
    const u8 *p = ram_at(cpu, va, mo);
    (void)opaque;
    if (p) {
        memcpy(val, p, mo_bytes(mo));
    }
    return p;
}
static bool mem_store(void *opaque, struct vcpu *cpu, u64 va, u32 mo, const union v128 *val)
{
    u8 *p = ram_at(cpu, va, mo);
    (void)opaque;
    if (p) {
        memcpy(p, val, mo_bytes(mo));
    }
    return p;
}
static u64 number(u64 v, u32 mo)
{
    return mo & MO_BE ? __builtin_bswap64(v) >> (64 - (8u << (mo & MO_SIZE))) : v;
}
static bool mem_rmw(void *opaque, struct vcpu *cpu, u64 va, u32 mo, enum ir_rmw kind, u64 operand, u64 *old)
{
    unsigned n = mo_bytes(mo);
    u8 *p = ram_at(cpu, va, mo);
    (void)opaque;
    if (p) {
        *old = number(ldnle(p, n), mo);
        stnle(p, n, number(eval_rmw(kind, n, *old, operand), mo));
    }
    return p;
}
static bool mem_cas(void *opaque, struct vcpu *cpu, u64 va, u32 mo, u64 expected, u64 val, u64 *old)
{
    unsigned n = mo_bytes(mo);
    u8 *p = ram_at(cpu, va, mo);
    (void)opaque;
    if (p) {
        *old = number(ldnle(p, n), mo);
        if (*old == expected) {
            stnle(p, n, number(val, mo));
        }
    }
    return p;
}
const struct interp_mem ir_cpu_mem = {mem_load, mem_store, mem_rmw, mem_cas, NULL};

/* -- random numbers ---------------------------------------------------------------------------------------------- */

u64 rng_next(struct rng *r)
{
    u64 z = r->s += 0x9e3779b97f4a7c15ull;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
    z = (z ^ z >> 27) * 0x94d049bb133111ebull;
    return z ^ z >> 31;
}

u64 rng_value(struct rng *r)
{
    static const u64 picks[] = {
        0,
        1,
        ~0ull,
        0x80000000,
        0x7fffffff,
        0xffffffff,
        0x100000000,
        BIT(63),
        BIT(63) - 1,
        0xff,
        0xffff,
        0x8000,
        0x80,
        0x3f800000,
        0xbf800000,
        0x7f800000,
        0x7fc00000,
        0x7f800001,
        0x00000001,
        0x00800000,
        0x7f7fffff,
        0xffc01234,
        0x3ff0000000000000,
        0xbff8000000000000,
        0x7ff0000000000000,
        0x7ff8000000000000,
        0x7ff0000000000001,
        0x000fffffffffffff,
        0x0010000000000000,
        0x7fefffffffffffff,
        0xfff8000000012345,
        0x43e0000000000000,
        0x3c003c003c003c00,
        0x7c007e007c01fc00,
        0x3f8000003f800000,
        0x7fc000007f800001,
    };
    u64 v = rng_next(r);
    switch (rng_below(r, 8)) {
    case 0:
    case 1:
        return picks[rng_below(r, ARRAY_LEN(picks))];
    case 2:
        return (u64)(i64)(i8)v;
    case 3:
        return BIT(v & 63);
    case 4:
        return MASK(v & 63) << (v >> 8 & 63);
    case 5:
        return (u32)v;
    default:
        return v;
    }
}

u64 rng_seed(const char *test)
{
    const char *s = getenv("MOSS_SEED");
    u64 seed = s ? strtoull(s, NULL, 0) : (u64)time(NULL) * 1000003u ^ (u64)clock();
    printf("%s: MOSS_SEED=0x%" PRIx64 "\n", test, seed);
    fflush(stdout);
    return seed;
}

/* -- running ----------------------------------------------------------------------------------------------------- */

void ir_cpu_random(struct ir_cpu *c, struct rng *r)
{
    memset(c, 0, sizeof(*c));
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        u8 *p = (u8 *)c + slots[i].off;
        if (slots[i].type == IR_V128) {
            st64le(p, rng_value(r));
            st64le(p + 8, rng_value(r));
        } else if (slots[i].type == IR_FLAGS) {
            st32le(p, (u32)rng_next(r) & FL_ALL);
        } else {
            stnle(p, type_bits(slots[i].type) / 8, rng_value(r));
        }
    }
    for (unsigned i = 0; i < IR_RAM_SIZE; i += 8) {
        st64le(c->ram + i, rng_value(r));
    }
    c->rt.page = IR_PAGE;
    c->rt.pc = 0x1234;
    c->env = FP_ENV_ARM;
    c->env.round = (u8)rng_below(r, 4);
}

struct ir_outcome ir_cpu_interp(const struct ir *ir, struct ir_cpu *c)
{
    struct ir_outcome o = {.how = INTERP_FAULT};
    jmp_buf jb;
    c->unwind = &jb;
    if (setjmp(jb) == 0) {
        o.how = interp_run(ir, (struct vcpu *)c, &ir_cpu_mem, &o.reason);
    }
    o.pc = o.how == INTERP_FAULT ? 0 : c->rt.pc;
    o.insn_off = o.how == INTERP_FAULT ? c->rt.insn_off : 0;
    return o;
}

static bool same_slots(const struct ir_cpu *a, const struct ir_cpu *b, struct buf *why)
{
    bool same = true;
    for (unsigned i = 0; i < SLOT_COUNT; i++) {
        const u8 *p = (const u8 *)a + slots[i].off, *q = (const u8 *)b + slots[i].off;
        unsigned n = slots[i].type == IR_FLAGS ? 4 : type_bits(slots[i].type) / 8;
        if (slots[i].type == IR_FLAGS ? ((ld32le(p) ^ ld32le(q)) & FL_ALL) != 0 : memcmp(p, q, n) != 0) {
            same = false;
            buf_printf(why, "%s:", slots[i].name);
            for (unsigned k = 0; k < 2; k++) {
                const u8 *s = k ? q : p;
                buf_printf(why, " 0x%" PRIx64, ldnle(s, MIN(n, 8u)));
                if (n == 16) {
                    buf_printf(why, "(low) 0x%" PRIx64 "(high)", ld64le(s + 8));
                }
            }
            buf_printf(why, "\n");
        }
    }
    return same;
}

bool ir_cpu_same(const struct ir_cpu *a, const struct ir_outcome *oa, const struct ir_cpu *b,
                 const struct ir_outcome *ob, u32 fp_flags, struct buf *why)
{
    bool same = same_slots(a, b, why);
    if (oa->how != ob->how || oa->reason != ob->reason || oa->pc != ob->pc || oa->insn_off != ob->insn_off) {
        buf_printf(why, "end: %u/%u pc 0x%" PRIx64 " insn 0x%x, %u/%u pc 0x%" PRIx64 " insn 0x%x\n", oa->how,
                   oa->reason, oa->pc, oa->insn_off, ob->how, ob->reason, ob->pc, ob->insn_off);
        same = false;
    }
    for (unsigned i = 0; i < IR_RAM_SIZE; i++) {
        if (a->ram[i] != b->ram[i]) {
            buf_printf(why, "ram[0x%x]: 0x%x 0x%x\n", i, a->ram[i], b->ram[i]);
            same = false;
        }
    }
    if ((a->env.flags ^ b->env.flags) & fp_flags) {
        buf_printf(why, "fp flags: 0x%x 0x%x\n", a->env.flags, b->env.flags);
        same = false;
    }
    return same;
}
