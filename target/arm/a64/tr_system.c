/* A64 exception generation and system instructions (DDI 0487, C4.1.94, the system half). What a register or a cache
 * operation means is the system level's business (helpers); here are those that are hot or are part of the IR. */
#include "target/arm/a64/a64.h"

#define ENC(op0, op1, crn, crm, op2) ((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2))
enum {
    SYS_NZCV = ENC(3, 3, 4, 2, 0),
    SYS_DAIF = ENC(3, 3, 4, 2, 1),
    SYS_FPCR = ENC(3, 3, 4, 4, 0),
    SYS_FPSR = ENC(3, 3, 4, 4, 1),
    SYS_CurrentEL = ENC(3, 0, 4, 2, 2),
    SYS_SPSel = ENC(3, 0, 4, 2, 0),
    SYS_SP_EL0 = ENC(3, 0, 4, 1, 0),
    SYS_TPIDR_EL0 = ENC(3, 3, 13, 0, 2),
    SYS_TPIDRRO_EL0 = ENC(3, 3, 13, 0, 3),
    SYS_TPIDR_EL1 = ENC(3, 0, 13, 0, 4),
    SYS_TPIDR_EL2 = ENC(3, 4, 13, 0, 2),
    SYS_SPSR_EL1 = ENC(3, 0, 4, 0, 0),
    SYS_ELR_EL1 = ENC(3, 0, 4, 0, 1),
    SYS_ESR_EL1 = ENC(3, 0, 5, 2, 0),
    SYS_FAR_EL1 = ENC(3, 0, 6, 0, 0),
    SYS_RNDR = ENC(3, 3, 2, 4, 0),
    SYS_RNDRRS = ENC(3, 3, 2, 4, 1),
    SYS_DC_ZVA = ENC(1, 3, 7, 4, 1),
};

/* Ends the block behind an instruction that may have changed the mode and has set rt.pc to the next. */
static void end_behind(struct a64 *t)
{
    if (t->mode & MODE_STEP) {
        a64_exit(t, next_off(t), EXIT_JUMP);
    } else {
        a64_exit_pc(t);
    }
}

/* -- exceptions -------------------------------------------------------------------------------------------------- */

#define EXCEPTION(name, helper) \
    bool tr_##name(struct a64 *t, u32 imm16) \
    { \
        ir_call(t->ir, helper, ir_const(t->ir, imm16), next_pc(t), 0, 0); \
        a64_exit_pc(t); \
        return true; \
    }
EXCEPTION(SVC, H_svc)
EXCEPTION(HVC, H_hvc)
EXCEPTION(SMC, H_smc)
EXCEPTION(HLT, H_hlt)

bool tr_BRK(struct a64 *t, u32 imm16)
{
    a64_exception(t, 0x3c, imm16);
    return true;
}
bool tr_UDF(struct a64 *t, u32 imm16)
{
    (void)t, (void)imm16;
    return false;
}
/* DCPS and DRPS exist in Debug state only. */
bool tr_DCPS(struct a64 *t, u32 imm16, u32 ll)
{
    (void)t, (void)imm16, (void)ll;
    return false;
}
bool tr_DRPS(struct a64 *t)
{
    (void)t;
    return false;
}

static bool eret(struct a64 *t, u32 key)
{
    if (a64_el(t) == 0) {
        return false;
    }
    if (key) {
        ir_call(t->ir, H_eret_auth, ir_const(t->ir, key), 0, 0, 0);
    } else {
        ir_call(t->ir, H_eret, 0, 0, 0, 0);
    }
    a64_exit_pc(t);
    return true;
}
bool tr_ERET(struct a64 *t)
{
    return eret(t, 0);
}
bool tr_ERETA(struct a64 *t, u32 m)
{
    return eret(t, 1 + m);
}

/* -- hints ------------------------------------------------------------------------------------------------------- */

bool tr_NOP(struct a64 *t)
{
    (void)t;
    return true;
}
bool tr_YIELD(struct a64 *t)
{
    (void)t;
    return true;
}
bool tr_PSB(struct a64 *t)
{
    (void)t;
    return true;
}
bool tr_CSDB(struct a64 *t)
{
    (void)t;
    return true;
}
bool tr_BTI(struct a64 *t, u32 op)
{
    (void)t, (void)op;
    return true;
}
bool tr_HINT(struct a64 *t, u32 crm, u32 op2)
{
    (void)t, (void)crm, (void)op2;
    return true;
}

enum { WFX_WFI, WFX_WFE, WFX_WFIT, WFX_WFET };

static bool wait_for(struct a64 *t, unsigned what, ir_ref timeout)
{
    ir_call(t->ir, H_wfx, ir_const(t->ir, what), timeout, 0, 0);
    if (t->mode & MODE_STEP) {
        a64_exit(t, next_off(t), EXIT_JUMP);
    } else {
        ir_exit_loop(t->ir, REASON_HALT);
        t->flow = FLOW_END;
    }
    return true;
}
bool tr_WFE(struct a64 *t)
{
    return wait_for(t, WFX_WFE, ir_const(t->ir, 0));
}
bool tr_WFI(struct a64 *t)
{
    return wait_for(t, WFX_WFI, ir_const(t->ir, 0));
}
bool tr_WFET(struct a64 *t, u32 rd)
{
    return wait_for(t, WFX_WFET, x_get(t, rd));
}
bool tr_WFIT(struct a64 *t, u32 rd)
{
    return wait_for(t, WFX_WFIT, x_get(t, rd));
}
bool tr_SEV(struct a64 *t)
{
    ir_call(t->ir, H_sev, 0, 0, 0, 0);
    return true;
}
bool tr_SEVL(struct a64 *t)
{
    ir_call(t->ir, H_sevl, 0, 0, 0, 0);
    return true;
}
bool tr_ESB(struct a64 *t)
{
    if (a64_has(t, ARM_FEAT_RAS)) {
        ir_call(t->ir, H_esb, 0, 0, 0, 0);
    }
    return true;
}

/* -- barriers ---------------------------------------------------------------------------------------------------- */

static bool barrier(struct a64 *t, u32 crm)
{
    static const u8 kinds[4] = {FENCE_ALL, FENCE_LL | FENCE_LS, FENCE_SS, FENCE_ALL};
    ir_fence(t->ir, kinds[crm & 3]);
    return true;
}
bool tr_DMB(struct a64 *t, u32 crm)
{
    return barrier(t, crm);
}
bool tr_DSB(struct a64 *t, u32 crm)
{
    return barrier(t, crm);
}
bool tr_DSB_nXS(struct a64 *t, u32 crm)
{
    (void)crm;
    return barrier(t, 3);
}
/* Behind an ISB, what system register writes changed is in force and interrupts they unmasked are taken. */
bool tr_ISB(struct a64 *t, u32 crm)
{
    (void)crm;
    ir_fence(t->ir, FENCE_INSN);
    a64_exit(t, next_off(t), EXIT_JUMP);
    return true;
}
bool tr_SB(struct a64 *t)
{
    (void)t;
    return true;
}
bool tr_CLREX(struct a64 *t, u32 crm)
{
    (void)crm;
    ir_put(t->ir, SLOT_EXCL, ir_const(t->ir, EXCL_NONE));
    t->ex.log2 = 0xff;
    return true;
}

/* -- flags ------------------------------------------------------------------------------------------------------- */

static ir_ref flag_bit(struct a64 *t, ir_ref packed, unsigned pos)
{
    return ir_extract(t->ir, IR_I32, packed, pos, 1);
}
static void put_flag_bits(struct a64 *t, ir_ref n, ir_ref z, ir_ref c, ir_ref v)
{
    struct ir *ir = t->ir;
    ir_ref p = ir_or(ir, IR_I32, ir_shli(ir, IR_I32, n, 15), ir_shli(ir, IR_I32, z, 14));
    p = ir_or(ir, IR_I32, p, ir_shli(ir, IR_I32, c, 8));
    ir_put(ir, SLOT_FLAGS, ir_fl_pack(ir, ir_or(ir, IR_I32, p, v)));
}

bool tr_CFINV(struct a64 *t)
{
    ir_ref p = ir_fl_unpack(t->ir, ir_get(t->ir, SLOT_FLAGS));
    ir_put(t->ir, SLOT_FLAGS, ir_fl_pack(t->ir, ir_xor(t->ir, IR_I32, p, ir_const(t->ir, FL_C))));
    return true;
}

/* In terms of the borrow b = !C: N = b & !Z, Z = Z & !b, C = !b | Z, V = b & Z. */
bool tr_XAFLAG(struct a64 *t)
{
    struct ir *ir = t->ir;
    ir_ref p = ir_fl_unpack(ir, ir_get(ir, SLOT_FLAGS));
    ir_ref z = flag_bit(t, p, 14), b = flag_bit(t, p, 8);
    ir_ref n = ir_andn(ir, IR_I32, b, z);
    put_flag_bits(t, n, ir_andn(ir, IR_I32, z, b), n, ir_and(ir, IR_I32, b, z));
    return true;
}

/* N = 0, Z = Z | V, C = C & !V, V = 0. */
bool tr_AXFLAG(struct a64 *t)
{
    struct ir *ir = t->ir;
    ir_ref p = ir_fl_unpack(ir, ir_get(ir, SLOT_FLAGS)), zero = ir_const(ir, 0);
    ir_ref z = flag_bit(t, p, 14), b = flag_bit(t, p, 8), v = flag_bit(t, p, 0);
    put_flag_bits(t, zero, ir_or(ir, IR_I32, z, v), ir_or(ir, IR_I32, b, v), zero);
    return true;
}

/* -- PSTATE fields ----------------------------------------------------------------------------------------------- */

static bool msr_imm(struct a64 *t, u32 op, u32 crm)
{
    ir_call(t->ir, H_msr_imm, ir_const(t->ir, op), ir_const(t->ir, crm), next_pc(t), 0);
    end_behind(t);
    return true;
}
#define MSR_IMM(name, op1, op2, least_el) \
    bool tr_##name(struct a64 *t, u32 crm) \
    { \
        return (!(least_el) || a64_el(t)) && msr_imm(t, (op1) << 3 | (op2), crm); \
    }
MSR_IMM(MSR_UAO, 0, 3, 1)
MSR_IMM(MSR_PAN, 0, 4, 1)
MSR_IMM(MSR_SPSel, 0, 5, 1)
MSR_IMM(MSR_SSBS, 3, 1, 0)
MSR_IMM(MSR_DIT, 3, 2, 0)

static bool may_mask(const struct a64 *t)
{
    return a64_el(t) > 0 || (t->mode & MODE_UMA);
}

/* Unmasking may make an interrupt due: the block ends, so that the event word is looked at. While debugging, D may
 * change the mode as well, and a direct exit would stay in this one. */
static void daif_write(struct a64 *t, ir_ref daif)
{
    ir_call(t->ir, H_daif_write, daif, 0, 0, 0);
    if (t->mode & MODE_DEBUG) {
        a64_exit_ind(t, next_pc(t), EXIT_JUMP);
    } else {
        a64_exit(t, next_off(t), EXIT_JUMP);
    }
}
bool tr_DAIFSet(struct a64 *t, u32 crm)
{
    if (!may_mask(t)) {
        return msr_imm(t, 3 << 3 | 6, crm);
    }
    ir_ref daif = ir_or(t->ir, IR_I32, ir_get(t->ir, SLOT_DAIF), ir_const(t->ir, crm << 6));
    if (t->mode & MODE_DEBUG) {
        daif_write(t, daif);
    } else {
        ir_put(t->ir, SLOT_DAIF, daif);
    }
    return true;
}
bool tr_DAIFClr(struct a64 *t, u32 crm)
{
    if (!may_mask(t)) {
        return msr_imm(t, 3 << 3 | 7, crm);
    }
    daif_write(t, ir_andn(t->ir, IR_I32, ir_get(t->ir, SLOT_DAIF), ir_const(t->ir, crm << 6)));
    return true;
}

/* -- system registers -------------------------------------------------------------------------------------------- */

/* The slot behind a register that may be accessed as it is, or ARM_NSLOTS. */
static unsigned sysreg_slot(const struct a64 *t, u32 enc, bool write)
{
    bool priv = a64_el(t) > 0, el1 = a64_el(t) == 1;
    switch (enc) {
    case SYS_SP_EL0:
        return priv && (t->mode & MODE_SPSEL) ? SLOT_SP_EL0 : ARM_NSLOTS;
    case SYS_TPIDR_EL0:
        return SLOT_TPIDR_EL0;
    case SYS_TPIDRRO_EL0:
        return write && !priv ? ARM_NSLOTS : SLOT_TPIDRRO_EL0;
    case SYS_TPIDR_EL1:
        return priv ? SLOT_TPIDR_EL1 : ARM_NSLOTS;
    case SYS_TPIDR_EL2:
        return a64_el(t) >= 2 ? SLOT_TPIDR_EL2 : ARM_NSLOTS;
    case SYS_ELR_EL1:
        return el1 ? SLOT_ELR_EL1 : ARM_NSLOTS;
    case SYS_SPSR_EL1:
        return el1 ? SLOT_SPSR_EL1 : ARM_NSLOTS;
    case SYS_ESR_EL1:
        return el1 && !(t->mode & MODE_TRAP_VM) ? SLOT_ESR_EL1 : ARM_NSLOTS;
    case SYS_FAR_EL1:
        return el1 && !(t->mode & MODE_TRAP_VM) ? SLOT_FAR_EL1 : ARM_NSLOTS;
    default:
        return ARM_NSLOTS;
    }
}

static ir_ref sysreg_read(struct a64 *t, u32 enc, u32 rt)
{
    struct ir *ir = t->ir;
    ir_ref what = ir_const(ir, enc | rt << 16);
    unsigned slot = sysreg_slot(t, enc, false);
    if (slot != ARM_NSLOTS) {
        return ir_get(ir, slot);
    }
    switch (enc) {
    case SYS_NZCV:
        return a64_nzcv_get(t);
    case SYS_DAIF:
        if (may_mask(t)) {
            return ir_get(ir, SLOT_DAIF);
        }
        break;
    case SYS_CurrentEL:
        if (a64_el(t)) {
            return ir_const(ir, a64_el(t) << 2);
        }
        break;
    case SYS_SPSel:
        if (a64_el(t)) {
            return ir_const(ir, !!(t->mode & MODE_SPSEL));
        }
        break;
    case SYS_FPCR:
        t->klass = A64_fp;
        return ir_get(ir, SLOT_FPCR);
    case SYS_FPSR:
        t->klass = A64_fp;
        return ir_call(ir, H_fpreg_read, what, 0, 0, 0);
    case SYS_RNDR:
    case SYS_RNDRRS: {
        ir_ref v = ir_call(ir, H_sysreg_read, what, 0, 0, 0);
        ir_put(ir, SLOT_FLAGS, a64_flags_const(t, 0)); /* it never fails */
        return v;
    }
    }
    return ir_call(ir, H_sysreg_read, what, 0, 0, 0);
}

static void sysreg_write(struct a64 *t, u32 enc, u32 rt)
{
    struct ir *ir = t->ir;
    ir_ref what = ir_const(ir, enc | rt << 16), v = x_get(t, rt);
    unsigned slot = sysreg_slot(t, enc, true);
    if (slot != ARM_NSLOTS) {
        ir_put(ir, slot, v);
        return;
    }
    switch (enc) {
    case SYS_NZCV:
        a64_nzcv_put(t, v);
        return;
    case SYS_DAIF:
        if (may_mask(t)) {
            daif_write(t, ir_andi(ir, IR_I32, v, 0x3c0));
            return;
        }
        break;
    case SYS_FPSR:
        t->klass = A64_fp;
        ir_call(ir, H_fpsr_write, what, v, 0, 0);
        return;
    case SYS_FPCR:
        t->klass = A64_fp;
        ir_call(ir, H_fpcr_write, what, v, next_pc(t), 0);
        end_behind(t);
        return;
    }
    if (arm_sysreg_class(enc) == SYSREG_LIGHT) {
        ir_call(ir, H_sysreg_light, what, v, 0, 0);
        return;
    }
    ir_call(ir, H_sysreg_write, what, v, next_pc(t), 0);
    end_behind(t);
}

bool tr_MRS(struct a64 *t, u32 enc, u32 rt)
{
    x_put(t, rt, sysreg_read(t, 2u << 14 | enc, rt));
    return true;
}
bool tr_MSR(struct a64 *t, u32 enc, u32 rt)
{
    sysreg_write(t, 2u << 14 | enc, rt);
    return true;
}
bool tr_SYS(struct a64 *t, u32 enc, u32 rt)
{
    sysreg_write(t, 1u << 14 | enc, rt);
    return true;
}
bool tr_SYSL(struct a64 *t, u32 enc, u32 rt)
{
    x_put(t, rt, sysreg_read(t, 1u << 14 | enc, rt));
    return true;
}

/* Blocks are 64 bytes. The first store faults if any does: the block lies in one page. */
bool tr_DC_ZVA(struct a64 *t, u32 rt)
{
    if ((t->mode & (MODE_ZVA | MODE_ALIGN)) != MODE_ZVA) {
        sysreg_write(t, SYS_DC_ZVA, rt);
        return true;
    }
    ir_ref addr = ir_andi(t->ir, IR_I64, x_get(t, rt), ~63ull);
    ir_ref zero = ir_const_v128(t->ir, 0, 0);
    for (i32 i = 0; i < 64; i += 16) {
        ir_st(t->ir, addr, i, zero, IR_V128, MO_128 | (i ? 0 : MO_NODEV));
    }
    return true;
}
