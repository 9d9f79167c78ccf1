/* What flags.c and select.c share. */
#ifndef MOSS_TCG_HOST_X86_64_FLAGS_PRIV_H
#define MOSS_TCG_HOST_X86_64_FLAGS_PRIV_H

#include "tcg/host/x86_64/x_priv.h"

/* EFLAGS as the recipe's instruction leaves them; FL_INV not looked at. Not for float comparisons and mixes. */
void recipe_load(struct gen *g, const struct xop *f);
void sahf(struct gen *g); /* EFLAGS of the packed form in eax, clean; eax goes */
void cmc(struct gen *g);

#endif
