/* Passes. Each is idempotent and never makes a trace longer; the verifier runs between them in debug builds. */
#ifndef MOSS_TCG_OPT_OPT_H
#define MOSS_TCG_OPT_OPT_H

#include "tcg/ir.h"

void opt_dead_code(struct ir *ir); /* ops whose result nobody uses become nop; ops.uses is exact after it */
void opt_compact(struct ir *ir);   /* squeezes nops out */
void opt_run(struct ir *ir);       /* what tier 1 runs, in order */

#endif
