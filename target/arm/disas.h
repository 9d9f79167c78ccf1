/* Disassembly: capstone, and the pattern tables' own text for what it does not know. */
#ifndef MOSS_TARGET_ARM_DISAS_H
#define MOSS_TARGET_ARM_DISAS_H

#include "base/types.h"

int arm_disas(char *out, size_t n, u64 pc, const u8 *p, size_t avail, u64 mode);

#endif
