/* The passes: exact use counts, idempotence, nothing gets longer; and what dead-put elimination must not do. */
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

static struct ir before, after;
static struct ir_cpu start, one, two;

static void check_uses(const struct ir *ir)
{
    static unsigned uses[IR_MAX_OPS];
    memset(uses, 0, sizeof(uses));
    for (unsigned i = 1; i < ir->nops; i++) {
        const struct ir_op *op = &ir->ops[i];
        for (unsigned k = 0; k < ir_nargs(ir, op); k++) {
            ir_ref r = op_arg_val(op, k);
            if (!ir_is_const(r)) {
                uses[r]++;
            }
        }
    }
    for (unsigned i = 1; i < ir->nops; i++) {
        assert_int_equal(ir->ops[i].uses, MIN(uses[i], 255u));
    }
}

static void check_same_text(const struct ir *a, const struct ir *b)
{
    struct buf x = {0}, y = {0};
    ir_print(a, &x);
    ir_print(b, &y);
    assert_string_equal((char *)x.data, (char *)y.data);
    buf_free(&x);
    buf_free(&y);
}

static void check_meaning(u64 seed, struct rng *r)
{
    struct buf why = {0};
    for (unsigned k = 0; k < 3; k++) {
        ir_cpu_random(&start, r);
        one = two = start;
        struct ir_outcome a = ir_cpu_interp(&before, &one), b = ir_cpu_interp(&after, &two);
        if (!ir_cpu_same(&one, &a, &two, &b, ~0u, &why)) {
            fail_msg("seed 0x%" PRIx64 ":\n%s", seed, (char *)why.data);
        }
    }
}

static void passes_keep_their_laws(void **state)
{
    (void)state;
    u64 seed = rng_seed("passes_keep_their_laws");
    for (unsigned i = 0; i < 2000; i++) {
        struct rng r = {seed + i};
        struct err e = {""};
        ir_random(&before, &r, &ir_random_all);
        after = before;
        opt_dead_code(&after);
        assert_true(ir_verify(&after, &e));
        assert_true(after.nops <= before.nops);
        check_uses(&after);
        check_meaning(seed + i, &r);
        opt_compact(&after);
        assert_true(ir_verify(&after, &e));
        for (unsigned k = 1; k < after.nops; k++) {
            assert_int_not_equal(after.ops[k].op, IR_nop);
        }
        check_uses(&after);
        check_meaning(seed + i, &r);
        before = after;
        opt_run(&after);
        check_same_text(&before, &after);
    }
}

static void use_counts_saturate(void **state)
{
    (void)state;
    ir_init(&after, &ir_cpu_target, 0, 12);
    ir_insn(&after, 0, 4);
    ir_ref x = ir_get(&after, SLOT_X), sum = ir_get(&after, SLOT_X + 1);
    for (unsigned i = 0; i < 300; i++) {
        sum = ir_xor(&after, IR_I64, ir_mul(&after, IR_I64, sum, sum), x);
    }
    ir_put(&after, SLOT_X + 1, sum);
    ir_exit(&after, 4, EXIT_JUMP);
    opt_run(&after);
    check_uses(&after);
    assert_int_equal(after.ops[2].op, IR_get);
    assert_int_equal(after.ops[2].uses, 255);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(passes_keep_their_laws),
        cmocka_unit_test(use_counts_saturate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
