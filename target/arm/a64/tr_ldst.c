/* A64 loads and stores of one or two general registers (DDI 0487, C4.1.96 "Loads and Stores"). Prefetches do nothing.
 */
#include "target/arm/a64/a64.h"

enum { IDX_UNSCALED, IDX_POST, IDX_UNPRIV, IDX_PRE };
enum { PAIR_NT, PAIR_POST, PAIR_OFFSET, PAIR_PRE };

/* -- one register ------------------------------------------------------------------------------------------------- */

/* How a load widens its value. */
enum ext { EXT_ZERO, EXT_SIGN32, EXT_SIGN64 };

static ir_ref load(struct a64 *t, ir_ref base, i64 off, unsigned mo, enum ext ext)
{
    enum ir_type ty = ext == EXT_SIGN64 || (mo & MO_SIZE) == MO_64 ? IR_I64 : IR_I32;
    return ir_ld(t->ir, ty, base, (i32)off, mo | (ext == EXT_ZERO ? 0 : MO_SIGN));
}

static void store(struct a64 *t, ir_ref base, i64 off, unsigned mo, u32 rt)
{
    ir_st(t->ir, base, (i32)off, x_get(t, rt), (mo & MO_SIZE) == MO_64 ? IR_I64 : IR_I32, mo);
}

static void load_uimm(struct a64 *t, u32 size, u32 imm12, u32 rn, u32 rt, enum ext ext)
{
    x_put(t, rt, load(t, a64_base(t, rn), (i64)imm12 << size, a64_mo(t, size), ext));
}

bool tr_STR_uimm(struct a64 *t, u32 size, u32 imm12, u32 rn, u32 rt)
{
    store(t, a64_base(t, rn), (i64)imm12 << size, a64_mo(t, size), rt);
    return true;
}
bool tr_LDR_uimm(struct a64 *t, u32 size, u32 imm12, u32 rn, u32 rt)
{
    load_uimm(t, size, imm12, rn, rt, EXT_ZERO);
    return true;
}
bool tr_LDRS64_uimm(struct a64 *t, u32 size, u32 imm12, u32 rn, u32 rt)
{
    load_uimm(t, size, imm12, rn, rt, EXT_SIGN64);
    return true;
}
bool tr_LDRS32_uimm(struct a64 *t, u32 size, u32 imm12, u32 rn, u32 rt)
{
    load_uimm(t, size, imm12, rn, rt, EXT_SIGN32);
    return true;
}

/* The descriptor of an access in form idx. */
static unsigned imm9_mo(const struct a64 *t, u32 size, u32 idx)
{
    unsigned mo = a64_mo(t, size);
    if (idx == IDX_UNPRIV && (t->mode & MODE_UNPRIV)) {
        mo |= mo_view(ARM_VIEW_UNPRIV);
    }
    return mo;
}

static void load_imm9(struct a64 *t, u32 size, i32 imm9, u32 idx, u32 rn, u32 rt, enum ext ext)
{
    ir_ref base = a64_base(t, rn);
    ir_ref v = load(t, base, idx == IDX_POST ? 0 : imm9, imm9_mo(t, size, idx), ext);
    if (idx & 1) {
        a64_writeback(t, rn, base, imm9);
    }
    x_put(t, rt, v); /* second: with rt == rn the loaded value stays */
}

bool tr_STR_imm9(struct a64 *t, u32 size, i32 imm9, u32 idx, u32 rn, u32 rt)
{
    ir_ref base = a64_base(t, rn);
    store(t, base, idx == IDX_POST ? 0 : imm9, imm9_mo(t, size, idx), rt);
    if (idx & 1) {
        a64_writeback(t, rn, base, imm9);
    }
    return true;
}
bool tr_LDR_imm9(struct a64 *t, u32 size, i32 imm9, u32 idx, u32 rn, u32 rt)
{
    load_imm9(t, size, imm9, idx, rn, rt, EXT_ZERO);
    return true;
}
bool tr_LDRS64_imm9(struct a64 *t, u32 size, i32 imm9, u32 idx, u32 rn, u32 rt)
{
    load_imm9(t, size, imm9, idx, rn, rt, EXT_SIGN64);
    return true;
}
bool tr_LDRS32_imm9(struct a64 *t, u32 size, i32 imm9, u32 idx, u32 rn, u32 rt)
{
    load_imm9(t, size, imm9, idx, rn, rt, EXT_SIGN32);
    return true;
}

/* opt: bits 15 and 13 of the instruction (bit 14 is 1): UXTW, LSL, SXTW, SXTX. */
ir_ref a64_reg_addr(struct a64 *t, u32 rn, u32 rm, u32 opt, u32 shift)
{
    ir_ref base = a64_base(t, rn);
    ir_ref off = a64_extend(t, IR_I64, x_get(t, rm), (opt & 2) << 1 | 2 | (opt & 1), shift);
    return ir_add(t->ir, IR_I64, base, off);
}

static void load_reg(struct a64 *t, u32 size, u32 rm, u32 opt, u32 s, u32 rn, u32 rt, enum ext ext)
{
    x_put(t, rt, load(t, a64_reg_addr(t, rn, rm, opt, s ? size : 0), 0, a64_mo(t, size), ext));
}

bool tr_STR_reg(struct a64 *t, u32 size, u32 rm, u32 opt, u32 s, u32 rn, u32 rt)
{
    store(t, a64_reg_addr(t, rn, rm, opt, s ? size : 0), 0, a64_mo(t, size), rt);
    return true;
}
bool tr_LDR_reg(struct a64 *t, u32 size, u32 rm, u32 opt, u32 s, u32 rn, u32 rt)
{
    load_reg(t, size, rm, opt, s, rn, rt, EXT_ZERO);
    return true;
}
bool tr_LDRS64_reg(struct a64 *t, u32 size, u32 rm, u32 opt, u32 s, u32 rn, u32 rt)
{
    load_reg(t, size, rm, opt, s, rn, rt, EXT_SIGN64);
    return true;
}
bool tr_LDRS32_reg(struct a64 *t, u32 size, u32 rm, u32 opt, u32 s, u32 rn, u32 rt)
{
    load_reg(t, size, rm, opt, s, rn, rt, EXT_SIGN32);
    return true;
}

/* -- literal ----------------------------------------------------------------------------------------------------- */

ir_ref a64_literal(struct a64 *t, i32 imm19)
{
    return ir_pc(t->ir, t->off + (i32)((u32)imm19 << 2));
}
bool tr_LDR_lit(struct a64 *t, u32 sf, i32 imm19, u32 rt)
{
    x_put(t, rt, load(t, a64_literal(t, imm19), 0, a64_mo(t, 2 + sf), EXT_ZERO));
    return true;
}
bool tr_LDRSW_lit(struct a64 *t, i32 imm19, u32 rt)
{
    x_put(t, rt, load(t, a64_literal(t, imm19), 0, a64_mo(t, 2), EXT_SIGN64));
    return true;
}

/* -- pairs ------------------------------------------------------------------------------------------------------- */

static bool pair_writes_back(u32 idx)
{
    return idx == PAIR_POST || idx == PAIR_PRE;
}

bool tr_STP(struct a64 *t, u32 sf, u32 idx, i32 imm7, u32 rt2, u32 rn, u32 rt)
{
    unsigned size = 2 + sf;
    i32 off = imm7 * (1 << size);
    ir_ref base = a64_base(t, rn);
    ir_st_pair(t->ir, base, idx == PAIR_POST ? 0 : off, x_get(t, rt), x_get(t, rt2), int_type(sf),
               a64_mo(t, size) | MO_PAIR);
    if (pair_writes_back(idx)) {
        a64_writeback(t, rn, base, off);
    }
    return true;
}

static bool load_pair(struct a64 *t, u32 size, bool sign, u32 idx, i32 imm7, u32 rt2, u32 rn, u32 rt)
{
    i32 off = imm7 * (1 << size);
    ir_ref base = a64_base(t, rn), second;
    enum ir_type ty = sign || size == 3 ? IR_I64 : IR_I32;
    ir_ref first = ir_ld_pair(t->ir, ty, base, idx == PAIR_POST ? 0 : off,
                              a64_mo(t, size) | MO_PAIR | (sign ? MO_SIGN : 0), &second);
    if (pair_writes_back(idx)) {
        a64_writeback(t, rn, base, off);
    }
    x_put(t, rt, first);
    x_put(t, rt2, second);
    return true;
}
bool tr_LDP(struct a64 *t, u32 sf, u32 idx, i32 imm7, u32 rt2, u32 rn, u32 rt)
{
    return load_pair(t, 2 + sf, false, idx, imm7, rt2, rn, rt);
}
bool tr_LDPSW(struct a64 *t, u32 idx, i32 imm7, u32 rt2, u32 rn, u32 rt)
{
    return load_pair(t, 2, true, idx, imm7, rt2, rn, rt);
}

/* -- prefetch ---------------------------------------------------------------------------------------------------- */

bool tr_PRFM_lit(struct a64 *t, i32 imm19, u32 rt)
{
    (void)t, (void)imm19, (void)rt;
    return true;
}
bool tr_PRFM_uimm(struct a64 *t, u32 imm12, u32 rn, u32 rt)
{
    (void)t, (void)imm12, (void)rn, (void)rt;
    return true;
}
bool tr_PRFM_reg(struct a64 *t, u32 rm, u32 opt, u32 s, u32 rn, u32 rt)
{
    (void)t, (void)rm, (void)opt, (void)s, (void)rn, (void)rt;
    return true;
}
bool tr_PRFUM(struct a64 *t, i32 imm9, u32 rn, u32 rt)
{
    (void)t, (void)imm9, (void)rn, (void)rt;
    return true;
}
