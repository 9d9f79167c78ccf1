/* Segments and what leads from one to another: far jumps, calls and returns, far pointers, descriptors' rights, tables
 * (SDM volume 2: JMP, CALL, RET, IRET, LDS, LAR, LSL, VERR, ARPL, LGDT, LLDT, LTR, BOUND). The checks are the helpers'.
 */
#include "target/i386/x86.h"

static ir_ref next_pc(struct x86 *t)
{
    return ir_pc(t->ir, next_off(t));
}
static bool is_protected(const struct x86 *t)
{
    return (t->mode & MODE_PE) && !(t->mode & MODE_VM);
}
static ir_ref operand_bytes(struct x86 *t)
{
    return ir_const(t->ir, t->in.opsize);
}

/* Behind a helper that set pc. */
static bool far_end(struct x86 *t)
{
    x86_exit_pc(t);
    return true;
}

/* -- far pointers
 * ---------------------------------------------------------------------------------------------------------
 */

struct pointer {
    ir_ref ip, sel;
};
static struct pointer far_pointer(struct x86 *t)
{
    unsigned n = t->in.opsize;
    if (x86_opds[opd(t, 0)].place == PL_A) {
        return (struct pointer){ir_const(t->ir, t->in.imm & MASK(8 * n)), ir_const(t->ir, t->in.imm2 & 0xffff)};
    }
    ir_ref at = x86_mem(t, n + 2, false), ip = x86_load(t, at, n);
    return (struct pointer){ip, x86_load(t, ir_addi(t->ir, IR_I64, at, n), 2)};
}
bool tr_jmp_far(struct x86 *t)
{
    struct pointer p = far_pointer(t);
    ir_call(t->ir, H_jmp_far, p.sel, p.ip, operand_bytes(t), next_pc(t));
    return far_end(t);
}
bool tr_call_far(struct x86 *t)
{
    struct pointer p = far_pointer(t);
    ir_call(t->ir, H_call_far, p.sel, p.ip, operand_bytes(t), next_pc(t));
    return far_end(t);
}
bool tr_ret_far(struct x86 *t)
{
    u64 drop = t->in.row->opds[0] ? t->in.imm & 0xffff : 0;
    ir_call(t->ir, H_ret_far, operand_bytes(t), ir_const(t->ir, drop), 0, 0);
    return far_end(t);
}
bool tr_iret(struct x86 *t)
{
    ir_call(t->ir, H_iret, operand_bytes(t), next_pc(t), 0, 0);
    return far_end(t);
}

static bool load_pointer(struct x86 *t, unsigned seg)
{
    unsigned n = opd_bytes(t, 0); /* of the offset: Gz */
    n = t->in.opsize == 8 ? 8 : n;
    ir_ref at = x86_mem(t, n + 2, false), off = x86_load(t, at, n);
    ir_ref sel = x86_load(t, ir_addi(t->ir, IR_I64, at, n), 2);
    ir_call(t->ir, H_seg_load, ir_const(t->ir, seg), sel, 0, 0);
    gpr_put(t, t->in.reg, n, off);
    x86_leave(t);
    return true;
}
bool tr_les(struct x86 *t)
{
    return load_pointer(t, SEG_ES);
}
bool tr_lds(struct x86 *t)
{
    return load_pointer(t, SEG_DS);
}
bool tr_lss(struct x86 *t)
{
    return load_pointer(t, SEG_SS);
}
bool tr_lfs(struct x86 *t)
{
    return load_pointer(t, SEG_FS);
}
bool tr_lgs(struct x86 *t)
{
    return load_pointer(t, SEG_GS);
}

/* -- what a descriptor says
 * -----------------------------------------------------------------------------------------------
 */

static bool look(struct x86 *t, unsigned helper)
{
    if (!is_protected(t)) {
        return false;
    }
    unsigned n = t->in.opsize;
    ir_ref sel = ir_zext(t->ir, IR_I32, opd_get(t, 1), 16);
    ir_ref old = gpr_get(t, t->in.reg, n);
    gpr_put(t, t->in.reg, n, ir_call(t->ir, helper, sel, old, 0, 0));
    return true;
}
bool tr_lar(struct x86 *t)
{
    return look(t, H_lar);
}
bool tr_lsl(struct x86 *t)
{
    return look(t, H_lsl);
}
static bool verify(struct x86 *t, bool write)
{
    if (!is_protected(t)) {
        return false;
    }
    ir_call(t->ir, H_verify, ir_zext(t->ir, IR_I32, opd_get(t, 0), 16), ir_const(t->ir, write), 0, 0);
    return true;
}
bool tr_verr(struct x86 *t)
{
    return verify(t, false);
}
bool tr_verw(struct x86 *t)
{
    return verify(t, true);
}

/* The destination is written in any case, which a fault then tells. */
bool tr_arpl(struct x86 *t)
{
    struct ir *ir = t->ir;
    if (!is_protected(t)) {
        return false;
    }
    ir_ref d = opd_get(t, 0), s = opd_get(t, 1);
    ir_ref dr = ir_andi(ir, IR_I32, d, 3), sr = ir_andi(ir, IR_I32, s, 3);
    ir_ref raised = ir_or(ir, IR_I32, ir_andi(ir, IR_I32, d, 0xfffc), sr);
    opd_put(t, 0, ir_select(ir, CC_ULT, IR_I32, dr, sr, IR_I32, raised, d));
    ir_ref zf = ir_select(ir, CC_ULT, IR_I32, dr, sr, IR_I32, ir_const(ir, FL_Z), ir_const(ir, 0));
    ir_put(ir, SLOT_FLAGS, ir_fl_mix(ir, FL_Z, ir_fl_pack(ir, zf), ir_get(ir, SLOT_FLAGS)));
    return true;
}

bool tr_bound(struct x86 *t)
{
    struct ir *ir = t->ir;
    unsigned n = t->in.opsize;
    ir_ref at = x86_mem(t, 2 * n, false), low = x86_load(t, at, n), high = x86_load(t, ir_addi(ir, IR_I64, at, n), n);
    ir_ref i = gpr_get(t, t->in.reg, n);
    i = ir_sext(ir, IR_I64, i, 8 * n);
    ir_call(ir, H_bound, i, ir_sext(ir, IR_I64, low, 8 * n), ir_sext(ir, IR_I64, high, 8 * n), 0);
    return true;
}

/* -- tables
 * ---------------------------------------------------------------------------------------------------------------
 */

static bool umip(struct x86 *t)
{
    if (t->mode & MODE_UMIP) {
        x86_raise(t, EXC_GP, 0);
        return true;
    }
    return false;
}
static bool level0(struct x86 *t)
{
    if (MODE_CPL(t->mode)) {
        x86_raise(t, EXC_GP, 0);
        return false;
    }
    return true;
}

static bool table_store(struct x86 *t, bool idt)
{
    struct ir *ir = t->ir;
    if (umip(t)) {
        return true;
    }
    unsigned n = t->bits == 64 ? 8 : 4;
    ir_ref at = x86_mem(t, n + 2, true);
    x86_store(t, at, ir_call(ir, H_table_limit, ir_const(ir, idt), 0, 0, 0), 2);
    x86_store(t, ir_addi(ir, IR_I64, at, 2), ir_call(ir, H_table_base, ir_const(ir, idt), 0, 0, 0), n);
    return true;
}
bool tr_sgdt(struct x86 *t)
{
    return table_store(t, false);
}
bool tr_sidt(struct x86 *t)
{
    return table_store(t, true);
}
/* With 16-bit operands the base has 24 bits. */
static bool table_load(struct x86 *t, bool idt)
{
    struct ir *ir = t->ir;
    if (!level0(t)) {
        return true;
    }
    unsigned n = t->bits == 64 ? 8 : 4;
    ir_ref at = x86_mem(t, n + 2, false), limit = x86_load(t, at, 2);
    ir_ref base = x86_load(t, ir_addi(ir, IR_I64, at, 2), n);
    base = n == 4 ? ir_zext(ir, IR_I64, base, 32) : base;
    base = n == 4 && t->in.opsize == 2 ? ir_andi(ir, IR_I64, base, 0xffffff) : base;
    ir_call(ir, H_table_load, ir_const(ir, idt), base, limit, 0);
    return true;
}
bool tr_lgdt(struct x86 *t)
{
    return table_load(t, false);
}
bool tr_lidt(struct x86 *t)
{
    return table_load(t, true);
}

static bool selector_load(struct x86 *t, unsigned helper)
{
    if (!is_protected(t)) {
        return false;
    }
    if (level0(t)) {
        ir_call(t->ir, helper, ir_zext(t->ir, IR_I32, opd_get(t, 0), 16), 0, 0, 0);
    }
    return true;
}
bool tr_lldt(struct x86 *t)
{
    return selector_load(t, H_lldt);
}
bool tr_ltr(struct x86 *t)
{
    return selector_load(t, H_ltr);
}
static bool selector_store(struct x86 *t, unsigned which)
{
    if (!is_protected(t)) {
        return false;
    }
    if (!umip(t)) {
        opd_put(t, 0, ir_call(t->ir, H_seg_read, ir_const(t->ir, which), 0, 0, 0));
    }
    return true;
}
bool tr_sldt(struct x86 *t)
{
    return selector_store(t, X86_SEL_LDT);
}
bool tr_str(struct x86 *t)
{
    return selector_store(t, X86_SEL_TR);
}
