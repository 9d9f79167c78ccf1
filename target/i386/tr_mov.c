/* Moving data: MOV, LEA, XCHG, the stack, conditional moves, exchanges with a comparison (SDM volume 1, 7.3.1). */
#include "target/i386/x86.h"

bool tr_mov(struct x86 *t)
{
    opd_put(t, 0, opd_get(t, 1));
    return true;
}
bool tr_movnti(struct x86 *t)
{
    return tr_mov(t);
}
bool tr_lea(struct x86 *t)
{
    opd_put(t, 0, x86_ea_bytes(t, opd_bytes(t, 0) == 4 ? MIN(t->in.addrsize, 4) : t->in.addrsize));
    return true;
}

/* With memory it is atomic, LOCK or not. */
bool tr_xchg(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    ir_ref b = opd_get(t, 1);
    if (opd_is_mem(t, 0) && !(t->mode & MODE_SPLIT)) {
        ir_ref addr = x86_mem(t, n, true);
        opd_put(t, 1, ir_rmw(t->ir, RMW_SWAP, int_type(n), addr, 0, b, x86_mo(t, n)));
        return true;
    }
    ir_ref a = opd_get(t, 0);
    opd_put(t, 0, b);
    opd_put(t, 1, a);
    return true;
}
bool tr_nop_xchg(struct x86 *t) /* 90: XCHG EAX, EAX does not clear the upper half */
{
    return t->in.opreg ? tr_xchg(t) : true;
}
bool tr_hint_nop(struct x86 *t)
{
    (void)t;
    return true;
}
bool tr_hint_mem(struct x86 *t)
{
    (void)t;
    return true;
}
bool tr_xlat(struct x86 *t)
{
    struct ir *ir = t->ir;
    ir_ref ea = ir_add(ir, IR_I64, ir_get(ir, SLOT_RBX), ir_zext(ir, IR_I64, ir_get(ir, SLOT_RAX), 8));
    ea = t->in.addrsize < 8 ? ir_zext(ir, IR_I64, ea, 8 * t->in.addrsize) : ea;
    ir_ref a = x86_linear(t, t->in.seg == SEG_DEFAULT ? SEG_DS : t->in.seg, ea, 1, false);
    gpr_put(t, 0, 1, x86_load(t, a, 1));
    return true;
}

/* -- conditions
 * ------------------------------------------------------------------------------------------------------------- */

enum ir_cond x86_cond(const struct x86 *t)
{
    static const u8 cc[16] = {CC_VS, CC_VC, CC_ULT, CC_UGE, CC_EQ,  CC_NE,  CC_ULE, CC_UGT,
                              CC_MI, CC_PL, CC_PE,  CC_PO,  CC_SLT, CC_SGE, CC_SLE, CC_SGT};
    return (enum ir_cond)cc[t->in.opcode & 15];
}
bool tr_setcc(struct x86 *t)
{
    opd_put(t, 0, ir_setf(t->ir, x86_cond(t), ir_get(t->ir, SLOT_FLAGS)));
    return true;
}
/* The source is read, and a register of 4 bytes cleared above, whatever the condition. */
bool tr_cmovcc(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    ir_ref b = opd_get(t, 1), a = opd_get(t, 0);
    opd_put(t, 0, ir_selectf(t->ir, x86_cond(t), ir_get(t->ir, SLOT_FLAGS), int_type(n), b, a));
    return true;
}

/* -- compare and exchange
 * --------------------------------------------------------------------------------------------------------- */

/* Memory is written in any case, a register only when they are equal (its upper half too). What was there goes to the
 * accumulator when it differs. */
bool tr_cmpxchg(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0);
    enum ir_type ty = int_type(n);
    ir_ref acc = gpr_get(t, 0, n), src = opd_get(t, 1), old;
    bool mem = opd_is_mem(t, 0);
    if (t->in.lock) {
        old = ir_cas(ir, ty, x86_mem(t, n, true), 0, acc, src, x86_mo(t, n));
    } else {
        old = opd_get(t, 0);
    }
    ir_ref fl = ir_fl_sub(ir, flag_type(n), acc, old, 0), rax = ir_get(ir, SLOT_RAX);
    ir_ref whole = mem ? 0 : ir_get(ir, SLOT_RAX + t->in.rm), to = whole;
    if (mem && !t->in.lock) {
        opd_put(t, 0, ir_selectf(ir, CC_EQ, fl, ty, src, old));
    }
    if (n == 4) {
        ir_put(ir, SLOT_RAX, ir_selectf(ir, CC_EQ, fl, IR_I64, rax, ir_zext(ir, IR_I64, old, 32)));
        to = mem ? 0 : ir_selectf(ir, CC_EQ, fl, IR_I64, ir_zext(ir, IR_I64, src, 32), whole);
    } else {
        gpr_put(t, 0, n, ir_selectf(ir, CC_EQ, fl, ty, acc, old));
    }
    if (!mem && n == 4) {
        ir_put(ir, SLOT_RAX + t->in.rm, to);
    } else if (!mem) {
        opd_put(t, 0, ir_selectf(ir, CC_EQ, fl, ty, src, old));
    }
    ir_put(ir, SLOT_FLAGS, fl);
    return true;
}

bool tr_xadd(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned n = opd_bytes(t, 0);
    enum ir_type ty = int_type(n);
    ir_ref b = opd_get(t, 1), a;
    if (t->in.lock) {
        a = ir_rmw(ir, RMW_ADD, ty, x86_mem(t, n, true), 0, b, x86_mo(t, n));
        opd_put(t, 1, a);
    } else {
        a = opd_get(t, 0);
        ir_ref sum = ir_add(ir, ty, a, b);
        if (opd_is_mem(t, 0)) {
            opd_put(t, 0, sum);
            opd_put(t, 1, a);
        } else {
            opd_put(t, 1, a);
            opd_put(t, 0, sum);
        }
    }
    ir_put(ir, SLOT_FLAGS, ir_fl_add(ir, flag_type(n), a, b, 0));
    return true;
}

/* ZF alone: mem == EDX:EAX, then mem = ECX:EBX. */
bool tr_cmpxchg8b(struct x86 *t)
{
    struct ir *ir = t->ir;
    ir_ref acc = ir_deposit(ir, IR_I64, ir_get(ir, SLOT_RAX), ir_get(ir, SLOT_RDX), 32, 32);
    ir_ref src = ir_deposit(ir, IR_I64, ir_get(ir, SLOT_RBX), ir_get(ir, SLOT_RCX), 32, 32), addr = x86_mem(t, 8, true),
           old;
    if (t->in.lock) {
        old = ir_cas(ir, IR_I64, addr, 0, acc, src, x86_mo(t, 8));
    } else {
        old = x86_load(t, addr, 8);
        x86_store(t, addr, ir_select(ir, CC_EQ, IR_I64, old, acc, IR_I64, src, old), 8);
    }
    ir_ref rax = ir_get(ir, SLOT_RAX), rdx = ir_get(ir, SLOT_RDX);
    ir_ref low = ir_zext(ir, IR_I64, old, 32), high = ir_shri(ir, IR_I64, old, 32);
    ir_put(ir, SLOT_RAX, ir_select(ir, CC_EQ, IR_I64, old, acc, IR_I64, rax, low));
    ir_put(ir, SLOT_RDX, ir_select(ir, CC_EQ, IR_I64, old, acc, IR_I64, rdx, high));
    ir_ref zf = ir_select(ir, CC_EQ, IR_I64, old, acc, IR_I32, ir_const(ir, FL_Z), ir_const(ir, 0));
    ir_put(ir, SLOT_FLAGS, ir_fl_mix(ir, FL_Z, ir_fl_pack(ir, zf), ir_get(ir, SLOT_FLAGS)));
    return true;
}
bool tr_cmpxchg16b(struct x86 *t)
{
    ir_call(t->ir, H_cmpxchg16b, x86_mem(t, 16, true), 0, 0, 0); /* rax rdx flags */
    return true;
}

/* -- the stack
 * -------------------------------------------------------------------------------------------------------------------
 */

static unsigned stack_bytes(const struct x86 *t)
{
    return t->bits == 64 ? 8 : t->mode & MODE_SS32 ? 4 : 2;
}
/* rSP + k, cut to the stack's size. */
static ir_ref stack_at(struct x86 *t, i64 k)
{
    ir_ref sp = ir_addi(t->ir, IR_I64, ir_get(t->ir, SLOT_RSP), k);
    unsigned n = stack_bytes(t);
    return n == 8 ? sp : ir_zext(t->ir, IR_I64, sp, 8 * n);
}
void x86_stack_move(struct x86 *t, i64 k)
{
    gpr_put(t, 4, stack_bytes(t), ir_addi(t->ir, IR_I64, ir_get(t->ir, SLOT_RSP), k));
}
void x86_stack_store(struct x86 *t, i64 k, ir_ref v, unsigned n)
{
    x86_store(t, x86_linear(t, SEG_SS, stack_at(t, k), n, true), v, n);
}
ir_ref x86_stack_load(struct x86 *t, i64 k, unsigned n)
{
    return x86_load(t, x86_linear(t, SEG_SS, stack_at(t, k), n, false), n);
}

bool tr_push(struct x86 *t)
{
    unsigned n = t->in.opsize;
    ir_ref v = opd_get(t, 0);
    t->addr = 0;
    x86_stack_store(t, -(i64)n, v, n);
    x86_stack_move(t, -(i64)n);
    return true;
}
/* The address of a memory operand is computed with rSP after the pop; POP rSP keeps what was popped. */
bool tr_pop(struct x86 *t)
{
    unsigned n = t->in.opsize;
    ir_ref v = x86_stack_load(t, 0, n);
    if (opd_is_mem(t, 0)) {
        if (t->in.base == 4) {
            t->in.disp += n;
        }
        opd_put(t, 0, v);
        x86_stack_move(t, n);
    } else {
        x86_stack_move(t, n);
        opd_put(t, 0, v);
    }
    return true;
}
bool tr_pusha(struct x86 *t)
{
    unsigned n = t->in.opsize;
    for (unsigned r = 0; r < 8; r++) {
        x86_stack_store(t, -(i64)(n * (r + 1)), ir_get(t->ir, SLOT_RAX + r), n);
    }
    x86_stack_move(t, -(i64)(8 * n));
    return true;
}
bool tr_popa(struct x86 *t)
{
    unsigned n = t->in.opsize;
    ir_ref v[8];
    for (unsigned r = 8; r-- > 0;) { /* as they are popped: a fault tells the first address */
        v[r] = r == 4 ? 0 : x86_stack_load(t, (i64)(n * (7 - r)), n);
    }
    for (unsigned r = 0; r < 8; r++) {
        if (r != 4) {
            gpr_put(t, r, n, v[r]);
        }
    }
    x86_stack_move(t, 8 * n);
    return true;
}
bool tr_leave(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned n = t->in.opsize, s = stack_bytes(t);
    ir_ref bp = ir_get(ir, SLOT_RBP), at = s == 8 ? bp : ir_zext(ir, IR_I64, bp, 8 * s);
    ir_ref v = x86_load(t, x86_linear(t, SEG_SS, at, n, false), n);
    gpr_put(t, 4, s, ir_addi(ir, IR_I64, bp, n));
    gpr_put(t, 5, n, v);
    return true;
}
/* Frames of outer levels, which nothing makes any more, are the helper's. */
bool tr_enter(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned n = t->in.opsize, s = stack_bytes(t);
    if (t->in.imm2 & 31) {
        ir_call(ir, H_enter, ir_const(ir, t->in.imm & 0xffff), ir_const(ir, t->in.imm2 & 31), ir_const(ir, n), 0);
        return true;
    }
    x86_stack_store(t, -(i64)n, ir_get(ir, SLOT_RBP), n);
    ir_ref frame = ir_addi(ir, IR_I64, ir_get(ir, SLOT_RSP), -(i64)n);
    gpr_put(t, 4, s, ir_addi(ir, IR_I64, frame, -(i64)(t->in.imm & 0xffff)));
    gpr_put(t, 5, n, frame);
    return true;
}
