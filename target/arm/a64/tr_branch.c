/* A64 branches (DDI 0487, C4.1.94 "Branches, Exception Generating and System instructions", the branch half). */
#include "target/arm/a64/a64.h"

static i32 target_of(const struct a64 *t, i32 imm)
{
    return t->off + (i32)((u32)imm << 2);
}

/* -- immediate ---------------------------------------------------------------------------------------------------- */

bool tr_B(struct a64 *t, i32 imm26)
{
    a64_goto(t, target_of(t, imm26));
    return true;
}

bool tr_BL(struct a64 *t, i32 imm26)
{
    x_put(t, 30, next_pc(t));
    a64_exit(t, target_of(t, imm26), EXIT_CALL);
    return true;
}

bool tr_CBZ(struct a64 *t, u32 sf, i32 imm19, u32 rt)
{
    a64_branch_cc(t, CC_EQ, int_type(sf), x_get(t, rt), ir_const(t->ir, 0), target_of(t, imm19));
    return true;
}
bool tr_CBNZ(struct a64 *t, u32 sf, i32 imm19, u32 rt)
{
    a64_branch_cc(t, CC_NE, int_type(sf), x_get(t, rt), ir_const(t->ir, 0), target_of(t, imm19));
    return true;
}

static void test_branch(struct a64 *t, enum ir_cond cc, u32 bit, i32 imm14, u32 rt)
{
    enum ir_type ty = int_type(bit >= 32);
    a64_branch_cc(t, cc, ty, x_get(t, rt), ir_const(t->ir, BIT(bit)), target_of(t, imm14));
}
bool tr_TBZ(struct a64 *t, u32 bit, i32 imm14, u32 rt)
{
    test_branch(t, CC_TSTEQ, bit, imm14, rt);
    return true;
}
bool tr_TBNZ(struct a64 *t, u32 bit, i32 imm14, u32 rt)
{
    test_branch(t, CC_TSTNE, bit, imm14, rt);
    return true;
}

bool tr_B_cond(struct a64 *t, i32 imm19, u32 cond)
{
    if (cond >= 14) {
        a64_goto(t, target_of(t, imm19));
    } else {
        a64_branch_fl(t, a64_cond(cond), target_of(t, imm19));
    }
    return true;
}
bool tr_BC_cond(struct a64 *t, i32 imm19, u32 cond)
{
    return tr_B_cond(t, imm19, cond);
}

/* -- register ---------------------------------------------------------------------------------------------------- */

/* PSTATE.BTYPE after the branch, were the target not a landing pad; BTYPE itself is never seen, see helper bti_branch.
 */
enum { BTYPE_NONE = 0, BTYPE_BR_X16 = 1, BTYPE_BLR = 2, BTYPE_BR = 3 };

/* The target is taken as it is: a tag is dropped by a64_branch_target. */
static bool branch_reg(struct a64 *t, ir_ref addr, unsigned btype, enum ir_exit_kind kind)
{
    if (btype != BTYPE_NONE && (t->mode & MODE_BTI)) {
        ir_call(t->ir, H_bti_branch, addr, ir_const(t->ir, btype), 0, 0);
    }
    if (kind == EXIT_CALL) {
        x_put(t, 30, next_pc(t));
    }
    a64_exit_ind(t, addr, kind);
    return true;
}

static unsigned br_type(u32 rn)
{
    return rn == 16 || rn == 17 ? BTYPE_BR_X16 : BTYPE_BR;
}

bool tr_BR(struct a64 *t, u32 rn)
{
    return branch_reg(t, x_get(t, rn), br_type(rn), EXIT_JUMP);
}
bool tr_BLR(struct a64 *t, u32 rn)
{
    return branch_reg(t, x_get(t, rn), BTYPE_BLR, EXIT_CALL);
}
bool tr_RET(struct a64 *t, u32 rn)
{
    return branch_reg(t, x_get(t, rn), BTYPE_NONE, rn == 30 ? EXIT_RET : EXIT_JUMP);
}

/* With pointer authentication; m: key IB, else IA. */
bool tr_BRAZ(struct a64 *t, u32 m, u32 rn)
{
    return branch_reg(t, a64_aut(t, x_get(t, rn), ir_const(t->ir, 0), m), br_type(rn), EXIT_JUMP);
}
bool tr_BLRAZ(struct a64 *t, u32 m, u32 rn)
{
    return branch_reg(t, a64_aut(t, x_get(t, rn), ir_const(t->ir, 0), m), BTYPE_BLR, EXIT_CALL);
}
bool tr_BRA(struct a64 *t, u32 m, u32 rn, u32 rm)
{
    return branch_reg(t, a64_aut(t, x_get(t, rn), xsp_get(t, rm), m), br_type(rn), EXIT_JUMP);
}
bool tr_BLRA(struct a64 *t, u32 m, u32 rn, u32 rm)
{
    return branch_reg(t, a64_aut(t, x_get(t, rn), xsp_get(t, rm), m), BTYPE_BLR, EXIT_CALL);
}
bool tr_RETA(struct a64 *t, u32 m)
{
    return branch_reg(t, a64_aut(t, x_get(t, 30), xsp_get(t, 31), m), BTYPE_NONE, EXIT_RET);
}
