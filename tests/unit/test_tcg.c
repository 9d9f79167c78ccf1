/* The accelerator, driven by a toy ISA of this file: chaining, self-modifying code, TLB contexts and flushes across
 * threads, faults, events, exclusives, eviction. Runs on host code where there is a back end, else interpreted.
 *
 * The toy: 32-bit words, op << 24 | rd << 20 | ra << 16 | imm16; registers r0..r7; memory is mapped by `mapping`. */
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
#include "memory/memory.h"
#include "tcg/build.h"

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

struct toy {
    struct vcpu v;
    u32 mode, space;
    u64 fault_va, fault_pc;
    unsigned faults;
};

/* Physical page of virtual page n in a space; 0xff: not mapped. */
static u8 mapping[2][256];
static struct ram ram;
static struct mem_region ram_region, dev_region;
static struct mem_space *space;
static struct toy *cpus[2];
static u64 dev_last;
static volatile unsigned halts;

static void toy_halt(struct vcpu *cpu)
{
    cpu->powered_off = true;
    __atomic_add_fetch(&halts, 1, __ATOMIC_SEQ_CST);
}
static void toy_flush(struct vcpu *cpu, u64 va, u64 all)
{
    struct tlb_flush f = {.va = va, .len = all & 1 ? 0 : 4096, .all_cpus = true};
    cpu->sv->tlb_flush(cpu, &f);
}
static void toy_space(struct vcpu *cpu, u64 n)
{
    ((struct toy *)cpu)->space = (u32)n & 1;
    cpu->rt.pc = cpu->sv->helper_pc(cpu) + 4;
    cpu->sv->context_changed(cpu);
}
static void toy_mode(struct vcpu *cpu, u64 n)
{
    ((struct toy *)cpu)->mode = (u32)n;
    cpu->rt.pc = cpu->sv->helper_pc(cpu) + 4;
    cpu->sv->mode_changed(cpu);
}
static u64 toy_ldx(struct vcpu *cpu, u64 va)
{
    u64 v;
    cpu->sv->load_exclusive(cpu, va, &v, 8, 0);
    return v;
}
static u64 toy_stx(struct vcpu *cpu, u64 va, u64 v)
{
    return !cpu->sv->store_exclusive(cpu, va, &v, 8, 0);
}

enum { H_HALT, H_FLUSH, H_SPACE, H_MODE, H_LDX, H_STX };
static const struct ir_helper helpers[] = {
    {"halt", (void *)toy_halt, IR_NONE, {0}, HF_READS | HF_END, NULL, NULL},
    {"flush", (void *)toy_flush, IR_NONE, {IR_I64, IR_I64}, HF_FAULT, NULL, NULL},
    {"space", (void *)toy_space, IR_NONE, {IR_I64}, HF_FAULT | HF_READS | HF_WRITES | HF_END, NULL, NULL},
    {"mode", (void *)toy_mode, IR_NONE, {IR_I64}, HF_FAULT | HF_READS | HF_WRITES | HF_END, NULL, NULL},
    {"ldx", (void *)toy_ldx, IR_I64, {IR_I64}, HF_FAULT, NULL, NULL},
    {"stx", (void *)toy_stx, IR_I64, {IR_I64, IR_I64}, HF_FAULT, NULL, NULL},
};
#define SLOT(n) \
    { \
        "r" #n, offsetof(struct rt, r) + 8 * n, IR_I64 \
    }
static const struct ir_slot slots[] = {SLOT(0), SLOT(1), SLOT(2), SLOT(3), SLOT(4), SLOT(5), SLOT(6), SLOT(7)};
static const u8 pins[] = {0, 1, 2, 3, 4};
static const struct ir_target toy_ir = {
    .slots = slots, .nslots = 8, .helpers = helpers, .nhelpers = ARRAY_LEN(helpers), .pins = pins, .npins = 5};

static u64 toy_mode_word(const struct vcpu *cpu)
{
    return ((const struct toy *)cpu)->mode;
}
static void toy_context(const struct vcpu *cpu, unsigned view, struct mmu_key *key)
{
    key->w[0] = ((const struct toy *)cpu)->space;
    key->w[1] = view;
}

/* One instruction; true when the trace ends with it. In mode 1 ADDI adds twice: blocks of modes must not mix. */
static bool toy_insn(struct ir *ir, u32 w, u32 off, u64 mode)
{
    unsigned rd = w >> 20 & 7, ra = w >> 16 & 7;
    i32 imm = (i16)w;
    switch ((enum toy_op)(w >> 24)) {
    case T_ADDI:
        ir_put(ir, rd, ir_addi(ir, IR_I64, ir_get(ir, ra), mode ? 2 * imm : imm));
        return false;
    case T_MOVI:
        ir_put(ir, rd, ir_const(ir, (u64)(u32)imm & 0xffff));
        return false;
    case T_ADD:
        ir_put(ir, rd, ir_add(ir, IR_I64, ir_get(ir, rd), ir_get(ir, ra)));
        return false;
    case T_LD:
        ir_put(ir, rd, ir_ld(ir, IR_I64, ir_get(ir, ra), imm, MO_64));
        return false;
    case T_ST:
        ir_st(ir, ir_get(ir, ra), imm, ir_get(ir, rd), IR_I64, MO_64);
        return false;
    case T_LDX:
        ir_put(ir, rd, ir_call(ir, H_LDX, ir_get(ir, ra), 0, 0, 0));
        return false;
    case T_STX: /* r7 = 0 when it stored */
        ir_put(ir, 7, ir_call(ir, H_STX, ir_get(ir, ra), ir_get(ir, rd), 0, 0));
        return false;
    case T_FLUSH:
        ir_call(ir, H_FLUSH, ir_get(ir, ra), ir_const(ir, (u64)imm), 0, 0);
        return false;
    case T_BNZ:
        ir_exitcc(ir, CC_NE, IR_I64, ir_get(ir, rd), ir_const(ir, 0), (i32)off + imm);
        return false;
    case T_B:
        ir_exit(ir, (i32)off + imm, EXIT_JUMP);
        return true;
    case T_BL: /* r6 = where to come back */
        ir_put(ir, 6, ir_pc(ir, (i32)off + 4));
        ir_exit(ir, (i32)off + imm, EXIT_CALL);
        return true;
    case T_RET:
        ir_exit_ind(ir, ir_get(ir, ra), EXIT_RET);
        return true;
    case T_JR:
        ir_exit_ind(ir, ir_get(ir, ra), EXIT_JUMP);
        return true;
    case T_SPACE:
    case T_MODE:
        ir_call(ir, w >> 24 == T_SPACE ? H_SPACE : H_MODE, ir_const(ir, (u64)imm), 0, 0, 0);
        ir_exit_pc(ir);
        return true;
    case T_HALT:
        break;
    }
    ir_call(ir, H_HALT, 0, 0, 0, 0);
    ir_exit_loop(ir, REASON_HALT);
    return true;
}

static void toy_translate(struct ir *ir, const struct tr_request *rq, struct tr_result *rs)
{
    u32 off = rq->off;
    bool end = false;
    for (unsigned n = 0; !end && n < rq->max_insns && off < 4096; n++, off += 4) {
        ir_insn(ir, off, 4);
        end = toy_insn(ir, ld32le(rq->page + off), off, rq->mode);
    }
    if (!end) {
        ir_exit(ir, (i32)off, EXIT_JUMP);
    }
    rs->end = off;
}

static bool toy_walk(struct vcpu *cpu, u64 va, enum mmu_access acc, unsigned view, struct walk_result *r)
{
    (void)acc;
    (void)view;
    u64 vp = va >> 12;
    if (vp == 0xfff) { /* the device */
        *r = (struct walk_result){.pa = 0x10000000 + (va & 0xfff), .page_size = 4096, .r = true, .w = true};
        return true;
    }
    u8 pp = vp < 256 ? __atomic_load_n(&mapping[((struct toy *)cpu)->space][vp], __ATOMIC_SEQ_CST) : 0xff;
    *r = (struct walk_result){.pa = ((u64)pp << 12) + (va & 0xfff), .page_size = 4096, .r = true, .w = true, .x = true};
    return pp != 0xff;
}
static void toy_fault(struct vcpu *cpu, enum cpu_fault kind, u64 va, enum mmu_access acc, unsigned size, unsigned view,
                      const struct walk_result *r)
{
    (void)kind;
    (void)acc;
    (void)size;
    (void)view;
    (void)r;
    struct toy *t = (struct toy *)cpu;
    t->fault_va = va;
    t->fault_pc = cpu->rt.pc;
    t->faults++;
    cpu->rt.pc = FAULT_VECTOR;
}
static bool toy_interrupt(struct vcpu *cpu)
{
    (void)cpu;
    return false;
}
static bool toy_work(const struct vcpu *cpu)
{
    (void)cpu;
    return true;
}
static int toy_disas(char *out, size_t n, u64 pc, const u8 *p, size_t avail, u64 mode)
{
    (void)pc;
    (void)avail;
    (void)mode;
    snprintf(out, n, "%08x", ld32le(p));
    return 4;
}
static const struct target toy = {.name = "toy",
                                  .cpu_size = sizeof(struct toy),
                                  .xlen = 64,
                                  .views = 1,
                                  .ir = &toy_ir,
                                  .mode = toy_mode_word,
                                  .context = toy_context,
                                  .translate = toy_translate,
                                  .walk = toy_walk,
                                  .fault = toy_fault,
                                  .interrupt = toy_interrupt,
                                  .has_work = toy_work,
                                  .disas = toy_disas};

static enum mem_result dev_read(void *o, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)o;
    (void)a;
    *val = off << 8 | size;
    return MEM_OK;
}
static enum mem_result dev_write(void *o, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)o;
    (void)off;
    (void)size;
    (void)a;
    dev_last = val;
    return off == 0x800 ? MEM_SLAVE_ERROR : MEM_OK;
}
static const struct mem_ops dev_ops = {dev_read, dev_write, 1, 8, false};

static int setup(void **st)
{
    (void)st;
    struct err e = {{0}};
    space = mem_space_new("system");
    assert_true(ram_new(&ram, "ram", RAM_PAGES * 4096, &e));
    ram_region = (struct mem_region){.name = "ram", .kind = MEM_RAM, .size = ram.size, .host = ram.host};
    mem_map_region(space, &ram_region, 0, 0);
    dev_region = (struct mem_region){.name = "dev", .kind = MEM_MMIO, .size = 4096, .ops = &dev_ops};
    mem_map_region(space, &dev_region, 0x10000000, 0);
    const char *runs = getenv("MOSS_TEST_VERIFY"); /* 0: all */
    struct accel_config cfg = {.code_cache = 4 << 20,
                               .interp = getenv("MOSS_TEST_INTERP") != NULL,
                               .verify = runs != NULL,
                               .verify_runs = runs ? strtoull(runs, NULL, 0) : 0,
                               .hostile = getenv("MOSS_TEST_HOSTILE") != NULL};
    assert_true(accel_tcg.init(&cfg, space, &e));
    for (unsigned i = 0; i < 2; i++) {
        cpus[i] = aligned_alloc(64, align_up(sizeof(struct toy), 64));
        memset(cpus[i], 0, sizeof(struct toy));
        cpus[i]->v.target = &toy;
        cpus[i]->v.space = space;
        cpus[i]->v.index = i;
        cpus[i]->v.powered_off = true;
        assert_true(accel_tcg.add(&cpus[i]->v, &e));
    }
    return 0;
}

static void fresh(void)
{
    accel_tcg.pause_all();
    for (unsigned s = 0; s < 2; s++) {
        for (unsigned i = 0; i < 256; i++) {
            mapping[s][i] = i < RAM_PAGES ? (u8)i : 0xff;
        }
    }
    static const u32 vector[] = {INSN(T_HALT, 0, 0, 0)};
    mem_write(space, FAULT_VECTOR, vector, sizeof(vector), (struct mem_attrs){0});
    accel_tcg.tlb_flush_all();
    halts = 0;
    for (unsigned i = 0; i < 2; i++) {
        memset(cpus[i]->v.rt.r, 0, sizeof(cpus[i]->v.rt.r));
        cpus[i]->faults = 0;
        cpus[i]->mode = cpus[i]->space = 0;
        cpus[i]->v.sv->context_changed(&cpus[i]->v);
    }
}

static void put_code(u64 at, const u32 *code, size_t bytes)
{
    assert_int_equal(mem_write(space, at, code, bytes, (struct mem_attrs){0}), MEM_OK);
}

static void start(unsigned n, u64 pc)
{
    cpus[n]->v.rt.pc = pc;
    cpus[n]->v.powered_off = false;
}

/* Runs until n cpus halted. */
static void run(unsigned n)
{
    accel_tcg.resume_all();
    for (unsigned i = 0; i < 2; i++) {
        vcpu_kick(&cpus[i]->v);
    }
    for (unsigned ms = 0; __atomic_load_n(&halts, __ATOMIC_SEQ_CST) < n; ms++) {
        assert_true(ms < 60000);
        usleep(1000);
    }
    accel_tcg.pause_all();
}
#define R(cpu, n) (cpus[cpu]->v.rt.r[n])

static void a_loop_counts(void **st)
{
    (void)st;
    fresh();
    static const u32 code[] = {INSN(T_MOVI, 0, 0, 50000), INSN(T_ADDI, 1, 1, 3), INSN(T_ADDI, 0, 0, -1),
                               INSN(T_BNZ, 0, 0, -8), INSN(T_HALT, 0, 0, 0)};
    put_code(0x1000, code, sizeof(code));
    start(0, 0x1000);
    run(1);
    assert_int_equal(R(0, 1), 150000);
    assert_int_equal(R(0, 0), 0);
}

static void code_may_cross_pages_and_jump_indirectly(void **st)
{
    (void)st;
    fresh();
    /* Falls from page 1 into page 2, loops back through a register. */
    static const u32 a[] = {INSN(T_ADDI, 1, 1, 1)},
                     b[] = {INSN(T_ADDI, 2, 2, 1), INSN(T_ADDI, 0, 0, -1), INSN(T_BNZ, 0, 0, 8), INSN(T_HALT, 0, 0, 0),
                            INSN(T_JR, 0, 3, 0)};
    put_code(0x1ffc, a, sizeof(a));
    put_code(0x2000, b, sizeof(b));
    R(0, 0) = 1000;
    R(0, 3) = 0x1ffc;
    start(0, 0x1ffc);
    run(1);
    assert_int_equal(R(0, 1), 1000);
    assert_int_equal(R(0, 2), 1000);
}

static void stores_change_code_that_ran(void **st)
{
    (void)st;
    fresh();
    /* Overwrites the ADDI at 0x2000 with one that adds 7, after it ran with 1. */
    static const u32 sub[] = {INSN(T_ADDI, 1, 1, 1), INSN(T_JR, 0, 4, 0)};
    static const u32 main_code[] = {INSN(T_MOVI, 4, 0, 0x1008), INSN(T_JR, 0, 3, 0), INSN(T_ST, 5, 3, 0),
                                    INSN(T_MOVI, 4, 0, 0x1014), INSN(T_JR, 0, 3, 0), INSN(T_HALT, 0, 0, 0)};
    put_code(0x2000, sub, sizeof(sub));
    put_code(0x1000, main_code, sizeof(main_code));
    R(0, 3) = 0x2000;
    R(0, 5) = INSN(T_ADDI, 1, 1, 7) | (u64)INSN(T_JR, 0, 4, 0) << 32;
    start(0, 0x1000);
    run(1);
    assert_int_equal(R(0, 1), 8);
}

static void a_loop_that_rewrites_itself_ends(void **st)
{
    (void)st;
    fresh();
    /* The branch back becomes a HALT while the loop runs, with nothing else that would take the cpu out of it. */
    static const u32 code[] = {INSN(T_ADDI, 0, 0, 1), INSN(T_ST, 5, 3, 8), INSN(T_BNZ, 6, 0, -8),
                               INSN(T_HALT, 0, 0, 0)};
    put_code(0x2000, code, sizeof(code));
    R(0, 3) = 0x2000;
    R(0, 5) = INSN(T_HALT, 0, 0, 0) | (u64)INSN(T_HALT, 0, 0, 0) << 32;
    R(0, 6) = 1;
    start(0, 0x2000);
    run(1);
    assert_true(R(0, 0) >= 1);
}

static void data_beside_code_is_written_without_harm(void **st)
{
    (void)st;
    fresh();
    static const u32 code[] = {INSN(T_MOVI, 0, 0, 2000), INSN(T_ST, 0, 3, 0),    INSN(T_LD, 1, 3, 0),
                               INSN(T_ADD, 2, 1, 0),     INSN(T_ADDI, 0, 0, -1), INSN(T_BNZ, 0, 0, -16),
                               INSN(T_HALT, 0, 0, 0)};
    put_code(0x3000, code, sizeof(code));
    R(0, 3) = 0x3800;
    start(0, 0x3000);
    run(1);
    assert_int_equal(R(0, 2), 2000u * 2001 / 2);
}

static void faults_are_precise(void **st)
{
    (void)st;
    fresh();
    static const u32 code[] = {INSN(T_ADDI, 1, 1, 1), INSN(T_ADDI, 2, 2, 2), INSN(T_LD, 1, 3, 8),
                               INSN(T_ADDI, 2, 2, 40), INSN(T_HALT, 0, 0, 0)};
    put_code(0x4000, code, sizeof(code));
    R(0, 3) = 0x80000;
    start(0, 0x4000);
    run(1);
    assert_int_equal(cpus[0]->faults, 1);
    assert_int_equal(cpus[0]->fault_va, 0x80008);
    assert_int_equal(cpus[0]->fault_pc, 0x4008);
    assert_int_equal(R(0, 1), 1);
    assert_int_equal(R(0, 2), 2);
}

static void a_fault_on_the_second_page_stores_nothing(void **st)
{
    (void)st;
    fresh();
    mapping[0][6] = 0xff;
    static const u32 code[] = {INSN(T_ST, 1, 3, 0), INSN(T_HALT, 0, 0, 0)};
    put_code(0x4000, code, sizeof(code));
    R(0, 1) = ~0ull;
    R(0, 3) = 0x5ffc;
    u64 before = 0x1122334455667788, after = 0;
    mem_write(space, 0x5ff8, &before, 8, (struct mem_attrs){0});
    start(0, 0x4000);
    run(1);
    mem_read(space, 0x5ff8, &after, 8, (struct mem_attrs){0});
    assert_int_equal(cpus[0]->faults, 1);
    assert_true(before == after);
}

static void devices_answer_and_refuse(void **st)
{
    (void)st;
    fresh();
    static const u32 code[] = {INSN(T_LD, 1, 3, 0x10), INSN(T_ST, 2, 3, 0x20), INSN(T_ST, 2, 3, 0x800),
                               INSN(T_HALT, 0, 0, 0)};
    put_code(0x4000, code, sizeof(code));
    R(0, 2) = 77;
    R(0, 3) = 0xfff000;
    start(0, 0x4000);
    run(1);
    assert_int_equal(R(0, 1), 0x1008);
    assert_int_equal(dev_last, 77);
    assert_int_equal(cpus[0]->faults, 1);
    assert_int_equal(cpus[0]->fault_pc, 0x4008);
}

static void spaces_keep_their_translations(void **st)
{
    (void)st;
    fresh();
    mapping[1][8] = 9;
    u64 v8 = 8, v9 = 9;
    mem_write(space, 0x8000, &v8, 8, (struct mem_attrs){0});
    mem_write(space, 0x9000, &v9, 8, (struct mem_attrs){0});
    static const u32 code[] = {INSN(T_MOVI, 0, 0, 500), INSN(T_SPACE, 0, 0, 0), INSN(T_LD, 1, 3, 0),
                               INSN(T_ADD, 4, 1, 0),    INSN(T_SPACE, 0, 0, 1), INSN(T_LD, 1, 3, 0),
                               INSN(T_ADD, 5, 1, 0),    INSN(T_ADDI, 0, 0, -1), INSN(T_BNZ, 0, 0, -28),
                               INSN(T_HALT, 0, 0, 0)};
    put_code(0x4000, code, sizeof(code));
    R(0, 3) = 0x8000;
    start(0, 0x4000);
    run(1);
    assert_int_equal(R(0, 4), 500 * 8);
    assert_int_equal(R(0, 5), 500 * 9);
}

/* -- calls and returns ------------------------------------------------------------------------------------------- */

static void calls_may_nest_deep(void **st)
{
    (void)st;
    fresh();
    static const u32 code[] = {INSN(T_BL, 0, 0, 0x1000), INSN(T_HALT, 0, 0, 0)};
    static const u32 self[] = {INSN(T_ST, 6, 5, 0),    INSN(T_ADDI, 5, 5, 8), INSN(T_ADDI, 0, 0, -1),
                               INSN(T_BNZ, 0, 0, 8),   INSN(T_B, 0, 0, 8),    INSN(T_BL, 0, 0, -20),
                               INSN(T_ADDI, 5, 5, -8), INSN(T_LD, 6, 5, 0),   INSN(T_ADDI, 1, 1, 1),
                               INSN(T_RET, 0, 6, 0)};
    put_code(0x4000, code, sizeof(code));
    put_code(0x5000, self, sizeof(self));
    for (unsigned round = 1; round <= 3; round++) {
        R(0, 0) = 1500;
        R(0, 5) = 0x8000;
        halts = 0;
        start(0, 0x4000);
        run(1);
        assert_int_equal(R(0, 1), round * 1500);
        assert_int_equal(R(0, 5), 0x8000);
    }
}

static void a_return_may_skip_callers(void **st)
{
    (void)st;
    fresh();
    static const u32 code[] = {INSN(T_BL, 0, 0, 0x1000), INSN(T_ADDI, 1, 1, 1), INSN(T_ADDI, 0, 0, -1),
                               INSN(T_BNZ, 0, 0, -12), INSN(T_HALT, 0, 0, 0)};
    static const u32 f[] = {INSN(T_ADDI, 4, 6, 0), INSN(T_BL, 0, 0, 8),   INSN(T_ADDI, 2, 2, 1),
                            INSN(T_BL, 0, 0, 8),   INSN(T_ADDI, 2, 2, 1), INSN(T_RET, 0, 4, 0)};
    put_code(0x4000, code, sizeof(code));
    put_code(0x5000, f, sizeof(f));
    R(0, 0) = 1000;
    start(0, 0x4000);
    run(1);
    assert_int_equal(R(0, 1), 1000);
    assert_int_equal(R(0, 2), 0);
}

/* A loop at 0x4000 calls 0x5000 for ever; there is other code at its addresses in physical page 6. */
static void put_endless_calls(const u32 *callee, size_t bytes)
{
    static const u32 code[] = {INSN(T_BL, 0, 0, 0x1000), INSN(T_ADDI, 1, 1, 1), INSN(T_B, 0, 0, -8)};
    static const u32 other[] = {INSN(T_HALT, 0, 0, 0), INSN(T_ADDI, 1, 1, 20000), INSN(T_HALT, 0, 0, 0)};
    put_code(0x4000, code, sizeof(code));
    put_code(0x6000, other, sizeof(other));
    put_code(0x5000, callee, bytes);
}

static void a_return_sees_another_space(void **st)
{
    (void)st;
    fresh();
    mapping[1][4] = 6;
    static const u32 callee[] = {INSN(T_ADDI, 3, 3, -1), INSN(T_BNZ, 3, 0, 8), INSN(T_SPACE, 0, 0, 1),
                                 INSN(T_RET, 0, 6, 0)};
    put_endless_calls(callee, sizeof(callee));
    R(0, 3) = 100;
    start(0, 0x4000);
    run(1);
    assert_int_equal(R(0, 1), 99 + 20000);
}

static void a_return_sees_another_mode(void **st)
{
    (void)st;
    fresh();
    static const u32 code[] = {INSN(T_BL, 0, 0, 0x1000), INSN(T_ADDI, 1, 1, 1), INSN(T_BNZ, 3, 0, -8),
                               INSN(T_HALT, 0, 0, 0)};
    static const u32 callee[] = {INSN(T_ADDI, 3, 3, -1), INSN(T_BNZ, 3, 0, 8), INSN(T_MODE, 0, 0, 1),
                                 INSN(T_RET, 0, 6, 0)};
    put_code(0x4000, code, sizeof(code));
    put_code(0x5000, callee, sizeof(callee));
    R(0, 3) = 100;
    start(0, 0x4000);
    run(1);
    assert_int_equal(R(0, 1), 99 + 2); /* in mode 1 ADDI adds twice */
}

/* Until all cpus surely go round their loops. */
static useconds_t running_start_us(void)
{
    return getenv("MOSS_TEST_HOSTILE") ? 300000 : 20000;
}

static void remap_while_running(unsigned n)
{
    accel_tcg.resume_all();
    vcpu_kick(&cpus[0]->v);
    vcpu_kick(&cpus[1]->v);
    usleep(running_start_us());
    __atomic_store_n(&mapping[0][4], 6, __ATOMIC_SEQ_CST);
    run(n);
}

static void a_return_sees_its_own_flush(void **st)
{
    (void)st;
    fresh();
    static const u32 callee[] = {INSN(T_FLUSH, 0, 3, 0), INSN(T_RET, 0, 6, 0)};
    put_endless_calls(callee, sizeof(callee));
    R(0, 3) = 0x4000;
    start(0, 0x4000);
    remap_while_running(1);
    assert_true(R(0, 1) > 20000);
}

static void a_return_sees_the_flush_of_another_cpu(void **st)
{
    (void)st;
    fresh();
    static const u32 callee[] = {INSN(T_RET, 0, 6, 0)};
    static const u32 flusher[] = {INSN(T_FLUSH, 0, 3, 1), INSN(T_BNZ, 6, 0, -4), INSN(T_HALT, 0, 0, 0)};
    put_endless_calls(callee, sizeof(callee));
    put_code(0x7000, flusher, sizeof(flusher));
    R(0, 3) = 0x4000;
    R(0, 6) = 1;
    start(0, 0x7000);
    start(1, 0x4000);
    remap_while_running(1); /* the flusher never halts */
    assert_true(R(1, 1) > 0);
}

static void modes_do_not_share_blocks(void **st)
{
    (void)st;
    fresh();
    static const u32 code[] = {INSN(T_ADDI, 1, 1, 1), INSN(T_MODE, 0, 0, 1),  INSN(T_ADDI, 2, 2, 1),
                               INSN(T_MODE, 0, 0, 0), INSN(T_ADDI, 0, 0, -1), INSN(T_BNZ, 0, 0, -20),
                               INSN(T_HALT, 0, 0, 0)};
    put_code(0x4000, code, sizeof(code));
    R(0, 0) = 300;
    start(0, 0x4000);
    run(1);
    assert_int_equal(R(0, 1), 300);
    assert_int_equal(R(0, 2), 600);
}

static void a_flush_shows_the_new_mapping(void **st)
{
    (void)st;
    fresh();
    u64 v8 = 8, v9 = 9;
    mem_write(space, 0x8000, &v8, 8, (struct mem_attrs){0});
    mem_write(space, 0x9000, &v9, 8, (struct mem_attrs){0});
    /* cpu 1 reads page 8 until it sees 9, cpu 0 flushes for ever. */
    static const u32 reader[] = {INSN(T_LD, 1, 3, 0), INSN(T_ADDI, 1, 1, -9), INSN(T_BNZ, 1, 0, -8),
                                 INSN(T_HALT, 0, 0, 0)};
    static const u32 flusher[] = {INSN(T_FLUSH, 0, 3, 0), INSN(T_B, 0, 0, -4)};
    put_code(0x4000, reader, sizeof(reader));
    put_code(0x5000, flusher, sizeof(flusher));
    R(1, 3) = R(0, 3) = 0x8000;
    start(1, 0x4000);
    start(0, 0x5000);
    accel_tcg.resume_all();
    vcpu_kick(&cpus[0]->v);
    vcpu_kick(&cpus[1]->v);
    usleep(running_start_us());
    __atomic_store_n(&mapping[0][8], 9, __ATOMIC_SEQ_CST);
    run(1);
    assert_int_equal(R(1, 1), 0);
    cpus[0]->v.powered_off = true;
}

static void exclusives_lose_no_update(void **st)
{
    (void)st;
    fresh();
    static const u32 code[] = {INSN(T_LDX, 1, 3, 0),   INSN(T_ADDI, 1, 1, 1),  INSN(T_STX, 1, 3, 0),
                               INSN(T_BNZ, 7, 0, -12), INSN(T_ADDI, 0, 0, -1), INSN(T_BNZ, 0, 0, -20),
                               INSN(T_HALT, 0, 0, 0)};
    put_code(0x4000, code, sizeof(code));
    u64 zero = 0, sum = 0;
    mem_write(space, 0xa000, &zero, 8, (struct mem_attrs){0});
    for (unsigned i = 0; i < 2; i++) {
        R(i, 3) = 0xa000;
        R(i, 0) = 50000;
        start(i, 0x4000);
    }
    run(2);
    mem_read(space, 0xa000, &sum, 8, (struct mem_attrs){0});
    assert_int_equal(sum, 100000);
}

static void another_cpu_changes_running_code(void **st)
{
    (void)st;
    fresh();
    /* cpu 1 counts in memory, for ever; once it does, cpu 0 turns the loop into a halt. */
    static const u32 spin[] = {INSN(T_ADDI, 1, 1, 1), INSN(T_ST, 1, 4, 0), INSN(T_B, 0, 0, -8)};
    static const u32 patch[] = {INSN(T_LD, 0, 4, 0), INSN(T_BNZ, 0, 0, 8), INSN(T_B, 0, 0, -8), INSN(T_ST, 5, 3, 0),
                                INSN(T_HALT, 0, 0, 0)};
    u64 zero = 0;
    mem_write(space, 0xb000, &zero, 8, (struct mem_attrs){0});
    put_code(0x4000, spin, sizeof(spin));
    put_code(0x5000, patch, sizeof(patch));
    R(0, 3) = 0x4000;
    R(0, 4) = R(1, 4) = 0xb000;
    R(0, 5) = INSN(T_HALT, 0, 0, 0) | (u64)INSN(T_HALT, 0, 0, 0) << 32;
    start(1, 0x4000);
    start(0, 0x5000);
    run(2);
    assert_true(R(1, 1) > 0);
}

/* Stores through a writable entry that is gone may still be in flight: all who look for them are told, until the cpu
 * has passed a safe point. */
static void lost_entries_are_remembered(void **st)
{
    (void)st;
    fresh();
    struct tcpu *t = cpus[1]->v.accel;
    struct walk_result r;
    unsigned i;
    u64 off = ram_offset(ram.host) + 0x8000;
    struct tlb_flush f = {.va = 0x8000, .len = 4096, .all_cpus = true};
    cpu_run_end(cpus[0]->v.accel); /* as if it had run: its next safe point */
    cpu_run_end(t);
    assert_non_null(tlb_fill(t, 0x8000, MMU_STORE, 0, &r, &i));
    assert_int_equal(tlb_stores_in_flight(), 0);
    assert_int_equal(tlb_protect_page(off), 2);
    assert_int_equal(tlb_protect_page(off), 2);
    assert_int_equal(tlb_stores_in_flight(), 2);
    cpu_run_end(t);
    assert_int_equal(tlb_protect_page(off), 0);
    assert_non_null(tlb_fill(t, 0x8000, MMU_STORE, 0, &r, &i));
    cpus[0]->v.sv->tlb_flush(&cpus[0]->v, &f);
    assert_int_equal(tlb_protect_page(off), 2);
    cpu_run_end(t);
    assert_int_equal(tlb_stores_in_flight(), 0);
}

/* Also when the cpu waits for the lock that the caller holds. */
static void a_change_of_the_map_is_complete(void **st)
{
    (void)st;
    fresh();
    static const u32 code[] = {INSN(T_LD, 1, 3, 0), INSN(T_ADDI, 0, 0, 1), INSN(T_B, 0, 0, -8)};
    put_code(0x4000, code, sizeof(code));
    struct tcpu *t = cpus[1]->v.accel;
    for (unsigned device = 0; device < 2; device++) {
        R(1, 3) = device ? 0xfff000 : 0x8000;
        start(1, 0x4000);
        accel_tcg.resume_all();
        for (unsigned i = 0; i < 20; i++) {
            vcpu_kick(&cpus[1]->v);
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
    cpus[1]->v.powered_off = true;
}

static void the_code_cache_evicts(void **st)
{
    (void)st;
    fresh();
    /* Rewrites the immediate of a routine and calls it, 60000 times: more code than the cache holds. */
    static const u32 sub[] = {INSN(T_ADDI, 1, 1, 0), INSN(T_JR, 0, 4, 0)};
    static const u32 code[] = {INSN(T_ST, 5, 3, 0),    INSN(T_ADDI, 5, 5, 1),  INSN(T_JR, 0, 3, 0),
                               INSN(T_ADDI, 0, 0, -1), INSN(T_BNZ, 0, 0, -16), INSN(T_HALT, 0, 0, 0)};
    put_code(0x6000, sub, sizeof(sub));
    put_code(0x4000, code, sizeof(code));
    R(0, 0) = 20000;
    R(0, 3) = 0x6000;
    R(0, 4) = 0x400c;
    R(0, 5) = INSN(T_ADDI, 1, 1, 0) | (u64)INSN(T_JR, 0, 4, 0) << 32;
    start(0, 0x4000);
    run(1);
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
        cmocka_unit_test(a_change_of_the_map_is_complete),
        cmocka_unit_test(the_code_cache_evicts),
    };
    return cmocka_run_group_tests(tests, setup, NULL);
}
