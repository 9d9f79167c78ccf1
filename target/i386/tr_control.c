/* Instructions for the system's software: control and debug registers, MSRs, ports, interrupts' enable, halting, caches
 * and TLB, fast system calls (SDM volume 3, 2.8; volume 2). Levels are known from the mode word, so most of what is
 * refused is refused here. */
#include <string.h>

#include "target/i386/x86.h"

/* False: the instruction is #GP(0) at this level. */
static bool level0(struct x86 *t)
{
    if (MODE_CPL(t->mode)) {
        x86_raise(t, EXC_GP, 0);
        return false;
    }
    return true;
}
/* A helper with no operand, at level 0; the mode may change. */
static bool level0_call(struct x86 *t, unsigned helper)
{
    if (level0(t)) {
        ir_call(t->ir, helper, 0, 0, 0, 0);
        x86_leave(t);
    }
    return true;
}
static ir_ref pair_get(struct x86 *t) /* EDX:EAX */
{
    return ir_deposit(t->ir, IR_I64, ir_get(t->ir, SLOT_RAX), ir_get(t->ir, SLOT_RDX), 32, 32);
}
static void pair_put(struct x86 *t, ir_ref v)
{
    gpr_put(t, 0, 4, v);
    gpr_put(t, 2, 4, ir_shri(t->ir, IR_I64, v, 32));
}

/* -- control and debug registers
 * ------------------------------------------------------------------------------------------
 */

/* LOCK MOV CR0 is MOV CR8 on some processors; not here. */
static bool is_cr(const struct x86 *t)
{
    unsigned n = t->in.reg;
    return n == 0 || n == 2 || n == 3 || n == 4 || (n == 8 && t->bits == 64);
}
bool tr_mov_from_cr(struct x86 *t)
{
    if (!is_cr(t)) {
        return false;
    }
    if (level0(t)) {
        opd_put(t, 0, ir_call(t->ir, H_cr_read, ir_const(t->ir, t->in.reg), 0, 0, 0));
    }
    return true;
}
bool tr_mov_to_cr(struct x86 *t)
{
    if (!is_cr(t)) {
        return false;
    }
    if (level0(t)) {
        ir_ref v = opd_get(t, 1);
        v = t->bits == 64 ? v : ir_zext(t->ir, IR_I64, v, 32);
        ir_call(t->ir, H_cr_write, ir_const(t->ir, t->in.reg), v, 0, 0);
        x86_leave(t);
    }
    return true;
}
bool tr_mov_from_dr(struct x86 *t)
{
    if (t->in.reg > 7) {
        return false;
    }
    if (level0(t)) {
        opd_put(t, 0, ir_call(t->ir, H_dr_read, ir_const(t->ir, t->in.reg), 0, 0, 0));
    }
    return true;
}
bool tr_mov_to_dr(struct x86 *t)
{
    if (t->in.reg > 7) {
        return false;
    }
    if (level0(t)) {
        ir_ref v = opd_get(t, 1);
        v = t->bits == 64 ? v : ir_zext(t->ir, IR_I64, v, 32);
        ir_call(t->ir, H_dr_write, ir_const(t->ir, t->in.reg), v, 0, 0);
        x86_leave(t);
    }
    return true;
}
bool tr_smsw(struct x86 *t)
{
    if (t->mode & MODE_UMIP) {
        x86_raise(t, EXC_GP, 0);
    } else {
        opd_put(t, 0, ir_call(t->ir, H_cr_read, ir_const(t->ir, 0), 0, 0, 0));
    }
    return true;
}
bool tr_lmsw(struct x86 *t)
{
    if (level0(t)) {
        ir_call(t->ir, H_lmsw, ir_zext(t->ir, IR_I32, opd_get(t, 0), 16), 0, 0, 0);
        x86_leave(t);
    }
    return true;
}
bool tr_clts(struct x86 *t)
{
    return level0_call(t, H_clts);
}
bool tr_xsetbv(struct x86 *t)
{
    ir_call(t->ir, H_xsetbv, ir_get(t->ir, SLOT_RCX), pair_get(t), 0, 0);
    x86_leave(t);
    return true;
}
bool tr_rdpkru(struct x86 *t)
{
    ir_ref v = ir_call(t->ir, H_pkru_read, ir_get(t->ir, SLOT_RCX), 0, 0, 0);
    gpr_put(t, 0, 4, v);
    gpr_put(t, 2, 4, ir_const(t->ir, 0));
    return true;
}
bool tr_wrpkru(struct x86 *t)
{
    ir_call(t->ir, H_pkru_write, ir_get(t->ir, SLOT_RAX), ir_get(t->ir, SLOT_RCX), ir_get(t->ir, SLOT_RDX), 0);
    x86_leave(t);
    return true;
}

/* -- MSRs, counters
 * -------------------------------------------------------------------------------------------------------
 */

bool tr_rdmsr(struct x86 *t)
{
    if (level0(t)) {
        pair_put(t, ir_call(t->ir, H_msr_read, ir_get(t->ir, SLOT_RCX), 0, 0, 0));
    }
    return true;
}
bool tr_wrmsr(struct x86 *t)
{
    if (level0(t)) {
        ir_call(t->ir, H_msr_write, ir_get(t->ir, SLOT_RCX), pair_get(t), 0, 0);
        x86_leave(t);
    }
    return true;
}
bool tr_rdpmc(struct x86 *t)
{
    x86_raise(t, EXC_GP, 0); /* there are no counters */
    return true;
}

/* -- ports
 * ----------------------------------------------------------------------------------------------------------------
 */

static ir_ref port(struct x86 *t, unsigned i)
{
    ir_ref p = opd(t, i) == OPD_DX ? ir_get(t->ir, SLOT_RDX) : ir_const(t->ir, t->in.imm & 0xff);
    return ir_zext(t->ir, IR_I32, p, 16);
}
bool tr_in(struct x86 *t)
{
    unsigned n = opd_bytes(t, 0);
    gpr_put(t, 0, n, ir_call(t->ir, H_in, port(t, 1), ir_const(t->ir, n), 0, 0));
    return true;
}
bool tr_out(struct x86 *t)
{
    unsigned n = opd_bytes(t, 1);
    ir_call(t->ir, H_out, port(t, 0), ir_const(t->ir, n), ir_get(t->ir, SLOT_RAX), 0);
    x86_leave(t); /* what it did may ask for the cpu's attention */
    return true;
}
static bool io_string(struct x86 *t, enum x86_string op, unsigned n)
{
    struct x86_string_key key = {.op = op,
                                 .bytes = n,
                                 .addr_bytes = t->in.addrsize,
                                 .seg = t->in.seg == SEG_DEFAULT ? SEG_DS : t->in.seg,
                                 .mode64 = t->bits == 64};
    u32 word;
    memcpy(&word, &key, sizeof(word));
    bool rep = t->in.rep != REP_NONE;
    ir_ref again = ir_call(t->ir, H_io_string, ir_const(t->ir, word | (u64)rep << 32), 0, 0, 0);
    if (rep) {
        x86_again(t, again);
    } else {
        x86_leave(t);
    }
    return true;
}
bool tr_ins(struct x86 *t)
{
    return io_string(t, STRING_INS, opd_bytes(t, 0));
}
bool tr_outs(struct x86 *t)
{
    return io_string(t, STRING_OUTS, opd_bytes(t, 1));
}

/* -- interrupts' enable, halting
 * ------------------------------------------------------------------------------------------
 */

/* CLI and STI ask IOPL; PVI and VME, which would let programs change VIF, are not there. */
enum { IF = 1 << 9, LONGEST = 15 };
bool tr_cli(struct x86 *t)
{
    if (t->mode & MODE_IOPL) {
        ir_put(t->ir, SLOT_EFLAGS, ir_andi(t->ir, IR_I32, ir_get(t->ir, SLOT_EFLAGS), ~(u32)IF));
    } else {
        x86_raise(t, EXC_GP, 0);
    }
    return true;
}
/* Interrupts wait for one instruction more. Between two instructions of a trace none can come, so nothing is to be done
 * unless one waits already; where the next instruction may not be of this trace, its mode says that it is in the
 * shadow.
 */
bool tr_sti(struct x86 *t)
{
    struct ir *ir = t->ir;
    if (!(t->mode & MODE_IOPL)) {
        x86_raise(t, EXC_GP, 0);
    } else if ((t->mode & MODE_AFTER) || !t->follow || next_off(t) + LONGEST > 1 << TLB_PAGE_BITS) {
        ir_call(ir, H_sti, 0, 0, 0, 0);
        x86_leave(t);
    } else {
        ir_ref waits = ir_call(ir, H_sti_waits, 0, 0, 0, 0);
        ir_put(ir, SLOT_EFLAGS, ir_or(ir, IR_I32, ir_get(ir, SLOT_EFLAGS), ir_const(ir, IF)));
        ir_exitcc_care(ir, CC_NE, IR_I32, waits, ir_const(ir, 0), next_off(t));
    }
    return true;
}
/* The trace goes on: its mode is another than that it was found by, until AC is again what it was, or it leaves
 * (x86_leave_mode). */
static bool ac_write(struct x86 *t, bool on)
{
    enum { AC = 1 << 18 };
    struct ir *ir = t->ir;
    if (MODE_CPL(t->mode)) {
        return false;
    }
    ir_ref fl = ir_get(ir, SLOT_EFLAGS);
    fl = on ? ir_or(ir, IR_I32, fl, ir_const(ir, AC)) : ir_andi(ir, IR_I32, fl, ~(u32)AC);
    ir_put(ir, SLOT_EFLAGS, fl);
    if (t->mode & MODE_SMAP) {
        t->mode = on ? t->mode | MODE_LIFTED : t->mode & ~MODE_LIFTED;
    }
    return true;
}
bool tr_clac(struct x86 *t)
{
    return ac_write(t, false);
}
bool tr_stac(struct x86 *t)
{
    return ac_write(t, true);
}

/* Steps and shadows end with HLT; a trap behind it wakes the cpu again. */
static bool wait_end(struct x86 *t, enum ir_reason why)
{
    if (t->mode & MODE_AFTER) {
        x86_end(t);
    } else {
        ir_exit_loop(t->ir, why);
        t->flow = FLOW_END;
    }
    return true;
}
bool tr_hlt(struct x86 *t)
{
    if (!level0(t)) {
        return true;
    }
    ir_call(t->ir, H_hlt, 0, 0, 0, 0);
    return wait_end(t, REASON_HALT);
}
/* The address is looked at and forgotten: MWAIT wakes up at once, as it may. */
bool tr_monitor(struct x86 *t)
{
    if (MODE_CPL(t->mode)) {
        return false;
    }
    unsigned n = t->in.addrsize;
    ir_ref ea = ir_get(t->ir, SLOT_RAX);
    ea = n == 8 ? ea : ir_zext(t->ir, IR_I64, ea, 8 * n);
    ir_call(t->ir, H_monitor, ir_get(t->ir, SLOT_RCX), 0, 0, 0);
    x86_load(t, x86_linear(t, t->in.seg == SEG_DEFAULT ? SEG_DS : t->in.seg, ea, 1, false), 1);
    return true;
}
bool tr_mwait(struct x86 *t)
{
    if (MODE_CPL(t->mode)) {
        return false;
    }
    ir_call(t->ir, H_mwait, ir_get(t->ir, SLOT_RCX), 0, 0, 0);
    return wait_end(t, REASON_YIELD);
}

/* -- caches, TLB
 * ----------------------------------------------------------------------------------------------------------
 */

bool tr_invd(struct x86 *t)
{
    level0(t); /* memory is always coherent */
    return true;
}
bool tr_wbinvd(struct x86 *t)
{
    return tr_invd(t);
}
bool tr_invlpg(struct x86 *t)
{
    if (level0(t)) {
        ir_ref ea = x86_ea(t), base = 0;
        static const u8 slots[] = {SLOT_ES_BASE, SLOT_CS_BASE, SLOT_SS_BASE, SLOT_DS_BASE, SLOT_FS_BASE, SLOT_GS_BASE};
        unsigned seg = x86_seg(t);
        if (t->bits != 64 || seg >= SEG_FS) {
            base = ir_get(t->ir, slots[seg]);
            ea = ir_add(t->ir, IR_I64, base, ea);
            ea = t->bits == 64 ? ea : ir_zext(t->ir, IR_I64, ea, 32);
        }
        ir_call(t->ir, H_invlpg, ea, 0, 0, 0);
        x86_leave(t);
    }
    return true;
}
bool tr_invpcid(struct x86 *t)
{
    if (level0(t)) {
        ir_ref type = gpr_get(t, t->in.reg, t->bits == 64 ? 8 : 4);
        type = t->bits == 64 ? type : ir_zext(t->ir, IR_I64, type, 32);
        ir_call(t->ir, H_invpcid, type, x86_mem(t, 16, false), 0, 0);
        x86_leave(t);
    }
    return true;
}

/* -- fast system calls
 * ----------------------------------------------------------------------------------------------------
 */

bool tr_sysret(struct x86 *t)
{
    ir_call(t->ir, H_sysret, ir_const(t->ir, t->in.opsize), 0, 0, 0);
    x86_exit_pc(t);
    return true;
}
bool tr_sysexit(struct x86 *t)
{
    ir_call(t->ir, H_sysexit, ir_const(t->ir, t->in.opsize), 0, 0, 0);
    x86_exit_pc(t);
    return true;
}
bool tr_rsm(struct x86 *t)
{
    if (!(t->mode & MODE_SMM)) {
        return false;
    }
    ir_call(t->ir, H_rsm, 0, 0, 0, 0);
    x86_exit_pc(t);
    return true;
}
/* Only of 64-bit code, whose mode does not tell of bases. */
bool tr_swapgs(struct x86 *t)
{
    if (level0(t)) {
        ir_ref gs = ir_get(t->ir, SLOT_GS_BASE), kernel = ir_get(t->ir, SLOT_KERNEL_GS);
        ir_put(t->ir, SLOT_GS_BASE, kernel);
        ir_put(t->ir, SLOT_KERNEL_GS, gs);
    }
    return true;
}
