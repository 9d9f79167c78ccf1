/* Recipes: how flags are made of a comparison's operands, when they have not been packed (enum recipe). */
#include "tcg/eval.h"
#include "tcg/host/gen_priv.h"

/* -1 less, 0 equal, 1 greater, 2 unordered; raises nothing. Finite numbers compare as sign and magnitude. */
static int compare_bits(u64 a, u64 b, unsigned bits, u64 inf)
{
    u64 sign = 1ull << (bits - 1), ma = a & (sign - 1), mb = b & (sign - 1);
    if (ma > inf || mb > inf) {
        return 2;
    }
    i64 x = a & sign ? -(i64)ma : (i64)ma, y = b & sign ? -(i64)mb : (i64)mb;
    return (x > y) - (x < y);
}

static u32 flags_of_fcmp(u32 imm, u64 a, u64 b)
{
    unsigned type = (u8)imm;
    int c = type == IR_F64   ? compare_bits(a, b, 64, 0x7ff0000000000000)
            : type == IR_F32 ? compare_bits((u32)a, (u32)b, 32, 0x7f800000)
                             : compare_bits((u16)a, (u16)b, 16, 0x7c00);
    static const u16 nzcv[4] = {FL_N | FL_C, FL_Z, 0, FL_V}, zpc[4] = {FL_C, FL_Z, 0, FL_Z | FL_P | FL_C};
    return (imm & FCMP_ZPC ? zpc : nzcv)[c + 1];
}

u32 flags_of(unsigned rk, unsigned sub, u32 imm, u64 a, u64 b)
{
    unsigned t = (u8)imm;
    switch (rk) {
    case RK_SUB:
        return eval_fl_sub(t, a, b, 0, sub);
    case RK_SUB_DB:
        return eval_fl_sub(t, a + b, b, 0, sub);
    case RK_SUB_AD:
        return eval_fl_sub(t, a, a - b, 0, sub);
    case RK_ADD:
        return eval_fl_add(t, a, b, 0, sub);
    case RK_ADD_DB:
        return eval_fl_add(t, a - b, b, 0, sub);
    case RK_TEST:
        return eval_fl_logic(t, a & b, sub);
    case RK_SHL:
    case RK_SHR:
    case RK_SAR:
        return eval_fl_shift(IR_fl_shl + rk - RK_SHL, t, a, b, sub);
    case RK_MIX:
        return eval_fl_mix(imm, (u32)a, (u32)b);
    default:
        return flags_of_fcmp(imm, a, b);
    }
}

unsigned base_kind(unsigned rk)
{
    return rk == RK_SUB_DB || rk == RK_SUB_AD ? RK_SUB : rk == RK_ADD_DB ? RK_ADD : rk;
}

struct cond cond_cc(unsigned cc)
{
    return (struct cond){.kind = C_CC, .cc = (u8)cc};
}
struct cond cond_const(bool v)
{
    return (struct cond){.kind = v ? C_ALWAYS : C_NEVER};
}

/* After RK_TEST C is FL_INV, and V is 0. */
bool cond_of_test(const struct xop *f, unsigned *cc, struct cond *c)
{
    bool inv = f->sub & FL_INV;
    switch (*cc) {
    case CC_ULT:
    case CC_UGE:
        *c = cond_const(inv == (*cc == CC_ULT));
        return true;
    case CC_VS:
    case CC_VC:
        *c = cond_const(*cc == CC_VC);
        return true;
    case CC_ULE:
    case CC_UGT:
        *c = cond_const(*cc == CC_ULE);
        *cc = *cc == CC_ULE ? CC_EQ : CC_NE;
        return inv;
    case CC_SLT:
    case CC_SGE:
        *cc = *cc == CC_SLT ? CC_MI : CC_PL;
        break;
    default:
        break;
    }
    return false;
}
