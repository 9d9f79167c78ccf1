/* ramfb: a picture in RAM as firmware announces it, and what can be wrong with that. */
#include <string.h>

#include "base/bits.h"
#include "base/lock.h"
#include "base/log.h"
#include "hw/display/ramfb.h"
#include "hw/misc/fw_cfg.h"
#include "tests/hw/bench.h"
#include "ui/screen.h"

enum { DMA_SELECT_WRITE = 8 | 16 };
#define AT 0x100000u /* the picture in the bench's RAM */

static struct rect last;
static unsigned ndirty;
static void on_resized(void *opaque, struct screen *s)
{
    (void)opaque, (void)s;
}
static void on_dirty(void *opaque, struct screen *s, struct rect r)
{
    (void)opaque, (void)s;
    last = r;
    ndirty++;
}

static struct bench *ramfb_new(struct screen_watch *w)
{
    struct bench *b = bench_new(&fw_cfg_mmio_class, NULL);
    struct err e = {0};
    machine_lock();
    struct device *d = device_new(&b->m, &ramfb_class, NULL);
    if (!device_plug(d, NULL, &e) || !device_init(d, &e)) {
        fail_msg("%s", e.msg);
    }
    device_reset(d);
    machine_unlock();
    *w = (struct screen_watch){.resized = on_resized, .dirty = on_dirty};
    screen_watch(screen_next(NULL), w);
    return b;
}

static void configure(struct bench *b, u64 addr, const char *fourcc, u32 w, u32 h, u32 stride)
{
    u8 *r = b->m.ram.host, *c = r + 64;
    st32be(r, DMA_SELECT_WRITE | 0x20u << 16);
    st32be(r + 4, 28);
    st64be(r + 8, BENCH_RAM + 64);
    st64be(c, addr);
    st32be(c + 8, ld32le(fourcc));
    st32be(c + 12, 0);
    st32be(c + 16, w);
    st32be(c + 20, h);
    st32be(c + 24, stride);
    bench_w32(b, 0x10, __builtin_bswap32((u32)(BENCH_RAM >> 32)));
    bench_w32(b, 0x14, __builtin_bswap32((u32)BENCH_RAM));
    assert_int_equal(ld32be(r), 0);
}

static void refresh(void)
{
    ndirty = 0;
    machine_lock();
    screen_refresh(screen_next(NULL));
    machine_unlock();
}
static void put(struct bench *b, u32 off, u32 v, unsigned size)
{
    assert_int_equal(mem_store(b->m.sysmem, BENCH_RAM + AT + off, size, v, (struct mem_attrs){0}), MEM_OK);
}

static void shows_ram(void **st)
{
    (void)st;
    struct screen_watch w;
    struct bench *b = ramfb_new(&w);
    struct surface *f = screen_surface(screen_next(NULL));
    refresh();
    assert_int_equal(ndirty, 0);
    put(b, 4 * (1024 * 7 + 3), 0xff102030, 4);
    configure(b, BENCH_RAM + AT, "XR24", 800, 600, 4096);
    refresh();
    assert_int_equal(f->w, 800);
    assert_int_equal(f->h, 600);
    assert_int_equal(f->px[800 * 7 + 3], 0x102030);
    refresh();
    assert_int_equal(ndirty, 0);
    put(b, 4096 * 599 + 4 * 799, 0xffffffff, 4);
    refresh();
    assert_int_equal(ndirty, 1);
    assert_int_equal(last.x, 799);
    assert_int_equal(last.y, 599);
    configure(b, BENCH_RAM + AT, "RG16", 320, 200, 0);
    put(b, 2 * 321, 0xf800, 2);
    refresh();
    assert_int_equal(f->w, 320);
    assert_int_equal(f->px[321], 0xff0000);
    configure(b, BENCH_RAM + AT + 1, "RG24", 320, 200, 0);
    put(b, 1 + 3 * 322, 0x0000ff, 1);
    refresh();
    assert_int_equal(f->px[322] & 0xff, 0xff);
    bench_snapshot_roundtrip(b);
    screen_unwatch(screen_next(NULL), &w);
    bench_free(b);
}

static void refuses_nonsense(void **st)
{
    (void)st;
    struct screen_watch w;
    struct bench *b = ramfb_new(&w);
    u64 before = guest_error_count(), gaps = unimp_count();
    configure(b, BENCH_RAM, "XR24", 16384, 16384, 0);
    configure(b, BENCH_RAM, "XR24", 16385, 1, 0);
    configure(b, BENCH_RAM, "XR24", 100, 100, 399);
    configure(b, ~0ull, "XR24", 100, 100, 0);
    configure(b, 0x1000, "XR24", 100, 100, 0);
    configure(b, BENCH_RAM, "XR24", 100, 0xffffffff, 0xffffffff);
    configure(b, BENCH_RAM + (16 << 20) - 4, "XR24", 1, 2, 4);
    assert_int_equal(guest_error_count(), before + 7);
    configure(b, BENCH_RAM, "NV12", 100, 100, 0);
    assert_int_equal(unimp_count(), gaps + 1);
    refresh();
    assert_int_equal(ndirty, 0);
    configure(b, BENCH_RAM + (16 << 20) - 8, "XR24", 1, 2, 4);
    refresh();
    assert_int_equal(screen_surface(screen_next(NULL))->h, 2);
    screen_unwatch(screen_next(NULL), &w);
    bench_free(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(shows_ram), cmocka_unit_test(refuses_nonsense)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
