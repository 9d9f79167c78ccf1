/* A bare Arm cpu on some RAM, without an accelerator: what the target asks for is written down. */
#ifndef MOSS_TESTS_UNIT_ARM_BENCH_H
#define MOSS_TESTS_UNIT_ARM_BENCH_H

#include <setjmp.h>

#include "target/arm/cpu.h"
#include "target/arm/exceptions.h"
#include "target/arm/mmu.h"
#include "target/arm/sysreg.h"

#define BENCH_RAM      0x40000000ull
#define BENCH_RAM_SIZE (16u << 20)
#define BENCH_PC       0x40001000ull /* of the instruction that helpers belong to */

struct arm_bench {
    struct arm_cpu *cpu;
    struct mem_space *space;
    struct ram ram;
    struct mem_region region;
    jmp_buf unwound;
    unsigned flushes, contexts, power_ons;
    struct tlb_flush flush; /* the last */
};
extern struct arm_bench bench;

/* A cpu of this model with these levels, just reset. The RAM keeps its contents. */
struct arm_cpu *bench_cpu(const char *model, bool el2, bool el3);
/* Puts the cpu at a level (0..3) with SPSel 1 above EL0, nothing masked. */
void bench_at(struct arm_cpu *cpu, unsigned el);
void bench_free(void);

u64 *bench_mem(u64 pa); /* host pointer */

/* Runs an access as an instruction would; true when it came back, false when it took an exception (see cpu->el, ESR).
 */
bool bench_mrs(struct arm_cpu *cpu, u32 enc, u64 *v);
bool bench_msr(struct arm_cpu *cpu, u32 enc, u64 v);
/* In small functions only: variables of the caller may be clobbered. */
#define BENCH_RUNS(stmt) (setjmp(bench.unwound) ? false : ((stmt), true))

u32 bench_enc(const char *name); /* of a row of the table */

#endif
