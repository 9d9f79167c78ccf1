/* The x87's state (SDM volume 1, 8.1) as the rest of the x86 CPU sees it. */
#ifndef MOSS_TARGET_I386_FPU_H
#define MOSS_TARGET_I386_FPU_H

#include "target/i386/cpu.h"

/* Status word. */
enum {
    FSW_IE = 1 << 0,
    FSW_DE = 1 << 1,
    FSW_ZE = 1 << 2,
    FSW_OE = 1 << 3,
    FSW_UE = 1 << 4,
    FSW_PE = 1 << 5,
    FSW_EXCEPTIONS = 0x3f,
    FSW_SF = 1 << 6,
    FSW_ES = 1 << 7,
    FSW_C0 = 1 << 8,
    FSW_C1 = 1 << 9,
    FSW_C2 = 1 << 10,
    FSW_CC3 = 1 << 14,
    FSW_CC = FSW_C0 | FSW_C1 | FSW_C2 | FSW_CC3,
    FSW_TOP_SHIFT = 11,
    FSW_TOP = 7 << FSW_TOP_SHIFT,
    FSW_B = 1 << 15,
};
enum { FCW_MASKS = 0x3f, FCW_ONE = 1 << 6, FCW_INIT = 0x37f, FCW_PC_SHIFT = 8, FCW_RC_SHIFT = 10 };

/* While rt.x87_live is not 0 the host's x87 has the guest's, and what of it is in struct x86_cpu is old but for fcw and
 * where the last instruction lay. x86_fpu_home, on the cpu's own thread, brings it home; who reads or writes the fields
 * calls it first. Nothing of moss's own on that thread uses the x87 without. */
void x86_fpu_home(struct vcpu *v);
void x86_fpu_load(struct vcpu *v);
/* The words as programs see them. Setting the control or the status word settles ES and B, and the mode. */
u16 x86_fsw(struct x86_cpu *cpu);
void x86_fsw_set(struct x86_cpu *cpu, u16 v);
static inline u16 x86_fcw(const struct x86_cpu *cpu)
{
    return (u16)cpu->fcw;
}
void x86_fcw_set(struct x86_cpu *cpu, u16 v);
/* FXSAVE's form of the tags: bit n: physical register n holds something. */
u8 x86_ftw(const struct x86_cpu *cpu);
void x86_ftw_set(struct x86_cpu *cpu, u8 v); /* after x86_fsw_set: TOP must be right */
/* ST(i). */
static inline struct x86_st *x86_st(struct x86_cpu *cpu, unsigned i)
{
    return &cpu->st[(cpu->ftop + i) & 7];
}
void x86_fpu_init(struct x86_cpu *cpu); /* FNINIT */
void x86_careful(struct vcpu *v);       /* target->careful */
void x86_fpu_drop(struct x86_cpu *cpu); /* all of it was set from outside: what the host has is nothing */
/* How x87 instructions are to be translated. */
static inline u64 x87_mode(const struct x86_cpu *cpu)
{
    bool exact = (~cpu->fcw & FCW_MASKS) || cpu->fsw & FSW_ES;
#ifdef __x86_64__
    bool fast = !exact && !cpu->fcare;
#else
    bool fast = false;
#endif
    return (exact ? MODE_X87_EXACT : 0) | (fast ? MODE_X87_FAST : 0) | (cpu->fcare ? MODE_X87_CARE : 0);
}

#endif
