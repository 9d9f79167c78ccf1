/* The flags register as a whole and by the bit (SDM volume 1, 3.4.3; 7.3.13). */
#include "target/i386/x86.h"

static bool set_bits(struct x86 *t, u32 mask, ir_ref packed)
{
    ir_put(t->ir, SLOT_FLAGS, ir_fl_mix(t->ir, mask, ir_fl_pack(t->ir, packed), ir_get(t->ir, SLOT_FLAGS)));
    return true;
}
bool tr_clc(struct x86 *t)
{
    return set_bits(t, FL_C, ir_const(t->ir, 0));
}
bool tr_stc(struct x86 *t)
{
    return set_bits(t, FL_C, ir_const(t->ir, FL_C));
}
bool tr_cmc(struct x86 *t)
{
    ir_ref c = ir_setf(t->ir, CC_UGE, ir_get(t->ir, SLOT_FLAGS));
    return set_bits(t, FL_C, ir_shli(t->ir, IR_I32, c, 8));
}
bool tr_salc(struct x86 *t)
{
    gpr_put(t, 0, 1, ir_op1(t->ir, IR_neg, IR_I32, ir_setf(t->ir, CC_ULT, ir_get(t->ir, SLOT_FLAGS))));
    return true;
}
bool tr_cld(struct x86 *t)
{
    ir_put(t->ir, SLOT_DF, ir_const(t->ir, 1));
    return true;
}
bool tr_std(struct x86 *t)
{
    ir_put(t->ir, SLOT_DF, ir_const(t->ir, ~0ull));
    return true;
}

/* The packed form has SF ZF AF PF CF as the low byte of EFLAGS has them, 8 bits up. */
_Static_assert(FL_N >> 8 == 0x80 && FL_Z >> 8 == 0x40 && FL_A >> 8 == 0x10 && FL_P >> 8 == 4 && FL_C >> 8 == 1, "lahf");

bool tr_lahf(struct x86 *t)
{
    struct ir *ir = t->ir;
    ir_ref fl = ir_fl_unpack(ir, ir_get(ir, SLOT_FLAGS));
    ir_ref ah = ir_or(ir, IR_I32, ir_extract(ir, IR_I32, fl, 8, 8), ir_const(ir, 2));
    ir_put(ir, SLOT_RAX, ir_deposit(ir, IR_I64, ir_get(ir, SLOT_RAX), ah, 8, 8));
    return true;
}
bool tr_sahf(struct x86 *t)
{
    ir_ref packed = ir_andi(t->ir, IR_I32, ir_get(t->ir, SLOT_RAX), FL_N | FL_Z | FL_A | FL_P | FL_C);
    return set_bits(t, FL_N | FL_Z | FL_A | FL_P | FL_C, packed);
}

/* As x86_eflags() has it, but for RF and VM. */
static ir_ref flags_whole(struct x86 *t)
{
    enum { OF = 11, DF = 10, ONE = 1 << 1, RF = 1 << 16, VM = 1 << 17 };
    struct ir *ir = t->ir;
    ir_ref fl = ir_fl_unpack(ir, ir_get(ir, SLOT_FLAGS)), df = ir_get(ir, SLOT_DF);
    ir_ref low = ir_andi(ir, IR_I32, ir_shri(ir, IR_I32, fl, 8), (FL_N | FL_Z | FL_A | FL_P | FL_C) >> 8);
    ir_ref of = ir_shli(ir, IR_I32, ir_andi(ir, IR_I32, fl, FL_V), OF);
    ir_ref back = ir_shli(ir, IR_I32, ir_shri(ir, IR_I64, df, 63), DF);
    ir_ref rest = ir_andi(ir, IR_I32, ir_get(ir, SLOT_EFLAGS), ~(u32)(RF | VM));
    ir_ref v = ir_or(ir, IR_I32, ir_or(ir, IR_I32, low, of), ir_or(ir, IR_I32, back, rest));
    return ir_or(ir, IR_I32, v, ir_const(ir, ONE));
}
bool tr_pushf(struct x86 *t)
{
    unsigned n = t->in.opsize;
    if (t->mode & MODE_VM && !(t->mode & MODE_IOPL)) {
        x86_raise(t, EXC_GP, 0);
        return true;
    }
    ir_ref v = flags_whole(t);
    x86_stack_store(t, -(i64)n, v, n);
    x86_stack_move(t, -(i64)n);
    return true;
}
bool tr_popf(struct x86 *t)
{
    unsigned n = t->in.opsize;
    ir_ref v = x86_stack_load(t, 0, n);
    ir_call(t->ir, H_flags_write, v, ir_const(t->ir, n), 0, 0); /* may fault, then nothing has changed */
    x86_stack_move(t, n);
    x86_leave(t);
    return true;
}
