/* What exits.c, loop.c and deopt.c share about the canonical state. */
#ifndef MOSS_TCG_HOST_STATE_PRIV_H
#define MOSS_TCG_HOST_STATE_PRIV_H

#include "tcg/host/gen_priv.h"

#define FOR_TOUCHED(g, s) \
    for (unsigned w_ = 0; w_ < IR_MAX_SLOTS / 64; w_++) \
        for (u64 m_ = (g)->touched.w[w_], s; m_ && (s = w_ * 64 + ctz64(m_), true); m_ &= m_ - 1)

bool slot_is_canon(const struct gen *g, unsigned s, const struct pins *to);
bool state_is_canon(const struct gen *g, const struct pins *to, bool but_flags);
bool state_is_canon_but(const struct gen *g, const struct pins *to, unsigned slot);
/* Values that lie only in a home about to be overwritten move away first (in code both paths run). */
void canon_prepare(struct gen *g, const struct pins *to);
void canon(struct gen *g, const struct pins *to);
void canon_but(struct gen *g, const struct pins *to, unsigned slot); /* leaves this slot alone; NOSLOT */
void flags_home(struct gen *g);

/* lazy.c: may the flags stay a note (gen.note) on the way to `target`, or back to the loop's head? */
bool lazy_exit(struct gen *g, i32 target);
bool lazy_loop(struct gen *g);
void lazy_write(struct gen *g); /* gen.note into the flags' home */

/* exits.c */
void control_entry(struct gen *g);
void control_stale(struct gen *g);
void state_home(struct gen *g); /* every slot into its home */

/* state.c, behind the entry */
void zeros_begin(struct gen *g);

/* select.c */
void select_ops(struct gen *g);

/* loop.c */
void loop_plan(struct gen *g);   /* after select_ops */
void loop_enter(struct gen *g);  /* after the entry: registers as the loop wants them */
void loop_finish(struct gen *g); /* behind the last op */

#endif
