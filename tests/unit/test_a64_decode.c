/* The A64 pattern table against the disassembly library: random fillings of every line must get the same mnemonic, and
 * what the library calls data must not be a line of ours unless it is newer than the library. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <capstone/capstone.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/log.h"
#include "tests/diff/a64_random.h"

enum { FILLINGS = 200 };
static csh lib;
static u64 seed;

static int set_up(void **state)
{
    (void)state;
    const char *s = getenv("MOSS_SEED");
    seed = s ? strtoull(s, NULL, 0) : (u64)time(NULL);
    print_message("seed %llu\n", (unsigned long long)seed);
    return cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &lib) != CS_ERR_OK;
}
static int tear_down(void **state)
{
    (void)state;
    return cs_close(&lib) != CS_ERR_OK;
}

/* Names the library prefers: ours (the manual's main name), theirs. */
static const char *const aliases[][2] = {
    {"add", "mov"},      {"orr", "mov"},       {"adds", "cmn"},     {"subs", "cmp"},      {"sub", "neg"},
    {"subs", "negs"},    {"ands", "tst"},      {"orn", "mvn"},      {"movz", "mov"},      {"movn", "mov"},
    {"sbfm", "asr"},     {"sbfm", "sbfiz"},    {"sbfm", "sbfx"},    {"sbfm", "sxtb"},     {"sbfm", "sxth"},
    {"sbfm", "sxtw"},    {"ubfm", "lsl"},      {"ubfm", "lsr"},     {"ubfm", "ubfiz"},    {"ubfm", "ubfx"},
    {"ubfm", "uxtb"},    {"ubfm", "uxth"},     {"bfm", "bfi"},      {"bfm", "bfxil"},     {"bfm", "bfc"},
    {"extr", "ror"},     {"sbc", "ngc"},       {"sbcs", "ngcs"},    {"csinc", "cset"},    {"csinc", "cinc"},
    {"csinv", "csetm"},  {"csinv", "cinv"},    {"csneg", "cneg"},   {"madd", "mul"},      {"msub", "mneg"},
    {"smaddl", "smull"}, {"smsubl", "smnegl"}, {"umaddl", "umull"}, {"umsubl", "umnegl"}, {"orr", "mov.16b"},
    {"sys", "ic"},       {"sys", "dc"},        {"sys", "at"},       {"sys", "tlbi"},      {"rev", "rev64"},
    {"b.al", "b"},       {"b.nv", "b"},        {"not", "mvn"},      {"ins", "mov"},       {"umov", "mov"},
    {"dup", "mov"},      {"ushll", "uxtl"},    {"sshll", "sxtl"},   {"ushll2", "uxtl2"},  {"sshll2", "sxtl2"},
    {"msr", "msr"},      {"dsb", "ssbb"},      {"dsb", "pssbb"},    {"csdb", "hint"},     {"bti", "hint"},
    {"esb", "hint"},     {"psb", "hint"},      {"dcps1", "dcps1"},
};

static bool same_name(const char *ours, const char *theirs)
{
    if (!strcmp(ours, theirs)) {
        return true;
    }
    for (unsigned i = 0; i < ARRAY_LEN(aliases); i++) {
        if (!strcmp(ours, aliases[i][0]) && !strcmp(theirs, aliases[i][1])) {
            return true;
        }
    }
    /* LSE without a result: stadd is ldadd with rt 31. */
    return !strncmp(ours, "ld", 2) && !strncmp(theirs, "st", 2) && !strcmp(ours + 2, theirs + 2);
}

static void first_word(char *out, size_t n, const char *text)
{
    size_t k = strcspn(text, " ");
    k = MIN(k, n - 1);
    memcpy(out, text, k);
    out[k] = 0;
}

/* What the library prints by number: hints, and system instructions newer than it. */
static bool by_number(const struct pattern *p, const cs_insn *in)
{
    bool hint = (p->fixed & 0xfffff01fu) == 0xd503201fu && !strcmp(in->mnemonic, "hint");
    return hint || (p->klass == A64_system && p->feature >= 0 && !strncmp(in->op_str, "s3_3_c3", 7)) ||
           (p->feature == ARM_FEAT_WFXT && !strcmp(in->mnemonic, "msr"));
}

static void test_mnemonics(void **state)
{
    (void)state;
    unsigned known = 0, unknown = 0, differ = 0;
    for (unsigned i = 0; i < a64_npatterns; i++) {
        const struct pattern *p = &a64_patterns[i];
        for (unsigned k = 0; k < FILLINGS; k++) {
            u32 w = a64_random_word(&seed, p);
            cs_insn *in = NULL;
            u8 bytes[4];
            st32le(bytes, w);
            if (a64_find(w) != p) {
                continue; /* a line above takes it */
            }
            if (!cs_disasm(lib, bytes, 4, 0x1000, 1, &in)) {
                unknown++;
                continue;
            }
            char text[200], name[40];
            a64_disas(text, sizeof(text), 0x1000, w);
            first_word(name, sizeof(name), text);
            if (!same_name(name, in->mnemonic) && !by_number(p, in)) {
                print_error("%s %08x: ours \"%s\", library \"%s %s\"\n", p->name, w, text, in->mnemonic, in->op_str);
                differ++;
                k = FILLINGS;
            }
            known++;
            cs_free(in, 1);
        }
    }
    print_message("%u words agree, %u are unknown to the library\n", known, unknown);
    assert_int_equal(differ, 0);
    assert_true(known > unknown);
}

/* Random words: what the library decodes, we do too. */
static void test_holes(void **state)
{
    (void)state;
    unsigned seen = 0, differ = 0;
    for (unsigned k = 0; k < 1000000; k++) {
        u32 w = (u32)a64_random_next(&seed);
        cs_insn *in = NULL;
        u8 bytes[4];
        st32le(bytes, w);
        bool op0_zero = (w & 0xffd80000) == 0xd5000000; /* MSR and MRS of nothing, which the library prints */
        if (!a64_find(w) && !op0_zero && cs_disasm(lib, bytes, 4, 0x1000, 1, &in)) {
            if (differ++ < 20) {
                print_error("%08x: the library knows \"%s %s\"\n", w, in->mnemonic, in->op_str);
            }
            cs_free(in, 1);
        }
        seen += a64_find(w) != NULL;
    }
    assert_int_equal(differ, 0);
    assert_true(seen > 100000);
}

static void test_operand_kinds(void **state)
{
    (void)state;
    const char *s = a64_disas_missing();
    if (s) {
        fail_msg("no printer for operand %s", s);
    }
    assert_null(s);
}

/* A line's fields, its fixed bits and its ignored bits are all there is; each line can be reached. */
static void test_lines(void **state)
{
    (void)state;
    for (unsigned i = 0; i < a64_npatterns; i++) {
        const struct pattern *p = &a64_patterns[i];
        bool reached = false;
        for (unsigned k = 0; k < 2000 && !reached; k++) {
            reached = a64_find(a64_random_word(&seed, p)) == p;
        }
        if (!reached) {
            fail_msg("%s is never found", p->name);
        }
        assert_int_equal(p->fixed & ~p->mask, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_operand_kinds),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_mnemonics),
        cmocka_unit_test(test_holes),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
