/* Instructions of a 64-bit program run by moss on the memory that x86_host_run.h names. */
#ifndef MOSS_TESTS_DIFF_X86_ENGINE_H
#define MOSS_TESTS_DIFF_X86_ENGINE_H

#include "tests/diff/x86_state.h"

enum x86_engine { X86_INTERPRETER };

void x86_engine_init(const struct x86_features *f);
/* `insns` instructions of `len` bytes together. Returns the signal a program would get, with the state at the fault, or
 * 0. */
int x86_engine_run(enum x86_engine e, const u8 *code, unsigned len, unsigned insns, const struct x86_state *in,
                   struct x86_state *out);

#endif
