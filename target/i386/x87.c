/* The exact x87: dispatch, exceptions, arithmetic and comparisons. Translated code comes here for what it cannot do
 * itself: whenever an exception is not masked, a register is not as expected, or the instruction is rare.
 *
 * An exception that is not masked sets ES; the next instruction that waits takes #MF. */
#include <string.h>

#include "target/i386/helpers.h"
#include "target/i386/x87.h"

/* -- the stack --------------------------------------------------------------------------------------------------- */

void x87_put(struct x87 *x, unsigned i, f80 v)
{
    struct x86_st *s = x86_st(x->cpu, i);
    s->frac = v.frac;
    s->se = v.se;
    x->cpu->ftw &= ~(1u << i);
}
void x87_push(struct x87 *x, f80 v)
{
    struct x86_cpu *cpu = x->cpu;
    cpu->ftop = (cpu->ftop - 1) & 7;
    cpu->ftw = cpu->ftw << 1 & 0xff;
    x87_put(x, 0, v);
}
void x87_pop(struct x87 *x)
{
    struct x86_cpu *cpu = x->cpu;
    cpu->ftop = (cpu->ftop + 1) & 7;
    cpu->ftw = cpu->ftw >> 1 | 0x80;
}

/* -- exceptions --------------------------------------------------------------------------------------------------- */

f80 x87_indefinite(void)
{
    return (f80){3ull << 62, 0xffff};
}
void x87_c1(struct x87 *x, bool v)
{
    x->cpu->fsw = (x->cpu->fsw & ~(u32)FSW_C1) | (v ? FSW_C1 : 0);
}
void x87_cc(struct x87 *x, u32 cc)
{
    x->cpu->fsw = (x->cpu->fsw & ~(u32)FSW_CC) | cc;
}
bool x87_raise(struct x87 *x, u32 exceptions)
{
    struct x86_cpu *cpu = x->cpu;
    u32 unmasked = exceptions & ~cpu->fcw & FSW_EXCEPTIONS;
    exceptions &= unmasked & FSW_PRE ? FSW_PRE | FSW_SF : ~0u;
    cpu->fsw |= exceptions | (unmasked ? FSW_ES | FSW_B : 0);
    return unmasked & FSW_PRE;
}
bool x87_stack_fault(struct x87 *x, bool overflow)
{
    x87_c1(x, overflow);
    return x87_raise(x, FSW_IE | FSW_SF);
}
bool x87_finish(struct x87 *x)
{
    bool stopped = x87_raise(x, x87_exceptions(x));
    x87_c1(x, !stopped && (x->env.flags & FP_ROUNDED_UP));
    return !stopped;
}
u32 x87_exceptions(const struct x87 *x)
{
    u32 f = x->env.flags;
    bool tiny = x87_masked(x, FSW_UE) ? f & FP_UNDERFLOW : f & FP_TINY;
    return (f & FP_INVALID ? FSW_IE : 0) | (f & FP_DENORMAL_USED ? FSW_DE : 0) | (f & FP_DIVZERO ? FSW_ZE : 0) |
           (f & FP_OVERFLOW ? FSW_OE : 0) | (tiny ? FSW_UE : 0) | (f & FP_INEXACT ? FSW_PE : 0);
}

/* -- operands in memory ---------------------------------------------------------------------------------------------
 */

struct operand {
    f80 v;
    bool denormal; /* it was one in its format */
};

static struct operand float_of(u64 raw, unsigned bytes)
{
    struct operand o;
    o.v = bytes == 4 ? f32_as_f80((f32)raw, &o.denormal) : f64_as_f80(raw, &o.denormal);
    return o;
}
/* The second operand: memory as the opcode says, or ST(i). Empty: false. */
static bool source(struct x87 *x, struct operand *o)
{
    struct vcpu *v = &x->cpu->vcpu;
    unsigned n = x87_memory_bytes(x->key.fop);
    u64 raw = 0;
    *o = (struct operand){.denormal = false};
    if (!n) {
        o->v = x87_get(x, x->key.fop & 7);
        return !x87_empty(x, x->key.fop & 7);
    }
    v->sv->load(v, x->addr, &raw, n, x86_view(x->cpu));
    if (x->key.fop >> 9 & 1) { /* DA, DE */
        o->v = f80_from_sint(sext(raw, 8 * n), 0, &x->env);
    } else {
        *o = float_of(raw, n);
    }
    return true;
}
/* A denormal in memory counts as those in registers do. */
static void use_denormal(struct x87 *x, const struct operand *o, f80 other)
{
    bool nan = x87_is_nan(other) || x87_is_bad(other);
    if (o->denormal && !nan && !(x->env.flags & (FP_INVALID | FP_DIVZERO))) {
        x->env.flags |= FP_DENORMAL_USED;
    }
}

/* -- arithmetic -----------------------------------------------------------------------------------------------------
 */

enum arith { ADD, MUL, SUB, SUBR, DIV, DIVR };

static f80 compute(struct x87 *x, enum arith op, f80 a, f80 b)
{
    switch (op) {
    case ADD:
        return f80_add(a, b, &x->env);
    case MUL:
        return f80_mul(a, b, &x->env);
    case SUB:
        return f80_sub(a, b, &x->env);
    case SUBR:
        return f80_sub(b, a, &x->env);
    case DIV:
        return f80_div(a, b, &x->env);
    default:
        return f80_div(b, a, &x->env);
    }
}

static void done(struct x87 *x, unsigned to, f80 v, bool pop)
{
    if (!x87_finish(x)) {
        return;
    }
    x87_put(x, to, v);
    if (pop) {
        x87_pop(x);
    }
}

static void arith(struct x87 *x, enum arith op)
{
    bool to_sti = x->key.fop >> 10 & 1 && (x->key.fop & 0xc0) == 0xc0, pop = (x->key.fop >> 8) == 6 && to_sti;
    unsigned sti = x->key.fop & 7, to = to_sti ? sti : 0;
    struct operand b;
    bool ok = source(x, &b);
    if (!ok || x87_empty(x, 0)) {
        if (!x87_stack_fault(x, false)) {
            x87_put(x, to, x87_indefinite());
            if (pop) {
                x87_pop(x);
            }
        }
        return;
    }
    f80 a = x87_get(x, 0), r = to_sti ? compute(x, op, b.v, a) : compute(x, op, a, b.v);
    use_denormal(x, &b, a);
    done(x, to, r, pop);
}

/* -- comparisons ------------------------------------------------------------------------------------------------- */

static u32 cc_of(enum fp_rel rel)
{
    return rel == FP_LESS ? FSW_C0 : rel == FP_EQUAL ? FSW_CC3 : rel == FP_GREATER ? 0 : FSW_C0 | FSW_C2 | FSW_CC3;
}
static void set_flags(struct x87 *x, u32 cc)
{
    x->cpu->flags = (cc & FSW_C0 ? FL_C : 0) | (cc & FSW_C2 ? FL_P : 0) | (cc & FSW_CC3 ? FL_Z : 0);
}

/* quiet: quiet NaNs are no exception; flags: to EFLAGS. What is found is told even if an exception is not masked: the
 * SDM says so of all but invalid operands, AMD's processors do it for these too. */
static void compare(struct x87 *x, bool quiet, unsigned pops, bool flags)
{
    struct operand b = {.v = {0, 0}};
    bool ok = x->key.fn == X86_FN_ftst || source(x, &b), stopped;
    u32 cc = FSW_C0 | FSW_C2 | FSW_CC3, c1 = x->cpu->fsw & FSW_C1;
    x87_c1(x, false);
    if (!ok || x87_empty(x, 0)) {
        stopped = x87_stack_fault(x, false);
    } else {
        f80 a = x87_get(x, 0);
        cc = cc_of(quiet ? f80_compare_quiet(a, b.v, &x->env) : f80_compare(a, b.v, &x->env));
        use_denormal(x, &b, a);
        stopped = x87_raise(x, x87_exceptions(x));
        x87_c1(x, flags && c1); /* FCOMI and its kind leave it */
    }
    if (flags) {
        set_flags(x, cc);
    } else {
        x87_cc(x, cc);
    }
    while (!stopped && pops--) {
        x87_pop(x);
    }
}

static void examine(struct x87 *x)
{
    f80 v = x87_get(x, 0);
    unsigned exp = v.se & 0x7fff;
    u32 cc = v.se & 0x8000 ? FSW_C1 : 0;
    if (x87_empty(x, 0)) {
        cc |= FSW_CC3 | FSW_C0;
    } else if (exp == 0) {
        cc |= v.frac ? FSW_CC3 | FSW_C2 : FSW_CC3;
    } else if (!x87_is_bad(v)) {
        bool inf = v.frac == 1ull << 63;
        cc |= exp != 0x7fff ? FSW_C2 : inf ? FSW_C2 | FSW_C0 : FSW_C0;
    }
    x87_cc(x, cc);
}

/* -- of ST alone ----------------------------------------------------------------------------------------------------
 */

static bool one_operand(struct x87 *x)
{
    unsigned fn = x->key.fn;
    if (fn != X86_FN_fchs && fn != X86_FN_fabs && fn != X86_FN_fsqrt && fn != X86_FN_frndint) {
        return false;
    }
    f80 v = x87_get(x, 0);
    x87_c1(x, false);
    if (x87_empty(x, 0)) {
        if (!x87_stack_fault(x, false)) {
            x87_put(x, 0, x87_indefinite());
        }
    } else if (fn == X86_FN_fchs || fn == X86_FN_fabs) {
        x87_put(x, 0, fn == X86_FN_fchs ? f80_neg(v) : f80_abs(v));
    } else {
        done(x, 0, fn == X86_FN_fsqrt ? f80_sqrt(v, &x->env) : f80_round_int(v, x->env.round, true, &x->env), false);
    }
    return true;
}

static bool compute_row(struct x87 *x)
{
    switch (x->key.fn) {
#define FORMS(name, op) \
    case X86_FN_##name: \
    case X86_FN_##name##_mem: \
    case X86_FN_##name##_int: \
    case X86_FN_##name##p: \
        arith(x, op); \
        return true;
        FORMS(fadd, ADD)
        FORMS(fsub, SUB)
        FORMS(fsubr, SUBR)
        FORMS(fmul, MUL)
        FORMS(fdiv, DIV)
        FORMS(fdivr, DIVR)
#undef FORMS
#define COMPARE(name, quiet, pops, flags) \
    case X86_FN_##name: \
        compare(x, quiet, pops, flags); \
        return true;
        COMPARE(fcom, false, 0, false)
        COMPARE(fcom_mem, false, 0, false)
        COMPARE(fcom_int, false, 0, false)
        COMPARE(ftst, false, 0, false)
        COMPARE(fcomp, false, 1, false)
        COMPARE(fcomp_mem, false, 1, false)
        COMPARE(fcomp_int, false, 1, false)
        COMPARE(fcompp, false, 2, false)
        COMPARE(fucom, true, 0, false)
        COMPARE(fucomp, true, 1, false)
        COMPARE(fucompp, true, 2, false)
        COMPARE(fcomi, false, 0, true)
        COMPARE(fcomip, false, 1, true)
        COMPARE(fucomi, true, 0, true)
        COMPARE(fucomip, true, 1, true)
#undef COMPARE
    case X86_FN_fxam:
        examine(x);
        return true;
    default:
        return one_operand(x);
    }
}

/* -- the instruction --------------------------------------------------------------------------------------------------
 */

static void env_begin(struct x87 *x)
{
    static const u8 rc[] = {FP_RNE, FP_RM, FP_RP, FP_RZ}, precision[] = {24, 64, 53, 64};
    u32 fcw = x->cpu->fcw;
    x->env = FP_ENV_X87;
    x->env.round = rc[fcw >> FCW_RC_SHIFT & 3];
    x->env.f80_precision = precision[fcw >> FCW_PC_SHIFT & 3];
    x->env.wrap = (fcw & FSW_OE ? 0 : FP_OVERFLOW) | (fcw & FSW_UE ? 0 : FP_UNDERFLOW);
}

static void execute(struct x87 *x)
{
    if (!compute_row(x) && !x87_move(x)) {
        must(x87_math(x));
    }
}

void x86_h_x87(struct vcpu *v, u64 word, u64 addr, u64 data)
{
    struct x87 x = {.cpu = x86_cpu(v), .addr = addr};
    u32 w = (u32)word;
    x86_fpu_home(v);
    memcpy(&x.key, &w, sizeof(x.key));
    if (!x.key.no_wait) {
        x86_h_x87_wait(v);
    }
    env_begin(&x);
    if (x.cpu->fcare) {
        x.cpu->fcare = 0;
        v->sv->mode_changed(v);
    }
    if (x87_control(&x)) {
        return;
    }
    u64 pc = v->sv->helper_pc(v);
    execute(&x);
    struct x86_cpu *cpu = x.cpu;
    cpu->fop = x.key.fop;
    cpu->fip = x.key.mode64 ? pc : (u32)(pc - cpu->seg[SEG_CS].base);
    cpu->fcs = cpu->seg[SEG_CS].sel;
    if (x.key.seg != SEG_DEFAULT) {
        cpu->fdp = data;
        cpu->fds = cpu->seg[x.key.seg].sel;
    }
}

/* -- what hosts with an x87 do themselves (tcg/ir.h)
 * --------------------------------------------------------------------
 */

static void begin(struct x87 *x, struct vcpu *v, u64 word, u64 addr)
{
    u32 key = (u32)word;
    *x = (struct x87){.cpu = x86_cpu(v), .addr = addr + (u64)(i64)X87_OFF(word)};
    memcpy(&x->key, &key, sizeof(x->key));
    x86_fpu_home(v);
    env_begin(x);
}

void x86_h_x87_plain(struct vcpu *v, u64 none UNUSED, u64 word)
{
    struct x87 x;
    begin(&x, v, word, 0);
    if (x.key.fn == X86_FN_fnclex) {
        x.cpu->fsw &= FSW_CC;
    } else {
        execute(&x);
    }
}
void x86_h_x87_mem(struct vcpu *v, u64 addr, u64 word, u64 mo UNUSED)
{
    struct x87 x;
    begin(&x, v, word, addr);
    execute(&x);
}
u64 x86_h_x87_flags(struct vcpu *v, u64 none UNUSED, u64 word)
{
    struct x87 x;
    u32 old = x86_cpu(v)->flags;
    begin(&x, v, word, 0);
    execute(&x);
    u32 found = x.cpu->flags;
    x.cpu->flags = old;
    return found;
}
void x86_h_x87_select(struct vcpu *v, u64 moves, u64 word)
{
    struct x87 x;
    u32 old = x86_cpu(v)->flags;
    begin(&x, v, word, 0);
    bool inverted = x.key.fop >> 8 & 1;
    x.cpu->flags = (moves != 0) != inverted ? FL_C | FL_Z | FL_P : 0;
    execute(&x);
    x.cpu->flags = old;
}
u64 x86_h_x87_status(struct vcpu *v, u64 none UNUSED, u64 word UNUSED)
{
    x86_fpu_home(v);
    return x86_cpu(v)->fsw | x86_cpu(v)->ftop << FSW_TOP_SHIFT;
}
/* The trace puts the word where this unit looks. */
void x86_h_x87_control(struct vcpu *v, u64 fcw UNUSED, u64 word UNUSED)
{
    x86_fpu_home(v);
}
