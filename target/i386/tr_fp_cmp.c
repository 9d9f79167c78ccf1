/* Float comparisons of SSE and AVX (SDM volume 1, 10.4.1.3 and 11.4.1.3; volume 2, CMPPD, table 3-1). */
#include "target/i386/tr_fp.h"

/* What immediate 0..31 asks: FC_*. */
static u32 relations(u64 imm)
{
    static const u8 of[32] = {FC_EQ,
                              FC_LT | FC_SIGNAL,
                              FC_LT | FC_EQ | FC_SIGNAL,
                              FC_UN,
                              FC_UN | FC_LT | FC_GT,
                              FC_UN | FC_EQ | FC_GT | FC_SIGNAL,
                              FC_UN | FC_GT | FC_SIGNAL,
                              FC_LT | FC_EQ | FC_GT,
                              FC_UN | FC_EQ,
                              FC_UN | FC_LT | FC_SIGNAL,
                              FC_UN | FC_LT | FC_EQ | FC_SIGNAL,
                              0,
                              FC_LT | FC_GT,
                              FC_EQ | FC_GT | FC_SIGNAL,
                              FC_GT | FC_SIGNAL,
                              FC_UN | FC_LT | FC_EQ | FC_GT};
    return imm < 16 ? of[imm] : of[imm - 16] ^ (u32)FC_SIGNAL; /* the upper half signals where the lower does not */
}
static u32 relations_of(const struct x86 *t)
{
    return relations(t->in.imm & (t->in.vex ? 31 : 7));
}

bool tr_cmpp(struct x86 *t)
{
    ir_ref a[2], b[2], r[2];
    if (!vec_ok(t)) {
        return false;
    }
    fp_operand(t, 1, a);
    fp_operand(t, 2, b);
    fp_begin(t);
    for (unsigned h = 0; h < vec_halves(t); h++) {
        r[h] = ir_v2(t->ir, IR_vfcmp, fp_es(t) | fp_sub(t), a[h], b[h], relations_of(t));
    }
    fp_end(t);
    fp_result(t, r);
    return true;
}
bool tr_cmps_scalar(struct x86 *t)
{
    if (!vec_ok(t)) {
        return false;
    }
    ir_ref a = vec_get(t, 1, 0), b = vec_get(t, 2, 0);
    fp_begin(t);
    ir_ref r = ir_v2(t->ir, IR_vfcmp, fp_es(t) | FP_LOW | fp_sub(t), a, b, relations_of(t));
    fp_end(t);
    vec_put(t, 0, 0, r);
    vec_done(t, 0);
    return true;
}

static bool compare_flags(struct x86 *t, unsigned signal)
{
    if (!vec_ok(t)) {
        return false;
    }
    enum ir_type type = fp_type(fp_es(t));
    ir_ref b = vec_get_scalar(t, 1, type), a = vec_get_scalar(t, 0, type);
    fp_begin(t);
    ir_ref fl = ir_fl_fcmp(t->ir, type, fp_sub(t), a, b, FCMP_ZPC | signal);
    fp_end(t);
    ir_put(t->ir, SLOT_FLAGS, fl);
    return true;
}
bool tr_ucomis(struct x86 *t)
{
    return compare_flags(t, 0);
}
bool tr_comis(struct x86 *t)
{
    return compare_flags(t, FCMP_SIGNAL);
}
