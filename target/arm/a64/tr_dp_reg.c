/* A64 data processing with registers (DDI 0487, C4.1.95 "Data Processing -- Register"). */
#include "target/arm/a64/a64.h"

/* -- operands ---------------------------------------------------------------------------------------------------- */

static ir_ref shifted(struct a64 *t, enum ir_type ty, u32 rm, u32 shift, u32 amount)
{
    static const u8 ops[] = {IR_shl, IR_shr, IR_sar, IR_ror};
    ir_ref v = x_get(t, rm);
    return amount ? ir_op2(t->ir, ops[shift], ty, v, ir_const(t->ir, amount)) : v;
}

ir_ref a64_extend(struct a64 *t, enum ir_type ty, ir_ref v, u32 option, u32 shift)
{
    unsigned bits = 8u << (option & 3);
    if (bits < (ty == IR_I64 ? 64 : 32)) {
        v = option & 4 ? ir_sext(t->ir, ty, v, bits) : ir_zext(t->ir, ty, v, bits);
    }
    return shift ? ir_shli(t->ir, ty, v, shift) : v;
}

/* A result of type ty for a 64-bit register: a 32-bit one has zeros above. */
static void put_result(struct a64 *t, enum ir_type ty, u32 rd, ir_ref v)
{
    x_put(t, rd, ty == IR_I64 ? v : ir_zext(t->ir, IR_I64, v, 32));
}

/* -- logical (shifted register) ------------------------------------------------------------------------------------ */

static bool logic(struct a64 *t, enum ir_opcode op, bool flags, u32 sf, u32 shift, u32 rm, u32 imm6, u32 rn, u32 rd)
{
    if (!sf && imm6 >= 32) {
        return false;
    }
    enum ir_type ty = int_type(sf);
    ir_ref v = ir_op2(t->ir, op, ty, x_get(t, rn), shifted(t, ty, rm, shift, imm6));
    put_result(t, ty, rd, v);
    if (flags) {
        ir_put(t->ir, SLOT_FLAGS, ir_fl_logic(t->ir, ty, v, FL_INV));
    }
    return true;
}

#define LOGIC(name, op, flags) \
    bool tr_##name(struct a64 *t, u32 sf, u32 shift, u32 rm, u32 imm6, u32 rn, u32 rd) \
    { \
        return logic(t, op, flags, sf, shift, rm, imm6, rn, rd); \
    }
LOGIC(AND_sh, IR_and, false)
LOGIC(BIC_sh, IR_andn, false)
LOGIC(ORR_sh, IR_or, false)
LOGIC(ORN_sh, IR_orn, false)
LOGIC(EOR_sh, IR_xor, false)
LOGIC(EON_sh, IR_xnor, false)
LOGIC(ANDS_sh, IR_and, true)
LOGIC(BICS_sh, IR_andn, true)

/* -- add, subtract ----------------------------------------------------------------------------------------------- */

static ir_ref add_sub(struct a64 *t, enum ir_type ty, bool sub, bool flags, ir_ref a, ir_ref b)
{
    if (flags) {
        ir_ref fl = sub ? ir_fl_sub(t->ir, ty, a, b, 0) : ir_fl_add(t->ir, ty, a, b, FL_INV);
        ir_put(t->ir, SLOT_FLAGS, fl);
    }
    return ir_op2(t->ir, sub ? IR_sub : IR_add, ty, a, b);
}

#define ADDSUB_SH(name, sub, flags) \
    bool tr_##name(struct a64 *t, u32 sf, u32 shift, u32 rm, u32 imm6, u32 rn, u32 rd) \
    { \
        enum ir_type ty = int_type(sf); \
        if (!sf && imm6 >= 32) { \
            return false; \
        } \
        ir_ref b = shifted(t, ty, rm, shift, imm6); \
        put_result(t, ty, rd, add_sub(t, ty, sub, flags, x_get(t, rn), b)); \
        return true; \
    }
ADDSUB_SH(ADD_sh, false, false)
ADDSUB_SH(ADDS_sh, false, true)
ADDSUB_SH(SUB_sh, true, false)
ADDSUB_SH(SUBS_sh, true, true)

static bool add_sub_ext(struct a64 *t, bool sub, bool flags, u32 sf, u32 rm, u32 option, u32 imm3, u32 rn, u32 rd)
{
    enum ir_type ty = int_type(sf);
    ir_ref b = a64_extend(t, ty, x_get(t, rm), option, imm3);
    ir_ref v = add_sub(t, ty, sub, flags, xsp_get(t, rn), b);
    if (flags) {
        put_result(t, ty, rd, v);
    } else {
        xsp_put(t, rd, sf ? v : ir_zext(t->ir, IR_I64, v, 32));
    }
    return true;
}

#define ADDSUB_EXT(name, sub, flags) \
    bool tr_##name(struct a64 *t, u32 sf, u32 rm, u32 option, u32 imm3, u32 rn, u32 rd) \
    { \
        return add_sub_ext(t, sub, flags, sf, rm, option, imm3, rn, rd); \
    }
ADDSUB_EXT(ADD_ext, false, false)
ADDSUB_EXT(ADDS_ext, false, true)
ADDSUB_EXT(SUB_ext, true, false)
ADDSUB_EXT(SUBS_ext, true, true)

/* The flags slot holds a borrow: additions invert it, subtractions take it as it is. */
#define ADDSUB_CARRY(name, op, fl_op, inv, flags) \
    bool tr_##name(struct a64 *t, u32 sf, u32 rm, u32 rn, u32 rd) \
    { \
        enum ir_type ty = int_type(sf); \
        ir_ref a = x_get(t, rn), b = x_get(t, rm), fl = ir_get(t->ir, SLOT_FLAGS); \
        put_result(t, ty, rd, op(t->ir, ty, a, b, fl, inv)); \
        if (flags) { \
            ir_put(t->ir, SLOT_FLAGS, fl_op(t->ir, ty, a, b, fl, inv)); \
        } \
        return true; \
    }
ADDSUB_CARRY(ADC, ir_adc, ir_fl_adc, FL_INV, false)
ADDSUB_CARRY(ADCS, ir_adc, ir_fl_adc, FL_INV, true)
ADDSUB_CARRY(SBC, ir_sbb, ir_fl_sbb, 0, false)
ADDSUB_CARRY(SBCS, ir_sbb, ir_fl_sbb, 0, true)

/* -- flags ------------------------------------------------------------------------------------------------------- */

bool tr_RMIF(struct a64 *t, u32 imm6, u32 rn, u32 mask)
{
    struct ir *ir = t->ir;
    ir_ref v = ir_shli(ir, IR_I32, ir_ror(ir, IR_I64, x_get(t, rn), ir_const(ir, imm6)), 28);
    u64 m = (u64)mask << 28;
    a64_nzcv_put(t, ir_or(ir, IR_I32, ir_andi(ir, IR_I32, v, m), ir_andi(ir, IR_I32, a64_nzcv_get(t), (u32)~m)));
    return true;
}

/* N, Z and V of the low 8 or 16 bits; C stays. */
bool tr_SETF(struct a64 *t, u32 sz, u32 rn)
{
    struct ir *ir = t->ir;
    unsigned top = sz ? 15 : 7;
    ir_ref x = x_get(t, rn);
    ir_ref n = ir_extract(ir, IR_I32, x, top, 1);
    ir_ref z = ir_setcc(ir, CC_EQ, IR_I32, ir_zext(ir, IR_I32, x, top + 1), ir_const(ir, 0));
    ir_ref v = ir_xor(ir, IR_I32, n, ir_extract(ir, IR_I32, x, top + 1, 1));
    ir_ref p = ir_andi(ir, IR_I32, ir_fl_unpack(ir, ir_get(ir, SLOT_FLAGS)), FL_C);
    p = ir_or(ir, IR_I32, p, ir_shli(ir, IR_I32, n, 15));
    p = ir_or(ir, IR_I32, p, ir_shli(ir, IR_I32, z, 14));
    ir_put(ir, SLOT_FLAGS, ir_fl_pack(ir, ir_or(ir, IR_I32, p, v)));
    return true;
}

static bool cond_compare(struct a64 *t, bool sub, u32 sf, ir_ref b, u32 cond, u32 rn, u32 nzcv)
{
    enum ir_type ty = int_type(sf);
    ir_ref a = x_get(t, rn);
    ir_ref fl = sub ? ir_fl_sub(t->ir, ty, a, b, 0) : ir_fl_add(t->ir, ty, a, b, FL_INV);
    if (cond < 14) {
        ir_ref old = ir_get(t->ir, SLOT_FLAGS);
        fl = ir_selectf(t->ir, a64_cond(cond), old, IR_FLAGS, fl, a64_flags_const(t, nzcv));
    }
    ir_put(t->ir, SLOT_FLAGS, fl);
    return true;
}

bool tr_CCMN_reg(struct a64 *t, u32 sf, u32 rm, u32 cond, u32 rn, u32 nzcv)
{
    return cond_compare(t, false, sf, x_get(t, rm), cond, rn, nzcv);
}
bool tr_CCMP_reg(struct a64 *t, u32 sf, u32 rm, u32 cond, u32 rn, u32 nzcv)
{
    return cond_compare(t, true, sf, x_get(t, rm), cond, rn, nzcv);
}
bool tr_CCMN_imm(struct a64 *t, u32 sf, u32 imm5, u32 cond, u32 rn, u32 nzcv)
{
    return cond_compare(t, false, sf, ir_const(t->ir, imm5), cond, rn, nzcv);
}
bool tr_CCMP_imm(struct a64 *t, u32 sf, u32 imm5, u32 cond, u32 rn, u32 nzcv)
{
    return cond_compare(t, true, sf, ir_const(t->ir, imm5), cond, rn, nzcv);
}

/* -- conditional select ------------------------------------------------------------------------------------------ */

static bool cond_select(struct a64 *t, enum ir_type ty, u32 cond, u32 rd, ir_ref yes, ir_ref no)
{
    ir_ref v = yes;
    if (cond < 14) {
        v = ir_selectf(t->ir, a64_cond(cond), ir_get(t->ir, SLOT_FLAGS), ty, yes, no);
    }
    put_result(t, ty, rd, v);
    return true;
}

bool tr_CSEL(struct a64 *t, u32 sf, u32 rm, u32 cond, u32 rn, u32 rd)
{
    return cond_select(t, int_type(sf), cond, rd, x_get(t, rn), x_get(t, rm));
}

bool tr_CSINC(struct a64 *t, u32 sf, u32 rm, u32 cond, u32 rn, u32 rd)
{
    enum ir_type ty = int_type(sf);
    if (rm == 31 && rn == 31 && cond < 14) { /* CSET */
        x_put(t, rd, ir_setf(t->ir, cc_invert(a64_cond(cond)), ir_get(t->ir, SLOT_FLAGS)));
        return true;
    }
    return cond_select(t, ty, cond, rd, x_get(t, rn), ir_addi(t->ir, ty, x_get(t, rm), 1));
}

bool tr_CSINV(struct a64 *t, u32 sf, u32 rm, u32 cond, u32 rn, u32 rd)
{
    enum ir_type ty = int_type(sf);
    if (rm == 31 && rn == 31 && cond < 14) { /* CSETM */
        ir_ref b = ir_setf(t->ir, cc_invert(a64_cond(cond)), ir_get(t->ir, SLOT_FLAGS));
        put_result(t, ty, rd, ir_op1(t->ir, IR_neg, ty, b));
        return true;
    }
    return cond_select(t, ty, cond, rd, x_get(t, rn), ir_op1(t->ir, IR_not, ty, x_get(t, rm)));
}

bool tr_CSNEG(struct a64 *t, u32 sf, u32 rm, u32 cond, u32 rn, u32 rd)
{
    enum ir_type ty = int_type(sf);
    return cond_select(t, ty, cond, rd, x_get(t, rn), ir_op1(t->ir, IR_neg, ty, x_get(t, rm)));
}

/* -- two sources ------------------------------------------------------------------------------------------------- */

#define TWO_SOURCE(name, op) \
    bool tr_##name(struct a64 *t, u32 sf, u32 rm, u32 rn, u32 rd) \
    { \
        enum ir_type ty = int_type(sf); \
        put_result(t, ty, rd, ir_op2(t->ir, op, ty, x_get(t, rn), x_get(t, rm))); \
        return true; \
    }
TWO_SOURCE(UDIV, IR_udiv)
TWO_SOURCE(SDIV, IR_sdiv)
TWO_SOURCE(LSLV, IR_shl)
TWO_SOURCE(LSRV, IR_shr)
TWO_SOURCE(ASRV, IR_sar)
TWO_SOURCE(RORV, IR_ror)

bool tr_CRC32(struct a64 *t, u32 rm, u32 sz, u32 rn, u32 rd)
{
    x_put(t, rd, ir_crc32(t->ir, x_get(t, rn), x_get(t, rm), sz, CRC_IEEE));
    return true;
}
bool tr_CRC32C(struct a64 *t, u32 rm, u32 sz, u32 rn, u32 rd)
{
    x_put(t, rd, ir_crc32(t->ir, x_get(t, rn), x_get(t, rm), sz, CRC_CASTAGNOLI));
    return true;
}

/* -- one source -------------------------------------------------------------------------------------------------- */

#define ONE_SOURCE(name, op) \
    bool tr_##name(struct a64 *t, u32 sf, u32 rn, u32 rd) \
    { \
        enum ir_type ty = int_type(sf); \
        put_result(t, ty, rd, ir_op1(t->ir, op, ty, x_get(t, rn))); \
        return true; \
    }
ONE_SOURCE(RBIT, IR_bitrev)
ONE_SOURCE(CLZ, IR_clz)
ONE_SOURCE(CLS, IR_cls)

bool tr_REV16(struct a64 *t, u32 sf, u32 rn, u32 rd)
{
    put_result(t, int_type(sf), rd, ir_bswap(t->ir, int_type(sf), x_get(t, rn), 1));
    return true;
}
bool tr_REV_w(struct a64 *t, u32 rn, u32 rd)
{
    put_result(t, IR_I32, rd, ir_bswap(t->ir, IR_I32, x_get(t, rn), 2));
    return true;
}
bool tr_REV32(struct a64 *t, u32 rn, u32 rd)
{
    x_put(t, rd, ir_bswap(t->ir, IR_I64, x_get(t, rn), 2));
    return true;
}
bool tr_REV_x(struct a64 *t, u32 rn, u32 rd)
{
    x_put(t, rd, ir_bswap(t->ir, IR_I64, x_get(t, rn), 3));
    return true;
}

/* -- three sources ----------------------------------------------------------------------------------------------- */

static bool mul_add(struct a64 *t, enum ir_type ty, bool sub, ir_ref a, ir_ref b, u32 ra, u32 rd)
{
    ir_ref p = ir_mul(t->ir, ty, a, b);
    put_result(t, ty, rd, ir_op2(t->ir, sub ? IR_sub : IR_add, ty, x_get(t, ra), p));
    return true;
}

bool tr_MADD(struct a64 *t, u32 sf, u32 rm, u32 ra, u32 rn, u32 rd)
{
    return mul_add(t, int_type(sf), false, x_get(t, rn), x_get(t, rm), ra, rd);
}
bool tr_MSUB(struct a64 *t, u32 sf, u32 rm, u32 ra, u32 rn, u32 rd)
{
    return mul_add(t, int_type(sf), true, x_get(t, rn), x_get(t, rm), ra, rd);
}

static ir_ref signed32(struct a64 *t, u32 r)
{
    return ir_sext(t->ir, IR_I64, x_get(t, r), 32);
}
static ir_ref unsigned32(struct a64 *t, u32 r)
{
    return ir_zext(t->ir, IR_I64, x_get(t, r), 32);
}
bool tr_SMADDL(struct a64 *t, u32 rm, u32 ra, u32 rn, u32 rd)
{
    return mul_add(t, IR_I64, false, signed32(t, rn), signed32(t, rm), ra, rd);
}
bool tr_SMSUBL(struct a64 *t, u32 rm, u32 ra, u32 rn, u32 rd)
{
    return mul_add(t, IR_I64, true, signed32(t, rn), signed32(t, rm), ra, rd);
}
bool tr_UMADDL(struct a64 *t, u32 rm, u32 ra, u32 rn, u32 rd)
{
    return mul_add(t, IR_I64, false, unsigned32(t, rn), unsigned32(t, rm), ra, rd);
}
bool tr_UMSUBL(struct a64 *t, u32 rm, u32 ra, u32 rn, u32 rd)
{
    return mul_add(t, IR_I64, true, unsigned32(t, rn), unsigned32(t, rm), ra, rd);
}
bool tr_SMULH(struct a64 *t, u32 rm, u32 rn, u32 rd)
{
    x_put(t, rd, ir_smulh(t->ir, IR_I64, x_get(t, rn), x_get(t, rm)));
    return true;
}
bool tr_UMULH(struct a64 *t, u32 rm, u32 rn, u32 rd)
{
    x_put(t, rd, ir_umulh(t->ir, IR_I64, x_get(t, rn), x_get(t, rm)));
    return true;
}
