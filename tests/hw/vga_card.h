/* What the tests of VGA share: a card on ports and memory, its registers as a BIOS writes them, modes, and what the
 * screen shows. */
#ifndef MOSS_TESTS_HW_VGA_CARD_H
#define MOSS_TESTS_HW_VGA_CARD_H

#include "base/clock.h"
#include "base/lock.h"
#include "hw/display/vga.h"
#include "tests/hw/bench.h"
#include "ui/screen.h"

#define LFB 0xe0000000ull

extern struct bench *card;
struct seen {
    unsigned resized, ndirty;
    struct rect dirty; /* all of them together */
};
extern struct seen seen; /* since the last refresh() */

int setup(void **st); /* an ISA card */
int teardown(void **st);

static inline void outp(unsigned port, unsigned size, u64 v)
{
    assert_int_equal(mem_store(card->m.iospace, port, size, v, (struct mem_attrs){0}), MEM_OK);
}
static inline u64 inp(unsigned port, unsigned size)
{
    u64 v;
    assert_int_equal(mem_load(card->m.iospace, port, size, &v, (struct mem_attrs){0}), MEM_OK);
    return v;
}
static inline void wr(u64 at, unsigned size, u64 v)
{
    assert_int_equal(mem_store(card->m.sysmem, at, size, v, (struct mem_attrs){0}), MEM_OK);
}
static inline u64 rd(u64 at, unsigned size)
{
    u64 v;
    assert_int_equal(mem_load(card->m.sysmem, at, size, &v, (struct mem_attrs){0}), MEM_OK);
    return v;
}
static inline void sr(u8 i, u8 v)
{
    outp(0x3c4, 2, i | v << 8);
}
static inline void gr(u8 i, u8 v)
{
    outp(0x3ce, 2, i | v << 8);
}
static inline void cr(u8 i, u8 v)
{
    outp(0x3d4, 2, i | v << 8);
}
static inline void ar(u8 i, u8 v)
{
    inp(0x3da, 1);
    outp(0x3c0, 1, i);
    outp(0x3c0, 1, v);
    outp(0x3c0, 1, 0x20);
}
static inline void dac(u8 i, u8 red, u8 green, u8 blue)
{
    outp(0x3c8, 1, i);
    outp(0x3c9, 1, red);
    outp(0x3c9, 1, green);
    outp(0x3c9, 1, blue);
}
static inline void vbe(u16 i, u16 v)
{
    outp(0x1ce, 2, i);
    outp(0x1cf, 2, v);
}

struct mode {
    u8 misc, sr[5], cr[25], gr[9], ar[21];
};
extern const struct mode mode3, mode4, mode6, mode_d, mode12, mode13;
void mode_set(const struct mode *m);
/* Color i of the DAC is {i, 63 - i, i / 4} from here on. */
static inline u32 color(unsigned i)
{
    unsigned red = i & 63, green = 63 - (i & 63), blue = i >> 2;
    return (red << 2 | red >> 4) << 16 | (green << 2 | green >> 4) << 8 | (blue << 2 | blue >> 4);
}

void refresh(void);
u32 px(int x, int y);
void assert_size(int w, int h);
void assert_dirty(int x, int y, int w, int h);

#endif
