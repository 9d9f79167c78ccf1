/* Instructions of a program run by moss on the memory that x86_host_run.h names: by the interpreter, and as host
 * code by the engine that runs programs. */
#ifndef MOSS_TESTS_DIFF_X86_ENGINE_H
#define MOSS_TESTS_DIFF_X86_ENGINE_H

#include "tests/diff/x86_state.h"

/* Once, within a test, after x86_host_init. */
void x86_interp_init(const struct x86_features *f);
void x86_jit_init(const struct x86_features *f);

/* `insns` instructions of `len` bytes together. Return the signal a program would get, with the state at the fault, or
 * 0. */
int x86_interp_run(const u8 *code, unsigned len, unsigned insns, const struct x86_state *in, struct x86_state *out);
int x86_jit_run(const u8 *code, unsigned len, const struct x86_state *in, struct x86_state *out);

/* 64 at first, or 32: of the programs from now on. */
void x86_interp_bits(unsigned bits);
void x86_jit_bits(unsigned bits);

void x86_jit_signal(int sig, void *siginfo, void *ucontext); /* for x86_host_catch */
int x86_trap_signal(const struct vcpu *v);                   /* of the trap that ended it */

#endif
