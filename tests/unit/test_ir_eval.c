/* Integer and flag ops, as the interpreter runs them, against a formulation bit by bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <string.h>

#include "tcg/build_priv.h"
#include "tests/diff/ir_random.h"

static struct ir trace;
static struct ir_cpu cpu;

/* -- one op ------------------------------------------------------------------------------------------------------ */

/* op of x0, x1, fl0; the result of whatever integer type goes to x2, flags to fl1. */
static u64 run_op(struct ir_op op, u64 a, u64 b, u32 fl)
{
    ir_init(&trace, &ir_cpu_target, 0, 12);
    ir_insn(&trace, 0, 4);
    ir_ref x = ir_append(&trace, OP(.op = IR_get, .type = IR_I64, .imm = SLOT_X));
    ir_ref y = ir_append(&trace, OP(.op = IR_get, .type = IR_I64, .imm = SLOT_X + 1));
    ir_ref f = ir_append(&trace, OP(.op = IR_get, .type = IR_FLAGS, .imm = SLOT_FL));
    unsigned n = ir_nargs(&trace, &op);
    for (unsigned k = 0; k < n; k++) {
        ir_ref r = ir_wanted(&trace, &op, k) == IR_FLAGS ? f : k == 0 ? x : y;
        *op_arg(&op, k) = op.op == IR_select && k >= 2    ? ir_const(&trace, k == 2)
                          : op.op == IR_selectf && k >= 1 ? ir_const(&trace, k == 1)
                                                          : r;
    }
    ir_ref r = ir_append(&trace, &op);
    bool flags = ir_result(&op) == IR_FLAGS;
    ir_append(&trace,
              OP(.op = IR_put, .type = flags ? IR_FLAGS : IR_I64, .a = r, .imm = flags ? SLOT_FL + 1 : SLOT_X + 2));
    ir_exit(&trace, 4, EXIT_JUMP);
    cpu.rt.r[0] = a;
    cpu.rt.r[1] = b;
    cpu.fl[0] = fl;
    struct ir_outcome o = ir_cpu_interp(&trace, &cpu);
    assert_int_equal(o.how, INTERP_EXIT);
    return flags ? cpu.fl[1] : cpu.rt.r[2];
}

/* fl_mix of fl and its complement. */
static u32 run_mix(u32 mask, u32 fl)
{
    ir_init(&trace, &ir_cpu_target, 0, 12);
    ir_insn(&trace, 0, 4);
    ir_ref a = ir_append(&trace, OP(.op = IR_get, .type = IR_FLAGS, .imm = SLOT_FL));
    ir_ref b = ir_append(&trace, OP(.op = IR_get, .type = IR_FLAGS, .imm = SLOT_FL + 1));
    ir_ref r = ir_append(&trace, OP(.op = IR_fl_mix, .type = IR_FLAGS, .a = a, .b = b, .imm = mask));
    ir_append(&trace, OP(.op = IR_put, .type = IR_FLAGS, .a = r, .imm = SLOT_FL));
    ir_exit(&trace, 4, EXIT_JUMP);
    cpu.fl[0] = fl & FL_ALL;
    cpu.fl[1] = ~fl & FL_ALL;
    assert_int_equal(ir_cpu_interp(&trace, &cpu).how, INTERP_EXIT);
    return cpu.fl[0];
}

static unsigned width;
static enum ir_type wtype;

static unsigned at(u64 v, unsigned i)
{
    return v >> i & 1;
}
static u64 low(u64 v)
{
    return width == 64 ? v : v & MASK(width);
}

/* -- arithmetic, bit by bit -------------------------------------------------------------------------------------- */

struct sum {
    u64 r;
    unsigned carry, into_top, nibble; /* carries out of the top, into it, out of bit 3 */
};
static struct sum ripple(u64 a, u64 b, unsigned carry)
{
    struct sum s = {0};
    for (unsigned i = 0; i < width; i++) {
        unsigned n = at(a, i) + at(b, i) + carry;
        s.into_top = carry;
        s.r |= (u64)(n & 1) << i;
        carry = n >> 1;
        if (i == 3) {
            s.nibble = carry;
        }
    }
    s.carry = carry;
    return s;
}
static u64 m_add(u64 a, u64 b)
{
    return ripple(a, b, 0).r;
}
static u64 m_sub(u64 a, u64 b)
{
    return ripple(a, ~b, 1).r;
}
static u64 m_neg(u64 a)
{
    return ripple(0, ~a, 1).r;
}
static u64 m_mul(u64 a, u64 b)
{
    u64 r = 0;
    for (unsigned i = 0; i < width; i++) {
        r = at(b, i) ? ripple(r, a << i, 0).r : r;
    }
    return r;
}
static u64 m_umulh(u64 a, u64 b)
{
    u64 hi = 0, lo = 0;
    for (int i = 63; i >= 0; i--) {
        hi = hi << 1 | lo >> 63;
        lo <<= 1;
        if (at(b, (unsigned)i)) {
            struct sum s = ripple(lo, a, 0);
            lo = s.r;
            hi += s.carry;
        }
    }
    return hi;
}
static u64 m_smulh(u64 a, u64 b)
{
    u64 hi = m_umulh(a, b);
    hi = at(a, 63) ? m_sub(hi, b) : hi;
    return at(b, 63) ? m_sub(hi, a) : hi;
}
/* Long division; the remainder goes to *rem. */
static u64 long_division(u64 a, u64 b, u64 *rem)
{
    u64 q = 0, r = 0;
    for (int i = (int)width - 1; i >= 0; i--) {
        bool top = at(r, 63);
        r = r << 1 | at(a, (unsigned)i);
        if (top || r >= b) {
            r -= b;
            q |= BIT(i);
        }
    }
    *rem = r;
    return q;
}
static u64 m_udiv(u64 a, u64 b)
{
    u64 rem;
    return low(b) ? long_division(low(a), low(b), &rem) : 0;
}
static u64 m_urem(u64 a, u64 b)
{
    u64 rem = low(a);
    if (low(b)) {
        long_division(low(a), low(b), &rem);
    }
    return rem;
}
static u64 magnitude(u64 a)
{
    return at(a, width - 1) ? m_neg(a) : low(a);
}
static u64 m_sdiv(u64 a, u64 b)
{
    u64 q = m_udiv(magnitude(a), magnitude(b));
    return at(a, width - 1) != at(b, width - 1) ? m_neg(q) : q;
}
static u64 m_srem(u64 a, u64 b)
{
    u64 r = m_urem(magnitude(a), magnitude(b));
    return at(a, width - 1) ? m_neg(r) : r;
}

/* -- bits -------------------------------------------------------------------------------------------------------- */

/* The truth table of a bitwise op: bit (a << 1 | b). */
static u64 table(unsigned truth, u64 a, u64 b)
{
    u64 r = 0;
    for (unsigned i = 0; i < width; i++) {
        r |= (u64)(truth >> (at(a, i) << 1 | at(b, i)) & 1) << i;
    }
    return r;
}
static u64 m_and(u64 a, u64 b)
{
    return table(8, a, b);
}
static u64 m_or(u64 a, u64 b)
{
    return table(14, a, b);
}
static u64 m_xor(u64 a, u64 b)
{
    return table(6, a, b);
}
static u64 m_andn(u64 a, u64 b)
{
    return table(4, a, b);
}
static u64 m_orn(u64 a, u64 b)
{
    return table(13, a, b);
}
static u64 m_xnor(u64 a, u64 b)
{
    return table(9, a, b);
}
static u64 m_not(u64 a)
{
    return table(3, a, 0);
}
/* Bit i of the result is bit `from` of a; `fill` where there is none. */
static u64 moved(u64 a, int by, bool wrap, unsigned fill)
{
    u64 r = 0;
    for (int i = 0; i < (int)width; i++) {
        int from = wrap ? (i + by) & (int)(width - 1) : i + by;
        r |= (u64)(from >= 0 && from < (int)width ? at(a, (unsigned)from) : fill) << i;
    }
    return r;
}
static int amount(u64 b)
{
    return (int)(b % width);
}
static u64 m_shl(u64 a, u64 b)
{
    return moved(a, -amount(b), false, 0);
}
static u64 m_shr(u64 a, u64 b)
{
    return moved(a, amount(b), false, 0);
}
static u64 m_sar(u64 a, u64 b)
{
    return moved(a, amount(b), false, at(a, width - 1));
}
static u64 m_ror(u64 a, u64 b)
{
    return moved(a, amount(b), true, 0);
}
static u64 m_clz(u64 a)
{
    unsigned n = 0;
    while (n < width && !at(a, width - 1 - n)) {
        n++;
    }
    return n;
}
static u64 m_ctz(u64 a)
{
    unsigned n = 0;
    while (n < width && !at(a, n)) {
        n++;
    }
    return n;
}
static u64 m_cls(u64 a)
{
    unsigned n = 0;
    while (n < width - 1 && at(a, width - 2 - n) == at(a, width - 1)) {
        n++;
    }
    return n;
}
static u64 m_popcnt(u64 a)
{
    unsigned n = 0;
    for (unsigned i = 0; i < width; i++) {
        n += at(a, i);
    }
    return n;
}
static u64 m_bitrev(u64 a)
{
    u64 r = 0;
    for (unsigned i = 0; i < width; i++) {
        r |= (u64)at(a, i) << (width - 1 - i);
    }
    return r;
}

static const struct {
    u8 op;
    u64 (*two)(u64, u64);
    u64 (*one)(u64);
} models[] = {
    {IR_add, m_add, NULL},       {IR_sub, m_sub, NULL},       {IR_mul, m_mul, NULL},     {IR_and, m_and, NULL},
    {IR_or, m_or, NULL},         {IR_xor, m_xor, NULL},       {IR_andn, m_andn, NULL},   {IR_orn, m_orn, NULL},
    {IR_xnor, m_xnor, NULL},     {IR_shl, m_shl, NULL},       {IR_shr, m_shr, NULL},     {IR_sar, m_sar, NULL},
    {IR_ror, m_ror, NULL},       {IR_udiv, m_udiv, NULL},     {IR_sdiv, m_sdiv, NULL},   {IR_urem, m_urem, NULL},
    {IR_srem, m_srem, NULL},     {IR_umulh, m_umulh, NULL},   {IR_smulh, m_smulh, NULL}, {IR_neg, NULL, m_neg},
    {IR_not, NULL, m_not},       {IR_clz, NULL, m_clz},       {IR_ctz, NULL, m_ctz},     {IR_cls, NULL, m_cls},
    {IR_popcnt, NULL, m_popcnt}, {IR_bitrev, NULL, m_bitrev},
};

/* -- tests ------------------------------------------------------------------------------------------------------- */

static void set_width(unsigned w)
{
    width = w;
    wtype = w == 32 ? IR_I32 : w == 8 ? IR_I8 : w == 16 ? IR_I16 : IR_I64;
}
static void expect(const char *what, u64 got, u64 want, u64 a, u64 b)
{
    if (got != want) {
        fail_msg("%s.%u 0x%" PRIx64 " 0x%" PRIx64 ": 0x%" PRIx64 ", expected 0x%" PRIx64, what, width, a, b, got, want);
    }
}

static void plain_ops(void **state)
{
    (void)state;
    struct rng r = {rng_seed("plain_ops")};
    for (unsigned i = 0; i < 400; i++) {
        for (unsigned m = 0; m < ARRAY_LEN(models); m++) {
            u64 a = rng_value(&r), b = rng_value(&r);
            unsigned op = models[m].op;
            set_width(op == IR_umulh || op == IR_smulh || rng_next(&r) & 1 ? 64 : 32);
            u64 got = run_op((struct ir_op){.op = (u8)op, .type = wtype}, a, b, 0);
            expect(ir_ops[op].name, got, models[m].two ? models[m].two(a, b) : models[m].one(a), a, b);
        }
    }
    /* The overflow of signed division, and division by zero. */
    set_width(64);
    assert_true(run_op((struct ir_op){.op = IR_sdiv, .type = IR_I64}, BIT(63), ~0ull, 0) == BIT(63));
    assert_true(run_op((struct ir_op){.op = IR_srem, .type = IR_I64}, BIT(63), ~0ull, 0) == 0);
    assert_true(run_op((struct ir_op){.op = IR_sdiv, .type = IR_I32}, 0x80000000, ~0ull, 0) == 0x80000000);
    assert_true(run_op((struct ir_op){.op = IR_sdiv, .type = IR_I64}, 5, 0, 0) == 0);
    assert_true(run_op((struct ir_op){.op = IR_srem, .type = IR_I64}, 5, 0, 0) == 5);
}

/* Field `len` bits of a from pos, at the bottom, `sign` above. */
static u64 field(u64 a, unsigned pos, unsigned len, bool sign)
{
    u64 r = 0;
    for (unsigned i = 0; i < width; i++) {
        r |= (u64)(i < len ? at(a, pos + i) : sign && at(a, pos + len - 1)) << i;
    }
    return r;
}

static void fields(void **state)
{
    (void)state;
    struct rng r = {rng_seed("fields")};
    for (unsigned i = 0; i < 4000; i++) {
        u64 a = rng_value(&r), b = rng_value(&r);
        set_width(rng_next(&r) & 1 ? 64 : 32);
        unsigned pos = rng_below(&r, width), len = 1 + rng_below(&r, width - pos);
        unsigned n = 8u << rng_below(&r, width == 64 ? 3 : 3), group = 1 + rng_below(&r, width == 64 ? 3 : 2);
        u32 imm = pos | len << 8;
        expect("extract", run_op((struct ir_op){.op = IR_extract, .type = wtype, .imm = imm}, a, b, 0),
               field(a, pos, len, false), a, imm);
        expect("sextract", run_op((struct ir_op){.op = IR_sextract, .type = wtype, .imm = imm}, a, b, 0),
               field(a, pos, len, true), a, imm);
        expect("zext", run_op((struct ir_op){.op = IR_zext, .type = wtype, .sub = (u8)n}, a, b, 0),
               field(a, 0, n, false), a, n);
        expect("sext", run_op((struct ir_op){.op = IR_sext, .type = wtype, .sub = (u8)n}, a, b, 0),
               field(a, 0, n, true), a, n);
        u64 put = 0, pair = 0, swap = 0;
        for (unsigned k = 0; k < width; k++) {
            put |= (u64)(k >= pos && k < pos + len ? at(b, k - pos) : at(a, k)) << k;
            pair |= (u64)(k + pos < width ? at(b, k + pos) : at(a, k + pos - width)) << k;
            unsigned bytes = 1u << group, byte = k / 8;
            swap |= (u64)at(a, (byte / bytes * bytes + bytes - 1 - byte % bytes) * 8 + k % 8) << k;
        }
        expect("deposit", run_op((struct ir_op){.op = IR_deposit, .type = wtype, .imm = imm}, a, b, 0), put, a, b);
        expect("extr", run_op((struct ir_op){.op = IR_extr, .type = wtype, .imm = pos}, a, b, 0), pair, a, b);
        expect("bswap", run_op((struct ir_op){.op = IR_bswap, .type = wtype, .sub = (u8)group}, a, b, 0), swap, a,
               group);
    }
}

/* a cc b from the flags of a - b, which come from the ripple adder. */
static bool cond_of(unsigned cc, bool n, bool z, bool c, bool v, bool p)
{
    switch (cc) {
    case CC_EQ:
        return z;
    case CC_NE:
        return !z;
    case CC_ULT:
        return c;
    case CC_UGE:
        return !c;
    case CC_ULE:
        return c || z;
    case CC_UGT:
        return !c && !z;
    case CC_SLT:
        return n != v;
    case CC_SGE:
        return n == v;
    case CC_SLE:
        return z || n != v;
    case CC_SGT:
        return !z && n == v;
    case CC_MI:
        return n;
    case CC_PL:
        return !n;
    case CC_VS:
        return v;
    case CC_VC:
        return !v;
    case CC_PE:
        return p;
    default:
        return !p;
    }
}

static u32 flags_of(struct sum s, bool carry, bool nibble)
{
    unsigned ones = 0;
    for (unsigned i = 0; i < 8; i++) {
        ones += at(s.r, i);
    }
    return (at(s.r, width - 1) ? FL_N : 0) | (s.r == 0 ? FL_Z : 0) | (carry ? FL_C : 0) |
           (s.carry != s.into_top ? FL_V : 0) | (nibble ? FL_A : 0) | (ones % 2 ? 0 : FL_P);
}

static void flag_ops(void **state)
{
    (void)state;
    struct rng r = {rng_seed("flag_ops")};
    for (unsigned i = 0; i < 4000; i++) {
        u64 a = rng_value(&r), b = rng_one_in(&r, 8) ? a : rng_value(&r);
        u32 fl = (u32)rng_next(&r);
        unsigned inv = rng_next(&r) & 1;
        set_width(8u << rng_below(&r, 4));
        bool cin = !!(fl & FL_C) != inv;
        struct sum add = ripple(a, b, 0), sub = ripple(a, ~b, 1), adc = ripple(a, b, cin), sbb = ripple(a, ~b, !cin);
        struct sum logic = {.r = low(a)};
        struct ir_op f = {.type = IR_FLAGS, .sub = (u8)inv, .imm = wtype};
#define RUN(o) run_op((struct ir_op){.op = o, .type = f.type, .sub = f.sub, .imm = f.imm}, a, b, fl)
        expect("fl_add", RUN(IR_fl_add), flags_of(add, add.carry != inv, add.nibble), a, b);
        expect("fl_sub", RUN(IR_fl_sub), flags_of(sub, sub.carry == inv, !sub.nibble), a, b);
        expect("fl_adc", RUN(IR_fl_adc), flags_of(adc, adc.carry != inv, adc.nibble), a, b);
        expect("fl_sbb", RUN(IR_fl_sbb), flags_of(sbb, sbb.carry == inv, !sbb.nibble), a, b);
        expect("fl_logic", RUN(IR_fl_logic), flags_of(logic, inv, false), a, b);
#undef RUN
        u32 mask = (u32)rng_next(&r) & FL_ALL, mixed = 0;
        for (unsigned k = 0; k < 16; k++) {
            mixed |= (u32)(at(mask, k) ? at(fl, k) : at(~fl, k)) << k;
        }
        expect("fl_mix", run_mix(mask, fl), mixed & FL_ALL, fl, mask);
        if (width < 32) {
            continue; /* of flags only */
        }
        expect("adc", run_op((struct ir_op){.op = IR_adc, .type = wtype, .sub = (u8)inv}, a, b, fl), adc.r, a, b);
        expect("sbb", run_op((struct ir_op){.op = IR_sbb, .type = wtype, .sub = (u8)inv}, a, b, fl), sbb.r, a, b);
        expect("fl_pack", run_op((struct ir_op){.op = IR_fl_pack, .type = IR_FLAGS}, a, b, fl),
               a & (FL_N | FL_Z | FL_C | FL_V | FL_P | FL_A), a, b);
        expect("fl_unpack", run_op((struct ir_op){.op = IR_fl_unpack, .type = IR_I32}, a, b, fl),
               fl & (FL_N | FL_Z | FL_C | FL_V | FL_P | FL_A), a, fl);
    }
}

/* One bit after the other. */
static u32 shift_model(unsigned op, u64 a, unsigned n, unsigned inv)
{
    unsigned ones = 0, top = width - 1, out = 0, v = 0;
    u64 r = low(a);
    for (unsigned i = 0; i < n; i++) {
        unsigned was = at(r, top);
        out = op == IR_fl_shl ? was : at(r, 0);
        r = op == IR_fl_shl ? low(r << 1) : r >> 1 | (op == IR_fl_sar ? (u64)was << top : 0);
        v = i == 0 ? was != at(r, top) : v;
    }
    for (unsigned i = 0; i < 8; i++) {
        ones += at(r, i);
    }
    return (at(r, top) ? FL_N : 0) | (r == 0 ? FL_Z : 0) | (out != inv ? FL_C : 0) | (v ? FL_V : 0) |
           (ones % 2 ? 0 : FL_P);
}

static void flags_of_shifts(void **state)
{
    (void)state;
    struct rng r = {rng_seed("flags_of_shifts")};
    for (unsigned i = 0; i < 6000; i++) {
        u64 a = rng_value(&r), b = rng_below(&r, 2) ? rng_below(&r, 34) : rng_value(&r);
        unsigned inv = rng_next(&r) & 1, op = IR_fl_shl + rng_below(&r, 3);
        set_width(8u << rng_below(&r, 4));
        struct ir_op f = {.op = (u8)op, .type = IR_FLAGS, .sub = (u8)inv, .imm = wtype};
        expect(ir_ops[op].name, run_op(f, a, b, 0), shift_model(op, a, b % (width == 64 ? 64 : 32), inv), a, b);
    }
}

static void conditions(void **state)
{
    (void)state;
    struct rng r = {rng_seed("conditions")};
    for (unsigned i = 0; i < 2000; i++) {
        u64 a = rng_value(&r), b = rng_one_in(&r, 4) ? a : rng_value(&r);
        u32 fl = (u32)rng_next(&r);
        set_width(8u << rng_below(&r, 4));
        struct sum sub = ripple(a, ~b, 1);
        for (unsigned cc = 0; cc < CC_COUNT; cc++) {
            bool n = at(sub.r, width - 1), z = sub.r == 0, v = sub.carry != sub.into_top;
            bool by_value =
                cc >= CC_TSTEQ ? (low(a & b) == 0) == (cc == CC_TSTEQ) : cond_of(cc, n, z, !sub.carry, v, false);
            bool by_flags = cond_of(cc, fl & FL_N, fl & FL_Z, fl & FL_C, fl & FL_V, fl & FL_P);
            if (cc <= CC_SGT || cc >= CC_TSTEQ) {
                expect(ir_cond_names[cc],
                       run_op((struct ir_op){.op = IR_setcc, .type = wtype, .sub = (u8)cc}, a, b, fl), by_value, a, b);
                struct ir_op select = {.op = IR_select, .type = IR_I64, .sub = (u8)cc, .imm = wtype};
                expect("select", run_op(select, a, b, fl), by_value, a, b);
            }
            if (cc < CC_TSTEQ) {
                expect(ir_cond_names[cc],
                       run_op((struct ir_op){.op = IR_setf, .type = IR_I32, .sub = (u8)cc}, a, b, fl), by_flags, fl,
                       cc);
                struct ir_op select = {.op = IR_selectf, .type = IR_I64, .sub = (u8)cc};
                expect("selectf", run_op(select, a, b, fl), by_flags, fl, cc);
            }
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_ops),       cmocka_unit_test(fields),     cmocka_unit_test(flag_ops),
        cmocka_unit_test(flags_of_shifts), cmocka_unit_test(conditions),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
