/* The instruction tables of x86 against the disassembly library: random fillings of every row, in 16-, 32- and 64-bit
 * code, must have the library's length and name; random bytes must be defined where the library knows them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <capstone/capstone.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "tests/diff/x86_random.h"

enum { FILLINGS = 60, RANDOM = 400000 };
static csh lib[3]; /* 16, 32, 64 bits */
static u64 seed;
static struct x86_rng random_state;
static const struct x86_features all = {{~0ull, ~0ull}};

static int set_up(void **state)
{
    (void)state;
    const char *s = getenv("MOSS_SEED");
    seed = s ? strtoull(s, NULL, 0) : (u64)time(NULL);
    random_state.state = seed * 2 + 1;
    print_message("seed %llu\n", (unsigned long long)seed);
    static const cs_mode modes[] = {CS_MODE_16, CS_MODE_32, CS_MODE_64};
    for (unsigned m = 0; m < 3; m++) {
        if (cs_open(CS_ARCH_X86, modes[m], &lib[m]) != CS_ERR_OK) {
            return 1;
        }
    }
    return 0;
}
static int tear_down(void **state)
{
    (void)state;
    return cs_close(&lib[0]) + cs_close(&lib[1]) + cs_close(&lib[2]);
}

static u64 rng(void)
{
    return x86_rnd(&random_state);
}

/* -- names ----------------------------------------------------------------------------------------------------------
 */

static const char *const aliases[][2] = {
    {"nop", "xchg"},
    {"pause", "nop"},
    {"pause", "xchg"},
    {"int1", "icebp"},
    {"wait", "fwait"},
    {"cbw", "cwde"},
    {"cbw", "cdqe"},
    {"cwd", "cdq"},
    {"cwd", "cqo"},
    {"pusha", "pushaw"},
    {"pusha", "pushal"},
    {"popa", "popaw"},
    {"popa", "popal"},
    {"iret", "iretd"},
    {"iret", "iretq"},
    {"retf", "retfq"},
    {"jcxz", "jecxz"},
    {"jcxz", "jrcxz"},
    {"xlat", "xlatb"},
    {"movabs", "mov"},
    {"mov", "movabs"},
    {"shl", "sal"},
    {"fcom2", "fcom"},
    {"fcomp3", "fcomp"},
    {"fcomp5", "fcomp"},
    {"fxch4", "fxch"},
    {"fxch7", "fxch"},
    {"fstp8", "fstp"},
    {"fstp9", "fstp"},
    {"sysret", "sysretq"},
    {"sysexit", "sysexitq"},
    {"femms", "vpermil2"},
    {"prefetch", "prefetchw"},
    {"prefetch", "prefetchnta"},
    {"prefetch", "prefetcht0"},
    {"prefetch", "prefetcht1"},
    {"prefetch", "prefetcht2"},
    {"prefetch", "nop"},
    {"movd", "movq"},
    {"movq", "movd"},
    {"pextrd", "pextrq"},
    {"pinsrd", "pinsrq"},
    {"cmpxchg8b", "cmpxchg16b"},
    {"vzeroupper", "vzeroall"},
    {"cvttpd2dq", "cvttpd2dqx"},
    {"cvtpd2dq", "cvtpd2dqx"},
    {"cvttpd2dq", "cvttpd2dqy"},
    {"cvtpd2dq", "cvtpd2dqy"},
    {"cvtpd2ps", "cvtpd2psx"},
    {"cvtpd2ps", "cvtpd2psy"},
};
/* Suffixes the library adds: of string instructions, pushf and the like, and 64-bit forms. */
static const char *const sized[] = {"ins",    "outs",     "movs",   "cmps",   "stos",    "lods",
                                    "scas",   "pushf",    "popf",   "fxsave", "fxrstor", "xsave",
                                    "xrstor", "xsaveopt", "xsavec", "xsaves", "xrstors", "lar"};
/* Families whose members the library names by an immediate. */
static const char *const by_imm[] = {"cmpps", "cmppd", "cmpss", "cmpsd", "pclmulqdq"};

static bool same_name(const char *ours, bool vex, const char *theirs)
{
    const char *space = strrchr(theirs, ' '); /* rep, lock, notrack... */
    theirs = space ? space + 1 : theirs;
    if (vex && *theirs == 'v' && *ours != 'v') {
        theirs++;
    }
    if (!strcmp(ours, theirs)) {
        return true;
    }
    for (unsigned i = 0; i < ARRAY_LEN(aliases); i++) {
        if (!strcmp(ours, aliases[i][0]) && !strcmp(theirs, aliases[i][1])) {
            return true;
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(sized); i++) {
        size_t n = strlen(sized[i]);
        if (!strcmp(ours, sized[i]) && !strncmp(theirs, ours, n) &&
            (strlen(theirs) - n <= 1 || !strcmp(theirs + n, "64"))) {
            return true;
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(by_imm); i++) {
        if (!strcmp(ours, by_imm[i]) && !strncmp(theirs, ours, 3) &&
            (!strncmp(ours, "pclmul", 6) || !strcmp(theirs + strlen(theirs) - 2, ours + 3))) {
            return true;
        }
    }
    return false;
}

static bool ask(unsigned m, const u8 *p, cs_insn *out, bool *known)
{
    cs_insn *in = NULL;
    size_t n = cs_disasm(lib[m], p, 15, 0x1000, 1, &in);
    *known = n == 1;
    if (n) {
        *out = *in;
        cs_free(in, n);
    }
    return *known;
}

static void hex(char *out, const u8 *p, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        sprintf(out + 3 * i, "%02x ", p[i]);
    }
}

/* -- tests ----------------------------------------------------------------------------------------------------------
 */

/* What this library's version does not know, or knows differently from the manuals. */
static bool library_lacks(const struct x86_row *row)
{
    static const char *const names[] = {"rdpid",          "clwb",           "hostclock",     "fneni8087_nop",
                                        "fndisi8087_nop", "fnsetpm287_nop", "ud0",           "ud1",
                                        "rdpkru",         "wrpkru",         "vbroadcasti128"};
    if (row->map == MAP_0F && row->opcode == 0x0d && row->mod == MOD_REG) {
        return true;
    }
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        if (!strcmp(row->name, names[i])) {
            return true;
        }
    }
    return false;
}

/* The library takes a mandatory prefix for another one in 16-bit code, and beside 67 or a segment's. */
static bool library_confused(const struct x86_row *row, const u8 *p, unsigned bits, bool vex)
{
    bool among = memchr(p, 0x67, 4) || memchr(p, 0x64, 4);
    if ((row->flags & ROW_F64) && bits == 64 && (memchr(p, 0x66, 3) || among)) {
        return true; /* it reads targets of two bytes, as AMD's processors do, and what REX.W asks for */
    }
    return row->pp != PP_ANY && !vex && (bits == 16 || among || row->opcode == 0x78 || row->opcode == 0x79);
}

static void rows_are_the_librarys(void **state)
{
    (void)state;
    unsigned checked = 0, wrong = 0, unknown = 0;
    for (unsigned i = 0; i < x86_nrows; i++) {
        const struct x86_row *row = &x86_rows[i];
        unsigned good = 0, missing = 0, bad = 0;
        for (unsigned k = 0; k < FILLINGS * 3; k++) {
            unsigned m = k % 3, bits = 16u << m;
            bool vex = row->features[0] == X86_NEVER || ((row->flags & ROW_VEX) && k / 3 % 2);
            bool l = vex && row->features[2] != X86_NEVER && (row->features[1] == X86_NEVER || k / 6 % 2);
            if (row->flags & (bits == 64 ? ROW_I64 : ROW_O64)) {
                continue;
            }
            u8 p[24];
            x86_fill(&random_state, p, row, bits, vex, l);
            struct x86_instr in;
            if (x86_decode(&in, p, 20, bits, &all) != X86_DECODED || in.row != row) {
                continue; /* a W that makes it another row, an address in a mode without one */
            }
            cs_insn cs;
            bool known;
            if (!ask(m, p, &cs, &known)) {
                missing++;
                continue;
            }
            checked++;
            good++;
            if (library_confused(row, p, bits, vex) || library_lacks(row)) {
                continue;
            }
            if (cs.size != in.len || !same_name(row->name, vex, cs.mnemonic)) {
                char text[64];
                hex(text, p, 15);
                wrong++;
                if (bad++ < 2) {
                    print_message("%u bits: %s: ours %s, %u bytes; the library's %s %s, %u\n", bits, text, row->name,
                                  in.len, cs.mnemonic, cs.op_str, cs.size);
                }
            }
        }
        if (!good && !library_lacks(row)) {
            print_message("row %02x of map %u, /%d, %s: none of its fillings is known (%u)\n", row->opcode, row->map,
                          row->ext, row->name, missing);
            unknown++;
        }
    }
    print_message("%u instructions, %u wrong, %u rows unknown\n", checked, wrong, unknown);
    assert_int_equal(wrong, 0);
    assert_int_equal(unknown, 0);
}

/* VEX.W is not looked at where the manual fixes it, nor a prefix that VEX forbids; XOP and EVEX are not ours. */
static bool laxer(const u8 *p, unsigned bits)
{
    u8 q[24];
    memcpy(q, p, sizeof(q));
    struct x86_instr in;
    for (unsigned i = 0; i < 2; i++) {
        if (p[i] == 0x8f || p[i] == 0x62 || (i && (p[i] == 0xc4 || p[i] == 0xc5))) {
            return true;
        }
    }
    q[2] ^= 0x80;
    return p[0] == 0xc4 && x86_decode(&in, q, 20, bits, &all) == X86_DECODED;
}

/* A prefix makes it undefined, and the library overlooks that: without the prefix it is the same to it. */
static bool overlooked(unsigned m, const u8 *p, const char *name)
{
    for (unsigned i = 0; i < 3; i++) {
        if (p[i] == 0x66 || p[i] == 0xf2 || p[i] == 0xf3) {
            u8 q[24] = {0};
            memcpy(q, p, i);
            memcpy(q + i, p + i + 1, 20);
            cs_insn cs;
            bool known;
            if (ask(m, q, &cs, &known) && !strcmp(cs.mnemonic, name)) {
                return true;
            }
        }
    }
    return false;
}

/* Random bytes in 32- and 64-bit code: what the library knows and we don't must be one of its own. */
static void nothing_is_missing(void **state)
{
    (void)state;
    /* Of processors that no model is of, or withdrawn ones. */
    static const char *const foreign[] = {
        "vm",      "inv",    "xstore", "xcrypt",   "xsha",     "montmul",  "bnd",    "xabort",
        "skinit",  "clgi",   "stgi",   "loadall",  "getsec",   "encls",    "enclu",  "pcommit",
        "ud2b",    "xop",    "lwp",    "slwp",     "cvt",      "k",        "sal",    "prefetchwt1",
        "syscall", "sysret", "ffreep", "cldemote", "wbnoinvd", "monitorx", "mwaitx", "clzero",
        "rdpru",   "data16", "femms",  "vpermil2", "extrq",    "swapgs"};
    unsigned known_n = 0, missing = 0;
    for (unsigned i = 0; i < RANDOM; i++) {
        u8 p[24];
        for (unsigned k = 0; k < 24; k++) {
            p[k] = (u8)rng();
        }
        unsigned pick = rng() % 8, m = 1 + (unsigned)(rng() & 1);
        static const u8 heads[8][3] = {{0},          {0x0f},       {0x0f, 0x38}, {0x0f, 0x3a},
                                       {0x66, 0x0f}, {0xf3, 0x0f}, {0xf2, 0x0f}, {0xc5}};
        for (unsigned k = 0; k < 3 && heads[pick][k]; k++) {
            p[k] = heads[pick][k];
        }
        cs_insn cs;
        bool known;
        struct x86_instr in;
        if (!ask(m, p, &cs, &known)) {
            continue;
        }
        known_n++;
        if (x86_decode(&in, p, 20, 16u << m, &all) == X86_DECODED) {
            continue;
        }
        bool fma4 = !strncmp(cs.mnemonic, "vf", 2) && !strpbrk(cs.mnemonic, "123");
        bool fine = fma4 || laxer(p, 16u << m) || memchr(p, 0xf0, 4) || overlooked(m, p, cs.mnemonic);
        for (unsigned k = 0; k < ARRAY_LEN(foreign); k++) {
            fine = fine || !strncmp(cs.mnemonic, foreign[k], strlen(foreign[k]));
        }
        if (!fine && missing++ < 60) {
            char text[64];
            hex(text, p, 15);
            print_message("%u bits: %s: not ours; the library's %s %s\n", 16u << m, text, cs.mnemonic, cs.op_str);
        }
    }
    print_message("%u known, %u missing\n", known_n, missing);
    assert_int_equal(missing, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_missing),
        cmocka_unit_test(rows_are_the_librarys),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
