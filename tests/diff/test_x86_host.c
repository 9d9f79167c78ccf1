/* Instructions of x86-64 and of 32-bit code against the host's own processor: random fillings of every row that a
 * program may run and that is translated, with random registers and memory, on the processor, in the interpreter and as
 * host code. Registers, vectors, flags, memory and faults must be the same; what the manual leaves open is excepted.
 *
 * MOSS_SEED; MOSS_X86_BITS: only 64 or 32; MOSS_X86_INSNS (per row): how much; MOSS_X86_ROW: only rows with this in
 * their name; MOSS_X86_ENGINE: only "interpreter" or "host code". */
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
#include "tests/diff/x86_images.h"
#include "tests/diff/x86_values.h"

static struct x86_rng rng;
static unsigned code_bits; /* of the code: 64 or 32 */
static struct x86_features features;
static unsigned shown;
static unsigned long compared, faults, open_differs[X86_FNS];

/* -- where memory operands lie ----------------------------------------------------------------------------------------
 */

static unsigned rnd(unsigned n)
{
    return (unsigned)(x86_rnd(&rng) % n);
}

/* An address for n bytes: mostly as aligned as vectors want it, sometimes where the data ends. */
static u64 place(const struct x86_row *row, unsigned n)
{
    u64 at = X86_MIDDLE + rnd(64);
    if (n >= 8 && rnd(8)) {
        at &= ~31ull;
    }
    if (x86_row_is_image(row)) {
        at &= rnd(16) ? ~63ull : ~15ull;
    }
    if ((x86_row_class(row) != X86_GENERAL || x86_row_is_image(row)) && rnd(24) == 0) {
        at = rnd(2) ? X86_DATA_AT + X86_DATA_SIZE - rnd(n + 8) : X86_DATA_AT - rnd(n + 8);
        at = rnd(2) ? at & ~15ull : at;
    }
    return at;
}

/* Lanes of a vector of indices. */
static u64 aim_index(const struct x86_instr *in, struct x86_state *s)
{
    bool wide = strstr(in->row->name, "gatherq");
    for (unsigned h = 0; h < 2; h++) {
        union v128 *v = h ? &s->ymmh[in->index] : &s->xmm[in->index];
        for (unsigned i = 0; i < (wide ? 2 : 4); i++) {
            u64 x = (u64)(i64)rnd(257) - 128;
            x = rnd(50) ? x : (u64)(i64)(i16)x86_rnd(&rng); /* outside, where nothing is mapped */
            lane_set(v, wide ? 3 : 2, i, x);
        }
    }
    return 0;
}

static u64 aim_register(const struct x86_instr *in, struct x86_state *s)
{
    s->r[in->index] = (u64)(i64)((i32)rnd(513) - 256);
    return s->r[in->index] << in->scale;
}

/* Registers that make the memory operand lie in the data; *at: where. False: not with this one. */
static bool aim(const struct x86_instr *in, struct x86_state *s, u64 *at)
{
    unsigned n = 0;
    bool mem = in->mod != 3 && x86_row_has_modrm(in->row), far = false, vector = false;
    for (unsigned i = 0; i < 4; i++) {
        unsigned pl = x86_opds[in->row->opds[i]].place;
        mem &= pl != PL_O;
        far |= in->row->map == MAP_0F && i == 1 && pl == PL_G; /* BT and the like: the register is a number of bits */
        vector |= pl == PL_MV;
        n = pl == PL_E || pl == PL_M || pl == PL_W || pl == PL_Q ? x86_opd_bytes(in, in->row->opds[i]) : n;
    }
    if (in->row->fn == X86_FN_maskmovdqu || in->row->fn == X86_FN_maskmovq) {
        s->r[7] = place(in->row, 16);
    }
    if (!mem) {
        return true;
    }
    bool index = in->index != X86_NO_REG && !vector;
    if (in->base >= 16 || in->base == 4 || (index && (in->index == 4 || in->base == in->index)) ||
        (far && (in->reg == in->base || (index && in->reg == in->index)))) {
        return false;
    }
    u64 off = vector ? aim_index(in, s) : index ? aim_register(in, s) : 0;
    *at = place(in->row, n);
    s->r[in->base] = *at - off - (u64)in->disp;
    if (in->addrsize == 4) {
        s->r[in->base] = (u32)s->r[in->base] | x86_rnd(&rng) << 32;
    }
    return true;
}

/* -- one instruction
 * --------------------------------------------------------------------------------------------------- */

/* What an instruction finds where. */
static bool random_state(const struct x86_instr *in, struct x86_state *s, u64 *at)
{
    const struct x86_row *row = in->row;
    x86_state_random(&rng, s, row);
    if (row->flags & ROW_REP) {
        s->r[1] = rnd(40);
        s->r[6] = X86_MIDDLE + rnd(512);
        s->r[7] = X86_MIDDLE + rnd(512);
    }
    if (row->fn == X86_FN_leave) {
        s->r[5] = X86_MIDDLE + rnd(512);
    }
    if (x86_opds[row->opds[1]].place == PL_G && row->map == MAP_0F) { /* BT and the like reach far by it */
        s->r[in->reg] = (u64)(i64)(i32)(rnd(4096) - 2048);
    }
    if (x86_row_is_image(row)) {
        x86_image_state(&rng, s);
        if (in->base == 0 || in->base == 2 || in->index == 0 || in->index == 2) { /* the mask */
            return false;
        }
    }
    s->r[4] = X86_MIDDLE + 0x1000 + rnd(64) * 8;
    bool aimed = in->seg == SEG_DEFAULT && in->addrsize != 2 && aim(in, s, at); /* the host's FS is its own */
    for (unsigned i = 0; i < 16 && code_bits == 32; i++) {
        s->r[i] = i < 8 ? (u32)s->r[i] : 0;
    }
    return aimed;
}

static void random_data(const struct x86_row *row)
{
    union v128 block[8];
    for (unsigned i = 0; i < ARRAY_LEN(block); i++) {
        if (x86_row_class(row) == X86_GENERAL) {
            block[i] = (union v128){.d = {x86_random_number(&rng), x86_random_number(&rng)}};
        } else {
            x86_random_vector(&rng, &block[i], row);
        }
    }
    for (unsigned k = 0; k < X86_DATA_SIZE; k += sizeof(block)) {
        memcpy(X86_DATA + k, block, sizeof(block));
    }
}

static u8 before_data[X86_DATA_SIZE], host_data[X86_DATA_SIZE];

/* The result is left open: the processor's counts as ours. */
static void forget_result(const struct x86_instr *in, struct x86_state *want, const struct x86_state *ours, u64 at)
{
    unsigned n = x86_opd_bytes(in, in->row->opds[0]);
    if (in->mod == 3) {
        want->r[in->rm] = deposit(want->r[in->rm], 0, 8 * n, ours->r[in->rm]);
    } else {
        memcpy(host_data + (at - X86_DATA_AT), X86_DATA + (at - X86_DATA_AT), n);
    }
}

/* Of the mask of a gather that faults the signs count. */
static void forget_mask(const struct x86_instr *in, struct x86_state *s)
{
    unsigned es = in->w ? 3 : 2;
    for (unsigned h = 0; h < 2; h++) {
        union v128 *v = h ? &s->ymmh[in->vvvv] : &s->xmm[in->vvvv];
        for (unsigned i = 0; i < 16u >> es; i++) {
            lane_set(v, es, i, lane_get(v, es, i) & 1ull << ((8u << es) - 1));
        }
    }
}

static void show(const u8 *p, const struct x86_instr *in, const struct x86_state *before, const struct x86_state *want,
                 const struct x86_state *ours, const char *engine)
{
    char text[64] = "";
    for (unsigned i = 0; i < in->len; i++) {
        sprintf(text + 3 * i, "%02x ", p[i]);
    }
    printf("%s: %s\n", in->row->name, text);
    x86_state_differences(before, want, ours, "host", engine);
    for (unsigned i = 0, lines = 0; i < X86_DATA_SIZE && lines < 8; i += 8) {
        if (memcmp(X86_DATA + i, host_data + i, 8)) {
            printf("  memory %llx: was %016llx, a %016llx, b %016llx\n", X86_DATA_AT + i,
                   (unsigned long long)ld64le(before_data + i), (unsigned long long)ld64le(host_data + i),
                   (unsigned long long)ld64le(X86_DATA + i));
            lines++;
        }
    }
}

enum engine { INTERPRETER, HOST_CODE, ENGINES };
static const char *const engine_names[ENGINES] = {"interpreter", "host code"};
static bool wanted[ENGINES];

static void compare_with(enum engine e, const u8 *p, const struct x86_instr *in, const struct x86_state *before,
                         const struct x86_state *host, int sig, u64 at)
{
    static struct x86_state want, ours;
    want = *host;
    memcpy(X86_DATA, before_data, X86_DATA_SIZE);
    int our_sig =
        e == INTERPRETER ? x86_interp_run(p, in->len, 1, before, &ours) : x86_jit_run(p, in->len, before, &ours);
    struct x86_open open = x86_left_open(in, before), none = {0};
    if (open.result && !sig) {
        forget_result(in, &want, &ours, at);
    }
    if (in->row->fn == X86_FN_vgather && sig) {
        forget_mask(in, &want);
        forget_mask(in, &ours);
    }
    if (x86_row_is_image(in->row) && !sig) { /* bits of MXCSR that there are */
        memcpy(X86_DATA + (at - X86_DATA_AT) + 28, host_data + (at - X86_DATA_AT) + 28, 4);
    }
    bool same = (sig && open.fault) || (sig == our_sig && x86_state_same(&want, &ours, sig ? &none : &open) &&
                                        !memcmp(host_data, X86_DATA, X86_DATA_SIZE));
    open_differs[in->row->fn] += !sig && ((want.flags ^ ours.flags) & open.flags);
    if (!same && shown++ < 40) {
        if (sig != our_sig) {
            printf("signals: host %d, %s %d\n", sig, engine_names[e], our_sig);
        }
        show(p, in, before, &want, &ours, engine_names[e]);
    }
}

static void compare(const u8 *p, const struct x86_instr *in, const struct x86_state *before, u64 at)
{
    static struct x86_state host;
    memcpy(before_data, X86_DATA, X86_DATA_SIZE);
    int sig = x86_host_run(code_bits, p, in->len, before, &host);
    memcpy(host_data, X86_DATA, X86_DATA_SIZE);
    for (unsigned e = 0; e < ENGINES; e++) {
        if (wanted[e]) {
            compare_with(e, p, in, before, &host, sig, at);
        }
    }
    compared++;
    faults += sig != 0;
}

/* form: 0 legacy, 1 VEX.128, 2 VEX.256. */
static bool one(const struct x86_row *row, unsigned form)
{
    static struct x86_state before;
    u8 p[24];
    u64 at = 0;
    struct x86_instr in;
    x86_fill(&rng, p, row, code_bits, form != 0, form == 2);
    if (x86_decode(&in, p, 20, code_bits, &features) != X86_DECODED || in.row != row ||
        !random_state(&in, &before, &at)) {
        return false;
    }
    if (code_bits == 32 && in.vex && in.w && (row->fn == X86_FN_pextr || row->fn == X86_FN_pinsr)) {
        return false; /* AMD: undefined; Intel: VEX.W is ignored */
    }
    random_data(row);
    if (row->fn == X86_FN_ldmxcsr && at >= X86_DATA_AT && at <= X86_DATA_AT + X86_DATA_SIZE - 4) {
        u8 *q = X86_DATA + (at - X86_DATA_AT); /* AMD's bit 17 is not modelled */
        st32le(q, ld32le(q) & (rnd(4) ? 0xffffu : ~(1u << 17)));
    }
    if (x86_row_is_image(row) && at >= X86_DATA_AT && at < X86_DATA_AT + X86_DATA_SIZE - 1024) {
        x86_image_make(&rng, row, X86_DATA + (at - X86_DATA_AT));
    }
    compare(p, &in, &before, at);
    return true;
}

/* The forms the processor has. */
static unsigned row_forms(const struct x86_row *row, u8 forms[3])
{
    unsigned n = 0;
    for (unsigned f = 0; f < 3; f++) {
        if (x86_has(&features, row->features[f])) {
            forms[n++] = (u8)f;
        }
    }
    return n;
}

static void rows_of(unsigned b, unsigned long per_row, const char *only)
{
    unsigned rows = 0;
    code_bits = b;
    if (wanted[INTERPRETER]) {
        x86_interp_bits(code_bits);
    }
    if (wanted[HOST_CODE]) {
        x86_jit_bits(code_bits);
    }
    for (unsigned i = 0; i < x86_nrows; i++) {
        u8 forms[3];
        unsigned nforms = row_forms(&x86_rows[i], forms);
        if (!nforms || !x86_row_is_plain(&x86_rows[i], code_bits) || (only && !strstr(x86_rows[i].name, only))) {
            continue;
        }
        rows++;
        for (unsigned long k = 0; k < per_row; k++) {
            for (unsigned tries = 0; tries < 50 && !one(&x86_rows[i], forms[rnd(nforms)]); tries++) {
            }
        }
    }
    print_message("%u bits: %u rows, %lu instructions, %lu faults, %u different\n", code_bits, rows, compared, faults,
                  shown);
}

static void instructions(void **st)
{
    (void)st;
    x86_host_catch(NULL);
    const char *s = getenv("MOSS_SEED"), *which = getenv("MOSS_X86_ENGINE"), *n = getenv("MOSS_X86_INSNS"),
               *only = getenv("MOSS_X86_ROW");
    rng.state = (s ? strtoull(s, NULL, 0) : (u64)time(NULL)) * 2 + 1;
    print_message("seed %llu\n", (unsigned long long)(rng.state / 2));
    unsigned long per_row = n ? strtoul(n, NULL, 0) : 300;
    for (unsigned e = 0; e < ENGINES; e++) {
        wanted[e] = !which || *which == *engine_names[e];
    }
    features = x86_host_features();
    if (wanted[INTERPRETER]) {
        x86_interp_init(&features);
    }
    if (wanted[HOST_CODE]) {
        x86_jit_init(&features);
    }
    const char *b = getenv("MOSS_X86_BITS");
    if (!b || atoi(b) == 64) {
        rows_of(64, per_row, only);
    }
    if ((!b || atoi(b) == 32) && !x86_host_has_32()) {
        print_message("32 bits: left out, the host's kernel offers no such code\n");
    } else if (!b || atoi(b) == 32) {
        rows_of(32, b ? per_row : per_row / 3 + 1, only);
    }
    for (unsigned i = 0; i < X86_FNS; i++) {
        if (open_differs[i]) {
            print_message("  undefined flags differ: %s %lu\n", x86_fn_names[i], open_differs[i]);
        }
    }
    assert_int_equal(shown, 0);
}

/* -- x87 instructions, some at a time
 * ---------------------------------------------------------------------------------- What one leaves the next one finds
 * in the same block, on the processor's stack as much as here. */

/* One of them at p: of registers, or of memory at rBX; bytes. */
static unsigned x87_fill(u8 *p)
{
    for (;;) {
        struct x86_instr in;
        u8 op[24] = {(u8)(0xd8 + rnd(8))};
        if (rnd(2)) {
            op[1] = (u8)(0xc0 + rnd(64));
        } else {
            op[1] = (u8)(0x43 | rnd(8) << 3); /* [rbx + disp8] */
            op[2] = (u8)(8 * rnd(16));
        }
        if (x86_decode(&in, op, 20, 64, &features) != X86_DECODED || !x86_row_is_plain(in.row, 64)) {
            continue;
        }
        switch (in.row->fn) {
        case X86_FN_fnstenv: /* FIP is where the code is */
        case X86_FN_fldenv:
        case X86_FN_fnsave:
        case X86_FN_frstor:
        case X86_FN_fldcw: /* of what lies there */
        case X86_FN_fbld:  /* digits that are none */
            continue;
        case X86_FN_fninit:
        case X86_FN_fincstp:
        case X86_FN_fdecstp:
            if (rnd(8)) {
                continue;
            }
        }
        memcpy(p, op, in.len);
        return in.len;
    }
}

static void x87_state(struct x86_state *s)
{
    static const struct x86_row row = {.map = MAP_ONE, .opcode = 0xd8};
    x86_state_random(&rng, s, &row);
    s->fcw |= 0x3f;
    s->r[3] = X86_MIDDLE;
    s->r[4] = X86_MIDDLE + 0x1000;
    s->empty = 0;
    for (unsigned i = 0, full = rnd(8); i < 8; i++) { /* some, from the top on, hold something */
        s->empty |= i < full ? 0 : 1u << (((s->fsw >> 11) + i) & 7);
    }
    for (unsigned i = 0; i < 64; i++) {
        st64le(X86_DATA + X86_DATA_SIZE / 2 + 8 * i, rnd(2) ? x86_random_float(&rng, 3) : x86_random_number(&rng));
    }
}

static void x87_sequences(void **st)
{
    (void)st;
    x86_host_catch(x86_jit_signal);
    if (wanted[INTERPRETER]) {
        x86_interp_bits(64);
    }
    if (wanted[HOST_CODE]) {
        x86_jit_bits(64);
    }
    const char *n = getenv("MOSS_X86_INSNS"), *only = getenv("MOSS_X86_ROW");
    unsigned long left = only ? 0 : (n ? strtoul(n, NULL, 0) : 300) * 20, done = 0;
    unsigned bad = 0;
    for (; left--; done++) {
        static struct x86_state before, want, ours;
        u8 code[64];
        unsigned len = 0, insns = 1 + rnd(10);
        for (unsigned i = 0; i < insns; i++) {
            len += x87_fill(code + len);
        }
        x87_state(&before);
        memcpy(before_data, X86_DATA, X86_DATA_SIZE);
        int sig = x86_host_run(64, code, len, &before, &want);
        memcpy(host_data, X86_DATA, X86_DATA_SIZE);
        for (unsigned e = 0; e < ENGINES; e++) {
            if (!wanted[e]) {
                continue;
            }
            memcpy(X86_DATA, before_data, X86_DATA_SIZE);
            int ours_sig = e == INTERPRETER ? x86_interp_run(code, len, insns, &before, &ours)
                                            : x86_jit_run(code, len, &before, &ours);
            struct x86_open none = {.fsw = __builtin_cpu_is("amd") ? 0 : 0x4700};
            if (sig == ours_sig && x86_state_same(&want, &ours, &none) && !memcmp(host_data, X86_DATA, X86_DATA_SIZE)) {
                continue;
            }
            if (bad++ < 10) {
                printf("%s:", engine_names[e]);
                for (unsigned i = 0; i < len; i++) {
                    printf(" %02x", code[i]);
                }
                printf("\n");
                x86_state_differences(&before, &want, &ours, "host", engine_names[e]);
            }
        }
    }
    print_message("%lu sequences, %u different\n", done, bad);
    assert_int_equal(bad, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(instructions), cmocka_unit_test(x87_sequences)};
    return x86_host_init() ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
}
