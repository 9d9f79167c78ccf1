/* SIMD&FP data processing: the golden table (tests/golden/a64-simd.txt, made by tests/diff/a64_peer) through the IR
 * interpreter, and laws that hold for every pattern. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "target/arm/a64/a64.h"
#include "target/arm/a64/helpers_simd.h"
#include "tests/diff/a64_random.h"
#include "tests/unit/a64_one.h"

/* -- golden: NAME WORD inputs -> outputs, each REGISTER=VALUE in hex, vectors HIGH:LOW --------------------------- */

struct line {
    char name[32];
    u32 insn;
    struct one_state in, out;
};

static const char *parse_register(const char *s, struct one_state *st)
{
    char name[8];
    unsigned long long hi, lo;
    int n = 0;
    if (sscanf(s, " %7[^=]=%llx:%llx%n", name, &hi, &lo, &n) == 3 && name[0] == 'v') {
        st->v[atoi(name + 1)] = (union v128){.d = {lo, hi}};
        return s + n;
    }
    assert_int_equal(sscanf(s, " %7[^=]=%llx%n", name, &lo, &n), 2);
    if (name[0] == 'x') {
        st->x[atoi(name + 1)] = lo;
    } else if (!strcmp(name, "nzcv")) {
        st->nzcv = (u32)lo << 28;
    } else if (!strcmp(name, "fpcr")) {
        st->fpcr = (u32)lo;
    } else {
        assert_string_equal(name, "fpsr");
        st->fpsr = (u32)lo;
    }
    return s + n;
}

static void parse_line(const char *s, struct line *l)
{
    int n;
    memset(l, 0, sizeof(*l));
    assert_int_equal(sscanf(s, "%31s %x%n", l->name, &l->insn, &n), 2);
    s += n;
    while (strncmp(s, " ->", 3)) {
        s = parse_register(s, &l->in);
    }
    l->out = l->in;
    for (s += 3; *s && *s != '\n';) {
        s = parse_register(s, &l->out);
    }
}

static void show(const char *what, const struct one_state *st)
{
    print_error("%s", what);
    for (unsigned i = 0; i < 32; i++) {
        if (st->v[i].d[0] | st->v[i].d[1]) {
            print_error(" v%u=%016llx:%016llx", i, (unsigned long long)st->v[i].d[1],
                        (unsigned long long)st->v[i].d[0]);
        }
    }
    for (unsigned i = 0; i < 31; i++) {
        if (st->x[i]) {
            print_error(" x%u=%llx", i, (unsigned long long)st->x[i]);
        }
    }
    print_error(" nzcv=%x fpcr=%x fpsr=%x\n", st->nzcv >> 28, st->fpcr, st->fpsr);
}

static void run_golden(unsigned *lines, unsigned *wrong, unsigned *seen)
{
    FILE *f = fopen("tests/golden/a64-simd.txt", "r");
    char text[1000];
    assert_non_null(f);
    while (fgets(text, sizeof(text), f)) {
        struct line l;
        parse_line(text, &l);
        const struct pattern *p = a64_find(l.insn);
        assert_non_null(p);
        assert_string_equal(p->name, l.name);
        seen[p - a64_patterns]++;
        struct one_state got = l.in;
        bool defined = one_run(l.insn, &got, NULL);
        ++*lines;
        if (!defined || memcmp(&got, &l.out, sizeof(got))) {
            ++*wrong;
            print_error("%s %08x%s\n", l.name, l.insn, defined ? "" : " is undefined");
            show("  in  ", &l.in);
            show("  got ", &got);
            show("  want", &l.out);
        }
    }
    fclose(f);
}
static bool is_ours(const struct pattern *p)
{
    return p->klass == A64_simd || p->klass == A64_fp;
}
static void test_golden(void **state)
{
    (void)state;
    unsigned lines = 0, wrong = 0;
    unsigned *seen = calloc(a64_npatterns, sizeof(*seen));
    run_golden(&lines, &wrong, seen);
    assert_int_equal(wrong, 0);
    for (unsigned i = 0; i < a64_npatterns; i++) {
        if (is_ours(&a64_patterns[i]) && !seen[i]) {
            fail_msg("%s has no golden line", a64_patterns[i].name);
        }
    }
    free(seen);
}

/* The cryptographic helpers without the host's instructions. Runs last: there is no way back. */
static void test_golden_plain(void **state)
{
    (void)state;
    unsigned lines = 0, wrong = 0;
    unsigned *seen = calloc(a64_npatterns, sizeof(*seen));
    arm_crypto_without_host();
    run_golden(&lines, &wrong, seen);
    assert_int_equal(wrong, 0);
    free(seen);
}

/* -- laws -------------------------------------------------------------------------------------------------------- */

static u64 seed;

static void randomise(struct one_state *st)
{
    memset(st, 0, sizeof(*st));
    for (unsigned n = 0; n < 31; n++) {
        st->x[n] = a64_random_next(&seed);
    }
    for (unsigned n = 0; n < 32; n++) {
        st->v[n] = (union v128){.d = {a64_random_next(&seed), a64_random_next(&seed)}};
    }
    st->fpcr = (u32)a64_random_next(&seed) & (3u << 22 | 7u << 24 | 1u << 19);
}

/* No instruction writes anything but Rd, the flags and FPSR, whatever the registers hold; running it again from the
 * same state gives the same. */
static void test_only_rd(void **state)
{
    (void)state;
    unsigned defined = 0;
    for (unsigned i = 0; i < a64_npatterns; i++) {
        for (unsigned k = 0; is_ours(&a64_patterns[i]) && k < 40; k++) {
            struct one_state in, out, again;
            randomise(&in);
            out = again = in;
            u32 insn = a64_random_word(&seed, &a64_patterns[i]);
            if (!one_run(insn, &out, NULL)) {
                continue;
            }
            defined++;
            assert_true(one_run(insn, &again, NULL));
            assert_memory_equal(&out, &again, sizeof(out));
            unsigned rd = insn & 31;
            out.v[rd] = in.v[rd];
            if (rd < 31) {
                out.x[rd] = in.x[rd];
            }
            assert_memory_equal(out.v, in.v, sizeof(in.v));
            assert_memory_equal(out.x, in.x, sizeof(in.x));
            assert_int_equal(out.fpcr, in.fpcr);
            assert_int_equal(out.fpsr & ~(0x9fu | 1u << 27), 0);
        }
    }
    assert_true(defined > 10000);
}

/* A defined instruction of the pattern (of any, NULL) on registers 0 to 3. */
static u32 random_insn(const struct pattern *p)
{
    for (;;) {
        const struct pattern *q = p ? p : &a64_patterns[a64_random_next(&seed) % a64_npatterns];
        struct one_state st;
        memset(&st, 0, sizeof(st));
        if (is_ours(q)) {
            u32 insn = a64_random_word(&seed, q) & ~(0x1cu | 0x1cu << 5);
            if (a64_find(insn) == q && one_run(insn, &st, NULL)) {
                return insn;
            }
        }
    }
}
/* A block does what its instructions do one after the other, whatever the builder makes of them. */
static void check_block(const u32 *insns, unsigned n)
{
    struct one_state block, single;
    randomise(&block);
    single = block;
    for (unsigned i = 0; i < n; i++) {
        assert_true(one_run(insns[i], &single, NULL));
    }
    assert_true(several_run(insns, n, &block, NULL));
    if (memcmp(&block, &single, sizeof(block))) {
        for (unsigned i = 0; i < n; i++) {
            print_error("%08x %s\n", insns[i], a64_find(insns[i])->name);
        }
        show("  block", &block);
        show("  one by one", &single);
        fail();
    }
}
static void test_blocks(void **state)
{
    (void)state;
    for (unsigned k = 0; k < 3000; k++) {
        u32 insns[8];
        for (unsigned i = 0; i < ARRAY_LEN(insns); i++) {
            insns[i] = random_insn(NULL);
        }
        check_block(insns, ARRAY_LEN(insns));
    }
}
/* Pairs that are translated as one: CNT and ADDV or UADDLV, 8 or 16 bytes; AESE and AESMC; AESD and AESIMC. */
static void test_pairs(void **state)
{
    (void)state;
    static const u32 pairs[][2] = {
        {0x0e205820, 0x0e31b802}, {0x4e205820, 0x4e31b802}, {0x0e205820, 0x2e303802}, {0x4e205820, 0x6e303802},
        {0x4e205820, 0x0e31b802}, {0x0e205820, 0x4e31b802}, {0x0e205820, 0x0e71b802}, {0x4e205820, 0x6e703802},
        {0x4e284820, 0x4e286802}, {0x4e285820, 0x4e287802}, {0x4e284820, 0x4e287802}, {0x4e285820, 0x4e286802},
    };
    for (unsigned k = 0; k < 200; k++) {
        for (unsigned i = 0; i < ARRAY_LEN(pairs); i++) {
            check_block(pairs[i], 2);
        }
    }
}

static int set_up(void **state)
{
    (void)state;
    const char *s = getenv("MOSS_SEED");
    seed = s ? strtoull(s, NULL, 0) : (u64)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    one_init();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden), cmocka_unit_test(test_only_rd),      cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_pairs),  cmocka_unit_test(test_golden_plain),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
