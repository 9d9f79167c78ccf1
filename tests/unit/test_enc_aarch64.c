/* The AArch64 encoder against capstone: every row of its tables, and every form that has operands of its own. It runs
 * on every host. */
#include <capstone/capstone.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "tcg/host/aarch64/a_priv.h"
#include "tests/diff/ir_cpu.h"

static csh cs;
static u8 buf[64];
static struct code c;

static struct code *fresh(void)
{
    c.p = buf;
    return &c;
}
/* The instruction at place n as capstone prints it. */
static const char *text_at(unsigned n)
{
    static char text[200];
    cs_insn *insn;
    if (cs_disasm(cs, buf + 4 * n, 4, 0x1000 + 4 * n, 1, &insn) != 1) {
        snprintf(text, sizeof(text), "%08x?", ld32le(buf + 4 * n));
        return text;
    }
    snprintf(text, sizeof(text), "%s %s", insn->mnemonic, insn->op_str);
    cs_free(insn, 1);
    return text;
}
static void expect(const char *want)
{
    assert_string_equal(text_at(0), want);
}
static void expectf(const char *fmt, ...)
{
    char want[200];
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(want, sizeof(want), fmt, ap);
    va_end(ap);
    expect(want);
}

/* -- the tables --------------------------------------------------------------------------------------------------- */

static void integer_rows(void **state)
{
    (void)state;
    for (unsigned w = 0; w < 2; w++) {
        char r = w ? 'x' : 'w';
#define _(name, opc, text) \
    a_rrr(fresh(), A_##name, w, 3, 4, 5); \
    expectf(text " %c3, %c4, %c5", r, r, r);
        A_RRR(_)
#undef _
#define _(name, opc, text) \
    if (!(w && A_##name == A_REV)) { \
        a_rr(fresh(), A_##name, w, 3, 4); \
        expectf(text " %c3, %c4", r, r); \
    }
        A_RR(_)
#undef _
    }
}

static void scalar_float_rows(void **state)
{
    (void)state;
    for (unsigned es = 2; es < 4; es++) {
        char r = es == 2 ? 's' : 'd';
#define _(name, opc, text) \
    a_f1(fresh(), A_##name, es, V0 + 3, V0 + 4); \
    expectf(text " %c3, %c4", r, r);
        A_F1(_)
#undef _
#define _(name, opc, text) \
    a_f2(fresh(), A_##name, es, V0 + 3, V0 + 4, V0 + 5); \
    expectf(text " %c3, %c4, %c5", r, r, r);
        A_F2(_)
#undef _
#define _(name, opc, text) \
    a_f3(fresh(), A_##name, es, V0 + 3, V0 + 4, V0 + 5, V0 + 6); \
    expectf(text " %c3, %c4, %c5, %c6", r, r, r, r);
        A_F3(_)
#undef _
    }
}

static const char *const lanes[] = {"16b", "8h", "4s", "2d"};
static const char *const half_lanes[] = {"8b", "4h", "2s", "1d"};

static void vector_rows(void **state)
{
    (void)state;
    for (unsigned es = 0; es < 4; es++) {
        const char *l = lanes[es];
#define _(name, opc, text, sizes) \
    if (((sizes) >> es & 1) && A_##name != A_VCMEQ0) { \
        a_v1(fresh(), A_##name, es, V0 + 3, V0 + 4); \
        expectf(text " v3.%s, v4.%s", l, l); \
    }
        A_V1(_)
#undef _
#define _(name, opc, text, sizes) \
    if ((sizes) >> es & 1) { \
        a_v2(fresh(), A_##name, es, V0 + 3, V0 + 4, V0 + 5); \
        expectf(text " v3.%s, v4.%s, v5.%s", l, l, l); \
    }
        A_V2(_)
#undef _
#define _(name, opc, text) \
    a_vshift(fresh(), A_##name, es, V0 + 3, V0 + 4, 3); \
    expectf(text " v3.%s, v4.%s, #3", l, l);
        A_VSHIFT(_)
#undef _
    }
    for (unsigned es = 2; es < 4; es++) {
        const char *l = lanes[es];
#define _(name, opc, text) \
    a_vf1(fresh(), A_##name, es, V0 + 3, V0 + 4); \
    expectf(text " v3.%s, v4.%s", l, l);
        A_VF1(_)
#undef _
#define _(name, opc, text) \
    a_vf2(fresh(), A_##name, es, V0 + 3, V0 + 4, V0 + 5); \
    expectf(text " v3.%s, v4.%s, v5.%s", l, l, l);
        A_VF2(_)
#undef _
    }
    for (unsigned es = 0; es < 3; es++) {
        const char *wide = lanes[es + 1];
#define _(name, opc, text) \
    a_vlong(fresh(), A_##name, false, es, V0 + 3, V0 + 4, V0 + 5); \
    expectf(text " v3.%s, v4.%s, v5.%s", wide, half_lanes[es], half_lanes[es]); \
    a_vlong(fresh(), A_##name, true, es, V0 + 3, V0 + 4, V0 + 5); \
    expectf(text "2 v3.%s, v4.%s, v5.%s", wide, lanes[es], lanes[es]);
        A_VLONG(_)
#undef _
#define _(name, opc, text) \
    a_vnarrow(fresh(), A_##name, es, V0 + 3, V0 + 4); \
    expectf(text " v3.%s, v4.%s", half_lanes[es], wide);
        A_VNARROW(_)
#undef _
    }
}

static void pairwise_sums(void **state)
{
    (void)state;
    for (unsigned es = 0; es < 3; es++) {
        a_v1(fresh(), A_VUADDLP, es, V0 + 3, V0 + 4);
        expectf("uaddlp v3.%s, v4.%s", lanes[es + 1], lanes[es]);
    }
}

/* Halves and FEAT_LSE, which this capstone does not know: against words assembled by hand (DDI 0487, C6 and C7). */
static void newer_words(void **state)
{
    (void)state;
    a_lse(fresh(), A_LDADD, 3, 3, 4, 5);
    assert_int_equal(ld32le(buf), 0xf8e300a4);
    a_lse(fresh(), A_LDCLR, 0, 3, 4, 5);
    assert_int_equal(ld32le(buf), 0x38e310a4);
    a_lse(fresh(), A_LDSMIN, 1, 3, 4, 5);
    assert_int_equal(ld32le(buf), 0x78e350a4);
    a_lse(fresh(), A_SWP, 2, 3, 4, 5);
    assert_int_equal(ld32le(buf), 0xb8e380a4);
    a_lse(fresh(), A_CAS, 3, 3, 4, 5);
    assert_int_equal(ld32le(buf), 0xc8e3fca4);
    a_vf1(fresh(), A_VFRINTN, 1, V0 + 3, V0 + 4);
    assert_int_equal(ld32le(buf), 0x4e798883);
    a_vf1(fresh(), A_VFSQRT, 1, V0 + 3, V0 + 4);
    assert_int_equal(ld32le(buf), 0x6ef9f883);
    a_vf1(fresh(), A_VSCVTF, 1, V0 + 3, V0 + 4);
    assert_int_equal(ld32le(buf), 0x4e79d883);
    a_vf2(fresh(), A_VFADD, 1, V0 + 3, V0 + 4, V0 + 5);
    assert_int_equal(ld32le(buf), 0x4e451483);
    a_vf2(fresh(), A_VFMLS, 1, V0 + 3, V0 + 4, V0 + 5);
    assert_int_equal(ld32le(buf), 0x4ec50c83);
    a_vf2(fresh(), A_VFCMGT, 1, V0 + 3, V0 + 4, V0 + 5);
    assert_int_equal(ld32le(buf), 0x6ec52483);
    a_f2(fresh(), A_FADD, 1, V0 + 3, V0 + 4, V0 + 5);
    assert_int_equal(ld32le(buf), 0x1ee52883);
}

static void memory_rows(void **state)
{
    (void)state;
#define _(name, opc, text, size) \
    { \
        bool vec = (u32)A_##name & 0x04000000; \
        bool wide = !vec && ((size) == 3 || A_##name == A_LDRSB_X || A_##name == A_LDRSH_X || A_##name == A_LDRSW); \
        char r = vec ? "bhsdq"[size] : wide ? 'x' : 'w'; \
        a_mem(fresh(), A_##name, vec ? V0 + 3 : 3, 4, 32 << (size)); \
        expectf(text " %c3, [x4, #0x%x]", r, 32 << (size)); \
        a_mem(fresh(), A_##name, vec ? V0 + 3 : 3, 4, -17); \
        assert_non_null(strstr(text_at(0), "[x4, #-0x11]")); \
        a_mem_reg(fresh(), A_##name, vec ? V0 + 3 : 3, 4, 5, false); \
        expectf(text " %c3, [x4, x5]", r); \
        assert_true(a_mem_fits(A_##name, (i64)4095 << (size))); \
        assert_false(a_mem_fits(A_##name, (i64)4096 << (size))); \
    }
    A_LOADS(_)
#undef _
    static const char *const suffix[] = {"b", "h", "", ""};
    for (unsigned size = 0; size < 4; size++) {
        char r = size == 3 ? 'x' : 'w';
#define _(name, opc, text) \
    a_excl(fresh(), A_##name, size, 6, 3, 4); \
    if (A_##name == A_STXR || A_##name == A_STLXR) { \
        expectf(text "%s w6, %c3, [x4]", suffix[size], r); \
    } else if (A_##name != A_LDAPR) { \
        expectf(text "%s %c3, [x4]", suffix[size], r); \
    }
        A_EXCLUSIVE(_)
#undef _
    }
}

/* -- other forms --------------------------------------------------------------------------------------------------- */

#define ONE(call, text) \
    call; \
    expect(text);

static void integer_forms(void **state)
{
    (void)state;
    ONE(a_rrr_shift(fresh(), A_ADD, true, 3, 4, 5, A_LSL, 7), "add x3, x4, x5, lsl #7")
    ONE(a_rrr_shift(fresh(), A_AND, false, 3, 4, 5, A_LSR, 9), "and w3, w4, w5, lsr #9")
    ONE(a_madd(fresh(), false, true, 3, 4, 5, 6), "madd x3, x4, x5, x6")
    ONE(a_madd(fresh(), true, false, 3, 4, 5, 6), "msub w3, w4, w5, w6")
    ONE(a_mulhigh(fresh(), true, 3, 4, 5), "smulh x3, x4, x5")
    ONE(a_mulhigh(fresh(), false, 3, 4, 5), "umulh x3, x4, x5")
    ONE(a_mov(fresh(), true, 3, 4), "mov x3, x4")
    ONE(a_mov_sp(fresh(), SP, 4), "mov sp, x4")
    ONE(a_mov_sp(fresh(), 3, SP), "mov x3, sp")
    ONE(a_bfm(fresh(), false, true, 3, 4, 5, 9), "ubfx x3, x4, #5, #5")
    ONE(a_bfm(fresh(), true, false, 3, 4, 0, 7), "sxtb w3, w4")
    ONE(a_bfi(fresh(), true, 3, 4, 11, 6), "bfi x3, x4, #0xb, #6")
    ONE(a_bfxil(fresh(), false, 3, 4, 12, 1), "bfxil w3, w4, #0xc, #1")
    ONE(a_shift_i(fresh(), A_LSL, true, 3, 4, 13), "lsl x3, x4, #0xd")
    ONE(a_shift_i(fresh(), A_LSR, false, 3, 4, 13), "lsr w3, w4, #0xd")
    ONE(a_shift_i(fresh(), A_ASR, true, 3, 4, 13), "asr x3, x4, #0xd")
    ONE(a_shift_i(fresh(), A_ROR, false, 3, 4, 13), "ror w3, w4, #0xd")
    ONE(a_extr(fresh(), true, 3, 4, 5, 6), "extr x3, x4, x5, #6")
    ONE(a_tst(fresh(), true, 3, 4), "tst x3, x4")
    ONE(a_cmp(fresh(), false, 3, 4), "cmp w3, w4")
    ONE(a_cmp_i(fresh(), true, 3, 7 << 10), "cmp x3, #7")
    ONE(a_cmp_sp(fresh(), 3), "cmp sp, x3")
    ONE(a_csel(fresh(), A_CSEL, true, 3, 4, 5, A_HI), "csel x3, x4, x5, hi")
    ONE(a_csel(fresh(), A_CSINC, true, 3, 4, 5, A_LT), "csinc x3, x4, x5, lt")
    ONE(a_cset(fresh(), false, 3, A_MI), "cset w3, mi")
    ONE(a_ccmp(fresh(), true, 3, 4, 5, A_GE), "ccmp x3, x4, #5, ge")
    ONE(a_mrs(fresh(), 3, A_SYS_NZCV), "mrs x3, nzcv")
    ONE(a_msr(fresh(), A_SYS_FPCR, 3), "msr fpcr, x3")
    ONE(a_mrs(fresh(), 3, A_SYS_FPSR), "mrs x3, fpsr")
    ONE(a_insn(fresh(), (u32)A_DMB_ISH), "dmb ish")
    ONE(a_insn(fresh(), (u32)A_DMB_ISHLD), "dmb ishld")
    ONE(a_insn(fresh(), (u32)A_DMB_ISHST), "dmb ishst")
    ONE(a_insn(fresh(), (u32)A_NOP), "nop ")
    ONE(a_pair(fresh(), A_LDP, A_OFFSET, 3, 4, 5, 16), "ldp x3, x4, [x5, #0x10]")
    ONE(a_pair(fresh(), A_STP, A_PRE, 3, 4, SP, -16), "stp x3, x4, [sp, #-0x10]!")
    ONE(a_pair(fresh(), A_LDP, A_POST, 3, 4, SP, 32), "ldp x3, x4, [sp], #0x20")
    ONE(a_pair(fresh(), A_STP_W, A_OFFSET, 3, 4, 5, -8), "stp w3, w4, [x5, #-8]")
    ONE(a_pair(fresh(), A_LDP_S, A_OFFSET, 3, 4, 5, 8), "ldp s3, s4, [x5, #8]")
    ONE(a_pair(fresh(), A_STP_D, A_OFFSET, 3, 4, 5, 8), "stp d3, d4, [x5, #8]")
    ONE(a_pair(fresh(), A_LDP_Q, A_OFFSET, 3, 4, 5, 32), "ldp q3, q4, [x5, #0x20]")
    ONE(a_ldxp(fresh(), true, 3, 4, 5), "ldaxp x3, x4, [x5]")
    ONE(a_stxp(fresh(), false, 6, 3, 4, 5), "stxp w6, x3, x4, [x5]")
}

static void float_and_vector_forms(void **state)
{
    (void)state;
    ONE(a_fcmp(fresh(), false, 3, V0 + 3, V0 + 4), "fcmp d3, d4")
    ONE(a_fcmp(fresh(), true, 2, V0 + 3, V0 + 4), "fcmpe s3, s4")
    ONE(a_fcsel(fresh(), 3, V0 + 3, V0 + 4, V0 + 5, A_GT), "fcsel d3, d4, d5, gt")
    ONE(a_fcvt(fresh(), 3, 2, V0 + 3, V0 + 4), "fcvt d3, s4")
    ONE(a_fcvt(fresh(), 1, 3, V0 + 3, V0 + 4), "fcvt h3, d4")
    ONE(a_fcvt(fresh(), 2, 1, V0 + 3, V0 + 4), "fcvt s3, h4")
    ONE(a_f2i(fresh(), A_RN, false, true, 3, 3, V0 + 4), "fcvtns x3, d4")
    ONE(a_f2i(fresh(), A_RP, true, false, 3, 3, V0 + 4), "fcvtpu w3, d4")
    ONE(a_f2i(fresh(), A_RM, false, false, 2, 3, V0 + 4), "fcvtms w3, s4")
    ONE(a_f2i(fresh(), A_RZ, true, true, 2, 3, V0 + 4), "fcvtzu x3, s4")
    ONE(a_f2i(fresh(), A_RA, false, true, 2, 3, V0 + 4), "fcvtas x3, s4")
    ONE(a_i2f(fresh(), false, true, 3, V0 + 3, 4), "scvtf d3, x4")
    ONE(a_i2f(fresh(), true, false, 2, V0 + 3, 4), "ucvtf s3, w4")
    ONE(a_fmov_gv(fresh(), 3, 3, V0 + 4), "fmov x3, d4")
    ONE(a_fmov_gv(fresh(), 2, 3, V0 + 4), "fmov w3, s4")
    ONE(a_fmov_vg(fresh(), 3, V0 + 3, 4), "fmov d3, x4")
    ONE(a_vxtl(fresh(), true, false, 1, V0 + 3, V0 + 4), "ushll v3.4s, v4.4h, #0")
    ONE(a_vxtl(fresh(), false, true, 0, V0 + 3, V0 + 4), "sshll2 v3.8h, v4.16b, #0")
    ONE(a_pmull(fresh(), false, V0 + 3, V0 + 4, V0 + 5), "pmull v3.1q, v4.1d, v5.1d")
    ONE(a_pmull(fresh(), true, V0 + 3, V0 + 4, V0 + 5), "pmull2 v3.1q, v4.2d, v5.2d")
    ONE(a_fcvtl(fresh(), false, 1, V0 + 3, V0 + 4), "fcvtl v3.4s, v4.4h")
    ONE(a_fcvtl(fresh(), true, 2, V0 + 3, V0 + 4), "fcvtl2 v3.2d, v4.4s")
    ONE(a_fcvtn(fresh(), 3, V0 + 3, V0 + 4), "fcvtn v3.2s, v4.2d")
    ONE(a_fcvtn(fresh(), 2, V0 + 3, V0 + 4), "fcvtn v3.4h, v4.4s")
    ONE(a_dup_g(fresh(), 2, V0 + 3, 4), "dup v3.4s, w4")
    ONE(a_dup_v(fresh(), 1, V0 + 3, V0 + 4, 5), "dup v3.8h, v4.h[5]")
    ONE(a_umov(fresh(), false, false, 1, 3, V0 + 4, 2), "umov w3, v4.h[2]")
    ONE(a_umov(fresh(), true, true, 0, 3, V0 + 4, 2), "smov x3, v4.b[2]")
    ONE(a_ext(fresh(), V0 + 3, V0 + 4, V0 + 5, 6), "ext v3.16b, v4.16b, v5.16b, #6")
    ONE(a_tbl(fresh(), 2, V0 + 3, V0 + 4, V0 + 6), "tbl v3.16b, {v4.16b, v5.16b}, v6.16b")
    ONE(a_movi_0(fresh(), V0 + 3), "movi v3.2d, #0000000000000000")
    /* Aliases differ between versions of capstone: by their words. */
    a_dup_s(fresh(), 2, V0 + 3, V0 + 4, 1);
    assert_int_equal(ld32le(buf), 0x5e0c0483);
    a_ins_g(fresh(), 1, V0 + 3, 5, 4);
    assert_int_equal(ld32le(buf), 0x4e161c83);
    a_ins_v(fresh(), 2, V0 + 3, 1, V0 + 4, 2);
    assert_int_equal(ld32le(buf), 0x6e0c4483);
}

static void jumps(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        u8 *(*make)(struct code *c);
    } plain[] = {{"b", a_b}, {"bl", a_bl}};
    for (unsigned k = 0; k < ARRAY_LEN(plain); k++) {
        u8 *at = plain[k].make(fresh());
        a_bind(at, at + 0x80);
        expectf("%s #0x1080", plain[k].text);
        a_shift(at, -0x100);
        expectf("%s #0xf80", plain[k].text);
    }
    u8 *at = a_bcc(fresh(), A_LS);
    a_bind(at, at - 0x40);
    expect("b.ls #0xfc0");
    at = a_cbz(fresh(), true, true, 3);
    a_bind(at, at + 0x40);
    expect("cbnz x3, #0x1040");
    a_shift(at, 8);
    expect("cbnz x3, #0x1048");
    at = a_tbz(fresh(), false, 3, 37);
    a_bind(at, at - 8);
    expect("tbz x3, #0x25, #0xff8");
    at = a_adr(fresh(), 3);
    a_bind(at, at + 0x123);
    expect("adr x3, #0x1123");
    a_shift(at, -0x200);
    expect("adr x3, #0xf23");
    at = a_ldr_lit(fresh(), IR_V128, V0 + 3);
    a_bind(at, at + 0x20);
    expect("ldr q3, #0x1020");
    at = a_ldr_lit(fresh(), IR_I64, 3);
    a_bind(at, at + 0x20);
    expect("ldr x3, #0x1020");
    ONE(a_br(fresh(), 3), "br x3")
    ONE(a_blr(fresh(), 3), "blr x3")
    ONE(a_ret(fresh(), 4), "ret x4")
}

/* -- immediates: what the instructions make ------------------------------------------------------------------------ */

/* Runs what is in the buffer: moves of constants into x3 only. */
static u64 value_made(void)
{
    u64 v = 0;
    for (u8 *p = buf; p < c.p; p += 4) {
        u32 i = ld32le(p), hw = i >> 21 & 3;
        u64 imm = (u64)(i >> 5 & 0xffff) << 16 * hw;
        switch (i >> 23) {
        case 0xd2800000u >> 23:
            v = imm;
            break;
        case 0x92800000u >> 23:
            v = ~imm;
            break;
        case 0x12800000u >> 23:
            v = (u32)~imm;
            break;
        case 0xf2800000u >> 23:
            v = (v & ~(0xffffull << 16 * hw)) | imm;
            break;
        default: { /* orr x3, xzr, #pattern: as capstone reads it */
            const char *at = strrchr(text_at((unsigned)(p - buf) / 4), '#');
            assert_non_null(at);
            v = strtoull(at + 1, NULL, 0);
        }
        }
    }
    return v;
}
static void constants(void **state)
{
    (void)state;
    struct rng r = {.s = rng_seed("enc_aarch64")};
    for (unsigned n = 0; n < 20000; n++) {
        u64 v = rng_next(&r) >> (rng_next(&r) & 63);
        v = n & 1 ? ~v : v;
        v = n & 2 ? (u32)v : v;
        v = n % 7 == 0 ? MASK(rng_next(&r) & 63) << (rng_next(&r) & 63) : v;
        a_mov_i(fresh(), 3, v);
        assert_int_equal(value_made(), v);
        assert_true(c.p - buf <= 16);
    }
}

static u64 pattern(unsigned size, unsigned ones, unsigned rot)
{
    u64 e = MASK(ones), v = 0;
    e = rot ? (e >> rot | e << (size - rot)) & MASK(size) : e;
    for (unsigned k = 0; k < 64; k += size) {
        v |= e << k;
    }
    return v;
}
static void logic_immediates(void **state)
{
    (void)state;
    u32 field;
    for (unsigned size = 2; size <= 64; size *= 2) {
        for (unsigned ones = 1; ones < size; ones++) {
            for (unsigned rot = 0; rot < size; rot++) {
                u64 v = rot ? pattern(size, ones, rot) : pattern(size, ones, 0);
                assert_true(a_imm_logic(v, true, &field));
                a_logic_i(fresh(), A_EOR, true, 3, 4, field);
                const char *at = strrchr(text_at(0), '#');
                assert_non_null(at);
                assert_int_equal(strtoull(at + 1, NULL, 0), v);
            }
        }
    }
    static const u64 none[] = {0, ~0ull, 5, 0x1234, 0xff00ff};
    for (unsigned k = 0; k < ARRAY_LEN(none); k++) {
        assert_false(a_imm_logic(none[k], true, &field));
    }
    assert_true(a_imm_logic(0xff, false, &field));
    assert_false(a_imm_logic(0xffffffff, false, &field));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer_rows),
        cmocka_unit_test(scalar_float_rows),
        cmocka_unit_test(vector_rows),
        cmocka_unit_test(pairwise_sums),
        cmocka_unit_test(newer_words),
        cmocka_unit_test(memory_rows),
        cmocka_unit_test(integer_forms),
        cmocka_unit_test(jumps),
        cmocka_unit_test(float_and_vector_forms),
        cmocka_unit_test(constants),
        cmocka_unit_test(logic_immediates),
    };
    if (cs_open(CS_ARCH_ARM64, CS_MODE_ARM, &cs) != CS_ERR_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
