/* Every float instruction of the A64 tables against fpu/: random and edge operands, all rounding modes, FZ, FZ16, DN
 * and AHP. The instruction runs in a loop over its operands, in a guest on the whole engine (as host code, or with
 * MOSS_TEST_INTERP in the interpreter); what it leaves in V, X, NZCV and FPSR is what a64_fpref.c says.
 *
 *   MOSS_SEED=N      repeats a run        MOSS_FP_CASES=N   operand sets a pattern (default 1024)
 *   MOSS_FP_ONLY=P   patterns whose name begins with P */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "fpu/softfloat.h"
#include "tests/diff/a64_fpref.h"
#include "tests/diff/a64_machine.h"
#include "tests/diff/a64_peer/case.h"
#include "tests/diff/a64_random.h"

enum { SETS = 32 /* operand sets of a program */, PROGRAMS = 48 /* programs of a run */ };

struct input {
    union v128 v[FPREF_REGS];
    u64 x[FPREF_REGS], nzcv, pad;
};
struct output {
    union v128 v[FPREF_REGS];
    u64 x[FPREF_REGS], nzcv, fpsr;
};
struct program {
    const struct pattern *p;
    u32 word, fpcr;
    u8 loads; /* log2 of the bytes of V registers that are loaded: scalars come with zeros above */
};

static u64 seed;
static struct program programs[PROGRAMS];
static unsigned nprograms;
static u64 ncases, nwrong;

static u64 rnd(void)
{
    return a64_random_next(&seed);
}

/* -- operands ---------------------------------------------------------------------------------------------------- */

/* A float whose product (or quotient) with a lies near the least normal number, or near the greatest. */
static u64 partner(u64 a, unsigned es)
{
    unsigned w = 8u << es, e = es == 1 ? 5 : es == 2 ? 8 : 11, f = w - e - 1;
    i64 bias = (1 << (e - 1)) - 1, ea = (i64)(a >> f & MASK(e)), near = (i64)(rnd() % 5) - 2;
    i64 target = rnd() & 1 ? 1 : 2 * bias, exp = rnd() & 1 ? target - ea + bias + near : ea - target + bias + near;
    u64 frac = rnd() & 1 ? rnd() & MASK(f) : rnd() % 4;
    exp = exp < 0 ? 0 : exp > 2 * bias ? 2 * bias : exp;
    return (rnd() & 1) << (w - 1) | (u64)exp << f | frac;
}

/* A float whose product with a is the least normal number, or next to it. */
static u64 reciprocal(u64 a, unsigned es)
{
    struct fp_env e = FP_ENV_ARM;
    u64 q = es == 1   ? f16_div(0x0400, (f16)a, &e)
            : es == 2 ? f32_div(0x00800000, (f32)a, &e)
                      : f64_div(0x0010000000000000, a, &e);
    return (q + rnd() % 5 - 2) & MASK(8u << es);
}

static u64 lane_value(unsigned es, const union v128 *other, unsigned pos)
{
    u64 near = 0;
    memcpy(&near, other->b + pos / 8, 1u << es);
    switch (rnd() % 12) {
    case 0: /* the other operand, or its neighbours: cancellation */
        near += rnd() % 5 - 2;
        return (rnd() & 1 ? near ^ 1ull << ((8u << es) - 1) : near) & MASK(8u << es);
    case 1:
        return partner(near, es);
    case 2:
        return es ? reciprocal(near, es) : rnd() & 0xff;
    case 3:
        return peer_int(&seed, es);
    case 4:
        return rnd() & MASK(8u << es);
    default:
        return peer_float(&seed, es);
    }
}

static void make_input(struct input *in, unsigned es, unsigned loads)
{
    unsigned k = rnd() % 8 ? es : 1 + rnd() % 3;
    memset(in, 0, sizeof(*in));
    for (unsigned r = 0; r < FPREF_REGS; r++) {
        for (unsigned pos = 0; pos < 128; pos += 8u << k) {
            u64 x = lane_value(k, &in->v[(r + FPREF_REGS - 1) % FPREF_REGS], pos);
            memcpy(in->v[r].b + pos / 8, &x, 1u << k);
        }
        memset(in->v[r].b + (1u << loads), 0, 16 - (1u << loads));
        in->x[r] = peer_int(&seed, 2 + (rnd() & 1));
        in->x[r] = rnd() & 3 ? in->x[r] : rnd() >> rnd() % 64;
    }
    in->nzcv = rnd() & 0xf0000000;
}

/* -- programs ---------------------------------------------------------------------------------------------------- */

#define IN_AT(k)  (A64_ARENA_AT + (u64)(k) * (SETS * sizeof(struct input)))
#define OUT_AT(k) (A64_ARENA_AT + 0x200000 + (u64)(k) * (SETS * sizeof(struct output)))

static unsigned emit_loads(u32 *c, unsigned loads)
{
    static const u32 ldr[5] = {0, 0x7d400280, 0xbd400280, 0xfd400280, 0x3dc00280}; /* of [x20] */
    for (unsigned r = 0; r < FPREF_REGS; r++) {
        c[r] = ldr[loads] | (16 * r >> loads) << 10 | r;
    }
    return FPREF_REGS;
}

/* x20 operands, x21 results, x22 how many. */
static unsigned emit_program(u32 *c, unsigned k)
{
    unsigned n = 0;
    bool flags_first = rnd() & 1;
    n += a64_emit_mov(c + n, 4, programs[k].fpcr);
    c[n++] = 0xd51b4404; /* msr fpcr, x4 */
    n += a64_emit_mov(c + n, 20, IN_AT(k));
    n += a64_emit_mov(c + n, 21, OUT_AT(k));
    n += a64_emit_mov(c + n, 22, SETS);
    unsigned loop = n;
    if (flags_first) {
        c[n++] = 0xd51b443f; /* msr fpsr, xzr */
    }
    n += emit_loads(c + n, programs[k].loads);
    c[n++] = 0xa9440680; /* ldp x0, x1, [x20, #64] */
    c[n++] = 0xa9450e82; /* ldp x2, x3, [x20, #80] */
    c[n++] = 0xf9403284; /* ldr x4, [x20, #96] */
    if (!flags_first) {
        c[n++] = 0xd51b443f;
    }
    c[n++] = 0xd51b4204; /* msr nzcv, x4 */
    c[n++] = programs[k].word;
    c[n++] = 0xad0006a0; /* stp q0, q1, [x21] */
    c[n++] = 0xad010ea2;
    c[n++] = 0xa90406a0;
    c[n++] = 0xa9050ea2;
    c[n++] = 0xd53b4204; /* mrs x4, nzcv */
    c[n++] = 0xd53b4425; /* mrs x5, fpsr */
    c[n++] = 0xa90616a4; /* stp x4, x5, [x21, #96] */
    c[n++] = 0x9101c294; /* add x20, x20, #112 */
    c[n++] = 0x9101c2b5; /* add x21, x21, #112 */
    c[n++] = 0xf10006d6; /* subs x22, x22, #1 */
    c[n] = 0x54000001 | ((loop - n) & 0x7ffff) << 5;
    return n + 1;
}
_Static_assert(sizeof(struct input) == 112 && sizeof(struct output) == 112, "as the code steps");

static bool translates(u32 word)
{
    static struct ir ir;
    static u8 page[4096];
    struct tr_result rs = {0};
    struct tr_request rq = {
        .mode = target_aarch64.mode(&a64_machine.cpu->vcpu) & ~(u64)MODE_FP_TRAP, .page = page, .max_insns = 1};
    st32le(page, word);
    ir_init(&ir, target_aarch64.ir, 0, 12);
    target_aarch64.translate(&ir, &rq, &rs);
    for (unsigned i = 1; i < ir.nops; i++) {
        if (ir.ops[i].op == IR_call && ir.ops[i].imm == H_undefined) {
            return false;
        }
    }
    return true;
}

/* A word of the pattern on registers 0..3. */
static bool make_word(const struct pattern *p, u32 *word)
{
    for (unsigned tries = 0; tries < 1000; tries++) {
        u32 w = a64_random_word(&seed, p);
        for (unsigned i = 0; i < p->nfields; i++) {
            const struct pattern_field *f = &p->fields[i];
            if (f->name[0] == 'r' && f->name[1] != 'o' && f->parts[0].len >= 4) {
                w = (u32)deposit(w, f->parts[0].pos, f->parts[0].len, rnd() % FPREF_REGS);
            } else if (!strcmp(f->name, "m")) {
                w &= p->name[strlen(p->name) - 1] == 'h' || strstr(p->name, "MLAL") || strstr(p->name, "MLSL")
                         ? ~0u
                         : ~(1u << f->parts[0].pos);
            }
        }
        if (pattern_allows(p, w) && a64_find(w) == p && translates(w)) {
            *word = w;
            return true;
        }
    }
    return false;
}

static void show_difference(const struct program *p, const struct input *in, const struct output *got,
                            const struct fpref_state *want)
{
    char text[80] = "";
    a64_disas(text, sizeof(text), 0, p->word);
    print_error("%s %08x  %s  fpcr %08x\n", p->p->name, p->word, text, p->fpcr);
    for (unsigned r = 0; r < FPREF_REGS; r++) {
        print_error("  v%u %016llx:%016llx  got %016llx:%016llx want %016llx:%016llx\n", r,
                    (unsigned long long)in->v[r].d[1], (unsigned long long)in->v[r].d[0],
                    (unsigned long long)got->v[r].d[1], (unsigned long long)got->v[r].d[0],
                    (unsigned long long)want->v[r].d[1], (unsigned long long)want->v[r].d[0]);
    }
    for (unsigned r = 0; r < FPREF_REGS; r++) {
        print_error("  x%u %016llx  got %016llx want %016llx\n", r, (unsigned long long)in->x[r],
                    (unsigned long long)got->x[r], (unsigned long long)want->x[r]);
    }
    print_error("  nzcv %x  got %x want %x   fpsr got %llx want %llx\n", (unsigned)(in->nzcv >> 28),
                (unsigned)(got->nzcv >> 28), (unsigned)(want->nzcv >> 28), (unsigned long long)got->fpsr,
                (unsigned long long)want->fpsr);
}

static void check_program(unsigned k)
{
    const struct program *p = &programs[k];
    const struct input *in = (const void *)(a64_machine.ram + (IN_AT(k) - A64_RAM_BASE));
    const struct output *got = (const void *)(a64_machine.ram + (OUT_AT(k) - A64_RAM_BASE));
    for (unsigned i = 0; i < SETS; i++, in++, got++) {
        struct fpref_state want = {.nzcv = in->nzcv};
        memcpy(want.v, in->v, sizeof(want.v));
        memcpy(want.x, in->x, sizeof(want.x));
        fpref_run(p->p, p->word, p->fpcr, &want);
        ncases++;
        if (memcmp(got->v, want.v, sizeof(want.v)) || memcmp(got->x, want.x, sizeof(want.x)) ||
            got->nzcv != want.nzcv || got->fpsr != want.fpsr) {
            if (nwrong++ < 8) {
                show_difference(p, in, got, &want);
            }
        }
    }
}

static void run_programs(void)
{
    static u32 code[PROGRAMS * 48];
    unsigned n = 0;
    for (unsigned k = 0; k < nprograms; k++) {
        struct input *in = (void *)(a64_machine.ram + (IN_AT(k) - A64_RAM_BASE));
        for (unsigned i = 0; i < SETS; i++) {
            make_input(in + i, fpref_es(programs[k].p, programs[k].word), programs[k].loads);
        }
        n += emit_program(code + n, k);
    }
    n += a64_emit_end(code + n);
    a64_machine_put(A64_CODE, code, 4 * n);
    assert_true(a64_machine_run(0, NULL, NULL));
    for (unsigned k = 0; k < nprograms; k++) {
        check_program(k);
    }
    nprograms = 0;
}

static u32 random_fpcr(void)
{
    u32 fpcr = (u32)(rnd() & 3) << 22;
    if (rnd() & 1) {
        fpcr |= (u32)rnd() & (1u << 24 | 1u << 25);
    }
    if (rnd() % 4 == 0) {
        fpcr |= (u32)rnd() & (1u << 19 | 1u << 26);
    }
    return fpcr;
}

/* Sets of one pattern, in programs of SETS; each has its own word and FPCR. */
static unsigned add_pattern(const struct pattern *p, u64 sets)
{
    u32 w;
    if (!make_word(p, &w)) {
        fail_msg("%s: no instruction on these registers", p->name);
    }
    for (u64 done = 0; done < sets; done += SETS) {
        unsigned loads = rnd() & 1 ? MO_128 : MAX(fpref_es(p, w), 1 + (unsigned)rnd() % 3);
        programs[nprograms++] = (struct program){p, w, random_fpcr(), (u8)loads};
        if (nprograms == PROGRAMS) {
            run_programs();
        }
        make_word(p, &w);
    }
    return 1;
}

static void instructions_are_exact(void **st)
{
    (void)st;
    const char *s = getenv("MOSS_SEED"), *count = getenv("MOSS_FP_CASES"), *only = getenv("MOSS_FP_ONLY");
    u64 sets = count ? strtoull(count, NULL, 0) : 1024;
    unsigned patterns = 0;
    seed = s ? strtoull(s, NULL, 0) : (u64)time(NULL) * 1000003;
    print_message("MOSS_SEED=%llu MOSS_FP_CASES=%llu\n", (unsigned long long)seed, (unsigned long long)sets);
    for (unsigned i = 0; i < a64_npatterns; i++) {
        const struct pattern *p = &a64_patterns[i];
        if ((p->klass == A64_fp || p->klass == A64_simd) && fpref_knows(p) &&
            (!only || !strncmp(p->name, only, strlen(only)))) {
            patterns += add_pattern(p, sets);
        }
    }
    run_programs();
    print_message("%u patterns, %llu cases, %llu wrong\n", patterns, (unsigned long long)ncases,
                  (unsigned long long)nwrong);
    assert_true(patterns > 0);
    assert_int_equal(nwrong, 0);
}

/* The float patterns no reference is known for are moves and selections. */
static void nothing_is_left_out(void **st)
{
    (void)st;
    for (unsigned i = 0; i < a64_npatterns; i++) {
        const struct pattern *p = &a64_patterns[i];
        bool fl = (p->klass == A64_fp || p->klass == A64_simd) &&
                  (p->name[0] == 'F' || !strncmp(p->name, "BF", 2) || !strncmp(p->name, "SCVTF", 5) ||
                   !strncmp(p->name, "UCVTF", 5) || !strncmp(p->name, "URECPE", 6) || !strncmp(p->name, "URSQRTE", 7));
        if (fl && !fpref_knows(p) && strncmp(p->name, "FMOV", 4) && strcmp(p->name, "FCSEL")) {
            fail_msg("%s is not tested", p->name);
        }
    }
}

static int setup(void **st)
{
    (void)st;
    struct accel_config cfg = {.interp = getenv("MOSS_TEST_INTERP") != NULL};
    a64_machine_new(&cfg);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(nothing_is_left_out), cmocka_unit_test(instructions_are_exact)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
