/* The float ops of ops.def, exactly: for the interpreter, and for back ends where no host instruction does (FP_FZ or
 * FP_SOFT set, f16, fix-ups of NaN cases). */
#ifndef MOSS_TCG_INTERP_FLOAT_H
#define MOSS_TCG_INTERP_FLOAT_H

#include "fpu/softfloat.h"
#include "tcg/ir.h"

/* Which op: what a back end can carry in a register. */
#define FLOAT_KEY(op) ((u64)(op)->op | (u64)(op)->type << 8 | (u64)(op)->sub << 16 | (u64)(op)->imm << 32)

/* fl_fcmp (its operand type is in imm) and fadd .. vfcvtn but bitcast. Scalars are bits in d[0] with zeros above, also
 * the result's; flags are packed. r may be an operand. Rounding, tininess and NaN style are env's; FP_DN says whether
 * NaNs are the default one; without FP_FZ nothing is flushed and halves are IEEE's whatever env says. Exceptions go to
 * env->flags. */
void float_exact(u64 key, struct fp_env *env, union v128 *r, const union v128 *a, const union v128 *b,
                 const union v128 *c);

#endif
