/* Disassembly of x86. */
#ifndef MOSS_TARGET_I386_DISAS_H
#define MOSS_TARGET_I386_DISAS_H

#include "base/types.h"

/* As target->disas. */
int x86_disas(char *out, size_t n, u64 pc, const u8 *p, size_t avail, u64 mode);

#endif
