/* What memory.c and atomic.c share. */
#ifndef MOSS_TCG_HOST_X86_64_MEMORY_PRIV_H
#define MOSS_TCG_HOST_X86_64_MEMORY_PRIV_H

#include "tcg/host/access.h"
#include "tcg/host/x86_64/x_priv.h"

u8 *mem_access(struct gen *g, unsigned addr, i32 off, unsigned mo, unsigned tag_off, struct mem *m);
void mem_slow_args(struct gen *g, unsigned addr, i32 off, unsigned mo);
void mem_slow_call(struct gen *g, unsigned thunk);
void mem_swap(struct gen *g, unsigned reg, unsigned size); /* the low 1 << size bytes reversed */

void x_fence(struct code *c);

#endif
