/* Squeezes nops out: refs are renumbered through a table of where each op went. */
#include "tcg/ops_priv.h"
#include "tcg/opt/opt.h"

void opt_compact(struct ir *ir)
{
    u16 moved[IR_MAX_OPS];
    unsigned n = 1;
    moved[0] = 0;
    for (unsigned i = 1; i < ir->nops; i++) {
        struct ir_op op = ir->ops[i];
        if (op.op == IR_nop) {
            continue;
        }
        for (unsigned k = ir_nargs(ir, &op); k-- > 0;) {
            u16 *r = op_arg(&op, k);
            *r = ir_is_const(*r) ? *r : moved[*r];
        }
        moved[i] = (u16)n;
        ir->ops[n++] = op;
    }
    ir->nops = n;
}
