/* Random traces as host code against the interpreter: slots, memory, exits, faults. One seed gives one run:
 * MOSS_SEED=... MOSS_COUNT=... test_jit. */
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/bits.h"
#include "tcg/ops_priv.h"
#include "tcg/opt/opt.h"
#include "tcg/text.h"
#include "tests/diff/ir_random.h"
#include "tests/diff/jit_run.h"

static unsigned count_of(unsigned n)
{
    const char *s = getenv("MOSS_COUNT");
    return s ? (unsigned)strtoul(s, NULL, 0) : n;
}

static struct ir trace, built, work;
static struct ir_cpu before __attribute__((aligned(4096)));
static struct ir_cpu by_interp __attribute__((aligned(4096)));
static struct ir_cpu by_jit __attribute__((aligned(4096)));

static void show(const struct ir *ir, u64 seed, const struct buf *why)
{
    struct buf text = {0};
    ir_print(ir, &text);
    printf("seed 0x%" PRIx64 "\n%s\n%s\n", seed, (char *)text.data, (char *)why->data);
    jit_dump();
    buf_free(&text);
}

/* Not compared: what a jump-cache hit leaves of pc. */
static void settle_pc(struct ir_outcome *o, const struct ir_outcome *jit)
{
    if (o->how == INTERP_EXIT && jit->how == INTERP_EXIT && jit->pc == (o->pc & ~0xfffull)) {
        o->pc = jit->pc;
    }
}

/* What back ends are promised. */
static void count_uses(struct ir *ir)
{
    for (unsigned i = 0; i < ir->nops; i++) {
        ir->ops[i].uses = 0;
    }
    for (unsigned i = 1; i < ir->nops; i++) {
        for (unsigned k = 0; k < ir_nargs(ir, &ir->ops[i]); k++) {
            ir_ref r = op_arg_val(&ir->ops[i], k);
            if (!ir_is_const(r)) {
                ir->ops[r].uses += ir->ops[r].uses < 255;
            }
        }
    }
}

static bool run_once(const struct ir *ir, u64 seed, u32 fp_flags)
{
    struct rng r = {seed};
    ir_cpu_random(&before, &r);
    by_interp = before;
    struct ir_outcome want = ir_cpu_interp(ir, &by_interp);
    struct jit_opts o = {.count = rng_one_in(&r, 4),
                         .no_chain = rng_one_in(&r, 8),
                         .tlb = rng_below(&r, 3),
                         .cached_pc = want.how == INTERP_EXIT && rng_below(&r, 2) ? want.pc : ~0ull};
    work = *ir;
    count_uses(&work);
    if (!jit_compile(&work, &o)) {
        return true;
    }
    by_jit = before;
    struct ir_outcome got = jit_run(&by_jit, &r, &o);
    settle_pc(&want, &got);
    struct buf why = {0};
    bool same = ir_cpu_same(&by_interp, &want, &by_jit, &got, fp_flags, &why);
    if (!same) {
        show(ir, seed, &why);
    }
    buf_free(&why);
    return same;
}

/* -- shrinking a trace that fails: ops go while it still does ------------------------------------------------------ */

static bool still_fails(const struct ir *ir, u64 seed, u32 fp_flags)
{
    fflush(stdout);
    pid_t pid = fork();
    if (pid == 0) {
        alarm(5);
        int null = open("/dev/null", O_WRONLY);
        dup2(null, 1);
        dup2(null, 2);
        signal(SIGSEGV, SIG_DFL);
        signal(SIGILL, SIG_DFL);
        signal(SIGABRT, SIG_DFL);
        _exit(run_once(ir, seed, fp_flags) ? 0 : 1);
    }
    int status = 0;
    waitpid(pid, &status, 0);
    return status != 0;
}

static bool is_used(const struct ir *ir, unsigned i)
{
    for (unsigned j = i + 1; j < ir->nops; j++) {
        const struct ir_op *op = &ir->ops[j];
        for (unsigned k = 0; k < ir_nargs(ir, op); k++) {
            if (op_arg_val(op, k) == i) {
                return true;
            }
        }
    }
    return false;
}

static void shrink(const struct ir *from, u64 seed, u32 fp_flags)
{
    static struct ir small, attempt;
    small = *from;
    for (bool again = true; again;) {
        again = false;
        for (unsigned i = small.nops - 2; i > 0; i--) {
            if (small.ops[i].op == IR_nop || small.ops[i].op == IR_insn || is_used(&small, i)) {
                continue;
            }
            attempt = small;
            attempt.ops[i] = (struct ir_op){.op = IR_nop};
            if (still_fails(&attempt, seed, fp_flags)) {
                small = attempt;
                again = true;
            }
        }
    }
    struct buf text = {0};
    ir_print(&small, &text);
    printf("-- shrunk:\n%s", (char *)text.data);
    buf_free(&text);
    fflush(stdout);
    run_once(&small, seed, fp_flags);
}

static void check_once(const struct ir *ir, u64 seed, u32 fp_flags)
{
    if (getenv("MOSS_SHRINK") ? still_fails(ir, seed, fp_flags) : !run_once(ir, seed, fp_flags)) {
        shrink(ir, seed, fp_flags);
        fail();
    }
}

static void run_many(const char *name, const struct ir_random_opts *o, unsigned n, u32 fp_flags)
{
    u64 seed = rng_seed(name);
    for (unsigned i = 0; i < count_of(n); i++, seed++) {
        struct rng r = {seed};
        ir_random(&trace, &r, o);
        check_once(&trace, seed, fp_flags);
        ir_rebuild(&built, &trace);
        opt_run(&built);
        check_once(&built, seed, fp_flags);
    }
}

static void integer_ops(void **state)
{
    (void)state;
    struct ir_random_opts o = {.insns = 4, .ops = 8, .max_exits = 8, .views = 1};
    run_many("integer_ops", &o, 3000, 0);
}
static void integer_memory(void **state)
{
    (void)state;
    struct ir_random_opts o = {
        .insns = 5, .ops = 8, .max_exits = 8, .memory = true, .faults = true, .calls = true, .views = 2};
    run_many("integer_memory", &o, 3000, 0);
}
static void long_traces(void **state)
{
    (void)state;
    struct ir_random_opts o = {
        .insns = 60, .ops = 10, .max_exits = 12, .memory = true, .faults = true, .calls = true, .views = 4};
    run_many("long_traces", &o, 300, 0);
}

static void vectors(void **state)
{
    (void)state;
    struct ir_random_opts o = {.insns = 4,
                               .ops = 8,
                               .max_exits = 8,
                               .vectors = true,
                               .memory = true,
                               .faults = true,
                               .calls = true,
                               .views = 2};
    run_many("vectors", &o, 3000, 0);
}
static void everything(void **state)
{
    (void)state;
    run_many("everything", &ir_random_all, 3000, FP_INVALID | FP_DIVZERO | FP_OVERFLOW | FP_UNDERFLOW | FP_INEXACT);
}
static void long_everything(void **state)
{
    (void)state;
    struct ir_random_opts o = ir_random_all;
    o.insns = 40;
    run_many("long_everything", &o, 300, FP_INVALID | FP_DIVZERO | FP_OVERFLOW | FP_UNDERFLOW | FP_INEXACT);
}

int main(void)
{
    if (!host_native()) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer_ops), cmocka_unit_test(integer_memory), cmocka_unit_test(long_traces),
        cmocka_unit_test(vectors),     cmocka_unit_test(everything),     cmocka_unit_test(long_everything),
    };
    cmocka_set_test_filter(getenv("MOSS_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
