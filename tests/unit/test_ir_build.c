/* The builder: folding keeps the meaning of any trace, and makes the forms that back ends count on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <string.h>

#include "tcg/build.h"
#include "tcg/ops_priv.h"
#include "tcg/opt/opt.h"
#include "tcg/text.h"
#include "tests/diff/ir_random.h"

static struct ir raw, built;
static struct ir_cpu start, one, two;

/* -- random traces ------------------------------------------------------------------------------------------------ */

static void show(const char *what, const struct ir *ir)
{
    struct buf b = {0};
    ir_print(ir, &b);
    printf("-- %s\n%s", what, b.data ? (char *)b.data : "");
    buf_free(&b);
}

static void must_verify(const struct ir *ir, const char *what, u64 seed)
{
    struct err e = {""};
    if (!ir_verify(ir, &e)) {
        show(what, ir);
        fail_msg("seed 0x%" PRIx64 ": %s: %s", seed, what, e.msg);
    }
}

static void compare_runs(u64 seed)
{
    struct buf why = {0};
    one = two = start;
    struct ir_outcome a = ir_cpu_interp(&raw, &one), b = ir_cpu_interp(&built, &two);
    if (!ir_cpu_same(&one, &a, &two, &b, ~0u, &why)) {
        show("as drawn", &raw);
        show("built", &built);
        fail_msg("seed 0x%" PRIx64 ":\n%s", seed, (char *)why.data);
    }
}

/* `count` traces unless MOSS_COUNT says otherwise. */
static void check_meaning(const char *test, const struct ir_random_opts *opts, unsigned count)
{
    u64 first = rng_seed(test);
    count = getenv("MOSS_COUNT") ? (unsigned)atoi(getenv("MOSS_COUNT")) : count;
    for (unsigned i = 0; i < count; i++) {
        u64 seed = first + i;
        struct rng r = {seed};
        ir_random(&raw, &r, opts);
        must_verify(&raw, "as drawn", seed);
        ir_rebuild(&built, &raw);
        must_verify(&built, "built", seed);
        for (unsigned k = 0; k < 4; k++) {
            ir_cpu_random(&start, &r);
            compare_runs(seed);
            if (k == 1) {
                opt_run(&built);
                must_verify(&built, "optimised", seed);
            }
        }
    }
}

static void any_op(void **state)
{
    (void)state;
    check_meaning("any_op", &ir_random_all, 2000);
}
static void what_folds(void **state)
{
    (void)state;
    check_meaning("what_folds", &ir_random_chains, 3000);
}
static void what_folds_in_short(void **state)
{
    (void)state;
    check_meaning("what_folds_in_short", &ir_random_pairs, 20000);
}

/* Ops that may have nothing but constants as operands. */
static bool may_be_constant(const struct ir_op *op)
{
    switch (op->op) {
    case IR_put:
    case IR_fl_pack:
    case IR_bitcast:
    case IR_i2f:
    case IR_vi2fl:
    case IR_frcpe:
    case IR_frsqe:
    case IR_fneg:
    case IR_fabs:
    case IR_call:
    case IR_exit_ind:
        return true;
    default:
        return op_is_mem(op->op) || (ir_ops[op->op].flags & OPF_FPX);
    }
}

/* docs/ir.md promises these forms to back ends. */
static void built_traces_are_canonical(void **state)
{
    (void)state;
    u64 seed = rng_seed("built_traces_are_canonical");
    for (unsigned i = 0; i < 2000; i++) {
        struct rng r = {seed + i};
        ir_random(&raw, &r, i % 2 ? &ir_random_chains : &ir_random_all);
        ir_rebuild(&built, &raw);
        for (unsigned k = 1; k < built.nops; k++) {
            const struct ir_op *op = &built.ops[k];
            unsigned n = ir_nargs(&built, op), constants = 0;
            for (unsigned j = 0; j < n; j++) {
                bool constant = ir_is_const(op_arg_val(op, j));
                assert_false(constant && ir_wanted(&built, op, j) >= IR_F16 && ir_wanted(&built, op, j) <= IR_F64);
                constants += constant;
            }
            bool commutes =
                (ir_ops[op->op].flags & OPF_COMM) || op->op == IR_fl_add || op->op == IR_adc || op->op == IR_setcc;
            if ((n && constants == n && !may_be_constant(op)) || (commutes && ir_is_const(op->a))) {
                show("built", &built);
                fail_msg("seed 0x%" PRIx64 ": op %u", seed + i, k);
            }
        }
    }
}

/* -- limits ------------------------------------------------------------------------------------------------------ */

/* The same requests give the same trace, whatever the struct held before. */
static void building_is_pure(void **state)
{
    (void)state;
    static struct ir fresh;
    u64 seed = rng_seed("building_is_pure");
    for (unsigned i = 0; i < 200; i++) {
        struct rng r = {seed + i};
        struct buf a = {0}, b = {0};
        ir_random(&raw, &r, &ir_random_all);
        ir_rebuild(&built, &raw); /* holds the leftovers of the trace before */
        memset(&fresh, 0xa5, sizeof(fresh));
        ir_rebuild(&fresh, &raw);
        ir_print(&built, &a);
        ir_print(&fresh, &b);
        assert_string_equal((char *)a.data, (char *)b.data);
        assert_int_equal(built.nconsts, fresh.nconsts);
        buf_free(&a);
        buf_free(&b);
    }
}

static void a_full_trace_can_still_end(void **state)
{
    (void)state;
    struct err e = {""};
    ir_init(&built, &ir_cpu_target, 0, 12);
    ir_insn(&built, 0, 4);
    ir_ref v = ir_get(&built, SLOT_X);
    unsigned n = 0;
    while (!built.full) {
        v = ir_mul(&built, IR_I64, v, v);
        n++;
    }
    assert_in_range(n, IR_MAX_OPS - 16, IR_MAX_OPS);
    assert_false(built.ended);
    for (unsigned i = 0; i < 100; i++) {
        v = ir_add(&built, IR_I64, v, v);
        ir_put(&built, SLOT_X, v);
        ir_put(&built, SLOT_V, ir_v2(&built, IR_vsmin, 0, ir_get(&built, SLOT_V), ir_vdup(&built, 0, v), 0));
    }
    ir_exit(&built, 4, EXIT_JUMP);
    assert_true(built.full && built.ended);
    assert_in_range(built.nops, 1, IR_MAX_OPS);
    assert_int_equal(built.ops[built.nops - 1].op, IR_exit);
    assert_false(ir_verify(&built, &e));
}

static void constants_run_out_softly(void **state)
{
    (void)state;
    ir_init(&built, &ir_cpu_target, 0, 12);
    ir_insn(&built, 0, 4);
    for (u64 i = 1; !built.full; i++) {
        assert_in_range(i, 1, IR_MAX_CONSTS);
        ir_const(&built, i << 20);
        ir_const_v128(&built, i, ~i);
    }
    assert_in_range(built.nconsts, IR_MAX_CONSTS - 1, IR_MAX_CONSTS);
    ir_ref v = ir_add(&built, IR_I64, ir_get(&built, SLOT_X), ir_const(&built, 0x123456789));
    ir_put(&built, SLOT_X, v);
    ir_exit(&built, 4, EXIT_JUMP);
    assert_true(built.full && built.ended);
}

static void nothing_follows_the_end(void **state)
{
    (void)state;
    struct err e = {""};
    ir_init(&built, &ir_cpu_target, 0, 12);
    ir_insn(&built, 0, 4);
    ir_exitcc(&built, CC_EQ, IR_I64, ir_const(&built, 7), ir_const(&built, 7), 0x40);
    assert_true(built.ended);
    ir_insn(&built, 4, 4);
    ir_ref v = ir_add(&built, IR_I64, ir_get(&built, SLOT_X), ir_get(&built, SLOT_X + 1));
    ir_put(&built, SLOT_X, v);
    ir_exitf(&built, CC_EQ, ir_fl_sub(&built, IR_I64, v, v, 0), 0x40);
    ir_exit(&built, 8, EXIT_JUMP);
    assert_int_equal(built.nops, 3);
    assert_int_equal(built.ninsns, 1);
    assert_true(ir_verify(&built, &e));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_op),
        cmocka_unit_test(what_folds),
        cmocka_unit_test(what_folds_in_short),
        cmocka_unit_test(built_traces_are_canonical),
        cmocka_unit_test(building_is_pure),
        cmocka_unit_test(a_full_trace_can_still_end),
        cmocka_unit_test(constants_run_out_softly),
        cmocka_unit_test(nothing_follows_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
