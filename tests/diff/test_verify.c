/* verify=on finds what a back end does wrong: the host's back end with one mistake planted, in a process of its own,
 * has to end with a report that names it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"
#include "tests/diff/a64_machine.h"

#define DATA (A64_RAM_BASE + 0x200000)

/* A loop, a store, a load, a branch that depends on what was loaded, a call of a helper, a fault. */
static const u32 code[] = {
    0xd2a80401, /*       movz x1, #0x4020, lsl #16 */
    0xd2800142, /*       movz x2, #10 */
    0x8b020063, /* loop: add x3, x3, x2 */
    0xf1000442, /*       subs x2, x2, #1 */
    0x54ffffc1, /*       b.ne loop */
    0xf9000823, /*       str x3, [x1, #16] */
    0xf9400824, /*       ldr x4, [x1, #16] */
    0xb4000044, /*       cbz x4, +8 */
    0xd53b4205, /*       mrs x5, nzcv */
    0xf8230026, /*       ldadd x3, x6, [x1] */
    0xd518e103, /*       msr cntkctl_el1, x3 */
    0x94000002, /*       bl over */
    0x14000002, /*       b last */
    0xd65f03c0, /* over: ret */
    0xd2b00007, /* last: movz x7, #0x8000, lsl #16: nothing is mapped there */
    0x91000508, /*       add x8, x8, #1 */
    0xf94000ea, /*       ldr x10, [x7] */
};

static const struct plant {
    const char *name;
    bool (*change)(struct ir_op *op); /* the first op it changes is all it gets in a trace */
    bool restore;                     /* the deopt map names another instruction */
    const char *report[3];
} * plant;

static bool change_add(struct ir_op *op)
{
    bool is = op->op == IR_add && !ir_is_const(op->b);
    op->op = is ? IR_sub : op->op;
    return is;
}
static bool change_store(struct ir_op *op)
{
    bool is = op->op == IR_st;
    op->b = is ? IR_CONST : op->b;
    return is;
}
static bool change_load(struct ir_op *op)
{
    bool is = op->op == IR_ld;
    op->imm += is ? 8 : 0;
    return is;
}
static bool change_branch(struct ir_op *op)
{
    bool is = op->op == IR_exitcc;
    op->sub ^= is;
    return is;
}
static bool change_atomic(struct ir_op *op)
{
    bool is = op->op == IR_rmw;
    op->sub = is ? RMW_SUB : op->sub;
    return is;
}
static bool change_call(struct ir_op *op)
{
    bool is =
        op->op == IR_call && !(target_aarch64.ir->helpers[op->imm].flags & HF_PURE) && op->b && !ir_is_const(op->b);
    op->b = is ? IR_CONST : op->b;
    return is;
}

static bool bad_compile(struct ir *ir, const struct gen_config *cfg, struct gen_out *out)
{
    static struct ir bad;
    bad = *ir;
    for (unsigned i = 1; i < bad.nops && plant->change && !plant->change(&bad.ops[i]); i++) {
    }
    return host_native()->compile(&bad, cfg, out);
}
static u32 bad_restore(const struct ir_target *t, const u8 *map, u32 map_len, u32 code_off, struct vcpu *cpu)
{
    return host_native()->restore(t, map, map_len, code_off, cpu) + (plant->restore ? 4 : 0);
}

static void nothing(void *arg)
{
    (void)arg;
    memset(a64_machine.cpu->vcpu.rt.r, 0, sizeof(a64_machine.cpu->vcpu.rt.r));
}

static void run_guest(void)
{
    struct rlimit none = {0, 0};
    setrlimit(RLIMIT_CORE, &none);
    struct accel_config cfg = {.verify = true};
    a64_machine_new(&cfg);
    static struct host bad;
    bad = *tcg.host;
    bad.compile = bad_compile;
    bad.restore = bad_restore;
    tcg.host = &bad;
    a64_machine_put(A64_CODE, code, sizeof(code));
    for (unsigned i = 0; i < 20; i++) { /* runs have several lengths */
        a64_machine_run(0, nothing, NULL);
    }
    _exit(0);
}

/* How it ended; its words in `text`. */
static int run_apart(const struct plant *p, char *text, size_t n)
{
    int fd[2], status;
    assert_int_equal(pipe(fd), 0);
    pid_t pid = fork();
    if (!pid) {
        dup2(fd[1], 2);
        plant = p;
        signal(SIGABRT, SIG_DFL);
        run_guest();
    }
    close(fd[1]);
    size_t len = 0;
    for (ssize_t k; len < n - 1 && (k = read(fd[0], text + len, n - 1 - len)) > 0;) {
        len += (size_t)k;
    }
    text[len] = 0;
    close(fd[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return status;
}

static void mistakes_are_found(void **st)
{
    (void)st;
    static const struct plant plants[] = {
        {"add", change_add, false, {"* x3 ", "add.i64", "pc 40100008"}},
        {"store",
         change_store,
         false,
         {"the store of 8 bytes at 40200010 writes", "not 00000000000000000000000000000037"}},
        {"load",
         change_load,
         false,
         {"a load of 8 bytes at 40200018", "the interpreter makes a load of 8 bytes at 40200010"}},
        {"branch", change_branch, false, {"a store of 8 bytes at 40200010", "the interpreter makes nothing", "exitcc"}},
        {"atomic", change_atomic, false, {"the atomic at 40200000 leaves"}},
        {"call", change_call, false, {"argument 1 of sysreg"}},
        {"restore", NULL, true, {"the access of 80000000 faults at pc 40100044, not 40100040"}},
    };
    static char text[1 << 16];
    for (unsigned i = 0; i < ARRAY_LEN(plants); i++) {
        int status = run_apart(&plants[i], text, sizeof(text));
        bool ok = WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT && strstr(text, "verify: host code differs");
        for (unsigned k = 0; k < 3 && plants[i].report[k]; k++) {
            ok &= strstr(text, plants[i].report[k]) != NULL;
        }
        if (!ok) {
            fail_msg("%s: status %x\n%s", plants[i].name, (unsigned)status, text);
        }
    }
}

static void what_is_right_passes(void **st)
{
    (void)st;
    static const struct plant none = {"none", NULL, false, {NULL}};
    static char text[1 << 16];
    int status = run_apart(&none, text, sizeof(text));
    if (status) {
        fail_msg("status %x\n%s", (unsigned)status, text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_right_passes), cmocka_unit_test(mistakes_are_found)};
    if (!host_native()) {
        print_message("no back end for this machine: nothing to verify\n");
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
