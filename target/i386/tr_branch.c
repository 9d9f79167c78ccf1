/* Jumps, calls, returns and loops inside the code segment (SDM volume 1, 7.3.8). Far ones are the segment helpers'. */
#include "target/i386/x86.h"

bool tr_jmp(struct x86 *t)
{
    x86_jump_check_near(t, (i64)t->in.imm);
    x86_goto(t, (i64)t->in.imm, EXIT_JUMP);
    return true;
}
bool tr_jmp_ind(struct x86 *t)
{
    ir_ref to = opd_get(t, 0);
    x86_jump_check(t, to);
    x86_goto_ind(t, to, EXIT_JUMP);
    return true;
}
bool tr_jcc(struct x86 *t)
{
    ir_ref fl = ir_get(t->ir, SLOT_FLAGS);
    x86_jump_check_if(t, ir_setf(t->ir, x86_cond(t), fl), (i64)t->in.imm);
    x86_branch(t, x86_cond(t), fl, (i64)t->in.imm);
    return true;
}

static void push_return(struct x86 *t)
{
    unsigned n = t->in.opsize;
    x86_stack_store(t, -(i64)n, next_ip(t), n);
    x86_stack_move(t, -(i64)n);
}
bool tr_call(struct x86 *t)
{
    x86_jump_check_near(t, (i64)t->in.imm);
    push_return(t);
    x86_goto(t, (i64)t->in.imm, EXIT_CALL);
    return true;
}
bool tr_call_ind(struct x86 *t)
{
    ir_ref to = opd_get(t, 0);
    x86_jump_check(t, to);
    push_return(t);
    x86_goto_ind(t, to, EXIT_CALL);
    return true;
}
bool tr_ret(struct x86 *t)
{
    unsigned n = t->in.opsize;
    ir_ref to = x86_stack_load(t, 0, n);
    x86_jump_check(t, to);
    x86_stack_move(t, n + (t->in.row->opds[0] ? (i64)(t->in.imm & 0xffff) : 0));
    x86_goto_ind(t, to, EXIT_RET);
    return true;
}

/* rCX by the address size. LOOPE and LOOPNE look at ZF too: a branch each. */
static ir_ref count_of(struct x86 *t)
{
    unsigned n = t->in.addrsize;
    ir_ref c = ir_get(t->ir, SLOT_RCX);
    return n == 8 ? c : ir_zext(t->ir, IR_I64, c, 8 * n);
}
static bool loop_while(struct x86 *t, int zf)
{
    struct ir *ir = t->ir;
    unsigned n = t->in.addrsize;
    ir_ref less = ir_addi(ir, IR_I64, ir_get(ir, SLOT_RCX), -1), c = n == 8 ? less : ir_zext(ir, IR_I64, less, 8 * n);
    if (zf >= 0) { /* counts as 0 when ZF is not as asked */
        c = ir_selectf(ir, zf ? CC_EQ : CC_NE, ir_get(ir, SLOT_FLAGS), IR_I64, c, ir_const(ir, 0));
    }
    x86_jump_check_if(t, c, (i64)t->in.imm);
    gpr_put(t, 1, n, less);
    x86_branch_cc(t, CC_NE, IR_I64, c, ir_const(ir, 0), (i64)t->in.imm);
    return true;
}
bool tr_loop(struct x86 *t)
{
    return loop_while(t, -1);
}
bool tr_loope(struct x86 *t)
{
    return loop_while(t, 1);
}
bool tr_loopne(struct x86 *t)
{
    return loop_while(t, 0);
}
bool tr_jcxz(struct x86 *t)
{
    ir_ref c = count_of(t);
    x86_jump_check_if(t, ir_setcc(t->ir, CC_EQ, IR_I64, c, ir_const(t->ir, 0)), (i64)t->in.imm);
    x86_branch_cc(t, CC_EQ, IR_I64, c, ir_const(t->ir, 0), (i64)t->in.imm);
    return true;
}
