/* What x87.c and x87_mem.c share. */
#ifndef MOSS_TCG_HOST_X86_64_X87_PRIV_H
#define MOSS_TCG_HOST_X86_64_X87_PRIV_H

#include "tcg/host/x86_64/x_priv.h"

void x87_op(struct gen *g, unsigned a, unsigned b);
void x87_mem(struct gen *g, unsigned opcode, unsigned digit, struct mem m);
void x87_up_save(struct gen *g);
/* Op y with a number of so many bytes in memory. */
void x87_use_begin(struct gen *g, const struct xop *y);
void x87_use(struct gen *g, const struct xop *y, unsigned bytes, struct mem m);
void x87_use_end(struct gen *g, const struct xop *y);
/* A number out of the stack into memory, as op x makes it. */
void x87_out_forms(const struct xop *x, u8 form[4]);
void x87_out_begin(struct gen *g, const struct xop *x, const u8 form[4], bool *pops);
void x87_out_end(struct gen *g, bool pops);
/* Around a call in cold code. */
void x87_suspend(struct gen *g);
void x87_resume(struct gen *g);

#endif
