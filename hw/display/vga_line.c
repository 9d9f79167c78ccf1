/* One scan line of a VGA's picture: text, planes, CGA's two-bit pixels, bytes, and linear pixels of VBE modes. SPEC:
 * IBM PS/2 Hardware Interface Technical Reference, "Attribute Controller", "Graphics Mode Register"; FreeVGA for 9-dot
 * text.
 */
#include <string.h>

#include "base/bits.h"
#include "hw/display/pixels.h"
#include "hw/display/vga_priv.h"

enum { ATTR_BRIGHT = 8, ATTR_BLINK = 0x80 };

/* -- text ------------------------------------------------------------------------------------------------------------
 */

/* The dots of a character's row, the leftmost in bit dots - 1. */
static unsigned glyph_row(const struct vga *v, const struct picture *p, u8 ch, u8 attr, unsigned row)
{
    const u32 *words = (const u32 *)(const void *)v->ram.host;
    u32 at = p->font[attr & ATTR_BRIGHT ? 1 : 0] + ch * 32u + (row & 31);
    unsigned g = words[at & 0xffff] >> 16 & 0xff;
    if (row == p->underline && (attr & 0x77) == 1) {
        g = 0xff;
    }
    if (p->dots == 9) {
        g = g << 1 | (p->line_graphics && ch >= 0xc0 && ch <= 0xdf ? g & 1 : 0);
    }
    return g;
}

static void text_cell_draw(const struct vga *v, const struct picture *p, u32 cell, bool cursor, unsigned row, u32 *out)
{
    u8 ch = (u8)cell, attr = (u8)(cell >> 8);
    unsigned fg = attr & 15, bg = attr >> 4, g = glyph_row(v, p, ch, attr, row);
    if (p->font[0] != p->font[1]) { /* bit 3 chooses the font; the colour keeps it */
        fg = attr & 15;
    }
    if (p->blinks) {
        bg &= 7;
        g = attr & ATTR_BLINK && p->blink_off ? 0 : g;
    }
    if (cursor) {
        g = 0x1ff;
    }
    u32 color[2] = {p->pal[bg], p->pal[fg]};
    for (unsigned i = 0; i < p->dots; i++) {
        out[i] = color[g >> (p->dots - 1 - i) & 1];
    }
}

static void text_line(const struct vga *v, const struct picture *p, unsigned counter, unsigned row, u32 *out)
{
    for (unsigned i = 0; i <= p->chars; i++, out += p->dots) {
        unsigned at = (counter + i) & 0xffff;
        bool cursor = p->cursor_shown && at == p->cursor && row >= p->cursor_first && row <= p->cursor_last;
        text_cell_draw(v, p, vga_fetch(v, p, at, row), cursor, row, out);
    }
}

/* -- graphics -------------------------------------------------------------------------------------------------------
 */

/* Bit 7 - i of a byte in byte i, as 0 or 1. */
static u64 spread(unsigned byte)
{
    u64 x = byte * 0x0101010101010101ull & 0x0102040810204080ull;
    return (x + 0x7f7f7f7f7f7f7f7full) >> 7 & 0x0101010101010101ull;
}

static void planes_draw(const struct picture *p, u32 w, u32 *out)
{
    u64 idx = spread(w & 0xff) | spread(w >> 8 & 0xff) << 1 | spread(w >> 16 & 0xff) << 2 | spread(w >> 24) << 3;
    for (unsigned i = 0; i < 8; i++) {
        out[i] = p->pal[idx >> 8 * i & 15];
    }
}

/* Pixels 0 to 3 from planes 0 (low bits) and 2, 4 to 7 from 1 and 3. */
static void cga_draw(const struct picture *p, u32 w, u32 *out)
{
    for (unsigned i = 0; i < 8; i++) {
        unsigned low = w >> (i < 4 ? 0 : 8) & 0xff, high = w >> (i < 4 ? 16 : 24) & 0xff, at = 6 - 2 * (i & 3);
        out[i] = p->pal[(low >> at & 3) | (high >> at & 3) << 2];
    }
}

static void bytes_draw(const struct picture *p, u32 w, u32 *out)
{
    for (unsigned i = 0; i < 4; i++) {
        out[i] = p->pal[w >> 8 * i & 0xff];
    }
}

static void words_line(const struct vga *v, const struct picture *p, unsigned counter, unsigned row, u32 *out)
{
    void (*draw)(const struct picture *pic, u32 w, u32 *to) = p->kind == PICTURE_256   ? bytes_draw
                                                              : p->kind == PICTURE_CGA ? cga_draw
                                                                                       : planes_draw;
    unsigned step = p->kind == PICTURE_256 ? 4 : 8;
    for (unsigned i = 0; i <= p->chars; i++, out += step) {
        draw(p, vga_fetch(v, p, counter + i, row), out);
    }
}

/* -- linear ---------------------------------------------------------------------------------------------------------
 */

static void linear_line(const struct vga *v, const struct picture *p, u64 at, u32 *out)
{
    u64 step = (p->bpp + 7) / 8, room = (v->ram.size - MIN(at, v->ram.size)) / step;
    int n = (int)MIN(room, (u64)p->w);
    const u8 *in = v->ram.host + at;
    if (p->bpp == 8) {
        for (int i = 0; i < n; i++) {
            out[i] = p->pal[in[i]];
        }
    } else {
        pixels_convert(out, in, n, p->bpp);
    }
    memset(out + n, 0, (size_t)(p->w - n) * sizeof(*out)); /* memory ends here */
}

void vga_line_draw(const struct vga *v, const struct picture *p, unsigned counter, unsigned row, unsigned pan, u32 *out)
{
    if (p->kind == PICTURE_LINEAR) {
        linear_line(v, p, counter, out);
        return;
    }
    (p->kind == PICTURE_TEXT ? text_line : words_line)(v, p, counter, row, out);
    if (pan) {
        memmove(out, out + pan, (size_t)p->w * sizeof(*out));
    }
}
