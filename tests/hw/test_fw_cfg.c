/* fw_cfg on the bench: both ways to read, files, requests. */
#include <string.h>

#include "base/bits.h"
#include "base/log.h"
#include "hw/misc/fw_cfg.h"
#include "tests/hw/bench.h"

enum { DMA_ERROR = 1, DMA_READ = 2, DMA_SKIP = 4, DMA_SELECT = 8, DMA_WRITE = 16 };

static void select_key(struct bench *b, u16 key)
{
    bench_write(b, 8, 2, __builtin_bswap16(key));
}

/* A request at the start of the bench's RAM; gives back the control word. */
static u32 dma(struct bench *b, u32 control, u32 len, u64 addr)
{
    u8 *r = b->m.ram.host;
    st32be(r, control);
    st32be(r + 4, len);
    st64be(r + 8, addr);
    bench_w32(b, 0x10, __builtin_bswap32((u32)(BENCH_RAM >> 32)));
    bench_w32(b, 0x14, __builtin_bswap32((u32)BENCH_RAM));
    return ld32be(r);
}

static void keys_read_as_bytes(void **st)
{
    (void)st;
    struct bench *b = bench_new(&fw_cfg_mmio_class, NULL);
    fw_cfg_add_u16(b->d, FW_CFG_NB_CPUS, 0x1234);
    fw_cfg_add_str(b->d, FW_CFG_CMDLINE_DATA, "console=ttyAMA0");
    assert_int_equal(bench_r32(b, 0), 0x554d4551); /* "QEMU" after a reset */
    select_key(b, FW_CFG_ID);
    assert_int_equal(bench_r32(b, 0), 3);
    assert_int_equal(bench_r32(b, 0), 0);
    select_key(b, FW_CFG_NB_CPUS);
    assert_int_equal(bench_read(b, 0, 1), 0x34);
    assert_int_equal(bench_read(b, 0, 1), 0x12);
    assert_int_equal(bench_read(b, 0, 1), 0);
    select_key(b, FW_CFG_CMDLINE_DATA);
    assert_int_equal(bench_read(b, 0, 8), 0x3d656c6f736e6f63ull);
    bench_snapshot_roundtrip(b);
    assert_int_equal(bench_read(b, 0, 8), 0x0030414d41797474ull);
    u64 before = guest_error_count();
    select_key(b, 0x3abc);
    assert_int_equal(bench_r32(b, 0), 0);
    assert_int_equal(guest_error_count(), before + 1);
    u8 sig[8];
    stnle(sig, 8, bench_read(b, 0x10, 8));
    assert_memory_equal(sig, "QEMU CFG", 8);
    bench_free(b);
}

static void files_are_sorted(void **st)
{
    (void)st;
    struct bench *b = bench_new(&fw_cfg_mmio_class, NULL);
    struct err e = {0};
    u8 *to = b->m.ram.host + 0x1000;
    assert_true(fw_cfg_add_file(b->d, "opt/z", "zz", 2, NULL, NULL, &e));
    assert_true(fw_cfg_add_file(b->d, "bootorder", "", 0, NULL, NULL, &e));
    assert_true(fw_cfg_add_file(b->d, "etc/boot-fail-wait", "\xff\xff\xff\xff", 4, NULL, NULL, &e));
    assert_false(fw_cfg_add_file(b->d, "opt/z", "zz", 2, NULL, NULL, &e));
    assert_string_equal(e.msg, "duplicate fw_cfg file name: opt/z");
    e.msg[0] = 0;
    assert_false(
        fw_cfg_add_file(b->d, "opt/01234567890123456789012345678901234567890123456789012", "", 0, NULL, NULL, &e));
    assert_non_null(strstr(e.msg, "longer than 55"));

    assert_int_equal(dma(b, DMA_SELECT | DMA_READ | (u32)FW_CFG_FILE_DIR << 16, 4 + 3 * 64, BENCH_RAM + 0x1000), 0);
    assert_int_equal(ld32be(to), 3);
    static const char *const names[] = {"bootorder", "etc/boot-fail-wait", "opt/z"};
    static const u32 sizes[] = {0, 4, 2};
    for (unsigned i = 0; i < 3; i++) {
        assert_int_equal(ld32be(to + 4 + 64 * i), sizes[i]);
        assert_int_equal(ld16be(to + 4 + 64 * i + 4), 0x20 + i);
        assert_string_equal((char *)to + 4 + 64 * i + 8, names[i]);
    }
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static unsigned selections, written_at, written_len;
static void on_selected(void *opaque)
{
    selections++;
    *(char *)opaque = 'S';
}
static void on_written(void *opaque, u64 off, u64 len)
{
    (void)opaque;
    written_at = (unsigned)off;
    written_len = (unsigned)len;
}

static void requests_read_skip_write(void **st)
{
    (void)st;
    static const struct fw_cfg_hooks hooks = {.selected = on_selected, .written = on_written};
    struct bench *b = bench_new(&fw_cfg_mmio_class, NULL);
    char rw[] = "0123456789", ro[] = "abcdef";
    u8 *to = b->m.ram.host + 0x1000;
    assert_true(fw_cfg_add_file(b->d, "etc/a", ro, 6, NULL, NULL, NULL));
    assert_true(fw_cfg_add_file(b->d, "etc/b", rw, 10, &hooks, rw, NULL));

    memset(to, 0x55, 16);
    assert_int_equal(dma(b, DMA_SELECT | DMA_SKIP | 0x20u << 16, 2, 0), 0);
    assert_int_equal(dma(b, DMA_READ, 8, BENCH_RAM + 0x1000), 0);
    assert_memory_equal(to, "cdef\0\0\0\0\x55", 9);

    assert_int_equal(dma(b, DMA_SELECT | 0x21u << 16, 0, 0), 0);
    assert_int_equal(selections, 1);
    assert_int_equal(dma(b, DMA_SKIP, 4, 0), 0);
    memcpy(to, "WXYZ", 4);
    assert_int_equal(dma(b, DMA_WRITE, 4, BENCH_RAM + 0x1000), 0);
    assert_string_equal(rw, "S123WXYZ89");
    assert_int_equal(written_at, 4);
    assert_int_equal(written_len, 4);
    assert_int_equal(dma(b, DMA_WRITE, 4, BENCH_RAM + 0x1000), DMA_ERROR); /* past the end */
    assert_int_equal(dma(b, DMA_SELECT | DMA_WRITE | 0x20u << 16, 2, BENCH_RAM), DMA_ERROR);
    assert_int_equal(dma(b, DMA_SELECT | DMA_READ | 0x20u << 16, 2, 0x123), DMA_ERROR);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void a_request_in_one_write(void **st)
{
    (void)st;
    struct bench *b = bench_new(&fw_cfg_mmio_class, NULL);
    u8 *r = b->m.ram.host;
    st32be(r, DMA_SELECT | DMA_READ);
    st32be(r + 4, 4);
    st64be(r + 8, BENCH_RAM + 0x20);
    bench_write(b, 0x10, 8, __builtin_bswap64(BENCH_RAM));
    assert_int_equal(ld32be(r), 0);
    assert_memory_equal(r + 0x20, "QEMU", 4);
    bench_write(b, 0x10, 8, __builtin_bswap64(0x666)); /* no memory there: nothing to tell the error to */
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_read_as_bytes),
        cmocka_unit_test(files_are_sorted),
        cmocka_unit_test(requests_read_skip_write),
        cmocka_unit_test(a_request_in_one_write),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
