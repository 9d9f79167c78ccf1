/* A bare machine that runs A64 code through the whole engine: RAM, one cpu of model `max` at EL1, an identity map of
 * normal memory, a device that ends the run. */
#ifndef MOSS_TESTS_DIFF_A64_MACHINE_H
#define MOSS_TESTS_DIFF_A64_MACHINE_H

#include "accel/accel.h"
#include "target/arm/cpu.h"

#define A64_RAM_BASE 0x40000000ull
#define A64_RAM_SIZE (16ull << 20)
#define A64_CODE     (A64_RAM_BASE + 0x100000)
#define A64_ARENA_AT (A64_RAM_BASE + 0x800000)

struct a64_machine {
    struct arm_cpu *cpu;
    u8 *ram;
    u64 fault_elr, fault_esr; /* of the exception that ended the last run */
};
extern struct a64_machine a64_machine;

void a64_machine_new(const struct accel_config *cfg);
void a64_machine_put(u64 at, const void *p, size_t n);
/* Resets the cpu and runs from the word at A64_CODE, with this FPCR and with registers as `fill` leaves them, until the
 * code stores to the device. False when it took an exception instead. */
bool a64_machine_run(u64 fpcr, void (*fill)(void *), void *arg);
/* Code that makes `v` in a register, and that ends the run (uses x9); words written. */
unsigned a64_emit_mov(u32 *p, unsigned rd, u64 v);
unsigned a64_emit_end(u32 *p);

#endif
