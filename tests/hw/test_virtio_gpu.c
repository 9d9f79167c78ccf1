/* virtio-gpu as a driver uses it: pictures, scanouts, cursors, EDID, sizes that are wished for; and what a hostile one
 * says. */
#include <string.h>

#include "base/bits.h"
#include "base/lock.h"
#include "hw/display/virtio_gpu.h"
#include "hw/display/virtio_gpu_priv.h"
#include "tests/hw/virtio_drv.h"
#include "ui/screen.h"

static struct drv *d;
static u64 req, rsp;
static struct rect dirty;
static unsigned ndirty;
static void on_resized(void *opaque, struct screen *s)
{
    (void)opaque, (void)s;
}
static void on_dirty(void *opaque, struct screen *s, struct rect r)
{
    (void)opaque, (void)s;
    dirty = r;
    ndirty++;
}
static struct screen_watch watch = {.resized = on_resized, .dirty = on_dirty};

static struct screen *screen(void)
{
    return screen_next(NULL);
}

static int setup(void **st)
{
    (void)st;
    d = drv_new(DRV_PCI, &virtio_gpu_class, &virtio_gpu_pci_class, "xres=1024,yres=768,max_hostmem=16M");
    drv_start(d, ~0ull, 2);
    req = drv_alloc(d, 65536, 16);
    rsp = drv_alloc(d, 4096, 16);
    screen_watch(screen(), &watch);
    return 0;
}
static int teardown(void **st)
{
    (void)st;
    screen_unwatch(screen(), &watch);
    drv_free(d);
    return 0;
}

/* A request of 32-bit words behind the header; gives the response's type. */
static u32 ask_n(unsigned q, u32 type, const u32 *w, unsigned n, u32 room)
{
    u8 hdr[GPU_HDR] = {0};
    st32le(hdr, type);
    st32le(hdr + 4, 1);
    st64le(hdr + 8, 0x1122334455667788ull);
    drv_put(d, req, hdr, sizeof(hdr));
    for (unsigned i = 0; i < n; i++) {
        u8 b[4];
        st32le(b, w[i]);
        drv_put(d, req + GPU_HDR + 4 * i, b, 4);
    }
    struct seg s[2] = {{req, GPU_HDR + 4 * n, false}, {rsp, room, true}};
    drv_do(d, q, s, 2);
    assert_int_equal(ld64le(drv_host(d, rsp + 8)), 0x1122334455667788ull);
    return ld32le(drv_host(d, rsp));
}
#define ask(type, ...) \
    ({ \
        u32 w_[] = {__VA_ARGS__}; \
        ask_n(0, type, w_, ARRAY_LEN(w_), 2048); \
    })
#define ask_cursor(type, ...) \
    ({ \
        u32 w_[] = {__VA_ARGS__}; \
        ask_n(1, type, w_, ARRAY_LEN(w_), GPU_HDR); \
    })

static void refresh(void)
{
    ndirty = 0;
    machine_lock();
    screen_refresh(screen());
    machine_unlock();
}

static void shows_pictures(void **st)
{
    (void)st;
    /* 100 x 50 pixels in two pieces of guest memory */
    u64 a = drv_alloc(d, 10000, 4096), b = drv_alloc(d, 10000, 4096);
    st32le(drv_host(d, a + 4 * 3), 0x80112233);
    st32le(drv_host(d, b + 4 * 99 + 9600), 0xff445566); /* pixel 99 of line 49 */
    assert_int_equal(ask(GPU_RESOURCE_CREATE_2D, 7, 1, 100, 50), GPU_OK);
    assert_int_equal(
        ask(GPU_RESOURCE_ATTACH_BACKING, 7, 2, (u32)a, (u32)(a >> 32), 10000, 0, (u32)b, (u32)(b >> 32), 10000, 0),
        GPU_OK);
    assert_int_equal(ask(GPU_TRANSFER_TO_HOST_2D, 0, 0, 100, 50, 0, 0, 7, 0), GPU_OK);
    refresh();
    assert_int_equal(ndirty, 0);
    assert_int_equal(ask(GPU_SET_SCANOUT, 0, 0, 100, 50, 0, 7), GPU_OK);
    refresh();
    struct surface *f = screen_surface(screen());
    assert_int_equal(f->w, 100);
    assert_int_equal(f->h, 50);
    assert_int_equal(f->px[3], 0x112233);
    assert_int_equal(f->px[49 * 100 + 99], 0x445566);
    /* part of it, and nothing before it is flushed */
    st32le(drv_host(d, a + 4 * (100 * 20 + 30)), 0xabcdef);
    assert_int_equal(ask(GPU_TRANSFER_TO_HOST_2D, 30, 20, 10, 2, 4 * (100 * 20 + 30), 0, 7, 0), GPU_OK);
    refresh();
    assert_int_equal(ndirty, 0);
    assert_int_equal(ask(GPU_RESOURCE_FLUSH, 30, 20, 10, 2, 7, 0), GPU_OK);
    refresh();
    assert_int_equal(ndirty, 1);
    assert_int_equal(dirty.x, 30);
    assert_int_equal(dirty.y, 20);
    assert_int_equal(dirty.w, 10);
    assert_int_equal(dirty.h, 2);
    assert_int_equal(f->px[20 * 100 + 30], 0xabcdef);
    /* a window of it */
    assert_int_equal(ask(GPU_SET_SCANOUT, 30, 20, 20, 10, 0, 7), GPU_OK);
    refresh();
    assert_int_equal(f->w, 20);
    assert_int_equal(f->px[0], 0xabcdef);
    assert_int_equal(ask(GPU_RESOURCE_DETACH_BACKING, 7, 0), GPU_OK);
    assert_int_equal(ask(GPU_TRANSFER_TO_HOST_2D, 0, 0, 1, 1, 0, 0, 7, 0), GPU_ERR_UNSPEC);
    assert_int_equal(ask(GPU_RESOURCE_UNREF, 7, 0), GPU_OK);
    refresh();
    assert_int_equal(ask(GPU_RESOURCE_FLUSH, 0, 0, 1, 1, 7, 0), GPU_ERR_RESOURCE);
}

static void formats(void **st)
{
    (void)st;
    static const struct {
        u32 format;
        u8 bytes[4]; /* of red 1, green 2, blue 3 */
    } t[] = {{1, {3, 2, 1, 9}},  {2, {3, 2, 1, 9}},  {3, {9, 1, 2, 3}},   {4, {9, 1, 2, 3}},
             {67, {1, 2, 3, 9}}, {68, {9, 3, 2, 1}}, {121, {9, 3, 2, 1}}, {134, {1, 2, 3, 9}}};
    u64 at = drv_alloc(d, 4096, 4096);
    for (u32 i = 0; i < ARRAY_LEN(t); i++) {
        drv_put(d, at, t[i].bytes, 4);
        assert_int_equal(ask(GPU_RESOURCE_CREATE_2D, i + 1, t[i].format, 1, 1), GPU_OK);
        assert_int_equal(ask(GPU_RESOURCE_ATTACH_BACKING, i + 1, 1, (u32)at, (u32)(at >> 32), 4, 0), GPU_OK);
        assert_int_equal(ask(GPU_TRANSFER_TO_HOST_2D, 0, 0, 1, 1, 0, 0, i + 1, 0), GPU_OK);
        assert_int_equal(ask(GPU_SET_SCANOUT, 0, 0, 1, 1, 0, i + 1), GPU_OK);
        refresh();
        assert_int_equal(screen_surface(screen())->px[0], 0x010203);
    }
}

static void cursors(void **st)
{
    (void)st;
    int x, y;
    bool visible;
    u64 at = drv_alloc(d, 64 * 64 * 4, 4096);
    st32le(drv_host(d, at + 4), 0x7f010203);
    assert_int_equal(ask(GPU_RESOURCE_CREATE_2D, 3, 1, 64, 64), GPU_OK);
    assert_int_equal(ask(GPU_RESOURCE_ATTACH_BACKING, 3, 1, (u32)at, (u32)(at >> 32), 16384, 0), GPU_OK);
    assert_int_equal(ask(GPU_TRANSFER_TO_HOST_2D, 0, 0, 64, 64, 0, 0, 3, 0), GPU_OK);
    assert_int_equal(ask_cursor(GPU_UPDATE_CURSOR, 0, 50, 60, 0, 3, 5, 6, 0), GPU_OK);
    const struct pointer_image *p = screen_pointer(screen(), &x, &y, &visible);
    assert_non_null(p);
    assert_int_equal(p->px[1], 0x7f010203);
    assert_int_equal(p->hot_x, 5);
    assert_int_equal(x, 50);
    assert_true(visible);
    assert_int_equal(ask_cursor(GPU_MOVE_CURSOR, 0, 70, 80, 0, 0, 0, 0, 0), GPU_OK);
    assert_non_null(screen_pointer(screen(), &x, &y, &visible));
    assert_int_equal(y, 80);
    assert_int_equal(ask_cursor(GPU_UPDATE_CURSOR, 0, 0, 0, 0, 0, 0, 0, 0), GPU_OK);
    assert_null(screen_pointer(screen(), &x, &y, &visible));
    assert_int_equal(ask_cursor(GPU_UPDATE_CURSOR, 1, 0, 0, 0, 3, 0, 0, 0), GPU_ERR_SCANOUT);
    assert_int_equal(ask_cursor(GPU_UPDATE_CURSOR, 0, 0, 0, 0, 4, 0, 0, 0), GPU_ERR_RESOURCE);
}

static void tells_of_its_monitor(void **st)
{
    (void)st;
    assert_int_equal(drv_config(d, 8, 4), 1);
    assert_int_equal(ask_n(0, GPU_GET_DISPLAY_INFO, NULL, 0, 2048), GPU_OK_DISPLAY_INFO);
    assert_int_equal(ld32le(drv_host(d, rsp + GPU_HDR + 8)), 1024);
    assert_int_equal(ld32le(drv_host(d, rsp + GPU_HDR + 16)), 1);
    assert_int_equal(ld32le(drv_host(d, rsp + GPU_HDR + 24 + 16)), 0);
    assert_int_equal(ask(GPU_GET_EDID, 0, 0), GPU_OK_EDID);
    assert_int_equal(ld32le(drv_host(d, rsp + GPU_HDR)), 128);
    assert_int_equal(*drv_host(d, rsp + GPU_HDR + 8 + 1), 0xff);
    assert_int_equal(ask(GPU_GET_EDID, 1, 0), GPU_ERR_SCANOUT);
    drv_isr(d);
    machine_lock();
    screen_wish_size(screen(), 800, 600);
    machine_unlock();
    assert_int_equal(drv_config(d, 0, 4), 1);
    assert_int_equal(drv_isr(d) & 2, 2);
    drv_config_set(d, 4, 4, 1);
    assert_int_equal(drv_config(d, 0, 4), 0);
    assert_int_equal(ask_n(0, GPU_GET_DISPLAY_INFO, NULL, 0, 2048), GPU_OK_DISPLAY_INFO);
    assert_int_equal(ld32le(drv_host(d, rsp + GPU_HDR + 8)), 800);
}

static void refuses_nonsense(void **st)
{
    (void)st;
    assert_int_equal(ask(GPU_RESOURCE_CREATE_2D, 0, 1, 10, 10), GPU_ERR_RESOURCE);
    assert_int_equal(ask(GPU_RESOURCE_CREATE_2D, 1, 5, 10, 10), GPU_ERR_PARAMETER);
    assert_int_equal(ask(GPU_RESOURCE_CREATE_2D, 1, 1, 0, 10), GPU_ERR_PARAMETER);
    assert_int_equal(ask(GPU_RESOURCE_CREATE_2D, 1, 1, 0x10001, 0x10001), GPU_ERR_PARAMETER);
    assert_int_equal(ask(GPU_RESOURCE_CREATE_2D, 1, 1, 16384, 16384), GPU_ERR_OUT_OF_MEMORY);
    assert_int_equal(ask(GPU_RESOURCE_CREATE_2D, 1, 1, 10, 10), GPU_OK);
    assert_int_equal(ask(GPU_RESOURCE_CREATE_2D, 1, 1, 10, 10), GPU_ERR_RESOURCE);
    assert_int_equal(ask(GPU_SET_SCANOUT, 0, 0, 11, 10, 0, 1), GPU_ERR_PARAMETER);
    assert_int_equal(ask(GPU_SET_SCANOUT, 0xffffffff, 0, 2, 10, 0, 1), GPU_ERR_PARAMETER);
    assert_int_equal(ask(GPU_SET_SCANOUT, 0, 0, 10, 10, 1, 1), GPU_ERR_SCANOUT);
    assert_int_equal(ask(GPU_SET_SCANOUT, 0, 0, 10, 10, 0, 2), GPU_ERR_RESOURCE);
    assert_int_equal(ask(GPU_RESOURCE_FLUSH, 5, 5, 6, 1, 1, 0), GPU_ERR_PARAMETER);
    assert_int_equal(ask(GPU_RESOURCE_ATTACH_BACKING, 1, 3, 0, 0, 0, 0),
                     GPU_ERR_PARAMETER); /* three, and there is one */
    assert_int_equal(ask(GPU_RESOURCE_ATTACH_BACKING, 1, 0xffffffff, 0, 0, 0, 0), GPU_ERR_PARAMETER);
    assert_int_equal(ask(GPU_RESOURCE_ATTACH_BACKING, 1, 1, 0xfffff000, 0xffffffff, 0xffffffff, 0), GPU_OK);
    assert_int_equal(ask(GPU_TRANSFER_TO_HOST_2D, 0, 0, 10, 10, 0, 0, 1, 0), GPU_OK); /* nothing is there: zeros */
    assert_int_equal(ask(GPU_TRANSFER_TO_HOST_2D, 0, 0, 10, 10, 0xffffffff, 0xffffffff, 1, 0), GPU_ERR_PARAMETER);
    assert_int_equal(ask(0x12345, 1), GPU_ERR_UNSPEC);
    assert_int_equal(ask(GPU_GET_CAPSET_INFO, 0), GPU_ERR_UNSPEC);
    struct seg s[2] = {{req, 8, false}, {rsp, 24, true}}; /* not even a header */
    drv_add(d, 0, s, 2);
    drv_kick(d, 0);
    assert_true(drv_status(d) & VIRTIO_S_NEEDS_RESET);
    drv_reset(d);
    drv_start(d, ~0ull, 2);
    assert_int_equal(ask(GPU_RESOURCE_UNREF, 1, 0), GPU_ERR_RESOURCE); /* gone with the reset */
}

static void snapshots(void **st)
{
    (void)st;
    struct drv *mine = drv_new(DRV_MMIO, &virtio_gpu_class, &virtio_gpu_pci_class, "max_outputs=3");
    assert_int_equal(drv_config(mine, 8, 4), 3);
    bench_snapshot_roundtrip(mine->b);
    drv_free(mine);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {T(shows_pictures),       T(formats),          T(cursors),
                                       T(tells_of_its_monitor), T(refuses_nonsense), cmocka_unit_test(snapshots)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
