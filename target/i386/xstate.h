/* The extended state as FXSAVE and XSAVE lay it out (SDM volume 1, 10.5 and 13.4): in a buffer of moss's. */
#ifndef MOSS_TARGET_I386_XSTATE_H
#define MOSS_TARGET_I386_XSTATE_H

#include "base/types.h"

struct x86_cpu;

/* A component by its bit in XCR0: its place in the standard form. Size 0: there is none of that number. */
struct x86_xstate {
    u32 off, size;
};
enum { X86_XSTATES = 10, XSTATE_LEGACY = 512, XSTATE_HEADER = 64, XSTATE_MAX = 2696 };
extern const struct x86_xstate x86_xstates[X86_XSTATES];

u64 x86_xcr0_mask(const struct x86_cpu *cpu); /* bits that XCR0 may have */
u32 x86_xsave_size(u64 xcr0, bool compact);
u64 x86_xinuse(struct x86_cpu *cpu); /* components that differ from what they are initially; MXCSR does not count */

/* The first 416 bytes of FXSAVE's area, with instruction and operand pointers of 64 bits; fewer registers outside
 * 64-bit mode are the caller's business. */
enum { FXSAVE_BYTES = 416 };
void x86_fxsave(struct x86_cpu *cpu, u8 *area);
bool x86_fxrstor(struct x86_cpu *cpu, const u8 *area); /* false: bits of MXCSR that must be 0 (#GP) */

/* Components in the standard form, no header: into the area; from it, and those of `init` as they are initially. MXCSR
 * is apart; x86_mxcsr_good: it may be loaded. */
void x86_xstate_put(struct x86_cpu *cpu, u8 *area, u64 mask);
void x86_xstate_get(struct x86_cpu *cpu, const u8 *area, u64 mask, u64 init);
enum { AT_MXCSR = 24 };
void x86_mxcsr_put(struct x86_cpu *cpu, u8 *area);
bool x86_mxcsr_good(const struct x86_cpu *cpu, const u8 *area);

/* XSAVE's standard form of the components in `mask`: legacy area and header too; what is not in mask stays. */
void x86_xstate_save(struct x86_cpu *cpu, u8 *area, u64 mask);
/* Components of mask: from the area, or as they are initially where its header says so. False: the header or MXCSR is
 * bad, and nothing has changed (#GP). */
bool x86_xstate_load(struct x86_cpu *cpu, const u8 *area, u64 mask);

#endif
