/* x86: what the rest of moss may know of it. */
#ifndef MOSS_TARGET_I386_I386_H
#define MOSS_TARGET_I386_I386_H

#include "target/target.h"

/* IR of the code at rq->off, in the mode of cpu_slots.h; as target->translate. */
void x86_translate(struct ir *ir, const struct tr_request *rq, struct tr_result *rs);

#endif
