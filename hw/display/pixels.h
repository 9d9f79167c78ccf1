/* Pixels in guest memory to pixels of a surface. */
#ifndef MOSS_HW_DISPLAY_PIXELS_H
#define MOSS_HW_DISPLAY_PIXELS_H

#include "base/types.h"
#include "ui/screen.h"

/* n pixels, little-endian: 15, 16, 24 bits (blue lowest) or 32. */
void pixels_convert(u32 *out, const u8 *in, int n, unsigned bpp);
/* A line of the surface: where it differs from `line`, takes it over. Neighbouring lines that changed are one dirty
 * rectangle, told by the next line that did not, or by pixels_end(). */
struct pixel_run {
    int y, h, left, right;
};
void pixels_put(struct screen *s, struct pixel_run *r, int y, const u32 *line);
void pixels_skip(struct screen *s, struct pixel_run *r);
/* A whole surface from guest RAM with ram_watch(): lines of pages that were written, or all. */
void pixels_paint(struct screen *s, const u8 *from, u64 stride, unsigned bpp, bool all);

#endif
