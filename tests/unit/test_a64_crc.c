/* CRC32 and CRC32C of all widths against the definition: division one bit at a time, reflected. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tcg/eval.h"
#include "tests/diff/ir_cpu.h"

static u32 by_bits(u32 poly, u32 acc, u64 val, unsigned bytes)
{
    for (unsigned i = 0; i < 8 * bytes; i++) {
        u32 low = (acc ^ (u32)(val >> i)) & 1;
        acc = acc >> 1 ^ (low ? poly : 0);
    }
    return acc;
}

static void test_widths(void **state)
{
    (void)state;
    struct rng r = {rng_seed("crc")};
    for (unsigned i = 0; i < 4000; i++) {
        u64 acc = (u32)rng_next(&r), val = rng_value(&r);
        for (unsigned es = 0; es <= 3; es++) {
            assert_int_equal(eval_crc32(es, CRC_IEEE, (u32)acc, val), by_bits(0xedb88320, (u32)acc, val, 1u << es));
            assert_int_equal(eval_crc32(es, CRC_CASTAGNOLI, (u32)acc, val),
                             by_bits(0x82f63b78, (u32)acc, val, 1u << es));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_widths)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
