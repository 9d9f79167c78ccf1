/* The accelerator, driven by a made-up guest: chaining, self-modifying code, TLB contexts and flushes across threads,
 * faults, events, exclusives, eviction. Runs on host code where there is a back end, else interpreted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "accel/tcg/tcg_priv.h"
#include "base/bits.h"
#include "base/lock.h"
#include "tests/unit/toy_bench.h"

static void a_loop_counts(void **st)
{
    (void)st;
    toy_fresh();
    static const u32 code[] = {INSN(T_MOVI, 0, 0, 50000), INSN(T_ADDI, 1, 1, 3), INSN(T_ADDI, 0, 0, -1),
                               INSN(T_BNZ, 0, 0, -8), INSN(T_HALT, 0, 0, 0)};
    toy_put_code(0x1000, code, sizeof(code));
    toy_start(0, 0x1000);
    toy_run(1);
    assert_int_equal(R(0, 1), 150000);
    assert_int_equal(R(0, 0), 0);
}

static void code_may_cross_pages_and_jump_indirectly(void **st)
{
    (void)st;
    toy_fresh();
    /* Falls from page 1 into page 2, loops back through a register. */
    static const u32 a[] = {INSN(T_ADDI, 1, 1, 1)},
                     b[] = {INSN(T_ADDI, 2, 2, 1), INSN(T_ADDI, 0, 0, -1), INSN(T_BNZ, 0, 0, 8), INSN(T_HALT, 0, 0, 0),
                            INSN(T_JR, 0, 3, 0)};
    toy_put_code(0x1ffc, a, sizeof(a));
    toy_put_code(0x2000, b, sizeof(b));
    R(0, 0) = 1000;
    R(0, 3) = 0x1ffc;
    toy_start(0, 0x1ffc);
    toy_run(1);
    assert_int_equal(R(0, 1), 1000);
    assert_int_equal(R(0, 2), 1000);
}

static void stores_change_code_that_ran(void **st)
{
    (void)st;
    toy_fresh();
    /* Overwrites the ADDI at 0x2000 with one that adds 7, after it ran with 1. */
    static const u32 sub[] = {INSN(T_ADDI, 1, 1, 1), INSN(T_JR, 0, 4, 0)};
    static const u32 main_code[] = {INSN(T_MOVI, 4, 0, 0x1008), INSN(T_JR, 0, 3, 0), INSN(T_ST, 5, 3, 0),
                                    INSN(T_MOVI, 4, 0, 0x1014), INSN(T_JR, 0, 3, 0), INSN(T_HALT, 0, 0, 0)};
    toy_put_code(0x2000, sub, sizeof(sub));
    toy_put_code(0x1000, main_code, sizeof(main_code));
    R(0, 3) = 0x2000;
    R(0, 5) = INSN(T_ADDI, 1, 1, 7) | (u64)INSN(T_JR, 0, 4, 0) << 32;
    toy_start(0, 0x1000);
    toy_run(1);
    assert_int_equal(R(0, 1), 8);
}

static void a_loop_that_rewrites_itself_ends(void **st)
{
    (void)st;
    toy_fresh();
    /* The branch back becomes a HALT while the loop runs, with nothing else that would take the cpu out of it. */
    static const u32 code[] = {INSN(T_ADDI, 0, 0, 1), INSN(T_ST, 5, 3, 8), INSN(T_BNZ, 6, 0, -8),
                               INSN(T_HALT, 0, 0, 0)};
    toy_put_code(0x2000, code, sizeof(code));
    R(0, 3) = 0x2000;
    R(0, 5) = INSN(T_HALT, 0, 0, 0) | (u64)INSN(T_HALT, 0, 0, 0) << 32;
    R(0, 6) = 1;
    toy_start(0, 0x2000);
    toy_run(1);
    assert_true(R(0, 0) >= 1);
}

/* x86's way: what a trace stores over itself counts for the next instruction. */
static void a_store_changes_what_follows_it(void **st)
{
    (void)st;
    if (tcg.cfg.verify) { /* docs/engine.md, "Not done" */
        skip();
    }
    toy_fresh();
    static const u32 code[] = {INSN(T_ADDI, 2, 2, 5), INSN(T_ST, 5, 3, 8), INSN(T_ADDI, 1, 1, 100),
                               INSN(T_HALT, 0, 0, 0)};
    toy_put_code(0x2000, code, sizeof(code));
    R(0, 3) = 0x2000;
    R(0, 5) = INSN(T_ADDI, 1, 1, 7) | (u64)INSN(T_HALT, 0, 0, 0) << 32;
    for (unsigned round = 1; round <= 2; round++) { /* the second time it stores what is there */
        toy_halts = 0;
        toy_start(0, 0x2000);
        toy_run(1);
        assert_int_equal(R(0, 1), 7 * round);
        assert_int_equal(R(0, 2), 5 * round);
    }
}

static void data_beside_code_is_written_without_harm(void **st)
{
    (void)st;
    toy_fresh();
    static const u32 code[] = {INSN(T_MOVI, 0, 0, 2000), INSN(T_ST, 0, 3, 0),    INSN(T_LD, 1, 3, 0),
                               INSN(T_ADD, 2, 1, 0),     INSN(T_ADDI, 0, 0, -1), INSN(T_BNZ, 0, 0, -16),
                               INSN(T_HALT, 0, 0, 0)};
    toy_put_code(0x3000, code, sizeof(code));
    R(0, 3) = 0x3800;
    toy_start(0, 0x3000);
    toy_run(1);
    assert_int_equal(R(0, 2), 2000u * 2001 / 2);
}

static void faults_are_precise(void **st)
{
    (void)st;
    toy_fresh();
    static const u32 code[] = {INSN(T_ADDI, 1, 1, 1), INSN(T_ADDI, 2, 2, 2), INSN(T_LD, 1, 3, 8),
                               INSN(T_ADDI, 2, 2, 40), INSN(T_HALT, 0, 0, 0)};
    toy_put_code(0x4000, code, sizeof(code));
    R(0, 3) = 0x80000;
    toy_start(0, 0x4000);
    toy_run(1);
    assert_int_equal(toys[0]->faults, 1);
    assert_int_equal(toys[0]->fault_va, 0x80008);
    assert_int_equal(toys[0]->fault_pc, 0x4008);
    assert_int_equal(R(0, 1), 1);
    assert_int_equal(R(0, 2), 2);
}

static void a_fault_on_the_second_page_stores_nothing(void **st)
{
    (void)st;
    toy_fresh();
    toy_mapping[0][6] = 0xff;
    static const u32 code[] = {INSN(T_ST, 1, 3, 0), INSN(T_HALT, 0, 0, 0)};
    toy_put_code(0x4000, code, sizeof(code));
    R(0, 1) = ~0ull;
    R(0, 3) = 0x5ffc;
    u64 before = 0x1122334455667788, after = 0;
    mem_write(toy_memory, 0x5ff8, &before, 8, (struct mem_attrs){0});
    toy_start(0, 0x4000);
    toy_run(1);
    mem_read(toy_memory, 0x5ff8, &after, 8, (struct mem_attrs){0});
    assert_int_equal(toys[0]->faults, 1);
    assert_true(before == after);
}

static void devices_answer_and_refuse(void **st)
{
    (void)st;
    toy_fresh();
    static const u32 code[] = {INSN(T_LD, 1, 3, 0x10), INSN(T_ST, 2, 3, 0x20), INSN(T_ST, 2, 3, 0x800),
                               INSN(T_HALT, 0, 0, 0)};
    toy_put_code(0x4000, code, sizeof(code));
    R(0, 2) = 77;
    R(0, 3) = 0xfff000;
    toy_start(0, 0x4000);
    toy_run(1);
    assert_int_equal(R(0, 1), 0x1008);
    assert_int_equal(toy_dev_last, 77);
    assert_int_equal(toys[0]->faults, 1);
    assert_int_equal(toys[0]->fault_pc, 0x4008);
}

static void spaces_keep_their_translations(void **st)
{
    (void)st;
    toy_fresh();
    toy_mapping[1][8] = 9;
    u64 v8 = 8, v9 = 9;
    mem_write(toy_memory, 0x8000, &v8, 8, (struct mem_attrs){0});
    mem_write(toy_memory, 0x9000, &v9, 8, (struct mem_attrs){0});
    static const u32 code[] = {INSN(T_MOVI, 0, 0, 500), INSN(T_SPACE, 0, 0, 0), INSN(T_LD, 1, 3, 0),
                               INSN(T_ADD, 4, 1, 0),    INSN(T_SPACE, 0, 0, 1), INSN(T_LD, 1, 3, 0),
                               INSN(T_ADD, 5, 1, 0),    INSN(T_ADDI, 0, 0, -1), INSN(T_BNZ, 0, 0, -28),
                               INSN(T_HALT, 0, 0, 0)};
    toy_put_code(0x4000, code, sizeof(code));
    R(0, 3) = 0x8000;
    toy_start(0, 0x4000);
    toy_run(1);
    assert_int_equal(R(0, 4), 500 * 8);
    assert_int_equal(R(0, 5), 500 * 9);
}

/* -- calls and returns ------------------------------------------------------------------------------------------- */

static void calls_may_nest_deep(void **st)
{
    (void)st;
    toy_fresh();
    static const u32 code[] = {INSN(T_BL, 0, 0, 0x1000), INSN(T_HALT, 0, 0, 0)};
    static const u32 self[] = {INSN(T_ST, 6, 5, 0),    INSN(T_ADDI, 5, 5, 8), INSN(T_ADDI, 0, 0, -1),
                               INSN(T_BNZ, 0, 0, 8),   INSN(T_B, 0, 0, 8),    INSN(T_BL, 0, 0, -20),
                               INSN(T_ADDI, 5, 5, -8), INSN(T_LD, 6, 5, 0),   INSN(T_ADDI, 1, 1, 1),
                               INSN(T_RET, 0, 6, 0)};
    toy_put_code(0x4000, code, sizeof(code));
    toy_put_code(0x5000, self, sizeof(self));
    for (unsigned round = 1; round <= 3; round++) {
        R(0, 0) = 1500;
        R(0, 5) = 0x8000;
        toy_halts = 0;
        toy_start(0, 0x4000);
        toy_run(1);
        assert_int_equal(R(0, 1), round * 1500);
        assert_int_equal(R(0, 5), 0x8000);
    }
}

static void a_return_may_skip_callers(void **st)
{
    (void)st;
    toy_fresh();
    static const u32 code[] = {INSN(T_BL, 0, 0, 0x1000), INSN(T_ADDI, 1, 1, 1), INSN(T_ADDI, 0, 0, -1),
                               INSN(T_BNZ, 0, 0, -12), INSN(T_HALT, 0, 0, 0)};
    static const u32 f[] = {INSN(T_ADDI, 4, 6, 0), INSN(T_BL, 0, 0, 8),   INSN(T_ADDI, 2, 2, 1),
                            INSN(T_BL, 0, 0, 8),   INSN(T_ADDI, 2, 2, 1), INSN(T_RET, 0, 4, 0)};
    toy_put_code(0x4000, code, sizeof(code));
    toy_put_code(0x5000, f, sizeof(f));
    R(0, 0) = 1000;
    toy_start(0, 0x4000);
    toy_run(1);
    assert_int_equal(R(0, 1), 1000);
    assert_int_equal(R(0, 2), 0);
}

/* A loop at 0x4000 calls 0x5000 for ever; there is other code at its addresses in physical page 6. */
static void put_endless_calls(const u32 *callee, size_t bytes)
{
    static const u32 code[] = {INSN(T_BL, 0, 0, 0x1000), INSN(T_ADDI, 1, 1, 1), INSN(T_B, 0, 0, -8)};
    static const u32 other[] = {INSN(T_HALT, 0, 0, 0), INSN(T_ADDI, 1, 1, 20000), INSN(T_HALT, 0, 0, 0)};
    toy_put_code(0x4000, code, sizeof(code));
    toy_put_code(0x6000, other, sizeof(other));
    toy_put_code(0x5000, callee, bytes);
}

static void a_return_sees_another_space(void **st)
{
    (void)st;
    toy_fresh();
    toy_mapping[1][4] = 6;
    static const u32 callee[] = {INSN(T_ADDI, 3, 3, -1), INSN(T_BNZ, 3, 0, 8), INSN(T_SPACE, 0, 0, 1),
                                 INSN(T_RET, 0, 6, 0)};
    put_endless_calls(callee, sizeof(callee));
    R(0, 3) = 100;
    toy_start(0, 0x4000);
    toy_run(1);
    assert_int_equal(R(0, 1), 99 + 20000);
}

static void a_return_sees_another_mode(void **st)
{
    (void)st;
    toy_fresh();
    static const u32 code[] = {INSN(T_BL, 0, 0, 0x1000), INSN(T_ADDI, 1, 1, 1), INSN(T_BNZ, 3, 0, -8),
                               INSN(T_HALT, 0, 0, 0)};
    static const u32 callee[] = {INSN(T_ADDI, 3, 3, -1), INSN(T_BNZ, 3, 0, 8), INSN(T_MODE, 0, 0, 1),
                                 INSN(T_RET, 0, 6, 0)};
    toy_put_code(0x4000, code, sizeof(code));
    toy_put_code(0x5000, callee, sizeof(callee));
    R(0, 3) = 100;
    toy_start(0, 0x4000);
    toy_run(1);
    assert_int_equal(R(0, 1), 99 + 2); /* in mode 1 ADDI adds twice */
}

/* Until all cpus surely go round their loops. */
static useconds_t running_start_us(void)
{
    return getenv("MOSS_TEST_HOSTILE") ? 300000 : 20000;
}

/* Remaps when cpu `counter` has counted in r1, however late a busy machine lets it start. */
static void remap_while_running(unsigned n, unsigned counter)
{
    accel_tcg.resume_all();
    vcpu_kick(&toys[0]->v);
    vcpu_kick(&toys[1]->v);
    usleep(running_start_us());
    for (unsigned ms = 0; ms < 20000 && !__atomic_load_n(&R(counter, 1), __ATOMIC_RELAXED); ms++) {
        usleep(1000);
    }
    __atomic_store_n(&toy_mapping[0][4], 6, __ATOMIC_SEQ_CST);
    toy_run(n);
}

static void a_return_sees_its_own_flush(void **st)
{
    (void)st;
    toy_fresh();
    static const u32 callee[] = {INSN(T_FLUSH, 0, 3, 0), INSN(T_RET, 0, 6, 0)};
    put_endless_calls(callee, sizeof(callee));
    R(0, 3) = 0x4000;
    toy_start(0, 0x4000);
    remap_while_running(1, 0);
    assert_true(R(0, 1) > 20000);
}

static void a_return_sees_the_flush_of_another_cpu(void **st)
{
    (void)st;
    toy_fresh();
    static const u32 callee[] = {INSN(T_RET, 0, 6, 0)};
    static const u32 flusher[] = {INSN(T_FLUSH, 0, 3, 1), INSN(T_BNZ, 6, 0, -4), INSN(T_HALT, 0, 0, 0)};
    put_endless_calls(callee, sizeof(callee));
    toy_put_code(0x7000, flusher, sizeof(flusher));
    R(0, 3) = 0x4000;
    R(0, 6) = 1;
    toy_start(0, 0x7000);
    toy_start(1, 0x4000);
    remap_while_running(1, 1); /* the flusher never halts */
    assert_true(R(1, 1) > 0);
}

static void modes_do_not_share_blocks(void **st)
{
    (void)st;
    toy_fresh();
    static const u32 code[] = {INSN(T_ADDI, 1, 1, 1), INSN(T_MODE, 0, 0, 1),  INSN(T_ADDI, 2, 2, 1),
                               INSN(T_MODE, 0, 0, 0), INSN(T_ADDI, 0, 0, -1), INSN(T_BNZ, 0, 0, -20),
                               INSN(T_HALT, 0, 0, 0)};
    toy_put_code(0x4000, code, sizeof(code));
    R(0, 0) = 300;
    toy_start(0, 0x4000);
    toy_run(1);
    assert_int_equal(R(0, 1), 300);
    assert_int_equal(R(0, 2), 600);
}

static void a_flush_shows_the_new_mapping(void **st)
{
    (void)st;
    toy_fresh();
    u64 v8 = 8, v9 = 9;
    mem_write(toy_memory, 0x8000, &v8, 8, (struct mem_attrs){0});
    mem_write(toy_memory, 0x9000, &v9, 8, (struct mem_attrs){0});
    /* cpu 1 reads page 8 until it sees 9, cpu 0 flushes for ever. */
    static const u32 reader[] = {INSN(T_LD, 1, 3, 0), INSN(T_ADDI, 1, 1, -9), INSN(T_BNZ, 1, 0, -8),
                                 INSN(T_HALT, 0, 0, 0)};
    static const u32 flusher[] = {INSN(T_FLUSH, 0, 3, 0), INSN(T_B, 0, 0, -4)};
    toy_put_code(0x4000, reader, sizeof(reader));
    toy_put_code(0x5000, flusher, sizeof(flusher));
    R(1, 3) = R(0, 3) = 0x8000;
    toy_start(1, 0x4000);
    toy_start(0, 0x5000);
    accel_tcg.resume_all();
    vcpu_kick(&toys[0]->v);
    vcpu_kick(&toys[1]->v);
    usleep(running_start_us());
    __atomic_store_n(&toy_mapping[0][8], 9, __ATOMIC_SEQ_CST);
    toy_run(1);
    assert_int_equal(R(1, 1), 0);
    toys[0]->v.powered_off = true;
}

static void exclusives_lose_no_update(void **st)
{
    (void)st;
    toy_fresh();
    static const u32 code[] = {INSN(T_LDX, 1, 3, 0),   INSN(T_ADDI, 1, 1, 1),  INSN(T_STX, 1, 3, 0),
                               INSN(T_BNZ, 7, 0, -12), INSN(T_ADDI, 0, 0, -1), INSN(T_BNZ, 0, 0, -20),
                               INSN(T_HALT, 0, 0, 0)};
    toy_put_code(0x4000, code, sizeof(code));
    u64 zero = 0, sum = 0;
    mem_write(toy_memory, 0xa000, &zero, 8, (struct mem_attrs){0});
    for (unsigned i = 0; i < 2; i++) {
        R(i, 3) = 0xa000;
        R(i, 0) = 50000;
        toy_start(i, 0x4000);
    }
    toy_run(2);
    mem_read(toy_memory, 0xa000, &sum, 8, (struct mem_attrs){0});
    assert_int_equal(sum, 100000);
}

static void another_cpu_changes_running_code(void **st)
{
    (void)st;
    toy_fresh();
    /* cpu 1 counts in memory, for ever; once it does, cpu 0 turns the loop into a halt. */
    static const u32 spin[] = {INSN(T_ADDI, 1, 1, 1), INSN(T_ST, 1, 4, 0), INSN(T_B, 0, 0, -8)};
    static const u32 patch[] = {INSN(T_LD, 0, 4, 0), INSN(T_BNZ, 0, 0, 8), INSN(T_B, 0, 0, -8), INSN(T_ST, 5, 3, 0),
                                INSN(T_HALT, 0, 0, 0)};
    u64 zero = 0;
    mem_write(toy_memory, 0xb000, &zero, 8, (struct mem_attrs){0});
    toy_put_code(0x4000, spin, sizeof(spin));
    toy_put_code(0x5000, patch, sizeof(patch));
    R(0, 3) = 0x4000;
    R(0, 4) = R(1, 4) = 0xb000;
    R(0, 5) = INSN(T_HALT, 0, 0, 0) | (u64)INSN(T_HALT, 0, 0, 0) << 32;
    toy_start(1, 0x4000);
    toy_start(0, 0x5000);
    toy_run(2);
    assert_true(R(1, 1) > 0);
}

/* Stores through a writable entry that is gone may still be in flight: all who look for them are told, until the cpu
 * has passed a safe point. */
static void lost_entries_are_remembered(void **st)
{
    (void)st;
    toy_fresh();
    struct tcpu *t = toys[1]->v.accel;
    struct walk_result r;
    unsigned i;
    u64 off = ram_offset(toy_ram.host) + 0x8000, other = off + 0x1000; /* nobody writes that one */
    struct tlb_flush f = {.va = 0x8000, .len = 4096, .all_cpus = true};
    cpu_run_end(toys[0]->v.accel); /* as if it had run: its next safe point */
    cpu_run_end(t);
    assert_non_null(tlb_fill(t, 0x8000, MMU_STORE, 0, &r, &i));
    assert_int_equal(tlb_protect_page(other), 0);
    assert_int_equal(tlb_protect_page(off), 2);
    assert_int_equal(tlb_protect_page(off), 2);
    assert_int_equal(tlb_protect_page(other), 2);
    cpu_run_end(t);
    assert_int_equal(tlb_protect_page(off), 0);
    assert_non_null(tlb_fill(t, 0x8000, MMU_STORE, 0, &r, &i));
    toys[0]->v.sv->tlb_flush(&toys[0]->v, &f);
    assert_int_equal(tlb_protect_page(off), 2);
    cpu_run_end(t);
    assert_int_equal(tlb_protect_page(other), 0);
}

/* A picture's pages: whichever way they are written, the next look knows. */
static void written_pages_are_told(void **st)
{
    (void)st;
    toy_fresh();
    struct tcpu *t = toys[0]->v.accel;
    struct walk_result r;
    unsigned i;
    u64 off = ram_offset(toy_ram.host) + 0x9000, val = 5;
    cpu_run_end(t);
    cpu_run_end(toys[1]->v.accel);
    ram_watch(off, 4096);
    assert_true(ram_take_dirty(off));
    assert_false(ram_take_dirty(off));
    assert_non_null(tlb_fill(t, 0x9000, MMU_STORE, 0, &r, &i)); /* translated code may write from here on */
    assert_true(ram_take_dirty(off));                           /* and may be at it */
    assert_true(ram_take_dirty(off));
    cpu_run_end(t);
    assert_true(ram_take_dirty(off));
    assert_false(ram_take_dirty(off));
    /* a helper's pointer: the bytes come later, before the next safe point */
    assert_non_null(toys[0]->v.sv->probe(&toys[0]->v, 0x9000, 8, MMU_STORE, 0));
    assert_true(ram_take_dirty(off));
    assert_true(ram_take_dirty(off));
    cpu_run_end(t);
    assert_true(ram_take_dirty(off));
    assert_false(ram_take_dirty(off));
    toys[0]->v.sv->store(&toys[0]->v, 0x9000, &val, 8, 0);
    cpu_run_end(t);
    assert_true(ram_take_dirty(off));
    *ram_page_flags(off) &= (u8)~RAM_WATCH;
}

/* Also when the cpu waits for the lock that the caller holds. */
static void a_change_of_the_map_is_complete(void **st)
{
    (void)st;
    toy_fresh();
    static const u32 code[] = {INSN(T_LD, 1, 3, 0), INSN(T_ADDI, 0, 0, 1), INSN(T_B, 0, 0, -8)};
    toy_put_code(0x4000, code, sizeof(code));
    struct tcpu *t = toys[1]->v.accel;
    for (unsigned device = 0; device < 2; device++) {
        R(1, 3) = device ? 0xfff000 : 0x8000;
        toy_start(1, 0x4000);
        accel_tcg.resume_all();
        for (unsigned i = 0; i < 20; i++) {
            vcpu_kick(&toys[1]->v);
            usleep(2000);
            machine_lock();
            usleep(1000);
            u64 passed = __atomic_load_n(&t->safe_count, __ATOMIC_SEQ_CST);
            bool ran = __atomic_load_n(&t->running, __ATOMIC_SEQ_CST);
            accel_tcg.tlb_flush_all();
            assert_true(device || !ran || __atomic_load_n(&t->safe_count, __ATOMIC_SEQ_CST) > passed);
            machine_unlock();
        }
        accel_tcg.pause_all();
    }
    assert_true(R(1, 0) > 0);
    toys[1]->v.powered_off = true;
}

static void the_code_cache_evicts(void **st)
{
    (void)st;
    toy_fresh();
    /* Rewrites the immediate of a routine and calls it, 60000 times: more code than the cache holds. */
    static const u32 sub[] = {INSN(T_ADDI, 1, 1, 0), INSN(T_JR, 0, 4, 0)};
    static const u32 code[] = {INSN(T_ST, 5, 3, 0),    INSN(T_ADDI, 5, 5, 1),  INSN(T_JR, 0, 3, 0),
                               INSN(T_ADDI, 0, 0, -1), INSN(T_BNZ, 0, 0, -16), INSN(T_HALT, 0, 0, 0)};
    toy_put_code(0x6000, sub, sizeof(sub));
    toy_put_code(0x4000, code, sizeof(code));
    R(0, 0) = 20000;
    R(0, 3) = 0x6000;
    R(0, 4) = 0x400c;
    R(0, 5) = INSN(T_ADDI, 1, 1, 0) | (u64)INSN(T_JR, 0, 4, 0) << 32;
    toy_start(0, 0x4000);
    toy_run(1);
    assert_int_equal(R(0, 1), 20000u * 19999 / 2);
    struct buf b = {0};
    accel_tcg.print_stats(&b);
    print_message("%s", (char *)b.data);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_counts),
        cmocka_unit_test(code_may_cross_pages_and_jump_indirectly),
        cmocka_unit_test(stores_change_code_that_ran),
        cmocka_unit_test(a_loop_that_rewrites_itself_ends),
        cmocka_unit_test(a_store_changes_what_follows_it),
        cmocka_unit_test(data_beside_code_is_written_without_harm),
        cmocka_unit_test(faults_are_precise),
        cmocka_unit_test(a_fault_on_the_second_page_stores_nothing),
        cmocka_unit_test(devices_answer_and_refuse),
        cmocka_unit_test(spaces_keep_their_translations),
        cmocka_unit_test(calls_may_nest_deep),
        cmocka_unit_test(a_return_may_skip_callers),
        cmocka_unit_test(a_return_sees_another_space),
        cmocka_unit_test(a_return_sees_another_mode),
        cmocka_unit_test(a_return_sees_its_own_flush),
        cmocka_unit_test(a_return_sees_the_flush_of_another_cpu),
        cmocka_unit_test(modes_do_not_share_blocks),
        cmocka_unit_test(a_flush_shows_the_new_mapping),
        cmocka_unit_test(exclusives_lose_no_update),
        cmocka_unit_test(another_cpu_changes_running_code),
        cmocka_unit_test(lost_entries_are_remembered),
        cmocka_unit_test(written_pages_are_told),
        cmocka_unit_test(a_change_of_the_map_is_complete),
        cmocka_unit_test(the_code_cache_evicts),
    };
    return cmocka_run_group_tests(tests, toy_setup, NULL);
}
