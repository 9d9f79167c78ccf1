/* The made-up guest of the accelerator's tests: its instructions, its memory and its device. */
#include "tests/unit/toy_bench.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <unistd.h>

#include "accel/accel.h"
#include "base/bits.h"
#include "tcg/build.h"

struct toy *toys[2];
struct ram toy_ram;
u8 toy_mapping[2][256];
u64 toy_dev_last;

static struct mem_region ram_region, dev_region;
struct mem_space *toy_memory;
unsigned toy_halts;

static void toy_halt(struct vcpu *cpu)
{
    cpu->powered_off = true;
    __atomic_add_fetch(&toy_halts, 1, __ATOMIC_SEQ_CST);
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
    u8 pp = vp < 256 ? __atomic_load_n(&toy_mapping[((struct toy *)cpu)->space][vp], __ATOMIC_SEQ_CST) : 0xff;
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
    toy_dev_last = val;
    return off == 0x800 ? MEM_SLAVE_ERROR : MEM_OK;
}
static const struct mem_ops dev_ops = {dev_read, dev_write, 1, 8, false};

int toy_setup(void **st)
{
    (void)st;
    struct err e = {{0}};
    toy_memory = mem_space_new("system");
    assert_true(ram_new(&toy_ram, "ram", RAM_PAGES * 4096, &e));
    ram_region = (struct mem_region){.name = "ram", .kind = MEM_RAM, .size = toy_ram.size, .host = toy_ram.host};
    mem_map_region(toy_memory, &ram_region, 0, 0);
    dev_region = (struct mem_region){.name = "dev", .kind = MEM_MMIO, .size = 4096, .ops = &dev_ops};
    mem_map_region(toy_memory, &dev_region, 0x10000000, 0);
    const char *runs = getenv("MOSS_TEST_VERIFY"); /* 0: all */
    struct accel_config cfg = {.code_cache = 4 << 20,
                               .interp = getenv("MOSS_TEST_INTERP") != NULL,
                               .verify = runs != NULL,
                               .verify_runs = runs ? strtoull(runs, NULL, 0) : 0,
                               .hostile = getenv("MOSS_TEST_HOSTILE") != NULL};
    assert_true(accel_tcg.init(&cfg, toy_memory, &e));
    for (unsigned i = 0; i < 2; i++) {
        toys[i] = aligned_alloc(64, align_up(sizeof(struct toy), 64));
        memset(toys[i], 0, sizeof(struct toy));
        toys[i]->v.target = &toy;
        toys[i]->v.space = toy_memory;
        toys[i]->v.index = i;
        toys[i]->v.powered_off = true;
        assert_true(accel_tcg.add(&toys[i]->v, &e));
    }
    return 0;
}

void toy_fresh(void)
{
    accel_tcg.pause_all();
    for (unsigned s = 0; s < 2; s++) {
        for (unsigned i = 0; i < 256; i++) {
            toy_mapping[s][i] = i < RAM_PAGES ? (u8)i : 0xff;
        }
    }
    static const u32 vector[] = {INSN(T_HALT, 0, 0, 0)};
    mem_write(toy_memory, FAULT_VECTOR, vector, sizeof(vector), (struct mem_attrs){0});
    accel_tcg.tlb_flush_all();
    toy_halts = 0;
    for (unsigned i = 0; i < 2; i++) {
        memset(toys[i]->v.rt.r, 0, sizeof(toys[i]->v.rt.r));
        toys[i]->faults = 0;
        toys[i]->mode = toys[i]->space = 0;
        toys[i]->v.sv->context_changed(&toys[i]->v);
    }
}

void toy_put_code(u64 at, const u32 *code, size_t bytes)
{
    assert_int_equal(mem_write(toy_memory, at, code, bytes, (struct mem_attrs){0}), MEM_OK);
}

void toy_start(unsigned n, u64 pc)
{
    toys[n]->v.rt.pc = pc;
    toys[n]->v.powered_off = false;
}

void toy_run(unsigned n)
{
    accel_tcg.resume_all();
    for (unsigned i = 0; i < 2; i++) {
        vcpu_kick(&toys[i]->v);
    }
    for (unsigned ms = 0; __atomic_load_n(&toy_halts, __ATOMIC_SEQ_CST) < n; ms++) {
        assert_true(ms < 60000);
        usleep(1000);
    }
    accel_tcg.pause_all();
}
