/* Linear pixels to the surface, by lines whose pages were written (pixels.h). */
#include "hw/display/pixels.h"

#include <string.h>

#include "base/bits.h"
#include "memory/memory.h"

static u32 wide5(unsigned c)
{
    return c << 3 | c >> 2;
}

void pixels_convert(u32 *out, const u8 *in, int n, unsigned bpp)
{
    switch (bpp) {
    case 15:
        for (int i = 0; i < n; i++) {
            unsigned c = ld16le(in + 2 * i);
            out[i] = wide5(c >> 10 & 31) << 16 | wide5(c >> 5 & 31) << 8 | wide5(c & 31);
        }
        break;
    case 16:
        for (int i = 0; i < n; i++) {
            unsigned c = ld16le(in + 2 * i);
            out[i] = wide5(c >> 11) << 16 | ((c >> 5 & 63) << 2 | (c >> 9 & 3)) << 8 | wide5(c & 31);
        }
        break;
    case 24:
        for (int i = 0; i < n; i++) {
            out[i] = in[3 * i] | (u32)in[3 * i + 1] << 8 | (u32)in[3 * i + 2] << 16;
        }
        break;
    default:
        for (int i = 0; i < n; i++) {
            out[i] = ld32le(in + 4 * i) & 0xffffff;
        }
        break;
    }
}

void pixels_skip(struct screen *s, struct pixel_run *r)
{
    if (r->h) {
        screen_dirty(s, r->left, r->y, r->right - r->left, r->h);
    }
    r->h = 0;
}

void pixels_put(struct screen *s, struct pixel_run *r, int y, const u32 *line)
{
    struct surface *f = screen_surface(s);
    u32 *row = f->px + (size_t)y * (size_t)f->w;
    int a = 0, b = f->w;
    while (a < b && row[a] == line[a]) {
        a++;
    }
    while (b > a && row[b - 1] == line[b - 1]) {
        b--;
    }
    if (a == b) {
        pixels_skip(s, r);
        return;
    }
    memcpy(row + a, line + a, (size_t)(b - a) * sizeof(*row));
    r->left = r->h ? MIN(r->left, a) : a;
    r->right = r->h ? MAX(r->right, b) : b;
    r->y = r->h++ ? r->y : y;
}

void pixels_paint(struct screen *s, const u8 *from, u64 stride, unsigned bpp, bool all)
{
    struct surface *f = screen_surface(s);
    struct pixel_run r = {0};
    u32 line[SCREEN_MAX];
    u64 off = ram_offset(from), taken = 0; /* pages below `taken` were asked */
    bool last_written = false;
    for (int y = 0; y < f->h; y++, from += stride, off += stride) {
        u64 first = align_down(off, RAM_PAGE_SIZE), end = off + (u64)f->w * ((bpp + 7) / 8);
        bool written = all || (first < taken && last_written);
        for (u64 at = MAX(first, taken); at < end; at += RAM_PAGE_SIZE) {
            last_written = ram_take_dirty(at);
            written |= last_written;
            taken = at + RAM_PAGE_SIZE;
        }
        if (!written) {
            pixels_skip(s, &r);
            continue;
        }
        pixels_convert(line, from, f->w, bpp);
        pixels_put(s, &r, y, line);
    }
    pixels_skip(s, &r);
}
