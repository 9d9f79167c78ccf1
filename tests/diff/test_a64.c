/* Random A64 code through the whole engine with verify on: every block runs in the interpreter and as host code, and a
 * difference ends the test with the block's IR and the slots.
 *
 *   MOSS_SEED=N        repeats a run           MOSS_A64_INSNS=N   how many instructions (default 100000) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>
#include <time.h>

#include "base/bits.h"
#include "tests/diff/a64_machine.h"
#include "tests/diff/a64_random.h"

#define ARENA A64_ARENA_AT
#define WORDS 4000

static struct arm_cpu *cpu;

static int setup(void **st)
{
    (void)st;
    bool interp = getenv("MOSS_TEST_INTERP") != NULL;
    struct accel_config cfg = {.verify = !interp && !getenv("MOSS_TEST_NOVERIFY"), .interp = interp};
    a64_machine_new(&cfg);
    cpu = a64_machine.cpu;
    return 0;
}

static void randomise(void *arg)
{
    u64 fill = *(u64 *)arg, *seed = &fill;
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
        memcpy(a64_machine.ram + (ARENA - A64_RAM_BASE) - A64_ARENA / 2 + i, &v, 8);
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
        n += a64_emit_end(code + n);
        a64_machine_put(A64_CODE, code, 4 * n);
        u64 fpcr = (a64_random_next(&seed) & 3) << 22 | (a64_random_next(&seed) % 4 == 0 ? 1ull << 25 : 0) |
                   (a64_random_next(&seed) % 8 == 0 ? 1ull << 24 : 0);
        if (!a64_machine_run(fpcr, randomise, &seed)) {
            u64 elr = a64_machine.fault_elr, esr = a64_machine.fault_esr;
            fail_msg("the guest took an exception: ESR %llx ELR %llx FAR %llx, instruction %08x",
                     (unsigned long long)esr, (unsigned long long)elr, (unsigned long long)cpu->sr.FAR_EL1,
                     elr - A64_CODE < 4 * WORDS ? code[(elr - A64_CODE) / 4] : 0);
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
