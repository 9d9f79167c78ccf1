/* A64 translation: forming a trace, and what all instructions share.
 *
 * A trace starts anywhere in a page and follows the flow forward: on below conditional branches (or at their target,
 * see likely_taken), into unconditional forward branches. It ends at the page's end, at backward and indirect branches,
 * and at whatever may change the mode.
 *
 * An exit to an offset with its low bits 3 is "the instruction there finds SP misaligned": the block made for such an
 * offset raises the exception. A guest that branches to such an address gets there too; helper misaligned tells. */
#include "target/arm/a64/a64.h"

#define DECODER
#define HAS(t, feature)   a64_has(t, ARM_FEAT_##feature)
#define IN_CLASS(t, name) ((t)->klass = A64_##name, true)
#include "target/arm/a64/a64_decode.inc"

enum { PAGE_SIZE = 1 << TLB_PAGE_BITS };

/* -- ways out --------------------------------------------------------------------------------------------------- */

/* Stepping: the instruction is done, the next is at pc. */
static void step_to(struct a64 *t, ir_ref pc)
{
    bool exclusive = (t->insn & 0x3f400000) == 0x08400000 && !(t->insn & 0x00800000);
    ir_call(t->ir, H_step_done, pc, ir_const(t->ir, exclusive), 0, 0);
    ir_exit_pc(t->ir);
    t->flow = FLOW_END;
}

void a64_exit(struct a64 *t, i32 target, enum ir_exit_kind kind)
{
    if (t->mode & MODE_STEP) {
        step_to(t, ir_pc(t->ir, target));
        return;
    }
    ir_exit(t->ir, target, kind);
    t->flow = FLOW_END;
}

void a64_exit_ind(struct a64 *t, ir_ref addr, enum ir_exit_kind kind)
{
    if (t->mode & MODE_STEP) {
        step_to(t, addr);
        return;
    }
    ir_exit_ind(t->ir, addr, kind);
    t->flow = FLOW_END;
}

void a64_exit_pc(struct a64 *t)
{
    ir_exit_pc(t->ir);
    t->flow = FLOW_END;
}

void a64_goto(struct a64 *t, i32 target)
{
    if (t->follow && target > t->off && target < PAGE_SIZE) {
        t->flow = FLOW_JUMP;
        t->next = target;
        return;
    }
    a64_exit(t, target, EXIT_JUMP);
}

static void side_exit_done(struct a64 *t)
{
    t->exits++;
    if (!t->follow && !t->ir->ended) {
        a64_exit(t, next_off(t), EXIT_JUMP);
    }
}

/* A forward branch over an unconditional one that goes further: a compiler that thought the way below likely had put
 * there what is jumped to. So do loops that are entered in the middle. */
static bool likely_taken(const struct a64 *t, i32 target)
{
    if (!t->follow || target <= next_off(t) || target >= PAGE_SIZE) {
        return false;
    }
    u32 below = ld32le(t->page + next_off(t));
    return below >> 26 == 5 && next_off(t) + (i32)sext(below, 26) * 4 > target;
}

void a64_branch_cc(struct a64 *t, enum ir_cond cc, enum ir_type type, ir_ref a, ir_ref b, i32 target)
{
    if (t->mode & MODE_STEP) {
        step_to(t, ir_select(t->ir, cc, type, a, b, IR_I64, ir_pc(t->ir, target), next_pc(t)));
        return;
    }
    if (likely_taken(t, target)) {
        ir_exitcc(t->ir, cc_invert(cc), type, a, b, next_off(t));
        a64_goto(t, target);
    } else {
        ir_exitcc(t->ir, cc, type, a, b, target);
    }
    side_exit_done(t);
}

void a64_branch_fl(struct a64 *t, enum ir_cond cc, i32 target)
{
    ir_ref fl = ir_get(t->ir, SLOT_FLAGS);
    if (t->mode & MODE_STEP) {
        step_to(t, ir_selectf(t->ir, cc, fl, IR_I64, ir_pc(t->ir, target), next_pc(t)));
        return;
    }
    if (likely_taken(t, target)) {
        ir_exitf(t->ir, cc_invert(cc), fl, next_off(t));
        a64_goto(t, target);
    } else {
        ir_exitf(t->ir, cc, fl, target);
    }
    side_exit_done(t);
}

void a64_undefined(struct a64 *t)
{
    ir_call(t->ir, H_undefined, 0, 0, 0, 0);
    a64_exit_pc(t);
}

void a64_exception(struct a64 *t, u32 ec, u32 iss)
{
    ir_call(t->ir, H_exception, ir_const(t->ir, ec), ir_const(t->ir, iss), 0, 0);
    a64_exit_pc(t);
}

/* -- flags ------------------------------------------------------------------------------------------------------ */

enum ir_cond a64_cond(u32 cond)
{
    static const u8 map[7] = {CC_EQ, CC_UGE, CC_MI, CC_VS, CC_UGT, CC_SGE, CC_SGT};
    enum ir_cond cc = map[cond >> 1];
    return cond & 1 ? cc_invert(cc) : cc;
}

ir_ref a64_flags_const(struct a64 *t, u32 nzcv)
{
    return ir_fl_pack(t->ir, ir_const(t->ir, arm_nzcv_to_flags(nzcv << 28)));
}

ir_ref a64_nzcv_get(struct a64 *t)
{
    struct ir *ir = t->ir;
    ir_ref p = ir_fl_unpack(ir, ir_get(ir, SLOT_FLAGS));
    ir_ref nz = ir_shli(ir, IR_I32, ir_extract(ir, IR_I32, p, 14, 2), 30);
    ir_ref c = ir_shli(ir, IR_I32, ir_xor(ir, IR_I32, ir_extract(ir, IR_I32, p, 8, 1), ir_const(ir, 1)), 29);
    ir_ref v = ir_shli(ir, IR_I32, ir_extract(ir, IR_I32, p, 0, 1), 28);
    return ir_or(ir, IR_I32, ir_or(ir, IR_I32, nz, c), v);
}

void a64_nzcv_put(struct a64 *t, ir_ref nzcv)
{
    struct ir *ir = t->ir;
    ir_ref nz = ir_shli(ir, IR_I32, ir_extract(ir, IR_I32, nzcv, 30, 2), 14);
    ir_ref c = ir_shli(ir, IR_I32, ir_xor(ir, IR_I32, ir_extract(ir, IR_I32, nzcv, 29, 1), ir_const(ir, 1)), 8);
    ir_ref v = ir_extract(ir, IR_I32, nzcv, 28, 1);
    ir_put(ir, SLOT_FLAGS, ir_fl_pack(ir, ir_or(ir, IR_I32, ir_or(ir, IR_I32, nz, c), v)));
}

/* -- memory ------------------------------------------------------------------------------------------------------ */

void a64_check_sp(struct a64 *t)
{
    if (!(t->mode & MODE_SP_CHECK) || t->sp_aligned) {
        return;
    }
    ir_exitcc(t->ir, CC_TSTNE, IR_I64, xsp_get(t, 31), ir_const(t->ir, 15), t->off | 3);
    t->exits++;
    t->sp_aligned = true;
}

ir_ref a64_base(struct a64 *t, unsigned rn)
{
    if (rn == 31) {
        a64_check_sp(t);
    }
    return xsp_get(t, rn);
}

unsigned a64_mo(const struct a64 *t, unsigned size)
{
    unsigned mo = size;
    if (t->mode & MODE_BE) {
        mo |= MO_BE;
    }
    if (t->mode & MODE_ALIGN) {
        mo |= mo_align(size);
    }
    return mo;
}

void a64_writeback(struct a64 *t, unsigned rn, ir_ref base, i64 offset)
{
    bool keep = rn == 31 && t->sp_aligned && offset % 16 == 0;
    xsp_put(t, rn, ir_addi(t->ir, IR_I64, base, offset));
    t->sp_aligned |= keep;
}

/* -- forming a trace ----------------------------------------------------------------------------------------------- */

/* Blocks that raise an exception whatever the instruction is. */
static bool stillborn(struct a64 *t)
{
    if (t->off & 3) {
        ir_call(t->ir, H_misaligned, ir_pc(t->ir, t->off), 0, 0, 0);
    } else if ((t->mode & (MODE_STEP | MODE_STEP_SS)) == MODE_STEP) {
        ir_call(t->ir, H_step_pending, 0, 0, 0, 0);
    } else if (t->mode & MODE_IL) {
        a64_exception(t, 0x0e, 0);
        return true;
    } else {
        return false;
    }
    a64_exit_pc(t);
    return true;
}

static void translate_insn(struct a64 *t)
{
    struct ir *ir = t->ir;
    t->flow = FLOW_NEXT;
    if (t->mode & MODE_BREAK) {
        ir_call(ir, H_break_check, 0, 0, 0, 0);
    }
    unsigned nops = ir->nops;
    if (!a64_decode(t, t->insn)) {
        a64_undefined(t);
        return;
    }
    /* A trapped SIMD&FP instruction is first of all a defined one: what it emitted is taken back. */
    bool fp = t->klass == A64_fp || t->klass == A64_simd || t->klass == A64_simdls;
    if (fp && (t->mode & MODE_FP_TRAP) && !ir->full) {
        ir->nops = nops;
        ir->ended = false;
        ir_call(ir, H_fp_trap, 0, 0, 0, 0);
        a64_exit_pc(t);
    }
}

static void form_trace(struct ir *ir, const struct tr_request *rq, struct tr_result *rs, unsigned max_insns)
{
    struct a64 t = {.ir = ir,
                    .page = rq->page,
                    .mode = rq->mode,
                    .features = arm_features(MODE_FEAT(rq->mode)),
                    .off = (i32)rq->off,
                    .ex.log2 = 0xff};
    ir_init(ir, &arm_ir_target, rq->off, TLB_PAGE_BITS);
    rs->start = rq->off & ~3u;
    rs->end = rs->start + 4;
    rs->need_next_page = false;
    if (rq->mode & MODE_STEP) {
        max_insns = 1;
    }
    for (unsigned n = 1;; n++) {
        ir_insn(ir, (u32)t.off, 4);
        if (n == 1 && stillborn(&t)) {
            return;
        }
        rs->end = (u32)t.off + 4;
        t.insn = ld32le(t.page + t.off);
        t.follow = rq->follow && n < max_insns && t.exits < A64_SIDE_EXITS - 1;
        translate_insn(&t);
        if (t.flow == FLOW_END || ir->ended || ir->full) {
            return; /* ended: also by a side exit whose condition is known to hold */
        }
        i32 next = t.flow == FLOW_JUMP ? t.next : next_off(&t);
        if (n >= max_insns || next >= PAGE_SIZE || t.exits >= A64_SIDE_EXITS) {
            a64_exit(&t, next, EXIT_JUMP);
            return;
        }
        t.off = next;
    }
}

void a64_translate(struct ir *ir, const struct tr_request *rq, struct tr_result *rs)
{
    unsigned max = rq->max_insns ? rq->max_insns : 64;
    for (;;) {
        form_trace(ir, rq, rs, max);
        if (!ir->full) {
            return;
        }
        must(max > 1);
        max /= 2;
    }
}
