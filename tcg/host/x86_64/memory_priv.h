/* What memory.c and atomic.c share. */
#ifndef MOSS_TCG_HOST_X86_64_MEMORY_PRIV_H
#define MOSS_TCG_HOST_X86_64_MEMORY_PRIV_H

#include "tcg/host/access.h"
#include "tcg/host/x86_64/x_priv.h"

struct mem mem_guest(struct gen *g, const struct xop *x); /* the program's address of a load or store, in registers */
u8 *mem_access(struct gen *g, struct mem at, unsigned mo, unsigned tag_off, struct mem *m);
void mem_slow_args(struct gen *g, struct mem at, unsigned mo);
void mem_slow_call(struct gen *g, unsigned thunk);
void mem_swap(struct gen *g, unsigned reg, unsigned size); /* the low 1 << size bytes reversed */

void x_fence(struct code *c);

#endif
