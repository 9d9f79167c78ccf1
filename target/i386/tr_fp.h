/* What the translators of float instructions on vectors share.
 *
 * An instruction reads all its operands, memory first, then computes, then writes: between fp_begin() and fp_end(),
 * which raises #XM when an exception is not masked. Where all are masked (no MODE_SSE_EXACT) both do nothing. */
#ifndef MOSS_TARGET_I386_TR_FP_H
#define MOSS_TARGET_I386_TR_FP_H

#include "target/i386/vec.h"

/* The modes MXCSR asks for, as float ops take them. */
static inline unsigned fp_sub(const struct x86 *t)
{
    return (t->mode & MODE_SSE_FLUSH ? (unsigned)FP_FZ : 0) | (t->mode & MODE_SSE_EXACT ? (unsigned)FP_SOFT : 0);
}
static inline void fp_begin(struct x86 *t)
{
    if (t->mode & MODE_SSE_EXACT) {
        ir_call(t->ir, H_fp_begin, 0, 0, 0, 0);
    }
}
static inline void fp_end(struct x86 *t)
{
    if (t->mode & MODE_SSE_EXACT) {
        ir_call(t->ir, H_fp_end, ir_const(t->ir, 0), 0, 0, 0);
    }
}

/* Element size by the mandatory prefix: PS, PD, SS, SD. */
static inline unsigned fp_es(const struct x86 *t)
{
    return t->in.row->pp == PP_66 || t->in.row->pp == PP_F2 ? MO_64 : MO_32;
}
static inline enum ir_type fp_type(unsigned es)
{
    return es == MO_64 ? IR_F64 : IR_F32;
}

/* The halves of operand i. */
static inline void fp_operand(struct x86 *t, unsigned i, ir_ref v[2])
{
    for (unsigned h = 0; h < vec_halves(t); h++) {
        v[h] = vec_get(t, i, h);
    }
}
static inline void fp_result(struct x86 *t, const ir_ref v[2])
{
    for (unsigned h = 0; h < vec_halves(t); h++) {
        vec_put(t, 0, h, v[h]);
    }
    vec_done(t, 0);
}
/* Operand `to` with its lane 0 replaced by that of v, in the destination. */
static inline void fp_result_low(struct x86 *t, unsigned es, ir_ref to, ir_ref v)
{
    vec_put(t, 0, 0, ir_vset(t->ir, es, to, 0, ir_vget(t->ir, fp_type(es), es, v, 0)));
    vec_done(t, 0);
}

#endif
