/* What the loads and stores of all hosts have in common. */
#ifndef MOSS_TCG_HOST_ACCESS_H
#define MOSS_TCG_HOST_ACCESS_H

#include "tcg/host/gen_priv.h"

struct load {
    unsigned mo, type, addr, reg[2]; /* addr: NOREG of XF_ADDRESSED, whose registers the caller has locked */
    i32 off;
    bool pair, atomic; /* atomic: both halves in one access */
    bool has_hi;       /* the op behind it names the second half */
    u64 results;       /* mask of reg[] */
};
void load_begin(struct gen *g, const struct xop *x, struct load *l); /* registers for address and results */
void load_end(struct gen *g, const struct load *l);

/* An access whose TLB probe others may use (share.c). */
struct shared {
    struct share plan;
    const struct share *s; /* whose addend it used, or has left for others; NULL */
    bool wide;             /* it probes for more than itself */
};
bool shared_find(struct gen *g, const struct xop *x, struct shared *sh); /* false: a probe for itself alone */
void shared_own_done(struct gen *g, const struct shared *sh); /* cold code: it probed for itself; others do the same */

bool vectors_live(const struct gen *g);

#endif
