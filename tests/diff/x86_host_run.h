/* Instructions of a program of 64 or of 32 bits run on the host's own processor: registers, vectors, x87 and flags are
 * loaded before and saved behind, or taken from the signal's frame when an instruction faults. */
#ifndef MOSS_TESTS_DIFF_X86_HOST_RUN_H
#define MOSS_TESTS_DIFF_X86_HOST_RUN_H

#include "tests/diff/x86_state.h"

/* Memory that instructions may touch; nothing is mapped around it. Below 2 GiB, so that 32-bit addresses reach it. */
#define X86_DATA_AT   0x10100000ull
#define X86_DATA_SIZE 0x4000u
#define X86_MIDDLE    (X86_DATA_AT + X86_DATA_SIZE / 2)
#define X86_DATA      ((u8 *)X86_DATA_AT)

/* Once; false: the addresses are taken. */
bool x86_host_init(void);
bool x86_host_has_32(void); /* false: the host's kernel offers no code of 32 bits (ia32_emulation=off) */
/* Within a test: the test library has handlers of its own. `other` (NULL: none) is asked about signals that come while
 * nothing runs here. */
void x86_host_catch(void (*other)(int sig, void *siginfo, void *ucontext));
struct x86_features x86_host_features(void);
/* At most 150 bytes of code. Returns the signal that ended it, with the state at the fault, or 0. `bits`: 32 or 64; of
 * 32, the registers that such a program does not have are 0. */
int x86_host_run(unsigned bits, const u8 *code, unsigned len, const struct x86_state *in, struct x86_state *out);

#endif
