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
#include "tcg/build.h"
#include "tcg/eval.h"
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

/* Conditions of flags. */
enum { FLAG_CONDS = CC_TSTEQ };

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

/* A trace may jump to its own start for ever. */
static bool is_loop(const struct ir *ir)
{
    for (unsigned i = 1; i < ir->nops; i++) {
        unsigned op = ir->ops[i].op;
        if ((op == IR_exit || op == IR_exitcc || op == IR_exitf) && ir->ops[i].imm == ir->start_off) {
            return true;
        }
    }
    return false;
}
/* An exit backward that found the event word set. */
static void settle_event(struct ir_outcome *got, const struct ir_outcome *want, const struct jit_opts *o)
{
    if (o->event && got->how == INTERP_LOOP && got->reason == REASON_EVENT && want->how == INTERP_EXIT) {
        got->how = want->how;
        got->reason = want->reason;
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
                         .vpins = rng_below(&r, 2),
                         .tlb = rng_below(&r, 3),
                         .event = is_loop(ir),
                         .cached_pc = want.how == INTERP_EXIT && rng_below(&r, 2) ? want.pc : ~0ull};
    work = *ir;
    count_uses(&work);
    if (!jit_compile(&work, &o)) {
        return true;
    }
    by_jit = before;
    struct ir_outcome got = jit_run(&by_jit, &r, &o);
    settle_pc(&want, &got);
    settle_event(&got, &want, &o);
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

/* -- traces that jump to their own start --------------------------------------------------------------------------- */

enum { COUNTER = SLOT_Y + 3 };

/* `in` behind a countdown, with some of its exits going back to the start. */
static void make_loop(struct ir *ir, const struct ir *in, struct rng *r)
{
    ir_init(ir, &ir_cpu_target, in->start_off, 12);
    memcpy(ir->consts, in->consts, sizeof(in->consts));
    ir->nconsts = in->nconsts;
    ir_insn(ir, in->start_off, 4);
    ir_ref n = ir_get(ir, COUNTER);
    ir_ref less = ir_addi(ir, IR_I64, n, -1);
    ir_put(ir, COUNTER, less);
    ir_exitcc(ir, CC_EQ, IR_I64, less, IR_CONST, 0x8f0);
    unsigned shift = ir->nops - 1;
    for (unsigned i = 1; i < in->nops; i++) {
        struct ir_op op = in->ops[i];
        bool exits = op.op == IR_exitcc || op.op == IR_exitf || op.op == IR_exit;
        if (op.op == IR_put && op.imm == COUNTER) {
            op = (struct ir_op){.op = IR_nop};
        }
        for (unsigned k = 0; k < ir_nargs(in, &op); k++) {
            ir_ref v = op_arg_val(&op, k);
            *op_arg(&op, k) = (ir_ref)(ir_is_const(v) ? v : v + shift);
        }
        op.imm = exits && rng_below(r, 3) ? in->start_off : op.imm;
        ir->ops[ir->nops++] = op;
    }
    ir->ended = true;
    ir->ninsns = in->ninsns + 1;
}

static void rounds_in_y3(struct ir_cpu *c, struct rng *r)
{
    c->y[3] = 1 + rng_below(r, 5);
}

static void loop_once(const struct ir *ir, u64 seed, void (*prepare)(struct ir_cpu *, struct rng *))
{
    struct rng r = {seed};
    u64 start = IR_PAGE + ir->start_off;
    ir_cpu_random(&before, &r);
    prepare(&before, &r);
    by_interp = before;
    struct ir_outcome want;
    do {
        want = ir_cpu_interp(ir, &by_interp);
    } while (want.how == INTERP_EXIT && want.pc == start);
    struct jit_opts o = {.tlb = rng_below(&r, 3), .event = rng_one_in(&r, 3), .cached_pc = ~0ull};
    o.count = rng_one_in(&r, 6);
    o.vpins = rng_below(&r, 2);
    work = *ir;
    count_uses(&work);
    if (!jit_compile(&work, &o)) {
        return;
    }
    by_jit = before;
    struct ir_outcome got = jit_run_loop(&by_jit, &r, &o, start);
    settle_event(&got, &want, &o);
    struct buf why = {0};
    if (!ir_cpu_same(&by_interp, &want, &by_jit, &got, 0, &why)) {
        show(ir, seed, &why);
        fail();
    }
    buf_free(&why);
}

static void loops(void **state)
{
    (void)state;
    static struct ir loop;
    struct ir_random_opts o = {
        .insns = 4, .ops = 6, .max_exits = 7, .memory = true, .faults = true, .vectors = true, .views = 2};
    u64 seed = rng_seed("loops");
    for (unsigned i = 0; i < count_of(3000); i++, seed++) {
        struct rng r = {seed};
        o.vectors = rng_below(&r, 2);
        ir_random(&trace, &r, &o);
        make_loop(&loop, &trace, &r);
        loop_once(&loop, seed, rounds_in_y3);
        ir_rebuild(&built, &loop);
        opt_run(&built);
        loop_once(&built, seed, rounds_in_y3);
    }
}

/* -- loops whose flags nobody reads: a fault shows them all the same ---------------------------------------------- */

static void walk_off_the_end(struct ir_cpu *c, struct rng *r)
{
    c->rt.r[1] = IR_RAM_BASE + rng_below(r, IR_RAM_SIZE - 64) / 8 * 8;
    c->rt.r[0] = rng_below(r, 4);
    c->rt.r[2] = rng_below(r, 4) + 1;
    c->rt.r[6] = rng_below(r, 2);
    c->w[0] = rng_below(r, 4);
    c->d[0] = rng_below(r, 2) ? 0x3ff0000000000000 : rng_next(r);
}

static ir_ref flags_now(struct ir *ir, struct rng *r, ir_ref count)
{
    ir_ref limit = rng_below(r, 2) ? ir_get(ir, SLOT_X + 2) : ir_const(ir, rng_below(r, 5) - 2ull);
    static const u8 widths[] = {IR_I32, IR_I64, IR_I32, IR_I64, IR_I8, IR_I16};
    unsigned inv = rng_below(r, 2), type = widths[rng_below(r, ARRAY_LEN(widths))];
    ir_ref old;
    switch (rng_below(r, 7)) {
    case 0:
        return ir_fl_add(ir, type, count, limit, inv);
    case 1:
        return ir_fl_logic(ir, type, ir_and(ir, type == IR_I64 ? IR_I64 : IR_I32, count, limit), inv);
    case 2:
        return ir_fl_fcmp(ir, IR_F64, 0, ir_get(ir, SLOT_D), ir_get(ir, SLOT_D + 1), 0);
    case 3:
        return ir_fl_sub(ir, type, ir_get(ir, SLOT_X + 7), ir_const(ir, 1), inv);
    case 4:
        return ir_fl_shift(ir, IR_fl_shl + rng_below(r, 3), type, count, limit, inv);
    case 5:
        old = rng_below(r, 2) ? ir_get(ir, SLOT_FL) : ir_fl_add(ir, IR_I64, ir_get(ir, SLOT_X + 7), limit, 0);
        return ir_fl_mix(ir, FL_ALL & ~FL_C, ir_fl_sub(ir, type, count, limit, inv), old);
    default:
        return ir_fl_sub(ir, type, count, limit, inv);
    }
}

/* load (it faults sooner or later), count, compare, step, and back while the condition holds. */
static void make_walk(struct ir *ir, struct rng *r)
{
    ir_init(ir, &ir_cpu_target, 0x100, 12);
    ir_insn(ir, 0x100, 4);
    if (rng_one_in(r, 4)) {
        ir_put(ir, SLOT_X, ir_addi(ir, IR_I64, ir_get(ir, SLOT_X), 3));
        ir_insn(ir, 0x104, 4);
    }
    switch (rng_below(r, 12)) { /* looked at, after all */
    case 0:
        ir_put(ir, SLOT_X + 5, ir_setf(ir, rng_below(r, FLAG_CONDS), ir_get(ir, SLOT_FL)));
        break;
    case 1:
        ir_exitcc(ir, CC_EQ, IR_I64, ir_get(ir, SLOT_X + 6), ir_const(ir, 1), 0x300);
        break;
    case 2:
        ir_put(ir, SLOT_X + 5, ir_call(ir, HELP_MAY_FAULT, ir_get(ir, SLOT_X), 0, 0, 0));
        break;
    case 3:
        ir_put(ir, SLOT_X + 5, ir_call(ir, HELP_SUM_ALL, 0, 0, 0, 0));
        break;
    }
    ir_insn(ir, 0x10c, 4);
    bool late = rng_one_in(r, 4);
    if (!late) {
        ir_put(ir, SLOT_X + 3, ir_ld(ir, IR_I64, ir_get(ir, SLOT_X + 1), 0, MO_64));
    }
    ir_insn(ir, 0x110, 4);
    ir_ref old = ir_get(ir, SLOT_X), count = ir_addi(ir, IR_I64, old, rng_below(r, 2) ? 1 : -1);
    ir_ref dec = ir_addi(ir, IR_I64, ir_get(ir, SLOT_X + 7), -1);
    ir_put(ir, SLOT_FL, flags_now(ir, r, rng_below(r, 2) ? count : old));
    ir_put(ir, SLOT_X, count);
    ir_put(ir, SLOT_X + 7, dec);
    ir_insn(ir, 0x114, 4);
    if (late) {
        ir_put(ir, SLOT_X + 3, ir_ld(ir, IR_I64, ir_get(ir, SLOT_X + 1), 0, MO_64));
    }
    ir_put(ir, SLOT_X + 1, ir_addi(ir, IR_I64, ir_get(ir, SLOT_X + 1), 1024));
    ir_exitf(ir, rng_below(r, FLAG_CONDS), ir_get(ir, SLOT_FL), 0x100);
    if (!ir->ended && rng_one_in(r, 3)) {
        ir_exitcc(ir, CC_NE, IR_I64, ir_get(ir, SLOT_X + 4), ir_const(ir, 0), 0x100);
    }
    if (!ir->ended) {
        ir_exit(ir, 0x200, EXIT_JUMP);
    }
    opt_run(ir);
}

static void flags_of_faults(void **state)
{
    (void)state;
    static struct ir walk;
    u64 seed = rng_seed("flags_of_faults");
    for (unsigned i = 0; i < count_of(3000); i++, seed++) {
        struct rng r = {seed};
        make_walk(&walk, &r);
        for (unsigned k = 0; k < 4; k++) {
            loop_once(&walk, seed ^ (u64)k << 40, walk_off_the_end);
        }
    }
}

/* -- floats at the edges: every op on numbers around the limits, results and exceptions -------------------------- */

enum { FP_MASK = FP_INVALID | FP_DIVZERO | FP_OVERFLOW | FP_UNDERFLOW | FP_INEXACT };

/* Numbers of 2^es bytes: limits, their neighbours, and exponents whose sums and products end near the limits. */
static u64 edge(struct rng *r, unsigned es)
{
    unsigned mant = es == 3 ? 52 : es == 2 ? 23 : 10, width = 8u << es, ebits = width - 1 - mant;
    u64 emax = MASK(ebits), bias = emax >> 1, sign = rng_next(r) & BIT(width - 1), e;
    u64 low = rng_below(r, 3) ? rng_below(r, 3) - 1ull : rng_next(r), frac = low & MASK(mant);
    switch (rng_below(r, 8)) {
    case 0:
        e = emax;
        frac = rng_below(r, 2) ? 0 : frac;
        break;
    case 1:
        e = rng_below(r, 3);
        break;
    case 2:
        e = emax - rng_below(r, 3);
        break;
    case 3:
        e = bias / 2 + rng_below(r, 5) - 2;
        break;
    case 4:
        e = bias + bias / 2 + rng_below(r, 5) - 2;
        break;
    case 5:
        e = bias + rng_below(r, 70) - 3;
        break;
    case 6:
        e = bias + rng_below(r, 4) - 2;
        frac = (frac | (rng_below(r, 2) ? BIT(mant - 1) : 0)) & ~(u64)(rng_below(r, 2) ? MASK(mant - 2) : 0);
        break;
    default:
        e = rng_next(r);
        break;
    }
    return sign | (e & emax) << mant | frac;
}

static void edge_operands(struct ir_cpu *c, struct rng *r, unsigned es)
{
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned k = 0; k < 16u >> es; k++) {
            eval_vset(es, &c->v[i], k, edge(r, es));
        }
        c->y[i] = rng_value(r);
    }
}

/* One op whose operands come from v0, v1, v2 (or y0), its result into v3 or x0. */
static void edge_trace(struct ir *ir, struct ir_op op)
{
    unsigned ta =
        op.op == IR_fcvt || op.op == IR_f2i || op.op == IR_i2f || op.op == IR_fl_fcmp ? op.imm & 0xff : op.type;
    unsigned n = ir_nargs(ir, &op);
    ir_init(ir, &ir_cpu_target, 0, 12);
    ir_insn(ir, 0, 4);
    for (unsigned k = 0; k < n; k++) {
        ir_ref v = type_is_int(ta) ? ir_get(ir, SLOT_Y) : ir_get(ir, SLOT_V + k);
        unsigned es = ta == IR_F16 ? 1 : ta == IR_F32 ? 2 : 3;
        *op_arg(&op, k) = ta == IR_V128 || type_is_int(ta) ? v : ir_vget(ir, ta, es, v, 0);
    }
    ir_ref r = (ir_ref)ir->nops;
    ir->ops[ir->nops++] = op;
    unsigned t = ir_result(&op);
    if (type_is_int(t)) {
        ir_put(ir, SLOT_X, r);
    } else if (t == IR_FLAGS) {
        ir_put(ir, SLOT_FL, r);
    } else {
        ir_put(ir, SLOT_V + 3, t == IR_V128 ? r : ir_vzero_ext(ir, t, r));
    }
    ir_exit(ir, 16, EXIT_JUMP);
}

static void edge_op(struct ir_op op, struct rng *r, unsigned n)
{
    static const struct jit_opts o = {.tlb = 1, .cached_pc = ~0ull};
    unsigned from = op.op == IR_fcvt || op.op == IR_f2i || op.op == IR_fl_fcmp ? op.imm & 0xff : op.type;
    unsigned es = from == IR_V128 ? op.sub & FP_ES : from == IR_F16 ? 1 : from == IR_F32 ? 2 : 3;
    edge_trace(&trace, op);
    work = trace;
    count_uses(&work);
    assert_true(jit_compile(&work, &o));
    for (unsigned i = 0; i < n; i++) {
        u64 seed = r->s;
        ir_cpu_random(&before, r);
        edge_operands(&before, r, es);
        by_interp = by_jit = before;
        struct ir_outcome want = ir_cpu_interp(&trace, &by_interp), got = jit_run(&by_jit, r, &o);
        struct buf why = {0};
        if (!ir_cpu_same(&by_interp, &want, &by_jit, &got, FP_MASK, &why)) {
            show(&trace, seed, &why);
            printf("operands %016" PRIx64 "%016" PRIx64 " %016" PRIx64 "%016" PRIx64 " %016" PRIx64 " round %u\n",
                   before.v[0].d[1], before.v[0].d[0], before.v[1].d[1], before.v[1].d[0], before.v[2].d[0],
                   before.env.round);
            fail();
        }
        buf_free(&why);
    }
}

static void edge_conversions(struct rng *r, unsigned t, unsigned n)
{
    for (unsigned round = 0; round <= FPR_CURRENT; round++) {
        if (round == FPR_ODD) {
            continue;
        }
        for (unsigned u = 0; u < 2; u++) {
            edge_op((struct ir_op){.op = IR_f2i, .type = IR_I32, .imm = F2I(t, round, u * F2I_UNS)}, r, n);
            edge_op((struct ir_op){.op = IR_f2i, .type = IR_I64, .imm = F2I(t, round, u * F2I_UNS)}, r, n);
            edge_op((struct ir_op){.op = IR_fround, .type = (u8)t, .imm = round | (u ? FPR_EXACT : 0)}, r, n);
        }
    }
    for (unsigned u = 0; u < 2; u++) {
        edge_op((struct ir_op){.op = IR_i2f, .type = (u8)t, .imm = I2F(IR_I32, u)}, r, n);
        edge_op((struct ir_op){.op = IR_i2f, .type = (u8)t, .imm = I2F(IR_I64, u)}, r, n);
    }
    for (unsigned from = IR_F16; from <= IR_F64; from++) {
        for (unsigned dn = 0; dn < 2 && from != t; dn++) {
            edge_op((struct ir_op){.op = IR_fcvt, .type = (u8)t, .sub = dn ? FP_DN : 0, .imm = from}, r, n);
        }
    }
}

static void edge_vector_conversions(struct rng *r, unsigned es, unsigned n)
{
    for (unsigned round = 0; round <= FPR_CURRENT; round++) {
        for (unsigned u = 0; u < 2 && round != FPR_ODD; u++) {
            edge_op((struct ir_op){.op = IR_vf2i, .type = IR_V128, .sub = (u8)es, .imm = F2I(0, round, u * F2I_UNS)}, r,
                    n);
            edge_op((struct ir_op){.op = IR_fround, .type = IR_V128, .sub = (u8)es, .imm = round | (u ? FPR_EXACT : 0)},
                    r, n);
        }
    }
    for (unsigned u = 0; u < 2; u++) {
        edge_op((struct ir_op){.op = IR_vi2f, .type = IR_V128, .sub = (u8)es, .imm = I2F(0, u)}, r, n);
        if (es < 3) {
            edge_op((struct ir_op){.op = IR_vfcvtl, .type = IR_V128, .sub = (u8)es, .imm = u}, r, n);
        }
        if (es > 1) {
            u8 sub = (u8)(es | (u ? FP_DN : 0));
            edge_op((struct ir_op){.op = IR_vfcvtn, .type = IR_V128, .sub = sub, .imm = FPR_CURRENT}, r, n);
        }
    }
    for (unsigned k = 0; k < 2 * FC_SIGNAL; k++) {
        edge_op((struct ir_op){.op = IR_vfcmp, .type = IR_V128, .sub = (u8)es, .imm = k}, r, n / 8);
    }
}

static void float_edges(void **state)
{
    (void)state;
    struct rng r = {rng_seed("float_edges")};
    unsigned n = count_of(400);
    for (unsigned op = IR_fadd; op <= IR_fmaxc; op++) {
        for (unsigned t = IR_F16; t <= IR_V128; t++) {
            for (unsigned es = t == IR_V128 ? 1 : 0; es <= (t == IR_V128 ? 3u : 0u); es++) {
                for (unsigned v = 0; v < 8; v++) {
                    u8 sub = (u8)(es | (v & 1 ? FP_DN : 0));
                    if (op == IR_fma || v < 2) {
                        edge_op((struct ir_op){.op = (u8)op, .type = (u8)t, .sub = sub, .imm = v >> 1}, &r, n);
                    }
                }
            }
        }
    }
    for (unsigned t = IR_F16; t <= IR_F64; t++) {
        for (unsigned k = 0; k < 4; k++) {
            u32 imm = t | (k & 1 ? (u32)FCMP_SIGNAL : 0) | (k & 2 ? (u32)FCMP_ZPC : 0);
            edge_op((struct ir_op){.op = IR_fl_fcmp, .type = IR_FLAGS, .imm = imm}, &r, n);
        }
        edge_conversions(&r, t, n);
    }
    for (unsigned es = 1; es <= 3; es++) {
        edge_vector_conversions(&r, es, n);
    }
}

/* -- what lies above a scalar -------------------------------------------------------------------------------------- */

static void compare_once(struct rng *r)
{
    static const struct jit_opts o = {.tlb = 1, .cached_pc = ~0ull};
    work = trace;
    count_uses(&work);
    assert_true(jit_compile(&work, &o));
    ir_cpu_random(&before, r);
    by_interp = by_jit = before;
    struct ir_outcome want = ir_cpu_interp(&trace, &by_interp), got = jit_run(&by_jit, r, &o);
    struct buf why = {0};
    assert_true(ir_cpu_same(&by_interp, &want, &by_jit, &got, FP_MASK, &why));
    buf_free(&why);
}

/* A double that a helper wrote, read as a vector: what lies behind its slot is no part of it. */
static void a_slot_ends_with_its_type(void **state)
{
    struct rng r = {rng_seed("slot")};
    (void)state;
    ir_init(&trace, &ir_cpu_target, 0, 12);
    ir_insn(&trace, 0, 4);
    ir_call(&trace, HELP_SET_ALL, 0, 0, 0, 0);
    ir_insn(&trace, 4, 4);
    ir_put(&trace, SLOT_V + 3, ir_vzero_ext(&trace, IR_F64, ir_get(&trace, SLOT_D)));
    ir_exit(&trace, 16, EXIT_JUMP);
    compare_once(&r);
}

/* The halves are the lowest lanes of whole vectors: whichever is chosen comes alone. */
static void a_chosen_half_comes_alone(void **state)
{
    struct rng r = {rng_seed("half")};
    struct ir *ir = &trace;
    (void)state;
    ir_init(ir, &ir_cpu_target, 0, 12);
    ir_insn(ir, 0, 4);
    ir_ref a = ir_vget(ir, IR_F16, 1, ir_get(ir, SLOT_V), 0), b = ir_vget(ir, IR_F16, 1, ir_get(ir, SLOT_V + 1), 0);
    ir_ref c = ir_select(ir, CC_ULT, IR_I64, ir_get(ir, SLOT_X), ir_get(ir, SLOT_X + 1), IR_F16, a, b);
    ir_put(ir, SLOT_V + 3, ir_vzero_ext(ir, IR_F16, c));
    ir_exit(ir, 16, EXIT_JUMP);
    compare_once(&r);
}

int main(void)
{
    if (!host_native()) {
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(integer_ops),
        cmocka_unit_test(integer_memory),
        cmocka_unit_test(long_traces),
        cmocka_unit_test(vectors),
        cmocka_unit_test(everything),
        cmocka_unit_test(long_everything),
        cmocka_unit_test(float_edges),
        cmocka_unit_test(loops),
        cmocka_unit_test(flags_of_faults),
        cmocka_unit_test(a_slot_ends_with_its_type),
        cmocka_unit_test(a_chosen_half_comes_alone),
    };
    cmocka_set_test_filter(getenv("MOSS_TEST"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
