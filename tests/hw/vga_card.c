/* See vga_card.h. */
#include "tests/hw/vga_card.h"

#include <string.h>

struct bench *card;
struct seen seen;

static void on_resized(void *opaque, struct screen *s)
{
    (void)opaque, (void)s;
    seen.resized++;
}
static void on_dirty(void *opaque, struct screen *s, struct rect r)
{
    (void)opaque, (void)s;
    struct rect *d = &seen.dirty;
    int right = MAX(d->x + d->w, r.x + r.w), bottom = MAX(d->y + d->h, r.y + r.h);
    if (!seen.ndirty++) {
        *d = r;
        return;
    }
    d->x = MIN(d->x, r.x);
    d->y = MIN(d->y, r.y);
    d->w = right - d->x;
    d->h = bottom - d->y;
}
static struct screen_watch watch = {.resized = on_resized, .dirty = on_dirty};

int setup(void **st)
{
    (void)st;
    card = bench_make(&vga_isa_class, NULL);
    card->m.iospace = mem_space_new("io");
    bench_start(card);
    clock_set(0);
    screen_watch(screen_next(NULL), &watch);
    return 0;
}
int teardown(void **st)
{
    (void)st;
    struct mem_space *io = card->m.iospace;
    bench_snapshot_roundtrip(card);
    screen_unwatch(screen_next(NULL), &watch);
    mem_space_free(io); /* its regions are the device's */
    bench_free(card);
    return 0;
}

/* IBM PS/2 Hardware Interface Technical Reference, the BIOS' values for each mode. */
const struct mode mode3 = {
    0x67,
    {3, 0, 3, 0, 2},
    {0x5f, 0x4f, 0x50, 0x82, 0x55, 0x81, 0xbf, 0x1f, 0,    0x4f, 0x0d, 0x0e, 0,
     0,    0,    0,    0x9c, 0x8e, 0x8f, 0x28, 0x1f, 0x96, 0xb9, 0xa3, 0xff},
    {0, 0, 0, 0, 0, 0x10, 0x0e, 0, 0xff},
    {0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 0x0c, 0, 0x0f, 8, 0}};
const struct mode mode4 = {
    0x63,
    {3, 9, 3, 0, 2},
    {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0,    0xc1, 0,    0,   0,
     0,    0,    0,    0x9c, 0x8e, 0x8f, 0x14, 0,    0x96, 0xb9, 0xa2, 0xff},
    {0, 0, 0, 0, 0, 0x30, 0x0f, 0, 0xff},
    {0, 0x13, 0x15, 0x17, 2, 4, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 1, 0, 3, 0, 0}};
const struct mode mode6 = {
    0x63,
    {3, 1, 1, 0, 6},
    {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0,    0xc1, 0,    0,   0,
     0,    0,    0,    0x9c, 0x8e, 0x8f, 0x28, 0,    0x96, 0xb9, 0xc2, 0xff},
    {0, 0, 0, 0, 0, 0, 0x0d, 0, 0xff},
    {0, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 0x17, 1, 0, 1, 0, 0}};
const struct mode mode_d = {0x63,
                            {3, 9, 0x0f, 0, 6},
                            {0x2d, 0x27, 0x28, 0x90, 0x2b, 0x80, 0xbf, 0x1f, 0,    0xc0, 0,    0,   0,
                             0,    0,    0,    0x9c, 0x8e, 0x8f, 0x14, 0,    0x96, 0xb9, 0xe3, 0xff},
                            {0, 0, 0, 0, 0, 0, 5, 0x0f, 0xff},
                            {0, 1, 2, 3, 4, 5, 6, 7, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, 0x16, 0x17, 1, 0, 0x0f, 0, 0}};
const struct mode mode12 = {
    0xe3,
    {3, 1, 0x0f, 0, 6},
    {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0x0b, 0x3e, 0,    0x40, 0,    0,   0,
     0,    0,    0,    0xea, 0x8c, 0xdf, 0x28, 0,    0xe7, 4,    0xe3, 0xff},
    {0, 0, 0, 0, 0, 0, 5, 0x0f, 0xff},
    {0, 1, 2, 3, 4, 5, 0x14, 7, 0x38, 0x39, 0x3a, 0x3b, 0x3c, 0x3d, 0x3e, 0x3f, 1, 0, 0x0f, 0, 0}};
const struct mode mode13 = {0x63,
                            {3, 1, 0x0f, 0, 0x0e},
                            {0x5f, 0x4f, 0x50, 0x82, 0x54, 0x80, 0xbf, 0x1f, 0,    0x41, 0,    0,   0,
                             0,    0,    0,    0x9c, 0x8e, 0x8f, 0x28, 0x40, 0x96, 0xb9, 0xa3, 0xff},
                            {0, 0, 0, 0, 0, 0x40, 5, 0x0f, 0xff},
                            {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 0x41, 0, 0x0f, 0, 0}};

void mode_set(const struct mode *m)
{
    outp(0x3c2, 1, m->misc);
    for (u8 i = 0; i < 5; i++) {
        sr(i, m->sr[i]);
    }
    cr(0x11, 0);
    for (u8 i = 0; i < 25; i++) {
        cr(i, m->cr[i]);
    }
    for (u8 i = 0; i < 9; i++) {
        gr(i, m->gr[i]);
    }
    inp(0x3da, 1);
    for (u8 i = 0; i < 21; i++) {
        outp(0x3c0, 1, i);
        outp(0x3c0, 1, m->ar[i]);
    }
    outp(0x3c0, 1, 0x20);
    for (unsigned i = 0; i < 256; i++) {
        dac((u8)i, i & 63, 63 - (i & 63), (u8)(i >> 2));
    }
}

void refresh(void)
{
    memset(&seen, 0, sizeof(seen));
    machine_lock();
    screen_refresh(screen_next(NULL));
    machine_unlock();
}
u32 px(int x, int y)
{
    struct surface *f = screen_surface(screen_next(NULL));
    assert_in_range(x, 0, f->w - 1);
    assert_in_range(y, 0, f->h - 1);
    return f->px[y * f->w + x];
}
void assert_size(int w, int h)
{
    struct surface *f = screen_surface(screen_next(NULL));
    assert_int_equal(f->w, w);
    assert_int_equal(f->h, h);
}
void assert_dirty(int x, int y, int w, int h)
{
    assert_int_equal(seen.dirty.x, x);
    assert_int_equal(seen.dirty.y, y);
    assert_int_equal(seen.dirty.w, w);
    assert_int_equal(seen.dirty.h, h);
}
