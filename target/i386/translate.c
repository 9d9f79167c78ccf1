/* x86 translation: forming a trace, and the ways out of it.
 *
 * A trace starts anywhere in a page and follows the flow forward: on below conditional branches (or at their target,
 * see likely_taken), into unconditional forward ones. A short loop is in it more than once. It ends at the page's end,
 * at backward and indirect branches, and at what may change the mode. An instruction that reaches into the next page is
 * the only one of its trace. */
#include <string.h>

#include "target/i386/i386.h"
#include "target/i386/x86.h"

static x86_tr *const translators[X86_FNS] = {
#define FUNCTION(name) tr_##name,
#define X86_FUNCTIONS
#include "target/i386/i386_insns.inc"
#undef X86_FUNCTIONS
#undef FUNCTION
};

enum { PAGE_SIZE = 1 << TLB_PAGE_BITS, SHORT_LOOP = 10 };

/* -- ways out --------------------------------------------------------------------------------------------------------
 */

static bool ip_is_linear(const struct x86 *t)
{
    return t->bits == 64 || MODE_BASE(t->mode, SEG_CS);
}
static ir_ref linear_of(struct x86 *t, ir_ref ip)
{
    if (ip_is_linear(t)) {
        return ip;
    }
    return ir_zext(t->ir, IR_I64, ir_add(t->ir, IR_I64, ir_get(t->ir, SLOT_CS_BASE), ip), 32);
}
static ir_ref cut_ip(struct x86 *t, ir_ref ip)
{
    return t->in.opsize == 8 ? ip : ir_zext(t->ir, IR_I64, ip, 8 * t->in.opsize);
}

ir_ref next_ip(struct x86 *t)
{
    ir_ref pc = ir_pc(t->ir, next_off(t));
    if (t->bits == 64) {
        return pc;
    }
    ir_ref ip = ip_is_linear(t) ? pc : ir_sub(t->ir, IR_I64, pc, ir_get(t->ir, SLOT_CS_BASE));
    return ir_zext(t->ir, IR_I64, ip, t->bits);
}

#define FAR_JUMP (16 << 20)
/* A jump by a constant stays one when the instruction pointer can't wrap: not with 16 bits of it, nor far away with 32.
 * A near one at the ends of the 4 GiB is cut where it is looked up (x86_branch_target). */
static bool is_plain(const struct x86 *t, i64 displacement)
{
    return t->in.opsize == 8 || (t->in.opsize == 4 && displacement > -FAR_JUMP && displacement < FAR_JUMP);
}

static ir_ref done_how(struct x86 *t)
{
    return ir_const(t->ir, (t->mode & MODE_STEP ? X86_DONE_STEP : 0) | (t->mode & MODE_SHADOW ? X86_DONE_SHADOW : 0) |
                               (t->mode & MODE_SPLIT ? X86_DONE_SPLIT : 0));
}
/* Out by a helper that looks what follows the instruction: what it raises finds the instruction done, so it counts as
 * one of its own. */
static void done_at(struct x86 *t, ir_ref pc)
{
    ir_insn(t->ir, (u32)t->off, t->in.len);
    ir_call(t->ir, H_insn_done, pc, done_how(t), 0, 0);
    ir_exit_pc(t->ir);
    t->flow = FLOW_END;
}
static void done_ip(struct x86 *t, ir_ref ip)
{
    done_at(t, linear_of(t, ip));
}
/* Jumps of 16 bits stay inside a segment of 64 KiB. */
static bool jumps_checked(const struct x86 *t)
{
    return (t->mode & MODE_CODE_LIMIT) && !(t->in.opsize == 2 && (t->mode & MODE_CODE_64K));
}
void x86_jump_check(struct x86 *t, ir_ref ip)
{
    if (jumps_checked(t)) {
        ir_call(t->ir, H_jump_check, cut_ip(t, ip), 0, 0, 0);
    }
}
void x86_jump_check_near(struct x86 *t, i64 displacement)
{
    if (jumps_checked(t)) {
        x86_jump_check(t, ir_addi(t->ir, IR_I64, next_ip(t), displacement));
    }
}
void x86_jump_check_if(struct x86 *t, ir_ref taken, i64 displacement)
{
    if (jumps_checked(t)) {
        ir_ref to = cut_ip(t, ir_addi(t->ir, IR_I64, next_ip(t), displacement)), none = ir_const(t->ir, 0);
        x86_jump_check(t, ir_select(t->ir, CC_NE, IR_I64, taken, none, IR_I64, to, none));
    }
}

void x86_goto_ind(struct x86 *t, ir_ref ip, enum ir_exit_kind kind)
{
    ip = cut_ip(t, ip);
    if (t->mode & MODE_AFTER) {
        done_ip(t, ip);
        return;
    }
    ir_exit_ind(t->ir, linear_of(t, ip), kind);
    t->flow = FLOW_END;
}

void x86_goto(struct x86 *t, i64 displacement, enum ir_exit_kind kind)
{
    i64 target = next_off(t) + displacement;
    if (!is_plain(t, displacement) || (t->mode & MODE_AFTER) || target != (i32)target) {
        x86_goto_ind(t, ir_addi(t->ir, IR_I64, next_ip(t), displacement), kind);
    } else if (kind == EXIT_JUMP && t->follow && target > t->off && target < PAGE_SIZE) {
        t->flow = FLOW_JUMP;
        t->next = (i32)target;
    } else {
        ir_exit(t->ir, (i32)target, kind);
        t->flow = FLOW_END;
    }
}

/* On at an offset in the page in another block, by what the mode is now. */
static void leave_to(struct x86 *t, i32 off)
{
    if (t->mode == t->entry) {
        ir_exit(t->ir, off, EXIT_JUMP);
    } else {
        ir_call(t->ir, H_mode_look, 0, 0, 0, 0);
        ir_exit_ind(t->ir, ir_pc(t->ir, off), EXIT_JUMP);
    }
    t->flow = FLOW_END;
}

/* On below a side exit, or out when the block may have no more. */
static void side_exit_done(struct x86 *t)
{
    t->exits++;
    if (!t->follow && !t->ir->ended) {
        leave_to(t, next_off(t));
    }
}

/* A short loop comes more than once into its trace: the sums of the rounds become one, and what the way back costs is
 * paid once for all of them. The branch is the last round's; before that it leads out, and the trace goes on at its own
 * start. */
static bool next_round(struct x86 *t, i64 displacement)
{
    i32 to = next_off(t) + (i32)displacement;
    if (to != t->start || !t->follow) {
        return false;
    }
    if (t->rounds == 0) {
        t->rounds = t->exits ? 1 : t->count <= SHORT_LOOP ? 4 : t->count <= 2 * SHORT_LOOP ? 2 : 1;
    }
    if (t->rounds == 1) {
        return false;
    }
    t->rounds--;
    t->exits++;
    t->flow = FLOW_JUMP;
    t->next = to;
    return true;
}

/* A forward branch over a jump that goes further: a compiler that thought the way below likely had put there what is
 * jumped to. So do loops that are entered in the middle. */
static bool likely_taken(struct x86 *t, i64 displacement)
{
    i32 below = next_off(t);
    i64 target = below + displacement, further = 0;
    const u8 *p = t->page + below;
    if (!t->follow || displacement <= 0 || target >= PAGE_SIZE || below + 5 > PAGE_SIZE || t->bits == 16) {
        return false;
    }
    if (p[0] == 0xeb) { /* JMP */
        further = below + 2 + (i8)p[1];
    } else if (p[0] == 0xe9) {
        further = below + 5 + (i64)(i32)ld32le(p + 1);
    }
    if (further <= target) {
        return false;
    }
    t->flow = FLOW_JUMP;
    t->next = (i32)target;
    return true;
}

void x86_branch(struct x86 *t, enum ir_cond cc, ir_ref flags, i64 displacement)
{
    if (!is_plain(t, displacement) || (t->mode & MODE_AFTER)) {
        ir_ref ip = next_ip(t), to = cut_ip(t, ir_addi(t->ir, IR_I64, ip, displacement));
        x86_goto_ind(t, ir_selectf(t->ir, cc, flags, IR_I64, to, ip), EXIT_JUMP);
        return;
    }
    if (next_round(t, displacement)) {
        ir_exitf(t->ir, cc_invert(cc), flags, next_off(t));
        return;
    }
    if (likely_taken(t, displacement)) {
        ir_exitf(t->ir, cc_invert(cc), flags, next_off(t));
    } else {
        ir_exitf(t->ir, cc, flags, (i32)(next_off(t) + displacement));
    }
    side_exit_done(t);
}
void x86_branch_cc(struct x86 *t, enum ir_cond cc, enum ir_type type, ir_ref a, ir_ref b, i64 displacement)
{
    if (!is_plain(t, displacement) || (t->mode & MODE_AFTER)) {
        ir_ref ip = next_ip(t), to = cut_ip(t, ir_addi(t->ir, IR_I64, ip, displacement));
        x86_goto_ind(t, ir_select(t->ir, cc, type, a, b, IR_I64, to, ip), EXIT_JUMP);
        return;
    }
    if (next_round(t, displacement)) {
        ir_exitcc(t->ir, cc_invert(cc), type, a, b, next_off(t));
        return;
    }
    if (likely_taken(t, displacement)) {
        ir_exitcc(t->ir, cc_invert(cc), type, a, b, next_off(t));
    } else {
        ir_exitcc(t->ir, cc, type, a, b, (i32)(next_off(t) + displacement));
    }
    side_exit_done(t);
}

void x86_again(struct x86 *t, ir_ref again)
{
    if (t->mode & MODE_AFTER) { /* each round is a step */
        ir_ref here = ir_pc(t->ir, t->off), next = ir_pc(t->ir, next_off(t));
        done_at(t, ir_select(t->ir, CC_NE, IR_I64, again, ir_const(t->ir, 0), IR_I64, here, next));
        return;
    }
    if (t->mode == t->entry) {
        ir_exitcc(t->ir, CC_NE, IR_I64, again, ir_const(t->ir, 0), t->off);
    } else {
        ir_exitcc_care(t->ir, CC_NE, IR_I64, again, ir_const(t->ir, 0), t->off);
    }
    side_exit_done(t);
}

void x86_end(struct x86 *t)
{
    if (t->mode != t->entry) {
        ir_call(t->ir, H_mode_look, 0, 0, 0, 0);
    }
    done_at(t, ir_pc(t->ir, next_off(t)));
}
void x86_leave(struct x86 *t)
{
    if (t->mode & MODE_AFTER || t->mode != t->entry) {
        x86_end(t);
    } else {
        ir_exit_ind(t->ir, ir_pc(t->ir, next_off(t)), EXIT_JUMP);
        t->flow = FLOW_END;
    }
}

void x86_exit_pc(struct x86 *t)
{
    ir_exit_pc(t->ir);
    t->flow = FLOW_END;
}

void x86_raise(struct x86 *t, enum x86_exception vector, u32 error)
{
    ir_call(t->ir, H_raise, ir_const(t->ir, vector), ir_const(t->ir, error), 0, 0);
    x86_exit_pc(t);
}

/* -- one instruction
 * ---------------------------------------------------------------------------------------------------- */

static void translate_insn(struct x86 *t)
{
    unsigned nops = t->ir->nops;
    t->in.lock = t->in.lock && !(t->mode & MODE_SPLIT);
    t->flow = FLOW_NEXT;
    t->addr = 0;
    if (!translators[t->in.row->fn](t) && !t->ir->full) {
        t->ir->nops = nops;
        t->ir->ended = false;
        x86_raise(t, EXC_UD, 0);
    } else if ((t->mode & MODE_AFTER) && t->flow == FLOW_NEXT && !t->ir->ended) {
        x86_end(t);
    }
}

/* -- a trace
 * -------------------------------------------------------------------------------------------------------------- */

enum fetched { FETCHED, FETCH_UNDEFINED, FETCH_LONG, FETCH_CUT, FETCH_NEXT_PAGE };

/* Decodes at t->off. */
static enum fetched fetch(struct x86 *t, const struct tr_request *rq)
{
    unsigned left = PAGE_SIZE - (unsigned)t->off;
    enum x86_decoded d = x86_decode(&t->in, rq->page + t->off, MIN(left, 15u), t->bits, t->features);
    if (d == X86_CUT) {
        u8 both[30];
        if (!rq->next_page) {
            return FETCH_NEXT_PAGE;
        }
        memcpy(both, rq->page + t->off, left);
        memcpy(both + left, rq->next_page, 15);
        d = x86_decode(&t->in, both, 15, t->bits, t->features);
        return d == X86_DECODED ? FETCH_CUT : d == X86_LONG ? FETCH_LONG : FETCH_UNDEFINED;
    }
    return d == X86_DECODED ? FETCHED : d == X86_LONG ? FETCH_LONG : FETCH_UNDEFINED;
}

/* What the first instruction of a block asks for all of it. */
static void checks_before(struct x86 *t)
{
    if (t->mode & MODE_BREAK) {
        ir_call(t->ir, H_break_check, ir_pc(t->ir, t->off), 0, 0, 0);
    }
    if (t->mode & MODE_CODE_LIMIT) {
        ir_call(t->ir, H_code_check, ir_pc(t->ir, t->off), ir_const(t->ir, MAX(t->in.len, (u8)1)), 0, 0);
    }
}

/* Does an op from number `from` on write memory, or may? */
static bool writes_memory(const struct ir *ir, unsigned from)
{
    for (unsigned i = from; i < ir->nops; i++) {
        unsigned op = ir->ops[i].op;
        if (op == IR_st || op == IR_rmw || op == IR_cas || op == IR_call) {
            return true;
        }
    }
    return false;
}

/* Of an unsteady trace that has been formed once and has n bytes: are they still those? n 0: of no such trace. */
static void look_at_bytes(struct x86 *t, const struct tr_request *rq, unsigned n)
{
    u8 bytes[PAGE_SIZE + 15];
    if (!n) {
        return;
    }
    unsigned first = MIN(n, (unsigned)PAGE_SIZE - rq->off);
    memcpy(bytes, rq->page + rq->off, first);
    if (n > first) {
        memcpy(bytes + first, rq->next_page, n - first);
    }
    ir_call(t->ir, H_code_look, ir_pc(t->ir, t->off), ir_const(t->ir, n), ir_const(t->ir, x86_code_sum(bytes, n)), 0);
}

/* An instruction that makes no direct exit, or sees to it (x86_again): it may be of a trace whose mode is another by
 * now. What the kernel does between STAC and CLAC, for the most part. */
static bool may_stay(const struct x86 *t)
{
    switch (t->in.row->fn) {
    case X86_FN_mov:
    case X86_FN_movsx:
    case X86_FN_movzx:
    case X86_FN_movsxd:
    case X86_FN_movnti:
    case X86_FN_movs:
    case X86_FN_stos:
    case X86_FN_lods:
    case X86_FN_lea:
    case X86_FN_add:
    case X86_FN_sub:
    case X86_FN_and:
    case X86_FN_or:
    case X86_FN_xor:
    case X86_FN_cmp:
    case X86_FN_test:
    case X86_FN_inc:
    case X86_FN_dec:
    case X86_FN_shl:
    case X86_FN_shr:
    case X86_FN_sar:
    case X86_FN_xchg:
    case X86_FN_cmpxchg:
    case X86_FN_xadd:
    case X86_FN_cmovcc:
    case X86_FN_setcc:
    case X86_FN_push:
    case X86_FN_pop:
    case X86_FN_hint_nop:
    case X86_FN_lfence:
    case X86_FN_clac:
    case X86_FN_stac:
        return true;
    default:
        return false;
    }
}

static void form_insns(struct x86 *t, const struct tr_request *rq, struct tr_result *rs, unsigned max_insns,
                       unsigned look)
{
    struct ir *ir = t->ir;
    for (unsigned n = 1;; n++) {
        enum fetched f = fetch(t, rq);
        if (f == FETCH_NEXT_PAGE && n == 1) {
            rs->need_next_page = true;
            return;
        }
        bool cut = n > 1 && (f == FETCH_NEXT_PAGE || f == FETCH_CUT); /* a trace of its own */
        if (cut && t->mode == t->entry && !rq->one_space) {
            ir_exit_ind(ir, ir_pc(ir, t->off), EXIT_JUMP);
            return;
        }
        if (cut || (f == FETCHED && x87_splits(t)) || (t->mode != t->entry && (f != FETCHED || !may_stay(t)))) {
            leave_to(t, t->off);
            return;
        }
        ir_insn(ir, (u32)t->off, MAX(t->in.len, (u8)1));
        rs->end = MAX(rs->end, (u32)t->off + MAX(t->in.len, (u8)1));
        if (n == 1) {
            checks_before(t);
            look_at_bytes(t, rq, look);
        }
        unsigned nops = ir->nops;
        if (f == FETCH_UNDEFINED || f == FETCH_LONG) {
            x86_raise(t, f == FETCH_LONG ? EXC_GP : EXC_UD, 0);
            return;
        }
        t->count = n;
        t->follow = rq->follow && n < max_insns && t->exits < X86_SIDE_EXITS - 1 && f == FETCHED;
        translate_insn(t);
        if (t->flow == FLOW_END || ir->ended || ir->full) {
            return;
        }
        i32 next = t->flow == FLOW_JUMP ? t->next : next_off(t);
        if (n >= max_insns || (rq->unsteady && writes_memory(ir, nops)) || next >= PAGE_SIZE ||
            t->exits >= X86_SIDE_EXITS) {
            leave_to(t, next);
            return;
        }
        t->off = next;
    }
}

static void form_trace(struct ir *ir, const struct tr_request *rq, struct tr_result *rs, unsigned max_insns,
                       unsigned look)
{
    struct x86 t = {.ir = ir,
                    .page = rq->page,
                    .mode = rq->mode,
                    .entry = rq->mode,
                    .features = x86_features_of(MODE_FEAT(rq->mode)),
                    .bits = MODE_BITS(rq->mode),
                    .start = (i32)rq->off,
                    .off = (i32)rq->off};
    ir_init(ir, &x86_ir_target, rq->off, TLB_PAGE_BITS);
    *rs = (struct tr_result){.start = rq->off, .end = rq->off + 1};
    if (rq->mode & (MODE_AFTER | MODE_TIGHT)) {
        max_insns = 1;
    }
    form_insns(&t, rq, rs, max_insns, look);
}

void x86_translate(struct ir *ir, const struct tr_request *rq, struct tr_result *rs)
{
    unsigned max = rq->max_insns ? rq->max_insns : 64;
    for (;;) {
        form_trace(ir, rq, rs, max, 0);
        if (rq->unsteady && !rs->need_next_page && !ir->full) {
            form_trace(ir, rq, rs, max, rs->end - rs->start);
        }
        if (!ir->full) {
            return;
        }
        must(max > 1);
        max /= 2;
    }
}
