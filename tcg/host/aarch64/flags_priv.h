/* What flags.c and select.c share. */
#ifndef MOSS_TCG_HOST_AARCH64_FLAGS_PRIV_H
#define MOSS_TCG_HOST_AARCH64_FLAGS_PRIV_H

#include "tcg/host/aarch64/a_priv.h"

/* A register holding r: its own, or `scratch`, loaded. Nothing is allocated. */
unsigned a_reg_ref(struct gen *g, bool w, unsigned scratch, ir_ref r);
/* Of a comparison; jump: kinds that only jumps have will do. */
struct cond a_cond_of_cmp(struct gen *g, unsigned cc, unsigned type, ir_ref a, ir_ref b, bool jump);
/* NZCV into T0; comp: C is the complement of what it is to be. Leaves NZCV. */
void a_pack_nzcv(struct gen *g, bool comp);

#endif
