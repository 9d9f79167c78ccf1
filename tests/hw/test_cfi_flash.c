/* CFI flash as the virt board has it: two 16-bit chips side by side. */
#include <glib.h>
#include <string.h>
#include <unistd.h>

#include "block/block.h"
#include "hw/block/cfi_flash.h"
#include "tests/hw/bench.h"

#define SMALL "size=1M,sector-length=0x10000"

static void cmd(struct bench *b, u64 off, u32 c)
{
    bench_w32(b, off, c | c << 16);
}

static struct bench *flash_new(const char *props)
{
    struct bench *b = bench_new(&cfi_flash01_class, props);
    cmd(b, 0, 0x20); /* RAM comes zeroed; flash starts erased */
    cmd(b, 0, 0xd0);
    cmd(b, 0, 0xff);
    return b;
}

static void answers_the_query(void **st)
{
    (void)st;
    struct bench *b = bench_new(&cfi_flash01_class, NULL);
    cmd(b, 0x55 * 4, 0x98);
    assert_int_equal(bench_r32(b, 0x10 * 4), 'Q' | 'Q' << 16);
    assert_int_equal(bench_r32(b, 0x11 * 4), 'R' | 'R' << 16);
    assert_int_equal(bench_r32(b, 0x12 * 4), 'Y' | 'Y' << 16);
    assert_int_equal(bench_r32(b, 0x13 * 4), 0x00010001);
    assert_int_equal(bench_r32(b, 0x27 * 4), 0x00190019); /* 32 MiB a chip */
    assert_int_equal(bench_r32(b, 0x2a * 4), 0x000b000b);
    assert_int_equal(bench_r32(b, 0x2d * 4), 0x00ff00ff);
    assert_int_equal(bench_r32(b, 0x30 * 4), 0x00020002); /* 128 KiB blocks */
    assert_int_equal(bench_r32(b, 0x31 * 4), 'P' | 'P' << 16);
    assert_int_equal(bench_read(b, 0x10 * 4 + 2, 2), 'Q');
    assert_int_equal(bench_read(b, 0x10 * 4 + 1, 1), 0);
    cmd(b, 0, 0x90);
    assert_int_equal(bench_r32(b, 0), 0x00890089);
    assert_int_equal(bench_r32(b, 4), 0x00180018);
    assert_int_equal(bench_r32(b, 0x40000 + 8), 0);
    cmd(b, 0, 0x70);
    assert_int_equal(bench_r32(b, 0x1000), 0x00800080);
    bench_snapshot_roundtrip(b);
    cmd(b, 0, 0xff);
    assert_int_equal(bench_r32(b, 0x10 * 4), 0);
    bench_snapshot_roundtrip(b);
    bench_free(b);
}

static void programs_and_erases(void **st)
{
    (void)st;
    struct bench *b = flash_new(SMALL);
    struct mem_hit h;
    assert_int_equal(bench_r32(b, 0), 0xffffffff);
    assert_int_equal(bench_r32(b, 0x10000), 0);

    cmd(b, 0x20, 0x40);
    mem_find(b->m.sysmem, BENCH_BASE, &h);
    assert_null(h.host);
    bench_w32(b, 0x20, 0x12345678);
    assert_int_equal(bench_r32(b, 0x20), 0x00800080);
    cmd(b, 0, 0xff);
    mem_find(b->m.sysmem, BENCH_BASE, &h);
    assert_non_null(h.host);
    assert_false(h.writable);
    assert_int_equal(bench_r32(b, 0x20), 0x12345678);

    cmd(b, 0x20, 0x40); /* bits go to zero only */
    bench_w32(b, 0x20, 0xffff0000);
    cmd(b, 0, 0xff);
    assert_int_equal(bench_r32(b, 0x20), 0x12340000);

    cmd(b, 0x8000, 0x20);
    bench_snapshot_roundtrip(b);
    cmd(b, 0x8000, 0xd0);
    cmd(b, 0, 0xff);
    assert_int_equal(bench_r32(b, 0x20), 0xffffffff);
    bench_free(b);
}

static void programs_a_buffer(void **st)
{
    (void)st;
    struct bench *b = flash_new(SMALL);
    cmd(b, 0x1000, 0xe8);
    assert_int_equal(bench_r32(b, 0x1000), 0x00800080);
    cmd(b, 0x1000, 31);
    for (unsigned i = 0; i < 32; i++) {
        bench_w32(b, 0x1080 + 4 * i, 0xa0000000 | i);
    }
    bench_snapshot_roundtrip(b);
    cmd(b, 0x1000, 0xd0);
    assert_int_equal(bench_r32(b, 0x1000), 0x00800080);
    cmd(b, 0, 0xff);
    assert_int_equal(bench_r32(b, 0x107c), 0xffffffff);
    for (unsigned i = 0; i < 32; i++) {
        assert_int_equal(bench_r32(b, 0x1080 + 4 * i), 0xa0000000 | i);
    }
    assert_int_equal(bench_r32(b, 0x1100), 0xffffffff);

    cmd(b, 0, 0xe8); /* the command may go to the block's start, and the buffer anywhere */
    cmd(b, 0, 1);
    bench_w32(b, 0x5ffc, 1);
    bench_w32(b, 0x6000, 2);
    cmd(b, 0, 0xd0);
    cmd(b, 0, 0xff);
    assert_int_equal(bench_r32(b, 0x5ff8), 0xffffffff);
    assert_int_equal(bench_r32(b, 0x5ffc), 1);
    assert_int_equal(bench_r32(b, 0x6000), 2);

    cmd(b, 0x1000, 0xe8); /* not confirmed: nothing happens, and an error is shown */
    cmd(b, 0x1000, 0);
    bench_w32(b, 0x1100, 0);
    cmd(b, 0x1000, 0xff);
    assert_int_equal(bench_r32(b, 0x1100), 0x00b000b0);
    cmd(b, 0, 0x50);
    assert_int_equal(bench_r32(b, 0x1100), 0x00800080);
    cmd(b, 0, 0xff);
    assert_int_equal(bench_r32(b, 0x1100), 0xffffffff);
    bench_free(b);
}

static void unlocking_is_accepted(void **st)
{
    (void)st;
    struct bench *b = flash_new(SMALL);
    cmd(b, 0, 0x60);
    cmd(b, 0, 0xd0);
    assert_int_equal(bench_r32(b, 0), 0x00800080);
    cmd(b, 0, 0x60);
    cmd(b, 0, 0x77);
    assert_int_equal(bench_r32(b, 0), 0x00b000b0);
    bench_free(b);
}

static void a_drive_keeps_the_bytes(void **st)
{
    (void)st;
    char path[] = "/tmp/moss-flash-XXXXXX";
    u8 word[4] = {0};
    struct err e = {0};
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(ftruncate(fd, 1 << 20), 0);
    assert_int_equal(pwrite(fd, "boot", 4, 0x30000), 4);
    for (unsigned ro = 0; ro < 2; ro++) {
        struct blockdev *blk = block_open_file("flash-test", path, ro, &e);
        assert_non_null(blk);
        struct bench *b = bench_make(&cfi_flash01_class, SMALL);
        *(struct blockdev **)((u8 *)b->d + props_find(b->d->cls->props, "drive")->off) = blk;
        bench_start(b);
        assert_true(cfi_flash_has_drive(b->d));
        assert_int_equal(bench_r32(b, 0x30000), 0x746f6f62);
        cmd(b, 0x20000, 0x20);
        cmd(b, 0x20000, 0xd0);
        assert_int_equal(bench_r32(b, 0), ro ? 0x00a000a0 : 0x00800080);
        cmd(b, 0, 0x50);
        cmd(b, 0x20010, 0x40);
        bench_w32(b, 0x20010, ro ? 0 : 0x44434241);
        assert_int_equal(bench_r32(b, 0), ro ? 0x00900090 : 0x00800080);
        bench_free(b);
        block_close(blk);
        assert_int_equal(pread(fd, word, 4, 0x20010), 4);
        assert_memory_equal(word, "ABCD", 4);
    }
    struct blockdev *blk = block_open_file("flash-test", path, true, &e);
    struct bench *b = bench_make(&cfi_flash01_class, "size=2M");
    *(struct blockdev **)((u8 *)b->d + props_find(b->d->cls->props, "drive")->off) = blk;
    assert_false(device_init(b->d, &e));
    assert_string_equal(e.msg, "cfi.pflash01: device requires 2097152 bytes, block backend provides 1048576 bytes");
    bench_free(b);
    block_close(blk);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_the_query),       cmocka_unit_test(programs_and_erases),
        cmocka_unit_test(programs_a_buffer),       cmocka_unit_test(unlocking_is_accepted),
        cmocka_unit_test(a_drive_keeps_the_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
