/* Registers, memory operands and immediates of x86 instructions. */
#include "target/i386/x86.h"

/* -- registers -------------------------------------------------------------------------------------------------------
 */

/* AH CH DH BH. */
static bool is_high_byte(const struct x86 *t, unsigned r, unsigned bytes)
{
    return bytes == 1 && r >= 4 && r < 8 && !t->in.rex;
}

ir_ref gpr_get(struct x86 *t, unsigned r, unsigned bytes)
{
    if (is_high_byte(t, r, bytes)) {
        return ir_shri(t->ir, IR_I32, ir_get(t->ir, SLOT_RAX + r - 4), 8);
    }
    return ir_get(t->ir, SLOT_RAX + r);
}

void gpr_put(struct x86 *t, unsigned r, unsigned bytes, ir_ref v)
{
    if (bytes == 8) {
        ir_put(t->ir, SLOT_RAX + r, v);
    } else if (bytes == 4) {
        ir_put(t->ir, SLOT_RAX + r, ir_zext(t->ir, IR_I64, v, 32));
    } else {
        bool high = is_high_byte(t, r, bytes);
        unsigned slot = SLOT_RAX + (high ? r - 4 : r);
        ir_put(t->ir, slot, ir_deposit(t->ir, IR_I64, ir_get(t->ir, slot), v, high ? 8 : 0, 8 * bytes));
    }
}

/* -- addresses -------------------------------------------------------------------------------------------------------
 */

/* Sums of 4 bytes are made as such, whose upper half is 0: nothing is left to cut off. */
ir_ref x86_ea_bytes(struct x86 *t, unsigned bytes)
{
    const struct x86_instr *in = &t->in;
    struct ir *ir = t->ir;
    enum ir_type ty = int_type(bytes);
    ir_ref a = 0;
    bool clean = bytes == 8;
    if (in->base == X86_RIP) {
        a = ir_pc(ir, (i32)(next_off(t) + in->disp));
        return clean ? a : ir_zext(ir, IR_I64, a, 32);
    }
    if (in->base != X86_NO_REG) {
        a = ir_get(ir, SLOT_RAX + in->base);
        clean = clean || (bytes == 4 && t->bits != 64);
    }
    if (in->index != X86_NO_REG) {
        ir_ref i = ir_shli(ir, ty, ir_get(ir, SLOT_RAX + in->index), in->scale);
        clean = bytes == 8 || (bytes == 4 && (a || in->scale || t->bits != 64));
        a = a ? ir_add(ir, ty, a, i) : i;
    }
    if (!a || in->disp) {
        clean = bytes >= 4;
        a = a ? ir_add(ir, ty, a, ir_const(ir, bytes == 8 ? (u64)in->disp : (u32)in->disp))
              : ir_const(ir, (u64)in->disp & MASK(8 * bytes));
        clean = clean || ir_is_const(a);
    }
    return clean ? a : ir_zext(ir, IR_I64, a, 8 * bytes);
}
ir_ref x86_ea(struct x86 *t)
{
    return x86_ea_bytes(t, t->in.addrsize);
}

unsigned x86_seg(const struct x86 *t)
{
    const struct x86_instr *in = &t->in;
    if (in->seg != SEG_DEFAULT) {
        return in->seg;
    }
    return in->base == 4 || in->base == 5 ? SEG_SS : SEG_DS; /* rSP, rBP */
}

ir_ref x86_linear(struct x86 *t, unsigned seg, ir_ref offset, unsigned n, bool write)
{
    static const u8 base[] = {[SEG_ES] = SLOT_ES_BASE, [SEG_CS] = SLOT_CS_BASE, [SEG_SS] = SLOT_SS_BASE,
                              [SEG_DS] = SLOT_DS_BASE, [SEG_FS] = SLOT_FS_BASE, [SEG_GS] = SLOT_GS_BASE};
    if (t->bits == 64) { /* other bases are 0, nothing is checked but that the address is canonical: the walk does */
        return seg < SEG_FS ? offset : ir_add(t->ir, IR_I64, ir_get(t->ir, base[seg]), offset);
    }
    if (!MODE_OPEN(t->mode, seg)) {
        ir_call(t->ir, H_seg_check, ir_const(t->ir, seg), offset, ir_const(t->ir, n), ir_const(t->ir, write));
    }
    if (MODE_BASE(t->mode, seg)) {
        return offset;
    }
    return ir_add(t->ir, IR_I32, ir_get(t->ir, base[seg]), offset);
}

ir_ref x86_mem(struct x86 *t, unsigned n, bool write)
{
    if (!t->addr) {
        t->addr = x86_linear(t, x86_seg(t), x86_ea(t), n, write);
        t->addr_write = write;
    } else if (write && !t->addr_write && t->bits != 64 && !MODE_OPEN(t->mode, x86_seg(t))) { /* read before */
        ir_call(t->ir, H_seg_check, ir_const(t->ir, x86_seg(t)), x86_ea(t), ir_const(t->ir, n), ir_const(t->ir, true));
        t->addr_write = true;
    }
    return t->addr;
}

/* Loads and stores keep their order, as x86's memory model says; on hosts of that kind it costs nothing. */
unsigned x86_mo_any(const struct x86 *t)
{
    return MO_TSO | mo_view(t->mode & MODE_LIFTED ? X86_VIEW_LIFTED : X86_VIEW_NORMAL);
}
unsigned x86_mo(const struct x86 *t, unsigned bytes)
{
    unsigned log2 = bytes == 1 ? MO_8 : bytes == 2 ? MO_16 : bytes == 4 ? MO_32 : bytes == 8 ? MO_64 : MO_128;
    return log2 | x86_mo_any(t) | (t->mode & MODE_ALIGN ? mo_align(log2) : 0);
}

ir_ref x86_load(struct x86 *t, ir_ref addr, unsigned bytes)
{
    return ir_ld(t->ir, int_type(bytes), addr, 0, x86_mo(t, bytes));
}
void x86_store(struct x86 *t, ir_ref addr, ir_ref v, unsigned bytes)
{
    ir_st(t->ir, addr, 0, v, int_type(bytes), x86_mo(t, bytes));
}

/* -- operands --------------------------------------------------------------------------------------------------------
 */

bool opd_is_mem(const struct x86 *t, unsigned i)
{
    switch (x86_opds[opd(t, i)].place) {
    case PL_E:
    case PL_Q:
    case PL_W:
        return t->in.mod != 3;
    case PL_M:
    case PL_MV:
    case PL_O:
    case PL_X:
    case PL_Y:
        return true;
    default:
        return false;
    }
}

/* The number of a general register operand, or -1. */
static int gpr_of(const struct x86 *t, unsigned i)
{
    const struct x86_instr *in = &t->in;
    switch (x86_opds[opd(t, i)].place) {
    case PL_E:
        return in->mod == 3 ? in->rm : -1;
    case PL_R:
        return in->rm;
    case PL_G:
        return in->reg;
    case PL_B:
        return in->vvvv;
    case PL_Z:
        return in->opreg;
    case PL_AX:
        return 0;
    case PL_CX:
        return 1;
    case PL_DX:
        return 2;
    default:
        return -1;
    }
}

ir_ref opd_get(struct x86 *t, unsigned i)
{
    unsigned n = opd_bytes(t, i);
    int r = gpr_of(t, i);
    if (r >= 0) {
        return gpr_get(t, (unsigned)r, n);
    }
    switch (x86_opds[opd(t, i)].place) {
    case PL_I:
    case PL_sI:
        return ir_const(t->ir, t->in.imm);
    case PL_I2:
        return ir_const(t->ir, t->in.imm2);
    case PL_ONE:
        return ir_const(t->ir, 1);
    default:
        must(opd_is_mem(t, i));
        return x86_load(t, x86_mem(t, n, false), n);
    }
}

void opd_put(struct x86 *t, unsigned i, ir_ref v)
{
    unsigned n = opd_bytes(t, i);
    int r = gpr_of(t, i);
    if (r >= 0) {
        gpr_put(t, (unsigned)r, n, v);
        return;
    }
    must(opd_is_mem(t, i));
    x86_store(t, x86_mem(t, n, true), v, n);
}
