/* A64 data processing with an immediate (DDI 0487, C4.1.92 "Data Processing -- Immediate"). Not modelled: the tag
 * arithmetic of MTE. */
#include "target/arm/a64/a64.h"

/* -- PC-relative ------------------------------------------------------------------------------------------------ */

bool tr_ADR(struct a64 *t, u32 immlo, i32 immhi, u32 rd)
{
    x_put(t, rd, ir_pc(t->ir, t->off + (i32)((u32)immhi << 2 | immlo)));
    return true;
}

bool tr_ADRP(struct a64 *t, u32 immlo, i32 immhi, u32 rd)
{
    i64 off = (i64)((u64)(i64)immhi << 2 | immlo) * 4096;
    if (off == (i32)off) {
        x_put(t, rd, ir_pc(t->ir, (i32)off)); /* the block's page is 4K aligned: its base is the PC with 12 zeros */
    } else {
        x_put(t, rd, ir_addi(t->ir, IR_I64, ir_pc(t->ir, 0), off));
    }
    return true;
}

/* -- add, subtract ------------------------------------------------------------------------------------------------ */

static u64 imm12_value(u32 sh, u32 imm12)
{
    return sh ? imm12 << 12 : imm12;
}

static void add_to(struct a64 *t, u32 sf, i64 imm, u32 rn, u32 rd)
{
    if (rd == 31 && rn == 31 && sf) {
        a64_writeback(t, 31, xsp_get(t, 31), imm); /* keeps what is known of SP's alignment */
        return;
    }
    ir_ref v = ir_addi(t->ir, int_type(sf), xsp_get(t, rn), imm);
    xsp_put(t, rd, sf ? v : ir_zext(t->ir, IR_I64, v, 32));
}

bool tr_ADD_imm(struct a64 *t, u32 sf, u32 sh, u32 imm12, u32 rn, u32 rd)
{
    add_to(t, sf, (i64)imm12_value(sh, imm12), rn, rd);
    return true;
}

bool tr_SUB_imm(struct a64 *t, u32 sf, u32 sh, u32 imm12, u32 rn, u32 rd)
{
    add_to(t, sf, -(i64)imm12_value(sh, imm12), rn, rd);
    return true;
}

bool tr_ADDS_imm(struct a64 *t, u32 sf, u32 sh, u32 imm12, u32 rn, u32 rd)
{
    enum ir_type ty = int_type(sf);
    ir_ref a = xsp_get(t, rn), b = ir_const(t->ir, imm12_value(sh, imm12));
    x_put(t, rd, ir_add(t->ir, ty, a, b));
    ir_put(t->ir, SLOT_FLAGS, ir_fl_add(t->ir, ty, a, b, FL_INV));
    return true;
}

bool tr_SUBS_imm(struct a64 *t, u32 sf, u32 sh, u32 imm12, u32 rn, u32 rd)
{
    enum ir_type ty = int_type(sf);
    ir_ref a = xsp_get(t, rn), b = ir_const(t->ir, imm12_value(sh, imm12));
    x_put(t, rd, ir_sub(t->ir, ty, a, b));
    ir_put(t->ir, SLOT_FLAGS, ir_fl_sub(t->ir, ty, a, b, 0));
    return true;
}

/* -- logical ----------------------------------------------------------------------------------------------------- */

u64 a64_bitmask(u32 sf, u32 n, u32 immr, u32 imms, bool *ok)
{
    u32 key = n << 6 | (~imms & 0x3f);
    *ok = key > 1 && (sf || !n);
    if (!*ok) {
        return 0;
    }
    unsigned len = 31 - clz32(key), size = 1u << len, ones = (imms & (size - 1)) + 1, r = immr & (size - 1);
    if (ones == size) {
        *ok = false;
        return 0;
    }
    u64 v = MASK(ones);
    if (r) {
        v = (v >> r | v << (size - r)) & MASK(size);
    }
    for (; size < 64; size *= 2) {
        v |= v << size;
    }
    return sf ? v : (u32)v;
}

static bool logic_imm(struct a64 *t, enum ir_opcode op, u32 sf, u32 n, u32 immr, u32 imms, u32 rn, u32 rd)
{
    bool ok;
    u64 imm = a64_bitmask(sf, n, immr, imms, &ok);
    if (!ok) {
        return false;
    }
    enum ir_type ty = int_type(sf);
    ir_ref v = ir_op2(t->ir, op, ty, x_get(t, rn), ir_const(t->ir, imm));
    xsp_put(t, rd, sf ? v : ir_zext(t->ir, IR_I64, v, 32));
    if (rd == 31 && op == IR_and && !(imm & 15)) {
        t->sp_aligned = true;
    }
    return true;
}

bool tr_AND_imm(struct a64 *t, u32 sf, u32 n, u32 immr, u32 imms, u32 rn, u32 rd)
{
    return logic_imm(t, IR_and, sf, n, immr, imms, rn, rd);
}
bool tr_ORR_imm(struct a64 *t, u32 sf, u32 n, u32 immr, u32 imms, u32 rn, u32 rd)
{
    return logic_imm(t, IR_or, sf, n, immr, imms, rn, rd);
}
bool tr_EOR_imm(struct a64 *t, u32 sf, u32 n, u32 immr, u32 imms, u32 rn, u32 rd)
{
    return logic_imm(t, IR_xor, sf, n, immr, imms, rn, rd);
}
bool tr_ANDS_imm(struct a64 *t, u32 sf, u32 n, u32 immr, u32 imms, u32 rn, u32 rd)
{
    bool ok;
    u64 imm = a64_bitmask(sf, n, immr, imms, &ok);
    if (!ok) {
        return false;
    }
    enum ir_type ty = int_type(sf);
    ir_ref v = ir_and(t->ir, ty, x_get(t, rn), ir_const(t->ir, imm));
    x_put(t, rd, v);
    ir_put(t->ir, SLOT_FLAGS, ir_fl_logic(t->ir, ty, v, FL_INV));
    return true;
}

/* -- move wide --------------------------------------------------------------------------------------------------- */

bool tr_MOVN(struct a64 *t, u32 sf, u32 hw, u32 imm16, u32 rd)
{
    if (!sf && hw > 1) {
        return false;
    }
    u64 v = ~((u64)imm16 << 16 * hw);
    x_put(t, rd, ir_const(t->ir, sf ? v : (u32)v));
    return true;
}

bool tr_MOVZ(struct a64 *t, u32 sf, u32 hw, u32 imm16, u32 rd)
{
    if (!sf && hw > 1) {
        return false;
    }
    x_put(t, rd, ir_const(t->ir, (u64)imm16 << 16 * hw));
    return true;
}

bool tr_MOVK(struct a64 *t, u32 sf, u32 hw, u32 imm16, u32 rd)
{
    if (!sf && hw > 1) {
        return false;
    }
    x_put(t, rd, ir_deposit(t->ir, int_type(sf), x_get(t, rd), ir_const(t->ir, imm16), 16 * hw, 16));
    return true;
}

/* -- bit fields -------------------------------------------------------------------------------------------------- */

static bool bitfield_ok(u32 sf, u32 n, u32 immr, u32 imms)
{
    return n == sf && (sf || (immr < 32 && imms < 32));
}

bool tr_UBFM(struct a64 *t, u32 sf, u32 n, u32 immr, u32 imms, u32 rn, u32 rd)
{
    if (!bitfield_ok(sf, n, immr, imms)) {
        return false;
    }
    enum ir_type ty = int_type(sf);
    u32 width = sf ? 64 : 32;
    ir_ref v = x_get(t, rn);
    if (imms >= immr) {
        v = ir_extract(t->ir, ty, v, immr, imms - immr + 1);
    } else if (imms + 1 == immr) {
        v = ir_shli(t->ir, ty, v, width - immr);
    } else {
        v = ir_shli(t->ir, ty, ir_extract(t->ir, ty, v, 0, imms + 1), width - immr);
    }
    x_put(t, rd, v);
    return true;
}

bool tr_SBFM(struct a64 *t, u32 sf, u32 n, u32 immr, u32 imms, u32 rn, u32 rd)
{
    if (!bitfield_ok(sf, n, immr, imms)) {
        return false;
    }
    enum ir_type ty = int_type(sf);
    ir_ref v = x_get(t, rn);
    if (imms >= immr) {
        v = ir_sextract(t->ir, ty, v, immr, imms - immr + 1);
    } else {
        v = ir_shli(t->ir, ty, ir_sextract(t->ir, ty, v, 0, imms + 1), (sf ? 64 : 32) - immr);
    }
    x_put(t, rd, v);
    return true;
}

bool tr_BFM(struct a64 *t, u32 sf, u32 n, u32 immr, u32 imms, u32 rn, u32 rd)
{
    if (!bitfield_ok(sf, n, immr, imms)) {
        return false;
    }
    enum ir_type ty = int_type(sf);
    ir_ref old = x_get(t, rd), v = x_get(t, rn);
    if (imms >= immr) {
        v = ir_deposit(t->ir, ty, old, ir_shri(t->ir, ty, v, immr), 0, imms - immr + 1);
    } else {
        v = ir_deposit(t->ir, ty, old, v, (sf ? 64 : 32) - immr, imms + 1);
    }
    x_put(t, rd, v);
    return true;
}

bool tr_EXTR(struct a64 *t, u32 sf, u32 n, u32 rm, u32 imms, u32 rn, u32 rd)
{
    if (n != sf || (!sf && imms >= 32)) {
        return false;
    }
    x_put(t, rd, ir_extr(t->ir, int_type(sf), x_get(t, rn), x_get(t, rm), imms));
    return true;
}
