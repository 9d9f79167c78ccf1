/* A guest made up to try the accelerator: two cpus, 64 pages of memory at 0, a device, and instructions of 32 bits,
 *
 *      op << 24 | rd << 20 | ra << 16 | imm16
 *
 * with registers r0 to r7. Memory is mapped by toy_mapping, virtual page 0xfff is the device. A fault goes to
 * FAULT_VECTOR, where a T_HALT stands. */
#ifndef TESTS_UNIT_TOY_BENCH_H
#define TESTS_UNIT_TOY_BENCH_H

#include "memory/memory.h"
#include "target/target.h"

enum toy_op {
    T_HALT = 1,
    T_ADDI,
    T_LD,
    T_ST,
    T_BNZ,
    T_JR,
    T_MOVI,
    T_ADD,
    T_FLUSH,
    T_SPACE,
    T_LDX,
    T_STX,
    T_MODE,
    T_B,
    T_BL,
    T_RET
};
#define INSN(op, rd, ra, imm) ((u32)(op) << 24 | (u32)(rd) << 20 | (u32)(ra) << 16 | ((u32)(imm)&0xffff))
#define RAM_PAGES             64
#define FAULT_VECTOR          0x100u
#define R(cpu, n)             (toys[cpu]->v.rt.r[n])

struct toy {
    struct vcpu v;
    u32 mode, space;
    u64 fault_va, fault_pc;
    unsigned faults;
};

extern struct toy *toys[2];
extern struct ram toy_ram;
extern struct mem_space *toy_memory;
extern unsigned toy_halts;     /* cpus halted since toy_fresh() */
extern u8 toy_mapping[2][256]; /* [space][virtual page]: the physical page; 0xff: not mapped */
extern u64 toy_dev_last;       /* what was stored to the device last */

/* For cmocka: the accelerator with two cpus. MOSS_TEST_VERIFY, MOSS_TEST_INTERP, MOSS_TEST_HOSTILE: its ways. */
int toy_setup(void **st);
void toy_fresh(void); /* registers 0, each page mapped to itself */
void toy_put_code(u64 at, const u32 *code, size_t bytes);
void toy_start(unsigned n, u64 pc); /* cpu n, at the next toy_run */
void toy_run(unsigned n);           /* until n cpus halted */

#endif
