/* The text form: what was printed reads back as the same trace; what is wrong is refused with its line. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <string.h>

#include "tcg/opt/opt.h"
#include "tcg/text.h"
#include "tests/diff/ir_random.h"

static struct ir first, second;

static void round_trip(const struct ir *ir, u64 seed)
{
    struct buf a = {0}, b = {0};
    struct err e = {""};
    ir_print(ir, &a);
    ir_init(&second, &ir_cpu_target, ir->start_off, ir->page_bits);
    if (!ir_parse(&second, (char *)a.data, &e)) {
        fail_msg("seed 0x%" PRIx64 ": %s in\n%s", seed, e.msg, (char *)a.data);
    }
    if (!ir_verify(&second, &e)) {
        fail_msg("seed 0x%" PRIx64 ": %s", seed, e.msg);
    }
    ir_print(&second, &b);
    assert_string_equal((char *)a.data, (char *)b.data);
    assert_int_equal(ir->ninsns, second.ninsns);
    for (unsigned i = 1; i < ir->nops; i++) {
        assert_int_equal(ir->ops[i].op, second.ops[i].op);
        assert_int_equal(ir->ops[i].type, second.ops[i].type);
        assert_int_equal(ir->ops[i].sub, second.ops[i].sub);
    }
    buf_free(&a);
    buf_free(&b);
}

static void random_traces_round_trip(void **state)
{
    (void)state;
    u64 seed = rng_seed("random_traces_round_trip");
    for (unsigned i = 0; i < 500; i++) {
        struct rng r = {seed + i};
        ir_random(&first, &r, &ir_random_all);
        round_trip(&first, seed + i);
        opt_dead_code(&first); /* leaves nops: the numbering has holes */
        struct buf b = {0};
        ir_print(&first, &b);
        ir_init(&second, &ir_cpu_target, first.start_off, first.page_bits);
        assert_true(ir_parse(&second, (char *)b.data, NULL));
        buf_free(&b);
    }
}

/* Damaged text never does more than fail. */
static void damaged_text_is_refused_or_read(void **state)
{
    (void)state;
    u64 seed = rng_seed("damaged_text_is_refused_or_read");
    struct rng r = {seed};
    unsigned refused = 0;
    for (unsigned i = 0; i < 2000; i++) {
        struct buf b = {0};
        if (i % 20 == 0) {
            ir_random(&first, &r, &ir_random_all);
        }
        ir_print(&first, &b);
        for (unsigned k = rng_below(&r, 3) + 1; k > 0; k--) {
            static const char junk[] = "v0x1:.,|[]=-+ \nf8";
            b.data[rng_below(&r, (unsigned)b.len)] = (u8)junk[rng_below(&r, sizeof(junk) - 1)];
        }
        ir_init(&second, &ir_cpu_target, 0, 12);
        struct err e = {""};
        if (!ir_parse(&second, (char *)b.data, &e)) {
            assert_memory_equal(e.msg, "line ", 5);
            refused++;
        }
        buf_free(&b);
    }
    assert_true(refused > 100);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *text, *msg;
    } cases[] = {
        {"v1 = get x99\n", "line 1: no slot 'x99'"},
        {"\nv1 = frob.i64 v2\n", "line 2: no op 'frob'"},
        {"v1 = add.i64 v2, 1\n", "line 1: value used before it is made"},
        {"v1 = get x0\nv2 = add.i64 v1\n", "line 2: ',' expected"},
        {"v1 = get x0\nv2 = add.i99 v1, v1\n", "line 2: no type 'i99'"},
        {"v1 = get x0\nv2 = fadd.f64 v1, v1\n", "line 2: fadd: operand of the wrong type"},
        {"v1 = get x0\nv2 = ld.i32 [v1 + 8], 64\n", "line 2: ld: access size does not fit the type"},
        {"v1 = get x0\nv2 = ld.i32 [v1 + 8], 33\n", "line 2: access size expected"},
        {"v1 = get x0\nadd.i64 v1, v1\n", "line 2: add has a result"},
        {"v1 = exit +0x10\n", "line 1: exit has not a result"},
        {"exit +0x10 now\n", "line 1: 'now' is too much"},
        {"exit +0x10\ninsn 0x4, 4\n", "line 2: op after the end"},
        {"v1 = get x0\nv2 = setcc.vs.i64 v1, v1\n", "line 2: setcc: bad sub"},
        {"v1 = get x0\nv2 = extract.i64 v1, 60:8\n", "line 2: extract: bad imm"},
        {"v1 = get x0\nv2 = add.i8 v1, v1\n", "line 2: add: bad type"},
        {"v1 = get x0\nv2 = select.ult.i8 v1, 1, v1, v1, i8\n", "line 2: select: bad type"},
        {"v1 = get x0\nv2 = fl_sub v1, v1, f32\n", "line 2: fl_sub: bad imm"},
        {"v1 = get x0\nv2 = fl_mix v1, v1, z\n", "line 2: fl_mix: operand of the wrong type"},
        {"v1 = get fl0\nv2 = fl_mix v1, v1, z|q\n", "line 2: unknown word 'q'"},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {""};
        ir_init(&second, &ir_cpu_target, 0, 12);
        assert_false(ir_parse(&second, cases[i].text, &e));
        assert_string_equal(e.msg, cases[i].msg);
    }
}

static void laws_of_a_trace(void **state)
{
    (void)state;
    static const struct {
        const char *text, *msg;
    } cases[] = {
        {"insn 0, 4\n v1 = get x0\n put x1, v1\n v2 = ld.i64 [v1], 64\n exit 4\n",
         "ir: op 4 (ld): may fault after a put of the same instruction"},
        {"insn 0, 4\n v1 = get x0\n put x1, v1\n v2 = call may_fault, v1\n exit 4\n",
         "ir: op 4 (call): may fault after a put of the same instruction"},
        {"insn 0, 4\n v1 = get x0\n", "ir: the trace has no end"},
        {"insn 0, 4\n v1 = get x0\n call end, v1\n exit 4\n",
         "ir: op 4 (exit): after a call that must be followed by exit_pc or exit_loop"},
        {"insn 0, 4\n v1 = get x0\n put x1, v1\ninsn 4, 4\n v2 = ld.i64 [v1], 64\n exit 4\n", ""},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct err e = {""};
        ir_init(&second, &ir_cpu_target, 0, 12);
        assert_true(ir_parse(&second, cases[i].text, &e));
        assert_int_equal(ir_verify(&second, &e), !cases[i].msg[0]);
        assert_string_equal(e.msg, cases[i].msg);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_traces_round_trip),
        cmocka_unit_test(damaged_text_is_refused_or_read),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(laws_of_a_trace),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
