/* Images of FXSAVE and XSAVE: what their instructions are to find in registers and memory. */
#ifndef MOSS_TESTS_DIFF_X86_IMAGES_H
#define MOSS_TESTS_DIFF_X86_IMAGES_H

#include "tests/diff/x86_state.h"

bool x86_row_is_image(const struct x86_row *row);
/* The mask of components, and components that are as they are initially. */
void x86_image_state(struct x86_rng *rng, struct x86_state *s);
/* 576 + 256 bytes that can be restored, mostly. */
void x86_image_make(struct x86_rng *rng, const struct x86_row *row, u8 *area);

#endif
