/* The pair of 8237A on the bench, with a device that has and takes bytes. */
#include <string.h>

#include "base/clock.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/loop.h"
#include "hw/misc/i8237.h"
#include "tests/hw/bench.h"

enum { RAM_SIZE = 0x200000 };
static u8 *ram; /* the bench's, where an ISA bus reaches it */
static struct mem_region low = {.name = "low", .kind = MEM_RAM, .size = RAM_SIZE};

static struct {
    u8 bytes[70000];
    unsigned at, have, calls, ends;
} dev;

static unsigned gives(void *opaque, u8 *p, unsigned n)
{
    (void)opaque;
    n = MIN(n, dev.have - dev.at);
    memcpy(p, dev.bytes + dev.at, n);
    dev.at += n;
    dev.calls++;
    return n;
}
static unsigned takes(void *opaque, const u8 *p, unsigned n)
{
    (void)opaque;
    n = MIN(n, dev.have - dev.at);
    memcpy(dev.bytes + dev.at, p, n);
    dev.at += n;
    dev.calls++;
    return n;
}
static void ends(void *opaque)
{
    (void)opaque;
    dev.ends++;
}

static void out(struct bench *b, unsigned port, u8 v)
{
    bench_write(b, port, 1, v);
}
static u8 in(struct bench *b, unsigned port)
{
    return (u8)bench_read(b, port, 1);
}
static u16 in2(struct bench *b, unsigned port)
{
    u8 l = in(b, port);
    return (u16)(l | in(b, port) << 8);
}
static void out2(struct bench *b, unsigned port, u16 v)
{
    out(b, port, (u8)v);
    out(b, port, (u8)(v >> 8));
}
static void request(struct bench *b, unsigned n, bool on)
{
    const struct isa_dma *bus = i8237_bus(b->d);
    machine_lock();
    bus->request(bus->opaque, n, on);
    machine_unlock();
}
static struct bench *start(unsigned channel, unsigned have)
{
    static const struct isa_dma_peer peer = {gives, takes, ends, NULL};
    struct bench *b = bench_new(&i8237_class, NULL);
    low.host = ram = b->m.ram.host;
    mem_map_region(b->m.sysmem, &low, 0, 0);
    memset(ram, 0xee, RAM_SIZE);
    memset(&dev, 0, sizeof(dev));
    dev.have = have;
    for (unsigned i = 0; i < sizeof(dev.bytes); i++) {
        dev.bytes[i] = (u8)(i * 7 + 3);
    }
    i8237_bus(b->d)->attach(i8237_bus(b->d)->opaque, channel, &peer);
    out(b, 0xda, 0);
    out(b, 0xd6, 0xc0);
    out(b, 0xd4, 0);
    out(b, 0x0c, 0);
    return b;
}
static void finish(struct bench *b)
{
    mem_unmap_region(&low);
    bench_free(b);
}

static void a_disk_reads(void **st)
{
    (void)st;
    struct bench *b = start(2, 300);
    out(b, 0x0b, 0x46);
    out2(b, 0x04, 0x1000);
    out2(b, 0x05, 511);
    out(b, 0x81, 0x12);
    request(b, 2, true);
    assert_int_equal(dev.at, 0); /* masked */
    assert_int_equal(in(b, 0x08), 0x40);
    out(b, 0x0a, 2);
    assert_int_equal(dev.at, 300);
    assert_memory_equal(ram + 0x121000, dev.bytes, 300);
    assert_int_equal(ram[0x121000 + 300], 0xee);
    assert_int_equal(in2(b, 0x05), 511 - 300);
    assert_int_equal(in2(b, 0x04), 0x1000 + 300);
    assert_int_equal(dev.ends, 0);
    bench_snapshot_roundtrip(b);
    dev.have = 2000;
    request(b, 2, true);
    assert_int_equal(dev.at, 512);
    assert_int_equal(dev.ends, 1);
    assert_int_equal(in2(b, 0x05), 0xffff);
    assert_int_equal(in(b, 0x0f) & 15, 15); /* masked again */
    request(b, 2, false);
    assert_int_equal(in(b, 0x08), 0x04);
    assert_int_equal(in(b, 0x08), 0);
    finish(b);
}

static void a_disk_writes_downward(void **st)
{
    (void)st;
    struct bench *b = start(3, 4000);
    for (unsigned i = 0; i < 10000; i++) {
        ram[0x30000 + i] = (u8)(i * 3);
    }
    out(b, 0x0b, 0x6b);
    out2(b, 0x06, 9999);
    out2(b, 0x07, 8999);
    out(b, 0x82, 0x03);
    out(b, 0x0a, 3);
    request(b, 3, true);
    assert_int_equal(dev.at, 4000);
    for (unsigned i = 0; i < 4000; i++) {
        assert_int_equal(dev.bytes[i], (u8)((9999 - i) * 3));
    }
    dev.have = 9500;
    request(b, 3, true);
    assert_int_equal(dev.at, 9000);
    assert_int_equal(dev.bytes[8999], (u8)(1000 * 3));
    assert_int_equal(dev.ends, 1);
    finish(b);
}

static void words_and_pages(void **st)
{
    (void)st;
    struct bench *b = start(5, 60000);
    out(b, 0xd6, 0x45);
    out2(b, 0xc4, 0xfff0);
    out2(b, 0xc6, 1999);
    out(b, 0x8b, 0x11);
    out(b, 0xd4, 1);
    request(b, 5, true);
    assert_int_equal(dev.at, 4000);
    assert_memory_equal(ram + 0x11ffe0, dev.bytes, 32);
    assert_memory_equal(ram + 0x100000, dev.bytes + 32, 4000 - 32); /* round inside the page */
    assert_int_equal(dev.ends, 1);
    for (unsigned i = 0; i < 15; i++) {
        out(b, 0x81 + i, (u8)(i + 1));
    }
    bench_snapshot_roundtrip(b);
    for (unsigned i = 0; i < 15; i++) {
        assert_int_equal(in(b, 0x81 + i), i + 1);
    }
    finish(b);
}

static void by_itself_again(void **st)
{
    (void)st;
    struct bench *b = start(1, 10000);
    out(b, 0x0b, 0x55);
    out2(b, 0x02, 0);
    out2(b, 0x03, 999);
    out(b, 0x83, 0x05);
    out(b, 0x0a, 1);
    clock_set(0);
    request(b, 1, true);
    assert_int_equal(dev.ends, 1); /* others come first */
    assert_int_equal(dev.at, 1000);
    assert_int_equal(in2(b, 0x03), 999);
    for (unsigned i = 1; i < 20; i++) {
        clock_set(i * 1000000ull);
        loop_turn(0);
    }
    assert_int_equal(dev.at, 10000);
    assert_int_equal(dev.ends, 10);
    assert_memory_equal(ram + 0x50000, dev.bytes + 9000, 1000);
    finish(b);
}

static void verify_cascade_and_software(void **st)
{
    (void)st;
    struct bench *b = start(2, 5000);
    out(b, 0x0b, 0x42);
    out2(b, 0x05, 99);
    out(b, 0x0a, 2);
    out(b, 0xd4, 4); /* the way is closed */
    request(b, 2, true);
    assert_int_equal(dev.ends, 0);
    out(b, 0xd4, 0);
    assert_int_equal(dev.ends, 1);
    assert_int_equal(dev.calls, 0);
    request(b, 2, false);
    out(b, 0x0b, 0x86);
    out2(b, 0x05, 99);
    out(b, 0x08, 4); /* off */
    out(b, 0x09, 6);
    assert_int_equal(dev.calls, 0);
    out(b, 0x08, 0); /* a software request does not care for the mask */
    assert_int_equal(dev.at, 100);
    assert_int_equal(in(b, 0x08), 0x04);
    /* Low byte first again, everything masked. */
    out(b, 0x05, 1);
    out(b, 0x0d, 0);
    assert_int_equal(in(b, 0x0f) & 15, 15);
    out2(b, 0x05, 0x1234);
    assert_int_equal(in2(b, 0x05), 0x1234);
    out(b, 0x0e, 0);
    assert_int_equal(in(b, 0x0f) & 15, 0);
    out(b, 0x0f, 5);
    assert_int_equal(in(b, 0x0f) & 15, 5);
    u64 gaps = unimp_count();
    out(b, 0x08, 0x41);
    assert_int_equal(unimp_count(), gaps + 2);
    finish(b);
}

static void hostile(void **st)
{
    (void)st;
    struct bench *b = start(2, 0);
    static const struct isa_dma_peer peer = {gives, takes, ends, NULL};
    i8237_bus(b->d)->attach(i8237_bus(b->d)->opaque, 7, &peer);
    u32 x = 5;
    u64 now = 0;
    for (unsigned i = 0; i < 50000; i++) {
        x = x * 1664525 + 1013904223;
        unsigned what = x >> 28, port = x >> 16 & 0x1f;
        u8 v = (u8)(x >> 8);
        dev.at = 0;
        dev.have = x >> 4 & 0xffff;
        port = what & 1 ? port & 15 : 0xc0 + (port & 30);
        if (what < 8) {
            out(b, port, v);
        } else if (what < 10) {
            out(b, 0x81 + x % 15, v);
        } else if (what < 12) {
            in(b, port);
        } else if (what < 15) {
            request(b, what & 1 ? 2 : 7, v & 1);
        } else {
            clock_set(now += 100000);
            loop_turn(0);
        }
    }
    bench_snapshot_roundtrip(b);
    finish(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_disk_reads),
        cmocka_unit_test(a_disk_writes_downward),
        cmocka_unit_test(words_and_pages),
        cmocka_unit_test(by_itself_again),
        cmocka_unit_test(verify_cascade_and_software),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
