/* VGA: every mode through its registers, as a BIOS would set it, and what the surface then shows; memory modes. */
#include <string.h>

#include "base/bits.h"
#include "tests/hw/vga_card.h"

/* -- text ------------------------------------------------------------------------------------------------------------
 */

/* A glyph into plane 2, as font loaders do it: sequential, at 0xa0000. */
static void font_load(unsigned at, unsigned ch, const u8 *rows)
{
    sr(2, 4);
    sr(4, 6);
    gr(5, 0);
    gr(6, 4);
    for (unsigned i = 0; i < 16; i++) {
        wr(0xa0000 + at + ch * 32 + i, 1, rows[i]);
    }
    sr(2, 3);
    sr(4, 2);
    gr(5, 0x10);
    gr(6, 0x0e);
}

static void text_with_nine_dots(void **st)
{
    (void)st;
    u8 glyph[16], line[16];
    for (unsigned i = 0; i < 16; i++) {
        glyph[i] = (u8)(0x81 + i * 7);
        line[i] = 0xff;
    }
    mode_set(&mode3);
    font_load(0, 'A', glyph);
    font_load(0, 0xc4, line);
    wr(0xb8000 + 2 * (80 * 3 + 5), 2, 'A' | 0x1e << 8);
    wr(0xb8000 + 2 * (80 * 3 + 6), 2, 0xc4 | 0x2f << 8);
    wr(0xb8000 + 2 * (80 * 3 + 7), 2, 'A' | 0x2f << 8);
    refresh();
    assert_size(720, 400);
    u32 bg = color(1), fg = color(0x3e);
    for (int y = 0; y < 16; y++) {
        for (int x = 0; x < 9; x++) {
            assert_int_equal(px(45 + x, 48 + y), x < 8 && glyph[y] >> (7 - x) & 1 ? fg : bg);
            assert_int_equal(px(54 + x, 48 + y), color(0x3f)); /* line graphics: the ninth dot is the eighth */
        }
        assert_int_equal(px(63 + 8, 48 + y), color(2));
    }
    refresh();
    assert_int_equal(seen.ndirty, 0);
    wr(0xb8000 + 2 * (80 * 3 + 5), 1, 0xc4);
    refresh();
    assert_true(seen.ndirty > 0 && seen.dirty.x >= 45 && seen.dirty.x + seen.dirty.w <= 54);
    ar(0x10, 0x08); /* no line graphics: a gap */
    refresh();
    assert_int_equal(px(54 + 8, 48), color(2));
    sr(1, 1); /* 8 dots */
    ar(0x13, 0);
    refresh();
    assert_size(640, 400);
    assert_int_equal(px(48, 48), color(0x3f));
}

static void text_cursor_and_blink(void **st)
{
    (void)st;
    mode_set(&mode3);
    u8 full[16];
    memset(full, 0xff, 16);
    font_load(0, 'X', full);
    wr(0xb8000, 2, 'X' | 0x87 << 8);
    cr(0x0e, 0);
    cr(0x0f, 81);
    wr(0xb8000 + 2 * 81, 2, ' ' | 0x0a << 8);
    refresh();
    assert_int_equal(px(9 + 4, 16 + 13), color(0x3a));
    assert_int_equal(px(9 + 8, 16 + 14), color(0x3a));
    assert_int_equal(px(9 + 4, 16 + 12), color(0));
    assert_int_equal(px(9 + 4, 16 + 15), color(0));
    assert_int_equal(px(4, 4), color(7));
    clock_set(270000000); /* the other half of the cursor's blinking */
    refresh();
    assert_int_equal(px(9 + 4, 16 + 13), color(0));
    assert_int_equal(px(4, 4), color(7));
    clock_set(540000000);
    refresh();
    assert_int_equal(px(9 + 4, 16 + 13), color(0x3a));
    assert_int_equal(px(4, 4), color(0));
    ar(0x10, 0x04); /* bit 7 is brightness */
    refresh();
    wr(0xb8000, 2, ' ' | 0x87 << 8);
    refresh();
    assert_int_equal(px(4, 4), color(0x38));
    cr(0x0a, 0x2d);
    refresh();
    assert_int_equal(px(9 + 4, 16 + 13), color(0));
    struct text_screen t;
    assert_true(screen_text(screen_next(NULL), &t));
    assert_int_equal(t.cols, 80);
    assert_int_equal(t.rows, 25);
    assert_int_equal(t.cursor_x, -1);
    assert_int_equal(t.cells[0].bg, 8);
    assert_int_equal(t.cells[81].fg, 10);
    cr(0x0a, 0x0d);
    assert_true(screen_text(screen_next(NULL), &t));
    assert_int_equal(t.cursor_x, 1);
    assert_int_equal(t.cursor_y, 1);
}

static void text_fonts_panning_and_split(void **st)
{
    (void)st;
    u8 full[16], half[16];
    memset(full, 0xff, 16);
    memset(half, 0xf0, 16);
    mode_set(&mode3);
    cr(0x0a, 0x20);
    font_load(0, 1, full);
    font_load(0x4000, 1, half);
    sr(3, 0x04); /* attribute bit 3: the second font */
    for (unsigned i = 0; i < 80 * 40; i++) {
        wr(0xb8000 + 2 * i, 2, 0x0700);
    }
    wr(0xb8000, 2, 0x0701);
    wr(0xb8002, 2, 0x0f01);
    refresh();
    assert_int_equal(px(7, 0), color(7));
    assert_int_equal(px(9 + 3, 0), color(0x3f));
    assert_int_equal(px(9 + 4, 0), color(0));
    ar(0x13, 2); /* three dots of nine */
    refresh();
    assert_int_equal(px(4, 0), color(7));
    assert_int_equal(px(5, 0), color(0)); /* the ninth dot */
    assert_int_equal(px(6, 0), color(0x3f));
    ar(0x13, 8);
    cr(8, 5); /* starts five scan lines further down the row */
    refresh();
    assert_int_equal(px(0, 10), color(7));
    assert_int_equal(px(0, 11), color(0));
    cr(8, 0x20); /* one character to the left */
    refresh();
    assert_int_equal(px(0, 0), color(0x3f));
    cr(8, 0);
    cr(0x0d, 80); /* starts on the second row; the first is below the split */
    refresh();
    assert_int_equal(px(0, 0), color(0));
    cr(0x18, 199);
    cr(7, 0x0f);
    cr(9, 0x0f);
    refresh();
    assert_int_equal(px(0, 199), color(0));
    assert_int_equal(px(0, 200), color(7));
    assert_int_equal(px(0, 216), color(0));
}

/* -- graphics -------------------------------------------------------------------------------------------------------
 */

static void planar_modes(void **st)
{
    (void)st;
    mode_set(&mode12);
    for (unsigned plane = 0; plane < 4; plane++) {
        sr(2, 1 << plane);
        wr(0xa0000 + 80 * 7 + 3, 1, (plane & 1 ? 0x66 : 0x0f) << (plane & 2 ? 1 : 0) & 0xff);
    }
    refresh();
    assert_size(640, 480);
    static const u8 p[4] = {0x0f, 0x66, 0x1e, 0xcc};
    for (int x = 0; x < 8; x++) {
        unsigned i = 0;
        for (unsigned k = 0; k < 4; k++) {
            i |= (p[k] >> (7 - x) & 1u) << k;
        }
        assert_int_equal(px(24 + x, 7), color(mode12.ar[i]));
    }
    ar(0x12, 0x05); /* two planes off */
    refresh();
    assert_int_equal(px(24 + 1, 7), color(0));
    ar(0x12, 0x0f);
    ar(0x13, 3);
    refresh();
    assert_int_equal(px(24 + 1 - 3, 7), color(mode12.ar[0x0a]));
    ar(0x13, 0);
    cr(0x0d, 80 * 7 % 256);
    cr(0x0c, 80 * 7 / 256);
    refresh();
    assert_int_equal(px(24 + 1, 0), color(mode12.ar[0x0a]));
    ar(0x10, 0x81); /* bits 4 and 5 from the color select register */
    ar(0x14, 0x06);
    refresh();
    assert_int_equal(px(24 + 1, 0), color((mode12.ar[0x0a] & 15) | 2 << 4 | 1 << 6));

    mode_set(&mode_d);
    sr(2, 0x0f);
    gr(0, 9);
    gr(1, 0x0f);
    wr(0xa0000 + 40 * 199 + 39, 1, 0);
    refresh();
    assert_size(320, 200);
    assert_int_equal(px(319, 199), color(0x11));
    assert_int_equal(px(311, 199), color(0));
}

static void cga_modes(void **st)
{
    (void)st;
    mode_set(&mode4);
    wr(0xb8000 + 80 * 10 + 3, 1, 0x1b); /* even line */
    wr(0xba000 + 80 * 10 + 4, 1, 0xe4); /* the odd one below it */
    refresh();
    assert_size(320, 200);
    static const u8 even[4] = {0, 0x13, 0x15, 0x17};
    for (int i = 0; i < 4; i++) {
        assert_int_equal(px(12 + i, 20), color(even[i]));
        assert_int_equal(px(16 + i, 21), color(even[3 - i]));
    }
    mode_set(&mode6);
    wr(0xb8000 + 80 * 10 + 3, 1, 0xa5);
    wr(0xba000 + 80 * 10 + 3, 1, 0x5a);
    refresh();
    assert_size(640, 200);
    for (int i = 0; i < 8; i++) {
        assert_int_equal(px(24 + i, 20), color(0xa5 >> (7 - i) & 1 ? 0x17 : 0));
        assert_int_equal(px(24 + i, 21), color(0x5a >> (7 - i) & 1 ? 0x17 : 0));
    }
}

static void bytes_chained_and_not(void **st)
{
    (void)st;
    mode_set(&mode13);
    for (unsigned i = 0; i < 64000; i++) {
        wr(0xa0000 + i, 1, (u8)(i * 7));
    }
    refresh();
    assert_size(320, 200);
    for (unsigned i = 0; i < 64000; i += 13) {
        assert_int_equal(px((int)(i % 320), (int)(i / 320)), color((u8)(i * 7)));
    }
    refresh();
    assert_int_equal(seen.ndirty, 0);
    wr(0xa0000 + 320 * 50 + 7, 1, 99);
    refresh();
    assert_dirty(7, 50, 1, 1);
    dac(99, 63, 0, 0);
    refresh();
    assert_int_equal(px(7, 50), 0xff0000);
    outp(0x3c6, 1, 0x0f);
    refresh();
    assert_int_equal(px(7, 50), color(99 & 15));
    outp(0x3c6, 1, 0xff);

    /* mode X: planes, byte addressing, 400 lines, scrolled and panned */
    sr(4, 6);
    cr(0x14, 0);
    cr(0x17, 0xe3);
    cr(9, 0x40);
    for (unsigned plane = 0; plane < 4; plane++) {
        sr(2, 1 << plane);
        for (unsigned i = 0; i < 80 * 500; i++) {
            wr(0xa0000 + i, 1, (u8)(i + plane * 50));
        }
    }
    cr(0x0d, 80);
    refresh();
    assert_size(320, 400);
    for (int y = 0; y < 400; y += 7) {
        for (int x = 0; x < 320; x++) {
            u8 want = (u8)(80 * (y + 1) + x / 4 + (x & 3) * 50);
            assert_int_equal(px(x, y), want == 99 ? 0xff0000 : color(want));
        }
    }
    ar(0x13, 4);
    refresh();
    assert_int_equal(px(0, 0), color(80 + 2 * 50));
}

static void blank(void **st)
{
    (void)st;
    mode_set(&mode13);
    wr(0xa0000, 1, 5);
    refresh();
    assert_int_equal(px(0, 0), color(5));
    sr(1, 0x21);
    refresh();
    assert_int_equal(px(0, 0), 0);
    sr(1, 1);
    refresh();
    assert_int_equal(px(0, 0), color(5));
    inp(0x3da, 1);
    outp(0x3c0, 1, 0);
    refresh();
    assert_int_equal(px(0, 0), 0);
    outp(0x3c0, 1, 0); /* the value of register 0 */
    outp(0x3c0, 1, 0x20);
    refresh();
    assert_int_equal(px(0, 0), color(5));
}

/* -- memory ----------------------------------------------------------------------------------------------------------
 */

static u32 word_at(u32 at)
{
    return (u32)rd(LFB + 4ull * at, 4);
}

static void write_modes(void **st)
{
    (void)st;
    mode_set(&mode12);
    const u64 at = 0xa0000 + 100;
    wr(at, 1, 0xf0);
    assert_int_equal(word_at(100), 0xf0f0f0f0);
    gr(3, 3); /* turned */
    wr(at, 1, 0x81);
    assert_int_equal(word_at(100), 0x30303030);
    gr(3, 0);
    sr(2, 0x0a); /* two planes */
    wr(at, 1, 0xff);
    assert_int_equal(word_at(100), 0xff30ff30);
    sr(2, 0x0f);
    gr(0, 0x0c);
    gr(1, 0x05); /* planes 0 and 2 from set/reset */
    wr(at, 1, 0x3c);
    assert_int_equal(word_at(100), 0x3cff3c00);
    gr(1, 0);
    rd(at, 1);
    gr(8, 0x0f);
    wr(at, 1, 0xaa);
    assert_int_equal(word_at(100), 0x3afa3a0a);
    gr(8, 0xff);
    static const u32 by_function[4] = {0x55555555, 0x10501000, 0x7fff7f5f, 0x6faf6f5f};
    for (u8 f = 0; f < 4; f++) {
        wr(LFB + 400, 4, 0x3afa3a0a);
        rd(at, 1);
        gr(3, f << 3);
        wr(at, 1, 0x55);
        assert_int_equal(word_at(100), by_function[f]);
    }
    gr(3, 0);
    wr(LFB + 400, 4, 0x12345678);
    rd(at, 1);
    gr(5, 1); /* mode 1: latches */
    wr(at + 1, 1, 0);
    assert_int_equal(word_at(101), 0x12345678);
    gr(5, 2); /* mode 2: a color */
    gr(8, 0x3c);
    wr(at, 1, 0x05);
    assert_int_equal(word_at(100), 0x023c427c);
    gr(5, 3); /* mode 3: set/reset through a turned mask */
    gr(8, 0xf0);
    gr(0, 0x03);
    gr(3, 0x04);
    wr(LFB + 400, 4, 0x12345678);
    rd(at, 1);
    wr(at, 1, 0xa5); /* turned: 0x5a, masked: 0x50 */
    assert_int_equal(word_at(100), 0x02245678);
}

static void read_modes(void **st)
{
    (void)st;
    mode_set(&mode12);
    wr(LFB + 4 * 50, 4, 0xcc3c0ff0);
    for (u8 p = 0; p < 4; p++) {
        gr(4, p);
        assert_int_equal(rd(0xa0000 + 50, 1), 0xcc3c0ff0u >> 8 * p & 0xff);
        cr(0x22, 0);
        assert_int_equal(inp(0x3d5, 1), 0xcc3c0ff0u >> 8 * p & 0xff);
    }
    gr(5, 8);
    gr(2, 0x0c);
    gr(7, 0x0f);
    assert_int_equal(rd(0xa0000 + 50, 1), (u8)(~0xf0 & ~0x0f & 0x3c & 0xcc));
    gr(7, 0x08);
    assert_int_equal(rd(0xa0000 + 50, 1), 0xcc);
    gr(7, 0);
    assert_int_equal(rd(0xa0000 + 50, 1), 0xff);
    assert_int_equal(rd(0xa0000 + 50, 4) & 0xff, 0xff);
}

static void windows(void **st)
{
    (void)st;
    mode_set(&mode3);
    wr(0xb8000, 4, 0x44332211);
    assert_int_equal(rd(0xb8000, 4), 0x44332211);
    assert_int_equal(word_at(0) & 0xffff, 0x2211);
    assert_int_equal(word_at(2) & 0xffff, 0x4433);
    assert_int_equal(rd(0xa0000, 1), 0xff);
    gr(6, 0x0a); /* at 0xb0000 */
    assert_int_equal(rd(0xb0000, 2), 0x2211);
    assert_int_equal(rd(0xb8000, 2), 0xffff);
    outp(0x3c2, 1, 0x65); /* memory off */
    assert_int_equal(rd(0xb0000, 2), 0xffff);
    mode_set(&mode13);
    wr(0xa0000 + 0x1234, 4, 0x01020304);
    assert_int_equal(rd(LFB + 0x1234, 4), 0x01020304);
    sr(2, 0x01);
    wr(0xa0000 + 0x1234, 4, 0x0a0b0c0d); /* plane 0 only */
    assert_int_equal(rd(LFB + 0x1234, 4), 0x0102030d);
    assert_int_equal(rd(0xa0000 + 0x1234, 4), 0x0102030d);
}

/* -- registers -------------------------------------------------------------------------------------------------------
 */

static void registers(void **st)
{
    (void)st;
    mode_set(&mode3);
    cr(0x11, 0x8e);
    cr(0, 0x11);
    cr(7, 0xff);
    outp(0x3d4, 1, 0);
    assert_int_equal(inp(0x3d5, 1), 0x5f);
    outp(0x3d4, 1, 7);
    assert_int_equal(inp(0x3d5, 1), 0x1f);
    assert_int_equal(inp(0x3b5, 1), 0xff); /* monochrome's is not there */
    outp(0x3c2, 1, 0x66);
    assert_int_equal(inp(0x3b5, 1), 0x1f);
    assert_int_equal(inp(0x3d5, 1), 0xff);
    outp(0x3c2, 1, 0x67);
    assert_int_equal(inp(0x3cc, 1), 0x67);
    outp(0x3da, 1, 2);
    assert_int_equal(inp(0x3ca, 1), 2);
    inp(0x3da, 1);
    outp(0x3c0, 1, 0x31);
    assert_int_equal(inp(0x3c1, 1), 0);
    outp(0x3c0, 1, 0x1a);
    assert_int_equal(inp(0x3c0, 1), 0x31);
    assert_int_equal(inp(0x3c1, 1), 0x1a);
    dac(10, 1, 2, 3);
    dac(11, 4, 5, 0xff);
    outp(0x3c7, 1, 10);
    assert_int_equal(inp(0x3c7, 1), 3);
    static const u8 want[6] = {1, 2, 3, 4, 5, 63};
    for (unsigned i = 0; i < 6; i++) {
        assert_int_equal(inp(0x3c9, 1), want[i]);
    }
    outp(0x3c8, 1, 0);
    assert_int_equal(inp(0x3c7, 1), 0);
    /* the beam comes round: 449 lines of 900 dots at 28.322 MHz */
    unsigned both = 0, none = 0;
    for (unsigned us = 0; us < 14268; us += 5) {
        clock_set(us * 1000ull);
        u64 s = inp(0x3da, 1);
        both += (s & 9) == 9;
        none += !(s & 9);
        assert_false((s & 9) == 8);
    }
    assert_in_range(both * 5, 50, 80);
    assert_in_range(none * 5, 9500, 11500);
}

int main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(text_with_nine_dots),
        T(text_cursor_and_blink),
        T(text_fonts_panning_and_split),
        T(planar_modes),
        T(cga_modes),
        T(bytes_chained_and_not),
        T(blank),
        T(write_modes),
        T(read_modes),
        T(windows),
        T(registers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
