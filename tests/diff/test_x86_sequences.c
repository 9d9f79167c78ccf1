/* Sequences of x86-64 instructions, 2 to 8 in one trace, against the host's own processor: the same as test_x86_host.c
 * asks of single ones, but what one instruction leaves is what the next one finds, and host registers run short.
 *
 * Of the rows that it draws from memory is reached through RDI and R15, which no instruction changes; rows that leave
 * something undefined are left out.
 *
 * MOSS_SEED; MOSS_X86_SEQUENCES: how many; MOSS_X86_ROW: only rows with this in their name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "tests/diff/x86_engine.h"
#include "tests/diff/x86_host_run.h"
#include "tests/diff/x86_values.h"

enum { RSP = 4, RDI = 7, R15 = 15, MOST = 8 };

static struct x86_rng rng;
static struct x86_features features;
static u16 usable[4096];
static unsigned nusable, shown;
static u8 before_data[X86_DATA_SIZE], host_data[X86_DATA_SIZE];

struct sequence {
    u8 code[16 * MOST];
    unsigned len, n;
    const struct x86_row *row[MOST];
    unsigned at[MOST];
};

static unsigned rnd(unsigned n)
{
    return (unsigned)(x86_rnd(&rng) % n);
}

/* -- which instructions -----------------------------------------------------------------------------------------------
 */

/* The stack, strings, and what is approximate or large. */
static bool row_is_usable(const struct x86_row *row)
{
    static const char *const names[] = {"push", "pop",     "leave", "enter", "stos",   "lods",  "scas",
                                        "cmps", "movs",    "save",  "rstor", "rcp",    "rsqrt", "gather",
                                        "xlat", "cmpxchg", "env",   "sha",   "maskmov"};
    static const u16 fns[] = {X86_FN_maskmovdqu, X86_FN_maskmovq, X86_FN_ldmxcsr /* AMD has a bit more */};
    bool string = false;
    for (unsigned i = 0; i < ARRAY_LEN(row->opds); i++) {
        unsigned place = x86_opds[row->opds[i]].place;
        string |= place == PL_X || place == PL_Y || place == PL_MV;
    }
    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        bool vector_move = !strncmp(row->name, "movs", 4) && row->map != MAP_ONE;
        if (!strncmp(row->name, names[i], strlen(names[i])) && !vector_move) {
            return false;
        }
    }
    for (unsigned i = 0; i < ARRAY_LEN(fns); i++) {
        if (row->fn == fns[i]) {
            return false;
        }
    }
    bool image = strstr(row->name, "save") || strstr(row->name, "rstor") || strstr(row->name, "env") ||
                 strstr(row->name, "rcp") || strstr(row->name, "rsqrt");
    return !string && !image && !(row->flags & ROW_REP) && x86_row_is_plain(row, 64);
}

/* Is a general register that must stay an operand? */
static bool touches_base(const struct x86_instr *in)
{
    for (unsigned i = 0; i < ARRAY_LEN(in->row->opds); i++) {
        unsigned r = 0;
        switch (x86_opds[in->row->opds[i]].place) {
        case PL_E:
        case PL_R:
            r = in->mod == 3 ? in->rm : 0;
            break;
        case PL_G:
            r = in->reg;
            break;
        case PL_B:
            r = in->vvvv;
            break;
        case PL_Z:
            r = in->opreg;
            break;
        default:
            break;
        }
        if (r == RSP || r == RDI || r == R15) {
            return true;
        }
    }
    return false;
}
static bool is_memory(const struct x86_instr *in)
{
    return x86_row_has_modrm(in->row) && in->mod != 3;
}

static bool fits(const struct x86_instr *in)
{
    struct x86_state few = {.r = {[1] = 3}}, many = {.r = {[1] = 17}};
    struct x86_open a = x86_left_open(in, &few), b = x86_left_open(in, &many);
    if (a.flags | a.fsw | a.result | a.fault | b.flags | b.fsw | b.result || in->seg != SEG_DEFAULT ||
        touches_base(in)) {
        return false;
    }
    if (!is_memory(in)) {
        return true;
    }
    bool far = in->row->map == MAP_0F && x86_opds[in->row->opds[1]].place == PL_G; /* a number of bits */
    return !far && (in->base == RDI || in->base == R15) && in->index == X86_NO_REG && in->disp > -1024 &&
           in->disp < 1024;
}

/* One more instruction. */
static void append(struct sequence *s)
{
    for (;;) {
        const struct x86_row *row = &x86_rows[usable[rnd(nusable)]];
        unsigned form = rnd(3);
        u8 *p = s->code + s->len, fill[24];
        struct x86_instr in;
        if (!x86_has(&features, row->features[form])) {
            continue;
        }
        x86_fill(&rng, fill, row, 64, form != 0, form == 2);
        if (x86_decode(&in, fill, 20, 64, &features) != X86_DECODED || in.row != row || !fits(&in)) {
            continue;
        }
        memcpy(p, fill, in.len);
        s->at[s->n] = s->len;
        s->row[s->n++] = row;
        s->len += in.len;
        return;
    }
}

/* -- running ----------------------------------------------------------------------------------------------------------
 */

static void random_data(const struct sequence *s)
{
    union v128 block[16];
    for (unsigned i = 0; i < ARRAY_LEN(block); i++) {
        x86_random_vector(&rng, &block[i], s->row[rnd(s->n)]);
    }
    for (unsigned k = 0; k < X86_DATA_SIZE; k += sizeof(block)) {
        memcpy(X86_DATA + k, block, sizeof(block));
    }
    memcpy(before_data, X86_DATA, X86_DATA_SIZE);
}

static void show(const struct sequence *s, const struct x86_state *before, const struct x86_state *host,
                 const struct x86_state *ours, const char *engine)
{
    for (unsigned i = 0; i < s->n; i++) {
        unsigned end = i + 1 < s->n ? s->at[i + 1] : s->len;
        printf("%-12s", s->row[i]->name);
        for (unsigned k = s->at[i]; k < end; k++) {
            printf(" %02x", s->code[k]);
        }
        printf("\n");
    }
    x86_state_differences(before, host, ours, "host", engine);
    for (unsigned i = 0; i < X86_DATA_SIZE; i += 8) {
        if (memcmp(X86_DATA + i, host_data + i, 8)) {
            printf("  memory %llx: a %016llx, b %016llx\n", X86_DATA_AT + i, (unsigned long long)ld64le(host_data + i),
                   (unsigned long long)ld64le(X86_DATA + i));
        }
    }
}

static void compare(const struct sequence *s, const struct x86_state *before)
{
    static struct x86_state host, ours;
    static const struct x86_open none;
    int sig = x86_host_run(64, s->code, s->len, before, &host);
    memcpy(host_data, X86_DATA, X86_DATA_SIZE);
    for (unsigned e = 0; e < 2; e++) {
        memcpy(X86_DATA, before_data, X86_DATA_SIZE);
        int our_sig =
            e ? x86_jit_run(s->code, s->len, before, &ours) : x86_interp_run(s->code, s->len, s->n, before, &ours);
        if (sig != our_sig || !x86_state_same(&host, &ours, &none) || memcmp(host_data, X86_DATA, X86_DATA_SIZE)) {
            if (shown++ < 10) {
                printf("signals: host %d, %s %d\n", sig, e ? "host code" : "interpreter", our_sig);
                show(s, before, &host, &ours, e ? "host code" : "interpreter");
            }
        }
    }
}

static void run(const struct sequence *s)
{
    struct x86_state before;
    x86_state_random(&rng, &before, s->row[rnd(s->n)]);
    before.r[RSP] = X86_MIDDLE + 0x1000;
    before.r[RDI] = X86_MIDDLE + (rnd(4) ? rnd(32) * 32 : rnd(1024));
    before.r[R15] = X86_MIDDLE + (rnd(4) ? rnd(32) * 32 : rnd(1024));
    random_data(s);
    compare(s, &before);
}

/* What once went wrong, by its bytes. */
static void known(void)
{
    static const struct {
        u8 len, code[47];
    } list[] = {
        /* Flags of registers that all become 0: ucomisd, vzeroall, fxch7, psllq. */
        {14, {0xc4, 0xa1, 0xf9, 0x2e, 0xd2, 0xc5, 0xfc, 0x77, 0xdf, 0xcd, 0x0f, 0x73, 0xf4, 0xe0}},
    };
    for (unsigned i = 0; i < ARRAY_LEN(list); i++) {
        struct sequence s = {.len = list[i].len};
        memcpy(s.code, list[i].code, s.len);
        bool can = true;
        for (unsigned at = 0; at < s.len && can;) {
            struct x86_instr in;
            can = x86_decode(&in, s.code + at, s.len - at, 64, &features) == X86_DECODED;
            s.at[s.n] = at;
            s.row[s.n++] = can ? in.row : NULL;
            at += in.len;
        }
        for (unsigned k = 0; k < 200 && can; k++) {
            run(&s);
        }
    }
}

static void sequences(void **state)
{
    (void)state;
    x86_host_catch(NULL);
    const char *seed = getenv("MOSS_SEED"), *count = getenv("MOSS_X86_SEQUENCES"), *only = getenv("MOSS_X86_ROW");
    rng.state = (seed ? strtoull(seed, NULL, 0) : (u64)time(NULL)) * 2 + 1;
    print_message("seed %llu\n", (unsigned long long)(rng.state / 2));
    features = x86_host_features();
    x86_interp_init(&features);
    x86_jit_init(&features);
    for (unsigned i = 0; i < x86_nrows && nusable < ARRAY_LEN(usable); i++) {
        if (row_is_usable(&x86_rows[i]) && (!only || strstr(x86_rows[i].name, only))) {
            usable[nusable++] = (u16)i;
        }
    }
    known();
    unsigned long n = count ? strtoul(count, NULL, 0) : 60000;
    for (unsigned long k = 0; k < n; k++) {
        struct sequence s = {.len = 0};
        for (unsigned want = 2 + rnd(MOST - 1); s.n < want;) {
            append(&s);
        }
        run(&s);
    }
    print_message("%u rows, %lu sequences, %u different\n", nusable, n, shown);
    assert_int_equal(shown, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(sequences)};
    return x86_host_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
