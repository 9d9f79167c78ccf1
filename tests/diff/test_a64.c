/* Random A64 code through the whole engine with verify on: every block runs in the interpreter and as host code, and a
 * difference ends the test with the block's IR and the slots. The machine is bare: RAM, one cpu of model `max` at EL1,
 * an identity map of normal memory, a device that ends the run.
 *
 *   MOSS_SEED=N        repeats a run           MOSS_A64_INSNS=N   how many instructions (default 100000) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "accel/accel.h"
#include "base/bits.h"
#include "target/arm/cpu.h"
#include "tests/diff/a64_random.h"

#define RAM_BASE 0x40000000ull
#define RAM_SIZE (16ull << 20)
#define CODE     (RAM_BASE + 0x100000)
#define VECTORS  (RAM_BASE + 0x80000)
#define TABLES   (RAM_BASE + 0x90000)
#define ARENA    (RAM_BASE + 0x800000)
#define DEV_BASE 0x09000000ull
#define WORDS    4000

static struct ram ram;
static struct mem_region ram_region, dev_region;
static struct mem_space *space;
static struct arm_cpu *cpu;
static volatile unsigned ended, trapped;

static enum mem_result dev_write(void *o, u64 off, unsigned size, u64 val, struct mem_attrs a)
{
    (void)o;
    (void)size;
    (void)a;
    (void)val;
    cpu->vcpu.powered_off = true;
    __atomic_fetch_or(&cpu->vcpu.rt.event, EVENT_IRQ, __ATOMIC_SEQ_CST);
    trapped |= off != 0;
    ended = 1;
    return MEM_OK;
}
static enum mem_result dev_read(void *o, u64 off, unsigned size, u64 *val, struct mem_attrs a)
{
    (void)o;
    (void)off;
    (void)size;
    (void)a;
    *val = 0;
    return MEM_OK;
}
static const struct mem_ops dev_ops = {dev_read, dev_write, 1, 8, false};

static void put(u64 at, const void *p, size_t n)
{
    assert_int_equal(mem_write(space, at, p, n, (struct mem_attrs){0}), MEM_OK);
}

/* Identity map with 1 GiB blocks, a 39-bit space: entry 0 device, entry 1 normal memory. */
static void make_tables(void)
{
    u64 l1[512] = {0};
    l1[0] = 0x00000000ull | 0x401 | 1 << 2; /* AF, valid block, attribute 1: device */
    l1[1] = 0x40000000ull | 0x401 | 3 << 8; /* inner shareable, attribute 0: normal */
    put(TABLES, l1, sizeof(l1));
}

static void make_vectors(void)
{
    for (unsigned i = 0; i < 2048; i += 4) { /* str x9, [x9] after movz x9, #0x900, lsl #16; add #8 */
        static const u32 code[4] = {0xd2a12009, 0x91002129, 0xf9000129, 0x14000000};
        u32 w = code[i / 4 % 4];
        put(VECTORS + i, &w, 4);
    }
}

static int setup(void **st)
{
    (void)st;
    struct err e = {{0}};
    space = mem_space_new("system");
    assert_true(ram_new(&ram, "ram", RAM_SIZE, &e));
    ram_region = (struct mem_region){.name = "ram", .kind = MEM_RAM, .size = RAM_SIZE, .host = ram.host};
    mem_map_region(space, &ram_region, RAM_BASE, 0);
    dev_region = (struct mem_region){.name = "dev", .kind = MEM_MMIO, .size = 4096, .ops = &dev_ops};
    mem_map_region(space, &dev_region, DEV_BASE, 0);
    cpu = aligned_alloc(64, align_up(target_aarch64.cpu_size, 64));
    memset(cpu, 0, target_aarch64.cpu_size);
    cpu->vcpu.target = &target_aarch64;
    cpu->vcpu.space = space;
    snprintf(cpu->vcpu.name, sizeof(cpu->vcpu.name), "cpu0");
    if (!target_aarch64.init(&cpu->vcpu, "max", &e) || !arm_configure(&cpu->vcpu, &(struct arm_cpu_opts){0}, &e)) {
        fail_msg("%s", e.msg);
    }
    struct accel_config cfg = {.verify = !getenv("MOSS_TEST_NOVERIFY"), .interp = getenv("MOSS_TEST_INTERP") != NULL};
    assert_true(accel_tcg.init(&cfg, space, &e));
    assert_true(accel_tcg.add(&cpu->vcpu, &e));
    make_tables();
    make_vectors();
    return 0;
}

/* Turns the MMU on from EL1: movz/movk of each register's value, msr, then a branch through x16 to the code. */
static unsigned emit_mov(u32 *p, unsigned rd, u64 v)
{
    unsigned n = 0;
    p[n++] = 0xd2800000 | (u32)(v & 0xffff) << 5 | rd;
    for (unsigned h = 1; h < 4; h++) {
        p[n++] = 0xf2800000 | h << 21 | (u32)(v >> (16 * h) & 0xffff) << 5 | rd;
    }
    return n;
}
static unsigned emit_msr(u32 *p, u32 msr, u64 v)
{
    unsigned n = emit_mov(p, 0, v);
    p[n++] = msr;
    return n;
}

static u64 boot_code(u64 fpcr)
{
    u32 c[256];
    unsigned n = 0;
    n += emit_msr(c + n, 0xd518a200, 0x00ff);                                        /* MAIR_EL1: 0 normal, 1 device */
    n += emit_msr(c + n, 0xd5182040, 25ull | 25ull << 16 | 1ull << 23 | 1ull << 32); /* TCR_EL1 */
    n += emit_msr(c + n, 0xd5182000, TABLES);                                        /* TTBR0_EL1 */
    n += emit_msr(c + n, 0xd518c000, VECTORS);                                       /* VBAR_EL1 */
    n += emit_msr(c + n, 0xd5181040, 3ull << 20);                                    /* CPACR_EL1 */
    c[n++] = 0xd5033fdf;
    n += emit_msr(c + n, 0xd5181000, 0x30d00801 | 1 << 2 | 1 << 12); /* SCTLR_EL1: M, C, I */
    c[n++] = 0xd5033fdf;
    n += emit_msr(c + n, 0xd51b4400, fpcr); /* FPCR */
    n += emit_msr(c + n, 0xd51b4420, 0);    /* FPSR */
    c[n++] = 0xd500417f;                    /* MSR UAO, #1: LDTR and STTR as EL1 */
    u64 where = CODE + 0x40000;
    c[n] = 0x14000000 | ((u32)((CODE - (where + 4 * n)) / 4) & 0x3ffffff);
    put(where, c, 4 * (n + 1));
    return where;
}

static void run(u64 pc)
{
    ended = trapped = 0;
    cpu->vcpu.rt.pc = pc;
    cpu->vcpu.halted = false;
    cpu->vcpu.powered_off = false;
    accel_tcg.resume_all();
    vcpu_kick(&cpu->vcpu);
    for (unsigned ms = 0; !ended; ms++) {
        assert_true(ms < 120000);
        usleep(200);
    }
    accel_tcg.pause_all();
}

static void randomise(u64 *seed)
{
    static const u64 special[] = {0,
                                  ~0ull,
                                  1,
                                  0x7fffffff,
                                  0x80000000,
                                  1ull << 63,
                                  ~0ull >> 1,
                                  0x7f8000007f800000,
                                  0x7ff0000000000000,
                                  0x7ff8000000000001,
                                  0x7ff0000000000001,
                                  0x0010000000000000,
                                  0x000fffffffffffff,
                                  0x3ff0000000000000,
                                  0x7fefffffffffffff,
                                  0x00800000007fffff};
    for (unsigned i = 0; i < 31; i++) {
        u64 v = a64_random_next(seed);
        cpu->vcpu.rt.r[i] = v & 3 ? v : special[v >> 8 & 15];
    }
    cpu->vcpu.rt.r[26] = cpu->vcpu.rt.r[28] = cpu->vcpu.rt.r[31] = ARENA;
    cpu->vcpu.rt.r[27] = a64_random_next(seed) & 0xff;
    for (unsigned i = 0; i < 32; i++) {
        for (unsigned h = 0; h < 2; h++) {
            u64 v = a64_random_next(seed);
            cpu->v[i].d[h] = v & 1 ? v : special[v >> 8 & 15];
        }
    }
    for (unsigned i = 0; i < A64_ARENA; i += 8) {
        u64 v = a64_random_next(seed);
        memcpy(ram.host + (ARENA - RAM_BASE) - A64_ARENA / 2 + i, &v, 8);
    }
}

/* Is the word allocated? Some encodings only the translator knows to be undefined. */
static bool translates(u32 word)
{
    static struct ir ir;
    static u8 page[4096];
    struct tr_result rs = {0};
    struct tr_request rq = {.mode = target_aarch64.mode(&cpu->vcpu), .page = page, .max_insns = 1};
    st32le(page, word);
    ir_init(&ir, target_aarch64.ir, 0, 12);
    target_aarch64.translate(&ir, &rq, &rs);
    for (unsigned i = 1; i < ir.nops; i++) {
        if (ir.ops[i].op == IR_call && (ir.ops[i].imm == H_undefined || ir.ops[i].imm == H_fp_trap)) {
            return ir.ops[i].imm == H_fp_trap;
        }
    }
    return true;
}

static void engines_agree(u32 classes, const char *what)
{
    const char *s = getenv("MOSS_SEED"), *count = getenv("MOSS_A64_INSNS");
    u64 seed = s ? strtoull(s, NULL, 0) : (u64)time(NULL) * 1000003, insns = count ? strtoull(count, NULL, 0) : 100000;
    static u32 code[WORDS + 4];
    print_message("%s: MOSS_SEED=%llu\n", what, (unsigned long long)seed);
    for (u64 done = 0; done < insns; done += WORDS) {
        struct a64_random r = {.seed = seed, .features = cpu->features, .classes = classes, .accept = translates};
        r.only = getenv("MOSS_A64_ONLY");
        a64_random_code(&r, code, WORDS);
        unsigned n = WORDS;
        code[n++] = 0xd2a12009; /* movz x9, #0x900, lsl #16 */
        code[n++] = 0xf9000129; /* str x9, [x9] */
        code[n++] = 0x14000000;
        put(CODE, code, 4 * n);
        target_aarch64.reset(&cpu->vcpu);
        arm_set_entry(&cpu->vcpu, 1, CODE, (const u64[4]){0});
        target_aarch64.reset(&cpu->vcpu);
        accel_tcg.tlb_flush_all();
        cpu->vcpu.sv->context_changed(&cpu->vcpu);
        u64 fpcr = (a64_random_next(&seed) & 3) << 22 | (a64_random_next(&seed) % 4 == 0 ? 1ull << 25 : 0) |
                   (a64_random_next(&seed) % 8 == 0 ? 1ull << 24 : 0);
        u64 boot = boot_code(fpcr);
        u64 fill = seed;
        randomise(&fill);
        run(boot);
        if (trapped) {
            u64 elr = cpu->elr_el[1], esr = cpu->sr.ESR_EL1;
            fail_msg("the guest took an exception: ESR %llx ELR %llx FAR %llx, instruction %08x",
                     (unsigned long long)esr, (unsigned long long)elr, (unsigned long long)cpu->sr.FAR_EL1,
                     elr - CODE < 4 * WORDS ? code[(elr - CODE) / 4] : 0);
        }
        a64_random_next(&seed);
    }
}

static void integer_code(void **st)
{
    (void)st;
    engines_agree(1u << A64_int | 1u << A64_branch, "integer");
}
static void memory_code(void **st)
{
    (void)st;
    engines_agree(1u << A64_int | 1u << A64_branch | 1u << A64_ldst | 1u << A64_simdls, "memory");
}
static void float_code(void **st)
{
    (void)st;
    engines_agree(1u << A64_int | 1u << A64_fp, "float");
}
static void vector_code(void **st)
{
    (void)st;
    engines_agree(1u << A64_simd | 1u << A64_fp | 1u << A64_simdls | 1u << A64_int, "vector");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(integer_code), cmocka_unit_test(memory_code),
                                       cmocka_unit_test(float_code), cmocka_unit_test(vector_code)};
    return cmocka_run_group_tests(tests, setup, NULL);
}
