/* The builder: folding keeps the meaning of any trace, and makes the forms that back ends count on. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <string.h>

#include "tcg/build.h"
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

static void built_traces_mean_the_same(void **state)
{
    (void)state;
    u64 first = rng_seed("built_traces_mean_the_same");
    unsigned count = getenv("MOSS_COUNT") ? (unsigned)atoi(getenv("MOSS_COUNT")) : 3000;
    for (unsigned i = 0; i < count; i++) {
        u64 seed = first + i;
        struct rng r = {seed};
        ir_random(&raw, &r, &ir_random_all);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(built_traces_mean_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
